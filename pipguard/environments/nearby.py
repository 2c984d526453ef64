"""Tells quickly whether an environment could be near that `pip list` and the like might mean.

In: the words after `pip`, the current folder, the environment variables. Out: yes or no. A yes is
only a suspicion, and `follow` looks closely. A no is certain and costs a few looks at the disk:
everybody who runs these commands outside projects gets a no. Never opens a file, never imports
anything but `os`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OWN_FOLDER = ".pipguard"
"""In an environment: what pipguard keeps about it; only one that it filled has it."""

FOLLOW_UPS = frozenset({"check", "freeze", "inspect", "list", "show"})

MANAGER_FILES = frozenset(
    {
        ".pdm-python", "Pipfile", "hatch.toml", "pdm.lock", "pixi.lock", "pixi.toml", "poetry.lock",
        "pyproject.toml",
    }
)  # fmt: skip
"""What is in the root of a project whose manager may have made an environment elsewhere."""

# What is in the root of a project that has an environment, or says where it is.
_SIGNS = (".venv", "venv/pyvenv.cfg", "env/pyvenv.cfg", *MANAGER_FILES)
_CHOICES = ("VIRTUAL_ENV", "CONDA_PREFIX", "PIPGUARD_VENV")
# Where platformdirs puts data and configuration on Linux and macOS, and pipx its applications.
_OWN_PLACES = (
    "/etc/xdg/pipguard",
    "~/.config/pipguard",
    "~/.local/pipx/venvs",
    "~/.local/share/pipguard/personal",
    "~/.local/share/pipx/venvs",
    "~/Library/Application Support/pipguard",
)


def may_follow(argv: Sequence[str], environ: Mapping[str, str], directory: str) -> bool:
    """Tell whether the words may ask about packages that are in an environment."""
    if FOLLOW_UPS.isdisjoint(argv):
        return False
    if any(environ.get(name) for name in _CHOICES) or _has_sign(directory):
        return True
    return any(os.path.lexists(place) for place in _list_places(environ))


def _has_sign(folder: str) -> bool:
    while True:
        if any(os.path.lexists(os.path.join(folder, sign)) for sign in _SIGNS):
            return True
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent


def _list_places(environ: Mapping[str, str]) -> list[str]:
    places = [os.path.expanduser(place) for place in _OWN_PLACES]
    for name, entry in (
        ("XDG_CONFIG_HOME", "pipguard"),
        ("XDG_DATA_HOME", "pipguard/personal"),
        ("XDG_DATA_HOME", "pipx/venvs"),
        ("PIPX_HOME", "venvs"),
    ):
        if environ.get(name):
            places.append(os.path.join(environ[name], entry))
    places += [
        os.path.join(p, "pipguard") for p in environ.get("XDG_CONFIG_DIRS", "").split(":") if p
    ]
    return places
