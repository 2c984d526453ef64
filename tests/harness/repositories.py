"""Git repositories with a history of their own, by the real git.

In: a folder, words for git. Out: the repository as git left it.
"""

from __future__ import annotations

from pathlib import Path

from harness.running import run_command

PERSON = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "A",
          "GIT_COMMITTER_EMAIL": "a@b"}  # fmt: skip


def git(folder: Path, *words: str) -> None:
    """Run git in a folder."""
    done = run_command(["git", *words], folder, env=PERSON)
    assert done.status == 0, done.err


def commit(folder: Path, subject: str) -> None:
    """Commit all that is there."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", subject)
