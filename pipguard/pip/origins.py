"""Finds where pip takes a command's distributions from, so that they can come from there again.

In: a command, its folder, the variables and configuration files of its pip. Out: an `Origin`; the
words that keep it, without secrets; the variables that make a pip ask exactly that. Follows how pip
puts them together (`make_link_collector` and `handle_option_line`, pip 23.0 to 26.3). Never asks an
index, never runs pip.
"""

from __future__ import annotations

import os

from pipguard.pip.configuration import (
    Variables,
    list_loaded_files,
    name_variable,
    prefix_of,
    read_settings_of_files,
    read_site_variables,
)
from pipguard.pip.requirements_files import read_requirements_files
from pipguard.system.booleans import parse_boolean
from pipguard.system.frozen import dataclass, replace
from pipguard.system.secrets import mask_secrets, strip_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pipguard.caller import Caller
    from pipguard.pip.command_line import PipCommand

DEFAULT_INDEX = "default"
"""Stands for the index that pip asks where nobody has told it anything."""
UNKNOWN = ("?",)
"""The words of an origin that could not be read as a whole."""
ORIGIN_OPTIONS = ("--extra-index-url", "--find-links", "--index-url", "--no-index", "--proxy")
"""The options that can hold an address with a password."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The indexes that are asked, the first one first, and what `--find-links` names."""

    indexes: tuple[str, ...] = (DEFAULT_INDEX,)
    links: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    """Those whose certificate is not checked, by the user's word (`--trusted-host`)."""
    certificate: str = ""
    """The file of `--cert`."""
    is_known: bool = True
    """Whether all of it could be read (not so with a requirements file from an address)."""

    @property
    def words(self) -> tuple[str, ...]:
        """It in pip's words, without secrets; a question mark where it is not known."""
        if not self.is_known:
            return UNKNOWN
        first, more = self.indexes[:1], self.indexes[1:]
        return (
            *(f"--index-url={strip_secrets(url)}" for url in first or ()),
            *(() if first else ("--no-index",)),
            *(f"--extra-index-url={strip_secrets(url)}" for url in more),
            *(f"--find-links={strip_secrets(link)}" for link in self.links),
            *(f"--trusted-host={host}" for host in self.hosts),
            *((f"--cert={self.certificate}",) if self.certificate else ()),
        )


@dataclass(frozen=True, slots=True)
class Asking:
    """How a pip asks for a distribution that was there before."""

    variables: Variables = ()
    words: tuple[str, ...] = ()
    """The same as options, for who keeps them; empty where a secret would be among them."""
    is_guess: bool = False
    """Whether it may be the wrong index, because the right one is not recorded."""


def parse_origin(words: tuple[str, ...]) -> Origin:
    """Return the origin that `Origin.words` were made from; it has no secrets."""
    told: dict[str, tuple[str, ...]] = {}
    for name, _, value in (word.partition("=") for word in words):
        told[name] = (*told.get(name, ()), value)

    def find(name: str) -> tuple[str, ...]:
        return told.get(name, ())

    return Origin(
        find("--index-url") + find("--extra-index-url"),
        find("--find-links"),
        find("--trusted-host"),
        "".join(find("--cert")),
        is_known=words != UNKNOWN,
    )


def read_origin(
    caller: Caller, base: str, environment: str = "", command: PipCommand | None = None
) -> Origin:
    """Return where a command's distributions are taken from now.

    By the pip of an environment that was made for the interpreter `base`, or, without one, by the
    pip of `base` itself. Without a command, what holds for every command.
    """
    environ = dict(caller.environ)
    if environment:
        environ.update({name: value or "" for name, value in read_site_variables(caller, base)})
    files = list_loaded_files(environ, caller.home or os.sep, environment or prefix_of(base))
    settings = read_settings_of_files(files)
    if settings is None or (command and command.has("--isolated")):
        return Origin(is_known=False)

    def ask(key: str) -> str:
        return environ.get(name_variable(key)) or settings.get(key, "")

    is_off = parse_boolean(ask("no-index"))
    indexes = (ask("index-url").strip() or DEFAULT_INDEX, *ask("extra-index-url").split())
    links = _resolve(ask("find-links").split(), caller.directory)
    files = (*ask("requirement").split(), *ask("constraint").split())
    hosts = tuple(ask("trusted-host").split())
    certificate = _locate(ask("cert"), caller.directory)
    origin = Origin(() if is_off else indexes, links, hosts, certificate)
    if command:
        origin = _apply_options(command, (caller.directory,), origin)
        files = (*files, *command.values("--requirement"), *command.values("--constraint"))
    return _follow_files(files, caller.directory, origin, environ)


def ask_as_before(kept: tuple[str, ...], now: Origin) -> Asking:
    """Return how to ask exactly the origin that was kept as words.

    Where pip has secrets for the same addresses now, they come with them.
    """
    if kept == now.words:
        return Asking()
    secrets = {strip_secrets(url): url for url in (*now.indexes, *now.links)}
    origin = parse_origin(kept)
    indexes, links = (
        tuple(secrets.get(url, url) for url in urls) for urls in (origin.indexes, origin.links)
    )
    full = replace(origin, indexes=indexes, links=links)
    if DEFAULT_INDEX in indexes:
        # No variable says "your default", so pip's files must not name another index.
        return Asking((("PIP_CONFIG_FILE", os.devnull), *build_origin_variables(full)))
    return Asking(build_origin_variables(full), kept if full == origin else ())


def group_by_asking(
    requirements: Iterable[tuple[Asking, Sequence[str]]],
) -> dict[Asking, list[str]]:
    """Return pip's words for all requirements that are asked for in the same way.

    With several groups a dependency that is named in one must not be looked for in another.
    """
    groups: dict[Asking, list[str]] = {}
    for asking, words in requirements:
        groups.setdefault(asking, []).extend(words)
    return groups


def build_origin_variables(origin: Origin) -> Variables:
    """Return the variables that make pip ask this, whatever its configuration says of indexes.

    pip takes an empty variable for none and would go on to its files (pip 23.0 to 26.3): where
    nothing is to be added, the variable says once more what is asked anyway. Of the default index
    there is nothing to say.
    """
    first, more = (
        tuple(url for url in urls if url != DEFAULT_INDEX)
        for urls in (origin.indexes[:1], origin.indexes[1:])
    )
    return (
        ("PIP_NO_INDEX", "0" if origin.indexes else "1"),
        ("PIP_INDEX_URL", first[0] if first else None),
        ("PIP_EXTRA_INDEX_URL", " ".join(more or first) or None),
        ("PIP_FIND_LINKS", " ".join(map(_spell_link, origin.links)) or os.devnull),
        *((("PIP_TRUSTED_HOST", " ".join(origin.hosts)),) if origin.hosts else ()),
        *((("PIP_CERT", origin.certificate),) if origin.certificate else ()),
    )


def build_secret_variables(command: PipCommand, find: Callable[[], Origin]) -> Variables:
    """Return variables in place of the command's `ORIGIN_OPTIONS`, if one of them has a secret.

    For a program that would store its arguments. `find` tells what the options come to.
    """
    given = [o for o in command.options if o.name in ORIGIN_OPTIONS and o.value]
    if all(option.value == mask_secrets(option.value or "") for option in given):
        return ()
    proxy = command.last("--proxy")
    return (*build_origin_variables(find()), *((("PIP_PROXY", proxy),) if proxy else ()))


def _follow_files(
    files: Iterable[str], directory: str, origin: Origin, environ: Mapping[str, str]
) -> Origin:
    """Return the origin after the option lines of requirements files, in pip's order."""
    for file in read_requirements_files(files, directory, environ):
        if not file.is_complete:
            return replace(origin, is_known=False)
        for command in file.options:
            origin = _apply_options(command, (file.folder, directory), origin)
    return origin


def _apply_options(command: PipCommand, folders: tuple[str, ...], origin: Origin) -> Origin:
    """Return the origin after the options of a command line or of one line of a file.

    Relative links are looked for in the folders in turn.
    """
    indexes = () if command.has("--no-index") else origin.indexes
    if indexes:
        chosen = command.last("--index-url")
        # On the command line extra indexes stay; a file's --index-url takes the place of all.
        others = indexes[1:] if len(folders) == 1 else ()
        indexes = ((chosen, *others) if chosen else indexes) + command.values("--extra-index-url")
    links = origin.links
    for link in command.values("--find-links"):
        found = (folder for folder in folders if os.path.exists(os.path.join(folder, link)))
        links += _resolve((link,), next(found, folders[-1]))
    hosts = origin.hosts + command.values("--trusted-host")
    certificate = _locate(command.last("--cert") or "", folders[-1])
    return replace(
        origin,
        indexes=indexes,
        links=links,
        hosts=tuple(dict.fromkeys(hosts)),
        certificate=certificate or origin.certificate,
    )


def _locate(file: str, folder: str) -> str:
    return os.path.normpath(os.path.join(folder, file)) if file else ""


def _resolve(links: Iterable[str], folder: str) -> tuple[str, ...]:
    """Return the links as they can be used from everywhere; pip has a folder's file, or a URL."""
    return tuple(
        link if ":" in link else os.path.normpath(os.path.join(folder, link)) for link in links
    )


def _spell_link(link: str) -> str:
    """Return a link without white space, at which pip would split the variable."""
    from urllib.parse import quote

    return f"file://{quote(link)}" if os.path.isabs(link) and link.split() != [link] else link
