"""The grammar of pip's command lines, line by line, and against the corpus of real ones."""

import json
from pathlib import Path

import pytest

from pipguard.pip.command_line import parse_command


def find_corpus():
    for folder in Path(__file__).resolve().parents:
        corpus = folder / "shared" / "benchmarks" / "pip-command-corpus.jsonl"
        if corpus.is_file():
            return corpus
    return None


CORPUS = find_corpus()


def explain(command):
    """The command in the terms of the corpus."""
    return {
        "args": list(command.arguments),
        "requirements": list(command.values("--requirement")),
        "editables": list(command.values("--editable")),
        "constraints": list(command.values("--constraint")),
        "target": command.last("--target"),
        "prefix": command.last("--prefix"),
        "root": command.last("--root"),
        "user": command.is_user,
        "upgrade": command.has("--upgrade"),
        "pre": command.has("--pre"),
        "dry_run": command.has("--dry-run"),
        "quiet": command.count("--quiet"),
        "verbose": command.count("--verbose"),
        "python": command.last("--python"),
        "break_system_packages": command.has("--break-system-packages"),
    }


def compare_with_truth(argv, truth):
    command = parse_command(argv)
    ours = {"command": command.subcommand, "error": command.error is not None}
    theirs = {"command": truth["command"], "error": truth["error"] is not None}
    if "args" in truth:
        ours |= explain(command)
        theirs |= {key: truth[key] for key in explain(command)}
    if "pep668_check" in truth:
        ours["pep668_check"] = not command.exempt_from_refusal
        theirs["pep668_check"] = truth["pep668_check"]
    if "prints" in truth:
        ours["prints"] = "help" if command.asks_help else "version" * command.asks_version
        theirs["prints"] = truth["prints"]
    return {key: (theirs[key], ours[key]) for key in theirs if theirs[key] != ours[key]}


@pytest.mark.skipif(
    CORPUS is None, reason="NOT CHECKED against real command lines: no shared/benchmarks folder"
)
def test_every_line_of_the_corpus_is_read_as_pip_reads_it():
    rows = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    differences = [
        f"{row['argv']}: (pip, ours) {difference}"
        for row in rows
        if (difference := compare_with_truth(row["argv"], row["truth"]))
    ]
    assert rows
    assert not differences, "\n".join(differences)


def show(command):
    """The subcommand, its arguments and its options, in as few words as a test line allows."""
    options = [o.name if o.value is None else f"{o.name}={o.value}" for o in command.options]
    return command.subcommand, list(command.arguments), options


ACCEPTED = [
    # plain words and where options may stand
    ([], (None, [], [])),
    (["-q", "help"], (None, [], ["--quiet"])),
    (["help", "install"], ("help", ["install"], [])),
    (["install", "six"], ("install", ["six"], [])),
    (["install", "six", "-U", "attrs"], ("install", ["six", "attrs"], ["--upgrade"])),
    (["-q", "install", "six"], ("install", ["six"], ["--quiet"])),
    (["--proxy", "h", "install", "x"], ("install", ["x"], ["--proxy=h"])),
    (["install", "--proxy=h", "x"], ("install", ["x"], ["--proxy=h"])),
    (["install"], ("install", [], [])),
    (["uninstall", "-y", "install"], ("uninstall", ["install"], ["--yes"])),
    (["install", "", "a\nb", "\udcff"], ("install", ["", "a\nb", "\udcff"], [])),
    # values: separate, attached, empty, looking like options
    (["install", "-r", "a", "-rb"], ("install", [], ["--requirement=a", "--requirement=b"])),
    (["install", "-r=a"], ("install", [], ["--requirement==a"])),
    (["install", "-r", "-U"], ("install", [], ["--requirement=-U"])),
    (["install", "-r", "-"], ("install", [], ["--requirement=-"])),
    (["install", "-r", "--", "x"], ("install", ["x"], ["--requirement=--"])),
    (["install", "-", "x"], ("install", ["-", "x"], [])),
    (["install", "--target=", "x"], ("install", ["x"], ["--target="])),
    (["install", "--target", "", "x"], ("install", ["x"], ["--target="])),
    (["install", "--index-url=a=b"], ("install", [], ["--index-url=a=b"])),
    # clusters
    (["install", "-qqU", "x"], ("install", ["x"], ["--quiet", "--quiet", "--upgrade"])),
    (["install", "-Ur", "a"], ("install", [], ["--upgrade", "--requirement=a"])),
    (["install", "-Urqq"], ("install", [], ["--upgrade", "--requirement=qq"])),
    (["-vv", "list"], ("list", [], ["--verbose", "--verbose"])),
    # abbreviations and other names of the same option
    (["install", "--edit", "x", "y"], ("install", ["y"], ["--editable=x"])),
    (["install", "--constr=a"], ("install", [], ["--constraint=a"])),
    (["install", "--brea", "x"], ("install", ["x"], ["--break-system-packages"])),
    (["install", "--pypi-url", "i"], ("install", [], ["--index-url=i"])),
    (["install", "--source-dir", "s"], ("install", [], ["--src=s"])),
    (["install", "--no-dependencies"], ("install", [], ["--no-deps"])),
    (["--log-f", "l", "list"], ("list", [], ["--log=l"])),
    # the end of options
    (["install", "--", "-U", "--", "x"], ("install", ["-U", "--", "x"], [])),
    (["install", "-U", "--", "-r"], ("install", ["-r"], ["--upgrade"])),
    (["--", "install", "-U"], ("install", ["-U"], [])),
    # one letter means different things to different subcommands
    (["list", "-e", "-o"], ("list", [], ["--editable", "--outdated"])),
    (["completion", "-f"], ("completion", [], ["--fish"])),
    (["lock", "-o", "f", "-e", "."], ("lock", [], ["--output=f", "--editable=."])),
    (["config", "set", "global.index-url", "u"], ("config", ["set", "global.index-url", "u"], [])),
    # pip takes the first word that is spelled like the subcommand for the subcommand
    (["--log", "install", "install", "x"], ("install", ["x"], ["--log=install"])),
    (["--log", "install", "-q", "install", "x"], ("install", ["install", "x"], ["--log=-q"])),
    # values that pip converts while it parses
    (["install", "--timeout", "1e3", "--retries=0x1f"], None),
    (["install", "--python-version", "37", "--python-version=", "--python-version=3.7.3"], None),
    (["install", "-C", "a=b", "--no-binary", ":all:", "--progress-bar=raw"], None),
    (["install", "--group", "d", "--group=p/pyproject.toml:d", "--group=pylock.x.toml:d"], None),
    (["install", "--uploaded-prior-to=P3D", "--uploaded-prior-to=2024-01-01T00:00:00Z"], None),
]


@pytest.mark.parametrize(("argv", "meaning"), ACCEPTED, ids=lambda value: ascii(value)[:60])
def test_what_pip_accepts(argv, meaning):
    command = parse_command(argv)
    assert command.error is None
    assert command.argv == tuple(argv)
    if meaning is None:
        assert len(command.options) == sum(word.startswith("-") for word in argv)
    else:
        assert show(command) == meaning


REJECTED = [
    (["instal", "six"], None, "unknown command"),
    ([""], None, "unknown command"),
    (["--upgrade", "install", "six"], None, "no such option: --upgrade"),
    (["-r", "a", "install"], None, "no such option: -r"),
    (["--vers=1"], None, "--version option does not take a value"),
    (["--proxy"], None, "--proxy option requires 1 argument"),
    (["--retries=08", "install"], None, "--retries: invalid value"),
    (["install", "--bogus"], "install", "no such option: --bogus"),
    (["install", "-qz"], "install", "no such option: -z"),
    (["install", "--no-break-system-packages", "x"], "install", "no such option"),
    (["install", "-V"], "install", "no such option: -V"),
    (["install", "x", "-r"], "install", "-r option requires 1 argument"),
    (["install", "-Ur"], "install", "-r option requires 1 argument"),
    (["install", "--user=1"], "install", "--user option does not take a value"),
    (
        ["install", "--no-dep"],
        "install",
        "ambiguous option: --no-dep (--no-dependencies, --no-deps",
    ),
    (["install", "--=x"], "install", "ambiguous option"),
    (["--pytho", "e", "install"], "install", "ambiguous option: --pytho"),
    (["install", "--progress-bar", "none"], "install", "--progress-bar: invalid choice"),
    (["install", "--timeout=soon"], "install", "--timeout: invalid value"),
    (["install", "--retries", "0b2"], "install", "--retries: invalid value"),
    (["install", "-C", "key"], "install", "-C: invalid value"),
    (["install", "--only-binary", "-U"], "install", "--only-binary: invalid value"),
    (["install", "--python-version=3.8.1.2"], "install", "--python-version: invalid value"),
    (["install", "--python-version=cp38"], "install", "--python-version: invalid value"),
    (["install", "--group=dev:test"], "install", "--group: invalid value"),
    (["install", "--group=https://h/pylock.toml:x"], "install", "--group: invalid value"),
    (["install", "--uploaded-prior-to=PD"], "install", "--uploaded-prior-to: invalid value"),
    (["install", "--uploaded-prior-to=P٣D"], "install", "--uploaded-prior-to: invalid value"),
    (["install", "--uploaded-prior-to=soon"], "install", "--uploaded-prior-to: invalid value"),
    (["uninstall", "--user", "x"], "uninstall", "no such option: --user"),
]


@pytest.mark.parametrize(
    ("argv", "subcommand", "error"), REJECTED, ids=lambda value: ascii(value)[:60]
)
def test_what_pip_rejects(argv, subcommand, error):
    command = parse_command(argv)
    assert command.subcommand == subcommand
    assert command.error is not None
    assert command.error.startswith(error)
    assert command.exempt_from_refusal


VERSIONS = [
    # an abbreviation, an option, a value or a subcommand that came or went
    (["install", "--requireme", "x"], (25, 3), "--requirement=x"),
    (["install", "--only", "x"], (25, 3), "--only-binary=x"),
    (["install", "--only", "x"], (26, 0), None),
    (["install", "--gl", "x"], (25, 2), "--global-option=x"),
    (["install", "--gl", "x"], (25, 3), None),
    (["install", "--g", "x"], (25, 0), "--global-option=x"),
    (["install", "--g", "x"], (25, 1), None),
    (["install", "-C", "a=b"], (23, 0), None),
    (["install", "-C", "a=b"], (23, 1), "--config-settings=a=b"),
    (["install", "--progress-bar=raw"], (24, 0), None),
    (["install", "--progress-bar=raw"], (24, 1), "--progress-bar=raw"),
    (["install", "--version"], (26, 2), "--version"),
    (["install", "--version"], (26, 3), None),
    (["lock", "-o", "x"], (25, 0), None),
    (["lock", "-o", "x"], (25, 1), "--output=x"),
    (["install", "--break", "x"], (20, 3), "--break-system-packages"),
    (["install", "--group=pylock.toml:x"], (26, 2), None),
    (["install", "--uploaded-prior-to=P1D"], (26, 0), None),
]


@pytest.mark.parametrize(("argv", "version", "option"), VERSIONS, ids=str)
def test_each_pip_has_its_own_options(argv, version, option):
    command = parse_command(argv, version)
    assert (command.error is None) == (option is not None)
    if option is not None:
        assert show(command)[2] == [option]


def test_a_late_option_is_unknown_to_an_older_pip_and_the_newest_is_the_default():
    argv = ["install", "--only-deps", "six"]
    assert parse_command(argv).has("--only-deps")
    assert parse_command(argv, (99, 0)).has("--only-deps")
    assert parse_command(argv, (26, 1)).error == "no such option: --only-deps"


WITHOUT = [
    (["install", "--user", "x"], ["--user"], ["install", "x"]),
    (["install", "-U", "x"], ["--upgrade"], ["install", "x"]),
    (["install", "-qUq", "x"], ["--upgrade"], ["install", "-qq", "x"]),
    (["install", "-qUq", "x"], ["--quiet"], ["install", "-U", "x"]),
    (["install", "-qq", "x"], ["--quiet"], ["install", "x"]),
    (["install", "-Ur", "a", "x"], ["--requirement"], ["install", "-U", "x"]),
    (["install", "-Ura", "x"], ["--requirement"], ["install", "-U", "x"]),
    (["install", "-Ur", "a", "x"], ["--upgrade"], ["install", "-r", "a", "x"]),
    (["install", "-Ur", "a", "x"], ["--upgrade", "--requirement"], ["install", "x"]),
    (["install", "--target", "d", "x"], ["--target"], ["install", "x"]),
    (["install", "--target=d", "x"], ["--target"], ["install", "x"]),
    (["install", "--targ", "d", "x"], ["--target"], ["install", "x"]),
    (["install", "--brea", "x"], ["--break-system-packages"], ["install", "x"]),
    (["-q", "install", "x", "-q"], ["--quiet"], ["install", "x"]),
    (["--python", "e", "install", "x"], ["--python"], ["install", "x"]),
    (["install", "--", "--user"], ["--user"], ["install", "--", "--user"]),
    (["install", "-r", "--user", "--user"], ["--user"], ["install", "-r", "--user"]),
    (["install", "x"], ["--user"], ["install", "x"]),
    (["-qV"], ["--quiet"], ["-V"]),
    # the words that pip takes for --log and its value do not stand side by side here
    (["--log", "list", "-q", "list", "x"], ["--log"], ["list", "list", "x"]),
]


@pytest.mark.parametrize(("argv", "names", "rest"), WITHOUT, ids=lambda value: ascii(value)[:60])
def test_taking_options_out(argv, names, rest):
    assert parse_command(argv).without(*names) == tuple(rest)


EXEMPT = [
    (["install", "x"], False),
    (["install"], False),
    (["install", "--dry-run", "x"], False),
    (["install", "--report", "-", "x"], False),
    (["install", "--dry-run", "--report", "-", "x"], True),
    (["install", "--dry-run", "--report=", "x"], False),
    (["install", "--dry-run", "--report=r", "--report=", "x"], False),
    (["install", "--user", "x"], False),
    (["install", "--target", "d", "x"], True),
    (["install", "--target=", "x"], True),
    (["install", "--prefix", "d", "x"], True),
    (["install", "--root", "d", "x"], True),
    (["install", "--break-system-packages", "x"], True),
    (["uninstall", "x"], False),
    (["uninstall", "--break-system-packages", "x"], True),
    (["download", "x"], True),
    (["install", "--help"], True),
    (["install", "--python", "e", "x"], True),
    (["--python", "e", "install", "x"], False),
    (["--version", "install", "x"], True),
    ([], True),
]


@pytest.mark.parametrize(("argv", "exempt"), EXEMPT, ids=str)
def test_what_pip_does_not_refuse(argv, exempt):
    assert parse_command(argv).exempt_from_refusal is exempt


PYTHONS = [
    (["--python", "e", "install"], "e", "e", False),
    (["--python=e", "--python", "f", "install"], "f", "f", False),
    (["install", "--python", "e"], "e", None, True),
    (["--python", "", "install"], "", None, False),
    (["--python", "e", "install", "--python", "f"], "f", "e", False),
    (["--python", "e", "--version"], "e", "e", False),
    (["install"], None, None, False),
]


@pytest.mark.parametrize(("argv", "python", "runs_under", "late"), PYTHONS, ids=str)
def test_where_python_stands_matters(argv, python, runs_under, late):
    command = parse_command(argv)
    assert command.last("--python") == python
    assert command.runs_under == runs_under
    assert command.has_late_python is late


ANSWERS = [
    ([], "help"),
    (["help"], "help"),
    (["-q", "help"], "help"),
    (["help", "install"], "help"),
    (["--help", "--bogus"], "help"),
    (["install", "--help", "--bogus"], "help"),
    (["install", "-hz"], "help"),
    (["-V"], "version"),
    (["--vers", "bogus"], "version"),
    (["-Vh"], "help"),
    (["-hV"], "help"),
    (["install", "six"], None),
    (["bogus"], None),
    (["-V", "--bogus"], None),
]


@pytest.mark.parametrize(("argv", "answer"), ANSWERS, ids=str)
def test_what_pip_answers_by_itself(argv, answer):
    command = parse_command(argv)
    assert command.asks_help is (answer == "help")
    assert command.asks_version is (answer == "version")
    assert (command.error is None) is (answer is not None or command.subcommand is not None)


def test_help_ends_the_reading():
    command = parse_command(["install", "a", "-h", "b", "--bogus"])
    assert show(command) == ("install", ["a"], ["--help"])


@pytest.mark.parametrize(
    ("words", "user"),
    [
        ([], False),
        (["--user"], True),
        (["--no-user"], False),
        (["--user", "--no-user"], False),
        (["--no-user", "--user"], True),
    ],
    ids=str,
)
def test_the_last_of_user_and_no_user_wins(words, user):
    assert parse_command(["install", *words, "x"]).is_user is user


def test_the_named_properties():
    argv = ["-v", "install", "-qqU", "-ra", "-c", "b", "-e.", "--group=g", "six", "--dry-run"]
    command = parse_command([*argv, "--requirements-from-script=s.py", "-t", "x", "-t", "y"])
    assert command.arguments == ("six",)
    assert command.values("--requirement") == ("a",)
    assert command.values("--constraint") == ("b",)
    assert command.values("--editable") == (".",)
    assert command.values("--group") == ("g",)
    assert command.values("--requirements-from-script") == ("s.py",)
    assert (command.count("--quiet"), command.count("--verbose")) == (2, 1)
    assert command.has("--upgrade")
    assert command.has("--dry-run")
    assert command.values("--target") == ("x", "y")
    assert command.last("--target") == "y"
    assert command.last("--prefix") is None
    assert command.count("--target") == 2


def test_options_know_their_words():
    words = ["--log", "l", "install", "-Urfile", "-c", "d", "--target=t"]
    places = [(o.name, o.word, o.value_word, o.letters) for o in parse_command(words).options]
    assert places == [
        ("--log", 0, 1, None),
        ("--upgrade", 3, None, (1, 2)),
        ("--requirement", 3, None, (2, 7)),
        ("--constraint", 4, 5, (1, 2)),
        ("--target", 6, None, None),
    ]


def test_an_error_is_one_short_printable_line():
    for word in (
        "--" + "x" * 1_000_000,
        "--a\nb\udc80",
        "-\udc80",
        "bad\ncommand\udc80",
        "--\u00e9",
    ):
        error = parse_command([word]).error
        assert len(error) < 100
        assert error.isascii()
        assert error.isprintable()
    long_value = parse_command(["install", "--progress-bar", "\n" * 1_000_000])
    assert len(long_value.error) < 300


MANY = 100_000


@pytest.mark.parametrize(
    "argv",
    [
        ["install", *["six"] * MANY],
        ["install", *["-rx"] * MANY],
        ["install", *["--constr", "x"] * (MANY // 2)],
        ["install", "-" + "q" * MANY],
        ["install", "--", *["-q"] * MANY],
    ],
    ids=["arguments", "short", "abbreviated", "cluster", "after the end"],
)
def test_a_line_of_any_length_is_parsed(argv):
    command = parse_command(argv)
    rest = command.without("--quiet", "--requirement", "--constraint")
    assert command.error is None
    assert len(command.arguments) + len(command.options) >= MANY // 2
    assert len(rest) == 1 + len(command.arguments) + ("--" in argv)
