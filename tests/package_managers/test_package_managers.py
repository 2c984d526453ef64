"""What the package managers' answers mean, what versions mean, and which route that makes.

The answers of apt (but for the mirror's name), rpm, zypper and pacman are what those of Debian 12
print; those of apk and Homebrew are in the form that their manuals show.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pipguard.classification.judge import JudgedTarget
from pipguard.classification.targets import read_target
from pipguard.package_managers.queries import load_manager
from pipguard.package_managers.types import Found, Offer, SystemPackage, public_version
from pipguard.pip.command_line import parse_command
from pipguard.plans.system import plan_system
from pipguard.route import Declined, Request, Route, ToSystem, choose_system_route
from pipguard.settings import PACKAGE_MANAGERS


@pytest.mark.parametrize(
    ("theirs", "project"),
    [
        ("2.28.1+dfsg-1", "2.28.1"),
        ("1:2.31.0-1", "2.31.0"),
        ("6.0-3+b2", "6.0"),
        ("2.0~rc1-1", "2.0rc1"),
        ("2.0~beta.3-1", "2.0beta3"),
        ("5.0.0+really4.2.1-2", "4.2.1"),
        ("2:1.0^git20240101-1.fc40", "1.0"),
        ("2.31.0-r0", "2.31.0"),
        ("0.0~git20200101-1", "0.0"),
        ("4.9.2-1+deb12u1", "4.9.2"),
        ("1.0.post2-1", "1.0.post2"),
        ("20240101-1ubuntu1", "20240101"),
        ("v3.2", "3.2"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_the_projects_version_in_the_distributions(theirs: str, project: str) -> None:
    assert public_version(theirs) == project


@pytest.mark.parametrize(
    ("manager", "project", "names"),
    [
        ("apt", "requests", ("python3-requests",)),
        ("apt", "beautifulsoup4", ("python3-bs4", "python3-beautifulsoup4")),
        ("apt", "pyyaml", ("python3-yaml", "python3-pyyaml")),
        ("apt", "opencv-python", ("python3-opencv", "python3-opencv-python")),
        ("apt", "serial", ()),
        ("apt", "black", ("black", "python3-black")),
        ("apt", "rubber", ("python3-rubber",)),  # Debian has LaTeX's `rubber`, another project
        ("dnf", "requests", ("python3dist(requests)",)),
        ("zypper", "requests", ("python3dist(requests)",)),
        ("pacman", "pyyaml", ("python-yaml", "python-pyyaml")),
        ("pacman", "python-dateutil", ("python-dateutil", "python-python-dateutil")),
        ("apk", "requests", ("py3-requests",)),
        ("brew", "opencv-python", ("opencv",)),
        ("brew", "numpy", ("numpy",)),
    ],
)
def test_what_a_project_may_be_called(manager: str, project: str, names: tuple[str, ...]) -> None:
    assert load_manager(manager).guess_names(project) == names


APT = """\
python3-requests:
  Installed: (none)
  Candidate: 2.28.1+dfsg-1
  Version table:
     2.28.1+dfsg-1 500
        500 http://mirror/debian bookworm/main amd64 Packages
python3-apt:
  Installed: 2.6.0
  Candidate: 2.6.0
  Version table:
 *** 2.6.0 500
        500 http://mirror/debian bookworm/main amd64 Packages
        100 /var/lib/dpkg/status
mail-transport-agent:
  Installed: (none)
  Candidate: (none)
  Version table:
"""
APT_HAS = [
    Found("python3-requests", "2.28.1+dfsg-1", installed=""),
    Found("python3-apt", "2.6.0", installed="2.6.0"),
]
ZYPPER = """\
<?xml version='1.0'?>
<stream><search-result version="0.0"><solvable-list>
<solvable status="not-installed" name="python3-requests" kind="package" edition="2.31.0-1"/>
<solvable status="other-version" name="python3-requests" kind="package" edition="2.30.0-1"/>
</solvable-list></search-result></stream>
"""
PACMAN = """\
Repository      : extra
Name            : python-requests
Version         : 2.32.3-1
Depends On      : python-urllib3  python-idna
"""
BREW = json.dumps(
    {
        "formulae": [
            {
                "name": "numpy",
                "versions": {"stable": "2.1.3", "head": None},
                "dependencies": ["openblas"],
                "build_dependencies": ["python@3.13"],
            }
        ]
    }
)


@pytest.mark.parametrize(
    ("manager", "answer", "found"),
    [
        ("apt", APT, APT_HAS),
        ("dnf", "python3-x\t1.0-1\n\npython3-x\t1.0-1\n", [Found("python3-x", "1.0-1")]),
        ("zypper", ZYPPER, [Found("python3-requests", "2.31.0-1")]),
        ("pacman", PACMAN, [Found("python-requests", "2.32.3-1")]),
        ("apk", "py3-requests-2.32.3-r0\n", [Found("py3-requests", "2.32.3-r0")]),
        ("brew", BREW, [Found("numpy", "2.1.3")]),
    ],
)
def test_what_an_answer_offers(manager: str, answer: str, found: list[Found]) -> None:
    assert load_manager(manager).read_answer(answer) == found


@pytest.mark.parametrize("manager", PACKAGE_MANAGERS)
@pytest.mark.parametrize("answer", ["", "\n", "E: no such thing\n", "{}", "::\n:\n", "a b c\n"])
def test_answers_without_an_offer(manager: str, answer: str) -> None:
    module = load_manager(manager)
    assert module.read_answer(answer) == []
    assert module.read_owner("") == ""
    module.read_installed(answer)
    module.read_removal(answer)
    module.read_dependents(answer)


def test_who_owns_a_file() -> None:
    assert load_manager("apt").read_owner("libpython3:amd64: /usr/lib/x\n") == "libpython3"
    assert load_manager("apt").read_owner("a, b: /usr/lib\n") == "a"
    assert load_manager("apt").read_owner("dpkg-query: no path found matching pattern /x\n") == ""
    assert load_manager("dnf").read_owner("python3-libs\n") == "python3-libs"
    assert load_manager("dnf").read_owner("file /x is not owned by any package\n") == ""
    assert load_manager("apk").read_owner("/x is owned by python3-3.12.7-r0\n") == "python3"


TARGET = read_target("requests>=2", "/")
PACKAGE = SystemPackage(TARGET, "python3-requests", "2.28.1-1", "2.28.1")
OFFER = Offer("apt", "/usr/bin/apt-get", (PACKAGE,), command="sudo apt-get install x")


def choose(words: str, offer: Offer) -> Route:
    command = parse_command(words.split())
    targets = tuple(JudgedTarget(read_target(text, "/")) for text in command.arguments)
    return choose_system_route(Request(command, targets), offer)


def test_an_offer_that_fits_is_taken() -> None:
    route = choose("install requests>=2", OFFER)
    assert isinstance(route, ToSystem)
    plan = plan_system(route, parse_command(["install", "requests>=2"]), load_manager("apt"))
    assert plan.steps[0].command[:2] == ("/usr/bin/apt-get", "install")
    assert plan.steps[0].question == ""


def test_sudo_is_asked_for_and_never_assumed() -> None:
    route = choose("install requests>=2", replace(OFFER, sudo="/usr/bin/sudo"))
    assert isinstance(route, ToSystem)
    plan = plan_system(route, parse_command(["install", "requests>=2"]), load_manager("apt"))
    assert plan.steps[0].command[:2] == ("/usr/bin/sudo", "/usr/bin/apt-get")
    assert "sudo" in plan.steps[0].question
    declined = choose("install requests>=2", replace(OFFER, is_allowed=False))
    assert isinstance(declined, Declined)
    assert (declined.reason, declined.exit_status) == ("apt needs root", 1)
    assert declined.hint == "run: `sudo apt-get install x`"


@pytest.mark.parametrize(
    ("package", "reason"),
    [
        (replace(PACKAGE, public_version="1.9"), "has python3-requests 2.28.1-1, and"),
        (replace(PACKAGE, public_version=""), "has python3-requests 2.28.1-1, and"),
        (SystemPackage(TARGET), "has no package of `requests>=2`"),
        (SystemPackage(TARGET, others=("a", "b")), "several packages hold `requests`: a, b"),
    ],
)
def test_what_does_not_fit_is_declined(package: SystemPackage, reason: str) -> None:
    declined = choose("install requests>=2", replace(OFFER, packages=(package,)))
    assert isinstance(declined, Declined)
    assert reason in declined.reason
    assert declined.exit_status == 1


def test_what_is_there_in_the_newest_version_is_enough() -> None:
    there = replace(OFFER, packages=(replace(PACKAGE, installed="2.28.1-1"),), is_allowed=False)
    declined = choose("install requests>=2", there)
    assert isinstance(declined, Declined)
    assert declined.exit_status == 0
    older = replace(OFFER, packages=(replace(PACKAGE, installed="2.20-1"),))
    assert isinstance(choose("install requests>=2", older), ToSystem)


def test_nothing_is_taken_along() -> None:
    package = replace(PACKAGE, installed="2.28.1-1")
    offer = replace(OFFER, packages=(package,), taken_along=("certbot",))
    declined = choose("uninstall requests", offer)
    assert isinstance(declined, Declined)
    assert "take away certbot, too" in declined.reason
