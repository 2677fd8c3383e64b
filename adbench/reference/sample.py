"""Which numbers of a large result are certified: some elements, and sums of all with random signs.

Any error above rounding in any element shows in the sums; elements show how accurate each is. The
signs are +1 and -1, so that sums are taken of the numbers themselves, without products that round.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adbench.model import Floats, Form, Operator, Pattern, Point

__all__ = ["Sample", "chosen_elements", "sample_of"]

# Results above this many numbers are certified by a sample: so many elements, and so many sums.
SAMPLE_ABOVE, ELEMENTS, SUMS = 10_000, 64, 8

Signs = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sample:
    """Elements of a ravelled result, and sums of all of it with signs.

    Parameters
    ----------
    elements : tuple of int
        Flat indices.
    shape : tuple of int
        Of the result: (m, n) for one that has rows and columns, also if it is sparse, else (size,).
    sums : int
        How many signed sums; 0 for elementwise functions, whose points know nothing of each other.
    pattern : Pattern, optional
        Where the numbers of a sparse result stand.
    first : int
        Index of the first number that the sums take in (a value in front of its gradient is left out).
    """

    elements: tuple[int, ...]
    shape: tuple[int, ...]
    sums: int = 0
    pattern: Pattern | None = None
    first: int = 0

    @property
    def size(self) -> int:
        """How many numbers the whole result has."""
        return math.prod(self.shape) if self.pattern is None else self.pattern.nnz

    def signs(self, k: int) -> tuple[Signs, ...]:
        """The signs of sum k, one vector an axis: an element's sign is the product over its axes."""
        draw = np.random.default_rng((16180, k))
        sizes = self.shape if len(self.shape) > 1 else (self.size - self.first,)
        return tuple(draw.integers(0, 2, n) * 2 - 1 for n in sizes)

    def summed(self, flat: Floats) -> Floats:
        """The signed sums of a ravelled result, each exactly rounded, shape (sums,)."""
        return np.array(
            [
                math.fsum((self._flat_signs(k) * flat[self.first :]).tolist())
                for k in range(self.sums)
            ]
        )

    def _flat_signs(self, k: int) -> Signs:
        signs = self.signs(k)
        if len(signs) == 1:
            return signs[0]
        u, v = signs
        if self.pattern is None:
            return np.outer(u, v).ravel()
        product: Signs = u[self.pattern.row_of] * v[self.pattern.columns]
        return product


def sample_of(form: Form, operator: Operator, point: Point) -> Sample | None:
    """How a result is certified; None: every number of it."""
    shape = form.shape(operator, point)
    size = math.prod(shape)
    if size - (operator is Operator.VALUE_AND_GRADIENT) <= SAMPLE_ABOVE:
        return None
    if operator is Operator.VALUE_AND_GRADIENT:
        gradient = chosen_elements(size - 1)
        return Sample((0, *(1 + e for e in gradient)), shape, SUMS, first=1)
    sparse = operator is Operator.JACOBIAN and point.pattern is not None
    if sparse and point.pattern is not None:
        return Sample(chosen_elements(size), point.pattern.shape, SUMS, point.pattern)
    return Sample(chosen_elements(size), shape, 0 if form.elementwise else SUMS)


def chosen_elements(n: int) -> tuple[int, ...]:
    """64 of n indices: four at each end, where vector code has its rests, and a fixed scatter."""
    inner = np.random.default_rng(64).choice(n - 8, size=ELEMENTS - 8, replace=False) + 4
    return tuple(sorted([*range(4), *inner.tolist(), *range(n - 4, n)]))
