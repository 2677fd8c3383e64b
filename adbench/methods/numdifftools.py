"""numdifftools as its manual has you use it: Derivative, Gradient, Jacobian and Hessian of a callable.

Each takes differences at a sequence of steps and extrapolates them by Richardson's and Wynn's methods
(numdifftools 0.9 and later), with the estimate of least error chosen for each element: many runs of f,
nearly all digits, and no step to choose. ``method="central"`` is its default; ``"forward"`` stays on
one side; ``"complex"`` takes complex steps for first derivatives, and for Hessians real differences of
complex steps (a method of its own here, for it promises less), and wants an analytic f. ``"multicomplex"`` is left out: for first derivatives it is the
complex step, and its Hessians of x**2 at negative x are wrong (numdifftools 0.11.2: 1.93 at -1.2).

A derivative along v is that of t -> f(x + t v) at t = 0; a sparse Jacobian that of the sums of columns
of one colour. What is promised of real differences is what `_difference` says of plain ones, for
extrapolation gains digits without promising them. Complex steps subtract nothing, but numdifftools
extrapolates them too, from steps that are not tiny: promised is `EXTRAPOLATED`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from adbench.methods import _difference
from adbench.methods._callables import argument, encoded, entries, real_function
from adbench.methods._numpy_complex import refuse_others
from adbench.methods._numpy_complex import words as complex_words
from adbench.methods._shared import Function, chosen, deliver, joined, propagated
from adbench.model import Form, Method, Operator, Pattern, Point, Prepared

FIRST = (*_difference.FIRST, Operator.PROPAGATE)
OPERATORS = (Operator.VALUE, *FIRST, Operator.HESSIAN)
NOT_NESTED = {
    "nested-derivative": "numdifftools cannot nest: a difference of differences keeps too few digits"
}
# Complex steps of numdifftools are as large as real ones and lose digits by truncation alone, which
# extrapolation takes away but for a few powers of two of rounding.
EXTRAPOLATED = 2.0**12 * _difference.EPS


def _ways(how: str, f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    import numdifftools

    def jacobian(g: Function) -> Function:
        made: Function = numdifftools.Jacobian(g, method=how)
        return made

    def derivative(x: Any, *data: Any) -> Any:
        # points do not mix: one Derivative takes all of them at once
        pairs = [argument(f, k, i, x, data) for i in range(k)]
        # its longest steps may leave the domain, or overflow: it then takes shorter ones
        with np.errstate(over="ignore", invalid="ignore"):
            return np.concatenate([numdifftools.Derivative(g, method=how)(t) for g, t in pairs])

    def jvp(x: Any, v: Any, *data: Any) -> Any:
        return jacobian(lambda t: f(x + t[0] * v, *data))(np.zeros(1)).ravel()

    gradient, whole = numdifftools.Gradient(f, method=how), jacobian(f)

    def matrix(x: Any, *data: Any) -> Any:
        return whole(x, *data).reshape(-1, len(x))

    return {
        Operator.DERIVATIVE: derivative,
        # atleast_1d: of one variable the gradient is a number
        Operator.GRADIENT: lambda x, *data: np.atleast_1d(gradient(x, *data)),
        Operator.VALUE_AND_GRADIENT: lambda x, *data: (f(x, *data), gradient(x, *data)),
        Operator.HESSIAN: numdifftools.Hessian(f, method=how),
        Operator.JACOBIAN: entries(jacobian, f, pattern) if pattern else matrix,
        Operator.JVP: jvp,
        Operator.PROPAGATE: propagated(matrix),
    }


def _complex_function(form: Form, point: Point) -> Function:
    """The text for complex arrays; raises NotImplementedError where it is not analytic."""
    f = joined(form, form.build(complex_words(form)))
    x, data = point.fresh()
    refuse_others(f, x.astype(np.complex128), data)
    return f


def _prepare(how: str, form: Form, operator: Operator, point: Point) -> Prepared:
    encode = partial(encoded, form, operator)
    decode = deliver(form, operator, point)
    real = real_function(form, "numdifftools")
    if operator is Operator.VALUE:
        return Prepared(real, encode, decode)
    f = _complex_function(form, point) if how == "complex" else real
    if how == "complex" and operator is Operator.VALUE_AND_GRADIENT:
        gradient = _ways(how, f, 0, None)[Operator.GRADIENT]
        return Prepared(lambda x, *data: (real(x, *data), gradient(x, *data)), encode, decode)
    pattern = point.pattern if operator is Operator.JACOBIAN else None
    call = chosen("numdifftools", _ways(how, f, int(form.elementwise), pattern), operator)
    return Prepared(call, encode, decode)


METHODS = [
    Method(
        name="numdifftools-central",
        summary="Derivative, Gradient, Jacobian, Hessian by extrapolated central differences",
        tool="numdifftools",
        mode="difference",
        reads=("array", "scalar"),
        operators=OPERATORS,
        prepare=partial(_prepare, "central"),
        requires=("numdifftools",),
        rtol={o: _difference.CENTRAL[o] for o in (*FIRST, Operator.HESSIAN)},
        gaps=NOT_NESTED,
        imports=("adbench.dual.elementary",),
    ),
    Method(
        name="numdifftools-forward",
        summary="the same with all steps to one side: method='forward'",
        tool="numdifftools",
        mode="difference",
        reads=("array", "scalar"),
        operators=(Operator.VALUE, *FIRST),
        prepare=partial(_prepare, "forward"),
        requires=("numdifftools",),
        rtol={o: _difference.FORWARD[o] for o in FIRST},
        gaps=NOT_NESTED,
        imports=("adbench.dual.elementary",),
    ),
    Method(
        name="numdifftools-complex",
        summary="the same with complex steps, for analytic functions: method='complex'",
        tool="numdifftools",
        mode="complex-step",
        reads=("array",),
        operators=(Operator.VALUE, *FIRST),
        prepare=partial(_prepare, "complex"),
        requires=("numdifftools",),
        rtol={**dict.fromkeys(FIRST, EXTRAPOLATED), Operator.PROPAGATE: 2.0 * EXTRAPOLATED},
        gaps=NOT_NESTED,
        imports=("adbench.dual.elementary",),
    ),
    Method(
        name="numdifftools-complex-hessian",
        summary="Hessian with method='complex': real differences of complex steps",
        tool="numdifftools",
        mode="difference",
        reads=("array",),
        operators=(Operator.HESSIAN,),
        prepare=partial(_prepare, "complex"),
        requires=("numdifftools",),
        rtol={Operator.HESSIAN: _difference.CENTRAL[Operator.HESSIAN]},
        gaps=NOT_NESTED,
        imports=("adbench.dual.elementary",),
    ),
]
