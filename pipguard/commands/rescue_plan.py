"""What a rescue moves: distributions that pip installed over the operating system's Python.

In: the folders outside environments that pip writes to. Out: what is there, where it goes, which
copies are still missing and what is to be removed. Never removes anything itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipguard.environments.distributions import TOOLCHAIN, list_distributions, list_modules
from pipguard.environments.inventory import Change, InstalledPackage, Inventory, Location
from pipguard.environments.pipx import PipxHome, read_application
from pipguard.errors import PipguardError
from pipguard.knowledge import find_known
from pipguard.package_managers.shadowed import ShadowedPackage


@dataclass(frozen=True, slots=True)
class MisplacedDistribution:
    """One distribution that pip put where only the package manager should."""

    name: str
    package: InstalledPackage
    location: Location
    goes_to: str
    """`pipx`, `environment` or `nowhere`: a toolchain of its own is in every environment."""

    @property
    def words(self) -> tuple[str, ...]:
        """What installs it again at the same version."""
        return self.package.words or (f"{self.name}=={self.package.version}",)


def find_misplaced(
    inventories: Sequence[Inventory], is_owned: Callable[[str, Inventory], bool]
) -> tuple[MisplacedDistribution, ...]:
    """Return what pip put into the folders; `is_owned` tells what the package manager put there.

    Of a name in several folders only the first is imported, and so only that one is copied.
    """
    found: dict[tuple[str, Location], MisplacedDistribution] = {}
    seen: set[str] = set()
    for inventory in inventories:
        for name, package in sorted(inventory.packages.items()):
            if not is_owned(name, inventory):
                goes_to = "nowhere" if name in seen else choose_destination(name)
                found[name, inventory.location] = MisplacedDistribution(
                    name, package, inventory.location, goes_to
                )
                seen.add(name)
    return tuple(found.values())


def choose_destination(name: str) -> str:
    """Return where a distribution goes: applications to pipx, libraries to an environment.

    What is not known for an application is taken for a library: it still runs from there.
    """
    if name in TOOLCHAIN:
        return "nowhere"
    known = find_known(name)
    return "pipx" if known and known.kind == "application" else "environment"


def write_list(folder: str, misplaced: Sequence[MisplacedDistribution]) -> str:
    """Write down what there is, before anything is done; return the file's path.

    Raises `PipguardError` where that is not possible, for then nothing may be done either.
    """
    moment = time.strftime("%Y-%m-%d-%H%M%S")
    path = os.path.join(folder, f"rescue-{moment}-{os.getpid()}.txt")
    lines = [f"# {c.location.path}, to {c.goes_to}\n{' '.join(c.words)}\n" for c in misplaced]
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        problem = f"the list cannot be written, so nothing is done: {error.strerror}"
        raise PipguardError(problem) from error
    return path


def find_missing(
    misplaced: Sequence[MisplacedDistribution], environment: str, home: PipxHome
) -> tuple[MisplacedDistribution, ...]:
    """Return what has no copy of the same version yet."""
    there = list_distributions(environment)
    return tuple(c for c in misplaced if not _has_copy(c, there, home))


def list_imports(misplaced: Sequence[MisplacedDistribution]) -> dict[str, tuple[str, ...]]:
    """Return the modules to import for each distribution."""
    return {c.name: list_modules([c.location.path], c.name) for c in misplaced}


def list_removals(misplaced: Sequence[MisplacedDistribution]) -> dict[Location, tuple[Change, ...]]:
    """Return what goes from which folder."""
    found: dict[Location, list[Change]] = {}
    for distribution in misplaced:
        change = Change(distribution.location, distribution.name, None, distribution.package)
        found.setdefault(distribution.location, []).append(change)
    return {place: tuple(changes) for place, changes in found.items()}


def find_still_shadowed(
    before: Sequence[ShadowedPackage], after: Sequence[ShadowedPackage]
) -> tuple[ShadowedPackage, ...]:
    """Return what was to come back and did not."""
    names = {hidden.name for hidden in before}
    return tuple(hidden for hidden in after if hidden.name in names)


def is_writable(place: Location) -> bool:
    """Tell whether the originals could be removed there."""
    return os.access(place.path, os.W_OK)


def _has_copy(distribution: MisplacedDistribution, there: dict[str, str], home: PipxHome) -> bool:
    if distribution.goes_to == "nowhere":
        return True
    if distribution.goes_to == "environment":
        return there.get(distribution.name) == distribution.package.version
    application = read_application(home.environments, distribution.name)
    return application is not None and application.version == distribution.package.version
