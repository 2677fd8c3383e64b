"""Choices and steps of scalar duals: where, maximum, floor, sign, sums of exponentials; NumPy's ufuncs.

A choice returns one of its operands whole, with its derivatives: of equal ones the first. A step
(sign, floor) is constant but for its jumps and returns a plain number: its derivative is 0 everywhere.
"""

import math as python_math
import operator
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from adbench.dual.python.functions import core, math


def where(condition: Any, yes: Any, no: Any) -> Any:
    """`yes` if the condition holds, else `no`; the condition is looked at, not differentiated."""
    return yes if condition else no


def maximum(a: Any, b: Any) -> Any:
    """The larger, of equal ones the first; NaN wins, as in NumPy (Python's max: the first)."""
    return a if a >= b or core(a) != core(a) else b


def minimum(a: Any, b: Any) -> Any:
    """The smaller, of equal ones the first; NaN wins, as in NumPy (Python's min: the first)."""
    return a if a <= b or core(a) != core(a) else b


def sign(x: Any) -> Any:
    """-1, 0 or 1, or NaN; a step."""
    x = core(x)
    return x if x != x else (x > 0) - (x < 0)


def copysign(x: Any, y: Any) -> Any:
    """The size of x with the sign of y, which is looked at, not differentiated."""
    same = python_math.copysign(1.0, core(x)) == python_math.copysign(1.0, core(y))
    return x if same else -x


def _step(name: str) -> Callable[[Any], Any]:
    plain = getattr(python_math, name)

    def step(x: Any) -> Any:
        return plain(core(x))

    step.__name__ = step.__qualname__ = name
    step.__doc__ = f"{name} of the number; a step, with derivative 0."
    return step


def total(xs: Iterable[Any]) -> Any:
    """The sum; of nothing 0.0."""
    return sum(xs, 0.0)


def prod(xs: Iterable[Any]) -> Any:
    """The product; of nothing 1.0."""
    return python_math.prod(xs, start=1.0)


def logsumexp(xs: Iterable[Any]) -> Any:
    """``log(sum(exp(x)))`` of a sequence, without overflow; of nothing -inf.

    The largest term is taken out as a constant: the derivatives do not depend on it.
    """
    terms = list(xs)
    largest = max(map(core, terms), default=-python_math.inf)
    if largest - largest != 0:  # infinite or NaN: nothing to take out
        return maximum_of(terms) if terms else largest
    return largest + math.log(sum(math.exp(x - largest) for x in terms))


def maximum_of(xs: Iterable[Any]) -> Any:
    """The largest of a sequence, as by `maximum`."""
    result, *rest = xs
    for x in rest:
        result = maximum(result, x)
    return result


vars(math).update(
    {
        "where": where,
        "maximum": maximum,
        "minimum": minimum,
        "sign": sign,
        "copysign": copysign,
        "logsumexp": logsumexp,
        "fsum": total,
        "prod": prod,
        "fmod": lambda a, b: a - math.trunc(a / b) * b,
        "degrees": lambda x: x * (180.0 / python_math.pi),
        "radians": lambda x: x * (python_math.pi / 180.0),
        "exp2": lambda x: 2.0**x,
        **{name: _step(name) for name in ("ceil", "trunc", "isnan", "isinf", "isfinite")},
        **{name: getattr(python_math, name) for name in ("e", "tau", "inf", "nan")},
    }
)

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "absolute": "fabs", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
        "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "arctan2": "atan2",
        "psi": "digamma", "gammaln": "lgamma", "float_power": "pow", "deg2rad": "radians",
        "rad2deg": "degrees",
    }
)  # fmt: skip
_OPERATORS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "add": operator.add, "subtract": operator.sub, "multiply": operator.mul,
        "divide": operator.truediv, "true_divide": operator.truediv, "power": operator.pow,
        "remainder": operator.mod, "floor_divide": operator.floordiv, "divmod": divmod,
        "negative": operator.neg, "positive": operator.pos, "less": operator.lt,
        "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge,
        "equal": operator.eq, "not_equal": operator.ne, "square": lambda x: x * x,
        "reciprocal": lambda x: 1.0 / x,
    }
)  # fmt: skip


def ufunc_of_duals(ufunc: Any, method: str, inputs: Any, options: Any) -> Any:
    """What NumPy's ufunc is for numbers of which some are dual: ours of the same meaning."""
    name = ufunc.__name__
    if any(getattr(x, "ndim", 0) for x in inputs):
        raise TypeError(
            f"np.{name}: a scalar dual number meets an array: index the array, or differentiate "
            "whole-array code with adbench.dual.numpy"
        )
    ours = _OPERATORS.get(name) or vars(math).get(_NAMES.get(name, name))
    if ours is None or method != "__call__" or options:
        raise TypeError(
            f"np.{name} of a scalar dual number is not there: use the functions of "
            "adbench.dual.python.math, or differentiate with adbench.dual.numpy"
        )
    return ours(*(x.item() if hasattr(x, "item") else x for x in inputs))
