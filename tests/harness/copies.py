"""A copy of the checkout with a small program and a lock of one small wheel.

In: a folder, the wheel. Out: the copy, so that nothing but what installs or packs it is tested.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from conftest import CHECKOUT


def copy_checkout(folder: Path, program: str, wheel: Path) -> None:
    """Copy the checkout; its entry point is `program`, its only dependency the wheel."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("scripts", "pipguard"):
        shutil.copytree(CHECKOUT / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, folder / name)
    (folder / "pipguard/cli.py").write_text(program)
    name, version = wheel.name.split("-")[:2]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = f"{name}=={version} --hash=sha256:{digest}\n"
    (folder / "scripts/requirements.txt").write_text(lock)
