"""Our duals as contenders: the one place that knows the interface of ``adbench.dual``.

A kernel of ours is a ``numba.cfunc`` with the signature of the C kernels (`kernels`), around what a
user would write in compiled code: a derivative compiled from the unmodified text, called with the
variables and data, writing into an array of the caller's.
"""

from __future__ import annotations

from typing import Any

import functions
import numpy as np
from contender import Contender, Maker, unavailable
from kernels import SIGNATURE, Floats, Kernel, loop, once
from problems import Problem
from timing import calls

__all__ = [
    "Contender", "compiled_calls", "contender_of", "from_python", "gradient", "gradient_kernels",
    "hessian_from_python", "hessian_kernels", "numpy_gradient", "python_derivatives",
]  # fmt: skip


def text(p: Problem) -> Any:
    """The function as plain Python text for Numba."""
    return p.build(functions.for_numba())


def _array(p: Problem) -> bool:
    return isinstance(p.x, np.ndarray)


def _size(p: Problem) -> dict[str, Any]:
    """What a derivative in compiled code is told of the number of variables."""
    return {"n": p.variables} if _array(p) else {}


def kernel(p: Problem, kind: str, function: Any, results: int) -> Kernel:
    """Machine code with the signature of the C kernels that calls a compiled function of ours.

    `kind` is "value", "gradient" (``function(*args, out) -> (value, out)``), "returned" (``function(*args)
    -> (value, derivatives)``) or "hessian" (``function(*args, out)``).
    """
    from numba import cfunc, types

    pointer = types.CPointer(types.float64)
    signature = types.float64(pointer, pointer, pointer, types.intp)
    bodies = _bodies_of_points(p, function) if p.many else _bodies(p, function, results)
    made = cfunc(signature)(bodies[kind])
    pointed = SIGNATURE(made.address)
    pointed.kept = made  # type: ignore[attr-defined]  # the code lives as long as this object
    return pointed


def _bodies(p: Problem, function: Any, results: int) -> dict[str, Any]:
    import numba
    from numba import carray

    unpack, side = p.unpack(numba), p.variables

    # Numba joins tuples with +, not with a star in a display.
    def value(x, out, data, n):  # type: ignore[no-untyped-def]
        return function(*unpack(x, data, n))

    def gradient(x, out, data, n):  # type: ignore[no-untyped-def]
        return function(*(unpack(x, data, n) + (carray(out, (results,)),)))[0]  # noqa: RUF005

    def returned(x, out, data, n):  # type: ignore[no-untyped-def]
        value, derivatives = function(*unpack(x, data, n))
        carray(out, (results,))[:] = derivatives
        return value

    def hessian(x, out, data, n):  # type: ignore[no-untyped-def]
        function(*(unpack(x, data, n) + (carray(out, (side, side)),)))  # noqa: RUF005
        return 0.0

    return {"value": value, "gradient": gradient, "returned": returned, "hessian": hessian}


def _bodies_of_points(p: Problem, function: Any) -> dict[str, Any]:
    from numba import carray

    def value(x, out, data, n):  # type: ignore[no-untyped-def]
        points, values = carray(data, (n, 2)), carray(out, (n,))
        total = 0.0
        for i in range(n):
            values[i] = function(points[i])
            total += values[i]
        return total

    def gradient(x, out, data, n):  # type: ignore[no-untyped-def]
        points, slopes = carray(data, (n, 2)), carray(out, (n, 3))
        total = 0.0
        for i in range(n):
            slopes[i, 0] = function(points[i], slopes[i, 1:])[0]
            total += slopes[i, 0]
        return total

    return {"value": value, "gradient": gradient}


def _arguments(p: Problem) -> tuple[Floats, Floats, int]:
    return np.atleast_1d(np.asarray(p.x, dtype=np.float64)), p.flat, p.n


def contender_of(p: Problem, code: Kernel, results: int, *, compare: bool = True) -> Contender:
    """A kernel, ours or C's, called from the one loop."""
    x, data, n = _arguments(p)

    def result() -> Any:
        found = once(code, x, results, data, n)[1]
        return found.reshape(n, 3)[:, 1:] if p.many else found  # a point's value comes first

    return Contender(loop(code, x, results, data, n), result if compare else None)


def gradient_kernels(p: Problem) -> dict[str, Maker]:
    """Primal and gradient, in both layouts, with and without vector math, strict, and by the tape."""
    from adbench.dual import numba as dual

    def value(**options: Any) -> Contender:
        code = kernel(p, "value", dual.primal(text(p), **options), p.results)
        return contender_of(p, code, p.results, compare=False)

    def gradient(**options: Any) -> Contender:
        both = dual.value_and_grad(text(p), **_size(p), **options)
        return differentiated("gradient" if _array(p) else "returned", both)

    def tape() -> Contender:
        return differentiated("returned", dual.tape_value_and_grad(text(p)))

    def differentiated(kind: str, function: Any) -> Contender:
        return contender_of(p, kernel(p, kind, function, p.results), p.results)

    return {
        "primal": value,
        "primal vector math": lambda: value(vector_math=True),
        "dual S": lambda: gradient(layout="S"),
        "dual V": lambda: gradient(layout="V"),
        "dual strict": lambda: gradient(strict=True),
        "dual S vector math": lambda: gradient(layout="S", vector_math=True),
        "dual V vector math": lambda: gradient(layout="V", vector_math=True),
        "tape": tape if not p.many else unavailable("no tape for every point"),
    }


def hessian_kernels(p: Problem) -> dict[str, Maker]:
    """The same of Hessians."""
    from adbench.dual import numba as dual

    results = p.variables**2

    def hessian(**options: Any) -> Contender:
        second = dual.hessian(text(p), **_size(p), **options)
        return contender_of(p, kernel(p, "hessian", second, results), results)

    return {
        "dual S": lambda: hessian(layout="S"),
        "dual V": lambda: hessian(layout="V"),
        "dual S vector math": lambda: hessian(layout="S", vector_math=True),
        "dual V vector math": lambda: hessian(layout="V", vector_math=True),
    }


def gradient(p: Problem, **options: Any) -> Any:
    """What a Python user calls: ``g(x, *data)``, or ``g(x, *data, out=array)``."""
    from adbench.dual import numba as dual

    return dual.grad(text(p), **options)


def from_python(p: Problem) -> dict[str, Maker]:
    """Gradients called from Python."""

    def forward(**options: Any) -> Contender:
        if p.many:
            return _from_python_points(p, **options)
        made = gradient(p, **options)
        return Contender(calls(made, p.x, *p.data), lambda: made(p.x, *p.data))

    def tape() -> Contender:
        from adbench.dual import numba as dual

        made = dual.tape_grad(text(p))
        return Contender(calls(made, p.x, *p.data), lambda: made(p.x, *p.data))

    return {
        "py dual": forward,
        "py dual vector math": lambda: forward(vector_math=True),
        "py tape": tape if not p.many else unavailable("no tape for every point"),
    }


def _from_python_points(p: Problem, **options: Any) -> Contender:
    """All points at once, as compiled code that calls the compiled gradient."""
    from numba import njit

    from adbench.dual import numba as dual

    slope = dual.grad(text(p), n=2, **options)

    @njit
    def every(points):  # type: ignore[no-untyped-def]
        out = np.empty((len(points), 2))
        for i in range(len(points)):
            slope(points[i], out[i])
        return out

    points = p.flat.reshape(-1, 2)
    return Contender(calls(every, points), lambda: every(points))


def compiled_calls(p: Problem) -> dict[str, Any]:
    """``many(x, out, count)`` for arrays x and out: a user's compiled loop around a derivative."""
    from numba import njit

    from adbench.dual import numba as dual

    slope = dual.grad(text(p), **_size(p))
    both = dual.value_and_grad(text(p), **_size(p))

    @njit
    def gradients(x, out, count):  # type: ignore[no-untyped-def]
        for _ in range(count):
            slope(x, out)

    @njit
    def values_and_gradients(x, out, count):  # type: ignore[no-untyped-def]
        for _ in range(count):
            both(x, out)

    return {"grad(x, out)": gradients, "value_and_grad(x, out)": values_and_gradients}


def hessian_from_python(p: Problem) -> dict[str, Maker]:
    """Hessians called from Python."""
    from adbench.dual import numba as dual

    def made(**options: Any) -> Contender:
        second = dual.hessian(text(p), **options)
        return Contender(calls(second, p.x, *p.data), lambda: second(p.x, *p.data))

    return {"py hessian": made, "py hessian vector math": lambda: made(vector_math=True)}


def python_derivatives(f: Any) -> tuple[Any, Any]:
    """Derivatives of f(x, *data) of one number, by `Dual` and by `Vector` with one tangent."""
    from adbench.dual import python as dual
    from adbench.dual.python.vector import vector

    def by_vector(x: float, *data: Any) -> Any:
        return f(vector(x, [1.0], 1), *data).tangents[0]

    return dual.derivative(f), by_vector


def numpy_gradient(f: Any) -> Any:
    """The gradient of whole-array code."""
    from adbench.dual import numpy as dual

    return dual.grad(f)
