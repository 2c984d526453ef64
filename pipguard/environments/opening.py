"""Lets an environment see the packages of the Python that it was made from, or no longer.

In: the environment's folder, `true` or `false`. Out: its `pyvenv.cfg` with that value for
`include-system-site-packages` (PEP 405), changed as a whole. Runs as a script of its own, because
it is a step of a plan.
"""

from __future__ import annotations

import os
import sys

OPENING = os.path.abspath(__file__)
_KEY = "include-system-site-packages"


def main(environment: str, value: str) -> int:
    """Change the one line, or add it."""
    path = os.path.join(environment, "pyvenv.cfg")
    with open(path, encoding="utf-8") as file:
        lines = [line for line in file if line.partition("=")[0].strip().lower() != _KEY]
    draft = f"{path}.new"
    with open(draft, "w", encoding="utf-8") as file:
        file.writelines([*lines, f"{_KEY} = {value}\n"])
    os.replace(draft, path)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
