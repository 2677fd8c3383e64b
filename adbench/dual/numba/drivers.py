"""What users call: derivatives of a function as compiled callables.

    from adbench.dual import numba as dual

    slope = dual.grad(f)          # f: Python, or what numba.njit made of it
    slope(x, data)                # from Python
    slope(x, data, out=buffer)    # without allocating the result
    # inside other compiled code just the same

What the drivers return is a Numba dispatcher: a call costs what a call of any compiled function costs,
and types are compiled for when they first come. The function's Python text is compiled again for
duals; it must not write to the arguments that it is differentiated by.

**Variables.** ``argnums`` names the arguments to differentiate by, as in JAX: a number, an array of any
shape, or a tuple of such; the result has the same structure, and for a tuple of argnums it is a tuple.
All other arguments are constants of any type. Whole numbers are taken as float64.

**Sizes.** Code for a known number of variables is several times as fast where they are few. Called from
Python, a driver compiles for each size when it first comes (up to 32 variables; beyond, one compilation
serves all). In compiled code there is no time to do so: there a driver computes in chunks of 8 whatever
comes, unless all variables are single numbers or ``n`` tells the size: an int for one array of one
dimension, a shape for one array, a list of shapes for several. Arguments of another size then raise
ValueError.

**Many variables.** `grad` and `value_and_grad` go in reverse for more than 32 variables: one pass over f
on a tape of at most ``max_bytes`` (see ``tape``). Forward mode, in passes of 16 tangents (in compiled
code of 8), stays for a named layout, for ``vector_math``, for f with ``parallel=True`` and for what a
tape cannot record; ``layout="tape"`` asks for reverse at any size. In compiled code the number must be
known: for many variables give ``n`` or ``layout="tape"`` there, else they go forward in chunks of 8.

**Layouts.** ``layout="S"`` keeps a dual's tangents as scalars, for loops that LLVM vectorises across
data; ``"V"`` as one vector. Default from Python for 2 to 8 tangents: both are compiled and the faster
one in a few calls stays for the process (the function is called some times more; see ``choice``).
``layout="auto-static"`` looks at the code instead and lets two processes choose alike. In compiled code
the default goes by the number of tangents: S up to 3, else V.

**Flags.** ``strict=True`` is IEEE arithmetic in the order of the text: the value is bit for bit that of
``primal(f, strict=True)``. ``vector_math=True`` computes elementary functions for several numbers at
once (see ``vector_math``). What the user's own ``@njit`` says of parallel, boundscheck, nogil and
inline is kept.
"""

from __future__ import annotations

from typing import Any

from adbench.dual.numba import kernels, reverse, second
from adbench.dual.numba.arguments import Argnums
from adbench.dual.numba.building import (
    Operator,
    driver,
    gradient_body,
    hessian_body,
    jacobian_body,
    value_and_gradient_body,
)
from adbench.dual.numba.compiling import Function
from adbench.dual.numba.kernels import CHUNK_OF_MANY, ONE_PASS, Plan
from adbench.dual.numba.tape_memory import MAX_BYTES


def _same(n: int) -> int:
    return n


def _square(n: int) -> int:
    return n * n


# The last numbers: variables of one pass, tangents of a pass otherwise, tangents measured.
_GRADIENT = Operator(
    "gradient", kernels.gradient, gradient_body, ONE_PASS, CHUNK_OF_MANY, 8, _same, reverse.gradient
)
_VALUE_AND_GRADIENT = Operator(
    "gradient",
    kernels.gradient,
    value_and_gradient_body,
    ONE_PASS,
    CHUNK_OF_MANY,
    8,
    _same,
    reverse.gradient,
)
_JACOBIAN = Operator("Jacobian", kernels.jacobian, jacobian_body, ONE_PASS, CHUNK_OF_MANY, 8, None)
_HESSIAN = Operator(
    "Hessian", second.hessian, hessian_body, second.ONE_PASS, 2 * second.HALF, 4, _square
)
_DERIVATIVE = Operator("derivative", kernels.derivative, gradient_body, 0, 1, 0, _same)


def grad(
    f: Function,
    argnums: Argnums = 0,
    *,
    n: Any = None,
    layout: str | None = None,
    strict: bool = False,
    vector_math: bool = False,
    max_bytes: int = MAX_BYTES,
) -> Any:
    """Compiled ``g(*args, out=None)``: the derivatives of f by its variables.

    Parameters
    ----------
    f : callable
        ``f(*args)``, returning one number.
    argnums : int or tuple of int
        Of the arguments to differentiate by.
    n : int, shape or list of shapes, optional
        The size of the variables, if it is one for all calls.
    layout : {"S", "V", "auto-static", "tape"}, optional
        Of the tangents, measured if None; "tape" is reverse mode.
    strict, vector_math : bool
        See above.
    max_bytes : int
        Bound on the memory of a tape.

    Returns
    -------
    numba dispatcher
        Its result has the structure of the variables: float64 for a number, an array of the same
        shape for an array, tuples for tuples. Up to 32 variables take one pass over f forward,
        more take one in reverse. `out`, arrays of that structure, takes the result. A function that takes
        ``*args`` or has default values has no `out`.

    Raises
    ------
    UnsupportedFunctionError
        From the first call, where Numba cannot compile f for duals.
    MemoryError
        When called: f does more operations than a tape of max_bytes holds.
    """
    plan = Plan(f, argnums, strict=strict, vector_math=vector_math, max_bytes=max_bytes)
    return driver(_GRADIENT, plan, n, layout)


def value_and_grad(
    f: Function,
    argnums: Argnums = 0,
    *,
    n: Any = None,
    layout: str | None = None,
    strict: bool = False,
    vector_math: bool = False,
    max_bytes: int = MAX_BYTES,
) -> Any:
    """Compiled ``vg(*args, out=None) -> (value, derivatives)``; parameters as of `grad`."""
    plan = Plan(f, argnums, strict=strict, vector_math=vector_math, max_bytes=max_bytes)
    return driver(_VALUE_AND_GRADIENT, plan, n, layout)


def jacobian(
    f: Function,
    argnums: Argnums = 0,
    *,
    n: Any = None,
    layout: str | None = None,
    strict: bool = False,
    vector_math: bool = False,
) -> Any:
    """Compiled ``j(*args, out=None)``: derivatives of all that f returns; parameters as of `grad`.

    f returns an array of numbers, a tuple of m numbers, which counts as an array of shape (m,), or one
    number. For each array among the variables the result has the shape ``result.shape +
    variable.shape``.
    """
    plan = Plan(f, argnums, strict=strict, vector_math=vector_math)
    return driver(_JACOBIAN, plan, n, layout)


def hessian(
    f: Function,
    argnums: Argnums = 0,
    *,
    n: Any = None,
    layout: str | None = None,
    strict: bool = False,
    vector_math: bool = False,
) -> Any:
    """Compiled ``h(*args, out=None)``: second derivatives, exactly symmetric; parameters as of `grad`.

    For one array the shape is ``x.shape + x.shape``; a tuple of variables gives a tuple of tuples. Up
    to 16 variables take one pass; more take a pass for every pair of blocks of 4, about n^2 / 32 passes
    of 36 second derivatives.
    """
    plan = Plan(f, argnums, strict=strict, vector_math=vector_math)
    return driver(_HESSIAN, plan, n, layout)


def derivative(
    f: Function, argnums: int = 0, *, strict: bool = False, vector_math: bool = False
) -> Any:
    """Compiled ``d(*args, out=None)``: the slope of a function of one number.

    At the number that argument `argnums` is, or at every element of the array that it is; the result
    has its shape. Parameters as of `grad`.
    """
    plan = Plan(f, argnums, strict=strict, vector_math=vector_math)
    return driver(_DERIVATIVE, plan, None, "S")
