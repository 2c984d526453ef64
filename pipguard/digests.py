"""Stands a short name for long words, which do not follow from it.

In: parts, as bytes. Out: 64 hexadecimal digits that differ when any part differs.
"""

from __future__ import annotations

# hashlib loads OpenSSL to offer the same, which takes longer than all else that is imported here
# (2.4 ms of 7); the standard library's own random.py takes this way, too.
try:
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def digest(parts: Iterable[bytes]) -> str:
    """Return the digest of the parts, in this order, each with its length."""
    state = blake2b(digest_size=32)
    for part in parts:
        state.update(b"%d:" % len(part) + part)
    return state.hexdigest()
