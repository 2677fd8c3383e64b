"""First derivatives: compiled functions that seed, evaluate and return a gradient.

Every driver takes a plain Python function ``f(x, *data)`` (or what ``numba.njit`` made of one: its
Python text is compiled again for duals) and returns a Numba dispatcher that is compiled at its first
call, or by `compile_for` before it.

Layout (see ``dual_type``) is chosen by k alone unless the caller names one: S for k <= 3, V above.
What matters in truth is whether LLVM vectorises the function's loop across data: then S keeps that
and wins up to about k = 8 (3 times at k = 2), otherwise V wins from k = 2 on. `suited_layout` looks.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import carray, njit, typeof
from numba.core.errors import NumbaError

from adbench.dual.numba.dual_type import DualType
from adbench.dual.numba.intrinsics import as_dual, dtype_of, seeder, stack_of_duals, tangents, value

Function = Callable[..., Any]

# All that fastmath=True gives in speed; NaN and infinity keep their meaning.
RELAXED = frozenset({"contract", "reassoc", "nsz", "arcp"})
ONE_PASS = 16  # variables that fit one pass over the function
CHUNK = 8  # tangents of a pass when there are more: the best of 4, 8, 16 and 32
LARGEST_SCALAR_LAYOUT = 3


class UnsupportedFunctionError(NotImplementedError):
    """Numba cannot compile the function for dual numbers; its text says which operation is missing."""


def options(strict: bool) -> dict[str, Any]:
    """What `njit` is told: IEEE arithmetic when strict, else what lets LLVM reorder and contract.

    Division by zero gives infinity (``error_model="numpy"``): the check for it would keep loops
    from being vectorised. Numba keeps helpers of its own (``x ** n`` with a whole n, ``max``) as their
    first user in the process had them compiled: for bits that are IEEE's, compile strict code first.
    """
    return {"error_model": "numpy", "fastmath": False if strict else set(RELAXED)}


def primal(f: Function, strict: bool = False) -> Any:
    """``f`` itself for floats, compiled with the flags that its derivatives get."""
    return njit(**options(strict))(_python(f))


def _python(f: Function) -> Function:
    return getattr(f, "py_func", f)


def default_layout(k: int) -> str:
    """The layout of k tangents when the caller names none."""
    return "S" if k <= LARGEST_SCALAR_LAYOUT else "V"


def suited_layout(f: Function, k: int, x: Any, *data: Any, strict: bool = False) -> str:
    """The layout of k tangents that suits f at arguments of these types.

    Compiles f for floats, as strictly as the derivatives will be, and looks for a loop that LLVM vectorised: no clock, so that two processes
    choose alike. Beyond 3 tangents V is chosen unseen; a sum over much data with 4 to 8 variables
    and no call in its loop is better off with ``layout="S"``.
    """
    if k == 1 or k > LARGEST_SCALAR_LAYOUT:
        return default_layout(k)
    code = compile_for(primal(f, strict), x, *data).inspect_llvm()
    return "S" if any("vector.body" in text for text in code.values()) else "V"


def dual_type(k: int, order: int, layout: str | None) -> DualType:
    """The type that carries at least k tangents; vectors have a power of two of lanes."""
    layout = layout or default_layout(k)
    return DualType(k if layout == "S" else 1 << (k - 1).bit_length(), order, layout)


def gradient(f: Function, n: int, *, layout: str | None = None, strict: bool = False) -> Any:
    """Compiled ``g(x, *data) -> array of float64, shape (n,)``.

    Parameters
    ----------
    f : callable
        ``f(x, *data)`` of a sequence x of n numbers, returning one number.
    n : int
        Number of variables; x of another length raises ValueError when called. Up to 16 take one
        pass, more take a pass for every 8, so the cost grows with n times that of f.
    layout : {"S", "V"}, optional
        Of the tangents; default by their number.
    strict : bool
        IEEE arithmetic; f's value is then bit for bit that of ``primal(f, strict=True)``.
    """
    both = value_and_gradient(f, n, layout=layout, strict=strict)

    @njit(**options(strict))
    def driver(x, *data):  # type: ignore[no-untyped-def]
        return both(x, *data)[1]

    return driver


def value_and_gradient(
    f: Function, n: int, *, layout: str | None = None, strict: bool = False
) -> Any:
    """Compiled ``vg(x, *data) -> (float, array of shape (n,))``; parameters as of `gradient`."""
    if n < 1:
        raise ValueError(f"a gradient of {n} variables: n is at least 1")
    ty = dual_type(n if n <= ONE_PASS else CHUNK, 1, layout)
    build = _one_pass if n <= ONE_PASS else _in_chunks
    return build(primal(f, strict), n, ty, options(strict))


def _one_pass(f: Any, n: int, ty: DualType, flags: dict[str, Any]) -> Any:
    duals, result = stack_of_duals(ty, n), as_dual(ty)

    @njit(**flags)
    def driver(x, *data):  # type: ignore[no-untyped-def]
        if x.size != n:
            raise ValueError("x has another length than the gradient was compiled for")
        y = result(f(carray(duals(x), (n,)), *data))
        t = tangents(y)
        out = np.empty(n)
        for i in range(n):
            out[i] = t[i]
        return value(y), out

    return driver


def _in_chunks(f: Any, n: int, ty: DualType, flags: dict[str, Any]) -> Any:
    k, seed, dtype, result = ty.k, seeder(ty), dtype_of(ty), as_dual(ty)

    @njit(**flags)
    def driver(x, *data):  # type: ignore[no-untyped-def]
        if x.size != n:
            raise ValueError("x has another length than the gradient was compiled for")
        out = np.empty(n)
        duals = np.empty(n, dtype())
        for i in range(n):
            duals[i] = seed(x[i], -1)
        v = 0.0
        for start in range(0, n, k):
            stop = min(start + k, n)
            for i in range(start, stop):
                duals[i] = seed(x[i], i - start)
            y = result(f(duals, *data))
            t = tangents(y)
            for i in range(start, stop):
                out[i] = t[i - start]
                duals[i] = seed(x[i], -1)
            v = value(y)
        return v, out

    return driver


def derivative(f: Function, *, strict: bool = False) -> Any:
    """Compiled ``d(points, *data) -> array``: f' of f: R -> R at each of a line of points."""
    ty = DualType(1)
    g, seed, result = primal(f, strict), seeder(ty), as_dual(ty)

    @njit(**options(strict))
    def driver(points, *data):  # type: ignore[no-untyped-def]
        out = np.empty(points.size)
        for i in range(points.size):
            out[i] = tangents(result(g(seed(points[i], 0), *data)))[0]
        return out

    return driver


def elementwise(f: Function, *, strict: bool = False) -> Any:
    """Compiled ``v(points, *data) -> array``: f at each of a line of points."""
    g = primal(f, strict)

    @njit(**options(strict))
    def driver(points, *data):  # type: ignore[no-untyped-def]
        out = np.empty(points.size)
        for i in range(points.size):
            out[i] = g(points[i], *data)
        return out

    return driver


def call_types(driver: Any, x: Any, *data: Any) -> tuple[Any, ...]:
    """Numba's types of a call of a driver or a `primal` with these arguments."""
    *_, last = inspect.signature(driver.py_func).parameters.values()
    # A call gathers ``*data`` into a tuple before it looks for compiled code.
    gathered = (data,) if last.kind is inspect.Parameter.VAR_POSITIONAL else data
    return tuple(typeof(a) for a in (x, *gathered))


def compile_types(driver: Any, types: tuple[Any, ...]) -> None:
    """Compile a driver or a `primal` now, for `call_types`; at once if that was done before.

    Raises
    ------
    UnsupportedFunctionError
        When Numba cannot, with the innermost operation that it refused.
    """
    try:
        driver.compile(types)
    except (NumbaError, NotImplementedError) as error:
        raise UnsupportedFunctionError(
            f"Numba cannot compile this function: {_gist(str(error))}"
        ) from error


def compile_for(driver: Any, x: Any, *data: Any) -> Any:
    """`compile_types` for the types of these arguments; returns the driver."""
    compile_types(driver, call_types(driver, x, *data))
    return driver


def _gist(message: str) -> str:
    """The one line of Numba's explanation that names the operation."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", message)
    told_by_us = re.search(r"the function returns .+", plain)
    if told_by_us:
        return told_by_us.group()
    calls = re.findall(r">>> (.+)", plain)
    if calls:
        return f"it has no implementation of {calls[-1].strip()}"
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Failed in", "During", "File", "-"))]
    return (told or lines or ["no reason given"])[0]
