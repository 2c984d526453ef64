"""What programs read: `--json` and PIPGUARD_OUTCOME=json, against the schemas that are shown."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest
from harness.running import Environment, Result, RunPipguard

pytestmark = pytest.mark.usefixtures("managed_python", "use_stand_ins")
START = "pipguard: outcome "


def check(run: RunPipguard, schema: str, document: object) -> None:
    told = run(["guard", "help", "--schema", schema])
    assert told.status == 0, told.err
    jsonschema.Draft202012Validator(json.loads(told.out)).validate(document)


def test_every_document_is_as_its_schema_says(run_pipguard: RunPipguard) -> None:
    assert run_pipguard(["install", "tinylib"]).status == 0
    assert run_pipguard(["install", "pycowsay"]).status == 0
    asked = {
        "doctor": ["doctor", "--json"],
        "explain": ["explain", "--json", "install", "tinylib", "pycowsay", "requests[x]>=2"],
        "log": ["log", "--json"],
        "rescue": ["rescue", "--dry-run", "--json"],
        "shims": ["shims", "status", "--json"],
        "status": ["status", "--json", "tinylib", "pycowsay", "nonsense"],
        "trust": ["trust", "--list", "--json"],
        "undo": ["undo", "--json"],
    }
    for schema, words in asked.items():
        document = json.loads(run_pipguard(["guard", *words]).out)
        assert document or schema == "rescue", schema
        check(run_pipguard, schema, document)
        with pytest.raises(jsonschema.ValidationError):
            check(run_pipguard, schema, {"format": 1})
    names = run_pipguard(["guard", "help", "--schema", "nonsense"]).err.partition("there are: ")[2]
    assert set(names.strip().split(", ")) == {*asked, "outcome"}


def ask_outcome(
    run: RunPipguard, *words: str, env: Environment | None = None
) -> tuple[Result, dict[str, object]]:
    done = run(list(words), env={**(env or {}), "PIPGUARD_OUTCOME": "json"})
    (line,) = [line for line in done.err.splitlines() if line.startswith(START)]
    assert done.err.endswith(f"{line}\n")
    document: dict[str, object] = json.loads(line.removeprefix(START))
    check(run, "outcome", document)
    assert document["status"] == done.status
    return done, document


def test_an_outcome_ends_each_command(run_pipguard: RunPipguard, project: Path) -> None:
    plain = run_pipguard(["--version"])
    done, told = ask_outcome(run_pipguard, "--version")
    assert (done.out, told["route"]) == (plain.out, "pass")
    done, told = ask_outcome(run_pipguard, "install", "tinylib")
    assert (told["status"], told["route"]) == (0, "venv")
    assert told["python"] == str(project / ".venv/bin/python")
    assert os.access(str(told["python"]), os.X_OK)
    (entry,) = json.loads(run_pipguard(["guard", "log", "--json"]).out)
    assert told["id"] == entry["id"]
    done, told = ask_outcome(run_pipguard, "install", "pycowsay")
    assert (told["route"], told["python"]) == ("pipx", None)
    assert run_pipguard(["guard", "undo", str(told["id"])]).status == 0


def test_a_failure_has_an_outcome_too(run_pipguard: RunPipguard, project: Path) -> None:
    done, told = ask_outcome(run_pipguard, "install", "no-such-thing")
    assert (told["status"], told["route"], told["environment"]) == (1, "venv", None)
    done, told = ask_outcome(run_pipguard, "install", "six", env={"PIPGUARD_ROUTE": "nonsense"})
    assert (told["status"], told["route"]) == (1, "failed")
    assert "nonsense" in str(told["reason"])
    done = run_pipguard(["--version"], env={"PIPGUARD_OUTCOME": "xml"})
    assert (done.status, done.out) == (1, "")
    assert "accepted: json" in done.err
    assert not list(Path(os.environ["XDG_CACHE_HOME"], "pipguard/outcomes").iterdir())


def test_switched_off_there_is_no_outcome(run_pipguard: RunPipguard) -> None:
    done = run_pipguard(["--version"], env={"PIPGUARD_OUTCOME": "json", "PIPGUARD": "off"})
    assert (done.status, done.err) == (0, "")
