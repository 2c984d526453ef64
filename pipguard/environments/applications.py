"""Changes an application of pipx's so that nothing is half done: all of it, or as it was before.

In: pipx's folders, a normalised name, the journal of the running command. Out: the application as
pipx left it, or what was there before, with its commands, manual pages and completions. A copy that
costs hardly anything (hard links; what pipx writes in place is really copied) is kept meanwhile.
Never starts pipx.
"""

from __future__ import annotations

import os

from pipguard.environments.inspect import interpreter_path
from pipguard.environments.pipx import (
    METADATA_NAME,
    PipxHome,
    locate_commands,
    read_application,
)
from pipguard.environments.places import (
    Place,
    Places,
    discard,
    list_links,
    locate_snapshot,
    put_back,
    remove_tree,
)
from pipguard.errors import PipguardError
from pipguard.system.journal import Journal
from pipguard.system.private_files import link_file


class ApplicationChange:
    """What pipx is about to do with one application."""

    def __init__(self, home: PipxHome, name: str, journal: Journal) -> None:
        path = os.path.join(home.environments, name)
        former = locate_snapshot(path) if os.path.isdir(path) else ""
        self.home = home
        self.name = name
        self.places = Places(journal)
        links = tuple(list_links(path, home.link_folders))
        self.place = Place(path, former, links, home.link_folders)
        self.is_kept = False

    def begin(self) -> None:
        """Keep what is there; what pipx does not know as an application is moved out of its way.

        Where that cannot be (a full disk), the change goes on without: an uninstall makes room.
        """
        try:
            self._keep()
        except OSError:
            if self.place.former and os.path.lexists(self.place.path):
                discard(self.place.former)
            self.places.give_up(self.place)
            return
        self.is_kept = True

    def finish(self) -> None:
        """Forget what was there before."""
        if self.is_kept:
            self.places.finish(self.place, self.place.former)

    def undo(self) -> None:
        """Put back what was there before.

        Raises `PipguardError` where that fails; the journal keeps it for a later command then.
        """
        if not self.is_kept:
            return
        try:
            put_back(self.place)
        except OSError as error:
            problem = f"{error.filename}: {error.strerror}"
            raise PipguardError(f"{self.place.path} cannot be put back: {problem}") from error
        self.places.give_up(self.place)

    def _keep(self) -> None:
        place = self.place
        if place.former:
            remove_tree(place.former)  # of a change that nobody could put back
            os.makedirs(os.path.dirname(place.former), mode=0o700, exist_ok=True)
        if place.former and read_application(self.home.environments, self.name):
            _copy(place.path, place.former)
            self.places.begin(place)
        else:
            self.places.begin(place)
            if place.former:
                os.rename(place.path, place.former)

    def has(self, plugin: str) -> bool:
        """Tell whether something was added to the application; the name is normalised."""
        there = read_application(self.home.environments, self.name)
        return there is not None and there.find_injected(plugin) is not None

    def is_there(self) -> bool:
        """Tell whether the application is there with its commands, wherever they are exposed."""
        there = read_application(self.home.environments, self.name)
        folder = os.path.dirname(interpreter_path(self.place.path))
        return there is not None and all(
            os.path.lexists(os.path.join(folder, name)) for name in there.commands
        )


def is_whole(home: PipxHome, name: str) -> bool:
    """Tell whether pipx has an application of this name, and every command of it is exposed."""
    application = read_application(home.environments, name)
    commands = locate_commands(home, application) if application else ()
    return bool(commands) and all(os.path.lexists(command) for command in commands)


def is_settled(place: Place, home: PipxHome) -> bool:
    """Tell whether what is there now is whole and not what was there before.

    pipx writes its metadata last, and anew each time.
    """
    name = os.path.basename(place.path)
    before = _read(os.path.join(place.former, METADATA_NAME)) if place.former else b""
    now = _read(os.path.join(place.path, METADATA_NAME))
    return now != before and is_whole(home, name)


def _copy(path: str, target: str) -> None:
    """Give every file a second name; those that pipx writes in place are copied."""
    import shutil

    def copy(source: str, copied: str) -> str:
        if os.path.dirname(source) == path:
            return shutil.copy2(source, copied, follow_symlinks=False)
        link_file(source, copied)
        return copied

    shutil.copytree(path, target, symlinks=True, copy_function=copy)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
