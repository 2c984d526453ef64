"""A terminal is a terminal: recordings of pip and of pipguard, on real pseudo-terminals."""

from __future__ import annotations

import base64
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from harness.fakes import MakeFakePip, Transcript
from harness.managed import ManagedPython, write_executable
from harness.running import RunPipguard, RunPipguardOnTerminal, run_command, run_on_terminal
from harness.wheels import PackageIndex

# What differs from run to run: names of temporary folders, speeds and times, frames of a bar.
_VARYING = re.compile(rb"pip-[a-z-]+-\w+|\d+(\.\d+)? [kMG]?B/s|\d+:\d\d:\d\d|eta [-:\d]+")
ALLOWED = {"PIP_BREAK_SYSTEM_PACKAGES": "1"}
COLOURFUL = {"TERM": "xterm-256color", "FORCE_COLOR": None, "NO_COLOR": None}


def normalise(shown: bytes) -> bytes:
    return _VARYING.sub(b"", shown)


def fake_talker(folder: Path, python: Path, code: str) -> Path:
    """A pip of a managed Python that does something unusual."""
    return write_executable(folder / "talker", f"#!{python}\nimport os, sys, time\n{code}\n")


class Terminal:
    """A command on a terminal of its own, while it runs."""

    def __init__(self, argv: Sequence[str | Path], environ: dict[str, str]) -> None:
        self.process, self.descriptor = pty.fork()
        if self.process == 0:
            os.execvpe(str(argv[0]), [str(word) for word in argv], os.environ | environ)
        self.shown = b""

    def wait_for(self, text: bytes) -> None:
        """Read until the text has appeared."""
        while text not in self.shown:
            ready, _, _ = select.select([self.descriptor], [], [], 60)
            assert ready, f"never showed {text!r}: {self.shown!r}"
            self.shown += os.read(self.descriptor, 65536)

    def type(self, text: bytes) -> None:
        os.write(self.descriptor, text)

    def end(self) -> int:
        """Read what remains; return the exit status, below 0 for a signal."""
        try:
            while chunk := os.read(self.descriptor, 65536):
                self.shown += chunk
        except OSError:
            pass
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


# Not refused


@pytest.mark.usefixtures("use_stand_ins")
@pytest.mark.parametrize("environ", [COLOURFUL, {"TERM": "dumb"}], ids=["colour", "dumb"])
def test_a_pip_that_does_not_refuse_shows_the_same(
    pipguard_command: Path, managed_python: ManagedPython, environ: dict[str, str | None]
) -> None:
    pip, ours = ([program] for program in (managed_python.pip, pipguard_command))
    answers = [(b"(Y/n)?", b"y\n")]
    changes = environ | ALLOWED
    recordings = []
    for program in (pip, ours):
        installed = run_on_terminal([*program, "install", "six"], env=changes)
        removed = run_on_terminal([*program, "uninstall", "six"], env=changes, answers=answers)
        missing = run_on_terminal([*program, "install", "no-such-project"], env=changes)
        done = (installed, removed, missing)
        recordings.append([(run.status, normalise(run.stdout)) for run in done])
    assert recordings[0] == recordings[1]
    assert [status for status, _ in recordings[0]] == [0, 0, 1]
    assert (b"\x1b[" in recordings[0][2][1]) is (environ is COLOURFUL)


# Refused


@pytest.mark.usefixtures("use_stand_ins")
def test_a_routed_install_shows_what_pip_shows_there(
    pipguard_command: Path, managed_python: ManagedPython, project: Path
) -> None:
    assert run_on_terminal([pipguard_command, "install", "six"], env=COLOURFUL).status == 0
    words = ["install", "--force-reinstall", "six"]
    routed = run_on_terminal([pipguard_command, *words], env=COLOURFUL)
    python = project / ".venv/bin/python"
    direct = run_on_terminal([python, "-I", "-m", "pip", *words], env=COLOURFUL)
    lines = routed.stdout.splitlines(keepends=True)
    ours = [line for line in lines if b"pipguard:" in line]
    assert normalise(b"".join(line for line in lines if line not in ours)) == normalise(
        direct.stdout
    )
    assert 1 <= len(ours) <= 4
    assert b"externally-managed" not in routed.stdout


@pytest.mark.usefixtures("use_stand_ins", "managed_python")
def test_a_routed_uninstall_asks_and_takes_no_for_an_answer(
    pipguard_command: Path, project: Path
) -> None:
    run_on_terminal([pipguard_command, "install", "six"])
    for answer, is_there in ((b"n\n", True), (b"y\n", False)):
        words: list[str | Path] = [pipguard_command, "uninstall", "six"]
        done = run_on_terminal(words, answers=[(b"(Y/n)?", answer)])
        assert done.status == 0
        found = run_command([project / ".venv/bin/python", "-c", "import six"])
        assert (found.status == 0) is is_there


class _Locked(BaseHTTPRequestHandler):
    folder = Path()

    def do_GET(self) -> None:
        wanted = "Basic " + base64.b64encode(b"me:secret").decode()
        if self.headers["Authorization"] != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path = self.folder / self.path.strip("/")
        if path.is_dir():
            page = (path / "index.html").read_bytes()
            page = re.sub(rb'file://[^"]*/', b"/files/", page)
            kind = "text/html"
        else:
            page, kind = path.read_bytes(), "application/octet-stream"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def locked_index(stand_in_index: PackageIndex) -> Iterator[str]:
    """An index on this machine that wants a name and a password."""
    handler = type("Handler", (_Locked,), {"folder": stand_in_index.folder})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/simple"
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("managed_python", "project")
def test_an_index_that_wants_a_password_can_ask_for_it(
    pipguard_command: Path, locked_index: str
) -> None:
    words: list[str | Path] = [pipguard_command, "install", "six", "--index-url", locked_index]
    answers = [(b"User for 127.0.0.1", b"me\n"), (b"Password:", b"secret\n")]
    proxies: dict[str, str | None] = dict.fromkeys(
        ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy")
    )
    # Looking for a newer pip, pip asks for the password once more.
    environ = proxies | {"NO_PROXY": "127.0.0.1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = run_on_terminal(words, env=environ, answers=answers)
    assert done.status == 0, done.out
    assert b"Successfully installed six" in done.stdout
    assert b"secret" not in done.stdout


# Signals and windows


def test_ctrl_c_ends_the_real_pip_and_us(
    pipguard_command: Path, managed_python: ManagedPython, tmp_path: Path
) -> None:
    code = (
        "try:\n    print('waiting', flush=True); time.sleep(60)\nexcept KeyboardInterrupt:\n"
        "    sys.stderr.write('ERROR: Operation cancelled by user\\n'); sys.exit(1)"
    )
    talker = fake_talker(tmp_path, managed_python.python, code)
    terminal = Terminal([pipguard_command, "install", "x"], {"PIPGUARD_REAL_PIP": str(talker)})
    terminal.wait_for(b"waiting")
    terminal.type(b"\x03")
    assert terminal.end() == 1
    assert terminal.shown.count(b"cancelled by user") == 1
    assert b"Traceback" not in terminal.shown


def test_ctrl_z_stops_the_real_pip_and_us_and_fg_goes_on(
    pipguard_command: Path, managed_python: ManagedPython, tmp_path: Path
) -> None:
    code = "print('waiting', flush=True)\nprint('got', sys.stdin.readline())"
    talker = fake_talker(tmp_path, managed_python.python, code)
    environ = {"PIPGUARD_REAL_PIP": str(talker)}
    process, descriptor = pty.fork()
    if process == 0:  # a shell that stops, and continues, its job
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        job = os.fork()
        if job == 0:
            os.setpgid(0, 0)
            os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            os.execve(pipguard_command, ["pipguard", "install", "x"], os.environ | environ)
        _, status = os.waitpid(job, os.WUNTRACED)
        os.write(1, b"stopped\n" if os.WIFSTOPPED(status) else b"ended\n")
        os.tcsetpgrp(0, job)
        os.killpg(job, signal.SIGCONT)
        _, status = os.waitpid(job, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 255)
    terminal = Terminal.__new__(Terminal)
    terminal.process, terminal.descriptor, terminal.shown = process, descriptor, b""
    terminal.wait_for(b"waiting")
    terminal.type(b"\x1a")
    terminal.wait_for(b"stopped")
    terminal.type(b"on\n")
    terminal.wait_for(b"got on")
    assert terminal.end() == 0


def test_a_window_that_changes_changes_for_the_real_pip_too(
    pipguard_command: Path, managed_python: ManagedPython, tmp_path: Path
) -> None:
    code = (
        "size = lambda: os.get_terminal_size(2).columns\n"
        "print('first', size(), flush=True)\n"
        "while size() == 80: time.sleep(0.01)\n"
        "print('then', size(), flush=True)"
    )
    talker = fake_talker(tmp_path, managed_python.python, code)
    started = f"stty cols 80; exec '{pipguard_command}' install x"
    terminal = Terminal(["sh", "-c", started], {"PIPGUARD_REAL_PIP": str(talker)})
    terminal.wait_for(b"first 80")
    size = struct.pack("HHHH", 40, 132, 0, 0)
    fcntl.ioctl(terminal.descriptor, termios.TIOCSWINSZ, size)
    terminal.wait_for(b"then 132")
    assert terminal.end() == 0


# Streams that are closed, or slow, or far too full


@pytest.mark.usefixtures("use_stand_ins", "managed_python")
@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_harms_nothing(
    pipguard_command: Path, project: Path, redirection: str
) -> None:
    done = run_command(["sh", "-c", f"'{pipguard_command}' install six {redirection}"])
    assert b"Traceback" not in done.stderr
    found = run_command([project / ".venv/bin/python", "-c", "import six"])
    assert found.status == 0, done
    assert sorted(os.listdir(project)) == [".venv"]
    log = Path(os.environ["XDG_STATE_HOME"], "pipguard", "log.jsonl")
    assert all(line.startswith("{") for line in log.read_text().splitlines())


@pytest.mark.usefixtures("use_stand_ins", "managed_python")
def test_a_reader_that_goes_away_ends_it_as_pip_ends(pipguard_command: Path, project: Path) -> None:
    done = run_command(["sh", "-c", f"'{pipguard_command}' install six | head -n 1"])
    assert done.stdout.count(b"\n") == 1
    assert b"Traceback" not in done.stderr
    left = os.listdir(project)
    assert left in ([], [".venv"])  # pip gives up when it notices, which is a race
    assert not left or not (project / ".venv/.pipguard-unfinished").exists()


def test_words_for_a_closed_stderr_go_nowhere(
    pipguard_command: Path, managed_python: ManagedPython, tmp_path: Path
) -> None:
    code = "os.write(2, b'lost')\nopen(sys.argv[2], 'w').write('done')"
    talker = fake_talker(
        tmp_path,
        managed_python.python,
        f"try:\n    {code.splitlines()[0]}\nexcept OSError:\n    pass\n{code.splitlines()[1]}",
    )
    there = tmp_path / "there"
    words = ["sh", "-c", f"'{pipguard_command}' install '{there}' 2>&-"]
    done = run_command(words, env={"PIPGUARD_REAL_PIP": str(talker)})
    assert (done.status, done.stdout, there.read_text()) == (0, b"", "done")


def test_a_slow_reader_loses_nothing(
    pipguard_command: Path, managed_python: ManagedPython, tmp_path: Path
) -> None:
    talker = fake_talker(tmp_path, managed_python.python, "os.write(2, b'x' * 60000 + b'\\n')")
    words: list[str | Path] = [pipguard_command, "install", "x"]
    environ = os.environ | {"PIPGUARD_REAL_PIP": str(talker)}
    with subprocess.Popen(words, env=environ, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        fcntl.fcntl(process.stderr, 1031, 4096)  # F_SETPIPE_SZ: it is full at once
        time.sleep(2)  # longer than anybody waits for a stream that is only kept open
        assert len(process.stderr.read()) == 60001
        assert process.wait() == 0


@pytest.mark.parametrize("line", ["x" * 79, "error: externally-managed-environment"])
def test_a_flood_on_stderr_passes_through_in_little_memory(
    pipguard_command: Path, managed_python: ManagedPython, tmp_path: Path, line: str
) -> None:
    code = f"for _ in range(100): os.write(2, b'{line}\\n' * (1_000_000 // {len(line) + 1}))\n"
    talker = fake_talker(tmp_path, managed_python.python, code + "sys.exit(3)")
    measure = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stderr=subprocess.PIPE)\n"
        "print(len(done.stderr), done.returncode,"
        " resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    words: list[str | Path] = [
        sys.executable,
        "-I",
        "-c",
        measure,
        pipguard_command,
        "install",
        "x",
    ]
    done = run_command(words, env={"PIPGUARD_REAL_PIP": str(talker)})
    size, status, memory = map(int, done.stdout.split())
    assert (size, status) == (100 * (1_000_000 // (len(line) + 1)) * (len(line) + 1), 3)
    assert memory < 64 * 1024, "kilobytes"


# Words that hardly anybody types


@pytest.mark.parametrize(
    "words",
    [
        [b"two\nlines"],
        [b""],
        [b"caf\xe9"],
        [b"--index-url=\xff"],
        [b"x"] * 100_000,
        [b"-r", b"-"],
        [b"-\xff"],
        [b"--"],
    ],
    ids=["newline", "empty", "latin-1", "byte", "many", "standard-input", "option", "dashes"],
)
def test_unusual_words_reach_the_real_pip_byte_for_byte(
    run_pipguard: RunPipguard,
    fake_pip: MakeFakePip,
    managed_python: ManagedPython,
    words: list[bytes],
) -> None:
    pip = fake_pip(Transcript(status=0, stdout=b"done\n"), interpreter=managed_python.python)
    done = run_pipguard(["install", *words], env={"PATH": f"{pip.path.parent}:/nowhere:/usr/bin"})
    assert (done.status, done.stdout, done.stderr) == (0, b"done\n", b"")
    assert pip.calls == [[b"install", *words]]


@pytest.mark.usefixtures("use_stand_ins", "managed_python")
def test_a_file_that_only_the_shell_knows_reaches_pip(
    pipguard_command: Path, project: Path
) -> None:
    words = f"'{pipguard_command}' install -r /dev/fd/9 9<<X\nsix\nX\n"
    done = run_command(["sh", "-c", words])
    assert done.status == 0, done.err
    assert run_command([project / ".venv/bin/python", "-c", "import six"]).status == 0


@pytest.mark.usefixtures("use_stand_ins", "managed_python")
def test_requirements_from_standard_input_and_in_a_circle_end_as_with_pip(
    run_pipguard: RunPipguard, project: Path, managed_python: ManagedPython
) -> None:
    (project / "a.txt").write_text("-r b.txt\n")
    (project / "b.txt").write_text("-r a.txt\n")
    for words in (["-r", "-"], ["-r", "a.txt"]):
        done = run_pipguard(["install", *words], stdin=b"six\n")
        expected = run_command([managed_python.pip, "install", *words], env=ALLOWED)
        assert done.status == expected.status == 1
        assert os.listdir(project) == ["a.txt", "b.txt"] or ".venv" not in os.listdir(project)


@pytest.mark.usefixtures("use_stand_ins", "managed_python")
def test_a_huge_requirements_file_is_pips_to_read(run_pipguard: RunPipguard, project: Path) -> None:
    (project / "requirements.txt").write_text("six\n" + "# a comment to fill it\n" * 90_000)
    done = run_pipguard(["install", "-r", "requirements.txt"])
    assert done.status == 0, done.err


@pytest.mark.usefixtures("managed_python", "use_stand_ins")
def test_several_applications_show_how_far_they_are(
    run_pipguard_on_terminal: RunPipguardOnTerminal, home: Path
) -> None:
    settings = home / "xdg-config" / "pipguard"
    settings.mkdir(parents=True)
    settings.joinpath("config.toml").write_text('applications = ["pycowsay", "tinyapp"]\n')
    done = run_pipguard_on_terminal(["install", "pycowsay", "tinyapp"])
    assert done.status == 0, done.out
    assert "1 of 2: `pycowsay`" in done.out
    assert "2 of 2: `tinyapp`" in done.out
    assert "installing tinyapp" in done.out  # pipx knows how wide the terminal is
