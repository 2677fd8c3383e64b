r"""The determinant of an l x l matrix by expansion along the first row, without a factorisation.

.. math:: f = \det A = \sum_j (-1)^j A_{0j} \det A^{(0j)}
   = \sum_\pi \mathrm{sign}(\pi) \prod_i A_{i \pi(i)}

with :math:`A^{(0j)}` the matrix without row 0 and column j. Its gradient holds the cofactors. Source:
``docs/PROBLEMS.md`` B. In the suite because it recurses: the number of operations grows as l!, no
compiler can unroll them, and a tape records them all.

The scalar text recurses over the columns that are left, kept as the bits of a whole number, so that
no minor is copied. The whole-array text is the same expansion written out: for each of the l!
permutations the product of gathered entries. The permutations are data, as int64; the scalar text reads
nothing of them but how many columns there are.
"""

from itertools import permutations
from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem


def at(size: int) -> Point:
    """A uniform matrix, row by row; the data are the places of all products and their signs.

    The table of places has shape (l, l!): column p names the entries of the product p as indices of
    the ravelled matrix, row by row.
    """
    table = np.array(list(permutations(range(size))), dtype=np.int64)
    # a permutation is odd when an odd number of its pairs stands in the wrong order
    i, j = np.triu_indices(size, 1)
    signs = 1 - 2 * (np.sum(table[:, i] > table[:, j], axis=1) % 2)
    places = (table + size * np.arange(size)).T
    return Point(np.random.default_rng(31337).random(size * size), (places, signs))


def scalar(m: Any) -> Any:
    def minor(x, size, row, used):
        # `used` has a bit for each column that rows above have taken
        total = 0.0
        sign = 1.0
        for j in range(size):
            if (used >> j) % 2 == 0:
                entry = sign * x[row * size + j]
                if row + 1 == size:
                    return entry
                total = total + entry * minor(x, size, row + 1, used + (1 << j))
                sign = -sign
        return total

    def f(x, places, signs):
        return minor(x, len(places), 0, 0)

    return f


def array(xp: Any) -> Any:
    def f(x, places, signs):
        return xp.sum(signs * xp.prod(x[places], axis=0))

    return f


def gradient(m: Any) -> Any:
    def determinant(x, rows, columns, size):
        if not rows:
            return 1.0
        total, sign = 0.0, 1.0
        for k, j in enumerate(columns):
            rest = columns[:k] + columns[k + 1 :]
            total += sign * x[rows[0] * size + j] * determinant(x, rows[1:], rest, size)
            sign = -sign
        return total

    def g(x, places, signs):
        size = len(places)
        every = tuple(range(size))
        return [
            (1.0 - 2.0 * ((i + j) % 2))
            * determinant(x, every[:i] + every[i + 1 :], every[:j] + every[j + 1 :], size)
            for i in every
            for j in every
        ]

    return g


PROBLEM = Problem(
    name="det",
    summary="determinant by expansion along the first row: recursion, l! products",
    at=at,
    sizes=(4, 6, 8),
    quick=(4, 6),
    operators=(Operator.VALUE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT),
    forms=(Form("scalar", scalar), Form("array", array)),
    exact={Operator.GRADIENT: gradient},
)
