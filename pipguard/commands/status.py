"""`pip guard status [NAME …]`: shows the pip, the Python, the environment, and where NAME is.

In: the caller. Out: words or JSON on stdout, every path absolute. Never changes anything.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict

from pipguard.caller import Caller
from pipguard.commands.documents import write_document
from pipguard.commands.search import InstalledProject, find_project_everywhere, has_on_path
from pipguard.decide import locate_base
from pipguard.discover import discover, personal_environment_path
from pipguard.environments.inspect import sees_system
from pipguard.environments.pipx import PipxHome, read_pipx_home
from pipguard.pip.handover import is_switched_off
from pipguard.pip.interpreter import locate_marker
from pipguard.pip.locate import RealPip
from pipguard.pip.queries import find_interpreter, locate_module_pip
from pipguard.system.processes import make_asker
from pipguard.system.programs import locate_programs
from pipguard.system.streams import write_output
from pipguard.system.version import read_version

SUMMARY = "show which pip, Python and environment are in use here, and where NAME went"

_LABELS = {"active": "redirects installs"}
"""Where people would take the word for another."""
_ONLY_OF_PROBLEMS = {"environment_problem", "marker_text"}
Document = dict[str, str | bool | None]


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the words after the verb."""
    parser = argparse.ArgumentParser("pip guard status", description=SUMMARY)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("name", nargs="*", help="a project: where is it?")
    return parser


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Print the state of things in the current folder; 1 where a NAME is nowhere."""
    options = make_parser().parse_args(words)
    home = read_pipx_home(caller, make_asker(caller.environ))
    document = describe(caller, real_pip or locate_module_pip(caller), home)
    found = {name: _find(name, document, home, caller) for name in options.name}
    if options.json:
        documents = {name: [asdict(one) for one in places] for name, places in found.items()}
        write_document({**document, "found": documents})
    else:
        lines = [line for name, places in found.items() for line in format_places(name, places)]
        write_output("\n".join(lines) + "\n" if lines else format_words(document))
    return 0 if all(found.values()) else 1


def describe(caller: Caller, real_pip: RealPip | None, home: PipxHome) -> Document:
    """Return what is where, by absolute paths; None for what there is not."""
    settings, surroundings = discover(caller)
    environment = surroundings.place.environment
    interpreter = find_interpreter(real_pip, caller.environ) if real_pip else None
    marker = locate_marker(interpreter) if interpreter else None
    is_off = is_switched_off(caller.environ) or settings.route == "off"
    is_active = not is_off and (marker is not None or real_pip is None)
    return {
        "version": read_version(),
        "active": is_active,
        "route": settings.route if is_active else "pass",
        "shell_integration": caller.note is not None,
        "pip_on_path": _find_first(("pip", "pip3"), caller),
        "python_on_path": _find_first(("python", "python3"), caller),
        "real_pip": real_pip.command[0] if real_pip else None,
        "interpreter": interpreter,
        "base": locate_base(caller, real_pip),
        "marker": marker,
        "marker_text": _read(marker),
        "project": surroundings.project,
        "environment": environment.path,
        "environment_state": environment.state,
        "environment_problem": environment.problem or None,
        "environment_origin": surroundings.place.origin,
        "environment_sees_system": sees_system(environment.path),
        "python": environment.interpreter if environment.state == "usable" else None,
        "personal": personal_environment_path(caller.environ),
        "applications": home.programs,
        "applications_on_path": has_on_path(home.programs, caller),
    }


def format_words(document: Document) -> str:
    """Return the document for people: a line for each thing that there is to say."""
    left_out = {"marker_text"} if document["environment_problem"] else _ONLY_OF_PROBLEMS
    shown = {_LABELS.get(k, k): v for k, v in document.items() if k not in left_out}
    width = max(map(len, shown))
    lines = (f"{k.replace('_', ' '):{width}}  {_show(value)}" for k, value in shown.items())
    return "\n".join(lines) + "\n"


def format_places(name: str, places: tuple[InstalledProject, ...]) -> list[str]:
    """Return for people where a project is."""
    if not places:
        return [f"{name}: nowhere that pipguard knows of"]
    lines = []
    for one in places:
        lines.append(f"{one.name} {one.version}: {_PLACES[one.place]} {one.path}")
        if one.place in {"environment", "personal"}:
            lines.append(f"  run it with {os.path.join(one.path, 'bin', 'python')}")
        missing = "" if one.is_on_path else " (not on PATH)"
        lines += [f"  {command}{missing}" for command in one.commands]
    return lines


_PLACES = {
    "environment": "in the environment",
    "personal": "in your personal environment",
    "pipx": "in pipx,",
    "system": "the system's own, in",
}


def _find(
    name: str, document: Document, home: PipxHome, caller: Caller
) -> tuple[InstalledProject, ...]:
    """Return every place that has the project."""
    folders = {str(document["environment"]): "environment"}
    folders.setdefault(str(document["personal"]), "personal")
    if document["environment_origin"] == "personal":
        folders = {str(document["personal"]): "personal"}
    environments = [(place, folder) for folder, place in folders.items()]
    return find_project_everywhere(name, environments, home, caller, str(document["base"]))


def _find_first(names: tuple[str, ...], caller: Caller) -> str | None:
    found = (path for name in names for path in locate_programs(name, caller.environ))
    return next(found, None)


def _show(value: str | bool | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value or "-"


def _read(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None
