"""Lets the real pip do what the user explicitly ordered on the system, and writes down what it did.

In: a command that the marker does not stop (`--break-system-packages`, in words, variables or
configuration). Out: pip's own exit status, an entry in the log, and a warning where one of the
operating system's packages is hidden now. The command is the real pip's, unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pipguard.caller import Caller
from pipguard.errors import NoPip, PipguardError
from pipguard.forward import ask_for_refusal, find_interpreter
from pipguard.parse import PipCommand
from pipguard.pip_configuration import locate_configuration_files
from pipguard.process import run_foreground
from pipguard.real_pip import RealPip, locate_marker, mark_as_tried

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.history import Entry
    from pipguard.inventory import Change

_MOST_WARNINGS = 2
_KEYS = (b"break-system-packages", b"break_system_packages")
# pip's own reading of a yes (distutils' strtobool).
_YES = {"1", "y", "yes", "t", "true", "on"}


def is_ordered(caller: Caller, real_pip: RealPip, command: PipCommand) -> bool:
    """Tell whether the user told pip to change the system, and pip would do it.

    What goes to another folder or nowhere leaves the system as it is. A variable or a file may
    say it for another subcommand or be overruled, so pip itself is asked about those.
    """
    if command.subcommand not in {"install", "uninstall"} or command.error or command.asks_help:
        return False
    if any(command.has(name) for name in ("--target", "--prefix", "--root", "--dry-run")):
        return False
    if command.runs_under or command.has_late_python:
        return False
    if command.has("--break-system-packages"):
        return True
    paths = locate_configuration_files(caller, real_pip.interpreter or "")
    is_mentioned = caller.environ.get("PIP_BREAK_SYSTEM_PACKAGES", "").lower() in _YES or any(
        _mentions_override(path) for path in paths
    )
    return is_mentioned and ask_for_refusal(real_pip, command, caller.environ) is None


def run_override(
    caller: Caller, real_pip: RealPip, command: PipCommand, say: Callable[[str], None]
) -> int:
    """Run the real pip as it is, with a look before and after; raises `NoPip` as a shell would."""
    from pipguard.history import Entry
    from pipguard.record import Journal, list_site_places, make_recorder, mask_words

    interpreter = find_interpreter(real_pip, caller.environ)
    is_managed = interpreter is not None and locate_marker(interpreter) is not None
    typed = mask_words((caller.program, *caller.argv))
    entry = Entry(typed, caller.directory, "override", 130, interpreter or "")
    places = list_site_places(interpreter, caller) if interpreter and is_managed else ()
    with Journal(make_recorder(caller, say), entry, places) as journal:
        try:
            with journal.watch():
                words = [*real_pip.command, *command.argv]
                journal.end(run_foreground(words, mark_as_tried(real_pip, caller.environ)))
        except OSError as error:
            journal.places = ()
            problem = f"{real_pip.command[0]} cannot be started: {error.strerror}"
            raise NoPip(problem) from error
    if places and interpreter:
        warn_of_hiding(caller, interpreter, journal.entry, say)
    return journal.entry.exit_status


def warn_of_hiding(
    caller: Caller, interpreter: str, entry: Entry, say: Callable[[str], None]
) -> None:
    """Say which of the operating system's packages are hidden now, and the way back."""
    from pipguard.hiding import find_hidden
    from pipguard.record import list_site_places

    names = _list_arrivals(entry.changes)
    if not names:
        return
    try:
        found = find_hidden(list_site_places(interpreter, caller), interpreter, caller, names)
    except PipguardError as error:  # pip has done its work, and its exit status stands
        say(error.message)
        return
    for hidden in found[:_MOST_WARNINGS]:
        say(hidden.words)
    if len(found) > _MOST_WARNINGS:
        say(f"{len(found) - _MOST_WARNINGS} more are hidden: `pip guard doctor` lists them")
    if found:
        say(f"`pip guard undo {entry.identifier}` takes it back")


def _list_arrivals(changes: Iterable[Change]) -> list[str]:
    return [change.name for change in changes if change.after]


def _mentions_override(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            text = file.read(65536)
    except OSError:
        return False
    return any(key in text for key in _KEYS)
