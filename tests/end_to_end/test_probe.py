"""The probe under real pips, against a folder and a server that behaves well or badly."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from harness.pips import NEWEST, OLDER, PipShelf

from pipguard.classification.metadata import MetadataRequest, ProjectMetadata, read_metadata


def name_pip(version: str) -> str:
    return version or "newest"


PIPS = (*OLDER, NEWEST)
every_pip = pytest.mark.parametrize("pip_folder", PIPS, ids=name_pip, indirect=True)
# What pip calls its failures has changed between these two.
extremes = (OLDER[0], NEWEST)
first_and_last = pytest.mark.parametrize("pip_folder", extremes, ids=name_pip, indirect=True)
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: Frobs\n"
SLOW = 8
"""Seconds that a slow index takes for an answer."""
ENTRY_POINTS = "[console_scripts]\n{name} = {name}.cli:main\n"


@pytest.fixture(scope="module")
def pip_folder(
    request: pytest.FixtureRequest, pip_shelf: PipShelf, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder that holds a real pip, the newest unless a test wants others."""
    folder = tmp_path_factory.mktemp("pip")
    pip_shelf.put(getattr(request, "param", NEWEST), folder)
    return folder


def write_wheel(folder: Path, name: str, version: str = "1.0", padding: int = 0) -> Path:
    info = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "")
        archive.writestr(f"{name}/data.bin", os.urandom(padding))
        archive.writestr(f"{info}/METADATA", METADATA.format(name=name, version=version))
        archive.writestr(f"{info}/entry_points.txt", ENTRY_POINTS.format(name=name))
    return path


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    write_wheel(folder, "frob")
    write_wheel(folder, "frob", "2.0rc1")
    write_wheel(folder, "heavy", padding=6_000_000)
    (folder / "broken-1.0-py3-none-any.whl").write_bytes(b"this is no zip" * 100)
    return folder


# Indexes that know ranges, but none that are counted from the end.
STATUSES = {"forward-416": 416, "forward-501": 501}
# What a server says about the part that it gives.
LIES = {
    "star": "bytes 0-9/*",
    "words": "the last ones",
    "elsewhere": "bytes 0-9/10",
    "backwards": "bytes 9-0/10",
    "endless": "bytes 0-9/" + "9" * 400,
}
GIVES_PARTS = {"ranges", "short", *STATUSES, *LIES}


class Index(BaseHTTPRequestHandler):
    """An index whose first path element says how it behaves."""

    wheels: Path
    sent: int
    asked: list[str]

    def log_message(self, *_: object) -> None:
        return

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        behaviour, _, rest = self.path.strip("/").partition("/")
        self.asked.append(self.path)
        if behaviour in {"404", "403", "500"}:
            self.send_error(int(behaviour))
        elif behaviour == "slow":
            time.sleep(SLOW)
        elif behaviour == "drip":
            self.drip()
        elif behaviour == "garbage":
            self.answer(b"\x00\xff<html" * 100, "text/html")
        elif rest.startswith("simple/"):
            self.answer_page(behaviour, rest.split("/")[1])
        else:
            self.answer_file(behaviour, rest)

    def drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        for _ in range(40):
            self.wfile.write(b"<a>")
            self.wfile.flush()
            time.sleep(0.2)

    def answer_page(self, behaviour: str, name: str) -> None:
        links = []
        for path in sorted(self.wheels.glob(f"{name}-*.whl")):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            has_metadata = behaviour in {"metadata", "flood"}
            served = 'data-dist-info-metadata="true"' if has_metadata else ""
            target = f"/{behaviour}/{path.name}#sha256={digest}"
            links.append(f'<a href="{target}" {served}>{path.name}</a>')
        if not links:
            self.send_error(404)
            return
        self.answer(
            f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode(), "text/html"
        )

    def answer_file(self, behaviour: str, name: str) -> None:
        wheel = self.wheels / name.removesuffix(".metadata")
        if name.endswith(".metadata") and behaviour == "flood":
            self.answer(METADATA.encode() + b"x" * 50_000_000, "text/plain")
            return
        if name.endswith(".metadata"):
            with zipfile.ZipFile(wheel) as archive:
                (member,) = (n for n in archive.namelist() if n.endswith("METADATA"))
                self.answer(archive.read(member), "text/plain")
            return
        data = wheel.read_bytes()
        asked = self.headers.get("Range", "").removeprefix("bytes=")
        if behaviour in STATUSES and asked.startswith("-"):
            self.send_error(STATUSES[behaviour])
        elif behaviour in GIVES_PARTS and asked:
            self.answer_part(behaviour, data, asked)
        else:
            self.answer(data, "application/zip", {"Accept-Ranges": "bytes"})

    def answer_part(self, behaviour: str, data: bytes, asked: str) -> None:
        first, last = asked.split("-")
        start = int(first) if first else max(0, len(data) - int(last))
        stop = int(last) + 1 if first else len(data)
        said = LIES.get(behaviour, f"bytes {start}-{stop - 1}/{len(data)}")
        part = data[start : stop - (behaviour == "short")]
        headers = {"Content-Range": said, "Accept-Ranges": "bytes"}
        self.answer(part, "application/zip", headers, 206)

    def answer(
        self, data: bytes, kind: str, headers: dict[str, str] | None = None, status: int = 200
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            with suppress(ConnectionError):
                for start in range(0, len(data), 8192):
                    type(self).sent += self.wfile.write(data[start : start + 8192])


@pytest.fixture(scope="module")
def server(wheels: Path) -> Iterator[str]:
    Index.wheels, Index.sent, Index.asked = wheels, 0, []
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    httpd.daemon_threads = True
    # Else the system takes megabytes from us that nobody reads.
    httpd.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


class Runner:
    """Runs the probe with one pip, as the process room would."""

    def __init__(self, pip: Path, folder: Path) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        own = {k: v for k, v in kept.items() if not k.startswith("PIP_")}
        self.environ = {**own, "PYTHONPATH": str(pip), "PIP_CONFIG_FILE": os.devnull}
        self.environ["NO_PROXY"] = "*"
        self.folder = folder

    def __call__(self, argv: Sequence[str], stdin: bytes, seconds: float) -> bytes:
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            timeout=4 * seconds,  # a busy machine takes long to start several pips
            check=True,
            env=self.environ,
            cwd=self.folder,
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done.stdout


@pytest.fixture
def runner(pip_folder: Path, tmp_path: Path) -> Runner:
    # A module of the user's named like one of the standard library must never be imported.
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the current folder')")
    (tmp_path / "requests.py").write_text("raise SystemExit('imported from the current folder')")
    return Runner(pip_folder, tmp_path)


def ask(runner: Runner, requirement: str, *options: str) -> ProjectMetadata:
    request = MetadataRequest(sys.executable, options)
    return read_metadata(request, [requirement], runner)[requirement]


def ask_all(runner: Runner, urls: Sequence[str], requirement: str) -> list[ProjectMetadata]:
    """Ask several indexes at once: most of the time is waiting."""
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda url: ask(runner, requirement, "-i", url), urls))


def test_what_counts_is_waiting_for_the_index_not_for_a_processor(
    runner: Runner, wheels: Path, tmp_path: Path
) -> None:
    """Reading the wheel takes four seconds of a processor here, twice the time for an answer."""
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow/sitecustomize.py").write_text(
        "import sys, time\n"
        "def compute(event, arguments):\n"
        "    while event == 'open' and str(arguments[0]).endswith('.whl'):\n"
        "        if time.process_time() > 4: break\n"
        "sys.addaudithook(compute)\n"
    )
    runner.environ["PYTHONPATH"] += f"{os.pathsep}{tmp_path}/slow"
    found = ask(runner, "frob", "--no-index", "--find-links", str(wheels))
    assert (found.problem, found.version) == ("", "1.0")


@every_pip
def test_a_folder_and_pips_own_options(runner: Runner, wheels: Path) -> None:
    options = ("--no-index", "--find-links", str(wheels))
    wanted = ["frob", "frob>=2.0rc1", "not a requirement", "absent"]
    found = read_metadata(MetadataRequest(sys.executable, options), wanted, runner)
    assert not found["frob"].problem
    assert (found["frob"].version, found["frob"].source) == ("1.0", "a file")
    assert found["frob"].console_scripts == (("frob", "frob.cli:main"),)
    assert found["frob>=2.0rc1"].version == "2.0rc1"
    # One bad requirement does not spoil the others.
    assert found["not a requirement"].problem == "the requirement cannot be read"
    assert found["absent"].problem == "no index is asked, and it is in no folder of links"
    assert ask(runner, "frob", "--pre", *options).version == "2.0rc1"


@first_and_last
def test_options_that_pip_does_not_take(runner: Runner, wheels: Path) -> None:
    found = ask(runner, "frob", "--no-such-option")
    assert found.problem == "pip does not take these options"


@every_pip
def test_pips_own_configuration_chooses(runner: Runner, wheels: Path) -> None:
    configuration = runner.folder / "pip.conf"
    configuration.write_text(f"[global]\nno-index = true\nfind-links = {wheels}\n")
    runner.environ["PIP_CONFIG_FILE"] = str(configuration)
    assert ask(runner, "frob").version == "1.0"


@every_pip
def test_two_requests_that_fetch_little(runner: Runner, server: str) -> None:
    Index.sent = 0
    Index.asked.clear()
    found = ask(runner, "heavy", "-i", f"{server}/ranges/simple")
    assert (found.problem, found.source) == ("", "range requests")
    assert found.console_scripts == (("heavy", "heavy.cli:main"),)
    assert Index.sent < 100_000
    # Nothing else is asked for, and nothing of another project.
    assert Index.asked == ["/ranges/simple/heavy/", "/ranges/heavy-1.0-py3-none-any.whl"]


def test_ranges_that_are_counted_from_the_start(runner: Runner, server: str) -> None:
    for behaviour in STATUSES:
        Index.sent = 0
        found = ask(runner, "heavy", "-i", f"{server}/{behaviour}/simple")
        assert (found.problem, found.source) == ("", "range requests")
        assert found.console_scripts == (("heavy", "heavy.cli:main"),)
        assert Index.sent < 100_000


def test_wrong_ranges_are_a_problem(runner: Runner, server: str) -> None:
    urls = [f"{server}/{behaviour}/simple" for behaviour in ("short", *LIES)]
    for found in ask_all(runner, urls, "heavy"):
        assert found.problem == "its server gives no parts of its wheel"


def test_a_small_wheel_without_ranges_is_fetched(runner: Runner, server: str) -> None:
    found = ask(runner, "frob", "-i", f"{server}/plain/simple")
    assert (found.problem, found.source) == ("", "a download")
    assert found.console_scripts == (("frob", "frob.cli:main"),)


def test_a_large_wheel_without_ranges_is_not_fetched(runner: Runner, server: str) -> None:
    Index.sent = 0
    found = ask(runner, "heavy", "-i", f"{server}/plain/simple")
    assert found.problem == "its server gives no parts of its wheel"
    assert Index.sent < 2_000_000


@every_pip
def test_the_metadata_file_is_the_last_resort(runner: Runner, server: str) -> None:
    found = ask(runner, "heavy", "-i", f"{server}/metadata/simple")
    assert (found.problem, found.source) == ("", "the index's metadata file")
    assert found.summary == "Frobs"
    assert not found.are_scripts_known


def test_metadata_without_end_is_a_problem(runner: Runner, server: str) -> None:
    Index.sent = 0
    found = ask(runner, "heavy", "-i", f"{server}/flood/simple")
    assert found.problem == "its archive is too large to look into"
    assert Index.sent < 4_000_000


PROBLEMS = {
    "404": "the package index does not have it",
    "403": "the package index refused to answer",
    "500": "the package index answered with an error",
    "garbage": "the package index answered with something else than an index",
    "slow": "the package index did not answer in time",
    "drip": "the package index did not answer in time",
}


@first_and_last
def test_a_bad_index_is_a_problem(runner: Runner, server: str) -> None:
    urls = [*(f"{server}/{name}/simple" for name in PROBLEMS), "http://127.0.0.1:9/simple"]
    found = [metadata.problem for metadata in ask_all(runner, urls, "frob")]
    assert found == [*PROBLEMS.values(), "the package index cannot be reached"]


@first_and_last
def test_the_first_of_two_meets_pips_own_limit_before_ours(runner: Runner, server: str) -> None:
    request = MetadataRequest(sys.executable, ("-i", f"{server}/slow/simple"))
    found = read_metadata(request, ["frob", "grob"], runner)
    assert {metadata.problem for metadata in found.values()} == {PROBLEMS["slow"]}


@first_and_last
def test_a_proxy_that_is_not_there_is_a_problem(runner: Runner, server: str) -> None:
    found = ask(runner, "frob", "-i", f"{server}/404/simple", "--proxy", "http://127.0.0.1:9")
    assert found.problem == "the proxy did not let the question through"


def test_a_slow_index_is_left_after_two_seconds(runner: Runner, server: str) -> None:
    begin = time.monotonic()
    ask(runner, "frob", "-i", f"{server}/404/simple")
    between = time.monotonic()
    ask(runner, "frob", "-i", f"{server}/slow/simple")
    assert time.monotonic() - between < between - begin + SLOW


def test_a_broken_wheel_is_a_problem(runner: Runner, server: str) -> None:
    found = ask(runner, "broken", "-i", f"{server}/ranges/simple")
    assert found.problem == "its wheel is damaged"


def test_an_interpreter_without_pip_is_a_problem(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "nothing", tmp_path)
    request = MetadataRequest(sys.executable, ())
    argv = [sys.executable, "-S", "-E", "-W", "ignore"]
    found = read_metadata(request, ["frob"], lambda a, i, s: runner([*argv, a[3]], i, s))
    assert found["frob"].problem == "its interpreter has no pip"
