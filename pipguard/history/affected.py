"""Finds which installed distributions a command may change, before it does.

In: an environment, the command, the caller. Out: normalised names: what the command names and does
not find as it wants it, and what that requires. pip alone decides in the end; one too many costs a
few milliseconds, one too few makes undo ask an index.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from pipguard.caller import Caller
from pipguard.classification.targets import read_target
from pipguard.environments.distributions import (
    Unreadable,
    list_site_folders,
    scan_distributions,
)
from pipguard.knowledge import normalise_name, read_requirement_name
from pipguard.pip.command_line import PipCommand
from pipguard.pip.requirements_files import read_files_of

_INSISTING = ("--upgrade", "--force-reinstall", "--ignore-installed")


def list_affected(environment: str, command: PipCommand, caller: Caller) -> tuple[str, ...]:
    """Return the names, each once; none where the environment cannot be read."""
    try:
        found = scan_distributions(list_site_folders(environment))
        there = {name: (path, version) for path, name, version in found}
    except Unreadable:
        return ()
    if not there:
        return ()
    insists = any(map(command.has, _INSISTING)) or command.subcommand == "uninstall"
    waiting = []
    for requirement in _list_requirements(command, caller):
        name, is_met = _compare(requirement, there, caller.directory)
        if name in there and (insists or not is_met):
            waiting.append(name)
    if command.subcommand == "uninstall":
        return tuple(dict.fromkeys(waiting))
    return _follow_requirements(waiting, {name: path for name, (path, _) in there.items()})


def _list_requirements(command: PipCommand, caller: Caller) -> Iterator[str]:
    """Yield what the words and their files say; a constraint can change a distribution, too."""
    yield from command.arguments
    for file in read_files_of(command, caller.directory, caller.environ):
        yield from file.requirements


def _compare(
    requirement: str, there: dict[str, tuple[str, str]], directory: str
) -> tuple[str, bool]:
    """Return the name in a requirement, and whether what is there meets it."""
    words, _, _ = requirement.partition(" --")  # a hash or another option of this line
    name, _, pin = words.partition("==")
    normalised = normalise_name(name)
    if normalised in there and there[normalised][1] == pin:  # parsing takes 20 ms of imports
        return normalised, True
    if read_requirement_name(words) not in there and "/" not in words and os.sep not in words:
        return normalised, True
    target = read_target(words, directory)
    version = there[target.name][1] if target.name in there else ""
    return target.name, target.kind == "name" and target.accepts(version)


def _follow_requirements(names: list[str], there: dict[str, str]) -> tuple[str, ...]:
    """Return the names and what they require, as far as it is installed.

    Whatever the extras and markers are: rather one too many.
    """
    found: dict[str, None] = {}
    while names:
        name = names.pop()
        if name not in found:
            found[name] = None
            names += (other for other in _list_required(there[name]) if other in there)
    return tuple(found)


def _list_required(metadata: str) -> Iterator[str]:
    try:
        with open(os.path.join(metadata, "METADATA"), encoding="utf-8", errors="replace") as file:
            for line in file:
                if not line.strip():
                    return
                if line.startswith("Requires-Dist: "):
                    yield read_requirement_name(line.removeprefix("Requires-Dist: ").strip())
    except OSError:
        return
