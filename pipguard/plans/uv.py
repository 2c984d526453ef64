"""Plans an install by uv, where the user has asked for uv's answer.

In: a `ToVenv` route, the command, what was found of uv and of pip's configuration. Out: a `Plan`;
or the word for which uv has no counterpart, so that it is pip's turn. Pure.

A word counts as translated only where uv does the same with it: what pip's configuration says of
indexes and secrets is passed on, uv's own configuration is left aside, and a private index is never
bypassed. The meanings are those of pip 26.3 and uv 0.13.
"""

from __future__ import annotations

from pipguard.environments.create import Creation
from pipguard.environments.inspect import interpreter_path
from pipguard.pip.command_line import PipCommand
from pipguard.pip.configuration import Variables
from pipguard.pip.origins import DEFAULT_INDEX, Origin
from pipguard.pip.requirements_files import RequirementsFile
from pipguard.plan import Plan, Step
from pipguard.route import ToVenv
from pipguard.system.booleans import parse_boolean
from pipguard.system.frozen import dataclass
from pipguard.system.secrets import strip_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SAME = frozenset(
    {
        "--build-constraint", "--constraint", "--editable", "--group", "--no-build-isolation",
        "--no-deps", "--require-hashes", "--requirement",
    }
)  # fmt: skip
_RENAMED = {
    "--config-settings": "--config-setting",
    "--force-reinstall": "--reinstall",
    "--no-cache-dir": "--no-cache",
    "--quiet": "--quiet",
    "--verbose": "--verbose",
}
_SPELLED_OUT = {"--no-color": "--color=never", "--pre": "--prerelease=allow"}
_ONCE = frozenset(
    {
        "--color=never", "--no-build-isolation", "--no-cache", "--no-deps", "--prerelease=allow",
        "--reinstall", "--require-hashes",
    }
)  # fmt: skip
"""uv takes them once, where pip takes them as often as they are said."""
_LISTS = ("--no-binary", "--only-binary")
_AS_VARIABLE = {
    "--client-cert": ("SSL_CLIENT_CERT",),
    "--proxy": ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
    "--retries": ("UV_HTTP_RETRIES",),
    "--timeout": ("UV_HTTP_TIMEOUT",),
}
_OF_ORIGIN = frozenset(
    {
        "--cert", "--extra-index-url", "--find-links", "--index-url", "--no-index",
        "--trusted-host",
    }
)  # fmt: skip
# They change what pip says or asks, or are said in another way below.
_WITHOUT_EFFECT = frozenset(
    {
        "--break-system-packages", "--cache-dir", "--compile", "--config-file",
        "--disable-pip-version-check", "--no-compile", "--no-input",
        "--no-python-version-warning", "--no-user", "--no-warn-conflicts",
        "--no-warn-script-location", "--prefix", "--progress-bar", "--python",
        "--require-virtualenv", "--root", "--root-user-action", "--target", "--upgrade",
        "--upgrade-strategy", "--user",
    }
)  # fmt: skip
_NEVER = frozenset({"--cache-dir", "--prefix", "--python", "--root", "--target", "--user"})
"""Without effect only as variables: they are set aside in an environment, or name pip's own."""
_IN_FILES = frozenset({*_OF_ORIGIN, *_SAME, *_LISTS} - {"--group", "--no-deps"})
# What uv is told by these does not change its answer.
KEPT_VARIABLES = (
    "UV_CACHE_DIR", "UV_CONCURRENT_", "UV_HTTP_", "UV_LINK_MODE", "UV_NATIVE_TLS",
    "UV_NO_PROGRESS", "UV_OFFLINE", "UV_SYSTEM_CERTS",
)  # fmt: skip
_LOCAL = ("localhost", "127.", "[::1]")


@dataclass(frozen=True, slots=True)
class UvFacts:
    """What uv's plan depends on, besides the command."""

    program: str
    pip_wheel: str
    """The pip that a new environment gets."""
    origin: Origin
    """Where pip takes the command's distributions from."""
    configured: Mapping[str, str]
    """What pip's configuration files and variables say, by pip's names such as `no-binary`."""
    files: tuple[RequirementsFile, ...] = ()
    """The requirements and constraints files of the command."""
    names: tuple[str, ...] = ()
    """The normalised name of each requirement that is asked for; empty where it has none."""
    certificates: str = ""
    """The file of certificates that pip takes where it is told of none (REQUESTS_CA_BUNDLE)."""
    directory: str = ""
    """The folder that the command was typed in."""
    variables: tuple[str, ...] = ()
    """The names of uv's own variables that are set."""


class PipsTurnError(Exception):
    """uv has no counterpart for something; the text names it."""


def plan_uv(
    route: ToVenv, command: PipCommand, base: str, facts: UvFacts, *, sees_system: bool
) -> Plan:
    """Return how uv gets to install into the route's environment.

    Raises `PipsTurnError` where uv would not do what the words say.
    """
    if route.rebuilds:
        raise PipsTurnError("an environment that is made anew")
    environment = route.environment
    python = interpreter_path(environment.path)
    variables = (*_set_aside(facts.variables), *_build_variables(command, facts))
    start = (facts.program, "pip", "install", "--no-config", "--python", python)
    words = _drop_repeated(_translate(command, facts))
    install = Step(
        "install in it",
        (*start, *words, "--", *command.arguments),
        variables,
        "uv",
        names=tuple(filter(None, facts.names)),
        directory=facts.directory,
    )
    if not environment.must_be_made:
        return Plan("venv", (install,), environment.path, installer="uv")
    site = ("--system-site-packages",) if sees_system else ()
    options = ("--quiet", "--no-config", "--no-project", "--allow-existing", "--python", base)
    make = (facts.program, "venv", *options, *site, environment.path)
    creation = Creation(environment.path, make, variables=variables)
    offline = ("--quiet", "--offline", "--no-index", "--no-deps")
    seed = Step("give it a pip", (*start, *offline, facts.pip_wheel), variables, "quiet")
    return Plan("venv", (seed, install), environment.path, creation, installer="uv")


def _set_aside(names: Iterable[str]) -> Variables:
    return tuple((name, None) for name in names if not name.startswith(KEPT_VARIABLES))


def _build_variables(command: PipCommand, facts: UvFacts) -> Variables:
    """Return what uv is told by variables: addresses, which may hold secrets, and the network."""
    origin = facts.origin
    first, more = origin.indexes[:1], origin.indexes[1:]
    told: list[tuple[str, str | None]] = [
        ("UV_INDEX_URL", url) for url in first if url != DEFAULT_INDEX
    ]
    if more:
        told.append(("UV_EXTRA_INDEX_URL", " ".join(more)))
    if origin.certificate or facts.certificates:
        told.append(("SSL_CERT_FILE", origin.certificate or facts.certificates))
    for option, names in _AS_VARIABLE.items():
        value = command.last(option) or facts.configured.get(option[2:])
        told += ((name, value) for name in names if value)
    return tuple(told)


def _translate(command: PipCommand, facts: UvFacts) -> Iterator[str]:
    """Yield uv's options for a pip command."""
    yield "--no-sources"
    yield from _translate_origin(facts.origin)
    for key, value in facts.configured.items():
        yield from _translate_configured(key, value)
    for option in command.options:
        if option.name in _NEVER:
            raise PipsTurnError(option.name)
        yield from _translate_option(option.name, option.value)
    yield from _translate_files(facts.files)
    yield from _translate_upgrade(command, facts)
    if _is_compiled(command, facts):
        yield "--compile-bytecode"


def _drop_repeated(words: Iterable[str]) -> tuple[str, ...]:
    kept: list[str] = []
    for word in words:
        if word not in _ONCE or word not in kept:
            kept.append(word)
    return tuple(kept)


def _translate_origin(origin: Origin) -> Iterator[str]:
    if not origin.is_known:
        raise PipsTurnError("a requirements file that cannot be read beforehand")
    if origin.indexes and origin.links:
        raise PipsTurnError("--find-links beside an index")
    for address in (*origin.indexes, *origin.links):
        host = strip_secrets(address).partition("://")[2].partition("/")[0]
        is_trusted = {host, host.partition(":")[0]} & {*origin.hosts} or host.startswith(_LOCAL)
        if address.startswith("http://") and not is_trusted:
            raise PipsTurnError("an index by http://")
    if not origin.indexes:
        yield "--no-index"
    if len(origin.indexes) > 1:
        yield from ("--index-strategy", "unsafe-best-match")
    for link in origin.links:
        yield from ("--find-links", link)
    for host in origin.hosts:
        yield from ("--allow-insecure-host", host)


def _translate_configured(key: str, value: str) -> Iterator[str]:
    name = f"--{key}"
    if name in _OF_ORIGIN or name in _WITHOUT_EFFECT or parse_boolean(value) is False:
        return
    if name in {"--default-timeout", "--requirement", "--constraint"} or name in _AS_VARIABLE:
        for word in value.split() if name in _SAME else ():
            yield from (name, word)
        return
    if name not in _LISTS and parse_boolean(value) is None:
        raise PipsTurnError(f"{key} in pip's configuration")
    yield from _translate_option(name, value if name in _LISTS else None)


def _translate_option(name: str, value: str | None) -> Iterator[str]:
    if name in _OF_ORIGIN or name in _WITHOUT_EFFECT or name in _AS_VARIABLE:
        return
    if name in _SPELLED_OUT:
        yield _SPELLED_OUT[name]
    elif name in _LISTS:
        for word in (value or "").split(","):
            if word == ":none:":  # takes back what stands before it
                raise PipsTurnError(f"{name} :none:")
            yield from (name, word)
    elif name in _SAME or name in _RENAMED:
        yield _RENAMED.get(name, name)
        if value is not None:
            yield value
    else:
        raise PipsTurnError(name)


def _translate_files(files: Iterable[RequirementsFile]) -> Iterator[str]:
    """Raise for what uv would read in another way; hashes on one line bind all of them."""
    has_hashes = False
    for file in files:
        for given in (option.name for command in file.options for option in command.options):
            if given not in _IN_FILES:
                raise PipsTurnError(f"{given} in a requirements file")
            has_hashes = has_hashes or given == "--require-hashes"
        for line in file.requirements:
            for word in line.split()[1:]:
                if word.startswith("--") and not word.startswith("--hash"):
                    raise PipsTurnError(f"{word.partition('=')[0]} in a requirements file")
                has_hashes = has_hashes or word.startswith("--hash")
    if has_hashes:
        yield "--require-hashes"


def _translate_upgrade(command: PipCommand, facts: UvFacts) -> Iterator[str]:
    """Yield what upgrades the named projects: uv's own --upgrade is for dependencies, too."""
    if not command.has("--upgrade"):
        return
    if command.last("--upgrade-strategy") == "eager":
        yield "--upgrade"
        return
    if any(map(command.values, ("--editable", "--group"))):
        raise PipsTurnError("--upgrade of what has no name here")
    for name in facts.names:
        if not name:
            raise PipsTurnError("--upgrade of what has no name here")
        yield from ("--upgrade-package", name)


def _is_compiled(command: PipCommand, facts: UvFacts) -> bool:
    """Tell whether pip would compile what it installs: unless told otherwise, it does."""
    given = [o.name for o in command.options if o.name in {"--compile", "--no-compile"}]
    if given:
        return given[-1] == "--compile"
    return parse_boolean(facts.configured.get("compile", "1")) is not False
