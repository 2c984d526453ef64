"""The log's file: whole lines only, whoever writes, whatever kills; and what is in it already."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import CHECKOUT

from pipguard.environments.inventory import Change, InstalledPackage, Location
from pipguard.history import log as history
from pipguard.history.log import Entry, LogUnusable, append_entry, read_history

CHANGES = (
    Change(Location("environment", "/p/.venv"), "six", None, InstalledPackage("1.0")),
    Change(
        Location("pipx", "/pipx"), "black", InstalledPackage("1", ("--editable", "file:///é")), None
    ),
)
ENTRY = Entry(("pip", "install", "\udcff é\n"), "/p", "venv", 0, "/usr/bin/python3", ("/p/.venv",))


BAD_VALUES: tuple[object, ...] = (None, 7.5, [[7]], {})


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "state" / "pipguard")


def write(folder: str, identifier: str, undoes: str = "") -> None:
    append_entry(folder, replace(ENTRY, identifier=identifier, time=7.0, undoes=undoes))


def identifiers(folder: str) -> list[str]:
    return [entry.identifier for entry in read_history(folder).entries]


def test_an_entry_comes_back_as_it_went(folder: str) -> None:
    entry = replace(ENTRY, changes=CHANGES, time=1700000000.0, removed=("/q",), undoes="x")
    append_entry(folder, entry)
    assert read_history(folder).entries == (entry,)


def test_only_the_user_can_read_it(folder: str) -> None:
    before = os.umask(0)
    try:
        write(folder, "a")
        (Path(folder) / history.NAME).chmod(0o644)
        write(folder, "b")
    finally:
        os.umask(before)
    assert Path(folder).stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in Path(folder).iterdir()} == {0o600}


def test_no_log_is_an_empty_one(folder: str) -> None:
    assert read_history(folder).entries == ()


def test_killed_at_any_byte_of_the_last_line(folder: str) -> None:
    write(folder, "first")
    whole = (Path(folder) / history.NAME).read_bytes()
    for length in range(len(whole)):
        (Path(folder) / history.NAME).write_bytes(whole + whole[:length])
        assert identifiers(folder)[:1] == ["first"]
        write(folder, "next")
        found = identifiers(folder)
        # A line that lacks nothing but its end is an entry like any other.
        assert found in (["first", "next"], ["first", "first", "next"]), length
        assert len(found) == 2 or length == len(whole) - 1


def test_lines_that_are_no_entries_are_counted_and_kept(folder: str) -> None:
    write(folder, "a")
    path = Path(folder) / history.NAME
    good = path.read_bytes()
    spoilt = [b"", b"{}", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b"[" * 100000, b"{" * 5000]
    document = json.loads(good)
    for key in document:
        spoilt += [json.dumps({**document, key: bad}).encode() for bad in BAD_VALUES]
        if key not in {"origin", "opened", "closed"}:
            spoilt.append(json.dumps({k: v for k, v in document.items() if k != key}).encode())
    path.write_bytes(good + b"\n".join(spoilt) + b"\n")
    found = read_history(folder)
    assert [entry.identifier for entry in found.entries] == ["a"]
    assert found.unreadable == len(spoilt) - 1  # an empty line is no line


def test_entries_of_the_first_versions_have_no_origin(folder: str) -> None:
    write(folder, "a")
    path = Path(folder) / history.NAME
    document = json.loads(path.read_bytes())
    del document["origin"]
    path.write_text(json.dumps(document) + "\n")
    (entry,) = read_history(folder).entries
    assert entry.origin == ()


def test_entries_of_a_newer_version_are_shown_and_kept(folder: str) -> None:
    write(folder, "a")
    newer = {"format": history.FORMAT + 1, "id": "new", "time": "2030-01-01T00:00:00Z", "other": {}}
    with (Path(folder) / history.NAME).open("a") as file:
        file.write(json.dumps(newer) + "\n")
    write(folder, "b")
    found = read_history(folder)
    assert [(e.identifier, e.is_newer) for e in found.entries] == [
        ("a", False),
        ("new", True),
        ("b", False),
    ]


def test_many_writers_at_once(folder: str) -> None:
    code = (
        "import sys; from pipguard.history.log import Entry, append_entry\n"
        "for number in range(40):\n"
        "    append_entry(sys.argv[1], Entry(('x' * 3000,), '/', 'venv', 0,"
        " identifier=sys.argv[2] + str(number)))\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, folder, name], cwd=CHECKOUT)
        for name in "abcd"
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    wanted = {f"{name}{number}" for name in "abcd" for number in range(40)}
    assert set(identifiers(folder)) == wanted
    assert read_history(folder).unreadable == 0


def test_a_writer_that_stands_still_stops_nobody(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "a")
    monkeypatch.setattr(history, "_LONGEST_WAIT", 0.02)
    with (Path(folder) / f"{history.NAME}.lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(LogUnusable, match="does not let go"):
            write(folder, "b")
    write(folder, "c")
    assert identifiers(folder) == ["a", "c"]


def test_a_full_disk_leaves_the_log_as_it_was(folder: str) -> None:
    write(folder, "a")
    before = (Path(folder) / history.NAME).read_bytes()
    code = (
        "import resource, signal, sys; from pipguard.history.log import *\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "limit = int(sys.argv[2]) + 100\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "try:\n"
        "    append_entry(sys.argv[1], Entry(('x' * 3000,), '/', 'venv', 0))\n"
        "except LogUnusable as error:\n"
        "    sys.exit(f'unusable: {error.message}')\n"
    )
    words = [sys.executable, "-c", code, folder, str(len(before))]
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.stderr == f"unusable: {folder}: File too large\n"
    assert (Path(folder) / history.NAME).read_bytes() == before


def test_the_older_half_goes_at_the_limit(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_BYTES", 4000)
    for number in range(100):
        write(folder, f"{number:03}")
    assert (Path(folder) / history.NAME).stat().st_size <= 4000
    found = identifiers(folder)
    assert found == [f"{number:03}" for number in range(100 - len(found), 100)]
    assert len(found) > 4
    assert read_history(folder).unreadable == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make a file of somebody else's")
def test_a_log_of_somebody_elses_is_left_alone(folder: str) -> None:
    write(folder, "a")
    path = Path(folder) / history.NAME
    before = path.read_bytes()
    os.chown(path, 12345, 12345)
    with pytest.raises(LogUnusable, match="belongs to user 12345"):
        read_history(folder)
    with pytest.raises(LogUnusable, match="belongs to user 12345"):
        write(folder, "b")
    assert path.read_bytes() == before


def test_a_link_is_not_followed(folder: str, tmp_path: Path) -> None:
    write(folder, "a")
    path = Path(folder) / history.NAME
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    before = (tmp_path / "elsewhere").read_bytes()
    with pytest.raises(LogUnusable):
        write(folder, "b")
    assert (tmp_path / "elsewhere").read_bytes() == before


def test_an_undo_that_was_undone_undoes_nothing(folder: str) -> None:
    write(folder, "a")
    write(folder, "b", undoes="a")
    assert read_history(folder).find_undone() == {"a"}
    write(folder, "c", undoes="b")
    assert read_history(folder).find_undone() == {"b"}
    write(folder, "d", undoes="c")
    assert read_history(folder).find_undone() == {"a", "c"}
