"""Plugins go to the application that they plug into, on real pipx: the newest, 1.7 and 1.1."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from harness.running import RunPipguard
from harness.wheels import PackageIndex, Release, application, library, plugin

pytestmark = [pytest.mark.usefixtures("managed_python")]

LIST_PLUGINS = (
    "import importlib.metadata as m\n\n\n"
    "def main():\n"
    "    found = m.entry_points().select(group='tinyhost')\n"
    "    print(*sorted(f'{p.name} {p.dist.version}' for p in found), sep=', ')\n"
)


def host(name: str, version: str = "1.0") -> Release:
    """An application that prints which plugins it finds."""
    code = LIST_PLUGINS.replace("'tinyhost'", repr(name))
    return Release(name, version, {f"{name}.py": code}, {name: f"{name}:main"})


@pytest.fixture(autouse=True)
def index(package_index: PackageIndex, monkeypatch: pytest.MonkeyPatch) -> PackageIndex:
    """Two applications, what plugs into them, and what does not."""
    package_index.add(host("tinyhost"), host("tinyother"), host("tinyhost", "2.0"))
    package_index.add(plugin("tinyhost-map", "tinyhost"), plugin("tinyhost-map", "tinyhost", "2.0"))
    package_index.add(plugin("tinyhost-shell", "tinyhost", command="tinyshell"))
    package_index.add(plugin("odd", "tinyhost"), library("tinyhost-client", requires=("tinyhost",)))
    groups = {"tinyhost": {"both": "both"}, "tinyother.plugins": {"both": "both"}}
    needs = ("tinyhost", "tinyother")
    both = Release("both", "1.0", {"both.py": ""}, {}, needs, groups=groups)
    package_index.add(both, application("tinyapp"), library("six"))
    newer = Release("tinyhost-new", "1.0", {"tinyhost_new.py": ""}, {}, ("tinyhost>=9",),
                    groups={"tinyhost": {"new": "tinyhost_new"}})  # fmt: skip
    package_index.add(newer)
    monkeypatch.setenv("PIP_INDEX_URL", package_index.url)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    return package_index


@pytest.fixture
def has_host(run_pipguard: RunPipguard, home: Path) -> None:
    """Put the application into pipx."""
    settings = home / "xdg-config" / "pipguard"
    settings.mkdir(parents=True)
    settings.joinpath("config.toml").write_text('applications = ["tinyhost", "tinyother"]\n')
    done = run_pipguard(["install", "tinyhost<2"])
    assert done.status == 0, done.err


def list_plugins(home: Path, name: str = "tinyhost") -> str:
    done = subprocess.run([home / ".local/bin" / name], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="session")
def old_pipxes(
    tmp_path_factory: pytest.TempPathFactory, outside_environment: dict[str, str]
) -> dict[str, Path]:
    """pipx 1.1, Debian 12's, without `uninject`; 1.7, Debian 13's, whose takes too much."""
    made = {}
    for version in ("1.1.0", "1.7.1"):
        folder = tmp_path_factory.mktemp(f"pipx-{version}")
        make = [sys.executable, "-I", "-m", "virtualenv", "-q", "--no-periodic-update", str(folder)]
        subprocess.run(make, check=True, env=outside_environment)
        pip = [str(folder / "bin/python"), "-m", "pip", "install", "-q"]
        needed = [f"pipx=={version}", "setuptools<81"]
        subprocess.run([*pip, *needed], check=True, env=outside_environment)
        made[version] = folder / "bin/pipx"
    return made


@pytest.fixture(params=["newest", "1.7.1", "1.1.0"])
def any_pipx(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pipx in turn; the newest is the one that came with pipguard."""
    if request.param != "newest":
        link = home / ".local/bin/pipx"
        link.parent.mkdir(parents=True)
        link.symlink_to(request.getfixturevalue("old_pipxes")[request.param])
        monkeypatch.setenv("PIPX_HOME", str(home / "xdg-data/pipx"))


@pytest.mark.usefixtures("any_pipx", "has_host")
def test_it_goes_to_its_application_and_back(
    run_pipguard: RunPipguard, home: Path, project: Path
) -> None:
    done = run_pipguard(["install", "tinyhost-map<2"])
    assert done.status == 0, done.err
    assert "`tinyhost-map<2` goes to pipx: a plugin of tinyhost" in done.err
    assert "tinyhost-map 1.0 is in tinyhost now" in done.err
    assert list_plugins(home) == "tinyhost_map 1.0"
    assert list(project.iterdir()) == []
    assert "Version: 1.0" in run_pipguard(["show", "tinyhost-map"]).out
    assert "in pipx" in run_pipguard(["guard", "status", "tinyhost-map"]).out
    assert "+tinyhost-map 1.0 in tinyhost" in run_pipguard(["guard", "log"]).out
    done = run_pipguard(["install", "-U", "tinyhost-map"])
    assert list_plugins(home) == "tinyhost_map 2.0", done.err
    assert run_pipguard(["guard", "undo"]).status == 0
    assert list_plugins(home) == "tinyhost_map 1.0"
    undone = run_pipguard(["guard", "undo"])
    assert undone.status == 0, undone.err
    assert list_plugins(home) == ""
    identifier = json.loads(run_pipguard(["guard", "log", "--json"]).out)[-1]["id"]
    done = run_pipguard(["guard", "undo", identifier])
    assert done.status == 0, done.err
    assert list_plugins(home) == "tinyhost_map 1.0"
    done = run_pipguard(["uninstall", "-y", "tinyhost-map"])
    assert done.status == 0, done.err
    assert "removing `tinyhost-map` from tinyhost with pipx" in done.err
    assert list_plugins(home) == ""
    assert run_pipguard(["uninstall", "-y", "tinyhost-map"]).status == 1


@pytest.mark.usefixtures("any_pipx")
def test_application_and_plugin_in_one_command(run_pipguard: RunPipguard, home: Path) -> None:
    settings = home / "xdg-config" / "pipguard"
    settings.mkdir(parents=True)
    settings.joinpath("config.toml").write_text('applications = ["tinyhost"]\n')
    done = run_pipguard(["install", "tinyhost-map", "tinyhost"])
    assert done.status == 0, done.err
    assert list_plugins(home) == "tinyhost_map 2.0"
    assert run_pipguard(["guard", "undo"]).status == 0
    assert not (home / "xdg-data/pipx/venvs/tinyhost").exists()
    identifier = json.loads(run_pipguard(["guard", "log", "--json"]).out)[-1]["id"]
    assert run_pipguard(["guard", "undo", identifier]).status == 0
    assert list_plugins(home) == "tinyhost_map 2.0"


@pytest.mark.usefixtures("any_pipx", "has_host")
def test_its_own_commands_are_exposed_and_go_with_it(run_pipguard: RunPipguard, home: Path) -> None:
    done = run_pipguard(["install", "tinyhost-shell"])
    assert "tinyhost-shell 1.0 is in tinyhost now: run `tinyshell`" in done.err
    command = home / ".local/bin/tinyshell"
    assert command.exists()
    assert run_pipguard(["uninstall", "-y", "tinyhost-shell"]).status == 0
    assert not command.is_symlink()
    assert run_pipguard(["guard", "undo"]).status == 0
    assert command.exists()
    run_pipguard(["install", "tinyhost-map"])
    assert run_pipguard(["uninstall", "-y", "tinyhost"]).status == 0
    assert not command.is_symlink()
    assert run_pipguard(["guard", "undo"]).status == 0
    assert command.exists()
    assert "tinyhost_map" in list_plugins(home)


@pytest.mark.usefixtures("has_host")
def test_metadata_tells_where_the_name_does_not(run_pipguard: RunPipguard, home: Path) -> None:
    assert "a plugin of tinyhost" in run_pipguard(["install", "odd"]).err
    assert list_plugins(home) == "odd 1.0"


@pytest.mark.usefixtures("has_host")
def test_of_two_applications_it_goes_to_both(run_pipguard: RunPipguard, home: Path) -> None:
    run_pipguard(["install", "tinyother"])
    done = run_pipguard(["install", "both"])
    assert "a plugin of tinyhost and tinyother" in done.err
    assert list_plugins(home) == "both 1.0"
    assert "both 1.0 is in tinyhost now, both 1.0 is in tinyother now" in done.err
    assert run_pipguard(["uninstall", "-y", "both"]).status == 0
    assert list_plugins(home) == ""


@pytest.mark.usefixtures("has_host")
@pytest.mark.parametrize("file", ["requirements.txt", "main.py"])
@pytest.mark.parametrize("name", ["tinyhost", "tinyhost_map"])
def test_what_the_project_asks_for_stays_in_the_project(
    run_pipguard: RunPipguard, project: Path, file: str, name: str
) -> None:
    text = f"import {name}\n" if file == "main.py" else f"{name}\n"
    project.joinpath(file).write_text(text)
    done = run_pipguard(["install", "tinyhost-map"])
    assert "`tinyhost-map` goes to .venv (new)" in done.err


@pytest.mark.usefixtures("has_host")
def test_beside_an_application_in_the_environment_it_goes_there(
    run_pipguard: RunPipguard, project: Path
) -> None:
    run_pipguard(["install", "tinyhost"], env={"PIPGUARD_ROUTE": "venv"})
    assert "goes to .venv" in run_pipguard(["install", "tinyhost-map"]).err


@pytest.mark.usefixtures("has_host")
@pytest.mark.parametrize("words", [["tinyhost-client"], ["tinyhost-map", "six"]])
def test_what_is_no_plugin_goes_where_it_went(run_pipguard: RunPipguard, words: list[str]) -> None:
    assert "to .venv (new)" in run_pipguard(["install", *words]).err


@pytest.mark.usefixtures("has_host")
def test_a_failure_leaves_the_application_as_it_was(run_pipguard: RunPipguard, home: Path) -> None:
    run_pipguard(["install", "tinyhost-map<2"])
    done = run_pipguard(["install", "tinyhost-new"])
    assert done.status == 1
    assert "could not install `tinyhost-new`" in done.err
    assert list_plugins(home) == "tinyhost_map 1.0"


@pytest.mark.usefixtures("has_host")
def test_what_is_there_is_said(run_pipguard: RunPipguard) -> None:
    run_pipguard(["install", "tinyhost-map"])
    done = run_pipguard(["install", "tinyhost-map"])
    assert done.status == 0
    assert "`tinyhost-map` 2.0 is in tinyhost already" in done.err


@pytest.mark.usefixtures("has_host")
def test_explain_and_options(
    run_pipguard: RunPipguard, home: Path, index: PackageIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = json.loads(run_pipguard(["guard", "explain", "--json", "install", "tinyhost-map"]).out)
    assert said["route"] == "pipx"
    assert [target["kind"] for target in said["targets"]] == ["plugin"]
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    assert run_pipguard(["install", "tinyhost-map"]).status == 1
    done = run_pipguard(["install", "tinyhost-map<2", "--index-url", index.url])
    assert done.status == 0, done.err
    # An upgrade asks the index that it came from, not the one that is configured.
    assert run_pipguard(["install", "-U", "tinyhost-map"]).status == 0
    assert list_plugins(home) == "tinyhost_map 2.0"


def test_a_library_that_an_application_imports_has_a_word(
    run_pipguard: RunPipguard, home: Path, project: Path, index: PackageIndex
) -> None:
    index.add(application("ansible"), library("jmespath"))
    assert run_pipguard(["install", "ansible"], env={"PIPGUARD_ROUTE": "pipx"}).status == 0
    done = run_pipguard(["install", "jmespath"])
    assert "`jmespath` goes to .venv (new)" in done.err
    word = "ansible in pipx does not see `jmespath`: PIPGUARD_ROUTE=pipx adds it there"
    assert word in done.err
    done = run_pipguard(["install", "jmespath"], env={"PIPGUARD_ROUTE": "pipx"})
    assert done.status == 0, done.err
    assert "jmespath 1.0 is in ansible now" in done.err
    python = home / "xdg-data/pipx/venvs/ansible/bin/python"
    assert subprocess.run([str(python), "-c", "import jmespath"], check=False).returncode == 0
    assert "does not see" not in run_pipguard(["install", "jmespath==1.0"]).err
