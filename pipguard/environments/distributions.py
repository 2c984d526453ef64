"""Lists the distributions that are installed in a folder or an environment, by their metadata.

In: site-packages folders. Out: names, versions, and the requirements that install the same again.
Reads the names of `.dist-info` folders, so that no interpreter has to run. A folder that is there
and cannot be read is an error, never an empty one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping

from pipguard.errors import PipguardError
from pipguard.knowledge import normalise_name
from pipguard.system.folders import list_names

TOOLCHAIN = frozenset({"pip", "setuptools", "wheel"})
"""What an environment starts with; nobody would miss an environment that holds no more."""


class Unreadable(PipguardError):
    """A folder of installed distributions is there and cannot be read."""

    reference = "unreadable"


def list_site_folders(environment: str) -> list[str]:
    """Return an environment's folders of installed distributions; two after a Python's upgrade.

    Raises `Unreadable`.
    """
    if os.name == "nt":
        return [os.path.join(environment, "Lib", "site-packages")]
    libraries = os.path.join(environment, "lib")
    versions = (name for name in _list_names(libraries) if name.startswith(("python", "pypy")))
    folders = (os.path.join(libraries, name, "site-packages") for name in versions)
    return [folder for folder in folders if os.path.isdir(folder)]


def list_distributions(environment: str) -> dict[str, str]:
    """Return the distributions in an environment, broken or not: normalised name to version.

    Raises `Unreadable`.
    """
    return {name: v for _, name, v in scan_distributions(list_site_folders(environment))}


def scan_distributions(folders: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield path, normalised name (PEP 503) and version of each metadata folder in the folders.

    Raises `Unreadable`.
    """
    for folder in folders:
        for entry in _list_names(folder):
            stem, dot, ending = entry.rpartition(".")
            # What begins with a tilde is what pip could not remove (pip 19.1 to 26.3).
            if dot and ending in {"dist-info", "egg-info", "egg-link"} and entry[0] != "~":
                name, _, version = stem.partition("-")
                yield os.path.join(folder, entry), normalise_name(name), version.split("-")[0]


def identify_distributions(environment: str) -> dict[str, int]:
    """Return the metadata folder of each distribution with what tells it from a later one there."""
    found = scan_distributions(list_site_folders(environment))
    return {path: os.stat(path).st_ctime_ns for path, _, _ in found}


def describe_change(
    environment: str, before: Mapping[str, int], names: Collection[str], directory: str
) -> str:
    """Return pip's own lines for what was installed since `before`, and for what was there already.

    `before` is what `identify_distributions` said, `names` are those that were asked for,
    `directory` is the folder that paths are shown relative to (pip 23.0 to 26.3).
    """
    lines, installed = [], []
    now = identify_distributions(environment)
    for path, name, version in scan_distributions(list_site_folders(environment)):
        if before.get(path) != now.get(path):
            installed.append(f"{name}-{version}")
        elif name in names:
            site = os.path.dirname(path)
            shown = site.replace(directory + os.sep, f".{os.sep}", 1) if directory else site
            lines.append(f"Requirement already satisfied: {name} in {shown} ({version})")
    if installed:
        lines.append(f"Successfully installed {' '.join(sorted(installed))}")
    return "".join(f"{line}\n" for line in lines)


def list_requirements(environment: str) -> tuple[str, ...]:
    """Return pip words that install the same distributions again, the toolchain left out.

    A distribution from an address or a folder is installed from there again (PEP 610). Raises
    `Unreadable`.
    """
    words: list[str] = []
    for folder in list_site_folders(environment):
        for entry in _list_names(folder):
            name, _, version = entry.removesuffix(".dist-info").partition("-")
            if entry.endswith(".dist-info") and normalise_name(name) not in TOOLCHAIN:
                words += read_origin(os.path.join(folder, entry)) or [f"{name}=={version}"]
    return tuple(words)


def read_commands(metadata: str) -> tuple[str, ...]:
    """Return the names of the commands that pip makes from a distribution's entry points.

    `metadata` is its `.dist-info`. Read line by line: importing configparser takes 5 ms.
    """
    try:
        with open(os.path.join(metadata, "entry_points.txt"), encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError):
        return ()
    found: list[str] = []
    group = ""
    for line in map(str.strip, lines):
        if line.startswith("["):
            group = line.strip("[] ")
        elif group in {"console_scripts", "gui_scripts"} and "=" in line and line[0] not in "#;":
            found.append(line.partition("=")[0].strip())
    return tuple(found)


def list_commands(environment: str, names: Collection[str]) -> tuple[str, ...]:
    """Return the commands of the named distributions in an environment; `names` are normalised."""
    try:
        found = [path for path, n, _ in scan_distributions(list_site_folders(environment))
                 if n in names]  # fmt: skip
    except Unreadable:
        return ()
    return tuple(command for path in found for command in read_commands(path))


def list_modules(folders: Iterable[str], name: str) -> tuple[str, ...]:
    """Return the top-level modules of the first distribution of that name, as its RECORD tells.

    `folders` are those of `list_site_folders`, `name` is normalised.
    """
    for metadata, found, _ in scan_distributions(folders):
        if found == name:
            return tuple(sorted(set(_read_modules(os.path.join(metadata, "RECORD")))))
    return ()


def _read_modules(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            paths = [line.partition(",")[0].strip('"') for line in file]
    except OSError:
        return []
    tops = [p.split("/") for p in paths if not p.startswith(("..", "/"))]
    packages = [t[0] for t in tops if t[-1] == "__init__.py" and len(t) == 2]
    modules = [t[0][:-3] for t in tops if len(t) == 1 and t[0].endswith(".py")]
    return [name for name in (*packages, *modules) if name.isidentifier()]


def read_origin(folder: str) -> list[str]:
    """Return pip words that install a distribution from the address it came from (PEP 610).

    Empty for one from an index; `folder` is its `.dist-info`.
    """
    try:
        with open(os.path.join(folder, "direct_url.json"), encoding="utf-8") as file:
            document = json.load(file)
        is_editable = document.get("dir_info", {}).get("editable", False)
        vcs = document.get("vcs_info")
        url = f"{vcs['vcs']}+{document['url']}@{vcs['commit_id']}" if vcs else document["url"]
        return ["--editable", url] if is_editable else [url]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def _list_names(folder: str) -> list[str]:
    try:
        return list_names(folder)
    except OSError as error:
        raise Unreadable(f"{folder} cannot be read: {error.strerror}") from error
