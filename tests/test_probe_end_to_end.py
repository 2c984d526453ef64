"""The probe under real pips, against a folder and a server that behaves well or badly."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from harness.pips import NEWEST, OLDER, PipShelf

from pipguard.evidence import EvidenceRequest, ProjectMetadata, gather_evidence

pytestmark = pytest.mark.end_to_end

PIPS = (*OLDER, NEWEST)
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: Frobs\n"
ENTRY_POINTS = "[console_scripts]\n{name} = {name}.cli:main\n"


@pytest.fixture(scope="module", params=PIPS, ids=lambda version: version or "newest")
def pip_folder(
    request: pytest.FixtureRequest, pip_shelf: PipShelf, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder that holds a real pip."""
    folder = tmp_path_factory.mktemp("pip")
    pip_shelf.put(request.param, folder)
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
            time.sleep(8)
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
            served = 'data-dist-info-metadata="true"' if behaviour == "metadata" else ""
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
        if name.endswith(".metadata"):
            with zipfile.ZipFile(wheel) as archive:
                (member,) = (n for n in archive.namelist() if n.endswith("METADATA"))
                self.answer(archive.read(member), "text/plain")
            return
        data = wheel.read_bytes()
        asked = self.headers.get("Range", "")
        if behaviour == "ranges" and asked:
            first, last = asked.removeprefix("bytes=").split("-")
            self.answer(data[int(first) : int(last) + 1], "application/zip", 206)
        else:
            self.answer(data, "application/zip", ranges=behaviour in {"ranges", "liar"})

    def answer(self, data: bytes, kind: str, status: int = 200, ranges: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if self.command == "GET":
            type(self).sent += len(data)
            self.wfile.write(data)


@pytest.fixture(scope="module")
def server(wheels: Path) -> Iterator[str]:
    Index.wheels, Index.sent, Index.asked = wheels, 0, []
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    httpd.daemon_threads = True
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
            timeout=seconds,
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
    request = EvidenceRequest(sys.executable, options)
    return gather_evidence(request, [requirement], runner)[requirement]


def test_a_folder(runner: Runner, wheels: Path) -> None:
    found = ask(runner, "frob", "--no-index", "--find-links", str(wheels))
    assert not found.problem
    assert (found.version, found.source) == ("1.0", "a file")
    assert found.console_scripts == (("frob", "frob.cli:main"),)


def test_pips_own_options_choose(runner: Runner, wheels: Path) -> None:
    options = ("--no-index", "--find-links", str(wheels))
    assert ask(runner, "frob", "--pre", *options).version == "2.0rc1"
    assert ask(runner, "frob>=2.0rc1", *options).version == "2.0rc1"
    assert ask(runner, "frob", *options, "--no-such-option").problem == (
        "pip does not take these options"
    )


def test_pips_own_configuration_chooses(runner: Runner, wheels: Path) -> None:
    configuration = runner.folder / "pip.conf"
    configuration.write_text(f"[global]\nno-index = true\nfind-links = {wheels}\n")
    runner.environ["PIP_CONFIG_FILE"] = str(configuration)
    assert ask(runner, "frob").version == "1.0"


def test_ranges_fetch_little(runner: Runner, server: str) -> None:
    Index.sent = 0
    found = ask(runner, "heavy", "-i", f"{server}/ranges/simple")
    assert (found.problem, found.source) == ("", "range requests")
    assert found.console_scripts == (("heavy", "heavy.cli:main"),)
    assert Index.sent < 200_000


def test_a_small_wheel_without_ranges_is_fetched(runner: Runner, server: str) -> None:
    for behaviour in ("plain", "liar"):
        found = ask(runner, "frob", "-i", f"{server}/{behaviour}/simple")
        assert (found.problem, found.source) == ("", "a download")
        assert found.console_scripts == (("frob", "frob.cli:main"),)


def test_a_large_wheel_without_ranges_is_not_fetched(runner: Runner, server: str) -> None:
    Index.sent = 0
    found = ask(runner, "heavy", "-i", f"{server}/plain/simple")
    assert found.problem == "its server gives no parts of its wheel"
    assert Index.sent < 200_000


def test_the_metadata_file_is_the_last_resort(runner: Runner, server: str) -> None:
    found = ask(runner, "heavy", "-i", f"{server}/metadata/simple")
    assert (found.problem, found.source) == ("", "the index's metadata file")
    assert found.summary == "Frobs"
    assert not found.are_scripts_known


@pytest.mark.parametrize(
    ("behaviour", "problem"),
    [
        ("404", "the package index does not have it"),
        ("403", "the package index refused to answer"),
        ("500", "the package index answered with an error"),
        ("garbage", "the package index answered with something else than an index"),
        ("slow", "the package index did not answer in time"),
        ("drip", "the package index did not answer in time"),
    ],
)
def test_a_bad_index_is_a_problem(
    runner: Runner, server: str, behaviour: str, problem: str
) -> None:
    begin = time.monotonic()
    assert ask(runner, "frob", "-i", f"{server}/{behaviour}/simple").problem == problem
    assert time.monotonic() - begin < 5


def test_a_closed_port_is_a_problem(runner: Runner) -> None:
    found = ask(runner, "frob", "-i", "http://127.0.0.1:9/simple")
    assert found.problem == "the package index cannot be reached"


def test_a_broken_wheel_is_a_problem(runner: Runner, server: str) -> None:
    found = ask(runner, "broken", "-i", f"{server}/ranges/simple")
    assert found.problem == "its wheel is damaged"


def test_one_bad_requirement_does_not_spoil_the_others(runner: Runner, wheels: Path) -> None:
    request = EvidenceRequest(sys.executable, ("--no-index", "-f", str(wheels)))
    found = gather_evidence(request, ["frob", "not a requirement", "absent"], runner)
    assert found["frob"].version == "1.0"
    assert found["not a requirement"].problem == "the requirement cannot be read"
    assert found["absent"].problem == "no index is asked, and it is in no folder of links"


def test_no_other_project_is_asked_for(runner: Runner, server: str) -> None:
    Index.asked.clear()
    ask(runner, "frob", "-i", f"{server}/ranges/simple")
    assert Index.asked[0] == "/ranges/simple/frob/"
    assert {path.rpartition("/")[2] or "page" for path in Index.asked} == {
        "page",
        "frob-1.0-py3-none-any.whl",
    }


def test_an_interpreter_without_pip_is_a_problem(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "nothing", tmp_path)
    request = EvidenceRequest(sys.executable, ())
    argv = [sys.executable, "-S", "-E", "-W", "ignore"]
    found = gather_evidence(request, ["frob"], lambda a, i, s: runner([*argv, a[3]], i, s))
    assert found["frob"].problem == "its interpreter has no pip"
