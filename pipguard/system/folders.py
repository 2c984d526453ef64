"""Names the folders that pipguard keeps its own files in: cache, data, state, configuration.

In: the environment variables. Out: absolute paths, whether they exist or not; empty where the home
folder is not known. On Linux the XDG rules are applied here, because importing platformdirs takes
24 ms; elsewhere platformdirs is asked. Never creates a folder, except `open_private_folder`.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "pipguard"


def cache_folder(environ: Mapping[str, str], *inside: str) -> str:
    """Return the folder for what can be lost, or a folder in it."""
    return _user_folder(environ, ("XDG_CACHE_HOME", ".cache", "user_cache_dir"), *inside)


def data_folder(environ: Mapping[str, str], *inside: str) -> str:
    """Return the folder for what must not be lost, or a folder in it."""
    return _user_folder(environ, ("XDG_DATA_HOME", ".local/share", "user_data_dir"), *inside)


def state_folder(environ: Mapping[str, str]) -> str:
    """Return the folder for what the user may want to read later."""
    return _user_folder(environ, ("XDG_STATE_HOME", ".local/state", "user_state_dir"))


def configuration_folders(environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the system's folder of settings and the user's."""
    user = _user_folder(environ, ("XDG_CONFIG_HOME", ".config", "user_config_dir"))
    if not _follows_xdg(environ):
        return _ask_platformdirs("site_config_dir"), user
    shared = environ.get("XDG_CONFIG_DIRS", "").split(os.pathsep)
    system = next((path for path in shared if os.path.isabs(path)), "/etc/xdg")
    return os.path.join(system, _NAME), user


def open_private_folder(path: str) -> bool:
    """Make the folder if it is missing, for the user alone; tell whether they may write to it."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        return is_private(os.stat(path)) and os.access(path, os.W_OK)
    except OSError:
        return False


def is_private(status: os.stat_result) -> bool:
    """Tell whether a file or folder is the user's own and nobody else may write to it."""
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def has_free_space(path: str, size: int) -> bool:
    """Tell whether so many bytes can be written below a path, which need not exist yet.

    True where that cannot be told.
    """
    while path and not os.path.exists(path):
        path = os.path.dirname(path)
    try:
        status = os.statvfs(path)
    except (OSError, AttributeError):
        return True
    return status.f_bavail * status.f_frsize >= size


def list_names(folder: str) -> list[str]:
    """Return the sorted names in a folder; none where there is no such folder.

    Raises OSError where the folder is there and cannot be read: that is not the same as empty.
    """
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def list_readable_names(folder: str) -> list[str]:
    """Return the same, and no names for a folder that cannot be read.

    For signs that may be missed, never for what would be removed, replaced or reported as absent.
    """
    try:
        return list_names(folder)
    except OSError:
        return []


def _user_folder(environ: Mapping[str, str], kind: tuple[str, str, str], *inside: str) -> str:
    """Return a folder of the user's: `kind` is its variable, its default, platformdirs' name."""
    variable, default, attribute = kind
    if not _follows_xdg(environ):
        return os.path.join(_ask_platformdirs(attribute), *inside)
    chosen = environ.get(variable, "")
    if not os.path.isabs(chosen):  # the XDG specification wants a relative value ignored
        home = _find_home(environ)
        if not home:
            return ""
        chosen = os.path.join(home, default)
    return os.path.join(chosen, _NAME, *inside)


def _follows_xdg(environ: Mapping[str, str]) -> bool:
    return sys.platform.startswith("linux") and "ANDROID_ROOT" not in environ


def _ask_platformdirs(attribute: str) -> str:
    from platformdirs import PlatformDirs

    return str(getattr(PlatformDirs(_NAME, appauthor=False), attribute))


def _find_home(environ: Mapping[str, str]) -> str:
    home = environ.get("HOME", "")
    if os.path.isabs(home):
        return home
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""
