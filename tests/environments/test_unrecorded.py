"""What a real virtualenv and a real pip put into an environment is theirs, all else the user's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from harness.wheels import application, build_wheel

from pipguard.environments.unrecorded import list_unrecorded


@pytest.mark.parametrize("maker", ["virtualenv", "venv"])
def test_only_the_users_files_are_listed(tmp_path: Path, maker: str) -> None:
    environment = tmp_path / "environment"
    quiet = ("--quiet", "--no-periodic-update") if maker == "virtualenv" else ("--without-pip",)
    subprocess.run([sys.executable, "-I", "-m", maker, *quiet, str(environment)], check=True)
    assert list_unrecorded(str(environment)) == []
    if maker == "virtualenv":
        wheel = str(build_wheel(application("tool"), tmp_path))
        words = ("-I", "-m", "pip", "--isolated", "install", "--quiet", "--no-index", wheel)
        subprocess.run([environment / "bin/python", *words], check=True)
        assert list_unrecorded(str(environment)) == []
    (site,) = environment.glob("lib/*/site-packages")
    for path in (site / "own.pth", environment / "bin/tool.sh", environment / "data/f"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (environment / "link").symlink_to("/")
    found = list_unrecorded(str(environment))
    assert found == ["bin/tool.sh", "data/f", f"{site.relative_to(environment)}/own.pth", "link"]
