"""Decide whether a project is a library (to `.venv`) or an application (to pipx), and say why.

In: a project's name, the user's word, the project's metadata if somebody has read it.
Out: a `Classification` with every piece of evidence and its weight.
Never asks an index, never prompts; what stays in doubt is a library, because in `.venv` an
application still runs, while a library in pipx cannot be imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, Literal

from pipguard.doors import dataclass, field
from pipguard.knowledge import (
    Kind,
    find_known,
    matches_pattern,
    normalise_name,
    read_requirement_name,
)

if TYPE_CHECKING:
    from pipguard.evidence import ProjectMetadata

Certainty = Literal["said", "known", "weighed", "doubtful", "unanswered"]
"""Who knows it: the user, we by heart, the metadata, the metadata hardly, nobody."""

# From this score on, a project that ships commands is an application; below it and above zero is
# doubt. A library in pipx is the costly mistake, so no single weight but the strongest suffices.
APPLICATION_SCORE: Final = 4


@dataclass(frozen=True, slots=True)
class Point:
    """One piece of evidence: positive for an application, negative for a library."""

    weight: int
    text: str


@dataclass(frozen=True, slots=True)
class Classification:
    """What a project is, the reason in one short clause, and all the evidence."""

    name: str
    kind: Kind
    reason: str
    certainty: Certainty = "weighed"
    evidence: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class UsersWord:
    """What the user and the project's own files say about names; it goes before all else."""

    applications: frozenset[str] = frozenset()
    libraries: frozenset[str] = frozenset()
    named_by_project: Mapping[str, str] = field(default_factory=dict)
    """Names and the file that each is required in; they are libraries here."""
    answers: Mapping[str, Kind] = field(default_factory=dict)
    """What the user said when asked."""
    answers_path: str = ""
    """Where that is written down."""


_NO_WORD: Final = UsersWord()


def make_users_word(applications: Iterable[str] = (), libraries: Iterable[str] = ()) -> UsersWord:
    """Collect the names of the settings, in any spelling."""
    return UsersWord(
        frozenset(map(normalise_name, applications)), frozenset(map(normalise_name, libraries))
    )


def classify_known(name: str, word: UsersWord = _NO_WORD) -> Classification | None:
    """Decide by the user's word and by known names alone; None means that metadata is needed."""
    wanted = normalise_name(name)
    if wanted in word.libraries:
        return _settle(name, "library", "a library, as the settings say", "said")
    if wanted in word.applications:
        return _settle(name, "application", "an application, as the settings say", "said")
    if wanted in word.named_by_project:
        return _settle(name, "library", f"named in {word.named_by_project[wanted]}", "said")
    if wanted in word.answers:
        kind = word.answers[wanted]
        what = "an application" if kind == "application" else "a library"
        where = f" ({word.answers_path})" if word.answers_path else ""
        return _settle(name, kind, f"{what}, as you answered{where}", "said")
    known = find_known(wanted)
    return _settle(name, known.kind, known.reason, "known") if known else None


def classify_requirement(
    name: str, metadata: ProjectMetadata | None = None, word: UsersWord = _NO_WORD
) -> Classification:
    """Decide by everything there is: the user's word, known names, then metadata, then doubt."""
    known = classify_known(name, word)
    if known:
        return known
    if metadata is None:
        return _doubt(name, "nothing is known about it")
    if metadata.problem:
        return _doubt(name, metadata.problem)
    return classify_metadata(name, metadata)


def classify_metadata(name: str, metadata: ProjectMetadata) -> Classification:
    """Weigh the metadata alone."""
    if metadata.are_scripts_known and not list_commands(metadata):
        return _settle(name, "library", "ships no command", "weighed")
    points = tuple(weigh_metadata(name, metadata))
    score = sum(point.weight for point in points)
    kind: Kind = "application" if score >= APPLICATION_SCORE else "library"
    certainty: Certainty = "doubtful" if 0 < score < APPLICATION_SCORE else "weighed"
    reason = _describe(kind, points, metadata)
    if certainty == "doubtful":
        reason = "not clearly an application"
    return Classification(name, kind, reason, certainty, points)


def list_commands(metadata: ProjectMetadata) -> tuple[str, ...]:
    """Name every command that the project would install."""
    scripts = (*metadata.console_scripts, *metadata.gui_scripts)
    return (*(command for command, _ in scripts), *metadata.legacy_scripts)


def _settle(name: str, kind: Kind, reason: str, certainty: Certainty) -> Classification:
    weight = 100 if kind == "application" else -100
    return Classification(name, kind, reason, certainty, (Point(weight, reason),))


def _doubt(name: str, problem: str) -> Classification:
    reason = f"in doubt, for {problem}"
    return Classification(name, "library", reason, "unanswered", (Point(0, problem),))


def _describe(kind: Kind, points: tuple[Point, ...], metadata: ProjectMetadata) -> str:
    sign = 1 if kind == "application" else -1
    ranked = sorted((p for p in points if p.weight * sign > 0), key=lambda p: -abs(p.weight))
    texts = [point.text.partition(" (")[0] for point in ranked]
    telling = list(dict.fromkeys(text for text in texts if not text.startswith("ships")))
    commands = list_commands(metadata)
    if kind == "library":
        return " and ".join(telling[:2]) or "not clearly an application"
    shown = [f"ships the command `{commands[0]}`"] if commands else []
    return " and ".join([*shown, *telling[: 2 - len(shown)]])


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


# The score. Every rule is a weight and the words that explain it; a group of words counts once.

WORD_RULES: Final[tuple[tuple[int, str, tuple[str, ...]], ...]] = (
    (5, "is described as a command-line program", (
        "command line", "commandline", "cli", "tui", "terminal ui", "terminal user interface",
        "in the terminal", "in your terminal", "from the terminal", "from your terminal",
        "for the terminal", "for your terminal", "terminal app", "terminal application",
        "terminal applications", "terminal based", "console application", "console tool",
        "ncurses", "curses", "shell command", "shell script", "git hook", "pre commit hook",
        "dotfiles", "your shell", "command that",
    )),
    (4, "is described as a desktop program", (
        "gui", "desktop", "graphical", "system tray", "graphical interface", "window",
    )),
    (3, "is described as a tool", (
        "tool", "utility", "app", "application", "program", "script", "commands", "executable",
        "tools", "utilities", "suite", "management system", "web application", "bot", "daemon",
        "service", "server",
    )),
    (4, "is described as a program", (
        "formatter", "linter", "checker", "downloader", "converter", "installer", "scanner",
        "viewer", "browser", "editor", "player", "manager", "uploader", "cleaner", "launcher",
        "multiplexer", "emulator", "game", "screensaver", "backup", "backups", "organizer",
        "renamer", "prettifier", "minifier", "fuzzer", "cheat sheet", "todo", "scaffold",
        "time tracker", "static site generator", "generator", "bumper", "hacker", "monitor",
        "finder", "scraper", "timer", "reader", "hooks", "osint", "pentest", "exploit",
    )),
    (-6, "is described as a library", ("library", "lib", "libs", "libary")),
    (-5, "is described as a framework", (
        "framework", "microframework", "sdk", "bindings", "binding", "stubs", "orm", "middleware",
        "primitives", "boilerplate",
    )),
    (-5, "is described as a plugin", (
        "plugin", "plugins", "extension", "extensions", "addon", "add on", "backend for",
        "integration for", "adapter for",
    )),
    (-4, "is described as a package", (
        "module", "modules", "python package", "a package", "package for", "package to",
        "package that", "python code to", "collection of", "functions", "decorators", "decorator",
        "classes", "objects", "object", "data structures", "helpers", "utilities for",
        "implementation", "pythonic", "asyncio", "async", "asynchronous", "toolbox",
        "abstractions", "pure python", "python interface", "python wrapper", "python client",
        "python api", "abstraction", "libraries",
    )),
    (-3, "is described as a part for code", (
        "api", "apis", "interface to", "interface for", "client for", "wrapper for",
        "wrapper around", "parser", "engine", "driver", "protocol", "parse", "parsing", "parses",
        "serialization", "serializer", "machine learning", "deep learning", "neural",
        "models", "dataset", "datasets", "simulation", "simulations", "modelling",
        "modeling", "numerical", "algorithms", "visualization", "data analysis", "statistics",
        "statistical", "tensors", "arrays", "pytorch", "pandas", "numpy", "programmable",
        "queue", "workflow", "toolkit", "scheduling", "scheduler", "pipelines", "pipeline",
    )),
    (-3, "is described as being for Python", (
        "in python", "for python", "using python", "with python", "from python", "python",
    )),
    (-4, "works on a project's own code", (
        "your python", "python project", "python projects", "python project s", "your project",
        "python application", "python applications", "python apps", "python programs",
        "python program", "python interpreter", "interactive interpreter", "debugger", "profiler",
        "debugging", "profiling", "unit test", "unit tests", "unit testing", "test runner",
        "test framework", "testing", "test suite", "tests", "task runner", "tasks runner",
        "task execution", "automation tool", "migrations", "wsgi", "asgi", "pytest", "sphinx",
        "mkdocs", "ipython", "jupyter", "notebook", "notebooks", "django", "flask", "fastapi",
        "celery", "pylint", "mypy", "development tools", "dev tools", "development server",
        "web framework", "hot reloading", "mutation testing",
    )),
)  # fmt: skip

# Verbs at the start of a summary that tell what a program does for its user.
PROGRAM_VERBS: Final = _set_of(
    "apply audit automate automatically backup browse bump cast check clean compare convert copy"
    " count crack delete detect diff display download edit enumerate explore export find fix"
    " format generate install keep lint list manage merge monitor mount move organize play print"
    " publish push query record remove rename render rewrite run scan search send serve share"
    " show sort split stream strip sync synchronize synchronization track transfer translate"
    " update upgrade upload view watch"
)

CLASSIFIER_RULES: Final[tuple[tuple[int, str, tuple[str, ...]], ...]] = (
    (1, "is classified for the console", ("Environment :: Console",)),
    (3, "is classified as a desktop program", (
        "Environment :: X11 Applications", "Environment :: MacOS X", "Environment :: Win32",
    )),
    (2, "is classified for end users", ("Intended Audience :: End Users",)),
    (2, "is classified for system administrators", ("Intended Audience :: System Admin",)),
    (-3, "is classified as a library", ("Topic :: Software Development :: Libraries",)),
    (-3, "is classified for science", ("Intended Audience :: Science/Research",)),
    (-2, "is classified under a framework", ("Framework ::",)),
    (-2, "is classified for testing or debugging", (
        "Topic :: Software Development :: Testing", "Topic :: Software Development :: Debuggers",
    )),
)  # fmt: skip

NAME_RULES: Final[tuple[tuple[int, str, tuple[str, ...]], ...]] = (
    (3, "has a command's name", (
        "git-*", "*-cli", "*-tui", "*-gui", "*-dl", "*-tool", "*-downloader", "*-lint", "*-linter",
        "*-formatter", "*-fmt", "*-checker", "*-viewer", "*-manager", "*-installer", "*-term",
        "*-desktop",
    )),
    (-3, "has a library's name", (
        "python-*", "*-python", "*-sdk", "*-api", "*-client", "*-lib", "*-core", "*-utils",
        "lib*", "*lib", "*-plugin", "*-plugins", "*-ext", "*-extension", "*-helpers", "*-types",
        "*-common", "*-toolkit", "*-models", "*-parser", "*-bindings", "async-*", "aio*",
    )),
)  # fmt: skip

# Where libraries keep commands that are not their purpose.
HELPER_PLACES: Final = _set_of("scripts tools bin utils cmdline clitools contrib examples")

# Entry-point groups of projects that load others into their own environment.
HOST_GROUPS: Final = _set_of(
    "airflow apache_airflow babel celery distutils django flake8 flask fsspec hatch intake jupyter"
    " keyring lingua mkdocs napari nbconvert nox opentelemetry paste poetry pylint pyramid pytest11"
    " rasterio setuptools sphinx sqlalchemy tox trame xarray z3c zope"
)

DEPENDENCY_RULES: Final[tuple[tuple[int, str, frozenset[str]], ...]] = (
    (2, "depends on a terminal or desktop interface", _set_of(
        "asciimatics blessed npyscreen picotui pygobject pyqt5 pyqt6 pyside2 pyside6 pytermgui"
        " rumps textual urwid windows-curses wxpython"
    )),
    (1, "depends on a command-line framework", _set_of(
        "argcomplete cleo click click-default-group cliff configargparse cyclopts docopt docopt-ng"
        " fire plac prompt-toolkit rich-click typer"
    )),
    (-1, "depends on scientific libraries", _set_of(
        "jax matplotlib numpy pandas scikit-learn scipy tensorflow torch xarray"
    )),
    (-3, "depends on a tool that runs the project's code", _set_of(
        "apache-airflow celery coverage django fastapi flask gunicorn ipykernel ipython jupyter"
        " jupyterlab mkdocs mypy notebook pylint pytest robotframework sphinx starlette streamlit"
        " uvicorn"
    )),
)  # fmt: skip


def weigh_metadata(name: str, metadata: ProjectMetadata) -> list[Point]:
    """Collect every point that the metadata gives."""
    return [
        *weigh_scripts(name, metadata),
        *weigh_name(name),
        *weigh_words(metadata),
        *weigh_description(metadata.description),
        *weigh_classifiers(metadata.classifiers),
        *weigh_contents(metadata),
        *weigh_dependencies(metadata.dependencies),
    ]


def weigh_scripts(name: str, metadata: ProjectMetadata) -> list[Point]:
    """Weigh the commands: how they are called, and what kind of file they are."""
    if not metadata.are_scripts_known:
        return [Point(0, "its commands are unknown")]
    points = [Point(1, f"ships {_count(list_commands(metadata))}")]
    if metadata.gui_scripts:
        points.append(Point(4, "ships a desktop program"))
    if metadata.legacy_scripts and not metadata.modules:
        points.append(Point(12, "holds nothing but a program"))
    points += _weigh_command_names(name, metadata)
    targets = [target.partition(":")[0].split(".") for _, target in metadata.console_scripts]
    if targets and all(HELPER_PLACES & set(target[1:]) for target in targets):
        points.append(Point(-3, "keeps its commands among its helpers"))
    return points


def _count(commands: tuple[str, ...]) -> str:
    return f"the command `{commands[0]}`" if len(commands) == 1 else f"{len(commands)} commands"


def _weigh_command_names(name: str, metadata: ProjectMetadata) -> list[Point]:
    wanted = normalise_name(name)
    names = {wanted, *(normalise_name(module) for module in metadata.modules)}
    commands = [normalise_name(item.removesuffix(".py")) for item in list_commands(metadata)]
    if names & set(commands):
        return [Point(3, "has a command of its own name")]
    if any(command.startswith((own + "-", own + "2")) for command in commands for own in names):
        return [Point(-2, "has only helpers named after it")]
    parts = {part for own in names for part in own.split("-")} | names
    if any(command in parts or command.split("-")[0] in parts for command in commands):
        return [Point(1, "has a command named like it")]
    return []


def weigh_name(name: str) -> list[Point]:
    """Weigh what the name alone suggests."""
    wanted = normalise_name(name)
    rules = ((w, t) for w, t, ps in NAME_RULES if any(matches_pattern(wanted, p) for p in ps))
    return [Point(weight, text) for weight, text in rules]


def weigh_words(metadata: ProjectMetadata) -> list[Point]:
    """Weigh the words of the summary; those of keywords and the first paragraph count half."""
    summary = split_words(metadata.summary)
    text = f" {' '.join(summary)} "
    keywords = f" {' '.join(split_words(metadata.keywords))} "
    paragraph = f" {' '.join(split_words(find_first_paragraph(metadata.description)))} "
    points = []
    for weight, meaning, phrases in WORD_RULES:
        for counted, words in ((weight, text), (int(weight / 2), keywords + paragraph)):
            found = next((phrase for phrase in phrases if f" {phrase} " in words), "")
            if found:
                points.append(Point(counted, f"{meaning} ({found})"))
                break
    if is_told_as_a_deed(summary):
        points.append(Point(2, "is described by what it does"))
    return points


def is_told_as_a_deed(summary: list[str]) -> bool:
    """Tell whether a summary starts with what the program does: `Convert …`, `x converts …`."""
    return bool(set(summary[:1]) & PROGRAM_VERBS) or any(
        word.endswith("s") and word[:-1] in PROGRAM_VERBS for word in summary[:4]
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


def weigh_description(description: str) -> list[Point]:
    """Weigh what the start of the description tells people to do."""
    text = description.lower()
    points = []
    if any(words in text for words in ("pipx install", "uv tool install", "pipx run", "uvx ")):
        points.append(Point(4, "is to be installed with pipx or as a tool"))
    elif "brew install" in text or "apt install" in text or "pacman -s" in text:
        points.append(Point(2, "is to be installed with a package manager"))
    if any(line.startswith((">>> ", "import ", "from ")) for line in _strip_lines(text)):
        points.append(Point(-3, "is imported in its description"))
    return points


def _strip_lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if not line.startswith("from ") or " import " in line]


def weigh_classifiers(classifiers: tuple[str, ...]) -> list[Point]:
    """Weigh the trove classifiers."""
    return [
        Point(weight, meaning)
        for weight, meaning, starts in CLASSIFIER_RULES
        if any(classifier.startswith(starts) for classifier in classifiers)
    ]


def weigh_contents(metadata: ProjectMetadata) -> list[Point]:
    """Weigh the signs of an interface for code, or for people, among files and extras."""
    points = []
    if metadata.is_typed or "Typing :: Typed" in metadata.classifiers:
        points.append(Point(-1, "exports its types"))
    if metadata.is_compiled:
        points.append(Point(-2, "holds compiled modules"))
    if metadata.has_interface_files:
        points.append(Point(2, "holds the screens of a program"))
    if set(metadata.extras) & {"cli", "cmd", "command-line", "console"}:
        points.append(Point(-4, "makes its command optional"))
    if any(group.split(".")[0] in HOST_GROUPS for group in metadata.entry_point_groups):
        points.append(Point(-2, "plugs into another project"))
    return points


def weigh_dependencies(dependencies: tuple[str, ...]) -> list[Point]:
    """Weigh the dependencies that every installation has."""
    names = {read_requirement_name(item) for item in dependencies if "extra ==" not in item}
    return [Point(weight, text) for weight, text, telling in DEPENDENCY_RULES if names & telling]
