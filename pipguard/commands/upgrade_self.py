"""`pip guard upgrade-self`: brings pipguard itself up to date, the way that it was installed.

In: the caller. Out: each command, shown before it runs, and the exit status of the first that
fails. Where none of ours can do it, an error that says what does. Never runs a checkout that
somebody else can write to, never asks for a password.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys

from pipguard.caller import Caller
from pipguard.console import write_messages
from pipguard.environments.pipx import METADATA_NAME, read_pipx_home
from pipguard.environments.trust import describe_foreign, is_inside
from pipguard.errors import PipguardError
from pipguard.pip.locate import RealPip
from pipguard.system.folders import data_folder
from pipguard.system.frozen import replace
from pipguard.system.processes import make_asker, run_foreground
from pipguard.system.programs import drop_relative_entries, locate_program
from pipguard.system.version import locate_root

SUMMARY = "bring pipguard itself up to date"
_UV_RECEIPT = "uv-receipt.toml"
_DEBIAN_FOLDER = "/usr/lib/pipguard"

Words = tuple[str, ...]


class CannotUpgrade(PipguardError):
    """No command of ours brings this installation up to date."""

    reference = "cannot-upgrade"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the words after the verb."""
    return argparse.ArgumentParser("pip guard upgrade-self", description=SUMMARY)


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Show the commands and run them, until one fails."""
    del real_pip
    make_parser().parse_args(words)
    environ = drop_relative_entries(caller.environ)
    # GIT_DIR and its like would have git speak of another repository.
    environ = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    caller = replace(caller, environ=environ)
    for command in plan_upgrade(caller, locate_root(), sys.prefix):
        write_messages(caller, (f"$ {shlex.join(command)}",))
        status = run_foreground(command, environ)
        if status:
            return status
    return 0


def plan_upgrade(caller: Caller, folder: str, prefix: str) -> list[Words]:
    """Return the commands for the pipguard in `folder`, which the environment `prefix` runs.

    Raises `CannotUpgrade`.
    """
    if os.path.isfile(os.path.join(folder, "installed")):
        return _plan_copy(caller, folder)
    if is_inside(folder, data_folder(caller.environ, "zipapp")):
        raise CannotUpgrade("this pipguard is a single file", "put a newer one in its place")
    if is_inside(folder, _DEBIAN_FOLDER):
        hint = "apt install ./pipguard_*.deb, with a newer one, as root"
        raise CannotUpgrade("this pipguard came as a Debian package", hint)
    if os.path.isfile(os.path.join(prefix, METADATA_NAME)):
        return [_plan_pipx(caller, prefix)]
    if os.path.isfile(os.path.join(prefix, _UV_RECEIPT)):
        uv = locate_program("uv", caller.environ)
        if not uv:
            raise CannotUpgrade("uv installed this pipguard, and there is no uv on PATH")
        return [(uv, "tool", "upgrade", os.path.basename(prefix))]
    if os.path.isfile(os.path.join(folder, "scripts/pipguard")):
        pulling = _plan_pull(caller, folder)
        if not pulling:
            raise CannotUpgrade(f"{folder} follows no other repository, and runs as it is")
        return pulling
    raise CannotUpgrade(f"this pipguard lies in {prefix}", "install it anew there, as before")


def _plan_pipx(caller: Caller, prefix: str) -> Words:
    home = read_pipx_home(caller, make_asker(caller.environ))
    folder, name = os.path.split(os.path.realpath(prefix))
    if folder != os.path.realpath(home.environments):
        problem = f"this pipguard lies in {prefix}, where your pipx does not keep applications"
        raise CannotUpgrade(problem, "who installed it there can upgrade it")
    return (*home.command, "upgrade", name)


def _plan_copy(caller: Caller, folder: str) -> list[Words]:
    """Plan for what `scripts/install` made: its checkout, then the installation, once more."""
    checkout = _read(os.path.join(folder, "checkout"))
    script = os.path.join(checkout, "scripts/install")
    if not checkout or not os.access(script, os.X_OK):
        gone = f"the checkout that it was installed from is gone{checkout and f': {checkout}'}"
        raise CannotUpgrade(gone, "run `scripts/install` in a new one")
    lock = _read(os.path.join(folder, "installed"))
    options = ("--uv",) if lock.strip() == "requirements-uv.txt" else ()
    return [*_plan_pull(caller, checkout), (script, *options)]


def _plan_pull(caller: Caller, checkout: str) -> list[Words]:
    """Plan to fetch what is new in the checkout, if it is a clone that follows another."""
    for inside in ("", "scripts", "scripts/install"):
        path = os.path.join(checkout, inside).rstrip(os.sep)
        problem = describe_foreign(path, caller.user_id)
        if problem:
            raise CannotUpgrade(f"{path} {problem}", "run `scripts/install` in one of your own")
    git = locate_program("git", caller.environ)
    if not git or not os.path.exists(os.path.join(checkout, ".git")):
        return []
    command = (git, "-C", checkout)
    upstream = make_asker(caller.environ)([*command, "rev-parse", "--verify", "-q", "@{upstream}"])
    return [(*command, "pull", "--ff-only")] if upstream else []


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.read(4096)).rstrip("\n")
    except OSError:
        return ""
