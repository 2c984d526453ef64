"""Where pip works, nobody can tell that pipguard is there.

Each command runs twice in equal worlds, once by pip and once by pipguard in front of it; output,
files and exit status must be the same bytes.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from harness.managed import MakeManagedPython, ManagedPython, Recipe
from harness.running import Result, changed_environment, run_command, run_on_terminal
from harness.wheels import PackageIndex

pytestmark = [pytest.mark.usefixtures("use_stand_ins")]

COMMANDS: tuple[Sequence[str | bytes], ...] = (
    ["install", "tinylib"],
    ["install", "tinylib==1.0", "-q"],
    ["install", "no-such-project-anywhere"],
    ["install"],
    ["install", "--no-such-option"],
    ["install", "--target", "there", "tinylib"],
    ["uninstall", "-y", "tinylib"],
    ["uninstall", "-y", "pip"],
    ["list"],
    ["list", "--format=json"],
    ["freeze", "--all"],
    ["show", "-f", "pip"],
    ["show", "nothing"],
    ["download", "tinylib"],
    ["wheel", "tinylib"],
    ["check"],
    ["inspect", "--local"],
    ["config", "list"],
    ["cache", "dir"],
    ["help"],
    ["help", "install"],
    ["install", "--help"],
    ["isntall"],
    ["--version"],
    ["--no-such-option"],
    [],
    ["hash", "nowhere"],
    ["completion", "--bash"],
    ["debug"],
    [b"install", b"\xff\xfe", b"a\nb"],
)


def make_world(folder: Path, base: ManagedPython) -> Path:
    """Make an environment with pip in it and a folder to stand in; return the environment."""
    environment = folder / "environment"
    words = [sys.executable, "-I", "-m", "virtualenv", "-q", "-p", str(base.python)]
    assert run_command([*words, str(environment)]).status == 0
    (folder / "here").mkdir()
    return environment


def list_files(folder: Path) -> dict[str, int]:
    """Every file below a folder but bytecode, with its mode."""
    return {
        str(path.relative_to(folder)): path.lstat().st_mode
        for path in sorted(folder.rglob("*"))
        if "__pycache__" not in path.parts
    }


def forget_times(text: bytes) -> bytes:
    """Leave out what differs between any two runs: build folders, and the order of a folder."""
    if text.startswith(b'{\n  "version"'):
        document = json.loads(text)
        document["installed"].sort(key=lambda found: str(found["metadata"]["name"]))
        return json.dumps(document).encode()
    return re.sub(rb"(tmp/pip-[a-z-]+-)\w+", rb"\1X", text)


@pytest.mark.parametrize("words", COMMANDS, ids=str)
def test_active_environment_is_pips_alone(
    words: Sequence[str | bytes],
    managed_python: ManagedPython,
    pipguard_command: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    for program in ("pip", str(pipguard_command)):
        world = tmp_path / "world"
        environment = make_world(world, managed_python)
        path = f"{environment}/bin:{os.environ['PATH']}"
        changes = {"PATH": path, "VIRTUAL_ENV": str(environment)}
        done = run_command([program, *words], cwd=world / "here", env=changes)
        outcome = (done.status, forget_times(done.stdout), forget_times(done.stderr))
        seen.append((outcome, list_files(world)))
        world.rename(tmp_path / f"done-{len(seen)}")
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["freeze"],
        ["download", "tinylib"],
        ["install", "--target", "there", "tinylib"],
        ["install", "--dry-run", "--report", "report.json", "tinylib"],
        ["install", "--no-such-option", "tinylib"],
        ["isntall", "tinylib"],
        ["help", "install"],
        ["--version"],
    ],
    ids=str,
)
def test_managed_pip_is_left_alone_where_it_does_not_refuse(
    words: list[str], managed_python: ManagedPython, pipguard_command: Path, tmp_path: Path
) -> None:
    seen = []
    for number, program in enumerate(("pip", str(pipguard_command))):
        here = tmp_path / str(number)
        here.mkdir()
        done = run_command([program, *words], cwd=here)
        shown = tuple(text.replace(os.fsencode(here), b"") for text in (done.stdout, done.stderr))
        seen.append((done.status, shown, list_files(here).keys()))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("value", ["off", "OFF", "0", "no", "False"])
def test_switched_off_shows_pips_own_refusal(
    value: str, managed_python: ManagedPython, pipguard_command: Path, project: Path
) -> None:
    expected = run_command(["pip", "install", "tinylib"])
    done = run_command([pipguard_command, "install", "tinylib"], env={"PIPGUARD": value})
    assert done == expected
    assert done.status == 1
    assert os.listdir(project) == []


def test_allowed_by_the_users_own_configuration(
    managed_python: ManagedPython, pipguard_command: Path, project: Path
) -> None:
    changes = {"PIP_BREAK_SYSTEM_PACKAGES": "1"}
    done = run_command([pipguard_command, "install", "tinylib"], env=changes)
    assert done.status == 0
    assert b"pipguard" not in done.stderr
    assert managed_python.run("-I", "-c", "import tinylib").status == 0


def test_required_environment_is_the_users_wish(
    managed_python: ManagedPython, pipguard_command: Path, project: Path
) -> None:
    changes = {"PIP_REQUIRE_VIRTUALENV": "1"}
    done = run_command([pipguard_command, "install", "tinylib"], env=changes)
    assert done == run_command(["pip", "install", "tinylib"], env=changes)
    assert done.status == 3


def test_unmarked_interpreter_keeps_its_process(
    make_managed: MakeManagedPython, pipguard_command: Path, project: Path, tmp_path: Path
) -> None:
    """pip is not a child but takes our place, so that every signal and limit is its own."""
    python = make_managed(Recipe(marker=None))
    script = tmp_path / "bin" / "pip"
    script.parent.mkdir()
    script.write_text(f"#!{python.python}\nimport os; print(os.getpid())\n")
    script.chmod(0o755)
    path = {"PATH": f"{script.parent}:{os.environ['PATH']}"}
    child = subprocess.Popen(
        [sys.executable, "-I", "-c", _EXEC.format(program=[str(pipguard_command), "install", "x"])],
        env=changed_environment(path),
        stdout=subprocess.PIPE,
    )
    assert int(child.communicate()[0]) == child.pid


_EXEC = "import os; os.execv({program!r}[0], {program!r})"


def test_signal_that_ends_pip_ends_us(
    make_managed: MakeManagedPython, pipguard_command: Path, project: Path, tmp_path: Path
) -> None:
    marked = make_managed()
    script = tmp_path / "bin" / "pip"
    script.parent.mkdir()
    script.write_text(f"#!{marked.python}\nimport os; os.kill(os.getpid(), 15)\n")
    script.chmod(0o755)
    path = {"PATH": f"{script.parent}:{os.environ['PATH']}"}
    done = run_command([pipguard_command, "install", "x"], env=path)
    assert done.status in {128 + signal.SIGTERM, -signal.SIGTERM}


def test_terminal_shows_what_pip_shows(
    managed_python: ManagedPython, pipguard_command: Path, project: Path
) -> None:
    words = ["install", "--no-such-option", "x"]
    shown = [run_on_terminal([program, *words]) for program in ("pip", pipguard_command)]
    assert shown[0] == shown[1]
    colours: list[Result] = [
        run_on_terminal([program, "install", "x"], env={"PIP_REQUIRE_VIRTUALENV": "1"})
        for program in ("pip", pipguard_command)
    ]
    assert colours[0] == colours[1]
    assert b"\x1b[" in colours[0].stdout


def test_index_without_an_answer_is_pips_to_report(
    managed_python: ManagedPython,
    pipguard_command: Path,
    project: Path,
    use_stand_ins: PackageIndex,
) -> None:
    words = ["install", "--retries=0", "-i", "http://127.0.0.1:9/simple", "tinylib"]
    done = run_command([pipguard_command, *words])
    assert done.status == 1
    assert "Traceback" not in done.err
    assert os.listdir(project) == []
