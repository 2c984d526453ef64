"""Tiny wheels and the folder index that serves them.

In: `Release` values, text only. Out: real wheels, and a folder that works as `--index-url` (its
`url`) and as `--find-links` (its `find_links`). Never a network, never a build backend.
"""

from __future__ import annotations

import base64
import hashlib
import html
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# A fixed time makes the same release the same bytes, and so the same hash, in every run.
_TIME = (2024, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Release:
    """One version of one project: what its wheel will hold and say."""

    name: str
    version: str = "1.0"
    modules: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    classifiers: tuple[str, ...] = ()
    requires_python: str = ""
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Its entry points besides commands."""

    @property
    def stem(self) -> str:
        """The first two parts of the file name, as wheels and their metadata folder begin."""
        return f"{self.name.replace('-', '_')}-{self.version}"


def library(name: str, version: str = "1.0", requires: tuple[str, ...] = ()) -> Release:
    """A release with one module that knows its own version, and no command."""
    module = name.replace("-", "_")
    return Release(name, version, {f"{module}.py": f"__version__ = {version!r}\n"}, {}, requires)


def application(name: str, version: str = "1.0", requires: tuple[str, ...] = ()) -> Release:
    """A release with one command of its own name, that prints name, version and arguments."""
    module = name.replace("-", "_")
    source = (
        f"import sys\n__version__ = {version!r}\n\n\n"
        f"def main():\n    print({name!r}, __version__, *sys.argv[1:])\n"
    )
    return Release(name, version, {f"{module}.py": source}, {name: f"{module}:main"}, requires)


def plugin(name: str, host: str, version: str = "1.0", command: str = "") -> Release:
    """A release that registers a module in the group of the application `host`."""
    module = name.replace("-", "_")
    groups = {host: {module: module}}
    commands = {command: f"{module}:main"} if command else {}
    source = f"__version__ = {version!r}\n\n\ndef main():\n    print({name!r}, __version__)\n"
    return Release(name, version, {f"{module}.py": source}, commands, (host,), groups=groups)


def metadata_text(release: Release) -> str:
    """The METADATA file of a release."""
    lines = ["Metadata-Version: 2.1", f"Name: {release.name}", f"Version: {release.version}"]
    lines += [f"Summary: Stand-in for {release.name}"]
    lines += [f"Classifier: {classifier}" for classifier in release.classifiers]
    if release.requires_python:
        lines.append(f"Requires-Python: {release.requires_python}")
    lines += [f"Requires-Dist: {requirement}" for requirement in release.requires]
    for extra, requirements in release.extras.items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f'Requires-Dist: {needed}; extra == "{extra}"' for needed in requirements]
    return "\n".join([*lines, "", ""])


def wheel_contents(release: Release) -> dict[str, str]:
    """Every file of the wheel except RECORD, by its path inside."""
    information = f"{release.stem}.dist-info"
    contents = dict(release.modules)
    contents[f"{information}/METADATA"] = metadata_text(release)
    contents[f"{information}/WHEEL"] = (
        "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    groups = {"console_scripts": release.commands, **release.groups}
    lines = []
    for group, entries in groups.items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())]
    if release.commands or release.groups:
        contents[f"{information}/entry_points.txt"] = "\n".join([*lines, ""])
    return contents


def build_wheel(release: Release, folder: Path) -> Path:
    """Write the wheel of a release into `folder`."""
    contents = wheel_contents(release)
    record = f"{release.stem}.dist-info/RECORD"
    contents[record] = "".join(map(_record_line, contents.items())) + f"{record},,\n"
    path = folder / f"{release.stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in contents.items():
            archive.writestr(zipfile.ZipInfo(name, _TIME), text)
    return path


def _record_line(item: tuple[str, str]) -> str:
    name, text = item
    data = text.encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


class PackageIndex:
    """A folder that pip takes for a package index.

    `url` goes to `--index-url`, `find_links` to `--find-links`. Everything that `add` is given
    can be seen by the next pip at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.find_links = folder / "files"
        self.find_links.mkdir(parents=True)
        (folder / "simple").mkdir()

    @property
    def url(self) -> str:
        """The address for `--index-url`."""
        return (self.folder / "simple").as_uri()

    def add(self, *releases: Release) -> None:
        """Build and list wheels, with their metadata beside them (PEP 658)."""
        for release in releases:
            self.add_file(release.name, build_wheel(release, self.find_links), release)

    def add_file(self, name: str, path: Path, release: Release | None = None) -> None:
        """List a file that exists; `release` says what an index tells about it besides."""
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self._list(name, path, digest, release)

    def add_with_wrong_hash(self, release: Release) -> None:
        """List a wheel under a sha256 that is not its own; pip must refuse it."""
        self._list(release.name, build_wheel(release, self.find_links), "0" * 64, None)

    def add_broken_source(self, name: str, version: str = "1.0") -> None:
        """List a source archive whose build fails with `this source cannot be built`."""
        stem = f"{name.replace('-', '_')}-{version}"
        path = self.find_links / f"{stem}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            project = '[build-system]\nrequires = []\nbuild-backend = "backend"\n'
            archive.writestr(f"{stem}/pyproject.toml", project + 'backend-path = ["."]\n')
            archive.writestr(f"{stem}/PKG-INFO", metadata_text(Release(name, version)))
            archive.writestr(
                f"{stem}/backend.py", "raise SystemExit('this source cannot be built')\n"
            )
        self.add_file(name, path)

    def _list(self, name: str, path: Path, digest: str, release: Release | None) -> None:
        attributes = ""
        if release is not None:
            data = metadata_text(release).encode()
            Path(f"{path}.metadata").write_bytes(data)
            attributes = f' data-core-metadata="sha256={hashlib.sha256(data).hexdigest()}"'
            if release.requires_python:
                attributes += f' data-requires-python="{html.escape(release.requires_python)}"'
        page = self.folder / "simple" / name / "index.html"
        page.parent.mkdir(exist_ok=True)
        link = f'<a href="{path.as_uri()}#sha256={digest}"{attributes}>{path.name}</a><br>\n'
        with page.open("a", encoding="utf-8") as stream:
            stream.write(link)


def fill_with_stand_ins(index: PackageIndex) -> None:
    """List the cast that most tests need; README of each: its name."""
    index.add(library("six", "1.15.0"), library("six", "1.16.0"), library("six", "1.17.0rc1"))
    index.add(application("pycowsay", "0.0.0.1"), application("pycowsay", "0.0.0.2"))
    index.add(library("tinylib", "1.0"), library("tinylib", "2.0"), library("tinylib", "2.1rc1"))
    index.add(application("tinyapp", "1.0"), application("tinyapp", "2.0"))
    index.add(library("tinyneeds", requires=("tinylib<2",)))
    index.add(library("tinysuite", requires=("tinyapp",)))
    index.add(Release("tinyextra", "1.0", {"tinyextra.py": ""}, extras={"color": ("six",)}))
    index.add(library("needs-missing", requires=("no-such-project-anywhere",)))
    index.add(Release("needs-newer", "1.0", {"needs_newer.py": ""}, requires_python=">=99"))
    index.add_with_wrong_hash(library("wrong-hash"))
    index.add_broken_source("broken-source")


_BACKEND = '''\
"""A build backend in the tree itself: builds need neither a network nor setuptools."""

import pathlib
import zipfile

CONTENTS = {contents!r}
EDITABLE = {editable!r}
STEM = {stem!r}


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return _write(wheel_directory, CONTENTS)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    here = str(pathlib.Path(__file__).resolve().parent)
    return _write(wheel_directory, EDITABLE | {{STEM + ".pth": here + "\\n"}})


def _write(folder, contents):
    name = STEM + "-py3-none-any.whl"
    record = STEM + ".dist-info/RECORD"
    listed = "".join(path + ",,\\n" for path in [*contents, record])
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as archive:
        for path, text in (contents | {{record: listed}}).items():
            archive.writestr(path, text)
    return name
'''


def write_source_project(release: Release, folder: Path) -> Path:
    """Write a project that `pip install .` and `pip install -e .` can build without a network."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = wheel_contents(release)
    editable = {name: text for name, text in contents.items() if name not in release.modules}
    for name, text in release.modules.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    backend = _BACKEND.format(contents=contents, editable=editable, stem=release.stem)
    (folder / "backend.py").write_text(backend, encoding="utf-8")
    (folder / "pyproject.toml").write_text(_project_text(release), encoding="utf-8")
    return folder


def _project_text(release: Release) -> str:
    lines = ["[build-system]", "requires = []", 'build-backend = "backend"']
    lines += ['backend-path = ["."]', "", "[project]", f'name = "{release.name}"']
    lines += [f'version = "{release.version}"', f"dependencies = {list(release.requires)!r}"]
    if release.commands:
        lines += ["", "[project.scripts]"]
        lines += [f'{name} = "{target}"' for name, target in release.commands.items()]
    return "\n".join([*lines, ""])
