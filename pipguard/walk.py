"""The corridor: every stage of a command line that the real pip may refuse, in walking order.

In: the caller, the real pip. Out: an exit status, or another program in our place. Each stage is a
room of its own; this one only says which comes next. A room that few commands enter is imported
where they enter it: start-up time is a feature.
"""

from __future__ import annotations

from pipguard.caller import Caller
from pipguard.handover import become, hand_over
from pipguard.nearby import FOLLOW_UPS
from pipguard.process import reserve_closed_streams
from pipguard.real_pip import RealPip, is_switched_off

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.decide import Decision
    from pipguard.parse import PipCommand
    from pipguard.voice import Voice
    from pipguard.wariness import Program


def walk_corridor(caller: Caller, real_pip: RealPip | None) -> int:
    """Walk one command line through the corridor."""
    from pipguard.errors import PipguardError
    from pipguard.forward import locate_module_pip
    from pipguard.parse import parse_command
    from pipguard.voice import Voice

    reserve_closed_streams()
    command = parse_command(caller.argv)
    voice = Voice(caller, command)
    try:
        real_pip = real_pip or locate_module_pip(caller)
        exit_status = _leave_early(caller, real_pip, command, voice)
        if exit_status is not None:
            return exit_status
        _step_down(caller, real_pip, command, voice)
        if command.subcommand in FOLLOW_UPS:
            return _follow(caller, real_pip, command, voice)
        return _walk_on(caller, real_pip, command, voice)
    except PipguardError as error:
        voice.fail(error)
        return error.exit_status


def _leave_early(
    caller: Caller, real_pip: RealPip | None, command: PipCommand, voice: Voice
) -> int | None:
    """Let the real pip do what is its own to do; return None where it is not."""
    from pipguard.overriding import is_ordered, run_override

    if real_pip is None:
        return None
    if is_switched_off(caller.environ):
        return hand_over(real_pip, caller.argv, caller.environ)
    if caller.is_shim:
        from pipguard.wariness import find_wary_program

        program = find_wary_program(caller)
        if program:
            return _stand_back(caller, real_pip, command, voice, program)
    if is_ordered(caller, real_pip, command):
        return run_override(caller, real_pip, command, voice.say)
    if command.exempt_from_refusal and command.subcommand not in FOLLOW_UPS:
        return hand_over(real_pip, caller.argv, caller.environ)
    return None


def _walk_on(caller: Caller, real_pip: RealPip | None, command: PipCommand, voice: Voice) -> int:
    """Run the real pip; where it refuses, do what the refusal tells people to do by hand."""
    from pipguard.forward import forward_command, serve_without_pip

    if real_pip:
        forwarded = forward_command(caller, real_pip, command)
    else:
        forwarded = serve_without_pip(caller, command)
    refusal = forwarded.refusal
    if refusal is None:
        return forwarded.exit_status
    decision = _decide(caller, real_pip, command, voice)
    if real_pip and refusal.is_remembered and voice.shows_refusal(decision):
        forwarded = forward_command(caller, real_pip, command, afresh=True)
        refusal = forwarded.refusal
        if refusal is None:
            return forwarded.exit_status
    voice.open(decision, refusal)
    return _perform(caller, decision, voice)


def _step_down(caller: Caller, real_pip: RealPip | None, command: PipCommand, voice: Voice) -> None:
    """As root through sudo in a user's folder, start anew as that user, before anything is made."""
    if caller.user_id != 0 or "SUDO_UID" not in caller.environ:
        return
    from pipguard.forward import ask_for_refusal
    from pipguard.owner import find_owner, start_as
    from pipguard.settings import read_settings

    owner = find_owner(caller)
    if owner is None or read_settings(caller.environ, None).route in {"override", "system"}:
        return
    if real_pip and real_pip.is_opaque and not ask_for_refusal(real_pip, command, caller.environ):
        return
    if command.subcommand not in FOLLOW_UPS:
        voice.say(
            f"{caller.directory} is {owner.name}'s, so this runs as {owner.name}, not as root"
        )
    start_as(caller, owner)


def _stand_back(
    caller: Caller, real_pip: RealPip, command: PipCommand, voice: Voice, program: Program
) -> int:
    """Let the real pip do as it does without us, and advise where that is to refuse."""
    from pipguard.forward import forward_command

    if command.exempt_from_refusal:
        return hand_over(real_pip, caller.argv, caller.environ)
    forwarded = forward_command(caller, real_pip, command, afresh=True)
    if forwarded.refusal:
        voice.advise(forwarded.refusal, program)
    return forwarded.exit_status


def _perform(caller: Caller, decision: Decision, voice: Voice) -> int:
    """Do what was decided, write it down, say what came of it."""
    from pipguard.execute import Performer, execute_plan
    from pipguard.record import open_journal
    from pipguard.shell_note import leave_note

    is_verbose = decision.command.verbosity > 0
    with open_journal(caller, decision, voice.say) as journal:
        performer = Performer(caller.environ, voice.say, voice.confirm, is_verbose, journal.watch)
        outcome = execute_plan(decision.plan, performer)
        journal.end(outcome.exit_status)
    voice.close(decision, outcome)
    if decision.plan.route == "override":
        from pipguard.overriding import warn_of_hiding

        warn_of_hiding(caller, decision.base, journal.entry, voice.say)
    leave_note(caller.note, decision, outcome)
    return outcome.exit_status


def _decide(
    caller: Caller, real_pip: RealPip | None, command: PipCommand, voice: Voice
) -> Decision:
    """Decide, with the user's word about what only they can tell; it is asked for once."""
    from pipguard.decide import decide

    decision = decide(caller, real_pip, command)
    answers = voice.ask_about(decision)
    if not answers:
        return decision
    from pipguard.answers import remember_answers

    if not remember_answers(caller.environ, answers):
        voice.say("your answer cannot be written down, so it counts for this command")
    return decide(caller, real_pip, command, answers)


def _follow(caller: Caller, real_pip: RealPip | None, command: PipCommand, voice: Voice) -> int:
    """Let pip answer about the environment in use; about its own Python where there is none."""
    from pipguard.execute import apply_changes
    from pipguard.follow import choose_follow_up
    from pipguard.forward import serve_without_pip

    followed = (
        None if is_switched_off(caller.environ) else choose_follow_up(caller, real_pip, command)
    )
    if followed:
        voice.name_environment(followed)
    if followed and followed.plan:
        step = followed.plan.steps[-1]
        return become(step.command, apply_changes(caller.environ, step.environ))
    if real_pip is None:
        return serve_without_pip(caller, command).exit_status
    return hand_over(real_pip, caller.argv, caller.environ)
