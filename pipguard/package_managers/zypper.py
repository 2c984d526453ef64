"""zypper: openSUSE.

As on Fedora, packages say by `python3dist(NAME)` which project they hold; rpm answers about what
is installed.
"""

from __future__ import annotations

import re

from pipguard.package_managers.dnf import Rpm
from pipguard.package_managers.types import Found, keep_first

_SOLVABLE = re.compile(r"<solvable [^>]*>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_INSTALL = ("zypper", "--non-interactive", "install", "--no-recommends", "--oldpackage")
_EXACTLY = ("--provides", "--match-exact", "--details", "--type", "package", "--")


class Zypper(Rpm):
    """zypper and rpm."""

    name = "zypper"
    programs = ("zypper", "rpm")
    systems = frozenset({"suse", "opensuse"})
    refresh = ("zypper", "refresh")
    query_start = ("zypper", "--non-interactive", "--xmlout", "search", *_EXACTLY)
    install_start = (*_INSTALL, "--")
    rehearse_start = (*_INSTALL, "--dry-run", "--")
    remove_start = ("zypper", "--non-interactive", "remove", "--")
    reinstall_start = ("zypper", "--non-interactive", "install", "--force", "--")
    typed_install = ("zypper", "install")
    typed_remove = ("zypper", "remove")
    typed_reinstall = ("zypper", "install", "--force")

    def read_answer(self, answer: str) -> list[Found]:
        """Read XML in which the newest edition of each package comes first."""
        found = (dict(_ATTRIBUTE.findall(solvable)) for solvable in _SOLVABLE.findall(answer))
        return keep_first(Found(one.get("name", ""), one.get("edition", "")) for one in found)


MANAGER = Zypper()
