"""Decisions for what words them and what shows them: made of values, nothing is looked up.

In: a command line, a route, a plan. Out: a `Decision`.
"""

from __future__ import annotations

import shlex

from pipguard.decide import Decision
from pipguard.discover import Place, Surroundings
from pipguard.environments.inspect import Environment
from pipguard.pip.command_line import parse_command
from pipguard.pip.locate import RealPip
from pipguard.plan import Plan
from pipguard.route import Route, ToVenv

NEW = Environment("/project/.venv")
MARKER = "/usr/lib/python3.13/EXTERNALLY-MANAGED"


def decide(line: str, route: Route, plan: Plan, origin: str = "project") -> Decision:
    """A decision about `pip LINE` in a project."""
    place = Place(NEW, origin)
    return Decision(
        parse_command(shlex.split(line)),
        RealPip(("/usr/bin/pip",), "/usr/bin/python3", MARKER),
        "/usr/bin/python3.13",
        "Debian",
        Surroundings("/project", True, place),
        (),
        route,
        plan,
    )


def to_venv(line: str = "install six", notes: tuple[str, ...] = ()) -> Decision:
    """A decision for a new environment."""
    return decide(line, ToVenv(NEW, "a library"), Plan("venv", (), "/project/.venv", notes=notes))
