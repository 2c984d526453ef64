"""Clean Debian machines: each way to install, the main job, the way back, and removal.

Only with `--run-fresh-machines`, which `scripts/test-distributions` passes: as root, with the
network. The first run makes the roots, a minute each.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CHECKOUT
from harness.documents import README, list_shown
from harness.fakes import read_transcript
from harness.machines import Machine, NoMachines, make_root
from harness.running import Result

SUITES = ("bookworm", "trixie", "sid")
ROOTS = [f"{suite}-{kind}" for suite in SUITES for kind in ("python3", "pip", "everything")]

pytestmark = [pytest.mark.fresh_machine, pytest.mark.longest(900)]

BEGIN = """\
checkout="/opt/a checkout"; mkdir ~/empty; cd ~/empty || exit 99
pipguard() { "$checkout/scripts/pipguard" "$@"; }
"""
LIBRARY = """\
pipguard install six || exit 81
.venv/bin/python -c "import six; print(6)" || exit 82
"""
APPLICATION = """\
mkdir ../other; cd ../other || exit 83
pipguard install pycowsay || exit 84
~/.local/bin/pycowsay moo || exit 85
test ! -e .venv || exit 86
"""
BUILD = """\
import hatchling.build as backend, sys
backend.build_sdist(sys.argv[1])
backend.build_wheel(sys.argv[1])
"""
LISTING = "find / -xdev \\( -path /proc -o -path /tmp -o -path /home \\) -prune -o -print | sort"
USERS_JOB = f"""\
export HOME=/home/user
mkdir ~/empty; cd ~/empty || exit 80
{LIBRARY}{APPLICATION}pipguard guard undo || exit 87
"""
NOTHING_LEFT = "find ~ -name '*pipguard*' ! -path '*/.venv/*'\n"


@pytest.fixture(params=["root", "user"])
def person(request: pytest.FixtureRequest) -> str:
    """Who sits at the machine."""
    return str(request.param)


def take_machine(name: str, person: str, environ: dict[str, str]) -> Machine:
    """Return a machine that shows the checkout; skips where machines cannot be made."""
    try:
        root = make_root(name, environ)
    except NoMachines as error:
        pytest.skip(f"fresh machines: {error}")
    return Machine(root, person, environ, ((CHECKOUT, "/opt/a checkout"),))


@pytest.fixture(params=ROOTS)
def machine(
    request: pytest.FixtureRequest, person: str, outside_environment: dict[str, str]
) -> Machine:
    """A machine of each kind, with the network that this one has."""
    return take_machine(request.param, person, outside_environment)


@pytest.fixture(params=SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    """Each suite once."""
    return str(request.param)


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory, outside_environment: dict[str, str]) -> Path:
    """A folder with this checkout's wheel, sdist, zipapp and Debian package."""
    folder = tmp_path_factory.mktemp("dist")
    build = (
        "import hatchling.build as b, sys; b.build_sdist(sys.argv[1]); b.build_wheel(sys.argv[1])"
    )
    for words in (
        ["-c", build, str(folder)],
        [f"{CHECKOUT}/scripts/build_zipapp.py", "--output", f"{folder}/pipguard.pyz"],
        [f"{CHECKOUT}/scripts/build_deb.py", "--output", str(folder)],
    ):
        command = [sys.executable, "-I", *words]
        subprocess.run(command, check=True, cwd=CHECKOUT, env=outside_environment)
    folder.chmod(0o755)
    return folder


def show(machine: Machine, dist: Path) -> Machine:
    """Return the machine with that folder in it, as /dist."""
    return Machine(machine.root, machine.person, machine.environ, (*machine.shown, (dist, "/dist")))


def assert_did_the_main_job(result: Result) -> None:
    """Both a library and an application can be used."""
    assert result.status == 0, (result.status, result.out[-1000:], result.err[-3000:])
    assert "\n6\n" in result.out
    assert "< moo >" in result.out


def test_the_checkout_does_the_main_job_and_takes_it_back(machine: Machine) -> None:
    result = machine.run(
        f"{BEGIN}{LIBRARY}{APPLICATION}"
        "pipguard guard doctor; pipguard guard undo || exit 87\n"
        "test ! -e ~/.local/bin/pycowsay || exit 88\n"
        "cd ~/empty; pipguard guard undo && test ! -e .venv"
    )
    assert_did_the_main_job(result)
    assert result.err.startswith("pipguard: setting up")


def test_one_command_installs_it_and_one_removes_all_of_it(machine: Machine) -> None:
    result = machine.run(
        f"{BEGIN}cp ~/.bashrc ~/before 2>/dev/null || touch ~/before ~/.bashrc\n"
        '"$checkout/scripts/install" --shell || exit 90\n'
        "export PATH=$HOME/.local/bin:$PATH\n"
        "bash -i -c 'pip install six; pip guard --version' || exit 91\n"
        '.venv/bin/python -c "import six; print(6)" || exit 92\n'
        "mkdir ../other; cd ../other\n"
        "bash -i -c 'pip install pycowsay' || exit 93\n"
        "~/.local/bin/pycowsay moo || exit 94\n"
        "grep -q 'TH PIPGUARD' ~/.local/share/man/man1/pipguard.1 || exit 95\n"
        '"$checkout/scripts/install" --uninstall || exit 96\n'
        f"cmp ~/.bashrc ~/before || exit 97\n{NOTHING_LEFT}"
    )
    assert_did_the_main_job(result)
    assert "pipguard" not in result.out.splitlines()[-1]
    assert "/.cache/pipguard" not in result.out


def test_a_single_file_does_the_main_job(machine: Machine, dist: Path) -> None:
    result = show(machine, dist).run(
        f'{BEGIN}pipguard() {{ /dist/pipguard.pyz "$@"; }}\n{LIBRARY}{APPLICATION}'
    )
    assert_did_the_main_job(result)


def test_the_debian_package_does_and_goes_without_a_trace(
    suite: str, outside_environment: dict[str, str], dist: Path
) -> None:
    machine = show(take_machine(f"{suite}-pip", "root", outside_environment), dist)
    (package,) = dist.glob("*.deb")
    result = machine.run(
        f"{LISTING} >/tmp/before\n"
        f"dpkg -i /dist/{package.name} || exit 90\n"
        f"cat >/tmp/job <<'EOF'\n{USERS_JOB}EOF\n"
        "su -p user -c 'sh /tmp/job' || exit 91\n"
        "zcat /usr/share/man/man1/pipguard.1.gz | grep -q 'TH PIPGUARD' || exit 92\n"
        "dpkg --purge pipguard || exit 93\n"
        f"{LISTING} >/tmp/after\n"
        "diff /tmp/before /tmp/after | grep '^[<>]' | grep -v /var/log/ && exit 94; true"
    )
    assert_did_the_main_job(result)


def test_the_wheel_is_taken_by_pipx_and_by_uv(
    suite: str, outside_environment: dict[str, str], dist: Path
) -> None:
    machine = show(take_machine(f"{suite}-everything", "user", outside_environment), dist)
    result = machine.run(
        f"{BEGIN}unset -f pipguard; export PATH=$HOME/.local/bin:$PATH\n"
        f"pipx install /dist/*.whl || exit 90\n{LIBRARY}{APPLICATION}"
        "pipx uninstall pipguard-shim && pipx install uv || exit 91\n"
        "uv tool install /dist/*.tar.gz || exit 92\n"
        "pipguard guard undo && pipguard guard --version"
    )
    assert_did_the_main_job(result)
    assert "pipguard 0" in result.out.splitlines()[-1]


@pytest.mark.parametrize("name", ["bookworm-pip", "trixie-python3", "sid-everything"])
def test_the_readme_can_be_followed_word_for_word(
    name: str, outside_environment: dict[str, str]
) -> None:
    """By somebody with nothing else: each block in its place, in a copy of the checkout."""
    machine = take_machine(name, "user", outside_environment)
    commands = [shown.command for shown in list_shown(README.read_text())]
    assert "./scripts/test" in commands
    left_out = {"./scripts/test": "it has a test of its own"}
    script = [
        'cp -r "/opt/a checkout" ~/copy; cd ~/copy; touch ~/.bashrc',
        "export PATH=$HOME/.local/bin:$PATH; shopt -s expand_aliases; alias pip=pipguard",
    ]
    # What is removed in the second line serves in the blocks below.
    for command in (*commands, commands[0], commands[1]):
        if command not in left_out:
            typed = command.removesuffix(" | source")
            script.append(f"{typed} >~/said 2>&1 || {{ cat ~/said; echo {typed!r}; exit 90; }}")
            if command.endswith("--uninstall") and command == commands[1]:
                script.append("./scripts/install >~/said 2>&1")
    quoted = "\n".join(script)
    result = machine.run(f"cat >~/steps <<'EOF'\n{quoted}\nEOF\nSHELL=/bin/bash bash ~/steps")
    assert result.status == 0, (result.out[-3000:], result.err[-2000:])


def test_switched_off(machine: Machine) -> None:
    result = machine.run(f"{BEGIN}PIPGUARD=off pipguard install six")
    if machine.name == "bookworm-pip":
        refusal = read_transcript("debian-12-pip-23.0.1-install")
        assert result == Result(1, b"", refusal.stderr)
    elif "python3" not in machine.name:
        assert (result.status, result.stdout) == (1, b"")
        assert result.stderr.startswith(b"error: externally-managed-environment")
    else:
        assert (result.status, result.stdout) == (127, b"")


def test_the_fast_tests_pass_from_a_fresh_clone(
    suite: str, outside_environment: dict[str, str]
) -> None:
    """The README's second command, with the suite's own Python."""
    machine = take_machine(f"{suite}-python3", "user", outside_environment)
    result = machine.run(
        'cp -r "/opt/a checkout" ~/copy && cd ~/copy && ./scripts/test -q -m "not end_to_end"'
    )
    print(result.out)  # whole, where pytest would shorten it in the line of an assertion
    assert result.status == 0, result.err[-1000:]
