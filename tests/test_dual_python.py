"""Scalar duals: the rule table read, the laws of differentiation, nesting, number types, the interface."""

import cmath
import math as python_math
import operator
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adbench.dual import rules
from adbench.dual.python import derivative, grad, hessian, value_and_grad
from adbench.dual.python.curvature import BLOCK
from adbench.dual.python.drivers import CHUNK
from adbench.dual.python.functions import binary, math
from adbench.dual.python.numbers import dual
from adbench.dual.python.second import HyperDual
from adbench.dual.python.vector import vector
from adbench.model import CONSTANTS, ELEMENTARY

EPS = 2.0**-52


def close(ours, exact, tolerance):
    assert abs(mpmath.mpf(ours) - exact) <= tolerance * max(abs(exact), mpmath.mpf(10) ** -20)


@pytest.mark.parametrize("name", rules.UNARY)
def test_functions_and_operators_read_the_table(name):
    """Whose own accuracy is the matter of test_dual_rules."""
    ours = {"neg": operator.neg, "pos": operator.pos}.get(name) or getattr(math, name)
    x = 1.7 if name == "acosh" else 0.4
    _, first, second = rules.UNARY[name](math, x)
    assert derivative(ours)(x) == first
    assert hessian(lambda v: ours(v[0]))([x]) == [[0.0 if second is None else second]]


@pytest.mark.parametrize("n", [-2.5, -1, 0, 0.5, 1, 2, 3, 4.0])
def test_constant_powers_read_the_table(n):
    _, first, second = rules.power(math, 2.5, n)
    assert derivative(lambda v: v**n)(2.5) == (first or 0.0)
    assert hessian(lambda v: v[0] ** n)([2.5]) == [[second or 0.0]]


def test_negative_bases_take_whole_powers():
    assert derivative(lambda x: x**3)(-2.0) == 12.0
    assert hessian(lambda x: x[0] ** 3)([-2.0]) == [[-12.0]]


ARITHMETIC = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
}  # fmt: skip
numbers = st.floats(0.1, 10.0) | st.floats(-10.0, -0.1)


@given(st.sampled_from(sorted(ARITHMETIC)), numbers, numbers, numbers, numbers)
def test_written_out_arithmetic_agrees_with_the_rule_table(name, a, da, b, db):
    op = ARITHMETIC[name]
    for x, y in ((dual(a, da, 1 << 40), dual(b, db, 1 << 40)),):
        same = dual(y.value, y.tangent, x.tag)  # the tag object that x has, as in one call
        for left, right in ((x, same), (x, b), (a, same)):
            ours, table = op(left, right), binary(name, left, right)
            assert ours.value == table.value
            # a quotient's slope cancels, so it is held to its terms
            scale = abs(da) + abs(db) + (abs(da) + abs(a / b * db)) / abs(b)
            scale += abs(a * db) + abs(b * da)
            assert ours.tangent == pytest.approx(table.tangent, abs=4 * EPS * scale)
    p, q = vector(a, [da, 1.0], 7), vector(b, [db, -1.0], 7)
    for left, right in ((p, q), (p, b), (a, q)):
        ours, table = op(left, right), binary(name, left, right)
        assert ours.value == table.value
        assert ours.tangents == pytest.approx(table.tangents, rel=1e-12, abs=1e-12)


# Expressions for the laws, smooth where they are used
SMOOTH = (
    lambda x: math.sin(x) * x,
    lambda x: math.exp(-(x * x)),
    lambda x: x / (1.0 + x * x),
    lambda x: math.log1p(x * x) - 3.0 * x,
    lambda x: math.erf(x) + math.tanh(x) ** 3,
)
smooth = st.sampled_from(SMOOTH)
points = st.floats(-3.0, 3.0)


@given(smooth, smooth, points, points)
def test_differentiation_is_linear(f, g, c, x):
    both = derivative(lambda v: c * f(v) + g(v))(x)
    assert both == pytest.approx(c * derivative(f)(x) + derivative(g)(x), rel=1e-12, abs=1e-12)


@given(smooth, smooth, points)
def test_product_rule(f, g, x):
    ours = derivative(lambda v: f(v) * g(v))(x)
    expected = derivative(f)(x) * g(x) + f(x) * derivative(g)(x)
    assert ours == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(smooth, smooth, points)
def test_chain_rule(f, g, x):
    ours = derivative(lambda v: f(g(v)))(x)
    assert ours == pytest.approx(derivative(f)(g(x)) * derivative(g)(x), rel=1e-11, abs=1e-11)


def tangle(x):
    total = x[0] * x[-1]
    for i in range(len(x) - 1):
        total = total + math.exp(-(x[i] ** 2)) * math.atan2(x[i + 1], 2.0 + x[i]) / (3.0 + x[i])
    return total - 2.0


@given(st.lists(st.floats(-1.5, 1.5), min_size=1, max_size=4))
def test_hessians_equal_nested_duals_and_are_symmetric(x):
    h = hessian(tangle)(x)
    nested = [grad(lambda v, i=i: grad(tangle)(v)[i])(x) for i in range(len(x))]
    assert h == [list(row) for row in zip(*h, strict=True)]
    np.testing.assert_allclose(h, nested, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(nested, np.transpose(nested), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("n", [1, 2, 3, 4, BLOCK, BLOCK + 1, 2 * BLOCK + 3, CHUNK + 2])
def test_chunks_and_blocks_give_what_single_passes_give(n):
    x = np.linspace(-1.0, 1.2, n).tolist()
    value, slopes = value_and_grad(tangle)(x)
    assert value == pytest.approx(tangle(x), rel=1e-15)
    alone = [derivative(lambda t, i=i: tangle([*x[:i], t, *x[i + 1 :]]))(x[i]) for i in range(n)]
    np.testing.assert_allclose(slopes, alone, rtol=1e-13, atol=1e-14)
    if n <= 2 * BLOCK + 3:
        h = hessian(tangle)(x)
        column = [grad(lambda v: grad(tangle)(v)[0])(x)]
        np.testing.assert_allclose(h[0], column[0], rtol=1e-12, atol=1e-13)


def test_perturbations_of_nested_calls_stay_apart():
    """Siskind and Pearlmutter's example: d/dx [x d/dy (x + y)] is 1; confused tangents give 2."""
    inner = lambda x: derivative(lambda y: x + y)(2.0)  # noqa: E731
    assert derivative(lambda x: x * inner(x))(3.0) == 1.0
    for op in ARITHMETIC.values():
        flipped = derivative(lambda x, op=op: derivative(lambda y: op(x, y) * y)(2.0))(3.0)
        direct = grad(lambda v, op=op: grad(lambda w: op(w[0], w[1]) * w[1])(v)[1])
        assert flipped == pytest.approx(direct([3.0, 2.0])[0], rel=1e-15)


def test_an_exponent_of_an_outer_call_is_differentiated_by_it():
    log3, log2 = python_math.log(3.0), python_math.log(2.0)
    ours = derivative(lambda x: derivative(lambda y: x**y)(2.0))(3.0)
    assert ours == pytest.approx(6 * log3 + 3, rel=1e-15)
    ours = derivative(lambda x: derivative(lambda y: y**x)(2.0))(3.0)
    assert ours == pytest.approx(4 + 12 * log2, rel=1e-15)


def test_classes_of_different_calls_nest_in_any_order():
    f = lambda x: hessian(lambda v: x * v[0] * v[0] * v[1])([2.0, 5.0])[0][1]  # noqa: E731
    assert derivative(f)(3.0) == 4.0
    g = lambda v: derivative(lambda t: t * t * v[0] * v[1] * v[2] * v[3])(3.0)  # noqa: E731
    assert grad(g)([1.0, 2.0, 3.0, 4.0]) == [144.0, 72.0, 48.0, 36.0]


def test_third_derivatives_by_nesting():
    third = derivative(derivative(derivative(lambda x: math.exp(2.0 * x) / x)))
    with mpmath.workdps(50):
        exact = mpmath.diff(lambda x: mpmath.exp(2 * x) / x, 1.3, 3)
    close(third(1.3), exact, 1e-14)


def test_fractions_stay_exact():
    x = [Fraction(1, 3), Fraction(2, 7)]
    value, slopes = value_and_grad(lambda v: v[0] ** 3 / v[1] - v[0] * 5)(x)
    assert (value, slopes) == (
        Fraction(7, 54) - Fraction(5, 3),
        [Fraction(7, 6) - 5, Fraction(-49, 108)],
    )
    assert all(isinstance(s, Fraction) for s in slopes)
    assert hessian(lambda v: v[0] ** 3 * v[1])(x) == [
        [Fraction(4, 7), Fraction(1, 3)],
        [Fraction(1, 3), 0],
    ]


def test_complex_numbers_are_a_number_type():
    z = 0.3 + 0.8j
    assert derivative(lambda v: v * math.exp(v))(z) == pytest.approx((1 + z) * cmath.exp(z))


def test_numpy_scalars_leave_the_operation_to_duals():
    assert derivative(lambda x: np.float64(3.0) * x - np.float64(1.0))(2.0) == 3.0


@pytest.mark.parametrize("op", ["<", "<=", ">", ">=", "==", "!="])
def test_comparisons_look_at_values(op):
    compare = {
        "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
        "==": operator.eq, "!=": operator.ne,
    }[op]  # fmt: skip
    for a, b in ((1.0, 2.0), (2.0, 2.0), (3.0, 2.0)):
        for x in (dual(a, 5.0, 9), vector(a, [1.0], 9), HyperDual(a, [1.0], None, ((0, 0),), 9)):
            assert compare(x, b) is compare(a, b)
            assert compare(b, x) is compare(b, a)
            assert compare(x, x * 1.0) is compare(a, a)


def test_branches_and_builtins_work():
    f = lambda v: sum(v) + (max(v) if v[0] > 1.0 else abs(v[1]))  # noqa: E731
    assert grad(f)([2.0, -3.0]) == [2.0, 1.0]
    assert grad(f)([0.0, -3.0]) == [1.0, 0.0]


def test_slopes_at_kinks_and_singular_points_are_those_the_table_promises():
    assert derivative(math.sqrt)(0.0) == python_math.inf
    assert derivative(lambda x: x**1.5)(0.0) == 0.0
    assert derivative(abs)(0.0) == derivative(abs)(-0.0) == 1.0
    assert derivative(lambda x: x**0)(0.0) == 0.0


def test_errors_of_python_floats_stay_errors():
    with pytest.raises(ValueError, match="math domain"):
        derivative(math.log)(0.0)
    with pytest.raises(ZeroDivisionError):
        derivative(lambda x: 1.0 / x)(0.0)
    with pytest.raises(OverflowError):
        derivative(math.exp)(1000.0)


def test_constants_have_zero_derivatives():
    assert derivative(lambda x: 3.0)(1.0) == 0.0
    assert grad(lambda x: 3.0)([1.0, 2.0]) == [0.0, 0.0]
    assert hessian(lambda x: x[0])([1.0, 2.0]) == [[0.0, 0.0], [0.0, 0.0]]
    assert value_and_grad(lambda x: 3.0)([]) == (3.0, [])


def test_what_would_drop_a_derivative_is_an_error_with_a_remedy():
    with pytest.raises(TypeError, match=r"adbench\.dual\.python\.math"):
        derivative(python_math.sin)(1.0)
    with pytest.raises(TypeError, match=r"adbench\.dual\.numpy"):
        derivative(lambda x: x * np.ones(3))(1.0)
    with pytest.raises(TypeError, match=r"adbench\.dual\.numpy"):
        derivative(lambda x: np.ones(3) * x)(1.0)
    with pytest.raises(TypeError, match=r"one number.*jacobian"):
        grad(lambda x: [x[0], x[1]])([1.0, 2.0])


def test_the_namespace_has_all_words_of_the_forms():
    assert [w for w in (*ELEMENTARY, *CONSTANTS) if not hasattr(math, w)] == []
    for name in ELEMENTARY:
        if name != "atan2":
            assert getattr(math, name)(0.5) == getattr(python_math, name)(0.5)
    assert {name: getattr(math, name) for name in CONSTANTS} == CONSTANTS


def test_a_foreign_call_names_its_place():
    with pytest.raises(TypeError, match=r"test_dual_python\.py, line \d+, in foreign"):
        derivative(foreign)(1.0)


def foreign(x):
    return python_math.cos(x)


def test_a_missing_function_names_the_nearest():
    with pytest.raises(AttributeError, match=r"no 'arcsinh': did you mean 'asinh'"):
        _ = math.arcsinh
    with pytest.raises(TypeError, match=r"np\.heaviside"):
        derivative(lambda x: np.heaviside(x, 0.5))(1.0)


def test_fractions_stay_exact_to_second_order_where_they_are_divided_by():
    x = [Fraction(1, 2), Fraction(3)]
    assert hessian(lambda x: x[0] / 3 * x[1])(x)[0][1] == Fraction(1, 3)
    bent = hessian(lambda x: x[0] ** 3 / x[1] + x[0] ** -2 * x[1])(x)
    expected = [
        [6 * x[0] / x[1] + 6 * x[1] / x[0] ** 4, -3 * x[0] ** 2 / x[1] ** 2 - 2 / x[0] ** 3],
        [-3 * x[0] ** 2 / x[1] ** 2 - 2 / x[0] ** 3, 2 * x[0] ** 3 / x[1] ** 3],
    ]
    assert bent == expected
    assert all(isinstance(v, Fraction) for row in bent for v in row)
    assert grad(lambda x: x[0] ** -2 * x[1])(x) == [-2 * x[1] / x[0] ** 3, x[0] ** -2]
