"""zypper: openSUSE. Pure: words to run, and what answers mean.

As on Fedora, packages say by `python3dist(NAME)` which project they hold; rpm answers about what
is installed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipguard.plans.dnf import (
    LISTING,
    guess_names,
    query_dependents,
    query_installed,
    query_owner,
    read_dependents,
    read_installed,
    read_owner,
    read_removal,
    rehearse_removal,
)
from pipguard.plans.system import Found, Words

__all__ = [
    "LISTING", "guess_names", "query_dependents", "query_installed", "query_owner",
    "read_dependents", "read_installed", "read_owner", "read_removal", "rehearse_removal",
]  # fmt: skip

NAME = "zypper"
PROGRAMS = ("zypper", "rpm")
NEEDS_ROOT = True
SYSTEMS = frozenset({"suse", "opensuse"})
REFRESH = ("zypper", "refresh")

_SOLVABLE = re.compile(r"<solvable [^>]*>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')


def query(guess: str) -> Words:
    options = ("--provides", "--match-exact", "--details", "--type", "package")
    return ("zypper", "--non-interactive", "--xmlout", "search", *options, "--", guess)


def read_answer(answer: str) -> list[Found]:
    newest: dict[str, Found] = {}  # the newest edition of each package comes first
    for solvable in _SOLVABLE.findall(answer):
        attributes = dict(_ATTRIBUTE.findall(solvable))
        name = attributes.get("name", "")
        newest.setdefault(name, Found(name, attributes.get("edition", "")))
    return list(newest.values())


def install(packages: Sequence[str], *, is_dry_run: bool = False) -> Words:
    mode = ("--dry-run",) if is_dry_run else ()
    options = ("--no-recommends", "--oldpackage", *mode)
    return ("zypper", "--non-interactive", "install", *options, "--", *packages)


def pin(package: str, version: str) -> str:
    return f"{package}={version}"


def remove(packages: Sequence[str]) -> Words:
    return ("zypper", "--non-interactive", "remove", "--", *packages)


def verify(package: str) -> Words:
    return ("rpm", "-V", "--", package)


def reinstall(package: str) -> Words:
    return ("zypper", "--non-interactive", "install", "--force", "--", package)
