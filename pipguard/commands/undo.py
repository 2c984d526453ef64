"""`pip guard undo [ID]`: reverses what a recorded command changed.

In: an entry of the log (the last one that is not undone), what is there now. Out: a line on
stdout, and an entry of its own, which can be undone, too. Fetches everything that it will need
before it touches anything; where something was changed since by hand it says what, and does nothing
without `--force`.
"""

from __future__ import annotations

import argparse
import os
import shlex
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

from pipguard.caller import Caller
from pipguard.commands.documents import write_document
from pipguard.commands.log import describe_changes
from pipguard.console import ask, write_messages
from pipguard.decide import gather_tools, locate_base
from pipguard.discover import discover, name_guard_for_root
from pipguard.environments.inspect import Environment, inspect_environment
from pipguard.environments.inventory import (
    Change,
    InstalledPackage,
    Inventory,
    Location,
    read_inventory,
)
from pipguard.environments.pipx import can_uninject, read_application, read_pipx_home
from pipguard.environments.places import remove_tree
from pipguard.environments.trust import find_distrust, is_inside
from pipguard.environments.unrecorded import list_unrecorded
from pipguard.errors import PipguardError
from pipguard.execute import INTERRUPTED, Performer, execute_plan
from pipguard.history.folder import locate_journals, locate_log_folder
from pipguard.history.former import pack_wheel
from pipguard.history.log import Entry, History, read_history, to_document
from pipguard.history.origins import describe_guesses, recall_origins
from pipguard.history.record import (
    Recording,
    make_recorder,
)
from pipguard.package_managers.queries import (
    ask_manager,
    find_rights,
    find_taken_along,
    load_manager,
    make_system_location,
)
from pipguard.package_managers.types import PackageManager
from pipguard.pip.locate import RealPip
from pipguard.pip.queries import locate_module_pip
from pipguard.plan import Plan, Step
from pipguard.plans.undo import (
    FormerVersions,
    Reversal,
    plan_environment_reversal,
    plan_pipx_reversal,
    plan_plugin_reversal,
    plan_removal,
    plan_site_reversal,
    plan_system_reversal,
)
from pipguard.plans.venv import Tools, plan_opening
from pipguard.report import show_plainly
from pipguard.system.folders import open_private_folder
from pipguard.system.journal import Journal
from pipguard.system.locks import hold_place_lock
from pipguard.system.processes import make_asker
from pipguard.system.secrets import strip_secrets
from pipguard.system.streams import write_output

SUMMARY = "reverse what a command changed; without an ID, the last one"


class NotUndone(PipguardError):
    """A step of the undo failed; the tool's own words have been shown."""

    reference = "not-undone"

    def __init__(self, message: str, exit_status: int) -> None:
        super().__init__(message, "the same command goes on where this one stopped")
        self.exit_status = exit_status


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the words after the verb."""
    parser = argparse.ArgumentParser("pip guard undo", description=SUMMARY)
    parser.add_argument("id", nargs="?", help="of the entry, as `pip guard log` shows it")
    parser.add_argument("--dry-run", action="store_true", help="print the commands, run none")
    parser.add_argument("--force", action="store_true", help="whatever has changed since")
    parser.add_argument("--json", action="store_true", help="print the new entry as JSON")
    return parser


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Undo one entry of the log."""
    options = make_parser().parse_args(words)
    history = read_history(locate_log_folder(caller))
    entry = choose_entry(history, options.id) if options.id else choose_last(history, caller)
    with _make_download_folder(caller) as download_folder:
        real_pip = real_pip or locate_module_pip(caller)
        undoing = Undoing(caller, real_pip, entry, download_folder, options.force)
        inventories = [read_inventory(location, caller.environ) for location in undoing.locations]
        if not options.force:
            _refuse_differences(entry, inventories)
        reversals = [undoing.plan(inventory) for inventory in inventories]
        if options.dry_run:
            write_output(_describe_plans(reversals))
            return 0
        done = undoing.perform(reversals)
    if options.json:
        write_document(to_document(done))
    what = f"{entry.identifier} ({shlex.join(entry.command)})"
    changed = describe_changes(done)
    if done.exit_status != 0:
        is_cut_off = done.exit_status == INTERRUPTED
        problem = f"{what} was not undone{', because it was interrupted' if is_cut_off else ''}"
        raise NotUndone(f"{problem}: {changed}", done.exit_status)
    if not options.json:
        write_output(f"undone {what}: {changed}\n")
    return 0


@contextmanager
def _make_download_folder(caller: Caller) -> Iterator[str]:
    """Make a folder for a while; the next command removes it if this one is killed."""
    folder = locate_log_folder(caller)
    path = os.path.join(folder, f"{os.urandom(4).hex()}.removed-1")
    journal = Journal(locate_journals(folder))
    if not folder or not journal.note(left_over=[path]) or not open_private_folder(path):
        with tempfile.TemporaryDirectory(prefix="pipguard-") as path:
            yield path
        return
    try:
        # A pip that outlives us, killed, still writes there.
        with hold_place_lock(path, caller.environ, lambda _: None):
            yield path
    finally:
        remove_tree(path)
        journal.close()


def choose_last(history: History, caller: Caller) -> Entry:
    """Return the last entry of this project that changed something; elsewhere, if the user agrees.

    Raises `PipguardError` where there is none.
    """
    undone = history.find_undone()
    standing = [
        e
        for e in reversed(history.entries)
        if e.changed_something and not e.undoes and e.identifier not in undone
    ]
    if not standing:
        raise PipguardError("there is nothing to undo", "`pip guard log` shows what was done")
    root, place = _locate_project(caller)
    for entry in standing:
        if _is_of_project(entry, root, place):
            return entry
    last = standing[0]
    where = f"`{shlex.join(last.command)}` in {last.directory}"
    if not caller.is_terminal:
        hint = f"the last command elsewhere was {where}: `pip guard undo {last.identifier}`"
        raise PipguardError(f"there is nothing to undo in {root or caller.directory}", hint)
    question = f"pipguard: the last command was {where}, not here: undo it? [y/N] "
    if ask(show_plainly(question).encode()) != "y":
        raise PipguardError("nothing was undone")
    return last


def _locate_project(caller: Caller) -> tuple[str | None, str]:
    """Return the project's root, and the environment in use there."""
    try:
        surroundings = discover(caller)[1]
    except PipguardError:
        return None, ""
    return surroundings.project, surroundings.place.environment.path


def _is_of_project(entry: Entry, root: str | None, place: str) -> bool:
    """Tell whether a command was typed in the project or changed something of it.

    Outside of projects (in the home folder), whether it was typed outside or in none.
    """
    environments = {*entry.opened, *entry.closed}
    environments |= {c.location.path for c in entry.changes if c.location.kind == "environment"}
    changed = {*environments, *(change.location.path for change in entry.changes)}
    if place in changed:
        return True
    if root is None:
        return not environments
    return any(path == root or is_inside(path, root) for path in (entry.directory, *changed))


def choose_entry(history: History, identifier: str) -> Entry:
    """Return the entry of that ID, or of an ID that begins so."""
    undone = history.find_undone()
    found = [e for e in history.entries if e.identifier.startswith(identifier)]
    if len(found) != 1:
        problem = "is not in the log" if not found else "is the beginning of several entries"
        raise PipguardError(f"{identifier} {problem}", "`pip guard log` shows what was done")
    entry = found[0]
    if entry.is_newer:
        raise PipguardError(f"{identifier} was written by a newer pipguard, which can undo it")
    if entry.identifier in undone:
        raise PipguardError(f"{identifier} is already undone")
    if not entry.changed_something:
        raise PipguardError(f"{identifier} changed nothing")
    return entry


@dataclass(frozen=True, slots=True)
class Undoing:
    """The reversal of one entry."""

    caller: Caller
    real_pip: RealPip | None
    entry: Entry
    download_folder: str
    """For the former versions that are fetched."""
    is_forced: bool = False

    @property
    def locations(self) -> tuple[Location, ...]:
        """What the entry changed, each once."""
        names: dict[Location, list[str]] = {}
        for change in self.entry.changes:
            names.setdefault(change.location, []).append(change.name)
        for path in (*self.entry.opened, *self.entry.closed):
            names.setdefault(Location("environment", path), [])
        return tuple(
            make_system_location(location.path)
            if location.kind == "system"
            else replace(location, names=tuple(found))
            for location, found in names.items()
        )

    def plan(self, inventory: Inventory) -> Reversal:
        """Return how one location goes back from what it holds now."""
        location = inventory.location
        changes = tuple(self._list_remaining(inventory))
        if location.kind == "pipx":
            home = read_pipx_home(self.caller, make_asker(self.caller.environ))
            home = replace(home, environments=location.path)
            former = self._recall(location, changes, home.shared)
            return plan_pipx_reversal(changes, home, self._gather_tools(None), former)
        if location.kind == "application":
            return self._plan_application(location, changes)
        if location.kind == "site":
            return self._plan_site(location, changes)
        if location.kind == "system":
            return self._plan_system(location, changes)
        if not changes and not inventory.exists:
            return Reversal((), Plan("undo", ()))
        was_made = location.path in self.entry.created
        if (
            was_made
            and all(change.before is None for change in changes)
            and _is_unchanged(inventory, self)
        ):
            self._refuse_own_files(location.path)
            return plan_removal(location.path)
        reversal = self._plan_environment(location, changes)
        switch = tuple(self._plan_switch(inventory))
        return replace(reversal, plan=replace(reversal.plan, steps=(*switch, *reversal.plan.steps)))

    def _plan_switch(self, inventory: Inventory) -> Iterator[Step]:
        """Plan that an environment sees the system's packages as it did, where it is there."""
        path, sees = inventory.location.path, inventory.sees_system
        differs = path in (self.entry.opened if sees else self.entry.closed)
        if inventory.exists and differs:
            yield plan_opening(path, self._gather_tools(None), sees_system=not sees)

    def perform(self, reversals: list[Reversal]) -> Entry:
        """Fetch, then go back; return the entry that was written about it.

        Raises `PipguardError` when something is no longer available, with everything as it was.
        """
        recorder = make_recorder(self.caller, self._say)
        words = ("pip", "guard", *self.caller.argv[1:])
        entry = Entry(words, self.caller.directory, "undo", 130, self.entry.interpreter)
        entry = replace(entry, undoes=self.entry.identifier)
        for step in (step for reversal in reversals for step in reversal.fetching):
            fetched = execute_plan(Plan("undo", (step,)), self._perform_with(nullcontext))
            if fetched.was_interrupted:
                raise NotUndone("interrupted, so nothing was changed", INTERRUPTED)
            if fetched.exit_status:
                problem = f"nothing was changed: {step.subject} is no longer available"
                raise PipguardError(problem, _name_asked(step))
        names = [change.name for change in self.entry.changes]
        with Recording(recorder, entry, self.locations, list_affected=lambda _: names) as recording:
            performer = replace(self._perform_with(recording.watch), journal=recording.journal)
            with recording.watch():
                statuses = (execute_plan(r.plan, performer).exit_status for r in reversals)
                recording.end(next(filter(None, statuses), 0))
        return recording.entry

    def _perform_with(self, watch: Callable[[], AbstractContextManager[None]]) -> Performer:
        return Performer(self.caller.environ, self._say, self._agree, watch=watch)

    def _list_remaining(self, inventory: Inventory) -> Iterable[Change]:
        for change in self.entry.changes:
            now = inventory.packages.get(change.name)
            if change.location == inventory.location and now != change.before:
                yield Change(inventory.location, change.name, change.before, now)

    def _plan_environment(self, location: Location, changes: tuple[Change, ...]) -> Reversal:
        distrust = find_distrust(location.path, self.caller)
        if distrust:
            raise PipguardError(f"{location.path} is not used: {distrust}")
        environment = inspect_environment(location.path, make_asker(self.caller.environ))
        if environment.must_be_made and location.path not in self.entry.removed:
            raise PipguardError(f"{location.path} is gone, so there is nothing to undo in it")
        if environment.state == "broken":
            raise PipguardError(f"{location.path} is broken: {environment.problem}")
        tools = self._gather_tools(environment)
        former = self._recall(location, changes, location.path)
        return plan_environment_reversal(changes, environment, tools, former)

    def _refuse_own_files(self, environment: str) -> None:
        own = [] if self.is_forced else list_unrecorded(environment)
        if own:
            more = f" and {len(own) - 1} more" if len(own) > 1 else ""
            problem = f"{environment} holds files of your own: {own[0]}{more}"
            raise PipguardError(problem, "move them out first; --force removes them, too")

    def _plan_application(self, location: Location, changes: tuple[Change, ...]) -> Reversal:
        """Return how an application's plugins go back; with the application itself they do."""
        folder, host = os.path.split(location.path)
        itself = [c for c in self.entry.changes if (c.location.path, c.name) == (folder, host)]
        if any(change.before is None or change.after is None for change in itself):
            return Reversal((), Plan("undo", ()))
        ask = make_asker(self.caller.environ)
        home = replace(read_pipx_home(self.caller, ask), environments=folder)
        if not read_application(folder, host):
            raise PipguardError(f"{host} is not in pipx any more, so nothing is undone in it")
        home = replace(home, can_uninject=can_uninject(home, ask))
        former = self._recall(location, changes, home.shared)
        return plan_plugin_reversal(changes, host, home, self._gather_tools(None), former)

    def _plan_site(self, location: Location, changes: tuple[Change, ...]) -> Reversal:
        if os.path.isdir(location.path) and not os.access(location.path, os.W_OK):
            raise PipguardError(
                f"no permission to write to {location.path}", "undo it as the user who installed it"
            )
        is_users = bool(self.caller.home) and location.path.startswith(f"{self.caller.home}/")
        former = self._recall(location, changes, "")
        return plan_site_reversal(changes, self._gather_tools(None), former, is_users)

    def _recall(
        self, location: Location, changes: tuple[Change, ...], environment: str
    ) -> FormerVersions:
        """Return how the former versions are got: what was kept is here, the log tells the rest."""
        here = frozenset(
            change.name
            for change in changes
            if location.kind == "environment"
            and change.before
            and pack_wheel(environment, change.name, change.before.version, self.download_folder)
        )
        is_pipx = location.kind in {"pipx", "application"}
        kept = recall_origins(self.caller, self._locate_base(), location, environment)
        askings = {}
        for change in changes:
            if change.name in here:
                continue
            if change.before and (is_pipx or not change.before.words):
                askings[change.name] = kept.ask_again(change.name, change.before.version)
        for line in describe_guesses(askings, kept.now):
            self._say(line)
        constraints = self._write_constraints(changes) if is_pipx else ""
        return FormerVersions(self.download_folder, askings, here, constraints)

    def _write_constraints(self, changes: Iterable[Change]) -> str:
        """Write a constraints file with the former versions; return its path."""
        path = os.path.join(self.download_folder, "constraints.txt")
        lines = (f"{c.name}=={c.before.version}\n" for c in changes if c.before)
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(lines)
        return path

    def _plan_system(self, location: Location, changes: tuple[Change, ...]) -> Reversal:
        manager = load_manager(location.path)
        is_allowed, sudo, problem = find_rights(manager, self.caller)
        if problem or not is_allowed:
            raise PipguardError(
                problem or f"{manager.name} needs root",
                f"`{name_guard_for_root(self.caller)} undo`",
            )
        gone = [change.name for change in changes if change.before is None]
        along = find_taken_along(manager, gone, self.caller)
        if along:
            named = ", ".join(along)
            raise PipguardError(f"nothing was changed: this would also remove {named}")
        for change in changes:
            if change.before and manager.pin(change.name, change.before.version) == change.name:
                _require_version(manager, change.name, change.before.version, self.caller)
        return plan_system_reversal(changes, manager, sudo)

    def _gather_tools(self, environment: Environment | None) -> Tools:
        return gather_tools(self.caller, self.real_pip, self._locate_base(), environment)

    def _locate_base(self) -> str:
        base = self.entry.interpreter
        return base if os.access(base, os.X_OK) else locate_base(self.caller, self.real_pip)

    def _say(self, line: str) -> None:
        write_messages(self.caller, (line,))

    def _agree(self, question: str) -> bool:
        """Show what sudo will do; who typed `undo` has agreed already."""
        self._say(question.removeprefix("pipguard: ").partition("?")[0])
        return True


def _require_version(manager: PackageManager, package: str, version: str, caller: Caller) -> None:
    """Raise where a package manager that keeps no former versions has another one now."""
    found = manager.read_answer(ask_manager((*manager.query_start, package), caller))
    if version not in {f.version for f in found}:
        wanted = f"{package} {version}"
        raise PipguardError(f"nothing was changed: {wanted} is no longer available")


def _is_unchanged(inventory: Inventory, undoing: Undoing) -> bool:
    """Tell whether an environment holds what the command left there and nothing more."""
    left = {c.name: c.after for c in undoing.entry.changes if c.location == inventory.location}
    return inventory.packages == left


def _refuse_differences(entry: Entry, inventories: list[Inventory]) -> None:
    """Raise where something is not as the command left it."""
    now = {inventory.location: inventory.packages for inventory in inventories}
    differences = [
        f"{change.name} was {_describe(change.after)} in {change.location.path} and is "
        f"{_describe(now[change.location].get(change.name))} now"
        for change in entry.changes
        if not _is_as_left(change, now[change.location].get(change.name))
    ]
    if differences:
        more = f", and {len(differences) - 1} more differ" if len(differences) > 1 else ""
        hint = "undo what came after first, or --force"
        raise PipguardError(f"something has changed since: {differences[0]}{more}", hint)


def _is_as_left(change: Change, now: InstalledPackage | None) -> bool:
    """Tell whether a package is as a command left it, or is back already.

    Of an application the version counts: the requirement that pipx keeps for it becomes a pin when
    an undo brings it back.
    """
    if change.location.kind in {"pipx", "application"} and now and change.after:
        return now.version == change.after.version or now == change.before
    return now in (change.after, change.before)


def _describe(package: InstalledPackage | None) -> str:
    return package.version if package else "absent"


def _name_asked(step: Step) -> str:
    """Return a hint with the index that a step asked, where that is not the configured one."""
    index = dict(step.environ).get("PIP_INDEX_URL")
    if not index:
        return ""
    return f"{strip_secrets(index)} was asked; pip takes a password for it from .netrc or keyring"


def _describe_plans(reversals: list[Reversal]) -> str:
    lines = []
    for reversal in reversals:
        fetching = [step.command for step in reversal.fetching]
        commands = (*fetching, *reversal.plan.list_commands())
        lines += [f"$ {shlex.join(command)}" for command in commands]
        lines += [f"remove {reversal.plan.removal}"] if reversal.plan.removal else []
    return "".join(f"{show_plainly(line)}\n" for line in lines)
