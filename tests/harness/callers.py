"""Callers for the rooms that are given one: an ordinary user in a folder, unless said otherwise.

In: a folder, and what is different. Out: a `Caller`. Never reads the real caller's environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pipguard.caller import Caller


def make_caller(directory: Path, home: Path | None = None, **environ: str) -> Caller:
    """A caller in `directory` with these variables and the test's PATH."""
    variables: Mapping[str, str] = {"PATH": os.environ["PATH"], **environ}
    return Caller(
        program="pipguard",
        itself="/own/pipguard",
        python=sys.executable,
        argv=(),
        environ=variables,
        directory=str(directory),
        home=str(home) if home else None,
        user_id=os.geteuid(),
        new_output=None,
        is_terminal=False,
    )


def as_user(caller: Caller, user_id: int | None) -> Caller:
    """The same caller with another number, or none."""
    return replace(caller, user_id=user_id)
