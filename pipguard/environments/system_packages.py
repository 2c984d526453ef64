"""Finds why an environment should see the operating system's own Python packages.

In: the names to be installed, the project, the base interpreter. Out: a clause that says why, empty
where there is no reason. A name may work with the system's packages alone; the project's code may
import a module that only the system's Python has (`gi`, from apt). Reads names and the project's
code. Never changes anything.
"""

from __future__ import annotations

import sys
from collections.abc import Collection

from pipguard.environments.declared import find_declared_names
from pipguard.environments.distributions import list_modules, list_site_folders, scan_distributions
from pipguard.environments.imported import find_importing_files, scan_imported_names
from pipguard.knowledge import find_host_module, find_modules, list_host_modules
from pipguard.pip.interpreter import list_site_folders as list_system_folders
from pipguard.system.folders import list_readable_names
from pipguard.system.frozen import dataclass
from pipguard.system.os_release import is_raspberry_pi_os

_EVERYWHERE = {"_distutils_hack", "distutils", "pip", "pkg_resources", "setuptools", "wheel"}


@dataclass(frozen=True, slots=True)
class Need:
    """Why an environment should see the system's packages."""

    reason: str
    """A clause for people."""
    name: str = ""
    """The distribution that works with them; empty where it is the project's code."""
    is_pressing: bool = True
    """Whether something will not work without, so that it is said of an old environment, too."""


def find_need(root: str | None, names: Collection[str], base: str, environment: str) -> Need | None:
    """Return why, for an environment at that path, be it there or not.

    `names` are the normalised ones of what is to be installed, `root` is the project's.
    """
    for name in sorted(list_host_modules().intersection(names)):
        known = find_host_module(name)
        if known and known.needs_system:
            return Need(f"`{name}` works with {known.words}", name)
    module, file = _find_systems_module(root, names, base, environment)
    if module:
        return Need(f"`{file}` imports {module}, which the system's Python has")
    if is_raspberry_pi_os():
        said = "Raspberry Pi OS has its hardware's modules as packages"
        return Need(said, is_pressing=False)
    return None


def _find_systems_module(
    root: str | None, names: Collection[str], base: str, environment: str
) -> tuple[str, str]:
    """Return a module that the project imports and only the system has, and the importing file."""
    wanted = scan_imported_names(root) - set(sys.stdlib_module_names) if root else set()
    if not wanted:
        return "", ""
    folders = list_system_folders(base, {}, "")
    there = {name.partition(".")[0] for f in folders for name in list_readable_names(f)}
    own = {
        name.partition(".")[0]
        for folder in list_site_folders(environment)
        for name in list_readable_names(folder)
    }
    wanted = (wanted & there) - own - _EVERYWHERE
    wanted -= {module for name in names for module in find_modules(name)}
    found = find_importing_files(root, {module: (module,) for module in sorted(wanted)})
    for module, file in found.items():
        # What the project asks for, pip will bring.
        providers = [n for _, n, _ in scan_distributions(folders) if _is_of(n, module, folders)]
        if not find_declared_names(root, [*providers, module.replace("_", "-")]):
            return module, file
    return "", ""


def _is_of(name: str, module: str, folders: list[str]) -> bool:
    return module in find_modules(name) or module in list_modules(folders, name)
