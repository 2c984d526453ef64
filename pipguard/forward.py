"""Runs the real pip with the user's own words and learns whether it refused them.

In: the real pip, the command. Out: a `Forwarded`. Never changes a word, never holds back more
than pip's refusal.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from pipguard.caller import Caller
from pipguard.causes import find_causes
from pipguard.doors import dataclass
from pipguard.errors import NoPip
from pipguard.folders import cache_folder
from pipguard.memory import recall, remember
from pipguard.parse import PipCommand
from pipguard.process import (
    Interrupted,
    replace_process,
    run_captured,
    run_relaying,
    write_error,
)
from pipguard.real_pip import (
    RealPip,
    interpreter_names,
    interpreter_of_package,
    is_switched_off,
    locate_marker,
    locate_programs,
    mark_as_tried,
    pip_names,
    start_isolated,
    version_of,
)
from pipguard.refusal import REFUSAL_LINE, HeldBlock, Refusal, recognise_refusal

_REFUSED = "refused"
_ACCEPTED = "accepted"

_HAS_PIP = "import importlib.util, sys; sys.exit(importlib.util.find_spec('pip') is None)"


@dataclass(frozen=True, slots=True)
class Forwarded:
    """How the real pip ended, and its refusal where it was one."""

    exit_status: int
    refusal: Refusal | None


def forward_command(
    caller: Caller, real_pip: RealPip, command: PipCommand, *, afresh: bool = False
) -> Forwarded:
    """Run the real pip on our terminal; hold back its refusal, relay everything else.

    What it decided another time is not asked again while all causes are as they were: a refusal
    is remembered, and where pip did not refuse, it takes our place. `afresh` asks all the same.

    Raises `NoPip` when it cannot be started (a script whose interpreter is gone).
    """
    question = find_causes(caller, real_pip, command)
    folder = cache_folder(caller.environ, "verdicts")
    if question and not afresh and not command.verbosity:  # -v shows pip's own words
        verdict = recall(folder, question)
        if verdict == _REFUSED:
            return Forwarded(1, Refusal(real_pip.marker or "", b"", is_remembered=True))
        if verdict == _ACCEPTED:
            _become_pip(real_pip, command, caller.environ)
    forwarded = _run_pip(real_pip, command, caller.environ)
    # Any other failure tells nothing about what pip would have decided.
    if question and (forwarded.refusal or forwarded.exit_status == 0):
        remember(folder, question, _REFUSED if forwarded.refusal else _ACCEPTED)
    return forwarded


def _become_pip(real_pip: RealPip, command: PipCommand, environ: Mapping[str, str]) -> None:
    try:
        replace_process([*real_pip.command, *command.argv], environ)
    except OSError as error:
        raise _describe_failed_start(real_pip, error) from error


def _describe_failed_start(real_pip: RealPip, error: OSError) -> NoPip:
    problem = f"{real_pip.command[0]} cannot be started: {error.strerror}"
    return NoPip(problem, "PIPGUARD_REAL_PIP=PATH names another pip")


def _run_pip(real_pip: RealPip, command: PipCommand, environ: Mapping[str, str]) -> Forwarded:
    changed = mark_as_tried(real_pip, environ)
    block = HeldBlock(REFUSAL_LINE)
    try:
        exit_status = run_relaying([*real_pip.command, *command.argv], changed, block.relay)
    except Interrupted as interruption:
        write_error(block.release())
        return Forwarded(interruption.exit_status, None)
    except OSError as error:
        raise _describe_failed_start(real_pip, error) from error
    text = block.block
    if exit_status == 1 and not text and not block.shown:
        text = _ask_would_refuse(real_pip, command, changed)
    refusal = None
    if exit_status == 1 and text:
        refusal = recognise_refusal(exit_status, text, _find_marker(real_pip, changed))
    if refusal is None:
        write_error(block.release())
    return Forwarded(exit_status, refusal)


def ask_for_refusal(
    real_pip: RealPip, command: PipCommand, environ: Mapping[str, str]
) -> Refusal | None:
    """Ask the real pip whether it would refuse, without giving it anything to do."""
    changed = mark_as_tried(real_pip, environ)
    text = _ask_would_refuse(real_pip, command, changed)
    return recognise_refusal(1, text, _find_marker(real_pip, changed)) if text else None


def serve_without_pip(caller: Caller, command: PipCommand) -> Forwarded:
    """Stand in for a pip that is not there: an install can be served all the same.

    Raises `NoPip` for everything else, and for everything when we are switched off.
    """
    is_off = is_switched_off(caller.environ)
    # pip asks for the marker in `install` and `uninstall` only.
    if not is_off and not command.exempt_from_refusal:
        return Forwarded(NoPip.exit_status, Refusal("", b""))
    hint = "the system's own: the package python3-pip"
    if not is_off:
        hint = f"`pip install NAME` works all the same; {hint}"
    raise NoPip(f"there is no {pip_names(caller.program)[0]} on PATH", hint)


def locate_module_pip(caller: Caller) -> RealPip | None:
    """Return the pip that a Python on PATH has as a module only (`python3 -m pip`)."""
    for name in interpreter_names(caller.program):
        for interpreter in locate_programs(name, caller.environ):
            start = start_isolated(interpreter, version_of(interpreter))
            try:
                answer = run_captured([*start, "-c", _HAS_PIP], caller.environ, timeout=30)
            except (OSError, TimeoutError):
                continue
            if answer.exit_status == 0:
                return RealPip((*start, "-m", "pip"), interpreter, locate_marker(interpreter))
    return None


def find_interpreter(real_pip: RealPip, environ: Mapping[str, str]) -> str | None:
    """Return the interpreter of the real pip; one that cannot be read from files is asked."""
    if real_pip.interpreter:
        return real_pip.interpreter
    try:
        answer = run_captured([*real_pip.command, "--version"], environ, timeout=30).stdout
    except (OSError, TimeoutError):
        return None
    # pip 23 to 26: `pip 25.1 from /usr/lib/python3/dist-packages/pip (python 3.13)`
    location, _, version = (
        os.fsdecode(answer).strip().partition(" from ")[2].rpartition(" (python ")
    )
    return interpreter_of_package(location, version.rstrip(")")) if location else None


def _find_marker(real_pip: RealPip, environ: Mapping[str, str]) -> str | None:
    if not real_pip.is_opaque:
        return real_pip.marker
    interpreter = find_interpreter(real_pip, environ)
    return locate_marker(interpreter) if interpreter else None


def _ask_would_refuse(real_pip: RealPip, command: PipCommand, environ: Mapping[str, str]) -> bytes:
    """Return what pip writes when it would refuse, empty when it would not; changes nothing.

    `pip install` with nothing to install refuses before it looks at anything, and without a
    reason to refuse only says that nothing was named (pip 23.0 to 26.3).
    """
    isolated = ["--isolated"] if command.has("--isolated") else []
    question = [*real_pip.command, *isolated, "install"]
    try:
        answer = run_captured(question, {**environ, "PIP_QUIET": "0"}, timeout=60)
    except (OSError, TimeoutError):
        return b""
    block = HeldBlock(REFUSAL_LINE)
    block.relay(answer.stderr)
    return block.block
