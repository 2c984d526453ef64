"""A refusal is remembered while everything that it depends on is as it was, and no longer."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.fakes import FakePip, MakeFakePip, Transcript, read_transcript
from harness.managed import MakeManagedPython, ManagedPython, Recipe

from pipguard.caller import Caller
from pipguard.forward import Forwarded, forward_command
from pipguard.pip.command_line import parse_command
from pipguard.pip.locate import describe_pip

REFUSED = read_transcript("debian-12-pip-23.0.1-install")


@dataclass
class World:
    """A pip that counts how often it is asked, and the one who asks."""

    pip: FakePip
    python: ManagedPython
    home: Path
    environ: dict[str, str]

    def ask(self, *words: str, afresh: bool = False) -> Forwarded:
        """Walk a command as far as the real pip."""
        argv = words or ("install", "six")
        caller = Caller(
            program="pip",
            itself="/no/pipguard",
            python="/no/python",
            argv=argv,
            environ=self.environ,
            directory=str(self.home),
            home=str(self.home),
            user_id=os.geteuid(),
            new_output=None,
            is_terminal=False,
        )
        real_pip = describe_pip(str(self.pip.path), self.environ)
        return forward_command(caller, real_pip, parse_command(argv), afresh=afresh)

    def was_asked(self, *words: str, afresh: bool = False) -> bool:
        """Walk a command; tell whether the real pip ran."""
        before = len(self.pip.calls)
        forwarded = self.ask(*words, afresh=afresh)
        ran = len(self.pip.calls) > before
        assert forwarded.refusal is not None
        assert forwarded.refusal.is_remembered is not ran
        return ran


@pytest.fixture
def world(fake_pip: MakeFakePip, make_managed: MakeManagedPython, home: Path) -> World:
    """A pip that has refused once, and is remembered to have."""
    python = make_managed()
    pip = fake_pip(REFUSED, interpreter=python.python)
    environ = dict(os.environ)
    del environ["PIP_CONFIG_FILE"]
    environ["XDG_CONFIG_DIRS"] = str(home / "etc")
    world = World(pip, python, home, environ)
    assert world.was_asked()
    return world


def write(path: Path, text: str = "[global]\nbreak-system-packages = true\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_doomed_run_is_not_made_twice(world: World) -> None:
    assert not world.was_asked()
    assert not world.was_asked("install", "--upgrade", "requests", "-r", "requirements.txt")


def test_the_remembered_refusal_is_that_of_the_same_marker(world: World) -> None:
    forwarded = world.ask()
    assert forwarded.exit_status == 1
    assert forwarded.refusal is not None
    assert forwarded.refusal.marker == str(world.python.marker)


def upgrade_pip(world: World) -> None:
    file = world.python.site_packages / "pip" / "__init__.py"
    file.unlink()  # it is a link, shared with other tests
    write(file, '__version__ = "99"\n')


def replace_package(world: World) -> None:
    package = world.python.site_packages / "pip"
    shutil.move(package, package.with_name("gone"))
    shutil.copytree(package.with_name("gone"), package)
    shutil.rmtree(package.with_name("gone"))


def install_pip_for_user(world: World) -> None:
    version = world.python.standard_library.name
    write(world.home / ".local/lib" / version / "site-packages/pip/__init__.py", "")


def rewrite_program(world: World) -> None:
    text = world.pip.path.read_text()
    world.pip.path.write_text(text + "\n# another one\n")


def replace_interpreter(world: World) -> None:
    own = world.python.python
    shutil.copy2(own, own.with_name("new"))
    os.replace(own.with_name("new"), own)


def rewrite_marker(world: World) -> None:
    write(world.python.marker, "[externally-managed]\n")


CHANGES: dict[str, Callable[[World], None]] = {
    "pip's program": rewrite_program,
    "pip's package": upgrade_pip,
    "the folder of pip's package": replace_package,
    "a pip of the user's own": install_pip_for_user,
    "the interpreter": replace_interpreter,
    "the marker": rewrite_marker,
    "the machine's configuration": lambda world: write(world.home / "etc/pip/pip.conf"),
    "the user's configuration": lambda world: write(world.home / "xdg-config/pip/pip.conf"),
    "the user's old configuration": lambda world: write(world.home / ".pip/pip.conf"),
    "the prefix's configuration": lambda world: write(world.python.prefix / "pip.conf"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_file_lets_pip_decide_again(
    world: World, change: Callable[[World], None]
) -> None:
    change(world)
    assert world.was_asked()
    assert not world.was_asked()


def test_a_configuration_that_changes_or_goes_lets_pip_decide_again(world: World) -> None:
    file = world.home / "xdg-config/pip/pip.conf"
    write(file, "[global]\nquiet = 0\n")
    assert world.was_asked()
    write(file, "[global]\nquiet = 1\n")
    assert world.was_asked()
    assert not world.was_asked()
    file.unlink()
    assert world.was_asked()


def test_a_configuration_file_named_by_variable_counts(world: World) -> None:
    file = world.home / "chosen.conf"
    world.environ["PIP_CONFIG_FILE"] = str(file)
    assert world.was_asked()
    assert not world.was_asked()
    write(file)
    assert world.was_asked()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIP_BREAK_SYSTEM_PACKAGES", "1"),
        ("PIP_TARGET", "/x"),
        ("PIP_ANYTHING", "1"),
        ("_PIP_RUNNING_IN_SUBPROCESS", "1"),
        ("PYTHONNOUSERSITE", "1"),
        ("PYTHONPATH", "/x"),
        ("XDG_CONFIG_HOME", "/x"),
        ("XDG_CONFIG_DIRS", "/x"),
        ("HOME", "/x"),
    ],
)
def test_a_changed_variable_lets_pip_decide_again(world: World, name: str, value: str) -> None:
    before = world.environ.copy()
    world.environ[name] = value
    assert world.was_asked()
    world.environ = before
    assert not world.was_asked()


def test_a_pip_on_pythonpath_counts(world: World) -> None:
    folder = world.home / "path"
    world.environ["PYTHONPATH"] = str(folder)
    assert world.was_asked()
    write(folder / "pip/__init__.py", "")
    assert world.was_asked()


def test_other_variables_do_not_matter(world: World) -> None:
    world.environ["EDITOR"] = "vi"
    assert not world.was_asked()


@pytest.mark.parametrize(
    "words",
    [
        ("install", "--isolated", "six"),
        ("--isolated", "install", "six"),
        ("install", "--require-virtualenv", "six"),
        ("install", "--dry-run", "six"),
        ("install", "--report", "-", "six"),
        ("install", "--user", "six"),
        ("uninstall", "six"),
    ],
)
def test_another_kind_of_command_is_asked_about(world: World, words: tuple[str, ...]) -> None:
    assert world.was_asked(*words)
    assert not world.was_asked(*words)


def test_verbose_shows_what_pip_says_and_so_asks_it(world: World) -> None:
    assert world.was_asked("install", "-v", "six")
    assert not world.was_asked()


def test_a_pip_that_starts_again_elsewhere_is_always_asked(world: World) -> None:
    for _ in range(2):
        assert world.was_asked("--python", "elsewhere", "install", "six")
    world.environ["PIP_PYTHON"] = "elsewhere"
    for _ in range(2):
        assert world.was_asked()
    del world.environ["PIP_PYTHON"]
    write(world.home / "xdg-config/pip/pip.conf", "[global]\nPython: elsewhere\n")
    for _ in range(2):
        assert world.was_asked()


def test_a_pip_whose_package_is_nowhere_to_be_seen_is_always_asked(
    fake_pip: MakeFakePip, make_managed: MakeManagedPython, home: Path
) -> None:
    python = make_managed(Recipe(pip=None))
    world = World(fake_pip(REFUSED, interpreter=python.python), python, home, dict(os.environ))
    for _ in range(2):
        assert world.was_asked()


def test_a_failure_of_another_kind_is_not_remembered(
    fake_pip: MakeFakePip, make_managed: MakeManagedPython, home: Path
) -> None:
    python = make_managed()
    pip = fake_pip(Transcript(status=1, stderr=b"ERROR: no\n"), interpreter=python.python)
    world = World(pip, python, home, dict(os.environ))
    for count in (1, 2):
        assert world.ask() == Forwarded(1, None)
        assert len(pip.calls) == count


def test_without_a_cache_every_run_asks(world: World) -> None:
    world.environ["XDG_CACHE_HOME"] = "/dev/null/cache"
    for _ in range(2):
        assert world.was_asked()


def test_pip_can_be_asked_afresh(world: World) -> None:
    assert world.was_asked(afresh=True)
