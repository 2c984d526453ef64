"""Tells what a command had changed when its process was killed, so that the log can say it.

In: the entry and the inventories from before the command, which its journal keeps while it runs.
Out: the entry with the changes that are found now. Never writes the log itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from pipguard.environments.inventory import (
    InstalledPackage,
    Inventory,
    Location,
    read_inventory,
    read_kind,
)
from pipguard.history.log import Entry, note_differences, read_entry, to_document
from pipguard.system.frozen import dataclass
from pipguard.system.journal import Abandoned, Journal


@dataclass(frozen=True, slots=True)
class Begun:
    """What a command was about to do."""

    entry: Entry
    before: tuple[Inventory, ...]
    """What the locations held that it could change."""


def note_begun(journal: Journal, entry: Entry, before: Iterable[Inventory]) -> None:
    """Keep an entry, and what it will be compared with, until the command ends."""
    inventories = [
        {
            "kind": inventory.location.kind,
            "place": inventory.location.path,
            "names": inventory.location.names,
            "exists": inventory.exists,
            "sees_system": inventory.sees_system,
            "packages": {n: [p.version, p.words] for n, p in inventory.packages.items()},
        }
        for inventory in before
    ]
    journal.note(entry=to_document(entry), before=inventories)


def read_begun(facts: Mapping[str, object]) -> Begun:
    """Return what a journal tells; raises one of several errors where that is nothing of ours."""
    inventories = facts["before"]
    if not isinstance(inventories, list):
        raise TypeError
    return Begun(read_entry(facts["entry"]), tuple(map(_read_inventory, inventories)))


def read_interrupted(abandoned: Abandoned) -> Begun | None:
    """Return what an abandoned journal tells; None for what this version has not written."""
    try:
        return read_begun(abandoned.facts) if abandoned.facts else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def complete_entry(begun: Begun, environ: Mapping[str, str]) -> Entry:
    """Return the entry with what has changed since; raises `Unreadable`.

    Of what was moved or removed as a whole since, with its folder, nothing is known.
    """
    known = [
        before
        for before in begun.before
        if before.location.kind == "system" or os.path.isdir(os.path.dirname(before.location.path))
    ]
    return note_differences(
        begun.entry, ((before, read_inventory(before.location, environ)) for before in known)
    )


def _read_inventory(facts: Mapping[str, object]) -> Inventory:
    kind, path, names, packages = (facts[key] for key in ("kind", "place", "names", "packages"))
    if not isinstance(path, str):
        raise TypeError
    if not isinstance(packages, dict) or not isinstance(names, list):
        raise TypeError
    if kind == "system":
        from pipguard.package_managers.queries import make_system_location

        location = make_system_location(path)
    else:
        location = Location(read_kind(kind), path, tuple(map(str, names)))
    held = {n: InstalledPackage(version, tuple(words)) for n, (version, words) in packages.items()}
    sees = facts.get("sees_system") is True
    return Inventory(location, facts["exists"] is True, held, sees)
