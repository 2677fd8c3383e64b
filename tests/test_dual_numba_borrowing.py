"""Calls of drivers in compiled code: no references counted, none lost, none given back twice."""

import sys

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from adbench.dual import numba as dual  # noqa: E402

X = np.array([2.0, 3.0])
SLOPES = [23.0, 2.0]  # of `f` with factors [1, 5]


def f(x, factors):
    if factors[0] < 0:
        raise ValueError("negative")
    return x[0] ** 2 * factors[1] + x[1] * x[0]


def test_a_call_in_a_users_loop_counts_no_references():
    slope = dual.grad(f, n=2)

    @numba.njit
    def user(points, factors, out):
        for i in range(len(points)):
            slope(points[i], factors, out[i, 1:])

    out = np.zeros((3, 3))
    user(np.tile(X, (3, 1)), np.array([1.0, 5.0]), out)
    assert out[:, 1:].tolist() == [SLOPES] * 3
    [code] = user.inspect_llvm().values()
    own = code[code.index("define") :].split("\n}")[0]
    assert "fmul" in own
    assert "NRT_incref" not in own
    assert "NRT_decref" not in own


@pytest.mark.parametrize("n", [2, None])
def test_what_was_lent_is_not_lost_when_the_function_raises(n):
    slope = dual.grad(f, n=n)

    @numba.njit
    def user(x, factors, out):
        return slope(x, factors, out)[0]

    x, factors, out = X.copy(), np.array([-1.0, 5.0]), np.empty(2)
    before = [sys.getrefcount(a) for a in (x, factors, out)]
    for _ in range(3):
        with pytest.raises(ValueError, match="negative"):
            user(x, factors, out)
    assert [sys.getrefcount(a) for a in (x, factors, out)] == before


@pytest.mark.parametrize("first", [1.0, -1.0])
def test_within_try_every_reference_is_given_back_once(first):
    slope = dual.grad(f, n=2)

    @numba.njit
    def user(x, factors, out):
        copy = x.copy()
        part = copy[:]
        try:
            slope(part, factors, out)
        except Exception:
            return part.sum() + copy.sum()
        return out[0]

    out, factors = np.empty(2), np.array([first, 5.0])
    before = sys.getrefcount(out)
    for _ in range(3):
        assert user(X, factors, out) == (SLOPES[0] if first > 0 else 2 * X.sum())
    assert sys.getrefcount(out) == before


@pytest.mark.parametrize("n", [2, None])
def test_out_comes_back_with_its_owner(n):
    slope, both = dual.grad(f, n=n), dual.value_and_grad(f, n=n)

    @numba.njit
    def user(x, factors):
        out = np.empty(2)
        value, other = both(x, factors, np.empty(2))
        return slope(x, factors, out), value, other

    found, value, other = user(X, np.array([1.0, 5.0]))
    assert found.base is not None
    assert (found.tolist(), value, other.tolist()) == (SLOPES, 26.0, SLOPES)


def test_a_function_that_could_keep_an_array_counts_its_references():
    kept = numba.typed.List([np.zeros(2)])

    def keeping(x, factors, store):
        store.append(factors)
        return x[0] * factors[1]

    slope = dual.grad(keeping, n=2, layout="S")

    @numba.njit
    def user(x, store):
        slope(x, np.array([1.0, 5.0]), store)

    user(X, kept)
    assert kept[1].tolist() == [1.0, 5.0]
