"""Strikes a distribution off pipx's record of an application, for a pipx before 1.12.

In: the application's environment, the folder of pipx's commands, a normalised name. Out: the record
(`pipx_metadata.json`) without it, and its exposed commands gone. pip has taken the distribution out
before. Runs as a script of its own, because it is a step of a plan. pipx's own `uninject` takes the
application out with its plugin before 1.12, and is not there before 1.3.
"""

from __future__ import annotations

import json
import os
import sys

UNINJECT = os.path.abspath(__file__)


def main(environment: str, programs: str, name: str) -> int:
    """Change the record as a whole; a name that is not in it changes nothing."""
    path = os.path.join(environment, "pipx_metadata.json")
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    injected = document["injected_packages"]
    for key in [key for key in injected if _normalise(key) == name]:
        _remove_links(injected.pop(key)["apps"], programs, environment)
    draft = f"{path}.new"
    with open(draft, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=4, sort_keys=True)
    os.replace(draft, path)
    return 0


def _remove_links(commands: list[str], programs: str, environment: str) -> None:
    """Remove the exposed commands that led into the environment and lead nowhere now."""
    inside = os.path.join(environment, "bin", "")
    for path in (os.path.join(programs, command) for command in commands):
        leads_inside = os.path.islink(path) and os.readlink(path).startswith(inside)
        if leads_inside and not os.path.exists(path):
            os.unlink(path)


def _normalise(name: str) -> str:
    unified = name.lower().replace("_", "-").replace(".", "-")
    return "-".join(part for part in unified.split("-") if part)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
