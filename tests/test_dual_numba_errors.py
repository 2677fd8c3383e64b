"""What cannot be compiled for duals is told in one sentence: the operation, the place, the rewrite.

And what duals add to NumPy's functions leaves ordinary arrays as they were.
"""

import ctypes
import functools
import math
import re
import subprocess
import sys
import textwrap

import mpmath
import numpy as np
import pytest

numba = pytest.importorskip("numba")

from numba import njit, objmode, types  # noqa: E402

import adbench.dual.numba  # noqa: E402, F401  (registers the type)
from adbench.dual.numba import internals  # noqa: E402
from adbench.dual.numba.arrays import prepared  # noqa: E402
from adbench.dual.numba.dual_type import DualType  # noqa: E402
from adbench.dual.numba.errors import ANYTHING, REMEDIES, explain, remedy_for  # noqa: E402
from adbench.dual.numba.refusals import refusal  # noqa: E402
from adbench.dual.numba.special import (  # noqa: E402
    POLYGAMMA,
    digamma,
    expit,
    pentagamma,
    tetragamma,
    trigamma,
)

DUAL = DualType(2)
DUALS, FLOATS = types.Array(DUAL, 1, "C"), types.Array(types.float64, 1, "C")


@functools.cache
def refused(f, *data):
    """What `explain` says of the error that Numba raises for f(duals, *data)."""
    with pytest.raises(Exception, match=r".?") as caught:
        njit(prepared(f)).compile((DUALS, *data))
    return explain(caught.value, f)


# ---- functions that cannot be compiled

sine = ctypes.CDLL(None).sin if sys.platform != "win32" else None
if sine is not None:
    sine.argtypes, sine.restype = [ctypes.c_double], ctypes.c_double


@numba.experimental.jitclass([("v", numba.float64)])
class Box:
    def __init__(self, v):
        self.v = v


@njit
def table_of_floats(n):
    return np.zeros(n)


def inverse(x):
    return np.linalg.inv(x.reshape(1, 2))[0, 0]


def solution(x, data):
    return np.linalg.solve(data.reshape(2, 2), x)[0]


def eigenvalue(x):
    return np.linalg.eigvalsh(x.reshape(2, 1))[0]


def complex_number(x):
    return complex(x[0], x[1]).real


def complex_product(x):
    return (x[0] * (1.0 + 2.0j)).real


def gamma(x):
    return math.gamma(x[0])


def conversion(x):
    return np.float32(x[0])


def single_precision(x):
    return x.astype(np.float32)[0]


def written_into_data(x, data):
    data[0] = x[0]
    return data[0]


def written_into_the_table_of_a_helper(x):
    y = table_of_floats(2)
    y[1] = x[0]
    return y[1]


def now_floats_now_duals(x, data):
    y = data
    if x[0] > 0.0:
        y = x
    return y[0]


def list_of_floats(x):
    values = [0.0] * 3
    values[1] = x[0]
    return values[1]


def set_of_numbers(x):
    return len({x[0], x[1]}) * x[0]


def key_of_a_dictionary(x):
    d = {x[0]: 1.0}
    return d[x[0]]


def python_object(x):
    with objmode(y="float64"):
        y = math.sin(x[0])
    return y


def foreign(x):
    return sine(x[0])


def member_of_a_class(x):
    return Box(x[0]).v


def question_of_type(x):
    return x[0] if isinstance(x[0], float) else x[1]


def random_number(x):
    return np.random.normal(x[0], 1.0)  # noqa: NPY002


def generator_expression(x):
    return sum(v * v for v in x)


def output_argument(x):
    y = np.empty(2)
    np.exp(x, y)
    return y[0]


def not_known_to_numba(x):
    return np.polyval(x, 2.0)


def bits(x):
    return x[0] & 1


def conjugate(x):
    return x[0].conjugate()


REFUSED = [
    (inverse, (), r"inv\(array\(Dual", "LAPACK"),
    (solution, (FLOATS,), r"solve\(", "LAPACK"),
    (eigenvalue, (), r"eigvalsh\(", "LAPACK"),
    (complex_number, (), r"complex\(Dual", "two numbers"),
    (complex_product, (), r"mul\(Dual.*complex128", "two numbers"),
    (gamma, (), r"gamma\(Dual", r"math\.lgamma"),
    (conversion, (), r"float32\(Dual", "leave the conversion out"),
    (single_precision, (), r"astype\(", "leave the conversion out"),
    (written_into_data, (FLOATS,), r"setitem\(array\(float64", r"dtype=x\.dtype"),
    (written_into_the_table_of_a_helper, (), r"setitem\(array\(float64", r"np\.zeros\(n\) in"),
    (now_floats_now_duals, (FLOATS,), "Cannot unify array", r"dtype=x\.dtype"),
    (list_of_floats, (), r"setitem\(list\(float64", "list of floats"),
    (set_of_numbers, (), r"set\(", "no elements of sets"),
    (key_of_a_dictionary, (), r"hash\(Dual", "no keys"),
    (python_object, (), "objmode gets array", "hand the result over as data"),
    (foreign, (), "ExternalFunctionPointer", "njit function"),
    (member_of_a_class, (), "Cannot cast Dual.* to float64", "named tuple"),
    (question_of_type, (), r"isinstance\(", "leave the question out"),
    (random_number, (), r"normal\(Dual", "mean \\+ sigma"),
    (generator_expression, (), "yield in a closure", "write the loop"),
    (output_argument, (), r"exp\(array", r"out\[:\] = np\.exp"),
    (not_known_to_numba, (), r"numpy\.polyval", "for floats either"),
    (bits, (), r"and_\(Dual", "hand the result over as data"),
    (conjugate, (), "'conjugate' of type Dual", "the number is real"),
]


@pytest.mark.parametrize(
    ("f", "data", "names", "remedy"), REFUSED, ids=[f.__name__ for f, *_ in REFUSED]
)
def test_what_cannot_work_says_what_where_and_what_to_write(f, data, names, remedy):
    """One line: the operation, the function, its file and line, and the rewrite from the table."""
    if f is foreign and sine is None:
        pytest.skip("no C library to be called by its name")
    told = refused(f, *data)
    assert "\n" not in told
    assert told.startswith(f"Numba cannot compile '{f.__name__}' for dual numbers: ")

    assert re.search(names, told), told
    first = f.__code__.co_firstlineno
    place = re.search(r"\(test_dual_numba_errors\.py, line (\d+)\)", told)
    assert place, told
    if f is not member_of_a_class:  # there it is the line of the member
        assert first <= int(place[1]) <= first + 4
    assert re.search(remedy, told.split(place[0])[1]), told


def test_every_remedy_of_the_table_is_used():
    """A row that no error ever reaches would be a promise that nobody keeps."""
    told = [refused(f, *data) for f, data, *_ in REFUSED if f is not foreign]
    rows = [remedy for _, remedy in REMEDIES]
    told += [
        remedy_for("ExternalFunctionPointer(Dual[2,1,S])"),
    ]
    assert [r for r in rows if not any(r in t for t in told)] == []


def test_an_error_without_a_text_is_named():
    assert ANYTHING in explain(KeyError(), None)
    assert "KeyError" in explain(KeyError(), None)


def test_what_this_package_refuses_is_told_as_it_stands():
    error = refusal("the function returns none; expected one number")
    assert explain(error, inverse).endswith(
        "for dual numbers: the function returns none; expected one number"
        f" (test_dual_numba_errors.py, line {inverse.__code__.co_firstlineno})"
    )


# ---- duals stay inside


def test_a_dual_that_is_handed_to_python_is_refused():
    """A function of duals called from Python by mistake raises TypeError, no crash."""
    from adbench.dual.numba.intrinsics import dtype_of

    dtype = dtype_of(DUAL)
    with pytest.raises(TypeError, match="compiled code"):
        njit(lambda: np.zeros(2, dtype()))()
    with pytest.raises(TypeError, match="compiled code"):
        njit(lambda: np.zeros(2, dtype())[0])()


def test_printing_shows_the_value(capfd):
    from adbench.dual.numba.intrinsics import seeder

    seed = seeder(DUAL)

    @njit
    def show(v):
        print(seed(v, 0), 3)  # noqa: T201

    show(0.5)
    sys.stdout.flush()
    assert capfd.readouterr().out == "0.5 3\n"


# ---- preparing a function


def test_a_function_that_needs_nothing_is_left_alone():
    def plain(x):
        return np.exp(x[0]) * square(x[1])

    square = njit(lambda a: a * a)
    assert prepared(plain) is plain
    assert prepared(njit(plain)) is plain
    assert prepared(math.sin) is math.sin


def test_a_prepared_function_is_a_copy_and_the_user_keeps_his():
    def makes(x):
        y = np.zeros(2)
        y[0] = x[0]
        return y[0] * factor

    factor = 2.0
    copy = prepared(makes)
    assert copy is not makes
    assert copy.__code__ is makes.__code__
    assert makes.__globals__ is globals()
    assert copy.__globals__["np"] is not np
    assert np.zeros(2).dtype == float
    assert makes(np.ones(2)) == 2.0
    njit(copy).compile((DUALS,))
    assert njit(makes)(np.array([3.0, 1.0])) == 6.0


def test_numpy_under_other_names_is_prepared_too():
    zeros, library = np.zeros, np

    def makes(x):
        y, z = zeros(2), library.full(2, 1.0)
        y[0] = z[1] = x[0]
        return y[0] * z[0]

    njit(prepared(makes)).compile((DUALS,))


# ---- versions


@pytest.mark.parametrize("version", ["0.67.0", "0.68.1rc1"])
def test_tested_releases_are_silent(version, recwarn):
    internals.check_version(version)
    assert not recwarn.list


def test_another_release_is_warned_of():
    with pytest.warns(RuntimeWarning, match=r"numba 0\.99\.0.*0\.67 and 0\.68"):
        internals.check_version("0.99.0")


def test_the_installed_release_is_a_tested_one():
    assert ".".join(numba.__version__.split(".")[:2]) in internals.TESTED


# ---- special functions


@pytest.mark.parametrize("order", range(4))
def test_polygamma_functions_against_mpmath(order):
    """1e-14 of max(1, |f|), 1e-12 at negative arguments; compiled and as plain Python."""
    rng = np.random.default_rng(order)
    above = np.concatenate(
        [10 ** rng.uniform(-10, 6, 100), rng.uniform(0, 30, 100), [1.4616321449683622, 1, 12]]
    )
    below = np.concatenate([-(10 ** rng.uniform(-8, 4, 100)), -rng.uniform(0, 40, 100)])
    plain = (digamma, trigamma, tetragamma, pentagamma)[order]
    for points, bound in ((above, 1e-14), (below, 1e-12)):
        for x in points:
            with mpmath.workdps(40):
                exact = mpmath.polygamma(order, mpmath.mpf(float(x)))
                scale = bound * max(1, abs(exact))
                assert abs(POLYGAMMA[order](x) - exact) <= scale, x
                assert abs(plain(float(x)) - exact) <= scale, x


def test_polygamma_functions_at_poles_and_infinity():
    inf = math.inf
    assert (digamma(0.0), digamma(-0.0), digamma(inf)) == (-inf, inf, inf)
    assert math.isnan(digamma(-1.0))
    for f, pole in ((trigamma, inf), (tetragamma, -inf), (pentagamma, inf)):
        assert f(0.0) == f(-3.0) == pole
        assert f(inf) == 0.0
    assert all(math.isnan(f(math.nan)) for f in (digamma, trigamma, tetragamma, pentagamma))


def test_the_logistic_function_has_no_overflow_and_compiles():
    assert (expit(-1e4), expit(0.0), expit(1e4)) == (0.0, 0.5, 1.0)
    f = njit(lambda x: expit(x) + digamma(x) + trigamma(x))
    assert f(0.7) == pytest.approx(expit(0.7) + digamma(0.7) + trigamma(0.7), rel=1e-15)


# ---- ordinary arrays

ORDINARY = """
    import numba, numpy as np

    def sums(x, m, i):
        return (x.sum(), np.sum(x), m.sum(axis=0)[1], np.sum(m, 1)[0], m.sum(), i.sum(),
                np.sum(i, axis=0), x.sum(dtype=np.float32))

    def others(x, m, i):
        return (x.mean(), np.prod(i), x.max(), i.min(), x.std(), np.var(x), x.argmax(), x.cumsum()[2],
                np.median(x), x.dot(x), (m @ m)[0, 1], np.outer(x, x)[1, 2], np.diff(x)[1], np.ptp(x),
                np.linalg.norm(x), np.trace(m), np.clip(x, 1.0, 2.0)[0], np.interp(1.1, x, x),
                np.searchsorted(x, 1.2, side="right"), abs(-1.5), x.astype(np.int64)[2])

    def choices(x, m, i):
        y = x.copy()
        y += 1.0
        y *= x
        i2 = i.copy()
        i2 += 1
        z = np.where(x > 1.0, x, -x)
        a = np.array([1.0, 2.0, 3.0])
        b = np.array([(1, 2), (3, 4)])
        return (y[1], i2[0], z[0], a[1], b[1, 0], np.linspace(0, 1, 5)[1], np.array([v * 2 for v in x])[1],
                np.zeros(3)[0], np.full(2, 3)[0], np.exp(x)[0], (x ** 2)[1], np.maximum(x, 1.0)[0],
                np.concatenate((x, x))[-1], np.array(((1.0, 2.0), (3.0, 4.0)))[0, 1])

    def run():
        x, m, i = np.linspace(0.5, 2.0, 9), np.arange(9.0).reshape(3, 3), np.arange(1, 6)
        results = []
        for f in (sums, others, choices):
            d = numba.njit(f)
            results.append((d(x, m, i), str(d.nopython_signatures[0])))
            assert np.allclose(results[-1][0], f(x, m, i)), f
        return results

    before = run()
    import adbench.dual.numba
    after = run()
    assert after == before, (before, after)
"""


def test_ordinary_arrays_compute_as_before():
    """x.sum() and its kin return the same numbers of the same types after the import."""
    subprocess.run([sys.executable, "-c", textwrap.dedent(ORDINARY)], check=True, timeout=240)
