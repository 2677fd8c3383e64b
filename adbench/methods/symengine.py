"""SymEngine as its manual has you use it: differentiate expressions in C++, evaluate by Lambdify.

``Lambdify(symbols, expressions, cse=True)`` makes one function of a NumPy array of all its arguments;
of a table of them, one row a datum, it gives a table of results. A problem that is a sum over data
offers one term; its derivatives are evaluated of the table whose rows hold x and one datum each, and
summed. The table is made once and the call writes x into it. A scalar form without data is run on
symbols, its loops unrolled; one with data would be unrolled over the data and is refused. So is what is
too long or branches on a value (`adbench.methods._symengine_text`).

The wheels (SymEngine 0.15) evaluate by C++ closures, ``backend="lambda"``; LLVM is left out of them.
That backend has no digamma, and so no derivative of lgamma. Nothing is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from adbench.methods._shared import (
    ELEMENTWISE,
    OPERATORS,
    Function,
    arrays,
    deliver,
    propagated,
)
from adbench.methods._symengine_text import written_out
from adbench.model import Floats, Form, Method, Operator, Point, Prepared, given


def _places(
    operator: Operator, fs: list[Any], xs: list[Any], vs: list[Any], point: Point
) -> list[Any]:
    """The expressions of the result, place by place; of a Newton direction what is divided by what."""
    f = fs[0]
    if operator is Operator.VALUE:
        return fs
    if operator in (Operator.GRADIENT, Operator.DERIVATIVE):
        return _gradient(f, xs)
    if operator is Operator.VALUE_AND_GRADIENT:
        return [f, *_gradient(f, xs)]
    if operator is Operator.HESSIAN:
        return [d for slope in _gradient(f, xs) for d in _gradient(slope, xs)]
    if operator is Operator.HVP:
        return _gradient(_along(f, xs, vs), xs)
    if operator is Operator.NEWTON_DIRECTION:
        return [*_gradient(f, xs), *_gradient(_along(f, xs, [1] * len(xs)), xs)]
    if operator is Operator.JVP:
        return [_along(g, xs, vs) for g in fs]
    if operator is Operator.VJP:
        return _gradient(_sum(u * g for u, g in zip(vs, fs, strict=True)), xs)
    if operator is Operator.JACOBIAN and point.pattern is not None:
        places = zip(point.pattern.row_of.tolist(), point.pattern.columns.tolist(), strict=True)
        return [fs[i].diff(xs[j]) for i, j in places]
    return [d for g in fs for d in _gradient(g, xs)]


def _gradient(f: Any, xs: Sequence[Any]) -> list[Any]:
    import symengine

    there = f.free_symbols
    return [f.diff(x) if x in there else symengine.Integer(0) for x in xs]


def _along(f: Any, xs: Sequence[Any], vs: Sequence[Any]) -> Any:
    there = f.free_symbols
    return _sum(f.diff(x) * v for x, v in zip(xs, vs, strict=True) if x in there)


def _sum(terms: Any) -> Any:
    import symengine

    return symengine.Add(*terms)


def _lambdified(symbols: list[Any], expressions: list[Any]) -> Callable[..., Any]:
    import symengine

    try:
        made: Function = symengine.Lambdify(symbols, expressions, cse=True, backend="lambda")
    except RuntimeError as error:
        raise NotImplementedError(
            f"SymEngine's Lambdify has no code for a derivative in this function: {error}"
        ) from error
    return made


def _elementwise(form: Form, operator: Operator, point: Point) -> Function:
    if operator not in ELEMENTWISE:
        raise NotImplementedError(f"'{operator.value}' of a function of few numbers at each point")
    k = int(form.elementwise)
    fs, xs, _ = written_out(form, k, 0)
    function = _lambdified(xs, _places(operator, fs, xs, [], point))

    def call(x: Floats) -> Floats:
        # one row a point, which of k = 1 is x itself
        rows = np.ascontiguousarray(np.reshape(x, (k, -1)).T)
        return np.ravel(function(rows).T)

    return call


def _evaluated(form: Form, operator: Operator, point: Point) -> Function:
    import symengine

    columns = form.columns(*point.data) if form.columns is not None else ()
    fs, xs, data = written_out(form, len(point.x), len(columns))
    directions = () if operator is Operator.PROPAGATE else given(operator, point)
    vs = [symengine.Symbol(f"v{i}") for d in directions for i in range(len(d))]
    function = _lambdified([*xs, *vs, *data], _places(operator, fs, xs, vs, point))
    shape = form.shape(operator, point)
    m, n = len(fs), len(xs)

    def shaped(places: Floats) -> Any:
        if operator is Operator.NEWTON_DIRECTION:
            return places[:n] / places[n:]
        return places.reshape((m, n) if operator is Operator.PROPAGATE else shape)

    if form.columns is None:
        if not directions:
            return lambda x: shaped(function(x))
        return lambda x, v: shaped(function(np.concatenate([x, v])))

    def total(*args: Any) -> Any:
        *given_arrays, table = args
        at = 0
        for a in given_arrays:
            table[:, at : at + len(a)] = a
            at += len(a)
        return shaped(np.sum(function(table), axis=0))

    return total


def _encode(form: Form, operator: Operator, point: Point) -> tuple[Any, ...]:
    if form.columns is None:
        return arrays(operator, point)
    x, data = point.fresh()
    head = (x, *given(operator, point))
    columns = form.columns(*data)
    table = np.empty((len(columns[0]), sum(map(len, head)) + len(columns)))
    table[:] = np.concatenate([*head, np.zeros(len(columns))])
    table[:, -len(columns) :] = np.transpose(columns)
    return (*head, table)


def _prepare(form: Form, operator: Operator, point: Point) -> Prepared:
    if point.data and form.columns is None:
        raise NotImplementedError(
            "SymEngine would unroll the loop over data into one expression; the problem offers no "
            "term to differentiate instead"
        )
    call = (_elementwise if form.elementwise else _evaluated)(form, operator, point)
    call = propagated(call) if operator is Operator.PROPAGATE else call
    return Prepared(call, partial(_encode, form, operator), deliver(form, operator, point))


METHODS = [
    Method(
        name="symengine-lambdify",
        summary="expressions differentiated in C++ and evaluated by Lambdify with cse, not compiled",
        tool="symengine",
        mode="symbolic",
        reads=("term", "scalar"),
        operators=OPERATORS,
        prepare=_prepare,
        requires=("symengine",),
    )
]
