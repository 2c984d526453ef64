"""Decides where one command line goes: one destination, with its reason.

In: the command, what its targets are, the surroundings, the settings, what the package manager
offers. Out: a `Route`. Pure: every fact was found by an earlier stage. Ties and doubts go to
`.venv`, where an application still runs; a library in pipx could not be imported.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipguard.classification.judge import JudgedTarget
from pipguard.classification.targets import Target
from pipguard.discover import Place, Surroundings
from pipguard.environments.distributions import TOOLCHAIN
from pipguard.environments.inspect import Environment
from pipguard.pip.command_line import PipCommand
from pipguard.settings import Settings
from pipguard.system.frozen import dataclass, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.package_managers.types import Offer, SystemPackage

# What pip does with these has no counterpart in `pipx install`, so such a command goes to `.venv`,
# where pip itself reads them.
_PIP_ALONE = (
    "--report", "--ignore-installed", "--require-hashes", "--no-deps", "--only-deps", "--src",
    "--platform", "--python-version", "--implementation", "--abi", "--requirement", "--editable",
    "--group", "--requirements-from-script", "--no-clean", "--log",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """A command and what its words turned out to be."""

    command: PipCommand
    targets: tuple[JudgedTarget, ...] = ()
    obstacle: str = ""
    """What makes pip end before it installs anything; a clause, mostly empty."""

    @property
    def plain_targets(self) -> tuple[Target, ...]:
        """The targets without what they were judged to be."""
        return tuple(judged.target for judged in self.targets)


@dataclass(frozen=True, slots=True)
class Installed:
    """Which of the names to uninstall are where; empty for every other command."""

    in_environment: frozenset[str] = frozenset()
    in_pipx: frozenset[str] = frozenset()
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The applications in pipx that have a name as a plugin."""
    in_user_site: Mapping[str, str] = field(default_factory=dict)
    """The names that the user's own folder of the interpreter has (`--user`), and the folder."""


@dataclass(frozen=True, slots=True)
class ToVenv:
    """pip runs in this environment, which is made first where it does not exist."""

    environment: Environment
    reason: str
    rebuilds: bool = False
    is_idle: bool = False
    """Whether pip is only to say something there, and will change nothing."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A target that is of use in the environments of some applications alone."""

    target: Target
    hosts: tuple[str, ...]
    ships_commands: bool = False


@dataclass(frozen=True, slots=True)
class ToPipx:
    """pipx installs each of these applications into an environment of its own."""

    targets: tuple[Target, ...]
    environment: Environment
    """Where a target goes that turns out to have no command."""
    reason: str
    certain: frozenset[str] = frozenset()
    """Names that are applications beyond doubt: their commands may be a dependency's."""
    is_forced: bool = False
    """Whether pipx's word is final; else what has no command goes to the environment."""
    plugins: tuple[Plugin, ...] = ()
    """What it adds to applications, after these are there."""

    @property
    def all_targets(self) -> tuple[Target, ...]:
        """The applications, then the plugins."""
        return (*self.targets, *(plugin.target for plugin in self.plugins))


@dataclass(frozen=True, slots=True)
class FromPipx:
    """pipx uninstalls these applications, and plugins of others."""

    names: tuple[str, ...]
    reason: str
    plugins: tuple[tuple[str, str], ...] = ()
    """Each with the application that has it."""


@dataclass(frozen=True, slots=True)
class ToRehearsal:
    """The real pip says what it would do, or why it cannot, and nothing is made for it."""

    reason: str


@dataclass(frozen=True, slots=True)
class ToOverride:
    """The real pip installs into the system, as the user explicitly ordered."""

    reason: str


@dataclass(frozen=True, slots=True)
class ToSystem:
    """The operating system's package manager installs or removes these packages."""

    manager: str
    program: str
    """The manager's path."""
    packages: tuple[SystemPackage, ...]
    reason: str
    sudo: str = ""
    """Path of sudo, where it is needed."""


@dataclass(frozen=True, slots=True)
class Declined:
    """Nothing is done. `exit_status` 0 means that nothing was needed."""

    reason: str
    hint: str = ""
    exit_status: int = 1
    shows_refusal: bool = True


Route = ToVenv | ToPipx | FromPipx | ToRehearsal | ToSystem | ToOverride | Declined


def may_go_to_pipx(command: PipCommand, targets: tuple[Target, ...], settings: Settings) -> bool:
    """Tell whether it matters what the targets are: whether pipx could take all of them."""
    if command.subcommand != "install" or settings.route not in {"auto", "pipx"} or not targets:
        return False
    if command.has("--dry-run") or any(command.has(name) for name in _PIP_ALONE):
        return False
    return all(t.name and t.name not in TOOLCHAIN for t in leave_toolchain(targets))


def leave_toolchain(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """Return what matters of `--upgrade pip tox`: pip has no say beside something else."""
    others = tuple(t for t in targets if t.name not in TOOLCHAIN or t.specifier or t.kind != "name")
    return others or targets


def choose_route(
    request: Request, surroundings: Surroundings, settings: Settings, installed: Installed
) -> Route:
    """Return the one destination for this command line."""
    command = request.command
    if settings.route == "override":
        return ToOverride("PIPGUARD_ROUTE=override")
    if command.runs_under:
        return Declined(f"you named the interpreter yourself: --python {command.runs_under}")
    if command.subcommand == "uninstall":
        return _choose_for_uninstall(request, surroundings, installed)
    problem = _find_hopeless(request)
    if problem:
        return _choose_for_nothing(surroundings, problem)
    return _choose_for_install(request, surroundings, settings)


def _choose_for_install(request: Request, surroundings: Surroundings, settings: Settings) -> Route:
    command, targets, place = request.command, request.targets, surroundings.place
    plain = request.plain_targets
    if settings.route == "pipx":
        if not may_go_to_pipx(command, plain, settings):
            hint = "PIPGUARD_ROUTE=venv takes everything that pip takes"
            return Declined("pipx takes named applications only", hint)
        wanted = leave_toolchain(plain)
        chosen = _to_pipx(tuple(t for t in targets if t.target in wanted), place.environment)
        certain = frozenset(target.name for target in chosen.targets)
        return replace(chosen, reason="PIPGUARD_ROUTE=pipx", certain=certain, is_forced=True)
    if place.is_active:
        return _to_environment(surroundings, settings, "the active environment")
    wanted = leave_toolchain(plain)
    judged = tuple(t for t in targets if t.target in wanted)
    if settings.route == "auto" and judged and all(t.belongs_to_pipx for t in judged):
        return _to_pipx(judged, place.environment)
    if settings.route == "auto" and place.environment.must_be_made:
        unneeded = _decline_toolchain(command, plain, surroundings)
        if unneeded:
            return unneeded
    reason = "PIPGUARD_ROUTE=venv" if settings.route == "venv" else _reason_of(targets)
    return _to_environment(surroundings, settings, reason)


def _to_pipx(judged: tuple[JudgedTarget, ...], environment: Environment) -> ToPipx:
    applications = [t for t in judged if not t.plugs_into]
    certain = frozenset(t.target.name for t in applications if t.is_known)
    plugins = [Plugin(t.target, t.plugs_into, t.ships_commands) for t in judged if t.plugs_into]
    targets = tuple(t.target for t in applications)
    return ToPipx(targets, environment, _reason_of(judged), certain, plugins=tuple(plugins))


def _to_environment(surroundings: Surroundings, settings: Settings, reason: str) -> Route:
    place = surroundings.place
    environment = place.environment
    if environment.state not in {"broken", "untrusted"}:
        return ToVenv(environment, reason)
    can_be_rebuilt = environment.state == "broken" and place.origin in {"project", "personal"}
    if can_be_rebuilt and settings.rebuild:
        return ToVenv(environment, reason, rebuilds=True)
    return _decline_environment(surroundings)


def _decline_environment(surroundings: Surroundings) -> Declined:
    """Name what is wrong with the environment; pip's own refusal would hide it."""
    environment = surroundings.place.environment
    how = "is broken" if environment.state == "broken" else "is not used"
    reason = f"{environment.path} {how}: {environment.problem}"
    return Declined(reason, _mend(surroundings.place), shows_refusal=False)


def _mend(place: Place) -> str:
    if place.origin == "active":
        return "it is the active environment (VIRTUAL_ENV); `deactivate` leaves it"
    if place.origin == "conda":
        return "it is the active environment (CONDA_PREFIX); `conda deactivate` leaves it"
    if place.environment.state == "untrusted":
        return "`pip guard trust` uses it all the same; PIPGUARD_VENV=NAME chooses another place"
    if place.environment.requirements:
        return "PIPGUARD_REBUILD=1 makes it anew with the same packages"
    return "PIPGUARD_REBUILD=1 moves it aside and makes a new one"


def _find_hopeless(request: Request) -> str:
    """Return why the command changes nothing wherever it runs, empty when it may."""
    command, targets = request.command, request.targets
    if command.has("--dry-run"):
        return "--dry-run"
    if request.obstacle:
        return request.obstacle
    if not targets and not command.sources:
        return "no requirement was given"
    invalid = [target.text for target in request.plain_targets if target.kind == "invalid"]
    return f"`{invalid[0]}` is no requirement" if invalid else ""


def _choose_for_nothing(surroundings: Surroundings, problem: str) -> Route:
    """Let pip itself speak: in the environment if there is one, else without making any."""
    if surroundings.place.environment.state == "usable":
        return ToVenv(surroundings.place.environment, problem, is_idle=True)
    return ToRehearsal(problem)


def _choose_for_uninstall(
    request: Request, surroundings: Surroundings, installed: Installed
) -> Route:
    command, targets = request.command, request.plain_targets
    environment = surroundings.place.environment
    if environment.state == "usable" and (
        installed.in_environment or command.values("--requirement")
    ):
        return ToVenv(environment, "it is installed there")
    names = tuple(target.name for target in targets)
    in_pipx = installed.in_pipx | installed.hosts.keys()
    if names and not command.values("--requirement") and in_pipx.issuperset(names):
        applications = tuple(name for name in names if name in installed.in_pipx)
        added = [name for name in names if name not in applications]
        plugins = tuple((name, host) for name in added for host in installed.hosts[name])
        return FromPipx(applications, "it is installed there", plugins)
    if environment.state in {"broken", "untrusted"}:
        return _decline_environment(surroundings)
    named = ", ".join(f"`{target.text}`" for target in targets) or "it"
    where = environment.path if environment.state == "usable" else "a .venv here"
    folders = sorted(set(installed.in_user_site.values()))
    if folders:
        removing = f"`pip uninstall --break-system-packages {' '.join(installed.in_user_site)}`"
        hint = f"{removing} removes it; `pip guard rescue` moves it to an environment"
        return Declined(f"{named} is in {folders[0]}, put there by `pip install --user`", hint)
    return Declined(f"{named} is neither in {where} nor in pipx")


def _decline_toolchain(
    command: PipCommand, targets: tuple[Target, ...], surroundings: Surroundings
) -> Declined | None:
    """Make no environment for `pip install --upgrade pip`, the first line of every tutorial."""
    names = {target.name for target in targets}
    if command.sources or not names or not names <= TOOLCHAIN:
        return None
    is_wanted = names != {"pip"} or any(target.specifier for target in targets)
    if surroundings.has_project_files and is_wanted:
        return None
    if "pip" in names:
        others = sorted(names - {"pip"})
        left = f"; left alone: {', '.join(others)}" if others else ""
        why = "this pip is the system's, and a .venv gets a newer one of its own"
        return Declined(f"nothing to do: {why}{left}", exit_status=0, shows_refusal=False)
    named = " and ".join(sorted(f"`{name}`" for name in names))
    return Declined(
        f"{named} in a .venv would not help other programs of this system",
        "the system's own: " + " ".join(f"python3-{name}" for name in sorted(names)),
    )


def _reason_of(targets: tuple[JudgedTarget, ...]) -> str:
    """Return why the targets go where they go: the one target's reason, or the common one."""
    reasons = [t.classification.reason for t in targets if t.classification is not None]
    if len(targets) == 1 and reasons:
        return reasons[0]
    kinds = {t.is_application for t in targets if not t.plugs_into}
    if any(t.plugs_into for t in targets) and kinds <= {True}:
        return "applications and plugins" if kinds else "plugins"
    if kinds == {True}:
        return "applications"
    return "libraries and applications together" if len(kinds) == 2 else ""


# The operating system's packages can serve all of a command or nothing of it.

_ELSEWHERE = "PIPGUARD_ROUTE=auto takes it from the index"


def choose_system_route(request: Request, offer: Offer) -> Route:
    """Return the way to the package manager, or why it cannot be it.

    pip's own refusal is not shown then: who chose this route knows it.
    """
    route = _choose_for_system(request, offer)
    return replace(route, shows_refusal=False) if isinstance(route, Declined) else route


def _choose_for_system(request: Request, offer: Offer) -> Route:
    unfit = offer.problem or _find_unfit(request)
    if unfit:
        return Declined(unfit, offer.hint or _ELSEWHERE)
    choose = _decline_install if request.command.subcommand == "install" else _decline_removal
    declined = choose(request, offer)
    if declined:
        return declined
    if request.command.has("--dry-run"):
        reason = f"would run: {offer.command}"
        return Declined(reason, exit_status=0)
    if not offer.is_allowed:
        return Declined(f"{offer.manager} needs root", f"run: `{offer.command}`")
    reason = "PIPGUARD_ROUTE=system"
    return ToSystem(offer.manager, offer.program, offer.packages, reason, offer.sudo)


def _find_unfit(request: Request) -> str:
    """Return why the command is nothing for a package manager, empty when it may be."""
    command = request.command
    if command.runs_under:
        return f"you named the interpreter yourself: --python {command.runs_under}"
    if command.sources or not request.targets:
        return "the system's packages are asked for by their names alone"
    for target in request.plain_targets:
        if target.kind != "name":
            return f"`{target.text}` is not the name of a project"
        if target.extras or target.marker:
            return f"the system's packages know no extras and no markers: `{target.text}`"
    return ""


def _decline_install(request: Request, offer: Offer) -> Declined | None:
    missing = [p.target.text for p in offer.packages if not p.package and not p.others]
    if missing:
        named = ", ".join(f"`{name}`" for name in missing)
        return Declined(f"{offer.manager} has no package of {named}", offer.hint or _ELSEWHERE)
    for found in offer.packages:
        if found.others:
            named = ", ".join(found.others)
            return Declined(f"several packages hold `{found.target.name}`: {named}", _ELSEWHERE)
        if not found.target.accepts(found.public_version):
            has = f"{offer.manager} has {found.package} {found.version}"
            return Declined(f"{has}, and `{found.target.text}` was asked for", _ELSEWHERE)
    are_there = all(found.installed == found.version for found in offer.packages)
    if are_there and not request.command.has("--force-reinstall"):
        named = ", ".join(f"{found.package} {found.version}" for found in offer.packages)
        return Declined(f"installed already: {named}", exit_status=0)
    return None


def _decline_removal(request: Request, offer: Offer) -> Declined | None:
    del request
    missing = [p.target.text for p in offer.packages if not p.installed]
    if missing:
        named = ", ".join(f"`{name}`" for name in missing)
        return Declined(f"{named} is not among the packages that {offer.manager} installed")
    if offer.taken_along:
        named = ", ".join(offer.taken_along[:6])
        more = f" and {len(offer.taken_along) - 6} more" if len(offer.taken_along) > 6 else ""
        return Declined(
            f"it would take away {named}{more}, too", f"all the same: `{offer.command}`"
        )
    return None
