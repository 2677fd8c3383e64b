"""What an unmodified function may contain: sixty of them compile for duals and agree with differences.

Each is compiled once, in one of the two layouts; a dozen in both. Functions that cannot be compiled
are in test_dual_numba_errors.

PYTEST_DONT_REWRITE: one of them has an assertion, which Numba must see as it is written.
"""

import math
from collections import namedtuple
from types import ModuleType

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from numba import njit, prange  # noqa: E402

import adbench.dual.numba  # noqa: E402, F401  (registers the type)
from adbench.dual.numba.arrays import options_for_duals, prepared  # noqa: E402
from adbench.dual.numba.dual_type import DualType  # noqa: E402
from adbench.dual.numba.intrinsics import as_dual, dtype_of, seeder, tangents, value  # noqa: E402
from adbench.dual.numba.special import digamma, expit  # noqa: E402

K = 4
X = np.array([0.7, 1.3, 0.9, 0.4])
DATA = np.linspace(-0.9, 1.6, 11)


def passes(layout):
    """What seeds X and takes results apart, compiled once a layout."""
    ty = DualType(K, 1, layout)
    seed, dtype, dual = seeder(ty), dtype_of(ty), as_dual(ty)

    @njit
    def into(x):
        duals = np.empty(x.size, dtype())
        for i in range(x.size):
            duals[i] = seed(x[i], i)
        return duals

    @njit
    def out_of(y):
        d = dual(y)
        t = tangents(d)
        result = np.empty(K + 1)
        result[0] = value(d)
        for i in range(K):
            result[i + 1] = t[i]
        return result

    return into, out_of


PASSES = {layout: passes(layout) for layout in "SV"}


def value_and_gradient(f, layout, x, data, **options):
    into, out_of = PASSES[layout]
    inner = njit(error_model="numpy", **options)(prepared(f))

    @njit
    def driver(x, *data):
        return out_of(inner(into(x), *data))

    result = driver(x, *data)
    return result[0], result[1:]


def differences(f, x, data):
    """Value and gradient of the Python function by central differences of fourth order."""
    text = getattr(f, "py_func", f)
    gradient, h = np.empty(x.size), 1e-3
    for i in range(x.size):
        e = np.zeros(x.size)
        e[i] = h
        near = text(x + e, *data) - text(x - e, *data)
        far = text(x + 2 * e, *data) - text(x - 2 * e, *data)
        gradient[i] = (8 * near - far) / (12 * h)
    return text(x.copy(), *data), gradient


def agrees(f, layout, data=(), **options):
    v, g = value_and_gradient(f, layout, X, data, **options)
    expected_v, expected_g = differences(f, X, data)
    assert v == pytest.approx(expected_v, rel=1e-12)
    np.testing.assert_allclose(g, expected_g, rtol=1e-8, atol=1e-8)


# ---- control flow


def for_loop(x):
    total = 0.0
    for i in range(len(x)):
        total += (i + 1) * x[i] ** 2
    return total


def while_loop(x):
    term, total, k = 1.0, 1.0, 0
    while abs(term) > 1e-17 and k < 100:
        k += 1
        term *= x[0] * x[1] / k
        total += term
    return total


def break_continue_else(x):
    total = 0.0
    for i in range(10):
        if i % 2 == 1:
            continue
        if i > 6:
            break
        total += math.sin(x[i % 4] * i)
    else:
        total = -1.0
    return total


def branches(x):
    if x[0] > 1.0:
        y = x[0]
    elif x[1] > 1.0 and not x[2] < 0.0:
        y = x[1] * x[2]
    else:
        y = 0.0
    return y * x[3]


def ternaries(x):
    return (x[0] if x[1] > 1.0 else x[2]) * (2.0 if x[0] > 5.0 else x[3])


def early_return(x):
    for v in x:
        if v > 1.0:
            return v * v
    return 0.0


def early_return_of_a_number(x):
    if x[0] < 0.0:
        return 1
    return x[0] * x[1]


def chained_comparison(x):
    return x[0] if 0.0 < x[1] < 2.0 <= 3.0 else x[2]


def enumerate_and_zip(x, data):
    total = 0.0
    for i, (a, b) in enumerate(zip(x, data)):  # noqa: B905 (Numba's zip has no strict)
        total += i * a * b
    return total


def reversed_and_steps(x):
    total = 1.0
    for i in range(3, -1, -1):
        total = total * x[i] + 1.0
    for i in range(0, 4, 2):
        total -= x[i]
    return total


def match_of_integers(x):
    total = 0.0
    for i in range(4):
        if i == 0:
            total += x[i]
        elif i in (1, 3):
            total += x[i] ** 3
        else:
            total -= x[i]
    return total


def truth(x):
    y = x[0] if x[1] else x[2]
    return y * x[3] if not x[0] < 0.0 else 0.0


# ---- functions within functions

HALF = 0.5


@njit
def square(a):
    return a * a


@njit
def two(a, b, scale=2.0):
    return a * b * scale, a + b


@njit
def factorial_power(x, n):
    if n <= 0:
        return 1.0 * x
    return x * n * factorial_power(x, n - 1)


@njit("f8(f8)")
def of_fixed_signature(a):
    return a * a * a + 1.0


@njit
def own_table(x, n):
    table = np.zeros(n)
    for i in range(n):
        table[i] = x[i % 4] ** i
    return table


@njit
def nodes_of_floats(n):
    """Floats only: its array must stay one of floats, whose bits can be read as whole numbers."""
    table = np.zeros(n)
    for i in range(n):
        table[i] = 1.0 + i
    return table if table.view(np.int64)[0] > 0 else table[:0]


TOOLS = ModuleType("tools")
TOOLS.square, TOOLS.own_table = square, own_table


def helpers(x):
    return square(x[0]) * square(HALF * x[1]) + x[2]


def helper_with_default_and_keyword(x):
    a, b = two(x[0], x[1])
    c, d = two(x[2], x[3], scale=3.0)
    return a * b + c * d


def recursion(x):
    return factorial_power(x[0], 3) + x[1]


def helper_of_a_fixed_signature(x):
    return of_fixed_signature(x[0] * x[1])


def helper_that_makes_an_array(x):
    t = own_table(x, 6)
    return t[2] * t[5] + t[0]


def helper_of_floats_alone(x):
    nodes = nodes_of_floats(4)
    return nodes[1] * x[0] + nodes[3] * x[1] ** 2


def helpers_of_a_module(x):
    return TOOLS.square(x[0]) + TOOLS.own_table(x, 3)[2]


def _closure():
    shift = 0.25
    inner = njit(lambda a: a * shift)

    def closure(x):
        return inner(x[0]) * x[1] + shift

    return closure


closure = _closure()


def inner_function(x):
    def g(t):
        return t * x[1] + HALF

    return g(x[0]) * g(2.0)


def function_as_argument(x):
    def apply(f, t):
        return f(t) * 2.0

    return apply(math.sin, x[0]) + apply(square, x[1])


@njit
def of_any_number(*values):
    total = 0.0
    for v in values:
        total += v * v
    return total


def star_arguments(x):
    return of_any_number(x[0], x[1], x[2]) + of_any_number(x[3])


# ---- tuples, lists, named tuples

Point = namedtuple("Point", ["u", "v"])


def tuples(x):
    p = (x[0], x[1] * 2.0, 3.0)
    a, b, c = p
    return a * b * c + p[1] * len(p)


def tuple_that_changes(x):
    p = (0.0, 1.0)
    for v in x:
        p = (p[1], p[0] * v + p[1])
    return p[0] * p[1]


def named_tuples(x):
    p = Point(x[0], x[1])
    q = Point(p.v * x[2], p.u)
    return q.u + p.u * q.v


def lists(x):
    values = [x[0], 2.0, x[1] * x[2]]
    values.append(x[3])
    total = 0.0
    for v in values:
        total += v * v
    return total + len(values)


def list_comprehension(x):
    return sum([v * v for v in x]) + max([x[0], x[1]])


def nested_lists(x):
    rows = [[x[0], x[1]], [x[2], x[3]]]
    return rows[0][0] * rows[1][1] - rows[0][1] * rows[1][0]


def sorted_list(x):
    values = [x[0], x[1], x[2]]
    for i in range(3):
        for j in range(2, i, -1):
            if values[j] < values[j - 1]:
                values[j], values[j - 1] = values[j - 1], values[j]
    return values[0] + 2.0 * values[1] + 3.0 * values[2]


def swap(x):
    a, b = x[0], x[1]
    a, b = b, a * b
    return a / b + math.atan2(a, b)


# ---- arrays


def zeros_without_dtype(x):
    y = np.zeros(len(x))
    for i in range(1, len(x)):
        y[i] = y[i - 1] + x[i] * x[i - 1]
    return y[-1]


def makers_of_arrays(x):
    a, b = np.ones((2, 2)), np.full(3, 2.0)
    c, d = np.empty(2), np.zeros(2, dtype=np.float64)
    a[0, 1] = x[0]
    b[1] *= x[1]
    c[0], c[1] = x[2], 5.0
    d[1] = x[3] * c[1]
    return a.sum() * b[1] + b[0] * c[0] + np.sum(d)


def makers_like_another(x, data):
    a, b, c = np.zeros_like(data), np.empty_like(x), np.full_like(x, 2.0)
    for i in range(len(data)):
        a[i] = data[i] * x[i % 4]
    for i in range(len(x)):
        b[i] = x[i] * c[i]
    return np.dot(a, a) + b.sum()


def counts_stay_whole(x):
    counts = np.zeros(4, np.int64)
    for v in x:
        counts[int(2.0 * v)] += 1
    return x[counts[0]] * counts[1] + x[counts.argmax()]


def dtype_of_x(x):
    y = np.empty(3, dtype=x.dtype)
    y[:] = 1.0
    y[1] = x[1]
    return y[0] * x[0] + y[1] * y[2]


def array_literal(x):
    y = np.array([x[0], 2.0 * x[1], 1.0])
    m = np.array([[x[0], x[1]], [x[2], 1.0]])
    t = np.array((x[0], 1.0, x[3]))
    return y.sum() + m[0, 0] * m[1, 0] + t[0] * t[2] + m[1].sum()


def slices(x):
    y = x.copy()
    y[1:3] = x[0:2] * 2.0
    y[::2] += 1.0
    y[-1] = 3.0
    return (y[1:] * x[:-1]).sum() + y[0]


def two_axes(x):
    m = x.reshape(2, 2)
    n = np.empty((2, 3), x.dtype)
    n[:, 0] = m[0]
    n[:, 1:] = m
    return m.T[0, 1] * n[1, 2] + n.sum() + (m * m).max() + n.shape[1] * n[0].sum()


def sums_over_an_axis(x):
    m = x.reshape(2, 2)
    return m.sum(axis=0)[1] * m.sum(1)[0] + np.sum(m, axis=-1)[1]


def array_expressions(x, data):
    model = np.exp(-x[0] * data) * np.cos(data / x[1]) + x[2] ** 2 - x[3]
    return ((model - data) ** 2 / (1.0 + data * data)).sum()


def in_place_arrays(x):
    y = x.copy()
    y += 2.0
    y *= x
    y **= 2
    return y.sum()


def reductions(x):
    return (
        x.sum() * x.mean() + np.prod(x) + x.max() * np.min(x) + np.var(x) + x.std()
        + np.cumsum(x)[2] + np.ptp(x) + np.diff(x)[1] + x.cumsum()[1] + np.cumprod(x)[2]
    )  # fmt: skip


def products(x, data):
    m = np.ones((4, 4)) * x
    w = data[:4]
    return np.dot(x, w) + (m @ x)[1] * (x @ m)[2] + (m @ m)[0, 3] + np.outer(x, w)[1, 2]


def masks(x):
    y = np.where(x > 0.8, x * x, 0.5)
    chosen = x[x < 1.0]
    return y.sum() + chosen.sum() + (x > 0.5).sum() * x[0]


def choices(x):
    a = np.where(x[0] > 0.5, x[1], 2.0) * np.maximum(x[2], 1.0) + np.minimum(x, 0.8).sum()
    return a + np.clip(x[3], 0.0, 1.0) + np.clip(x, 0.5, 1.0).sum() + min(x[0], x[1], 3.0)


def joined(x):
    y = np.concatenate((x[:2], x[1:]))
    return y[4] * y[0] + np.append(x, x)[5] + np.linspace(0.0, x[0], 5)[2] + np.sort(x)[1]


def interpolation(x, data):
    return np.interp(x[0], data, data * data) + np.interp(0.3, data[:4], x) * x[1]


def trapezes(x, data):
    return np.trapezoid(np.exp(x[0] * data), data) + np.trapezoid(x) * x[1]


def comprehension_of_arrays(x):
    y = np.array([v * v for v in x])
    return y.sum() + y[1]


def iteration_over_axes(x):
    total = 0.0
    for row in x.reshape(2, 2):
        for v in row:
            total += v * v
    for index, v in np.ndenumerate(x.reshape(2, 2)):
        total += v * (index[0] + 2 * index[1])
    return total


# ---- functions of numbers


def elementary(x):
    a = math.log2(x[0]) + np.log10(x[1]) + np.cbrt(x[2]) + math.lgamma(x[3]) + math.asinh(x[0])
    b = math.acosh(x[1]) + np.arctanh(x[3]) + math.erf(x[0]) * math.erfc(x[1]) + math.expm1(x[2])
    return a * b + np.logaddexp(x[0], x[1]) + math.hypot(x[2], x[3]) + np.log1p(x[0])


def our_special_functions(x):
    return digamma(x[0]) * expit(x[1]) + digamma(-x[2] + 0.5) + math.lgamma(x[3] - 2.0)


def other_names(x):
    a = np.square(x[0]) + np.reciprocal(x[1]) + np.exp2(x[2]) + math.radians(x[3])
    return a + np.deg2rad(x[0]) * np.degrees(x[1]) + np.float_power(x[2], 1.5) + pow(x[0], 3)


def remainders(x):
    q, r = divmod(7.3 * x[1], x[0])
    return 5.0 % x[0] + (9.0 * x[1]) % 2.0 + r * q + (4.0 * x[2]) // 1.0 * x[3] + np.mod(x[1], x[3])


def steps(x):
    y = math.floor(3.7 * x[0]) + math.ceil(x[1]) + round(x[2]) + int(4.0 * x[3]) + np.sign(-x[0])
    return y * x[1] + math.trunc(2.5 * x[1]) * x[0] + np.floor(x[1]) * x[2] + round(x[0], 1) * x[3]


def conversions(x):
    return float(x[0]) * x[int(x[1])] + bool(x[2]) * x[3] + float(3)


def signs(x):
    return math.copysign(x[0], -x[1]) + abs(x[2] - 2.0) * np.abs(x[3]) + math.fabs(-x[1])


def powers(x):
    total = x[0] ** 0.5 + 2.0 ** x[1] + x[2] ** x[3] + x[0] ** -2
    for i in range(3):
        total += x[1] ** i
    total **= 2
    return total


def infinities(x):
    best = np.inf
    for v in x:
        if not math.isnan(v) and math.isfinite(v):
            best = min(best, v * v)
    return best


# ---- what does not compute


def assertions(x):
    assert x[0] > 0.0, "positive"
    return x[0] * x[1]


def raises(x):
    if x[0] < 0.0:
        raise ValueError("negative")
    return math.sqrt(x[0])


def tries(x):
    y = x[0]
    try:
        if x[1] > 1.0:
            raise ValueError
    except Exception:
        y = y * x[1]
    return y


# ---- parallel loops


def parallel_sum(x, data):
    total = 0.0
    for i in prange(len(data)):
        total += math.exp(x[0] * data[i]) * x[1]
    return total


def parallel_product_of_inner_loops(x, data):
    total = 1.0
    for i in prange(len(data)):
        y = data[i] * x[2]
        for j in range(3):
            y = y * y * x[j]
        total *= 1.0 + y
    return total


def parallel_writing(x, data):
    out = np.zeros(len(data))
    for i in prange(len(data)):
        out[i] = math.sin(x[0] * data[i]) * x[1]
    return out.sum() + (x * 2.0).sum()


IN_PARALLEL = [parallel_sum, parallel_product_of_inner_loops, parallel_writing]

PLAIN = [
    for_loop, while_loop, break_continue_else, branches, ternaries, early_return,
    early_return_of_a_number, chained_comparison, reversed_and_steps, match_of_integers, truth,
    helpers, helper_with_default_and_keyword, recursion, helper_of_a_fixed_signature,
    helper_that_makes_an_array, helper_of_floats_alone, helpers_of_a_module, closure,
    inner_function, function_as_argument, star_arguments, tuples, tuple_that_changes, named_tuples,
    lists, list_comprehension, nested_lists, sorted_list, swap, zeros_without_dtype,
    makers_of_arrays, counts_stay_whole, dtype_of_x, array_literal, slices, two_axes,
    sums_over_an_axis, in_place_arrays, reductions, masks, choices, joined,
    comprehension_of_arrays, iteration_over_axes, elementary, our_special_functions, other_names,
    remainders, steps, conversions, signs, powers, infinities, assertions, raises, tries,
]  # fmt: skip
OVER_DATA = [
    enumerate_and_zip, makers_like_another, array_expressions, products, interpolation, trapezes,
]  # fmt: skip
IN_BOTH = {
    while_loop, branches, ternaries, early_return, recursion, named_tuples, tuple_that_changes,
    lists, zeros_without_dtype, array_expressions, steps, powers,
}  # fmt: skip
IN_V = {slices, two_axes, joined, in_place_arrays, products}  # long to compile in S


def cases():
    functions = [*PLAIN, *OVER_DATA]
    layouts = {f: "V" if f in IN_V else "SV"[i % 2] for i, f in enumerate(functions)}
    layouts |= dict.fromkeys(IN_BOTH, "SV")
    return [
        pytest.param(f, layout, id=f"{f.__name__}-{layout}")
        for f in functions
        for layout in layouts[f]
    ]


def test_there_are_sixty():
    assert len({*PLAIN, *OVER_DATA, *IN_PARALLEL}) >= 60


@pytest.mark.parametrize(("f", "layout"), cases())
def test_an_unmodified_function_compiles_for_duals(f, layout):
    """Value and derivatives agree with what Python computes of the same text."""
    agrees(f, layout, (DATA,) if f in OVER_DATA else ())


@pytest.mark.filterwarnings("ignore::numba.core.errors.NumbaPerformanceWarning")
@pytest.mark.parametrize(("f", "layout"), [*zip(IN_PARALLEL, "SVV", strict=True)])
def test_parallel_loops_compile_for_duals(f, layout):
    """Reductions over duals and writing arrays of them; array expressions stay in one thread."""
    agrees(f, layout, (DATA,), **options_for_duals(f, {"parallel": True}))
