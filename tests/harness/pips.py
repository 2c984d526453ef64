"""Real pips to put into Pythons.

In: a version, or nothing for the newest at hand. Out: the path of pip's wheel, or its files laid
out once and shared by links. The newest is the one that virtualenv carries, so it needs no network;
a named version is downloaded once, by that pip, into `$PIPGUARD_TEST_CACHE` or the environment that
the tests run in.
"""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

NEWEST = ""

# The first that refuses, and two that distributions carry; 23.0.1 does not start on Python 3.12.
OLDER = ("24.0", "25.1") if sys.version_info >= (3, 12) else ("23.0.1", "24.0", "25.1")


def bundled_pip_wheel() -> Path:
    """The pip that virtualenv carries for this Python."""
    from virtualenv.seed.wheels.embed import get_embed_wheel

    wheel = get_embed_wheel("pip", f"{sys.version_info[0]}.{sys.version_info[1]}")
    assert wheel is not None, "virtualenv carries no pip"
    return Path(wheel.path)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where downloaded pips are kept, by the environment that the tests were started with."""
    if environ.get("PIPGUARD_TEST_CACHE"):
        return Path(environ["PIPGUARD_TEST_CACHE"])
    return Path(sys.prefix, "pips")


def pip_wheel(version: str, environ: Mapping[str, str]) -> Path:
    """The wheel of a version of pip, downloaded if this is the first time."""
    if version == NEWEST:
        return bundled_pip_wheel()
    folder = cache_folder(environ)
    wheel = folder / f"pip-{version}-py3-none-any.whl"
    if not wheel.exists():
        _download(version, folder, environ)
    return wheel


def _download(version: str, folder: Path, environ: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    program = [sys.executable, "-I", str(bundled_pip_wheel() / "pip")]
    command = [*program, "download", "-q", "--no-deps", "-d", str(folder), f"pip=={version}"]
    subprocess.run(command, env=dict(environ), check=True, stdin=subprocess.DEVNULL)


class PipShelf:
    """pip's files laid out and compiled once for each version in a session, then linked."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ

    def put(self, version: str, site_packages: Path) -> None:
        """Lay pip into `site_packages`; what is done to it there harms no other."""
        ready = self._folder / f"pip-{version or 'newest'}"
        if not ready.exists():
            with zipfile.ZipFile(pip_wheel(version, self._environ)) as archive:
                archive.extractall(ready)
            # pip that is not compiled takes 2 s to start, and an old one warns of its own syntax.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compileall.compile_dir(ready, quiet=2, workers=1)
        shutil.copytree(ready, site_packages, copy_function=os.link, dirs_exist_ok=True)
