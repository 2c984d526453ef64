"""Real programs that call pip: Ansible's pip module, tox, a Makefile, a notebook, cron's `env -i`.

They come from the package index that this machine has; what they install, from a folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import packaging
import pytest
from harness.managed import ManagedPython
from harness.running import Argument, Result, run_command

pytestmark = [pytest.mark.network, pytest.mark.longest(300)]

NEEDED = ("ansible-core", "ipykernel", "nbclient", "tox")
PLAY = """\
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {{ansible_python_interpreter: "{python}"}}
  tasks:
"""
TASK = """\
    - ansible.builtin.pip: {{{what}, executable: "{pip}", chdir: "{project}"}}
      ignore_errors: true
"""
NOTEBOOK = {
    "cells": [
        {"cell_type": "code", "execution_count": None, "id": "a", "metadata": {}, "outputs": [],
         "source": "!pip install tinylib"},
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}  # fmt: skip


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory, outside_environment: dict[str, str]) -> Path:
    """The folder of their commands."""
    folder = tmp_path_factory.mktemp("clients")
    uv = [str(Path(sys.executable).with_name("uv"))]
    for words in (
        ["venv", "-q", "--clear", "--python", sys.executable, str(folder)],
        ["pip", "install", "-q", "--python", str(folder / "bin/python"), *NEEDED],
    ):
        subprocess.run([*uv, *words], env=outside_environment, check=True)
    return folder / "bin"


@pytest.fixture
def host_python(managed_python: ManagedPython) -> Path:
    """The interpreter of a host that Ansible manages: with `packaging`, as Debian's has it."""
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = run_command([managed_python.python, "-c", ask]).out.strip()
    shutil.copytree(Path(packaging.__file__).parent, Path(site, "packaging"))
    return managed_python.python


def play(clients: Path, python: Path, pip: Path, project: Path, *tasks: str) -> Result:
    """Let Ansible do the tasks one after another, whatever becomes of each."""
    text = PLAY.format(python=python)
    text += "".join(TASK.format(what=what, pip=pip, project=project) for what in tasks)
    book = project.parent / "playbook.yml"
    book.write_text(text)
    env = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0", "LC_ALL": "C.UTF-8"}
    words: list[Argument] = [clients / "ansible-playbook", "-i", "localhost,", book]
    return run_command(words, cwd=project.parent, env=env)


@pytest.mark.usefixtures("use_stand_ins")
def test_ansible_is_told_what_has_changed(
    clients: Path, project: Path, host_python: Path, pipguard_command: Path
) -> None:
    """Its module looks at pip's stdout, and for a file compares what `pip list` says."""
    (project / "requirements.txt").write_text("tinyapp\n")
    tasks = ("name: tinylib", "name: tinylib", "requirements: requirements.txt",
             "name: tinylib, state: absent")  # fmt: skip
    done = play(clients, host_python, pipguard_command, project, *tasks)
    assert re.findall(r"^(ok|changed|fatal):", done.out, re.MULTILINE) == [
        "changed", "ok", "changed", "changed",
    ], done.out  # fmt: skip
    assert (project / ".venv/bin/tinyapp").exists()


def test_a_shim_leaves_ansible_pips_refusal_and_advice(
    clients: Path, project: Path, host_python: Path, shims: Path
) -> None:
    done = play(clients, host_python, shims / "pip", project, "name: tinylib")
    assert "externally-managed-environment" in done.out
    assert "called by Ansible, so nothing is redirected" in done.out
    assert not (project / ".venv").exists()


def test_tox_has_its_own_pip(clients: Path, project: Path, shims: Path) -> None:
    (project / "tox.ini").write_text(
        "[tox]\nskipsdist = true\n"
        "[testenv]\ndeps = tinylib\npassenv = PIP_*\nsetenv = VIRTUALENV_PYTHON =\n"
        "commands =\n    python -c 'import tinylib; print(tinylib.__version__)'\n"
        "    pip install tinyapp\n    tinyapp\n"
    )
    done = run_command([clients / "tox", "-q", "run", "-e", "py"], cwd=project)
    assert done.status == 0, (done.out, done.err)
    assert "2.0\n" in done.out
    assert "tinyapp 2.0" in done.out
    assert not (project / ".venv").exists()


def test_a_makefile_that_chooses_a_route_is_served(project: Path, shims: Path) -> None:
    make = shutil.which("make", path="/usr/local/bin:/usr/bin:/bin")
    if not make:
        pytest.skip("needs another platform: there is no make")
    (project / "Makefile").write_text(
        "export PIPGUARD_ROUTE = venv\n"
        "all: .venv\n\t.venv/bin/python -c 'import tinylib; print(tinylib.__version__)'\n"
        ".venv: requirements.txt\n\tpip install -q -r $<\n"
    )
    (project / "requirements.txt").write_text("tinylib\n")
    done = run_command([make], cwd=project)
    assert done.status == 0, done.err
    assert done.out.endswith("2.0\n")


def test_a_notebook_names_its_own_word(clients: Path, project: Path, shims: Path) -> None:
    (project / "book.ipynb").write_text(json.dumps(NOTEBOOK))
    words: list[Argument] = [clients / "jupyter-execute", "--inplace", "book.ipynb"]
    done = run_command(words, cwd=project, env={"JUPYTER_PLATFORM_DIRS": "1"})
    assert done.status == 0, done.err
    (cell,) = json.loads((project / "book.ipynb").read_text())["cells"]
    said = "".join("".join(output.get("text", "")) for output in cell["outputs"])
    assert "externally-managed-environment" in said
    assert "`%pip install NAME`" in said
    assert not (project / ".venv").exists()


def test_a_job_with_an_empty_environment(project: Path, shims: Path, home: Path) -> None:
    """Cron gives HOME, SHELL, LOGNAME and a short PATH, and no terminal."""
    index = os.environ["PIP_INDEX_URL"]
    path = os.environ["PATH"]
    data = os.environ["XDG_DATA_HOME"]
    start = ["env", "-i", f"HOME={home}", f"PATH={path}", f"XDG_DATA_HOME={data}",
             f"PIP_INDEX_URL={index}", "LOGNAME=ann", "SHELL=/bin/sh"]  # fmt: skip
    done = run_command([*start, "sh", "-c", f"cd '{project}' && pip install tinylib"])
    assert done.status == 0, done.err
    python = project / ".venv/bin/python"
    assert run_command([*start, python, "-c", "import tinylib"]).status == 0


def test_a_program_that_calls_pip(
    project: Path, shims: Path, managed_python: ManagedPython
) -> None:
    script = project / "bootstrap.py"
    script.write_text(
        "import subprocess, sys\n"
        "subprocess.run(['pip', 'install', '-q', 'tinylib'], check=True)\n"
        "print(subprocess.check_output(['pip', 'freeze'], text=True), end='')\n"
    )
    done = run_command([managed_python.python, script])
    assert (done.status, done.out) == (0, "tinylib==2.0\n"), done.err
