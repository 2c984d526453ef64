"""Many at once, and killed at any moment: one environment, whole, with everything in it.

A short form by default. `PIPGUARD_TEST_LOAD=full` makes it 50 rounds of 16 and 200 deaths.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import OUTSIDE
from harness.managed import ManagedPython
from harness.running import RunPipguard, run_command
from harness.wheels import PackageIndex, library

IS_FULL = OUTSIDE.get("PIPGUARD_TEST_LOAD") == "full"
ROUNDS, AT_ONCE, DEATHS = (50, 16, 200) if IS_FULL else (1, 6, 6)


def installed_in(project: Path) -> set[str]:
    """Names of what `pip list` finds in the project's environment."""
    python = project / ".venv/bin/python"
    listed = run_command([python, "-I", "-m", "pip", "list", "--format=freeze"])
    assert listed.status == 0, listed.err
    return {line.partition("==")[0] for line in listed.out.splitlines()}


@pytest.mark.longest(7200 if IS_FULL else 300)
@pytest.mark.usefixtures("managed_python")
def test_many_installs_at_once_share_one_environment(
    pipguard_command: Path, package_index: PackageIndex, tmp_path: Path
) -> None:
    names = [f"tiny{number}" for number in range(AT_ONCE)]
    package_index.add(*map(library, names))
    environ = os.environ | {"PIP_INDEX_URL": package_index.url}
    for number in range(ROUNDS):
        project = tmp_path / f"project{number}"
        project.mkdir()
        running = [
            subprocess.Popen(
                [pipguard_command, "install", name],
                cwd=project,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            for name in names
        ]
        said = [process.communicate()[0].decode() for process in running]
        assert [process.returncode for process in running] == [0] * AT_ONCE, said
        assert os.listdir(project) == [".venv"]
        assert not (project / ".venv/.pipguard-unfinished").exists()
        assert installed_in(project) >= set(names)
        check = run_command([project / ".venv/bin/python", "-I", "-m", "pip", "check"])
        assert check.status == 0, check.out


@pytest.mark.longest(7200 if IS_FULL else 300)
@pytest.mark.usefixtures("use_stand_ins")
def test_after_a_death_at_any_moment_the_next_run_succeeds(
    pipguard_command: Path, run_pipguard: RunPipguard, managed_python: ManagedPython, tmp_path: Path
) -> None:
    chosen = random.Random(668)
    for number in range(DEATHS):
        project = tmp_path / f"project{number}"
        project.mkdir()
        process = subprocess.Popen(
            [pipguard_command, "install", "tinylib"],
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        moment = chosen.uniform(0.05, 3)
        time.sleep(moment)  # not to wait for something: the moment of death
        # Alone, so that virtualenv or pip outlives it; or with all that it has started.
        if number % 2:
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        done = run_pipguard(["install", "tinylib"], cwd=project)
        assert done.status == 0, (number, moment, done.err)
        assert os.listdir(project) == [".venv"], (number, moment)
        assert not (project / ".venv/.pipguard-unfinished").exists(), (number, moment)
        assert "tinylib" in installed_in(project)
        check = run_command([project / ".venv/bin/python", "-I", "-m", "pip", "check"])
        assert check.status == 0, (number, moment, check.out)
