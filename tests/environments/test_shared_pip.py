"""pip is compiled and copied once, before anything strange can be in an environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipguard.environments.shared_pip import locate_shared_pip, share_pip

MakeEnvironment = Callable[[], Path]
VERSION = sys.version_info[:2]


def compiled_in(environment: Path) -> list[Path]:
    return list(environment.glob("lib/*/site-packages/pip/**/*.pyc"))


def environ_with(cache: Path) -> dict[str, str]:
    return {**os.environ, "XDG_CACHE_HOME": str(cache), "PYTHONDONTWRITEBYTECODE": ""}


def share(environment: Path, cache: Path) -> str:
    return share_pip(str(environment), environ_with(cache)).finish()


def locate(cache: Path) -> str:
    return locate_shared_pip(environ_with(cache), VERSION)


def make_virtual(folder: Path) -> Path:
    words = ("-I", "-m", "virtualenv", "--quiet", "--no-periodic-update", str(folder))
    subprocess.run([sys.executable, *words], check=True)
    return folder


@pytest.fixture
def make_environment(tmp_path: Path) -> MakeEnvironment:
    """Let virtualenv make one environment after the other; return the folder."""
    return lambda: make_virtual(tmp_path / f"environment-{len(list(tmp_path.iterdir()))}")


@pytest.fixture(scope="module")
def filled_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the compiled pip of a first environment."""
    base = tmp_path_factory.mktemp("first")
    assert locate(base / "cache") == ""
    assert share(make_virtual(base / "it"), base / "cache") == locate(base / "cache") != ""
    assert len(list(Path(locate(base / "cache")).rglob("*.pyc"))) > 100
    return base / "cache"


@pytest.fixture
def cache(filled_cache: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoiled."""
    return Path(shutil.copytree(filled_cache, tmp_path / "cache"))


def test_python_takes_what_is_lent_for_its_own(
    cache: Path, make_environment: MakeEnvironment
) -> None:
    environment = make_environment()
    (source,) = environment.glob("lib/*/site-packages/pip/__init__.py")
    os.utime(source, (1_000_000_000, 1_000_000_000))
    assert share(environment, cache) == locate(cache)
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
    assert share(environment, cache) == ""
    assert compiled_in(environment) == []


def test_a_copy_that_lost_a_file_is_made_anew(
    cache: Path, make_environment: MakeEnvironment
) -> None:
    Path(locate(cache), "pip/_vendor/certifi/cacert.pem").unlink()
    assert share(make_environment(), cache) == ""
    assert locate(cache) == ""
    assert share(make_environment(), cache) == locate(cache) != ""


def test_the_copy_is_made_without_asking_an_index(
    make_environment: MakeEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_REQUIREMENT", "/dev/null/none")
    assert share(make_environment(), tmp_path / "cache")


def test_a_copy_of_another_pip_goes_when_there_is_a_new_one(
    cache: Path, make_environment: MakeEnvironment
) -> None:
    copy = Path(locate(cache))
    copy.rename(copy.with_name(copy.name.replace("pip-", "pip-0.")))
    assert share(make_environment(), cache) == str(copy)
    assert list(copy.parent.iterdir()) == [copy]


def test_what_others_may_write_to_is_not_lent(
    cache: Path, make_environment: MakeEnvironment
) -> None:
    environment = make_environment()
    Path(locate(cache)).chmod(0o722)
    assert locate(cache) == ""
    assert share(environment, cache) == ""
    assert compiled_in(environment) == []


def test_a_cache_that_cannot_be_written_is_no_failure(make_environment: MakeEnvironment) -> None:
    environment = make_environment()
    assert share(environment, Path("/dev/null/cache")) == ""


def test_a_copy_that_is_given_up_leaves_nothing(
    make_environment: MakeEnvironment, tmp_path: Path
) -> None:
    sharing = share_pip(str(make_environment()), environ_with(tmp_path / "cache"))
    sharing.give_up()
    assert list((tmp_path / "cache/pipguard/pips").iterdir()) == []


def test_two_at_once_make_one_copy(make_environment: MakeEnvironment, tmp_path: Path) -> None:
    first = share_pip(str(make_environment()), environ_with(tmp_path / "cache"))
    assert share(make_environment(), tmp_path / "cache") == ""
    assert first.finish() == locate(tmp_path / "cache") != ""


def test_a_copy_that_somebody_left_half_done_is_made_anew(
    make_environment: MakeEnvironment, tmp_path: Path
) -> None:
    first = share_pip(str(make_environment()), environ_with(tmp_path / "cache"))
    assert first.compiling
    first.compiling.finish()
    os.utime(first.draft, (1, 1))
    assert share(make_environment(), tmp_path / "cache") == ""
    assert share(make_environment(), tmp_path / "cache") == locate(tmp_path / "cache") != ""
