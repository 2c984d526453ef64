"""The environment that another manager made for a project, by the names that these give them.

The names were seen of poetry 2, pdm 2, pipenv 2026 and hatch 1, each with its default settings.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from pipguard.environments.managers import find_managed_environment


def hash_of(text: Path, kind: str = "sha256") -> str:
    digest = hashlib.new(kind, str(text).encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()[:8]


def make(path: Path, mark: str = "pyvenv.cfg") -> Path:
    path.mkdir(parents=True)
    (path / mark).touch()
    return path


def find(project: Path, home: Path, **environ: str) -> tuple[str, str]:
    return find_managed_environment(str(project), {"HOME": str(home), **environ})


@pytest.mark.parametrize(
    ("file", "place", "manager"),
    [
        ("poetry.lock", ".cache/pypoetry/virtualenvs/my_po-{sha256}-py3.11", "poetry"),
        ("pdm.lock", ".local/share/pdm/venvs/project-{md5}-3.11", "pdm"),
        (".pdm-python", ".local/share/pdm/venvs/project-{md5}-3.11", "pdm"),
        ("Pipfile", ".local/share/virtualenvs/pe-{pipfile}", "pipenv"),
        ("pyproject.toml", ".local/share/hatch/env/virtual/my-ha/{sha256}/my-ha", "hatch"),
    ],
)
def test_it_is_found_by_the_projects_path(
    project: Path, home: Path, file: str, place: str, manager: str
) -> None:
    (project / file).touch()
    hashes = {
        "sha256": hash_of(project),
        "md5": hash_of(project, "md5"),
        "pipfile": hash_of(project / "Pipfile"),
    }
    other = dict.fromkeys(hashes, "AAAAAAAA")
    make(home / place.format(**other))
    assert find(project, home) == ("", "")
    made = make(home / place.format(**hashes))
    assert find(project, home) == (str(made), manager)


def test_pixi_keeps_it_in_the_project(project: Path, home: Path) -> None:
    (project / "pixi.toml").touch()
    made = project / ".pixi/envs/default"
    (made / "conda-meta").mkdir(parents=True)
    assert find(project, home) == (str(made), "pixi")


def test_of_several_none_is_guessed(project: Path, home: Path) -> None:
    (project / "poetry.lock").touch()
    for version in ("3.11", "3.12"):
        name = f"po-{hash_of(project)}-py{version}"
        make(home / ".cache/pypoetry/virtualenvs" / name)
    assert find(project, home) == ("", "")


def test_a_chosen_place_counts(project: Path, home: Path, tmp_path: Path) -> None:
    (project / "Pipfile").touch()
    made = make(tmp_path / "envs" / f"pe-{hash_of(project / 'Pipfile')}")
    assert find(project, home, WORKON_HOME=str(tmp_path / "envs")) == (str(made), "pipenv")


def test_without_a_managers_file_nobody_is_looked_for(project: Path, home: Path) -> None:
    make(home / f".cache/pypoetry/virtualenvs/po-{hash_of(project)}-py3.11")
    assert find(project, home) == ("", "")
