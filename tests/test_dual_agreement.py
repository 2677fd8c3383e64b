"""All variants of duals agree: every rule at ordinary points, at kinks and at singular points.

Each group below is one function that computes all its members and returns the one asked for, so that
Numba, which takes a second or more for each, compiles few functions. Members of a group are defined on
the same numbers, and are written over a namespace, as plain Python, NumPy and Numba call them
differently.
"""

import importlib
import importlib.util
import math as python_math
from functools import cache, partial
from itertools import product
from types import ModuleType

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import special

from adbench.dual import elementary
from adbench.dual import numpy as array
from adbench.dual import python as scalar

EPS = np.finfo(float).eps
ULPS = 16 * EPS  # two rules of 4 units each, and libraries that differ by some in the functions
GAMMA = 1e-13  # of max(1, |f|): lgamma and digamma
HAS_NUMBA = importlib.util.find_spec("numba") is not None


def real(m):
    def f(x, k):
        u, v = x[0], x[1]
        return (
            *(m.exp(u), m.expm1(u), m.sin(u), m.cos(v), m.tan(u), m.sinh(u), m.cosh(v), m.tanh(u)),
            *(m.asinh(u), m.atan(v), m.erf(u), m.erfc(u), m.expit(v), m.cbrt(u), abs(v)),
            *(u + v, u - v, u * v, -u * +v, u**2, u**3, u**4.0, 1.5 - u, 2.0 * v),
            *(m.atan2(u, v), m.hypot(u, v), m.logaddexp(u, v), 1.5**u, u / (1.0 + v * v)),
            *(max(u, v), min(u, v), m.maximum(u, v), m.minimum(u, v), u % 2.5, u * m.floor(v)),
            *(m.sign(u) * v, m.where(u > v, u * v, v), u**1, v**0, 7.5 % (2.0 + v * v)),
        )[k]  # fmt: skip

    return f


def positive(m):
    def f(x, k):
        u, v = x[0], x[1]
        t = (u - v) / (1.0 + u + v)  # from -1 to 1
        return (
            *(m.log(u), m.log1p(u), m.log2(v), m.log10(u), m.sqrt(u), m.sqrt(v), m.lgamma(u)),
            *(m.digamma(v), u / v, u**v, u**-1.5, v**0.5, v ** (u - v), m.acosh(1.0 + u), u**-2),
            *(1.0 / u, m.atan2(u, -v), m.pow(u, v), m.cbrt(v), m.hypot(u, 2.0 * v), 3.0 / v),
            *(m.asin(t), m.acos(t), m.atanh(t), m.log1p(t), m.sqrt(1.0 - t * t)),
        )[k]  # fmt: skip

    return f


def programs(m):
    def f(x, k):
        u, v = x[0], x[1]
        total = u * 0.0
        if k == 0:  # a sum
            for i in range(10):
                z = (0.3 * i - u) / v
                total += 0.5 * z * z + m.log(v)
        elif k == 1:  # a series, as long as its terms count
            term, n = 1.0 + total, 0
            while abs(term) > 1e-17:
                total = total + term
                n += 1
                term = -term * (u * u) / (4.0 * n * n)
        elif k == 2:  # a recurrence
            total = v / (1.0 + v)
            for _ in range(5):
                total = 0.7 * u * total * (1.0 - total)
        else:  # a mixture of Poisson terms
            for i in range(1, 5):
                mean = u * m.exp(-0.2 * i) + v * i
                total += mean - i * m.log(mean) + m.lgamma(1.0 + i * v)
        return total

    return f


def edges(m):
    """Of numbers from 0 to 1; no division, which Python and Numba refuse at 0 and NumPy does not."""

    def f(x, k):
        u, v = x[0], x[1]
        return (
            *(m.sqrt(u), m.cbrt(v), m.sqrt(u) + v, m.sqrt(u * v), u**v, u**0.5, v**1.5, u**2),
            *(v**0, u**1, u**3.0, v ** (1.0 + u), abs(u), abs(u - v), m.fabs(v), m.hypot(u, v)),
            *(m.atan2(u, v), m.atan2(v, -u), m.logaddexp(u, v), max(u, v), min(u, v)),
            *(m.maximum(u, v), m.minimum(u, v), m.sign(u) * v, m.floor(v) * u, u % 0.5),
            *((u + v) % 0.5, m.where(u >= v, u, v * v), m.pow(u, v), m.pow(v, 2.0)),
            *(m.sqrt(u * u + v * v), m.sqrt(u) * m.sqrt(v), (u - v) ** 2, (u - v) ** 3.0),
            *(m.asin(u), m.acos(v), m.asin(u) + v, m.acosh(2.0 - v), m.acosh(1.0 + u * u)),
            *(m.asin(-u), m.acos(u * -v), m.cbrt(-u) * v, m.cbrt(u - v)),
        )[k]  # fmt: skip

    return f


SIZES = {real: 40, positive: 26, programs: 4, edges: 43}


# ---- variants: each gives value, gradient, Hessian of member k of a group


def named(name, members):
    module = ModuleType(name)
    vars(module).update(members)
    return module


def numbas_words():
    import numba

    from adbench.dual.numba import special as ours

    names = {name: getattr(python_math, name, None) for name in elementary.UNARY_NAMES}
    return named(
        "words_for_numba",
        {
            **names,
            **{n: getattr(python_math, n) for n in ("atan2", "hypot", "pow", "fabs")},
            **{n: getattr(np, n) for n in ("cbrt", "logaddexp", "maximum", "minimum", "floor", "sign")},
            "digamma": ours.digamma,
            "expit": ours.expit,
            "where": numba.njit(lambda condition, yes, no: yes if condition else no),
        },
    )  # fmt: skip


def words_of_numpy():
    return named("words_of_numpy", {**vars(np), **elementary.ARRAY, "digamma": special.psi})


@cache
def built(group, kind):
    words = {"python": lambda: scalar.math, "numpy": words_of_numpy, "numba": numbas_words}
    return group(words[kind]())


def of_python(group, k, x):
    f = built(group, "python")
    value, gradient = scalar.value_and_grad(f)(list(x), k)
    return value, gradient, scalar.hessian(f)(list(x), k)


def of_nesting(group, k, x):
    """Second derivatives by duals of duals."""
    f = built(group, "python")
    value, gradient = scalar.value_and_grad(f)(list(x), k)
    return value, gradient, scalar.jacobian(lambda y: scalar.grad(f)(y, k))(list(x))


def of_numpy(group, k, x):
    f = built(group, "numpy")
    return *array.value_and_grad(f)(np.array(x), k), array.hessian(f)(np.array(x), k)


@cache
def compiled(group, layout, strict):
    from adbench.dual import numba

    f = built(group, "numba")
    return (
        numba.value_and_grad(f, n=2, layout=layout, strict=strict),
        numba.hessian(f, n=2, layout=layout, strict=strict),
    )


def of_numba(group, k, x, *, layout, strict=False):
    first, second = compiled(group, layout, strict)
    return *first(np.array(x), k), second(np.array(x), k)


@cache
def taped(group):
    from adbench.dual import numba

    return numba.tape_value_and_grad(built(group, "numba"))


def of_tape(group, k, x):
    return *taped(group)(np.array(x), k), None


VARIANTS = {
    "nested": of_nesting,
    "numpy": of_numpy,
    "numba S": partial(of_numba, layout="S"),
    "numba V": partial(of_numba, layout="V"),
    "numba strict": partial(of_numba, layout="V", strict=True),
    "tape": of_tape,
}


def variants(*left_out):
    needs = pytest.mark.skipif(not HAS_NUMBA, reason="needs Numba")
    return [
        pytest.param(name, marks=() if name in ("nested", "numpy") else needs)
        for name in VARIANTS
        if name not in left_out
    ]


# ---- ordinary points


def close(found, expected, relative, least=0.0):
    """By how much of the largest of the expected numbers these may differ."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.all(np.abs(found - expected) <= relative * max(np.abs(expected).max(), least))


def agree(group, k, x, variant):
    value, gradient, curvatures = of_python(group, k, x)
    v, g, h = VARIANTS[variant](group, k, x)
    rough = group is programs or (group, k) in ((positive, 6), (positive, 7))
    relative, least = (GAMMA, 1.0) if rough else (ULPS, 0.0)
    close(v, value, relative, least)
    close(g, gradient, relative, least)
    if h is not None:  # of a sum of terms of either sign, in units of the terms
        close(h, curvatures, relative, max(least, np.abs(gradient).max()))


def pairs(low, high):
    numbers = st.floats(low, high, allow_subnormal=False)
    return st.tuples(numbers, numbers)


@pytest.mark.parametrize("variant", variants())
@given(x=pairs(-5.0, 5.0))
@example(x=(1.0, 1.0))
@example(x=(2.5, -2.5))
@settings(max_examples=6, deadline=None)
def test_rules_agree_on_numbers_of_either_sign(variant, x):
    # kinks and poles have tests of their own
    if min(abs(x[0]), abs(x[1])) > 1e-3 and (x[0] == x[1] or abs(x[0] - x[1]) > 1e-3):
        for k in range(SIZES[real]):
            agree(real, k, x, variant)


@pytest.mark.parametrize("variant", variants())
@given(x=pairs(0.05, 12.0))
@example(x=(1.0, 2.0))
@settings(max_examples=6, deadline=None)
def test_rules_agree_on_positive_numbers(variant, x):
    for k in range(SIZES[positive]):
        agree(positive, k, x, variant)


@pytest.mark.parametrize("variant", variants())
@given(x=pairs(0.3, 3.0))
@settings(max_examples=6, deadline=None)
def test_loops_and_branches_agree(variant, x):
    for k in range(SIZES[programs]):
        agree(programs, k, x, variant)


# ---- kinks and singular points: identical, infinities and missing slopes included


def same(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    np.testing.assert_allclose(found[finite], expected[finite], rtol=ULPS, atol=0.0)


# relaxed arithmetic (nsz) neglects the sign of a zero, which is that of an infinite slope of a power
POWERS_OF_U, POWERS_OF_V = (5,), (6,)
RELAXED = ("numba S", "numba V", "tape")


def neglected(variant, k, u, v):
    at = [u] if k in POWERS_OF_U else [v] if k in POWERS_OF_V else []
    return variant in RELAXED and any(x == 0.0 and np.signbit(x) for x in at)


# a dual of a dual has no infinite slope: Python's floats raise where one is differentiated
@pytest.mark.parametrize("variant", variants("nested"))
def test_kinks_and_singular_points_agree(variant):
    numbers, different = (0.0, -0.0, 0.5, 1.0), []
    for k, u, v in product(range(SIZES[edges]), numbers, numbers):
        if neglected(variant, k, u, v):
            continue
        expected = of_python(edges, k, (u, v))
        for found, wanted in zip(VARIANTS[variant](edges, k, (u, v)), expected, strict=True):
            if found is not None:
                try:
                    same(found, wanted)
                except AssertionError:
                    different.append((k, u, v, np.asarray(found).tolist(), wanted))
    assert different == []


# ---- strict arithmetic, drivers


@pytest.mark.parametrize("group", [real])
def test_strict_values_are_the_primals_bit_for_bit_in_every_layout(group):
    numba = pytest.importorskip("adbench.dual.numba")
    f = built(group, "numba")
    primal = numba.primal(f, strict=True)
    tape = numba.tape_value_and_grad(f, strict=True)
    for k, x in product(range(SIZES[group]), [(0.7, 1.3), (2.2, 0.4)]):
        value = primal(np.array(x), k)
        of_s, of_v = (of_numba(group, k, x, layout=way, strict=True) for way in "SV")
        assert of_s[0] == of_v[0] == tape(np.array(x), k)[0] == value
        np.testing.assert_array_equal(of_s[1], of_v[1])
        np.testing.assert_array_equal(of_s[2], of_v[2])


def test_arithmetic_alone_gives_the_same_bits_in_python_and_in_strict_numba():
    pytest.importorskip("numba")
    x = (3.3, 0.4)
    assert of_numba(programs, 2, x, layout="V", strict=True)[0] == of_python(programs, 2, x)[0]


def mixture(m):
    def f(x):
        return m.exp(-x[0]) * x[1] + m.log(x[0] + x[1] * x[1]) * m.sin(x[0])

    return f


@pytest.mark.parametrize("kind", ["python", "numpy", "numba"])
def test_products_with_vectors_agree_with_gradient_and_hessian(kind):
    if kind == "numba":
        pytest.importorskip("numba")
    of = importlib.import_module(f"adbench.dual.{kind}")
    f, x, v = built(mixture, kind), [0.7, -1.3], [0.4, 2.0]
    gradient = scalar.grad(built(mixture, "python"))(x)
    hessian = scalar.hessian(built(mixture, "python"))(x)
    value = built(mixture, "python")(x)
    if kind != "python":
        x, v = np.array(x), np.array(v)
    close(of.jvp(f)((x,), (v,)), (value, np.dot(gradient, v)), ULPS)
    close(of.hvp(f)((x,), v), np.dot(hessian, v), ULPS)
    weighted, (pulled,) = of.vjp(f)((x,), 2.0)
    close(weighted, value, ULPS)
    close(pulled, np.multiply(2.0, gradient), ULPS)


@pytest.mark.parametrize("k", range(15))
def test_taylor_series_begin_with_value_slope_and_half_the_curvature(k):
    f = built(real, "python")
    value, gradient, hessian = of_python(real, k, (0.7, 0.7))
    series = scalar.taylor(lambda t: f([t, t], k), 2)(0.7)
    # along the diagonal, on which members of one variable have all their derivatives
    close(series, (value, sum(gradient), 0.5 * np.sum(hessian)), ULPS)
