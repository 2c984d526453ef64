"""`pip guard run`: the project's environment around a command."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from harness.managed import ManagedPython, write_executable
from harness.running import RunPipguard
from harness.wheels import PackageIndex


@pytest.fixture
def equipped(shopping: Path, run_pipguard: RunPipguard) -> Path:
    """The same project, with commands of its own."""
    assert run_pipguard(["install", "tinysuite"]).status == 0
    return shopping


def test_commands_have_the_environment_and_their_own_status(
    equipped: Path, run_pipguard: RunPipguard
) -> None:
    for words in (["run", "tinyapp", "--", "-x"], ["run", "--", "tinyapp", "--", "-x"]):
        assert run_pipguard(["guard", *words]).out == "tinyapp 2.0 -- -x\n"
    told = run_pipguard(["guard", "run", "sh", "-c", "echo $VIRTUAL_ENV; exit 7"])
    assert (told.status, told.out) == (7, f"{equipped}/.venv\n")
    inside = equipped / "a"
    inside.mkdir()
    told = run_pipguard(["guard", "run", "python", "-c", "import sys; print(sys.prefix)"], inside)
    assert told.out == f"{equipped}/.venv\n"


def test_python_files_run_with_their_arguments(equipped: Path, run_pipguard: RunPipguard) -> None:
    (equipped / "my script.py").write_text(
        "import sys, tinyapp\nprint(sys.argv[1:], sys.stdin.read())\nsys.exit(3)\n"
    )
    told = run_pipguard(["guard", "run", "my script.py", "--a", "b c"], stdin=b"in")
    assert (told.status, told.out) == (3, "['--a', 'b c'] in\n")


def test_signals_reach_the_command(equipped: Path, pipguard_command: Path) -> None:
    command = [str(pipguard_command), "guard", "run", "sh", "-c", "echo ready; exec sleep 60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.send_signal(signal.SIGTERM)
    assert running.returncode == -signal.SIGTERM


def test_scripts_get_the_dependencies_that_they_name(
    project: Path,
    run_pipguard: RunPipguard,
    managed_python: ManagedPython,
    use_stand_ins: PackageIndex,
) -> None:
    (project / "s.py").write_text(
        '# /// script\n# dependencies = ["tinylib<2"]\n# ///\n'
        "import sys, tinylib\nprint(tinylib.__version__, sys.argv[1:])\nsys.exit(4)\n"
    )
    told = run_pipguard(["guard", "run", "s.py", "--x", "y z"])
    assert (told.status, told.out) == (4, "1.0 ['--x', 'y z']\n"), told.err
    assert os.listdir(project) == ["s.py"]
    told = run_pipguard(["guard", "run", "--uv", "s.py"])
    assert (told.status, "there is no uv on PATH" in told.err) == (127, True)


def test_uv_runs_scripts_where_it_is_chosen(
    project: Path, run_pipguard: RunPipguard, home: Path, managed_python: ManagedPython
) -> None:
    write_executable(home / ".local/bin/uv", '#!/bin/sh\nprintf "%s|" "$@"\n')
    (project / "s.py").write_text("# /// script\n# dependencies = []\n# ///\n")
    told = run_pipguard(["guard", "run", "--uv", "s.py", "-v"])
    assert told.out == f"run|--script|{project}/s.py|-v|"


def test_what_cannot_run_says_why(
    equipped: Path, run_pipguard: RunPipguard, pipguard_command: Path
) -> None:
    told = run_pipguard(["guard", "run", "no-such-command"])
    assert (told.status, told.out) == (127, "")
    assert "no-such-command: no such command" in told.err
    (equipped / "data").write_text("")
    assert run_pipguard(["guard", "run", "./data"]).status == 126
    assert run_pipguard(["guard", "run", "./missing"]).status == 127
    assert run_pipguard(["guard", "run"]).status == 2
    assert run_pipguard(["guard", "run", "--help"]).status == 0
    shutil.rmtree(equipped / ".venv")
    told = run_pipguard(["guard", "run", "true"])
    assert (told.status, "there is no environment yet" in told.err) == (127, True)
