"""``adbench serve-tool``: a method of this package as a tool for other benchmarks to drive."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated

import typer

from adbench import registry

__all__ = ["EXAMPLE", "serve_tool"]

EXAMPLE = "adbench serve-tool dual-numpy"


def serve_tool(
    method: Annotated[
        str, typer.Argument(metavar="METHOD", help="A name of `adbench list methods`.")
    ],
) -> None:
    """Answer GradBench's JSON-lines protocol on standard input and output, with one method.

    One JSON object a line each way, until the input ends; what else is printed goes to standard error.
    """
    from adbench.harness.external.serve import Server

    server = Server(registry.method(method))
    # a tool that prints would break the protocol: its output goes where errors go
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for line in sys.stdin:
        answers.write(json.dumps(server.answer(line), allow_nan=False) + "\n")
        answers.flush()
