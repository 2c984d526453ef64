"""Completes the words of `pip guard`, for every shell alike.

In: the words of a line as the shell's function gives them in `COMP_WORDS` and `COMP_CWORD`, the way
pip's own completion is asked. Out: on stdout, the words that may stand at the last place. Options
and choices come from the verbs' own parsers.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable

from pipguard.caller import Caller
from pipguard.commands import VERBS, load_verb
from pipguard.discover import discover
from pipguard.environments.distributions import list_distributions
from pipguard.environments.pipx import list_applications, read_pipx_home
from pipguard.errors import PipguardError
from pipguard.history.folder import locate_log_folder
from pipguard.history.log import read_history
from pipguard.pip.handover import hand_over
from pipguard.pip.locate import RealPip
from pipguard.shells.script import SHELLS
from pipguard.system.folders import list_readable_names
from pipguard.system.processes import make_asker
from pipguard.system.streams import write_output


def complete(caller: Caller, real_pip: RealPip | None) -> int:
    """Print the words that fit the beginning of the last one; pip's own after `explain`."""
    words = caller.environ.get("COMP_WORDS", "").split()[2:]
    place = int(caller.environ.get("COMP_CWORD", "2")) - 2
    verb, begun = (words or [""])[0], words[place] if place < len(words) else ""
    if place > 0 and verb == "explain" and real_pip:
        asked = {"COMP_WORDS": " ".join(["pip", *words[1:]]), "COMP_CWORD": str(place)}
        return hand_over(real_pip, (), {**caller.environ, **asked})
    try:
        found = list_words(caller, verb if place > 0 else "", place)
    except PipguardError:
        return 1  # a wrong setting is said by the command itself, not while it is typed
    write_output("".join(f"{word}\n" for word in found if word.startswith(begun)))
    return 0


def list_words(caller: Caller, verb: str, place: int) -> list[str]:
    """Return the words that may follow a verb, or all verbs where there is none yet."""
    if not verb:
        return [*VERBS, "--help", "--version"]
    if verb not in VERBS:
        return []
    parser = load_verb(verb).make_parser()
    words = [name for action in parser._actions for name in _list_names(action) if name]
    return [*words, *_list_values(caller, verb, place)]


def _list_names(action: argparse.Action) -> Iterable[str]:
    """Return what an argument can be: its options that are shown, or its choices."""
    if action.help == argparse.SUPPRESS:
        return ()
    long = [name for name in action.option_strings if name.startswith("--")]
    return (long or action.option_strings) if action.option_strings else action.choices or ()


def _list_values(caller: Caller, verb: str, place: int) -> Iterable[str]:
    """Return what only this machine knows."""
    if verb == "shell-init":
        return SHELLS
    if verb == "undo":
        history = read_history(locate_log_folder(caller))
        undone = history.find_undone()
        return [entry.identifier for entry in history.entries if entry.identifier not in undone]
    if verb not in {"run", "status"} or (verb == "run" and place > 1):
        return ()
    environment = discover(caller)[1].place.environment
    if verb == "run":
        return list_readable_names(os.path.join(environment.path, "bin"))
    home = read_pipx_home(caller, make_asker(caller.environ))
    return sorted({*list_distributions(environment.path), *list_applications(home.environments)})
