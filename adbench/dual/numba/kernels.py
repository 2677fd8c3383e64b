"""First derivatives in flat memory: seed, evaluate, and store tangents in a line of numbers.

A *kernel* is compiled for the types of ``args``, the tuple of a function's arguments; drivers give it
memory and give its line of derivatives the structure of the variables. Where the shapes of the
variables are known when it is compiled and few enough, all lie on the stack, seeds are constants and
one pass does (`ONE_PASS`). Otherwise it serves every size, some tangents in each pass (`CHUNK`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import njit

from adbench.dual.numba.arguments import (
    Argnums,
    Shapes,
    counter,
    exchanger,
    gatherer,
    lifter,
)
from adbench.dual.numba.arrays import prepared
from adbench.dual.numba.compiling import Function, options, own_options, python_text
from adbench.dual.numba.dual_type import DualType
from adbench.dual.numba.helpers import with_helpers
from adbench.dual.numba.intrinsics import as_dual, dtype_of, put, seeder, value
from adbench.dual.numba.rows import extent, put_rows
from adbench.dual.numba.stack import checker, seeded
from adbench.dual.numba.tape_memory import MAX_BYTES, check_bound

ONE_PASS = 32  # variables that fit one pass over the function
CHUNK = 8  # tangents of a pass where nothing is known of their number
CHUNK_OF_MANY = 16  # where it is known that there are more than fit one pass: of 4 to 32 the best
LARGEST_SCALAR_LAYOUT = 3
ANOTHER_SIZE = "the variables have another size than the derivative was compiled for"


@dataclass(frozen=True)
class Plan:
    """What is differentiated by what, and how.

    Attributes
    ----------
    f : callable
        As the user gave it.
    argnums : int or tuple of int
        Of the variables.
    shapes : tuple of shapes, or None
        Of the arrays among the variables, if one size is to be compiled for.
    count : int or None
        How many numbers the variables then are.
    layout : {"S", "V", "tape"} or None
        Of the tangents, by their number if None; or reverse mode.
    strict, vector_math : bool
    chunk : int
        Tangents of a pass where one does not do.
    max_bytes : int
        Bound on the memory of a tape, in reverse mode.
    """

    f: Function
    argnums: Argnums
    shapes: Shapes | None = None
    count: int | None = None
    layout: str | None = None
    strict: bool = False
    vector_math: bool = False
    chunk: int = CHUNK
    max_bytes: int = MAX_BYTES

    def __post_init__(self) -> None:
        check_bound(self.max_bytes)

    def jit(self, function: Function, inlined: bool = False) -> Any:
        """A part of a driver, compiled with the flags of the function itself."""
        flags = options(self.strict, self.vector_math)
        return njit(forceinline=inlined, **flags)(function)

    def for_duals(self, ty: DualType) -> Any:
        """The function, to be compiled for duals of that type."""
        flags = options(self.strict, self.vector_math)
        text = prepared(with_helpers(python_text(self.f), flags), ty)
        return njit(**{**own_options(self.f), **flags})(text)

    def type_of(self, k: int, order: int) -> DualType:
        """Duals of at least k tangents; scalars only where threads share the work (prange)."""
        layout = "S" if own_options(self.f).get("parallel") else self.layout
        return dual_type(k, order, layout)

    def laid_out(self, layout: str) -> Plan:
        """The same in that layout."""
        return replace(self, layout=layout)

    def of_size(self, shapes: Shapes, count: int) -> Plan:
        """The same for one size."""
        return replace(self, shapes=shapes, count=count)


def default_layout(k: int) -> str:
    """The layout of k tangents when the caller names none."""
    return "S" if k <= LARGEST_SCALAR_LAYOUT else "V"


def dual_type(k: int, order: int, layout: str | None) -> DualType:
    """The type that carries at least k tangents; vectors have a power of two of lanes."""
    layout = layout or default_layout(k)
    return DualType(k if layout == "S" else 1 << (k - 1).bit_length(), order, layout)


def gradient(plan: Plan) -> Any:
    """``kernel(args, line) -> value``: the derivatives of one number by all variables."""
    if plan.shapes is not None and plan.count is not None and 0 < plan.count <= ONE_PASS:
        return _gradient_in_one_pass(plan, plan.count, plan.shapes)
    return _gradient_in_chunks(plan)


def _gradient_in_one_pass(plan: Plan, n: int, shapes: Shapes) -> Any:
    ty = plan.type_of(n, 1)
    f, result = plan.for_duals(ty), as_dual(ty)
    fits, seed = checker(plan.argnums, shapes), seeded(ty, plan.argnums, shapes)
    lift = lifter(ty, plan.argnums, shapes)

    def kernel(args, line):  # type: ignore[no-untyped-def]
        if not fits(args):
            raise ValueError(ANOTHER_SIZE)
        y = result(f(*lift(seed(args), args)))
        put(y, line, 0, n)
        return value(y)

    return plan.jit(kernel, inlined=n <= CHUNK)


@njit
def _any(args):  # type: ignore[no-untyped-def]
    return True


def fitting(plan: Plan) -> Any:
    """``fits(args)``: whether the variables have the size that was told, if one was."""
    return _any if plan.shapes is None else checker(plan.argnums, plan.shapes)


def _gradient_in_chunks(plan: Plan) -> Any:
    ty = plan.type_of(plan.chunk, 1)
    f, k, seed, dtype, result = plan.for_duals(ty), ty.k, seeder(ty), dtype_of(ty), as_dual(ty)
    fits, gather, lift = fitting(plan), gatherer(plan.argnums), lifter(ty, plan.argnums, None)

    def kernel(args, line):  # type: ignore[no-untyped-def]
        if not fits(args):
            raise ValueError(ANOTHER_SIZE)
        n = line.size
        x = np.empty(n)
        gather(args, x)
        duals = np.empty(n, dtype())
        for i in range(n):
            duals[i] = seed(x[i], -1)
        v = 0.0
        for start in range(0, max(n, 1), k):
            stop = min(start + k, n)
            for i in range(start, stop):
                duals[i] = seed(x[i], i - start)
            y = result(f(*lift(duals, args)))
            put(y, line, start, stop - start)
            v = value(y)
            for i in range(start, stop):
                duals[i] = seed(x[i], -1)
        return v

    return plan.jit(kernel)


def derivative(plan: Plan) -> Any:
    """``kernel(args, line)``: the slopes of a function of one number, at each number of the variable."""
    ty = DualType(1)
    f, seed, result = plan.for_duals(ty), seeder(ty), as_dual(ty)
    gather, exchange = gatherer(plan.argnums), exchanger(ty, plan.argnums)

    def kernel(args, line):  # type: ignore[no-untyped-def]
        gather(args, line)
        for i in range(line.size):
            put(result(f(*exchange(args, seed(line[i], 0)))), line, i, 1)

    return plan.jit(kernel)


def jacobian(plan: Plan) -> Any:
    """``kernel(args) -> (line, shape)``: derivatives of a result of that shape, row by row."""
    if plan.shapes is not None and plan.count is not None and 0 < plan.count <= ONE_PASS:
        return _jacobian_in_one_pass(plan, plan.count, plan.shapes)
    return _jacobian_in_chunks(plan)


def _jacobian_in_one_pass(plan: Plan, n: int, shapes: Shapes) -> Any:
    ty = plan.type_of(n, 1)
    f, extents, put_all = plan.for_duals(ty), extent(ty), put_rows(ty)
    fits, seed = checker(plan.argnums, shapes), seeded(ty, plan.argnums, shapes)
    lift = lifter(ty, plan.argnums, shapes)

    def kernel(args):  # type: ignore[no-untyped-def]
        if not fits(args):
            raise ValueError(ANOTHER_SIZE)
        y = f(*lift(seed(args), args))
        rows, shape = extents(y)
        line = np.empty(rows * n)
        put_all(y, line, 0, n, n)
        return line, shape

    return plan.jit(kernel)


def _jacobian_in_chunks(plan: Plan) -> Any:
    ty = plan.type_of(plan.chunk, 1)
    f, k, seed, dtype = plan.for_duals(ty), ty.k, seeder(ty), dtype_of(ty)
    count, gather, lift = (
        counter(plan.argnums),
        gatherer(plan.argnums),
        lifter(ty, plan.argnums, None),
    )
    fits, extents, put_all = fitting(plan), extent(ty), put_rows(ty)

    def kernel(args):  # type: ignore[no-untyped-def]
        if not fits(args):
            raise ValueError(ANOTHER_SIZE)
        n = count(args)
        x = np.empty(n)
        gather(args, x)
        duals = np.empty(n, dtype())
        for i in range(n):
            duals[i] = seed(x[i], i if i < k else -1)
        y = f(*lift(duals, args))
        rows, shape = extents(y)
        line = np.empty(rows * n)
        put_all(y, line, 0, min(k, n), n)
        for start in range(k, n, k):
            stop = min(start + k, n)
            for i in range(start - k, start):
                duals[i] = seed(x[i], -1)
            for i in range(start, stop):
                duals[i] = seed(x[i], i - start)
            put_all(f(*lift(duals, args)), line, start, stop - start, n)
        return line, shape

    return plan.jit(kernel)
