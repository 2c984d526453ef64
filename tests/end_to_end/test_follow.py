"""Follow-up commands: they speak about the place where the packages went."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from harness.managed import ManagedPython
from harness.running import RunPipguard, RunPipguardOnTerminal, run_command
from harness.wheels import PackageIndex

from pipguard.environments.nearby import may_follow


def pip_of(environment: Path, *words: str) -> bytes:
    """What the environment's own pip says."""
    return run_command([environment / "bin" / "python", "-m", "pip", *words]).stdout


def test_answers_as_the_environments_own_pip(shopping: Path, run_pipguard: RunPipguard) -> None:
    for words in (
        ["list", "--format=freeze"],
        ["-q", "list"],
        ["freeze"],
        ["show", "tinylib"],
        ["check"],
        ["list", "--not-required"],
    ):
        result = run_pipguard(words)
        expected = (0, pip_of(shopping / ".venv", *words), "")
        assert (result.status, result.stdout, result.err) == expected


def test_inspects_the_environment(shopping: Path, run_pipguard: RunPipguard) -> None:
    found = json.loads(run_pipguard(["inspect"]).out)
    assert "tinylib" in {one["metadata"]["name"] for one in found["installed"]}


def test_uninstalls_what_was_installed(shopping: Path, run_pipguard: RunPipguard) -> None:
    assert run_pipguard(["uninstall", "-y", "tinylib"]).status == 0
    assert run_pipguard(["freeze"]).out == ""


def test_works_from_a_folder_inside(shopping: Path, run_pipguard: RunPipguard) -> None:
    inside = shopping / "source" / "deep"
    inside.mkdir(parents=True)
    assert run_pipguard(["freeze"], cwd=inside).out == "tinylib==2.0\n"


def test_freezes_into_a_file_that_makes_its_folder_look_like_a_project(
    shopping: Path, pipguard_command: Path
) -> None:
    inside = shopping / "source"
    inside.mkdir()
    run_command(["sh", "-c", '"$0" freeze > requirements.txt', pipguard_command], inside)
    assert (inside / "requirements.txt").read_text() == "tinylib==2.0\n"


def test_words_that_name_a_place_mean_it(
    shopping: Path, run_pipguard: RunPipguard, managed_python: ManagedPython
) -> None:
    for words in (["list", "--path", "."], ["list", "--user"], ["freeze", "--user"], ["--version"]):
        own = run_command([managed_python.pip, *words])
        result = run_pipguard(words)
        assert (result.status, result.stdout) == (own.status, own.stdout)


def test_python_option_means_the_python_it_names(
    shopping: Path, run_pipguard: RunPipguard, managed_python: ManagedPython
) -> None:
    words = ["--python", str(managed_python.python), "list"]
    assert "tinylib" not in run_pipguard(words).out


def test_left_to_pip_where_installs_are(shopping: Path, run_pipguard: RunPipguard) -> None:
    for name, value in (
        ("PIPGUARD", "off"),
        ("PIPGUARD_ROUTE", "off"),
        ("PIPGUARD_ROUTE", "override"),
        ("PIP_BREAK_SYSTEM_PACKAGES", "1"),
    ):
        assert "tinylib" not in run_pipguard(["list"], env={name: value}).out


def test_left_to_pip_that_was_told_to_break_packages_in_a_file(
    shopping: Path, run_pipguard: RunPipguard, home: Path
) -> None:
    (home / "pip.conf").write_text("[install]\nbreak-system-packages = true\n")
    env = {"PIP_CONFIG_FILE": str(home / "pip.conf")}
    assert "tinylib" not in run_pipguard(["list"], env=env).out


def test_left_to_pip_outside_any_project(
    shopping: Path, run_pipguard: RunPipguard, managed_python: ManagedPython, home: Path
) -> None:
    for folder in (Path("/"), home, shopping.parent):
        own = run_command([managed_python.pip, "list"], folder)
        assert run_pipguard(["list"], cwd=folder).stdout == own.stdout


def test_follows_to_the_personal_environment_from_home(
    home: Path,
    run_pipguard: RunPipguard,
    managed_python: ManagedPython,
    use_stand_ins: PackageIndex,
) -> None:
    assert run_pipguard(["install", "tinylib"], cwd=home).status == 0
    assert run_pipguard(["freeze"], cwd=home).out == "tinylib==2.0\n"


def test_an_active_environment_without_pip_is_asked_through_the_real_pip(
    shopping: Path, run_pipguard: RunPipguard, managed_python: ManagedPython, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    managed_python.run("-m", "venv", "--without-pip", bare)
    result = run_pipguard(["list", "--format=freeze"], env={"VIRTUAL_ENV": str(bare)})
    assert (result.status, result.out) == (0, "")


def test_shows_an_application_in_pipx(
    project: Path,
    run_pipguard: RunPipguard,
    managed_python: ManagedPython,
    use_stand_ins: PackageIndex,
) -> None:
    assert run_pipguard(["install", "pycowsay"]).status == 0
    result = run_pipguard(["show", "pycowsay"])
    assert result.status == 0, result.err
    assert result.out.startswith("Name: pycowsay\n")
    assert "/pycowsay/lib/" in result.out


def test_names_the_environment_on_a_terminal(
    shopping: Path, run_pipguard_on_terminal: RunPipguardOnTerminal
) -> None:
    shown = run_pipguard_on_terminal(["freeze"]).out
    assert "\x1b[2mpipguard:\x1b[0m this is about the project's environment .venv\r\n" in shown
    assert shown.count("pipguard:") == 1
    assert "pipguard:" not in run_pipguard_on_terminal(["-q", "freeze"]).out


def test_a_broken_environment_is_named_and_pip_answers(
    shopping: Path,
    run_pipguard_on_terminal: RunPipguardOnTerminal,
    run_pipguard: RunPipguard,
    managed_python: ManagedPython,
) -> None:
    for link in (shopping / ".venv" / "bin").glob("python*"):
        link.unlink()
    assert (
        "pipguard:\x1b[0m .venv is not used: its interpreter"
        in run_pipguard_on_terminal(["list"]).out
    )
    assert run_pipguard(["list"]).stdout == run_command([managed_python.pip, "list"]).stdout


def test_nothing_of_an_environment_that_everybody_may_write_to_runs(
    shopping: Path, run_pipguard: RunPipguard
) -> None:
    python = shopping / ".venv" / "bin" / "python"
    python.unlink()
    python.write_text(f"#!/bin/sh\ntouch {shopping}/ran\n")
    python.chmod(0o755)
    (shopping / ".venv").chmod(0o777)
    run_pipguard(["list"])
    assert not (shopping / "ran").exists()


def test_explains_where_a_question_goes(shopping: Path, run_pipguard: RunPipguard) -> None:
    told = json.loads(run_pipguard(["guard", "explain", "--json", "list"]).out)
    assert (told["route"], told["environment"]) == ("venv", str(shopping / ".venv"))


@pytest.mark.parametrize("words", [["download", "x"], ["install", "x"], [], ["config", "get", "x"]])
def test_other_words_are_no_question(words: list[str], tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    assert not may_follow(words, {}, str(tmp_path))


def test_a_question_is_open_only_near_an_environment(tmp_path: Path, home: Path) -> None:
    environ = {"HOME": str(home)}
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    assert not may_follow(["list"], environ, str(inside))
    assert may_follow(["list"], {**environ, "VIRTUAL_ENV": "/x"}, str(inside))
    (tmp_path / ".venv").mkdir()
    assert may_follow(["list"], environ, str(inside))
    assert not may_follow(["list"], {**environ, "HOME": os.devnull}, "/")
