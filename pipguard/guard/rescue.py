"""`pip guard rescue`: moves what pip put over the system's Python to where it belongs.

In: the caller. Out: a list in a file, copies at the same versions, then the originals' removal and
the proof that the system's own versions are back. Nothing is removed before its copy works; run
again after an interruption it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipguard.caller import Caller
from pipguard.carried_pip import locate_carried_pip
from pipguard.decide import locate_base
from pipguard.discover import make_asker
from pipguard.environment import Environment, inspect_environment, scan_distributions
from pipguard.errors import PipguardError
from pipguard.execute import Performer, execute_plan
from pipguard.folders import data_folder
from pipguard.forward import locate_module_pip
from pipguard.guard.doctor import make_patient
from pipguard.hiding import Hidden, find_hidden
from pipguard.history import Entry
from pipguard.inventory import Place, Stock, take_stock
from pipguard.offers import find_owner
from pipguard.pip_configuration import read_site_variables
from pipguard.pipx_home import PipxHome, read_application, read_pipx_home
from pipguard.plans import Creation, Plan, Step
from pipguard.plans.pipx import share_pip
from pipguard.plans.undo import plan_site_reversal
from pipguard.plans.venv import Makers, creation_step, environment_variables, pip_words
from pipguard.process import run_captured, write_error, write_output
from pipguard.real_pip import RealPip, start_isolated, version_of
from pipguard.record import Journal, list_site_places, locate_log_folder, make_recorder
from pipguard.report import format_lines
from pipguard.rescue import (
    Castaway,
    find_castaways,
    find_missing,
    is_writable,
    list_modules,
    removals,
    still_hidden,
    write_list,
)
from pipguard.settings import Settings

SUMMARY = "move what pip installed over the system's Python to pipx and an environment"

# Prints the modules that cannot be imported; what one prints or does is its own affair.
_IMPORT = """
import importlib, os, sys
bad = []
sys.stdout = open(os.devnull, "w")
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException:
        bad.append(name)
print(*bad, file=sys.__stdout__)
"""


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Rescue what there is; print each step's result."""
    parser = argparse.ArgumentParser("pip guard rescue", description=SUMMARY)
    parser.add_argument("--dry-run", action="store_true", help="show what would go where")
    parser.add_argument("--json", action="store_true", help="with --dry-run: one JSON list")
    options = parser.parse_args(words)
    if options.json and not options.dry_run:
        parser.error("--json goes with --dry-run")
    rescue = make_rescue(caller, real_pip)
    found = rescue.find()
    if options.json:
        write_output(json.dumps([_to_document(c) for c in found], indent=2) + "\n")
        return 0
    write_output(_format_table(found, rescue.environment))
    return 0 if options.dry_run or not found else rescue.perform(found)


@dataclass(frozen=True, slots=True)
class Rescue:
    """One rescue: for whom, of which Python, with what."""

    caller: Caller
    base: str
    makers: Makers
    home: PipxHome
    environment: str
    """Where libraries go."""

    @property
    def places(self) -> tuple[Place, ...]:
        """The folders that may hold what does not belong there."""
        return list_site_places(self.base, self.caller)

    def find(self) -> tuple[Castaway, ...]:
        """Return what pip put into the folders of the system's Python."""
        stocks = [take_stock(place, self.caller.environ) for place in self.places]
        found = find_castaways(stocks, self._is_owned)
        return tuple(self._avoid_clash(castaway) for castaway in found)

    def perform(self, found: Sequence[Castaway]) -> int:
        """Copy, verify, remove, prove; raises `PipguardError` before anything is removed."""
        mine = tuple(c for c in found if is_writable(c.place))
        if not mine:
            hint = _AS_ROOT if self.caller.user_id else "is it mounted read-only?"
            raise PipguardError(f"{found[0].place.path} cannot be written to", hint)
        write_output(f"the list is in {write_list(locate_log_folder(self.caller), mine)}\n")
        before = self._find_hidden()
        names = tuple(c.name for c in mine if c.goes_to == "pipx")
        places = (*self.places, Place("environment", self.environment),
                  Place("pipx", self.home.environments, names))  # fmt: skip
        entry = Entry(("pip", "guard", "rescue"), self.caller.directory, "rescue", 130, self.base)
        with Journal(make_recorder(self.caller, _say), entry, places) as journal:
            with journal.watch():
                self._copy(mine)
                self._verify(mine)
                status = self._remove(mine)
            journal.end(status)
        self._prove(before)
        if len(mine) < len(found):
            _say(f"{len(found) - len(mine)} are in folders of root's: {_AS_ROOT}")
        return status if len(mine) == len(found) else 1

    def _is_owned(self, name: str, stock: Stock) -> bool:
        """Tell whether the package manager put it there."""
        path = stock.place.path
        if path.startswith(("/usr/local/", f"{self.caller.home}/")):
            return False
        if path.endswith("/lib/python3/dist-packages"):  # Debian's pip never writes there
            return True
        patient = make_patient(self.caller, self.makers.real_pip)
        files = (file for file, found, _ in scan_distributions([path]) if found == name)
        manager = patient.manager
        return manager is None or any(find_owner(manager, f, self.caller) for f in files)

    def _avoid_clash(self, castaway: Castaway) -> Castaway:
        """Leave an application of another version in pipx alone: the user put it there."""
        if castaway.goes_to == "pipx":
            there = read_application(self.home.environments, castaway.name)
            if there and there.version != castaway.piece.version:
                return replace(castaway, goes_to="environment")
        return castaway

    def _copy(self, found: Sequence[Castaway]) -> None:
        missing = find_missing(found, self.environment, self.home)
        libraries = [c for c in missing if c.goes_to == "environment"]
        if libraries and self._fill(libraries, ()) and self._fill(libraries, ("--no-deps",)):
            raise PipguardError("the libraries could not be copied, so nothing was removed")
        for castaway in (c for c in missing if c.goes_to == "pipx"):
            variables = (*environment_variables(self.makers), ("PIPX_DEFAULT_BACKEND", "pip"))
            install = (*self.home.command, "install", "--python", self.base, *castaway.words)
            step = Step("copy it", install, variables, "quiet", castaway.name)
            if self._run(Plan("rescue", (share_pip(self.home, self.makers), step))):
                raise PipguardError(f"{castaway.name} could not be copied, nothing was removed")

    def _fill(self, libraries: Sequence[Castaway], options: tuple[str, ...]) -> int:
        """Install them into the environment; return the exit status."""
        path = self.environment
        there = inspect_environment(path, make_asker(self.caller))
        creation = None
        if there.must_be_made:
            there = Environment(path)
            creation = Creation(path, creation_step(path, Settings(), self.makers))
        pip = pip_words(there, self.makers, creation is not None)
        words = [word for castaway in libraries for word in castaway.words]
        variables = environment_variables(self.makers)
        install = (*pip, "install", *options, *words)
        step = Step("copy the libraries", install, variables, "quiet")
        return self._run(Plan("rescue", (step,), path, creation))

    def _verify(self, found: Sequence[Castaway]) -> None:
        """Raise unless every copy is there and imports what the original could."""
        missing = find_missing(found, self.environment, self.home)
        if missing:
            raise PipguardError(f"nothing was removed: {missing[0].name} has no copy")
        modules = list_modules([c for c in found if c.goes_to == "environment"])
        names = sorted({module for those in modules.values() for module in those})
        python = Environment(self.environment).interpreter
        version = version_of(self.base)
        bad = _find_unimportable(start_isolated(python, version), names, self.caller)
        start = start_isolated(self.base, version)
        broken = bad - _find_unimportable(start, sorted(bad), self.caller)
        if broken:
            named = ", ".join(sorted(broken))
            raise PipguardError(f"nothing was removed: the copies cannot import {named}")

    def _remove(self, found: Sequence[Castaway]) -> int:
        statuses = []
        for place, changes in removals(found).items():
            is_users = place.path.startswith(f"{self.caller.home}/")
            reversal = plan_site_reversal(changes, self.makers, "", is_users)
            statuses.append(self._run(reversal.plan))
        return max(statuses)

    def _prove(self, before: Sequence[Hidden]) -> None:
        left = still_hidden(before, self._find_hidden())
        for hidden in left:
            _say(f"still hidden: {hidden.words}")
        gone = {hidden.name for hidden in left}
        for hidden in before:
            if hidden.name not in gone:
                write_output(f"{hidden.package} {hidden.system_version} is back\n")

    def _find_hidden(self) -> tuple[Hidden, ...]:
        return find_hidden(self.places, self.base, self.caller)

    def _run(self, plan: Plan) -> int:
        return execute_plan(plan, Performer(self.caller.environ, _say, lambda _: True)).exit_status


_AS_ROOT = "run `sudo pipguard guard rescue`"


def make_rescue(caller: Caller, real_pip: RealPip | None) -> Rescue:
    """Gather what a rescue takes."""
    real_pip = real_pip or locate_module_pip(caller)
    base = locate_base(caller, real_pip)
    if real_pip is not None:
        real_pip = _prefer_module(real_pip, base, caller)
    carried = "" if real_pip else locate_carried_pip(version_of(base))
    variables = read_site_variables(caller, base)
    makers = Makers(caller.python, base, real_pip, carried, variables)
    home = read_pipx_home(caller, make_asker(caller))
    return Rescue(caller, base, makers, home, data_folder(caller.environ, "rescued"))


def _prefer_module(real_pip: RealPip, base: str, caller: Caller) -> RealPip:
    """Return the interpreter's own pip: a script in /usr/local would remove itself on the way."""
    start = start_isolated(base, version_of(base))
    has_pip = make_asker(caller)([*start, "-m", "pip", "--version"])
    is_full = (version_of(base) or (0, 0)) >= (3, 11)  # before, -I would hide the user's folder
    words = (*start, "-m", "pip")
    return RealPip(words, base, real_pip.marker) if has_pip and is_full else real_pip


def _find_unimportable(start: Sequence[str], modules: Sequence[str], caller: Caller) -> set[str]:
    if not modules:
        return set()
    words = [*start, "-c", _IMPORT, *modules]
    try:
        answer = run_captured(words, caller.environ, timeout=120)
    except (OSError, TimeoutError):
        return set(modules)
    return set(os.fsdecode(answer.stdout).split()) if answer.exit_status == 0 else set(modules)


def _format_table(found: Sequence[Castaway], environment: str) -> str:
    if not found:
        return "nothing to rescue: pip put nothing over the system's Python\n"
    where = {"pipx": "pipx", "environment": environment, "nowhere": "goes, without a copy"}
    lines = (f"{c.name} {c.piece.version}  {c.place.path} -> {where[c.goes_to]}\n" for c in found)
    return "".join(lines)


def _to_document(castaway: Castaway) -> dict[str, str]:
    return {
        "name": castaway.name,
        "version": castaway.piece.version,
        "place": castaway.place.path,
        "goes_to": castaway.goes_to,
    }


def _say(line: str) -> None:
    write_error(format_lines((line,)))
