"""Powers and angles at singular points and extreme scales: one convention in every variant of duals."""

import math as python_math
from functools import lru_cache

import mpmath
import numpy as np
import pytest

from adbench.dual import numpy as array
from adbench.dual import python as scalar
from adbench.dual import rules
from adbench.dual.numpy.arithmetic import NUMPY
from adbench.dual.python import math

INF, NAN = python_math.inf, python_math.nan

# Variables, then whatever is to come out: gradients, and Hessians row by row.
GRADIENTS = [
    ((0.0, 2.0), [0.0, 0.0]),
    ((-2.0, 2.0), [-4.0, NAN]),
    ((-2.0, 0.0), [0.0, NAN]),
    ((0.0, 1.0), [1.0, 0.0]),
    ((0.0, 0.5), [INF, 0.0]),
    ((0.0, 0.0), [0.0, -INF]),
    ((INF, -1.0), [0.0, 0.0]),
]
HESSIANS = [
    ((0.0, 3.0), [0.0, 0.0, 0.0, 0.0]),
    ((0.0, 2.0), [2.0, 0.0, 0.0, 0.0]),
    ((-2.0, 2.0), [2.0, NAN, NAN, NAN]),
    ((0.0, 1.0), [0.0, -INF, -INF, 0.0]),
]


def in_scalars(operator, f, x):
    return getattr(scalar, operator)(f)(list(x))


def in_arrays(operator, f, x):
    return getattr(array, operator)(f)(np.array(x))


def in_numba(operator, f, x, layout="S"):
    pytest.importorskip("numba")
    return compiled(operator, f, len(x), layout)(np.array(x))


@lru_cache
def compiled(operator, f, n, layout):
    from adbench.dual import numba

    return getattr(numba, operator)(f, n=n, layout=layout)


def in_numba_vectors(operator, f, x):
    return in_numba(operator, f, x, "V")


VARIANTS = [in_scalars, in_arrays, in_numba, in_numba_vectors]


def power(x):
    return x[0] ** x[1]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variable_exponent_leaves_the_bases_derivative_alone(variant):
    """As jax.grad: zero to a power has the limit's slopes, a negative base none in its exponent."""
    for x, expected in GRADIENTS:
        np.testing.assert_allclose(variant("grad", power, x), expected, err_msg=str(x))
    for x, expected in HESSIANS:
        h = np.ravel(variant("hessian", power, x))
        np.testing.assert_allclose(h, expected, err_msg=str(x))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_missing_slope_in_the_exponent_stays_with_the_exponent(variant):
    """Variables that the exponent does not depend on keep their derivatives, more than three too."""
    f = lambda x: x[0] ** x[1] + x[2] * x[3] + (-2.0) ** x[4]  # noqa: E731
    g = variant("grad", f, (-2.0, 3.0, 5.0, 7.0, 2.0))
    np.testing.assert_allclose(g, [12.0, NAN, 7.0, 5.0, NAN])


def test_elements_of_an_array_of_powers_do_not_disturb_each_other():
    f = lambda x: np.sum(x[:3] ** x[3:])  # noqa: E731
    g = array.grad(f)(np.array([-2.0, 0.0, 2.0, 2.0, 2.0, 3.0]))
    np.testing.assert_allclose(g, [-4.0, 0.0, 12.0, NAN, 0.0, 8.0 * python_math.log(2.0)])


def test_nested_scalar_duals_keep_the_same_slopes():
    """The second derivative of a^b in a by nesting, with b a variable of both calls."""
    inner = lambda v: scalar.grad(power)(v)[0]  # noqa: E731
    for x, expected in (((0.0, 2.0), 2.0), ((-2.0, 2.0), 2.0), ((0.0, 3.0), 0.0)):
        assert scalar.grad(inner)(list(x))[0] == expected
    angle = lambda v: math.atan2(v[0], v[1])  # noqa: E731
    nested = [scalar.grad(lambda v, i=i: scalar.grad(angle)(v)[i])([0.3, 0.7])
              for i in (0, 1)]  # fmt: skip
    np.testing.assert_allclose(nested, scalar.hessian(angle)([0.3, 0.7]), rtol=1e-14)


def test_powers_that_python_refuses_are_refused():
    for x, error in (((0.0, -1.0), ZeroDivisionError), ((1e200, 2.0), OverflowError)):
        with pytest.raises(error):
            scalar.grad(power)(list(x))


# Scales at which a^2 + b^2 is subnormal, zero, ordinary or infinite.
SCALES = [2.0**k for k in (-1000, -530, -500, 0, 500, 530, 1022)]
SHAPES = [(0.3, 0.7), (-0.8, 0.1), (0.5, -0.5000001), (-1.0, -1.0), (1.0, 1e-9), (1.3, 1.3)]


def slopes_in_digits(a, b):
    with mpmath.workdps(50):
        a, b = mpmath.mpf(a), mpmath.mpf(b)
        s = a * a + b * b
        cross, twist = (a * a - b * b) / s**2, 2 * a * b / s**2
        return [float(v) for v in (b / s, -a / s, -twist, cross, twist)]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("shape", SHAPES)
def test_slopes_of_an_angle_hold_at_every_scale(shape, scale):
    """Every digit but the last few, wherever the result is a normal number."""
    a, b = (scale * v for v in shape)
    expected = np.array(slopes_in_digits(a, b))
    normal = (np.abs(expected) > 1e-290) & np.isfinite(expected)
    for m, p, q in ((math, a, b), (NUMPY, np.float64(a), np.float64(b))):
        with np.errstate(all="ignore"):
            ours = np.array([float(v) for v in rules.BINARY["atan2"](m, p, q)[1:]])
        np.testing.assert_allclose(ours[normal], expected[normal], rtol=2e-15)
        assert np.all(np.isfinite(ours) | ~np.isfinite(expected))


ANGLES = {
    in_scalars: lambda x: math.atan2(x[0], x[1]),
    in_arrays: lambda x: np.arctan2(x[0], x[1]),
    in_numba: lambda x: python_math.atan2(x[0], x[1]),
}


@pytest.mark.parametrize("variant", ANGLES)
@pytest.mark.parametrize("scale", [2.0**-600, 2.0**600])
def test_the_gradient_of_an_angle_neither_underflows_nor_overflows(variant, scale):
    x = (0.3 * scale, -0.7 * scale)
    ours = variant("grad", ANGLES[variant], x)
    np.testing.assert_allclose(ours, slopes_in_digits(*x)[:2], rtol=1e-15)


# One text for all variants: scalar duals and Numba's take NumPy's functions too.
KINKS = {
    "abs": (lambda x: abs(x[0]) + np.absolute(x[1]), (0.0, -0.0), [1.0, 1.0]),
    "sqrt": (lambda x: np.sqrt(x[0]) + 0.0 * x[1], (0.0, 1.0), [INF, 0.0]),
    "cbrt": (lambda x: np.cbrt(x[0]) + x[1], (0.0, 1.0), [INF, 1.0]),
    "power zero": (lambda x: x[0] ** 0 + x[1] ** 0.0, (0.0, -1.0), [0.0, 0.0]),
    "maximum": (lambda x: np.maximum(x[0], x[1]), (1.0, 1.0), [1.0, 0.0]),
    "minimum": (lambda x: np.minimum(x[0], x[1]), (1.0, 1.0), [1.0, 0.0]),
    "steps": (lambda x: np.floor(x[0]) + np.sign(x[1]) * 2.0 + x[1], (2.0, 0.0), [0.0, 1.0]),
    "mod": (lambda x: x[0] % x[1], (-7.5, 2.0), [1.0, 4.0]),
    "logaddexp": (lambda x: np.logaddexp(x[0], x[1]), (-INF, 1.0), [0.0, 1.0]),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kink", KINKS)
def test_kinks_have_the_slopes_that_the_table_promises(variant, kink):
    f, x, expected = KINKS[kink]
    with np.errstate(all="ignore"):
        ours = variant("grad", f, x)
    np.testing.assert_array_equal(ours, expected)
