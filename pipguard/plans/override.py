"""Plans an install into the system's own folders, because the user explicitly ordered it.

In: the command. Out: a `Plan`. Pure. The variable does what `--break-system-packages` does, and
older pips ignore it (pip 23.0.1 to 26.3).
"""

from __future__ import annotations

from pipguard.pip.command_line import PipCommand
from pipguard.plan import Plan, Step
from pipguard.plans.venv import Tools, build_base_pip_command


def plan_override(command: PipCommand, tools: Tools) -> Plan:
    """Return the user's command, let through."""
    words = (*build_base_pip_command(tools), *command.argv)
    variables = (("PIP_BREAK_SYSTEM_PACKAGES", "1"),)
    return Plan("override", (Step("install into the system", words, variables),))
