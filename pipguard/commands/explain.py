"""`pip guard explain <pip command line>`: says what would happen and why, without doing it.

In: a pip command line. Out: words or JSON on stdout. Asks pip whether it would refuse, and its
index what a name is; changes nothing.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from threading import Thread

from pipguard.caller import Caller
from pipguard.classification.judge import JudgedTarget, start_asking_versions
from pipguard.classification.metadata import ProjectMetadata
from pipguard.classification.rules import APPLICATION_SCORE
from pipguard.classification.targets import read_target
from pipguard.commands.documents import write_document
from pipguard.decide import Decision, choose_pip_interpreter, decide, gather_tools, locate_base
from pipguard.discover import discover
from pipguard.follow import choose_follow_up
from pipguard.forward import read_as_newest, would_refuse
from pipguard.package_managers.queries import choose_manager, describe_packages
from pipguard.pip.command_line import PipCommand
from pipguard.pip.handover import is_switched_off
from pipguard.pip.locate import RealPip, can_refuse
from pipguard.pip.queries import locate_module_pip, read_command
from pipguard.report import show_plainly
from pipguard.route import Declined
from pipguard.settings import read_settings
from pipguard.system.secrets import mask_secrets
from pipguard.system.streams import write_output

SUMMARY = "say what a pip command would do here, and why, without doing it"


@dataclass(frozen=True, slots=True)
class ExplainedTarget:
    """One target: what it is taken for, and why."""

    requirement: str
    name: str
    kind: str
    """`application`, `library`, `plugin`, or `either` where all would go to the same place."""
    reason: str
    certainty: str = ""
    """Who knows: `said` by the user, `known` by heart, `weighed`, `doubtful` or `unanswered`."""
    evidence: tuple[tuple[int, str], ...] = ()
    """Points for (positive) and against it being an application."""
    system: str = ""
    """What the operating system has of it: manager, package and version."""
    index: str = ""
    """The version that pip would take from its index."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What there is of the named targets, by their names; nothing for an uninstall."""

    packages: dict[str, str] = field(default_factory=dict)
    """What the operating system has, in words."""
    releases: dict[str, ProjectMetadata] = field(default_factory=dict)
    """What the index has, as far as pip would take it."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would happen; the JSON document has these very keys."""

    command: tuple[str, ...]
    route: str
    """`pass`, `venv`, `pipx`, `override` or `declined`."""
    reason: str
    steps: tuple[tuple[str, ...], ...]
    """Each a command as its words."""
    environment: str | None = None
    """Folder of the environment that the steps would change."""
    project: str | None = None
    targets: tuple[ExplainedTarget, ...] = ()
    hint: str = ""
    index_problem: str = ""
    """Why the index told no version; empty where it told one."""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the words after the verb."""
    parser = argparse.ArgumentParser(
        "pip guard explain", description=SUMMARY, usage="%(prog)s [--json] PIP-COMMAND ..."
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="PIP-COMMAND")
    return parser


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Print the explanation of the command line in `words`."""
    options = make_parser().parse_args(words)
    argv = options.command[1:] if options.command[:1] in (["pip"], ["pip3"]) else options.command
    # No pip knows it (23.0 to 26.3), so at the end it is ours, too.
    wants_json = options.json or argv[-1:] == ["--json"]
    argv = argv[:-1] if argv[-1:] == ["--json"] else argv
    asked = replace(caller, argv=tuple(argv))
    real_pip = real_pip or locate_module_pip(caller)
    command = read_as_newest(asked, real_pip, read_command(asked, real_pip))
    explanation = _mask(explain(asked, real_pip, command))
    if wants_json:
        write_document(asdict(explanation))
    else:
        write_output(format_words(explanation))
    return 0


def explain(caller: Caller, real_pip: RealPip | None, command: PipCommand) -> Explanation:
    """Return what would happen: `pass` where the real pip is left alone, else the decision."""
    followed = (
        None if is_switched_off(caller.environ) else choose_follow_up(caller, real_pip, command)
    )
    if followed and followed.plan:
        path = followed.environment.path
        reason = f"{command.subcommand} is about the packages where they went"
        return Explanation(command.argv, "venv", reason, followed.plan.list_commands(), path)
    passing = _find_reason_to_pass(caller, real_pip, command)
    if passing:
        words = ((*real_pip.command, *command.argv),) if real_pip else ()
        return Explanation(command.argv, "pass", passing, words)
    wait = ask_for_offers(caller, real_pip, command)
    decision = decide(caller, real_pip, command)
    return describe(decision, wait())


def describe(decision: Decision, offers: Offers) -> Explanation:
    """Return a decision as it is printed."""
    route, plan = decision.route, decision.plan
    problems = {release.problem for release in offers.releases.values()}
    return Explanation(
        decision.command.argv,
        plan.route,
        route.reason,
        plan.list_commands(),
        plan.environment,
        decision.surroundings.project,
        tuple(_describe_target(judged, offers) for judged in decision.targets),
        route.hint if isinstance(route, Declined) else "",
        problems.pop() if len(problems) == 1 else "",
    )


def ask_for_offers(
    caller: Caller, real_pip: RealPip | None, command: PipCommand
) -> Callable[[], Offers]:
    """Begin to ask the operating system and the index what they have; return a way to wait.

    Both are asked at once, for all names together, while it is decided what they are. Raises
    `BadSetting` for a setting that is not accepted.
    """
    targets = [read_target(text, caller.directory) for text in command.arguments]
    named = [target for target in targets if target.kind == "name"]
    if command.subcommand != "install" or not named:
        return Offers
    settings, surroundings = discover(caller, command)
    base = locate_base(caller, real_pip)
    environment = surroundings.place.environment
    tools = gather_tools(caller, real_pip, base, environment)
    names = [target.name for target in named]
    interpreter = choose_pip_interpreter(tools, environment)
    wait_for_index = start_asking_versions(caller, interpreter, tools.bundled_pip, command, names)
    manager = choose_manager(caller, settings, base).manager
    packages: dict[str, str] = {}

    def ask_package_manager() -> None:
        packages.update(describe_packages(manager, named, caller) if manager else {})

    asking = Thread(target=ask_package_manager, daemon=True)
    asking.start()

    def wait() -> Offers:
        asking.join()
        return Offers(packages, wait_for_index())

    return wait


def _describe_target(judged: JudgedTarget, offers: Offers) -> ExplainedTarget:
    target, found = judged.target, judged.classification
    release = offers.releases.get(target.name)
    shown = ExplainedTarget(
        target.text,
        target.name,
        "either",
        "it makes no difference here",
        system=offers.packages.get(target.name, ""),
        index=release.version if release else "",
    )
    if found is None:
        return shown
    return replace(
        shown,
        kind="plugin" if judged.plugs_into else found.kind,
        reason=found.reason,
        certainty=found.certainty,
        evidence=tuple((point.weight, point.text) for point in found.evidence),
    )


def _mask(explanation: Explanation) -> Explanation:
    """Return it without passwords; what it is computed from must have them."""
    return replace(
        explanation,
        command=tuple(map(mask_secrets, explanation.command)),
        reason=mask_secrets(explanation.reason),
        steps=tuple(tuple(map(mask_secrets, words)) for words in explanation.steps),
        targets=tuple(
            replace(target, requirement=mask_secrets(target.requirement))
            for target in explanation.targets
        ),
    )


def format_words(explanation: Explanation) -> str:
    """Return the explanation for people."""
    lines = [f"{explanation.route}: {explanation.reason or 'a library'}"]
    lines += [f"hint: {explanation.hint}"] if explanation.hint else []
    lines += [f"environment: {explanation.environment}"] if explanation.environment else []
    for target in explanation.targets:
        lines.append(f"{target.requirement}: {_describe_judgment(target)}")
        offers = (target.system, f"the index has {target.index}" if target.index else "")
        lines += [f"  {offer}" for offer in offers if offer]
        lines += [f"  {weight:+d} {text}" for weight, text in target.evidence]
    lines += [explanation.index_problem] if explanation.index_problem else []
    lines += [f"$ {shlex.join(words)}" for words in explanation.steps]
    return "".join(f"{show_plainly(line)}\n" for line in lines)


def _describe_judgment(target: ExplainedTarget) -> str:
    if not target.evidence:
        return target.reason
    total = sum(weight for weight, _ in target.evidence)
    if target.certainty not in {"weighed", "doubtful"}:
        return f"{target.kind}, known by heart" if target.certainty == "known" else target.kind
    words = f"{target.kind}: {total} points, {APPLICATION_SCORE} make an application"
    return f"{words}; on a terminal you are asked" if target.certainty == "doubtful" else words


def _find_reason_to_pass(caller: Caller, real_pip: RealPip | None, command: PipCommand) -> str:
    """Return why the real pip is left alone, empty when it would refuse."""
    if is_switched_off(caller.environ) or read_settings(caller.environ, None).route == "off":
        return "pipguard is switched off"
    if command.error:
        return f"pip does not accept this: {command.error}"
    if command.exempt_from_refusal:
        return "pip does not look for the marker in this command"
    if real_pip is None:
        return ""
    if not can_refuse(real_pip, command.argv):
        return "this pip's interpreter is not externally managed"
    if not would_refuse(caller, real_pip, command):
        return "pip does not refuse here"
    return ""
