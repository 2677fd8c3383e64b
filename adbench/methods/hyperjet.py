"""hyperjet as its manual has you use it: Python functions of C++ numbers that carry derivatives.

``hyperjet.variables(values, order)`` makes one number a variable, of order 1 (value, gradient) or 2
(with Hessian). Up to 16 variables they are of a type of fixed size, ``D3Scalar`` say, faster than the
dynamic one that hyperjet takes above (hyperjet 1.5); ``.g`` and ``.hm()`` of the result are NumPy
arrays. J v takes numbers of one direction, ``D1Scalar(f, g)``. For functions of few numbers a point
it goes from point to point. A sparse Jacobian is that of the sums of columns of one colour.

Its numbers compare by value and have ``abs``. They have no expm1 and log1p, which are written out here as
exp(x) - 1 and log(1 + x), no erf, erfc and lgamma, and no powers but of floats. They do not nest: their parts are floats. Nothing is compiled. A Hessian times a
vector is not asked of it: it would be the whole Hessian, which each number carries along.
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
    name: name
    for name in (
        "exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
    )
}  # fmt: skip


def _atan2(y: Any, x: Any) -> Any:
    if isinstance(y, float) and isinstance(x, float):
        return math.atan2(y, x)
    # hyperjet's atan2 takes its own numbers alone
    return (y if not isinstance(y, float) else x * 0.0 + y).atan2(
        x if not isinstance(x, float) else y * 0.0 + x
    )


def _expm1(x: Any) -> Any:
    return math.expm1(x) if isinstance(x, (int, float)) else x.exp() - 1.0


def _log1p(x: Any) -> Any:
    return math.log1p(x) if isinstance(x, (int, float)) else (1.0 + x).log()


OTHERS = {"atan2": _atan2, "expm1": _expm1, "log1p": _log1p}


def _ways(f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    import hyperjet

    def result(x: Any, order: int, data: Any) -> Any:
        return f(hyperjet.variables(x, order), *data)

    def slopes(numbers: Any, data: Any) -> Any:
        return _gradient(f(*hyperjet.variables(numbers, 1), *data), k)

    def both(x: Any, *data: Any) -> Any:
        y = result(x, 1, data)
        return y.f, y.g

    def matrix(x: Any, *data: Any) -> Any:
        return np.array([_gradient(y, len(x)) for y in result(x, 1, data)])

    def jvp(x: Any, v: Any, *data: Any) -> Any:
        numbers = [hyperjet.D1Scalar([a, b]) for a, b in zip(x, v, strict=True)]
        return [_gradient(y, 1)[0] for y in f(numbers, *data)]

    return {
        Operator.DERIVATIVE: by_columns(k, slopes),
        Operator.GRADIENT: lambda x, *data: result(x, 1, data).g,
        Operator.VALUE_AND_GRADIENT: both,
        Operator.HESSIAN: lambda x, *data: result(x, 2, data).hm(),
        Operator.JACOBIAN: _entries(f, pattern) if pattern else matrix,
        Operator.JVP: jvp,
        Operator.PROPAGATE: propagated(matrix),
    }


def _gradient(y: Any, n: int) -> Any:
    """The gradient of a number; of a result that is a plain float, zeros."""
    return np.zeros(n) if isinstance(y, float) else y.g


def _entries(f: Function, pattern: Pattern) -> Function:
    import hyperjet

    shift, start = moved(pattern)

    def found(x: Any, *data: Any) -> Any:
        results = f(shift(x, hyperjet.variables(start, 1)), *data)
        return pattern.from_columns(np.array([_gradient(y, len(start)) for y in results]).T)

    return found


def _prepare(form: Form, operator: Operator, point: Point) -> Prepared:
    k, value = int(form.elementwise), operator is Operator.VALUE
    ours = words("hyperjet", METHOD_OF, OTHERS)
    f = form.build(float_words("hyperjet") if value else ours)
    if value:
        call = at_each(f, k) if k else f
    else:
        pattern = point.pattern if operator is Operator.JACOBIAN else None
        call = refused("hyperjet", chosen("hyperjet", _ways(f, k, pattern), operator))
    return Prepared(call, lambda at: lists(operator, at), deliver(form, operator, point))


METHODS = [
    Method(
        name="hyperjet-forward",
        summary="variables of order 1 or 2 through Python code; .g and .hm() of the result",
        tool="hyperjet",
        mode="forward",
        reads=("scalar",),
        operators=(
            Operator.VALUE,
            Operator.DERIVATIVE,
            Operator.GRADIENT,
            Operator.VALUE_AND_GRADIENT,
            Operator.HESSIAN,
            Operator.JACOBIAN,
            Operator.JVP,
            Operator.PROPAGATE,
        ),
        prepare=_prepare,
        requires=("hyperjet",),
        gaps={
            "special-functions": "hyperjet has no erf, erfc and lgamma",
            "nested-derivative": "hyperjet's numbers hold floats and cannot nest",
        },
        imports=("adbench.dual.elementary",),
    )
]
