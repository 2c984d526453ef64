"""Interrupting pipguard before each of its steps, and what must hold afterwards.

In: a state of a home and a project, a command line. Out: the steps of the command, and the same
state again for each of them. Deterministic: a step is chosen by its number, never by a time.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conftest import CHECKOUT

from harness.running import Environment, Result, run_command

_BESIDE = re.compile(r"xdg-cache|__pycache__|os\.mkdir H/xdg-(state|data)|include")
PROGRAM = Path(__file__).with_name("interrupting.py")


@dataclass(frozen=True, slots=True)
class Interrupter:
    """Runs pipguard in `project`, with a signal before a step."""

    folder: Path
    """For what is kept meanwhile."""
    project: Path
    home: Path

    def run(self, words: Sequence[str], signal: str, at: int, env: Environment) -> Result:
        """Run it; without a step of that number it runs to its end."""
        log, start = str(self.folder / "steps"), str(CHECKOUT / "scripts/start.py")
        watching = [sys.executable, "-I", str(PROGRAM), signal, str(at), log]
        return run_command([*watching, start, "pipguard", *words], self.project, env)

    def list_steps(self, words: Sequence[str], env: Environment) -> list[int]:
        """Return the number of the first step of each kind, after running all of them.

        Caches, bytecode and the folders that are made once are left out.
        """
        assert self.run(words, "SIGTERM", 0, env).status == 0
        kinds: dict[str, int] = {}
        for number, line in enumerate((self.folder / "steps").read_text().splitlines(), 1):
            kinds.setdefault(self._name_kind(line), number)
        return [number for kind, number in kinds.items() if not _BESIDE.search(kind)]

    def find_step(self, beginning: str) -> int:
        """Return the number of the last step of the last run that begins so (P is the project)."""
        lines = (self.folder / "steps").read_text().replace(str(self.project), "P").splitlines()
        return max(n for n, line in enumerate(lines, 1) if line.startswith(beginning))

    def read_step(self, number: int) -> str:
        """Return the step of that number in the last run."""
        lines = (self.folder / "steps").read_text().splitlines()
        return lines[number - 1] if number <= len(lines) else "after its last step"

    def _name_kind(self, line: str) -> str:
        """Return a step without what differs between one file and the next of its kind."""
        line = line.replace(str(self.project), "P").replace(str(self.home), "H")
        line = re.sub(r"(site-packages|\.pipguard/former|/\.pipguard)/\S+", r"\1/…", line)
        return re.sub(r"[0-9a-f]{8,}|\d+", "N", line)

    def save(self) -> None:
        """Keep the state as it is now."""
        for path in (self.project, self.home):
            shutil.rmtree(self.folder / path.name, ignore_errors=True)
            shutil.copytree(path, self.folder / path.name, symlinks=True)

    def restore(self) -> None:
        """Bring the saved state back, at the same paths."""
        for path in (self.project, self.home):
            for inside in path.iterdir():
                if inside.is_dir() and not inside.is_symlink():
                    shutil.rmtree(inside)
                else:
                    inside.unlink()
            shutil.copytree(self.folder / path.name, path, symlinks=True, dirs_exist_ok=True)
