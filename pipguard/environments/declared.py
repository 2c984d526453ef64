"""Finds which distributions a project's own files declare as requirements.

In: the project's root folder, some names. Out: the names among them that are declared, each with
its file. Reads pyproject.toml, Pipfile, setup.cfg, setup.py and the requirements files; never one
that is no regular file, never more than a megabyte of one, and parses only a text that holds a
name. A file that cannot be read or parsed declares nothing: pip says so itself when it matters.
Never runs setup.py, where only literals count; never follows `-r` out of the folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping

from pipguard.knowledge import normalise_name, read_requirement_name
from pipguard.system.folders import list_readable_names
from pipguard.system.texts import read_text
from pipguard.system.toml import parse_toml

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast

_LONGEST_CODE = 128 * 1024  # a megabyte of Python takes two seconds to parse
_MOST_FILES = 40
_OF_NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
_NOT_CATEGORIES = {"source", "requires", "scripts", "pipenv"}


def find_declared_names(root: str | None, wanted: Iterable[str]) -> dict[str, str]:
    """Return the normalised names among `wanted` that are declared, and each one's file."""
    missing = set(wanted)
    found: dict[str, str] = {}
    for file in _list_files(root) if root and missing else ():
        text = read_text(os.path.join(root or "", file)) or ""
        unified = _unify(text)
        if any(name in unified for name in missing):
            names = missing.intersection(_list_names(file, text))
            found.update(dict.fromkeys(names, file))
            missing -= names
    return found


def _list_files(root: str) -> list[str]:
    """Return the files that may name requirements, relative to the root."""
    lists = [name for name in list_readable_names(root) if _is_requirements_file(name)]
    inside = [
        name for name in list_readable_names(os.path.join(root, "requirements")) if _is_text(name)
    ]
    lists += (os.path.join("requirements", name) for name in inside)
    return ["pyproject.toml", "Pipfile", "setup.cfg", "setup.py", *lists[:_MOST_FILES]]


def _is_requirements_file(name: str) -> bool:
    return "requirements" in name and _is_text(name)


def _is_text(name: str) -> bool:
    return name.endswith((".txt", ".in"))


def _unify(text: str) -> str:
    """Return the text with every spelling of a name made the normalised one."""
    unified = text.lower().replace("_", "-").replace(".", "-")
    while "--" in unified:
        unified = unified.replace("--", "-")
    return unified


def _list_names(file: str, text: str) -> set[str]:
    """Return every name that a file declares; a text that cannot be parsed declares none."""
    readers: dict[str, Callable[[str], Iterator[str]]] = {
        "pyproject.toml": _read_pyproject,
        "Pipfile": _read_pipfile,
        "setup.cfg": _read_setup_cfg,
        "setup.py": _read_setup_py,
    }
    try:
        return set(readers.get(file, _read_lines)(text))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return set()


def _read_lines(text: str) -> Iterator[str]:
    """Read a requirements file: an option is no requirement, and neither is an address."""
    for line in text.splitlines():
        requirement = line.partition("#")[0].strip()
        if requirement and not requirement.startswith("-"):
            yield from _read_requirement(requirement)


def _read_requirement(requirement: str) -> Iterator[str]:
    after = requirement.lstrip(_OF_NAMES).rstrip("\\")
    if after[:1] not in {":", "/", "\\", "+"}:
        yield read_requirement_name(requirement)


def _read_setup_cfg(text: str) -> Iterator[str]:
    import configparser

    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for section in parser.sections():
        for key, value in parser.items(section):
            is_extra = section == "options.extras_require"
            if is_extra or (section == "options" and key.endswith(("_require", "_requires"))):
                yield from _read_lines(value or "")


def _read_setup_py(text: str) -> Iterator[str]:
    """Read the lists that are passed to `setup()`, directly or by a name of the module."""
    import ast
    import warnings

    if len(text) > _LONGEST_CODE:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes in the user's strings
        tree = ast.parse(text)
    values: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            values.update((t.id, node.value) for t in node.targets if isinstance(t, ast.Name))
        for keyword in node.keywords if isinstance(node, ast.Call) else ():
            if (keyword.arg or "").endswith(("_require", "_requires")):
                given = keyword.value
                given = values.get(given.id, given) if isinstance(given, ast.Name) else given
                yield from _list_strings(given)


def _list_strings(given: ast.expr) -> Iterator[str]:
    """Read every requirement in a literal; extras map names to lists."""
    import ast

    values = given.values if isinstance(given, ast.Dict) else [given]
    for node in (node for value in values for node in ast.walk(value)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _read_lines(node.value)


def _read_pipfile(text: str) -> Iterator[str]:
    for category, table in parse_toml(text).items():
        if category not in _NOT_CATEGORIES and isinstance(table, dict):
            yield from map(normalise_name, table)


def _read_pyproject(text: str) -> Iterator[str]:
    """Read every table or list called something-dependencies, whichever tool it is for."""
    return _find_dependencies(parse_toml(text))


def _find_dependencies(table: Mapping[str, object]) -> Iterator[str]:
    for key, value in table.items():
        if key.endswith("dependencies") or key == "dependency-groups":
            yield from _read_dependencies(value)
        elif isinstance(value, dict):
            yield from _find_dependencies(value)


def _read_dependencies(value: object) -> Iterator[str]:
    """Read a list of requirements, groups of them, or a table whose keys are the names."""
    if isinstance(value, list):
        for item in value:
            if isinstance(item, str):
                yield from _read_requirement(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            # Poetry lists several tables for one name; a group may include others by a table.
            is_group = isinstance(item, list) and not all(isinstance(i, dict) for i in item)
            yield from _read_dependencies(item) if is_group else (normalise_name(key),)
