"""The benchmark runs, and says what it promises."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from conftest import CHECKOUT
from harness.running import run_command

MEASURE = CHECKOUT / "scripts" / "measure.py"


def test_it_measures_in_a_world_of_its_own(home: Path, tmp_path: Path) -> None:
    before = sorted(home.iterdir())
    words: list[str | Path] = [
        sys.executable,
        "-I",
        MEASURE,
        "--rounds",
        "1",
        "--json",
        "--case",
        "hand over",
    ]
    done = run_command(words, cwd=tmp_path)
    assert done.status == 0, done.err
    rows = json.loads(done.stdout)
    assert [row["peer"] for row in rows][:2] == ["pip --version", "pipguard --version"]
    assert all(row["median_ms"] > 0 and row["peak_mb"] > 0 for row in rows)
    assert rows[0]["ratio"] == 1
    assert sorted(home.iterdir()) == before
    assert list(tmp_path.iterdir()) == []
