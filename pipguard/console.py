"""Writes messages to stderr, honouring -q, -v, colour settings and the limit of four lines.

In: the command, then what was decided and what became of it. Out: bytes on stderr, answers to
questions. Never words a message itself; stdout is pip's alone.
"""

from __future__ import annotations

import os
import time

from pipguard.discover import name_guard
from pipguard.environments.distributions import TOOLCHAIN, list_commands
from pipguard.environments.pipx import read_application
from pipguard.errors import PipguardError
from pipguard.pip.configuration import forbids_questions
from pipguard.report import (
    OPT_OUT,
    Reader,
    describe_advice,
    describe_applications,
    describe_commands,
    describe_decision,
    describe_doubts,
    describe_error,
    describe_failures,
    describe_follow_up,
    describe_outcome,
    describe_plugins,
    describe_removed,
    describe_way_back,
    describe_way_round,
    format_lines,
    name_destination,
)
from pipguard.route import Declined, FromPipx, ToPipx, ToVenv
from pipguard.system.booleans import parse_boolean
from pipguard.system.folders import cache_folder
from pipguard.system.frozen import replace
from pipguard.system.private_files import write_private_file
from pipguard.system.streams import read_line, write_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipguard.caller import Caller
    from pipguard.decide import Decision
    from pipguard.execute import Outcome
    from pipguard.follow import FollowUp
    from pipguard.knowledge import Kind
    from pipguard.pip.command_line import PipCommand
    from pipguard.pip.refusal import Refusal
    from pipguard.shells.callers import Program

MOST_LINES = 4
_A_DAY = 24 * 60 * 60


def write_messages(caller: Caller, lines: Sequence[str], bold: str = "") -> None:
    """Write lines to stderr, in colour where its terminal shows colours."""
    write_error(format_lines(lines, has_colour=_shows_colour(caller), bold=bold))


class Console:
    """What is said about one command."""

    def __init__(self, caller: Caller, command: PipCommand) -> None:
        environ = caller.environ
        self.command = command
        self.caller = caller
        pip_quiet = environ.get("PIP_QUIET", "")  # a count, or pip's word for none
        count = int(pip_quiet) if pip_quiet.isdecimal() else parse_boolean(pip_quiet or "no")
        quietness = max(command.count("--quiet"), 1 if count is None else int(count))
        self.is_quiet = quietness > 0
        # Who asks for quiet once still has to learn where it went; twice means not a word.
        self.lines_left = MOST_LINES if quietness == 0 else 1 if quietness == 1 else 0
        shell = os.path.basename(environ.get("SHELL", ""))
        has_note = caller.note is not None
        # `cli` takes VIRTUAL_ENV away where the shell's environment is another project's.
        left = "" if environ.get("VIRTUAL_ENV") else environ.get("PIPGUARD_ACTIVATED", "")
        home = caller.home or ""
        self.reader = Reader(caller.directory, shell, (), has_note, name_guard(caller), home, left)

    def say(self, line: str) -> None:
        """Write one line, as far as quiet was not asked for."""
        self._say_all((line,))

    def show_progress(self, line: str) -> None:
        """Write how far a long command is, on a terminal; this is no message that counts."""
        if self.caller.has_error_terminal and not self.is_quiet:
            self._write((line,))

    def confirm(self, question: str) -> bool:
        """Ask as pip does: on stderr, yes by default, an answer from stdin.

        Raises `PipguardError` at the end of input.
        """
        answer = ask(question.encode())
        if answer is None:
            verb = "removed" if self.command.subcommand == "uninstall" else "changed"
            hint = "-y uninstalls without asking" if verb == "removed" else ""
            raise PipguardError(f"no answer, so nothing was {verb}", hint)
        return answer != "n"

    def ask_about(self, decision: Decision) -> dict[str, Kind]:
        """Ask what only the user can tell; never without a terminal, or without need.

        No is the default and means a library; the end of input says nothing.
        """
        if not decision.doubts or not self._may_ask(decision):
            return {}
        question = format_lines([describe_doubts(decision)], has_colour=_shows_colour(self.caller))
        answer = ask(question.rstrip() + b" [y/N] ")
        if answer is None:
            write_error(b"\n")
            return {}
        return dict.fromkeys(decision.doubts, "application" if answer == "y" else "library")

    def shows_refusal(self, decision: Decision) -> bool:
        """Tell whether `open` shows what pip wrote, which must then be at hand."""
        if isinstance(decision.route, Declined):
            return decision.route.shows_refusal
        return self.command.has("--verbose")

    def open(self, decision: Decision, refusal: Refusal) -> None:
        """Say what is about to happen; a refusal that stands is shown as pip wrote it."""
        route = decision.route
        lines = describe_decision(decision, self.reader)
        if self.shows_refusal(decision):
            write_error(refusal.text)
        is_refusing = isinstance(route, Declined) and route.exit_status != 0
        if is_refusing and self.command.count("--quiet") < 3:
            self._write(lines)
            return
        self._say_all(lines, name_destination(decision, self.reader))

    def advise(self, refusal: Refusal, program: Program) -> None:
        """Show pip's refusal to a program that must see it, and advice to who reads its log."""
        write_error(refusal.text)
        if self.command.count("--quiet") < 3:
            self._write((describe_advice(program),))

    def close(self, decision: Decision, outcome: Outcome, *, is_recorded: bool = False) -> None:
        """Say what the user does next, and once a day how to switch pipguard off."""
        way_back = describe_way_back(decision, outcome, self.reader) if is_recorded else ()
        lines = [
            *describe_commands(decision, outcome, self._list_commands(decision), self.reader),
            *describe_outcome(decision, outcome, self.reader),
            *way_back,
            *describe_failures(decision, outcome),
            *describe_way_round(decision, outcome),
            *self._describe_pipx(decision, outcome),
        ]
        is_short = 0 < len(lines) < 3 and outcome.exit_status == 0 and not self.is_quiet
        if is_short and _is_due("opt-out", cache_folder(self.caller.environ)):
            lines.append(OPT_OUT)
        self._say_all(lines)

    def name_environment(self, followed: FollowUp) -> None:
        """Say on a terminal which environment pip's answer is about."""
        if self.caller.is_terminal and not self.is_quiet:
            self._say_all(describe_follow_up(followed, self.reader))

    def fail(self, error: PipguardError) -> None:
        """Say why nothing could be done."""
        self._write(describe_error(error))

    def _may_ask(self, decision: Decision) -> bool:
        is_heard = self.caller.is_terminal and not self.is_quiet
        if not is_heard or self.command.has("--no-input"):
            return False
        return not forbids_questions(self.caller, decision.base)

    def _list_commands(self, decision: Decision) -> tuple[str, ...]:
        route = decision.route
        if not isinstance(route, ToVenv) or decision.command.subcommand != "install":
            return ()
        names = {judged.target.name for judged in decision.targets} - TOOLCHAIN
        return list_commands(route.environment.path, names)

    def _describe_pipx(self, decision: Decision, outcome: Outcome) -> tuple[str, ...]:
        route, home = decision.route, decision.plan.pipx_home
        if isinstance(route, FromPipx):
            kept = {*outcome.failed, *outcome.declined}
            removed = dict.fromkeys((*route.names, *(plugin for plugin, _ in route.plugins)))
            return describe_removed([name for name in removed if name not in kept])
        if not isinstance(route, ToPipx) or home is None:
            return ()
        gone = {*outcome.failed, *outcome.diverted}
        names = [target.name for target in route.targets if target.text not in gone]
        found = [read_application(home.environments, name) for name in names]
        folders = self.caller.environ.get("PATH", "").split(os.pathsep)
        # pipx names its folder with links resolved
        reader = replace(self.reader, path=(*folders, *map(os.path.realpath, folders)))
        plugins = [plugin for plugin in route.plugins if plugin.target.text not in gone]
        added = [
            (host, one)
            for plugin in plugins
            for host in plugin.hosts
            if (there := read_application(home.environments, host))
            and (one := there.find_injected(plugin.target.name))
        ]
        return (
            *describe_applications([a for a in found if a], home, reader),
            *describe_plugins(added, home, reader),
        )

    def _say_all(self, lines: Sequence[str], bold: str = "") -> None:
        if self.lines_left:
            self._write(lines[: self.lines_left], bold)
            self.lines_left = max(0, self.lines_left - len(lines))

    def _write(self, lines: Sequence[str], bold: str = "") -> None:
        has_colour = _shows_colour(self.caller) and not self.command.has("--no-color")
        write_error(format_lines(lines, has_colour=has_colour, bold=bold))


def _shows_colour(caller: Caller) -> bool:
    """Tell whether stderr shows colours (https://no-color.org, and pip's own PIP_NO_COLOR)."""
    environ = caller.environ
    if environ.get("NO_COLOR") or parse_boolean(environ.get("PIP_NO_COLOR", "")):
        return False
    return caller.has_error_terminal and environ.get("TERM", "dumb") != "dumb"


def ask(question: bytes) -> str | None:
    """Ask until the answer is yes, no or just Enter (`y`, `n`, empty); None at the end of input."""
    while True:
        write_error(question)
        answer = read_line()
        if answer is None:
            return None
        if answer.lower() in {"", "y", "n", "yes", "no"}:
            return answer.lower()[:1]


def _is_due(hint: str, folder: str) -> bool:
    """Tell whether a hint was not given for a day, and note that it is given now."""
    path = os.path.join(folder, f"said-{hint}") if folder else ""
    try:
        if time.time() - os.stat(path).st_mtime < _A_DAY:
            return False
    except OSError:
        pass
    return write_private_file(path, b"")
