"""One file per destination: a route becomes a plan.

In: a `Route` and what is needed to word its commands. Out: a `Plan`: a value that can be printed
before it is performed (`explain`), performed (`execute`) and compared (tests). Never performs
anything itself.
"""

from __future__ import annotations

from pipguard.doors import dataclass
from pipguard.pipx_home import PipxHome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Mode = Literal["foreground", "aside", "quiet", "pipx"]


@dataclass(frozen=True, slots=True)
class Step:
    """One command to run."""

    purpose: str
    """What it is for; a clause for people."""
    command: tuple[str, ...]
    environ: tuple[tuple[str, str | None], ...] = ()
    """Variables to change, None to take one away."""
    mode: Mode = "foreground"
    """On the user's terminal, there with stdout on stderr, unseen unless it fails, or as pipx."""
    subject: str = ""
    """The target that it is about, as the user wrote it, where there are several steps."""
    question: str = ""
    """Asked first; unless the answer is yes, the step is left out."""
    only_if_missing: str = ""
    """A path; what stands there already makes the step needless."""
    otherwise: tuple[Step, ...] = ()
    """Tried in its place when pipx finds that the target has no command of its own."""
    fallback: Plan | None = None
    """Performed in its place when it has no command at all."""


@dataclass(frozen=True, slots=True)
class Creation:
    """An environment to be made before the steps, and removed again when they fail."""

    path: str
    step: Step
    replaces_broken: bool = False
    """Whether a broken environment is set aside first; it comes back when this fails."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done, in order."""

    route: str
    """`venv`, `pipx`, `system`, `override`, `pass`, `undo` or `declined`."""
    steps: tuple[Step, ...]
    environment: str | None = None
    """Folder of the environment that the steps change, which one run at a time may do."""
    creation: Creation | None = None
    pipx_home: PipxHome | None = None
    """The pipx that the steps run, where they do."""
    exit_status: int = 0
    """What it ends with when no step was performed: there is none, or the user said no."""
    removal: str | None = None
    """Folder of an environment that goes when the steps have succeeded."""
    notes: tuple[str, ...] = ()
    """What was decided on the way; one clause each."""
