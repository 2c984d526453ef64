"""Leaves out of a tool's words where in its code a failure arose, and how its options are used.

In: what it writes on stderr, in pieces of any length. Out: the bytes to show. A traceback's last
line, which says what went wrong, stays; so does the line after a usage text. Whatever else the tool
says passes at once, half a line too: it may be a question.
"""

from __future__ import annotations

_BEGINNINGS = (b"Traceback (", b"usage: ")
_JOINTS = (
    b"During handling of the above exception, another exception occurred:",
    b"The above exception was the direct cause of the following exception:",
)
_STARTS = (*_BEGINNINGS, *_JOINTS)


class TracebackFilter:
    """Takes what a tool writes, and returns what is left of it."""

    def __init__(self) -> None:
        self._held = b""
        """The beginning of a line that may have to go."""
        self._depth: int | None = None
        """How far the text that is left out was indented; None outside of one."""

    def relay(self, chunk: bytes) -> bytes:
        """Return what of the chunk, and of what was held, can be shown now."""
        *lines, self._held = (self._held + chunk).splitlines(keepends=True) or [b""]
        if self._held.endswith((b"\n", b"\r")):
            lines, self._held = [*lines, self._held], b""
        shown = b"".join(line for line in lines if self._keeps(line))
        if self._depth is None and not _may_begin(self._held):
            shown, self._held = shown + self._held, b""
        return shown

    def release(self) -> bytes:
        """Return what is still held, when nothing more will come."""
        held, self._held = self._held, b""
        return held if held and self._keeps(held) else b""

    def _keeps(self, line: bytes) -> bool:
        content = line.strip()
        indentation = len(line) - len(line.lstrip())
        if content.startswith(_BEGINNINGS):
            self._depth = indentation
            return False
        if self._depth is None:
            return content not in _JOINTS
        if not content or indentation > self._depth:
            return False
        self._depth = None
        return content not in _JOINTS


def drop_tracebacks(text: bytes) -> bytes:
    """Return a tool's whole output without them; what it says twice is said once."""
    left = TracebackFilter()
    lines = dict.fromkeys((left.relay(text) + left.release()).splitlines())
    # virtualenv 20 and 21 say so before its usage; the line after that tells why.
    kept = (line for line in lines if line.strip() and not line.startswith(b"SystemExit: "))
    return b"".join(line + b"\n" for line in kept)


def _may_begin(line: bytes) -> bool:
    """Tell whether half a line may become the first of a text that is left out."""
    content = line.lstrip()
    return any(start.startswith(content) or content.startswith(start) for start in _STARTS)
