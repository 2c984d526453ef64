"""Tells the calling shell which environment to activate.

In: the file that the shell named, what was decided, what became of it. Out: that file, holding the
environment's path and a zero byte. Never overwrites anything, never follows a link.
"""

from __future__ import annotations

import os

from pipguard.decide import Decision
from pipguard.execute import Outcome
from pipguard.route import ToVenv
from pipguard.system.folders import open_private_folder


def write_note(note: str | None, decision: Decision, outcome: Outcome) -> None:
    """Name the environment after an install into a project, never the personal one.

    An active environment wins everywhere: every later project's installs would go to the personal
    one.
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
