"""The door: the whole program on one screen, and the only reader of `sys` and `os.environ`.

In: the command line. Out: an exit status, or the real pip in our place. Most commands leave here
at once, before anything but `os` is imported.
"""

from __future__ import annotations

import os
import stat
import sys

from pipguard.nearby import FOLLOW_UPS, may_follow
from pipguard.process import (
    Terminated,
    die_of_signal,
    replace_process,
    reserve_closed_streams,
    write_error,
)
from pipguard.real_pip import (
    RealPip,
    can_refuse,
    is_shim,
    is_switched_off,
    locate_module_of,
    locate_real_pip,
    mark_as_tried,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipguard.caller import Caller
    from pipguard.decide import Decision
    from pipguard.parse import PipCommand
    from pipguard.voice import Voice
    from pipguard.wariness import Program


class _Shell:
    """What the shell integration says: the name that was typed, and where it looks for word."""

    __slots__ = ("note", "program")

    def __init__(self, program: str, note: str | None) -> None:
        self.program = program
        self.note = note


def main() -> int:
    """Run one command line; return the exit status (the real pip's, as far as it decided)."""
    argv = sys.argv[1:]
    shell = _take_words_of_shell()
    find_pip = locate_module_of if shell.program.startswith("python") else locate_real_pip
    real_pip = find_pip(shell.program, os.environ, sys.argv[0])
    try:
        if argv[:1] == ["guard"]:
            return _run_guard(real_pip, shell)
        if real_pip and (is_switched_off(os.environ) or not _concerns_us(real_pip, argv)):
            return _hand_over(real_pip, argv)
        return _walk(real_pip, shell)
    except KeyboardInterrupt:
        return 130
    except Terminated as signal:
        die_of_signal(signal.number)


def _take_words_of_shell() -> _Shell:
    """Read what the shell integration says; it is not for those that we start."""
    name = os.environ.pop("PIPGUARD_CALLED_AS", "") or os.path.basename(sys.argv[0])
    return _Shell(name, os.environ.pop("PIPGUARD_NOTE", None))


def _concerns_us(real_pip: RealPip, argv: Sequence[str]) -> bool:
    """Tell whether anything but this pip could be right for these words: mostly nothing is."""
    if not real_pip.is_opaque and real_pip.marker is None:
        return False
    return can_refuse(real_pip, argv) or may_follow(argv, os.environ, _read_directory())


def _walk(real_pip: RealPip | None, shell: _Shell) -> int:
    """Walk one command line through the corridor."""
    from pipguard.errors import PipguardError
    from pipguard.forward import locate_module_pip
    from pipguard.parse import parse_command
    from pipguard.voice import Voice

    reserve_closed_streams()
    caller = _read_caller(shell)
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
        return _hand_over(real_pip, caller.argv)
    if caller.is_shim:
        from pipguard.wariness import find_wary_program

        program = find_wary_program(caller)
        if program:
            return _stand_back(caller, real_pip, command, voice, program)
    if is_ordered(caller, real_pip, command):
        return run_override(caller, real_pip, command, voice.say)
    if command.exempt_from_refusal and command.subcommand not in FOLLOW_UPS:
        return _hand_over(real_pip, caller.argv)
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
        return _hand_over(real_pip, caller.argv)
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
        return _become(step.command, apply_changes(caller.environ, step.environ))
    if real_pip is None:
        return serve_without_pip(caller, command).exit_status
    return _hand_over(real_pip, caller.argv)


def _run_guard(real_pip: RealPip | None, shell: _Shell) -> int:
    from pipguard.guard import run_verb

    return run_verb(_read_caller(shell), real_pip)


def _hand_over(real_pip: RealPip, argv: Sequence[str]) -> int:
    return _become((*real_pip.command, *argv), mark_as_tried(real_pip, os.environ))


def _become(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Become another program; come back only when it cannot be started."""
    try:
        replace_process(command, environ)
    except OSError as error:
        problem = f"pipguard: {command[0]} cannot be started: {error.strerror}\n"
        write_error(os.fsencode(problem))
        return 127


def _read_directory() -> str:
    """Return the current folder; one that was removed under us is `/`, where nothing is made."""
    try:
        return os.getcwd()
    except OSError:
        return os.sep


def _read_new_output() -> tuple[int, int] | None:
    """Return which empty file stdout is: the shell made it for us, a moment ago."""
    try:
        status = os.fstat(1)
    except OSError:
        return None
    is_new = stat.S_ISREG(status.st_mode) and status.st_size == 0
    return (status.st_dev, status.st_ino) if is_new else None


def _read_caller(shell: _Shell) -> Caller:
    from pipguard.caller import Caller

    home = os.path.realpath(os.path.expanduser("~"))
    return Caller(
        program=shell.program,
        itself=sys.argv[0],
        python=sys.executable,
        argv=tuple(sys.argv[1:]),
        environ=dict(os.environ),
        directory=_read_directory(),
        home=home if os.path.isabs(home) else None,
        user_id=os.geteuid() if hasattr(os, "geteuid") else None,
        new_output=_read_new_output(),
        note=shell.note,
        is_shim=is_shim(sys.argv[0]),
        is_terminal=os.isatty(0) and os.isatty(2),
    )
