"""Becomes an external tool: binds itself to its cores, ties its life to the parent's, then runs the command.

Started as ``python -m adbench.harness.external.launch CORES COMMAND ...``, so that the program finds
its cores from its first instruction on, as a worker does.
"""

from __future__ import annotations

import os
import sys

from adbench.harness.parent import die_with_parent

__all__ = ["main"]


def main(cores: str, command: list[str]) -> None:
    """Replace this process by the command's."""
    die_with_parent()
    if cores != "any" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(c) for c in cores.split(",")})
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"cannot start '{command[0]}': {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
