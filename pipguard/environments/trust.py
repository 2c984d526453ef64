"""Decides whether code of an environment that the user did not activate may be run.

In: a path, the caller. Out: the environment that it leads to, and why nothing of it may run. An
environment is trusted when everything through which its code comes belongs to this user or root,
nobody else may write to it, and no version control brought it. pipguard records the environments
that it makes, and the user's word (`pip guard trust`), outside the project and by the folder's
identity. What cannot be told is not trusted.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from itertools import pairwise

from pipguard.caller import Caller
from pipguard.environments.pointers import locate_central, read_pointer
from pipguard.environments.repositories import find_origin
from pipguard.system.digests import digest
from pipguard.system.folders import data_folder, list_readable_names
from pipguard.system.frozen import dataclass
from pipguard.system.private_files import read_private_file, remove_file, write_private_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Source = Literal["made", "user"]

_MOST_STEPS = 10
_LONGEST = 16384
# Of an access control list (Linux, system.posix_acl_access): a version of 4 bytes, then 8 for each
# entry: tag, permissions, user or group.
_ACL = "system.posix_acl_access"
_ACL_USER, _ACL_GROUP_OWNER, _ACL_GROUP, _ACL_MASK = 0x02, 0x04, 0x08, 0x10


@dataclass(frozen=True, slots=True)
class Record:
    """A path that was trusted once."""

    path: str
    source: Source
    """`made` by pipguard, or the word of the `user`."""
    identity: str
    """What the path was then; another folder at the same place is not trusted."""

    @property
    def is_valid(self) -> bool:
        """Whether the path is still what it was."""
        return self.identity == _identify(self.path) != ""


def follow_path(path: str, project: str | None, caller: Caller) -> tuple[str, str]:
    """Return the environment that a path leads to, and why it is not trusted, empty when it is.

    Links and `.venv` files (PEP 832) are followed step by step. Each is judged like an environment,
    and none may lead from the folder `project` to another place in the user's home; `project` is
    None where the user chose the path.
    """
    steps = follow_steps(path)
    for step, target in pairwise(steps):
        problem = _find_distrust_of_step(step, target, project, caller)
        if problem:
            return step, problem
    return steps[-1], find_distrust(steps[-1], caller)


def follow_steps(path: str) -> list[str]:
    """Return a path and what it leads to, step by step; the last one is no link or `.venv` file."""
    steps = [path]
    while len(steps) < _MOST_STEPS and (target := _read_step(steps[-1])):
        steps.append(target)
    return steps


def find_distrust(path: str, caller: Caller) -> str:
    """Return why code of the environment in the folder `path` must not run, empty when it may."""
    source = read_source(path, caller.environ)
    if source == "user" or not os.path.isdir(path):
        return ""
    problem = _find_foreign_part(path, caller.user_id)
    if problem or source == "made":
        return problem
    origin = find_origin(path, caller.environ)
    if origin:
        return f"it {origin}"
    for step in _list_steps(os.path.join(path, "bin", "python")):
        if not step.startswith(os.path.join(path, "")):
            origin = find_origin(step, caller.environ)
            if origin:
                return f"its interpreter {step} {origin}"
    return ""


def record_trust(path: str, source: Source, environ: Mapping[str, str]) -> bool:
    """Record that a path is trusted as it is now; tell whether that was possible."""
    text = "\n".join((source, _identify(path), path))
    return write_private_file(_locate_record(path, environ), os.fsencode(text))


def read_source(path: str, environ: Mapping[str, str]) -> Source | None:
    """Return who vouched for the path as it is now; None where nobody did."""
    record = _read_record(_locate_record(path, environ))
    return record.source if record and record.path == path and record.is_valid else None


def locate_records(environ: Mapping[str, str]) -> str:
    """Return the folder of the records; empty where the home folder is not known."""
    return data_folder(environ, "trusted")


def list_records(environ: Mapping[str, str]) -> tuple[Record, ...]:
    """Return all records, in the order of their paths."""
    folder = locate_records(environ)
    found = (_read_record(os.path.join(folder, name)) for name in list_readable_names(folder))
    return tuple(sorted((record for record in found if record), key=lambda record: record.path))


def forget_trust(path: str, environ: Mapping[str, str]) -> bool:
    """Remove a path's record; tell whether there was one."""
    record = _locate_record(path, environ)
    is_there = bool(record) and os.path.lexists(record)
    remove_file(record)
    return is_there


def _locate_record(path: str, environ: Mapping[str, str]) -> str:
    folder = locate_records(environ)
    return os.path.join(folder, digest([os.fsencode(path)])[:32]) if folder else ""


def _read_record(file: str) -> Record | None:
    data = read_private_file(file, _LONGEST) if file else None
    source, _, rest = os.fsdecode(data or b"").partition("\n")
    identity, _, path = rest.partition("\n")
    if source == "made" and path:
        return Record(path, "made", identity)
    return Record(path, "user", identity) if source == "user" and path else None


def _identify(path: str) -> str:
    """Return what tells this folder, link or file from another in its place; empty without one.

    An inode's number is soon used again. pyvenv.cfg is written once, and the time of its last
    change (ctime) cannot be set.
    """
    try:
        own = os.lstat(path)
        told = own if not stat.S_ISDIR(own.st_mode) else os.lstat(os.path.join(path, "pyvenv.cfg"))
    except OSError:
        return ""
    return f"{own.st_dev}:{own.st_ino}:{told.st_ino}:{told.st_ctime_ns}"


# Links and `.venv` files


def _read_step(path: str) -> str | None:
    """Return where a link or a `.venv` file leads to; None for everything else."""
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            target = os.readlink(path) if os.path.exists(path) else ""
        else:
            target = read_pointer(path)
    except OSError:
        return None
    return _join(path, target) if target else None


def _join(path: str, *target: str) -> str:
    return os.path.normpath(os.path.join(os.path.dirname(path), *target))


def _list_steps(path: str) -> Iterator[str]:
    """Yield a path and everything that it links to, one after another."""
    for _ in range(_MOST_STEPS):
        yield path
        if not os.path.islink(path):
            return
        path = _join(path, os.readlink(path))


def _find_distrust_of_step(path: str, target: str, project: str | None, caller: Caller) -> str:
    if read_source(path, caller.environ) == "user":
        return ""
    problem = describe_foreign(path, caller.user_id)
    origin = "" if problem else find_origin(path, caller.environ)
    if problem or origin:
        return f"{path} {problem or origin}"
    leads_out = project is not None and not is_inside(target, project)
    if project is not None and target == locate_central(project, caller.environ):
        return ""
    if leads_out and caller.home and is_inside(target, caller.home):
        # There are other projects' environments there, and those of pipx's applications.
        return f"{path} leads out of the project, to {target}"
    return ""


def is_inside(path: str, folder: str) -> bool:
    """Tell whether a path lies in a folder, with all links resolved."""
    inside = os.path.join(os.path.realpath(folder), "")
    return os.path.realpath(path).startswith(inside)


# Owners and permissions


def _find_foreign_part(path: str, user_id: int | None) -> str:
    """Return which part of an environment somebody else owns or may write to."""
    if user_id is None:  # Windows
        return ""
    # In a user namespace without root (flatpak, bubblewrap) the system is somebody else's.
    system = os.stat(os.sep).st_uid
    for part in _list_parts(path):
        is_within = part == path or part.startswith(os.path.join(path, ""))
        problem = describe_foreign(part, user_id, 0 if is_within else system)
        if not problem and part == path and user_id != 0 and os.stat(path).st_uid == 0:
            problem = "belongs to root"
        if problem:
            return f"{_name_part(part, path)} {problem}"
    return ""


def _name_part(part: str, path: str) -> str:
    inside = os.path.join(path, "")
    return "it" if part == path else f"its {part.removeprefix(inside)}"


def _list_parts(path: str) -> Iterator[str]:
    """Yield everything through which an environment's code comes, links and their targets, too."""
    commands, libraries = os.path.join(path, "bin"), os.path.join(path, "lib")
    configuration = os.path.join(path, "pyvenv.cfg")
    parts = [path, configuration, commands, libraries]
    versions = (name for name in list_readable_names(libraries) if name.startswith("py"))
    for name in versions:
        version = os.path.join(libraries, name)
        parts += (version, os.path.join(version, "site-packages"))
    parts += filter(None, [_read_home(configuration)])
    for part in parts:
        yield from _list_steps(part)
    for step in _list_steps(os.path.join(commands, "python")):
        yield from (step, os.path.dirname(step))


def _read_home(configuration: str) -> str:
    """Return the folder of the base interpreter that pyvenv.cfg names (PEP 405)."""
    try:
        with open(configuration, encoding="utf-8", errors="surrogateescape") as file:
            pairs = [line.partition("=") for line in file.read(_LONGEST).splitlines()]
    except OSError:
        return ""
    return next((value.strip() for key, _, value in pairs if key.strip() == "home"), "")


def describe_foreign(path: str, user_id: int | None, system: int = 0) -> str:
    """Return why somebody else decides what is at a path, empty when nobody else does.

    `system` is the owner of the operating system's files, besides root.
    """
    try:
        status = os.lstat(path)
    except OSError:
        return ""
    if user_id is None:
        return ""
    if status.st_uid not in (user_id, 0, system):
        return "belongs to somebody else"
    if stat.S_ISLNK(status.st_mode):  # whose permissions mean nothing
        return ""
    if status.st_mode & stat.S_IWOTH:
        return "can be written to by everybody"
    writers = set(_list_writing_groups(path, status)) if status.st_mode & stat.S_IWGRP else set()
    if any(not _is_private_group(group, user_id) for group in writers):
        return "can be written to by a group"
    is_shared = status.st_mode & stat.S_IWGRP and any(
        user not in (user_id, 0) for user in _list_acl(path, _ACL_USER)
    )
    return "can be written to by somebody else" if is_shared else ""


def _list_writing_groups(path: str, status: os.stat_result) -> Iterator[int]:
    """Yield the groups that may write; with an access control list the mode shows its mask."""
    entries = _read_acl(path)
    if not entries or any(tag == _ACL_GROUP_OWNER and perm & 2 for tag, perm, _ in entries):
        yield status.st_gid
    yield from _list_acl(path, _ACL_GROUP)


def _list_acl(path: str, wanted: int) -> list[int]:
    """Return the users or groups that an access control list lets write."""
    return [who for tag, permissions, who in _read_acl(path) if tag == wanted and permissions & 2]


def _read_acl(path: str) -> list[tuple[int, int, int]]:
    """Return tag, effective permissions and id of each entry; none without a list."""
    if not hasattr(os, "getxattr"):
        return []
    try:
        data = os.getxattr(path, _ACL)
    except OSError:
        return []
    parts = [data[start : start + 8] for start in range(4, len(data) - 7, 8)]
    entries = [
        tuple(int.from_bytes(part[a:b], "little") for a, b in ((0, 2), (2, 4), (4, 8)))
        for part in parts
    ]
    mask = next((entry[1] for entry in entries if entry[0] == _ACL_MASK), 7)
    return [(tag, permissions & mask, who) for tag, permissions, who in entries]


def _is_private_group(group: int, user_id: int) -> bool:
    """Tell whether nobody but this user and root is in a group.

    Debian gives each user such a group, and with `umask 002` everything is writable by it.
    """
    import grp
    import pwd

    try:
        members = set(grp.getgrgid(group).gr_mem)
    except KeyError:
        members = set()
    ids = {entry.pw_uid for entry in pwd.getpwall() if entry.pw_gid == group}
    named = {entry.pw_uid for entry in pwd.getpwall() if entry.pw_name in members}
    return ids | named <= {user_id, 0}
