"""What a project says about itself, from its archive or from the index that the user's pip asks.

In: the real pip's interpreter, the index options of the command line, requirements, a runner.
Out: one `ProjectMetadata` per requirement; where nothing could be learnt, its `problem` says why.
Never starts a process itself, never asks an index by itself, never raises for bad input.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from pipguard.digests import digest
from pipguard.doors import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

Run = Callable[[Sequence[str], bytes, float], bytes]
Record = dict[str, object]

PROBE: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "metadata_probe.py")
SECONDS_TO_START: Final = 4.0  # an interpreter and pip on a slow card; the probe keeps its own time
SECONDS_OF_WAITING: Final = 2.0
SECONDS_PER_MORE: Final = 0.5
SECONDS_AT_MOST: Final = 5.0
CACHE_VERSION: Final = "1"
CACHE_DAYS: Final = 14
CACHE_FILES: Final = 400
CACHE_FILE_SIZE: Final = 128 * 1024


@dataclass(frozen=True, slots=True)
class ProjectMetadata:
    """What a project's metadata says; `problem` says why nothing is known (empty when it is).

    Scripts are (name, target) pairs; `legacy_scripts` are files put straight into the scripts
    folder; `are_scripts_known` is False where only a metadata file could be read.
    """

    name: str = ""
    version: str = ""
    summary: str = ""
    keywords: str = ""
    description: str = ""
    classifiers: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    console_scripts: tuple[tuple[str, str], ...] = ()
    gui_scripts: tuple[tuple[str, str], ...] = ()
    legacy_scripts: tuple[str, ...] = ()
    entry_point_groups: tuple[str, ...] = ()
    is_typed: bool = False
    is_compiled: bool = False
    has_interface_files: bool = False
    are_scripts_known: bool = True
    source: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """How the user's pip would look: everything that an answer depends on.

    `index_options` are words of the user's command line, unchanged. `fingerprint` stands for
    what the answer depends on beside them: pip's version, configuration files, `PIP_*`.
    `cache_folder` is where answers are remembered; empty means nowhere.
    """

    interpreter: str
    index_options: tuple[str, ...] = ()
    cache_folder: str = ""
    fingerprint: str = ""


def gather_evidence(
    request: EvidenceRequest, requirements: Iterable[str], run: Run
) -> dict[str, ProjectMetadata]:
    """Return the metadata of every requirement, remembered or as the user's pip finds it."""
    wanted = list(dict.fromkeys(requirements))
    records = {item: read_remembered(request, item) for item in wanted}
    missing = [item for item, record in records.items() if record is None]
    for requirement, record in (ask_probe(request, missing, run) if missing else {}).items():
        records[requirement] = record
        if not record.get("problem"):
            remember(request, requirement, record)
    return {item: parse_record(record or {}) for item, record in records.items()}


def build_probe_command(request: EvidenceRequest) -> list[str]:
    """Build the command that runs the probe under the real pip's interpreter."""
    return [request.interpreter, "-W", "ignore", PROBE, *request.index_options]


def ask_probe(request: EvidenceRequest, requirements: Sequence[str], run: Run) -> dict[str, Record]:
    """Run the probe once for all requirements; what it does not answer becomes a problem."""
    import json

    waiting = SECONDS_OF_WAITING + SECONDS_PER_MORE * (len(requirements) - 1)
    limit = SECONDS_TO_START + min(waiting, SECONDS_AT_MOST)
    question = json.dumps(list(requirements)).encode()
    answers: dict[str, Record] = {}
    problem = "its metadata could not be read"
    try:
        answers = parse_answers(run(build_probe_command(request), question, limit))
    except TimeoutError:
        problem = "the package index did not answer in time"
    except OSError as error:
        problem = f"its metadata could not be read: {error.strerror or 'pip did not run'}"
    return {item: answers.get(item) or {"problem": problem} for item in requirements}


def parse_answers(output: bytes) -> dict[str, Record]:
    """Parse the probe's lines; a line that is not one of its own is left out."""
    import json

    answers: dict[str, Record] = {}
    for line in output.decode("utf-8", "replace").splitlines():
        try:
            record: object = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and isinstance(record.get("requirement"), str):
            answers[record["requirement"]] = record
    return answers


def parse_record(record: Mapping[str, object]) -> ProjectMetadata:
    """Turn the fields of the probe into metadata; a field of the wrong shape is left out."""
    found = record.get("entry_points")
    groups: dict[str, object] = found if isinstance(found, dict) else {}
    return ProjectMetadata(
        name=_text(record, "name"),
        version=_text(record, "version"),
        summary=_text(record, "summary"),
        keywords=_text(record, "keywords"),
        description=_text(record, "description"),
        classifiers=_words(record, "classifiers"),
        extras=_words(record, "extras"),
        dependencies=_words(record, "dependencies"),
        modules=_words(record, "modules"),
        console_scripts=_pairs(groups, "console_scripts"),
        gui_scripts=_pairs(groups, "gui_scripts"),
        legacy_scripts=_words(record, "scripts"),
        entry_point_groups=tuple(sorted(set(groups) - {"console_scripts", "gui_scripts"})),
        is_typed=record.get("is_typed") is True,
        is_compiled=record.get("is_compiled") is True,
        has_interface_files=record.get("has_interface_files") is True,
        are_scripts_known=record.get("are_scripts_known") is not False,
        source=_text(record, "source"),
        problem=_text(record, "problem"),
    )


def _text(record: Mapping[str, object], field: str) -> str:
    value = record.get(field)
    return value if isinstance(value, str) else ""


def _words(record: Mapping[str, object], field: str) -> tuple[str, ...]:
    value = record.get(field)
    items: list[object] = value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, str))


def _pairs(record: Mapping[str, object], field: str) -> tuple[tuple[str, str], ...]:
    value = record.get(field)
    items: dict[str, object] = value if isinstance(value, dict) else {}
    return tuple((name, target) for name, target in items.items() if isinstance(target, str))


# Archives that are given as targets.


def read_archive_metadata(path: str) -> ProjectMetadata:
    """Judge a wheel or an sdist on disk by its own contents, without any pip."""
    from pipguard import metadata_probe

    try:
        with open(path, "rb") as file:
            read = metadata_probe.read_wheel if path.endswith(".whl") else metadata_probe.read_sdist
            return parse_record({**read(file), "source": "a file"})
    except metadata_probe.ProbeError as error:
        return ProjectMetadata(problem=str(error))
    except OSError as error:
        return ProjectMetadata(problem=f"it cannot be read: {error.strerror}")


# What was learnt before.


def read_remembered(request: EvidenceRequest, requirement: str) -> Record | None:
    """Return a remembered answer; a file that is old, large or damaged is no answer."""
    import json
    import time

    path = _locate_memory(request, requirement)
    try:
        state = os.stat(path)
        if state.st_size > CACHE_FILE_SIZE or time.time() - state.st_mtime > CACHE_DAYS * 86400:
            return None
        with open(path, encoding="utf-8") as file:
            record: object = json.load(file)
    except (OSError, ValueError, RecursionError):
        return None
    same = isinstance(record, dict) and record.get("requirement") == requirement
    return record if same and isinstance(record, dict) else None


def remember(request: EvidenceRequest, requirement: str, record: Record) -> None:
    """Write an answer down, whole or not at all; a folder that cannot be written is no failure."""
    import json

    path = _locate_memory(request, requirement)
    text = json.dumps({**record, "requirement": requirement})
    if not path or len(text) > CACHE_FILE_SIZE:
        return
    draft = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        forget_oldest(os.path.dirname(path))
        with open(draft, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(draft, path)
    except OSError:
        return


def forget_oldest(folder: str) -> None:
    """Keep the number of remembered answers below the limit."""
    with os.scandir(folder) as entries:
        files = [entry for entry in entries if entry.is_file(follow_symlinks=False)]
    if len(files) < CACHE_FILES:
        return
    files.sort(key=lambda entry: entry.stat(follow_symlinks=False).st_mtime)
    for entry in files[: len(files) - CACHE_FILES * 3 // 4]:
        os.unlink(entry.path)


def _locate_memory(request: EvidenceRequest, requirement: str) -> str:
    if not request.cache_folder:
        return ""
    # Index options can hold a password: only their digest is ever written.
    parts = (CACHE_VERSION, requirement, request.interpreter, request.fingerprint)
    words = (*parts, *request.index_options)
    key = digest(word.encode("utf-8", "surrogateescape") for word in words)
    return os.path.join(request.cache_folder, "evidence", f"{key}.json")
