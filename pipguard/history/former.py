"""Keeps the files of distributions that are about to change, so that undo need ask nobody for them.

In: an environment, the names of distributions. Out: their files in `.pipguard/former` inside the
environment, as further names (hard links) of the same files; a wheel (PEP 427) made of them when
one is wanted back. What does not match its RECORD (PEP 376) any more is not given back. Beyond 256
MiB in one environment the oldest go. Never fails what it is done for: where nothing can be kept,
undo asks where the distribution came from.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from pipguard.environments.distributions import (
    list_site_folders,
    read_commands,
    scan_distributions,
)
from pipguard.environments.inventory import Inventory
from pipguard.environments.own_folder import find_own_folder, open_own_folder
from pipguard.environments.places import remove_tree
from pipguard.system.folders import list_readable_names
from pipguard.system.private_files import link_file, remove_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    import zipfile

_NAME = "former"
_MOST_BYTES = 256 * 1024 * 1024
# pip writes these anew, and those of commands, too (pip 23.0 to 26.3).
_WRITTEN_BY_PIP = frozenset({"INSTALLER", "RECORD", "REQUESTED"})


def keep_files(environment: str, names: Iterable[str]) -> None:
    """Keep the files of those of the named distributions that are there."""
    wanted = frozenset(names)
    is_there = os.path.isfile(os.path.join(environment, "pyvenv.cfg"))
    folder = open_own_folder(environment, _NAME) if wanted and is_there else ""
    if not folder:
        return
    for metadata, name, version in _scan(environment):
        kept = os.path.join(folder, f"{name}-{version}")
        if name in wanted and metadata.endswith(".dist-info") and not os.path.exists(kept):
            try:
                _link_all(environment, metadata, kept)
            except (OSError, ValueError):
                remove_tree(kept)


def settle_files(before: Inventory, failed: str = "") -> None:
    """After a command in an environment: forget what did not change, and the oldest beyond limits.

    `before` is what the environment held, `failed` the subcommand where it did not succeed.

    Where the command failed, what it left half of is put back first. pip cannot always do that: on
    a full disk it fails to bring back what it had moved to the temporary folder (pip 23 to 26).
    """
    environment = before.location.path
    folder = find_own_folder(environment, _NAME)
    names = list_readable_names(folder) if folder else []
    endangered = {f"{name}-{package.version}" for name, package in before.packages.items()}
    for name in endangered.intersection(names) if failed else ():
        kept = os.path.join(folder, name)
        if failed != "uninstall" or _has_traces(environment, kept):
            _repair(environment, kept)
    there = {f"{name}-{version}" for _, name, version in _scan(environment)} if names else set()
    for name in there.intersection(names):
        remove_tree(os.path.join(folder, name))
    paths = [os.path.join(folder, name) for name in names if name not in there]
    paths.sort(key=lambda path: os.stat(path).st_mtime)
    total = 0
    for path in reversed(paths):
        total += sum(os.lstat(file).st_size for file in _walk(path))
        if total > _MOST_BYTES:
            remove_tree(path)


def _repair(environment: str, kept: str) -> None:
    """Put back a distribution's files unless it, or another version of it, is there as a whole."""
    inside = _find_metadata(environment, kept)
    if not inside:
        return
    metadata = os.path.join(environment, inside)
    name = next(name for _, name, _ in _scan(kept))
    others = [path for path, n, _ in _scan(environment) if n == name and path != metadata]
    if any(map(_is_installed, others)):
        return
    from pipguard.environments.unrecorded import list_recorded

    for other in others:
        for path in list_recorded(other):
            if path.startswith(os.path.join(environment, "")):
                remove_file(path)
        remove_tree(other)
    for path in _walk(kept):
        target = os.path.join(environment, os.path.relpath(path, kept))
        if not _is_same(path, target):
            remove_file(target)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            link_file(path, target)


def _has_traces(environment: str, kept: str) -> bool:
    """Tell whether a distribution was not removed as a whole; pip moves it to `~` names first."""
    sites = list_site_folders(environment)
    if any(name[0] == "~" for site in sites for name in list_readable_names(site)):
        return True
    inside = (os.path.relpath(path, kept) for path in _walk(kept))
    return any(os.path.exists(os.path.join(environment, path)) for path in inside)


def _is_installed(metadata: str) -> bool:
    """Tell whether pip has come to the end: it writes RECORD after all else, with INSTALLER."""
    from pipguard.environments.unrecorded import list_recorded

    return os.path.exists(os.path.join(metadata, "INSTALLER")) and all(
        map(os.path.exists, list_recorded(metadata))
    )


def _is_same(path: str, target: str) -> bool:
    """Tell whether a file is there as it was, or as pip has copied it back."""
    try:
        return os.stat(path).st_size == os.stat(target).st_size
    except OSError:
        return False


def pack_wheel(environment: str, name: str, version: str, folder: str) -> bool:
    """Make a wheel of what is kept of a distribution; tell whether it is whole and unchanged.

    pip installs it as it installed the first one: the commands and `RECORD` are made anew, and
    `direct_url.json` (PEP 610), which tells where it came from, is what it was.
    """
    former = find_own_folder(environment, _NAME)
    kept = os.path.join(former, f"{name}-{version}")
    inside = _find_metadata(environment, kept) if former else ""
    if not inside:
        return False
    import zipfile

    stem = os.path.basename(inside).removesuffix(".dist-info")
    path = os.path.join(folder, f"{stem}-py3-none-any.whl")
    try:
        with zipfile.ZipFile(path, "w") as wheel:
            _fill_wheel(wheel, kept, os.path.join(kept, inside))
    except (OSError, ValueError):
        if os.path.exists(path):
            os.unlink(path)
        return False
    return True


def _find_metadata(environment: str, kept: str) -> str:
    """Return the path of a kept distribution's metadata, relative to the environment.

    Empty where it is not whole, or the environment is one of another Python now.
    """
    found = [os.path.relpath(path, kept) for path, _, _ in _scan(kept)]
    is_for = len(found) == 1 and os.path.isdir(os.path.join(environment, os.path.dirname(found[0])))
    return found[0] if is_for else ""


def _fill_wheel(wheel: zipfile.ZipFile, kept: str, metadata: str) -> None:
    """Write the files; raises ValueError where one is not as RECORD has it."""
    from zipfile import ZipInfo

    site = os.path.dirname(metadata)
    information = os.path.basename(metadata)
    data = information.removesuffix(".dist-info") + ".data"
    commands = read_commands(metadata)
    import csv
    import io

    record = io.StringIO()
    writer = csv.writer(record, lineterminator="\n")
    for row, hashed, size in _read_record(metadata):
        path = os.path.normpath(os.path.join(site, row))
        if os.path.dirname(row) == information and os.path.basename(row) in _WRITTEN_BY_PIP:
            continue
        inside = os.path.relpath(path, kept)
        folder, base = os.path.split(inside)
        is_program = folder in {"bin", "Scripts"}
        if is_program and base.removesuffix(".exe") in commands:
            continue
        if not row.startswith(".."):
            target = row
        else:
            target = f"{data}/scripts/{base}" if is_program else f"{data}/data/{inside}"
        content = _read_verified(path, hashed)
        # With its permissions: pip makes executable what is so in the wheel.
        entry = ZipInfo.from_file(path, target.replace(os.sep, "/"), strict_timestamps=False)
        wheel.writestr(entry, content)
        writer.writerow((target, hashed, size))
    writer.writerow((f"{information}/RECORD", "", ""))
    wheel.writestr(f"{information}/RECORD", record.getvalue())


def _read_verified(path: str, hashed: str) -> bytes:
    import base64
    import hashlib

    algorithm, _, expected = hashed.partition("=")
    with open(path, "rb") as file:
        content = file.read()
    found = hashlib.new(algorithm, content).digest()
    if base64.urlsafe_b64encode(found).decode().rstrip("=") != expected:
        raise ValueError(f"{path} is not what was installed")
    return content


def _link_all(environment: str, metadata: str, kept: str) -> None:
    """Link every recorded file.

    Raises ValueError for one outside the environment, and for more than would be kept for long.
    """
    site = os.path.dirname(metadata)
    record = list(_read_record(metadata))
    if sum(int(size or 0) for _, _, size in record) > _MOST_BYTES:
        raise ValueError(f"{metadata} is too large")
    rows = [row for row, _, _ in record]
    made: set[str] = set()
    for row in (*rows, f"{os.path.basename(metadata)}/RECORD"):
        path = os.path.normpath(os.path.join(site, row))
        inside = os.path.relpath(path, environment)
        if inside.startswith(os.pardir):
            raise ValueError(f"{path} is outside")
        target = os.path.join(kept, inside)
        folder = os.path.dirname(target)
        if folder not in made:
            os.makedirs(folder, exist_ok=True)
            made.add(folder)
        link_file(path, target)


def _read_record(metadata: str) -> Iterator[tuple[str, str, str]]:
    """Yield path, hash and size of each file but bytecode, which pip makes anew, and RECORD itself.

    Raises ValueError for one without a hash: nobody could tell whether it is still the same.
    """
    from pipguard.environments.unrecorded import read_record

    for row in read_record(metadata):
        if row[0].endswith((".pyc", "/RECORD")):
            continue
        path, hashed, size = row
        if not hashed:
            raise ValueError(f"{path} has no hash")
        yield path, hashed, size


def _scan(environment: str) -> Iterator[tuple[str, str, str]]:
    return scan_distributions(list_site_folders(environment))


def _walk(folder: str) -> Iterator[str]:
    for parent, _, files in os.walk(folder):
        yield from (os.path.join(parent, name) for name in files)
