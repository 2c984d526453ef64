"""Whose code an environment runs: everything that leads to it is looked at, and doubt is a no."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from harness.callers import as_user, make_caller
from harness.running import needs_git, run_command

from pipguard.caller import Caller
from pipguard.environments.trust import (
    find_distrust,
    follow_path,
    follow_steps,
    forget_trust,
    list_records,
    read_source,
    record_trust,
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
UNKNOWN_EXTENSION = "[core]\nrepositoryformatversion = 1\n[extensions]\nx = 1\n"
PARTS = [
    ".", "pyvenv.cfg", "bin", "bin/python", "lib", "lib/python3.13",
    "lib/python3.13/site-packages", "../home",
]  # fmt: skip


def lay_environment(path: Path) -> Path:
    """An environment as far as files tell; its base is in a folder `home` beside it."""
    site = path / "lib/python3.13/site-packages"
    site.mkdir(parents=True)
    (path / "bin").mkdir()
    base = path.parent / "home"
    base.mkdir(exist_ok=True)
    (base / "python3.13").touch()
    (path / "bin/python3.13").symlink_to(base / "python3.13")
    (path / "bin/python").symlink_to("python3.13")
    (path / "pyvenv.cfg").write_text(f"home = {base}\nversion = 3.13.0\n")
    return path


@pytest.fixture
def caller(project: Path, home: Path) -> Caller:
    return make_caller(project, home, XDG_DATA_HOME=str(home / "data"))


@pytest.fixture
def environment(project: Path) -> Path:
    return lay_environment(project / ".venv")


# Owners and permissions


def test_ones_own_is_trusted(caller: Caller, environment: Path, project: Path) -> None:
    assert find_distrust(str(environment), caller) == ""
    assert find_distrust(str(environment), as_user(caller, None)) == ""
    assert find_distrust(str(project / "missing"), caller) == ""


def test_somebody_elses_is_not(caller: Caller, environment: Path) -> None:
    other = as_user(caller, os.geteuid() + 1)
    assert find_distrust(str(environment), other) in {
        "it belongs to somebody else",
        "it belongs to root",
    }


@needs_root
def test_root_has_no_number_in_a_user_namespace(caller: Caller, environment: Path) -> None:
    """flatpak and bubblewrap map the user alone: all that is root's seems to be nobody's."""
    for path in (environment, *environment.rglob("*")):
        os.chown(path, 1234, 1234, follow_symlinks=False)
    record_trust(str(environment), "made", caller.environ)
    assert judge_in_namespace(environment, as_user(caller, 1234)) == ""
    (environment / "bin").chmod(0o777)
    assert "everybody" in judge_in_namespace(environment, as_user(caller, 1234))


def judge_in_namespace(environment: Path, caller: Caller) -> str:
    """Ask for distrust in a child whose user namespace knows no user but the caller."""
    begin, is_mapped, answer = (os.pipe() for _ in range(3))
    child = os.fork()
    if child == 0:
        try:
            is_in = ctypes.CDLL(None).unshare(0x10000000) == 0  # CLONE_NEWUSER
            os.write(begin[1], b"y" if is_in else b"n")
            os.read(is_mapped[0], 1)
            os.write(answer[1], find_distrust(str(environment), caller).encode() or b"-")
        finally:
            os._exit(0)
    is_in = os.read(begin[0], 1) == b"y"
    if is_in:
        Path(f"/proc/{child}/uid_map").write_text(f"{caller.user_id} {caller.user_id} 1\n")
    os.write(is_mapped[1], b"x")
    os.waitpid(child, 0)
    if not is_in:
        pytest.skip("needs another platform: no user namespaces here")
    return os.read(answer[0], 200).decode().strip("-")


@needs_root
@pytest.mark.parametrize("part", PARTS)
def test_one_part_of_somebody_elses_is_enough(caller: Caller, environment: Path, part: str) -> None:
    os.chown(environment / part, 1234, 1234, follow_symlinks=False)
    problem = find_distrust(str(environment), caller)
    assert "belongs to somebody else" in problem
    assert part == "." or os.path.basename(part) in problem


@needs_root
def test_the_file_behind_the_interpreters_links_counts(caller: Caller, environment: Path) -> None:
    os.chown(environment / "../home/python3.13", 1234, 1234)
    assert "home/python3.13 belongs to somebody else" in find_distrust(str(environment), caller)


@pytest.mark.parametrize("mode", [0o777, 0o757])
@pytest.mark.parametrize("part", [part for part in PARTS if part != "bin/python"])
def test_what_everybody_may_write_to_is_not(
    caller: Caller, environment: Path, part: str, mode: int
) -> None:
    (environment / part).chmod(mode)
    assert "can be written to by everybody" in find_distrust(str(environment), caller)


@needs_root
@pytest.mark.parametrize("part", ["bin", "lib/python3.13/site-packages"])
def test_what_a_group_may_write_to_is_not_unless_it_is_ones_own(
    caller: Caller, environment: Path, part: str
) -> None:
    (environment / part).chmod(0o2775)
    assert find_distrust(str(environment), caller) == ""  # root's own group, as with umask 002
    number = next(e.pw_gid for e in pwd.getpwall() if e.pw_uid not in (0, os.geteuid()))
    os.chown(environment / part, -1, number)
    (environment / part).chmod(0o2775)
    assert "can be written to by a group" in find_distrust(str(environment), caller)


@needs_root
def test_an_access_control_list_counts(caller: Caller, environment: Path) -> None:
    entries = [(0x01, 7, -1), (0x02, 7, 1234), (0x04, 5, -1), (0x10, 7, -1), (0x20, 5, -1)]

    def allow(permissions: int) -> None:
        rows = [(t, permissions if t == 0x02 else p, i & 0xFFFFFFFF) for t, p, i in entries]
        data = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)
        os.setxattr(environment / "bin", "system.posix_acl_access", data)

    try:
        allow(7)
    except OSError:
        pytest.skip("needs another platform: no access control lists here")
    assert "can be written to by somebody else" in find_distrust(str(environment), caller)
    allow(5)
    assert find_distrust(str(environment), caller) == ""


# Version control


@pytest.fixture
def repository(project: Path) -> Path:
    assert run_command(["git", "init", "-q"], project).status == 0
    return project


@needs_git
def test_what_git_does_not_track_is_ones_own(
    caller: Caller, repository: Path, environment: Path
) -> None:
    assert find_distrust(str(environment), caller) == ""
    run_command(["git", "add", "-f", ".venv/pyvenv.cfg"], repository)
    assert "is tracked in version control" in find_distrust(str(environment), caller)


@needs_git
@pytest.mark.parametrize(
    "break_it",
    [
        lambda git: (git / "index").write_bytes(b"DIRCnonsense"),
        lambda git: (git / "config").write_text(UNKNOWN_EXTENSION),
        lambda git: (git / "HEAD").unlink(),
        lambda git: shutil.rmtree(git / "objects"),
    ],
    ids=["index", "extension", "head", "objects"],
)
def test_a_git_that_cannot_tell_is_a_no(
    caller: Caller, repository: Path, environment: Path, break_it: object
) -> None:
    assert callable(break_it)
    break_it(repository / ".git")
    assert f"it may be tracked in {repository}: git cannot tell" in find_distrust(
        str(environment), caller
    )


@needs_git
@needs_root
def test_a_repository_of_somebody_elses_is_a_no(
    caller: Caller, repository: Path, environment: Path
) -> None:
    for path in (repository / ".git", repository):
        os.chown(path, 1234, 1234)
    assert "dubious ownership" in find_distrust(str(environment), caller)
    # The user's own word for git counts: safe.directory.
    (Path(caller.home or "") / ".gitconfig").write_text(f"[safe]\ndirectory = {repository}\n")
    environ = {**caller.environ, "HOME": caller.home or ""}
    assert find_distrust(str(environment), replace(caller, environ=environ)) == ""


@needs_git
def test_without_git_a_repository_is_a_no(
    caller: Caller, repository: Path, environment: Path, tmp_path: Path
) -> None:
    alone = replace(caller, environ={**caller.environ, "PATH": str(tmp_path)})
    assert "git is not there to be asked" in find_distrust(str(environment), alone)


@needs_git
@pytest.mark.parametrize(
    "variables",
    [
        {"GIT_DIR": "/nowhere"},
        {"GIT_INDEX_FILE": "/nowhere"},
        {"GIT_LITERAL_PATHSPECS": "1"},
        {"GIT_WORK_TREE": "/"},
        {"GIT_CEILING_DIRECTORIES": "/"},
    ],
    ids=str,
)
def test_variables_do_not_lead_git_astray(
    caller: Caller, repository: Path, environment: Path, variables: dict[str, str]
) -> None:
    run_command(["git", "add", "-f", ".venv/pyvenv.cfg"], repository)
    misled = replace(caller, environ={**caller.environ, **variables})
    assert "is tracked in version control" in find_distrust(str(environment), misled)


@needs_git
def test_an_outer_repository_is_asked_too(caller: Caller, repository: Path) -> None:
    inner = repository / "inner"
    environment = lay_environment(inner / ".venv")
    run_command(["git", "add", "-f", "inner/.venv"], repository)
    run_command(["git", "init", "-q"], inner)
    assert "is tracked in version control" in find_distrust(str(environment), caller)


@needs_git
def test_a_tracked_program_behind_the_interpreter(
    caller: Caller, repository: Path, environment: Path
) -> None:
    (repository / "tool").touch()
    run_command(["git", "add", "tool"], repository)
    (environment / "bin/python").unlink()
    (environment / "bin/python").symlink_to("../../tool")
    problem = find_distrust(str(environment), caller)
    assert problem.startswith(f"its interpreter {repository}/tool is tracked in version control")


@pytest.mark.parametrize("mark", [".hg", ".svn", ".jj"])
def test_other_systems_are_not_run_and_so_are_a_no(
    caller: Caller, project: Path, environment: Path, mark: str
) -> None:
    (project / mark).mkdir()
    assert "it may have come with the" in find_distrust(str(environment), caller)


@needs_git
def test_a_large_repository_is_asked_in_milliseconds(
    caller: Caller, repository: Path, environment: Path
) -> None:
    blob = run_command(["git", "hash-object", "-w", "--stdin"], repository).out.strip()
    lines = "".join(f"100644 {blob}\tfolder/{n}\n" for n in range(100_000))
    words = ["git", "update-index", "--index-info"]
    subprocess.run(words, cwd=repository, input=lines.encode(), check=True)
    assert find_distrust(str(environment), caller) == ""


# Records


def test_what_is_recorded_is_trusted_while_it_is_the_same(
    caller: Caller, project: Path, environment: Path
) -> None:
    (project / ".hg").mkdir()
    assert record_trust(str(environment), "made", caller.environ)
    assert find_distrust(str(environment), caller) == ""
    shutil.rmtree(environment)
    lay_environment(environment)  # often with the same inode
    assert find_distrust(str(environment), caller) != ""
    assert [record.is_valid for record in list_records(caller.environ)] == [False]


def test_what_pipguard_made_is_looked_at_all_the_same(caller: Caller, environment: Path) -> None:
    record_trust(str(environment), "made", caller.environ)
    (environment / "lib").chmod(0o777)
    assert find_distrust(str(environment), caller) == "its lib can be written to by everybody"


def test_the_users_word_is_the_last(caller: Caller, environment: Path) -> None:
    (environment / "lib").chmod(0o777)
    record_trust(str(environment), "user", caller.environ)
    assert find_distrust(str(environment), caller) == ""
    assert forget_trust(str(environment), caller.environ)
    assert not forget_trust(str(environment), caller.environ)
    assert find_distrust(str(environment), caller) != ""


def test_a_record_is_for_one_path(caller: Caller, project: Path, environment: Path) -> None:
    record_trust(str(environment), "user", caller.environ)
    environment.rename(project / "env")
    assert read_source(str(project / "env"), caller.environ) is None


@pytest.mark.parametrize("name", ["a\nb", "caf\udce9", "$(x) 'y'"])
def test_a_record_of_any_name(caller: Caller, project: Path, name: str) -> None:
    path = lay_environment(project / name)
    assert record_trust(str(path), "user", caller.environ)
    assert [record.path for record in list_records(caller.environ)] == [str(path)]


@pytest.mark.parametrize("data", [b"", b"user", b"user\nx", b"nobody\nx\n/p", b"\xff" * 20000])
def test_a_damaged_record_is_none(caller: Caller, environment: Path, data: bytes) -> None:
    record_trust(str(environment), "user", caller.environ)
    (file,) = Path(caller.environ["XDG_DATA_HOME"], "pipguard/trusted").iterdir()
    file.write_bytes(data)
    assert read_source(str(environment), caller.environ) is None


# Links and `.venv` files (PEP 832)


@pytest.mark.parametrize("line", ["{t}", "{t}\n", "  {t}  \nmore\n", "../shared/env"])
def test_a_file_that_names_the_environment(tmp_path: Path, line: str, caller: Caller) -> None:
    target = lay_environment(tmp_path / "shared/env")
    pointer = tmp_path / "project/.venv"
    pointer.write_text(line.format(t=target))
    assert follow_path(str(pointer), str(pointer.parent), caller) == (str(target), "")


@pytest.mark.parametrize("text", [b"", b"\n", b"/nowhere", b".", b"\xff\xfe", b"x" * 5000, b"a\0b"])
def test_a_file_that_names_nothing(tmp_path: Path, text: bytes, caller: Caller) -> None:
    pointer = tmp_path / ".venv"
    pointer.write_bytes(text)
    assert follow_path(str(pointer), str(tmp_path), caller) == (str(pointer), "")


def test_what_is_neither_link_nor_file_leads_nowhere(tmp_path: Path, caller: Caller) -> None:
    lay_environment(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")  # opened, it would wait for a writer
    (tmp_path / "loop").symlink_to("loop")
    for name in ("real", "missing", "pipe", "loop"):
        assert follow_steps(str(tmp_path / name)) == [str(tmp_path / name)]


@pytest.mark.parametrize("kind", ["file", "link"])
def test_nothing_leads_to_another_place_in_the_home(
    caller: Caller, project: Path, home: Path, kind: str
) -> None:
    target = lay_environment(home / ".local/share/pipx/venvs/black")
    path = project / ".venv"
    path.symlink_to(target) if kind == "link" else path.write_text(f"{target}\n")
    expected = (str(path), f"{path} leads out of the project, to {target}")
    assert follow_path(str(path), str(project), caller) == expected
    assert follow_path(str(path), None, caller) == (str(target), "")  # the user chose it
    record_trust(str(path), "user", caller.environ)
    assert follow_path(str(path), str(project), caller) == (str(target), "")


@needs_git
@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_tracked_is_not_followed(
    caller: Caller, repository: Path, tmp_path: Path, kind: str
) -> None:
    inside = lay_environment(repository / "build/env")  # untracked, and in the project
    path = repository / ".venv"
    path.symlink_to("build/env") if kind == "link" else path.write_text("build/env\n")
    assert follow_path(str(path), str(repository), caller) == (str(inside), "")
    run_command(["git", "add", "-f", ".venv"], repository)
    found, problem = follow_path(str(path), str(repository), caller)
    assert (found, "is tracked in version control" in problem) == (str(path), True)


@needs_root
def test_every_step_is_looked_at(caller: Caller, project: Path, environment: Path) -> None:
    (project / "one").symlink_to("two")
    (project / "two").write_text(".venv\n")
    assert follow_path(str(project / "one"), str(project), caller) == (str(environment), "")
    os.chown(project / "two", 1234, 1234)
    found, problem = follow_path(str(project / "one"), str(project), caller)
    assert (found, problem) == (str(project / "two"), f"{project}/two belongs to somebody else")
