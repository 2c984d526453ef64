"""Tells which version of pipguard this is.

In: nothing. Out: the version as pyproject.toml has it, the one place where it stands.
"""

from __future__ import annotations

import os

DISTRIBUTION = "pipguard-shim"
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def locate_root() -> str:
    """Return the folder that the package lies in: a checkout, a copy of one, or site-packages."""
    return os.path.dirname(_PACKAGE)


def read_version() -> str:
    """Return the version: of the checkout or copy that this lies in, else of the distribution."""
    try:
        with open(os.path.join(locate_root(), "pyproject.toml"), "rb") as file:
            lines = file.read(4096).decode("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    is_ours = f'name = "{DISTRIBUTION}"' in lines
    found = [line.split('"')[1] for line in lines if is_ours and line.startswith('version = "')]
    if found:
        return found[0]
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


def describe_version() -> str:
    """Return the version and where this pipguard lies."""
    return f"pipguard {read_version()} from {_PACKAGE}"
