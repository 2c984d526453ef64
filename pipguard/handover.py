"""Becomes another program: the real pip, or the environment's.

In: words to run and the variables to run them with. Out: that program in our place, or the status
of a shell that cannot start it. Never comes back otherwise.
"""

from __future__ import annotations

import os

from pipguard.process import replace_process, write_error
from pipguard.real_pip import RealPip, mark_as_tried

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def hand_over(real_pip: RealPip, argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Become the real pip with the user's own words."""
    return become((*real_pip.command, *argv), mark_as_tried(real_pip, environ))


def become(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Become another program; come back only when it cannot be started."""
    try:
        replace_process(command, environ)
    except OSError as error:
        problem = f"pipguard: {command[0]} cannot be started: {error.strerror}\n"
        write_error(os.fsencode(problem))
        return 127
