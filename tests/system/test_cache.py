"""What the memory keeps, and what makes it forget."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipguard.caller import Caller
from pipguard.environments.inspect import make_interpreter_asker
from pipguard.system.cache import make_question, recall_answer, store_answer


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "memory")


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    path = tmp_path / "witness"
    path.write_text("said so")
    return path


def only_file(folder: str) -> Path:
    (path,) = Path(folder).iterdir()
    return path


def test_an_answer_is_kept(folder: str, witness: Path) -> None:
    store_answer(folder, make_question(["who"], [str(witness)]), "me")

    assert recall_answer(folder, make_question(["who"], [str(witness)])) == "me"


def test_another_question_has_no_answer(folder: str, witness: Path) -> None:
    store_answer(folder, make_question(["ab", "c"], [str(witness)]), "me")

    assert recall_answer(folder, make_question(["a", "bc"], [str(witness)])) is None


def test_nothing_is_known_at_first(folder: str) -> None:
    assert recall_answer(folder, make_question(["who"], [])) is None


def test_a_changed_witness_is_another_question(folder: str, witness: Path) -> None:
    store_answer(folder, make_question(["who"], [str(witness)]), "me")
    witness.write_text("said another thing")

    assert recall_answer(folder, make_question(["who"], [str(witness)])) is None


def test_an_edit_that_hides_itself_is_seen(folder: str, witness: Path) -> None:
    before = witness.stat()
    store_answer(folder, make_question(["who"], [str(witness)]), "me")
    witness.write_text("Said so")
    os.utime(witness, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert recall_answer(folder, make_question(["who"], [str(witness)])) is None


def test_a_witness_that_comes_or_goes_is_another_question(folder: str, witness: Path) -> None:
    missing = witness.with_name("missing")
    store_answer(folder, make_question(["who"], [str(witness), str(missing)]), "me")
    missing.touch()
    assert recall_answer(folder, make_question(["who"], [str(witness), str(missing)])) is None
    missing.unlink()
    assert recall_answer(folder, make_question(["who"], [str(witness), str(missing)])) == "me"
    witness.unlink()
    assert recall_answer(folder, make_question(["who"], [str(witness), str(missing)])) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:0],
        lambda text: text[:-1],
        lambda text: text[:20],
        lambda text: text.replace(b"memory-1", b"memory-0"),
        lambda text: text * 2,
        lambda text: os.urandom(5000) + text,
    ],
    ids=["empty", "cut", "short", "older", "doubled", "noise"],
)
def test_a_damaged_memory_is_none(folder: str, damage: object) -> None:
    assert callable(damage)
    question = make_question(["who"], [])
    store_answer(folder, question, "me")
    path = only_file(folder)
    path.write_bytes(damage(path.read_bytes()))

    assert recall_answer(folder, question) is None


def test_what_others_may_write_to_is_not_believed(folder: str) -> None:
    question = make_question(["who"], [])
    store_answer(folder, question, "me")
    only_file(folder).chmod(0o666)

    assert recall_answer(folder, question) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_belongs_to_somebody_else_is_not_believed(folder: str) -> None:
    question = make_question(["who"], [])
    store_answer(folder, question, "me")
    os.chown(only_file(folder), 12345, 12345)

    assert recall_answer(folder, question) is None


def test_it_is_for_the_owner_alone_and_holds_no_words(folder: str) -> None:
    store_answer(folder, make_question(["password"], []), "me")
    path = only_file(folder)

    assert path.stat().st_mode & 0o777 == 0o600
    assert b"password" not in path.read_bytes() + os.fsencode(path)


def test_without_a_place_nothing_is_kept_and_nothing_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    question = make_question(["who"], [])
    for folder in ("", str(tmp_path / "file" / "inside")):
        store_answer(folder, question, "me")
        assert recall_answer(folder, question) is None


def test_a_memory_does_not_grow_without_end(folder: str) -> None:
    for number in range(600):
        store_answer(folder, make_question([str(number)], []), "me")

    assert len(os.listdir(folder)) <= 257
    assert recall_answer(folder, make_question(["599"], [])) == "me"


def test_words_that_are_no_text_are_asked_about(folder: str) -> None:
    question = make_question(["caf\udce9", "two\nlines", ""], ["/no/such/\udce9"])
    store_answer(folder, question, "me")

    assert recall_answer(folder, question) == "me"


def test_an_interpreter_is_asked_once_while_it_stays_what_it_is(tmp_path: Path) -> None:
    log, python = tmp_path / "log", tmp_path / "environment/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\necho asked >>{log}\necho 3 11\n")
    python.chmod(0o755)
    nobody = Caller(
        program="pip",
        itself="",
        python="",
        argv=(),
        environ=dict(os.environ),
        directory="/",
        home=None,
        user_id=None,
        new_output=None,
        is_terminal=False,
    )
    ask = make_interpreter_asker(nobody.environ)

    assert [ask([str(python), "-V"]) for _ in range(3)] == [b"3 11\n", b"3 11", b"3 11"]
    assert log.read_text() == "asked\n"

    python.write_text("#!/bin/sh\nexit 1\n")
    assert ask([str(python), "-V"]) is None
