"""apk: Alpine. Pure: words to run, and what answers mean.

Packages are named `py3-` and the project, with few exceptions. apk keeps what others need.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipguard.plans.system import Found, Words, guess_by_prefix
from pipguard.plans.system import read_nothing as read_removal
from pipguard.plans.system import rehearse_nothing as rehearse_removal

__all__ = ["read_removal", "rehearse_removal"]

NAME = "apk"
PROGRAMS = ("apk",)
NEEDS_ROOT = True
SYSTEMS = frozenset({"alpine"})
LISTING = ("apk", "info", "-v")
REFRESH = ("apk", "update")

_TABLE = "alpine_packages.txt"


def guess_names(project: str) -> Words:
    return guess_by_prefix(_TABLE, "py3-", project)


def query(guess: str) -> Words:
    return ("apk", "search", "-x", guess)


def read_answer(answer: str) -> list[Found]:
    parts = (line.strip().rsplit("-", 2) for line in answer.splitlines())
    return [Found(p[0], f"{p[1]}-{p[2]}") for p in parts if len(p) == 3 and p[2][:1] == "r"]


def query_installed(guess: str) -> Words:
    return ("apk", "info", "-v", "-e", guess)


def read_installed(answer: str) -> list[Found]:
    return read_answer(answer)


def install(packages: Sequence[str], *, is_dry_run: bool = False) -> Words:
    return ("apk", "add", *(("--simulate",) if is_dry_run else ()), *packages)


def pin(package: str, version: str) -> str:
    return f"{package}={version}"


def remove(packages: Sequence[str]) -> Words:
    return ("apk", "del", *packages)


def query_dependents(package: str) -> Words:
    return ("apk", "info", "-r", package)


def read_dependents(answer: str) -> list[str]:
    """Read a heading and then the packages, each with its version."""
    return sorted(found.package for found in read_answer(answer))


def query_owner(path: str) -> Words:
    return ("apk", "info", "--who-owns", path)


def read_owner(answer: str) -> str:
    """Read `PATH is owned by NAME-1.0-r0`."""
    found = read_answer(answer.partition(" is owned by ")[2])
    return found[0].package if found else ""


def verify(package: str) -> Words:
    del package
    return ("apk", "audit", "--packages", "--system")


def reinstall(package: str) -> Words:
    return ("apk", "fix", "--reinstall", package)
