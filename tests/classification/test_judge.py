"""What is asked of the index, and what comes of an interpreter that cannot ask."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.callers import make_caller

from pipguard.classification.judge import start_asking_versions
from pipguard.pip.command_line import parse_command


@pytest.mark.parametrize("interpreter", ["/nowhere/python3", "/bin/true"])
def test_a_python_that_cannot_ask_is_no_answer(tmp_path: Path, interpreter: str) -> None:
    command = parse_command(("install", "six"))
    wait = start_asking_versions(make_caller(tmp_path), interpreter, "", command, ["six"])
    assert wait() == {}
