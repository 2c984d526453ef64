"""Reads what the operating system is called (os-release(5))."""

from __future__ import annotations

import os


def read_os_release(root: str = "/") -> dict[str, str]:
    """Return the keys and values of /etc/os-release, unquoted; none where it cannot be read."""
    try:
        path = os.path.join(root, "etc/os-release")
        with open(path, encoding="utf-8", errors="replace") as file:
            pairs = [line.strip().partition("=") for line in file if "=" in line]
    except OSError:
        return {}
    return {key: value.strip("\"'") for key, _, value in pairs}


def is_raspberry_pi_os(root: str = "/") -> bool:
    """Tell Raspberry Pi OS, which calls itself Raspbian on 32 bits and Debian on 64."""
    is_raspbian = read_os_release(root).get("ID") == "raspbian"
    return is_raspbian or os.path.exists(os.path.join(root, "etc/rpi-issue"))


def read_system_name(root: str = "/") -> str:
    """Return the operating system's name for people; empty where it is not known."""
    if is_raspberry_pi_os(root):
        return "Raspberry Pi OS"
    name = read_os_release(root).get("NAME", "").replace(" GNU/Linux", "")
    return "Void Linux" if name == "Void" else name  # alone it would read as nothing
