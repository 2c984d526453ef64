"""`pip guard trust [PATH]`: lets pipguard use an environment whose origin it cannot tell.

In: the path of an environment, or of a link or `.venv` file that leads to one. Out: a record in the
user's data folder, bound to what is at the path now: another folder in its place is not trusted.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict

from pipguard.caller import Caller
from pipguard.commands.documents import write_documents
from pipguard.discover import discover
from pipguard.environments.trust import follow_steps, forget_trust, list_records, record_trust
from pipguard.errors import PipguardError
from pipguard.pip.locate import RealPip
from pipguard.system.streams import write_output

SUMMARY = "let pipguard use an environment that somebody else may have brought"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the words after the verb."""
    parser = argparse.ArgumentParser("pip guard trust", description=SUMMARY)
    parser.add_argument("path", nargs="?", help="of the environment; the project's without it")
    parser.add_argument("--list", action="store_true", help="show what is trusted")
    parser.add_argument("--forget", action="store_true", help="trust it no longer")
    parser.add_argument("--json", action="store_true", help="with --list: one JSON list")
    return parser


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Record the user's word, list what is recorded, or forget it."""
    del real_pip
    options = make_parser().parse_args(words)
    if options.list:
        if options.json:
            write_documents(
                [{**asdict(r), "is_valid": r.is_valid} for r in list_records(caller.environ)]
            )
        else:
            write_output(_format_table(caller))
        return 0
    path = options.path or discover(caller)[1].place.environment.path
    path = os.path.normpath(os.path.join(caller.directory, path))
    (_forget if options.forget else _trust)(path, caller)
    return 0


def _trust(path: str, caller: Caller) -> None:
    steps = follow_steps(path)
    if not os.path.isfile(os.path.join(steps[-1], "pyvenv.cfg")):
        raise PipguardError(f"{steps[-1]} is no virtual environment")
    for step in steps:
        if not record_trust(step, "user", caller.environ):
            raise PipguardError(f"{step} cannot be recorded as trusted")
        write_output(f"trusted from now on: {step}\n")


def _forget(path: str, caller: Caller) -> None:
    forgotten = [step for step in follow_steps(path) if forget_trust(step, caller.environ)]
    if not forgotten:
        raise PipguardError(f"{path} was not recorded as trusted")
    write_output("".join(f"no longer trusted: {step}\n" for step in forgotten))


def _format_table(caller: Caller) -> str:
    records = list_records(caller.environ)
    lines = [
        f"{record.source:5} {record.path}{'' if record.is_valid else '  (replaced since)'}\n"
        for record in records
    ]
    return "".join(lines) or "nothing is recorded as trusted\n"
