"""Quotes words for a POSIX shell, without importing `shlex` (8 ms) for words that need nothing."""

from __future__ import annotations

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+")


def quote_word(word: str) -> str:
    """Return the word as a POSIX shell takes it; a `~/` at its beginning stays the home folder."""
    if word.startswith("~/"):
        return f"~/{quote_word(word[2:])}" if word[2:] else word
    if word and set(word) <= _PLAIN:
        return word
    import shlex

    return shlex.quote(word)
