"""Where a command's distributions come from, compared with what the real pip says it looks in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness.callers import make_caller
from harness.managed import ManagedPython
from harness.running import run_command

from pipguard.pip.command_line import parse_command
from pipguard.pip.origins import UNKNOWN, Asking, Origin, ask_as_before, read_origin

A, B, C, D = (f"http://127.0.0.1:9/{letter}" for letter in "abcd")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def ask_pip(python: ManagedPython, folder: Path, words: list[str]) -> tuple[str, str]:
    """Return what pip says it looks in: indexes and links."""
    words = [*words, "--retries=0", "--timeout=1", "no-such-name"]
    done = run_command([python.pip, *words], folder)
    found = dict(
        line.removeprefix("Looking in ").split(": ", 1)
        for line in done.out.splitlines()
        if line.startswith("Looking in ")
    )
    return found.get("indexes", ""), found.get("links", "")


@pytest.mark.parametrize(
    ("words", "variables", "configuration", "files"),
    [
        (["--index-url", A], {}, "", {}),
        (["-i", A, "--extra-index-url", B], {"PIP_EXTRA_INDEX_URL": f"{C} {D}"}, "", {}),
        (["--extra-index-url", B], {"PIP_INDEX_URL": A}, f"[global]\nindex-url = {D}\n", {}),
        ([], {}, f"[global]\nindex-url = {A}\n[download]\nindex-url = {B}\n", {}),
        ([], {}, f"[global]\nindex_url = {A}\nextra-index-url =\n  {B}\n  {C}\n", {}),
        (["--no-index", "-f", "wheels"], {"PIP_INDEX_URL": A}, "", {"wheels/x": ""}),
        (["-r", "r.txt"], {"PIP_EXTRA_INDEX_URL": D}, "", {"r.txt": f"-i {A}  # x\nsix\n"}),
        (["-r", "r.txt", "-i", A], {}, "", {"r.txt": f"--extra \\\n {B}\nsix --index-url {D}\n"}),
        (["-r", "d/r.txt"], {"PIP_INDEX_URL": A}, "",
         {"d/r.txt": "-r more.txt\n--find-links w\n-f e\n", "d/w/x": "", "e/x": "",
          "d/more.txt": "--extra-index-url ${WHERE}/b\n"}),
        (["-r", "r.txt", "-i", A], {}, "", {"r.txt": "--no-index\n--find-links /nowhere\n"}),
    ],
)  # fmt: skip
def test_as_pip_puts_it_together(
    managed_python: ManagedPython, project: Path, home: Path, monkeypatch: pytest.MonkeyPatch,
    words: list[str], variables: dict[str, str], configuration: str, files: dict[str, str],
) -> None:  # fmt: skip
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.delenv("PIP_CONFIG_FILE", raising=False)
    monkeypatch.setenv("WHERE", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for name, text in files.items():
        write(project / name, text)
    # `download` reads [download]; ours stands for an install.
    write(home / ".pip/pip.conf", configuration.replace("[download]", "[install]"))
    command = parse_command(("install", *words, "no-such-name"))
    caller = make_caller(project, home, **os.environ)
    origin = read_origin(caller, str(managed_python.python), "", command)
    write(home / ".pip/pip.conf", configuration)
    indexes, links = ask_pip(managed_python, project, ["download", *words])
    assert ", ".join(origin.indexes) == indexes
    shown = [os.path.join(project, link) for link in links.split(", ") if link]
    assert list(origin.links) == shown


def test_what_is_kept_has_no_secret_and_gets_it_back() -> None:
    origin = Origin(("https://me:pw@h/simple", "https://o/s?token=pw"), ("https://t@h/w",))
    assert "pw" not in str(origin.words)
    assert ask_as_before(origin.words, origin) == Asking()
    now = Origin(("https://elsewhere/simple", *origin.indexes), origin.links)
    asking = ask_as_before(origin.words, now)
    variables = dict(asking.variables)
    assert variables["PIP_INDEX_URL"] == "https://me:pw@h/simple"
    assert variables["PIP_EXTRA_INDEX_URL"] == "https://o/s?token=pw"
    assert variables["PIP_FIND_LINKS"] == "https://t@h/w"
    assert asking.words == ()
    assert ask_as_before(Origin((A, B)).words, now).words == Origin((A, B)).words


def test_whose_certificate_is_not_checked_and_by_whose_it_is_belong_to_the_origin(
    managed_python: ManagedPython, project: Path, home: Path
) -> None:
    write(project / "r.txt", "--trusted-host b\n")
    words = ("install", "--trusted-host", "a", "-r", "r.txt", "--cert", "corp.pem", "-i", A)
    caller = make_caller(project, home, PIP_TRUSTED_HOST="c")
    origin = read_origin(caller, str(managed_python.python), "", parse_command(words))
    assert origin.hosts == ("c", "a", "b")
    assert origin.certificate == str(project / "corp.pem")
    asking = ask_as_before(origin.words, read_origin(caller, str(managed_python.python)))
    assert dict(asking.variables).items() >= {
        "PIP_TRUSTED_HOST": "c a b", "PIP_CERT": str(project / "corp.pem"), "PIP_INDEX_URL": A
    }.items()  # fmt: skip
    assert asking.words == origin.words


def test_the_default_index_is_asked_again_though_another_is_configured(
    managed_python: ManagedPython, project: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_CONFIG_FILE", raising=False)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", B)
    write(home / ".pip/pip.conf", f"[global]\nindex-url = {A}\nfind-links = {C}\n")
    caller = make_caller(project, home, **os.environ)
    now = read_origin(caller, str(managed_python.python))
    assert now.indexes == (A, B)
    for name, value in ask_as_before(Origin().words, now).variables:
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    # pip names its indexes where they are not its default alone.
    assert ask_pip(managed_python, project, ["download"]) == ("", os.devnull)


@pytest.mark.parametrize("text", ["-r https://h/r.txt\n", "--no-such-option\n", "-i 'x\n", None])
def test_what_cannot_be_read_as_a_whole_is_unknown(project: Path, text: str | None) -> None:
    if text is not None:
        write(project / "r.txt", text)
    command = parse_command(("install", "-r", "r.txt"))
    caller = make_caller(project)
    assert read_origin(caller, "/usr/bin/python3", "", command).words == UNKNOWN
