"""Moves what was installed over the operating system's Python into safe places.

In: the folders outside environments that pip wrote to. Out: what is there and where it goes; then
copies that work, and only then the originals' removal. Killed anywhere, it can be run again: what
was copied is found, what was not removed is still there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipguard.environment import TOOLCHAIN, list_distributions, scan_distributions
from pipguard.errors import PipguardError
from pipguard.hiding import Hidden
from pipguard.inventory import Change, Piece, Place, Stock
from pipguard.knowledge import find_known
from pipguard.pipx_home import PipxHome, read_application


@dataclass(frozen=True, slots=True)
class Castaway:
    """One distribution that pip put where only the package manager should."""

    name: str
    piece: Piece
    place: Place
    goes_to: str
    """`pipx`, `environment` or `nowhere`: a toolchain of its own is in every environment."""

    @property
    def words(self) -> tuple[str, ...]:
        """What installs it again at the same version."""
        return self.piece.words or (f"{self.name}=={self.piece.version}",)


def find_castaways(
    stocks: Sequence[Stock], is_owned: Callable[[str, Stock], bool]
) -> tuple[Castaway, ...]:
    """Return what pip put into the folders; `is_owned` tells what the package manager put there.

    Of a name in several folders only the first is imported, and so only that one is copied.
    """
    found: dict[tuple[str, Place], Castaway] = {}
    seen: set[str] = set()
    for stock in stocks:
        for name, piece in sorted(stock.pieces.items()):
            if not is_owned(name, stock):
                goes_to = "nowhere" if name in seen else choose_destination(name)
                found[name, stock.place] = Castaway(name, piece, stock.place, goes_to)
                seen.add(name)
    return tuple(found.values())


def choose_destination(name: str) -> str:
    """Return where a distribution goes: applications to pipx, libraries to an environment.

    What is not known for an application is taken for a library: it still runs from there.
    """
    if name in TOOLCHAIN:
        return "nowhere"
    known = find_known(name)
    return "pipx" if known and known.kind == "application" else "environment"


def write_list(folder: str, castaways: Sequence[Castaway]) -> str:
    """Write down what there is, before anything is done; return the file's path.

    Raises `PipguardError` where that is not possible, for then nothing may be done either.
    """
    moment = time.strftime("%Y-%m-%d-%H%M%S")
    path = os.path.join(folder, f"rescue-{moment}-{os.getpid()}.txt")
    lines = [f"# {c.place.path}, to {c.goes_to}\n{' '.join(c.words)}\n" for c in castaways]
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        problem = f"the list cannot be written, so nothing is done: {error.strerror}"
        raise PipguardError(problem) from error
    return path


def find_missing(
    castaways: Sequence[Castaway], environment: str, home: PipxHome
) -> tuple[Castaway, ...]:
    """Return what has no copy of the same version yet."""
    there = list_distributions(environment)
    return tuple(c for c in castaways if not _has_copy(c, there, home))


def list_modules(castaways: Sequence[Castaway]) -> dict[str, tuple[str, ...]]:
    """Return the modules to import for each distribution, as its RECORD tells."""
    return {c.name: _read_modules(c.place.path, c.name) for c in castaways}


def removals(castaways: Sequence[Castaway]) -> dict[Place, tuple[Change, ...]]:
    """Return what goes from which folder."""
    found: dict[Place, list[Change]] = {}
    for castaway in castaways:
        change = Change(castaway.place, castaway.name, None, castaway.piece)
        found.setdefault(castaway.place, []).append(change)
    return {place: tuple(changes) for place, changes in found.items()}


def still_hidden(before: Sequence[Hidden], after: Sequence[Hidden]) -> tuple[Hidden, ...]:
    """Return what was to come back and did not."""
    names = {hidden.name for hidden in before}
    return tuple(hidden for hidden in after if hidden.name in names)


def is_writable(place: Place) -> bool:
    """Tell whether the originals could be removed there."""
    return os.access(place.path, os.W_OK)


def _has_copy(castaway: Castaway, there: dict[str, str], home: PipxHome) -> bool:
    if castaway.goes_to == "nowhere":
        return True
    if castaway.goes_to == "environment":
        return there.get(castaway.name) == castaway.piece.version
    application = read_application(home.environments, castaway.name)
    return application is not None and application.version == castaway.piece.version


def _read_modules(folder: str, name: str) -> tuple[str, ...]:
    for path, found, _ in scan_distributions([folder]):
        if found == name:
            return tuple(sorted(set(_read_record(os.path.join(path, "RECORD")))))
    return ()


def _read_record(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            paths = [line.partition(",")[0].strip('"') for line in file]
    except OSError:
        return []
    tops = [p.split("/") for p in paths if not p.startswith(("..", "/"))]
    packages = [t[0] for t in tops if t[-1] == "__init__.py" and len(t) == 2]
    modules = [t[0][:-3] for t in tops if len(t) == 1 and t[0].endswith(".py")]
    return [name for name in (*packages, *modules) if name.isidentifier()]
