"""Asks the operating system's package manager what it has.

In: the caller, targets. Out: an `Offer`, or what is known of one package. Asks programs that only
answer; never installs, never fetches lists, never needs root.
"""

from __future__ import annotations

import importlib
import os
import shlex
from collections.abc import Iterable, Sequence
from typing import cast

from pipguard.caller import Caller
from pipguard.doors import dataclass
from pipguard.parse import PipCommand
from pipguard.plans.system import Found, PackageManager, public_version
from pipguard.process import run_captured
from pipguard.real_pip import locate_programs
from pipguard.route import Offer, SystemPackage
from pipguard.settings import PACKAGE_MANAGERS, Settings
from pipguard.targets import Target


@dataclass(frozen=True, slots=True)
class Choice:
    """The package manager that serves an interpreter, or why there is none."""

    manager: PackageManager | None
    problem: str = ""
    hint: str = ""


def load_manager(name: str) -> PackageManager:
    """Import the module of a package manager."""
    return cast("PackageManager", importlib.import_module(f"pipguard.plans.{name}"))


def choose_manager(caller: Caller, settings: Settings, base: str) -> Choice:
    """Return the package manager whose packages the interpreter `base` sees.

    The one that the user named; Homebrew's for its own Python; else the operating system's by its
    own name, for several can be installed side by side (dnf and pacman on Debian).
    """
    if settings.package_manager:
        manager = load_manager(settings.package_manager)
        if _is_there(manager, caller):
            return Choice(manager)
        return Choice(None, f"{manager.PROGRAMS[0]} is not on PATH")
    there = [m for m in map(load_manager, PACKAGE_MANAGERS) if _is_there(m, caller)]
    is_brewed = "/Cellar/" in os.path.realpath(base)
    systems = read_system_names()
    matching = [
        m for m in there if (m.NAME == "brew" if is_brewed else not m.SYSTEMS.isdisjoint(systems))
    ]
    names = [m.NAME for m in there]
    if len(matching) == 1:
        return Choice(matching[0])
    if len(there) == 1 and not matching:
        return Choice(there[0])
    if not there:
        known = ", ".join(PACKAGE_MANAGERS)
        return Choice(None, f"none of the package managers that pipguard knows is here: {known}")
    hint = f"PIPGUARD_PACKAGE_MANAGER={names[0]} chooses one"
    return Choice(None, f"it is not clear which package manager serves {base}: {names}", hint)


def find_offer(
    caller: Caller, settings: Settings, base: str, command: PipCommand, targets: Sequence[Target]
) -> Offer:
    """Return what the package manager can do for a command."""
    choice = choose_manager(caller, settings, base)
    if choice.manager is None:
        return Offer(problem=choice.problem, hint=choice.hint)
    manager = choice.manager
    is_removal = command.subcommand == "uninstall"
    look = find_installed if is_removal else find_package
    packages = tuple(look(manager, t, caller) for t in targets if t.kind == "name")
    names = [p.package for p in packages if p.package]
    words = manager.remove(names) if is_removal else manager.install(names)
    is_allowed, sudo, problem = find_rights(manager, caller)
    typed = ("sudo", *words) if manager.NEEDS_ROOT and caller.user_id != 0 else words
    along = find_taken_along(manager, names, caller) if is_removal else ()
    program = locate_programs(manager.PROGRAMS[0], caller.environ)[0]
    return Offer(
        manager.NAME,
        program,
        packages,
        problem,
        _hint_at_lists(manager, packages, is_removal=is_removal),
        shlex.join(typed),
        is_allowed,
        sudo,
        along,
    )


def find_package(manager: PackageManager, target: Target, caller: Caller) -> SystemPackage:
    """Return what could be installed of a target; the first name that is Python's counts."""
    for guess in manager.guess_names(target.name):
        found = manager.read_answer(ask_manager(manager.query(guess), caller))
        usable = [f for f in found if f.is_python]
        chosen = _choose_package(usable, target.name)
        if chosen:
            installed = _find_version(manager, chosen.package, caller)
            return _describe(target, chosen, installed)
        if usable:
            return SystemPackage(target, others=tuple(f.package for f in usable))
    return SystemPackage(target)


def find_installed(manager: PackageManager, target: Target, caller: Caller) -> SystemPackage:
    """Return which installed package holds a target."""
    for guess in manager.guess_names(target.name):
        found = manager.read_installed(ask_manager(manager.query_installed(guess), caller))
        chosen = _choose_package(found, target.name)
        if chosen:
            return _describe(target, chosen, chosen.version)
    return SystemPackage(target)


def find_taken_along(
    manager: PackageManager, packages: Sequence[str], caller: Caller
) -> tuple[str, ...]:
    """Return what the removal of packages would take away besides them."""
    words = manager.rehearse_removal(packages) if packages else ()
    if not words:
        return ()
    found = manager.read_removal(ask_manager(words, caller))
    own = {package.partition(":")[0] for package in packages}
    return tuple(name for name in found if name.partition(":")[0] not in own)


def find_dependents(manager: PackageManager, package: str, caller: Caller) -> tuple[str, ...]:
    """Return the installed packages that need this one."""
    return tuple(manager.read_dependents(ask_manager(manager.query_dependents(package), caller)))


def find_owner(manager: PackageManager, path: str, caller: Caller) -> str:
    """Return the package that a file belongs to, empty without one."""
    words = manager.query_owner(path)
    return manager.read_owner(ask_manager(words, caller)) if words else ""


def ask_manager(words: Sequence[str], caller: Caller) -> str:
    """Return what a package manager answers, in English, whatever its exit status."""
    path = next(iter(locate_programs(words[0], caller.environ)), "")
    if not path:
        return ""
    environ = {**caller.environ, "LC_ALL": "C", "HOMEBREW_NO_AUTO_UPDATE": "1"}
    try:
        answer = run_captured([path, *words[1:]], environ, timeout=60)
    except (OSError, TimeoutError):
        return ""
    return os.fsdecode(answer.stdout + answer.stderr)


def read_system_names() -> frozenset[str]:
    """Return the names by which the operating system and its ancestors go (os-release)."""
    names: set[str] = set()
    try:
        with open("/etc/os-release", encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.strip().partition("=")
                if key in {"ID", "ID_LIKE"}:
                    names.update(value.strip("\"'").split())
    except OSError:
        pass
    return frozenset(names)


def _is_there(manager: PackageManager, caller: Caller) -> bool:
    return all(locate_programs(name, caller.environ) for name in manager.PROGRAMS)


def find_rights(manager: PackageManager, caller: Caller) -> tuple[bool, str, str]:
    """Return whether it can be done, by which sudo, and why it never can."""
    is_root = caller.user_id == 0
    if not manager.NEEDS_ROOT:
        return True, "", f"{manager.NAME} does not run as root" if is_root else ""
    sudo = next(iter(locate_programs("sudo", caller.environ)), "")
    can_ask = caller.is_terminal and bool(sudo)
    return is_root or can_ask, "" if is_root else sudo, ""


def _hint_at_lists(
    manager: PackageManager, packages: Iterable[SystemPackage], *, is_removal: bool
) -> str:
    """Say how to fetch the lists where nothing was found: a fresh image often has none."""
    if is_removal or any(found.package or found.others for found in packages):
        return ""
    return f"`{' '.join(manager.REFRESH)}` fetches its lists; PIPGUARD_ROUTE=auto needs none"


def _choose_package(found: Sequence[Found], name: str) -> Found | None:
    """Return the only one, or the one with the usual name among several."""
    if len(found) < 2:
        return found[0] if found else None
    usual = [f for f in found if f.package in {f"python3-{name}", f"python-{name}", f"py3-{name}"}]
    return usual[0] if len(usual) == 1 else None


def _find_version(manager: PackageManager, package: str, caller: Caller) -> str:
    found = manager.read_installed(ask_manager(manager.query_installed(package), caller))
    versions = (f.version for f in found if f.package.partition(":")[0] == package)
    return next(versions, "")


def _describe(target: Target, found: Found, installed: str) -> SystemPackage:
    version = found.version
    return SystemPackage(target, found.package, version, public_version(version), installed)
