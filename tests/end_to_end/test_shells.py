"""pipguard inside real shells, typed into on a terminal, from an empty home."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import OUTSIDE
from harness.managed import ManagedPython, write_executable
from harness.running import Result, RunPipguard, run_command, run_on_terminal
from harness.wheels import PackageIndex

from pipguard.environments.distributions import list_distributions
from pipguard.shells.script import SHELLS, Wanted, build_script

RC_FILES = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
OPTIONS = {"bash": ["--noprofile", "-i"], "zsh": ["-i"], "fish": ["-i"]}
PROMPTS = {
    "bash": "PS1='READY> '\n",
    "zsh": "PS1='READY> '\nunsetopt zle prompt_cr prompt_sp\n",
    # fish draws its prompt anew with every key, so each line of input has a prompt of its own.
    "fish": 'set -g n 0; set -g fish_greeting\nfunction fish_prompt; printf "READY$n> "; end\n'
    "function bump --on-event fish_postexec; set -g n (math $n + 1); end\n",
}
# What terminals obey and do not show (ECMA-48); fish 4 puts some between a command and its output.
CONTROL = r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()=>][B0]?|\r"
STATUS = {"bash": "$?", "zsh": "$?", "fish": "$status"}


def locate_shell(name: str) -> str:
    """The shell's path; Debian's package is installed where we may."""
    if not shutil.which(name, path=OUTSIDE["PATH"]):
        apt = shutil.which("apt-get", path=OUTSIDE["PATH"])
        if os.getuid() != 0 or not apt:
            pytest.skip(f"needs root to install {name} from Debian's packages")
        waiting = ("-o", "DPkg::Lock::Timeout=300")  # another test may be at it
        for words in (["update", "-qq", *waiting], ["install", "-y", "-qq", *waiting, name]):
            subprocess.run([apt, *words], env=OUTSIDE, check=True, capture_output=True)
    found = shutil.which(name, path=OUTSIDE["PATH"])
    assert found, f"no {name} after installing it"
    return found


@dataclass(frozen=True, slots=True)
class RealShell:
    """One shell with a home of its own, whose rc file has our line."""

    name: str
    path: str
    home: Path
    pipguard: Path

    def write_rc(self, *options: str, before: str = "") -> None:
        """Write the rc file as the documentation says."""
        words = f"'{self.pipguard}' guard shell-init {self.name} {' '.join(options)}"
        line = f"{words} | source\n" if self.name == "fish" else f'eval "$({words})"\n'
        rc = self.home / RC_FILES[self.name]
        rc.parent.mkdir(parents=True, exist_ok=True)
        rc.write_text(before + PROMPTS[self.name] + line)

    def run(self, script: str, folder: Path) -> Result:
        """Run a script that reads the rc file first; no terminal."""
        rc = self.home / RC_FILES[self.name]
        return run_command([self.path, "-c", f". '{rc}'\n{script}"], folder, self.environment)

    def type(self, lines: list[str], folder: Path) -> str:
        """Type the lines, each at its prompt; return all that the terminal showed."""
        answers = [
            (f"READY{number if self.name == 'fish' else ''}> ".encode(), line.encode() + b"\n")
            for number, line in enumerate([*lines, "exit 0"])
        ]
        command = [self.path, *OPTIONS[self.name]]
        result = run_on_terminal(command, folder, self.environment, answers)
        return re.sub(CONTROL, "", result.out)

    @property
    def environment(self) -> dict[str, str | None]:
        """The variables of a terminal's shell."""
        config = str(self.home / ".config")
        return {"SHELL": self.path, "XDG_CONFIG_HOME": config, "TERM": "dumb", "ZDOTDIR": None}

    def then(self, command: str) -> str:
        """The command, and a line with its status."""
        return f"{command}; echo status={STATUS[self.name]}"


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(
    request: pytest.FixtureRequest,
    home: Path,
    pipguard_command: Path,
    managed_python: ManagedPython,
    use_stand_ins: PackageIndex,
) -> RealShell:
    """Each of the shells, with our line in its rc file."""
    shell = RealShell(request.param, locate_shell(request.param), home, pipguard_command)
    shell.write_rc()
    return shell


def test_the_whole_way(shell: RealShell, tmp_path: Path) -> None:
    shown = shell.type(
        [
            "mkdir p && cd p && pip install six",
            shell.then("python -c 'import six'"),
            "pip freeze",
            "pip uninstall -y six",
            'echo "active=$VIRTUAL_ENV"',
            shell.then("deactivate"),
            'echo "active=$VIRTUAL_ENV."',
            shell.then("pip no-such-command"),
        ],
        tmp_path,
    )
    assert "pipguard: .venv is active in this shell now, `deactivate` leaves it" in shown
    assert "\nsix==1.16.0\n" in shown
    assert "Successfully uninstalled six-1.16.0" in shown
    assert f"\nactive={tmp_path}/p/.venv\n" in shown
    assert "(p) READY" in shown
    assert "\nactive=.\n" in shown
    statuses = [line for line in shown.splitlines() if line.startswith("status=")]
    assert statuses == ["status=0", "status=0", "status=1"]
    assert shown.rindex("(p) READY") < shown.index("\nactive=.\n")


def test_an_alias_of_before_is_no_hindrance(shell: RealShell, tmp_path: Path) -> None:
    """Of those that stand for another name of pip."""
    shell.write_rc(before="alias pip=pip3\nalias pip3='python3 -m pip'\n")
    shown = shell.type(["pip guard help undo", "pip3 guard help undo"], tmp_path)
    assert shown.count("usage: pip guard undo") == 2
    assert "stays so" not in shown


@pytest.mark.parametrize("shell", ["bash", "zsh"], indirect=True)
def test_an_alias_that_adds_options_to_pip_keeps_them(shell: RealShell, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    shell.write_rc(before="alias pip='pip3 --no-input'\nalias pip3='pip --no-color'\n")
    shown = shell.type(["cd p", "pip install tinylib", "alias", "pip guard help"], tmp_path)
    assert "stays so" not in shown
    assert "usage: pip guard" in shown
    assert ".venv is active in this shell now" in shown
    assert "pip='pip3 --no-input'" in shown


def test_an_alias_for_another_pythons_pip_stays(shell: RealShell, tmp_path: Path) -> None:
    write_executable(tmp_path / "bin/pip3.99", '#!/bin/sh\necho another "$@"\n')
    names = "pip pip3.99" if shell.name == "fish" else "pip=pip3.99"
    shell.write_rc(before=f"alias {names}\n")
    add = "set -gx PATH $PATH " if shell.name == "fish" else "PATH=$PATH:"
    shown = shell.type([f"{add}{tmp_path}/bin", "pip install six", "pip3 guard help"], tmp_path)
    assert "pipguard: `pip` is defined by something else in this shell, and stays so" in shown
    assert "another install six" in shown
    assert "usage: pip guard" in shown


def test_hostile_project_names_are_only_names(shell: RealShell, tmp_path: Path) -> None:
    shell.write_rc("--cd")
    for number, name in enumerate(
        ["$(touch x)", "`touch x`", "a 'b' \"c\"", "two\nlines", "-n", "%1v\\$(touch x)"]
    ):
        place = tmp_path / str(number)
        folder = place / name
        folder.mkdir(parents=True)
        result = shell.run(
            "cd ./*/ && pip install tinylib && python -c 'import tinylib; print(tinylib.__file__)'",
            place,
        )
        assert result.status == 0, (name, result.err)
        assert f"{folder}/.venv/lib/" in result.out
        shown = shell.type(["cd ./*/", "true"], place)
        assert "READY" in shown
        assert not list(place.glob("**/x"))


def test_read_twice_without_a_terminal_under_strict_rules(shell: RealShell, tmp_path: Path) -> None:
    strict = "" if shell.name == "fish" else "set -eu\n"
    shell.write_rc("--python", "--cd", before=strict)
    again = f". '{shell.home / RC_FILES[shell.name]}'\n"
    result = shell.run(
        f"{again}pip install tinylib\npython -c 'import tinylib'\necho done", tmp_path
    )
    assert (result.status, result.err.count("Traceback")) == (0, 0), result.err
    assert result.out.endswith("done\n")


def test_environment_deleted_while_it_is_active(shell: RealShell, tmp_path: Path) -> None:
    shown = shell.type(
        ["pip install tinylib", "rm -rf .venv", shell.then("pip install six"), "deactivate",
         shell.then("pip install six")],
        tmp_path,
    )  # fmt: skip
    assert "is broken: it does not exist" in shown
    assert "`deactivate` leaves it" in shown
    statuses = [line for line in shown.splitlines() if line.startswith("status=")]
    assert statuses == ["status=1", "status=0"]


def test_python_dash_m_pip_only_when_asked_for(
    shell: RealShell, tmp_path: Path, managed_python: ManagedPython
) -> None:
    name = managed_python.python.name
    refused = shell.run("python3 -m pip install tinylib", tmp_path)
    assert b"externally-managed-environment" in refused.stderr
    shell.write_rc("--python")
    for number, python in enumerate(["python", "python3", name]):
        folder = tmp_path / f"p{number}"
        folder.mkdir()
        result = shell.run(f"{python} -m pip install tinylib\n{python} -m pip freeze", folder)
        assert result.status == 0, result.err
        assert result.out.endswith("tinylib==2.0\n")
    script = 'python3 -c \'import sys; print(sys.argv[1:])\' -m pip "a  b" "" -- x'
    assert shell.run(script, tmp_path).out == "['-m', 'pip', 'a  b', '', '--', 'x']\n"
    assert shell.run("no_such=1 python3 -m pip --version", tmp_path).status == 0
    refused = shell.run("command python3 -m pip install tinylib", tmp_path)
    assert b"externally-managed-environment" in refused.stderr


def test_follows_into_projects_and_out_of_them(
    shell: RealShell, tmp_path: Path, run_pipguard: RunPipguard
) -> None:
    shell.write_rc("--cd")
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for folder in (mine, theirs):
        (folder / "src").mkdir(parents=True)
        assert run_pipguard(["install", "tinylib"], cwd=folder).status == 0
    (theirs / ".venv").chmod(0o777)
    shown = shell.type(
        ["cd mine/src", 'echo "1=$VIRTUAL_ENV"', "cd ../..", 'echo "2=$VIRTUAL_ENV."', "cd theirs",
         'echo "3=$VIRTUAL_ENV."', "cd ../mine", 'echo "4=$VIRTUAL_ENV"', "cd src", "deactivate",
         "true", 'echo "5=$VIRTUAL_ENV."'],
        tmp_path,
    )  # fmt: skip
    answers = [line for line in shown.splitlines() if line[:2] in {"1=", "2=", "3=", "4=", "5="}]
    assert answers == [f"1={mine}/.venv", "2=.", "3=.", f"4={mine}/.venv", "5=."]


def test_an_activated_environment_stays(shell: RealShell, tmp_path: Path) -> None:
    shell.write_rc("--cd")
    environment = tmp_path / "own"
    run_command([sys.executable, "-m", "virtualenv", "-q", environment])
    (tmp_path / "p").mkdir()
    script = ". own/bin/activate" + (".fish" if shell.name == "fish" else "")
    shown = shell.type(
        [script, "cd p", "pip install tinylib", 'echo "active=$VIRTUAL_ENV"', "deactivate",
         'echo "active=$VIRTUAL_ENV."'],
        tmp_path,
    )  # fmt: skip
    assert f"active={environment}\n" in shown
    assert "\nactive=.\n" in shown
    assert not (tmp_path / "p" / ".venv").exists()


def test_an_undo_that_removes_the_environment_leaves_it(shell: RealShell, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    shown = shell.type(
        ["cd p", "pip install tinylib", 'echo "1=$VIRTUAL_ENV"', shell.then("pip guard undo"),
         'echo "2=$VIRTUAL_ENV."'],
        tmp_path,
    )  # fmt: skip
    assert f"\n1={tmp_path}/p/.venv\n" in shown
    assert "\nstatus=0\n" in shown
    assert "\n2=.\n" in shown


@pytest.mark.parametrize("shell", ["zsh"], indirect=True)
def test_an_alias_that_spares_the_quotes_stays(shell: RealShell, tmp_path: Path) -> None:
    shell.write_rc(before='alias pip="noglob pip"\n')
    (tmp_path / "p").mkdir()
    shown = shell.type(["cd p", shell.then("pip install tinylib[x]"), "alias pip"], tmp_path)
    assert "\nstatus=0\n" in shown
    assert "no matches found" not in shown
    assert "is active in this shell now" in shown
    assert "pip='noglob pip'" in shown


def test_what_the_user_put_on_path_meanwhile_stays_there(shell: RealShell, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    add = "set -gx PATH $PATH /mine" if shell.name == "fish" else "PATH=$PATH:/mine"
    shown = shell.type(
        ['echo "1=$PATH"', "cd p", "pip install tinylib", add, "deactivate", 'echo "2=$PATH"'],
        tmp_path,
    )
    before, after = (line for line in shown.splitlines() if line[:3] in {"1=/", "2=/"})
    assert after == f"2={before.removeprefix('1=')}:/mine"


def test_what_pipguard_activated_counts_in_its_project_alone(
    shell: RealShell, tmp_path: Path
) -> None:
    """An environment that nobody but pipguard chose takes nothing from another project."""
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    shown = shell.type(
        ["cd a", "pip install tinylib", "cd ../b", "pip install six", 'echo "active=$VIRTUAL_ENV"',
         "pip list --format=freeze", "cd ../c", "pip list --format=freeze | grep -c six=",
         "cd ../b", f"sh -c '{shell.pipguard} list --format=freeze'", "deactivate",
         'echo "left=$PIPGUARD_ACTIVATED."'],
        tmp_path,
    )  # fmt: skip
    assert f"active={tmp_path}/b/.venv\n" in shown
    assert shown.count("is active in this shell now instead of ") == 1
    assert list_distributions(str(tmp_path / "a/.venv")).keys() & {"six", "tinylib"} == {"tinylib"}
    assert list_distributions(str(tmp_path / "b/.venv")).keys() & {"six", "tinylib"} == {"six"}
    assert shown.count("six==1.16.0\n") == 2
    assert "\nleft=.\n" in shown


def test_virtualenvs_own_script_takes_over(shell: RealShell, tmp_path: Path) -> None:
    script = ". .venv/bin/activate" + (".fish" if shell.name == "fish" else "")
    shown = shell.type(
        ['echo "before=$PATH"', "pip install tinylib", script, "deactivate", 'echo "after=$PATH"'],
        tmp_path,
    )
    before, after = (line for line in shown.splitlines() if line[:7] in {"before=", "after=/"})
    assert before.removeprefix("before=") == after.removeprefix("after=")


def test_pipguard_that_is_gone_leaves_pip(shell: RealShell, tmp_path: Path) -> None:
    gone = write_executable(tmp_path / "gone" / "pipguard", shell.pipguard.read_text())
    RealShell(shell.name, shell.path, shell.home, gone).write_rc("--python")
    remove = f"rm '{gone}'\n"
    assert " from " in shell.run(f"{remove}pip --version\n", tmp_path).out
    write_executable(gone, shell.pipguard.read_text())
    assert " from " in shell.run(f"{remove}python3 -m pip --version\n", tmp_path).out


def test_completes_pips_words_and_ours(shell: RealShell, tmp_path: Path) -> None:
    if shell.name == "fish":
        ask = "complete -C '{}'"
        found = [shell.run(ask.format(w), tmp_path).out for w in ("pip insta", "pip guard shell-")]
    elif shell.name == "bash":
        ask = "COMP_WORDS=({}); COMP_CWORD={}; __pipguard_complete pip; echo ${{COMPREPLY[@]}}"
        found = [
            shell.run(ask.format("pip insta", 1), tmp_path).out,
            shell.run(ask.format("pip guard shell-", 2), tmp_path).out,
        ]
    else:
        ask = "function compadd {{ print -- $@ }}; words=({}); CURRENT={}; __pipguard_complete"
        found = [
            shell.run(ask.format("pip insta", 2), tmp_path).out,
            shell.run(ask.format("pip guard shell-", 3), tmp_path).out,
        ]
    assert "install" in found[0].split()
    assert "shell-init" in found[1].split()


def test_completes_what_is_installed_in_the_project(shell: RealShell, tmp_path: Path) -> None:
    shell.run("pip install tinylib", tmp_path)
    if shell.name == "fish":
        asks = ["complete -C 'pip uninstall ti'", "complete -C 'pip guard '"]
    elif shell.name == "bash":
        ask = "COMP_WORDS=({}); COMP_CWORD=2; __pipguard_complete pip; echo ${{COMPREPLY[@]}}"
        asks = [ask.format("pip uninstall ti"), ask.format('pip guard ""')]
    else:
        ask = "function compadd {{ print -- $@ }}; words=({}); CURRENT=3; __pipguard_complete"
        asks = [ask.format("pip uninstall ti"), ask.format("pip guard ''")]
    names, verbs = (shell.run(ask, tmp_path).out.split() for ask in asks)
    assert "tinylib" in names
    assert "shell-init" in verbs
    assert "install" not in verbs


def test_two_shells_at_once(shell: RealShell, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    rc = shell.home / RC_FILES[shell.name]
    script = f". '{rc}'; pip install tinylib; echo $VIRTUAL_ENV"
    environment = {**os.environ, **{k: v for k, v in shell.environment.items() if v}}
    running = [
        subprocess.Popen(
            [shell.path, "-c", script],
            cwd=tmp_path / name,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for name in ("one", "two")
    ]
    ends = [process.communicate()[0].decode().splitlines()[-1] for process in running]
    assert ends == [f"{tmp_path}/one/.venv", f"{tmp_path}/two/.venv"]


def test_saved_script_does_the_same(
    shell: RealShell, tmp_path: Path, run_pipguard: RunPipguard
) -> None:
    line = run_pipguard(["guard", "shell-init", shell.name, "--save"]).out
    rc = shell.home / RC_FILES[shell.name]
    rc.write_text(line)
    result = shell.run("pip install tinylib; echo $VIRTUAL_ENV", tmp_path)
    assert result.out.endswith(f"\n{tmp_path}/.venv\n")


@pytest.mark.parametrize("name", ["tcsh", "", "$(touch x)"])
def test_unknown_shells_are_told_the_known_ones(
    name: str, run_pipguard: RunPipguard, project: Path
) -> None:
    result = run_pipguard(["guard", "shell-init", name])
    assert (result.status, result.stdout) == (2, b"")
    assert "there are: bash, zsh, fish, powershell" in result.err


def test_text_for_powershell_has_everything_and_quotes_it() -> None:
    wanted = Wanted("/opt/it's/pipguard", "/c", ("python3",), True)
    text = build_script("powershell", wanted)
    assert "= '/opt/it''s/pipguard'\n" in text
    assert "foreach ($name in 'pip', 'pip3') {" in text
    assert "function global:python3 { Invoke-PipguardPython 'python3' $args }" in text
    assert "@" + "PROGRAM@" not in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize("name", SHELLS)
def test_text_holds_no_place_to_be_filled(name: str) -> None:
    text = build_script(name, Wanted("/p", "/n", ("python3",), True))
    assert not any(f"@{word}@" in text for word in ("PROGRAM", "NOTES", "COMMANDS"))


@pytest.mark.parametrize("kind", ["function", "alias"])
def test_a_pip_that_something_else_has_defined_stays(
    shell: RealShell, tmp_path: Path, kind: str
) -> None:
    """Programs that check what is installed stand before pip in this way."""
    other = write_executable(tmp_path / "checker", '#!/bin/sh\necho checked "$@"\n')
    texts = {
        "function": f"function pip {{ '{other}' \"$@\"; }}\n",
        "alias": f"alias pip='{other}'\n",
    }
    fish = {
        "function": f"function pip; '{other}' $argv; end\n", "alias": f"alias pip '{other}'\n",
    }  # fmt: skip
    shell.write_rc(before=(fish if shell.name == "fish" else texts)[kind])
    shown = shell.type(["pip install six", "pip3 guard status"], tmp_path)
    assert "pipguard: `pip` is defined by something else in this shell, and stays so" in shown
    assert "checked install six" in shown
    assert "`pip3`" not in shown
