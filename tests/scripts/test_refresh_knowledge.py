"""Witnesses are what the sources say, and a line that they overrule is a fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from debian_projects import Package, ShippedProject
from refresh_knowledge import (
    TABLE,
    WITNESSES,
    Entry,
    Line,
    Sources,
    find_candidates,
    find_faults,
    find_opponents,
    find_packages,
    is_same_project,
    parse_lines,
    read_index,
    refresh_line,
)

from pipguard.knowledge import FILES

KNOWLEDGE = Path(__file__).parents[2] / "pipguard" / "knowledge"
HTTPIE = ShippedProject(
    ("httpie",), "3.2.4", "CLI, cURL-like tool for humans", ("httpie",), True, 0
)
MODULE = ShippedProject(("python3-thing",), "1.2", "parser of blue things", (), False, 7)
ON_INDEX = {
    "httpie": Entry("3.2.4", "HTTPie: modern, user-friendly command-line HTTP client"),
    "thing": Entry("1.9", "Parses things that are blue"),
    "oz": Entry("1.2.0", "A batteries-included web framework built on Tornado"),
}
SHIPPED = {
    "httpie": HTTPIE,
    "thing": MODULE,
    "oz": ShippedProject(("oz",), "0.17.0", "Install virtual machine guest OSs", ("oz",), True, 0),
}
PACKAGES = {
    project.packages[0]: Package(project.packages[0], "source", project.description, ("python3",))
    for project in SHIPPED.values()
}
SOURCES = Sources(SHIPPED, PACKAGES, ON_INDEX)


@pytest.mark.parametrize("file", FILES)
def test_no_line_stands_against_its_witnesses(file: str) -> None:
    _, lines = parse_lines((KNOWLEDGE / file).read_text(encoding="utf-8"))
    assert [line for line in lines if find_opponents(file, line)] == []


@pytest.mark.parametrize("file", [*FILES, TABLE])
def test_every_witness_is_one_that_the_help_explains(file: str) -> None:
    text = (KNOWLEDGE / file).read_text(encoding="utf-8")
    comments, lines = parse_lines(text)
    assert {word for line in lines for word in line.witnesses} <= set(WITNESSES)
    assert "".join([*comments, *(line.format() for line in lines)]) == text


def test_witnesses_are_what_debian_and_the_summary_say() -> None:
    line = refresh_line("applications.txt", Line("httpie", "web command"), SOURCES)
    assert line.witnesses[:2] == ("program", "commands")
    line = refresh_line("libraries.txt", Line("thing", "library"), SOURCES)
    assert line.witnesses == ("module", "no-commands", "required", "says-library")


def test_debians_project_of_the_same_name_is_no_witness_for_another() -> None:
    assert not is_same_project("oz", SHIPPED["oz"], ON_INDEX["oz"])
    line = refresh_line("applications.txt", Line("oz", "x", ("program", "reviewed")), SOURCES)
    assert set(line.witnesses).isdisjoint({"program", "commands"})
    assert "reviewed" in line.witnesses


@pytest.mark.parametrize(
    ("debian", "index", "expected"),
    [
        ("4.10.1", "4.11.1", True),
        ("1.2", "1.2.5", True),
        ("1.2+dfsg1", "1.2", True),
        ("1.2", "1.3", False),
        ("20251108", "1.2.2", False),
        ("1", "1", False),
        ("", "", False),
    ],
)
def test_versions_that_are_near_are_a_second_witness(
    debian: str, index: str, expected: bool
) -> None:
    shipped = ShippedProject(("oz",), debian, "", (), False, 0)
    assert is_same_project("oz", shipped, Entry(index)) is expected


@pytest.mark.parametrize("index", [None, {"thing": Entry(), "oz": Entry()}])
def test_what_the_index_does_not_tell_stays_and_debian_is_asked_again(
    index: dict[str, Entry] | None,
) -> None:
    sources = Sources(SHIPPED, PACKAGES, index)
    line = Line("thing", "library", ("program", "commands", "says-library"))
    expected = ("module", "no-commands", "required", "says-library")
    assert refresh_line("libraries.txt", line, sources).witnesses == expected
    unknown = Line("oz", "library")
    assert refresh_line("libraries.txt", unknown, sources) == unknown


@pytest.mark.parametrize(
    ("file", "witnesses", "expected"),
    [
        ("applications.txt", "module required", True),
        ("applications.txt", "module required reviewed", False),
        ("applications.txt", "program required", False),
        ("applications.txt", "program no-commands", True),
        ("libraries.txt", "program says-program", True),
        ("libraries.txt", "program commands says-library", False),
        ("project_tools.txt", "program commands says-program", False),
    ],
)
def test_one_witness_against_a_line_is_not_enough(
    file: str, witnesses: str, expected: bool
) -> None:
    line = Line("thing", "what it is", tuple(witnesses.split()))
    assert bool([*find_faults(file, line, SOURCES)]) is expected


def test_a_name_that_the_index_does_not_have_is_a_fault_for_which_there_is_no_excuse() -> None:
    line = Line("gone", "library", ("reviewed",))
    assert [*find_faults("libraries.txt", line, SOURCES)]
    assert not [*find_faults("libraries.txt", line, Sources(SHIPPED, PACKAGES))]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (Line("oz", "oz"), "nothing shows"),
        (Line("oz", "oz", ("reviewed",)), ""),
        (Line("httpie", "httpie"), ""),
        (Line("thing", "python3-other"), "there is no package"),
        (Line("thing", "python3-thing"), ""),
    ],
)
def test_a_package_is_shown_to_be_the_project(line: Line, expected: str) -> None:
    said = " ".join(find_faults(TABLE, refresh_line(TABLE, line, SOURCES), SOURCES))
    assert expected in said
    assert bool(expected) is bool(said)


@pytest.mark.parametrize(
    ("description", "requires", "expected"),
    [
        ("automatic SQL injection tool", "python3", True),
        ("automatic SQL injection tool", "libc6", False),
        ("automatic something", "python3", False),
        ("hex editor", "python3", False),
    ],
)
def test_a_program_without_metadata_is_known_by_python_and_two_words(
    description: str, requires: str, expected: bool
) -> None:
    packages = {"sqlmap": Package("sqlmap", "sqlmap", description, (requires,))}
    index = {"sqlmap": Entry("1.8", "Automatic SQL injection and database takeover tool")}
    found = find_packages({"sqlmap": "applications.txt"}, Sources({}, packages, index))
    assert [line.said for line in found] == ["sqlmap"] * expected


def test_a_module_of_the_usual_name_needs_no_line_of_its_own() -> None:
    known = {"thing": "libraries.txt", "oz": "applications.txt", "httpie": "applications.txt"}
    assert [line.name for line in find_packages(known, SOURCES)] == ["httpie"]


def test_programs_that_are_unknown_here_are_named() -> None:
    name = "no-such-project-4711"
    entry = Entry("1.0", "A command-line tool that downloads things")
    shipped = ShippedProject((name,), "1.0", "", (name,), True, 0)
    sources = Sources({name: shipped}, {}, {name: entry})
    assert [*find_candidates(sources)] == [(name, entry.summary)]
    assert not [*find_candidates(Sources({name: shipped}, {}, {}))]


def test_the_index_is_a_page_of_names_or_a_table(tmp_path: Path) -> None:
    page, table = tmp_path / "page.json", tmp_path / "table.tsv"
    page.write_text(json.dumps({"projects": [{"name": "Zope.Proxy"}]}), encoding="utf-8")
    table.write_text('name\tversion\tsummary\nZope.Proxy\t1.0\tsays "proxy\n', encoding="utf-8")
    assert read_index(page) == {"zope-proxy": Entry()}
    assert read_index(table) == {"zope-proxy": Entry("1.0", 'says "proxy')}
