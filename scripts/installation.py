"""Installs this checkout's pipguard for one user, brings it up to date, removes it again.

In: `install [--shell] [--shims] [--uv]` or `install --uninstall`. Out: a copy of the checkout and
an environment with pinned dependencies in the user's data folder, and a link `pipguard` in
`~/.local/bin`; exit status 0, or 1 after one clear message. Needs a Python and a package index.
What was installed before serves until the new one is complete, and goes on serving if that fails.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.append(os.path.dirname(os.path.abspath(__file__)))

from set_up import CHECKOUT, SetUpError, locked, say

COPIED = ("pipguard", "scripts", "pyproject.toml", "README.md", "LICENSE")
NEEDED_SCRIPTS = {
    "environment.sh", "install", "installation.py", "pipguard", "requirements-uv.txt",
    "requirements.txt", "set_up.py", "start.py",
}  # fmt: skip
MARK = "  # written by pipguard's scripts/install"
RC_FILES = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/conf.d/pipguard.fish"}
USERS_OWN = {
    "personal": "your personal environment",
    "environments": "your projects' environments",
    "rescued": "what rescue brought here",
}


class Places:
    """Where the installation is, for a home folder and the XDG variables."""

    def __init__(self) -> None:
        home = os.environ.get("HOME", os.path.expanduser("~"))
        if not os.path.isabs(home):
            raise SetUpError("your home folder is not known; set HOME")
        self.home = Path(home)
        self.data = self._choose("XDG_DATA_HOME", ".local/share")
        self.cache = self._choose("XDG_CACHE_HOME", ".cache")
        self.state = self._choose("XDG_STATE_HOME", ".local/state")
        self.configuration = self._choose("XDG_CONFIG_HOME", ".config")
        self.versions = self.data / "installed"
        self.current = self.versions / "current"
        self.link = self.home / ".local/bin/pipguard"
        self.manual = self.data.with_name("man") / "man1/pipguard.1"

    def _choose(self, variable: str, default: str) -> Path:
        chosen = os.environ.get(variable, "")
        return (Path(chosen) if os.path.isabs(chosen) else self.home / default) / "pipguard"

    def list_beside_applications(self) -> list[Path]:
        """What is noted in pipx's environments about their origins."""
        chosen = os.environ.get("PIPX_HOME", "")
        # pipx before 1.3 has its home in ~/.local/pipx, later ones where it is there.
        homes = [self.data.with_name("pipx"), self.home / ".local/pipx"]
        homes += [Path(chosen)] if os.path.isabs(chosen) else []
        return [path for home in homes for path in home.glob("venvs/*/.pipguard")]


def main(words: list[str]) -> int:
    """Do what the words say, and tell in one line what went wrong, if anything did."""
    parser = argparse.ArgumentParser("scripts/install", description="Install pipguard for you.")
    parser.add_argument("--shell", action="store_true", help="add the line to your shell's rc file")
    parser.add_argument("--shims", action="store_true", help="install the shims for scripts, too")
    parser.add_argument("--uv", action="store_true", help="bring a uv for installer = uv")
    parser.add_argument("--uninstall", action="store_true", help="remove all but your environments")
    options = parser.parse_args(words)
    try:
        places = Places()
        if options.uninstall:
            uninstall(places)
        else:
            install(places, options)
    except SetUpError as error:
        say(f"cannot install: {error}")
    except subprocess.CalledProcessError as error:
        say(f"cannot install: {error.cmd[0]} ended with status {error.returncode}")
    except OSError as error:
        say(f"cannot install: {error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        return 130
    else:
        return 0
    return 1


# Install


def install(places: Places, options: argparse.Namespace) -> None:
    """Install or bring up to date, link, and do what the options ask for."""
    check_link(places)
    check_runs(places.versions)
    places.versions.mkdir(parents=True, exist_ok=True)
    with locked(places.versions / "@lock"):
        version = places.versions / name_version(with_uv=options.uv)
        if not (version / "environment/ready").is_file():
            make(version, with_uv=options.uv)
        if version != CHECKOUT:
            # From there, `pip guard upgrade-self` installs again.
            (version / "checkout").write_bytes(os.fsencode(CHECKOUT) + b"\n")
        former = places.current.resolve()
        switch(places.current, version)
        remove_older(places.versions, {version, former})
    places.link.parent.mkdir(parents=True, exist_ok=True)
    switch(places.link, places.current / "scripts/pipguard")
    write_manual(places)
    say(f"installed: {places.link}")
    if options.shims:
        subprocess.run([places.link, "guard", "shims", "install"], check=True)
    if options.shell:
        add_shell_line(places)
    tell_next(places, options)


def check_link(places: Places) -> None:
    """Refuse to take the place of a `pipguard` that is somebody else's."""
    if os.path.lexists(places.link) and not is_ours(places):
        raise SetUpError(f"{places.link} is there and not of our making; move it away first")


def check_runs(folder: Path) -> None:
    """Refuse a folder on a file system from which no program can be run."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if os.statvfs(there).f_flag & os.ST_NOEXEC:
        problem = f"no program can be run from {there}, which is mounted with noexec"
        raise SetUpError(f"{problem}; set XDG_DATA_HOME to another folder")


def is_ours(places: Places) -> bool:
    """Tell whether the link leads to an installation, or to a checkout's launcher."""
    if not places.link.is_symlink():
        return False
    target = os.readlink(places.link)
    return target.endswith("scripts/pipguard") or target.startswith(str(places.versions))


def name_version(*, with_uv: bool) -> str:
    """Return a name that differs when anything that is installed differs."""
    digest = hashlib.sha256(b"uv" if with_uv else b"")
    for path in list_files():
        digest.update(str(path.relative_to(CHECKOUT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def list_files() -> Iterator[Path]:
    """Yield every file of the checkout that is copied, in a fixed order."""
    for name in COPIED:
        path = CHECKOUT / name
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in inside:
            is_wanted = name != "scripts" or file.name in NEEDED_SCRIPTS
            if file.is_file() and is_wanted and "__pycache__" not in file.parts:
                yield file


def make(version: Path, *, with_uv: bool) -> None:
    """Copy the checkout and let the copy set itself up; nothing of it stays when that fails."""
    shutil.rmtree(version, ignore_errors=True)
    try:
        for file in list_files():
            target = version / file.relative_to(CHECKOUT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)
        lock = "requirements-uv.txt" if with_uv else "requirements.txt"
        (version / "installed").write_text(f"{lock}\n")
        environment = version / "environment"
        words = [sys.executable, "-I", str(version / "scripts/set_up.py"), str(environment)]
        if subprocess.run(words, check=False).returncode:
            raise SetUpError("its dependencies could not be installed; the reason is above")
        compiling = [environment / "bin/python", "-I", "-m", "compileall", "-q", version]
        subprocess.run(compiling, check=False)
    except BaseException:
        shutil.rmtree(version, ignore_errors=True)
        raise


def switch(link: Path, target: Path) -> None:
    """Let a link lead to a target, in one step."""
    draft = link.with_name(f"{link.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.replace(link)


def write_manual(places: Places) -> None:
    """Write the page that `man pipguard` shows; without it all the rest works."""
    words = [places.link, "guard", "help", "--man"]
    done = subprocess.run(words, check=False, stdout=subprocess.PIPE)
    if done.returncode:
        return
    try:
        places.manual.parent.mkdir(parents=True, exist_ok=True)
        places.manual.write_bytes(done.stdout)
    except OSError as error:
        say(f"no manual page: {error.filename}: {error.strerror}")


def remove_older(versions: Path, kept: set[Path]) -> None:
    """Remove all versions but these: of the former one a command may still be running."""
    for path in versions.iterdir():
        if path.is_dir() and not path.is_symlink() and path not in kept:
            shutil.rmtree(path, ignore_errors=True)


def tell_next(places: Places, options: argparse.Namespace) -> None:
    """Say what is left to do."""
    if str(places.link.parent) not in os.environ.get("PATH", "").split(os.pathsep):
        say(f"{places.link.parent} is not on PATH; `{places.link} guard ensurepath` puts it there")
    if not options.shell:
        say("now: alias pip=pipguard, or `scripts/install --shell` for every new shell")


# The shell's start-up file


def add_shell_line(places: Places) -> None:
    """Add the line that defines `pip` in new shells, unless it is there."""
    shell = os.path.basename(os.environ.get("SHELL", ""))
    if shell not in RC_FILES:
        say(f"no line was added: `{shell or 'your shell'}` is none of {', '.join(RC_FILES)}")
        return
    path, line = locate_rc(places, shell), build_line(places, shell)
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
        if MARK not in text:
            path.parent.mkdir(parents=True, exist_ok=True)
            start = "" if not text or text.endswith("\n") else "\n"
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{start}{line}\n")
    except OSError as error:
        say(f"{path} cannot be written ({error.strerror}); add this line yourself:")
        print(line, file=sys.stderr)
        return
    say(f"{path} defines `pip` in new shells")


def locate_rc(places: Places, shell: str) -> Path:
    """Return the file that a shell reads when it starts for a person."""
    if shell == "zsh" and os.path.isabs(os.environ.get("ZDOTDIR", "")):
        return Path(os.environ["ZDOTDIR"], ".zshrc")
    return places.home / RC_FILES[shell]


def build_line(places: Places, shell: str) -> str:
    """Return the line; it does nothing once pipguard is gone."""
    link = "'" + str(places.link).replace("'", "'\\''") + "'"
    if shell == "fish":
        return f"test -x {link}; and {link} guard shell-init fish | source{MARK}"
    return f'[ ! -x {link} ] || eval "$({link} guard shell-init {shell})"{MARK}'


def remove_shell_lines(places: Places) -> None:
    """Take our own line out of every start-up file that has it."""
    for shell in RC_FILES:
        path = locate_rc(places, shell)
        try:
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            kept = "".join(line for line in text.splitlines(True) if MARK not in line)
            if kept == text:
                continue
            if kept or shell != "fish":
                path.write_text(kept, encoding="utf-8", errors="surrogateescape")
            else:
                path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            say(f"{path} cannot be changed ({error.strerror}); our line stays in it")


# Uninstall


def uninstall(places: Places) -> None:
    """Remove everything that is pipguard's; what is the user's own stays, and is named."""
    if places.current.exists():
        words = [places.current / "scripts/pipguard", "guard", "shims", "remove"]
        subprocess.run(words, check=False, stdout=subprocess.DEVNULL)
    remove_shell_lines(places)
    if is_ours(places):
        places.link.unlink()
    remove(places.manual)
    kept = [name for name in USERS_OWN if has_content(places.data / name)]
    for folder in (places.cache, places.state, *places.list_beside_applications()):
        shutil.rmtree(folder, ignore_errors=True)
    for path in places.data.iterdir() if places.data.is_dir() else ():
        if path.name not in kept:
            remove(path)
    for folder in (places.data, places.link.parent, *list(places.manual.parents)[:2]):
        remove_if_empty(folder)
    say("removed")
    for name in kept:
        say(f"{places.data / name} stays: {USERS_OWN[name]}")
    if places.configuration.exists():
        say(f"{places.configuration} stays: your settings")


def has_content(folder: Path) -> bool:
    """Tell whether there is anything in a folder."""
    return folder.is_dir() and any(folder.iterdir())


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that nothing is in."""
    try:
        folder.rmdir()
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
