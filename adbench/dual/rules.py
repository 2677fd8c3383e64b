r"""The one table of derivative rules; every variant of our duals reads it, none adds to it.

A rule is written over a namespace `m` of elementary functions and plain arithmetic, so the same line
serves Python floats, NumPy arrays and the LLVM code that Numba compiles:

``UNARY[name](m, x) -> (f, f', f'')`` and
``BINARY[name](m, a, b) -> (f, f_a, f_b, f_aa, f_ab, f_bb)``.

A derivative that is identically zero is ``None`` and one that is identically 1 or -1 is that integer,
so that a reader can leave the multiplication out. Formulas: any table of derivatives, e.g. NIST
Digital Library of Mathematical Functions, chapters 4 and 7; first and second derivatives are checked
against 50-digit arithmetic by the tests.

At kinks and singular points:

- ``fabs`` has slope +1 at +0 and -0 (the slope of the branch ``x >= 0``), ``sqrt`` +inf at 0;
- ``pow`` with a constant exponent 0 has slope 0 everywhere;
- ``pow`` at base 0 has the limits from above: the slope in the exponent, ``v log a``, is 0 for
  positive exponents and -inf at exponent 0; a factor of zero wins over an infinity (``m.strong``);
- ``pow`` of a negative base has no slope in the exponent: NaN, and so its mixed and second ones;
- ``atan2`` and ``hypot`` have none at (0, 0): NaN.

A variable that the exponent does not depend on must not see that NaN. Readers therefore let a tangent
of zero win over an infinite or NaN derivative: scalar duals always, the others for ``pow`` (elsewhere
zero times an infinite slope is NaN to them, as in IEEE arithmetic).
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

Unary = Callable[[Any, Any], tuple[Any, Any, Any]]
Binary = Callable[[Any, Any, Any], tuple[Any, Any, Any, Any, Any, Any]]

TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)


def _exp(m: Any, x: Any) -> tuple[Any, Any, Any]:
    e = m.exp(x)
    return e, e, e


def _expm1(m: Any, x: Any) -> tuple[Any, Any, Any]:
    e = m.exp(x)
    return m.expm1(x), e, e


def _log(m: Any, x: Any) -> tuple[Any, Any, Any]:
    r = 1.0 / x
    return m.log(x), r, -(r * r)


def _log1p(m: Any, x: Any) -> tuple[Any, Any, Any]:
    r = 1.0 / (1.0 + x)
    return m.log1p(x), r, -(r * r)


def _sqrt(m: Any, x: Any) -> tuple[Any, Any, Any]:
    s = m.sqrt(x)
    d = 0.5 / s
    return s, d, -0.5 * d / x


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
    d = 1.0 / m.sqrt((1.0 - x) * (1.0 + x))
    return m.asin(x), d, x * d * d * d


def _acos(m: Any, x: Any) -> tuple[Any, Any, Any]:
    d = 1.0 / m.sqrt((1.0 - x) * (1.0 + x))
    return m.acos(x), -d, -(x * d * d * d)


def _atan(m: Any, x: Any) -> tuple[Any, Any, Any]:
    d = 1.0 / (1.0 + x * x)
    return m.atan(x), d, -2.0 * x * d * d


def _sinh(m: Any, x: Any) -> tuple[Any, Any, Any]:
    s = m.sinh(x)
    return s, m.cosh(x), s


def _cosh(m: Any, x: Any) -> tuple[Any, Any, Any]:
    c = m.cosh(x)
    return c, m.sinh(x), c


def _tanh(m: Any, x: Any) -> tuple[Any, Any, Any]:
    t = m.tanh(x)
    # 1 - t^2 cancels for large |x|; 1/cosh^2 keeps every digit.
    c = 1.0 / m.cosh(x)
    d = c * c
    return t, d, -2.0 * t * d


def _erf(m: Any, x: Any) -> tuple[Any, Any, Any]:
    d = TWO_OVER_SQRT_PI * m.exp(-(x * x))
    return m.erf(x), d, -2.0 * x * d


def _erfc(m: Any, x: Any) -> tuple[Any, Any, Any]:
    d = -TWO_OVER_SQRT_PI * m.exp(-(x * x))
    return m.erfc(x), d, -2.0 * x * d


def _neg(m: Any, x: Any) -> tuple[Any, Any, Any]:
    return -x, -1, None


def _pos(m: Any, x: Any) -> tuple[Any, Any, Any]:
    return x, 1, None


def _fabs(m: Any, x: Any) -> tuple[Any, Any, Any]:
    return m.fabs(x), m.where_nonnegative(x, 1.0, -1.0), None


UNARY: Mapping[str, Unary] = MappingProxyType(
    {
        "exp": _exp,
        "expm1": _expm1,
        "log": _log,
        "log1p": _log1p,
        "sqrt": _sqrt,
        "sin": _sin,
        "cos": _cos,
        "tan": _tan,
        "asin": _asin,
        "acos": _acos,
        "atan": _atan,
        "sinh": _sinh,
        "cosh": _cosh,
        "tanh": _tanh,
        "erf": _erf,
        "erfc": _erfc,
        "neg": _neg,
        "pos": _pos,
        "fabs": _fabs,
    }
)


def _add(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    return a + b, 1, 1, None, None, None


def _sub(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    return a - b, 1, -1, None, None, None


def _mul(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    return a * b, b, a, None, 1, None


def _div(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    r = 1.0 / b
    q = a / b
    return q, r, -(q * r), None, -(r * r), 2.0 * q * r * r


def _pow(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    v, w = m.pow(a, b), m.pow(a, b - 1.0)
    log = m.quiet_log(a)
    return (
        v,
        m.strong(b, w),
        m.strong(v, log),
        m.strong(b * (b - 1.0), m.pow(a, b - 2.0)),
        m.strong(w, 1.0 + m.strong(b, log)),
        m.strong(v, log * log),
    )


def _atan2(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    # Over r = hypot(a, b) one division at a time: a^2 + b^2 leaves the range of floats long before.
    r = m.steady(m.hypot(a, b))
    s, c = a / r, b / r
    # a^2 - b^2 by its factors, which do not cancel what was rounded; halved, lest a + b overflow.
    p, q = 0.5 * a, 0.5 * b
    cross = 4.0 * ((p - q) / r) * ((p + q) / r) / r / r
    twist = 2.0 * s * c / r / r
    return m.atan2(a, b), c / r, -(s / r), -twist, cross, twist


def _hypot(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    r = m.steady(m.hypot(a, b))
    s, c = a / r, b / r
    return r, s, c, c * c / r, -(s * c / r), s * s / r


BINARY: Mapping[str, Binary] = MappingProxyType(
    {
        "add": _add,
        "sub": _sub,
        "mul": _mul,
        "div": _div,
        "pow": _pow,
        "atan2": _atan2,
        "hypot": _hypot,
    }
)


def power(m: Any, x: Any, n: float) -> tuple[Any, Any, Any]:
    """Rule of ``x ** n`` for a constant exponent: no logarithm, so negative bases work."""
    if n == 0:
        return m.pow(x, 0.0), None, None
    if n == 1:
        return x, 1, None
    if n == 2:
        return x * x, 2.0 * x, 2.0
    return m.pow(x, n), n * m.pow(x, n - 1.0), n * (n - 1.0) * m.pow(x, n - 2.0)


def powers(m: Any, x: Any, n: Any) -> tuple[Any, Any, Any]:
    """Rule of ``x ** n`` for an array of constant exponents: `power` element by element.

    Needs ``m.where(condition, a, b)``. A factor that is zero wins over the infinity that stands
    beside it at ``x = 0``, as in `power`.
    """
    first = m.where(n == 0, 0.0, n * m.pow(x, m.where(n == 0, 1.0, n - 1.0)))
    flat = n * (n - 1.0) == 0
    second = m.where(flat, 0.0, n * (n - 1.0) * m.pow(x, m.where(flat, 1.0, n - 2.0)))
    return m.pow(x, n), first, second


def polygamma(m: Any, order: int, x: Any) -> tuple[Any, Any, Any]:
    """Rule of the polygamma function of that order; needs ``m.polygamma(order, x)``."""
    return m.polygamma(order, x), m.polygamma(order + 1, x), m.polygamma(order + 2, x)


def lgamma(m: Any, x: Any) -> tuple[Any, Any, Any]:
    """Rule of log |gamma(x)|; needs ``m.polygamma``, which Numba's namespace lacks.

    It therefore stands beside `UNARY`, whose rules every reader has.
    """
    return m.lgamma(x), m.polygamma(0, x), m.polygamma(1, x)
