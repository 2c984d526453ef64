"""`.venv` files lead to an environment, or say for what they are why they do not (PEP 832)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipguard.environments.pointers import (
    describe_pointer,
    find_pointer,
    read_pointer,
    recall_pointer,
    write_pointer,
)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "pyvenv.cfg").touch()
    return folder


@pytest.mark.parametrize("text", ["../elsewhere", "../elsewhere\n", "{}\n", "  {} \r\n"])
def test_one_line_leads_to_an_environment(project: Path, environment: Path, text: str) -> None:
    (project / ".venv").write_text(text.format(environment), newline="")
    assert read_pointer(str(project / ".venv")) == str(environment)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"/nowhere/at all\n", "leads to /nowhere/at all, and nothing is there"),
        (b"/etc\n", "leads to /etc, which is no environment"),
        (b".venv\n", "leads to itself"),
        (b"a\nb\n", "several lines"),
        (b"\x1b[31mx\n", "control characters"),
        (b"x\x00y\n", "control characters"),
        (b"\xff\xfe\n", "not UTF-8"),
    ],
)
def test_what_leads_nowhere_is_said_for_what_it_is(
    project: Path, content: bytes, said: str
) -> None:
    path = project / ".venv"
    path.write_bytes(content)
    assert read_pointer(str(path)) == ""
    assert said in describe_pointer(str(path))


def test_what_is_no_file_is_never_opened(project: Path) -> None:
    os.mkfifo(project / ".venv")
    assert read_pointer(str(project / ".venv")) == ""
    assert "neither a folder nor a file" in describe_pointer(str(project / ".venv"))


def test_what_is_there_stays(project: Path, environment: Path) -> None:
    (project / ".venv").write_text("mine\n")
    assert not write_pointer(str(project / ".venv"), str(environment))
    assert (project / ".venv").read_text() == "mine\n"


def test_what_was_written_is_found_again_while_it_leads_there(
    project: Path, environment: Path
) -> None:
    path = str(project / ".venv")
    assert write_pointer(path, str(environment))
    assert read_pointer(path) == str(environment)
    assert find_pointer(str(environment)) == path
    (project / ".venv").write_text("other\n")
    assert find_pointer(str(environment)) == ""
    assert recall_pointer(str(environment)) == path
