"""Finds programs on PATH.

In: a name, the environment variables. Out: absolute paths. Never runs a program. Imports nothing
but `os`, because every pip command comes here.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def locate_programs(name: str, environ: Mapping[str, str]) -> list[str]:
    """Return the executable files called `name` on PATH, in PATH's order.

    Relative entries are skipped, the empty one too: a file in the current folder is not a program
    that the user installed.
    """
    found = []
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        if not os.path.isabs(folder):
            continue
        for ending in ("", ".exe") if os.name == "nt" else ("",):
            path = os.path.join(folder, name + ending)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                found.append(path)
    return found


def locate_program(name: str, environ: Mapping[str, str]) -> str:
    """Return the first program called `name` on PATH, empty where there is none."""
    return next(iter(locate_programs(name, environ)), "")


def drop_relative_entries(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for a child of ours: with a PATH that has absolute entries only.

    Whatever such a child looks for (pipx looks for uv) is then not found in the current folder.
    """
    changed = dict(environ)
    if "PATH" in changed:
        entries = changed["PATH"].split(os.pathsep)
        changed["PATH"] = os.pathsep.join(filter(os.path.isabs, entries))
    return changed
