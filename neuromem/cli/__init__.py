"""The ``neuromem`` command: thin, one line for an error, no traceback."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit: 0 done, 1 failed or different, 2 misused, 130 interrupted."""
    from neuromem.cli.app import run

    sys.exit(run(sys.argv[1:]))
