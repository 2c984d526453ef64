"""Stand-ins for pip that replay what a real one once said.

In: a `Transcript`, usually from `tests/transcripts/`. Out: an executable that writes its bytes,
ends with its status, and keeps every argv that it was called with.
"""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .managed import first_lines, write_executable

TRANSCRIPTS = Path(__file__).parent.parent / "transcripts"


@dataclass(frozen=True, slots=True)
class Transcript:
    """What one run of a real command showed."""

    command: str = "pip"
    status: int = 0
    stdout: bytes = b""
    stderr: bytes = b""


def read_transcript(name: str) -> Transcript:
    """Read `tests/transcripts/NAME.txt`; its format is in `format_transcript`."""
    data = (TRANSCRIPTS / f"{name}.txt").read_bytes()
    command, status, rest = data.split(b"\n", 2)
    stdout, stderr = rest.removeprefix(b"--- stdout\n").split(b"--- stderr\n", 1)
    return Transcript(command.removeprefix(b"$ ").decode(), int(status.split()[-1]), stdout, stderr)


def format_transcript(transcript: Transcript) -> bytes:
    """The bytes of a transcript's file: command, status, then both streams exactly as they came."""
    assert transcript.stdout.endswith(b"\n") or not transcript.stdout, "would not read back"
    head = f"$ {transcript.command}\nexit status {transcript.status}\n--- stdout\n".encode()
    return head + transcript.stdout + b"--- stderr\n" + transcript.stderr


class FakePip:
    """An executable that replays one transcript, whatever it is asked."""

    def __init__(self, path: Path, transcript: Transcript, interpreter: Path | None = None) -> None:
        """Write the executable; with `interpreter`, as a Python script that names it first."""
        self.path = path
        self._notes = path.parent / f".{path.name}"
        self._notes.mkdir(parents=True)
        (self._notes / "stdout").write_bytes(transcript.stdout)
        (self._notes / "stderr").write_bytes(transcript.stderr)
        text = _python_text if interpreter else _shell_text
        write_executable(path, text(self._notes, transcript.status, interpreter))

    @property
    def calls(self) -> list[list[bytes]]:
        """The arguments of each call so far, oldest first."""
        log = self._notes / "calls"
        words = log.read_bytes().split(b"\0")[:-1] if log.exists() else []
        calls = []
        while words:
            count = int(words[0])
            calls.append(words[1 : count + 1])
            words = words[count + 1 :]
        return calls


class MakeFakePip(Protocol):
    """The fixture `fake_pip`."""

    def __call__(
        self, transcript: Transcript, name: str = "pip", interpreter: Path | None = None
    ) -> FakePip:
        """Put one on PATH."""


def _shell_text(notes: Path, status: int, _: Path | None) -> str:
    cat, folder = shutil.which("cat"), shlex.quote(str(notes))
    return (
        f'#!/bin/sh\nprintf \'%s\\0\' "$#" "$@" >>{folder}/calls\n'
        f"{cat} {folder}/stdout\n{cat} {folder}/stderr >&2\nexit {status}\n"
    )


def _python_text(notes: Path, status: int, interpreter: Path | None) -> str:
    assert interpreter is not None
    return (
        f"{first_lines(interpreter)}import os, sys\nnotes = {str(notes)!r}\n"
        "words = [str(len(sys.argv) - 1), *sys.argv[1:]]\n"
        "with open(notes + '/calls', 'ab') as log:\n"
        "    log.write(b''.join(os.fsencode(word) + b'\\0' for word in words))\n"
        "for number, name in ((1, 'stdout'), (2, 'stderr')):\n"
        "    with open(notes + '/' + name, 'rb') as stream:\n"
        "        os.write(number, stream.read())\n"
        f"sys.exit({status})\n"
    )
