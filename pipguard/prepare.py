"""Gathers what the plan of a route takes, and has it made.

In: a route, the command, the settings, the tools. Out: a `Plan`, with what was decided on the way.
Asks pipx, the log and package managers for what the plans themselves, which are pure, must know.
Never changes anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from pipguard.caller import Caller
from pipguard.classification.targets import Target, parse_requirement, read_target
from pipguard.discover import Surroundings
from pipguard.environments.distributions import (
    TOOLCHAIN,
    Unreadable,
    list_distributions,
)
from pipguard.environments.inspect import Environment, sees_system
from pipguard.environments.pipx import (
    PipxHome,
    can_uninject,
    list_hosts,
    read_application,
    read_pipx_home,
)
from pipguard.knowledge import (
    commands_of_dependencies,
    find_companies,
    find_host_module,
    find_project_of_module,
    normalise_name,
    read_requirement_name,
)
from pipguard.pip.command_line import PipCommand, parse_command
from pipguard.pip.interpreter import has_standard_module
from pipguard.pip.requirements_files import read_files_of, read_requirements_files
from pipguard.plan import Plan
from pipguard.plans.venv import Tools, keeps_packages, plan_opening, plan_venv
from pipguard.route import (
    FromPipx,
    Route,
    ToOverride,
    ToPipx,
    ToRehearsal,
    ToSystem,
    ToVenv,
)
from pipguard.settings import Settings
from pipguard.system.frozen import dataclass, replace
from pipguard.system.processes import make_asker
from pipguard.system.quoting import quote_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.environments.pipx import InstalledApplication
    from pipguard.environments.system_packages import Need
    from pipguard.package_managers.types import ServingPackage
    from pipguard.pip.origins import Asking
    from pipguard.route import Plugin


def describe_need(need: Need, environment: Environment, *, is_new: bool) -> str:
    """Return why an environment sees the system's packages, or how it would."""
    name = os.path.basename(environment.path)
    if is_new:
        return f"{need.reason}, so {name} sees the system's packages"
    return f"{need.reason}: PIPGUARD_SYSTEM_SITE_PACKAGES=1 lets {name} see it"


def _lacks(environment: str, name: str) -> bool:
    """Tell whether an environment is known not to have a distribution."""
    try:
        return name not in list_distributions(environment)
    except Unreadable:
        return False


@dataclass(frozen=True, slots=True)
class Preparation:
    """What every plan of one command takes."""

    caller: Caller
    command: PipCommand
    settings: Settings
    tools: Tools
    surroundings: Surroundings

    def plan(self, route: Route) -> Plan:
        """Return how the route is taken; raises `PipguardError` where it cannot be."""
        if isinstance(route, ToVenv):
            return self._plan_environment(route)
        if isinstance(route, ToPipx):
            return self._plan_applications(route)
        if isinstance(route, FromPipx):
            from pipguard.plans.pipx import plan_pipx_uninstall

            home = self._ask_pipx_home()
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

    def _ask_pipx_home(self) -> PipxHome:
        return read_pipx_home(self.caller, make_asker(self.caller.environ))

    def _plan_environment(self, route: ToVenv) -> Plan:
        """Plan an install in an environment; what is installed anew comes from where it came."""
        environment = route.environment
        askings, notes = self._recall_held(route)
        need = self._find_need(environment) if not route.is_idle else None
        wants = self.settings.system_site_packages
        opens = need is not None if wants is None else wants
        is_open = sees_system(environment.path)
        plan = plan_venv(route, self.command, self.tools, askings, sees_system=is_open or opens)
        if self.settings.installer == "uv" and self._is_install(route):
            plan = self._leave_to_uv(route, plan, sees_system=is_open or opens)
        if wants and not is_open and not plan.creation and not route.is_idle:
            name = os.path.basename(environment.path)
            if self.surroundings.place.is_active:
                said = f"{name} is active and stays as it is, without the system's packages"
            else:
                said = f"{name} sees the system's packages now"
                plan = replace(
                    plan, steps=(plan_opening(environment.path, self.tools), *plan.steps)
                )
            notes = (*notes, said)
        notes = (*notes, *self._describe_companies(environment), *self._describe_lock(route))
        if self._is_install(route):
            notes = (*notes, *self._describe_hosts(self._list_hosted_names()))
            notes = (*notes, *self._describe_modules())
        if need and (plan.creation or need.is_pressing):
            said = describe_need(need, environment, is_new=bool(plan.creation))
            if need.name:
                package = self._find_package(need.name)
                said = "; ".join(filter(None, (said, package.words)))
                plan = replace(plan, advice=package.advice)
            notes = (*notes, said)
        pointer = self.surroundings.place.pointer
        if plan.creation and pointer:
            plan = replace(plan, creation=replace(plan.creation, pointer=pointer))
        closing = self._describe_starter(environment) if self._is_install(route) else ""
        return replace(plan, notes=(*plan.notes, *notes), closing=closing)

    def _recall_held(self, route: ToVenv) -> tuple[dict[str, Asking], tuple[str, ...]]:
        """Return how what a broken environment holds is asked for again, and what to say of it."""
        environment = route.environment
        if not route.rebuilds or keeps_packages(environment, self.tools):
            return {}, ()
        from pipguard.environments.inventory import Location
        from pipguard.history.origins import describe_guesses, recall_origins

        location = Location("environment", environment.path)
        kept = recall_origins(self.caller, self.tools.base, location, environment.path)
        pairs = ((word, *word.partition("==")[::2]) for word in environment.requirements)
        askings = {
            w: kept.ask_again(normalise_name(n), version) for w, n, version in pairs if version
        }
        return askings, describe_guesses(askings, kept.now)

    def _leave_to_uv(self, route: ToVenv, plan: Plan, *, sees_system: bool) -> Plan:
        """Return the plan for uv, by the user's word; pip's where uv has no counterpart."""
        from pipguard.environments.uv import locate_uv
        from pipguard.pip.bundled import recall_bundled_pip
        from pipguard.pip.configuration import read_configured
        from pipguard.pip.origins import read_origin
        from pipguard.plans.uv import PipsTurnError, UvFacts, plan_uv

        caller, base = self.caller, self.tools.base
        environ = caller.environ
        facts = UvFacts(
            locate_uv(caller.python, environ),
            recall_bundled_pip(environ, self.tools.version),
            read_origin(caller, base, route.environment.path, self.command),
            read_configured(caller, base, route.environment.path),
            tuple(read_files_of(self.command, caller.directory, environ)),
            tuple(self._list_wanted_names()),
            environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or "",
            caller.directory,
            tuple(name for name in environ if name.startswith("UV_")),
        )
        try:
            return plan_uv(route, self.command, base, facts, sees_system=sees_system)
        except PipsTurnError as turn:
            return replace(plan, notes=(*plan.notes, f"pip installs it: uv has nothing for {turn}"))

    def _read_targets(self) -> Iterator[Target]:
        """Yield what was typed to be installed."""
        for word in self.command.arguments:
            yield read_target(word, self.caller.directory)

    def _list_wanted_names(self) -> Iterator[str]:
        """Yield the name of each requirement that the command asks for; empty where it has none."""
        yield from (target.name for target in self._read_targets())
        files = self.command.values("--requirement")
        for file in read_requirements_files(files, self.caller.directory, self.caller.environ):
            for line in file.requirements:
                yield parse_requirement(line.partition(" --")[0]).name

    def _describe_companies(self, environment: Environment) -> Iterator[str]:
        """Yield how a library gets to an application of pipx's that imports it where it can."""
        words = self.command.arguments if self.command.subcommand == "install" else ()
        names = {word: read_requirement_name(word) for word in words}
        wanted = {word: find_companies(name) for word, name in names.items()}
        hosts = list_hosts(self.caller, environment.path) if any(wanted.values()) else {}
        for word, companies in wanted.items():
            lacking = (h for h in companies if h in hosts and _lacks(hosts[h], names[word]))
            host = next(lacking, "")
            if host:
                yield f"{host} in pipx does not see `{word}`: PIPGUARD_ROUTE=pipx adds it there"

    def _list_hosted_names(self) -> Iterator[str]:
        """Yield what was typed for another program's Python; `_find_need` knows the system's."""
        for target in self._read_targets():
            known = find_host_module(target.name)
            if known and not known.needs_system:
                yield target.name

    def _describe_modules(self) -> Iterator[str]:
        """Say where modules are that were typed: the index has nothing or another project there."""
        named = (target.name for target in self._read_targets() if target.kind == "name")
        for name in named:
            module, project = find_project_of_module(name)
            if find_host_module(name):  # `_describe_hosts` has said more
                continue
            if has_standard_module(self.tools.base, name):
                yield f"`{name}` is a module of Python's own: nothing needs to be installed for it"
            elif project:
                yield f"most code that imports `{module}` means the project `{project}`"

    def _describe_lock(self, route: ToVenv) -> Iterator[str]:
        """Yield what another manager's lock file does not know now."""
        words = [target.text for target in self._read_targets() if target.kind == "name"]
        if not words or not self.surroundings.project or not self._is_install(route):
            return
        from pipguard.environments.managers import find_lock

        lock = find_lock(self.surroundings.project)
        if lock:
            add = f"{lock.add} {' '.join(map(quote_word, words))}"
            yield f"{lock.file} is not changed; its manager may remove this, and `{add}` keeps it"

    def _is_install(self, route: ToVenv) -> bool:
        return self.command.subcommand == "install" and not route.is_idle

    def _describe_starter(self, environment: Environment) -> str:
        """Say of a file that starts the code by the system's Python which path belongs there."""
        from pipguard.environments.starters import find_starter

        starter = find_starter(self.surroundings.project) if self.surroundings.project else None
        if starter is None:
            return ""
        unseen = f"`{starter.file}` starts {starter.python}, which does not see this"
        return f"{unseen}: write {environment.interpreter} there"

    def _find_need(self, environment: Environment) -> Need | None:
        """Find why the environment should see the system's packages, where that is left open."""
        is_left_open = (
            self.settings.system_site_packages is None and not self.surroundings.place.is_active
        )
        if not is_left_open or self.command.subcommand != "install":
            return None
        if sees_system(environment.path):
            return None
        from pipguard.environments.system_packages import find_need

        directory, environ = self.caller.directory, self.caller.environ
        files = read_files_of(self.command, directory, environ)
        required = [read_requirement_name(word) for file in files for word in file.requirements]
        typed = [target.name for target in self._read_targets()]
        names = tuple(dict.fromkeys(filter(None, (*typed, *required))))
        return find_need(self.surroundings.project, names, self.tools.base, environment.path)

    def _find_package(self, name: str) -> ServingPackage:
        from pipguard.package_managers.queries import find_serving_package

        target = read_target(name, self.caller.directory)
        return find_serving_package(self.caller, self.settings, self.tools.base, target)

    def _plan_applications(self, route: ToPipx) -> Plan:
        from pipguard.pip.origins import build_secret_variables, read_origin
        from pipguard.plans.pipx import Applications, plan_pipx

        home = self._ask_pipx_home()
        hosts = {host for plugin in route.plugins for host in plugin.hosts}
        names = {*hosts, *(target.name for target in route.targets)}
        found = ((name, read_application(home.environments, name)) for name in names)
        installed = {name: application for name, application in found if application}
        held = {host: list_distributions(os.path.join(home.environments, host)) for host in hosts}
        fallbacks = (
            {}
            if route.is_forced or route.environment.state in {"broken", "untrusted"}
            else {t.name: self._plan_fallback(route, t) for t in route.targets}
        )
        known = commands_of_dependencies()
        applications = Applications(
            home,
            installed,
            known,
            route.certain,
            fallbacks,
            self._recall_askings(home, installed, route.plugins, held),
            build_secret_variables(
                self.command,
                lambda: read_origin(self.caller, self.tools.base, home.shared, self.command),
            ),
            held,
            self._list_open(route),
        )
        place = (self.caller.directory, self.caller.environ)
        plan = plan_pipx(route, self.command, applications, self.tools, place)
        taken = {target.text for target in route.all_targets}
        tools = (w for w in self.command.arguments if normalise_name(w) in TOOLCHAIN)
        left = [f"`{word}`" for word in tools if word not in taken]
        alone = (f"{', '.join(left)} left alone: each application has its own",) if left else ()
        said = self._describe_hosts(target.name for target in route.targets)
        return replace(plan, notes=(*plan.notes, *alone, *said, *self._describe_modules()))

    def _list_open(self, route: ToPipx) -> frozenset[str]:
        """Return the applications whose environments are to see the system's packages."""
        wants = self.settings.system_site_packages
        names = (target.name for target in route.targets)
        known = ((name, find_host_module(name)) for name in names)
        return frozenset(
            name
            for name, module in known
            if wants or (wants is None and module and module.needs_system)
        )

    def _describe_hosts(self, names: Iterable[str]) -> Iterator[str]:
        """Yield what is said of what is of use beside another program alone."""
        for name in names:
            known = find_host_module(name)
            if known:
                said = f"`{name}` works with {known.words}" if known.needs_system else known.words
                yield "; ".join(filter(None, (said, self._find_package(name).words)))

    def _recall_askings(
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

    def _plan_fallback(self, route: ToPipx, target: Target) -> Plan:
        """Plan the same command for this target alone, in the environment."""
        others = [other.text for other in route.targets if other != target]
        command = parse_command(self.command.without_arguments(*others), self.command.version)
        plan = plan_venv(ToVenv(route.environment, ""), command, self.tools)
        note = f"`{target.name}` has no command of its own, so it goes to {route.environment.path}"
        return replace(plan, notes=(note, *plan.notes))
