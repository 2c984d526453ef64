"""What is installed in a place that a command may change, by name and version.

In: a `Place`. Out: a `Stock`; two of them make `Change`s. Reads folders and, for the operating
system's packages alone, asks the package manager's own list. Never changes anything.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from pipguard.doors import dataclass, field
from pipguard.environment import list_site_folders, read_origin, scan_distributions
from pipguard.pipx_home import read_application
from pipguard.process import run_captured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["environment", "pipx", "site", "system"]


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere that packages are installed."""

    kind: Kind
    path: str
    """A folder; the package manager's name for the operating system's packages."""
    names: tuple[str, ...] = field(default=(), compare=False)
    """Normalised names that matter, where looking at all of them would take long (pipx)."""
    listing: tuple[str, ...] = field(default=(), compare=False)
    """The words that list the operating system's packages."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One installed thing."""

    version: str
    words: tuple[str, ...] = ()
    """What installs it again, where name and version alone do not (an address, a folder)."""


@dataclass(frozen=True, slots=True)
class Stock:
    """What a place held at one moment."""

    place: Place
    exists: bool
    pieces: Mapping[str, Piece]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was."""

    place: Place
    name: str
    before: Piece | None
    after: Piece | None


def take_stock(place: Place, environ: Mapping[str, str]) -> Stock:
    """Return what the place holds now; `environ` is for a package manager that is asked."""
    if place.kind == "system":
        return Stock(place, True, read_listing(place.listing, environ))
    exists = _holds_something(place.path)
    if place.kind == "pipx":
        return Stock(place, exists, _read_applications(place))
    folders = list_site_folders(place.path) if place.kind == "environment" else [place.path]
    found = scan_distributions(folders)
    return Stock(place, exists, {n: Piece(v, tuple(read_origin(p))) for p, n, v in found})


def compare_stocks(before: Stock, after: Stock) -> tuple[Change, ...]:
    """Return what appeared, went or changed, in the order of the names."""
    names = sorted({*before.pieces, *after.pieces})
    pairs = ((name, before.pieces.get(name), after.pieces.get(name)) for name in names)
    return tuple(Change(before.place, n, old, new) for n, old, new in pairs if old != new)


def _holds_something(folder: str) -> bool:
    try:
        return bool(os.listdir(folder))
    except OSError:
        return False


def _read_applications(place: Place) -> dict[str, Piece]:
    found = {}
    for name in place.names:
        application = read_application(place.path, name)
        if application:
            words = (application.requirement, *application.injected)
            found[name] = Piece(application.version, () if words == (name,) else words)
    return found


def read_listing(words: tuple[str, ...], environ: Mapping[str, str]) -> dict[str, Piece]:
    """Read lines of name, version and perhaps a state (dpkg keeps those removed in its list)."""
    try:
        answer = run_captured(words, {**environ, "LC_ALL": "C"}, timeout=60).stdout
    except (OSError, TimeoutError):
        return {}
    lines = (line.split() for line in os.fsdecode(answer).splitlines())
    parts = (line if len(line) > 1 else _split_version(line) for line in lines if line)
    gone = (["config-files"], ["not-installed"])
    return {p[0]: Piece(p[1]) for p in parts if len(p) > 1 and p[2:3] not in gone}


def _split_version(line: list[str]) -> list[str]:
    """Split Alpine's `name-1.0-r0`, in which the name may have hyphens, too."""
    return line[0].rsplit("-", 2)[:2]
