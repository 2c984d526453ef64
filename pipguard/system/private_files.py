"""Reads and writes files that only the user may change: caches, answers, records.

In: a path, bytes. Out: the file, whole or not at all. A link is never followed, a file of somebody
else's is never believed, and a draft never stays behind.
"""

from __future__ import annotations

import os

from pipguard.system.folders import is_private, list_readable_names, open_private_folder

NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def read_private_file(path: str, longest: int) -> bytes | None:
    """Return the content; None for a file that is missing, too long, or not the user's alone."""
    try:
        with open(os.open(path, os.O_RDONLY | NO_LINK), "rb") as file:
            if not is_private(os.fstat(file.fileno())):
                return None
            data = file.read(longest + 1)
    except (OSError, ValueError):
        return None
    return data if len(data) <= longest else None


def write_private_file(path: str, data: bytes) -> bool:
    """Replace the file in one step; tell whether that was possible.

    A reader meets the old file or the new one. The folder is made where it is missing.
    """
    if not path or not open_private_folder(os.path.dirname(path)):
        return False
    draft = f"{path}.{os.getpid()}"
    try:
        remove_file(draft)  # of a process that died and had our number
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(draft, path)
    except OSError:
        remove_file(draft)
        return False
    return True


def remove_file(path: str) -> None:
    """Remove a file or link; what is missing or cannot be removed is no failure."""
    try:
        os.unlink(path)
    except OSError:
        return


def link_file(path: str, target: str) -> None:
    """Give a file a second name, or, where the file system has none, make a copy."""
    try:
        os.link(path, target, follow_symlinks=False)
    except OSError:
        import shutil

        shutil.copy2(path, target, follow_symlinks=False)


def remove_oldest(folder: str, most: int) -> None:
    """Remove the older half of the files in a folder when there are more than `most`."""
    paths = [os.path.join(folder, name) for name in list_readable_names(folder)]
    if len(paths) > most:
        for path in sorted(paths, key=_read_time)[: len(paths) // 2]:
            remove_file(path)


def _read_time(path: str) -> float:
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return 0.0
