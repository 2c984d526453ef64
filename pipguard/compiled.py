"""pip's modules compiled once for all environments, instead of once in each.

In: an environment that was just made, or that pip has just run in. Out: `.pyc` files beside pip's
sources, or a copy of them in the user's cache. A new environment's first pip takes three times as
long as every later one, because it compiles itself. Never a failure: without a cache pip compiles.

The files are those that this user's pip of this very version compiled; only the time of the source
in each head is set anew, because that is what tells Python that they belong together.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Iterator

from pipguard.environment import list_site_folders
from pipguard.folders import is_private, open_private_folder

# Of a pyc: magic number, flags, time and size of the source (PEP 552).
_TIME = slice(8, 12)
_SIZE = slice(12, 16)
_COMPILED = "__pycache__"


def lend_compiled(environment: str, folder: str) -> None:
    """Lay pip's compiled modules into an environment, as far as they are kept in `folder`."""
    for package, name in _list_pips(environment):
        kept = _read(os.path.join(folder, name)) if folder else {}
        try:
            for path, data in kept.items():
                _lay(os.path.join(package, path), data)
        except OSError:  # a full disk: pip says it better
            return


def keep_compiled(environment: str, folder: str) -> None:
    """Keep what pip has compiled in an environment, unless that version is kept already."""
    for package, name in _list_pips(environment):
        path = os.path.join(folder, name)
        if not folder or not open_private_folder(folder) or os.path.exists(path):
            continue
        draft = f"{path}.{os.getpid()}"
        try:
            collected = dict(_collect(package))
            if not collected:
                continue
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                marshal.dump(collected, file)
            os.replace(draft, path)
        except OSError:
            _unlink(draft)


def _list_pips(environment: str) -> Iterator[tuple[str, str]]:
    """Return the folder of each pip and the name of its version and Python."""
    for site in list_site_folders(environment):
        python = os.path.basename(os.path.dirname(site))
        for entry in os.listdir(site):
            if entry.startswith("pip-") and entry.endswith(".dist-info"):
                yield os.path.join(site, "pip"), f"{entry.removesuffix('.dist-info')}-{python}"


def _collect(package: str) -> Iterator[tuple[str, bytes]]:
    for parent, _, files in os.walk(package):
        if os.path.basename(parent) == _COMPILED:
            for name in files:
                path = os.path.join(parent, name)
                with open(path, "rb") as file:
                    yield os.path.relpath(path, package), file.read()


def _read(path: str) -> dict[str, bytes]:
    try:
        with open(path, "rb") as file:
            if not is_private(os.fstat(file.fileno())):
                return {}
            found: object = marshal.load(file)
    except (OSError, EOFError, ValueError, TypeError):
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {p: d for p, d in pairs if isinstance(p, str) and isinstance(d, bytes) and _is_inside(p)}


def _is_inside(path: str) -> bool:
    parts = path.split(os.sep)
    return ".." not in parts and not os.path.isabs(path) and parts[-2:-1] == [_COMPILED]


def _lay(path: str, data: bytes) -> None:
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


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
