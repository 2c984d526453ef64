"""`pip guard doctor`: what is wrong here, why it matters, and what mends it.

In: the caller. Out: a table or JSON on stdout; exit status 1 where something is wrong. `--fix`
performs what is safe, after showing it.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
from dataclasses import asdict

from pipguard.caller import Caller
from pipguard.checkups import CHECKS, Finding, Patient
from pipguard.decide import locate_base
from pipguard.discover import discover_surroundings, find_project, make_asker
from pipguard.forward import locate_module_pip
from pipguard.pipx_home import read_pipx_home
from pipguard.process import run_foreground, write_output
from pipguard.real_pip import RealPip
from pipguard.settings import read_settings

SUMMARY = "look for what is broken, say why it matters, and mend what can be mended safely"


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Examine and print; with `--fix` mend what is safe and examine again."""
    parser = argparse.ArgumentParser("pip guard doctor", description=SUMMARY)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--fix", action="store_true", help="perform the safe ones, after showing")
    options = parser.parse_args(words)
    patient = make_patient(caller, real_pip)
    findings = examine(patient)
    if options.fix:
        if not options.json:
            write_output(format_table(findings))
        mend(findings, caller)
        findings = examine(patient)
    if options.json:
        document = {"checks": list(CHECKS), "findings": [asdict(found) for found in findings]}
        write_output(json.dumps(document, indent=2) + "\n")
    else:
        write_output(format_table(findings))
    return 1 if any(not found.is_note for found in findings) else 0


def make_patient(caller: Caller, real_pip: RealPip | None) -> Patient:
    """Gather what the checks look at."""
    real_pip = real_pip or locate_module_pip(caller)
    project = find_project(caller)
    settings = read_settings(caller.environ, project[0])
    return Patient(
        caller,
        real_pip,
        locate_base(caller, real_pip),
        discover_surroundings(caller, settings, project),
        read_pipx_home(caller, make_asker(caller)),
        settings,
    )


def examine(patient: Patient) -> list[Finding]:
    """Run every check."""
    return [finding for check in CHECKS.values() for finding in check(patient)]


def mend(findings: list[Finding], caller: Caller) -> None:
    """Perform what is safe, each after its words."""
    for finding in findings:
        if finding.discards:
            write_output(f"$ rm -r {shlex.quote(finding.discards)}\n")
            shutil.rmtree(finding.discards, ignore_errors=True)
        elif finding.command:
            write_output(f"$ {shlex.join(finding.command)}\n")
            run_foreground(finding.command, caller.environ)


def format_table(findings: list[Finding]) -> str:
    """Return each finding as three lines: what, why, and the way out."""
    if not findings:
        return f"all is well: {len(CHECKS)} checks found nothing\n"
    blocks = (
        f"{finding.check:12}{finding.problem}\n"
        f"{'':12}why: {finding.why}\n{'':12}mend: {finding.remedy}\n"
        for finding in findings
    )
    return "".join(blocks)
