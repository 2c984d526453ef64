"""The option table and the parser against real pips, downloaded once and asked themselves."""

import json
import os
import random
import subprocess
import sys

import pytest
from conftest import CHECKOUT
from harness.pips import NEWEST, pip_wheel

from pipguard.pip import options as pip_options
from pipguard.pip.command_line import parse_command

RELEASES = ("23.0.1", "24.0", "25.1", NEWEST)
LINES = int(os.environ.get("PIPGUARD_TEST_FUZZ_LINES", "300"))
SEED = int(os.environ.get("PIPGUARD_TEST_FUZZ_SEED", "668"))


@pytest.fixture(params=RELEASES, ids=lambda release: release or "newest")
def wheel(request, outside_environment):
    """A real pip's wheel, downloaded once."""
    return pip_wheel(request.param, outside_environment)


def read_version(wheel):
    major, minor = wheel.name.split("-")[1].split(".")[:2]
    return int(major), int(minor)


def ask_pip(wheel, what, lines=()):
    script = CHECKOUT / "tests/harness/real_pip_parser.py"
    answer = subprocess.run(
        [sys.executable, str(script), str(wheel), what],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout)


VALUE_KINDS = {"int": pip_options.INTEGER, "float": pip_options.NUMBER}


def describe_option(option):
    """What the table should say that this option of a real pip takes, as far as optparse knows."""
    if not option["takes_value"]:
        return pip_options.FLAG
    if option["choices"]:
        return tuple(option["choices"])
    return VALUE_KINDS.get(option["type"], pip_options.TEXT)


def simplify(takes):
    """What optparse calls a string, whatever a callback of pip does with it later."""
    known = (pip_options.FLAG, pip_options.INTEGER, pip_options.NUMBER)
    return takes if isinstance(takes, tuple) or takes in known else pip_options.TEXT


def compare_tables(subcommand, real, version):
    """One line for each option that the table lacks, has wrong or has too much."""
    where = f"pip {version[0]}.{version[1]} {subcommand or 'before the subcommand'}"
    ours = {
        names[0]: (sorted(names), simplify(takes))
        for names, takes in pip_options.list_options(subcommand or None, version)
    }
    theirs = {o["names"][0]: (sorted(o["names"]), describe_option(o)) for o in real}
    faults = [f"{where}: lacks {name} {theirs[name]}" for name in theirs.keys() - ours]
    faults += [f"{where}: has {name}, which pip has not" for name in ours.keys() - theirs]
    faults += [
        f"{where}: {name} is {ours[name]}, in pip {theirs[name]}"
        for name in ours.keys() & theirs
        if ours[name] != theirs[name]
    ]
    return faults


def test_the_table_says_what_pip_says(wheel):
    version = read_version(wheel)
    real = ask_pip(wheel, "describe")
    faults = []
    for subcommand, options in real.items():
        if subcommand and not pip_options.has_subcommand(subcommand, version):
            faults.append(f"pip {version}: the table lacks the subcommand {subcommand}")
        else:
            faults += compare_tables(subcommand, options, version)
    known = {name for name in pip_options.SUBCOMMANDS if pip_options.has_subcommand(name, version)}
    faults += [f"pip {version} has no subcommand {name}" for name in known - real.keys()]
    assert not faults, "\n".join(sorted(faults))


def test_a_wrong_table_is_named():
    """The comparison itself can fail: it is what a new pip release will be judged by."""
    real = [
        {
            "names": [*names],
            "takes_value": takes != pip_options.FLAG,
            "type": {v: k for k, v in VALUE_KINDS.items()}.get(takes, "string"),
            "choices": takes if isinstance(takes, tuple) else None,
        }
        for names, takes in pip_options.list_options("hash")
    ]
    assert compare_tables("hash", real, pip_options.NEWEST) == []
    new = {"names": ["--brand-new"], "takes_value": True, "type": "string", "choices": None}
    (fault,) = compare_tables("hash", [*real, new], pip_options.NEWEST)
    assert "lacks --brand-new" in fault
    (fault,) = compare_tables("hash", real[1:], pip_options.NEWEST)
    assert f"has {real[0]['names'][0]}" in fault


# Words that every position may meet; the names of subcommands are the ones that confuse pip.
ODD_WORDS = ("", "-", "--", "x", "a\nb", "\udc80", "install", "uninstall", "list", "-r", "--user")
ODD_WORDS += (
    "six==1.16",
    ".",
    "=",
    "-=",
    "--=",
    "---",
    "--no",
    "--re",
    "-z",
    "-qz",
    "lock",
    "help",
)
VALUES = {
    pip_options.INTEGER: ("3", "08", "0x1f", "0b11", "0b", "", "-1", " 7 ", "1_0", "x", "٣"),
    pip_options.NUMBER: ("1.5", "nan", "08", "0x1f", "", "x", "-1", "1e3"),
    pip_options.SETTING: ("a=b", "=", "a", "", "-C=x"),
    pip_options.PACKAGES: (":all:", "a,b", ":none:", "", "-x", "--user"),
    pip_options.PYTHON_VERSION: ("3", "37", "3.7", "3.7.3", "3.7.3.1", "", "x", "3.", "cp37", "٣"),
    pip_options.GROUP: ("dev", "pyproject.toml:dev", "a/pyproject.toml:dev", "x:dev", ":dev", ""),
    pip_options.MOMENT: (
        "2024-01-01",
        "2024-01-01T00:00:00Z",
        "2024-01-01Z",
        "P3D",
        "P3",
        "PD",
        "x",
        "",
    ),
}
VALUES[pip_options.GROUP_OR_LOCK] = (
    *VALUES[pip_options.GROUP],
    *("pylock.toml:dev", "pylock.a.toml:b", "pylock.a.b.toml:c", "pylock..toml:c"),
    *("d/pylock.toml[x]:dev", "https://h/pylock.toml:dev", "https://h/pyproject.toml:dev"),
    *("a/pyproject.toml/.:dev", "pylock.toml[]:dev", "[x]:dev"),
)
VALUES[pip_options.GROUP] = VALUES[pip_options.GROUP_OR_LOCK]
VALUES[pip_options.MOMENT_OR_DAYS] = VALUES[pip_options.MOMENT]


def choose_value(dice, takes):
    if dice.random() < 0.15:
        return dice.choice(ODD_WORDS)
    if isinstance(takes, tuple):
        return dice.choice((*takes, *takes, takes[0][:-1]))
    return dice.choice(
        VALUES.get(takes, ("file.txt", "lib", "a=b", "https://h/i", "-x", "install"))
    )


def choose_long(dice, names, takes):
    name = dice.choice([name for name in names if name.startswith("--")])
    if dice.random() < 0.3:
        name = name[: dice.randint(3, len(name))]
    if takes == pip_options.FLAG:
        return [name + "=1"] if dice.random() < 0.03 else [name]
    value = choose_value(dice, takes)
    return [f"{name}={value}"] if dice.random() < 0.4 else [name, value]


def choose_cluster(dice, table):
    shorts = {names[-1][1]: takes for names, takes in table if not names[-1].startswith("--")}
    word = "-"
    for _ in range(dice.randint(1, 4)):
        letter = dice.choice([*shorts, *"qvqv"])
        word += letter
        if shorts[letter] != pip_options.FLAG:
            value = choose_value(dice, shorts[letter])
            return [word + value] if dice.random() < 0.5 else [word, value]
    return [word]


def choose_words(dice, table, count):
    words = []
    for _ in range(count):
        turn = dice.random()
        if turn < 0.25:
            words.append(dice.choice(("six", "requests", ".", "./a b", "git+https://h/x")))
        elif turn < 0.32:
            words.append(dice.choice(ODD_WORDS))
        elif turn < 0.5:
            words += choose_cluster(dice, table)
        else:
            words += choose_long(dice, *dice.choice(table))
    return words


def choose_line(dice, version):
    """A command line of that pip or, now and then, of another one."""
    if dice.random() < 0.1:
        version = dice.choice(((23, 0), (24, 0), (25, 1), pip_options.NEWEST))
    subcommand = dice.choice([*pip_options.SUBCOMMANDS, *["install"] * 12, "uninstall", "list"])
    main = [row for row in pip_options.list_options(None, version) if dice_keeps(dice, row)]
    table = [row for row in pip_options.list_options(subcommand, version) if dice_keeps(dice, row)]
    line = choose_words(dice, main, dice.choice((0, 0, 0, 1, 2)))
    if dice.random() < 0.97:
        line.append(subcommand)
    return line + choose_words(dice, table, dice.randint(0, 6))


def dice_keeps(dice, row):
    """Help and version end a line early: few of them, or nothing else is tried."""
    return row[0][0] not in ("--help", "--version") or dice.random() < 0.1


def explain_ours(line, version):
    command = parse_command(line, version)
    ends = "error" if command.error else "runs"
    if ends == "runs" and command.asks_version:
        ends = "version"
    if ends == "runs" and (command.has("--help") or command.subcommand is None):
        ends = "help"
    options = [[option.name, option.value] for option in command.options]
    return {
        "ends": ends,
        "subcommand": command.subcommand,
        "arguments": list(command.arguments) if ends == "runs" else [],
        "options": [] if ends == "version" else options,
    }


def test_random_lines_are_read_as_pip_reads_them(wheel):
    version = read_version(wheel)
    dice = random.Random(f"{SEED} {version}")
    lines = [choose_line(dice, version) for _ in range(LINES)]
    answers = ask_pip(wheel, "read", lines)
    differences = [
        f"{line!r}\n  pip  {answer}\n  ours {explain_ours(line, version)}"
        for line, answer in zip(lines, answers, strict=True)
        if explain_ours(line, version) != answer
    ]
    assert not differences, f"{len(differences)} of {LINES}\n" + "\n".join(differences[:20])
    ends = [answer["ends"] for answer in answers]
    assert ends.count("runs") > LINES / 4, "too few lines that pip accepts: the dice are bad"
    assert ends.count("error") > LINES / 20, "too few lines that pip rejects: the dice are bad"


@pytest.mark.parametrize("version", [(23, 0), (25, 1), pip_options.NEWEST], ids=str)
def test_taking_options_out_leaves_the_rest_alone(version):
    """Needs no pip: what `without` leaves must parse to the same command without these options."""
    dice = random.Random(SEED)
    tried = 0
    for _ in range(LINES * 3):
        command = parse_command(choose_line(dice, version), version)
        spelled_twice = command.argv.count(command.subcommand) > 1
        if command.error or not command.options or command.subcommand is None or spelled_twice:
            continue
        tried += 1
        names = {option.name for option in dice.sample(command.options, 1)} | {"--quiet"}
        rest = parse_command(command.without(*names), version)
        if "--help" in names:
            continue
        assert rest.error is None, (command.argv, names)
        assert rest.arguments == command.arguments, (command.argv, names)
        kept = [(o.name, o.value) for o in command.options if o.name not in names]
        assert [(o.name, o.value) for o in rest.options] == kept, (command.argv, names)
    assert tried > LINES / 4
