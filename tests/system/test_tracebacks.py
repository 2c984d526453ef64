"""What is left of a tool's words: recorded ones of pipx 1.7 and virtualenv, cut anywhere."""

from __future__ import annotations

import pytest

from pipguard.system.tracebacks import TracebackFilter, drop_tracebacks

PIPX = b"""\
creating virtual environment...
Traceback (most recent call last):
  File "/usr/lib/python3.11/pathlib.py", line 1116, in mkdir
    os.mkdir(self, mode)
NotADirectoryError: [Errno 20] Not a directory: '/f/x/venvs'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/usr/bin/pipx", line 8, in <module>
    sys.exit(cli())
             ^^^^^
NotADirectoryError: [Errno 20] Not a directory: '/f/x'
"""
USAGE = b"""\
usage: pipx [-h] [--quiet] [--verbose] [--global] [--version]
            {install,install-all,uninject} ...
pipx: error: unrecognized arguments: --nonsense
"""


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_the_message_stays_and_where_it_arose_goes(size: int) -> None:
    for text, expected in (
        (
            PIPX,
            b"creating virtual environment...\n"
            b"NotADirectoryError: [Errno 20] Not a directory: '/f/x/venvs'\n"
            b"\n\n"
            b"NotADirectoryError: [Errno 20] Not a directory: '/f/x'\n",
        ),
        (USAGE, b"pipx: error: unrecognized arguments: --nonsense\n"),
    ):
        left = TracebackFilter()
        chunks = [text[i : i + size] for i in range(0, len(text), size)]
        assert b"".join(map(left.relay, chunks)) + left.release() == expected


def test_everything_else_passes_at_once() -> None:
    left = TracebackFilter()
    for chunk in (b"Proceed (Y/n)? ", b"y", b"\r\x1b[2K 50 %", b"\r100 %", b"\n", b"  indented"):
        assert left.relay(chunk) == chunk
    assert left.relay(b"\nTrace of it\n") == b"\nTrace of it\n"
    assert left.relay(b"Traceback (most recent call last):\n  File") == b""
    assert left.release() == b""


def test_what_is_said_twice_is_said_once() -> None:
    text = b"".join(PIPX.splitlines(keepends=True)[1:5])
    assert drop_tracebacks(b"SystemExit: 2\n" + text + text) == (
        b"NotADirectoryError: [Errno 20] Not a directory: '/f/x/venvs'\n"
    )
