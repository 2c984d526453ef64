"""Performs a plan: makes the environment, runs the steps, takes everything back when they fail.

In: a `Plan`. Out: an `Outcome`. What this run made and could not fill is removed again; what it
found stays, whatever happens. Never decides, never words a result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

from pipguard.compiled import keep_compiled, lend_compiled
from pipguard.doors import dataclass
from pipguard.environment import UNFINISHED_NAME, is_unfinished
from pipguard.errors import PipguardError
from pipguard.folders import cache_folder
from pipguard.lock import hold_lock
from pipguard.plans import Creation, Plan, Step
from pipguard.process import (
    DISCARD,
    Interrupted,
    postponing_signals,
    raising_on_signals,
    run_captured,
    run_foreground,
    run_relaying,
    write_error,
)
from pipguard.refusal import HeldBlock

# pipx 1.1 to 1.18 begin so where a distribution has no command; they have removed it again then.
NO_COMMANDS = b"No apps associated with package"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a plan."""

    exit_status: int
    failed: tuple[str, ...] = ()
    """Subjects of the steps that failed, as the user wrote them."""
    diverted: tuple[str, ...] = ()
    """Subjects that turned out to have no command, and went to the environment."""
    declined: tuple[str, ...] = ()
    """Subjects that the user wanted to keep after all."""
    has_made: bool = False
    """Whether the environment is this run's own."""
    has_removed: bool = False
    """Whether this run's own environment is gone again."""


@dataclass(frozen=True, slots=True)
class Performer:
    """What performing needs besides the plan."""

    environ: Mapping[str, str]
    say: Callable[[str], None]
    """Writes one line for the user."""
    confirm: Callable[[str], bool]
    """Asks the user a question; true for yes."""
    is_verbose: bool = False
    watch: Callable[[], AbstractContextManager[None]] = nullcontext
    """Entered around everything that changes something, when nobody else can change it."""


class CreationFailed(PipguardError):
    """virtualenv could not make the environment; its own words have been shown."""

    reference = "creation-failed"


def execute_plan(plan: Plan, performer: Performer) -> Outcome:
    """Perform the plan; its environment is changed by one run at a time.

    Raises `PipguardError` for what the user can mend, and lets an interruption through when
    everything is as it was.
    """
    with raising_on_signals():
        if plan.environment is None:
            with performer.watch():
                return _perform_steps(plan, performer)
        with hold_lock(plan.environment, performer.environ, performer.say), performer.watch():
            return _perform_in_environment(plan, performer)


def _perform_in_environment(plan: Plan, performer: Performer) -> Outcome:
    making = _Making(plan.creation, performer.environ) if plan.creation else None
    if making is None or not making.is_needed():
        outcome = _perform_steps(plan, performer)
        if plan.removal and outcome.exit_status == 0:
            remove_environment(plan.removal)
        return outcome
    try:
        making.make(performer)
        outcome = _perform_steps(plan, performer)
    except BaseException:
        making.undo()
        raise
    if outcome.exit_status != 0:
        making.undo()
        return Outcome(outcome.exit_status, outcome.failed, has_removed=True)
    making.keep()
    return Outcome(0, diverted=outcome.diverted, has_made=True)


def _perform_steps(plan: Plan, performer: Performer) -> Outcome:
    """Run the steps; a failure ends the plan unless the other steps are about other targets."""
    status = 0 if plan.steps else plan.exit_status
    failed: list[str] = []
    diverted: list[str] = []
    declined: list[str] = []
    for number, step in enumerate(plan.steps):
        if step.only_if_missing and os.path.exists(step.only_if_missing):
            continue
        if step.question and not performer.confirm(step.question):
            declined.append(step.subject)
            continue
        try:
            result, was_diverted = _perform(step, performer)
        except Interrupted as interruption:
            failed += [left.subject for left in plan.steps[number:]]
            return Outcome(interruption.exit_status, tuple(failed), tuple(diverted))
        if was_diverted:
            diverted.append(step.subject)
        if result != 0:
            status = result
            failed.append(step.subject)
            if not step.subject:
                break
    if len(declined) == len(plan.steps):
        status = plan.exit_status
    return Outcome(status, tuple(failed), tuple(diverted), tuple(declined))


def _perform(step: Step, performer: Performer) -> tuple[int, bool]:
    """Return the step's exit status, and whether its target went to its fallback."""
    environ = apply_changes(performer.environ, step.environ)
    try:
        if step.mode == "quiet":
            return _run_quietly(step, environ, performer), False
        if step.mode == "pipx":
            return _run_pipx(step, environ, performer)
        stdout = 2 if step.mode == "aside" else None
        return run_foreground(step.command, environ, stdout=stdout), False
    except OSError as error:
        problem = error.strerror or str(error)
        raise PipguardError(f"{step.command[0]} cannot be started: {problem}") from error


def apply_changes(
    environ: Mapping[str, str], changes: tuple[tuple[str, str | None], ...]
) -> dict[str, str]:
    """Return the variables with a step's changes made."""
    changed = dict(environ)
    for name, value in changes:
        changed.pop(name, None)
        if value is not None:
            changed[name] = value
    return changed


def _run_quietly(step: Step, environ: Mapping[str, str], performer: Performer) -> int:
    captured = run_captured(step.command, environ)
    if captured.exit_status != 0:
        said = captured.stdout + captured.stderr
        write_error(said if performer.is_verbose else _drop_tracebacks(said))
    return captured.exit_status


def _drop_tracebacks(text: bytes) -> bytes:
    """Keep what a tool says and leave out where in its code it said so (-v shows that, too).

    virtualenv reports a full disk as two tracebacks; the line that matters is their last.
    """
    lines = (line for line in text.splitlines() if line and not line.startswith(b" "))
    return b"".join(
        line + b"\n" for line in dict.fromkeys(lines) if not line.startswith(b"Traceback (")
    )


def _run_pipx(step: Step, environ: Mapping[str, str], performer: Performer) -> tuple[int, bool]:
    """Run pipx without its congratulations: the closing words say what there is now.

    Where they are wanted they go to stderr, for stdout is pip's alone.
    """
    block = HeldBlock(NO_COMMANDS)
    stdout = 2 if performer.is_verbose else DISCARD
    try:
        status = run_relaying(step.command, environ, block.relay, stdout)
    except Interrupted:
        write_error(block.release())
        raise
    if status != 0 and block.block:
        if step.otherwise and b"--include-deps" in block.block:
            retries = [_perform(retry, performer) for retry in step.otherwise]
            return max(result for result, _ in retries), False
        if step.fallback:
            for note in step.fallback.notes:
                performer.say(note)
            return execute_plan(step.fallback, performer).exit_status, True
    write_error(block.release())
    return status, False


def remove_environment(path: str) -> None:
    """Remove an environment, out of the way first: killed on the way, no half of one is left.

    Raises `PipguardError` for what is no environment or cannot be removed.
    """
    if os.path.islink(path) or not os.path.isfile(os.path.join(path, "pyvenv.cfg")):
        raise PipguardError(f"{path} is no environment, so it is not removed")
    import shutil

    aside = _free_name(path, "removed")
    try:
        os.rename(path, aside)
        shutil.rmtree(aside)
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}"
        raise PipguardError(f"{path} cannot be removed: {problem}") from error


class _Making:
    """One environment on its way from nothing to its first successful install."""

    def __init__(self, creation: Creation, environ: Mapping[str, str]) -> None:
        is_wanted = not environ.get("PYTHONDONTWRITEBYTECODE")
        self.compiled = cache_folder(environ, "compiled") if is_wanted else ""
        self.creation = creation
        self.path = creation.path
        self.marker = os.path.join(creation.path, UNFINISHED_NAME)
        self.aside = ""
        self.keeps_folder = False
        self.has_begun = False

    def is_needed(self) -> bool:
        """Whether it is still to be made, now that nobody else can be making it."""
        if self.creation.replaces_broken:
            return True
        has_configuration = os.path.isfile(os.path.join(self.path, "pyvenv.cfg"))
        return is_unfinished(self.path) or not has_configuration

    def make(self, performer: Performer) -> None:
        """Make the folder, mark it as unfinished, and let virtualenv fill it."""
        try:
            with postponing_signals():
                self._prepare()
        except OSError as error:
            problem = error.strerror or str(error)
            hint = "PIPGUARD_VENV=FOLDER chooses another place"
            raise PipguardError(f"{self.path} cannot be made: {problem}", hint) from error
        status, _ = _perform(self.creation.step, performer)
        if status != 0:
            raise CreationFailed(f"virtualenv could not make {self.path}")
        lend_compiled(self.path, self.compiled)

    def _prepare(self) -> None:
        if self.creation.replaces_broken:
            aside = _free_name(self.path, "broken")
            os.rename(self.path, aside)
            self.aside = aside
        is_left_over = os.path.exists(self.marker)
        self.keeps_folder = os.path.isdir(self.path) and not is_left_over
        if self.keeps_folder and os.listdir(self.path):
            raise FileExistsError("there are files in it now")
        self.has_begun = True
        os.makedirs(self.path, exist_ok=True)
        with open(self.marker, "wb"):
            pass

    def keep(self) -> None:
        """Declare it finished; what it replaced goes, if that was an environment, too."""
        _unlink(self.marker)
        keep_compiled(self.path, self.compiled)
        if self.aside and os.path.isfile(os.path.join(self.aside, "pyvenv.cfg")):
            _remove(self.aside)

    def undo(self) -> None:
        """Remove what was made, the mark last: killed on the way, the next run goes on."""
        with postponing_signals():
            if self.has_begun:
                self._remove_made()
            if self.aside and not os.path.lexists(self.path):
                os.rename(self.aside, self.path)

    def _remove_made(self) -> None:
        for entry in _list_folder(self.path):
            if entry != UNFINISHED_NAME:
                _remove(os.path.join(self.path, entry))
        _unlink(self.marker)
        if not self.keeps_folder:
            _remove_folder(self.path)


def _free_name(path: str, ending: str) -> str:
    number = 1
    while os.path.lexists(f"{path}.{ending}-{number}"):
        number += 1
    return f"{path}.{ending}-{number}"


def _list_folder(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        import shutil

        shutil.rmtree(path, ignore_errors=True)
    else:
        _unlink(path)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return


def _remove_folder(path: str) -> None:
    try:
        os.rmdir(path)
    except OSError:
        return
