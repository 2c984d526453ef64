"""Our own folders, against platformdirs; and what may be kept in them."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path

import pytest
from packaging.version import Version
from platformdirs import PlatformDirs

from pipguard.system.folders import (
    cache_folder,
    configuration_folders,
    data_folder,
    is_private,
    open_private_folder,
    state_folder,
)

needs_linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="needs another platform: Linux"
)

VALUES = {
    "nothing": "",
    "absolute": "/somewhere/else",
    "relative": "somewhere/else",
    "with-blanks": "/some where",
    "two": "/first:/second",
    "relative-first": "first:/second",
}
VARIABLES = (
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_CONFIG_DIRS",
)


@needs_linux
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("variable", VARIABLES)
def test_folders_are_where_platformdirs_has_them(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_relative = not value.startswith("/") and value
    if is_relative and Version(importlib.metadata.version("platformdirs")) < Version("4.12"):
        pytest.skip("an older platformdirs takes relative values as they are")
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    folders = PlatformDirs("pipguard", appauthor=False)

    assert cache_folder(os.environ) == folders.user_cache_dir
    assert data_folder(os.environ) == folders.user_data_dir
    assert state_folder(os.environ) == folders.user_state_dir
    assert configuration_folders(os.environ) == (folders.site_config_dir, folders.user_config_dir)


@needs_linux
def test_a_relative_home_counts_as_none() -> None:
    import pwd

    real_home = pwd.getpwuid(os.getuid()).pw_dir

    assert cache_folder({"HOME": "here"}, "x") == f"{real_home}/.cache/pipguard/x"


@needs_linux
def test_a_folder_without_a_home_is_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)

    assert cache_folder({}, "x") == ""
    assert not open_private_folder("")


def test_a_private_folder_is_made_for_the_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"

    assert open_private_folder(str(folder))
    assert folder.stat().st_mode & 0o777 == 0o700


def test_what_others_may_write_to_is_not_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)

    assert not is_private(tmp_path.stat())
    assert not open_private_folder(str(tmp_path))


def test_a_file_in_the_place_of_a_folder_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert not open_private_folder(str(tmp_path / "file" / "inside"))
