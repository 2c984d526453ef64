"""Shims: pipguard as the `pip` that programs find, and the programs that it stands back for."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from conftest import OUTSIDE
from harness.managed import ManagedPython, write_executable
from harness.running import Result, RunPipguard, run_command

from pipguard.shells.callers import is_at_a_prompt, recognise

REFUSAL = "error: externally-managed-environment"
STOOD_BACK = "pipguard: called by "
CALLS_PIP = "import subprocess as s; raise SystemExit(s.call(['pip', 'install', 'six']))"


def locate_tool(name: str) -> str:
    """The path of a tool that tests of callers need."""
    found = shutil.which(name, path=OUTSIDE["PATH"])
    if not found:
        pytest.skip(f"needs another platform: there is no {name}")
    return found


def test_install_and_remove(
    shims: Path, run_pipguard: RunPipguard, managed_python: ManagedPython
) -> None:
    names = {path.name for path in shims.iterdir() if path.name.startswith("pip")}
    assert names >= {"pip", "pip3", f"pip{managed_python.python.name[6:]}"}
    told = json.loads(run_pipguard(["guard", "shims", "status", "--json"]).stdout)
    assert (told["is_on_path"], told["is_first"]) == (True, True)
    away = {"PATH": str(managed_python.commands), "SHELL": "/bin/bash"}
    words = run_pipguard(["guard", "shims", "status"], env=away).out
    assert "not on PATH; add this line at the end of ~/.bashrc:\n" in words
    line = words.splitlines()[-1]
    assert run_command(["sh", "-c", f"{line}; command -v pip"]).out == f"{shims}/pip\n"
    words = run_pipguard(["guard", "shims", "status"], env={**away, "SHELL": "/bin/fish"}).out
    assert words.splitlines()[-1] == f"set -gx PATH '{shims}' $PATH"
    assert run_pipguard(["guard", "shims", "install"]).status == 0
    assert run_pipguard(["guard", "shims", "remove"]).status == 0
    assert not shims.exists()
    assert run_pipguard(["guard", "shims", "remove"]).status == 0


def test_a_real_pip_in_the_folder_stays(
    run_pipguard: RunPipguard, managed_python: ManagedPython
) -> None:
    folder = Path(os.environ["XDG_DATA_HOME"], "pipguard", "shims")
    pip = write_executable(folder / "pip", "#!/bin/sh\n")
    told = run_pipguard(["guard", "shims", "install"])
    assert (told.status, "is not a shim" in told.err) == (1, True)
    assert pip.read_text() == "#!/bin/sh\n"
    assert [path.name for path in folder.iterdir()] == ["pip"]
    assert run_pipguard(["guard", "shims", "remove"]).status == 0
    assert pip.exists()


def test_a_folder_that_cannot_be_written(run_pipguard: RunPipguard, home: Path) -> None:
    (home / "xdg-data").write_text("a file")
    told = run_pipguard(["guard", "shims", "install"])
    assert (told.status, told.err.count("\n")) == (1, 1)
    assert "cannot be changed: Not a directory" in told.err


def test_programs_that_call_pip_are_served(
    shims: Path, project: Path, managed_python: ManagedPython
) -> None:
    script = "import subprocess as s; s.run(['pip', 'install', 'tinylib'], check=True)"
    assert run_command([managed_python.python, "-c", script]).status == 0
    assert (project / ".venv").is_dir()
    assert run_command(["sh", "-c", "pip3 freeze"]).out == "tinylib==2.0\n"
    version = managed_python.python.name[6:]
    assert run_command([f"pip{version}", "freeze"]).out == "tinylib==2.0\n"


def assert_stood_back(result: Result, project: Path, program: str) -> None:
    """pip's own refusal, one line of advice, and nothing made."""
    assert REFUSAL in result.err
    assert result.err.count("pipguard:") == 1
    assert f"{STOOD_BACK}{program}" in result.err
    advice = "what helps: `virtualenv: FOLDER`" if program == "Ansible" else "PIPGUARD_ROUTE=venv"
    assert f"so nothing is redirected; {advice}" in result.err
    assert not (project / ".venv").exists()


@pytest.mark.parametrize("variable", ["BUILD_BUILDID", "BUILD_ID", "PIP_IS_CI"])
def test_knows_ci_by_what_pip_knows_it_by(shims: Path, project: Path, variable: str) -> None:
    result = run_command(["pip", "install", "tinylib"], env={variable: "7"})
    assert_stood_back(result, project, "CI")


def test_stands_back_in_ci(shims: Path, project: Path, home: Path) -> None:
    command = ["pip", "install", "tinylib"]
    result = run_command(command, env={"CI": "true"})
    assert result.status == 1
    assert_stood_back(result, project, "CI")
    assert run_command(command, env={"CI": "true", "PIPGUARD": "off"}).err.count("pipguard:") == 0
    settings = home / "xdg-config" / "pipguard" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('shim-in-ci = "perhaps"\n')
    result = run_command(command, env={"CI": "true"})
    assert (result.status, "accepted: act, pass" in result.err) == (1, True)
    settings.write_text('shim-in-ci = "act"\n')
    assert run_command(command, env={"CI": "true"}).status == 0
    assert run_command(["pip", "freeze"], env={"CI": "true"}).out == "tinylib==2.0\n"
    settings.unlink()
    assert "tinylib" not in run_command(["pip", "freeze"], env={"CI": "true"}).out


def test_a_chosen_route_is_taken_in_ci(shims: Path, project: Path) -> None:
    env = {"CI": "true", "PIPGUARD_ROUTE": "venv"}
    assert run_command(["pip", "install", "tinylib"], env=env).status == 0
    assert (project / ".venv").is_dir()


def test_pipguard_by_its_own_name_acts_in_ci(
    shims: Path, project: Path, run_pipguard: RunPipguard
) -> None:
    assert run_pipguard(["install", "tinylib"], env={"CI": "true"}).status == 0


def test_stands_back_for_make(shims: Path, project: Path) -> None:
    make = locate_tool("make")
    (project / "Makefile").write_text("all:\n\tpip install tinylib\n")
    result = run_command([make])
    assert result.status == 2
    assert REFUSAL in result.err
    assert f"{STOOD_BACK}make, so" in result.err
    assert not (project / ".venv").exists()
    assert run_command([make], env={"PIPGUARD_ROUTE": "venv"}).status == 0
    assert (project / ".venv").is_dir()


def test_stands_back_for_ansible_and_names_it(
    shims: Path, project: Path, managed_python: ManagedPython
) -> None:
    module = project / "AnsiballZ_pip.py"
    module.write_text(CALLS_PIP)
    result = run_command([managed_python.python, module])
    assert_stood_back(result, project, "Ansible")


@pytest.mark.parametrize("options", [[], ["-u"], ["-"]])
def test_stands_back_for_code_on_stdin(
    shims: Path, project: Path, managed_python: ManagedPython, options: list[str]
) -> None:
    """Ansible's pipelining: `sh -c '/usr/bin/python3 && sleep 0'` over ssh."""
    line = f"{managed_python.python} {' '.join(options)} && sleep 0"
    assert_stood_back(run_command(["sh", "-c", line], stdin=CALLS_PIP.encode()), project, "Ansible")


def test_acts_for_a_script_that_calls_pip(
    shims: Path, project: Path, managed_python: ManagedPython
) -> None:
    script = project / "setup_all.py"
    script.write_text(CALLS_PIP)
    done = run_command([managed_python.python, script])
    assert done.status == 0, done.err
    assert (project / ".venv").exists()


def test_a_notebook_is_told_its_own_word(shims: Path, project: Path) -> None:
    result = run_command(["pip", "install", "tinylib"], env={"JPY_PARENT_PID": "1"})
    assert (result.status, result.err.count("pipguard:")) == (1, 1)
    assert "`%pip install NAME`" in result.err


def test_an_image_being_made_is_left_alone(shims: Path, project: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root to be a first process")
    unshare = locate_tool("unshare")
    first = [unshare, "--pid", "--fork", "--mount-proc", "sh", "-c"]
    env = {"container": "oci"}
    assert_stood_back(run_command([*first, "pip install six"], env=env), project, "a container")
    assert_stood_back(run_command([*first, "pip install six; exit $?"], env=env), project, "a cont")
    start = project / "start.sh"
    start.write_text("pip install six\n")
    run = run_command([unshare, "--pid", "--fork", "--mount-proc", "sh", start], env=env)
    assert run.status == 0, "a container that runs is no build"


def test_what_pip_can_do_it_does_in_ci(
    shims: Path, project: Path, managed_python: ManagedPython
) -> None:
    for words in (["--version"], ["list"], ["install", "--target", "t", "tinylib"], ["nonsense"]):
        own = subprocess.run([managed_python.pip, *words], capture_output=True, check=False)
        result = run_command(["pip", *words], env={"CI": "1"})
        assert (result.status, result.stdout) == (own.returncode, own.stdout)
        shutil.rmtree(project / "t", ignore_errors=True)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("make -j4 all", "make"),
        ("/usr/bin/python3 /home/ann/.ansible/tmp/x/AnsiballZ_pip.py", "Ansible"),
        ("/usr/bin/python3 /usr/bin/ansible-playbook site.yml", "Ansible"),
        ("/usr/bin/python3 /usr/bin/meson setup b", "meson"),
        ("python3 -m ipykernel_launcher -f x.json", "Jupyter"),
        ("sh ./configure --prefix=/usr", "configure"),
        ("bash install.sh make", None),
        ("vim Makefile", None),
        ("python3 -c make", None),
        ("less make", None),
        ("", None),
    ],
)
def test_programs_are_known_by_their_command_line(line: str, name: str | None) -> None:
    found = recognise(line.split())
    assert (found and found.name) == name


def test_only_a_shell_without_a_script_is_at_a_prompt() -> None:
    assert all(is_at_a_prompt(words.split()) for words in ("-bash", "zsh -l", "/bin/fish -i"))
    assert not any(
        is_at_a_prompt(w.split()) for w in ("sh -c x", "bash x.sh", "make", "bash -lc x")
    )


def test_shims_are_nobody_elses(shims: Path) -> None:
    assert not stat.S_IMODE(shims.stat().st_mode) & stat.S_IWOTH
    assert all(path.is_symlink() for path in shims.glob("pip*"))


# python3


WHICH = "import sys; print(sys.prefix)"


@pytest.fixture
def python_shim(shims: Path, run_pipguard: RunPipguard, project: Path) -> Path:
    """The shim, and a project with an environment and a script that says whose Python runs it."""
    assert run_pipguard(["guard", "shims", "install", "--python"]).status == 0
    assert run_pipguard(["install", "tinylib"]).status == 0
    (project / "which.py").write_text(WHICH)
    return shims / "python3"


def test_in_a_project_python3_is_its_environments(python_shim: Path, project: Path) -> None:
    """Whether a file, code or a module is named, from a shell's line."""
    environment = f"{project}/.venv\n"
    assert run_command(["sh", "-c", "python3 which.py; true"]).out == environment
    assert run_command([python_shim, "-X", "dev", "-u", "which.py"]).out == environment
    assert run_command(["sh", "-c", f"python3 -c '{WHICH}'; true"]).out == environment
    assert run_command(["sh", "-c", "python3 -m which; true"]).out == environment
    assert run_command(["sh", "-c", f"echo '{WHICH}' | python3; true"]).out == environment
    (project / "__main__.py").write_text(WHICH)
    assert run_command([python_shim, "."]).out == environment
    (project / "inside").mkdir()
    assert run_command([python_shim, "../which.py"], cwd=project / "inside").out == environment
    assert run_command([python_shim, project / "which.py"], cwd=Path("/")).out == environment
    done = run_command([python_shim, "-c", "import sys; sys.exit(7)"])
    assert (done.status, done.out, done.err) == (7, "", "")


def test_python3_is_the_real_one_everywhere_else(
    python_shim: Path, project: Path, managed_python: ManagedPython, tmp_path: Path
) -> None:
    real = f"{managed_python.prefix}\n"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "which.py").write_text(WHICH)
    assert run_command([python_shim, "which.py"], cwd=elsewhere).out == real
    # A program that is not the project's means the system's Python, wherever it is called.
    assert run_command([python_shim, elsewhere / "which.py"]).out == real
    assert run_command([python_shim, "-c", WHICH]).out == real
    program = write_executable(elsewhere / "program", f"#!/bin/sh\npython3 -c '{WHICH}'\ntrue\n")
    assert run_command([program]).out == real
    script = write_executable(elsewhere / "tool", f"#!/usr/bin/env python3\n{WHICH}\n")
    assert run_command([script]).out == real
    # So does a build, and whoever switches pipguard off.
    line = ["sh", "-c", "python3 which.py; true"]
    assert run_command(line, env={"MAKELEVEL": "1"}).out == real
    assert run_command(line, env={"CI": "true"}).out == real
    assert run_command(line, env={"PIPGUARD": "off"}).out == real
    assert run_command(line, env={"VIRTUAL_ENV": str(elsewhere)}).out == real


def test_a_python_that_is_not_trusted_is_never_run(
    python_shim: Path, project: Path, managed_python: ManagedPython
) -> None:
    (project / ".venv").chmod(0o777)
    line = ["sh", "-c", "python3 which.py; true"]
    assert run_command(line).out == f"{managed_python.prefix}\n"
    (project / "pyproject.toml").write_text("[tool.pipguard]\nvenv = 7\n")
    assert run_command(line).out == f"{managed_python.prefix}\n"


def test_python3_m_pip_is_pip(python_shim: Path, project: Path) -> None:
    assert run_command([python_shim, "-m", "pip", "freeze"]).out == "tinylib==2.0\n"
    done = run_command([python_shim, "-m", "pip", "install", "tinyextra"])
    assert "`tinyextra` goes to .venv" in done.err
    assert (project / ".venv/bin/python").exists()


def test_the_python_shim_goes_as_it_came(python_shim: Path, run_pipguard: RunPipguard) -> None:
    told = json.loads(run_pipguard(["guard", "shims", "status", "--json"]).stdout)
    assert "python3" in told["names"]
    assert run_pipguard(["guard", "shims", "install"]).status == 0
    assert not os.path.lexists(python_shim)
    run_pipguard(["guard", "shims", "install", "--python"])
    assert run_pipguard(["guard", "shims", "remove"]).status == 0
    assert not python_shim.parent.exists()
