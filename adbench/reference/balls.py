"""The elementary functions on balls and series of balls, and the namespace that forms read.

Every name of `model.ELEMENTARY` is here, and the constants pi, sqrt2 and log2pi as balls at the
working precision. `flint.arb` has every function; `flint.arb_series` lacks some, which are put
together from the function and its derivatives at the constant coefficient.
Formulas: NIST Digital Library of Mathematical Functions, chapters 4, 5 and 7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from adbench.model import ELEMENTARY, namespace
from adbench.reference.tape import Number, Shaker, Tape, ball, lift

__all__ = ["ball_namespace", "elementary", "precision"]


@contextmanager
def precision(bits: int, terms: int = 2) -> Iterator[None]:
    """Work at `bits` bits, series cut to `terms` coefficients; the old setting comes back."""
    from flint import ctx

    saved = ctx.prec, ctx.cap
    ctx.prec, ctx.cap = bits, terms
    try:
        yield
    finally:
        ctx.prec, ctx.cap = saved


def ball_namespace() -> ModuleType:
    """The namespace `m` of a scalar form over Numbers, at the precision in force."""
    from flint import arb

    members: dict[str, Any] = {name: _recorded(name) for name in ELEMENTARY if name in _SLOPES}
    members["atan2"] = _atan2
    members["pi"] = Number(arb.pi())
    members["sqrt2"] = Number(arb(2).sqrt())
    members["log2pi"] = Number((2 * arb.pi()).log())
    members |= {"matmul": _matmul, "inverse": _inverse, "logdet": _logdet}
    return namespace("adbench_balls", members)


def elementary(name: str, x: Any) -> Any:
    """The elementary function `name` of a ball, a series (to three coefficients) or a number."""
    from flint import arb_series, ctx

    if not isinstance(x, arb_series):
        return getattr(ball(x), name)()
    if name not in _TAYLOR:
        return getattr(x, name)()
    if ctx.cap > 3:
        raise NotImplementedError(
            f"no certified series of '{name}' beyond its third coefficient: it is known for "
            f"{', '.join(n for n in ELEMENTARY if n in _SLOPES and n not in _TAYLOR)}"
        )
    c0, c1, c2 = _TAYLOR[name](x[0])
    rest = x - x[0]
    return c0 + rest * (c1 + rest * c2)


def _recorded(name: str) -> Callable[[Any], Number]:
    slope = _SLOPES[name]

    def apply(x: Any) -> Number:
        x = lift(x)
        v = elementary(name, x.v)
        return Number(v) if x.tape is None else x.tape.record(v, x.at, slope(x.v, v))

    apply.__name__ = name
    return apply


def _matmul(a: Any, b: Any) -> list[list[Number]]:
    """Product of two matrices, lists of rows; for closed forms, which no tape records."""
    left, right = _matrix(a), _matrix(b)
    return _rows(left * right, _shaker(a) or _shaker(b))


def _inverse(a: Any) -> list[list[Number]]:
    """Inverse of a square matrix, likewise."""
    return _rows(_matrix(a).inv(), _shaker(a))


def _logdet(a: Any) -> Number:
    """Logarithm of the determinant of a square matrix that has a positive one."""
    return _shaken(_matrix(a).det().log(), _shaker(a))


def _matrix(a: Any) -> Any:
    from flint import arb_mat

    return arb_mat([[lift(v).v for v in row] for row in a])


def _shaker(a: Any) -> Shaker | None:
    """What shakes the numbers of a matrix, if anything: rounding a product as one is shaking it."""
    found = next((v.tape for row in a for v in row if isinstance(v, Number) and v.tape), None)
    if isinstance(found, Tape):
        raise TypeError("m.matmul and its kin are for closed forms: no tape records them")
    return found


def _rows(matrix: Any, shaker: Shaker | None) -> list[list[Number]]:
    columns = range(matrix.ncols())
    return [[_shaken(matrix[i, j], shaker) for j in columns] for i in range(matrix.nrows())]


def _shaken(v: Any, shaker: Shaker | None) -> Number:
    return Number(v) if shaker is None else shaker.record(v, -1, None)


def _atan2(y: Any, x: Any) -> Number:
    y, x = lift(y), lift(x)
    v = _angle(y.v, x.v)
    tape: Tape | Shaker | None = y.tape if y.tape is not None else x.tape
    if tape is None:
        return Number(v)
    square = y.v * y.v + x.v * x.v
    return tape.record(v, y.at, x.v / square, x.at, -(y.v / square))


def _angle(y: Any, x: Any) -> Any:
    """atan2 of balls or series: the angle of the constant part, turned by the small rest."""
    from flint import arb, arb_series

    y0, x0 = ball(y), ball(x)
    angle = arb.atan2(y0, x0)
    if not isinstance(y, arb_series) and not isinstance(x, arb_series):
        return angle
    across = x0 * y - y0 * x
    # the constant coefficient of `across` is 0; in balls it would only be near 0
    return angle + ((across - across[0]) / (x0 * x + y0 * y)).atan()


def _sinh(x: Any) -> tuple[Any, Any, Any]:
    s, c = x.sinh(), x.cosh()
    return s, c, s / 2


def _cosh(x: Any) -> tuple[Any, Any, Any]:
    s, c = x.sinh(), x.cosh()
    return c, s, c / 2


def _tanh(x: Any) -> tuple[Any, Any, Any]:
    t, r = x.tanh(), x.sech() ** 2
    return t, r, -t * r


def _expm1(x: Any) -> tuple[Any, Any, Any]:
    e = x.exp()
    return x.expm1(), e, e / 2


def _log1p(x: Any) -> tuple[Any, Any, Any]:
    r = 1 / (1 + x)
    return x.log1p(), r, -r * r / 2


def _digamma(x: Any) -> tuple[Any, Any, Any]:
    # polygamma by Hurwitz's zeta: psi'(x) = zeta(2, x), psi''(x) = -2 zeta(3, x)
    return x.digamma(), type(x)(2).zeta(x), -type(x)(3).zeta(x)


# f, f' and f''/2 at the constant coefficient, for functions that arb_series lacks.
_TAYLOR: dict[str, Callable[[Any], tuple[Any, Any, Any]]] = {
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _tanh,
    "expm1": _expm1,
    "log1p": _log1p,
    "digamma": _digamma,
}


def _gauss(x: Any) -> Any:
    """2 / sqrt(pi) exp(-x^2), the derivative of erf."""
    from flint import arb

    return 2 / arb.pi().sqrt() * elementary("exp", -(x * x))


# The derivative at x, given x and the function's value v there.
_SLOPES: dict[str, Callable[[Any, Any], Any]] = {
    "exp": lambda x, v: v,
    "expm1": lambda x, v: elementary("exp", x),
    "log": lambda x, v: 1 / x,
    "log1p": lambda x, v: 1 / (1 + x),
    "sqrt": lambda x, v: 1 / (2 * v),
    "sin": lambda x, v: elementary("cos", x),
    "cos": lambda x, v: -elementary("sin", x),
    "tan": lambda x, v: 1 + v * v,
    "asin": lambda x, v: 1 / elementary("sqrt", 1 - x * x),
    "acos": lambda x, v: -1 / elementary("sqrt", 1 - x * x),
    "atan": lambda x, v: 1 / (1 + x * x),
    "sinh": lambda x, v: elementary("cosh", x),
    "cosh": lambda x, v: elementary("sinh", x),
    "tanh": lambda x, v: 1 / elementary("cosh", x) ** 2,
    "erf": lambda x, v: _gauss(x),
    "erfc": lambda x, v: -_gauss(x),
    "lgamma": lambda x, v: elementary("digamma", x),
}
