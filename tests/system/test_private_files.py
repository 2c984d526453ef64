"""Files that only the user may change: written whole, through no link, without a draft left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipguard.system.folders import list_names, list_readable_names
from pipguard.system.private_files import read_private_file, remove_oldest, write_private_file


def test_what_is_written_is_read_and_the_users_alone(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    assert write_private_file(str(path), b"one")
    assert write_private_file(str(path), b"two")
    assert read_private_file(str(path), 3) == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert os.listdir(path.parent) == ["file"]


def test_a_file_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    write_private_file(str(tmp_path / "file"), b"four")
    assert read_private_file(str(tmp_path / "file"), 3) is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_to_is_not_believed(tmp_path: Path, mode: int) -> None:
    write_private_file(str(tmp_path / "file"), b"x")
    (tmp_path / "file").chmod(mode)
    assert read_private_file(str(tmp_path / "file"), 9) is None


def test_links_are_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"mine")
    link = tmp_path / "file"
    link.symlink_to(precious)
    assert read_private_file(str(link), 9) is None
    (tmp_path / f"file.{os.getpid()}").symlink_to(precious)  # where the draft will be
    assert write_private_file(str(link), b"new")
    assert (precious.read_bytes(), link.read_bytes(), link.is_symlink()) == (b"mine", b"new", False)


def test_a_folder_that_others_may_write_to_takes_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert not write_private_file(str(tmp_path / "file"), b"x")
    assert os.listdir(tmp_path) == []


def test_what_cannot_be_written_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "file" / "inside").mkdir(parents=True)
    assert not write_private_file(str(tmp_path / "file"), b"x")
    assert os.listdir(tmp_path) == ["file"]
    assert not write_private_file("", b"x")


def test_the_older_half_is_removed(tmp_path: Path) -> None:
    for number in range(10):
        path = tmp_path / str(number)
        path.touch()
        os.utime(path, (number, number))
    remove_oldest(str(tmp_path), 10)
    assert len(os.listdir(tmp_path)) == 10
    remove_oldest(str(tmp_path), 9)
    assert list_names(str(tmp_path)) == ["5", "6", "7", "8", "9"]


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    assert list_names(str(tmp_path / "missing")) == []
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(OSError, match="Too many levels"):
        list_names(str(loop))
    assert list_readable_names(str(loop)) == []
