"""Builds the script that a shell reads to have pipguard in it: functions, hooks and completions.

In: the shell's name, what is wanted, where pipguard is. Out: text in that shell's language. The
parts are in `texts/`; values of this machine are quoted into them.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable

from pipguard.system.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """What goes into one script."""

    program: str
    """Absolute path of pipguard."""
    notes: str
    """Folder for the files in which pipguard names an environment to the shell."""
    verbs: tuple[str, ...]
    """Of `pip guard`, for completion."""
    pythons: tuple[str, ...] = ()
    """Names whose `-m pip` is caught; none unless it was asked for."""
    follows_folder: bool = False
    """Whether environments are activated on entering their project."""


@dataclass(frozen=True, slots=True)
class Shell:
    """How to write for one shell."""

    files: tuple[str, ...]
    python_file: str
    folder_files: tuple[str, ...]
    quote: Callable[[str], str]
    function: str
    """Of an interpreter named NAME; a template."""


def build_script(shell: str, wanted: Wanted) -> str:
    """Return the script for a shell, which is one of `SHELLS`."""
    language = SHELLS[shell]
    files = [*language.files]
    files += [language.python_file] if wanted.pythons else []
    files += language.folder_files if wanted.follows_folder else []
    text = "".join(map(_read_part, files))
    text += "".join(language.function.replace("NAME", name) for name in wanted.pythons)
    text = text.replace("@VERBS@", " ".join(wanted.verbs))
    text = text.replace("@PROGRAM@", language.quote(wanted.program))
    return text.replace("@NOTES@", language.quote(wanted.notes))


def _read_part(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), "texts", name), encoding="utf-8") as file:
        return file.read()


def _quote_for_fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _quote_for_powershell(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_POSIX_FUNCTION = 'unalias NAME 2>/dev/null || :\nfunction NAME { __pipguard_python NAME "$@"; }\n'

SHELLS = {
    "bash": Shell(
        ("posix.sh", "bash.sh"),
        "posix-python.sh",
        ("posix-cd.sh", "bash-cd.sh"),
        shlex.quote,
        _POSIX_FUNCTION,
    ),
    "zsh": Shell(
        ("posix.sh", "zsh.sh"),
        "posix-python.sh",
        ("posix-cd.sh", "zsh-cd.sh"),
        shlex.quote,
        _POSIX_FUNCTION,
    ),
    "fish": Shell(
        ("fish.fish",),
        "fish-python.fish",
        ("fish-cd.fish",),
        _quote_for_fish,
        "function NAME\n    __pipguard_python NAME $argv\nend\n",
    ),
    "powershell": Shell(
        ("powershell.ps1",),
        "powershell-python.ps1",
        ("powershell-cd.ps1",),
        _quote_for_powershell,
        "function global:NAME { Invoke-PipguardPython 'NAME' $args }\n",
    ),
}
