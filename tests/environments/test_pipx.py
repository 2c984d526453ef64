"""What pipx has: its own words about its folders, and the metadata that it writes."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from harness.callers import make_caller
from harness.managed import write_executable

from pipguard.environments.pipx import locate_pipx, read_application, read_pipx_home


def write_metadata(folder: Path, name: str, **changes: object) -> None:
    package = {
        "package": "HTTPie",
        "package_version": "3.2.4",
        "package_or_url": "httpie>=3",
        "apps": ["https", "http", "http"],
        "apps_of_dependencies": ["pygmentize"],
        "include_dependencies": False,
        **changes,
    }
    path = folder / name / "pipx_metadata.json"
    path.parent.mkdir(parents=True)
    document = {"main_package": package, "injected_packages": {}}
    path.write_text(json.dumps(document))


def test_the_users_own_pipx_comes_first(project: Path) -> None:
    caller = make_caller(project)
    assert locate_pipx(caller) == ((sys.executable, "-I", "-m", "pipx"), False)
    pipx = write_executable(project / "bin/pipx", "#!/bin/sh\n")
    caller = replace(caller, environ={"PATH": str(pipx.parent)})
    assert locate_pipx(caller) == ((str(pipx),), True)


def test_pipx_says_where_its_folders_are(project: Path, home: Path) -> None:
    answer = (
        b"Environment variables (set by user):\n\nPIPX_HOME=\nPIPX_BIN_DIR=\n\n"
        b"Derived values (computed by pipx):\nPIPX_HOME=/h/pipx\nPIPX_BIN_DIR=/h/bin\n"
        b"PIPX_SHARED_LIBS=/h/pipx/shared\nPIPX_LOCAL_VENVS=/h/pipx/venvs\n"
    )
    asked: list[list[str]] = []

    def ask(command: list[str]) -> bytes:
        asked.append(command)
        return answer

    found = read_pipx_home(make_caller(project, home), ask)
    assert (found.environments, found.programs) == ("/h/pipx/venvs", "/h/bin")
    assert found.shared == "/h/pipx/shared"
    assert asked == [[*found.command, "environment"]]


def test_a_pipx_that_says_nothing_has_its_usual_folders(project: Path, home: Path) -> None:
    found = read_pipx_home(make_caller(project, home, PIPX_HOME="/p"), lambda _: None)
    assert (found.environments, found.shared) == ("/p/venvs", "/p/shared")
    assert found.programs == f"{home}/.local/bin"


def test_an_application_as_its_metadata_tells(tmp_path: Path) -> None:
    write_metadata(tmp_path, "httpie")
    found = read_application(str(tmp_path), "httpie")
    assert found
    assert (found.name, found.version, found.requirement) == ("httpie", "3.2.4", "httpie>=3")
    assert (found.commands, found.backend) == (("http", "https"), "pip")


def test_commands_of_dependencies_count_when_they_are_exposed(tmp_path: Path) -> None:
    write_metadata(tmp_path, "a", include_dependencies=True)
    found = read_application(str(tmp_path), "a")
    assert found
    assert found.commands == ("http", "https", "pygmentize")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"main_package": []}', "\x00"])
def test_metadata_that_cannot_be_read_is_no_application(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/pipx_metadata.json").write_text(text)
    assert read_application(str(tmp_path), "a") is None
    assert read_application(str(tmp_path), "missing") is None
