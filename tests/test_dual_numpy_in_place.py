"""Array duals written to: NumPy's semantics of views and copies hold for derivatives as for values."""

import operator

import numpy as np
import pytest
from dual_array_checks import M, W, X, by_differences, dual, judge, same
from hypothesis import given
from hypothesis import strategies as st

from adbench.dual.numpy import DualArray, grad, hessian
from adbench.dual.numpy.array_type import core

# What NumPy makes of a matrix of three rows and columns: a view or a copy, ours alike.
VIEWS = {
    "slice": lambda y: y[1:],
    "row": lambda y: y[1],
    "ellipsis": lambda y: y[..., 0],
    "new axis": lambda y: y[None, :, ::2],
    "reshape": lambda y: y.reshape(9),
    "ravel": lambda y: np.ravel(y),
    "transpose": lambda y: y.T,
    "swapaxes": lambda y: np.swapaxes(y, 0, 1),
    "moveaxis": lambda y: np.moveaxis(y, 0, 1),
    "expand_dims": lambda y: np.expand_dims(y, 1),
    "squeeze": lambda y: np.squeeze(y[:, None]),
    "flip": lambda y: np.flip(y, 0),
    "rot90": lambda y: np.rot90(y),
    "split": lambda y: np.split(y, 3)[1],
    "atleast": lambda y: np.atleast_3d(y),
    "view of a view": lambda y: y[1:].T[::-1, 1:],
    "view of a reshaped view": lambda y: y.reshape(9)[2:8].reshape(2, 3)[:, 1],
    "diagonal by flat slice": lambda y: y.reshape(-1)[::4],
}
COPIES = {
    "sum": lambda y: y.sum(axis=0),
    "sum of nothing": lambda y: np.sum(y, axis=()),
    "plus": lambda y: y + 1.0,
    "minus": lambda y: y - 0.0,
    "positive": lambda y: +y,
    "power": lambda y: y**1,
    "times": lambda y: y * 1.0,
    "maximum": lambda y: np.maximum(y, -1e9),
    "clip": lambda y: np.clip(y, None, None) if isinstance(y, DualArray) else y.copy(),
    "element": lambda y: y[1, 2],
    "last element": lambda y: y[0][1],
    "index array": lambda y: y[[0, 1, 2]],
    "mask": lambda y: y[np.ones((3, 3), bool)],
    "copy": lambda y: y.copy(),
    "np.copy": lambda y: np.copy(y),
    "flatten": lambda y: y.flatten(),
    "reshape of a transpose": lambda y: y.T.reshape(9),
    "where": lambda y: np.where(True, y, 0.0),
    "concatenate": lambda y: np.concatenate([y]),
    "stack": lambda y: np.stack([y, y]),
    "prod of one": lambda y: np.prod(y[:1], axis=0),
    "max of one": lambda y: np.max(y[:1], axis=0),
    "sort": lambda y: np.sort(y),
    "take": lambda y: np.take(y, [0, 1], axis=1),
    "roll": lambda y: np.roll(y, 1),
    "tile": lambda y: np.tile(y, 1),
    "repeat": lambda y: np.repeat(y, 1),
    "mean": lambda y: np.mean(y[:1], axis=0),
    "median": lambda y: np.median(y[:1], axis=0),
    "cumprod": lambda y: np.cumprod(y[:, :1], axis=1),
    "diff": lambda y: np.diff(y),
    "tril": lambda y: np.tril(y),
    "pad": lambda y: np.pad(y, 0),
    "einsum": lambda y: np.einsum("ij->ji", y).copy(),
    "matrix_power": lambda y: np.linalg.matrix_power(y, 1).copy(),
    "interp": lambda y: np.interp([0.5], [0.0, 1.0], y[0, :2]),
    "real power of a view": lambda y: y[1:] ** 1,
    "logaddexp": lambda y: np.logaddexp.reduce(y[:1]),
}


def parts(y):
    """The value and the derivatives of a dual as plain arrays of their own, one by one."""
    whole = [y.value, *np.broadcast_to(y.tangents, (len(y.tangents), *y.shape))]
    if y.curvatures is not None:
        whole += list(np.broadcast_to(y.curvatures, (len(y.curvatures), *y.shape)))
    return [np.array(p) for p in whole]


def agree(y, plain):
    for ours, theirs in zip(parts(y), plain, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", VIEWS)
def test_views_see_writes_and_pass_them_on(name, order, written):
    op, y, new = VIEWS[name], dual(M, order), dual(M + 7.0, order)
    if written:
        y[0, 0] = 3.0
    plain, fresh = parts(y), parts(new)
    view, views = op(y), [op(p) for p in plain]
    assert np.shares_memory(view.value, y.value)
    agree(view, views)
    y[:, 1:] = new[:, :2]
    for p, q in zip(plain, fresh, strict=True):
        p[:, 1:] = q[:, :2]
    agree(view, views)
    source = op(new)
    view[...] = source
    for p, q in zip(views, fresh, strict=True):
        p[...] = op(q)
    agree(view, views)
    agree(y, plain)
    view += source
    for p, q in zip(views, fresh, strict=True):
        p += op(q)
    agree(y, plain)


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", COPIES)
def test_copies_do_not_see_writes(name, order, written):
    op, y = COPIES[name], dual(M, order)
    if written:
        y[0, 0] = 3.0
    assert not np.shares_memory(op(y.value), y.value)
    copy = op(y)
    assert not np.shares_memory(core(copy), y.value)
    before = parts(copy)
    y[...] = dual(M + 7.0, order)
    y += 1.0
    y[1] = 0.0
    agree(copy, before)


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("name", COPIES)
def test_writes_to_copies_stay_there(name, written):
    op, y = COPIES[name], dual(M)
    if written:
        y[0, 0] = 3.0
    copy, before = op(y), parts(y)
    if copy.ndim:
        copy[...] = 5.0
        copy += copy
    agree(y, before)


def instruction(kind, a, b, here, there):
    """A linear instruction on a list of arrays: new views and copies, and writes."""
    return [
        lambda v: v.append(v[a][here.start :]),
        lambda v: v.append(v[a] * 2.0),
        lambda v: v.append(v[a].copy()),
        lambda v: operator.setitem(v[a], here, v[b][there]),
        lambda v: operator.setitem(v[a], here, operator.iadd(v[a][here], v[b][there])),
        lambda v: operator.isub(v[a][here], v[b][there] * 0.5),
        lambda v: v.append(v[a][::-1] + v[a]),
    ][kind]


@given(st.lists(st.tuples(st.integers(0, 6), *[st.integers(0, 11)] * 5), max_size=12))
def test_any_program_of_linear_writes_agrees_with_its_derivatives(program):
    """Values and derivatives of what is linear go through the same instructions: run both."""
    x = dual(np.arange(4.0))
    ours, plain = [x], [[p] for p in parts(x)]
    for kind, i, j, low, size, other in program:
        a, b = i % len(ours), j % len(ours)
        n, m = ours[a].shape[0], ours[b].shape[0]
        start = low % max(n, 1)
        span = min(size % 3 + 1, n - start, m)
        behind = other % (m - span + 1)
        act = instruction(kind, a, b, slice(start, start + span), slice(behind, behind + span))
        for names in (ours, *plain):
            act(names)
    for n, dual_array in enumerate(ours):
        agree(dual_array, [names[n] for names in plain])


def recurrence(x):
    y = np.zeros_like(x)
    y[0] = x[0] * x[1]
    for i in range(1, len(x)):
        y[i] = 0.5 * y[i - 1] ** 2 + x[i]
    return np.sum(y * y)


def rows(x):
    y = np.zeros_like(x, shape=(2, 3))
    y[0] = x * x
    y[1, :2] = y[0, 1:] * x[0]
    y[1, 2] = 1.0
    y[:, 1] *= x[2]
    return np.sum(y**2)


def masked(x):
    y = x * W
    y[y < 0.0] = x[1] ** 2
    y[[0, 2]] -= x[1:] * x[:2]
    return np.sum(y**3)


def aliased(x):
    y = x * 1.0
    z = y
    y *= x
    return np.sum(z * x)


def viewed(x):
    y = np.sin(x)
    tail = y[1:]
    tail += x[0]
    tail[0] *= tail[1]
    y[2] = y[1] * y[0]
    return np.sum(tail * y[:2])


def argument(x):
    x[1] = x[0] * x[2]
    x /= 2.0
    return np.sum(x * x)


def operators(x):
    y = x.copy()
    y += x
    y -= 0.5 * x[0]
    y *= y
    y /= x + 1.0
    y **= 2
    y %= 7.3
    y //= 0.37
    z = M * x
    z @= M
    return np.sum(y * x) + np.sum(z * z)


def separated(x):
    y = np.zeros_like(x, shape=(2, 3, 2))
    y[[0, 1], :, [1, 0]] = x * x
    y[..., 0] += x
    y[:, [0, 2], 1] = x[1]
    y[np.ones((2, 3), bool)] *= 2.0
    return np.sum(y**3)


def functions(x):
    y = np.zeros_like(x, shape=(3, 3))
    np.fill_diagonal(y, x * x)
    np.copyto(y, y + x, where=M > 0.0)
    np.add.at(y, ([0, 0, 1], [1, 1, 2]), x * x)
    np.put_along_axis(y, np.array([[0], [1], [2]]), x[0] ** 2, 1)
    y.fill(x[0]) if x[0] < 0.0 else None
    z = W * x
    z.sort()
    np.multiply(z, x, out=z)
    np.sum(y, axis=0, out=z[:])
    return np.sum(y * y) * np.sum(z)


PROGRAMS = [recurrence, rows, masked, aliased, viewed, argument, operators, separated, functions]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_that_write_agree_with_differences(f):
    judge(lambda x: f(x.copy()), X)
    np.testing.assert_array_equal(grad(f)(X.copy()), grad(lambda x: f(x.copy()))(X.copy()))


def test_the_callers_array_is_left_alone():
    x = X.copy()
    grad(argument)(x)
    hessian(argument)(x)
    np.testing.assert_array_equal(x, X)


def test_single_numbers_accumulate_as_numpys_do():
    """NumPy's scalars are immutable: ``+=`` binds the name anew, and so it does here."""

    def f(x):
        total = x[0]
        first = total
        total += x[1] * x[2]
        total *= 2.0
        total **= 2
        return total - first

    np.testing.assert_allclose(grad(f)(X), by_differences(f, X)[0], rtol=1e-8)


@pytest.mark.parametrize(
    "store",
    [
        lambda y, x: operator.setitem(y, 0, x[0]),
        lambda y, x: operator.setitem(y, slice(0, 2), x[:2]),
        lambda y, x: operator.setitem(y, y > 0.0, x),
        lambda y, x: operator.setitem(y, Ellipsis, x),
        lambda y, x: operator.iadd(y, x),
        lambda y, x: np.exp(x, out=y),
        lambda y, x: np.sum(x * M, axis=0, out=y),
        lambda y, x: np.add.at(y, [0, 1, 2], x),
        lambda y, x: y.fill(x[0]),
        lambda y, x: np.array([x[0], x[1]]),
        lambda y, x: np.asarray(x),
    ],
)
def test_storing_a_dual_in_a_plain_array_names_the_way_out(store):
    with pytest.raises(TypeError, match=r"np\.zeros_like\(x"):
        grad(lambda x: store(np.ones(3), x))(X)


def test_what_cannot_be_written_is_refused():
    with pytest.raises(TypeError, match="single number"):
        grad(lambda x: x[0].__setitem__(..., 1.0))(X)
    with pytest.raises(ValueError, match="read-only"):
        grad(lambda x: np.broadcast_to(x, (2, 3)).__setitem__(0, 1.0))(X)
    with pytest.raises(ValueError, match="read-only"):
        grad(lambda x: np.diagonal(M * x).__setitem__(0, 1.0))(X)
    with pytest.raises(ValueError, match="could not broadcast"):
        grad(lambda x: x.__setitem__(slice(None), np.ones(4)))(X)
    with pytest.raises(ValueError, match="cannot hold the result in place"):
        grad(lambda x: operator.iadd(x, M))(X)
    with pytest.raises(IndexError):
        grad(lambda x: x.__setitem__(5, 1.0))(X)
    with pytest.raises(TypeError, match="inner differentiation"):
        grad(lambda x: grad(lambda z: x.__setitem__(0, z[0]))(X))(X)


def test_many_views_are_forgotten():
    x = dual(np.zeros(8))
    for _ in range(1000):
        x[1:]
    assert len(x.place[0].members) < 200
    kept = [x[i:] for i in range(8)]
    x[7] = dual(1.0)
    for v in kept:
        same(v[-1], dual(1.0))
