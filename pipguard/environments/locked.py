"""Finds which other manager keeps the lock file of a project.

In: the project's root folder. Out: the lock file and the words that would record a requirement in
it. pip changes no lock file, so what it installs is not in there, and the manager's next
synchronisation may remove it. Looks at names alone.
"""

from __future__ import annotations

import os

from pipguard.system.folders import list_readable_names
from pipguard.system.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file of another manager's."""

    file: str
    add: str
    """What records a requirement in it, without the requirement."""


_LOCKS = (
    Lock("uv.lock", "uv add"),
    Lock("poetry.lock", "poetry add"),
    Lock("pdm.lock", "pdm add"),
    Lock("Pipfile.lock", "pipenv install"),
    Lock("pixi.lock", "pixi add --pypi"),
)


def find_lock(root: str) -> Lock | None:
    """Return the first of them that lies in the project's root, None without one."""
    names = set(list_readable_names(root))
    there = (lock for lock in _LOCKS if lock.file in names)
    return next((lock for lock in there if os.path.isfile(os.path.join(root, lock.file))), None)
