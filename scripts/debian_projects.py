"""Reads which projects Debian ships: in what packages, with which commands, needed by whom.

In: suites, first the one that counts, a mirror of Debian, a folder for apt's lists. Out: a
`ShippedProject` for each name, and a `Package` for each package's.
apt fetches the lists and checks their signatures; neither the machine's own lists nor anything
installed is touched. Raises `AptFailed`.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipguard.knowledge import normalise_name

SUITES = ("sid", "bookworm")
"""The newest, and the oldest whose Python refuses."""
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_CONTENTS = (
    r"MetaKey=$(COMPONENT)/Contents-$(ARCHITECTURE)",
    r"ShortDescription=Contents",
    r"Description=$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Contents",
    r"KeepCompressed=true",
)
_METADATA = re.compile(
    r"usr/(?:lib/python3(?:\.\d+)?/dist-packages|share/[^/]+|lib/[^/]+)"
    r"/(?P<name>[^/]+?)-(?P<version>[^/-]+?)(?:-py3[^/]*)?\.(?:dist|egg)-info(?:/|$)"
)
_ON_PATH = ("usr/bin/", "usr/games/", "usr/sbin/")
_REQUIRED = re.compile(r"(?:^|, |\| )([a-z0-9][a-z0-9.+-]+)")


class AptFailed(Exception):
    """apt could not fetch the lists, and said why."""


@dataclass(frozen=True)
class Package:
    """A binary package, as the list of packages has it."""

    name: str
    source: str
    description: str
    requires: tuple[str, ...]


@dataclass(frozen=True)
class ShippedProject:
    """A project as a suite ships it."""

    packages: tuple[str, ...]
    """Those that hold its metadata."""
    version: str
    """The distribution's own, from the name of its metadata."""
    description: str
    """What the packages are said to be, in a line."""
    programs: tuple[str, ...]
    """The packages of its source that have commands and are not named as a module's are."""
    has_commands: bool
    """Whether any package of its source puts a command on PATH."""
    dependents: int
    """How many other sources have packages that cannot be without it."""


@dataclass
class Contents:
    """What the lists of files say: distributions and commands, each with their packages."""

    packages: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    versions: dict[str, str] = field(default_factory=dict)
    with_commands: set[str] = field(default_factory=set)


def read_debian(
    folder: Path, suites: Sequence[str] = SUITES, mirror: str = ""
) -> tuple[dict[str, ShippedProject], dict[str, Package]]:
    """Return the projects of the suites by normalised name, and the packages by theirs.

    Both are told as the first suite has them that has them. The mirror is apt's own if not given.
    """
    mirror = mirror or find_mirror(os.environ)
    projects: dict[str, ShippedProject] = {}
    all_packages: dict[str, Package] = {}
    for suite in suites:
        lists = fetch_lists(folder / suite, suite, mirror)
        packages = {p.name: p for file in lists["Packages"] for p in parse_packages(_cat(file))}
        contents = Contents()
        for file in lists["Contents-deb"]:
            add_contents(contents, _cat(file))
        projects = {**describe_projects(contents, packages), **projects}
        all_packages = {**packages, **all_packages}
    return projects, all_packages


def find_mirror(environ: Mapping[str, str]) -> str:
    """Return the mirror that apt is set up with; raises `AptFailed`."""
    words = ["--format", "$(REPO_URI)", "Created-By: Packages", "Component: main"]
    for line in _run(["apt-get", "indextargets", *words], environ).splitlines():
        if "security" not in line and "updates" not in line:
            return line
    raise AptFailed("apt knows no mirror; run apt-get update, or name one")


def fetch_lists(folder: Path, suite: str, mirror: str) -> dict[str, list[str]]:
    """Have apt fetch the lists of a suite, and return their files by kind."""
    (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.list"
    sources.write_text(f"deb [signed-by={_KEYRING}] {mirror} {suite} main\n", encoding="utf-8")
    options = [
        f"Dir::Etc::SourceList={sources}", "Dir::Etc::SourceParts=/dev/null",
        f"Dir::State::Lists={folder / 'lists'}", f"Dir::Cache={folder}",
        "Acquire::Languages=none",
        *(f"Acquire::IndexTargets::deb::Contents-deb::{option}" for option in _CONTENTS),
    ]  # fmt: skip
    words = [word for option in options for word in ("-o", option)]
    _run(["apt-get", "-qq", *words, "--error-on=any", "update"])
    told = _run(["apt-get", *words, "indextargets", "--format", "$(CREATED_BY) $(FILENAME)"])
    lists = defaultdict(list)
    for line in told.splitlines():
        kind, _, file = line.partition(" ")
        lists[kind].append(file)
    return lists


def add_contents(contents: Contents, lines: Iterable[str]) -> None:
    """Add a list of files: on each line a path, blanks, and its packages after their sections."""
    for line in lines:
        is_command = line.startswith(_ON_PATH)
        if not is_command and "-info" not in line:
            continue
        path, _, sections = line.rstrip().rpartition(" ")
        packages = [section.rpartition("/")[2] for section in sections.split(",")]
        if is_command:
            contents.with_commands.update(packages)
        elif found := _METADATA.match(path.rstrip()):
            name = normalise_name(found["name"])
            contents.packages[name].update(packages)
            contents.versions[name] = found["version"]


def parse_packages(lines: Iterable[str]) -> Iterator[Package]:
    """Read stanzas of `Field: value` lines, each ended by an empty line."""
    fields: dict[str, str] = {}
    for line in (*lines, "\n"):
        if line == "\n" and fields:
            name = fields["Package"]
            source = fields.get("Source", name).partition(" ")[0]
            requires = tuple(_REQUIRED.findall(fields.get("Depends", "")))
            yield Package(name, source, fields.get("Description", ""), requires)
            fields = {}
        elif line[:1] not in " \n":
            key, _, value = line.partition(": ")
            fields[key] = value.strip()


def describe_projects(
    contents: Contents, packages: Mapping[str, Package]
) -> dict[str, ShippedProject]:
    """Put the two lists together."""
    siblings: dict[str, set[str]] = defaultdict(set)
    dependents: dict[str, set[str]] = defaultdict(set)
    for package in packages.values():
        siblings[package.source].add(package.name)
        for required in package.requires:
            dependents[required].add(package.source)
    projects = {}
    for name, holding in contents.packages.items():
        known = [packages[package] for package in sorted(holding) if package in packages]
        sources = {package.source for package in known}
        beside = set().union(*(siblings[source] for source in sources))
        with_commands = beside & contents.with_commands
        needing = set().union(*(dependents[package.name] for package in known)) - sources
        projects[name] = ShippedProject(
            tuple(package.name for package in known),
            contents.versions[name],
            ". ".join(package.description for package in known),
            tuple(sorted(item for item in with_commands if not item.startswith("python3-"))),
            bool(with_commands),
            len(needing),
        )
    return projects


def _cat(file: str) -> Iterator[str]:
    """Read a list as apt keeps it, compressed or not."""
    command = ["/usr/lib/apt/apt-helper", "cat-file", file]
    with subprocess.Popen(command, stdout=-1, encoding="utf-8", errors="replace") as process:
        assert process.stdout
        yield from process.stdout
    if process.returncode:
        raise AptFailed(f"{file} cannot be read")


def _run(command: Sequence[str], environ: Mapping[str, str] = os.environ) -> str:
    environ = {**environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    except OSError as error:
        raise AptFailed("there is no apt-get here") from error
    if done.returncode:
        raise AptFailed(done.stderr.strip())
    return done.stdout
