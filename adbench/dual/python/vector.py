"""Scalar dual numbers with several tangents: one pass of a function of several variables."""

from operator import add
from typing import Any

from adbench.dual.python.functions import vanishes
from adbench.dual.python.numbers import Number, outranks, times


class Vector(Number):
    """A value and a list of tangents; made by `vector`, without an initialiser as `Dual` is.

    Lists of Python numbers, not NumPy vectors: they hold any number type, and are faster up to about
    20 tangents. A tangent list is never changed once made, so that results may share it. Duals of
    one tag have equally many tangents, so the loops need no check of lengths; in Python 3.11 a loop
    with an index takes a third of a comprehension's time over a zip for one tangent, and no more for 64.
    """

    __slots__ = ("tag", "tangents", "value")

    tangents: list[Any]

    def __repr__(self) -> str:
        return f"Vector({self.value!r}, {self.tangents!r})"

    def __add__(self, other: Any) -> Any:
        tag = self.tag
        if other.__class__ is Vector and other.tag is tag:
            made = Vector()
            made.tag = tag
            made.value = self.value + other.value
            made.tangents = tangents = []
            others, i = other.tangents, 0
            for p in self.tangents:
                tangents.append(p + others[i])
                i += 1  # noqa: SIM113 - as in the product
            return made
        if other.__class__ is not float and outranks(other, self):
            return other.__radd__(self)
        return vector(self.value + other, self.tangents, tag)

    def __radd__(self, other: Any) -> Any:
        return vector(other + self.value, self.tangents, self.tag)

    def __sub__(self, other: Any) -> Any:
        tag = self.tag
        if other.__class__ is Vector and other.tag is tag:
            made = Vector()
            made.tag = tag
            made.value = self.value - other.value
            made.tangents = tangents = []
            others, i = other.tangents, 0
            for p in self.tangents:
                tangents.append(p - others[i])
                i += 1  # noqa: SIM113 - as in the product
            return made
        if other.__class__ is not float and outranks(other, self):
            return other.__rsub__(self)
        return vector(self.value - other, self.tangents, tag)

    def __rsub__(self, other: Any) -> Any:
        made = Vector()
        made.tag = self.tag
        made.value = other - self.value
        made.tangents = tangents = []
        for p in self.tangents:
            tangents.append(-p)
        return made

    def __mul__(self, other: Any) -> Any:
        made = Vector()
        made.tag = tag = self.tag
        a = self.value
        if other.__class__ is Vector and other.tag is tag:
            b = other.value
            made.value = a * b
            made.tangents = tangents = []
            others, i = other.tangents, 0
            for p in self.tangents:
                tangents.append(p * b + a * others[i])
                i += 1  # noqa: SIM113 - enumerate takes longer, and so does zip
            return made
        if other.__class__ is not float and outranks(other, self):
            return other.__rmul__(self)
        made.value = a * other
        made.tangents = tangents = []
        for p in self.tangents:
            tangents.append(p * other)
        return made

    def __rmul__(self, other: Any) -> Any:
        made = Vector()
        made.tag = self.tag
        made.value = other * self.value
        made.tangents = tangents = []
        for p in self.tangents:
            tangents.append(other * p)
        return made

    def __truediv__(self, other: Any) -> Any:
        tag = self.tag
        if other.__class__ is Vector and other.tag is tag:
            b = other.value
            q = self.value / b
            tangents = []
            others, i = other.tangents, 0
            for p in self.tangents:
                tangents.append((p - q * others[i]) / b)
                i += 1  # noqa: SIM113 - as in the product
            return vector(q, tangents, tag)
        if other.__class__ is not float and outranks(other, self):
            return other.__rtruediv__(self)
        return vector(self.value / other, [p / other for p in self.tangents], tag)

    def __rtruediv__(self, other: Any) -> Any:
        a = self.value
        q = other / a
        slope = -q / a
        return vector(q, [slope * p for p in self.tangents], self.tag)

    def chain(self, f: Any, first: Any, second: Any) -> "Vector":
        """The dual of g(self), of value f and slope `first`."""
        return vector(f, times(first, self.tangents), self.tag)

    def chain2(self, b: "Vector", f: Any, fa: Any, fb: Any, *second: Any) -> "Vector":
        """The dual of g(self, b), of value f and slopes fa, fb."""
        both = list(map(add, times(fa, self.tangents), times(fb, b.tangents)))
        return vector(f, both, self.tag)

    def vanishes(self) -> bool:
        """Whether value and tangents are zero."""
        return vanishes(self.value) and all(map(vanishes, self.tangents))


def vector(value: Any, tangents: list[Any], tag: int) -> Vector:
    """The dual number of that value and those tangents, made by the call of that tag."""
    made = Vector()
    made.value = value
    made.tangents = tangents
    made.tag = tag
    return made
