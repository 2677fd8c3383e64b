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
    made = _each(one, count) if elementwise else _summed(one, _added(count, flags), count)
    few = made.get(len(signature))
    driver = njit(**flags)(few or made[0])
    if few is None:
        signature = (types.UniTuple(array, len(signature)),)
    return driver, lambda: driver.compile(signature)


def _summed(term: Any, added: Any, count: int) -> dict[int, Function]:
    """By the number of arrays what sums a term; at 0 for any number.

    Numba gathers ``*arrays`` into a tuple in every call, for half a microsecond: the usual numbers have
    functions of their own. A tuple of sums stays in registers, as an array would not.
    """
    nothing = (0.0,) * count

    def of_two(x, c):  # type: ignore[no-untyped-def]
        sums = nothing
        for row in range(c.size):
            sums = added(sums, term(row, x, c))
        return np.array(sums)

    def of_three(x, b, c):  # type: ignore[no-untyped-def]
        sums = nothing
        for row in range(c.size):
            sums = added(sums, term(row, x, b, c))
        return np.array(sums)

    def of_any(*arrays):  # type: ignore[no-untyped-def]
        sums = nothing
        for row in range(arrays[-1].size):
            sums = added(sums, term(row, *arrays))
        return np.array(sums)

    return {2: of_two, 3: of_three, 0: of_any}


def _each(function: Any, count: int) -> dict[int, Function]:
    """The numbers of all points, expression after expression; by the number of arrays as `_summed`."""

    def of_any(*parts):  # type: ignore[no-untyped-def]
        rows = parts[0].size
        out = np.empty(count * rows)
        for row in range(rows):
            numbers = function(row, *parts)
            for k in range(count):
                out[k * rows + row] = numbers[k]
        return out

    return {0: of_any}


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
