"""Debian's lists are read as they are: lines and stanzas taken from sid's."""

from __future__ import annotations

import pytest
from debian_projects import Contents, Package, add_contents, describe_projects, parse_packages

CONTENTS = """\
usr/bin/http                                            web/httpie
usr/lib/python3/dist-packages/httpie-3.2.4.dist-info/METADATA web/httpie
usr/lib/python3/dist-packages/httpie-3.2.4.dist-info/RECORD web/httpie
usr/lib/python3/dist-packages/jaraco.context-6.0.1.dist-info/METADATA python/python3-jaraco.context
usr/lib/python3/dist-packages/old_style-1.0-py3.11.egg-info python/python3-old-style,python/old-two
usr/share/tryton/a b-2.0.egg-info/PKG-INFO              misc/spaces
usr/share/info/bash.info.gz                             shells/bash
"""
PACKAGES = """\
Package: httpie
Depends: python3-requests (>= 2.22.0), python3:any
Description: CLI, cURL-like tool for humans
Tag: a,
 b

Package: python3-jaraco.context
Source: jaraco.context (6.0.1-2)
Description: jaraco contextlib extensions

Package: jaraco-tools
Source: jaraco.context (6.0.1-2)

Package: one
Depends: python3-jaraco.context, httpie | wget

Package: two
Depends: libc6, python3-jaraco.context (>= 6)
"""


def read_contents(text: str) -> Contents:
    contents = Contents()
    add_contents(contents, text.splitlines(keepends=True))
    return contents


def read_packages(text: str) -> dict[str, Package]:
    return {package.name: package for package in parse_packages(text.splitlines(keepends=True))}


def test_metadata_names_the_distribution_its_version_and_its_packages() -> None:
    contents = read_contents(CONTENTS)
    assert contents.packages == {
        "httpie": {"httpie"},
        "jaraco-context": {"python3-jaraco.context"},
        "old-style": {"python3-old-style", "old-two"},
        "a b": {"spaces"},
    }
    assert contents.versions["jaraco-context"] == "6.0.1"
    assert contents.versions["old-style"] == "1.0"
    assert contents.with_commands == {"httpie"}


def test_stanzas_tell_source_description_and_what_is_required() -> None:
    packages = read_packages(PACKAGES)
    assert packages["httpie"].source == "httpie"
    assert packages["httpie"].description == "CLI, cURL-like tool for humans"
    assert "python3-requests" in packages["httpie"].requires
    assert packages["one"].requires == ("python3-jaraco.context", "httpie", "wget")
    assert packages["jaraco-tools"].source == "jaraco.context"
    assert packages["jaraco-tools"].requires == ()


def test_a_project_is_told_by_its_source() -> None:
    projects = describe_projects(read_contents(CONTENTS), read_packages(PACKAGES))
    assert projects["httpie"].packages == ("httpie",)
    assert projects["httpie"].programs == ("httpie",)
    assert projects["httpie"].dependents == 1
    context = projects["jaraco-context"]
    assert (context.programs, context.has_commands, context.dependents) == ((), False, 2)


@pytest.mark.parametrize("command", ["usr/bin/jar", "usr/games/jar", "usr/sbin/jar"])
def test_a_command_of_another_package_of_the_source_counts(command: str) -> None:
    contents = read_contents(f"{CONTENTS}{command}   utils/jaraco-tools\n")
    project = describe_projects(contents, read_packages(PACKAGES))["jaraco-context"]
    assert (project.programs, project.has_commands) == (("jaraco-tools",), True)


def test_a_package_that_is_in_no_list_tells_nothing() -> None:
    projects = describe_projects(read_contents(CONTENTS), {})
    assert projects["httpie"].packages == ()
    assert not projects["httpie"].has_commands
