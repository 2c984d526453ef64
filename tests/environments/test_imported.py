"""Which of a project's files import a module: the code says what a name is wanted for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipguard.environments.imported import find_importing_files

WANTED = {"yt-dlp": ("yt_dlp",), "protobuf": ("google.protobuf",)}


def find(root: Path) -> dict[str, str]:
    return find_importing_files(str(root), WANTED)


def write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize(
    ("text", "is_import"),
    [
        ("import yt_dlp\n", True),
        ("import os, yt_dlp as y\n", True),
        ("from yt_dlp import YoutubeDL\n", True),
        ("import yt_dlp.utils\n", True),
        ("def f():\n    try:\n        import yt_dlp\n    except E: pass\n", True),
        ("# -*- coding: latin-1 -*-\n# caf\xe9\nimport yt_dlp\n".encode("latin-1"), True),
        ("import yt_dlp\n".encode("utf-16"), True),
        ("print 'Python 2'\nimport yt_dlp\n", True),
        ("{{ template }}\nfrom yt_dlp import x\n", True),
        ("import importlib\nimportlib.import_module('yt_dlp.utils')\n", True),
        ("x = __import__('yt_dlp')\n", True),
        ("y = pytest.importorskip('yt_dlp', '2024')\n", True),
        ("importlib.import_module('.yt_dlp', 'package')\n", False),
        ("importlib.import_module(yt_dlp)\nprint('yt_dlp')()\n", False),
        ("# import yt_dlp\n", False),
        ("'''\nimport yt_dlp\n'''\n", False),
        ("from . import yt_dlp\nfrom .yt_dlp import x\n", False),
        ("import yt_dlp_plugins\n", False),
        ("print('yt_dlp')\n", False),
        (b"\x00\xff\xfe import yt_dlp", False),
    ],
)
def test_what_is_an_import(tmp_path: Path, text: str | bytes, is_import: bool) -> None:
    write(tmp_path / "bot.py", text)
    assert find(tmp_path) == ({"yt-dlp": "bot.py"} if is_import else {})


def test_a_dotted_name_is_imported_as_a_whole(tmp_path: Path) -> None:
    write(tmp_path / "a.py", "import google.cloud\n")
    assert find(tmp_path) == {}
    write(tmp_path / "b.py", "from google import protobuf\n")
    assert find(tmp_path) == {"protobuf": "b.py"}


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("src/package/sub/module.py", True),
        ("tool", True),
        ("notes.txt", False),
        (".hidden/a.py", False),
        ("node_modules/a.py", False),
        ("venv/lib/a.py", False),
        ("a/b/c/d/e/f.py", False),
    ],
)
def test_where_it_looks(tmp_path: Path, path: str, counts: bool) -> None:
    write(tmp_path / path, "#!/usr/bin/env python3\nimport yt_dlp\n")
    write(tmp_path / "venv/pyvenv.cfg", "")
    assert find(tmp_path) == ({"yt-dlp": path} if counts else {})


def test_a_module_beside_the_code_is_not_imported_from_outside(tmp_path: Path) -> None:
    write(tmp_path / "bot.py", "import yt_dlp\n")
    write(tmp_path / "yt_dlp.py", "")
    assert find(tmp_path) == {}
    (tmp_path / "yt_dlp.py").unlink()
    write(tmp_path / "yt_dlp/__init__.py", "")
    assert find(tmp_path) == {}


@pytest.mark.parametrize(
    ("document", "is_import"),
    [
        ({"cells": [{"cell_type": "code", "source": ["%pip install x\n", "import yt_dlp"]}]}, True),
        ({"cells": [{"cell_type": "code", "source": "!ls\nimport yt_dlp"}]}, True),
        ({"worksheets": [{"cells": [{"cell_type": "code", "input": "import yt_dlp"}]}]}, True),
        ({"cells": [{"cell_type": "markdown", "source": "import yt_dlp"}]}, False),
        ({"cells": "import yt_dlp"}, False),
        (["import yt_dlp"], False),
    ],
)
def test_notebooks(tmp_path: Path, document: object, is_import: bool) -> None:
    write(tmp_path / "book.ipynb", json.dumps(document))
    assert bool(find(tmp_path)) == is_import
    write(tmp_path / "book.ipynb", "import yt_dlp {")
    assert find(tmp_path) == {}


def test_what_is_no_ordinary_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.py")
    os.mkfifo(tmp_path / "script")
    (tmp_path / "b.py").symlink_to("b.py")
    (tmp_path / "loop").symlink_to(tmp_path)
    with (tmp_path / "huge.py").open("wb") as file:
        file.write(b"import yt_dlp\n")
        file.truncate(200 * 1024 * 1024)
    assert find(tmp_path) == {}


def test_no_more_than_a_bounded_number_of_names_is_looked_at(tmp_path: Path) -> None:
    for number in range(3100):
        (tmp_path / f"{number}.txt").touch()
    (tmp_path / "deep").mkdir()
    write(tmp_path / "deep/bot.py", "import yt_dlp\n")
    assert find(tmp_path) == {}


def test_without_a_project_nothing_is_read() -> None:
    assert find_importing_files(None, WANTED) == {}
