"""Writes beside each known name what vouches for it, and fails where a line has gone false.

In: what Debian ships, and a table of the index's projects where there is one. Out: the data files
with new witnesses, or the difference; programs that are unknown here; the lines that witnesses
speak against, and exit status 1 when there are any. Asks no index: the table is its page of names
(PEP 691), or has columns `name`, `version` and `summary`. Behind `scripts/refresh-knowledge`.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from debian_projects import SUITES, AptFailed, Package, ShippedProject, read_debian

from pipguard.classification.metadata import parse_record
from pipguard.classification.signals import split_words, weigh_words
from pipguard.knowledge import FILES, find_known, normalise_name

KNOWLEDGE = ROOT / "pipguard" / "knowledge"
TABLE = "debian_packages.txt"
PROGRAM, MODULE = "program", "module"
COMMANDS, NO_COMMANDS = "commands", "no-commands"
REQUIRED = "required"
SAYS_PROGRAM, SAYS_LIBRARY = "says-program", "says-library"
HOLDS, WORDS, VERSION = "holds", "words", "version"
REVIEWED = "reviewed"
WITNESSES = {
    PROGRAM: "Debian ships the project's commands in a package that is not named as a module's is",
    MODULE: "Debian ships the project as a module alone",
    COMMANDS: "its source in Debian puts commands on PATH",
    NO_COMMANDS: "its source in Debian puts none on PATH",
    REQUIRED: "two other sources in Debian cannot be without it",
    SAYS_PROGRAM: "its summary on the index speaks of a program",
    SAYS_LIBRARY: "its summary on the index speaks of a library",
    HOLDS: "the package, or one of the same source, holds metadata of this name",
    WORDS: "the package's description and the project's summary share words",
    VERSION: "the package's version is near the project's newest",
    REVIEWED: "a person has looked, and keeps the line as it is",
}
_BY_DEBIAN = frozenset({PROGRAM, MODULE, COMMANDS, NO_COMMANDS, REQUIRED})
AGAINST = {
    "applications.txt": frozenset({MODULE, NO_COMMANDS, REQUIRED, SAYS_LIBRARY}),
    "libraries.txt": frozenset({PROGRAM, SAYS_PROGRAM}),
}
"""What speaks against a line; project tools and what is both may be anything."""
_CLEAR_SCORE = 2
_EMPTY_WORDS = frozenset(
    """
    a an and api application as based by client command extension fast for framework from
    implementation in interface is it library line module of on or package plugin program project
    pure py python python3 server simple support that the this to tool tools use used using utility
    with your
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Entry:
    """What the index says of a project."""

    version: str = ""
    summary: str = ""

    @property
    def is_telling(self) -> bool:
        """Whether it says more than that the name is there."""
        return bool(self.version or self.summary)


_NOTHING = Entry()


@dataclass(frozen=True)
class Line:
    """A line of a data file: a name, what is said of it, and who vouches for that."""

    name: str
    said: str
    witnesses: tuple[str, ...] = ()

    def format(self) -> str:
        """Return the line as it is written."""
        return "\t".join(filter(None, (self.name, self.said, " ".join(self.witnesses)))) + "\n"


@dataclass(frozen=True)
class Sources:
    """What the witnesses are taken from; nothing is known of an index that is None."""

    projects: Mapping[str, ShippedProject]
    packages: Mapping[str, Package]
    """Debian's, all of them."""
    index: Mapping[str, Entry] | None = None

    def find_entry(self, name: str) -> Entry:
        """Return what the index says, which is nothing without one."""
        return (self.index or {}).get(name, _NOTHING)

    def is_gone(self, name: str) -> bool:
        """Tell whether the index is known not to have a name."""
        return self.index is not None and name not in self.index


def main() -> int:
    """Refresh, or tell what would change."""
    options = parse_options()
    try:
        projects, packages = read_debian(options.lists, options.suites, options.mirror)
        index = read_index(options.index) if options.index else None
    except AptFailed as error:
        print(f"Debian's lists are not to be had:\n{error}", file=sys.stderr)
        return 1
    except (OSError, ValueError, KeyError) as error:
        print(f"{options.index} is not read: {error!r}", file=sys.stderr)
        return 1
    sources = Sources(projects, packages, index)
    faults: list[str] = []
    known: dict[str, str] = {}
    for file in (*FILES, TABLE):
        path = KNOWLEDGE / file
        before = path.read_text(encoding="utf-8")
        comments, lines = parse_lines(before)
        lines = refresh_lines(file, lines, known, sources)
        known.update({line.name: file for line in lines})
        for line in lines:
            faults += [f"{file}: {line.name}: {said}" for said in find_faults(file, line, sources)]
        after = "".join((*comments, *(line.format() for line in lines)))
        if options.write:
            path.write_text(after, encoding="utf-8")
        else:
            sys.stdout.writelines(list_differences(file, before, after))
        with_witnesses = sum(bool(line.witnesses) for line in lines)
        print(f"{file}: {len(lines)} lines, {with_witnesses} with witnesses")
    candidates = [f"new: {name}: {summary}" for name, summary in find_candidates(sources)]
    print(*candidates, *faults, f"{len(faults)} lines have gone false", sep="\n")
    return 1 if faults else 0


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/refresh-knowledge",
        description=(__doc__ or "").partition("\n")[0],
        epilog="witnesses:\n"
        + "\n".join(f"  {word:<13}{said}" for word, said in WITNESSES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--write", action="store_true", help="write the files; else show a diff")
    parser.add_argument("--index", type=Path, metavar="FILE",
                        help="the index's projects: its page of names as JSON, or a table with "
                        "tabs and a head that has name, version, summary")  # fmt: skip
    parser.add_argument("--suites", nargs="+", default=SUITES, help="of Debian; %(default)s")
    parser.add_argument("--mirror", default="", metavar="URI", help="of Debian; apt's own")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "pipguard-debian")
    parser.add_argument("--lists", type=Path, default=cache, metavar="FOLDER",
                        help="where apt keeps the lists that it fetches; %(default)s")  # fmt: skip
    return parser.parse_args()


def read_index(path: Path) -> dict[str, Entry]:
    """Read what there is on the index, by normalised name."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        if path.suffix == ".json":
            return {normalise_name(item["name"]): Entry() for item in json.load(file)["projects"]}
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        told = ((row["name"], row.get("version"), row.get("summary")) for row in rows)
        return {normalise_name(name): Entry(v or "", s or "") for name, v, s in told}


def parse_lines(text: str) -> tuple[list[str], list[Line]]:
    """Split a data file into its comments, which come first, and its lines."""
    comments = [line for line in text.splitlines(keepends=True) if line.startswith("#")]
    rest = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return comments, [Line(name, said, tuple(" ".join(more).split())) for name, said, *more in rest]


def refresh_lines(
    file: str, lines: Sequence[Line], known: Mapping[str, str], sources: Sources
) -> list[Line]:
    """Return a file's lines as the sources have them; the table gets the packages that it lacks."""
    refreshed = [refresh_line(file, line, sources) for line in lines]
    if file == TABLE:
        have = {line.name for line in lines}
        refreshed += [line for line in find_packages(known, sources) if line.name not in have]
    return sorted(refreshed, key=lambda line: line.name)


def refresh_line(file: str, line: Line, sources: Sources) -> Line:
    """Return the line with what the sources say now; what they cannot say stays."""
    before = frozenset(line.witnesses)
    found = (
        _judge_package(line, sources) if file == TABLE else _judge_kind(line.name, before, sources)
    )
    reviewed = [REVIEWED] if REVIEWED in before else []
    return replace(line, witnesses=(*found, *reviewed))


def _judge_kind(name: str, before: frozenset[str], sources: Sources) -> Iterator[str]:
    shipped = sources.projects.get(name)
    entry = sources.find_entry(name)
    # Where the index tells nothing, whose project Debian's is stays as it was found before.
    was_same = not entry.is_telling and not before.isdisjoint(_BY_DEBIAN)
    if shipped and (was_same or is_same_project(name, shipped, entry)):
        yield PROGRAM if shipped.programs else MODULE
        yield COMMANDS if shipped.has_commands else NO_COMMANDS
        if shipped.dependents > 1:
            yield REQUIRED
    if entry.is_telling:
        yield from _judge_summary(name, entry.summary)
    else:
        yield from (word for word in (SAYS_PROGRAM, SAYS_LIBRARY) if word in before)


def _judge_summary(name: str, summary: str) -> Iterator[str]:
    metadata = parse_record({"name": name, "summary": summary})
    score = sum(weight for weight, _ in weigh_words(metadata))
    if abs(score) >= _CLEAR_SCORE:
        yield SAYS_PROGRAM if score > 0 else SAYS_LIBRARY


def _judge_package(line: Line, sources: Sources) -> Iterator[str]:
    shipped = sources.projects.get(line.name)
    package = sources.packages.get(line.said)
    description, version = package.description if package else "", ""
    if shipped and line.said in {*shipped.packages, *shipped.programs}:
        yield HOLDS
        description, version = f"{description}. {shipped.description}", shipped.version
    entry = sources.find_entry(line.name)
    if entry.is_telling:
        yield from compare_projects(line.name, description, version, entry)
    else:
        yield from (word for word in (WORDS, VERSION) if word in line.witnesses)


def is_same_project(name: str, shipped: ShippedProject, entry: Entry) -> bool:
    """Tell whether Debian's project is the index's: a name alone does not."""
    return any(compare_projects(name, shipped.description, shipped.version, entry))


def compare_projects(name: str, description: str, version: str, entry: Entry) -> Iterator[str]:
    """Tell what speaks for one project of that name, and not two."""
    if find_shared_words(name, description, entry.summary):
        yield WORDS
    if _are_near(_list_numbers(version), _list_numbers(entry.version)):
        yield VERSION


def find_shared_words(name: str, one: str, other: str) -> frozenset[str]:
    """Return what two texts about a name share beside the name."""
    return (_list_words(one) & _list_words(other)) - _list_words(name)


def _list_words(text: str) -> frozenset[str]:
    """Return the starts of words that say something, so that `extracts` is `extraction`."""
    return frozenset(word[:5] for word in split_words(text) if word not in _EMPTY_WORDS)


def _list_numbers(version: str) -> list[int]:
    parts = version.partition("+")[0].split(".")
    return [int(part) for part in parts if part.isdigit()]


def _are_near(one: Sequence[int], other: Sequence[int]) -> bool:
    """Tell whether versions are close; the first ones of all projects are alike."""
    if not one or not other or one[0] != other[0]:
        return False
    return one[0] > 3 or (one[:2] == other[:2] and len(one) > 1)


def find_faults(file: str, line: Line, sources: Sources) -> Iterator[str]:
    """Tell why a line is false, or can no longer be known to be true."""
    if file == TABLE:
        yield from _find_table_faults(line, sources)
        return
    if sources.is_gone(line.name):
        yield "is not on the index: who registers the name would be known by heart"
    against = find_opponents(file, line)
    if against:
        yield f"witnesses speak against it: {', '.join(against)}"


def find_opponents(file: str, line: Line) -> tuple[str, ...]:
    """Return the line's witnesses that overrule it, unless it was reviewed."""
    against = AGAINST.get(file, frozenset())
    speaking = tuple(word for word in line.witnesses if word in against)
    is_overruled = len(speaking) > 1 or NO_COMMANDS in speaking
    return speaking if is_overruled and REVIEWED not in line.witnesses else ()


def _find_table_faults(line: Line, sources: Sources) -> Iterator[str]:
    witnesses = frozenset(line.witnesses)
    if REVIEWED in witnesses:
        return
    if line.said not in sources.packages:
        yield f"there is no package {line.said}"
    elif sources.find_entry(line.name).is_telling:
        is_named_for_it = HOLDS in witnesses and _is_module_of(line.said, line.name)
        if not is_named_for_it and not witnesses & {WORDS, VERSION}:
            yield f"nothing shows that {line.said} is this project"


def _is_module_of(package: str, name: str) -> bool:
    """Tell whether a package's name shares a word with its project's and adds one of its own.

    `python3-serial` is pyserial; a package called `oz` holds any project that is called so.
    """
    shared = _list_words(package) & _list_words(name)
    return bool(shared) and normalise_name(package) != name


def find_packages(known: Mapping[str, str], sources: Sources) -> Iterator[Line]:
    """Give the packages that are shown to be a known project and have not its usual name.

    `known` are names, each with its file. An application's package is the one with its own name.
    """
    for name, file in known.items():
        shipped = sources.projects.get(name)
        holding = shipped.packages if shipped else ()
        is_application = file == "applications.txt"
        choices = [name] if is_application and name in sources.packages else []
        if is_application and shipped and name not in shipped.programs:
            choices += shipped.programs if len(shipped.programs) == 1 else ()
        if f"python3-{name}" not in holding:
            choices += [p for p in holding if is_application or p.startswith("python3-")]
        for package in choices:
            line = refresh_line(TABLE, Line(name, package), sources)
            if _is_surely(line, sources):
                yield line
                break


def _is_surely(line: Line, sources: Sources) -> bool:
    """Tell whether a package is shown to be the project by more than a name and a word."""
    if HOLDS in line.witnesses:
        return not {WORDS, VERSION}.isdisjoint(line.witnesses)
    package = sources.packages[line.said]
    summary = sources.find_entry(line.name).summary
    shared = find_shared_words(line.name, package.description, summary)
    return "python3" in package.requires and len(shared) > 1


def find_candidates(sources: Sources) -> Iterator[tuple[str, str]]:
    """Name the programs of Debian that are on the index and unknown here."""
    for name, shipped in sorted(sources.projects.items()):
        entry = sources.find_entry(name)
        if shipped.programs and shipped.dependents == 0 and find_known(name) is None:
            judged = [*_judge_summary(name, entry.summary)]
            if judged == [SAYS_PROGRAM] and is_same_project(name, shipped, entry):
                yield name, entry.summary


def list_differences(file: str, before: str, after: str) -> Iterable[str]:
    """Return a diff of a file without context."""
    lines = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return difflib.unified_diff(*lines, file, file, n=0)


if __name__ == "__main__":
    sys.exit(main())
