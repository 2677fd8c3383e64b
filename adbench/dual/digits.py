"""The steps of the rules that would lose digits, done so that they do not; no rule of its own.

Over a namespace `m`, as the rules are. A derivative is to be right to a few units in the last place
wherever the functions of `m` are, so a rounding that a later step enlarges (a cancellation, an
exponential) is found and given back. ``m.steady`` keeps a compiler from rearranging such steps, and
``m.square_error(x)`` is ``x * x`` less its rounded value, exactly.
"""

from typing import Any

# what may be squared, and its squares multiplied, lies between
TINY, HUGE = 2.0**-500, 2.0**500


def difference(a: Any, b: Any) -> tuple[Any, Any]:
    """``a - b`` rounded, and what rounding took from it (Knuth, TAOCP 2, section 4.2.2).

    One of them must be steady.
    """
    t = a - b
    u = t - a
    return t, (a - (t - u)) - (b + u)


def one_minus_square(m: Any, x: Any) -> Any:
    """``1 - x^2`` with every digit: what rounding took from the square is given back."""
    x = m.steady(x)
    return (1.0 - x * x) - m.square_error(x)


def bell(m: Any, t: Any) -> Any:
    """The derivative of expit: ``e / (1 + e)^2``, e = exp(-|t|), every digit for any t."""
    e = m.exp(m.where_nonnegative(t, -t, t))
    return e / (1.0 + (2.0 * e + e * e))


def gauss(m: Any, x: Any) -> Any:
    """``2 / sqrt(pi) exp(-x^2)``.

    A rounding of x^2 would come out x^2 times as large: exp(-q - r) = exp(-q) (1 - r), r tiny.
    """
    q, c = x * x, m.two_over_sqrt_pi
    # beyond 30 exp is 0, and the error of an infinite square NaN
    r = m.where_nonnegative(900.0 - q, m.square_error(x), 0.0)
    # the factor first: it is ready by the time that exp is
    return (c - c * r) * m.exp(-q)


def polar(m: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any, Any]:
    """``hypot(a, b)``, then p, q, n, scale: a and b times a power of two, and p^2 + q^2.

    The scale keeps n a normal number wherever hypot is one; n is right to half a unit or little more.
    """
    r = m.steady(m.hypot(a, b))
    small = m.where_nonnegative(TINY - r, 2.0**600, 1.0)
    scale = m.where_nonnegative(r - HUGE, 2.0**-600, small)
    p, q = m.steady(scale * a), m.steady(scale * b)
    n, lost = difference(p * p, -(q * q))
    return r, p, q, n + (lost + (m.square_error(p) + m.square_error(q))), scale


def power_less(m: Any, a: Any, b: Any, k: float, log: Any) -> Any:
    """``a ** (b - k)``, where a rounding of b - k would come out log(a) times as large."""
    exponent, lost = difference(b if isinstance(b, float) else m.steady(b), k)
    # at 0, infinity and below 0 there is nothing to mend: the logarithm is infinite or NaN
    mend = lost * m.where_nonnegative(1e6 - log * log, log, 0.0)
    w = m.pow(a, exponent)
    return w + m.where_nonnegative(0.0 * w, w * mend, 0.0)  # 0 times infinity is no number
