"""The stages of a command that is not simply handed over, in order.

In: the caller, the real pip. Out: an exit status, or another program in our place. Each stage is a
module of its own; this one only says which comes next. A stage that few commands need is imported
where it is needed, because every pip command pays for the start-up time.
"""

from __future__ import annotations

import os

from pipguard.caller import Caller
from pipguard.environments.nearby import FOLLOW_UPS
from pipguard.pip.handover import become, hand_over, is_switched_off
from pipguard.pip.locate import RealPip
from pipguard.system.streams import reserve_closed_streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pipguard.console import Console
    from pipguard.decide import Decision
    from pipguard.history.record import Recording
    from pipguard.pip.command_line import PipCommand
    from pipguard.pip.refusal import Refusal
    from pipguard.settings import Settings
    from pipguard.shells.callers import Program
    from pipguard.system.processes import Background


def run_pipeline(caller: Caller, real_pip: RealPip | None) -> int:
    """Take one command line through the stages; return the exit status."""
    from pipguard.console import Console
    from pipguard.forward import read_as_newest
    from pipguard.pip.queries import locate_module_pip, read_command

    reserve_closed_streams()
    real_pip = real_pip or locate_module_pip(caller)
    command = read_as_newest(caller, real_pip, read_command(caller, real_pip))
    console = Console(caller, command)
    return _report_failure(caller, console, lambda: _run_stages(caller, real_pip, command, console))


def _report_failure(caller: Caller, console: Console, run: Callable[[], int]) -> int:
    """Return the exit status; an expected failure is said, and has its own."""
    from pipguard.errors import PipguardError

    try:
        return run()
    except PipguardError as error:
        from pipguard.summary import note_failure

        console.fail(error)
        note_failure(caller.outcome_file, error)
        return error.exit_status


def complete_installed_names(caller: Caller, real_pip: RealPip) -> int:
    """Let the pip of the environment in use complete a word: it knows what is installed there."""
    from pipguard.follow import choose_follow_up
    from pipguard.pip.command_line import parse_command
    from pipguard.plan import apply_changes

    followed = choose_follow_up(caller, real_pip, parse_command(("list",)))
    if followed and followed.plan:
        step = followed.plan.steps[-1]
        return become(step.command[:-1], apply_changes(caller.environ, step.environ))
    return hand_over(real_pip, caller.argv, caller.environ)


def run_in_ours(caller: Caller, real_pip: RealPip) -> int:
    """Leave a command to the pip of an environment that pipguard made or activated; record it."""
    from pipguard.console import Console
    from pipguard.pip.queries import read_command
    from pipguard.watch import run_in_environment

    command = read_command(caller, real_pip)
    is_change = command.subcommand in {"install", "uninstall"} and not command.asks_help
    is_elsewhere = command.goes_elsewhere or any(map(command.has, ("--user", "--python")))
    if not is_change or is_elsewhere or command.error or command.has("--dry-run"):
        return hand_over(real_pip, caller.argv, caller.environ)
    console = Console(caller, command)
    return _report_failure(
        caller, console, lambda: run_in_environment(caller, real_pip, command, console.say)
    )


def _run_stages(
    caller: Caller, real_pip: RealPip | None, command: PipCommand, console: Console
) -> int:
    from pipguard.settings import read_settings

    if real_pip and (is_switched_off(caller.environ) or _is_pips_alone(command)):
        return hand_over(real_pip, caller.argv, caller.environ)
    settings = read_settings(caller.environ, None)
    if real_pip:
        exit_status = _leave_to_pip(caller, real_pip, command, console, settings)
        if exit_status is not None:
            return exit_status
    _drop_root(caller, real_pip, command, console, settings)
    _recover(caller, real_pip, console)
    if command.subcommand in FOLLOW_UPS:
        return _follow(caller, real_pip, command, console)
    return _install(caller, real_pip, command, console)


def _is_pips_alone(command: PipCommand) -> bool:
    """Tell whether pip neither refuses the command nor changes the system by an order."""
    is_ours = command.subcommand in FOLLOW_UPS or command.has("--break-system-packages")
    return command.exempt_from_refusal and not is_ours


def _leave_to_pip(
    caller: Caller, real_pip: RealPip, command: PipCommand, console: Console, settings: Settings
) -> int | None:
    """Run the real pip where it is not to be interfered with; return None everywhere else."""
    from pipguard.override import is_ordered, run_override

    if settings.route == "off":
        return hand_over(real_pip, caller.argv, caller.environ)
    if caller.is_shim:
        from pipguard.shells.callers import find_wary_program

        program = find_wary_program(caller, settings)
        if program:
            return _run_for_program(caller, real_pip, command, console, program)
    if is_ordered(caller, real_pip, command):
        return run_override(caller, real_pip, command, console.say)
    if command.exempt_from_refusal and command.subcommand not in FOLLOW_UPS:
        return hand_over(real_pip, caller.argv, caller.environ)
    return None


def _run_for_program(
    caller: Caller, real_pip: RealPip, command: PipCommand, console: Console, program: Program
) -> int:
    """Run the real pip for a program that must not be redirected; where it refuses, add advice."""
    from pipguard.forward import forward_command

    if command.exempt_from_refusal:
        return hand_over(real_pip, caller.argv, caller.environ)
    forwarded = forward_command(caller, real_pip, command, afresh=True)
    if forwarded.refusal:
        console.advise(forwarded.refusal, program)
    return forwarded.exit_status


def _drop_root(
    caller: Caller,
    real_pip: RealPip | None,
    command: PipCommand,
    console: Console,
    settings: Settings,
) -> None:
    """As root through sudo in a user's folder, start anew as that user, before anything is made."""
    if caller.user_id != 0 or "SUDO_UID" not in caller.environ:
        return
    from pipguard.environments.sudo import find_owner, start_as
    from pipguard.pip.queries import ask_for_refusal

    owner = find_owner(caller)
    if owner is None or settings.route in {"override", "system"}:
        return
    if real_pip and real_pip.is_opaque and not ask_for_refusal(real_pip, command, caller.environ):
        return
    if command.subcommand not in FOLLOW_UPS:
        said = (
            f"{caller.directory} belongs to {owner.name}, so this runs as {owner.name}, not as root"
        )
        console.say(said)
    start_as(caller, owner)


def _recover(caller: Caller, real_pip: RealPip | None, console: Console) -> None:
    """Finish or reverse what killed commands have left; nearly always there is nothing."""
    from pipguard.history.folder import locate_journals, locate_log_folder
    from pipguard.system.folders import list_readable_names

    if list_readable_names(locate_journals(locate_log_folder(caller)) or os.devnull):
        from pipguard.recover import recover

        recover(caller, real_pip, console.say)


def _follow(caller: Caller, real_pip: RealPip | None, command: PipCommand, console: Console) -> int:
    """Let pip answer about the environment in use; about its own Python where there is none."""
    from pipguard.follow import choose_follow_up
    from pipguard.forward import stand_in_for_pip
    from pipguard.plan import apply_changes

    is_off = is_switched_off(caller.environ)
    followed = None if is_off else choose_follow_up(caller, real_pip, command)
    if followed:
        console.name_environment(followed)
    if followed and followed.plan:
        step = followed.plan.steps[-1]
        return become(step.command, apply_changes(caller.environ, step.environ))
    if real_pip is None:
        return stand_in_for_pip(caller, command).exit_status
    return hand_over(real_pip, caller.argv, caller.environ)


def _install(
    caller: Caller, real_pip: RealPip | None, command: PipCommand, console: Console
) -> int:
    """Run the real pip; where it refuses, do what the refusal tells people to do by hand."""
    from pipguard.forward import forward_command, stand_in_for_pip

    if real_pip is None and command.exempt_from_refusal:
        _run_other_pip(caller, command)
    with _Beginning(caller) as beginning:
        if real_pip:
            forwarded = forward_command(caller, real_pip, command, meanwhile=beginning.begin)
        else:
            forwarded = stand_in_for_pip(caller, command)
        refusal = forwarded.refusal
        if refusal is None:
            return forwarded.exit_status
        decision = _decide(caller, real_pip, command, console)
        if real_pip and refusal.is_remembered and console.shows_refusal(decision):
            forwarded = forward_command(caller, real_pip, command, afresh=True)
            refusal = forwarded.refusal
            if refusal is None:
                return forwarded.exit_status
        console.open(decision, refusal)
        return _perform(caller, decision, console, refusal, beginning.virtualenv)


def _run_other_pip(caller: Caller, command: PipCommand) -> None:
    """Let the pip of the project's environment take our place, if there is one."""
    from pipguard.follow import find_other_pip
    from pipguard.plan import apply_changes

    plan = find_other_pip(caller, command)
    if plan:
        step = plan.steps[-1]
        become(step.command, apply_changes(caller.environ, step.environ))


class _Beginning:
    """What is begun while the real pip runs because its refusal leads there; it changes nothing."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.virtualenv: Background | None = None
        """Waits for its words."""

    def __enter__(self) -> _Beginning:
        return self

    def __exit__(self, *_: object) -> None:
        if self.virtualenv:
            self.virtualenv.end()

    def begin(self) -> None:
        """Import what comes next, and let virtualenv do so where it is likely to be needed."""
        import pipguard.decide
        import pipguard.history.affected
        import pipguard.history.record
        from pipguard.environments.run_virtualenv import RUN_VIRTUALENV
        from pipguard.system.processes import Background

        caller = self.caller
        if not os.path.exists(os.path.join(caller.directory, ".venv")):
            self.virtualenv = Background(
                (caller.python, "-I", RUN_VIRTUALENV), caller.environ, given=None
            )
        import pipguard.environments.create
        import pipguard.execute  # noqa: F401


def _decide(
    caller: Caller, real_pip: RealPip | None, command: PipCommand, console: Console
) -> Decision:
    """Decide; where only the user can tell, ask them first, once."""
    from pipguard.decide import decide

    decision = decide(caller, real_pip, command)
    answers = console.ask_about(decision)
    if not answers:
        return decision
    from pipguard.classification.answers import store_answers

    if not store_answers(caller.environ, answers):
        console.say("your answer cannot be stored, so it counts for this command only")
    return decide(caller, real_pip, command, answers)


def _perform(
    caller: Caller,
    decision: Decision,
    console: Console,
    refusal: Refusal,
    virtualenv: Background | None,
) -> int:
    """Do what was decided, one run at a time in one place; record it, say what came of it."""
    from contextlib import nullcontext

    from pipguard.system.locks import hold_place_lock

    place = decision.plan.place
    lock = (
        hold_place_lock(place, caller.environ, console.say, decision.begun)
        if place
        else nullcontext(False)
    )
    with lock as is_outdated:
        if is_outdated:
            from pipguard.decide import decide

            # Another run has changed what the decision was made of.
            former = decision
            decision = decide(caller, former.real_pip, former.command, former.answers)
            if type(decision.route) is not type(former.route):
                console.open(decision, refusal)
        return _perform_alone(caller, decision, console, virtualenv)


def _perform_alone(
    caller: Caller, decision: Decision, console: Console, virtualenv: Background | None
) -> int:
    from pipguard.execute import Performer, execute_plan
    from pipguard.shells.note import write_note
    from pipguard.summary import note_decision

    is_verbose = decision.command.has("--verbose")
    with _start_recording(caller, decision, console) as recording:
        performer = Performer(
            caller.environ,
            console.say,
            console.confirm,
            is_verbose,
            recording.watch,
            recording.end,
            console.show_progress,
            virtualenv,
            recording.journal,
        )
        outcome = execute_plan(decision.plan, performer)
    console.close(decision, outcome, is_recorded=recording.is_recorded)
    if decision.plan.route == "override":
        from pipguard.override import warn_of_shadowed

        warn_of_shadowed(caller, decision.base, recording, console.say)
    write_note(caller.note, decision, outcome)
    note_decision(caller.outcome_file, decision, recording)
    return outcome.exit_status


def _start_recording(caller: Caller, decision: Decision, console: Console) -> Recording:
    from pipguard.history.affected import list_affected
    from pipguard.history.record import Recording, list_locations, make_entry, make_recorder
    from pipguard.pip.origins import read_origin

    plan, base = decision.plan, decision.base
    environment = plan.environment or (plan.pipx_home.shared if plan.pipx_home else "")
    return Recording(
        make_recorder(caller, console.say),
        make_entry(caller, plan.route, base),
        list_locations(caller, decision.route, plan, base),
        lambda: read_origin(caller, base, environment, decision.command).words,
        lambda path: list_affected(path, decision.command, caller),
    )
