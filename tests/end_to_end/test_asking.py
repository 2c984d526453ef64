"""Only a real doubt is worth a question, only a person is asked, and only once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from harness.running import RunPipguard, RunPipguardOnTerminal, run_command
from harness.wheels import PackageIndex, Release, application, library

pytestmark = [pytest.mark.usefixtures("managed_python")]

QUESTION = b"do you only run it, never import it? [y/N] "
SOURCE = "def main():\n    print('frobbed')\n"


@pytest.fixture(autouse=True)
def index(package_index: PackageIndex, monkeypatch: pytest.MonkeyPatch) -> PackageIndex:
    """An index with a project that could be both: its command is not named like itself."""
    package_index.add(Release("zz-both", "1.0", {"zz_both.py": SOURCE}, {"frob": "zz_both:main"}))
    package_index.add(application("zz-frobnicate"), library("zz-plain"), application("black"))
    monkeypatch.setenv("PIP_INDEX_URL", package_index.url)
    return package_index


def answers_file(home: Path) -> Path:
    return home / "xdg-data/pipguard/answers.txt"


def test_yes_is_pipx_and_is_remembered(
    run_pipguard_on_terminal: RunPipguardOnTerminal,
    run_pipguard: RunPipguard,
    project: Path,
    home: Path,
) -> None:
    done = run_pipguard_on_terminal(["install", "zz-both"], answers=[(QUESTION, b"y\n")])
    assert done.status == 0, done.out
    assert run_command([home / ".local/bin/frob"]).out == "frobbed\n"
    assert os.listdir(project) == []
    assert answers_file(home).read_text().splitlines()[-1] == "zz-both application"
    assert f"an application, as you answered ({answers_file(home)})" in done.out
    assert len([line for line in done.out.splitlines() if "pipguard:" in line]) <= 4
    again = run_pipguard_on_terminal(["install", "-U", "zz-both"])
    assert QUESTION not in again.stdout
    explained = json.loads(run_pipguard(["guard", "explain", "--json", "install", "zz-both"]).out)
    assert explained["route"] == "pipx"
    assert str(answers_file(home)) in explained["targets"][0]["reason"]


@pytest.mark.parametrize("typed", [b"\n", b"n\n", b"what?\nNo\n"], ids=["Enter", "n", "twice"])
def test_anything_else_is_the_environment(
    run_pipguard_on_terminal: RunPipguardOnTerminal, project: Path, home: Path, typed: bytes
) -> None:
    done = run_pipguard_on_terminal(["install", "zz-both"], answers=[(QUESTION, typed)])
    assert done.status == 0, done.out
    assert (project / ".venv/bin/frob").exists()
    assert answers_file(home).read_text().splitlines()[-1] == "zz-both library"
    again = run_pipguard_on_terminal(["install", "zz-both"])
    assert QUESTION not in again.stdout


def test_a_changed_answer_counts(
    run_pipguard: RunPipguard,
    run_pipguard_on_terminal: RunPipguardOnTerminal,
    project: Path,
    home: Path,
) -> None:
    done = run_pipguard_on_terminal(["install", "zz-both"], answers=[(QUESTION, b"\n")])
    assert QUESTION in done.stdout
    text = answers_file(home).read_text().replace("library", "application")
    answers_file(home).write_text(text)
    explained = json.loads(run_pipguard(["guard", "explain", "--json", "install", "zz-both"]).out)
    assert explained["route"] == "pipx"


def test_the_end_of_input_is_no_answer(
    run_pipguard_on_terminal: RunPipguardOnTerminal, project: Path, home: Path
) -> None:
    done = run_pipguard_on_terminal(["install", "zz-both"], answers=[(QUESTION, b"\x04")])
    assert done.status == 0, done.out
    assert (project / ".venv/bin/frob").exists()
    assert not answers_file(home).exists()


def test_ctrl_c_at_the_question_leaves_nothing(
    run_pipguard_on_terminal: RunPipguardOnTerminal, project: Path, home: Path
) -> None:
    done = run_pipguard_on_terminal(["install", "zz-both"], answers=[(QUESTION, b"\x03")])
    assert done.status in {130, -2}, done.out
    assert b"Traceback" not in done.stdout
    assert os.listdir(project) == []
    assert not answers_file(home).exists()


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        (["-q"], {}),
        (["--no-input"], {}),
        ([], {"PIP_QUIET": "1"}),
        ([], {"PIP_NO_INPUT": "1"}),
        ([], {"PIPGUARD_ROUTE": "venv"}),
        (["zz-plain"], {}),
    ],
    ids=str,
)
def test_nobody_is_asked_who_did_not_want_it(
    run_pipguard_on_terminal: RunPipguardOnTerminal,
    project: Path,
    words: list[str],
    changes: dict[str, str],
) -> None:
    done = run_pipguard_on_terminal(["install", *words, "zz-both"], env=changes)
    assert done.status == 0, done.out
    assert b"[y/N]" not in done.stdout
    assert (project / ".venv/bin/frob").exists()


def test_pips_own_configuration_forbids_questions(
    run_pipguard_on_terminal: RunPipguardOnTerminal, project: Path, index: PackageIndex
) -> None:
    (project / "pip.conf").write_text(f"[global]\nno-input = true\nindex-url = {index.url}\n")
    changes = {"PIP_CONFIG_FILE": str(project / "pip.conf")}
    done = run_pipguard_on_terminal(["install", "zz-both"], env=changes)
    assert done.status == 0, done.out
    assert b"[y/N]" not in done.stdout


def test_nobody_is_asked_without_a_terminal(run_pipguard: RunPipguard, project: Path) -> None:
    done = run_pipguard(["install", "zz-both"], stdin=b"y\n")
    assert done.status == 0, done.err
    assert "[y/N]" not in done.err
    assert "not clearly an application" in done.err
    assert (project / ".venv/bin/frob").exists()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (None, "the package index does not have it"),
        ("http://127.0.0.1:9/simple", "the package index cannot be reached"),
        ("file:///no/such/folder", "the package index"),
    ],
    ids=["absent", "closed", "no folder"],
)
def test_nobody_is_asked_where_the_index_gave_no_answer(
    run_pipguard_on_terminal: RunPipguardOnTerminal, project: Path, url: str | None, problem: str
) -> None:
    changes = {"PIP_RETRIES": "0", "NO_PROXY": "*", **({"PIP_INDEX_URL": url} if url else {})}
    done = run_pipguard_on_terminal(["install", "no-such-project-anywhere"], env=changes)
    assert done.status == 1
    assert b"[y/N]" not in done.stdout
    assert f"in doubt, because {problem}" in done.out
    assert b"Traceback" not in done.stdout
    assert os.listdir(project) == []


def test_explain_never_asks(
    run_pipguard_on_terminal: RunPipguardOnTerminal, project: Path, home: Path
) -> None:
    done = run_pipguard_on_terminal(["guard", "explain", "install", "zz-both"])
    assert done.status == 0, done.out
    assert b"[y/N]" not in done.stdout
    assert b"on a terminal you are asked" in done.stdout
    assert not answers_file(home).exists()


def test_an_answer_that_cannot_be_kept_counts_once(
    run_pipguard_on_terminal: RunPipguardOnTerminal, project: Path, home: Path
) -> None:
    (home / "xdg-data/pipguard/answers.txt").mkdir(parents=True)
    done = run_pipguard_on_terminal(["install", "zz-both"], answers=[(QUESTION, b"y\n")])
    assert done.status == 0, done.out
    assert b"cannot be stored" in done.stdout
    assert (home / ".local/bin/frob").exists()


# The project's own files


@pytest.mark.parametrize("name", ["black", "zz-frobnicate"], ids=["known", "by its metadata"])
def test_what_the_project_names_is_a_library_there(
    run_pipguard: RunPipguard, project: Path, home: Path, name: str
) -> None:
    (project / "pyproject.toml").write_text(f'[dependency-groups]\ndev = ["{name}"]\n')
    done = run_pipguard(["install", name])
    assert done.status == 0, done.err
    assert f"`{name}` goes to .venv (new): named in pyproject.toml" in done.err
    assert not (home / ".local/bin").exists()


def test_the_settings_go_before_the_projects_requirements(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    (project / "requirements.txt").write_text("black\n")
    (project / "pyproject.toml").write_text('[tool.pipguard]\napplications = ["black"]\n')
    done = run_pipguard(["install", "black"])
    assert "an application, as the settings say" in done.err
    assert (home / ".local/bin/black").exists()


def test_an_active_environment_asks_nobody(
    run_pipguard: RunPipguard, project: Path, index: PackageIndex
) -> None:
    assert run_pipguard(["install", "zz-plain"]).status == 0
    words = ["guard", "explain", "--json", "install", "zz-both"]
    done = run_pipguard(words, env={"VIRTUAL_ENV": str(project / ".venv")})
    explained = json.loads(done.out)
    assert explained["reason"] == "the active environment"
    assert explained["targets"][0]["kind"] == "either"
