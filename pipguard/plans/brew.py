"""Homebrew: macOS, and Linux. Pure: words to run, and what answers mean.

It has few libraries, under the names of their projects; a formula counts when it needs Python.
Homebrew refuses to remove what others need, and to run as root.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from pipguard.knowledge import find_package_name, is_package_of_another
from pipguard.plans.system import Found, Words
from pipguard.plans.system import read_nothing as read_removal
from pipguard.plans.system import rehearse_nothing as rehearse_removal

__all__ = ["read_removal", "rehearse_removal"]

NAME = "brew"
PROGRAMS = ("brew",)
NEEDS_ROOT = False
SYSTEMS: frozenset[str] = frozenset()
LISTING = ("brew", "list", "--versions", "--formula")
REFRESH = ("brew", "update")

_TABLE = "homebrew_packages.txt"


def guess_names(project: str) -> Words:
    known = find_package_name(_TABLE, project)
    if known or is_package_of_another(_TABLE, project):
        return (known,) if known else ()
    return (project,)


def query(guess: str) -> Words:
    return ("brew", "info", "--json=v2", "--formula", guess)


def read_answer(answer: str) -> list[Found]:
    try:
        formulae = json.loads(answer)["formulae"]
        return [_read_formula(formula) for formula in formulae]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _read_formula(formula: dict[str, object]) -> Found:
    needed = (*_names(formula["dependencies"]), *_names(formula["build_dependencies"]))
    is_python = any(name.startswith("python") for name in needed)
    versions = formula["versions"]
    stable = versions["stable"] if isinstance(versions, dict) else ""
    return Found(str(formula["name"]), str(stable), is_python)


def _names(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else []


def query_installed(guess: str) -> Words:
    return ("brew", "list", "--versions", "--formula", guess)


def read_installed(answer: str) -> list[Found]:
    lines = (line.split() for line in answer.splitlines())
    return [Found(line[0], line[-1]) for line in lines if len(line) > 1]


def install(packages: Sequence[str], *, is_dry_run: bool = False) -> Words:
    return ("brew", "install", *(("--dry-run",) if is_dry_run else ()), *packages)


def pin(package: str, version: str) -> str:
    """Homebrew keeps no former versions: what its formulae say is what there is."""
    del version
    return package


def remove(packages: Sequence[str]) -> Words:
    return ("brew", "uninstall", *packages)


def query_dependents(package: str) -> Words:
    return ("brew", "uses", "--installed", package)


def read_dependents(answer: str) -> list[str]:
    return sorted(answer.split())


def query_owner(path: str) -> Words:
    del path
    return ()


def read_owner(answer: str) -> str:
    del answer
    return ""


def verify(package: str) -> Words:
    del package
    return ()


def reinstall(package: str) -> Words:
    return ("brew", "reinstall", package)
