"""Clean Debian machines: roots that mmdebstrap makes, entered anew for each script.

In: a suite and packages; a script. Out: a folder that is never written to; what the script left
(an overlay in memory takes its changes). Needs root, apt's mirror and the network; made roots are
kept in the user's cache folder. Raises `NoMachines` where this machine cannot do it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from debian_projects import AptFailed, find_mirror

from harness.running import Result

VARIANTS = {
    "python3": "python3",
    "pip": "python3,python3-pip",
    "everything": "python3,python3-pip,python3-venv,pipx",
}
"""By what is installed beside the smallest Debian."""
_REGISTRY_VARIABLES = (
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL",
    "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_ENTER = r"""
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$work"
kept=${kept:-$work/kept}
mkdir -p "$kept" "$kept.internal" "$work/new"
layers=lowerdir=$root,upperdir=$kept,workdir=$kept.internal
mount -t overlay overlay -o "$layers" "$work/new"
cd "$work/new"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 tmpfs tmp
show() {
  if [ -d "$1" ]; then mkdir -p "./$2"; else
    mkdir -p "$(dirname "./$2")"
    [ -e "./$2" ] || : >"./$2"
  fi
  mount --bind "$1" "./$2"
  mount -o remount,bind,ro "./$2"
}
for path in /etc/resolv.conf /etc/hosts /etc/ssl/certs /usr/share/ca-certificates \
  /usr/local/share/ca-certificates; do
  [ ! -e "$path" ] || show "$path" "$path"
done
while [ "$1" != -- ]; do
  show "$1" "$2"
  shift 2
done
shift
exec chroot --userspec="$ids" --groups= . /usr/bin/env -i "$@"
"""


class NoMachines(Exception):
    """Clean machines cannot be made here, for this reason."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A clean root, and who sits at it."""

    root: Path
    person: str
    """`root` or `user`."""
    environ: Mapping[str, str]
    """Variables of this machine: those of its package index are passed on."""
    shown: tuple[tuple[Path, str], ...] = ()
    """What is seen inside, read-only: paths here and there."""
    changes: Path | None = None
    """Folder that keeps what scripts change, for the next one; else each starts anew."""

    @property
    def name(self) -> str:
        """Suite and variant, as in `trixie-pip`."""
        return self.root.name

    def run(self, script: str) -> Result:
        """Run a shell script in the home folder of the person."""
        home = "/root" if self.person == "root" else "/home/user"
        variables = {
            "HOME": home, "USER": self.person, "LOGNAME": self.person, "SHELL": "/bin/bash",
            "TERM": "dumb", "LANG": "C.UTF-8", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PIP_CERT": _CERTIFICATES, "SSL_CERT_FILE": _CERTIFICATES,
            "REQUESTS_CA_BUNDLE": _CERTIFICATES, "DEBIAN_FRONTEND": "noninteractive",
            **{n: v for n, v in self.environ.items() if n in _REGISTRY_VARIABLES},
        }  # fmt: skip
        words = [f"{name}={value}" for name, value in variables.items()]
        inside = ["sh", "-c", f"cd {home} || exit 99\n{script}"]
        shown = [word for pair in self.shown for word in map(str, pair)]
        ids = "0:0" if self.person == "root" else "1000:1000"
        with tempfile.TemporaryDirectory() as work:
            kept = str(self.changes or "")
            places = {"root": str(self.root), "work": work, "kept": kept, "ids": ids}
            environ = {**self.environ, **places}
            done = _enter([*shown, "--", *words, *inside], environ)
        return Result(done.returncode, done.stdout, done.stderr)


def make_root(name: str, environ: Mapping[str, str]) -> Path:
    """Return the folder of a root, which is made when it is not there. Raises `NoMachines`."""
    if os.geteuid() != 0:
        raise NoMachines("only root can make and enter roots")
    folder = Path(environ["HOME"], ".cache/pipguard-machines", name)
    if folder.exists():
        return folder
    draft = folder.with_name(f"{name}.{os.getpid()}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    _install_mmdebstrap(environ)
    suite, variant = name.split("-")
    user = 'chroot "$1" useradd --create-home --uid 1000 --shell /bin/bash user'
    options = [
        "--quiet", "--variant=minbase", "--format=directory", f"--include={VARIANTS[variant]}",
        '--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::Check-Date "false"',
        "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/locale/*",
        f"--customize-hook={user}",
    ]  # fmt: skip
    try:
        words = ["mmdebstrap", *options, suite, str(draft), find_mirror(environ)]
    except AptFailed as error:
        raise NoMachines(str(error)) from error
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        raise NoMachines(f"mmdebstrap failed: {done.stderr.strip().splitlines()[-1:]}")
    draft.rename(folder)
    return folder


def check_machines(environ: Mapping[str, str]) -> None:
    """Raise `NoMachines` where no root can be made or entered."""
    if os.geteuid() != 0:
        raise NoMachines("only root can make and enter roots")
    _install_mmdebstrap(environ)
    words = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", "mount --make-rprivate /"]
    if subprocess.run(words, env=environ, capture_output=True, check=False).returncode:
        raise NoMachines("this machine lets nobody mount")


def _enter(words: Sequence[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    start = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]
    command = [*start, "sh", "-c", _ENTER, "sh", *words]
    return subprocess.run(command, env=environ, capture_output=True, check=False,
                          stdin=subprocess.DEVNULL)  # fmt: skip


def _install_mmdebstrap(environ: Mapping[str, str]) -> None:
    if shutil.which("mmdebstrap", path=environ.get("PATH")):
        return
    quiet = {**environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", "mmdebstrap"]):
        command = ["apt-get", "-qq", *words]
        try:
            done = subprocess.run(command, env=quiet, capture_output=True, check=False)
        except OSError as error:
            raise NoMachines("there is no apt-get, and no mmdebstrap") from error
        if done.returncode:
            raise NoMachines(f"`{' '.join(command)}` failed")
