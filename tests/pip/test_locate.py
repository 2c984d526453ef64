"""Where the real pip is: never ourselves, never a loop, and whose interpreter it belongs to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness.managed import write_executable

from pipguard.pip.handover import build_pip_variables, is_switched_off
from pipguard.pip.interpreter import (
    MARKER_NAME,
    build_isolated_command,
    locate_interpreter_of_package,
    locate_marker,
    locate_standard_library,
    prefer_stable_path,
    read_version,
)
from pipguard.pip.locate import (
    MOST_TRIES,
    TRIED_VARIABLE,
    RealPip,
    can_refuse,
    describe_pip,
    interpreter_names,
    locate_others,
    locate_real_pip,
    pip_names,
)
from pipguard.system.programs import locate_programs


def lay_python(prefix: Path, version: str = "3.13", library: str = "lib") -> Path:
    """The files that tell an installation's layout: a program, a standard library."""
    folder = prefix / library / f"python{version}"
    folder.mkdir(parents=True)
    (folder / "os.py").touch()
    return lay_program(prefix / "bin" / f"python{version}")


def lay_program(path: Path) -> Path:
    return write_executable(path, "\x7fELF")


def lay_marker(prefix: Path, version: str = "3.13", library: str = "lib") -> Path:
    marker = prefix / library / f"python{version}" / MARKER_NAME
    marker.touch()
    return marker


def lay_pip(path: Path, first_lines: str = "#!/bin/sh\n") -> Path:
    return write_executable(path, f"{first_lines}from pip._internal.cli.main import main\n")


def find(
    tmp_path: Path, *folders: str | Path, program: str = "pipguard", **environ: str
) -> str | None:
    """The path of the pip that is found with these folders on PATH."""
    path = os.pathsep.join(map(str, folders))
    found = locate_real_pip(program, {"PATH": path, **environ}, str(tmp_path / "own/pipguard"))
    return found.command[0] if found else None


@pytest.fixture
def own(tmp_path: Path) -> Path:
    text = "#!/venv/bin/python\nfrom pipguard.cli import main\n"
    return write_executable(tmp_path / "own" / "pipguard", text)


# Which file


def test_the_first_on_path_wins(tmp_path: Path, own: Path) -> None:
    first, second = lay_pip(tmp_path / "a/pip"), lay_pip(tmp_path / "b/pip")
    assert find(tmp_path, first.parent, second.parent) == str(first)
    assert find(tmp_path, second.parent, first.parent) == str(second)
    assert find(tmp_path, tmp_path / "missing") is None


def test_relative_and_empty_entries_are_skipped(
    tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = lay_pip(tmp_path / "here/pip"), lay_pip(tmp_path / "there/pip")
    monkeypatch.chdir(here.parent)
    assert find(tmp_path, "", ".", "../here", there.parent) == str(there)


def test_what_cannot_be_run_is_no_pip(tmp_path: Path, own: Path) -> None:
    plain, real = tmp_path / "a/pip", lay_pip(tmp_path / "c/pip")
    lay_pip(plain).chmod(0o644)
    (tmp_path / "b/pip").mkdir(parents=True)
    assert find(tmp_path, plain.parent, tmp_path / "b", real.parent) == str(real)


def test_the_pip_of_our_own_environment_is_another_ones(tmp_path: Path) -> None:
    own = tmp_path / "own" / "bin"
    itself = lay_program(own / "pipguard")
    (tmp_path / "own" / "pyvenv.cfg").touch()
    lay_pip(own / "pip")
    lay_program(own / "python3")
    system = tmp_path / "system"
    lay_pip(system / "pip")
    environ = {"PATH": f"{own}:{system}"}
    assert find_with(environ, itself) == str(system / "pip")
    active = {**environ, "VIRTUAL_ENV": str(tmp_path / "own")}
    assert find_with(active, itself) == str(own / "pip")
    elsewhere = {**environ, "VIRTUAL_ENV": str(tmp_path / "else")}
    assert find_with(elsewhere, itself) == str(system / "pip")
    link = tmp_path / "link"
    link.symlink_to(itself)
    assert find_with(environ, link) == str(system / "pip")
    assert list(locate_others("python3", environ, str(itself))) == []


def find_with(environ: dict[str, str], itself: Path) -> str | None:
    found = locate_real_pip("pipguard", environ, str(itself))
    return found.command[0] if found else None


@pytest.mark.parametrize("kind", ["link", "link to a link", "copy", "wrapper"])
def test_never_ourselves(tmp_path: Path, own: Path, kind: str) -> None:
    real = lay_pip(tmp_path / "real/pip")
    shim = tmp_path / "shims/pip"
    shim.parent.mkdir()
    if kind == "copy":
        shim.write_bytes(own.read_bytes())
        shim.chmod(0o755)
    elif kind == "wrapper":
        write_executable(shim, '#!/bin/sh\nexec pipguard "$@"\n')
    else:
        between = tmp_path / "between"
        between.symlink_to(own)
        shim.symlink_to(own if kind == "link" else between)
    assert find(tmp_path, shim.parent, real.parent) == str(real)
    assert find(tmp_path, shim.parent) is None


@pytest.mark.parametrize("name", ["pip", "pip3.13"])
def test_standing_in_for_an_environments_pip_we_start_that_one(
    tmp_path: Path, own: Path, name: str
) -> None:
    other = lay_pip(tmp_path / "usr" / name)
    python = lay_python(tmp_path / "env")
    (python.parent / "python").symlink_to(python)
    (tmp_path / "env/pyvenv.cfg").touch()
    (python.parent / name).symlink_to(own)
    environ = {"PATH": f"{python.parent}:{other.parent}"}
    found = locate_real_pip(name, environ, str(own))
    assert found
    assert found.command == (str(other),), "the environment has no pip"
    (tmp_path / "env/lib/python3.13/site-packages/pip-26.3.dist-info").mkdir(parents=True)
    found = locate_real_pip(name, environ, str(own))
    assert found
    assert found.command == (str(python.parent / "python"), "-m", "pip")
    assert not can_refuse(found, ["install", "six"])


@pytest.mark.parametrize(
    "text",
    [
        "#!/pipguard/bin/python\nfrom pip import main\n",
        "#!/bin/sh\n'''exec' \"/a b/pipguard/bin/python\" \"$0\" \"$@\"\n' '''\n"
        "from pip._internal.cli.main import main\n",
    ],
)
def test_a_real_pip_in_a_folder_called_pipguard_is_one(
    tmp_path: Path, own: Path, text: str
) -> None:
    real = write_executable(tmp_path / "pipguard/bin/pip", text)
    assert find(tmp_path, real.parent) == str(real)


def test_a_wrapper_that_leads_back_is_passed_after_some_tries(tmp_path: Path, own: Path) -> None:
    shim = lay_pip(tmp_path / "shims/pip")
    real = lay_pip(tmp_path / "real/pip")
    environ = {"PATH": f"{shim.parent}:{real.parent}"}
    for _ in range(MOST_TRIES):
        found = locate_real_pip("pip", environ, str(own))
        assert found
        assert found.command == (str(shim),)
        environ = build_pip_variables(found, environ)
    found = locate_real_pip("pip", environ, str(own))
    assert found
    assert found.command == (str(real),)


def test_a_pip_that_can_be_read_is_not_noted(tmp_path: Path) -> None:
    environ = {"A": "b"}
    assert (
        build_pip_variables(RealPip(("/usr/bin/pip",), "/usr/bin/python3", None), environ)
        == environ
    )
    opaque = RealPip(("/usr/bin/pip",), None, None)
    assert build_pip_variables(opaque, environ) == {"A": "b", TRIED_VARIABLE: "/usr/bin/pip"}


def test_the_user_names_another(tmp_path: Path, own: Path) -> None:
    real, chosen = lay_pip(tmp_path / "real/pip"), lay_pip(tmp_path / "chosen/anything")
    assert find(tmp_path, real.parent, PIPGUARD_REAL_PIP=str(chosen)) == str(chosen)
    # A wrong one is believed: it fails by its name, instead of another being taken.
    assert find(tmp_path, real.parent, PIPGUARD_REAL_PIP="/nowhere/pip") == "/nowhere/pip"
    assert find(tmp_path, real.parent, PIPGUARD_REAL_PIP="") == str(real)


def test_the_user_cannot_name_ourselves(tmp_path: Path, own: Path) -> None:
    real, link = lay_pip(tmp_path / "real/pip"), tmp_path / "link"
    link.symlink_to(own)
    for chosen in (own, link):
        assert find(tmp_path, real.parent, PIPGUARD_REAL_PIP=str(chosen)) == str(real)


@pytest.mark.parametrize(
    ("program", "pips", "pythons"),
    [
        ("pipguard", ("pip", "pip3"), ("python3", "python")),
        ("pip", ("pip", "pip3"), ("python3", "python")),
        ("pip3", ("pip3",), ("python3",)),
        ("pip3.12", ("pip3.12",), ("python3.12",)),
        ("pip3.12.exe", ("pip3.12",), ("python3.12",)),
        ("pipx", ("pip", "pip3"), ("python3", "python")),
        ("pip-3", ("pip", "pip3"), ("python3", "python")),
    ],
)
def test_the_name_chooses_the_pip(
    program: str, pips: tuple[str, ...], pythons: tuple[str, ...]
) -> None:
    assert pip_names(program) == pips
    assert interpreter_names(program) == pythons


def test_pip3_12_is_not_replaced_by_another(tmp_path: Path, own: Path) -> None:
    plain, versioned = lay_pip(tmp_path / "a/pip"), lay_pip(tmp_path / "b/pip3.12")
    folders = (plain.parent, versioned.parent)
    assert find(tmp_path, *folders, program="pip3.12") == str(versioned)
    assert find(tmp_path, *folders, program="pip3.11") is None
    assert find(tmp_path, lay_pip(tmp_path / "c/pip3").parent) == str(tmp_path / "c/pip3")


def test_programs_in_the_order_of_path(tmp_path: Path) -> None:
    first, second = lay_program(tmp_path / "a/git"), lay_program(tmp_path / "b/git")
    environ = {"PATH": f"{tmp_path}/b:{tmp_path}/a"}
    assert locate_programs("git", environ) == [str(second), str(first)]
    assert locate_programs("git", {"PATH": ""}) == []


# Whose interpreter


def read_shebang(tmp_path: Path, first_lines: str, **environ: str) -> str | None:
    return describe_pip(str(lay_pip(tmp_path / "bin/pip", first_lines)), environ).interpreter


@pytest.mark.parametrize("ending", ["", " -sE", " -P -s", "  "])
def test_a_plain_first_line(tmp_path: Path, ending: str) -> None:
    python = lay_python(tmp_path / "usr")
    assert read_shebang(tmp_path, f"#!{python}{ending}\n") == str(python)
    assert read_shebang(tmp_path, f"#! {python}{ending}\n") == str(python)


@pytest.mark.parametrize(
    "words",
    ["python3", "python3 -sE", "-S python3 -sE", "-S A=b python3", "-i python3"],
)
def test_a_first_line_with_env(tmp_path: Path, words: str) -> None:
    python = lay_python(tmp_path / "usr")
    (python.parent / "python3").symlink_to(python.name)
    found = read_shebang(tmp_path, f"#!/usr/bin/env {words}\n", PATH=str(python.parent))
    assert found == str(python.parent / "python3")


def test_env_passes_over_what_is_no_python(tmp_path: Path) -> None:
    python = lay_python(tmp_path / "usr")
    (python.parent / "python3").symlink_to(python.name)
    lay_python(tmp_path / "pyenv")
    write_executable(tmp_path / "pyenv/bin/python3", '#!/bin/sh\nexec pyenv exec "$@"\n')
    path = f"{tmp_path}/pyenv/bin:{python.parent}"
    found = read_shebang(tmp_path, "#!/usr/bin/env python3\n", PATH=path)
    assert found == str(python.parent / "python3")
    assert read_shebang(tmp_path, "#!/usr/bin/env\n", PATH=path) is None


@pytest.mark.parametrize("quote", ['"', ""])
def test_the_form_for_long_paths(tmp_path: Path, quote: str) -> None:
    folder = tmp_path / ("a b" if quote else "ab")
    python = lay_python(folder)
    lines = f"#!/bin/sh\n'''exec' {quote}{python}{quote} \"$0\" \"$@\"\n' '''\n"
    assert read_shebang(tmp_path, lines) == str(python)


def test_the_relocatable_form(tmp_path: Path) -> None:
    python = lay_python(tmp_path / "usr")
    (python.parent / "python").symlink_to(python.name)
    lines = '#!/bin/sh\n\'\'\'exec\' "$(dirname -- "$(realpath -- "$0")")"/\'python\' "$0" "$@"\n'
    pip = lay_pip(python.parent / "pip", f"{lines}' '''\n")
    link = tmp_path / "link"
    link.symlink_to(pip)
    for path in (pip, link):
        assert describe_pip(str(path), {}).interpreter == str(python.parent / "python")


@pytest.mark.parametrize(
    "first_lines",
    [
        "",
        "\x7fELF",
        "#!/bin/sh\nexec pyenv exec pip\n",
        "#!/usr/bin/env bash\n",
        "#!/usr/bin/perl\n",
        "#!/nowhere/bin/python3\n",
        "#!python3\n",
        "#!\n",
        '#!/bin/sh\n\'\'\'exec\' "/nowhere/python" "$0" "$@"\n',
    ],
)
def test_what_tells_no_interpreter_is_opaque(tmp_path: Path, first_lines: str) -> None:
    pip = describe_pip(str(lay_pip(tmp_path / "bin/pip", first_lines)), {"PATH": "/nowhere"})
    assert pip.is_opaque
    assert can_refuse(pip, ["install", "six"])


def test_an_unreadable_file_is_opaque() -> None:
    assert describe_pip("/nowhere/pip", {}).is_opaque


def test_an_interpreter_of_an_environment_has_no_marker(tmp_path: Path) -> None:
    base = lay_python(tmp_path / "usr")
    lay_marker(tmp_path / "usr")
    python = tmp_path / "env/bin/python3"
    python.parent.mkdir(parents=True)
    python.symlink_to(base)
    (tmp_path / "env/pyvenv.cfg").touch()
    pip = describe_pip(str(lay_pip(tmp_path / "env/bin/pip", f"#!{python}\n")), {})
    assert (pip.interpreter, pip.marker) == (str(python), None)
    assert not can_refuse(pip, ["install", "six"])


def test_a_pip_of_an_environment_that_cannot_be_read_is_not_refused(tmp_path: Path) -> None:
    pip = describe_pip(str(lay_pip(tmp_path / "env/bin/pip", "#!/bin/sh\nexec other\n")), {})
    assert can_refuse(pip, ["install", "six"])
    (tmp_path / "env/pyvenv.cfg").touch()
    assert pip.is_opaque
    assert not can_refuse(pip, ["install", "six"])


# Whether it is marked


@pytest.mark.parametrize("library", ["lib", "lib64"])
def test_the_marker_lies_in_the_standard_library(tmp_path: Path, library: str) -> None:
    python = lay_python(tmp_path / "usr", library=library)
    (python.parent / "python3").symlink_to(python.name)
    assert locate_marker(str(python)) is None
    marker = lay_marker(tmp_path / "usr", library=library)
    assert locate_marker(str(python)) == str(marker)
    assert locate_marker(str(python.parent / "python3")) == str(marker)


def test_two_versions_in_one_prefix(tmp_path: Path) -> None:
    older, newer = lay_python(tmp_path / "usr", "3.11"), lay_python(tmp_path / "usr", "3.13")
    marker = lay_marker(tmp_path / "usr", "3.13")
    assert locate_marker(str(newer)) == str(marker)
    assert locate_marker(str(older)) is None
    # A name without a version could be either.
    assert locate_marker(str(lay_program(tmp_path / "usr/bin/python"))) is None


def test_homebrew_links_into_its_cellar(tmp_path: Path) -> None:
    cellar = tmp_path / "Cellar/python@3.13/3.13.1/Frameworks/Python.framework/Versions/3.13"
    python = lay_python(cellar)
    marker = lay_marker(cellar)
    link = tmp_path / "opt/bin/python3.13"
    link.parent.mkdir(parents=True)
    link.symlink_to(python)
    (link.parent / "python3").symlink_to("python3.13")
    assert locate_marker(str(link)) == str(marker)
    assert prefer_stable_path(str(link.parent / "python3")) == str(link)


def test_uv_keeps_a_program_without_a_version_in_its_name(tmp_path: Path) -> None:
    lay_python(tmp_path / "cpython-3.13")
    python = lay_program(tmp_path / "cpython-3.13/bin/python")
    marker = lay_marker(tmp_path / "cpython-3.13")
    assert locate_marker(str(python)) == str(marker)


def test_an_installation_on_windows(tmp_path: Path) -> None:
    (tmp_path / "Lib").mkdir()
    (tmp_path / "Lib/os.py").touch()
    (tmp_path / "Lib" / MARKER_NAME).touch()
    python = lay_program(tmp_path / "python.exe")
    assert locate_marker(str(python)) == str(tmp_path / "Lib" / MARKER_NAME)


def test_an_unusual_place_has_no_standard_library(tmp_path: Path) -> None:
    python = lay_program(tmp_path / "odd/python3")
    assert locate_standard_library(str(python)) is None
    assert read_version(str(python)) is None
    assert prefer_stable_path(str(python)) == str(python)


def test_the_stable_path_names_the_version(tmp_path: Path) -> None:
    python = lay_python(tmp_path / "usr")
    (python.parent / "python3").symlink_to(python.name)
    assert prefer_stable_path(str(python.parent / "python3")) == str(python)
    # Another program of that name is not the same Python.
    other = lay_program(tmp_path / "usr/bin/python")
    assert prefer_stable_path(str(other)) == str(other)


def test_the_interpreter_of_a_package(tmp_path: Path) -> None:
    python = lay_python(tmp_path / "usr")
    package = tmp_path / "usr/lib/python3/dist-packages/pip"
    assert locate_interpreter_of_package(str(package), "3.13") == str(python)
    assert locate_interpreter_of_package(str(package), "3.9") is None


def test_the_version_is_read_from_the_folder(tmp_path: Path) -> None:
    assert read_version(str(lay_python(tmp_path / "usr", "3.9"))) == (3, 9)


@pytest.mark.parametrize(
    ("version", "flag"), [((3, 10), "-I"), ((3, 11), "-P"), ((3, 14), "-P"), (None, "-I")]
)
def test_a_python_starts_without_the_current_folder(
    version: tuple[int, int] | None, flag: str
) -> None:
    assert build_isolated_command("/usr/bin/python3", version) == ("/usr/bin/python3", flag)


# Whether it could refuse


@pytest.mark.parametrize(
    ("words", "can"),
    [
        (["install", "six"], True),
        (["uninstall", "six"], True),
        (["-q", "install"], True),
        (["download", "six"], False),
        (["--version"], False),
        ([], False),
    ],
)
def test_only_two_subcommands_are_refused(words: list[str], can: bool) -> None:
    marked = RealPip(("/usr/bin/pip",), "/usr/bin/python3", "/usr/lib/python3.13/marker")
    assert can_refuse(marked, words) is can
    assert not can_refuse(RealPip(("/usr/bin/pip",), "/usr/bin/python3", None), words)


@pytest.mark.parametrize("value", ["off", "OFF", "0", "no", "No", "false", "FALSE"])
def test_switched_off(value: str) -> None:
    assert is_switched_off({"PIPGUARD": value})


@pytest.mark.parametrize("value", ["", "on", "1", "yes", "maybe"])
def test_not_switched_off(value: str) -> None:
    assert not is_switched_off({"PIPGUARD": value})
    assert is_switched_off({"PIPGUARD": value, "PIPGUARD_ROUTE": "Off"})
