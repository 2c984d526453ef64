"""Finds what makes pip end before it installs anything: no environment is made for that.

In: an `install` or `uninstall`, its targets, the caller. Out: a clause for people, or nothing.
Looks at the files that pip would open first; pip itself says then what is wrong.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from pipguard.caller import Caller
from pipguard.classification.targets import Target
from pipguard.pip.command_line import PipCommand
from pipguard.pip.requirements_files import RequirementsFile, read_files_of

_PROJECT = ("pyproject.toml", "setup.py")


def find_obstacle(command: PipCommand, targets: tuple[Target, ...], caller: Caller) -> str:
    """Return the first one; empty where there is none."""
    return next(_list_obstacles(command, targets, caller), "")


def _list_obstacles(
    command: PipCommand, targets: tuple[Target, ...], caller: Caller
) -> Iterator[str]:
    files = list(read_files_of(command, caller.directory, caller.environ))
    for file in files:
        if "://" not in file.path and not os.access(file.path, os.R_OK):
            yield f"{os.path.relpath(file.path, caller.directory)} cannot be read"
    if command.subcommand != "install":
        return
    for target in targets:
        if target.kind in {"archive", "folder"}:
            yield from _find_missing(target.text, caller.directory)
    for value in command.values("--editable"):
        if os.path.isdir(os.path.join(caller.directory, value.partition("[")[0])):
            yield from _find_missing(value, caller.directory)
    values = command.values("--requirement")
    is_all = values and "-" not in values and command.sources == values and not targets
    if is_all and not any(map(_asks, files)):
        yield f"{values[0]} asks for nothing"


def _find_missing(word: str, directory: str) -> Iterator[str]:
    path = os.path.join(directory, word.partition("[")[0])
    if not os.path.exists(path):
        yield f"{word} does not exist"
    elif os.path.isdir(path) and not any(
        os.path.exists(os.path.join(path, name)) for name in _PROJECT
    ):
        yield f"{word} is no project: it has no {' or '.join(_PROJECT)}"


def _asks(file: RequirementsFile) -> bool:
    """Tell whether a file asks for something, as far as it could be read."""
    return (
        not file.is_complete
        or bool(file.requirements)
        or any(options.has("--editable") for options in file.options)
    )
