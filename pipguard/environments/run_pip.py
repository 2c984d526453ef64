"""Runs a pip from outside in a new environment, as if it were the environment's own.

In: the folder that holds that pip, pip's own words; in PIPGUARD_GATE the descriptor that tells when
the environment is whole. Out: what pip does, with its exit status. What pip imports is read while
virtualenv is still at work. What pip would compile one file after the other is compiled by two
processes at its end; RECORD lists it in the same way (pip 23.0 to 26.3). Runs as a script of its
own, by the environment's interpreter; imports nothing but the standard library.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

RUN_PIP = os.path.abspath(__file__)
GATE = "PIPGUARD_GATE"
SAME, OTHER = b"+", b"-"
"""What is said at the gate: this pip is the environment's to the last byte, or it is not."""
_MANY_FILES = 50
_NEEDED = (
    "pip._internal.cli.main", "pip._internal.cli.main_parser", "pip._internal.commands.install",
    "compileall", "csv", "importlib.util", "warnings",
)  # fmt: skip


def main(folder: str, words: list[str]) -> int:
    """Run pip as soon as its environment is whole; return the exit status."""
    import importlib

    sys.path.insert(0, folder)
    sys.argv[:] = [os.path.join(folder, "pip", "__main__.py"), *words]
    is_loaded = _load()
    said = _wait_at_gate()
    if not said:
        return 1  # who made the environment has failed, and says why
    if said == OTHER or not is_loaded:
        isolation = "-I" if sys.flags.isolated else "-P"
        os.execv(sys.executable, [sys.executable, isolation, "-m", "pip", *words])
    importlib.invalidate_caches()
    return _run(words)


def _load() -> bool:
    """Import what takes time, and what pip 26.3 no longer lets anybody import at its end."""
    import gc
    from importlib import import_module

    gc.disable()
    try:
        for name in _NEEDED:
            import_module(name)
    except ImportError:  # a cleaner of caches was there
        return False
    finally:
        # Collections would look at all these objects again and again, and find nothing.
        gc.freeze()
        gc.enable()
    return True


def _wait_at_gate() -> bytes:
    descriptor = os.environ.pop(GATE, "")
    return os.read(int(descriptor), 1) if descriptor else SAME


def _run(words: list[str]) -> int:
    pip = sys.modules["pip._internal.cli.main"]
    run = getattr(pip, "cli", pip.main)  # what `python -m pip` calls, which is `main` before 26.3
    quick = _leave_compiling(words)
    if not quick:
        return int(run(words) or 0)
    before = dict(_list_records())
    status = int(run(quick) or 0)
    if status == 0:
        _compile_records([path for path, time in _list_records() if before.get(path) != time])
    return status


def _leave_compiling(words: list[str]) -> list[str]:
    """Return the words with which pip compiles nothing; none where it would not do so anyway.

    pip itself is asked, so that its configuration files and variables count.
    """
    parse_command = sys.modules["pip._internal.cli.main_parser"].parse_command
    create_command = sys.modules["pip._internal.commands"].create_command
    if words[:1] != ["install"]:
        return []
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        standard_error, sys.stderr = sys.stderr, nowhere
        try:
            name, rest = parse_command(words)
            options, _ = create_command(name).parse_args(rest)
        except (Exception, SystemExit):  # it will say so itself
            return []
        finally:
            sys.stderr = standard_error
    elsewhere = (options.target_dir, options.root_path, options.prefix_path)
    return [name, "--no-compile", *rest] if options.compile and not any(elsewhere) else []


def _list_records() -> Iterator[tuple[str, int]]:
    """Yield each distribution's RECORD in this environment, with the time of its last change."""
    for site in sys.path:
        if not site.startswith(sys.prefix) or not os.path.isdir(site):
            continue
        for name in os.listdir(site):
            path = os.path.join(site, name, "RECORD")
            if name.endswith(".dist-info") and os.path.isfile(path):
                yield path, os.stat(path).st_mtime_ns


def _compile_records(records: list[str]) -> None:
    sources = {record: list(_list_sources(record)) for record in records}
    files = [file for found in sources.values() for _, file in found]
    if len(files) < _MANY_FILES or not hasattr(os, "fork"):
        _compile(files)
    else:
        child = os.fork()
        if not child:
            try:
                _compile(files[1::2])
            finally:
                os._exit(0)
        _compile(files[::2])
        os.waitpid(child, 0)
    for record, found in sources.items():
        _add_to_record(record, found)


def _list_sources(record: str) -> Iterator[tuple[str, str]]:
    """Yield each module that a RECORD lists: as it stands there, and its path."""
    import csv

    site = os.path.dirname(os.path.dirname(record))
    with open(record, newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            path = os.path.join(site, row[0])
            if path.endswith(".py") and os.path.isfile(path):
                yield row[0], path


def _compile(files: list[str]) -> None:
    import compileall
    import warnings

    warnings.simplefilter("ignore")
    for file in files:
        compileall.compile_file(file, force=True, quiet=2)


def _add_to_record(record: str, sources: list[tuple[str, str]]) -> None:
    """List the compiled modules that are there, as pip does: without hash and size, sorted."""
    import csv
    import importlib.util

    made = {
        importlib.util.cache_from_source(name).replace(os.sep, "/")
        for name, path in sources
        if os.path.exists(importlib.util.cache_from_source(path))
    }
    with open(record, newline="", encoding="utf-8") as file:
        rows = [tuple(row) for row in csv.reader(file)]
    rows += [(name, "", "") for name in made]
    draft = f"{record}.{os.getpid()}"
    try:
        with open(draft, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(sorted(rows))
        os.replace(draft, record)
    except OSError:  # a full disk: pip finds compiled modules when it uninstalls, listed or not
        os.unlink(draft)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit(130)
