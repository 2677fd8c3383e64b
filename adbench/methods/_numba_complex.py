r"""The complex step inside one compiled function, for Numba: knows formulas and steps, no point.

:math:`\mathrm{Im} f(x + i h) / h` with :math:`h = 2^{-200}` (Squire and Trapp, SIAM Review 40, 1998,
110): nothing is subtracted, so no digit is lost. The text is compiled for complex128 with the functions
of `cmath`, which lacks expm1, log1p, atan2, erf, erfc and lgamma; texts that use these are refused, and so
is what Numba cannot compile for complex numbers: comparisons of values, whose complex step would take
no branch. The loops are compiled in IEEE arithmetic.
"""

from __future__ import annotations

import cmath
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods._shared import Function, cannot_nest, chosen
from adbench.model import ELEMENTARY, Form, Operator, Point, namespace

STEP = 2.0**-200


def complex_words() -> ModuleType:
    """Functions of complex numbers; a text finds what `cmath` lacks to be missing."""
    from adbench.dual.numba import primal

    def zeros(n):  # type: ignore[no-untyped-def]
        return np.zeros(n, np.complex128)

    words = {word: getattr(cmath, word) for word in ELEMENTARY if hasattr(cmath, word)}
    nesting = {"derivative": cannot_nest("numba-complex")}
    return namespace("numba.cmath", {**words, **nesting, "zeros": primal(zeros, strict=True)})


def missing(says: Callable[[str], bool]) -> list[str]:
    """The words that a text says and `cmath` lacks."""
    return [word for word in ELEMENTARY if not hasattr(cmath, word) and says(word)]


def by_complex(form: Form, _: Function, operator: Operator, point: Point) -> Any:
    """The compiled driver of an operator other than VALUE; the text is built anew, for complex words."""
    from adbench.dual.numba import primal
    from adbench.dual.numba.helpers import says

    f = form.build(complex_words())
    if lacking := missing(lambda word: bool(says(f, word))):
        raise NotImplementedError(
            f"Numba's complex numbers have no {', '.join(lacking)}, which this text uses"
        )
    value = primal(f, strict=True)
    ways: Mapping[Operator, Function] = {
        Operator.DERIVATIVE: lambda: _partials(value, form.elementwise),
        Operator.GRADIENT: lambda: _second(_both(value)),
        Operator.VALUE_AND_GRADIENT: lambda: _both(value),
        Operator.JACOBIAN: lambda: _entries(value, point) if point.pattern else _jacobian(value),
        Operator.JVP: lambda: _along(value),
        Operator.PROPAGATE: lambda: _propagated(value),
    }
    return primal(chosen("numba-complex", ways, operator)(), strict=True)


def _partials(f: Any, k: int) -> Function:
    """All partial derivatives of a function of one or two numbers at each of many points."""

    def of_one(x, *data):  # type: ignore[no-untyped-def]
        out = np.empty(x.size)
        for i in range(x.size):
            out[i] = f(complex(x[i], STEP), *data).imag / STEP
        return out

    def of_two(x, *data):  # type: ignore[no-untyped-def]
        n, out = x.size // 2, np.empty(x.size)
        for i in range(n):
            a, b = x[i], x[n + i]
            out[i] = f(complex(a, STEP), complex(b, 0.0), *data).imag / STEP
            out[n + i] = f(complex(a, 0.0), complex(b, STEP), *data).imag / STEP
        return out

    if k > 2:
        raise NotImplementedError(
            f"numba-complex is written for one or two numbers at each point, not for {k}"
        )
    return of_two if k == 2 else of_one


def _second(both: Function) -> Function:
    from adbench.dual.numba import primal

    # inlined: a compiled function within a compiled one costs a call, a sixth of the shortest gradient
    compiled = primal(both, strict=True, inlined=True)
    return lambda x, *data: compiled(x, *data)[1]


def _both(f: Any) -> Function:
    def both(x, *data):  # type: ignore[no-untyped-def]
        y, out, value = x.astype(np.complex128), np.empty(x.size), 0.0
        for i in range(x.size):
            y[i] = complex(x[i], STEP)
            z = f(y, *data)
            value, out[i] = z.real, z.imag / STEP
            y[i] = x[i]
        return value, out

    return both


def _jacobian(f: Any) -> Function:
    def jacobian(x, *data):  # type: ignore[no-untyped-def]
        y = x.astype(np.complex128)
        out = np.empty((f(y, *data).size, x.size))
        for i in range(x.size):
            y[i] = complex(x[i], STEP)
            out[:, i] = f(y, *data).imag / STEP
            y[i] = x[i]
        return out

    return jacobian


def _along(f: Any) -> Function:
    def jvp(x, v, *data):  # type: ignore[no-untyped-def]
        y = x.astype(np.complex128)
        for i in range(x.size):
            y[i] = complex(x[i], STEP * v[i])
        return f(y, *data).imag / STEP

    return jvp


def _propagated(f: Any) -> Function:
    from adbench.dual.numba import primal

    jacobian = primal(_jacobian(f), strict=True)

    def propagate(x, covariance, *data):  # type: ignore[no-untyped-def]
        j = jacobian(x, *data)
        return np.dot(np.dot(j, covariance), j.T)

    return propagate


def _entries(f: Any, point: Point) -> Function:
    """The entries of a sparse Jacobian, a run for all columns of a colour, which share no row."""
    assert point.pattern is not None
    count = int(point.pattern.column_colours.max(initial=0)) + 1

    def entries(x, colour, rows, columns, *data):  # type: ignore[no-untyped-def]
        out, y = np.empty(columns.size), x.astype(np.complex128)
        for c in range(count):
            for j in range(x.size):
                y[j] = complex(x[j], STEP if colour[j] == c else 0.0)
            found = f(y, *data)
            for i in range(rows.size - 1):
                for e in range(rows[i], rows[i + 1]):
                    if colour[columns[e]] == c:
                        out[e] = found[i].imag / STEP
        return out

    return entries
