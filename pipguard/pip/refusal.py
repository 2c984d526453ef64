"""Recognises pip's refusal in what it writes, and holds it back until it is decided what to do.

In: chunks of pip's stderr, its exit status, the marker. Out: bytes to show now, and a `Refusal` or
None. Pure: reads no file, starts no process.

The words are pip's own first line since 23.0 (`error: externally-managed-environment`); all that
follows is the distributor's text and tells nothing (PEP 668). On a terminal colour codes split it.
"""

from __future__ import annotations

from pipguard.system.frozen import dataclass

REFUSAL_LINE = b"error: externally-managed-environment"
# The longest text seen from a distributor is 2 KB; what is far longer is no refusal.
_MOST_HELD = 65536
_COLOUR = rb"\x1b\[[0-9;]*m"
_CUT_COLOUR = rb"\x1b(\[[0-9;]*)?$"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The real pip refused because its interpreter is externally managed."""

    marker: str
    """Path of the marker file."""
    text: bytes
    """What pip wrote about it, empty where it was told to be silent (-qqq)."""
    is_remembered: bool = False
    """Whether pip refused another time, and its words are not at hand."""


def recognise_refusal(exit_status: int, text: bytes, marker: str | None) -> Refusal | None:
    """Return the refusal if there is everything that proves it: status 1, a marker, pip's words."""
    if exit_status != 1 or marker is None or not text:
        return None
    return Refusal(marker, text)


class HeldBlock:
    """Relays a stream and holds back everything from the line that opens a block.

    `relay` takes a chunk of any size and returns what may be shown now: whole lines at once, and
    an unfinished line too (a prompt has no newline) unless it could still become the opening.
    """

    def __init__(self, opening: bytes) -> None:
        self.opening = opening
        self.held = b""
        self.shown = 0
        self._is_holding = False
        self._is_given_up = False
        self._is_inside_line = False

    @property
    def block(self) -> bytes:
        """The block held back so far, from its opening line on; empty when none has come."""
        return self.held if self._is_holding else b""

    def relay(self, chunk: bytes) -> bytes:
        """Take a chunk in, return the bytes to show now."""
        data = self.held + chunk
        if not self._is_holding and not self._is_given_up:
            self._is_holding, free = self._look_for_opening(data)
        elif self._is_given_up or len(data) > _MOST_HELD:
            self._is_holding, self._is_given_up, free = False, True, len(data)
        else:
            free = 0
        self.held = data[free:]
        self.shown += free
        return data[:free]

    def release(self) -> bytes:
        """Return what is still held back, and hold it no more."""
        held, self.held, self._is_holding = self.held, b"", False
        return held

    def _look_for_opening(self, data: bytes) -> tuple[bool, int]:
        """Return whether the opening is there and how many bytes before it are free to show."""
        position = 0
        for line in data.splitlines(keepends=True):
            words = _drop_colours(line)
            if not self._is_inside_line:
                if words.startswith(self.opening):
                    return True, position
                if self.opening.startswith(words):
                    return False, position
            self._is_inside_line = not line.endswith((b"\n", b"\r"))
            position += len(line)
        return False, position


def _drop_colours(line: bytes) -> bytes:
    if b"\x1b" not in line:
        return line
    import re

    return re.sub(_CUT_COLOUR, b"", re.sub(_COLOUR, b"", line))
