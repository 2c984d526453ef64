"""Recalls where the distributions of a location came from, so that nobody else is asked for them.

In: the log and the notes beside a location, where its pip takes distributions from now. Out: how to
ask for one of them again. Without a note of its origin only the index that is configured now is
asked, only for wheels, which run no code while they are installed, and not at all where another
origin was ever seen: somebody else may have put a distribution of a private name on a public index.
"""

from __future__ import annotations

from pipguard.caller import Caller
from pipguard.environments.inventory import Location
from pipguard.errors import PipguardError
from pipguard.history.beside import Origins, read_origins
from pipguard.history.folder import locate_log_folder
from pipguard.history.log import Entry, History, read_history
from pipguard.pip.origins import UNKNOWN, Asking, Origin, ask_as_before, read_origin
from pipguard.system.frozen import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PUBLIC = Origin().words


def recall_origins(
    caller: Caller, base: str, location: Location, environment: str = ""
) -> KeptOrigins:
    """Return what the user's log tells about a location.

    Its pip is that of `environment`, made for the interpreter `base`, or that of `base` itself.
    Raises `LogUnusable`.
    """
    now = read_origin(caller, base, environment)
    return KeptOrigins(read_history(locate_log_folder(caller)), location, now)


def describe_guesses(askings: Mapping[str, Asking], now: Origin) -> tuple[str, ...]:
    """Return what to say before an index is asked that may not be the right one."""
    names = [name for name, asking in askings.items() if asking.is_guess]
    if not names:
        return ()
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    asked = " ".join(now.words)
    said = f"where {names[0]}{more} came from is not recorded: asking for wheels with {asked}"
    return (said,)


@dataclass(frozen=True, slots=True)
class KeptOrigins:
    """What the log tells about one location."""

    history: History
    location: Location
    now: Origin

    def ask_again(self, name: str, version: str) -> Asking:
        """Return how to ask for a distribution that was there; `name` is normalised.

        Raises `PipguardError` where nobody may be asked.
        """
        words = self.find(name, version)
        if words and words != UNKNOWN:
            return ask_as_before(words, self.now)
        if self._list_seen(name) - {_PUBLIC, self.now.words}:
            raise PipguardError(
                f"where {name} {version} came from is not known, so no index is asked for it",
                f"`pip install {name}=={version} --index-url URL` takes it from the index you name",
            )
        return Asking((("PIP_ONLY_BINARY", ":all:"),), is_guess=True)

    def ask_as_noted(self, name: str, version: str) -> Asking:
        """Return how to ask for it where its origin is noted; as pip is configured where not."""
        words = self.find(name, version)
        return ask_as_before(words, self.now) if words and words != UNKNOWN else Asking()

    def find(self, name: str, version: str) -> tuple[str, ...]:
        """Return the origin of the last install of that version; empty without a note of it."""
        for entry in reversed(self.history.entries):
            if not entry.undoes and entry.route != "rescue":
                for change in entry.changes:
                    is_it = change.location == self.location and change.name == name
                    if is_it and change.after and change.after.version == version:
                        return entry.origin
        return self._read_beside(name).get(name, {}).get(version, ())

    def _list_seen(self, name: str) -> set[tuple[str, ...]]:
        """Return every origin that the location (in pipx, the application) was filled from."""
        noted = self._read_beside(name).values()
        beside = {words for versions in noted for words in versions.values()}
        logged = {e.origin for e in self.history.entries if e.origin and self._concerns(e, name)}
        return logged | beside

    def _read_beside(self, name: str) -> Origins:
        environment = self.location.locate_environment(name)
        return read_origins(environment) if environment else {}

    def _concerns(self, entry: Entry, name: str) -> bool:
        changes = [c for c in entry.changes if c.location == self.location and c.after]
        return any(self.location.kind != "pipx" or change.name == name for change in changes)
