"""Runs the real pip with the user's own words and learns whether it refused them.

In: the real pip, the command. Out: a `Forwarded`. Never changes a word, and holds back nothing but
pip's refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipguard.caller import Caller
from pipguard.errors import NoPip
from pipguard.pip.command_line import PipCommand, parse_command
from pipguard.pip.handover import build_pip_variables, is_switched_off
from pipguard.pip.locate import RealPip, pip_names
from pipguard.pip.options import NEWEST
from pipguard.pip.queries import ask_for_refusal, find_marker
from pipguard.pip.refusal import REFUSAL_LINE, HeldBlock, Refusal, recognise_refusal
from pipguard.pip.verdict import find_causes, recall_verdict, store_verdict
from pipguard.system.frozen import dataclass
from pipguard.system.processes import Interrupted, replace_process, run_relaying
from pipguard.system.streams import write_error


@dataclass(frozen=True, slots=True)
class Forwarded:
    """How the real pip ended, and its refusal where it refused."""

    exit_status: int
    refusal: Refusal | None


def forward_command(
    caller: Caller,
    real_pip: RealPip,
    command: PipCommand,
    *,
    afresh: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> Forwarded:
    """Run the real pip on our terminal; hold back its refusal, relay everything else.

    A remembered refusal is returned without running pip, and a pip that is remembered to accept
    the command takes our place; `afresh` runs pip all the same. `meanwhile` is called, in a thread
    of its own, while it runs.

    Raises `NoPip` when it cannot be started (a script whose interpreter is gone).
    """
    question = find_causes(caller, real_pip, command)
    if question and not afresh and not command.count("--verbose"):  # -v shows pip's own words
        verdict = recall_verdict(question, caller.environ)
        if verdict == "refused":
            return Forwarded(1, Refusal(real_pip.marker or "", b"", is_remembered=True))
        if verdict == "accepted":
            _become_pip(real_pip, command, caller.environ)
    from threading import Thread

    beside = Thread(target=meanwhile, daemon=True)
    beside.start()
    forwarded = _run_pip(real_pip, command, caller.environ)
    beside.join()
    # Any other failure does not tell what pip would have decided about the marker.
    if question and (forwarded.refusal or forwarded.exit_status == 0):
        verdict = "refused" if forwarded.refusal else "accepted"
        store_verdict(question, verdict, caller.environ)
    return forwarded


def would_refuse(caller: Caller, real_pip: RealPip, command: PipCommand) -> bool:
    """Tell whether the real pip refuses the command, remembered or asked; nothing is changed."""
    question = find_causes(caller, real_pip, command)
    verdict = recall_verdict(question, caller.environ) if question else None
    if verdict is None:
        verdict = "refused" if ask_for_refusal(real_pip, command, caller.environ) else "accepted"
        if question and verdict == "refused":
            store_verdict(question, verdict, caller.environ)
    return verdict == "refused"


def read_as_newest(caller: Caller, real_pip: RealPip | None, command: PipCommand) -> PipCommand:
    """Return what an install means to a new environment's pip, where the real one is too old.

    The real pip would refuse such an install all the same, if it knew the words.
    """
    if not command.error or real_pip is None or not real_pip.may_be_marked:
        return command
    newest = parse_command(caller.argv, NEWEST)
    is_install = newest.subcommand == "install" and not newest.error
    if not is_install or newest.exempt_from_refusal or is_switched_off(caller.environ):
        return command
    return newest if would_refuse(caller, real_pip, newest) else command


def stand_in_for_pip(caller: Caller, command: PipCommand) -> Forwarded:
    """Return a refusal where there is no pip: an install can be done all the same.

    Raises `NoPip` for every other command, and for all of them when pipguard is switched off.
    """
    is_off = is_switched_off(caller.environ)
    # pip looks for the marker in `install` and `uninstall` only.
    if not is_off and not command.exempt_from_refusal:
        return Forwarded(NoPip.exit_status, Refusal("", b""))
    hint = "the system's own: the package python3-pip"
    if not is_off:
        hint = f"`pip install NAME` works all the same; {hint}"
    raise NoPip(f"there is no {pip_names(caller.program)[0]} on PATH", hint)


def _become_pip(real_pip: RealPip, command: PipCommand, environ: Mapping[str, str]) -> None:
    try:
        replace_process([*real_pip.command, *command.argv], environ)
    except OSError as error:
        raise _describe_failed_start(real_pip, error) from error


def _describe_failed_start(real_pip: RealPip, error: OSError) -> NoPip:
    problem = f"{real_pip.command[0]} cannot be started: {error.strerror}"
    return NoPip(problem, "PIPGUARD_REAL_PIP=PATH names another pip")


def _run_pip(real_pip: RealPip, command: PipCommand, environ: Mapping[str, str]) -> Forwarded:
    variables = build_pip_variables(real_pip, environ)
    block = HeldBlock(REFUSAL_LINE)
    try:
        exit_status = run_relaying([*real_pip.command, *command.argv], variables, block.relay)
    except Interrupted as interruption:
        write_error(block.release())
        return Forwarded(interruption.exit_status, None)
    except OSError as error:
        raise _describe_failed_start(real_pip, error) from error
    refusal = None
    if exit_status == 1 and block.block:
        refusal = recognise_refusal(1, block.block, find_marker(real_pip, environ))
    elif exit_status == 1 and not block.shown:  # -qqq: pip refuses without a word
        refusal = ask_for_refusal(real_pip, command, environ)
    if refusal is None:
        write_error(block.release())
    return Forwarded(exit_status, refusal)
