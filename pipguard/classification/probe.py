"""Read a project's metadata as the user's own pip would find it; run under that pip's interpreter.

In: pip options as arguments, as the user gave them; requirements on stdin as a JSON list of
strings. Out: one JSON line per requirement on stdout, a failure being a line with a `problem`.
Never builds a project, never asks another host than pip would, never prompts, never puts a folder
of the user's on `sys.path`, never fetches more than a few megabytes.

Runs on any Python from 3.7 with nothing but the standard library and pip; the functions that read
an archive need no pip, and pipguard itself uses them for archives that are given as targets.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # The folder of this script holds modules named like common ones; nothing comes from it.
    del sys.path[0]

import io
import json
import logging
import os
import re
import tarfile
import threading
import time
import zipfile
from contextlib import contextmanager
from importlib import import_module
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType
    from typing import Protocol

    Fields = dict[str, str | bool | list[str] | dict[str, dict[str, str]]]
    Seekable = IO[bytes] | io.RawIOBase
    # What comes out of pip has no types here: pip's own annotations differ between its versions.
    FromPip = ModuleType

    class Options(Protocol):
        """The few options of pip's that are looked at or changed here."""

        cache_dir: str | None
        no_input: bool
        no_index: bool
        ignore_requires_python: bool


TEXT_LIMIT = 256 * 1024  # of one metadata file: people have published licences in it
READ_LIMIT = 4 * 1024 * 1024  # of one archive, in all
SDIST_LIMIT = 1024 * 1024  # an sdist has to be read as a whole: only small ones
UNPACKED_LIMIT = 64 * 1024 * 1024  # of an sdist, while looking for its metadata
TAIL_SIZE = 64 * 1024  # a wheel's directory and metadata are at its end: one request
CHUNK_SIZE = 32 * 1024
ITEM_LIMIT = 300  # names, classifiers and scripts that are worth passing on
NAME_LIMIT = 200
TOO_SLOW = "the package index did not answer in time"
NO_INDEX = "the package index answered with something else than an index"
UNREACHABLE = "the package index cannot be reached"
BAD_CERTIFICATE = "the package index's certificate is not accepted"
BAD_PROXY = "the proxy did not let the question through"
ASKED_AT_ONCE = 3
SECONDS_FOR_PIP = 2.0
SECONDS_PER_MORE = 0.5
SECONDS_AT_MOST = 5.0


class ProbeError(Exception):
    """A failure, in words for the reason that people read."""


# Archives: no pip, no network, nothing trusted.


class LimitedFile(io.RawIOBase):
    """A seekable file that refuses to read more than `limit` bytes in all."""

    def __init__(self, file: Seekable, limit: int) -> None:
        super().__init__()
        self.file = file
        self.left = limit

    def seekable(self) -> bool:  # noqa: D102 - the interface of files, see io.RawIOBase
        return True

    def readable(self) -> bool:  # noqa: D102
        return True

    def seek(self, offset: int, whence: int = 0) -> int:  # noqa: D102
        return self.file.seek(offset, whence)

    def tell(self) -> int:  # noqa: D102
        return self.file.tell()

    def read(self, size: int = -1) -> bytes:  # noqa: D102
        data = self.file.read(self.left + 1 if size is None or size < 0 else size)
        self.left -= len(data)
        if self.left < 0:
            raise ProbeError("its archive is too large to look into")
        return data


def read_wheel(file: Seekable) -> Fields:
    """Read what tells a library from an application out of a wheel."""
    try:
        with zipfile.ZipFile(LimitedFile(file, READ_LIMIT)) as archive:
            return _read_wheel_archive(archive)
    except ProbeError:
        raise
    except Exception as error:
        # zipfile answers damaged input with a dozen different exceptions.
        raise ProbeError("its wheel is damaged") from error


def _read_wheel_archive(archive: zipfile.ZipFile) -> Fields:
    names = archive.namelist()
    info = next((n.split("/")[0] for n in names if n.endswith(".dist-info/METADATA")), "")
    if not info:
        raise ProbeError("its wheel has no metadata")
    fields = parse_metadata(_read_member(archive, info + "/METADATA"))
    fields["entry_points"] = parse_entry_points(
        _read_member(archive, info + "/entry_points.txt") if _has(names, info) else ""
    )
    fields.update(describe_files(names))
    return fields


def _has(names: list[str], info: str) -> bool:
    return info + "/entry_points.txt" in names


def _read_member(archive: zipfile.ZipFile, name: str) -> str:
    with archive.open(name) as member:
        return member.read(TEXT_LIMIT).decode("utf-8", "replace")


def read_sdist(file: IO[bytes]) -> Fields:
    """Read the metadata that is written in an sdist, without running anything of it."""
    try:
        with tarfile.open(fileobj=file, mode="r|*") as archive:
            texts, names = _read_sdist_texts(archive)
    except ProbeError:
        raise
    except Exception as error:
        raise ProbeError("its source archive is damaged") from error
    if "PKG-INFO" not in texts:
        raise ProbeError("its source archive has no metadata")
    fields = parse_metadata(texts["PKG-INFO"])
    fields["entry_points"] = parse_entry_points(texts.get("entry_points.txt", ""))
    fields.update(describe_files([name.partition("/")[2] for name in names]))
    # setup.py may name scripts that no file of the sdist lists.
    fields["are_scripts_known"] = "entry_points.txt" in texts
    return fields


def _read_sdist_texts(archive: tarfile.TarFile) -> tuple[dict[str, str], list[str]]:
    texts: dict[str, str] = {}
    names: list[str] = []
    for member in archive:
        if member.offset + member.size > UNPACKED_LIMIT or len(names) > 20000:
            raise ProbeError("its source archive is too large to look into")
        names.append(member.name)
        base = os.path.basename(member.name)
        wanted = base in ("PKG-INFO", "entry_points.txt")
        if (
            wanted
            and member.isfile()
            and (member.name.count("/") == 1 or ".egg-info/" in member.name)
        ):
            content = archive.extractfile(member)
            if content is not None:
                texts.setdefault(base, content.read(TEXT_LIMIT).decode("utf-8", "replace"))
    return texts, names


def parse_metadata(text: str) -> Fields:
    """Parse the headers and the first lines of the description of a METADATA file."""
    from email.parser import Parser

    message = Parser().parsestr(text)
    body = message.get_payload()
    return {
        "name": clean(str(message.get("Name", ""))),
        "version": clean(str(message.get("Version", ""))),
        "summary": clean(str(message.get("Summary", "")), 500),
        "keywords": clean(str(message.get("Keywords", "")), 500),
        "classifiers": _all(message.get_all("Classifier")),
        "extras": _all(message.get_all("Provides-Extra")),
        "dependencies": _all(message.get_all("Requires-Dist")),
        "import_names": parse_import_names(message.get_all("Import-Name")),
        "description": clean_lines(body if isinstance(body, str) else "", 3000),
    }


def parse_import_names(values: list[str] | None) -> list[str]:
    """Return what is to be imported of a distribution (PEP 794), without what it calls private."""
    pairs = (value.partition(";") for value in _all(values))
    return [name.strip() for name, _, word in pairs if name.strip() and word.strip() != "private"]


def _all(values: list[str] | None) -> list[str]:
    return [clean(str(value)) for value in (values or [])[:ITEM_LIMIT]]


def clean(text: str, limit: int = NAME_LIMIT) -> str:
    """Keep what can be shown on a terminal, on one line, at a bearable length."""
    return "".join(c if c.isprintable() else " " for c in text[:limit]).strip()


def clean_lines(text: str, limit: int) -> str:
    """Clean a text that may have several lines."""
    return "\n".join(clean(line, 500) for line in text[:limit].splitlines()).strip()


def parse_entry_points(text: str) -> dict[str, dict[str, str]]:
    """Parse entry_points.txt; what cannot be a group, a name or a target is left out."""
    groups: dict[str, dict[str, str]] = {}
    group = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            group = clean(line[1:-1])
        elif "=" in line and group and line[0] not in "#;":
            name, _, target = line.partition("=")
            if len(groups.setdefault(group, {})) < ITEM_LIMIT and is_plain_name(name.strip()):
                groups[group][name.strip()] = clean(target)
    return {group: entries for group, entries in list(groups.items())[:ITEM_LIMIT] if entries}


def is_plain_name(name: str) -> bool:
    """Tell whether an entry point may be called so: one printable word that is no path."""
    plain = name.isprintable() and not set(name) & set("/\\ ;|&$`'\"<>")
    return plain and 0 < len(name) <= 100 and not name.startswith((".", "-"))


def describe_files(names: list[str]) -> Fields:
    """Tell top-level modules, scripts, and signs of an importable interface from file names."""
    scripts = [n.rsplit("/", 1)[1] for n in names if ".data/scripts/" in n]
    inside = [n.split("/") for n in names if ".dist-info/" not in n and ".data/" not in n]
    modules = {p[0] if len(p) > 1 else p[0].partition(".")[0] for p in inside if _is_code(p[-1])}
    return {
        "modules": sorted(clean(m) for m in modules if m.isidentifier() or m.endswith("-stubs"))[
            :ITEM_LIMIT
        ],
        "scripts": sorted(name for name in set(scripts) if is_plain_name(name))[:ITEM_LIMIT],
        "is_typed": any(n.endswith("/py.typed") for n in names),
        "is_compiled": any(_is_extension(n) for n in names),
        "has_interface_files": any(
            n.endswith((".tcss", ".glade", ".ui", ".desktop")) for n in names
        ),
        "are_scripts_known": True,
    }


def _is_code(base: str) -> bool:
    return base.endswith((".py", ".pyi")) or _is_extension(base)


def _is_extension(name: str) -> bool:
    return name.endswith((".so", ".pyd", ".dylib"))


# The index: everything below runs only under the user's pip.


class Request(NamedTuple):
    """What pip was asked to use: its options, session and finder."""

    options: Options
    session: FromPip
    finder: FromPip
    log: FailureLog


def main() -> int:
    """Answer every requirement on stdin within a bounded time; the status is always 0."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # whatever pip says on stdout must not come between our lines
    question = json.load(sys.stdin)
    requirements = [str(item) for item in question["requirements"]]
    look = find_version if question["versions_only"] else look_up
    waiting = list(requirements)
    lock = threading.Lock()

    def answer(requirement: str, fields: Fields) -> None:
        with lock:
            if requirement in waiting:
                waiting.remove(requirement)
                print(json.dumps(dict(fields, requirement=requirement)), file=answers, flush=True)

    try:
        with opened_pip(sys.argv[1:]) as request:
            watch_the_clock(waiting, answer)
            if question["versions_only"]:
                look_at_the_newest(request.finder)
                share_out(requirements, lambda item: answer(item, look(request, item)))
            for requirement in list(waiting):
                answer(requirement, look(request, requirement))
    except (Exception, SystemExit) as error:
        for requirement in list(waiting):
            answer(requirement, {"problem": describe_error(error)})
    answers.flush()
    os._exit(0)  # a thread of a hanging connection must not keep the user waiting


def share_out(items: list[str], work: Callable[[str], None]) -> None:
    """Work on several items at once: several pages of the index are waited for together."""
    left = iter(items)
    lock = threading.Lock()

    def take() -> None:
        while True:
            with lock:
                item = next(left, None)
            if item is None:
                return
            work(item)

    threads = [threading.Thread(target=take) for _ in range(ASKED_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def watch_the_clock(waiting: list[str], answer: Callable[[str, Fields], None]) -> None:
    """Answer for an index that does not, and end."""

    def give_up() -> None:
        for requirement in list(waiting):
            answer(requirement, {"problem": TOO_SLOW})
        os._exit(0)

    seconds = SECONDS_FOR_PIP + SECONDS_PER_MORE * (len(waiting) - 1)

    def watch() -> None:
        begun = read_idle_time()
        while read_idle_time() - begun < min(seconds, SECONDS_AT_MOST):
            time.sleep(0.1)
        give_up()

    threading.Thread(target=watch, daemon=True).start()


def read_idle_time() -> float:
    """Return seconds in which the process neither ran nor waited for a processor.

    On a busy or small machine pip's own start takes longer than any index; where the system does
    not tell how long one waited for a processor (it is Linux that does), that counts as idle.
    """
    try:
        with open(f"/proc/self/task/{os.getpid()}/schedstat", encoding="ascii") as file:
            waited = int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        waited = 0.0
    return time.monotonic() - time.process_time() - waited


@contextmanager
def opened_pip(words: list[str]) -> Iterator[Request]:
    """Make pip's own session and finder from pip's own options and configuration."""
    log = FailureLog()
    logger = logging.getLogger("pip")
    logger.addHandler(log)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        commands = import_module("pip._internal.commands")
    except ImportError as error:
        raise ProbeError("its interpreter has no pip") from error
    # `install` knows every option that the user may have given, and reads its own configuration.
    command = commands.create_command("install")
    options, _ = command.parse_args(words)
    options.no_input = True
    prepare_options(options)
    with command.main_context():
        session = command._build_session(options, retries=0, timeout=SECONDS_FOR_PIP)
        finder = build_finder(command, options, session)
        # It says a word about each file, and of these some projects have thousands.
        logging.getLogger(type(finder).__module__).setLevel(logging.INFO)
        yield Request(options, session, finder, log)


def prepare_options(options: Options) -> None:
    """Do what pip's commands do before they ask an index."""
    misc = import_module("pip._internal.utils.misc")
    filesystem = import_module("pip._internal.utils.filesystem")
    cmdoptions = import_module("pip._internal.cli.cmdoptions")
    if options.cache_dir:
        options.cache_dir = misc.normalize_path(options.cache_dir)
        if not filesystem.check_path_owner(options.cache_dir):
            options.cache_dir = None
    if hasattr(cmdoptions, "check_release_control_exclusive"):
        cmdoptions.check_release_control_exclusive(options)


def build_finder(command: FromPip, options: Options, session: FromPip) -> FromPip:
    """Let pip build its finder as `pip install` would."""
    cmdoptions = import_module("pip._internal.cli.cmdoptions")
    finder: FromPip = command._build_package_finder(
        options=options,
        session=session,
        target_python=cmdoptions.make_target_python(options),
        ignore_requires_python=options.ignore_requires_python,
    )
    return finder


def look_up(request: Request, requirement: str) -> Fields:
    """Find and read one requirement's metadata; a failure is a `problem`."""
    request.log.lines.clear()
    try:
        links = find_links(request.finder, requirement)
        if not links:
            return {"problem": describe_absence(request)}
        return read_link(request.session, links)
    except (Exception, SystemExit) as error:
        return {"problem": describe_error(error)}


def find_version(request: Request, requirement: str) -> Fields:
    """Find the version that pip would take, and read nothing of it."""
    if request.log.is_silent:
        return {"problem": describe_absence(request)}
    try:
        version = find_best_version(request.finder, requirement)
        return {"version": version} if version else {"problem": describe_absence(request)}
    except (Exception, SystemExit) as error:
        return {"problem": describe_error(error)}


def find_best_version(finder: FromPip, requirement: str) -> str:
    """Return the best candidate's version, empty without one."""
    requirements = import_module("pip._vendor.packaging.requirements")
    parsed = requirements.Requirement(requirement)
    best = finder.find_best_candidate(parsed.name, parsed.specifier).best_candidate
    return "" if best is None else str(best.version)


def look_at_the_newest(finder: FromPip) -> None:
    """Let pip's finder pass over old files: some projects have thousands, and it looks at each."""

    def process_project_url(project_url: FromPip, link_evaluator: FromPip) -> list[FromPip]:
        page = finder._link_collector.fetch_response(project_url)
        found: list[FromPip] = []
        versions: set[FromPip] = set()
        for link in list_newest_links(page) if page else ():
            candidate = finder.get_install_candidate(link_evaluator, link)
            if hasattr(candidate, "version"):
                found.append(candidate)
                is_plain = not candidate.version.is_prerelease and not link.is_yanked
                versions.update({candidate.version} if is_plain else ())
            if len(versions) > 1:
                break
        return found

    setattr(finder, "process_project_url", process_project_url)  # noqa: B010 - it has no types


def list_newest_links(page: FromPip) -> Iterable[FromPip]:
    """Return the files of a page of the index, the newest first; of JSON (PEP 691), as needed."""
    if page.content_type.lower().startswith("application/vnd.pypi.simple.v1+json"):
        make_link = import_module("pip._internal.models.link").Link.from_json
        files = json.loads(page.content).get("files", [])
        files.sort(key=lambda file: guess_version(file.get("filename", "")), reverse=True)
        return filter(None, (make_link(file, page.url) for file in files))
    links = import_module("pip._internal.index.collector").parse_links(page)
    return sorted(links, key=lambda link: guess_version(link.filename), reverse=True)


def guess_version(file_name: str) -> list[int]:
    """Return the numbers of the version in a file's name, roughly: only their order counts."""
    found = re.search(r"-v?(\d[^-]*)", file_name)
    return [int(number) for number in re.findall(r"\d+", found[1])] if found else []


def describe_absence(request: Request) -> str:
    """Say why there is no candidate: pip tells a failing index only to its log."""
    if getattr(request.options, "no_index", False):
        return "no index is asked, and it is in no folder of links"
    logged = " ".join(request.log.lines).lower()
    for sign, words in (
        ("timed out", TOO_SLOW),
        ("didn't respond", TOO_SLOW),  # pip 26.3
        ("404 client error", "the package index does not have it"),
        ("client error", "the package index refused to answer"),
        ("server error", "the package index answered with an error"),
        ("error responses", "the package index answered with an error"),
        ("ssl certificate", BAD_CERTIFICATE),
        ("cannot connect to proxy", BAD_PROXY),
        ("proxy connection error", BAD_PROXY),  # pip 26.3
        ("could not fetch url", UNREACHABLE),
        ("skipping page", NO_INDEX),
    ):
        if sign in logged:
            return words
    return "the package index does not have it for this Python"


class FailureLog(logging.Handler):
    """Keeps what pip says about pages that it could not use."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.is_silent = False
        """Whether the index did not answer at all: nobody waits for it again."""

    def emit(self, record: logging.LogRecord) -> None:  # noqa: D102
        line = record.getMessage()
        if line.lower().startswith(("could not fetch url", "skipping page")):
            self.lines.append(line[:500])
            said = line.lower()
            self.is_silent |= "client error" not in said and "server error" not in said


def find_links(finder: FromPip, requirement: str) -> list[FromPip]:
    """Return the best candidate's link, and the newest wheel's if the best one is no wheel."""
    address = requirement.partition(" @ ")[2] or requirement
    if "://" in address:
        make_link = import_module("pip._internal.models.link").Link
        return [make_link(address.partition(";")[0].strip())]
    requirements = import_module("pip._vendor.packaging.requirements")
    parsed = requirements.Requirement(requirement)
    result = finder.find_best_candidate(parsed.name, parsed.specifier)
    best = result.best_candidate
    if best is None:
        return []
    candidates = getattr(result, "applicable_candidates", None) or result._applicable_candidates
    wheels = [c for c in candidates if c.link.is_wheel]
    newest = max(wheels, key=lambda c: c.version) if wheels else best
    return [best.link] if best.link.is_wheel or newest is best else [newest.link, best.link]


def read_link(session: FromPip, links: list[FromPip]) -> Fields:
    """Read the first link that can be read; a wheel of another version is good evidence too."""
    problem = "nothing to read"
    for link in links:
        try:
            if link.is_file:
                return read_local_link(link)
            return (
                read_remote_wheel(session, link)
                if link.is_wheel
                else read_remote_sdist(session, link)
            )
        except ProbeError as error:  # noqa: PERF203 - two links at most
            problem = str(error)
    raise ProbeError(problem)


def read_local_link(link: FromPip) -> Fields:
    """Read an archive in a folder of links."""
    with open(link.file_path, "rb") as file:
        fields = read_wheel(file) if link.is_wheel else read_sdist(file)
    return dict(fields, source="a file")


def read_remote_wheel(session: FromPip, link: FromPip) -> Fields:
    """Read a wheel by range requests, whole if it is small, or only its metadata file."""
    url = link.url.partition("#")[0]
    try:
        wheel = open_remote_wheel(session, url)
        if wheel is not None:
            source = "range requests" if isinstance(wheel, RemoteFile) else "a download"
            return dict(read_wheel(wheel), source=source)
    except RangesRefusedError:
        pass
    return read_metadata_file(session, link)


def open_remote_wheel(session: FromPip, url: str) -> Seekable | None:
    """Open a wheel by its last bytes, mostly in one request; None for a large one in one piece."""
    headers = plain_headers(Range=f"bytes=-{TAIL_SIZE}")
    with session.get(url, headers=headers, stream=True) as response:
        length = str(response.headers.get("Content-Length", ""))
        size = int(length) if length.isdigit() else 0
        if response.status_code == 206:
            return RemoteFile(session, url, read_part(response))
        if response.status_code == 200:
            fits = 0 < size <= READ_LIMIT // 2
            return io.BytesIO(read_body(response, size)) if fits else None
        # 400, 416, 501: some servers know ranges, but none that are counted from the end.
        if response.status_code not in (400, 416, 501):
            require_success(response)
    size = ask_size(session, url)
    start = max(0, size - TAIL_SIZE)
    return RemoteFile(session, url, fetch_part(session, url, start, size)) if size else None


def read_metadata_file(session: FromPip, link: FromPip) -> Fields:
    """Read the metadata file beside the wheel (PEP 658); it does not tell the scripts."""
    metadata = link.metadata_link() if callable(getattr(link, "metadata_link", None)) else None
    if metadata is None:
        raise ProbeError("its server gives no parts of its wheel")
    text = download(session, metadata.url.partition("#")[0], TEXT_LIMIT).decode("utf-8", "replace")
    fields = parse_metadata(text)
    if not fields["name"]:
        raise ProbeError("its metadata file is damaged")
    return dict(fields, are_scripts_known=False, source="the index's metadata file")


def read_remote_sdist(session: FromPip, link: FromPip) -> Fields:
    """Read a small sdist as it is; a large one is not worth fetching for this."""
    if not link.filename.endswith((".tar.gz", ".tgz", ".tar.bz2")):
        raise ProbeError("it has no wheel, and a source archive is not built for this")
    data = download(session, link.url.partition("#")[0], SDIST_LIMIT)
    return dict(read_sdist(io.BytesIO(data)), source="a source archive")


class RangesRefusedError(ProbeError):
    """The server gives no ranges, or not those that it was asked for."""

    def __init__(self) -> None:
        super().__init__("its server gives no parts of its wheel")


def plain_headers(**more: str) -> dict[str, str]:
    """Return the headers of every question for a file or a part of it."""
    # An encoded answer would have other offsets; a cached one would be the whole wheel.
    return {"Accept-Encoding": "identity", "Cache-Control": "no-cache", **more}


def ask_size(session: FromPip, url: str) -> int:
    """Ask for the size of a file of which parts are given, zero where they are not."""
    response = session.head(url, headers=plain_headers(), allow_redirects=True)
    require_success(response)
    length = str(response.headers.get("Content-Length", ""))
    has_ranges = "bytes" in response.headers.get("Accept-Ranges", "").lower()
    return int(length) if has_ranges and length.isdigit() else 0


def require_success(response: FromPip) -> None:
    """Raise for a status that is no answer."""
    if response.status_code >= 400:
        raise ProbeError(f"its server answered with status {response.status_code}")


def download(session: FromPip, url: str, limit: int) -> bytes:
    """Fetch a whole file of at most `limit` bytes."""
    with session.get(url, headers=plain_headers(), stream=True) as response:
        require_success(response)
        return read_body(response, limit)


def read_body(response: FromPip, limit: int) -> bytes:
    """Read an answer of at most `limit` bytes."""
    data = bytearray()
    for chunk in response.iter_content(CHUNK_SIZE):
        data += chunk
        if len(data) > limit:
            raise ProbeError("its archive is too large to look into")
    return bytes(data)


class Part(NamedTuple):
    """Some bytes of a file, where they begin, and the size of the whole."""

    start: int
    data: bytes
    size: int


def fetch_part(session: FromPip, url: str, start: int, stop: int) -> Part:
    """Fetch one range."""
    headers = plain_headers(Range=f"bytes={start}-{stop - 1}")
    with session.get(url, headers=headers, stream=True) as response:
        if response.status_code != 206:
            raise RangesRefusedError()
        part = read_part(response)
    if (part.start, len(part.data)) != (start, stop - start):
        raise RangesRefusedError()
    return part


def read_part(response: FromPip) -> Part:
    """Read an answer that says which part of the file it is: `bytes 100-199/1000`."""
    unit, _, said = str(response.headers.get("Content-Range", "")).strip().partition(" ")
    span, _, size = said.partition("/")
    numbers = [*span.split("-"), size]
    if unit.lower() != "bytes" or len(numbers) != 3:
        raise RangesRefusedError()
    if not all(number.isdecimal() and len(number) < 19 for number in numbers):
        raise RangesRefusedError()
    start, last, whole = map(int, numbers)
    if not start <= last < whole or last - start >= READ_LIMIT:
        raise RangesRefusedError()
    try:
        data = read_body(response, last - start + 1)
    except ProbeError as error:
        raise RangesRefusedError() from error
    if len(data) != last - start + 1:
        raise RangesRefusedError()
    return Part(start, data, whole)


class RemoteFile(io.RawIOBase):
    """A file on a server, fetched in ranges; the end, where wheels keep their metadata, is here."""

    def __init__(self, session: FromPip, url: str, end: Part) -> None:
        super().__init__()
        if end.start + len(end.data) != end.size:
            raise RangesRefusedError()
        self.session = session
        self.url = url
        self.size = end.size
        self.position = 0
        self.parts = {end.start: end.data}
        self.fetched = len(end.data)

    def seekable(self) -> bool:  # noqa: D102 - the interface of files, see io.RawIOBase
        return True

    def readable(self) -> bool:  # noqa: D102
        return True

    def tell(self) -> int:  # noqa: D102
        return self.position

    def seek(self, offset: int, whence: int = 0) -> int:  # noqa: D102
        self.position = max(0, offset + (0, self.position, self.size)[whence])
        return self.position

    def read(self, size: int = -1) -> bytes:  # noqa: D102
        stop = self.size if size is None or size < 0 else min(self.size, self.position + size)
        if stop <= self.position:
            return b""
        data = self.find(self.position, stop)
        self.position = stop
        return data

    def find(self, start: int, stop: int) -> bytes:
        """Return bytes from a part that is here, or fetch a part that holds them."""
        for first, part in self.parts.items():
            if first <= start and stop <= first + len(part):
                return part[start - first : stop - first]
        part = self.fetch(start, min(self.size, max(stop, start + CHUNK_SIZE)))
        return part[: stop - start]

    def fetch(self, start: int, stop: int) -> bytes:
        """Fetch one range, and keep it."""
        self.fetched += stop - start
        if self.fetched > READ_LIMIT:
            raise ProbeError("its archive is too large to look into")
        self.parts[start] = fetch_part(self.session, self.url, start, stop).data
        return self.parts[start]


def describe_error(error: BaseException) -> str:
    """Put a failure of pip's or ours into one clause."""
    kind = type(error).__name__
    words = {
        "ConnectTimeout": TOO_SLOW,
        "ReadTimeout": TOO_SLOW,
        "ConnectionError": UNREACHABLE,
        "SSLError": BAD_CERTIFICATE,
        "ProxyError": BAD_PROXY,
        # What pip 26.3 makes of them:
        "ConnectionTimeoutError": TOO_SLOW,
        "ConnectionFailedError": UNREACHABLE,
        "SSLVerificationError": BAD_CERTIFICATE,
        "ProxyConnectionError": BAD_PROXY,
        "InvalidRequirement": "the requirement cannot be read",
        "UnicodeDecodeError": NO_INDEX,
        "SystemExit": "pip does not take these options",
    }
    if isinstance(error, ProbeError):
        return str(error)
    return words.get(kind, f"pip could not look it up ({kind})")


if __name__ == "__main__":
    raise SystemExit(main())
