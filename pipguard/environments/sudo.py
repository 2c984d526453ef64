"""Restarts a command as the user who typed sudo, when it runs as root in that user's folder.

In: the caller. Out: that user, or our own command in this process, started by them. Files that root
leaves in a user's project are files that the user's next pip cannot change. Never gives anybody
more rights.
"""

from __future__ import annotations

import os
from typing import NoReturn

from pipguard.caller import Caller
from pipguard.errors import PipguardError
from pipguard.system.frozen import dataclass
from pipguard.system.processes import become_user, replace_process

# sudo drops most of these; where it was told to keep them they may name root's own folders.
_FOLDER_VARIABLES = (
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
)
_SUDO_VARIABLES = ("SUDO_COMMAND", "SUDO_GID", "SUDO_UID", "SUDO_USER")


@dataclass(frozen=True, slots=True)
class Owner:
    """The user who typed sudo."""

    name: str
    user_id: int
    group_id: int
    home: str


def find_owner(caller: Caller) -> Owner | None:
    """Return the user behind sudo where the current folder is theirs; None everywhere else."""
    written = caller.environ.get("SUDO_UID", "")
    if caller.user_id != 0 or not written.isdecimal() or int(written) == 0:
        return None
    import pwd

    try:
        entry = pwd.getpwuid(int(written))
        if os.stat(caller.directory).st_uid != entry.pw_uid:
            return None
    except (KeyError, OSError):
        return None
    return Owner(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)


def start_as(caller: Caller, owner: Owner) -> NoReturn:
    """Start this command anew as the owner, with their home and their settings.

    Raises `PipguardError` where they cannot start it: they may not be able to read root's pipguard.
    """
    dropped = {*_FOLDER_VARIABLES, *_SUDO_VARIABLES}
    environ = {name: value for name, value in caller.environ.items() if name not in dropped}
    environ.update({"HOME": owner.home, "LOGNAME": owner.name, "USER": owner.name})
    path = os.path.join(caller.directory, caller.itself)
    become_user(owner.name, owner.user_id, owner.group_id)
    try:
        replace_process([path, *caller.argv], environ)
    except OSError as error:
        problem = f"{owner.name} cannot start {path}: {error.strerror}"
        raise PipguardError(problem, "without sudo, a pipguard of their own serves them") from error
