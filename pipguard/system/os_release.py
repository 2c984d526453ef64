"""Reads what the operating system is called (os-release(5))."""

from __future__ import annotations


def read_os_release() -> dict[str, str]:
    """Return the keys and values of /etc/os-release, unquoted; none where it cannot be read."""
    try:
        with open("/etc/os-release", encoding="utf-8", errors="replace") as file:
            pairs = [line.strip().partition("=") for line in file if "=" in line]
    except OSError:
        return {}
    return {key: value.strip("\"'") for key, _, value in pairs}
