"""Answers are kept in a file that its owner can read and change, and nobody else."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipguard.classification.answers import answers_path, read_answers, store_answers


def test_the_later_answer_counts() -> None:
    assert read_answers(os.environ) == {}
    assert store_answers(os.environ, {"frob": "library", "other": "application"})
    assert store_answers(os.environ, {"frob": "application"})
    assert read_answers(os.environ) == {"frob": "application", "other": "application"}


def test_the_file_says_how_to_change_it() -> None:
    store_answers(os.environ, {"frob": "library"})
    path = Path(answers_path(os.environ))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith("# ")
    path.write_text("  Frob_Two   application  # mine\n\nfrob\nthree banana\n library\n")
    assert read_answers(os.environ) == {"frob-two": "application", "": "library"}


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe library", b"x" * 10_000_000, b"a\tb"])
def test_a_damaged_file_is_no_failure(content: bytes) -> None:
    store_answers(os.environ, {"frob": "library"})
    Path(answers_path(os.environ)).write_bytes(content)
    assert "frob" not in read_answers(os.environ)
    assert store_answers(os.environ, {"other": "library"})


def test_a_file_that_others_may_write_to_says_nothing() -> None:
    store_answers(os.environ, {"frob": "library"})
    os.chmod(answers_path(os.environ), 0o666)
    assert read_answers(os.environ) == {}


def test_two_at_once_lose_nothing() -> None:
    names = [f"frob-{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: store_answers(os.environ, {name: "library"}), names))
    assert set(read_answers(os.environ)) == set(names)


def test_where_nothing_can_be_written_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environ = {"XDG_DATA_HOME": str(tmp_path / "file")}
    assert not store_answers(environ, {"frob": "library"})
    assert read_answers(environ) == {}


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    store_answers(os.environ, {"frob": "library"})
    path = Path(answers_path(os.environ))
    path.unlink()
    path.symlink_to("/dev/full")
    assert not store_answers(os.environ, {"other": "library"})
