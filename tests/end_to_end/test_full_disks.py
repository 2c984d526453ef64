"""A disk that runs full at one moment or another: a clear failure, nothing lost, nothing left.

Each disk is a small one in memory, filled until so many KiB are left.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.disks import mount_disk, remount
from harness.running import RunPipguard, run_command
from harness.wheels import PackageIndex, Release, library

from pipguard.environments.distributions import list_distributions

pytestmark = pytest.mark.usefixtures("managed_python", "use_stand_ins")

PIPX = {"PIPGUARD_ROUTE": "pipx"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of 64 MiB."""
    with mount_disk(tmp_path / "disk", "size=64m") as folder:
        yield folder


def fill(disk: Path, left: int) -> None:
    """Fill the disk until `left` KiB are free."""
    status = os.statvfs(disk)
    free = status.f_bavail * status.f_frsize - left * 1024
    with (disk / "fill").open("wb") as file:
        while free > 0:
            free -= file.write(bytes(min(free, 1 << 20)))


def big_library(name: str, version: str) -> Release:
    """A release with four modules of 512 KiB."""
    modules = {f"{name}_{part}.py": f"V = '{version}'; X = '{'x' * 524288}'\n" for part in range(4)}
    return Release(name, version, modules)


def held(environment: Path) -> dict[str, str]:
    found = list_distributions(str(environment))
    return {n: v for n, v in found.items() if n not in {"pip", "setuptools", "wheel"}}


@pytest.mark.parametrize("left", [16, 1024, 12 * 1024])
def test_a_disk_that_is_full_for_uv_leaves_nothing(
    run_pipguard: RunPipguard, disk: Path, package_index: PackageIndex,
    monkeypatch: pytest.MonkeyPatch, left: int,
) -> None:  # fmt: skip
    package_index.add(*(big_library(f"big{number}", "1.0") for number in range(8)))
    project = disk / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    fill(disk, left)
    words = ["install", *(f"big{number}" for number in range(8))]
    env = {"PIPGUARD_INSTALLER": "uv", "PIP_INDEX_URL": package_index.url}
    done = run_pipguard(words, env=env)
    assert done.status == 1
    assert "No space left on device" in done.err
    assert done.out == ""
    assert os.listdir(project) == []


def test_home_is_full_and_the_project_is_not(
    run_pipguard: RunPipguard, project: Path, disk: Path
) -> None:
    home = disk / "home"
    home.mkdir()
    fill(disk, 0)
    names = ("CACHE", "DATA", "STATE")
    folders: dict[str, str | None] = {f"XDG_{name}_HOME": str(home / name) for name in names}
    folders |= {"HOME": str(home), "VIRTUALENV_OVERRIDE_APP_DATA": None}
    done = run_pipguard(["install", "tinylib"], env=folders)
    assert done.status == 0, done.err
    assert "not recorded, so it cannot be undone" in done.err
    assert held(project / ".venv") == {"tinylib": "2.0"}
    assert os.listdir(project) == [".venv"]
    assert not (project / ".venv/.pipguard/cache").exists()


@pytest.mark.parametrize("left", [0, 64, 1024, 8192, 12288])
def test_a_first_install(run_pipguard: RunPipguard, disk: Path, left: int) -> None:
    project = disk / "project"
    project.mkdir()
    fill(disk, left)
    done = run_pipguard(["install", "tinylib"], cwd=project)
    if done.status != 0:
        assert os.listdir(project) == []
        assert "No space left on device" in done.err or f"{project}/.venv is full" in done.err
    (disk / "fill").unlink()
    done = run_pipguard(["install", "tinylib"], cwd=project)
    assert done.status == 0, done.err
    assert held(project / ".venv") == {"tinylib": "2.0"}


@pytest.mark.parametrize("left", [0, 16, 256, 1024, 2048, 4096])
def test_an_upgrade(
    run_pipguard: RunPipguard, disk: Path, use_stand_ins: PackageIndex, left: int
) -> None:
    use_stand_ins.add(big_library("big", "1.0"), big_library("big", "2.0"))
    project = disk / "project"
    project.mkdir()
    done = run_pipguard(["install", "big==1.0"], cwd=project)
    assert done.status == 0, done.err
    fill(disk, left)
    done = run_pipguard(["install", "-U", "big"], cwd=project)
    version = "1.0" if done.status else "2.0"
    assert held(project / ".venv") == {"big": version}
    python = project / ".venv/bin/python"
    read = "import big_0, big_1, big_2, big_3; print(big_0.V, big_1.V, big_2.V, big_3.V)"
    assert run_command([python, "-c", read]).out.split() == [version] * 4, done.err
    (disk / "fill").unlink()
    if done.status == 0:
        assert run_pipguard(["guard", "undo"], cwd=project).status == 0
        assert held(project / ".venv") == {"big": "1.0"}
        assert run_command([python, "-c", read]).out.split() == ["1.0"] * 4
    assert os.listdir(project) == [".venv"]


@pytest.mark.parametrize("left", [0, 64, 4096, 12288])
def test_a_rebuild(run_pipguard: RunPipguard, disk: Path, left: int) -> None:
    project = disk / "project"
    project.mkdir()
    assert run_pipguard(["install", "tinyneeds"], cwd=project).status == 0
    python = project / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python")
    fill(disk, left)
    words, rebuild = ["install", "six"], {"PIPGUARD_REBUILD": "1"}
    done = run_pipguard(words, cwd=project, env=rebuild)
    assert os.listdir(project) == [".venv"]
    assert set(held(project / ".venv")) >= {"tinyneeds", "tinylib"}
    assert (done.status == 0) == python.exists()
    (disk / "fill").unlink()
    assert run_pipguard(words, cwd=project, env=rebuild).status == 0
    assert set(held(project / ".venv")) == {"tinyneeds", "tinylib", "six"}


@pytest.mark.parametrize("left", [0, 64, 1024, 4096])
def test_an_application_is_upgraded(
    run_pipguard: RunPipguard, disk: Path, use_stand_ins: PackageIndex, left: int
) -> None:
    for version in ("1.0", "2.0"):
        release = big_library("bigapp", version)
        module = {"bigapp.py": f"def main(): print('bigapp {version}')\n"}
        use_stand_ins.add(
            Release("bigapp", version, {**release.modules, **module}, {"bigapp": "bigapp:main"})
        )
    home: dict[str, str | None] = {
        **PIPX, "PIPX_HOME": str(disk / "pipx"), "PIPX_BIN_DIR": str(disk / "bin")
    }  # fmt: skip
    assert run_pipguard(["install", "bigapp==1.0"], env=home).status == 0
    fill(disk, left)
    done = run_pipguard(["install", "bigapp==2.0"], env=home)
    version = "1.0" if done.status else "2.0"
    assert run_command([disk / "bin/bigapp"]).out == f"bigapp {version}\n", done.err
    (disk / "fill").unlink()
    assert run_pipguard(["install", "bigapp==2.0"], env=home).status == 0
    assert run_command([disk / "bin/bigapp"]).out == "bigapp 2.0\n"
    assert not (disk / "pipx/.pipguard").exists()


@pytest.mark.parametrize("words", [["install", "-U", "six"], ["uninstall", "-y", "six"]])
def test_a_disk_that_turns_read_only(
    run_pipguard: RunPipguard, disk: Path, words: list[str]
) -> None:
    project = disk / "project"
    project.mkdir()
    assert run_pipguard(["install", "six==1.15.0"], cwd=project).status == 0
    remount(disk, "ro")
    done = run_pipguard(words, cwd=project)
    assert done.status != 0
    rebuilt = run_pipguard(["install", "tinylib"], cwd=project, env={"PIPGUARD_REBUILD": "1"})
    assert rebuilt.status != 0
    remount(disk, "rw")
    assert held(project / ".venv") == {"six": "1.15.0"}
    assert run_command([project / ".venv/bin/python", "-c", "import six"]).status == 0
    assert os.listdir(project) == [".venv"]
    assert run_pipguard(words, cwd=project).status == 0


def test_an_uninstall_makes_room(run_pipguard: RunPipguard, disk: Path) -> None:
    home: dict[str, str | None] = {
        **PIPX, "PIPX_HOME": str(disk / "pipx"), "PIPX_BIN_DIR": str(disk / "bin")
    }  # fmt: skip
    assert run_pipguard(["install", "pycowsay"], env=home).status == 0
    fill(disk, 0)
    done = run_pipguard(["uninstall", "-y", "pycowsay"], env=home)
    assert done.status == 0, done.err
    assert not (disk / "pipx/venvs/pycowsay").exists()


def test_libraries_of_a_full_disk_are_unharmed_by_an_uninstall(
    run_pipguard: RunPipguard, disk: Path, use_stand_ins: PackageIndex
) -> None:
    use_stand_ins.add(library("tinyone"))
    project = disk / "project"
    project.mkdir()
    assert run_pipguard(["install", "tinyone", "six"], cwd=project).status == 0
    fill(disk, 0)
    assert run_pipguard(["uninstall", "-y", "tinyone"], cwd=project).status == 0
    assert set(held(project / ".venv")) == {"six"}
