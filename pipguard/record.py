"""Records what a command changed, so that it can be read and reversed.

In: what was decided, and the places that it touches before and after. Out: an entry in the log.
Never fails the command that it records: a log that cannot be written is said in a line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from pipguard.caller import Caller
from pipguard.decide import Decision
from pipguard.doors import dataclass, replace
from pipguard.folders import state_folder
from pipguard.history import Entry, LogUnusable, append_entry
from pipguard.inventory import Change, Place, Stock, compare_stocks, take_stock
from pipguard.plans import Plan
from pipguard.real_pip import list_site_folders
from pipguard.route import FromPipx, Route, ToOverride, ToPipx, ToSystem

_MOST_WORDS = 200
_LONGEST_WORD = 500
# Everything before the @ of an address can be a password (pip shows the name, hides the rest; a
# token is often the name). pip's --proxy takes an address without its scheme.
_CREDENTIALS = r"(?P<start>//)(?!git@)[^\s/]+@|(?P<bare>^|=)[^\s/@=:]+:[^\s/]*@"
_QUERY_VALUE = r"(?<=[?&])([\w.-]+)=[^&#\s]+"


@dataclass(frozen=True, slots=True)
class Recorder:
    """Where the log is and who writes it."""

    folder: str
    """Empty where there is no place for a log."""
    environ: Mapping[str, str]
    say: Callable[[str], None]


class Journal:
    """Watches one command: `watch` around what it does, then the entry is written on leaving.

    An interruption on the way is recorded, too, with what had been changed by then.
    """

    def __init__(self, recorder: Recorder, entry: Entry, places: tuple[Place, ...]) -> None:
        self.recorder = recorder
        self.entry = entry
        self.places = places
        self.is_watching = False

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.places:
            return
        try:
            append_entry(self.recorder.folder, self.entry)
        except LogUnusable as error:
            if self.entry.changes:
                self.recorder.say(f"not recorded, so it cannot be undone: {error.message}")

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Compare the places before and after what happens inside; nested, the outer one counts."""
        if self.is_watching:
            yield
            return
        self.is_watching = True
        before = self._take_stocks()
        try:
            yield
        finally:
            self._note(before, self._take_stocks())
            self.is_watching = False

    def end(self, exit_status: int) -> None:
        """Note how the command ended."""
        self.entry = replace(self.entry, exit_status=exit_status)

    def _take_stocks(self) -> list[Stock]:
        return [take_stock(place, self.recorder.environ) for place in self.places]

    def _note(self, before: list[Stock], after: list[Stock]) -> None:
        changes: list[Change] = []
        created: list[str] = []
        removed: list[str] = []
        for old, new in zip(before, after, strict=True):
            changes += map(_mask_change, compare_stocks(old, new))
            if new.place.kind == "environment" and old.exists != new.exists:
                (created if new.exists else removed).append(new.place.path)
        self.entry = replace(
            self.entry, changes=tuple(changes), created=tuple(created), removed=tuple(removed)
        )


def open_journal(caller: Caller, decision: Decision, say: Callable[[str], None]) -> Journal:
    """Return the journal of a decided command; it records nothing where nothing can change."""
    route, plan = decision.route, decision.plan
    entry = Entry(
        mask_words((caller.program, *caller.argv)),
        caller.directory,
        plan.route,
        _INTERRUPTED,
        decision.base,
    )
    places = (*list_plan_places(plan, _names_of(route)), *_list_system_places(caller, decision))
    return Journal(make_recorder(caller, say), entry, places)


_INTERRUPTED = 130


def make_recorder(caller: Caller, say: Callable[[str], None]) -> Recorder:
    """Return what writes this caller's log."""
    return Recorder(locate_log_folder(caller), caller.environ, say)


def locate_log_folder(caller: Caller) -> str:
    """Return the folder of this user's log; empty where nobody knows a home folder.

    Root with somebody else's home folder (`sudo -E`) writes into its own: a file of root's there
    would be in its owner's way.
    """
    folder = state_folder(caller.environ)
    if caller.user_id == 0 and caller.home and _owner_of(caller.home) not in {0, None}:
        from pwd import getpwuid

        folder = os.path.join(getpwuid(0).pw_dir, ".local", "state", "pipguard")
    return folder if os.path.isabs(folder) else ""


def _owner_of(path: str) -> int | None:
    try:
        return os.stat(path).st_uid
    except OSError:
        return None


def list_plan_places(plan: Plan, names: tuple[str, ...]) -> tuple[Place, ...]:
    """Return what a plan's steps may change; `names` are the applications that they are about."""
    fallbacks = [step.fallback for step in plan.steps if step.fallback]
    paths = dict.fromkeys(p.environment for p in (plan, *fallbacks) if p.environment)
    places = [Place("environment", path) for path in paths]
    if plan.pipx_home and plan.steps:
        places.append(Place("pipx", plan.pipx_home.environments, names))
    return tuple(places)


def list_site_places(interpreter: str, caller: Caller) -> tuple[Place, ...]:
    """Return the folders outside environments that the interpreter imports packages from."""
    folders = list_site_folders(interpreter, caller.environ, caller.home or "")
    return tuple(Place("site", folder) for folder in folders)


def make_system_place(name: str) -> Place:
    """Return the operating system's packages as its package manager lists them."""
    from pipguard.offers import load_manager

    return Place("system", name, listing=load_manager(name).LISTING)


def mask_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words without passwords and without end."""
    return tuple(mask_credentials(word[:_LONGEST_WORD]) for word in words[:_MOST_WORDS])


def mask_credentials(text: str) -> str:
    """Return the text with what may be a password in an address replaced by stars."""
    if "@" not in text and "://" not in text:
        return text
    import re

    text = re.sub(_CREDENTIALS, lambda found: f"{found['start'] or found['bare']}****@", text)
    return re.sub(_QUERY_VALUE, r"\1=****", text) if "://" in text else text


def _mask_change(change: Change) -> Change:
    before, after = (
        replace(piece, words=mask_words(piece.words)) if piece and piece.words else piece
        for piece in (change.before, change.after)
    )
    return replace(change, before=before, after=after)


def _names_of(route: Route) -> tuple[str, ...]:
    if isinstance(route, ToPipx):
        return tuple(target.name for target in route.targets)
    return route.names if isinstance(route, FromPipx) else ()


def _list_system_places(caller: Caller, decision: Decision) -> tuple[Place, ...]:
    if isinstance(decision.route, ToOverride):
        return list_site_places(decision.base, caller)
    if isinstance(decision.route, ToSystem):
        return (make_system_place(decision.route.manager),)
    return ()
