"""apt: Debian, Ubuntu and their derivatives.

Debian policy names a library's package `python3-` and its module, which mostly is the project;
where it is not, the table in `knowledge` says so, which has the applications' packages, too: a
plain name alone may be anything (Debian's `gsutil` is for telephones).
"""

from __future__ import annotations

from pipguard.package_managers.types import Found, PackageManager, Words

# Another apt is waited for: unattended upgrades are often on.
_WAITING: Words = ("-o", "DPkg::Lock::Timeout=60")
_LISTING: Words = (
    "dpkg-query", "-W", "-f", "${binary:Package}\t${Version}\t${db:Status-Status}\n"
)  # fmt: skip


class Apt(PackageManager):
    """apt-get, apt-cache and dpkg."""

    name = "apt"
    programs = ("apt-get", "apt-cache", "dpkg-query")
    systems = frozenset({"debian", "ubuntu"})
    table = "debian_packages.txt"
    answers_many = True
    prefix = "python3-"
    listing = _LISTING
    refresh = ("apt-get", "update")
    lists = "/var/lib/apt/lists"
    # Where apt keeps no cache (images), `show` takes half again as long.
    query_start = ("apt-cache", "policy", "--")
    query_installed_start = (*_LISTING, "--")
    install_start = ("apt-get", "install", "--yes", "--allow-downgrades", *_WAITING, "--")
    rehearse_start = ("apt-get", "install", "--simulate", "--allow-downgrades", *_WAITING, "--")
    remove_start = ("apt-get", "remove", "--yes", *_WAITING, "--")
    rehearse_removal_start = ("apt-get", "remove", "--simulate", "--")
    dependents_start = ("apt-cache", "rdepends", "--installed", "--important", "--")
    owner_start = ("dpkg-query", "-S", "--")
    verify_start = ("dpkg", "--verify", "--")
    reinstall_start = ("apt-get", "install", "--reinstall", "--yes", "--")
    typed_install = ("apt", "install")
    typed_remove = ("apt", "remove")
    typed_reinstall = ("apt", "install", "--reinstall")

    def read_answer(self, answer: str) -> list[Found]:
        """Read `NAME:` and below it `  Installed: VERSION` and `  Candidate: VERSION`.

        The candidate is what apt would install. Only known names and those of Python's are asked
        for, so that all that is found is Python's.
        """
        found, name, installed = [], "", ""
        for line in answer.splitlines():
            field, _, value = line.partition(": ")
            version = "" if value == "(none)" else value
            if not line.startswith(" "):
                name = line.removesuffix(":")
            elif field == "  Installed":
                installed = version
            elif field == "  Candidate" and version:
                found.append(Found(name, version, installed=installed))
        return found

    def read_installed(self, answer: str) -> list[Found]:
        """Read name, version and state; dpkg keeps what was removed in its list."""
        lines = (line.split("\t") for line in answer.splitlines())
        return [Found(line[0], line[1]) for line in lines if line[2:] == ["installed"]]

    def read_removal(self, answer: str) -> list[str]:
        """Read `Remv NAME [VERSION]`."""
        lines = (line.split() for line in answer.splitlines())
        return [line[1] for line in lines if line[:1] == ["Remv"]]

    def read_dependents(self, answer: str) -> list[str]:
        """Read the package itself, a heading, then one name a line."""
        return sorted({line.strip().lstrip("|") for line in answer.splitlines()[2:]})

    def read_owner(self, answer: str) -> str:
        """Read `NAME:ARCH, NAME: /PATH`: packages share folders. Of a diversion read nothing."""
        names, found, _ = answer.partition(": /")
        first = names.partition(",")[0].partition(":")[0]
        return first if found and " " not in first else ""


MANAGER = Apt()
