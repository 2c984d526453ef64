"""Plans an install or a removal by the operating system's package manager.

In: a `ToSystem` route, the command, the manager that serves it. Out: a `Plan`. Pure.
"""

from __future__ import annotations

import shlex

from pipguard.package_managers.types import PackageManager, Words
from pipguard.pip.command_line import PipCommand
from pipguard.plan import Plan, Step
from pipguard.route import ToSystem


def plan_system(route: ToSystem, command: PipCommand, manager: PackageManager) -> Plan:
    """Return the one command that the package manager is given."""
    packages = [package.package for package in route.packages]
    is_removal = command.subcommand == "uninstall"
    start = manager.remove_start if is_removal else manager.install_start
    words = (route.program, *start[1:], *packages)
    # pip asks before it removes; the package manager is told not to ask, so that we can.
    asks = is_removal and not command.has("--yes")
    step = make_step("remove them" if is_removal else "install them", words, route.sudo, asks=asks)
    # pip's uninstall ends well when the answer is no; an install that was not done has failed.
    return Plan("system", (step,), exit_status=0 if is_removal else 1)


def make_step(purpose: str, words: Words, sudo: str, *, asks: bool) -> Step:
    """Return a step in a package manager; `sudo` is its path where it is needed, which asks, too.

    What a package manager prints goes to stderr, because stdout is pip's alone.
    """
    words = (sudo, *words) if sudo else words
    question = f"pipguard: run `{shlex.join(words)}`? (Y/n) " if sudo or asks else ""
    variables = (("DEBIAN_FRONTEND", "noninteractive"),)
    return Step(purpose, words, variables, "aside", "", question)
