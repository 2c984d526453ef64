"""What a command has begun is on disk while it runs, and told apart from what a dead one left."""

from __future__ import annotations

import json
import os
from pathlib import Path

from harness.running import run_module

from pipguard.system.journal import (
    Journal,
    list_journals,
    remove_fragments,
    take_abandoned,
)


def leave(folder: Path, facts: str = "a=1") -> None:
    """Let a process die with an open journal."""
    text = f"p.Journal(sys.argv[2]).note({facts}); os._exit(0)"
    assert run_module("system.journal", text, str(folder)).status == 0


def take(path: str) -> object:
    with take_abandoned(path) as abandoned:
        return abandoned and abandoned.facts


def test_it_is_there_from_the_first_fact_to_the_end(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "running"))
    assert list_journals(journal.folder) == []
    assert journal.note(places=["a"])
    assert journal.note(entry={"id": "x"})
    (path,) = list_journals(journal.folder)
    assert json.loads(Path(path).read_text()) == {
        "format": 1, "places": ["a"], "entry": {"id": "x"}
    }  # fmt: skip
    assert os.stat(path).st_mode & 0o077 == 0
    journal.close()
    assert os.listdir(journal.folder) == []


def test_it_stays_for_what_is_not_done(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path))
    journal.note(places=["a"])
    journal.close(keeps=("places",))
    (path,) = list_journals(str(tmp_path))
    assert take(path) == {"format": 1, "places": ["a"]}


def test_that_of_a_running_process_is_nobodys(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path))
    journal.note(a=1)
    (path,) = list_journals(str(tmp_path))
    assert take(path) is None
    text = "with p.take_abandoned(sys.argv[2]) as found: print(found)"
    assert run_module("system.journal", text, path).out == "None\n"
    journal.close()


def test_one_at_a_time_deals_with_a_dead_ones(tmp_path: Path) -> None:
    leave(tmp_path)
    (path,) = list_journals(str(tmp_path))
    with take_abandoned(path) as first:
        assert first
        assert first.facts == {"format": 1, "a": 1}
        assert take(path) is None
        first.remove()
    assert os.listdir(tmp_path) == []


def test_what_this_version_cannot_read_has_no_facts(tmp_path: Path) -> None:
    leave(tmp_path)
    (path,) = list_journals(str(tmp_path))
    for text in ("", "{", "[]", '{"format": 2}', "{}", "[" * 100_000):
        Path(path).write_text(text)
        with take_abandoned(path) as found:
            assert found
            assert found.facts is None


def test_fragments_go_and_journals_stay(tmp_path: Path) -> None:
    leave(tmp_path)
    (path,) = list_journals(str(tmp_path))
    kept = set(os.listdir(tmp_path))
    running = Journal(str(tmp_path))
    running.note(a=2)
    kept |= set(os.listdir(tmp_path))
    for name in ("7-abc.lock", "8-def.json.8", "9-ghi.lock"):
        (tmp_path / name).touch()
    remove_fragments(str(tmp_path))
    assert set(os.listdir(tmp_path)) == kept
    assert path in list_journals(str(tmp_path))
    running.close()


def test_without_a_place_nothing_is_kept_and_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in ("", str(tmp_path / "file/running")):
        journal = Journal(folder)
        assert not journal.note(a=1)
        journal.close()
    assert list_journals("") == []
