"""The pure parts of the set-up: reading the project, pip's settings and the index."""

from __future__ import annotations

import hashlib
import os
import sys
from importlib import import_module
from pathlib import Path

import pytest
import set_up
from harness.pips import bundled_pip_wheel
from harness.wheels import PackageIndex, library
from set_up import Candidate, Page

PROJECT = set_up.CHECKOUT / "pyproject.toml"


def test_the_project_is_read_as_a_toml_reader_reads_it() -> None:
    tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    data = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    expected = data["project"]["dependencies"]
    expected += data["dependency-groups"]["test"] + data["dependency-groups"]["check"]
    assert set_up.read_requirements(PROJECT, ["test", "check"]) == expected


def test_an_unknown_group_is_an_error() -> None:
    with pytest.raises(set_up.SetUpError, match="no array `nonsense`"):
        set_up.read_requirements(PROJECT, ["nonsense"])


@pytest.mark.parametrize(
    ("requires_python", "python", "expected"),
    [
        ("", (3, 11, 2), True),
        (">=3.9", (3, 11, 2), True),
        (">=3.12", (3, 11, 9), False),
        (">=2.7, !=3.0.*, !=3.1.*", (3, 11, 2), True),
        ("!=3.11.*", (3, 11, 2), False),
        ("!=3.11", (3, 11, 2), True),
        ("<3.11", (3, 11, 0), False),
        ("<=3.11", (3, 11, 2), False),
        ("<=3.11.2", (3, 11, 2), True),
        ("==3.*", (3, 14, 0), True),
        ("~=3.10", (3, 14, 0), True),
        ("~=3.10", (4, 0, 0), False),
        ("~=3.10.1", (3, 11, 0), False),
        (">=3.9.post1", (3, 11, 2), False),
    ],
)
def test_which_pythons_a_file_is_for(
    requires_python: str, python: tuple[int, ...], expected: bool
) -> None:
    assert set_up.fits(requires_python, python) is expected


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("pip-26.3-py3-none-any.whl", "26.3"),
        ("pip-26.3rc1-py3-none-any.whl", ""),
        ("pip-26.3.tar.gz", ""),
        ("pipx-1.0-py3-none-any.whl", ""),
        ("pip-26.3-py2.py3-none-any.whl", ""),
    ],
)
def test_only_final_wheels_count(name: str, version: str) -> None:
    assert Candidate(name, "https://x/").version == version


JSON_PAGE = b"""{"files": [{"filename": "pip-9.0-py3-none-any.whl", "url": "../../files/pip.whl",
 "hashes": {"sha256": "12"}, "requires-python": ">=3.9", "yanked": "bad"}]}"""
HTML_PAGE = b"""<!DOCTYPE html><html><body><a href="../../files/pip-9.0-py3-none-any.whl#sha256=12"
 data-requires-python="&gt;=3.9" data-yanked="bad">pip-9.0-py3-none-any.whl</a></body></html>"""


@pytest.mark.parametrize(
    ("kind", "data", "file"),
    [
        ("application/vnd.pypi.simple.v1+json", JSON_PAGE, "pip.whl"),
        ("text/html", HTML_PAGE, "pip-9.0-py3-none-any.whl"),
    ],
)
def test_both_forms_of_an_index_page(kind: str, data: bytes, file: str) -> None:
    page = Page("https://index.example/simple/pip/", kind, data)
    expected = Candidate(
        "pip-9.0-py3-none-any.whl",
        f"https://index.example/files/{file}",
        ">=3.9",
        True,
        {"sha256": "12"},
    )
    assert set_up.parse_page(page) == [expected]


@pytest.mark.parametrize("data", [b"<html>", b"{}", b'{"files": [{}]}', b'{"files": 3}'])
def test_an_index_that_talks_nonsense(data: bytes) -> None:
    with pytest.raises(set_up.SetUpError, match="cannot understand"):
        set_up.parse_page(Page("https://index.example/simple/pip/", "application/json", data))


def test_strength_of_pip_settings(home: Path) -> None:
    system, user, named = home / "etc/pip/pip.conf", home / ".config/pip/pip.conf", home / "named"
    for path, text in (
        (
            system,
            "[global]\nindex-url = system\nkeyring-provider = system\ntimeout = 5\n"
            "[install]\nproxy = p\n",
        ),
        (
            user,
            "[global]\nindex_url = user\nkeyring-provider = user\nproxy = user\n"
            "[list]\nkeyring-provider = no\n",
        ),
        (named, "[global]\nindex-url = named\n"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    environ = {"XDG_CONFIG_DIRS": str(home / "etc"), "PIP_TRUSTED_HOST": "a b", "PIP_NO_INDEX": ""}
    del os.environ["XDG_CONFIG_HOME"]
    settings = set_up.read_pip_settings({**environ, "PIP_CONFIG_FILE": str(named)})
    names = ("index-url", "keyring-provider", "proxy", "timeout", "trusted-host", "no-index")
    found = [settings.get(name) for name in names]
    # The named file takes the place of the user's.
    assert found == ["named", "system", "p", "5", "a b", None]
    settings = set_up.read_pip_settings(environ)
    assert [settings.get(name) for name in names] == ["user", "user", "p", "5", "a b", None]
    assert set_up.read_pip_settings({"PIP_CONFIG_FILE": os.devnull}) == {}


def test_only_where_packages_come_from_is_passed_on(home: Path) -> None:
    settings = home / "pip.conf"
    settings.write_text("[global]\ntarget = /x\nuser = yes\nextra-index-url =\n  a\n  b\n")
    environ = {"PIP_CONFIG_FILE": str(settings), "PIP_PREFIX": "/x", "PYTHONPATH": "/x", "A": "b"}
    passed = set_up.environment_for_pip({**environ, "PIP_PROXY": "p"})
    assert passed["PIP_CONFIG_FILE"] == os.devnull
    assert (passed["PIP_PROXY"], passed["A"]) == ("p", "b")
    assert passed["PIP_EXTRA_INDEX_URL"].split() == ["a", "b"]
    assert not {"PIP_TARGET", "PIP_USER", "PIP_PREFIX", "PYTHONPATH"} & set(passed)


def test_a_password_goes_into_a_header_only() -> None:
    bare, request = set_up.request_for("https://me:p%40ss@index.example:8/simple/pip/")
    assert bare == request.full_url == "https://index.example:8/simple/pip/"
    assert request.unredirected_hdrs["Authorization"] == "Basic bWU6cEBzcw=="


def test_the_newest_pip_of_an_index_is_taken(package_index: PackageIndex, tmp_path: Path) -> None:
    package_index.add(library("pip", "1.0"))
    package_index.add_file("pip", bundled_pip_wheel())
    package_index.add(library("pip", "99.0rc1"))
    os.environ["PIP_INDEX_URL"] = package_index.url
    wheel = set_up.fetch_pip(tmp_path)
    assert wheel.read_bytes() == bundled_pip_wheel().read_bytes()


def test_a_pip_with_another_hash_is_refused(package_index: PackageIndex, tmp_path: Path) -> None:
    package_index.add_with_wrong_hash(library("pip", "99.0"))
    os.environ["PIP_INDEX_URL"] = package_index.url
    with pytest.raises(set_up.SetUpError, match="sha256"):
        set_up.fetch_pip(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_pip_from_a_folder_without_an_index(package_index: PackageIndex, tmp_path: Path) -> None:
    package_index.add(library("pip", "99.0"))
    os.environ |= {"PIP_FIND_LINKS": str(package_index.find_links), "PIP_NO_INDEX": "1"}
    wheel = set_up.fetch_pip(tmp_path)
    expected = (package_index.find_links / wheel.name).read_bytes()
    assert hashlib.sha256(wheel.read_bytes()).digest() == hashlib.sha256(expected).digest()


def test_an_index_that_cannot_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    os.environ["PIP_INDEX_URL"] = "http://127.0.0.1:9/simple"
    with pytest.raises(set_up.SetUpError, match=r"cannot get http://127\.0\.0\.1:9/simple/pip/"):
        set_up.fetch_pip(tmp_path)
