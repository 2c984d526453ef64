"""A shared pip begins in an environment that is not whole yet, and leaves it as its own would."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from harness.managed import ManagedPython
from harness.running import RunPipguard, run_command
from harness.wheels import PackageIndex, Release

pytestmark = [pytest.mark.usefixtures("managed_python", "use_stand_ins", "shared_pip")]

MANY_MODULES = Release(
    "tinymany",
    "1.0",
    {f"tinymany/part{number}.py": f"VALUE = {number}\n" for number in range(60)}
    | {"tinymany/broken.py": "print 'of another Python'\n", "tinymany/__init__.py": ""},
    {"tinymany": "tinymany:main"},
    ("tinylib",),
)


@pytest.fixture
def shared_pip(run_pipguard: RunPipguard, project: Path, home: Path) -> Path:
    """The pip that a first install leaves in the cache; the environment is gone again."""
    assert run_pipguard(["install", "six"]).status == 0
    shutil.rmtree(project / ".venv")
    (folder,) = (home / "xdg-cache/pipguard/pips").iterdir()
    assert str(folder) in run_pipguard(["guard", "explain", "install", "six"]).out
    return folder


def read_files(environment: Path) -> dict[str, bytes]:
    """What was installed beside pip; of compiled modules, all but the time of their source."""
    (site,) = environment.glob("lib/python*/site-packages")
    seeds = re.compile(r"pip|setuptools|_distutils|distutils|_virtualenv|wheel|__pycache__/_virt")
    files = {
        str(path.relative_to(site)): path.read_bytes()
        for path in site.rglob("*")
        if path.is_file() and not seeds.match(str(path.relative_to(site)))
    }
    return {n: d[:8] + d[12:] if n.endswith(".pyc") else d for n, d in files.items()}


def list_held(project: Path) -> list[str]:
    return sorted(os.listdir(project))


def test_every_file_is_what_pip_by_itself_would_have_written(
    run_pipguard: RunPipguard,
    project: Path,
    managed_python: ManagedPython,
    use_stand_ins: PackageIndex,
) -> None:
    use_stand_ins.add(MANY_MODULES)
    done = run_pipguard(["install", "tinymany", "six"])
    assert done.status == 0, done.err
    ours = read_files(project / ".venv")
    assert len([name for name in ours if name.endswith(".pyc")]) > 60
    shutil.rmtree(project / ".venv")

    virtualenv = ["-I", "-m", "virtualenv", "-q", "-p", str(managed_python.python), ".venv"]
    assert run_command([sys.executable, *virtualenv], project).status == 0
    by_hand = run_command([project / ".venv/bin/python", "-m", "pip", "install", "tinymany", "six"])
    assert by_hand.status == 0, by_hand.err
    assert by_hand.stdout == done.stdout
    assert read_files(project / ".venv") == ours


@pytest.mark.parametrize(
    ("words", "variables"), [(["--no-compile"], {}), ([], {"PIP_COMPILE": "0"})]
)
def test_who_wants_nothing_compiled_gets_that(
    run_pipguard: RunPipguard, project: Path, words: list[str], variables: dict[str, str]
) -> None:
    done = run_pipguard(["install", *words, "tinylib"], env=variables)
    assert done.status == 0, done.err
    assert not [name for name in read_files(project / ".venv") if name.endswith(".pyc")]


def test_the_environments_own_pip_is_the_one_that_counts(
    run_pipguard: RunPipguard, project: Path
) -> None:
    done = run_pipguard(["install", "pip", "six"])
    assert done.status == 0, done.err
    assert "Requirement already satisfied: pip in ./.venv/" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-distribution"], "No matching distribution found for no-such-distribution"),
        (["six", "--log"], "--log option requires 1 argument"),
    ],
)
def test_what_pip_says_when_it_fails_is_said_once_and_nothing_stays(
    run_pipguard: RunPipguard, project: Path, words: list[str], said: str
) -> None:
    done = run_pipguard(["install", *words], env={"PIPGUARD_ROUTE": "venv"})
    assert done.status != 0
    assert done.err.count(said) == 1
    assert list_held(project) == []


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("VIRTUALENV_CREATOR", "nonsense", r"nonsense|RuntimeError: No implementation"),
        ("VIRTUALENV_PIP", "0.0.9", r"pip==0\.0\.9"),
    ],
    ids=["before the interpreter works", "while pip waits"],
)
def test_where_virtualenv_fails_nothing_stays(
    run_pipguard: RunPipguard, project: Path, variable: str, value: str, said: str
) -> None:
    done = run_pipguard(["install", "tinylib"], env={variable: value})
    assert done.status == 1
    assert re.search(said, done.err)  # virtualenv 21's words, or 20's
    assert "pipguard: virtualenv could not make" in done.err
    assert "Traceback" not in done.err
    assert done.out == ""
    assert list_held(project) == []


@pytest.mark.parametrize("lost", ["certifi/cacert.pem", "rich/console.py", "rich/progress.py"])
def test_a_shared_pip_that_lost_a_file_is_not_used(
    run_pipguard: RunPipguard, project: Path, shared_pip: Path, lost: str
) -> None:
    (shared_pip / "pip/_vendor" / lost).unlink()
    done = run_pipguard(["install", "tinylib"])
    assert done.status == 0, done.err
    assert "Successfully installed tinylib-2.0" in done.out
    assert "Traceback" not in done.err
    (project / ".venv").rename(project / "other")
    again = run_pipguard(["install", "tinylib"], env={"PIPGUARD_VENV": "third"})
    assert (again.status, again.stdout) == (0, done.stdout)
    assert shared_pip.exists()


def test_a_shared_pip_of_another_version_is_not_used(
    run_pipguard: RunPipguard, project: Path, shared_pip: Path
) -> None:
    other = shared_pip.with_name(f"pip-0.1-{shared_pip.name.rpartition('-')[2]}")
    shared_pip.rename(other)
    (other / "pip/__init__.py").write_text('__version__ = "0.1"\n')
    done = run_pipguard(["install", "-v", "tinylib"])
    assert done.status == 0, done.err
    assert "Successfully installed tinylib-2.0" in done.out
    assert list(shared_pip.parent.iterdir()) == [shared_pip]
    assert "pip 0.1" not in done.out
