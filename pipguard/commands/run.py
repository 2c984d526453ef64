"""`pip guard run [--] COMMAND …`: runs a command with the project's environment active.

In: a command, or a Python file. Out: that command in our place, with its own exit status and
signals. A file that names its dependencies (PEP 723) gets an environment of its own from pipx, or
from uv with `--uv`. Makes no environment for the project, and changes none.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import replace

from pipguard.caller import Caller
from pipguard.console import write_messages
from pipguard.decide import gather_tools, locate_base
from pipguard.discover import discover
from pipguard.environments.inspect import Environment
from pipguard.environments.pipx import read_pipx_home
from pipguard.errors import PipguardError
from pipguard.execute import Performer, execute_plan
from pipguard.pip.locate import RealPip
from pipguard.plan import Plan, apply_changes
from pipguard.plans.pipx import plan_shared_pip
from pipguard.plans.venv import build_variables
from pipguard.system.processes import make_asker, replace_process
from pipguard.system.programs import locate_programs

SUMMARY = "run a command or a Python file with the project's environment active"

_SCRIPT_BLOCK = b"# /// script"


class CannotRun(PipguardError):
    """The command cannot be run; 127 and 126 are the shell's statuses for it."""

    reference = "cannot-run"
    exit_status = 127


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the words after the verb."""
    parser = argparse.ArgumentParser(
        "pip guard run", description=SUMMARY, usage="%(prog)s [--uv] [--] COMMAND ..."
    )
    parser.add_argument("--uv", action="store_true", help="uv, not pipx, serves a PEP 723 script")
    return parser


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Become the command."""
    parser = make_parser()
    place = next((i for i, word in enumerate(words) if not word.startswith("-")), len(words))
    place = words.index("--") + 1 if "--" in words[:place] else place
    options = parser.parse_args([word for word in words[:place] if word != "--"])
    command = words[place:]
    if not command:
        parser.error("a command is missing")
    file = os.path.join(caller.directory, command[0])
    is_script = command[0].endswith(".py") and os.path.isfile(file)
    if is_script and _names_dependencies(file):
        start, environ = _start_script(caller, real_pip, file, options.uv)
        return _become([*start, *command[1:]], environ)
    environment = _find_environment(caller)
    environ = activate(caller.environ, environment.path)
    if is_script:
        return _become([environment.interpreter, *command], environ)
    return _become([_locate(command[0], caller, environ), *command[1:]], environ)


def activate(environ: Mapping[str, str], environment: str) -> dict[str, str]:
    """Return the variables as an activated environment has them."""
    changed = {**environ, "VIRTUAL_ENV": environment}
    commands = os.path.join(environment, "Scripts" if os.name == "nt" else "bin")
    changed["PATH"] = os.pathsep.join(filter(None, (commands, environ.get("PATH"))))
    changed.pop("PYTHONHOME", None)
    return changed


def _find_environment(caller: Caller) -> Environment:
    environment = discover(caller)[1].place.environment
    if environment.state == "usable":
        return environment
    if environment.state in {"broken", "untrusted"}:
        raise CannotRun(f"{environment.path} is not used: {environment.problem}")
    raise CannotRun(
        f"there is no environment yet: {environment.path}", "`pip install NAME` makes it"
    )


def _locate(name: str, caller: Caller, environ: Mapping[str, str]) -> str:
    if os.sep in name:
        return os.path.join(caller.directory, name)
    for path in locate_programs(name, environ):
        return path
    raise CannotRun(f"{name}: no such command in the environment or on PATH")


def _become(command: list[str], environ: Mapping[str, str]) -> int:
    try:
        replace_process(command, environ)
    except OSError as error:
        problem = CannotRun(f"{command[0]} cannot be started: {error.strerror}")
        problem.exit_status = 127 if isinstance(error, FileNotFoundError) else 126
        raise problem from error


def _names_dependencies(file: str) -> bool:
    """Tell whether the file has a block of its own metadata (PEP 723)."""
    try:
        with open(file, "rb") as opened:
            return any(line.rstrip() == _SCRIPT_BLOCK for line in opened)
    except OSError:
        return False


def _start_script(
    caller: Caller, real_pip: RealPip | None, file: str, wants_uv: bool
) -> tuple[list[str], Mapping[str, str]]:
    """Return the words that run a script with what it asks for, and their variables."""
    if wants_uv:
        for uv in locate_programs("uv", caller.environ):
            return [uv, "run", "--script", file], caller.environ
        raise CannotRun("there is no uv on PATH", "without --uv, pipx runs the script")
    # An older pipx does not know of such scripts; the one that came with us does.
    ours = replace(caller, environ={**caller.environ, "PATH": ""})
    home = read_pipx_home(ours, make_asker(caller.environ))
    base = locate_base(caller, real_pip)
    tools = gather_tools(caller, real_pip, base)
    plan = Plan("run", (plan_shared_pip(home, tools),), pipx_home=home)

    def say(line: str) -> None:
        write_messages(caller, (line,))

    if execute_plan(plan, Performer(caller.environ, say, lambda _: False)).exit_status:
        raise CannotRun(f"virtualenv could not make {home.shared}")
    chosen = (("PIPX_DEFAULT_BACKEND", "pip"), ("PIPX_DEFAULT_PYTHON", base))
    environ = apply_changes(caller.environ, (*build_variables(tools), *chosen))
    return [*home.command, "run", "--path", file], environ
