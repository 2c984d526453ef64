"""Keeps on disk what a running command has begun, so that a later one can finish or reverse it.

In: facts that JSON can hold. Out: a file for each running command in a folder of the user's; it is
replaced in one step with each new fact and goes when the command is done. Whether its process still
runs is told by a lock on the file beside it, so a number that another process has now misleads
nobody. Where the folder cannot be written to, nothing is kept, and the command goes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pipguard.system.folders import list_readable_names, open_private_folder
from pipguard.system.locks import hold_lock_if_free
from pipguard.system.private_files import read_private_file, remove_file, write_private_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    Facts = dict[str, object]

FORMAT = 1
_ENDING = ".json"
_MOST_BYTES = 16 * 1024 * 1024


class Journal:
    """The facts of the running command; nothing is written before the first one."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        """Empty where there is no place for it."""
        self.facts: Facts = {}
        """What it holds; whoever changes a list in it calls `note`."""
        self._path = ""
        self._lock: AbstractContextManager[bool] | None = None

    def note(self, **facts: object) -> bool:
        """Add facts, or replace those of the same name; tell whether they are on disk now.

        A value of a frozen class is written by its fields.
        """
        self.facts.update(facts)
        if not self._path and not self._open():
            return False
        whole = {"format": FORMAT, "machine": _identify_machine(), **self.facts}
        document = json.dumps(whole, default=_list_fields)
        data = document.encode("ascii")
        return write_private_file(self._path, data)

    def close(self, keeps: Iterable[str] = ()) -> None:
        """Forget it, unless one of the named facts is still not empty: a later command needs it."""
        if self._path and not any(map(self.facts.get, keeps)):
            remove_file(self._path)
            remove_file(_lock_of(self._path))
        if self._lock:
            self._lock.__exit__(None, None, None)
        self._path, self._lock, self.facts = "", None, {}

    def _open(self) -> bool:
        if not self.folder or not open_private_folder(self.folder):
            return False
        path = os.path.join(self.folder, f"{os.getpid()}-{os.urandom(4).hex()}{_ENDING}")
        lock = hold_lock_if_free(_lock_of(path))
        lock.__enter__()  # where there are no locks, nobody will take it for abandoned
        self._path, self._lock = path, lock
        return True


class Abandoned:
    """What a command left whose process is gone."""

    def __init__(self, path: str, facts: Facts | None) -> None:
        self.path = path
        self.facts = facts
        """None for a file that is torn, or that a newer version wrote."""

    def remove(self) -> None:
        """Forget it, when it has been dealt with."""
        remove_file(self.path)
        remove_file(_lock_of(self.path))


def list_journals(folder: str) -> list[str]:
    """Return the paths of all journals, of running commands, too."""
    names = list_readable_names(folder) if folder else []
    return [os.path.join(folder, name) for name in names if name.endswith(_ENDING)]


@contextmanager
def take_abandoned(path: str) -> Iterator[Abandoned | None]:
    """Give the journal of a command whose process is gone to one command at a time.

    None where its process runs, where another command deals with it, or where that cannot be told:
    a lock in a home that machines share may be known to one of them alone.
    """
    with hold_lock_if_free(_lock_of(path)) as is_mine:
        is_there = is_mine and os.path.exists(path)
        facts = _read(path) if is_there else None
        is_told = is_there and (facts is None or _is_of_here(facts.get("machine")))
        yield Abandoned(path, facts) if is_told else None
        if not os.path.exists(path):
            remove_file(_lock_of(path))


def remove_fragments(folder: str) -> None:
    """Remove what processes left that died while they wrote or removed their journal."""
    for name in list_readable_names(folder):
        path = os.path.join(folder, name.partition(".")[0] + _ENDING)
        if not name.endswith(_ENDING) and "." in name and not os.path.exists(path):
            with hold_lock_if_free(_lock_of(path)) as is_mine:
                if is_mine and not os.path.exists(path):
                    remove_file(os.path.join(folder, name))
                    remove_file(_lock_of(path))


def _identify_machine() -> list[str]:
    """Return the machine's ID and that of its start, empty where there is none (not on Linux)."""
    return [_read_word("/etc/machine-id"), _read_word("/proc/sys/kernel/random/boot_id")]


def _read_word(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read(64).strip()
    except (OSError, ValueError):
        return ""


def _is_of_here(noted: object) -> bool:
    """Tell whether a journal is of this machine, or of a container on the same kernel."""
    here = _identify_machine()
    if not isinstance(noted, list) or not any(noted) or not any(here):
        return True
    return any(a and a == b for a, b in zip(noted, here, strict=False))


def _list_fields(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in type(value).__match_args__}  # type: ignore[attr-defined]


def _read(path: str) -> Facts | None:
    try:
        facts = json.loads(read_private_file(path, _MOST_BYTES) or b"")
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) and facts.get("format") == FORMAT else None


def _lock_of(path: str) -> str:
    return path.removesuffix(_ENDING) + ".lock"
