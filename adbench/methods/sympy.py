"""SymPy as its manual has you use it: differentiate an expression, then make code of it.

A problem that is a sum over data offers one term: its derivatives are evaluated for all data and summed.
A scalar form without data is run on symbols, its loop unrolled; one with data would be unrolled over the
data and is refused. So is what is too long, or branches on a value (`adbench.methods._sympy_text`).

All entries of a result are one list of expressions (`adbench.methods._sympy_formulas`), evaluated
together with common subexpressions taken out. Products with vectors are products with symbols, and
differentiated as such; only J C J^T is left to NumPy. Of a sparse Jacobian there are expressions for its
structural non-zeros alone.

`sympy-numpy` evaluates over whole columns of data; erf and its kin come from scipy.special. In
`sympy-numba` (`adbench.methods._sympy_numba`) and `sympy-c` (`adbench.methods._sympy_c`) a compiled loop
takes datum after datum. Both may reorder sums as `numba-dual` may, and have the elementary functions of
the C library, which holds neither the derivatives of lgamma nor any other polygamma function.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from adbench.methods._shared import (
    OPERATORS,
    Function,
    arrays,
    deliver,
    joined,
    parts,
    propagated,
)
from adbench.methods._sympy_c import by_c
from adbench.methods._sympy_formulas import Entries, Formulas, entries, finish, formulas
from adbench.methods._sympy_numba import by_numba
from adbench.model import Floats, Form, Method, Operator, Point, Prepared, given

Compiler = Callable[[Entries, bool], tuple[Function, Callable[..., None]]]


def _found(form: Form, operator: Operator, point: Point) -> Formulas:
    from sympy.core.cache import clear_cache

    # SymPy remembers derivatives for the whole process: what prepare costs would depend on which
    # cases came before.
    clear_cache()
    try:
        return formulas(form, operator, point)
    except RecursionError:
        raise _too_deep() from None


def _by_numpy(form: Form, operator: Operator, point: Point) -> Prepared:
    """Differentiate, and generate NumPy code; takes milliseconds to seconds."""
    found = _found(form, operator, point)
    try:
        function = (_elementwise if form.elementwise else _evaluated)(form, found)
    except RecursionError:
        raise _too_deep() from None
    call = _finished(form, operator, point, found, function)
    return Prepared(call, partial(_columns, form, operator), deliver(form, operator, point))


def _too_deep() -> NotImplementedError:
    return NotImplementedError(
        "the expression is nested more deeply than Python's recursion goes, by which SymPy "
        "differentiates and prints it"
    )


def _elementwise(form: Form, found: Formulas) -> Function:
    """``call(x)`` of a function of k numbers at each of many points."""
    k = int(form.elementwise)
    function = _lambdified(found.text.xs, found.expressions)

    def call(x: Floats) -> Floats:
        columns = [x[part] for part in parts(k, len(x))]
        # An expression without x evaluates to one number: give it to every element.
        return np.concatenate([np.broadcast_to(v, len(columns[0])) for v in function(*columns)])

    return call


def _evaluated(form: Form, found: Formulas) -> Function:
    """``call(x, *directions)``, and after them the tuple of columns of a sum over data."""
    text = found.text
    groups = [g for g in (text.xs, found.vs, text.data) if g]
    function = _lambdified(groups, found.expressions)

    def value(*args: Any) -> Floats:
        return np.array(function(*args), dtype=np.float64)

    def summed(*args: Any) -> Floats:
        return np.array([np.sum(v) for v in function(*args)])

    def total(*args: Any) -> Floats:
        # An expression without data evaluates to one number: it counts once a datum.
        rows = len(args[-1][0])
        sums = [np.sum(v) if np.ndim(v) else rows * v for v in function(*args)]
        return np.array(sums, dtype=np.float64)

    if form.columns is None:
        return value
    data = set(text.data)
    return summed if all(e.free_symbols & data for e in found.expressions) else total


def _lambdified(arguments: Any, expressions: list[Any]) -> Callable[..., Any]:
    import scipy.special
    import sympy

    special: Any = scipy.special
    names = {"erf": special.erf, "erfc": special.erfc}
    names |= {"loggamma": special.gammaln, "polygamma": special.polygamma}
    function: Callable[..., Any] = sympy.lambdify(
        arguments, expressions, [names, "numpy"], cse=True
    )
    return function


def _columns(form: Form, operator: Operator, point: Point) -> tuple[Any, ...]:
    if form.columns is None:
        return arrays(operator, point)
    x, data = point.fresh()
    return (x, *given(operator, point), form.columns(*data))


def _compiled(compiler: Compiler, form: Form, operator: Operator, point: Point) -> Prepared:
    """Differentiate, and make code; ``compile()`` compiles it, or else the first call."""
    found = _found(form, operator, point)
    try:
        function, now = compiler(entries(form, found), bool(form.elementwise))
    except RecursionError:
        raise _too_deep() from None
    call = joined(form, _finished(form, operator, point, found, function))
    return Prepared(call, partial(_rows, form, operator), deliver(form, operator, point), now)


def _finished(
    form: Form, operator: Operator, point: Point, found: Formulas, function: Function
) -> Function:
    """The operator's result from what the function computes."""
    if form.elementwise:
        return function
    shaped = finish(form, operator, point, found)
    call = function if shaped is None else lambda *args: shaped(function(*args))
    return propagated(call) if operator is Operator.PROPAGATE else call


def _rows(form: Form, operator: Operator, point: Point) -> tuple[Any, ...]:
    """The arguments with every column of data an array of doubles of its own."""
    x, *rest = _columns(form, operator, point)
    if form.columns is None:
        return (x, *rest)
    *directions, columns = rest
    return (x, *directions, *(np.array(c, dtype=np.float64, order="C") for c in columns))


def _method(
    name: str, summary: str, prepare: Any, *, tools: tuple[str, ...], **more: Any
) -> Method:
    return Method(
        name=name,
        summary=summary,
        tool="sympy",
        mode="symbolic",
        reads=("term", "scalar"),
        operators=(*OPERATORS, Operator.TAYLOR),
        prepare=prepare,
        requires=("sympy", *tools),
        **more,
    )


METHODS = [
    _method(
        "sympy-numpy",
        "one term (or the unrolled function) differentiated by SymPy, lambdified with cse",
        _by_numpy,
        tools=("scipy",),
        imports=("sympy.codegen.cfunctions", "scipy.special"),
    ),
    _method(
        "sympy-numba",
        "SymPy's derivatives lambdified with cse and compiled by Numba, one term after another",
        partial(_compiled, by_numba),
        tools=("numba",),
        imports=("sympy.codegen.cfunctions",),
        compiles=True,
    ),
    _method(
        "sympy-c",
        "SymPy's derivatives as C, one term after another; compiled by its autowrap (Cython, cc -O3)",
        partial(_compiled, by_c),
        tools=("Cython", "setuptools"),
        imports=("sympy.codegen.cfunctions", "sympy.utilities.autowrap"),
        compiles=True,
    ),
]
