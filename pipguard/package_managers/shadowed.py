"""Finds packages of the operating system that Python no longer imports, and who needs them.

In: the folders that an interpreter imports from. Out: `ShadowedPackage`s. Asks the package manager
only about names that are in two folders. Never changes anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from pipguard.caller import Caller
from pipguard.environments.distributions import scan_distributions
from pipguard.environments.inventory import Location
from pipguard.package_managers.queries import choose_manager, find_dependents, find_owner
from pipguard.settings import read_settings
from pipguard.system.frozen import dataclass


@dataclass(frozen=True, slots=True)
class ShadowedPackage:
    """A package of the operating system's that Python no longer imports."""

    name: str
    version: str
    """Of what is imported instead."""
    folder: str
    """Where that one is."""
    package: str
    system_version: str
    system_folder: str
    dependents: tuple[str, ...] = ()
    """Installed packages of the operating system that need the hidden one."""

    @property
    def words(self) -> str:
        """What is wrong, in a clause."""
        what = f"{self.name} {self.version} in {self.folder} hides {self.package}"
        shown = ", ".join(self.dependents[:5])
        more = f" and {len(self.dependents) - 5} more" if len(self.dependents) > 5 else ""
        used = f", which {shown}{more} use" if shown else ""
        return f"{what} {self.system_version}{used}"


def find_shadowed(
    places: Sequence[Location], base: str, caller: Caller, names: Iterable[str] | None = None
) -> tuple[ShadowedPackage, ...]:
    """Return what is hidden among `names`, or among all; `places` come in Python's own order."""
    manager = choose_manager(caller, read_settings(caller.environ, None), base).manager
    if manager is None:
        return ()
    wanted = None if names is None else set(names)
    first: dict[str, tuple[str, str]] = {}
    found = []
    for path, name, version in scan_distributions(place.path for place in places):
        folder = os.path.dirname(path)
        if wanted is not None and name not in wanted:
            continue
        if name not in first:
            first[name] = (version, folder)
            continue
        package = find_owner(manager, path, caller)
        if package and first[name][1] != folder:
            users = find_dependents(manager, package, caller)
            found.append(ShadowedPackage(name, *first[name], package, version, folder, users))
    return tuple(found)
