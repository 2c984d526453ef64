"""Chooses the interpreter that the `python3` shim runs.

In: the caller of the shim, the interpreter that would run without it. Out: the interpreter of the
project's environment where there is a usable one and these words are about that project; the real
one in every other case, because a wrong guess would be worse than none. Never runs anything.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from pipguard.caller import Caller
from pipguard.discover import discover
from pipguard.errors import PipguardError
from pipguard.shells.callers import find_wary_program, is_typed
from pipguard.system.frozen import replace

_WITH_VALUE = ("-W", "-X", "--check-hash-based-pycs")
_ENDING = ("-c", "-m")
"""What follows them is the program's; code on stdin is `-`, or no word at all."""


def choose_python(caller: Caller, real: str) -> str:
    """Return the path of the interpreter for the caller's words."""
    if any(caller.environ.get(name) for name in ("VIRTUAL_ENV", "CONDA_PREFIX")):
        return real
    script = find_script(caller.argv)
    path = os.path.realpath(os.path.join(caller.directory, script))
    if script and not os.path.exists(path):
        return real
    folder = path if not script or os.path.isdir(path) else os.path.dirname(path)
    try:
        settings, surroundings = discover(replace(caller, directory=folder))
        if find_wary_program(caller, settings):
            return real
    except PipguardError:
        return real  # whose settings are wrong learns it from pip
    place = surroundings.place
    is_ready = place.origin == "project" and place.environment.state == "usable"
    if not is_ready or not surroundings.project or not surroundings.has_project_files:
        return real
    if not script and not is_typed(caller, surroundings.project):
        return real
    return place.environment.interpreter


def find_script(words: Sequence[str]) -> str:
    """Return the file that an interpreter with these words would run; empty where it is none."""
    waiting = iter(words)
    for word in waiting:
        if word in _WITH_VALUE:
            next(waiting, None)
        elif word.startswith(_ENDING) or word == "-":
            return ""
        elif not word.startswith("-"):
            return word
        elif not word.startswith("--") and word[-1:] in {"c", "m"}:
            return ""  # joined to others, as in `-Ic`
    return ""
