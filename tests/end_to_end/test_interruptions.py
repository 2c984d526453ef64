"""Killed before each of its steps, a command leaves nothing half done: the next one sees to it.

Every route, every kind of step; then the same command again, which must end as if nothing had
happened. After that any signal at any moment, and many commands at once of which some are killed:
`PIPGUARD_TEST_LOAD=full` makes it 400 signals and 32 commands.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import OUTSIDE
from harness.interruptions import Interrupter
from harness.running import RunPipguard, run_command
from harness.wheels import PackageIndex, application, library

from pipguard.environments.distributions import list_distributions

pytestmark = [pytest.mark.usefixtures("managed_python", "use_stand_ins")]

IS_FULL = OUTSIDE.get("PIPGUARD_TEST_LOAD") == "full"
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
DEATHS, AT_ONCE = (400, 32) if IS_FULL else (len(SIGNALS), 8)
LOG = {"recovery.lock", "log.jsonl", "log.jsonl.lock", "running"}
SYSTEM = ("--user", "--break-system-packages")
PIPX = {"PIPGUARD_ROUTE": "pipx"}


def break_environment(project: Path) -> None:
    """Take the interpreter away, as an upgrade of the distribution does."""
    (project / ".venv/bin/python").unlink()
    (project / ".venv/bin/python").symlink_to("/nowhere/python")


def remove_environment(project: Path) -> None:
    """Take all of it away; the shared pip stays in the cache."""
    shutil.rmtree(project / ".venv")


@dataclass(frozen=True)
class Route:
    """A command, and what was typed before it."""

    words: Sequence[str]
    before: Sequence[Sequence[str]] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], None] = lambda _: None


ROUTES = {
    "first install": Route(["install", "tinylib"]),
    "first install by a shared pip": Route(
        ["install", "tinylib"], [["install", "six"]], prepare=remove_environment
    ),
    "install": Route(["install", "tinyextra"], [["install", "tinylib"]]),
    "upgrade": Route(["install", "-U", "six"], [["install", "six==1.15.0"]]),
    "uninstall": Route(["uninstall", "-y", "six"], [["install", "six"]]),
    "rebuild": Route(
        ["install", "six"], [["install", "tinyneeds"]], {"PIPGUARD_REBUILD": "1"}, break_environment
    ),
    "undo of a first install": Route(["guard", "undo"], [["install", "six"]]),
    "undo of an upgrade": Route(
        ["guard", "undo"], [["install", "six==1.15.0"], ["install", "-U", "six"]]
    ),
    "first application": Route(["install", "pycowsay"], env=PIPX),
    "application upgraded": Route(
        ["install", "-U", "tinyapp"], [["install", "tinyapp==1.0"]], PIPX
    ),
    "application uninstalled": Route(
        ["uninstall", "-y", "pycowsay"], [["install", "pycowsay"]], PIPX
    ),
    "undo of an application": Route(["guard", "undo"], [["install", "pycowsay"]], PIPX),
    "override": Route(["install", *SYSTEM, "six"]),
    "rescue": Route(["guard", "rescue"], [["install", *SYSTEM, "tinylib==1.0", "pycowsay"]]),
    "undo of an application's uninstall": Route(
        ["guard", "undo"], [["install", "pycowsay"], ["uninstall", "-y", "pycowsay"]], PIPX
    ),
}


def look_at(project: Path, home: Path) -> dict[str, object]:
    """What is there: packages, applications, and every file that should not be."""
    pipx = home / "xdg-data/pipx"
    programs, state = home / ".local/bin", home / "xdg-state/pipguard"
    return {
        "project": sorted(os.listdir(project)),
        "environment": list_distributions(str(project / ".venv")),
        "rescued": list_distributions(str(home / "xdg-data/pipguard/rescued")),
        "user": sorted(p.name for p in (home / ".local").glob("lib/python*/site-packages/*-info")),
        "mark": (project / ".venv/.pipguard-unfinished").exists(),
        "pipx": sorted(p.name for p in pipx.iterdir() if p.name[0] != ".") if pipx.exists() else [],
        "kept": (pipx / ".pipguard").exists(),
        "applications": {
            path.name: list_distributions(str(path))
            for path in (pipx / "venvs").glob("*")
            if path.is_dir()
        },
        "commands": {p.name: p.exists() for p in programs.iterdir()} if programs.exists() else {},
        "state": sorted(
            p.name for p in state.rglob("*") if p.name not in LOG and p.suffix != ".txt"
        ),
        "temporary": sorted(p.name for p in (home / "tmp").glob("pipguard*")),  # pip has its own
    }


class Trial:
    """A route at its beginning, and how it ends when nobody interrupts it."""

    def __init__(self, route: Route, run: RunPipguard, interrupter: Interrupter) -> None:
        self.route, self.run, self.interrupter = route, run, interrupter
        for words in route.before:
            done = run(words, env=route.env)
            assert done.status == 0, done.err
        route.prepare(interrupter.project)
        interrupter.save()
        begun = time.monotonic()
        self.steps = interrupter.list_steps(route.words, route.env)
        self.seconds = time.monotonic() - begun
        self.expected = self.look()
        assert self.expected["state"] == []

    def look(self) -> dict[str, object]:
        """What is there now."""
        return look_at(self.interrupter.project, self.interrupter.home)

    def check_after(self, status: int, where: tuple[object, ...]) -> None:
        """Run the command again, unless it was done; then all must be as it should be."""
        had_changed_all = is_changed(self.look(), self.expected)
        if status != 0 and not is_undone(self.run, self.route):
            done = self.run(self.route.words, env=self.route.env)
            # A pip that outlived us may have removed what is to be removed.
            is_gone = self.route.words[0] == "uninstall" and self.look() == self.expected
            assert done.status == 0 or had_changed_all or is_gone, (*where, done.err)
        assert self.look() == self.expected, where
        assert self.run(["guard", "log"]).err == "", where


@pytest.fixture
def make_trial(
    run_pipguard: RunPipguard, project: Path, home: Path, tmp_path: Path,
    use_stand_ins: PackageIndex,
) -> Callable[[str], Trial]:  # fmt: skip
    """Begin a route by its name."""
    use_stand_ins.add(application("tinyapp", "1.0"), application("tinyapp", "2.0"))
    (tmp_path / "kept").mkdir()
    interrupter = Interrupter(tmp_path / "kept", project, home)
    return lambda name: Trial(ROUTES[name], run_pipguard, interrupter)


@pytest.mark.longest(1200)
@pytest.mark.parametrize("name", list(ROUTES))
def test_killed_before_a_step_the_same_command_again_ends_as_if_nothing_had_happened(
    make_trial: Callable[[str], Trial], name: str
) -> None:
    trial = make_trial(name)
    for step in trial.steps:
        trial.interrupter.restore()
        done = trial.interrupter.run(trial.route.words, "SIGKILL", step, trial.route.env)
        trial.check_after(done.status, (trial.interrupter.read_step(step), done.err))


@pytest.mark.longest(7200 if IS_FULL else 1200)
@pytest.mark.parametrize("name", list(ROUTES) if IS_FULL else ["rebuild", "application upgraded"])
def test_any_signal_at_any_moment(
    make_trial: Callable[[str], Trial], pipguard_command: Path, name: str
) -> None:
    trial = make_trial(name)
    chosen = random.Random(name)
    for number in range(DEATHS // len(ROUTES) + 1 if IS_FULL else DEATHS):
        trial.interrupter.restore()
        process = subprocess.Popen(
            [pipguard_command, *trial.route.words],
            cwd=trial.interrupter.project,
            env={**os.environ, **trial.route.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        moment, kind = chosen.uniform(0.02, trial.seconds), SIGNALS[number % len(SIGNALS)]
        time.sleep(moment)  # not to wait for something: the moment of the signal
        # To it alone, so that pip or pipx outlives it; or to all that it has started.
        is_alone = kind != signal.SIGINT and chosen.random() < 0.5
        (os.kill if is_alone else os.killpg)(process.pid, kind)
        trial.check_after(process.wait(), (number, moment, kind, is_alone))


@pytest.mark.longest(1200)
def test_many_commands_on_one_project_of_which_a_tenth_is_killed(
    run_pipguard: RunPipguard, pipguard_command: Path, project: Path, home: Path,
    use_stand_ins: PackageIndex,
) -> None:  # fmt: skip
    names = [f"tiny{number}" for number in range(AT_ONCE)]
    use_stand_ins.add(*map(library, names))
    chosen = random.Random(832)
    doomed = set(chosen.sample(names, max(1, AT_ONCE // 10)))
    running = {
        name: subprocess.Popen(
            [pipguard_command, "install", name],
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name in names
    }
    for name in doomed:
        time.sleep(chosen.uniform(0.1, 1))
        running[name].kill()
    ended = {name: process.wait() for name, process in running.items()}
    assert {name for name, status in ended.items() if status == 0} >= set(names) - doomed, ended
    for name in doomed:
        assert run_pipguard(["install", name]).status == 0
    held = list_distributions(str(project / ".venv"))
    assert set(held) >= set(names)
    assert os.listdir(project) == [".venv"]
    assert look_at(project, home)["state"] == []
    entries = json.loads(run_pipguard(["guard", "log", "--json", "-n", "0"]).out)
    added = {c["name"] for e in entries for c in e["changes"] if c["before"] is None}
    assert added >= set(names)
    check = run_command([project / ".venv/bin/python", "-I", "-m", "pip", "check"])
    assert check.status == 0, check.out


def is_changed(found: Mapping[str, object], expected: Mapping[str, object]) -> bool:
    """Whether the interrupted command had nothing more to do: what is gone cannot go again."""
    return all(found[name] == expected[name] for name in ("environment", "applications", "user"))


def is_undone(run: RunPipguard, route: Route) -> bool:
    """Whether the command was an undo, and died after it had done everything."""
    entries = json.loads(run(["guard", "log", "--json"]).out)
    return (
        route.words[0] == "guard"
        and bool(entries[-1]["undoes"])
        and not any(entry["exit_status"] for entry in entries[-1:])
    )
