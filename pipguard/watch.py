"""Runs the real pip as it is, where nothing is redirected, and records what it changed.

In: the command, the locations that pip may change. Out: pip's own exit status, an entry in the log.
The command is the real pip's, unchanged, and so are its streams, unless somebody looks at stderr on
its way.
"""

from __future__ import annotations

from collections.abc import Callable

from pipguard.caller import Caller
from pipguard.environments.inspect import interpreter_path
from pipguard.errors import NoPip
from pipguard.pip.command_line import PipCommand
from pipguard.pip.handover import build_pip_variables
from pipguard.pip.interpreter import locate_environment_of
from pipguard.pip.locate import RealPip
from pipguard.pip.origins import read_origin
from pipguard.system.processes import run_foreground, run_relaying

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.history.record import Recording


def run_watched(
    caller: Caller,
    real_pip: RealPip,
    command: PipCommand,
    recording: Recording,
    look: Callable[[bytes], bytes] | None = None,
) -> None:
    """Run the real pip between two looks at the recording's locations; note how it ended.

    `look` sees what pip says on stderr and returns what is shown. Raises `NoPip` as a shell would.
    """
    words = [*real_pip.command, *command.argv]
    variables = build_pip_variables(real_pip, caller.environ)
    try:
        with recording.watch():
            if look:
                recording.end(run_relaying(words, variables, look))
            else:
                recording.end(run_foreground(words, variables))
    except OSError as error:
        recording.locations = ()
        raise NoPip(f"{real_pip.command[0]} cannot be started: {error.strerror}") from error


def run_in_environment(
    caller: Caller, real_pip: RealPip, command: PipCommand, say: Callable[[str], None]
) -> int:
    """Run the pip of an active environment that pipguard made or activated, and record it.

    What is installed there is as much the project's as what pipguard sent there, so undo knows it.
    """
    from pipguard.environments.inventory import Location
    from pipguard.history.affected import list_affected
    from pipguard.history.record import Recording, make_entry, make_recorder

    environment = locate_environment_of(real_pip.command[0]) or ""
    interpreter = interpreter_path(environment)
    with Recording(
        make_recorder(caller, say),
        make_entry(caller, "active", interpreter),
        (Location("environment", environment),),
        lambda: read_origin(caller, interpreter, environment, command).words,
        lambda path: list_affected(path, command, caller),
    ) as recording:
        run_watched(caller, real_pip, command, recording)
    return recording.entry.exit_status
