"""Builds a single file that runs pipguard with nothing but a python3 of 3.10 to 3.14.

In: `build-zipapp [--output FILE]`; the dependencies come from the index that pip's configuration
names, pinned and hashed by `requirements.txt`. Out: the zipapp; the same checkout gives the same
bytes each time. Exit status 0, or 1 after pip's own words.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

from installation import list_files
from set_up import CHECKOUT

sys.path.append(str(CHECKOUT))

from packaging.requirements import Requirement

from pipguard.pip.bundled import locate_bundled_pip

TIME = (2024, 1, 1, 0, 0, 0)
PYTHONS = ("3.10", "3.11")
"""The lock differs between Pythons before the second, and from it on."""
SHEBANG = b"#!/usr/bin/env python3\n"


def main() -> int:
    """Build it."""
    parser = argparse.ArgumentParser("scripts/build-zipapp", description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("pipguard.pyz"), help="the file")
    output: Path = parser.parse_args().output
    with tempfile.TemporaryDirectory() as folder:
        wheels = {python: download(python, Path(folder, python)) for python in PYTHONS}
        contents = dict(collect(wheels))
    digest = hashlib.sha256(b"".join(name.encode() + data for name, data in contents.items()))
    start = (CHECKOUT / "scripts/zipapp_start.py").read_text(encoding="utf-8")
    main_file = start.replace("@digest@", digest.hexdigest()[:16])
    write(output, {"__main__.py": main_file.encode(), **contents})
    print(output)
    return 0


def download(python: str, folder: Path) -> list[tuple[str, bytes]]:
    """Return the name and content of each wheel that a Python of this version needs."""
    folder.mkdir()
    lock = folder / "requirements.txt"
    lock.write_text("".join(select(CHECKOUT / "scripts/requirements.txt", python)))
    pip = [sys.executable, "-I", f"{locate_bundled_pip(sys.version_info[:2])}/pip", "download"]
    options = ["--quiet", "--require-hashes", "--no-deps", "--only-binary=:all:"]
    target = ["--python-version", python, "--abi", "none", "--platform", "any"]
    words = [*pip, *options, *target, "--dest", str(folder), "--requirement", str(lock)]
    if subprocess.run(words, check=False).returncode:
        raise SystemExit(1)
    return [(path.name, path.read_bytes()) for path in sorted(folder.glob("*.whl"))]


def select(lock: Path, python: str) -> Iterator[str]:
    """Yield the lines of a lock that hold for a Python on Linux, without their markers."""
    environment = {"python_full_version": f"{python}.0", "sys_platform": "linux"}
    for entry in lock.read_text(encoding="utf-8").replace("\\\n", "").splitlines():
        text, *hashes = entry.split("--hash")
        requirement = Requirement(text.strip())
        if requirement.marker is None or requirement.marker.evaluate(environment):
            options = " ".join(f"--hash{word.strip()}" for word in hashes)
            yield f"{requirement.name}{requirement.specifier} {options}\n"


def collect(wheels: dict[str, list[tuple[str, bytes]]]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of each file that the zipapp unpacks, in a fixed order."""
    for path in list_files():
        yield f"files/{path.relative_to(CHECKOUT).as_posix()}", path.read_bytes()
    for python, found in wheels.items():
        yield f"wheels-{python}.txt", "".join(f"{name}\n" for name, _ in found).encode()
    yield from sorted({f"wheels/{n}": d for found in wheels.values() for n, d in found}.items())


def write(output: Path, contents: dict[str, bytes]) -> None:
    """Write the zipapp under its name when it is whole."""
    draft = output.with_name(f"{output.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(SHEBANG)
        with zipfile.ZipFile(file, "w") as archive:
            for name, data in contents.items():
                information = zipfile.ZipInfo(name, TIME)
                is_wheel = name.endswith(".whl")
                information.compress_type = zipfile.ZIP_STORED if is_wheel else zipfile.ZIP_DEFLATED
                archive.writestr(information, data)
    draft.chmod(draft.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    draft.replace(output)


if __name__ == "__main__":
    sys.exit(main())
