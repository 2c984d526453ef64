"""Tells what the positional arguments of `pip install` and `pip uninstall` name.

In: a word, as pip takes it, and the current folder. Out: a `Target`. Asks the file system only
what pip asks it (is this a folder, an archive?). Never opens a file, never goes to the network.
"""

from __future__ import annotations

import os

from pipguard.knowledge import normalise_name
from pipguard.system.frozen import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["name", "archive", "folder", "url", "invalid"]


# pip 26.3, utils/filetypes.py and models/wheel.py.
_ARCHIVES = (
    ".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tlz",
    ".tar.lz", ".tar.lzma",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to install or uninstall."""

    text: str
    """The word as given."""
    kind: Kind
    name: str = ""
    """The project's normalised name (PEP 503), empty where the word does not tell it."""
    extras: tuple[str, ...] = ()
    specifier: str = ""
    """Version specifiers (PEP 440), such as `>=2,<3`."""
    marker: str = ""
    """The environment marker (PEP 508) without its semicolon."""

    @property
    def archive(self) -> str:
        """Where the wheel or sdist is that it names, a path or an address; empty for all else."""
        place = self.text.partition(" @ ")[2] or self.text
        place = place.partition(";")[0].strip()
        if self.kind == "url" and "+" not in place.partition("://")[0]:
            return place if _strip_fragment(place).lower().endswith(_ARCHIVES) else ""
        return place.partition("[")[0] if self.kind == "archive" else ""

    def accepts(self, version: str) -> bool:
        """Tell whether its specifiers allow a version; an unknown one only where there are none."""
        if not self.specifier:
            return True
        from packaging.specifiers import SpecifierSet
        from packaging.version import InvalidVersion

        try:
            return SpecifierSet(self.specifier).contains(version, prereleases=True)
        except InvalidVersion:
            return False


def read_target(text: str, directory: str) -> Target:
    """Return what a positional argument names, by pip's own order of questions."""
    if _is_plain_name(text):
        return Target(text, "name", normalise_name(text))
    bare = text.partition("[")[0] if text.endswith("]") else text
    if "://" in text and " @ " not in text.partition("://")[0]:
        return Target(text, "url", _name_in_fragment(text) or _name_in_address(text))
    is_path = text.startswith(".") or os.sep in bare or "/" in bare
    if is_path and os.path.isdir(os.path.join(directory, bare)):
        return Target(text, "folder")
    if bare.lower().endswith(_ARCHIVES) and "://" not in bare:
        return Target(text, "archive", _name_in_archive(os.path.basename(bare)))
    return parse_requirement(text)


def _is_plain_name(text: str) -> bool:
    """Whether it is a bare project name: nearly always, and quicker to see than to parse."""
    letters = text.replace("-", "").replace("_", "")
    return letters.isascii() and letters.isalnum() and text[0].isalnum() and text[-1].isalnum()


def parse_requirement(text: str) -> Target:
    """Return what a requirement names by its words alone; a path or an address is invalid."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return Target(text, "invalid")
    return Target(
        text,
        "url" if requirement.url else "name",
        normalise_name(requirement.name),
        tuple(sorted(requirement.extras)),
        str(requirement.specifier),
        str(requirement.marker or ""),
    )


def read_file_address(place: str) -> str:
    """Return the path that a `file://` address names; any other place as it is."""
    if not place.startswith("file://"):
        return place
    from urllib.parse import unquote

    return unquote(_strip_fragment(place).removeprefix("file://").removeprefix("localhost"))


def _name_in_fragment(url: str) -> str:
    """Return the name in `#egg=name[extra]&…`, empty without one."""
    for part in url.partition("#")[2].split("&"):
        key, _, value = part.partition("=")
        if key == "egg":
            return normalise_name(value.partition("[")[0])
    return ""


def _name_in_address(url: str) -> str:
    """Return the name in the file that an address ends with, empty for a version control system."""
    path = _strip_fragment(url)
    is_archive = "+" not in url.partition("://")[0] and path.lower().endswith(_ARCHIVES)
    return _name_in_archive(path.rpartition("/")[2]) if is_archive else ""


def _strip_fragment(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]


def _name_in_archive(file_name: str) -> str:
    """Return the project's name in an archive's file name (wheel: PEP 427, sdist: PEP 625)."""
    if file_name.lower().endswith(".whl"):
        name, dash, _ = file_name.partition("-")
        return normalise_name(name) if dash else ""
    name = file_name.rpartition("-")[0]
    return normalise_name(name)
