"""Leaves word for the shell that called us: which environment it may activate now.

In: the file that the shell named, what was decided, what became of it. Out: that file, holding the
environment's path and a zero byte. Never writes over anything, never follows a link.
"""

from __future__ import annotations

import os

from pipguard.decide import Decision
from pipguard.execute import Outcome
from pipguard.folders import open_private_folder
from pipguard.route import ToVenv


def leave_note(note: str | None, decision: Decision, outcome: Outcome) -> None:
    """Name the environment after an install into a project; a personal one stays off.

    An active environment wins everywhere, so that one would swallow the installs of every project
    that is entered after it.
    """
    route = decision.route
    is_install = decision.command.subcommand == "install" and outcome.exit_status == 0
    if note is None or not is_install or not isinstance(route, ToVenv) or route.is_idle:
        return
    if decision.surroundings.place.origin == "project":
        _write(note, os.fsencode(route.environment.path) + b"\0")


def _write(path: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    if not open_private_folder(os.path.dirname(path)):
        return
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError:  # it is a convenience; the install itself is done
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
