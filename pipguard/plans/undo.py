"""Back to how it was: what appeared goes, what went or changed comes back.

In: the changes of one place, what stands there now, what to make things with. Out: a `Reversal`:
first the steps that fetch former versions and touch nothing, then the plan that goes back. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipguard.doors import dataclass, replace
from pipguard.environment import TOOLCHAIN, Environment
from pipguard.inventory import Change, Piece
from pipguard.pipx_home import PipxHome
from pipguard.plans import Creation, Plan, Step
from pipguard.plans.pipx import share_pip
from pipguard.plans.system import PackageManager, make_step
from pipguard.plans.venv import (
    Makers,
    creation_step,
    environment_variables,
    pip_words,
    start_pip,
)
from pipguard.settings import Settings
from pipguard.targets import parse_requirement

Variables = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Reversal:
    """How one place goes back."""

    fetching: tuple[Step, ...]
    """Get what will be needed; when one of them fails, nothing has been touched yet."""
    plan: Plan


@dataclass(frozen=True, slots=True)
class _Pip:
    """One pip to work with: the words that start it, its variables, what install and all take."""

    words: tuple[str, ...]
    variables: Variables
    install_options: tuple[str, ...] = ()


def plan_environment_reversal(
    changes: tuple[Change, ...], environment: Environment, makers: Makers, shelf: str
) -> Reversal:
    """Return how an environment goes back; one that is gone is made again.

    `shelf` is a folder for what is fetched.
    """
    creation = None
    # The environment's own pip goes with the environment, and comes with it.
    is_kept = {c.name for c in changes if c.before is None and c.name in TOOLCHAIN}
    if environment.must_be_made:
        step = creation_step(environment.path, Settings(), makers)
        creation = Creation(environment.path, step)
        is_kept = {change.name for change in changes if change.name in TOOLCHAIN}
    changes = tuple(change for change in changes if change.name not in is_kept)
    pip = _Pip(pip_words(environment, makers, creation is not None), environment_variables(makers))
    fetcher = _Pip(start_pip(makers), pip.variables) if creation else pip
    steps = _turn_back(changes, pip, shelf)
    plan = Plan("undo", steps, environment.path, creation)
    return Reversal(_fetch(changes, fetcher, shelf), plan)


def plan_removal(path: str) -> Reversal:
    """Return how an environment goes that the command made and nobody used since."""
    return Reversal((), Plan("undo", (), path, removal=path))


def plan_site_reversal(
    changes: tuple[Change, ...], makers: Makers, shelf: str, is_users: bool
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
    pip = _Pip(start_pip(makers), variables, ("--no-warn-script-location",))
    steps = _turn_back(changes, pip, shelf)
    return Reversal(_fetch(changes, pip, shelf), Plan("undo", steps))


def plan_pipx_reversal(
    changes: tuple[Change, ...], home: PipxHome, makers: Makers, shelf: str
) -> Reversal:
    """Return how pipx's applications go back; a former version is pinned there from now on."""
    variables = (*environment_variables(makers), ("PIPX_DEFAULT_BACKEND", "pip"))
    gone = [c.name for c in changes if c.before is None]
    steps = [
        Step("uninstall it", (*home.command, "uninstall", name), variables, "quiet", name)
        for name in gone
    ]
    back = [(c, c.before) for c in changes if c.before is not None]
    if back:
        steps.append(share_pip(home, makers))
    for change, piece in back:
        install = (*home.command, "install", "--force" if change.after else "--quiet")
        base = () if change.after else ("--python", makers.base)
        requirement, *injected = _application_words(change.name, piece)
        words = (*install, *base, requirement)
        steps.append(Step("install what was there", words, variables, "quiet", change.name))
        if injected:
            words = (*home.command, "inject", change.name, *injected)
            steps.append(Step("add what was added", words, variables, "quiet", change.name))
    wanted = [_application_words(c.name, piece)[0] for c, piece in back]
    pip = _Pip(start_pip(makers), variables)
    return Reversal(_fetch_words(wanted, pip, shelf), Plan("undo", tuple(steps), pipx_home=home))


def plan_system_reversal(
    changes: tuple[Change, ...], manager: PackageManager, sudo: str
) -> Reversal:
    """Return how the operating system's packages go back."""
    gone = [change.name for change in changes if change.before is None]
    back = [manager.pin(change.name, c.version) for change in changes if (c := change.before)]
    commands = [manager.remove(gone)] if gone else []
    commands += [manager.install(back)] if back else []
    steps = tuple(make_step("go back", words, sudo, asks=False) for words in commands)
    check = replace(
        make_step("look for them", manager.install(back, is_dry_run=True), sudo, asks=False),
        mode="quiet",
        subject=", ".join(back),
    )
    return Reversal((check,) if back else (), Plan("undo", steps))


def _turn_back(changes: tuple[Change, ...], pip: _Pip, shelf: str) -> tuple[Step, ...]:
    gone = [change.name for change in changes if change.before is None]
    back = [(change.name, change.before) for change in changes if change.before]
    plain = [_index_words(name, piece) for name, piece in back if not piece.words]
    special = [word for _, piece in back for word in piece.words]
    install = (*pip.words, "install", "--no-deps", "--force-reinstall", *pip.install_options)
    steps = []
    if gone:
        words = (*pip.words, "uninstall", "--yes", *gone)
        steps.append(Step("take away what appeared", words, pip.variables, "quiet"))
    if plain:
        words = (*install, "--no-index", f"--find-links={shelf}", *plain)
        steps.append(Step("put back what was there", words, pip.variables, "quiet"))
    if special:
        words = (*install, *special)
        steps.append(Step("put back what came from an address", words, pip.variables, "quiet"))
    return tuple(steps)


def _fetch(changes: tuple[Change, ...], pip: _Pip, shelf: str) -> tuple[Step, ...]:
    pieces = [(change.name, change.before) for change in changes if change.before]
    words = [
        word
        for name, piece in pieces
        if piece.words[:1] != ("--editable",)
        for word in (piece.words or (_index_words(name, piece),))
    ]
    return _fetch_words(words, pip, shelf)


def _fetch_words(words: Iterable[str], pip: _Pip, shelf: str) -> tuple[Step, ...]:
    wanted = tuple(words)
    if not wanted:
        return ()
    # `wheel` is not refused by the marker, takes from pip's cache, and builds what is no wheel.
    command = (*pip.words, "wheel", "--no-deps", f"--wheel-dir={shelf}", *wanted)
    subject = ", ".join(wanted)
    return (Step("get the former versions", command, pip.variables, "quiet", subject),)


def _index_words(name: str, piece: Piece) -> str:
    return f"{name}=={piece.version}"


def _application_words(name: str, piece: Piece) -> tuple[str, ...]:
    """Return pipx's requirement at its former version, and what was injected."""
    requirement, *injected = piece.words or (name,)
    target = parse_requirement(requirement)
    if target.kind == "name":
        extras = f"[{','.join(target.extras)}]" if target.extras else ""
        requirement = f"{name}{extras}=={piece.version}"
    return (requirement, *injected)
