"""Plans a run of the real pip that changes nothing: for `--dry-run` and what cannot succeed.

In: the command. Out: a `Plan`. Pure.

`--dry-run` together with `--report` is exempt from the marker (pip 23.0 to 26.3) and changes
nothing. `--ignore-installed` keeps the system's packages out of the answer, as a new environment
would.
"""

from __future__ import annotations

import os

from pipguard.pip.command_line import PipCommand
from pipguard.plan import Plan, Step
from pipguard.plans.venv import Tools, build_base_pip_command, build_variables


def plan_rehearsal(command: PipCommand, tools: Tools) -> Plan:
    """Return how pip gets to say what it would do, without being able to do it."""
    words = command.inserting("--dry-run", f"--report={os.devnull}", "--ignore-installed")
    command_line = (*build_base_pip_command(tools), *words)
    return Plan(
        "pass", (Step("let pip say what it would do", command_line, build_variables(tools)),)
    )
