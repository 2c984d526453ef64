"""Asks version control whether a path came with a repository.

In: a path, the environment variables. Out: why it may have come from elsewhere, empty when it did
not. A version control system that is there and cannot answer counts as a yes. Git alone is asked,
with a clean environment: the others run what a repository's own configuration says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from pipguard.system.processes import run_captured
from pipguard.system.programs import locate_program

_OTHERS = {
    ".hg": "Mercurial",
    ".svn": "Subversion",
    ".jj": "Jujutsu",
    ".bzr": "Bazaar",
    "_darcs": "Darcs",
    ".pijul": "Pijul",
}


def find_origin(path: str, environ: Mapping[str, str]) -> str:
    """Return why the path may have come with a repository: a clause about it, mostly empty.

    Every enclosing repository is asked: an outer one may track what is in an inner one.
    """
    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    for root in _list_folders_above(real):
        if os.path.lexists(os.path.join(root, ".git")):
            problem = _ask_git(root, os.path.relpath(real, root), environ)
            if problem:
                return problem
        for mark, name in _OTHERS.items():
            if os.path.lexists(os.path.join(root, mark)):
                return f"may have come with the {name} repository {root}"
    return ""


def _list_folders_above(path: str) -> Iterator[str]:
    folder = os.path.dirname(path)
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def _ask_git(root: str, name: str, environ: Mapping[str, str]) -> str:
    git = locate_program("git", environ)
    if not git:
        return f"may be tracked in {root}: git is not there to be asked"
    # Variables such as GIT_DIR and GIT_INDEX_FILE would have git answer about something else, and
    # the repository's own configuration may name a program to run (core.fsmonitor). Without the
    # ceiling git would answer for an outer repository where it does not understand this one.
    variables = {n: value for n, value in environ.items() if not n.startswith("GIT_")}
    variables |= {"GIT_CEILING_DIRECTORIES": os.path.dirname(root), "GIT_OPTIONAL_LOCKS": "0"}
    words = ["-C", root, "-c", "core.fsmonitor=false", "ls-files", "-z", "--", f":(literal){name}"]
    try:
        answer = run_captured([git, *words], {**variables, "LC_ALL": "C"}, timeout=30)
    except (OSError, TimeoutError):
        return f"may be tracked in {root}: git does not answer"
    if answer.exit_status != 0:
        said = os.fsdecode(answer.stderr).strip().partition("\n")[0].removeprefix("fatal: ")
        return f"may be tracked in {root}: git cannot tell ({said})"
    if answer.stdout:
        return "is tracked in version control, so its code came from somewhere else"
    return ""
