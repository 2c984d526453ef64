"""What pipguard knows by heart: names of projects and of packages, and signs in metadata.

In: a project's name, and the data files beside this one. Out: what is known, or None. Never asks an
index, never parses more lines than the answer needs.
"""

from __future__ import annotations

import os
from functools import cache

from pipguard.system.frozen import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypedDict, cast

    Kind = Literal["library", "application"]
    _Group = TypedDict(
        "_Group",
        {
            "weight": int,
            "meaning": str,
            "words": list[str],
            "in-summary-alone": bool,
            "excused-by": list[str],
        },
        total=False,
    )


else:

    def cast(_, value):
        """Stand in for `typing.cast` without importing it: every routed command comes here."""
        return value


FILES: dict[str, tuple[Kind, str]] = {
    "applications.txt": ("application", "an application ({})"),
    "libraries.txt": ("library", "a library"),
    "project_tools.txt": ("library", "a project tool ({})"),
    "both.txt": (
        "library",
        "imported as well as run; PIPGUARD_ROUTE=pipx takes its command for {}",
    ),
}
PATTERNS = "patterns.txt"


@dataclass(frozen=True, slots=True)
class Known:
    """What a data file says about a name, and the words in which it says so."""

    kind: Kind
    reason: str


@dataclass(frozen=True, slots=True)
class HostModule:
    """A name that makes sense only inside another program, or beside the system's packages."""

    needs_system: bool
    """Whether its environment must see the system's packages; `words` then say what it works
    with, else they are what people are told."""
    words: str


@dataclass(frozen=True, slots=True)
class SignGroup:
    """Words in metadata that mean the same, and what they weigh."""

    weight: int
    """Positive for an application, negative for a library."""
    meaning: str
    words: tuple[str, ...]
    in_summary_alone: bool = False
    """Whether the words count nowhere but in the summary."""
    excused_by: frozenset[str] = frozenset()
    """The meanings beside which this one does not count."""


def normalise_name(name: str) -> str:
    """Return the PEP 503 form of a project's name, without importing `re`."""
    unified = name.lower().replace("_", "-").replace(".", "-")
    return "-".join(part for part in unified.split("-") if part)


def read_requirement_name(requirement: str) -> str:
    """Return the normalised name at the start of a requirement."""
    for position, character in enumerate(requirement):
        if not (character.isalnum() or character in "-_."):
            return normalise_name(requirement[:position])
    return normalise_name(requirement)


def find_known(name: str) -> Known | None:
    """Look the name up: an exact entry wins over the family that the name belongs to."""
    wanted = normalise_name(name)
    for file, (kind, meaning) in FILES.items():
        reason = _find_said(file, wanted)
        if reason:
            return Known(kind, meaning.format(reason))
    family = _find_family(wanted)
    return Known("library", f"a library ({family})") if family else None


def matches_pattern(name: str, pattern: str) -> bool:
    """Match a normalised name against a pattern with one star, which stands for something."""
    start, _, end = pattern.partition("*")
    return len(name) > len(pattern) - 1 and name.startswith(start) and name.endswith(end)


def commands_of_dependencies() -> frozenset[str]:
    """Return the applications whose own commands come with a dependency (ansible)."""
    return _list_names("dependency_commands.txt")


def find_hosts(name: str) -> tuple[str, ...]:
    """Return the applications that a project is known to plug into, by normalised names."""
    wanted = normalise_name(name)
    for line in _read_data("plugins.txt").splitlines():
        pattern, _, hosts = line.partition("\t")
        if hosts and (pattern == wanted or ("*" in pattern and matches_pattern(wanted, pattern))):
            return tuple(hosts.split(", "))
    _, said, host = _find_family(wanted).partition("plugin of ")
    return (normalise_name(host),) if said else ()


def find_companies(name: str) -> tuple[str, ...]:
    """Return the applications that import a library only where it is beside them."""
    entry = _find_entry(_read_data("companions.txt"), normalise_name(name))
    return tuple(entry.split(", ")) if entry else ()


def find_host_module(name: str) -> HostModule | None:
    """Return what is known of a name that makes sense only beside a program or the system."""
    kind, _, words = _find_entry(_read_data("host_modules.txt"), normalise_name(name)).partition(
        "\t"
    )
    return HostModule(kind == "system", words) if words else None


def list_host_modules() -> frozenset[str]:
    """Return all names of which `find_host_module` knows something, normalised."""
    return _list_names("host_modules.txt")


def find_modules(name: str) -> tuple[str, ...]:
    """Return the modules that a project is imported as, as far as its name tells."""
    wanted = normalise_name(name)
    known = _find_entry(_read_data("import_names.txt"), wanted)
    return tuple(known.split(", ")) if known else (wanted.replace("-", "_"),)


def find_project_of_module(name: str) -> tuple[str, str]:
    """Return a module of that name, as it is spelled, and the project that it is of.

    Both are empty where that is the project's own name, or that of a known one: `docker` is a
    project, and a module of `docker-py`.
    """
    wanted = normalise_name(name)
    if find_known(wanted):
        return "", ""
    lines = (line.partition("\t") for line in _read_data("import_names.txt").splitlines())
    found = [
        (module, project)
        for project, tab, modules in lines
        for module in modules.split(", ")
        if tab and project != wanted == normalise_name(module)
    ]
    return min(found, key=lambda pair: len(pair[1]), default=("", ""))


def find_package_name(file: str, name: str) -> str:
    """Return the distribution's name for a project's package, empty where it is the usual one.

    `file` is a table of this folder; without one nothing is known.
    """
    return _find_said(file, normalise_name(name)) if file else ""


def is_package_of_another(file: str, package: str) -> bool:
    """Tell whether a package is known to hold a project that is not named like it.

    Debian's `python3-serial` is pyserial, not the project that is named `serial`.
    """
    return bool(file) and package in _list_packages(file)


@cache
def read_sign_groups(kind: str) -> tuple[SignGroup, ...]:
    """Return the groups of `phrases`, `classifiers`, `names` or `dependencies`, in their order."""
    return tuple(
        SignGroup(
            group["weight"],
            group["meaning"],
            tuple(group["words"]),
            group.get("in-summary-alone", False),
            frozenset(group.get("excused-by", ())),
        )
        for group in cast("list[_Group]", _read_signs()[kind])
    )


@cache
def read_sign_words(kind: str) -> tuple[str, ...]:
    """Return a list of words by its name in signals.toml, such as `program-verbs`."""
    return tuple(cast("list[str]", _read_signs()[kind]))


def _find_family(name: str) -> str:
    for line in _read_data(PATTERNS).splitlines():
        pattern, _, reason = line.partition("\t")
        if reason and matches_pattern(name, pattern):
            return reason
    return ""


@cache
def _list_packages(file: str) -> frozenset[str]:
    return frozenset(line.split("\t")[1] for line in _read_data(file).splitlines() if "\t" in line)


def _list_names(file: str) -> frozenset[str]:
    lines = _read_data(file).splitlines()
    return frozenset(line.partition("\t")[0] for line in lines if line and line[0] != "#")


def _find_said(file: str, name: str) -> str:
    # After what is said of a name come those who vouch for it, which are for maintainers.
    return _find_entry(_read_data(file), name).partition("\t")[0]


def _find_entry(text: str, name: str) -> str:
    # Finding one line by its borders costs microseconds; parsing thousands costs milliseconds.
    start = text.find(f"\n{name}\t")
    if start < 0 or not name:
        return ""
    start += len(name) + 2
    return text[start : text.index("\n", start)]


@cache
def _read_signs() -> dict[str, object]:
    from pipguard.system.toml import parse_toml

    return parse_toml(_read_data("signals.toml"))


@cache
def _read_data(file: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), file), encoding="utf-8") as data:
        return "\n" + data.read()
