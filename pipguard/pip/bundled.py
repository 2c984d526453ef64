"""Finds the pip wheel that virtualenv brings, for machines and environments without a pip.

In: a Python version. Out: the path of a wheel, which Python runs as it is (`python pip.whl/pip`).
Never installs it.
"""

from __future__ import annotations

import os

from pipguard.system.cache import make_question, recall_answer, store_answer
from pipguard.system.folders import cache_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def recall_bundled_pip(environ: Mapping[str, str], version: tuple[int, int] | None) -> str:
    """Return the same, remembered while virtualenv is unchanged: importing it takes 40 ms."""
    from importlib.util import find_spec

    found = find_spec("virtualenv")
    folder = cache_folder(environ, "bundled")
    question = make_question(["pip", str(version)], ((found.origin if found else "") or "",))
    known = recall_answer(folder, question) or ""
    if known and os.path.isfile(known):
        return known
    path = locate_bundled_pip(version)
    store_answer(folder, question, path)
    return path


def locate_bundled_pip(version: tuple[int, int] | None) -> str:
    """Return the newest pip wheel for a Python version that virtualenv brings, empty without."""
    from virtualenv.seed.wheels.embed import get_embed_wheel

    wanted = ".".join(map(str, version or (3, 12)))
    wheel = get_embed_wheel("pip", wanted) or get_embed_wheel("pip", "3.12")
    return str(wheel.path) if wheel else ""
