"""Reads and writes the standard streams; a closed stream or a reader that left is no failure.

In: bytes or text. Out: the same on stdout or stderr, or a line from stdin. Never buffers.
"""

from __future__ import annotations

import os


def reserve_closed_streams() -> None:
    """Open the null device in place of each standard stream that is closed (`2>&-`).

    Otherwise the next file that we open would get the stream's number, and messages for stderr
    would be written into it. What is opened here is not inheritable: children start without the
    stream, as they would without us.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def write_error(data: bytes) -> None:
    """Write bytes to stderr."""
    _write(2, data)


def write_output(text: str) -> None:
    """Write text to stdout as UTF-8; undecodable file names are written as they are on disk."""
    _write(1, text.encode("utf-8", "surrogateescape"))


def read_line() -> str | None:
    """Return a line from stdin, stripped; None at the end of input."""
    line = b""
    while not line.endswith(b"\n"):
        try:
            byte = os.read(0, 1)
        except OSError:
            byte = b""
        if not byte:
            return None
        line += byte
    return line.decode(errors="replace").strip()


def _write(descriptor: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        return


def measure_terminal() -> int:
    """Return the number of columns of the terminal on stderr, 0 where there is none."""
    try:
        return os.get_terminal_size(2).columns
    except OSError:
        return 0
