"""Makes an environment, or takes one back, so that no half of one is ever left behind.

In: a `Creation`, or the folder of an environment. Out: an environment that is whole or is gone;
what stood in its place before is back when the making failed. Never installs anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from pipguard.compiled import keep_compiled, lend_compiled
from pipguard.environment import UNFINISHED_NAME, is_unfinished, list_entries
from pipguard.errors import PipguardError
from pipguard.folders import cache_folder
from pipguard.plans import Creation, Step
from pipguard.process import postponing_signals


class CreationFailed(PipguardError):
    """virtualenv could not make the environment; its own words have been shown."""

    reference = "creation-failed"


class Making:
    """One environment on its way from nothing to its first successful install."""

    def __init__(self, creation: Creation, environ: Mapping[str, str]) -> None:
        is_wanted = not environ.get("PYTHONDONTWRITEBYTECODE")
        self.compiled = cache_folder(environ, "compiled") if is_wanted else ""
        self.creation = creation
        self.path = creation.path
        self.marker = os.path.join(creation.path, UNFINISHED_NAME)
        self.aside = ""
        self.keeps_folder = False
        self.has_begun = False

    def is_needed(self) -> bool:
        """Whether it is still to be made, now that nobody else can be making it."""
        if self.creation.replaces_broken:
            return True
        has_configuration = os.path.isfile(os.path.join(self.path, "pyvenv.cfg"))
        return is_unfinished(self.path) or not has_configuration

    def make(self, run: Callable[[Step], int]) -> None:
        """Make the folder, mark it as unfinished, and let virtualenv fill it.

        `run` runs a step and returns its exit status. Raises `PipguardError` for a place that
        takes no environment, `CreationFailed` for what virtualenv could not do.
        """
        try:
            with postponing_signals():
                self._prepare()
        except OSError as error:
            problem = error.strerror or str(error)
            hint = "PIPGUARD_VENV=FOLDER chooses another place"
            raise PipguardError(f"{self.path} cannot be made: {problem}", hint) from error
        if run(self.creation.step) != 0:
            raise CreationFailed(f"virtualenv could not make {self.path}")
        lend_compiled(self.path, self.compiled)

    def _prepare(self) -> None:
        if self.creation.replaces_broken:
            aside = _free_name(self.path, "broken")
            os.rename(self.path, aside)
            self.aside = aside
        is_left_over = os.path.exists(self.marker)
        self.keeps_folder = os.path.isdir(self.path) and not is_left_over
        if self.keeps_folder and os.listdir(self.path):
            raise FileExistsError("there are files in it now")
        self.has_begun = True
        os.makedirs(self.path, exist_ok=True)
        with open(self.marker, "wb"):
            pass

    def keep(self) -> None:
        """Declare it finished; what it replaced goes, if that was an environment, too."""
        declare_finished(self.path)
        keep_compiled(self.path, self.compiled)
        if self.aside and os.path.isfile(os.path.join(self.aside, "pyvenv.cfg")):
            _remove(self.aside)

    def undo(self) -> None:
        """Remove what was made, the mark last: killed on the way, the next run goes on."""
        with postponing_signals():
            if self.has_begun:
                self._remove_made()
            if self.aside and not os.path.lexists(self.path):
                os.rename(self.aside, self.path)

    def _remove_made(self) -> None:
        for entry in list_entries(self.path):
            if entry != UNFINISHED_NAME:
                _remove(os.path.join(self.path, entry))
        _unlink(self.marker)
        if not self.keeps_folder:
            _remove_folder(self.path)


def declare_finished(path: str) -> None:
    """Take the mark of the unfinished off an environment."""
    _unlink(os.path.join(path, UNFINISHED_NAME))


def remove_environment(path: str) -> None:
    """Remove an environment, out of the way first: killed on the way, no half of one is left.

    Raises `PipguardError` for what is no environment or cannot be removed.
    """
    if os.path.islink(path) or not os.path.isfile(os.path.join(path, "pyvenv.cfg")):
        raise PipguardError(f"{path} is no environment, so it is not removed")
    import shutil

    aside = _free_name(path, "removed")
    try:
        os.rename(path, aside)
        shutil.rmtree(aside)
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}"
        raise PipguardError(f"{path} cannot be removed: {problem}") from error


def _free_name(path: str, ending: str) -> str:
    number = 1
    while os.path.lexists(f"{path}.{ending}-{number}"):
        number += 1
    return f"{path}.{ending}-{number}"


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        import shutil

        shutil.rmtree(path, ignore_errors=True)
    else:
        _unlink(path)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return


def _remove_folder(path: str) -> None:
    try:
        os.rmdir(path)
    except OSError:
        return
