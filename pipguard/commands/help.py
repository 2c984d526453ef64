"""`pip guard help [TOPIC]`: explains a verb, or one of the topics beside the verbs.

In: nothing, a verb, or a topic. Out: text on stdout. Each topic is a file in `topics`.
"""

from __future__ import annotations

import argparse
import os

from pipguard.caller import Caller
from pipguard.environments.trust import locate_records
from pipguard.history.folder import locate_log_folder
from pipguard.pip.locate import RealPip
from pipguard.system.folders import cache_folder, configuration_folders
from pipguard.system.streams import write_output

SUMMARY = "explain a verb or a topic: agents, places, scripts, security, settings, statuses"
TOPICS = ("agents", "places", "scripts", "security", "settings", "statuses")
_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "topics")


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Print the text about a topic, or the list of verbs."""
    from pipguard.commands import VERBS, describe_verbs, load_verb

    parser = argparse.ArgumentParser("pip guard help", description=SUMMARY)
    verbs = [verb for verb in VERBS if verb != "help"]
    parser.add_argument("topic", nargs="?", choices=[*verbs, *TOPICS], metavar="TOPIC")
    topic = parser.parse_args(words).topic
    if topic in verbs:
        return load_verb(topic).run(caller, real_pip, ["--help"])
    write_output(read_topic(topic, caller) if topic else describe_verbs())
    return 0


def read_topic(topic: str, caller: Caller) -> str:
    """Return the text of a topic, with this user's own paths in it."""
    system, user = configuration_folders(caller.environ)
    paths = {
        "{log}": locate_log_folder(caller),
        "{records}": locate_records(caller.environ),
        "{cache}": cache_folder(caller.environ),
        "{configuration}": os.path.join(user, "config.toml"),
        "{system}": os.path.join(system, "config.toml"),
    }
    with open(os.path.join(_FOLDER, f"{topic}.txt"), encoding="utf-8") as file:
        text = file.read()
    for name, path in paths.items():
        text = text.replace(name, path)
    return text
