"""Finds out what each target is: by the user's word, by heart, by its own contents, by its index.

In: targets, the command's index options, the pip whose index counts. Out: `JudgedTarget`s. Goes to
the index only for a name that nobody knows, through the user's own pip and its configuration.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipguard.caller import Caller
from pipguard.classify import (
    Classification,
    UsersWord,
    classify_known,
    classify_requirement,
    make_users_word,
)
from pipguard.evidence import (
    EvidenceRequest,
    ProjectMetadata,
    gather_evidence,
    read_archive_metadata,
)
from pipguard.parse import PipCommand
from pipguard.pip_configuration import locate_configuration_files
from pipguard.process import run_captured
from pipguard.real_pip import RealPip
from pipguard.settings import Settings
from pipguard.targets import Target

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
        """Whether somebody said so, rather than its metadata: then there is but one piece."""
        return self.classification is not None and len(self.classification.evidence) == 1


@dataclass(frozen=True, slots=True)
class Asking:
    """Through which pip an index is asked."""

    interpreter: str
    """One that has a pip, or can be lent one."""
    carried_pip: str
    """Path of the pip wheel to lend; empty where it has its own."""
    cache_folder: str


def judge_targets(
    targets: Sequence[Target],
    command: PipCommand,
    settings: Settings,
    caller: Caller,
    asking: Asking,
) -> tuple[JudgedTarget, ...]:
    """Return the targets with what they are; a doubt says what could not be learnt."""
    word = make_users_word(settings.applications, settings.libraries)
    known = {target: _judge_alone(target, word, caller) for target in targets}
    unknown = [target for target, found in known.items() if found is None]
    # One library sends the whole command to the environment, so nobody else needs to be known.
    is_settled = any(found and found.kind == "library" for found in known.values())
    metadata = {} if is_settled or not unknown else _ask_index(unknown, command, caller, asking)
    return tuple(
        JudgedTarget(
            target,
            known[target]
            or (
                classify_requirement(target.name, metadata[target.text], word) if metadata else None
            ),
        )
        for target in targets
    )


def _judge_alone(target: Target, word: UsersWord, caller: Caller) -> Classification | None:
    """Judge a target without any index; None when its index has to be asked."""
    known = classify_known(target.name, word)
    if known or target.kind == "name":
        return known
    if target.kind == "archive":
        path = os.path.join(caller.directory, target.text.partition("[")[0])
        return classify_requirement(target.name, read_archive_metadata(path), word)
    return classify_requirement(target.name, None, word)


def _ask_index(
    targets: Sequence[Target], command: PipCommand, caller: Caller, asking: Asking
) -> dict[str, ProjectMetadata]:
    lent = (("PYTHONPATH", asking.carried_pip),) if asking.carried_pip else ()
    environ = {**caller.environ, **dict(lent)}
    request = EvidenceRequest(
        asking.interpreter,
        tuple(_index_words(command)),
        asking.cache_folder,
        _fingerprint(caller, asking.interpreter),
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
    return hashlib.sha256("\n".join(sorted(parts)).encode("utf-8", "replace")).hexdigest()
