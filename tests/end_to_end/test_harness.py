"""The harness itself: what the other tests believe of it is true."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from harness.fakes import MakeFakePip, Transcript, format_transcript, read_transcript
from harness.managed import VERSION, MakeManagedPython, ManagedPython, Recipe
from harness.pips import OLDER
from harness.running import Result, run_command, run_on_terminal
from harness.wheels import PackageIndex, application, library, write_source_project

REFUSAL = b"error: externally-managed-environment"


def make_environment(python: ManagedPython, folder: Path) -> Path:
    """Make a virtual environment of a managed Python; return its interpreter."""
    command: list[str | Path] = [
        sys.executable,
        "-I",
        "-m",
        "virtualenv",
        "-q",
        "-p",
        python.python,
        folder,
    ]
    result = run_command(command)
    assert result.status == 0, result.err
    return folder / "bin" / "python"


def test_nothing_of_the_caller_leaks_in(home: Path) -> None:
    leaking = ("PIP_", "PIPX_", "UV_", "CONDA", "PIPGUARD", "VIRTUAL_ENV")
    names = [name for name in os.environ if name.startswith(leaking)]
    assert names == ["PIP_CONFIG_FILE"]
    assert os.environ["HOME"] == str(home)
    assert [shutil.which(name) for name in ("pip", "python3", "pipx", "uv")] == [None] * 4


def test_managed_python_refuses(managed_python: ManagedPython, use_stand_ins: PackageIndex) -> None:
    result = run_command(["pip", "install", "six"])
    assert (result.status, result.stdout) == (1, b"")
    assert result.stderr.startswith(REFUSAL)
    assert f"python{VERSION}/README.venv" in result.err


def test_managed_python_without_marker_installs(
    make_managed: MakeManagedPython, use_stand_ins: PackageIndex
) -> None:
    python = make_managed(Recipe(marker=None))
    assert run_command([python.pip, "install", "six"]).status == 0
    result = python.run("-I", "-c", "import six; print(six.__version__)")
    assert result.out == "1.16.0\n"


def test_managed_python_is_its_own(make_managed: MakeManagedPython) -> None:
    python = make_managed(Recipe(pip=None))
    question = "import sys, sysconfig; print(sys.prefix, sysconfig.get_path('stdlib'))"
    result = python.run("-I", "-c", question)
    assert result.out == f"{python.prefix} {python.standard_library}\n"


def test_managed_python_without_pip(make_managed: MakeManagedPython) -> None:
    python = make_managed(Recipe(pip=None, ensurepip=False))
    assert b"No module named pip" in python.run("-m", "pip").stderr
    assert b"No module named ensurepip" in python.run("-m", "ensurepip").stderr
    assert not python.pip.exists()


def test_managed_python_in_an_awkward_place(
    make_managed: MakeManagedPython, tmp_path: Path
) -> None:
    python = make_managed(prefix=tmp_path / "a b é" / "usr")
    result = run_command([python.pip, "install", "six"])
    assert (result.status, result.stderr[: len(REFUSAL)]) == (1, REFUSAL)


@pytest.mark.network
@pytest.mark.parametrize("version", OLDER)
def test_older_pips_refuse(make_managed: MakeManagedPython, version: str) -> None:
    python = make_managed(Recipe(pip=version))
    result = run_command([python.pip, "install", "six"])
    assert (result.status, result.stdout) == (1, b"")
    assert result.stderr.startswith(REFUSAL)
    assert f"pip {version} ".encode() in run_command([python.pip, "--version"]).stdout


def test_environments_of_a_managed_python_work(
    managed_python: ManagedPython, use_stand_ins: PackageIndex, tmp_path: Path
) -> None:
    interpreter = make_environment(managed_python, tmp_path / "environment")
    result = run_command([interpreter, "-m", "pip", "install", "tinysuite", "tinyextra[color]"])
    assert result.status == 0, result.err
    question = "import json, six, sys; print(sys.base_prefix, json.__file__)"
    result = run_command([interpreter, "-I", "-c", question])
    module = managed_python.standard_library / "json" / "__init__.py"
    assert result.out == f"{managed_python.prefix} {module}\n"
    assert run_command([interpreter.parent / "tinyapp", "x"]).out == "tinyapp 2.0 x\n"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("wrong-hash", "DO NOT MATCH THE HASHES"),
        ("broken-source", "this source cannot be built"),
        ("needs-missing", "No matching distribution found for no-such-project-anywhere"),
        ("needs-newer", "No matching distribution found for needs-newer"),
    ],
)
def test_what_cannot_be_installed(
    make_managed: MakeManagedPython,
    use_stand_ins: PackageIndex,
    target: str,
    words: str,
) -> None:
    python = make_managed(Recipe(marker=None))
    result = run_command([python.pip, "install", target])
    assert result.status == 1
    assert words in result.err


@pytest.mark.parametrize("option", [[], ["-e"]])
def test_source_projects_install(
    make_managed: MakeManagedPython, tmp_path: Path, option: list[str]
) -> None:
    python = make_managed(Recipe(marker=None))
    source = write_source_project(application("mine"), tmp_path / "mine")
    result = run_command([python.pip, "install", *option, source])
    assert result.status == 0, result.err
    assert run_command([python.scripts / "mine"]).out == "mine 1.0\n"


def test_the_same_release_is_the_same_bytes(tmp_path: Path) -> None:
    first, second = PackageIndex(tmp_path / "a"), PackageIndex(tmp_path / "b")
    for index in (first, second):
        index.add(library("tinylib"))
    name = "tinylib-1.0-py3-none-any.whl"
    assert (first.find_links / name).read_bytes() == (second.find_links / name).read_bytes()


@pytest.mark.parametrize("with_python", [False, True])
def test_fake_pip_replays_and_remembers(fake_pip: MakeFakePip, with_python: bool) -> None:
    interpreter = Path(sys.executable) if with_python else None
    pip = fake_pip(Transcript("pip", 7, b"out", b"\x1b[31merr"), interpreter=interpreter)
    result = run_command(["pip", "install", "a b", "", "é\n"])
    run_command(["pip"])
    assert result == Result(7, b"out", b"\x1b[31merr")
    assert pip.calls == [[b"install", b"a b", b"", "é\n".encode()], []]


def test_transcripts_read_back() -> None:
    recorded = read_transcript("debian-12-pip-23.0.1-install")
    assert (recorded.status, recorded.stdout) == (1, b"")
    assert recorded.stderr.startswith(REFUSAL)
    assert recorded.stderr.endswith(b"\n")
    assert len(recorded.stderr) == 1024
    assert b"$ pip install six\nexit status 1\n" in format_transcript(recorded)


def test_a_terminal_is_a_terminal(project: Path) -> None:
    script = "test -t 0 && test -t 1 && test -t 2 && printf 'name? ' && read name && echo =$name="
    result = run_on_terminal(["sh", "-c", script], answers=[(b"name? ", b"me\n")])
    assert result.status == 0
    assert b"=me=" in result.stdout
    assert run_command(["sh", "-c", "test -t 0"]).status == 1


def test_a_signal_is_a_negative_status() -> None:
    assert run_command(["sh", "-c", "kill -TERM $$"]).status == -signal.SIGTERM


def run_pytest(folder: Path, source: str, ci: str) -> Result:
    """Run another pytest on one file, with this conftest."""
    (folder / "test_sample.py").write_text(f"import pytest\n\n{source}\n")
    words = ["-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "-c", os.devnull]
    modules = os.pathsep.join(sys.path)
    command: list[str | Path] = [sys.executable, *words, "-rs", folder / "test_sample.py"]
    return run_command(command, folder, {"CI": ci, "PYTHONPATH": modules})


@pytest.mark.parametrize(
    ("reason", "ci", "status"),
    [("no pipx", "true", 1), ("no pipx", "", 0), ("needs root: chroot", "true", 0)],
)
def test_skips_that_ci_must_not_have(tmp_path: Path, reason: str, ci: str, status: int) -> None:
    result = run_pytest(tmp_path, f"def test_it():\n    pytest.skip({reason!r})", ci)
    assert (result.status, result.err) == (status, "")
    assert ("CI may not skip this" in result.out) is bool(status)
    assert "1 skipped in" in result.out.splitlines()[-1]


def test_a_skipped_file_counts_too(tmp_path: Path) -> None:
    source = "pytest.skip('no pipx', allow_module_level=True)\ndef test_it(): pass"
    result = run_pytest(tmp_path, source + "\n", "true")
    assert result.status != 0
    assert "CI may not skip this" in result.out


def test_a_test_that_hangs_is_stopped(tmp_path: Path) -> None:
    source = "@pytest.mark.longest(1)\ndef test_it():\n    while True: pass"
    result = run_pytest(tmp_path, source, "")
    assert result.status == 1
    assert "TooSlow" in result.out
