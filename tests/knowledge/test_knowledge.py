"""The data files are what a reader expects of them, and finding a name in them is right."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipguard import knowledge
from pipguard.knowledge import (
    commands_of_dependencies,
    find_known,
    find_package_name,
    find_project_of_module,
    is_package_of_another,
    matches_pattern,
    normalise_name,
)

FOLDER = Path(knowledge.__file__).parent
NAME_FILES = tuple(knowledge.FILES)


def read_entries(file: str) -> list[tuple[str, str]]:
    lines = (FOLDER / file).read_text(encoding="utf-8").splitlines()
    entries = [line.split("\t") for line in lines if not line.startswith("#")]
    return [(entry[0], entry[1]) for entry in entries]


@pytest.mark.parametrize("file", [*NAME_FILES, knowledge.PATTERNS])
def test_every_line_is_a_name_and_a_reason_with_witnesses_after_it(file: str) -> None:
    text = (FOLDER / file).read_text(encoding="utf-8")
    assert text.endswith("\n")
    for line in text.splitlines():
        assert line.startswith("#") or (line.count("\t") in (1, 2) and all(line.split("\t"))), line
        assert line.isprintable() or "\t" in line


@pytest.mark.parametrize("file", [*NAME_FILES, knowledge.PATTERNS])
def test_entries_are_sorted_unique_and_normalised(file: str) -> None:
    names = [name for name, _ in read_entries(file)]
    assert names == sorted(set(names))
    for name in names:
        assert normalise_name(name.replace("*", "x")) == name.replace("*", "x")
        assert name.count("*") == (file == knowledge.PATTERNS)


def test_no_name_is_in_two_files() -> None:
    seen: dict[str, str] = {}
    for file in NAME_FILES:
        for name, _ in read_entries(file):
            assert name not in seen, f"{name} is in {seen.get(name)} and {file}"
            seen[name] = file


def test_applications_without_commands_of_their_own_are_known() -> None:
    names = [name for name, _ in read_entries("dependency_commands.txt")]
    assert names == sorted(set(names))
    assert set(names) == commands_of_dependencies()
    assert {"ansible", "colcon-common-extensions", "gitlint"} <= set(names)
    assert all(find_known(name) for name in names)


@pytest.mark.parametrize(
    ("name", "module", "project"),
    [
        ("cv2", "cv2", "opencv-python"),
        ("mysqldb", "MySQLdb", "mysqlclient"),
        ("rest-framework", "rest_framework", "djangorestframework"),
        ("pyserial", "", ""),
        ("docker", "", ""),
        ("no-such-name", "", ""),
        ("", "", ""),
    ],
)
def test_which_project_a_module_is_of(name: str, module: str, project: str) -> None:
    assert find_project_of_module(name) == (module, project)


def test_there_are_hundreds_of_names() -> None:
    assert len(read_entries("applications.txt")) > 1500
    assert len(read_entries("libraries.txt")) > 2000
    assert len(read_entries("project_tools.txt")) > 250


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("httpie", "application"),
        ("Yt_Dlp", "application"),
        ("ansible", "application"),
        ("httpx", "library"),
        ("tqdm", "library"),
        ("pytest", "library"),
        ("Flask.SQLAlchemy", "library"),
        ("pytest-anything-at-all", "library"),
        ("types-nobody-made", "library"),
        ("jupyter-repo2docker", "application"),
        ("azure-cli", "application"),
        ("azure-identity", "library"),
        ("python-openstackclient", "application"),
        ("python-nobodysclient", "library"),
        ("octodns", "library"),
        ("some-vendors-sdk", "library"),
    ],
)
def test_known_names(name: str, kind: str) -> None:
    known = find_known(name)
    assert known is not None
    assert known.kind == kind
    assert known.reason


def test_witnesses_are_not_told_to_users() -> None:
    known = find_known("httpie")
    assert known is not None
    assert known.reason == "an application (web command)"
    assert find_package_name("debian_packages.txt", "pyserial") == "python3-serial"
    assert is_package_of_another("debian_packages.txt", "python3-serial")
    assert not is_package_of_another("debian_packages.txt", "holds")


@pytest.mark.parametrize("name", ["", "-", "#", "no-such-project-4711", "tpie", "a\tb", "*"])
def test_unknown_names(name: str) -> None:
    assert find_known(name) is None


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("pytest-cov", "pytest-*", True),
        ("pytest-", "pytest-*", False),
        ("xpytest-cov", "pytest-*", False),
        ("lxml-stubs", "*-stubs", True),
        ("-stubs", "*-stubs", False),
        ("aba", "ab*ba", False),
    ],
)
def test_patterns(name: str, pattern: str, expected: bool) -> None:
    assert matches_pattern(name, pattern) is expected


def test_data_files_are_beside_the_code() -> None:
    assert {"applications.txt", "libraries.txt"} <= set(os.listdir(FOLDER))
