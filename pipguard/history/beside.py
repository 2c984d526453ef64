"""Notes beside what is in an environment where it came from: the log may be lost or shortened.

In: an environment's folder, distributions and the words of their origin. Out: the same again. Holds
no secrets. Only asked about an environment whose code is trusted, and its file only where nobody
else may write to it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from pipguard.environments.own_folder import find_own_folder, open_own_folder
from pipguard.system.private_files import read_private_file, write_private_file

_NAME = "origins.json"
_MOST_BYTES = 1024 * 1024

Origins = dict[str, dict[str, tuple[str, ...]]]
"""Normalised name and version to the words of `pip.origins.Origin`."""


def read_origins(environment: str) -> Origins:
    """Return what is noted; nothing where the file is missing, torn, or somebody else's."""
    folder = find_own_folder(environment)
    data = read_private_file(os.path.join(folder, _NAME), _MOST_BYTES) if folder else None
    try:
        document = json.loads(data or b"{}")
        return {
            str(name): {str(version): tuple(map(str, words)) for version, words in found.items()}
            for name, found in document.items()
        }
    except (ValueError, AttributeError, TypeError, RecursionError):
        return {}


def note_origins(environment: str, versions: Mapping[str, str], words: tuple[str, ...]) -> None:
    """Add where distributions came from; a note that cannot be written is still in the log."""
    folder = open_own_folder(environment)
    if folder:
        origins = read_origins(environment)
        for name, version in versions.items():
            origins.setdefault(name, {})[version] = words
        data = json.dumps(origins, indent=1, sort_keys=True).encode("ascii")
        write_private_file(os.path.join(folder, _NAME), data)
