"""Decides what to do with a refused command: what the targets are, where they go, and how.

In: the caller, the real pip, the command. Out: a `Decision`, everything that was found and chosen.
`pipeline` performs it, `pip guard explain` prints it. Never changes anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from pipguard.caller import Caller
from pipguard.classification.answers import answers_path, read_answers
from pipguard.classification.judge import JudgedTarget, Sources, judge_targets
from pipguard.classification.obstacles import find_obstacle
from pipguard.classification.rules import Statements, make_statements
from pipguard.classification.targets import Target, read_target
from pipguard.discover import Surroundings, discover, name_manager
from pipguard.environments.distributions import (
    TOOLCHAIN,
    list_distributions,
    scan_distributions,
)
from pipguard.environments.inspect import Environment, sees_system
from pipguard.environments.pipx import (
    PipxHome,
    can_uninject,
    find_injected,
    guess_environments,
    list_applications,
    read_application,
    read_pipx_home,
)
from pipguard.knowledge import (
    commands_of_dependencies,
    find_host_module,
    normalise_name,
    read_requirement_name,
)
from pipguard.pip.bundled import locate_bundled_pip
from pipguard.pip.command_line import PipCommand, parse_command
from pipguard.pip.configuration import read_site_variables
from pipguard.pip.interpreter import list_site_folders, prefer_stable_path, read_version
from pipguard.pip.locate import RealPip, interpreter_names, locate_others
from pipguard.pip.queries import find_interpreter
from pipguard.pip.requirements_files import read_files_of
from pipguard.plan import Plan
from pipguard.plans.venv import Tools, keeps_packages, plan_opening, plan_venv
from pipguard.route import (
    FromPipx,
    Installed,
    Request,
    Route,
    ToOverride,
    ToPipx,
    ToRehearsal,
    ToSystem,
    ToVenv,
    choose_route,
    leave_toolchain,
    may_go_to_pipx,
)
from pipguard.settings import Settings
from pipguard.system.folders import cache_folder
from pipguard.system.frozen import dataclass, replace
from pipguard.system.processes import make_asker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.environments.pipx import InstalledApplication
    from pipguard.environments.system_packages import Need
    from pipguard.knowledge import Kind
    from pipguard.package_managers.types import ServingPackage
    from pipguard.pip.origins import Asking
    from pipguard.route import Plugin


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

    @property
    def doubts(self) -> tuple[str, ...]:
        """Names that only the user can tell about, where their word would change the route."""
        may_move = isinstance(self.route, ToVenv) and not self.route.is_idle
        if not may_move or not all(t.is_application or t.is_doubtful for t in self.targets):
            return ()
        return tuple(judged.target.name for judged in self.targets if judged.is_doubtful)


def decide(
    caller: Caller,
    real_pip: RealPip | None,
    command: PipCommand,
    answers: Mapping[str, Kind] | None = None,
) -> Decision:
    """Return what to do with a command that the real pip refuses, or that has no pip to run it.

    `answers` are the user's about `doubts`, when they have just been asked. Raises `BadSetting`
    for a setting that is not accepted.
    """
    settings, surroundings = discover(caller, command)
    base = locate_base(caller, real_pip)
    tools = gather_tools(caller, real_pip, base, surroundings.place.environment)
    named = tuple(read_target(text, caller.directory) for text in command.arguments)
    targets = _list_met(named, caller, base)
    judged = tuple(map(JudgedTarget, targets))
    if _needs_judgment(command, targets, settings, surroundings):
        statements = _gather_statements(caller, settings, answers or {})
        wanted = leave_toolchain(targets)
        sources = _gather_sources(caller, wanted, statements, tools, surroundings)
        known = {j.target: j for j in judge_targets(wanted, command, caller, sources)}
        judged = tuple(known.get(target, JudgedTarget(target)) for target in targets)
    installed = _find_installed(caller, base, command, targets, surroundings)
    obstacle = find_obstacle(command, targets, caller)
    if named and not targets and not command.sources:
        obstacle = "no marker is met"
    request = Request(command, judged, obstacle)
    if settings.route == "system":
        # Few commands come here; the others need not wait for these imports.
        from pipguard.package_managers.queries import find_offer
        from pipguard.route import choose_system_route

        offer = find_offer(caller, settings, base, command, targets)
        route = choose_system_route(request, offer)
    else:
        route = choose_route(request, surroundings, settings, installed)
    plan = _Planner(caller, command, settings, tools, surroundings.project).plan(route)
    manager = name_manager(base, read_marker(real_pip))
    return Decision(command, real_pip, base, manager, surroundings, judged, route, plan, settings)


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
    return Tools(caller.python, base, real_pip, bundled, site_variables, version)


def read_marker(real_pip: RealPip | None) -> str:
    """Return the marker file's text, empty without one."""
    try:
        with open(
            real_pip.marker if real_pip and real_pip.marker else "", encoding="utf-8"
        ) as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return ""


def _needs_judgment(
    command: PipCommand,
    targets: tuple[Target, ...],
    settings: Settings,
    surroundings: Surroundings,
) -> bool:
    """Tell whether it matters what the targets are."""
    if settings.route != "auto" or surroundings.place.origin in {"active", "conda"}:
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
    hosts = _find_hosts(caller, environment)
    return Sources(
        statements,
        surroundings.project,
        choose_pip_interpreter(tools, environment),
        tools.bundled_pip,
        cache_folder(caller.environ, "metadata"),
        hosts,
        _find_added(caller, targets, environment) if hosts else {},
    )


def choose_pip_interpreter(tools: Tools, environment: Environment) -> str:
    """Return the interpreter whose pip knows the index; without a real pip, the environment's."""
    has_own = tools.real_pip is None and environment.has_pip
    return environment.interpreter if has_own else tools.base


def _find_added(
    caller: Caller, targets: tuple[Target, ...], environment: Environment
) -> dict[str, tuple[str, ...]]:
    """Return which targets were added to which applications, and are not in the environment."""
    folders = guess_environments(caller)
    there = list_distributions(environment.path)
    names = {target.name for target in targets if target.name and target.name not in there}
    found = {name: find_injected(folders, name) for name in names}
    return {name: tuple(map(os.path.basename, paths)) for name, paths in found.items() if paths}


def _find_hosts(caller: Caller, environment: Environment) -> dict[str, str]:
    """Return the applications that pipx has and the environment has not, and where each is."""
    found = {
        normalise_name(name): os.path.join(folder, name)
        for folder in guess_environments(caller)
        for name in list_applications(folder)
    }
    there = list_distributions(environment.path) if found else {}
    return {name: path for name, path in found.items() if name not in there}


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
    hosts = _find_added(caller, targets, surroundings.place.environment)
    hosts = {name: found for name, found in hosts.items() if name not in in_pipx}
    users = list_site_folders(base, caller.environ, caller.home or "")[:1] if caller.home else []
    in_user_site = {n: folder for folder in users for _, n, _ in scan_distributions([folder])}
    in_user_site = {n: f for n, f in in_user_site.items() if n in names}
    return Installed(frozenset(names & there.keys()), frozenset(in_pipx), hosts, in_user_site)


def _list_met(targets: tuple[Target, ...], caller: Caller, base: str) -> tuple[Target, ...]:
    """Leave out the targets whose environment marker (PEP 508) is not met, as pip does."""
    if not any(target.marker for target in targets):
        return targets
    from packaging.markers import Marker

    question = "import platform; print(platform.python_version())"
    answer = os.fsdecode(make_asker(caller.environ)([base, "-I", "-c", question]) or b"").strip()
    here = {"python_full_version": answer, "python_version": ".".join(answer.split(".")[:2])}
    return tuple(t for t in targets if not t.marker or Marker(t.marker).evaluate(here))


def describe_need(need: Need, environment: Environment, *, is_new: bool) -> str:
    """Return why an environment sees the system's packages, or how it would."""
    name = os.path.basename(environment.path)
    if is_new:
        return f"{need.reason}, so {name} sees the system's packages"
    return f"{need.reason}: PIPGUARD_SYSTEM_SITE_PACKAGES=1 lets {name} see it"


@dataclass(frozen=True, slots=True)
class _Planner:
    """What steps_for a plan takes, gathered once."""

    caller: Caller
    command: PipCommand
    settings: Settings
    tools: Tools
    project: str | None

    def plan(self, route: Route) -> Plan:
        if isinstance(route, ToVenv):
            return self.plan_environment(route)
        if isinstance(route, ToPipx):
            return self.plan_applications(route)
        if isinstance(route, FromPipx):
            from pipguard.plans.pipx import plan_pipx_uninstall

            home = self.ask_pipx_home()
            if route.plugins:
                ask = make_asker(self.caller.environ)
                home = replace(home, can_uninject=can_uninject(home, ask))
            return plan_pipx_uninstall(route, self.command, home, self.tools)
        if isinstance(route, ToRehearsal):
            from pipguard.plans.rehearsal import plan_rehearsal

            return plan_rehearsal(self.command, self.tools)
        if isinstance(route, ToSystem):
            from pipguard.package_managers.queries import load_manager
            from pipguard.plans.system import plan_system

            return plan_system(route, self.command, load_manager(route.manager))
        if isinstance(route, ToOverride):
            from pipguard.plans.override import plan_override

            return plan_override(self.command, self.tools)
        return Plan("declined", (), exit_status=route.exit_status)

    def ask_pipx_home(self) -> PipxHome:
        return read_pipx_home(self.caller, make_asker(self.caller.environ))

    def plan_environment(self, route: ToVenv) -> Plan:
        """Plan an install in an environment; what is installed anew comes from where it came."""
        environment = route.environment
        askings: dict[str, Asking] = {}
        notes: tuple[str, ...] = ()
        if route.rebuilds and not keeps_packages(environment, self.tools):
            from pipguard.environments.inventory import Location
            from pipguard.history.origins import describe_guesses, recall_origins

            location = Location("environment", environment.path)
            kept = recall_origins(self.caller, self.tools.base, location, environment.path)
            for word in environment.requirements:
                name, _, version = word.partition("==")
                if version:
                    askings[word] = kept.ask_again(normalise_name(name), version)
            notes = describe_guesses(askings, kept.now)
        need = self.find_need(environment) if not route.is_idle else None
        wants = self.settings.system_site_packages
        opens = need is not None if wants is None else wants
        is_open = sees_system(environment.path)
        plan = plan_venv(route, self.command, self.tools, askings, sees_system=is_open or opens)
        if wants and not is_open and not plan.creation and not route.is_idle:
            plan = replace(plan, steps=(plan_opening(environment, self.tools), *plan.steps))
            notes = (*notes, f"{os.path.basename(environment.path)} sees the system's packages now")
        if need and (plan.creation or need.is_pressing):
            said = describe_need(need, environment, is_new=bool(plan.creation))
            if need.name:
                package = self.find_package(need.name)
                said = "; ".join(filter(None, (said, package.words)))
                plan = replace(plan, advice=package.advice)
            notes = (*notes, said)
        closing = self.describe_starter(environment) if self.is_install(route) else ""
        return replace(plan, notes=(*plan.notes, *notes), closing=closing)

    def is_install(self, route: ToVenv) -> bool:
        return self.command.subcommand == "install" and not route.is_idle

    def describe_starter(self, environment: Environment) -> str:
        """Say of a file that starts the code by the system's Python which path belongs there."""
        from pipguard.environments.starters import find_starter

        starter = find_starter(self.project) if self.project else None
        if starter is None:
            return ""
        unseen = f"`{starter.file}` starts {starter.python}, which does not see this"
        return f"{unseen}: write {environment.interpreter} there"

    def find_need(self, environment: Environment) -> Need | None:
        """Find why the environment should see the system's packages, where that is left open."""
        is_left_open = self.settings.system_site_packages is None
        if (
            not is_left_open
            or self.command.subcommand != "install"
            or sees_system(environment.path)
        ):
            return None
        from pipguard.environments.system_packages import find_need

        directory, environ = self.caller.directory, self.caller.environ
        files = read_files_of(self.command, directory, environ)
        required = [read_requirement_name(word) for file in files for word in file.requirements]
        typed = [read_target(word, directory).name for word in self.command.arguments]
        names = tuple(dict.fromkeys(filter(None, (*typed, *required))))
        return find_need(self.project, names, self.tools.base, environment.path)

    def find_package(self, name: str) -> ServingPackage:
        from pipguard.package_managers.queries import find_serving_package

        target = read_target(name, self.caller.directory)
        return find_serving_package(self.caller, self.settings, self.tools.base, target)

    def plan_applications(self, route: ToPipx) -> Plan:
        from pipguard.pip.origins import build_secret_variables, read_origin
        from pipguard.plans.pipx import Applications, plan_pipx

        home = self.ask_pipx_home()
        hosts = {host for plugin in route.plugins for host in plugin.hosts}
        names = {*hosts, *(target.name for target in route.targets)}
        found = ((name, read_application(home.environments, name)) for name in names)
        installed = {name: application for name, application in found if application}
        held = {host: list_distributions(os.path.join(home.environments, host)) for host in hosts}
        fallbacks = (
            {}
            if route.is_forced or route.environment.state in {"broken", "untrusted"}
            else {t.name: self.plan_fallback(route, t) for t in route.targets}
        )
        known = commands_of_dependencies()
        applications = Applications(
            home,
            installed,
            known,
            route.certain,
            fallbacks,
            self.recall_askings(home, installed, route.plugins, held),
            build_secret_variables(
                self.command,
                lambda: read_origin(self.caller, self.tools.base, home.shared, self.command),
            ),
            held,
            self.list_open(route),
        )
        place = (self.caller.directory, self.caller.environ)
        plan = plan_pipx(route, self.command, applications, self.tools, place)
        taken = {target.text for target in route.all_targets}
        tools = (w for w in self.command.arguments if normalise_name(w) in TOOLCHAIN)
        left = [f"`{word}`" for word in tools if word not in taken]
        alone = (f"{', '.join(left)} left alone: each application has its own",) if left else ()
        return replace(plan, notes=(*plan.notes, *alone, *self.describe_hosts(route)))

    def list_open(self, route: ToPipx) -> frozenset[str]:
        """Return the applications whose environments are to see the system's packages."""
        wants = self.settings.system_site_packages
        names = (target.name for target in route.targets)
        known = ((name, find_host_module(name)) for name in names)
        return frozenset(
            name
            for name, module in known
            if wants or (wants is None and module and module.needs_system)
        )

    def describe_hosts(self, route: ToPipx) -> Iterator[str]:
        """Yield what is said of applications that are of use beside another program alone."""
        for name in (target.name for target in route.targets):
            known = find_host_module(name)
            if known:
                said = f"`{name}` works with {known.words}" if known.needs_system else known.words
                yield "; ".join(filter(None, (said, self.find_package(name).words)))

    def recall_askings(
        self,
        home: PipxHome,
        installed: Mapping[str, InstalledApplication],
        plugins: tuple[Plugin, ...],
        held: Mapping[str, Mapping[str, str]],
    ) -> dict[str, Asking]:
        """Return how applications are asked for that are upgraded without a word about an index.

        Without a log that can be read, as pip is configured: that is what pip itself would do.
        """
        if not installed:
            return {}
        from pipguard.environments.inventory import Location
        from pipguard.history.log import LogUnusable
        from pipguard.history.origins import recall_origins

        wanted = [(Location("pipx", home.environments), n, a.version) for n, a in installed.items()]
        for name, host in ((p.target.name, host) for p in plugins for host in p.hosts):
            location = Location("application", os.path.join(home.environments, host))
            wanted.append((location, name, held[host].get(name, "")))
        askings = {}
        try:
            for location, name, version in wanted:
                kept = recall_origins(self.caller, self.tools.base, location, home.shared)
                askings[name] = kept.ask_as_noted(name, version)
        except LogUnusable:
            return {}
        return askings

    def plan_fallback(self, route: ToPipx, target: Target) -> Plan:
        """Plan the same command for this target alone, in the environment."""
        others = [other.text for other in route.targets if other != target]
        command = parse_command(self.command.without_arguments(*others), self.command.version)
        plan = plan_venv(ToVenv(route.environment, ""), command, self.tools)
        note = f"`{target.name}` has no command of its own, so it goes to {route.environment.path}"
        return replace(plan, notes=(note, *plan.notes))
