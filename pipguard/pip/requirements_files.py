"""Reads requirements files, and those that they name, as pip reads them.

In: paths, the folder that they are relative to, the variables. Out: a `RequirementsFile` for each,
its own lines before those of the files that it names. Never asks an address, never reads more than
100 files or a megabyte of one.
"""

from __future__ import annotations

import os

from pipguard.pip.command_line import parse_command
from pipguard.system.frozen import dataclass
from pipguard.system.texts import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator, Mapping

    from pipguard.pip.command_line import PipCommand

_MOST_FILES = 100


@dataclass(frozen=True, slots=True)
class RequirementsFile:
    """What stands in one file."""

    path: str
    """Absolute, or an address."""
    is_complete: bool
    """Whether it could be read, and all that it says is here."""
    options: tuple[PipCommand, ...] = ()
    """Each line of options alone, as an `install` with these."""
    requirements: tuple[str, ...] = ()
    """The other lines, without comments."""

    @property
    def folder(self) -> str:
        """The file's own; what it names is relative to it."""
        return os.path.dirname(self.path)


def read_files_of(
    command: PipCommand, directory: str, environ: Mapping[str, str]
) -> Iterator[RequirementsFile]:
    """Yield the requirements and constraints files of a command; `-` is no file."""
    names = (*command.values("--requirement"), *command.values("--constraint"))
    return read_requirements_files((n for n in names if n != "-"), directory, environ)


def read_requirements_files(
    names: Iterable[str], directory: str, environ: Mapping[str, str]
) -> Iterator[RequirementsFile]:
    """Yield each file once, in the order in which pip takes its options."""
    waiting = [_resolve(name, directory) for name in names]
    seen: set[str] = set()
    while waiting:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        text = None if "://" in path or len(seen) > _MOST_FILES else read_text(path)
        file = _parse(text, path, environ)
        yield file
        nested = [
            _resolve(name, file.folder)
            for command in file.options
            for name in (*command.values("--requirement"), *command.values("--constraint"))
        ]
        waiting = nested + waiting


def _resolve(name: str, folder: str) -> str:
    return name if "://" in name else os.path.join(folder, name)


def _parse(text: str | None, path: str, environ: Mapping[str, str]) -> RequirementsFile:
    if text is None:
        return RequirementsFile(path, is_complete=False)
    lines = list(_list_lines(text, environ))
    options = [_parse_options(line) for line in lines if line.startswith("-")]
    known = tuple(command for command in options if command and not command.error)
    requirements = tuple(line for line in lines if not line.startswith("-"))
    return RequirementsFile(path, len(known) == len(options), known, requirements)


def _list_lines(text: str, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines that say something: joined, without comments, with their variables."""
    # Imported here because few commands have such a file.
    import re

    def expand(found: re.Match[str]) -> str:
        return environ.get(found[1]) or found[0]

    for line in re.sub(r"\\\r?\n", "", text).splitlines():
        said = re.sub(r"(^|\s)#.*$", "", line).strip()
        if said:
            yield re.sub(r"\$\{([A-Z0-9_]+)\}", expand, said)


def _parse_options(line: str) -> PipCommand | None:
    import shlex

    try:
        return parse_command(("install", *shlex.split(line)))
    except ValueError:
        return None
