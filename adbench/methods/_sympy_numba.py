"""SymPy's formulas compiled by Numba: lambdified for NumPy with common subexpressions, then ``njit``.

Knows formulas whose symbols are entries of arrays, no form and no operator. Numba compiles what lambdify
wrote, on numbers instead of columns: of a sum over data one term, in a compiled loop over all of them,
so that no column of intermediate results is stored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adbench.methods._shared import Function
from adbench.methods._sympy_formulas import Entries

# The freedom that Numba's other methods give LLVM (`adbench.dual.numba.RELAXED`), which this one does
# not import: SymPy's users have no dual numbers.
RELAXED = frozenset({"contract", "reassoc", "nsz", "arcp"})

# A tuple of numbers stays in registers, as an array of sums would not.
SUMMED = """
def driver({arrays}):
    sums = nothing
    for row in range({rows}):
        sums = added(sums, term(row, {arrays}))
    return np.array(sums)
"""
# The numbers of all points, expression after expression.
EACH = """
def driver({arrays}):
    rows = {rows}
    out = np.empty(count * rows)
    for row in range(rows):
        numbers = term(row, {arrays})
        for k in range(count):
            out[k * rows + row] = numbers[k]
    return out
"""


def by_numba(entries: Entries, elementwise: bool) -> tuple[Any, Callable[[], None]]:
    """A compiled ``call(*arrays)`` of all expressions, and what compiles it now.

    Returns
    -------
    dispatcher
        Of arrays of doubles that lie in one piece, giving one such array: a number for each expression,
        summed over data; of an elementwise form the numbers of all points, expression after expression.
    callable

    Raises
    ------
    NotImplementedError
        When the formulas hold a function that Numba does not know.
    """
    from numba import njit, types

    _refuse(entries.expressions)
    flags: dict[str, Any] = {"error_model": "numpy", "fastmath": set(RELAXED)}
    array = types.Array(types.float64, 1, "C")
    signature: tuple[Any, ...] = (array,) * len(entries.arrays)
    if not entries.runs:
        function = njit(**flags)(_lambdified(entries.arrays, entries.expressions, array=True))
        return function, lambda: function.compile(signature)
    arguments = [entries.row, *entries.arrays]
    one = njit(**flags)(_lambdified(arguments, entries.expressions, array=False))
    count = len(entries.expressions)
    loop = EACH if elementwise else SUMMED
    known = {"term": one, "added": _added(count, flags), "count": count, "np": np}
    known["nothing"] = (0.0,) * count
    driver = njit(**flags)(_spelled(loop, len(signature), known))
    return driver, lambda: driver.compile(signature)


def _spelled(source: str, arrays: int, known: dict[str, Any]) -> Function:
    """A function of so many arrays, each with a name: one of ``*arrays`` Numba would gather into a tuple in
    every call, for half a microsecond.
    """
    names = [f"a{i}" for i in range(arrays)]
    made: dict[str, Any] = dict(known)
    exec(source.format(arrays=", ".join(names), rows=f"{names[-1]}.size"), made)  # noqa: S102 - our own text
    function: Function = made["driver"]
    return function


def _added(count: int, flags: dict[str, Any]) -> Any:
    """The sum of two tuples, written out."""
    import sympy
    from numba import njit

    a, b = (sympy.IndexedBase(name, shape=(count,)) for name in "ab")
    sums = tuple(a[k] + b[k] for k in range(count))
    return njit(**flags)(sympy.lambdify([a, b], sums, "numpy"))


def _lambdified(arguments: Sequence[Any], expressions: Sequence[Any], array: bool) -> Any:
    import sympy

    # One type for all: tuples and arrays of doubles, where SymPy would print some of them as integers.
    doubles = [sympy.Float(e, 17) if e.is_Number else e for e in expressions]
    names = {"erf": math.erf, "erfc": math.erfc, "loggamma": math.lgamma}
    whole = sympy.Array(doubles) if array else tuple(doubles)
    return sympy.lambdify(arguments, whole, [names, "numpy"], cse=True)


def _refuse(expressions: Sequence[Any]) -> None:
    import sympy

    if any(e.has(sympy.polygamma) for e in expressions):
        raise NotImplementedError(
            "the derivative of lgamma is a polygamma function, which neither NumPy nor Numba has"
        )
