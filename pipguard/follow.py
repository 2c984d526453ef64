"""Chooses the environment that `list`, `show`, `freeze`, `check` and `inspect` speak about.

In: the caller, the real pip, the command. Out: a `FollowUp`, or None where the real pip's own
Python is meant. pip refuses none of these, so it is not run first to learn whether it would. Never
makes an environment, never changes a word of the command.
"""

from __future__ import annotations

from pipguard.caller import Caller
from pipguard.discover import Place, Surroundings, discover
from pipguard.environments.distributions import list_distributions
from pipguard.environments.inspect import Environment, inspect_environment
from pipguard.environments.nearby import FOLLOW_UPS
from pipguard.environments.pipx import find_injected, guess_environments, read_application
from pipguard.knowledge import normalise_name
from pipguard.pip.command_line import PipCommand
from pipguard.pip.configuration import allows_system_packages
from pipguard.pip.handover import is_switched_off
from pipguard.pip.interpreter import (
    locate_marker,
    read_isolated_command,
)
from pipguard.pip.locate import RealPip
from pipguard.pip.queries import find_interpreter
from pipguard.plan import Plan
from pipguard.plans.venv import plan_venv
from pipguard.route import ToVenv
from pipguard.system.frozen import dataclass
from pipguard.system.processes import make_asker

_IS_INSTALLED = (
    "import importlib.metadata as m, sys\nfor name in sys.argv[1:]: m.distribution(name)"
)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Which pip answers, and about which environment."""

    environment: Environment
    origin: str
    """As in `Place`, or `pipx`."""
    plan: Plan | None
    """How pip gets to answer about it; None where the environment is in no state for that."""


def choose_follow_up(
    caller: Caller, real_pip: RealPip | None, command: PipCommand
) -> FollowUp | None:
    """Return what the command is about when that is not the real pip's own Python.

    Raises `BadSetting` for a setting that is not accepted.
    """
    if not _is_open(caller, command) or not _installs_go_elsewhere(caller, real_pip):
        return None
    settings, surroundings = discover(caller)
    if settings.route in {"override", "system", "off"}:
        return None
    place = _find_in_pipx(caller, real_pip, command, surroundings) or surroundings.place
    state = place.environment.state
    if state == "usable":
        plan = _plan(place.environment, command, caller, real_pip)
        return FollowUp(place.environment, place.origin, plan)
    if state in {"broken", "untrusted"}:
        return FollowUp(place.environment, place.origin, None)
    return None


def find_other_pip(caller: Caller, command: PipCommand) -> Plan | None:
    """Return how the project's environment answers where the machine has no pip; None without one.

    For what is about no environment in particular, such as `download` and `--version`.
    """
    if is_switched_off(caller.environ) or command.subcommand in {"install", "uninstall"}:
        return None
    environment = discover(caller)[1].place.environment
    return _plan(environment, command, caller, None) if environment.has_pip else None


def _is_open(caller: Caller, command: PipCommand) -> bool:
    """Whether the command leaves open which environment it asks about."""
    if command.subcommand not in FOLLOW_UPS or command.error or command.asks_help:
        return False
    if command.last("--python") or caller.environ.get("PIP_PYTHON"):
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
    """Return the place of the application or plugin to `show`, if pipx alone has it."""
    names = {normalise_name(word) for word in command.arguments}
    if command.subcommand != "show" or len(names) != 1:
        return None
    environment = surroundings.place.environment
    if not names.isdisjoint(list_distributions(environment.path)):
        return None
    name = names.pop()
    folders = guess_environments(caller)
    found = [f"{folder}/{name}" for folder in folders if read_application(folder, name)]
    found = found or [*find_injected(folders, name)]
    if not found or (environment.state != "usable" and _has_itself(caller, real_pip, name)):
        return None
    path = found[0]
    return Place(inspect_environment(path, make_asker(caller.environ)), "pipx")


def _has_itself(caller: Caller, real_pip: RealPip | None, name: str) -> bool:
    """Whether the real pip's own Python has the distribution."""
    interpreter = find_interpreter(real_pip, caller.environ) if real_pip else None
    if interpreter is None:
        return False
    question = [*read_isolated_command(interpreter), "-c", _IS_INSTALLED, name]
    return make_asker(caller.environ)(question) is not None


def _plan(
    environment: Environment, command: PipCommand, caller: Caller, real_pip: RealPip | None
) -> Plan:
    from pipguard.decide import gather_tools, locate_base

    tools = gather_tools(caller, real_pip, locate_base(caller, real_pip), environment)
    return plan_venv(ToVenv(environment, ""), command, tools)
