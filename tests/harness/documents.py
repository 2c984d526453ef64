"""The commands that the README and the help topics show, as a reader would copy them.

In: a text. Out: each command of its shell blocks, without the comment behind it, and the lines that
are shown as its output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from conftest import CHECKOUT

README = CHECKOUT / "README.md"
DEVELOPERS = CHECKOUT / "pipguard/README.md"
TOPICS = CHECKOUT / "pipguard/commands/topics"
_BLOCK = re.compile(r"^```(console|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"\s{2,}# .*$|(?<=\S) # .*$")


@dataclass(frozen=True, slots=True)
class Shown:
    """A command of a text, and what the text shows below it."""

    command: str
    output: tuple[str, ...] = ()


def list_shown(text: str) -> Iterator[Shown]:
    """Yield the commands of all shell blocks of a text in Markdown, in order."""
    for kind, block in _BLOCK.findall(text):
        lines = [_COMMENT.sub("", line) for line in block.splitlines()]
        if kind == "sh":
            yield from (Shown(line) for line in lines if line)
            continue
        parts = re.split(r"^\$ ", "\n".join(lines), flags=re.MULTILINE)
        for part in filter(None, parts):
            command, *output = part.splitlines()
            if not command.startswith("…"):  # a command of the output above it
                yield Shown(command, tuple(output))


def list_topic_commands() -> Iterator[Shown]:
    """Yield the commands that stand alone in the topics, deeper than their sentences."""
    for path in sorted(TOPICS.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            text = _COMMENT.sub("", line.strip())
            if re.match(r"^ {6}(eval|pipguard|command) ", line):
                yield Shown(text)


def list_quoted(text: str) -> Iterator[str]:
    """Yield what stands in backquotes, which may go over the end of a line."""
    without_blocks = _BLOCK.sub("", text)
    yield from (" ".join(found.split()) for found in re.findall(r"`([^`]+)`", without_blocks))
