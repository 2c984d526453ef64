"""The checks of `pip guard doctor`: each finds one kind of damage, and says what fixes it.

In: a `CheckContext`. Out: `Finding`s. Looks and asks; never changes anything.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipguard.caller import Caller
from pipguard.discover import Surroundings, name_guard_for_root
from pipguard.environments.inspect import inspect_environment
from pipguard.environments.inventory import Location
from pipguard.environments.pipx import PipxHome, read_application
from pipguard.environments.places import list_left_over
from pipguard.history.folder import locate_journals, locate_log_folder
from pipguard.history.interrupted import read_interrupted
from pipguard.history.log import read_history
from pipguard.history.origins import recall_origins
from pipguard.history.record import list_site_locations
from pipguard.package_managers.queries import (
    ask_manager,
    choose_manager,
    find_owner,
    find_rights,
    format_typed,
)
from pipguard.package_managers.shadowed import ShadowedPackage, find_shadowed
from pipguard.package_managers.types import PackageManager
from pipguard.pip.command_line import parse_command
from pipguard.pip.configuration import list_permitting_files
from pipguard.pip.interpreter import MARKER_NAME, locate_standard_library
from pipguard.pip.locate import RealPip, interpreter_names
from pipguard.pip.origins import UNKNOWN
from pipguard.pip.queries import ask_for_refusal
from pipguard.pip.verdict import find_causes, recall_verdict, verdicts_folder
from pipguard.settings import Settings
from pipguard.system.booleans import parse_boolean
from pipguard.system.folders import list_readable_names
from pipguard.system.journal import list_journals, take_abandoned
from pipguard.system.processes import make_asker
from pipguard.system.programs import locate_program


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be; the JSON document has these very keys."""

    check: str
    problem: str
    why: str
    """Why it matters; a clause."""
    remedy: str = ""
    """What to type."""
    command: tuple[str, ...] = ()
    """What `--fix` runs; empty where a person has to decide."""
    discards: str = ""
    """A folder of ours that `--fix` removes."""
    is_note: bool = False
    """Whether it is worth knowing and nothing is broken."""
    recovers: bool = False
    """Whether `--fix` finishes or reverses what an interrupted command has left."""


@dataclass(frozen=True, slots=True)
class CheckContext:
    """All that the checks look at."""

    caller: Caller
    real_pip: RealPip | None
    base: str
    surroundings: Surroundings
    pipx_home: PipxHome
    settings: Settings
    guard: str
    """How the user calls pipguard's own commands."""

    @property
    def manager(self) -> PackageManager | None:
        """The package manager that serves the interpreter."""
        return choose_manager(self.caller, self.settings, self.base).manager


def check_marker(context: CheckContext) -> Iterator[Finding]:
    """Compare the marker with the package manager's own record of it."""
    library, manager = locate_standard_library(context.base), context.manager
    if library is None or manager is None:
        return
    path = os.path.join(library, MARKER_NAME)
    owner = find_owner(manager, path, context.caller)
    words = manager.verify(owner) if owner else ()
    is_missing = not os.path.exists(path)
    answer = ask_manager(words, context.caller) if words else ""
    if not owner or not (is_missing or any(path in line for line in answer.splitlines())):
        return
    _, sudo, _ = find_rights(manager, context.caller)
    command = (*manager.reinstall_start, owner)
    can_run = bool(sudo) or context.caller.user_id == 0 or not manager.needs_root
    yield Finding(
        "marker",
        f"{path} is {'missing' if is_missing else 'not as the package ' + owner + ' has it'}",
        "without it pip changes the operating system's own packages, and nothing stops it",
        format_typed(manager, manager.typed_reinstall, [owner], context.caller),
        (*filter(None, (sudo,)), *command) if can_run else (),
    )


def check_override(context: CheckContext) -> Iterator[Finding]:
    """Look for a standing order to break the system, in variables and pip's files."""
    why = "every pip then changes the operating system's own packages without asking"
    variable = "PIP_BREAK_SYSTEM_PACKAGES"
    if parse_boolean(context.caller.environ.get(variable, "")):
        yield Finding("override", f"{variable} is set", why, f"unset {variable}")
    for path in list_permitting_files(context.caller, context.base):
        remedy = f"remove the line from {path}"
        yield Finding("override", f"{path} says break-system-packages", why, remedy)


def check_hidden(context: CheckContext) -> Iterator[Finding]:
    """Look for packages that shadow one of the operating system's, pip's own among them."""
    locations = list_site_locations(context.base, context.caller)
    for shadowed in find_shadowed(locations, context.base, context.caller):
        is_pip = shadowed.name == "pip"
        why = "programs of the system run with a version that they were not made for"
        if is_pip:
            why = "the system's pip replaced itself, and the distribution no longer keeps it"
        remedy = _name_rescue(shadowed, context)
        yield Finding("pip" if is_pip else "hidden", shadowed.words, why, remedy)


def check_ownership(context: CheckContext) -> Iterator[Finding]:
    """Look for what `sudo pip` left in the user's own folders."""
    caller = context.caller
    if not caller.home or caller.user_id in {0, None}:
        return
    folders = (".local/lib", ".local/bin", ".local/share/pipx", ".cache/pip", ".config/pip")
    for folder in (os.path.join(caller.home, name) for name in folders):
        if any(_read_owner(path) == 0 for path in _walk_shallow(folder)):
            remedy = f"sudo chown -R {caller.user_id} {shlex.quote(folder)}"
            why = "your own pip and pipx cannot change what belongs to root"
            yield Finding("ownership", f"{folder} holds files that belong to root", why, remedy)


def check_environments(context: CheckContext) -> Iterator[Finding]:
    """Look for environments whose Python went away with an upgrade."""
    found = context.surroundings.place.environment
    why = "an upgrade of Python removed the interpreter that it was made with"
    if found.state == "broken":
        remedy = "PIPGUARD_REBUILD=1 pip install PACKAGE"
        yield Finding("environment", f"{found.path} is broken: {found.problem}", why, remedy)
    home = context.pipx_home
    for name in list_readable_names(home.environments):
        path = os.path.join(home.environments, name)
        if not os.path.isdir(path):  # pipx 1.18 keeps its locks beside the environments
            continue
        environment = inspect_environment(path, make_asker(context.caller.environ))
        if environment.state == "broken":
            problem = f"pipx's {name} is broken: {environment.problem}"
            words = _list_lost_words(name, context)
            remedy = shlex.join(("pip", "install", "--force-reinstall", *words, name))
            command = (*home.command, "reinstall", "--python", context.base, name)
            if words:
                yield Finding("pipx", problem, why, remedy)
            else:
                yield Finding("pipx", problem, why, f"{context.guard} doctor --fix", command)


def check_interrupted(context: CheckContext) -> Iterator[Finding]:
    """Look for commands that were killed; any other command of ours deals with them, too."""
    folder = locate_journals(locate_log_folder(context.caller))
    why = "what it changed is half done"
    remedy = f"{context.guard} doctor --fix"
    for path in list_journals(folder):
        with take_abandoned(path) as abandoned:
            begun = read_interrupted(abandoned) if abandoned else None
        if begun:
            problem = f"`{shlex.join(begun.entry.command)}` was interrupted"
            yield Finding("interrupted", problem, why, remedy, recovers=True)
        elif abandoned:
            problem = f"{path} cannot be read: it is torn, or a newer pipguard wrote it"
            why = "a command was interrupted, and nobody knows which"
            yield Finding("interrupted", problem, why, f"rm {shlex.quote(path)}")


def check_left_over(context: CheckContext) -> Iterator[Finding]:
    """Look for what was set aside and not put back or removed (pipguard 0.1 kept no journal)."""
    entries = read_history(locate_log_folder(context.caller)).entries
    environments = {path for entry in entries for path in (*entry.created, *entry.removed)}
    environments.add(context.surroundings.place.environment.path)
    why = "a command was interrupted, and nothing uses it"
    for environment in sorted(environments):
        for path in list_left_over(environment):
            problem = f"{path} is left over"
            if os.path.lexists(environment) and path.startswith(f"{environment}.removed-"):
                remedy = f"rm -r {shlex.quote(path)}"
                yield Finding("left over", problem, why, remedy, discards=path)
            elif os.path.lexists(environment):
                remedy = f"look what is in it, then rm -r {shlex.quote(path)}"
                yield Finding("left over", problem, why, remedy, is_note=True)
            else:
                remedy = shlex.join(("mv", path, environment))
                yield Finding("left over", problem, "the environment itself is gone", remedy)
    home = context.pipx_home
    for name in list_readable_names(home.environments):
        path = os.path.join(home.environments, name)
        if os.path.isdir(path) and read_application(home.environments, name) is None:
            why = "an install was interrupted, or a pipx before 0.15 made it"
            yield Finding("left over", f"pipx's {name} is half there", why, f"pip install {name}")


def check_path(context: CheckContext) -> Iterator[Finding]:
    """Look whether the commands that pipx and --user install can be found."""
    folder = context.pipx_home.programs
    entries = context.caller.environ.get("PATH", "").split(os.pathsep)
    if list_readable_names(folder) and folder not in entries:
        command = (*context.pipx_home.command, "ensurepath")
        why = "the commands in it can only be typed with their folder"
        remedy = f"{context.guard} ensurepath"
        yield Finding("path", f"{folder} is not on PATH", why, remedy, command)


def check_pip(context: CheckContext) -> Iterator[Finding]:
    """Look whether pip and python3 are one Python's."""
    why = "`pip install` then serves another Python than the one that you start"
    pip = context.real_pip
    if pip and pip.is_opaque:
        problem = f"{pip.command[0]} is a program around pip"
        around = "installs in environments go through it; those in pipx do not"
        yield Finding("which pip", problem, around, is_note=True)
    name = interpreter_names(context.caller.program)[0]
    python = locate_program(name, context.caller.environ)
    if pip and pip.interpreter and python and not _is_same(pip.interpreter, python):
        problem = f"{pip.command[0]} belongs to {pip.interpreter}, and {name} is {python}"
        yield Finding("which pip", problem, why, f"{python} -m pip")


def check_venv(context: CheckContext) -> Iterator[Finding]:
    """Look whether `python3 -m venv` can work; pipguard itself does not need it."""
    library = locate_standard_library(context.base) or ""
    manager = context.manager
    if os.path.isdir(os.path.join(library, "ensurepip")) or not library or not manager:
        return
    version = os.path.basename(library)
    package = f"{version}-venv" if manager.name == "apt" else version
    why = "`python3 -m venv` fails half-way and leaves a folder; pipguard does not need it"
    remedy = format_typed(manager, manager.typed_install, [package], context.caller)
    problem = f"{version} cannot make environments by itself"
    yield Finding("venv", problem, why, remedy, is_note=True)


def check_alias(context: CheckContext) -> Iterator[Finding]:
    """Look whether a new shell's `pip` is pipguard: a shim on PATH, or a line in its files."""
    caller = context.caller
    first = locate_program("pip", caller.environ)
    if first and _is_same(first, caller.itself):
        return
    fish = (".config/fish/config.fish", ".config/fish/conf.d/pipguard.fish")
    files = (".bashrc", ".bash_aliases", ".profile", ".zshrc", *fish)
    paths = (os.path.join(caller.home or os.sep, name) for name in files)
    if any("pipguard" in line for path in paths for line in _read_lines(path)):
        return
    why = "`pip install` in a new shell meets the refusal as before"
    problem = "no shell file mentions pipguard"
    on_path = locate_program("pipguard", caller.environ)
    own = os.path.normpath(os.path.join(caller.directory, caller.itself))
    target = "pipguard" if on_path and _is_same(on_path, own) else shlex.quote(own)
    # The shell reads an alias twice: once here, and once where it stands for a command.
    value = f'"{target}"' if target.startswith("'") else target
    yield Finding("alias", problem, why, f"alias pip={value}", is_note=True)


def check_memory(context: CheckContext) -> Iterator[Finding]:
    """Compare what is remembered of pip's decision with what it decides now."""
    caller, real_pip = context.caller, context.real_pip
    if real_pip is None:
        return
    question = find_causes(caller, real_pip, parse_command(["install", "x"]))
    verdict = recall_verdict(question, caller.environ) if question else None
    if verdict is None:
        return
    refuses = ask_for_refusal(real_pip, parse_command(["install"]), caller.environ)
    if (verdict == "refused") != (refuses is not None):
        folder = verdicts_folder(caller.environ)
        why = "pip is not asked again, and the wrong answer stays"
        problem = f"it is remembered that pip {verdict}, and that is no longer so"
        yield Finding("memory", problem, why, f"rm -r {shlex.quote(folder)}", discards=folder)


CHECKS: dict[str, Callable[[CheckContext], Iterator[Finding]]] = {
    "marker": check_marker,
    "override": check_override,
    "hidden": check_hidden,
    "ownership": check_ownership,
    "environments": check_environments,
    "interrupted": check_interrupted,
    "left over": check_left_over,
    "path": check_path,
    "which pip": check_pip,
    "venv": check_venv,
    "alias": check_alias,
    "memory": check_memory,
}


def _list_lost_words(name: str, context: CheckContext) -> tuple[str, ...]:
    """Return pip's words for the index that an application came from, where pipx would ask another.

    pipx asks what is in its own record of the application, or what is configured now.
    """
    home = context.pipx_home
    application = read_application(home.environments, name)
    if application is None:
        return ()
    location = Location("pipx", home.environments)
    kept = recall_origins(context.caller, context.base, location, home.shared)
    words = kept.find(application.name, application.version)
    is_kept_by_pipx = set(words) <= set(application.pip_words)
    return () if words in {(), UNKNOWN, kept.now.words} or is_kept_by_pipx else words


def _name_rescue(shadowed: ShadowedPackage, context: CheckContext) -> str:
    can_write = os.access(shadowed.folder, os.W_OK)
    return f"{context.guard if can_write else name_guard_for_root(context.caller)} rescue"


def _is_same(first: str, second: str) -> bool:
    return os.path.realpath(first) == os.path.realpath(second)


def _walk_shallow(folder: str) -> Iterator[str]:
    """Yield a folder and what is in it three levels deep: enough to meet what pip made."""
    yield folder
    level = [folder]
    for _ in range(4):
        level = [
            os.path.join(path, name)
            for path in level
            if not os.path.islink(path)
            for name in list_readable_names(path)[:500]
        ]
        yield from level


def _read_owner(path: str) -> int | None:
    try:
        return os.lstat(path).st_uid
    except OSError:
        return None


def _read_lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20).splitlines()
    except OSError:
        return []
