"""Libraries go to an environment: virtualenv makes it where it is missing, pip fills it.

In: a `ToVenv` route, the command. Out: a `Plan`. Pure.
"""

from __future__ import annotations

import os

from pipguard.doors import dataclass
from pipguard.environment import Environment, interpreter_path
from pipguard.parse import PipCommand
from pipguard.plans import Creation, Plan, Step
from pipguard.real_pip import RealPip, start_isolated
from pipguard.route import ToVenv
from pipguard.settings import Settings

# In an environment pip refuses --user, and these send the packages somewhere else (pip 23 to 26).
# PIP_USER is set, not taken away: a configuration file may say `user = true`.
REDIRECTING_VARIABLES: tuple[tuple[str, str | None], ...] = (
    ("PIP_PREFIX", None),
    ("PIP_PYTHON", None),
    ("PIP_ROOT", None),
    ("PIP_TARGET", None),
    ("PIP_USER", "0"),
)


@dataclass(frozen=True, slots=True)
class Makers:
    """What environments are made with."""

    python: str
    """The interpreter that has virtualenv."""
    base: str
    """The interpreter that environments are made for: the real pip's."""
    real_pip: RealPip | None
    carried_pip: str = ""
    """Path of a pip wheel, where an environment has no pip and the machine neither."""
    site_variables: tuple[tuple[str, str | None], ...] = ()
    """What pip's configuration in the base's `sys.prefix` sets, for a pip with another prefix."""
    version: tuple[int, int] | None = None
    """The base's."""


def plan_venv(route: ToVenv, command: PipCommand, settings: Settings, makers: Makers) -> Plan:
    """Return how pip gets to run in the route's environment."""
    path = route.environment.path
    creation = None
    if route.environment.must_be_made or route.rebuilds:
        creation = Creation(path, creation_step(path, settings, makers), route.rebuilds)
    pip = pip_words(route.environment, makers, creation is not None)
    variables = environment_variables(makers)
    steps = [Step(f"{command.subcommand} in it", (*pip, *command.without("--user")), variables)]
    if route.rebuilds and route.environment.requirements:
        again = (*pip, "install", *route.environment.requirements)
        steps.insert(0, Step("install what it held before", again, variables))
    return Plan("venv", tuple(steps), path, creation, notes=_notes(command))


def environment_variables(makers: Makers) -> tuple[tuple[str, str | None], ...]:
    """Return the variables to change so that pip stays inside the environment it runs in."""
    return (*makers.site_variables, *REDIRECTING_VARIABLES)


def start_pip(makers: Makers) -> tuple[str, ...]:
    """Return the words that start a pip for the base interpreter itself."""
    if makers.real_pip is not None:
        return makers.real_pip.command
    return (makers.base, os.path.join(makers.carried_pip, "pip"))


def creation_step(path: str, settings: Settings, makers: Makers) -> Step:
    """Return the step that makes an environment."""
    site = ("--system-site-packages",) if settings.system_site_packages else ()
    return Step("make the environment", (*start_virtualenv(makers), *site, path), mode="quiet")


def start_virtualenv(makers: Makers) -> tuple[str, ...]:
    """Return the words that make an environment for the base interpreter, all but its folder.

    Left to itself, virtualenv looks for newer wheels every fortnight, in processes that go on
    behind the user's back and ask the public index whatever pip's configuration says.
    """
    words = ("virtualenv", "--quiet", "--no-periodic-update", "--python", makers.base)
    return (makers.python, "-I", "-m", *words)


def pip_words(environment: Environment, makers: Makers, is_new: bool) -> tuple[str, ...]:
    """Return the words that start a pip for an environment: its own, or one from outside."""
    interpreter = interpreter_path(environment.path)
    if is_new:
        return (*start_isolated(interpreter, makers.version), "-m", "pip")
    if environment.has_pip:
        return (*start_isolated(interpreter, environment.version), "-m", "pip")
    if makers.real_pip is not None:
        return (*makers.real_pip.command, "--python", interpreter)
    return (interpreter, os.path.join(makers.carried_pip, "pip"))


def _notes(command: PipCommand) -> tuple[str, ...]:
    return ("--user is left out: an environment is yours already",) if command.is_user else ()
