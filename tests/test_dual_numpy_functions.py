"""Array duals: NumPy's and SciPy's functions one by one, to second order, nested and not."""

import numpy as np
import pytest
from dual_array_checks import M, W, dual, judge
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from adbench.dual import python as scalar
from adbench.dual import rules
from adbench.dual.numpy import derivative, grad, hessian, jacobian
from adbench.dual.numpy.array_type import UFUNCS, DualArray
from adbench.dual.numpy.calls import ufunc_of

trapezoid = vars(np)["trapezoid" if "trapezoid" in vars(np) else "trapz"]

# One line a feature: each maps the vector X (three elements, all positive) to one number.
ARITHMETIC = {
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
    "float_power": lambda x: np.sum(np.float_power(x, 3)),
    "square": lambda x: np.sum(np.square(x) * x),
    "reciprocal": lambda x: np.sum(np.reciprocal(x)),
    "negative": lambda x: np.sum(-x * np.negative(x) * +x * np.positive(x) * np.conjugate(x)),
    "abs": lambda x: np.sum(np.abs(x - 1.0) * abs(x - 2.0) * np.fabs(x)),
    "mod": lambda x: np.sum((5.3 * x) % 1.1 * x + 7.0 % x + np.remainder(x * 4.0, x[0] + 0.13) * x),
    "mod, negative": lambda x: np.sum((-5.3 * x) % 1.1 * x + np.mod(x * x, -0.7)),
    "fmod": lambda x: np.sum(np.fmod(-5.3 * x, 1.1) * x + np.fmod(7.0, x)),
    "divmod": lambda x: np.sum(divmod(5.3 * x, 1.1)[0] * x + np.divmod(x * x, 0.7)[1] * x),
    "floor_divide": lambda x: np.sum((5.3 * x) // 1.1 * x + np.floor_divide(7.0, x) * x),
    "modf": lambda x: np.sum(np.modf(x * x)[0] * x + np.modf(x)[1]),
    "copysign": lambda x: np.sum(np.copysign(x * x, W) * np.copysign(x, -1.0)),
    "ldexp": lambda x: np.sum(np.ldexp(x, 3) * x),
    "exp2": lambda x: np.sum(np.exp2(x) * x),
    "log2, log10": lambda x: np.sum(np.log2(x) * np.log10(x)),
    "degrees": lambda x: np.sum(np.deg2rad(x) * np.rad2deg(x) * np.radians(x) * np.degrees(x)),
    "arctan2": lambda x: np.sum(np.arctan2(x, x[0] + 2.0)),
    "hypot": lambda x: np.sum(np.hypot(x, x[0] + 2.0) + np.hypot(W, x)),
    "logaddexp": lambda x: np.sum(np.logaddexp(x, x[1] * x) + np.logaddexp(W, x)),
    "logaddexp2": lambda x: np.sum(np.logaddexp2(x, x[1] * x) * x),
    "ndtr": lambda x: np.sum(special.ndtr(x - 1.0) * x),
    "logit": lambda x: np.sum(special.logit(x / 3.0) * x + special.log_expit(x) * x),
    "steps": lambda x: np.sum(
        (np.floor(x) + np.ceil(x) + np.rint(x) + np.trunc(x) + np.sign(x - 1.0)) * x
        + np.round(x, 1) * x + np.heaviside(x - 1.0, 0.5) * x * np.fix(x)
    ),
    "ufunc on the left": lambda x: np.sum(np.float64(2.0) * x * x + np.multiply(W, x) / x[0]),
    "list on the left": lambda x: np.sum([1.0, 2.0, 3.0] * x * x + [1, 2, 3]),
    "value decides": lambda x: x[0] * x[1] if x[0] < x[1] and np.all(np.isfinite(x * x)) else x[2],
    "out": lambda x: np.sum(np.multiply(x, x, out=np.zeros_like(x)) * np.exp(W, out=np.empty_like(x))),
    "outer": lambda x: np.sum(np.multiply.outer(x, x * x) * M + np.subtract.outer(W, x) ** 2),
}  # fmt: skip
CHOICES = {
    "where": lambda x: np.sum(np.where(x > 1.0, x * x, W) * np.where(W > 0.0, 2.0, x)),
    "select": lambda x: np.sum(np.select([x < 1.0, x < 2.0], [x * x, W * x], x**3)),
    "maximum, minimum": lambda x: np.sum(np.maximum(x, 1.0) * x + np.minimum(x * x, x)),
    "fmax, fmin": lambda x: np.sum(
        np.fmax(x, np.array([np.nan, 1.0, 5.0])) * x + np.fmin(2.0, x * x)
    ),
    "clip": lambda x: np.sum(np.clip(x * x, 0.5, 3.0) * x + x.clip(max=2.0) * x),
    "nan_to_num": lambda x: np.sum(np.nan_to_num(x * np.array([1.0, np.nan, 1.0]), nan=2.0) * x),
    "max, min": lambda x: np.max(x * x) * np.min(x) * x.max(),
    "max, axis": lambda x: np.sum(np.max(M * x, axis=0) * np.min(M * x, 1) * np.ptp(M * x, axis=1)),
    "max, keepdims": lambda x: np.sum(
        np.max(M * x, axis=(0, 1), keepdims=True) * x * np.amin(M * x)
    ),
    "sort": lambda x: np.sum(np.sort(W * x)[::-1] * x) + np.sum(np.sort(M * x, axis=0) ** 2 * x),
    "sort, flat": lambda x: np.sum(np.sort(M * x * x, axis=None) * np.arange(9.0)),
    "argsort": lambda x: np.sum(x[np.argsort(-x)] * W * x) + x[np.argmax(W * x)] ** 2,
    "partition": lambda x: np.sum(np.partition(W * x * x, 1)[:2] * x[:2]),
    "median": lambda x: np.median(x * W) * np.sum(np.median(M * x, axis=1) ** 2),
    "median, even": lambda x: np.median(np.concatenate([x, W * x * x])) * x[0],
    "median, keepdims": lambda x: np.sum(np.median(M * x, axis=0, keepdims=True) * x),
    "quantile": lambda x: np.quantile(W * x, 0.3) * np.sum(np.quantile(M * x, [0.1, 0.9], axis=1)),
    "percentile": lambda x: np.sum(np.percentile(M * x, 40.0, axis=0, keepdims=True) * x * x),
    "take_along_axis": lambda x: np.sum(
        np.take_along_axis(M * x, np.array([[1], [0], [2]]), 1) * x
    ),
    "take": lambda x: (
        np.sum(np.take(x, [[0, 2], [1, 1]]) ** 2) + np.sum(np.take(M * x, 1, axis=0) * x)
    ),
    "searchsorted": lambda x: np.sum(x[np.searchsorted(x, [0.5, 1.5])] ** 2),
    "interp, values": lambda x: np.sum(np.interp([0.5, 1.5, 9.0, -1.0], [0.0, 1.0, 2.0], x) ** 2),
    "interp, all": lambda x: np.sum(
        np.interp(x * x, x + np.array([0.0, 1.0, 9.0]), W * x, left=0.5)
    ),
    "bincount": lambda x: np.sum(np.bincount([0, 2, 0], weights=x * x, minlength=4)[:3] * x),
    "unsorted": lambda x: np.sum(np.extract(x > 1.0, x * x) * np.compress([True, False, True], x)),
}
SUMS = {
    "sum, axis": lambda x: np.sum(np.sum(M * x, axis=0) ** 2 * np.sum(M * x, axis=-1)),
    "sum, keepdims": lambda x: np.sum((M * x) ** 2 / np.sum(M * M * x, axis=1, keepdims=True)),
    "sum, broadcast": lambda x: np.sum((x[0] + np.zeros((4, 3))) * 1.0) * x[1],
    "sum, method": lambda x: ((M * x).sum(1) ** 2).sum() + (x * x).mean() * x.prod(),
    "sum, builtin": lambda x: sum(x * x) * max(x),
    "sum, axes": lambda x: np.sum((M * x).reshape(3, 3, 1), axis=(0, 2)) @ x,
    "add.reduce": lambda x: np.add.reduce(np.add.reduce(M * x, axis=1, keepdims=True) * x)[1],
    "mean": lambda x: np.mean(x * x) + np.sum(np.mean(M * x, axis=0) ** 2),
    "var, std": lambda x: np.var(x * x, ddof=1) * np.sum(np.std(M * x, axis=1) * np.var(M * x, 0)),
    "average": lambda x: np.average(x * x, weights=x) * np.sum(np.average(M * x, 0, W + 2.0)),
    "average, even": lambda x: np.average(x * x) * np.sum(np.average(M * x, axis=1, weights=x * x)),
    "nansum": lambda x: np.nansum(x * np.array([1.0, np.nan, 2.0])) ** 2 * np.nanmean(x * x),
    "prod": lambda x: np.prod(x) + np.sum(np.prod(M + x, axis=1)) + np.sum(np.prod(M * x, 0)),
    "prod, axes": lambda x: np.sum(np.prod(M * x, axis=(1, 0), keepdims=True) * x),
    "prod, one": lambda x: np.prod(x[:1]) ** 2 + np.sum(np.prod((x * x)[:, None], axis=1)),
    "prod, none": lambda x: np.prod(x[:0]) * x[0] ** 2,
    "cumsum": lambda x: np.sum(np.cumsum(x * x) * x) + np.sum(np.cumsum(M * x, axis=1) ** 2),
    "cumsum, flat": lambda x: np.sum(np.cumsum(M * x * x) * np.arange(9.0)),
    "cumprod": lambda x: np.sum(np.cumprod(x * W) * x) + np.sum(np.cumprod(M * x, axis=0)),
    "cumprod, zero": lambda x: np.sum(np.cumprod(x * np.array([1.0, 0.0, 2.0]) + x[0]) * x),
    "accumulate": lambda x: np.sum(np.add.accumulate(M * x, 1) * np.multiply.accumulate(x * x)),
    "running maximum": lambda x: np.sum(
        np.maximum.accumulate(x * np.array([1.0, 0.1, 1.0])) * x
        + np.minimum.accumulate(M * x, axis=1) * x
    ),
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x * x) + np.sum(
        np.logaddexp.reduce(M * x, axis=1, keepdims=True) * x
    ),
    "multiply.reduce": lambda x: np.multiply.reduce(x) * np.maximum.reduce(x) * np.minimum.reduce(x),
    "diff": lambda x: np.sum(np.diff(x * x) ** 2) + np.sum(np.diff(M * x, axis=0) ** 2),
    "diff, twice": lambda x: np.sum(np.diff(x**3, 2)) * np.sum(np.diff(x, prepend=x[0] * x[1], append=1.0)),
    "ediff1d": lambda x: np.sum(np.ediff1d(x * x) ** 2),
    "gradient": lambda x: np.sum(np.gradient(x * x) * x + np.gradient(x * x, 0.3, edge_order=2) * x),
    "gradient, axes": lambda x: sum(np.sum(g * x * x) for g in np.gradient(M * x, 0.5, [0.0, 1.0, 3.0])),
    "trapezoid": lambda x: trapezoid(x * x, x) * trapezoid(x) + trapezoid(W, x * x, axis=0),
    "polyval": lambda x: np.sum(np.polyval(x, W) * np.polyval([1.0, 2.0, 0.5], x)),
    "linspace": lambda x: np.sum(np.linspace(x[0], x[1] * x[2], 5) ** 2) + np.sum(np.linspace(0.0, x, 3)[1] ** 2),
}  # fmt: skip
SHAPES = {
    "index": lambda x: x[0] * x[-1] ** 2 + np.sum(x[1:] * x[:-1]) + x[-1] * x[1],
    "index arrays": lambda x: np.sum(x[np.array([0, 0, 2])] * x[[True, False, True]][[1, 0, 1]]),
    "index ellipsis, None": lambda x: np.sum((x[..., None] * x[None, :])[..., 1] * x),
    "index separated": lambda x: np.sum(
        (M * x).reshape(3, 1, 3)[np.array([0, 1]), :, np.array([2, 0])] ** 2
    ),
    "index mixed": lambda x: np.sum(
        (M * x)[..., [0, 2]] ** 2 + (M * x)[np.array([0, 1, 1]), 1][:, None]
    ) + np.sum((M * x)[np.array([[True] * 3, [False] * 3, [True] * 3])] ** 2),
    "index separated, ellipsis": lambda x: np.sum(
        (M * x).reshape(3, 1, 3)[[0, 1], ..., [2, 0]] * np.ones((2, 1)) ** 2
    ),
    "index, few tangents": lambda x: np.sum((x[0] - M)[1:, 0] ** 2 * (x[1] + W)[1]),
    "reshape": lambda x: np.sum((M * x).reshape(9)[2:5] ** 2) + np.ravel(M * x * x)[4],
    "reshape, copied": lambda x: np.sum((M * x).T.reshape(-1)[1:4] * x) + (x * x).flatten()[1],
    "transpose": lambda x: np.sum((M * x).T ** 2 * x) + np.sum(np.transpose(M * x, (1, 0)) * W),
    "swapaxes": lambda x: np.sum(np.swapaxes(M * x, 0, -1) * x * x) + (M * x).swapaxes(0, 1)[0, 1],
    "moveaxis, squeeze": lambda x: (
        np.sum(np.squeeze(np.expand_dims(x, 1)) ** 2) + np.sum(np.moveaxis(M * x, 0, 1) ** 2 * x)
    ),
    "moveaxis, several": lambda x: np.sum(
        np.moveaxis((M * x).reshape(3, 1, 3), (0, 2), (-1, 0)) * x * x
    ) + np.sum(np.rollaxis((M * x).reshape(3, 1, 3), 2) * x * x),
    "expand_dims": lambda x: np.sum(np.expand_dims(x * x, (0, -1)) * M[None]),
    "broadcast_to": lambda x: np.sum(np.broadcast_to(x * x, (2, 3)) * 2.0),
    "broadcast_arrays": lambda x: np.sum(np.multiply(*np.broadcast_arrays(x * x, M))),
    "atleast": lambda x: np.sum(
        np.atleast_1d(x[0] * x[1])[0] * np.atleast_2d(x)[0] * np.atleast_3d(x)[0, :, 0]
        * np.atleast_3d(M * x)[:, 1, 0]
    ),
    "flip": lambda x: np.sum(np.flip(x) * x * W + np.fliplr(M * x) * np.flipud(M * x)),
    "rot90": lambda x: np.sum(np.rot90(M * x) * x * x + np.rot90(M * x, 3, (1, 0))),
    "roll": lambda x: np.sum(np.roll(x, 1) * x * W + np.roll(M * x, (1, 2), (0, 1)) * x),
    "roll, flat": lambda x: np.sum(np.roll(M * x, 2) * x),
    "repeat": lambda x: np.sum(np.repeat(x * x, [1, 0, 2]) * x + np.repeat(M * x, 2, axis=0)[1] * x),
    "tile": lambda x: np.sum(np.tile(x * x, 2)[2:5] * x) + np.sum(np.tile(x, (2, 1, 2)) ** 2),
    "split": lambda x: sum(np.sum(p**2) * p[0] for p in np.split(x, [1]))
    + np.sum(np.hsplit(M * x, 3)[1] * x) * np.vsplit(M * x, 3)[0][0, 1] + np.array_split(x, 2)[1][0],
    "dsplit": lambda x: np.sum(np.dsplit((M * x).reshape(3, 1, 3), 3)[1] ** 2),
    "concatenate": lambda x: np.sum(np.concatenate([x, W, x * x[0]])[1:] ** 2),
    "concatenate, axes": lambda x: np.sum(np.concatenate([M * x, M], axis=1)[:, 2:5] * x * x)
    + np.sum(np.concatenate([M * x, x], axis=None)[7:] ** 2),
    "stack": lambda x: np.sum(np.stack([x, W, x * x], axis=1) @ x) + np.sum(np.stack([W, x]) ** 2),
    "hstack": lambda x: np.sum(np.hstack([x, x[0], W * x]) ** 2) + np.sum(np.hstack([M * x, M]) ** 2),
    "vstack": lambda x: np.sum(np.vstack([x, W]) * x * x + np.dstack([x, W])[0, :, 0]),
    "column_stack": lambda x: np.sum(np.column_stack([x, M * x, W]) ** 2),
    "append": lambda x: np.sum(np.append(x, x[0] * x[1]) ** 2),
    "diagonal": lambda x: np.sum(np.diagonal(M * x, 1) ** 2) + np.sum(np.diag(M * x) * x),
    "diag": lambda x: np.sum(np.diag(x * x, 1)[:3, 1:] @ x * W) + np.sum(np.diagflat(x) @ W * x),
    "triangles": lambda x: np.sum(np.tril(M * x, -1) * x + np.triu(M * x, 1) * x * x),
    "delete, resize": lambda x: np.sum(np.delete(x * x, 1) ** 2) + np.sum(np.resize(x, (2, 2)) ** 2),
    "pad": lambda x: np.sum(np.pad(x * x, 1, constant_values=2.0)[:3] * x)
    + np.sum(np.pad(x, (0, 2), mode="reflect") ** 2) + np.sum(np.pad(M * x, 1, "wrap")[0, 1:4] * x),
    "meshgrid": lambda x: np.sum(np.multiply(*np.meshgrid(x, x[:2] ** 2))[1] * x),
    "iteration": lambda x: sum(v * v * x[0] for v in x) * len(x),
    "unpacking": lambda x: (lambda a, b, c: a * b**c)(*x),
    "zeros_like": lambda x: np.sum((np.zeros_like(x) + np.ones_like(x) * x) ** 2),
    "full_like": lambda x: np.sum((np.full_like(x, 2.0) + np.full_like(x, x[0])) * x),
    "like": lambda x: np.sum(
        np.array([x[0], [x[1] * x[2]][0], 1.0], like=x) * np.full(3, x[1], like=x)
        + np.zeros(3, like=x) + np.ones((1, 3), like=x) * x
    ),
    "astype": lambda x: np.sum(x.astype(float) * x) + x.astype(int)[1] * x[0] ** 2,
    "methods": lambda x: x.item(0) * x[1].item() * x.ravel()[2] * x.copy().take([1])[0] * x.T[0],
    "curvature of one branch": lambda x: np.sum(np.concatenate([x * x, x]) ** 2),
    "questions": lambda x: np.size(x) * np.ndim(x) * x.size * x.ndim * np.shape(x)[0] * x[0] * x[1],
}  # fmt: skip
FEATURES = {**ARITHMETIC, **CHOICES, **SUMS, **SHAPES}


@pytest.mark.parametrize("name", FEATURES)
def test_features_agree_with_differences_to_second_order(name):
    judge(FEATURES[name])


@pytest.mark.parametrize("name", sorted(set(rules.UNARY)))
def test_elementary_functions_agree_with_the_scalar_reader(name):
    """The scalar reader is held to 50 digits; NumPy's functions may differ from math's by ulps."""
    f = ufunc_of(name)
    x = np.array([1.2, 1.5, 2.9] if name == "acosh" else [0.2, 0.5, 0.9])
    for i, v in enumerate(x):
        _, first, second = rules.UNARY[name](scalar.math, float(v))
        assert derivative(f)(x)[i] == pytest.approx(first, rel=1e-13)
        expected = 0.0 if second is None else second
        assert hessian(lambda y: np.sum(f(y)))(x)[i, i] == pytest.approx(expected, rel=1e-13)
        third = derivative(derivative(derivative(f)))(x)[i]
        nested = scalar.derivative(lambda y: rules.UNARY[name](scalar.math, y)[2] or 0.0)(float(v))
        assert third == pytest.approx(nested, rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("name", sorted(set(rules.BINARY)))
def test_functions_of_two_agree_with_the_rule(name):
    f = ufunc_of(name)
    a, b = 1.3, 0.7
    _, fa, fb, faa, fab, fbb = (
        0.0 if d is None else d for d in rules.BINARY[name](scalar.math, a, b)
    )
    ours = grad(f, (0, 1))(a, b)
    np.testing.assert_allclose(ours, (fa, fb), rtol=1e-14)
    np.testing.assert_allclose(hessian(f, (0, 1))(a, b), ((faa, fab), (fab, fbb)), rtol=1e-13)


def test_every_rule_is_offered():
    assert {ufunc_of(name) for name in (*rules.UNARY, *rules.BINARY)} <= UFUNCS.keys()


values = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=7)


@given(values, st.integers(0, 6))
def test_sorting_and_picking_move_derivatives_with_values(x, at):
    """With ties: the derivative of each result is that of one element, of the same value."""
    x = np.array(x)
    order = np.argsort(x, kind="stable")
    np.testing.assert_array_equal(jac(np.sort, x), np.eye(len(x))[order])
    np.testing.assert_array_equal(jac(np.max, x), np.eye(len(x))[np.argmax(x)])
    np.testing.assert_array_equal(jac(lambda v: np.roll(v, at), x), np.roll(np.eye(len(x)), at, 0))
    running = jac(np.maximum.accumulate, x)
    np.testing.assert_array_equal(running @ x, np.maximum.accumulate(x))
    assert np.sum(running) == len(x)


def jac(f, x):
    return jacobian(f)(x)


@given(st.lists(st.floats(-2.0, 2.0), min_size=2, max_size=6), st.integers(0, 3))
def test_running_and_whole_products_agree(x, zero):
    x = np.array(x)
    x[zero % len(x)] = 0.0
    for f, g in ((lambda v: np.cumprod(v)[-1], np.prod), (lambda v: np.cumsum(v)[-1], np.sum)):
        np.testing.assert_allclose(grad(f)(x), grad(g)(x), rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(hessian(f)(x), hessian(g)(x), rtol=1e-13, atol=1e-15)


@given(st.integers(-4, 3), st.integers(-4, 4), st.sampled_from([None, 1, 2, -1, -2]))
def test_slices_of_derivatives_are_derivatives_of_slices(start, stop, step):
    y = dual(np.arange(12.0).reshape(4, 3))
    for index in (
        slice(start, stop, step),
        (slice(start, stop, step), 1),
        (start, None, slice(None, stop)),
    ):
        part = y[index]
        np.testing.assert_array_equal(part.value, y.value[index])
        for t, row in zip(part.tangents, y.tangents, strict=True):
            np.testing.assert_array_equal(t, row[index])
    assert isinstance(y[start], DualArray)
