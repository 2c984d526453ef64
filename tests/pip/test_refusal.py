"""pip's refusal in its stderr, however that is cut into pieces."""

from __future__ import annotations

import pytest
from harness.fakes import TRANSCRIPTS, read_transcript

from pipguard.pip.refusal import REFUSAL_LINE, HeldBlock, Refusal, recognise_refusal

REFUSALS = sorted(path.stem for path in TRANSCRIPTS.glob("debian-*-install*.txt"))
MARKER = "/usr/lib/python3.13/EXTERNALLY-MANAGED"


def relay(*chunks: bytes) -> tuple[bytes, bytes]:
    """What is shown, and the block that is held back."""
    block = HeldBlock(REFUSAL_LINE)
    return b"".join(map(block.relay, chunks)), block.block


def test_there_are_recordings() -> None:
    assert len(REFUSALS) >= 3


@pytest.mark.parametrize("name", REFUSALS)
def test_a_recorded_refusal_cut_anywhere(name: str) -> None:
    text = read_transcript(name).stderr
    for place in range(len(text) + 1):
        assert relay(text[:place], text[place:]) == (b"", text)


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64])
def test_a_recorded_refusal_in_small_pieces(name: str, size: int) -> None:
    text = read_transcript(name).stderr
    assert relay(*(text[i : i + size] for i in range(0, len(text), size))) == (b"", text)


def test_what_comes_before_is_shown_at_once() -> None:
    before = b"WARNING: pip is being invoked by an old script wrapper.\n"
    text = read_transcript("debian-12-pip-23.0.1-install").stderr
    for place in range(len(before + text)):
        whole = before + text
        assert relay(whole[:place], whole[place:]) == (before, text)
    block = HeldBlock(REFUSAL_LINE)
    assert block.relay(before) == before
    assert block.shown == len(before)


def test_a_line_that_was_written_over_ends_there() -> None:
    text = REFUSAL_LINE + b"\n"
    assert relay(b"10%\r", text) == (b"10%\r", text)
    assert relay(b"10%\r" + text) == (b"10%\r", text)


@pytest.mark.parametrize(
    "text",
    [
        b"ERROR: Could not find a version\n",
        b"error: subprocess-exited-with-error\n",
        b"warning: externally-managed-environment\n",
        b"note: error: externally-managed-environment\n",
        b"\xff\xfe\x00\r\n\n\n",
        b"10%\r20%\r\x1b[31m30%\x1b[0m\r\n",
    ],
)
def test_everything_else_is_shown_in_the_end(text: bytes) -> None:
    for place in range(len(text) + 1):
        block = HeldBlock(REFUSAL_LINE)
        shown = block.relay(text[:place]) + block.relay(text[place:])
        assert block.block == b""
        assert shown + block.release() == text


@pytest.mark.parametrize("prompt", [b"Proceed (Y/n)? ", b"User for index: ", b"?"])
def test_a_prompt_without_a_newline_is_shown_at_once(prompt: bytes) -> None:
    assert relay(b"Found existing installation\n", prompt)[0].endswith(prompt)


def test_an_unfinished_line_that_could_become_it_waits() -> None:
    block = HeldBlock(REFUSAL_LINE)
    assert block.relay(b"err") == b""
    assert block.relay(b"or: other\n") == b"error: other\n"
    assert block.relay(b"\x1b[1;3") == b""
    assert block.relay(b"1merr") == b""
    assert block.relay(b"and\n") == b"\x1b[1;31merrand\n"


def test_the_words_inside_a_line_open_nothing() -> None:
    shown, held = relay(b"see ", REFUSAL_LINE + b"\n")
    assert (shown, held) == (b"see " + REFUSAL_LINE + b"\n", b"")


def test_a_release_gives_back_everything_once() -> None:
    block = HeldBlock(REFUSAL_LINE)
    block.relay(REFUSAL_LINE + b"\nmore\n")
    assert block.block == REFUSAL_LINE + b"\nmore\n"
    assert block.release() == REFUSAL_LINE + b"\nmore\n"
    assert (block.block, block.release()) == (b"", b"")


def test_a_block_too_long_is_released_and_the_rest_flows() -> None:
    block = HeldBlock(REFUSAL_LINE)
    line = b"x" * 999 + b"\n"
    shown = block.relay(REFUSAL_LINE + b"\n") + b"".join(block.relay(line) for _ in range(70))
    assert len(shown) == len(REFUSAL_LINE) + 1 + 70_000
    assert block.block == b""
    assert block.relay(REFUSAL_LINE) == REFUSAL_LINE


def test_all_witnesses_have_to_agree() -> None:
    text = REFUSAL_LINE + b"\n"
    assert recognise_refusal(1, text, MARKER) == Refusal(MARKER, text)
    # MSYS2 prints the word as a warning and goes on.
    assert recognise_refusal(0, text, MARKER) is None
    assert recognise_refusal(3, text, MARKER) is None
    assert recognise_refusal(1, text, None) is None
    assert recognise_refusal(1, b"", MARKER) is None


def test_another_opening() -> None:
    block = HeldBlock(b"No apps associated")
    assert block.relay(b"installing\nNo apps ass") == b"installing\n"
    assert block.relay(b"ociated with package\n") == b""
    assert block.block.startswith(b"No apps")
