"""`pip guard <verb>`: our own commands, one file each, under one word that pip does not have.

In: the caller, the real pip. Out: an exit status. A verb is a module here with `SUMMARY`, `run`
and an argparse parser of its own; this file only finds it. Never does a verb's work.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Protocol, cast

from pipguard.caller import Caller
from pipguard.errors import PipguardError
from pipguard.process import write_error, write_output
from pipguard.real_pip import RealPip
from pipguard.report import describe_error, format_lines


class Verb(Protocol):
    """What a module in this folder offers."""

    SUMMARY: str

    def run(self, caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
        """Perform the verb with the words after its name; return the exit status."""


def run_verb(caller: Caller, real_pip: RealPip | None) -> int:
    """Run the verb that the command line names; without one say which there are."""
    words = list(caller.argv[1:])
    verbs = list_verbs()
    if not words or words[0] in {"-h", "--help", "help"}:
        write_output(describe_verbs(verbs))
        return 0
    if words[0] not in verbs:
        known = ", ".join(verbs)
        error = PipguardError(f"`guard {words[0]}` is no command", f"there are: {known}")
        write_error(format_lines(describe_error(error)))
        return 2
    try:
        return load_verb(words[0]).run(caller, real_pip, words[1:])
    except PipguardError as error:
        write_error(format_lines(describe_error(error)))
        return error.exit_status


def list_verbs() -> list[str]:
    """Return the verbs: the modules of this folder, as they are typed."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))


def load_verb(name: str) -> Verb:
    """Import a verb's module."""
    return cast("Verb", importlib.import_module(f"{__name__}.{name.replace('-', '_')}"))


def describe_verbs(verbs: list[str]) -> str:
    """Return the help text: a line for each verb."""
    width = max(map(len, verbs))
    lines = (f"  {verb:{width}}  {load_verb(verb).SUMMARY}" for verb in verbs)
    return "usage: pip guard <verb> [--help]\n\n" + "\n".join(lines) + "\n"
