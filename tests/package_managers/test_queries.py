"""Asking package managers: what they warn of spoils no answer, and no answer is not a no."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from harness.callers import make_caller
from harness.managed import write_executable

from pipguard.classification.targets import read_target
from pipguard.package_managers.queries import (
    ManagerSilent,
    describe_packages,
    find_owner,
    find_package,
    find_taken_along,
    load_manager,
)

FORMULA = {
    "name": "numpy",
    "versions": {"stable": "2.1.3"},
    "dependencies": ["python@3.13"],
    "build_dependencies": [],
}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH for stand-ins of package managers."""
    folder = tmp_path / "programs"
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def test_a_warning_of_homebrews_does_not_spoil_its_json(programs: Path, tmp_path: Path) -> None:
    answer = json.dumps({"formulae": [FORMULA]})
    text = f"#!/bin/sh\necho 'Warning: out of date' >&2\n[ $1 = list ] || echo '{answer}'\n"
    write_executable(programs / "brew", text)
    caller = make_caller(tmp_path)
    found = find_package(load_manager("brew"), read_target("numpy", "/"), caller)
    assert (found.package, found.version, found.installed) == ("numpy", "2.1.3", "")


def test_what_rpm_says_of_a_removal_is_on_stderr(programs: Path, tmp_path: Path) -> None:
    text = "#!/bin/sh\necho '\tx is needed by (installed) y-1.0' >&2; exit 1\n"
    write_executable(programs / "rpm", text)
    caller = make_caller(tmp_path)
    assert find_taken_along(load_manager("dnf"), ["x"], caller) == ("y-1.0",)


def test_a_manager_that_cannot_be_asked_is_no_answer(programs: Path, tmp_path: Path) -> None:
    caller = make_caller(tmp_path)
    apt = load_manager("apt")
    with pytest.raises(ManagerSilent, match="dpkg-query cannot be started"):
        find_owner(apt, "/usr/lib/x", caller)
    write_executable(programs / "apt-cache", "#!/nowhere/sh\n")
    with pytest.raises(ManagerSilent, match="apt-cache cannot be started"):
        find_package(apt, read_target("six", "/"), caller)


@pytest.mark.parametrize(
    ("list_name", "said"),
    [
        ("", "apt has no lists here, so it cannot tell"),
        ("x_dists_bookworm_main_binary-amd64_Packages.lz4", "apt has no package for it"),
    ],
)
def test_without_lists_unknown_is_not_no(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, list_name: str, said: str
) -> None:
    write_executable(programs / "apt-cache", "#!/bin/sh\nexit 0\n")
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "lock").touch()
    if list_name:
        (lists / list_name).touch()
    apt = load_manager("apt")
    monkeypatch.setattr(apt, "lists", str(lists))
    target = read_target("no-such-name", "/")
    assert describe_packages(apt, [target], make_caller(tmp_path)) == {"no-such-name": said}
