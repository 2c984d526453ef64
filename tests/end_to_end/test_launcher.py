"""`scripts/pipguard` on a copy of the checkout: set-up on first use, and everything against it.

The copy has a small pyproject.toml and an entry point that prints what it was given, so that
nothing but the launcher is tested; the Python on PATH is a managed one, the index a folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from conftest import CHECKOUT
from harness.fakes import MakeFakePip, Transcript
from harness.managed import MakeManagedPython, Recipe, write_executable
from harness.running import Environment, Result, run_command
from harness.wheels import PackageIndex, build_wheel, library

SCRIPTS = CHECKOUT / "scripts"
PROJECT = '[project]\ndependencies = ["tinylib"]\n\n[dependency-groups]\ntest = ["tinyapp"]\n'
PROGRAM = """\
import sys
import tinylib

def main():
    print(*sys.argv[1:], sys.stdin.read(), sep="|")
    print(sys.argv[0], tinylib.__version__, file=sys.stderr)
    return 7
"""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A copy of the checkout that a test may spoil."""

    folder: Path

    @property
    def launcher(self) -> Path:
        """The command."""
        return self.folder / "scripts" / "pipguard"

    @property
    def project(self) -> Path:
        """What it depends on."""
        return self.folder / "pyproject.toml"

    @property
    def environments(self) -> list[Path]:
        """The environments made so far."""
        checkouts = Path(os.environ["XDG_DATA_HOME"], "pipguard", "checkouts")
        return [path for path in checkouts.glob("**/@*") if path.is_dir()]

    def run(self, *words: str, env: Environment | None = None, stdin: bytes = b"") -> Result:
        """Run the launcher."""
        return run_command([self.launcher, *words], env=env, stdin=stdin)


@pytest.fixture
def checkout(
    tmp_path: Path,
    make_managed: MakeManagedPython,
    use_stand_ins: PackageIndex,
    monkeypatch: pytest.MonkeyPatch,
) -> Checkout:
    """A checkout in an awkward place, a Python without pip, and the folder index."""
    folder = tmp_path / "my checkout é"
    shutil.copytree(SCRIPTS, folder / "scripts")
    without_bytecode = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "pipguard", folder / "pipguard", ignore=without_bytecode)
    (folder / "pipguard" / "cli.py").write_text(PROGRAM)
    (folder / "pyproject.toml").write_text(PROJECT)
    python = make_managed(Recipe(pip=None, ensurepip=False))
    monkeypatch.setenv("PATH", f"{python.commands}:{os.environ['PATH']}")
    return Checkout(folder)


def test_first_run_sets_up_and_later_runs_just_start(checkout: Checkout) -> None:
    first = checkout.run("a b", "", "é", stdin=b"all of it")
    assert (first.status, first.out) == (7, "a b||é|all of it\n")
    assert first.err.startswith("pipguard: setting up")
    assert first.err.endswith(f"\n{checkout.launcher} 2.0\n")
    assert len(first.err.splitlines()) == 2
    second = checkout.run("x", env={"PIP_INDEX_URL": "file:///nowhere", "PATH": os.environ["PATH"]})
    assert second == Result(7, b"x|\n", f"{checkout.launcher} 2.0\n".encode())


def test_a_pip_that_is_there_is_used(
    checkout: Checkout, make_managed: MakeManagedPython, package_index: PackageIndex
) -> None:
    package_index.add(library("tinylib", "3.0"))
    python = make_managed()
    path = f"{python.commands}:{os.environ['PATH']}"
    result = checkout.run("x", env={"PATH": path, "PIP_INDEX_URL": package_index.url})
    assert (result.status, result.out) == (7, "x|\n")


def test_a_pip_that_is_too_old_is_not_used(
    checkout: Checkout, make_managed: MakeManagedPython, package_index: PackageIndex
) -> None:
    python = make_managed(Recipe(pip=None))
    with zipfile.ZipFile(build_wheel(library("pip", "22.2"), package_index.find_links)) as wheel:
        wheel.extractall(python.site_packages)
    result = checkout.run("x", env={"PATH": f"{python.commands}:{os.environ['PATH']}"})
    assert (result.status, result.out) == (7, "x|\n")


def test_settings_that_would_send_packages_elsewhere(checkout: Checkout, home: Path) -> None:
    settings = home / "pip.conf"
    settings.write_text(f"[global]\ntarget = {home}/wrong\nrequire-virtualenv = yes\nuser = yes\n")
    wrong = {"PIP_PREFIX": str(home / "wrong"), "PIP_NO_DEPS": "1", "PYTHONPATH": str(home)}
    result = checkout.run("x", env={"PIP_CONFIG_FILE": str(settings), **wrong})
    assert (result.status, result.out) == (7, "x|\n")
    assert not (home / "wrong").exists()


def test_called_by_another_name_through_links(checkout: Checkout, home: Path) -> None:
    (home / "bin").mkdir()
    (home / "bin" / "first").symlink_to(checkout.launcher)
    (home / "bin" / "pip3").symlink_to("first")
    result = run_command(["pip3", "x"], env={"PATH": f"{home}/bin:{os.environ['PATH']}"})
    assert (result.status, result.out) == (7, "x|\n")
    assert result.err.endswith(f"\n{home}/bin/pip3 2.0\n")


def test_the_current_folder_is_not_looked_into(checkout: Checkout, project: Path) -> None:
    for name in ("tinylib", "pipguard", "ast", "venv", "sitecustomize"):
        (project / f"{name}.py").write_text("raise SystemExit('wrong folder')\n")
    write_executable(project / "python3", "#!/bin/sh\nexit 0\n")
    result = checkout.run("x", env={"PATH": f".:{os.environ['PATH']}", "PYTHONPATH": "."})
    assert (result.status, result.out) == (7, "x|\n")


def test_two_first_runs_at_once(checkout: Checkout) -> None:
    command = [str(checkout.launcher), "x"]
    pipe = subprocess.PIPE
    both = [
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
        for _ in range(2)
    ]
    answers = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [7, 7], answers
    assert sum(b"setting up" in stderr for _, stderr in answers) == 1


def test_what_a_killed_set_up_left_is_made_anew(checkout: Checkout) -> None:
    checkout.run("x")
    (folder,) = checkout.environments
    (folder / "ready").unlink()
    module = next(folder.glob("lib/*/site-packages/tinylib.py"))
    module.write_text("half of a li")
    assert checkout.run("x").status == 7


def test_another_project_file_is_another_environment(checkout: Checkout) -> None:
    checkout.run("x")
    before = checkout.environments
    checkout.project.write_text(PROJECT.replace("tinylib", "tinylib<2"))
    result = checkout.run("x")
    assert result.err.endswith(f"{checkout.launcher} 1.0\n")
    assert len(checkout.environments) == 1
    assert checkout.environments != before


def test_of_a_checkout_that_was_moved_nothing_is_left(checkout: Checkout) -> None:
    elsewhere = replace(checkout, folder=checkout.folder.with_name("away") / "there")
    checkout.run("x")
    shutil.move(checkout.folder, elsewhere.folder)
    assert elsewhere.run("x").status == 7
    assert len(elsewhere.environments) == 1
    # A checkout on a disk that is away comes back.
    away, unmounted = elsewhere.folder.parent, elsewhere.folder.parent.with_name("unmounted")
    shutil.copytree(elsewhere.folder, checkout.folder)
    away.rename(unmounted)
    assert checkout.run("x").status == 7
    assert len(checkout.environments) == 2


def test_an_interpreter_that_is_gone(
    checkout: Checkout, make_managed: MakeManagedPython, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_managed(Recipe(pip=None))
    checkout.run("x", env={"PATH": f"{other.commands}:{os.environ['PATH']}"})
    shutil.rmtree(other.prefix)
    assert checkout.run("x").out == "x|\n"


def test_an_edited_checkout_is_what_runs(checkout: Checkout) -> None:
    checkout.run("x")
    (checkout.folder / "pipguard" / "cli.py").write_text("def main():\n    print('edited')\n")
    assert checkout.run("x") == Result(0, b"edited\n", b"")


def assert_one_clear_failure(checkout: Checkout, result: Result, words: str) -> None:
    """Status 1, nothing on standard output, the reason in our words, nothing half-made."""
    assert (result.status, result.stdout) == (1, b"")
    assert words in result.err
    assert "Traceback" not in result.err
    assert checkout.environments == []


def test_an_index_without_pip(checkout: Checkout, package_index: PackageIndex) -> None:
    result = checkout.run("x", env={"PIP_INDEX_URL": package_index.url})
    assert_one_clear_failure(checkout, result, "pipguard: cannot set up: cannot get file:///")


def test_a_dependency_that_is_not_there(checkout: Checkout) -> None:
    checkout.project.write_text(PROJECT.replace("tinylib", "no-such-project"))
    result = checkout.run("x")
    assert_one_clear_failure(checkout, result, "pipguard: cannot set up: pip ended with status 1")
    assert "No matching distribution found for no-such-project" in result.err


def test_a_data_folder_that_cannot_be_made(checkout: Checkout, home: Path) -> None:
    (home / "file").write_text("")
    result = checkout.run("x", env={"XDG_DATA_HOME": f"{home}/file"})
    assert_one_clear_failure(checkout, result, "Not a directory")
    assert "XDG_DATA_HOME" in result.err


def test_no_python(checkout: Checkout, tools: Path) -> None:
    result = checkout.run("x", env={"PATH": str(tools)})
    assert_one_clear_failure(checkout, result, "needs a python3 of version 3.10 or newer")


def test_an_old_python3_is_passed_over(checkout: Checkout, home: Path) -> None:
    write_executable(home / "old" / "python3", "#!/bin/sh\nexit 1\n")
    names = [path for path in os.environ["PATH"].split(":") if "managed" in path]
    newer = Path(names[0]) / "python3"
    for minor in range(10, 15):
        (home / "old" / f"python3.{minor}").symlink_to(newer.resolve())
    path = f"{home}/old:{os.environ['PATH']}"
    assert checkout.run("x", env={"PATH": path}).out == "x|\n"


def test_without_home(checkout: Checkout, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    result = checkout.run("x", env={"HOME": None, "XDG_DATA_HOME": data})
    assert (result.status, result.out) == (7, "x|\n")


@pytest.mark.parametrize(
    "env", [{"PIP_INDEX_URL": "file:///nowhere"}, {"PATH": "{tools}"}], ids=["offline", "no python"]
)
def test_where_it_cannot_be_set_up_the_real_pip_answers(
    checkout: Checkout, fake_pip: MakeFakePip, tools: Path, env: dict[str, str]
) -> None:
    pip = fake_pip(Transcript("pip", 3, b"pip's own answer\n"))
    folder = pip.path.parent
    path = env.get("PATH", os.environ["PATH"]).format(tools=tools)
    result = checkout.run("list", env={**env, "PATH": f"{folder}:{path}"})
    assert (result.status, result.out) == (3, "pip's own answer\n")
    assert result.err.endswith("\npipguard: so the real pip does it, as with PIPGUARD=off\n")
    own = checkout.run("guard", "status", env={**env, "PATH": f"{folder}:{path}"})
    assert (own.status, own.out) == (1, "")


def test_what_just_failed_is_not_tried_with_each_command(
    checkout: Checkout, fake_pip: MakeFakePip
) -> None:
    """Offline, each attempt may wait for the network; a command of ours tries all the same."""
    pip = fake_pip(Transcript("pip", 3))
    offline = {
        "PIP_INDEX_URL": "file:///nowhere",
        "PATH": f"{pip.path.parent}:{os.environ['PATH']}",
    }
    assert "setting up" in checkout.run("list", env=offline).err
    again = checkout.run("list", env=offline)
    assert again.status == 3
    assert again.err == (
        "pipguard: its set-up failed just now, so the real pip does it, as with PIPGUARD=off\n"
    )
    (note,) = Path(os.environ["XDG_DATA_HOME"], "pipguard").rglob("@failed")
    for torn in (
        "",
        "\n",
        "nonsense\n",
        "9" * 12 + "\n",
    ):  # a full disk's, a clock's that was wrong
        note.write_text(torn)
        assert "setting up" in checkout.run("list", env=offline).err
    assert checkout.run("guard", "status").status == 7
    assert checkout.run("list").out == "list|\n"


def test_its_own_python3_shim_is_not_the_python_that_it_needs(
    checkout: Checkout, tmp_path: Path
) -> None:
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / ".pipguard-shims").touch()
    (shims / "python3").symlink_to(checkout.launcher)
    path = f"{shims}:{os.environ['PATH']}"
    offline = {"PIP_INDEX_URL": "file:///nowhere", "PATH": path}
    real = run_command(["python3", "-c", "print(6)"], env=offline)
    assert (real.status, real.out) == (0, "6\n")
    assert "so the real python3 does it" in real.err
    off = run_command(["python3", "-c", "print(6)"], env={**offline, "PIPGUARD": "off"})
    assert (off.status, off.out, off.err) == (0, "6\n", "")
    ready = run_command([checkout.launcher, "guard"], env={"PATH": path})
    assert (ready.status, ready.out) == (7, "guard|\n")


def test_the_former_set_up_serves_until_the_new_one_succeeds(checkout: Checkout) -> None:
    assert checkout.run("x").status == 7
    checkout.project.write_text(PROJECT.replace("tinylib", "no-such-project"))
    result = checkout.run("x")
    assert (result.status, result.out) == (7, "x|\n")
    assert "the set-up from before serves until that succeeds" in result.err
    checkout.project.write_text(PROJECT)
    assert "pipguard:" not in checkout.run("x").err


@pytest.mark.parametrize("word", ["off", "OFF", "0", "No", "false"])
def test_switched_off_before_any_set_up(
    checkout: Checkout, fake_pip: MakeFakePip, word: str
) -> None:
    pip = fake_pip(Transcript("pip", 3, b"out\n", b"err\n"))
    assert checkout.run("a b", env={"PIPGUARD": word}) == Result(3, b"out\n", b"err\n")
    assert pip.calls == [[b"a b"]]
    assert checkout.environments == []


def test_switched_off_keeps_the_name(checkout: Checkout, fake_pip: MakeFakePip, home: Path) -> None:
    fake_pip(Transcript("pip", 3))
    fake_pip(Transcript("pip3.9", 4), "pip3.9")
    link = home / "pip3.9"
    link.symlink_to(checkout.launcher)
    assert run_command([link], env={"PIPGUARD": "off"}).status == 4


def test_switched_off_never_finds_itself(
    checkout: Checkout, fake_pip: MakeFakePip, home: Path
) -> None:
    fake_pip(Transcript("pip", 3))
    (home / "bin").mkdir()
    (home / "bin" / "pip").symlink_to(checkout.launcher)
    path = f"{home}/bin:{os.environ['PATH']}"
    assert run_command(["pip"], env={"PIPGUARD": "off", "PATH": path}).status == 3


def test_switched_off_behind_a_wrapper_ends(checkout: Checkout, home: Path) -> None:
    write_executable(home / "bin" / "pip", f'#!/bin/sh\nexec "{checkout.launcher}" "$@"\n')
    path = f"{home}/bin:{os.environ['PATH']}"
    result = run_command(["pip", "x"], env={"PIPGUARD": "off", "PATH": path})
    assert (result.status, result.out) == (127, "")
    assert "there is no pip on PATH, and PIPGUARD=off" in result.err
    assert checkout.environments == []


def test_groups_make_an_environment_of_their_own(checkout: Checkout) -> None:
    script = (
        f"checkout='{checkout.folder}'; . \"$checkout/scripts/environment.sh\"\n"
        "locate_environment test; environment_is_ready || make_environment test\n"
        '"$environment/bin/tinyapp"'
    )
    checkout.run("x")
    result = run_command(["sh", "-c", script])
    assert result.out == "tinyapp 2.0\n"
    names = sorted(path.name.split("-", 2)[2:] for path in checkout.environments)
    assert names == [[], ["test"]]


def test_script_for_a_shell_is_kept_while_nothing_changes(checkout: Checkout) -> None:
    program = checkout.folder / "pipguard" / "cli.py"
    program.write_text(
        "import sys, time\ndef main():\n    print(time.time_ns(), *sys.argv, sep='|')\n"
    )
    source = checkout.folder / "pipguard" / "shells" / "texts" / "bash-completion.sh"
    words = ("guard", "shell-init", "bash")
    first = checkout.run(*words)
    assert first.out.split("|")[1:] == [str(checkout.launcher), *words[:2], "bash\n"]
    assert checkout.run(*words).out == first.out
    for other in ("tcsh", "../x", "powershell"):
        shown = checkout.run("guard", "shell-init", other)
        assert shown.out != checkout.run("guard", "shell-init", other).out
    with_cd = checkout.run(*words, "--cd")
    assert with_cd.out != first.out
    assert checkout.run(*words, "--cd").out == with_cd.out
    assert checkout.run(*words, "--python").out != checkout.run(*words, "--python").out
    os.utime(source, (2**31, 2**31))
    assert checkout.run(*words).out != first.out
