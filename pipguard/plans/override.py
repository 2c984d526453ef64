"""The system's own folders, because the user explicitly ordered it.

In: a `ToOverride` route, the command. Out: a `Plan`. Pure. The variable does what
`--break-system-packages` does and older pips ignore it (pip 23.0.1 to 26.3).
"""

from __future__ import annotations

from pipguard.parse import PipCommand
from pipguard.plans import Plan, Step
from pipguard.plans.venv import Makers, start_pip


def plan_override(command: PipCommand, makers: Makers) -> Plan:
    """Return the user's command, let through."""
    words = (*start_pip(makers), *command.argv)
    variables = (("PIP_BREAK_SYSTEM_PACKAGES", "1"),)
    return Plan("override", (Step("install into the system", words, variables),))
