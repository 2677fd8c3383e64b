"""mpmath as its manual has you use it: ``mpmath.diff``, differences in as many digits as it takes.

A difference loses half of its digits; ``diff`` computes f in more than twice the working precision
(which stays at mpmath's default of 53 bits) with a step so small that the result is right to the
last bit or two (mpmath 1.3). It differentiates where nobody else can, slowly: Python code in software
arithmetic, two runs of f for each variable, four for each pair. It nests. Vector-valued functions are
left out: ``diff`` takes a function of numbers to one number.

Floats of the data, and of x, are made mpmath's numbers beforehand: exactly the same doubles.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from adbench.methods._scalars import at_each, by_columns
from adbench.methods._shared import Function, chosen, deliver
from adbench.model import ELEMENTARY, Form, Method, Operator, Point, Prepared, namespace


def _derivative(g: Function, t: Any) -> Any:
    import mpmath

    return mpmath.diff(g, t)


def _build(form: Form) -> Function:
    import mpmath

    special = {"lgamma": mpmath.loggamma}
    words = {word: special.get(word) or getattr(mpmath, word) for word in ELEMENTARY}
    f: Function = form.build(namespace("mpmath", {**words, "derivative": _derivative}))
    return f


def _partial(f: Function, x: Any, i: int, data: tuple[Any, ...]) -> Any:
    """The derivative of f by x[i]."""
    import mpmath

    return mpmath.diff(lambda t: f([*x[:i], t, *x[i + 1 :]], *data), x[i])


def _second(f: Function, x: Any, i: int, j: int, data: tuple[Any, ...]) -> Any:
    import mpmath

    if i == j:
        return mpmath.diff(lambda t: f([*x[:i], t, *x[i + 1 :]], *data), x[i], 2)

    def of_two(s: Any, t: Any) -> Any:
        return f([*x[:i], s, *x[i + 1 : j], t, *x[j + 1 :]], *data)

    return mpmath.diff(of_two, (x[i], x[j]), (1, 1))


def _ways(f: Function, k: int) -> Mapping[Operator, Function]:
    import mpmath

    def slopes(numbers: Any, data: Any) -> Any:
        def single(i: int) -> Any:
            along = [*numbers]
            return mpmath.diff(lambda t: f(*along[:i], t, *along[i + 1 :], *data), along[i])

        return [float(single(i)) for i in range(k)]

    def gradient(x: Any, *data: Any) -> Any:
        return np.array([_partial(f, x, i, data) for i in range(len(x))], dtype=np.float64)

    def hessian(x: Any, *data: Any) -> Any:
        n, found = len(x), np.empty((len(x), len(x)))
        for i in range(n):
            for j in range(i, n):
                found[i, j] = found[j, i] = _second(f, x, i, j, data)
        return found

    return {
        Operator.VALUE: at_each(f, k) if k else f,
        Operator.DERIVATIVE: by_columns(k, slopes),
        Operator.GRADIENT: gradient,
        Operator.VALUE_AND_GRADIENT: lambda x, *data: (f(x, *data), gradient(x, *data)),
        Operator.HESSIAN: hessian,
    }


def _exactly(value: Any) -> Any:
    """Floats, also in nests of lists, as mpmath's numbers; whole numbers stay, they may be indices."""
    import mpmath

    if isinstance(value, list):
        return [_exactly(v) for v in value]
    return mpmath.mpf(value) if isinstance(value, float) else value


def _encode(point: Point) -> tuple[Any, ...]:
    plain = (p.tolist() if isinstance(p, np.ndarray) else p for p in (point.x, *point.data))
    return tuple(_exactly(p) for p in plain)


def _prepare(form: Form, operator: Operator, point: Point) -> Prepared:
    if point.outputs is not None and operator is not Operator.VALUE:
        raise NotImplementedError(
            "mpmath.diff takes functions of one number as value, not of vectors"
        )
    call = chosen("mpmath", _ways(_build(form), int(form.elementwise)), operator)
    return Prepared(call, _encode, deliver(form, operator, point))


METHODS = [
    Method(
        name="mpmath-diff",
        summary="mpmath.diff: differences in so many digits that 53 bits are right; slow",
        tool="mpmath",
        mode="difference",
        reads=("scalar",),
        operators=(
            Operator.VALUE,
            Operator.DERIVATIVE,
            Operator.GRADIENT,
            Operator.VALUE_AND_GRADIENT,
            Operator.HESSIAN,
        ),
        prepare=_prepare,
    )
]
