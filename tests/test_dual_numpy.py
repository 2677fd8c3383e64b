"""Array duals: what users call; chunks and memory, nesting, conventions at kinks, and plain errors."""

import math as python_math
from typing import NamedTuple

import mpmath
import numpy as np
import pytest
from dual_array_checks import M, W, X, by_differences
from hypothesis import given
from hypothesis import strategies as st

from adbench.dual import numpy as array
from adbench.dual import python as scalar
from adbench.dual import rules
from adbench.dual.numpy import (
    DualArray,
    derivative,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    passes,
    value_and_grad,
    vjp,
)
from adbench.dual.numpy.arithmetic import NUMPY, binary
from adbench.dual.numpy.array_type import FUNCTIONS, UFUNCS, Seed


def smooth(a, b, c=1.0):
    """A number, of a matrix, a vector and a constant."""
    return np.sum(np.sin(a) @ b * c) + np.sum(a * a) * np.prod(b)


def outputs(a, b):
    """A matrix and a number."""
    return a * b, {"constant": 1}["constant"] * np.sum(b) * a[0, 0]


def differences_of(f, x, h=1e-6):
    """The Jacobian by central differences, of shape out.shape + x.shape."""
    columns = [
        (np.asarray(f(x + h * e)) - np.asarray(f(x - h * e))) / (2 * h)
        for e in np.eye(x.size).reshape((x.size, *x.shape))
    ]
    return np.stack(columns, -1).reshape((*columns[0].shape, *x.shape))


@pytest.mark.parametrize("argnums", [0, 1, -1, (0,), (1, 0), (0, 1, 2)])
def test_argnums_choose_the_variables(argnums):
    args = (M, X, 0.7)
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    expected = []
    for n in numbers:
        f = lambda v, n=n: smooth(*(v if i == n % 3 else x for i, x in enumerate(args)))  # noqa: E731
        expected.append(differences_of(f, np.asarray(args[n])))
    value, slopes = value_and_grad(smooth, argnums)(*args)
    assert value == smooth(*args)
    slopes = slopes if isinstance(argnums, tuple) else (slopes,)
    assert isinstance(slopes, tuple)
    for ours, theirs, n in zip(slopes, expected, numbers, strict=True):
        assert np.shape(ours) == np.shape(args[n])
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


class Pair(NamedTuple):
    left: object
    right: object


def test_arguments_may_be_tuples_and_lists_in_each_other():
    def f(tree, scale):
        (a, [b, c]), d = tree
        return np.sum(a * b) * c + d.left * d.right * scale + type(d).__name__.count("Pair") * a[0]

    tree = ((X, [W, 2.0]), Pair(3, np.array(4.0)))
    slopes = grad(f)(tree, 5.0)
    assert [type(slopes), type(slopes[0]), type(slopes[0][1]), type(slopes[1])] == [
        tuple,
        tuple,
        list,
        Pair,
    ]
    np.testing.assert_array_equal(slopes[0][0], W * 2.0 + np.array([1.0, 0.0, 0.0]))
    np.testing.assert_array_equal(slopes[0][1][0], X * 2.0)
    assert slopes[0][1][1] == np.sum(X * W)
    assert slopes[1] == Pair(20.0, 15.0)
    both = grad(f, (0, 1))(tree, 5.0)
    assert isinstance(both, tuple)
    assert both[1] == 12.0


def test_jacobians_have_the_shape_of_result_and_argument():
    f = lambda a, b: np.sin(a) @ b  # noqa: E731
    j = jacobian(f)(M, X)
    assert j.shape == (3, 3, 3)
    np.testing.assert_allclose(j, differences_of(lambda a: f(a, X), M), rtol=1e-8, atol=1e-9)
    first, second = jacobian(outputs, (0, 1))(M, X)
    assert [p.shape for p in (*first, *second)] == [(3, 3, 3, 3), (3, 3, 3), (3, 3), (3,)]
    np.testing.assert_allclose(
        second[1], differences_of(lambda b: outputs(M, b)[1], X), rtol=1e-8, atol=1e-9
    )
    assert jacobian(lambda x: np.array([1, 2]))(X).tolist() == np.zeros((2, 3)).tolist()
    assert jacobian(lambda x: (x, 1.0))(2.0) == (1.0, 0.0)
    assert jacobian(lambda x: x + 1.0)(np.zeros((0, 2))).shape == (0, 2, 0, 2)


def test_hessians_have_a_block_for_each_pair():
    h = hessian(smooth, (0, 1))(M, X, 0.7)
    assert [[b.shape for b in row] for row in h] == [
        [(3, 3, 3, 3), (3, 3, 3)],
        [(3, 3, 3), (3, 3)],
    ]
    for row, n in zip(h, (0, 1), strict=True):
        for block, m in zip(row, (0, 1), strict=True):
            nested = jacobian(grad(smooth, n), m)(M, X, 0.7)
            np.testing.assert_allclose(block, nested, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(h[0][1], np.moveaxis(h[1][0], 0, -1))


def test_directional_derivatives_are_products_with_the_jacobian():
    f = lambda a, b, c: np.sin(a) @ b * c  # noqa: E731
    da, db = M * 0.3 + 1.0, W
    value, tangent = jvp(f)((M, X, 2), (da, db, None))
    np.testing.assert_array_equal(value, f(M, X, 2))
    ja, jb = jacobian(f, (0, 1))(M, X, 2)
    np.testing.assert_allclose(tangent, np.tensordot(ja, da) + jb @ db, rtol=1e-14)
    values, tangents = jvp(outputs)((M, X), (None, db))
    np.testing.assert_array_equal(tangents[0], M * db)
    assert values[1] == outputs(M, X)[1]
    value, tangent = jvp(np.sum)((X,), (None,))
    assert (value, tangent) == (np.sum(X), 0.0)
    np.testing.assert_array_equal(jvp(lambda x: 3.0)((X,), (W,))[1], 0.0)


@pytest.mark.parametrize("max_bytes", [None, 1, 60])
def test_pulled_back_vectors_are_products_with_the_jacobian(max_bytes):
    f = lambda a, b: np.sin(a) @ b  # noqa: E731
    value, (ga, gb) = vjp(f, max_bytes=max_bytes)((M, X), W)
    np.testing.assert_array_equal(value, f(M, X))
    ja, jb = jacobian(f, (0, 1))(M, X)
    np.testing.assert_allclose(ga, np.tensordot(W, ja, 1), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(gb, W @ jb, rtol=1e-13)
    _, gradient = vjp(f, 1)((M, X), W)
    np.testing.assert_allclose(gradient, gb, rtol=1e-14)
    value, gradients = vjp(outputs)((M, X), (M, 2.0))
    expected = grad(lambda a, b: np.sum(M * a * b) + 2.0 * outputs(a, b)[1], (0, 1))(M, X)
    for ours, theirs in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("max_bytes", [None, 1, 100])
def test_hessian_vector_products_are_products_with_the_hessian(max_bytes):
    v = M * 0.3 + 1.0
    ours = hvp(smooth, max_bytes=max_bytes)((M, X), v)
    np.testing.assert_allclose(ours, np.tensordot(hessian(smooth)(M, X), v), rtol=1e-12)
    ours = hvp(smooth, 1)((M, X, 2.0), W)
    np.testing.assert_allclose(ours, hessian(smooth, 1)(M, X, 2.0) @ W, rtol=1e-12)
    _, nested = jvp(grad(smooth, 1))((M, X), (None, W))
    np.testing.assert_allclose(nested, hvp(smooth, 1)((M, X), W), rtol=1e-12)
    assert hvp(lambda x: 3.0)((X,), W).tolist() == [0.0, 0.0, 0.0]


def test_elementwise_derivatives_take_one_pass_and_keep_the_shape():
    calls = []

    def f(x, c):
        calls.append(x)
        return np.where(x > 1.0, c * x**2, np.exp(x))

    x = np.linspace(0.0, 2.0, 12).reshape(3, 4)
    ours = derivative(f)(x, 3.0)
    np.testing.assert_allclose(ours, np.where(x > 1.0, 6.0 * x, np.exp(x)), rtol=1e-15)
    assert len(calls) == 1
    np.testing.assert_array_equal(derivative(lambda x: x + 1.0)(x), np.ones_like(x))
    np.testing.assert_array_equal(derivative(lambda x: 1.0)(x), np.zeros_like(x))
    slope, factor = derivative(lambda x, c: c * x * x, (0, 1))(x, 3.0)
    np.testing.assert_array_equal(slope, 6.0 * x)
    np.testing.assert_array_equal(factor, x * x)
    assert derivative(np.sin)(0) == 1.0
    np.testing.assert_array_equal(derivative(lambda c: c * x)(2.0), x)


def test_derivatives_nest():
    sin2 = derivative(derivative(np.sin))
    np.testing.assert_allclose(sin2(X), -np.sin(X), rtol=1e-15)
    cubic = lambda x: x * x * x * x  # noqa: E731
    np.testing.assert_allclose(derivative(derivative(derivative(cubic)))(X), 24.0 * X, rtol=1e-14)
    third = jacobian(hessian(lambda x: np.prod(x) * np.sum(x * x)))(X)
    nested = jacobian(jacobian(grad(lambda x: np.prod(x) * np.sum(x * x))))(X)
    np.testing.assert_allclose(third, nested, rtol=1e-13)
    for order in ((0, 2, 1), (2, 1, 0)):
        np.testing.assert_allclose(third, third.transpose(order), rtol=1e-13)
    fourth = hessian(lambda x: np.sum(hessian(lambda y: np.sum(np.exp(y * y)))(x) @ X))(X)
    inner = lambda x: np.sum((2.0 + 4.0 * x * x) * np.exp(x * x) * X)  # noqa: E731
    np.testing.assert_allclose(fourth, hessian(inner)(X), rtol=1e-12, atol=1e-10)


NESTABLE = {
    "solve": lambda x: np.linalg.solve(M * x, x * x) @ W,
    "det": lambda x: np.linalg.det(M * x + 1.0),
    "slogdet": lambda x: np.linalg.slogdet(M * x)[1],
    "cholesky": lambda x: np.sum(np.linalg.cholesky((M * x) @ (M * x).T + 2.0 * np.eye(3)) * M),
    "einsum": lambda x: np.einsum("i,ij,j->", x, M * x, x),
    "power": lambda x: np.sum(x ** x[0]),
    "cumprod": lambda x: np.sum(np.cumprod(x * W) * x),
    "median": lambda x: np.median(M * x * x) * np.sum(np.sort(W * x) ** 3),
    "in place": lambda x: _written(x),
}


def _written(x):
    y = np.zeros_like(x, shape=(2, 3))
    y[0] = x * x
    y[1] = y[0] * x[0]
    y[:, 1] *= y[0, 0]
    return np.sum(y * y)


@pytest.mark.parametrize("name", NESTABLE)
def test_three_nested_calls_agree_with_differences_of_two(name):
    f = NESTABLE[name]
    third = jacobian(jacobian(grad(f)))(X)
    expected = differences_of(hessian(f), X, 1e-5)
    np.testing.assert_allclose(third, expected, rtol=1e-7, atol=1e-7 * np.max(np.abs(expected)))
    mixed = jacobian(hessian(f))(X)
    np.testing.assert_allclose(mixed, third, rtol=1e-10, atol=1e-10 * np.max(np.abs(third)))


def test_perturbations_of_nested_calls_stay_apart():
    assert derivative(lambda x: x * derivative(lambda y: x + y)(1.0))(1.0) == 1.0
    assert derivative(lambda x: x * derivative(lambda y: x * y)(2.0))(3.0) == 6.0
    h = grad(lambda x: np.sum(x * grad(lambda y: np.sum(x * y * y))(2.0 * x)))(X)
    np.testing.assert_allclose(h, 12.0 * X * X, rtol=1e-15)
    _, tangent = jvp(lambda x: jvp(lambda y: x * y * y)((x,), (x,))[1])((X,), (W,))
    np.testing.assert_allclose(tangent, 6.0 * X * X * W, rtol=1e-15)


numbers = st.floats(-2.0, 2.0)


@given(st.lists(numbers, min_size=1, max_size=5), numbers)
def test_scalar_and_array_duals_agree(x, c):
    def pairs(m, x, i):
        return m.exp(-x[i] * x[i]) * m.sin(c * x[i - 1]) / (2.0 + m.tanh(x[i] + x[0])) + x[i] ** 3

    def in_numbers(x):
        return sum(pairs(scalar.math, x, i) for i in range(len(x)))

    def in_arrays(x):
        y = np.concatenate([x[-1:], x[:-1]])
        return np.sum(np.exp(-x * x) * np.sin(c * y) / (2.0 + np.tanh(x + x[0])) + x**3)

    at = np.array(x)
    np.testing.assert_allclose(
        grad(in_arrays)(at), scalar.grad(in_numbers)(x), rtol=1e-12, atol=1e-13
    )
    h = hessian(in_arrays)(at)
    np.testing.assert_array_equal(h, h.T)
    np.testing.assert_allclose(h, scalar.hessian(in_numbers)(x), rtol=1e-12, atol=1e-12)


@given(st.lists(numbers, min_size=2, max_size=6))
def test_products_are_differentiated_through_zeros(x):
    x[0] = 0.0
    others = [float(np.prod([v for j, v in enumerate(x) if j != i])) for i in range(len(x))]
    np.testing.assert_allclose(grad(np.prod)(np.array(x)), others, rtol=1e-13, atol=1e-300)
    last = grad(lambda x: np.cumprod(x)[-1])(np.array(x))
    np.testing.assert_allclose(last, others, rtol=1e-13, atol=1e-300)
    without = [
        float(np.prod([v for k, v in enumerate(x) if k not in (0, j)])) for j in range(1, len(x))
    ]
    np.testing.assert_allclose(
        hessian(np.prod)(np.array(x))[0, 1:], without, rtol=1e-13, atol=1e-300
    )


@given(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_differentiation_is_linear_and_obeys_the_product_rule(c, shift):
    f = lambda x: np.sum(np.exp(x * shift) * x)  # noqa: E731
    g = lambda x: np.dot(x, x) + np.sin(x[0])  # noqa: E731
    both = grad(lambda x: c * f(x) + g(x))(X)
    np.testing.assert_allclose(both, c * grad(f)(X) + grad(g)(X), rtol=1e-12, atol=1e-13)
    ours = grad(lambda x: f(x) * g(x))(X)
    expected = grad(f)(X) * g(X) + f(X) * grad(g)(X)
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-13)


@given(st.lists(numbers, min_size=3, max_size=3), st.lists(numbers, min_size=3, max_size=3))
def test_pushing_forward_and_pulling_back_are_adjoint(u, v):
    f = lambda x: np.cumsum(np.sin(x) * x[::-1])  # noqa: E731
    _, forward = jvp(f)((X,), (np.array(u),))
    _, (back,) = vjp(f)((X,), np.array(v))
    np.testing.assert_allclose(np.dot(forward, v), np.dot(back, u), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", [1, 10, 11, 40])
@pytest.mark.parametrize("max_bytes", [1, 500, 10**6])
def test_chunks_give_what_single_passes_give(n, max_bytes):
    x = np.linspace(0.5, 2.0, n)
    f = lambda x: np.sum(np.cumsum(x * x) / x) * x[0]  # noqa: E731
    chunked = {"max_bytes": max_bytes}
    np.testing.assert_allclose(grad(f, **chunked)(x), grad(f)(x), rtol=1e-14)
    np.testing.assert_allclose(hessian(f, **chunked)(x), hessian(f)(x), rtol=1e-13, atol=1e-13)
    f2 = lambda x: np.cumsum(x * x) / x  # noqa: E731
    np.testing.assert_allclose(jacobian(f2, **chunked)(x), jacobian(f2)(x), rtol=1e-14)
    np.testing.assert_allclose(grad(f)(x), by_differences(f, x)[0], rtol=1e-7)


@pytest.mark.parametrize("operator", [grad, jacobian, hessian, lambda f, **w: vjp(f, **w)])
@pytest.mark.parametrize("max_bytes", [1, 8_000, 40_000])
def test_memory_stays_bounded_with_many_variables(operator, max_bytes):
    """A block of derivatives fits, or holds one tangent of the whole of x."""
    n = 100
    largest = []

    def f(x):
        y = x * x
        largest.append(max(y.tangents.nbytes, 0 if y.curvatures is None else y.curvatures.nbytes))
        return np.sum(y)

    x = np.linspace(0.0, 1.0, n)
    call = operator(f, max_bytes=max_bytes)
    if operator in (grad, jacobian, hessian):
        call(x)
    else:
        call((x,), 1.0)
    assert max(largest) <= max(max_bytes, 2 * 8 * n)
    assert max(largest) >= min(max_bytes / 4, 8 * n)


def test_by_default_blocks_stay_in_the_cache():
    largest = []

    def f(x):
        largest.append(x.tangents.nbytes)
        return np.sum(x * x)

    x = np.linspace(0.0, 1.0, 2_000)
    np.testing.assert_array_equal(grad(f)(x), 2.0 * x)
    assert max(largest) <= max(passes.CACHE, passes.FEW * x.nbytes)


def test_tangents_of_a_parameter_stay_small_until_they_meet_data():
    data = np.linspace(0.0, 1.0, 1_000)
    seen = []

    def f(x, data):
        d = data - x[0]
        seen.append(d.tangents.shape)
        seen.append(np.broadcast_to(x, (500, 2)).tangents.shape)
        return np.sum(d)

    np.testing.assert_array_equal(grad(f)(np.array([0.3, 0.1]), data), [-1_000.0, 0.0])
    assert seen == [(2, 1), (2, 1, 2)]


def test_the_shape_and_type_of_x_are_kept():
    g = grad(lambda x: np.sum(x @ x.T))(M)
    assert g.shape == M.shape
    assert grad(lambda x: np.sum(x * x))(np.array([1, 2])).tolist() == [2.0, 4.0]
    assert grad(lambda x: x * x)(3) == 6.0
    assert hessian(lambda x: x * x * x)(3) == 18.0
    single = np.array([1.0, 2.0], dtype=np.float32)
    assert grad(lambda x: np.sum(x * x + 1.0))(single).dtype == np.float32


def test_results_are_the_callers_own():
    g = grad(lambda x: x[0])(X)
    g[0] = 7.0
    assert grad(lambda x: x[0])(X).tolist() == [1.0, 0.0, 0.0]
    slopes = derivative(lambda x: x)(X)
    slopes[0] = 7.0
    _, tangent = jvp(lambda x: x)((X,), (W,))
    tangent[0] = 7.0
    assert W[0] == 0.5
    j = jacobian(lambda x: x)(X)
    j[0, 0] = 7.0
    assert jacobian(lambda x: x)(X).tolist() == np.eye(3).tolist()


def test_slopes_at_kinks_and_singular_points_are_those_the_table_promises():
    zero = np.zeros(1)
    assert derivative(np.sqrt)(zero) == python_math.inf
    assert derivative(lambda x: x**1.5)(zero) == 0.0
    assert derivative(lambda x: x**0)(zero) == 0.0
    assert derivative(lambda x: x ** np.array([0.0]))(zero) == 0.0
    assert derivative(lambda x: x ** np.array([1.0]))(zero) == 1.0
    assert derivative(np.abs)(np.array([0.0, -0.0])).tolist() == [1.0, 1.0]
    # at a tie, the first operand; NaN stays NaN
    assert derivative(lambda x: np.maximum(x, 2.0 * x))(zero) == 1.0
    assert derivative(lambda x: np.fmin(x, 2.0 * x))(zero) == 1.0
    assert np.isnan(value_and_grad(lambda x: np.sum(np.minimum(x, 1.0)))(zero * np.nan)[0])
    for f in (np.max, np.min, lambda x: np.maximum.accumulate(x)[-1], lambda x: np.sort(x)[0]):
        assert grad(f)(np.ones(3)).tolist() == [1.0, 0.0, 0.0]
    assert grad(lambda x: np.sum(np.max(x, axis=1)))(np.ones((2, 2))).tolist() == [[1.0, 0.0]] * 2
    # at a position of the table the interval to its right; the ends are constants beyond
    at = np.array([-1.0, 0.0, 1.0, 2.0, 3.0])
    slopes = derivative(lambda x: np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 4.0]))(at)
    assert slopes.tolist() == [0.0, 1.0, 3.0, 0.0, 0.0]
    assert grad(np.linalg.norm)(np.zeros(2)).tolist() == [0.0, 0.0]


def test_missing_functions_are_named_with_the_remedy():
    for f, name in (
        (np.unwrap, "unwrap"),
        (np.frexp, "frexp"),
        (np.spacing, "spacing"),
        (np.hypot.accumulate, r"hypot\.accumulate"),
        (lambda x: np.subtract.at(x, [0], x), r"subtract\.at"),
    ):
        with pytest.raises(TypeError, match=rf"no np\.{name}: .*adbench\.dual\.numpy"):
            grad(f)(X)
    with pytest.raises(AttributeError, match="no attribute 'byteswap'"):
        grad(lambda x: x.byteswap())(X)
    for f in (lambda x: np.exp(x, where=x > 1.0), lambda x: np.sum(x, where=x > 1.0),
              lambda x: x.sum(where=x > 1.0)):  # fmt: skip
        with pytest.raises(TypeError, match="takes no where"):
            grad(f)(X)
    for f in (np.linalg.eigh, np.linalg.svd):
        with pytest.raises(TypeError, match=rf"no np\.linalg\.{f.__name__}: use solve"):
            grad(lambda x, f=f: f(M * x))(X)


def test_what_would_drop_a_derivative_is_an_error_with_a_remedy():
    for f, remedy in (
        (lambda x: np.sum(np.asarray(x)), r"np\.stack"),
        (lambda x: python_math.exp(x[0]), "NumPy's functions"),
        (lambda x: x, "jacobian"),
        (lambda x: [x[0]], "one number"),
        (lambda x: np.reshape(x, 3, order="F"), "order 'C'"),
        (lambda x: np.linalg.norm(M * x, 2), "singular values"),
        (lambda x: np.einsum(x, [0], [0]), "as a string"),
        (lambda x: np.pad(x, 1, "linear_ramp"), "modes"),
        (lambda x: np.tril(x), "matrix"),
        (lambda x: np.cross(x[:2], x[:2]), "three elements"),
        (lambda x: np.gradient(x, x[0]), "plain spacing"),
    ):
        with pytest.raises(TypeError, match=remedy):
            grad(f)(X)
    with pytest.raises(TypeError, match="element by element"):
        derivative(np.sum)(X)
    with pytest.raises(ValueError, match=r"axis 2 .*does not exist"):
        grad(lambda x: np.sum(x, axis=2))(X)


def test_wrong_calls_say_what_was_expected():
    with pytest.raises(ValueError, match=r"argnums is 2, .*called with 1 arguments"):
        grad(np.sum, 2)(X)
    with pytest.raises(ValueError, match="names an argument twice"):
        grad(smooth, (0, -3))(M, X, 1.0)
    for wrong in (np.array([1j]), "text", None, np.array([None])):
        with pytest.raises(TypeError, match="cannot differentiate with respect to"):
            grad(np.sum)(wrong)
    with pytest.raises(ValueError, match="the direction has arrays of shapes"):
        jvp(np.sum)((X,), (W[:2],))
    with pytest.raises(ValueError, match="1 tangents for 2 arguments"):
        jvp(np.dot)((X, W), (X,))
    with pytest.raises(ValueError, match="v has arrays of shapes"):
        vjp(np.sin)((X,), W[:2])
    with pytest.raises(ValueError, match="the direction has arrays"):
        hvp(np.sum)((X,), W[:2])


def test_constants_and_empty_arrays_have_zero_derivatives():
    assert grad(lambda x: 3.0)(X).tolist() == [0.0, 0.0, 0.0]
    assert hessian(lambda x: x[0])(X).tolist() == np.zeros((3, 3)).tolist()
    assert grad(np.sum)(np.zeros(0)).shape == (0,)
    assert hessian(np.sum)(np.zeros(0)).shape == (0, 0)
    assert value_and_grad(lambda x: 3.0)(X)[0] == 3.0


@pytest.mark.parametrize(("name", "op"), [("add", np.add), ("sub", np.subtract),
                                          ("mul", np.multiply), ("div", np.divide)])  # fmt: skip
def test_written_out_arithmetic_agrees_with_the_rule_table(name, op):
    seed = Seed()
    a = DualArray(X, np.array([[1.0, 0.3, -2.0], [0.0, 1.0, 5.0]]), None, seed)
    b = DualArray(W, np.array([[0.7], [-1.0]]), None, seed)
    for left, right in ((a, b), (b, a), (a, a), (a, W), (X, b), (a, 3.0), (2.0, b)):
        ours, table = op(left, right), binary(name, left, right)
        np.testing.assert_array_equal(ours.value, table.value)
        shape = (2, 3)
        np.testing.assert_allclose(
            np.broadcast_to(ours.tangents, shape),
            np.broadcast_to(table.tangents, shape),
            rtol=1e-14,
        )


def test_array_powers_obey_fifty_digits():
    x, n = np.array([0.7, 2.5, 1.1]), np.array([2.5, -1.0, 3.0])
    _, first, second = rules.powers(NUMPY, x, n)
    for i in range(3):
        f = lambda v, i=i: v ** mpmath.mpf(n[i])  # noqa: E731
        with mpmath.workdps(50):
            exact = [mpmath.diff(f, x[i], k, h=mpmath.mpf(10) ** -12) for k in (1, 2)]
        assert first[i] == pytest.approx(float(exact[0]), rel=1e-14)
        assert second[i] == pytest.approx(float(exact[1]), rel=1e-14)


def test_every_function_is_listed_for_users():
    listed = set(array.__doc__.replace("`", " ").replace(",", " ").replace(".", " ").split())
    unlisted = {
        f.__name__
        for f in (*FUNCTIONS, *UFUNCS)
        if not {
            f.__name__,
            {"trapz": "trapezoid", "around": "round", "amax": "max", "amin": "min"}.get(f.__name__),
        }
        & listed
    }
    assert not unlisted
