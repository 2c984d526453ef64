"""No command of ours lets what lies in the current folder be imported.

Every name that any of our processes could import lies there as a trap: our own, the standard
library's, pip's, virtualenv's, pipx's. A trap that is sprung leaves a file.
"""

from __future__ import annotations

import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from harness.managed import MakeManagedPython, ManagedPython, Recipe
from harness.running import RunPipguard

pytestmark = [pytest.mark.usefixtures("use_stand_ins")]

COMMANDS = (
    ["install", "tinylib"],
    ["list"],
    ["freeze"],
    ["show", "tinylib"],
    ["check"],
    ["install", "pycowsay"],
    ["show", "pycowsay"],
    ["guard", "status", "tinylib", "pip"],
    ["guard", "explain", "install", "tinylib", "tinyapp"],
    ["guard", "shell-init", "bash"],
    ["guard", "shell-init", "--locate"],
    ["guard", "shims", "install"],
    ["guard", "log"],
    ["guard", "run", "true"],
    ["uninstall", "-y", "tinylib", "pycowsay"],
    ["guard", "undo"],
    ["install", "--dry-run", "tinylib"],
    ["install", "-U", "pip"],
)


@pytest.fixture
def trapped(project: Path) -> Path:
    """A project full of traps."""
    names = {*sys.stdlib_module_names, *packages_distributions(), "pip", "pipguard", "virtualenv"}
    names |= {"pipx", "sitecustomize", "usercustomize", "tinylib", "pycowsay", "distutils"}
    for name in names:
        if name.isidentifier():
            (project / f"{name}.py").write_text("open(__file__ + '.sprung', 'w').close()\n")
    return project


def list_sprung(folder: Path) -> list[str]:
    """The traps that were sprung."""
    return sorted(path.name for path in folder.glob("*.sprung"))


def test_the_traps_work(trapped: Path, managed_python: ManagedPython) -> None:
    # Which one depends: Python 3.13 falls into one of its own before it reads the code.
    managed_python.run("-c", "import tomllib, pip", cwd=trapped)
    assert list_sprung(trapped)


def test_no_command_imports_from_the_current_folder(
    trapped: Path, run_pipguard: RunPipguard, managed_python: ManagedPython
) -> None:
    for words in COMMANDS:
        run_pipguard(words, cwd=trapped, stdin=b"y\n")
        assert list_sprung(trapped) == [], words


def test_nor_where_there_is_no_pip(
    trapped: Path,
    run_pipguard: RunPipguard,
    make_managed: MakeManagedPython,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    python = make_managed(Recipe(pip=None))
    monkeypatch.setenv("PATH", str(python.commands), prepend=":")
    for words in COMMANDS[:6]:
        assert run_pipguard(words, cwd=trapped).status in {0, 1, 127}
        assert list_sprung(trapped) == [], words


def test_nor_does_python_dash_m_pip_through_the_shell(
    trapped: Path, run_pipguard: RunPipguard, managed_python: ManagedPython
) -> None:
    for words in (["install", "tinylib"], ["list"], ["uninstall", "-y", "tinylib"]):
        run_pipguard(words, cwd=trapped, env={"PIPGUARD_CALLED_AS": "python3"})
        assert list_sprung(trapped) == [], words
