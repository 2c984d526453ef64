"""Ends a command with one line of JSON about it, for programs that ask for that.

In: `PIPGUARD_OUTCOME=json`, the words that started us. Out: the command as ever, and after it a
last line on stderr: `pipguard: outcome {…}`, whose schema `pip guard help --schema outcome` prints.
The command runs in a child, so that there is a line even where the real pip takes that child's
place; what was decided it leaves in a file that only this user can read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

from pipguard.environments.inspect import interpreter_path
from pipguard.errors import PipguardError
from pipguard.system.folders import cache_folder
from pipguard.system.private_files import read_private_file, remove_file, write_private_file
from pipguard.system.processes import run_foreground
from pipguard.system.secrets import mask_secrets
from pipguard.system.streams import write_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.decide import Decision
    from pipguard.history.record import Recording

ASKING_VARIABLE = "PIPGUARD_OUTCOME"
FILE_VARIABLE = "PIPGUARD_OUTCOME_FILE"
FORMAT = 1
_LONGEST = 65536
_NOTHING_DONE = {"route": "pass", "reason": "the real pip decided", "environment": None,
                 "python": None, "project": None, "id": None}  # fmt: skip


def run_with_summary(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run pipguard's own command line once more, in a child; return its exit status."""
    wanted = environ[ASKING_VARIABLE]
    if wanted != "json":
        problem = f"pipguard: {ASKING_VARIABLE}={wanted!a}\npipguard: hint: accepted: json\n"
        write_error(problem.encode("ascii"))
        return 1
    path = cache_folder(environ, "outcomes", f"{os.getpid()}-{os.urandom(4).hex()}")
    variables = {name: value for name, value in environ.items() if name != ASKING_VARIABLE}
    status = run_foreground(command, {**variables, FILE_VARIABLE: path})
    found = read_private_file(path, _LONGEST)
    remove_file(path)
    decided = json.loads(found) if found else _NOTHING_DONE
    document = {"format": FORMAT, "status": status, **decided}
    write_error(f"pipguard: outcome {json.dumps(document)}\n".encode("ascii"))
    return status


def note_decision(path: str | None, decision: Decision, recording: Recording) -> None:
    """Write down what was decided and done, where somebody waits for it."""
    if path is None:
        return
    environment = decision.plan.environment
    is_there = environment is not None and os.path.exists(environment)
    entry = recording.entry.identifier if recording.is_recorded else None
    document = {
        "route": decision.plan.route,
        "reason": mask_secrets(decision.route.reason),
        "environment": environment if is_there else None,
        "python": interpreter_path(environment) if environment and is_there else None,
        "project": decision.surroundings.project,
        "id": entry,
    }
    write_private_file(path, json.dumps(document).encode("ascii"))


def note_failure(path: str | None, error: PipguardError) -> None:
    """Write down why nothing was done, where somebody waits for it."""
    if path is not None:
        document = {**_NOTHING_DONE, "route": "failed", "reason": mask_secrets(error.message)}
        write_private_file(path, json.dumps(document).encode("ascii"))
