"""Plans an install by pipx: each application gets an environment of its own.

In: a `ToPipx` or `FromPipx` route, the command, what pipx has already. Out: a `Plan`. Pure.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Mapping

from pipguard.classification.targets import Target, parse_requirement
from pipguard.environments.create import CREATION_VARIABLES, draft_of
from pipguard.environments.pipx import InstalledApplication, PipxHome
from pipguard.environments.uninject import UNINJECT
from pipguard.pip.command_line import PipCommand
from pipguard.pip.configuration import Variables
from pipguard.pip.origins import ORIGIN_OPTIONS, Asking
from pipguard.plan import Plan, Step
from pipguard.plans.venv import Tools, build_variables, build_virtualenv_command
from pipguard.route import FromPipx, Plugin, ToPipx
from pipguard.system.frozen import dataclass, field, replace
from pipguard.system.programs import drop_relative_entries

# pipx is told these in its own way, or they are about a place that pipx chooses.
_NOT_FOR_PIP = {
    "--force-reinstall", "--no-user", "--quiet", "--upgrade", "--user", "--verbose",
}  # fmt: skip
# pipx starts pip in another folder, where a relative path would name something else.
_PATH_OPTIONS = {
    "--build-constraint", "--cache-dir", "--cert", "--client-cert", "--constraint",
    "--extra-index-url", "--find-links", "--index-url",
}  # fmt: skip
_PATH_VARIABLES = ("PIP_CONSTRAINT", "PIP_FIND_LINKS", "PIP_BUILD_CONSTRAINT")


@dataclass(frozen=True, slots=True)
class Applications:
    """What is known of the applications of one command, by normalised name."""

    home: PipxHome
    installed: Mapping[str, InstalledApplication]
    commands_of_dependencies: frozenset[str]
    """Those whose own commands come with a dependency (ansible)."""
    certain: frozenset[str]
    """Those that are applications beyond doubt: a dependency's commands may be what is meant."""
    fallbacks: Mapping[str, Plan]
    """Where each goes when it has no command after all."""
    askings: Mapping[str, Asking]
    """How those that are there are asked for when they are upgraded."""
    secret_variables: Variables = ()
    """What the command's options say that hold a secret, which pipx would store."""
    distributions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What the environments of the plugins' applications hold: name to version."""
    open: frozenset[str] = frozenset()
    """Those whose environments are to see the system's packages."""


def plan_pipx(
    route: ToPipx,
    command: PipCommand,
    applications: Applications,
    tools: Tools,
    caller: tuple[str, Mapping[str, str]],
) -> Plan:
    """Return one pipx command for each target, for a plugin one for each of its applications.

    `caller` is the current folder and its variables. What is there already and satisfies the words
    stays as it is, as with pip.
    """
    directory, environ = caller
    chosen = _build_pipx_variables(tools, applications.home.programs, directory, environ)
    variables = (*build_variables(tools), *chosen, *applications.secret_variables)
    steps_for = _StepMaker(command, applications, tools.base, directory, variables)
    steps: list[Step] = []
    notes: list[str] = []
    for target in route.targets:
        there = applications.installed.get(target.name)
        if there and _is_satisfied(target, there, command):
            notes.append(f"`{target.name}` {there.version} is in pipx already")
        else:
            steps += steps_for.change(target, there) if there else [steps_for.install(target)]
    for plugin, host in ((p, host) for p in route.plugins for host in p.hosts):
        name = plugin.target.name
        version = applications.distributions.get(host, {}).get(name, "")
        if version and _accepts(plugin.target, version, command):
            notes.append(f"`{name}` {version} is in {host} already")
        else:
            steps += steps_for.add(plugin, host, is_there=bool(version))
    if steps:
        steps.insert(0, plan_shared_pip(applications.home, tools))
    return Plan("pipx", tuple(steps), pipx_home=applications.home, notes=tuple(notes))


def plan_pipx_uninstall(route: FromPipx, command: PipCommand, home: PipxHome, tools: Tools) -> Plan:
    """Return one pipx command for each application to uninstall, asking first as pip does."""
    variables = build_variables(tools)
    ask = "" if command.has("--yes") else "Uninstall {} from {}. Proceed (Y/n)? "
    steps = [
        Step(
            "uninstall it",
            (*home.command, "uninstall", name),
            variables,
            "pipx",
            name,
            question=ask.format(name, "pipx"),
            application=name,
            is_removal=True,
        )
        for name in route.names
    ]
    for plugin, host in route.plugins:
        first, *more = plan_removal_of_plugin(plugin, host, home, tools)
        steps += [replace(first, question=ask.format(plugin, host)), *more]
    return Plan("pipx", tuple(steps), pipx_home=home)


def plan_removal_of_plugin(
    plugin: str, host: str, home: PipxHome, tools: Tools
) -> tuple[Step, ...]:
    """Return how something is taken out of an application again.

    pipx can since 1.12; for an older one pip takes it out, and pipx's record is put right.
    """
    purpose = "take it out of its application"
    words = (*home.command, "uninject", host, plugin)
    before = []
    if not home.can_uninject:
        pip = (*home.command, "runpip", host, "uninstall", "--yes", plugin)
        before = [Step(purpose, pip, build_variables(tools), "quiet", application=host)]
        environment = os.path.join(home.environments, host)
        words = (tools.python, "-I", UNINJECT, environment, home.programs, plugin)
    step = Step(purpose, words, build_variables(tools), "quiet", plugin)
    return (*before, replace(step, application=host, plugin=plugin, is_removal=True))


@dataclass(frozen=True, slots=True)
class _StepMaker:
    """Makes the pipx steps of one command."""

    command: PipCommand
    applications: Applications
    base: str
    directory: str
    variables: Variables

    def install(self, target: Target) -> Step:
        """Give an application an environment of its own."""
        sees = ("--system-site-packages",) if target.name in self.applications.open else ()
        return self._make_step(target, ("--python", self.base, *sees), ())

    def change(self, target: Target, there: InstalledApplication) -> list[Step]:
        """Bring an application to what the command asks for; pipx keeps its interpreter then."""
        home = self.applications.home
        handing_over = self._hand_to_pip(there)
        if not handing_over and _can_upgrade(target, there, self.command):
            words = (*home.command, "upgrade", there.name)
            asking = self.applications.askings.get(there.name, Asking())
            variables = (*self.variables, *asking.variables)
            step = Step("upgrade it", words, variables, "pipx", target.text)
            return [replace(step, application=there.name)]
        return [*handing_over, self._make_step(target, ("--force",), self._insist())]

    def add(self, plugin: Plugin, host: str, *, is_there: bool) -> list[Step]:
        """Add a plugin to an application, or change the one that it has."""
        there = self.applications.installed.get(host)
        exposing = ("--include-apps",) if plugin.ships_commands else ()
        insisting = ("--force",) if is_there else ()
        options = (*exposing, *insisting)
        words = self._start("inject", options, self._insist() if is_there else ())
        asking = self.applications.askings.get(plugin.target.name, Asking())
        step = Step(
            "add it to its application",
            (*words, host, self._name(plugin.target)),
            (*self.variables, *(asking.variables if is_there else ())),
            "pipx",
            plugin.target.text,
            application=host,
            plugin=plugin.target.name,
        )
        return [*(self._hand_to_pip(there) if there else ()), step]

    def _hand_to_pip(self, there: InstalledApplication) -> list[Step]:
        """Let pip keep an application: uv would not ask the user's index."""
        if there.backend == "pip":
            return []
        # pipx keeps the backend that it recorded.
        words = (*self.applications.home.command, "reinstall", "--backend", "pip", there.name)
        step = Step("let pip keep it", words, self.variables, "pipx", there.name)
        return [replace(step, application=there.name)]

    def _insist(self) -> tuple[str, ...]:
        """Return what pip is told to change all the same; pipx before 1.2 does not tell it."""
        forced = ("--force-reinstall", "--upgrade")
        return tuple(name for name in forced if self.command.has(name))

    def _start(
        self, verb: str, options: tuple[str, ...], insisting: tuple[str, ...]
    ) -> tuple[str, ...]:
        hidden = ORIGIN_OPTIONS if self.applications.secret_variables else ()
        arguments = (*_pip_arguments(self.command, self.directory, hidden), *insisting)
        verbose = ("--verbose",) if self.command.count("--verbose") else ()
        pipx = self.applications.home.command
        return (*pipx, verb, *options, *build_pip_arguments(arguments), *verbose)

    def _name(self, target: Target) -> str:
        """Return the target for pipx, which starts pip in another folder."""
        is_path = target.kind == "archive" and "://" not in target.text
        return os.path.join(self.directory, target.text) if is_path else target.text

    def _make_step(
        self, target: Target, options: tuple[str, ...], insisting: tuple[str, ...]
    ) -> Step:
        words = self._start("install", options, insisting)
        what = self._name(target)
        return self._choose_exposure(target, (*words, what), (*words, "--include-deps", what))

    def _choose_exposure(
        self, target: Target, plain: tuple[str, ...], with_dependencies: tuple[str, ...]
    ) -> Step:
        """Expose the commands of dependencies where the application has none of its own."""
        purpose = "give it an environment of its own"
        if target.name in self.applications.commands_of_dependencies:
            step = Step(purpose, with_dependencies, self.variables, "pipx", target.text)
            return replace(step, application=target.name)
        retry = Step("expose its dependencies' commands", with_dependencies, self.variables, "pipx")
        fallback = self.applications.fallbacks.get(target.name)
        otherwise = (retry,) if target.name in self.applications.certain else ()
        return Step(
            purpose,
            plain,
            self.variables,
            "pipx",
            target.text,
            otherwise=otherwise,
            fallback=fallback,
            application=target.name,
        )


def plan_shared_pip(home: PipxHome, tools: Tools) -> Step:
    """Make the environment whose pip all of pipx's others use, unless a whole one is there.

    pipx would make it with ensurepip, which Debian ships apart, in five seconds; virtualenv
    brings its own pip.
    """
    words = (*build_virtualenv_command(tools), draft_of(home.shared))
    return Step("give pipx a pip", words, CREATION_VARIABLES, "quiet", makes=home.shared)


def build_pip_arguments(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return pipx's option for words that its pip is given, now and at every later upgrade."""
    return (f"--pip-args={shlex.join(words)}",) if words else ()


def _build_pipx_variables(
    tools: Tools, programs: str, directory: str, environ: Mapping[str, str]
) -> Variables:
    """Return the variables for pipx; uv reads none of pip's configuration, so it is kept out.

    With a private index in that configuration uv would ask the public one for private names.
    """
    paths = tuple(
        (name, " ".join(_absolute(value, directory) for value in environ[name].split()))
        for name in _PATH_VARIABLES
        if environ.get(name)
    )
    # With its folder on PATH pipx does not warn of what our closing lines say.
    path = os.pathsep.join(filter(None, (programs, drop_relative_entries(environ).get("PATH"))))
    chosen = (("PIPX_DEFAULT_BACKEND", "pip"), ("PIPX_DEFAULT_PYTHON", tools.base))
    return (*chosen, ("PATH", path), *paths)


def _pip_arguments(
    command: PipCommand, directory: str, hidden: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the options for the pip inside pipx, each with its canonical name."""
    words: list[str] = []
    for option in command.options:
        if option.name in _NOT_FOR_PIP or option.name in hidden:
            continue
        if option.value is None:
            words.append(option.name)
            continue
        is_path = option.name in _PATH_OPTIONS
        words.append(
            f"{option.name}={_absolute(option.value, directory) if is_path else option.value}"
        )
    return tuple(words)


def _absolute(value: str, directory: str) -> str:
    return value if "://" in value else os.path.normpath(os.path.join(directory, value))


def _is_satisfied(target: Target, there: InstalledApplication, command: PipCommand) -> bool:
    has_extras = set(target.extras) <= set(parse_requirement(there.requirement).extras)
    return has_extras and _accepts(target, there.version, command)


def _accepts(target: Target, version: str, command: PipCommand) -> bool:
    if command.has("--upgrade") or command.has("--force-reinstall") or target.kind != "name":
        return False
    return target.accepts(version)


def _can_upgrade(target: Target, there: InstalledApplication, command: PipCommand) -> bool:
    """Whether `pipx upgrade` means the same: it takes what it once recorded, pins included."""
    recorded = parse_requirement(there.requirement)
    same = recorded.kind == "name" and recorded.extras == target.extras
    plain = not target.specifier and not recorded.specifier and target.kind == "name"
    wants = command.has("--upgrade") and not command.has("--force-reinstall")
    return wants and same and plain and not _pip_arguments(command, os.sep)
