"""Run inside a real pip's import path: says what that pip's own parsers know and make of words.

In: a pip wheel, `describe` or `read`, and for `read` a JSON list of argument lists on stdin. Out:
JSON on stdout. Never executes a pip command; a module of its own because pip may not be imported
into the process of the tests.
"""

import contextlib
import importlib.util
import io
import json
import optparse
import os
import sys

for variable in [name for name in os.environ if name.startswith("PIP_")]:
    del os.environ[variable]
os.environ["PIP_CONFIG_FILE"] = os.devnull
# Without it pip would start itself again under the value of --python.
os.environ["_PIP_RUNNING_IN_SUBPROCESS"] = "1"
sys.path.insert(0, sys.argv[1])

from pip._internal.cli.main_parser import create_main_parser, parse_command  # noqa: E402
from pip._internal.commands import commands_dict, create_command  # noqa: E402
from pip._internal.exceptions import PipError  # noqa: E402

processed = []
original_process = optparse.Option.process


def process_and_note(option, spelling, value, values, parser):
    is_help = option.action == "help"
    if is_help:
        processed.append([option._long_opts[0], value])
    original_process(option, spelling, value, values, parser)
    processed.append([option._long_opts[0], value])


def describe(parser):
    return [
        {
            "names": option._long_opts + option._short_opts,
            "takes_value": option.takes_value(),
            "type": option.type,
            "choices": list(option.choices) if option.choices else None,
        }
        for option in parser._get_all_options()
    ]


def read(words):
    """What pip makes of one list of words: how it ends, and what its parser processed."""
    result = {"ends": "error", "subcommand": None, "arguments": [], "options": []}
    processed.clear()
    try:
        general, _ = create_main_parser().parse_args(list(words))
        if general.version:
            return {**result, "ends": "version"}
        processed.clear()
        result["subcommand"], rest = parse_command(list(words))
        processed.clear()
        command = create_command(result["subcommand"])
        _, arguments = command.parser.parse_args(rest)
    except SystemExit as stop:
        ends = "help" if not stop.code else "error"
        return {**result, "ends": ends, "options": list(processed)}
    except PipError:
        return {**result, "options": list(processed)}
    return {**result, "ends": "runs", "arguments": arguments, "options": list(processed)}


def main():
    if sys.argv[2] == "describe":
        parsers = {name: create_command(name).parser for name in commands_dict}
        tables = {name: describe(parser) for name, parser in parsers.items()}
        print(json.dumps({"": describe(create_main_parser()), **tables}))
        return
    optparse.Option.process = process_and_note
    # --no-use-pep517 is accepted only where setuptools is installed; here it is.
    importlib.util.find_spec = lambda _: True
    lines = json.load(sys.stdin)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        results = [read(words) for words in lines]
    print(json.dumps(results))


if __name__ == "__main__":
    main()
