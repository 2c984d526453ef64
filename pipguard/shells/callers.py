"""Recognises the program that calls a shim, where a redirected install would deceive it.

In: the caller. Out: the `Program` that calls, or None where nothing speaks against acting. A build
or Ansible needs packages where its own Python looks, and an image is made from its system folders:
a .venv there would look like a success and help nobody. Reads the environment variables and the
chain of parent processes. Never decides what happens then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from pipguard.caller import Caller
from pipguard.pip.interpreter import locate_marker
from pipguard.settings import Settings
from pipguard.system.frozen import dataclass
from pipguard.system.processes import run_captured
from pipguard.system.programs import locate_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["notebook", "configuration", "build", "container", "ci"]


_BUILDERS = {
    "abuild", "bazel", "cmake", "configure", "dpkg", "ebuild", "emerge", "gmake", "make", "makepkg",
    "meson", "ninja", "rpm", "rpmbuild", "scons",
}  # fmt: skip
_CONFIGURERS = {"ansible-playbook", "chef-client", "cloud-init", "puppet", "salt-minion"}
_BUILD_VARIABLES = ("MAKELEVEL", "DPKG_MAINTSCRIPT_NAME", "RPM_BUILD_ROOT", "EBUILD_PHASE")
_CONTAINER_FILES = ("/.dockerenv", "/run/.containerenv")
_SHELLS = {"ash", "bash", "dash", "fish", "ksh", "sh", "zsh"}
_LONGEST_CHAIN = 64


@dataclass(frozen=True, slots=True)
class Program:
    """A program that calls a shim."""

    kind: Kind
    name: str
    """As people call it."""


def find_wary_program(caller: Caller, settings: Settings) -> Program | None:
    """Return the program that must get the real pip and nothing else, None where we may act.

    A user who chose a route, for one command or by the setting `shim-in-ci`, is obeyed.
    """
    if caller.environ.get("PIPGUARD_ROUTE"):
        return None
    program = _recognise_caller(caller)
    if program and settings.shim_in_ci == "act":
        return None
    return program


# Those by which pip itself knows it (user agent, pip 23.0 to 26.3).
_CI_VARIABLES = ("CI", "BUILD_BUILDID", "BUILD_ID", "PIP_IS_CI")
_NOT_IN_CI = {"", "0", "false", "no"}


def _recognise_caller(caller: Caller) -> Program | None:
    environ = caller.environ
    if environ.get("JPY_PARENT_PID"):
        return Program("notebook", "Jupyter")
    for words in _list_ancestors(caller):
        program = recognise(words)
        if program is None and not caller.is_terminal and is_fed_code(words, environ):
            program = Program("configuration", "Ansible")
        if program:
            return program
    if any(environ.get(name) for name in _BUILD_VARIABLES):
        return Program("build", "a build")
    if not caller.is_terminal and _is_container_build(caller):
        return Program("container", "a container build")
    if any(environ.get(name, "").lower() not in _NOT_IN_CI for name in _CI_VARIABLES):
        return Program("ci", "CI")
    return None


def recognise(words: list[str]) -> Program | None:
    """Return what a process is, by its command line, where it must not be redirected."""
    names = [os.path.basename(word) for word in words[:3]]
    if names and names[0].startswith(("python", *_SHELLS)):
        names = names[1:3] if names[1:2] == ["-m"] else names[1:2]
    for name in names if names[:1] != ["-m"] else names[1:]:
        if name == "ipykernel_launcher":
            return Program("notebook", "Jupyter")
        if name.startswith("AnsiballZ_") or name in _CONFIGURERS:
            return Program("configuration", "Ansible" if "nsib" in name else name)
        if name in _BUILDERS:
            return Program("build", name)
        break
    return None


def is_fed_code(words: list[str], environ: Mapping[str, str]) -> bool:
    """Tell whether a process is the system's Python without a script: its code comes on stdin.

    So Ansible runs its modules with pipelining; what it installs, that very Python must import.
    """
    program = words[0] if words else ""
    if not os.path.basename(program).startswith("python") or any(w[:1] != "-" for w in words[1:]):
        return False
    if any(word in {"-c", "-m", "-i"} for word in words[1:]):
        return False
    path = program if os.path.isabs(program) else locate_program(program, environ)
    return locate_marker(path) is not None


def is_at_a_prompt(words: list[str]) -> bool:
    """Tell whether a process is a shell that somebody types into, whatever started it."""
    name = os.path.basename(words[0]).lstrip("-") if words else ""
    given = words[1:]
    return name in _SHELLS and all(w.startswith("-") and "c" not in w for w in given)


def is_typed(caller: Caller, project: str) -> bool:
    """Tell whether a shell's line called us: at a prompt, with `-c`, or in a script of the project.

    A program of the system that runs `python3 -c …` means the system's Python.
    """
    words = next(_list_ancestors(caller), None)
    if words is None:
        return True
    if not words or os.path.basename(words[0]).lstrip("-") not in _SHELLS:
        return False
    given = next((word for word in words[1:] if not word.startswith("-") or "c" in word), "-c")
    script = os.path.realpath(os.path.join(caller.directory, given))
    return given.startswith("-") or script.startswith(os.path.join(project, ""))


def _list_ancestors(caller: Caller) -> Iterator[list[str]]:
    """Yield the command lines of our parents, nearest first, as far as the shell at a prompt."""
    read = _read_process if os.path.exists("/proc/self/stat") else _ProcessTable(caller)
    number = os.getppid()
    for _ in range(_LONGEST_CHAIN):
        found = read(number)
        if number <= 1 or found is None or is_at_a_prompt(found[1]):
            return
        number, words = found
        yield words


def _read_process(number: int) -> tuple[int, list[str]] | None:
    try:
        with open(f"/proc/{number}/stat", "rb") as file:
            parent = int(file.read().rpartition(b")")[2].split()[1])
        with open(f"/proc/{number}/cmdline", "rb") as file:
            words = os.fsdecode(file.read()).split("\0")[:-1]
    except (OSError, ValueError, IndexError):
        return None
    return parent, words


class _ProcessTable:
    """Reads processes where there is no /proc: all of them at once, through `ps`."""

    def __init__(self, caller: Caller) -> None:
        self.processes: dict[int, tuple[int, list[str]]] = {}
        try:
            answer = run_captured(
                ["/bin/ps", "-axo", "pid=,ppid=,command="], caller.environ, timeout=10
            )
        except (OSError, TimeoutError):
            return
        for line in os.fsdecode(answer.stdout).splitlines():
            number, parent, *words = line.split()
            self.processes[int(number)] = (int(parent), words)

    def __call__(self, number: int) -> tuple[int, list[str]] | None:
        return self.processes.get(number)


def _is_container_build(caller: Caller) -> bool:
    """Tell whether an image is being made: its RUN lines are a container's first process.

    BuildKit leaves no file as Docker's older builder does, and names its host; a shell gives its
    own place to the last command of `-c`, so that the first process may be ourselves.
    """
    if hasattr(os, "uname") and os.uname().nodename == "buildkitsandbox":
        return True
    if not caller.environ.get("container") and not any(map(os.path.exists, _CONTAINER_FILES)):
        return False
    first = _read_process(1)
    words = first[1] if first else []
    is_shell = bool(words) and os.path.basename(words[0]) in _SHELLS
    return os.getpid() == 1 or (is_shell and "-c" in words[1:3])
