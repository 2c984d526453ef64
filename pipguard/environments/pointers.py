"""Reads and writes `.venv` files, which lead to an environment in another place (PEP 832).

In: the path of such a file. Out: the environment's folder, or why it leads to none. Writes one only
where nothing is, and finds again what it wrote. The file holds one line: a path, relative to the
file's own folder or absolute, in UTF-8.
"""

from __future__ import annotations

import os
import stat

from pipguard.system.digests import digest
from pipguard.system.folders import data_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 4096
_RECORD = ".pointer"
"""Beside an environment, with its name before it: the path of the file that was written for it."""


def locate_central(project: str, environ: Mapping[str, str]) -> str:
    """Return the folder of a project's environment among all of the user's; empty without home."""
    name = f"{os.path.basename(project)}-{digest([os.fsencode(project)])[:8]}"
    return data_folder(environ, "environments", name)


def read_pointer(path: str) -> str:
    """Return the environment that a `.venv` file leads to; empty where it leads to none."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return ""
        line = _read(path).split("\n")[0].strip()
    except (OSError, ValueError):
        return ""
    target = _join(path, line)
    return target if line and os.path.isfile(os.path.join(target, "pyvenv.cfg")) else ""


def describe_pointer(path: str) -> str:
    """Return what is wrong with a `.venv` that is no folder and leads to no environment."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        return "it is neither a folder nor a file"
    try:
        text = _read(path).rstrip("\r\n")
    except OSError as error:
        return f"it is a file that cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return "it is a file, and what is in it is not UTF-8"
    if not text.strip():
        return "it is an empty file, where the path of an environment should be"
    if not all(part.isprintable() for part in text.splitlines()):
        return "it is a file with control characters in it"
    if len(text.splitlines()) > 1:
        return "it is a file of several lines, where one path should be"
    target = _join(path, text.strip())
    if target == path:
        return "it is a file that leads to itself"
    problem = "which is no environment" if os.path.exists(target) else "and nothing is there"
    return f"it is a file that leads to {target}, {problem}"


def write_pointer(path: str, environment: str) -> bool:
    """Write a `.venv` file that leads to an environment; tell whether there was room for it."""
    try:
        with open(environment + _RECORD, "w", encoding="utf-8") as file:
            file.write(path)
        with open(path, "x", encoding="utf-8") as file:
            file.write(f"{environment}\n")
    except (OSError, ValueError):
        return False
    return True


def recall_pointer(environment: str) -> str:
    """Return the `.venv` file that was once written for an environment; empty without one."""
    try:
        return _read(environment + _RECORD)
    except (OSError, ValueError):
        return ""


def find_pointer(environment: str) -> str:
    """Return the `.venv` file that was written for an environment, if it still leads there."""
    path = recall_pointer(environment)
    return path if path and read_pointer(path) == environment else ""


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read(_LONGEST)


def _join(path: str, target: str) -> str:
    return os.path.normpath(os.path.join(os.path.dirname(path), target))
