"""Reads what pipx has: which pipx it is, where it keeps applications, and which ones are there.

In: the caller. Out: a `PipxHome`, and an `InstalledApplication` by name. Asks pipx for its folders
and reads the metadata that pipx writes (its format since 0.15, `pipx_metadata.json`). Never
changes anything.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator

from pipguard.caller import Caller
from pipguard.environments.distributions import list_distributions
from pipguard.knowledge import normalise_name
from pipguard.system.folders import list_readable_names
from pipguard.system.frozen import dataclass
from pipguard.system.programs import locate_programs

METADATA_NAME = "pipx_metadata.json"
"""What pipx keeps about an application, in its environment."""
_COMPLETIONS = (
    "bash-completion/completions",
    "zsh/site-functions",
    "fish/vendor_completions.d",
)


@dataclass(frozen=True, slots=True)
class PipxHome:
    """A pipx and its folders."""

    command: tuple[str, ...]
    environments: str
    """Folder with one environment for each application."""
    programs: str
    """Folder where the commands are linked: `~/.local/bin` unless the user moved it."""
    shared: str
    """The environment with pip that the others share."""
    is_users_own: bool
    resources: tuple[str, ...] = ()
    """Folders where manual pages and completions are linked."""
    can_uninject: bool = True
    """Whether it can take something out of an application again."""

    @property
    def link_folders(self) -> tuple[str, ...]:
        """All folders in which pipx makes links into the environments."""
        return (self.programs, *self.resources)


@dataclass(frozen=True, slots=True)
class InjectedDistribution:
    """What was added to an application's environment (`pipx inject`)."""

    name: str
    version: str
    requirement: str
    """What it was added as: a name, a pin, an address."""
    commands: tuple[str, ...] = ()
    """Those that are exposed beside the application's own."""


@dataclass(frozen=True, slots=True)
class InstalledApplication:
    """An application in pipx, as its metadata tells."""

    name: str
    version: str
    requirement: str
    """What it was installed as: a name, a pin, an address."""
    commands: tuple[str, ...]
    backend: str
    injected: tuple[InjectedDistribution, ...] = ()
    pip_words: tuple[str, ...] = ()
    """What pipx gives its pip for it."""

    def find_injected(self, name: str) -> InjectedDistribution | None:
        """Return what was added to it under a normalised name."""
        return next((one for one in self.injected if one.name == name), None)


def locate_pipx(caller: Caller) -> tuple[tuple[str, ...], bool]:
    """Return the words that start pipx, and whether it is the user's own or came with pipguard."""
    for path in locate_programs("pipx", caller.environ):
        return (path,), True
    return (caller.python, "-I", "-m", "pipx"), False


def read_pipx_home(caller: Caller, ask: Callable[[list[str]], bytes | None]) -> PipxHome:
    """Ask pipx for its folders (`pipx environment`, since 1.1); takes about 0.3 s."""
    command, is_users_own = locate_pipx(caller)
    answer = os.fsdecode(ask([*command, "environment"]) or b"")
    lines = (line.strip().partition("=") for line in answer.splitlines() if "=" in line)
    told = {name: value for name, _, value in lines if value}
    home = told.get("PIPX_HOME") or caller.environ.get("PIPX_HOME") or _default_home()
    return PipxHome(
        command,
        told.get("PIPX_LOCAL_VENVS") or os.path.join(home, "venvs"),
        told.get("PIPX_BIN_DIR") or os.path.join(caller.home or "", ".local", "bin"),
        told.get("PIPX_SHARED_LIBS") or os.path.join(home, "shared"),
        is_users_own,
        tuple(_list_resources(told)),
    )


def can_uninject(home: PipxHome, ask: Callable[[list[str]], bytes | None]) -> bool:
    """Ask whether this pipx can take something out of an application again.

    It knows `uninject` since 1.3, and before 1.12 that takes the application itself out, too, where
    nothing but the plugin required it.
    """
    words = os.fsdecode(ask([*home.command, "--version"]) or b"").split()
    numbers = [int(part) for part in (words or [""])[-1].split(".")[:2] if part.isdigit()]
    return numbers >= [1, 12]


def _list_resources(told: dict[str, str]) -> Iterator[str]:
    """Yield the folders of manual pages (since pipx 1.3) and completions (since 1.12)."""
    if "PIPX_MAN_DIR" in told:
        yield from (os.path.join(told["PIPX_MAN_DIR"], f"man{number}") for number in range(1, 10))
    if "PIPX_COMPLETION_DIR" in told:
        yield from (os.path.join(told["PIPX_COMPLETION_DIR"], name) for name in _COMPLETIONS)


def locate_commands(home: PipxHome, application: InstalledApplication) -> tuple[str, ...]:
    """Return where the commands of an application are exposed."""
    return tuple(os.path.join(home.programs, name) for name in application.commands)


def read_application(environments: str, name: str) -> InstalledApplication | None:
    """Return what pipx knows of an application, None when it has none of this name."""
    path = os.path.join(environments, name, METADATA_NAME)
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        package = document["main_package"]
        commands = [*package["apps"]]
        if package.get("include_dependencies"):
            commands += package["apps_of_dependencies"]
        return InstalledApplication(
            normalise_name(package["package"]),
            package["package_version"],
            package["package_or_url"],
            tuple(sorted(set(commands))),
            document.get("backend") or "pip",
            tuple(map(_read_injected, document["injected_packages"].values())),
            tuple(package.get("pip_args") or ()),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _read_injected(package: dict[str, object]) -> InjectedDistribution:
    name, version, requirement = (
        str(package[key]) for key in ("package", "package_version", "package_or_url")
    )
    apps = package.get("apps") if package.get("include_apps") else ()
    commands = tuple(map(str, apps)) if isinstance(apps, list) else ()
    return InjectedDistribution(normalise_name(name), version, requirement, commands)


def find_injected(folders: Iterable[str], name: str) -> dict[str, InjectedDistribution]:
    """Return what of this name was added to applications, by their environments.

    `folders` are those of all environments.
    """
    return {
        os.path.join(folder, host): one
        for folder in folders
        for host in list_applications(folder)
        if (application := read_application(folder, host))
        and (one := application.find_injected(name))
    }


def list_applications(environments: str) -> list[str]:
    """Return the names of the environments that pipx made, read from the folder alone."""
    return [
        name
        for name in list_readable_names(environments)
        if os.path.isfile(os.path.join(environments, name, METADATA_NAME))
    ]


def list_hosts(caller: Caller, environment: str) -> dict[str, str]:
    """Return the applications that are in pipx and not in the environment, and where each is."""
    found = {
        normalise_name(name): os.path.join(folder, name)
        for folder in guess_environments(caller)
        for name in list_applications(folder)
    }
    there = list_distributions(environment) if found else {}
    return {name: path for name, path in found.items() if name not in there}


def find_added(
    caller: Caller, names: Iterable[str], environment: str
) -> dict[str, tuple[str, ...]]:
    """Return which names were added to which applications, without those in the environment."""
    folders = guess_environments(caller)
    there = list_distributions(environment)
    found = {name: find_injected(folders, name) for name in names if name and name not in there}
    return {name: tuple(map(os.path.basename, paths)) for name, paths in found.items() if paths}


def guess_environments(caller: Caller) -> tuple[str, ...]:
    """Return where pipx may keep its environments, without asking it: new place, then old."""
    chosen = caller.environ.get("PIPX_HOME")
    homes = [chosen] if chosen else [_default_home(), f"{caller.home}/.local/pipx"]
    return tuple(os.path.join(home, "venvs") for home in homes)


def _default_home() -> str:
    """Return pipx's own default since 1.2, which follows XDG_DATA_HOME."""
    from platformdirs import PlatformDirs

    return PlatformDirs("pipx", appauthor=False).user_data_dir
