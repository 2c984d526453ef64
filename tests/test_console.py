"""What is written, and how much: four lines at most, none when quiet, colour only where wanted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from harness.callers import make_caller
from harness.decisions import MARKER, NEW, decide, to_venv

from pipguard.classification.targets import parse_requirement
from pipguard.console import MOST_LINES, Console
from pipguard.execute import Outcome
from pipguard.pip.command_line import parse_command
from pipguard.pip.refusal import Refusal
from pipguard.plan import Plan
from pipguard.report import OPT_OUT
from pipguard.route import Declined, FromPipx, ToPipx


@pytest.fixture
def console(project: Path) -> Console:
    return speak(project, "install six")


def speak(project: Path, line: str, **environ: str) -> Console:
    cache = str(project / "cache")
    return Console(
        make_caller(project, None, XDG_CACHE_HOME=cache, **environ), parse_command(line.split())
    )


REFUSAL = Refusal(MARKER, b"error: externally-managed-environment\n")


def test_four_lines_and_no_more(console: Console, capfd: pytest.CaptureFixture[str]) -> None:
    console.open(to_venv(notes=("a", "b")), REFUSAL)
    for number in range(9):
        console.say(str(number))
    console.close(to_venv(), Outcome(0))
    said = capfd.readouterr().err.splitlines()
    assert len(said) == MOST_LINES == 4
    assert all(line.startswith("pipguard: ") for line in said)


def test_the_way_out_is_told_once_a_day(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for expected in (1, 0):
        speak(project, "install six").close(to_venv(), Outcome(0))
        assert capfd.readouterr().err.count(OPT_OUT) == expected


@pytest.mark.parametrize(
    ("line", "environ", "count"),
    [
        ("install -q six", {}, 1), ("install six", {"PIP_QUIET": "1"}, 1),
        ("install six", {"PIP_QUIET": "yes"}, 1), ("install -qq six", {}, 0),
        ("install six", {"PIP_QUIET": "2"}, 0), ("install -qqq six", {"PIP_QUIET": "0"}, 0),
    ],
)  # fmt: skip
def test_who_asks_for_quiet_learns_where_it_went_and_twice_is_not_a_word(
    project: Path, capfd: pytest.CaptureFixture[str], line: str, environ: dict[str, str],
    count: int,
) -> None:  # fmt: skip
    console = speak(project, line, **environ)
    console.open(to_venv(), REFUSAL)
    console.say("x")
    console.close(to_venv(), Outcome(0))
    said = capfd.readouterr().err.splitlines()
    assert len(said) == count
    assert all(".venv" in text for text in said)


@pytest.mark.parametrize("value", ["0", "", "false", "No"])
def test_speaks_where_pip_reads_that_quiet_is_not_wanted(
    project: Path, capfd: pytest.CaptureFixture[str], value: str
) -> None:
    speak(project, "install six", PIP_QUIET=value).say("x")
    assert capfd.readouterr().err == "pipguard: x\n"


def test_the_refusal_is_shown_when_it_stands_or_is_wanted(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    speak(project, "install six").open(to_venv(), REFUSAL)
    assert REFUSAL.text.decode() not in capfd.readouterr().err
    speak(project, "install -v six").open(to_venv(), REFUSAL)
    assert capfd.readouterr().err.startswith(REFUSAL.text.decode())
    stands = decide("install x", Declined("why", "what now"), Plan("declined", ()))
    speak(project, "install -q x").open(stands, REFUSAL)
    expected = f"{REFUSAL.text.decode()}pipguard: why\npipguard: what now\n"
    assert capfd.readouterr().err == expected
    ours = decide("install x", Declined("why", shows_refusal=False), Plan("declined", ()))
    speak(project, "install x").open(ours, REFUSAL)
    assert capfd.readouterr().err == "pipguard: why\n"
    speak(project, "install -qqq x").open(ours, REFUSAL)
    assert capfd.readouterr().err == ""


def test_pipx_is_announced(console: Console, capfd: pytest.CaptureFixture[str]) -> None:
    targets = (parse_requirement("httpie"),)
    console.open(decide("install httpie", ToPipx(targets, NEW, "known"), Plan("pipx", ())), REFUSAL)
    console.open(decide("uninstall a", FromPipx(("a",), "there"), Plan("pipx", ())), REFUSAL)
    first, second = capfd.readouterr().err.splitlines()
    assert first.endswith("so `httpie` goes to pipx: known")
    assert "`a`" in second


# Colour


def write_on_terminal(project: Path, line: str, **environ: str) -> None:
    caller = make_caller(project, None, XDG_CACHE_HOME=str(project / "cache"), **environ)
    console = Console(replace(caller, has_error_terminal=True), parse_command(line.split()))
    console.open(to_venv(line), REFUSAL)


def test_on_a_terminal_the_prefix_is_dim_and_the_destination_bold(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_on_terminal(project, "install .venv-tool", TERM="xterm")
    said = capfd.readouterr().err
    assert said.startswith("\x1b[2mpipguard:\x1b[0m Debian manages")
    assert "`.venv-tool` goes to \x1b[1m/project/.venv\x1b[0m" in said
    assert said.count("\x1b") == 4


@pytest.mark.parametrize(
    ("line", "environ"),
    [
        ("install six", {"TERM": "xterm", "NO_COLOR": "1"}),
        ("install six", {"TERM": "xterm", "PIP_NO_COLOR": "true"}),
        ("install six --no-color", {"TERM": "xterm"}),
        ("install six", {"TERM": "dumb"}),
        ("install six", {}),
    ],
)
def test_there_is_no_colour_where_it_is_not_wanted(
    project: Path, capfd: pytest.CaptureFixture[str], line: str, environ: dict[str, str]
) -> None:
    write_on_terminal(project, line, **environ)
    assert "\x1b" not in capfd.readouterr().err
