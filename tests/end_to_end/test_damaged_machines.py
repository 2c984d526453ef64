"""Whole Debian machines that were damaged: the system's packages, the doctor, undo and rescue.

Only with `--run-fresh-machines`; see `test_fresh_machines.py`. The packages come through apt.
"""

from __future__ import annotations

import pytest
from harness.machines import Machine
from test_fresh_machines import take_machine

pytestmark = [pytest.mark.fresh_machine, pytest.mark.longest(900)]

# pip 25 does not replace what Debian installed without a RECORD; --ignore-installed hides it.
# A program that needs the very version that its distribution ships, as certbot's once did.
PREPARE = """\
exec 2>&1
pipguard="/opt/a checkout/scripts/pipguard"
apt-get update -qq && apt-get install -y -qq python3-requests >/dev/null || exit 98
version=$(python3 -c 'import urllib3; print(urllib3.__version__)')
cat >/usr/bin/program <<PROGRAM
#!/usr/bin/python3
import requests, urllib3
assert urllib3.__version__ == "$version", urllib3.__version__
print("the program works")
PROGRAM
chmod +x /usr/bin/program
verify() { dpkg --verify; echo "verified"; }
verify >~/before
program || exit 97
BREAK="install -q --break-system-packages --ignore-installed urllib3"
"""


@pytest.fixture(params=["bookworm-pip", "trixie-pip"])
def machine(request: pytest.FixtureRequest, outside_environment: dict[str, str]) -> Machine:
    """A machine with pip and with root in front of it."""
    return take_machine(request.param, "root", outside_environment)


def run_scene(machine: Machine, script: str) -> str:
    done = machine.run(PREPARE + "set -e\n" + script + "\necho THE END\n")
    assert done.status == 0, done.out[-4000:]
    assert done.out.endswith("THE END\n")
    return done.out


def test_the_systems_own_packages_come_and_go(machine: Machine) -> None:
    said = run_scene(
        machine,
        """
        dpkg-query -W >~/packages
        PIPGUARD_ROUTE=system "$pipguard" install requests beautifulsoup4
        /usr/bin/python3 -c "import requests, bs4; print('both', bs4.__version__)"
        "$pipguard" guard undo
        dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\\n' | grep ' installed$' |
          sed 's/ installed$//' | tr ' ' '\\t' | diff ~/packages - | grep '^[<>]' | grep -v : || :
        ! /usr/bin/python3 -c "import bs4" 2>/dev/null
        program
        """,
    )
    assert "both 4" in said
    assert said.count("the program works") == 2


def test_an_override_is_named_and_undone(machine: Machine) -> None:
    said = run_scene(
        machine,
        """
        "$pipguard" $BREAK
        ! program 2>/dev/null
        "$pipguard" guard doctor && exit 1
        "$pipguard" guard undo
        program
        verify | diff - ~/before
        """,
    )
    assert "in /usr/local/lib/python3" in said
    assert "hides python3-urllib3" in said
    assert "which python3-requests" in said
    assert said.count("the program works") == 2


def test_a_rescue_where_pipguard_was_not_there(machine: Machine) -> None:
    said = run_scene(
        machine,
        """
        pip $BREAK pycowsay
        ! program 2>/dev/null
        "$pipguard" guard rescue --dry-run
        ! program 2>/dev/null
        "$pipguard" guard rescue
        program
        ~/.local/bin/pycowsay moo
        ~/.local/share/pipguard/rescued/bin/python -c "import urllib3; print('kept')"
        "$pipguard" guard rescue
        verify | diff - ~/before
        """,
    )
    assert said.count("the program works") == 2
    assert "python3-urllib3" in said
    assert "is back" in said
    assert "< moo >" in said
    assert "kept" in said
    assert "nothing to rescue" in said


def test_a_deleted_marker_and_an_edited_one_are_restored(machine: Machine) -> None:
    said = run_scene(
        machine,
        """
        marker=$(ls /usr/lib/python3.*/EXTERNALLY-MANAGED)
        cp "$marker" ~/marker
        rm "$marker"
        "$pipguard" guard doctor --fix
        cmp "$marker" ~/marker
        echo edited >>"$marker"
        "$pipguard" guard doctor --fix
        cmp "$marker" ~/marker
        """,
    )
    assert "is missing" in said
    assert "is not as the package" in said
