"""Parses a pip command line as pip's own parser does.

In: the words after `pip`, and the version of the pip that will read them when it is known. Out: a
`PipCommand`. Never rebuilds a command line, never reads files, the environment or pip's
configuration, and never raises: what pip would reject is marked, so that pip can say it.

pip reads its words twice. The main parser reads up to the first word that is not an option: that is
the subcommand. Then the first word *spelled like it* is taken out, and the subcommand's parser
reads everything that is left, the general options included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipguard.pip.options import (
    FLAG,
    GROUP,
    GROUP_OR_LOCK,
    INTEGER,
    MOMENT,
    MOMENT_OR_DAYS,
    NEWEST,
    NUMBER,
    PACKAGES,
    PYTHON_VERSION,
    SETTING,
    Takes,
    Version,
    has_subcommand,
    list_options,
)
from pipguard.system.frozen import dataclass

Grammar = dict[str, tuple[str, Takes]]


@dataclass(frozen=True, slots=True)
class Option:
    """One option as it was given.

    `name` is the canonical long name, whatever was typed. `word` is the place in argv of the word
    that names it, `value_word` the place of the word that is its value, None when there is none or
    when the value stands in the same word. `letters` is the part of a short cluster that belongs to
    it (`-qrfile` is (1, 2) and (2, 7)), None for a long option, which has its word for itself.
    """

    name: str
    value: str | None
    word: int
    value_word: int | None
    letters: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class PipCommand:
    """A pip command line, untouched, with its meaning.

    `options` are those that pip acts on, in order: as the subcommand's parser reads them, or
    the main parser when there is no subcommand. `general_options` are those before the subcommand
    as the main parser reads them; pip takes only --python and --version from that reading.
    `subcommand` is None when pip never gets to one: a version, a general help, an early error.
    `error` is set when pip's parser would reject the line; the rest then tells how far it came.
    """

    argv: tuple[str, ...]
    subcommand: str | None
    arguments: tuple[str, ...]
    options: tuple[Option, ...]
    general_options: tuple[Option, ...]
    error: str | None
    place: int = -1
    """Of the subcommand's word in argv, also of one that pip does not know; -1 without one."""
    argument_places: tuple[int, ...] = ()
    """Of the arguments' words in argv."""
    version: Version = NEWEST
    """The pip version whose options it was read with."""

    def has(self, name: str) -> bool:
        """Tell whether the option was given."""
        return any(option.name == name for option in self.options)

    def values(self, name: str) -> tuple[str, ...]:
        """Return all values given to the option, in order."""
        return tuple(
            option.value
            for option in self.options
            if option.name == name and option.value is not None
        )

    def last(self, name: str) -> str | None:
        """Return the value that wins for an option that pip stores once."""
        return _last_value(self.options, name)

    def count(self, name: str) -> int:
        """Return how many times the option was given."""
        return sum(option.name == name for option in self.options)

    def without(self, *names: str) -> tuple[str, ...]:
        """Return argv without these options and their values, and nothing else changed."""
        dropped: set[int] = set()
        cuts: dict[int, list[tuple[int, int]]] = {}
        for option in self.options:
            if option.name not in names:
                continue
            if option.letters is None:
                dropped.add(option.word)
            else:
                cuts.setdefault(option.word, []).append(option.letters)
            if option.value_word is not None:
                dropped.add(option.value_word)
        words = list(self.argv)
        for place, spans in cuts.items():
            words[place] = _cut_letters(words[place], spans)
            if words[place] == "-":
                dropped.add(place)
        return tuple(word for place, word in enumerate(words) if place not in dropped)

    def without_arguments(self, *arguments: str) -> tuple[str, ...]:
        """Return argv without these positional arguments, and nothing else changed."""
        places = zip(self.argument_places, self.arguments, strict=True)
        dropped = {place for place, argument in places if argument in arguments}
        return tuple(word for place, word in enumerate(self.argv) if place not in dropped)

    def inserting(self, *words: str) -> tuple[str, ...]:
        """Return argv with options added where the subcommand's parser reads them."""
        return (*self.argv[: self.place + 1], *words, *self.argv[self.place + 1 :])

    @property
    def sources(self) -> tuple[str, ...]:
        """The values of -r, -e and the like: what is to be installed besides the arguments."""
        names = ("--requirement", "--editable", "--group", "--requirements-from-script")
        return tuple(value for name in names for value in self.values(name))

    def is_known_to(self, version: Version) -> bool:
        """Tell whether a pip of another version has every option of this command."""
        known = {name for names, _ in list_options(self.subcommand, version) for name in names}
        return all(option.name in known for option in self.options)

    @property
    def is_user(self) -> bool:
        """Tell whether --user holds: the last of it and pip's hidden --no-user wins."""
        choices = [o.name for o in self.options if o.name in ("--user", "--no-user")]
        return bool(choices) and choices[-1] == "--user"

    @property
    def runs_under(self) -> str | None:
        """The environment or interpreter that pip starts itself again with, if it does."""
        return _last_value(self.general_options, "--python") or None

    @property
    def has_late_python(self) -> bool:
        """Tell whether pip will stop because --python stands after the subcommand."""
        return bool(self.subcommand and self.last("--python") and not self.runs_under)

    @property
    def asks_help(self) -> bool:
        """Tell whether pip answers with a help text and does nothing else."""
        if self.has("--help") or self.subcommand == "help":
            return True
        return self.subcommand is None and self.error is None and not self.asks_version

    @property
    def asks_version(self) -> bool:
        """Tell whether pip answers with its version and does nothing else."""
        given = [option.name for option in self.general_options]
        return self.error is None and "--version" in given and "--help" not in given

    @property
    def goes_elsewhere(self) -> bool:
        """Tell whether pip installs into another folder than its interpreter's own."""
        return any(self.has(name) for name in ("--target", "--prefix", "--root"))

    @property
    def exempt_from_refusal(self) -> bool:
        """Tell whether pip does not look for the marker at all, or never gets that far."""
        if self.subcommand not in ("install", "uninstall") or self.error is not None:
            return True
        if self.asks_help or self.has_late_python or self.has("--break-system-packages"):
            return True
        if self.has("--dry-run") and self.last("--report"):
            return True
        return self.goes_elsewhere


def parse_command(argv: Sequence[str], version: Version = NEWEST) -> PipCommand:
    """Read the words after `pip` as a pip of this version does."""
    main = _Reader(argv, _build_grammar(None, version))
    main.read(interspersed=False)
    place = main.position
    subcommand, error = _find_subcommand(main, version)
    if subcommand is None:
        general = tuple(main.options)
        place = place if error and main.error is None else -1
        return PipCommand(tuple(argv), None, (), general, general, error, place, version=version)
    first = main.words.index(subcommand, 0, place + 1)
    reader = _Reader(argv, _build_grammar(subcommand, version), skipped=first)
    reader.read(interspersed=True)
    return PipCommand(
        argv=main.words,
        subcommand=subcommand,
        arguments=tuple(reader.arguments),
        options=tuple(reader.options),
        general_options=tuple(main.options),
        error=reader.error,
        place=place,
        argument_places=tuple(reader.argument_places),
        version=version,
    )


def _find_subcommand(main: _Reader, version: Version) -> tuple[str | None, str | None]:
    """Return the subcommand, and the error if the main parser stops there."""
    rest = main.words[main.position : main.position + 2]
    if main.error is not None or main.asks_help or _has_version(main.options):
        return None, main.error
    if not rest or (rest[0] == "help" and len(rest) == 1):
        return None, None
    if not has_subcommand(rest[0], version):
        return None, f"unknown command {_shorten(rest[0])}"
    return rest[0], None


def _has_version(options: Sequence[Option]) -> bool:
    return any(option.name == "--version" for option in options)


def _last_value(options: Sequence[Option], name: str) -> str | None:
    for option in reversed(options):
        if option.name == name:
            return option.value
    return None


def _cut_letters(word: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return the word without these parts of it, which come in order."""
    kept, place = [], 0
    for start, end in spans:
        kept.append(word[place:start])
        place = end
    return "".join((*kept, word[place:]))


def _build_grammar(subcommand: str | None, version: Version) -> Grammar:
    """Return every spelling that the parser knows, with its canonical name and what it takes."""
    return {
        name: (names[0], takes)
        for names, takes in list_options(subcommand, version)
        for name in names
    }


def _shorten(text: str) -> str:
    """Quote the text and cut it for one line: an argument may be a megabyte of newlines."""
    return ascii(text if len(text) <= 60 else text[:57] + "...")


class _RejectedError(Exception):
    """pip's parser would stop here."""


class _Reader:
    """Reads the words once, as optparse does; the word at the place `skipped` is left out."""

    def __init__(self, argv: Sequence[str], grammar: Grammar, skipped: int = -1) -> None:
        self.words = tuple(argv)
        self.grammar = grammar
        self.skipped = skipped
        self.position = 1 if skipped == 0 else 0
        self.options: list[Option] = []
        self.arguments: list[str] = []
        self.argument_places: list[int] = []
        self.asks_help = False
        self.error: str | None = None
        self._abbreviations: dict[str, str] = {}

    def read(self, interspersed: bool) -> None:
        """Fill options, arguments and error; without interspersed options stop at a plain word."""
        try:
            self._read_words(interspersed)
        except _RejectedError as rejection:
            self.error = str(rejection)

    def _read_words(self, interspersed: bool) -> None:
        while self._has_more() and not self.asks_help:
            word = self.words[self.position]
            if word == "--":
                self._take()
                break
            if word.startswith("--"):
                self._read_long()
            elif word.startswith("-") and word != "-":
                self._read_cluster()
            elif interspersed:
                self._take_argument()
            else:
                return
        if interspersed and not self.asks_help:
            while self._has_more():
                self._take_argument()

    def _take_argument(self) -> None:
        place = self._take()
        self.argument_places.append(place)
        self.arguments.append(self.words[place])

    def _has_more(self) -> bool:
        return self.position < len(self.words)

    def _take(self) -> int:
        """Return the place of the next word and move past it."""
        place = self.position
        self.position += 2 if place + 1 == self.skipped else 1
        return place

    def _read_long(self) -> None:
        place = self._take()
        typed, separator, attached = self.words[place].partition("=")
        spelling = self._complete(typed)
        name, takes = self.grammar[spelling]
        if takes == FLAG and separator:
            raise _RejectedError(f"{spelling} option does not take a value")
        if takes == FLAG:
            self._keep(Option(name, None, place, None, None), spelling, takes)
        elif separator:
            self._keep(Option(name, attached, place, None, None), spelling, takes)
        else:
            value_place = self._take_value(spelling)
            value = self.words[value_place]
            self._keep(Option(name, value, place, value_place, None), spelling, takes)

    def _read_cluster(self) -> None:
        place = self._take()
        word = self.words[place]
        for start in range(1, len(word)):
            spelling = "-" + word[start]
            if spelling not in self.grammar:
                raise _RejectedError(f"no such option: {_shorten(spelling)[1:-1]}")
            name, takes = self.grammar[spelling]
            if takes == FLAG:
                self._keep(Option(name, None, place, None, (start, start + 1)), spelling, takes)
            else:
                self._keep(self._read_short_value(name, place, start), spelling, takes)
                return
            if self.asks_help:
                return

    def _read_short_value(self, name: str, place: int, start: int) -> Option:
        """Return a short option with its value: the rest of the word, or the next word."""
        word = self.words[place]
        letters = (start, len(word))
        if start + 1 < len(word):
            return Option(name, word[start + 1 :], place, None, letters)
        value_place = self._take_value("-" + word[start])
        return Option(name, self.words[value_place], place, value_place, letters)

    def _take_value(self, spelling: str) -> int:
        if not self._has_more():
            raise _RejectedError(f"{spelling} option requires 1 argument")
        return self._take()

    def _keep(self, option: Option, spelling: str, takes: Takes) -> None:
        """Add an option that pip accepts; a help option is the last that pip reads."""
        if option.value is not None:
            _check_value(spelling, option.value, takes)
        self.options.append(option)
        self.asks_help = self.asks_help or option.name == "--help"

    def _complete(self, typed: str) -> str:
        """Return the one spelling that was meant; to optparse, two of one option are two."""
        if typed in self.grammar:
            return typed
        if typed not in self._abbreviations:
            candidates = sorted(name for name in self.grammar if name.startswith(typed))
            if not candidates:
                raise _RejectedError(f"no such option: {_shorten(typed)[1:-1]}")
            if len(candidates) > 1:
                raise _RejectedError(f"ambiguous option: {typed} ({', '.join(candidates)}?)")
            self._abbreviations[typed] = candidates[0]
        return self._abbreviations[typed]


def _check_value(spelling: str, value: str, takes: Takes) -> None:
    """Reject a value that pip rejects while it is still parsing."""
    if isinstance(takes, tuple):
        if value not in takes:
            chosen_from = ", ".join(takes)
            raise _RejectedError(
                f"{spelling}: invalid choice {_shorten(value)} (choose from {chosen_from})"
            )
    elif takes in _CHECKS and not _CHECKS[takes](value):
        raise _RejectedError(f"{spelling}: invalid value {_shorten(value)}")


def _is_integer(value: str) -> bool:
    prefix = value[:2].lower()
    try:
        if prefix == "0x":
            int(value, 16)
        elif prefix == "0b":
            int(value[2:] or "0", 2)
        else:
            # optparse reads a leading zero as octal: --retries 08 is an error.
            int(value, 8 if value[:1] == "0" else 10)
    except ValueError:
        return False
    return True


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _is_setting(value: str) -> bool:
    return "=" in value


def _is_package_list(value: str) -> bool:
    return not value.startswith("-")


def _is_python_version(value: str) -> bool:
    """`3`, `37`, `3.7` or `3.7.3`; an empty one is as good as none."""
    if not value:
        return True
    parts = value.split(".")
    if len(parts) == 1 and len(value) > 1:
        parts = [value[0], value[1:]]
    try:
        return len(parts) <= 3 and [int(part) for part in parts] != []
    except ValueError:
        return False


def _is_group(value: str) -> bool:
    """`name`, or `path:name` where the path is a pyproject.toml."""
    path, separator, _ = value.rpartition(":")
    return not separator or _last_part(path) == "pyproject.toml"


def _is_group_or_lock(value: str) -> bool:
    """A group, or `path:name` where the path is a local pylock.toml, perhaps with extras."""
    path = value.rpartition(":")[0]
    head, _, extras = path[:-1].rpartition("[")
    if path.endswith("]") and head and extras and "]" not in extras:
        path = head.rstrip()
    if _is_group(value):
        return True
    if path.lower().startswith(("http:", "https:", "file:")):
        return False
    parts = _last_part(path).split(".")
    return parts[0] == "pylock" and parts[-1] == "toml" and len(parts) in (2, 3) and "" not in parts


def _last_part(path: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return parts[-1] if parts else ""


def _is_moment(value: str) -> bool:
    # Imported here because next to no command line has one.
    from datetime import datetime

    # Python before 3.11 does not know the Z that pip allows after a time of day.
    if value.endswith("Z") and ("T" in value or " " in value.strip()):
        value = value[:-1] + "+00:00"
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_moment_or_days(value: str) -> bool:
    days = value[1:-1]
    if value[:1] == "P" and value[-1:] == "D" and days.isascii() and days.isdigit():
        return True
    return _is_moment(value)


_CHECKS: dict[str, Callable[[str], bool]] = {
    INTEGER: _is_integer,
    NUMBER: _is_number,
    SETTING: _is_setting,
    PACKAGES: _is_package_list,
    PYTHON_VERSION: _is_python_version,
    GROUP: _is_group,
    GROUP_OR_LOCK: _is_group_or_lock,
    MOMENT: _is_moment,
    MOMENT_OR_DAYS: _is_moment_or_days,
}
