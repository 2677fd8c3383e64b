"""Power series of the elementary functions: coefficients of f(u) from those of u, order by order.

A series is a list ``[u_0, ..., u_n]``, the coefficients of u(t) = u_0 + u_1 t + ...; all series of one
call are of one length. A function with ``v' = g u'`` has ``v_k = (1/k) sum_{j=1}^k j u_j g_{k-j}``; the
recurrences below are this, with the series of g found from u or from v itself (Griewank & Walther,
Evaluating Derivatives, 2nd edition, section 13.2). Zeroth coefficients come from the rule table, so
they are as right as it is, and coefficients may be numbers of any type, duals of an outer call too.
"""

import math as python_math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from adbench.dual import rules
from adbench.dual.digits import one_minus_square
from adbench.dual.python.functions import words

Series = list[Any]


def add(u: Series, v: Series) -> Series:
    """The series of u + v."""
    return [a + b for a, b in zip(u, v, strict=True)]


def subtract(u: Series, v: Series) -> Series:
    """The series of u - v."""
    return [a - b for a, b in zip(u, v, strict=True)]


def multiply(u: Series, v: Series) -> Series:
    """The series of u v."""
    return [_convolved(u, v, k, 0) for k in range(len(u))]


def divide(u: Series, v: Series) -> Series:
    """The series of u / v."""
    q: Series = []
    for k in range(len(u)):
        rest = sum(q[j] * v[k - j] for j in range(k))
        q.append((u[k] - rest) / v[0])
    return q


def _convolved(u: Series, v: Series, k: int, start: int) -> Any:
    return sum(u[j] * v[k - j] for j in range(start, k + 1))


def _slope(u: Series, g: Series, k: int) -> Any:
    """Coefficient k of the integral of g u'."""
    return sum(j * u[j] * g[k - j] for j in range(1, k + 1)) / k


def integral(v0: Any, g: Series, u: Series) -> Series:
    """The series v with ``v' = g u'`` that begins with v0."""
    return [v0, *(_slope(u, g, k) for k in range(1, len(u)))]


def exponential(v0: Any, u: Series) -> Series:
    """The series v with ``v' = v u'`` that begins with v0."""
    v = [v0]
    for k in range(1, len(u)):
        v.append(_slope(u, v, k))
    return v


def power(v0: Any, u: Series, a: Any) -> Series:
    """The series of c u^a that begins with v0; u_0 is not 0."""
    v = [v0]
    for k in range(1, len(u)):
        v.append(sum(((a + 1) * j - k) * u[j] * v[k - j] for j in range(1, k + 1)) / (k * u[0]))
    return v


def _riccati(v0: Any, g0: Any, u: Series, linear: int, square: int) -> Series:
    """The series v with ``v' = g u'``, where g is g0 + linear (v - v0) + square (v^2 - v0^2)."""
    v, g = [v0], [g0]
    for k in range(1, len(u)):
        v.append(_slope(u, g, k))
        g.append(linear * v[k] + square * _convolved(v, v, k, 0))
    return v


def _couple(s0: Any, c0: Any, u: Series, sign: int) -> tuple[Series, Series]:
    """The series s and c with ``s' = c u'`` and ``c' = sign s u'``."""
    s, c = [s0], [c0]
    for k in range(1, len(u)):
        both = _slope(u, c, k), sign * _slope(u, s, k)
        s.append(both[0])
        c.append(both[1])
    return s, c


def _square(u: Series, plus: int, u_square: int) -> Series:
    """``plus + u_square u^2``; the digits of 1 - u_0^2 are kept."""
    p = [u_square * c for c in multiply(u, u)]
    if plus * u_square < 0:
        p[0] = plus * one_minus_square(words(u[0]), u[0])
    else:
        p[0] = p[0] + plus
    return p


def _by_slope(name: str, series: Callable[[Any, Series], Series]) -> Callable[[Series], Series]:
    """The function of that name from its slope at u_0 and from ``series(slope, u)``, the slope's."""

    def function(u: Series) -> Series:
        value, slope, _ = rules.UNARY[name](words(u[0]), u[0])
        return integral(value, series(slope, u), u)

    return function


def _logarithm(name: str, plus: int) -> Callable[[Series], Series]:
    return _by_slope(name, lambda g0, u: power(g0, [u[0] + plus, *u[1:]], -1))


def _root(name: str) -> Callable[[Series], Series]:
    exponent = {"sqrt": 2, "cbrt": 3}[name]

    def function(u: Series) -> Series:
        # u v' = (1/p) v u' as in `power`, with p whole, so that no number type rounds 1/p
        v = [getattr(words(u[0]), name)(u[0])]
        for k in range(1, len(u)):
            terms = ((j * (1 + exponent) - k * exponent) * u[j] * v[k - j] for j in range(1, k + 1))
            v.append(sum(terms) / (exponent * k * u[0]))
        return v

    return function


def _of_riccati(name: str, linear: int, square: int) -> Callable[[Series], Series]:
    def function(u: Series) -> Series:
        value, slope, _ = rules.UNARY[name](words(u[0]), u[0])
        return _riccati(value, slope, u, linear, square)

    return function


def _of_couple(name: str, other: str, sign: int, first: bool) -> Callable[[Series], Series]:
    def function(u: Series) -> Series:
        m = words(u[0])
        s, c = _couple(getattr(m, name)(u[0]), getattr(m, other)(u[0]), u, sign)
        return s if first else c

    return function


def _exp(u: Series) -> Series:
    return exponential(words(u[0]).exp(u[0]), u)


def _expm1(u: Series) -> Series:
    return [words(u[0]).expm1(u[0]), *_exp(u)[1:]]


def _gauss(slope: Any, u: Series) -> Series:
    return exponential(slope, [-c for c in multiply(u, u)])


def _fabs(u: Series) -> Series:
    slope = rules.UNARY["fabs"](words(u[0]), u[0])[1]
    return [slope * c for c in u]


def polygamma(order: int, u: Series) -> Series:
    """The polygamma function of that order: its Taylor series at u_0, of the rest of u."""
    m, h = words(u[0]), [u[0] * 0, *u[1:]]
    v = [u[0] * 0] * len(u)
    for k in reversed(range(len(u))):
        v = multiply(v, h)
        v[0] = v[0] + m.polygamma(order + k, u[0]) / python_math.factorial(k)
    return v


UNARY: Mapping[str, Callable[[Series], Series]] = MappingProxyType(
    {
        "exp": _exp,
        "expm1": _expm1,
        **{name: _logarithm(name, 0) for name in ("log", "log2", "log10")},
        "log1p": _logarithm("log1p", 1),
        "sqrt": _root("sqrt"),
        "cbrt": _root("cbrt"),
        "sin": _of_couple("sin", "cos", -1, True),
        "cos": _of_couple("sin", "cos", -1, False),
        "sinh": _of_couple("sinh", "cosh", 1, True),
        "cosh": _of_couple("sinh", "cosh", 1, False),
        "tan": _of_riccati("tan", 0, 1),
        "tanh": _of_riccati("tanh", 0, -1),
        "expit": _of_riccati("expit", 1, -1),
        "asin": _by_slope("asin", lambda g0, u: power(g0, _square(u, 1, -1), -0.5)),
        "acos": _by_slope("acos", lambda g0, u: power(g0, _square(u, 1, -1), -0.5)),
        "asinh": _by_slope("asinh", lambda g0, u: power(g0, _square(u, 1, 1), -0.5)),
        "acosh": _by_slope("acosh", lambda g0, u: power(g0, _square(u, -1, 1), -0.5)),
        "atan": _by_slope("atan", lambda g0, u: power(g0, _square(u, 1, 1), -1)),
        "atanh": _by_slope("atanh", lambda g0, u: power(g0, _square(u, 1, -1), -1)),
        "erf": _by_slope("erf", _gauss),
        "erfc": _by_slope("erfc", _gauss),
        "lgamma": _by_slope("lgamma", lambda g0, u: polygamma(0, u)),
        "digamma": lambda u: polygamma(0, u),
        "neg": lambda u: [-c for c in u],
        "pos": lambda u: u,
        "fabs": _fabs,
    }
)


def _pow(a: Series, b: Series) -> Series:
    m = words(a[0])
    return exponential(m.pow(a[0], b[0]), multiply(b, UNARY["log"](a)))


def _atan2(a: Series, b: Series) -> Series:
    m = words(a[0])
    n = add(multiply(a, a), multiply(b, b))
    turn = subtract(integral(0, divide(b, n), a), integral(0, divide(a, n), b))
    return [m.atan2(a[0], b[0]), *turn[1:]]


def _hypot(a: Series, b: Series) -> Series:
    n = add(multiply(a, a), multiply(b, b))
    return power(words(a[0]).hypot(a[0], b[0]), n, 0.5)


def _logaddexp(a: Series, b: Series) -> Series:
    t = subtract(a, b)
    rise = integral(0, UNARY["expit"](t), t)
    return [words(a[0]).logaddexp(a[0], b[0]), *add(b, rise)[1:]]


def _mod(a: Series, b: Series) -> Series:
    value, _, whole, *_ = rules.BINARY["mod"](words(a[0]), a[0], b[0])
    return [value, *(p + whole * q for p, q in zip(a[1:], b[1:], strict=True))]


BINARY: Mapping[str, Callable[[Series, Series], Series]] = MappingProxyType(
    {
        "add": add,
        "sub": subtract,
        "mul": multiply,
        "div": divide,
        "pow": _pow,
        "atan2": _atan2,
        "hypot": _hypot,
        "logaddexp": _logaddexp,
        "mod": _mod,
    }
)
