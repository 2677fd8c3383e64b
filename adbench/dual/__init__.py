"""Dual numbers of our own: automatic differentiation for Python, NumPy and Numba code.

>>> from adbench import dual
>>> dual.grad(lambda x: x[0] * dual.math.exp(x[1]))([2.0, 0.0])
[1.0, 2.0]

Three variants offer the same functions: `dual.python` for plain numbers of any type, `dual.numpy` for
whole-array code, `dual.numba` for functions that Numba compiles. Those of this page take the first
two: NumPy duals when an array is among the arguments, scalar duals otherwise. ``dual.numba`` is chosen
by name; only its import needs Numba.

Knows nothing of adbench and could leave home. ``rules`` is the one table of derivatives, which every
variant reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = [
    "derivative", "grad", "hessian", "hvp", "jacobian", "jvp", "math", "taylor", "value_and_grad",
    "vjp",
]  # fmt: skip

Function = Callable[..., Any]
Argnums = int | tuple[int, ...]


def grad(f: Function, argnums: Argnums = 0) -> Function:
    """``grad(f)(*args)``: the gradient of f, a function that returns one number.

    Parameters
    ----------
    f : callable
        Of numbers, arrays, or (nested) lists and tuples of them.
    argnums : int or tuple of int
        The arguments to differentiate with respect to; the others are constants of any kind. A tuple
        gives a tuple of gradients. Each has the structure and shape of its argument.

    Raises
    ------
    TypeError
        When called, if f does not return one number, or uses a function that the chosen variant does
        not have: the text names it and says what to write instead.
    """
    return lambda *args: _variant(args).grad(f, argnums)(*args)


def value_and_grad(f: Function, argnums: Argnums = 0) -> Function:
    """``value_and_grad(f)(*args) -> (value, gradient)``; parameters as of `grad`."""
    return lambda *args: _variant(args).value_and_grad(f, argnums)(*args)


def jacobian(f: Function, argnums: Argnums = 0) -> Function:
    """``jacobian(f)(*args)``: of an f that returns an array, shape out.shape + in.shape; of one that
    returns a list, a list of gradients.
    """
    return lambda *args: _variant(args).jacobian(f, argnums)(*args)


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """``hessian(f)(*args)``: second derivatives, exactly symmetric; shape in.shape + in.shape."""
    return lambda *args: _variant(args).hessian(f, argnums)(*args)


def derivative(f: Function, argnums: int = 0) -> Function:
    """``derivative(f)(x, ...)``: f' of a function of one number, or at each element of an array."""
    return lambda *args: _variant(args).derivative(f, argnums)(*args)


def jvp(f: Function) -> Function:
    """``jvp(f)(primals, tangents) -> (value, tangent)``: the derivative along a direction, one pass."""
    return lambda primals, tangents: _variant(primals).jvp(f)(primals, tangents)


def vjp(f: Function) -> Function:
    """``vjp(f)(args, v) -> (value, gradients of v . f)``.

    Forward mode does it here, at the cost of a gradient; the tape of ``dual.numba`` in one sweep.
    """
    return lambda args, v: _variant(args).vjp(f)(args, v)


def hvp(f: Function) -> Function:
    """``hvp(f)(args, v)``: the Hessian with respect to the first argument, times v."""
    return lambda args, v: _variant(args).hvp(f)(args, v)


def taylor(f: Function, order: int, argnums: int = 0) -> Function:
    """``taylor(f, order)(x, ...)``: the Taylor coefficients c_0 ... c_order of f at the number x.

    f(x + t) = sum of c_k t^k, so that the k-th derivative is k! c_k. Scalar duals only.
    """
    from adbench.dual.python import taylor as series

    return series(f, order, argnums)


def _variant(args: Any) -> Any:
    """The package whose duals suit these arguments."""
    if _has_array(args):
        from adbench.dual import numpy as arrays

        return arrays
    from adbench.dual import python

    return python


def _has_array(x: Any) -> bool:
    # asked of what is an array of some axes: a NumPy scalar is a number
    if isinstance(x, (list, tuple)):
        return any(map(_has_array, x))
    return bool(getattr(x, "ndim", 0))


def __getattr__(name: str) -> Any:
    # made when asked for: importing one variant shall not pay for the others
    if name == "math":
        from adbench.dual.python import math

        return math
    raise AttributeError(f"module 'adbench.dual' has no attribute '{name}'")
