"""Derivatives of plain Python functions, by scalar dual numbers; the door for users.

>>> from adbench.dual.python import grad, math
>>> grad(lambda x: x[0] * math.exp(x[1]))([2.0, 0.0])
[1.0, 2.0]

Functions take their variables as a sequence (`derivative`: as one number) and constants after it.
Any number type will do: floats, Fractions, complex numbers, or the duals of an outer call. Where
Python's floats raise, duals do, except that a function with a value and an infinite slope, such as
``math.sqrt`` at 0, has that slope.

Variables are taken in chunks, and those outside the chunk stay plain numbers, so memory and the work
on expressions with few variables stay bounded when there are many.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from adbench.dual.python.functions import math
from adbench.dual.python.numbers import Dual, Number, dual
from adbench.dual.python.second import Jet, Pairs
from adbench.dual.python.vector import Vector, vector

__all__ = [
    "Dual", "Jet", "Vector", "derivative", "grad", "hessian", "math", "value_and_grad",
]  # fmt: skip

Function = Callable[..., Any]

# Tangents a pass. A pass costs about n plain operations and k dual ones of k tangents each, so the
# best k grows as sqrt(n): 40 at n = 1 000, 126 at 10 000 for the Rosenbrock function.
CHUNK = 64
# Up to here one pass of one tangent a variable is faster than one pass of lists.
FEW = 3
# Variables in each of the two blocks of a Hessian pass: up to this many, one pass does it all.
BLOCK = 16

_tags = count(1)


def derivative(f: Function) -> Function:
    """The derivative of a function of one number: ``derivative(f)(x, *data)``."""

    def df(x: Any, *data: Any) -> Any:
        tag = next(_tags)
        result = _checked(f(dual(x, _one(x), tag), *data))
        return result.tangent if _is_ours(result, tag) else 0.0

    return df


def value_and_grad(f: Function) -> Function:
    """Value and gradient: ``value_and_grad(f)(x, *data) -> (value, [df/dx_i])``.

    Raises TypeError when f does not return one number.
    """

    def both(x: Sequence[Any], *data: Any) -> tuple[Any, list[Any]]:
        xs = list(x)
        value, slopes = None, []
        chunk = 1 if len(xs) <= FEW else CHUNK
        for start in range(0, len(xs), chunk):
            stop = min(start + chunk, len(xs))
            value, part = _pass(f, xs, start, stop, data)
            slopes.extend(part)
        return (value, slopes) if xs else (f(xs, *data), [])

    return both


def grad(f: Function) -> Function:
    """The gradient: ``grad(f)(x, *data) -> [df/dx_i]``, all variables by one pass a chunk."""
    both = value_and_grad(f)
    return lambda x, *data: both(x, *data)[1]


def hessian(f: Function) -> Function:
    """The Hessian: ``hessian(f)(x, *data)``, a list of rows; each pair is computed once."""

    def h(x: Sequence[Any], *data: Any) -> list[list[Any]]:
        xs = list(x)
        n = len(xs)
        rows = [[0.0] * n for _ in range(n)]
        for chosen, pairs in _blocks(n):
            tag = next(_tags)
            result = _checked(f(_jets(xs, chosen, pairs, tag), *data))
            if _is_ours(result, tag) and result.curvatures is not None:
                for (i, j), c in zip(pairs, result.curvatures, strict=True):
                    rows[chosen[i]][chosen[j]] = rows[chosen[j]][chosen[i]] = c
        return rows

    return h


def _pass(f: Function, xs: list[Any], start: int, stop: int, data: Any) -> tuple[Any, list[Any]]:
    """Value, and derivatives with respect to x[start:stop]."""
    tag, k = next(_tags), stop - start
    duals = list(xs)
    for i in range(start, stop):
        if k == 1:
            duals[i] = dual(xs[i], _one(xs[i]), tag)
        else:
            one = _one(xs[i])
            tangents = [one * 0] * k
            tangents[i - start] = one
            duals[i] = vector(xs[i], tangents, tag)
    result = _checked(f(duals, *data))
    if not _is_ours(result, tag):
        return result, [0.0] * k
    return result.value, [result.tangent] if k == 1 else list(result.tangents)


def _blocks(n: int) -> Iterator[tuple[list[int], Pairs]]:
    """Variables of each Hessian pass, and the pairs of them (by position) that it computes."""
    blocks = [list(range(start, min(start + BLOCK, n))) for start in range(0, n, BLOCK)]
    for row, a in enumerate(blocks):
        yield a, tuple((i, j) for i in range(len(a)) for j in range(i, len(a)))
        for b in blocks[row + 1 :]:
            yield a + b, tuple((i, len(a) + j) for i in range(len(a)) for j in range(len(b)))


def _jets(xs: list[Any], chosen: list[int], pairs: Pairs, tag: int) -> list[Any]:
    jets = list(xs)
    for position, i in enumerate(chosen):
        one = _one(xs[i])
        tangents = [one * 0] * len(chosen)
        tangents[position] = one
        jets[i] = Jet(xs[i], tangents, None, pairs, tag)
    return jets


def _one(x: Any) -> Any:
    """The unit of the number type at the core of x, so that Fractions stay exact."""
    while isinstance(x, Number):
        x = x.value
    return 1 if hasattr(x, "numerator") else 1.0


def _is_ours(result: Any, tag: int) -> bool:
    return isinstance(result, Number) and result.tag == tag


def _checked(result: Any) -> Any:
    if isinstance(result, (list, tuple)) or getattr(result, "ndim", None):
        raise TypeError(
            f"the function returned a {type(result).__name__}; a function to differentiate returns "
            "one number: differentiate its elements one by one"
        )
    return result
