"""Array duals: agreement with scalar duals, NumPy's functions one by one, chunks, and plain errors."""

import math as python_math
import operator

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from adbench.dual import python as scalar
from adbench.dual import rules
from adbench.dual.elementary import ARRAY
from adbench.dual.numpy import DualArray, derivative, drivers, grad, hessian, value_and_grad
from adbench.dual.numpy.arithmetic import NUMPY, binary
from adbench.dual.numpy.array_type import FUNCTIONS, UFUNCS, Seed

M = np.array([[1.0, -2.0, 0.5], [0.3, 4.0, -1.0], [2.0, 2.0, 1.5]])
W = np.array([0.5, -1.0, 2.0])
X = np.array([0.4, 1.3, 2.2])


def by_differences(f, x, *data):
    """Gradient and Hessian by central differences, good to about 1e-9 and 1e-6 of the largest."""
    n, h, k = x.size, 1e-5, 2e-4
    e = np.eye(n).reshape(n, *x.shape)
    g = np.array([(f(x + h * d, *data) - f(x - h * d, *data)) / (2 * h) for d in e])
    second = [
        [
            f(x + k * (a + b), *data) - f(x + k * (a - b), *data)
            - f(x - k * (a - b), *data) + f(x - k * (a + b), *data)
            for a in e
        ]
        for b in e
    ]  # fmt: skip
    return g.reshape(x.shape), np.array(second) / (4 * k * k)


# One line a feature: each maps the vector X (three elements, all positive) to one number.
FEATURES = {
    "add": lambda x: np.sum((x + x * x) + 2.0 + W),
    "subtract": lambda x: np.sum(((1.0 - x) - (x * x - W)) ** 2),
    "multiply": lambda x: np.sum(x * (x + 1.0) * W * 2.0),
    "divide": lambda x: np.sum(1.0 / x + x / (x + 2.0) + x / W + W / x),
    "matrix meets vector": lambda x: np.sum((M + x) * (x * x) / (M * M + x[0])),
    "scalar meets vector": lambda x: np.sum((W - x[0]) ** 2 / (2.0 * np.exp(2.0 * x[1])) + x[1]),
    "power, whole": lambda x: np.sum(x**3 + x**-1 + x**0 + x**1),
    "power, fraction": lambda x: np.sum(np.power(x, 1.5)),
    "power, array exponent": lambda x: np.sum(x ** np.array([0.0, 1.0, 2.5]) * x),
    "power, dual exponent": lambda x: np.sum(x**x + 2.0**x + x ** x[0]),
    "square": lambda x: np.sum(np.square(x) * x),
    "reciprocal": lambda x: np.sum(np.reciprocal(x)),
    "negative": lambda x: np.sum(-x * np.negative(x) * +x),
    "abs": lambda x: np.sum(np.abs(x - 1.0) * abs(x - 2.0) * np.fabs(x)),
    "log2, log10": lambda x: np.sum(np.log2(x) * np.log10(x)),
    "arctan2": lambda x: np.sum(np.arctan2(x, x[0] + 2.0)),
    "hypot": lambda x: np.sum(np.hypot(x, x[0] + 2.0) + np.hypot(W, x)),
    "index": lambda x: x[0] * x[-1] ** 2 + np.sum(x[1:] * x[:-1]) + x[-1] * x[1],
    "index arrays": lambda x: np.sum(x[np.array([0, 0, 2])] * x[[True, False, True]][[1, 0, 1]]),
    "index ellipsis, None": lambda x: np.sum((x[..., None] * x[None, :])[..., 1] * x),
    "index separated": lambda x: np.sum(
        (M * x).reshape(3, 1, 3)[np.array([0, 1]), :, np.array([2, 0])] ** 2
    ),
    "sum, axis": lambda x: np.sum(np.sum(M * x, axis=0) ** 2 * np.sum(M * x, axis=-1)),
    "sum, keepdims": lambda x: np.sum((M * x) ** 2 / np.sum(M * M * x, axis=1, keepdims=True)),
    "sum, broadcast": lambda x: np.sum((x[0] + np.zeros((4, 3))) * 1.0) * x[1],
    "sum, method": lambda x: ((M * x).sum(1) ** 2).sum() + (x * x).mean() * x.prod(),
    "sum, builtin": lambda x: sum(x * x) * max(x),
    "mean": lambda x: np.mean(x * x) + np.sum(np.mean(M * x, axis=0) ** 2),
    "prod": lambda x: np.prod(x) + np.sum(np.prod(M + x, axis=1)) + np.sum(np.prod(M * x, 0)),
    "cumsum": lambda x: np.sum(np.cumsum(x * x) * x) + np.sum(np.cumsum(M * x, axis=1) ** 2),
    "diff": lambda x: np.sum(np.diff(x * x) ** 2) + np.sum(np.diff(M * x, axis=0) ** 2),
    "dot": lambda x: np.dot(x, W) * np.dot(x, x) + np.dot(W, x * x) * np.dot(x[0], x[1]),
    "matmul": lambda x: (M @ x) @ (x @ M) + np.sum(((M * x) @ (M + x)) ** 2),
    "matmul, mixed": lambda x: np.sum(((M * x) @ M) @ (x * x)) + np.sum(x @ (M * x)),
    "where": lambda x: np.sum(np.where(x > 1.0, x * x, W) * np.where(W > 0.0, 2.0, x)),
    "maximum, minimum": lambda x: np.sum(np.maximum(x, 1.0) * x + np.minimum(x * x, x)),
    "clip": lambda x: np.sum(np.clip(x * x, 0.5, 3.0) * x),
    "max, min": lambda x: np.max(x * x) * np.min(x) * x.max(),
    "concatenate": lambda x: np.sum(np.concatenate([x, W, x * x[0]])[1:] ** 2),
    "stack": lambda x: np.sum(np.stack([x, W, x * x], axis=1) @ x) + np.sum(np.stack([W, x]) ** 2),
    "reshape": lambda x: np.sum((M * x).reshape(9)[2:5] ** 2) + np.ravel(M * x * x)[4],
    "transpose": lambda x: np.sum((M * x).T ** 2 * x) + np.sum(np.transpose(M * x, (1, 0)) * W),
    "moveaxis, squeeze": lambda x: (
        np.sum(np.squeeze(np.expand_dims(x, 1)) ** 2) + np.sum(np.moveaxis(M * x, 0, 1) ** 2 * x)
    ),
    "broadcast_to": lambda x: np.sum(np.broadcast_to(x * x, (2, 3)) * 2.0),
    "iteration": lambda x: sum(v * v * x[0] for v in x) * len(x),
    "zeros_like": lambda x: np.sum((np.zeros_like(x) + np.ones_like(x) * x) ** 2),
    "erf": lambda x: np.sum(special.erf(x) * special.erfc(x * 0.5)),
    "lgamma": lambda x: np.sum(special.gammaln(x * x)),
    "curvature of one branch": lambda x: np.sum(np.concatenate([x * x, x]) ** 2),
    "ufunc on the left": lambda x: np.sum(np.float64(2.0) * x * x + np.multiply(W, x) / x[0]),
    "value decides": lambda x: x[0] * x[1] if x[0] < x[1] and np.all(np.isfinite(x * x)) else x[2],
}


@pytest.mark.parametrize("name", FEATURES)
def test_features_agree_with_differences_to_second_order(name):
    f = FEATURES[name]
    value, slopes = value_and_grad(f)(X)
    g, h = by_differences(f, X)
    # log2 and log10 are quotients of logarithms; everything else is NumPy's own value
    assert value == pytest.approx(f(X), rel=1e-15 if "log" in name else 0.0)
    np.testing.assert_allclose(slopes, g, rtol=1e-8, atol=1e-8 * np.max(np.abs(g)))
    np.testing.assert_allclose(hessian(f)(X), h, rtol=1e-5, atol=1e-5 * max(1, np.max(np.abs(h))))


@pytest.mark.parametrize("name", rules.UNARY)
def test_elementary_functions_agree_with_the_scalar_reader(name):
    """The scalar reader is held to 50 digits; NumPy's functions may differ from math's by ulps."""
    f = next(u for u in UFUNCS if u.__name__ == {"asin": "arcsin", "acos": "arccos",
             "atan": "arctan", "neg": "negative", "pos": "positive"}.get(name, name))  # fmt: skip
    x = np.array([0.2, 0.5, 0.9])
    for i, v in enumerate(x):
        _, first, second = rules.UNARY[name](scalar.math, float(v))
        assert derivative(f)(x)[i] == pytest.approx(first, rel=1e-14)
        expected = 0.0 if second is None else second
        assert hessian(lambda y: np.sum(f(y)))(x)[i, i] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("name", "op"), [("add", np.add), ("sub", np.subtract),
                                          ("mul", np.multiply), ("div", np.divide)])  # fmt: skip
def test_written_out_arithmetic_agrees_with_the_rule_table(name, op):
    seed = Seed()
    a = DualArray(X, np.array([[1.0, 0.3, -2.0], [0.0, 1.0, 5.0]]), None, seed)
    b = DualArray(W, np.array([[0.7], [-1.0]]), None, seed)
    for left, right in ((a, b), (b, a), (a, W), (X, b), (a, 3.0), (2.0, b)):
        ours, table = op(left, right), binary(name, left, right)
        np.testing.assert_array_equal(ours.value, table.value)
        shape = (2, 3)
        np.testing.assert_allclose(
            np.broadcast_to(ours.tangents, shape),
            np.broadcast_to(table.tangents, shape),
            rtol=1e-14,
        )


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


@pytest.mark.parametrize("n", [1, 8, 9, 40])
def test_chunks_give_what_single_passes_give(n, monkeypatch):
    x = np.linspace(0.5, 2.0, n)
    f = lambda x: np.sum(np.cumsum(x * x) / x) * x[0]  # noqa: E731
    whole, bent = grad(f)(x), hessian(f)(x)
    monkeypatch.setattr(drivers, "ELEMENTS", 1)
    np.testing.assert_allclose(grad(f)(x), whole, rtol=1e-14)
    np.testing.assert_allclose(hessian(f)(x), bent, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(whole, by_differences(f, x)[0], rtol=1e-7)


def test_memory_stays_bounded_with_many_variables():
    """A block of tangents holds `ELEMENTS` numbers, or one tangent of the whole of x."""
    largest = []

    def f(x):
        largest.append(x.tangents.size)
        return np.sum(x * x)

    x = np.linspace(0.0, 1.0, 2_000)
    np.testing.assert_array_equal(grad(f)(x), 2.0 * x)
    assert max(largest) <= drivers.ELEMENTS


def test_tangents_of_a_parameter_stay_small_until_they_meet_data():
    data = np.linspace(0.0, 1.0, 1_000)
    seen = []

    def f(x, data):
        d = data - x[0]
        seen.append(d.tangents.shape)
        return np.sum(d)

    np.testing.assert_array_equal(grad(f)(np.array([0.3, 0.1]), data), [-1_000.0, 0.0])
    assert seen == [(2, 1)]


def test_the_shape_and_type_of_x_are_kept():
    g = grad(lambda x: np.sum(x @ x.T))(M)
    assert g.shape == M.shape
    assert grad(lambda x: np.sum(x * x))(np.array([1, 2])).tolist() == [2.0, 4.0]
    single = np.array([1.0, 2.0], dtype=np.float32)
    assert grad(lambda x: np.sum(x * x + 1.0))(single).dtype == np.float32


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
    assert np.isnan(value_and_grad(lambda x: np.sum(np.minimum(x, 1.0)))(zero * np.nan)[0])


def test_missing_functions_are_named_with_the_remedy():
    for f, name in (
        (np.linalg.det, "det"),
        (np.sort, "sort"),
        (np.logaddexp, "logaddexp"),
        (np.add.accumulate, r"add\.accumulate"),
    ):
        with pytest.raises(TypeError, match=rf"no np\.{name}: .*adbench\.dual\.numpy"):
            grad(lambda x, f=f: np.sum(f(x, x) if f is np.logaddexp else f(x)))(X)
    with pytest.raises(AttributeError, match="no attribute 'argsort'"):
        grad(lambda x: x.argsort())(X)
    with pytest.raises(TypeError, match="takes no out"):
        grad(lambda x: np.sum(np.exp(x, out=np.zeros(3))))(X)


def test_what_would_drop_a_derivative_is_an_error_with_a_remedy():
    for f, remedy in (
        (lambda x: np.sum(np.asarray(x)), r"np\.stack"),
        (lambda x: python_math.exp(x[0]), "NumPy's functions"),
        (lambda x: x.__setitem__(0, 1.0), "in place"),
        (lambda x: x, "one number"),
        (lambda x: [x[0]], "one number"),
        (lambda x: np.sum(x * grad(np.sum)(x)), "do not nest"),
        (lambda x: np.sum(derivative(lambda y: y * x)(X)), "do not nest"),
        (lambda x: np.sum(np.matmul(np.ones((2, 3, 3)), x)), "1 or 2 axes"),
        (lambda x: np.max(M * x, axis=0), "no axis"),
    ):
        with pytest.raises(TypeError, match=remedy):
            grad(f)(X)
    with pytest.raises(TypeError, match="element by element"):
        derivative(np.sum)(X)
    # NumPy wraps our error when a dual is written into a plain array
    with pytest.raises(ValueError, match="array element") as caught:
        grad(lambda x: np.zeros(3).__setitem__(0, x[0]))(X)
    assert "would drop its derivatives" in str(caught.value.__cause__)


def _aliased(x):
    y = x * 1.0
    z = y
    y *= x
    return np.sum(z)


@pytest.mark.parametrize(
    ("f", "rewrite"),
    [
        (_aliased, r"y = y \* x"),
        (lambda x: np.sum(operator.iadd(x, 1.0)), r"y = y \+ x"),
        (lambda x: np.sum(operator.isub(x, x)), r"y = y - x"),
        (lambda x: np.sum(operator.itruediv(x, 2.0)), r"y = y / x"),
        (lambda x: np.sum(operator.ipow(x, 2)), r"y = y \*\* x"),
        (lambda x: np.sum(operator.imatmul(x, M)), r"y = y @ x"),
    ],
)
def test_arrays_are_not_changed_in_place(f, rewrite):
    """NumPy's z would follow y; ours would not, and its sum would be a wrong derivative."""
    with pytest.raises(TypeError, match=f"in place: .*{rewrite}"):
        grad(f)(X)


def test_single_numbers_accumulate_as_numpys_do():
    """NumPy's scalars are immutable: ``+=`` binds the name anew, and so it does here."""

    def f(x):
        total = x[0]
        first = total
        total += x[1] * x[2]
        total *= 2.0
        total **= 2
        return total - first

    expected = by_differences(f, X)[0]
    np.testing.assert_allclose(grad(f)(X), expected, rtol=1e-8)


def test_constants_and_empty_arrays_have_zero_derivatives():
    assert grad(lambda x: 3.0)(X).tolist() == [0.0, 0.0, 0.0]
    assert hessian(lambda x: x[0])(X).tolist() == np.zeros((3, 3)).tolist()
    assert grad(np.sum)(np.zeros(0)).shape == (0,)
    assert hessian(np.sum)(np.zeros(0)).shape == (0, 0)


def test_array_powers_obey_fifty_digits():
    x, n = np.array([0.7, 2.5, 1.1]), np.array([2.5, -1.0, 3.0])
    _, first, second = rules.powers(NUMPY, x, n)
    for i in range(3):
        f = lambda v, i=i: v ** mpmath.mpf(n[i])  # noqa: E731
        with mpmath.workdps(50):
            exact = [mpmath.diff(f, x[i], k, h=mpmath.mpf(10) ** -12) for k in (1, 2)]
        assert first[i] == pytest.approx(float(exact[0]), rel=1e-14)
        assert second[i] == pytest.approx(float(exact[1]), rel=1e-14)


def test_every_word_of_the_rules_and_every_listed_function_is_there():
    assert set(rules.UNARY) - {"neg", "pos"} <= set(ARRAY)
    listed = (np.sum, np.mean, np.prod, np.cumsum, np.diff, np.dot, np.where, np.clip, np.max,
              np.min, np.concatenate, np.stack, np.reshape, np.ravel, np.transpose, np.moveaxis,
              np.expand_dims, np.squeeze, np.broadcast_to, np.copy)  # fmt: skip
    for f in listed:
        assert f in FUNCTIONS
        assert f"`{f.__name__.replace('amax', 'max').replace('amin', 'min')}`" in drivers.__doc__
