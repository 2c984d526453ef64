"""`scripts/release` and `scripts/build-deb` on a copy of the checkout with a history of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from harness.copies import copy_checkout
from harness.repositories import commit, git
from harness.running import Result, run_command
from harness.wheels import PackageIndex

PROGRAM = "def main():\n    return 7\n"


@pytest.fixture
def checkout(tmp_path: Path, use_stand_ins: PackageIndex) -> Path:
    """A repository with two tags, and an index with all that is needed."""
    if not shutil.which("dpkg-deb"):
        pytest.skip("needs another platform: there is no dpkg-deb")
    folder = tmp_path / "my checkout"
    wheel = next(use_stand_ins.find_links.glob("tinylib-2.0-*.whl"))
    copy_checkout(folder, PROGRAM, wheel)
    git(folder, "init", "-q")
    commit(folder, "Begin")
    tag(folder, "0.0.1")
    (folder / "pipguard/cli.py").write_text(PROGRAM.replace("7", "8"))
    commit(folder, "Return eight")
    tag(folder, "0.1.0")
    return folder


def tag(folder: Path, version: str) -> None:
    project = folder / "pyproject.toml"
    lines = project.read_text().splitlines(keepends=True)
    changed = (f'version = "{version}"\n' if line.startswith("version = ") else line
               for line in lines)  # fmt: skip
    project.write_text("".join(changed))
    commit(folder, f"Release {version}")
    git(folder, "tag", f"v{version}")


def release(checkout: Path, name: str, output: Path) -> Result:
    script = checkout / "scripts/release.py"
    return run_command([sys.executable, "-I", script, name, "--output", output])


def test_a_release_is_made_of_the_tag_alone(checkout: Path, tmp_path: Path) -> None:
    (checkout / "pipguard/cli.py").write_text("changed since\n")
    (checkout / "pipguard/stranger.py").write_text("not committed\n")
    outputs = [tmp_path / "first", tmp_path / "second"]
    for output in outputs:
        done = release(checkout, "v0.1.0", output)
        assert done.status == 0, done.err
    contents = [{path.name: path.read_bytes() for path in o.iterdir()} for o in outputs]
    assert contents[0] == contents[1]
    made = contents[0]
    assert sorted(made) == [
        "CHANGES.md", "SHA256SUMS", "pipguard.pyz", "pipguard_0.1.0_all.deb",
        "pipguard_shim-0.1.0-py3-none-any.whl", "pipguard_shim-0.1.0.tar.gz",
    ]  # fmt: skip
    sums = dict(line.split("  ")[::-1] for line in made["SHA256SUMS"].decode().splitlines())
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in made.items()}
    assert sums == {name: value for name, value in hashes.items() if name != "SHA256SUMS"}
    changes = made["CHANGES.md"].decode()
    assert "Since v0.0.1:\n\n- Release 0.1.0\n- Return eight\n" in changes
    with zipfile.ZipFile(outputs[0] / "pipguard_shim-0.1.0-py3-none-any.whl") as wheel:
        assert wheel.read("pipguard/cli.py").decode() == PROGRAM.replace("7", "8")
        names = wheel.namelist()
    assert {"pipguard/commands/topics/places.txt", "pipguard/commands/schemas.json"} <= set(names)
    assert not any("stranger" in name or name.startswith("tests") for name in names)


def test_what_is_not_ready_is_not_released(checkout: Path, tmp_path: Path) -> None:
    output = tmp_path / "dist"
    git(checkout, "tag", "v9.9")
    done = release(checkout, "v9.9", output)
    assert (done.status, done.out) == (1, "")
    assert "the tag is v9.9, and pyproject.toml has the version ['0.1.0']" in done.err
    assert release(checkout, "v7", output).status == 1
    (checkout / "pipguard/other.py").write_text('VERSION = "0.2.0"\n')
    commit(checkout, "Say it twice")
    tag(checkout, "0.2.0")
    done = release(checkout, "v0.2.0", output)
    assert "the version stands in pipguard/other.py, too" in done.err
    assert not output.exists()
    output.mkdir()
    (output / "mine").touch()
    assert "is not empty" in release(checkout, "v0.1.0", output).err
    assert os.listdir(output) == ["mine"]


def test_the_debian_package_has_what_debian_expects(checkout: Path, tmp_path: Path) -> None:
    script = checkout / "scripts/build_deb.py"
    done = run_command([sys.executable, "-I", script, "--output", tmp_path])
    assert done.status == 0, done.err
    package = tmp_path / "pipguard_0.1.0_all.deb"
    assert done.out == f"{package}\n"
    fields = run_command(["dpkg-deb", "-f", package, "Package", "Version", "Depends"]).out
    assert fields.startswith("Package: pipguard\nVersion: 0.1.0\nDepends: python3 (>= 3.11)")
    listed = run_command(["dpkg-deb", "-c", package]).out.splitlines()
    assert all(line.split()[1] == "root/root" for line in listed)
    paths = {line.split()[5].removeprefix(".") for line in listed}
    assert {
        "/usr/bin/pipguard",
        "/etc/xdg/pipguard/config.toml",
        "/usr/share/man/man1/pipguard.1.gz",
        "/usr/share/bash-completion/completions/pipguard",
        "/usr/share/zsh/vendor-completions/_pipguard",
        "/usr/share/fish/vendor_completions.d/pipguard.fish",
        "/usr/share/doc/pipguard/copyright",
        "/usr/lib/pipguard/lib/python3/site-packages/pipguard/cli.py",
        "/usr/lib/pipguard/lib/python3/site-packages/tinylib.py",
    } <= paths
    assert not any("shims/" in path and path.startswith("/usr/local") for path in paths)
    assert run_command(["dpkg-deb", "--ctrl-tarfile", package]).status == 0
