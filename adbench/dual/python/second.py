"""Second-order scalar duals: a value, its gradient, and the wanted elements of its Hessian.

A hyper-dual number reads the second derivatives that the rule table has anyway. The alternative, a
dual of duals, needs no class of its own but makes each product about seven products of inner duals;
it stays possible, and the tests hold it against these numbers.
"""

from operator import add
from typing import Any

from adbench.dual.python.functions import binary, vanishes
from adbench.dual.python.numbers import Number, outranks, times

Pairs = tuple[tuple[int, int], ...]
Block = list[Any] | None


class HyperDual(Number):
    """Value, tangents, and second derivatives for the index pairs that the call asks for.

    Parameters
    ----------
    value : number
    tangents : list of number
        First derivatives with respect to the k variables of the pass.
    curvatures : list of number, or None
        Second derivatives, one for each of `pairs`; None when all are zero, as those of a variable.
    pairs : tuple of (int, int)
        Which pairs (i, j) of the k variables `curvatures` holds.
    tag : int
        The differentiation call that made the number.
    """

    __slots__ = ("curvatures", "pairs", "tag", "tangents", "value")

    def __init__(
        self, value: Any, tangents: list[Any], curvatures: Block, pairs: Pairs, tag: int
    ) -> None:
        self.value = value
        self.tangents = tangents
        self.curvatures = curvatures
        self.pairs = pairs
        self.tag = tag

    def __repr__(self) -> str:
        return f"HyperDual({self.value!r}, {self.tangents!r}, {self.curvatures!r})"

    def _combine(self, name: str, other: Any) -> Any:
        if other.__class__ is not float:
            outranks(other, self)  # refuses arrays
        return binary(name, self, other)

    def __add__(self, other: Any) -> Any:
        return self._combine("add", other)

    def __radd__(self, other: Any) -> Any:
        return binary("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return self._combine("sub", other)

    def __rsub__(self, other: Any) -> Any:
        return binary("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return self._combine("mul", other)

    def __rmul__(self, other: Any) -> Any:
        return binary("mul", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._combine("div", other)

    def __rtruediv__(self, other: Any) -> Any:
        return binary("div", other, self)

    def chain(self, f: Any, first: Any, second: Any) -> "HyperDual":
        """The number g(self), of value f and derivatives `first`, `second`."""
        g = self.tangents
        h = _scaled(first, self.curvatures)
        if second is not None:
            h = _sum(h, _scaled(second, [g[i] * g[j] for i, j in self.pairs]))
        return HyperDual(f, _scaled(first, g) or [0.0] * len(g), h, self.pairs, self.tag)

    def chain2(
        self, b: "HyperDual", f: Any, fa: Any, fb: Any, faa: Any, fab: Any, fbb: Any
    ) -> "HyperDual":
        """The number g(self, b), of value f and derivatives fa ... fbb."""
        p, q, pairs = self.tangents, b.tangents, self.pairs
        h = _sum(_scaled(fa, self.curvatures), _scaled(fb, b.curvatures))
        if faa is not None:
            h = _sum(h, _scaled(faa, [p[i] * p[j] for i, j in pairs]))
        if fab is not None:
            h = _sum(h, _scaled(fab, [p[i] * q[j] + p[j] * q[i] for i, j in pairs]))
        if fbb is not None:
            h = _sum(h, _scaled(fbb, [q[i] * q[j] for i, j in pairs]))
        g = _sum(_scaled(fa, p), _scaled(fb, q)) or [0.0] * len(p)
        return HyperDual(f, g, h, pairs, self.tag)

    def vanishes(self) -> bool:
        """Whether value, tangents and second derivatives are zero."""
        return all(map(vanishes, (self.value, *self.tangents, *(self.curvatures or ()))))


def _scaled(factor: Any, terms: Block) -> Block:
    """Factor times terms, where None stands for zero."""
    return None if factor is None or terms is None else times(factor, terms)


def _sum(a: Block, b: Block) -> Block:
    if a is None or b is None:
        return b if a is None else a
    return list(map(add, a, b))
