"""Runs the tests on clean machines, and ends with `N passed, N failed`.

In: pytest's arguments. Out: pytest's exit status; 0 where no machine can be made here, which is
said. The program behind `scripts/test-distributions`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "tests")]

from harness.machines import NoMachines, check_machines

FILES = ("test_fresh_machines.py", "test_whole_systems.py", "test_damaged_machines.py")


class Counter:
    """Counts how the tests ended."""

    def __init__(self) -> None:
        self.passed = self.failed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once: its call, or the part that failed."""
        self.passed += report.when == "call" and report.passed
        self.failed += report.failed


def main() -> int:
    """Run them."""
    counter = Counter()
    status = 0
    try:
        check_machines(os.environ)
    except NoMachines as error:
        print(f"not tested on clean machines: {error}")
    else:
        files = [f"tests/end_to_end/{name}" for name in FILES]
        options = ["--run-fresh-machines", "-q", "-n", "2", "--dist", "worksteal"]
        status = pytest.main([*options, *(sys.argv[1:] or files)], plugins=[counter])
    print(f"{counter.passed} passed, {counter.failed} failed")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
