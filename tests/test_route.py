"""One command line, one destination: the contract and the situations that people meet, as a table.

The targets are judged here as the rooms before would: `app…` by heart to be applications, `maybe…`
by their metadata, everything else to be libraries.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from pipguard.classification.judge import JudgedTarget
from pipguard.classification.rules import Classification
from pipguard.classification.targets import Target, parse_requirement
from pipguard.discover import Place, Surroundings
from pipguard.environments.inspect import Environment
from pipguard.pip.command_line import PipCommand, parse_command
from pipguard.route import (
    Declined,
    FromPipx,
    Installed,
    Request,
    Route,
    ToOverride,
    ToPipx,
    ToRehearsal,
    ToVenv,
    choose_route,
    may_go_to_pipx,
)
from pipguard.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.classification.rules import Certainty
    from pipguard.knowledge import Kind

ABSENT = Environment("/project/.venv")
USABLE = Environment("/project/.venv", "usable", "", (3, 13), has_pip=True)
BROKEN = Environment(
    "/project/.venv", "broken", "its interpreter is gone", requirements=("six==1",)
)
ALIEN = Environment("/project/.venv", "broken", "it is neither a folder nor a file")
UNTRUSTED = Environment("/project/.venv", "untrusted", "everybody may write to it")
UNFINISHED = Environment("/project/.venv", "unfinished")


def judge(target: Target) -> JudgedTarget:
    is_application = target.name.startswith(("app", "maybe")) and target.kind == "name"
    kind: Kind = "application" if is_application else "library"
    certainty: Certainty = "weighed" if target.name.startswith("maybe") else "known"
    reason = f"{target.text} it is"
    return JudgedTarget(target, Classification(target.text, kind, reason, certainty))


def read_target(text: str) -> Target:
    if text.startswith((".", "/")):
        return Target(text, "archive" if text.endswith(".whl") else "folder")
    return Target(text, "url") if "://" in text else parse_requirement(text)


def choose(
    line: str,
    environment: Environment = ABSENT,
    settings: Settings | None = None,
    installed: Installed | None = None,
    place: Place | None = None,
) -> Route:
    """The route of `pip LINE` in a folder that is a project, unless `place` says otherwise."""
    command = parse_command(shlex.split(line))
    place = place or Place(environment, "project")
    surroundings = Surroundings("/project", place.origin == "project", place)
    return choose_route(
        make_request(command), surroundings, settings or Settings(), installed or Installed()
    )


def make_request(command: PipCommand) -> Request:
    targets = tuple(read_target(word) for word in command.arguments)
    unreadable = (
        "missing.txt cannot be read" if "missing.txt" in command.values("--requirement") else ""
    )
    if may_go_to_pipx(command, targets, Settings()):
        return Request(command, tuple(map(judge, targets)), unreadable)
    return Request(command, tuple(map(JudgedTarget, targets)), unreadable)


def name_route(route: Route) -> str:
    names = {ToVenv: "venv", ToPipx: "pipx", FromPipx: "pipx", ToRehearsal: "rehearsal"}
    return names.get(type(route), type(route).__name__)


# Contract 4, situations 1 to 8 and 48


@pytest.mark.parametrize(
    ("line", "destination"),
    [
        ("install six", "venv"),
        ("install six flask", "venv"),
        ("install app", "pipx"),
        ("install app==1 'app2[x]>=2' --upgrade", "pipx"),
        ("install maybe", "pipx"),
        ("install app maybe", "pipx"),
        ("install --upgrade pip app", "pipx"),
        ("install -U pip setuptools wheel app", "pipx"),
        ("install 'setuptools<70' app", "venv"),
        ("install --upgrade pip six", "venv"),
        ("install --user app", "pipx"),
        ("install --user six", "venv"),
        ("install flask app", "venv"),
        ("install app flask", "venv"),
        ("install -r requirements.txt", "venv"),
        ("install -r requirements.txt app", "venv"),
        ("install -e .", "venv"),
        ("install -e . app", "venv"),
        ("install .", "venv"),
        ("install ./app", "venv"),
        ("install ./app-1.0-py3-none-any.whl", "venv"),
        ("install https://example.org/app.tar.gz", "venv"),
        ("install git+https://example.org/app.git", "venv"),
        ("install --group dev", "venv"),
        ("install app --group dev", "venv"),
        ("install --requirements-from-script x.py", "venv"),
        ("install -r pylock.toml", "venv"),
        ("install app -c constraints.txt", "pipx"),
        ("install app -i https://example.org/simple --pre -q", "pipx"),
        ("install --no-deps app", "venv"),
        ("install --require-hashes app", "venv"),
        ("install --report out.json app", "venv"),
        ("install --platform any --only-binary=:all: app", "venv"),
    ],
)
def test_one_destination_for_one_line(line: str, destination: str) -> None:
    assert name_route(choose(line)) == destination
    # An environment that is there changes nothing about it.
    assert name_route(choose(line, USABLE)) == destination


def test_the_reason_is_the_targets() -> None:
    assert choose("install six").reason == "six it is"
    assert choose("install app app2").reason == "applications"
    assert choose("install app six").reason == "libraries and applications together"
    assert choose("install -r requirements.txt").reason == ""


def test_only_what_is_known_by_heart_is_certain() -> None:
    route = choose("install app maybe")
    assert isinstance(route, ToPipx)
    assert route.certain == {"app"}
    assert [target.text for target in route.targets] == ["app", "maybe"]
    assert route.environment == ABSENT


# Contract 5


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("install", "no requirement was given"),
        ("install --upgrade", "no requirement was given"),
        ("install --dry-run six", "--dry-run"),
        ("install --dry-run app", "--dry-run"),
        ("install -r missing.txt", "missing.txt cannot be read"),
        ("install app -r missing.txt", "missing.txt cannot be read"),
        ("install six=1", "`six=1` is no requirement"),
        ("install app 'a b'", "`a b` is no requirement"),
    ],
)
def test_nothing_is_made_for_nothing(line: str, reason: str) -> None:
    assert choose(line) == ToRehearsal(reason)
    # pip itself says so in the environment that is there.
    assert choose(line, USABLE) == ToVenv(USABLE, reason, is_idle=True)


# Contract 6, situations 28 to 30


@pytest.mark.parametrize("origin", ["active", "conda"])
@pytest.mark.parametrize("line", ["install six", "install app", "install pip", "install -e ."])
def test_an_active_environment_always_wins(origin: str, line: str) -> None:
    usable = replace(USABLE, path="/active", has_pip=False)
    route = choose(line, place=Place(usable, origin))
    assert route == ToVenv(usable, "the active environment")


@pytest.mark.parametrize(("origin", "way_out"), [("active", "VIRTUAL_ENV"), ("conda", "CONDA")])
def test_a_broken_active_one_is_diagnosed_and_never_rebuilt(origin: str, way_out: str) -> None:
    place = Place(BROKEN, origin)
    for settings in (Settings(), Settings(rebuild=True), Settings(route="venv")):
        route = choose("install six", place=place, settings=settings)
        assert isinstance(route, Declined)
        assert route.reason == "/project/.venv is broken: its interpreter is gone"
        assert way_out in route.hint
        assert "deactivate" in route.hint
        assert (route.exit_status, route.shows_refusal) == (1, False)


@pytest.mark.parametrize(
    ("environment", "hint"),
    [
        (BROKEN, "PIPGUARD_REBUILD=1 makes it anew with the same packages"),
        (ALIEN, "PIPGUARD_REBUILD=1 moves it aside and makes a new one"),
        (
            UNTRUSTED,
            "`pip guard trust` uses it all the same; PIPGUARD_VENV=NAME chooses another place",
        ),
    ],
)
@pytest.mark.parametrize("line", ["install six", "install -r requirements.txt", "uninstall six"])
def test_what_cannot_be_used_says_why_and_what_to_do(
    environment: Environment, hint: str, line: str
) -> None:
    route = choose(line, environment)
    assert isinstance(route, Declined)
    assert route.reason.endswith(environment.problem)
    assert (route.hint, route.exit_status, route.shows_refusal) == (hint, 1, False)


def test_rebuilt_only_when_asked_and_never_what_is_not_trusted() -> None:
    rebuild = Settings(rebuild=True)
    for environment in (BROKEN, ALIEN):
        route = choose("install six", environment, rebuild)
        assert route == ToVenv(environment, "six it is", rebuilds=True)
    assert name_route(choose("install six", UNTRUSTED, rebuild)) == "Declined"
    assert choose("install six", USABLE, rebuild) == ToVenv(USABLE, "six it is")
    assert name_route(choose("uninstall six", BROKEN, rebuild)) == "Declined"


def test_a_broken_environment_does_not_stop_an_application() -> None:
    assert name_route(choose("install app", BROKEN)) == "pipx"


def test_what_a_killed_run_left_is_gone_on_with() -> None:
    assert choose("install six", UNFINISHED) == ToVenv(UNFINISHED, "six it is")


# Situations 12, 15 and 43


PERSONAL = Place(Environment("/data/personal"), "personal", "your home folder is no project")


@pytest.mark.parametrize("line", ["install pip", "install --upgrade pip", "install --user -U pip"])
@pytest.mark.parametrize("place", [Place(ABSENT, "project"), PERSONAL])
def test_a_tutorials_first_line_succeeds_and_makes_nothing(line: str, place: Place) -> None:
    route = choose(line, place=place)
    assert isinstance(route, Declined)
    assert (route.exit_status, route.shows_refusal) == (0, False)


def test_it_speaks_of_all_that_it_names() -> None:
    route = choose("install -U pip setuptools wheel", place=PERSONAL)
    assert isinstance(route, Declined)
    assert route.exit_status == 0
    assert route.reason.endswith("left alone: setuptools, wheel")


@pytest.mark.parametrize(
    "line", ["install wheel", "install setuptools", "install -U pip setuptools wheel"]
)
def test_in_a_project_setuptools_and_wheel_go_into_its_environment(line: str) -> None:
    assert name_route(choose(line)) == "venv"


@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("install setuptools", "python3-setuptools"),
        ("install -U wheel", "python3-wheel"),
        ("install setuptools wheel", "python3-setuptools python3-wheel"),
    ],
)
def test_what_other_programs_need_is_declined_with_advice(line: str, package: str) -> None:
    route = choose(line, place=PERSONAL)
    assert isinstance(route, Declined)
    assert route.exit_status == 1
    assert route.shows_refusal
    assert route.hint.endswith(package)


@pytest.mark.parametrize(
    "line",
    [
        "install pip six", "install -U pip -r requirements.txt", "install pip -e .",
        "install setuptools --group dev", "install pip --requirements-from-script x.py",
        "install 'setuptools<70'",
    ],
)  # fmt: skip
def test_the_toolchain_with_something_else_goes_with_it(line: str) -> None:
    assert name_route(choose(line)) == "venv"


def test_the_toolchain_goes_to_an_environment_that_is_there() -> None:
    assert choose("install -U pip", USABLE) == ToVenv(USABLE, "")
    assert name_route(choose("install -U pip", settings=Settings(route="venv"))) == "venv"
    # A pin is for a project; outside any it helps nobody.
    assert name_route(choose("install 'setuptools<70'", place=PERSONAL)) == "Declined"


# Forced destinations


def test_the_user_forces_the_destination() -> None:
    assert choose("install app", settings=Settings(route="venv")) == ToVenv(
        ABSENT, "PIPGUARD_ROUTE=venv"
    )
    route = choose("install six==1", settings=Settings(route="pipx"))
    assert isinstance(route, ToPipx)
    assert route.is_forced
    assert route.certain == {"six"}
    route = choose("install six", place=Place(USABLE, "active"), settings=Settings(route="pipx"))
    assert isinstance(route, ToPipx)
    assert choose("install app", settings=Settings(route="override")) == ToOverride(
        "PIPGUARD_ROUTE=override"
    )
    assert isinstance(choose("uninstall a", settings=Settings(route="override")), ToOverride)


@pytest.mark.parametrize(
    "line",
    ["install -r requirements.txt", "install -e .", "install ./x", "install --no-deps six"],
)
def test_pipx_takes_no_more_than_it_can(line: str) -> None:
    route = choose(line, settings=Settings(route="pipx"))
    assert isinstance(route, Declined)
    assert "PIPGUARD_ROUTE=venv" in route.hint


def test_an_interpreter_that_the_user_named_is_theirs() -> None:
    route = choose("--python /usr/bin/python3 install six")
    assert isinstance(route, Declined)
    assert "/usr/bin/python3" in route.reason
    assert route.shows_refusal


# Situation 39


def test_uninstalls_where_it_is() -> None:
    here = Installed(frozenset({"six"}), frozenset({"six", "app"}))
    assert choose("uninstall -y six", USABLE, installed=here) == ToVenv(
        USABLE, "it is installed there"
    )
    assert choose("uninstall app", USABLE, installed=Installed(in_pipx=here.in_pipx)) == FromPipx(
        ("app",), "it is installed there"
    )
    assert choose("uninstall app", ABSENT, installed=here) == FromPipx(
        ("app",), "it is installed there"
    )
    # Part of it is there: pip removes that and says which part is not.
    assert name_route(choose("uninstall six nope", USABLE, installed=here)) == "venv"
    assert name_route(choose("uninstall -r requirements.txt", USABLE)) == "venv"


@pytest.mark.parametrize("environment", [ABSENT, USABLE])
@pytest.mark.parametrize(
    "line", ["uninstall nope", "uninstall app nope", "uninstall", "uninstall app -r x.txt"]
)
def test_what_is_nowhere_is_left_to_pips_refusal(environment: Environment, line: str) -> None:
    if environment is USABLE and "-r" in line:
        return  # pip reads the file there
    route = choose(line, environment, installed=Installed(in_pipx=frozenset({"app"})))
    assert isinstance(route, Declined)
    assert (route.exit_status, route.shows_refusal) == (1, True)


# Whether the index has to be asked at all


@pytest.mark.parametrize(
    ("line", "settings", "may"),
    [
        ("install app", Settings(), True),
        ("install app", Settings(route="pipx"), True),
        ("install app", Settings(route="venv"), False),
        ("install app", Settings(route="override"), False),
        ("install app pip", Settings(), True),
        ("install app .", Settings(), False),
        ("install app -e .", Settings(), False),
        ("install app --dry-run", Settings(), False),
        ("install", Settings(), False),
        ("uninstall app", Settings(), False),
        ("download app", Settings(), False),
    ],
)
def test_what_targets_are_matters_only_where_pipx_could_take_them(
    line: str, settings: Settings, may: bool
) -> None:
    command = parse_command(shlex.split(line))
    targets = tuple(read_target(word) for word in command.arguments)
    assert may_go_to_pipx(command, targets, settings) is may
