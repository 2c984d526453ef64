"""pip is compiled once for all environments, and only what belongs to its sources is lent."""

from __future__ import annotations

import marshal
import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest

from pipguard.environments.bytecode import place_bytecode, save_bytecode

PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"


def make_environment(folder: Path, text: str = "answer = 42\n", version: str = "9.0") -> Path:
    """Lay an environment with a small pip; return pip's folder."""
    site = folder / "lib" / PYTHON / "site-packages"
    package = site / "pip" / "inside"
    package.mkdir(parents=True)
    (site / f"pip-{version}.dist-info").mkdir()
    (package / "__init__.py").write_text(text)
    return package


def compiled_in(package: Path) -> list[Path]:
    return list(package.rglob("*.pyc"))


@pytest.fixture
def cache(tmp_path: Path) -> str:
    """A cache that holds the compiled pip of a first environment."""
    package = make_environment(tmp_path / "first")
    py_compile.compile(str(package / "__init__.py"), doraise=True)
    save_bytecode(str(tmp_path / "first"), str(tmp_path / "cache"))
    return str(tmp_path / "cache")


def test_python_takes_what_is_lent_for_its_own(cache: str, tmp_path: Path) -> None:
    package = make_environment(tmp_path / "second")
    os.utime(package / "__init__.py", (1_000_000_000, 1_000_000_000))
    place_bytecode(str(tmp_path / "second"), cache)
    (path,) = compiled_in(package)
    before = path.stat().st_mtime_ns

    code = "import pip.inside; print(pip.inside.answer, pip.inside.__file__)"
    command = [sys.executable, "-v", "-S", "-c", code]
    environ = {"PYTHONPATH": str(package.parent.parent)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["42", str(package / "__init__.py")]
    assert f"{path} matches" in done.stderr
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("text", "version"), [("answer = 1234\n", "9.0"), ("answer = 42\n", "9.1")]
)
def test_another_pip_gets_nothing(cache: str, tmp_path: Path, text: str, version: str) -> None:
    package = make_environment(tmp_path / "second", text, version)
    place_bytecode(str(tmp_path / "second"), cache)
    assert compiled_in(package) == []


def test_nothing_is_written_outside_of_pip(cache: str, tmp_path: Path) -> None:
    package = make_environment(tmp_path / "second")
    (kept,) = Path(cache).iterdir()
    content = marshal.loads(kept.read_bytes())
    (data,) = content.values()
    evil = ["../__pycache__/x.cpython-311.pyc", "/tmp/__pycache__/x.pyc", "inside/__init__.pyc"]
    kept.write_bytes(marshal.dumps(dict.fromkeys(evil, data)))
    place_bytecode(str(tmp_path / "second"), cache)
    assert compiled_in(tmp_path / "second") == []
    assert list(package.iterdir()) == [package / "__init__.py"]


@pytest.mark.parametrize("content", [b"", b"noise", marshal.dumps([1]), marshal.dumps({1: 2})])
def test_a_damaged_cache_is_none(cache: str, tmp_path: Path, content: bytes) -> None:
    package = make_environment(tmp_path / "second")
    (kept,) = Path(cache).iterdir()
    kept.write_bytes(content)
    place_bytecode(str(tmp_path / "second"), cache)
    assert compiled_in(package) == []


def test_what_others_may_write_to_is_not_lent(cache: str, tmp_path: Path) -> None:
    package = make_environment(tmp_path / "second")
    (kept,) = Path(cache).iterdir()
    kept.chmod(0o622)
    place_bytecode(str(tmp_path / "second"), cache)
    assert compiled_in(package) == []


def test_without_a_cache_nothing_happens(tmp_path: Path) -> None:
    package = make_environment(tmp_path / "first")
    for folder in ("", "/dev/null/cache"):
        save_bytecode(str(tmp_path / "first"), folder)
        place_bytecode(str(tmp_path / "first"), folder)
    assert compiled_in(package) == []
