"""Reads what a project says about itself, from its archive or from the index of the user's pip.

In: the real pip's interpreter, the index options of the command line, requirements, a way to run a
command. Out: one `ProjectMetadata` for each requirement; where nothing could be found out, its
`problem` says why. Never asks an index itself, never raises for bad input.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from pipguard.system.digests import digest
from pipguard.system.frozen import dataclass
from pipguard.system.private_files import read_private_file, remove_oldest, write_private_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

Run = Callable[[Sequence[str], bytes, float], bytes]
Record = dict[str, object]

PROBE: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "probe.py")
# An interpreter and pip on a slow card, on a busy machine; the probe counts the waiting itself.
SECONDS_TO_START: Final = 30.0
SECONDS_OF_WAITING: Final = 2.0
SECONDS_PER_MORE: Final = 0.5
SECONDS_AT_MOST: Final = 5.0
LONGEST_LOOK: Final = SECONDS_TO_START + SECONDS_AT_MOST
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
class MetadataRequest:
    """How the user's pip would look: everything that an answer depends on.

    `index_options` are words of the user's command line, unchanged. `fingerprint` is a digest of
    what the answer depends on besides: pip's version, configuration files, `PIP_*`.
    `cache_folder` is where answers are cached; empty means nowhere.
    """

    interpreter: str
    index_options: tuple[str, ...] = ()
    cache_folder: str = ""
    fingerprint: str = ""


def read_metadata(
    request: MetadataRequest, requirements: Iterable[str], run: Run
) -> dict[str, ProjectMetadata]:
    """Return the metadata of every requirement, cached or as the user's pip finds it."""
    wanted = list(dict.fromkeys(requirements))
    records = {item: read_cached(request, item) for item in wanted}
    missing = [item for item, record in records.items() if record is None]
    for requirement, record in (ask_probe(request, missing, run) if missing else {}).items():
        records[requirement] = record
        if not record.get("problem"):
            store_in_cache(request, requirement, record)
    return {item: parse_record(record or {}) for item, record in records.items()}


def build_probe_command(request: MetadataRequest) -> list[str]:
    """Build the command that runs the probe under the real pip's interpreter."""
    return [request.interpreter, "-W", "ignore", PROBE, *request.index_options]


def ask_probe(request: MetadataRequest, requirements: Sequence[str], run: Run) -> dict[str, Record]:
    """Run the probe once for all requirements; what it does not answer becomes a problem."""

    waiting = SECONDS_OF_WAITING + SECONDS_PER_MORE * (len(requirements) - 1)
    limit = SECONDS_TO_START + min(waiting, SECONDS_AT_MOST)
    question = build_question(requirements)
    answers: dict[str, Record] = {}
    problem = "its metadata could not be read"
    try:
        answers = parse_answers(run(build_probe_command(request), question, limit))
    except TimeoutError:
        problem = "the package index did not answer in time"
    except OSError as error:
        problem = f"its metadata could not be read: {error.strerror or 'pip did not run'}"
    return {item: answers.get(item) or {"problem": problem} for item in requirements}


def build_question(requirements: Sequence[str], *, versions_only: bool = False) -> bytes:
    """Return what the probe reads; for `versions_only` it looks into no archive."""
    import json

    asked = {"requirements": list(requirements), "versions_only": versions_only}
    return json.dumps(asked).encode()


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
        modules=_words(record, "import_names") or _words(record, "modules"),
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


def read_archive_metadata(path: str) -> ProjectMetadata:
    """Read a wheel or an sdist on disk, without any pip."""
    from pipguard.classification import probe

    try:
        with open(path, "rb") as file:
            read = probe.read_wheel if path.endswith(".whl") else probe.read_sdist
            return parse_record({**read(file), "source": "a file"})
    except probe.ProbeError as error:
        return ProjectMetadata(problem=str(error))
    except OSError as error:
        return ProjectMetadata(problem=f"it cannot be read: {error.strerror}")


# Answers of the index are cached: one JSON file for each question.


def read_cached(request: MetadataRequest, requirement: str) -> Record | None:
    """Return a cached answer; a file that is old, large, damaged or not private is no answer."""
    import json
    import time

    path = _locate_cache_file(request, requirement)
    data = read_private_file(path, CACHE_FILE_SIZE) if path else None
    try:
        if not data or time.time() - os.stat(path).st_mtime > CACHE_DAYS * 86400:
            return None
        record: object = json.loads(data)
    except (OSError, ValueError, RecursionError):
        return None
    same = isinstance(record, dict) and record.get("requirement") == requirement
    return record if same and isinstance(record, dict) else None


def store_in_cache(request: MetadataRequest, requirement: str, record: Record) -> None:
    """Cache an answer; where nothing can be stored it is asked again next time."""
    import json

    path = _locate_cache_file(request, requirement)
    data = json.dumps({**record, "requirement": requirement}).encode()
    if path and len(data) <= CACHE_FILE_SIZE and write_private_file(path, data):
        remove_oldest(os.path.dirname(path), CACHE_FILES)


def _locate_cache_file(request: MetadataRequest, requirement: str) -> str:
    if not request.cache_folder:
        return ""
    # Index options can hold a password: only their digest is ever written.
    parts = (CACHE_VERSION, requirement, request.interpreter, request.fingerprint)
    words = (*parts, *request.index_options)
    key = digest(word.encode("utf-8", "surrogateescape") for word in words)
    return os.path.join(request.cache_folder, "evidence", f"{key}.json")
