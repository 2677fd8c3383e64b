"""jacobi as its manual has you use it: derivatives extrapolated from differences of shrinking steps.

``jacobi.jacobi(f, x, *args)`` takes differences at up to ten step sizes, extrapolates them by a
polynomial and stops when its estimate of the error gets no better: no step to choose, and nearly all
digits of f. Elementwise functions take ``diagonal=True``, all points at once; ``jacobi.propagate`` is
its own J C J^T. A derivative along v is that of t -> f(x + t v) at t = 0. A sparse Jacobian is that of
the sums of columns of one colour. There is nothing for second derivatives (jacobi 0.9).

All its settings stay as they are. The first step is then a quarter of a variable, and where a function
turns within that the extrapolation may stop too early: jacobi says so itself by the error estimate that
it returns beside the derivative, and which a user should look at. Here the derivative alone is judged,
so that such rows are wrong (jacobi 0.9.2: k-means, the logistic map).

Extrapolation gains digits, it promises none: what is promised is what `_difference` says of central
differences, which jacobi starts from. Where f is not finite beside x it takes one-sided differences.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from adbench.methods import _difference
from adbench.methods._callables import argument, encoded, entries, real_function
from adbench.methods._shared import Function, chosen, deliver
from adbench.model import Form, Method, Operator, Pattern, Point, Prepared


def _ways(f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    import jacobi

    def derivative(x: Any, *data: Any) -> Any:
        slopes = [
            jacobi.jacobi(*argument(f, k, i, x, data), diagonal=True)[0].ravel() for i in range(k)
        ]
        return np.concatenate(slopes)

    def slopes(x: Any, *data: Any) -> Any:
        return jacobi.jacobi(f, x, *data)[0]

    def jvp(x: Any, v: Any, *data: Any) -> Any:
        return jacobi.jacobi(lambda t: f(x + t * v, *data), 0.0)[0]

    def jacobian(g: Function) -> Function:
        return lambda s, *rest: jacobi.jacobi(g, s, *rest)[0]

    return {
        Operator.VALUE: f,
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: slopes,
        Operator.VALUE_AND_GRADIENT: lambda x, *data: (f(x, *data), slopes(x, *data)),
        Operator.JACOBIAN: entries(jacobian, f, pattern) if pattern else slopes,
        Operator.JVP: jvp,
        Operator.PROPAGATE: lambda x, c, *data: jacobi.propagate(f, x, c, *data)[1],
    }


def _prepare(form: Form, operator: Operator, point: Point) -> Prepared:
    pattern = point.pattern if operator is Operator.JACOBIAN else None
    f = real_function(form, "jacobi")
    call = chosen("jacobi", _ways(f, int(form.elementwise), pattern), operator)
    return Prepared(call, partial(encoded, form, operator), deliver(form, operator, point))


METHODS = [
    Method(
        name="jacobi-jacobi",
        summary="jacobi and propagate: differences extrapolated until the error estimate stands",
        tool="jacobi",
        mode="difference",
        reads=("array", "scalar"),
        operators=(Operator.VALUE, *_difference.FIRST, Operator.PROPAGATE),
        prepare=_prepare,
        requires=("jacobi",),
        rtol={o: _difference.CENTRAL[o] for o in (*_difference.FIRST, Operator.PROPAGATE)},
        gaps={
            "nested-derivative": "jacobi cannot nest: a difference of differences keeps too few digits"
        },
        imports=("adbench.dual.elementary",),
    )
]
