"""`pip guard doctor`: says what is wrong here, why it matters, and what fixes it.

In: the caller. Out: a table or JSON on stdout; exit status 1 where something is wrong. `--fix`
performs what is safe, after showing it.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
from dataclasses import asdict

from pipguard.caller import Caller
from pipguard.commands.checks import CHECKS, CheckContext, Finding
from pipguard.commands.documents import write_document
from pipguard.console import write_messages
from pipguard.decide import locate_base
from pipguard.discover import discover, name_guard
from pipguard.environments.pipx import read_pipx_home
from pipguard.errors import PipguardError
from pipguard.pip.locate import RealPip
from pipguard.pip.queries import locate_module_pip
from pipguard.recover import recover
from pipguard.system.processes import make_asker, run_foreground
from pipguard.system.programs import drop_relative_entries
from pipguard.system.streams import write_output

SUMMARY = "look for what is broken, say why it matters, and fix what can be fixed safely"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the words after the verb."""
    parser = argparse.ArgumentParser("pip guard doctor", description=SUMMARY)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--fix", action="store_true", help="perform the safe ones, after showing")
    return parser


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Examine and print; with `--fix` fix what is safe and examine again."""
    options = make_parser().parse_args(words)
    context = make_check_context(caller, real_pip)
    findings = examine(context)
    if options.fix:
        if not options.json:
            write_output(format_table(findings))
        fix(findings, context)
        findings = examine(context)
    if options.json:
        write_document({"checks": list(CHECKS), "findings": [asdict(one) for one in findings]})
    else:
        write_output(format_table(findings))
    return 1 if any(not found.is_note for found in findings) else 0


def make_check_context(caller: Caller, real_pip: RealPip | None) -> CheckContext:
    """Gather what the checks look at."""
    real_pip = real_pip or locate_module_pip(caller)
    settings, surroundings = discover(caller)
    return CheckContext(
        caller,
        real_pip,
        locate_base(caller, real_pip),
        surroundings,
        read_pipx_home(caller, make_asker(caller.environ)),
        settings,
        name_guard(caller),
    )


def examine(context: CheckContext) -> list[Finding]:
    """Run every check; one that cannot be made is a finding, too."""
    findings: list[Finding] = []
    for name, check in CHECKS.items():
        try:
            findings += check(context)
        except PipguardError as error:  # noqa: PERF203 - a check takes a process at least
            why = "what it looks for may be there"
            findings.append(Finding(name, f"not checked: {error.message}", why, error.hint))
    return findings


def fix(findings: list[Finding], context: CheckContext) -> None:
    """Perform what is safe, each after its words."""
    caller = context.caller
    if any(finding.recovers for finding in findings):
        recover(caller, context.real_pip, lambda line: write_messages(caller, (line,)))
    for finding in findings:
        if finding.discards:
            write_output(f"$ rm -r {shlex.quote(finding.discards)}\n")
            shutil.rmtree(finding.discards, ignore_errors=True)
        elif finding.command:
            write_output(f"$ {shlex.join(finding.command)}\n")
            run_foreground(finding.command, drop_relative_entries(caller.environ))


def format_table(findings: list[Finding]) -> str:
    """Return each finding as what, why and the way out, problems first; last how many there are."""
    problems = [finding for finding in findings if not finding.is_note]
    notes = [finding for finding in findings if finding.is_note]
    blocks = [_format_finding(finding) for finding in (*problems, *notes)]
    counted = _count(problems, "problem")
    if not problems:
        counted = f"all is well: no problems in {len(CHECKS)} checks"
    return "".join([*blocks, counted, f", {_count(notes, 'note')}" if notes else "", "\n"])


def _format_finding(finding: Finding) -> str:
    kind = "note" if finding.is_note else "problem"
    lines = [f"{kind:9}{finding.check}: {finding.problem}", f"{'':9}why: {finding.why}"]
    if finding.remedy:
        lines.append(f"{'':9}{'maybe' if finding.is_note else 'fix'}: {finding.remedy}")
    return "".join(f"{line}\n" for line in lines)


def _count(findings: list[Finding], noun: str) -> str:
    return f"{len(findings)} {noun}{'' if len(findings) == 1 else 's'}"
