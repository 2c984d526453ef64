"""Decides whether a project is a library (to `.venv`) or an application (to pipx), and says why.

In: a project's name, the user's statements, the project's metadata if somebody has read it.
Out: a `Classification` with every piece of evidence and its weight.
Never asks an index, never prompts. A project in doubt is a library, because in `.venv` an
application still runs, while a library in pipx cannot be imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipguard.knowledge import find_known, normalise_name
from pipguard.system.frozen import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal

    from pipguard.classification.metadata import ProjectMetadata
    from pipguard.knowledge import Kind

    Certainty = Literal["said", "known", "weighed", "doubtful", "unanswered"]
    """How it is known: from the user, by heart, from metadata, hardly from metadata, not at all."""

# From this score on, a project that ships commands is an application; below it and above zero is
# doubt. A library in pipx is the costly mistake, so no single weight but the strongest suffices.
APPLICATION_SCORE: Final = 5


@dataclass(frozen=True, slots=True)
class Point:
    """One piece of evidence: positive for an application, negative for a library."""

    weight: int
    text: str


@dataclass(frozen=True, slots=True)
class Classification:
    """What a project is, the reason in one short clause, and all the evidence."""

    name: str
    kind: Kind
    reason: str
    certainty: Certainty = "weighed"
    evidence: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Statements:
    """What the user and the project's own files say about names; it goes before all else."""

    applications: frozenset[str] = frozenset()
    libraries: frozenset[str] = frozenset()
    named_by_project: Mapping[str, str] = field(default_factory=dict)
    """Names and the file that each is required in; they are libraries here."""
    imported_by_project: Mapping[str, str] = field(default_factory=dict)
    """Names and the file of the project that imports each; they are libraries here."""
    answers: Mapping[str, Kind] = field(default_factory=dict)
    """What the user said when asked."""
    answers_path: str = ""
    """Where that is written down."""


_NO_STATEMENTS: Final = Statements()


def make_statements(applications: Iterable[str] = (), libraries: Iterable[str] = ()) -> Statements:
    """Collect the names of the settings, in any spelling."""
    return Statements(
        frozenset(map(normalise_name, applications)), frozenset(map(normalise_name, libraries))
    )


def classify_known(name: str, statements: Statements = _NO_STATEMENTS) -> Classification | None:
    """Decide by the user's word and by known names alone; None means that metadata is needed."""
    wanted = normalise_name(name)
    if wanted in statements.libraries:
        return _settle(name, "library", "a library, as the settings say", "said")
    if wanted in statements.applications:
        return _settle(name, "application", "an application, as the settings say", "said")
    if wanted in statements.named_by_project:
        return _settle(name, "library", f"named in {statements.named_by_project[wanted]}", "said")
    if wanted in statements.imported_by_project:
        file = statements.imported_by_project[wanted]
        return _settle(name, "library", f"`{file}` imports it", "said")
    if wanted in statements.answers:
        kind = statements.answers[wanted]
        what = "an application" if kind == "application" else "a library"
        where = f" ({statements.answers_path})" if statements.answers_path else ""
        return _settle(name, kind, f"{what}, as you answered{where}", "said")
    known = find_known(wanted)
    return _settle(name, known.kind, known.reason, "known") if known else None


def classify_requirement(
    name: str, metadata: ProjectMetadata | None = None, statements: Statements = _NO_STATEMENTS
) -> Classification:
    """Decide by the user's statements, then known names, then metadata; else it is in doubt."""
    known = classify_known(name, statements)
    if known:
        return known
    if metadata is None:
        return _doubt(name, "nothing is known about it")
    if metadata.problem:
        return _doubt(name, metadata.problem)
    return classify_metadata(name, metadata)


def classify_metadata(name: str, metadata: ProjectMetadata) -> Classification:
    """Weigh the metadata alone."""
    from pipguard.classification.signals import list_commands, weigh_metadata

    commands = list_commands(metadata)
    if metadata.are_scripts_known and not commands:
        return _settle(name, "library", "ships no command", "weighed")
    points = tuple(Point(weight, text) for weight, text in weigh_metadata(name, metadata))
    score = sum(point.weight for point in points)
    # That no command is known is no evidence of one: what only sounds like a program is in doubt.
    is_application = score >= APPLICATION_SCORE and metadata.are_scripts_known
    kind: Kind = "application" if is_application else "library"
    certainty: Certainty = "doubtful" if score > 0 and not is_application else "weighed"
    reason = _describe(kind, points, commands)
    if certainty == "doubtful":
        reason = "not clearly an application"
    return Classification(name, kind, reason, certainty, points)


def _settle(name: str, kind: Kind, reason: str, certainty: Certainty) -> Classification:
    weight = 100 if kind == "application" else -100
    return Classification(name, kind, reason, certainty, (Point(weight, reason),))


def _doubt(name: str, problem: str) -> Classification:
    reason = f"in doubt, because {problem}"
    return Classification(name, "library", reason, "unanswered", (Point(0, problem),))


def _describe(kind: Kind, points: tuple[Point, ...], commands: tuple[str, ...]) -> str:
    sign = 1 if kind == "application" else -1
    ranked = sorted((p for p in points if p.weight * sign > 0), key=lambda p: -abs(p.weight))
    texts = [point.text.partition(" (")[0] for point in ranked]
    telling = list(dict.fromkeys(text for text in texts if not text.startswith("ships")))
    if kind == "library":
        return " and ".join(telling[:2]) or "not clearly an application"
    shown = [f"ships the command `{commands[0]}`"] if commands else []
    return " and ".join([*shown, *telling[: 2 - len(shown)]])
