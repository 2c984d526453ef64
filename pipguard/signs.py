"""The signs of an application or a library in a project's metadata, and what each one weighs.

In: a project's name and its metadata. Out: weights with the words that explain them, positive for
an application, negative for a library.
Never decides, never looks at anything but the metadata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from pipguard.knowledge import matches_pattern, normalise_name, read_requirement_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from pipguard.evidence import ProjectMetadata

Sign = tuple[int, str]
"""A weight, and the words that explain it."""


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(text.split(", "))


# Of each group of words one counts, and a phrase that one group has explained is taken out before
# the next one looks: a command line interface for X is not also an interface for X.
# What a change of a weight or a word does, `scripts/evaluate-classification` says.

WORD_RULES: Final[tuple[tuple[int, str, tuple[str, ...]], ...]] = (
    (-5, "is described as a framework", _phrases(
        "binding, bindings, boilerplate, cli applications, cli apps, cli generator, clis, command "
        "line applications, command line apps, command line interfaces, command line parsing, "
        "command line user interfaces, framework, microframework, middleware, orm, primitives, "
        "query builder, sdk, stubs, templating language, terminal applications with"
    )),
    (-6, "runs a project's own code", _phrases(
        "acceptance testing, api documentation for, app server, application server, asgi, "
        "automation framework, automation tool, autoreload, background processing, bdd, behaviour "
        "driven, benchmarking, benchmarks, coverage, debug adapter, debugger, debugging, dev "
        "tools, development server, development tools, distributed task, doctest, end to end "
        "testing, hot reloading, http server, interactive interpreter, job processing, job queue, "
        "job queues, kernel for, live reload, load testing, migration tool, migrations, mock, "
        "mocking, mutation testing, notebook server, profiler, profiling, property based testing, "
        "python app, python application, python applications, python apps, python interpreter, "
        "reload, reloading, repl, server less, serverless, spiders, standalone applications, "
        "standalone executables, static typing, task execution, task processing, task queue, task "
        "runner, tasks runner, test data, test framework, test runner, test suite, testing "
        "framework, testrunner, type checker, unit test, unit testing, unit tests, unittest, web "
        "framework, web server, worker, workers, wsgi"
    )),
    (5, "is described as a command-line program", _phrases(
        "cli, command line, command line interface, command line user interface, command that, "
        "commandline, console, console application, console based, console client, console tool, "
        "curses, dotfiles, for the terminal, for your terminal, from the terminal, from your "
        "terminal, git hook, in the terminal, in your terminal, ncurses, pre commit hook, shell "
        "command, shell script, terminal, terminal app, terminal application, terminal "
        "applications, terminal based, terminal client, terminal interface, terminal ui, terminal "
        "user interface, text based, tui, your shell"
    )),
    (4, "is described as a desktop program", _phrases(
        "desktop, front end for, frontend for, graphical, graphical interface, graphical user "
        "interface, gtk, gtk ui, gui, qt gui, system tray, ui for, window, window manager"
    )),
    (4, "is described as a program", _phrases(
        "archiver, assembler, automounter, backup, backups, beautifier, benchmarker, "
        "bookmarker, browser based on, build system, builder, bumper, calculator, chat "
        "client, cheat sheet, checker, cleaner, clone of, codemod, command runner, "
        "compressor, converter, cracker, crawler, dashboard, decompiler, decompressor, "
        "diary, downloader, dumper, editor, emulator, encryptor, explorer, extractor, "
        "fetcher, file browser, finder, formatter, fuzzer, game, generator, graphical "
        "client, hacker, hooks, image browser, installer, journal, kanban, launcher, linter, "
        "magnifier, manager, mcp server, minifier, mixer, monitor, multiplexer, notifier, "
        "obfuscator, organizer, pastebin, picker, player, pomodoro, preprocessor, "
        "presentations, prettifier, reader, recorder, renamer, ripper, scaffold, "
        "scaffolding, scanner, scraper, screensaver, screenshot, screenshots, sniffer, "
        "sorter, spell checker, static site generator, stripper, switcher, system monitor, "
        "tagger, time tracker, timer, todo, tracker, trimmer, typing test, unpacker, "
        "uploader, viewer, visualizer, watcher, web browser, website generator, wiki"
    )),
    (2, "is described as a tool", _phrases(
        "alternative to, app, application, bot, commands, daemon, executable, management system, "
        "program, replacement for, rewrite of, script, service, suite, tool, tools, utility, web "
        "application"
    )),
    (4, "is about security testing", _phrases(
        "active directory, attack, attacks, auditing, auditor, bloodhound, brute force, brute "
        "forcer, brute forcing, bruteforce, bruteforcing, credentials, enumerating, enumeration, "
        "exploit, exploitation, exploits, fingerprinting, footprinting, forensic, forensics, "
        "hacking, malware, obfuscation, offensive security, osint, password cracking, password "
        "spraying, penetration testing, pentest, pentesters, pentesting, phishing, pwning, recon, "
        "reconnaissance, red team, secrets, security assessment, security auditing, security "
        "scanner, security testing, steganography, subdomain, subdomains, vulnerabilities, "
        "vulnerability"
    )),
    (2, "is about people's own files and machine", _phrases(
        "accounting, albums, anime, audio, bandwidth, bash, battery, bittorrent, bluetooth, "
        "bookmark, bookmarks, brightness, budget, calendar, calendars, carddav, chromecast, "
        "clipboard, cloud storage, comics, contacts, desktop files, discord, disk, disks, "
        "display, dropbox, ebook, ebooks, emacs, emails, expenses, feeds, file system, "
        "filesystems, gnome, google drive, gpg, gpu, hacker news, i3, i3status, imap, irc, "
        "jabber, kde, keyboard, linux, lyrics, macos, mail, mailbox, manga, mastodon, minecraft, "
        "mouse, movies, music, note taking, notes, notifications, passwords, photos, playlist, "
        "playlists, podcast, podcasts, printer, pulseaudio, radio, receivers, recipes, reddit, "
        "rofi, rss, screenshots, shell, social media, spotify, ssh, steam, subtitles, sway, "
        "tasks, telegram, text files, tmux, torrent, torrents, trash, tray, tv, twitter, ubuntu, "
        "vi, video, videos, vim, volume, vpn, wallpaper, wallpapers, weather, webcam, webpages, "
        "websites, wifi, wiki, wine, workstations, xmpp, zsh"
    )),
    (3, "is about repositories and releases", _phrases(
        "changelog, changelogs, ci, code formatting, code metrics, code review, code style, "
        "commented out code, commits, complexity, compliance, dead code, docker compose, "
        "docstrings, git, github, gitlab, import statements, imports, isolated environments, "
        "lint, linting, manifest in, misspellings, node js, noqa, packaging, pep 8, playbooks, "
        "policies, pre commit, project templates, publishing packages, publishing to pypi, "
        "releasing, repos, repositories, requirements txt, style guide, syntax, to pypi, type "
        "hints, typos, version numbers, virtual environments, virtualenv, virtualenvs, wheels"
    )),
    (-6, "is described as a library", _phrases(
        "lib, libary, library, libs"
    )),
    (-5, "is described as a plugin", _phrases(
        "adapter for, add on, addon, backend for, extension, extensions, integration for, plugin, "
        "plugins"
    )),
    (-4, "is described as a package", _phrases(
        "abstraction, abstractions, arrays, async, asynchronous, asyncio, collection of "
        "functions, data structures, decorator, decorators, helpers, implementation, implemented "
        "in python, module, modules, numpy, object, objects, package that, pandas, pure python, "
        "python api, python client, python interface, python package, pythonic, pytorch, "
        "serialization, serializer, tensors, toolbox"
    )),
    (-3, "is described as a part for code", _phrases(
        "algorithms, api, api client, apis, background jobs, data analysis, data models, data "
        "structure, dataset, datasets, deep learning, drop in, for building, http client, "
        "interface for, interface to, interfacing with, machine learning, neural, numerical, "
        "oauth, oauth2, on top of, parse, parsed, parser, parses, parsing, pipeline, pipelines, "
        "programmable, protocol implementation, queue, read and write, read write, reading and "
        "writing, reads and writes, rest client, scheduler, scheduling, simulations, statistical, "
        "statistics, template engine, type safe, validation, web scraping, websocket"
    )),
    (-5, "works on a project's own code", _phrases(
        "celery, django, documentation, fastapi, flask, ipython, jupyter, mkdocs, mypy, notebook, "
        "notebooks, pylint, pytest, python code, python project, python project s, python "
        "projects, scrapy, sphinx, spiders, sqlalchemy, tests, web applications, your code, your "
        "project, your python"
    )),
    (-3, "is described as being for Python", _phrases(
        "for python, from python, in python, using python, with python"
    )),
    (-3, "speaks of Python", _phrases(
        "python"
    )),
)  # fmt: skip

# Outside the summary they are mostly about something else: what is read, shown, used or replaced.
SUMMARY_ALONE: Final = frozenset((
    "is described as a framework", "is described as a package", "is described as a part for code",
    "is described as a plugin", "is about people's own files and machine",
    "runs a project's own code",
))  # fmt: skip

DEED: Final = "is described by what it does"
DEED_WEIGHT: Final = 2

# What a program is matters more than the language that it is made in or for, and a program that
# reads or rewrites text runs nobody's code: formatters, linters and converters of Python projects.
EXCUSES: Final[Mapping[str, frozenset[str]]] = {
    "is described as being for Python": frozenset((
        "is described as a program", "is described as a command-line program",
    )),
    "speaks of Python": frozenset((
        "is described as a program", "is described as a command-line program",
        "is described as a desktop program", "is about security testing",
        "is described by what it does",
    )),
    "is described as a framework": frozenset(("is about security testing",)),
    "is described as a plugin": frozenset(("is about security testing",)),
    "is described as a part for code": frozenset(("is described as a command-line program",)),
    "works on a project's own code": frozenset((
        "is described as a program", "is about repositories and releases",
    )),
}  # fmt: skip

# Phrases that sound like a library or like Python code and say neither.
EMPTY_PHRASES: Final = _phrases(
    "and linux, built in python, in your library, linux and, linux macos, linux windows, made in "
    "python, plugin based, python port of, standard library, syntax highlighting, windows linux, "
    "without leaving, written in python, your library"
)

# Verbs at the start of a summary that tell what a program does for its user.
PROGRAM_VERBS: Final = _set_of(
    "apply audit automate automatically backup beautify browse bump cast check clean collect"
    " compare convert copy count crack decrypt delete detect diff discover display download edit"
    " encrypt enumerate execute explore export fetch find fix format generate hunt identify"
    " install keep lint list manage merge mirror monitor mount move normalize organize play print"
    " publish push query record recover remove rename render rewrite run scan scrape search send"
    " serve share show sort split stream strip sync synchronization synchronize tend track"
    " transfer transfers translate trim turn uncover update upgrade upload view visualize watch"
)

CLASSIFIER_RULES: Final[tuple[tuple[int, str, tuple[str, ...]], ...]] = (
    (1, "is classified for the console", ("Environment :: Console",)),
    (3, "is classified as a desktop program", (
        "Environment :: X11 Applications", "Environment :: Win32",
    )),
    (2, "is classified for end users", ("Intended Audience :: End Users",)),
    (2, "is classified for system administrators", ("Intended Audience :: System Admin",)),
    (1, "is classified as a utility", ("Topic :: Utilities", "Topic :: Security")),
    (-2, "is classified as a library", ("Topic :: Software Development :: Libraries",)),
    (-1, "is classified for developers", ("Intended Audience :: Developers",)),
    (-2, "is classified for science", (
        "Intended Audience :: Science/Research", "Topic :: Scientific/Engineering",
    )),
    (-2, "is classified for the web", (
        "Environment :: Web Environment", "Topic :: Internet :: WWW/HTTP",
    )),
    (-2, "is classified under a framework", ("Framework ::",)),
    (-2, "is classified for testing or debugging", (
        "Topic :: Software Development :: Testing", "Topic :: Software Development :: Debuggers",
    )),
    (-2, "is classified by Python implementations", (
        "Programming Language :: Python :: Implementation",
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

# Where libraries keep commands that are not their purpose: modules or folders so called, and
# folders only whose names a program's one entry module has, too.
HELPER_MODULES: Final = _set_of("scripts tools utils clitools contrib examples")
HELPER_FOLDERS: Final = HELPER_MODULES | _set_of("bin cmdline")

# Entry-point groups of projects that load others into their own environment.
HOST_GROUPS: Final = _set_of(
    "airflow apache_airflow babel celery distutils django flake8 flask fsspec hatch intake jupyter"
    " keyring lingua mkdocs napari nbconvert nox opentelemetry paste poetry pyinstaller40 pylint"
    " pyramid pytest11 rasterio setuptools sphinx sqlalchemy tox trame xarray z3c zope"
)

# Extras without which a command does not run, and those that serve who develops the project.
COMMAND_EXTRAS: Final = _set_of("cli cmd command-line console")
DEVELOPMENT_EXTRAS: Final = _set_of(
    "all build check checks ci cover coverage dev dev-dependencies develop development doc docs"
    " enabler lint linting mypy pre-commit release style test testing tests type typing"
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
    inside = target[1:]
    return bool(HELPER_FOLDERS & set(inside[:-1]) or HELPER_MODULES & set(inside[-1:]))


def _count(commands: tuple[str, ...]) -> str:
    return f"the command `{commands[0]}`" if len(commands) == 1 else f"{len(commands)} commands"


def _weigh_command_names(name: str, metadata: ProjectMetadata) -> Iterator[Sign]:
    names = {normalise_name(item) for item in (name, *metadata.modules)}
    commands = [normalise_name(item.removesuffix(".py")) for item in list_commands(metadata)]
    if names & set(commands):
        yield 3, "has a command of its own name"
    elif any(command.startswith((own + "-", own + "2")) for command in commands for own in names):
        yield -2, "has only helpers named after it"
    elif any(_are_alike(command, own) for command in commands for own in names):
        yield 1, "has a command named like it"


def _are_alike(command: str, name: str) -> bool:
    """Tell whether two names share a word, or one stands in the other (adbsync, betteradbsync)."""
    shared = set(command.split("-")) & set(name.split("-"))
    shorter, longer = sorted((command, name), key=len)
    return any(len(word) > 2 for word in shared) or (len(shorter) > 3 and shorter in longer)


def weigh_name(name: str) -> Iterator[Sign]:
    """Weigh what the name alone suggests."""
    wanted = normalise_name(name)
    for weight, meaning, patterns in NAME_RULES:
        if any(matches_pattern(wanted, pattern) for pattern in patterns):
            yield weight, meaning


def weigh_words(metadata: ProjectMetadata) -> Iterator[Sign]:
    """Weigh the words of the summary; of keywords and the first paragraph some count half."""
    told = find_meanings(metadata.summary)
    other = find_meanings(f"{metadata.keywords}. {find_first_paragraph(metadata.description)}")
    if is_told_as_a_deed(split_words(metadata.summary)):
        yield DEED_WEIGHT, DEED
        told[DEED] = ""
    for weight, meaning, _ in WORD_RULES:
        if not EXCUSES.get(meaning, set()) & set(told):
            if meaning in told:
                yield weight, f"{meaning} ({told[meaning]})"
            elif meaning in other and meaning not in SUMMARY_ALONE:
                yield _halve(weight), f"{meaning} ({other[meaning]})"


def _halve(weight: int) -> int:
    half = (abs(weight) + 1) // 2
    return half if weight > 0 else -half


def find_meanings(text: str) -> dict[str, str]:
    """Find what a text says about a project, each with the longest phrase that says it."""
    words = join_words(text)
    found: dict[str, str] = {}
    for _, meaning, phrases in WORD_RULES:
        phrase = max((phrase for phrase in phrases if f" {phrase} " in words), key=len, default="")
        if phrase:
            found[meaning] = phrase
            words = words.replace(f" {phrase} ", " ")
    return found


def join_words(text: str) -> str:
    """Put a space around each word, without links and without the phrases that say nothing."""
    plain = " ".join(word for word in text.replace("(", " ").split() if "://" not in word)
    words = f" {' '.join(split_words(plain))} "
    for phrase in EMPTY_PHRASES:
        words = words.replace(f" {phrase} ", " ")
    return words


def is_told_as_a_deed(summary: list[str]) -> bool:
    """Tell whether a summary starts with a deed: `Convert …`, `x converts …`, `… to convert …`."""
    return summary[:1] != [] and (
        summary[0] in PROGRAM_VERBS
        or any(word.endswith("s") and word[:-1] in PROGRAM_VERBS for word in summary[:6])
        or any(before == "to" and word in PROGRAM_VERBS for before, word in pairwise(summary[:6]))
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
    for weight, meaning, starts in CLASSIFIER_RULES:
        if any(classifier.startswith(starts) for classifier in classifiers):
            yield weight, meaning


def weigh_contents(metadata: ProjectMetadata) -> Iterator[Sign]:
    """Weigh the signs of an interface for code, or for people, among files, extras and plugins."""
    if metadata.is_typed or "Typing :: Typed" in metadata.classifiers:
        yield -1, "exports its types"
    if metadata.is_compiled:
        yield -2, "holds compiled modules"
    if metadata.has_interface_files:
        yield 2, "holds the screens of a program"
    if set(metadata.extras) & COMMAND_EXTRAS:
        yield -4, "makes its command optional"
    if set(metadata.extras) - DEVELOPMENT_EXTRAS:
        yield -1, "has optional parts"
    hosts = {group.partition(".")[0] for group in metadata.entry_point_groups}
    if hosts - HOST_GROUPS:
        yield 2, "takes plugins"
    if hosts & HOST_GROUPS:
        yield -2, "plugs into another project"


def weigh_dependencies(dependencies: tuple[str, ...]) -> Iterator[Sign]:
    """Weigh the dependencies that every installation has."""
    names = {read_requirement_name(item) for item in dependencies if "extra ==" not in item}
    for weight, meaning, telling in DEPENDENCY_RULES:
        if names & telling:
            yield weight, meaning
