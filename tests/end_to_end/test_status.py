"""`pip guard status`: what is where, for people and for programs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import CHECKOUT
from harness.managed import ManagedPython
from harness.running import Environment, RunPipguard
from harness.wheels import PackageIndex


def read_status(
    run_pipguard: RunPipguard, *names: str, env: Environment | None = None
) -> dict[str, object]:
    """The JSON document."""
    document: dict[str, object] = json.loads(
        run_pipguard(["guard", "status", "--json", *names], env=env).stdout
    )
    return document


def test_says_which_pip_and_python_and_where_things_went(
    project: Path,
    home: Path,
    run_pipguard: RunPipguard,
    managed_python: ManagedPython,
    use_stand_ins: PackageIndex,
) -> None:
    assert run_pipguard(["install", "tinylib"]).status == 0
    assert run_pipguard(["install", "pycowsay"]).status == 0
    assert run_pipguard(["install", "six"], cwd=home).status == 0
    told = read_status(run_pipguard, "TinyLib", "pycowsay", "six", "pip", "nothing")
    assert told["pip_on_path"] == str(managed_python.pip)
    assert told["python_on_path"] == str(managed_python.commands / "python")
    assert told["python"] == str(project / ".venv/bin/python")
    assert told["shell_integration"] is False
    assert told["applications"] == str(home / ".local/bin")
    assert told["applications_on_path"] is True
    found = told["found"]
    assert isinstance(found, dict)
    assert [(one["place"], one["version"]) for one in found["TinyLib"]] == [("environment", "2.0")]
    assert [one["place"] for one in found["six"]] == ["personal"]
    assert {one["place"] for one in found["pip"]} >= {"environment", "system"}
    assert found["nothing"] == []
    (cowsay,) = found["pycowsay"]
    assert (cowsay["place"], cowsay["is_on_path"]) == ("pipx", True)
    assert cowsay["commands"] == [str(home / ".local/bin/pycowsay")]

    path = f"{managed_python.commands}:{home}/nowhere"
    told = read_status(run_pipguard, env={"PATH": path, "PIPGUARD_NOTE": "/n"})
    assert (told["applications_on_path"], told["shell_integration"]) == (False, True)

    words = run_pipguard(["guard", "status", "tinylib", "pycowsay"]).out
    assert f"tinylib 2.0: in the environment {project}/.venv\n" in words
    assert f"  run it with {project}/.venv/bin/python\n" in words
    assert f"  {home}/.local/bin/pycowsay\n" in words
    told_nothing = run_pipguard(["guard", "status", "nothing"])
    assert told_nothing.status == 1
    assert told_nothing.out == "nothing: nowhere that pipguard knows of\n"
    assert "real pip" in run_pipguard(["guard", "status"]).out


def test_log_gives_the_last_outcome_alone(
    project: Path,
    run_pipguard: RunPipguard,
    managed_python: ManagedPython,
    use_stand_ins: PackageIndex,
) -> None:
    for name in ("tinylib", "six"):
        assert run_pipguard(["install", name]).status == 0
    (last,) = json.loads(run_pipguard(["guard", "log", "--json", "-1"]).stdout)
    assert last["command"][-2:] == ["install", "six"]
    assert str(project / ".venv") in json.dumps(last)
    assert len(json.loads(run_pipguard(["guard", "log", "-2", "--json"]).stdout)) == 2


@pytest.mark.usefixtures("managed_python", "use_stand_ins")
def test_the_commands_of_an_environment_are_named(run_pipguard: RunPipguard, project: Path) -> None:
    run_pipguard(["install", "pycowsay"], env={"PIPGUARD_ROUTE": "venv"})
    said = run_pipguard(["guard", "status", "pycowsay"]).out
    assert f"  {project}/.venv/bin/pycowsay (not on PATH)" in said


@pytest.mark.usefixtures("managed_python", "use_stand_ins")
def test_from_home_the_path_works_elsewhere(run_pipguard: RunPipguard, home: Path) -> None:
    said = run_pipguard(["install", "tinylib"], cwd=home).err
    assert "goes to your personal environment ~/xdg-data/pipguard/personal (new)" in said
    assert "`~/xdg-data/pipguard/personal/bin/python`" in said


@pytest.mark.usefixtures("managed_python", "use_stand_ins")
def test_what_pip_put_into_the_users_folder_is_found(
    run_pipguard: RunPipguard, home: Path, managed_python: ManagedPython
) -> None:
    words = ("-m", "pip", "install", "--user", "--break-system-packages", "tinylib")
    assert managed_python.run(*words).status == 0
    done = run_pipguard(["uninstall", "-y", "tinylib"])
    assert done.status == 1
    assert f"`tinylib` is in {home}/.local/lib/" in done.err
    assert "`pip uninstall --break-system-packages tinylib` removes it" in done.err


def test_the_version_is_that_of_the_project(run_pipguard: RunPipguard) -> None:
    (version,) = re.findall(
        r'^version = "(.*)"$', (CHECKOUT / "pyproject.toml").read_text(), re.MULTILINE
    )
    told = run_pipguard(["guard", "--version"])
    assert (told.status, told.out) == (0, f"pipguard {version} from {CHECKOUT / 'pipguard'}\n")
    assert json.loads(run_pipguard(["guard", "status", "--json"]).out)["version"] == version


def test_words_are_not_taken_for_others(run_pipguard: RunPipguard) -> None:
    said = run_pipguard(["guard", "status"]).out
    assert "redirects installs" in said
    assert "environment problem" not in said
