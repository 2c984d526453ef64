"""Settings: who may set what, which one wins, and what a bad one is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipguard.errors import BadSetting
from pipguard.settings import ROUTES, Settings, read_settings


@pytest.fixture
def user_file(home: Path) -> Path:
    return home / "xdg-config/pipguard/config.toml"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def read(project: Path | None = None, **environ: str) -> Settings:
    variables = {**os.environ, **environ}
    return read_settings(variables, str(project) if project else None)


def refuse(project: Path | None = None, **environ: str) -> BadSetting:
    with pytest.raises(BadSetting) as raised:
        read(project, **environ)
    assert (raised.value.reference, raised.value.exit_status) == ("bad-setting", 1)
    return raised.value


def test_nobody_has_set_anything() -> None:
    assert read() == Settings()
    assert Settings().route == "auto"


def test_each_key_of_a_project(project: Path) -> None:
    text = (
        '[tool.pipguard]\nvenv = "env"\nsystem-site-packages = true\n'
        'applications = ["a"]\nlibraries = ["b", "C_d"]\n'
    )
    write(project / "pyproject.toml", text)
    expected = Settings(
        venv="env", system_site_packages=True, applications=("a",), libraries=("b", "C_d")
    )
    assert read(project) == expected
    assert read(None) == Settings()


def test_weights_rise_from_user_to_project_to_variable(user_file: Path, project: Path) -> None:
    write(user_file, 'route = "venv"\nvenv = "users"\nsystem-site-packages = true\n')
    assert read(project) == Settings(route="venv", venv="users", system_site_packages=True)
    write(project / "pyproject.toml", '[tool.pipguard]\nvenv = "projects"\n')
    assert read(project).venv == "projects"
    found = read(
        project,
        PIPGUARD_VENV="mine",
        PIPGUARD_ROUTE="PIPX",
        PIPGUARD_SYSTEM_SITE_PACKAGES="no",
        PIPGUARD_REBUILD="yes",
    )
    assert found == Settings(route="pipx", venv="mine", system_site_packages=False, rebuild=True)


def test_the_user_may_choose_a_place_anywhere(user_file: Path) -> None:
    write(user_file, 'venv = "/srv/environments/mine"\n')
    assert read().venv == "/srv/environments/mine"


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_is_accepted(user_file: Path, route: str) -> None:
    write(user_file, f'route = "{route}"\n')
    assert read().route == route
    assert read(PIPGUARD_ROUTE=route.upper()).route == route


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", True), ("Yes", True), ("on", True), ("0", False), ("OFF", False), ("", False)],
)
def test_switches(value: str, expected: bool) -> None:
    assert read(PIPGUARD_SYSTEM_SITE_PACKAGES=value).system_site_packages is expected
    assert read(PIPGUARD_REBUILD=value).rebuild is expected


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("PIPGUARD_ROUTE", "docker", "auto, venv, pipx, system, override, off"),
        ("PIPGUARD_REBUILD", "maybe", "1, yes, true, on, 0, no, false, off"),
        ("PIPGUARD_SYSTEM_SITE_PACKAGES", "2", "1, yes, true, on, 0, no, false, off"),
    ],
)
def test_a_bad_variable_is_named(name: str, value: str, accepted: str) -> None:
    error = refuse(None, **{name: value})
    assert error.message == f"{name}={value!r}"
    assert error.hint == f"accepted: {accepted}"


BAD_VALUES = [
    ("venv = 3", "venv = 3"),
    ('venv = ""', "venv = ''"),
    ("system-site-packages = 1", "system-site-packages = 1"),
    ('system-site-packages = "yes"', "system-site-packages = 'yes'"),
    ('applications = "httpie"', "applications = 'httpie'"),
    ("applications = [1]", "applications = [1]"),
    ('libraries = {a = "b"}', "libraries = {'a': 'b'}"),
]


@pytest.mark.parametrize(("line", "shown"), BAD_VALUES)
def test_a_bad_value_is_named_with_its_file_and_line(
    user_file: Path, project: Path, line: str, shown: str
) -> None:
    write(user_file, f"# a comment\n\n{line}\n")
    error = refuse()
    assert error.message == f"{user_file}:3: {shown}"
    assert error.hint.startswith("accepted: ")
    user_file.unlink()
    own = project / "pyproject.toml"
    # The same key in a table of somebody else's is not the line.
    write(own, f"[tool.other]\n{line}\n[tool.pipguard]\n{line}\n")
    assert refuse(project).message == f"{own}:4: {shown}"


@pytest.mark.parametrize("value", ['"docker"', '"AUTO"', "1", '["venv"]'])
def test_a_bad_route_in_a_file(user_file: Path, value: str) -> None:
    write(user_file, f"route = {value}\n")
    error = refuse()
    assert error.message.startswith(f"{user_file}:1: route = ")
    assert error.hint == "accepted: auto, venv, pipx, system, override, off"


@pytest.mark.parametrize(
    "value",
    ["/x", "../x", "a/../../x", "~/x", "~root/x", "C:/x", "C:\\\\x", "\\\\x", ".", "./", ".."],
)
def test_a_project_names_no_place_outside_itself(project: Path, value: str) -> None:
    write(project / "pyproject.toml", f'[tool.pipguard]\nvenv = "{value}"\n')
    error = refuse(project)
    assert error.message.startswith(f"{project}/pyproject.toml:2: venv = ")
    assert "inside the project" in error.hint


@pytest.mark.parametrize("value", ["env", "build/env", "./env", "a.b", "..env"])
def test_a_project_names_a_place_inside_itself(project: Path, value: str) -> None:
    write(project / "pyproject.toml", f'[tool.pipguard]\nvenv = "{value}"\n')
    assert read(project).venv == value


@pytest.mark.parametrize("key", ["route", "index-url", "rebuild", "commands"])
def test_a_project_sets_nothing_else(project: Path, key: str) -> None:
    write(project / "pyproject.toml", f'[tool.pipguard]\nvenv = "a"\n{key} = "override"\n')
    error = refuse(project)
    assert error.message == f"{project}/pyproject.toml:3: `{key}` is no setting here"
    assert "accepted keys: applications, libraries, system-site-packages, venv" in error.hint
    assert ("only your own configuration" in error.hint) is (key == "route")


def test_an_unknown_key_of_the_users(user_file: Path) -> None:
    write(user_file, 'route = "venv"\nroutes = "venv"\n')
    error = refuse()
    assert error.message == f"{user_file}:2: `routes` is no setting here"
    assert "route, " in error.hint


@pytest.mark.parametrize("text", ["venv = \n", "[tool.pipguard\n", 'a = "pipguard\n'])
def test_what_is_no_toml(user_file: Path, project: Path, text: str) -> None:
    write(user_file, text)
    assert str(user_file) in refuse().message
    assert "line 1" in refuse().message
    user_file.unlink()
    if "pipguard" in text:
        write(project / "pyproject.toml", text)
        assert "not valid TOML" in refuse(project).message


def test_a_table_that_is_none(project: Path) -> None:
    write(project / "pyproject.toml", "[tool]\npipguard = 3\n")
    error = refuse(project)
    assert "tool.pipguard = 3" in error.message
    assert "[tool.pipguard]" in error.hint


def test_a_project_that_does_not_speak_of_us(project: Path) -> None:
    write(project / "pyproject.toml", "this is [[ no toml")
    assert read(project) == Settings()
    write(project / "pyproject.toml", '[project]\nname = "pipguard-user"\n')
    assert read(project) == Settings()


def test_files_that_cannot_be_read(user_file: Path, project: Path) -> None:
    user_file.mkdir(parents=True)
    assert f"{user_file} cannot be read" in refuse().message
    user_file.rmdir()
    user_file.write_bytes(b'venv = "\xff"\n')
    assert f"{user_file} cannot be read" in refuse().message
    user_file.unlink()
    (project / "pyproject.toml").write_bytes(b"\xff pipguard")
    assert read(project) == Settings()


def test_no_configuration_folder_at_all() -> None:
    assert read_settings({}, None) == Settings()


@pytest.mark.parametrize("value", ["of", "2", "offf"])
def test_a_slip_in_the_switch_is_said(value: str) -> None:
    with pytest.raises(BadSetting, match="PIPGUARD="):
        read(PIPGUARD=value)
    assert read(PIPGUARD="on") == read()
