"""sudo in a user's project: nothing in it may become root's."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from pipguard.caller import Caller
from pipguard.environments.sudo import find_owner


def make_caller(directory: Path, user_id: int, **environ: str) -> Caller:
    """Somebody in a folder."""
    return Caller(
        program="pip",
        itself="/no/pipguard",
        python="/no/python",
        argv=("install", "six"),
        environ=environ,
        directory=str(directory),
        home="/root",
        user_id=user_id,
        new_output=None,
        is_terminal=False,
    )


def test_nobody_steps_down_without_sudo_or_need(tmp_path: Path) -> None:
    own = str(os.getuid())
    assert find_owner(make_caller(tmp_path, 1000, SUDO_UID=own)) is None
    assert find_owner(make_caller(tmp_path, 0)) is None
    for written in ("0", "", "-1", "x", "²", "99999999"):
        assert find_owner(make_caller(tmp_path, 0, SUDO_UID=written)) is None
    assert find_owner(make_caller(tmp_path / "gone", 0, SUDO_UID="1")) is None


def test_the_owner_is_who_typed_sudo_in_their_own_folder(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root to give a folder away")
    somebody = pwd.getpwnam("nobody")
    caller = make_caller(tmp_path, 0, SUDO_UID=str(somebody.pw_uid), SUDO_USER="liar")
    assert find_owner(caller) is None
    os.chown(tmp_path, somebody.pw_uid, -1)
    owner = find_owner(caller)
    assert owner is not None
    assert (owner.name, owner.user_id) == ("nobody", somebody.pw_uid)
