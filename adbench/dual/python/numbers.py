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

import sys
from collections.abc import Callable
from math import ceil, floor, trunc
from operator import neg
from typing import Any

from adbench.dual import rules
from adbench.dual.python import functions
from adbench.dual.python.choices import ufunc_of_duals
from adbench.dual.python.functions import binary, core, evaluate, math, power, vanishes


def outranks(other: Any, mine: "Number") -> bool:
    """Whether `other` is a dual of a later (inner) call; refuses what is no number at all."""
    tag = getattr(other, "tag", None) or 0
    if not tag and getattr(other, "ndim", None):
        raise TypeError(
            "a scalar dual number meets an array: index the array, or differentiate whole-array "
            "code with adbench.dual.numpy"
        )
    return bool(tag > mine.tag)


class Number:
    """What all scalar duals share: comparisons look at values, and nothing drops a derivative."""

    __slots__ = ()

    tag: int
    value: Any
    chain: Callable[..., Any]

    def apply(self, name: str, rule: rules.Unary, plain: Callable[..., Any]) -> Any:
        """The function of that name and rule, `plain` on plain numbers."""
        return self.chain(*evaluate(rule, plain, self.value))

    def raised(self, n: Any) -> Any:
        """``self ** n`` for a plain exponent."""
        return self.chain(*evaluate(lambda m, x: rules.power(m, x, n), lambda x: x**n, self.value))

    def polygamma(self, order: int) -> Any:
        """The polygamma function of that order."""
        return self.chain(*rules.polygamma(math, order, self.value))

    @staticmethod
    def combine(name: str, a: Any, b: Any) -> Any:
        """The function of that name of two numbers, the one of larger tag of this class."""
        return functions.combine(name, a, b)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return ufunc_of_duals(ufunc, method, inputs, options)

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

    def __mod__(self, other: Any) -> Any:
        return binary("mod", self, other)

    def __rmod__(self, other: Any) -> Any:
        return binary("mod", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return core(self) // core(other)

    def __rfloordiv__(self, other: Any) -> Any:
        return core(other) // core(self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __round__(self, digits: int | None = None) -> Any:
        return round(core(self), digits)

    def __floor__(self) -> Any:
        return floor(core(self))

    def __ceil__(self) -> Any:
        return ceil(core(self))

    def __trunc__(self) -> Any:
        return trunc(core(self))

    def __lt__(self, other: Any) -> bool:
        return bool(core(self) < core(other))

    def __le__(self, other: Any) -> bool:
        return bool(core(self) <= core(other))

    def __gt__(self, other: Any) -> bool:
        return bool(core(self) > core(other))

    def __ge__(self, other: Any) -> bool:
        return bool(core(self) >= core(other))

    def __eq__(self, other: object) -> bool:
        return bool(core(self) == core(other))

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(core(self))

    def __int__(self) -> int:
        return int(core(self))

    def __float__(self) -> float:
        frame = sys._getframe(1)
        raise TypeError(
            "float() of a dual number would drop its derivative "
            f"({frame.f_code.co_filename}, line {frame.f_lineno}, in {frame.f_code.co_name}): use the "
            "functions of adbench.dual.python.math in place of the standard math module, or take "
            ".value"
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
        if other.__class__ is Dual and other.tag is self.tag:
            made = Dual()
            made.tag = self.tag
            made.value = self.value + other.value
            made.tangent = self.tangent + other.tangent
            return made
        if other.__class__ is not float and outranks(other, self):
            return other.__radd__(self)
        made = Dual()
        made.tag = self.tag
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
        if other.__class__ is Dual and other.tag is self.tag:
            made = Dual()
            made.tag = self.tag
            made.value = self.value - other.value
            made.tangent = self.tangent - other.tangent
            return made
        if other.__class__ is not float and outranks(other, self):
            return other.__rsub__(self)
        made = Dual()
        made.tag = self.tag
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
        if other.__class__ is Dual and other.tag is self.tag:
            made = Dual()
            made.tag = self.tag
            made.value = (a := self.value) * (b := other.value)
            made.tangent = self.tangent * b + a * other.tangent
            return made
        if other.__class__ is not float and outranks(other, self):
            return other.__rmul__(self)
        made = Dual()
        made.tag = self.tag
        made.value = self.value * other
        made.tangent = self.tangent * other
        return made

    def __rmul__(self, other: Any) -> Any:
        made = Dual()
        made.tag = self.tag
        made.value = other * self.value
        made.tangent = other * self.tangent
        return made

    def __truediv__(self, other: Any) -> Any:
        if other.__class__ is Dual and other.tag is self.tag:
            made = Dual()
            made.tag = self.tag
            b = other.value
            made.value = q = self.value / b
            made.tangent = (self.tangent - q * other.tangent) / b
            return made
        if other.__class__ is not float and outranks(other, self):
            return other.__rtruediv__(self)
        made = Dual()
        made.tag = self.tag
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
