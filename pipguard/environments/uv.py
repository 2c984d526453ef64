"""Finds the uv that the user has asked for.

In: our own interpreter, the variables. Out: the program's path, once it has told a version that the
plans for it were made with. Never takes a uv that nobody asked for.
"""

from __future__ import annotations

import os

from pipguard.errors import PipguardError
from pipguard.system.processes import make_asker
from pipguard.system.programs import locate_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

OLDEST = (0, 7)
_HINT = "PIPGUARD_INSTALLER=pip installs with pip; `pipx install uv` brings a uv"


class UvUnusable(PipguardError):
    """There is no uv, or none that can be used."""

    reference = "uv-unusable"


def locate_uv(python: str, environ: Mapping[str, str]) -> str:
    """Return uv's path: the user's own on PATH, else the one beside our own interpreter.

    Raises `UvUnusable` where there is none, where it does not run, and where it is too old.
    """
    beside = os.path.join(os.path.dirname(python), "uv.exe" if os.name == "nt" else "uv")
    program = locate_program("uv", environ) or (beside if os.access(beside, os.X_OK) else "")
    if not program:
        raise UvUnusable("installer = uv, and there is no uv on PATH", _HINT)
    said = (make_asker(environ)([program, "--version"]) or b"").decode("utf-8", "replace")
    name, _, version = said.strip().partition(" ")
    numbers = tuple(
        int(part) for part in version.partition(" ")[0].split(".")[:2] if part.isdigit()
    )
    if name != "uv" or len(numbers) < len(OLDEST):
        raise UvUnusable(f"{program} does not tell its version", _HINT)
    if numbers < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UvUnusable(f"{program} is uv {version}, and {oldest} or newer is needed", _HINT)
    return program
