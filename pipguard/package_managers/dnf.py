"""dnf: Fedora and its relatives (dnf 4 and 5).

Every rpm of a Python project provides `python3dist(NAME)` with the normalised name, so no name is
guessed.
"""

from __future__ import annotations

from pipguard.package_managers.types import PackageManager, Words

_INSTALLED = "%{NAME}\t%{VERSION}-%{RELEASE}\n"
_OFFERED = "%{name}\t%{version}-%{release}\n"


class Rpm(PackageManager):
    """What rpm answers, whichever manager installs."""

    listing: Words = ("rpm", "-qa", "--qf", _INSTALLED)
    query_installed_start: Words = ("rpm", "-q", "--qf", _INSTALLED, "--whatprovides")
    rehearse_removal_start: Words = ("rpm", "-e", "--test", "--")
    dependents_start: Words = rehearse_removal_start
    owner_start: Words = ("rpm", "-qf", "--qf", "%{NAME}\n", "--")
    verify_start: Words = ("rpm", "-V", "--")
    answers_on_stderr = True

    def guess_names(self, project: str) -> Words:
        """Return the capability that the project's package provides."""
        return (f"python3dist({project})",)

    def read_removal(self, answer: str) -> list[str]:
        """Read `x is needed by (installed) y-1.0`."""
        mark = " is needed by (installed) "
        return [line.partition(mark)[2].strip() for line in answer.splitlines() if mark in line]

    def read_dependents(self, answer: str) -> list[str]:
        """Read the same."""
        return sorted(set(self.read_removal(answer)))


class Dnf(Rpm):
    """dnf and rpm."""

    name = "dnf"
    programs = ("dnf", "rpm")
    systems = frozenset({"fedora", "rhel", "centos"})
    refresh = ("dnf", "makecache")
    query_start = (
        "dnf", "--quiet", "repoquery", "--latest-limit=1", "--qf", _OFFERED, "--whatprovides",
    )  # fmt: skip
    install_start = ("dnf", "--assumeyes", "install", "--")
    # --assumeno ends with 1 even where all is well; fetching changes nothing that is installed.
    rehearse_start = ("dnf", "--assumeyes", "install", "--downloadonly", "--")
    remove_start = ("dnf", "--assumeyes", "remove", "--noautoremove", "--")
    reinstall_start = ("dnf", "--assumeyes", "reinstall", "--")
    typed_install = ("dnf", "install")
    typed_remove = ("dnf", "remove")
    typed_reinstall = ("dnf", "reinstall")

    def pin(self, package: str, version: str) -> str:
        """Return `NAME-VERSION-RELEASE`."""
        return f"{package}-{version}"


MANAGER = Dnf()
