"""Parses TOML with the standard library's parser, or with tomli before Python 3.11."""

from __future__ import annotations

import sys


def parse_toml(text: str) -> dict[str, object]:
    """Return the document; raises ValueError for what is no TOML."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    document: dict[str, object] = tomllib.loads(text)
    return document
