"""The operating system's packages: what its package manager offers, installs and removes.

In: a `ToSystem` route and the manager that serves it. Out: a `Plan`. Pure. Each manager is one
file beside this one, a module with the names of `PackageManager`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pipguard.knowledge import find_package_name, is_package_of_another
from pipguard.parse import PipCommand
from pipguard.plans import Plan, Step
from pipguard.route import ToSystem

Words = tuple[str, ...]


class Found(NamedTuple):
    """A package that a manager answered with."""

    package: str
    version: str
    is_python: bool = True
    """Whether it has to do with Python, as far as the answer tells."""


class PackageManager(Protocol):
    """What a module for one package manager offers."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of a module
        """The name that users know it by."""

    @property
    def PROGRAMS(self) -> Words:  # noqa: N802
        """What must be on PATH; the first is the one that installs."""

    @property
    def NEEDS_ROOT(self) -> bool:  # noqa: N802
        """Whether only root can install; one that does not need root does not take it."""

    @property
    def SYSTEMS(self) -> frozenset[str]:  # noqa: N802
        """Whose manager it is, as ID and ID_LIKE of os-release say."""

    @property
    def LISTING(self) -> Words:  # noqa: N802
        """The words that list what is installed: name, version and perhaps `installed`."""

    @property
    def REFRESH(self) -> Words:  # noqa: N802
        """The words that fetch the list of what there is."""

    def guess_names(self, project: str) -> Words:
        """Return what a project may be called here, best first."""

    def query(self, guess: str) -> Words:
        """Return the words that ask for what could be installed under a name."""

    def read_answer(self, answer: str) -> list[Found]:
        """Return what the query's answer names."""

    def query_installed(self, guess: str) -> Words:
        """Return the words that ask for what is installed under a name."""

    def read_installed(self, answer: str) -> list[Found]:
        """Return what the answer about installed packages names."""

    def install(self, packages: Sequence[str], *, is_dry_run: bool = False) -> Words:
        """Return the words that install packages."""

    def pin(self, package: str, version: str) -> str:
        """Return the word for a package at a version."""

    def remove(self, packages: Sequence[str]) -> Words:
        """Return the words that remove packages."""

    def rehearse_removal(self, packages: Sequence[str]) -> Words:
        """Return the words that tell what else a removal would take; empty where it takes none."""

    def read_removal(self, answer: str) -> list[str]:
        """Return the packages that the rehearsal names."""

    def query_dependents(self, package: str) -> Words:
        """Return the words that ask which installed packages need this one."""

    def read_dependents(self, answer: str) -> list[str]:
        """Return the packages that the answer names."""

    def query_owner(self, path: str) -> Words:
        """Return the words that ask which package a file belongs to."""

    def read_owner(self, answer: str) -> str:
        """Return the package that the answer names, empty without one."""

    def verify(self, package: str) -> Words:
        """Return the words that name a package's missing and changed files; may be empty."""

    def reinstall(self, package: str) -> Words:
        """Return the words that put a package's files back."""


def plan_system(route: ToSystem, command: PipCommand, manager: PackageManager) -> Plan:
    """Return the one command that the package manager is given."""
    packages = [package.package for package in route.packages]
    if command.subcommand == "uninstall":
        # pip asks before it takes away; the package manager is told not to, so that we can.
        asks = not command.has("--yes")
        words, purpose = manager.remove(packages), "remove them"
    else:
        asks = False
        words, purpose = manager.install(packages), "install them"
    words = (route.program, *words[1:])
    # pip's uninstall ends well when the answer is no; an install that was not done has failed.
    status = 0 if command.subcommand == "uninstall" else 1
    return Plan("system", (make_step(purpose, words, route.sudo, asks=asks),), exit_status=status)


def make_step(purpose: str, words: Words, sudo: str, *, asks: bool) -> Step:
    """Return a step in a package manager; `sudo` is its path where it is needed, which asks, too.

    What a package manager says goes to stderr, for stdout is pip's alone.
    """
    words = (sudo, *words) if sudo else words
    question = f"pipguard: run `{shlex.join(words)}`? (Y/n) " if sudo or asks else ""
    variables = (("DEBIAN_FRONTEND", "noninteractive"),)
    return Step(purpose, words, variables, "aside", "", question)


_PUBLIC = re.compile(r"\d+(\.\d+)*((a|b|rc|alpha|beta|pre|dev|post)\.?\d+)?(\.(post|dev)\d+)?")
_REALLY = re.compile(r".*\+really")
_SUFFIX = re.compile(r"[~^_.-]?(alpha|beta|a|b|rc|pre|dev)[._-]?(?=\d)")


def public_version(text: str) -> str:
    """Return the project's own version in a distribution's: `1:2.28~rc1+dfsg-1` is `2.28rc1`.

    Epoch, revision and what the packagers cut out are theirs; empty where nothing is left.
    """
    upstream = _REALLY.sub("", text.partition(":")[2] or text)
    upstream = _SUFFIX.sub(r"\1", upstream.lower())
    found = _PUBLIC.match(upstream.removeprefix("v"))
    return found[0] if found else ""


def guess_by_prefix(table: str, prefix: str, project: str) -> Words:
    """Return the name that the table knows, and the usual one unless it is another project's."""
    known, usual = find_package_name(table, project), f"{prefix}{project}"
    guesses = (known, "" if is_package_of_another(table, usual) else usual)
    return tuple(guess for guess in guesses if guess)


def rehearse_nothing(packages: Sequence[str]) -> Words:
    """Stand in for a manager that keeps what others need by itself."""
    del packages
    return ()


def read_nothing(answer: str) -> list[str]:
    """Read the rehearsal of a manager that needs none."""
    del answer
    return []


def read_fields(answer: str, separator: str = ":") -> list[dict[str, str]]:
    """Return the stanzas of an answer in `Field: value` lines; the first field opens a new one."""
    stanzas: list[dict[str, str]] = []
    first = ""
    for line in answer.splitlines():
        name, mark, value = line.partition(separator)
        name = name.strip()
        if not mark or line[:1].isspace() or not name:
            continue
        first = first or name
        if name == first:
            stanzas.append({})
        stanzas[-1].setdefault(name, value.strip())
    return stanzas


def read_columns(answer: str) -> list[Found]:
    """Return lines of a name and a version, each package once."""
    lines = (line.split("\t") for line in answer.splitlines())
    return list(dict.fromkeys(Found(line[0], line[1]) for line in lines if len(line) == 2))
