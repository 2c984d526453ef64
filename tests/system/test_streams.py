"""What is written and read on the standard streams, whoever is at their other end."""

from __future__ import annotations

import os

import pytest
from harness.running import run_module

from pipguard.system.streams import write_error, write_output


def run_inside(text: str) -> tuple[int, bytes, bytes]:
    done = run_module("system.streams", text)
    return done.status, done.stdout, done.stderr


def test_nobody_reads_our_words() -> None:
    text = "os.close(2); p.write_error(b'x'); sys.exit(3)"
    assert run_inside(text)[0] == 3
    reading, writing = os.pipe()
    os.close(reading)
    saved = os.dup(2)
    os.dup2(writing, 2)
    try:
        write_error(b"nobody reads this")
    finally:
        os.dup2(saved, 2)
        for descriptor in (saved, writing):
            os.close(descriptor)


def test_nobody_reads_our_answer() -> None:
    text = (
        "r, w = os.pipe(); os.close(r); os.dup2(w, 1)\np.write_output('answer\\n'); sys.exit(3)\n"
    )
    assert run_inside(text)[::2] == (3, b"")


def test_our_answer_may_hold_any_name(capfd: pytest.CaptureFixture[str]) -> None:
    status, out, err = run_inside("p.write_output(os.fsdecode(b'caf\\xc3\\xa9 \\xff\\n'))")
    assert (status, err) == (0, b"")
    assert out.startswith(b"caf\xc3\xa9 ")
    write_output("plain\n")
    assert capfd.readouterr().out == "plain\n"


def test_a_long_text_is_written_whole(capfd: pytest.CaptureFixture[str]) -> None:
    write_error(b"x" * 300_000)
    assert len(capfd.readouterr().err) == 300_000
