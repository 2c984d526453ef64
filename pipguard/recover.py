"""Finishes or reverses what a killed command has left, before the next one goes on.

In: the caller, the journals of commands whose process is gone. Out: every place as it was, or as it
should have become; the log with what the command had changed; one line about each. Under the same
locks as any change. Never touches a place that is not in a journal of this user's.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from contextlib import ExitStack

from pipguard.caller import Caller
from pipguard.decide import gather_tools, locate_base
from pipguard.discover import name_guard
from pipguard.environments.applications import is_settled
from pipguard.environments.inspect import inspect_environment, sees_system
from pipguard.environments.pipx import PipxHome
from pipguard.environments.places import (
    DRAFT_ENDING,
    Place,
    discard,
    parse_places,
    put_back,
)
from pipguard.errors import PipguardError
from pipguard.execute import Performer, execute_plan
from pipguard.history.folder import locate_journals, locate_log_folder
from pipguard.history.former import settle_files
from pipguard.history.interrupted import Begun, complete_entry, read_begun
from pipguard.history.log import append_entry, read_history
from pipguard.pip.locate import RealPip
from pipguard.plan import Plan
from pipguard.plans.venv import keeps_packages, plan_creation
from pipguard.system.frozen import dataclass, replace
from pipguard.system.journal import Abandoned, list_journals, remove_fragments, take_abandoned
from pipguard.system.locks import hold_file_lock, hold_place_lock
from pipguard.system.processes import make_asker, postponing_signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.system.journal import Facts

_LONGEST_WAIT = 60.0
"""Seconds."""
_NOT_OURS = (ValueError, KeyError, TypeError, AttributeError)
"""What reading a journal raises that this version has not written."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What recovering takes."""

    caller: Caller
    real_pip: RealPip | None
    say: Callable[[str], None]


def recover(caller: Caller, real_pip: RealPip | None, say: Callable[[str], None]) -> None:
    """Deal with every command that was killed; where that fails, the next command tries again.

    Who comes while another command is at it waits, and finds the places as they should be.
    """
    log_folder = locate_log_folder(caller)
    try:
        with hold_file_lock(os.path.join(log_folder, "recovery.lock"), _LONGEST_WAIT):
            _recover_all(locate_journals(log_folder), Recovery(caller, real_pip, say))
    except OSError as error:
        say(f"what an interrupted command left is not tidied up: {error}")


def _recover_all(folder: str, recovery: Recovery) -> None:
    remove_fragments(folder)
    for path in list_journals(folder):
        with take_abandoned(path) as abandoned:
            if abandoned and abandoned.facts is not None:
                try:
                    _settle(abandoned, abandoned.facts, recovery)
                except (PipguardError, OSError) as error:
                    recovery.say(f"what an interrupted command left cannot be tidied up: {error}")


def _settle(abandoned: Abandoned, facts: Facts, recovery: Recovery) -> None:
    try:
        begun = read_begun(facts) if "entry" in facts else None
        places, left_over = parse_places(facts)
    except _NOT_OURS:  # `pip guard doctor` names it
        return
    caller = recovery.caller
    with ExitStack() as locks:
        for path in sorted({*_list_locked(begun, places), *left_over}):
            locks.enter_context(hold_place_lock(path, caller.environ, recovery.say))
        with postponing_signals():
            restored = [place for place in places if _restore(place)]
            for path in left_over:
                discard(path)
            identifier = _complete_log(begun, caller) if begun else ""
        try:
            made_anew = [place for place in restored if _make_anew(place, recovery)]
        finally:
            # Until then others must find it, and wait: a new environment is empty at first.
            abandoned.remove()
        what = _describe(restored, left_over, identifier, name_guard(caller))
        if made_anew:
            what = f"{made_anew[0].path} is made anew now, with its packages"
        if what and begun:
            recovery.say(f"`{shlex.join(begun.entry.command)}` was interrupted: {what}")


def _list_locked(begun: Begun | None, places: list[Place]) -> set[str]:
    """Return what the command was changing: its children may still be at it."""
    locations = [inventory.location for inventory in begun.before] if begun else []
    paths = {location.path for location in locations if location.kind in {"environment", "pipx"}}
    paths |= {os.path.dirname(one.path) for one in locations if one.kind == "application"}
    return paths | {os.path.dirname(p.path) if p.folders else p.path for p in places}


def _restore(place: Place) -> bool:
    """Put back what was at a place; an application that pipx has finished stays as it is."""
    if place.folders:
        home = PipxHome((), os.path.dirname(place.path), place.folders[0], "", False)
        if is_settled(place, home):
            if place.former:
                discard(place.former)
            return False
    put_back(place)
    return True


def _complete_log(begun: Begun, caller: Caller) -> str:
    """Put back what is half there, and record what the command had changed.

    Returns the entry's ID where there is something.
    """
    folder = locate_log_folder(caller)
    for inventory in begun.before:
        if inventory.location.kind == "environment":
            settle_files(inventory, begun.entry.failed)
    entry = complete_entry(begun, caller.environ)
    if all(known.identifier != entry.identifier for known in read_history(folder).entries):
        append_entry(folder, entry)
    return entry.identifier if entry.changed_something else ""


def _make_anew(place: Place, recovery: Recovery) -> bool:
    """Make a broken environment anew, as the user had asked, if that takes nothing but its files.

    Tells whether it is whole now.
    """
    if not place.keeps_packages:
        return False
    caller = recovery.caller
    environment = inspect_environment(place.path, make_asker(caller.environ))
    tools = gather_tools(caller, recovery.real_pip, locate_base(caller, recovery.real_pip))
    if environment.state != "broken" or not keeps_packages(environment, tools):
        return False
    creation = plan_creation(place.path, tools, sees_system=sees_system(place.path))
    creation = replace(creation, replaces_broken=True, keeps_packages=True)
    plan = Plan("venv", (), place.path, creation)
    performer = Performer(caller.environ, recovery.say, lambda _: False)
    return execute_plan(plan, performer).exit_status == 0


def _describe(restored: list[Place], left_over: list[str], identifier: str, guard: str) -> str:
    """Return what was done about it; empty where there was nothing to do."""
    named = [place for place in restored if not place.path.endswith(DRAFT_ENDING)]
    if named:
        return f"{named[0].path} is as it was before"
    if identifier:
        return f"`{guard} undo {identifier}` reverses what it had changed"
    left = [path for path in left_over if os.path.lexists(path)]
    if left:
        return f"{left[0]} is left of it and cannot be removed"
    return f"the rest of it, {left_over[0]}, is removed" if left_over else ""
