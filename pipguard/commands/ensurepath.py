"""`pip guard ensurepath`: puts the folder of pipx's commands on PATH, by pipx itself.

In: the caller. Out: pipx's own words and exit status. Changes the shell's start-up files as `pipx
ensurepath` does, and nothing else.
"""

from __future__ import annotations

import argparse

from pipguard.caller import Caller
from pipguard.environments.pipx import read_pipx_home
from pipguard.pip.locate import RealPip
from pipguard.system.processes import make_asker, run_foreground
from pipguard.system.programs import drop_relative_entries

SUMMARY = "put the folder of pipx's commands on PATH"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the words after the verb."""
    return argparse.ArgumentParser("pip guard ensurepath", description=SUMMARY)


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Let pipx do it."""
    del real_pip
    make_parser().parse_args(words)
    home = read_pipx_home(caller, make_asker(caller.environ))
    return run_foreground([*home.command, "ensurepath"], drop_relative_entries(caller.environ))
