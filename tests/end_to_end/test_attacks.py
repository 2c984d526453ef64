"""Attacks by a repository, another user or the current folder, with real tools: nothing of it runs.

Each test plants a program that leaves a trace, or an environment that must stay as it is.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import sys
import zipfile
from pathlib import Path

import pytest
from harness.managed import ManagedPython, write_executable
from harness.repositories import git
from harness.running import RunPipguard, needs_git, run_command
from harness.wheels import build_wheel, library

pytestmark = pytest.mark.usefixtures("managed_python", "use_stand_ins")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
COMMANDS = [
    ["install", "tinylib"],
    ["uninstall", "-y", "six"],
    ["list"],
    ["freeze"],
    ["show", "six"],
    ["guard", "run", "python", "-c", "pass"],
    ["guard", "explain", "install", "tinylib"],
    ["guard", "status"],
]


def make_environment(folder: Path, base: Path) -> Path:
    """Make an environment without our help."""
    words = [sys.executable, "-I", "-m", "virtualenv", "-q", "-p", str(base), str(folder)]
    done = run_command(words)
    assert done.status == 0, done.err
    return folder


def set_trap(environment: Path, trace: Path) -> None:
    """Make the environment's interpreter leave a trace, and then do its work."""
    python = environment / "bin/python"
    real = python.resolve()
    python.unlink()
    write_executable(python, f"#!/bin/sh\ntouch '{trace}'\nexec '{real}' \"$@\"\n")


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "trace"


@needs_root
@pytest.mark.parametrize("part", ["lib", "bin/python", "bin", "pyvenv.cfg"])
def test_a_part_of_somebody_elses(
    run_pipguard: RunPipguard, project: Path, managed_python: ManagedPython, trace: Path, part: str
) -> None:
    environment = make_environment(project / ".venv", managed_python.python)
    set_trap(environment, trace)
    os.chown(environment / part, 1234, 1234, follow_symlinks=False)
    for words in COMMANDS:
        run_pipguard(words)
        assert not trace.exists(), words
    done = run_pipguard(["install", "tinylib"])
    assert done.status == 1
    assert "belongs to somebody else" in done.err
    assert "guard trust`" in done.err


@pytest.mark.parametrize("part", ["lib/python*/site-packages", "bin"])
def test_what_pipguard_made_and_everybody_may_write_to_now(
    run_pipguard: RunPipguard, project: Path, trace: Path, part: str
) -> None:
    assert run_pipguard(["install", "six"]).status == 0
    set_trap(project / ".venv", trace)
    (folder,) = (project / ".venv").glob(part)
    folder.chmod(0o777)
    for words in COMMANDS:
        run_pipguard(words)
        assert not trace.exists(), words


@needs_git
@pytest.mark.parametrize(
    "variables",
    [{}, {"GIT_DIR": "/nowhere"}, {"GIT_INDEX_FILE": "/nowhere"}, {"GIT_LITERAL_PATHSPECS": "1"}],
    ids=str,
)
@pytest.mark.parametrize("damage", ["none", "index", "extension", "no git"])
def test_an_environment_of_the_repositorys(
    run_pipguard: RunPipguard,
    project: Path,
    managed_python: ManagedPython,
    trace: Path,
    variables: dict[str, str],
    damage: str,
) -> None:
    environment = make_environment(project / ".venv", managed_python.python)
    (environment / ".gitignore").unlink()
    set_trap(environment, trace)
    git(project, "init", "-q")
    git(project, "add", "-f", ".venv")
    if damage == "index":
        (project / ".git/index").write_bytes(b"DIRC")
    if damage == "extension":
        git(project, "config", "core.repositoryformatversion", "1")
        git(project, "config", "extensions.unheardof", "1")
    if damage == "no git":
        variables = {**variables, "PATH": str(managed_python.commands)}
    for words in (["install", "tinylib"], ["list"], ["guard", "run", "python", "-c", "pass"]):
        run_pipguard(words, env=variables)
        assert not trace.exists(), words


@needs_git
def test_an_outer_repository_and_a_program_behind_a_link(
    run_pipguard: RunPipguard, project: Path, managed_python: ManagedPython, trace: Path
) -> None:
    inner = project / "inner"
    environment = make_environment(inner / ".venv", managed_python.python)
    (environment / ".gitignore").unlink()
    set_trap(environment, trace)
    git(project, "init", "-q")
    git(project, "add", "-f", "inner/.venv")
    git(inner, "init", "-q")
    assert run_pipguard(["install", "tinylib"], cwd=inner).status == 1
    linked = project / "linked"
    environment = make_environment(linked / ".venv", managed_python.python)
    tool = write_executable(linked / "tool", f"#!/bin/sh\ntouch '{trace}'\n")
    git(project, "add", "linked/tool")
    (environment / "bin/python").unlink()
    (environment / "bin/python").symlink_to(tool)
    assert run_pipguard(["install", "tinylib"], cwd=linked).status == 1
    assert not trace.exists()


@needs_git
@pytest.mark.parametrize("is_tracked", [True, False])
def test_a_pointer_to_another_projects_environment(
    run_pipguard: RunPipguard, home: Path, managed_python: ManagedPython, *, is_tracked: bool
) -> None:
    victim, clone = home / "victim", home / "clone"
    for folder in (victim, clone):
        folder.mkdir()
    assert run_pipguard(["install", "six"], cwd=victim).status == 0
    (clone / ".venv").write_text("../victim/.venv\n")
    git(clone, "init", "-q")
    if is_tracked:
        git(clone, "add", "-f", ".venv")
    for words in (["install", "tinylib"], ["uninstall", "-y", "six"]):
        done = run_pipguard(words, cwd=clone)
        assert (done.status, f"{clone}/.venv" in done.err) == (1, True), done.err
    listed = run_command([victim / ".venv/bin/python", "-m", "pip", "list", "--format=freeze"])
    assert ("six" in listed.out, "tinylib" in listed.out) == (True, False)


def test_a_pointer_to_an_application_of_pipxs(
    run_pipguard: RunPipguard, home: Path, project: Path
) -> None:
    assert run_pipguard(["install", "pycowsay"]).status == 0
    application = home / "xdg-data/pipx/venvs/pycowsay"
    (project / ".venv").write_text(f"{application}\n")
    done = run_pipguard(["install", "tinylib"])
    assert done.status == 1
    assert f"{project}/.venv leads out of the project, to {application}" in done.err
    assert not list(application.glob("lib/python*/site-packages/tinylib*"))


def test_a_project_that_chooses_a_place_elsewhere(
    run_pipguard: RunPipguard, project: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (project / "lnk").symlink_to(outside)
    for chosen in ("lnk", "lnk/e"):
        (project / "pyproject.toml").write_text(f'[tool.pipguard]\nvenv = "{chosen}"\n')
        done = run_pipguard(["install", "tinylib"])
        assert done.status == 1
        assert f"pyproject.toml:2: venv = '{chosen}' leads out of the project" in done.err
        assert os.listdir(outside) == []
    # The user may.
    assert run_pipguard(["install", "tinylib"], env={"PIPGUARD_VENV": "lnk/e"}).status == 0
    assert os.listdir(outside) == ["e"]


def test_a_name_that_is_no_name(run_pipguard: RunPipguard, project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.pipguard]\nvenv = "a\\u0000b"\n')
    done = run_pipguard(["install", "tinylib"])
    assert (done.status, b"Traceback" in done.stderr) == (1, False)
    assert r"pyproject.toml:2: venv = 'a\x00b'" in done.err


def test_a_program_in_the_current_folder(
    run_pipguard: RunPipguard, project: Path, trace: Path
) -> None:
    for name in ("uv", "git", "pipx", "virtualenv", "python3"):
        write_executable(project / name, f"#!/bin/sh\ntouch '{trace}-{name}'\n")
    env = {"PATH": f".:{os.environ['PATH']}:"}
    for words in (["install", "pycowsay"], ["install", "-U", "pycowsay"], ["install", "tinylib"]):
        assert run_pipguard(words, env=env).status == 0
    for words in (["list"], ["guard", "doctor"], ["guard", "status"], ["guard", "undo"]):
        run_pipguard(words, env=env)
    assert list(trace.parent.glob("trace*")) == []


def test_the_users_word(
    run_pipguard: RunPipguard, project: Path, managed_python: ManagedPython
) -> None:
    make_environment(project / ".venv", managed_python.python)
    (project / ".hg").mkdir()
    done = run_pipguard(["install", "tinylib"])
    assert (done.status, "Mercurial" in done.err) == (1, True)
    assert run_pipguard(["guard", "trust"]).out == f"trusted from now on: {project}/.venv\n"
    assert run_pipguard(["install", "tinylib"]).status == 0
    assert run_pipguard(["guard", "trust", "--list"]).out == f"user  {project}/.venv\n"
    assert run_pipguard(["guard", "trust", "--forget", ".venv"]).status == 0
    assert run_pipguard(["install", "six"]).status == 1
    assert run_pipguard(["guard", "trust", "nothing"]).status == 1


def test_what_pipguard_made_needs_no_word(run_pipguard: RunPipguard, project: Path) -> None:
    assert run_pipguard(["install", "tinylib"]).status == 0
    (project / ".hg").mkdir()
    assert run_pipguard(["install", "six"]).status == 0
    assert run_pipguard(["guard", "trust", "--list"]).out == f"made  {project}/.venv\n"


def test_a_wheel_that_brings_compiled_modules_of_pips(
    run_pipguard: RunPipguard, project: Path, tmp_path: Path, trace: Path
) -> None:
    """The first thing in an environment, with the size of the real source in its head."""
    sized = make_environment(tmp_path / "sized", Path(sys.executable))
    (source,) = sized.glob("lib/*/site-packages/pip/_internal/cli/main.py")
    code = compile(f"open({str(trace)!r}, 'w').close()\ndef main(*_): return 0\n", "x", "exec")
    head = importlib.util.MAGIC_NUMBER + bytes(8) + source.stat().st_size.to_bytes(4, "little")
    name = f"pip/_internal/cli/__pycache__/main.{sys.implementation.cache_tag}.pyc"
    wheel = build_wheel(library("tinylib"), tmp_path)
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(name, head + marshal.dumps(code))
    run_pipguard(["install", str(wheel)])
    trace.unlink(missing_ok=True)
    other = project.parent / "other"
    other.mkdir()
    for words in (["install", "six"], ["list"]):
        assert run_pipguard(words, cwd=other).status == 0
    assert not trace.exists()


def test_a_folder_whose_name_is_no_text(run_pipguard: RunPipguard, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/caf\xe9 \nx"
    os.mkdir(folder)
    plain = {"LC_ALL": "C", "PYTHONUTF8": None, "PYTHONCOERCECLOCALE": "0"}
    done = run_pipguard(["install", "six"], cwd=Path(os.fsdecode(folder)), env=plain)
    assert b"Traceback" not in done.stderr
    assert done.status == 1
    assert "its name is not UTF-8" in done.err
    assert os.listdir(folder) == []
    os.rename(folder, os.fsencode(tmp_path) + b"/caf \nx")
    done = run_pipguard(["install", "six"], cwd=tmp_path / "caf \nx", env=plain)
    assert done.status == 0, done.err


def test_a_program_around_pip_stays_in_between(
    run_pipguard: RunPipguard, project: Path, managed_python: ManagedPython, tmp_path: Path
) -> None:
    """Those that check what is installed are the first `pip` on PATH."""
    seen = tmp_path / "seen"
    text = f"#!/bin/sh\necho \"$@\" >>'{seen}'\nexec '{managed_python.pip}' \"$@\"\n"
    wrapper = write_executable(tmp_path / "checker/pip", text)
    env = {"PATH": f"{wrapper.parent}:{os.environ['PATH']}"}
    for words in (["install", "six==1.15.0"], ["install", "-U", "six"]):
        assert run_pipguard(words, env=env).status == 0
        assert f"--python {project}/.venv/bin/python {' '.join(words)}" in seen.read_text()
    done = run_pipguard(["list"], env=env)
    assert "1.16.0" in done.out
