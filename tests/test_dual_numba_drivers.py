"""What users call for Numba: variables of every structure, sizes, layouts, `out`, calls in compiled code."""

import math

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from numba.core import event  # noqa: E402  (needs numba)
from numba.core.runtime import _nrt_python as _nrt  # noqa: E402
from numba.core.runtime import rtsys  # noqa: E402

from adbench.dual import numba as dual  # noqa: E402
from adbench.dual.numba import choice  # noqa: E402

TIGHT = 1e-13


def compilations(do):
    """How many functions Numba began to compile while it did a thing."""
    with event.install_recorder("numba:compile") as recorder:
        do()
    return sum(e.is_start for _, e in recorder.buffer)


def chain(x):
    """Rosenbrock's, of any number of variables."""
    total = 0.0
    for i in range(len(x) - 1):
        d = x[i + 1] - x[i] * x[i]
        total += 100.0 * d * d + (1.0 - x[i]) ** 2
    return total + x[0]


def slopes_of_chain(x):
    g = np.zeros(len(x))
    d = x[1:] - x[:-1] ** 2
    g[:-1] = -400.0 * x[:-1] * d - 2.0 * (1.0 - x[:-1])
    g[1:] += 200.0 * d
    g[0] += 1.0
    return g


def energy(a, m, t, scale):
    """Of a number, a matrix, a tuple of a line and a number, and a constant."""
    line, c = t
    total = a * a * c
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            total += scale * m[i, j] * m[i, j] * line[i] * (j + 1.0)
    return total


POINT = (1.5, np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), (np.array([0.5, 0.25]), 2.0), 3.0)


def slopes_of_energy():
    a, m, (line, c), scale = POINT
    weights = np.arange(1.0, 4.0)
    by_line = scale * (m * m * weights).sum(axis=1)
    return 2 * a * c, 2 * scale * m * line[:, None] * weights, (by_line, a * a), None


# ---- structure of the variables


@pytest.fixture(scope="module")
def by_all():
    return dual.value_and_grad(energy, argnums=(2, 0, 1), layout="V")


def test_a_gradient_is_structured_as_its_variables(by_all):
    """Numbers, matrices and tuples of them, in the order of argnums; constants are left alone."""
    value, (by_t, by_a, by_m) = by_all(*POINT)
    expected = slopes_of_energy()
    assert value == pytest.approx(energy(*POINT), rel=TIGHT)
    assert by_a == expected[0]
    np.testing.assert_allclose(by_m, expected[1], rtol=TIGHT)
    np.testing.assert_allclose(by_t[0], expected[2][0], rtol=TIGHT)
    assert by_t[1] == expected[2][1]


def test_out_takes_a_structure_too(by_all):
    """Where every leaf is an array."""
    g = dual.grad(lambda a, m: (a * m[0] * m[1]).sum(), (0, 1), layout="V")
    a, m = np.array([1.0, 2.0]), np.array([[3.0, 4.0], [5.0, 6.0]])
    out = (np.zeros(2), np.zeros((2, 2), order="F"))
    result = g(a, m, out=out)
    np.testing.assert_array_equal(out[0], m[0] * m[1])
    np.testing.assert_array_equal(out[1], [a * m[1], a * m[0]])
    np.testing.assert_array_equal(result[1], out[1])


@pytest.mark.parametrize("argnum", [1, -3])
def test_argnums_names_one_argument(argnum):
    g = dual.grad(energy, argnum, layout="S")
    np.testing.assert_allclose(g(*POINT), slopes_of_energy()[1], rtol=TIGHT)
    assert g(*POINT).shape == (2, 3)


def test_a_number_has_a_number_for_its_gradient():
    g = dual.grad(lambda a, b: a**3 * b)
    assert g(2.0, 5.0) == 60.0
    assert g(2, 5) == 60.0  # whole numbers are taken as floats
    assert type(g(2, 5)) is float


def test_scattered_transposed_and_whole_arrays_are_read_as_numpy_would():
    g = dual.grad(lambda m: m[0, 1] * m[1, 0] * m[1, 0], layout="S")
    m = np.array([[1, 2], [3, 4]])
    expected = [[0.0, 9.0], [12.0, 0.0]]
    for same in (m, m.astype(np.float32), np.asfortranarray(m), np.repeat(m, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(g(same), expected)
        assert g(same).flags.c_contiguous


def test_an_array_without_dimensions_is_a_variable():
    g = dual.grad(lambda a: a[()] * a[()], layout="S")
    result = g(np.array(3.0))
    assert result.shape == ()
    assert result == 6.0


@pytest.mark.parametrize(
    ("argnums", "error", "told"),
    [
        (4, ValueError, "4 arguments"),
        ((0, -4), ValueError, "named twice"),
        ("a", TypeError, "expected an int"),
        ((), TypeError, "expected an int"),
    ],
)
def test_argnums_that_make_no_sense_are_refused(argnums, error, told):
    with pytest.raises(error, match=told):
        dual.grad(energy, argnums)(*POINT)


def test_variables_that_are_no_numbers_are_refused_with_the_remedy():
    with pytest.raises(dual.UnsupportedFunctionError, match="argnums"):
        dual.grad(lambda name, a: a)("x", 1.0)
    with pytest.raises(dual.UnsupportedFunctionError, match="real number"):
        dual.grad(lambda a: a[0])(np.ones(2, complex))


def test_functions_of_varying_arguments_have_drivers_without_out():
    def f(x, *rest):
        return x[0] * rest[0]

    def g(x, scale=2.0):
        return x[0] * scale

    assert dual.grad(f, layout="S")(np.ones(1), 5.0) == 5.0
    assert dual.grad(g, layout="S")(np.ones(1), 7.0) == 7.0


# ---- sizes


@pytest.mark.parametrize("layout", ["S", "V"])
def test_every_size_has_its_gradient_from_one_driver(layout):
    """One pass and chunks, at their boundaries; each size is compiled for once."""
    g = dual.grad(chain, layout=layout)
    sizes = [1, 2, 15, 17, 33] if layout == "V" else [2, 9, 33]
    for n in (*sizes, 40, 41, 80):
        x = np.linspace(0.5, 1.5, n)
        np.testing.assert_allclose(g(x), slopes_of_chain(x), rtol=1e-12, atol=1e-12)
    again = compilations(lambda: [g(np.ones(n)) for n in (2, 33, 64, 79)])
    assert again == 0


@pytest.mark.parametrize("n", [16, 32])
def test_the_largest_sizes_of_one_pass(n):
    x = np.linspace(0.5, 1.5, n)
    g = dual.grad(chain, n=n, layout="V")
    np.testing.assert_allclose(g(x), slopes_of_chain(x), rtol=1e-12, atol=1e-12)
    with pytest.raises(ValueError, match="another size"):
        g(np.ones(n + 1))


@pytest.mark.parametrize(
    ("operator", "layout"),
    [("grad", None), ("grad", "tape"), ("grad", "V"), ("jacobian", "V"), ("hessian", "V")],
)
def test_another_size_than_told_is_refused_beyond_one_pass(operator, layout):
    g = getattr(dual, operator)(chain, n=34, layout=layout)
    assert g(np.linspace(0.5, 1.5, 34)).shape[0] == 34
    with pytest.raises(ValueError, match="another size"):
        g(np.ones(35))


def test_no_variables_at_all():
    assert dual.grad(lambda x: 3.0, layout="S")(np.empty(0)).shape == (0,)


def test_another_size_than_told_is_refused_however_the_layout_is_chosen():
    """The stack has room for n duals; a longer x must not write beyond it."""
    for layout in ("S", None, "auto-static"):
        g = dual.grad(lambda x: x[0] * x[1], n=2, layout=layout)
        np.testing.assert_array_equal(g(np.array([2.0, 3.0])), [3.0, 2.0])
        with pytest.raises(ValueError, match="another size"):
            g(np.ones(3))


def test_n_tells_shapes_of_matrices_and_of_several_arrays():
    g = dual.grad(energy, (1, 2), n=[(2, 3), 2], layout="V")
    by_m, (by_line, _) = g(*POINT)
    np.testing.assert_allclose(by_m, slopes_of_energy()[1], rtol=TIGHT)
    np.testing.assert_allclose(by_line, slopes_of_energy()[2][0], rtol=TIGHT)
    with pytest.raises(ValueError, match="another size"):
        g(1.5, np.ones((3, 2)), POINT[2], 3.0)
    with pytest.raises(dual.UnsupportedFunctionError, match="dimensions"):
        dual.grad(energy, 1, n=6, layout="V")(*POINT)
    with pytest.raises(ValueError, match="at least 1"):
        dual.grad(energy, 1, n=(2, 0))


def test_an_error_of_the_function_reaches_the_caller():
    def f(x):
        if x[0] < 0.0:
            raise ValueError("below zero")
        return x[0]

    g = dual.grad(f, layout="S")
    assert g(np.ones(1)) == 1.0
    for x in (-np.ones(1), np.array([-1.0, 2.0])):
        with pytest.raises(ValueError, match="below zero"):
            g(x)


def test_an_error_in_compiling_for_a_new_size_reaches_the_caller(monkeypatch):
    """Compiled code calls Python back to compile; what that raises goes on."""
    g = dual.grad(chain, layout="S")
    g(np.ones(2))
    monkeypatch.setattr("adbench.dual.numba.kernels._gradient_in_one_pass", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        g(np.ones(3))


# ---- many variables


AUTOMATIC, TAPED = dual.value_and_grad(chain), dual.value_and_grad(chain, layout="tape")
BY_CHUNKS = dual.value_and_grad(chain, layout="V")


@pytest.mark.parametrize("n", [32, 33, 100])
def test_forward_and_reverse_agree_where_one_gives_way_to_the_other(n):
    x = np.linspace(0.5, 1.5, n)
    value, expected = BY_CHUNKS(x)
    for way in (AUTOMATIC, TAPED):
        out = np.zeros(n)
        found = way(x)
        assert found[0] == pytest.approx(value, rel=TIGHT)
        np.testing.assert_allclose(found[1], expected, rtol=1e-12, atol=1e-11)
        assert way(x, out=out)[1] is out
        np.testing.assert_array_equal(out, found[1])


def test_many_variables_go_in_reverse_and_few_forward():
    """The bound on the tape, which forward mode does not meet, tells which of them ran."""
    g = dual.grad(chain, max_bytes=72)
    x = np.linspace(0.5, 1.5, 32)
    np.testing.assert_allclose(g(x), slopes_of_chain(x), rtol=1e-12, atol=1e-12)
    for _ in range(2):
        with pytest.raises(MemoryError, match="max_bytes = 72"):
            g(np.ones(33))


@pytest.mark.parametrize("told", [{"n": 40}, {"layout": "tape"}, {}])
def test_compiled_code_goes_in_reverse_where_it_is_told(told):
    """By the number of variables or by name; else forward, in chunks."""
    g = dual.grad(chain, **told, max_bytes=40 * 40 + 32)

    @numba.njit
    def inside(x):
        return g(x)

    if told:
        with pytest.raises(MemoryError, match=r"forward mode \(layout='V'\)"):
            inside(np.ones(40))
    else:
        x = np.linspace(0.5, 1.5, 40)
        np.testing.assert_allclose(inside(x), slopes_of_chain(x), rtol=1e-12, atol=1e-12)


def test_what_a_tape_cannot_record_goes_forward():
    @numba.njit(parallel=True)
    def squares(x):
        total = 0.0
        for i in numba.prange(x.size):
            total += x[i] * x[i]
        return total

    x = np.linspace(0.5, 1.5, 40)
    np.testing.assert_allclose(dual.grad(lambda x: squares(x) * 2.0)(x), 4.0 * x, rtol=1e-12)
    np.testing.assert_allclose(dual.grad(squares, max_bytes=72)(x), 2.0 * x, rtol=1e-12)


def test_options_that_reverse_mode_has_not_are_refused():
    with pytest.raises(ValueError, match="no vector_math"):
        dual.grad(chain, layout="tape", vector_math=True)
    with pytest.raises(ValueError, match="expected at least 72"):
        dual.grad(chain, max_bytes=71)
    with pytest.raises(ValueError, match="expected one of"):
        dual.hessian(chain, layout="tape")


# ---- out


def test_out_is_filled_and_returned():
    """C-contiguous or not; x itself too, which is read before."""
    g = dual.grad(chain, layout="V")
    x = np.linspace(0.5, 1.5, 5)
    expected = slopes_of_chain(x)
    for out in (np.zeros(5), np.zeros(10)[::2]):
        assert g(x, out=out) is out
        np.testing.assert_allclose(out, expected, rtol=1e-12)
    assert g(x, x) is x
    np.testing.assert_allclose(x, expected, rtol=1e-12)


def test_out_of_the_wrong_shape_or_type_is_refused():
    g = dual.grad(chain, layout="V")
    x = np.ones(3)
    for wrong in (np.zeros(4), np.zeros(8)[::2]):
        with pytest.raises(ValueError, match="another shape"):
            g(x, out=wrong)
    for wrong in (np.zeros(3, np.float32), np.zeros((3, 1))):
        with pytest.raises(dual.UnsupportedFunctionError, match="float64"):
            g(x, out=wrong)
    with pytest.raises(dual.UnsupportedFunctionError, match="no out"):
        dual.grad(lambda a: a * a)(1.0, out=np.zeros(1))


def test_no_memory_is_left_behind(by_all):
    """Views of the result's memory, the duals', and out itself are all let go."""
    _nrt.memsys_enable_stats()
    x, pair = np.ones(3), (np.ones(2), np.ones((2, 2)))
    g, j = dual.grad(chain, layout="V"), dual.jacobian(lambda a, m: a * m[0], (0, 1), layout="V")
    out = np.zeros(6)
    calls = [
        lambda: g(x), lambda: g(np.ones(33)), lambda: g(x, out[:3]), lambda: g(x, out[::2]),
        lambda: j(*pair), lambda: by_all(*POINT), lambda: PRODUCT((x,), x),
    ]  # fmt: skip
    for call in calls:
        call()
        before = rtsys.get_allocation_stats()
        for _ in range(5):
            call()
        after = rtsys.get_allocation_stats()
        assert after.alloc - before.alloc == after.free - before.free
        assert after.mi_alloc - before.mi_alloc == after.mi_free - before.mi_free


def test_the_size_of_code_called_by_address_is_counted():
    small, large = dual.grad(chain, layout="V"), dual.grad(chain, layout="V")
    small(np.ones(2))
    large(np.ones(2))
    large(np.ones(9))
    assert 0 < dual.code_bytes(small) < dual.code_bytes(large)
    assert len(large.kernels()) == 2


def test_other_drivers_have_out_too():
    x = np.array([2.0, 3.0])
    h, j = np.zeros((2, 2)), np.zeros((2, 2))
    dual.hessian(lambda x: x[0] * x[1], layout="S")(x, out=h)
    dual.jacobian(lambda x: x * x, layout="S")(x, out=j)
    np.testing.assert_array_equal(h, [[0.0, 1.0], [1.0, 0.0]])
    np.testing.assert_array_equal(j, [[4.0, 0.0], [0.0, 6.0]])
    value, g = dual.value_and_grad(chain, layout="V")(x, out=np.zeros(2))
    assert value == chain(x)
    np.testing.assert_allclose(g, slopes_of_chain(x))
    points = np.zeros(2)
    assert dual.derivative(lambda r: r * r)(x, out=points) is points
    np.testing.assert_array_equal(points, [4.0, 6.0])


# ---- inside compiled code


@pytest.mark.parametrize("n", [None, 2])
def test_drivers_are_called_in_compiled_code(n):
    """Of any length where n is not told, also when Python has called before and after."""
    g = dual.value_and_grad(chain, n=n)
    x = np.array([0.3, 0.8])
    before = g(x)

    @numba.njit
    def descend(x, steps):
        out = np.empty(x.size)
        for _ in range(steps):
            value, slope = g(x, out=out)
            x = x - 1e-4 * slope
        return x, g(x)[0], value

    found, value, _ = descend(x, 3)
    y = x
    for _ in range(3):
        y = y - 1e-4 * slopes_of_chain(y)
    np.testing.assert_allclose(found, y, rtol=1e-12)
    assert value == pytest.approx(chain(y))
    if n is None:
        z = np.linspace(0.0, 1.0, 21)
        expected = chain(z - 1e-4 * slopes_of_chain(z))
        assert descend(z, 1)[1] == pytest.approx(expected)
    np.testing.assert_array_equal(g(x)[1], before[1])


def test_scalars_tuples_and_hessians_in_compiled_code():
    slope, curvature = dual.grad(lambda a, b: math.sin(a) * b, (0, 1)), dual.hessian(chain)
    rows = dual.jacobian(lambda x: (x[0] * x[1], x[1]))

    @numba.njit
    def f(a, x):
        by_a, by_b = slope(a, 2.0)
        return by_a + by_b, curvature(x), rows(x)

    x = np.array([0.5, 2.0])
    total, h, j = f(0.3, x)
    assert total == pytest.approx(2.0 * math.cos(0.3) + math.sin(0.3))
    np.testing.assert_allclose(h, dual.hessian(chain, layout="V")(x), rtol=1e-14)
    np.testing.assert_array_equal(j, [[2.0, 0.5], [0.0, 1.0]])


def test_what_cannot_be_compiled_is_explained_in_compiled_code_too():
    g = dual.grad(lambda x: complex(x[0], 1.0).real)

    @numba.njit
    def f(x):
        return g(x)

    with pytest.raises(numba.TypingError, match=r"no implementation of complex\(Dual"):
        f(np.ones(1))


def test_drivers_in_parallel_loops():
    """Where no Python could be asked to compile for a size."""
    g = dual.grad(chain)

    @numba.njit(parallel=True)
    def many(points):
        out = np.empty_like(points)
        for i in numba.prange(len(points)):
            out[i] = g(points[i])
        return out

    points = np.linspace(0.5, 1.5, 12).reshape(4, 3)
    np.testing.assert_allclose(many(points), [slopes_of_chain(p) for p in points], rtol=1e-12)


# ---- layouts


def test_layouts_agree_and_the_measured_one_is_one_of_them():
    x = np.linspace(0.5, 1.5, 4)
    s, v, measured, static = (
        dual.grad(chain, layout=name)(x) for name in ("S", "V", None, "auto-static")
    )
    np.testing.assert_allclose(s, v, rtol=1e-13)
    np.testing.assert_allclose(s, measured, rtol=1e-13)
    np.testing.assert_allclose(s, static, rtol=1e-13)


def test_the_choice_of_a_layout_is_remembered_for_the_function(monkeypatch):
    """A second driver of the same function, types and size compiles one layout and times none."""
    timed = []
    original = choice._faster
    monkeypatch.setattr(choice, "_faster", lambda *a: timed.append(a[0]) or original(*a))

    def f(x):
        return x[0] * x[1] + x[0]

    for strict in (False, False, True):
        dual.grad(f, strict=strict)(np.ones(2))
    assert len(timed) == 2  # strict code is another question
    dual.grad(f)(np.ones(3))
    assert len(timed) == 3


def test_the_faster_layout_is_kept(monkeypatch):
    """By the least of alternating times; a gain within the noise is none."""
    for scalar, vector, expected in ((1.0, 2.0, "S"), (2.0, 1.0, "V"), (1.0, 0.99, "S")):
        took = {"S": scalar * 1e-6, "V": vector * 1e-6}
        monkeypatch.setattr(choice, "_seconds", lambda call, loops: call())
        found = choice._faster("S", "V", lambda name, took=took: lambda: took[name])
        assert found == expected


def test_a_slow_function_is_not_compiled_twice(monkeypatch):
    monkeypatch.setattr(choice, "_seconds", lambda call, loops: 1.0)
    asked = []
    assert choice._faster("V", "S", lambda name: asked.append(name) or (lambda: None)) == "V"
    assert asked == ["V"]


def test_a_layout_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"'T'.*expected one of"):
        dual.grad(chain, layout="T")


# ---- Jacobians and Hessians


@pytest.mark.parametrize("n", [3, 33])
def test_shape_of_a_jacobian_is_that_of_the_result_and_of_the_variables(n):
    def f(x, m):
        return m * x[0] * x[1]

    x, m = np.linspace(1.0, 2.0, n), np.arange(6.0).reshape(2, 3)
    j = dual.jacobian(f, layout="V")(x, m)
    assert j.shape == (2, 3, n)
    np.testing.assert_allclose(j[..., 0], m * x[1])
    np.testing.assert_allclose(j[..., 1], m * x[0])
    assert not j[..., 2:].any()


def test_a_jacobian_by_several_variables_has_a_block_for_each():
    def f(a, m):
        return a * m[0] + m[1]

    a, m = 3.0, np.array([[1.0, 2.0], [5.0, 6.0]])
    by_a, by_m = dual.jacobian(f, (0, 1), layout="V")(a, m)
    np.testing.assert_array_equal(by_a, m[0])
    assert by_m.shape == (2, 2, 2)
    expected = np.zeros((2, 2, 2))
    expected[:, 0] = 3.0 * np.eye(2)
    expected[:, 1] = np.eye(2)
    np.testing.assert_array_equal(by_m, expected)
    assert by_m.flags.c_contiguous


def test_jacobians_of_tuples_numbers_and_constants():
    x = np.array([2.0, 3.0])
    of_tuple = dual.jacobian(lambda x: (x[0] * x[1], 1.0, x[0]), layout="S")
    np.testing.assert_array_equal(of_tuple(x), [[3.0, 2.0], [0.0, 0.0], [1.0, 0.0]])
    np.testing.assert_array_equal(dual.jacobian(lambda x: x[0] * x[1], layout="S")(x), [3.0, 2.0])
    constant = dual.jacobian(lambda x: np.ones(3, np.float32), layout="S")
    np.testing.assert_array_equal(constant(x), np.zeros((3, 2)))
    identity = dual.jacobian(lambda x: x, layout="V")
    np.testing.assert_array_equal(identity(x), np.eye(2))


def test_results_that_are_no_numbers_are_refused():
    for driver in (dual.jacobian, dual.grad):
        with pytest.raises(dual.UnsupportedFunctionError, match="returns"):
            driver(lambda x: "text", layout="S")(np.ones(1))


def test_a_hessian_by_several_variables_has_blocks():
    (aa, ax), (xa, xx) = dual.hessian(lambda a, x: a * a * x[0] * x[1], (0, 1), layout="V")(
        2.0, np.array([3.0, 5.0])
    )
    assert aa == 30.0
    np.testing.assert_array_equal(ax, [20.0, 12.0])
    np.testing.assert_array_equal(xa, ax)
    np.testing.assert_array_equal(xx, [[0.0, 4.0], [4.0, 0.0]])


def test_the_hessian_of_a_matrix_has_four_dimensions():
    h = dual.hessian(lambda m: m[0, 0] * m[1, 1], layout="V")(np.ones((2, 2)))
    expected = np.zeros((2, 2, 2, 2))
    expected[0, 0, 1, 1] = expected[1, 1, 0, 0] = 1.0
    np.testing.assert_array_equal(h, expected)


@pytest.mark.parametrize("n", [1, 4, 5, 17])
def test_hessians_of_any_size_in_compiled_code(n):
    """By pairs of blocks, of which there may be but one."""
    inside = CURVATURE_INSIDE
    x = np.linspace(0.5, 1.5, n)
    np.testing.assert_allclose(inside(x), dual_curvature(x), rtol=1e-12, atol=1e-12)


_curvature = dual.hessian(chain)


@numba.njit
def CURVATURE_INSIDE(x):
    return _curvature(x)


def dual_curvature(x):
    """By hand: tridiagonal."""
    n = len(x)
    h = np.zeros((n, n))
    for i in range(n - 1):
        h[i, i] += 1200.0 * x[i] ** 2 - 400.0 * x[i + 1] + 2.0
        h[i + 1, i + 1] += 200.0
        h[i, i + 1] = h[i + 1, i] = -400.0 * x[i]
    return h


# ---- directions


def test_jvp_is_value_and_slope_along_a_direction():
    j = dual.jvp(lambda x, scale: (scale * x[0] * x[1], x[1]))
    value, tangent = j((np.array([2.0, 3.0]), 5.0), (np.array([1.0, 10.0]), 100.0))
    assert value == (30.0, 3.0)
    assert tangent == (5.0 * (3.0 + 20.0) + 600.0, 10.0)
    _, tangent = j((np.array([2.0, 3.0]), 5.0), (np.array([1.0, 10.0]),))
    assert tangent == (115.0, 10.0)  # arguments without a tangent are constants
    with pytest.raises(ValueError, match="number of elements"):
        j((np.array([2.0, 3.0]), 5.0), (np.ones(3),))


def test_jvp_of_an_array():
    m = np.array([[1.0, 2.0], [3.0, 4.0]])
    value, tangent = dual.jvp(lambda m: m * m)((m,), (np.ones((2, 2)),))
    np.testing.assert_array_equal(value, m * m)
    np.testing.assert_array_equal(tangent, 2 * m)


@pytest.mark.parametrize("n", [1, 7, 8, 15])
def test_hvp_is_the_hessian_times_a_vector(n):
    x, v = np.linspace(0.5, 1.5, n), np.linspace(-1.0, 2.0, n)
    product = PRODUCT((x,), v)
    np.testing.assert_allclose(product, dual_curvature(x) @ v, rtol=1e-12, atol=1e-10)


PRODUCT = dual.hvp(chain)


def test_hvp_of_a_matrix_with_data_in_compiled_code():
    h = dual.hvp(lambda scale, m: scale * m[0, 0] * m[0, 0] * m[1, 0], 1)

    @numba.njit
    def twice(m, v):
        return 2.0 * h((3.0, m), v)

    m, v = np.array([[2.0], [5.0]]), np.array([[1.0], [10.0]])
    np.testing.assert_allclose(twice(m, v), 2.0 * 3.0 * np.array([[10.0 + 40.0], [4.0]]))
    with pytest.raises(ValueError, match="number of elements"):
        twice(m, np.ones((1, 1)))


def test_vjp_is_a_vector_times_the_jacobian():
    value, (by_x,) = dual.vjp(lambda x: x * x)((np.array([2.0, 3.0]),), np.array([1.0, 10.0]))
    np.testing.assert_array_equal(value, [4.0, 9.0])
    np.testing.assert_array_equal(by_x, [4.0, 60.0])


def test_derivative_of_numbers_lines_and_matrices():
    d = dual.derivative(lambda r, a: math.exp(a * r) * r)
    points = np.linspace(0.1, 2.0, 6)
    expected = np.exp(0.5 * points) * (1 + 0.5 * points)
    np.testing.assert_allclose(d(points, 0.5), expected, rtol=1e-14)
    np.testing.assert_allclose(d(points.reshape(2, 3), 0.5), expected.reshape(2, 3), rtol=1e-14)
    assert d(points[0], 0.5) == pytest.approx(expected[0])
    by_a = dual.derivative(lambda r, a: a * a * r, argnums=1)
    np.testing.assert_allclose(by_a(3.0, points), 6.0 * points)


# ---- options


def test_strict_values_are_the_primals_in_chunks_too():
    x = np.random.default_rng(3).normal(size=40)
    expected = dual.primal(chain, strict=True)(x)
    assert dual.value_and_grad(chain, strict=True, layout="V")(x)[0] == expected


def test_a_users_own_parallel_loop_stays_parallel():
    @numba.njit(parallel=True)
    def f(x, data):
        total = 0.0
        for i in numba.prange(len(data)):
            total += (data[i] - x[0]) ** 2 * x[1]
        return total

    data = np.linspace(0.0, 1.0, 100)
    x = np.array([0.3, 2.0])
    g = dual.grad(f)(x, data)
    expected = [-2.0 * np.sum(data - 0.3) * 2.0, np.sum((data - 0.3) ** 2)]
    np.testing.assert_allclose(g, expected, rtol=1e-12)


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="expected a Python function"):
        dual.grad(3)
    with pytest.raises(TypeError, match="keyword-only"):
        dual.grad(lambda x, *, scale: x * scale)
