"""Draws the README's picture: what a terminal shows on a clean Debian 12, recorded from a real run.

In: nothing; as root, with the network. Out: `.pictures/light.svg` and `.pictures/dark.svg`. Every
line is as the programs wrote it; of pip's own lines some are left out, which `…` shows.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

from set_up import CHECKOUT

sys.path.append(str(CHECKOUT / "tests"))

import pyte
from harness.machines import Machine, make_root

FOLDER = CHECKOUT / ".pictures"
COLUMNS = 114
TYPED = (
    "pip install requests",
    "alias pip=pipguard",
    "pip install requests",
    "pip install httpie",
    "pip guard undo",
)
LEFT_OUT = ("Collecting ", "  Downloading ", "Installing collected", "  Using cached ")
SHOWN_OF_REFUSAL = 4
"""Lines; the others say what pipguard does."""

# Runs in the machine: each line in a bash of its own, on a terminal of its own.
RECORD = """\
import fcntl, json, os, pty, struct, sys, termios
lines, columns = json.loads(sys.argv[1]), int(sys.argv[2])
start, told = "shopt -s expand_aliases", []
for line in lines:
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        os.execvp("bash", ["bash", "-c", start + "\\n" + line])
    said = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        said += piece
    os.waitpid(pid, 0)
    os.close(terminal)
    told.append(said.decode())
    if line.startswith("alias "):
        start += "\\n" + line
print(json.dumps(told))
"""
PREPARE = """\
mkdir -p ~/bin ~/shop; cd ~/shop
ln -s /opt/pipguard/scripts/pipguard ~/bin/pipguard
export PATH=$HOME/bin:$HOME/.local/bin:$PATH TERM=xterm-256color PIP_PROGRESS_BAR=off
unset PIP_CERT SSL_CERT_FILE REQUESTS_CA_BUNDLE
pipguard --version >/dev/null 2>&1
"""

Run = tuple[str, str]
"""A piece of a line and its style's name."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a picture."""

    name: str
    background: str
    text: str
    styles: tuple[tuple[str, str], ...]


LIGHT = Theme(
    "light", "#ffffff", "#1f2328",
    (("typed", "#0550ae"), ("red", "#a40e26"), ("own", "#116329"), ("dim", "#6e7781")),
)  # fmt: skip
DARK = Theme(
    "dark", "#0d1117", "#e6edf3",
    (("typed", "#79c0ff"), ("red", "#ff7b72"), ("own", "#7ee787"), ("dim", "#8b949e")),
)  # fmt: skip


def main() -> int:
    """Draw both."""
    parser = argparse.ArgumentParser("scripts/build-picture", description=__doc__.split("\n")[0])
    parser.parse_args()
    root = make_root("bookworm-pip", os.environ)
    machine = Machine(root, "user", os.environ, ((CHECKOUT, "/opt/pipguard"),))
    lines = list(compose(TYPED, record(machine)))
    FOLDER.mkdir(exist_ok=True)
    for theme in (LIGHT, DARK):
        path = FOLDER / f"{theme.name}.svg"
        path.write_text(draw(lines, theme), encoding="utf-8")
        print(path)
    return 0


def record(machine: Machine) -> list[str]:
    """Return what the terminal received after each line that was typed."""
    words = f"'{json.dumps(TYPED)}' {COLUMNS}"
    done = machine.run(f"{PREPARE}python3 - {words} <<'EOF'\n{RECORD}EOF\n")
    if done.status:
        raise SystemExit(done.err)
    told: list[str] = json.loads(done.out)
    return told


def compose(typed: Sequence[str], told: Sequence[str]) -> Iterator[list[Run]]:
    """Yield the lines of the picture."""
    for number, (line, said) in enumerate(zip(typed, told, strict=True)):
        if number and not typed[number - 1].startswith("alias "):
            yield []
        yield [("$ ", "dim"), (line, "typed")]
        shown = list(render(said))
        if number == 0:
            left = len(shown) - SHOWN_OF_REFUSAL
            shown = [*shown[:SHOWN_OF_REFUSAL], [(f"… ({left} more lines)", "dim")]]
        yield from shorten(shown)


def render(said: str) -> Iterator[list[Run]]:
    """Yield the lines that a terminal shows in the end, in pieces of one style each."""
    screen = pyte.Screen(COLUMNS, 200)
    pyte.Stream(screen).feed(said)
    for row in range(screen.cursor.y):
        cells = [screen.buffer[row][column] for column in range(COLUMNS)]
        text = "".join(cell.data for cell in cells).rstrip()
        pieces: list[Run] = []
        for cell in cells:
            style = "red" if cell.fg in {"red", "brightred"} else ""
            if text.startswith("pipguard:"):
                style = "own"
            if pieces and pieces[-1][1] == style:
                pieces[-1] = (pieces[-1][0] + cell.data, style)
            else:
                pieces.append((cell.data, style))
        if pieces:
            pieces[-1] = (pieces[-1][0].rstrip(), pieces[-1][1])
        yield [piece for piece in pieces if piece[0]]


def shorten(lines: Iterable[list[Run]]) -> Iterator[list[Run]]:
    """Leave out how pip came to its result, and empty lines."""
    was_left_out, before = False, ""
    for line in lines:
        text = "".join(piece for piece, _ in line)
        goes_on = was_left_out and len(before) == COLUMNS
        before = text
        if text.startswith(LEFT_OUT) or goes_on:
            if not was_left_out:
                yield [("…", "dim")]
            was_left_out = True
        elif text:
            was_left_out = False
            yield line


def draw(lines: Sequence[list[Run]], theme: Theme) -> str:
    """Return the picture: text in a frame, to be read and found as text."""
    height = 20 * len(lines) + 40
    width = round(8.43 * COLUMNS) + 48
    colours = "".join(f".{name}{{fill:{colour}}}" for name, colour in theme.styles)
    rows = []
    for number, line in enumerate(lines):
        pieces = "".join(
            f'<tspan class="{style}">{escape(piece)}</tspan>' if style else escape(piece)
            for piece, style in line
        )
        rows.append(f'<text xml:space="preserve" x="24" y="{36 + 20 * number}">{pieces}</text>\n')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">\n'
        "<title>pip install on Debian 12, without and with pipguard</title>\n"
        "<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;"
        f"white-space:pre;fill:{theme.text}}}{colours}</style>\n"
        f'<rect width="100%" height="100%" rx="8" fill="{theme.background}" '
        f'stroke="{dict(theme.styles)["dim"]}" stroke-opacity="0.4"/>\n'
        f"{''.join(rows)}</svg>\n"
    )


if __name__ == "__main__":
    sys.exit(main())
