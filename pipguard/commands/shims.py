"""`pip guard shims install|remove|status`: makes pipguard the `pip` that scripts and editors find.

In: what to do. Out: a private folder of links, and the line that puts it on PATH. Writes no rc
file, and into no folder that holds a real pip.
"""

from __future__ import annotations

import argparse
import os
import shlex
from dataclasses import asdict

from pipguard.caller import Caller
from pipguard.commands.documents import write_document
from pipguard.discover import locate_pipguard
from pipguard.errors import PipguardError
from pipguard.pip.locate import RealPip
from pipguard.shells.shims import Shims, choose_names, make_shims, read_shims, remove_shims
from pipguard.system.streams import write_output

SUMMARY = "let scripts, Makefiles and editors find pipguard as `pip` on PATH"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the words after the verb."""
    parser = argparse.ArgumentParser("pip guard shims", description=SUMMARY)
    parser.add_argument("action", choices=("install", "remove", "status"))
    parser.add_argument(
        "--python", action="store_true", help="a python3 too: in a project its environment's Python"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def run(caller: Caller, real_pip: RealPip | None, words: list[str]) -> int:
    """Install, remove or show the shims."""
    del real_pip
    options = make_parser().parse_args(words)
    if os.name == "nt":
        raise PipguardError("shims are links, which Windows reserves to administrators")
    try:
        if options.action == "install":
            _install(caller, with_python=options.python)
        elif options.action == "remove":
            remove_shims(read_shims(caller.environ))
    except OSError as error:
        raise PipguardError(f"{error.filename} cannot be changed: {error.strerror}") from error
    shims = read_shims(caller.environ)
    if options.json:
        write_document({**asdict(shims), "path_line": format_path_line(shims, caller)})
    else:
        write_output(format_words(shims, caller))
    return 0


def _install(caller: Caller, *, with_python: bool) -> None:
    shims = read_shims(caller.environ)
    if shims.strangers:
        path = os.path.join(shims.folder, shims.strangers[0])
        raise PipguardError(
            f"{path} is not a shim, so this folder is left alone", "move it away first"
        )
    names = choose_names(caller.environ, with_python=with_python)
    remove_shims(shims)
    make_shims(shims.folder, names, locate_pipguard(caller))


def format_words(shims: Shims, caller: Caller) -> str:
    """Return for people what there is, and what is still to be done."""
    if not shims.names:
        return f"there are no shims in {shims.folder}\n"
    text = f"{shims.folder}: {', '.join(shims.names)}\n"
    if shims.is_first:
        return f"{text}`pip` on PATH is the shim\n"
    why = "another pip comes before it on PATH" if shims.is_on_path else "it is not on PATH"
    todo = f"{why}; add this line at the end of {_name_rc_file(caller)}:"
    return f"{text}{todo}\n{format_path_line(shims, caller)}\n"


def format_path_line(shims: Shims, caller: Caller) -> str:
    """Return the line that puts the folder first on PATH, in the user's shell's words."""
    shell = os.path.basename(caller.environ.get("SHELL", ""))
    if shell == "fish":
        quoted = "'" + shims.folder.replace("\\", "\\\\").replace("'", "\\'") + "'"
        return f"set -gx PATH {quoted} $PATH"
    if shell in {"csh", "tcsh"}:
        return f"setenv PATH {shlex.quote(shims.folder)}:$PATH"
    return f'export PATH={shlex.quote(shims.folder)}:"$PATH"'


def _name_rc_file(caller: Caller) -> str:
    shell = os.path.basename(caller.environ.get("SHELL", ""))
    return {
        "bash": "~/.bashrc",
        "zsh": "~/.zshrc",
        "fish": "~/.config/fish/config.fish",
        "csh": "~/.cshrc",
        "tcsh": "~/.tcshrc",
    }.get(shell, "~/.profile")
