"""As root through sudo in a folder of the user who typed it: act as that user.

In: the caller. Out: who the owner is, and the caller as they would have been without sudo. Files
that root leaves in a user's project are files that the user's next pip cannot change. Never turns
anybody into somebody with more rights.
"""

from __future__ import annotations

import os

from pipguard.caller import Caller
from pipguard.doors import dataclass, replace
from pipguard.errors import PipguardError
from pipguard.process import become_user

# sudo drops most of these; where it was told to keep them they may name root's own places.
_PLACES = (
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
)
_TRACES = ("SUDO_COMMAND", "SUDO_GID", "SUDO_UID", "SUDO_USER")


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


def step_down(caller: Caller, owner: Owner) -> Caller:
    """Become the owner for the rest of this process; return the caller that they are.

    Raises `PipguardError` where they cannot even read us.
    """
    become_user(owner.name, owner.user_id, owner.group_id)
    here = os.path.dirname(__file__)
    if not os.access(caller.python, os.X_OK) or not os.access(here, os.R_OK | os.X_OK):
        problem = f"{owner.name} may not read pipguard, which lies in {here}"
        raise PipguardError(problem, "without sudo, a pipguard of their own serves them")
    dropped = {*_PLACES, *_TRACES}
    environ = {name: value for name, value in caller.environ.items() if name not in dropped}
    environ.update({"HOME": owner.home, "LOGNAME": owner.name, "USER": owner.name})
    home = os.path.realpath(owner.home)
    return replace(caller, environ=environ, home=home, user_id=owner.user_id)
