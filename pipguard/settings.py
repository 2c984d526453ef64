"""Reads what the user, the machine and the project have set.

In: environment variables, the project's root. Out: `Settings`. Files weigh in rising order: the
system's, the user's, the project's `[tool.pipguard]`; environment variables weigh most. A project's
file is somebody else's words: it never decides what only the user may decide.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from pipguard.errors import BadSetting
from pipguard.system.booleans import parse_boolean
from pipguard.system.folders import configuration_folders
from pipguard.system.frozen import dataclass, field, replace

PACKAGE_MANAGERS = ("apt", "dnf", "zypper", "pacman", "apk", "brew")
PLACES = ("project", "central")
INSTALLERS = ("pip", "uv")
ROUTES = ("auto", "venv", "pipx", "system", "override", "off")


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, with its default."""

    route: str = "auto"
    venv: str = ""
    """The environment's folder, relative to the project or absolute; empty for the usual names."""
    venv_place: str = field(default="", compare=False)
    """File and line where the project chose it; empty where the user did."""
    system_site_packages: bool | None = None
    """Whether environments see the system's packages; None leaves it to what is found."""
    rebuild: bool = False
    shim_in_ci: str = "pass"
    """Whether a shim acts for CI, builds and the like, or passes all to the real pip."""
    package_manager: str = ""
    """The one to use where several are installed; empty for the operating system's own."""
    environments: str = "project"
    """`central` for a folder of pipguard's own, to which a `.venv` file leads."""
    installer: str = "pip"
    """`uv` for its own answer, which is not always pip's."""
    applications: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    """Names of projects as the user wrote them."""


@dataclass(frozen=True, slots=True)
class _Key:
    """A key of the configuration files."""

    parse: Callable[[object, bool], object]
    """Returns the setting from a TOML value; None for one that is not accepted. The second argument
    tells whether the file is a project's."""
    accepted: str
    """For people."""
    is_projects: bool = False
    """Whether a project's file may set it, too."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A table of settings and the file that it was read from."""

    path: str
    text: str
    table: Mapping[str, object]
    is_project: bool


def read_settings(environ: Mapping[str, str], project: str | None) -> Settings:
    """Return the settings in force for a project's root folder (None outside any).

    Raises `BadSetting`, naming file, line, key and the accepted values.
    """
    settings = Settings()
    folders = configuration_folders(environ)
    for folder in filter(os.path.isabs, folders):  # without a home folder there is no user's file
        path = os.path.join(folder, "config.toml")
        settings = _read_file(settings, path, is_project=False)
        if settings.route == "override" and folder != folders[1]:
            hint = "only your own configuration or PIPGUARD_ROUTE may set it"
            raise BadSetting(f"{path}: route = 'override'", hint)
    if project is not None:
        settings = _read_file(settings, os.path.join(project, "pyproject.toml"), is_project=True)
    return _apply_variables(settings, environ)


def _read_file(settings: Settings, path: str, *, is_project: bool) -> Settings:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return settings
    except (OSError, UnicodeDecodeError) as error:
        if is_project:  # pip reads it too when it matters, and says so itself
            return settings
        raise BadSetting(f"{path} cannot be read: {error}") from error
    if is_project and "pipguard" not in text:
        return settings
    table = _parse_table(path, text, is_project=is_project)
    return _apply_table(settings, _Source(path, text, table, is_project))


def _parse_table(path: str, text: str, *, is_project: bool) -> Mapping[str, object]:
    from pipguard.system.toml import parse_toml

    try:
        document = parse_toml(text)
    except ValueError as error:
        raise BadSetting(f"{path} is not valid TOML: {error}") from error
    if not is_project:
        return document
    tools = document.get("tool")
    table = tools.get("pipguard", {}) if isinstance(tools, dict) else {}
    if isinstance(table, dict):
        return table
    raise BadSetting(f"{path}: tool.pipguard = {table!r}", "accepted: a table, [tool.pipguard]")


def _apply_table(settings: Settings, source: _Source) -> Settings:
    allowed = {n: key for n, key in _KEYS.items() if key.is_projects or not source.is_project}
    for name, value in source.table.items():
        key = allowed.get(name)
        if key is None:
            hint = f"accepted keys: {', '.join(sorted(allowed))}"
            if name in _KEYS:
                hint = f"only your own configuration or PIPGUARD_* may set it; {hint}"
            raise BadSetting(f"{_locate(source, name)}: `{name}` is no setting here", hint)
        parsed = key.parse(value, source.is_project)
        if parsed is None:
            problem = f"{_locate(source, name)}: {name} = {value!r}"
            raise BadSetting(problem, f"accepted: {key.accepted}")
        changes = {name.replace("-", "_"): parsed}
        settings = replace(settings, **changes)  # type: ignore[arg-type]
        if name == "venv":
            place = _locate(source, name) if source.is_project else ""
            settings = replace(settings, venv_place=place)
    return settings


def _parse_folder(value: object, is_project: bool) -> object:
    if not isinstance(value, str) or not value or not value.isprintable():
        return None
    return value if not is_project or _is_inside(value) else None


def _is_inside(path: str) -> bool:
    """Whether a path names something in the folder that it starts from, on any system."""
    parts = [part for part in path.replace("\\", "/").split("/") if part != "."]
    is_elsewhere = os.path.isabs(path) or path[0] in "~/\\" or ":" in path or ".." in parts
    return not is_elsewhere and any(parts)


def _parse_switch(value: object, _: bool) -> object:
    return value if isinstance(value, bool) else None


def _parse_names(value: object, _: bool) -> object:
    is_list = isinstance(value, list) and all(isinstance(name, str) for name in value)
    return tuple(value) if is_list and isinstance(value, list) else None


def _parse_word(*accepted: str) -> Callable[[object, bool], object]:
    return lambda value, _: value if isinstance(value, str) and value in accepted else None


_A_FOLDER = 'the name of a folder inside the project, such as ".venv"'
_A_LIST = 'a list of project names, such as ["httpie"]'
_KEYS = {
    "applications": _Key(_parse_names, _A_LIST, is_projects=True),
    "environments": _Key(_parse_word(*PLACES), ", ".join(PLACES)),
    "installer": _Key(_parse_word(*INSTALLERS), ", ".join(INSTALLERS)),
    "libraries": _Key(_parse_names, _A_LIST, is_projects=True),
    "package-manager": _Key(_parse_word(*PACKAGE_MANAGERS), ", ".join(PACKAGE_MANAGERS)),
    "route": _Key(_parse_word(*ROUTES), ", ".join(ROUTES)),
    "shim-in-ci": _Key(_parse_word("act", "pass"), "act, pass"),
    "system-site-packages": _Key(_parse_switch, "true, false", is_projects=True),
    "venv": _Key(_parse_folder, _A_FOLDER, is_projects=True),
}


def _locate(source: _Source, key: str) -> str:
    """Return `file:line` of a key; the line of its first mention in the right table."""
    is_ours = not source.is_project
    for number, line in enumerate(source.text.splitlines(), start=1):
        words = line.strip()
        if words.startswith("["):
            is_ours = not source.is_project or "pipguard" in words
        if is_ours and words.split("=")[0].strip().strip("\"'") == key:
            return f"{source.path}:{number}"
    return source.path


def _apply_variables(settings: Settings, environ: Mapping[str, str]) -> Settings:
    site_packages = _read_switch(environ, "PIPGUARD_SYSTEM_SITE_PACKAGES")
    if site_packages is None:
        site_packages = settings.system_site_packages
    _read_switch(environ, "PIPGUARD")  # what means off was seen before; anything else is a slip
    manager = _read_word(environ, "PIPGUARD_PACKAGE_MANAGER", PACKAGE_MANAGERS)
    return replace(
        settings,
        route=_read_word(environ, "PIPGUARD_ROUTE", ROUTES) or settings.route,
        venv=environ.get("PIPGUARD_VENV") or settings.venv,
        venv_place="" if environ.get("PIPGUARD_VENV") else settings.venv_place,
        package_manager=manager or settings.package_manager,
        environments=_read_word(environ, "PIPGUARD_ENVIRONMENTS", PLACES) or settings.environments,
        installer=_read_word(environ, "PIPGUARD_INSTALLER", INSTALLERS) or settings.installer,
        rebuild=bool(_read_switch(environ, "PIPGUARD_REBUILD")),
        system_site_packages=site_packages,
    )


def _read_word(environ: Mapping[str, str], name: str, accepted: tuple[str, ...]) -> str:
    word = environ.get(name, "").lower()
    if word and word not in accepted:
        raise BadSetting(f"{name}={word!r}", f"accepted: {', '.join(accepted)}")
    return word


def _read_switch(environ: Mapping[str, str], name: str) -> bool | None:
    """Return a yes or no from a variable; None where it is not set, and no where it is empty."""
    value = environ.get(name)
    if not value:
        return None if value is None else False
    switch = parse_boolean(value)
    if switch is None:
        raise BadSetting(f"{name}={value!r}", "accepted: 1, yes, true, on, 0, no, false, off")
    return switch
