"""num-dual as its manual has you use it: Python functions of Rust's dual numbers, one call a driver.

``num_dual.gradient``, ``jacobian`` and ``hessian`` hand f a list of dual numbers that carry all
directions at once, on the stack up to ten variables and on the heap above (num-dual 0.15).
``partial_hessian`` gives H v: of (x, t) -> f(x + t v), the mixed derivatives by x and t at t = 0, in one
run of f; with v of ones the same gives all that a Newton direction of a diagonal Hessian needs.
``Dual64(value, slope)`` carries one direction: J v. ``first_derivative`` and, for two numbers a point,
``gradient`` go from point to point. A sparse Jacobian is that of the sums of columns of one colour.

Its numbers compare by value. They have no erf, erfc, lgamma, atan2 and absolute value; atan2 is written
here by arctan. Dual numbers do not nest: their parts are floats. Nothing is compiled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from adbench.methods._scalars import at_each, by_columns, float_words, lists, moved, refused, words
from adbench.methods._shared import Function, chosen, deliver, propagated
from adbench.model import Form, Method, Operator, Pattern, Point, Prepared

METHOD_OF = {
    "exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p", "sqrt": "sqrt",
    "sin": "sin", "cos": "cos", "tan": "tan", "asin": "arcsin", "acos": "arccos", "atan": "arctan",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
}  # fmt: skip


def _atan2(y: Any, x: Any) -> Any:
    """The angle of (x, y) by the arctangent of the smaller slope, turned into its quadrant."""
    if isinstance(y, float) and isinstance(x, float):
        return math.atan2(y, x)
    at = _value(y), _value(x)
    if abs(at[1]) >= abs(at[0]):
        turned = math.copysign(math.pi, at[0]) if at[1] < 0 else 0.0
        return _arctan(y / x) + turned
    return math.copysign(0.5 * math.pi, at[0]) - _arctan(x / y)


def _value(x: Any) -> float:
    return float(x) if isinstance(x, (int, float)) else float(x.value)


def _arctan(x: Any) -> Any:
    return x.arctan()


def _ways(f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    import num_dual

    def slopes(numbers: Any, data: Any) -> Any:
        if k == 1:
            return [num_dual.first_derivative(lambda t: f(t, *data), numbers[0])[1]]
        return num_dual.gradient(lambda ts: f(*ts, *data), list(numbers))[1]

    def both(x: Any, *data: Any) -> Any:
        return num_dual.gradient(lambda r: f(r, *data), x)

    def matrix(x: Any, *data: Any) -> Any:
        return np.array(num_dual.jacobian(lambda r: f(r, *data), x)[1])

    def jvp(x: Any, v: Any, *data: Any) -> Any:
        duals = [num_dual.Dual64(a, b) for a, b in zip(x, v, strict=True)]
        return [y.first_derivative for y in f(duals, *data)]

    def along(x: Any, v: Any, data: Any) -> Any:
        def shifted(r: Any, t: Any) -> Any:
            return f([a + t[0] * b for a, b in zip(r, v, strict=True)], *data)

        _, gradient, _, products = num_dual.partial_hessian(shifted, x, [0.0])
        return gradient, [row[0] for row in products]

    def newton(x: Any, *data: Any) -> Any:
        gradient, diagonal = along(x, [1.0] * len(x), data)
        return [g / d for g, d in zip(gradient, diagonal, strict=True)]

    return {
        Operator.DERIVATIVE: by_columns(k, slopes),
        Operator.GRADIENT: lambda x, *data: both(x, *data)[1],
        Operator.VALUE_AND_GRADIENT: both,
        Operator.HESSIAN: lambda x, *data: num_dual.hessian(lambda r: f(r, *data), x)[2],
        Operator.HVP: lambda x, v, *data: along(x, v, data)[1],
        Operator.NEWTON_DIRECTION: newton,
        Operator.JACOBIAN: _entries(f, pattern) if pattern else matrix,
        Operator.JVP: jvp,
        Operator.PROPAGATE: propagated(matrix),
    }


def _entries(f: Function, pattern: Pattern) -> Function:
    import num_dual

    shift, start = moved(pattern)

    def found(x: Any, *data: Any) -> Any:
        products = num_dual.jacobian(lambda s: f(shift(x, s), *data), start)[1]
        return pattern.from_columns(np.array(products).T)

    return found


def _prepare(form: Form, operator: Operator, point: Point) -> Prepared:
    k, value = int(form.elementwise), operator is Operator.VALUE
    ours = words("num-dual", METHOD_OF, {"atan2": _atan2})
    f = form.build(float_words("num-dual") if value else ours)
    if value:
        call = at_each(f, k) if k else f
    else:
        pattern = point.pattern if operator is Operator.JACOBIAN else None
        call = refused("num-dual", chosen("num-dual", _ways(f, k, pattern), operator))
    return Prepared(call, lambda at: lists(operator, at), deliver(form, operator, point))


METHODS = [
    Method(
        name="num-dual-forward",
        summary="gradient, jacobian, hessian, partial_hessian of Rust's dual numbers on Python code",
        tool="num-dual",
        mode="forward",
        reads=("scalar",),
        operators=(
            Operator.VALUE,
            Operator.DERIVATIVE,
            Operator.GRADIENT,
            Operator.VALUE_AND_GRADIENT,
            Operator.HESSIAN,
            Operator.HVP,
            Operator.NEWTON_DIRECTION,
            Operator.JACOBIAN,
            Operator.JVP,
            Operator.PROPAGATE,
        ),
        prepare=_prepare,
        requires=("num_dual",),
        gaps={
            "special-functions": "num-dual has no erf, erfc and lgamma",
            "nested-derivative": "num-dual's numbers hold floats and cannot nest",
        },
        imports=("adbench.dual.elementary",),
    )
]
