"""Finds the project and the environment that libraries of this command would go to.

In: the caller, the settings. Out: `Surroundings`. Reads folders and asks programs about themselves.
Never creates or changes anything, never goes to the network.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping

from pipguard.caller import Caller
from pipguard.classification.targets import read_target
from pipguard.environments.inspect import (
    Environment,
    inspect_environment,
    make_interpreter_asker,
)
from pipguard.environments.managers import find_managed_environment
from pipguard.environments.pointers import locate_central
from pipguard.environments.trust import follow_path, is_inside
from pipguard.errors import BadSetting, PipguardError
from pipguard.pip.command_line import PipCommand
from pipguard.settings import Settings, read_settings
from pipguard.system.folders import data_folder, list_readable_names
from pipguard.system.frozen import dataclass, replace
from pipguard.system.os_release import read_system_name
from pipguard.system.programs import locate_program
from pipguard.system.quoting import quote_word

ENVIRONMENT_NAMES = (".venv", "venv", "env")
PROJECT_FILES = frozenset(
    {"pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "manage.py", ".git", ".venv"}
)
_NOT_MADE = {
    "absent": "it does not exist",
    "empty": "it is empty",
    "unfinished": "the run that made it was killed",
}


@dataclass(frozen=True, slots=True)
class Place:
    """The environment that libraries of this command would go to, and how it was chosen."""

    environment: Environment
    origin: str
    """`active`, `conda`, `project` or `personal`."""
    reason: str = ""
    """Why it is not the obvious one; a clause for people, mostly empty."""
    pointer: str = ""
    """The `.venv` file that is to lead to it, where it is to be made elsewhere."""

    @property
    def is_active(self) -> bool:
        """Whether the user has activated it, so that it stays as it is."""
        return self.origin in {"active", "conda"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a route is chosen from, besides the command itself."""

    project: str | None
    """The project's root folder; None where the current folder can be no project."""
    has_project_files: bool
    place: Place


def discover(caller: Caller, command: PipCommand | None = None) -> tuple[Settings, Surroundings]:
    """Read the settings in force in the current folder, and find the project and its environment.

    Where the current folder belongs to no project, that of the files which the command names.
    Raises `BadSetting` for a setting that is not accepted.
    """
    project = find_project(caller)
    named = _find_named_project(caller, command) if command and not project[1] else None
    settings = read_settings(caller.environ, named or project[0])
    surroundings = discover_surroundings(caller, settings, (named, True) if named else project)
    is_here = project[0] == caller.directory
    is_outer = project[1] and not is_here and _climb(caller.directory, caller) != project[0]
    reason = "where its files are" if named else "the project around it" if is_outer else ""
    if reason and surroundings.place.origin == "project":
        place = replace(surroundings.place, reason=surroundings.place.reason or reason)
        return settings, replace(surroundings, place=place)
    return settings, surroundings


def find_project(caller: Caller) -> tuple[str | None, bool]:
    """Return the project's root and whether a file says that it is one.

    The nearest folder upwards with a project's file; without any, the current folder. Neither the
    home folder nor `/` nor a folder of somebody else's or everybody's is ever a project.
    """
    found = _find_root(caller.directory, caller)
    if found:
        return found, True
    return (caller.directory if _can_be_project(caller.directory, caller) else None), False


def _find_root(folder: str, caller: Caller) -> str | None:
    """Return the project that a folder belongs to.

    A folder with nothing but lists of requirements (`docs/`) belongs to the project around it, if
    that has an environment.
    """
    found = _climb(folder, caller)
    if found is None or _has_environment(found):
        return found
    if not PROJECT_FILES.isdisjoint(list_readable_names(found)):
        return found
    outer = _find_root(os.path.dirname(found), caller)
    return outer if outer and _has_environment(outer) else found


def _has_environment(folder: str) -> bool:
    paths = (os.path.join(folder, name, "pyvenv.cfg") for name in ENVIRONMENT_NAMES)
    return any(map(os.path.isfile, paths))


def _climb(folder: str, caller: Caller) -> str | None:
    while _can_be_project(folder, caller):
        if _has_project_files(folder, caller.new_output):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            break
        folder = parent
    return None


def _find_named_project(caller: Caller, command: PipCommand) -> str | None:
    """Return the one project in which everything lies that the command names by a path."""
    paths = [os.path.join(caller.directory, path) for path in _list_named_paths(caller, command)]
    folders = {path if os.path.isdir(path) else os.path.dirname(path) for path in paths}
    found = {_find_root(os.path.normpath(folder), caller) for folder in folders}
    return found.pop() if len(found) == 1 else None


def _list_named_paths(caller: Caller, command: PipCommand) -> Iterator[str]:
    for name in ("--requirement", "--requirements-from-script"):
        yield from (value for value in command.values(name) if "://" not in value)
    for value in command.values("--group"):
        if ":" in value:
            yield value.rpartition(":")[0]
    folders = (value.partition("[")[0] for value in command.values("--editable"))
    yield from (path for path in folders if os.path.isdir(os.path.join(caller.directory, path)))
    for word in command.arguments:
        if read_target(word, caller.directory).kind in {"folder", "archive"}:
            yield word.partition("[")[0]


def discover_surroundings(
    caller: Caller, settings: Settings, project: tuple[str | None, bool]
) -> Surroundings:
    """Find the environment for libraries (PEP 832's order: an active one, then the project's).

    Raises `BadSetting` where the chosen one would take the project's own place.
    """
    root, has_files = project
    place = _find_active(caller) or _find_in_project(caller, settings, root)
    return Surroundings(root, has_files, place or _find_personal(caller))


def locate_pipguard(caller: Caller) -> str:
    """Return the absolute path of the `pipguard` command, by a name that lasts.

    pipguard may have been started by a link under another name, or as a module.
    """
    path = os.path.join(caller.directory, caller.itself)
    if os.path.basename(path) != "pipguard":
        path = os.path.realpath(path)
    if os.path.basename(path).startswith("pipguard") and os.access(path, os.X_OK):
        return os.path.normpath(path)
    return os.path.join(os.path.dirname(caller.python), "pipguard")


def name_guard(caller: Caller) -> str:
    """Return how this user calls pipguard's own commands: `pip guard`, or the path that works.

    Called as `pip`, from a shell integration or as a shim, `pip guard` works, and where pipguard is
    on PATH its documented alias makes it work; from a checkout only the path does.
    """
    own = locate_pipguard(caller)
    is_pip = caller.program.startswith(("pip", "python")) and "pipguard" not in caller.program
    found = locate_program("pipguard", caller.environ)
    if is_pip or caller.note or (found and os.path.realpath(found) == os.path.realpath(own)):
        return "pip guard"
    return f"{quote_word(own)} guard"


def name_guard_for_root(caller: Caller) -> str:
    """Return the same with sudo, which expands no alias and has a PATH of its own."""
    return f"sudo {quote_word(locate_pipguard(caller))} guard"


def personal_environment_path(environ: Mapping[str, str]) -> str:
    """Return where libraries go that belong to no project.

    Raises `PipguardError` where the home folder is not known.
    """
    path = data_folder(environ, "personal")
    if not path:
        raise PipguardError("your home folder is not known", "set HOME or PIPGUARD_VENV=FOLDER")
    return path


_NAMED_BY_TEXT = {
    "managed by uv": "uv",
    "MINGW_PACKAGE_PREFIX": "MSYS2",
    "conda environment": "conda",
}
"""Managers whose Python may lie anywhere, by words of their markers."""


def name_manager(interpreter: str | None, marker_text: str) -> str:
    """Return who manages the interpreter, as its users call them; best effort, for words only."""
    real = os.path.realpath(interpreter or "")
    if "/Cellar/" in real or "homebrew" in real.lower():
        return "Homebrew"
    for sign, manager in _NAMED_BY_TEXT.items():
        if sign in marker_text:
            return manager
    if real.startswith("/nix/"):
        return "Nix"
    if real.startswith(("/usr/", "/bin/")):
        return read_system_name() or "The operating system"
    return "Its distributor"


def _find_active(caller: Caller) -> Place | None:
    active = caller.environ.get("VIRTUAL_ENV")
    if active:
        path = os.path.join(caller.directory, active)
        environment = inspect_environment(path, make_interpreter_asker(caller.environ))
        if environment.must_be_made:
            environment = Environment(path, "broken", _NOT_MADE[environment.state])
        return Place(environment, "active")
    conda = caller.environ.get("CONDA_PREFIX")
    if conda and os.path.exists(os.path.join(conda, "bin", "python")):
        return Place(inspect_environment(conda, make_interpreter_asker(caller.environ)), "conda")
    return None


def _find_in_project(caller: Caller, settings: Settings, root: str | None) -> Place | None:
    chosen = os.path.expanduser(settings.venv)
    if root is None and not os.path.isabs(chosen):
        return None
    base = root or caller.directory
    if chosen:
        path = os.path.normpath(os.path.join(base, chosen))
        return _make_place(path, _inspect_chosen(path, base, caller, settings))
    for name in ENVIRONMENT_NAMES:
        path = os.path.join(base, name)
        is_ours = name == ".venv" and os.path.lexists(path)
        if is_ours or os.path.isfile(os.path.join(path, "pyvenv.cfg")):
            return _make_place(path, _inspect_if_trusted(path, base, caller))
    managed, manager = find_managed_environment(base, caller.environ)
    if managed:
        inside = base if managed.startswith(os.path.join(base, "")) else None
        environment = _inspect_if_trusted(managed, inside, caller)
        return Place(environment, "project", f"{manager} made it for this project")
    default = os.path.join(base, ".venv")
    central = locate_central(base, caller.environ)
    if settings.environments == "central" and central:
        environment = _inspect_if_trusted(central, None, caller)
        return Place(environment, "project", f"{default} leads there", default)
    return Place(Environment(default), "project")


def _make_place(path: str, environment: Environment) -> Place:
    """Return the project's place, with the link or `.venv` file that leads elsewhere."""
    reason = f"{path} leads there" if environment.path != path else ""
    return Place(environment, "project", reason)


def _inspect_chosen(path: str, base: str, caller: Caller, settings: Settings) -> Environment:
    chosen = os.path.expanduser(settings.venv)
    if os.path.join(base, "").startswith(os.path.join(path, "")):
        accepted = "accepted: a folder for the environment alone"
        raise BadSetting(f"PIPGUARD_VENV={chosen!r}: the project itself lies in it", accepted)
    if settings.venv_place and not is_inside(path, base):
        problem = f"{settings.venv_place}: venv = {chosen!r} leads out of the project"
        raise BadSetting(problem, "accepted: a folder inside the project, links resolved")
    # What the user chose may be a link to anywhere; what the project chose may not.
    return _inspect_if_trusted(path, base if settings.venv_place else None, caller)


def _find_personal(caller: Caller) -> Place:
    is_home = caller.directory == caller.home
    where = "your home folder" if is_home else f"{caller.directory}, not yours alone,"
    environment = _inspect_if_trusted(personal_environment_path(caller.environ), None, caller)
    return Place(environment, "personal", f"{where} is no project")


def _inspect_if_trusted(path: str, project: str | None, caller: Caller) -> Environment:
    """Inspect an environment that the user did not activate; run nothing of it unless trusted."""
    path, distrust = follow_path(path, project, caller)
    if distrust:
        return Environment(path, "untrusted", distrust)
    return inspect_environment(path, make_interpreter_asker(caller.environ))


def _can_be_project(folder: str, caller: Caller) -> bool:
    if folder in {caller.home, os.path.dirname(folder)}:
        return False
    try:
        status = os.stat(folder)
    except OSError:
        return False
    if caller.user_id is None:
        return True
    return status.st_uid == caller.user_id and not status.st_mode & stat.S_IWOTH


def _has_project_files(folder: str, new_output: tuple[int, int] | None) -> bool:
    """Look for a project's file; `> requirements.txt` on this very command line makes none."""
    try:
        entries = set(os.listdir(folder))
    except OSError:
        return False
    if not PROJECT_FILES.isdisjoint(entries):
        return True
    lists = (name for name in entries if name.startswith("requirements") and name.endswith(".txt"))
    return any(_identify(os.path.join(folder, name)) != new_output for name in lists)


def _identify(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return (-1, -1)
    return status.st_dev, status.st_ino
