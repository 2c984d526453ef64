"""Finds the pip wheel that virtualenv brings, for machines and environments without a pip.

In: a Python version. Out: the path of a wheel, which Python runs as it is (`python pip.whl/pip`).
Never installs it.
"""

from __future__ import annotations


def locate_bundled_pip(version: tuple[int, int] | None) -> str:
    """Return the newest pip wheel for a Python version that virtualenv brings, empty without."""
    from virtualenv.seed.wheels.embed import get_embed_wheel

    wanted = ".".join(map(str, version or (3, 12)))
    wheel = get_embed_wheel("pip", wanted) or get_embed_wheel("pip", "3.12")
    return str(wheel.path) if wheel else ""
