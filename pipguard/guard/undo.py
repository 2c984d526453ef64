"""`pip guard undo [ID]`: puts back what a recorded command changed.

In: an entry of the log (the last one that is not undone), what is there now. Out: a line on
stdout, and an entry of its own, which can be undone, too. Gets everything that it will need before
it touches anything; where something was changed since by hand it says what, and does nothing
without `--force`.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import tempfile
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from pipguard.caller import Caller
from pipguard.carried_pip import locate_carried_pip
from pipguard.decide import locate_base
from pipguard.discover import make_asker
from pipguard.environment import Environment, find_distrust, inspect_environment
from pipguard.errors import PipguardError
from pipguard.execute import Performer, execute_plan
from pipguard.forward import locate_module_pip
from pipguard.guard.log import describe_changes
from pipguard.history import Entry, History, read_history, to_document
from pipguard.inventory import Change, Piece, Place, Stock, take_stock
from pipguard.offers import ask_manager, find_rights, find_taken_along, load_manager
from pipguard.pip_configuration import read_site_variables
from pipguard.pipx_home import read_pipx_home
from pipguard.plans import Plan
from pipguard.plans.system import PackageManager
from pipguard.plans.undo import (
    Reversal,
    plan_environment_reversal,
    plan_pipx_reversal,
    plan_removal,
    plan_site_reversal,
    plan_system_reversal,
)
from pipguard.plans.venv import Makers
from pipguard.process import write_error, write_output
from pipguard.real_pip import RealPip, version_of
from pipguard.record import Journal, locate_log_folder, make_recorder, make_system_place
from pipguard.report import format_lines

SUMMARY = "put back what a command changed; without an ID, the last one"


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Undo one entry of the log."""
    options = _parse(words)
    history = read_history(locate_log_folder(caller))
    entry = choose_entry(history, options.id)
    with tempfile.TemporaryDirectory(prefix="pipguard-") as shelf:
        undoing = Undoing(caller, real_pip or locate_module_pip(caller), entry, shelf)
        stocks = [take_stock(place, caller.environ) for place in undoing.places]
        if not options.force:
            _refuse_differences(entry, stocks)
        reversals = [undoing.plan(stock) for stock in stocks]
        if options.dry_run:
            write_output(_describe_plans(reversals))
            return 0
        done = undoing.perform(reversals)
    if options.json:
        write_output(json.dumps(to_document(done), indent=2) + "\n")
    else:
        typed = shlex.join(entry.command)
        write_output(f"undone {entry.identifier} ({typed}): {describe_changes(done.changes)}\n")
    return done.exit_status


def choose_entry(history: History, identifier: str | None) -> Entry:
    """Return the entry to undo: the named one, or the last that changed something and stands."""
    undone = history.find_undone()
    if identifier is None:
        standing = (e for e in reversed(history.entries) if e.changes and not e.undoes)
        entry = next((e for e in standing if e.identifier not in undone), None)
        if entry is None:
            raise PipguardError("there is nothing to undo", "`pip guard log` shows what was done")
        return entry
    found = [e for e in history.entries if e.identifier.startswith(identifier)]
    if len(found) != 1:
        problem = "is not in the log" if not found else "is the beginning of several entries"
        raise PipguardError(f"{identifier} {problem}", "`pip guard log` shows what was done")
    entry = found[0]
    if entry.is_newer:
        raise PipguardError(f"{identifier} was written by a newer pipguard, which can undo it")
    if entry.identifier in undone:
        raise PipguardError(f"{identifier} is undone already")
    if not entry.changes:
        raise PipguardError(f"{identifier} changed nothing")
    return entry


@dataclass(frozen=True, slots=True)
class Undoing:
    """One entry on its way back."""

    caller: Caller
    real_pip: RealPip | None
    entry: Entry
    shelf: str
    """A folder for what is fetched."""

    @property
    def places(self) -> tuple[Place, ...]:
        """What the entry changed, each place once."""
        names: dict[Place, list[str]] = {}
        for change in self.entry.changes:
            names.setdefault(change.place, []).append(change.name)
        return tuple(
            make_system_place(place.path)
            if place.kind == "system"
            else replace(place, names=tuple(found))
            for place, found in names.items()
        )

    def plan(self, stock: Stock) -> Reversal:
        """Return how one place goes back from what it holds now."""
        place = stock.place
        changes = tuple(self._list_remaining(stock))
        if place.kind == "pipx":
            home = read_pipx_home(self.caller, make_asker(self.caller))
            home = replace(home, environments=place.path)
            return plan_pipx_reversal(changes, home, self._gather_makers(None), self.shelf)
        if place.kind == "site":
            return self._plan_site(place, changes)
        if place.kind == "system":
            return self._plan_system(place, changes)
        was_made = place.path in self.entry.created
        if was_made and all(change.before is None for change in changes) and _is_pure(stock, self):
            return plan_removal(place.path)
        return self._plan_environment(place, changes)

    def perform(self, reversals: list[Reversal]) -> Entry:
        """Fetch, then go back; return the entry that was written about it.

        Raises `PipguardError` when something is no longer to be had, with everything as it was.
        """
        recorder = make_recorder(self.caller, _say)
        words = ("pip", "guard", *self.caller.argv[1:])
        entry = Entry(words, self.caller.directory, "undo", 130, self.entry.interpreter)
        entry = replace(entry, undoes=self.entry.identifier)
        for step in (step for reversal in reversals for step in reversal.fetching):
            if execute_plan(Plan("undo", (step,)), self._perform_with(nullcontext)).exit_status:
                raise PipguardError(f"nothing was changed: {step.subject} cannot be had any more")
        with Journal(recorder, entry, self.places) as journal:
            performer = self._perform_with(journal.watch)
            with journal.watch():
                statuses = [execute_plan(r.plan, performer).exit_status for r in reversals]
            journal.end(max(statuses))
        return journal.entry

    def _perform_with(self, watch: Callable[[], AbstractContextManager[None]]) -> Performer:
        return Performer(self.caller.environ, _say, _agree, watch=watch)

    def _list_remaining(self, stock: Stock) -> Iterable[Change]:
        for change in self.entry.changes:
            now = stock.pieces.get(change.name)
            if change.place == stock.place and now != change.before:
                yield Change(stock.place, change.name, change.before, now)

    def _plan_environment(self, place: Place, changes: tuple[Change, ...]) -> Reversal:
        environment = Environment(place.path)
        distrust = find_distrust(place.path, self.caller.user_id)
        if distrust:
            raise PipguardError(f"{place.path} is not used: {distrust}")
        environment = inspect_environment(place.path, make_asker(self.caller))
        if environment.must_be_made and place.path not in self.entry.removed:
            raise PipguardError(f"{place.path} is gone, so there is nothing to undo in it")
        if environment.state == "broken":
            raise PipguardError(f"{place.path} is broken: {environment.problem}")
        makers = self._gather_makers(environment)
        return plan_environment_reversal(changes, environment, makers, self.shelf)

    def _plan_site(self, place: Place, changes: tuple[Change, ...]) -> Reversal:
        if os.path.isdir(place.path) and not os.access(place.path, os.W_OK):
            raise PipguardError(f"you may not write to {place.path}", "undo it as who installed it")
        is_users = bool(self.caller.home) and place.path.startswith(f"{self.caller.home}/")
        return plan_site_reversal(changes, self._gather_makers(None), self.shelf, is_users)

    def _plan_system(self, place: Place, changes: tuple[Change, ...]) -> Reversal:
        manager = load_manager(place.path)
        is_allowed, sudo, problem = find_rights(manager, self.caller)
        if problem or not is_allowed:
            raise PipguardError(problem or f"{manager.NAME} needs root", "sudo pipguard guard undo")
        gone = [change.name for change in changes if change.before is None]
        along = find_taken_along(manager, gone, self.caller)
        if along:
            named = ", ".join(along)
            raise PipguardError(f"it would take away {named}, too; nothing was changed")
        for change in changes:
            if change.before and manager.pin(change.name, change.before.version) == change.name:
                _require_version(manager, change.name, change.before.version, self.caller)
        return plan_system_reversal(changes, manager, sudo)

    def _gather_makers(self, environment: Environment | None) -> Makers:
        base = self.entry.interpreter
        if not os.access(base, os.X_OK):
            base = locate_base(self.caller, self.real_pip)
        has_pip = self.real_pip is not None or (environment is not None and environment.has_pip)
        version = (environment and environment.version) or version_of(base)
        carried = "" if has_pip else locate_carried_pip(version)
        variables = read_site_variables(self.caller, base)
        return Makers(self.caller.python, base, self.real_pip, carried, variables)


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("pip guard undo", description=SUMMARY)
    parser.add_argument("id", nargs="?", help="of the entry, as `pip guard log` shows it")
    parser.add_argument("--dry-run", action="store_true", help="print the commands, run none")
    parser.add_argument("--force", action="store_true", help="whatever has changed since")
    parser.add_argument("--json", action="store_true", help="print the new entry as JSON")
    return parser.parse_args(words)


def _require_version(manager: PackageManager, package: str, version: str, caller: Caller) -> None:
    """Raise where a package manager that keeps no former versions has another one now."""
    found = manager.read_answer(ask_manager(manager.query(package), caller))
    if version not in {f.version for f in found}:
        wanted = f"{package} {version}"
        raise PipguardError(f"nothing was changed: {wanted} cannot be had any more")


def _is_pure(stock: Stock, undoing: Undoing) -> bool:
    """Whether an environment holds what the command left there and nothing more."""
    left = {c.name: c.after for c in undoing.entry.changes if c.place == stock.place}
    return stock.pieces == left


def _refuse_differences(entry: Entry, stocks: list[Stock]) -> None:
    """Raise where something is not as the command left it."""
    now = {stock.place: stock.pieces for stock in stocks}
    differences = [
        f"{change.name} was left {_describe(change.after)} in {change.place.path} and is "
        f"{_describe(now[change.place].get(change.name))} now"
        for change in entry.changes
        if now[change.place].get(change.name) != change.after
    ]
    if differences:
        more = f", and {len(differences) - 1} more differ" if len(differences) > 1 else ""
        hint = "undo what came after first, or --force"
        raise PipguardError(f"something was changed since: {differences[0]}{more}", hint)


def _describe(piece: Piece | None) -> str:
    return piece.version if piece else "absent"


def _describe_plans(reversals: list[Reversal]) -> str:
    lines = []
    for reversal in reversals:
        creation = (reversal.plan.creation.step,) if reversal.plan.creation else ()
        steps = (*reversal.fetching, *creation, *reversal.plan.steps)
        lines += [f"$ {shlex.join(step.command)}" for step in steps]
        lines += [f"remove {reversal.plan.removal}"] if reversal.plan.removal else []
    return "".join(f"{line}\n" for line in lines)


def _agree(question: str) -> bool:
    """Who typed `undo` has answered already; what sudo will do is shown all the same."""
    write_error(format_lines((question.removeprefix("pipguard: ").partition("?")[0],)))
    return True


def _say(line: str) -> None:
    write_error(format_lines((line,)))
