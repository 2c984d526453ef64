"""Options that only the machine's own, older pip knows: what it refuses is routed all the same."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from harness.managed import MakeManagedPython, Recipe
from harness.running import RunPipguard

pytestmark = [
    pytest.mark.usefixtures("use_stand_ins"),
    pytest.mark.skipif(
        sys.version_info >= (3, 12),
        reason="needs another platform: pip 23.0.1 does not start on Python 3.12",
    ),
]


@pytest.fixture
def old_pip(make_managed: MakeManagedPython, monkeypatch: pytest.MonkeyPatch) -> None:
    python = make_managed(Recipe(pip="23.0.1"))
    monkeypatch.setenv("PATH", f"{python.commands}:{os.environ['PATH']}")


@pytest.mark.usefixtures("old_pip")
@pytest.mark.parametrize("option", ["--global-option=x", "--install-option=x"])
def test_an_option_that_newer_pips_dropped(
    run_pipguard: RunPipguard, project: Path, option: str
) -> None:
    words = ["install", option, "tinylib"]
    explained = json.loads(run_pipguard(["guard", "explain", "--json", *words]).out)
    assert explained["route"] == "venv"
    for _ in range(2):  # the refusal is remembered the second time
        done = run_pipguard(words)
        assert "goes to .venv" in done.err
        # The old pip runs for the environment: it takes the option, and wants a source archive.
        assert "Implying --no-binary" in done.err
        assert (done.status, os.listdir(project)) == (1, [])


@pytest.mark.usefixtures("old_pip")
def test_an_option_that_it_does_not_have_yet_is_the_environments_pips(
    run_pipguard: RunPipguard, project: Path
) -> None:
    groups = '[dependency-groups]\ntest = ["tinylib"]\n'
    (project / "pyproject.toml").write_text(groups)
    done = run_pipguard(["guard", "explain", "install", "--group=test", "--json"])
    explained = json.loads(done.out)
    assert explained["route"] == "venv"
    for _ in range(2):  # the refusal is remembered the second time
        done = run_pipguard(["install", "--group", "test"])
        assert done.status == 0, done.err
        assert "no such option" not in done.err
    assert (project / ".venv").exists()


@pytest.mark.usefixtures("old_pip")
@pytest.mark.parametrize("words", [["install", "--no-such-option", "tinylib"], ["lock", "tinylib"]])
def test_what_no_pip_knows_is_its_own_to_reject(
    run_pipguard: RunPipguard, project: Path, words: list[str]
) -> None:
    done = run_pipguard(words)
    off = run_pipguard(words, env={"PIPGUARD": "off"})
    assert (done.status, done.err) == (off.status, off.err)
    assert os.listdir(project) == []
