"""Remembers whether the real pip refuses a command, while all that this depends on is unchanged.

In: the caller, the real pip, the command. Out: the verdict that was stored, or None. The causes are
files and variables: pip, its interpreter, the marker, pip's configuration files and `PIP_*`; of a
file only whether it is there and since when. Never decides anything.

pip 23.0 to 26.3 refuse before they look at a target, so the targets are not among the causes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from pipguard.caller import Caller
from pipguard.pip.command_line import PipCommand
from pipguard.pip.configuration import locate_configuration_files
from pipguard.pip.interpreter import list_import_folders
from pipguard.pip.locate import RealPip
from pipguard.system.cache import Question, make_question, recall_answer, store_answer
from pipguard.system.folders import cache_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    Verdict = Literal["refused", "accepted"]

# What pip looks at only after it has looked for the marker. An option that is not here makes
# another question of the command, which costs one run of pip more and nothing else.
_WITHOUT_INFLUENCE = frozenset(
    {
        "--constraint", "--disable-pip-version-check", "--editable", "--extra-index-url",
        "--find-links", "--force-reinstall", "--group", "--ignore-installed", "--index-url",
        "--no-build-isolation", "--no-cache-dir", "--no-deps", "--no-input", "--no-index", "--pre",
        "--prefer-binary", "--progress-bar", "--quiet", "--requirement",
        "--requirements-from-script", "--retries", "--timeout", "--trusted-host", "--upgrade",
        "--yes",
    }
)  # fmt: skip
# HOME and XDG_* say where configuration lies, PYTHON* which modules there are, the rest is pip's.
_VARIABLES = ("PIP_", "_PIP_", "PYTHON", "XDG_CONFIG_")
_SINGLE_VARIABLES = ("HOME", "APPDATA", "PROGRAMDATA", "DEB_PYTHON_INSTALL_LAYOUT")


def recall_verdict(question: Question, environ: Mapping[str, str]) -> Verdict | None:
    """Return what pip decided while all causes were as they are now; None when it is not known."""
    answer = recall_answer(verdicts_folder(environ), question)
    return "refused" if answer == "refused" else "accepted" if answer == "accepted" else None


def store_verdict(question: Question, verdict: Verdict, environ: Mapping[str, str]) -> None:
    """Remember what pip has decided."""
    store_answer(verdicts_folder(environ), question, verdict)


def verdicts_folder(environ: Mapping[str, str]) -> str:
    """Return the folder of remembered verdicts."""
    return cache_folder(environ, "verdicts")


def find_causes(caller: Caller, real_pip: RealPip, command: PipCommand) -> Question | None:
    """Return everything that the real pip's decision about this command depends on.

    None where files do not tell it: for a program that decides itself which Python to start, and
    for a pip that starts itself again under another Python.
    """
    interpreter = real_pip.interpreter
    if interpreter is None or real_pip.marker is None or caller.home is None:
        return None
    if command.error or command.runs_under or "PIP_PYTHON" in caller.environ:
        return None
    folders = list_import_folders(interpreter, caller.environ, caller.home)
    if not any(os.path.isdir(os.path.join(folder, "pip")) for folder in folders):
        return None
    configuration = locate_configuration_files(caller, interpreter)
    if any(_names_another_python(path) for path in configuration):
        return None
    files = [real_pip.command[0], interpreter, real_pip.marker, *configuration]
    for folder in folders:
        package = os.path.join(folder, "pip")
        files += (folder, package, os.path.join(package, "__init__.py"))
    return make_question(_describe_command(caller, real_pip, command), files)


def _describe_command(caller: Caller, real_pip: RealPip, command: PipCommand) -> Iterator[str]:
    yield from real_pip.command
    yield command.subcommand or ""
    for option in command.options:
        if option.name not in _WITHOUT_INFLUENCE:
            yield f"{option.name}={option.value}"
    for name, value in sorted(caller.environ.items()):
        if name.startswith(_VARIABLES) or name in _SINGLE_VARIABLES:
            yield f"{name}={value}"


def _names_another_python(path: str) -> bool:
    """Tell whether a configuration file may name a Python for pip to start itself again under."""
    try:
        with open(path, "rb") as file:
            lines = file.read().lower().splitlines()
    except OSError:
        return False
    return any(line.lstrip(b" \t-").startswith(b"python") for line in lines)
