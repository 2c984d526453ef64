"""Keeps one compiled copy of pip for all new environments.

In: an environment that virtualenv has just made, before anything is installed in it. Out: `.pyc`
files beside its pip's sources, or a copy of that pip in the user's cache, compiled. A new
environment's first pip takes three times as long as every later one, because it compiles itself;
and the copy can begin an install while virtualenv still writes the environment's own. Never fails:
without it pip compiles.

A wheel can bring `.pyc` files for pip's own modules, so the copy is taken from an environment that
holds nothing but what virtualenv put there, and is compiled apart from it, while pip installs. A
module is lent only to the very same source; the time in its head is set anew, because that is what
tells Python that they belong together.
"""

from __future__ import annotations

import marshal
import os
import shutil
import time
from collections.abc import Iterator, Mapping

from pipguard.environments.distributions import Unreadable, list_site_folders
from pipguard.environments.inspect import interpreter_path
from pipguard.environments.places import DRAFT_ENDING, remove_tree
from pipguard.system.folders import (
    cache_folder,
    is_private,
    list_readable_names,
    open_private_folder,
)
from pipguard.system.private_files import remove_file
from pipguard.system.processes import Background

# Of a pyc: magic number, flags, time and size of the source (PEP 552).
_TIME = slice(8, 12)
_HEAD = 16
_COMPILED = "__pycache__"
_LONGEST_COMPILING = 60.0  # seconds; it takes less than one


def locate_shared_pip(environ: Mapping[str, str], version: tuple[int, int] | None) -> str:
    """Return the folder that holds the newest pip for a Python of this version; empty without."""
    folder = _locate_folder(environ)
    if not folder or not version:
        return ""
    names = [n for n in list_readable_names(folder) if n.endswith(_build_ending(*version))]
    paths = [os.path.join(folder, name) for name in names]
    return max(filter(_is_private, paths), key=_read_time, default="")


class Sharing:
    """The sharing of a new environment's pip: done, or a copy that is still being compiled."""

    def __init__(self, shared: str = "", draft: str = "", compiling: Background | None = None):
        self.shared = shared
        """The folder of a pip that is the same to the last byte; empty where there is none yet."""
        self.draft = draft
        """What goes at the end: a copy that is not whole."""
        self.compiling = compiling

    def finish(self) -> str:
        """Wait for the copy and put it in its place; return its folder, empty without one."""
        if self.compiling:
            try:
                status = self.compiling.finish(_LONGEST_COMPILING).exit_status
            except TimeoutError:
                status = 1
            if status == 0 and _put_in_place(self.draft):
                self.shared = self.draft[: -len(DRAFT_ENDING)]
        remove_tree(self.draft)
        return self.shared

    def give_up(self) -> None:
        """Let no copy stay that is not whole."""
        if self.compiling:
            self.compiling.end()  # while it lives, it writes into the draft
        remove_tree(self.draft)


def share_pip(environment: str, environ: Mapping[str, str]) -> Sharing:
    """Give a new environment's pip the compiled modules of the shared one.

    Where there is none of this version yet, or one that lost a file, a copy is made and compiled
    from here on, in a process of its own.
    """
    folder = _locate_folder(environ)
    for package, name in _list_pips(environment) if folder else ():
        shared = os.path.join(folder, name)
        try:
            if not os.path.isdir(shared):
                return _start_copy(package, shared, environment, environ)
            if not _is_private(shared):
                return Sharing()
            if _has_all(package, os.path.join(shared, "pip")):
                _lend(os.path.join(shared, "pip"), package)
                return Sharing(shared)
            # A cleaner of caches was there. A pip may still be loading it, so it goes at the end.
            return Sharing(draft=shared)
        except (OSError, shutil.Error):  # a full disk: pip says it better
            return Sharing()
    return Sharing()


def _locate_folder(environ: Mapping[str, str]) -> str:
    return "" if environ.get("PYTHONDONTWRITEBYTECODE") else cache_folder(environ, "pips")


def _build_ending(major: int, minor: int) -> str:
    return f"-python{major}.{minor}"


def _is_private(path: str) -> bool:
    try:
        return is_private(os.lstat(os.path.dirname(path))) and is_private(os.lstat(path))
    except OSError:
        return False


def _read_time(path: str) -> float:
    return os.lstat(path).st_mtime


def _start_copy(package: str, shared: str, environment: str, environ: Mapping[str, str]) -> Sharing:
    """Copy a pip, and let the copy import what an install imports.

    It is to install itself, which is there already, and asks no index.
    """
    if not open_private_folder(os.path.dirname(shared)):
        return Sharing()
    draft = f"{shared}{DRAFT_ENDING}"
    try:
        os.mkdir(draft, mode=0o700)
    except FileExistsError:  # another run is at it, or has died: whoever comes later begins anew
        if time.time() - _read_time(draft) > _LONGEST_COMPILING:
            remove_tree(draft)
        return Sharing()
    try:
        copy = os.path.join(draft, "pip")
        shutil.copytree(package, copy)
        words = ("--isolated", "install", "--quiet", "--no-index", "pip")
        variables = {**environ, "PIP_CONFIG_FILE": os.devnull}
        command = (interpreter_path(environment), "-I", copy, *words)
        return Sharing("", draft, Background(command, variables))
    except (OSError, shutil.Error):
        remove_tree(draft)
        raise


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


def _put_in_place(draft: str) -> bool:
    """Give a compiled copy its name, in place of other versions for the same Python."""
    shared = draft[: -len(DRAFT_ENDING)]
    folder, name = os.path.split(shared)
    ending = name[name.rindex("-") :]
    others = [other for other in list_readable_names(folder) if other.endswith(ending)]
    try:
        _remove_cut_off(draft)
        os.rename(draft, shared)
    except OSError:
        return False
    for other in others:
        remove_tree(os.path.join(folder, other))
    return True


def _remove_cut_off(package: str) -> None:
    """Remove modules that cannot be read: on a full disk Python cuts them off without a word."""
    for path in _list_files(package, ".pyc"):
        with open(path, "rb") as file:
            content = file.read()
        try:
            marshal.loads(content[_HEAD:])
        except (EOFError, ValueError, TypeError):
            remove_file(path)


def _list_files(package: str, ending: str) -> Iterator[str]:
    for parent, _, files in os.walk(package):
        yield from (os.path.join(parent, name) for name in files if name.endswith(ending))


def _has_all(package: str, shared: str) -> bool:
    """Tell whether a copy has every file of a pip that is not compiled, with the same content."""
    for parent, folders, files in os.walk(package):
        folders[:] = [name for name in folders if name != _COMPILED]
        inside = os.path.join(shared, os.path.relpath(parent, package))
        if not all(_is_same(os.path.join(parent, n), os.path.join(inside, n)) for n in files):
            return False
    return True


def _is_same(path: str, other: str) -> bool:
    try:
        with open(path, "rb") as file, open(other, "rb") as copy:
            return file.read() == copy.read()
    except FileNotFoundError:
        return False


def _lend(shared: str, package: str) -> None:
    """Write the compiled modules beside the same sources in another environment."""
    for path in _list_files(shared, ".pyc"):
        target = os.path.join(package, os.path.relpath(path, shared))
        source = _locate_source(target)
        if os.path.exists(target) or not os.path.exists(source):
            continue
        with open(path, "rb") as file:
            data = file.read()
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _write_whole(target, data[: _TIME.start] + _read_source_time(source) + data[_TIME.stop :])


def _write_whole(path: str, data: bytes) -> None:
    """Write a module: half of one stops pip, because its head says that it is whole."""
    draft = f"{path}.{os.getpid()}"
    try:
        with open(draft, "wb") as file:
            file.write(data)
        os.replace(draft, path)
    except OSError:
        remove_file(draft)
        raise


def _locate_source(path: str) -> str:
    parent, name = os.path.split(path)
    return os.path.join(os.path.dirname(parent), name.partition(".")[0] + ".py")


def _read_source_time(source: str) -> bytes:
    return (int(os.stat(source).st_mtime) & 0xFFFFFFFF).to_bytes(4, "little")
