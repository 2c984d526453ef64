"""Which files configure pip, and what would be lost on the way into an environment."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from harness.callers import make_caller

from pipguard.pip.command_line import parse_command
from pipguard.pip.configuration import (
    allows_system_packages,
    list_permitting_files,
    locate_configuration_files,
    make_variables,
    read_site_variables,
)


def test_variables_say_what_general_options_say() -> None:
    words = "-qq --proxy a --no-input --trusted-host=b --trusted-host c --proxy d guard undo"
    command = parse_command(words.split())
    assert command.argv[command.place] == "guard"
    assert make_variables(command.general_options) == {
        "PIP_QUIET": "2",
        "PIP_PROXY": "d",
        "PIP_NO_INPUT": "1",
        "PIP_TRUSTED_HOST": "b c",
    }


@pytest.mark.parametrize("words", ["--version guard", "-h guard", "--nonsense guard", "-q"])
def test_a_line_that_pip_ends_early_has_no_command(words: str) -> None:
    assert parse_command(words.split()).place == -1


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A Python in a prefix of its own, as far as files tell."""
    library = tmp_path / "usr/lib/python3.13"
    library.mkdir(parents=True)
    (library / "os.py").touch()
    program = tmp_path / "usr/bin/python3.13"
    program.parent.mkdir()
    program.touch()
    return program


@pytest.mark.skipif(sys.platform != "linux", reason="needs another platform: Linux folders")
def test_every_file_that_pip_would_read(python: Path, project: Path, home: Path) -> None:
    caller = make_caller(project, home)
    assert locate_configuration_files(caller, str(python)) == (
        "/etc/xdg/pip/pip.conf",
        "/etc/pip.conf",
        f"{home}/.pip/pip.conf",
        f"{home}/.config/pip/pip.conf",
        f"{python.parent.parent}/pip.conf",
    )
    caller = make_caller(
        project, home, PIP_CONFIG_FILE="/c", XDG_CONFIG_HOME="/x", XDG_CONFIG_DIRS="/y:/z"
    )
    found = locate_configuration_files(caller, str(python))
    assert found[:3] == ("/y/pip/pip.conf", "/z/pip/pip.conf", "/etc/pip.conf")
    assert found[3:5] == (f"{home}/.pip/pip.conf", "/x/pip/pip.conf")
    assert found[-1] == "/c"


PLACES = {"shared": "etc/pip/pip.conf", "old": ".pip/pip.conf", "new": ".config/pip/pip.conf"}


@pytest.mark.parametrize(
    ("stronger", "weaker"), [("new", "old"), ("old", "shared"), ("named", "new"), ("named", "old")]
)
@pytest.mark.parametrize("value", ["true", "false"])
def test_the_stronger_file_wins_as_in_pip(
    python: Path, project: Path, home: Path, stronger: str, weaker: str, value: str
) -> None:
    caller = make_caller(project, home, XDG_CONFIG_DIRS=str(home / "etc"))
    if stronger == "named":
        caller = replace(caller, environ={**caller.environ, "PIP_CONFIG_FILE": str(home / "named")})
    for name, said in ((stronger, value), (weaker, "false" if value == "true" else "true")):
        path = home / PLACES.get(name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[global]\nbreak-system-packages = {said}\n")
    assert allows_system_packages(caller, str(python)) is (value == "true")


def test_the_bases_own_file_becomes_variables(python: Path, project: Path) -> None:
    (python.parent.parent / "pip.conf").write_text(
        "[global]\nindex-url = https://private.example/simple\ntimeout = 5\n"
        "[install]\nno-binary = a%b\n[freeze]\nuser = true\n"
    )
    found = dict(read_site_variables(make_caller(project, PIP_TIMEOUT="9"), str(python)))
    assert found == {
        "PIP_INDEX_URL": "https://private.example/simple",
        "PIP_NO_BINARY": "a%b",
    }


@pytest.mark.parametrize("data", [b"", b"no section\n", b"[global]\nx = \xff\n", b"[global\n"])
def test_a_file_that_says_nothing(python: Path, project: Path, data: bytes) -> None:
    (python.parent.parent / "pip.conf").write_bytes(data)
    assert read_site_variables(make_caller(project), str(python)) == ()


def test_an_interpreter_in_an_unusual_place(project: Path) -> None:
    assert read_site_variables(make_caller(project), "/nowhere/python") == ()


@pytest.mark.parametrize(
    ("line", "allows"),
    [
        ("break-system-packages = true", True),
        ("break_system_packages = Yes", True),
        ("Break-System-Packages: 1", True),
        ("break-system-packages = false", False),
        ("break-system-packages-not = true", False),
    ],
)
def test_a_key_is_read_in_every_spelling_of_pips(
    python: Path, project: Path, line: str, *, allows: bool
) -> None:
    path = python.parent.parent / "pip.conf"
    path.write_text(f"[global]\n{line}\n")
    caller = make_caller(project)
    assert allows_system_packages(caller, str(python)) is allows
    assert list_permitting_files(caller, str(python)) == ((str(path),) if allows else ())
