"""The real pip says what it would do: for `--dry-run` and for commands that cannot succeed.

In: a `ToRehearsal` route, the command. Out: a `Plan`. Pure.

`--dry-run` together with `--report` is exempt from the marker (pip 23.0 to 26.3) and changes
nothing. `--ignore-installed` keeps the system's packages out of the answer, as a new environment
would.
"""

from __future__ import annotations

import os

from pipguard.parse import PipCommand
from pipguard.plans import Plan, Step
from pipguard.plans.venv import Makers, environment_variables, start_pip


def plan_rehearsal(command: PipCommand, makers: Makers) -> Plan:
    """Return how pip gets to speak without being able to act."""
    words = command.inserting("--dry-run", f"--report={os.devnull}", "--ignore-installed")
    step = Step(
        "let pip say what it would do",
        (*start_pip(makers), *words),
        environment_variables(makers),
    )
    return Plan("pass", (step,))
