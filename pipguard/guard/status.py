"""`pip guard status`: which pip, which Python, which environment, and what would happen here.

In: the caller. Out: words or JSON on stdout. Looks only.
"""

from __future__ import annotations

import argparse
import json

from pipguard.caller import Caller
from pipguard.decide import locate_base
from pipguard.discover import discover_surroundings, find_project
from pipguard.forward import find_interpreter, locate_module_pip
from pipguard.process import write_output
from pipguard.real_pip import RealPip, is_switched_off, locate_marker
from pipguard.settings import read_settings

SUMMARY = "show the real pip, its Python, the environment in use, and how pipguard would route"

Document = dict[str, str | bool | None]


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Print the state of things in the current folder."""
    parser = argparse.ArgumentParser("pip guard status", description=SUMMARY)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(words)
    document = describe(caller, real_pip or locate_module_pip(caller))
    write_output(json.dumps(document, indent=2) + "\n" if options.json else format_words(document))
    return 0


def describe(caller: Caller, real_pip: RealPip | None) -> Document:
    """Return what is where, by absolute paths; None for what there is not."""
    project = find_project(caller)
    settings = read_settings(caller.environ, project[0])
    surroundings = discover_surroundings(caller, settings, project)
    environment = surroundings.place.environment
    interpreter = find_interpreter(real_pip, caller.environ) if real_pip else None
    marker = locate_marker(interpreter) if interpreter else None
    is_active = not is_switched_off(caller.environ) and (marker is not None or real_pip is None)
    return {
        "active": is_active,
        "route": settings.route if is_active else "pass",
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
        "python": environment.interpreter if environment.state == "usable" else None,
    }


def format_words(document: Document) -> str:
    """Return the document for people: a line for each thing, the marker's text left out."""
    shown = {key: value for key, value in document.items() if key != "marker_text"}
    width = max(map(len, shown))
    lines = (f"{k.replace('_', ' '):{width}}  {_show(value)}" for k, value in shown.items())
    return "\n".join(lines) + "\n"


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
