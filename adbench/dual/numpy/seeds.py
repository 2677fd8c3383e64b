"""One differentiation pass, and what tells it from all others."""

from itertools import count

from adbench.dual.numpy.layout import Array

_tags = count(1)


class Seed:
    """One differentiation pass: which second derivatives its duals carry.

    Its duals hold this very object. To them, a dual of an earlier (outer) pass is a constant, which
    keeps nested differentiations apart.

    Parameters
    ----------
    i, j : arrays of int, shape (p,), or None
        Pairs of directions whose second derivatives are wanted; None for a pass of first order.
    one_hot : array, shape (k, k), optional
        The tangents of its only variable, a vector, where they are the unit matrix: functions of
        single elements of it are zero in most directions, which then need not be computed.
    """

    __slots__ = ("i", "j", "one_hot", "tag")

    def __init__(self, i: Array = None, j: Array = None, one_hot: Array = None) -> None:
        self.one_hot = one_hot
        self.i = i
        self.j = j
        self.tag = next(_tags)
