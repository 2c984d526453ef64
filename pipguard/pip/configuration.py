"""Reads pip's configuration files, in pip's order.

In: the caller, an interpreter. Out: paths, settings, and variables that say the same as a file, or
as general options.
Follows pip's `get_configuration_files` and `iter_config_files` (pip 23.0 to 26.3). Imports only the
standard library and `os`-only modules of ours. Never writes, never asks pip.
"""

from __future__ import annotations

import os
import sys

from pipguard.caller import Caller
from pipguard.pip.interpreter import locate_standard_library
from pipguard.system.booleans import parse_boolean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from configparser import RawConfigParser

    from pipguard.pip.command_line import Option

Variables = tuple[tuple[str, str | None], ...]
"""Environment variables to change; None takes one away."""
_FILE_NAME = "pip.ini" if os.name == "nt" else "pip.conf"
_OVERRIDE = "break-system-packages"
_COUNTED = {"quiet", "verbose"}
_COLLECTED = {"exists-action", "trusted-host", "use-deprecated", "use-feature"}
"""General options of which each one given counts; of the others the last."""


def locate_configuration_files(caller: Caller, interpreter: str) -> tuple[str, ...]:
    """Return every file that the interpreter's pip may read, existing or not, in rising weight."""
    return list_configuration_files(caller.environ, caller.home or os.sep, prefix_of(interpreter))


def list_configuration_files(environ: Mapping[str, str], home: str, prefix: str) -> tuple[str, ...]:
    """Return the same for a home folder and a `sys.prefix`.

    The machine's files, then the user's (the old place before the new one), then the prefix's, then
    the one that PIP_CONFIG_FILE names.
    """
    folders = [*_list_shared_folders(environ, home), *_list_user_folders(environ, home), prefix]
    paths = [os.path.join(folder, _FILE_NAME) for folder in folders if folder]
    chosen = environ.get("PIP_CONFIG_FILE")
    return (*paths, chosen) if chosen else tuple(paths)


def list_loaded_files(environ: Mapping[str, str], home: str, prefix: str) -> tuple[str, ...]:
    """Return the files that pip reads now, in rising weight.

    PIP_CONFIG_FILE takes the place of the user's files where it exists; the null device stands for
    no file at all.
    """
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return ()
    files = list_configuration_files(environ, home, prefix)
    if not chosen or not os.path.exists(chosen):
        return files
    users = {os.path.join(folder, _FILE_NAME) for folder in _list_user_folders(environ, home)}
    return tuple(path for path in files if path not in users)


def read_settings_of_files(paths: Iterable[str]) -> dict[str, str] | None:
    """Return what the files say to `pip install`, by pip's names such as `index-url`.

    `paths` are in rising weight; `[install]` weighs more than `[global]`, and an empty value says
    nothing. None where pip could not read the files either.
    """
    paths = [path for path in paths if os.path.isfile(path)]
    parser = _read_files(paths) if paths else None
    if parser is None:
        return None if paths else {}
    settings: dict[str, str] = {}
    for section in ("global", "install"):
        for key, value in parser.items(section) if parser.has_section(section) else ():
            settings |= {key: value} if value else {}
    return settings


def read_site_variables(caller: Caller, interpreter: str) -> Variables:
    """Return the settings of `sys.prefix`'s pip.conf as `PIP_*` variables that are not set yet.

    pip reads one configuration file from its `sys.prefix`; in an environment that is another one,
    so an index set there would be lost on the way, and private names would be asked of the public
    index.
    """
    path = os.path.join(prefix_of(interpreter), _FILE_NAME)
    settings = read_settings_of_files([path]) if os.path.isfile(path) else None
    # Where it cannot be read, the real pip has read it, too, and said so.
    variables = {name_variable(key): value for key, value in (settings or {}).items()}
    return tuple((name, value) for name, value in variables.items() if name not in caller.environ)


def read_configured(caller: Caller, interpreter: str, environment: str) -> dict[str, str]:
    """Return all that variables and files say to an environment's pip, by names as `index-url`.

    `interpreter` is the one that the environment was made for; its own file counts, too.
    """
    variables = dict(caller.environ)
    variables.update({n: value or "" for n, value in read_site_variables(caller, interpreter)})
    files = list_loaded_files(variables, caller.home or os.sep, environment)
    said = read_settings_of_files(files) or {}
    for name, value in variables.items():
        if name.startswith("PIP_") and value:
            said[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return said


def allows_system_packages(caller: Caller, interpreter: str) -> bool:
    """Tell whether pip was told to install into the system: then it refuses nothing."""
    return _is_set(caller, interpreter, _OVERRIDE)


def forbids_questions(caller: Caller, interpreter: str) -> bool:
    """Tell whether pip was told to ask nothing, other than on the command line."""
    return _is_set(caller, interpreter, "no-input")


def list_permitting_files(caller: Caller, interpreter: str) -> tuple[str, ...]:
    """Return the files that allow pip to change the system, in any of their sections."""
    files = list_loaded_files(caller.environ, caller.home or os.sep, prefix_of(interpreter))
    return tuple(path for path in files if _permits(path))


def name_variable(key: str) -> str:
    """Return the environment variable of a setting: `PIP_INDEX_URL` for `index-url`."""
    return f"PIP_{key.upper().replace('-', '_')}"


def make_variables(options: Sequence[Option]) -> dict[str, str]:
    """Return the variables that say the same to pip as general options do."""
    variables: dict[str, str] = {}
    for option in options:
        key = option.name.removeprefix("--")
        variable = name_variable(key)
        before = variables.get(variable, "")
        if key in _COUNTED:
            variables[variable] = str(int(before or 0) + 1)
        elif key in _COLLECTED:
            variables[variable] = f"{before} {option.value}".lstrip()
        else:
            variables[variable] = option.value or "1"
    return variables


def prefix_of(interpreter: str) -> str:
    """Return `sys.prefix` of an interpreter that is no virtual environment."""
    library = locate_standard_library(interpreter)
    return os.path.dirname(os.path.dirname(library)) if library else ""


def _list_shared_folders(environ: Mapping[str, str], home: str) -> list[str]:
    if sys.platform == "darwin":
        return ["/Library/Application Support/pip"]
    if os.name == "nt":
        return [os.path.join(environ.get("PROGRAMDATA", home), "pip")]
    shared = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    return [*(os.path.join(folder, "pip") for folder in shared.split(os.pathsep)), "/etc"]


def _list_user_folders(environ: Mapping[str, str], home: str) -> list[str]:
    if os.name == "nt":
        return [os.path.join(home, "pip"), os.path.join(environ.get("APPDATA", home), "pip")]
    own = os.path.join(environ.get("XDG_CONFIG_HOME") or f"{home}/.config", "pip")
    if sys.platform == "darwin" and os.path.isdir(f"{home}/Library/Application Support/pip"):
        own = f"{home}/Library/Application Support/pip"
    return [f"{home}/.pip", own]


def _permits(path: str) -> bool:
    parser = _read_files([path])
    sections = parser.sections() if parser else ()
    values = (parser.get(name, _OVERRIDE, fallback="") for name in sections) if parser else ()
    return any(map(parse_boolean, values))


def _is_set(caller: Caller, interpreter: str, key: str) -> bool:
    """Weigh as pip does: a variable more than every file."""
    prefix = prefix_of(interpreter)
    files = list_loaded_files(caller.environ, caller.home or os.sep, prefix)
    settings = read_settings_of_files(files)
    if settings is None:
        return True  # that pip says so itself
    said = caller.environ.get(name_variable(key)) or settings.get(key, "")
    return bool(parse_boolean(said))


def _read_files(paths: Iterable[str]) -> RawConfigParser | None:
    """Read files in rising order of weight; None where pip could not read them either."""
    import configparser

    class Parser(configparser.RawConfigParser):
        def optionxform(self, optionstr: str) -> str:
            """Spell a key as pip's `_normalize_name` does."""
            return optionstr.lower().replace("_", "-").removeprefix("--")

    parser = Parser()
    try:
        parser.read(paths, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return None
    return parser
