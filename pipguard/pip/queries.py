"""Asks pips and interpreters about themselves: what files alone do not tell.

In: the real pip, the environment variables. Out: the command as that pip reads it, its
interpreter, its refusal. Starts programs that only answer; never installs anything.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from pipguard.caller import Caller
from pipguard.pip.command_line import PipCommand, parse_command
from pipguard.pip.handover import build_pip_variables
from pipguard.pip.interpreter import (
    locate_interpreter_of_package,
    locate_marker,
    read_isolated_command,
)
from pipguard.pip.locate import RealPip, interpreter_names, locate_others, read_pip_version
from pipguard.pip.options import NEWEST, OLDEST
from pipguard.pip.refusal import REFUSAL_LINE, HeldBlock, Refusal, recognise_refusal
from pipguard.system.processes import run_captured

_HAS_PIP = "import importlib.util, sys; sys.exit(importlib.util.find_spec('pip') is None)"


def read_command(caller: Caller, real_pip: RealPip | None) -> PipCommand:
    """Parse the caller's words with the options of the real pip's own version.

    Where that is not known, with the newest options; words that these reject, with the oldest.
    """
    version = read_pip_version(real_pip, caller.environ, caller.home or "") if real_pip else None
    command = parse_command(caller.argv, version or NEWEST)
    if command.error is None or version is not None:
        return command
    older = parse_command(caller.argv, OLDEST)
    return command if older.error else older


def locate_module_pip(caller: Caller) -> RealPip | None:
    """Return the pip that a Python on PATH has as a module only (`python3 -m pip`)."""
    for name in interpreter_names(caller.program):
        for interpreter in locate_others(name, caller.environ, caller.itself):
            start = read_isolated_command(interpreter)
            try:
                answer = run_captured([*start, "-c", _HAS_PIP], caller.environ, timeout=30)
            except (OSError, TimeoutError):
                continue
            if answer.exit_status == 0:
                return RealPip((*start, "-m", "pip"), interpreter, locate_marker(interpreter))
    return None


def find_interpreter(real_pip: RealPip, environ: Mapping[str, str]) -> str | None:
    """Return the interpreter of the real pip; a pip that is no readable script is asked."""
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
    return locate_interpreter_of_package(location, version.rstrip(")")) if location else None


def find_marker(real_pip: RealPip, environ: Mapping[str, str]) -> str | None:
    """Return the marker file of the real pip's interpreter, None without one."""
    if not real_pip.is_opaque:
        return real_pip.marker
    interpreter = find_interpreter(real_pip, environ)
    return locate_marker(interpreter) if interpreter else None


def ask_for_refusal(
    real_pip: RealPip, command: PipCommand, environ: Mapping[str, str]
) -> Refusal | None:
    """Ask the real pip whether it would refuse the command, without changing anything.

    `pip install` with nothing to install refuses before it looks at anything, and without a
    reason to refuse only says that nothing was named (pip 23.0 to 26.3).
    """
    variables = {**build_pip_variables(real_pip, environ), "PIP_QUIET": "0"}
    isolated = ["--isolated"] if command.has("--isolated") else []
    try:
        answer = run_captured([*real_pip.command, *isolated, "install"], variables, timeout=60)
    except (OSError, TimeoutError):
        return None
    block = HeldBlock(REFUSAL_LINE)
    block.relay(answer.stderr)
    marker = find_marker(real_pip, environ) if block.block else None
    return recognise_refusal(1, block.block, marker)
