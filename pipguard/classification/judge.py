"""Finds out what each target is: from the user, by heart, from its own contents, from its index.

In: targets, the command's index options, the pip whose index counts. Out: `JudgedTarget`s. Reads
the project's files only for what would be an application otherwise, and asks the index only about
a name that is not known otherwise, through the user's own pip and its configuration. Never asks the
user.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from pipguard.caller import Caller
from pipguard.classification.rules import (
    Classification,
    Statements,
    classify_known,
    classify_requirement,
)
from pipguard.classification.targets import Target
from pipguard.knowledge import find_modules
from pipguard.pip.command_line import PipCommand
from pipguard.pip.configuration import locate_configuration_files
from pipguard.pip.locate import RealPip
from pipguard.system.digests import digest
from pipguard.system.frozen import dataclass, replace
from pipguard.system.processes import run_captured

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


@dataclass(frozen=True, slots=True)
class JudgedTarget:
    """A target and what it turned out to be; None where it makes no difference."""

    target: Target
    classification: Classification | None = None

    @property
    def is_application(self) -> bool:
        """Whether pipx is the place for it."""
        return self.classification is not None and self.classification.kind == "application"

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


def judge_targets(
    targets: Sequence[Target], command: PipCommand, caller: Caller, sources: Sources
) -> tuple[JudgedTarget, ...]:
    """Return the targets with what they are; a doubt says what could not be found out."""
    known = {target: _judge_without_index(target, sources.statements, caller) for target in targets}
    if not _is_settled(known):
        # Most commands name a library that is known by heart, and need none of this.
        from pipguard.environments.declared import find_declared_names
        from pipguard.environments.imported import find_importing_files

        names = [target.name for target in targets if target.name]
        declared = find_declared_names(sources.project, names)
        modules = {name: find_modules(name) for name in names if name not in declared}
        imported = find_importing_files(sources.project, modules)
        statements = replace(
            sources.statements, named_by_project=declared, imported_by_project=imported
        )
        known = {t: classify_known(t.name, statements) or found for t, found in known.items()}
    unknown = [target for target, found in known.items() if found is None]
    if unknown and not _is_settled(known):
        from pipguard.environments.imported import find_importing_files

        metadata = _ask_index(unknown, command, caller, sources)
        modules = {t.name: m for t in unknown if (m := metadata[t.text].modules) and t.name}
        imported = find_importing_files(sources.project, modules)
        statements = replace(sources.statements, imported_by_project=imported)
        for target in unknown:
            found = metadata[target.text]
            known[target] = classify_requirement(target.name, found, statements)
    return tuple(JudgedTarget(target, known[target]) for target in targets)


def _is_settled(known: Mapping[Target, Classification | None]) -> bool:
    """Whether one library sends all to the environment, so that the others make no difference."""
    return any(found and found.kind == "library" for found in known.values())


def _judge_without_index(
    target: Target, statements: Statements, caller: Caller
) -> Classification | None:
    """Judge a target without its index; None when that has to be asked."""
    known = classify_known(target.name, statements)
    if known or target.kind == "name":
        return known
    if target.kind == "archive":
        from pipguard.classification.metadata import read_archive_metadata

        path = os.path.join(caller.directory, target.text.partition("[")[0])
        return classify_requirement(target.name, read_archive_metadata(path), statements)
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


def ask_index_version(
    caller: Caller, real_pip: RealPip | None, command: PipCommand, name: str
) -> str:
    """Return the newest version that the user's pip finds of a project, empty for none."""
    if real_pip is None:
        return ""
    words = [*real_pip.command, "index", "versions", *_index_words(command), name]
    try:
        answer = run_captured(words, caller.environ, timeout=30).stdout
    except (OSError, TimeoutError):
        return ""
    # pip 21.2 to 26.3: `requests (2.32.3)`
    return os.fsdecode(answer).partition("\n")[0].partition("(")[2].partition(")")[0]


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
