"""Finds files of a project that start its code with the system's Python.

In: the project's root folder. Out: the first line that does, with its file. Looks at units of
systemd, crontabs and shell scripts in the root and the folders below it, a bounded number; a script
that has to do with an environment already is left alone. Never changes anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise

from pipguard.system.folders import list_readable_names
from pipguard.system.frozen import dataclass
from pipguard.system.texts import read_text

_MOST_FOLDERS = 20
_MOST_FILES = 60
_LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class Starter:
    """A line that starts the system's Python."""

    file: str
    """Relative to the project's root."""
    python: str
    """The word that names the Python."""


def find_starter(root: str) -> Starter | None:
    """Return the first; None without one."""
    for path in _list_files(root):
        text = (read_text(path) or "")[:_LONGEST]
        if "python" not in text or "venv" in text or "activate" in text:
            continue
        for line in text.splitlines():
            python = _find_python(line, is_unit=path.endswith(".service"))
            if python:
                return Starter(os.path.relpath(path, root), python)
    return None


def _list_files(root: str) -> Iterator[str]:
    """Yield what may start a program: those of the root first."""
    folders = [root]
    for name in list_readable_names(root)[:_MOST_FILES]:
        path = os.path.join(root, name)
        is_plain = name[0] != "." and not os.path.islink(path) and os.path.isdir(path)
        if is_plain and not os.path.exists(os.path.join(path, "pyvenv.cfg")):
            folders.append(path)
    for folder in folders[:_MOST_FOLDERS]:
        for name in list_readable_names(folder)[:_MOST_FILES]:
            if name.endswith((".service", ".cron", ".sh")) or name.startswith("crontab"):
                yield os.path.join(folder, name)


def _find_python(line: str, *, is_unit: bool) -> str:
    """Return the word of a line that names the system's Python and gives it code to run."""
    said = line.strip()
    if said.startswith("#") or (is_unit and not said.startswith("Exec")):
        return ""
    words = said.partition("=")[2].split() if is_unit else said.split()
    for word, after in pairwise(words):
        program = word.lstrip("-@+!")
        name = program.rpartition("/")[2]
        is_system = program in {name, f"/usr/bin/{name}"}
        is_python = name in {"python", "python3"} or name.startswith("python3.")
        if is_system and is_python and (after.endswith(".py") or after in {"-u", "-m"}):
            return program
    return ""
