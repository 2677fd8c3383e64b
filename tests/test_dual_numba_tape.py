"""Reverse mode in Numba: agreement with forward duals, growth, bounds, threads, exceptions."""

import concurrent.futures
import math
import sys

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from adbench.dual.numba import tape, tape_memory  # noqa: E402
from adbench.dual.numba.compiling import UnsupportedFunctionError  # noqa: E402
from adbench.dual.numba.drivers import grad  # noqa: E402
from adbench.dual.numba.dual_type import DualType  # noqa: E402

X = np.array([0.7, 1.3, 0.4, 2.1])


@numba.njit
def helper(a, b):
    return a * b + math.sin(a)


def arithmetic(x):
    return x[0] + x[1] * x[2] - x[0] / x[3] + 2.0 * x[2] - 3 / x[1] - x[2] / 4 - (1 - x[0])


def powers(x):
    return x[0] ** 2 + x[1] ** 3 + x[2] ** -2 + x[3] ** 0.5 + x[0] ** x[1] + 2.0 ** x[2] + x[3] ** 1


def elementary(x):
    return (
        math.exp(x[0] * x[1]) * math.log(x[3])
        + math.atan2(x[0], x[2])
        + math.hypot(x[1], 2.0)
        + math.erf(x[0]) * math.tanh(x[3])
        - math.sqrt(x[2])
    )


def branches(x):
    total = 0.0
    for i in range(x.size):
        total += x[i] * x[i] if x[i] > 1.0 else -x[i]
    return max(total, x[0]) + min(x[1], x[2]) + abs(x[3] - 5.0)


def array_expression(x):
    y = np.exp(-x * x) + 3.0 * x
    return np.sum(y * x) / x.size


def with_helper(x):
    total = x[0]
    for i in range(1, x.size):
        total = helper(total, x[i])
    return total


def local_array(x):
    y = np.empty_like(x)
    for i in range(x.size):
        y[i] = x[i] * x[x.size - 1 - i]
    return y[0] * y[1] + y[2]


def while_loop(x):
    term, total, k = x[0], x[0], 1
    while abs(term) > 1e-12:
        term *= -x[0] * x[0] / ((2 * k) * (2 * k + 1))
        total += term
        k += 1
    return total * x[1]


def early_return(x):
    if x[0] > 100.0:
        return 1.0
    return x[0] * x[3]


def unused(x):
    lost = math.log(x[0]) * x[1]
    if lost > 1e9:
        return lost
    return x[2] * x[3] + x[2]


def same_twice(x):
    y = x[1]
    z = +y
    return y * y - z * y + y + y


def product(x):
    total = 1.0
    for v in x:
        total *= v
    return total


FUNCTIONS = [
    arithmetic, powers, elementary, branches, array_expression, with_helper, local_array,
    while_loop, early_return, unused, same_twice, product,
]  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_agrees_with_forward_duals(f):
    value, g = tape.tape_value_and_grad(f)(X)
    assert value == pytest.approx(f(X), rel=1e-14)
    np.testing.assert_allclose(g, grad(f, n=4, layout="S")(X), rtol=1e-13, atol=1e-15)


def test_strict_value_is_that_of_the_function_bit_for_bit():
    value, _ = tape.tape_value_and_grad(elementary, strict=True)(X)
    assert value == numba.njit(error_model="numpy")(elementary)(X)


# ---- growth and its bound


def rosenbrock(x):
    total = 0.0
    for i in range(x.size - 1):
        a = 1.0 - x[i]
        b = x[i + 1] - x[i] * x[i]
        total += a * a + 100.0 * b * b
    return total


def rosenbrock_gradient(x):
    g = np.zeros_like(x)
    b = x[1:] - x[:-1] ** 2
    g[:-1] = -2.0 * (1.0 - x[:-1]) - 400.0 * x[:-1] * b
    g[1:] += 200.0 * b
    return g


ROSENBROCK, VALUE = tape.tape_value_and_grad(rosenbrock), numba.njit(rosenbrock)


@pytest.mark.parametrize("n", [1, 2, 10, 1000, 100_000])
def test_any_number_of_variables(n):
    x = np.random.default_rng(n).normal(size=n)
    value, g = ROSENBROCK(x)
    assert value == pytest.approx(VALUE(x), rel=1e-12)
    np.testing.assert_allclose(g, rosenbrock_gradient(x), rtol=1e-11, atol=1e-9)


def logistic(x, steps):
    y = x
    for _ in range(steps):
        y = 3.7 * y * (1.0 - y)
    return y


def logistic_slope(x, steps):
    y, slope = x, 1.0
    for _ in range(steps):
        slope *= 3.7 * (1.0 - 2.0 * y)
        y = 3.7 * y * (1.0 - y)
    return slope


LOGISTIC = tape.tape_grad(logistic, strict=True, max_bytes=32 * 4)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 60), st.floats(0.1, 0.9))
def test_what_depends_on_one_number_is_not_recorded(steps, x):
    """The bound leaves room for the result alone."""
    assert LOGISTIC(x, steps) == pytest.approx(logistic_slope(x, steps), rel=1e-9)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)), max_size=40))
def test_any_graph_agrees_with_forward_duals(operations):
    """Operations on a line of ten numbers, of which four are variables and two constants."""
    steps = np.array(operations or [(0, 0, 0)], dtype=np.intp)
    expected = GRAPH_FORWARD(X, steps)
    np.testing.assert_allclose(GRAPH_TAPE(X, steps), expected, atol=1e-10 * np.abs(expected).max())


def graph(x, steps):
    line = np.empty(10, x.dtype)
    for i in range(10):
        line[i] = x[i % 4] if i < 8 else 0.5 * i
    for j in range(steps.shape[0]):
        a, b, which = steps[j, 0], steps[j, 1], steps[j, 2]
        if which == 0:
            line[a] = line[a] - line[b]
        elif which == 1:
            line[a] = line[a] * line[b] / (1.0 + line[b] * line[b])
        elif which == 2:
            line[a] = math.sin(line[b])
        else:
            line[a] = math.atan2(line[a], 1.0 + line[b] * line[b])
    total = 0.0
    for v in line:
        total += v
    return total


GRAPH_TAPE, GRAPH_FORWARD = tape.tape_grad(graph), grad(graph, layout="S")


def count_entries(x, c, operations):
    y = x
    for _ in range(operations):
        y = y + c
    return y


@pytest.mark.parametrize(
    "entries",
    [tape_memory.FIRST_ENTRIES + d for d in (-2, -1, 0, 1)]
    + [3 * tape_memory.FIRST_ENTRIES + d for d in (-2, -1, 0, 1)]
    + [1_500_000],
)
def test_growth_at_every_edge_of_a_segment(entries):
    """The product, and the entry of the result itself, on either side of an edge."""
    tape.free_idle_tapes()
    for _ in range(2):  # with new segments, then with those of the first call
        assert COUNTED(1.5, 0.5, entries) == (1.0, entries)
    assert COUNTED(2.5, 0.5, 3) == (1.0, 3.0)


COUNTED = tape.tape_grad(count_entries, (0, 1))


def test_the_bound_is_named_and_the_next_call_works():
    bound = 2 * 40 + 32 * 100  # two variables, 99 operations, the result
    bounded = tape.tape_grad(count_entries, (0, 1), max_bytes=bound)
    assert bounded(1.5, 0.5, 99) == (1.0, 99.0)
    for operations in (100, 101, 5000, 100_000):
        with pytest.raises(MemoryError, match=rf"max_bytes = {bound}.*forward mode"):
            bounded(1.5, 0.5, operations)
        assert bounded(1.5, 0.5, 99) == (1.0, 99.0)
        assert COUNTED(1.5, 0.5, 10_000) == (1.0, 10_000.0)


def test_a_bound_below_the_variables_is_an_error_too():
    bounded = tape.tape_grad(rosenbrock, max_bytes=32 * 10)
    with pytest.raises(MemoryError, match="max_bytes"):
        bounded(np.ones(10))
    with pytest.raises(ValueError, match="expected at least 72"):
        tape.tape_grad(rosenbrock, max_bytes=71)


def test_the_bound_holds_for_kept_segments_as_well():
    assert COUNTED(1.5, 0.5, 500_000) == (1.0, 500_000.0)
    bounded = tape.tape_grad(count_entries, (0, 1), max_bytes=32 * 2101)
    with pytest.raises(MemoryError, match="max_bytes"):
        bounded(1.5, 0.5, 3000)


# ---- memory: nothing lost, little kept


@pytest.fixture
def live():
    """How many allocations of Numba's run time are alive, after idle tapes are freed."""
    from numba.core.runtime import _nrt_python as nrt
    from numba.core.runtime import rtsys

    was_on = nrt.memsys_stats_enabled()
    nrt.memsys_enable_stats()

    def count():
        tape.free_idle_tapes()
        stats = rtsys.get_allocation_stats()
        return stats.alloc - stats.free

    yield count
    if not was_on:
        nrt.memsys_disable_stats()


def fails(x, data, limit):
    total = 0.0
    for i in range(x.size):
        total += x[i] * data[i]
        if i == limit:
            raise ValueError("told to")
    return total


def test_an_exception_goes_through_and_leaves_nothing(live):
    g = tape.tape_grad(fails)
    x, data = np.arange(3000.0), np.ones(3000)
    np.testing.assert_array_equal(g(x, data, -1), data)
    before, references = live(), sys.getrefcount(data)
    for limit in (0, 1500, 2999):
        with pytest.raises(ValueError, match="told to"):
            g(x, data, limit)
        assert live() == before
    assert sys.getrefcount(data) == references
    np.testing.assert_array_equal(g(x, data, -1), data)


def test_nothing_is_lost_when_the_bound_is_reached(live):
    def cumulated(x, data):
        out = np.empty_like(x)
        total = 0.0
        for i in range(x.size):
            total += x[i] * data[i]
            out[i] = total
        return out

    vjp = tape.tape_vjp(cumulated, 0, max_bytes=72 * 700)
    x = np.ones(200)
    vjp((x, x), x)
    before = live()
    for _ in range(3):
        with pytest.raises(MemoryError):
            vjp((np.ones(1000), np.ones(1000)), np.ones(1000))
        with pytest.raises(ValueError, match="another shape"):
            vjp((x, x), np.ones(7))
    assert live() == before


def test_idle_tapes_are_used_again_and_can_be_freed(live):
    live()
    x = np.ones(1000)
    ROSENBROCK(x)
    kept = tape.free_idle_tapes()
    assert kept > 3000 * 24
    for _ in range(5):
        ROSENBROCK(x)
    assert tape.free_idle_tapes() == kept
    assert tape.free_idle_tapes() == 0


def test_a_large_tape_is_not_kept():
    tape.free_idle_tapes()
    assert COUNTED(1.5, 0.5, 3_000_000) == (1.0, 3_000_000.0)
    assert tape.free_idle_tapes() == 0


# ---- threads, nesting, parallel loops


def test_threads_do_not_meet():
    """More threads than idle tapes are kept for, on the same compiled function."""
    points = [np.random.default_rng(i).normal(size=200 + 50 * i) for i in range(12)]
    expected = [rosenbrock_gradient(x) for x in points]
    ROSENBROCK(points[0])

    def work(i):
        return all(
            np.allclose(ROSENBROCK(points[i])[1], expected[i], rtol=1e-11, atol=1e-9)
            for _ in range(50)
        )

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        assert all(pool.map(work, range(12)))


def test_threads_that_fail_beside_threads_that_do_not():
    g = tape.tape_grad(fails)
    x, data = np.arange(3000.0), np.ones(3000)
    g(x, data, -1)

    def work(i):
        if i % 2:
            with pytest.raises(ValueError, match="told to"):
                g(x, data, 2000)
            return True
        return np.array_equal(g(x, data, -1), data)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(100)))


def test_usable_in_compiled_code():
    g = tape.tape_grad(rosenbrock)

    @numba.njit
    def descend(x):
        for _ in range(3):
            x = x - 1e-4 * g(x)
        return x

    x = expected = np.full(20, 0.5)
    for _ in range(3):
        expected = expected - 1e-4 * rosenbrock_gradient(expected)
    np.testing.assert_allclose(descend(x), expected, rtol=1e-13)


def test_a_gradient_inside_a_function_that_is_differentiated():
    """The inner one, of numbers that are constant to the outer, has a tape of its own."""
    inner = tape.tape_grad(rosenbrock)

    def outer(x, c):
        total = x[0] * x[1]
        for v in inner(c):
            total += v * x[0]
        return total * x[1]

    x, c = np.array([1.5, -0.5]), np.linspace(0.0, 1.0, 2000)
    s = rosenbrock_gradient(c).sum()
    expected = [x[1] ** 2 + s * x[1], 2 * x[0] * x[1] + s * x[0]]
    np.testing.assert_allclose(tape.tape_grad(outer)(x, c), expected, rtol=1e-11)


def test_a_tape_within_a_tape_is_refused():
    inner = tape.tape_grad(rosenbrock)
    with pytest.raises(UnsupportedFunctionError, match="differentiates once"):
        tape.tape_grad(lambda x: np.sum(inner(x)))(X)


@numba.njit
def _parallel_body(x):
    total = 0.0
    for i in numba.prange(x.size):
        total += x[i] * x[i]
    return total


def test_a_function_s_own_prange_is_a_plain_loop():
    for f in (_parallel_body.py_func, numba.njit(parallel=True)(_parallel_body.py_func)):
        np.testing.assert_array_equal(tape.tape_grad(f)(X), 2.0 * X)


def test_a_parallel_helper_is_refused():
    parallel = numba.njit(parallel=True)(_parallel_body.py_func)

    def f(x):
        return parallel(x) * x[0]

    with pytest.raises(UnsupportedFunctionError, match=r"records one thread.*forward mode"):
        tape.tape_grad(f)(X)


# ---- arguments and results


def test_arguments_of_every_kind():
    def f(a, w, pair, n, name):
        total = a * n
        for i in range(w.shape[0]):
            for j in range(w.shape[1]):
                total += w[i, j] * pair[0] * pair[1][j]
        return total if name == "all" else 0.0 * total

    w, row = np.arange(6.0).reshape(2, 3), np.array([1.0, -2.0, 0.5])
    args = (2.0, w, (3.0, row), 4, "all")
    value, (da, dw, (d0, d1)) = tape.tape_value_and_grad(f, (0, 1, 2))(*args)
    sums = w.sum(axis=0)
    assert value == 8.0 + 3.0 * sums @ row
    assert da == 4.0
    np.testing.assert_array_equal(dw, 3.0 * np.array([row, row]))
    assert d0 == sums @ row
    np.testing.assert_array_equal(d1, 3.0 * sums)
    np.testing.assert_array_equal(tape.tape_grad(f, 1)(*args), dw)
    # the transpose is not contiguous; its gradient has its shape
    swapped = (2.0, np.asfortranarray(w), (3.0, row), 4, "all")
    np.testing.assert_array_equal(tape.tape_grad(f, 1)(*swapped), dw)


def test_whole_numbers_are_taken_as_floats():
    np.testing.assert_array_equal(tape.tape_grad(_parallel_body)(np.arange(4)), 2.0 * np.arange(4))


def test_vjp_of_a_function_that_returns_an_array():
    def f(a, s):
        out = np.empty_like(a)
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                out[i, j] = math.exp(a[i, j]) * s + a[0, 0]
        return out

    a, v = np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([[1.0, -2.0], [0.5, 3.0]])
    value, (da, ds) = tape.tape_vjp(f)((a, 2.0), v)
    np.testing.assert_allclose(value, np.exp(a) * 2.0 + a[0, 0], rtol=1e-15)
    expected = v * np.exp(a) * 2.0
    expected[0, 0] += v.sum()
    np.testing.assert_allclose(da, expected, rtol=1e-14)
    assert ds == pytest.approx(np.sum(v * np.exp(a)), rel=1e-14)


def test_vjp_of_what_returns_its_argument_a_number_or_a_constant():
    x, v = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    value, (g,) = tape.tape_vjp(lambda x: x)((x,), v)
    np.testing.assert_array_equal(value, x)
    np.testing.assert_array_equal(g, v)
    value, (g,) = tape.tape_vjp(lambda x: x[0] * x[1])((x,), 2.0)
    assert value == 2.0
    np.testing.assert_array_equal(g, [4.0, 2.0])
    value, (g,) = tape.tape_vjp(lambda x: np.ones(2))((x,), v)
    np.testing.assert_array_equal(value, [1.0, 1.0])
    np.testing.assert_array_equal(g, [0.0, 0.0])


def test_an_operation_that_numba_lacks_is_named():
    with pytest.raises(UnsupportedFunctionError, match="fft"):
        tape.tape_grad(lambda x: np.fft.fft(x)[0])(X)


def test_results_that_cannot_be_swept():
    with pytest.raises(UnsupportedFunctionError, match=r"the function returns .*a number or"):
        tape.tape_grad(lambda x: (x[0], x[1]))(X)
    with pytest.raises(UnsupportedFunctionError, match="a cotangent like it"):
        tape.tape_grad(lambda x: x)(X)
    with pytest.raises(TypeError, match="argnums="):
        tape.tape_vjp(lambda *x: x[0])


def test_a_dual_on_a_tape_is_of_first_order():
    with pytest.raises(ValueError, match="a tape has 1 and 1"):
        DualType(2, 1, "R")


# ---- zeros and infinities


def test_what_the_result_does_not_depend_on_is_not_seen():
    """Neither when the lost number was recorded with infinite slopes, nor when it was not."""

    def lost(x):
        root = math.sqrt(x[0])
        y = root * x[2]
        return x[1] if y < 1.0 else y + root

    np.testing.assert_array_equal(tape.tape_grad(lost)(np.array([0.0, 3.0, 0.5])), [0.0, 1.0, 0.0])

    def f(x):
        root = math.sqrt(x[0])
        if root > 1.0:
            return root
        return max(x[1] * 2.0, root - 10.0)

    np.testing.assert_array_equal(tape.tape_grad(f)(np.array([0.0, 3.0])), [0.0, 2.0])


def test_zero_times_an_infinite_slope_is_nan_as_in_forward_mode():
    """The square of a root has slope 1 at 0, which neither mode can know: not 0, as if it were flat."""

    def f(x):
        root = math.sqrt(x[0])
        return root * root + x[1]

    x = np.array([0.0, 3.0])
    for g in (tape.tape_grad(f)(x), grad(f, layout="S")(x)):
        assert math.isnan(g[0])
    assert tape.tape_grad(f)(x)[1] == 1.0

    def recorded(x):
        y = math.sqrt(x[0]) * x[1]  # an entry with an infinite slope
        return y * y

    assert math.isnan(tape.tape_grad(recorded)(x)[0])


def test_a_constant_exponent_does_not_see_the_logarithm_of_a_negative_base():
    def f(x):
        p = 2.0
        if x[1] > 100.0:
            p = x[1]
        return x[0] ** p + x[1]

    np.testing.assert_array_equal(tape.tape_grad(f)(np.array([-3.0, 1.0])), [-6.0, 1.0])


def test_a_slope_of_zero_wins_over_an_infinite_one():
    def norm(x):
        return math.sqrt(x[0] * x[0] + x[1] * x[1])

    def root_of_product(x):
        return (x[0] * x[1]) ** 0.5

    np.testing.assert_array_equal(tape.tape_grad(norm)(np.zeros(2)), [0.0, 0.0])
    g = tape.tape_grad(root_of_product)(np.array([0.0, 3.0]))
    np.testing.assert_array_equal(g, [math.inf, 0.0])


def test_infinite_slopes_come_out():
    assert tape.tape_grad(lambda x: math.sqrt(x))(0.0) == math.inf
