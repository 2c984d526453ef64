"""pip is compiled once for all environments, before anything strange can be in one of them."""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipguard.environments.bytecode import provide_bytecode

MakeEnvironment = Callable[[], Path]


def compiled_in(environment: Path) -> list[Path]:
    return list(environment.glob("lib/*/site-packages/pip/**/*.pyc"))


def provide(environment: Path, cache: Path) -> None:
    provide_bytecode(str(environment), str(cache), os.environ)


@pytest.fixture
def make_environment(tmp_path: Path) -> MakeEnvironment:
    """Let virtualenv make one environment after the other; return the folder."""

    def make() -> Path:
        folder = tmp_path / f"environment-{len(list(tmp_path.iterdir()))}"
        words = ("-I", "-m", "virtualenv", "--quiet", "--no-periodic-update", str(folder))
        subprocess.run([sys.executable, *words], check=True)
        return folder

    return make


@pytest.fixture(scope="module")
def filled_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the compiled pip of a first environment."""
    base = tmp_path_factory.mktemp("first")
    words = ("-I", "-m", "virtualenv", "--quiet", "--no-periodic-update", str(base / "it"))
    subprocess.run([sys.executable, *words], check=True)
    provide(base / "it", base / "cache")
    assert len(compiled_in(base / "it")) > 100
    return base / "cache"


@pytest.fixture
def cache(filled_cache: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoiled."""
    (kept,) = filled_cache.iterdir()
    copy = tmp_path / "cache"
    copy.mkdir(mode=0o700)
    (copy / kept.name).write_bytes(kept.read_bytes())
    (copy / kept.name).chmod(0o600)
    return copy


def test_python_takes_what_is_lent_for_its_own(
    cache: Path, make_environment: MakeEnvironment
) -> None:
    environment = make_environment()
    (source,) = environment.glob("lib/*/site-packages/pip/__init__.py")
    os.utime(source, (1_000_000_000, 1_000_000_000))
    provide(environment, cache)
    (path,) = (p for p in compiled_in(environment) if p.parent.parent == source.parent
               and p.name.startswith("__init__."))  # fmt: skip
    before = path.stat().st_mtime_ns

    words = [str(environment / "bin/python"), "-I", "-v", "-c", "import pip; print(pip.__file__)"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)

    assert done.stdout.split() == [str(source)]
    assert f"{path} matches" in done.stderr
    assert path.stat().st_mtime_ns == before


def test_another_source_of_the_same_size_gets_nothing(
    cache: Path, make_environment: MakeEnvironment
) -> None:
    environment = make_environment()
    (source,) = environment.glob("lib/*/site-packages/pip/_internal/cli/main.py")
    source.write_text(source.read_text().replace("e", "a"))
    provide(environment, cache)
    assert compiled_in(environment)
    assert not list(source.parent.glob("__pycache__/main.*"))


def test_the_cache_is_filled_without_asking_an_index(
    make_environment: MakeEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_REQUIREMENT", "/dev/null/none")
    provide(make_environment(), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir())


def test_nothing_is_written_outside_of_pip(cache: Path, make_environment: MakeEnvironment) -> None:
    environment = make_environment()
    (kept,) = cache.iterdir()
    one = next(iter(marshal.loads(kept.read_bytes()).values()))
    evil = ["../__pycache__/x.cpython-311.pyc", "/tmp/__pycache__/x.pyc", "inside/__init__.pyc"]
    kept.write_bytes(marshal.dumps(dict.fromkeys(evil, one)))
    before = sorted(environment.rglob("*"))
    provide(environment, cache)
    assert sorted(environment.rglob("*")) == before


@pytest.mark.parametrize(
    "content", [b"", b"noise", marshal.dumps([1]), marshal.dumps({"a/__pycache__/b.pyc": b"c"})]
)
def test_a_damaged_cache_is_none(
    cache: Path, make_environment: MakeEnvironment, content: bytes
) -> None:
    environment = make_environment()
    (kept,) = cache.iterdir()
    kept.write_bytes(content)
    provide(environment, cache)
    assert compiled_in(environment) == []


def test_what_others_may_write_to_is_not_lent(
    cache: Path, make_environment: MakeEnvironment
) -> None:
    environment = make_environment()
    (kept,) = cache.iterdir()
    kept.chmod(0o622)
    provide(environment, cache)
    assert compiled_in(environment) == []


def test_a_cache_that_cannot_be_written_is_no_failure(make_environment: MakeEnvironment) -> None:
    environment = make_environment()
    provide(environment, Path("/dev/null/cache"))
    assert compiled_in(environment)
