"""Every rule of the table against 50 digits, in units in the last place, at dense and at edge points.

The unit: ours and the exact derivative *at the float that the argument is*, their distance in units of
the last place of the exact one. Nothing is allowed for conditioning: a rule that enlarges a rounding of
its own fails. Four units are the limit, for first and second derivatives, from Python floats and from
NumPy arrays, wherever the elementary functions beneath are right to that.
"""

import math
import random
from functools import cache
from types import SimpleNamespace

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adbench.dual import rules
from adbench.dual.elementary import ARRAY, FLOAT
from adbench.dual.polygamma import polygamma
from adbench.dual.python.functions import evaluate, partials

LIMIT = 4.0
DIGITS = 50
INF, NAN, TINIEST = math.inf, math.nan, 5e-324
ARRAYS = SimpleNamespace(**ARRAY, where=np.where)


def signed_cbrt(x):
    return mp.sign(x) * mp.cbrt(abs(x))


def sech2(x):
    return 1 / mp.cosh(x) ** 2


def normal(x):
    return 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)


def logistic(x):
    return 1 / (1 + mp.exp(-x))


# Value, first and second derivative.
EXACT = {
    "exp": (mp.exp, mp.exp, mp.exp),
    "expm1": (mp.expm1, mp.exp, mp.exp),
    "log": (mp.log, lambda x: 1 / x, lambda x: -1 / x**2),
    "log1p": (mp.log1p, lambda x: 1 / (1 + x), lambda x: -1 / (1 + x) ** 2),
    "log2": (lambda x: mp.log(x, 2), lambda x: 1 / x / mp.ln(2), lambda x: -1 / x**2 / mp.ln(2)),
    "log10": (mp.log10, lambda x: 1 / x / mp.ln(10), lambda x: -1 / x**2 / mp.ln(10)),
    "sqrt": (mp.sqrt, lambda x: 1 / mp.sqrt(x) / 2, lambda x: -1 / mp.sqrt(x) / x / 4),
    "cbrt": (
        signed_cbrt,
        lambda x: 1 / signed_cbrt(x) ** 2 / 3,
        lambda x: -2 / signed_cbrt(x) ** 2 / x / 9,
    ),
    "sin": (mp.sin, mp.cos, lambda x: -mp.sin(x)),
    "cos": (mp.cos, lambda x: -mp.sin(x), lambda x: -mp.cos(x)),
    "tan": (mp.tan, lambda x: mp.cos(x) ** -2, lambda x: 2 * mp.sin(x) / mp.cos(x) ** 3),
    "asin": (mp.asin, lambda x: (1 - x * x) ** -0.5, lambda x: x * (1 - x * x) ** -1.5),
    "acos": (mp.acos, lambda x: -((1 - x * x) ** -0.5), lambda x: -x * (1 - x * x) ** -1.5),
    "atan": (mp.atan, lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2),
    "sinh": (mp.sinh, mp.cosh, mp.sinh),
    "cosh": (mp.cosh, mp.sinh, mp.cosh),
    "tanh": (mp.tanh, sech2, lambda x: -2 * mp.tanh(x) * sech2(x)),
    "asinh": (mp.asinh, lambda x: (1 + x * x) ** -0.5, lambda x: -x * (1 + x * x) ** -1.5),
    "acosh": (mp.acosh, lambda x: (x * x - 1) ** -0.5, lambda x: -x * (x * x - 1) ** -1.5),
    "atanh": (mp.atanh, lambda x: 1 / (1 - x * x), lambda x: 2 * x / (1 - x * x) ** 2),
    "erf": (mp.erf, normal, lambda x: -2 * x * normal(x)),
    "erfc": (mp.erfc, lambda x: -normal(x), lambda x: 2 * x * normal(x)),
    "expit": (
        logistic,
        lambda x: logistic(x) * logistic(-x),
        lambda x: -logistic(x) * logistic(-x) * mp.tanh(x / 2),
    ),
    "neg": (lambda x: -x, lambda x: mp.mpf(-1), lambda x: mp.mpf(0)),
    "pos": (lambda x: x, lambda x: mp.mpf(1), lambda x: mp.mpf(0)),
    "fabs": (abs, mp.sign, lambda x: mp.mpf(0)),
}
GAMMAS = ("lgamma", "digamma")

# Where each is to hold: an interval, and single points at its ends, kinks and overflow thresholds.
LARGEST = 1.7e308
HALF_LINE = (TINIEST, LARGEST)
LINE = (-LARGEST, LARGEST)
UNIT = (-math.nextafter(1, 0), math.nextafter(1, 0))
SQUARES = (1.3e154, 1.5e154, 1e103, 2.0**28, 2.0**28 + 1, 1e100)  # where x^2 overflows, and so on
DOMAINS = {
    "exp": (-745.0, 709.5), "expm1": (-745.0, 709.5), "sinh": (-710.0, 710.0),
    "cosh": (-710.0, 710.0), "tanh": (-372.0, 372.0), "expit": (-700.0, 700.0),
    "log": HALF_LINE, "log2": HALF_LINE, "log10": HALF_LINE, "sqrt": HALF_LINE,
    "log1p": (math.nextafter(-1, 0), LARGEST), "acosh": (math.nextafter(1, 2), LARGEST),
    "asin": UNIT, "acos": UNIT, "atanh": UNIT,
    # beyond, exp(-x^2) is subnormal and has fewer digits than what is computed from it
    "erf": (-26.4, 26.4), "erfc": (-26.4, 26.4),
}  # fmt: skip
COUNTS = {"cbrt": 1500}  # libraries' own misses are rare
EDGES = (
    TINIEST, 1e-310, 2.3e-308, 1e-160, 1e-30, 1e-8, 0.25, 0.5, 1.0, 1.5, 2.0, math.pi / 2, math.pi,
    20.0, 26.3, 700.0, 1e16, LARGEST, *SQUARES,
    *(1 - 2.0**-k for k in (2, 10, 30, 52, 53)), *(1 + 2.0**-k for k in (10, 30, 51)),
)  # fmt: skip


@cache
def points(name):
    """Points of the domain: uniform near 0, uniform over it, of every scale, near its ends, at edges."""
    low, high = DOMAINS.get(name, LINE)
    rng, count = random.Random(name), COUNTS.get(name, 150)
    found = [x * s for x in EDGES for s in (1, -1)]
    found += [rng.uniform(-4, 4) for _ in range(count)]
    found += [rng.uniform(max(low, -800), min(high, 800)) for _ in range(count)]
    found += [s * 2.0 ** rng.uniform(-1073, 1023) for _ in range(count) for s in (1, -1)]
    for end, inward in ((low, 1), (high, -1)):
        if abs(end) < 2:
            found += [round(end) + inward * 2.0 ** rng.uniform(-53, -1) for _ in range(count)]
    return tuple(x for x in [*found, low, high] if low <= x <= high)


def units(ours, exact):
    """Distance from the exact value in units of its last place; 0 where both are out of range."""
    rounded = float(exact)
    if math.isinf(rounded) or math.isinf(ours):
        near = abs(rounded) > 1.797e308 and abs(ours) > 1.797e308
        return 0.0 if near and (rounded > 0) == (ours > 0) else INF
    if math.isnan(ours):
        return INF
    return float(abs(mp.mpf(ours) - exact) / mp.mpf(math.ulp(rounded)))


def number(d):
    return 0.0 if d is None else float(d)


@cache
def exact_slopes(name):
    with mp.workdps(DIGITS):
        return [[f(mp.mpf(x)) for f in EXACT[name][1:]] for x in points(name)]


def by_floats(name):
    plain = FLOAT.get(name, abs)
    return [list(map(number, evaluate(rules.UNARY[name], plain, x)[1:])) for x in points(name)]


def by_arrays(name):
    xs = np.array(points(name))
    with np.errstate(all="ignore"):
        _, *slopes = rules.UNARY[name](ARRAYS, xs)
    columns = [np.broadcast_to(0.0 if d is None else d, xs.shape) for d in slopes]
    return np.stack(columns, axis=1).tolist()


@pytest.mark.parametrize("way", [by_floats, by_arrays])
@pytest.mark.parametrize("name", [n for n in rules.UNARY if n not in GAMMAS])
def test_slopes_are_within_four_units_of_the_exact_ones(name, way):
    for x, ours, exact in zip(points(name), way(name), exact_slopes(name), strict=True):
        for order, (d, e) in enumerate(zip(ours, exact, strict=True), 1):
            with mp.workdps(DIGITS):
                assert units(d, e) <= LIMIT, (name, order, x, d, mp.nstr(e, 20))


@pytest.mark.parametrize("name", EXACT)
def test_the_closed_forms_are_the_derivatives_of_the_functions(name):
    """The formulas above, independently: by differences in 50 digits, in the middle of the domain."""
    middle = {"log": 0.7, "acosh": 1.9, "sqrt": 0.7, "log2": 0.7, "log10": 0.7}.get(name, 0.4)
    f, first, second = EXACT[name]
    with mp.workdps(DIGITS):
        for x in (mp.mpf(middle), mp.mpf(middle) / 7 if middle < 1 else mp.mpf(5)):
            assert mp.almosteq(mp.diff(f, x), first(x), 1e-20)
            assert mp.almosteq(mp.diff(f, x, 2), second(x), 1e-15, 1e-15)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_slopes_are_within_four_units_anywhere(data):
    name = data.draw(st.sampled_from([n for n in EXACT if n in rules.UNARY]))
    low, high = DOMAINS.get(name, LINE)
    x = data.draw(st.floats(low, high).filter(bool))
    with mp.workdps(DIGITS):
        ours = evaluate(rules.UNARY[name], FLOAT.get(name, abs), x)[1:]
        for d, f in zip(ours, EXACT[name][1:], strict=True):
            assert units(number(d), f(mp.mpf(x))) <= LIMIT


def test_the_slopes_of_erf_fade_out_without_losing_more_than_the_numbers_that_carry_them():
    """Where exp(-x^2) is subnormal: right to a unit of the smallest number, times what multiplies it."""
    for x in np.linspace(26.4, 27.5, 200).tolist():
        _, first, second = rules.UNARY["erf"](SimpleNamespace(**FLOAT), x)
        with mp.workdps(DIGITS):
            assert abs(first - normal(mp.mpf(x))) <= 2 * TINIEST + 4 * 2.0**-52 * first
            exact = -2 * x * normal(mp.mpf(x))
            assert abs(second - exact) <= 2 * 2 * x * TINIEST - 4 * 2.0**-52 * second
    for x in (INF, -INF, 1e200):
        assert rules.UNARY["erf"](SimpleNamespace(**FLOAT), x)[1] == 0.0


# lgamma, digamma and theirs: relative to max(1, |f|)
RIGHT = [0.03, 1e-10, 1.4616321449683622, 1.0, 2.0, 5.5, 19.9, 1e5, 1e12, *np.linspace(0.1, 9, 60)]
LEFT = [-0.5040830082644554, -1e-9, -3.999999998, -4.0000001, -100.3, -1234.56,
        *np.linspace(-9.97, -0.03, 60)]  # fmt: skip


@pytest.mark.parametrize(("where", "limit"), [(RIGHT, 1e-14), (LEFT, 1e-12)])
@pytest.mark.parametrize("order", [-1, 0, 1, 2, 3, 5])
def test_gamma_functions_and_their_slopes(order, where, limit):
    xs = [float(x) for x in where]
    with mp.workdps(DIGITS):
        if order < 0:
            exact = [mp.re(mp.loggamma(mp.mpf(x))) for x in xs]
            ways = ([FLOAT["lgamma"](x) for x in xs], ARRAY["lgamma"](np.array(xs)))
        else:
            exact = [mp.polygamma(order, mp.mpf(x)) for x in xs]
            alone = [FLOAT["polygamma"](order, x) for x in xs]
            ways = (alone, ARRAY["polygamma"](order, np.array(xs)))
        for way in ways:
            for x, ours, e in zip(xs, way, exact, strict=True):
                assert abs(mp.mpf(float(ours)) - e) <= limit * max(1, abs(e)), (order, x)


def test_gamma_rules_are_made_of_polygamma_functions():
    for m, x in ((SimpleNamespace(**FLOAT), 2.7), (ARRAYS, np.array([2.7, -1.3]))):
        psi = [m.polygamma(order, x) for order in range(4)]
        np.testing.assert_array_equal(rules.UNARY["lgamma"](m, x)[1:], psi[:2])
        np.testing.assert_array_equal(rules.UNARY["digamma"](m, x), psi[:3])
        np.testing.assert_array_equal(rules.polygamma(m, 1, x), psi[1:])
        np.testing.assert_array_equal(m.digamma(x), psi[0])
    assert polygamma(1, 0.0) == polygamma(1, -3.0) == INF


# Value and f_a, f_b, f_aa, f_ab, f_bb.
def exact_div(a, b):
    return 1 / b, -a / b**2, mp.mpf(0), -1 / b**2, 2 * a / b**3


def exact_atan2(a, b):
    r = a * a + b * b
    return b / r, -a / r, -2 * a * b / r**2, (a * a - b * b) / r**2, 2 * a * b / r**2


def exact_hypot(a, b):
    r = mp.sqrt(a * a + b * b)
    return a / r, b / r, b * b / r**3, -a * b / r**3, a * a / r**3


def exact_pow(a, b):
    log, v = mp.log(a), a**b
    return b * v / a, v * log, b * (b - 1) * v / a / a, v / a * (1 + b * log), v * log * log


def exact_logaddexp(a, b):
    p, q = logistic(a - b), logistic(b - a)
    return p, q, p * q, -p * q, p * q


def exact_mod(a, b):
    return mp.mpf(1), -mp.floor(a / b), mp.mpf(0), mp.mpf(0), mp.mpf(0)


EXACT_OF_TWO = {
    "add": lambda a, b: (mp.mpf(1), mp.mpf(1), *[mp.mpf(0)] * 3),
    "sub": lambda a, b: (mp.mpf(1), mp.mpf(-1), *[mp.mpf(0)] * 3),
    "mul": lambda a, b: (b, a, mp.mpf(0), mp.mpf(1), mp.mpf(0)),
    "div": exact_div, "pow": exact_pow, "atan2": exact_atan2, "hypot": exact_hypot,
    "logaddexp": exact_logaddexp, "mod": exact_mod,
}  # fmt: skip


def of_any_scale(rng):
    """Two numbers of a common scale up to 2^±450, alike, nearly equal, or far apart."""
    scale, spread = 2.0 ** rng.uniform(-450, 450), 2.0 ** rng.choice((2, 2, 40)) * rng.random()
    a = scale * rng.choice((-1, 1)) * 2.0 ** rng.uniform(-1, 1)
    if rng.random() < 0.2:
        return a, rng.choice((-1, 1)) * a * (1 + 2.0 ** rng.uniform(-52, -2))
    return a, scale * rng.choice((-1, 1)) * 2.0 ** rng.uniform(-spread % 60, 3)


def of_powers(rng):
    """A base of any scale and an exponent of either sign, the power within the range of floats."""
    a = rng.choice((2.0 ** rng.uniform(-400, 400), rng.uniform(0.1, 5)))
    most = min(950 / max(abs(math.log2(a)), 1e-3), 1e4) - 2
    return a, rng.choice((rng.uniform(-most, most), rng.choice((0.1, 0.5, 1 / 3, -0.3, 2.2))))


def of_logarithms(rng):
    a = rng.choice((rng.uniform(-5, 5), rng.uniform(-1e6, 1e6), 2.0 ** rng.uniform(-50, 9)))
    return a, a + rng.choice((rng.uniform(-4, 4), rng.uniform(-700, 700)))


def of_quotients(rng):
    return rng.uniform(-1e3, 1e3), rng.choice((-1, 1)) * rng.uniform(0.1, 20)


SOURCES = {"pow": of_powers, "logaddexp": of_logarithms, "mod": of_quotients}


def tolerated(name, order, a, b, exact):
    """The number in whose last place a derivative is measured: itself, but for the mixed one of pow."""
    if name == "pow" and order == 3:
        return max(abs(a ** (b - 1)), abs(a ** (b - 1) * b * mp.log(a)))
    return exact


@pytest.mark.parametrize("name", EXACT_OF_TWO)
def test_partial_slopes_are_within_four_units_of_the_exact_ones(name):
    rng = random.Random(name)
    pairs = [SOURCES.get(name, of_any_scale)(rng) for _ in range(1500 if name == "atan2" else 400)]
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    with np.errstate(all="ignore"):
        table = [
            np.broadcast_to(0.0 if d is None else d, a.shape)
            for d in rules.BINARY[name](ARRAYS, a, b)[1:]
        ]
    for i, (p, q) in enumerate(pairs):
        alone = partials(name, p, q)[1:]
        with mp.workdps(DIGITS):
            exact = EXACT_OF_TWO[name](mp.mpf(p), mp.mpf(q))
            for order, e in enumerate(exact):
                measure = tolerated(name, order, mp.mpf(p), mp.mpf(q), e)
                if 0 < abs(measure) < 1e-290:
                    continue  # what it is computed from may be subnormal
                for ours in (number(alone[order]), float(table[order][i])):
                    scale = math.ulp(float(measure)) / math.ulp(float(e)) if measure is not e else 1
                    assert units(ours, e) <= LIMIT * scale, (name, order, p, q, ours)


@settings(deadline=None, max_examples=200)
@given(st.floats(1e-300, 1e300), st.floats(-6.0, 6.0))
def test_constant_powers_are_within_four_units(x, n):
    with mp.workdps(DIGITS):
        a, b = mp.mpf(x), mp.mpf(n)
        exact = b * a ** (b - 1), b * (b - 1) * a ** (b - 2)
        if not all(1e-290 < abs(e) < 1e290 for e in (*exact, a**b, a ** (b - 2))):
            return
        m = SimpleNamespace(**FLOAT)
        arrays = rules.powers(ARRAYS, np.array([x, x]), np.array([n, 2.0]))
        for way in (rules.power(m, x, n), [v[0] for v in arrays]):
            for ours, e in zip(way[1:], exact, strict=True):
                assert units(number(ours), e) <= LIMIT


@pytest.mark.parametrize("n", [0, 1, 2, 3, -1, 0.5, -2.5])
@pytest.mark.parametrize("x", [0.3, -2.5, 1e40])
def test_rules_for_one_and_for_many_exponents_agree(x, n):
    x = abs(x) if n != int(n) else x
    one = rules.power(ARRAYS, np.array([x]), float(n))
    many = rules.powers(ARRAYS, np.array([x]), np.array([float(n)]))
    for p, q in zip(one, many, strict=True):
        np.testing.assert_allclose(0.0 if p is None else p, q, rtol=1e-15)


CONVENTIONS = [
    ("fabs", 0.0, 1.0, 0.0), ("fabs", -0.0, 1.0, 0.0), ("sqrt", 0.0, INF, -INF),
    ("sqrt", -0.0, INF, -INF), ("cbrt", 0.0, INF, -INF), ("cbrt", -0.0, INF, -INF),
    ("erf", INF, 0.0, -0.0), ("atan", INF, 0.0, -0.0), ("tanh", -INF, 0.0, 0.0),
    ("exp", -INF, 0.0, 0.0), ("log", INF, 0.0, -0.0), ("expit", INF, 0.0, 0.0),
    ("asin", 1.0, INF, INF), ("acos", 1.0, -INF, -INF),
]  # fmt: skip


@pytest.mark.parametrize(("name", "x", "first", "second"), CONVENTIONS)
def test_slopes_at_kinks_and_ends(name, x, first, second):
    with np.errstate(all="ignore"):
        array = rules.UNARY[name](ARRAYS, np.array([x]))[1:]
    for ours in (
        evaluate(rules.UNARY[name], FLOAT[name], x)[1:],
        [0.0 if d is None else d[0] for d in array],
    ):
        if name not in ("erf", "atan", "expit", "log") or not math.isinf(x):
            assert list(map(number, ours)) == [first, second]
        else:  # infinity times zero in the second derivative is not promised
            assert number(ours[0]) == first


PAIRS = [
    ("pow", (0.0, 2.0), (0.0, 0.0)), ("pow", (0.0, 0.0), (0.0, -INF)), ("pow", (0.0, 0.5), (INF, 0.0)),
    ("pow", (-2.0, 3.0), (12.0, NAN)), ("atan2", (0.0, 0.0), (NAN, NAN)), ("hypot", (0.0, 0.0), (NAN, NAN)),
    ("logaddexp", (-INF, 1.0), (0.0, 1.0)), ("logaddexp", (INF, 1.0), (1.0, 0.0)),
    ("logaddexp", (-INF, -INF), (NAN, NAN)), ("mod", (7.5, 2.0), (1.0, -3.0)), ("mod", (-7.5, 2.0), (1.0, 4.0)),
    ("mod", (6.0, 2.0), (1.0, -3.0)), ("mod", (0.3, 0.1), (1.0, -2.0)),
    ("mod", (1.7, 0.1), (1.0, -16.0)),  # the float nearest to 1.7 / 0.1 is 17
]  # fmt: skip


@pytest.mark.parametrize(("name", "at", "expected"), PAIRS)
def test_partial_slopes_at_singular_points(name, at, expected):
    with np.errstate(all="ignore"):
        array = rules.BINARY[name](ARRAYS, *(np.array([v]) for v in at))[1:3]
    for ours in (partials(name, *at)[1:3], [np.ravel(d)[0] for d in array]):
        np.testing.assert_array_equal(np.array(ours, dtype=float), expected)
