"""`PIPGUARD_ROUTE=system` on real package managers, each in a root folder of its own.

apt, dnf, zypper and pacman are started through small programs on PATH that point them at that
folder and at a repository that the test builds; nothing of the machine's own is changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.managed import ManagedPython, write_executable
from harness.running import RunPipguard, RunPipguardOnTerminal

pytestmark = [
    pytest.mark.usefixtures("managed_python", "use_stand_ins", "project"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: package managers do"),
]

SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: Stand-in for tests
License: MIT
BuildArch: noarch
{fields}
AutoReqProv: no
%description
Stand-in for tests.
%files
"""


@dataclass(frozen=True, slots=True)
class Package:
    """A package to build: its name, version, project and what it needs."""

    name: str
    version: str = "2.31.0"
    project: str = ""
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """A package manager with a root folder and a repository of its own."""

    name: str
    prefix: str
    install: Callable[[], str]
    """Return the names of what is installed, each in a line."""


def call(*words: str | Path, cwd: Path | None = None, home: Path | None = None) -> str:
    environment = {**os.environ, "PATH": os.defpath + ":/usr/sbin:/sbin"}
    if home:
        environment["HOME"] = str(home)
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout.decode()


def require(*programs: str) -> None:
    for name in programs:
        if not shutil.which(name, path=os.defpath + ":/usr/sbin:/sbin"):
            pytest.skip(f"needs another platform: {name} is not installed")


def put_on_path(monkeypatch: pytest.MonkeyPatch, folder: Path, wrappers: dict[str, str]) -> None:
    for name, text in wrappers.items():
        write_executable(folder / "bin" / name, f"#!/bin/sh\n{text}\n")
    monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")


def make_apt(folder: Path, packages: list[Package], monkeypatch: pytest.MonkeyPatch) -> Machine:
    require("apt-get", "dpkg-deb", "dpkg-scanpackages")
    root, repository = folder / "root", folder / "repository"
    places = (
        "var/lib/dpkg/updates var/lib/dpkg/info var/lib/apt/lists/partial var/log/apt etc/apt"
        " var/cache/apt/archives/partial usr/share"
    )
    for place in places.split():
        (root / place).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    repository.mkdir()
    for package in packages:
        control = folder / package.name / "DEBIAN"
        control.mkdir(parents=True)
        needs = f"Depends: {package.needs}\n" if package.needs else ""
        (control / "control").write_text(
            f"Package: {package.name}\nVersion: {package.version}\nArchitecture: all\n{needs}"
            "Maintainer: nobody <nobody@localhost>\nDescription: Stand-in for tests\n"
        )
        call("dpkg-deb", "--build", control.parent, repository)
    index = call("dpkg-scanpackages", ".", cwd=repository)
    (repository / "Packages").write_text(index)
    (root / "etc/apt/sources.list").write_text(f"deb [trusted=yes] file:{repository} ./\n")
    configuration = folder / "apt.conf"
    configuration.write_text(
        f'Dir "{root}";\nDir::Bin::dpkg "/usr/bin/dpkg";\n'
        'Dir::Bin::methods "/usr/lib/apt/methods";\n'
        f'Dir::State::status "{root}/var/lib/dpkg/status";\nAPT::Sandbox::User "root";\n'
        f'DPkg::Options {{ "--root={root}"; "--force-not-root"; "--force-bad-path"; }};\n'
    )
    settings = f"APT_CONFIG={configuration} PATH=/usr/sbin:/usr/bin:/sbin:/bin"
    wrappers = {name: f'{settings} exec /usr/bin/{name} "$@"' for name in ("apt-get", "apt-cache")}
    listing = f"/usr/bin/dpkg-query --admindir={root}/var/lib/dpkg"
    wrappers["dpkg-query"] = f'exec {listing} "$@"'
    put_on_path(monkeypatch, folder, wrappers)
    call(folder / "bin/apt-get", "update")
    words = [*listing.split(), "-W", "-f", "${Package}\n"]
    return Machine("apt", "python3-", lambda: call(*words))


def build_rpms(folder: Path, packages: list[Package]) -> Path:
    require("rpmbuild", "createrepo_c", "rpm")
    repository = folder / "repository"
    repository.mkdir()
    for package in packages:
        fields = f"Provides: python3dist({package.project}) = {package.version}\n"
        fields = fields if package.project else ""
        fields += f"Requires: {package.needs}\n" if package.needs else ""
        spec = folder / f"{package.name}.spec"
        spec.write_text(SPEC.format(name=package.name, version=package.version, fields=fields))
        call("rpmbuild", "--quiet", "--define", f"_topdir {folder}/rpm", "-bb", spec)
    for path in (folder / "rpm/RPMS/noarch").iterdir():
        shutil.copy(path, repository)
    call("createrepo_c", "-q", repository)
    return repository


def make_dnf(folder: Path, packages: list[Package], monkeypatch: pytest.MonkeyPatch) -> Machine:
    require("dnf")
    repository = build_rpms(folder, packages)
    (folder / "repos").mkdir()
    (folder / "repos/local.repo").write_text(
        f"[local]\nname=local\nbaseurl=file://{repository}\ngpgcheck=0\n"
    )
    root = folder / "root"
    options = f"--installroot={root} --releasever=40 --setopt=reposdir={folder}/repos"
    rpm = f"/usr/bin/rpm --root {root}"
    start = "HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin exec"
    wrappers = {"dnf": f'{start} /usr/bin/dnf {options} "$@"', "rpm": f'{start} {rpm} "$@"'}
    put_on_path(monkeypatch, folder, wrappers)
    words = (*rpm.split(), "-qa", "--qf", "%{NAME}\n")
    return Machine("dnf", "python3-", lambda: call(*words, home=Path("/root")))


def make_zypper(folder: Path, packages: list[Package], monkeypatch: pytest.MonkeyPatch) -> Machine:
    require("zypper")
    repository = build_rpms(folder, [*packages, Package("filesystem")])
    root = folder / "root"
    root.mkdir()
    zypper = f"/usr/bin/zypper --root {root} --no-gpg-checks"
    # Debian's rpm keeps its database in the home folder, where zypper does not look.
    (folder / "home").mkdir()
    (folder / "home/.rpmmacros").write_text("%_dbpath /var/lib/rpm\n")
    rpm = f"/usr/bin/rpm --root {root}"
    start = f"HOME={folder}/home PATH=/usr/sbin:/usr/bin:/sbin:/bin exec"
    wrappers = {"zypper": f'{start} {zypper} "$@"', "rpm": f'{start} {rpm} "$@"'}
    put_on_path(monkeypatch, folder, wrappers)
    call(folder / "bin/zypper", "addrepo", "--no-gpgcheck", f"dir:{repository}", "local")
    # Debian's rpmdb2solv fails where nothing at all is installed.
    call(folder / "bin/zypper", "--non-interactive", "install", "filesystem")
    words = (*rpm.split(), "-qa", "--qf", "%{NAME}\n")
    return Machine("zypper", "python3-", lambda: call(*words, home=folder / "home"))


def write_description(folder: Path, package: Package, archive: Path) -> None:
    """What repo-add writes; Debian's needs the whole of makepkg for it."""
    fields = {"FILENAME": archive.name, "NAME": package.name, "VERSION": f"{package.version}-1",
              "ARCH": "any", "CSIZE": str(archive.stat().st_size), "DEPENDS": package.needs,
              "SHA256SUM": hashlib.sha256(archive.read_bytes()).hexdigest()}  # fmt: skip
    place = folder / f"{package.name}-{package.version}-1" / "desc"
    place.parent.mkdir(parents=True)
    place.write_text("".join(f"%{key}%\n{value}\n\n" for key, value in fields.items() if value))


def make_pacman(folder: Path, packages: list[Package], monkeypatch: pytest.MonkeyPatch) -> Machine:
    require("pacman", "bsdtar", "zstd")
    root, repository = folder / "root", folder / "repository"
    for place in (root / "var/lib/pacman", root / "var/cache", repository):
        place.mkdir(parents=True)
    for package in packages:
        content = folder / "content" / package.name
        (content / "usr/share" / package.name).mkdir(parents=True)
        lines = [f"pkgname = {package.name}", f"pkgbase = {package.name}",
                 f"pkgver = {package.version}-1", "pkgdesc = Stand-in", "builddate = 1700000000",
                 "packager = test", "size = 100", "arch = any", "license = MIT"]  # fmt: skip
        lines += [f"depend = {package.needs}"] if package.needs else []
        (content / ".PKGINFO").write_text("\n".join([*lines, ""]))
        archive = repository / f"{package.name}-{package.version}-1-any.pkg.tar.zst"
        tar = "bsdtar --uid 0 --gid 0 -cf - .PKGINFO usr | zstd -q"
        call("sh", "-c", f"{tar} > {archive}", cwd=content)
        write_description(folder / "db", package, archive)
    call("sh", "-c", f"bsdtar -czf {repository}/extra-test.db *", cwd=folder / "db")
    configuration = folder / "pacman.conf"
    configuration.write_text(
        f"[options]\nArchitecture = auto\nSigLevel = Never\n"
        f"[extra-test]\nServer = file://{repository}\n"
    )
    pacman = f"/usr/bin/pacman --config {configuration} --root {root}"
    pacman += f" --dbpath {root}/var/lib/pacman --cachedir {root}/var/cache"
    start = "PATH=/usr/sbin:/usr/bin:/sbin:/bin exec"
    put_on_path(monkeypatch, folder, {"pacman": f'{start} {pacman} "$@"'})
    call(folder / "bin/pacman", "-Sy")
    return Machine("pacman", "python-", lambda: call("sh", "-c", f"{pacman} -Qq || :"))


MAKERS = {"apt": make_apt, "dnf": make_dnf, "zypper": make_zypper, "pacman": make_pacman}


@pytest.fixture(params=sorted(MAKERS))
def machine(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Machine:
    """Each package manager in turn, with two libraries, one of which needs the other."""
    name: str = request.param
    prefix = "python-" if name == "pacman" else "python3-"
    packages = [
        Package(f"{prefix}tinylib", "2.31.0", "tinylib"),
        Package(f"{prefix}tinyneeds", "1.0", "tinyneeds", f"{prefix}tinylib"),
    ]
    monkeypatch.setenv("PIPGUARD_ROUTE", "system")
    monkeypatch.setenv("PIPGUARD_PACKAGE_MANAGER", name)
    return MAKERS[name](tmp_path, packages, monkeypatch)


def ours(machine: Machine) -> set[str]:
    return {name for name in machine.install().split() if "tiny" in name}


def test_packages_come_and_go(machine: Machine, run_pipguard: RunPipguard) -> None:
    library, needing = f"{machine.prefix}tinylib", f"{machine.prefix}tinyneeds"
    done = run_pipguard(["install", "tinylib>=2"])
    assert done.status == 0, done.err
    assert done.out == ""
    assert f"installing {library} 2.31.0" in done.err
    assert f" with {machine.name}\n" in done.err
    assert ours(machine) == {library}
    again = run_pipguard(["install", "tinylib"])
    assert again.status == 0
    assert f"installed already: {library} 2.31.0" in again.err
    assert run_pipguard(["install", "tinyneeds"]).status == 0
    assert ours(machine) == {library, needing}
    undone = run_pipguard(["guard", "undo"])
    assert undone.status == 0, undone.err
    assert ours(machine) == {library}
    removed = run_pipguard(["uninstall", "-y", "tinylib"])
    assert removed.status == 0, removed.err
    assert ours(machine) == set()
    back = run_pipguard(["guard", "undo"])
    assert back.status == 0, back.err
    assert ours(machine) == {library}


def test_what_does_not_fit_is_declined(machine: Machine, run_pipguard: RunPipguard) -> None:
    def decline(*words: str) -> str:
        done = run_pipguard(words)
        assert (done.status, done.out) == (1, ""), done.err
        assert len(done.err.splitlines()) <= 4
        return done.err

    newer = decline("install", "tinylib>=3")
    assert f"has {machine.prefix}tinylib 2.31.0" in newer
    assert "`tinylib>=3` was asked for" in newer
    assert "has no package of `nosuch`" in decline("install", "tinylib", "nosuch")
    assert "names alone" in decline("install", "-r", "requirements.txt")
    assert "no extras" in decline("install", "tinylib[x]")
    assert "is not the name of a project" in decline("install", "./tinylib.whl")
    assert "is not among the packages" in decline("uninstall", "-y", "tinylib")
    assert ours(machine) == set()
    dry = run_pipguard(["install", "--dry-run", "tinylib"])
    assert dry.status == 0
    assert "would run: " in dry.err
    assert ours(machine) == set()


def test_what_others_need_is_not_removed(machine: Machine, run_pipguard: RunPipguard) -> None:
    assert run_pipguard(["install", "tinyneeds"]).status == 0
    both = ours(machine)
    done = run_pipguard(["uninstall", "-y", "tinylib"])
    assert done.status != 0
    assert "tinyneeds" in done.err
    assert ours(machine) == both


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """apt with one library."""
    monkeypatch.setenv("PIPGUARD_ROUTE", "system")
    monkeypatch.setenv("PIPGUARD_PACKAGE_MANAGER", "apt")
    return make_apt(tmp_path, [Package("python3-tinylib", "1:2.31.0+dfsg-1")], monkeypatch)


def test_removing_asks_as_pip_does(
    apt: Machine, run_pipguard: RunPipguard, run_pipguard_on_terminal: RunPipguardOnTerminal
) -> None:
    assert run_pipguard(["install", "tinylib==2.31"]).status == 0
    words = ["uninstall", "tinylib"]
    run_pipguard_on_terminal(words, answers=[(b"(Y/n)", b"n\n")])
    assert ours(apt) == {"python3-tinylib"}
    assert run_pipguard(words).status == 1
    assert ours(apt) == {"python3-tinylib"}
    run_pipguard_on_terminal(words, answers=[(b"(Y/n)", b"y\n")])
    assert ours(apt) == set()


def test_explain_shows_both_offers(apt: Machine, run_pipguard: RunPipguard) -> None:
    done = run_pipguard(
        ["guard", "explain", "--json", "install", "tinylib"], env={"PIPGUARD_ROUTE": None}
    )
    (target,) = json.loads(done.out)["targets"]
    assert target["system"] == "apt has python3-tinylib 1:2.31.0+dfsg-1"
    assert target["index"] == "2.0"


def test_an_unknown_package_manager(
    run_pipguard: RunPipguard, managed_python: ManagedPython
) -> None:
    wrong = {"PIPGUARD_ROUTE": "system", "PIPGUARD_PACKAGE_MANAGER": "winget"}
    done = run_pipguard(["install", "tinylib"], env=wrong)
    assert done.status == 1
    assert "accepted: apt, dnf, zypper, pacman, apk, brew" in done.err
    absent = {"PIPGUARD_ROUTE": "system"}
    done = run_pipguard(["install", "tinylib"], env=absent)
    assert done.status == 1
    assert "none of the package managers that pipguard knows is here" in done.err


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("xbps-install", "xbps-install -S python3-tinylib python3-tinyapp`"),
        ("emerge", "emerge --ask dev-python/tinylib dev-python/tinyapp`"),
    ],
)
def test_the_command_of_a_manager_that_cannot_be_asked(
    run_pipguard: RunPipguard,
    managed_python: ManagedPython,
    home: Path,
    program: str,
    expected: str,
) -> None:
    write_executable(home / ".local/bin" / program, "#!/bin/sh\nexit 1\n")
    done = run_pipguard(["install", "tinylib", "tinyapp>=1"], env={"PIPGUARD_ROUTE": "system"})
    assert done.status == 1
    assert "pipguard: by its usual names: `" in done.err
    assert expected in done.err
