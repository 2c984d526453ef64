"""Makes or removes an environment, so that half an environment is never left behind.

In: a `Creation`, or the folder of an environment. Out: an environment that is whole or is gone.
When the making failed, what was in its place before is back. Never installs anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from pipguard.environments.bytecode import provide_bytecode
from pipguard.environments.inspect import UNFINISHED_NAME, is_unfinished
from pipguard.environments.own_folder import OWN_FOLDER
from pipguard.environments.trust import record_trust
from pipguard.environments.unrecorded import list_unrecorded
from pipguard.errors import PipguardError
from pipguard.system.folders import cache_folder, list_names
from pipguard.system.frozen import dataclass
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


class CreationFailed(PipguardError):
    """virtualenv could not make the environment; its own words have been shown."""

    reference = "creation-failed"


class Creator:
    """Makes one environment, from nothing to its first successful install."""

    def __init__(self, creation: Creation, environ: Mapping[str, str]) -> None:
        wants_bytecode = not environ.get("PYTHONDONTWRITEBYTECODE")
        self.bytecode = cache_folder(environ, "bytecode") if wants_bytecode else ""
        self.environ = environ
        self.creation = creation
        self.path = creation.path
        self.mark = os.path.join(creation.path, UNFINISHED_NAME)
        self.aside = ""
        """Where the broken environment is meanwhile; empty without one."""
        self.keeps_folder = False
        """Whether the folder was there before, empty, and stays when this fails."""
        self.has_begun = False

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
        if run(self.creation.command) != 0:
            raise CreationFailed(f"virtualenv could not make {self.path}")
        if self.bytecode:
            provide_bytecode(self.path, self.bytecode, self.environ)
        if self.aside:
            inside = "" if self.creation.keeps_packages else OWN_FOLDER
            _take_over(os.path.join(self.aside, inside), os.path.join(self.path, inside))

    def keep(self) -> str:
        """Declare it finished; the broken environment that it replaced is removed.

        Returns the path of that one where it stays, because files of the user's own are in it.
        """
        declare_finished(self.path)
        record_trust(self.path, "made", self.environ)
        if not self.aside or not os.path.isfile(os.path.join(self.aside, "pyvenv.cfg")):
            return ""
        is_link = os.path.islink(self.aside)  # where it leads to stays anyway
        if not self.creation.keeps_packages and not is_link and list_unrecorded(self.aside):
            return self.aside
        _remove(self.aside)
        return ""

    def undo(self) -> None:
        """Remove what was made, the mark last: killed on the way, the next run goes on."""
        with postponing_signals():
            if self.has_begun:
                self._remove_made()
            if self.aside and not os.path.lexists(self.path):
                os.rename(self.aside, self.path)

    def _prepare(self) -> None:
        if self.creation.replaces_broken:
            aside = _choose_free_name(self.path, "broken")
            os.rename(self.path, aside)
            self.aside = aside
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
                _remove(os.path.join(self.path, name))
        remove_file(self.mark)
        if not self.keeps_folder:
            _remove_empty_folder(self.path)


def declare_finished(path: str) -> None:
    """Remove the mark of the unfinished from an environment."""
    remove_file(os.path.join(path, UNFINISHED_NAME))


def remove_environment(path: str) -> None:
    """Remove an environment: renamed first, so that a death on the way leaves no half of one.

    Raises `PipguardError` for what is no environment or cannot be removed.
    """
    if os.path.islink(path) or not os.path.isfile(os.path.join(path, "pyvenv.cfg")):
        raise PipguardError(f"{path} is no environment, so it is not removed")
    import shutil

    aside = _choose_free_name(path, "removed")
    try:
        os.rename(path, aside)
        shutil.rmtree(aside)
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}"
        raise PipguardError(f"{path} cannot be removed: {problem}") from error


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


def _choose_free_name(path: str, ending: str) -> str:
    number = 1
    while os.path.lexists(f"{path}.{ending}-{number}"):
        number += 1
    return f"{path}.{ending}-{number}"


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        import shutil

        shutil.rmtree(path, ignore_errors=True)
    else:
        remove_file(path)


def _remove_empty_folder(path: str) -> None:
    try:
        os.rmdir(path)
    except OSError:
        return
