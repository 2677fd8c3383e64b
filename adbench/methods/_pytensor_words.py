"""NumPy's names, as array forms use them, in PyTensor's words, and variables whose lengths are known; knows
PyTensor and no operator.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods._shared import Function
from adbench.model import namespace

# PyTensor's spelling of NumPy's older names.
_SPELT = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "atan2": "arctan2",
    "lgamma": "gammaln",
}
# Functions of one number. PyTensor gives a plain number the narrowest type that holds it, 8 bits for 2 and
# 32 for 1.5, and takes the function in 32 bits of it: such numbers go in as float64 (docs/conformance.md
# found it, by lgamma).
_OF_ONE = (
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "expm1", "log", "log1p",
    "sqrt", "erf", "erfc", "lgamma",
)  # fmt: skip


def words() -> ModuleType:
    """The namespace of array forms; derivatives nest, by reverse mode."""
    import pytensor
    from pytensor import tensor as pt
    from pytensor.tensor import linalg, special

    def derivative(g: Function, t: Any) -> Any:
        inside = pt.as_tensor_variable(t).type()
        slope = pytensor.grad(pt.sum(g(inside)), inside)
        return pytensor.graph.replace.clone_replace(slope, {inside: pt.as_tensor_variable(t)})

    def reshape(a: Any, shape: Any) -> Any:
        return pt.reshape(a, shape, ndim=len(shape) if isinstance(shape, tuple) else 1)

    public = {k: v for k, v in vars(pt).items() if not k.startswith("_")}
    ours = {name: getattr(pt, spelt) for name, spelt in _SPELT.items()}
    found = {**public, **ours}
    ours |= {name: _wide(found[name]) for name in _OF_ONE}
    ours |= {"derivative": derivative, "reshape": reshape, "linalg": linalg, "special": special}
    return namespace("pytensor.tensor", {**public, **ours})


def _wide(function: Function) -> Function:
    """The function, which takes a plain number as one of 64 bits."""

    @wraps(function)
    def of_one(a: Any) -> Any:
        return function(np.asarray(a, np.float64) if isinstance(a, int | float) else a)

    return of_one


def variable(name: str, value: Any) -> Any:
    """An input of the graph like a value: its type, and of arrays the shape, for texts count by lengths."""
    from pytensor import tensor as pt

    if isinstance(value, np.ndarray):
        return pt.tensor(name, dtype=value.dtype, shape=value.shape)
    return pt.scalar(name, dtype="float64")


@contextmanager
def known_lengths() -> Iterator[None]:
    """While a text runs, the shape of a variable is numbers where PyTensor knows them, as for every
    other array tool: texts count by lengths, and a symbol equals none.

    PyTensor keeps them in `type.shape`, and `shape` is a symbol that its rewrites replace by them; what is
    set here on its class for a moment only spares the graph these symbols.
    """
    from pytensor.tensor.variable import TensorVariable

    kept = TensorVariable.shape

    def shape(self: Any) -> Any:
        known = self.type.shape
        return kept.fget(self) if None in known else known

    TensorVariable.shape = property(shape)
    TensorVariable.__len__ = lambda self: self.shape[0]
    try:
        yield
    finally:
        TensorVariable.shape = kept
        del TensorVariable.__len__
