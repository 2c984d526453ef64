"""The folder in an environment in which pipguard keeps what is about that environment.

In: an environment. Out: a folder in its `.pipguard`, for the user alone. Removed with the
environment; where somebody else may write to it, it is as good as missing.
"""

from __future__ import annotations

import os

from pipguard.environments.nearby import OWN_FOLDER
from pipguard.system.folders import is_private, open_private_folder


def open_own_folder(environment: str, *inside: str) -> str:
    """Return the folder, made where it is missing; empty where that cannot be."""
    path = os.path.join(environment, OWN_FOLDER)
    for name in ("", *inside):
        path = os.path.join(path, name)
        if not open_private_folder(path):
            return ""
    return path


def find_own_folder(environment: str, *inside: str) -> str:
    """Return the folder; empty where there is none or it is not the user's alone."""
    path = os.path.join(environment, OWN_FOLDER)
    for name in ("", *inside):
        path = os.path.join(path, name)
        try:
            if os.path.islink(path.rstrip(os.sep)) or not is_private(os.stat(path)):
                return ""
        except OSError:
            return ""
    return path
