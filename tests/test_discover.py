"""Where the project is, and which environment serves it."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from harness.callers import as_user, make_caller
from harness.running import needs_git, run_command

from pipguard.caller import Caller
from pipguard.discover import (
    Place,
    discover,
    discover_surroundings,
    find_project,
    name_manager,
)
from pipguard.errors import BadSetting
from pipguard.pip.command_line import parse_command
from pipguard.settings import Settings


def lay_environment(path: Path) -> Path:
    """An environment that is just enough: its interpreter is this test's own Python."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (path / "lib" / name / "site-packages").mkdir(parents=True)
    (path / "bin").mkdir()
    (path / "bin/python").symlink_to(sys.executable)
    (path / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).parent}\n")
    return path


def find_place(caller: Caller, settings: Settings | None = None) -> Place:
    return discover_surroundings(caller, settings or Settings(), find_project(caller)).place


@pytest.fixture
def caller(project: Path, home: Path) -> Caller:
    return make_caller(project, home, XDG_DATA_HOME=str(home / "data"))


# The project's root


@pytest.mark.parametrize(
    "sign",
    [
        "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "requirements-dev.txt",
        "requirements_test.txt", "Pipfile", "manage.py", ".git", ".venv",
    ],
)  # fmt: skip
def test_a_sign_makes_a_root(caller: Caller, project: Path, sign: str) -> None:
    (project / sign).touch()
    inside = project / "a/b"
    inside.mkdir(parents=True)
    assert find_project(replace(caller, directory=str(inside))) == (str(project), True)


@pytest.mark.parametrize("name", ["requirements.in", "my-requirements.txt", "setup.toml", "venv"])
def test_other_files_do_not(caller: Caller, project: Path, name: str) -> None:
    (project / name).touch()
    inside = project / "inside"
    inside.mkdir()
    assert find_project(replace(caller, directory=str(inside))) == (str(inside), False)


def test_the_nearest_root_wins(caller: Caller, project: Path) -> None:
    inner = project / "inner/deep"
    inner.mkdir(parents=True)
    (project / ".git").mkdir()
    (project / "inner/setup.py").touch()
    assert find_project(replace(caller, directory=str(inner))) == (str(project / "inner"), True)


def test_without_any_sign_the_current_folder(caller: Caller, project: Path) -> None:
    assert find_project(caller) == (str(project), False)


def test_home_is_no_project_and_not_crossed(caller: Caller, home: Path) -> None:
    (home / ".git").mkdir()
    (home / "requirements.txt").touch()
    (home.parent / "pyproject.toml").touch()
    inside = home / "work"
    inside.mkdir()
    assert find_project(replace(caller, directory=str(home))) == (None, False)
    assert find_project(replace(caller, directory=str(inside))) == (str(inside), False)
    (home.parent / "pyproject.toml").unlink()


def test_the_top_is_no_project(caller: Caller) -> None:
    assert find_project(replace(caller, directory="/")) == (None, False)


def test_a_folder_that_everybody_may_write_to_is_no_project(caller: Caller, project: Path) -> None:
    (project / "setup.py").touch()
    inside = project / "inside"
    inside.mkdir()
    project.chmod(0o777)
    assert find_project(caller) == (None, False)
    assert find_project(replace(caller, directory=str(inside))) == (str(inside), False)


def test_a_folder_of_somebody_elses_is_no_project(caller: Caller, project: Path) -> None:
    (project / "setup.py").touch()
    assert find_project(as_user(caller, os.geteuid() + 1)) == (None, False)
    assert find_project(as_user(caller, None)) == (str(project), True)


def test_a_folder_that_is_gone_is_no_project(caller: Caller, tmp_path: Path) -> None:
    assert find_project(replace(caller, directory=str(tmp_path / "gone"))) == (None, False)


def test_the_output_of_this_very_command_is_no_sign(caller: Caller, project: Path) -> None:
    path = project / "requirements.txt"
    path.touch()
    status = path.stat()
    writing = replace(caller, new_output=(status.st_dev, status.st_ino))
    assert find_project(writing) == (str(project), False)
    assert find_project(caller) == (str(project), True)


# The environment


def test_a_new_one_in_the_root(caller: Caller, project: Path) -> None:
    (project / "setup.py").touch()
    inside = project / "inside"
    inside.mkdir()
    place = find_place(replace(caller, directory=str(inside)))
    assert (place.origin, place.environment.path) == ("project", f"{project}/.venv")
    assert place.environment.state == "absent"


@pytest.mark.parametrize("name", [".venv", "venv", "env"])
def test_one_that_is_there_is_used(caller: Caller, project: Path, name: str) -> None:
    lay_environment(project / name)
    environment = find_place(caller).environment
    assert (environment.path, environment.state) == (f"{project}/{name}", "usable")
    assert environment.version == sys.version_info[:2]


def test_the_usual_name_comes_first(caller: Caller, project: Path) -> None:
    for name in ("env", "venv"):
        lay_environment(project / name)
    assert find_place(caller).environment.path == f"{project}/venv"
    # It stands in the way of a new one, so it is looked at, whatever it is.
    (project / ".venv").write_text("not an environment")
    place = find_place(caller)
    assert (place.environment.path, place.environment.state) == (f"{project}/.venv", "broken")


def test_a_folder_env_that_is_none_is_left_alone(caller: Caller, project: Path) -> None:
    (project / "env").mkdir()
    (project / "env/settings.ini").touch()
    assert find_place(caller).environment.path == f"{project}/.venv"


def test_a_file_that_names_the_environment(caller: Caller, project: Path, tmp_path: Path) -> None:
    target = lay_environment(tmp_path / "elsewhere")
    (project / ".venv").write_text(f"{target}\n")
    place = find_place(caller)
    assert (place.environment.path, place.environment.state) == (str(target), "usable")
    target.chmod(0o777)
    assert find_place(caller).environment.state == "untrusted"


def test_nothing_of_an_untrusted_one_runs(caller: Caller, project: Path, tmp_path: Path) -> None:
    path = lay_environment(project / ".venv")
    (path / "bin/python").unlink()
    ran = tmp_path / "ran"
    (path / "bin/python").write_text(f"#!/bin/sh\ntouch {ran}\necho 3 13\n")
    (path / "bin/python").chmod(0o755)
    assert find_place(caller).environment.state in {"usable", "broken"}
    assert ran.exists()
    ran.unlink()
    path.chmod(0o777)
    assert find_place(caller).environment.problem == "it can be written to by everybody"
    assert not ran.exists()


@needs_git
def test_one_that_is_tracked_by_git_is_not_trusted(
    caller: Caller, project: Path, home: Path
) -> None:
    path = lay_environment(project / ".venv")
    assert run_command(["git", "init", "-q"], project).status == 0
    assert find_place(caller).environment.state == "usable"
    assert run_command(["git", "add", "-f", ".venv/pyvenv.cfg"], project).status == 0
    environment = find_place(caller).environment
    assert environment.state == "untrusted"
    assert "tracked in version control" in environment.problem
    assert run_command(["git", "rm", "-q", "--cached", "-f", path / "pyvenv.cfg"], project)
    assert find_place(caller).environment.state == "usable"


def test_the_chosen_one(caller: Caller, project: Path, tmp_path: Path) -> None:
    assert find_place(caller, Settings(venv="mine")).environment.path == f"{project}/mine"
    elsewhere = str(tmp_path / "elsewhere")
    assert find_place(caller, Settings(venv=elsewhere)).environment.path == elsewhere
    # An absolute one serves where there is no project, a relative one has nothing to start from.
    nowhere = replace(caller, directory="/")
    assert find_place(nowhere, Settings(venv=elsewhere)).environment.path == elsewhere
    assert find_place(nowhere, Settings(venv="mine")).origin == "personal"


@pytest.mark.parametrize("chosen", [".", "a/..", "..", "../..", "/"])
def test_the_projects_own_place_cannot_be_chosen(caller: Caller, chosen: str) -> None:
    with pytest.raises(BadSetting, match="the project itself lies in it"):
        find_place(caller, Settings(venv=chosen))


def test_an_active_one_always_wins(caller: Caller, project: Path, tmp_path: Path) -> None:
    lay_environment(project / ".venv")
    active = lay_environment(tmp_path / "active")
    environ = {**caller.environ, "VIRTUAL_ENV": str(active)}
    place = find_place(replace(caller, environ=environ), Settings(venv="mine"))
    assert (place.origin, place.environment.path) == ("active", str(active))
    conda = {**environ, "CONDA_PREFIX": str(tmp_path)}
    assert find_place(replace(caller, environ=conda)).origin == "active"


def test_a_relative_active_one_starts_from_the_callers_folder(
    caller: Caller, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_environment(project / "mine")
    monkeypatch.chdir("/")
    environ = {**caller.environ, "VIRTUAL_ENV": "mine"}
    place = find_place(replace(caller, environ=environ))
    assert (place.environment.path, place.environment.state) == (f"{project}/mine", "usable")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        ("nothing", "it does not exist"),
        ("empty", "it is empty"),
        ("unfinished", "the run that made it was killed"),
        ("no interpreter", "is gone"),
    ],
)
def test_a_broken_active_one_is_named(
    caller: Caller, tmp_path: Path, make: str, problem: str
) -> None:
    active = tmp_path / "active"
    if make == "empty":
        active.mkdir()
    elif make != "nothing":
        lay_environment(active)
        (active / "bin/python").unlink()
        if make == "unfinished":
            (active / ".pipguard-unfinished").touch()
    environ = {**caller.environ, "VIRTUAL_ENV": str(active)}
    place = find_place(replace(caller, environ=environ))
    assert (place.origin, place.environment.state) == ("active", "broken")
    assert problem in place.environment.problem


def test_conda(caller: Caller, tmp_path: Path) -> None:
    conda = lay_environment(tmp_path / "conda")
    (conda / "conda-meta").mkdir()
    environ = {**caller.environ, "CONDA_PREFIX": str(conda)}
    place = find_place(replace(caller, environ=environ))
    assert (place.origin, place.environment.path) == ("conda", str(conda))
    environ["CONDA_PREFIX"] = str(tmp_path / "missing")
    assert find_place(replace(caller, environ=environ)).origin == "project"


@pytest.mark.parametrize("where", ["home", "/"])
def test_outside_projects_the_personal_one(caller: Caller, home: Path, where: str) -> None:
    directory = str(home) if where == "home" else where
    place = find_place(replace(caller, directory=directory))
    assert place.origin == "personal"
    assert place.environment.path == f"{home}/data/pipguard/personal"
    assert place.reason.endswith("is no project")
    assert ("home folder" in place.reason) is (where == "home")


# Who manages the interpreter


@pytest.mark.parametrize(
    ("interpreter", "marker", "manager"),
    [
        ("/opt/homebrew/bin/python3", "", "Homebrew"),
        ("/home/linuxbrew/.linuxbrew/Cellar/python@3.13/bin/python3.13", "", "Homebrew"),
        ("/srv/cpython-3.13/bin/python", "This Python installation is managed by uv and", "uv"),
        ("/nix/store/abc-python3/bin/python3", "", "Nix"),
        ("/srv/own/bin/python3", "", "Its distributor"),
        (None, "", "Its distributor"),
    ],
)
def test_the_manager_has_a_name(interpreter: str | None, marker: str, manager: str) -> None:
    assert name_manager(interpreter, marker) == manager


# The project that the command names


@pytest.fixture
def workspace(caller: Caller, project: Path) -> Path:
    """A folder of two projects, which is none itself."""
    for name in ("app", "other"):
        (project / name / "src").mkdir(parents=True)
        (project / name / "pyproject.toml").touch()
        (project / name / "requirements.txt").touch()
    (project / "loose.txt").touch()
    return project


@pytest.mark.parametrize(
    ("line", "root"),
    [
        (["-r", "app/requirements.txt"], "app"),
        (["-r", "app/requirements.txt", "six"], "app"),
        (["-e", "app[test]"], "app"),
        (["./app/src"], "app"),
        (["--group", "app/pyproject.toml:test"], "app"),
        (["--requirements-from-script", "app/src/x.py"], "app"),
        (["-r", "app/requirements.txt", "-e", "./app"], "app"),
        (["-r", "app/requirements.txt", "-e", "other"], ""),
        (["-r", "app/requirements.txt", "-r", "loose.txt"], ""),
        (["-r", "https://host/app/requirements.txt"], ""),
        (["-e", "git+https://host/app"], ""),
        (["-r", "missing/requirements.txt"], ""),
        (["six"], ""),
    ],
)
def test_outside_projects_the_files_of_the_command_tell(
    caller: Caller, workspace: Path, line: list[str], root: str
) -> None:
    _, surroundings = discover(caller, parse_command(("install", *line)))
    expected = workspace / root / ".venv"
    assert surroundings.place.environment.path == str(expected)
    assert surroundings.place.reason == ("where its files are" if root else "")


def test_an_uninstall_agrees(caller: Caller, workspace: Path) -> None:
    words = ("uninstall", "-y", "-r", "app/requirements.txt")
    _, surroundings = discover(caller, parse_command(words))
    assert surroundings.place.environment.path == str(workspace / "app/.venv")


def test_inside_a_project_its_own_environment_is_the_place(caller: Caller, workspace: Path) -> None:
    inside = replace(caller, directory=str(workspace / "app"))
    words = ("install", "-r", "../other/requirements.txt")
    _, surroundings = discover(inside, parse_command(words))
    assert surroundings.place.environment.path == str(workspace / "app/.venv")


def test_from_home_too(caller: Caller, home: Path) -> None:
    (home / "app").mkdir()
    (home / "app/requirements.txt").touch()
    words = ("install", "-r", "app/requirements.txt")
    _, surroundings = discover(replace(caller, directory=str(home)), parse_command(words))
    assert surroundings.place.environment.path == str(home / "app/.venv")


# A folder inside a project


@pytest.mark.parametrize(
    ("sign", "has_environment", "is_outer"),
    [
        ("requirements.txt", True, True),
        ("requirements.txt", False, False),
        ("pyproject.toml", True, False),
        ("setup.py", True, False),
    ],
)
def test_a_folder_of_requirements_alone_belongs_to_the_project_around_it(
    caller: Caller, project: Path, sign: str, has_environment: bool, is_outer: bool
) -> None:
    (project / "pyproject.toml").touch()
    if has_environment:
        lay_environment(project / ".venv")
    docs = project / "docs"
    docs.mkdir()
    (docs / sign).touch()
    _, surroundings = discover(replace(caller, directory=str(docs)))
    root = project if is_outer else docs
    assert surroundings.project == str(root)
    assert surroundings.place.environment.path == str(root / ".venv")
    assert surroundings.place.reason == ("the project around it" if is_outer else "")


def test_a_folder_with_an_environment_of_its_own_is_a_project(
    caller: Caller, project: Path
) -> None:
    (project / "pyproject.toml").touch()
    lay_environment(project / ".venv")
    (project / "docs").mkdir()
    (project / "docs/requirements.txt").touch()
    lay_environment(project / "docs/.venv")
    _, surroundings = discover(replace(caller, directory=str(project / "docs")))
    assert surroundings.place.environment.path == str(project / "docs/.venv")
