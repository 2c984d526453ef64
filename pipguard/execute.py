"""Performs a plan: runs its steps, in an environment that is there or is made for them.

In: a `Plan`. Out: an `Outcome`. What this run made and could not fill is removed again; what it
found stays, whatever happens. Never decides, never words a result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

from pipguard.environments.distributions import describe_change, identify_distributions
from pipguard.environments.inspect import UNFINISHED_NAME
from pipguard.environments.run_pip import GATE, OTHER, SAME
from pipguard.environments.run_virtualenv import RUN_VIRTUALENV
from pipguard.errors import PipguardError
from pipguard.pip.refusal import HeldBlock
from pipguard.plan import Plan, Step, apply_changes
from pipguard.system.folders import has_free_space
from pipguard.system.frozen import dataclass, field, replace
from pipguard.system.journal import Journal
from pipguard.system.locks import hold_place_lock
from pipguard.system.processes import (
    DISCARD,
    Background,
    Captured,
    Gate,
    Interrupted,
    postponing_signals,
    raising_on_signals,
    run_captured,
    run_foreground,
    run_relaying,
)
from pipguard.system.streams import measure_terminal, write_error, write_output
from pipguard.system.tracebacks import TracebackFilter, drop_tracebacks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.environments.create import Creator
    from pipguard.environments.pipx import PipxHome

INTERRUPTED = 130
"""Exit status after Ctrl-C, whatever the child makes of it (128 + SIGINT)."""
# pipx 1.1 to 1.18 begin so where a distribution has no command; they have removed it again then.
NO_COMMANDS = b"No apps associated with package"


_PATIENCE = 10.0
_LITTLE_SPACE = 1024 * 1024


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
    """Whether this run's own environment was removed again."""
    has_put_back: bool = False
    """Whether the environment that it should have replaced is in its place again."""

    @property
    def was_interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return self.exit_status == INTERRUPTED


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
    """Entered around everything that changes something, under the lock."""
    end: Callable[[int], None] = lambda _: None
    """Called with the exit status before `watch` is left."""
    show_progress: Callable[[str], None] = lambda _: None
    """Shows on a terminal how far a plan of several targets is."""
    virtualenv: Background | None = None
    """A virtualenv that has been started already and waits for its words."""
    journal: Journal = field(default_factory=lambda: Journal(""))
    """Where it is noted what must be finished or reversed if this process dies."""


def execute_plan(plan: Plan, performer: Performer) -> Outcome:
    """Perform the plan; its environment is changed by one run at a time.

    Raises `PipguardError` for what the user can mend, and lets an interruption through when
    everything is as it was.
    """
    with raising_on_signals():
        place, environ = plan.place, performer.environ
        lock = hold_place_lock(place, environ, performer.say) if place else nullcontext()
        with lock, performer.watch():
            outcome = _perform_in_environment(plan, performer)
            performer.end(outcome.exit_status)
            return outcome


def _perform_in_environment(plan: Plan, performer: Performer) -> Outcome:
    if plan.creation is not None:
        from pipguard.environments.create import Creator

        creator = Creator(plan.creation, performer.environ, performer.journal)
        if creator.is_needed():
            return _perform_in_new_environment(plan, performer, creator)
    outcome = _perform_steps(plan, performer)
    if outcome.exit_status == 0:
        _settle_environment(plan, performer)
    return outcome


def _settle_environment(plan: Plan, performer: Performer) -> None:
    """Leave an environment that was there as a successful command leaves it: whole, or removed."""
    if plan.removal:
        from pipguard.environments.create import remove_environment

        remove_environment(plan.removal, performer.journal)
    elif plan.environment and os.path.exists(os.path.join(plan.environment, UNFINISHED_NAME)):
        # A run that died between its install and its last line has left the mark there.
        from pipguard.environments.create import declare_finished

        declare_finished(plan.environment)


def _perform_in_new_environment(plan: Plan, performer: Performer, creator: Creator) -> Outcome:
    make_and_fill = _fill_while_making if creator.creation.shared_pip else _make_then_fill
    try:
        outcome = make_and_fill(plan, performer, creator)
    except BaseException:
        creator.undo()
        raise
    if outcome.exit_status != 0:
        if not has_free_space(creator.path, _LITTLE_SPACE):
            # Python cuts bytecode off then, without a word, and pip fails for stranger reasons.
            performer.say(f"the disk of {creator.path} is full")
        creator.undo()
        if creator.is_aside:
            performer.say(f"{creator.path} cannot be put back; it is {creator.place.former}")
            return outcome
        has_put_back = bool(creator.place.former)
        return replace(outcome, has_removed=not has_put_back, has_put_back=has_put_back)
    left = creator.keep()
    if left:
        performer.say(f"files of your own are in the former environment, which stays as {left}")
    return Outcome(0, diverted=outcome.diverted, has_made=True)


def _make_then_fill(plan: Plan, performer: Performer, creator: Creator) -> Outcome:
    def run_creation(command: tuple[str, ...]) -> int:
        step = Step("make the environment", command, creator.variables, "quiet")
        return _perform(step, performer)[0]

    creator.make(run_creation)
    return _perform_steps(plan, performer)


def _start_making(creator: Creator, performer: Performer) -> Background:
    """Start the creation, or give the virtualenv that waits its words."""
    waiting, command = performer.virtualenv, creator.creation.command
    if waiting is None:
        return Background(command, apply_changes(performer.environ, creator.variables))
    import json

    words = command[command.index(RUN_VIRTUALENV) + 1 :]
    waiting.give(json.dumps([words, dict(creator.variables)]).encode() + b"\n")
    return waiting


def _fill_while_making(plan: Plan, performer: Performer, creator: Creator) -> Outcome:
    """Let pip begin as soon as the interpreter works; it waits until the environment is whole."""
    import threading

    creator.begin()
    making = _start_making(creator, performer)
    failures: list[BaseException] = []

    def complete() -> None:
        try:
            captured = making.finish()
            _show_failure(captured, performer)
            shared_pip = creator.complete(captured.exit_status)
            gate.open(SAME if shared_pip == creator.creation.shared_pip else OTHER)
        except BaseException as error:
            failures.append(error)
        finally:
            gate.close()

    with Gate() as gate:
        completing = threading.Thread(target=complete)
        try:
            is_working = making.announces()
            completing.start()
            variables = {**performer.environ, GATE: str(gate.reading)}
            begun = replace(performer, environ=variables)
            outcome = _perform_steps(plan, begun) if is_working else Outcome(1)
        except BaseException:
            making.kill()
            raise
        finally:
            completing.join() if completing.ident else making.finish()
    if failures and not outcome.was_interrupted:
        raise failures[0]
    return outcome


def _perform_steps(plan: Plan, performer: Performer) -> Outcome:
    """Run the steps; a failure ends the plan unless the other steps are about other targets."""
    status = 0 if plan.steps else plan.exit_status
    failed: list[str] = []
    diverted: list[str] = []
    declined: list[str] = []
    subjects = list(dict.fromkeys(s.subject for s in plan.steps if s.mode == "pipx" and s.subject))
    for number, step in enumerate(plan.steps):
        if len(subjects) > 1 and step.subject in subjects:
            number_of = subjects.index(step.subject) + 1
            performer.show_progress(f"{number_of} of {len(subjects)}: `{step.subject}`")
        if step.question and not performer.confirm(step.question):
            declined.append(step.subject)
            continue
        try:
            result, was_diverted = _perform_whole(step, plan, performer)
        except Interrupted:
            failed += [left.subject for left in plan.steps[number:]]
            return Outcome(INTERRUPTED, tuple(failed), tuple(diverted))
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


def _perform_whole(step: Step, plan: Plan, performer: Performer) -> tuple[int, bool]:
    """Perform a step so that what it is about is changed as a whole, or is as it was before."""
    if step.makes:
        return _make_as_a_whole(step, performer), False
    if step.mode == "uv" and plan.environment:
        return _run_uv(step, plan.environment, performer), False
    if plan.pipx_home and step.application:
        return _change_application(step, plan.pipx_home, performer)
    return _perform(step, performer)


def _run_uv(step: Step, environment: str, performer: Performer) -> int:
    """Run uv, and let stdout and the exit status tell programs what pip would have told them."""
    before = identify_distributions(environment)
    environ = apply_changes(performer.environ, step.environ)
    try:
        status = run_foreground(step.command, environ, stdout=2)
    except OSError as error:
        raise _describe_failed_start(step, error) from error
    if status == 0 and "--quiet" not in step.command:
        write_output(describe_change(environment, before, step.names, step.directory))
    return _read_as_pips(status)


def _describe_failed_start(step: Step, error: OSError) -> PipguardError:
    problem = error.strerror or str(error)
    return PipguardError(f"{step.command[0]} cannot be started: {problem}")


def _make_as_a_whole(step: Step, performer: Performer) -> int:
    from pipguard.environments.create import has_pip, make_as_a_whole

    if has_pip(step.makes):
        return 0
    try:
        return make_as_a_whole(step.makes, lambda: _perform(step, performer)[0], performer.journal)
    except OSError as error:
        problem = error.strerror or str(error)
        raise PipguardError(f"{step.makes} cannot be made: {problem}") from error


def _change_application(step: Step, home: PipxHome, performer: Performer) -> tuple[int, bool]:
    from pipguard.environments.applications import ApplicationChange

    change = ApplicationChange(home, step.application, performer.journal)
    with postponing_signals():
        change.begin()
    try:
        status, was_diverted = _perform(step, performer)
        is_there = change.has(step.plugin) if step.plugin else change.is_there()
        if status == 0 and not was_diverted and is_there == step.is_removal:
            status = 1
            is_not = "is still there" if step.is_removal else "is not there as a whole"
            performer.say(f"pipx reported no error, but {step.plugin or step.application} {is_not}")
        elif status == 0 and step.plugin and not change.is_there():
            status = 1
            performer.say(f"pipx reported no error, but {step.application} is no longer whole")
        is_done = status == 0 and not was_diverted
    except BaseException:
        with postponing_signals():
            change.undo()
        raise
    with postponing_signals():
        (change.finish if is_done else change.undo)()
    return status, was_diverted


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
        raise _describe_failed_start(step, error) from error


def _choose_patience(step: Step) -> float | None:
    """Return how many seconds a step may take to end after a signal; None for any number.

    pipx 1.18 can hang then, deaf to every further Ctrl-C; what it was changing is put back.
    """
    return _PATIENCE if step.application else None


def _run_quietly(step: Step, environ: Mapping[str, str], performer: Performer) -> int:
    captured = run_captured(step.command, environ, patience=_choose_patience(step))
    _show_failure(captured, performer)
    return _read_as_pips(captured.exit_status)


def _read_as_pips(status: int) -> int:
    """Return pip's exit status where uv says 2: its index is not there, a disk is full (0.13)."""
    return 1 if status == 2 else status


def _show_failure(captured: Captured, performer: Performer) -> None:
    if captured.exit_status != 0:
        said = captured.stdout + captured.stderr
        write_error(said if performer.is_verbose else drop_tracebacks(said))


def _run_pipx(step: Step, environ: Mapping[str, str], performer: Performer) -> tuple[int, bool]:
    """Run pipx without its congratulations: the closing lines say which commands there are now.

    With -v its stdout goes to stderr, because stdout is pip's alone.
    """
    block = HeldBlock(NO_COMMANDS)
    left = TracebackFilter()

    def relay(chunk: bytes) -> bytes:
        shown = block.relay(chunk)
        return shown if performer.is_verbose else left.relay(shown)

    stdout = 2 if performer.is_verbose else DISCARD
    # pipx looks at its stdout for the width, and without one it shows no life.
    width = measure_terminal()
    environ = {"COLUMNS": str(width), **environ} if width else environ
    try:
        patience = _choose_patience(step)
        status = run_relaying(step.command, environ, relay, stdout, patience)
    except Interrupted:
        write_error(left.release() + block.release())
        raise
    if status != 0 and block.block:
        if step.otherwise and b"--include-deps" in block.block:
            retries = [_perform(retry, performer) for retry in step.otherwise]
            return max(result for result, _ in retries), False
        if step.fallback:
            for note in step.fallback.notes:
                performer.say(note)
            return execute_plan(step.fallback, performer).exit_status, True
    write_error(left.release() + block.release())
    return status, False
