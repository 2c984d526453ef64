"""One run of ours at a time in one environment.

In: the environment's folder. Out: a context in which nobody else of ours changes it. The lock is a
file in the user's cache, never in the environment, and is free again as soon as its holder and the
pip that it started are gone, however they ended. Never waits without saying so.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from pipguard.digests import digest
from pipguard.folders import cache_folder, open_private_folder

_IS_HELD = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK}


@contextmanager
def hold_lock(
    environment: str, environ: Mapping[str, str], say: Callable[[str], None]
) -> Iterator[None]:
    """Be the only run of ours that changes this environment."""
    path = _lock_path(environment, environ)
    if path is None:
        yield
        return

    def announce() -> None:
        say(f"another pip is busy in {environment}, waiting for it")

    hold = _hold_by_filelock if os.name == "nt" else _hold_by_flock
    with hold(path, announce):
        yield


@contextmanager
def _hold_by_flock(path: str, announce: Callable[[], None]) -> Iterator[None]:
    """Hold the same lock as filelock does, without its 13 ms of imports."""
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _IS_HELD:  # a network file system without locks
                with _hold_by_filelock(path, announce):
                    yield
                return
            announce()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Our child holds it too: a pip that outlives us, killed, still changes the environment.
        os.set_inheritable(descriptor, True)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _hold_by_filelock(path: str, announce: Callable[[], None]) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        announce()
        lock.acquire(poll_interval=0.02)
    try:
        yield
    finally:
        lock.release()


def _lock_path(environment: str, environ: Mapping[str, str]) -> str | None:
    """Return a file that stands for this environment; None where none can be written."""
    name = digest([os.fsencode(os.path.realpath(environment))])[:32] + ".lock"
    folder = cache_folder(environ, "locks")
    if folder and open_private_folder(folder):
        return os.path.join(folder, name)
    import tempfile

    own = f"pipguard-{os.getuid()}" if hasattr(os, "getuid") else "pipguard"
    folder = os.path.join(tempfile.gettempdir(), own)
    return os.path.join(folder, name) if open_private_folder(folder) else None
