"""Running a command as a person or a program would, and everything that can be observed of it.

In: an argv, a folder, changes to the environment. Out: `Result`. A pipe is read as bytes; a
terminal is a real pseudo-terminal with the command as its session leader.
"""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

import pytest

Environment = Mapping[str, str | None]
Argument = str | bytes | os.PathLike[str]

LONGEST_RUN = 120.0

needs_git = pytest.mark.skipif(not shutil.which("git"), reason="needs git")


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended and what it wrote; a status below 0 is the signal that ended it."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        """Standard output as text."""
        return self.stdout.decode("utf-8", "backslashreplace")

    @property
    def err(self) -> str:
        """Standard error as text."""
        return self.stderr.decode("utf-8", "backslashreplace")


def changed_environment(changes: Environment | None) -> dict[str, str]:
    """This process's environment with `changes`; None takes a variable away."""
    environment = dict(os.environ)
    for name, value in (changes or {}).items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment


def run_command(
    argv: Sequence[Argument],
    cwd: Path | None = None,
    env: Environment | None = None,
    stdin: bytes = b"",
) -> Result:
    """Run a command with pipes on all three streams."""
    done = subprocess.run(
        [os.fspath(word) for word in argv],
        cwd=cwd,
        env=changed_environment(env),
        input=stdin,
        capture_output=True,
        timeout=LONGEST_RUN,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def run_module(module: str, text: str, *words: str, stdin: bytes = b"") -> Result:
    """Run lines of Python in a process of their own, with a module of pipguard at hand as `p`."""
    checkout = str(Path(__file__).parent.parent.parent)
    start = f"import os, sys; sys.path.insert(0, sys.argv[1]); import pipguard.{module} as p\n"
    return run_command([sys.executable, "-I", "-c", start + text, checkout, *words], stdin=stdin)


def run_on_terminal(
    argv: Sequence[Argument],
    cwd: Path | None = None,
    env: Environment | None = None,
    answers: Sequence[tuple[bytes, bytes]] = (),
) -> Result:
    """Run a command on a terminal of its own; `stdout` is all that the terminal showed.

    `answers` are pairs: when the first has appeared, the second is typed. Waiting for a text that
    never comes ends with the command.
    """
    sys.stdout.flush()
    process, terminal = pty.fork()
    if process == 0:
        _become(argv, cwd, changed_environment(env))
    shown = _converse(terminal, list(answers))
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return Result(status, shown, b"")


def _become(argv: Sequence[Argument], cwd: Path | None, environment: dict[str, str]) -> NoReturn:
    try:
        if cwd is not None:
            os.chdir(cwd)
        os.execvpe(os.fspath(argv[0]), [os.fspath(word) for word in argv], environment)
    finally:
        os._exit(127)


def _converse(terminal: int, answers: list[tuple[bytes, bytes]]) -> bytes:
    shown, searched = b"", 0
    deadline = time.monotonic() + LONGEST_RUN
    while True:
        if answers and (found := shown.find(answers[0][0], searched)) >= 0:
            text, reply = answers.pop(0)
            searched = found + len(text)
            os.write(terminal, reply)
        if not select.select([terminal], [], [], deadline - time.monotonic())[0]:
            raise TimeoutError(f"still running; it showed {shown!r}")
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Linux says EIO where others say end of file
            return shown
        if not chunk:
            return shown
        shown += chunk


class RunPipguard(Protocol):
    """The fixture `run_pipguard`: `run_command` with pipguard in front of the arguments."""

    def __call__(
        self,
        arguments: Sequence[Argument],
        cwd: Path | None = None,
        env: Environment | None = None,
        stdin: bytes = b"",
    ) -> Result:
        """Run it."""


class RunPipguardOnTerminal(Protocol):
    """The fixture `run_pipguard_on_terminal`."""

    def __call__(
        self,
        arguments: Sequence[Argument],
        cwd: Path | None = None,
        env: Environment | None = None,
        answers: Sequence[tuple[bytes, bytes]] = (),
    ) -> Result:
        """Run it."""
