"""Runs a Python program and sends its process a signal just before its Nth step.

In: `SIGNAL N FILE PROGRAM ARGUMENT…`. Out: the program, and in FILE a line for each step that it
came to. A step is a change of the file system or the start of a process, as Python's audit events
(PEP 578) tell it, so the program itself knows nothing of this. Of a tree that is removed only the
beginning and the end are steps.
"""

import os
import runpy
import signal
import sys

STEPS = {
    "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "shutil.rmtree",
    "subprocess.Popen",
}  # fmt: skip
REMOVALS = {"os.remove", "os.rmdir"}


def main() -> None:
    """Watch the program."""
    number, at, log = getattr(signal, sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    sys.argv = sys.argv[4:]
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC)
    count = 0
    removed = ""

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count, removed
        path = str(arguments[0]) if arguments else ""
        if event == "shutil.rmtree":
            removed = path
        is_inside = removed and (path.startswith(removed + os.sep) or not os.path.isabs(path))
        if event not in STEPS or (event in REMOVALS and is_inside):
            return
        count += 1
        os.write(written, f"{event} {arguments[0]!s} {arguments[1]!s}\n".encode())
        if count == at:
            os.kill(os.getpid(), number)

    sys.addaudithook(watch)
    sys.path[0] = os.path.dirname(sys.argv[0])
    runpy.run_path(sys.argv[0], run_name="__main__")


main()
