"""`pip guard rescue`: moves what pip installed over the system's Python to where it belongs.

In: the caller. Out: a list in a file, copies at the same versions, then the originals' removal and
the proof that the system's own versions are back. Nothing is removed before its copy works; run
again after an interruption it goes on where it was.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pipguard.caller import Caller
from pipguard.commands.doctor import make_check_context
from pipguard.commands.documents import write_documents
from pipguard.commands.rescue_plan import (
    MisplacedDistribution,
    find_misplaced,
    find_missing,
    find_still_shadowed,
    is_writable,
    list_imports,
    list_removals,
    write_list,
)
from pipguard.console import write_messages
from pipguard.decide import gather_tools, locate_base
from pipguard.discover import name_guard_for_root
from pipguard.environments.distributions import scan_distributions
from pipguard.environments.inspect import Environment, inspect_environment
from pipguard.environments.inventory import Inventory, Location, read_inventory
from pipguard.environments.pipx import PipxHome, read_application, read_pipx_home
from pipguard.errors import PipguardError
from pipguard.execute import Performer, execute_plan
from pipguard.history.folder import locate_log_folder
from pipguard.history.log import Entry
from pipguard.history.origins import describe_guesses, recall_origins
from pipguard.history.record import Recording, list_site_locations, make_recorder
from pipguard.package_managers.queries import find_owner
from pipguard.package_managers.shadowed import ShadowedPackage, find_shadowed
from pipguard.pip.interpreter import build_isolated_command, read_isolated_command, read_version
from pipguard.pip.locate import RealPip
from pipguard.pip.origins import Asking, group_by_asking
from pipguard.pip.queries import locate_module_pip
from pipguard.plan import Plan, Step
from pipguard.plans.pipx import build_pip_arguments, plan_shared_pip
from pipguard.plans.undo import FormerVersions, plan_site_reversal
from pipguard.plans.venv import (
    Tools,
    build_pip_command,
    build_variables,
    plan_creation,
)
from pipguard.system.folders import data_folder
from pipguard.system.journal import Journal
from pipguard.system.processes import make_asker, run_captured
from pipguard.system.streams import write_output

SUMMARY = "move what pip installed over the system's Python to pipx and an environment"

# Prints the modules that cannot be imported, and nothing that they print themselves.
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


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the words after the verb."""
    parser = argparse.ArgumentParser("pip guard rescue", description=SUMMARY)
    parser.add_argument("--dry-run", action="store_true", help="show what would go where")
    parser.add_argument("--json", action="store_true", help="with --dry-run: one JSON list")
    return parser


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Rescue what there is; print each step's result."""
    parser = make_parser()
    options = parser.parse_args(words)
    if options.json and not options.dry_run:
        parser.error("--json goes with --dry-run")
    rescue = make_rescue(caller, real_pip)
    found = rescue.find()
    if options.json:
        write_documents([_to_document(one) for one in found])
        return 0
    write_output(_format_table(found, rescue.environment))
    return 0 if options.dry_run or not found else rescue.perform(found)


@dataclass(frozen=True, slots=True)
class Rescue:
    """One rescue: for whom, of which Python, with what."""

    caller: Caller
    base: str
    tools: Tools
    home: PipxHome
    environment: str
    """Where libraries go."""
    journal: Journal = field(default_factory=lambda: Journal(""))
    """That of this command."""

    @property
    def locations(self) -> tuple[Location, ...]:
        """The folders that may hold what does not belong there."""
        return list_site_locations(self.base, self.caller)

    def find(self) -> tuple[MisplacedDistribution, ...]:
        """Return what pip put into the folders of the system's Python."""
        inventories = [read_inventory(place, self.caller.environ) for place in self.locations]
        found = find_misplaced(inventories, self._is_owned)
        return tuple(self._avoid_clash(distribution) for distribution in found)

    def perform(self, found: Sequence[MisplacedDistribution]) -> int:
        """Copy, verify, remove, prove; raises `PipguardError` before anything is removed."""
        mine = tuple(c for c in found if is_writable(c.location))
        if not mine:
            hint = self._name_way_as_root() if self.caller.user_id else "is it mounted read-only?"
            raise PipguardError(f"{found[0].location.path} cannot be written to", hint)
        write_output(f"the list is in {write_list(locate_log_folder(self.caller), mine)}\n")
        before = self._find_shadowed()
        names = tuple(c.name for c in mine if c.goes_to == "pipx")
        locations = (*self.locations, Location("environment", self.environment),
                  Location("pipx", self.home.environments, names))  # fmt: skip
        entry = Entry(("pip", "guard", "rescue"), self.caller.directory, "rescue", 130, self.base)
        with Recording(make_recorder(self.caller, self._say), entry, locations) as recording:
            working = replace(self, journal=recording.journal)
            with recording.watch():
                working._copy(mine)
                working._verify(mine)
                status = working._remove(mine)
                recording.end(status)
        self._prove(before)
        if len(mine) < len(found):
            left = len(found) - len(mine)
            self._say(f"{left} are in folders that belong to root: {self._name_way_as_root()}")
        return status if len(mine) == len(found) else 1

    def _is_owned(self, name: str, inventory: Inventory) -> bool:
        """Tell whether the package manager put it there."""
        path = inventory.location.path
        if path.startswith(("/usr/local/", f"{self.caller.home}/")):
            return False
        if path.endswith("/lib/python3/dist-packages"):  # Debian's pip never writes there
            return True
        context = make_check_context(self.caller, self.tools.real_pip)
        files = (file for file, found, _ in scan_distributions([path]) if found == name)
        manager = context.manager
        return manager is None or any(find_owner(manager, f, self.caller) for f in files)

    def _avoid_clash(self, distribution: MisplacedDistribution) -> MisplacedDistribution:
        """Leave an application of another version in pipx alone: the user put it there."""
        if distribution.goes_to == "pipx":
            there = read_application(self.home.environments, distribution.name)
            if there and there.version != distribution.package.version:
                return replace(distribution, goes_to="environment")
        return distribution

    def _copy(self, found: Sequence[MisplacedDistribution]) -> None:
        missing = find_missing(found, self.environment, self.home)
        askings = self._recall(missing)
        libraries = [c for c in missing if c.goes_to == "environment"]
        groups = group_by_asking((askings.get(c.words[0], Asking()), c.words) for c in libraries)
        for asking, words in groups.items():
            # A dependency that comes from elsewhere must not be looked for in the wrong place.
            is_alone = len(groups) > 1 or self._fill(words, (), asking)
            if is_alone and self._fill(words, ("--no-deps",), asking):
                raise PipguardError("the libraries could not be copied, so nothing was removed")
        for distribution in (c for c in missing if c.goes_to == "pipx"):
            asking = askings.get(distribution.words[0], Asking())
            install = (*self.home.command, "install", "--python", self.base)
            install = (*install, *build_pip_arguments(asking.words), *distribution.words)
            variables = (*build_variables(self.tools), ("PIPX_DEFAULT_BACKEND", "pip"))
            variables = (*variables, *asking.variables)
            step = Step("copy it", install, variables, "quiet", distribution.name)
            step = replace(step, application=distribution.name)
            steps = (plan_shared_pip(self.home, self.tools), step)
            if self._run(Plan("rescue", steps, pipx_home=self.home)):
                raise PipguardError(f"{distribution.name} could not be copied, nothing was removed")

    def _recall(self, found: Sequence[MisplacedDistribution]) -> dict[str, Asking]:
        """Return how each requirement is asked for again; addresses tell it themselves."""
        askings: dict[str, Asking] = {}
        said: tuple[str, ...] = ()
        for distribution in found:
            if not distribution.package.words:
                kept = recall_origins(self.caller, self.base, distribution.location)
                (word,) = distribution.words
                version = distribution.package.version
                askings[word] = kept.ask_again(distribution.name, version)
                said = describe_guesses(askings, kept.now)
        for line in said:
            self._say(line)
        return askings

    def _fill(self, words: Sequence[str], options: tuple[str, ...], asking: Asking) -> int:
        """Install requirements into the environment; return the exit status."""
        path = self.environment
        there = inspect_environment(path, make_asker(self.caller.environ))
        creation = None
        if there.must_be_made:
            there = Environment(path)
            creation = plan_creation(path, self.tools)
        pip = build_pip_command(there, self.tools, is_new=creation is not None)
        variables = (*build_variables(self.tools), *asking.variables)
        install = (*pip, "install", *options, *words)
        step = Step("copy the libraries", install, variables, "quiet")
        return self._run(Plan("rescue", (step,), path, creation))

    def _verify(self, found: Sequence[MisplacedDistribution]) -> None:
        """Raise unless every copy is there and imports what the original could."""
        missing = find_missing(found, self.environment, self.home)
        if missing:
            raise PipguardError(f"nothing was removed: {missing[0].name} has no copy")
        modules = list_imports([c for c in found if c.goes_to == "environment"])
        names = sorted({module for those in modules.values() for module in those})
        python = Environment(self.environment).interpreter
        version = read_version(self.base)
        bad = _find_unimportable(build_isolated_command(python, version), names, self.caller)
        start = build_isolated_command(self.base, version)
        broken = bad - _find_unimportable(start, sorted(bad), self.caller)
        if broken:
            named = ", ".join(sorted(broken))
            raise PipguardError(f"nothing was removed: the copies cannot import {named}")

    def _remove(self, found: Sequence[MisplacedDistribution]) -> int:
        statuses = []
        for place, changes in list_removals(found).items():
            is_users = place.path.startswith(f"{self.caller.home}/")
            reversal = plan_site_reversal(changes, self.tools, FormerVersions("", {}), is_users)
            statuses.append(self._run(reversal.plan))
        return max(statuses)

    def _prove(self, before: Sequence[ShadowedPackage]) -> None:
        left = find_still_shadowed(before, self._find_shadowed())
        for hidden in left:
            self._say(f"still hidden: {hidden.words}")
        gone = {hidden.name for hidden in left}
        for hidden in before:
            if hidden.name not in gone:
                write_output(f"{hidden.package} {hidden.system_version} is back\n")

    def _find_shadowed(self) -> tuple[ShadowedPackage, ...]:
        return find_shadowed(self.locations, self.base, self.caller)

    def _run(self, plan: Plan) -> int:
        environ, journal = self.caller.environ, self.journal
        performer = Performer(environ, self._say, lambda _: True, journal=journal)
        return execute_plan(plan, performer).exit_status

    def _name_way_as_root(self) -> str:
        return f"run `{name_guard_for_root(self.caller)} rescue`"

    def _say(self, line: str) -> None:
        write_messages(self.caller, (line,))


def make_rescue(caller: Caller, real_pip: RealPip | None) -> Rescue:
    """Gather what a rescue takes."""
    real_pip = real_pip or locate_module_pip(caller)
    base = locate_base(caller, real_pip)
    if real_pip is not None:
        real_pip = _prefer_module(real_pip, base, caller)
    tools = gather_tools(caller, real_pip, base)
    home = read_pipx_home(caller, make_asker(caller.environ))
    return Rescue(caller, base, tools, home, data_folder(caller.environ, "rescued"))


def _prefer_module(real_pip: RealPip, base: str, caller: Caller) -> RealPip:
    """Return the interpreter's own pip: a script in /usr/local would remove itself on the way."""
    start = read_isolated_command(base)
    has_pip = make_asker(caller.environ)([*start, "-m", "pip", "--version"])
    is_full = (read_version(base) or (0, 0)) >= (3, 11)  # before, -I would hide the user's folder
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


def _format_table(found: Sequence[MisplacedDistribution], environment: str) -> str:
    if not found:
        return "nothing to rescue: pip installed nothing over the system's Python\n"
    where = {"pipx": "pipx", "environment": environment, "nowhere": "goes, without a copy"}
    lines = (
        f"{c.name} {c.package.version}  {c.location.path} -> {where[c.goes_to]}\n" for c in found
    )
    return "".join(lines)


def _to_document(distribution: MisplacedDistribution) -> dict[str, str]:
    return {
        "name": distribution.name,
        "version": distribution.package.version,
        "place": distribution.location.path,
        "goes_to": distribution.goes_to,
    }
