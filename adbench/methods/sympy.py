"""SymPy as its manual has you use it: differentiate an expression, then lambdify it to NumPy code.

A problem that is a sum over data offers one term; its derivatives are evaluated over whole columns
and summed. A scalar form without data is run on symbols, its loop unrolled; one with data would be
unrolled over the data and is refused. So is what is too long, or branches on a value
(`adbench.methods._sympy_text`).

All entries of a result are one list of expressions, compiled together with common subexpressions taken
out. Products with vectors are products with symbols, and differentiated as such; only J C J^T is left
to NumPy. Of a sparse Jacobian there are expressions for its structural non-zeros alone.

Numbers in a form become SymPy floats of 53 bits and are printed with 17 digits: exactly the same
doubles, where lambdify alone would round them to 15. erf and its kin come from scipy.special.
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
    parts,
    propagated,
)
from adbench.methods._sympy_text import Text, written_out
from adbench.model import TAYLOR_ORDER, Floats, Form, Method, Operator, Point, Prepared, given


def _places(operator: Operator, text: Text, vs: Sequence[Any], point: Point) -> list[Any]:
    """The expressions of the result, place by place; of a Newton direction what is divided by what."""
    f, xs = text.results[0], text.xs
    if operator is Operator.VALUE:
        return text.results
    if operator is Operator.GRADIENT:
        return _gradient(f, xs)
    if operator is Operator.VALUE_AND_GRADIENT:
        return [f, *_gradient(f, xs)]
    if operator is Operator.HESSIAN:
        return _hessian(f, xs)
    if operator is Operator.HVP:
        return _gradient(_along(f, xs, vs), xs)
    if operator is Operator.TAYLOR:
        return _taylor(f, xs, vs)
    if operator is Operator.NEWTON_DIRECTION:
        return [*_gradient(f, xs), *_gradient(_along(f, xs, [1] * len(xs)), xs)]
    if operator is Operator.JVP:
        return [_along(g, xs, vs) for g in text.results]
    if operator is Operator.VJP:
        rows = [_gradient(g, xs) for g in text.results]
        columns = zip(*rows, strict=True)
        return [_sum(u * g for u, g in zip(vs, c, strict=True) if g != 0) for c in columns]
    if operator is Operator.JACOBIAN and point.pattern is not None:
        places = zip(point.pattern.row_of.tolist(), point.pattern.columns.tolist(), strict=True)
        return [text.results[i].diff(xs[j]) for i, j in places]
    return [d for g in text.results for d in _gradient(g, xs)]


def _gradient(f: Any, xs: Sequence[Any]) -> list[Any]:
    import sympy

    there = f.free_symbols
    return [f.diff(x) if x in there else sympy.Integer(0) for x in xs]


def _along(f: Any, xs: Sequence[Any], vs: Sequence[Any]) -> Any:
    there = f.free_symbols
    return _sum(f.diff(x) * v for x, v in zip(xs, vs, strict=True) if x in there)


def _taylor(f: Any, xs: Sequence[Any], vs: Sequence[Any]) -> list[Any]:
    """Coefficients of f at x + t v: each the derivative along v of the one before, by its power."""
    found = [f]
    for k in range(1, 1 + TAYLOR_ORDER):
        found.append(_along(found[-1], xs, vs) / k)
    return found


def _sum(terms: Any) -> Any:
    import sympy

    return sympy.Add(*terms)


def _hessian(f: Any, xs: Sequence[Any]) -> list[Any]:
    """All second derivatives, row by row; each unordered pair is derived once."""
    n, upper = len(xs), {}
    for i, row in enumerate(_gradient(f, xs)):
        upper.update({(i, i + j): d for j, d in enumerate(_gradient(row, xs[i:]))})
    return [upper[min(i, j), max(i, j)] for i in range(n) for j in range(n)]


def _compiled(arguments: Sequence[Any], expressions: Sequence[Any]) -> Callable[..., Any]:
    import scipy.special
    import sympy

    if any(e.has(sympy.DiracDelta) for e in expressions):
        raise NotImplementedError(
            "SymPy's second derivative of an absolute value holds a DiracDelta, which NumPy code lacks"
        )
    # lambdify prints SymPy's floats with their 15 digits; a double needs 17 to be read back.
    floats = {v for e in expressions for v in e.atoms(sympy.Float)}
    exact = {v: sympy.Float(v, 17) for v in floats}
    expressions = [e.xreplace(exact) for e in expressions]
    special: Any = scipy.special
    names = {"erf": special.erf, "erfc": special.erfc}
    names |= {"loggamma": special.gammaln, "polygamma": special.polygamma}
    function: Callable[..., Any] = sympy.lambdify(
        arguments, expressions, [names, "numpy"], cse=True
    )
    return function


def _elementwise(form: Form, operator: Operator, point: Point) -> Function:
    """``call(x)`` of a function of k numbers at each of many points."""
    if operator not in ELEMENTWISE:
        raise NotImplementedError(f"'{operator.value}' of a function of few numbers at each point")
    k = int(form.elementwise)
    text = written_out(form, k, 0)
    f = text.results[0]
    places = [f] if operator is Operator.VALUE else _gradient(f, text.xs)
    function = _compiled(text.xs, places)

    def call(x: Floats) -> Floats:
        columns = [x[part] for part in parts(k, len(x))]
        # An expression without x evaluates to one number: give it to every element.
        return np.concatenate([np.broadcast_to(v, len(columns[0])) for v in function(*columns)])

    return call


def _evaluated(form: Form, operator: Operator, point: Point) -> Function:
    """``call(x, *directions)``, and after them the tuple of columns of a sum over data.

    Equal places of a result, the many zeros of a Hessian among them, are evaluated and summed once.
    """
    import sympy

    columns = form.columns(*point.data) if form.columns is not None else ()
    text = written_out(form, len(point.x), len(columns))
    directions = [] if operator is Operator.PROPAGATE else given(operator, point)
    vs = [sympy.Symbol(f"v{i}", real=True) for d in directions for i in range(len(d))]
    places = _places(operator, text, vs, point)
    number = {e: k for k, e in enumerate(dict.fromkeys(places))}
    index = np.array([number[e] for e in places], dtype=np.intp)
    groups = [g for g in (text.xs, vs, text.data) if g]
    function = _compiled(groups, list(number))

    def value(*args: Any) -> Floats:
        return np.array(function(*args), dtype=np.float64)[index]

    def total(*args: Any) -> Floats:
        # An expression without data evaluates to one number: it counts once a datum.
        rows = len(args[-1][0])
        sums = [np.sum(v) if np.ndim(v) else rows * v for v in function(*args)]
        return np.array(sums, dtype=np.float64)[index]

    shaped = _shaped(form, operator, text, point)
    call = total if form.columns is not None else value
    return lambda *args: shaped(call(*args))


def _shaped(form: Form, operator: Operator, text: Text, point: Point) -> Function:
    """What is made of the numbers of all places."""
    n, m = len(text.xs), len(text.results)
    if operator is Operator.NEWTON_DIRECTION:
        return lambda places: places[:n] / places[n:]
    if operator is Operator.PROPAGATE:
        return lambda places: places.reshape(m, n)
    shape = form.shape(operator, point)
    return lambda places: places.reshape(shape)


def _prepare(form: Form, operator: Operator, point: Point) -> Prepared:
    """Differentiate, and generate NumPy code; takes milliseconds to seconds."""
    from sympy.core.cache import clear_cache

    # SymPy remembers derivatives for the whole process: what prepare costs would depend on which
    # cases came before.
    clear_cache()
    if point.data and form.columns is None:
        raise NotImplementedError(
            "SymPy would unroll the loop over data into one expression; the problem offers no term "
            "to differentiate instead"
        )
    try:
        call = (_elementwise if form.elementwise else _evaluated)(form, operator, point)
    except RecursionError:
        raise NotImplementedError(
            "the expression is nested more deeply than Python's recursion goes, by which SymPy "
            "differentiates it"
        ) from None
    call = propagated(call) if operator is Operator.PROPAGATE else call
    encode = partial(_encode, form, operator)
    return Prepared(call, encode, deliver(form, operator, point))


def _encode(form: Form, operator: Operator, point: Point) -> tuple[Any, ...]:
    if form.columns is None:
        return arrays(operator, point)
    x, data = point.fresh()
    return (x, *given(operator, point), form.columns(*data))


METHODS = [
    Method(
        name="sympy-numpy",
        summary="one term (or the unrolled function) differentiated by SymPy, lambdified with cse",
        tool="sympy",
        mode="symbolic",
        reads=("term", "scalar"),
        operators=(*OPERATORS, Operator.TAYLOR),
        prepare=_prepare,
        requires=("sympy", "scipy"),
        imports=("sympy.codegen.cfunctions", "scipy.special"),
    )
]
