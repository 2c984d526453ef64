"""What a word after `install` names, by pip's own order of questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipguard.classification.targets import Target, parse_requirement, read_target


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("package", "six", "a b"):
        (tmp_path / name).mkdir()
    (tmp_path / "tool-1.0.tar.gz").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("six", Target("six", "name", "six")),
        ("Flask_SQLAlchemy", Target("Flask_SQLAlchemy", "name", "flask-sqlalchemy")),
        ("a.B--c", Target("a.B--c", "name", "a-b-c")),
        ("six==1.16.0", Target("six==1.16.0", "name", "six", (), "==1.16.0")),
        ("six >=1, <2", Target("six >=1, <2", "name", "six", (), "<2,>=1")),
        ("a[y,x]", Target("a[y,x]", "name", "a", ("x", "y"))),
        (
            "a; python_version<'3'",
            Target("a; python_version<'3'", "name", "a", marker='python_version < "3"'),
        ),
    ],
)
def test_names(folder: Path, text: str, expected: Target) -> None:
    assert read_target(text, str(folder)) == expected
    assert parse_requirement(text) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://example.org/six-1.0.tar.gz", "six"),
        ("https://example.org/Six_Two-1.0-py3-none-any.whl#sha256=ab", "six-two"),
        ("file:///srv/six-1.0-py3-none-any.whl", "six"),
        ("https://example.org/archive/main.zip", ""),
        ("git+https://example.org/x.git#subdirectory=a&egg=Some_Name[extra]", "some-name"),
        ("git+ssh://git@example.org/x.git@main", ""),
        ("file:///srv/x.whl", ""),
        ("Six @ https://example.org/six.whl", "six"),
    ],
)
def test_addresses(folder: Path, text: str, name: str) -> None:
    target = read_target(text, str(folder))
    assert (target.kind, target.name) == ("url", name)


@pytest.mark.parametrize(
    ("text", "archive"),
    [
        ("six @ https://example.org/six-1.0.tar.gz ; python_version > '3'",
         "https://example.org/six-1.0.tar.gz"),
        ("https://example.org/six-1.0.tar.gz", "https://example.org/six-1.0.tar.gz"),
        ("./six-1.0-py3-none-any.whl[extra]", "./six-1.0-py3-none-any.whl"),
        ("git+https://example.org/x.zip", ""),
        ("https://example.org/page", ""),
        ("six", ""),
    ],
)  # fmt: skip
def test_archives_by_any_address(folder: Path, text: str, archive: str) -> None:
    assert read_target(text, str(folder)).archive == archive


@pytest.mark.parametrize(
    "text", [".", "..", "./package", "package/", "./package[dev]", ".[dev]", "./a b"]
)
def test_folders(folder: Path, text: str) -> None:
    assert read_target(text, str(folder)) == Target(text, "folder")


def test_a_folder_without_a_slash_is_a_name(folder: Path) -> None:
    # So it is for pip: `pip install six` never takes the folder beside it.
    assert read_target("six", str(folder)).kind == "name"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("tool-1.0.tar.gz", "tool"),
        ("./dist/My_Tool-1.0-py3-none-any.whl", "my-tool"),
        ("My.Tool-1.0-py3-none-any.whl[extra]", "my-tool"),
        ("a-b-c-1.0.zip", "a-b-c"),
        ("/srv/X-2.TAR.GZ", "x"),
    ],
)
def test_archives(folder: Path, text: str, name: str) -> None:
    target = read_target(text, str(folder))
    assert (target.kind, target.name) == ("archive", name)


@pytest.mark.parametrize(
    "text",
    ["./missing", "six=1", "", "a b c", "six==", "-", "_", "!", "../nowhere/", "a[", "\udcff", "é"],
)
def test_what_is_nothing(folder: Path, text: str) -> None:
    assert read_target(text, str(folder)) == Target(text, "invalid")


def test_a_requirement_is_parsed_without_a_look_at_the_disk() -> None:
    for text in (".", "/", "./x", "https://example.org/x.whl", "x.whl/"):
        assert parse_requirement(text).kind == "invalid"
