"""Where the real pip is, whose interpreter runs it, and whether that one is marked (PEP 668).

In: the name we were called by, the environment variables. Out: a `RealPip`. Looks at files only,
with `os` alone: every pip command passes here, and the standard library's richer modules would
cost more than the look itself. Never starts a process, never returns ourselves.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MARKER_NAME = "EXTERNALLY-MANAGED"
SHIMS_MARK = ".pipguard-shims"
"""Stands in the folder of our shims, and nowhere else."""
TRIED_VARIABLE = "PIPGUARD_TRIED"
# A wrapper that leads back here is ourselves; a build that calls pip inside pip is not. The first
# comes again without end, the second hardly ever twice.
MOST_TRIES = 3

_SWITCHED_OFF = frozenset({"off", "0", "no", "false"})
_OURSELVES = b"pipguard"
# A real pip's script may lie in, or name, a folder called pipguard; only it imports this.
_PIP_ITSELF = b"pip._internal"
_HEAD_SIZE = 8192


class RealPip:
    """A pip to run. A plain slotted class: `dataclasses` takes longer to import than pip to find.

    `command` are the words that start it. `interpreter` is the absolute path of the Python that
    runs it, unresolved and so stable across patch releases, or None where only the program itself
    knows (a binary launcher, a version manager's shim). `marker` is the path of the marker file
    of that interpreter, None without one.
    """

    __slots__ = ("command", "interpreter", "marker")

    def __init__(
        self, command: tuple[str, ...], interpreter: str | None, marker: str | None
    ) -> None:
        self.command = command
        self.interpreter = interpreter
        self.marker = marker

    @property
    def is_opaque(self) -> bool:
        """Whether files alone do not tell which interpreter runs it."""
        return self.interpreter is None

    @property
    def may_be_marked(self) -> bool:
        """Whether its interpreter is marked, or may be: an environment's never is (PEP 668)."""
        if self.is_opaque:
            return locate_environment_of(self.command[0]) is None
        return self.marker is not None


def locate_module_of(name: str, environ: Mapping[str, str], _: str) -> RealPip | None:
    """Find the pip that `NAME -m pip` runs, by the words as typed where we change nothing."""
    for path in locate_programs(name, environ)[:1]:
        interpreter = _accept_interpreter(path)
        marker = locate_marker(interpreter) if interpreter else None
        start = start_isolated(path, version_of(path)) if marker else (path,)
        return RealPip((*start, "-m", "pip"), interpreter, marker)
    return None


def list_interpreters(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the versioned interpreters on PATH, such as `python3.12`."""
    names = set()
    for folder in filter(os.path.isabs, environ.get("PATH", "").split(os.pathsep)):
        for name in _list_versions(folder):
            if name.removeprefix("python3.").isdigit():
                names.add(name)
    return tuple(sorted(names, key=lambda name: int(name[8:])))


def is_shim(path: str) -> bool:
    """Tell whether the file that was started is one of our shims."""
    return os.path.lexists(os.path.join(os.path.dirname(path), SHIMS_MARK))


def is_switched_off(environ: Mapping[str, str]) -> bool:
    """Tell whether `PIPGUARD` or `PIPGUARD_ROUTE` hands everything to the real pip."""
    return (
        environ.get("PIPGUARD", "").lower() in _SWITCHED_OFF
        or environ.get("PIPGUARD_ROUTE", "").lower() == "off"
    )


def mark_as_tried(real_pip: RealPip, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for the real pip: the user's own.

    Only a program that cannot be read is noted in them, should it lead back to us.
    """
    changed = dict(environ)
    if real_pip.is_opaque:
        tried = environ.get(TRIED_VARIABLE)
        path = real_pip.command[0]
        changed[TRIED_VARIABLE] = f"{tried}{os.pathsep}{path}" if tried else path
    return changed


def locate_real_pip(program: str, environ: Mapping[str, str], itself: str) -> RealPip | None:
    """Find the pip that the user would have run without us, or None when no program is one.

    `program` is the name that we were called by (`pip3.12` looks for that very name), `itself`
    the path of the file that was started. `PIPGUARD_REAL_PIP` names another and is believed, so
    that a wrong value fails where the user can see it; only ourselves it cannot name.
    """
    own_path = _resolve(itself)
    chosen = environ.get("PIPGUARD_REAL_PIP")
    if chosen and not _leads_back(chosen, own_path, environ):
        return describe_pip(chosen, environ)
    for name in pip_names(program):
        for path in locate_programs(name, environ):
            if not _is_ourselves(path, own_path, environ):
                return describe_pip(path, environ)
            displaced = _find_displaced(path)
            if displaced:
                return displaced
    return None


def _find_displaced(path: str) -> RealPip | None:
    """Return the pip of the environment in which we stand under its pip's name."""
    environment = locate_environment_of(path)
    folder, name = os.path.split(path)
    python = os.path.join(folder, "python.exe" if name.endswith(".exe") else "python")
    if environment is None or not _holds_pip(environment) or not _accept_interpreter(python):
        return None
    return RealPip((python, "-m", "pip"), python, None)


def _holds_pip(environment: str) -> bool:
    for version in _list_versions(os.path.join(environment, "lib")):
        packages = os.path.join(environment, "lib", version, "site-packages")
        if any(name.endswith(".dist-info") for name in _list_names(packages, "pip-")):
            return True
    return False


def pip_names(program: str) -> tuple[str, ...]:
    """Return the names under which the real pip is looked for, best first."""
    stem = program[:-4] if program.lower().endswith(".exe") else program
    if stem.startswith("pip") and stem[3:].replace(".", "").isdigit():
        return (stem,)
    return ("pip", "pip3")


def interpreter_names(program: str) -> tuple[str, ...]:
    """Return the names of the interpreters that `program`'s pip would belong to, best first."""
    if program.startswith("python"):
        return (program,)
    version = pip_names(program)[0][3:]
    return (f"python{version}",) if version else ("python3", "python")


def locate_programs(name: str, environ: Mapping[str, str]) -> list[str]:
    """Return the executable files of this name on PATH, in its order.

    Relative entries are skipped, the empty one too: what lies in the current folder is not a
    program that the user installed.
    """
    found = []
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        if not os.path.isabs(folder):
            continue
        for ending in ("", ".exe") if os.name == "nt" else ("",):
            path = os.path.join(folder, name + ending)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                found.append(path)
    return found


def describe_pip(path: str, environ: Mapping[str, str]) -> RealPip:
    """Read from the file at `path` which interpreter runs it and whether that one is marked."""
    interpreter = _read_interpreter(path, environ)
    marker = locate_marker(interpreter) if interpreter else None
    return RealPip((path,), interpreter, marker)


def can_refuse(real_pip: RealPip, argv: Sequence[str]) -> bool:
    """Tell whether this pip could refuse these words at all (pip asks in two subcommands only)."""
    if "install" not in argv and "uninstall" not in argv:
        return False
    return real_pip.may_be_marked


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
        versions = [name] if name.startswith("python3.") else _list_versions(parent)
        found = [v for v in versions if os.path.isfile(os.path.join(parent, v, "os.py"))]
        if len(found) == 1:
            return os.path.join(parent, found[0])
    return None


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


def _list_versions(parent: str) -> list[str]:
    return _list_names(parent, "python3")


def _list_names(parent: str, start: str) -> list[str]:
    try:
        return [name for name in os.listdir(parent) if name.startswith(start)]
    except OSError:
        return []


def _resolve(path: str) -> str:
    """Resolve links; in a folder that was removed under us a relative path stays as it is."""
    try:
        return os.path.realpath(path)
    except OSError:
        return path


def _is_ourselves(path: str, own_path: str, environ: Mapping[str, str]) -> bool:
    """Recognise links to us, copies of us, wrappers that name us, and wrappers that lead back."""
    if _leads_back(path, own_path, environ):
        return True
    text = _read_head(path).partition(b"\n")[2]
    return _OURSELVES in text and _PIP_ITSELF not in text


def _leads_back(path: str, own_path: str, environ: Mapping[str, str]) -> bool:
    tried = environ.get(TRIED_VARIABLE, "").split(os.pathsep)
    return _resolve(path) == own_path or tried.count(path) >= MOST_TRIES


def _read_head(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_HEAD_SIZE)
    except OSError:
        return b""


def _read_interpreter(path: str, environ: Mapping[str, str]) -> str | None:
    """Return the Python named by a script's first lines; None for everything that is not one."""
    head = _read_head(path)
    if not head.startswith(b"#!"):
        return None
    first, _, rest = head[2:].partition(b"\n")
    words = os.fsdecode(first).split(None, 1)
    if words and os.path.basename(words[0]) == "env":
        return _find_interpreter(_command_of_env(words[1:]), environ)
    # Installers write `#!/bin/sh` and `'''exec' "python" …` where a path is long or has spaces.
    if words and os.path.basename(words[0]) in {"sh", "bash"}:
        return _read_exec_line(path, os.fsdecode(rest.partition(b"\n")[0]))
    return _accept_interpreter(os.fsdecode(first).strip())


def _command_of_env(rest: Sequence[str]) -> str:
    """Return what `env` would start: the first word that is neither an option nor a variable."""
    words = rest[0].split() if rest else []
    return next((word for word in words if word[0] != "-" and "=" not in word), "")


def _read_exec_line(path: str, line: str) -> str | None:
    if not line.startswith("'''exec' "):
        return None
    # The relocatable form holds a `"$0"` of its own before the one that ends the interpreter.
    word = line[len("'''exec' ") :].rpartition(' "$0"')[0].strip().strip('"')
    if "$(dirname" in word:  # relocatable: the interpreter stands beside the script itself
        beside = os.path.dirname(os.path.realpath(path))
        return _accept_interpreter(os.path.join(beside, word.rpartition("/")[2].strip("\"'")))
    return _accept_interpreter(word)


def _find_interpreter(name: str, environ: Mapping[str, str]) -> str | None:
    return next((p for p in locate_programs(name, environ) if _accept_interpreter(p)), None)


def _accept_interpreter(text: str) -> str | None:
    path = text if os.path.exists(text) else text.partition(" ")[0]
    name = os.path.basename(path)
    known = os.path.isabs(path) and name.startswith(("python", "pypy"))
    # A version manager's `python3` is a script that decides later; only a program is the Python,
    # and one that is gone has left its library behind.
    if not known or not os.path.isfile(path) or _read_head(path).startswith(b"#!"):
        return None
    return path if locate_environment_of(path) or locate_standard_library(path) else None


def interpreter_of_package(package: str, version: str) -> str | None:
    """Return the interpreter that a pip package's folder belongs to (`version` as in `3.13`)."""
    folder = os.path.dirname(package)
    while folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
        path = os.path.join(folder, "bin", f"python{version}")
        if os.path.isfile(path):
            return path
    return None


def version_of(interpreter: str) -> tuple[int, int] | None:
    """Return an interpreter's version as its standard library's folder tells it."""
    library = os.path.basename(locate_standard_library(interpreter) or "")
    major, _, minor = library.removeprefix("python").partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None


def start_isolated(interpreter: str, version: tuple[int, int] | None) -> tuple[str, ...]:
    """Return the words that start a Python without the current folder on its path.

    -P does just that and came with Python 3.11; -I does more, and is there in every version.
    """
    return (interpreter, "-P" if version and version >= (3, 11) else "-I")
