"""What is said: four lines at most, each to be copied, none that harms a terminal."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from harness.callers import make_caller

from pipguard.decide import Decision
from pipguard.discover import Place, Surroundings
from pipguard.environment import Environment
from pipguard.errors import BadSetting
from pipguard.execute import Outcome
from pipguard.parse import parse_command
from pipguard.pipx_home import InstalledApplication, PipxHome
from pipguard.plans import Plan
from pipguard.real_pip import RealPip
from pipguard.refusal import Refusal
from pipguard.report import (
    OPT_OUT,
    Reader,
    _describe_next,
    describe_applications,
    describe_decision,
    describe_error,
    describe_failures,
    describe_outcome,
    format_lines,
)
from pipguard.route import Declined, FromPipx, Route, ToPipx, ToRehearsal, ToVenv
from pipguard.targets import parse_requirement
from pipguard.voice import MOST_LINES, Voice

HOME = PipxHome(("/usr/bin/pipx",), "/h/venvs", "/h/.local/bin", "/h/shared", True)
READER = Reader("/project", "bash", ("/usr/bin", "/h/.local/bin"))
NEW = Environment("/project/.venv")
MARKER = "/usr/lib/python3.13/EXTERNALLY-MANAGED"


def decide(line: str, route: Route, plan: Plan, origin: str = "project") -> Decision:
    place = Place(NEW, origin)
    return Decision(
        parse_command(shlex.split(line)),
        RealPip(("/usr/bin/pip",), "/usr/bin/python3", MARKER),
        "/usr/bin/python3.13",
        "Debian",
        Surroundings("/project", True, place),
        (),
        route,
        plan,
    )


def to_venv(line: str = "install six", notes: tuple[str, ...] = ()) -> Decision:
    return decide(line, ToVenv(NEW, "a library"), Plan("venv", (), "/project/.venv", notes=notes))


def application(name: str, *commands: str) -> InstalledApplication:
    return InstalledApplication(name, "1.0", name, commands or (name,), "pip")


# Sentences


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("install six", "`six` goes to .venv: a library"),
        ("install six flask", "`six`, `flask` go to .venv"),
        ("install -r requirements.txt", "`-r requirements.txt` goes to .venv"),
        ("install -e . --group dev", "`-e .`, `--group dev` go to .venv"),
        ("install a b c d e", "`a` and 4 more go to .venv"),
    ],
)
def test_what_is_about_to_happen_and_why(line: str, words: str) -> None:
    (said,) = describe_decision(to_venv(line), READER)
    assert said.startswith("Debian manages /usr/bin/python3.13, so ")
    assert words in said


def test_notes_take_one_line() -> None:
    said = describe_decision(to_venv(notes=("one", "two", "three")), READER)
    assert said[1:] == ("one; two; three",)


def test_nothing_is_announced_where_pip_speaks() -> None:
    idle = decide("install", ToVenv(NEW, "x", is_idle=True), Plan("venv", ()))
    rehearsal = decide("install", ToRehearsal("x"), Plan("pass", ()))
    assert describe_decision(idle, READER) == describe_decision(rehearsal, READER) == ()


@pytest.mark.parametrize(
    ("shell", "activation"),
    [
        ("bash", "`. .venv/bin/activate`"),
        ("", "`. .venv/bin/activate`"),
        ("fish", "`source .venv/bin/activate.fish`"),
        ("tcsh", "`source .venv/bin/activate.csh`"),
    ],
)
def test_how_to_go_on(shell: str, activation: str) -> None:
    reader = Reader("/project", shell, ())
    (said,) = describe_outcome(to_venv(), Outcome(0, has_made=True), reader)
    assert "`.venv/bin/python`" in said
    assert activation in said


def test_a_path_with_blanks_can_be_copied() -> None:
    (said,) = describe_outcome(to_venv(), Outcome(0), Reader("/other place", "bash", ()))
    assert "`/project/.venv/bin/python`" in said
    odd = Environment("/a b/.venv")
    decision = decide("install six", ToVenv(odd, ""), Plan("venv", (), "/a b/.venv"))
    (said,) = describe_outcome(decision, Outcome(0), READER)
    assert "`'/a b/.venv/bin/python'`" in said


def test_what_was_taken_back_and_when_there_is_nothing_to_say() -> None:
    assert describe_outcome(to_venv(), Outcome(1, has_removed=True), READER) == (
        ".venv is removed again, nothing was kept",
    )
    assert describe_outcome(to_venv(), Outcome(1), READER) == ()
    assert describe_outcome(to_venv("uninstall six"), Outcome(0), READER) == ()
    active = decide("install six", ToVenv(NEW, ""), Plan("venv", ()), origin="active")
    assert describe_outcome(active, Outcome(0), READER) == ()


def test_applications_and_their_commands() -> None:
    assert describe_applications([application("httpie", "http", "https")], HOME, READER) == (
        "httpie 1.0 is ready: run `http`, `https`",
    )
    many = [application(f"app{number}") for number in range(9)]
    (said,) = describe_applications(many, HOME, READER)
    assert said.endswith("`app5` and 3 more")
    assert describe_applications([], HOME, READER) == ()


@pytest.mark.parametrize("command", ["x", "a b", "$(x)", "a;b", "é", "it's", "~", "c++"])
def test_a_command_can_be_copied(command: str) -> None:
    (said,) = describe_applications([application("a", command)], HOME, READER)
    assert said.endswith(f"run `{shlex.quote(command)}`")


def test_a_folder_that_is_not_on_path() -> None:
    said = describe_applications([application("a")], HOME, Reader("/", "bash", ("/usr/bin",)))
    assert said == (
        "a 1.0 is ready: run `/h/.local/bin/a`",
        "/h/.local/bin is not on PATH: `/usr/bin/pipx ensurepath`, then open a new shell",
    )


def test_failures_are_named() -> None:
    assert describe_failures(Outcome(1, ("a", "", "b"))) == ("this failed: `a`, `b`",)
    assert describe_failures(Outcome(1, ("",))) == ()


def test_errors() -> None:
    assert describe_error(BadSetting("it is wrong", "do this")) == ("it is wrong", "hint: do this")
    assert describe_error(BadSetting("it is wrong")) == ("it is wrong",)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("a\x1b[2Jb", b"a\\x1b[2Jb"),
        ("a\nb\rc", b"a\\nb\\rc"),
        ("\u202eabc", b"\\u202eabc"),
        ("\udcff", b"\\udcff"),
        ("caf\u00e9 \u65e5\u672c", "caf\u00e9 \u65e5\u672c".encode()),
    ],
)
def test_hostile_names_are_printed_harmlessly(line: str, shown: bytes) -> None:
    assert format_lines([line]) == b"pipguard: " + shown + b"\n"


# Who says it, and how much


@pytest.fixture
def voice(project: Path) -> Voice:
    return speak(project, "install six")


def speak(project: Path, line: str, **environ: str) -> Voice:
    cache = str(project / "cache")
    return Voice(
        make_caller(project, None, XDG_CACHE_HOME=cache, **environ), parse_command(line.split())
    )


REFUSAL = Refusal(MARKER, b"error: externally-managed-environment\n")


def test_four_lines_and_no_more(voice: Voice, capfd: pytest.CaptureFixture[str]) -> None:
    voice.open(to_venv(notes=("a", "b")), REFUSAL)
    for number in range(9):
        voice.say(str(number))
    voice.close(to_venv(), Outcome(0))
    said = capfd.readouterr().err.splitlines()
    assert len(said) == MOST_LINES == 4
    assert all(line.startswith("pipguard: ") for line in said)


def test_the_way_out_is_told_once_a_day(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for expected in (1, 0):
        speak(project, "install six").close(to_venv(), Outcome(0))
        assert capfd.readouterr().err.count(OPT_OUT) == expected


@pytest.mark.parametrize(
    ("line", "environ"), [("install -q six", {}), ("install six", {"PIP_QUIET": "1"})]
)
def test_quiet_is_quiet(
    project: Path, capfd: pytest.CaptureFixture[str], line: str, environ: dict[str, str]
) -> None:
    voice = speak(project, line, **environ)
    voice.open(to_venv(), REFUSAL)
    voice.say("x")
    voice.close(to_venv(), Outcome(0))
    assert capfd.readouterr().err == ""


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


def test_pipx_is_announced(voice: Voice, capfd: pytest.CaptureFixture[str]) -> None:
    targets = (parse_requirement("httpie"),)
    voice.open(decide("install httpie", ToPipx(targets, NEW, "known"), Plan("pipx", ())), REFUSAL)
    voice.open(decide("uninstall a", FromPipx(("a",), "there"), Plan("pipx", ())), REFUSAL)
    first, second = capfd.readouterr().err.splitlines()
    assert first.endswith("so `httpie` goes to pipx: known")
    assert "`a`" in second


def test_windows_keeps_its_programs_in_another_folder() -> None:
    reader = Reader("C:\\mine", "", ())
    assert _describe_next(".venv", reader, "nt") == (
        'run your code with `".venv\\Scripts\\python.exe"`, '
        'or activate it: `".venv\\Scripts\\activate"`'
    )
