"""Small disks in memory, mounted for a test.

In: a folder, which is made, and options of tmpfs. Out: the folder as a disk, empty. A test is
skipped where nobody may mount.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import OUTSIDE

from harness.running import run_command

_MOUNT = shutil.which("mount", path=OUTSIDE["PATH"])
_UNMOUNT = shutil.which("umount", path=OUTSIDE["PATH"])


@contextmanager
def mount_disk(folder: Path, options: str) -> Iterator[Path]:
    """Mount it, and take it away at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0 or not _MOUNT or not _UNMOUNT:
        pytest.skip("needs root")
    if run_command([_MOUNT, "-t", "tmpfs", "-o", options, "tmpfs", folder]).status != 0:
        pytest.skip("needs root that may mount")
    try:
        yield folder
    finally:
        assert run_command([_UNMOUNT, "-l", folder]).status == 0


def remount(disk: Path, options: str) -> None:
    """Let a disk be read-only, or be written to again."""
    assert _MOUNT
    assert run_command([_MOUNT, "-o", f"remount,{options}", disk]).status == 0
