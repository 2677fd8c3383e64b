"""SciPy's two doors to derivatives: scipy.differentiate, and approx_fprime of scipy.optimize.

``scipy.differentiate`` (SciPy 1.15 and later) takes central differences of order 8 at steps that are
halved until two estimates agree, to a relative sqrt(eps) of each element by default. Elementwise
functions go to ``derivative`` as whole arrays, the other arguments of a function of several as ``args``.
``jacobian`` and ``hessian`` ask f for many points at once, shape (n, ...); texts of one point are
wrapped by ``np.apply_along_axis``, as their documentation says. A derivative along v is that of
t -> f(x + t v) at t = 0; a sparse Jacobian that of the sums of columns of one colour.

``scipy-differentiate`` leaves all settings as they are. The first step is then 0.5, and "absolute", whatever
a variable's size: a user who knows the size of his hands a step over. ``scipy-differentiate-scaled`` does,
for each variable: `POWER` of eps times max(|x_i|, 1), where the truncation of order 8, h^8, and rounding,
eps / h, are equal for functions of that scale. `hessian` takes one step for all and gets variables scaled
by max(|x_i|, 1). Both are promised what `_difference` says of central differences of second order, about
ten times what SciPy stops at by default; estimates that stop by agreement can agree by chance, and where
they never agree the last one is returned, here as there.

``approx_fprime`` takes forward differences of numbers and vectors, with its own default step, sqrt(eps)
whatever x is: where a variable is large, rounding counts that much more than with a step in proportion to it.
It is promised 16 times what forward differences are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from adbench.methods import _difference
from adbench.methods._callables import elementwise, encoded, entries, real_function
from adbench.methods._shared import Function, chosen, deliver, parts, propagated
from adbench.model import Form, Method, Operator, Pattern, Point, Prepared

FIRST = (*_difference.FIRST, Operator.PROPAGATE)
NOT_NESTED = {
    "nested-derivative": "SciPy's differences cannot nest: a difference of differences keeps too few digits"
}
POWER = 1 / 9
# approx_fprime's own default, which must be said where data follow it
EPSILON = float(np.sqrt(np.finfo(np.float64).eps))


def _differentiate(
    scaled: bool, form: Form, pattern: Pattern | None
) -> Mapping[Operator, Function]:
    from scipy import differentiate

    f, at_points, k = real_function(form, "SciPy"), elementwise(form, "SciPy"), form.elementwise

    def derivative(x: Any, *data: Any) -> Any:
        columns = [x[part] for part in parts(k, len(x))]
        slopes = []
        for i, column in enumerate(columns):

            def g(t: Any, *others: Any, i: int = i) -> Any:
                return at_points(*others[:i], t, *others[i:], *data)

            others = (*columns[:i], *columns[i + 1 :])
            found = differentiate.derivative(g, column, args=others, **_first(scaled, column))
            slopes.append(found.df)
        return np.concatenate(slopes)

    def matrix(g: Function) -> Function:
        def jacobian(x: Any, *data: Any) -> Any:
            return differentiate.jacobian(_at_many(g, data), x, **_first(scaled, x)).df

        return jacobian

    def jvp(x: Any, v: Any, *data: Any) -> Any:
        step: dict[str, Any] = {"initial_step": _difference.along(x, v, POWER)} if scaled else {}
        along = _at_many(lambda t: f(x + t[0] * v, *data), ())
        return differentiate.jacobian(along, np.zeros(1), **step).df.ravel()

    def hessian(x: Any, *data: Any) -> Any:
        if not scaled:
            return differentiate.hessian(_at_many(f, data), x).ddf
        # hessian takes one step for all variables: they are scaled to one size instead
        w = np.maximum(np.abs(x), 1.0)
        of_scaled = _at_many(lambda t: f(w * t, *data), ())
        found = differentiate.hessian(of_scaled, x / w, initial_step=_difference.EPS**POWER)
        return found.ddf / np.outer(w, w)

    slopes = matrix(f)
    return {
        Operator.VALUE: f,
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: slopes,
        Operator.VALUE_AND_GRADIENT: lambda x, *data: (f(x, *data), slopes(x, *data)),
        Operator.HESSIAN: hessian,
        Operator.JACOBIAN: entries(matrix, f, pattern) if pattern else slopes,
        Operator.JVP: jvp,
        Operator.PROPAGATE: propagated(slopes),
    }


def _first(scaled: bool, x: Any) -> dict[str, Any]:
    """The first step, where it is not SciPy's own."""
    if not scaled:
        return {}
    return {"initial_step": _difference.EPS**POWER * np.maximum(np.abs(x), 1.0)}


def _at_many(f: Function, data: tuple[Any, ...]) -> Function:
    """F of one point as a function of many, along all axes but the first."""
    return lambda xs: np.apply_along_axis(f, 0, xs, *data)


def _approx_fprime(form: Form, pattern: Pattern | None) -> Mapping[Operator, Function]:
    from scipy.optimize import approx_fprime

    f = real_function(form, "SciPy")

    def jacobian(g: Function) -> Function:
        return lambda x, *rest: approx_fprime(x, g, EPSILON, *rest)

    def matrix(x: Any, *data: Any) -> Any:
        return np.reshape(approx_fprime(x, f, EPSILON, *data), (-1, len(x)))

    return {
        Operator.VALUE: f,
        Operator.GRADIENT: jacobian(f),
        Operator.VALUE_AND_GRADIENT: lambda x, *data: (f(x, *data), jacobian(f)(x, *data)),
        Operator.JACOBIAN: entries(jacobian, f, pattern) if pattern else matrix,
        Operator.PROPAGATE: propagated(matrix),
    }


def _prepare(ways: Any, form: Form, operator: Operator, point: Point) -> Prepared:
    pattern = point.pattern if operator is Operator.JACOBIAN else None
    call = chosen("SciPy", ways(form, pattern), operator)
    return Prepared(call, partial(encoded, form, operator), deliver(form, operator, point))


OF_DIFFERENTIATE = Method(
    name="scipy-differentiate",
    summary="scipy.differentiate as it comes: order 8, steps halved from 0.5 until they agree",
    tool="scipy",
    mode="difference",
    reads=("array", "scalar"),
    operators=(Operator.VALUE, *FIRST, Operator.HESSIAN),
    prepare=partial(_prepare, partial(_differentiate, False)),
    requires=("scipy.differentiate",),
    rtol={o: _difference.CENTRAL[o] for o in (*FIRST, Operator.HESSIAN)},
    gaps=NOT_NESTED,
    imports=("scipy.differentiate", "adbench.dual.elementary"),
)

METHODS = [
    OF_DIFFERENTIATE,
    replace(
        OF_DIFFERENTIATE,
        name="scipy-differentiate-scaled",
        summary="the same from a first step in proportion to each variable, eps^(1/9) max(|x|, 1)",
        prepare=partial(_prepare, partial(_differentiate, True)),
    ),
    Method(
        name="scipy-approx-fprime",
        summary="scipy.optimize.approx_fprime as it comes: forward differences, as its minimizers take",
        tool="scipy",
        mode="difference",
        reads=("array", "scalar"),
        operators=(
            Operator.VALUE,
            Operator.GRADIENT,
            Operator.VALUE_AND_GRADIENT,
            Operator.JACOBIAN,
            Operator.PROPAGATE,
        ),
        prepare=partial(_prepare, _approx_fprime),
        rtol={
            o: 16.0 * _difference.FORWARD[o]
            for o in (
                Operator.GRADIENT,
                Operator.VALUE_AND_GRADIENT,
                Operator.JACOBIAN,
                Operator.PROPAGATE,
            )
        },
        gaps=NOT_NESTED,
        imports=("scipy.optimize", "adbench.dual.elementary"),
    ),
]
