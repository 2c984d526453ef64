"""The user's word goes before knowledge, knowledge before metadata, and doubt is a library."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipguard.classification.metadata import ProjectMetadata
from pipguard.classification.rules import (
    APPLICATION_SCORE,
    classify_known,
    classify_metadata,
    classify_requirement,
    make_statements,
)
from pipguard.classification.signals import find_first_paragraph
from pipguard.knowledge import read_requirement_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.knowledge import Kind

DOWNLOADER = ProjectMetadata(
    name="frobnicate",
    summary="Download frobs from the command line",
    classifiers=("Environment :: Console", "Intended Audience :: End Users/Desktop"),
    modules=("frobnicate",),
    console_scripts=(("frobnicate", "frobnicate.cli:main"),),
)
PARSER = ProjectMetadata(
    name="frobparse",
    summary="A Python library for parsing frobs",
    classifiers=("Topic :: Software Development :: Libraries",),
    modules=("frobparse",),
    console_scripts=(("frobparse", "frobparse.__main__:main"),),
)


def test_an_application_and_why() -> None:
    found = classify_requirement("frobnicate", DOWNLOADER)
    assert (found.kind, found.certainty) == ("application", "weighed")
    assert found.reason == (
        "ships the command `frobnicate` and is described as a command-line program"
    )
    assert sum(point.weight for point in found.evidence) >= APPLICATION_SCORE


def test_a_library_with_a_command_and_why() -> None:
    found = classify_requirement("frobparse", PARSER)
    assert (found.kind, found.certainty) == ("library", "weighed")
    assert found.reason == "is described as a library and is described as a part for code"


def test_no_command_is_a_library_whatever_the_words_say() -> None:
    found = classify_requirement("frobnicate", replace(DOWNLOADER, console_scripts=()))
    assert (found.kind, found.reason) == ("library", "ships no command")


def test_words_alone_are_in_doubt_where_commands_are_unknown() -> None:
    unknown = replace(DOWNLOADER, console_scripts=(), are_scripts_known=False)
    found = classify_requirement("frobnicate", unknown)
    assert (found.kind, found.certainty) == ("library", "doubtful")
    found = classify_requirement("frobparse", replace(PARSER, are_scripts_known=False))
    assert (found.kind, found.certainty) == ("library", "weighed")


@pytest.mark.parametrize(
    ("name", "summary", "commands", "kind"),
    [
        ("frob-lsp", "A language server for Frob", "frob-lsp", "application"),
        ("berrystress", "Stress tests for the Raspberry Pi", "berrystress-run berrystress-plot",
         "application"),
        ("djfrob", "Django template indenter", "djfrob", "application"),
        ("frobbar", "Fast progress meter", "frobbar", "library"),
        ("frobgen", "Code generator for Frob", "frobgen", "library"),
        ("frobserial", "Serial port access", "frobserial-ports frobserial-term", "library"),
    ],
)  # fmt: skip
def test_kinds_of_programs(name: str, summary: str, commands: str, kind: str) -> None:
    scripts = tuple((command, f"{name.replace('-', '_')}.main:run") for command in commands.split())
    classifiers = ("Environment :: Console", "Topic :: Utilities")
    found = ProjectMetadata(
        name, "1", summary, classifiers=classifiers, console_scripts=scripts, modules=("frobs",)
    )
    assert classify_requirement(name, found).kind == kind


def test_the_users_word_beats_knowledge_and_metadata() -> None:
    word = make_statements(applications=["Frob_Parse"], libraries=["httpie"])
    assert classify_requirement("frob-parse", PARSER, word).kind == "application"
    assert classify_requirement("HTTPie", None, word).kind == "library"
    both = make_statements(applications=["x"], libraries=["x"])
    assert classify_requirement("x", None, both).kind == "library"


def test_a_name_in_the_projects_own_files_is_a_library() -> None:
    mentions = {"black": "pyproject.toml"}
    found = classify_requirement(
        "black", None, replace(make_statements(), named_by_project=mentions)
    )
    assert (found.kind, found.reason) == ("library", "named in pyproject.toml")
    assert classify_requirement("black").kind == "application"
    settings = replace(make_statements(applications=["black"]), named_by_project=mentions)
    assert classify_requirement("black", None, settings).kind == "application"


def test_an_answer_counts_unless_settings_or_project_say_otherwise() -> None:
    answers: dict[str, Kind] = {"zz-frob": "application", "httpie": "library"}
    word = replace(make_statements(), answers=answers, answers_path="/a")
    assert classify_requirement("zz_frob", PARSER, word).kind == "application"
    found = classify_requirement("httpie", None, word)
    assert (found.kind, found.reason) == ("library", "a library, as you answered (/a)")
    named = replace(word, named_by_project={"zz-frob": "Pipfile"})
    assert classify_requirement("zz-frob", None, named).kind == "library"
    settings = replace(word, applications=frozenset({"httpie"}))
    assert classify_requirement("httpie", None, settings).kind == "application"


def test_knowledge_beats_metadata() -> None:
    assert classify_requirement("httpx", DOWNLOADER).kind == "library"


def test_nothing_known_is_doubt() -> None:
    found = classify_requirement("no-such-project-4711")
    assert (found.kind, found.certainty) == ("library", "unanswered")
    assert classify_known("no-such-project-4711") is None


def test_a_problem_is_the_reason_of_a_doubt() -> None:
    problem = ProjectMetadata(problem="the package index did not answer in time")
    found = classify_requirement("no-such-project-4711", problem)
    assert (found.kind, found.certainty) == ("library", "unanswered")
    assert found.reason == "in doubt, because the package index did not answer in time"


def score_of(name: str, metadata: ProjectMetadata) -> int:
    """What all the signs weigh together."""
    return sum(point.weight for point in classify_metadata(name, metadata).evidence)


def test_a_weak_case_is_doubtful() -> None:
    weak = ProjectMetadata(
        name="frob", modules=("frob",), console_scripts=(("frob", "frob.cli:main"),)
    )
    found = classify_metadata("frob", weak)
    assert (found.kind, found.certainty) == ("library", "doubtful")
    assert found.reason == "not clearly an application"


def test_a_word_outside_the_summary_is_mostly_about_something_else() -> None:
    shown = replace(DOWNLOADER, keywords="api parser framework plugin")
    assert score_of("frobnicate", shown) == score_of("frobnicate", DOWNLOADER)
    said = replace(DOWNLOADER, summary="Download frobs: a framework with a parser and an api")
    assert score_of("frobnicate", said) < score_of("frobnicate", DOWNLOADER)


def test_a_command_that_stands_in_the_name_is_like_it() -> None:
    synchroniser = ProjectMetadata(
        name="betterfrobsync",
        summary="A tool to synchronize frobs",
        modules=("sync",),
        console_scripts=(("frobsync", "sync.cli:main"),),
    )
    assert classify_metadata("betterfrobsync", synchroniser).kind == "application"
    other = replace(synchroniser, console_scripts=(("thing", "sync.cli:main"),))
    assert score_of("betterfrobsync", other) < score_of("betterfrobsync", synchroniser)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (
            {"legacy_scripts": ("frobc",), "modules": (), "summary": "A wrapper for frobc"},
            "application",
        ),
        ({"gui_scripts": (("frobs", "frob.gui:main"),), "summary": "Draw frobs"}, "application"),
        ({"console_scripts": (("frob-check", "frob:m"),), "summary": "Frobs made easy"}, "library"),
        (
            {"console_scripts": (("frob", "frob:m"),), "summary": "Frobs", "extras": ("cli",)},
            "library",
        ),
        ({"console_scripts": (("frob", "frob:m"),), "summary": "Pythonic frobs"}, "library"),
        ({"console_scripts": (("frob", "frob:m"),), "summary": "Test runner for frobs"}, "library"),
        ({"console_scripts": (("frob", "frob:m"),), "summary": "Convert frobs"}, "application"),
        (
            {"console_scripts": (("frob", "frob:m"),), "dependencies": ("textual>=1",)},
            "application",
        ),
        ({"console_scripts": (("frob", "frob:m"),), "dependencies": ("pytest",)}, "library"),
        (
            {"console_scripts": (("frob", "frob.cmdline:m"),), "summary": "Convert frobs"},
            "application",
        ),
        (
            {"console_scripts": (("frob", "frob.cmdline.a:m"),), "summary": "Convert frobs"},
            "library",
        ),
        ({"console_scripts": (("frob", "frob.tools:m"),), "summary": "Convert frobs"}, "library"),
        (
            {"console_scripts": (("frob", "frob:m"),), "classifiers": ("Framework :: Django",)},
            "library",
        ),
    ],
)
def test_single_signs(change: dict[str, object], kind: str) -> None:
    metadata = replace(ProjectMetadata(name="frob", modules=("frob",)), **change)  # type: ignore[arg-type]
    assert classify_metadata("frob", metadata).kind == kind


FROB = ProjectMetadata(name="frob", modules=("frob",), console_scripts=(("frob", "frob.x:main"),))


@pytest.mark.parametrize(
    ("summary", "kind"),
    [
        ("A command line interface for frobs", "application"),
        ("An interface for frobs", "library"),
        ("A formatter for Python", "application"),
        ("Frobs for Python", "library"),
        ("A tool to download frobs", "application"),
        ("Frobs for command line applications", "library"),
        ("A framework for frobs", "library"),
        ("A framework for finding vulnerabilities in frobs", "application"),
        ("Frobs all movies in your library", "application"),
        ("A library of frobs", "library"),
    ],
)
def test_what_a_program_is_outweighs_what_it_is_for(summary: str, kind: str) -> None:
    assert classify_metadata("frob", replace(FROB, summary=summary)).kind == kind


def test_a_phrase_is_explained_once() -> None:
    found = classify_metadata("frob", replace(FROB, summary="Frobs for command line applications"))
    assert [point.text for point in found.evidence if "described" in point.text] == [
        "is described as a framework (command line applications)"
    ]


def test_the_address_of_a_link_says_nothing() -> None:
    linked = replace(FROB, description="Frob frobs, see [it](https://example.org/library/django).")
    plain = replace(FROB, description="Frob frobs, see it.")
    assert classify_metadata("frob", linked).evidence == classify_metadata("frob", plain).evidence


def test_plugins_of_its_own_and_for_others() -> None:
    own = classify_metadata("frob", replace(FROB, entry_point_groups=("frob.plugins",)))
    other = classify_metadata("frob", replace(FROB, entry_point_groups=("pytest11",)))
    assert own.kind == "application"
    assert other.kind == "library"


def test_compiled_files_without_modules_are_no_program() -> None:
    bare = ProjectMetadata(name="frob", legacy_scripts=("frob-config",))
    assert classify_metadata("frob", bare).kind == "application"
    assert classify_metadata("frob", replace(bare, is_compiled=True)).kind == "library"


def test_the_readme_counts() -> None:
    plain = ProjectMetadata(
        name="frob", modules=("frob",), console_scripts=(("fr", "frob:m"),), summary="Frobs"
    )
    assert classify_metadata("frob", plain).kind == "library"
    readme = "# Frob\n\nInstall it:\n\n    pipx install frob\n"
    assert classify_metadata("frob", replace(plain, description=readme)).kind == "application"
    code = readme + "\n>>> import frob\n"
    assert classify_metadata("frob", replace(plain, description=code)).kind == "library"


def test_the_first_paragraph_is_prose() -> None:
    readme = (
        "Frob\n====\n\n[![badge](x)](y)\n\nFrob is a library that frobs the frobs of frobbers.\n"
    )
    assert find_first_paragraph(readme + "More.\n\nOther") == (
        "Frob is a library that frobs the frobs of frobbers. More."
    )


def test_an_optional_dependency_does_not_count() -> None:
    metadata = ProjectMetadata(
        name="frob",
        summary="Convert frobs",
        modules=("frob",),
        console_scripts=(("frob", "frob:m"),),
        dependencies=("pytest ; extra == 'test'",),
    )
    assert classify_metadata("frob", metadata).kind == "application"


def test_hostile_texts_are_only_texts() -> None:
    for text in (
        "",
        "\x1b[31m",
        "library " * 5000,
        "\udcff",
        "\N{MATHEMATICAL BOLD FRAKTUR CAPITAL L}ibrary",
    ):
        metadata = replace(DOWNLOADER, summary=text, keywords=text, description=text)
        assert classify_metadata("frobnicate", metadata).kind in {"library", "application"}


@pytest.mark.parametrize(
    ("requirement", "name"),
    [("Click>=8", "click"), ("rich-click ~=1", "rich-click"), ("a", "a"), ("", "")],
)
def test_requirement_names(requirement: str, name: str) -> None:
    assert read_requirement_name(requirement) == name
