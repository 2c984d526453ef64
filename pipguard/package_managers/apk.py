"""apk: Alpine.

Packages are named `py3-` and the project, with few exceptions. apk keeps what others need.
"""

from __future__ import annotations

from pipguard.package_managers.types import Found, PackageManager, Words


class Apk(PackageManager):
    """apk."""

    name = "apk"
    programs = ("apk",)
    systems = frozenset({"alpine"})
    table = "alpine_packages.txt"
    answers_many = True
    prefix = "py3-"
    listing = ("apk", "info", "-v")
    refresh = ("apk", "update")
    query_start = ("apk", "search", "-x")
    query_installed_start = ("apk", "info", "-v", "-e")
    install_start = ("apk", "add")
    rehearse_start = ("apk", "add", "--simulate")
    remove_start = ("apk", "del")
    dependents_start = ("apk", "info", "-r")
    owner_start = ("apk", "info", "--who-owns")
    reinstall_start = ("apk", "fix", "--reinstall")
    typed_install = install_start
    typed_remove = remove_start
    typed_reinstall = reinstall_start

    def verify(self, package: str) -> Words:
        """Return the command that looks at every package: apk cannot look at one."""
        del package
        return ("apk", "audit", "--packages", "--system")

    def read_answer(self, answer: str) -> list[Found]:
        """Read `NAME-VERSION-rRELEASE`."""
        parts = (line.strip().rsplit("-", 2) for line in answer.splitlines())
        return [Found(p[0], f"{p[1]}-{p[2]}") for p in parts if len(p) == 3 and p[2][:1] == "r"]

    def read_installed(self, answer: str) -> list[Found]:
        """Read the same."""
        return self.read_answer(answer)

    def read_dependents(self, answer: str) -> list[str]:
        """Read a heading and then the packages, each with its version."""
        return sorted(found.package for found in self.read_answer(answer))

    def read_owner(self, answer: str) -> str:
        """Read `PATH is owned by NAME-1.0-r0`."""
        found = self.read_answer(answer.partition(" is owned by ")[2])
        return found[0].package if found else ""


MANAGER = Apk()
