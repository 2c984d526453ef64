"""Lists what is installed in a location that a command may change, by name and version.

In: a `Location`. Out: an `Inventory`; two of them make `Change`s. Reads folders and, for the
operating system's packages alone, asks the package manager's own list. Never changes anything; what
cannot be read is an error, never an empty inventory.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from pipguard.environments.distributions import (
    Unreadable,
    list_site_folders,
    read_origin,
    scan_distributions,
)
from pipguard.environments.inspect import sees_system
from pipguard.environments.pipx import read_application
from pipguard.system.folders import list_readable_names
from pipguard.system.frozen import dataclass, field
from pipguard.system.processes import run_captured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["environment", "pipx", "application", "site", "system"]


EXPOSING = "--include-apps"
"""pipx's word for what is added to an application and has commands of its own; among the words of
an application it stands before all of these."""
_KINDS: tuple[Kind, ...] = ("environment", "pipx", "application", "site", "system")


@dataclass(frozen=True, slots=True)
class Location:
    """Where packages are installed."""

    kind: Kind
    path: str
    """A folder (of `pipx`, that of all its environments; of `application`, one of these); the
    package manager's name for the operating system's packages."""
    names: tuple[str, ...] = field(default=(), compare=False)
    """Normalised names that matter: of pipx's applications, of what is added to one of them."""
    listing: tuple[str, ...] = field(default=(), compare=False)
    """The command that lists the operating system's packages."""

    def locate_environment(self, name: str) -> str:
        """Return the environment that a package of it is in; empty where it is in none."""
        if self.kind == "pipx":
            return os.path.join(self.path, name)
        return self.path if self.kind in {"environment", "application"} else ""


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """One installed package."""

    version: str
    words: tuple[str, ...] = ()
    """What installs it again, where name and version alone do not (an address, a folder)."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a location held at one moment."""

    location: Location
    exists: bool
    packages: Mapping[str, InstalledPackage]
    sees_system: bool = False
    """Whether it is an environment that sees the packages of the Python it was made from."""


@dataclass(frozen=True, slots=True)
class Change:
    """One package that is not as it was; None before or after where it was not there."""

    location: Location
    name: str
    before: InstalledPackage | None
    after: InstalledPackage | None


def read_kind(word: object) -> Kind:
    """Return the kind of a location from the word in which it is written down.

    Raises ValueError.
    """
    for kind in _KINDS:
        if word == kind:
            return kind
    raise ValueError(word)


def read_inventory(location: Location, environ: Mapping[str, str]) -> Inventory:
    """Return what the location holds now; `environ` is for a package manager that is asked.

    Raises `Unreadable`.
    """
    if location.kind == "system":
        return Inventory(location, True, read_system_packages(location.listing, environ))
    exists = bool(list_readable_names(location.path))
    if location.kind == "pipx":
        return Inventory(location, exists, _read_applications(location))
    if location.kind == "application":
        return Inventory(location, exists, _read_injected(location))
    is_environment = location.kind == "environment"
    folders = list_site_folders(location.path) if is_environment else [location.path]
    found = scan_distributions(folders)
    packages = {n: InstalledPackage(v, tuple(read_origin(p))) for p, n, v in found}
    return Inventory(location, exists, packages, is_environment and sees_system(location.path))


def compare_inventories(before: Inventory, after: Inventory) -> tuple[Change, ...]:
    """Return what appeared, went or changed, in the order of the names."""
    names = sorted({*before.packages, *after.packages})
    pairs = ((name, before.packages.get(name), after.packages.get(name)) for name in names)
    return tuple(Change(before.location, n, old, new) for n, old, new in pairs if old != new)


def read_system_packages(
    command: tuple[str, ...], environ: Mapping[str, str]
) -> dict[str, InstalledPackage]:
    """Read lines of name, version and perhaps a state (dpkg keeps those removed in its list).

    Raises `Unreadable` when the package manager does not answer: its packages are not known then.
    """
    try:
        answer = run_captured(command, {**environ, "LC_ALL": "C"}, timeout=60)
    except (OSError, TimeoutError) as error:
        raise Unreadable(f"{command[0]} does not list the installed packages: {error}") from error
    # With nothing installed pacman and brew end with 1, without a word.
    if answer.exit_status != 0 and (answer.stdout or answer.stderr):
        problem = f"exit status {answer.exit_status}"
        raise Unreadable(f"{command[0]} does not list the installed packages: {problem}")
    lines = (line.split() for line in os.fsdecode(answer.stdout).splitlines())
    parts = (line if len(line) > 1 else _split_version(line) for line in lines if line)
    gone = (["config-files"], ["not-installed"])
    return {p[0]: InstalledPackage(p[1]) for p in parts if len(p) > 1 and p[2:3] not in gone}


def _read_applications(location: Location) -> dict[str, InstalledPackage]:
    found = {}
    for name in location.names:
        application = read_application(location.path, name)
        if application:
            hidden = [one.requirement for one in application.injected if not one.commands]
            exposed = [one.requirement for one in application.injected if one.commands]
            words = (application.requirement, *hidden, *([EXPOSING, *exposed] if exposed else ()))
            words = () if words == (name,) else words
            found[name] = InstalledPackage(application.version, words)
    return found


def _read_injected(location: Location) -> dict[str, InstalledPackage]:
    """Return what of the names was added to the application; its own dependencies are not."""
    folder, name = os.path.split(location.path)
    application = read_application(folder, name)
    found = {}
    for one in application.injected if application else ():
        if one.name in location.names:
            exposing = (EXPOSING,) if one.commands else ()
            words = (*exposing, one.requirement)
            found[one.name] = InstalledPackage(one.version, () if words == (one.name,) else words)
    return found


def _split_version(line: list[str]) -> list[str]:
    """Split Alpine's `name-1.0-r0`, in which the name may have hyphens, too."""
    return line[0].rsplit("-", 2)[:2]
