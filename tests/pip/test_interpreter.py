"""What files tell about an interpreter: the real Python that runs the tests."""

from __future__ import annotations

import sys

import pytest

from pipguard.pip.interpreter import has_standard_module


@pytest.mark.parametrize("name", ["sys", "json", "pathlib", "math"])
def test_modules_of_pythons_own(name: str) -> None:
    assert has_standard_module(sys.executable, name)


@pytest.mark.parametrize("name", ["", "six", "site-packages", "lib-dynload", "LICENSE", "os.py"])
def test_what_is_no_module_of_pythons_own(name: str) -> None:
    assert not has_standard_module(sys.executable, name)
