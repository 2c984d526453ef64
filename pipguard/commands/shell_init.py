"""`pip guard shell-init SHELL`: prints the script that puts pipguard into a shell.

In: the shell's name. Out: on stdout, what `eval` in that shell's rc file reads; or, with `--save`,
a file with that script and the line that reads it. Changes no rc file.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

from pipguard.caller import Caller
from pipguard.discover import discover, locate_pipguard
from pipguard.errors import PipguardError
from pipguard.pip.interpreter import list_interpreter_names
from pipguard.pip.locate import RealPip
from pipguard.shells.script import COMPLETED, SHELLS, Wanted, build_completion, build_script
from pipguard.system.folders import cache_folder, data_folder
from pipguard.system.streams import write_output

SUMMARY = "print what puts pip into your shell: activation after an install, completion"

_OTHER_NAMES = {"pwsh": "powershell"}


class UnknownShell(PipguardError):
    """There is no text for this shell."""

    reference = "unknown-shell"
    exit_status = 2


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the words after the verb."""
    parser = argparse.ArgumentParser(
        "pip guard shell-init",
        description=SUMMARY,
        epilog='In ~/.bashrc: eval "$(pipguard guard shell-init bash)"; in zsh the same; in '
        "fish's config: pipguard guard shell-init fish | source; in PowerShell's profile: "
        "pipguard guard shell-init powershell | Out-String | Invoke-Expression.",
    )
    parser.add_argument("shell", nargs="?", default="", help=", ".join(SHELLS))
    parser.add_argument("--python", action="store_true", help="catch `python3 -m pip` too")
    parser.add_argument(
        "--cd", action="store_true", help="activate environments on entering their project"
    )
    parser.add_argument(
        "--save", action="store_true", help="write it to a file and print the line that reads it"
    )
    parser.add_argument(
        "--completion", action="store_true", help="only what completes the command `pipguard`"
    )
    parser.add_argument("--locate", action="store_true", help=argparse.SUPPRESS)
    return parser


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:  # noqa: ARG001
    """Print the script of the shell that is named."""
    options = make_parser().parse_args(words)
    if options.locate:
        write_output(_locate_environment(caller))
        return 0
    shell = _OTHER_NAMES.get(options.shell, options.shell)
    known = COMPLETED if options.completion else SHELLS
    if shell not in known:
        named = f"unknown shell `{options.shell}`" if shell else "which shell?"
        raise UnknownShell(named, f"there are: {', '.join(known)}")
    if options.completion:
        write_output(build_completion(shell, locate_pipguard(caller)))
        return 0
    script = build_script(shell, _gather(caller, options.python, options.cd))
    if not options.save:
        write_output(script)
        return 0
    write_output(f"{_line_for(shell, _save(caller, shell, script))}\n")
    return 0


def _gather(caller: Caller, catches_python: bool, follows_folder: bool) -> Wanted:
    pythons = (
        ("python", "python3", *list_interpreter_names(caller.environ)) if catches_python else ()
    )
    notes = cache_folder(caller.environ, "notes")
    return Wanted(locate_pipguard(caller), notes, pythons, follows_folder)


def _save(caller: Caller, shell: str, script: str) -> str:
    folder = data_folder(caller.environ)
    path = os.path.join(folder, f"shell-init.{shell}")
    try:
        os.makedirs(folder, exist_ok=True)
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(script)
        os.replace(f"{path}.new", path)
    except OSError as error:
        raise PipguardError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _line_for(shell: str, path: str) -> str:
    word = {"fish": "source", "powershell": "."}.get(shell, ".")
    return f"{word} {SHELLS[shell].quote(path)}"


def _locate_environment(caller: Caller) -> str:
    """Return the trusted environment of the current project and a zero byte; else nothing."""
    environ = {k: v for k, v in caller.environ.items() if k not in {"VIRTUAL_ENV", "CONDA_PREFIX"}}
    asked = replace(caller, environ=environ)
    place = discover(asked)[1].place
    is_ready = place.origin == "project" and place.environment.state == "usable"
    return f"{place.environment.path}\0" if is_ready else ""
