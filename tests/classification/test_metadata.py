"""Archives are read without trust, the probe's answers without surprise, and remembered."""

from __future__ import annotations

import ast
import io
import json
import os
import tarfile
import tracemalloc
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipguard.classification import metadata as evidence
from pipguard.classification import probe as metadata_probe
from pipguard.classification.metadata import MetadataRequest, read_archive_metadata, read_metadata

METADATA = "Metadata-Version: 2.1\nName: frob\nVersion: 1.0\nSummary: Frobs\n"
ENTRY_POINTS = "[console_scripts]\nfrob = frob.cli:main\n\n[pytest11]\nfrob = frob.plugin\n"


def write_wheel(path: Path, files: dict[str, str | bytes]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return str(path)


def write_sdist(path: Path, files: dict[str, str]) -> str:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return str(path)


def plain_wheel(**more: str | bytes) -> dict[str, str | bytes]:
    files: dict[str, str | bytes] = {
        "frob/__init__.py": "",
        "frob/py.typed": "",
        "frob-1.0.data/scripts/frob-old": "#!python\n",
        "frob-1.0.dist-info/METADATA": METADATA,
        "frob-1.0.dist-info/entry_points.txt": ENTRY_POINTS,
    }
    return {**files, **more}


def test_a_wheel(tmp_path: Path) -> None:
    found = read_archive_metadata(
        write_wheel(tmp_path / "frob-1.0-py3-none-any.whl", plain_wheel())
    )
    assert (found.name, found.version, found.summary) == ("frob", "1.0", "Frobs")
    assert found.console_scripts == (("frob", "frob.cli:main"),)
    assert found.legacy_scripts == ("frob-old",)
    assert found.entry_point_groups == ("pytest11",)
    assert found.modules == ("frob",)
    assert found.is_typed
    assert not found.problem


def test_metadata_that_names_its_imports_has_the_last_word(tmp_path: Path) -> None:
    names = "Import-Name: frobs.core\nImport-Name: _frob ; private\nImport-Name: frobs\n"
    wheel = plain_wheel(**{"frob-1.0.dist-info/METADATA": METADATA + names})
    found = read_archive_metadata(write_wheel(tmp_path / "frob-1.0-py3-none-any.whl", wheel))
    assert found.modules == ("frobs.core", "frobs")


def test_an_sdist(tmp_path: Path) -> None:
    files = {
        "frob-1.0/PKG-INFO": METADATA,
        "frob-1.0/setup.py": "raise SystemExit('never run')",
        "frob-1.0/frob.egg-info/entry_points.txt": ENTRY_POINTS,
    }
    found = read_archive_metadata(write_sdist(tmp_path / "frob-1.0.tar.gz", files))
    assert found.console_scripts == (("frob", "frob.cli:main"),)
    assert found.are_scripts_known


def test_an_sdist_that_lists_no_scripts_leaves_them_unknown(tmp_path: Path) -> None:
    found = read_archive_metadata(
        write_sdist(tmp_path / "frob-1.0.tar.gz", {"frob-1.0/PKG-INFO": METADATA})
    )
    assert found.name == "frob"
    assert not found.are_scripts_known


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"not a zip" * 1000])
def test_what_is_no_archive_is_a_problem(tmp_path: Path, content: bytes) -> None:
    for name in ("frob-1.0-py3-none-any.whl", "frob-1.0.tar.gz"):
        path = tmp_path / name
        path.write_bytes(content)
        assert read_archive_metadata(str(path)).problem


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    assert "No such file" in read_archive_metadata(str(tmp_path / "x.whl")).problem


def test_a_wheel_without_metadata_is_a_problem(tmp_path: Path) -> None:
    path = write_wheel(tmp_path / "frob-1.0-py3-none-any.whl", {"frob/__init__.py": ""})
    assert read_archive_metadata(path).problem == "its wheel has no metadata"


def test_a_bomb_is_read_only_in_part(tmp_path: Path) -> None:
    bomb = METADATA + "\n" + "x" * 50_000_000
    files = plain_wheel(**{"frob-1.0.dist-info/METADATA": bomb})
    path = write_wheel(tmp_path / "frob-1.0-py3-none-any.whl", files)
    tracemalloc.start()
    found = read_archive_metadata(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 20_000_000
    assert found.name == "frob"
    assert len(found.description) <= 3000


def test_a_tar_bomb_is_a_problem(tmp_path: Path) -> None:
    path = write_sdist(tmp_path / "frob-1.0.tar.gz", {"frob-1.0/zeros": "\0" * 70_000_000})
    assert read_archive_metadata(path).problem == "its source archive is too large to look into"


def test_a_directory_of_millions_of_entries_is_a_problem() -> None:
    file = metadata_probe.LimitedFile(io.BytesIO(b"x" * 100), 50)
    with pytest.raises(metadata_probe.ProbeError):
        file.read()


def test_metadata_that_is_not_utf_8(tmp_path: Path) -> None:
    latin = "Name: frob\nSummary: Größe\n".encode("latin-1")
    files = plain_wheel(**{"frob-1.0.dist-info/METADATA": latin})
    path = write_wheel(tmp_path / "frob-1.0-py3-none-any.whl", files)
    assert read_archive_metadata(path).summary.startswith("Gr")


def test_hostile_entry_points_are_left_out() -> None:
    text = "[console_scripts]\n" + "\n".join(
        f"{name} = frob:main"
        for name in ("good", "../evil", "/bin/sh", "a b", "\x1b[31m", "x" * 200, "-rf", "$(id)", "")
    )
    assert metadata_probe.parse_entry_points(text) == {"console_scripts": {"good": "frob:main"}}


def test_terminal_codes_do_not_get_through() -> None:
    fields = metadata_probe.parse_metadata("Name: frob\nSummary: a\x1b[31mb\x07\n")
    assert fields["summary"] == "a [31mb"


class FakeProbe:
    """Answers like the probe, and counts."""

    def __init__(self, output: bytes | Exception) -> None:
        self.output = output
        self.calls: list[tuple[list[str], bytes, float]] = []

    def __call__(self, argv: Sequence[str], stdin: bytes, seconds: float) -> bytes:
        self.calls.append((list(argv), stdin, seconds))
        if isinstance(self.output, Exception):
            raise self.output
        return self.output


ANSWER = json.dumps(
    {
        "requirement": "frob>1",
        "name": "frob",
        "summary": "Frobs",
        "entry_points": {"console_scripts": {"frob": "frob:main"}, "pytest11": {"f": "frob"}},
        "scripts": ["old"],
    }
).encode()


def test_the_probe_gets_pips_options_unchanged() -> None:
    probe = FakeProbe(ANSWER)
    request = MetadataRequest("/usr/bin/python3", ("-i", "https://me:secret@host/simple"))
    found = read_metadata(request, ["frob>1"], probe)["frob>1"]
    assert found.console_scripts == (("frob", "frob:main"),)
    assert found.legacy_scripts == ("old",)
    assert found.entry_point_groups == ("pytest11",)
    (argv, stdin, seconds), *_ = probe.calls
    assert argv == ["/usr/bin/python3", "-W", "ignore", evidence.PROBE, *request.index_options]
    assert json.loads(stdin) == {"requirements": ["frob>1"], "versions_only": False}
    assert seconds > 0


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        (TimeoutError(), "the package index did not answer in time"),
        (FileNotFoundError(2, "No such file or directory"), "No such file"),
        (b"", "could not be read"),
        (b"Traceback\n[1, 2]\nnull\n\xff\xfe\n{}", "could not be read"),
        (b'{"requirement": "frob>1", "problem": "because"}', "because"),
    ],
)
def test_a_failure_is_a_problem(output: bytes | Exception, problem: str) -> None:
    found = read_metadata(MetadataRequest("python3"), ["frob>1"], FakeProbe(output))
    assert problem in found["frob>1"].problem


def test_fields_of_the_wrong_shape_are_left_out() -> None:
    odd = {
        "name": 1,
        "classifiers": "x",
        "extras": [1, "a"],
        "entry_points": {"console_scripts": 3},
    }
    found = evidence.parse_record(odd)
    assert (found.name, found.classifiers, found.extras, found.console_scripts) == (
        "",
        (),
        ("a",),
        (),
    )


def test_an_answer_is_remembered_for_the_same_question_only(tmp_path: Path) -> None:
    probe = FakeProbe(ANSWER)
    request = MetadataRequest("python3", ("-i", "https://a"), str(tmp_path))
    first = read_metadata(request, ["frob>1"], probe)
    assert read_metadata(request, ["frob>1"], probe) == first
    assert len(probe.calls) == 1
    for other in (
        MetadataRequest("python3", ("-i", "https://b"), str(tmp_path)),
        MetadataRequest("python3", ("-i", "https://a"), str(tmp_path), "other configuration"),
        MetadataRequest("python3.9", ("-i", "https://a"), str(tmp_path)),
    ):
        read_metadata(other, ["frob>1"], probe)
    assert len(probe.calls) == 4


def test_a_secret_is_never_written_down(tmp_path: Path) -> None:
    request = MetadataRequest("python3", ("-i", "https://me:secret@host"), str(tmp_path))
    read_metadata(request, ["frob>1"], FakeProbe(ANSWER))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert all("secret" not in path.name + path.read_text(encoding="utf-8") for path in files)


def test_a_problem_is_not_remembered(tmp_path: Path) -> None:
    probe = FakeProbe(b"")
    request = MetadataRequest("python3", (), str(tmp_path))
    read_metadata(request, ["frob>1"], probe)
    read_metadata(request, ["frob>1"], probe)
    assert len(probe.calls) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"requirement": "other"}', b"\xff" * 10])
def test_a_damaged_memory_is_no_memory(tmp_path: Path, content: bytes) -> None:
    probe = FakeProbe(ANSWER)
    request = MetadataRequest("python3", (), str(tmp_path))
    read_metadata(request, ["frob>1"], probe)
    (file,) = (path for path in tmp_path.rglob("*.json"))
    file.write_bytes(content)
    assert read_metadata(request, ["frob>1"], probe)["frob>1"].name == "frob"
    assert len(probe.calls) == 2


def test_an_old_memory_is_no_memory(tmp_path: Path) -> None:
    probe = FakeProbe(ANSWER)
    request = MetadataRequest("python3", (), str(tmp_path))
    read_metadata(request, ["frob>1"], probe)
    (file,) = (path for path in tmp_path.rglob("*.json"))
    os.utime(file, (0, 0))
    read_metadata(request, ["frob>1"], probe)
    assert len(probe.calls) == 2


def test_memory_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "CACHE_FILES", 8)
    request = MetadataRequest("python3", (), str(tmp_path))
    for number in range(30):
        evidence.store_in_cache(request, f"frob{number}", {"requirement": f"frob{number}"})
    assert len(list(tmp_path.rglob("*.json"))) <= 8
    assert evidence.read_cached(request, "frob29")


def test_an_answer_that_others_could_have_written_is_not_believed(tmp_path: Path) -> None:
    probe = FakeProbe(ANSWER)
    request = MetadataRequest("python3", (), str(tmp_path))
    read_metadata(request, ["frob>1"], probe)
    (file,) = (path for path in tmp_path.rglob("*.json"))
    file.chmod(0o666)
    read_metadata(request, ["frob>1"], probe)
    assert len(probe.calls) == 2


def test_an_answer_that_cannot_be_stored_leaves_no_draft(tmp_path: Path) -> None:
    request = MetadataRequest("python3", (), str(tmp_path))
    read_metadata(request, ["frob>1"], FakeProbe(ANSWER))
    (file,) = (path for path in tmp_path.rglob("*.json"))
    file.unlink()
    file.mkdir()  # nothing can be moved there
    read_metadata(request, ["frob>1"], FakeProbe(ANSWER))
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    request = MetadataRequest("python3", (), str(blocked))
    assert read_metadata(request, ["frob>1"], FakeProbe(ANSWER))["frob>1"].name == "frob"


def test_the_probe_is_readable_by_old_pythons() -> None:
    source = Path(metadata_probe.__file__).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 7))
    assert "removeprefix" not in source
    assert "removesuffix" not in source
