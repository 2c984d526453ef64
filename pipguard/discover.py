"""Where we are: the project, the environment that serves it, the tools at hand.

In: the caller, the settings, the real pip. Out: `Surroundings`. Reads folders and asks programs
about themselves. Never creates, never changes, never goes to the network.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping

from pipguard.caller import Caller
from pipguard.doors import dataclass
from pipguard.environment import Environment, find_distrust, follow_pointer, inspect_environment
from pipguard.errors import BadSetting, PipguardError
from pipguard.folders import cache_folder, data_folder
from pipguard.memory import make_question, recall, remember
from pipguard.process import run_captured
from pipguard.real_pip import locate_programs
from pipguard.settings import Settings

PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "manage.py", ".git", ".venv")
ENVIRONMENT_NAMES = (".venv", "venv", "env")
_NOT_MADE = {
    "absent": "it does not exist",
    "empty": "it is empty",
    "unfinished": "the run that made it was killed",
}


@dataclass(frozen=True, slots=True)
class Place:
    """The one environment that libraries of this command would go to, and how it was chosen."""

    environment: Environment
    origin: str
    """`active`, `conda`, `project` or `personal`."""
    reason: str = ""
    """Why it is not the obvious one; a clause for people, mostly empty."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a route is chosen from, besides the command itself."""

    project: str | None
    """The project's root folder; None where the current folder can be no project."""
    has_project_files: bool
    place: Place


def find_project(caller: Caller) -> tuple[str | None, bool]:
    """Return the project's root and whether a file says that it is one.

    The nearest folder upwards with a project's file; without any, the current folder. Neither the
    home folder nor `/` nor a folder of somebody else's or everybody's is ever a project.
    """
    folder = caller.directory
    while _can_be_project(folder, caller):
        if _has_project_files(folder, caller.new_output):
            return folder, True
        parent = os.path.dirname(folder)
        if parent == folder:
            break
        folder = parent
    return (caller.directory if _can_be_project(caller.directory, caller) else None), False


def discover_surroundings(
    caller: Caller, settings: Settings, project: tuple[str | None, bool]
) -> Surroundings:
    """Find the environment for libraries (PEP 832's order: an active one, then the project's).

    Raises `BadSetting` where the chosen one would take the project's own place.
    """
    root, has_files = project
    place = _find_active(caller) or _find_in_project(caller, settings, root)
    return Surroundings(root, has_files, place or _find_personal(caller))


def locate_ourselves(caller: Caller) -> str:
    """Return the absolute path of the `pipguard` command, by a name that lasts.

    What started us may be a link under another name, or a module (`python -m pipguard`).
    """
    path = os.path.join(caller.directory, caller.itself)
    if os.path.basename(path) != "pipguard":
        path = os.path.realpath(path)
    if os.path.basename(path).startswith("pipguard") and os.access(path, os.X_OK):
        return os.path.normpath(path)
    return os.path.join(os.path.dirname(caller.python), "pipguard")


def make_asker(caller: Caller) -> Callable[[list[str]], bytes | None]:
    """Return a way to ask a program something: its stdout, or None when it fails."""

    def ask(command: list[str]) -> bytes | None:
        try:
            captured = run_captured(command, caller.environ, timeout=30)
        except (OSError, TimeoutError):
            return None
        return captured.stdout if captured.exit_status == 0 else None

    return ask


def make_interpreter_asker(caller: Caller) -> Callable[[list[str]], bytes | None]:
    """Return a way to ask an environment's Python about itself, once while it stays what it is."""
    ask = make_asker(caller)
    folder = cache_folder(caller.environ, "interpreters")

    def ask_once(command: list[str]) -> bytes | None:
        configuration = os.path.join(os.path.dirname(os.path.dirname(command[0])), "pyvenv.cfg")
        question = make_question(command, (command[0], configuration))
        known = recall(folder, question)
        if known is not None:
            return os.fsencode(known)
        answer = ask(command)
        if answer and answer.count(b"\n") == 1:
            remember(folder, question, os.fsdecode(answer.strip()))
        return answer

    return ask_once


def personal_environment_path(environ: Mapping[str, str]) -> str:
    """Return where libraries go that belong to no project.

    Raises `PipguardError` where nobody knows the home folder.
    """
    path = data_folder(environ, "personal")
    if not path:
        raise PipguardError("nobody knows your home folder", "set HOME or PIPGUARD_VENV=FOLDER")
    return path


def name_manager(interpreter: str | None, marker_text: str) -> str:
    """Return who manages the interpreter, as its users call them; best effort, for words only."""
    real = os.path.realpath(interpreter or "")
    if "/Cellar/" in real or "homebrew" in real.lower():
        return "Homebrew"
    if "managed by uv" in marker_text:
        return "uv"
    if real.startswith("/nix/"):
        return "Nix"
    if real.startswith(("/usr/", "/bin/")):
        return _read_system_name() or "The operating system"
    return "Its distributor"


def _find_active(caller: Caller) -> Place | None:
    active = caller.environ.get("VIRTUAL_ENV")
    if active:
        path = os.path.join(caller.directory, active)
        environment = inspect_environment(path, make_interpreter_asker(caller))
        if environment.must_be_made:
            environment = Environment(path, "broken", _NOT_MADE[environment.state])
        return Place(environment, "active")
    conda = caller.environ.get("CONDA_PREFIX")
    if conda and os.path.exists(os.path.join(conda, "bin", "python")):
        return Place(inspect_environment(conda, make_interpreter_asker(caller)), "conda")
    return None


def _find_in_project(caller: Caller, settings: Settings, root: str | None) -> Place | None:
    chosen = os.path.expanduser(settings.venv)
    if root is None and not os.path.isabs(chosen):
        return None
    base = root or caller.directory
    if chosen:
        path = os.path.normpath(os.path.join(base, chosen))
        if os.path.join(base, "").startswith(os.path.join(path, "")):
            accepted = "accepted: a folder for the environment alone"
            raise BadSetting(f"PIPGUARD_VENV={chosen!r}: the project itself lies in it", accepted)
        return Place(_inspect_with_care(path, caller), "project")
    for name in ENVIRONMENT_NAMES:
        path = os.path.join(base, name)
        is_ours = name == ".venv" and os.path.lexists(path)
        if is_ours or os.path.isfile(os.path.join(path, "pyvenv.cfg")):
            return Place(_inspect_with_care(path, caller), "project")
    return Place(Environment(os.path.join(base, ".venv")), "project")


def _find_personal(caller: Caller) -> Place:
    is_home = caller.directory == caller.home
    where = "your home folder" if is_home else f"{caller.directory}, not yours alone,"
    environment = _inspect_with_care(personal_environment_path(caller.environ), caller)
    return Place(environment, "personal", f"{where} is no project")


def _inspect_with_care(path: str, caller: Caller) -> Environment:
    """Look at an environment that nobody activated: nothing of it runs before it is trusted."""
    path = follow_pointer(path)
    distrust = find_distrust(path, caller.user_id)
    if not distrust and _is_tracked(path, caller):
        distrust = "it is tracked in version control, so its code came from somewhere else"
    if distrust:
        return Environment(path, "untrusted", distrust)
    return inspect_environment(path, make_interpreter_asker(caller))


def _is_tracked(path: str, caller: Caller) -> bool:
    """Ask git whether it tracks the environment; no repository around means no question."""
    if not os.path.isdir(path) or not _is_in_repository(path):
        return False
    folder, name = os.path.split(path)
    git = next(iter(locate_programs("git", caller.environ)), "")
    # The repository's own configuration may name a program to run; this is the one that ls-files
    # would start.
    command = [git, "-C", folder, "-c", "core.fsmonitor=false", "ls-files", "-z", "--"]
    return bool(git and make_asker(caller)([*command, f":(literal){name}"]))


def _is_in_repository(path: str) -> bool:
    folder = os.path.dirname(path)
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent
    return True


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
    """Look for a project's file; one that the shell has just made for our output is none."""
    try:
        entries = set(os.listdir(folder))
    except OSError:
        return False
    if not entries.isdisjoint(PROJECT_FILES):
        return True
    lists = (name for name in entries if name.startswith("requirements") and name.endswith(".txt"))
    return any(_identify(os.path.join(folder, name)) != new_output for name in lists)


def _identify(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return (-1, -1)
    return status.st_dev, status.st_ino


def _read_system_name() -> str:
    try:
        with open("/etc/os-release", encoding="utf-8", errors="replace") as file:
            lines = dict(line.strip().split("=", 1) for line in file if "=" in line)
    except OSError:
        return ""
    return lines.get("NAME", "").strip("\"'").replace(" GNU/Linux", "")
