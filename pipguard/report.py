"""Turns a decision, an outcome or an error into lines for the user.

In: a `Decision`, an `Outcome`, an error. Out: lines without the prefix, each understandable alone
and without colour, and the bytes that show them. Pure: writes nothing, reads nothing. At most four
lines for one command, and every command in them can be copied as it is.
"""

from __future__ import annotations

import os

from pipguard.environments.inspect import interpreter_path
from pipguard.route import Declined, FromPipx, ToOverride, ToPipx, ToRehearsal, ToSystem, ToVenv
from pipguard.system.frozen import dataclass
from pipguard.system.quoting import quote_word
from pipguard.system.secrets import mask_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipguard.decide import Decision
    from pipguard.environments.pipx import InjectedDistribution, InstalledApplication, PipxHome
    from pipguard.errors import PipguardError
    from pipguard.execute import Outcome
    from pipguard.follow import FollowUp
    from pipguard.shells.callers import Program

OPT_OUT = "PIPGUARD=off before the command leaves it to the system's pip"

_ENVIRONMENTS = {
    "active": "the active",
    "conda": "the active",
    "personal": "your personal",
    "pipx": "pipx's",
}
_DIM, _BOLD, _PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: the folder that they are in and the shell that they type into."""

    directory: str
    shell: str
    """Its program's name, such as `bash`."""
    path: tuple[str, ...] = ()
    """The folders of their PATH, where it matters which they are."""
    activates: bool = False
    """Whether their shell activates a project's environment after an install."""
    guard: str = "pip guard"
    """How they call pipguard's own commands."""
    home: str = ""
    """Their home folder, empty where it is not known."""
    left: str = ""
    """The environment of another project, which their shell still has activated."""


def describe_decision(decision: Decision, reader: Reader) -> tuple[str, ...]:
    """Return what is about to happen and why, before it does."""
    route = decision.route
    if isinstance(route, Declined):
        hint = route.hint.replace("`pip guard ", f"`{reader.guard} ")
        return tuple(filter(None, (route.reason, hint)))
    is_idle = isinstance(route, ToVenv) and route.is_idle
    if is_idle or isinstance(route, ToRehearsal | ToOverride):
        return ()
    first = _describe_route(decision, reader)
    notes = "; ".join(decision.plan.notes)
    return (first, notes) if notes else (first,)


def name_destination(decision: Decision, reader: Reader) -> str:
    """Return the words of the first line that name the place; empty where it names none."""
    route = decision.route
    if isinstance(route, ToVenv):
        return shorten_path(route.environment.path, reader)
    if isinstance(route, ToSystem):
        return route.manager
    return "pipx" if isinstance(route, ToPipx | FromPipx) else ""


def describe_doubts(decision: Decision) -> str:
    """Return the question that only the user can answer; yes is pipx."""
    names = " and ".join(f"`{name}`" for name in decision.doubts)
    if len(decision.doubts) == 1:
        return f"{names} may be a library or an application: do you only run it, never import it?"
    return f"{names} may be libraries or applications: do you only run them, never import them?"


def describe_outcome(decision: Decision, outcome: Outcome, reader: Reader) -> tuple[str, ...]:
    """Return what the user does next, or what was undone; empty where pip said it all."""
    route = decision.route
    if isinstance(route, ToPipx) and outcome.diverted and outcome.exit_status == 0:
        return (_describe_next(shorten_path(route.environment.path, reader), reader),)
    if not isinstance(route, ToVenv):
        return ()
    path = shorten_path(route.environment.path, reader)
    if outcome.has_put_back:
        return (f"nothing was installed, so the former {path} is back in its place",)
    if outcome.has_removed:
        return (f"nothing was installed, so the new {path} is removed again",)
    is_install = decision.command.subcommand == "install" and outcome.exit_status == 0
    if not is_install or route.is_idle:
        return ()
    if decision.surroundings.place.is_active:
        return ()
    if reader.activates and decision.surroundings.place.origin == "project":
        instead = f" instead of {shorten_path(reader.left, reader)}" if reader.left else ""
        active = f"{path} is active in this shell now{instead}, `deactivate` leaves it"
        return tuple(filter(None, (decision.plan.closing, active)))
    closing = decision.plan.closing
    return (closing,) if closing else (_describe_next(path, reader),)


def describe_commands(
    decision: Decision, outcome: Outcome, commands: Sequence[str], reader: Reader
) -> tuple[str, ...]:
    """Return how to run the commands of what was installed into an environment."""
    route = decision.route
    if not isinstance(route, ToVenv) or route.is_idle or outcome.exit_status or not commands:
        return ()
    if decision.surroundings.place.is_active:
        return ()
    folder = os.path.dirname(interpreter_path(shorten_path(route.environment.path, reader)))
    is_active = reader.activates and decision.surroundings.place.origin == "project"
    shown = [name if is_active else os.path.join(folder, name) for name in commands]
    return (f"ready to run: {list_some([f'`{quote_word(name)}`' for name in shown])}",)


def describe_way_back(decision: Decision, outcome: Outcome, reader: Reader) -> tuple[str, ...]:
    """Return how to reverse what the package manager did, where it did it and it is recorded."""
    is_done = outcome.exit_status == 0 and not outcome.declined
    has_changed_system = isinstance(decision.route, ToSystem) and is_done
    return (f"`{reader.guard} undo` reverses this",) if has_changed_system else ()


def describe_way_round(decision: Decision, outcome: Outcome) -> tuple[str, ...]:
    """Return what to do where an install failed that another tool serves."""
    has_failed = outcome.exit_status != 0 and not outcome.was_interrupted
    return (decision.plan.advice,) if has_failed and decision.plan.advice else ()


def describe_advice(program: Program) -> str:
    """Return for a program's log why nothing was redirected, and how it would be."""
    if program.kind == "notebook":
        return "in a notebook, `%pip install NAME` installs where the notebook's Python looks"
    if program.name == "Ansible":
        advice = (
            "`virtualenv: FOLDER` of its pip module, or its package module for the host's Python"
        )
        return f"called by Ansible, so nothing is redirected; what helps: {advice}"
    return (
        f"called by {program.name}, so nothing is redirected; "
        "PIPGUARD_ROUTE=venv in its environment sends this to the project's .venv"
    )


def describe_follow_up(followed: FollowUp, reader: Reader) -> tuple[str, ...]:
    """Return which environment pip's answer is about."""
    path = shorten_path(followed.environment.path, reader)
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
    shown = list_some([f"`{quote_word(word)}`" for word in words])
    named = ", ".join(f"{one.name} {one.version}" for one in applications)
    verb = "is" if len(applications) == 1 else "are"
    ready = f"{named} {verb} ready: run {shown}"
    if is_reachable:
        return (ready,)
    folder = f"{home.programs} is not on PATH"
    return (ready, f"{folder}: `{reader.guard} ensurepath`, then open a new shell")


def describe_plugins(
    added: Sequence[tuple[str, InjectedDistribution]], home: PipxHome, reader: Reader
) -> tuple[str, ...]:
    """Return what was added to which application; each plugin stands beside the name of that."""
    if not added:
        return ()
    named = ", ".join(f"{one.name} {one.version} is in {host} now" for host, one in added)
    is_reachable = home.programs in reader.path
    commands = [command for _, one in added for command in one.commands]
    words = commands if is_reachable else [os.path.join(home.programs, c) for c in commands]
    shown = list_some([f"`{quote_word(word)}`" for word in words])
    return (f"{named}: run {shown}" if shown else named,)


def describe_removed(names: Sequence[str]) -> tuple[str, ...]:
    """Return which applications were removed."""
    return (f"removed {', '.join(f'`{name}`' for name in names)}",) if names else ()


def describe_failures(decision: Decision, outcome: Outcome) -> tuple[str, ...]:
    """Return which targets failed, by name: there may be several, and others succeeded."""
    named = [f"`{subject}`" for subject in outcome.failed if subject]
    verb = "uninstall" if decision.command.subcommand == "uninstall" else "install"
    if not named:
        return ()
    if outcome.was_interrupted:
        be = "is" if len(named) == 1 else "are"
        return (f"interrupted: {', '.join(named)} {be} as before",)
    return (f"could not {verb} {', '.join(named)}",)


def describe_error(error: PipguardError) -> tuple[str, ...]:
    """Return an expected failure and what to do about it."""
    return tuple(filter(None, (error.message, error.hint and f"hint: {error.hint}")))


def format_lines(lines: Sequence[str], *, has_colour: bool = False, bold: str = "") -> bytes:
    """Return the lines as they are written: prefixed, and with nothing that moves a cursor.

    In colour the prefix is dim, and the word `bold` after ` to `, ` from ` or ` with ` stands out.
    """
    text = ""
    for line in lines:
        shown = show_plainly(line)
        if has_colour:
            shown = _embolden(shown, show_plainly(bold)) if bold else shown
            text += f"{_DIM}pipguard:{_PLAIN} {shown}\n"
        else:
            text += f"pipguard: {shown}\n"
    return text.encode("utf-8", "backslashreplace")


def list_some(words: Sequence[str], most: int = 6) -> str:
    """Return the first words, and how many more there are."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def shorten_path(path: str, reader: Reader) -> str:
    """Return the path as the user would type it: relative where it is in the current folder.

    In the home folder, and for what lies elsewhere in it, it begins with `~/`: the next step is
    likely in another folder.
    """
    is_home = bool(reader.home) and reader.directory == reader.home
    inside = reader.directory.rstrip(os.sep) + os.sep
    if path.startswith(inside) and not is_home:
        return path.removeprefix(inside)
    in_home = reader.home.rstrip(os.sep) + os.sep
    return f"~/{path.removeprefix(in_home)}" if reader.home and path.startswith(in_home) else path


def show_plainly(line: str) -> str:
    """Return the line without passwords, and what a terminal would obey written out (`\\x1b`)."""
    shown = mask_secrets(line)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)


def _describe_refusal(decision: Decision) -> str:
    if decision.real_pip is None:
        return f"no pip was found for {decision.base}"
    return f"{decision.manager} manages {decision.base}"


def _describe_route(decision: Decision, reader: Reader) -> str:
    route = decision.route
    is_removal = decision.command.subcommand == "uninstall"
    if isinstance(route, FromPipx):
        plugins = [f"`{plugin}` from {host}" for plugin, host in route.plugins]
        return f"removing {', '.join([*(f'`{name}`' for name in route.names), *plugins])} with pipx"
    if isinstance(route, ToSystem):
        packages = [p.package if is_removal else f"{p.package} {p.version}" for p in route.packages]
        verb = "removing" if is_removal else "installing"
        return f"{verb} {list_some(packages)} with {route.manager}"
    if isinstance(route, ToVenv) and is_removal:
        return f"uninstalling from {shorten_path(route.environment.path, reader)}"
    what = f"{_describe_refusal(decision)}, so {_describe_targets(decision)}"
    if isinstance(route, ToPipx):
        return f"{what} to pipx{_after_colon(route.reason)}"
    if not isinstance(route, ToVenv):
        return ""
    path = shorten_path(route.environment.path, reader)
    place = decision.surroundings.place
    fresh = " (made anew)" if route.rebuilds else " (new)" if decision.plan.creation else ""
    by = ", by uv" if decision.plan.installer == "uv" else ""
    if place.origin == "personal":
        return f"{what} to your personal environment {path}{fresh}{by}: {place.reason}"
    through = f" ({shorten_path(place.reason, reader)})" if place.reason else ""
    return f"{what} to {path}{fresh}{through}{by}{_after_colon(route.reason)}"


def _describe_targets(decision: Decision) -> str:
    command, route = decision.command, decision.route
    words = [*command.arguments]
    if isinstance(route, ToPipx):
        words = [target.text for target in route.all_targets]
    for option in ("--editable", "--requirement", "--group"):
        shown = {"--editable": "-e", "--requirement": "-r"}.get(option, option)
        words += [f"{shown} {value}" for value in command.values(option)]
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
    python = quote_word(os.path.join(path, "bin", "python"))
    script = {"fish": "activate.fish", "csh": "activate.csh", "tcsh": "activate.csh"}.get(
        reader.shell, "activate"
    )
    word = "." if script == "activate" else "source"
    activate = quote_word(os.path.join(path, "bin", script))
    return f"run your code with `{python}`, or activate it: `{word} {activate}`"


def _after_colon(reason: str) -> str:
    return f": {reason}" if reason else ""


def _embolden(line: str, word: str) -> str:
    for before in (" to ", " environment ", " from ", " with "):
        if f"{before}{word}" in line:
            return line.replace(f"{before}{word}", f"{before}{_BOLD}{word}{_PLAIN}", 1)
    return line
