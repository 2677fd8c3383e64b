"""Products of array duals: along an axis, and of matrices and vectors."""

from collections.abc import Callable
from typing import Any

import numpy as np

from adbench.dual.numpy.arithmetic import total
from adbench.dual.numpy.array_type import FUNCTIONS, UFUNCS, Array, DualArray, full, plain
from adbench.dual.numpy.functions import (
    common_seed,
    concatenate,
    implements,
    moveaxis,
    ravel,
    reshape,
)


@implements(np.prod)
def _prod(a: DualArray, axis: int | None = None, keepdims: bool = False) -> DualArray:
    """By halves: no division, so zeros are as good as any number, to second order."""
    x: Any = ravel(a) if axis is None else moveaxis(a, axis, 0)
    while len(x) > 1:
        half = len(x) // 2
        paired = x[:half] * x[half : 2 * half]
        x = concatenate([paired, x[2 * half :]]) if len(x) % 2 else paired
    result: DualArray = x[0]
    if not keepdims:
        return result
    kept = (1,) * a.ndim if axis is None else np.sum(a.value, axis=axis, keepdims=True).shape
    return reshape(result, kept)


def _matmul(a: Any, b: Any) -> DualArray:
    """The product rule, for operands of one or two axes."""
    seed, _ = common_seed([a, b])
    p, q = plain(a), plain(b)
    if np.ndim(p) not in (1, 2) or np.ndim(q) not in (1, 2):
        raise TypeError(
            f"a matrix product with array duals takes operands of 1 or 2 axes, got {np.ndim(p)} "
            f"and {np.ndim(q)}: write it with * and np.sum"
        )
    times = _stacked_product(np.ndim(p) == 1, np.ndim(q) == 1)
    ta, tb = _part(a, "tangents"), _part(b, "tangents")
    ha, hb = _part(a, "curvatures"), _part(b, "curvatures")
    h = total(_maybe(times, ha, q), _maybe(times, p, hb))
    if seed.i is not None and ta is not None and tb is not None:
        h = total(h, times(ta[seed.i], tb[seed.j]) + times(ta[seed.j], tb[seed.i]))
    return DualArray(np.matmul(p, q), total(_maybe(times, ta, q), _maybe(times, p, tb)), h, seed)


def _part(x: Any, name: str) -> Any:
    """The tangents or curvatures of x in full shape; None where x is plain or has none."""
    t = getattr(x, name) if isinstance(x, DualArray) else None
    return None if t is None else full(x, t)


def _maybe(times: Callable[[Array, Array], Array], p: Any, q: Any) -> Any:
    return None if p is None or q is None else times(p, q)


def _stacked_product(row: bool, column: bool) -> Callable[[Array, Array], Array]:
    """np.matmul over a leading axis; a vector is a row on the left, a column on the right."""

    def times(p: Array, q: Array) -> Array:
        left = p[..., None, :] if row else p
        right = q[..., :, None] if column else q
        r = np.matmul(left, right)
        r = r[..., 0] if column else r
        return r[..., 0] if row and column else r[..., 0, :] if row else r

    return times


def _dot(a: Any, b: Any) -> Any:
    """As `numpy.dot`: a product with a number when one operand has no axes."""
    if np.ndim(plain(a)) == 0 or np.ndim(plain(b)) == 0:
        return UFUNCS[np.multiply](a, b)
    return _matmul(a, b)


UFUNCS[np.matmul] = _matmul
FUNCTIONS[np.dot] = _dot
