"""What pip would end at before it installs anything; for that no environment is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.callers import make_caller

from pipguard.classification.obstacles import find_obstacle
from pipguard.classification.targets import read_target
from pipguard.pip.command_line import parse_command


def find(project: Path, *words: str, subcommand: str = "install") -> str:
    command = parse_command((subcommand, *words))
    targets = tuple(read_target(text, str(project)) for text in command.arguments)
    return find_obstacle(command, targets, make_caller(project))


@pytest.mark.parametrize(
    ("text", "obstacle"),
    [
        ("six\n", ""),
        ("-e .\n", ""),
        ("-r more.txt\n", ""),
        ("-r gone.txt\n", "gone.txt cannot be read"),
        ("six\n-c gone.txt\n", "gone.txt cannot be read"),
        ("", "r.txt asks for nothing"),
        ("# only words\n\n", "r.txt asks for nothing"),
        ("--index-url https://host/simple\n", "r.txt asks for nothing"),
        ("-r https://host/more.txt\n", ""),
        ("--no-such-option\n", ""),
    ],
)
def test_requirements_files(project: Path, text: str, obstacle: str) -> None:
    (project / "pyproject.toml").touch()
    (project / "more.txt").write_text("six\n")
    (project / "r.txt").write_text(text)
    assert find(project, "-r", "r.txt") == obstacle
    assert find(project, "-r", "r.txt", "six") == ("" if "nothing" in obstacle else obstacle)


@pytest.mark.parametrize(
    ("words", "obstacle"),
    [
        (["."], ". is no project: it has no pyproject.toml or setup.py"),
        (["-e", ".[test]"], ".[test] is no project: it has no pyproject.toml or setup.py"),
        (["./app"], ""),
        (["-e", "app"], ""),
        (["*.whl"], "*.whl does not exist"),
        (["dist/x-1.0.tar.gz"], "dist/x-1.0.tar.gz does not exist"),
        (["https://host/x-1.0.tar.gz"], ""),
        (["-e", "git+https://host/x"], ""),
        (["six"], ""),
        (["-r", "gone.txt"], "gone.txt cannot be read"),
        (["-r", "-"], ""),
    ],
)
def test_paths(project: Path, words: list[str], obstacle: str) -> None:
    (project / "app").mkdir()
    (project / "app/setup.py").touch()
    assert find(project, *words) == obstacle


def test_an_uninstall_of_nothing_is_pips(project: Path) -> None:
    (project / "r.txt").touch()
    assert find(project, "-r", "r.txt", subcommand="uninstall") == ""
    assert find(project, "-r", "gone.txt", subcommand="uninstall") == "gone.txt cannot be read"
