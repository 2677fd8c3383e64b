"""Which formulas SymPy has to evaluate for an operator: derivatives of a form's text, each once.

Knows SymPy's symbols and an operator's places, no compiler: NumPy, Numba and C evaluate the same formulas.
Numbers in a form become SymPy floats of 53 bits and are printed with 17 digits: exactly the same doubles,
where code printers alone would round them to 15.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adbench.methods._shared import ELEMENTWISE, Function
from adbench.methods._symbols import terms_along
from adbench.methods._sympy_text import Text, written_out
from adbench.model import TAYLOR_ORDER, Form, Operator, Point, given


@dataclass(frozen=True)
class Formulas:
    """What is to be evaluated, and how it makes the operator's result.

    Parameters
    ----------
    text : Text
    vs : list of symbol
        Entries of a direction, where the operator has one.
    expressions : list of expression
        Each once: equal places of a result, the many zeros of a Hessian among them, are evaluated, and
        summed over data, once.
    index : array of int, optional
        Which expression stands at each place of the result; None where there is one for each, in order.
    """

    text: Text
    vs: list[Any]
    expressions: list[Any]
    index: Any


@dataclass(frozen=True)
class Entries:
    """Formulas whose symbols are entries of arrays, as compiled code takes them.

    Parameters
    ----------
    expressions : list of expression
    arrays : list of IndexedBase
        x, a direction, and the columns of data; of an elementwise form the k parts of x.
    row, rows : symbol
        The index of a datum or point and the number of them, in the expressions of such forms.
    runs : bool
        Whether there are data or points to run over.
    """

    expressions: list[Any]
    arrays: list[Any]
    row: Any
    rows: Any
    runs: bool


def formulas(form: Form, operator: Operator, point: Point) -> Formulas:
    """Differentiate the text.

    Raises
    ------
    NotImplementedError
        When the text has a loop over data, is too long, or branches on a value; when the operator is
        not one of an elementwise form; when a second derivative exists as a distribution only.
    """
    if form.elementwise:
        if operator not in ELEMENTWISE:
            raise NotImplementedError(
                f"'{operator.value}' of a function of few numbers at each point"
            )
        text = written_out(form, int(form.elementwise), 0)
        f = text.results[0]
        places = [f] if operator is Operator.VALUE else _gradient(f, text.xs)
        return Formulas(text, [], _exact(places), None)
    if point.data and form.columns is None:
        raise NotImplementedError(
            "SymPy would unroll the loop over data into one expression; the problem offers no term "
            "to differentiate instead"
        )
    columns = form.columns(*point.data) if form.columns is not None else ()
    text = written_out(form, len(point.x), len(columns))
    vs = _direction(operator, point)
    places = _places(operator, text, vs, point)
    number = {e: k for k, e in enumerate(dict.fromkeys(places))}
    index = np.array([number[e] for e in places], dtype=np.intp)
    own = len(number) == len(places)
    return Formulas(text, vs, _exact(list(number)), None if own else index)


def finish(form: Form, operator: Operator, point: Point, found: Formulas) -> Function | None:
    """What makes the operator's result of the numbers of all expressions; None if they are it."""
    n, m = len(found.text.xs), len(found.text.results)
    index = found.index
    if operator is Operator.NEWTON_DIRECTION:
        every = np.arange(2 * n) if index is None else index
        return lambda numbers: numbers[every[:n]] / numbers[every[n:]]
    shape = (m, n) if operator is Operator.PROPAGATE else form.shape(operator, point)
    if index is not None:
        placed = index.reshape(shape)
        return lambda numbers: numbers[placed]
    if len(shape) == 1:
        return None
    return lambda numbers: numbers.reshape(shape)


def entries(form: Form, found: Formulas) -> Entries:
    """The formulas for compiled code."""
    import sympy

    text = found.text
    row, rows = sympy.Symbol("row", integer=True), sympy.Symbol("rows", integer=True)
    whole, running = ((), text.xs) if form.elementwise else ((text.xs, found.vs), text.data)
    arrays, meaning = [], {}
    for name, symbols in zip("xv", whole, strict=False):
        if symbols:
            array = sympy.IndexedBase(name, shape=(len(symbols),))
            arrays.append(array)
            meaning.update({s: array[i] for i, s in enumerate(symbols)})
    for i, symbol in enumerate(running):
        array = sympy.IndexedBase(f"c{i}", shape=(rows,))
        arrays.append(array)
        meaning[symbol] = array[row]
    expressions = [e.xreplace(meaning) for e in found.expressions]
    return Entries(expressions, arrays, row, rows, bool(running))


def _direction(operator: Operator, point: Point) -> list[Any]:
    import sympy

    directions = [] if operator is Operator.PROPAGATE else given(operator, point)
    return [sympy.Symbol(f"v{i}", real=True) for d in directions for i in range(len(d))]


def _exact(expressions: Sequence[Any]) -> list[Any]:
    """The same with floats of 17 digits; refuses what no code can be made of."""
    import sympy

    if any(e.has(sympy.DiracDelta) for e in expressions):
        raise NotImplementedError(
            "SymPy's second derivative of an absolute value holds a DiracDelta, for which there is no code"
        )
    floats = {v for e in expressions for v in e.atoms(sympy.Float)}
    exact = {v: sympy.Float(v, 17) for v in floats}
    return [e.xreplace(exact) for e in expressions]


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
        return _gradient(_sum(terms_along(f, xs, vs)), xs)
    if operator is Operator.TAYLOR:
        return _taylor(f, xs, vs)
    if operator is Operator.NEWTON_DIRECTION:
        return [*_gradient(f, xs), *_gradient(_sum(terms_along(f, xs, [1] * len(xs))), xs)]
    if operator is Operator.JVP:
        return [_sum(terms_along(g, xs, vs)) for g in text.results]
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


def _taylor(f: Any, xs: Sequence[Any], vs: Sequence[Any]) -> list[Any]:
    """Coefficients of f at x + t v: each the derivative along v of the one before, by its power."""
    found = [f]
    for k in range(1, 1 + TAYLOR_ORDER):
        found.append(_sum(terms_along(found[-1], xs, vs)) / k)
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
