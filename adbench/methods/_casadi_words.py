"""NumPy's names, as array forms use them, for arrays of CasADi's symbols; knows CasADi and no operator."""

from __future__ import annotations

import math
import operator
from functools import reduce
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods._array_words import array_tool_words
from adbench.methods._casadi_arrays import (
    Array,
    all_lifted,
    joined_arrays,
    lifted,
    matrix,
    moved,
    of_matrix,
    paired,
    places_of,
    product,
    spread,
)
from adbench.methods._shared import Function

_UNARY = (
    "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "erf",
)  # fmt: skip
_OLDER = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2"}


def words() -> ModuleType:
    """The namespace of array forms."""
    import casadi as ca

    own: dict[str, Function] = {w: _mapped(getattr(ca, w)) for w in _UNARY}
    own |= {
        "atan2": lambda a, b: paired(ca.atan2, a, b),
        "log2": lambda a: Array(ca.log(a.numbers) / math.log(2.0), a.shape),
        "maximum": lambda a, b: paired(ca.fmax, a, b),
        "minimum": lambda a, b: paired(ca.fmin, a, b),
        "where": lambda c, a, b: paired(ca.if_else, c, a, b),
        "abs": abs,
        "matmul": product,
        "dot": product,
        "outer": lambda a, b: a[:, None] * b[None, :],
        "sum": _summed,
        "mean": lambda a, axis=None: _summed(a, axis) / (a.size if axis is None else a.shape[axis]),
        "prod": _over(lambda p, q: p * q),
        "max": _over(ca.fmax, ca.mmax),
        "min": _over(ca.fmin, ca.mmin),
        "cumsum": _cumulated,
    }
    own |= _moving() | {old: own[new] for old, new in _OLDER.items()}
    linalg: dict[str, Function] = {"solve": _solved, "cholesky": _cholesky}
    kept = array_tool_words("CasADi", {}, {}, _is_own)
    mixed = {name: _either(f, getattr(kept, name)) for name, f in own.items()}
    of_linalg = {n: _either(f, getattr(kept.linalg, n)) for n, f in linalg.items()}
    found = array_tool_words("CasADi", mixed, of_linalg, _is_own)
    found.__dict__["derivative"] = derivative
    return found


def _moving() -> dict[str, Function]:
    return {
        "reshape": lambda a, shape: moved(a, lambda p: np.reshape(p, shape)),
        "transpose": lambda a, axes=None: moved(a, lambda p: np.transpose(p, axes)),
        "ravel": lambda a: moved(a, np.ravel),
        "take": _taken,
        "roll": lambda a, shift, axis=None: moved(a, lambda p: np.roll(p, shift, axis)),
        "concatenate": lambda parts, axis=0: joined_arrays(
            parts, lambda p: np.concatenate(p, axis)
        ),
        "stack": lambda parts, axis=0: joined_arrays(parts, lambda p: np.stack(p, axis)),
        "zeros_like": lambda a: np.zeros(a.shape),
        "ones_like": lambda a: np.ones(a.shape),
        "full_like": lambda a, value: np.full(a.shape, value),
        "diag": _diagonal,
    }


def _taken(a: Any, at: Any, axis: int | None = None) -> Array:
    if isinstance(at, Array):
        raise TypeError("a symbol is no index")
    return moved(a, lambda p: np.take(p, at, axis))


def _diagonal(a: Array) -> Array:
    if a.ndim == 2:
        return moved(a, np.diag)
    return paired(operator.mul, a[:, None], np.eye(a.shape[0]))


def _is_own(value: Any) -> bool:
    return isinstance(value, Array)


def _either(of_arrays: Function, of_others: Function) -> Function:
    """A function of arrays of symbols, and the same of NumPy's and of plain numbers."""

    def call(*values: Any, **options: Any) -> Any:
        inside = (e for v in values for e in (v if isinstance(v, (list, tuple)) else [v]))
        return (of_arrays if any(map(_is_own, inside)) else of_others)(*values, **options)

    return call


def _mapped(function: Function) -> Function:
    return lambda a: Array(function(a.numbers), a.shape)


def _solved(a: Any, b: Any) -> Array:
    import casadi as ca

    a, b = all_lifted([a, b])
    right = matrix(b) if b.ndim == 2 else b.numbers
    return Array(of_matrix(ca.solve(matrix(a), right)).numbers, b.shape)


def _cholesky(a: Array) -> Array:
    import casadi as ca

    if not isinstance(a.numbers, ca.SX):
        raise NotImplementedError("CasADi has a Cholesky decomposition of SX, not of MX")
    return of_matrix(ca.chol(matrix(a)).T)


def derivative(g: Function, t: Any) -> Array:
    """The derivative of an elementwise g at t."""
    import casadi as ca

    if not isinstance(t, Array):
        raise NotImplementedError("CasADi differentiates at symbols, and this text asks at numbers")
    inside = type(t.numbers).sym("t", t.size)
    value = lifted(g(Array(inside, t.shape)), t)
    slope = ca.jtimes(spread(value, t.shape), inside, ca.DM.ones(t.size, 1))
    return Array(ca.substitute(ca.densify(slope), inside, t.numbers), t.shape)


def _rows(a: Array, axis: int) -> tuple[list[Any], tuple[int, ...]]:
    """The parts along an axis, each a column, and the shape of one."""
    places = np.moveaxis(places_of(a.shape), axis, 0)
    return [a.numbers[p.ravel().tolist()] for p in places], places.shape[1:]


def _folded(function: Function, parts: list[Any]) -> Any:
    """In pairs, then in pairs of these: as few operations after one another as can be."""
    while len(parts) > 1:
        pairs = [function(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
        parts = pairs + parts[2 * len(pairs) :]
    return parts[0]


def _over(function: Function, whole: Function | None = None) -> Function:
    """A reduction by a function of two, or of a whole column, with NumPy's `axis` and `keepdims`."""

    def reduced(a: Array, axis: Any = None, keepdims: bool = False) -> Array:
        flat = axis is None or (a.ndim == 1 and axis in (0, -1))
        if flat and whole is not None:
            found = Array(whole(a.numbers), ())
        elif flat:
            found = Array(_folded(function, _rows(moved(a, np.ravel), 0)[0]), ())
        elif isinstance(axis, tuple):
            found = reduce(lambda s, i: reduced(s, i), sorted(axis, reverse=True), a)
        else:
            parts, shape = _rows(a, axis)
            found = Array(_folded(function, parts), shape)
        if keepdims:
            return moved(
                found, lambda p: p.reshape(np.sum(places_of(a.shape), axis, keepdims=True).shape)
            )
        return found

    return reduced


def _summed(a: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """A sum along one axis as CasADi's of a matrix, instead of one number after another."""
    import casadi as ca

    if axis is None or isinstance(axis, tuple) or a.ndim == 1:
        return _over(lambda p, q: p + q, ca.sum1)(a, axis, keepdims)  # type: ignore[no-any-return]
    places = np.moveaxis(places_of(a.shape), axis, -1)
    shape, k = places.shape[:-1], places.shape[-1]
    columns = ca.reshape(a.numbers[places.ravel().tolist()], k, math.prod(shape))
    found = Array(ca.sum1(columns).T, shape)
    return moved(found, lambda p: np.expand_dims(p, axis)) if keepdims else found


def _cumulated(a: Array, axis: int = 0) -> Array:
    parts, shape = _rows(a, axis)
    sums = [parts[0]]
    for part in parts[1:]:
        sums.append(sums[-1] + part)
    return joined_arrays([Array(s, shape) for s in sums], lambda p: np.stack(p, axis))
