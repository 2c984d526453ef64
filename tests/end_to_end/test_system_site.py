"""Environments that see the packages of the system's Python: when they do, and what is said."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from harness.managed import ManagedPython
from harness.running import RunPipguard
from harness.wheels import Release, build_wheel

pytestmark = [pytest.mark.usefixtures("use_stand_ins", "systems_module")]


@pytest.fixture
def systems_module(managed_python: ManagedPython) -> None:
    """Give the system's Python a module that no index has."""
    managed_python.site_packages.joinpath("systems.py").write_text("")


def sees(environment: Path, module: str = "systems") -> bool:
    python = environment / "bin" / "python"
    words = [str(python), "-I", "-c", f"import {module}"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("main.py", "import six\nimport systems\n"),
        ("package/__init__.py", "def late():\n    from systems import x\n"),
        ("script", "#!/usr/bin/env python3\nimport systems.deep as s\n"),
        ("a.ipynb", json.dumps({"cells": [{"cell_type": "code", "source": ["import systems"]}]})),
    ],
)
def test_a_new_one_does_where_the_code_imports_what_the_system_has(
    run_pipguard: RunPipguard, project: Path, file: str, text: str
) -> None:
    path = project / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    done = run_pipguard(["install", "six"])
    assert done.status == 0, done.err
    words = f"`{file}` imports systems, which the system's Python has, so .venv sees the system's"
    assert words in done.err
    assert sees(project / ".venv")


@pytest.mark.parametrize(
    "files",
    [
        {"main.py": "import six\n"},
        {"main.py": "text = '''\nimport systems\n'''\n"},
        {"main.py": "# import systems\n"},
        {"main.py": "import systems\n", "systems.py": ""},
        {"main.py": "import systems\n", "requirements-dev.txt": "systems\n"},
        {"main.py": "import os, sys, json\n"},
        {"node_modules/main.py": "import systems\n"},
    ],
)
def test_another_one_does_not(
    run_pipguard: RunPipguard, project: Path, files: dict[str, str]
) -> None:
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    done = run_pipguard(["install", "six"])
    assert done.status == 0, done.err
    assert "the system's packages" not in done.err
    assert not sees(project / ".venv")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bpy", "Blender has a Python of its own"),
        ("qgis", "QGIS's modules come with QGIS"),
        ("tkinter", "`tkinter` is a module of Python's own, which distributions package apart"),
        ("cv2", "most code that imports `cv2` means the project `opencv-python`"),
        ("pil>=9", "most code that imports `PIL` means the project `pillow`"),
        ("sqlite3", "`sqlite3` is a module of Python's own: nothing needs to be installed for it"),
    ],
)
def test_of_a_module_that_is_elsewhere_it_says_where(
    run_pipguard: RunPipguard, tmp_path: Path, name: str, said: str
) -> None:
    build_wheel(Release("bpy", "1.0", {"bpy.py": ""}), tmp_path)
    done = run_pipguard(["install", "six", name, "--find-links", str(tmp_path)])
    assert (done.status == 0) is (name == "bpy")
    assert done.err.count(f"pipguard: {said}") == 1
    unsaid = run_pipguard(["install", "six"])
    assert "Blender" not in unsaid.err


def test_what_is_being_installed_is_no_reason(
    run_pipguard: RunPipguard, project: Path, tmp_path: Path
) -> None:
    project.joinpath("main.py").write_text("import systems\n")
    wheel = build_wheel(Release("systems", "1.0", {"systems.py": ""}), tmp_path)
    assert "the system's packages" not in run_pipguard(["install", str(wheel)]).err


def test_the_switch_opens_one_that_is_there(run_pipguard: RunPipguard, project: Path) -> None:
    run_pipguard(["install", "six"])
    project.joinpath("main.py").write_text("import systems\n")
    done = run_pipguard(["install", "tinylib"])
    assert "PIPGUARD_SYSTEM_SITE_PACKAGES=1 lets .venv see it" in done.err
    assert not sees(project / ".venv")
    done = run_pipguard(["install", "tinylib"], env={"PIPGUARD_SYSTEM_SITE_PACKAGES": "1"})
    assert done.status == 0, done.err
    assert ".venv sees the system's packages now" in done.err
    assert sees(project / ".venv")
    status = json.loads(run_pipguard(["guard", "status", "--json"]).out)
    assert status["environment_sees_system"] is True
    done = run_pipguard(["install", "six"], env={"PIPGUARD_SYSTEM_SITE_PACKAGES": "1"})
    assert "sees the system" not in done.err


def test_the_switch_is_undone_and_the_undo_is(run_pipguard: RunPipguard, project: Path) -> None:
    run_pipguard(["install", "six"])
    switch = {"PIPGUARD_SYSTEM_SITE_PACKAGES": "1"}
    for name in ("tinylib", "six"):  # something else has changed, and nothing has
        assert run_pipguard(["install", name], env=switch).status == 0
        assert sees(project / ".venv")
        undone = run_pipguard(["guard", "undo", "--json"])
        assert undone.status == 0, undone.err
        assert json.loads(undone.out)["closed"] == [str(project / ".venv")]
        assert not sees(project / ".venv")
        assert sees(project / ".venv", "six")
        assert not sees(project / ".venv", "tinylib")
        again = run_pipguard(["guard", "undo", json.loads(undone.out)["id"]])
        assert f"{project}/.venv sees the system's packages" in again.out
        assert sees(project / ".venv")
        assert sees(project / ".venv", "tinylib") is (name == "tinylib")
        back = run_pipguard(["guard", "log", "--json", "-n", "1"])
        assert run_pipguard(["guard", "undo", json.loads(back.out)[0]["id"]]).status == 0


def test_no_means_no(run_pipguard: RunPipguard, project: Path) -> None:
    project.joinpath("main.py").write_text("import systems\n")
    done = run_pipguard(["install", "six"], env={"PIPGUARD_SYSTEM_SITE_PACKAGES": "0"})
    assert "the system's packages" not in done.err
    assert not sees(project / ".venv")


def test_one_that_is_made_anew_sees_what_it_saw(run_pipguard: RunPipguard, project: Path) -> None:
    run_pipguard(["install", "six"], env={"PIPGUARD_SYSTEM_SITE_PACKAGES": "1"})
    python = project / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    done = run_pipguard(["install", "tinylib"], env={"PIPGUARD_REBUILD": "1"})
    assert done.status == 0, done.err
    assert sees(project / ".venv")


def test_an_application_in_pipx_does_on_request(run_pipguard: RunPipguard, home: Path) -> None:
    switch = {"PIPGUARD_SYSTEM_SITE_PACKAGES": "1", "PIPGUARD_ROUTE": "pipx"}
    assert run_pipguard(["install", "tinyapp"], env=switch).status == 0
    assert sees(home / "xdg-data/pipx/venvs/tinyapp")


def test_the_personal_one_does_on_request(run_pipguard: RunPipguard, home: Path) -> None:
    switch = {"PIPGUARD_SYSTEM_SITE_PACKAGES": "1"}
    assert run_pipguard(["install", "six"], cwd=home, env=switch).status == 0
    assert sees(home / "xdg-data/pipguard/personal")


def test_a_name_that_works_with_the_system_alone(
    run_pipguard: RunPipguard, project: Path, tmp_path: Path
) -> None:
    wheel = build_wheel(Release("pygobject", "3.0", {"gi.py": ""}), tmp_path)
    done = run_pipguard(["install", str(wheel)])
    assert done.status == 0, done.err
    assert "`pygobject` works with the system's GObject libraries, so .venv sees" in done.err
    assert sees(project / ".venv")


def test_a_unit_that_starts_the_systems_python_is_told_another(
    run_pipguard: RunPipguard, project: Path
) -> None:
    project.joinpath("app.service").write_text("[Service]\nExecStart=/usr/bin/python3 app.py\n")
    done = run_pipguard(["install", "six"])
    python = project / ".venv" / "bin" / "python"
    assert f"`app.service` starts /usr/bin/python3, which does not see this: write {python}" in (
        done.err
    )


def test_an_active_one_stays_as_it_is(run_pipguard: RunPipguard, project: Path) -> None:
    run_pipguard(["install", "six"])
    project.joinpath("main.py").write_text("import systems\n")
    active = {"VIRTUAL_ENV": str(project / ".venv")}  # the system's pip is first on PATH
    assert "the system's" not in run_pipguard(["install", "tinylib"], env=active).err
    done = run_pipguard(
        ["install", "tinylib"], env={**active, "PIPGUARD_SYSTEM_SITE_PACKAGES": "1"}
    )
    assert done.status == 0, done.err
    assert ".venv is active and stays as it is, without the system's packages" in done.err
    assert not sees(project / ".venv")
