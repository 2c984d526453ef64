"""Each of pip's words has uv's counterpart, or it is pip's turn."""

from __future__ import annotations

import pytest

from pipguard.classification.targets import parse_requirement
from pipguard.environments.inspect import Environment
from pipguard.pip.command_line import parse_command
from pipguard.pip.origins import Origin
from pipguard.pip.requirements_files import RequirementsFile
from pipguard.plan import Plan
from pipguard.plans.uv import PipsTurnError, UvFacts, plan_uv
from pipguard.route import ToVenv
from pipguard.system.frozen import replace

PRIVATE = "https://me:secret@private.example/simple"
FACTS = UvFacts("/u/uv", "/w/pip-26.3-py3-none-any.whl", Origin(), {})


def plan(line: str, facts: UvFacts = FACTS, **environment: object) -> Plan:
    route = ToVenv(Environment("/p/.venv", **{"state": "usable", **environment}), "a library")  # type: ignore[arg-type]
    command = parse_command(("install", *line.split()))
    assert not command.error, command.error
    given = (*command.arguments, *(line for file in facts.files for line in file.requirements))
    facts = replace(facts, names=tuple(parse_requirement(word).name for word in given))
    return plan_uv(route, command, "/usr/bin/python3.11", facts, sees_system=False)


def options_of(made: Plan) -> list[str]:
    words = list(made.steps[-1].command)
    return words[words.index("--no-sources") + 1 : words.index("--")]


def with_file(*requirements: str, options: str = "") -> UvFacts:
    given = (parse_command(("install", *options.split())),) if options else ()
    file = RequirementsFile("/p/r.txt", True, given, requirements)
    return replace(FACTS, files=(file,))


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("six", "--compile-bytecode"),
        ("--no-compile six", ""),
        ("-U six", "--upgrade-package six --compile-bytecode"),
        ("-U Six[x]>=1 b==2", "--upgrade-package six --upgrade-package b --compile-bytecode"),
        ("-U --upgrade-strategy eager six", "--upgrade --compile-bytecode"),
        ("--force-reinstall six", "--reinstall --compile-bytecode"),
        ("--pre six", "--prerelease=allow --compile-bytecode"),
        ("--pre --pre --no-deps --no-deps six", "--prerelease=allow --no-deps --compile-bytecode"),
        ("--no-deps --no-cache-dir six", "--no-deps --no-cache --compile-bytecode"),
        ("-q --no-color six", "--quiet --color=never --compile-bytecode"),
        ("--no-binary a,b six", "--no-binary a --no-binary b --compile-bytecode"),
        ("--only-binary=:all: six", "--only-binary :all: --compile-bytecode"),
        ("-c c.txt -r r.txt", "--constraint c.txt --requirement r.txt --compile-bytecode"),
        ("-e ./x --group test", "--editable ./x --group test --compile-bytecode"),
        ("-C a=b --no-build-isolation x", "--config-setting a=b --no-build-isolation"
         " --compile-bytecode"),
        ("--no-input --root-user-action ignore six", "--compile-bytecode"),
        ("--require-hashes -r r.txt", "--require-hashes --requirement r.txt --compile-bytecode"),
    ],
)  # fmt: skip
def test_a_word_has_a_counterpart(line: str, options: str) -> None:
    made = plan(line)
    assert options_of(made) == options.split()
    assert made.installer == "uv"


@pytest.mark.parametrize(
    "line",
    [
        "--user six",
        "-I six", "--prefer-binary six", "--root /r six", "--report r.json six", "--log l six",
        "--target t six", "--ignore-requires-python six", "--keyring-provider import six",
        "--no-binary :none: six", "-U ./folder", "-U -e .", "--src s -e git+https://x/y",
        "--uploaded-prior-to 2026-01-01 six", "--isolated six", "--python-version 3.9 six",
        "--cache-dir c six", "--use-feature fast-deps six", "--only-deps six",
        "--requirements-from-script s.py", "--dry-run six",
    ],
)  # fmt: skip
def test_a_word_without_a_counterpart_is_named(line: str) -> None:
    with pytest.raises(PipsTurnError, match=r"--[a-z]"):
        plan(line)


@pytest.mark.parametrize(
    ("configured", "options"),
    [
        ({"no-binary": "a"}, "--no-binary a --compile-bytecode"),
        ({"pre": "yes"}, "--prerelease=allow --compile-bytecode"),
        ({"pre": "0"}, "--compile-bytecode"),
        ({"compile": "0"}, ""),
        ({"constraint": "a.txt b.txt"}, "--constraint a.txt --constraint b.txt"
         " --compile-bytecode"),
        ({"disable-pip-version-check": "1", "prefix": "/x", "user": "1"}, "--compile-bytecode"),
    ],
)  # fmt: skip
def test_what_is_configured_counts_like_what_is_typed(
    configured: dict[str, str], options: str
) -> None:
    assert options_of(plan("six", replace(FACTS, configured=configured))) == options.split()


@pytest.mark.parametrize(
    "configured", [{"prefer-binary": "1"}, {"log": "/l"}, {"keyring-provider": "auto"}]
)
def test_what_is_configured_and_has_no_counterpart_is_pips_turn(configured: dict[str, str]) -> None:
    with pytest.raises(PipsTurnError, match=next(iter(configured))):
        plan("six", replace(FACTS, configured=configured))


@pytest.mark.parametrize(
    ("facts", "options"),
    [
        (with_file("six==1 --hash=sha256:aa", "idna==2"), "--require-hashes --compile-bytecode"),
        (with_file("six", options="--index-url https://x/simple"), "--compile-bytecode"),
    ],
)
def test_a_requirements_file_is_read_as_pip_reads_it(facts: UvFacts, options: str) -> None:
    assert options_of(plan("six", facts)) == options.split()


@pytest.mark.parametrize(
    "facts",
    [
        with_file("six", options="--pre"),
        with_file("six", options="--prefer-binary"),
        with_file("six --config-settings a=b"),
    ],
)
def test_a_requirements_file_that_uv_reads_otherwise_is_pips_turn(facts: UvFacts) -> None:
    with pytest.raises(PipsTurnError, match="in a requirements file"):
        plan("-r r.txt", facts)


def test_an_upgrade_is_for_what_a_requirements_file_names() -> None:
    made = plan("-U -r r.txt", with_file("six>=1", "idna ; python_version > '3'"))
    assert options_of(made)[2:6] == ["--upgrade-package", "six", "--upgrade-package", "idna"]
    with pytest.raises(PipsTurnError, match="no name"):
        plan("-U -r r.txt", with_file("./folder"))


def test_indexes_and_their_secrets_are_told_by_variables() -> None:
    origin = Origin((PRIVATE, "https://b.example/s"), certificate="/c.pem")
    step = plan("six", replace(FACTS, origin=origin)).steps[-1]
    assert "secret" not in " ".join(step.command)
    told = dict(step.environ)
    assert told["UV_INDEX_URL"] == PRIVATE
    assert told["UV_EXTRA_INDEX_URL"] == "https://b.example/s"
    assert told["SSL_CERT_FILE"] == "/c.pem"
    assert options_of(plan("six", replace(FACTS, origin=origin)))[:2] == [
        "--index-strategy", "unsafe-best-match",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("origin", "options"),
    [
        (Origin((), ("/w",)), "--no-index --find-links /w"),
        (Origin(("http://127.0.0.1:8/simple",)), ""),
        (Origin(("http://h:8/simple",), hosts=("h",)), "--allow-insecure-host h"),
        (Origin(("http://h:8/simple",), hosts=("h:8",)), "--allow-insecure-host h:8"),
    ],
)
def test_an_origin_has_a_counterpart(origin: Origin, options: str) -> None:
    made = plan("six", replace(FACTS, origin=origin))
    assert options_of(made) == [*options.split(), "--compile-bytecode"]


@pytest.mark.parametrize(
    "origin",
    [
        Origin(is_known=False),
        Origin(links=("/w",)),
        Origin(("http://h/simple",)),
        Origin(("http://h/simple",), hosts=("other",)),
        Origin((), ("http://h/w",)),
    ],
)
def test_an_origin_that_uv_would_take_otherwise_is_pips_turn(origin: Origin) -> None:
    with pytest.raises(PipsTurnError):
        plan("six", replace(FACTS, origin=origin))


def test_certificates_are_those_that_pip_takes() -> None:
    facts = replace(FACTS, certificates="/bundle.pem")
    assert ("SSL_CERT_FILE", "/bundle.pem") in plan("six", facts).steps[-1].environ
    told = replace(facts, origin=Origin(certificate="/told.pem"))
    assert ("SSL_CERT_FILE", "/told.pem") in plan("six", told).steps[-1].environ


def test_uvs_own_words_are_set_aside() -> None:
    names = ("UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_CACHE_DIR", "UV_PRERELEASE", "UV_HTTP_TIMEOUT")
    step = plan("--proxy p:1 --timeout 9 six", replace(FACTS, variables=names)).steps[-1]
    told = dict(step.environ)
    assert {name for name, value in told.items() if value is None} == {
        "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_PRERELEASE",
    }  # fmt: skip
    assert (told["HTTPS_PROXY"], told["UV_HTTP_TIMEOUT"]) == ("p:1", "9")
    assert "--no-config" in step.command


def test_a_new_environment_is_uvs_and_has_a_pip() -> None:
    made = plan("six", state="absent")
    assert made.creation
    assert made.creation.command[:2] == ("/u/uv", "venv")
    assert made.creation.command[-3:] == ("--python", "/usr/bin/python3.11", "/p/.venv")
    assert FACTS.pip_wheel in made.steps[0].command


def test_a_target_is_never_an_option() -> None:
    words = plan("-- six").steps[-1].command
    assert words[-2:] == ("--", "six")
