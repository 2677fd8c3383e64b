"""What users call for plain Python code: shapes, argnums, products, Taylor series, choices, number types."""

import math as python_math
from collections import namedtuple
from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adbench.dual.python import (
    derivative,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    math,
    taylor,
    value_and_grad,
    vjp,
)
from adbench.dual.python.functions import core

Pair = namedtuple("Pair", "a b")


def mixed(x, pairs, c):
    """Of a number, a list of pairs and a constant: x a_0 b_0 + c a_1^2."""
    return x * pairs[0][0] * pairs[0][1] + c * pairs[1][0] ** 2


PAIRS = [(3.0, 5.0), (7.0, 11.0)]


def test_results_have_the_shape_of_the_arguments_that_argnums_names():
    assert grad(mixed)(2.0, PAIRS, 1.0) == 15.0
    assert grad(mixed, 1)(2.0, PAIRS, 1.0) == [(10.0, 6.0), (14.0, 0.0)]
    assert grad(mixed, (2, 0))(2.0, PAIRS, 1.0) == (49.0, 15.0)
    assert grad(mixed, -1)(2.0, PAIRS, 1.0) == 49.0
    assert value_and_grad(mixed, (0, 1))(2.0, PAIRS, 1.0) == (
        79.0,
        (15.0, [(10.0, 6.0), (14.0, 0.0)]),
    )
    assert derivative(mixed, 2)(2.0, PAIRS, 1.0) == 49.0


def test_tuples_stay_tuples_and_other_sequences_become_lists():
    f = lambda p: p[0] * p[1]  # noqa: E731
    assert grad(f)((2.0, 3.0)) == (3.0, 2.0)
    assert grad(lambda p: p.a * p.b)(Pair(2.0, 3.0)) == Pair(3.0, 2.0)
    assert grad(f)(range(2, 4)) == [3, 2]
    assert grad(f)(np.array([2.0, 3.0])) == [3.0, 2.0]
    assert grad(lambda p: p[1][0] ** 2)(np.array([[2.0], [3.0]])) == [[0.0], [6.0]]


def test_constants_may_be_anything():
    f = lambda x, how, table: x ** table[how]  # noqa: E731
    assert grad(f)(3.0, "cube", {"cube": 3}) == 27.0
    assert jacobian(f)(3.0, "cube", {"cube": 3}) == 27.0


def test_a_jacobian_is_the_result_with_a_gradient_in_place_of_each_number():
    f = lambda x, y: [x[0] * y, (x[1] ** 2, 4.0)]  # noqa: E731
    at = ([2.0, 3.0], 5.0)
    assert jacobian(f)(*at) == [[5.0, 0.0], ([0.0, 6.0], [0.0, 0.0])]
    assert jacobian(f, (0, 1))(*at) == [([5.0, 0.0], 2.0), (([0.0, 6.0], 0.0), ([0.0, 0.0], 0.0))]
    assert jacobian(lambda x: [1.0, 2.0])([]) == [[], []]


@pytest.mark.parametrize("n", [2, 5, 70])
def test_products_agree_with_the_matrices_that_they_are_products_of(n):
    x = np.linspace(0.4, 1.3, n).tolist()
    v = np.linspace(-1.0, 2.0, n).tolist()
    f = lambda x: [x[i] * math.sin(x[i - 1]) for i in range(len(x))]  # noqa: E731
    matrix = np.array(jacobian(f)(x))
    value, tangent = jvp(f)((x,), (v,))
    assert value == f(x)
    np.testing.assert_allclose(tangent, matrix @ v, rtol=1e-13)
    value, (gradient,) = vjp(f)((x,), v)
    assert value == f(x)
    np.testing.assert_allclose(gradient, matrix.T @ v, rtol=1e-12, atol=1e-14)
    g = lambda x: sum(f(x))  # noqa: E731
    np.testing.assert_allclose(hvp(g)((x,), v), np.array(hessian(g)(x)) @ v, rtol=1e-11, atol=1e-13)


def test_products_of_several_arguments():
    f = lambda x, p: (x * p[0], p[1] ** 2)  # noqa: E731
    assert jvp(f)((2.0, [3.0, 4.0]), (1.0, [0.5, 1.0])) == ((6.0, 16.0), (4.0, 8.0))
    assert vjp(f)((2.0, [3.0, 4.0]), (1.0, 10.0)) == ((6.0, 16.0), (3.0, [2.0, 80.0]))
    assert hvp(lambda x, c: c * x[0] ** 2 * x[1])(([1.0, 2.0], 3.0), [1.0, 0.0]) == [12.0, 6.0]
    with pytest.raises(TypeError, match="tangents hold 1 numbers, the primals 3"):
        jvp(f)((2.0, [3.0, 4.0]), (1.0,))
    with pytest.raises(TypeError, match="weights hold 1 numbers, the results 2"):
        vjp(f)((2.0, [3.0, 4.0]), 1.0)


def test_hessians_of_any_shape():
    f = lambda x, p: x**2 * p[0] * p[1]  # noqa: E731
    assert hessian(f)(3.0, (2.0, 5.0)) == 20.0
    assert hessian(f, 1)(3.0, (2.0, 5.0)) == ((0.0, 9.0), (9.0, 0.0))
    blocks = hessian(f, (0, 1))(3.0, (2.0, 5.0))
    assert blocks == ((20.0, (30.0, 12.0)), ((30.0, 12.0), ((0.0, 9.0), (9.0, 0.0))))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: grad(mixed, 3)(2.0, PAIRS, 1.0), "grad: argnums 3 of a call with 3 arguments"),
        (lambda: grad(mixed, (0, 0))(2.0, PAIRS, 1.0), "names an argument twice"),
        (
            lambda: grad(mixed, 1)(2.0, [(3.0, "5")], 1.0),
            r"argument 1\[0\]\[1\] is '5' \(str\).*argnums",
        ),
        (lambda: derivative(mixed, 1)(2.0, PAIRS, 1.0), "argument 1 is a list.*grad"),
        (lambda: derivative(lambda x: None)(2.0), "returned a NoneType"),
        (lambda: taylor(lambda x: [x], 3)(2.0), "taylor: the function returned a list"),
        (lambda: taylor(math.sin, 3, 1)(2.0), "taylor: argnums 1"),
    ],
)
def test_errors_name_the_call_and_the_place(call, message):
    with pytest.raises(TypeError, match=message):
        call()


# Taylor series.
SMOOTH = {
    "asin": 0.3, "acos": -0.4, "atanh": 0.6, "acosh": 1.7, "log": 0.7, "log2": 3.1, "log10": 0.2,
    "sqrt": 2.3, "lgamma": 1.8, "digamma": 2.6, "cbrt": 1.9,
}  # fmt: skip
MPMATH = {
    "lgamma": mpmath.loggamma, "log2": lambda x: mpmath.log(x, 2), "fabs": abs, "neg": lambda x: -x,
    "pos": lambda x: x, "expit": lambda x: 1 / (1 + mpmath.exp(-x)),
}  # fmt: skip
OPERATORS = {"neg": lambda x: -x, "pos": lambda x: +x}
NAMES = [
    "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "asin", "acos",
    "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "lgamma", "digamma",
    "expit", "neg", "pos", "fabs",
]  # fmt: skip


def series_close(ours, exact, rtol=1e-12):
    scale = max(abs(float(e)) for e in exact)
    np.testing.assert_allclose(
        [float(c) for c in ours], [float(e) for e in exact], rtol, rtol * scale
    )


@pytest.mark.parametrize("name", NAMES)
def test_taylor_series_of_every_function(name):
    """Composed with u(t) whose own series has no zeros, to order 9, and to order 0."""
    x, ours = SMOOTH.get(name, 0.8), OPERATORS.get(name) or getattr(math, name)
    theirs = MPMATH.get(name) or getattr(mpmath, name)
    with mpmath.workdps(40):
        inner = lambda t, e: t + (t - x) ** 2 / 3 - e(t - x) / 5 + mpmath.mpf(1) / 5  # noqa: E731
        exact = mpmath.taylor(lambda t: theirs(inner(t, mpmath.exp)), x, 9)
    f = lambda t: ours(t + (t - x) ** 2 / 3 - math.exp(t - x) / 5 + 0.2)  # noqa: E731
    series_close(taylor(f, 9)(x), exact)
    assert taylor(f, 0)(x) == [f(x)]


TWO = {
    "pow": lambda m, a, b: a**b, "atan2": lambda m, a, b: m.atan2(a, b),
    "hypot": lambda m, a, b: m.hypot(a, b), "div": lambda m, a, b: a / b, "mul": lambda m, a, b: a * b,
    "logaddexp": lambda m, a, b: m.log(m.exp(a) + m.exp(b)), "mod": lambda m, a, b: a - b * 0,
    "sub": lambda m, a, b: a - b, "add": lambda m, a, b: a + b,
}  # fmt: skip


@pytest.mark.parametrize("name", TWO)
def test_taylor_series_of_two_operands(name):
    pair = lambda m, t: (m.exp(t) + t, 2 + t * t)  # noqa: E731
    ours = {"logaddexp": math.logaddexp, "mod": lambda a, b: a % b}.get(name)
    ours = ours or (lambda a, b: TWO[name](math, a, b))
    with mpmath.workdps(40):
        exact = mpmath.taylor(lambda t: TWO[name](mpmath, *pair(mpmath, t)), 0.3, 8)
        fixed = mpmath.taylor(lambda t: TWO[name](mpmath, pair(mpmath, t)[0], 2.5), 0.3, 8)
        turned = mpmath.taylor(lambda t: TWO[name](mpmath, 1.5, pair(mpmath, t)[1]), 0.3, 8)
    series_close(taylor(lambda t: ours(*pair(math, t)), 8)(0.3), exact)
    series_close(taylor(lambda t: ours(pair(math, t)[0], 2.5), 8)(0.3), fixed)
    series_close(taylor(lambda t: ours(1.5, pair(math, t)[1]), 8)(0.3), turned)


def test_series_are_exact_in_fractions_and_follow_the_program():
    f = lambda x: (1 + x) ** 3 / (1 - x)  # noqa: E731
    assert taylor(f, 4)(Fraction(0)) == [1, 4, 7, 8, 8]
    assert taylor(lambda x: x if x > 0 else -x, 2)(-3.0) == [3.0, -1.0, 0.0]
    assert taylor(lambda x: 5.0, 2)(1.0) == [5.0, 0.0, 0.0]
    assert taylor(lambda x: x**0 + x**2 * x**-1, 2)(2.0) == [3.0, 1.0, 0.0]
    with pytest.raises(ZeroDivisionError, match=r"sqrt has no Taylor series at 0\.0"):
        taylor(math.sqrt, 3)(0.0)
    with pytest.raises(ValueError, match="order -1"):
        taylor(math.sin, -1)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-2, 2), min_size=1, max_size=6), st.floats(-1.5, 1.5))
def test_series_agree_with_nested_derivatives(polynomial, x):
    def f(t):
        total = 0.0
        for c in polynomial:
            total = total * t + c
        return math.sin(total) * math.exp(-t) + math.tanh(total + t)

    nested = [f(x), derivative(f)(x), derivative(derivative(f))(x) / 2,
              derivative(derivative(derivative(f)))(x) / 6]  # fmt: skip
    series_close(taylor(f, 3)(x), nested, 1e-11)


# Nesting: classes of every kind inside every other.
DRIVERS = {
    "derivative": lambda f: derivative(f),
    "grad": lambda f: lambda x: grad(lambda v: f(v[0]) + v[1] * v[2] * v[3])([x, 0.0, 0.0, 0.0])[0],
    "jvp": lambda f: lambda x: jvp(f)((x,), (1.0,))[1],
    "taylor": lambda f: lambda x: taylor(f, 2)(x)[1],
    "hessian": lambda f: lambda x: hessian(lambda v: f(v[0]) * v[1])([x, 0.5])[0][1],
}


@pytest.mark.parametrize("inner", DRIVERS)
@pytest.mark.parametrize("middle", DRIVERS)
@pytest.mark.parametrize("outer", DRIVERS)
def test_three_derivatives_deep_by_any_three_ways(outer, middle, inner):
    """d/dx (x d/dy (x y d/dz sin(x y z))) at y = z = x, each variable told from the others."""

    def f(x):
        def g(y):
            return x * y * DRIVERS[inner](lambda z: math.sin(x * y * z))(x)

        return x * DRIVERS[middle](g)(x)

    with mpmath.workdps(30):
        # g = x^2 y^2 cos(x^2 y), its y-slope 2 x^2 y cos(x^2 y) - x^4 y^2 sin(x^2 y)
        h = lambda x: x * (2 * x**3 * mpmath.cos(x**3) - x**6 * mpmath.sin(x**3))  # noqa: E731
        exact = mpmath.diff(h, 0.9)
    assert DRIVERS[outer](f)(0.9) == pytest.approx(float(exact), rel=1e-12)


def test_functions_that_differentiate_do_not_confuse_their_callers_variable():
    """d/dx d/dy of (x + y) x^0: a shared tangent would leak into the outer derivative."""
    for way in DRIVERS.values():
        assert way(lambda x, way=way: x * way(lambda y: x + y)(2.0))(3.0) == 1.0


# Steps and choices.
def test_steps_have_derivative_zero_and_choices_that_of_what_they_choose():
    at = 2.7
    for step in (math.floor, math.ceil, math.trunc, math.sign, python_math.floor, round, int):
        assert derivative(lambda x, step=step: step(x) * x)(at) == step(at)
    assert derivative(lambda x: x // 2.0 + x % 2.0)(at) == 1.0
    assert derivative(lambda x: divmod(x, 2.0)[1] + 7.0 % x)(at) == 1.0 - 2.0
    assert derivative(lambda x: math.where(x > 1.0, x * x, x))(at) == 2 * at
    assert derivative(lambda x: math.copysign(x, -1.0))(at) == -1.0


def test_of_equal_operands_the_first_is_taken_and_nan_wins():
    for choose in (math.maximum, math.minimum, max, min):
        assert grad(lambda v, choose=choose: choose(v[0], v[1]))([1.0, 1.0]) == [1.0, 0.0]
    nan = python_math.nan
    assert grad(lambda v: math.maximum(v[0], v[1]))([1.0, nan]) == [0.0, 1.0]
    assert grad(lambda v: math.minimum(v[0], v[1]))([nan, 1.0]) == [1.0, 0.0]


@given(st.lists(st.floats(-800, 800), min_size=1, max_size=5))
def test_logsumexp_has_the_softmax_as_gradient(x):
    ours = np.array(grad(math.logsumexp)(x))
    top = np.exp(np.array(x) - max(x))
    np.testing.assert_allclose(ours, top / top.sum(), rtol=1e-12)
    assert math.logsumexp(x) == pytest.approx(float(np.logaddexp.reduce(x)), rel=1e-14, abs=1e-14)


def test_sums_of_exponentials_of_infinities():
    assert math.logsumexp([]) == math.logsumexp([-python_math.inf]) == -python_math.inf
    assert grad(lambda v: math.logsumexp([-python_math.inf, v[0]]))([1.0]) == [1.0]


def test_numpy_functions_of_scalar_duals_are_ours():
    f = lambda x: np.sin(x) * np.float64(2.0) + np.arctan2(np.float64(1.0), x) + np.maximum(x, 0)  # noqa: E731
    g = lambda x: math.sin(x) * 2.0 + math.atan2(1.0, x) + x  # noqa: E731
    assert derivative(f)(0.7) == derivative(g)(0.7)
    assert derivative(lambda x: np.float64(2.0) ** x if np.float64(0.0) < x else x)(
        1.0
    ) == pytest.approx(2.0 * python_math.log(2.0), rel=1e-15)


# Number types.
def density(x):
    return math.exp(-x * x) * math.log1p(x) + math.erf(x) / math.sqrt(x) + math.cbrt(x) ** 2


def their_density(x):
    return (
        mpmath.exp(-x * x) * mpmath.log1p(x) + mpmath.erf(x) / mpmath.sqrt(x) + mpmath.cbrt(x) ** 2
    )


def test_mpmath_numbers_keep_their_digits():
    with mpmath.workdps(40):
        x = mpmath.mpf(7) / 10
        for order, way in ((1, derivative), (2, lambda f: derivative(derivative(f)))):
            assert mpmath.almosteq(way(density)(x), mpmath.diff(their_density, x, order), 1e-35)
        assert mpmath.almosteq(hessian(lambda v: density(v[0]))([x])[0][0],
                               mpmath.diff(their_density, x, 2), 1e-35)  # fmt: skip
        for ours, exact in zip(
            taylor(density, 6)(x), mpmath.taylor(their_density, x, 6), strict=True
        ):
            assert mpmath.almosteq(ours, exact, 1e-32)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("neg", "pos")])
def test_every_function_keeps_the_digits_of_mpmath(name):
    ours, theirs = getattr(math, name), MPMATH.get(name) or getattr(mpmath, name)
    with mpmath.workdps(40):
        x = mpmath.mpf(SMOOTH.get(name, 0.8)) + mpmath.mpf(1) / 30
        assert mpmath.almosteq(ours(x), theirs(x), 1e-38)
        assert mpmath.almosteq(derivative(ours)(x), mpmath.diff(theirs, x), 1e-35)
        second = hessian(lambda v: ours(v[0]))([x])[0][0]
        assert mpmath.almosteq(second, mpmath.diff(theirs, x, 2), 1e-32, 1e-32)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("lgamma", "digamma", "neg", "pos")])
def test_balls_enclose_the_exact_derivatives(name):
    ours, theirs = getattr(math, name), MPMATH.get(name) or getattr(mpmath, name)
    x = SMOOTH.get(name, 0.8)
    first = derivative(ours)(flint.arb(x))
    second = hessian(lambda v: ours(v[0]))([flint.arb(x)])[0][0]
    with mpmath.workdps(40):
        for ball, order in ((first, 1), (second, 2)):
            exact = mpmath.diff(theirs, mpmath.mpf(x), order) if name != "fabs" else 2 - order
            found = flint.arb(mpmath.nstr(mpmath.mpf(exact), 30))
            assert ball.overlaps(found)
            assert float(ball.rad()) < 1e-11


def test_integers_and_fractions_stay_exact():
    assert grad(lambda x: x[0] ** 3 * x[1] - x[1] % 3)([2, 5]) == [60, 7]
    assert isinstance(derivative(lambda x: x * x)(3), int)
    x = Fraction(2, 3)
    assert jvp(lambda a: a / (1 + a))((x,), (Fraction(1),)) == (Fraction(2, 5), Fraction(9, 25))
    assert isinstance(core(derivative(lambda a: 5)(x)), Fraction)
