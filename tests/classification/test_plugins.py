"""Which applications a target plugs into, by its name and its metadata."""

from __future__ import annotations

import pytest

from pipguard.classification.metadata import ProjectMetadata
from pipguard.classification.plugins import find_plugged, may_plug_in


@pytest.mark.parametrize(
    ("name", "hosts", "expected"),
    [
        ("datasette-cluster-map", ["datasette"], True),
        ("xontrib-vox", ["xonsh"], True),
        ("beetcamp", ["beets"], True),
        ("mdformat-gfm", ["black", "mdformat"], True),
        ("llm-gpt4all", ["datasette"], False),
        ("datasette", ["datasette"], False),
        ("datasettes", ["datasette"], False),
        ("requests", ["httpie"], False),
        ("datasette-cluster-map", [], False),
    ],
)
def test_what_the_name_tells(name: str, hosts: list[str], expected: bool) -> None:
    assert may_plug_in(name, hosts) is expected


def metadata(*requires: str, groups: str = "", modules: str = "") -> ProjectMetadata:
    return ProjectMetadata(
        "x",
        "1",
        dependencies=requires,
        entry_point_groups=tuple(groups.split()),
        modules=tuple(modules.split()),
    )


@pytest.mark.parametrize(
    ("name", "found", "host", "expected"),
    [
        ("odd", metadata("app>=1", groups="app"), "app", True),
        ("odd", metadata("app", groups="app.plugins.v1"), "app", True),
        ("odd", metadata("app", groups="app_filters"), "app", True),
        ("odd", metadata("my-app", groups="myapp"), "my-app", True),  # by the host's module
        ("odd", metadata("app", groups="pytest11"), "app", False),
        ("odd", metadata(groups="app"), "app", False),
        ("odd", metadata('app; extra == "test"', groups="app"), "app", False),
        ("app-client", metadata("app"), "app", False),
        ("app-plugin-x", metadata("app"), "app", True),
        ("odd", metadata("app", modules="app_plugins odd"), "app", True),
        ("beetcamp", None, "beets", True),
        ("odd", None, "app", False),
        ("odd", ProjectMetadata(problem="no answer"), "app", False),
    ],
)
def test_what_the_metadata_tells(
    name: str, found: ProjectMetadata | None, host: str, expected: bool
) -> None:
    hosts = {host: (host.replace("-", ""),), "other": ()}
    assert find_plugged(name, found, hosts) == ((host,) if expected else ())


def test_an_application_of_its_own_must_register_itself() -> None:
    hosts = {"app": ()}
    called = metadata("app")
    assert find_plugged("app-plugin-tool", called, hosts, is_application=True) == ()
    registered = metadata("app", groups="app")
    assert find_plugged("tool", registered, hosts, is_application=True) == ("app",)
