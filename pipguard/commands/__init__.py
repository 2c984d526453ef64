"""pipguard's own commands, `pip guard VERB`: one file each, under one word that pip does not have.

In: the caller, the real pip. Out: an exit status. A verb is a module here with `SUMMARY`,
`make_parser` and `run` (argparse is enough: nothing starts faster). This file finds it.
"""

from __future__ import annotations

import importlib
from argparse import ArgumentParser
from typing import Protocol, cast

from pipguard.caller import Caller
from pipguard.console import write_messages
from pipguard.errors import PipguardError
from pipguard.pip.locate import RealPip
from pipguard.report import describe_error
from pipguard.system.streams import write_output
from pipguard.system.version import describe_version

VERBS = (
    "doctor", "ensurepath", "explain", "help", "log", "rescue", "run", "shell-init", "shims",
    "status", "trust", "undo", "upgrade-self",
)  # fmt: skip
"""As they are typed; each is a module of this folder."""


_RECOVERING = ("log", "rescue", "run", "status", "undo")
"""What is said and done by these depends on what interrupted commands have left."""


class Verb(Protocol):
    """What the module of a verb offers."""

    SUMMARY: str

    def make_parser(self) -> ArgumentParser:
        """Return the parser of the words after the verb."""

    def run(self, caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
        """Perform the verb with the words after its name; return the exit status."""


def run_verb(caller: Caller, real_pip: RealPip | None) -> int:
    """Run the verb that the command line names; without one say which there are."""
    words = list(caller.argv[1:])
    if not words or words[0] in {"-h", "--help"}:
        write_output(describe_verbs())
        return 0
    if words == ["--version"]:
        write_output(f"{describe_version()}\n")
        return 0
    if words[0] not in VERBS:
        from difflib import get_close_matches

        hint = f"try: {', '.join(get_close_matches(words[0], VERBS, 1) or VERBS)}"
        error = PipguardError(f"unknown command `guard {words[0]}`", hint)
        write_messages(caller, describe_error(error))
        return 2
    try:
        if words[0] in _RECOVERING and not {"-h", "--help"} & set(words):
            from pipguard.recover import recover

            recover(caller, real_pip, lambda line: write_messages(caller, (line,)))
        return load_verb(words[0]).run(caller, real_pip, words[1:])
    except PipguardError as error:
        write_messages(caller, describe_error(error))
        return error.exit_status


def load_verb(name: str) -> Verb:
    """Import a verb's module."""
    return cast("Verb", importlib.import_module(f"{__name__}.{name.replace('-', '_')}"))


def describe_verbs() -> str:
    """Return the help text: a line for each verb."""
    width = max(map(len, VERBS))
    lines = (f"  {verb:{width}}  {load_verb(verb).SUMMARY}" for verb in VERBS)
    usage = "usage: pip guard <verb> [--help]\n       pip guard --version\n\n"
    return usage + "\n".join(lines) + "\n"
