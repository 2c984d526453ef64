"""Writes the manual page, `pipguard.1`, from the verbs' own parsers and the help topics.

In: the verbs, the topics' texts. Out: one text in the man macros of roff. `pip guard help` shows
the same sentences, so that nothing is said in two places.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from itertools import groupby

from pipguard.commands import VERBS, load_verb
from pipguard.system.version import read_version

_DESCRIPTION = """\
pipguard hands a command line to the real pip. Only where that pip refuses, because its Python is
externally managed (PEP 668), libraries go to the project's .venv, which is made with virtualenv
when there is none, and command-line applications to pipx. What it did and how to run it is said on
standard error. With the shell's line (`pipguard guard shell-init`) or an alias, the command is
called pip as ever."""


def format_manual(topics: Iterable[tuple[str, str]]) -> str:
    """Return the page; `topics` are names and texts."""
    verbs = (line for verb in VERBS for line in _format_verb(verb))
    parts: list[str] = [
        f'.TH PIPGUARD 1 "" "pipguard {read_version()}" "User Commands"',
        ".SH NAME",
        "pipguard \\- a drop-in pip for Pythons that refuse it",
        ".SH SYNOPSIS",
        ".B pipguard",
        ".I PIP-COMMAND ...",
        ".br",
        ".B pipguard guard",
        ".I VERB ...",
        ".SH DESCRIPTION",
        *map(_escape, _DESCRIPTION.splitlines()),
        ".SH VERBS",
        *verbs,
    ]
    for name, text in topics:
        parts += [f".SH {name.upper()}", *_format_topic(text)]
    see_also = (".SH SEE ALSO", ".BR pip (1),", ".BR pipx (1),", ".BR virtualenv (1)")
    return "\n".join([*parts, *see_also]) + "\n"


def _format_verb(verb: str) -> Iterator[str]:
    parser = load_verb(verb).make_parser()
    usage = parser.format_usage().removeprefix("usage: ").replace(" [-h]", "").split()
    yield from (".TP", f".B {_escape(' '.join(usage))}", _escape(load_verb(verb).SUMMARY))
    for action in parser._actions:
        names = action.option_strings or [str(action.metavar or action.dest).upper()]
        is_shown = action.help not in {None, argparse.SUPPRESS} and "--help" not in names
        if is_shown:
            yield from (".br", _escape(f"{', '.join(names)}: {action.help}"))


def _format_topic(text: str) -> Iterator[str]:
    """Yield a topic's lines: its headings, its paragraphs, and as they are what is laid out."""
    for indent, group in groupby(text.splitlines(), _measure_indent):
        lines = list(group)
        if indent is None:
            yield ".PP"
        elif len(lines) == 1 and lines[0].isupper() and indent <= 2:
            yield f".SS {_escape(lines[0].strip())}"
        elif _is_laid_out(lines, indent):
            yield from (".nf", *map(_escape, lines), ".fi")
        else:
            words = (_escape(line.strip()) for line in lines)
            yield from words if indent <= 2 else (".RS 4", *words, ".RE")


def _is_laid_out(lines: list[str], indent: int) -> bool:
    """Tell a table, an example or a list from a paragraph, whose first line is nearly full."""
    is_short = len(lines) > 1 and len(lines[0]) < 72
    return is_short or indent > 6 or any("  " in line.strip() for line in lines)


def _measure_indent(line: str) -> int | None:
    """Return how far a line is indented; None for an empty one."""
    return len(line) - len(line.lstrip()) if line.strip() else None


def _escape(line: str) -> str:
    """Return a line of text that roff shows as it is."""
    escaped = line.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith((".", "\\(aq")) else escaped
