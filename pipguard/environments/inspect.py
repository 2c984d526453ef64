"""Inspects a path where a virtual environment could be, and tells whether it can be used.

In: a path, a way to ask its interpreter. Out: an `Environment`, with the reason where it cannot be
used. Starts the interpreter of an environment that passed the checks of trust, once. Never changes
anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from pipguard.environments.distributions import (
    TOOLCHAIN,
    Unreadable,
    list_distributions,
    list_requirements,
    list_site_folders,
)
from pipguard.environments.pointers import describe_pointer
from pipguard.system.cache import make_question, recall_answer, store_answer
from pipguard.system.folders import cache_folder
from pipguard.system.frozen import dataclass
from pipguard.system.processes import make_asker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    State = Literal["absent", "empty", "unfinished", "usable", "broken", "untrusted"]


UNFINISHED_NAME = ".pipguard-unfinished"
"""A file in an environment from before it is filled until the first install in it succeeded."""

_ASK = "import sys; print(*sys.version_info[:2])"


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment at a path: usable, still to be made, or in no state to be used."""

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
    made_for: tuple[int, int] | None = None
    """The Python that a broken one's packages were installed for, where that is one Python."""

    @property
    def must_be_made(self) -> bool:
        """Whether virtualenv still has to fill it (unfinished: a run of ours died there)."""
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


def sees_system(environment: str) -> bool:
    """Tell whether an environment sees the packages of the Python that it was made from."""
    try:
        with open(os.path.join(environment, "pyvenv.cfg"), encoding="utf-8") as file:
            pairs = [line.partition("=") for line in file]
    except (OSError, UnicodeDecodeError):
        return False
    said = {key.strip().lower(): value.strip().lower() for key, _, value in pairs}
    return said.get("include-system-site-packages") == "true"


def inspect_environment(path: str, ask: Callable[[list[str]], bytes | None]) -> Environment:
    """Describe what is at `path`, which must be trusted: its interpreter is started.

    `ask` runs a command quietly and returns what it prints, or None when it fails.
    """
    if not os.path.lexists(path):
        return Environment(path)
    try:
        return _inspect(path, ask)
    except Unreadable as error:
        return Environment(path, "untrusted", error.message)


def _inspect(path: str, ask: Callable[[list[str]], bytes | None]) -> Environment:
    problem = _find_damage(path)
    if is_unfinished(path):
        return Environment(path, "unfinished")
    if problem:
        is_readable = os.access(path, os.R_OK | os.X_OK)
        return (
            _describe_broken(path, problem) if is_readable else Environment(path, "broken", problem)
        )
    if not os.listdir(path):
        return Environment(path, "empty")
    return _ask_interpreter(path, ask)


def make_interpreter_asker(environ: Mapping[str, str]) -> Callable[[list[str]], bytes | None]:
    """Return a way to ask an environment's interpreter about itself, once while it is unchanged."""
    ask = make_asker(environ)
    folder = cache_folder(environ, "interpreters")

    def ask_once(command: list[str]) -> bytes | None:
        configuration = os.path.join(os.path.dirname(os.path.dirname(command[0])), "pyvenv.cfg")
        question = make_question(command, (command[0], configuration))
        known = recall_answer(folder, question)
        if known is not None:
            return os.fsencode(known)
        answer = ask(command)
        if answer and answer.count(b"\n") == 1:
            store_answer(folder, question, os.fsdecode(answer.strip()))
        return answer

    return ask_once


def is_unfinished(path: str) -> bool:
    """Tell whether a run of ours died before its first install there, and nobody went on by hand.

    An environment that holds more than it started with is the user's, whoever made it.
    """
    has_mark = os.path.isfile(os.path.join(path, UNFINISHED_NAME))
    return has_mark and not list_distributions(path).keys() - TOOLCHAIN


def _find_damage(path: str) -> str:
    if not os.path.exists(path):
        return f"it is a link to {os.readlink(path)}, which is gone"
    if not os.path.isdir(path):
        return describe_pointer(path)
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
        return _describe_broken(path, problem)
    version = (int(answer[0]), int(answer[1]))
    folders = list_site_folders(path)
    name = f"python{version[0]}.{version[1]}"
    if os.name != "nt" and folders and not any(f"/{name}/" in folder for folder in folders):
        made_for = os.path.basename(os.path.dirname(folders[0]))
        problem = f"it was made for {made_for} and now runs {name}"
        return _describe_broken(path, problem)
    has_pip = any(os.path.isdir(os.path.join(folder, "pip")) for folder in folders)
    return Environment(path, "usable", "", version, has_pip)


def _describe_broken(path: str, problem: str) -> Environment:
    names = [os.path.basename(os.path.dirname(folder)) for folder in list_site_folders(path)]
    parts = names[0].removeprefix("python").split(".") if len(names) == 1 else []
    is_version = len(parts) == 2 and all(part.isdigit() for part in parts)
    made_for = (int(parts[0]), int(parts[1])) if is_version else None
    held = list_requirements(path)
    return Environment(path, "broken", problem, requirements=held, made_for=made_for)


def _is_conda(path: str) -> bool:
    return os.path.isdir(os.path.join(path, "conda-meta"))
