"""`pip guard doctor`: each check finds its own damage, and none where there is none."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from harness.managed import MakeManagedPython, ManagedPython, Recipe, write_executable
from harness.running import Environment, RunPipguard, run_command

pytestmark = [
    pytest.mark.usefixtures("managed_python", "use_stand_ins", "project"),
]


def examine(run_pipguard: RunPipguard, env: Environment | None = None) -> dict[str, str]:
    """The problems that doctor finds, by check; notes left out."""
    done = run_pipguard(["guard", "doctor", "--json"], env=env)
    findings = [f for f in json.loads(done.out)["findings"] if not f["is_note"]]
    assert done.status == bool(findings), done.err
    return {finding["check"]: f"{finding['problem']} | {finding['remedy']}" for finding in findings}


def pretend_apt(folder: Path, *, owner: str, changed: str = "") -> Environment:
    """An apt whose database says what the test wants."""
    for name, text in {
        "dpkg-query": f"echo '{owner}'" if owner else "exit 1",
        "dpkg": f"echo '{changed}'",
        "apt-cache": "printf 'x\\nReverse Depends:\\n  certbot\\n'",
        "apt-get": f'echo "$@" >>{folder}/asked',
    }.items():
        write_executable(folder / name, f"#!/bin/sh\n{text}\n")
    return {"PATH": f"{folder}:{os.environ['PATH']}", "PIPGUARD_PACKAGE_MANAGER": "apt"}


def test_a_sound_machine(run_pipguard: RunPipguard) -> None:
    assert examine(run_pipguard) == {}


def test_a_missing_marker_and_its_restoration(
    run_pipguard: RunPipguard, managed_python: ManagedPython, home: Path
) -> None:
    managed_python.marker.unlink()
    owner = f"libpython3-stdlib:amd64: {managed_python.marker}"
    env = pretend_apt(home / "bin", owner=owner)
    found = examine(run_pipguard, env)["marker"]
    assert "EXTERNALLY-MANAGED is missing" in found
    assert "apt install --reinstall libpython3-stdlib" in found
    assert not (home / "bin/asked").exists()
    if os.geteuid() == 0:
        run_pipguard(["guard", "doctor", "--fix"], env=env)
        assert (home / "bin/asked").read_text() == (
            "install --reinstall --yes -- libpython3-stdlib\n"
        )


def test_an_edited_marker(
    run_pipguard: RunPipguard, managed_python: ManagedPython, home: Path
) -> None:
    marker = managed_python.marker
    env = pretend_apt(home / "bin", owner=f"libpython: {marker}", changed=f"??5??????   {marker}")
    assert "is not as the package libpython has it" in examine(run_pipguard, env)["marker"]
    sound = pretend_apt(home / "sound", owner=f"libpython: {marker}")
    assert examine(run_pipguard, sound) == {}


def test_standing_orders_to_break_the_system(run_pipguard: RunPipguard, home: Path) -> None:
    assert "PIP_BREAK" in examine(run_pipguard, {"PIP_BREAK_SYSTEM_PACKAGES": "1"})["override"]
    (home / "pip.conf").write_text("[global]\nbreak_system_packages = true\n")
    found = examine(run_pipguard, {"PIP_CONFIG_FILE": str(home / "pip.conf")})
    assert f"remove the line from {home}/pip.conf" in found["override"]
    (home / "pip.conf").write_text("[global]\nbreak-system-packages = false\n")
    refusing = {"PIP_CONFIG_FILE": str(home / "pip.conf"), "PIP_BREAK_SYSTEM_PACKAGES": "0"}
    assert "override" not in examine(run_pipguard, refusing)


def test_what_hides_the_systems_own(
    run_pipguard: RunPipguard, managed_python: ManagedPython, home: Path
) -> None:
    words = ["install", "--user", "--break-system-packages", "tinylib"]
    assert run_pipguard(words, env={"PIPGUARD": "off"}).status == 0
    system = managed_python.prefix / "lib/python3/dist-packages/tinylib-1.0.dist-info"
    system.mkdir(parents=True)
    env = pretend_apt(home / "bin", owner=f"python3-tinylib: {system}")
    found = examine(run_pipguard, env)["hidden"]
    assert "tinylib 2.0 in" in found
    assert "hides python3-tinylib 1.0, which certbot use | " in found
    assert found.endswith("/pipguard guard rescue")


def test_environments_whose_python_is_gone(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    assert run_pipguard(["install", "tinylib"]).status == 0
    assert run_pipguard(["install", "pycowsay"]).status == 0
    applications = home / "xdg-data/pipx/venvs/pycowsay"
    for environment in (project / ".venv", applications):
        (environment / "bin/python").unlink()
        (environment / "bin/python").symlink_to("/nowhere/python3")
    found = examine(run_pipguard)
    assert "PIPGUARD_REBUILD=1" in found["environment"]
    assert "pipx's pycowsay is broken" in found["pipx"]
    run_pipguard(["guard", "doctor", "--fix"])
    assert set(examine(run_pipguard)) == {"environment"}


def test_programs_that_are_not_on_path(run_pipguard: RunPipguard, tools: Path, home: Path) -> None:
    assert run_pipguard(["install", "pycowsay"]).status == 0
    path = os.environ["PATH"].replace(f"{home}/.local/bin:", "")
    assert "ensurepath" in examine(run_pipguard, {"PATH": path})["path"]


def test_a_pip_of_another_python(
    run_pipguard: RunPipguard,
    managed_python: ManagedPython,
    make_managed: MakeManagedPython,
    home: Path,
) -> None:
    other = make_managed()
    (home / "front").mkdir()
    (home / "front/python3").symlink_to(other.python)
    found = examine(run_pipguard, {"PATH": f"{home}/front:{os.environ['PATH']}"})
    assert f"belongs to {managed_python.python}" in found["which pip"]
    assert f"python3 is {home}/front/python3" in found["which pip"]


def test_notes_are_no_problems(
    run_pipguard: RunPipguard, make_managed: MakeManagedPython, home: Path
) -> None:
    python = make_managed(Recipe(ensurepip=False))
    env = pretend_apt(home / "bin", owner="")
    env = {**env, "PATH": f"{python.commands}:{env['PATH']}"}
    done = run_pipguard(["guard", "doctor"], env=env)
    assert done.status == 0
    assert "cannot make environments by itself" in done.out
    assert "no shell file mentions pipguard" in done.out
    (home / ".bashrc").write_text("alias pip=pipguard\n")
    shutil.rmtree(home / "bin")
    done = run_pipguard(["guard", "doctor"])
    assert done.out.startswith("all is well")


def test_problems_come_before_notes_and_both_are_counted(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    assert run_pipguard(["install", "tinylib"]).status == 0
    for link in (project / ".venv/bin").glob("python*"):
        link.unlink()
    lines = run_pipguard(["guard", "doctor"]).out.splitlines()
    starts = [line.split()[0] for line in lines if line[:1].strip()]
    assert starts == ["problem", "note", "1"]  # no shell file mentions pipguard
    assert lines[-1] == "1 problem, 1 note"
    (home / ".bashrc").write_text("alias pip=pipguard\n")
    run_pipguard(["install", "six"], env={"PIPGUARD_REBUILD": "1"})
    said = run_pipguard(["guard", "doctor"]).out
    assert re.fullmatch(r"all is well: no problems in \d+ checks\n", said)


def test_the_alias_that_it_tells_works_for_a_path_with_a_space(
    home: Path, tmp_path: Path, pipguard_command: Path
) -> None:
    link = tmp_path / "my programs/pipguard"
    link.parent.mkdir()
    link.symlink_to(pipguard_command)
    told = run_command([link, "guard", "doctor"]).out
    (line,) = re.findall(r"alias pip=.*$", told, re.MULTILINE)
    script = f"shopt -s expand_aliases\n{line}\npip guard --version\n"
    done = run_command(["bash", "--norc"], stdin=script.encode())
    assert done.out.startswith("pipguard "), done.err
