"""Plain elementary functions for Python floats and for NumPy arrays; knows no dual number.

Both tables have the names that the rules ask of their namespace `m`: the elementary functions, and
``fabs``, ``hypot``, ``pow``, ``polygamma``, ``where_nonnegative``, ``quiet_log`` (the logarithm, with
-inf at 0 and NaN below in place of an error), ``strong`` (a product where a zero on the left wins
over an infinity, but not over NaN, on the right) and ``steady`` (its argument, whose arithmetic a
compiler must not rearrange: nothing to do here).
"""

import cmath
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import special

Function = Callable[..., Any]

UNARY_NAMES = (
    "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "erf", "erfc", "lgamma",
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


def _polygamma(order: int, x: Any) -> float:
    return float(special.polygamma(order, x))


FLOAT: Mapping[str, Function] = MappingProxyType(
    {
        **{name: getattr(math, name) for name in UNARY_NAMES},
        "atan2": math.atan2,
        "hypot": math.hypot,
        "fabs": math.fabs,
        "pow": _pow,
        "where_nonnegative": _where_nonnegative,
        "quiet_log": _quiet_log,
        "strong": _strong,
        "steady": _steady,
        "polygamma": _polygamma,
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
        "atan2": _special(angle),
        "pow": _pow,
        "fabs": _refusal("fabs"),
    }
)


_NUMPY_NAMES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2"}
_SPECIAL_NAMES = {"erf": "erf", "erfc": "erfc", "lgamma": "gammaln", "polygamma": "polygamma"}


def _array_where_nonnegative(x: Any, yes: Any, no: Any) -> Any:
    return np.where(x >= 0, yes, no)


def _array_strong(v: Any, x: Any) -> Any:
    return np.where((v == 0) & ~np.isnan(x), 0.0, v * x)


ARRAY: Mapping[str, Function] = MappingProxyType(
    {
        **{
            name: getattr(np, _NUMPY_NAMES.get(name, name))
            for name in (*UNARY_NAMES, "atan2", "hypot", "fabs")
            if name not in _SPECIAL_NAMES
        },
        **{name: getattr(special, scipys) for name, scipys in _SPECIAL_NAMES.items()},
        "pow": np.power,
        "where_nonnegative": _array_where_nonnegative,
        "quiet_log": np.log,
        "strong": _array_strong,
        "steady": _steady,
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
    own = {"atan2": angle, "arctan2": angle, "lgamma": special.loggamma}
    return {**numpy_words(), **refused, **own}
