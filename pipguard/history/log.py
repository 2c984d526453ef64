"""The log of what pipguard did: an append-only file of JSON lines that the user alone can read.

In: an `Entry`, or nothing. Out: the line in the file, or all entries. A line is written whole or
not at all: a writer that is killed or finds the disk full leaves at most a torn last line, which
readers skip and the next writer closes. What a newer version wrote is kept, and shown as such.
Never raises for the content of a line; a log of somebody else's is neither read nor written.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable

from pipguard.environments.inventory import (
    Change,
    InstalledPackage,
    Inventory,
    Location,
    compare_inventories,
    read_kind,
)
from pipguard.errors import PipguardError
from pipguard.system.frozen import dataclass, field, replace
from pipguard.system.locks import hold_file_lock
from pipguard.system.private_files import NO_LINK, write_private_file

FORMAT = 2
"""Since 2 there are changes of what is added to an application; all else is written as 1."""
_LONGEST_WAIT = 5.0
"""Seconds; a writer that is stopped half-way must not stop every pip after it."""
NAME = "log.jsonl"
MOST_BYTES = 4 * 1024 * 1024
"""Of the file; beyond it the older half is removed."""


class LogUnusable(PipguardError):
    """The log cannot be written, or must not be read."""

    reference = "log-unusable"


@dataclass(frozen=True, slots=True)
class Entry:
    """One command and what it changed."""

    command: tuple[str, ...]
    """The words after pipguard's own name, without passwords."""
    directory: str
    route: str
    exit_status: int
    interpreter: str = ""
    """The Python that environments were made for."""
    created: tuple[str, ...] = ()
    """Environments that were not there before."""
    removed: tuple[str, ...] = ()
    """Environments that are gone since."""
    opened: tuple[str, ...] = ()
    """Environments that see the packages of the Python they were made from since."""
    closed: tuple[str, ...] = ()
    """Environments that see them no more."""
    changes: tuple[Change, ...] = ()
    undoes: str = ""
    """The entry that this one reversed."""
    origin: tuple[str, ...] = ()
    """Where pip took what it installed from, as in `pip.origins.Origin.words`; empty where nobody
    noted it."""
    identifier: str = field(default_factory=lambda: os.urandom(4).hex())
    time: float = field(default_factory=time.time)
    """Seconds since the epoch."""
    is_newer: bool = False
    """Whether a newer version wrote it, with what this one does not understand."""

    @property
    def changed_something(self) -> bool:
        """Whether there is anything that could be reversed."""
        return bool(self.changes or self.opened or self.closed)

    @property
    def failed(self) -> str:
        """What did not succeed, `install` or `uninstall`; empty where it did."""
        kind = "uninstall" if "uninstall" in self.command else "install"
        return kind if self.exit_status != 0 else ""


@dataclass(frozen=True, slots=True)
class History:
    """All entries, oldest first."""

    entries: tuple[Entry, ...]
    unreadable: int = 0
    """Lines that are no entry: torn, or changed by hand."""

    def find_undone(self) -> set[str]:
        """Return the entries that are reversed; an undo that was undone reverses nothing."""
        undone: set[str] = set()
        for entry in reversed(self.entries):
            if entry.undoes and entry.identifier not in undone and entry.exit_status == 0:
                undone.add(entry.undoes)
        return undone


def note_differences(entry: Entry, pairs: Iterable[tuple[Inventory, Inventory]]) -> Entry:
    """Return the entry with what differs: of each location, what it held before and holds now."""
    changes: list[Change] = []
    created: list[str] = []
    removed: list[str] = []
    opened: list[str] = []
    closed: list[str] = []
    for before, now in pairs:
        path = before.location.path
        changes += compare_inventories(before, now)
        if before.location.kind == "environment" and before.exists != now.exists:
            (created if now.exists else removed).append(path)
        elif before.sees_system != now.sees_system:
            (opened if now.sees_system else closed).append(path)
    return replace(
        entry,
        changes=tuple(changes),
        created=tuple(created),
        removed=tuple(removed),
        opened=tuple(opened),
        closed=tuple(closed),
    )


def append_entry(folder: str, entry: Entry) -> None:
    """Write an entry at the end of the log in `folder`, which is made where it is missing.

    Raises `LogUnusable`; the log is then as it was.
    """
    data = (json.dumps(to_document(entry)) + "\n").encode("ascii")
    path = os.path.join(folder, NAME)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with hold_file_lock(f"{path}.lock", _LONGEST_WAIT):
            _write_at_end(path, data)
            if os.stat(path).st_size > MOST_BYTES:
                _prune(path)
    except TimeoutError as error:
        raise LogUnusable(str(error)) from error
    except OSError as error:
        raise LogUnusable(f"{folder}: {error.strerror or error}") from error


def read_history(folder: str) -> History:
    """Return what the log in `folder` tells; without a log, nothing.

    Raises `LogUnusable` for one that somebody else owns or that cannot be read.
    """
    path = os.path.join(folder, NAME)
    try:
        with open(os.open(path, os.O_RDONLY | NO_LINK), "rb") as file:
            _refuse_foreign(file.fileno(), path)
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return History(())
    except OSError as error:
        raise LogUnusable(f"{path} cannot be read: {error.strerror}") from error
    found = [_read_line(line) for line in lines if line]
    return History(tuple(e for e in found if e), found.count(None))


def to_document(entry: Entry) -> dict[str, object]:
    """Return an entry as it is written, and as `pip guard log --json` prints it."""
    return {
        "format": FORMAT if any(c.location.kind == "application" for c in entry.changes) else 1,
        "id": entry.identifier,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(entry.time)),
        **{name: getattr(entry, name) for name in _FIELDS},
        "changes": [
            {
                "kind": change.location.kind,
                "place": change.location.path,
                "name": change.name,
                "before": _to_document(change.before),
                "after": _to_document(change.after),
            }
            for change in entry.changes
        ],
    }


def _to_document(package: InstalledPackage | None) -> dict[str, object] | None:
    return {"version": package.version, "words": package.words} if package else None


def _write_at_end(path: str, data: bytes) -> None:
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | NO_LINK, 0o600)
    try:
        _refuse_foreign(file, path)
        if os.fstat(file).st_mode & 0o077:
            os.fchmod(file, 0o600)
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            data = b"\n" + data  # the last writer was killed in the middle of its line
        try:
            while data:
                data = data[os.write(file, data) :]
        except OSError:
            os.ftruncate(file, size)
            raise
    finally:
        os.close(file)


def _refuse_foreign(file: int, path: str) -> None:
    owner = os.fstat(file).st_uid
    if hasattr(os, "geteuid") and owner != os.geteuid():
        raise LogUnusable(f"{path} belongs to user {owner}, not to you")


def _prune(path: str) -> None:
    """Remove the older half; readers see the old file or the new one."""
    with open(path, "rb") as file:
        file.seek(-MOST_BYTES // 2, os.SEEK_END)
        file.readline()
        rest = file.read()
    write_private_file(path, rest)


def _read_line(line: bytes) -> Entry | None:
    try:
        document = json.loads(line)
        return read_entry(document)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def read_entry(document: object) -> Entry:
    """Build the entry; raises one of several errors where something is not what it should be."""
    if not isinstance(document, dict):
        raise TypeError
    sure = {"identifier": _text(document["id"]), "time": _moment(document["time"])}
    if _integer(document["format"]) > FORMAT:
        return Entry(("?",), "?", "?", 0, is_newer=True, **sure)  # type: ignore[arg-type]
    document = {"origin": [], "opened": [], "closed": [], **document}  # not in the first versions
    changes = document["changes"]
    if not isinstance(changes, list):
        raise TypeError
    told = {name: read(document[name]) for name, read in _FIELDS.items()}
    return Entry(**told, changes=tuple(map(_read_change, changes)), **sure)  # type: ignore[arg-type]


def _read_change(document: dict[str, object]) -> Change:
    location = Location(read_kind(document["kind"]), _text(document["place"]))
    before, after = (_read_package(document[key]) for key in ("before", "after"))
    return Change(location, _text(document["name"]), before, after)


def _read_package(document: object) -> InstalledPackage | None:
    if document is None:
        return None
    if not isinstance(document, dict):
        raise TypeError
    return InstalledPackage(_text(document["version"]), _words(document["words"]))


def _moment(value: object) -> float:
    from calendar import timegm

    return timegm(time.strptime(_text(value), "%Y-%m-%dT%H:%M:%SZ"))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError
    return value


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(_text(word) for word in value)


# The fields that have the same name in an entry and in its document, and how each is read.
_FIELDS: dict[str, Callable[[object], object]] = {
    "command": _words,
    "directory": _text,
    "route": _text,
    "exit_status": _integer,
    "interpreter": _text,
    "created": _words,
    "removed": _words,
    "opened": _words,
    "closed": _words,
    "undoes": _text,
    "origin": _words,
}
