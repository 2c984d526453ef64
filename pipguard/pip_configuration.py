"""Which files configure pip, and what the one in the base interpreter's own prefix says.

In: the caller, an interpreter. Out: paths, and variables that say the same as a file. Follows
pip's `get_configuration_files` (pip 23.0 to 26.3). Never writes, never asks pip.
"""

from __future__ import annotations

import os
import sys

from pipguard.caller import Caller
from pipguard.real_pip import locate_standard_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from configparser import RawConfigParser

_FILE_NAME = "pip.ini" if os.name == "nt" else "pip.conf"
_OVERRIDE = "break-system-packages"
_TRUE = {"1", "on", "t", "true", "y", "yes"}


def locate_configuration_files(caller: Caller, interpreter: str) -> tuple[str, ...]:
    """Return every file that the interpreter's pip would read, whether it exists or not."""
    environ, home = caller.environ, caller.home or os.sep
    chosen = environ.get("PIP_CONFIG_FILE")
    if sys.platform == "darwin":
        folders = ["/Library/Application Support/pip", f"{home}/Library/Application Support/pip"]
    elif os.name == "nt":
        folders = [
            os.path.join(environ.get(name, home), "pip") for name in ("PROGRAMDATA", "APPDATA")
        ]
    else:
        shared = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        folders = ["/etc", *(os.path.join(folder, "pip") for folder in shared.split(os.pathsep))]
    folders.append(os.path.join(environ.get("XDG_CONFIG_HOME") or f"{home}/.config", "pip"))
    folders.append(os.path.join(home, "pip" if os.name == "nt" else ".pip"))
    folders.append(_prefix_of(interpreter))
    paths = (os.path.join(folder, _FILE_NAME) for folder in folders if folder)
    return (*paths, chosen) if chosen else tuple(paths)


def read_site_variables(caller: Caller, interpreter: str) -> tuple[tuple[str, str | None], ...]:
    """Return the settings of `sys.prefix`'s pip.conf as `PIP_*` variables that are not set yet.

    pip reads one configuration file from its `sys.prefix`; in an environment that is another one,
    so an index set there would be lost on the way, and private names with it.
    """
    path = os.path.join(_prefix_of(interpreter), _FILE_NAME)
    parser = _read_files([path]) if os.path.isfile(path) else None
    if parser is None:
        return ()  # the real pip has read it, too, and said so
    variables: dict[str, str | None] = {}
    for section in ("global", "install"):
        for key, value in parser.items(section) if parser.has_section(section) else ():
            variables[f"PIP_{key.upper().replace('-', '_')}"] = value
    return tuple((name, value) for name, value in variables.items() if name not in caller.environ)


def allows_system_packages(caller: Caller, interpreter: str) -> bool:
    """Tell whether pip was told to install into the system: then it refuses nothing."""
    return _is_set(caller, interpreter, _OVERRIDE)


def forbids_questions(caller: Caller, interpreter: str) -> bool:
    """Tell whether pip was told to ask nothing, other than on the command line."""
    return _is_set(caller, interpreter, "no-input")


def list_permitting_files(caller: Caller, interpreter: str) -> tuple[str, ...]:
    """Return the files that allow pip to change the system; one that cannot be read does not."""
    files = locate_configuration_files(caller, interpreter)
    return tuple(path for path in files if _permits(path))


def _permits(path: str) -> bool:
    parser = _read_files([path])
    if parser is None:
        return False
    return any(says_yes(parser.get(name, _OVERRIDE, fallback="")) for name in parser.sections())


def says_yes(value: str) -> bool:
    """Tell whether pip reads a value as true (its `strtobool`)."""
    return value.strip().lower() in _TRUE


def _is_set(caller: Caller, interpreter: str, key: str) -> bool:
    """Weigh as pip does: files in their order, `[install]` over `[global]`, variable over all."""
    files = locate_configuration_files(caller, interpreter)
    chosen = caller.environ.get("PIP_CONFIG_FILE")
    parser = _read_files(() if chosen == os.devnull else files)
    if parser is None:
        return True  # that pip says so itself
    said = caller.environ.get(f"PIP_{key.upper().replace('-', '_')}") or ""
    for section in ("install", "global"):
        said = said or parser.get(section, key, fallback="")
    return says_yes(said)


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


def _prefix_of(interpreter: str) -> str:
    """Return `sys.prefix` of an interpreter that is no virtual environment."""
    library = locate_standard_library(interpreter)
    return os.path.dirname(os.path.dirname(library)) if library else ""
