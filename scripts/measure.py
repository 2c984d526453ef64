"""Measures pipguard against what people would type instead, and how its own share grows.

In: `measure.py [--rounds N] [--json] [--case NAME]`. Out: a table on stdout, or JSON: medians,
ratios, peak memory. Everything happens in a temporary folder, in memory if it can be, with its own
home and its own package index, so nothing is asked of a network. The peers take turns in every
round, so that a machine that is busy for a while is busy for all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "tests"), str(CHECKOUT)]

from harness.managed import Recipe, make_managed_python
from harness.pips import PipShelf, bundled_pip_wheel
from harness.wheels import PackageIndex, Release, application, library

START = CHECKOUT / "scripts" / "start.py"
MEMORY = "/dev/shm"
ROOM = 512 * 1024 * 1024


@dataclass
class Peer:
    """One way to get something done, and what it took."""

    name: str
    command: str
    """A shell command."""
    prepare: Callable[[], None] = lambda: None
    """Puts things back before each run; not measured."""
    milliseconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Milliseconds that processors worked for it, its children's included."""
    memory: int = 0
    """The most that any process of it held, in kilobytes."""


@dataclass
class Case:
    """Peers that do the same; the first is what the others are compared with."""

    name: str
    peers: list[Peer]
    folder: Path
    look: Callable[[], object] = lambda: None
    """Returns what each peer must leave alike."""


@dataclass(frozen=True)
class Row:
    """A line of the result."""

    case: str
    peer: str
    median_ms: float
    fastest_ms: float
    ratio: float
    """Of the medians, to the case's first peer."""
    cpu_ms: float
    """The median of what processors worked for it."""
    peak_mb: float


class World:
    """A home, an index, a Python that refuses, and nothing else."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.home.mkdir()
        self.index = index = PackageIndex(root / "index")
        index.add(library("six", "1.16.0"), application("pycowsay", "0.0.0.2"))
        index.add_file("pip", bundled_pip_wheel())  # pipx brings its own up to date
        self.python = self._choose_python()
        (root / "bin").mkdir()
        self.pipguard = self._write_launcher("pipguard", f'-I "{START}" "$0" "$@"')
        self.bare_launcher = self._write_launcher("bare", "-c pass")
        tools = Path(sys.executable).parent
        # What is asked for by name comes from here; pipx and virtualenv by their paths.
        self.virtualenv, self.pipx = tools / "virtualenv", tools / "pipx"
        self.uv = shutil.which("uv", path=f"{tools}:{os.environ.get('PATH', '')}")
        self.environ = {
            "HOME": str(self.home),
            "PATH": f"{self.python.parent}:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": index.url,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIPX_DEFAULT_PYTHON": str(self.python),
            "UV_CACHE_DIR": str(self.home / ".cache/uv"),
            "UV_NO_INDEX": "1",
            "UV_FIND_LINKS": str(index.find_links),
            "UV_PYTHON": str(self.python),
            "UV_OFFLINE": "1",
        }

    def _write_launcher(self, name: str, words: str) -> Path:
        path = self.root / "bin" / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}\n')
        path.chmod(0o755)
        return path

    def _choose_python(self) -> Path:
        """The machine's own Python if it refuses, else one made to."""
        own = Path("/usr/bin/python3")
        question = "import sysconfig; print(sysconfig.get_path('stdlib'))"
        if own.exists() and Path("/usr/bin/pip").exists():
            asked = [own, "-I", "-c", question]
            answer = subprocess.run(asked, capture_output=True, text=True, check=True)
            if Path(answer.stdout.strip(), "EXTERNALLY-MANAGED").exists():
                return own
        made = make_managed_python(
            self.root / "managed" / "usr", Recipe(), PipShelf(self.root / "pips", os.environ)
        )
        return made.python

    def make_folder(self, name: str) -> Path:
        """Make a project's folder."""
        folder = self.root / "projects" / name
        folder.mkdir(parents=True)
        return folder

    def run(self, command: str, folder: Path, environ: dict[str, str] | None = None) -> Peer:
        """Run a shell command; return it with what it took. Raises when it fails."""
        peer = Peer("", command)
        with tempfile.TemporaryFile() as said:
            started = time.perf_counter()
            process = subprocess.Popen(
                ["/bin/sh", "-c", command],
                cwd=folder,
                env=environ or self.environ,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
            _, status, used = os.wait4(process.pid, 0)
            peer.milliseconds = [(time.perf_counter() - started) * 1000]
            peer.cpu = [(used.ru_utime + used.ru_stime) * 1000]
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                said.seek(0)
                raise SystemExit(f"`{command}` failed:\n{said.read().decode(errors='replace')}")
        peer.memory = used.ru_maxrss // (1024 if sys.platform == "darwin" else 1)
        return peer


def list_cases(world: World) -> list[Case]:
    """Return what is measured."""
    return [
        start_up(world), already_there(world), first_install(world), install_application(world),
        *(install_many(world, count) for count in (1, 5, 40, 66)),
    ]  # fmt: skip


def start_up(world: World) -> Case:
    """Handing over to the real pip."""
    pip = (
        f"'{world.python}' -m pip" if not shutil.which("pip", path=world.environ["PATH"]) else "pip"
    )
    peers = [
        Peer("pip --version", f"{pip} --version"),
        Peer("pipguard --version", f"'{world.pipguard}' --version"),
        Peer("python3 -c pass", f"'{sys.executable}' -c pass"),
        Peer("the same, by a launcher", f"'{world.bare_launcher}'"),
    ]
    return Case("hand over", peers, world.make_folder("hand-over"))


def already_there(world: World) -> Case:
    """An install with nothing to do, in an environment that is there."""
    folder = world.make_folder("there")
    world.run(f"'{world.pipguard}' install six", folder)
    peers = [
        Peer(".venv/bin/python -m pip", ".venv/bin/python -m pip install six"),
        Peer("pipguard", f"'{world.pipguard}' install six"),
    ]
    if world.uv:
        peers.append(Peer("uv pip", f"'{world.uv}' pip install --python .venv six"))
    return Case("existing .venv", peers, folder)


def first_install(world: World) -> Case:
    """The first install of a project."""
    folder = world.make_folder("first")

    def clear() -> None:
        shutil.rmtree(folder / ".venv", ignore_errors=True)

    def clear_and_forget() -> None:
        clear()
        shutil.rmtree(world.home / ".cache/pipguard/verdicts", ignore_errors=True)

    install = ".venv/bin/pip install six"
    pipguard = f"'{world.pipguard}' install six"
    peers = [
        Peer("python3 -m venv + pip", f"'{world.python}' -m venv .venv && {install}", clear),
        Peer("pipguard", pipguard, clear),
        Peer("pipguard, first refusal", pipguard, clear_and_forget),
        Peer(
            "virtualenv + pip",
            f"'{world.virtualenv}' -q -p '{world.python}' .venv && {install}",
            clear,
        ),
    ]
    if world.uv:
        uv = f"'{world.uv}'"
        command = f"{uv} venv -q .venv && {uv} pip install -q --python .venv six"
        peers.append(Peer("uv venv + uv pip", command, clear))
        peers.append(Peer("pipguard by uv", f"PIPGUARD_INSTALLER=uv {pipguard}", clear))
    return Case("new .venv", peers, folder)


def install_application(world: World) -> Case:
    """An application goes to pipx."""
    folder = world.make_folder("application")
    pipx = f"'{world.pipx}'"

    def clear() -> None:
        words = [world.pipx, "uninstall", "pycowsay"]
        subprocess.run(words, env=world.environ, capture_output=True, check=False)

    peers = [
        Peer("pipx install", f"{pipx} install --backend pip pycowsay", clear),
        Peer("pipguard", f"'{world.pipguard}' install pycowsay", clear),
    ]
    return Case("application", peers, folder)


def install_many(world: World, count: int) -> Case:
    """A requirements file of many small wheels, into a new environment."""
    name = f"{count} wheels" if count > 1 else "1 wheel"
    folder = world.make_folder(f"many-{count}")
    parts = [f"part{count}x{number}" for number in range(count)]
    world.index.add(*list_parts(parts))
    (folder / "requirements.txt").write_text("".join(f"{part}==1.0\n" for part in parts))

    def clear() -> None:
        shutil.rmtree(folder / ".venv", ignore_errors=True)

    cold = folder / "home"

    def clear_all() -> None:
        clear()
        shutil.rmtree(cold, ignore_errors=True)

    install = "install -r requirements.txt"
    virtualenv = f"'{world.virtualenv}' -q -p '{world.python}' .venv"
    pipguard = f"'{world.pipguard}' {install}"
    peers = [
        Peer("virtualenv + pip", f"{virtualenv} && .venv/bin/pip {install}", clear),
        Peer("pipguard", pipguard, clear),
        Peer("pipguard, new home", f"HOME='{cold}' {pipguard}", clear_all),
        Peer(
            "python3 -m venv + pip",
            f"'{world.python}' -m venv .venv && .venv/bin/pip {install}",
            clear,
        ),
    ]
    if world.uv:
        by_uv = f"PIPGUARD_INSTALLER=uv {pipguard}"
        in_new_home = f"HOME='{cold}' UV_CACHE_DIR='{cold}/uv' {by_uv}"
        meant, quick = build_uv_commands(world.uv)
        peers += [
            Peer("uv, what pip means", meant, clear),
            Peer("pipguard by uv", by_uv, clear),
            Peer("pipguard by uv, new home", in_new_home, clear_all),
            Peer("uv venv + uv pip", quick, clear),
        ]

    def list_installed() -> list[str]:
        found = folder.glob(".venv/lib/python*/site-packages/*.dist-info")
        return sorted(p.name for p in found if not p.name.startswith(("pip-", "setuptools-")))

    return Case(name, peers, folder, list_installed)


def build_uv_commands(program: str) -> tuple[str, str]:
    """Return how uv by hand installs a requirements file: as pip means it, and as uv does."""
    uv = f"'{program}'"
    into = f"{uv} pip install -q --python .venv -r requirements.txt"
    pip = f"{uv} pip install -q --python .venv --no-index '{bundled_pip_wheel()}'"
    meant = f"{uv} venv -q .venv && {pip} && {into} --compile-bytecode"
    return meant, f"{uv} venv -q .venv && {into}"


def list_parts(names: list[str]) -> list[Release]:
    """Return small wheels that need each other; their modules are the standard library's."""
    sources = [p for p in sorted(Path(os.__file__).parent.glob("*.py")) if p.stat().st_size < 40000]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in sources]
    parts = []
    for number, name in enumerate(names):
        modules = {f"{name}/module{k}.py": texts[(10 * number + k) % len(texts)] for k in range(10)}
        needed = {n for n in (2 * number + 1, 2 * number + 2, number + 7) if n < len(names)}
        requires = tuple(f"{names[n]}>=1" for n in sorted(needed))
        parts.append(Release(name, "1.0", {f"{name}/__init__.py": "", **modules}, {}, requires))
    return parts


def grow(world: World) -> list[Case]:
    """Our own share as things around it grow: the environment's pip is one that does nothing."""
    small = world.make_folder("small")
    install = f"'{world.pipguard}' install"
    _make_idle_environment(world, small)
    deep = small.joinpath(*(["folder"] * 40))
    deep.mkdir(parents=True)
    cases = []
    (small / "pyproject.toml").write_text("")
    for lines in (10, 100, 1000):
        text = "".join(f"package{number}==1.0\n" for number in range(lines))
        (small / f"{lines}.txt").write_text(text)
    files = [Peer(f"{n} lines", f"{install} -r {n}.txt") for n in (10, 100, 1000)]
    cases.append(Case("requirements file", files, small))
    near_and_far = [
        Peer("at the root", f"cd '{small}' && {install} six"),
        Peer("40 folders deep", f"cd '{deep}' && {install} six"),
    ]
    cases.append(Case("project tree", near_and_far, small))
    for number in range(200):
        world.make_folder(f"path/{number}")
    folders = ":".join(str(world.root / "projects/path" / str(n)) for n in range(200))
    paths = [
        Peer("few entries", f"{install} six"),
        Peer("200 entries", f"PATH={folders}:$PATH {install} six"),
    ]
    cases.append(Case("PATH", paths, small))
    crowded = world.root / "crowded"
    for number in range(500):
        (crowded / ".local/share/pipx/venvs" / f"application{number}" / "bin").mkdir(parents=True)
    homes = [
        Peer("none", f"{install} six"),
        Peer("500 environments", f"HOME='{crowded}' {install} six"),
    ]
    cases.append(Case("pipx home", homes, small))
    return cases


def _make_idle_environment(world: World, folder: Path) -> None:
    world.run(f"'{world.virtualenv}' -q -p '{world.python}' .venv", folder)
    (package,) = folder.glob(".venv/lib/python*/site-packages/pip")
    (package / "__main__.py").write_text("")


def measure(case: Case, world: World, rounds: int) -> None:
    """Let the peers take turns; the first round only warms up."""
    for number in range(rounds + 1):
        expected = None
        for peer in case.peers:
            peer.prepare()
            run = world.run(peer.command, case.folder)
            expected = expected or case.look()
            if case.look() != expected:
                raise SystemExit(f"{peer.name} has not installed what {case.peers[0].name} has")
            if number:
                peer.milliseconds += run.milliseconds
                peer.cpu += run.cpu
                peer.memory = max(peer.memory, run.memory)


def summarise(case: Case) -> list[Row]:
    """Return the lines of a case."""
    reference = statistics.median(case.peers[0].milliseconds)
    rows = []
    for peer in case.peers:
        median = statistics.median(peer.milliseconds)
        fastest = min(peer.milliseconds)
        ratio = median / reference
        cpu = statistics.median(peer.cpu)
        rows.append(Row(case.name, peer.name, median, fastest, ratio, cpu, peer.memory / 1024))
    return rows


def describe_hand_over(case: Case) -> str:
    """Return what pipguard adds to a pip that it hands over to, in bare interpreter starts."""
    pip, ours, bare, launched = (statistics.median(peer.milliseconds) for peer in case.peers)
    added, launcher = ours - pip, launched - bare
    starts = (added - launcher) / bare
    return (
        f"handing over adds {added:.1f} ms: {launcher:.1f} ms for the launcher"
        f" and {starts:.2f} bare starts of the interpreter"
    )


def format_table(rows: list[Row]) -> str:
    """Return the rows for people."""
    lines = [
        f"{'case':18} {'what':26} {'median ms':>10} {'fastest':>9} {'ratio':>6} {'CPU ms':>8}"
        f" {'peak MB':>8}"
    ]
    for row in rows:
        numbers = f"{row.median_ms:10.1f} {row.fastest_ms:9.1f} {row.ratio:6.2f} {row.cpu_ms:8.1f}"
        lines.append(f"{row.case:18} {row.peer:26} {numbers} {row.peak_mb:8.1f}")
    return "\n".join(lines)


def choose_place() -> str | None:
    """Return memory, where there is some and $TMPDIR names nothing else: a disk has its moods.

    On ext4 the same 870 small files took between 0.02 and 0.6 s to write, most of it where others
    had just been removed, as they are between our rounds. Every peer's numbers double then.
    """
    if os.environ.get("TMPDIR") or not os.access(MEMORY, os.W_OK):
        return None
    status = os.statvfs(MEMORY)
    has_room = status.f_bavail * status.f_frsize > ROOM
    return MEMORY if has_room and not status.f_flag & os.ST_NOEXEC else None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("scripts/benchmark", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=10, help="how often each is run (10)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--case", action="append", help="only the cases with this in their name")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pipguard-benchmark-", dir=choose_place()) as folder:
        world = World(Path(folder))
        cases = [*list_cases(world), *grow(world)]
        wanted = options.case or [""]
        cases = [case for case in cases if any(text in case.name for text in wanted)]
        for case in cases:
            print(f"measuring: {case.name}", file=sys.stderr)
            measure(case, world, options.rounds)
    rows = [row for case in cases for row in summarise(case)]
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    print(format_table(rows))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory below {own:.0f} MB, which measuring itself takes, cannot be told apart")
    for case in cases:
        if case.name == "hand over":
            print(describe_hand_over(case))


if __name__ == "__main__":
    main()
