"""A project's files name requirements in many ways, and none of them may hurt us."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipguard.environments.declared import find_declared_names

NAMES = frozenset({"black", "my-tool", "httpie"})


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (
            "pyproject.toml",
            "[project]\ndependencies = [\"Black[d]>=24; python_version>'3'\"]",
        ),
        ("pyproject.toml", '[project.optional-dependencies]\nlint = ["black"]'),
        ("pyproject.toml", '[dependency-groups]\ndev = [{include-group = "x"}, "black==24"]'),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.9"\nBlack = "^24"'),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\nblack = {version = "^24"}',
        ),
        ("pyproject.toml", '[[tool.poetry.dependencies.black]]\nversion = "^24"'),
        ("pyproject.toml", '[tool.poetry.dev-dependencies]\nblack = "*"'),
        ("pyproject.toml", '[tool.poetry.group.lint.dependencies]\nblack = "*"'),
        ("pyproject.toml", '[tool.pdm.dev-dependencies]\nlint = ["black"]'),
        ("pyproject.toml", '[tool.uv]\ndev-dependencies = ["black"]'),
        ("pyproject.toml", '[tool.hatch.envs.default]\ndependencies = ["black"]'),
        ("pyproject.toml", '\ufeff[project]\ndependencies = ["black @ https://x.example/b.whl"]'),
        ("Pipfile", '[dev-packages]\nblack = "*"'),
        ("Pipfile", '[packages]\nBLACK = {version = "*"}'),
        ("Pipfile", '[docs]\nblack = "*"'),
        ("setup.cfg", "[options]\ninstall_requires =\n    six\n    black>=24\n"),
        ("setup.cfg", "[options]\ntests_require = black"),
        ("setup.cfg", "[options.extras_require]\nlint =\n    black ; python_version > '3'\n"),
        ("setup.py", "setup(install_requires=['six', 'black>=24'])"),
        ("setup.py", "import setuptools as s\nR = ['black']\ns.setup(tests_require=R)"),
        ("setup.py", "setup(extras_require={'lint': ['black[d]; python_version > \"3\"']})"),
        ("setup.py", "def main():\n    setup(install_requires=LISTED + ['black'])\n"),
        ("setup.py", "setup(install_requires='six\\nblack', name='\\d')"),
        ("requirements.txt", "six\nblack>=24 --hash=sha256:00  # formatter\n"),
        ("requirements-dev.txt", "black"),
        ("dev-requirements.txt", "black\\\n  ==24\n"),
        ("requirements.in", "black"),
        ("requirements/lint.txt", "black"),
    ],
)
def test_named(tmp_path: Path, file: str, text: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    assert find_declared_names(str(tmp_path), NAMES) == {"black": file}


@pytest.mark.parametrize("spelling", ["my-tool", "My_Tool", "my.tool", "MY__tool"])
def test_every_spelling_is_the_same_name(tmp_path: Path, spelling: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"{spelling}>=1\n")
    assert find_declared_names(str(tmp_path), NAMES) == {"my-tool": "requirements.txt"}


def test_utf_16_from_powershell(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("black==24\r\n", encoding="utf-16")
    assert find_declared_names(str(tmp_path), NAMES) == {"black": "requirements.txt"}


def test_the_first_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("black\nhttpie\n")
    (tmp_path / "pyproject.toml").write_text('[dependency-groups]\ndev = ["black"]\n')
    found = find_declared_names(str(tmp_path), NAMES)
    assert found == {"black": "pyproject.toml", "httpie": "requirements.txt"}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", '[tool.black]\nline-length = 100\n[project]\nname = "black"'),
        ("pyproject.toml", '[build-system]\nrequires = ["black"]'),
        ("pyproject.toml", '[project]\ndescription = "black"\ndependencies = "black"'),
        ("pyproject.toml", '[project]\ndependencies = ["black"'),
        ("pyproject.toml", 'dependencies = {black = "' + "x" * 1024 * 1024 + '"}'),
        ("pyproject.toml", "dependencies = " + "[" * 5000 + '"black"' + "]" * 5000),
        ("pyproject.toml", '[project]\ndependencies = [{black = 1}, 2, ["black"]]'),
        ("Pipfile", '[source]\nblack = "x"\n[scripts]\nblack = "black ."'),
        ("Pipfile", 'black = "*"'),
        ("setup.cfg", "[options]\nname = black\n[black]\ninstall_requires = black"),
        ("setup.cfg", "black\n[options\n"),
        ("setup.py", "setup(name='black', extras_require={'black': ['six']})"),
        ("setup.py", "print 'setup(install_requires=[black])'"),
        ("setup.py", "setup(install_requires=['black'" + "[" * 5000),
        ("setup.py", "setup(install_requires=['black'])\0"),
        ("setup.py", "raise SystemExit('black')"),
        ("setup.py", "setup(install_requires=['black'])\n" + "x = 1\n" * 30_000),
        ("requirements.txt", "# black\n-r black\n--find-links black\n./black\nblack://x"),
        ("requirements.txt", "git+https://x.example/black\nblack-extra\nnot-black\n"),
        ("requirements.txt", "black\n" * 200_000),
        ("requirements.md", "black"),
        ("notes.txt", "black"),
    ],
    ids=range(22),
)
def test_not_named(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")
    assert find_declared_names(str(tmp_path), NAMES) == {}


def test_what_is_no_readable_file_names_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pyproject.toml")
    (tmp_path / "Pipfile").mkdir()
    (tmp_path / "setup.cfg").symlink_to("/dev/zero")
    (tmp_path / "requirements.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "requirements-x.txt").write_bytes(b"\x80\x81 black\n")
    (tmp_path / "requirements-y.txt").symlink_to("requirements-y.txt")
    assert find_declared_names(str(tmp_path), NAMES) == {}
    assert find_declared_names(str(tmp_path / "gone"), NAMES) == {}
    assert find_declared_names(None, NAMES) == {}
    assert find_declared_names(str(tmp_path), []) == {}


def test_a_folder_full_of_lists_is_read_only_in_part(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"requirements-{number:03}.txt").write_text("six\n" * 1000)
    (tmp_path / "requirements-999.txt").write_text("black\n")
    assert find_declared_names(str(tmp_path), NAMES) == {}


def test_a_text_without_the_name_is_not_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["six"]\n')
    monkeypatch.setattr(
        "pipguard.environments.declared.parse_toml", lambda _: pytest.fail("parsed")
    )
    assert find_declared_names(str(tmp_path), NAMES) == {}
