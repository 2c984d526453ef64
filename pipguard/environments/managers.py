"""Finds the other manager of a project: its lock file, and the environment that it made elsewhere.

In: the project's root folder, the variables. Out: the lock file and the words that would record a
requirement in it; the environment's folder. pip changes no lock file, so what it installs is not in
there, and the manager's next synchronisation may remove it. Runs no manager. Each of them names an
environment after a hash of the project's path (poetry 2, pdm 2, pipenv 2026, hatch 1), so that the
one which is found is this project's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from pipguard.environments.nearby import MANAGER_FILES
from pipguard.system.folders import list_readable_names
from pipguard.system.frozen import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


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


def find_managed_environment(root: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the environment that a manager made for a project outside of it, and who it was.

    Empty where there is none, and where there are several of which one would have to be guessed.
    """
    names = set(list_readable_names(root))
    if names.isdisjoint(MANAGER_FILES):
        return "", ""
    home = environ.get("HOME") or os.path.expanduser("~")
    candidates = {
        path: manager
        for manager, path in _list_candidates(root, names, environ, home)
        if os.path.isfile(os.path.join(path, "pyvenv.cfg")) or _is_pixis(path)
    }
    return next(iter(candidates.items())) if len(candidates) == 1 else ("", "")


def _list_candidates(
    root: str, names: set[str], environ: Mapping[str, str], home: str
) -> Iterator[tuple[str, str]]:
    """Yield the managers and the places where each would have an environment for the project."""
    data = environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    cache = environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    if "poetry.lock" in names:
        poetry = environ.get("POETRY_CACHE_DIR") or os.path.join(cache, "pypoetry")
        folder = environ.get("POETRY_VIRTUALENVS_PATH") or os.path.join(poetry, "virtualenvs")
        mark = f"-{_hash('sha256', os.path.realpath(root))}-py"
        yield from (("poetry", path) for name, path in _list(folder) if mark in name)
    if names & {"pdm.lock", ".pdm-python"}:
        mark = f"{os.path.basename(root)}-{_hash('md5', root)}-"
        folder = os.path.join(data, "pdm", "venvs")
        yield from (("pdm", path) for name, path in _list(folder) if name.startswith(mark))
    if "Pipfile" in names:
        mark = f"-{_hash('sha256', os.path.join(root, 'Pipfile'))}"
        folder = environ.get("WORKON_HOME") or os.path.join(data, "virtualenvs")
        yield from (("pipenv", path) for name, path in _list(folder) if name.endswith(mark))
    if names & {"pixi.toml", "pixi.lock"}:
        yield "pixi", os.path.join(root, ".pixi", "envs", "default")
    if names & {"pyproject.toml", "hatch.toml"}:
        hatch = environ.get("HATCH_DATA_DIR") or os.path.join(data, "hatch")
        folder, own = os.path.join(hatch, "env", "virtual"), _hash("sha256", root)
        yield from (("hatch", os.path.join(path, own, name)) for name, path in _list(folder))


def _list(folder: str) -> Iterator[tuple[str, str]]:
    """Yield each name in a folder, with its path."""
    yield from ((name, os.path.join(folder, name)) for name in list_readable_names(folder))


def _is_pixis(path: str) -> bool:
    return os.path.isdir(os.path.join(path, "conda-meta"))


def _hash(kind: str, text: str) -> str:
    """Return the first 48 bits of a hash as the managers write them."""
    import base64
    import hashlib

    digest = hashlib.new(kind, os.fsencode(text), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).decode()[:8]
