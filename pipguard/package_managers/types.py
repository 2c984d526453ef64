"""What every package manager can do, and the values that are exchanged with it.

In: names of projects and packages. Out: commands to run, and what their answers mean. Pure: each
manager is a class of constants and short functions in a file of its own; `queries` runs them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipguard.classification.targets import Target
from pipguard.knowledge import find_known, find_package_name, is_package_of_another
from pipguard.system.frozen import dataclass

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A package that a manager answered with."""

    package: str
    version: str
    is_python: bool = True
    """Whether it has to do with Python, as far as the answer tells."""
    installed: str | None = None
    """The version that is installed, empty when it is not; None where the answer does not tell."""


@dataclass(frozen=True, slots=True)
class SystemPackage:
    """What the operating system has of one target."""

    target: Target
    package: str = ""
    """Its name there, empty where there is none."""
    version: str = ""
    """The distribution's own, with epoch and revision."""
    public_version: str = ""
    """The project's own in it (PEP 440), empty where it cannot be told."""
    installed: str = ""
    """The distribution's version that is installed, empty when it is not."""
    others: Words = ()
    """Packages that hold the same project, where it is not clear which one is meant."""


@dataclass(frozen=True, slots=True)
class ServingPackage:
    """The operating system's package of a project, in words; empty where there is none."""

    words: str = ""
    advice: str = ""
    """What to do where pip cannot install the project."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the operating system's package manager can do for a command."""

    manager: str = ""
    """Its name; empty where none can serve, and `problem` says why."""
    program: str = ""
    packages: tuple[SystemPackage, ...] = ()
    problem: str = ""
    hint: str = ""
    command: str = ""
    """What the user would type, with `sudo` where it takes that."""
    is_allowed: bool = True
    """Whether it can be done: as root, or by sudo where a person can be asked."""
    sudo: str = ""
    taken_along: Words = ()
    """What a removal would remove besides."""


class PackageManager:
    """A package manager; a class for one sets the constants and overrides what differs.

    An empty command means that the manager cannot be asked that.
    """

    name: str
    """The name that users know it by."""
    programs: Words
    """What must be on PATH; the first is the one that installs."""
    systems: frozenset[str] = frozenset()
    """Whose manager it is, as ID and ID_LIKE of os-release say."""
    needs_root = True
    """Whether only root can install; one that does not need root does not run as root."""
    table = ""
    """The file in `knowledge` with the package names that differ from the usual ones."""
    prefix = ""
    """What the usual package names begin with."""
    has_plain_names = False
    """Whether an application's package that the table lacks has the project's name alone."""
    answers_many = False
    """Whether one query answers for several names, each by its own name alone."""
    keeps_versions = True
    """Whether a former version can be asked for."""
    answers_on_stderr = False
    """Whether the answer to a rehearsed removal is on stderr."""

    listing: Words
    """Lists what is installed: name, version and perhaps `installed`."""
    refresh: Words
    """Fetches the list of what there is."""
    lists: str = ""
    """The folder of the lists that `refresh` fetches, where an empty one means that nobody can
    tell what there is."""
    query_start: Words
    """Asks for what could be installed under a name."""
    query_installed_start: Words
    """Asks for what is installed under a name."""
    install_start: Words
    """Installs packages, asking nothing."""
    rehearse_start: Words
    """Tells whether an install would succeed, and changes nothing."""
    remove_start: Words
    """Removes packages, asking nothing."""
    rehearse_removal_start: Words = ()
    """Tells what else a removal would remove; empty where it removes nothing else."""
    dependents_start: Words
    """Asks which installed packages need this one."""
    owner_start: Words = ()
    """Asks which package a file belongs to."""
    verify_start: Words = ()
    """Names a package's missing and changed files."""
    reinstall_start: Words
    """Puts a package's files back."""
    typed_install: Words
    """What a person types to install packages."""
    typed_remove: Words
    """What a person types to remove packages."""
    typed_reinstall: Words
    """What a person types to put a package's files back."""

    def guess_names(self, project: str) -> Words:
        """Return what a project may be called here, best first."""
        known, usual = find_package_name(self.table, project), f"{self.prefix}{project}"
        usual = "" if is_package_of_another(self.table, usual) else usual
        # Where no table tells, an application's package has its plain name (so has much else).
        entry = find_known(project) if self.has_plain_names else None
        plain = project if entry and entry.kind == "application" else ""
        return tuple(dict.fromkeys(name for name in (known, usual, plain) if name))

    def read_answer(self, answer: str) -> list[Found]:
        """Return what the query's answer names."""
        return read_columns(answer)

    def read_installed(self, answer: str) -> list[Found]:
        """Return what the answer about installed packages names."""
        return read_columns(answer)

    def pin(self, package: str, version: str) -> str:
        """Return the word for a package at a version."""
        return f"{package}={version}" if self.keeps_versions else package

    def verify(self, package: str) -> Words:
        """Return the command that names a package's missing and changed files; may be empty."""
        return (*self.verify_start, package) if self.verify_start else ()

    def read_removal(self, answer: str) -> list[str]:
        """Return the packages that the rehearsed removal names."""
        del answer
        return []

    def read_dependents(self, answer: str) -> list[str]:
        """Return the packages that the answer about dependents names."""
        return sorted(answer.split())

    def read_owner(self, answer: str) -> str:
        """Return the package that the answer about a file names, empty without one."""
        line = answer.partition("\n")[0]
        return "" if " " in line else line


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


def keep_first(found: Iterable[Found]) -> list[Found]:
    """Return the first of each package: managers name the newest edition first."""
    first: dict[str, Found] = {}
    for one in found:
        first.setdefault(one.package, one)
    return list(first.values())


def read_columns(answer: str, separator: str | None = "\t") -> list[Found]:
    """Return lines of a name and a version, each package once."""
    lines = (line.split(separator) for line in answer.splitlines())
    return list(dict.fromkeys(Found(line[0], line[1]) for line in lines if len(line) == 2))
