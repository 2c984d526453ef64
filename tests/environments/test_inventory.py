"""What a location holds; what cannot be found out is an error, never an empty location."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness.managed import write_executable

from pipguard.environments.distributions import Unreadable, list_distributions
from pipguard.environments.inspect import inspect_environment
from pipguard.environments.inventory import Location, compare_inventories, read_inventory


def listing(folder: Path, text: str) -> Location:
    """The system's packages, as a shell script lists them."""
    script = write_executable(folder / "list", f"#!/bin/sh\n{text}\n")
    return Location("system", "apt", listing=(str(script),))


def read(location: Location) -> dict[str, str]:
    found = read_inventory(location, dict(os.environ)).packages
    return {name: package.version for name, package in found.items()}


def test_the_systems_packages(tmp_path: Path) -> None:
    text = "printf 'bash\\t5.2\\tinstalled\\nold\\t1.0\\tconfig-files\\nlibc6\\t2.36\\n'"
    assert read(listing(tmp_path, text)) == {"bash": "5.2", "libc6": "2.36"}


@pytest.mark.parametrize(
    "text",
    [
        "printf 'bash\\t5.2\\tinstalled\\n'; exit 2",
        "echo 'E: cannot open the database' >&2; exit 1",
        "kill -9 $$",
    ],
    ids=["half of it", "with a reason", "killed"],
)
def test_a_list_that_fails_is_not_an_empty_system(tmp_path: Path, text: str) -> None:
    if "kill" in text:
        text = f"echo bash 5.2; {text}"
    with pytest.raises(Unreadable, match="does not list the installed packages"):
        read(listing(tmp_path, text))


def test_a_list_that_cannot_be_started_is_not_an_empty_system() -> None:
    with pytest.raises(Unreadable):
        read(Location("system", "apt", listing=("/nowhere/dpkg-query",)))


def test_nothing_installed_is_an_empty_system(tmp_path: Path) -> None:
    assert read(listing(tmp_path, "exit 1")) == {}  # pacman -Q


def test_an_environment_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / ".venv"
    (path / "bin").mkdir(parents=True)
    (path / "pyvenv.cfg").touch()
    (path / "bin" / "python").symlink_to("/gone/python")
    (path / "lib").symlink_to("lib")  # a loop: there, and not to be read, even for root
    with pytest.raises(Unreadable):
        list_distributions(str(path))
    with pytest.raises(Unreadable):
        read(Location("environment", str(path)))
    found = inspect_environment(str(path), lambda _: None)
    assert (found.state, found.requirements) == ("untrusted", ())
    assert found.problem.startswith(f"{path}/lib cannot be read: Too many levels")


def test_changes_are_what_differs(tmp_path: Path) -> None:
    location = Location("site", str(tmp_path))
    (tmp_path / "six-1.0.dist-info").mkdir()
    before = read_inventory(location, {})
    (tmp_path / "six-1.0.dist-info").rename(tmp_path / "six-2.0.dist-info")
    (tmp_path / "Tiny_Lib-1.0.dist-info").mkdir()
    changes = compare_inventories(before, read_inventory(location, {}))
    versions = {
        c.name: (c.before and c.before.version, c.after and c.after.version) for c in changes
    }
    assert versions == {"six": ("1.0", "2.0"), "tiny-lib": (None, "1.0")}
