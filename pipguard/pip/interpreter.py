"""Reads from files what an interpreter is: marked, virtual, of which version, with which folders.

In: the path of an interpreter. Out: paths, versions, the words that start it. Never starts it, and
imports nothing but `os` and `sys`: every pip command comes here.
"""

from __future__ import annotations

import os
import sys

from pipguard.system.folders import list_readable_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MARKER_NAME = "EXTERNALLY-MANAGED"


def locate_marker(interpreter: str) -> str | None:
    """Return the path of the interpreter's marker file, None when it has none or is virtual.

    pip looks in `sysconfig.get_path("stdlib")` of an interpreter that is no virtual environment
    (PEP 668). Which folder that is follows from where the executable lies, links resolved.
    """
    if locate_environment_of(interpreter):
        return None
    library = locate_standard_library(interpreter)
    marker = os.path.join(library, MARKER_NAME) if library else ""
    return marker if os.path.isfile(marker) else None


def locate_environment_of(program: str) -> str | None:
    """Return the folder of the virtual environment that a program in it belongs to (PEP 405)."""
    folder = os.path.dirname(program)
    for candidate in (folder, os.path.dirname(folder)):
        if os.path.isfile(os.path.join(candidate, "pyvenv.cfg")):
            return candidate
    return None


def locate_standard_library(interpreter: str) -> str | None:
    """Return the standard library's folder of an interpreter, None where its place is unusual."""
    folder, name = os.path.split(os.path.realpath(interpreter))
    prefix = os.path.dirname(folder)
    if os.path.isfile(os.path.join(folder, "Lib", "os.py")):
        return os.path.join(folder, "Lib")
    for library in ("lib", "lib64"):
        parent = os.path.join(prefix, library)
        versions = [name] if name.startswith("python3.") else list_versions(parent)
        found = [v for v in versions if os.path.isfile(os.path.join(parent, v, "os.py"))]
        if len(found) == 1:
            return os.path.join(parent, found[0])
    return None


def has_standard_module(interpreter: str, name: str) -> bool:
    """Tell whether a top-level module is of the interpreter's own standard library."""
    if name not in sys.stdlib_module_names:
        return False
    folder = locate_standard_library(interpreter) or os.devnull
    compiled = list_readable_names(os.path.join(folder, "lib-dynload"))
    return (
        name in sys.builtin_module_names
        or os.path.exists(os.path.join(folder, f"{name}.py"))
        or os.path.exists(os.path.join(folder, name))
        or any(file.startswith(f"{name}.") for file in compiled)
    )


def list_site_folders(interpreter: str, environ: Mapping[str, str], home: str) -> list[str]:
    """Return the folders that an interpreter, which is no environment's, imports packages from.

    In its own order, the user's first; whether they exist or not. Debian keeps what pip installs
    apart from its own (`local`, then its `getsitepackages`), others keep both in one folder
    (site.py, 3.8 to 3.14).
    """
    library = locate_standard_library(interpreter)
    if library is None:
        return []
    version = os.path.basename(library)
    prefix = os.path.dirname(os.path.dirname(library))
    base = environ.get("PYTHONUSERBASE") or os.path.join(home, ".local")
    local = os.path.join("/usr/local" if prefix == "/usr" else os.path.join(prefix, "local"), "lib")
    folders = [os.path.join(base, "lib", version, "site-packages")] if home else []
    debian = [
        os.path.join(local, version, "dist-packages"),
        os.path.join(prefix, "lib", "python3", "dist-packages"),
        os.path.join(library, "dist-packages"),
    ]
    if any(map(os.path.isdir, debian)):
        return folders + debian
    folders += (os.path.join(parent, "site-packages") for parent in (f"{local}/{version}", library))
    if os.path.isdir(os.path.join(prefix, "lib64", version)):
        folders.append(os.path.join(prefix, "lib64", version, "site-packages"))
    return folders


def list_import_folders(interpreter: str, environ: Mapping[str, str], home: str) -> list[str]:
    """Return the folders of PYTHONPATH and then the site folders, existing or not."""
    entries = environ.get("PYTHONPATH", "")
    named = [entry or os.curdir for entry in entries.split(os.pathsep)] if entries else []
    return [*named, *list_site_folders(interpreter, environ, home)]


def prefer_stable_path(interpreter: str) -> str:
    """Return the path that names the version and survives patch releases: /usr/bin/python3.13.

    `python3` moves on with the distribution, and the file behind a link (a Homebrew Cellar) goes
    with the next patch release; `python3.13` beside it does neither.
    """
    library = locate_standard_library(interpreter)
    if library is None:
        return interpreter
    versioned = os.path.join(os.path.dirname(interpreter), os.path.basename(library))
    same = os.path.realpath(versioned) == os.path.realpath(interpreter)
    return versioned if same and os.path.exists(versioned) else interpreter


def locate_interpreter_of_package(package: str, version: str) -> str | None:
    """Return the interpreter that a pip package's folder belongs to (`version` as in `3.13`)."""
    folder = os.path.dirname(package)
    while folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
        path = os.path.join(folder, "bin", f"python{version}")
        if os.path.isfile(path):
            return path
    return None


def read_version(interpreter: str) -> tuple[int, int] | None:
    """Return an interpreter's version as its standard library's folder tells it."""
    library = os.path.basename(locate_standard_library(interpreter) or "")
    major, _, minor = library.removeprefix("python").partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None


def build_isolated_command(interpreter: str, version: tuple[int, int] | None) -> tuple[str, ...]:
    """Return the words that start a Python without the current folder on its path.

    -P does just that and came with Python 3.11; -I does more, and is there in every version.
    """
    return (interpreter, "-P" if version and version >= (3, 11) else "-I")


def read_isolated_command(interpreter: str) -> tuple[str, ...]:
    """Return the same for an interpreter whose version is read from its files."""
    return build_isolated_command(interpreter, read_version(interpreter))


def list_interpreter_names(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the versioned interpreters on PATH, such as `python3.12`."""
    names = set()
    for folder in filter(os.path.isabs, environ.get("PATH", "").split(os.pathsep)):
        for name in list_versions(folder):
            if name.removeprefix("python3.").isdigit():
                names.add(name)
    return tuple(sorted(names, key=lambda name: int(name[8:])))


def list_versions(folder: str) -> list[str]:
    """Return the names in a folder that begin with `python3`; none where it cannot be read."""
    return [name for name in list_readable_names(folder) if name.startswith("python3")]
