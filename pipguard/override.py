"""Lets the real pip change the system as the user explicitly ordered, and records what it did.

In: a command that the marker does not stop (`--break-system-packages`, in words, variables or
configuration). Out: pip's own exit status, an entry in the log, and a warning where one of the
operating system's packages is shadowed now. The command is the real pip's, unchanged.
"""

from __future__ import annotations

from collections.abc import Callable

from pipguard.caller import Caller
from pipguard.discover import name_guard
from pipguard.errors import PipguardError
from pipguard.pip.command_line import PipCommand
from pipguard.pip.configuration import locate_configuration_files
from pipguard.pip.interpreter import locate_marker
from pipguard.pip.locate import RealPip
from pipguard.pip.origins import read_origin
from pipguard.pip.queries import ask_for_refusal, find_interpreter
from pipguard.system.booleans import parse_boolean
from pipguard.watch import run_watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.history.record import Recording

_MOST_WARNINGS = 2
_TAIL = 4096
# pip 23.1 to 26.3, and before that of what distutils had installed.
_CANNOT_REMOVE = (b"uninstall-no-record-file", b"no RECORD file", b"a distutils installed project")
_KEYS = (b"break-system-packages", b"break_system_packages")


def is_ordered(caller: Caller, real_pip: RealPip, command: PipCommand) -> bool:
    """Tell whether the user told pip to change the system, and pip would do it.

    An install into another folder leaves the system as it is. A variable or a file may order it
    for another subcommand or be overruled, so pip itself is asked about those.
    """
    if command.subcommand not in {"install", "uninstall"} or command.error or command.asks_help:
        return False
    if command.goes_elsewhere or command.has("--dry-run"):
        return False
    if command.runs_under or command.has_late_python:
        return False
    if command.has("--break-system-packages"):
        return True
    paths = locate_configuration_files(caller, real_pip.interpreter or "")
    is_named = parse_boolean(caller.environ.get("PIP_BREAK_SYSTEM_PACKAGES", "")) or any(
        _names_override(path) for path in paths
    )
    return bool(is_named) and ask_for_refusal(real_pip, command, caller.environ) is None


def run_override(
    caller: Caller, real_pip: RealPip, command: PipCommand, say: Callable[[str], None]
) -> int:
    """Run the real pip as it is, with a look before and after; raises `NoPip` as a shell would."""
    from pipguard.history.record import Recording, list_site_locations, make_entry, make_recorder

    interpreter = find_interpreter(real_pip, caller.environ)
    is_managed = interpreter is not None and locate_marker(interpreter) is not None
    entry = make_entry(caller, "override", interpreter or "")
    locations = list_site_locations(interpreter, caller) if interpreter and is_managed else ()
    with Recording(
        make_recorder(caller, say),
        entry,
        locations,
        lambda: read_origin(caller, interpreter or "", command=command).words,
    ) as recording:
        failure = _WatchedFailure()
        run_watched(caller, real_pip, command, recording, failure.watch)
    if failure.is_about_system and recording.entry.exit_status:
        say(_describe_way(command))
    if locations and interpreter:
        warn_of_shadowed(caller, interpreter, recording, say)
    return recording.entry.exit_status


def warn_of_shadowed(
    caller: Caller, interpreter: str, recording: Recording, say: Callable[[str], None]
) -> None:
    """Say which of the operating system's packages are shadowed now, and the way back."""
    from pipguard.history.record import list_site_locations
    from pipguard.package_managers.shadowed import find_shadowed

    names = [change.name for change in recording.entry.changes if change.after]
    if not names:
        return
    try:
        found = find_shadowed(list_site_locations(interpreter, caller), interpreter, caller, names)
    except PipguardError as error:  # pip has done its work, and its exit status stands
        say(error.message)
        return
    for shadowed in found[:_MOST_WARNINGS]:
        say(shadowed.words)
    guard = name_guard(caller)
    if len(found) > _MOST_WARNINGS:
        say(f"{len(found) - _MOST_WARNINGS} more are hidden: `{guard} doctor` lists them")
    if found and recording.is_recorded:
        say(f"`{guard} undo {recording.entry.identifier}` reverses this")


class _WatchedFailure:
    """Looks at what pip says on stderr, and passes all of it on."""

    def __init__(self) -> None:
        self.tail = b""
        self.is_about_system = False
        """Whether pip cannot remove what the operating system's package manager installed."""

    def watch(self, chunk: bytes) -> bytes:
        self.tail = (self.tail + chunk)[-_TAIL:]
        self.is_about_system |= any(words in self.tail for words in _CANNOT_REMOVE)
        return chunk


def _describe_way(command: PipCommand) -> str:
    without = "without --break-system-packages"
    if not command.has("--break-system-packages"):
        without = "with PIP_BREAK_SYSTEM_PACKAGES=0"
    return f"the same command {without} goes to an environment, where nothing is to be removed"


def _names_override(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            text = file.read(65536)
    except OSError:
        return False
    return any(key in text for key in _KEYS)
