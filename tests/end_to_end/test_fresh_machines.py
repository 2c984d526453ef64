"""The main job on whole Debian machines, from a copy of the checkout and nothing else.

Only with `--run-fresh-machines`, as root or with uidmap, and with the scripts that make and enter a
root: `make-root.sh` and `run-in.sh` in `$PIPGUARD_TESTBED`, else in `../shared/testbed`. The first
run makes the roots, a minute each; later ones unpack them.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import CHECKOUT
from harness.fakes import read_transcript
from harness.running import Result

ROOTS = ("bookworm-python3", "bookworm-pip", "trixie-pip", "sid-pip")

pytestmark = [pytest.mark.fresh_machine, pytest.mark.longest(900)]


def locate_testbed(environ: Mapping[str, str]) -> Path:
    """The folder with the scripts; skips where there is none."""
    named = environ.get("PIPGUARD_TESTBED", "")
    places = [Path(named)] if named else [CHECKOUT.parent / "shared" / "testbed"]
    for place in places:
        if (place / "run-in.sh").exists():
            return place
    pytest.skip("no make-root.sh and run-in.sh; set PIPGUARD_TESTBED")


@dataclass(frozen=True, slots=True)
class Machine:
    """A clean root, entered anew for each command."""

    folder: Path
    enter: Path
    options: tuple[str, ...]
    environ: dict[str, str]

    def run(self, script: str) -> Result:
        """Run a shell script in an empty folder, with the checkout read-only as `$checkout`."""
        begin = 'checkout="/opt/a checkout"; mkdir ~/empty; cd ~/empty || exit 99\n'
        bind = ["--bind", str(CHECKOUT), "/opt/a checkout"]
        command = [str(self.enter), str(self.folder), *self.options, *bind, "sh", "-c"]
        done = subprocess.run(
            [*command, begin + script], env=self.environ, capture_output=True, check=False
        )
        return Result(done.returncode, done.stdout, done.stderr)


class RootShelf:
    """Roots, each unpacked once in a session and never written to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, name: str, testbed: Path, environ: dict[str, str]) -> Path:
        """The folder of a root."""
        place = self._folder / name
        if not place.exists():
            script = str(testbed / "make-root.sh")
            subprocess.run([script, *name.split("-"), str(place)], env=environ, check=True)
        return place


@pytest.fixture(scope="session")
def root_shelf(tmp_path_factory: pytest.TempPathFactory) -> RootShelf:
    """The roots of this session."""
    return RootShelf(tmp_path_factory.mktemp("roots"))


@pytest.fixture(params=["root", "user"])
def person(request: pytest.FixtureRequest) -> str:
    """Who sits at the machine."""
    return str(request.param)


@pytest.fixture(params=ROOTS)
def machine(
    request: pytest.FixtureRequest,
    person: str,
    root_shelf: RootShelf,
    outside_environment: dict[str, str],
) -> Machine:
    """A machine of each kind, with the network that this one has."""
    testbed = locate_testbed(outside_environment)
    options = ("--user",) if person == "user" else ()
    folder = root_shelf.take(request.param, testbed, outside_environment)
    return Machine(folder, testbed / "run-in.sh", options, outside_environment)


def test_a_library_can_be_imported(machine: Machine) -> None:
    result = machine.run(
        '"$checkout/scripts/pipguard" install six && .venv/bin/python -c "import six; print(6)"'
    )
    assert result.status == 0, result.err
    assert result.out.endswith("\n6\n")
    assert result.err.startswith("pipguard: setting up")


def test_an_application_can_be_run(machine: Machine) -> None:
    result = machine.run(
        '"$checkout/scripts/pipguard" install pycowsay && ~/.local/bin/pycowsay moo && ls -A'
    )
    assert result.status == 0, result.err
    assert "< moo >" in result.out
    assert ".venv" not in result.out.splitlines()


def test_both_from_a_requirements_file(machine: Machine) -> None:
    result = machine.run(
        "printf 'six\\npycowsay\\n' >requirements.txt\n"
        '"$checkout/scripts/pipguard" install -r requirements.txt && .venv/bin/pycowsay moo'
    )
    assert result.status == 0, result.err
    assert "< moo >" in result.out


def test_one_command_installs_it_and_one_removes_all_of_it(machine: Machine) -> None:
    result = machine.run(
        "export SHELL=/bin/bash; cp ~/.bashrc ~/before 2>/dev/null || touch ~/before ~/.bashrc\n"
        '"$checkout/scripts/install" --shell || exit 90\n'
        "PATH=$HOME/.local/bin:$PATH bash -i -c 'pip install six; pip guard --version' || exit 91\n"
        '.venv/bin/python -c "import six; print(6)" || exit 92\n'
        "mkdir ../other; cd ../other\n"
        "PATH=$HOME/.local/bin:$PATH bash -i -c 'pip install pycowsay' || exit 93\n"
        "~/.local/bin/pycowsay moo || exit 94\n"
        '"$checkout/scripts/install" --uninstall || exit 95\n'
        "cmp ~/.bashrc ~/before || exit 96\n"
        "find ~ -name '*pipguard*' ! -path '*/.venv/*'"
    )
    assert result.status == 0, (result.status, result.err[-3000:])
    assert "\n6\n" in result.out
    assert "< moo >" in result.out
    assert "pipguard" not in result.out.splitlines()[-1]
    assert "/.cache/pipguard" not in result.out


def test_a_single_file_does_the_main_job(machine: Machine) -> None:
    result = machine.run(
        '"$checkout/scripts/build-zipapp" --output ~/pipguard.pyz || exit 90\n'
        "rm -rf ~/.local ~/.cache\n"
        '~/pipguard.pyz install six && .venv/bin/python -c "import six; print(6)" || exit 91\n'
        "mkdir ../other; cd ../other\n"
        "~/pipguard.pyz install pycowsay && ~/.local/bin/pycowsay moo"
    )
    assert result.status == 0, (result.status, result.err[-3000:])
    assert "\n6\n" in result.out
    assert "< moo >" in result.out


def test_switched_off(machine: Machine) -> None:
    result = machine.run('PIPGUARD=off "$checkout/scripts/pipguard" install six')
    if machine.folder.name == "bookworm-pip":
        refusal = read_transcript("debian-12-pip-23.0.1-install")
        assert result == Result(1, b"", refusal.stderr)
    elif "pip" in machine.folder.name:
        assert (result.status, result.stdout) == (1, b"")
        assert result.stderr.startswith(b"error: externally-managed-environment")
    else:
        assert (result.status, result.stdout) == (127, b"")


def test_the_tests_pass(machine: Machine) -> None:
    result = machine.run('cp -r "$checkout" ~/copy && cd ~/copy && ./scripts/test -q')
    assert result.status == 0, result.out[-3000:]
