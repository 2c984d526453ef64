"""A refusal is remembered, and the real pip decides again as soon as it might decide otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.managed import ManagedPython
from harness.running import RunPipguard


@pytest.mark.usefixtures("use_stand_ins", "project")
def test_allowing_system_packages_takes_effect_at_once_and_for_as_long(
    run_pipguard: RunPipguard,
    managed_python: ManagedPython,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PIP_CONFIG_FILE")
    file = home / "xdg-config/pip/pip.conf"

    def installed(name: str) -> bool:
        return managed_python.run("-I", "-c", f"import {name}").status == 0

    for name in ("six", "tinylib"):
        assert run_pipguard(["install", name]).status == 0
        assert not installed(name)
    file.parent.mkdir(parents=True)
    file.write_text("[global]\nbreak-system-packages = true\n")
    for name in ("six", "tinylib"):
        done = run_pipguard(["install", name])
        assert (done.status, b"pipguard" in done.stderr) == (0, False), done.err
        assert installed(name)
    file.unlink()
    done = run_pipguard(["install", "tinyneeds"])
    assert done.status == 0
    assert not installed("tinyneeds")


def test_a_command_that_is_declined_shows_the_words_of_pip_every_time(
    run_pipguard: RunPipguard, managed_python: ManagedPython, project: Path
) -> None:
    shown = [run_pipguard(["uninstall", "-y", "six"]) for _ in range(2)]
    assert b"error: externally-managed-environment" in shown[0].stderr
    assert shown[0] == shown[1]
