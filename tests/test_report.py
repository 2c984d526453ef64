"""What is said: four lines at most, each to be copied, none that harms a terminal."""

from __future__ import annotations

import shlex

import pytest
from harness.decisions import NEW, decide, to_venv

from pipguard.environments.inspect import Environment
from pipguard.environments.pipx import InstalledApplication, PipxHome
from pipguard.errors import BadSetting
from pipguard.execute import Outcome
from pipguard.plan import Plan
from pipguard.report import (
    Reader,
    _describe_next,
    describe_applications,
    describe_commands,
    describe_decision,
    describe_error,
    describe_failures,
    describe_outcome,
    format_lines,
)
from pipguard.route import ToRehearsal, ToVenv

HOME = PipxHome(("/usr/bin/pipx",), "/h/venvs", "/h/.local/bin", "/h/shared", True)
READER = Reader("/project", "bash", ("/usr/bin", "/h/.local/bin"))


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


def test_commands_of_what_was_installed_can_be_typed() -> None:
    reader = Reader("/project", "bash", ())
    said = describe_commands(to_venv(), Outcome(0), ["mkdocs", "a b"], reader)
    assert said == ("ready to run: `.venv/bin/mkdocs`, `'.venv/bin/a b'`",)
    elsewhere = Reader("/elsewhere", "bash", ())
    said = describe_commands(to_venv(), Outcome(0), ["mkdocs"], elsewhere)
    assert said == ("ready to run: `/project/.venv/bin/mkdocs`",)
    assert describe_commands(to_venv(), Outcome(1), ["mkdocs"], reader) == ()
    assert describe_commands(to_venv(), Outcome(0), [], reader) == ()
    active = decide("install six", ToVenv(NEW, ""), Plan("venv", ()), origin="active")
    assert describe_commands(active, Outcome(0), ["mkdocs"], reader) == ()


def test_a_path_with_blanks_can_be_copied() -> None:
    (said,) = describe_outcome(to_venv(), Outcome(0), Reader("/other place", "bash", ()))
    assert "`/project/.venv/bin/python`" in said
    odd = Environment("/a b/.venv")
    decision = decide("install six", ToVenv(odd, ""), Plan("venv", (), "/a b/.venv"))
    (said,) = describe_outcome(decision, Outcome(0), READER)
    assert "`'/a b/.venv/bin/python'`" in said


def test_what_was_taken_back_and_when_there_is_nothing_to_say() -> None:
    assert describe_outcome(to_venv(), Outcome(1, has_removed=True), READER) == (
        "nothing was installed, so the new .venv is removed again",
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
        "/h/.local/bin is not on PATH: `pip guard ensurepath`, then open a new shell",
    )


def test_failures_are_named() -> None:
    failed = Outcome(1, ("a", "", "b"))
    assert describe_failures(to_venv(), failed) == ("could not install `a`, `b`",)
    uninstall = to_venv("uninstall a b")
    assert describe_failures(uninstall, failed) == ("could not uninstall `a`, `b`",)
    assert describe_failures(to_venv(), Outcome(1, ("",))) == ()


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


def test_windows_keeps_its_programs_in_another_folder() -> None:
    reader = Reader("C:\\mine", "", ())
    assert _describe_next(".venv", reader, "nt") == (
        'run your code with `".venv\\Scripts\\python.exe"`, '
        'or activate it: `".venv\\Scripts\\activate"`'
    )
