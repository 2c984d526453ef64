"""Where a project that somebody installed is: in which environment, and can its commands be typed.

In: the caller, the places to look into, a name. Out: `Whereabouts`, one for each place that has it.
Looks only.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from pipguard.caller import Caller
from pipguard.discover import make_asker
from pipguard.doors import dataclass
from pipguard.environment import list_distributions
from pipguard.knowledge import normalise_name
from pipguard.pipx_home import PipxHome, read_application
from pipguard.real_pip import start_isolated, version_of

_FIND = (
    "import importlib.metadata as m, sys\n"
    "found = m.distribution(sys.argv[1])\n"
    "print(found.version, found.locate_file(''), sep='\\n')"
)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """One place that has the project; the JSON document has these very keys."""

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
) -> tuple[Whereabouts, ...]:
    """Return every place that has the project; `environments` are kinds and folders."""
    wanted = normalise_name(name)
    found = []
    for place, folder in environments:
        version = list_distributions(folder).get(wanted)
        if version is not None:
            found.append(Whereabouts(wanted, place, folder, version))
    application = read_application(home.environments, wanted)
    if application:
        commands = tuple(os.path.join(home.programs, name) for name in application.commands)
        folder = os.path.join(home.environments, wanted)
        is_on_path = has_on_path(home.programs, caller)
        found.append(Whereabouts(wanted, "pipx", folder, application.version, commands, is_on_path))
    return (*found, *_find_in_system(wanted, caller, base))


def has_on_path(folder: str, caller: Caller) -> bool:
    """Tell whether the folder is on PATH, by whatever name."""
    folders = filter(None, caller.environ.get("PATH", "").split(os.pathsep))
    return os.path.realpath(folder) in map(os.path.realpath, folders)


def _find_in_system(name: str, caller: Caller, base: str) -> tuple[Whereabouts, ...]:
    question = [*start_isolated(base, version_of(base)), "-c", _FIND, name]
    lines = os.fsdecode(make_asker(caller)(question) or b"").splitlines()
    if len(lines) < 2:
        return ()
    return (Whereabouts(name, "system", os.path.normpath(lines[1]), lines[0]),)
