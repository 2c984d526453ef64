"""Images, sudo and a session as root: whole Debian machines, as the documentation has them.

Only with `--run-fresh-machines`; see `test_fresh_machines.py`.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import CHECKOUT
from harness.machines import Machine
from harness.running import Result
from test_fresh_machines import take_machine

pytestmark = [pytest.mark.fresh_machine, pytest.mark.longest(900)]

# The recipes of the documentation; COPY is what the test does by hand.
PROJECT_ENVIRONMENT = """\
ENV PATH=/app/.venv/bin:$PATH
WORKDIR /app
COPY requirements.txt app.py
RUN /opt/pipguard/scripts/pipguard install -r requirements.txt
RUN pip install pycowsay
CMD ["python", "app.py"]
"""
THROW_AWAY = """\
ENV PIPGUARD_ROUTE=override
WORKDIR /app
COPY requirements.txt app.py
RUN /opt/pipguard/scripts/pipguard install -r requirements.txt
CMD ["python3", "app.py"]
"""


def enter(machine: Machine, changes: Path, script: str) -> Result:
    """Run a shell script as root; what it changes stays in `changes`."""
    return replace(machine, changes=changes).run(script)


@pytest.fixture
def debian(outside_environment: dict[str, str]) -> Machine:
    """Debian 12 with python3-pip."""
    machine = take_machine("bookworm-pip", "root", outside_environment)
    return replace(machine, shown=((CHECKOUT, "/opt/pipguard"),))


def build(machine: Machine, upper: Path, recipe: str) -> Result:
    """Perform a recipe line by line, each RUN in a container of its own; return what CMD does."""
    begin = "export container=oci; mkdir -p /app; cd /app\n"
    files = "printf 'six\\n' >requirements.txt; echo 'import six; print(six.__name__)' >app.py\n"
    for line in recipe.splitlines():
        word, _, rest = line.partition(" ")
        if word == "ENV":
            begin += f"export {rest}\n"
        elif word == "COPY":
            assert enter(machine, upper, begin + files).status == 0
        elif word == "RUN":
            result = enter(machine, upper, f"{begin}sh -c {shlex.quote(rest)}")
            assert result.status == 0, (line, result.err)
        elif word == "CMD":
            return enter(machine, upper, f"{begin}exec {shlex.join(json.loads(rest))}")
    raise AssertionError("a recipe ends with CMD")


@pytest.mark.parametrize("recipe", [PROJECT_ENVIRONMENT, THROW_AWAY])
def test_recipes_for_images(debian: Machine, tmp_path: Path, recipe: str) -> None:
    result = build(debian, tmp_path / "upper", recipe)
    assert (result.status, result.out) == (0, "six\n"), result.err


def test_root_alone_works_without_noise(debian: Machine, tmp_path: Path) -> None:
    script = "mkdir /srv/p; cd /srv/p; /opt/pipguard/scripts/pipguard install -q six; ls -A"
    enter(debian, tmp_path / "upper", "/opt/pipguard/scripts/pipguard --version")
    result = enter(debian, tmp_path / "upper", script)
    assert (result.status, result.out) == (0, ".venv\n")
    assert len(result.err.splitlines()) == 1, result.err


SUDO = """\
mkdir -p /home/user/p; chown user:user /home/user/p; cd /home/user/p
export SUDO_UID=1000 SUDO_GID=1000 SUDO_USER=user SUDO_COMMAND=pip
"""


def test_sudo_in_a_users_project_leaves_nothing_of_roots(debian: Machine, tmp_path: Path) -> None:
    upper = tmp_path / "upper"
    pipguard = "/opt/pipguard/scripts/pipguard"
    result = enter(debian, upper, f"{SUDO}{pipguard} install six && {pipguard} install pycowsay")
    assert result.status == 0, result.err
    assert "pipguard: /home/user/p belongs to user, so this runs as user, not as root" in result.err
    listed = "find /home/user ! -user user; find /root -newer /home/user/p -path '*pipguard*/log*'"
    assert enter(debian, upper, listed).out == ""
    shown = enter(debian, upper, f"{SUDO}{pipguard} freeze; ls /home/user/.local/bin")
    assert shown.out == "six==1.17.0\npycowsay\n"
    gone = enter(debian, upper, f"{SUDO}{pipguard} uninstall -y six && {pipguard} freeze")
    assert (gone.status, gone.out.splitlines()[-1]) == (0, "  Successfully uninstalled six-1.17.0")


def test_sudo_where_root_is_at_home_stays_root(debian: Machine, tmp_path: Path) -> None:
    script = f"{SUDO}mkdir -p ~root/p; cd ~root/p; /opt/pipguard/scripts/pipguard install six"
    result = enter(debian, tmp_path / "upper", script)
    assert result.status == 0, result.err
    assert "not as root" not in result.err
