"""The options of every pip from 23.0 to the newest release: one table, and how to look into it.

In: the name of a subcommand and a pip version. Out: the options that this pip's parser knows there.
Never starts a pip and never reads a file; `tests/end_to_end/test_options.py` compares it with real
pips.

A row is `(names, takes)`, `(names, takes, since)` or `(names, takes, since, gone)`. `names` are the
long ones, the canonical one first, then the short one; `since` is the first version that has the
row, `gone` the first that no longer has it. A new pip release is a new row or a closed one.
"""

from __future__ import annotations

from collections.abc import Iterator

Version = tuple[int, int]
Takes = str | tuple[str, ...]
Row = tuple[str, Takes] | tuple[str, Takes, Version] | tuple[str, Takes, Version, Version]
Table = tuple[Row, ...]

OLDEST: Version = (23, 0)
NEWEST: Version = (26, 3)

# What an option takes. A tuple is a choice between its words.
FLAG = "flag"
TEXT = "text"
INTEGER = "integer"
NUMBER = "number"
SETTING = "key=value"
PACKAGES = "packages"
PYTHON_VERSION = "python version"
GROUP = "group"
GROUP_OR_LOCK = "group or lock"
MOMENT = "moment"
MOMENT_OR_DAYS = "moment or days"

MAIN: Table = (("--version -V", FLAG),)

# Subcommands accepted --version and ignored it, until they did not.
LEFT_OVER: Table = (("--version -V", FLAG, OLDEST, (26, 3)),)

# In pip's own order, which its error message shows.
_OLD_FEATURES = ("truststore", "no-binary-enable-wheel-cache")
_FEATURES = ("fast-deps", *_OLD_FEATURES)
_FEATURES_25_3 = ("fast-deps", "build-constraint", *_OLD_FEATURES)
_FEATURES_26_0 = ("fast-deps", "build-constraint", "inprocess-build-deps", *_OLD_FEATURES)
_FEATURES_26_2 = (
    "fast-deps", "inprocess-build-deps", "venv-isolation", *_OLD_FEATURES, "build-constraint",
)  # fmt: skip

GENERAL: Table = (
    ("--help -h", FLAG), ("--debug", FLAG), ("--isolated", FLAG),
    ("--require-virtualenv --require-venv", FLAG), ("--python", TEXT),
    ("--verbose -v", FLAG), ("--quiet -q", FLAG), ("--log --log-file --local-log", TEXT),
    ("--no-input", FLAG),
    ("--keyring-provider", ("auto", "disabled", "import", "subprocess"), (23, 1)),
    ("--proxy", TEXT), ("--no-proxy-env", FLAG, (26, 2)),
    ("--retries", INTEGER), ("--resume-retries", INTEGER, (25, 1)),
    ("--timeout --default-timeout", NUMBER), ("--exists-action", ("s", "i", "w", "b", "a")),
    ("--trusted-host", TEXT), ("--cert", TEXT), ("--client-cert", TEXT),
    ("--cache-dir", TEXT), ("--no-cache-dir", FLAG),
    ("--disable-pip-version-check", FLAG), ("--no-color", FLAG),
    ("--no-python-version-warning", FLAG),
    ("--use-feature", _FEATURES, OLDEST, (25, 3)),
    ("--use-feature", _FEATURES_25_3, (25, 3), (26, 0)),
    ("--use-feature", _FEATURES_26_0, (26, 0), (26, 2)),
    ("--use-feature", _FEATURES_26_2, (26, 2)),
    ("--use-deprecated", ("legacy-resolver",), OLDEST, (24, 2)),
    ("--use-deprecated", ("legacy-resolver", "legacy-certs"), (24, 2)),
)  # fmt: skip

INDEX: Table = (
    ("--index-url --pypi-url -i", TEXT), ("--extra-index-url", TEXT), ("--no-index", FLAG),
    ("--find-links -f", TEXT),
)  # fmt: skip

RELEASES: Table = (
    ("--pre", FLAG), ("--all-releases", PACKAGES, (26, 0)), ("--only-final", PACKAGES, (26, 0)),
    ("--uploaded-prior-to", MOMENT, (26, 0), (26, 1)),
    ("--uploaded-prior-to", MOMENT_OR_DAYS, (26, 1)),
    ("--refresh-package", PACKAGES, (26, 2)),
)  # fmt: skip

FORMATS: Table = (
    ("--no-binary", PACKAGES), ("--only-binary", PACKAGES), ("--prefer-binary", FLAG),
)  # fmt: skip

TARGET_PYTHON: Table = (
    ("--platform", TEXT), ("--python-version", PYTHON_VERSION), ("--implementation", TEXT),
    ("--abi", TEXT),
)  # fmt: skip

# What install, download, wheel and lock share: the way from requirements to distributions.
RESOLVE: Table = (
    ("--requirement -r", TEXT), ("--constraint -c", TEXT), ("--build-constraint", TEXT, (25, 3)),
    ("--requirements-from-script", TEXT, (26, 0)),
    ("--group", GROUP, (25, 1), (26, 3)), ("--group", GROUP_OR_LOCK, (26, 3)),
    ("--no-deps --no-dependencies", FLAG), ("--only-deps --only-dependencies", FLAG, (26, 2)),
    ("--src --source --source-dir --source-directory", TEXT),
    ("--ignore-requires-python", FLAG), ("--no-build-isolation", FLAG),
    ("--use-pep517", FLAG), ("--no-use-pep517", FLAG, OLDEST, (25, 3)),
    ("--check-build-dependencies", FLAG),
    ("--require-hashes", FLAG), ("--no-require-hashes", FLAG, (26, 2)),
    ("--progress-bar", ("on", "off"), OLDEST, (24, 1)),
    ("--progress-bar", ("on", "off", "raw"), (24, 1), (25, 2)),
    ("--progress-bar", ("auto", "on", "off", "raw"), (25, 2)),
    ("--no-clean", FLAG),
    *FORMATS, *RELEASES, *INDEX,
)  # fmt: skip

EDITABLE: Table = (("--editable -e", TEXT),)

CONFIG_SETTINGS: Table = (
    ("--config-settings", SETTING, OLDEST, (23, 1)),
    ("--config-settings -C", SETTING, (23, 1)),
)

GLOBAL_OPTION: Table = (("--global-option", TEXT, OLDEST, (25, 3)),)

# pip 23.0 has no --break-system-packages and 23.0.1 has it. A version is two numbers here, and the
# pip 23.0 of the distributions that are externally managed is 23.0.1.
SYSTEM: Table = (
    ("--break-system-packages", FLAG),
    ("--root-user-action", ("warn", "ignore")),
)

INSTALL: Table = (
    ("--dry-run", FLAG), ("--target -t", TEXT), ("--user", FLAG), ("--no-user", FLAG),
    ("--root", TEXT), ("--prefix", TEXT), ("--upgrade -U", FLAG),
    ("--upgrade-strategy", ("only-if-needed", "eager")),
    ("--force-reinstall", FLAG), ("--ignore-installed -I", FLAG),
    ("--install-option", TEXT, OLDEST, (23, 1)),
    ("--compile", FLAG), ("--no-compile", FLAG),
    ("--no-warn-script-location", FLAG), ("--no-warn-conflicts", FLAG), ("--report", TEXT),
)  # fmt: skip

DOWNLOAD: Table = (("--dest --destination-dir --destination-directory -d", TEXT),)
WHEEL: Table = (
    ("--wheel-dir -w", TEXT), ("--no-verify", FLAG), ("--build-option", TEXT, OLDEST, (25, 3)),
)  # fmt: skip
LOCK: Table = (("--output -o", TEXT),)
UNINSTALL: Table = (("--requirement -r", TEXT), ("--yes -y", FLAG))
FREEZE: Table = (
    ("--requirement -r", TEXT), ("--local -l", FLAG), ("--user", FLAG), ("--path", TEXT),
    ("--all", FLAG), ("--exclude-editable", FLAG), ("--exclude", TEXT),
)  # fmt: skip
INSPECT: Table = (("--local", FLAG), ("--user", FLAG), ("--path", TEXT))
LIST: Table = (
    ("--outdated -o", FLAG), ("--uptodate -u", FLAG), ("--editable -e", FLAG),
    ("--local -l", FLAG), ("--user", FLAG), ("--path", TEXT),
    ("--format", ("columns", "freeze", "json")), ("--not-required", FLAG),
    ("--exclude-editable", FLAG), ("--include-editable", FLAG), ("--exclude", TEXT),
    ("--no-binary", PACKAGES, (26, 0)), ("--only-binary", PACKAGES, (26, 0)),
    ("--prefer-binary", FLAG, (26, 0)),
)  # fmt: skip
SHOW: Table = (("--files -f", FLAG),)
CONFIG: Table = (("--editor", TEXT), ("--global", FLAG), ("--user", FLAG), ("--site", FLAG))
SEARCH: Table = (("--index -i", TEXT),)
CACHE: Table = (("--format", ("human", "abspath")),)
INDEX_VERSIONS: Table = (
    ("--ignore-requires-python", FLAG), ("--json", FLAG, (25, 1)), ("--no-binary", PACKAGES),
    ("--only-binary", PACKAGES), ("--prefer-binary", FLAG, (26, 0)),
)  # fmt: skip
HASH: Table = (("--algorithm -a", ("sha256", "sha384", "sha512")),)
COMPLETION: Table = (
    ("--bash -b", FLAG), ("--zsh -z", FLAG), ("--fish -f", FLAG), ("--powershell -p", FLAG),
)  # fmt: skip

SUBCOMMANDS: dict[str, tuple[Table, ...]] = {
    "install": (INSTALL, RESOLVE, EDITABLE, TARGET_PYTHON, CONFIG_SETTINGS, GLOBAL_OPTION, SYSTEM),
    "lock": (LOCK, RESOLVE, EDITABLE, CONFIG_SETTINGS),
    "download": (DOWNLOAD, RESOLVE, TARGET_PYTHON, GLOBAL_OPTION),
    "uninstall": (UNINSTALL, SYSTEM),
    "freeze": (FREEZE,),
    "inspect": (INSPECT,),
    "list": (LIST, RELEASES, INDEX),
    "show": (SHOW,),
    "check": (),
    "config": (CONFIG,),
    "search": (SEARCH,),
    "cache": (CACHE,),
    "index": (INDEX_VERSIONS, TARGET_PYTHON, RELEASES, INDEX),
    "wheel": (WHEEL, RESOLVE, EDITABLE, CONFIG_SETTINGS, GLOBAL_OPTION),
    "hash": (HASH,),
    "completion": (COMPLETION,),
    "debug": (TARGET_PYTHON,),
    "help": (),
}

SUBCOMMANDS_SINCE: dict[str, Version] = {"lock": (25, 1)}


def has_subcommand(name: str, version: Version = NEWEST) -> bool:
    """Tell whether that pip knows the word as a subcommand."""
    return name in SUBCOMMANDS and SUBCOMMANDS_SINCE.get(name, OLDEST) <= max(version, OLDEST)


def list_options(
    subcommand: str | None, version: Version = NEWEST
) -> Iterator[tuple[list[str], Takes]]:
    """List names and what they take, for a subcommand or (None) for the words before it."""
    version = max(version, OLDEST)
    tables = (MAIN,) if subcommand is None else (LEFT_OVER, *SUBCOMMANDS[subcommand])
    for table in (GENERAL, *tables):
        for row in table:
            if len(row) > 2 and version < row[2]:
                continue
            if len(row) > 3 and version >= row[3]:
                continue
            yield row[0].split(), row[1]
