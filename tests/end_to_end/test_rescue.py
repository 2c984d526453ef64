"""`pip guard rescue`: copies first, then the originals' removal; or nothing at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness.managed import ManagedPython
from harness.running import RunPipguard
from harness.wheels import PackageIndex, Release

from pipguard.environments.distributions import list_distributions

pytestmark = [
    pytest.mark.usefixtures("managed_python", "use_stand_ins", "project"),
]


@pytest.fixture
def damage(
    run_pipguard: RunPipguard,
    use_stand_ins: PackageIndex,
    managed_python: ManagedPython,
    project: Path,
) -> list[str]:
    """A library and an application in the user's folder, put there without us."""
    words = ["install", "--user", "--break-system-packages", "tinylib==1.0", "pycowsay==0.0.0.1"]
    done = run_pipguard(words, env={"PIPGUARD": "off"})
    assert done.status == 0, done.err
    return words


def list_users(python: ManagedPython) -> set[str]:
    """What pip has put into the user's folder."""
    done = python.run("-m", "pip", "list", "--user", "--format=json")
    return {found["name"] for found in json.loads(done.out)}


def copies(home: Path) -> dict[str, str]:
    found = list_distributions(str(home / "xdg-data/pipguard/rescued"))
    return {n: v for n, v in found.items() if n not in {"pip", "setuptools", "wheel"}}


@pytest.mark.usefixtures("damage")
def test_everything_goes_where_it_belongs(
    run_pipguard: RunPipguard, managed_python: ManagedPython, home: Path
) -> None:
    done = run_pipguard(["guard", "rescue", "--dry-run", "--json"])
    goes_to = {found["name"]: found["goes_to"] for found in json.loads(done.out)}
    assert goes_to == {"tinylib": "environment", "pycowsay": "pipx"}
    assert list_users(managed_python) == {"tinylib", "pycowsay"}
    done = run_pipguard(["guard", "rescue"])
    assert done.status == 0, done.err
    assert list_users(managed_python) == set()
    assert copies(home) == {"tinylib": "1.0"}
    application = list_distributions(str(home / "xdg-data/pipx/venvs/pycowsay"))
    assert application["pycowsay"] == "0.0.0.1"
    (listed,) = (home / "xdg-state/pipguard").glob("rescue-*.txt")
    assert "tinylib==1.0\n" in listed.read_text()
    assert run_pipguard(["guard", "rescue"]).out.startswith("nothing to rescue")
    undone = run_pipguard(["guard", "undo"])
    assert undone.status == 0, undone.err
    assert list_users(managed_python) == {"tinylib", "pycowsay"}


@pytest.mark.usefixtures("damage")
def test_a_version_that_is_gone_keeps_the_originals(
    run_pipguard: RunPipguard,
    managed_python: ManagedPython,
    package_index: PackageIndex,
    home: Path,
) -> None:
    env = {"PIP_INDEX_URL": package_index.url, "PIP_NO_CACHE_DIR": "1"}
    done = run_pipguard(["guard", "rescue"], env=env)
    assert done.status == 1
    assert "nothing was removed" in done.err
    assert list_users(managed_python) == {"tinylib", "pycowsay"}
    assert copies(home) == {}
    assert run_pipguard(["guard", "rescue"]).status == 0
    assert list_users(managed_python) == set()


def test_a_copy_that_does_not_work_keeps_the_original(
    run_pipguard: RunPipguard,
    managed_python: ManagedPython,
    package_index: PackageIndex,
) -> None:
    # It only works beside the system's own modules, which the copy does not see.
    text = "import sys\nassert 'rescued' not in sys.prefix\n"
    package_index.add(Release("picky", "1.0", {"picky.py": text}))
    env = {"PIP_INDEX_URL": package_index.url, "PIPGUARD": "off"}
    words = ["install", "--user", "--break-system-packages", "picky"]
    assert run_pipguard(words, env=env).status == 0
    done = run_pipguard(["guard", "rescue"], env={"PIP_INDEX_URL": package_index.url})
    assert done.status == 1
    assert "the copies cannot import picky" in done.err
    assert list_users(managed_python) == {"picky"}


@pytest.mark.usefixtures("damage")
def test_a_list_that_cannot_be_written_stops_it(
    run_pipguard: RunPipguard, managed_python: ManagedPython, home: Path
) -> None:
    (home / "xdg-state").write_text("a file where the folder should be")
    done = run_pipguard(["guard", "rescue"])
    assert done.status == 1
    assert "nothing is done" in done.err
    assert list_users(managed_python) == {"tinylib", "pycowsay"}
