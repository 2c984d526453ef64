"""Finds out what each target is: by the user's word, by heart, by its own contents, by its index.

In: targets, the command's index options, the pip whose index counts. Out: `JudgedTarget`s. Reads
the project's files only for what would be an application otherwise, and goes to the index only for
a name that nobody knows, through the user's own pip and its configuration. Never asks the user.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from pipguard.caller import Caller
from pipguard.classify import (
    Classification,
    UsersWord,
    classify_known,
    classify_requirement,
)
from pipguard.digests import digest
from pipguard.doors import dataclass, replace
from pipguard.mentions import find_mentions
from pipguard.parse import PipCommand
from pipguard.pip_configuration import locate_configuration_files
from pipguard.process import run_captured
from pipguard.real_pip import RealPip
from pipguard.targets import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pipguard.evidence import ProjectMetadata

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
    """A target and what it turned out to be; None where nobody needed to know."""

    target: Target
    classification: Classification | None = None

    @property
    def is_application(self) -> bool:
        """Whether pipx is the place for it."""
        return self.classification is not None and self.classification.kind == "application"

    @property
    def is_known(self) -> bool:
        """Whether the user or everybody knows it, rather than its metadata alone."""
        found = self.classification
        return found is not None and found.certainty in {"said", "known"}

    @property
    def is_doubtful(self) -> bool:
        """Whether its metadata speaks for both, so that only the user can tell."""
        return self.classification is not None and self.classification.certainty == "doubtful"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where it is looked up what a name is."""

    word: UsersWord
    project: str | None
    """Root of the project whose own files may name it."""
    interpreter: str
    """One whose pip knows the index: it has a pip, or can be lent one."""
    carried_pip: str
    """Path of the pip wheel to lend; empty where it has its own."""
    cache_folder: str


def judge_targets(
    targets: Sequence[Target], command: PipCommand, caller: Caller, sources: Sources
) -> tuple[JudgedTarget, ...]:
    """Return the targets with what they are; a doubt says what could not be learnt."""
    known = {target: _judge_alone(target, sources.word, caller) for target in targets}
    if not _is_settled(known):
        mentions = find_mentions(sources.project, (target.name for target in targets))
        word = replace(sources.word, named_by_project=mentions)
        known = {t: classify_known(t.name, word) or found for t, found in known.items()}
    unknown = [target for target, found in known.items() if found is None]
    if unknown and not _is_settled(known):
        metadata = _ask_index(unknown, command, caller, sources)
        for target in unknown:
            known[target] = classify_requirement(target.name, metadata[target.text])
    return tuple(JudgedTarget(target, known[target]) for target in targets)


def _is_settled(known: Mapping[Target, Classification | None]) -> bool:
    """Whether one library sends all to the environment, so that nobody else needs to be known."""
    return any(found and found.kind == "library" for found in known.values())


def _judge_alone(target: Target, word: UsersWord, caller: Caller) -> Classification | None:
    """Judge a target without any index; None when its index has to be asked."""
    known = classify_known(target.name, word)
    if known or target.kind == "name":
        return known
    if target.kind == "archive":
        from pipguard.evidence import read_archive_metadata

        path = os.path.join(caller.directory, target.text.partition("[")[0])
        return classify_requirement(target.name, read_archive_metadata(path), word)
    return classify_requirement(target.name, None, word)


def _ask_index(
    targets: Sequence[Target], command: PipCommand, caller: Caller, sources: Sources
) -> dict[str, ProjectMetadata]:
    from pipguard.evidence import EvidenceRequest, gather_evidence

    lent = (("PYTHONPATH", sources.carried_pip),) if sources.carried_pip else ()
    environ = {**caller.environ, **dict(lent)}
    request = EvidenceRequest(
        sources.interpreter,
        tuple(_index_words(command)),
        sources.cache_folder,
        _fingerprint(caller, sources.interpreter),
    )

    def run(words: Sequence[str], given: bytes, timeout: float) -> bytes:
        return run_captured(words, environ, given, timeout).stdout

    return gather_evidence(request, [target.text for target in targets], run)


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
    """Stand for everything that pip's answer depends on beside the command line."""
    parts = [f"{name}={value}" for name, value in caller.environ.items() if name.startswith("PIP_")]
    for path in locate_configuration_files(caller, interpreter):
        try:
            status = os.stat(path)
        except OSError:
            continue
        parts.append(f"{path}:{status.st_mtime_ns}:{status.st_size}")
    return digest(part.encode("utf-8", "replace") for part in sorted(parts))
