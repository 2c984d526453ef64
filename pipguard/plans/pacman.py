"""pacman: Arch and its relatives. Pure: words to run, and what answers mean.

Packages are named `python-` and the project, with few exceptions. pacman itself refuses to remove
what others need.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipguard.plans.system import Found, Words, guess_by_prefix, read_fields
from pipguard.plans.system import read_nothing as read_removal
from pipguard.plans.system import rehearse_nothing as rehearse_removal

__all__ = ["read_removal", "rehearse_removal"]

NAME = "pacman"
PROGRAMS = ("pacman",)
NEEDS_ROOT = True
SYSTEMS = frozenset({"arch"})
LISTING = ("pacman", "-Q")
REFRESH = ("pacman", "-Syu")  # -Sy alone would make the next install a partial upgrade

_TABLE = "arch_packages.txt"


def guess_names(project: str) -> Words:
    # An application has its plain name, and then its package needs Python.
    return tuple(dict.fromkeys((*guess_by_prefix(_TABLE, "python-", project), project)))


def query(guess: str) -> Words:
    return ("pacman", "-Si", "--", guess)


def read_answer(answer: str) -> list[Found]:
    found = []
    for stanza in read_fields(answer):
        name, needs = stanza.get("Name", ""), stanza.get("Depends On", "").split()
        is_python = name.startswith("python-") or any(n.startswith("python") for n in needs)
        if name and stanza.get("Version"):
            found.append(Found(name, stanza["Version"], is_python))
    return found[:1]


def query_installed(guess: str) -> Words:
    return ("pacman", "-Q", "--", guess)


def read_installed(answer: str) -> list[Found]:
    lines = (line.split() for line in answer.splitlines())
    return [Found(line[0], line[1]) for line in lines if len(line) == 2]


def install(packages: Sequence[str], *, is_dry_run: bool = False) -> Words:
    mode = "--print" if is_dry_run else "--noconfirm"
    return ("pacman", "-S", "--needed", mode, "--", *packages)


def pin(package: str, version: str) -> str:
    """pacman knows no versions: what its repositories hold is what there is."""
    del version
    return package


def remove(packages: Sequence[str]) -> Words:
    return ("pacman", "-R", "--noconfirm", "--", *packages)


def query_dependents(package: str) -> Words:
    return ("pacman", "-Qi", "--", package)


def read_dependents(answer: str) -> list[str]:
    needed = [stanza.get("Required By", "") for stanza in read_fields(answer)[:1]]
    return [] if needed == ["None"] else sorted(" ".join(needed).split())


def query_owner(path: str) -> Words:
    return ("pacman", "-Qoq", "--", path)


def read_owner(answer: str) -> str:
    return answer.partition("\n")[0]


def verify(package: str) -> Words:
    return ("pacman", "-Qkk", "--", package)


def reinstall(package: str) -> Words:
    return ("pacman", "-S", "--noconfirm", "--", package)
