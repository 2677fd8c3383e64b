"""Further functions of array duals that work element by element: steps, choices, compositions.

Written in terms of arithmetic and of each other, so that they have derivatives of any order; the
value is NumPy's own.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from scipy import special

from adbench.dual.numpy.array_type import (
    FUNCTIONS,
    UFUNCS,
    DualArray,
    core,
    innermost,
    part,
)
from adbench.dual.numpy.calls import Function
from adbench.dual.numpy.layout import lift
from adbench.dual.numpy.memory import lasting

Ours = TypeVar("Ours", bound=Callable[..., Any])
LN2 = math.log(2.0)


def implements(*functions: Any) -> Callable[[Ours], Ours]:
    """Enter the decorated function for those of NumPy (None: a name that this NumPy lacks)."""

    def enter(ours: Ours) -> Ours:
        table = {f: UFUNCS if isinstance(f, np.ufunc) else FUNCTIONS for f in functions if f}
        for function, entries in table.items():
            entries[function] = ours
        return ours

    return enter


def of_value(function: Function) -> Function:
    """The function of the values: for comparisons, steps and questions."""

    def plain(*args: Any, **kwargs: Any) -> Any:
        return function(*map(core, args), **{word: core(x) for word, x in kwargs.items()})

    return plain


def valued(value: Any, a: Any) -> Any:
    """The dual a with that value, which differs from its own in rounding at most."""
    if type(a) is not DualArray:
        return value
    return DualArray(value, *lasting(a), a.seed)


def same_value(function: Function, result: Any, operands: Sequence[Any]) -> Any:
    """The result with the value that NumPy's function of the operands has.

    It is called with the operands by position; a list of operands is one argument.
    """
    seed = innermost(operands)
    parts = [part(x, seed) for x in operands]
    return valued(function(parts) if isinstance(operands, list) else function(*parts), result)


@implements(np.where)
def where(condition: Any, *choices: Any) -> Any:
    """The chosen operand's derivatives; a condition is looked at, not differentiated."""
    c = core(condition)
    if not any(type(x) is DualArray for x in choices):
        return np.where(c, *choices)
    a, b = choices
    seed = innermost((a, b))
    value = np.where(c, part(a, seed), part(b, seed))
    n = value.ndim

    def chosen(part_of: Callable[[DualArray], Any]) -> Any:
        ours = [type(x) is DualArray and x.seed is seed for x in (a, b)]
        sides = [
            lift(part_of(x), n) if mine else None for x, mine in zip((a, b), ours, strict=True)
        ]
        if sides[0] is None and sides[1] is None:
            return None
        return np.where(c, *(0.0 if t is None else t for t in sides))

    return DualArray(value, chosen(lambda d: d.tangents), chosen(lambda d: d.curvatures), seed)


@implements(np.maximum)
def maximum(a: Any, b: Any) -> Any:
    """At a tie the first operand's derivative; NaN wins, as in NumPy."""
    p, q = core(a), core(b)
    return where((p >= q) | np.isnan(p), a, b)


@implements(np.minimum)
def minimum(a: Any, b: Any) -> Any:
    """As `maximum`."""
    p, q = core(a), core(b)
    return where((p <= q) | np.isnan(p), a, b)


@implements(np.fmax)
def _fmax(a: Any, b: Any) -> Any:
    p, q = core(a), core(b)
    return where((p >= q) | np.isnan(q), a, b)


@implements(np.fmin)
def _fmin(a: Any, b: Any) -> Any:
    p, q = core(a), core(b)
    return where((p <= q) | np.isnan(q), a, b)


@implements(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = a_min if min is None else min, a_max if max is None else max
    x = np.copy(a) if low is None else maximum(a, low)
    return x if high is None else minimum(x, high)


@implements(np.select)
def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    return result


@implements(np.nan_to_num)
def _nan_to_num(x: Any, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    v = core(x)
    plain = np.nan_to_num(v, nan=nan, posinf=posinf, neginf=neginf)
    return where(np.isfinite(v), x, plain)


@implements(np.divmod)
def _divmod(a: Any, b: Any) -> tuple[Any, Any]:
    return np.floor_divide(core(a), core(b)), UFUNCS[np.remainder](a, b)


@implements(np.fmod)
def _fmod(a: Any, b: Any) -> Any:
    p, q = core(a), core(b)
    # the whole quotient from the remainder, since p / q may round up to the next integer
    return same_value(np.fmod, a - b * np.rint((p - np.fmod(p, q)) / q), (a, b))


@implements(np.modf)
def _modf(a: Any) -> tuple[Any, Any]:
    whole = np.trunc(core(a))
    return a - whole, whole


@implements(np.copysign)
def _copysign(a: Any, b: Any) -> Any:
    return a * (np.copysign(1.0, core(a)) * np.copysign(1.0, core(b)))


@implements(np.ldexp)
def _ldexp(a: Any, n: Any) -> Any:
    return a * np.ldexp(1.0, n)


@implements(np.square)
def _square(a: Any) -> Any:
    return UFUNCS[np.power](a, 2)


@implements(np.reciprocal)
def _reciprocal(a: Any) -> Any:
    return UFUNCS[np.divide](1.0, a)


@implements(np.exp2)
def _exp2(a: Any) -> Any:
    return same_value(np.exp2, UFUNCS[np.power](2.0, a), (a,))


@implements(np.logaddexp2)
def _logaddexp2(a: Any, b: Any) -> Any:
    return same_value(np.logaddexp2, np.logaddexp(a * LN2, b * LN2) / LN2, (a, b))


@implements(special.ndtr)
def _ndtr(a: Any) -> Any:
    return same_value(special.ndtr, 0.5 * special.erfc(a * -math.sqrt(0.5)), (a,))


@implements(special.logit)
def _logit(a: Any) -> Any:
    return same_value(special.logit, np.log(a) - np.log1p(-a), (a,))


@implements(special.log_expit)
def _log_expit(a: Any) -> Any:
    return same_value(special.log_expit, -np.logaddexp(0.0, -a), (a,))


def _turn(factor: float) -> Function:
    return lambda a: a * factor


_ALIKE: dict[Any, Function] = {
    np.absolute: UFUNCS[np.fabs],
    np.float_power: UFUNCS[np.power],
    np.conjugate: UFUNCS[np.positive],
    **{f: _turn(math.pi / 180.0) for f in (np.deg2rad, np.radians)},
    **{f: _turn(180.0 / math.pi) for f in (np.rad2deg, np.degrees)},
}
UFUNCS.update(_ALIKE)

_STEPS = (
    np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal,
    np.isnan, np.isinf, np.isfinite, np.signbit, np.sign, np.floor, np.ceil, np.rint, np.trunc,
    np.floor_divide, np.heaviside, np.logical_not, np.logical_and, np.logical_or, np.logical_xor,
)  # fmt: skip
_QUESTIONS = (
    np.shape, np.ndim, np.size, np.argmax, np.argmin, np.argsort, np.argpartition, np.searchsorted,
    np.digitize, np.nonzero, np.flatnonzero, np.argwhere, np.count_nonzero, np.any, np.all,
    np.isclose, np.allclose, np.array_equal, np.isneginf, np.isposinf, np.iscomplexobj,
    np.isrealobj, np.round, np.fix, np.nanargmax, np.nanargmin, np.shares_memory, np.may_share_memory,
)  # fmt: skip
UFUNCS.update({f: of_value(f) for f in _STEPS})
FUNCTIONS.update({f: of_value(f) for f in _QUESTIONS})
FUNCTIONS[np.around] = FUNCTIONS[np.round]
