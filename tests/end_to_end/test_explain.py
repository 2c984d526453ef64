"""`pip guard explain` of many names: the index and the package manager are asked once, at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness.loopback import LoopbackIndex
from harness.managed import write_executable
from harness.running import RunPipguard
from harness.wheels import Release, library

pytestmark = [pytest.mark.usefixtures("managed_python")]

NAMES = [f"zz-lib-{number}" for number in range(20)]


@pytest.fixture
def questions(home: Path) -> Path:
    """An apt on PATH that knows one package, and writes down what it is asked."""
    log = home / "questions"
    folder = home / ".local/bin"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("apt-get", "apt-cache", "dpkg-query"):
        text = f'#!/bin/sh\necho "$0" >>{log}\n'
        if name == "apt-cache":
            text += "printf 'python3-zz-lib-3:\\n  Installed: 1:2.5-1\\n  Candidate: 1:2.5-1\\n'\n"
        write_executable(folder / name, text)
    return log


def explain(run_pipguard: RunPipguard, *words: str) -> dict[str, object]:
    env = {"PIPGUARD_PACKAGE_MANAGER": "apt", "PIPGUARD_ROUTE": "venv"}
    done = run_pipguard(["guard", "explain", "--json", "install", *words], env=env)
    assert done.status == 0, done.err
    found: dict[str, object] = json.loads(done.out)
    return found


def test_each_is_asked_for_once(
    run_pipguard: RunPipguard, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with LoopbackIndex(tmp_path / "index") as index:
        for name in NAMES:
            index.add(*(library(name, version) for version in ("1.0", "1.10", "1.9", "2.0rc1")))
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        said = explain(run_pipguard, *NAMES)
    targets = {target["name"]: target for target in said["targets"]}  # type: ignore[attr-defined]
    assert {target["index"] for target in targets.values()} == {"1.10"}
    assert targets["zz-lib-3"]["system"] == "apt has python3-zz-lib-3 1:2.5-1 (installed)"
    # A machine without lists cannot tell.
    assert targets["zz-lib-4"]["system"].startswith(("apt has no package", "apt has no lists"))
    assert sorted(index.requests) == sorted(f"/simple/{name}/" for name in NAMES)
    asked = [line.rpartition("/")[2] for line in questions.read_text().splitlines()]
    assert asked == ["apt-cache"]


@pytest.mark.usefixtures("questions")
def test_a_silent_index_is_said_once(
    run_pipguard: RunPipguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    said = explain(run_pipguard, *NAMES)
    assert said["index_problem"] == "the package index cannot be reached"
    assert {target["index"] for target in said["targets"]} == {""}  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["application", "library"])
def test_a_wheel_goes_to_the_same_place_by_every_address(
    run_pipguard: RunPipguard,
    tmp_path: Path,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    commands = {"zz-tool": "zz_tool:main"} if kind == "application" else {}
    classifiers = ("Environment :: X11 Applications", "Intended Audience :: End Users/Desktop")
    source = {"zz_tool.py": "def main(): print('ran')\n"}
    release = Release("zz-tool", "1.0", source, commands, classifiers=classifiers)
    with LoopbackIndex(tmp_path / "index") as index:
        index.add(release)
        wheel = next(index.folder.glob("*.whl"))
        served = f"{index.url.removesuffix('/simple')}/files/{wheel.name}"
        local = wheel.as_uri()
        for word in (str(wheel), local, f"zz-tool @ {local}", served, f"zz-tool @ {served}"):
            done = run_pipguard(["guard", "explain", "--json", "install", word])
            expected = "pipx" if kind == "application" else "venv"
            assert json.loads(done.out)["route"] == expected, (word, done.out)
        if kind == "application":
            for word in (local, f"zz-tool @ {served}"):
                assert run_pipguard(["install", word]).status == 0
                assert run_pipguard(["uninstall", "-y", "zz-tool"]).status == 0
    assert not (project / ".venv").exists()
