"""What the README, the topics and the picture show is what happens, word for word.

On clean machines `test_fresh_machines.py` runs all of the README's blocks; here is what runs
without the network.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import CHECKOUT
from harness.documents import (
    DEVELOPERS,
    README,
    TOPICS,
    Shown,
    list_quoted,
    list_shown,
    list_topic_commands,
)
from harness.managed import ManagedPython, write_executable
from harness.running import RunPipguard, run_command
from harness.wheels import PackageIndex, Release, application, library

from pipguard.commands import VERBS, load_verb

SHOWN = (*list_shown(README.read_text()), *list_topic_commands())
OURS = [shown for shown in SHOWN if not shown.command.startswith("./scripts/")]
PICTURES = [CHECKOUT / ".pictures" / name for name in ("light.svg", "dark.svg")]


@pytest.fixture
def typed(
    pipguard_command: Path, tmp_path: Path, managed_python: ManagedPython,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:  # fmt: skip
    """A `pip` and a `pipguard` before all others on PATH, as an alias makes them."""
    folder = tmp_path / "aliases"
    for name in ("pip", "pipguard"):
        write_executable(folder / name, pipguard_command.read_text())
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


@pytest.mark.parametrize("shown", OURS, ids=lambda shown: shown.command)
@pytest.mark.usefixtures("typed", "use_stand_ins")
def test_what_is_shown_can_be_typed(shown: Shown, project: Path) -> None:
    """And says what the text shows, but for versions."""
    command = shown.command.removesuffix(" | source").removesuffix(" | Invoke-Expression")
    command = command.removesuffix(" | Out-String")
    done = run_command(["bash", "-ec", f"shopt -s expand_aliases\n{command}"], cwd=project)
    assert done.status == 0, done.err
    expected = [line for line in shown.output if not re.search(r"\d\.\d", line)]
    assert [line for line in expected if line not in done.out.splitlines()] == []


def test_nothing_that_is_shown_escapes_the_tests() -> None:
    assert len(OURS) >= 8
    scripts = {shown.command.split()[0] for shown in SHOWN if shown not in OURS}
    scripts |= {shown.command.split()[0] for shown in list_shown(DEVELOPERS.read_text())}
    assert {s for s in scripts if not (CHECKOUT / s).is_file()} == set()
    named = {p.name for p in (CHECKOUT / "scripts").iterdir() if "." not in p.name and p.is_file()}
    told = README.read_text() + DEVELOPERS.read_text()
    assert {name for name in named if f"scripts/{name}" not in told} == set()


def test_every_verb_and_option_that_is_named_exists() -> None:
    texts = [README, DEVELOPERS, *TOPICS.glob("*.txt"), *(CHECKOUT / "pipguard").rglob("*.py")]
    named = [q for path in texts for q in list_quoted(path.read_text(encoding="utf-8"))]
    asked = [q.split()[2:] for q in named if re.match(r"(pip|pipguard) guard [a-z]", q)]
    assert len(asked) > 20
    wrong = []
    for verb, *words in asked:
        if verb not in VERBS:
            wrong.append(verb)
        elif verb not in {"explain", "run"}:
            told = load_verb(verb).make_parser().format_help()
            wrong += [f"{verb} {w}" for w in words if w.startswith("--") and w not in told]
    assert wrong == []


def test_the_readme_is_short_and_its_files_are_there() -> None:
    text = README.read_text()
    assert len(text.splitlines()) < 200
    links = re.findall(r'(?:src|srcset)="([^"]+)"|\]\(((?!https?:)[^)]+)\)', text)
    assert links
    assert [name for name in map("".join, links) if not (CHECKOUT / name).is_file()] == []


# The picture


def read_picture(path: Path) -> list[str]:
    """The lines of text in a picture."""
    texts = ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")
    return ["".join(text.itertext()) for text in texts]


def normalise(line: str) -> str:
    """A line of ours without what differs between machines: manager, versions, IDs."""
    line = re.sub(r"pipguard: .* manages \S+,", "pipguard: MANAGER,", line)
    return re.sub(r"\b[0-9a-f]{8}\b", "ID", re.sub(r"\d+(\.\d+)+", "VERSION", line))


def test_both_pictures_say_the_same() -> None:
    assert read_picture(PICTURES[0]) == read_picture(PICTURES[1])
    assert PICTURES[0].read_text() != PICTURES[1].read_text()


@pytest.mark.usefixtures("managed_python")
def test_the_pictures_words_are_those_of_today(
    run_pipguard: RunPipguard,
    package_index: PackageIndex,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If this fails because words were changed on purpose, run scripts/build-picture."""
    main = application("httpie", "3.2.4")
    names = ("http", "httpie", "https")
    commands = dict.fromkeys(names, "httpie:main")
    package_index.add(library("requests", "2.34.2"))
    package_index.add(Release("httpie", "3.2.4", main.modules, commands))
    monkeypatch.setenv("PIP_INDEX_URL", package_index.url)
    # The first command is the real pip's, before there was an alias.
    lines = read_picture(PICTURES[0])
    lines = lines[lines.index("$ alias pip=pipguard") + 1 :]
    shown = [line for line in lines if line.startswith(("$ pip", "pipguard:", "undone"))]
    said: list[str] = []
    for line in (line for line in shown if line.startswith("$ ")):
        done = run_pipguard(line.split()[2:])
        own = [text for text in done.err.splitlines() if text.startswith("pipguard:")]
        said += [line, *own, *(text for text in done.out.splitlines() if "undone" in text)]
    assert [*map(normalise, said)] == [*map(normalise, shown)]
