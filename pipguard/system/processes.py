"""Starts, replaces and watches processes; no other module does.

In: the words of a command and its environment variables. Out: exit statuses and bytes. A child
shares our terminal and our signals, as if we were not there. Never parses what it relays, never
writes a message.

Children inherit every descriptor that we were given, as they would from a shell: `-r <(echo six)`
is /dev/fd/63. Our own descriptors are not inheritable, but for a lock that a child holds with us.
"""

from __future__ import annotations

import os
import sys

from pipguard.system.programs import drop_relative_entries
from pipguard.system.streams import write_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    import threading
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType
    from typing import NoReturn

DISCARD = -3
"""For `stdout`: discarded (the number that `subprocess.DEVNULL` has)."""
_CHUNK_SIZE = 65536
_FORWARDED_SIGNALS = ("SIGTERM", "SIGHUP", "SIGQUIT")


class Terminated(BaseException):
    """A signal asked us to end; raised so that what was begun can be tidied up first."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a child; `exit_status` is the child's."""

    def __init__(self, exit_status: int) -> None:
        super().__init__()
        self.exit_status = exit_status


class Captured:
    """What a finished child left: its exit status and what it wrote, in bytes."""

    __slots__ = ("exit_status", "stderr", "stdout")

    def __init__(self, exit_status: int, stdout: bytes, stderr: bytes) -> None:
        self.exit_status = exit_status
        self.stdout = stdout
        self.stderr = stderr


def replace_process(command: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Become the command: same process, terminal, signals. Raises OSError when it cannot start.

    Where the system has no exec that keeps the process (Windows), wait for it instead.
    """
    if os.name == "nt":
        raise SystemExit(run_foreground(command, environ))
    sys.stdout.flush()
    os.execve(command[0], list(command), dict(environ))


def run_foreground(
    command: Sequence[str],
    environ: Mapping[str, str],
    directory: str | None = None,
    stdout: int | None = None,
) -> int:
    """Run a child on our terminal and streams until it ends; return its exit status (128+n).

    Its stdout goes to the descriptor `stdout` when given.
    """
    import subprocess

    with _Supervision() as supervision:
        child = subprocess.Popen(
            list(command), env=dict(environ), cwd=directory, stdout=stdout, close_fds=False
        )
        return supervision.wait_for(child)


def run_captured(
    command: Sequence[str],
    environ: Mapping[str, str],
    given: bytes = b"",
    timeout: float | None = None,
    patience: float | None = None,
) -> Captured:
    """Run a child of ours quietly and return what it wrote; `given` is its stdin.

    `patience` is how many seconds it may take to end after a signal, before it is killed.

    Raises OSError when it cannot be started and TimeoutError after `timeout` seconds, when the
    child and what it started have been killed. A child with a timeout has a session of its own,
    so that a script's own children are killed with it; Ctrl-C is passed on to all of them.
    """
    import subprocess

    has_session = timeout is not None and os.name != "nt"
    with _Supervision(has_session=has_session, patience=patience) as supervision:
        child = subprocess.Popen(
            list(command),
            env=drop_relative_entries(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            close_fds=False,
            start_new_session=has_session,
        )
        supervision.watch(child)
        try:
            stdout, stderr = child.communicate(given, timeout)
        except subprocess.TimeoutExpired as error:
            supervision.kill()
            raise TimeoutError(timeout) from error
        return Captured(supervision.wait_for(child), stdout, stderr)


class Background:
    """A child of ours that runs while we do other things; it shares our terminal's Ctrl-C."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], given: bytes | None = b""
    ) -> None:
        """Start it; `given` is its stdin, None if that comes later. Raises OSError."""
        import subprocess

        # After vfork we could not be stopped until the child has begun, and Ctrl-Z may stop that
        # one first (the subprocess documentation names this switch).
        subprocess._USE_VFORK = False  # type: ignore[attr-defined]
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(
            list(command),
            env=drop_relative_entries(environ),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            close_fds=False,
        )
        self.lifeline, self.child.stdin = self.child.stdin, None
        if given is not None:
            self.give(given)
            self.let_go()

    def give(self, given: bytes) -> None:
        """Write to its stdin what fits into a pipe; its stdin ends when we end, or let it go."""
        assert self.lifeline
        try:
            self.lifeline.write(given)
            self.lifeline.flush()
        except BrokenPipeError:
            return  # it ended without reading: the one who waits learns how

    def let_go(self) -> None:
        """End its stdin."""
        assert self.lifeline
        try:
            self.lifeline.close()
        except BrokenPipeError:
            return

    def announces(self) -> bool:
        """Wait for the first byte on its stdout; tell whether there came one."""
        assert self.child.stdout
        return bool(os.read(self.child.stdout.fileno(), 1))

    def finish(self, timeout: float | None = None) -> Captured:
        """Wait for its end, and return what it wrote that was not read yet.

        Raises TimeoutError after so many seconds, when it has been killed.
        """
        import subprocess

        try:
            stdout, stderr = self.child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            self.end()
            raise TimeoutError(timeout) from error
        return Captured(self.child.returncode, stdout, stderr)

    def kill(self) -> None:
        """Let it end at once, if it has not ended; who waits for its end sees it."""
        self.child.kill()

    def end(self) -> None:
        """Let it end at once, if it has not ended, and wait for that; nobody reads it any more."""
        with self.child:  # closes its pipes and waits for its end
            self.kill()
        self.let_go()


class Gate:
    """Where a child waits for a word of ours; the gate closes without one when we are done."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        os.set_inheritable(self.reading, True)

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.reading)
        self.close()

    def open(self, word: bytes) -> None:
        """Let the child go on."""
        os.write(self.writing, word)
        self.close()

    def close(self) -> None:
        """Say nothing more."""
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1


def make_asker(environ: Mapping[str, str]) -> Callable[[list[str]], bytes | None]:
    """Return a way to ask a program something: its stdout, or None when it fails or hangs."""

    def ask(command: list[str]) -> bytes | None:
        try:
            captured = run_captured(command, environ, timeout=30)
        except (OSError, TimeoutError):
            return None
        return captured.stdout if captured.exit_status == 0 else None

    return ask


def run_relaying(
    command: Sequence[str],
    environ: Mapping[str, str],
    relay: Callable[[bytes], bytes],
    stdout: int | None = None,
    patience: float | None = None,
) -> int:
    """Run a child whose stderr passes through `relay`, chunk by chunk, on its way to ours.

    `relay` returns the bytes to show now. stdin and stdout are the child's own (stdout goes to
    the descriptor `stdout` when given). On a terminal the child gets a terminal for its stderr
    too, so that colours and widths stay. `patience` is as for `run_captured`. Returns the exit
    status (128+n after a signal).
    """
    import subprocess

    with _Supervision(patience=patience) as supervision:
        reading, writing = _open_channel()
        try:
            child = subprocess.Popen(
                list(command),
                env=dict(environ),
                stdout=stdout,
                stderr=writing,
                close_fds=False,
            )
        except OSError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        with _following_window(reading):
            return _pump_while_running(supervision, child, reading, relay)


class _Handlers:
    """Signal handlers for a while; the former ones come back afterwards.

    What is ignored stays ignored (nohup), and only the main thread may change anything.
    """

    def __init__(self, handler: Callable[[int, FrameType | None], None]) -> None:
        self.handler = handler
        self.former: list[tuple[int, object]] = []

    def replace(self, *names: str) -> None:
        import signal
        import threading

        if threading.current_thread() is not threading.main_thread():
            return
        for name in names:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) not in {signal.SIG_IGN, None}:
                self.former.append((number, signal.signal(number, self.handler)))

    def put_back(self) -> None:
        import signal

        while self.former:
            number, handler = self.former.pop()
            signal.signal(number, handler)  # type: ignore[arg-type]


class _following_window:  # noqa: N801 - used like a function, in a with statement
    """While inside, a child's own terminal has the size of ours, also when that changes."""

    def __init__(self, terminal: int) -> None:
        self.terminal = terminal
        self.handlers = _Handlers(self._follow)

    def __enter__(self) -> None:
        if os.isatty(self.terminal):
            self.handlers.replace("SIGWINCH")

    def __exit__(self, *_: object) -> None:
        self.handlers.put_back()

    def _follow(self, _: int, __: FrameType | None) -> None:
        try:
            _copy_window_size(self.terminal)
        except OSError:
            return


class raising_on_signals:  # noqa: N801 - used like a function, in a with statement
    """While inside, a request to end raises `Terminated` instead of ending us at once."""

    def __enter__(self) -> None:
        self.handlers = _Handlers(self._raise)
        self.handlers.replace(*_FORWARDED_SIGNALS)

    def __exit__(self, *_: object) -> None:
        self.handlers.put_back()

    @staticmethod
    def _raise(number: int, _: FrameType | None) -> None:
        raise Terminated(number)


class postponing_signals:  # noqa: N801 - used like a function, in a with statement
    """While inside, Ctrl-C and requests to end wait: what is begun there is not left half-done."""

    def __enter__(self) -> None:
        self.received = 0
        self.handlers = _Handlers(self._note)
        self.handlers.replace("SIGINT", *_FORWARDED_SIGNALS)

    def __exit__(self, *_: object) -> None:
        self.handlers.put_back()
        if self.received:
            import signal

            signal.raise_signal(self.received)

    def _note(self, number: int, _: FrameType | None) -> None:
        self.received = number


def become_user(name: str, user_id: int, group_id: int) -> None:
    """Give up root's rights for those of a user, for good."""
    os.initgroups(name, group_id)
    os.setgid(group_id)
    os.setuid(user_id)


def end_at_once(exit_status: int) -> NoReturn:
    """End with this status; taking the interpreter apart first would take 4 ms, for nothing.

    Only where all that was to be said has been written: no buffer is flushed.
    """
    os._exit(exit_status)


def die_of_signal(number: int) -> NoReturn:
    """End as the signal would have ended us, so that our parent sees the truth."""
    import signal

    sys.stdout.flush()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise SystemExit(128 + number)


def _pump_while_running(
    supervision: _Supervision,
    child: subprocess.Popen[bytes],
    reading: int,
    relay: Callable[[bytes], bytes],
) -> int:
    """Relay until the child has ended and all it wrote is written, however slow its reader is.

    A grandchild that keeps the stream open is not waited for.
    """
    import threading

    taken = given = 0

    def pump() -> None:
        nonlocal taken, given
        for chunk in _read_chunks(reading):
            taken += 1
            write_error(relay(chunk))
            given += 1

    pumping = threading.Thread(target=pump, daemon=True)
    pumping.start()
    try:
        return supervision.wait_for(child)
    finally:
        before = -1
        while pumping.is_alive() and (taken != given or taken != before):
            before = taken
            pumping.join(timeout=0.5)
        # A thread that still reads must keep its descriptor: the next pipe would get its number.
        if not pumping.is_alive():
            os.close(reading)


def _read_chunks(reading: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(reading, _CHUNK_SIZE)
        except OSError:  # a terminal says EIO where a pipe says end of file
            return
        if not chunk:
            return
        yield chunk


def _open_channel() -> tuple[int, int]:
    """Return the two ends for a child's stderr: a terminal where ours is one, else a pipe."""
    try:
        import termios

        if not os.isatty(2):
            return os.pipe()
        reading, writing = os.openpty()
        attributes = termios.tcgetattr(writing)
        attributes[1] &= ~termios.OPOST  # our own terminal turns line ends, once is enough
        termios.tcsetattr(writing, termios.TCSANOW, attributes)
        _copy_window_size(writing)
    except (ImportError, OSError):
        return os.pipe()
    return reading, writing


def _copy_window_size(terminal: int) -> None:
    """Give the child's terminal the size of ours."""
    import fcntl
    import termios

    size = fcntl.ioctl(2, termios.TIOCGWINSZ, b"\0" * 8)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)


class _Supervision:
    """Shares our signals with a child, and puts the former handlers back afterwards.

    Ctrl-C reaches the child by itself, through the terminal's process group: we only wait for
    what it makes of it. Other signals are sent to us alone, so they are handed on.
    """

    def __init__(self, *, has_session: bool = False, patience: float | None = None) -> None:
        self.child: subprocess.Popen[bytes] | None = None
        self.has_session = has_session
        """Whether the child leads a session of its own, which the terminal's Ctrl-C never meets."""
        self.received = 0
        self.patience = patience
        """Seconds that the child may take to end after a signal."""
        self.clock: threading.Timer | None = None
        self.handlers = _Handlers(self.receive)

    def __enter__(self) -> _Supervision:
        self.handlers.replace("SIGINT", *_FORWARDED_SIGNALS)
        return self

    def __exit__(self, *_: object) -> None:
        self.handlers.put_back()
        if self.clock:
            self.clock.cancel()

    def receive(self, number: int, _: FrameType | None) -> None:
        self.received = number
        self.pass_on(number)
        if self.patience is not None and self.clock is None:
            import threading

            self.clock = threading.Timer(self.patience, self.lose_patience)
            self.clock.daemon = True
            self.clock.start()

    def lose_patience(self) -> None:
        if self.child is not None:
            self.child.kill()

    def pass_on(self, number: int) -> None:
        import signal

        if self.child is None:
            return
        if self.has_session:
            self._signal_session(number)
        elif number != signal.SIGINT or not _shares_terminal():
            self.child.send_signal(number)

    def kill(self) -> None:
        """Kill the child, and with it its session; wait for the child, not for open pipes.

        A grandchild in another session may hold the pipes open: nobody reads them any more.
        """
        import signal

        assert self.child is not None
        if self.has_session:
            self._signal_session(signal.SIGKILL)
        else:
            self.child.kill()
        for stream in filter(None, (self.child.stdout, self.child.stderr)):
            stream.close()
        self.child.wait()

    def _signal_session(self, number: int) -> None:
        assert self.child is not None
        try:
            os.killpg(self.child.pid, number)
        except (ProcessLookupError, PermissionError):
            return

    def watch(self, child: subprocess.Popen[bytes]) -> None:
        self.child = child
        if self.received:  # it came while the child was being born
            self.pass_on(self.received)

    def wait_for(self, child: subprocess.Popen[bytes]) -> int:
        """Wait, return the exit status.

        Raises `Terminated` when it was we who were asked to end, and `Interrupted` when Ctrl-C
        made the child fail: nothing else is to be started then.
        """
        import signal
        import threading

        self.watch(child)
        waiting = threading.Thread(target=child.wait, daemon=True)
        waiting.start()
        while waiting.is_alive():
            # A signal that comes just before we wait interrupts nothing: look up now and then.
            waiting.join(0.1)
        status = child.wait()
        if self.received and self.received != signal.SIGINT:
            raise Terminated(self.received)
        status = status if status >= 0 else 128 - status
        if self.received and status != 0:
            raise Interrupted(status)
        return status


def _shares_terminal() -> bool:
    """Whether the terminal's Ctrl-C reaches our whole process group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
