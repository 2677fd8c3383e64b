"""Second derivatives: compiled functions that return a Hessian from second-order duals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, njit

from adbench.dual.numba.drivers import Function, dual_type, options, primal
from adbench.dual.numba.dual_type import DualType
from adbench.dual.numba.intrinsics import (
    as_dual,
    dtype_of,
    second_derivatives,
    seeder,
    stack_of_duals,
)

ONE_PASS = 16  # variables that fit one pass over the function
HALF = 4  # variables of a block; a pass covers two blocks


def hessian(f: Function, n: int, *, layout: str | None = None, strict: bool = False) -> Any:
    """Compiled ``h(x, *data) -> array of float64, shape (n, n)``, exactly symmetric.

    Up to 16 variables take one pass; more take a pass for every pair of blocks of 4, about n^2 / 32
    passes of 36 second derivatives. Parameters as of `gradient`.
    """
    if n < 1:
        raise ValueError(f"a Hessian of {n} variables: n is at least 1")
    g, flags = primal(f, strict), options(strict)
    if n <= ONE_PASS:
        return _one_pass(g, n, dual_type(n, 2, layout), flags)
    return _by_pairs(g, n, dual_type(2 * HALF, 2, layout), flags)


def _one_pass(f: Any, n: int, ty: DualType, flags: dict[str, Any]) -> Any:
    duals, result, k = stack_of_duals(ty, n), as_dual(ty), ty.k

    @njit(**flags)
    def driver(x, *data):  # type: ignore[no-untyped-def]
        if x.size != n:
            raise ValueError("x has another length than the Hessian was compiled for")
        packed = second_derivatives(result(f(carray(duals(x), (n,)), *data)))
        out = np.empty((n, n))
        for i in range(n):
            row = i * k - i * (i - 1) // 2 - i
            for j in range(i, n):
                out[i, j] = out[j, i] = packed[row + j]
        return out

    return driver


def _by_pairs(f: Any, n: int, ty: DualType, flags: dict[str, Any]) -> Any:
    seed, dtype, result, k = seeder(ty), dtype_of(ty), as_dual(ty), ty.k

    @njit(**flags)
    def driver(x, *data):  # type: ignore[no-untyped-def]
        if x.size != n:
            raise ValueError("x has another length than the Hessian was compiled for")
        out = np.empty((n, n))
        duals = np.empty(n, dtype())
        for i in range(n):
            duals[i] = seed(x[i], -1)
        which = np.empty(k, np.intp)
        for a in range(0, n, HALF):
            for b in range(a + HALF, n, HALF):
                for lane in range(HALF):
                    which[lane], which[HALF + lane] = a + lane, b + lane
                for lane in range(k):
                    if which[lane] < n:
                        duals[which[lane]] = seed(x[which[lane]], lane)
                packed = second_derivatives(result(f(duals, *data)))
                p = 0
                for lane in range(k):
                    i = which[lane]
                    for other in range(lane, k):
                        j = which[other]
                        if i < n and j < n:
                            out[i, j] = out[j, i] = packed[p]
                        p += 1
                    if i < n:
                        duals[i] = seed(x[i], -1)
        return out

    return driver
