"""Keeps what the user answered when asked whether a name is a library or an application.

In: the environment variables, answers. Out: the answers so far, from a text file in the user's
own data folder: a line for each, the later one counts, and the user may change it. Never asks; a
line in another form is ignored.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from pipguard.knowledge import normalise_name
from pipguard.system.folders import data_folder, is_private, open_private_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.knowledge import Kind

_HEADING = "# Your answers to pipguard: `NAME library` or `NAME application`; change them.\n"
_LONGEST = 256 * 1024


def answers_path(environ: Mapping[str, str]) -> str:
    """Return the file of answers, empty where the home folder is not known."""
    folder = data_folder(environ)
    return os.path.join(folder, "answers.txt") if folder else ""


def read_answers(environ: Mapping[str, str]) -> dict[str, Kind]:
    """Return every answer by its normalised name; a file that others may write to has none."""
    answers: dict[str, Kind] = {}
    try:
        with open(answers_path(environ), encoding="utf-8", errors="replace") as file:
            if not is_private(os.fstat(file.fileno())):
                return {}
            lines = file.read(_LONGEST).splitlines()
    except OSError:
        return {}
    for line in lines:
        name, _, kind = line.partition("#")[0].strip().rpartition(" ")
        if kind == "library":
            answers[normalise_name(name.strip())] = "library"
        elif kind == "application":
            answers[normalise_name(name.strip())] = "application"
    return answers


def store_answers(environ: Mapping[str, str], answers: Mapping[str, Kind]) -> bool:
    """Add answers to the file; tell whether that was possible."""
    path = answers_path(environ)
    if not path or not open_private_folder(os.path.dirname(path)):
        return False
    text = "".join(f"{name} {kind}\n" for name, kind in answers.items())
    try:
        # Appended in one write: two runs at once lose neither answer.
        with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab", 0) as file:
            is_new = os.fstat(file.fileno()).st_size == 0
            file.write(((_HEADING if is_new else "") + text).encode())
    except OSError:
        return False
    return True
