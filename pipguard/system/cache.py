"""Keeps answers that stay true as long as certain files are what they were.

In: a question, the files that its answer depends on. Out: the answer, or None. One small file for
each question in the user's own cache; a file that is foreign, writable by others, torn or of
another version is no answer. Never stores the question itself: it may contain a password.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from pipguard.system.digests import digest
from pipguard.system.frozen import dataclass
from pipguard.system.private_files import read_private_file, remove_oldest, write_private_file

# Of the file's layout and of what the fingerprint is made from.
_VERSION = b"pipguard-memory-1"
_MOST_KEPT = 256
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the state of the files that its answer depends on.

    Made before the answer is looked for: a file that changes meanwhile makes another question.
    """

    name: str
    fingerprint: bytes


def make_question(words: Iterable[str], files: Iterable[str]) -> Question:
    """Return the question that `words` ask while `files` are as they are, or are missing."""
    paths = list(files)
    state = [_describe_file(path) for path in paths]
    return Question(
        digest([*map(os.fsencode, words), b"", *map(os.fsencode, paths)]), digest(state).encode()
    )


def recall_answer(folder: str, question: Question) -> str | None:
    """Return the answer that was stored while every file was as it is now."""
    data = read_private_file(os.path.join(folder, question.name), _LONGEST)
    parts = data.split(b"\n") if data else []
    if len(parts) != 4 or parts[:2] != [_VERSION, question.fingerprint] or parts[3]:
        return None
    return os.fsdecode(parts[2])


def store_answer(folder: str, question: Question, answer: str) -> None:
    """Store an answer of one line; where nothing can be stored it is asked again next time."""
    content = b"\n".join((_VERSION, question.fingerprint, os.fsencode(answer), b""))
    if folder and write_private_file(os.path.join(folder, question.name), content):
        remove_oldest(folder, _MOST_KEPT)


def _describe_file(path: str) -> bytes:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return b"-"
    # ctime betrays an edit that put the time of the last change back.
    parts = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
    return b"%d %d %d %d" % parts
