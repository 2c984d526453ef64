"""Holds a lock file, so that one run of ours at a time changes one thing.

In: what the lock is about. Out: a context that holds it. A lock is free again as soon as its holder
and the children that share it are gone, however they ended (flock). Where the file system of the
cache knows no such locks (NFS without a lock daemon), the lock is in the temporary folder of this
machine; where neither knows them, nothing is locked. Never waits without saying so.
"""

from __future__ import annotations

import errno
import math
import os
import time
from _thread import get_ident
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

from pipguard.system.digests import digest
from pipguard.system.folders import cache_folder, open_private_folder
from pipguard.system.private_files import NO_LINK

_IS_HELD = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK}


_held: set[tuple[int, str]] = set()
"""The places whose lock is held, by thread."""


@contextmanager
def hold_place_lock(
    place: str,
    environ: Mapping[str, str],
    say: Callable[[str], None],
    looked: float = math.inf,
) -> Iterator[bool]:
    """Be the only run of ours that changes this environment, or pipx's.

    Tells whether another run may have changed it since we `looked` (seconds since the epoch): we
    waited for it, or it let go after that.

    Our children hold the lock with us: a pip that outlives us, killed, still changes the place.
    Who holds it already goes on.
    """
    real = os.path.realpath(place)
    holder = (get_ident(), real)
    if holder in _held:
        yield False
        return
    name = digest([os.fsencode(real)])[:32] + ".lock"
    paths = (os.path.join(folder, name) for folder in _list_lock_folders(environ))
    has_waited = False

    def announce() -> None:
        nonlocal has_waited
        has_waited = True
        say(f"another pip is busy in {place}, waiting for it")

    with _hold_first(paths, announce) as released:
        _held.add(holder)
        try:
            yield has_waited or released > looked
        finally:
            _held.discard(holder)


@contextmanager
def hold_lock_if_free(path: str) -> Iterator[bool]:
    """Hold the lock file at `path`; tell whether it is ours now.

    False where somebody else holds it, where there are no such locks, or no such file can be made.
    """
    descriptor = _open_locked(path)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _open_locked(path: str) -> int | None:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | NO_LINK, 0o600)
        except OSError:
            return None
        if _try_lock(descriptor) is not True:
            os.close(descriptor)
            return None
        if _is_at(path, descriptor):
            return descriptor
        os.close(descriptor)  # it was removed before it was locked


def _is_at(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except OSError:
        return False


@contextmanager
def hold_file_lock(path: str, seconds: float) -> Iterator[None]:
    """Hold the lock file at `path`, which is made if it is missing.

    Raises TimeoutError when somebody else holds it for so many seconds, and OSError when the file
    cannot be made. Without flock nothing is locked.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | NO_LINK, 0o600)
    try:
        deadline = time.monotonic() + seconds
        while _try_lock(descriptor) is False:
            if time.monotonic() > deadline:
                raise TimeoutError("another process holds its lock and does not let go")
            time.sleep(0.005)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _hold_first(paths: Iterable[str], announce: Callable[[], None]) -> Iterator[float]:
    """Hold the first lock file that can be locked; where none can be, hold nothing.

    Gives the moment of its last release, as far as it is known (seconds since the epoch, else 0).
    """
    if os.name == "nt":
        with _hold_by_filelock(next(iter(paths), ""), announce):
            yield 0
        return
    for path in paths:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | NO_LINK, 0o600)
        try:
            if _lock(descriptor, announce):
                os.set_inheritable(descriptor, True)
                try:
                    yield _read_release(descriptor)
                finally:
                    _note_release(descriptor)
                return
        finally:
            os.close(descriptor)
    yield 0


def _read_release(descriptor: int) -> float:
    """Return when a run last noted its release of this lock file, which is empty before that."""
    facts = os.fstat(descriptor)
    return facts.st_mtime if facts.st_size else 0


def _note_release(descriptor: int) -> None:
    """Set the file's time to now; what the system would set may be 10 ms old."""
    now = time.time()
    with suppress(OSError):
        os.ftruncate(descriptor, 1)
        os.utime(descriptor, (now, now))


def _lock(descriptor: int, announce: Callable[[], None]) -> bool:
    """Lock a file, waiting if need be; tell whether there are such locks."""
    is_free = _try_lock(descriptor)
    if is_free is False:
        import fcntl

        announce()
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return is_free is not None


def _try_lock(descriptor: int) -> bool | None:
    """Lock without waiting: false when it is held, None when there are no such locks here."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        return None
    except OSError as error:  # ENOLCK, EOPNOTSUPP, ENOSYS: the file system has none
        return False if error.errno in _IS_HELD else None
    return True


@contextmanager
def _hold_by_filelock(path: str, announce: Callable[[], None]) -> Iterator[None]:
    """Hold a lock on Windows. Elsewhere flock is used: importing filelock takes 13 ms."""
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


def _list_lock_folders(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the folders that may hold lock files: in the user's cache, then on this machine."""
    folder = cache_folder(environ, "locks")
    if folder and open_private_folder(folder):
        yield folder
    import tempfile

    own = f"pipguard-{os.getuid()}" if hasattr(os, "getuid") else "pipguard"
    folder = os.path.join(tempfile.gettempdir(), own)
    if open_private_folder(folder):
        yield folder
