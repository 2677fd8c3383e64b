"""Arithmetic and elementary functions of array duals: the readers of the rule table.

First-order + - * / are written out, because the table's second derivatives would be computed for
nothing on whole arrays; tests hold them against the table. Everything here takes duals of an outer
pass for constants, wherever arrays are meant.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from adbench.dual import rules
from adbench.dual.elementary import ARRAY
from adbench.dual.numpy.array_type import UFUNCS, DualArray, core, innermost, part
from adbench.dual.numpy.blocks import (
    Times,
    increased,
    product,
    strong,
    total,
    vanishes,
)
from adbench.dual.numpy.calls import ufunc_of
from adbench.dual.numpy.layout import Array, aligned, joined, lift
from adbench.dual.numpy.memory import lasting

SHORT = 500  # elements, up to which the overhead of NumPy's calls counts
MANY = 128  # tangents, from which on it pays to put off a multiplication


def _strong_product(v: Any, x: Any) -> Any:
    return np.where(vanishes(v) & ~np.isnan(core(x)), 0.0, v * x)


def _polygamma(order: int, x: Any) -> Any:
    if type(x) is DualArray:
        return chain(x, *rules.polygamma(NUMPY, order, x.value))
    return ARRAY["polygamma"](order, x)


NUMPY: Any = SimpleNamespace(
    **{**ARRAY, "where": np.where, "strong": _strong_product, "polygamma": _polygamma}
)


def _inner(a: Any, b: Any) -> bool:
    """Whether b is a constant to the dual a."""
    return type(b) is not DualArray or (type(a) is DualArray and a.seed.tag > b.seed.tag)


def _add(a: Any, b: Any) -> DualArray:
    if type(b) is not DualArray:
        return _shifted(a, a.value + b)
    if type(a) is not DualArray or a.seed.tag < b.seed.tag:
        return _shifted(b, a + b.value)
    if a.seed is not b.seed:
        return _shifted(a, a.value + b)
    value = a.value + b.value
    n = value.ndim
    if a.low is not None or b.low is not None:
        return _together(value, a.rows(n), a, b.rows(n), b)
    p, q, h = a.tangents, b.tangents, None
    if p.ndim != q.ndim:
        p, q = aligned(p, n), aligned(q, n)
    if a.seed.i is not None:
        h = total(lift(a.curvatures, n), lift(b.curvatures, n))
    return DualArray(value, p + q, h, a.seed)


def _together(value: Array, t: Array, a: DualArray, u: Array, b: DualArray) -> DualArray:
    """The dual of tangents ``t + u``, t in the directions of a, u in those of b."""
    i, j = a.low or 0, b.low or 0
    if i == j and len(t) == len(u):
        whole = a.seed.one_hot is None or a.low is None or b.low is None
        return DualArray(value, t + u, None, a.seed, None if whole else i)
    t = joined(t, i, u, j)
    low = None if len(t) == len(a.seed.one_hot) else min(i, j)
    return DualArray(value, t, None, a.seed, low)


def _subtract(a: Any, b: Any) -> DualArray:
    if type(b) is not DualArray:
        return _shifted(a, a.value - b)
    if type(a) is not DualArray or a.seed.tag < b.seed.tag:
        return _taken_from(b, a)
    if a.seed is not b.seed:
        return _shifted(a, a.value - b)
    value = a.value - b.value
    n = value.ndim
    if a.low is not None or b.low is not None:
        return _together(value, a.rows(n), a, -b.rows(n), b)
    p, q = a.tangents, b.tangents
    if p.ndim != q.ndim:
        p, q = aligned(p, n), aligned(q, n)
    h = lift(a.curvatures, n)
    if b.curvatures is not None:
        h = total(h, -aligned(b.curvatures, n))
    return DualArray(value, p - q, h, a.seed)


def _taken_from(b: DualArray, a: Any) -> DualArray:
    """A constant less a dual."""
    value = a - b.value
    n, h, low = value.ndim, b.curvatures, b.low
    h = None if h is None else -aligned(h, n)
    t = b.tangents if low is None else b.rows(n)
    return DualArray(value, -(t if t.ndim == n + 1 else aligned(t, n)), h, b.seed, low)


def _shifted(a: DualArray, value: Array) -> DualArray:
    """A dual with the derivatives of a."""
    n, low = value.ndim, a.low
    if low is not None:  # then nothing has looked into its memory
        if a.factor is not None and a.factor.shape == value.shape:
            return DualArray(value, a.block, None, a.seed, low, a.factor)
        return DualArray(value, a.rows(n), None, a.seed, low)
    t, h = (a.tangents, a.curvatures) if a.place is None else lasting(a)
    if t.ndim != n + 1:
        t = aligned(t, n)
    return DualArray(value, t, None if h is None else aligned(h, n), a.seed)


def _multiply(a: Any, b: Any) -> DualArray:
    if type(b) is not DualArray:
        return _scaled(a, b)
    if type(a) is not DualArray or a.seed.tag < b.seed.tag:
        return _scaled(b, a)
    if a.seed is not b.seed:
        return _scaled(a, b)
    if a.seed.i is not None:
        return chain(a, *rules.power(NUMPY, a.value, 2)) if a is b else binary("mul", a, b)
    p, q = a.value, b.value
    value = p * q
    n = value.ndim
    if a is b:  # one pass over the tangents in place of three
        return _squared(a, value)
    if a.low is not None or b.low is not None:
        return _together(value, a.rows(n) * q, a, b.rows(n) * p, b)
    t, u = a.tangents, b.tangents
    t = (t if t.ndim == n + 1 else aligned(t, n)) * q
    return DualArray(
        value, increased(t, (u if u.ndim == n + 1 else aligned(u, n)) * p, value), None, a.seed
    )


def _squared(a: DualArray, value: Array) -> DualArray:
    t, n, low = a.rows(value.ndim), a.value + a.value, a.low
    if a.place is None and t.size >= MANY and type(n) is np.ndarray:
        # not multiplied yet, since a sum often follows, which then is one product of a matrix
        return DualArray(value, t, None, a.seed, low or 0, n)
    return DualArray(value, n * t, None, a.seed, low)


def _scaled(a: DualArray, factor: Any) -> DualArray:
    value = a.value * factor
    n, h, low = value.ndim, a.curvatures, a.low
    if low is not None and a.factor is not None and a.factor.shape == value.shape:
        return DualArray(value, a.block, None, a.seed, low, a.factor * factor)
    t = a.tangents if low is None else a.rows(n)
    if t.ndim != n + 1:
        t = aligned(t, n)
    return DualArray(value, t * factor, None if h is None else aligned(h, n) * factor, a.seed, low)


def _divide(a: Any, b: Any) -> DualArray:
    if _inner(a, b):
        # as in the rule: the value is divided, tangents are multiplied by the reciprocal
        value, r = a.value / b, 1.0 / (b if type(b) is DualArray else np.asarray(b))
        n, h = value.ndim, a.curvatures
        h = None if h is None else aligned(h, n) * r
        return DualArray(value, a.rows(n) * r, h, a.seed, a.low)
    seed = b.seed
    if seed.i is not None:
        return binary("div", a, b)
    both = type(a) is DualArray and a.seed is seed
    p, q = a.value if both else a, b.value
    value, r = p / q, 1.0 / q
    n, low = value.ndim, b.low
    if both and low is None and a.low is None and n == 1 and type(r) is np.float64:
        t, u = a.tangents, b.tangents
        if type(t) is np.ndarray and type(u) is np.ndarray and t.ndim == 2 and len(value) <= SHORT:
            # a product of matrices costs less than broadcasting, until the size matters
            slope = u[:, None].dot((value * -r)[None])
            slope += t * r
            return DualArray(value, slope, None, seed)
    t = b.rows(n)
    # of a single number the small factors first
    t = (t * (r * -r)) * p if r.ndim == 0 else t * (value * -r)
    if not both:
        return DualArray(value, t, None, seed, low)
    if a.low is not None or low is not None:
        return _together(value, a.rows(n) * r, a, t, b)
    return DualArray(value, increased(t, a.rows(n) * r, value), None, seed)


def chain(a: DualArray, f: Array, first: Any, second: Any, times: Times | None = None) -> DualArray:
    """The dual of g(a), of value f and derivatives `first`, `second` (None: zero)."""
    seed, n = a.seed, f.ndim
    if seed.i is None and times is None and first.__class__ is not int and first is not None:
        low = a.low
        t = a.tangents if low is None else a.rows(n)
        return DualArray(f, first * (t if t.ndim == n + 1 else aligned(t, n)), None, seed, low)
    times = times or product
    if f is a.value:  # what NumPy would copy
        return _shifted(a, f.copy())
    t, h = aligned(a.tangents, n), times(first, lift(a.curvatures, n))
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
    seed, n = a.seed, f.ndim
    p, q = aligned(a.tangents, n), aligned(b.tangents, n)
    h = total(times(fa, lift(a.curvatures, n)), times(fb, lift(b.curvatures, n)))
    if seed.i is not None:
        pi, pj, qi, qj = p[seed.i], p[seed.j], q[seed.i], q[seed.j]
        h = total(h, None if faa is None else times(faa, pi * pj))
        h = total(h, None if fab is None else times(fab, pi * qj + pj * qi))
        h = total(h, None if fbb is None else times(fbb, qi * qj))
    return DualArray(f, total(times(fa, p), times(fb, q)), h, seed)


def binary(name: str, a: Any, b: Any) -> DualArray:
    """Combine two operands, of which at least one is dual, by the rule of that name."""
    seed = innermost((a, b))
    p, q = part(a, seed), part(b, seed)
    f, *partials = rules.BINARY[name](NUMPY, p, q)
    fa, fb, faa, _, fbb = partials
    times = strong if rules.BINARY[name] in rules.SINGULAR else product
    if q is b:
        return chain(a, f, fa, faa, times)
    if p is a:
        return chain(b, f, fb, fbb, times)
    return chain2(a, b, f, tuple(partials), times)


def unary(rule: rules.Unary) -> Callable[[DualArray], DualArray]:
    """The function of one array dual that the rule defines."""
    times = strong if rule in rules.SINGULAR else None
    return lambda a: chain(a, *rule(NUMPY, a.value), times)


def power(a: Any, b: Any) -> DualArray:
    """As `numpy.power`: without a logarithm where the exponent is a constant."""
    if not _inner(a, b) or type(b) is DualArray:
        return binary("pow", a, b)
    if np.ndim(b) == 0:
        whole = type(b) is not DualArray and b == np.floor(b)
        return chain(a, *rules.power(NUMPY, a.value, b), product if whole else strong)
    return chain(a, *rules.powers(NUMPY, a.value, np.asarray(b, dtype=a.dtype)), strong)


def _of_two(name: str) -> Callable[[Any, Any], DualArray]:
    return lambda a, b: binary(name, a, b)


UFUNCS.update({ufunc_of(name): unary(rule) for name, rule in rules.UNARY.items()})
UFUNCS.update({ufunc_of(name): _of_two(name) for name in rules.BINARY})
UFUNCS.update(
    {
        np.add: _add,
        np.subtract: _subtract,
        np.multiply: _multiply,
        np.divide: _divide,
        np.power: power,
    }
)

# The commonest operators without the detour by the table, which is a tenth of a small operation.
for _name, _function in {
    "__add__": _add,
    "__radd__": _add,
    "__sub__": _subtract,
    "__rsub__": _taken_from,
    "__mul__": _multiply,
    "__rmul__": _scaled,
    "__truediv__": _divide,
    "__rtruediv__": lambda a, b: _divide(b, a),
}.items():
    setattr(DualArray, _name, _function)
