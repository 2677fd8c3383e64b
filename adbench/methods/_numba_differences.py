r"""Central differences inside one compiled function, for Numba: knows formulas and steps, no point.

- first derivatives: :math:`(f(x_+) - f(x_-)) / (x_+ - x_-)` with
  :math:`x_\pm = \mathrm{fl}(x \pm h)`, so that the steps taken are the steps divided by;
  :math:`h = \epsilon^{1/3} \max(|x|, 1)`; 2 evaluations a variable, or a colour of a sparse Jacobian,
  or for the product with a direction, whose step `adbench.methods._difference` tells;
- Hessian: the usual second-order stencils with :math:`h = \mathrm{fl}(\mathrm{fl}(x + h_0) - x)`,
  :math:`h_0 = \epsilon^{1/4} \max(|x|, 1)`; about 2 n^2 evaluations; times a direction four corners a
  variable, one side along it and one along the direction.

The loops themselves are compiled without relaxed flags: LLVM would otherwise cancel the x in
:math:`x_+ - x_-` and undo the rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from adbench.methods._difference import EPS
from adbench.methods._shared import Function, chosen
from adbench.model import Form, Operator, Point

FIRST_STEP = EPS ** (1 / 3)
SECOND_STEP = EPS ** (1 / 4)


def central(form: Form, f: Function, operator: Operator, point: Point) -> Any:
    """The compiled difference driver of an operator other than VALUE."""
    from adbench.dual.numba import primal

    value, elementwise = primal(f), form.elementwise
    ways: Mapping[Operator, Function] = {
        Operator.DERIVATIVE: lambda: _partials(value, elementwise),
        Operator.GRADIENT: lambda: _gradient(value),
        Operator.VALUE_AND_GRADIENT: lambda: _value_and_gradient(value),
        Operator.HESSIAN: lambda: _hessian(value),
        Operator.HVP: lambda: _hessian_product(value),
        Operator.JACOBIAN: lambda: _entries(value, point) if point.pattern else _jacobian(value),
        Operator.JVP: lambda: _along(value),
        Operator.PROPAGATE: lambda: _propagated(value),
    }
    return chosen("numba-central", ways, operator)()


def _strict(driver: Function) -> Any:
    from adbench.dual.numba import primal

    return primal(driver, strict=True)


def _partials(f: Any, k: int) -> Any:
    """All partial derivatives of a function of k numbers at each of many points."""
    from adbench.dual.numba import elementwise

    values = elementwise(f, k)

    def derivative(points, *data):  # type: ignore[no-untyped-def]
        out, one = np.empty(points.size), np.empty(k)
        n = points.size // k
        for i in range(n):
            for j in range(k):
                one[j] = points[j * n + i]
            for j in range(k):
                x = one[j]
                h = FIRST_STEP * max(abs(x), 1.0)
                above, below = x + h, x - h
                one[j] = above
                high = values(one, *data)[0]
                one[j] = below
                out[j * n + i] = (high - values(one, *data)[0]) / (above - below)
                one[j] = x
        return out

    return _strict(derivative)


def _gradient(f: Any) -> Any:
    def gradient(x, *data):  # type: ignore[no-untyped-def]
        out = np.empty(x.size)
        moved = x.copy()
        for i in range(x.size):
            h = FIRST_STEP * max(abs(x[i]), 1.0)
            above, below = x[i] + h, x[i] - h
            moved[i] = above
            high = f(moved, *data)
            moved[i] = below
            out[i] = (high - f(moved, *data)) / (above - below)
            moved[i] = x[i]
        return out

    return _strict(gradient)


def _value_and_gradient(f: Any) -> Any:
    gradient = _gradient(f)

    def both(x, *data):  # type: ignore[no-untyped-def]
        return f(x, *data), gradient(x, *data)

    return _strict(both)


def _jacobian(f: Any) -> Any:
    def jacobian(x, *data):  # type: ignore[no-untyped-def]
        moved = x.copy()
        out = np.empty((f(moved, *data).size, x.size))
        for i in range(x.size):
            h = FIRST_STEP * max(abs(x[i]), 1.0)
            above, below = x[i] + h, x[i] - h
            moved[i] = above
            high = f(moved, *data)
            moved[i] = below
            low = f(moved, *data)
            for j in range(high.size):
                out[j, i] = (high[j] - low[j]) / (above - below)
            moved[i] = x[i]
        return out

    return _strict(jacobian)


def _propagated(f: Any) -> Any:
    jacobian = _jacobian(f)

    def propagate(x, covariance, *data):  # type: ignore[no-untyped-def]
        j = jacobian(x, *data)
        return np.dot(np.dot(j, covariance), j.T)

    return _strict(propagate)


def _entries(f: Any, point: Point) -> Any:
    """The entries of a sparse Jacobian: all variables of a colour move at once, each by its own step."""
    assert point.pattern is not None
    count = int(point.pattern.column_colours.max(initial=0)) + 1

    def entries(x, colour, rows, columns, *data):  # type: ignore[no-untyped-def]
        out, above, below = np.empty(columns.size), x.copy(), x.copy()
        for c in range(count):
            for i in range(x.size):
                h = FIRST_STEP * max(abs(x[i]), 1.0) if colour[i] == c else 0.0
                above[i], below[i] = x[i] + h, x[i] - h
            high, low = f(above, *data), f(below, *data)
            for j in range(high.size):
                for e in range(rows[j], rows[j + 1]):
                    i = columns[e]
                    if colour[i] == c:
                        out[e] = (high[j] - low[j]) / (above[i] - below[i])
        return out

    return _strict(entries)


def _step_along() -> Any:
    """``step(x, v, power)``: as `adbench.methods._difference.along`."""

    def step(x, v, unit):  # type: ignore[no-untyped-def]
        longest = 0.0
        for i in range(x.size):
            longest = max(longest, abs(v[i]) / max(abs(x[i]), 1.0))
        return unit / longest if longest > 0.0 else 1.0

    return _strict(step)


def _along(f: Any) -> Any:
    step = _step_along()

    def jvp(x, v, *data):  # type: ignore[no-untyped-def]
        t = step(x, v, FIRST_STEP)
        return (f(x + t * v, *data) - f(x - t * v, *data)) / (2.0 * t)

    return _strict(jvp)


def _hessian_product(f: Any) -> Any:
    step = _step_along()

    def product(x, v, *data):  # type: ignore[no-untyped-def]
        t, out = step(x, v, SECOND_STEP), np.empty(x.size)
        ahead, behind = x + t * v, x - t * v
        for i in range(x.size):
            h = (abs(x[i]) + SECOND_STEP * max(abs(x[i]), 1.0)) - abs(x[i])
            first, second = ahead[i], behind[i]
            ahead[i], behind[i] = first + h, second + h
            corners = f(ahead, *data) - f(behind, *data)
            ahead[i], behind[i] = first - h, second - h
            corners -= f(ahead, *data) - f(behind, *data)
            ahead[i], behind[i] = first, second
            out[i] = corners / (4.0 * h * t)
        return out

    return _strict(product)


def _hessian(f: Any) -> Any:
    def hessian(x, *data):  # type: ignore[no-untyped-def]
        n = x.size
        out = np.empty((n, n))
        h = np.empty(n)
        for i in range(n):
            h[i] = (x[i] + SECOND_STEP * max(abs(x[i]), 1.0)) - x[i]
        moved = x.copy()
        middle = f(moved, *data)
        for i in range(n):
            moved[i] = x[i] + h[i]
            high = f(moved, *data)
            moved[i] = x[i] - h[i]
            out[i, i] = ((high - middle) + (f(moved, *data) - middle)) / (h[i] * h[i])
            for j in range(i):
                # Four corners, signs ++ +- -- -+.
                moved[i], moved[j] = x[i] + h[i], x[j] + h[j]
                corners = f(moved, *data)
                moved[j] = x[j] - h[j]
                corners -= f(moved, *data)
                moved[i] = x[i] - h[i]
                corners += f(moved, *data)
                moved[j] = x[j] + h[j]
                corners -= f(moved, *data)
                moved[j] = x[j]
                out[i, j] = out[j, i] = corners / (4.0 * h[i] * h[j])
            moved[i] = x[i]
        return out

    return _strict(hessian)
