"""Names the folder of the log, and that of the journals of running commands.

In: the caller. Out: paths, whether they exist or not. Every routed command looks whether there are
journals, so this imports hardly anything.
"""

from __future__ import annotations

import os

from pipguard.caller import Caller
from pipguard.system.folders import state_folder


def locate_log_folder(caller: Caller) -> str:
    """Return the folder of this user's log; empty where the home folder is not known.

    Root with somebody else's home folder (`sudo -E`) writes into its own: a file of root's there
    would be in its owner's way.
    """
    folder = state_folder(caller.environ)
    if caller.user_id == 0 and caller.home and _owner_of(caller.home) not in {0, None}:
        from pwd import getpwuid

        folder = os.path.join(getpwuid(0).pw_dir, ".local", "state", "pipguard")
    return folder if os.path.isabs(folder) else ""


def _owner_of(path: str) -> int | None:
    try:
        return os.stat(path).st_uid
    except OSError:
        return None


def locate_journals(log_folder: str) -> str:
    """Return the folder of the journals of running commands; empty where there is no log."""
    return os.path.join(log_folder, "running") if log_folder else ""
