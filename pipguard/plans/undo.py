"""Plans the reversal of recorded changes: what appeared is removed, what went comes back.

In: the changes of one location, what is there now. Out: a `Reversal`: first the steps that fetch
former versions and touch nothing, then the plan that goes back. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pipguard.classification.targets import parse_requirement
from pipguard.environments.distributions import TOOLCHAIN
from pipguard.environments.inspect import Environment
from pipguard.environments.inventory import EXPOSING, Change, InstalledPackage
from pipguard.environments.pipx import PipxHome
from pipguard.package_managers.types import PackageManager
from pipguard.pip.configuration import Variables
from pipguard.pip.origins import Asking, group_by_asking
from pipguard.plan import Plan, Step
from pipguard.plans.pipx import build_pip_arguments, plan_removal_of_plugin, plan_shared_pip
from pipguard.plans.system import make_step
from pipguard.plans.venv import (
    Tools,
    build_base_pip_command,
    build_pip_command,
    build_variables,
    plan_creation,
)
from pipguard.system.frozen import dataclass, replace


@dataclass(frozen=True, slots=True)
class Reversal:
    """How one place goes back."""

    fetching: tuple[Step, ...]
    """Fetch what will be needed; when one of these fails, nothing has been touched yet."""
    plan: Plan


@dataclass(frozen=True, slots=True)
class FormerVersions:
    """How the former versions are got."""

    folder: str
    """Where they are put."""
    askings: Mapping[str, Asking]
    """By the distribution's name."""
    here: frozenset[str] = frozenset()
    """The distributions of which a wheel is in the folder already."""
    constraints: str = ""
    """A file that holds applications to their former versions: pipx would keep a pin for ever."""

    def ask(self, name: str) -> Asking:
        """Return how one is asked for."""
        return self.askings.get(name, Asking())


@dataclass(frozen=True, slots=True)
class _Pip:
    """One pip to work with: the words that start it, its variables, the options of `install`."""

    words: tuple[str, ...]
    variables: Variables
    install_options: tuple[str, ...] = ()


def plan_environment_reversal(
    changes: tuple[Change, ...], environment: Environment, tools: Tools, former: FormerVersions
) -> Reversal:
    """Return how an environment goes back; one that is gone is made again."""
    creation = None
    # The environment's own pip is made and removed with the environment.
    is_kept = {c.name for c in changes if c.before is None and c.name in TOOLCHAIN}
    if environment.must_be_made:
        creation = plan_creation(environment.path, tools)
        is_kept = {change.name for change in changes if change.name in TOOLCHAIN}
    changes = tuple(change for change in changes if change.name not in is_kept)
    pip = _Pip(
        build_pip_command(environment, tools, is_new=creation is not None), build_variables(tools)
    )
    fetcher = _Pip(build_base_pip_command(tools), pip.variables) if creation else pip
    steps = _reverse(changes, pip, former)
    plan = Plan("undo", steps, environment.path, creation)
    return Reversal(_fetch(changes, fetcher, former), plan)


def plan_removal(path: str) -> Reversal:
    """Return how an environment is removed that the command made and nobody used since."""
    return Reversal((), Plan("undo", (), path, removal=path))


def plan_site_reversal(
    changes: tuple[Change, ...], tools: Tools, former: FormerVersions, is_users: bool
) -> Reversal:
    """Return how a folder of the interpreter's own goes back: the user's one or the system's."""
    # pip takes the first of a name that it finds: without the user's folder, the system's.
    variables: Variables = (
        ("PIP_BREAK_SYSTEM_PACKAGES", "1"),
        ("PIP_USER", "1" if is_users else "0"),
        ("PIP_TARGET", None),
        ("PIP_PREFIX", None),
        ("PIP_ROOT", None),
        *(() if is_users else (("PYTHONNOUSERSITE", "1"),)),
    )
    pip = _Pip(build_base_pip_command(tools), variables, ("--no-warn-script-location",))
    steps = _reverse(changes, pip, former)
    return Reversal(_fetch(changes, pip, former), Plan("undo", steps))


def plan_pipx_reversal(
    changes: tuple[Change, ...], home: PipxHome, tools: Tools, former: FormerVersions
) -> Reversal:
    """Return how pipx's applications go back, as what they were once asked for."""
    variables = (*build_variables(tools), ("PIPX_DEFAULT_BACKEND", "pip"))
    gone = [c.name for c in changes if c.before is None]
    steps = [
        Step(
            "uninstall it",
            (*home.command, "uninstall", name),
            variables,
            "quiet",
            name,
            application=name,
            is_removal=True,
        )
        for name in gone
    ]
    back = [(c, c.before) for c in changes if c.before is not None]
    if back:
        steps.append(plan_shared_pip(home, tools))
    for change, package in back:
        install = (*home.command, "install", *(("--force",) if change.after else ()))
        base = () if change.after else ("--python", tools.base)
        requirement, *injected = package.words or (change.name,)
        asking = former.ask(change.name)
        # pipx keeps these words, and asks the same index again when it upgrades.
        words = (*install, *base, *build_pip_arguments(asking.words), requirement)
        held = (("PIP_CONSTRAINT", former.constraints),)
        asked = (*variables, *asking.variables, *held)
        step = Step("install what was there", words, asked, "quiet", change.name)
        steps.append(replace(step, application=change.name))
        for options, added in _split_added(injected):
            words = (*home.command, "inject", *options, change.name, *added)
            step = replace(step, purpose="add what was added", command=words)
            steps.append(replace(step, application=change.name))
    wanted = [(c.name, _pin_application(c.name, package)) for c, package in back]
    pip = _Pip(build_base_pip_command(tools), variables)
    fetching = _fetch_requirements(wanted, pip, former)
    return Reversal(fetching, Plan("undo", tuple(steps), pipx_home=home))


def _split_added(words: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Split what was added to an application: yield pipx's options, and what they are for."""
    where = words.index(EXPOSING) if EXPOSING in words else len(words)
    if words[:where]:
        yield [], words[:where]
    if words[where + 1 :]:
        yield [EXPOSING], words[where + 1 :]


def plan_plugin_reversal(
    changes: tuple[Change, ...], host: str, home: PipxHome, tools: Tools, former: FormerVersions
) -> Reversal:
    """Return how what was added to an application goes back; `host` is the application's name."""
    steps: list[Step] = []
    for name in (c.name for c in changes if c.before is None):
        steps += plan_removal_of_plugin(name, host, home, tools)
    back = [(c, c.before) for c in changes if c.before is not None]
    variables = (*build_variables(tools), ("PIP_CONSTRAINT", former.constraints))
    for change, package in back:
        asking = former.ask(change.name)
        *options, requirement = package.words or (change.name,)
        options += ["--force"] if change.after else []
        inject = (*home.command, "inject", *options)
        words = (*inject, *build_pip_arguments(asking.words), host, requirement)
        step = Step("add what was there", words, (*variables, *asking.variables), "quiet")
        steps.append(replace(step, subject=change.name, application=host, plugin=change.name))
    asked_for = ((c.name, replace(package, words=package.words[-1:])) for c, package in back)
    wanted = [(name, _pin_application(name, package)) for name, package in asked_for]
    pip = _Pip(build_base_pip_command(tools), build_variables(tools))
    fetching = _fetch_requirements(wanted, pip, former)
    return Reversal(fetching, Plan("undo", tuple(steps), pipx_home=home))


def plan_system_reversal(
    changes: tuple[Change, ...], manager: PackageManager, sudo: str
) -> Reversal:
    """Return how the operating system's packages go back."""
    gone = [change.name for change in changes if change.before is None]
    back = [manager.pin(change.name, c.version) for change in changes if (c := change.before)]
    commands = [(*manager.remove_start, *gone)] if gone else []
    commands += [(*manager.install_start, *back)] if back else []
    steps = tuple(make_step("go back", words, sudo, asks=False) for words in commands)
    check = replace(
        make_step("look for them", (*manager.rehearse_start, *back), sudo, asks=False),
        mode="quiet",
        subject=", ".join(back),
    )
    return Reversal((check,) if back else (), Plan("undo", steps))


def _reverse(changes: tuple[Change, ...], pip: _Pip, former: FormerVersions) -> tuple[Step, ...]:
    gone = [change.name for change in changes if change.before is None]
    back = [(change.name, change.before) for change in changes if change.before]
    special = [word for name, p in back if name not in former.here for word in p.words]
    plain = [_index_words(n, p) for n, p in back if n in former.here or not p.words]
    install = (*pip.words, "install", "--no-deps", "--force-reinstall", *pip.install_options)
    steps = []
    if gone:
        words = (*pip.words, "uninstall", "--yes", *gone)
        steps.append(Step("remove what appeared", words, pip.variables, "quiet"))
    if plain:
        words = (*install, "--no-index", f"--find-links={former.folder}", *plain)
        steps.append(Step("put back what was there", words, pip.variables, "quiet"))
    if special:
        words = (*install, *special)
        steps.append(Step("put back what came from an address", words, pip.variables, "quiet"))
    return tuple(steps)


def _fetch(changes: tuple[Change, ...], pip: _Pip, former: FormerVersions) -> tuple[Step, ...]:
    packages = [(change.name, change.before) for change in changes if change.before]
    wanted = [
        (name, word)
        for name, package in packages
        if name not in former.here and package.words[:1] != ("--editable",)
        for word in (package.words or (_index_words(name, package),))
    ]
    return _fetch_requirements(wanted, pip, former)


def _fetch_requirements(
    wanted: Iterable[tuple[str, str]], pip: _Pip, former: FormerVersions
) -> tuple[Step, ...]:
    """Return one step for all that is asked for in the same way; `wanted` are names and words."""
    groups = group_by_asking((former.ask(name), (word,)) for name, word in wanted)
    # `wheel` is not refused by the marker, takes from pip's cache, and builds what is no wheel.
    command = (*pip.words, "wheel", "--no-deps", f"--wheel-dir={former.folder}")
    return tuple(
        Step(
            "get the former versions",
            (*command, *words),
            (*pip.variables, *asking.variables),
            "quiet",
            ", ".join(words),
        )
        for asking, words in groups.items()
    )


def _index_words(name: str, package: InstalledPackage) -> str:
    return f"{name}=={package.version}"


def _pin_application(name: str, package: InstalledPackage) -> str:
    """Return what gets an application's former version: its address, or its name and version."""
    requirement = package.words[0] if package.words else name
    target = parse_requirement(requirement)
    if target.kind != "name":
        return requirement
    extras = f"[{','.join(target.extras)}]" if target.extras else ""
    return f"{name}{extras}=={package.version}"
