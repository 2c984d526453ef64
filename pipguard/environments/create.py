"""Makes or removes an environment, so that half an environment is never left behind.

In: a `Creation`, or the folder of an environment. Out: an environment that is whole or is gone.
When the making failed, what was in its place before is back. Never installs anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from pipguard.environments.distributions import list_site_folders, scan_distributions
from pipguard.environments.inspect import UNFINISHED_NAME, interpreter_path, is_unfinished
from pipguard.environments.nearby import OWN_FOLDER
from pipguard.environments.places import (
    DRAFT_ENDING,
    Place,
    Places,
    choose_free_name,
    put_back,
    remove_empty_folder,
    remove_tree,
)
from pipguard.environments.pointers import find_pointer, recall_pointer, write_pointer
from pipguard.environments.shared_pip import Sharing, share_pip
from pipguard.environments.trust import record_trust
from pipguard.errors import PipguardError
from pipguard.pip.configuration import Variables
from pipguard.system.folders import cache_folder, has_free_space, list_names
from pipguard.system.frozen import dataclass
from pipguard.system.journal import Journal
from pipguard.system.private_files import link_file, remove_file
from pipguard.system.processes import postponing_signals


@dataclass(frozen=True, slots=True)
class Creation:
    """An environment to be made before a plan's steps, and removed again when they fail."""

    path: str
    command: tuple[str, ...]
    """What fills the folder: virtualenv."""
    replaces_broken: bool = False
    """Whether a broken environment is set aside first; it comes back when this fails."""
    keeps_packages: bool = False
    """Whether what is installed in the broken one is taken over; both are for the same Python."""
    variables: Variables = ()
    """What the command is told besides by variables."""
    pointer: str = ""
    """The `.venv` file that is to lead to it, where it is not in its project."""
    shared_pip: str = ""
    """The folder of a pip with which the first step begins as soon as the command announces that
    the interpreter works, and waits until the environment is whole; empty where it does not."""


CREATION_VARIABLES = (("VIRTUALENV_VENV_REDIRECT", "0"),)
"""virtualenv 21.15 writes a `.venv` file beside an environment of another name; not for us."""
_BYTES_OF_CACHE = 64 * 1024 * 1024  # virtualenv 21 unpacks 15 MiB there
_NEEDED = ("python.exe", "pip.exe") if os.name == "nt" else ("python", "pip")


class CreationFailed(PipguardError):
    """virtualenv could not make the environment; its own words have been shown."""

    reference = "creation-failed"


class Creator:
    """Makes one environment, from nothing to its first successful install."""

    def __init__(self, creation: Creation, environ: Mapping[str, str], journal: Journal) -> None:
        self.environ = environ
        self.creation = creation
        self.path = creation.path
        self.mark = os.path.join(creation.path, UNFINISHED_NAME)
        self.places = Places(journal)
        self.place = Place(self.path)
        """With what was there, where that is set aside."""
        self.keeps_folder = False
        """Whether the folder was there before, empty, and stays when this fails."""
        self.has_begun = False
        self.sharing = Sharing()

    def is_needed(self) -> bool:
        """Whether it is still to be made, now that nobody else can be making it."""
        if self.creation.replaces_broken:
            return True
        has_configuration = os.path.isfile(os.path.join(self.path, "pyvenv.cfg"))
        return is_unfinished(self.path) or not has_configuration

    def make(self, run: Callable[[tuple[str, ...]], int]) -> None:
        """Make the folder, mark it as unfinished, and let virtualenv fill it.

        `run` runs a command quietly and returns its exit status. Raises `PipguardError` for a place
        where no environment can be, `CreationFailed` for what virtualenv could not do.
        """
        self.begin()
        self.complete(run(self.creation.command))

    def begin(self) -> None:
        """Make the folder and mark it as unfinished. Raises `PipguardError`."""
        hint = "PIPGUARD_VENV=FOLDER chooses another place"
        try:
            self.path.encode()
        except UnicodeEncodeError as error:  # bytes that are no text are surrogates here
            problem = "its name is not UTF-8, and virtualenv (21.15) makes no environment then"
            raise PipguardError(f"{self.path} cannot be made: {problem}", hint) from error
        try:
            with postponing_signals():
                self._prepare()
        except OSError as error:
            problem = error.strerror or str(error)
            raise PipguardError(f"{self.path} cannot be made: {problem}", hint) from error

    def complete(self, exit_status: int) -> str:
        """Add what virtualenv, which ended with this status, leaves to us.

        Returns the folder of the shared pip, if it is the same as the environment's. Raises
        `CreationFailed`.
        """
        if exit_status != 0:
            raise CreationFailed(f"virtualenv could not make {self.path}")
        remove_tree(os.path.join(self.path, OWN_FOLDER, "cache"))
        remove_empty_folder(os.path.join(self.path, OWN_FOLDER))
        self.sharing = share_pip(self.path, self.environ)
        if self.place.former:
            inside = "" if self.creation.keeps_packages else OWN_FOLDER
            _take_over(os.path.join(self.place.former, inside), os.path.join(self.path, inside))
        return self.sharing.shared

    @property
    def variables(self) -> Variables:
        """The variables for virtualenv, whose cache is in the environment where home is full."""
        folder = os.path.join(self.path, OWN_FOLDER, "cache")
        has_room = has_free_space(cache_folder(self.environ), _BYTES_OF_CACHE)
        cache = () if has_room else (("VIRTUALENV_OVERRIDE_APP_DATA", folder),)
        return (*CREATION_VARIABLES, *self.creation.variables, *cache)

    def keep(self) -> str:
        """Declare it finished; the broken environment that it replaced is removed.

        Returns the path of that one where it stays, because files of the user's own are in it.
        """
        former = self.place.former
        record_trust(self.path, "made", self.environ)
        stays = bool(former) and self._is_worth_keeping(former)
        pointer = self.creation.pointer or recall_pointer(self.path)
        if pointer:
            write_pointer(pointer, self.path)
        with postponing_signals():
            if former:
                self.places.finish(self.place, "" if stays else former)
            declare_finished(self.path)
        self.sharing.finish()
        return former if stays else ""

    def undo(self) -> None:
        """Remove what was made, the mark last: killed on the way, the next run goes on."""
        with postponing_signals():
            self.sharing.give_up()
            if self.has_begun:
                self._remove_made()
            if self.place.former and not os.path.lexists(self.path):
                os.rename(self.place.former, self.path)
            if not self.is_aside:  # else the next command puts it back
                self.places.give_up(self.place)

    @property
    def is_aside(self) -> bool:
        """Whether what was there before is still set aside."""
        return bool(self.place.former) and os.path.lexists(self.place.former)

    def _is_worth_keeping(self, former: str) -> bool:
        """Tell whether there are files of the user's in what was no usable environment."""
        if not os.path.isfile(os.path.join(former, "pyvenv.cfg")):
            return not os.path.islink(former)
        from pipguard.environments.unrecorded import list_unrecorded

        is_link = os.path.islink(former)  # where it leads to stays anyway
        return not self.creation.keeps_packages and not is_link and bool(list_unrecorded(former))

    def _prepare(self) -> None:
        if self.creation.replaces_broken:
            former = choose_free_name(self.path, "broken")
            place = Place(self.path, former, keeps_packages=self.creation.keeps_packages)
            self.places.begin(place)
            os.rename(self.path, place.former)
            self.place = place
        is_left_over = os.path.exists(self.mark)
        self.keeps_folder = os.path.isdir(self.path) and not is_left_over
        if self.keeps_folder and os.listdir(self.path):
            raise FileExistsError("there are files in it now")
        self.has_begun = True
        os.makedirs(self.path, exist_ok=True)
        with open(self.mark, "wb"):
            pass

    def _remove_made(self) -> None:
        for name in list_names(self.path):
            if name != UNFINISHED_NAME:
                remove_tree(os.path.join(self.path, name))
        remove_file(self.mark)
        if not self.keeps_folder:
            remove_empty_folder(self.path)


def declare_finished(path: str) -> None:
    """Remove the mark of the unfinished from an environment."""
    remove_file(os.path.join(path, UNFINISHED_NAME))


def remove_environment(path: str, journal: Journal) -> None:
    """Remove an environment: renamed first, so that a death on the way leaves no half of one.

    Raises `PipguardError` for what is no environment or cannot be removed.
    """
    if os.path.islink(path) or not os.path.isfile(os.path.join(path, "pyvenv.cfg")):
        raise PipguardError(f"{path} is no environment, so it is not removed")
    places, place = Places(journal), Place(path, choose_free_name(path, "removed"))
    pointer = find_pointer(path)
    try:
        with postponing_signals():
            places.begin(place)
            os.rename(path, place.former)
            if pointer:
                remove_file(pointer)
            places.finish(place, place.former)
    except OSError as error:
        places.give_up(place)
        problem = f"{error.filename}: {error.strerror}"
        raise PipguardError(f"{path} cannot be removed: {problem}") from error
    if places.left_over:
        raise PipguardError(f"{path} cannot be removed as a whole: the rest is {place.former}")


def draft_of(path: str) -> str:
    """Return the name that an environment has until it is whole."""
    return f"{path}{DRAFT_ENDING}"


def has_pip(path: str) -> bool:
    """Tell whether an environment has an interpreter and a whole pip: all that its RECORD lists."""
    commands = os.path.dirname(interpreter_path(path))
    if not all(os.path.exists(os.path.join(commands, name)) for name in _NEEDED):
        return False
    from pipguard.environments.unrecorded import list_recorded

    found = scan_distributions(list_site_folders(path))
    recorded = [file for metadata, n, _ in found if n == "pip" for file in list_recorded(metadata)]
    return bool(recorded) and all(map(os.path.exists, recorded))


def make_as_a_whole(path: str, run: Callable[[], int], journal: Journal) -> int:
    """Let `run` make the environment `draft_of(path)`, and rename it; return its exit status.

    What is in its place is no whole environment, and goes. Raises OSError.
    """
    places, draft = Places(journal), Place(draft_of(path))
    remove_tree(draft.path)
    places.begin(draft)
    try:
        status = run()
        if status == 0:
            with postponing_signals():
                remove_tree(path)
                os.rename(draft.path, path)
    finally:
        with postponing_signals():
            put_back(draft)
            places.give_up(draft)
    return status


def _take_over(old: str, new: str) -> None:
    """Link every file of an environment into another one that has none of that name.

    So the interpreter, pip and the scripts that activate it are the new one's own. Raises
    `CreationFailed`.
    """
    try:
        for folder, folders, files in os.walk(old):
            inside = os.path.relpath(folder, old)
            is_site = os.path.basename(folder) == "site-packages"
            folders[:] = [name for name in folders if not (is_site and _is_pip(name))]
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            os.makedirs(os.path.join(new, inside), exist_ok=True)
            for name in (*files, *links):
                target = os.path.join(new, inside, name)
                if not os.path.lexists(target):
                    link_file(os.path.join(folder, name), target)
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}"
        raise CreationFailed(f"its packages cannot be taken over: {problem}") from error


def _is_pip(name: str) -> bool:
    return name == "pip" or (name.startswith("pip-") and name.endswith(".dist-info"))
