"""Finds out what each target is: from the user, by heart, from its own contents, from its index.

In: targets, the command's index options, the pip whose index counts. Out: `JudgedTarget`s. Reads
the project's files only for what would be an application otherwise, and asks the index only about
a name that is not known otherwise, through the user's own pip and its configuration. Never asks the
user.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from pipguard.caller import Caller
from pipguard.classification.plugins import find_plugged, may_plug_in
from pipguard.classification.rules import (
    Classification,
    Statements,
    classify_known,
    classify_requirement,
)
from pipguard.classification.targets import Target, read_file_address
from pipguard.environments.distributions import Unreadable, list_modules, list_site_folders
from pipguard.knowledge import find_modules, normalise_name
from pipguard.pip.command_line import PipCommand
from pipguard.pip.configuration import locate_configuration_files
from pipguard.system.digests import digest
from pipguard.system.frozen import dataclass, field, replace
from pipguard.system.processes import Background, run_captured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.classification.metadata import ProjectMetadata

# What decides which index is asked, and how (pip 23.0 to 26.3).
_INDEX_OPTIONS = frozenset(
    {
        "--cert", "--client-cert", "--extra-index-url", "--find-links", "--index-url",
        "--isolated", "--keyring-provider", "--no-cache-dir", "--cache-dir", "--no-index",
        "--no-input", "--only-binary", "--pre", "--prefer-binary", "--proxy", "--retries",
        "--timeout", "--trusted-host", "--use-deprecated", "--use-feature",
        "--uploaded-prior-to",
    }
)  # fmt: skip


_MANY_NAMES = 6


@dataclass(frozen=True, slots=True)
class JudgedTarget:
    """A target and what it turned out to be; None where it makes no difference."""

    target: Target
    classification: Classification | None = None
    plugs_into: tuple[str, ...] = ()
    """The applications in whose environments alone it is of use."""
    ships_commands: bool = False
    """Whether a plugin brings commands of its own."""

    @property
    def is_application(self) -> bool:
        """Whether pipx is the place for it."""
        return self.classification is not None and self.classification.kind == "application"

    @property
    def belongs_to_pipx(self) -> bool:
        """Whether it is of use in pipx's environments: an application, or a plugin of one."""
        return self.is_application or bool(self.plugs_into)

    @property
    def is_known(self) -> bool:
        """Whether it is known from the user or by heart, rather than from its metadata alone."""
        found = self.classification
        return found is not None and found.certainty in {"said", "known"}

    @property
    def is_doubtful(self) -> bool:
        """Whether its metadata speaks for both, so that only the user can tell."""
        return self.classification is not None and self.classification.certainty == "doubtful"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where it is looked up what a name is."""

    statements: Statements
    project: str | None
    """Root of the project whose own files may name it."""
    interpreter: str
    """One whose pip knows the index: it has a pip, or can run `bundled_pip`."""
    bundled_pip: str
    """Path of a pip wheel; empty where the interpreter has a pip of its own."""
    cache_folder: str
    hosts: Mapping[str, str] = field(default_factory=dict)
    """The applications that pipx has and the environment has not, each with its environment."""
    added: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Targets that were added to applications before, and to which."""


def judge_targets(
    targets: Sequence[Target], command: PipCommand, caller: Caller, sources: Sources
) -> tuple[JudgedTarget, ...]:
    """Return the targets with what they are; a doubt says what could not be found out."""
    known = {target: _judge_without_index(target, sources.statements, caller) for target in targets}
    hosts = _list_hosts(targets, sources)
    plugins = [t for t in targets if _may_plug_in(t, hosts, sources)]
    if not _is_settled(known, plugins):
        # Most commands name a library that is known by heart, and need none of this.
        statements = _read_project(targets, hosts if plugins else {}, sources)
        asked_for = {*statements.named_by_project, *statements.imported_by_project}
        hosts = {name: path for name, path in hosts.items() if name not in asked_for}
        plugins = [
            t for t in plugins if t.name not in asked_for and _may_plug_in(t, hosts, sources)
        ]
        known = {t: classify_known(t.name, statements) or found for t, found in known.items()}
    metadata: Mapping[str, ProjectMetadata] = {}
    unknown = [t for t, found in known.items() if found is None or t in plugins]
    if unknown and not _is_settled(known, plugins):
        metadata = _ask_index(unknown, command, caller, sources)
        known.update(_judge_by_metadata(unknown, metadata, sources))
    applications = {t.name for t, found in known.items() if found and found.kind == "application"}
    loading = [name for name, path in hosts.items() if path or name in applications]
    modules = {name: _list_modules(hosts[name], name) for name in loading}
    return tuple(
        _find_host(JudgedTarget(t, known[t]), metadata.get(t.text), modules, sources.added)
        for t in targets
    )


def _may_plug_in(target: Target, hosts: Collection[str], sources: Sources) -> bool:
    """Tell whether it is worth reading the target's metadata for that."""
    added = sources.added.get(target.name, ())
    return bool(target.name) and (
        any(host in hosts for host in added) or may_plug_in(target.name, hosts)
    )


def _list_hosts(targets: Sequence[Target], sources: Sources) -> dict[str, str]:
    """Return what a target may plug into, with its environment; one that is named here has none."""
    named = dict.fromkeys((t.name for t in targets if t.name), "") if len(targets) > 1 else {}
    return {**named, **sources.hosts}


def _list_modules(environment: str, name: str) -> tuple[str, ...]:
    """Return the modules of an application that is there; none of one that cannot be read."""
    try:
        return list_modules(list_site_folders(environment), name) if environment else ()
    except Unreadable:
        return ()


def _read_project(
    targets: Sequence[Target], hosts: Mapping[str, str], sources: Sources
) -> Statements:
    """Return the statements with what the project's own files say of the targets and hosts."""
    from pipguard.environments.declared import find_declared_names
    from pipguard.environments.imported import find_importing_files

    names = [*(target.name for target in targets if target.name), *hosts]
    declared = find_declared_names(sources.project, names)
    modules = {name: find_modules(name) for name in names if name not in declared}
    imported = find_importing_files(sources.project, modules)
    return replace(sources.statements, named_by_project=declared, imported_by_project=imported)


def _judge_by_metadata(
    targets: Sequence[Target], metadata: Mapping[str, ProjectMetadata], sources: Sources
) -> dict[Target, Classification]:
    from pipguard.environments.imported import find_importing_files

    modules = {t.name: m for t in targets if (m := metadata[t.text].modules) and t.name}
    imported = find_importing_files(sources.project, modules)
    statements = replace(sources.statements, imported_by_project=imported)
    return {t: _classify(t, metadata[t.text], statements) for t in targets}


def _classify(target: Target, metadata: ProjectMetadata, statements: Statements) -> Classification:
    """Classify by the metadata; a file that is called like another project is in doubt."""
    if target.archive and metadata.name and normalise_name(metadata.name) != target.name:
        return classify_requirement(target.name, None, statements)
    return classify_requirement(target.name, metadata, statements)


def _find_host(
    judged: JudgedTarget,
    metadata: ProjectMetadata | None,
    hosts: Mapping[str, Collection[str]],
    added: Mapping[str, tuple[str, ...]],
) -> JudgedTarget:
    """Add the applications that a target plugs into, unless somebody has said what it is."""
    found, name = judged.classification, judged.target.name
    if not hosts or not name or (found is not None and found.certainty == "said"):
        return judged
    before = tuple(host for host in added.get(name, ()) if host in hosts)
    found_hosts = before or find_plugged(
        name, metadata, hosts, is_application=judged.is_application
    )
    if not found_hosts:
        return judged
    named = " and ".join(found_hosts)
    commands = metadata.console_scripts if metadata else ()
    return JudgedTarget(
        judged.target,
        Classification(name, "library", f"a plugin of {named}", "known"),
        found_hosts,
        ships_commands=bool(commands),
    )


def _is_settled(known: Mapping[Target, Classification | None], plugins: Collection[Target]) -> bool:
    """Whether one library sends all to the environment, so that the others make no difference."""
    return any(found and found.kind == "library" for t, found in known.items() if t not in plugins)


def _judge_without_index(
    target: Target, statements: Statements, caller: Caller
) -> Classification | None:
    """Judge a target without its index; None when that has to be asked."""
    known = classify_known(target.name, statements)
    if known or target.kind == "name":
        return known
    place = target.archive
    if place.startswith(("http://", "https://")):
        return None  # the index's pip fetches it, and tells
    if place:
        from pipguard.classification.metadata import read_archive_metadata

        path = os.path.join(caller.directory, read_file_address(place))
        return _classify(target, read_archive_metadata(path), statements)
    return classify_requirement(target.name, None, statements)


def _ask_index(
    targets: Sequence[Target], command: PipCommand, caller: Caller, sources: Sources
) -> dict[str, ProjectMetadata]:
    from pipguard.classification.metadata import MetadataRequest, read_metadata

    pip = {"PYTHONPATH": sources.bundled_pip} if sources.bundled_pip else {}
    environ = {**caller.environ, **pip}
    request = MetadataRequest(
        sources.interpreter,
        tuple(_index_words(command)),
        sources.cache_folder,
        _fingerprint(caller, sources.interpreter),
    )

    def run(words: Sequence[str], given: bytes, timeout: float) -> bytes:
        return run_captured(words, environ, given, timeout).stdout

    return read_metadata(request, [target.text for target in targets], run)


def _index_words(command: PipCommand) -> Iterator[str]:
    for option in command.options:
        if option.name in _INDEX_OPTIONS:
            yield option.name if option.value is None else f"{option.name}={option.value}"


def start_asking_versions(
    caller: Caller, interpreter: str, bundled_pip: str, command: PipCommand, names: Sequence[str]
) -> Callable[[], dict[str, ProjectMetadata]]:
    """Ask the index for the newest versions that pip would take; return a way to wait for them.

    As `Sources` has it, `interpreter` has a pip or can run `bundled_pip`.
    """
    from pipguard.classification.metadata import (
        LONGEST_LOOK,
        MetadataRequest,
        build_probe_command,
        build_question,
        parse_answers,
        parse_record,
    )

    request = MetadataRequest(interpreter, tuple(_index_words(command)))
    pip = {"PYTHONPATH": bundled_pip} if bundled_pip else {}
    environ = {**caller.environ, **pip}
    # pip's part of it is mostly reading long pages, which two processors do in half the time.
    parts = [names[::2], names[1::2]] if len(names) > _MANY_NAMES else [names]
    questions = [build_question(part, versions_only=True) for part in parts]
    try:
        waiting = [Background(build_probe_command(request), environ, q) for q in questions]
    except OSError:  # without a Python that runs there is no answer
        waiting = []

    def finish() -> dict[str, ProjectMetadata]:
        found: dict[str, ProjectMetadata] = {}
        for asked in waiting:
            try:
                answers = parse_answers(asked.finish(LONGEST_LOOK).stdout)
            except TimeoutError:
                continue
            found.update((name, parse_record(record)) for name, record in answers.items())
        return found

    return finish


def _fingerprint(caller: Caller, interpreter: str) -> str:
    """Return a digest of all that pip's answer depends on, besides the command line."""
    parts = [f"{name}={value}" for name, value in caller.environ.items() if name.startswith("PIP_")]
    for path in locate_configuration_files(caller, interpreter):
        try:
            status = os.stat(path)
        except OSError:
            continue
        parts.append(f"{path}:{status.st_mtime_ns}:{status.st_size}")
    return digest(part.encode("utf-8", "replace") for part in sorted(parts))
