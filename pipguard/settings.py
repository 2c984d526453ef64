"""What the user, the machine and the project have set.

In: environment variables, the project's root. Out: `Settings`. Reads the configuration files in
rising order of weight: system, user, the project's `[tool.pipguard]`, environment variables. Never
lets a project's file, which is somebody else's words, choose what only the user may choose.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from pipguard.doors import dataclass, replace
from pipguard.errors import BadSetting
from pipguard.folders import configuration_folders

PACKAGE_MANAGERS = ("apt", "dnf", "zypper", "pacman", "apk", "brew")
ROUTES = ("auto", "venv", "pipx", "system", "override", "off")
_TRUE = {"1", "yes", "true", "on"}
_FALSE = {"0", "no", "false", "off", ""}


@dataclass(frozen=True, slots=True)
class Settings:
    """Every choice that somebody may have made; the defaults are nobody's."""

    route: str = "auto"
    venv: str = ""
    """The environment's folder, relative to the project or absolute; empty for the usual names."""
    system_site_packages: bool = False
    rebuild: bool = False
    shim_in_ci: str = "pass"
    """Whether a shim acts for CI, builds and the like, or passes all to the real pip."""
    package_manager: str = ""
    """The one to use where several are installed; empty for the operating system's own."""
    applications: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    """Names of projects as the user wrote them."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A table of settings, the file it stands in, and how far its author is to be trusted."""

    path: str
    text: str
    table: Mapping[str, object]
    is_project: bool


def read_settings(environ: Mapping[str, str], project: str | None) -> Settings:
    """Return the settings in force for a project's root folder (None outside any).

    Raises `BadSetting`, naming file, line, key and the accepted values.
    """
    settings = Settings()
    for path in _configuration_files(environ):
        settings = _read_file(settings, path, is_project=False)
        is_users = os.path.dirname(path) == configuration_folders(environ)[1]
        if settings.route == "override" and not is_users:
            hint = "only your own configuration or PIPGUARD_ROUTE may set it"
            raise BadSetting(f"{path}: route = 'override'", hint)
    if project is not None:
        settings = _read_file(settings, os.path.join(project, "pyproject.toml"), is_project=True)
    return _apply_environment(settings, environ)


def _configuration_files(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the system's and the user's file; without a home folder there is no user's."""
    paths = configuration_folders(environ)
    return tuple(os.path.join(path, "config.toml") for path in paths if os.path.isabs(path))


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
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        document: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(f"{path} is not valid TOML: {error}") from error
    if not is_project:
        return document
    tools = document.get("tool")
    table = tools.get("pipguard", {}) if isinstance(tools, dict) else {}
    if isinstance(table, dict):
        return table
    raise BadSetting(f"{path}: tool.pipguard = {table!r}", "accepted: a table, [tool.pipguard]")


def _apply_table(settings: Settings, source: _Source) -> Settings:
    for key, value in source.table.items():
        reader = _PROJECT_KEYS.get(key)
        if reader is None and not source.is_project:
            reader = _USER_KEYS.get(key)
        if reader is None:
            keys = sorted(_PROJECT_KEYS if source.is_project else _PROJECT_KEYS | _USER_KEYS)
            hint = f"accepted keys: {', '.join(keys)}"
            if key in _USER_KEYS:
                hint = f"only your own configuration or PIPGUARD_* may set it; {hint}"
            raise BadSetting(f"{_place(source, key)}: `{key}` is no setting here", hint)
        settings = reader(settings, value, source, key)
    return settings


def _read_venv(settings: Settings, value: object, source: _Source, key: str) -> Settings:
    accepted = 'the name of a folder inside the project, such as ".venv"'
    if not isinstance(value, str) or not value:
        raise _refuse_value(source, key, value, accepted)
    if source.is_project and not _is_inside(value):
        raise _refuse_value(source, key, value, accepted)
    return replace(settings, venv=value)


def _is_inside(path: str) -> bool:
    """Whether a path names something in the folder that it starts from, on any system."""
    parts = [part for part in path.replace("\\", "/").split("/") if part != "."]
    is_elsewhere = os.path.isabs(path) or path[0] in "~/\\" or ":" in path or ".." in parts
    return not is_elsewhere and any(parts)


def _read_system_site_packages(
    settings: Settings, value: object, source: _Source, key: str
) -> Settings:
    if not isinstance(value, bool):
        raise _refuse_value(source, key, value, "true, false")
    return replace(settings, system_site_packages=value)


def _read_applications(settings: Settings, value: object, source: _Source, key: str) -> Settings:
    return replace(settings, applications=_read_names(value, source, key))


def _read_libraries(settings: Settings, value: object, source: _Source, key: str) -> Settings:
    return replace(settings, libraries=_read_names(value, source, key))


def _read_names(value: object, source: _Source, key: str) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise _refuse_value(source, key, value, 'a list of project names, such as ["httpie"]')


def _read_route(settings: Settings, value: object, source: _Source, key: str) -> Settings:
    if not isinstance(value, str) or value not in ROUTES:
        raise _refuse_value(source, key, value, ", ".join(ROUTES))
    return replace(settings, route=value)


def _read_shim_in_ci(settings: Settings, value: object, source: _Source, key: str) -> Settings:
    if value not in {"act", "pass"}:
        raise _refuse_value(source, key, value, "act, pass")
    return replace(settings, shim_in_ci=str(value))


_PROJECT_KEYS = {
    "applications": _read_applications,
    "libraries": _read_libraries,
    "system-site-packages": _read_system_site_packages,
    "venv": _read_venv,
}


def _read_package_manager(settings: Settings, value: object, source: _Source, key: str) -> Settings:
    if not isinstance(value, str) or value not in PACKAGE_MANAGERS:
        raise _refuse_value(source, key, value, ", ".join(PACKAGE_MANAGERS))
    return replace(settings, package_manager=value)


_USER_KEYS = {
    "package-manager": _read_package_manager,
    "route": _read_route,
    "shim-in-ci": _read_shim_in_ci,
}


def _refuse_value(source: _Source, key: str, value: object, accepted: str) -> BadSetting:
    return BadSetting(f"{_place(source, key)}: {key} = {value!r}", f"accepted: {accepted}")


def _place(source: _Source, key: str) -> str:
    """Return `file:line` of a key; the line of its first mention in the right table."""
    is_ours = not source.is_project
    for number, line in enumerate(source.text.splitlines(), start=1):
        words = line.strip()
        if words.startswith("["):
            is_ours = not source.is_project or "pipguard" in words
        if is_ours and words.split("=")[0].strip().strip("\"'") == key:
            return f"{source.path}:{number}"
    return source.path


def _apply_environment(settings: Settings, environ: Mapping[str, str]) -> Settings:
    route = environ.get("PIPGUARD_ROUTE", "").lower()
    if route and route not in ROUTES:
        raise BadSetting(f"PIPGUARD_ROUTE={route!r}", f"accepted: {', '.join(ROUTES)}")
    manager = environ.get("PIPGUARD_PACKAGE_MANAGER", "").lower()
    if manager and manager not in PACKAGE_MANAGERS:
        accepted = f"accepted: {', '.join(PACKAGE_MANAGERS)}"
        raise BadSetting(f"PIPGUARD_PACKAGE_MANAGER={manager!r}", accepted)
    site_packages = _read_switch(environ, "PIPGUARD_SYSTEM_SITE_PACKAGES")
    return replace(
        settings,
        route=route or settings.route,
        venv=environ.get("PIPGUARD_VENV") or settings.venv,
        package_manager=manager or settings.package_manager,
        rebuild=bool(_read_switch(environ, "PIPGUARD_REBUILD")),
        system_site_packages=(
            settings.system_site_packages if site_packages is None else site_packages
        ),
    )


def _read_switch(environ: Mapping[str, str], name: str) -> bool | None:
    """Return a yes or no from the environment, None where the variable is not set."""
    value = environ.get(name)
    if value is None:
        return None
    if value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise BadSetting(f"{name}={value!r}", "accepted: 1, yes, true, on, 0, no, false, off")
