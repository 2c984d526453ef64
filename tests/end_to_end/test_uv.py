"""uv's answer by the user's word: the real uv, and what programs see of it."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.loopback import LoopbackIndex
from harness.managed import write_executable
from harness.running import RunPipguard
from harness.wheels import PackageIndex, Release, library, write_source_project

from pipguard.environments.distributions import TOOLCHAIN, list_distributions
from pipguard.environments.uv import UvUnusable, locate_uv

pytestmark = [pytest.mark.usefixtures("managed_python", "use_stand_ins", "uv")]
FIRST = "`tinylib` goes to .venv (new), by uv"


@pytest.fixture
def uv(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Ask for uv, which has a cache of its own."""
    monkeypatch.setenv("PIPGUARD_INSTALLER", "uv")
    monkeypatch.setenv("UV_CACHE_DIR", str(home / "uv-cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def private(tmp_path: Path) -> Iterator[LoopbackIndex]:
    """An index with a password."""
    with LoopbackIndex(tmp_path / "private", "secret") as index:
        yield index


@pytest.fixture
def public(tmp_path: Path) -> Iterator[LoopbackIndex]:
    """An index that must not be asked."""
    with LoopbackIndex(tmp_path / "public") as index:
        yield index


def test_a_new_environment_is_uvs_and_has_a_pip(run_pipguard: RunPipguard, project: Path) -> None:
    done = run_pipguard(["install", "tinylib"])
    assert done.status == 0, done.err
    assert FIRST in done.err
    assert done.out == "Successfully installed tinylib-2.0\n"
    assert "\nuv = " in (project / ".venv/pyvenv.cfg").read_text()
    assert list((project / ".venv").glob("lib/*/site-packages/__pycache__/tinylib.*.pyc"))
    listed = run_pipguard(["list", "--format=freeze"])
    assert listed.out.split()[:1] == ["pip==" + list_distributions(str(project / ".venv"))["pip"]]
    again = run_pipguard(["install", "tinylib"])
    assert again.out.startswith("Requirement already satisfied: tinylib in ./.venv/lib/python3")


def test_what_is_installed_again_is_said_as_pip_says_it(run_pipguard: RunPipguard) -> None:
    assert run_pipguard(["install", "tinyneeds"]).status == 0
    again = run_pipguard(["install", "--force-reinstall", "--no-deps", "tinyneeds"])
    assert again.status == 0, again.err
    assert again.out.startswith("Successfully installed tinyneeds-")


def test_undo_takes_all_of_it_back(run_pipguard: RunPipguard, project: Path) -> None:
    assert run_pipguard(["install", "tinyneeds"]).status == 0
    assert run_pipguard(["guard", "undo"]).status == 0
    assert os.listdir(project) == []


@pytest.mark.parametrize(("word", "says"), [("-q", False), ("-v", True)])
def test_quietness_is_pips(run_pipguard: RunPipguard, word: str, says: bool) -> None:
    done = run_pipguard(["install", word, "tinylib"])
    assert done.status == 0, done.err
    assert ("Successfully installed tinylib-2.0" in done.out) == says
    assert bool(done.out) == says


def test_failures_have_pips_status_and_leave_nothing(
    run_pipguard: RunPipguard, project: Path
) -> None:
    missing = run_pipguard(["install", "no-such-distribution"], env={"PIPGUARD_ROUTE": "venv"})
    nowhere = run_pipguard(
        ["install", "tinylib", "--retries", "0"], env={"PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    )
    assert (missing.status, nowhere.status) == (1, 1)
    assert missing.out == nowhere.out == ""
    assert "no-such-distribution" in missing.err
    assert os.listdir(project) == []


def test_pips_turn_is_said(run_pipguard: RunPipguard, project: Path) -> None:
    done = run_pipguard(["install", "--prefer-binary", "tinylib"])
    assert done.status == 0, done.err
    assert "pip installs it: uv has nothing for --prefer-binary" in done.err
    assert "by uv" not in done.err
    assert "\nuv = " not in (project / ".venv/pyvenv.cfg").read_text()


def test_an_upgrade_leaves_dependencies_alone(
    run_pipguard: RunPipguard, project: Path, package_index: PackageIndex
) -> None:
    package_index.add(library("low", "1.0"), library("high", "1.0", ("low",)))
    env = {"PIP_INDEX_URL": package_index.url}
    assert run_pipguard(["install", "high"], env=env).status == 0
    package_index.add(library("low", "2.0"), library("high", "2.0", ("low",)))
    done = run_pipguard(["install", "-U", "high"], env=env)
    assert done.status == 0, done.err
    held = list_distributions(str(project / ".venv"))
    assert (held["high"], held["low"]) == ("2.0", "1.0")


@pytest.mark.parametrize(
    "words",
    [
        ["low<2", "high"],
        ["--pre", "low"],
        ["low==3.0b1"],
        ["--no-deps", "high"],
        ["-c", "constraints.txt", "high"],
        ["-r", "requirements.txt"],
        ["-r", "hashes.txt"],
        ["--require-hashes", "-r", "hashes.txt"],
        ["--only-binary=:all:", "high[more]"],
        ["--no-index", "--find-links", "wheels", "low"],
        ["--extra-index-url", "{other}", "other"],
        ["--trusted-host", "127.0.0.1", "--timeout", "9", "--retries", "1", "high"],
        ["-U", "--upgrade-strategy", "eager", "high"],
        ["-e", "./editable", "low"],
        ["./editable"],
    ],
    ids=" ".join,
)
def test_both_install_the_same(
    run_pipguard: RunPipguard, project: Path, package_index: PackageIndex, tmp_path: Path,
    words: list[str],
) -> None:  # fmt: skip
    for version in ("1.0", "2.0", "3.0b1"):
        package_index.add(library("low", version))
    more = Release("high", "1.0", {"high.py": ""}, requires=("low",), extras={"more": ("extra",)})
    package_index.add(more, library("extra"))
    other = PackageIndex(tmp_path / "other")
    other.add(library("other", "1.0", ("low",)))
    wheels = {path.name: path for path in package_index.find_links.iterdir()}
    low = wheels["low-1.0-py3-none-any.whl"]
    (project / "constraints.txt").write_text("low<2\n")
    (project / "requirements.txt").write_text("high\n-c constraints.txt\n")
    digest = hashlib.sha256(low.read_bytes()).hexdigest()
    (project / "hashes.txt").write_text(f"low==1.0 --hash=sha256:{digest}\n")
    (project / "wheels").mkdir()
    shutil.copy(low, project / "wheels")
    write_source_project(library("tinyeditable"), project / "editable")
    given = ["install", *(word.format(other=other.url) for word in words)]
    env = {"PIP_INDEX_URL": package_index.url}
    held = {}
    for installer in ("uv", "pip"):
        place = {"PIPGUARD_INSTALLER": installer, "PIPGUARD_VENV": installer}
        done = run_pipguard(given, env={**env, **place})
        assert done.status == 0, done.err
        assert ("by uv" in done.err) == (installer == "uv")
        found = list_distributions(str(project / installer))
        held[installer] = {n: v for n, v in found.items() if n not in TOOLCHAIN}
    assert held["uv"] == held["pip"] != {}


def test_a_private_index_is_never_bypassed(
    run_pipguard: RunPipguard, project: Path, private: LoopbackIndex, public: LoopbackIndex
) -> None:
    private.add(library("tinyprivate", "1.0"))
    public.add(library("tinyprivate", "9.0"))
    (project / "uv.toml").write_text(f'index-url = "{public.url}"\n')
    (project / "pyproject.toml").write_text(f'[tool.uv]\nindex-url = "{public.url}"\n')
    env = {
        "PIP_INDEX_URL": private.secret_url,
        "UV_INDEX_URL": public.url,
        "UV_DEFAULT_INDEX": public.url,
        "UV_EXTRA_INDEX_URL": public.url,
        "UV_VENV_SEED": "1",
    }
    done = run_pipguard(["install", "tinyprivate"], env=env)
    assert done.status == 0, done.err
    assert done.out == "Successfully installed tinyprivate-1.0\n"
    assert private.requests
    assert public.requests == []
    assert "secret" not in done.err


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo uv 0.4.1", "0.7 or newer is needed"),
        ("exit 3", "does not tell its version"),
        ("echo nonsense", "does not tell its version"),
    ],
)
def test_a_uv_that_cannot_be_used_is_named(home: Path, script: str, said: str) -> None:
    write_executable(home / "bin/uv", f"#!/bin/sh\n{script}\n")
    with pytest.raises(UvUnusable, match=said) as error:
        locate_uv("/nowhere/python3", {"PATH": f"{home}/bin:/bin"})
    assert "PIPGUARD_INSTALLER=pip" in error.value.hint


@pytest.mark.parametrize("step", ["venv", "pip"])
def test_a_uv_that_is_killed_leaves_nothing(
    run_pipguard: RunPipguard, project: Path, home: Path, step: str
) -> None:
    real = Path(sys.executable).with_name("uv")
    text = f'#!/bin/sh\ncase $1 in {step}) kill -9 $$ ;; esac\nexec {real} "$@"\n'
    write_executable(home / ".local/bin/uv", text)
    done = run_pipguard(["install", "tinylib"])
    assert done.status != 0
    assert done.out == ""
    assert os.listdir(project) == []


def test_without_a_uv_the_word_for_it_is_an_error() -> None:
    with pytest.raises(UvUnusable, match="no uv on PATH"):
        locate_uv("/nowhere/python3", {"PATH": "/nowhere"})


def test_uv_reads_what_is_resolved_otherwise(
    run_pipguard: RunPipguard, project: Path, package_index: PackageIndex
) -> None:
    package_index.add(library("st", "1.0"), library("st", "2.0"))
    package_index.add(library("fw", "1.0"), library("fw", "2.0", ("st<2",)))
    env = {"PIP_INDEX_URL": package_index.url}
    by_uv = run_pipguard(["install", "st", "fw"], env=env)
    by_pip = run_pipguard(
        ["install", "st", "fw"], env={**env, "PIPGUARD_INSTALLER": "pip", "PIPGUARD_VENV": "other"}
    )
    assert by_uv.out == "Successfully installed fw-1.0 st-2.0\n"
    assert by_pip.out.endswith("Successfully installed fw-2.0 st-1.0\n")
