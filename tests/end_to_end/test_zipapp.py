"""`scripts/build-zipapp` on a copy of the checkout: one file that just runs, built twice alike."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from harness.copies import copy_checkout
from harness.fakes import MakeFakePip, Transcript
from harness.managed import MakeManagedPython, Recipe
from harness.running import Environment, Result, run_command
from harness.wheels import PackageIndex

PROGRAM = """\
import sys
import tinylib

def main():
    print("VERSION", tinylib.__version__, *sys.argv)
    return 7
"""


@pytest.fixture
def checkout(tmp_path: Path, use_stand_ins: PackageIndex) -> Path:
    folder = tmp_path / "my checkout"
    wheel = next(use_stand_ins.find_links.glob("tinylib-2.0-*.whl"))
    copy_checkout(folder, PROGRAM, wheel)
    return folder


def build(checkout: Path, output: Path) -> Path:
    script = checkout / "scripts/build_zipapp.py"
    done = run_command([sys.executable, "-I", script, "--output", output])
    assert done.status == 0, done.err
    return output


@pytest.fixture
def zipapp(
    checkout: Path, home: Path, make_managed: MakeManagedPython, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """It, and a Python without pip on PATH; no index can be asked from here on."""
    built = build(checkout, home / "pipguard.pyz")
    python = make_managed(Recipe(pip=None, ensurepip=False))
    monkeypatch.setenv("PATH", f"{python.commands}:{os.environ['PATH']}")
    monkeypatch.setenv("PIP_INDEX_URL", "file:///nowhere")
    return built


def run(zipapp: Path, *words: str, env: Environment | None = None) -> Result:
    return run_command([zipapp, *words], env=env)


def unpacked(home: Path) -> list[Path]:
    folder = home / "xdg-data/pipguard/zipapp"
    return sorted(folder.iterdir()) if folder.exists() else []


def test_it_unpacks_once_and_then_just_runs(zipapp: Path, home: Path) -> None:
    first = run(zipapp, "a b", "é")
    assert (first.status, first.out) == (7, f"VERSION 2.0 {zipapp} a b é\n")
    assert first.err.startswith("pipguard: setting up, once: ")
    assert len(first.err.splitlines()) == 1
    assert len(unpacked(home)) == 1
    assert run(zipapp).err == ""


def test_the_same_checkout_gives_the_same_bytes(checkout: Path, tmp_path: Path) -> None:
    first = build(checkout, tmp_path / "first.pyz")
    for file in checkout.rglob("*"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    assert build(checkout, tmp_path / "second.pyz").read_bytes() == first.read_bytes()
    (checkout / "pipguard/cli.py").write_text(PROGRAM.replace("VERSION", "OTHER"))
    assert build(checkout, tmp_path / "third.pyz").read_bytes() != first.read_bytes()


def test_of_former_ones_the_last_stays(
    checkout: Path, home: Path, use_stand_ins: PackageIndex, zipapp: Path
) -> None:
    assert run(zipapp).status == 7
    for word in ("NEWER", "NEWEST"):
        (checkout / "pipguard/cli.py").write_text(PROGRAM.replace("VERSION", word))
        os.environ["PIP_INDEX_URL"] = use_stand_ins.url
        assert run(build(checkout, zipapp)).out.startswith(f"{word} 2.0")
    assert len(unpacked(home)) == 2


def test_an_interpreter_that_is_gone_is_found_again(zipapp: Path, home: Path) -> None:
    run(zipapp)
    (place,) = unpacked(home)
    (place / "environment/bin/python").unlink()
    (place / "environment/bin/python").symlink_to("/nowhere/python")
    again = run(zipapp)
    assert again.status == 7
    assert "setting up" in again.err
    assert unpacked(home) == [place]


def test_where_it_cannot_be_unpacked_the_real_pip_answers(
    zipapp: Path, home: Path, fake_pip: MakeFakePip
) -> None:
    fake_pip(Transcript("pip", 3, b"pip's own answer\n"))
    (home / "file").touch()
    env = {"XDG_DATA_HOME": f"{home}/file"}
    done = run(zipapp, "list", env=env)
    assert (done.status, done.out) == (3, "pip's own answer\n")
    assert "so the real pip does it" in done.err
    own = run(zipapp, "guard", "status", env=env)
    assert (own.status, own.out) == (1, "")
    assert "Traceback" not in own.err
