"""Which environment a question is about: `list`, `show`, `freeze`, `check`, `inspect`.

In: the caller, the real pip, the command. Out: a `FollowUp`, or None where it is the real pip's to
answer. pip refuses none of these, so nothing is run first to learn whether it would. Looks only;
makes nothing, and changes nothing about the words.
"""

from __future__ import annotations

from pipguard.caller import Caller
from pipguard.discover import (
    Place,
    Surroundings,
    discover_surroundings,
    find_project,
    make_asker,
)
from pipguard.doors import dataclass
from pipguard.environment import Environment, inspect_environment, list_distributions
from pipguard.forward import find_interpreter
from pipguard.knowledge import normalise_name
from pipguard.nearby import FOLLOW_UPS
from pipguard.parse import PipCommand
from pipguard.pip_configuration import allows_system_packages
from pipguard.pipx_home import guess_environments, read_application
from pipguard.plans import Plan
from pipguard.plans.venv import plan_venv
from pipguard.real_pip import RealPip, locate_marker, start_isolated, version_of
from pipguard.route import ToVenv
from pipguard.settings import Settings, read_settings

_IS_INSTALLED = (
    "import importlib.metadata as m, sys\nfor name in sys.argv[1:]: m.distribution(name)"
)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Who answers, and about which environment."""

    environment: Environment
    origin: str
    """As in `Place`, or `pipx`."""
    plan: Plan | None
    """How pip gets to speak about it; None where it is in no state for that."""


def choose_follow_up(
    caller: Caller, real_pip: RealPip | None, command: PipCommand
) -> FollowUp | None:
    """Return what the command is about when that is not the real pip's own Python.

    Raises `BadSetting` for a setting that is not accepted.
    """
    if not _is_open(caller, command) or not _installs_go_elsewhere(caller, real_pip):
        return None
    project = find_project(caller)
    settings = read_settings(caller.environ, project[0])
    if settings.route in {"override", "system"}:
        return None
    surroundings = discover_surroundings(caller, settings, project)
    place = _find_in_pipx(caller, real_pip, command, surroundings) or surroundings.place
    state = place.environment.state
    if state == "usable":
        plan = _plan(place.environment, command, settings, caller, real_pip)
        return FollowUp(place.environment, place.origin, plan)
    if state in {"broken", "untrusted"}:
        return FollowUp(place.environment, place.origin, None)
    return None


def _is_open(caller: Caller, command: PipCommand) -> bool:
    """Whether the words leave open which environment they ask about."""
    if command.subcommand not in FOLLOW_UPS or command.error or command.asks_help:
        return False
    if command.python or caller.environ.get("PIP_PYTHON"):
        return False
    return not (command.has("--user") or command.has("--path"))


def _installs_go_elsewhere(caller: Caller, real_pip: RealPip | None) -> bool:
    """Whether this pip would refuse to install, so that packages are somewhere else."""
    if real_pip is None:
        return True
    interpreter = find_interpreter(real_pip, caller.environ)
    if interpreter is None or locate_marker(interpreter) is None:
        return False
    return not allows_system_packages(caller, interpreter)


def _find_in_pipx(
    caller: Caller, real_pip: RealPip | None, command: PipCommand, surroundings: Surroundings
) -> Place | None:
    """Return the place of the application to `show`, if pipx alone has it."""
    names = {normalise_name(word) for word in command.arguments}
    if command.subcommand != "show" or len(names) != 1:
        return None
    environment = surroundings.place.environment
    if not names.isdisjoint(list_distributions(environment.path)):
        return None
    name = names.pop()
    folder = next((f for f in guess_environments(caller) if read_application(f, name)), None)
    if folder is None or (environment.state != "usable" and _has_itself(caller, real_pip, name)):
        return None
    path = f"{folder}/{name}"
    return Place(inspect_environment(path, make_asker(caller)), "pipx")


def _has_itself(caller: Caller, real_pip: RealPip | None, name: str) -> bool:
    """Whether the real pip's own Python has the distribution."""
    interpreter = find_interpreter(real_pip, caller.environ) if real_pip else None
    if interpreter is None:
        return False
    question = [*start_isolated(interpreter, version_of(interpreter)), "-c", _IS_INSTALLED, name]
    return make_asker(caller)(question) is not None


def _plan(
    environment: Environment,
    command: PipCommand,
    settings: Settings,
    caller: Caller,
    real_pip: RealPip | None,
) -> Plan:
    from pipguard.decide import gather_makers, locate_base

    surroundings = Surroundings(None, False, Place(environment, ""))
    makers = gather_makers(caller, real_pip, locate_base(caller, real_pip), surroundings)
    return plan_venv(ToVenv(environment, ""), command, settings, makers)
