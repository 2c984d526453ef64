"""Pythons that are genuinely externally managed, made anywhere.

In: a folder and a `Recipe`. Out: a prefix with its own interpreter, links to the real standard
library, its own site-packages and the marker file; pip refuses there for real. Never touches the
Python that it is made from.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .pips import NEWEST, PipShelf
from .running import Environment, Result, run_command

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"

DEBIAN_MARKER = f"""\
[externally-managed]
Error=To install Python packages system-wide, try apt install
 python3-xyz, where xyz is the package you are trying to
 install.

 If you wish to install a non-Debian-packaged Python package,
 create a virtual environment using python3 -m venv path/to/venv.
 Then use path/to/venv/bin/python and path/to/venv/bin/pip. Make
 sure you have python3-full installed.

 If you wish to install a non-Debian packaged Python application,
 it may be easiest to use pipx install xyz, which will manage a
 virtual environment for you. Make sure you have pipx installed.

 See /usr/share/doc/python{VERSION}/README.venv for more information.
"""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What sets one managed Python apart from another.

    `pip` is a version, `NEWEST`, or None for none; `marker` None leaves the Python unmanaged.
    """

    pip: str | None = NEWEST
    ensurepip: bool = True
    marker: str | None = DEBIAN_MARKER


@dataclass(frozen=True, slots=True)
class ManagedPython:
    """Where everything is in a Python made here. `pip` exists only if the recipe had one.

    `scripts` is where a pip of this Python puts commands: not `commands` on Debian.
    """

    prefix: Path
    standard_library: Path
    site_packages: Path
    scripts: Path

    @property
    def commands(self) -> Path:
        """The folder for PATH."""
        return self.prefix / "bin"

    @property
    def python(self) -> Path:
        """The interpreter by its stable name."""
        return self.commands / f"python{VERSION}"

    @property
    def pip(self) -> Path:
        """The `pip` command."""
        return self.commands / "pip"

    @property
    def marker(self) -> Path:
        """The marker file."""
        return self.standard_library / "EXTERNALLY-MANAGED"

    def run(
        self, *words: str | Path, cwd: Path | None = None, env: Environment | None = None
    ) -> Result:
        """Run the interpreter with these arguments."""
        return run_command([self.python, *words], cwd, env)


class MakeManagedPython(Protocol):
    """The fixture `make_managed`: a default recipe, a place of its own."""

    def __call__(self, recipe: Recipe | None = None, prefix: Path | None = None) -> ManagedPython:
        """Make one."""


def make_managed_python(prefix: Path, recipe: Recipe, shelf: PipShelf) -> ManagedPython:
    """Make a Python in `prefix`, which must not exist."""
    standard_library = prefix / "lib" / f"python{VERSION}"
    _lay_interpreter(prefix / "bin")
    _link_standard_library(standard_library, recipe.ensurepip)
    python = ManagedPython(prefix, standard_library, *_ask_places(prefix))
    python.site_packages.mkdir(parents=True, exist_ok=True)
    if recipe.marker is not None:
        python.marker.write_text(recipe.marker, encoding="utf-8")
    if recipe.pip is not None:
        shelf.put(recipe.pip, python.site_packages)
        _write_pip_commands(python)
    return python


def _base_executable() -> Path:
    # A virtual environment's interpreter is a link; the landmark is searched from the real file.
    return Path(getattr(sys, "_base_executable", sys.executable)).resolve()


def _lay_interpreter(commands: Path) -> None:
    commands.mkdir(parents=True)
    shutil.copy2(_base_executable(), commands / f"python{VERSION}")
    for name in ("python3", "python"):
        (commands / name).symlink_to(f"python{VERSION}")


def _link_standard_library(folder: Path, ensurepip: bool) -> None:
    left_out = {"site-packages", "dist-packages", "EXTERNALLY-MANAGED"}
    if not ensurepip:
        left_out.add("ensurepip")
    folder.mkdir(parents=True)
    for entry in Path(os.__file__).parent.iterdir():
        if entry.name not in left_out:
            (folder / entry.name).symlink_to(entry)


_PLACES = """
import site, sysconfig
print(site.getsitepackages()[-1])
print(sysconfig.get_path("scripts"))
"""


def _ask_places(prefix: Path) -> tuple[Path, Path]:
    # Debian's Python says dist-packages and local/bin where others do not: only it can know.
    result = run_command([prefix / "bin" / f"python{VERSION}", "-I", "-c", _PLACES])
    assert result.status == 0, result.err
    site_packages, scripts = result.out.splitlines()
    return Path(site_packages), Path(scripts)


def _write_pip_commands(python: ManagedPython) -> None:
    text = (
        f"{first_lines(python.python)}import re, sys\nfrom pip._internal.cli.main import main\n"
        "if __name__ == '__main__':\n"
        "    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])\n"
        "    sys.exit(main())\n"
    )
    for name in ("pip", "pip3", f"pip{VERSION}"):
        write_executable(python.commands / name, text)


def first_lines(interpreter: Path) -> str:
    """What makes a file a script of `interpreter`, as installers write it."""
    if " " not in str(interpreter) and len(os.fsencode(interpreter)) < 120:
        return f"#!{interpreter}\n"
    # The kernel splits at blanks and cuts long lines; to Python the two lines are a string.
    return f"#!/bin/sh\n'''exec' \"{interpreter}\" \"$0\" \"$@\"\n' '''\n"


def write_executable(path: Path, text: str) -> Path:
    """Write a script that may be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return path
