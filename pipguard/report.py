"""Turns what was decided and what became of it into words.

In: a `Decision`, an `Outcome`, an error. Out: lines without our prefix, each understandable alone
and without colour. Pure: writes nothing, reads nothing. At most four lines for one command, and
every command in them can be copied as it stands.
"""

from __future__ import annotations

import os

from pipguard.doors import dataclass
from pipguard.environment import interpreter_path
from pipguard.route import Declined, FromPipx, ToOverride, ToPipx, ToRehearsal, ToSystem, ToVenv

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipguard.decide import Decision
    from pipguard.errors import PipguardError
    from pipguard.execute import Outcome
    from pipguard.follow import FollowUp
    from pipguard.pipx_home import InstalledApplication, PipxHome
    from pipguard.wariness import Program

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+")
OPT_OUT = "PIPGUARD=off before the command leaves it to the system's pip"

_ENVIRONMENTS = {
    "active": "the active",
    "conda": "the active",
    "personal": "your personal",
    "pipx": "pipx's",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: where they stand and which shell they type into."""

    directory: str
    shell: str
    """Its program's name, such as `bash`."""
    path: tuple[str, ...] = ()
    """The folders of their PATH, where it matters which they are."""
    activates: bool = False
    """Whether their shell activates a project's environment after an install."""


def describe_decision(decision: Decision, reader: Reader) -> tuple[str, ...]:
    """Return what is about to happen and why, before it does."""
    route = decision.route
    if isinstance(route, Declined):
        return tuple(filter(None, (route.reason, route.hint)))
    is_idle = isinstance(route, ToVenv) and route.is_idle
    if is_idle or isinstance(route, ToRehearsal | ToOverride):
        return ()
    first = f"{_describe_refusal(decision)}, so {_describe_route(decision, reader)}"
    notes = "; ".join(decision.plan.notes)
    return (first, notes) if notes else (first,)


def describe_doubts(decision: Decision) -> str:
    """Return the question that only the user can answer; yes is pipx."""
    names = " and ".join(f"`{name}`" for name in decision.doubts)
    if len(decision.doubts) == 1:
        return f"{names} may be a library or an application: do you only run it, never import it?"
    return f"{names} may be libraries or applications: do you only run them, never import them?"


def describe_outcome(decision: Decision, outcome: Outcome, reader: Reader) -> tuple[str, ...]:
    """Return what the user does next, or what was taken back; empty where pip said it all."""
    route = decision.route
    if isinstance(route, ToPipx) and outcome.diverted and outcome.exit_status == 0:
        return (_describe_next(_shorten(route.environment.path, reader), reader),)
    if isinstance(route, ToSystem) and outcome.exit_status == 0 and not outcome.declined:
        return ("`pip guard undo` takes that back",)
    if not isinstance(route, ToVenv):
        return ()
    path = _shorten(route.environment.path, reader)
    if outcome.has_removed:
        return (f"{path} is removed again, nothing was kept",)
    is_install = decision.command.subcommand == "install" and outcome.exit_status == 0
    if not is_install or route.is_idle:
        return ()
    if decision.surroundings.place.origin in {"active", "conda"}:
        return ()
    if reader.activates and decision.surroundings.place.origin == "project":
        return (f"{path} is active in this shell now, `deactivate` leaves it",)
    return (_describe_next(path, reader),)


def describe_standing_back(program: Program) -> str:
    """Return why nothing was redirected, and how it is."""
    if program.kind == "notebook":
        return "in a notebook, `%pip install NAME` installs where the notebook's Python looks"
    return (
        f"called by {program.name}, so nothing is redirected; "
        "PIPGUARD_ROUTE=venv in its environment sends this to the project's .venv"
    )


def describe_follow_up(followed: FollowUp, reader: Reader) -> tuple[str, ...]:
    """Return which environment pip's answer is about."""
    path = _shorten(followed.environment.path, reader)
    if followed.plan is None:
        problem = followed.environment.problem
        return (f"{path} is not used: {problem}; this is about the system's own packages",)
    whose = _ENVIRONMENTS.get(followed.origin, "the project's")
    return (f"this is about {whose} environment {path}",)


def describe_applications(
    applications: Sequence[InstalledApplication], home: PipxHome, reader: Reader
) -> tuple[str, ...]:
    """Return which commands there are now, and how to reach them."""
    if not applications:
        return ()
    is_reachable = home.programs in reader.path
    commands = [command for application in applications for command in application.commands]
    words = commands if is_reachable else [os.path.join(home.programs, c) for c in commands]
    shown = ", ".join(f"`{_quote(word)}`" for word in words[:6])
    more = f" and {len(words) - 6} more" if len(words) > 6 else ""
    named = ", ".join(f"{one.name} {one.version}" for one in applications)
    verb = "is" if len(applications) == 1 else "are"
    ready = f"{named} {verb} ready: run {shown}{more}"
    if is_reachable:
        return (ready,)
    command = " ".join(map(_quote, [*home.command, "ensurepath"]))
    return (ready, f"{home.programs} is not on PATH: `{command}`, then open a new shell")


def describe_removed(names: Sequence[str]) -> tuple[str, ...]:
    """Return which applications are gone."""
    return (f"uninstalled {', '.join(f'`{name}`' for name in names)}",) if names else ()


def describe_failures(outcome: Outcome) -> tuple[str, ...]:
    """Return which targets failed, by name: there may be several, and others succeeded."""
    named = [f"`{subject}`" for subject in outcome.failed if subject]
    return (f"this failed: {', '.join(named)}",) if named else ()


def describe_error(error: PipguardError) -> tuple[str, ...]:
    """Return an expected failure and what to do about it."""
    return tuple(filter(None, (error.message, error.hint and f"hint: {error.hint}")))


def format_lines(lines: Sequence[str]) -> bytes:
    """Return the lines as they are written: prefixed, and with nothing that moves a cursor."""
    text = "".join(f"pipguard: {_show_plainly(line)}\n" for line in lines)
    return text.encode("utf-8", "backslashreplace")


def _describe_refusal(decision: Decision) -> str:
    if decision.real_pip is None:
        return f"There is no pip for {decision.base}"
    return f"{decision.manager} manages {decision.base}"


def _describe_route(decision: Decision, reader: Reader) -> str:
    route = decision.route
    what = _describe_targets(decision)
    if isinstance(route, ToPipx):
        return f"{what} to pipx{_in_brackets(route.reason)}"
    if isinstance(route, FromPipx):
        return f"pipx takes away {', '.join(f'`{name}`' for name in route.names)}"
    if isinstance(route, ToSystem):
        return _describe_packages(route, decision.command.subcommand == "uninstall")
    if not isinstance(route, ToVenv):
        return ""
    path = _shorten(route.environment.path, reader)
    if decision.command.subcommand == "uninstall":
        return f"pip works in {path}"
    place = decision.surroundings.place
    fresh = " (made anew)" if route.rebuilds else " (new)" if decision.plan.creation else ""
    if place.origin == "personal":
        return f"{what} to your personal environment {path}{fresh}: {place.reason}"
    return f"{what} to {path}{fresh}{_in_brackets(route.reason)}"


def _describe_packages(route: ToSystem, is_removal: bool) -> str:
    if is_removal:
        return f"{route.manager} removes {', '.join(p.package for p in route.packages)}"
    named = ", ".join(f"{p.package} {p.version}" for p in route.packages[:6])
    more = f" and {len(route.packages) - 6} more" if len(route.packages) > 6 else ""
    return f"{route.manager} installs {named}{more}"


def _describe_targets(decision: Decision) -> str:
    command = decision.command
    words = [*command.targets, *(f"-e {path}" for path in command.editables)]
    words += [f"-r {path}" for path in command.requirement_files]
    words += [f"--group {group}" for group in command.groups]
    if not words:
        return "this goes"
    if len(words) > 4:
        return f"`{words[0]}` and {len(words) - 1} more go"
    return ", ".join(f"`{word}`" for word in words) + (" goes" if len(words) == 1 else " go")


def _describe_next(path: str, reader: Reader, system: str = os.name) -> str:
    """Return how to use the environment (`system` as in `os.name`)."""
    if system == "nt":
        python, activate = interpreter_path(path, system), f"{path}\\Scripts\\activate"
        return f'run your code with `"{python}"`, or activate it: `"{activate}"`'
    python = _quote(os.path.join(path, "bin", "python"))
    script = {"fish": "activate.fish", "csh": "activate.csh", "tcsh": "activate.csh"}.get(
        reader.shell, "activate"
    )
    word = "." if script == "activate" else "source"
    activate = _quote(os.path.join(path, "bin", script))
    return f"run your code with `{python}`, or activate it: `{word} {activate}`"


def _quote(word: str) -> str:
    """Return the word as a POSIX shell takes it; most need nothing, not even the import."""
    if word and set(word) <= _PLAIN:
        return word
    import shlex

    return shlex.quote(word)


def _shorten(path: str, reader: Reader) -> str:
    """Return the path as the user would type it: relative where it lies in the current folder."""
    inside = reader.directory.rstrip(os.sep) + os.sep
    return path.removeprefix(inside) if path.startswith(inside) else path


def _in_brackets(reason: str) -> str:
    return f": {reason}" if reason else ""


def _show_plainly(line: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
