"""Finds which modules a project's own Python files import.

In: the project's root folder, names of distributions and the modules of each. Out: the names of
which a module is imported, each with the file. Reads `*.py`, notebooks, and scripts that name a
Python in their first line, a bounded number of them; not in environments, hidden, foreign or
generated folders. A file that cannot be parsed is read line by line. Nothing is run.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence

from pipguard.system.frozen import dataclass
from pipguard.system.texts import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast

_MOST_FILES = 300
_MOST_ENTRIES = 3000
"""Names that are looked at; a folder of 50,000 files costs milliseconds."""
_MOST_CHARACTERS = 4_000_000
_MOST_LEVELS = 4
_LONGEST_CODE = 256 * 1024  # a megabyte of Python takes two seconds to parse
_IMPORTERS = {"__import__", "import_module", "importorskip"}
"""Functions that import the module which their first argument names (importlib's, pytest's)."""
_NOT_ITS_CODE = {"node_modules", "site-packages", "dist-packages", "build", "dist"}


def find_importing_files(root: str | None, modules: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return each name of which a module is imported, and the first file that does so.

    A module that lies beside the code itself (`requests.py`) is not imported from outside.
    """
    found: dict[str, str] = {}
    left = _MOST_CHARACTERS
    for path in _list_files(root) if root and modules else ():
        text = read_text(path) or ""
        left -= len(text)
        if left < 0 or len(found) == len(modules):
            break
        missing = {n: wanted for n, wanted in modules.items() if n not in found}
        last_parts = {m.rpartition(".")[2] for wanted in missing.values() for m in wanted}
        if not any(part in text for part in last_parts):
            continue
        imported = {m for m in _list_imports(path, text) if not _is_local(m, path, root or "")}
        names = [name for name, wanted in missing.items() if imported.intersection(wanted)]
        found.update(dict.fromkeys(names, os.path.relpath(path, root)))
    return found


def scan_imported_names(root: str) -> set[str]:
    """Return the top-level names that lines of the project's code may import.

    Quick and generous: a line of a text may look like an import. `find_importing_files` is sure.
    """
    found: set[str] = set()
    left = _MOST_CHARACTERS
    for path in _list_files(root):
        text = read_text(path) or ""
        left -= len(text)
        if left < 0:
            break
        lines = _read_notebook(text) if path.endswith(".ipynb") else text
        found.update(name.partition(".")[0] for name in _scan_lines(lines))
    return found


def _is_local(module: str, path: str, root: str) -> bool:
    top = module.partition(".")[0]
    places = (os.path.join(folder, top) for folder in {os.path.dirname(path), root})
    return any(os.path.isfile(f"{place}.py") or os.path.isdir(place) for place in places)


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    level: int


def _list_files(root: str) -> Iterator[str]:
    """Yield the files that may be Python's, those of the root first."""
    entries = files = 0
    waiting = [_Folder(root, 0)]
    while waiting:
        folder = waiting.pop(0)
        for entry in _scan(folder.path):
            entries += 1
            if entries > _MOST_ENTRIES or files >= _MOST_FILES:
                return
            if entry.is_dir(follow_symlinks=False):
                if folder.level < _MOST_LEVELS and _is_its_code(entry):
                    waiting.append(_Folder(entry.path, folder.level + 1))
            elif _may_be_code(entry):
                files += 1
                yield entry.path


def _scan(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name[0] != ".":
                    yield entry
    except OSError:
        return


def _is_its_code(folder: os.DirEntry[str]) -> bool:
    if folder.name in _NOT_ITS_CODE or folder.name.startswith("__"):
        return False
    is_environment = os.path.exists(os.path.join(folder.path, "pyvenv.cfg"))
    try:
        is_own = not hasattr(os, "geteuid") or folder.stat().st_uid in (os.geteuid(), 0)
    except OSError:
        return False
    return is_own and not is_environment


def _may_be_code(file: os.DirEntry[str]) -> bool:
    if file.name.endswith((".py", ".pyw", ".ipynb")):
        return True
    if "." in file.name:
        return False
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return False
        with open(file.path, "rb") as opened:
            first = opened.read(128).partition(b"\n")[0]
    except OSError:
        return False
    return first.startswith(b"#!") and b"python" in first


def _list_imports(path: str, text: str) -> set[str]:
    """Return the dotted names of all modules that a file imports, with all beginnings of them."""
    if path.endswith(".ipynb"):
        text = _read_notebook(text)
    try:
        names = set(_walk_imports(_parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        names = set(_scan_lines(text))
    parts = [name.split(".") for name in names]
    return {".".join(words[:count]) for words in parts for count in range(1, len(words) + 1)}


def _parse(text: str) -> ast.Module:
    import ast
    import warnings

    if len(text) > _LONGEST_CODE:
        raise ValueError("too long to parse")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes in the user's strings
        return ast.parse(text)


def _walk_imports(tree: ast.Module) -> Iterator[str]:
    import ast

    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and _name_function(node) in _IMPORTERS:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def _name_function(call: ast.Call) -> str:
    """Return the last part of a called function's name."""
    function: object = call.func
    return str(getattr(function, "attr", "") or getattr(function, "id", ""))


def _scan_lines(text: str) -> Iterator[str]:
    """Read imports off the lines: code of Python 2, of a template, or too much of it."""
    for line in text.splitlines():
        words = line.replace(",", " ").split()
        if words[:1] == ["import"]:
            yield from (word for word in words[1:] if word != "as")
        elif words[:1] == ["from"] and words[2:3] == ["import"] and words[1][0] != ".":
            yield words[1]


def _read_notebook(text: str) -> str:
    """Return a notebook's code (nbformat 3 and 4) without the lines that are the notebook's own."""
    import json

    try:
        document = json.loads(text)
        sheets = document.get("worksheets") or [document]
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        codes = [cell.get("source", cell.get("input", "")) for cell in cells
                 if cell["cell_type"] == "code"]  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    lines = "\n".join("".join(code) for code in codes).splitlines()
    return "\n".join(line for line in lines if line.lstrip()[:1] not in {"%", "!", "?"})
