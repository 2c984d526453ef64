"""What every test gets: an empty home, a short PATH, no network, a time limit; and the fixtures.

`--run-fresh-machines` adds the tests that need whole Debian roots. With CI=true in the environment
a skip whose reason is not in `ALLOWED_SKIPS` fails the run.
"""

from __future__ import annotations

import faulthandler
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

import pytest
from harness.fakes import FakePip, MakeFakePip, Transcript
from harness.managed import (
    MakeManagedPython,
    ManagedPython,
    Recipe,
    make_managed_python,
    write_executable,
)
from harness.pips import PipShelf, bundled_pip_wheel
from harness.running import (
    Argument,
    Environment,
    Result,
    RunPipguard,
    RunPipguardOnTerminal,
    run_command,
    run_on_terminal,
)
from harness.wheels import PackageIndex, fill_with_stand_ins

CHECKOUT = Path(__file__).parent.parent
OUTSIDE = dict(os.environ)
IN_CI = OUTSIDE.get("CI", "").lower() == "true"

# Each is the beginning of a reason that a run in CI may skip for.
ALLOWED_SKIPS = (
    "fresh machines: only with --run-fresh-machines",
    "needs an ordinary user",
    "needs root",
    "needs another platform",
    "an older platformdirs",
    "NOT CHECKED against real command lines: no shared/benchmarks folder",
)

# Nothing that is a Python, a pip, an application manager or a shim: tests put theirs there.
TOOLS = """
    sh bash env cat ls cp mv rm rmdir mkdir ln chmod touch sleep true false git uname id kill tty
    stty dirname basename readlink realpath cksum cmp grep sed head tail wc sort tr date mktemp
    dpkg-deb tar
"""

LONGEST_TEST = 120


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for tests on whole machines."""
    parser.addoption("--run-fresh-machines", action="store_true", help="run tests on Debian roots")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark and put last what is in `end_to_end/`; leave out fresh machines unless wanted."""
    for item in items:
        if "end_to_end" in item.path.parts:
            item.add_marker("end_to_end")
    items.sort(key=lambda item: item.get_closest_marker("end_to_end") is not None)
    if not config.getoption("--run-fresh-machines"):
        skip = pytest.mark.skip(reason=ALLOWED_SKIPS[0])
        for item in items:
            if item.get_closest_marker("fresh_machine"):
                item.add_marker(skip)


# A test that hangs


# `nohup`, some services and `&` leave them ignored, and what we start would ignore them, too.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


class TooSlow(BaseException):
    """A test went past its time limit; not an Exception, so that no test can swallow it."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Stop a test, its fixtures included, that takes longer than its limit."""
    marker = item.get_closest_marker("longest")
    seconds = int(marker.args[0]) if marker else LONGEST_TEST

    def stop(_signal: int, _frame: FrameType | None) -> None:
        faulthandler.dump_traceback(file=sys.__stderr__ or sys.stderr)
        raise TooSlow(f"{item.nodeid} took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# Skips that hide something

_forbidden_skips: list[str] = []


def skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why a report is a skip; empty when it is none, or an expected failure."""
    if not report.skipped or hasattr(report, "wasxfail") or not isinstance(report.longrepr, tuple):
        return ""
    return report.longrepr[2].removeprefix("Skipped: ")


def _note_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = skip_reason(report)
    if IN_CI and reason and not reason.startswith(ALLOWED_SKIPS):
        _forbidden_skips.append(f"{report.nodeid}: {reason}")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember skips that CI must not have."""
    _note_skip(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Remember whole files that were skipped."""
    _note_skip(report)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in CI that skipped what it should have run."""
    if _forbidden_skips and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which skips made a run in CI fail."""
    for line in _forbidden_skips:
        terminalreporter.write_line(f"CI may not skip this: {line}", red=True)


# The world of a test


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PATH with ordinary tools and nothing that installs or is Python."""
    folder = tmp_path_factory.mktemp("tools")
    for name in TOOLS.split():
        if found := shutil.which(name, path=OUTSIDE.get("PATH")):
            (folder / name).symlink_to(found)
    return folder


@pytest.fixture(scope="session")
def application_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """virtualenv's unpacked pip, shared by a session: it costs a second each time."""
    return tmp_path_factory.mktemp("virtualenv-data")


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test's own home folder."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def isolated(home: Path, tools: Path, application_data: Path) -> Iterator[None]:
    """An environment with nothing of the caller's; the way to the network is shut.

    `PIP_CONFIG_FILE` names the null device, which makes pip read no configuration file at all: the
    machine's own would leak in otherwise. A test of configuration takes that variable away.
    """
    before = dict(os.environ)
    nowhere = "http://127.0.0.1:9"
    settings = {
        "HOME": str(home),
        "PATH": f"{home}/.local/bin:{tools}",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "TMPDIR": str(home / "tmp"),
        "PIP_CONFIG_FILE": os.devnull,
        "VIRTUALENV_OVERRIDE_APP_DATA": str(application_data),
        "VIRTUALENV_NO_PERIODIC_UPDATE": "1",
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "http_proxy": nowhere,
        "https_proxy": nowhere,
    }
    (home / "tmp").mkdir()
    for name in ("CONFIG", "DATA", "CACHE", "STATE"):
        settings[f"XDG_{name}_HOME"] = str(home / f"xdg-{name.lower()}")
    for name in before:
        if not name.startswith("PYTEST_"):
            del os.environ[name]
    os.environ.update(settings)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def outside_environment() -> dict[str, str]:
    """The environment that the tests were started with, for what must reach the network."""
    return dict(OUTSIDE)


# Things to install, and what to install them with


@pytest.fixture
def package_index(tmp_path_factory: pytest.TempPathFactory) -> PackageIndex:
    """An empty index for this test alone."""
    return PackageIndex(tmp_path_factory.mktemp("index"))


@pytest.fixture(scope="session")
def stand_in_index(tmp_path_factory: pytest.TempPathFactory) -> PackageIndex:
    """The index with the usual cast and a pip; shared, so add nothing."""
    index = PackageIndex(tmp_path_factory.mktemp("stand-ins"))
    fill_with_stand_ins(index)
    index.add_file("pip", bundled_pip_wheel())
    return index


@pytest.fixture
def use_stand_ins(stand_in_index: PackageIndex, monkeypatch: pytest.MonkeyPatch) -> PackageIndex:
    """Make the usual cast what every pip in this test finds by default."""
    monkeypatch.setenv("PIP_INDEX_URL", stand_in_index.url)
    return stand_in_index


@pytest.fixture(scope="session")
def pip_shelf(tmp_path_factory: pytest.TempPathFactory) -> PipShelf:
    """pip's files, laid out once."""
    return PipShelf(tmp_path_factory.mktemp("pips"), OUTSIDE)


@pytest.fixture
def make_managed(
    tmp_path_factory: pytest.TempPathFactory, pip_shelf: PipShelf
) -> MakeManagedPython:
    """Make a managed Python: `make_managed(Recipe(pip="25.1"), prefix=None)`."""

    def make(recipe: Recipe | None = None, prefix: Path | None = None) -> ManagedPython:
        place = prefix or tmp_path_factory.mktemp("managed") / "usr"
        return make_managed_python(place, recipe or Recipe(), pip_shelf)

    return make


@pytest.fixture
def managed_python(
    make_managed: MakeManagedPython, monkeypatch: pytest.MonkeyPatch
) -> ManagedPython:
    """A managed Python with the newest pip, in front on PATH."""
    python = make_managed()
    monkeypatch.setenv("PATH", f"{python.commands}:{os.environ['PATH']}")
    return python


@pytest.fixture
def fake_pip(home: Path) -> MakeFakePip:
    """Put a replaying pip on PATH: `fake_pip(transcript, name="pip", interpreter=None)`."""

    def make(transcript: Transcript, name: str = "pip", interpreter: Path | None = None) -> FakePip:
        return FakePip(home / ".local/bin" / name, transcript, interpreter)

    return make


# pipguard itself


@pytest.fixture(scope="session")
def pipguard_command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout's `pipguard` as a command, started as `scripts/pipguard` starts it."""
    start = CHECKOUT / "scripts" / "start.py"
    text = f'#!/bin/sh\nexec "{sys.executable}" -I "{start}" "$0" "$@"\n'
    return write_executable(tmp_path_factory.mktemp("pipguard") / "pipguard", text)


@pytest.fixture
def run_pipguard(pipguard_command: Path, project: Path) -> RunPipguard:
    """Run `pipguard ARGUMENTS…`: `run_pipguard(["install", "six"], cwd=…, env=…, stdin=b"")`.

    In `project`, unless told otherwise: never in the folder that the tests were started from.
    """

    def run(
        arguments: Sequence[Argument],
        cwd: Path | None = None,
        env: Environment | None = None,
        stdin: bytes = b"",
    ) -> Result:
        return run_command([pipguard_command, *arguments], cwd, env, stdin)

    return run


@pytest.fixture
def run_pipguard_on_terminal(pipguard_command: Path, project: Path) -> RunPipguardOnTerminal:
    """The same on a terminal, with answers to prompts: `answers=[(b"(Y/n)?", b"y\\n")]`."""

    def run(
        arguments: Sequence[Argument],
        cwd: Path | None = None,
        env: Environment | None = None,
        answers: Sequence[tuple[bytes, bytes]] = (),
    ) -> Result:
        return run_on_terminal([pipguard_command, *arguments], cwd, env, answers)

    return run


@pytest.fixture
def shims(
    project: Path,
    run_pipguard: RunPipguard,
    managed_python: ManagedPython,
    use_stand_ins: PackageIndex,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The folder of shims, first on PATH."""
    told = json.loads(run_pipguard(["guard", "shims", "install", "--json"]).stdout)
    monkeypatch.setenv("PATH", f"{told['folder']}:{os.environ['PATH']}")
    return Path(told["folder"])


@pytest.fixture
def shopping(
    project: Path,
    run_pipguard: RunPipguard,
    managed_python: ManagedPython,
    use_stand_ins: PackageIndex,
) -> Path:
    """A project where `pip install tinylib` was typed."""
    result = run_pipguard(["install", "tinylib"])
    assert result.status == 0, result.err
    return project
