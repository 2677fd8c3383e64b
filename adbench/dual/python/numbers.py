"""Scalar dual numbers over any number type: what all share, and the dual of one tangent.

A dual number carries a ``value`` and its derivatives, and the ``tag`` of the differentiation call
that made it. Each call draws a larger tag than those before, so of two duals the larger tag is the
inner call's; for that call the other is a plain number, possibly standing inside its own value.
This is what keeps nested derivatives apart (Siskind & Pearlmutter, "Perturbation confusion and
referential transparency", 2005).

Derivatives come from the rule table through ``chain`` (one operand) and ``chain2`` (two). The four
arithmetic operators of the first-order classes are written out because they are the hot path;
tests hold them against the table.
"""

from collections.abc import Callable
from operator import neg
from typing import Any

from adbench.dual.python.functions import binary, math, power, vanishes


def outranks(other: Any, mine: "Number") -> bool:
    """Whether `other` is a dual of a later (inner) call; refuses what is no number at all."""
    tag = getattr(other, "tag", None) or 0
    if not tag and getattr(other, "ndim", None):
        raise TypeError(
            "a scalar dual number meets an array: index the array, or differentiate whole-array "
            "code with adbench.dual.numpy"
        )
    return bool(tag > mine.tag)


def _number(x: Any) -> Any:
    """The value of a dual number without any of its tangents, for comparisons."""
    while getattr(x, "tag", 0):
        x = x.value
    return x


class Number:
    """What all scalar duals share: comparisons look at values, and nothing drops a derivative."""

    __slots__ = ()
    # NumPy scalars then leave the operation to our reflected operators
    __array_ufunc__ = None

    tag: int
    value: Any
    chain: Callable[..., Any]

    def __neg__(self) -> Any:
        return self.chain(-self.value, -1, None)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return math.fabs(self)

    def __pow__(self, other: Any) -> Any:
        return power(self, other)

    def __rpow__(self, other: Any) -> Any:
        return binary("pow", other, self)

    def __lt__(self, other: Any) -> bool:
        return bool(_number(self) < _number(other))

    def __le__(self, other: Any) -> bool:
        return bool(_number(self) <= _number(other))

    def __gt__(self, other: Any) -> bool:
        return bool(_number(self) > _number(other))

    def __ge__(self, other: Any) -> bool:
        return bool(_number(self) >= _number(other))

    def __eq__(self, other: object) -> bool:
        return bool(_number(self) == _number(other))

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(_number(self))

    def __int__(self) -> int:
        return int(_number(self))

    def __float__(self) -> float:
        raise TypeError(
            "float() of a dual number would drop its derivative: use the functions of "
            "adbench.dual.python.math in place of the standard math module, or take .value"
        )


class Dual(Number):
    """A value and one tangent: the fast case of a function of one number.

    Made by `dual`. The class has no ``__init__`` and the operators fill the slots themselves: in
    Python 3.11 that makes an operation a third faster, since a type without a Python initialiser is
    created in C alone.
    """

    __slots__ = ("tag", "tangent", "value")

    tangent: Any

    def __repr__(self) -> str:
        return f"Dual({self.value!r}, {self.tangent!r})"

    def __add__(self, other: Any) -> Any:
        made = Dual()
        made.tag = tag = self.tag
        if other.__class__ is Dual and other.tag is tag:
            made.value = self.value + other.value
            made.tangent = self.tangent + other.tangent
            return made
        if other.__class__ is not float and outranks(other, self):
            return other.__radd__(self)
        made.value = self.value + other
        made.tangent = self.tangent
        return made

    def __radd__(self, other: Any) -> Any:
        made = Dual()
        made.tag = self.tag
        made.value = other + self.value
        made.tangent = self.tangent
        return made

    def __sub__(self, other: Any) -> Any:
        made = Dual()
        made.tag = tag = self.tag
        if other.__class__ is Dual and other.tag is tag:
            made.value = self.value - other.value
            made.tangent = self.tangent - other.tangent
            return made
        if other.__class__ is not float and outranks(other, self):
            return other.__rsub__(self)
        made.value = self.value - other
        made.tangent = self.tangent
        return made

    def __rsub__(self, other: Any) -> Any:
        made = Dual()
        made.tag = self.tag
        made.value = other - self.value
        made.tangent = -self.tangent
        return made

    def __mul__(self, other: Any) -> Any:
        made = Dual()
        made.tag = tag = self.tag
        a = self.value
        if other.__class__ is Dual and other.tag is tag:
            b = other.value
            made.value = a * b
            made.tangent = self.tangent * b + a * other.tangent
            return made
        if other.__class__ is not float and outranks(other, self):
            return other.__rmul__(self)
        made.value = a * other
        made.tangent = self.tangent * other
        return made

    def __rmul__(self, other: Any) -> Any:
        made = Dual()
        made.tag = self.tag
        made.value = other * self.value
        made.tangent = other * self.tangent
        return made

    def __truediv__(self, other: Any) -> Any:
        made = Dual()
        made.tag = tag = self.tag
        if other.__class__ is Dual and other.tag is tag:
            b = other.value
            made.value = q = self.value / b
            made.tangent = (self.tangent - q * other.tangent) / b
            return made
        if other.__class__ is not float and outranks(other, self):
            return other.__rtruediv__(self)
        made.value = self.value / other
        made.tangent = self.tangent / other
        return made

    def __rtruediv__(self, other: Any) -> Any:
        made = Dual()
        made.tag = self.tag
        a = self.value
        made.value = q = other / a
        made.tangent = -q * self.tangent / a
        return made

    def chain(self, f: Any, first: Any, second: Any) -> "Dual":
        """The dual of g(self), of value f and slope `first`."""
        return dual(f, product(first, self.tangent), self.tag)

    def chain2(self, b: "Dual", f: Any, fa: Any, fb: Any, *second: Any) -> "Dual":
        """The dual of g(self, b), of value f and slopes fa, fb."""
        return dual(f, product(fa, self.tangent) + product(fb, b.tangent), self.tag)

    def vanishes(self) -> bool:
        """Whether value and tangent are zero."""
        return vanishes(self.value) and vanishes(self.tangent)


def dual(value: Any, tangent: Any, tag: int) -> Dual:
    """The dual number of that value and tangent, made by the differentiation call of that tag."""
    made = Dual()
    made.value = value
    made.tangent = tangent
    made.tag = tag
    return made


def product(factor: Any, tangent: Any) -> Any:
    """Slope times tangent, as `times`; quick for an ordinary slope."""
    if factor.__class__ is float and factor - factor == 0.0:
        return factor * tangent
    return times(factor, [tangent])[0]


def times(factor: Any, tangents: list[Any]) -> list[Any]:
    """Slope times tangents: a slope of None is zero, and 1 and -1 cost no multiplication.

    A tangent of zero stays zero beside an infinite or NaN slope, which is another variable's.
    """
    if factor is None:
        return [0.0] * len(tangents)
    if factor.__class__ is int and factor == 1:
        return tangents
    if factor.__class__ is int and factor == -1:
        return list(map(neg, tangents))
    if factor - factor == 0:  # finite, in any number type
        return [factor * t for t in tangents]
    return [0.0 if vanishes(t) else factor * t for t in tangents]
