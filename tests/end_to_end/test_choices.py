"""What the user chose counts: variables, configuration files, routes, and the tools at hand."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from pathlib import Path

import pytest
from harness.managed import ManagedPython, write_executable
from harness.running import RunPipguard, run_command
from harness.wheels import PackageIndex

from pipguard.environments.distributions import list_distributions

pytestmark = [pytest.mark.usefixtures("managed_python", "use_stand_ins")]


def explain(run_pipguard: RunPipguard, *words: str) -> dict[str, object]:
    """What `guard explain --json` says."""
    done = run_pipguard(["guard", "explain", "--json", *words])
    assert done.status == 0, done.err
    document: dict[str, object] = json.loads(done.stdout)
    return document


def test_environment_has_the_chosen_name(run_pipguard: RunPipguard, project: Path) -> None:
    assert run_pipguard(["install", "tinylib"], env={"PIPGUARD_VENV": "my env"}).status == 0
    assert (project / "my env/pyvenv.cfg").exists()
    assert os.listdir(project) == ["my env"]


def test_project_chooses_its_environments_name(run_pipguard: RunPipguard, project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.pipguard]\nvenv = "environment"\n')
    assert run_pipguard(["install", "tinylib"]).status == 0
    assert (project / "environment/pyvenv.cfg").exists()


def test_system_site_packages_are_visible_on_request(
    run_pipguard: RunPipguard, project: Path, managed_python: ManagedPython
) -> None:
    (managed_python.site_packages / "only_apt.py").write_text("")
    ask = [str(project / ".venv/bin/python"), "-I", "-c", "import only_apt"]
    changes = {"PIPGUARD_SYSTEM_SITE_PACKAGES": "1"}
    assert run_pipguard(["install", "tinylib"], env=changes).status == 0
    assert run_command(ask).status == 0


def test_users_file_says_what_is_an_application(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    folder = home / "xdg-config/pipguard"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('applications = ["tinyapp"]\nlibraries = ["pycowsay"]\n')
    assert run_pipguard(["install", "tinyapp"]).status == 0
    assert (home / ".local/bin/tinyapp").exists()
    assert run_pipguard(["install", "pycowsay"]).status == 0
    assert (project / ".venv/bin/pycowsay").exists()


@pytest.mark.parametrize(
    ("changes", "file", "words"),
    [
        ({"PIPGUARD_ROUTE": "sideways"}, "", ["auto, venv, pipx"]),
        ({"PIPGUARD_SYSTEM_SITE_PACKAGES": "perhaps"}, "", ["1, yes, true"]),
        ({}, "venv = 3\n", ["pyproject.toml:3", "venv = 3"]),
        ({}, 'venv = "../out"\n', ["pyproject.toml:3", "inside the project"]),
        ({}, 'route = "override"\n', ["pyproject.toml:3", "only your own"]),
        ({}, "unknown = 1\n", ["pyproject.toml:3", "accepted keys"]),
        ({}, "venv = \n", ["pyproject.toml", "line 3"]),
    ],
    ids=str,
)
def test_bad_setting_names_its_place_and_what_is_accepted(
    run_pipguard: RunPipguard,
    project: Path,
    changes: dict[str, str],
    file: str,
    words: list[str],
) -> None:
    if file:
        (project / "pyproject.toml").write_text(f"\n[tool.pipguard]\n{file}")
    done = run_pipguard(["install", "tinylib"], env=changes)
    assert done.status == 1
    assert all(word in done.err for word in words), done.err
    assert not (project / ".venv").exists()


def test_forced_routes(run_pipguard: RunPipguard, project: Path, home: Path) -> None:
    assert run_pipguard(["install", "pycowsay"], env={"PIPGUARD_ROUTE": "venv"}).status == 0
    assert (project / ".venv/bin/pycowsay").exists()
    assert run_pipguard(["install", "tinyapp"], env={"PIPGUARD_ROUTE": "pipx"}).status == 0
    assert (home / ".local/bin/tinyapp").exists()
    (project / "requirements.txt").write_text("tinyapp\n")
    words = ["install", "-r", "requirements.txt"]
    assert run_pipguard(words, env={"PIPGUARD_ROUTE": "pipx"}).status == 1


def test_users_own_file_switches_it_off(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    file = home / "xdg-config/pipguard/config.toml"
    file.parent.mkdir(parents=True)
    assert run_pipguard(["install", "tinylib"]).status == 0
    file.write_text('route = "off"\n')
    off = run_pipguard(["install", "six"], env={"PIPGUARD": "off"})
    assert run_pipguard(["install", "six"]) == off
    listed = run_pipguard(["list", "--format=freeze"])
    assert (listed.status, "tinylib" in listed.out) == (0, False)
    assert explain(run_pipguard, "install", "six")["reason"] == "pipguard is switched off"
    assert json.loads(run_pipguard(["guard", "status", "--json"]).out)["active"] is False
    # One command may still choose another way.
    assert run_pipguard(["install", "six"], env={"PIPGUARD_ROUTE": "venv"}).status == 0


@pytest.mark.parametrize(("old", "new"), [("true", "false"), ("false", "true")])
def test_pips_files_weigh_as_in_pip(
    run_pipguard: RunPipguard,
    managed_python: ManagedPython,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    old: str,
    new: str,
) -> None:
    monkeypatch.delenv("PIP_CONFIG_FILE")
    for path, value in ((home / ".pip/pip.conf", old), (home / "xdg-config/pip/pip.conf", new)):
        path.parent.mkdir(parents=True)
        path.write_text(f"[global]\nbreak-system-packages = {value}\n")
    asked = managed_python.run("-m", "pip", "config", "get", "global.break-system-packages")
    assert asked.out.strip() == new
    done = run_pipguard(["install", "six"])
    assert done.status == 0, done.err
    assert ("goes to .venv" in done.err) is (new == "false")
    assert (managed_python.site_packages / "six.py").exists() is (new == "true")


def test_explain_says_what_install_then_does(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    said = explain(run_pipguard, "pip", "install", "tinylib")
    assert os.listdir(project) == []
    assert said["route"] == "venv"
    assert said["environment"] == str(project / ".venv")
    assert run_pipguard(["install", "tinylib"]).status == 0
    assert (project / ".venv").exists()
    said = explain(run_pipguard, "install", "pycowsay", "--quiet")
    assert said["route"] == "pipx"
    assert not (home / ".local/bin/pycowsay").exists()
    targets = said["targets"]
    assert isinstance(targets, list)
    assert targets[0]["kind"] == "application"
    assert targets[0]["reason"]
    assert explain(run_pipguard, "list")["route"] != "pipx"
    assert explain(run_pipguard, "install", "--target", "x", "tinylib")["route"] == "pass"
    assert explain(run_pipguard, "install", "setuptools", "wheel")["route"] == "venv"


def test_status_describes_this_folder(
    run_pipguard: RunPipguard, project: Path, managed_python: ManagedPython
) -> None:
    done = run_pipguard(["guard", "status", "--json"])
    assert done.status == 0, done.err
    document = json.loads(done.stdout)
    assert document["real_pip"] == str(managed_python.pip)
    assert document["marker"] == str(managed_python.marker)
    assert document["marker_text"] == managed_python.marker.read_text()
    assert document["project"] == str(project)
    assert document["environment"] == str(project / ".venv")


def test_uv_never_takes_part(
    run_pipguard: RunPipguard, project: Path, home: Path, tools: Path, tmp_path: Path
) -> None:
    """It reads none of pip's configuration, and would ask the public index for private names."""
    calls = tmp_path / "calls"
    script = f"#!/bin/sh\necho \"$@\" >> '{calls}'\necho uv 0.13.8\n"
    write_executable(tmp_path / "bin" / "uv", script)
    path = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    assert run_pipguard(["install", "pycowsay"], env=path).status == 0
    metadata = home / "xdg-data/pipx/venvs/pycowsay/pipx_metadata.json"
    assert json.loads(metadata.read_text()).get("backend", "pip") == "pip"
    # pipx may ask it for its version; with anything else it would ask an index.
    assert set(calls.read_text().splitlines() if calls.exists() else ()) <= {"--version"}


def test_index_options_reach_pip_inside_pipx(
    run_pipguard: RunPipguard, project: Path, home: Path, use_stand_ins: PackageIndex
) -> None:
    changes = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    assert run_pipguard(["install", "--retries=0", "pycowsay"], env=changes).status != 0
    words = ["install", "--index-url", use_stand_ins.url, "pycowsay"]
    assert run_pipguard(words, env=changes).status == 0
    (project / "wheels").mkdir()
    wheel = next(Path(use_stand_ins.folder).rglob("tinyapp-2.0-*.whl"))
    (project / "wheels" / wheel.name).write_bytes(wheel.read_bytes())
    words = ["install", "--no-index", "--find-links", "wheels", "tinyapp"]
    assert run_pipguard(words, env=changes | {"PIPGUARD_ROUTE": "pipx"}).status == 0
    assert (home / ".local/bin/tinyapp").exists()


def test_wheel_file_is_judged_by_its_own_contents(
    run_pipguard: RunPipguard, project: Path, use_stand_ins: PackageIndex
) -> None:
    for pattern in ("pycowsay-0.0.0.2-*.whl", "tinylib-2.0-*.whl"):
        wheel = next(Path(use_stand_ins.folder).rglob(pattern))
        (project / wheel.name).write_bytes(wheel.read_bytes())
    assert (
        explain(run_pipguard, "install", "./pycowsay-0.0.0.2-py3-none-any.whl")["route"] == "pipx"
    )
    assert explain(run_pipguard, "install", "./tinylib-2.0-py3-none-any.whl")["route"] == "venv"


def test_what_the_projects_own_code_imports_is_a_library(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    (project / "bot.py").write_text("import pycowsay\n")
    done = run_pipguard(["install", "pycowsay"])
    assert done.status == 0, done.err
    assert "`pycowsay` goes to .venv (new): `bot.py` imports it" in done.err
    assert "pipguard: ready to run: `.venv/bin/pycowsay`\n" in done.err
    assert run_command([project / ".venv/bin/python", "bot.py"], project).status == 0


def test_in_the_home_folder_nothing_is_a_projects_code(
    run_pipguard: RunPipguard, home: Path
) -> None:
    (home / "bot.py").write_text("import pycowsay\n")
    done = run_pipguard(["install", "pycowsay"], cwd=home)
    assert done.status == 0, done.err
    assert "`pycowsay` goes to pipx" in done.err


def test_the_toolchain_beside_an_application_makes_it_no_library(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    done = run_pipguard(["install", "--upgrade", "pip", "pycowsay"])
    assert done.status == 0, done.err
    assert "so `pycowsay` goes to pipx" in done.err
    assert "`pip` left alone: each application has its own" in done.err
    assert (home / ".local/bin/pycowsay").exists()
    assert os.listdir(project) == []


@pytest.mark.parametrize(
    ("file", "command"),
    [("uv.lock", "uv add"), ("poetry.lock", "poetry add"), ("Pipfile.lock", "pipenv install")],
)
def test_another_managers_lock_file_is_named(
    run_pipguard: RunPipguard, project: Path, file: str, command: str
) -> None:
    (project / "pyproject.toml").touch()
    (project / file).write_text("as it was")
    said = run_pipguard(["install", "six>=1", "tinylib"]).err
    assert f"{file} is not changed" in said
    assert f"`{command} 'six>=1' tinylib` keeps it" in said
    assert (project / file).read_text() == "as it was"
    assert "is not changed" not in run_pipguard(["install", "-e", "."]).err


def test_json_may_stand_at_the_end(run_pipguard: RunPipguard) -> None:
    done = run_pipguard(["guard", "explain", "install", "six", "--json"])
    assert json.loads(done.out)["route"] == "venv"


def test_a_slip_in_a_verb_has_a_suggestion(run_pipguard: RunPipguard) -> None:
    done = run_pipguard(["guard", "staus"])
    assert done.status == 2
    assert done.err.endswith("hint: try: status\n")


# Environments in a place of their own (PEP 832)


def test_central_environments_are_led_to_by_a_file(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    (project / "pyproject.toml").touch()
    central = {"PIPGUARD_ENVIRONMENTS": "central"}
    done = run_pipguard(["install", "tinylib"], env=central)
    assert done.status == 0, done.err
    (environment,) = (home / "xdg-data/pipguard/environments").glob("project-*[!r]")
    assert (project / ".venv").read_text() == f"{environment}\n"
    assert "tinylib==2.0" in run_pipguard(["freeze"]).out
    # The file counts from now on, whatever the setting says.
    again = run_pipguard(["install", "six"])
    assert again.status == 0, again.err
    held = list_distributions(str(environment))
    assert {"six", "tinylib"} <= held.keys()


def test_undo_takes_the_file_with_the_environment_and_brings_both_back(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    assert (
        run_pipguard(["install", "tinylib"], env={"PIPGUARD_ENVIRONMENTS": "central"}).status == 0
    )
    assert run_pipguard(["guard", "undo"]).status == 0
    assert os.listdir(project) == []
    assert not list((home / "xdg-data/pipguard/environments").glob("*/pyvenv.cfg"))
    (last,) = json.loads(run_pipguard(["guard", "log", "--json", "-1"]).out)
    redone = run_pipguard(["guard", "undo", last["id"]])
    assert redone.status == 0, redone.err
    assert "tinylib==2.0" in run_pipguard(["freeze"]).out


def test_a_central_environment_that_fails_leaves_no_file(
    run_pipguard: RunPipguard, project: Path
) -> None:
    env = {"PIPGUARD_ENVIRONMENTS": "central", "PIPGUARD_ROUTE": "venv"}
    assert run_pipguard(["install", "no-such-distribution"], env=env).status == 1
    assert os.listdir(project) == []


def test_a_projects_file_cannot_move_environments(run_pipguard: RunPipguard, project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.pipguard]\nenvironments = "central"\n')
    done = run_pipguard(["install", "tinylib"])
    assert done.status == 1
    assert "`environments` is no setting here" in done.err


def test_the_environment_that_another_manager_made_is_used(
    run_pipguard: RunPipguard, project: Path, home: Path, managed_python: ManagedPython
) -> None:
    (project / "poetry.lock").touch()
    digest = hashlib.sha256(os.path.realpath(project).encode()).digest()
    name = f"project-{base64.urlsafe_b64encode(digest).decode()[:8]}-py3.11"
    folder = home / "xdg-cache/pypoetry/virtualenvs" / name
    words = [sys.executable, "-I", "-m", "virtualenv", "-q", "-p", str(managed_python.python)]
    assert run_command([*words, folder]).status == 0
    done = run_pipguard(["install", "tinylib"])
    assert done.status == 0, done.err
    assert "(poetry made it for this project)" in done.err
    assert "poetry add tinylib" in done.err
    assert "tinylib==2.0" in run_pipguard(["freeze"]).out
    assert os.listdir(project) == ["poetry.lock"]


# Requirements by the newer standards (PEP 735, 751, 723), which Debian 12's own pip cannot read


@pytest.mark.parametrize("installer", ["pip", "uv"])
@pytest.mark.parametrize(
    "words",
    [
        ["--group", "test"],
        ["-r", "pylock.toml"],
        ["--requirements-from-script", "script.py"],
    ],
    ids=lambda words: words[0].lstrip("-"),
)
def test_requirements_by_newer_standards(
    run_pipguard: RunPipguard,
    project: Path,
    use_stand_ins: PackageIndex,
    words: list[str],
    installer: str,
) -> None:
    wheel = next(use_stand_ins.find_links.glob("tinylib-2.0-*.whl"))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (project / "pyproject.toml").write_text('[dependency-groups]\ntest = ["tinylib"]\n')
    (project / "script.py").write_text('# /// script\n# dependencies = ["tinylib"]\n# ///\n')
    (project / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "test"\n[[packages]]\nname = "tinylib"\n'
        f'version = "2.0"\n[[packages.wheels]]\nname = "{wheel.name}"\npath = "{wheel}"\n'
        f'hashes = {{sha256 = "{digest}"}}\n'
    )
    done = run_pipguard(["install", *words], env={"PIPGUARD_INSTALLER": installer})
    assert done.status == 0, done.err
    assert done.out.splitlines()[-1] == "Successfully installed tinylib-2.0"
    assert list_distributions(str(project / ".venv"))["tinylib"] == "2.0"


def test_a_link_in_a_project_leads_to_no_environment_of_the_users(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    assert run_pipguard(["install", "tinylib"], env={"PIPGUARD_VENV": f"{home}/mine"}).status == 0
    (home / "mine/conda-meta").mkdir()
    (project / "pixi.toml").touch()
    (project / ".pixi/envs").mkdir(parents=True)
    (project / ".pixi/envs/default").symlink_to(home / "mine")
    done = run_pipguard(["install", "six"])
    assert done.status == 1
    assert "leads out of the project" in done.err
    assert "six" not in list_distributions(str(home / "mine"))
