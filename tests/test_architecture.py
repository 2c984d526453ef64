"""The house: the corridor has one direction, and each duty one room (a newcomer's map, held)."""

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

# A command walks from left to right, and imports only look left. The refusal stands before the
# pip that is forwarded, because it recognises while that one still runs. Whatever is not named
# here is a cupboard: the rooms open it, and it knows none of them.
CORRIDOR = (
    "parse", "refusal", "causes", "forward", "discover", "whereabouts", "signs", "classify",
    "judge",
    "route", "route_system", "plans", "offers", "decide", "follow", "making", "execute",
    "record", "shell_note", "hiding", "overriding", "checkups", "rescue", "report", "voice",
    "walk", "guard", "cli", "__main__",
)  # fmt: skip
PURE = ("parse", "refusal", "signs", "classify", "route", "plans", "report")

# It is run by the real pip's interpreter, as a program of its own.
PROGRAM = "metadata_probe"

STARTERS = {"subprocess", "signal", "pty", "multiprocessing", "concurrent", "asyncio"}
STARTING = ("os.exec", "os.fork", "os.spawn", "os.posix_spawn", "os.system", "os.popen", "os.kill")
DOOR = {"sys.argv", "os.environ", "os.environb", "os.getenv", "os.getcwd", "os.getcwdb"}
HEAVY = {
    "argparse", "dataclasses", "importlib.metadata", "logging", "packaging", "pipx",
    "platformdirs", "subprocess", "virtualenv",
}  # fmt: skip

# Of `os`, a pure room takes what computes with paths; of a room that looks, its types, and these.
COMPUTING = {
    "os.devnull", "os.fsdecode", "os.fsencode", "os.name", "os.pathsep", "os.sep",
    "os.path.basename", "os.path.dirname", "os.path.isabs", "os.path.join", "os.path.normpath",
}  # fmt: skip
LOOKING = {"glob", "io", "pathlib", "shutil", "socket", "tempfile", "time", "urllib"} | STARTERS
HELPFUL = {"interpreter_path", "parse_requirement", "start_isolated"}


@dataclass(frozen=True, slots=True)
class Module:
    """A file of the package, read."""

    name: str
    """Dotted, inside the package; a folder's own file has the folder's name."""
    tree: ast.Module

    @property
    def room(self) -> str:
        """The part of the house that it belongs to."""
        return self.name.partition(".")[0]

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


def read_module(path: Path) -> Module:
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return Module(".".join(parts), ast.parse(path.read_text(encoding="utf-8")))


@cache
def read_package() -> tuple[Module, ...]:
    return tuple(read_module(path) for path in sorted(PACKAGE.rglob("*.py")))


def test_the_map_is_true() -> None:
    rooms = {module.room for module in read_package()}
    assert set(CORRIDOR) <= rooms
    assert set(PURE) <= set(CORRIDOR)
    assert {module.name for module in read_package()} > {PROGRAM, "process", "plans.venv"}


def test_imports_only_look_left_along_the_corridor() -> None:
    wrong = []
    for module in read_package():
        for other, _ in module.own_imports():
            room = other.partition(".")[0]
            if room not in CORRIDOR or room == module.room:
                continue
            if module.room not in CORRIDOR:
                wrong.append(f"the cupboard {module.name} knows the room {other}")
            elif CORRIDOR.index(room) > CORRIDOR.index(module.room):
                wrong.append(f"{module.name} looks right, to {other}")
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


def test_only_one_room_starts_processes_and_handles_signals() -> None:
    users = {
        module.name
        for module in read_package()
        if any(name.partition(".")[0] in STARTERS for name, _ in module.imports())
        or any(name.startswith(STARTING) for name in module.attributes())
    }
    assert users == {"process"}


def test_only_the_door_reads_where_we_are_and_what_was_typed() -> None:
    readers = {
        f"{module.name}: {name}"
        for module in read_package()
        if module.name not in {"cli", PROGRAM}
        for name in (*module.attributes(), *(f"{m}.{n}" for m, n in module.imports()))
        if name in DOOR
    }
    assert readers == set()
    assert {"sys.argv", "os.environ"} <= set(find("cli").attributes())


def find(name: str) -> Module:
    return next(module for module in read_package() if module.name == name)


def list_pure_modules() -> list[str]:
    return [module.name for module in read_package() if module.room in PURE]


@pytest.mark.parametrize("name", list_pure_modules())
def test_pure_rooms_only_compute(name: str) -> None:
    module = find(name)
    used = {used for used in module.attributes() if used.startswith("os.")}
    methods = tuple(f"{known}." for known in COMPUTING)
    assert {name for name in used - COMPUTING if not name.startswith(methods)} <= {"os.path"}
    assert {top.partition(".")[0] for top, _ in module.imports()} & LOOKING == set()
    calls = {ast.unparse(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call)}
    assert calls & {"open", "print", "input", "exec", "eval", "__import__"} == set()


@pytest.mark.parametrize("name", list_pure_modules())
def test_pure_rooms_take_only_types_from_rooms_that_look(name: str) -> None:
    taken = {
        name
        for other, name in find(name).own_imports()
        if other.partition(".")[0] not in {*PURE, "doors", "knowledge", "pip_options"}
    }
    assert {name for name in taken if name.islower()} <= HELPFUL


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


def test_every_module_says_what_it_is() -> None:
    assert [module.name for module in read_package() if not ast.get_docstring(module.tree)] == []


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


def test_no_room_is_a_drawer_for_everything() -> None:
    names = {part for module in read_package() for part in module.name.split(".")}
    assert names & {"utils", "util", "helpers", "helper", "common", "manager", "misc"} == set()
