"""Entry point: hands the command line to the real pip at once unless pipguard could be needed.

In: the command line; nothing else reads `sys.argv`, `os.environ` or the current folder. Out: an
exit status, or the real pip in our place. Most commands end here, before anything heavy is
imported; `pipeline` takes the others.
"""

from __future__ import annotations

import os
import stat
import sys

from pipguard.environments.nearby import OWN_FOLDER, may_follow
from pipguard.pip.handover import become, hand_over, is_switched_off
from pipguard.pip.interpreter import locate_environment_of
from pipguard.pip.locate import (
    RealPip,
    can_refuse,
    is_shim,
    locate_module_of,
    locate_others,
    locate_real_pip,
)
from pipguard.system.processes import Terminated, die_of_signal, end_at_once
from pipguard.system.streams import write_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from pipguard.caller import Caller


class _Shell:
    """What the shell integration tells: the name that was typed, and the file that it reads."""

    __slots__ = ("note", "outcome_file", "program")

    def __init__(self, program: str, note: str | None, outcome_file: str | None) -> None:
        self.program = program
        self.note = note
        self.outcome_file = outcome_file


def main() -> int:
    """Run one command line; return the exit status (the real pip's, as far as it decided)."""
    if "PIPGUARD_OUTCOME" in os.environ and not is_switched_off(os.environ):
        return _run_with_summary()
    shell = _take_shell_variables()
    _leave_elsewhere(os.environ)
    if shell.program.startswith("python") and is_shim(sys.argv[0]):
        if sys.argv[1:3] != ["-m", "pip"]:
            return _run_python(shell)
        sys.argv[1:3] = []
    return _run_pip(shell)


def _run_pip(shell: _Shell) -> int:
    argv = sys.argv[1:]
    locate = locate_module_of if shell.program.startswith("python") else locate_real_pip
    real_pip = locate(shell.program, os.environ, sys.argv[0])
    try:
        if _asks_for_our_words():
            from pipguard.commands.completion import complete

            end_at_once(complete(_read_caller(shell), real_pip))
        if real_pip and _asks_for_installed_names():
            from pipguard.pipeline import complete_installed_names

            end_at_once(complete_installed_names(_read_caller(shell), real_pip))
        if _calls_guard(argv):
            return _run_guard_command(real_pip, shell)
        if real_pip and (is_switched_off(os.environ) or not _may_be_needed(real_pip, argv)):
            if is_switched_off(os.environ) or not _is_in_ours(real_pip, argv):
                return hand_over(real_pip, argv, os.environ)
            from pipguard.pipeline import run_in_ours

            end_at_once(run_in_ours(_read_caller(shell), real_pip))
        from pipguard.pipeline import run_pipeline

        end_at_once(run_pipeline(_read_caller(shell), real_pip))
    except KeyboardInterrupt:
        return 130
    except Terminated as signal:
        die_of_signal(signal.number)


def _run_with_summary() -> int:
    """Run this very command line in a child, and end with a line about it."""
    from pipguard.summary import run_with_summary

    try:
        return run_with_summary((sys.executable, *sys.orig_argv[1:]), os.environ)
    except KeyboardInterrupt:
        return 130
    except Terminated as signal:
        die_of_signal(signal.number)


def _run_python(shell: _Shell) -> int:
    """Run the interpreter that our `python3` shim stands for, in place of this process."""
    real = next(locate_others(shell.program, os.environ, sys.argv[0]), "")
    if not real:
        write_error(f"pipguard: there is no {shell.program} on PATH but its shim\n".encode())
        return 127
    chosen = real
    if not is_switched_off(os.environ):
        from pipguard.shells.python_shim import choose_python

        chosen = choose_python(_read_caller(shell), real)
    return become((chosen, *sys.argv[1:]), os.environ)


def _take_shell_variables() -> _Shell:
    """Read what the shell integration tells, and remove it: it is not for our children."""
    name = os.environ.pop("PIPGUARD_CALLED_AS", "") or os.path.basename(sys.argv[0])
    outcome_file = os.environ.pop("PIPGUARD_OUTCOME_FILE", None)
    return _Shell(name, os.environ.pop("PIPGUARD_NOTE", None), outcome_file)


def _leave_elsewhere(environ: MutableMapping[str, str]) -> None:
    """Leave an environment that the shell integration activated, outside of its project.

    Nobody but pipguard chose it: what is typed elsewhere is not meant for it. What the user
    activated counts everywhere.
    """
    active = environ.get("VIRTUAL_ENV")
    if not active or environ.get("PIPGUARD_ACTIVATED") != active or is_switched_off(environ):
        return
    project = os.path.join(os.path.dirname(active), "")
    if os.path.join(_read_directory(), "").startswith(project):
        return
    del environ["VIRTUAL_ENV"]  # PIPGUARD_ACTIVATED still names what the shell leaves
    programs = os.path.join(active, "Scripts" if os.name == "nt" else "bin")
    entries = environ.get("PATH", "").split(os.pathsep)
    environ["PATH"] = os.pathsep.join(entry for entry in entries if entry != programs)


def _may_be_needed(real_pip: RealPip, argv: Sequence[str]) -> bool:
    """Tell whether pip might refuse these words, or answer about the wrong environment."""
    if not real_pip.may_be_marked:
        return False
    return can_refuse(real_pip, argv) or may_follow(argv, os.environ, _read_directory())


def _asks_for_our_words() -> bool:
    """Tell whether a shell asks to complete a word of `pip guard`."""
    words = os.environ.get("COMP_WORDS", "").split()
    return "PIP_AUTO_COMPLETE" in os.environ and words[1:2] == ["guard"]


def _asks_for_installed_names() -> bool:
    """Tell whether a shell asks pip to complete a word after `uninstall` or `show`."""
    if "PIP_AUTO_COMPLETE" not in os.environ or is_switched_off(os.environ):
        return False
    words = os.environ.get("COMP_WORDS", "").split()
    is_named = "uninstall" in words or "show" in words
    return is_named and may_follow(["list"], os.environ, _read_directory())


def _is_in_ours(real_pip: RealPip, argv: Sequence[str]) -> bool:
    """Tell whether the words may change an environment that pipguard made or activated."""
    if "install" not in argv and "uninstall" not in argv:
        return False
    environment = locate_environment_of(real_pip.command[0])
    if environment is None:
        return False
    is_activated = os.environ.get("PIPGUARD_ACTIVATED") == environment
    return is_activated or os.path.isdir(os.path.join(environment, OWN_FOLDER))


def _calls_guard(argv: list[str]) -> bool:
    """Tell whether this is a command of ours, which no pip has.

    General options before it, which an alias may have put there (`pip --proxy …`), become variables
    that say the same to every pip that the command starts.
    """
    if "guard" in argv[1:] and argv[0].startswith("-"):
        from pipguard.pip.command_line import parse_command
        from pipguard.pip.configuration import make_variables

        command = parse_command(argv)
        if command.place > 0 and argv[command.place] == "guard":
            os.environ.update(make_variables(command.general_options))
            del argv[: command.place]
            sys.argv[1:] = argv
    return argv[:1] == ["guard"]


def _run_guard_command(real_pip: RealPip | None, shell: _Shell) -> int:
    from pipguard.commands import run_verb

    return run_verb(_read_caller(shell), real_pip)


def _read_directory() -> str:
    """Return the current folder; for one that was removed meanwhile `/`, where nothing is made."""
    try:
        return os.getcwd()
    except OSError:
        return os.sep


def _read_new_output() -> tuple[int, int] | None:
    """Return device and inode of stdout if it is an empty file: the shell has just made it."""
    try:
        status = os.fstat(1)
    except OSError:
        return None
    is_new = stat.S_ISREG(status.st_mode) and status.st_size == 0
    return (status.st_dev, status.st_ino) if is_new else None


def _read_caller(shell: _Shell) -> Caller:
    from pipguard.caller import Caller

    home = os.path.realpath(os.path.expanduser("~"))
    return Caller(
        program=shell.program,
        itself=sys.argv[0],
        python=sys.executable,
        argv=tuple(sys.argv[1:]),
        environ=dict(os.environ),
        directory=_read_directory(),
        home=home if os.path.isabs(home) else None,
        user_id=os.geteuid() if hasattr(os, "geteuid") else None,
        new_output=_read_new_output(),
        note=shell.note,
        outcome_file=shell.outcome_file,
        is_shim=is_shim(sys.argv[0]),
        is_terminal=os.isatty(0) and os.isatty(2),
        has_error_terminal=os.isatty(2),
    )
