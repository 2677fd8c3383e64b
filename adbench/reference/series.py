"""Functions along lines: series of balls in one direction, and their coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adbench.reference.inputs import Inputs
from adbench.reference.tape import Number, ball

__all__ = ["along", "coefficient", "line", "moved"]


def along(f: Any, point: Inputs, direction: Mapping[int, Any]) -> Any:
    """What f returns at x + t d; `direction` holds what of d is not 0, by variable."""
    return f(point.variables(moved(point.x, direction)), *point.data)


def moved(x: list[Any], direction: Mapping[int, Any]) -> list[Any]:
    """The points x + t d as series where d is not 0; balls stay balls elsewhere, which are cheaper."""
    return [line(v, direction[i]) if i in direction else v for i, v in enumerate(x)]


def line(v: Any, slope: Any = 1) -> Any:
    """The series v + slope t."""
    from flint import arb_series

    return arb_series([v, slope])


def coefficient(y: Any, k: int) -> Any:
    """Coefficient k of a Number or of its value; plain numbers and balls are constant."""
    from flint import arb, arb_series

    v = y.v if isinstance(y, Number) else y
    if isinstance(v, arb_series):
        return v[k]
    return ball(v) if k == 0 else arb(0)
