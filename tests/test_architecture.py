"""The layout of the package: what stands where, who may import whom, and what stays light.

Prints the map when it fails.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pipguard"

# From bottom to top: a module imports what stands before it, never what stands behind it. A name
# is a folder or a module of the top level, which holds the path of one command and nothing else.
ORDER = (
    "system", "errors", "caller", "knowledge", "settings", "pip", "environments", "forward",
    "classification", "package_managers", "discover", "plan", "route", "execute", "plans",
    "history", "prepare", "decide", "recover", "shells", "follow", "watch", "override", "report",
    "console", "summary", "commands", "pipeline", "cli", "__main__",
)  # fmt: skip
FOLDERS = {
    "system", "knowledge", "pip", "environments", "classification", "package_managers", "plans",
    "history", "shells", "commands",
}  # fmt: skip

# A name ending in a dot stands for the folder.
PURE = (
    "pip.command_line", "pip.options", "pip.refusal", "classification.rules",
    "classification.signals", "route", "plan", "plans.", "report", "package_managers.types",
    "package_managers.apt", "package_managers.dnf", "package_managers.zypper",
    "package_managers.pacman", "package_managers.apk", "package_managers.brew",
)  # fmt: skip

# Each is run as a program of its own, most by another interpreter.
PROGRAMS = {
    "classification.probe", "environments.opening", "environments.run_pip",
    "environments.run_virtualenv", "environments.uninject",
}  # fmt: skip

STARTERS = {"subprocess", "signal", "pty", "multiprocessing", "concurrent", "asyncio"}
STARTING = ("os.exec", "os.fork", "os.spawn", "os.posix_spawn", "os.system", "os.popen", "os.kill")
WORLD = {"sys.argv", "os.environ", "os.environb", "os.getenv", "os.getcwd", "os.getcwdb"}
HEAVY = {
    "argparse", "dataclasses", "importlib.metadata", "logging", "packaging", "pipx",
    "platformdirs", "subprocess", "virtualenv",
}  # fmt: skip

# Of `os`, a pure module takes what computes with paths; of one that looks, its types, and these.
COMPUTING = {
    "os.devnull", "os.fsdecode", "os.fsencode", "os.name", "os.pathsep", "os.sep",
    "os.path.basename", "os.path.dirname", "os.path.isabs", "os.path.join", "os.path.normpath",
}  # fmt: skip
LOOKING = {"glob", "io", "pathlib", "shutil", "socket", "tempfile", "time", "urllib"} | STARTERS
COMPUTING_FUNCTIONS = {
    "build_isolated_command", "dataclass", "draft_of", "drop_relative_entries", "field",
    "group_by_asking", "interpreter_path", "mask_secrets", "parse_boolean", "parse_requirement",
    "quote_word", "replace", "strip_secrets",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Module:
    """A file of the package, read."""

    name: str
    """Dotted, inside the package; a folder's own file has the folder's name."""
    tree: ast.Module

    @property
    def part(self) -> str:
        """The folder or the module of the top level that it belongs to."""
        return self.name.partition(".")[0]

    @property
    def is_pure(self) -> bool:
        """Whether it only computes."""
        return self.name in PURE or f"{self.part}." in PURE

    def imports(self) -> Iterator[tuple[str, str]]:
        """Every module that is imported anywhere in the file, and the name taken from it."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, "") for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((node.module or "", alias.name) for alias in node.names)

    def own_imports(self) -> Iterator[tuple[str, str]]:
        """Those of our own modules, by their names inside the package."""
        for module, name in self.imports():
            if module == "pipguard":
                yield name, ""
            elif module.startswith("pipguard."):
                yield module.removeprefix("pipguard."), name

    def attributes(self) -> Iterator[str]:
        """Every dotted name in the code, such as `os.path.join`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute):
                yield ast.unparse(node)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def first_sentence(self) -> str:
        """The first line of its docstring."""
        return (ast.get_docstring(self.tree) or "").partition("\n")[0]


def read_module(path: Path) -> Module:
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return Module(".".join(parts), ast.parse(path.read_text(encoding="utf-8")))


@cache
def read_package() -> tuple[Module, ...]:
    return tuple(read_module(path) for path in sorted(PACKAGE.rglob("*.py")))


def find(name: str) -> Module:
    return next(module for module in read_package() if module.name == name)


@pytest.fixture(autouse=True)
def print_map(request: pytest.FixtureRequest) -> None:
    """Print the layout; pytest shows it where a test fails."""
    sentences = {module.name: module.first_sentence() for module in read_package()}
    print("from bottom to top:")
    for name in ORDER:
        print(f"  {name + ('/' if name in FOLDERS else ''):20}{sentences.get(name, '')}")


# What stands where


def test_the_top_level_is_the_path_of_one_command() -> None:
    parts = {module.part for module in read_package()} - {""}
    assert parts == set(ORDER)
    assert {part for part in parts if (PACKAGE / part).is_dir()} == FOLDERS
    names = {module.name for module in read_package()}
    assert {name for name in PURE if not name.endswith(".")} | PROGRAMS <= names


def test_no_module_knows_what_stands_above_it() -> None:
    wrong = [
        f"{module.name} imports {other}"
        for module in read_package()
        for other, _ in module.own_imports()
        if module.part and ORDER.index(other.partition(".")[0]) > ORDER.index(module.part)
    ]
    assert wrong == []


def test_no_import_goes_in_a_circle() -> None:
    names = {module.name for module in read_package()}
    needed: dict[str, set[str]] = {}
    for module in read_package():
        needed[module.name] = {
            f"{other}.{name}" if f"{other}.{name}" in names else other
            for other, name in module.own_imports()
        } & (names - {module.name})
    while free := [name for name, others in needed.items() if not others & needed.keys()]:
        for name in free:
            del needed[name]
    assert needed == {}


def test_no_module_is_a_drawer_for_everything() -> None:
    names = {part for module in read_package() for part in module.name.split(".")}
    assert names & {"utils", "util", "helpers", "helper", "common", "manager", "misc"} == set()


# Who may do what


def test_one_module_starts_processes_and_handles_signals() -> None:
    users = {
        module.name
        for module in read_package()
        if any(name.partition(".")[0] in STARTERS for name, _ in module.imports())
        or any(name.startswith(STARTING) for name in module.attributes())
    }
    # One program of its own divides its work between two processors.
    assert users == {"system.processes", "environments.run_pip"}


def test_only_the_entry_point_reads_where_we_are_and_what_was_typed() -> None:
    readers = {
        f"{module.name}: {name}"
        for module in read_package()
        if module.name not in {"cli", *PROGRAMS}
        for name in (*module.attributes(), *(f"{m}.{n}" for m, n in module.imports()))
        if name in WORLD
    }
    assert readers == set()
    assert {"sys.argv", "os.environ"} <= set(find("cli").attributes())


def list_pure_modules() -> list[str]:
    return [module.name for module in read_package() if module.is_pure]


@pytest.mark.parametrize("name", list_pure_modules())
def test_pure_modules_only_compute(name: str) -> None:
    module = find(name)
    used = {used for used in module.attributes() if used.startswith("os.")}
    methods = tuple(f"{known}." for known in COMPUTING)
    assert {name for name in used - COMPUTING if not name.startswith(methods)} <= {"os.path"}
    assert {top.partition(".")[0] for top, _ in module.imports()} & LOOKING == set()
    calls = {ast.unparse(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call)}
    assert calls & {"open", "print", "input", "exec", "eval", "__import__"} == set()


@pytest.mark.parametrize("name", list_pure_modules())
def test_pure_modules_take_only_types_from_modules_that_look(name: str) -> None:
    taken = {
        name
        for other, name in find(name).own_imports()
        if not find(other).is_pure and other.partition(".")[0] != "knowledge"
    }
    assert {name for name in taken if name.islower()} <= COMPUTING_FUNCTIONS


# What it costs, and how it reads


def test_starting_up_is_light() -> None:
    question = (
        "import os, sys; before = set(sys.modules); sys.path.insert(0, sys.argv[1]);"
        "import pipguard.cli; print(*sorted(set(sys.modules) - before))"
    )
    command = [sys.executable, "-I", "-S", "-c", question, str(PACKAGE.parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "pipguard.cli" in loaded
    assert loaded & HEAVY == set()
    # What is not ours has to be there already: it would be paid for by every pip command.
    assert {name for name in loaded if not name.startswith("pipguard")} <= {"__future__", "stat"}


def test_every_module_says_in_one_line_what_it_is() -> None:
    sentences = {module.name: module.first_sentence() for module in read_package()}
    assert [name for name, sentence in sentences.items() if not sentence.endswith((".", ":"))] == []


def test_no_function_is_long_or_takes_a_handful_too_many() -> None:
    wrong = []
    for module in read_package():
        for function in module.functions():
            lines = (function.end_lineno or 0) - function.lineno + 1
            parameters = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
            count = len([p for p in parameters if p.arg not in {"self", "cls"}])
            if lines > 40 or count > 5:
                wrong.append(f"{module.name}.{function.name}: {lines} lines, {count} parameters")
    assert wrong == []
