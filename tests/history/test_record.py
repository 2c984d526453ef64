"""What goes into an entry: no passwords, no endless words, and only what really changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipguard.environments.inventory import Location
from pipguard.history.log import Entry, read_history
from pipguard.history.record import Recorder, Recording, mask_words
from pipguard.system.secrets import mask_secrets


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://me:secret@host/simple", "https://****@host/simple"),
        ("--index-url=https://token@host/", "--index-url=https://****@host/"),
        ("-ihttps://me:s3:cr@et@host/", "-ihttps://****@host/"),
        ("git+https://token@host/x.git@main#egg=x", "git+https://****@host/x.git@main#egg=x"),
        ("x @ https://u:p@h/x.whl", "x @ https://****@h/x.whl"),
        ("--proxy=me:secret@proxy:80", "--proxy=****@proxy:80"),
        ("me:secret@proxy:80", "****@proxy:80"),
        ("https://h/simple?token=secret&x=1", "https://h/simple?token=****&x=****"),
        ("git+ssh://git@host/x.git", "git+ssh://git@host/x.git"),
        ("requests==2.0", "requests==2.0"),
        ("./a@b/c:d@e", "./a@b/c:d@e"),
        ("x @ file:///a/b.whl", "x @ file:///a/b.whl"),
    ],
)
def test_passwords_are_masked(typed: str, kept: str) -> None:
    assert mask_secrets(typed) == kept


def test_a_command_line_of_a_megabyte() -> None:
    kept = mask_words(("x" * 1_000_000, *(["y"] * 10_000)))
    assert sum(map(len, kept)) < 1000


def make_recording(folder: Path, place: Location, said: list[str]) -> Recording:
    recorder = Recorder(str(folder / "log"), {}, said.append)
    return Recording(recorder, Entry(("pip",), "/", "venv", 130), (place,))


def test_an_interruption_is_recorded_with_what_it_changed(tmp_path: Path) -> None:
    place = Location("site", str(tmp_path))
    recording = make_recording(tmp_path, place, [])
    with pytest.raises(KeyboardInterrupt), recording, recording.watch():
        (tmp_path / "Some_Thing-1.0.dist-info").mkdir()
        (tmp_path / "~omething-0.9.dist-info").mkdir()
        raise KeyboardInterrupt
    (entry,) = read_history(str(tmp_path / "log")).entries
    assert [(c.name, c.before, c.after and c.after.version) for c in entry.changes] == [
        ("some-thing", None, "1.0")
    ]
    assert entry.exit_status == 130


def test_a_log_that_cannot_be_written_is_said_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file where the folder should be")
    said: list[str] = []
    with make_recording(tmp_path, Location("site", str(tmp_path)), said) as recording:
        with recording.watch():
            (tmp_path / "six-1.0.dist-info").mkdir()
        recording.end(0)
    assert len(said) == 1
    assert said[0].startswith("not recorded, so it cannot be undone: ")


def test_a_token_longer_than_a_word_may_be_is_masked_before_it_is_cut() -> None:
    token = "t0ken" * 200
    (kept,) = mask_words((f"--index-url=https://user:{token}@host/simple",))
    assert kept == "--index-url=https://****@host/simple"


def test_what_cannot_be_compared_is_said_and_not_called_recorded(tmp_path: Path) -> None:
    said: list[str] = []
    location = Location("system", "apt", listing=("/nowhere/dpkg-query",))
    with make_recording(tmp_path, location, said) as recording:
        with recording.watch():
            pass
        recording.end(0)
    assert said == [
        "not recorded, so it cannot be undone: /nowhere/dpkg-query does not list the installed "
        "packages: [Errno 2] No such file or directory: '/nowhere/dpkg-query'"
    ]
    assert not recording.is_recorded
    assert recording.entry.changes == ()
