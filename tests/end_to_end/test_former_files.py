"""What an upgrade or an uninstall takes away is kept, and undo brings back exactly that."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from harness.running import RunPipguard, run_command
from harness.wheels import PackageIndex, Release, application, build_wheel, library

from pipguard.environments.distributions import list_distributions

pytestmark = [pytest.mark.usefixtures("managed_python", "project", "nobody_has_anything")]


@pytest.fixture
def nobody_has_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip finds what a test names by a path, and nothing else."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIPGUARD_ROUTE", "venv")


def run_well(run: RunPipguard, *words: str | Path) -> str:
    done = run(words)
    assert done.status == 0, done.err + done.out
    return done.out


def read_tree(environment: Path) -> Mapping[str, tuple[int, bytes]]:
    """Mode and content of every file that pip has put there, but for bytecode."""
    return {
        str(path.relative_to(environment)): (path.stat().st_mode, path.read_bytes())
        for path in environment.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and ".pipguard" not in path.parts
    }


def held(project: Path) -> dict[str, str]:
    found = list_distributions(str(project / ".venv"))
    return {n: v for n, v in found.items() if n not in {"pip", "setuptools", "wheel"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


@pytest.fixture
def tinylib_index(package_index: PackageIndex, monkeypatch: pytest.MonkeyPatch) -> PackageIndex:
    """An index that pip asks after all, with two versions of a library."""
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("PIP_INDEX_URL", package_index.url)
    package_index.add(library("tinylib", "1.0"), library("tinylib", "2.0"))
    return package_index


def build_full_wheel(folder: Path, version: str) -> Path:
    """A wheel with a command, a script, a data file, a header, and names that are not plain."""
    release = application("tiny-app", version)
    data = f"{release.stem}.data"
    more = {
        f"{data}/scripts/tiny-script": "#!python\nprint('script')\n",
        f"{data}/data/share/tiny/a b.txt": f"data {version}\n",
        f"{data}/headers/tiny.h": "/* header */\n",
        "tiny_data/päth.txt": "text\n",
    }
    release = Release(
        "tiny-app", version, {**release.modules, **more}, {"tiny-app": "tiny_app:main"}
    )
    return build_wheel(release, folder)


def test_an_upgrade_goes_back_byte_for_byte(
    run_pipguard: RunPipguard, project: Path, folder: Path
) -> None:
    run_well(run_pipguard, "install", "--find-links", folder, build_full_wheel(folder, "1.0"))
    (project / ".venv/bin/tiny-script").chmod(0o755)  # the wheels of these tests have no modes
    before = read_tree(project / ".venv")
    run_well(run_pipguard, "install", build_full_wheel(folder, "2.0"))
    assert read_tree(project / ".venv") != before
    shutil.rmtree(folder)
    run_well(run_pipguard, "guard", "undo")
    assert read_tree(project / ".venv") == before
    done = run_command([project / ".venv/bin/tiny-app", "works"])
    assert done.out == "tiny-app 1.0 works\n"
    assert run_command([project / ".venv/bin/tiny-script"]).out == "script\n"


def test_an_uninstall_goes_back_and_away_and_back(
    run_pipguard: RunPipguard, project: Path, folder: Path
) -> None:
    build_wheel(library("tinyneeds", requires=("tinylib",)), folder)
    build_wheel(library("tinylib"), folder)
    run_well(run_pipguard, "install", "--find-links", folder, "tinyneeds")
    before = read_tree(project / ".venv")
    run_well(run_pipguard, "uninstall", "--yes", "tinyneeds", "tinylib")
    shutil.rmtree(folder)
    run_well(run_pipguard, "guard", "undo")
    after = read_tree(project / ".venv")
    assert held(project) == {"tinyneeds": "1.0", "tinylib": "1.0"}
    # It was not asked for by name the first time.
    assert set(after) - set(before) == {
        name for name in after if name.endswith("tinylib-1.0.dist-info/REQUESTED")
    }


def test_what_a_dependency_was_comes_back_too(
    run_pipguard: RunPipguard, project: Path, folder: Path
) -> None:
    for version in ("1.0", "2.0"):
        build_wheel(library("tinylib", version), folder)
        needed = (f"tinylib=={version}",)
        build_wheel(library("tinyneeds", version, requires=needed), folder)
    run_well(run_pipguard, "install", "--find-links", folder, "tinyneeds==1.0")
    run_well(run_pipguard, "install", "--find-links", folder, "--upgrade", "tinyneeds")
    assert held(project) == {"tinyneeds": "2.0", "tinylib": "2.0"}
    shutil.rmtree(folder)
    run_well(run_pipguard, "guard", "undo")
    assert held(project) == {"tinyneeds": "1.0", "tinylib": "1.0"}


@pytest.mark.parametrize("damage", ["edited", "gone", "no hash"])
def test_what_was_changed_by_hand_is_not_given_back(
    run_pipguard: RunPipguard, project: Path, tinylib_index: PackageIndex, damage: str
) -> None:
    run_well(run_pipguard, "install", "tinylib==1.0")
    (module,) = (project / ".venv").rglob("site-packages/tinylib.py")
    (record,) = (project / ".venv").rglob("tinylib-1.0.dist-info/RECORD")
    before = module.read_bytes()
    if damage == "edited":
        module.write_text("changed = True\n")
    elif damage == "gone":
        module.unlink()
    else:
        record.write_text(record.read_text().replace("tinylib.py,sha256=", "tinylib.py,,"))
    run_well(run_pipguard, "install", "--upgrade", "tinylib")
    run_well(run_pipguard, "guard", "undo")
    assert module.read_bytes() == before


def test_an_install_that_changes_nothing_keeps_nothing(
    run_pipguard: RunPipguard, project: Path, folder: Path
) -> None:
    wheel = build_wheel(library("tinylib"), folder)
    run_well(run_pipguard, "install", wheel)
    (module,) = (project / ".venv").rglob("site-packages/tinylib.py")
    assert os.stat(module).st_nlink == 1
    run_well(run_pipguard, "install", "--force-reinstall", wheel)
    assert list((project / ".venv/.pipguard/former").iterdir()) == []
    assert held(project) == {"tinylib": "1.0"}


def test_others_cannot_slip_something_in(
    run_pipguard: RunPipguard, project: Path, tinylib_index: PackageIndex
) -> None:
    """What is kept where somebody else may write is not used."""
    run_well(run_pipguard, "install", "tinylib==1.0")
    run_well(run_pipguard, "install", "--upgrade", "tinylib")
    (project / ".venv/.pipguard/former").chmod(0o777)
    (tinylib_index.folder / "simple/tinylib/index.html").unlink()
    done = run_pipguard(["guard", "undo"])
    assert done.status == 1
    assert "is no longer available" in done.err
    assert held(project) == {"tinylib": "2.0"}
