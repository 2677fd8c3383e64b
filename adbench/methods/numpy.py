"""Finite differences and the complex step over NumPy code: one more run of f for each variable.

How they step is in `adbench.methods._numpy_differences`, `_numpy_extrapolation` (fourth order, and
Ridders' extrapolation) and `_numpy_complex`, what differences promise,
and why, in `adbench.methods._difference`. The complex step subtracts nothing, so it is promised
exactly. Its namespace lacks what is not analytic: abs, norms, sign and the like raise
NotImplementedError instead of giving a wrong answer. A sparse Jacobian takes one run for each colour of
its columns (two of central differences), and its entries are picked out within the call.

None of them nests: a difference of differences keeps too few digits to promise anything, and a complex
step within a complex step has no imaginary unit of its own.

Namespaces: ``numpy`` with SciPy's special functions; ``math`` for the scalar form; for complex steps
``cmath`` with SciPy's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods import _difference
from adbench.methods._numpy_complex import complex_step, refuse_others
from adbench.methods._numpy_complex import words as complex_words
from adbench.methods._numpy_differences import central, forward
from adbench.methods._numpy_extrapolation import fourth, ridders
from adbench.methods._shared import Function, cannot_nest, chosen, deliver, joined, parts
from adbench.model import Form, Method, Operator, Pattern, Point, Prepared, given, namespace

Ways = Callable[[Function, int, Pattern | None], Mapping[Operator, Function]]

NOT_NESTED = {
    "nested-derivative": "differences and complex steps cannot nest derivatives: too few digits, or "
    "no second imaginary unit"
}
FIRST_ORDER = (Operator.VALUE, *_difference.FIRST, Operator.PROPAGATE)


def _real_words(form: Form) -> ModuleType:
    from adbench.dual import elementary

    nesting = {"derivative": cannot_nest("a method of differences or complex steps")}
    if form.name == "array":
        return namespace("numpy", {**elementary.numpy_words(), **nesting})
    return namespace("math", {**elementary.FLOAT, **nesting})


def _prepare(
    ways: Ways,
    words: Callable[[Form], ModuleType],
    form: Form,
    operator: Operator,
    point: Point,
) -> Prepared:
    k, pattern = int(form.elementwise), point.pattern
    value = operator is Operator.VALUE
    f = _of_one_x(form, form.build(_real_words(form) if value else words(form)))
    call = f if value else chosen("NumPy", ways(f, k, pattern), operator)
    if pattern is not None and operator is Operator.JACOBIAN:
        # colours are found when they are first asked for, and then kept: not in a timed call
        pattern.from_columns(np.zeros((len(pattern.seeds), pattern.shape[0])))
    return Prepared(call, partial(_encode, form, operator), deliver(form, operator, point))


def _of_one_x(form: Form, f: Function) -> Function:
    """F as a function of x as a whole; scalar code of an elementwise form at every point."""
    if form.name == "array" or not form.elementwise:
        return joined(form, f)

    def at_each(x: Any, *data: Any) -> Any:
        columns = [x[part].tolist() for part in parts(form.elementwise, len(x))]
        return np.array([f(*numbers, *data) for numbers in zip(*columns, strict=True)])

    return at_each


def _encode(form: Form, operator: Operator, point: Point) -> tuple[Any, ...]:
    x, data = point.fresh()
    extra = given(operator, point)
    if form.name == "array":
        return (x, *extra, *data)
    # Python code computes faster with Python's numbers than with elements of arrays
    lists = tuple(d.tolist() if isinstance(d, np.ndarray) else d for d in data)
    return (x if form.elementwise else x.tolist(), *extra, *lists)


def _prepare_complex(form: Form, operator: Operator, point: Point) -> Prepared:
    prepared = _prepare(complex_step, complex_words, form, operator, point)
    if operator is not Operator.VALUE:
        x, *data = _encode(form, Operator.VALUE, point)
        if form.elementwise:  # one point of them
            x = np.array([x[part][0] for part in parts(form.elementwise, len(x))])
        at = x.astype(np.complex128) if isinstance(x, np.ndarray) else [complex(v) for v in x]
        refuse_others(_of_one_x(form, form.build(complex_words(form))), at, tuple(data))
    return prepared


METHODS = [
    Method(
        name="numpy-forward",
        summary="forward differences: the cheapest derivative, to about half the digits",
        tool="numpy",
        mode="difference",
        reads=("array", "scalar"),
        operators=FIRST_ORDER,
        prepare=partial(_prepare, forward, _real_words),
        rtol=_difference.FORWARD,
        gaps=NOT_NESTED,
        imports=("adbench.dual.elementary",),
    ),
    Method(
        name="numpy-central",
        summary="central differences: what most fits use, to about two thirds of the digits",
        tool="numpy",
        mode="difference",
        reads=("array", "scalar"),
        operators=(*FIRST_ORDER, *_difference.SECOND),
        prepare=partial(_prepare, central, _real_words),
        rtol=_difference.CENTRAL,
        gaps=NOT_NESTED,
        imports=("adbench.dual.elementary",),
    ),
    Method(
        name="numpy-fourth",
        summary="differences of fourth order, four runs a variable, to about four fifths of the digits",
        tool="numpy",
        mode="difference",
        reads=("array", "scalar"),
        operators=FIRST_ORDER,
        prepare=partial(_prepare, fourth, _real_words),
        rtol=_difference.FOURTH,
        gaps=NOT_NESTED,
        imports=("adbench.dual.elementary",),
    ),
    Method(
        name="numpy-ridders",
        summary="central differences of halved steps, extrapolated after Ridders until rounding shows",
        tool="numpy",
        mode="difference",
        reads=("array", "scalar"),
        operators=FIRST_ORDER,
        prepare=partial(_prepare, ridders, _real_words),
        rtol=_difference.FOURTH,
        gaps=NOT_NESTED,
        imports=("adbench.dual.elementary",),
    ),
    Method(
        name="complex-step",
        summary="one complex run a variable: exact, for analytic functions only",
        tool="numpy",
        mode="complex-step",
        reads=("array", "scalar"),
        operators=FIRST_ORDER,
        prepare=_prepare_complex,
        imports=("adbench.dual.elementary",),
        gaps=NOT_NESTED,
    ),
]
