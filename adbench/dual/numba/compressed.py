"""Sparse Jacobians: columns that share no row share a tangent, and all tangents go through f together.

Columns of one colour have no row in common, so that a dual whose variables of that colour have
tangent 1 carries the entries of all these columns, each in the results of its own rows (Curtis, Powell
and Reid, IMA Journal of Applied Mathematics 13, 1974, 117). Up to 16 colours take one pass over f.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adbench.dual.numba.compiling import Function, options
from adbench.dual.numba.intrinsics import dtype_of, put, seeder
from adbench.dual.numba.kernels import CHUNK_OF_MANY, Plan, dual_type
from adbench.dual.numba.sizes import Compiled

__all__ = ["compressed_jacobian"]

_OTHER_PATTERN = "the pattern has another number of rows than f has results, or of columns than x"


def compressed_jacobian(
    f: Function, colours: int, *, strict: bool = False, vector_math: bool = False
) -> Any:
    """Compiled ``j(x, colour, rows, columns, *data) -> entries`` of a Jacobian whose pattern is known.

    Parameters
    ----------
    f : callable
        ``f(x, *data)`` of an array of shape (n,), returning an array of shape (m,).
    colours : int
        How many colours there are.
    strict, vector_math : bool
        As of `grad`.

    Notes
    -----
    `colour`, shape (n,), is the colour of each column: 0 and up, no two columns of a row alike. `rows`,
    shape (m + 1,), and `columns`, shape (nnz,), are the pattern as ``scipy.sparse.csr_matrix`` has it,
    ``indptr`` and ``indices``; the entries, shape (nnz,), come in the same order. ValueError when called
    with a pattern of another shape than f's.

    Memory beside the arguments and the result: ``8 (1 + k) (n + m)`` bytes, k the tangents of a pass,
    and what f itself makes, (1 + k)-fold.
    """
    if colours < 1:
        raise ValueError(f"colours={colours}: a Jacobian has at least one")
    plan = Plan(f, 0, strict=strict, vector_math=vector_math)
    ty = dual_type(min(colours, CHUNK_OF_MANY), 1, None)
    function, seed, dtype, k = plan.for_duals(ty), seeder(ty), dtype_of(ty), ty.k

    def fill(y, colour, first, rows, columns, out):  # type: ignore[no-untyped-def]
        tangents = np.empty(k)
        for i in range(y.size):
            put(y[i], tangents, 0, k)
            for e in range(rows[i], rows[i + 1]):
                lane = colour[columns[e]] - first
                if 0 <= lane < k:
                    out[e] = tangents[lane]

    gather = plan.jit(fill)

    def entry(x, colour, rows, columns, *data):  # type: ignore[no-untyped-def]
        if colour.size != x.size:
            raise ValueError(_OTHER_PATTERN)
        out = np.zeros(columns.size)
        duals = np.empty(x.size, dtype())
        for first in range(0, colours, k):
            for i in range(x.size):
                duals[i] = seed(x[i], colour[i] - first)
            y = function(duals, *data)
            if rows.size != y.size + 1:
                raise ValueError(_OTHER_PATTERN)
            gather(y, colour, first, rows, columns, out)
        return out

    return Compiled(entry, options(strict, vector_math), f)
