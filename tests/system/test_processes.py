"""Children that share our terminal and our signals: small real commands, watched from inside."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from harness.running import run_module

from pipguard.system.processes import (
    DISCARD,
    Background,
    Gate,
    Interrupted,
    Terminated,
    postponing_signals,
    raising_on_signals,
    replace_process,
    run_captured,
    run_foreground,
    run_relaying,
)


def has_ended(process: str) -> bool:
    """Also while nobody has asked how it ended, which is for the machine's first process to do."""
    try:
        return b") Z " in Path("/proc", process, "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # the latter where it ends while we read
        return True


def shell(text: str) -> list[str]:
    return ["/bin/sh", "-c", text]


def keep(chunk: bytes) -> bytes:
    return chunk


def run_inside(text: str, *words: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    done = run_module("system.processes", text, *words, stdin=stdin)
    return done.status, done.stdout, done.stderr


def signal_me(name: str) -> str:
    """A shell command that signals the process which started it, until it is told."""
    return f"while :; do kill -{name} $PPID; sleep 0.05; done"


# Statuses


@pytest.mark.parametrize(
    ("text", "status"),
    [("exit 0", 0), ("exit 3", 3), ("kill -TERM $$", 143), ("kill -KILL $$", 137)],
)
def test_statuses_are_a_shells(text: str, status: int) -> None:
    assert run_foreground(shell(text), os.environ) == status
    assert run_captured(shell(text), os.environ).exit_status == status
    assert run_relaying(shell(text), os.environ, keep) == status


def test_a_child_need_not_read_what_it_is_given() -> None:
    more_than_a_pipe_holds = b"x" * 1_000_000
    child = Background(shell("exit 3"), os.environ, given=more_than_a_pipe_holds)
    assert child.finish(60).exit_status == 3


def test_a_child_that_takes_too_long_is_gone() -> None:
    child = Background(shell("exec sleep 600"), os.environ)
    with pytest.raises(TimeoutError):
        child.finish(0)
    assert child.child.returncode == -signal.SIGKILL


def test_a_child_announces_itself_or_ends() -> None:
    child = Background(shell("printf +; echo more; exit 4"), os.environ)
    assert child.announces()
    captured = child.finish()
    assert (captured.exit_status, captured.stdout) == (4, b"more\n")
    silent = Background(shell("exit 5"), os.environ)
    assert not silent.announces()
    assert silent.finish().exit_status == 5


@pytest.mark.parametrize(("word", "status"), [(b"+", 0), (b"", 1)])
def test_a_child_waits_at_a_gate(word: bytes, status: int) -> None:
    with Gate() as gate:
        timer = threading.Timer(0, lambda: gate.open(word) if word else gate.close())
        timer.start()
        command = shell(f'read -r -n 1 word <&{gate.reading}; test "$word" = +')
        assert run_foreground(["/bin/bash", *command[1:]], os.environ) == status
        timer.join()


def test_what_cannot_be_started_is_an_error() -> None:
    command = ["/nowhere/pip"]
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
    with pytest.raises(OSError, match="nowhere"):
        run_foreground(command, os.environ)
    with pytest.raises(OSError, match="nowhere"):
        run_captured(command, os.environ)
    with pytest.raises(OSError, match="nowhere"):
        run_relaying(command, os.environ, keep)
    with pytest.raises(OSError, match="nowhere"):
        replace_process(command, os.environ)
    if before:
        assert set(os.listdir("/proc/self/fd")) == before
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_timeout_ends_a_script_and_what_it_started(tmp_path: Path) -> None:
    number = tmp_path / "number"
    # The grandchild holds our pipes, as the pip does that a version manager's shim starts.
    script = shell(f"sleep 60 & echo $! >{number}; wait")
    started = time.monotonic()
    timeout = 0.25
    while not (number.exists() and number.read_text()):  # a busy machine starts a shell late
        timeout *= 2
        with pytest.raises(TimeoutError):
            run_captured(script, os.environ, timeout=timeout)
    while not has_ended(number.read_text().strip()):
        os.sched_yield()
    assert time.monotonic() - started < 30


def test_captured_is_both_streams_and_what_is_given() -> None:
    captured = run_captured(shell("cat; echo error >&2"), os.environ, b"given\0\xff")
    assert (captured.stdout, captured.stderr) == (b"given\0\xff", b"error\n")


@pytest.mark.longest(20)
def test_captured_has_a_limit() -> None:
    with pytest.raises(TimeoutError):
        run_captured(["/bin/sh", "-c", "exec sleep 60"], os.environ, timeout=0.1)


def test_the_variables_are_only_those_given() -> None:
    captured = run_captured(["/usr/bin/env"], {"ONLY": "this"})
    assert captured.stdout == b"ONLY=this\n"


# Relaying


def test_chunks_are_relayed_as_they_come_and_stdout_is_left_alone(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    chunks: list[bytes] = []
    seen = tmp_path / "seen"

    def relay(chunk: bytes) -> bytes:
        chunks.append(chunk)
        seen.touch()
        return chunk.replace(b"secret", b"")

    waiting = f"while [ ! -e {seen} ]; do sleep 0.02; done"
    text = f"echo out; printf 'one secret\\n? ' >&2; {waiting}; printf 'two' >&2"
    assert run_relaying(shell(text), os.environ, relay) == 0
    assert chunks == [b"one secret\n? ", b"two"]
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("out\n", "one \n? two")


def test_everything_is_relayed_before_the_status_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    text = "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done >&2"
    assert run_relaying(shell(text), os.environ, keep) == 0
    assert capfd.readouterr().err.splitlines()[-1] == "line 1999"


@pytest.mark.parametrize(("where", "expected"), [(DISCARD, ""), (2, "out\n")])
def test_stdout_goes_where_it_is_wanted(
    where: int, expected: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_relaying(shell("echo out"), os.environ, keep, where) == 0
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("", expected)


def test_a_grandchild_that_keeps_the_stream_holds_up_nobody(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    loop = f"(while [ ! -e {stop} ]; do sleep 0.02; done; echo late >&2) &"
    assert run_relaying(shell(f"echo early >&2; {loop}"), os.environ, keep) == 0
    assert capfd.readouterr().err == "early\n"
    # Its thread must not read from the next child, whose pipe would have the same number.
    seen: list[bytes] = []

    def relay(chunk: bytes) -> bytes:
        seen.append(chunk)
        return chunk

    for number in range(5):
        assert run_relaying(shell(f"echo next {number} >&2"), os.environ, relay) == 0
    stop.touch()
    assert b"".join(seen) == b"".join(b"next %d\n" % number for number in range(5))


# Signals


@pytest.mark.parametrize(("name", "number"), [("TERM", 15), ("HUP", 1), ("QUIT", 3)])
@pytest.mark.parametrize("run", [run_foreground, run_captured])
def test_a_request_to_end_reaches_the_child_and_then_us(
    name: str, number: int, run: Callable[[list[str], Mapping[str, str]], object], tmp_path: Path
) -> None:
    told = tmp_path / "told"
    text = f"trap 'touch {told}; exit 0' {name}; {signal_me(name)}"
    with pytest.raises(Terminated) as raised:
        run(shell(text), os.environ)
    assert raised.value.number == number
    assert told.exists()
    assert signal.getsignal(number) is signal.SIG_DFL


@pytest.mark.parametrize(("ending", "status"), [("exit 1", 1), ("trap - INT; kill -INT $$", 130)])
def test_a_child_that_fails_by_ctrl_c_stops_everything(ending: str, status: int) -> None:
    text = f"trap '{ending}' INT; {signal_me('INT')}"
    with pytest.raises(Interrupted) as raised:
        run_foreground(shell(text), os.environ)
    assert raised.value.exit_status == status
    with pytest.raises(KeyboardInterrupt):
        run_captured(shell(text), os.environ)


def test_a_child_that_shrugs_ctrl_c_off_is_believed() -> None:
    text = "trap 'exit 0' INT; " + signal_me("INT")
    assert run_foreground(shell(text), os.environ) == 0


def test_what_is_ignored_stays_ignored() -> None:
    text = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "with p.raising_on_signals(), p.postponing_signals():\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "status = p.run_foreground(['/bin/sh', '-c', 'kill -HUP $PPID; exit 5'], os.environ)\n"
        "assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN\n"
        "sys.exit(status)\n"
    )
    assert run_inside(text)[0] == 5


def test_between_children_a_request_is_raised() -> None:
    with pytest.raises(Terminated) as raised, raising_on_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
    assert raised.value.number == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_what_is_begun_is_ended_before_a_signal_counts(
    number: int, error: type[BaseException]
) -> None:
    done = []
    with pytest.raises(error), raising_on_signals():
        with postponing_signals():
            os.kill(os.getpid(), number)
            done.append("the rest")
        done.append("too late")
    assert done == ["the rest"]


def test_nothing_of_this_needs_the_main_thread() -> None:
    statuses: list[int] = []

    def work() -> None:
        with raising_on_signals(), postponing_signals():
            statuses.append(run_foreground(shell("exit 4"), os.environ))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert statuses == [4]


# Becoming another, and the end


def test_becoming_another_keeps_the_process_and_its_streams() -> None:
    text = "print(os.getpid()); p.replace_process(sys.argv[2:], {'A': 'b'})"
    status, out, err = run_inside(text, "/bin/sh", "-c", "echo $$ $A; cat; exit 9", stdin=b"in")
    number, *rest = out.split()
    assert (status, rest, err) == (9, [number, b"b", b"in"], b"")


def test_dying_of_a_signal_is_seen_by_the_parent() -> None:
    text = "print('said', end=''); p.die_of_signal(15)"
    assert run_inside(text)[:2] == (-signal.SIGTERM, b"said")


@pytest.mark.parametrize(("name", "error"), [("INT", Interrupted), ("TERM", Terminated)])
def test_a_child_that_is_deaf_after_a_signal_is_killed(
    name: str, error: type[BaseException]
) -> None:
    text = f"trap '' INT TERM; kill -{name} $PPID; while :; do sleep 0.05; done"
    with pytest.raises(error):
        run_captured(shell(text), os.environ, patience=0.2)
    with pytest.raises(error):
        run_relaying(shell(text), os.environ, keep, patience=0.2)
