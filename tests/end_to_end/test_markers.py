"""The distributors' markers, as they ship them, each on an interpreter that refuses with it.

No text is a trigger: what is refused is the same for all, and who manages it is only a word.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import CHECKOUT
from harness.managed import MakeManagedPython, Recipe
from harness.running import RunPipguard

from pipguard.discover import name_manager

MARKERS = sorted((CHECKOUT / "tests/markers").glob("*.txt"))
BY_TEXT = {"conda": "conda", "msys2": "MSYS2", "uv": "uv"}
"""Those whose text tells what neither the interpreter's place nor the system's name does."""


@pytest.mark.usefixtures("use_stand_ins")
@pytest.mark.parametrize("marker", MARKERS, ids=lambda path: path.stem)
def test_each_marker_is_served(
    run_pipguard: RunPipguard,
    make_managed: MakeManagedPython,
    project: Path,
    marker: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    python = make_managed(Recipe(marker=marker.read_text(encoding="utf-8")))
    monkeypatch.setenv("PATH", f"{python.commands}", prepend=":")
    refused = run_pipguard(["install", "tinylib"], env={"PIPGUARD": "off"})
    assert refused.status == 1
    assert refused.err.startswith("error: externally-managed-environment")
    done = run_pipguard(["install", "tinylib"])
    assert done.status == 0, done.err
    manager = BY_TEXT.get(marker.stem, "Its distributor")
    assert done.err.startswith(f"pipguard: {manager} manages {python.python}, so `tinylib` goes to")
    assert (project / ".venv/bin/python").exists()


@pytest.mark.parametrize("name", sorted({path.stem for path in MARKERS} - BY_TEXT.keys()))
def test_the_others_are_named_by_their_place_or_system(name: str) -> None:
    text = (CHECKOUT / f"tests/markers/{name}.txt").read_text(encoding="utf-8")
    assert name_manager("/nix/store/x-python3/bin/python3", text) == "Nix"
    assert name_manager("/opt/homebrew/bin/python3", text) == "Homebrew"
    assert name_manager("/srv/python3", text) == "Its distributor"
