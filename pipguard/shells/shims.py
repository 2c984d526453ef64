"""Makes and removes shims: links named `pip`, `pip3`, `pip3.X`, `python3` that lead to pipguard.

In: the environment variables. Out: the private folder of shims, what is in it, and what PATH makes
of it. A shim is a link, so that it is recognised as pipguard; the folder is known by a file that no
other has. Never overwrites a file that is no shim.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from pipguard.pip.interpreter import list_interpreter_names
from pipguard.pip.locate import SHIMS_MARK
from pipguard.system.folders import data_folder, list_readable_names
from pipguard.system.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Shims:
    """What is in the folder; the JSON document has these very keys."""

    folder: str
    names: tuple[str, ...]
    """Of the shims there."""
    strangers: tuple[str, ...]
    """Names that should be shims and are something else."""
    is_on_path: bool
    is_first: bool
    """Whether `pip` on PATH is the shim."""


def locate_shims_folder(environ: Mapping[str, str]) -> str:
    """Return the folder, whether it exists or not."""
    return data_folder(environ, "shims")


def read_shims(environ: Mapping[str, str]) -> Shims:
    """Return what is in the folder and how PATH sees it."""
    folder = locate_shims_folder(environ)
    found = [name for name in list_readable_names(folder) if name.startswith(("pip", "python"))]
    shims = tuple(name for name in found if os.path.islink(os.path.join(folder, name)))
    strangers = tuple(name for name in found if name not in shims)
    folders = [os.path.realpath(p) for p in environ.get("PATH", "").split(os.pathsep) if p]
    is_on_path = os.path.realpath(folder) in folders
    first = next((p for p in folders if os.access(os.path.join(p, "pip"), os.X_OK)), "")
    is_first = is_on_path and first == os.path.realpath(folder) and "pip" in shims
    return Shims(folder, shims, strangers, is_on_path, is_first)


def choose_names(environ: Mapping[str, str], *, with_python: bool) -> tuple[str, ...]:
    """Return the names of the shims: `pip`, `pip3`, one for each interpreter on PATH; `python3`."""
    versions = (name.removeprefix("python") for name in list_interpreter_names(environ))
    python = ("python3",) if with_python else ()
    return ("pip", "pip3", *(f"pip{version}" for version in versions), *python)


def make_shims(folder: str, names: tuple[str, ...], program: str) -> None:
    """Make the folder and its links anew. Raises OSError."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, SHIMS_MARK), "wb"):
        pass
    for name in names:
        path = os.path.join(folder, name)
        new = f"{path}.new"
        if os.path.lexists(new):
            os.unlink(new)
        os.symlink(program, new)
        os.replace(new, path)


def remove_shims(shims: Shims) -> None:
    """Remove the links, and the folder unless something else lies in it. Raises OSError."""
    for name in (*shims.names, SHIMS_MARK):
        path = os.path.join(shims.folder, name)
        if os.path.lexists(path):
            os.unlink(path)
    if os.path.isdir(shims.folder) and not os.listdir(shims.folder):
        os.rmdir(shims.folder)
