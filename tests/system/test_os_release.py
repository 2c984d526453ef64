"""What the operating system is called, from files of real systems."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipguard.system.os_release import is_raspberry_pi_os, read_os_release, read_system_name

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nID=debian\n'
RASPBIAN = 'NAME="Raspbian GNU/Linux"\nVERSION_ID="12"\nID=raspbian\nID_LIKE=debian\n'


@pytest.mark.parametrize(
    ("text", "issue", "name"),
    [
        (DEBIAN, False, "Debian"),
        (DEBIAN, True, "Raspberry Pi OS"),
        (RASPBIAN, True, "Raspberry Pi OS"),
        (RASPBIAN, False, "Raspberry Pi OS"),
        ("NAME='Arch Linux'\n", False, "Arch Linux"),
        ('NAME="Void"\nID="void"\n', False, "Void Linux"),
        ('NAME="Kali GNU/Linux"\nID=kali\n', False, "Kali"),
        ('NAME="Alpine Linux"\nID=alpine\n', False, "Alpine Linux"),
        ('NAME="openSUSE Tumbleweed"\n', False, "openSUSE Tumbleweed"),
        ("NAME=Gentoo\nID=gentoo\n", False, "Gentoo"),
        ("", False, ""),
    ],
)
def test_names(tmp_path: Path, text: str, issue: bool, name: str) -> None:
    tmp_path.joinpath("etc").mkdir()
    tmp_path.joinpath("etc/os-release").write_text(text)
    if issue:
        tmp_path.joinpath("etc/rpi-issue").write_text("Raspberry Pi reference 2026-10-01\n")
    assert read_system_name(str(tmp_path)) == name
    assert is_raspberry_pi_os(str(tmp_path)) is (name == "Raspberry Pi OS")


def test_without_the_file_nothing_is_known(tmp_path: Path) -> None:
    assert read_os_release(str(tmp_path)) == {}
