"""What a command has begun is on disk while it runs, and told apart from what a dead one left."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
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
    assert json.loads(Path(path).read_text()).items() >= {
        "format": 1, "places": ["a"], "entry": {"id": "x"}
    }.items()  # fmt: skip
    assert os.stat(path).st_mode & 0o077 == 0
    journal.close()
    assert os.listdir(journal.folder) == []


def test_it_stays_for_what_is_not_done(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path))
    journal.note(places=["a"])
    journal.close(keeps=("places",))
    (path,) = list_journals(str(tmp_path))
    facts = take(path)
    assert isinstance(facts, dict)
    assert facts["places"] == ["a"]


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
        assert first.facts
        assert first.facts["a"] == 1
        assert take(path) is None
        first.remove()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("noted", "is_told"),
    [
        (["other", "other"], False),
        (["other", "same"], True),  # a container on the same kernel
        (["same", "other"], True),  # started anew since
        (["", ""], True),
        (None, True),
    ],
)
def test_that_of_another_machine_may_still_run(
    tmp_path: Path, noted: list[str] | None, is_told: bool
) -> None:
    leave(tmp_path)
    (path,) = list_journals(str(tmp_path))
    facts = json.loads(Path(path).read_text())
    if noted and not all(facts["machine"]):
        pytest.skip("needs another platform: the machine has no ID")
    pairs = zip(noted or [], facts["machine"], strict=False)
    facts["machine"] = noted and [own if word == "same" else word for word, own in pairs]
    Path(path).write_text(json.dumps(facts))
    assert (take(path) is not None) == is_told


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
