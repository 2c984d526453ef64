"""Copies pip's compiled modules from a cache into new environments, instead of compiling anew.

In: an environment that virtualenv has just made, before anything is installed in it. Out: `.pyc`
files beside pip's sources, or a copy of them in the user's cache. It saves 40 % of a first install:
a new environment's first pip takes three times as long as every later one, because it compiles
itself. Never fails: without the cache pip compiles.

A wheel can bring `.pyc` files for pip's own modules, so the cache is filled only from an
environment that holds nothing but what virtualenv put there. Each module is kept with the digest of
its source and placed beside that very source alone; only the time in its head is set anew, because
that is what tells Python that they belong together.
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Iterator, Mapping

from pipguard.environments.distributions import Unreadable, list_site_folders
from pipguard.environments.inspect import interpreter_path
from pipguard.system.digests import digest
from pipguard.system.folders import list_readable_names
from pipguard.system.private_files import read_private_file, remove_file, write_private_file
from pipguard.system.processes import run_captured

# Of a pyc: magic number, flags, time and size of the source (PEP 552).
_TIME = slice(8, 12)
_HEAD = 16
_COMPILED = "__pycache__"
_LONGEST = 64 * 1024 * 1024


def provide_bytecode(environment: str, folder: str, environ: Mapping[str, str]) -> None:
    """Give pip its compiled modules in an environment that nothing was installed in yet.

    They come from the cache `folder`; where that has none of this pip, pip compiles them now, and
    the cache keeps them.
    """
    for package, name in _list_pips(environment):
        path = os.path.join(folder, name)
        try:
            if not os.path.exists(path):
                _compile(environment, environ)
                collected = dict(_collect(package))
                if collected:
                    write_private_file(path, marshal.dumps(collected))
                return
            for relative, (source, data) in _read(path).items():
                _place(os.path.join(package, relative), source, data)
        except OSError:  # a full disk: pip says it better
            return


def _compile(environment: str, environ: Mapping[str, str]) -> None:
    """Let pip import what an install imports: one of itself, which is there, asks no index."""
    words = ("-I", "-m", "pip", "--isolated", "install", "--quiet", "--no-index", "pip")
    variables = {**environ, "PIP_CONFIG_FILE": os.devnull}
    run_captured((interpreter_path(environment), *words), variables)


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


def _collect(package: str) -> Iterator[tuple[str, tuple[str, bytes]]]:
    """Yield each compiled module's path in the package, its source's digest, and its content."""
    for parent, _, files in os.walk(package):
        if os.path.basename(parent) == _COMPILED:
            for name in files:
                path = os.path.join(parent, name)
                with open(path, "rb") as file:
                    content = file.read()
                if _is_whole(content):
                    yield os.path.relpath(path, package), (_digest_source(path), content)
                else:
                    remove_file(path)


def _is_whole(content: bytes) -> bool:
    """Tell whether a module can be read: on a full disk Python cuts it off without a word."""
    try:
        marshal.loads(content[_HEAD:])
    except (EOFError, ValueError, TypeError):
        return False
    return True


def _read(path: str) -> dict[str, tuple[str, bytes]]:
    data = read_private_file(path, _LONGEST)
    try:
        found: object = marshal.loads(data) if data else None
    except (EOFError, ValueError, TypeError):
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {p: kept for p, kept in pairs if isinstance(p, str) and _is_inside(p) and _is_kept(kept)}


def _is_kept(kept: object) -> bool:
    return isinstance(kept, tuple) and list(map(type, kept)) == [str, bytes]


def _is_inside(path: str) -> bool:
    parts = path.split(os.sep)
    return ".." not in parts and not os.path.isabs(path) and parts[-2:-1] == [_COMPILED]


def _place(path: str, source: str, data: bytes) -> None:
    """Write a compiled module beside its source, if that has the digest `source`."""
    if not source or os.path.exists(path) or _digest_source(path) != source:
        return
    time = int(os.stat(_locate_source(path)).st_mtime)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    draft = f"{path}.{os.getpid()}"  # half a module stops pip, whose head says that it is whole
    try:
        with open(draft, "wb") as file:
            file.write(data[: _TIME.start] + _encode(time) + data[_TIME.stop :])
        os.replace(draft, path)
    except OSError:
        remove_file(draft)
        raise


def _locate_source(path: str) -> str:
    parent, name = os.path.split(path)
    return os.path.join(os.path.dirname(parent), name.partition(".")[0] + ".py")


def _digest_source(path: str) -> str:
    """Return the digest of a compiled module's source; empty where that is gone."""
    try:
        with open(_locate_source(path), "rb") as file:
            return digest((file.read(),))
    except FileNotFoundError:
        return ""


def _encode(number: int) -> bytes:
    return (number & 0xFFFFFFFF).to_bytes(4, "little")
