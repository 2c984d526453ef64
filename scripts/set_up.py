"""Makes the environment that a checkout runs in, from nothing but a Python and a package index.

In: `python3 -I set_up.py FOLDER [GROUP…]`, where a GROUP is a dependency group of pyproject.toml.
Out: a virtual environment in FOLDER with the dependencies in it, and last of all the file `ready`;
exit status 0, or 1 after one clear message. Never writes to standard output, never leaves a folder
with that file in it unfinished, never needs more than the standard library and the checkout itself:
where the interpreter has no pip of its own, a pip is fetched from the index that pip's
configuration names. A pip cannot be had without reading an index page, checking a version and a
hash, and proxies and certificates: that is most of this file.
"""

from __future__ import annotations

import signal

if __name__ == "__main__":
    # Ctrl-C while the other modules load ends this without a word: nothing was made yet.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import ast
import base64
import contextlib
import hashlib
import html.parser
import http.client
import importlib.metadata
import importlib.util
import json
import operator
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.append(str(CHECKOUT))

from pipguard.pip.configuration import list_loaded_files, read_settings_of_files

# pip's settings of where packages come from and how to get there. The others say where packages go
# and what to do with them, which would send these dependencies somewhere else.
KEPT_SETTINGS = """
    cache-dir cert client-cert default-timeout extra-index-url find-links index-url keyring-provider
    no-binary no-cache-dir no-index only-binary prefer-binary proxy retries timeout trusted-host
    uploaded-prior-to use-feature
"""


class SetUpError(Exception):
    """Something that a person can understand and perhaps mend, in one sentence."""


def main(arguments: list[str]) -> int:
    """Set up and say in one line what went wrong, if anything did."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_for_signal)
    folder = Path(arguments[0])
    try:
        set_up(folder, arguments[1:])
    except SetUpError as error:
        say(f"cannot set up: {error}")
    except OSError as error:
        say(f"cannot set up in {folder}: {error.strerror or error}")
        say("to use another place, set XDG_DATA_HOME to a folder that you can write to")
    except KeyboardInterrupt as interrupt:
        return 128 + int(interrupt.args[0])
    else:
        return 0
    return 1


def stop_for_signal(number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that an unfinished folder is taken away."""
    raise KeyboardInterrupt(number)


def say(words: str) -> None:
    """Tell the person who waits."""
    print(f"pipguard: {words}", file=sys.stderr, flush=True)


# The environment


def set_up(folder: Path, groups: list[str]) -> None:
    """Make `folder` ready, unless somebody else just did."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.parent / "@lock") as lock:
        if is_ready(folder):
            return
        say(f"setting up, once: {folder}")
        remove(folder)
        try:
            make(folder, choose_requirements(groups), lock)
        except BaseException:
            remove(folder)
            raise
        remove_outdated(folder)
        remove_abandoned(folder.parent)


def make(folder: Path, requirements: list[str], lock: int) -> None:
    """Make the environment and fill it; the file `ready` comes last."""
    run([stable_interpreter(), "-I", "-m", "venv", "--without-pip", str(folder)], folder, lock)
    temporary = folder / "temporary"
    temporary.mkdir()
    with chosen_pip(folder) as pip:
        options = ["-qq", "--disable-pip-version-check", "--no-input"]
        run([*pip, "install", *options, *requirements], temporary, lock)
    remove(temporary)
    (folder / "ready").touch()


def is_ready(folder: Path) -> bool:
    """Whether an environment was finished and still has its interpreter."""
    return (folder / "ready").is_file() and (folder / "bin" / "python").exists()


def stable_interpreter() -> str:
    """The interpreter by the name that carries its version.

    An environment made for `/usr/bin/python3` would, after an upgrade, run another Python that does
    not look where its packages are; made for `python3.11`, it is seen to be gone and made anew.
    """
    executable = str(getattr(sys, "_base_executable", sys.executable))
    named = Path(executable).parent / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return str(named) if os.access(named, os.X_OK) else executable


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold the checkout's lock; the file's number goes to the processes that work for us.

    They hold the lock with it: a pip that outlives a killed set-up keeps the next one waiting.
    """
    import fcntl

    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream.fileno()


def remove(folder: Path) -> None:
    """Take an environment away, its `ready` first."""
    (folder / "ready").unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)


def remove_outdated(folder: Path) -> None:
    """Take away environments for the same groups that an older pyproject.toml asked for."""
    sums, *_ = re.findall(r"^@\d+-\d+", folder.name) or [""]
    suffix = folder.name.removeprefix(sums)
    for other in folder.parent.glob("@*"):
        if re.fullmatch(r"@\d+-\d+" + re.escape(suffix), other.name) and other != folder:
            shutil.rmtree(other, ignore_errors=True)


def remove_abandoned(own: Path) -> None:
    """Take away the environments of checkouts that were moved or removed.

    `own` is the folder of this checkout's environments: that of all checkouts, and its path below.
    Where the folder that a checkout lay in is not there either, its disk may only be away.
    """
    everything = str(own).removesuffix(str(CHECKOUT))
    if everything == str(own) or os.path.basename(everything) != "checkouts":
        return
    for path, names, files in os.walk(everything):
        checkout = path.removeprefix(everything)
        is_gone = not os.path.exists(checkout) and os.path.isdir(os.path.dirname(checkout))
        if "@lock" in files and is_gone:
            for name in (name for name in names if name.startswith("@")):
                shutil.rmtree(os.path.join(path, name), ignore_errors=True)
        names[:] = [name for name in names if not name.startswith("@")]


def choose_requirements(groups: list[str]) -> list[str]:
    """What pip is to install: in an installed copy, which names its lock, pinned and hashed."""
    installed = CHECKOUT / "installed"
    if not installed.is_file():
        return read_requirements(CHECKOUT / "pyproject.toml", groups)
    lock = CHECKOUT / "scripts" / installed.read_text(encoding="utf-8").strip()
    return ["--require-hashes", "--only-binary=:all:", "--requirement", str(lock)]


def read_requirements(project: Path, groups: list[str]) -> list[str]:
    """What pyproject.toml asks for: the dependencies and the named groups.

    Python 3.10 has no TOML reader, and to get one a pip is needed first. The arrays of this one
    file are Python literals too.
    """
    text = project.read_text(encoding="utf-8")
    requirements: list[str] = []
    for name in ("dependencies", *groups):
        found = re.search(rf"^{re.escape(name)} = (\[.*?\])$", text, re.MULTILINE | re.DOTALL)
        if found is None:
            raise SetUpError(f"{project} has no array `{name}`")
        requirements += ast.literal_eval(found[1])
    return requirements


def run(command: list[str], temporary: Path, lock: int) -> None:
    """Run one step; its own words go to standard error, its temporary files into our folder.

    In a session of its own it does not meet a Ctrl-C, to which Python answers with a traceback; it
    is ended by us, and what it leaves goes with the folder.
    """
    with subprocess.Popen(
        command,
        env={**environment_for_pip(os.environ), "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        pass_fds=[lock],
        start_new_session=True,
    ) as process:
        try:
            status = process.wait()
        except BaseException:
            # pip starts another pip for `--python`, and that one writes into the folder.
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if status:
        step = next((word for word in ("venv", "pip") if word in command), "pip")
        raise SetUpError(f"{step} ended with status {status}; its own words are above")


def environment_for_pip(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what would change the Python or redirect pip.

    A configuration file cannot be read in part, so what is wanted of it becomes variables.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("PYTHON", "PIP_", "VIRTUAL_ENV"))
    }
    kept["PIP_CONFIG_FILE"] = os.devnull
    for name, word in read_pip_settings(environ).items():
        if name in KEPT_SETTINGS.split():
            kept["PIP_" + name.upper().replace("-", "_")] = word
    return kept


# A pip to fill it with


@contextlib.contextmanager
def chosen_pip(folder: Path) -> Iterator[list[str]]:
    """Give the beginning of a pip command that acts on the environment, for as long as it lasts."""
    python = str(folder / "bin" / "python")
    if has_pip():
        yield [sys.executable, "-I", "-m", "pip", "--python", python]
        return
    wheel = fetch_pip(folder)
    try:
        yield [python, "-I", str(wheel / "pip")]
    finally:
        wheel.unlink(missing_ok=True)


def has_pip() -> bool:
    """Whether this interpreter has a pip that can fill another environment (22.3)."""
    try:
        version = importlib.metadata.version("pip")
    except importlib.metadata.PackageNotFoundError:
        return False
    return importlib.util.find_spec("pip") is not None and numbers_of(version) >= [22, 3]


def fetch_pip(folder: Path) -> Path:
    """Download the newest pip that this Python can run into `folder`."""
    settings = read_pip_settings(os.environ)
    candidates = find_pips(settings)
    if not candidates:
        raise SetUpError("no pip for this Python at the package index; install python3-pip")
    best = max(candidates, key=lambda candidate: numbers_of(candidate.version))
    data = read_address(best.address, settings).data
    check_hashes(data, best)
    path = folder / best.name
    path.write_bytes(data)
    return path


@dataclass(frozen=True)
class Candidate:
    """A pip wheel that the index offers."""

    name: str
    address: str
    requires_python: str = ""
    yanked: bool = False
    hashes: Mapping[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The version in a final release's file name; empty for anything else."""
        found = re.fullmatch(r"pip-(\d+(?:\.\d+)*)-py3-none-any\.whl", self.name)
        return found[1] if found else ""


def find_pips(settings: Mapping[str, str]) -> list[Candidate]:
    """The usable pips in the folders and at the index that pip is configured with."""
    found = find_links(settings.get("find-links", ""))
    if not found and settings.get("no-index", "").lower() not in ("1", "true", "yes", "on", "t"):
        address = settings.get("index-url") or default_index()
        found = parse_page(read_address(f"{address.rstrip('/')}/pip/", settings))
    return [
        candidate
        for candidate in found
        if candidate.version and not candidate.yanked and fits(candidate.requires_python)
    ]


def find_links(folders: str) -> list[Candidate]:
    """The pips that lie in configured folders of this machine."""
    found: list[Candidate] = []
    for word in folders.split():
        folder = word
        if word.startswith("file:"):
            folder = urllib.request.url2pathname(urllib.parse.urlsplit(word).path)
        wheels = Path(folder).expanduser().absolute().glob("pip-*.whl")
        found += [Candidate(path.name, path.as_uri()) for path in wheels]
    return found


def default_index() -> str:
    """The index that every pip asks when nothing else is configured.

    Written in parts: addresses of services have no place in the project's files, and here no pip is
    at hand that could be asked for its own.
    """
    return f"https://{'.'.join(('pypi', 'org'))}/simple"


def check_hashes(data: bytes, candidate: Candidate) -> None:
    """Refuse a file that is not what the index announced."""
    expected = candidate.hashes.get("sha256")
    if expected and hashlib.sha256(data).hexdigest() != expected:
        raise SetUpError(f"{candidate.name} does not have the sha256 that the index gives for it")


def numbers_of(version: str) -> list[int]:
    """The leading numbers of a version, for comparing."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return [int(number) for number in found[0].split(".")] if found else []


COMPARISONS: dict[str, Callable[[list[int], list[int]], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
    "~=": operator.ge,
}


def fits(requires_python: str, python: tuple[int, ...] = sys.version_info[:3]) -> bool:
    """Whether this Python is among those that a file is for; what cannot be read says no."""
    for clause in filter(None, requires_python.replace(" ", "").split(",")):
        found = re.fullmatch(r"([<>=!~]=?)(\d+(?:\.\d+)*)(\.\*)?", clause)
        if not found or found[1] not in COMPARISONS:
            return False
        wanted = numbers_of(found[2])
        width = len(wanted) if found[3] else max(len(wanted), len(python))
        ours = [*python, 0, 0][:width]
        if not COMPARISONS[found[1]](ours, [*wanted, 0, 0, 0][:width]):
            return False
        if found[1] == "~=" and ours[: len(wanted) - 1] != wanted[:-1]:
            return False
    return True


# Reading the index


@dataclass(frozen=True)
class Page:
    """What an address answered."""

    address: str
    kind: str
    data: bytes


def parse_page(page: Page) -> list[Candidate]:
    """The files that an index page lists, in either of the two forms that indexes speak."""
    if page.kind.endswith("json"):
        return parse_json_page(page)
    parser = LinkParser(page.address)
    parser.feed(page.data.decode("utf-8", "replace"))
    return parser.found


def parse_json_page(page: Page) -> list[Candidate]:
    """The files of a page in the JSON form."""
    try:
        return [
            Candidate(
                file["filename"],
                urllib.parse.urljoin(page.address, file["url"]),
                file.get("requires-python") or "",
                bool(file.get("yanked")),
                file.get("hashes") or {},
            )
            for file in json.loads(page.data)["files"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise SetUpError(f"cannot understand what {page.address} answers") from error


class LinkParser(html.parser.HTMLParser):
    """Collects the files of a page in the HTML form."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.found: list[Candidate] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a link."""
        given = dict(attrs)
        if tag != "a" or not given.get("href"):
            return
        address, _, fragment = urllib.parse.urljoin(self.address, given["href"]).partition("#")
        name = urllib.parse.unquote(address.rsplit("/", 1)[-1])
        algorithm, _, digest = fragment.partition("=")
        requires = given.get("data-requires-python") or ""
        yanked = "data-yanked" in given
        self.found.append(Candidate(name, address, requires, yanked, {algorithm: digest}))


def read_address(address: str, settings: Mapping[str, str]) -> Page:
    """Get an address, three times if need be."""
    bare, request = request_for(address)
    opener = make_opener(bare, settings)
    for pause in (1, 2):
        with contextlib.suppress(*PASSING_ERRORS):
            return open_once(opener, request, settings)
        time.sleep(pause)
    try:
        return open_once(opener, request, settings)
    except PASSING_ERRORS as error:
        raise SetUpError(f"cannot get {bare}: {explain(error)}") from error


PASSING_ERRORS = (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException)


def open_once(
    opener: urllib.request.OpenerDirector,
    request: urllib.request.Request,
    settings: Mapping[str, str],
) -> Page:
    """Get an address; an answer that trying again would not change is the last word."""
    try:
        with opener.open(request, timeout=float(settings.get("timeout", 30))) as answer:
            return Page(answer.url, answer.headers.get_content_type(), answer.read())
    except (urllib.error.URLError, ValueError) as error:
        if may_pass(error):
            raise
        raise SetUpError(f"cannot get {request.full_url}: {explain(error)}") from error


def may_pass(error: Exception) -> bool:
    """Whether the same request may do better in a second."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code >= 500
    reason = getattr(error, "reason", error)
    return isinstance(reason, (TimeoutError, ConnectionError)) or "resolution" in str(reason)


def request_for(address: str) -> tuple[str, urllib.request.Request]:
    """The address without its password, and a request that carries it where it belongs."""
    parts = urllib.parse.urlsplit(address)
    credentials, _, host = parts.netloc.rpartition("@")
    bare = parts._replace(netloc=host).geturl()
    if parts.scheme == "file" and os.path.isdir(urllib.request.url2pathname(parts.path)):
        bare = urllib.parse.urljoin(bare, "index.html")
    request = urllib.request.Request(bare)
    request.add_header("Accept", "application/vnd.pypi.simple.v1+json, text/html;q=0.1, */*;q=0.01")
    if credentials:
        words = urllib.parse.unquote(credentials).encode()
        basic = "Basic " + base64.b64encode(words).decode()
        request.add_unredirected_header("Authorization", basic)
    return bare, request


def make_opener(address: str, settings: Mapping[str, str]) -> urllib.request.OpenerDirector:
    """What opens addresses with the certificates and the proxy that pip would use."""
    certificates = settings.get("cert") or os.environ.get("REQUESTS_CA_BUNDLE") or None
    try:
        context = ssl.create_default_context(cafile=certificates)
    except OSError as error:
        raise SetUpError(f"cannot read the certificates in {certificates}: {error}") from error
    parts = urllib.parse.urlsplit(address)
    if {parts.hostname, parts.netloc} & set(settings.get("trusted-host", "").split()):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    proxy = settings.get("proxy")
    proxies = {"http": proxy, "https": proxy} if proxy else None
    return urllib.request.build_opener(
        urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=context)
    )


def explain(error: Exception) -> str:
    """The reason inside an error of urllib."""
    reason = str(getattr(error, "reason", "") or error)
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        reason += "; install ca-certificates, or name a bundle with PIP_CERT"
    return reason


def read_pip_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """pip's settings by their names in its files, as far as they matter for reaching an index."""
    files = list_loaded_files(environ, os.path.expanduser("~"), sys.prefix)
    # Of a file that cannot be read pip complains itself.
    readable = [path for path in files if read_settings_of_files([path]) is not None]
    settings = read_settings_of_files(readable) or {}
    for name, word in environ.items():
        if name.startswith("PIP_") and word and name != "PIP_CONFIG_FILE":
            settings[name.removeprefix("PIP_").lower().replace("_", "-")] = word
    if settings.get("default-timeout"):
        settings["timeout"] = settings["default-timeout"]
    return settings


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
