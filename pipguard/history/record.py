"""Records what a command changed, so that it can be shown and reversed.

In: what was decided, and the locations that it touches before and after. Out: an entry in the log.
Never fails the command that it records: a log that cannot be written is said in a line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from pipguard.caller import Caller
from pipguard.environments.distributions import Unreadable
from pipguard.environments.inventory import (
    Change,
    Inventory,
    Location,
    read_inventory,
)
from pipguard.environments.places import UNFINISHED_FACTS
from pipguard.history.beside import note_origins
from pipguard.history.folder import locate_journals, locate_log_folder
from pipguard.history.former import keep_files, settle_files
from pipguard.history.interrupted import note_begun
from pipguard.history.log import Entry, LogUnusable, append_entry, note_differences
from pipguard.pip.interpreter import list_site_folders
from pipguard.plan import Plan
from pipguard.route import FromPipx, Route, ToOverride, ToPipx, ToSystem
from pipguard.system.frozen import dataclass, replace
from pipguard.system.journal import Journal
from pipguard.system.secrets import mask_secrets

_MOST_WORDS = 200
_LONGEST_WORD = 500
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Recorder:
    """Where the log is and who writes it."""

    folder: str
    """Empty where there is no place for a log."""
    environ: Mapping[str, str]
    say: Callable[[str], None]


class Recording:
    """Records one command: `watch` around what it does; the entry is written on leaving.

    An interruption on the way is recorded, too, with what had been changed by then.
    """

    def __init__(
        self,
        recorder: Recorder,
        entry: Entry,
        locations: tuple[Location, ...],
        find_origin: Callable[[], tuple[str, ...]] = tuple,
        list_affected: Callable[[str], Iterable[str]] = lambda _: (),
    ) -> None:
        self.recorder = recorder
        self.entry = entry
        self.locations = locations
        self.find_origin = find_origin
        """Tells where what is installed came from; asked when something was."""
        self.list_affected = list_affected
        """Tells which distributions of an environment may change; their files are kept."""
        self.journal = Journal(locate_journals(recorder.folder) if locations else "")
        """Where it is kept meanwhile what the log will say; the places that change, too."""
        self.is_watching = False
        self.is_recorded = False
        """Whether the entry is in the log, with all that was changed."""
        self._is_complete = True

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.locations:
            return
        self._append()
        self.journal.close(keeps=UNFINISHED_FACTS)

    def _append(self) -> None:
        try:
            append_entry(self.recorder.folder, self.entry)
            self.is_recorded = self._is_complete
        except LogUnusable as error:
            if self.entry.changed_something:
                self.recorder.say(f"not recorded, so it cannot be undone: {error.message}")

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Compare the locations before and after; nested, the outer one counts.

        Until `end` has told otherwise, the command counts as interrupted.
        """
        if self.is_watching:
            yield
            return
        self.is_watching = True
        before = [self._read_inventory(location) for location in self.locations]
        note_begun(self.journal, self.entry, [inventory for inventory in before if inventory])
        for location in self.locations:
            if location.kind == "environment":
                keep_files(location.path, self.list_affected(location.path))
        try:
            yield
        finally:
            for inventory in filter(None, before):
                if inventory.location.kind == "environment":
                    settle_files(inventory, self.entry.failed)
            self._note(before)
            self.is_watching = False

    def end(self, exit_status: int) -> None:
        """Note how the command ended."""
        self.entry = replace(self.entry, exit_status=exit_status)

    def _read_inventory(self, location: Location) -> Inventory | None:
        """Return what is there; None where that cannot be found out, which is said."""
        try:
            return read_inventory(location, self.recorder.environ)
        except Unreadable as error:
            self.recorder.say(f"not recorded, so it cannot be undone: {error.message}")
            self._is_complete = False
            return None

    def _note(self, before: list[Inventory | None]) -> None:
        now = (self._read_inventory(old.location) if old else None for old in before)
        pairs = [(old, new) for old, new in zip(before, now, strict=True) if old and new]
        entry = note_differences(self.entry, pairs)
        changes = tuple(map(_mask_change, entry.changes))
        self.entry = replace(entry, changes=changes)
        if any(change.after for change in changes):
            self.entry = replace(self.entry, origin=self.find_origin())
            self._note_origins(changes)

    def _note_origins(self, changes: Iterable[Change]) -> None:
        if not self.entry.origin:
            return
        found: dict[str, dict[str, str]] = {}
        for change in changes:
            folder = change.location.locate_environment(change.name)
            if folder and change.after:
                found.setdefault(folder, {})[change.name] = change.after.version
        for folder, versions in found.items():
            note_origins(folder, versions, self.entry.origin)


def list_locations(caller: Caller, route: Route, plan: Plan, base: str) -> tuple[Location, ...]:
    """Return what a decided command may change; none where nothing can change."""
    system = _list_system_locations(caller, route, base)
    return (*list_plan_locations(plan, _names_of(route)), *system)


def make_entry(caller: Caller, route: str, interpreter: str) -> Entry:
    """Return an entry about the command that was typed, as if it had been interrupted at once."""
    typed = mask_words((caller.program, *caller.argv))
    return Entry(typed, caller.directory, route, _INTERRUPTED, interpreter)


def make_recorder(caller: Caller, say: Callable[[str], None]) -> Recorder:
    """Return what writes this caller's log."""
    return Recorder(locate_log_folder(caller), caller.environ, say)


def list_plan_locations(plan: Plan, names: tuple[str, ...]) -> tuple[Location, ...]:
    """Return what a plan's steps may change; `names` are the applications that they are about."""
    fallbacks = [step.fallback for step in plan.steps if step.fallback]
    paths = dict.fromkeys(p.environment for p in (plan, *fallbacks) if p.environment)
    locations = [Location("environment", path) for path in paths]
    if plan.pipx_home and plan.steps:
        folder = plan.pipx_home.environments
        if names:
            locations.append(Location("pipx", folder, names))
        added: dict[str, list[str]] = {}
        for step in (step for step in plan.steps if step.plugin):
            added.setdefault(step.application, []).append(step.plugin)
        for host, plugins in added.items():
            locations.append(Location("application", os.path.join(folder, host), tuple(plugins)))
    return tuple(locations)


def list_site_locations(interpreter: str, caller: Caller) -> tuple[Location, ...]:
    """Return the folders outside environments that the interpreter imports packages from."""
    folders = list_site_folders(interpreter, caller.environ, caller.home or "")
    return tuple(Location("site", folder) for folder in folders)


def mask_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words without passwords, no more than 200 of them, each cut at 500 characters.

    Masked before they are cut: a token longer than that would lose the @ that betrays it.
    """
    return tuple(mask_secrets(word)[:_LONGEST_WORD] for word in words[:_MOST_WORDS])


def _mask_change(change: Change) -> Change:
    before, after = (
        replace(package, words=mask_words(package.words)) if package and package.words else package
        for package in (change.before, change.after)
    )
    return replace(change, before=before, after=after)


def _names_of(route: Route) -> tuple[str, ...]:
    if isinstance(route, ToPipx):
        return tuple(target.name for target in route.targets)
    return route.names if isinstance(route, FromPipx) else ()


def _list_system_locations(caller: Caller, route: Route, base: str) -> tuple[Location, ...]:
    if isinstance(route, ToOverride):
        return list_site_locations(base, caller)
    if isinstance(route, ToSystem):
        from pipguard.package_managers.queries import make_system_location

        return (make_system_location(route.manager),)
    return ()
