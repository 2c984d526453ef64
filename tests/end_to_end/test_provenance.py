"""Packages come back from where they came: a private name is never asked of another index.

Two real indexes on the loopback interface; "public" is what pip is configured with, and it offers
sdists under the private names, which leave a trace when they are built.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import OUTSIDE
from harness.loopback import LoopbackIndex
from harness.managed import ManagedPython
from harness.running import RunPipguard, run_command
from harness.wheels import application, library

from pipguard.environments.distributions import list_distributions

pytestmark = pytest.mark.usefixtures("managed_python", "project")

STRACE = shutil.which("strace", path=OUTSIDE["PATH"]) or ""
needs_strace = pytest.mark.skipif(not STRACE, reason="needs strace")
PASSWORD = "s3cret-of-the-index"


@pytest.fixture(autouse=True)
def reach_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests have a proxy that lets nothing through."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "trace"


@pytest.fixture
def private(tmp_path: Path) -> Iterator[LoopbackIndex]:
    """An index with a password that has two private projects."""
    with LoopbackIndex(tmp_path / "private", PASSWORD) as index:
        index.add(library("corp-lib", "1.0"), library("corp-lib", "2.0"))
        index.add(application("corp-app", "1.0"), application("corp-app", "2.0"))
        yield index


@pytest.fixture
def public(tmp_path: Path, trace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackIndex]:
    """The index that pip is configured with: a stranger uploaded the private names there."""
    with LoopbackIndex(tmp_path / "public") as index:
        for name in ("corp-lib", "corp-app"):
            index.add_trap(name, "1.0", trace)
            index.add_trap(name, "9.0", trace)
        index.add(library("open-lib", "1.0"), library("open-lib", "2.0"))
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        yield index


def held(project: Path) -> dict[str, str]:
    found = list_distributions(str(project / ".venv"))
    return {n: v for n, v in found.items() if n not in {"pip", "setuptools", "wheel"}}


def asked(index: LoopbackIndex) -> list[str]:
    """What the index was asked, apart from pip's question whether there is a newer pip."""
    return [path for path in index.requests if path != "/simple/pip/"]


def install(run: RunPipguard, *words: str) -> None:
    done = run(["install", *words])
    assert done.status == 0, done.err


def forget_former_files(project: Path) -> None:
    """Make undo ask an index: what was kept of former versions is gone."""
    shutil.rmtree(project / ".venv/.pipguard/former")


def set_password_for_pip(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the password where pip finds it by itself."""
    netrc = folder / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login me password {PASSWORD}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))


def write_requirements(project: Path, index: LoopbackIndex, requirement: str) -> list[str]:
    (project / "requirements.txt").write_text(
        f"# what the team uses\n--index-url \\\n  {index.secret_url}\n{requirement}\n"
    )
    return ["-r", "requirements.txt"]


@pytest.mark.parametrize("way", ["option", "file"])
def test_undo_of_an_upgrade_asks_the_index_it_came_from(
    run_pipguard: RunPipguard, project: Path, private: LoopbackIndex, public: LoopbackIndex,
    trace: Path, way: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for version in ("1.0", "2.0"):
        words = ["--index-url", private.secret_url, f"corp-lib=={version}"]
        if way == "file":
            words = write_requirements(project, private, f"corp-lib=={version}")
        install(run_pipguard, *words)
    forget_former_files(project)
    done = run_pipguard(["guard", "undo"])
    assert done.status == 1
    assert "nothing was changed" in done.err
    assert f"{private.url} was asked" in done.err
    assert held(project) == {"corp-lib": "2.0"}
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", private.secret_url)
    done = run_pipguard(["guard", "undo"])
    assert done.status == 0, done.err
    assert held(project) == {"corp-lib": "1.0"}
    assert asked(public) == []
    assert not trace.exists()


def test_undo_of_an_upgrade_asks_nobody_where_the_former_files_were_kept(
    run_pipguard: RunPipguard, project: Path, private: LoopbackIndex, public: LoopbackIndex
) -> None:
    for version in ("1.0", "2.0"):
        install(run_pipguard, "--index-url", private.secret_url, f"corp-lib=={version}")
    private.requests.clear()
    done = run_pipguard(["guard", "undo"])
    assert done.status == 0, done.err
    assert held(project) == {"corp-lib": "1.0"}
    assert asked(private) == asked(public) == []


def test_the_origin_is_noted_beside_the_environment_too(
    run_pipguard: RunPipguard, project: Path, home: Path, private: LoopbackIndex,
    public: LoopbackIndex, trace: Path,
) -> None:  # fmt: skip
    install(run_pipguard, "--index-url", private.secret_url, "corp-lib==1.0")
    shutil.rmtree(home / "xdg-state")
    (folder,) = (project / ".venv/lib").iterdir()
    folder.rename(folder.parent / "python3.9")
    private.requests.clear()
    done = run_pipguard(["install", "open-lib"], env={"PIPGUARD_REBUILD": "1"})
    assert done.status != 0
    assert asked(private)
    assert not any("corp" in path for path in public.requests)
    assert not trace.exists()


def test_the_password_is_in_no_file_and_in_no_word(
    run_pipguard: RunPipguard, project: Path, home: Path, private: LoopbackIndex
) -> None:
    said = ""
    for version in ("1.0", "2.0"):
        words = ["--index-url", private.secret_url, f"corp-app=={version}", "--no-cache-dir"]
        done = run_pipguard(["install", "-v", *words], env={"PIPGUARD_ROUTE": "pipx"})
        assert done.status == 0, done.err
        said += done.err
    said += run_pipguard(["guard", "explain", "install", *words]).out
    said += run_pipguard(["guard", "log", "--json"]).out
    said += run_pipguard(["guard", "undo", "--dry-run"]).out
    assert PASSWORD not in said
    for path in (*home.rglob("*"), *project.rglob("*")):
        if path.is_file() and not path.is_symlink():
            assert PASSWORD.encode() not in path.read_bytes(), path


def test_an_application_is_upgraded_and_undone_from_where_it_came(
    run_pipguard: RunPipguard, private: LoopbackIndex, public: LoopbackIndex, trace: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("PIPGUARD_ROUTE", "pipx")
    set_password_for_pip(trace.parent, monkeypatch)
    install(run_pipguard, "--index-url", private.secret_url, "corp-app==1.0")
    install(run_pipguard, "--index-url", private.secret_url, "corp-app==2.0")
    done = run_pipguard(["guard", "undo"])
    assert done.status == 0, done.err
    entry = json.loads(run_pipguard(["guard", "log", "--json"]).out)[-1]
    assert entry["changes"][0]["after"]["version"] == "1.0"
    run_pipguard(["guard", "undo", entry["id"]])
    assert asked(public) == []
    assert not trace.exists()


def test_a_rebuild_asks_nobody(
    run_pipguard: RunPipguard, project: Path, private: LoopbackIndex, public: LoopbackIndex,
    trace: Path,
) -> None:  # fmt: skip
    words = write_requirements(project, private, "corp-lib==1.0")
    install(run_pipguard, *words)
    (project / ".venv/bin/python").unlink()
    (project / ".venv/bin/python").symlink_to("/nowhere/python3")
    private.requests.clear()
    done = run_pipguard(["install", *words], env={"PIPGUARD_REBUILD": "1"})
    assert done.status == 0, done.err
    assert held(project) == {"corp-lib": "1.0"}
    assert run_command([str(project / ".venv/bin/python"), "-c", "import corp_lib"]).status == 0
    assert asked(private) == asked(public) == []
    assert not trace.exists()
    assert [p.name for p in project.iterdir() if p.name.startswith(".venv")] == [".venv"]


@pytest.mark.parametrize("has_password", [True, False])
def test_a_rebuild_for_another_python_asks_where_each_came_from(
    run_pipguard: RunPipguard, project: Path, private: LoopbackIndex, public: LoopbackIndex,
    trace: Path, monkeypatch: pytest.MonkeyPatch, has_password: bool,
) -> None:  # fmt: skip
    install(run_pipguard, "--index-url", private.secret_url, "corp-lib==1.0")
    install(run_pipguard, "open-lib==1.0")
    (folder,) = (project / ".venv/lib").iterdir()
    folder.rename(folder.parent / "python3.9")
    if has_password:
        set_password_for_pip(trace.parent, monkeypatch)
    public.requests.clear()
    words = ["install", "--no-cache-dir", "open-lib"]
    done = run_pipguard(words, env={"PIPGUARD_REBUILD": "1", "PIP_NO_CACHE_DIR": "1"})
    assert not any("corp" in path for path in public.requests)
    assert not trace.exists()
    assert held(project) == {"corp-lib": "1.0", "open-lib": "1.0"}
    assert (done.status == 0) == has_password == folder.exists()
    assert [p.name for p in project.iterdir() if p.name.startswith(".venv")] == [".venv"]


@pytest.mark.parametrize("seen", ["private", "public"])
def test_an_origin_that_nobody_noted(
    run_pipguard: RunPipguard, project: Path, private: LoopbackIndex, public: LoopbackIndex,
    trace: Path, seen: str,
) -> None:  # fmt: skip
    install(run_pipguard, "open-lib==2.0")
    by_hand = [str(project / ".venv/bin/python"), "-m", "pip", "install", "-q"]
    if seen == "private":
        words = ["--index-url", private.secret_url]
        assert run_command([*by_hand, *words, "corp-lib==1.0"]).status == 0
        install(run_pipguard, *words, "corp-lib==2.0")
    else:
        assert run_command([*by_hand, "open-lib==1.0"]).status == 0
        install(run_pipguard, "open-lib==2.0")
    forget_former_files(project)
    public.requests.clear()
    done = run_pipguard(["guard", "undo"])
    if seen == "private":
        assert done.status == 1
        assert "where corp-lib 1.0 came from is not known" in done.err
        assert asked(public) == []
        assert not trace.exists()
        assert held(project)["corp-lib"] == "2.0"
    else:
        assert done.status == 0, done.err
        assert "where open-lib came from is not recorded: asking for wheels with" in done.err
        assert held(project)["open-lib"] == "1.0"


def test_a_name_of_unknown_origin_is_never_built(
    run_pipguard: RunPipguard, project: Path, private: LoopbackIndex, public: LoopbackIndex,
    trace: Path, managed_python: ManagedPython,
) -> None:  # fmt: skip
    install(run_pipguard, "open-lib==2.0")
    by_hand = [str(project / ".venv/bin/python"), "-m", "pip", "-q"]
    words = ["--index-url", private.secret_url, "corp-lib==1.0"]
    assert run_command([*by_hand, "install", *words]).status == 0
    assert run_pipguard(["uninstall", "-y", "corp-lib"]).status == 0
    forget_former_files(project)
    done = run_pipguard(["guard", "undo"])
    assert done.status == 1
    assert not trace.exists()
    assert held(project) == {"open-lib": "2.0"}


@needs_strace
def test_nothing_else_is_connected_to(
    run_pipguard: RunPipguard, pipguard_command: Path, project: Path, private: LoopbackIndex,
    public: LoopbackIndex, tmp_path: Path,
) -> None:  # fmt: skip
    """Install, upgrade, undo, doctor, rescue: every connection is to the index in use."""
    words = ["--index-url", private.secret_url]
    log = tmp_path / "strace"
    for line in (
        ["install", *words, "corp-lib==1.0"], ["install", *words, "-U", "corp-lib"],
        ["install", *words, "corp-app"], ["guard", "undo"], ["guard", "undo"],
        ["guard", "doctor"], ["guard", "rescue", "--dry-run"], ["list"],
    ):  # fmt: skip
        tracing = [STRACE, "-f", "-qq", "-e", "trace=connect", "-A", "-o", str(log)]
        run_command([*tracing, str(pipguard_command), *line], project)
    lines = [line for line in log.read_text().splitlines() if "AF_INET" in line]
    assert lines
    ports = {private.server.server_port, public.server.server_port}
    assert {int(re.findall(r"htons\((\d+)\)", line)[0]) for line in lines} <= ports
    assert all("127.0.0.1" in line for line in lines)
    assert not any("corp" in path for path in public.requests)
