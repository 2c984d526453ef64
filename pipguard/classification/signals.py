"""Weighs the signs of an application or a library in a project's metadata.

In: a project's name and its metadata. Out: weights with the words that explain them, positive for
an application, negative for a library. The words and weights are data: `knowledge/signals.toml`.
Never decides, never looks at anything but the metadata.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from pipguard.knowledge import (
    matches_pattern,
    normalise_name,
    read_requirement_name,
    read_sign_groups,
    read_sign_words,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.classification.metadata import ProjectMetadata

Sign = tuple[int, str]
"""A weight, and the words that explain it."""

_DEED = "is described by what it does"
_DEED_WEIGHT = 2


def weigh_metadata(name: str, metadata: ProjectMetadata) -> list[Sign]:
    """Collect every sign that the metadata gives."""
    told = [
        *weigh_name(name),
        *weigh_words(metadata),
        *weigh_description(metadata.description),
        *weigh_classifiers(metadata.classifiers),
        *weigh_contents(metadata),
        *weigh_dependencies(metadata.dependencies),
    ]
    signs = [*weigh_scripts(name, metadata), *told]
    score = sum(weight for weight, _ in signs)
    speaks = metadata.gui_scripts or any(weight > 0 for weight, _ in told)
    if score > 2 and not speaks:
        signs.append((-2, "has nothing but commands to speak for it"))
    return signs


def list_commands(metadata: ProjectMetadata) -> tuple[str, ...]:
    """Name every command that the project would install."""
    scripts = (*metadata.console_scripts, *metadata.gui_scripts)
    return (*(command for command, _ in scripts), *metadata.legacy_scripts)


def weigh_scripts(name: str, metadata: ProjectMetadata) -> Iterator[Sign]:
    """Weigh the commands: how they are called, and what kind of file they are."""
    if not metadata.are_scripts_known:
        yield 0, "its commands are unknown"
        return
    yield 1, f"ships {_count(list_commands(metadata))}"
    if metadata.gui_scripts:
        yield 4, "ships a desktop program"
    if metadata.legacy_scripts and not metadata.modules and not metadata.is_compiled:
        yield 12, "holds nothing but a program"
    yield from _weigh_command_names(name, metadata)
    targets = [target.partition(":")[0].split(".") for _, target in metadata.console_scripts]
    if any(len(target) == 1 for target in targets):
        yield 1, "starts in its top module"
    if targets and all(map(_is_among_helpers, targets)):
        yield -3, "keeps its commands among its helpers"


def _is_among_helpers(target: list[str]) -> bool:
    *folders, module = target[1:] or [""]
    modules = read_sign_words("helper-modules")
    helpers = {*modules, *read_sign_words("helper-folders")}
    return module in modules or not helpers.isdisjoint(folders)


def _count(commands: tuple[str, ...]) -> str:
    return f"the command `{commands[0]}`" if len(commands) == 1 else f"{len(commands)} commands"


def _weigh_command_names(name: str, metadata: ProjectMetadata) -> Iterator[Sign]:
    names = {normalise_name(item) for item in (name, *metadata.modules)}
    commands = [normalise_name(item.removesuffix(".py")) for item in list_commands(metadata)]
    after = [any(c.startswith((own + "-", own + "2")) for own in names) for c in commands]
    if names & set(commands):
        yield 3, "has a command of its own name"
    elif all(after) and len(commands) > 1:
        yield 0, "has several commands named after it"
    elif any(after):
        yield -2, "has only helpers named after it"
    elif any(_are_alike(command, own) for command in commands for own in names):
        yield 1, "has a command named like it"


def _are_alike(command: str, name: str) -> bool:
    """Tell whether two names share a word, or one contains the other (adbsync, betteradbsync)."""
    shared = set(command.split("-")) & set(name.split("-"))
    shorter, longer = sorted((command, name), key=len)
    return any(len(word) > 2 for word in shared) or (len(shorter) > 3 and shorter in longer)


def weigh_name(name: str) -> Iterator[Sign]:
    """Weigh what the name alone suggests."""
    wanted = normalise_name(name)
    for group in read_sign_groups("names"):
        if any(matches_pattern(wanted, pattern) for pattern in group.words):
            yield group.weight, group.meaning


def weigh_words(metadata: ProjectMetadata) -> Iterator[Sign]:
    """Weigh the words of the summary; of keywords and the first paragraph some count half."""
    told = find_meanings(metadata.summary)
    other = find_meanings(f"{metadata.keywords}. {find_first_paragraph(metadata.description)}")
    if names_a_deed(split_words(metadata.summary)):
        yield _DEED_WEIGHT, _DEED
        told[_DEED] = ""
    for group in read_sign_groups("phrases"):
        meaning = group.meaning
        if group.excused_by.isdisjoint(told):
            if meaning in told:
                yield group.weight, f"{meaning} ({told[meaning]})"
            elif meaning in other and not group.in_summary_alone:
                yield _halve(group.weight), f"{meaning} ({other[meaning]})"


def _halve(weight: int) -> int:
    half = (abs(weight) + 1) // 2
    return half if weight > 0 else -half


def find_meanings(text: str) -> dict[str, str]:
    """Find what a text says about a project, each with the longest phrase that says it."""
    words = join_words(text)
    found: dict[str, str] = {}
    for group in read_sign_groups("phrases"):
        phrase = max(
            (phrase for phrase in group.words if f" {phrase} " in words), key=len, default=""
        )
        if phrase:
            found[group.meaning] = phrase
            words = words.replace(f" {phrase} ", " ")
    return found


def join_words(text: str) -> str:
    """Put a space around each word, without links and without the phrases that say nothing."""
    plain = " ".join(word for word in text.replace("(", " ").split() if "://" not in word)
    words = f" {' '.join(split_words(plain))} "
    for phrase in read_sign_words("empty-phrases"):
        words = words.replace(f" {phrase} ", " ")
    return words


def names_a_deed(summary: list[str]) -> bool:
    """Tell whether a summary starts with what a program does.

    `Convert …`, `x converts …`, `… to convert …`.
    """
    verbs = read_sign_words("program-verbs")
    return summary[:1] != [] and (
        summary[0] in verbs
        or any(word.endswith("s") and word[:-1] in verbs for word in summary[:6])
        or any(before == "to" and word in verbs for before, word in pairwise(summary[:6]))
    )


def find_first_paragraph(description: str) -> str:
    """Return the first lines of prose, without titles, badges and pictures."""
    prose: list[str] = []
    for line in map(str.strip, description.splitlines()):
        if line[:1].isalnum() or line.startswith(("*", "_", "`")):
            prose.append(line)
        elif len(" ".join(prose)) > 40:
            break
        else:
            prose = []
    return " ".join(prose)[:400]


def split_words(text: str) -> list[str]:
    """Split a text into lower-case words without punctuation."""
    return "".join(c if c.isalnum() else " " for c in text.lower()).split()


def weigh_description(description: str) -> Iterator[Sign]:
    """Weigh what the start of the description tells people to do."""
    text = description.lower()
    if any(words in text for words in ("pipx install", "uv tool install", "pipx run", "uvx ")):
        yield 4, "is to be installed with pipx or as a tool"
    elif "brew install" in text or "apt install" in text or "pacman -s" in text:
        yield 2, "is to be installed with a package manager"
    if any(line.startswith((">>> ", "import ", "from ")) for line in _strip_lines(text)):
        yield -3, "is imported in its description"


def _strip_lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if not line.startswith("from ") or " import " in line]


def weigh_classifiers(classifiers: tuple[str, ...]) -> Iterator[Sign]:
    """Weigh the trove classifiers."""
    for group in read_sign_groups("classifiers"):
        if any(classifier.startswith(group.words) for classifier in classifiers):
            yield group.weight, group.meaning


def weigh_contents(metadata: ProjectMetadata) -> Iterator[Sign]:
    """Weigh the signs of an interface for code, or for people, among files, extras and plugins."""
    if metadata.is_typed or "Typing :: Typed" in metadata.classifiers:
        yield -1, "exports its types"
    if metadata.is_compiled:
        yield -2, "holds compiled modules"
    if metadata.has_interface_files:
        yield 2, "holds the screens of a program"
    if set(metadata.extras) & {*read_sign_words("command-extras")}:
        yield -4, "makes its command optional"
    if set(metadata.extras) - {*read_sign_words("development-extras")}:
        yield -1, "has optional parts"
    hosts = {group.partition(".")[0] for group in metadata.entry_point_groups}
    known_hosts = {*read_sign_words("host-groups")}
    if hosts - known_hosts:
        yield 2, "takes plugins"
    if hosts & known_hosts:
        yield -2, "plugs into another project"


def weigh_dependencies(dependencies: tuple[str, ...]) -> Iterator[Sign]:
    """Weigh the dependencies that every installation has."""
    names = {read_requirement_name(item) for item in dependencies if "extra ==" not in item}
    for group in read_sign_groups("dependencies"):
        if not names.isdisjoint(group.words):
            yield group.weight, group.meaning
