"""Texts as CasADi's expression graphs, and the operators' results as expressions; knows CasADi, no
buffer and no compiler.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods import _casadi_words
from adbench.methods._casadi_arrays import Array, lifted
from adbench.methods._shared import ELEMENTWISE, Function, joined
from adbench.model import ELEMENTARY, Form, Operator, Pattern, Point, given
from adbench.model import namespace as made

# Beyond so many numbers in the data, unrolled text takes minutes and gigabytes.
MOST_DATA = 200_000


def _words() -> ModuleType:
    import casadi as ca

    def missing(word: str) -> Function:
        def of_numbers(x: Any) -> Any:
            if isinstance(x, (int, float)):
                return getattr(math, word)(x)
            raise NotImplementedError(f"CasADi has no function {word}, which this text uses")

        return of_numbers

    def derivative(g: Callable[[Any], Any], t: Any) -> Any:
        inside = ca.SX.sym("t")
        slope = ca.jacobian(ca.SX(g(inside)), inside)
        return ca.substitute(slope, inside, ca.SX(t))

    words = {w: getattr(ca, w, None) or missing(w) for w in ELEMENTARY}
    return made("casadi", {**words, "derivative": derivative})


def _symbols(name: str, value: Any, whole: bool) -> tuple[Any, Any]:
    """A symbol like one datum, by columns, and what a text takes for it: numbers in nested lists.

    Integers stay as they are if `whole` asks for it.
    """
    import casadi as ca

    array = np.asarray(value)
    shape = (array.size, 1) if array.ndim != 2 else array.shape
    symbol = ca.SX.sym(name, *shape)
    if array.dtype.kind in "iu" and (whole or not array.ndim):
        return symbol, value if not array.ndim else array.tolist()
    numbers = ca.vertsplit(ca.vec(symbol)) if array.size else []
    if not array.ndim:
        return symbol, numbers[0]
    if array.ndim == 1:
        return symbol, numbers
    if array.ndim > 2:
        raise NotImplementedError(
            f"CasADi's matrices have two axes, and the data have {array.ndim}"
        )
    return symbol, [numbers[i :: array.shape[0]] for i in range(array.shape[0])]


def _run(form: Form, xs: Sequence[Any], data: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    """The text run on symbols: a column of its results, and the symbols of the data."""
    import casadi as ca

    f = form.build(_words())
    for whole in (False, True):
        made = [_symbols(f"d{i}", d, whole) for i, d in enumerate(data)]
        texts = [text for _, text in made]
        try:
            found = f(*xs, *texts) if form.elementwise else f(list(xs), *texts)
        except TypeError:
            if whole:
                raise
        except RuntimeError as error:
            if "truth value" not in str(error):
                raise
            raise NotImplementedError(
                "CasADi cannot follow a branch or a loop that depends on a value: its graphs have none"
            ) from error
        else:
            column = ca.vertcat(*found) if isinstance(found, list) else ca.SX(found)
            return column, [symbol for symbol, _ in made]
    raise AssertionError("unreachable")


def _derived(operator: Operator, y: Any, x: Any, extra: Sequence[Any], pattern: Any) -> Any:
    """The expression of an operator's result; matrices transposed, as NumPy stores them by rows."""
    import casadi as ca

    if operator is Operator.VALUE:
        return y
    if operator is Operator.JVP:
        return ca.jtimes(y, x, extra[0])
    if operator is Operator.VJP:
        return ca.jtimes(y, x, extra[0], True)
    if operator in (Operator.JACOBIAN, Operator.PROPAGATE):
        jacobian = ca.jacobian(y, x)
        if operator is Operator.PROPAGATE:
            return ca.mtimes([jacobian, extra[0], jacobian.T])
        return jacobian.T if pattern is None else ca.project(jacobian.T, _sparsity(pattern))
    if operator is Operator.DERIVATIVE:  # points do not mix
        return ca.gradient(ca.sum1(y), x)
    if operator is Operator.HESSIAN:
        return ca.hessian(y, x)[0]
    gradient = ca.gradient(y, x)
    if operator is Operator.VALUE_AND_GRADIENT:
        return ca.vertcat(y, gradient)
    if operator is Operator.HVP:
        return ca.jtimes(gradient, x, extra[0])
    if operator is Operator.NEWTON_DIRECTION:
        return gradient / ca.jtimes(gradient, x, ca.DM.ones(x.shape[0], 1))
    return gradient


def _sparsity(pattern: Pattern) -> Any:
    """The transposed pattern by columns, which is the pattern by rows."""
    import casadi as ca

    m, n = pattern.shape
    return ca.Sparsity(n, m, pattern.rows.tolist(), pattern.columns.tolist())


def _run_arrays(form: Form, x: Any, data: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    """The array text run on a column of symbols: a column of its results, and the symbols of the data."""
    f, kind = joined(form, form.build(_casadi_words.words())), type(x)
    for whole in (False, True):
        values = [np.asarray(d) for d in data]
        symbols = [kind.sym(f"d{i}", v.size) for i, v in enumerate(values)]
        texts = [
            d if whole and v.dtype.kind in "iu" else Array(symbol, v.shape)
            for d, v, symbol in zip(data, values, symbols, strict=True)
        ]
        here = Array(x, (x.shape[0],))
        try:
            return lifted(f(here, *texts), here).numbers, symbols
        except TypeError:
            if whole or all(v.dtype.kind not in "iu" for v in values):
                raise
    raise AssertionError("unreachable")


def whole(kind: str, form: Form, operator: Operator, point: Point) -> tuple[list[Any], Any]:
    """Arguments and result of a function of all variables, on symbols of a kind, "SX" or "MX"."""
    import casadi as ca

    made_of = getattr(ca, kind)
    if kind == "SX" and sum(np.size(d) for d in point.data) > MOST_DATA:
        raise NotImplementedError(
            f"CasADi would unroll more than {MOST_DATA} data into one graph of scalars: only a term of a "
            "sum can be mapped over so many, or a graph of matrices takes them"
        )
    x = made_of.sym("x", len(point.x))
    if form.name == "array":
        y, data = _run_arrays(form, x, point.data)
    else:
        y, data = _run(form, ca.vertsplit(x), point.data)
    extra = [made_of.sym("v", *a.shape) for a in given(operator, point)]
    pattern = None if form.elementwise else point.pattern
    return [x, *extra, *data], _dense(_derived(operator, y, x, extra, pattern), operator, pattern)


def _dense(result: Any, operator: Operator, pattern: Pattern | None) -> Any:
    import casadi as ca

    kept = operator is Operator.JACOBIAN and pattern is not None
    return result if kept else ca.densify(result)


def summed(form: Form, operator: Operator, point: Point) -> tuple[list[Any], Any]:
    """The same of a sum over data: the term mapped over the columns, in an MX graph."""
    import casadi as ca

    assert form.columns is not None
    columns = form.columns(*point.data)
    n, rows = len(point.x), len(columns[0])
    inner = ca.SX.sym("x", n)
    y, data = _run(form, ca.vertsplit(inner), tuple(0.0 for _ in columns))
    term = ca.Function("term", [inner, *data], [y])
    x = ca.MX.sym("x", n)
    over = [ca.MX.sym(f"c{i}", 1, rows) for i in range(len(columns))]
    total = ca.sum2(term.map("terms", "serial", rows, [0], [])(x, *over))
    extra = [ca.MX.sym("v", *a.shape) for a in given(operator, point)]
    result = _derived(operator, total, x, extra, None)
    return [x, *extra, *over], _dense(result, operator, None)


def pointwise(form: Form, operator: Operator, point: Point) -> Any:
    """The mapped function of an elementwise form: k rows and the data in, one row or k out."""
    import casadi as ca

    if operator not in ELEMENTWISE:
        raise NotImplementedError(f"'{operator.value}' of a function of few numbers at each point")
    k = form.elementwise
    x = ca.SX.sym("x", k)
    if form.name == "array":
        y, data = _run_arrays(form, x, point.data)
    else:
        y, data = _run(form, ca.vertsplit(x), point.data)
    out = ca.densify(y if operator is Operator.VALUE else ca.gradient(y, x))
    one = ca.Function("one", [*ca.vertsplit(x), *data], ca.vertsplit(out))
    return one, len(point.x) // k
