"""Asks the operating system's package manager what it has.

In: the caller, targets. Out: an `Offer`, or what is known of one package. Runs programs that only
answer; never installs, never fetches lists, never needs root. A manager that cannot be asked is an
error, never a no.
"""

from __future__ import annotations

import importlib
import os
import shlex
from collections.abc import Callable, Iterable, Sequence

from pipguard.caller import Caller
from pipguard.classification.targets import Target
from pipguard.environments.inventory import Location
from pipguard.errors import PipguardError
from pipguard.package_managers.types import (
    Found,
    Offer,
    PackageManager,
    ServingPackage,
    SystemPackage,
    public_version,
)
from pipguard.pip.command_line import PipCommand
from pipguard.settings import PACKAGE_MANAGERS, Settings
from pipguard.system.folders import list_readable_names
from pipguard.system.frozen import dataclass
from pipguard.system.os_release import read_os_release
from pipguard.system.processes import run_captured
from pipguard.system.programs import locate_program


class ManagerSilent(PipguardError):
    """A package manager did not answer, so nothing is known about its packages."""

    reference = "manager-silent"


@dataclass(frozen=True, slots=True)
class Choice:
    """The package manager that serves an interpreter, or why there is none."""

    manager: PackageManager | None
    problem: str = ""
    hint: str = ""


def load_manager(name: str) -> PackageManager:
    """Import the module of a package manager, which is one of `PACKAGE_MANAGERS`."""
    manager: PackageManager = importlib.import_module(f"pipguard.package_managers.{name}").MANAGER
    return manager


def make_system_location(name: str) -> Location:
    """Return the operating system's packages as a package manager lists them.

    Raises ValueError for a name that is not one of `PACKAGE_MANAGERS`.
    """
    if name not in PACKAGE_MANAGERS:
        raise ValueError(name)
    return Location("system", name, listing=load_manager(name).listing)


def choose_manager(caller: Caller, settings: Settings, base: str) -> Choice:
    """Return the package manager whose packages the interpreter `base` sees.

    The one that the user named; Homebrew's for its own Python; else the operating system's by its
    own name, for several can be installed side by side (dnf and pacman on Debian).
    """
    if settings.package_manager:
        manager = load_manager(settings.package_manager)
        if _is_installed(manager, caller):
            return Choice(manager)
        return Choice(None, f"{manager.programs[0]} is not on PATH")
    there = [m for m in map(load_manager, PACKAGE_MANAGERS) if _is_installed(m, caller)]
    if not there:
        known = ", ".join(PACKAGE_MANAGERS)
        return Choice(None, f"none of the package managers that pipguard knows is here: {known}")
    is_brewed = "/Cellar/" in os.path.realpath(base)
    systems = read_system_names()
    matching = [
        m for m in there if (m.name == "brew" if is_brewed else not m.systems.isdisjoint(systems))
    ]
    if len(matching) == 1:
        return Choice(matching[0])
    if len(there) == 1 and not matching:
        return Choice(there[0])
    names = [m.name for m in there]
    hint = f"PIPGUARD_PACKAGE_MANAGER={names[0]} chooses one"
    return Choice(None, f"it is not clear which package manager serves {base}: {names}", hint)


def find_offer(
    caller: Caller, settings: Settings, base: str, command: PipCommand, targets: Sequence[Target]
) -> Offer:
    """Return what the package manager can do for a command; raises `ManagerSilent`."""
    choice = choose_manager(caller, settings, base)
    is_removal = command.subcommand == "uninstall"
    if choice.manager is None:
        hint = choice.hint or ("" if is_removal else _hint_at_others(targets, caller))
        return Offer(problem=choice.problem, hint=hint)
    manager = choice.manager
    look = find_all_installed if is_removal else find_packages
    packages = look(manager, [t for t in targets if t.kind == "name"], caller)
    names = [p.package for p in packages if p.package]
    is_allowed, sudo, problem = find_rights(manager, caller)
    if not names and not is_removal and not _has_lists(manager):
        problem = f"{manager.name} has no lists here, so it cannot tell what it has"
    return Offer(
        manager.name,
        locate_program(manager.programs[0], caller.environ),
        packages,
        problem,
        _hint_at_lists(manager, packages, is_removal=is_removal),
        format_typed(
            manager, manager.typed_remove if is_removal else manager.typed_install, names, caller
        ),
        is_allowed,
        sudo,
        find_taken_along(manager, names, caller) if is_removal else (),
    )


def format_typed(
    manager: PackageManager, start: Sequence[str], packages: Sequence[str], caller: Caller
) -> str:
    """Return a command as the user would type it, with sudo where the manager needs root."""
    sudo = ("sudo",) if manager.needs_root and caller.user_id != 0 else ()
    return shlex.join((*sudo, *start, *packages))


def find_package(manager: PackageManager, target: Target, caller: Caller) -> SystemPackage:
    """Return what could be installed of a target; the first name that is Python's counts."""
    return find_packages(manager, [target], caller)[0]


def find_packages(
    manager: PackageManager, targets: Sequence[Target], caller: Caller
) -> tuple[SystemPackage, ...]:
    """Return the same for several targets, asking once where the manager answers many at once."""
    guesses = {target: manager.guess_names(target.name) for target in targets}
    names = list(dict.fromkeys(name for found in guesses.values() for name in found))
    find_offered = _ask_for(manager, manager.query_start, manager.read_answer, names, caller)
    chosen = {target: _choose_first(target, guesses[target], find_offered) for target in targets}
    wanted = [
        one.package for one in chosen.values() if isinstance(one, Found) and one.installed is None
    ]
    find_there = _ask_for(
        manager, manager.query_installed_start, manager.read_installed, wanted, caller
    )
    return tuple(_describe_choice(t, one, find_there) for t, one in chosen.items())


def _ask_for(
    manager: PackageManager,
    start: Sequence[str],
    read: Callable[[str], list[Found]],
    names: Sequence[str],
    caller: Caller,
) -> Callable[[str], list[Found]]:
    """Return what tells what the answer has for a name; asked once for all where that can be."""
    if not manager.answers_many or not names:
        return lambda name: read(ask_manager((*start, name), caller))
    found: dict[str, list[Found]] = {}
    for one in read(ask_manager((*start, *names), caller)):
        found.setdefault(one.package.partition(":")[0], []).append(one)
    return lambda name: found.get(name, [])


def _choose_first(
    target: Target, guesses: Sequence[str], find_offered: Callable[[str], list[Found]]
) -> Found | tuple[str, ...]:
    """Return the package of the first name that has one, or several among which nobody chose."""
    for guess in guesses:
        usable = [found for found in find_offered(guess) if found.is_python]
        chosen = _choose_package(usable, target.name)
        if chosen or usable:
            return chosen or tuple(found.package for found in usable)
    return ()


def _describe_choice(
    target: Target, chosen: Found | tuple[str, ...], find_there: Callable[[str], list[Found]]
) -> SystemPackage:
    if not isinstance(chosen, Found):
        return SystemPackage(target, others=chosen)
    if chosen.installed is not None:
        return _describe(target, chosen, chosen.installed)
    there = find_there(chosen.package)
    versions = (f.version for f in there if f.package.partition(":")[0] == chosen.package)
    return _describe(target, chosen, next(versions, ""))


def describe_packages(
    manager: PackageManager, targets: Sequence[Target], caller: Caller
) -> dict[str, str]:
    """Return in words what the package manager has of each target, by the target's name.

    That it does not answer is no no.
    """
    try:
        found = find_packages(manager, targets, caller)
    except ManagerSilent as error:
        return {target.name: error.message for target in targets}
    return {one.target.name: _describe_offer(manager, one) for one in found}


def _has_lists(manager: PackageManager) -> bool:
    """Tell whether the manager can know of packages that are not installed."""
    names = list_readable_names(manager.lists) if manager.lists else ()
    return not manager.lists or any("_Packages" in name for name in names)


def _describe_offer(manager: PackageManager, found: SystemPackage) -> str:
    if not found.package and not _has_lists(manager):
        return f"{manager.name} has no lists here, so it cannot tell"
    if not found.package:
        return f"{manager.name} has no package for it"
    state = " (installed)" if found.installed else ""
    return f"{manager.name} has {found.package} {found.version}{state}"


def find_serving_package(
    caller: Caller, settings: Settings, base: str, target: Target
) -> ServingPackage:
    """Return what the package manager has of a project that pip may be unable to build."""
    manager = choose_manager(caller, settings, base).manager
    try:
        found = find_package(manager, target, caller) if manager else None
    except ManagerSilent:
        return ServingPackage()
    if not manager or not found or not found.package:
        return ServingPackage()
    words = f"{manager.name} has {found.package} {found.version}"
    if found.installed:
        advice = f"{found.package} is installed, so `{target.name}` need not be: leave it out"
        return ServingPackage(f"{words}, installed", advice)
    typed = format_typed(manager, manager.typed_install, [found.package], caller)
    return ServingPackage(words, f"`{typed}` brings `{target.name}` without building it")


def find_installed(manager: PackageManager, target: Target, caller: Caller) -> SystemPackage:
    """Return which installed package holds a target."""
    for guess in manager.guess_names(target.name):
        found = _ask_installed(manager, guess, caller)
        chosen = _choose_package(found, target.name)
        if chosen:
            return _describe(target, chosen, chosen.version)
    return SystemPackage(target)


def find_all_installed(
    manager: PackageManager, targets: Sequence[Target], caller: Caller
) -> tuple[SystemPackage, ...]:
    """Return which installed package holds each target."""
    return tuple(find_installed(manager, target, caller) for target in targets)


def find_taken_along(
    manager: PackageManager, packages: Sequence[str], caller: Caller
) -> tuple[str, ...]:
    """Return what the removal of packages would remove besides them."""
    if not packages or not manager.rehearse_removal_start:
        return ()
    words = (*manager.rehearse_removal_start, *packages)
    found = manager.read_removal(_ask_about_removal(manager, words, caller))
    own = {package.partition(":")[0] for package in packages}
    return tuple(name for name in found if name.partition(":")[0] not in own)


def find_dependents(manager: PackageManager, package: str, caller: Caller) -> tuple[str, ...]:
    """Return the installed packages that need this one."""
    words = (*manager.dependents_start, package)
    return tuple(manager.read_dependents(_ask_about_removal(manager, words, caller)))


def find_owner(manager: PackageManager, path: str, caller: Caller) -> str:
    """Return the package that a file belongs to, empty without one."""
    words = manager.owner_start
    return manager.read_owner(ask_manager((*words, path), caller)) if words else ""


def ask_manager(words: Sequence[str], caller: Caller) -> str:
    """Return what a package manager answers on stdout, in English, whatever its exit status.

    Warnings are on stderr and would spoil an answer in JSON (Homebrew). Raises `ManagerSilent` for
    a manager that cannot be started or does not answer within a minute.
    """
    return _ask(words, caller)[0]


def _ask_about_removal(manager: PackageManager, words: Sequence[str], caller: Caller) -> str:
    stdout, stderr = _ask(words, caller)
    return stdout + stderr if manager.answers_on_stderr else stdout


def _ask(words: Sequence[str], caller: Caller) -> tuple[str, str]:
    path = locate_program(words[0], caller.environ)
    environ = {**caller.environ, "LC_ALL": "C", "HOMEBREW_NO_AUTO_UPDATE": "1"}
    try:
        answer = run_captured([path or words[0], *words[1:]], environ, timeout=60)
    except TimeoutError as error:
        raise ManagerSilent(f"{words[0]} did not answer within a minute") from error
    except OSError as error:
        raise ManagerSilent(f"{words[0]} cannot be started: {error.strerror}") from error
    return os.fsdecode(answer.stdout), os.fsdecode(answer.stderr)


def read_system_names() -> frozenset[str]:
    """Return the names by which the operating system and its ancestors go."""
    found = read_os_release()
    return frozenset(f"{found.get('ID', '')} {found.get('ID_LIKE', '')}".split())


def find_rights(manager: PackageManager, caller: Caller) -> tuple[bool, str, str]:
    """Return whether it can be done, by which sudo, and why it never can."""
    is_root = caller.user_id == 0
    if not manager.needs_root:
        return True, "", f"{manager.name} does not run as root" if is_root else ""
    sudo = locate_program("sudo", caller.environ)
    can_ask = caller.is_terminal and bool(sudo)
    return is_root or can_ask, "" if is_root else sudo, ""


def _is_installed(manager: PackageManager, caller: Caller) -> bool:
    return all(locate_program(name, caller.environ) for name in manager.programs)


_OTHERS = {
    "xbps-install": ("xbps-install", "-S", "python3-{}"),
    "emerge": ("emerge", "--ask", "dev-python/{}"),
}
"""Managers that cannot be asked yet, Void's and Gentoo's, and how they mostly name a project."""


def _hint_at_others(targets: Sequence[Target], caller: Caller) -> str:
    names = [target.name for target in targets if target.kind == "name"]
    for program, (*start, package) in _OTHERS.items():
        if names and locate_program(program, caller.environ):
            sudo = () if caller.user_id == 0 else ("sudo",)
            words = shlex.join((*sudo, *start, *map(package.format, names)))
            return f"by its usual names: `{words}`"
    return ""


def _hint_at_lists(
    manager: PackageManager, packages: Iterable[SystemPackage], *, is_removal: bool
) -> str:
    """Say how to fetch the lists where nothing was found: a fresh image often has none."""
    if is_removal or any(found.package or found.others for found in packages):
        return ""
    return f"`{' '.join(manager.refresh)}` fetches its lists; PIPGUARD_ROUTE=auto needs none"


def _choose_package(found: Sequence[Found], name: str) -> Found | None:
    """Return the only one, or the one with the usual name among several."""
    if len(found) < 2:
        return found[0] if found else None
    usual = [f for f in found if f.package in {f"python3-{name}", f"python-{name}", f"py3-{name}"}]
    return usual[0] if len(usual) == 1 else None


def _ask_installed(manager: PackageManager, name: str, caller: Caller) -> list[Found]:
    words = (*manager.query_installed_start, name)
    return manager.read_installed(ask_manager(words, caller))


def _describe(target: Target, found: Found, installed: str) -> SystemPackage:
    version = found.version
    return SystemPackage(target, found.package, version, public_version(version), installed)
