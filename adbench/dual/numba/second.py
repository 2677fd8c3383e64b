"""Second derivatives in flat memory: Hessians, and products of a Hessian with a vector.

Kernels as in ``kernels``. A pass with second-order duals of k tangents yields k(k+1)/2 second
derivatives.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adbench.dual.numba.arguments import Shapes, counter, gatherer, lifter
from adbench.dual.numba.intrinsics import (
    as_dual,
    directed,
    dtype_of,
    put_mixed,
    second_derivatives,
    seeder,
    square_writer,
    value,
)
from adbench.dual.numba.kernels import ANOTHER_SIZE, Plan, fitting
from adbench.dual.numba.stack import checker, seeded

ONE_PASS = 16  # variables that fit one pass over the function
HALF = 4  # variables of a block; a pass covers two blocks


def hessian(plan: Plan) -> Any:
    """``kernel(args, line) -> value``: n x n second derivatives, row by row, exactly symmetric."""
    if plan.shapes is not None and plan.count is not None and 0 < plan.count <= ONE_PASS:
        return _in_one_pass(plan, plan.count, plan.shapes)
    return _by_pairs(plan)


def _in_one_pass(plan: Plan, n: int, shapes: Shapes) -> Any:
    ty = plan.type_of(n, 2)
    f, result, put = plan.for_duals(ty), as_dual(ty), square_writer(n)
    fits, seed = checker(plan.argnums, shapes), seeded(ty, plan.argnums, shapes)
    lift = lifter(ty, plan.argnums, shapes)

    def kernel(args, line):  # type: ignore[no-untyped-def]
        if not fits(args):
            raise ValueError(ANOTHER_SIZE)
        y = result(f(*lift(seed(args), args)))
        put(y, line)
        return value(y)

    return plan.jit(kernel)


def _by_pairs(plan: Plan) -> Any:
    """A pass for every pair of blocks of variables: about n^2 / 32 passes."""
    ty = plan.type_of(2 * HALF, 2)
    f, k, seed, dtype, result = plan.for_duals(ty), ty.k, seeder(ty), dtype_of(ty), as_dual(ty)
    count, gather, lift = (
        counter(plan.argnums),
        gatherer(plan.argnums),
        lifter(ty, plan.argnums, None),
    )

    fits = fitting(plan)

    def kernel(args, line):  # type: ignore[no-untyped-def]
        if not fits(args):
            raise ValueError(ANOTHER_SIZE)
        n = count(args)
        x = np.empty(n)
        gather(args, x)
        duals = np.empty(n, dtype())
        for i in range(n):
            duals[i] = seed(x[i], -1)
        which = np.empty(k, np.intp)
        v = 0.0
        for a in range(0, n, HALF):
            # one block alone has itself for a partner, whose lanes lie outside
            for b in range(a + HALF, max(n, a + HALF + 1) if a == 0 else n, HALF):
                for lane in range(HALF):
                    which[lane], which[HALF + lane] = a + lane, b + lane
                for lane in range(k):
                    if which[lane] < n:
                        duals[which[lane]] = seed(x[which[lane]], lane)
                y = result(f(*lift(duals, args)))
                v = value(y)
                packed = second_derivatives(y)
                p = 0
                for lane in range(k):
                    i = which[lane]
                    for other in range(lane, k):
                        j = which[other]
                        if i < n and j < n:
                            line[i * n + j] = line[j * n + i] = packed[p]
                        p += 1
                    if i < n:
                        duals[i] = seed(x[i], -1)
        return v

    return plan.jit(kernel)


def hessian_product(plan: Plan) -> Any:
    """``kernel(args, v, line)``: the second derivatives times the line v of n numbers.

    Each pass carries the direction v in lane 0 and unit directions in the others; second derivatives
    by lane 0 and another are the product's elements, and LLVM leaves out what nobody asks for.
    """
    ty = plan.type_of(plan.chunk, 2)
    f, units, seed, dtype = plan.for_duals(ty), ty.k - 1, directed(ty), dtype_of(ty)
    gather, lift, result = gatherer(plan.argnums), lifter(ty, plan.argnums, None), as_dual(ty)

    def kernel(args, v, line):  # type: ignore[no-untyped-def]
        n = line.size
        x = np.empty(n)
        gather(args, x)
        duals = np.empty(n, dtype())
        for i in range(n):
            duals[i] = seed(x[i], v[i], 0)
        for start in range(0, n, units):
            stop = min(start + units, n)
            for i in range(start, stop):
                duals[i] = seed(x[i], v[i], i - start + 1)
            y = result(f(*lift(duals, args)))
            put_mixed(y, line, start, stop - start)
            for i in range(start, stop):
                duals[i] = seed(x[i], v[i], 0)

    return plan.jit(kernel)
