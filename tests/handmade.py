"""Result lines made one by one, with times that a test states."""

from typing import Any

import pandas as pd

from adbench.analysis import tidy

ROW = "toy[10]/gradient"


def line(
    method: str,
    seconds_of: float,
    repeat: int = 0,
    twin: bool = False,
    row: tuple[str, str, str] = ("toy", "10", "gradient"),
    **more: Any,
) -> dict[str, Any]:
    """A result line whose blocks have `seconds_of` as their lowest tenth on the CPU clock."""
    problem, size, operator = row
    # of eleven sorted blocks the second is the 0.1 quantile; the fastest was lucky
    cpu = [f * seconds_of for f in (2, 2, 0.5, 2, 3, 1, 2, 2, 9, 2, 2)]
    return {
        "kind": "result",
        "id": f"{problem}[{size}]/{operator}/{method}",
        "problem": problem,
        "size": size,
        "operator": operator,
        "method": method,
        "tool": method.split("-")[0],
        "mode": "reverse",
        "repeat": repeat,
        "twin": twin,
        "outcome": "ok",
        "measurements": [
            {"phase": "steady", "wall_s": [1.5 * t for t in cpu], "cpu_s": cpu, "loops": [1] * 11}
        ],
        **more,
    }


def frame_of(times_of: dict[str, list[float]], **more: Any) -> pd.DataFrame:
    """A frame from {method: times by process}."""
    return tidy([line(m, t, i, **more) for m, ts in times_of.items() for i, t in enumerate(ts)])


def twins(ratio: float = 1.0, method: str = "jax-reverse") -> list[dict[str, Any]]:
    """Three processes of a method and its twin, the twin slower by `ratio`."""
    return [
        line(method, 1e-6 * (ratio if twin else 1.0), repeat, twin, ("aa", "1", "gradient"))
        for repeat in range(3)
        for twin in (False, True)
    ]
