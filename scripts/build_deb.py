"""Builds a Debian package, for every Debian and Ubuntu with a Python of 3.11 or newer.

In: `build-deb [--output FOLDER]`; the dependencies come from the index that pip's configuration
names, pinned and hashed by `requirements.txt`. Out: `pipguard_VERSION_all.deb`; the same checkout
gives the same bytes each time. It has an environment of its own in /usr/lib/pipguard, a manual
page, completions, and a configuration file that sets nothing; it installs no shims. Needs dpkg-deb.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from email.utils import formatdate
from pathlib import Path

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

from build_zipapp import download
from set_up import CHECKOUT

sys.path.append(str(CHECKOUT))

from packaging.utils import parse_wheel_filename

from pipguard.commands.help import read_topics
from pipguard.commands.manual import format_manual
from pipguard.shells.script import COMPLETED, build_completion
from pipguard.system.version import read_version

OLDEST, NEWEST = 11, 15
"""Minor versions of the Pythons that find its libraries."""
PLACE = "usr/lib/pipguard"
COMMAND = "/usr/bin/pipguard"
NAME, ADDRESS = "The pipguard developers", "nobody@pipguard-shim.invalid"
"""Of the maintainer; whoever publishes it sets DEBFULLNAME and DEBEMAIL, as for every package."""
TIME = 1704067200
"""Of every file in it, in seconds since the epoch; SOURCE_DATE_EPOCH overrides it."""

CONTROL = """\
Package: pipguard
Version: {version}
Architecture: all
Maintainer: {maintainer}
Installed-Size: {size}
Depends: python3 (>= 3.{oldest})
Recommends: python3-pip
Section: python
Priority: optional
Description: drop-in pip for Pythons that refuse it (PEP 668)
 Where pip says externally-managed-environment, pipguard sends the install
 where it belongs: libraries to the project's .venv, made with virtualenv when
 there is none, command-line applications to pipx. Everything else stays
 pip's, byte for byte.
 .
 Nothing changes until a user says alias pip=pipguard, or an administrator
 or user installs the shims: pipguard guard shims install.
"""
SCRIPTS = {
    "postinst": """\
#!/bin/sh
set -e
if [ "$1" = configure ] && command -v py3compile >/dev/null 2>&1; then
    py3compile -p pipguard /usr/lib/pipguard
fi
""",
    "prerm": """\
#!/bin/sh
set -e
if command -v py3clean >/dev/null 2>&1; then
    py3clean -p pipguard
else
    find /usr/lib/pipguard -name __pycache__ -prune -exec rm -rf {} +
fi
""",
}
CONFIGURATION = """\
# What pipguard does for all users of this machine: `man pipguard`, SETTINGS.
# Each user's own ~/.config/pipguard/config.toml weighs more.
#
# route = "auto"                # or venv, pipx, system, off
# installer = "pip"             # or uv
# environments = "project"      # or central
# shim-in-ci = "pass"           # or act
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: pipguard-shim
Comment: The libraries in {place} come with their licences beside their metadata there.

Files: *
Copyright: {holder}
License: Expat
{licence}
"""
CHANGES = """\
pipguard ({version}) unstable; urgency=medium

  * Version {version}.

 -- {maintainer}  {date}
"""


def main() -> int:
    """Build it."""
    parser = argparse.ArgumentParser("scripts/build-deb", description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=Path(), help="the folder to put it in")
    folder: Path = parser.parse_args().output
    if not shutil.which("dpkg-deb"):
        raise SystemExit("needs dpkg-deb, which Debian and Ubuntu have")
    with tempfile.TemporaryDirectory() as working:
        root = Path(working, "root")
        root.mkdir(mode=0o755)
        lay_out(root, Path(working))
        settle(root)
        output = folder / f"pipguard_{read_version()}_all.deb"
        pack(root, output)
    print(output)
    return 0


def lay_out(root: Path, working: Path) -> None:
    """Write all of the package's files."""
    site = root / PLACE / "lib/python3/site-packages"
    unpack_wheels(site, working)
    make_environment(root / PLACE)
    command = f'#!/bin/sh\nexec /{PLACE}/bin/python -I /{PLACE}/start.py "$0" "$@"\n'
    write(root / COMMAND[1:], command, 0o755)
    start = "import sys\n\nsys.argv = sys.argv[1:]\n\nfrom pipguard.cli import main\n\n"
    write(root / PLACE / "start.py", f"{start}sys.exit(main())\n")
    share = root / "usr/share"
    write_compressed(share / "man/man1/pipguard.1.gz", format_manual(read_topics()))
    files = {"bash": "bash-completion/completions/pipguard",
             "zsh": "zsh/vendor-completions/_pipguard",
             "fish": "fish/vendor_completions.d/pipguard.fish"}  # fmt: skip
    for shell in COMPLETED:
        write(share / files[shell], build_completion(shell, COMMAND))
    write(root / "etc/xdg/pipguard/config.toml", CONFIGURATION)
    person = os.environ.get("DEBFULLNAME", NAME), os.environ.get("DEBEMAIL", ADDRESS)
    facts = {
        "version": read_version(),
        "maintainer": f"{person[0]} <{person[1]}>",
        "date": formatdate(read_time()),
    }
    write_compressed(share / "doc/pipguard/changelog.gz", CHANGES.format(**facts))
    write(share / "doc/pipguard/copyright", describe_licence())
    for name, text in SCRIPTS.items():
        write(root / "DEBIAN" / name, text, 0o755)
    write(root / "DEBIAN/conffiles", "/etc/xdg/pipguard/config.toml\n")
    size = sum(p.stat().st_size for p in root.rglob("*") if p.is_file() and not p.is_symlink())
    control = CONTROL.format(**facts, oldest=OLDEST, size=size // 1024)
    write(root / "DEBIAN/control", control)


def unpack_wheels(site: Path, working: Path) -> None:
    """Unpack pipguard's own wheel and those of its dependencies."""
    site.mkdir(parents=True)
    wheels = download(f"3.{OLDEST}", working / "wheels")
    paths = [working / "wheels" / name for name, _ in wheels]
    for path in [build_wheel(working), *paths]:
        name, version, _, _ = parse_wheel_filename(path.name)
        with zipfile.ZipFile(path) as wheel:
            wheel.extractall(site)
        print(f"{name} {version}", file=sys.stderr)


def build_wheel(folder: Path) -> Path:
    """Build pipguard's own wheel, by its build backend."""
    from hatchling.build import build_wheel

    before = os.getcwd()
    os.chdir(CHECKOUT)
    try:
        return folder / build_wheel(str(folder))
    finally:
        os.chdir(before)


def make_environment(place: Path) -> None:
    """Make what a virtual environment is, for whichever Python is the system's (PEP 405)."""
    write(place / "pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n")
    (place / "bin").mkdir()
    for name in ("python", "python3"):
        (place / "bin" / name).symlink_to("../../../bin/python3")
    for minor in range(OLDEST, NEWEST + 1):
        (place / "lib" / f"python3.{minor}").symlink_to("python3")


def describe_licence() -> str:
    """Return the copyright file in Debian's format."""
    text = (CHECKOUT / "LICENSE").read_text(encoding="utf-8")
    holder = next(line for line in text.splitlines() if line.startswith("Copyright"))
    body = text.partition(holder)[2].strip().splitlines()
    licence = "\n".join(f" {line.strip() or '.'}" for line in body)
    words = holder.removeprefix("Copyright (c) ").removeprefix("Copyright ")
    return COPYRIGHT.format(place=f"/{PLACE}", holder=words, licence=licence)


def read_time() -> int:
    """Return the time that every file in the package has."""
    return int(os.environ.get("SOURCE_DATE_EPOCH", TIME))


def settle(root: Path) -> None:
    """Give files and folders the same rights and times, whoever builds."""
    for path in sorted(root.rglob("*")):
        if not path.is_symlink():
            is_program = path.is_dir() or os.access(path, os.X_OK)
            path.chmod(0o755 if is_program else 0o644)
        os.utime(path, (read_time(), read_time()), follow_symlinks=False)


def pack(root: Path, output: Path) -> None:
    """Pack it, under its name when it is whole."""
    output.parent.mkdir(parents=True, exist_ok=True)
    draft = output.with_name(f"{output.name}.{os.getpid()}")
    words = ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(root), str(draft)]
    environ = {**os.environ, "SOURCE_DATE_EPOCH": str(read_time())}
    subprocess.run(words, env=environ, check=True, stdout=subprocess.DEVNULL)
    draft.replace(output)


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a text file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def write_compressed(path: Path, text: str) -> None:
    """Write a compressed text file without a time in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode("utf-8"), 9, mtime=0))


if __name__ == "__main__":
    sys.exit(main())
