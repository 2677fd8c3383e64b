"""How tests of array duals judge a function: by differences, by nesting, and by what it shares."""

import numpy as np
import pytest

from adbench.dual.numpy import DualArray, grad, hessian, jacobian, value_and_grad
from adbench.dual.numpy.array_type import Seed

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


def judge(f, x=X):
    """F, of one number, has NumPy's value, and derivatives that agree with differences and nested."""
    value, slopes = value_and_grad(f)(x.copy())
    g, h = by_differences(f, x)
    assert value == pytest.approx(f(x.copy()), rel=1e-15, abs=1e-300)
    np.testing.assert_allclose(slopes, g, rtol=1e-8, atol=1e-8 * max(1, np.max(np.abs(g))))
    ours = hessian(f)(x.copy())
    np.testing.assert_allclose(ours, h, rtol=1e-5, atol=1e-5 * max(1, np.max(np.abs(h))))
    nested = jacobian(grad(f))(x.copy())
    np.testing.assert_allclose(nested, ours, rtol=1e-11, atol=1e-11 * max(1, np.max(np.abs(ours))))


SEEDS = {1: Seed(), 2: Seed(*np.triu_indices(3))}


def dual(value, order=1):
    """A dual of one pass for each order: three tangents, and curvatures in second order."""
    rng = np.random.default_rng(int(1e3 * abs(np.sum(value))))
    t = rng.normal(size=(3, *np.shape(value)))
    h = rng.normal(size=(6, *np.shape(value))) if order == 2 else None
    return DualArray(np.array(value), t, h, SEEDS[order])


def same(a, b):
    """Whether two duals have the same value and derivatives."""
    np.testing.assert_array_equal(a.value, b.value)
    shape = (len(a.tangents), *a.shape)
    np.testing.assert_array_equal(
        np.broadcast_to(a.tangents, shape), np.broadcast_to(b.tangents, shape)
    )
