"""Finds the real pip: the one that the user would have run without pipguard.

In: the name that we were called by, the environment variables. Out: a `RealPip`. Looks at files
only, with `os` alone, because every pip command comes here. Never starts a process, never returns
pipguard itself.
"""

from __future__ import annotations

import os

from pipguard.pip.interpreter import (
    list_import_folders,
    list_versions,
    locate_environment_of,
    locate_marker,
    locate_standard_library,
    read_isolated_command,
)
from pipguard.system.folders import list_readable_names
from pipguard.system.programs import locate_programs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SHIMS_MARK = ".pipguard-shims"
"""The file that only the folder of our shims contains."""
TRIED_VARIABLE = "PIPGUARD_TRIED"
"""Lists the opaque programs that were run as the real pip, in case one of them runs pipguard."""
# A wrapper that runs pipguard again does so without end; a build that calls pip inside pip hardly
# ever does it twice.
MOST_TRIES = 3

_OURSELVES = b"pipguard"
# A real pip's script may lie in, or name, a folder called pipguard; only a pip imports this.
_PIP_ITSELF = b"pip._internal"
_HEAD_SIZE = 8192


class RealPip:
    """A pip to run. A plain slotted class, because importing `dataclasses` would take longer.

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


def read_pip_version(
    real_pip: RealPip, environ: Mapping[str, str], home: str
) -> tuple[int, int] | None:
    """Return the version of the real pip by the name of its metadata folder, None if not known."""
    if real_pip.interpreter is None:
        return None
    for folder in list_import_folders(real_pip.interpreter, environ, home):
        version = read_pip_version_in(folder)
        if version is not None:
            return version
    return None


def read_pip_version_in(folder: str) -> tuple[int, int] | None:
    """Return the version of the pip that is installed in a site-packages folder."""
    for name in list_readable_names(folder):
        if name.startswith("pip-") and name.endswith((".dist-info", ".egg-info")):
            numbers = (*name[len("pip-") :].split("."), "0")[:2]
            if all(number.isdigit() for number in numbers):
                return int(numbers[0]), int(numbers[1])
    return None


def locate_others(name: str, environ: Mapping[str, str], itself: str) -> Iterator[str]:
    """Yield the programs of that name on PATH, without our shim and pipguard's own environment's.

    Somebody may have put the `bin` of an environment with pipguard on PATH: its pip would install
    beside pipguard. Only where VIRTUAL_ENV says so is that environment meant.
    """
    own_path = _resolve(itself)
    is_itself = os.path.basename(own_path).startswith("pipguard")
    own = locate_environment_of(own_path) if is_itself else None
    active = environ.get("VIRTUAL_ENV")
    if own and active and _resolve(active) == _resolve(own):
        own = None
    for path in locate_programs(name, environ):
        if name.startswith("python") and is_shim(path):
            continue
        folder = os.path.dirname(path)
        if own is None or _resolve(os.path.dirname(folder)) != _resolve(own):
            yield path


def locate_module_of(name: str, environ: Mapping[str, str], itself: str) -> RealPip | None:
    """Find the pip that `NAME -m pip` runs, started as it was typed where we change nothing."""
    path = next(locate_others(name, environ, itself), "")
    if not path:
        return None
    interpreter = _accept_interpreter(path)
    marker = locate_marker(interpreter) if interpreter else None
    start = read_isolated_command(path) if marker else (path,)
    return RealPip((*start, "-m", "pip"), interpreter, marker)


def is_shim(path: str) -> bool:
    """Tell whether the file that was started is one of our shims."""
    return os.path.lexists(os.path.join(os.path.dirname(path), SHIMS_MARK))


def locate_real_pip(program: str, environ: Mapping[str, str], itself: str) -> RealPip | None:
    """Find the pip that the user would have run without pipguard; None when no program is one.

    `program` is the name that we were called by (`pip3.12` looks for that very name), `itself`
    the path of the file that was started. `PIPGUARD_REAL_PIP` names another pip and is believed, so
    that a wrong value fails where the user can see it; a value that names pipguard is ignored.
    """
    own_path = _resolve(itself)
    chosen = environ.get("PIPGUARD_REAL_PIP")
    if chosen and not _leads_back(chosen, own_path, environ):
        return describe_pip(chosen, environ)
    for name in pip_names(program):
        for path in locate_others(name, environ, itself):
            if not _is_ourselves(path, own_path, environ):
                return describe_pip(path, environ)
            displaced = _find_displaced(path)
            if displaced:
                return displaced
    return None


def _find_displaced(path: str) -> RealPip | None:
    """Return an environment's own pip where `path`, its `bin/pip`, is pipguard."""
    environment = locate_environment_of(path)
    folder, name = os.path.split(path)
    python = os.path.join(folder, "python.exe" if name.endswith(".exe") else "python")
    if environment is None or not _holds_pip(environment) or not _accept_interpreter(python):
        return None
    return RealPip((python, "-m", "pip"), python, None)


def _holds_pip(environment: str) -> bool:
    for version in list_versions(os.path.join(environment, "lib")):
        packages = os.path.join(environment, "lib", version, "site-packages")
        if read_pip_version_in(packages) is not None:
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


def _resolve(path: str) -> str:
    """Resolve links; in a folder that was removed under us a relative path stays as it is."""
    try:
        return os.path.realpath(path)
    except OSError:
        return path


def _is_ourselves(path: str, own_path: str, environ: Mapping[str, str]) -> bool:
    """Recognise links to pipguard, copies of it, and wrappers that name it or run it again."""
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
        return _locate_interpreter(_command_of_env(words[1:]), environ)
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


def _locate_interpreter(name: str, environ: Mapping[str, str]) -> str | None:
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
