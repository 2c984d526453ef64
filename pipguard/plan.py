"""A plan: the steps of a command, as a value that can be printed before it is performed.

`explain` prints it, `execute` performs it, tests compare it. The files in `plans/` make it.
"""

from __future__ import annotations

from pipguard.environments.create import Creation
from pipguard.environments.pipx import PipxHome
from pipguard.pip.configuration import Variables
from pipguard.system.frozen import dataclass
from pipguard.system.programs import drop_relative_entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    Mode = Literal["foreground", "aside", "quiet", "pipx", "uv"]


@dataclass(frozen=True, slots=True)
class Step:
    """One command to run."""

    purpose: str
    """What it is for; a clause for people."""
    command: tuple[str, ...]
    environ: Variables = ()
    mode: Mode = "foreground"
    """On the user's terminal, there with stdout on stderr, unseen unless it fails, as pipx; or as
    uv, of which stdout tells what pip would have told."""
    subject: str = ""
    """The target that it is about, as the user wrote it, where there are several steps."""
    question: str = ""
    """Asked first; unless the answer is yes, the step is left out."""
    makes: str = ""
    """An environment with pip that it makes, under the name `draft_of` this one; renamed when it is
    whole. The step is left out when there is a whole one already."""
    application: str = ""
    """The application of pipx's that it changes, by its normalised name."""
    plugin: str = ""
    """What is added to that application or taken out of it, where that is not the application."""
    is_removal: bool = False
    """Whether it is to be gone afterwards."""
    otherwise: tuple[Step, ...] = ()
    """Tried in its place when pipx finds that the target has no command of its own."""
    fallback: Plan | None = None
    """Performed in its place when the target has no command at all."""
    names: tuple[str, ...] = ()
    """The normalised names of what uv was asked for."""
    directory: str = ""
    """The folder that uv's command is run in."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done, in order."""

    route: str
    """`venv`, `pipx`, `system`, `override`, `pass`, `undo`, `rescue` or `declined`."""
    steps: tuple[Step, ...]
    environment: str | None = None
    """Folder of the environment that the steps change, which one run at a time may do."""
    creation: Creation | None = None
    pipx_home: PipxHome | None = None
    """The pipx that the steps run, where they do."""
    exit_status: int = 0
    """What it ends with when no step was performed: there is none, or the user said no."""
    installer: str = "pip"
    """`pip`, or `uv` by the user's word."""
    removal: str | None = None
    """Folder of an environment that is removed when the steps have succeeded."""
    notes: tuple[str, ...] = ()
    """What was decided on the way; one clause each."""
    closing: str = ""
    """What is said when it has succeeded."""
    advice: str = ""
    """What to do when it fails, where that is known beforehand."""

    @property
    def place(self) -> str | None:
        """What one run at a time may change: an environment, or all that is pipx's."""
        return self.environment or (self.pipx_home.environments if self.pipx_home else None)

    def list_commands(self) -> tuple[tuple[str, ...], ...]:
        """Return its commands in order, each as its words."""
        creation = (self.creation.command,) if self.creation else ()
        return (*creation, *(step.command for step in self.steps))


def apply_changes(environ: Mapping[str, str], changes: Variables) -> dict[str, str]:
    """Return the variables for a step: with the changes made, and no relative entry in PATH."""
    changed = drop_relative_entries(environ)
    for name, value in changes:
        changed.pop(name, None)
        if value is not None:
            changed[name] = value
    return changed
