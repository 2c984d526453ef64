"""Killed before each of its steps, a command leaves nothing half done: the next one sees to it.

Every route, every kind of step, one signal each time; then the same command again, which must end
as if nothing had happened. `PIPGUARD_TEST_LOAD=full` takes every step and all signals.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import OUTSIDE
from harness.interruptions import Interrupter
from harness.running import RunPipguard
from harness.wheels import PackageIndex, application

from pipguard.environments.distributions import list_distributions

pytestmark = [pytest.mark.usefixtures("managed_python", "use_stand_ins")]

IS_FULL = OUTSIDE.get("PIPGUARD_TEST_LOAD") == "full"
SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT") if IS_FULL else ("SIGKILL",)
LOG = {"log.jsonl", "log.jsonl.lock", "running"}
PIPX = {"PIPGUARD_ROUTE": "pipx"}


def break_environment(project: Path) -> None:
    """Take the interpreter away, as an upgrade of the distribution does."""
    (project / ".venv/bin/python").unlink()
    (project / ".venv/bin/python").symlink_to("/nowhere/python")


@dataclass(frozen=True)
class Route:
    """A command, and what was typed before it."""

    words: Sequence[str]
    before: Sequence[Sequence[str]] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], None] = lambda _: None


ROUTES = {
    "first install": Route(["install", "tinylib"]),
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
        "mark": (project / ".venv/.pipguard-unfinished").exists(),
        "pipx": sorted(p.name for p in pipx.iterdir() if p.name[0] != ".") if pipx.exists() else [],
        "kept": (pipx / ".pipguard").exists(),
        "applications": {
            path.name: list_distributions(str(path))
            for path in (pipx / "venvs").glob("*")
            if path.is_dir()
        },
        "commands": {p.name: p.exists() for p in programs.iterdir()} if programs.exists() else {},
        "state": sorted(p.name for p in state.rglob("*") if p.name not in LOG),
        "temporary": sorted(os.listdir(home / "tmp")),
    }


@pytest.mark.longest(7200 if IS_FULL else 600)
@pytest.mark.parametrize("name", list(ROUTES))
def test_the_same_command_again_ends_as_if_nothing_had_happened(
    run_pipguard: RunPipguard, project: Path, home: Path, tmp_path: Path, name: str,
    use_stand_ins: PackageIndex,
) -> None:  # fmt: skip
    use_stand_ins.add(application("tinyapp", "1.0"), application("tinyapp", "2.0"))
    route = ROUTES[name]
    for words in route.before:
        done = run_pipguard(words, env=route.env)
        assert done.status == 0, done.err
    route.prepare(project)
    (tmp_path / "kept").mkdir()
    interrupter = Interrupter(tmp_path / "kept", project, home)
    interrupter.save()
    steps = interrupter.list_steps(route.words, route.env, has_all=IS_FULL)
    expected = look_at(project, home)
    assert expected["state"] == []
    for signal in SIGNALS:
        for step in steps:
            interrupter.restore()
            interrupted = interrupter.run(route.words, signal, step, route.env)
            where = (signal, step, interrupter.read_step(step), interrupted.err)
            had_changed_all = is_changed(look_at(project, home), expected)
            if interrupted.status != 0 and not is_undone(run_pipguard, route):
                done = run_pipguard(route.words, env=route.env)
                assert done.status == 0 or had_changed_all, (*where, done.err)
            assert look_at(project, home) == expected, where
            assert run_pipguard(["guard", "log"]).err == "", where


def is_changed(found: Mapping[str, object], expected: Mapping[str, object]) -> bool:
    """Whether the interrupted command had nothing more to do: what is gone cannot go again."""
    return all(found[name] == expected[name] for name in ("environment", "applications"))


def is_undone(run: RunPipguard, route: Route) -> bool:
    """Whether the command was an undo, and died after it had done everything."""
    entries = json.loads(run(["guard", "log", "--json"]).out)
    return (
        route.words[0] == "guard"
        and bool(entries[-1]["undoes"])
        and not any(entry["exit_status"] for entry in entries[-1:])
    )
