"""`scripts/install` in a home of its own: installed, brought up to date, and gone again.

A copy of the checkout has an entry point that prints what it was given and a lock of one small
wheel, so that nothing but the installation is tested; the index is a folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import CHECKOUT
from harness.copies import copy_checkout
from harness.disks import mount_disk
from harness.managed import MakeManagedPython, Recipe
from harness.repositories import commit, git
from harness.running import Environment, Result, needs_git, run_command
from harness.wheels import PackageIndex

PROGRAM = """\
import sys
import tinylib

def main():
    if sys.argv[1:3] == ["guard", "upgrade-self"]:
        from pipguard.real_cli import main as real

        return real()
    if sys.argv[1:] == ["wait"]:
        print("ready", flush=True)
        sys.stdin.read()
        from pipguard import late
    elif sys.argv[1:3] == ["guard", "shims"]:
        print("shims", sys.argv[3])
    elif sys.argv[1:3] == ["guard", "shell-init"]:
        print("pip() { echo defined; }")
    else:
        print("VERSION", tinylib.__version__, *sys.argv[1:])
"""


@dataclass(frozen=True)
class Copy:
    """A copy of the checkout that a test may spoil."""

    folder: Path
    home: Path

    @property
    def link(self) -> Path:
        """The command that is installed."""
        return self.home / ".local/bin/pipguard"

    @property
    def versions(self) -> list[Path]:
        """The versions that are there, without the link to the current one."""
        folder = self.home / "data/pipguard/installed"
        return [p for p in sorted(folder.iterdir()) if p.is_dir() and not p.is_symlink()]

    def install(self, *words: str, env: Environment | None = None) -> Result:
        """Run `scripts/install`."""
        return run_command([self.folder / "scripts/install", *words], env=env)

    def change(self, old: str, new: str) -> None:
        """Change the program."""
        program = self.folder / "pipguard/cli.py"
        program.write_text(program.read_text().replace(old, new))


@pytest.fixture
def copy(
    tmp_path: Path,
    home: Path,
    make_managed: MakeManagedPython,
    use_stand_ins: PackageIndex,
    monkeypatch: pytest.MonkeyPatch,
) -> Copy:
    """A checkout in an awkward place and an awkward home; a Python without pip."""
    own = home / "my home"
    folder = tmp_path / "my checkout"
    wheel = next(use_stand_ins.find_links.glob("tinylib-2.0-*.whl"))
    copy_checkout(folder, PROGRAM, wheel)
    shutil.copy(CHECKOUT / "pipguard/cli.py", folder / "pipguard/real_cli.py")
    python = make_managed(Recipe(pip=None, ensurepip=False))
    monkeypatch.setenv("HOME", str(own))
    monkeypatch.setenv("PATH", f"{own}/.local/bin:{python.commands}:{os.environ['PATH']}")
    for name in ("DATA", "CACHE", "STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(own / name.lower()))
    own.mkdir()
    return Copy(folder, own)


def test_installed_updated_and_gone(copy: Copy) -> None:
    first = copy.install()
    assert first.status == 0, first.err
    assert f"installed: {copy.link}" in first.err
    shutil.move(copy.folder, copy.folder.with_name("moved"))
    assert run_command(["pipguard", "list"]).out == "VERSION 2.0 list\n"
    shutil.move(copy.folder.with_name("moved"), copy.folder)

    again = copy.install()
    assert again.status == 0, again.err
    assert "setting up" not in again.err
    assert len(copy.versions) == 1

    for word in ("NEWER", "NEWEST"):
        copy.change(run_command(["pipguard"]).out.split()[0], word)
        assert copy.install().status == 0
        assert run_command(["pipguard"]).out == f"{word} 2.0\n"
    assert len(copy.versions) == 2, "the former one may still be running"

    gone = copy.install("--uninstall")
    assert gone.status == 0, gone.err
    assert [path for path in copy.home.rglob("*") if not path.is_dir()] == []


def test_what_is_the_users_own_stays(copy: Copy) -> None:
    assert copy.install().status == 0
    for name in ("personal", "environments/a"):
        folder = copy.home / "data/pipguard" / name
        folder.mkdir(parents=True)
        (folder / "pyvenv.cfg").touch()
    (copy.home / "config/pipguard").mkdir(parents=True)
    (copy.home / "data/pipguard/answers.txt").touch()
    gone = copy.install("--uninstall")
    assert gone.status == 0, gone.err
    assert gone.err.count(" stays: ") == 3
    assert sorted(p.name for p in (copy.home / "data/pipguard").iterdir()) == [
        "environments", "personal",
    ]  # fmt: skip
    assert copy.install("--uninstall").status == 0


def test_a_new_version_that_fails_leaves_the_old_one(copy: Copy) -> None:
    assert copy.install().status == 0
    copy.change("VERSION", "OTHER")
    lock = copy.folder / "scripts/requirements.txt"
    lock.write_text(lock.read_text()[:-2] + "0\n")  # a hash that is not the wheel's
    failed = copy.install()
    assert failed.status == 1
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in failed.err
    assert failed.err.splitlines()[-1].startswith("pipguard: cannot install: its dependencies")
    assert run_command(["pipguard"]).out == "VERSION 2.0\n"
    assert len(copy.versions) == 1


def test_two_at_once_make_one(copy: Copy) -> None:
    command = [str(copy.folder / "scripts/install")]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    answers = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    assert sum(b"setting up" in stderr for _, stderr in answers) == 1
    assert run_command(["pipguard"]).out == "VERSION 2.0\n"


def test_a_command_that_runs_goes_on_beside_a_new_version(copy: Copy) -> None:
    (copy.folder / "pipguard/late.py").write_text("print('late')\n")
    assert copy.install().status == 0
    pipe = subprocess.PIPE
    with subprocess.Popen([str(copy.link), "wait"], stdin=pipe, stdout=pipe) as running:
        assert running.stdout
        assert running.stdout.readline() == b"ready\n"
        copy.change("VERSION", "NEWER")
        (copy.folder / "pipguard/late.py").unlink()
        assert copy.install().status == 0
        out, _ = running.communicate(b"")
    assert (out, running.returncode) == (b"late\n", 0)
    assert run_command(["pipguard"]).out == "NEWER 2.0\n"


def test_where_no_program_can_be_run_it_says_so_and_leaves_nothing(copy: Copy) -> None:
    with mount_disk(copy.home, "noexec"):
        done = copy.install()
        assert list(copy.home.iterdir()) == []
    assert done.status == 1
    assert len(done.err.splitlines()) == 1
    assert "which is mounted with noexec; set XDG_DATA_HOME" in done.err


def test_an_rc_file_that_cannot_be_written(copy: Copy) -> None:
    (copy.home / ".bashrc").mkdir()
    done = copy.install("--shell", env={"SHELL": "/bin/bash"})
    assert done.status == 0
    assert "add this line yourself:\n" in done.err
    assert "guard shell-init bash" in done.err.splitlines()[-1]
    assert copy.install("--uninstall").status == 0


def test_without_an_index_it_says_so_and_leaves_nothing(copy: Copy) -> None:
    failed = copy.install(env={"PIP_INDEX_URL": "file:///nowhere"})
    assert failed.status == 1
    assert not copy.link.exists()
    assert copy.versions == []


@pytest.mark.parametrize(("shell", "file"), [("bash", ".bashrc"), ("zsh", ".zshrc")])
def test_the_shells_line_is_added_once_and_taken_out(copy: Copy, shell: str, file: str) -> None:
    rc = copy.home / file
    rc.write_text("alias ll='ls -l'")
    for _ in range(2):
        done = copy.install("--shell", env={"SHELL": f"/bin/{shell}"})
        assert done.status == 0, done.err
    text = rc.read_text()
    assert text.startswith("alias ll='ls -l'\n[ ! -x ")
    assert text.count("pipguard's scripts/install") == 1
    command = f". '{rc}'; pip"
    assert run_command(["bash", "--norc", "-c", command]).out == "defined\n"
    assert copy.install("--uninstall").status == 0
    assert rc.read_text() == "alias ll='ls -l'\n"


def test_a_line_that_is_left_behind_does_no_harm(copy: Copy) -> None:
    assert copy.install("--shell", env={"SHELL": "/bin/bash"}).status == 0
    copy.link.unlink()
    rc = copy.home / ".bashrc"
    done = run_command(["bash", "--norc", "-c", f". '{rc}'; echo fine"])
    assert (done.out, done.err) == ("fine\n", "")


def test_an_rc_file_that_is_a_link_stays_one(copy: Copy) -> None:
    (copy.home / "dotfiles").mkdir()
    (copy.home / "dotfiles/bashrc").touch()
    (copy.home / ".bashrc").symlink_to("dotfiles/bashrc")
    assert copy.install("--shell", env={"SHELL": "/bin/bash"}).status == 0
    assert (copy.home / ".bashrc").is_symlink()
    assert "shell-init bash" in (copy.home / "dotfiles/bashrc").read_text()


def test_fish_has_a_file_of_its_own(copy: Copy) -> None:
    assert copy.install("--shell", env={"SHELL": "/usr/bin/fish"}).status == 0
    file = copy.home / ".config/fish/conf.d/pipguard.fish"
    assert "guard shell-init fish | source" in file.read_text()
    assert copy.install("--uninstall").status == 0
    assert not file.exists()


def test_shims_are_asked_of_what_was_installed(copy: Copy) -> None:
    assert copy.install("--shims").out == "shims install\n"


def test_another_pipguard_is_left_alone(copy: Copy) -> None:
    copy.link.parent.mkdir(parents=True)
    copy.link.write_text("#!/bin/sh\n")
    done = copy.install()
    assert done.status == 1
    assert "is there and not of our making" in done.err
    assert copy.link.read_text() == "#!/bin/sh\n"
    assert copy.install("--uninstall").status == 0
    assert copy.link.exists()


@pytest.fixture
def clone(copy: Copy) -> Copy:
    """The same, as a clone that follows another repository, installed."""
    origin = copy.folder.with_name("origin")
    shutil.move(copy.folder, origin)
    shutil.copy(origin / "scripts/requirements.txt", origin / "scripts/requirements-uv.txt")
    git(origin, "init", "-q")
    commit(origin, "Begin")
    git(origin, "clone", "-q", str(origin), str(copy.folder))
    assert copy.install("--uv").status == 0
    return copy


@needs_git
def test_upgrade_self_takes_what_is_new_and_installs_it(clone: Copy) -> None:
    origin = clone.folder.with_name("origin")
    program = origin / "pipguard/cli.py"
    program.write_text(program.read_text().replace("VERSION", "NEWER"))
    commit(origin, "Be newer")
    done = run_command(["pipguard", "guard", "upgrade-self"])
    assert done.status == 0, done.err
    assert "pull --ff-only\n" in done.err
    assert f"$ '{clone.folder}/scripts/install' --uv\n" in done.err
    assert f"installed: {clone.link}" in done.err
    assert run_command(["pipguard"]).out == "NEWER 2.0\n"


@needs_git
def test_upgrade_self_stops_where_git_cannot_go_forward(clone: Copy) -> None:
    for folder, name in ((clone.folder.with_name("origin"), "theirs"), (clone.folder, "ours")):
        (folder / name).touch()
        commit(folder, "Go another way")
    done = run_command(["pipguard", "guard", "upgrade-self"])
    assert done.status == 128
    assert "installed:" not in done.err
    assert run_command(["pipguard"]).out == "VERSION 2.0\n"


def test_upgrade_self_installs_what_no_git_brings(copy: Copy) -> None:
    assert copy.install().status == 0
    copy.change("VERSION", "NEWER")
    done = run_command(["pipguard", "guard", "upgrade-self"])
    assert done.status == 0, done.err
    assert "pull" not in done.err
    assert run_command(["pipguard"]).out == "NEWER 2.0\n"


def test_upgrade_self_runs_no_checkout_that_others_can_write_to(copy: Copy) -> None:
    assert copy.install().status == 0
    copy.change("VERSION", "STRANGER")
    (copy.folder / "scripts/install").chmod(0o777)
    done = run_command(["pipguard", "guard", "upgrade-self"])
    assert done.status == 1
    assert "scripts/install can be written to by everybody" in done.err
    assert run_command(["pipguard"]).out == "VERSION 2.0\n"


def test_upgrade_self_says_that_the_checkout_is_gone(copy: Copy) -> None:
    assert copy.install().status == 0
    shutil.rmtree(copy.folder)
    done = run_command(["pipguard", "guard", "upgrade-self"])
    assert done.status == 1
    assert f"is gone: {copy.folder}" in done.err


@pytest.fixture
def masked() -> Iterator[None]:
    """Files that are made are the user's alone."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("masked")
def test_with_a_narrow_mask_and_the_locale_c(copy: Copy) -> None:
    done = copy.install(env={"LC_ALL": "C", "LANG": None})
    assert done.status == 0, done.err
    assert run_command(["pipguard"]).out == "VERSION 2.0\n"


def test_without_a_home_it_says_so(copy: Copy) -> None:
    done = copy.install(env={"HOME": ""})
    assert done.status == 1
    assert "your home folder is not known" in done.err


def test_the_locks_have_every_dependency() -> None:
    project = (CHECKOUT / "pyproject.toml").read_text()
    for name in ("requirements.txt", "requirements-uv.txt"):
        lock = (CHECKOUT / "scripts" / name).read_text()
        pinned = {line.partition("==")[0] for line in lock.splitlines() if "==" in line}
        assert {"filelock", "packaging", "pipx", "platformdirs", "tomli", "virtualenv"} <= pinned
        assert all(name in project for name in ("filelock", "packaging", "pipx"))
        assert lock.count("--hash=sha256:") >= len(pinned)
