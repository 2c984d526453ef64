"""Answers that stay true as long as certain files are what they were.

In: a question, the files that its answer depends on. Out: the answer once given, or None. Kept in
the user's own cache, one small file for each question; what is foreign, writable by others, torn or
of another version counts as nothing, and where nothing can be kept every question is asked again.
Never holds the question itself: it may contain an index's password.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from pipguard.digests import digest
from pipguard.doors import dataclass
from pipguard.folders import is_private, open_private_folder

# Of the layout and of what the fingerprint is made from.
_VERSION = b"pipguard-memory-1"
_MOST_KEPT = 256
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Question:
    """Something asked before, as it stands now.

    Made before the answer is looked for: what changes in the meantime makes it another question.
    """

    name: str
    fingerprint: bytes


def make_question(words: Iterable[str], witnesses: Iterable[str]) -> Question:
    """Return the question that `words` ask while these files are as they are, or are missing."""
    paths = list(witnesses)
    state = [_describe_file(path) for path in paths]
    return Question(
        digest([*map(os.fsencode, words), b"", *map(os.fsencode, paths)]), digest(state).encode()
    )


def recall(folder: str, question: Question) -> str | None:
    """Return the answer that was given while everything was as it is now."""
    try:
        with open(os.path.join(folder, question.name), "rb") as file:
            if not is_private(os.fstat(file.fileno())):
                return None
            parts = file.read(_LONGEST).split(b"\n")
    except (OSError, ValueError):
        return None
    if len(parts) != 4 or parts[:2] != [_VERSION, question.fingerprint] or parts[3]:
        return None
    return os.fsdecode(parts[2])


def remember(folder: str, question: Question, answer: str) -> None:
    """Keep the answer, a single line, until its causes change."""
    if not folder or not open_private_folder(folder):
        return
    path = os.path.join(folder, question.name)
    own = f"{path}.{os.getpid()}"
    content = b"\n".join((_VERSION, question.fingerprint, os.fsencode(answer), b""))
    try:
        # Written aside and moved: a reader meets the old file or the new one, nothing between.
        descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(content)
        os.replace(own, path)
        _forget_oldest(folder)
    except OSError:
        _unlink(own)


def _describe_file(path: str) -> bytes:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return b"-"
    # ctime betrays an edit that put the time of the last change back.
    parts = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
    return b"%d %d %d %d" % parts


def _forget_oldest(folder: str) -> None:
    entries = [os.path.join(folder, name) for name in os.listdir(folder)]
    if len(entries) > _MOST_KEPT:
        for path in sorted(entries, key=_age)[: len(entries) // 2]:
            _unlink(path)


def _age(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
