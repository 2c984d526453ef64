"""Starts this checkout's pipguard inside the environment that `set_up.py` made.

In: `python -I start.py NAME ARGUMENT…`, where NAME is the command as it was called. Out: pipguard,
with `sys.argv` as if it were NAME itself. Never lets the current folder onto the import path: that
is `-I`, for which a file is needed because `-m` would not find the checkout.
"""

import os
import sys

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main() -> None:
    """Put the checkout behind the standard library, before what is installed, and hand over."""
    sys.argv = sys.argv[1:]
    installed = [path for path in sys.path if path.endswith("-packages")]
    sys.path.insert(sys.path.index(installed[0]) if installed else len(sys.path), CHECKOUT)
    if not os.access(os.path.join(CHECKOUT, "pipguard"), os.W_OK):
        # Compiling anew at every start would cost more than all the rest of it.
        sys.pycache_prefix = os.path.join(sys.prefix, "compiled")
    from pipguard.cli import main as pipguard

    sys.exit(pipguard())


main()
