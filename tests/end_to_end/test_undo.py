"""`pip guard undo` on real environments and a real pipx: exactly back, or nothing touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest
from harness.managed import ManagedPython
from harness.running import Environment, RunPipguard, RunPipguardOnTerminal
from harness.wheels import PackageIndex, library, write_source_project

from pipguard.environments.distributions import list_distributions

pytestmark = [pytest.mark.usefixtures("managed_python", "use_stand_ins")]

Packages = dict[str, str]


class Run(Protocol):
    """Run pipguard; returns what it says on stdout, or on stderr where it is to fail."""

    def __call__(self, *words: str, env: Environment | None = None, status: int = 0) -> str:
        """Run it; any other status fails the test."""


@pytest.fixture
def run(run_pipguard: RunPipguard) -> Run:
    """Run pipguard in a row of commands that must all succeed; returns what they say."""

    def run_well(*words: str, env: Environment | None = None, status: int = 0) -> str:
        result = run_pipguard(words, env=env)
        assert result.status == status, result.err + result.out
        return result.err if status else result.out

    return run_well


def held(environment: Path) -> Packages:
    found = list_distributions(str(environment))
    return {name: v for name, v in found.items() if name not in {"pip", "setuptools", "wheel"}}


def last_id(run: Run) -> str:
    identifier: str = json.loads(run("guard", "log", "--json"))[-1]["id"]
    return identifier


def test_an_environment_that_was_made_goes_and_comes_back(run: Run, project: Path) -> None:
    run("install", "six==1.15.0", "tinylib")
    assert "undone" in run("guard", "undo")
    assert list(project.iterdir()) == []
    run("guard", "undo", last_id(run))
    assert held(project / ".venv") == {"six": "1.15.0", "tinylib": "2.0"}
    run("guard", "undo")
    assert list(project.iterdir()) == []


def test_only_what_the_command_did_is_reversed(run: Run, project: Path) -> None:
    run("install", "six==1.15.0")
    run("install", "tinyneeds")
    run("install", "--upgrade", "six")
    assert held(project / ".venv")["six"] == "1.16.0"
    run("guard", "undo")
    assert held(project / ".venv") == {"six": "1.15.0", "tinylib": "1.0", "tinyneeds": "1.0"}
    run("guard", "undo")
    assert held(project / ".venv") == {"six": "1.15.0"}
    run("guard", "undo")
    assert list(project.iterdir()) == []
    assert "there is nothing to undo" in run("guard", "undo", status=1)


def test_an_uninstall_is_reversed(run: Run, project: Path) -> None:
    run("install", "tinylib<2", "six")
    run("uninstall", "-y", "tinylib")
    run("guard", "undo")
    assert held(project / ".venv") == {"six": "1.16.0", "tinylib": "1.0"}


def test_an_editable_project_comes_back_as_one(
    run: Run, project: Path, use_stand_ins: PackageIndex, tmp_path: Path
) -> None:
    source = write_source_project(library("mine"), tmp_path / "mine")
    (project / "requirements.txt").touch()  # or the editable project would be the place
    run("install", "-e", str(source))
    run("uninstall", "-y", "mine")
    run("guard", "undo")
    (entry,) = json.loads(run("guard", "log", "--json"))[-1]["changes"]
    assert entry["after"]["words"] == ["--editable", source.as_uri()]
    assert held(project / ".venv") == {"mine": "1.0"}


def test_what_came_later_keeps_the_environment(run: Run, project: Path) -> None:
    run("install", "six")
    first = last_id(run)
    run("install", "tinylib")
    run("guard", "undo", first)
    assert held(project / ".venv") == {"tinylib": "2.0"}
    assert (project / ".venv/bin/pip").exists()


def test_a_change_by_hand_since_is_said_and_stops_it(run: Run, project: Path) -> None:
    run("install", "six==1.15.0")
    first = last_id(run)
    run("install", "--upgrade", "six")
    said = run("guard", "undo", first, status=1)
    assert "six was 1.15.0" in said
    assert "is 1.16.0 now" in said
    assert held(project / ".venv") == {"six": "1.16.0"}
    run("guard", "undo", first, "--force")
    assert held(project / ".venv") == {}


def test_a_version_that_is_gone_is_said_before_anything_is_touched(
    run: Run, project: Path, package_index: PackageIndex
) -> None:
    package_index.add(library("six", "1.15.0"), library("six", "1.16.0"), library("tinyextra"))
    there = {"PIP_INDEX_URL": package_index.url, "PIP_NO_CACHE_DIR": "1"}
    run("install", "six==1.15.0", env=there)
    run("install", "--upgrade", "six", "tinyextra", env=there)
    (package_index.folder / "simple/six/index.html").unlink()
    shutil.rmtree(project / ".venv/.pipguard/former")
    said = run("guard", "undo", env=there, status=1)
    assert "nothing was changed: six==1.15.0 is no longer available" in said
    assert held(project / ".venv") == {"six": "1.16.0", "tinyextra": "1.0"}


def test_a_dry_run_says_it_and_does_nothing(run: Run, project: Path) -> None:
    run("install", "six")
    assert run("guard", "undo", "--dry-run") == f"remove {project / '.venv'}\n"
    assert held(project / ".venv") == {"six": "1.16.0"}


def test_an_environment_that_was_removed_by_hand(run: Run, project: Path, home: Path) -> None:
    run("install", "six")
    (project / ".venv").rename(home / "gone")
    assert "nothing changed" in run("guard", "undo")
    assert "there is nothing to undo" in run("guard", "undo", status=1)


def test_ids_that_do_not_help(run: Run, project: Path) -> None:
    assert "is not in the log" in run("guard", "undo", "ffff", status=1)
    run("install", "six")
    run("install", "six")
    assert "changed nothing" in run("guard", "undo", last_id(run), status=1)
    assert "undone" in run("guard", "undo")


def test_applications_go_back_through_pipx(run: Run, home: Path, project: Path) -> None:
    program = home / ".local/bin/pycowsay"
    run("install", "pycowsay==0.0.0.1")
    run("install", "--upgrade", "pycowsay==0.0.0.2")
    run("guard", "undo")
    environments = home / "xdg-data/pipx/venvs"
    assert held(environments / "pycowsay") == {"pycowsay": "0.0.0.1"}
    run("uninstall", "-y", "pycowsay")
    assert not program.exists()
    run("guard", "undo")
    assert program.exists()
    assert held(environments / "pycowsay") == {"pycowsay": "0.0.0.1"}
    run("guard", "undo")
    assert not program.exists()


def test_the_log_is_a_table_without_passwords(run: Run, project: Path) -> None:
    run("install", "--extra-index-url", "https://me:secret@127.0.0.1:9/", "--retries=0", "six")
    table = run("guard", "log")
    assert "secret" not in table
    assert str(project) in table
    assert "+six 1.16.0" in table


def test_a_managed_python_that_is_gone(
    run: Run, project: Path, managed_python: ManagedPython
) -> None:
    run("install", "six")
    for name in ("pip", "pip3"):
        (managed_python.commands / name).unlink()
    run("guard", "undo")
    assert list(project.iterdir()) == []


def test_files_of_the_users_own_stop_the_removal(run: Run, project: Path) -> None:
    run("install", "six")
    own = project / ".venv/data/f"
    own.parent.mkdir()
    own.write_text("mine")
    said = run("guard", "undo", status=1)
    assert "holds files of your own: data/f" in said
    assert own.read_text() == "mine"
    run("guard", "undo", "--force")
    assert list(project.iterdir()) == []


def test_undo_twice_goes_back_two_commands(run: Run, home: Path) -> None:
    for words in (
        ("install", "pycowsay==0.0.0.1"), ("install", "-U", "pycowsay==0.0.0.2"),
        ("uninstall", "-y", "pycowsay"),
    ):  # fmt: skip
        run(*words)
    run("guard", "undo")
    run("guard", "undo")
    entry = json.loads(run("guard", "log", "--json"))[-1]
    assert [change["after"]["version"] for change in entry["changes"]] == ["0.0.0.1"]


def test_an_install_in_the_active_environment_is_undone(run: Run, project: Path) -> None:
    run("install", "tinylib")
    environment = project / ".venv"
    active = {"VIRTUAL_ENV": str(environment), "PATH": f"{environment}/bin:{os.environ['PATH']}"}
    said = run("install", "six==1.15.0", env=active)
    assert "Successfully installed six-1.15.0" in said
    run("install", "--upgrade", "six", env=active)
    assert held(environment) == {"six": "1.16.0", "tinylib": "2.0"}
    run("guard", "undo")
    assert held(environment) == {"six": "1.15.0", "tinylib": "2.0"}
    run("guard", "undo", env=active)
    assert held(environment) == {"tinylib": "2.0"}
    run("uninstall", "-y", "tinylib", env=active)
    run("guard", "undo", env=active)
    assert held(environment) == {"tinylib": "2.0"}


def test_what_fails_in_an_active_environment_is_pips(
    run_pipguard: RunPipguard, run: Run, project: Path
) -> None:
    run("install", "tinylib")
    environment = project / ".venv"
    active = {"VIRTUAL_ENV": str(environment), "PATH": f"{environment}/bin:{os.environ['PATH']}"}
    for words in (["install", "no-such-project"], ["install", "--no-such-option"], ["install"]):
        done = run_pipguard(words, env=active)
        off = run_pipguard(words, env={**active, "PIPGUARD": "off"})
        assert (done.status, done.out, done.err) == (off.status, off.out, off.err)


def test_an_environment_of_somebody_elses_making_is_left_alone(
    run_pipguard: RunPipguard, project: Path, managed_python: ManagedPython
) -> None:
    environment = project / "mine"
    words = [sys.executable, "-I", "-m", "virtualenv", "-q", str(environment)]
    subprocess.run(words, check=True)
    active = {"VIRTUAL_ENV": str(environment), "PATH": f"{environment}/bin:{os.environ['PATH']}"}
    assert run_pipguard(["install", "six"], env=active).status == 0
    assert run_pipguard(["guard", "log", "--json"]).out == "[]\n"
    assert not (environment / ".pipguard").exists()


def test_without_an_id_it_means_this_project(run_pipguard: RunPipguard, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name / "src").mkdir(parents=True)
        (tmp_path / name / "pyproject.toml").touch()
    for name in ("a", "b"):
        run_pipguard(["install", "tinylib"], cwd=tmp_path / name)
    done = run_pipguard(["guard", "undo"], cwd=tmp_path / "a" / "src")
    assert done.status == 0, done.err
    assert not (tmp_path / "a" / ".venv").exists()
    assert (tmp_path / "b" / ".venv").exists()
    done = run_pipguard(["guard", "undo"], cwd=tmp_path / "c")
    assert done.status == 1
    assert f"there is nothing to undo in {tmp_path}/c" in done.err
    assert f"`pipguard install tinylib` in {tmp_path}/b: `pip guard undo" in done.err
    assert (tmp_path / "b" / ".venv").exists()


@pytest.mark.parametrize("answer", [b"y\n", b"\n"])
def test_on_a_terminal_it_asks_about_elsewhere(
    run_pipguard: RunPipguard,
    run_pipguard_on_terminal: RunPipguardOnTerminal,
    tmp_path: Path,
    answer: bytes,
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").touch()
    run_pipguard(["install", "tinylib"], cwd=tmp_path / "a")
    question = (b"not here: undo it? [y/N]", answer)
    done = run_pipguard_on_terminal(["guard", "undo"], cwd=tmp_path / "b", answers=[question])
    assert (tmp_path / "a" / ".venv").exists() is (answer == b"\n")
    assert done.status == (1 if answer == b"\n" else 0)
