"""Reads a yes or a no as pip does (its `strtobool`, pip 23.0 to 26.3)."""

from __future__ import annotations

_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE = frozenset({"n", "no", "f", "false", "off", "0"})


def parse_boolean(text: str) -> bool | None:
    """Return what a word says, in any case, blanks left out; None where it says neither."""
    word = text.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None
