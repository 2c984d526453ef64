"""dnf: Fedora and its relatives. Pure: words to run, and what answers mean.

Every rpm of a Python project provides `python3dist(NAME)` with the normalised name, so nothing is
guessed (dnf 4 and 5).
"""

from __future__ import annotations

from collections.abc import Sequence

from pipguard.plans.system import Found, Words, read_columns

NAME = "dnf"
PROGRAMS = ("dnf", "rpm")
NEEDS_ROOT = True
SYSTEMS = frozenset({"fedora", "rhel", "centos"})
LISTING = ("rpm", "-qa", "--qf", "%{NAME}\t%{VERSION}-%{RELEASE}\n")
REFRESH = ("dnf", "makecache")

_FORMAT = "%{name}\t%{version}-%{release}\n"


def guess_names(project: str) -> Words:
    return (f"python3dist({project})",)


def query(guess: str) -> Words:
    newest = ("--latest-limit=1", "--qf", _FORMAT)
    return ("dnf", "--quiet", "repoquery", *newest, "--whatprovides", guess)


def read_answer(answer: str) -> list[Found]:
    return read_columns(answer)


def query_installed(guess: str) -> Words:
    return ("rpm", "-q", "--qf", LISTING[-1], "--whatprovides", guess)


def read_installed(answer: str) -> list[Found]:
    return read_columns(answer)


def install(packages: Sequence[str], *, is_dry_run: bool = False) -> Words:
    # --assumeno ends with 1 even where all is well; fetching changes nothing that is installed.
    mode = ("--downloadonly",) if is_dry_run else ()
    return ("dnf", "--assumeyes", "install", *mode, "--", *packages)


def pin(package: str, version: str) -> str:
    return f"{package}-{version}"


def remove(packages: Sequence[str]) -> Words:
    return ("dnf", "--assumeyes", "remove", "--noautoremove", "--", *packages)


def rehearse_removal(packages: Sequence[str]) -> Words:
    return ("rpm", "-e", "--test", "--", *packages)


def read_removal(answer: str) -> list[str]:
    """Read rpm's `x is needed by (installed) y-1.0`."""
    mark = " is needed by (installed) "
    return [line.partition(mark)[2].strip() for line in answer.splitlines() if mark in line]


def query_dependents(package: str) -> Words:
    return rehearse_removal((package,))


def read_dependents(answer: str) -> list[str]:
    return sorted(set(read_removal(answer)))


def query_owner(path: str) -> Words:
    return ("rpm", "-qf", "--qf", "%{NAME}\n", "--", path)


def read_owner(answer: str) -> str:
    line = answer.partition("\n")[0]
    return "" if " " in line else line


def verify(package: str) -> Words:
    return ("rpm", "-V", "--", package)


def reinstall(package: str) -> Words:
    return ("dnf", "--assumeyes", "reinstall", "--", package)
