"""Decides what to do with a refused command: what the targets are, where they go, and how.

In: the caller, the real pip, the command. Out: a `Decision`, everything that was found and chosen.
`pipeline` performs it, `pip guard explain` prints it. Never changes anything.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from types import MappingProxyType

from pipguard.caller import Caller
from pipguard.classification.answers import answers_path, read_answers
from pipguard.classification.judge import JudgedTarget, Sources, judge_targets
from pipguard.classification.obstacles import find_obstacle
from pipguard.classification.plugins import find_forced_hosts
from pipguard.classification.rules import Statements, make_statements
from pipguard.classification.targets import Target, read_target
from pipguard.discover import Surroundings, discover, name_manager
from pipguard.environments.distributions import (
    list_distributions,
    scan_distributions,
)
from pipguard.environments.inspect import Environment
from pipguard.environments.pipx import (
    find_added,
    guess_environments,
    list_hosts,
    read_application,
)
from pipguard.environments.shared_pip import locate_shared_pip
from pipguard.pip.bundled import locate_bundled_pip
from pipguard.pip.command_line import PipCommand
from pipguard.pip.configuration import read_site_variables
from pipguard.pip.interpreter import list_site_folders, prefer_stable_path, read_version
from pipguard.pip.locate import RealPip, interpreter_names, locate_others
from pipguard.pip.queries import find_interpreter
from pipguard.plan import Plan
from pipguard.plans.venv import Tools
from pipguard.prepare import Preparation
from pipguard.route import (
    Installed,
    Request,
    Route,
    ToVenv,
    choose_route,
    leave_toolchain,
    may_go_to_pipx,
)
from pipguard.settings import Settings
from pipguard.system.folders import cache_folder
from pipguard.system.frozen import dataclass, field, replace
from pipguard.system.processes import make_asker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.knowledge import Kind


@dataclass(frozen=True, slots=True)
class Decision:
    """What one command line means here, and what is to be done."""

    command: PipCommand
    real_pip: RealPip | None
    base: str
    """The interpreter that refused: environments are made for it, by its stable path."""
    manager: str
    """Who manages that interpreter, in a word for people."""
    surroundings: Surroundings
    targets: tuple[JudgedTarget, ...]
    route: Route
    plan: Plan
    settings: Settings = Settings()
    answers: Mapping[str, Kind] = field(default_factory=dict)
    """What the user has just said about `doubts`."""
    begun: float = 0
    """When we began to look at what it is made of (seconds since the epoch)."""

    @property
    def doubts(self) -> tuple[str, ...]:
        """Names that only the user can tell about, where their word would change the route."""
        may_move = isinstance(self.route, ToVenv) and not self.route.is_idle
        if not may_move or not all(t.belongs_to_pipx or t.is_doubtful for t in self.targets):
            return ()
        return tuple(judged.target.name for judged in self.targets if judged.is_doubtful)


def decide(
    caller: Caller,
    real_pip: RealPip | None,
    command: PipCommand,
    answers: Mapping[str, Kind] = MappingProxyType({}),
) -> Decision:
    """Return what to do with a command that the real pip refuses, or that has no pip to run it.

    `answers` are the user's about `doubts`. Raises `BadSetting` for a setting that is not accepted.
    """
    begun = time.time()
    settings, surroundings = discover(caller, command)
    base = locate_base(caller, real_pip)
    tools = gather_tools(caller, real_pip, base, surroundings.place.environment)
    named = tuple(read_target(text, caller.directory) for text in command.arguments)
    targets = _list_met(named, caller, base)
    judged = _take_as_typed(caller, targets, settings, surroundings)
    if _needs_judgment(command, targets, settings, surroundings):
        statements = _gather_statements(caller, settings, answers)
        wanted = leave_toolchain(targets)
        sources = _gather_sources(caller, wanted, statements, tools, surroundings)
        known = {j.target: j for j in judge_targets(wanted, command, caller, sources)}
        judged = tuple(known.get(target, JudgedTarget(target)) for target in targets)
    installed = _find_installed(caller, base, command, targets, surroundings)
    request = Request(command, judged, _find_obstacle(caller, command, named, targets))
    if settings.route == "system":
        # Few commands come here; the others need not wait for these imports.
        from pipguard.package_managers.queries import find_offer
        from pipguard.route import choose_system_route

        offer = find_offer(caller, settings, base, command, targets)
        route = choose_system_route(request, offer)
    else:
        route = choose_route(request, surroundings, settings, installed)
    plan = Preparation(caller, command, settings, tools, surroundings).plan(route)
    manager = name_manager(base, read_marker(real_pip))
    return Decision(
        command, real_pip, base, manager, surroundings, judged, route, plan, settings, answers,
        begun,
    )  # fmt: skip


def locate_base(caller: Caller, real_pip: RealPip | None) -> str:
    """Return the interpreter that environments are made for, by a path that lasts.

    The real pip's own; without a pip the Python that its name means; without that, ours.
    """
    interpreter = find_interpreter(real_pip, caller.environ) if real_pip else None
    for name in interpreter_names(caller.program):
        if interpreter:
            break
        interpreter = next(locate_others(name, caller.environ, caller.itself), "")
    return prefer_stable_path(interpreter or caller.python)


def gather_tools(
    caller: Caller, real_pip: RealPip | None, base: str, environment: Environment | None = None
) -> Tools:
    """Return what environments are made and filled with; virtualenv's pip where there is no other.

    `environment` is the one to be filled, where it is known already.
    """
    version = read_version(base)
    bundled = ""
    if real_pip is None and not (environment and environment.has_pip):
        bundled = locate_bundled_pip((environment and environment.version) or version)
    site_variables = read_site_variables(caller, base)
    shared_pip = locate_shared_pip(caller.environ, version)
    return Tools(caller.python, base, real_pip, bundled, site_variables, version, shared_pip)


def read_marker(real_pip: RealPip | None) -> str:
    """Return the marker file's text, empty without one."""
    try:
        with open(
            real_pip.marker if real_pip and real_pip.marker else "", encoding="utf-8"
        ) as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return ""


def _take_as_typed(
    caller: Caller, targets: tuple[Target, ...], settings: Settings, surroundings: Surroundings
) -> tuple[JudgedTarget, ...]:
    """Return the targets unjudged; where the user chose pipx, with the applications they serve."""
    if settings.route != "pipx":
        return tuple(map(JudgedTarget, targets))
    hosts = list_hosts(caller, surroundings.place.environment.path)
    return tuple(JudgedTarget(t, plugs_into=find_forced_hosts(t.name, hosts)) for t in targets)


def _needs_judgment(
    command: PipCommand,
    targets: tuple[Target, ...],
    settings: Settings,
    surroundings: Surroundings,
) -> bool:
    """Tell whether it matters what the targets are."""
    if settings.route != "auto" or surroundings.place.is_active:
        return False
    return may_go_to_pipx(command, targets, settings)


def _gather_sources(
    caller: Caller,
    targets: tuple[Target, ...],
    statements: Statements,
    tools: Tools,
    surroundings: Surroundings,
) -> Sources:
    """Return where to look; without the system's pip, that of the environment knows the index."""
    environment = surroundings.place.environment
    hosts = list_hosts(caller, environment.path)
    return Sources(
        statements,
        surroundings.project,
        choose_pip_interpreter(tools, environment),
        tools.bundled_pip,
        cache_folder(caller.environ, "metadata"),
        hosts,
        find_added(caller, (t.name for t in targets), environment.path) if hosts else {},
    )


def choose_pip_interpreter(tools: Tools, environment: Environment) -> str:
    """Return the interpreter whose pip knows the index; without a real pip, the environment's."""
    has_own = tools.real_pip is None and environment.has_pip
    return environment.interpreter if has_own else tools.base


def _gather_statements(
    caller: Caller, settings: Settings, answers: Mapping[str, Kind]
) -> Statements:
    """Return what the user has said in settings, when asked before, and just now."""
    kept = read_answers(caller.environ)
    return replace(
        make_statements(settings.applications, settings.libraries),
        answers={**kept, **answers},
        answers_path=answers_path(caller.environ) if kept else "",
    )


def _find_installed(
    caller: Caller,
    base: str,
    command: PipCommand,
    targets: tuple[Target, ...],
    surroundings: Surroundings,
) -> Installed:
    """Find where the names to uninstall are; nothing to find for any other command."""
    if command.subcommand != "uninstall":
        return Installed()
    names = {target.name for target in targets}
    there = list_distributions(surroundings.place.environment.path)
    folders = guess_environments(caller)
    in_pipx = {n for n in names if n and any(read_application(f, n) for f in folders)}
    hosts = find_added(caller, names, surroundings.place.environment.path)
    hosts = {name: found for name, found in hosts.items() if name not in in_pipx}
    users = list_site_folders(base, caller.environ, caller.home or "")[:1] if caller.home else []
    in_user_site = {n: folder for folder in users for _, n, _ in scan_distributions([folder])}
    in_user_site = {n: f for n, f in in_user_site.items() if n in names}
    return Installed(frozenset(names & there.keys()), frozenset(in_pipx), hosts, in_user_site)


def _find_obstacle(
    caller: Caller, command: PipCommand, named: tuple[Target, ...], met: tuple[Target, ...]
) -> str:
    """Return why nothing can be installed; empty where nothing is in the way."""
    if named and not met and not command.sources:
        return "no marker is met"
    return find_obstacle(command, met, caller)


def _list_met(targets: tuple[Target, ...], caller: Caller, base: str) -> tuple[Target, ...]:
    """Leave out the targets whose environment marker (PEP 508) is not met, as pip does."""
    if not any(target.marker for target in targets):
        return targets
    from packaging.markers import Marker

    question = "import platform; print(platform.python_version())"
    answer = os.fsdecode(make_asker(caller.environ)([base, "-I", "-c", question]) or b"").strip()
    here = {"python_full_version": answer, "python_version": ".".join(answer.split(".")[:2])}
    return tuple(t for t in targets if not t.marker or Marker(t.marker).evaluate(here))
