"""What stands at a path where an environment could be; nothing here starts an interpreter."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from pipguard.environments.distributions import list_distributions, list_requirements
from pipguard.environments.inspect import (
    UNFINISHED_NAME,
    Environment,
    inspect_environment,
    interpreter_path,
    is_unfinished,
)


def answer_3_13(command: list[str]) -> bytes:
    assert command[1:3] == ["-I", "-S"]
    return b"3 13\n"


def fail(command: list[str]) -> None:
    return None


def never(command: list[str]) -> bytes:
    raise AssertionError("nothing may be started")


def lay_environment(path: Path, *distributions: str, version: str = "3.13") -> Path:
    site = path / f"lib/python{version}/site-packages"
    site.mkdir(parents=True)
    (path / "bin").mkdir()
    (path / "bin/python").touch()
    (path / "pyvenv.cfg").write_text("home = /usr/bin\n")
    for name in distributions:
        (site / f"{name}.dist-info").mkdir()
    return path


def test_nothing_there(tmp_path: Path) -> None:
    found = inspect_environment(str(tmp_path / ".venv"), never)
    assert found == Environment(str(tmp_path / ".venv"))
    assert found.must_be_made


def test_an_empty_folder(tmp_path: Path) -> None:
    found = inspect_environment(str(tmp_path), never)
    assert (found.state, found.must_be_made) == ("empty", True)


def test_one_that_a_killed_run_left(tmp_path: Path) -> None:
    path = lay_environment(tmp_path / ".venv")
    (path / UNFINISHED_NAME).touch()
    found = inspect_environment(str(path), never)
    assert (found.state, found.must_be_made) == ("unfinished", True)
    (path / "pyvenv.cfg").unlink()
    assert inspect_environment(str(path), never).state == "unfinished"


@pytest.mark.parametrize("has_pip", [True, False])
def test_a_usable_one(tmp_path: Path, has_pip: bool) -> None:
    path = lay_environment(tmp_path / ".venv")
    if has_pip:
        (path / "lib/python3.13/site-packages/pip").mkdir()
    found = inspect_environment(str(path), answer_3_13)
    assert found == Environment(str(path), "usable", "", (3, 13), has_pip)
    assert found.interpreter == f"{path}/bin/python"


def describe_broken(path: Path) -> tuple[str, tuple[str, ...]]:
    found = inspect_environment(str(path), fail)
    assert found.state == "broken"
    assert not found.must_be_made
    return found.problem, found.requirements


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / ".venv").write_text("no path")
    said = f"it is a file that leads to {tmp_path}/no path, and nothing is there"
    assert describe_broken(tmp_path / ".venv") == (said, ())


def test_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path may have about a hundred letters
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(".venv")
        said = "it is neither a folder nor a file"
        assert describe_broken(tmp_path / ".venv") == (said, ())


def test_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to("/nowhere/env")
    problem, _ = describe_broken(tmp_path / ".venv")
    assert problem == "it is a link to /nowhere/env, which is gone"


def test_a_folder_of_somebody_elses_things(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    problem, _ = describe_broken(tmp_path)
    assert problem == "it has no pyvenv.cfg, so it is no virtual environment"


def test_an_interpreter_that_is_gone(tmp_path: Path) -> None:
    path = lay_environment(tmp_path / ".venv", "six-1.16.0", "pip-24.0", "Flask_X-2.0")
    (path / "bin/python").unlink()
    (path / "bin/python").symlink_to("python3.11")
    (path / "bin/python3.11").symlink_to("/usr/bin/python3.11-gone")
    problem, requirements = describe_broken(path)
    assert problem == f"its interpreter {path}/bin/python3.11 is gone"
    assert requirements == ("Flask_X==2.0", "six==1.16.0")
    (path / "bin/python").unlink()
    assert describe_broken(path)[0] == f"its interpreter {path}/bin/python is gone"


@pytest.mark.parametrize("answer", [None, b"", b"Python", b"3 13 1", b"three 13"])
def test_an_interpreter_that_does_not_run(tmp_path: Path, answer: bytes | None) -> None:
    path = lay_environment(tmp_path / ".venv", "six-1.0")
    found = inspect_environment(str(path), lambda _: answer)
    assert found.state == "broken"
    assert found.problem == f"its interpreter {path}/bin/python does not run"
    assert found.requirements == ("six==1.0",)


def test_an_interpreter_of_another_version(tmp_path: Path) -> None:
    path = lay_environment(tmp_path / ".venv", "six-1.0", version="3.11")
    found = inspect_environment(str(path), answer_3_13)
    assert found.problem == "it was made for python3.11 and now runs python3.13"
    assert found.requirements == ("six==1.0",)


def test_conda_has_no_pyvenv_cfg(tmp_path: Path) -> None:
    path = lay_environment(tmp_path / "conda")
    (path / "pyvenv.cfg").unlink()
    (path / "conda-meta").mkdir()
    assert inspect_environment(str(path), answer_3_13).state == "usable"


@pytest.mark.skipif(os.geteuid() == 0, reason="needs an ordinary user")
def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / ".venv"
    path.mkdir(0o000)
    assert describe_broken(path)[0] == "it cannot be read: Permission denied"


@pytest.mark.parametrize(
    ("system", "expected"),
    [("posix", "/e/bin/python"), ("nt", "/e\\Scripts\\python.exe")],
)
def test_the_interpreters_path(system: str, expected: str) -> None:
    assert interpreter_path("/e", system) == expected


# What it holds


def test_distributions_by_their_folders(tmp_path: Path) -> None:
    path = lay_environment(tmp_path / ".venv", "six-1.16.0", "Flask_SQLAlchemy-3.0")
    site = path / "lib/python3.13/site-packages"
    (site / "old-1.0-py3.13.egg-info").mkdir()
    (site / "linked.egg-link").touch()
    (site / "six.py").touch()
    assert list_distributions(str(path)) == {
        "six": "1.16.0",
        "flask-sqlalchemy": "3.0",
        "old": "1.0",
        "linked": "",
    }
    assert list_distributions(str(tmp_path / "missing")) == {}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"url": "file:///srv/p", "dir_info": {"editable": True}}, ("--editable", "file:///srv/p")),
        ({"url": "file:///srv/p", "dir_info": {}}, ("file:///srv/p",)),
        ({"url": "https://e.org/p.whl", "archive_info": {}}, ("https://e.org/p.whl",)),
        (
            {"url": "https://e.org/p", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            ("git+https://e.org/p@abc",),
        ),
        ({"nothing": 1}, ("six==1.0",)),
        ([], ("six==1.0",)),
    ],
)
def test_requirements_remember_where_they_came_from(
    tmp_path: Path, document: object, words: tuple[str, ...]
) -> None:
    path = lay_environment(tmp_path / ".venv", "six-1.0", "setuptools-70.0", "wheel-0.4")
    information = path / "lib/python3.13/site-packages/six-1.0.dist-info"
    (information / "direct_url.json").write_text(json.dumps(document))
    assert list_requirements(str(path)) == words


def test_unfinished_environment_that_somebody_went_on_with_is_theirs(tmp_path: Path) -> None:
    place = tmp_path / ".venv"
    site_packages = place / "lib" / "python3.13" / "site-packages"
    (site_packages / "pip-26.3.dist-info").mkdir(parents=True)
    (place / UNFINISHED_NAME).touch()
    assert is_unfinished(str(place))
    (site_packages / "six-1.17.0.dist-info").mkdir()
    assert not is_unfinished(str(place))
