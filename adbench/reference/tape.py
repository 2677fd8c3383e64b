"""Numbers that a scalar form computes with when it is certified: balls that a tape may remember.

A `Number` holds a ball (`flint.arb`) or a power series of balls (`flint.arb_series`), never a Python
number: literals become exact balls at the door (`lift`), since ``1 / 3.0`` of plain floats would round
to 53 bits and no ball would know. Arithmetic of a form among plain numbers alone (``1.0 / 3.0``, a
count over 7.0) never comes here: Python rounds it, and the rounded number is the text's. What is computed from the variables of a `Tape` is recorded on it; all else records
nothing, so the same class serves reverse mode, forward mode by series, and plain values. A `Shaker`
stands where a tape does and records nothing, but moves the result of every operation a little.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["Number", "Shaker", "Tape", "TooLongError", "UndecidedError", "ball", "lift"]


class UndecidedError(ArithmeticError):
    """A branch of the form depends on a comparison that the balls are too wide to decide."""


class TooLongError(ArithmeticError):
    """A text with more operations than a tape may hold."""


# About 300 bytes each: 4 GB.
MOST_ENTRIES = 12_000_000


class Number:
    """A number of a form: arithmetic and comparisons, the latter exact or refused.

    Parameters
    ----------
    v : arb or arb_series
        The value; `lift` makes a Number of a plain number.
    tape : Tape or Shaker, optional
        What every operation on it is told to.
    at : int
        Index on the tape; -1 for a constant.
    """

    __slots__ = ("at", "tape", "v")
    __hash__ = None  # type: ignore[assignment]  # equality may be undecided

    def __init__(self, v: Any, tape: Tape | Shaker | None = None, at: int = -1) -> None:
        self.v = v
        self.tape = tape
        self.at = at

    def __repr__(self) -> str:
        return f"Number({self.v})"

    # The untaped case returns first in each operation: sums over a million data live in it.
    def __add__(self, other: Any) -> Number:
        if type(other) is not Number:
            other = lift(other)
        if self.tape is None and other.tape is None:
            return Number(self.v + other.v)
        return _join(self.v + other.v, self, None, other, None)

    def __sub__(self, other: Any) -> Number:
        if type(other) is not Number:
            other = lift(other)
        if self.tape is None and other.tape is None:
            return Number(self.v - other.v)
        return _join(self.v - other.v, self, None, other, -1)

    def __mul__(self, other: Any) -> Number:
        if type(other) is not Number:
            other = lift(other)
        if self.tape is None and other.tape is None:
            return Number(self.v * other.v)
        return _join(self.v * other.v, self, other.v, other, self.v)

    def __truediv__(self, other: Any) -> Number:
        if type(other) is not Number:
            other = lift(other)
        if self.tape is None and other.tape is None:
            return Number(self.v / other.v)
        v, r = self.v / other.v, 1 / other.v
        return _join(v, self, r, other, -(v * r))

    def __pow__(self, other: Any) -> Number:
        n = _whole(other)
        if n is None:
            return _power(self, lift(other))
        v = self.v**n  # an exact integer power takes negative bases
        if self.tape is None:
            return Number(v)
        return self.tape.record(v, self.at, n * self.v ** (n - 1) if n else 0)

    def __radd__(self, other: Any) -> Number:
        return lift(other) + self

    def __rsub__(self, other: Any) -> Number:
        return lift(other) - self

    def __rmul__(self, other: Any) -> Number:
        return lift(other) * self

    def __rtruediv__(self, other: Any) -> Number:
        return lift(other) / self

    def __rpow__(self, other: Any) -> Number:
        return _power(lift(other), self)

    def __neg__(self) -> Number:
        return Number(-self.v) if self.tape is None else self.tape.record(-self.v, self.at, -1)

    def __pos__(self) -> Number:
        return self

    def __abs__(self) -> Number:
        return self if self >= 0 else -self  # slope +1 at 0, as the duals have it

    def __lt__(self, other: Any) -> bool:
        return _below(self, other)

    def __gt__(self, other: Any) -> bool:
        return _below(other, self)

    def __le__(self, other: Any) -> bool:
        return not _below(other, self)

    def __ge__(self, other: Any) -> bool:
        return not _below(self, other)

    def __eq__(self, other: object) -> bool:
        d = ball(lift(self).v) - ball(lift(other).v)
        if d.is_zero() or d != 0:
            return bool(d.is_zero())
        raise UndecidedError("an equality that the balls are too wide to decide")

    def __bool__(self) -> bool:
        return self != 0


class Tape:
    """Operations in the order in which they happened: operands' indices and partial derivatives.

    A partial is a ball, a series, 0, -1, or None for 1. With a `factor`, which returns
    1 + d or 1 - d, each result and its partials are multiplied by one draw of it.
    """

    def __init__(self, factor: Callable[[], float] | None = None) -> None:
        self.entries: list[tuple[int, Any, int, Any]] = []
        self.factor = factor

    def variable(self, v: Any) -> Number:
        """A number whose adjoint `adjoints` will give."""
        self.entries.append((-1, None, -1, None))
        return Number(v, self, len(self.entries) - 1)

    def record(self, v: Any, a: int, da: Any, b: int = -1, db: Any = None) -> Number:
        """The number `v`, with its partials by the operands at `a` and `b` (-1: none)."""
        if self.factor is not None:
            r = self.factor()
            v, da, db = v * r, r if da is None else da * r, r if db is None else db * r
        if len(self.entries) >= MOST_ENTRIES:
            raise TooLongError(
                f"the text has more than {MOST_ENTRIES:,} operations on variables, too many to be "
                "remembered for a certified derivative: take a smaller size, or give the problem a "
                "closed form (see docs/adding.md)"
            )
        self.entries.append((a, da, b, db))
        return Number(v, self, len(self.entries) - 1)

    def adjoints(self, output: Number, n: int) -> list[Any]:
        """Derivatives of `output` by the first `n` numbers of the tape; 0 where it ignores them."""
        # a ball: products of plain factors would round
        return self.pulled([output], [ball(1)], n)

    def pulled(self, outputs: list[Number], weights: list[Any], n: int) -> list[Any]:
        """Derivatives of the sum of outputs times weights, balls or a plain 0, likewise."""
        adjoints: list[Any] = [None] * len(self.entries)
        for output, weight in zip(outputs, weights, strict=True):
            if output.tape is self and not isinstance(weight, int):
                old = adjoints[output.at]
                adjoints[output.at] = weight if old is None else old + weight
        for k in range(len(self.entries) - 1, n - 1, -1):
            w = adjoints[k]
            if w is None:
                continue
            a, da, b, db = self.entries[k]
            adjoints[k] = None  # not needed again: frees the ball
            for at, partial in ((a, da), (b, db)):
                if at >= 0:
                    c = w if partial is None else w * partial
                    old = adjoints[at]
                    adjoints[at] = c if old is None else old + c
        return [0 if w is None else w for w in adjoints[:n]]


class Shaker:
    """Moves each result by one draw of `factor`, as rounding would; has no memory."""

    def __init__(self, factor: Callable[[], float]) -> None:
        self.factor = factor

    def variable(self, v: Any) -> Number:
        """A number whose descendants are all moved."""
        return Number(v, self)

    def record(self, v: Any, a: int, da: Any, b: int = -1, db: Any = None) -> Number:
        """The moved number; partials are of no use here."""
        return Number(v * self.factor(), self)


def lift(x: Any) -> Number:
    """`x` as a Number; plain numbers become exact constants. The only door for them."""
    return x if type(x) is Number else Number(ball(x))


def ball(v: Any) -> Any:
    """The ball of a value: the constant coefficient of a series, an exact ball of a plain number.

    Raises
    ------
    TypeError
        For what is no real binary number: a decimal or a fraction has no exact ball.
    """
    from flint import arb, arb_series

    if isinstance(v, arb):
        return v
    if isinstance(v, arb_series):
        return v[0]
    if isinstance(v, (int, np.integer, np.bool_)):
        return arb(int(v))
    if isinstance(v, (float, np.float32, np.float16)):
        return arb(float(v))
    raise TypeError(
        f"a form met {v!r} of type {type(v).__name__}; forms compute with int, float and the "
        "variables they are given: write it as a float"
    )


def _join(v: Any, a: Number, da: Any, b: Number, db: Any) -> Number:
    tape = a.tape if a.tape is not None else b.tape
    assert tape is not None
    return tape.record(v, a.at, da, b.at, db)


def _below(a: Any, b: Any) -> bool:
    d = ball(lift(a).v) - ball(lift(b).v)
    if d < 0:
        return True
    if d >= 0:
        return False
    raise UndecidedError("a comparison that the balls are too wide to decide")


def _whole(exponent: Any) -> int | None:
    """A plain exponent that is a whole number; None for any other, and for Numbers."""
    if isinstance(exponent, (float, np.floating)):
        return int(exponent) if float(exponent).is_integer() else None
    return int(exponent) if isinstance(exponent, (int, np.integer)) else None


def _power(a: Number, b: Number) -> Number:
    """``a ** b`` with any exponent, for positive a."""
    v = a.v**b.v
    if a.tape is None and b.tape is None:
        return Number(v)
    by_a = b.v * a.v ** (b.v - 1) if a.tape is not None else 0
    by_b = v * a.v.log() if b.tape is not None else 0
    return _join(v, a, by_a, b, by_b)
