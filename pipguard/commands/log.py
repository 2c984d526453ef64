"""`pip guard log`: shows what pipguard did: when, where, what, by which route, and the changes.

In: the caller. Out: a table or JSON on stdout, oldest first. Reads only.
"""

from __future__ import annotations

import argparse
import os
import shlex
import time

from pipguard.caller import Caller
from pipguard.commands.documents import write_documents
from pipguard.console import write_messages
from pipguard.environments.inventory import Change
from pipguard.history.folder import locate_log_folder
from pipguard.history.log import Entry, History, read_history, to_document
from pipguard.pip.locate import RealPip
from pipguard.report import show_plainly
from pipguard.system.streams import write_output

SUMMARY = "show what pipguard did, and what `pip guard undo` can reverse"

_MOST_CHANGES = 4


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the words after the verb."""
    parser = argparse.ArgumentParser("pip guard log", description=SUMMARY)
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    parser.add_argument(
        "-n", type=int, default=20, help="how many entries, 0 for all (20); -1 is -n 1"
    )
    return parser


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Print the log."""
    del real_pip
    is_number = [word[:1] == "-" and word[1:].isdecimal() for word in words]
    short = (f"-n{w[1:]}" if is_it else w for w, is_it in zip(words, is_number, strict=True))
    options = make_parser().parse_args(list(short))
    history = read_history(locate_log_folder(caller))
    chosen = history.entries[-options.n :] if options.n > 0 else history.entries
    if options.json:
        undone = history.find_undone()
        write_documents([{**to_document(e), "undone": e.identifier in undone} for e in chosen])
    else:
        write_output(format_table(history, chosen) or "nothing is recorded yet\n")
    if history.unreadable:
        problem = f"{history.unreadable} of the log's lines cannot be read and are left out"
        write_messages(caller, (problem,))
    return 0


def format_table(history: History, chosen: tuple[Entry, ...]) -> str:
    """Return entries for people: a line for what was typed, one for what came of it."""
    undone = history.find_undone()
    return "".join(_format_entry(entry, entry.identifier in undone) for entry in chosen)


def _format_entry(entry: Entry, is_undone: bool) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.time))
    if entry.is_newer:
        return f"{entry.identifier}  {when}  written by a newer pipguard\n"
    typed = shlex.join(entry.command)
    what = describe_changes(entry)
    notes = [f"made {path}" for path in entry.created]
    notes += [f"removed {path}" for path in entry.removed]
    status = f"exit status {entry.exit_status}" if entry.exit_status != 130 else "interrupted"
    notes += [status] if entry.exit_status else []
    notes += [f"undoes {entry.undoes}"] if entry.undoes else []
    notes += ["undone since"] if is_undone else []
    head = f"{entry.identifier}  {when}  {entry.route:8}  {entry.directory}  $ {typed}"
    tail = f"          {'; '.join((what, *notes))}"
    return "".join(f"{show_plainly(line)}\n" for line in (head, tail))


def describe_changes(entry: Entry) -> str:
    """Return what changed in one line: what appeared with +, what went with -."""
    shown = [describe_change(change) for change in entry.changes]
    shown += [f"{path} sees the system's packages" for path in entry.opened]
    shown += [f"{path} sees the system's packages no more" for path in entry.closed]
    if not shown:
        return "nothing changed"
    more = len(shown) - _MOST_CHANGES
    said = ", ".join(shown[:_MOST_CHANGES])
    return f"{said} and {more} more" if more > 0 else said


def describe_change(change: Change) -> str:
    """Return one change: `+six 1.17`, `-six 1.17`, `six 1.16 -> 1.17`; a plugin with its host."""
    is_plugin = change.location.kind == "application"
    where = f" in {os.path.basename(change.location.path)}" if is_plugin else ""
    if change.before is None:
        return f"+{change.name} {change.after.version if change.after else ''}{where}"
    if change.after is None:
        return f"-{change.name} {change.before.version}{where}"
    return f"{change.name} {change.before.version} -> {change.after.version}{where}"
