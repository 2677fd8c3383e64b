"""What both benchmarks time: a method's prepared call, built for one row."""

import os
from typing import Any

ROWS = os.environ.get("ADBENCH_PROTOCOL_ROWS", "").split()
METHOD = os.environ.get("ADBENCH_PROTOCOL_METHOD", "")


def prepared(row: str) -> tuple[Any, tuple[Any, ...]]:
    """Call and arguments of ``problem[size]/operator``, called once already."""
    from adbench import registry
    from adbench.model import Operator

    sized, _, operator = row.partition("/")
    problem = registry.problem(sized.partition("[")[0])
    method = registry.method(METHOD)
    point = problem.at(int(sized.partition("[")[2].rstrip("]")))
    made = method.prepare(method.form(problem), Operator(operator), point)
    args = made.encode(point)
    made.call(*args)
    return made.call, args
