"""What texts may contain beside themselves, and drivers for patterns and points.

Plain Python helpers, array makers that are members of other modules; sparse Jacobians; functions of
several numbers at many points.
"""

import math
from types import ModuleType

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from adbench.dual import numba as dual  # noqa: E402  (needs numba)
from adbench.dual.numba.helpers import says, with_helpers  # noqa: E402

TIGHT = 1e-13
WORDS = ModuleType("words")
vars(WORDS).update(zeros=np.zeros, exp=math.exp)


def square(a):
    return a * a


def filled(m):
    """A text with helpers around it and in its module; one fills an array that the text made."""

    def fill(x, out):
        for i in range(len(x)):
            out[i] = square(x[i]) * m.exp(x[i])

    def f(x):
        y = m.zeros(len(x))
        fill(x, y)
        return y

    return f


def slopes(x):
    return np.diag((2.0 * x + x * x) * np.exp(x))


X = np.array([0.1, -0.5, 0.7])


def test_plain_helpers_and_zeros_of_another_module_hold_duals():
    f = filled(WORDS)
    np.testing.assert_allclose(dual.primal(f)(X), X * X * np.exp(X), rtol=TIGHT)
    np.testing.assert_allclose(dual.jacobian(f, n=3, layout="S")(X), slopes(X), rtol=TIGHT, atol=0)


def test_the_tape_knows_them_too():
    _, (found,) = dual.vjp(filled(WORDS))((X,), np.ones(3))
    np.testing.assert_allclose(found, slopes(X).sum(axis=0), rtol=TIGHT)


def determinant():
    def minor(a, used, row, n):
        if row == n:
            return 1.0 + 0.0 * a[0]
        total, sign = 0.0 * a[0], 1.0
        for j in range(n):
            if used[j] == 0:
                used[j] = 1
                total = total + sign * a[row * n + j] * minor(a, used, row + 1, n)
                used[j] = 0
                sign = -sign
        return total

    return lambda a: minor(a, np.zeros(3, np.int64), 0, 3)


def test_helpers_may_call_themselves():
    a = np.array([2.0, 0.5, 0.1, 0.3, 1.5, 0.2, 0.4, 0.6, 1.0])
    matrix = a.reshape(3, 3)
    expected = np.linalg.inv(matrix).T * np.linalg.det(matrix)
    found = dual.grad(determinant(), n=9, layout="V")(a)
    np.testing.assert_allclose(found, expected.ravel(), rtol=1e-12)


def test_texts_without_helpers_stay_themselves():
    def f(x):
        return math.exp(x) + np.sin(x)

    assert with_helpers(f, {}) is f


def test_words_of_helpers_are_found():
    f = filled(WORDS)
    assert says(f, "zeros")
    assert says(f, "exp")
    assert not says(f, "derivative")


def bidiagonal(x):
    y = np.zeros(len(x) - 1)
    for i in range(len(y)):
        y[i] = x[i] * x[i] + 3.0 * x[i + 1]
    return y


ROWS, COLUMNS = np.array([0, 2, 4]), np.array([0, 1, 1, 2])


@pytest.mark.parametrize("colours", [2, 20])
def test_entries_of_a_sparse_jacobian_in_the_order_of_its_pattern(colours):
    """Of two colours in one pass, and of colours with higher numbers in a later one."""
    colour = np.array([0, 1, 0]) if colours == 2 else np.array([0, 19, 3])
    found = dual.compressed_jacobian(bidiagonal, colours)(X, colour, ROWS, COLUMNS)
    np.testing.assert_allclose(found, [2 * X[0], 3.0, 2 * X[1], 3.0], rtol=TIGHT)


def test_a_pattern_of_another_shape_is_refused():
    driver = dual.compressed_jacobian(bidiagonal, 2)
    with pytest.raises(ValueError, match="pattern"):
        driver(X, np.array([0, 1, 0]), ROWS[:2], COLUMNS)
    with pytest.raises(ValueError, match="pattern"):
        driver(X, np.array([0, 1]), ROWS, COLUMNS)
    with pytest.raises(ValueError, match="colours=0"):
        dual.compressed_jacobian(bidiagonal, 0)


def test_partial_derivatives_at_points_of_three_numbers():
    points = np.array([0.1, 0.2, 1.0, 2.0, -3.0, 4.0])
    a, b, c = points.reshape(3, 2)
    found = dual.partials(lambda a, b, c, k: k * a * b * c, 3)(points, 2.0)
    np.testing.assert_allclose(found, 2.0 * np.concatenate([b * c, a * c, a * b]), rtol=TIGHT)
    np.testing.assert_allclose(dual.elementwise(lambda a, b, c: a * b * c, 3)(points), a * b * c)
    with pytest.raises(ValueError, match="k=4"):
        dual.partials(lambda a, b, c, d: a, 4)


def test_a_told_size_takes_sixteen_tangents_in_a_pass():
    """As one that is found out when called: half the passes of eight."""

    def f(x):
        total = 0.0
        for i in range(x.size - 1):
            total += x[i] * x[i + 1]
        return total

    driver = dual.compile_for(dual.grad(f, n=40, layout="V"), np.ones(40))
    assert any("<16 x double>" in text for text in driver.inspect_llvm().values())
