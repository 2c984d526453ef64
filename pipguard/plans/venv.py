"""Plans an install into an environment: virtualenv makes it where it is missing, pip fills it.

In: a `ToVenv` route, the command. Out: a `Plan`. Pure.
"""

from __future__ import annotations

import os
from types import MappingProxyType

from pipguard.environments.create import Creation
from pipguard.environments.inspect import Environment, interpreter_path
from pipguard.environments.opening import OPENING
from pipguard.environments.run_pip import RUN_PIP
from pipguard.environments.run_virtualenv import RUN_VIRTUALENV
from pipguard.pip.command_line import PipCommand
from pipguard.pip.configuration import Variables
from pipguard.pip.interpreter import build_isolated_command
from pipguard.pip.locate import RealPip
from pipguard.pip.options import NEWEST
from pipguard.pip.origins import Asking, group_by_asking
from pipguard.plan import Plan, Step
from pipguard.route import ToVenv
from pipguard.system.frozen import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# In an environment pip refuses --user, and these send the packages somewhere else (pip 23 to 26).
# PIP_USER is set, not taken away: a configuration file may say `user = true`.
REDIRECTING_VARIABLES: Variables = (
    ("PIP_PREFIX", None),
    ("PIP_PYTHON", None),
    ("PIP_ROOT", None),
    ("PIP_TARGET", None),
    ("PIP_USER", "0"),
)


@dataclass(frozen=True, slots=True)
class Tools:
    """What environments are made and filled with."""

    python: str
    """The interpreter that has virtualenv."""
    base: str
    """The interpreter that environments are made for: the real pip's."""
    real_pip: RealPip | None
    bundled_pip: str = ""
    """Path of a pip wheel, where neither the environment nor the machine has a pip."""
    site_variables: Variables = ()
    """What pip's configuration in the base's `sys.prefix` sets, for a pip with another prefix."""
    version: tuple[int, int] | None = None
    """The base's."""
    shared_pip: str = ""
    """The folder of a compiled pip for it, where there is one."""


def plan_venv(
    route: ToVenv,
    command: PipCommand,
    tools: Tools,
    askings: Mapping[str, Asking] = MappingProxyType({}),
    *,
    sees_system: bool = False,
) -> Plan:
    """Return how pip gets to run in the route's environment.

    `askings` are for the requirements of an environment that is made anew for another Python; a new
    one sees the packages of the system's Python if `sees_system`.
    """
    environment = route.environment
    creation = None
    if route.rebuilds:
        creation = plan_creation(environment.path, tools, sees_system=sees_system)
        keeps = keeps_packages(environment, tools)
        creation = replace(creation, replaces_broken=True, keeps_packages=keeps)
    elif environment.must_be_made:
        shared_pip = _choose_shared_pip(command, tools, sees_system=sees_system)
        creation = plan_creation(
            environment.path, tools, sees_system=sees_system, shared_pip=shared_pip
        )
    pip = build_pip_command(environment, tools, is_new=creation is not None)
    words = command.without("--user")
    if tools.real_pip and not command.is_known_to(NEWEST):
        # Only the older, real pip still knows an option of this command.
        pip = (*tools.real_pip.command, "--python", interpreter_path(environment.path))
    elif creation and creation.shared_pip:
        pip = (*build_isolated_command(pip[0], tools.version), RUN_PIP, creation.shared_pip)
    variables = build_variables(tools)
    steps = [Step(f"{command.subcommand} in it", (*pip, *words), variables)]
    if creation and route.rebuilds and not creation.keeps_packages:
        steps[:0] = _install_again(environment.requirements, askings, pip, variables)
    notes = ("--user is left out: an environment is yours already",) if command.is_user else ()
    return Plan("venv", tuple(steps), environment.path, creation, notes=notes)


def _choose_shared_pip(command: PipCommand, tools: Tools, *, sees_system: bool) -> str:
    """Return the pip that may begin an install in an environment which is not whole yet.

    Not where another pip has to be the one, or where what the environment sees is settled last.
    """
    is_opaque = tools.real_pip is not None and tools.real_pip.is_opaque
    may_begin = command.is_known_to(NEWEST) and not is_opaque and not sees_system
    return tools.shared_pip if may_begin and os.name == "posix" else ""


def keeps_packages(environment: Environment, tools: Tools) -> bool:
    """Tell whether a broken environment's packages work in one that is made anew."""
    return environment.made_for is not None and environment.made_for == tools.version


def _install_again(
    requirements: tuple[str, ...],
    askings: Mapping[str, Asking],
    pip: tuple[str, ...],
    variables: Variables,
) -> list[Step]:
    """Return one step for all requirements that come from the same place."""
    groups = group_by_asking(_pair_with_askings(requirements, askings))
    options = ("--no-deps",) if len(groups) > 1 else ()
    return [
        Step(
            "install what it held before",
            (*pip, "install", *options, *group),
            (*variables, *asking.variables),
        )
        for asking, group in groups.items()
    ]


def _pair_with_askings(
    requirements: Iterable[str], askings: Mapping[str, Asking]
) -> Iterator[tuple[Asking, tuple[str, ...]]]:
    words = iter(requirements)
    for word in words:
        given = (word, next(words)) if word == "--editable" else (word,)
        yield askings.get(word, Asking()), given


def build_variables(tools: Tools) -> Variables:
    """Return the variables to change so that pip stays inside the environment it runs in."""
    return (*tools.site_variables, *REDIRECTING_VARIABLES)


def build_base_pip_command(tools: Tools) -> tuple[str, ...]:
    """Return the words that start a pip for the base interpreter itself."""
    if tools.real_pip is not None:
        return tools.real_pip.command
    return (tools.base, os.path.join(tools.bundled_pip, "pip"))


def plan_opening(path: str, tools: Tools, *, sees_system: bool = True) -> Step:
    """Return how an environment that is there gets to see the system's packages, or not to."""
    words = (tools.python, "-I", OPENING, path, "true" if sees_system else "false")
    purpose = "let it see" if sees_system else "no longer let it see"
    return Step(f"{purpose} the system's packages", words, mode="quiet")


def plan_creation(
    path: str, tools: Tools, *, sees_system: bool = False, shared_pip: str = ""
) -> Creation:
    """Return how an environment is made; `shared_pip` is one that begins meanwhile."""
    site = ("--system-site-packages",) if sees_system else ()
    virtualenv = build_virtualenv_command(tools, RUN_VIRTUALENV if shared_pip else "")
    return Creation(path, (*virtualenv, *site, path), shared_pip=shared_pip)


def build_virtualenv_command(tools: Tools, script: str = "") -> tuple[str, ...]:
    """Return the words that make an environment for the base interpreter, all but its folder.

    Left to itself, virtualenv looks for newer wheels every fortnight, in background processes that
    ask the public index whatever pip's configuration says.
    """
    start = (script,) if script else ("-m", "virtualenv")
    words = ("--quiet", "--no-periodic-update", "--python", tools.base)
    return (tools.python, "-I", *start, *words)


def build_pip_command(environment: Environment, tools: Tools, *, is_new: bool) -> tuple[str, ...]:
    """Return the words that start a pip for an environment: its own, or one from outside."""
    interpreter = interpreter_path(environment.path)
    if tools.real_pip is not None and tools.real_pip.is_opaque:
        # A program around pip may be there to check what is installed, so it stays in between.
        return (*tools.real_pip.command, "--python", interpreter)
    if is_new:
        return (*build_isolated_command(interpreter, tools.version), "-m", "pip")
    if environment.has_pip:
        return (*build_isolated_command(interpreter, environment.version), "-m", "pip")
    if tools.real_pip is not None:
        return (*tools.real_pip.command, "--python", interpreter)
    return (interpreter, os.path.join(tools.bundled_pip, "pip"))
