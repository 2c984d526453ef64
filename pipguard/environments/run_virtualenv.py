"""Runs virtualenv, and says when the interpreter of the new environment works.

In: virtualenv's own words; without any, they come on stdin later, as JSON, with variables to set,
or not at all. Out: the environment, and a byte on stdout before pip is written into it, which takes
half of the time. Runs as a script of its own, because it is a step of a plan.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from virtualenv.create.creator import Creator

RUN_VIRTUALENV = os.path.abspath(__file__)


def main(words: list[str]) -> int:
    """Do what `python -m virtualenv` does with these words; return the exit status."""
    import virtualenv.run  # noqa: F401 - most of the time goes into this
    from virtualenv import session_via_cli

    if not words:
        words, variables = json.loads(sys.stdin.readline() or "[[], {}]")
        os.environ.update(variables)
        # Who gave the words holds the lock on the place; nobody else may meet us there.
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    if not words:
        return 0
    try:
        with session_via_cli(words) as session:
            seed = session.seeder.run

            def announce_and_seed(creator: Creator) -> None:
                os.write(1, b"+")
                seed(creator)

            session.seeder.run = announce_and_seed  # type: ignore[method-assign]
            session.run()
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


def _end_with_stdin() -> None:
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    gc.disable()  # it would look at every module that is imported, for nothing
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
