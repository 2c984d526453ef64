"""Homebrew: macOS, and Linux.

It has few libraries, under the names of their projects; a formula counts when it needs Python.
Homebrew refuses to remove what others need, refuses to run as root, and keeps no former versions.
"""

from __future__ import annotations

import json

from pipguard.knowledge import find_package_name, is_package_of_another
from pipguard.package_managers.types import Found, PackageManager, Words


class Brew(PackageManager):
    """brew."""

    name = "brew"
    programs = ("brew",)
    needs_root = False
    table = "homebrew_packages.txt"
    keeps_versions = False
    listing = ("brew", "list", "--versions", "--formula")
    refresh = ("brew", "update")
    query_start = ("brew", "info", "--json=v2", "--formula")
    query_installed_start = listing
    install_start = ("brew", "install")
    rehearse_start = ("brew", "install", "--dry-run")
    remove_start = ("brew", "uninstall")
    dependents_start = ("brew", "uses", "--installed")
    reinstall_start = ("brew", "reinstall")
    typed_install = install_start
    typed_remove = remove_start
    typed_reinstall = reinstall_start

    def guess_names(self, project: str) -> Words:
        """Return the known name, or the project's own unless that is another project's formula."""
        known = find_package_name(self.table, project)
        if known or is_package_of_another(self.table, project):
            return (known,) if known else ()
        return (project,)

    def read_answer(self, answer: str) -> list[Found]:
        """Read `brew info --json=v2`."""
        try:
            return [_read_formula(formula) for formula in json.loads(answer)["formulae"]]
        except (ValueError, KeyError, TypeError, AttributeError):
            return []

    def read_installed(self, answer: str) -> list[Found]:
        """Read `NAME VERSION…`; the last version is the newest."""
        lines = (line.split() for line in answer.splitlines())
        return [Found(line[0], line[-1]) for line in lines if len(line) > 1]


def _read_formula(formula: dict[str, object]) -> Found:
    needed = (*_names(formula["dependencies"]), *_names(formula["build_dependencies"]))
    is_python = any(name.startswith("python") for name in needed)
    versions = formula["versions"]
    stable = versions["stable"] if isinstance(versions, dict) else ""
    return Found(str(formula["name"]), str(stable), is_python)


def _names(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else []


MANAGER = Brew()
