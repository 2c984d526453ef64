"""Everything that decides whether the real pip refuses a command.

In: the caller, the real pip, the command. Out: a `Question` for the memory, or None where the files
do not tell the whole story. Reads only whether and since when files are there. Never decides.

pip 23.0 to 26.3 refuse before they look at a target, so the targets are not among the causes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from pipguard.caller import Caller
from pipguard.memory import Question, make_question
from pipguard.parse import PipCommand
from pipguard.pip_configuration import locate_configuration_files
from pipguard.real_pip import RealPip, list_site_folders

# What pip looks at only after it has asked for the marker. An option that is not here makes another
# question of the command, which costs one run of pip more and nothing else.
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


def find_causes(caller: Caller, real_pip: RealPip, command: PipCommand) -> Question | None:
    """Return what the real pip's decision about this command hangs on.

    None for a program that decides itself which Python to start, and for a pip that starts itself
    again under another one.
    """
    interpreter = real_pip.interpreter
    if interpreter is None or real_pip.marker is None or caller.home is None:
        return None
    if command.error or command.runs_under or "PIP_PYTHON" in caller.environ:
        return None
    packages = list(_list_packages(caller, interpreter))
    if not any(os.path.isdir(os.path.join(folder, "pip")) for folder in packages):
        return None
    configuration = locate_configuration_files(caller, interpreter)
    if any(_sends_elsewhere(path) for path in configuration):
        return None
    files = [real_pip.command[0], interpreter, real_pip.marker, *configuration]
    for folder in packages:
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


def _sends_elsewhere(path: str) -> bool:
    """Tell whether a configuration file may name another Python for pip to start again under."""
    try:
        with open(path, "rb") as file:
            lines = file.read().lower().splitlines()
    except OSError:
        return False
    return any(line.lstrip(b" \t-").startswith(b"python") for line in lines)


def _list_packages(caller: Caller, interpreter: str) -> Iterator[str]:
    """Return the folders where this interpreter looks for a pip, existing or not."""
    yield from list_site_folders(interpreter, caller.environ, caller.home or "")
    entries = caller.environ.get("PYTHONPATH")
    if entries:
        yield from (entry or os.curdir for entry in entries.split(os.pathsep))
