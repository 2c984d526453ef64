"""Makes everything that a release consists of, from a tag.

In: `release TAG [--output FOLDER]`, where TAG is `v` and the version of pyproject.toml at that tag.
Out: in FOLDER (`dist`) the sdist, the wheel, the zipapp, the Debian package, what has changed since
the tag before, and the SHA-256 of each. Made of the tagged files alone, whatever lies around them;
the same tag gives the same bytes. Publishes nothing. Needs git, dpkg-deb and a package index.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

from set_up import CHECKOUT

CHANGES = "CHANGES.md"
SUMS = "SHA256SUMS"
_BUILD = "import hatchling.build as b, sys; b.build_sdist(sys.argv[1]); b.build_wheel(sys.argv[1])"


class NotReleased(Exception):
    """Something that must be mended before this can be a release, in one sentence."""


def main() -> int:
    """Make it, and print the files."""
    parser = argparse.ArgumentParser("scripts/release", description=__doc__.split("\n")[0])
    parser.add_argument("tag", help="as in v1.2.3")
    parser.add_argument("--output", type=Path, default=Path("dist"), help="the folder to put it in")
    options = parser.parse_args()
    folder: Path = options.output.resolve()
    try:
        for path in release(options.tag, folder):
            print(path)
    except NotReleased as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"release: {error.cmd[0]} ended with status {error.returncode}", file=sys.stderr)
        return 1
    return 0


def release(tag: str, folder: Path) -> list[Path]:
    """Return the files that were made. Raises `NotReleased`."""
    if folder.exists() and any(folder.iterdir()):
        raise NotReleased(f"{folder} is not empty")
    time = git("log", "-1", "--format=%ct", tag)
    with tempfile.TemporaryDirectory() as working:
        source = Path(working, "source")
        unpack(tag, source)
        check_version(tag, source)
        folder.mkdir(parents=True, exist_ok=True)
        build(source, folder, {**os.environ, "SOURCE_DATE_EPOCH": time})
    (folder / CHANGES).write_text(describe_changes(tag), encoding="utf-8")
    made = sorted(folder.iterdir())
    sums = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made)
    (folder / SUMS).write_text("".join(sums), encoding="ascii")
    return [*made, folder / SUMS]


def git(*words: str) -> str:
    """Return what git says about the checkout's repository. Raises CalledProcessError."""
    command = ["git", "-C", str(CHECKOUT), *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def unpack(tag: str, folder: Path) -> None:
    """Write the files of the tag, and nothing else, into a folder."""
    command = ["git", "-C", str(CHECKOUT), "archive", "--format=tar", f"refs/tags/{tag}"]
    packed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed, check=True)


def check_version(tag: str, source: Path) -> None:
    """Raise `NotReleased` unless the tag names the version, and that stands in one place."""
    text = (source / "pyproject.toml").read_text(encoding="utf-8")
    found = re.findall(r'^version = "(.+)"$', text, re.MULTILINE)
    if [f"v{version}" for version in found] != [tag]:
        raise NotReleased(f"the tag is {tag}, and pyproject.toml has the version {found}")
    files = [path for part in ("pipguard", "scripts") for path in (source / part).rglob("*")]
    quoted = f'"{found[0]}"'
    for path in [*files, source / "README.md"]:
        is_text = path.suffix in {"", ".md", ".py", ".sh", ".toml", ".txt"} and path.is_file()
        if is_text and quoted in path.read_text(encoding="utf-8"):
            raise NotReleased(f"the version stands in {path.relative_to(source)}, too")


def build(source: Path, folder: Path, environ: dict[str, str]) -> None:
    """Run what the tagged files themselves bring for it."""
    for words in (
        ["-c", _BUILD, str(folder)],
        [f"{source}/scripts/build_zipapp.py", "--output", str(folder / "pipguard.pyz")],
        [f"{source}/scripts/build_deb.py", "--output", str(folder)],
    ):
        command = [sys.executable, "-I", *words]
        subprocess.run(command, check=True, cwd=source, env=environ, stdout=subprocess.DEVNULL)


def describe_changes(tag: str) -> str:
    """Return what has changed since the tag before, or ever: the commits' first lines."""
    before = subprocess.run(
        ["git", "-C", str(CHECKOUT), "describe", "--tags", "--abbrev=0", f"{tag}^"],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ).stdout.strip()  # fmt: skip
    commits = git("log", "--no-merges", "--format=- %s", f"{before}..{tag}" if before else tag)
    day = git("log", "-1", "--format=%cs", tag)
    since = f"Since {before}:" if before else "The first release:"
    return f"# {tag.removeprefix('v')}, {day}\n\n{since}\n\n{commits}\n"


if __name__ == "__main__":
    sys.exit(main())
