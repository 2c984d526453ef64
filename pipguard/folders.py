"""Where we keep what is ours: cache, data, configuration.

In: the environment variables. Out: absolute paths, whether they exist or not, and empty ones where
nobody knows the home folder. On Linux these are the XDG folders by their own rules, because
platformdirs takes longer to import than a command may take; everywhere else platformdirs is asked.
Never creates anything, except `open_private_folder`, which is for that.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "pipguard"


def cache_folder(environ: Mapping[str, str], *inside: str) -> str:
    """Return the folder for what can be lost, or one inside it."""
    if _follows_xdg(environ):
        return _xdg_folder(environ, "XDG_CACHE_HOME", ".cache", inside)
    from platformdirs import PlatformDirs

    return os.path.join(PlatformDirs(_NAME, appauthor=False).user_cache_dir, *inside)


def data_folder(environ: Mapping[str, str], *inside: str) -> str:
    """Return the folder for what must not be lost, or one inside it."""
    if _follows_xdg(environ):
        return _xdg_folder(environ, "XDG_DATA_HOME", ".local/share", inside)
    from platformdirs import PlatformDirs

    return os.path.join(PlatformDirs(_NAME, appauthor=False).user_data_dir, *inside)


def state_folder(environ: Mapping[str, str]) -> str:
    """Return the folder for what the user may want to read later."""
    if _follows_xdg(environ):
        return _xdg_folder(environ, "XDG_STATE_HOME", ".local/state", ())
    from platformdirs import PlatformDirs

    return PlatformDirs(_NAME, appauthor=False).user_state_dir


def configuration_folders(environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the system's folder of settings and the user's."""
    if _follows_xdg(environ):
        shared = environ.get("XDG_CONFIG_DIRS", "").split(os.pathsep)
        system = next((path for path in shared if os.path.isabs(path)), "/etc/xdg")
        user = _xdg_folder(environ, "XDG_CONFIG_HOME", ".config", ())
        return os.path.join(system, _NAME), user
    from platformdirs import PlatformDirs

    folders = PlatformDirs(_NAME, appauthor=False)
    return folders.site_config_dir, folders.user_config_dir


def open_private_folder(path: str) -> bool:
    """Make the folder if need be, for the user alone; tell whether it is theirs to write to."""
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


def _follows_xdg(environ: Mapping[str, str]) -> bool:
    return sys.platform.startswith("linux") and "ANDROID_ROOT" not in environ


def _xdg_folder(
    environ: Mapping[str, str], variable: str, default: str, inside: tuple[str, ...]
) -> str:
    chosen = environ.get(variable, "")
    if not os.path.isabs(chosen):  # the specification wants such a value ignored
        home = _find_home(environ)
        if not home:
            return ""
        chosen = os.path.join(home, default)
    return os.path.join(chosen, _NAME, *inside)


def _find_home(environ: Mapping[str, str]) -> str:
    home = environ.get("HOME", "")
    if os.path.isabs(home):
        return home
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""
