"""What stands at a path where a virtual environment could be.

In: a path and who asks. Out: an `Environment`, which says whether it can be used and if not, why.
Looks and, for an environment that passed the checks of trust, starts its interpreter once. Never
changes anything.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator

from pipguard.doors import dataclass
from pipguard.knowledge import normalise_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    State = Literal["absent", "empty", "unfinished", "usable", "broken", "untrusted"]


UNFINISHED_NAME = ".pipguard-unfinished"
"""Stands in an environment from before it is filled until the first install in it succeeded."""

_ASK = "import sys; print(*sys.version_info[:2])"
_POINTER_SIZE = 4096
TOOLCHAIN = frozenset({"pip", "setuptools", "wheel"})
"""What an environment starts with; nobody would miss an environment that holds no more."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A place for libraries: there already, not yet, or in no state to be used."""

    path: str
    """Absolute path of the folder."""
    state: State = "absent"
    problem: str = ""
    """For people, where the state is broken or untrusted: one clause without a full stop."""
    version: tuple[int, int] | None = None
    """Of its interpreter, where that runs."""
    has_pip: bool = False
    requirements: tuple[str, ...] = ()
    """What a broken one holds, in pip's words, so that it can be made anew."""

    @property
    def must_be_made(self) -> bool:
        """Whether virtualenv still has to fill the place (unfinished: a run of ours died there)."""
        return self.state in {"absent", "empty", "unfinished"}

    @property
    def interpreter(self) -> str:
        """The absolute path of its Python."""
        return interpreter_path(self.path)


def interpreter_path(environment: str, system: str = os.name) -> str:
    """Return where an environment's Python lies (PEP 405; `system` as in `os.name`)."""
    if system == "nt":
        return environment + "\\Scripts\\python.exe"
    return os.path.join(environment, "bin", "python")


def inspect_environment(path: str, ask: Callable[[list[str]], bytes | None]) -> Environment:
    """Describe what stands at `path`; trusted, for its interpreter is started.

    `ask` runs words quietly and returns what they print, or None when they fail.
    """
    if not os.path.lexists(path):
        return Environment(path)
    problem = _look_for_damage(path)
    if is_unfinished(path):
        return Environment(path, "unfinished")
    if problem:
        return Environment(path, "broken", problem, requirements=list_requirements(path))
    if not os.listdir(path):
        return Environment(path, "empty")
    return _ask_interpreter(path, ask)


def is_unfinished(path: str) -> bool:
    """Tell whether a run of ours died before its first install there, and nobody went on by hand.

    What holds more than an environment starts with is somebody's, whoever made it.
    """
    has_mark = os.path.isfile(os.path.join(path, UNFINISHED_NAME))
    return has_mark and not list_distributions(path).keys() - TOOLCHAIN


def follow_pointer(path: str) -> str:
    """Return the folder that a `.venv` file names in its first line (PEP 832), else `path`."""
    if not stat.S_ISREG(_mode(path)):
        return path
    try:
        with open(path, encoding="utf-8") as file:
            first = file.read(_POINTER_SIZE).split("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        return path
    target = os.path.normpath(os.path.join(os.path.dirname(path), first)) if first else path
    return target if os.path.isfile(os.path.join(target, "pyvenv.cfg")) else path


def find_distrust(path: str, user_id: int | None) -> str:
    """Return why code from the environment at `path` must not be run, empty when it may."""
    for part in (path, os.path.join(path, "pyvenv.cfg"), os.path.join(path, "bin")):
        try:
            status = os.stat(part)
        except OSError:
            continue
        if user_id is not None and status.st_uid not in (user_id, 0):
            return "it belongs to somebody else"
        if user_id is not None and status.st_uid == 0 and user_id != 0:
            return "it belongs to root"
        if user_id is not None and status.st_mode & stat.S_IWOTH:
            return "everybody may write to it"
    return ""


def list_distributions(environment: str) -> dict[str, str]:
    """Return the installed distributions of an environment, broken or not: name to version.

    Names are normalised (PEP 503). Read from the names of the `.dist-info` folders, so that no
    interpreter has to run.
    """
    return {name: v for _, name, v in scan_distributions(list_site_folders(environment))}


def scan_distributions(folders: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield path, normalised name and version of each distribution's metadata in the folders."""
    for folder in folders:
        for entry in list_entries(folder):
            stem, dot, ending = entry.rpartition(".")
            # What begins with a tilde is what pip could not remove (pip 19.1 to 26.3).
            if dot and ending in {"dist-info", "egg-info", "egg-link"} and entry[0] != "~":
                name, _, version = stem.partition("-")
                yield os.path.join(folder, entry), normalise_name(name), version.split("-")[0]


def list_requirements(environment: str) -> tuple[str, ...]:
    """Return pip words that install the same distributions again, the toolchain left out.

    A distribution from an address or a folder is installed from there again (PEP 610).
    """
    words: list[str] = []
    for folder in list_site_folders(environment):
        for entry in sorted(list_entries(folder)):
            name, _, version = entry.removesuffix(".dist-info").partition("-")
            if entry.endswith(".dist-info") and normalise_name(name) not in TOOLCHAIN:
                words += read_origin(os.path.join(folder, entry)) or [f"{name}=={version}"]
    return tuple(words)


def read_origin(folder: str) -> list[str]:
    """Return pip words that install a distribution from the address it came from (PEP 610).

    Empty for one from an index; `folder` is its `.dist-info`.
    """
    try:
        with open(os.path.join(folder, "direct_url.json"), encoding="utf-8") as file:
            document = json.load(file)
        is_editable = document.get("dir_info", {}).get("editable", False)
        vcs = document.get("vcs_info")
        url = f"{vcs['vcs']}+{document['url']}@{vcs['commit_id']}" if vcs else document["url"]
        return ["--editable", url] if is_editable else [url]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def _look_for_damage(path: str) -> str:
    if not os.path.exists(path):
        return f"it is a link to {os.readlink(path)}, which is gone"
    if not os.path.isdir(path):
        return "it is not a folder"
    try:
        if not os.listdir(path):
            return ""
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if not os.path.isfile(os.path.join(path, "pyvenv.cfg")) and not _is_conda(path):
        return "it has no pyvenv.cfg, so it is no virtual environment"
    interpreter = interpreter_path(path)
    if os.path.exists(interpreter):
        return ""
    if os.path.islink(interpreter):
        gone = os.path.join(os.path.dirname(interpreter), os.readlink(interpreter))
        return f"its interpreter {os.path.normpath(gone)} is gone"
    return f"its interpreter {interpreter} is gone"


def _ask_interpreter(path: str, ask: Callable[[list[str]], bytes | None]) -> Environment:
    answer = (ask([interpreter_path(path), "-I", "-S", "-c", _ASK]) or b"").split()
    if len(answer) != 2 or not all(word.isdigit() for word in answer):
        problem = f"its interpreter {interpreter_path(path)} does not run"
        return Environment(path, "broken", problem, requirements=list_requirements(path))
    version = (int(answer[0]), int(answer[1]))
    folders = list_site_folders(path)
    name = f"python{version[0]}.{version[1]}"
    if os.name != "nt" and folders and not any(f"/{name}/" in folder for folder in folders):
        made_for = os.path.basename(os.path.dirname(folders[0]))
        problem = f"it was made for {made_for} and now runs {name}"
        return Environment(path, "broken", problem, requirements=list_requirements(path))
    has_pip = any(os.path.isdir(os.path.join(folder, "pip")) for folder in folders)
    return Environment(path, "usable", "", version, has_pip)


def list_site_folders(environment: str) -> list[str]:
    """Return an environment's folders of installed packages; two after a Python's upgrade."""
    if os.name == "nt":
        return [os.path.join(environment, "Lib", "site-packages")]
    libraries = os.path.join(environment, "lib")
    versions = (name for name in list_entries(libraries) if name.startswith(("python", "pypy")))
    folders = (os.path.join(libraries, name, "site-packages") for name in versions)
    return sorted(folder for folder in folders if os.path.isdir(folder))


def _is_conda(path: str) -> bool:
    return os.path.isdir(os.path.join(path, "conda-meta"))


def list_entries(folder: str) -> list[str]:
    """Return the names in a folder, none where it cannot be read."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _mode(path: str) -> int:
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0
