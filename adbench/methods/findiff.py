"""findiff where it applies to a callable: the coefficients of its stencils, and f run at their offsets.

findiff (0.16) differentiates arrays of values on grids (``Diff``); it takes no function. A user who has
one makes the grid, around the point: ``findiff.coefficients(deriv=1, acc=4)`` gives the weights and
offsets of the central formula of fourth order (found once, in prepare), and the derivative is the sum of
weighted values, four runs of f a variable. Second derivatives, whose mixed ones are operators on whole
grids, are left out, and so is all else that findiff does for grids: this says nothing of that.

The step is the user's own: a grid has a spacing. It is that of ``numpy-fourth`` here, eps^(1/5) max(|x|, 1) / 8,
and the promise too, since the formula is the same. A derivative along v takes one step along it; a sparse
Jacobian one such difference for each colour of its columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from adbench.methods import _difference
from adbench.methods._callables import encoded, real_function
from adbench.methods._numpy_extrapolation import fine_steps
from adbench.methods._shared import Function, chosen, deliver, parts, propagated
from adbench.model import Floats, Form, Method, Operator, Pattern, Point, Prepared

ACCURACY = 4


def _ways(f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    import findiff

    centre = findiff.coefficients(deriv=1, acc=ACCURACY)["center"]
    pairs = zip(centre["offsets"].tolist(), map(float, centre["coefficients"]), strict=True)
    stencil = [(offset, weight) for offset, weight in pairs if weight]

    def along(x: Floats, direction: Any, data: tuple[Any, ...]) -> Any:
        """Weighted values along a direction, which is as long as a step."""
        return sum(w * np.asarray(f(x + o * direction, *data)) for o, w in stencil)

    def columns(x: Floats, data: tuple[Any, ...]) -> Any:
        h, found, move = fine_steps(x), [], np.zeros(len(x))
        for i in range(len(x)):
            move[i] = h[i]
            found.append(along(x, move, data) / h[i])
            move[i] = 0.0
        return np.array(found)

    def derivative(x: Floats, *data: Any) -> Any:
        # points do not mix: all of them move at once
        h, found = fine_steps(x), np.empty(len(x))
        for part in parts(k, len(x)):
            move = np.zeros(len(x))
            move[part] = h[part]
            found[part] = along(x, move, data) / h[part]
        return found

    def jvp(x: Floats, v: Floats, *data: Any) -> Any:
        t = _difference.along(x, v, 1 / 5) / 8.0
        return along(x, t * v, data) / t

    def entries(x: Floats, *data: Any) -> Any:
        assert pattern is not None
        h = fine_steps(x)
        products = [along(x, h * seed, data) for seed in pattern.seeds]
        return pattern.from_columns(products) / h[pattern.columns]

    def matrix(x: Floats, *data: Any) -> Any:
        return columns(x, data).T

    return {
        Operator.VALUE: f,
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: lambda x, *data: columns(x, data),
        Operator.VALUE_AND_GRADIENT: lambda x, *data: (f(x, *data), columns(x, data)),
        Operator.JACOBIAN: entries if pattern else matrix,
        Operator.JVP: jvp,
        Operator.PROPAGATE: propagated(matrix),
    }


def _prepare(form: Form, operator: Operator, point: Point) -> Prepared:
    pattern = point.pattern if operator is Operator.JACOBIAN else None
    f = real_function(form, "findiff")
    call = chosen("findiff", _ways(f, int(form.elementwise), pattern), operator)
    if pattern is not None:
        # colours are found when they are first asked for, and then kept: not in a timed call
        pattern.from_columns(np.zeros((len(pattern.seeds), pattern.shape[0])))
    return Prepared(call, partial(encoded, form, operator), deliver(form, operator, point))


METHODS = [
    Method(
        name="findiff-coefficients",
        summary="central differences of fourth order with findiff's coefficients; no grid operators",
        tool="findiff",
        mode="difference",
        reads=("array", "scalar"),
        operators=(Operator.VALUE, *_difference.FIRST, Operator.PROPAGATE),
        prepare=_prepare,
        requires=("findiff",),
        rtol={o: _difference.FOURTH[o] for o in (*_difference.FIRST, Operator.PROPAGATE)},
        gaps={"nested-derivative": "a difference of differences keeps too few digits to nest"},
        imports=("adbench.dual.elementary",),
    )
]
