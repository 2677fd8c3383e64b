"""NumPy's functions: which one a rule is of, and how our own form of one is called (its `out` too)."""

from collections.abc import Callable
from functools import cache
from inspect import Parameter, signature
from typing import Any

import numpy as np
from scipy import special

from adbench.dual.numpy.memory import DroppedDerivativeError, replaced

Function = Callable[..., Any]

_RENAMED: dict[str, Any] = {
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh, "neg": np.negative, "pos": np.positive,
    "lgamma": special.gammaln, "digamma": special.psi, "add": np.add, "sub": np.subtract,
    "mul": np.multiply, "div": np.divide, "pow": np.power, "atan2": np.arctan2,
    "mod": np.remainder,
}  # fmt: skip


def ufunc_of(name: str) -> Any:
    """NumPy's or SciPy's function that the rule of that name differentiates."""
    return _RENAMED.get(name) or getattr(np, name, None) or getattr(special, name)


def call(name: str, function: Function | None, args: Any, kwargs: dict[str, Any]) -> Any:
    """Our form of a NumPy function, with the arguments by name that it takes, and `out`."""
    if function is None:
        raise TypeError(
            f"array duals have no np.{name}: write it with arithmetic, indexing and the functions "
            "that adbench.dual.numpy lists, or use the scalar duals of adbench.dual.python"
        )
    out = kwargs.pop("out", None)
    refused = _refused(function, frozenset(kwargs))
    for word in [w for w in refused if kwargs[w] is None]:
        del kwargs[word]  # NumPy passes on what it was not asked for
    refused = refused & kwargs.keys()
    if refused:
        raise TypeError(
            f"np.{name} of an array dual takes no {', '.join(sorted(refused))}: write without it"
        )
    result = function(*args, **kwargs)
    return result if out is None else _stored(name, result, out)


@cache
def _refused(function: Function, words: frozenset[str]) -> frozenset[str]:
    """Those of the arguments by name that the function does not take."""
    if isinstance(function, np.ufunc):
        return frozenset()
    taken = signature(function).parameters
    if any(p.kind is Parameter.VAR_KEYWORD for p in taken.values()):
        return frozenset()
    return words - taken.keys()


def _stored(name: str, result: Any, out: Any) -> Any:
    target = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if not hasattr(target, "tangents"):
        raise DroppedDerivativeError(
            f"np.{name} cannot store an array dual in a plain NumPy array, which would drop its "
            "derivatives (y += x asks for that too): write y = y + x, or make y with "
            "np.zeros_like(x), where x is one of the variables"
        )
    return replaced(target, result)
