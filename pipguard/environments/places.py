"""Sets a place aside while something else is made there, so that it can be put back.

In: the path of an environment, the journal of the running command. Out: the place free, its former
content beside it; later the former content back, or gone. Each step is in the journal before it is
taken: a later command can finish or reverse it. Never touches what has not the form of a name that
this module chose.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from pipguard.environments.nearby import OWN_FOLDER
from pipguard.system.folders import list_names, list_readable_names
from pipguard.system.frozen import dataclass
from pipguard.system.journal import Journal
from pipguard.system.private_files import remove_file

DRAFT_ENDING = ".pipguard-new"
UNFINISHED_FACTS = ("places", "left_over")
"""What a journal keeps until nothing of it is left to do."""
_ENDINGS = ("broken", "removed")


@dataclass(frozen=True, slots=True)
class Place:
    """A path that is being changed."""

    path: str
    former: str = ""
    """Where its former content is; empty where there was nothing."""
    links: tuple[tuple[str, str], ...] = ()
    """Paths and targets of the links from elsewhere into it, as they were."""
    folders: tuple[str, ...] = ()
    """Where such links are."""
    keeps_packages: bool = False
    """Whether its former content is to be taken over: an environment that is made anew."""


class Places:
    """The places that a command is changing, as its journal has them: one list for all steps."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.changing: list[Place] = journal.facts.setdefault("places", [])  # type: ignore[assignment]
        self.left_over: list[str] = journal.facts.setdefault("left_over", [])  # type: ignore[assignment]
        """What is to be removed when nothing else is left to do."""

    def begin(self, place: Place) -> None:
        """Note that a place is about to change."""
        self.changing.append(place)
        self._write()

    def finish(self, place: Place, left_over: str = "") -> None:
        """Note that it has changed for good; what is left over is removed."""
        self.changing.remove(place)
        self.left_over += [left_over] if left_over else []
        self._write()
        if left_over:
            discard(left_over)
            self._drop(left_over)

    def give_up(self, place: Place) -> None:
        """Note that it is as it was."""
        if place in self.changing:
            self.changing.remove(place)
            self._write()

    def _drop(self, path: str) -> None:
        if not os.path.lexists(path):
            self.left_over.remove(path)
            self._write()

    def _write(self) -> None:
        self.journal.note()


def parse_places(facts: Mapping[str, object]) -> tuple[list[Place], list[str]]:
    """Return from a journal the places that were being changed, and what is left over.

    Raises ValueError for what this module does not write: nothing else is ever touched.
    """
    places, left_over = facts.get("places", []), facts.get("left_over", [])
    if not isinstance(places, list) or not isinstance(left_over, list):
        raise ValueError("no lists")
    paths = [_check_path(path) for path in left_over]
    if not all(map(_is_any_former, paths)):
        raise ValueError(f"{paths} are not what was set aside")
    return [_parse_place(place) for place in places], paths


def _parse_place(facts: object) -> Place:
    if not isinstance(facts, dict) or set(facts) != set(Place.__match_args__):
        raise ValueError("no place")
    path, former = _check_path(facts["path"]), facts["former"]
    folders = tuple(_check_path(folder) for folder in facts["folders"])
    links = tuple((_check_path(link), str(target)) for link, target in facts["links"])
    is_draft = path.endswith(DRAFT_ENDING)
    if former and not is_our_name(_check_path(former), path):
        raise ValueError(f"{former} is not what was at {path}")
    if not former and not is_draft and not folders:
        raise ValueError(f"{path} is no application and no draft")
    if any(os.path.dirname(link) not in folders for link, _ in links):
        raise ValueError("links elsewhere")
    return Place(path, former, links, folders, facts["keeps_packages"] is True)


def _check_path(path: object) -> str:
    if not isinstance(path, str) or not os.path.isabs(path) or os.path.normpath(path) != path:
        raise ValueError(f"{path!r} is no absolute path")
    return path


def choose_free_name(path: str, ending: str) -> str:
    """Return a name beside `path` that nothing has: `.venv.broken-1`, `.venv.removed-2`."""
    assert ending in _ENDINGS
    number = 1
    while os.path.lexists(f"{path}.{ending}-{number}"):
        number += 1
    return f"{path}.{ending}-{number}"


def is_our_name(former: str, path: str) -> bool:
    """Tell whether a name has the form that this module gives to what was at `path`."""
    beside, _, number = former.rpartition("-")
    is_beside = number.isdecimal() and beside in {f"{path}.{ending}" for ending in _ENDINGS}
    return is_beside or former == locate_snapshot(path)


def _is_any_former(path: str) -> bool:
    """Tell whether a name has that form, whatever was there."""
    beside, _, number = path.rpartition("-")
    is_beside = number.isdecimal() and beside.endswith(tuple(f".{e}" for e in _ENDINGS))
    return is_beside or os.path.basename(os.path.dirname(path)) == OWN_FOLDER


def list_left_over(path: str) -> list[str]:
    """Return what former commands have set aside beside a place and left there."""
    folder, name = os.path.split(path)
    try:
        paths = [os.path.join(folder, found) for found in list_names(folder) if found != name]
    except OSError:
        return []
    return [found for found in paths if found.startswith(path) and is_our_name(found, path)]


def locate_snapshot(application: str) -> str:
    """Return where the files of an application are while pipx changes it."""
    environments, name = os.path.split(application)
    return os.path.join(os.path.dirname(environments), OWN_FOLDER, name)


def put_back(place: Place) -> None:
    """Remove what is at a place, and put back what was there before. Raises OSError."""
    # Otherwise it was never set aside, or is back already.
    if not place.former or os.path.lexists(place.former):
        remove_tree(place.path)
        if place.former:
            os.rename(place.former, place.path)
            _remove_empty_own_folder(place.former)
    former = dict(place.links)
    for link, target in list_links(place.path, place.folders):
        if former.get(link) != target:
            os.unlink(link)
    for link, target in place.links:
        if not os.path.lexists(link):
            os.symlink(target, link)


def list_links(path: str, folders: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield path and target of every link in the folders that leads into `path`."""
    for folder in folders:
        for name in list_readable_names(folder):
            link = os.path.join(folder, name)
            if os.path.islink(link):
                target = os.readlink(link)
                if os.path.join(folder, target).startswith(os.path.join(path, "")):
                    yield link, target


def discard(former: str) -> None:
    """Remove what was set aside."""
    remove_tree(former)
    _remove_empty_own_folder(former)


def _remove_empty_own_folder(former: str) -> None:
    folder = os.path.dirname(former)
    if os.path.basename(folder) == OWN_FOLDER:
        remove_empty_folder(folder)


def remove_tree(path: str) -> None:
    """Remove a file, a link or a folder; what cannot be removed is left."""
    if os.path.isdir(path) and not os.path.islink(path):
        import shutil

        shutil.rmtree(path, ignore_errors=True)
    else:
        remove_file(path)


def remove_empty_folder(path: str) -> None:
    """Remove a folder that nothing is in; any other stays."""
    try:
        os.rmdir(path)
    except OSError:
        return
