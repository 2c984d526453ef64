"""pacman: Arch and its relatives.

Packages are named `python-` and the project, with few exceptions. pacman itself refuses to remove
what others need, and knows one version of each package: the one in its repositories.
"""

from __future__ import annotations

from pipguard.package_managers.types import (
    Found,
    PackageManager,
    keep_first,
    read_columns,
    read_fields,
)


class Pacman(PackageManager):
    """pacman."""

    name = "pacman"
    programs = ("pacman",)
    systems = frozenset({"arch"})
    table = "arch_packages.txt"
    answers_many = True
    prefix = "python-"
    has_plain_names = True
    keeps_versions = False
    listing = ("pacman", "-Q")
    refresh = ("pacman", "-Syu")  # -Sy alone would make the next install a partial upgrade
    query_start = ("pacman", "-Si", "--")
    query_installed_start = ("pacman", "-Q", "--")
    install_start = ("pacman", "-S", "--needed", "--noconfirm", "--")
    rehearse_start = ("pacman", "-S", "--needed", "--print", "--")
    remove_start = ("pacman", "-R", "--noconfirm", "--")
    dependents_start = ("pacman", "-Qi", "--")
    owner_start = ("pacman", "-Qoq", "--")
    verify_start = ("pacman", "-Qkk", "--")
    reinstall_start = ("pacman", "-S", "--noconfirm", "--")
    typed_install = ("pacman", "-S")
    typed_remove = ("pacman", "-R")
    typed_reinstall = ("pacman", "-S")

    def read_answer(self, answer: str) -> list[Found]:
        """Read stanzas; a package is Python's by its name or by what it depends on."""
        found = []
        for stanza in read_fields(answer):
            name, needs = stanza.get("Name", ""), stanza.get("Depends On", "").split()
            is_python = name.startswith("python-") or any(n.startswith("python") for n in needs)
            if name and stanza.get("Version"):
                found.append(Found(name, stanza["Version"], is_python))
        return keep_first(found)

    def read_installed(self, answer: str) -> list[Found]:
        """Read `NAME VERSION`."""
        return read_columns(answer, None)

    def read_dependents(self, answer: str) -> list[str]:
        """Read the names after `Required By`."""
        needed = [stanza.get("Required By", "") for stanza in read_fields(answer)[:1]]
        return [] if needed == ["None"] else sorted(" ".join(needed).split())


MANAGER = Pacman()
