"""apt: Debian, Ubuntu and what comes from them. Pure: words to run, and what answers mean.

Debian policy names a library's package `python3-` and its module, which mostly is the project;
where it is not, the table in `knowledge` says so. An application has its plain name, and then it
depends on Python.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipguard.plans.system import Found, Words, guess_by_prefix, read_fields

NAME = "apt"
PROGRAMS = ("apt-get", "apt-cache", "dpkg-query")
NEEDS_ROOT = True
SYSTEMS = frozenset({"debian", "ubuntu"})
LISTING = ("dpkg-query", "-W", "-f", "${binary:Package}\t${Version}\t${db:Status-Status}\n")
REFRESH = ("apt-get", "update")

_TABLE = "debian_packages.txt"


def guess_names(project: str) -> Words:
    # An application has its plain name, and then its package needs Python.
    return tuple(dict.fromkeys((*guess_by_prefix(_TABLE, "python3-", project), project)))


def query(guess: str) -> Words:
    return ("apt-cache", "show", "--no-all-versions", "--", guess)


def read_answer(answer: str) -> list[Found]:
    found = []
    for stanza in read_fields(answer):
        name = stanza.get("Package", "")
        is_python = name.startswith("python3-") or "python3" in stanza.get("Depends", "")
        if stanza.get("Version"):
            found.append(Found(name, stanza["Version"], is_python))
    return found[:1]


def query_installed(guess: str) -> Words:
    return (*LISTING, "--", guess)


def read_installed(answer: str) -> list[Found]:
    lines = (line.split("\t") for line in answer.splitlines())
    return [Found(line[0], line[1]) for line in lines if line[2:] == ["installed"]]


def install(packages: Sequence[str], *, is_dry_run: bool = False) -> Words:
    mode = "--simulate" if is_dry_run else "--yes"
    lock = "DPkg::Lock::Timeout=60"  # another apt is waited for: unattended upgrades are often on
    return ("apt-get", "install", mode, "--allow-downgrades", "-o", lock, "--", *packages)


def pin(package: str, version: str) -> str:
    return f"{package}={version}"


def remove(packages: Sequence[str]) -> Words:
    return ("apt-get", "remove", "--yes", "-o", "DPkg::Lock::Timeout=60", "--", *packages)


def rehearse_removal(packages: Sequence[str]) -> Words:
    return ("apt-get", "remove", "--simulate", "--", *packages)


def read_removal(answer: str) -> list[str]:
    lines = (line.split() for line in answer.splitlines())
    return [line[1] for line in lines if line[:1] == ["Remv"]]


def query_dependents(package: str) -> Words:
    return ("apt-cache", "rdepends", "--installed", "--important", "--", package)


def read_dependents(answer: str) -> list[str]:
    lines = answer.splitlines()[2:]  # the package itself and a heading come first
    return sorted({line.strip().lstrip("|") for line in lines})


def query_owner(path: str) -> Words:
    return ("dpkg-query", "-S", "--", path)


def read_owner(answer: str) -> str:
    # Several packages share a folder; a diversion is told in another form.
    names, found, _ = answer.partition(": /")
    first = names.partition(",")[0].partition(":")[0]
    return first if found and " " not in first else ""


def verify(package: str) -> Words:
    return ("dpkg", "--verify", "--", package)


def reinstall(package: str) -> Words:
    return ("apt-get", "install", "--reinstall", "--yes", "--", package)
