"""Arithmetic and elementary functions of array duals: the readers of the rule table.

First-order + - * / are written out, because the table's second derivatives would be computed for
nothing on whole arrays; tests hold them against the table.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import special

from adbench.dual import rules
from adbench.dual.elementary import ARRAY
from adbench.dual.numpy.array_type import UFUNCS, Array, DualArray, Seed, plain

NUMPY: Any = SimpleNamespace(**ARRAY, where=np.where)
Block = Any  # an array, or None for zero
Times = Callable[[Any, Block], Block]  # a derivative times tangents


def aligned(t: Array, ndim: int) -> Array:
    """Tangents with axes of length one put in after the first, for a value of `ndim` axes."""
    missing = ndim + 1 - t.ndim
    return t.reshape(t.shape[:1] + (1,) * missing + t.shape[1:]) if missing else t


def same_seed(a: DualArray, b: DualArray) -> Seed:
    """The pass that both belong to; raises TypeError when two differentiations meet."""
    if a.seed is not b.seed:
        raise TypeError(
            "array duals of two differentiations meet: array duals do not nest; use "
            "adbench.dual.numpy.hessian for second derivatives, or the scalar duals"
        )
    return a.seed


def _add(a: Any, b: Any) -> DualArray:
    return _sum(a, b, np.add)


def _subtract(a: Any, b: Any) -> DualArray:
    return _sum(a, b, np.subtract)


def _sum(a: Any, b: Any, ufunc: Callable[..., Any]) -> DualArray:
    value = ufunc(plain(a), plain(b))
    n = value.ndim
    if not isinstance(b, DualArray):
        return DualArray(value, aligned(a.tangents, n), lift(a.curvatures, n), a.seed)
    if not isinstance(a, DualArray):
        # ufunc(0, t) would do; writing the sign avoids a pass over the tangents of a sum
        t, h = aligned(b.tangents, n), lift(b.curvatures, n)
        if ufunc is np.subtract:
            t, h = -t, None if h is None else -h
        return DualArray(value, t, h, b.seed)
    seed = same_seed(a, b)
    t = ufunc(aligned(a.tangents, n), aligned(b.tangents, n))
    return DualArray(value, t, _combined(ufunc, a.curvatures, b.curvatures, n), seed)


def lift(h: Block, ndim: int) -> Block:
    """As `aligned`, where None stays None."""
    return None if h is None else aligned(h, ndim)


def _combined(ufunc: Callable[..., Any], p: Block, q: Block, ndim: int) -> Block:
    if q is None:
        return lift(p, ndim)
    if p is None:
        return aligned(-q if ufunc is np.subtract else q, ndim)
    return ufunc(aligned(p, ndim), aligned(q, ndim))


def _multiply(a: Any, b: Any) -> DualArray:
    if a is b:  # one pass over the tangents in place of three
        return chain(a, *rules.power(NUMPY, a.value, 2))
    if not isinstance(b, DualArray):
        return _scaled(a, b)
    if not isinstance(a, DualArray):
        return _scaled(b, a)
    if same_seed(a, b).i is not None:
        return binary("mul", a, b)
    value = a.value * b.value
    n = value.ndim
    t = aligned(a.tangents, n) * b.value
    return DualArray(value, _increased(t, aligned(b.tangents, n) * a.value), None, a.seed)


def _scaled(a: DualArray, factor: Any) -> DualArray:
    value = a.value * factor
    n, h = value.ndim, a.curvatures
    h = None if h is None else aligned(h, n) * factor
    return DualArray(value, aligned(a.tangents, n) * factor, h, a.seed)


def _increased(t: Array, u: Array) -> Array:
    """``t + u``, in the buffer of t (which must be our own) where that has the right shape."""
    if t.shape == u.shape and isinstance(t, np.ndarray):
        t += u
        return t
    return t + u


def _divide(a: Any, b: Any) -> DualArray:
    if not isinstance(b, DualArray):
        # as in the rule: the value is divided, tangents are multiplied by the reciprocal
        value, r = a.value / b, 1.0 / np.asarray(b)
        n, h = value.ndim, a.curvatures
        h = None if h is None else aligned(h, n) * r
        return DualArray(value, aligned(a.tangents, n) * r, h, a.seed)
    if b.seed.i is not None:
        return binary("div", a, b)
    value, r = plain(a) / b.value, 1.0 / b.value
    n = value.ndim
    t = aligned(b.tangents, n) * (value * -r)
    if isinstance(a, DualArray):
        same_seed(a, b)
        t = _increased(t, aligned(a.tangents, n) * r)
    return DualArray(value, t, None, b.seed)


def chain(a: DualArray, f: Array, first: Any, second: Any, times: Times | None = None) -> DualArray:
    """The dual of g(a), of value f and derivatives `first`, `second` (None: zero)."""
    times = times or product
    seed, t, n = a.seed, aligned(a.tangents, f.ndim), f.ndim
    h = times(first, lift(a.curvatures, n))
    if seed.i is not None and second is not None:
        h = total(h, times(second, t[seed.i] * t[seed.j]))
    slope = times(first, t)
    return DualArray(f, np.zeros_like(t) if slope is None else slope, h, seed)


def chain2(
    a: DualArray,
    b: DualArray,
    f: Array,
    partials: tuple[Any, ...],
    times: Times | None = None,
) -> DualArray:
    """The dual of g(a, b), of value f and derivatives fa, fb, faa, fab, fbb (None: zero)."""
    times = times or product
    fa, fb, faa, fab, fbb = partials
    seed, n = same_seed(a, b), f.ndim
    p, q = aligned(a.tangents, n), aligned(b.tangents, n)
    h = total(times(fa, lift(a.curvatures, n)), times(fb, lift(b.curvatures, n)))
    if seed.i is not None:
        pi, pj, qi, qj = p[seed.i], p[seed.j], q[seed.i], q[seed.j]
        h = total(h, None if faa is None else times(faa, pi * pj))
        h = total(h, None if fab is None else times(fab, pi * qj + pj * qi))
        h = total(h, None if fbb is None else times(fbb, qi * qj))
    return DualArray(f, total(times(fa, p), times(fb, q)), h, seed)


def product(factor: Any, t: Block) -> Block:
    """Factor times t; None is zero, and the integers 1 and -1 cost no multiplication."""
    if factor is None or t is None:
        return None
    if factor.__class__ is int:
        return t if factor == 1 else -t
    return factor * t


def strong(factor: Any, t: Block) -> Block:
    """Factor times t, where a zero of t wins over an infinite or NaN factor."""
    if factor is None or t is None:
        return None
    return np.where(t == 0.0, 0.0, factor * t)


def total(p: Block, q: Block) -> Block:
    """``p + q``, where None is zero."""
    if p is None or q is None:
        return q if p is None else p
    return p + q


def binary(name: str, a: Any, b: Any) -> DualArray:
    """Combine two operands, of which at least one is dual, by the rule of that name."""
    f, *partials = rules.BINARY[name](NUMPY, plain(a), plain(b))
    fa, fb, faa, _, fbb = partials
    # the slope of a power in its exponent is NaN below zero, where that in its base is not
    times = strong if name == "pow" else product
    if not isinstance(b, DualArray):
        return chain(a, f, fa, faa, times)
    if not isinstance(a, DualArray):
        return chain(b, f, fb, fbb, times)
    return chain2(a, b, f, tuple(partials), times)


def unary(rule: rules.Unary) -> Callable[[DualArray], DualArray]:
    """The function of one array dual that the rule defines."""
    return lambda a: chain(a, *rule(NUMPY, a.value))


def _power(a: Any, b: Any) -> DualArray:
    if isinstance(b, DualArray):
        return binary("pow", a, b)
    if np.ndim(b) == 0:
        return chain(a, *rules.power(NUMPY, a.value, b))
    return chain(a, *rules.powers(NUMPY, a.value, np.asarray(b, dtype=a.dtype)))


_NAMES: dict[str, Any] = {
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "neg": np.negative,
}
_NAMES.update({"pos": np.positive, "erf": special.erf, "erfc": special.erfc})

UFUNCS.update({_NAMES.get(name) or getattr(np, name): unary(r) for name, r in rules.UNARY.items()})
UFUNCS.update(
    {
        np.add: _add,
        np.subtract: _subtract,
        np.multiply: _multiply,
        np.divide: _divide,
        np.power: _power,
        np.float_power: _power,
        np.arctan2: lambda a, b: binary("atan2", a, b),
        np.hypot: lambda a, b: binary("hypot", a, b),
        np.absolute: UFUNCS[np.fabs],
        np.square: lambda a: _power(a, 2),
        np.reciprocal: lambda a: _divide(1.0, a),
        np.log2: lambda a: UFUNCS[np.log](a) * (1.0 / np.log(2.0)),
        np.log10: lambda a: UFUNCS[np.log](a) * (1.0 / np.log(10.0)),
        special.gammaln: unary(rules.lgamma),
    }
)
