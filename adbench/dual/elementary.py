"""Plain elementary functions for Python floats and for NumPy arrays; knows no dual number.

Both tables have the names that the rules ask of their namespace `m`: the elementary functions, and
``fabs``, ``atan2``, ``hypot``, ``logaddexp``, ``mod``, ``floor``, ``pow``, ``polygamma``,
``where_nonnegative(x, yes, no)``, ``quiet_log`` (the logarithm, with -inf at 0 and NaN below in place
of an error), ``strong`` (a product where a zero on the left wins over an infinity, but not over NaN,
on the right), ``steady`` (its argument, whose arithmetic a compiler must not rearrange: nothing to do
here), ``square_error(x)`` (``x * x`` less its rounded value, exactly; of arrays to 2^-25 of that) and the
constants of the rules.
"""

import cmath
import math
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import special

from adbench.dual.polygamma import polygamma
from adbench.dual.rules import CONSTANTS as RULE_CONSTANTS

Function = Callable[..., Any]

UNARY_NAMES = (
    "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "cbrt",
    "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "erf", "erfc", "lgamma", "digamma", "expit",
)  # fmt: skip
CONSTANTS: Mapping[str, float] = MappingProxyType(
    {"pi": math.pi, "sqrt2": math.sqrt(2.0), "log2pi": math.log(2.0 * math.pi)}
)


def _pow(a: Any, b: Any) -> Any:
    return a**b


def _where_nonnegative(x: Any, yes: Any, no: Any) -> Any:
    return yes if x >= 0 else no


def _quiet_log(x: Any) -> float:
    if x > 0:
        return math.log(x)
    return -math.inf if x == 0 else math.nan


def _strong(v: Any, x: Any) -> Any:
    return 0.0 if v == 0 and x == x else v * x


def _steady(x: Any) -> Any:
    return x


def _expit(x: Any) -> float:
    e = math.exp(-abs(x))
    return (1.0 if x >= 0 else e) / (1.0 + e)


def _logaddexp(a: Any, b: Any) -> Any:
    if a == b:
        return a + math.log(2.0)  # infinities too, whose difference is no number
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))


def _floor(x: Any) -> float:
    return float(math.floor(x))


def _mod(a: Any, b: Any) -> Any:
    return a % b


def _digamma(x: Any) -> float:
    return float(polygamma(0, x))


def _square_error(x: Any) -> Any:
    # Dekker, "A floating-point technique for extending the available precision", 1971
    t = 134217729.0 * x
    high = t - (t - x)
    low = x - high
    return ((high * high - x * x) + 2.0 * high * low) + low * low


FLOAT: Mapping[str, Any] = MappingProxyType(
    {
        **{name: getattr(math, name) for name in UNARY_NAMES if hasattr(math, name)},
        "digamma": _digamma,
        "expit": _expit,
        "logaddexp": _logaddexp,
        "mod": _mod,
        "floor": _floor,
        "atan2": math.atan2,
        "hypot": math.hypot,
        "fabs": math.fabs,
        "pow": _pow,
        "where_nonnegative": _where_nonnegative,
        "quiet_log": _quiet_log,
        "strong": _strong,
        "steady": _steady,
        "square_error": _square_error,
        **RULE_CONSTANTS,
        "polygamma": lambda order, x: float(polygamma(order, x)),
    }
)


def _special(ufunc: Any) -> Function:
    return lambda *args: complex(ufunc(*args))


def angle(y: Any, x: Any) -> Any:
    """The angle of (x, y) by arctangents, which complex numbers have and atan2 has not."""
    flat = np.abs(np.real(x)) >= np.abs(np.real(y))
    sign = np.copysign(np.pi, np.real(y))
    turned = np.arctan(np.where(flat, y, x) / np.where(flat, x, y))
    return np.where(flat, turned + sign * (np.real(x) < 0), 0.5 * sign - turned)[()]


def _refusal(name: str) -> Function:
    def refuse(*_: Any, **__: Any) -> Any:
        raise NotImplementedError(f"complex step needs an analytic function, and {name} is not")

    return refuse


COMPLEX: Mapping[str, Function] = MappingProxyType(
    {
        **{name: getattr(cmath, name) for name in UNARY_NAMES if hasattr(cmath, name)},
        "expm1": _special(np.expm1),
        "log1p": _special(np.log1p),
        "erf": _special(special.erf),
        "erfc": _special(special.erfc),
        "lgamma": _special(special.loggamma),
        "digamma": _special(special.digamma),
        "log2": lambda z: cmath.log(z) / math.log(2.0),
        "expit": lambda z: 0.5 + 0.5 * cmath.tanh(0.5 * z),
        "cbrt": _refusal("cbrt"),
        "atan2": _special(angle),
        "pow": _pow,
        "fabs": _refusal("fabs"),
    }
)


_NUMPY_NAMES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2",
    "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
}  # fmt: skip
_SPECIAL_NAMES = {
    "erf": "erf", "erfc": "erfc", "lgamma": "gammaln", "expit": "expit",
}  # fmt: skip


def _array_where_nonnegative(x: Any, yes: Any, no: Any) -> Any:
    return np.where(x >= 0.0, yes, no)


def _array_square_error(x: Any) -> Any:
    # as `_square_error`, with x^2 - high^2 by its factors: fewer passes, and the rounding of their
    # product is 2^-26 of the result
    t = 134217729.0 * x
    high = t - (t - x)
    return (high * high - x * x) + (x - high) * (x + high)


def _array_quiet_log(x: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(x)


def _array_strong(v: Any, x: Any) -> Any:
    return np.where((v == 0) & ~np.isnan(x), 0.0, v * x)


ARRAY: Mapping[str, Any] = MappingProxyType(
    {
        **{
            name: getattr(np, _NUMPY_NAMES.get(name, name))
            for name in (*UNARY_NAMES, "atan2", "hypot", "fabs", "logaddexp", "mod", "floor")
            if name not in _SPECIAL_NAMES and name != "digamma"
        },
        **{name: getattr(special, scipys) for name, scipys in _SPECIAL_NAMES.items()},
        "pow": np.power,
        "where_nonnegative": _array_where_nonnegative,
        "quiet_log": _array_quiet_log,
        "strong": _array_strong,
        "digamma": partial(polygamma, 0),
        "polygamma": polygamma,
        "steady": _steady,
        "square_error": _array_square_error,
        **RULE_CONSTANTS,
    }
)


def numpy_words() -> dict[str, Any]:
    """All of NumPy's public names, and the names of `ARRAY`: the namespace of whole-array code."""
    public = {name: value for name, value in vars(np).items() if not name.startswith("_")}
    return {**public, **CONSTANTS, **ARRAY}


NOT_ANALYTIC = (
    "abs", "absolute", "fabs", "sign", "hypot", "conj", "conjugate", "real", "imag", "angle", "vdot",
)  # fmt: skip


def complex_numpy_words() -> dict[str, Any]:
    """As `numpy_words`, for complex steps: what is not analytic refuses instead of misleading."""
    refused = {name: _refusal(name) for name in NOT_ANALYTIC}
    own = {"atan2": angle, "arctan2": angle, "lgamma": special.loggamma, "digamma": special.digamma}
    return {**numpy_words(), **refused, **own}
