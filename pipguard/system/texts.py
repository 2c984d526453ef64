"""Reads text files that anybody may have written: regular ones of a bearable size.

In: a path. Out: the text, or None. Takes UTF-8 and, with its byte order mark, UTF-16, as pip does
for requirements files. Never waits for the writer of a pipe.
"""

from __future__ import annotations

import os
import stat

_LONGEST = 1024 * 1024
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def read_text(path: str) -> str | None:
    """Return a file's text; None for what is missing, no regular file, or over a megabyte."""
    try:
        # Opening a pipe without a writer would block for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > _LONGEST:
                return None
            content = file.read(_LONGEST)
    except (OSError, ValueError):
        return None
    # PowerShell's `pip freeze > requirements.txt` makes UTF-16.
    return content.decode("utf-16" if content[:2] in _UTF_16 else "utf-8-sig", "replace")
