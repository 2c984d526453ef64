"""Each way in which pipguard may have been installed has its own way to a newer one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import CHECKOUT
from harness.callers import make_caller

from pipguard.caller import Caller
from pipguard.commands.upgrade_self import CannotUpgrade, plan_upgrade


@pytest.fixture
def caller(project: Path, home: Path) -> Caller:
    return make_caller(project, home, XDG_DATA_HOME=str(home / "data"))


def test_pipx_upgrades_what_it_installed(project: Path, home: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "venvs/pipguard-shim"
    prefix.mkdir(parents=True)
    (prefix / "pipx_metadata.json").touch()
    caller = make_caller(project, home, PIPX_HOME=str(tmp_path))
    commands = plan_upgrade(caller, str(tmp_path), str(prefix))
    assert [command[-2:] for command in commands] == [("upgrade", "pipguard-shim")]
    with pytest.raises(CannotUpgrade, match="where your pipx does not keep"):
        plan_upgrade(make_caller(project, home), str(tmp_path), str(prefix))


def test_uv_upgrades_what_it_installed(caller: Caller, tmp_path: Path) -> None:
    (tmp_path / "uv-receipt.toml").touch()
    with pytest.raises(CannotUpgrade, match="no uv on PATH"):
        plan_upgrade(make_caller(tmp_path, PATH=""), str(tmp_path), str(tmp_path))
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "uv").touch(mode=0o755)
    commands = plan_upgrade(make_caller(tmp_path, PATH=str(programs)), str(tmp_path), str(tmp_path))
    assert commands == [(str(programs / "uv"), "tool", "upgrade", tmp_path.name)]


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("/usr/lib/pipguard/lib/python3/site-packages", "Debian package"),
        ("{data}/pipguard/zipapp/0123-3.11", "single file"),
        ("{data}/elsewhere", "lies in"),
    ],
)
def test_what_it_cannot_do_it_says(caller: Caller, folder: str, said: str, tmp_path: Path) -> None:
    place = folder.format(data=caller.environ["XDG_DATA_HOME"])
    with pytest.raises(CannotUpgrade, match=said):
        plan_upgrade(caller, place, str(tmp_path))


def test_a_checkout_that_follows_nothing_runs_as_it_is(caller: Caller, tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("pipguard", "install"):
        os.symlink(CHECKOUT / "scripts" / name, tmp_path / "scripts" / name)
    with pytest.raises(CannotUpgrade, match="runs as it is"):
        plan_upgrade(caller, str(tmp_path), str(tmp_path / "no environment"))
