"""Truncated Taylor series as a number: coefficients to any order, for functions of one number.

Cheaper than nested duals from the third order on: n coefficients cost n^2 operations and not 2^n.
"""

from collections.abc import Callable
from typing import Any

from adbench.dual.python import recurrences
from adbench.dual.python.functions import binary, repeated, vanishes
from adbench.dual.python.numbers import Number, outranks


class Jet(Number):
    """The coefficients ``c_0, c_1, ..., c_n`` of a function of t, to the order of its call.

    Parameters
    ----------
    coefficients : list of number
        All numbers of one tag have equally many.
    tag : int
        The differentiation call that made the number.
    """

    __slots__ = ("coefficients", "tag")

    def __init__(self, coefficients: list[Any], tag: int) -> None:
        self.coefficients = coefficients
        self.tag = tag

    @property
    def value(self) -> Any:
        """The zeroth coefficient."""
        return self.coefficients[0]

    def __repr__(self) -> str:
        return f"Jet({self.coefficients!r})"

    def _scaled(self, factor: Any) -> "Jet":
        return Jet([c * factor for c in self.coefficients], self.tag)

    def _meets(self, name: str, other: Any) -> Any:
        if other.__class__ is not float:
            outranks(other, self)  # refuses arrays
        return binary(name, self, other)

    def __neg__(self) -> Any:
        return Jet([-c for c in self.coefficients], self.tag)

    def __add__(self, other: Any) -> Any:
        return self._meets("add", other)

    def __radd__(self, other: Any) -> Any:
        return binary("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return self._meets("sub", other)

    def __rsub__(self, other: Any) -> Any:
        return binary("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return self._meets("mul", other)

    def __rmul__(self, other: Any) -> Any:
        return binary("mul", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._meets("div", other)

    def __rtruediv__(self, other: Any) -> Any:
        return binary("div", other, self)

    def apply(self, name: str, rule: Any, plain: Callable[..., Any]) -> "Jet":
        """The function of that name by its recurrence; one of infinite slope raises."""
        return self._by(name, lambda: recurrences.UNARY[name](self.coefficients))

    def polygamma(self, order: int) -> "Jet":
        """The polygamma function of that order."""
        return self._by("polygamma", lambda: recurrences.polygamma(order, self.coefficients))

    def raised(self, n: Any) -> "Jet":
        """``self ** n`` for a plain exponent: by multiplications where it is whole and not large."""
        if n == int(n) and 0 <= n <= 64:
            result = repeated(self, int(n))
            return (
                result
                if n
                else Jet([c * 0 + (not k) for k, c in enumerate(self.coefficients)], self.tag)
            )
        u = self.coefficients
        return self._by("pow", lambda: recurrences.power(u[0] ** n, u, n))

    def _by(self, name: str, series: Callable[[], list[Any]]) -> "Jet":
        try:
            return Jet(series(), self.tag)
        except ZeroDivisionError as error:
            raise ZeroDivisionError(
                f"{name} has no Taylor series at {self.value!r}, where its derivatives are infinite: "
                "expand about another point"
            ) from error

    @staticmethod
    def combine(name: str, a: Any, b: Any) -> "Jet":
        """The function of that name of two numbers, the one of larger tag a jet."""
        top = a if getattr(a, "tag", 0) >= getattr(b, "tag", 0) else b
        if name == "mul" and not (_same(a, top) and _same(b, top)):
            return top._scaled(b) if _same(a, top) else top._scaled(a)  # type: ignore[no-any-return]
        if name == "div" and not _same(b, top):
            return Jet([c / b for c in a.coefficients], a.tag)
        sides = [x.coefficients if _same(x, top) else _constant(x, top) for x in (a, b)]
        return top._by(name, lambda: recurrences.BINARY[name](*sides))  # type: ignore[no-any-return]

    def chain(self, f: Any, first: Any, second: Any) -> "Jet":
        """A function of value f with no series here: all else times `first`, as NaN or infinity."""
        return Jet([f, *(first * c for c in self.coefficients[1:])], self.tag)

    def vanishes(self) -> bool:
        """Whether all coefficients are zero."""
        return all(map(vanishes, self.coefficients))


def _same(x: Any, top: Jet) -> bool:
    return getattr(x, "tag", 0) == top.tag


def _constant(x: Any, like: Jet) -> list[Any]:
    """The series of a number that does not depend on the variable."""
    return [x, *([x * 0] * (len(like.coefficients) - 1))]
