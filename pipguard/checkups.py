"""What is wrong with the Pythons, pips and environments of this user, each with what mends it.

In: the caller, the real pip, its interpreter. Out: one `Finding` for each check that found
something. Looks and asks; never changes anything.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipguard.caller import Caller
from pipguard.causes import find_causes
from pipguard.discover import Surroundings, make_asker
from pipguard.environment import inspect_environment
from pipguard.folders import cache_folder
from pipguard.forward import ask_for_refusal
from pipguard.hiding import Hidden, find_hidden
from pipguard.memory import recall
from pipguard.offers import ask_manager, choose_manager, find_owner, find_rights
from pipguard.parse import parse_command
from pipguard.pip_configuration import list_permitting_files, says_yes
from pipguard.pipx_home import PipxHome
from pipguard.plans.system import PackageManager
from pipguard.real_pip import (
    MARKER_NAME,
    RealPip,
    interpreter_names,
    locate_programs,
    locate_standard_library,
)
from pipguard.record import list_site_places
from pipguard.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

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


@dataclass(frozen=True, slots=True)
class Patient:
    """All that the checks look at."""

    caller: Caller
    real_pip: RealPip | None
    base: str
    surroundings: Surroundings
    pipx_home: PipxHome
    settings: Settings

    @property
    def manager(self) -> PackageManager | None:
        """The package manager that serves the interpreter."""
        return choose_manager(self.caller, self.settings, self.base).manager


def check_marker(patient: Patient) -> Iterator[Finding]:
    """Compare the marker with the package manager's own record of it."""
    library, manager = locate_standard_library(patient.base), patient.manager
    if library is None or manager is None:
        return
    path = os.path.join(library, MARKER_NAME)
    owner = find_owner(manager, path, patient.caller)
    words = manager.verify(owner) if owner else ()
    is_missing = not os.path.exists(path)
    answer = ask_manager(words, patient.caller) if words else ""
    if not is_missing and not any(path in line for line in answer.splitlines()):
        return
    if not owner:
        return
    _, sudo, _ = find_rights(manager, patient.caller)
    command = manager.reinstall(owner)
    typed = ("sudo", *command) if patient.caller.user_id != 0 else command
    run = (sudo, *command) if sudo else command if patient.caller.user_id == 0 else ()
    yield Finding(
        "marker",
        f"{path} is {'missing' if is_missing else 'not as the package ' + owner + ' has it'}",
        "without it pip changes the operating system's own packages, and nothing stops it",
        shlex.join(typed),
        run,
    )


def check_override(patient: Patient) -> Iterator[Finding]:
    """Look for a standing order to break the system, in variables and pip's files."""
    why = "every pip then changes the operating system's own packages without asking"
    variable = "PIP_BREAK_SYSTEM_PACKAGES"
    if says_yes(patient.caller.environ.get(variable, "")):
        yield Finding("override", f"{variable} is set", why, f"unset {variable}")
    for path in list_permitting_files(patient.caller, patient.base):
        remedy = f"take the line out of {path}"
        yield Finding("override", f"{path} says break-system-packages", why, remedy)


def check_hidden(patient: Patient) -> Iterator[Finding]:
    """Look for packages that hide one of the operating system's, pip's own among them."""
    places = list_site_places(patient.base, patient.caller)
    for hidden in find_hidden(places, patient.base, patient.caller):
        is_pip = hidden.name == "pip"
        why = "programs of the system run with a version that they were not made for"
        if is_pip:
            why = "the system's pip replaced itself, and the distribution no longer keeps it"
        yield Finding("pip" if is_pip else "hidden", hidden.words, why, _name_rescue(hidden))


def check_ownership(patient: Patient) -> Iterator[Finding]:
    """Look for what `sudo pip` left in the user's own folders."""
    caller = patient.caller
    if not caller.home or caller.user_id in {0, None}:
        return
    folders = (".local/lib", ".local/bin", ".local/share/pipx", ".cache/pip", ".config/pip")
    for folder in (os.path.join(caller.home, name) for name in folders):
        if any(_owner(path) == 0 for path in _walk_shallow(folder)):
            remedy = f"sudo chown -R {caller.user_id} {shlex.quote(folder)}"
            why = "your own pip and pipx cannot change what belongs to root"
            yield Finding("ownership", f"{folder} holds files of root's", why, remedy)


def check_environments(patient: Patient) -> Iterator[Finding]:
    """Look for environments whose Python went away with an upgrade."""
    found = patient.surroundings.place.environment
    why = "an upgrade of Python took away the interpreter that it was made with"
    if found.state == "broken":
        remedy = "PIPGUARD_REBUILD=1 pipguard install PACKAGE"
        yield Finding("environment", f"{found.path} is broken: {found.problem}", why, remedy)
    home = patient.pipx_home
    for name in _list_folder(home.environments):
        path = os.path.join(home.environments, name)
        if not os.path.isdir(path):  # pipx 1.18 keeps its locks beside the environments
            continue
        state = inspect_environment(path, make_asker(patient.caller))
        if state.state == "broken":
            command = (*home.command, "reinstall", "--python", patient.base, name)
            remedy = shlex.join(command)
            problem = f"pipx's {name} is broken: {state.problem}"
            yield Finding("pipx", problem, why, remedy, command)


def check_path(patient: Patient) -> Iterator[Finding]:
    """Look whether the commands that pipx and --user install can be found."""
    folder = patient.pipx_home.programs
    entries = patient.caller.environ.get("PATH", "").split(os.pathsep)
    if _list_folder(folder) and folder not in entries:
        command = (*patient.pipx_home.command, "ensurepath")
        why = "the commands in it can only be typed with their folder"
        yield Finding("path", f"{folder} is not on PATH", why, shlex.join(command), command)


def check_pip(patient: Patient) -> Iterator[Finding]:
    """Look whether pip and python3 are one Python's."""
    why = "`pip install` then serves another Python than the one that you start"
    pip = patient.real_pip
    name = interpreter_names(patient.caller.program)[0]
    python = next(iter(locate_programs(name, patient.caller.environ)), "")
    if pip and pip.interpreter and python and not _is_same(pip.interpreter, python):
        problem = f"{pip.command[0]} belongs to {pip.interpreter}, and {name} is {python}"
        yield Finding("which pip", problem, why, f"{python} -m pip")


def check_venv(patient: Patient) -> Iterator[Finding]:
    """Look whether `python3 -m venv` can work; pipguard itself does not need it."""
    library = locate_standard_library(patient.base) or ""
    manager = patient.manager
    if os.path.isdir(os.path.join(library, "ensurepip")) or not library or not manager:
        return
    version = os.path.basename(library)
    package = f"{version}-venv" if manager.NAME == "apt" else version
    why = "`python3 -m venv` fails half-way and leaves a folder; pipguard does not need it"
    install = manager.install((package,))
    remedy = shlex.join(install if patient.caller.user_id == 0 else ("sudo", *install))
    problem = f"{version} cannot make environments by itself"
    yield Finding("venv", problem, why, remedy, is_note=True)


def check_alias(patient: Patient) -> Iterator[Finding]:
    """Look whether a new shell's `pip` reaches us: a shim on PATH, or a line in its files."""
    caller = patient.caller
    first = next(iter(locate_programs("pip", caller.environ)), "")
    if first and os.path.realpath(first) == os.path.realpath(caller.itself):
        return
    files = (".bashrc", ".bash_aliases", ".profile", ".zshrc", ".config/fish/config.fish")
    paths = (os.path.join(caller.home or os.sep, name) for name in files)
    if any("pipguard" in line for path in paths for line in _read_lines(path)):
        return
    why = "`pip install` in a new shell meets the refusal as before"
    problem = "no shell file mentions pipguard"
    yield Finding("alias", problem, why, "alias pip=pipguard", is_note=True)


def check_memory(patient: Patient) -> Iterator[Finding]:
    """Compare what is remembered of pip's decision with what it decides now."""
    if patient.real_pip is None:
        return
    question = find_causes(patient.caller, patient.real_pip, parse_command(["install", "x"]))
    folder = cache_folder(patient.caller.environ, "verdicts")
    verdict = recall(folder, question) if question else None
    if verdict is None:
        return
    refuses = ask_for_refusal(patient.real_pip, parse_command(["install"]), patient.caller.environ)
    if (verdict == "refused") != (refuses is not None):
        why = "pip is not asked again, and the wrong answer stands"
        yield Finding("memory", f"it is remembered that pip {verdict}", why, f"rm -r {folder}",
                      discards=folder)  # fmt: skip


CHECKS: dict[str, Callable[[Patient], Iterator[Finding]]] = {
    "marker": check_marker,
    "override": check_override,
    "hidden": check_hidden,
    "ownership": check_ownership,
    "environments": check_environments,
    "path": check_path,
    "which pip": check_pip,
    "venv": check_venv,
    "alias": check_alias,
    "memory": check_memory,
}


def _name_rescue(hidden: Hidden) -> str:
    can_write = os.access(hidden.folder, os.W_OK)
    return "pipguard guard rescue" if can_write else "sudo pipguard guard rescue"


def _is_same(first: str, second: str) -> bool:
    return os.path.realpath(first) == os.path.realpath(second)


def _walk_shallow(folder: str) -> Iterator[str]:
    """Yield a folder and what is in it three levels deep: enough to meet what pip made."""
    yield folder
    level = [folder]
    for _ in range(4):
        level = [os.path.join(path, name) for path in level for name in _list_folder(path)[:500]]
        yield from level


def _owner(path: str) -> int | None:
    try:
        return os.lstat(path).st_uid
    except OSError:
        return None


def _list_folder(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path)) if not os.path.islink(path) else []
    except OSError:
        return []


def _read_lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1 << 20).splitlines()
    except OSError:
        return []
