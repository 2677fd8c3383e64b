"""Array duals that store the tangents of some directions only: the same derivatives as in full."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adbench.dual.numpy import grad, hessian, jacobian

DATA = np.linspace(0.5, 2.0, 40)
X = np.array([0.7, 1.3, -0.4, 0.9, 1.8, 0.2])


def _peaks(x: Any) -> Any:
    model = 0.0
    for j in range(3):
        model = model + x[2 * j] * np.exp(-x[2 * j + 1] * DATA)
    rest = DATA - model
    return np.sum(rest * rest)


def _written(x: Any) -> Any:
    y = np.zeros_like(x, shape=DATA.shape)
    y[3:] = x[2] * DATA[3:]
    y[0] = x[-1] / x[1]
    z = x[4] * DATA
    w = z * z
    z[1:5] = x[0]
    return np.sum(y * z) + np.sum(w[::2])


CASES: dict[str, Callable[[Any], Any]] = {
    "peaks": _peaks,
    "written": _written,
    "apart": lambda x: np.sum(x[5] * DATA - x[0]) - x[1] / (x[3] * DATA[2]),
    "overlap": lambda x: np.sum((x[1] * DATA + x[2]) * (x[2] - x[3] * DATA) / (x[1] + x[4] * DATA)),
    "square kept": lambda x: np.sum(((x[0] + x[3] * DATA) * 1.0) ** 2 - x[2] * DATA),
    "square scaled": lambda x: _scaled_square(x[0] + x[3] * DATA),
    "shifted": lambda x: np.sum(np.sqrt((x + 2.0)[3] * DATA)) + x[-2],
    "products": lambda x: np.dot(x[1] * DATA, DATA - x[4]) + np.max(x[0] * DATA),
    "whole vector": lambda x: np.sum(x * x) * x[1] - np.prod(x[2:4]),
    "one variable": lambda x: -x[2],
    "rows": lambda x: np.sum((x[2] * np.ones((3, 4)) - x[3]) * (x[2] * np.ones(4)), axis=0)[1],
}


def _scaled_square(y: Any) -> Any:
    z = y * y
    return np.sum(z * 3.0 + DATA) + 0.5 * np.sum((-z) * DATA) - np.sum(z[None, :] - 1.0)


@pytest.mark.parametrize("name", CASES)
def test_as_with_all_tangents(name: str) -> None:
    f = CASES[name]
    plain = jacobian(lambda x: np.stack([f(x)]))(X)[0]
    np.testing.assert_allclose(grad(f)(X), plain, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ["peaks", "apart", "overlap", "square scaled"])
def test_nested(name: str) -> None:
    f = CASES[name]
    nested = jacobian(grad(f))(X)
    np.testing.assert_allclose(nested, hessian(f)(X), rtol=1e-11, atol=1e-11)


@given(
    st.lists(st.tuples(st.integers(-6, 5), st.integers(-6, 5), st.sampled_from("+-*/")), max_size=6)
)
def test_any_ranges(steps: list[tuple[int, int, str]]) -> None:
    def f(x: Any) -> Any:
        total = x[0] * DATA
        for i, j, sign in steps:
            y = x[i] * DATA + x[j]
            if sign == "*":
                total = total * y
            elif sign == "/":
                total = total / (4.0 + y)
            else:
                total = total + y if sign == "+" else y - total
        return np.sum(total)

    plain = jacobian(lambda x: np.stack([f(x)]))(X)[0]
    np.testing.assert_allclose(grad(f)(X), plain, rtol=1e-11, atol=1e-9)
