"""`pip guard help [TOPIC]`: explains a verb, or one of the topics beside the verbs.

In: nothing, a verb, or a topic. Out: text on stdout. Each topic is a file in `topics`.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping

from pipguard.caller import Caller
from pipguard.environments.trust import locate_records
from pipguard.errors import PipguardError
from pipguard.history.folder import locate_log_folder
from pipguard.pip.locate import RealPip
from pipguard.system.folders import cache_folder, configuration_folders
from pipguard.system.streams import write_output

TOPICS = ("agents", "json", "places", "scripts", "security", "settings", "shells", "statuses")
SUMMARY = f"explain a verb or a topic: {', '.join(TOPICS)}"
_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "topics")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the words after the verb."""
    from pipguard.commands import VERBS

    parser = argparse.ArgumentParser("pip guard help", description=SUMMARY)
    verbs = [verb for verb in VERBS if verb != "help"]
    parser.add_argument("topic", nargs="?", choices=[*verbs, *TOPICS], metavar="TOPIC")
    parser.add_argument(
        "--schema", metavar="NAME", help="print the JSON schema of a verb's --json, or `outcome`"
    )
    parser.add_argument("--man", action="store_true", help="print the manual page, in roff")
    return parser


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Print the text about a topic, or the list of verbs."""
    from pipguard.commands import VERBS, describe_verbs, load_verb

    options = make_parser().parse_args(words)
    if options.man:
        from pipguard.commands.manual import format_manual

        write_output(format_manual(read_topics()))
        return 0
    topic = options.topic
    if options.schema:
        write_output(_find_schema(options.schema))
        return 0
    if topic in VERBS:
        return load_verb(topic).run(caller, real_pip, ["--help"])
    write_output(read_topic(topic, _locate_files(caller)) if topic else describe_verbs())
    return 0


def _find_schema(name: str) -> str:
    from pipguard.commands.documents import read_schemas

    schemas = read_schemas()
    if name not in schemas:
        raise PipguardError(f"there is no schema `{name}`", f"there are: {', '.join(schemas)}")
    return json.dumps(schemas[name], indent=2) + "\n"


_USUAL_FILES = {
    "{log}": "~/.local/state/pipguard",
    "{records}": "~/.local/share/pipguard/trusted",
    "{cache}": "~/.cache/pipguard",
    "{configuration}": "~/.config/pipguard/config.toml",
    "{system}": "/etc/xdg/pipguard/config.toml",
}
"""Where they are on Linux unless XDG variables say otherwise."""


def _locate_files(caller: Caller) -> dict[str, str]:
    system, user = configuration_folders(caller.environ)
    return {
        "{log}": locate_log_folder(caller),
        "{records}": locate_records(caller.environ),
        "{cache}": cache_folder(caller.environ),
        "{configuration}": os.path.join(user, "config.toml"),
        "{system}": os.path.join(system, "config.toml"),
    }


def read_topics() -> list[tuple[str, str]]:
    """Return the names and texts of all topics, with the paths that are usual on Linux."""
    return [(topic, read_topic(topic)) for topic in TOPICS]


def read_topic(topic: str, files: Mapping[str, str] = _USUAL_FILES) -> str:
    """Return the text of a topic, with the paths of these files in it."""
    with open(os.path.join(_FOLDER, f"{topic}.txt"), encoding="utf-8") as file:
        text = file.read()
    for name, path in files.items():
        text = text.replace(name, path)
    return text
