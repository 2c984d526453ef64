"""What the user explicitly orders is done by the real pip as it is, recorded, and reversible."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from harness.managed import ManagedPython, write_executable
from harness.running import Environment, RunPipguard, run_command

pytestmark = [
    pytest.mark.usefixtures("managed_python", "use_stand_ins", "project"),
]

BREAK = "--break-system-packages"


def imported(python: ManagedPython, name: str) -> str:
    """The version that the managed Python imports, empty when it imports none."""
    code = f"import {name}; print({name}.__version__)"
    return python.run("-c", code, cwd=Path("/")).out.strip()


def routes(run_pipguard: RunPipguard) -> list[str]:
    return [entry["route"] for entry in json.loads(run_pipguard(["guard", "log", "--json"]).out)]


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (["install", BREAK, "tinylib"], {}),
        (["install", BREAK, "--user", "tinylib"], {}),
        (["install", "tinylib"], {"PIP_BREAK_SYSTEM_PACKAGES": "1"}),
        (["install", "tinylib"], {"PIPGUARD_ROUTE": "override"}),
    ],
)
def test_it_is_done_recorded_and_undone(
    words: list[str], env: Environment, run_pipguard: RunPipguard, managed_python: ManagedPython
) -> None:
    before = managed_python.run("-m", "pip", "list").out
    done = run_pipguard(words, env=env)
    assert done.status == 0, done.err
    assert "Successfully installed tinylib-2.0" in done.out
    assert imported(managed_python, "tinylib") == "2.0"
    assert routes(run_pipguard) == ["override"]
    undone = run_pipguard(["guard", "undo"])
    assert undone.status == 0, undone.err
    assert imported(managed_python, "tinylib") == ""
    assert managed_python.run("-m", "pip", "list").out == before


def test_configuration_orders_it_too(
    run_pipguard: RunPipguard, managed_python: ManagedPython, home: Path
) -> None:
    (home / "pip.conf").write_text("[install]\nbreak-system-packages = true\n")
    env = {"PIP_CONFIG_FILE": str(home / "pip.conf")}
    for _ in range(2):  # the second time pipguard remembers that pip does not refuse
        done = run_pipguard(["install", "tinylib"], env=env)
        assert done.status == 0, done.err
    assert routes(run_pipguard) == ["override", "override"]
    assert imported(managed_python, "tinylib") == "2.0"


def test_a_file_that_says_no_is_not_an_order(
    run_pipguard: RunPipguard, managed_python: ManagedPython, home: Path, project: Path
) -> None:
    for text in ("[install]\nbreak-system-packages = false", "[list]\nbreak-system-packages = 1"):
        (home / "pip.conf").write_text(f"{text}\n")
        done = run_pipguard(["install", "tinylib"], env={"PIP_CONFIG_FILE": f"{home}/pip.conf"})
        assert done.status == 0, done.err
    assert (project / ".venv").exists()
    assert routes(run_pipguard) == ["venv", "venv"]
    assert imported(managed_python, "tinylib") == ""


def test_an_upgrade_goes_back_to_the_former_version(
    run_pipguard: RunPipguard, managed_python: ManagedPython
) -> None:
    assert run_pipguard(["install", BREAK, "tinylib<2", "six"]).status == 0
    assert run_pipguard(["install", BREAK, "--upgrade", "tinylib"]).status == 0
    assert run_pipguard(["uninstall", BREAK, "-y", "six"]).status == 0
    for _ in range(2):
        undone = run_pipguard(["guard", "undo"])
        assert undone.status == 0, undone.err
    assert imported(managed_python, "tinylib") == "1.0"
    assert imported(managed_python, "six") == "1.16.0"


def test_the_command_is_the_real_pips_own(
    run_pipguard: RunPipguard, managed_python: ManagedPython
) -> None:
    for words in (["install", BREAK, "no-such-project-anywhere"], ["install", BREAK]):
        theirs = run_command([managed_python.pip, *words])
        ours = run_pipguard(words)
        assert (ours.status, ours.out, ours.err) == (theirs.status, theirs.out, theirs.err)


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (["install", BREAK, "--dry-run", "tinylib"], {}),
        (["install", BREAK, "--target", "elsewhere", "tinylib"], {}),
        (["install", BREAK, "tinylib"], {"PIPGUARD": "off"}),
    ],
)
def test_what_changes_nothing_there_is_not_recorded(
    words: list[str], env: Environment, run_pipguard: RunPipguard
) -> None:
    assert run_pipguard(words, env=env).status == 0
    assert routes(run_pipguard) == []


def test_neither_a_project_nor_the_machine_can_order_it(
    run_pipguard: RunPipguard, project: Path, home: Path, managed_python: ManagedPython
) -> None:
    (project / "pyproject.toml").write_text('[tool.pipguard]\nroute = "override"\n')
    assert run_pipguard(["install", "tinylib"]).status == 1
    (project / "pyproject.toml").unlink()
    (home / "etc/pipguard").mkdir(parents=True)
    (home / "etc/pipguard/config.toml").write_text('route = "override"\n')
    done = run_pipguard(["install", "tinylib"], env={"XDG_CONFIG_DIRS": str(home / "etc")})
    assert done.status == 1
    assert "only your own configuration" in done.err
    assert imported(managed_python, "tinylib") == ""


def test_what_it_hides_is_said(
    run_pipguard: RunPipguard, managed_python: ManagedPython, home: Path
) -> None:
    metadata = managed_python.prefix / "lib/python3/dist-packages/tinylib-1.0.dist-info"
    metadata.mkdir(parents=True)
    answer = f"python3-tinylib: {metadata}"
    write_executable(home / ".local/bin/dpkg-query", f"#!/bin/sh\necho '{answer}'\n")
    write_executable(home / ".local/bin/apt-get", "#!/bin/sh\n")
    text = "#!/bin/sh\nprintf 'python3-tinylib\\nReverse Depends:\\n  certbot\\n |tinytool\\n'\n"
    write_executable(home / ".local/bin/apt-cache", text)
    env = {"PATH": f"{home}/.local/bin:{os.environ['PATH']}", "PIPGUARD_PACKAGE_MANAGER": "apt"}
    done = run_pipguard(["install", BREAK, "--user", "tinylib==2.0"], env=env)
    assert done.status == 0, done.err
    said = [line for line in done.err.splitlines() if line.startswith("pipguard: ")]
    assert len(said) == 2
    assert "hides python3-tinylib 1.0, which certbot, tinytool use" in said[0]
    assert "guard undo" in said[1]


@pytest.mark.parametrize("env", [{}, {"PIP_BREAK_SYSTEM_PACKAGES": "1"}])
def test_what_cannot_be_removed_has_another_way(
    env: Environment, run_pipguard: RunPipguard, managed_python: ManagedPython, project: Path
) -> None:
    words = ["install", *([] if env else [BREAK]), "-r", "requirements.txt"]
    debians = managed_python.site_packages / "six-1.15.0.dist-info"
    debians.mkdir()
    text = "Metadata-Version: 2.1\nName: six\nVersion: 1.15.0\n"
    debians.joinpath("METADATA").write_text(text)
    debians.joinpath("INSTALLER").write_text("debian\n")
    project.joinpath("requirements.txt").write_text("six==1.16.0\n")
    done = run_pipguard(words, env=env)
    assert done.status != 0
    way = "with PIP_BREAK_SYSTEM_PACKAGES=0" if env else f"without {BREAK}"
    assert f"the same command {way} goes to an environment" in done.err
    assert "no RECORD file" in done.err
    assert run_pipguard(["install", "-r", "requirements.txt"]).status == 0
