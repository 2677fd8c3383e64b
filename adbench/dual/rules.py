r"""The one table of derivative rules; every variant of our duals reads it, none adds to it.

A rule is written over a namespace `m` of elementary functions and plain arithmetic, so the same line
serves Python floats, NumPy arrays and the LLVM code that Numba compiles:

``UNARY[name](m, x) -> (f, f', f'')`` and
``BINARY[name](m, a, b) -> (f, f_a, f_b, f_aa, f_ab, f_bb)``.

A derivative that is identically zero is ``None`` and one that is identically 1 or -1 is that integer,
so that a reader can leave the multiplication out. Formulas: any table of derivatives, e.g. NIST
Digital Library of Mathematical Functions, chapters 4, 5 and 7. Where the functions of `m` are right,
first and second derivatives are within 4 units in the last place of the exact ones at every float
(lgamma, digamma: 1e-14 of max(1, |f|), below zero 1e-12), which the tests check against 50 digits. Two
exceptions: ``f_ab`` of pow, ``w (1 + b log a)``, is so only in units of the larger of its two terms; and
what is computed from a subnormal number has no more digits than that has (erf'' from |x| = 26.5 on), nor
is there a number where a step overflows (1 / b in ``-a / b^2`` for subnormal b).

At kinks and singular points, in every variant:

- ``fabs`` has slope +1 at +0 and -0 (the slope of the branch ``x >= 0``);
- ``sqrt`` and ``cbrt`` have slope +inf at +0 and -0, second derivative -inf (the limit from above);
- ``max`` and ``min`` of equal operands take the first; NaN wins where it does for plain numbers;
- sign, floor, ceil, trunc, round and comparisons are steps: derivative 0, at their jumps too; ``mod``
  has slope 1 in its first operand and ``-floor(a / b)`` in its second;
- ``pow`` with a constant exponent 0 has slope 0 everywhere, at base 0 too (where the value is 1);
- ``pow`` at base 0 has the limits from above: the slope in the exponent, ``v log a``, is 0 for
  positive exponents and -inf at exponent 0; a factor of zero wins over an infinity (``m.strong``);
- ``pow`` at base -0 has what it has at +0, but where compiled code neglects the sign of a zero (relaxed
  arithmetic): there an infinite slope of ``x ** 0.5`` may have either sign;
- ``pow`` of a negative base has no slope in the exponent: NaN, and so its mixed and second ones;
- ``atan2`` and ``hypot`` have none at (0, 0), ``logaddexp`` none where both are the same infinity: NaN.

A variable on which the operand does not depend must not see an infinite or missing slope: in
``sqrt(x) + y`` at x = 0 the slope in y is 1. Every reader lets a tangent of zero win over it in the rules
of `SINGULAR`, whose functions have values where slopes are infinite or missing. Elsewhere zero times
infinity is NaN, as in IEEE arithmetic (in a product, and where the value is infinite itself). A norm
written as ``sqrt(x * x + y * y)`` has slope 0 at the origin by this, hypot none.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from adbench.dual.digits import bell, difference, gauss, one_minus_square, polar, power_less

Unary = Callable[[Any, Any], tuple[Any, Any, Any]]
Binary = Callable[[Any, Any, Any], tuple[Any, Any, Any, Any, Any, Any]]

INFINITY = float("inf")
SMALL = 2.0**-520  # its square is still a number, and that of SMALL times any float finite


def _exp(m: Any, x: Any) -> tuple[Any, Any, Any]:
    e = m.exp(x)
    return e, e, e


def _expm1(m: Any, x: Any) -> tuple[Any, Any, Any]:
    e = m.exp(x)
    return m.expm1(x), e, e


def _log(m: Any, x: Any) -> tuple[Any, Any, Any]:
    r = 1.0 / x
    return m.log(x), r, -(r * r)


def _log2(m: Any, x: Any) -> tuple[Any, Any, Any]:
    d = m.log2_e / x
    return m.log2(x), d, -(d / x)


def _log10(m: Any, x: Any) -> tuple[Any, Any, Any]:
    d = m.log10_e / x
    return m.log10(x), d, -(d / x)


def _log1p(m: Any, x: Any) -> tuple[Any, Any, Any]:
    r = 1.0 / (1.0 + x)
    return m.log1p(x), r, -(r * r)


def _sqrt(m: Any, x: Any) -> tuple[Any, Any, Any]:
    s = m.sqrt(x)
    # chosen by a comparison, so that -0 has the slopes of +0 even where compilers neglect its sign
    d = m.where_nonnegative(-s, INFINITY, 0.5 / s)
    return s, d, m.where_nonnegative(-s, -INFINITY, -0.5 * d / x)


def _cbrt(m: Any, x: Any) -> tuple[Any, Any, Any]:
    c = m.cbrt(x)
    # libraries miss by some units; a Newton step gives the slopes what it would cost the value
    w = (c - (c - x / (c * c)) / 3.0) / x
    at_zero = -(c * c)  # the only place where this is not negative
    d = m.where_nonnegative(at_zero, INFINITY, w / 3.0)
    return c, d, m.where_nonnegative(at_zero, -INFINITY, -(w / 4.5 / x))


def _sin(m: Any, x: Any) -> tuple[Any, Any, Any]:
    s = m.sin(x)
    return s, m.cos(x), -s


def _cos(m: Any, x: Any) -> tuple[Any, Any, Any]:
    c = m.cos(x)
    return c, -m.sin(x), -c


def _tan(m: Any, x: Any) -> tuple[Any, Any, Any]:
    t = m.tan(x)
    d = 1.0 + t * t
    return t, d, 2.0 * t * d


def _asin(m: Any, x: Any) -> tuple[Any, Any, Any]:
    p = one_minus_square(m, x)
    d = 1.0 / m.sqrt(p)
    return m.asin(x), d, x / p * d


def _acos(m: Any, x: Any) -> tuple[Any, Any, Any]:
    p = one_minus_square(m, x)
    d = 1.0 / m.sqrt(p)
    return m.acos(x), -d, -(x / p * d)


def _atan(m: Any, x: Any) -> tuple[Any, Any, Any]:
    # Scaled by c where x^2 would overflow: 1 / (1 + x^2) = c^2 / (c^2 + (c x)^2).
    c = m.where_nonnegative(1e200 - x * x, 1.0, SMALL)
    y = m.steady(c * x)
    w = c * c + y * y
    d = c / w * c
    return m.atan(x), d, -2.0 * (y / w * c) * d


def _sinh(m: Any, x: Any) -> tuple[Any, Any, Any]:
    s = m.sinh(x)
    return s, m.cosh(x), s


def _cosh(m: Any, x: Any) -> tuple[Any, Any, Any]:
    c = m.cosh(x)
    return c, m.sinh(x), c


def _tanh(m: Any, x: Any) -> tuple[Any, Any, Any]:
    t = m.tanh(x)
    # 1 - t^2 cancels for large |x|, and cosh overflows
    d = 4.0 * bell(m, 2.0 * x)
    return t, d, -2.0 * t * d


def _asinh(m: Any, x: Any) -> tuple[Any, Any, Any]:
    r, p, _, n, scale = polar(m, x, 1.0)
    return m.asinh(x), 1.0 / r, -(p / n * scale / r)


def _acosh(m: Any, x: Any) -> tuple[Any, Any, Any]:
    s = m.steady(x)
    p = (s * s - 1.0) + m.square_error(s)
    # from here on 1 is nothing beside x^2, which would overflow
    far = x - 2.0**28
    d = 1.0 / m.where_nonnegative(far, x, m.sqrt(p))
    return m.acosh(x), d, -(m.where_nonnegative(far, d, x / p) * d)


def _atanh(m: Any, x: Any) -> tuple[Any, Any, Any]:
    p = one_minus_square(m, x)
    return m.atanh(x), 1.0 / p, 2.0 * x / p / p


def _erf(m: Any, x: Any) -> tuple[Any, Any, Any]:
    f = m.erf(x)
    d = gauss(m, x)
    return f, d, -2.0 * x * d


def _erfc(m: Any, x: Any) -> tuple[Any, Any, Any]:
    f = m.erfc(x)
    d = gauss(m, x)
    return f, -d, 2.0 * x * d


def _lgamma(m: Any, x: Any) -> tuple[Any, Any, Any]:
    return m.lgamma(x), m.polygamma(0, x), m.polygamma(1, x)


def _digamma(m: Any, x: Any) -> tuple[Any, Any, Any]:
    return m.polygamma(0, x), m.polygamma(1, x), m.polygamma(2, x)


def _expit(m: Any, x: Any) -> tuple[Any, Any, Any]:
    d = bell(m, x)
    return m.expit(x), d, -(d * m.tanh(0.5 * x))


def _neg(m: Any, x: Any) -> tuple[Any, Any, Any]:
    return -x, -1, None


def _pos(m: Any, x: Any) -> tuple[Any, Any, Any]:
    return x, 1, None


def _fabs(m: Any, x: Any) -> tuple[Any, Any, Any]:
    return m.fabs(x), m.where_nonnegative(x, 1.0, -1.0), None


# To be had from `m`, since number types of more digits have more of them.
CONSTANTS: Mapping[str, float] = MappingProxyType(
    {
        "two_over_sqrt_pi": 1.1283791670955126,
        "log2_e": 1.4426950408889634,
        "log10_e": 0.4342944819032518,
    }
)

UNARY: Mapping[str, Unary] = MappingProxyType(
    {
        rule.__name__[1:]: rule
        for rule in (
            *(_exp, _expm1, _log, _log1p, _log2, _log10, _sqrt, _cbrt),
            *(_sin, _cos, _tan, _asin, _acos, _atan),
            *(_sinh, _cosh, _tanh, _asinh, _acosh, _atanh),
            *(_erf, _erfc, _lgamma, _digamma, _expit),
            *(_neg, _pos, _fabs),
        )
    }
)


def _add(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    return a + b, 1, 1, None, None, None


def _sub(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    return a - b, 1, -1, None, None, None


def _mul(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    return a * b, b, a, None, 1, None


def _div(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    # whole numbers as factors, here and in `power`: they leave a Fraction exact
    r = 1 / b
    q = a / b
    return q, r, -(q * r), None, -(r * r), 2 * q * r * r


def _pow(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    log = m.quiet_log(a)
    v, w = m.pow(a, b), power_less(m, a, b, 1.0, log)
    return (
        v,
        m.strong(b, w),
        m.strong(v, log),
        m.strong(b * (b - 1.0), power_less(m, a, b, 2.0, log)),
        m.strong(w, 1.0 + m.strong(b, log)),
        m.strong(v, log * log),
    )


def _atan2(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    _, p, q, n, scale = polar(m, a, b)
    s, c = p / n * scale, q / n * scale
    # a^2 - b^2 by its factors, which do not cancel what was rounded
    cross = ((p - q) / n * scale) * ((p + q) / n * scale)
    twist = 2.0 * s * c
    return m.atan2(a, b), c, -s, -twist, cross, twist


def _hypot(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    r, p, q, n, scale = polar(m, a, b)
    s, c = a / r, b / r
    t = q / n * scale
    return r, s, c, c * t, -(s * t), s * (p / n * scale)


def _logaddexp(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    # exp(t) makes a rounding of t = a - b come out t times as large, where t is not small
    t, lost = difference(m.steady(a), m.steady(b))
    lost = m.where_nonnegative(1e6 - t * t, lost, 0.0)
    p, q = m.expit(t), m.expit(-t)
    d = bell(m, t)
    d = d + d * ((q - p) * lost)
    return m.logaddexp(a, b), p + p * (q * lost), q - q * (p * lost), d, -d, d


def _mod(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    r = m.mod(a, b)
    # the whole quotient from the remainder, since a / b may round up to the next integer
    return r, 1, -m.floor((a - r) / b + 0.5), None, None, None


BINARY: Mapping[str, Binary] = MappingProxyType(
    {
        rule.__name__[1:]: rule
        for rule in (_add, _sub, _mul, _div, _pow, _atan2, _hypot, _logaddexp, _mod)
    }
)


SINGULAR = frozenset(
    (_sqrt, _cbrt, _asin, _acos, _acosh, _pow, _atan2, _hypot, _logaddexp)
)  # and `power`, `powers` with exponents that are not whole


def power(m: Any, x: Any, n: Any, whole: bool = False) -> tuple[Any, Any, Any]:
    """Rule of ``x ** n`` for a constant exponent: no logarithm, so negative bases work.

    `whole` says that n, though no Python number (compiled code knows it at run time), is a whole one.
    """
    if n == 0:
        return m.pow(x, 0.0), None, None
    if n == 1:
        return x, 1, None
    if n == 2:
        return x * x, 2.0 * x, 2.0
    first, second = (_lowered(m, x, n, k, whole) for k in (1, 2))
    return m.pow(x, n), n * first, n * (n - 1) * second


def _lowered(m: Any, x: Any, n: Any, k: int, whole: bool) -> Any:
    """``x ** (n - k)``; with a logarithm only where n is no whole number and was rounded."""
    lost = difference(n, k)[1] if isinstance(n, float) else 0.0
    if whole or (lost == 0 and hasattr(n, "__float__")):
        return m.pow(x, n - k)
    return power_less(m, x, n, k, m.quiet_log(x))


def powers(m: Any, x: Any, n: Any) -> tuple[Any, Any, Any]:
    """Rule of ``x ** n`` for an array of constant exponents: `power` element by element.

    Needs ``m.where(condition, a, b)``. A factor that is zero wins over the infinity that stands
    beside it at ``x = 0``, as in `power`.
    """
    log = m.quiet_log(x)
    w = power_less(m, x, m.where(n == 0, 1.0, n), 1.0, log)
    flat = n * (n - 1.0) == 0
    u = power_less(m, x, m.where(flat, 2.0, n), 2.0, log)
    return m.pow(x, n), m.where(n == 0, 0.0, n * w), m.where(flat, 0.0, n * (n - 1.0) * u)


def polygamma(m: Any, order: int, x: Any) -> tuple[Any, Any, Any]:
    """Rule of the polygamma function of that order; needs ``m.polygamma(order, x)``."""
    return m.polygamma(order, x), m.polygamma(order + 1, x), m.polygamma(order + 2, x)
