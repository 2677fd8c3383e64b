"""Elementary functions of numbers that bring their own: mpmath, python-flint, Decimal and the like.

Knows no dual number. A function is looked for in the number's mpmath context, then among its methods,
then composed of others; a number that has none of these (a Fraction) is turned into a float.
"""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from adbench.dual import rules
from adbench.dual.elementary import COMPLEX, FLOAT

PLAIN = (float, int, Fraction, np.generic)
_ALIASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"lgamma": ("loggamma", "lgamma"), "log": ("log", "ln"), "quiet_log": ("log", "ln")}
)


def of_one(name: str, x: Any) -> Any:
    """The elementary function of that name, of a number that is neither float nor dual."""
    if isinstance(x, complex):
        return COMPLEX.get(name, FLOAT[name])(x)
    if isinstance(x, PLAIN):
        return FLOAT[name](x)
    own = _own(name, x)
    if own is not None:
        return own()
    if name in _COMPOSED and _own("exp", x) is not None:
        return _COMPOSED[name](x)
    return FLOAT[name](x)


def of_two(name: str, a: Any, b: Any) -> Any:
    """As `of_one`, for a function of two numbers."""
    a, b = _alike(a, b)
    if isinstance(a, complex):
        return COMPLEX.get(name, FLOAT[name])(a, b)
    if isinstance(a, PLAIN) or name not in _COMPOSED_OF_TWO:
        return FLOAT[name](a, b)
    context = getattr(a, "context", None)
    if hasattr(context, name):
        return getattr(context, name)(a, b)
    return _COMPOSED_OF_TWO[name](a, b)


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Both as numbers of the less common of their types."""
    if isinstance(a, PLAIN) and not isinstance(b, PLAIN):
        return like(b, a), b
    return a, (b if isinstance(b, type(a)) or isinstance(a, PLAIN) else like(a, b))


def polygamma(order: int, x: Any) -> Any:
    """The polygamma function of that order, of a number that is not dual."""
    if isinstance(x, PLAIN):
        return FLOAT["polygamma"](order, x)
    if hasattr(getattr(x, "context", None), "psi"):
        return x.context.psi(order, x)
    if order == 0:
        return of_one("digamma", x)
    raise TypeError(
        f"the polygamma function of order {order}, a derivative of lgamma or digamma, of a "
        f"{type(x).__name__}: use mpmath's numbers or floats"
    )


def like(x: Any, number: Any) -> Any:
    """The plain number in the type of x, or as it is where that type does not take it."""
    try:
        return type(x)(number)
    except (TypeError, ValueError):
        return number


class Words:
    """The namespace `m` for rules on a number with more digits than a float has, or error bounds.

    The functions are those of `functions`; the constants are computed in the number's own type, and
    no rounding is given back, since the float it would be taken for is not what was rounded.
    """

    def __init__(self, functions: Any, core: Any) -> None:
        self._functions, self._core = functions, core

    def __getattr__(self, name: str) -> Any:
        if name in rules.CONSTANTS:
            return _CONSTANTS[name](lambda n: like(self._core, n), self._functions)
        return getattr(self._functions, name)

    @staticmethod
    def square_error(x: Any) -> float:
        """Nothing."""
        return 0.0


def _own(name: str, x: Any) -> Callable[[], Any] | None:
    """The number's own function of that name, ready to be called."""
    context = getattr(x, "context", None)
    for alias in _ALIASES.get(name, (name,)):
        if context is not None and hasattr(context, alias):
            return partial(_of_context, getattr(context, alias), x)
        if context is None and callable(getattr(x, alias, None)):
            return getattr(x, alias)  # type: ignore[no-any-return]
    return abs(x).__pos__ if name == "fabs" else None


def _of_context(function: Callable[[Any], Any], x: Any) -> Any:
    """The real part of mpmath's loggamma, complex for a negative number: log |gamma|."""
    result = function(x)
    return result.real if hasattr(x, "_mpf_") and hasattr(result, "_mpc_") else result


def _cbrt(x: Any) -> Any:
    size = abs(x)
    root = size.root(3) if hasattr(size, "root") else size ** (like(x, 1) / 3)
    return root if x >= 0 else -root


def _expit(x: Any) -> Any:
    if getattr(x, "real", x) >= 0:
        return 1 / (1 + of_one("exp", -x))
    e = of_one("exp", x)
    return e / (1 + e)


def _atan2(a: Any, b: Any) -> Any:
    return type(a).atan2(a, b)


def _logaddexp(a: Any, b: Any) -> Any:
    high, low = (a, b) if a >= b else (b, a)
    return high + of_one("log1p", of_one("exp", low - high))


_COMPOSED: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "log2": lambda x: of_one("log", x) / of_one("log", like(x, 2)),
        "log10": lambda x: of_one("log", x) / of_one("log", like(x, 10)),
        "log1p": lambda x: of_one("log", 1 + x),
        "expm1": lambda x: of_one("exp", x) - 1,
        "cbrt": _cbrt,
        "expit": _expit,
        "floor": math.floor,
    }
)
_COMPOSED_OF_TWO: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        "atan2": _atan2,
        "hypot": lambda a, b: of_one("sqrt", a * a + b * b),
        "logaddexp": _logaddexp,
    }
)
_CONSTANTS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        "two_over_sqrt_pi": lambda n, m: n(1) / m.sqrt(m.atan(n(1))),
        "log2_e": lambda n, m: n(1) / m.log(n(2)),
        "log10_e": lambda n, m: n(1) / m.log(n(10)),
    }
)
