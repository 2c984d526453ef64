"""Speaks: decides which of the report's lines are said, given -q, -v and what was said today.

In: the command, then what was decided and what became of it. Out: bytes on stderr. Never makes a
sentence itself; stdout is pip's alone.
"""

from __future__ import annotations

import os
import time

from pipguard.doors import replace
from pipguard.errors import PipguardError
from pipguard.folders import cache_folder, open_private_folder
from pipguard.pip_configuration import forbids_questions
from pipguard.pipx_home import read_application
from pipguard.process import read_line, write_error
from pipguard.report import (
    OPT_OUT,
    Reader,
    describe_applications,
    describe_decision,
    describe_doubts,
    describe_error,
    describe_failures,
    describe_follow_up,
    describe_outcome,
    describe_removed,
    describe_standing_back,
    format_lines,
)
from pipguard.route import Declined, FromPipx, ToPipx

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipguard.caller import Caller
    from pipguard.decide import Decision
    from pipguard.execute import Outcome
    from pipguard.follow import FollowUp
    from pipguard.knowledge import Kind
    from pipguard.parse import PipCommand
    from pipguard.refusal import Refusal
    from pipguard.wariness import Program

MOST_LINES = 4
# Besides nothing, what pip reads as no in the variable of an option that counts (`strtobool`).
_NOT_QUIET = frozenset(("", "0", "n", "no", "f", "false", "off"))
_A_DAY = 24 * 60 * 60


class Voice:
    """What is said about one command."""

    def __init__(self, caller: Caller, command: PipCommand) -> None:
        environ = caller.environ
        self.command = command
        self.lines_left = MOST_LINES
        self.is_terminal = caller.is_terminal
        self.caller = caller
        pip_quiet = environ.get("PIP_QUIET", "").lower()
        self.is_quiet = command.quietness > 0 or pip_quiet not in _NOT_QUIET
        shell = os.path.basename(environ.get("SHELL", ""))
        self.reader = Reader(caller.directory, shell, activates=caller.note is not None)

    def say(self, line: str) -> None:
        """Say one line unless quiet was asked for."""
        self._say_all((line,))

    def confirm(self, question: str) -> bool:
        """Ask as pip does: on stderr, yes by default, an answer from stdin.

        Raises `PipguardError` where nobody answers.
        """
        answer = _ask(question.encode())
        if answer is None:
            raise PipguardError("nobody answered", "-y uninstalls without asking")
        return answer != "n"

    def ask_about(self, decision: Decision) -> dict[str, Kind]:
        """Ask what only the user can tell; nobody is asked without a terminal, or without need.

        No is the default and means a library; no answer at all says nothing.
        """
        if not decision.doubts or not self._may_ask(decision):
            return {}
        answer = _ask(format_lines([describe_doubts(decision)]).rstrip() + b" [y/N] ")
        if answer is None:
            write_error(b"\n")
            return {}
        return dict.fromkeys(decision.doubts, "application" if answer == "y" else "library")

    def _may_ask(self, decision: Decision) -> bool:
        is_heard = self.is_terminal and not self.is_quiet and not self.command.has("--no-input")
        return is_heard and not forbids_questions(self.caller, decision.base)

    def shows_refusal(self, decision: Decision) -> bool:
        """Tell whether `open` shows what pip wrote, which must then be at hand."""
        if isinstance(decision.route, Declined):
            return decision.route.shows_refusal
        return self.command.verbosity > 0

    def open(self, decision: Decision, refusal: Refusal) -> None:
        """Say what is about to happen; a refusal that stands is shown as pip wrote it."""
        route = decision.route
        lines = describe_decision(decision, self.reader)
        if self.shows_refusal(decision):
            write_error(refusal.text)
        is_refusing = isinstance(route, Declined) and route.exit_status != 0
        if is_refusing and self.command.quietness < 3:
            write_error(format_lines(lines))
            return
        self._say_all(lines)

    def advise(self, refusal: Refusal, program: Program) -> None:
        """Show pip's refusal to a program that must see it, and who reads its log what to do."""
        write_error(refusal.text)
        if self.command.quietness < 3:
            write_error(format_lines((describe_standing_back(program),)))

    def close(self, decision: Decision, outcome: Outcome) -> None:
        """Say what the user does next, and once a day how to switch us off."""
        lines = [*describe_outcome(decision, outcome, self.reader), *describe_failures(outcome)]
        home = decision.plan.pipx_home
        if isinstance(decision.route, ToPipx) and home:
            gone = {*outcome.failed, *outcome.diverted}
            names = [t.name for t in decision.route.targets if t.text not in gone]
            found = [read_application(home.environments, name) for name in names]
            folders = self.caller.environ.get("PATH", "").split(os.pathsep)
            # pipx names its folder with links resolved
            reader = replace(self.reader, path=(*folders, *map(os.path.realpath, folders)))
            lines += describe_applications([a for a in found if a], home, reader)
        if isinstance(decision.route, FromPipx):
            kept = {*outcome.failed, *outcome.declined}
            names = [name for name in decision.route.names if name not in kept]
            lines += describe_removed(names)
        if (
            lines
            and len(lines) < 3
            and outcome.exit_status == 0
            and not self.is_quiet
            and _is_due("opt-out", cache_folder(self.caller.environ))
        ):
            lines.append(OPT_OUT)
        self._say_all(lines)

    def name_environment(self, followed: FollowUp) -> None:
        """Say on a terminal which environment the answer is about."""
        if self.is_terminal:
            self._say_all(describe_follow_up(followed, self.reader))

    def fail(self, error: PipguardError) -> None:
        """Say why nothing could be done."""
        write_error(format_lines(describe_error(error)))

    def _say_all(self, lines: Sequence[str]) -> None:
        if not self.is_quiet:
            write_error(format_lines(lines[: self.lines_left]))
            self.lines_left = max(0, self.lines_left - len(lines))


def _ask(question: bytes) -> str | None:
    """Ask until the answer is yes, no or just Enter (`y`, `n`, empty); None when it is over."""
    while True:
        write_error(question)
        answer = read_line()
        if answer is None:
            return None
        letter = answer.lower()[:1]
        if answer.lower() in {"", "y", "n", "yes", "no"}:
            return letter


def _is_due(hint: str, folder: str) -> bool:
    """Tell whether a hint was not given for a day, and note that it is now."""
    path = os.path.join(folder, f"said-{hint}")
    try:
        if time.time() - os.stat(path).st_mtime < _A_DAY:
            return False
    except OSError:
        pass
    if not folder or not open_private_folder(folder):
        return False
    try:
        with open(path, "wb"):
            return True
    except OSError:
        return False
