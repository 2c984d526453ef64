"""Hashes text to a short file name.

In: parts, as bytes. Out: 64 hexadecimal digits (BLAKE2b) that differ when any part differs.
"""

from __future__ import annotations

# hashlib loads OpenSSL to offer the same function, which takes 2.4 of the 7 ms that all imports of
# ours take; the standard library's own random.py avoids it in the same way.
try:
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def digest(parts: Iterable[bytes]) -> str:
    """Return the digest of the parts, each with its length, in this order."""
    state = blake2b(digest_size=32)
    for part in parts:
        state.update(b"%d:" % len(part) + part)
    return state.hexdigest()
