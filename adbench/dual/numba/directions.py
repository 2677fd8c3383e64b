"""Products with vectors: along one direction forward, against one backward, and through a Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np

from adbench.dual.numba.arguments import Argnums, counter, gatherer, lifter
from adbench.dual.numba.compiling import Function, options
from adbench.dual.numba.dual_type import DualType
from adbench.dual.numba.intrinsics import directed, dtype_of
from adbench.dual.numba.kernels import Plan
from adbench.dual.numba.rows import splitter
from adbench.dual.numba.second import hessian_product
from adbench.dual.numba.sizes import Compiled, by_type
from adbench.dual.numba.structure import structurer

ANOTHER_DIRECTION = "the direction has another number of elements than the variables"


def jvp(f: Function, *, strict: bool = False, vector_math: bool = False) -> Any:
    """Compiled ``j(primals, tangents) -> (value, tangent)``: the derivative along a direction.

    Parameters
    ----------
    f : callable
        ``f(*primals)``, returning a number, an array or a tuple of numbers; value and tangent are
        like it.
    strict, vector_math : bool
        As of `grad`.

    Notes
    -----
    `tangents` is a tuple like `primals`; where it is shorter, the arguments that it has no part for
    are constants. ValueError when its parts have not as many elements as the arguments.
    """
    found: dict[int, Any] = {}

    def kernel_of(call: Any) -> Any:
        directions = len(call.types[1].types)
        if directions not in found:
            argnums = tuple(range(directions))
            plan = Plan(f, argnums, strict=strict, vector_math=vector_math)
            found[directions] = _along(plan, argnums)
        return found[directions]

    kernel = by_type(kernel_of)
    return Compiled(
        lambda primals, tangents: kernel((primals, tangents)), options(strict, vector_math), f
    )


def _along(plan: Plan, argnums: tuple[int, ...]) -> Any:
    ty = DualType(1)
    f, seed, dtype, split = plan.for_duals(ty), directed(ty), dtype_of(ty), splitter(ty)
    count, gather, lift = counter(argnums), gatherer(argnums), lifter(ty, argnums, None)

    def kernel(args, tangents):  # type: ignore[no-untyped-def]
        n = count(args)
        if count(tangents) != n:
            raise ValueError(ANOTHER_DIRECTION)
        x, v = np.empty(n), np.empty(n)
        gather(args, x)
        gather(tangents, v)
        duals = np.empty(n, dtype())
        for i in range(n):
            duals[i] = seed(x[i], v[i], 0)
        return split(f(*lift(duals, args)))

    return plan.jit(kernel)


def hvp(
    f: Function, argnums: Argnums = 0, *, strict: bool = False, vector_math: bool = False
) -> Any:
    """Compiled ``h(args, v) -> H v``: the Hessian by the variables times a direction like them.

    Parameters as of `grad`. A pass over f for every 7 variables, with 8 tangents and 8 second
    derivatives each; the Hessian itself is never made.
    """
    plan = Plan(f, argnums, layout="V", strict=strict, vector_math=vector_math)
    kernel, count, structured = hessian_product(plan), counter(argnums), structurer(argnums)
    size, elements = counter(0), gatherer(0)

    def entry(args, v):  # type: ignore[no-untyped-def]
        n = count(args)
        if size((v,)) != n:
            raise ValueError(ANOTHER_DIRECTION)
        direction, line = np.empty(n), np.empty(n)
        elements((v,), direction)
        kernel(args, direction, line)
        return structured(args, line, ())

    return Compiled(entry, options(strict, vector_math), f)
