"""What messages tell people to type works: the names of our own commands, and what they do."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from conftest import CHECKOUT
from harness.running import RunPipguard, run_command

from pipguard.commands import VERBS
from pipguard.commands.help import TOPICS

pytestmark = pytest.mark.usefixtures("managed_python", "use_stand_ins")


def test_a_folder_that_is_not_on_path_is_put_there(
    run_pipguard: RunPipguard, home: Path, pipguard_command: Path
) -> None:
    path = os.pathsep.join(p for p in os.environ["PATH"].split(":") if "/.local/bin" not in p)
    done = run_pipguard(["install", "pycowsay"], env={"PATH": path, "SHELL": "/bin/bash"})
    assert f"is not on PATH: `{pipguard_command} guard ensurepath`" in done.err
    (home / ".bashrc").touch()
    done = run_pipguard(["guard", "ensurepath"], env={"PATH": path, "SHELL": "/bin/bash"})
    assert done.status == 0, done.err
    written = "".join(
        file.read_text() for file in (home / ".bashrc", home / ".profile") if file.exists()
    )
    assert str(home / ".local/bin") in written


def test_an_unknown_command_is_named(run_pipguard: RunPipguard) -> None:
    done = run_pipguard(["guard", "nonsense"])
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("pipguard: unknown command `guard nonsense`\n")


@pytest.mark.parametrize("name", ["pipguard", "pip", "pip3"])
def test_the_words_name_what_was_typed(pipguard_command: Path, tmp_path: Path, name: str) -> None:
    """As `pip` it is `pip guard`; by a path that is not on PATH it is that path."""
    command = tmp_path / "elsewhere" / name
    command.parent.mkdir()
    command.write_text(pipguard_command.read_text())
    command.chmod(0o755)
    done = run_command([command, "guard", "doctor"], cwd=tmp_path)
    assert "problem" in done.out
    done = run_command(
        [command, "install", "pycowsay"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"].replace("/.local/bin", "/.local/other")},
    )
    expected = "pip guard" if name != "pipguard" else f"{command} guard"
    assert f"`{expected} ensurepath`" in done.err


def test_help_is_about_verbs_and_about_security(run_pipguard: RunPipguard, home: Path) -> None:
    verbs = run_pipguard(["guard"]).out
    assert run_pipguard(["guard", "help"]).out == verbs
    assert run_pipguard(["guard", "help", "undo"]).out.startswith("usage: pip guard undo")
    assert run_pipguard(["guard", "help", "nonsense"]).status == 2
    # The folders that it names are those in use.
    assert run_pipguard(["install", "tinylib"]).status == 0
    said = run_pipguard(["guard", "help", "security"]).out
    folders = [line.strip() for line in said.splitlines() if line.startswith("  /")]
    assert len(folders) == 3
    assert all(os.listdir(folder) for folder in folders)
    assert os.path.isfile(f"{folders[0]}/log.jsonl")


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_fits_a_terminal(run_pipguard: RunPipguard, topic: str) -> None:
    told = run_pipguard(["guard", "help", topic])
    assert told.status == 0, told.err
    own_paths = [line for line in told.out.splitlines() if "/xdg-" not in line]
    assert max(map(len, own_paths)) <= 100
    assert "{" not in told.out
    assert topic in run_pipguard(["guard", "help", "--help"]).out


def test_every_setting_is_explained(run_pipguard: RunPipguard) -> None:
    told = run_pipguard(["guard", "help", "settings"]).out
    refused = run_pipguard(["list"], env={"PIPGUARD_ROUTE": "nonsense"}).err
    assert all(word in told for word in refused.partition("accepted: ")[2].strip().split(", "))
    folder = Path(os.environ["XDG_CONFIG_HOME"], "pipguard")
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("nonsense = 1\n")
    keys = run_pipguard(["install", "six"]).err.partition("accepted keys: ")[2].split("\n")[0]
    assert len(keys.split(", ")) > 5
    assert [key for key in keys.split(", ") if key not in told] == []


def test_every_exit_status_of_an_error_is_explained(run_pipguard: RunPipguard) -> None:
    told = run_pipguard(["guard", "help", "statuses"]).out
    listed = {line.split()[0] for line in told.splitlines() if line[:5].strip().isdigit()}
    texts = [path.read_text() for path in (CHECKOUT / "pipguard").rglob("*.py")]
    used = {n for text in texts for n in re.findall(r"exit_status = (\d+)$", text, re.MULTILINE)}
    assert used - listed == set()


def test_the_manual_page_has_every_verb_option_and_topic(run_pipguard: RunPipguard) -> None:
    page = run_pipguard(["guard", "help", "--man"])
    assert page.status == 0, page.err
    text = page.out.replace("\\-", "-")
    for verb in VERBS:
        told = run_pipguard(["guard", verb, "--help"]).out
        options = re.findall(r"^  (--[a-z-]+)", told, re.MULTILINE)
        assert [o for o in (f"pip guard {verb}", *options) if o not in text] == []
    assert all(f".SH {topic.upper()}\n" in text for topic in TOPICS)
    # A request that roff does not know would swallow its line.
    known = {"TH", "SH", "SS", "B", "BR", "I", "TP", "PP", "RS", "RE", "br", "nf", "fi"}
    lines = (line for line in text.splitlines() if line.startswith((".", "'")))
    assert {line.split()[0][1:] for line in lines} <= known
    assert "{" not in text.replace("{install,remove,status}", "")


def test_completion_knows_what_is_there(run_pipguard: RunPipguard, project: Path) -> None:
    def complete(*words: str) -> list[str]:
        asked = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
        return run_pipguard([], env={**asked, "PIP_AUTO_COMPLETE": "1"}).out.split()

    run_pipguard(["install", "tinylib"])
    run_pipguard(["install", "pycowsay"])
    (first, second) = (line.split()[0] for line in run_pipguard(["guard", "log"]).out.splitlines()
                       if not line.startswith(" "))  # fmt: skip
    assert complete("pip", "guard", "und") == ["undo"]
    asked = {"COMP_WORDS": "pip guard undo ", "COMP_CWORD": "3", "PIP_AUTO_COMPLETE": "1"}
    listed = run_pipguard([], env=asked).out.split()
    assert {first, second, "--dry-run", "--json"} <= set(listed)
    assert run_pipguard(["guard", "undo", first]).status == 0
    assert complete("pip", "guard", "undo", first[:4]) == []
    assert complete("pipguard", "guard", "status", "pyc") == ["pycowsay"]
    assert complete("pip", "guard", "shims", "in") == ["install"]
    assert complete("pip", "guard", "explain", "insta") == ["install"]
    assert complete("pip", "guard", "explain", "install", "--upgrade-s") != []
    assert complete("pip", "guard", "nonsense", "x") == []
    (project / "pyproject.toml").write_text("[tool.pipguard]\nvenv = 7\n")
    asked = {"COMP_WORDS": "pip guard status x", "COMP_CWORD": "3", "PIP_AUTO_COMPLETE": "1"}
    wrong = run_pipguard([], env=asked)
    assert (wrong.status, wrong.out, wrong.err) == (1, "", "")
