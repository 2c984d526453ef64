"""One run at a time, and no run that fails or waits for ever where a file system knows no locks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness.running import run_module

from pipguard.system.locks import hold_file_lock, hold_place_lock

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def hold_elsewhere(path: Path) -> subprocess.Popen[bytes]:
    """Start a process that holds the lock file until its stdin is closed."""
    words = [sys.executable, "-I", "-c", HOLD, str(path)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_who_waits_is_told(tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    said: list[str] = []
    with hold_place_lock("/p/.venv", environ, said.append):
        (lock,) = (tmp_path / "pipguard/locks").iterdir()
    assert said == []
    holder = hold_elsewhere(lock)

    def say(line: str) -> None:
        said.append(line)
        holder.communicate()  # the other one ends, now that we wait

    with hold_place_lock("/p/.venv", environ, say):
        assert said == ["another pip is busy in /p/.venv, waiting for it"]


def test_who_looked_before_another_let_go_is_told(tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    looked = time.time()
    with hold_place_lock("/p/.venv", environ, print, looked) as is_outdated:
        assert not is_outdated, "nobody has held it yet"
    with hold_place_lock("/p/.venv", environ, print, looked) as is_outdated:
        assert is_outdated
    with hold_place_lock("/p/.venv", environ, print, time.time()) as is_outdated:
        assert not is_outdated


def test_a_lock_that_is_not_let_go_is_not_waited_for(tmp_path: Path) -> None:
    holder = hold_elsewhere(tmp_path / "lock")
    with pytest.raises(TimeoutError), hold_file_lock(str(tmp_path / "lock"), 0.1):
        pass
    holder.communicate()
    with hold_file_lock(str(tmp_path / "lock"), 0.1):
        pass


# What flock says on NFS without a lock daemon, on other network file systems, on some FUSE ones.
@pytest.mark.parametrize("error", ["ENOLCK", "EOPNOTSUPP", "ENOSYS"])
@pytest.mark.parametrize("everywhere", [False, True])
def test_a_file_system_without_locks(tmp_path: Path, error: str, everywhere: bool) -> None:
    (tmp_path / "tmp").mkdir()
    text = f"""
import errno, fcntl, tempfile
cache, everywhere = sys.argv[2], {everywhere}
tempfile.tempdir = cache + "/tmp"
real = fcntl.flock
def flock(file, flags):
    if everywhere or "pipguard/locks" in os.readlink(f"/proc/self/fd/{{file}}"):
        raise OSError(errno.{error}, "no locks")
    real(file, flags)
fcntl.flock = flock
with p.hold_place_lock("/p/.venv", {{"XDG_CACHE_HOME": cache}}, print):
    print("inside")
with p.hold_file_lock(cache + "/log.lock", 1):
    print("inside")
"""
    done = run_module("system.locks", text, str(tmp_path))
    assert (done.status, done.out, done.err) == (0, "inside\ninside\n", "")
    in_cache, in_temporary = tmp_path / "pipguard/locks", tmp_path / f"tmp/pipguard-{os.getuid()}"
    assert len(list(in_cache.iterdir())) == len(list(in_temporary.iterdir())) == 1


def test_who_holds_a_place_goes_on(tmp_path: Path) -> None:
    said: list[str] = []
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    lock = hold_place_lock("/p/.venv", environ, said.append)
    with lock as first, hold_place_lock("/p/.venv", environ, said.append) as second:
        assert (first, second, said) == (False, False, [])
