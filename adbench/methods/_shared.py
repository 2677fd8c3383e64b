"""What several methods need alike: arguments, results and names of special functions; knows no tool."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from adbench.model import Floats, Operator, Point, namespace

OPERATORS = (
    Operator.VALUE,
    Operator.DERIVATIVE,
    Operator.GRADIENT,
    Operator.VALUE_AND_GRADIENT,
    Operator.HESSIAN,
)


def arrays(point: Point) -> tuple[Any, ...]:
    """X and data as fresh writable NumPy arrays: the arguments of a call."""
    x, data = point.fresh()
    return (x, *data)


def decode(result: Any) -> Floats:
    """A result as an array of its own: of one array or number, or of a value and its gradient.

    Parameters
    ----------
    result : number, array, list, or tuple of them
        A tuple becomes one vector, part after part.
    """
    parts = result if isinstance(result, tuple) else (result,)
    own = [np.array(p, dtype=np.float64) for p in parts]
    return own[0] if len(own) == 1 else np.concatenate([np.ravel(a) for a in own])


def array_words(name: str, numpy_like: Any, special: Any) -> ModuleType:
    """All of a module like NumPy, and the names that forms use where NumPy's differ.

    Parameters
    ----------
    name : str
        Of the namespace.
    numpy_like, special : module
        Counterparts of NumPy and of scipy.special. NumPy's older names are asked for, which all have:
        autograd knows the derivative of arcsin, not of NumPy 2's alias asin.
    """
    public = {k: v for k, v in vars(numpy_like).items() if not k.startswith("_")}
    ours = {
        "asin": numpy_like.arcsin,
        "acos": numpy_like.arccos,
        "atan": numpy_like.arctan,
        "atan2": numpy_like.arctan2,
        "erf": special.erf,
        "erfc": special.erfc,
        "lgamma": special.gammaln,
    }
    return namespace(name, {**public, **ours})
