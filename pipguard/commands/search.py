"""Finds where an installed project is, and whether its commands can be typed.

In: the caller, the environments to look into, a name. Out: an `InstalledProject` for each place
that has it. Never changes anything.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from pipguard.caller import Caller
from pipguard.environments.distributions import list_commands, list_distributions
from pipguard.environments.inspect import interpreter_path
from pipguard.environments.pipx import PipxHome, find_injected, read_application
from pipguard.knowledge import normalise_name
from pipguard.pip.interpreter import read_isolated_command
from pipguard.system.frozen import dataclass
from pipguard.system.processes import make_asker

_FIND = (
    "import importlib.metadata as m, sys\n"
    "found = m.distribution(sys.argv[1])\n"
    "print(found.version, found.locate_file(''), sep='\\n')"
)


@dataclass(frozen=True, slots=True)
class InstalledProject:
    """A place that has the project; the JSON document has these very keys."""

    name: str
    place: str
    """`environment`, `personal`, `pipx` or `system`."""
    path: str
    """The environment's folder; for the system the folder that it lies in."""
    version: str
    commands: tuple[str, ...] = ()
    """Absolute paths of its commands, where they are known."""
    is_on_path: bool | None = None
    """Whether those can be typed without their folder; None without commands."""


def find_project_everywhere(
    name: str,
    environments: Sequence[tuple[str, str]],
    home: PipxHome,
    caller: Caller,
    base: str,
) -> tuple[InstalledProject, ...]:
    """Return every place that has the project; `environments` are kinds and folders."""
    wanted = normalise_name(name)
    found = []
    for place, folder in environments:
        version = list_distributions(folder).get(wanted)
        if version is not None:
            programs = os.path.dirname(interpreter_path(folder))
            commands = tuple(os.path.join(programs, c) for c in list_commands(folder, {wanted}))
            can_type = has_on_path(programs, caller) if commands else None
            found.append(InstalledProject(wanted, place, folder, version, commands, can_type))
    application = read_application(home.environments, wanted)
    if application:
        commands = tuple(os.path.join(home.programs, name) for name in application.commands)
        folder = os.path.join(home.environments, wanted)
        is_on_path = has_on_path(home.programs, caller)
        found.append(
            InstalledProject(wanted, "pipx", folder, application.version, commands, is_on_path)
        )
    for path, added in find_injected([home.environments], wanted).items():
        commands = tuple(os.path.join(home.programs, command) for command in added.commands)
        reachable = has_on_path(home.programs, caller) if commands else None
        found.append(InstalledProject(wanted, "pipx", path, added.version, commands, reachable))
    return (*found, *_find_in_system(wanted, caller, base))


def has_on_path(folder: str, caller: Caller) -> bool:
    """Tell whether the folder is on PATH, perhaps through links."""
    folders = filter(None, caller.environ.get("PATH", "").split(os.pathsep))
    return os.path.realpath(folder) in map(os.path.realpath, folders)


def _find_in_system(name: str, caller: Caller, base: str) -> tuple[InstalledProject, ...]:
    question = [*read_isolated_command(base), "-c", _FIND, name]
    lines = os.fsdecode(make_asker(caller.environ)(question) or b"").splitlines()
    if len(lines) < 2:
        return ()
    return (InstalledProject(name, "system", os.path.normpath(lines[1]), lines[0]),)
