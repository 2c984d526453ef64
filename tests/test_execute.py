"""Plans performed with small real commands: what is made, kept, undone, and what never is."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from pipguard.environments.create import Creation, CreationFailed, remove_environment
from pipguard.environments.inspect import UNFINISHED_NAME
from pipguard.errors import PipguardError
from pipguard.execute import Outcome, Performer, execute_plan
from pipguard.plan import Plan, Step, apply_changes
from pipguard.system.journal import Journal
from pipguard.system.processes import Terminated


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def performer(said: list[str]) -> Performer:
    return Performer(dict(os.environ), said.append, lambda question: "yes" in question)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "a b é" / ".venv"


def shell(text: str, subject: str = "") -> Step:
    return Step("do it", ("/bin/sh", "-c", text), subject=subject)


def plan(place: Path, *steps: Step, make: str = "", replaces: bool = False) -> Plan:
    """A plan that makes the environment with a shell command, then runs the steps."""
    text = make or f"touch '{place}/pyvenv.cfg'; mkdir -p '{place}/bin'"
    creation = Creation(str(place), ("/bin/sh", "-c", text), replaces)
    return Plan("venv", steps, str(place), creation)


# Made, kept, undone


def test_what_succeeds_is_kept(place: Path, performer: Performer) -> None:
    step = shell(f"test -e '{place}/{UNFINISHED_NAME}' && touch '{place}/six'")
    assert execute_plan(plan(place, step), performer) == Outcome(0, has_made=True)
    assert sorted(os.listdir(place)) == ["bin", "pyvenv.cfg", "six"]


def test_what_fails_is_removed_again(place: Path, performer: Performer) -> None:
    step = shell(f"touch '{place}/bin/half'; exit 7")
    outcome = execute_plan(plan(place, step), performer)
    assert (outcome.exit_status, outcome.has_removed, outcome.has_made) == (7, True, False)
    assert not place.exists()
    assert place.parent.exists()


def test_an_empty_folder_that_was_found_stays(place: Path, performer: Performer) -> None:
    place.mkdir(parents=True)
    assert execute_plan(plan(place, shell("exit 1")), performer).has_removed
    assert list(place.iterdir()) == []


def test_links_are_removed_and_what_they_point_to_is_not(
    place: Path, performer: Performer, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    step = shell(f"ln -s '{precious}' '{place}/lib64'; exit 1")
    execute_plan(plan(place, step), performer)
    assert (precious / "file").exists()
    assert not place.exists()


def test_a_maker_that_fails_leaves_nothing(
    place: Path, performer: Performer, capfd: pytest.CaptureFixture[str]
) -> None:
    made = plan(place, shell("exit 0"), make=f"touch '{place}/half'; echo why >&2; exit 3")
    with pytest.raises(CreationFailed) as raised:
        execute_plan(made, performer)
    assert (raised.value.exit_status, str(place) in raised.value.message) == (1, True)
    assert not place.exists()
    assert capfd.readouterr().err == "why\n"


def test_a_maker_that_is_not_there(place: Path, performer: Performer) -> None:
    creation = Creation(str(place), ("/nowhere/python",))
    with pytest.raises(PipguardError, match="/nowhere/python cannot be started"):
        execute_plan(Plan("venv", (), str(place), creation), performer)
    assert not place.exists()


def test_a_place_that_cannot_be_made(tmp_path: Path, performer: Performer) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PipguardError, match="cannot be made: Not a directory") as raised:
        execute_plan(plan(tmp_path / "file/.venv", shell("exit 0")), performer)
    assert "PIPGUARD_VENV" in raised.value.hint


def test_one_that_is_there_is_only_used(place: Path, performer: Performer) -> None:
    place.mkdir(parents=True)
    (place / "pyvenv.cfg").touch()
    made = plan(place, shell("exit 4"), make="exit 9")
    assert execute_plan(made, performer) == Outcome(4, failed=("",))
    assert (place / "pyvenv.cfg").exists()


def test_what_a_run_killed_after_its_install_left_is_finished(
    place: Path, performer: Performer
) -> None:
    library = place / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    (library / "six-1.0.dist-info").mkdir(parents=True)
    for name in ("pyvenv.cfg", UNFINISHED_NAME):
        (place / name).touch()
    assert execute_plan(plan(place, shell("exit 3"), make="exit 9"), performer).exit_status == 3
    assert (place / UNFINISHED_NAME).exists()
    assert execute_plan(plan(place, shell("exit 0"), make="exit 9"), performer) == Outcome(0)
    assert sorted(os.listdir(place)) == ["lib", "pyvenv.cfg"]


def test_files_that_came_since_are_not_touched(place: Path, performer: Performer) -> None:
    place.mkdir(parents=True)
    (place / "notes").touch()
    with pytest.raises(PipguardError, match="cannot be made"):
        execute_plan(plan(place, shell("exit 0")), performer)
    assert os.listdir(place) == ["notes"]


def test_what_a_killed_run_left_is_gone_on_with(place: Path, performer: Performer) -> None:
    place.mkdir(parents=True)
    (place / UNFINISHED_NAME).touch()
    (place / "pyvenv.cfg").touch()
    made = plan(place, shell(f"test -e '{place}/made'"), make=f"touch '{place}/made'")
    assert execute_plan(made, performer).has_made
    assert sorted(os.listdir(place)) == ["made", "pyvenv.cfg"]


# A broken one made anew


@pytest.fixture
def broken(place: Path) -> Path:
    place.mkdir(parents=True)
    (place / "pyvenv.cfg").write_text("old")
    (place / "precious").touch()
    return place


def test_the_new_one_takes_the_place_of_the_broken(broken: Path, performer: Performer) -> None:
    (broken / "precious").unlink()
    assert execute_plan(plan(broken, shell("exit 0"), replaces=True), performer).has_made
    assert sorted(os.listdir(broken)) == ["bin", "pyvenv.cfg"]
    assert os.listdir(broken.parent) == [".venv"]


def test_a_broken_one_with_files_of_the_users_own_stays_aside(
    broken: Path, performer: Performer, said: list[str]
) -> None:
    assert execute_plan(plan(broken, shell("exit 0"), replaces=True), performer).has_made
    aside = broken.parent / ".venv.broken-1"
    assert sorted(os.listdir(aside)) == ["precious", "pyvenv.cfg"]
    assert said == [f"files of your own are in the former environment, which stays as {aside}"]


def test_a_link_to_a_broken_one_is_replaced_without_a_trace(
    broken: Path, performer: Performer
) -> None:
    real = broken.rename(broken.parent / "real")
    broken.symlink_to(real)
    assert execute_plan(plan(broken, shell("exit 0"), replaces=True), performer).has_made
    assert sorted(os.listdir(broken.parent)) == [".venv", "real"]
    assert not broken.is_symlink()
    assert (real / "precious").exists()


def test_what_is_no_environment_is_kept_aside(place: Path, performer: Performer) -> None:
    place.parent.mkdir(parents=True)
    place.write_text("notes")
    (place.parent / ".venv.broken-1").touch()
    assert execute_plan(plan(place, shell("exit 0"), replaces=True), performer).has_made
    assert (place.parent / ".venv.broken-2").read_text() == "notes"


@pytest.mark.parametrize("failing", ["maker", "step"])
def test_the_broken_one_comes_back_when_this_fails(
    broken: Path, performer: Performer, failing: str
) -> None:
    make = "exit 1" if failing == "maker" else ""
    made = plan(broken, shell("exit 1"), make=make, replaces=True)
    if failing == "maker":
        with pytest.raises(CreationFailed):
            execute_plan(made, performer)
    else:
        assert execute_plan(made, performer).has_put_back
    assert (broken / "pyvenv.cfg").read_text() == "old"
    assert os.listdir(broken.parent) == [".venv"]


def test_one_that_cannot_be_moved_is_left_as_it_is(broken: Path, performer: Performer) -> None:
    # A folder by the name `.` cannot be renamed, as a mount point cannot.
    here = Plan("venv", (), f"{broken}/.", Creation(f"{broken}/.", shell("exit 0").command, True))
    with pytest.raises(PipguardError, match="cannot be made"):
        execute_plan(here, performer)
    assert sorted(os.listdir(broken)) == ["precious", "pyvenv.cfg"]


# Interrupted


@pytest.mark.parametrize(("name", "error"), [("TERM", Terminated), ("HUP", Terminated)])
@pytest.mark.parametrize("where", ["maker", "step"])
def test_a_request_to_end_leaves_nothing(
    place: Path, performer: Performer, name: str, error: type[BaseException], where: str
) -> None:
    text = f"trap 'exit 1' {name}; while :; do kill -{name} $PPID; sleep 0.05; done"
    made = plan(place, shell(text), make=text if where == "maker" else "")
    with pytest.raises(error):
        execute_plan(made, performer)
    assert not place.exists()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_ctrl_c_stops_all_that_is_left(place: Path, performer: Performer, tmp_path: Path) -> None:
    text = "trap 'exit 1' INT; while :; do kill -INT $PPID; sleep 0.05; done"
    steps = (shell(text, "a"), shell(f"touch '{tmp_path}/b'", "b"))
    outcome = execute_plan(Plan("pipx", steps), performer)
    assert (outcome.exit_status, outcome.failed) == (130, ("a", "b"))
    assert not (tmp_path / "b").exists()
    assert execute_plan(plan(place, *steps), performer).has_removed
    assert not place.exists()


# Steps


def test_steps_about_different_targets_do_not_stop_each_other(performer: Performer) -> None:
    steps = (shell("exit 3", "a"), shell("exit 0", "b"), shell("exit 5", "c"))
    assert execute_plan(Plan("pipx", steps), performer) == Outcome(5, ("a", "c"))
    dependent = (shell("exit 3"), shell("exit 5"))
    assert execute_plan(Plan("venv", dependent), performer) == Outcome(3, ("",))


def test_a_plan_without_steps_ends_as_it_says(performer: Performer) -> None:
    assert execute_plan(Plan("declined", (), exit_status=1), performer) == Outcome(1)


def test_a_step_that_the_user_declines(performer: Performer, tmp_path: Path) -> None:
    command = ("/bin/sh", "-c", f"touch {tmp_path}/$0")
    steps = tuple(
        Step("x", (*command, name), subject=name, question=f"{name}?") for name in ("yes", "no")
    )
    outcome = execute_plan(Plan("pipx", steps), performer)
    assert (outcome.exit_status, outcome.declined) == (0, ("no",))
    assert os.listdir(tmp_path) == ["yes"]


def test_what_has_no_command_goes_to_its_fallback(performer: Performer, tmp_path: Path) -> None:
    text = "echo 'No apps associated with package x' >&2; exit 1"
    fallback = Plan("venv", (shell(f"touch {tmp_path}/there"),))
    step = Step("x", ("/bin/sh", "-c", text), mode="pipx", subject="x", fallback=fallback)
    assert execute_plan(Plan("pipx", (step,)), performer) == Outcome(0, diverted=("x",))
    assert (tmp_path / "there").exists()


def test_commands_of_dependencies_are_exposed_on_a_second_try(
    performer: Performer, capfd: pytest.CaptureFixture[str]
) -> None:
    text = "echo 'No apps associated with package x. Try --include-deps' >&2; exit 1"
    again = Step("x", ("/bin/sh", "-c", "echo again >&2"), mode="pipx")
    step = Step("x", ("/bin/sh", "-c", text), mode="pipx", subject="x", otherwise=(again,))
    assert execute_plan(Plan("pipx", (step,)), performer) == Outcome(0)
    assert capfd.readouterr().err == "again\n"


def test_pipx_fails_with_its_own_words(
    performer: Performer, capfd: pytest.CaptureFixture[str]
) -> None:
    text = "echo happy; echo why >&2; exit 2"
    step = Step("x", ("/bin/sh", "-c", text), mode="pipx", subject="x")
    assert execute_plan(Plan("pipx", (step,)), performer) == Outcome(2, ("x",))
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("", "why\n")


def test_variables_are_set_and_taken_away() -> None:
    environ = {"A": "1", "B": "2"}
    changes = (("A", None), ("B", "3"), ("C", ""), ("D", None))
    assert apply_changes(environ, changes) == {"B": "3", "C": ""}
    assert environ == {"A": "1", "B": "2"}


# One at a time


def test_one_run_at_a_time_in_one_environment(
    place: Path, performer: Performer, said: list[str], tmp_path: Path
) -> None:
    started, go = tmp_path / "started", tmp_path / "go"
    slow = plan(place, shell(f"touch {started}; while [ ! -e {go} ]; do sleep 0.02; done"))
    quick = plan(place, shell(f"test -e '{place}/pyvenv.cfg'"), make="exit 9")
    outcomes: list[Outcome] = []
    first = threading.Thread(target=lambda: outcomes.append(execute_plan(slow, performer)))
    first.start()
    while not started.exists():
        first.join(0.01)
    second = threading.Thread(target=lambda: outcomes.append(execute_plan(quick, performer)))
    second.start()
    while not said:
        second.join(0.01)
    go.touch()
    first.join()
    second.join()
    assert sorted(outcomes, key=lambda outcome: outcome.has_made) == [
        Outcome(0),
        Outcome(0, has_made=True),
    ]
    assert said == [f"another pip is busy in {place}, waiting for it"]


# Removed on request


def test_an_environment_is_removed_whole(broken: Path) -> None:
    remove_environment(str(broken), Journal(""))
    assert os.listdir(broken.parent) == []


def test_what_is_no_environment_is_not_removed(tmp_path: Path, broken: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(broken)
    for path in (tmp_path, link, tmp_path / "missing"):
        with pytest.raises(PipguardError, match="is no environment"):
            remove_environment(str(path), Journal(""))
    assert (broken / "precious").exists()
