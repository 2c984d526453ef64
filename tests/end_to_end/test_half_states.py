"""What is interrupted is finished, undone, or said: the cases that people have met.

`test_interruptions` kills every route before each of its steps; here stand what a person reads
then, what Ctrl-C does, several commands at once, and what older versions and pipx itself leave.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from harness.interruptions import Interrupter
from harness.loopback import LoopbackIndex
from harness.running import RunPipguard, run_command
from harness.wheels import PackageIndex, application, library

from pipguard.environments.distributions import list_distributions
from pipguard.system.journal import Journal

pytestmark = [pytest.mark.usefixtures("managed_python", "use_stand_ins")]

PIPX = {"PIPGUARD_ROUTE": "pipx"}
TOOLCHAIN = {"pip", "setuptools", "wheel"}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackIndex]:
    """An index that can do something at the moment when it is asked."""
    with LoopbackIndex(tmp_path / "index") as index:
        index.add(application("corp-app", "1.0"), application("corp-app", "2.0"))
        index.add(library("corp-lib"), library("corp-dep"))
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        yield index


def held(environment: Path) -> dict[str, str]:
    found = list_distributions(str(environment))
    return {name: version for name, version in found.items() if name not in TOOLCHAIN}


def run_well(run: RunPipguard, *words: str, **env: str) -> str:
    done = run(words, env=env)
    assert done.status == 0, done.err + done.out
    return done.out + done.err


def read_log(run: RunPipguard) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = json.loads(run_well(run, "guard", "log", "--json"))
    return entries


def interrupt(
    command: Path, words: Sequence[str], index: LoopbackIndex, at: str, project: Path, **env: str
) -> tuple[int, str]:
    """Press Ctrl-C when the index is asked for `at`: all processes of the terminal get it."""
    process = subprocess.Popen(
        [command, *words],
        cwd=project,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    pressed: list[str] = []

    def press(path: str) -> None:
        if at in path and not pressed:
            pressed.append(path)
            os.killpg(process.pid, signal.SIGINT)

    index.on_request = press
    _, said = process.communicate()
    index.on_request = lambda _: None
    assert pressed
    return process.returncode, said.decode()


# What a person reads


@pytest.fixture
def interrupter(project: Path, home: Path, tmp_path: Path) -> Interrupter:
    (tmp_path / "kept").mkdir()
    return Interrupter(tmp_path / "kept", project, home)


def break_environment(project: Path) -> None:
    (project / ".venv/bin/python").unlink()
    (project / ".venv/bin/python").symlink_to("/nowhere/python")


def kill_rebuild(run: RunPipguard, interrupter: Interrupter) -> None:
    """Kill the rebuild of an environment just after the former one was set aside."""
    run_well(run, "install", "tinyneeds")
    break_environment(interrupter.project)
    words, rebuild = ["install", "six"], {"PIPGUARD_REBUILD": "1"}
    kill_after(interrupter, words, "os.rename P/.venv P/.venv.broken-1", 2, rebuild)
    assert (interrupter.project / ".venv.broken-1").exists()


def kill_after(
    interrupter: Interrupter, words: list[str], step: str, later: int, env: dict[str, str]
) -> None:
    """Let a command run, bring everything back, and kill it some steps after the named one."""
    interrupter.save()
    interrupter.list_steps(words, env)
    at = interrupter.find_step(step) + later
    interrupter.restore()
    assert interrupter.run(words, "SIGKILL", at, env).status == -signal.SIGKILL


def test_after_a_killed_rebuild_a_plain_list_finds_every_package(
    run_pipguard: RunPipguard, project: Path, interrupter: Interrupter
) -> None:
    kill_rebuild(run_pipguard, interrupter)
    done = run_pipguard(["list", "--format=freeze"])
    assert {"tinyneeds==1.0", "tinylib==1.0"} <= set(done.out.split())
    assert done.err == (
        "pipguard: `pipguard install six` was interrupted: "
        f"{project}/.venv is made anew now, with its packages\n"
    )
    assert sorted(os.listdir(project)) == [".venv"]
    assert run_pipguard(["list"]).err == ""


def test_several_commands_that_find_the_same_journal_find_every_package(
    run_pipguard: RunPipguard, pipguard_command: Path, project: Path, interrupter: Interrupter
) -> None:
    kill_rebuild(run_pipguard, interrupter)
    lists = [
        subprocess.Popen(
            [pipguard_command, "list", "--format=freeze"], cwd=project, stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    for one in lists:
        assert {"tinyneeds==1.0", "tinylib==1.0"} <= set(one.communicate()[0].decode().split())
    assert os.listdir(project) == [".venv"]


def test_a_killed_removal_is_reversed_and_said(
    run_pipguard: RunPipguard, project: Path, interrupter: Interrupter
) -> None:
    run_well(run_pipguard, "install", "tinylib")
    words = ["guard", "undo"]
    kill_after(interrupter, words, "os.rename P/.venv P/.venv.removed-1", 1, {})
    assert "doctor --fix" in run_pipguard(["guard", "doctor"]).out
    said = run_well(run_pipguard, "install", "tinylib")
    assert f"`pip guard undo` was interrupted: {project}/.venv is as it was before\n" in said
    assert os.listdir(project) == [".venv"]
    assert [entry["exit_status"] for entry in read_log(run_pipguard)] == [0, 130, 0]


def test_what_a_killed_command_had_changed_can_be_undone(
    run_pipguard: RunPipguard, project: Path, interrupter: Interrupter
) -> None:
    run_well(run_pipguard, "install", "tinylib")
    words = ["install", "six"]
    kill_after(interrupter, words, "subprocess.Popen P/.venv/bin/python", 1, {})
    assert "six" in held(project / ".venv")
    said = run_well(run_pipguard, "guard", "log")
    assert re.search(r"was interrupted: `.* undo [0-9a-f]{8}` reverses what it had changed", said)
    assert "+six 1.16.0; interrupted" in said
    run_well(run_pipguard, "guard", "undo")
    assert held(project / ".venv") == {"tinylib": "2.0"}


# Ctrl-C


@pytest.mark.parametrize("words", [["install", "corp-app"], ["install", "-U", "corp-app"]])
def test_ctrl_c_in_pipx_is_130_and_what_was_there_works(
    run_pipguard: RunPipguard, pipguard_command: Path, project: Path, home: Path,
    index: LoopbackIndex, words: list[str],
) -> None:  # fmt: skip
    if "-U" in words:
        run_well(run_pipguard, "install", "corp-app==1.0", **PIPX)
        words = ["install", "corp-app==2.0"]
    at = "corp_app-2.0"
    status, said = interrupt(pipguard_command, words, index, at, project, **PIPX)
    assert (status, "interrupted: " in said) == (130, True), said
    assert "as before" in said
    program = home / ".local/bin/corp-app"
    if len(read_log(run_pipguard)) == 1:
        assert not program.is_symlink()
        assert list((home / "xdg-data/pipx/venvs").glob("[a-z]*")) == []
    else:
        assert run_command([program]).out == "corp-app 1.0\n"
    run_well(run_pipguard, *words, **PIPX)
    assert run_command([program]).out == "corp-app 2.0\n"


def test_an_undo_that_is_interrupted_is_not_done_and_the_same_command_does_it(
    run_pipguard: RunPipguard, pipguard_command: Path, project: Path, home: Path,
    index: LoopbackIndex,
) -> None:  # fmt: skip
    run_well(run_pipguard, "install", "corp-app", **PIPX)
    run_well(run_pipguard, "uninstall", "-y", "corp-app", **PIPX)
    fetched: list[str] = []
    index.on_request = fetched.append
    run_well(run_pipguard, "guard", "undo", "--dry-run")
    status, said = interrupt(
        pipguard_command, ["guard", "undo"], index, "corp_app-2.0", project, **PIPX
    )
    assert status == 130, said
    assert not (home / ".local/bin/corp-app").is_symlink()
    run_well(run_pipguard, "guard", "undo")
    assert run_command([home / ".local/bin/corp-app"]).out == "corp-app 2.0\n"


def test_ctrl_c_in_a_rebuild_brings_the_former_environment_back(
    run_pipguard: RunPipguard, pipguard_command: Path, project: Path, index: LoopbackIndex
) -> None:
    run_well(run_pipguard, "install", "corp-dep")
    break_environment(project)
    status, said = interrupt(
        pipguard_command, ["install", "corp-lib"], index, "corp_lib", project,
        PIPGUARD_REBUILD="1", PIPGUARD_ROUTE="venv",
    )  # fmt: skip
    assert status == 130, said
    assert "the former .venv is back" in said
    assert held(project / ".venv") == {"corp-dep": "1.0"}
    assert os.listdir(project) == [".venv"]


# Undo


def test_a_failed_undo_says_that_nothing_was_undone_and_why(
    run_pipguard: RunPipguard, project: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[project]\nname = "mine"\nversion = "1"\n'
        '[build-system]\nrequires = []\nbuild-backend = "back"\nbackend-path = ["."]\n'
    )
    (source / "back.py").write_text(BACKEND)
    (project / "requirements.txt").touch()  # or the editable project would be the place
    run_well(run_pipguard, "install", "-e", str(source), "six")
    run_well(run_pipguard, "uninstall", "-y", "mine")
    shutil.rmtree(project / ".venv/.pipguard/former")
    (source / "back.py").write_text("raise RuntimeError('cannot be built any more')")
    done = run_pipguard(["guard", "undo"])
    assert done.status == 1
    assert "was not undone: nothing changed" in done.err
    assert "cannot be built any more" in done.err
    assert done.out == ""
    (source / "back.py").write_text(BACKEND)
    run_well(run_pipguard, "guard", "undo")
    assert "mine" in held(project / ".venv")


BACKEND = """
import os, zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "mine-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("mine.pth", os.getcwd())
        base = "mine-1.dist-info"
        wheel.writestr(base + "/METADATA", "Metadata-Version: 2.1\\nName: mine\\nVersion: 1\\n")
        tags = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr(base + "/WHEEL", tags)
        files = ["mine.pth", *(f"{base}/{name}" for name in ("METADATA", "WHEEL", "RECORD"))]
        wheel.writestr(base + "/RECORD", "".join(f"{file},,\\n" for file in files))
    return name
"""


def test_the_chain_of_an_application_goes_back_step_by_step(
    run_pipguard: RunPipguard, home: Path, index: LoopbackIndex
) -> None:
    program = home / ".local/bin/corp-app"
    metadata = home / "xdg-data/pipx/venvs/corp-app/pipx_metadata.json"
    run_well(run_pipguard, "install", "corp-app", **PIPX)
    run_well(run_pipguard, "uninstall", "-y", "corp-app", **PIPX)
    run_well(run_pipguard, "guard", "undo")
    main = json.loads(metadata.read_text())["main_package"]
    assert (main["package_or_url"], main["package_version"]) == ("corp-app", "2.0")
    index.add(application("corp-app", "3.0"))
    run_well(run_pipguard, "install", "-U", "corp-app", **PIPX)
    assert run_command([program]).out == "corp-app 3.0\n"
    run_well(run_pipguard, "guard", "undo")
    assert run_command([program]).out == "corp-app 2.0\n"
    run_well(run_pipguard, "guard", "undo")
    assert not program.exists()


# What others left


@pytest.mark.parametrize("left", ["a folder", "no pip", "half a pip", "no record", "a draft"])
def test_half_of_pipxs_shared_environment_is_made_anew(
    run_pipguard: RunPipguard, home: Path, left: str
) -> None:
    shared = home / "xdg-data/pipx/shared"
    run_well(run_pipguard, "install", "pycowsay", **PIPX)
    (pip,) = shared.glob("lib/python*/site-packages/pip")
    if left == "a folder":
        shutil.rmtree(shared)
        (shared / "bin").mkdir(parents=True)
    elif left == "no pip":
        shutil.rmtree(pip)
    elif left == "no record":
        next(pip.parent.glob("pip-*.dist-info/RECORD")).unlink()
    elif left == "half a pip":
        (pip / "_internal/cli/main.py").unlink()
    else:
        shared.rename(shared.with_name("shared.pipguard-new"))
    run_well(run_pipguard, "install", "tinyapp-of-mine", **PIPX)
    assert (pip / "_internal/cli/main.py").exists()
    assert list(pip.parent.glob("pip-*.dist-info/RECORD"))
    assert not shared.with_name("shared.pipguard-new").exists()


@pytest.fixture(autouse=True)
def offer_another(use_stand_ins: PackageIndex) -> None:
    use_stand_ins.add(application("tinyapp-of-mine"))


def test_half_of_an_application_is_made_anew(run_pipguard: RunPipguard, home: Path) -> None:
    half = home / "xdg-data/pipx/venvs/pycowsay/bin"
    half.mkdir(parents=True)
    run_well(run_pipguard, "install", "pycowsay", **PIPX)
    assert run_command([home / ".local/bin/pycowsay"]).status == 0
    (entry,) = read_log(run_pipguard)
    assert entry["changes"]
    run_well(run_pipguard, "guard", "undo")
    half.mkdir(parents=True)
    run_well(run_pipguard, "guard", "undo", str(entry_id(run_pipguard, -1)))
    assert run_command([home / ".local/bin/pycowsay"]).status == 0


def entry_id(run: RunPipguard, number: int) -> object:
    return read_log(run)[number]["id"]


def test_doctor_names_what_was_left_and_removes_what_is_nobodys(
    run_pipguard: RunPipguard, project: Path
) -> None:
    run_well(run_pipguard, "install", "tinylib")
    for name in ("removed-1", "broken-1"):
        (project / f".venv.{name}/bin").mkdir(parents=True)
    said = run_pipguard(["guard", "doctor"]).out
    assert f"{project}/.venv.removed-1 is left over" in said
    assert f"{project}/.venv.broken-1 is left over" in said
    run_pipguard(["guard", "doctor", "--fix"])
    assert sorted(os.listdir(project)) == [".venv", ".venv.broken-1"]


def test_what_a_tool_makes_on_the_side_is_not_left(
    run_pipguard: RunPipguard, project: Path
) -> None:
    (project / "pyproject.toml").write_text('[tool.pipguard]\nvenv = "env-dev"\n')
    assert run_pipguard(["install", "no-such-thing"]).status == 1
    assert os.listdir(project) == ["pyproject.toml"]
    run_well(run_pipguard, "install", "tinylib")
    assert sorted(os.listdir(project)) == ["env-dev", "pyproject.toml"]
    run_well(run_pipguard, "guard", "undo")
    assert os.listdir(project) == ["pyproject.toml"]


# Several at once


def start_together(
    command: Path, lines: Sequence[Sequence[str]], project: Path
) -> list[tuple[int, str]]:
    """Run commands at once; return the status of each, and all that it said."""
    environ = os.environ | PIPX
    running = [
        subprocess.Popen(
            [command, *words],
            cwd=project,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for words in lines
    ]
    said = [process.communicate()[0].decode() for process in running]
    assert not any("Directory not empty" in text for text in said), said
    return [(process.returncode, text) for process, text in zip(running, said, strict=True)]


def test_three_first_installs_of_applications_at_once(
    pipguard_command: Path, project: Path, home: Path, index: LoopbackIndex
) -> None:
    names = ["corp-a", "corp-b", "corp-a"]
    index.add(*(application(name) for name in set(names)))
    lines = [["install", name] for name in names]
    done = start_together(pipguard_command, lines, project)
    assert [status for status, _ in done] == [0, 0, 0]
    for name in names:
        assert run_command([home / f".local/bin/{name}"]).out == f"{name} 1.0\n"


def test_install_upgrade_and_uninstall_of_one_application_at_once(
    run_pipguard: RunPipguard, pipguard_command: Path, project: Path, home: Path,
    index: LoopbackIndex,
) -> None:  # fmt: skip
    run_well(run_pipguard, "install", "corp-app==1.0", **PIPX)
    lines = [
        ["install", "-U", "corp-app"],
        ["uninstall", "-y", "corp-app"],
        ["install", "-U", "corp-app"],
    ]
    done = start_together(pipguard_command, lines, project)
    assert [status for status, _ in done] == [0, 0, 0]
    program = home / ".local/bin/corp-app"
    is_there = program.exists()
    assert is_there == (home / "xdg-data/pipx/venvs/corp-app").exists()
    assert not is_there or run_command([program]).status == 0


def test_who_comes_too_late_to_uninstall_is_told(
    run_pipguard: RunPipguard, pipguard_command: Path, project: Path, index: LoopbackIndex
) -> None:
    run_well(run_pipguard, "install", "corp-app", **PIPX)
    lines = [["uninstall", "-y", "corp-app"]] * 2
    first, second = sorted(start_together(pipguard_command, lines, project))
    assert (first[0], second[0]) == (0, 1)
    assert "`corp-app` is neither in a .venv here nor in pipx" in second[1]


# Journals that are not what they should be


def write_journal(home: Path, change: Callable[[dict[str, object]], object]) -> Path:
    """Leave the journal of a process that is gone; `change` makes it what it should not be."""
    folder = home / "xdg-state/pipguard/running"
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]);"
        "from pipguard.system.journal import Journal;"
        "Journal(sys.argv[2]).note(); os._exit(0)"
    )
    checkout = str(Path(__file__).parent.parent.parent)
    assert run_command([sys.executable, "-I", "-c", code, checkout, folder]).status == 0
    (path,) = folder.glob("*.json")
    facts: dict[str, object] = {"format": 1, "places": [], "left_over": []}
    change(facts)
    path.write_text(json.dumps(facts))
    return path


def make_place(**changed: object) -> dict[str, object]:
    place = {"path": "", "former": "", "links": [], "folders": [], "keeps_packages": False}
    return place | changed


@pytest.mark.parametrize(
    "facts",
    [
        {"left_over": ["{precious}"]},
        {"left_over": ["{precious}/../precious"]},
        {"left_over": "{precious}"},
        {"places": [make_place(path="{precious}")]},
        {"places": [make_place(path="{precious}", former="/etc/passwd")]},
        {"places": [make_place(path="{precious}", former="{precious}x.broken-1")]},
        {"places": [make_place(path="relative.pipguard-new")]},
        {"places": [{"path": "{precious}"}]},
        {"places": [["{precious}", ""]]},
        {"format": 2, "left_over": ["{precious}"]},
    ],
)
def test_a_journal_never_leads_to_what_this_program_did_not_set_aside(
    run_pipguard: RunPipguard, project: Path, home: Path, facts: dict[str, object]
) -> None:
    precious = project / "precious"
    precious.mkdir()
    (precious / "file").touch()
    written = json.loads(json.dumps(facts).replace("{precious}", str(precious)))
    path = write_journal(home, lambda journal: journal.update(written))
    run_well(run_pipguard, "install", "tinylib")
    assert (precious / "file").exists()
    assert path.exists()
    assert str(path) in run_pipguard(["guard", "doctor"]).out


def test_a_journal_that_is_cut_off_at_any_byte(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    path = write_journal(home, lambda _: None)
    whole = path.read_text()
    for length in range(len(whole)):
        path.write_text(whole[:length])
        assert run_pipguard(["guard", "log"]).status == 0
    path.write_text(whole)
    run_well(run_pipguard, "guard", "log")
    assert not path.exists()


def test_a_running_commands_journal_is_left_alone(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    place = project / ".venv"
    former = project / ".venv.broken-1"
    former.mkdir()
    journal = Journal(str(home / "xdg-state/pipguard/running"))
    journal.note(places=[make_place(path=str(place), former=str(former))], left_over=[])
    run_well(run_pipguard, "guard", "log")
    assert former.exists()
    journal.close()


def test_a_project_that_was_moved_meanwhile(
    run_pipguard: RunPipguard, project: Path, home: Path
) -> None:
    gone = make_place(path="/nowhere/.venv", former="/nowhere/.venv.broken-1")
    path = write_journal(home, lambda journal: journal.update(places=[gone]))
    run_well(run_pipguard, "guard", "log")
    assert not path.exists()
