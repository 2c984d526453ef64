"""Runs the real pip, or another program, in place of pipguard.

In: words to run and the variables to run them with. Out: that program in this process, or the exit
status of a shell that cannot start it. Nothing of pipguard is left running.
"""

from __future__ import annotations

import os

from pipguard.pip.locate import TRIED_VARIABLE, RealPip
from pipguard.system.processes import replace_process
from pipguard.system.streams import write_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OFF = frozenset({"off", "0", "no", "false"})


def is_switched_off(environ: Mapping[str, str]) -> bool:
    """Tell whether `PIPGUARD` or `PIPGUARD_ROUTE` leaves everything to the real pip."""
    return (
        environ.get("PIPGUARD", "").lower() in _OFF
        or environ.get("PIPGUARD_ROUTE", "").lower() == "off"
    )


def build_pip_variables(real_pip: RealPip, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for the real pip: the user's own, unchanged but for one case.

    A program that cannot be read might run pipguard again, so it is noted that it was tried.
    """
    variables = dict(environ)
    if real_pip.is_opaque:
        tried = environ.get(TRIED_VARIABLE)
        path = real_pip.command[0]
        variables[TRIED_VARIABLE] = f"{tried}{os.pathsep}{path}" if tried else path
    return variables


def hand_over(real_pip: RealPip, argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the real pip with the user's own words in place of this process."""
    return become((*real_pip.command, *argv), build_pip_variables(real_pip, environ))


def become(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run another program in place of this process; return 127 when it cannot be started."""
    try:
        replace_process(command, environ)
    except OSError as error:
        problem = f"pipguard: {command[0]} cannot be started: {error.strerror}\n"
        write_error(os.fsencode(problem))
        return 127
