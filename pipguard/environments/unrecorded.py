"""Lists the files in an environment that no tool has put there: they are the user's own.

In: an environment's folder. Out: paths in it that are neither in the RECORD of an installed
distribution (PEP 376) nor made by virtualenv or venv. Reads names and RECORD files alone.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator

from pipguard.environments.distributions import list_site_folders, scan_distributions
from pipguard.environments.inspect import UNFINISHED_NAME
from pipguard.environments.nearby import OWN_FOLDER

# What virtualenv 20, venv (Python 3.8 to 3.15) and uv 0.13 write outside of distributions.
_OWN_FILES = frozenset(
    {"pyvenv.cfg", ".gitignore", ".lock", "CACHEDIR.TAG", "lib64", UNFINISHED_NAME}
)
_OWN_PROGRAMS = ("activate", "Activate", "deactivate", "python", "pypy", "pydoc", "𝜋thon")
_OWN_MODULES = frozenset({"_virtualenv.py", "_virtualenv.pth"})
_COMPILED = "__pycache__"


def list_unrecorded(environment: str) -> list[str]:
    """Return the user's own files, sorted, relative to the environment.

    Raises `Unreadable`. Compiled modules are nobody's: Python makes them anew.
    """
    sites = list_site_folders(environment)
    recorded = {path for found, _, _ in scan_distributions(sites) for path in list_recorded(found)}
    found = []
    for folder, folders, files in os.walk(environment):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        folders[:] = [name for name in folders if name != _COMPILED]
        if folder == environment and OWN_FOLDER in folders:
            folders.remove(OWN_FOLDER)
        for name in (*files, *links):
            path = os.path.join(folder, name)
            inside = os.path.relpath(path, environment)
            is_own = folder in sites and name in _OWN_MODULES
            if path not in recorded and not is_own and not _is_tools(inside):
                found.append(inside)
    return sorted(found)


def _is_tools(inside: str) -> bool:
    folder, name = os.path.split(inside)
    is_program = folder in {"bin", "Scripts"} and name.startswith(_OWN_PROGRAMS)
    return inside in _OWN_FILES or is_program


def list_recorded(metadata: str) -> Iterator[str]:
    """Yield the path of every file of a distribution; none where its RECORD cannot be read.

    `metadata` is the distribution's `.dist-info`.
    """
    site = os.path.dirname(metadata)
    try:
        rows = read_record(metadata)
    except (OSError, ValueError):
        return
    yield from (os.path.normpath(os.path.join(site, row[0])) for row in rows)


def read_record(metadata: str) -> list[list[str]]:
    """Return the rows of a RECORD: path, hash, size. Raises OSError, and ValueError for no CSV."""
    with open(os.path.join(metadata, "RECORD"), encoding="utf-8", newline="") as file:
        try:
            return [row for row in csv.reader(file) if row]
        except csv.Error as error:
            raise ValueError(f"{metadata}/RECORD is torn") from error
