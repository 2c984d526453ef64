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
    pythons: tuple[str, ...] = ()
    """Names whose `-m pip` is caught; none unless it was asked for."""
    follows_folder: bool = False
    """Whether environments are activated on entering their project."""


@dataclass(frozen=True, slots=True)
class Shell:
    """How to write for one shell."""

    files: tuple[str, ...]
    completion_file: str
    """Empty where `files` has it already."""
    python_file: str
    folder_files: tuple[str, ...]
    quote: Callable[[str], str]
    function: str
    """Of an interpreter named NAME; a template."""


def build_script(shell: str, wanted: Wanted) -> str:
    """Return the script for a shell, which is one of `SHELLS`."""
    language = SHELLS[shell]
    files = [*language.files, *filter(None, [language.completion_file])]
    files += [language.python_file] if wanted.pythons else []
    files += language.folder_files if wanted.follows_folder else []
    text = "".join(map(_read_part, files))
    text += "".join(language.function.replace("NAME", name) for name in wanted.pythons)
    text = text.replace("@COMMANDS@", "pip pip3 pipguard")
    text = text.replace("@PROGRAM@", language.quote(wanted.program))
    return text.replace("@NOTES@", language.quote(wanted.notes))


def build_completion(shell: str, program: str) -> str:
    """Return what completes the command `pipguard` alone, as a file that the shell finds by itself.

    `shell` is one of `COMPLETED`; `program` the absolute path of pipguard.
    """
    language = SHELLS[shell]
    start, end = COMPLETED[shell]
    text = start + _read_part(language.completion_file) + end
    return text.replace("@COMMANDS@", "pipguard").replace("@PROGRAM@", language.quote(program))


def _read_part(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), "texts", name), encoding="utf-8") as file:
        return file.read()


def _quote_for_fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _quote_for_powershell(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


COMPLETED = {
    "bash": ("__pipguard_program=@PROGRAM@\n", ""),
    "zsh": ("#compdef pipguard\n__pipguard_program=@PROGRAM@\n", "__pipguard_complete\n"),
    "fish": ("set -g __pipguard_program @PROGRAM@\n", ""),
}
"""What stands before and after a completion in a file of its own; zsh reads that file whenever it
completes the command for the first time."""
_POSIX_FUNCTION = 'unalias NAME 2>/dev/null || :\nfunction NAME { __pipguard_python NAME "$@"; }\n'

SHELLS = {
    "bash": Shell(
        ("posix.sh",),
        "bash-completion.sh",
        "posix-python.sh",
        ("posix-cd.sh", "bash-cd.sh"),
        shlex.quote,
        _POSIX_FUNCTION,
    ),
    "zsh": Shell(
        ("posix.sh",),
        "zsh-completion.sh",
        "posix-python.sh",
        ("posix-cd.sh", "zsh-cd.sh"),
        shlex.quote,
        _POSIX_FUNCTION,
    ),
    "fish": Shell(
        ("fish.fish",),
        "fish-completion.fish",
        "fish-python.fish",
        ("fish-cd.fish",),
        _quote_for_fish,
        "function NAME\n    __pipguard_python NAME $argv\nend\n",
    ),
    "powershell": Shell(
        ("powershell.ps1",),
        "",
        "powershell-python.ps1",
        ("powershell-cd.ps1",),
        _quote_for_powershell,
        "function global:NAME { Invoke-PipguardPython 'NAME' $args }\n",
    ),
}
