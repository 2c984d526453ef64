"""One invocation: what was typed, by whom, in which folder, with which variables.

A value that `cli` reads once and hands on. Never reads anything itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipguard.system.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """One invocation, as `cli` found it."""

    program: str
    """The name that we were called by, without its folder: `pipguard`, `pip3.12`."""
    itself: str
    """The path of the file that was started."""
    python: str
    """The interpreter that we run under; virtualenv and our own pipx live beside us."""
    argv: tuple[str, ...]
    """The words after the program's name, untouched."""
    environ: Mapping[str, str]
    directory: str
    """The current folder, absolute."""
    home: str | None
    """The home folder, absolute with links resolved; None when it is not known."""
    user_id: int | None
    """The effective user, None where the system has no such numbers."""
    new_output: tuple[int, int] | None
    """Device and number of the empty file that stdout is, as in `pip freeze > requirements.txt`."""
    is_terminal: bool
    """Whether a person can be asked: stdin and stderr are terminals."""
    has_error_terminal: bool = False
    """Whether stderr is a terminal."""
    note: str | None = None
    """The file in which the shell integration looks for an environment; None without it."""
    outcome_file: str | None = None
    """The file in which a program's summary looks for what was decided; None without it."""
    is_shim: bool = False
    """Whether we were started as the `pip` of our shims, which programs find as well as people."""
