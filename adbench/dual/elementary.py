"""Plain elementary functions for Python floats and for NumPy arrays; knows no dual number.

Both tables have the names that the rules ask of their namespace `m`: the elementary functions, and
``fabs``, ``pow``, ``where_nonnegative`` and ``polygamma``.
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


def _polygamma(order: int, x: Any) -> float:
    return float(special.polygamma(order, x))


FLOAT: Mapping[str, Function] = MappingProxyType(
    {
        **{name: getattr(math, name) for name in UNARY_NAMES},
        "atan2": math.atan2,
        "fabs": math.fabs,
        "pow": _pow,
        "where_nonnegative": _where_nonnegative,
        "polygamma": _polygamma,
    }
)


def _special(ufunc: Any) -> Function:
    return lambda x: complex(ufunc(x))


# Only functions that are analytic: fabs and comparisons have no place here.
COMPLEX: Mapping[str, Function] = MappingProxyType(
    {
        **{name: getattr(cmath, name) for name in UNARY_NAMES if hasattr(cmath, name)},
        "expm1": _special(np.expm1),
        "log1p": _special(np.log1p),
        "erf": _special(special.erf),
        "erfc": _special(special.erfc),
        "lgamma": _special(special.loggamma),
        "pow": _pow,
    }
)


_NUMPY_NAMES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2"}
_SPECIAL_NAMES = {"erf": "erf", "erfc": "erfc", "lgamma": "gammaln", "polygamma": "polygamma"}


def _array_where_nonnegative(x: Any, yes: Any, no: Any) -> Any:
    return np.where(x >= 0, yes, no)


ARRAY: Mapping[str, Function] = MappingProxyType(
    {
        **{
            name: getattr(np, _NUMPY_NAMES.get(name, name))
            for name in (*UNARY_NAMES, "atan2", "fabs")
            if name not in _SPECIAL_NAMES
        },
        **{name: getattr(special, scipys) for name, scipys in _SPECIAL_NAMES.items()},
        "pow": np.power,
        "where_nonnegative": _array_where_nonnegative,
    }
)


def numpy_words() -> dict[str, Any]:
    """All of NumPy's public names, and the names of `ARRAY`: the namespace of whole-array code."""
    public = {name: value for name, value in vars(np).items() if not name.startswith("_")}
    return {**public, **CONSTANTS, **ARRAY}
