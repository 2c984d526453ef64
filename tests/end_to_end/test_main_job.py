"""The main job end to end: the real pip refuses, and the install lands where it belongs.

Every test runs the real pip of a genuinely managed Python, the real virtualenv and the real pipx
on small wheels from a folder; nothing is imitated and nothing goes to a network.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness.managed import MakeManagedPython, ManagedPython, Recipe
from harness.running import (
    RunPipguard,
    RunPipguardOnTerminal,
    changed_environment,
    needs_git,
    run_command,
)
from harness.wheels import PackageIndex, application, library, write_source_project

pytestmark = [pytest.mark.usefixtures("managed_python", "use_stand_ins")]

REFUSAL = b"error: externally-managed-environment"


def imports(python: Path, module: str) -> bool:
    """Whether an interpreter finds a module."""
    return run_command([python, "-I", "-c", f"import {module}"]).status == 0


def make_environment(folder: Path, base: Path, *options: str) -> Path:
    """Make an environment without our help; return its interpreter."""
    words = [sys.executable, "-I", "-m", "virtualenv", "-q", "-p", str(base), *options, str(folder)]
    done = run_command(words)
    assert done.status == 0, done.err
    return folder / "bin" / "python"


# Libraries


def test_library_lands_in_a_new_environment(run_pipguard: RunPipguard, project: Path) -> None:
    done = run_pipguard(["install", "tinylib"])
    assert done.status == 0, done.err
    assert b"Successfully installed tinylib-2.0" in done.stdout
    assert REFUSAL not in done.stderr
    assert "`.venv/bin/python`" in done.err
    assert imports(project / ".venv/bin/python", "tinylib")
    assert sorted(os.listdir(project)) == [".venv"]


def test_environment_is_made_for_the_interpreter_that_refused(
    run_pipguard: RunPipguard, project: Path, managed_python: ManagedPython
) -> None:
    assert run_pipguard(["install", "tinylib"]).status == 0
    question = "import sys; print(sys.base_prefix)"
    answer = run_command([project / ".venv/bin/python", "-I", "-c", question])
    assert answer.out.strip() == str(managed_python.prefix)


def test_nothing_goes_on_in_the_background(run_pipguard: RunPipguard, home: Path) -> None:
    kept = home / "virtualenv"
    for name in ("tinylib", "pycowsay"):
        told = {
            "VIRTUALENV_OVERRIDE_APP_DATA": str(kept),
            "VIRTUALENV_NO_PERIODIC_UPDATE": None,
        }
        done = run_pipguard(["install", name], env=told)
        assert done.status == 0, done.err
    assert list(kept.glob("wheel/*/image/*/*/pip-*")), "virtualenv keeps its things elsewhere now"
    # It notes there that it has begun to look for newer wheels.
    assert not list(kept.glob("wheel/*/embed/*/*.json"))


def test_system_itself_stays_as_it_was(
    run_pipguard: RunPipguard, project: Path, managed_python: ManagedPython
) -> None:
    before = run_command([managed_python.pip, "freeze", "--all"]).stdout
    assert run_pipguard(["install", "tinylib"]).status == 0
    assert run_command([managed_python.pip, "freeze", "--all"]).stdout == before


def test_second_install_uses_the_same_environment(run_pipguard: RunPipguard, project: Path) -> None:
    run_pipguard(["install", "tinylib"])
    made = (project / ".venv/pyvenv.cfg").stat()
    done = run_pipguard(["install", "six"])
    assert done.status == 0, done.err
    assert (project / ".venv/pyvenv.cfg").stat().st_mtime_ns == made.st_mtime_ns
    assert imports(project / ".venv/bin/python", "tinylib")


@pytest.mark.parametrize("name", [".venv", "venv", "env"])
def test_environment_under_a_usual_name_is_reused(
    run_pipguard: RunPipguard, project: Path, managed_python: ManagedPython, name: str
) -> None:
    python = make_environment(project / name, managed_python.python)
    assert run_pipguard(["install", "tinylib"]).status == 0
    assert imports(python, "tinylib")
    assert sorted(os.listdir(project)) == [name]


def test_project_root_is_found_from_a_folder_below(
    run_pipguard: RunPipguard, project: Path
) -> None:
    (project / "pyproject.toml").write_text("")
    below = project / "src" / "deep"
    below.mkdir(parents=True)
    assert run_pipguard(["install", "tinylib"], cwd=below).status == 0
    assert imports(project / ".venv/bin/python", "tinylib")
    assert os.listdir(below) == []


def test_mixed_requirements_go_to_the_environment(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    (project / "requirements.txt").write_text("tinylib\npycowsay\n")
    done = run_pipguard(["install", "-r", "requirements.txt"])
    assert done.status == 0, done.err
    assert (project / ".venv/bin/pycowsay").exists()
    assert not (home / ".local/bin/pycowsay").exists()


def test_editable_install_of_the_project_itself(run_pipguard: RunPipguard, project: Path) -> None:
    write_source_project(library("mine"), project)
    done = run_pipguard(["install", "--no-build-isolation", "-e", "."])
    assert done.status == 0, done.err
    assert imports(project / ".venv/bin/python", "mine")


@needs_git
def test_environment_is_hidden_from_git(run_pipguard: RunPipguard, project: Path) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    assert run_pipguard(["install", "tinylib"]).status == 0
    assert run_command(["git", "status", "--porcelain"]).stdout == b""


@pytest.mark.parametrize("name", ["with space", "çafé-ж", "q'u\"o$te`s;&", "x" * 180])
def test_projects_with_difficult_names(
    run_pipguard: RunPipguard, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    done = run_pipguard(["install", "tinylib"], cwd=folder)
    assert done.status == 0, done.err
    assert imports(folder / ".venv/bin/python", "tinylib")
    assert run_pipguard(["uninstall", "-y", "tinylib"], cwd=folder).status == 0


def test_project_behind_a_symbolic_link(run_pipguard: RunPipguard, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert run_pipguard(["install", "tinylib"], cwd=tmp_path / "link").status == 0
    assert imports(tmp_path / "real/.venv/bin/python", "tinylib")


def test_home_folder_is_no_project(run_pipguard: RunPipguard, home: Path) -> None:
    done = run_pipguard(["install", "tinylib"], cwd=home)
    assert done.status == 0, done.err
    assert not (home / ".venv").exists()
    personal = home / "xdg-data/pipguard/personal"
    assert imports(personal / "bin/python", "tinylib")
    assert "your personal environment ~/xdg-data/pipguard/personal" in done.err


@pytest.mark.parametrize(
    "changes",
    [
        {"PIP_USER": "1"},
        {"PIP_TARGET": "elsewhere"},
        {"PIP_PREFIX": "elsewhere"},
        {"PIP_PYTHON": "/no/such/python"},
    ],
    ids=str,
)
def test_variables_do_not_redirect_the_environments_pip(
    run_pipguard: RunPipguard, project: Path, changes: dict[str, str], managed_python: ManagedPython
) -> None:
    make_environment(project / ".venv", managed_python.python)
    done = run_pipguard(["install", "tinylib"], env=changes)
    if "PIP_USER" in changes:
        assert done.status == 0, done.err
        assert imports(project / ".venv/bin/python", "tinylib")
    else:  # pip itself does not ask for the marker then: it is left alone
        assert REFUSAL not in done.stderr
        assert b"pipguard:" not in done.stderr


def test_user_option_is_dropped_with_a_word(run_pipguard: RunPipguard, project: Path) -> None:
    done = run_pipguard(["install", "--user", "tinylib"])
    assert done.status == 0, done.err
    assert "--user is left out" in done.err
    assert imports(project / ".venv/bin/python", "tinylib")


def test_user_set_in_a_configuration_file(
    run_pipguard: RunPipguard, project: Path, tmp_path: Path, use_stand_ins: PackageIndex
) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(f"[global]\nuser = true\nindex-url = {use_stand_ins.url}\n")
    done = run_pipguard(["install", "tinylib"], env={"PIP_CONFIG_FILE": str(file)})
    assert done.status == 0, done.err
    assert imports(project / ".venv/bin/python", "tinylib")


def test_index_in_the_systems_own_prefix_is_kept(
    run_pipguard: RunPipguard, project: Path, managed_python: ManagedPython
) -> None:
    url = os.environ.pop("PIP_INDEX_URL")
    changes = {"PIP_CONFIG_FILE": None}
    (managed_python.prefix / "pip.conf").write_text(f"[global]\nindex-url = {url}\n")
    done = run_pipguard(["install", "tinylib"], env=changes)
    assert done.status == 0, done.err


# Applications


def test_application_lands_in_pipx(run_pipguard: RunPipguard, project: Path, home: Path) -> None:
    done = run_pipguard(["install", "pycowsay"])
    assert done.status == 0, done.err
    assert done.stdout == b""
    assert run_command([home / ".local/bin/pycowsay"]).status == 0
    assert os.listdir(project) == []
    assert "run `pycowsay`" in done.err


def test_unknown_application_is_known_by_its_metadata(
    run_pipguard: RunPipguard, project: Path, package_index: PackageIndex, home: Path
) -> None:
    package_index.add(application("zz-frobnicate", "1.0"))
    document = run_pipguard(
        ["guard", "explain", "--json", "install", "-i", package_index.url, "zz-frobnicate"]
    )
    assert json.loads(document.stdout)["targets"][0]["evidence"], document.err


def test_folder_of_commands_that_is_not_on_path_is_named(
    run_pipguard: RunPipguard, project: Path, home: Path, managed_python: ManagedPython
) -> None:
    path = os.environ["PATH"].replace(f"{home}/.local/bin:", "")
    done = run_pipguard(["install", "pycowsay"], env={"PATH": path})
    assert done.status == 0, done.err
    assert f"`{home}/.local/bin/pycowsay`" in done.err
    assert "ensurepath" in done.err


def test_installed_application_is_satisfied_as_with_pip(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    assert run_pipguard(["install", "pycowsay==0.0.0.1"]).status == 0
    metadata = home / "xdg-data/pipx/venvs/pycowsay/pipx_metadata.json"
    before = metadata.stat().st_mtime_ns
    done = run_pipguard(["install", "pycowsay"])
    assert done.status == 0
    assert "0.0.0.1" in done.err
    assert metadata.stat().st_mtime_ns == before


def version_in_pipx(home: Path, name: str) -> str:
    """The version that pipx has of an application."""
    file = home / f"xdg-data/pipx/venvs/{name}/pipx_metadata.json"
    version: str = json.loads(file.read_text())["main_package"]["package_version"]
    return version


def test_pin_that_is_not_met_is_changed(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    run_pipguard(["install", "pycowsay"])
    assert run_pipguard(["install", "pycowsay==0.0.0.1"]).status == 0
    assert version_in_pipx(home, "pycowsay") == "0.0.0.1"
    assert run_pipguard(["install", "-U", "pycowsay"]).status == 0
    assert version_in_pipx(home, "pycowsay") == "0.0.0.2"


def test_one_application_failing_does_not_lose_the_other(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    done = run_pipguard(["install", "pycowsay", "httpie"])
    assert done.status != 0
    assert "could not install `httpie`" in done.err
    assert version_in_pipx(home, "pycowsay") == "0.0.0.2"


def test_application_without_commands_falls_back_to_the_environment(
    run_pipguard: RunPipguard, project: Path, package_index: PackageIndex
) -> None:
    package_index.add(library("tinyquiet"))
    changes = {"PIPGUARD_ROUTE": "pipx", "PIP_INDEX_URL": package_index.url}
    done = run_pipguard(["install", "tinyquiet"], env=changes)
    assert done.status != 0
    config = project / "pyproject.toml"
    config.write_text('[tool.pipguard]\napplications = ["tinyquiet"]\n')
    done = run_pipguard(["install", "tinyquiet"], env={"PIP_INDEX_URL": package_index.url})
    assert done.status == 0, done.err
    assert imports(project / ".venv/bin/python", "tinyquiet")
    assert "tinyquiet` has no command" in done.err


def test_marker_that_is_not_met_installs_nothing(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    done = run_pipguard(["install", 'pycowsay; python_version < "3"'])
    assert done.status == 0, done.err
    assert not (home / ".local/bin/pycowsay").exists()
    assert os.listdir(project) == []


# What makes nothing


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["install"], 1),
        (["install", "-r", "missing.txt"], 1),
        (["install", "-c", "missing.txt", "tinylib"], 1),
        (["install", "=="], 1),
        (["install", "--dry-run", "tinylib"], 0),
        (["install", "--no-such-option", "tinylib"], 2),
        (["install", "no-such-project-anywhere"], 1),
        (["install", "wrong-hash"], 1),
        (["install", "broken-source"], 1),
        (["install", "--upgrade", "pip"], 0),
        (["install", "setuptools"], 1),
        (["install", "./nothing-here"], 1),
        (["uninstall", "-y", "tinylib"], 1),
        (["isntall", "tinylib"], 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_succeed_leaves_nothing(
    run_pipguard: RunPipguard, project: Path, words: list[str], status: int
) -> None:
    done = run_pipguard(words)
    assert done.status == status, done.err
    assert os.listdir(project) == []
    assert "Traceback" not in done.err
    assert done.stderr or done.stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# nothing yet\n", ["-r", "r.txt"]),
        ("-r gone.txt\n", ["-r", "r.txt"]),
        ("", ["."]),
        ("", ["-e", "."]),
        ("", ["*.whl"]),
        ("", ['tinylib; python_version < "3"']),
        ("", ['tinylib; python_version < "3"', 'pycowsay; sys_platform == "win32"']),
    ],
)
def test_an_install_of_nothing_makes_no_environment(
    run_pipguard: RunPipguard, project: Path, text: str, words: list[str]
) -> None:
    (project / "r.txt").write_text(text)
    done = run_pipguard(["install", *words])
    assert os.listdir(project) == ["r.txt"], done.err
    assert "Traceback" not in done.err
    assert done.stderr or done.stdout


def test_a_target_whose_marker_is_not_met_has_no_say(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    done = run_pipguard(["install", "pycowsay", 'tinylib; python_version < "3"'])
    assert done.status == 0, done.err
    assert (home / ".local/bin/pycowsay").exists()
    assert os.listdir(project) == []


def test_failed_install_keeps_an_environment_that_was_there(
    run_pipguard: RunPipguard, project: Path
) -> None:
    run_pipguard(["install", "tinylib"])
    assert run_pipguard(["install", "no-such-project-anywhere"]).status == 1
    assert imports(project / ".venv/bin/python", "tinylib")


def test_silent_refusal_is_recognised(run_pipguard: RunPipguard, project: Path) -> None:
    done = run_pipguard(["install", "-qqq", "tinylib"])
    assert (done.status, done.stdout, done.stderr) == (0, b"", b"")
    assert imports(project / ".venv/bin/python", "tinylib")


def test_verbose_shows_what_pip_said(run_pipguard: RunPipguard, project: Path) -> None:
    done = run_pipguard(["install", "-v", "tinylib"])
    assert done.status == 0
    assert REFUSAL in done.stderr


# Broken and foreign places


def test_broken_environment_is_named_and_rebuilt_on_request(
    run_pipguard: RunPipguard, project: Path
) -> None:
    run_pipguard(["install", "six==1.16.0"])
    interpreter = project / ".venv/bin/python"
    interpreter.unlink()
    interpreter.symlink_to("/usr/bin/python3.1-gone")
    done = run_pipguard(["install", "tinylib"])
    assert done.status == 1
    assert "/usr/bin/python3.1-gone is gone" in done.err
    assert "PIPGUARD_REBUILD=1" in done.err
    done = run_pipguard(["install", "tinylib"], env={"PIPGUARD_REBUILD": "1"})
    assert done.status == 0, done.err
    assert imports(interpreter, "tinylib")
    assert imports(interpreter, "six")
    assert sorted(os.listdir(project)) == [".venv"]


def test_failed_rebuild_brings_the_broken_one_back(
    run_pipguard: RunPipguard, project: Path
) -> None:
    run_pipguard(["install", "tinylib"])
    (project / ".venv/bin/python").unlink()
    before = sorted(os.listdir(project / ".venv/lib"))
    done = run_pipguard(["install", "no-such-project"], env={"PIPGUARD_REBUILD": "1"})
    assert done.status == 1
    assert sorted(os.listdir(project)) == [".venv"]
    assert sorted(os.listdir(project / ".venv/lib")) == before


def test_half_made_folder_of_ours_is_finished(run_pipguard: RunPipguard, project: Path) -> None:
    (project / ".venv/bin").mkdir(parents=True)
    (project / ".venv/.pipguard-unfinished").touch()
    done = run_pipguard(["install", "tinylib"])
    assert done.status == 0, done.err
    assert imports(project / ".venv/bin/python", "tinylib")
    assert not (project / ".venv/.pipguard-unfinished").exists()


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_something_else_in_the_way_is_left_alone(
    run_pipguard: RunPipguard, project: Path, kind: str
) -> None:
    place = project / ".venv"
    if kind == "file":
        place.write_text("mine")
    elif kind == "link":
        place.symlink_to("nowhere")
    else:
        place.mkdir()
        (place / "notes.txt").write_text("mine")
    done = run_pipguard(["install", "tinylib"])
    assert done.status == 1
    assert ".venv is broken" in done.err
    assert place.is_symlink() or place.is_file() or (place / "notes.txt").read_text() == "mine"


def test_environment_named_by_a_file(
    run_pipguard: RunPipguard, project: Path, managed_python: ManagedPython, tmp_path: Path
) -> None:
    python = make_environment(tmp_path / "elsewhere", managed_python.python)
    (project / ".venv").write_text("../elsewhere\n")
    assert run_pipguard(["install", "tinylib"]).status == 0
    assert imports(python, "tinylib")


@needs_git
def test_tracked_environment_is_not_run(
    run_pipguard: RunPipguard, project: Path, managed_python: ManagedPython
) -> None:
    make_environment(project / ".venv", managed_python.python)
    (project / ".venv/.gitignore").unlink()
    trap = project / "trap-was-run"
    python = project / ".venv/bin/python"
    python.unlink()
    python.write_text(f"#!/bin/sh\ntouch '{trap}'\n")
    python.chmod(0o755)
    git = shutil.which("git", path=os.environ["PATH"])
    for words in (["init", "-q"], ["add", "-f", "."]):
        subprocess.run([str(git), *words], check=True, capture_output=True)
    done = run_pipguard(["install", "tinylib"])
    assert done.status == 1
    assert "tracked in version control" in done.err
    assert not trap.exists()


# Active environments


def test_active_environment_without_pip_is_filled(
    run_pipguard: RunPipguard, project: Path, managed_python: ManagedPython, tmp_path: Path
) -> None:
    python = make_environment(tmp_path / "active", managed_python.python, "--no-pip")
    done = run_pipguard(["install", "tinylib"], env={"VIRTUAL_ENV": str(tmp_path / "active")})
    assert done.status == 0, done.err
    assert imports(python, "tinylib")
    assert os.listdir(project) == []


def test_broken_active_environment_is_diagnosed(
    run_pipguard: RunPipguard, project: Path, tmp_path: Path
) -> None:
    done = run_pipguard(["install", "tinylib"], env={"VIRTUAL_ENV": str(tmp_path / "gone")})
    assert done.status == 1
    assert f"{tmp_path}/gone is broken: it does not exist" in done.err
    assert os.listdir(project) == []


# Taking away


def test_uninstall_goes_to_where_it_is(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    run_pipguard(["install", "tinylib"])
    run_pipguard(["install", "pycowsay"])
    assert run_pipguard(["uninstall", "-y", "tinylib"]).status == 0
    assert not imports(project / ".venv/bin/python", "tinylib")
    assert run_pipguard(["uninstall", "-y", "pycowsay"]).status == 0
    assert not (home / ".local/bin/pycowsay").exists()
    done = run_pipguard(["uninstall", "-y", "pycowsay"])
    assert done.status == 1
    assert REFUSAL in done.stderr


def test_uninstall_by_file_and_with_a_prompt(
    run_pipguard: RunPipguard, run_pipguard_on_terminal: RunPipguardOnTerminal, project: Path
) -> None:
    (project / "requirements.txt").write_text("tinylib\nsix\n")
    run_pipguard(["install", "-r", "requirements.txt"])
    done = run_pipguard_on_terminal(["uninstall", "six"], answers=[(b"Proceed (Y/n)?", b"y\n")])
    assert done.status == 0, done.out
    assert run_pipguard(["uninstall", "-y", "-r", "requirements.txt"]).status == 0
    assert not imports(project / ".venv/bin/python", "tinylib")


@pytest.mark.parametrize(("answer", "is_gone"), [(b"n\n", False), (b"y\n", True), (b"\n", True)])
def test_uninstall_from_pipx_asks_first(
    run_pipguard: RunPipguard,
    run_pipguard_on_terminal: RunPipguardOnTerminal,
    project: Path,
    home: Path,
    answer: bytes,
    is_gone: bool,
) -> None:
    run_pipguard(["install", "pycowsay"])
    done = run_pipguard_on_terminal(["uninstall", "pycowsay"], answers=[(b"(Y/n)?", answer)])
    assert done.status == 0, done.out
    assert (home / ".local/bin/pycowsay").exists() != is_gone


def test_uninstall_from_pipx_without_an_answer_keeps_it(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    run_pipguard(["install", "pycowsay"])
    done = run_pipguard(["uninstall", "pycowsay"])
    assert done.status == 1
    assert (home / ".local/bin/pycowsay").exists()


# Machines without a pip


def test_install_works_without_any_pip(
    run_pipguard: RunPipguard, project: Path, make_managed: MakeManagedPython, tools: Path
) -> None:
    python = make_managed(Recipe(pip=None))
    path = {"PATH": f"{python.commands}:{tools}"}
    done = run_pipguard(["install", "tinylib"], env=path)
    assert done.status == 0, done.err
    assert imports(project / ".venv/bin/python", "tinylib")
    assert run_pipguard(["list"], env=path).status == 0
    # The environment has a pip, which serves for the rest, too.
    assert run_pipguard(["download", "tinylib"], env=path).status == 0
    version = run_pipguard(["--version"], env=path)
    assert (version.status, f"{project}/.venv/" in version.out) == (0, True)
    assert run_pipguard(["--version"], env={**path, "PIPGUARD": "off"}).status == 127
    assert run_pipguard(["--version"], env={**path, "PIPGUARD_VENV": "none"}).status == 127


def test_pip_that_is_only_a_module_is_used(
    run_pipguard: RunPipguard, project: Path, make_managed: MakeManagedPython, tools: Path
) -> None:
    python = make_managed()
    for command in python.commands.glob("pip*"):
        command.unlink()
    (project / "pip.py").write_text("raise SystemExit('the folder was on the path')")
    path = {"PATH": f"{python.commands}:{tools}"}
    assert run_pipguard(["--version"], env=path).status == 0
    done = run_pipguard(["install", "tinylib"], env=path)
    assert done.status == 0, done.err
    assert REFUSAL not in done.stderr


# Two at the same time


def test_two_installs_at_once_both_succeed(pipguard_command: Path, project: Path) -> None:
    words = (["install", "tinylib"], ["install", "six"])
    running = [
        subprocess.Popen(
            [pipguard_command, *arguments], env=changed_environment(None), stderr=subprocess.PIPE
        )
        for arguments in words
    ]
    for process in running:
        _, stderr = process.communicate(timeout=100)
        assert process.returncode == 0, stderr
    python = project / ".venv/bin/python"
    assert imports(python, "tinylib")
    assert imports(python, "six")


def test_a_failure_of_pipx_is_its_message_alone(run_pipguard: RunPipguard, home: Path) -> None:
    """With -v it is all that pipx says."""
    folder = home / "a pipx"
    folder.mkdir()
    (folder / "venvs").touch()
    env = {"PIPX_HOME": str(folder)}
    done = run_pipguard(["install", "pycowsay"], env=env)
    assert done.status == 1
    assert f"FileExistsError: [Errno 17] File exists: '{folder}/venvs'\n" in done.err
    assert "Traceback" not in done.err
    assert "Traceback" in run_pipguard(["install", "-v", "pycowsay"], env=env).err
