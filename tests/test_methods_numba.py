"""The Numba methods: every operator of every problem against 80 digits, promises, errors."""

import gc
import math
import sys
import weakref
from types import ModuleType, SimpleNamespace

import mpmath
import numpy as np
import pytest

from adbench import registry
from adbench.methods import _objects
from adbench.methods import numba as ours
from adbench.methods._shared import GRADIENTS, arrays
from adbench.methods.numba import METHODS
from adbench.model import ELEMENTARY, Form, Operator, Point, elsewhere, given, namespace
from adbench.problems import gauss_nll, histogram_nll, logistic_map, rosenbrock

numba = pytest.importorskip("numba")

from llvmlite import binding  # noqa: E402 - after the skip
from numba.core import event  # noqa: E402
from numba.core.codegen import CodeLibrary  # noqa: E402

from adbench.dual import numba as dual  # noqa: E402

DUAL, STRICT, TAPE, CENTRAL, _COMPLEX, MANUAL = METHODS
OF_THE_TEXT = METHODS[:4]
EXACT = 1e-12  # norm of the error relative to the norm of the result, for these problems
DIGITS = 80
STEP = mpmath.mpf(10) ** -16

WORDS = namespace("math-words", {name: getattr(math, name) for name in ELEMENTARY})
MPMATH = ModuleType("mpmath-words")
vars(MPMATH).update({name: getattr(mpmath, name) for name in ELEMENTARY if name != "lgamma"})
with mpmath.workdps(DIGITS):
    vars(MPMATH).update(pi=+mpmath.pi, sqrt2=mpmath.sqrt(2), log2pi=mpmath.log(2 * mpmath.pi))


OFFERED = registry.method("numba-dual").operators


def cases(sizes):
    for module in (gauss_nll, histogram_nll, logistic_map, rosenbrock):
        problem = module.PROBLEM
        for size in problem.sizes[sizes]:
            for operator in problem.operators:
                if operator not in OFFERED:  # no Numba method has Taylor series
                    continue
                yield pytest.param(
                    problem, size, operator, id=f"{problem.name}[{size}]/{operator.value}"
                )


_truths = {}


def truth(problem, size, operator):
    """The result in at least twice the digits of a double, where the size allows it."""
    if (problem.name, size) not in _truths:
        point = problem.at(size)
        found = line_of_maps(point) if problem.name == "logistic_map" else sums(problem, point)
        _truths[problem.name, size] = found
    return _truths[problem.name, size][operator]


def line_of_maps(point):
    """Value and derivative of the map by the recurrence of the pair, in long double."""
    r = point.x[some(point.x)].astype(np.longdouble)
    x, dx = np.full_like(r, 0.3), np.zeros_like(r)
    for _ in range(logistic_map.STEPS):
        x, dx = r * x * (1 - x), x * (1 - x) + r * (1 - 2 * x) * dx
    return {Operator.VALUE: x.astype(float), Operator.DERIVATIVE: dx.astype(float)}


def some(x):
    """Every 97th of a long line of points, all of a short one."""
    return slice(None, None, 97 if len(x) > 1_000 else 1)


def sums(problem, point):
    """All operators by differences in 80 digits; closed forms instead where the problem has them."""
    with mpmath.workdps(DIGITS):
        f = problem.form("scalar").build(MPMATH)
        x = [mpmath.mpf(float(v)) for v in point.x]
        data = [[mpmath.mpf(float(v)) for v in d] for d in point.data]
        n = len(x)

        def at(moves):
            return f([a + int(k) * STEP for a, k in zip(x, moves, strict=True)], *data)

        value = at([0] * n)
        if problem.exact:
            gradient, hessian = (
                problem.exact[o](MPMATH)(x, *data) for o in (Operator.GRADIENT, Operator.HESSIAN)
            )
        else:
            e = np.eye(n, dtype=int)
            gradient = [(at(d) - at(-d)) / (2 * STEP) for d in e]
            hessian = [[corner(at, a, b) / (4 * STEP**2) for b in e] for a in e]
        v = [mpmath.mpf(float(a)) for a in given(Operator.HVP, point)[0]]
        numbers = {
            Operator.VALUE: np.array(float(value)),
            Operator.GRADIENT: np.array([float(v) for v in gradient]),
            Operator.HESSIAN: np.array([[float(v) for v in row] for row in hessian]),
            Operator.HVP: np.array([float(mpmath.fdot(row, v)) for row in hessian]),
        }
    both = np.concatenate([[numbers[Operator.VALUE]], numbers[Operator.GRADIENT]])
    return {**numbers, Operator.VALUE_AND_GRADIENT: both}


def corner(at, a, b):
    return at(a + b) - at(a - b) - at(b - a) + at(-a - b)


_prepared = {}


def answer(method, problem, operator, point):
    """As the harness asks: prepared elsewhere, called at the point; compiled once for all lengths."""
    key = method.name, problem.name, operator, len(point.x)
    if key not in _prepared:
        _prepared[key] = method.prepare(method.form(problem), operator, elsewhere(point))
    prepared = _prepared[key]
    return prepared.decode(prepared.call(*prepared.encode(point)))


def error(result, expected):
    return np.linalg.norm(result - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize(("problem", "size", "operator"), list(cases(slice(2))))
def test_dual_is_exact_for_every_operator(problem, size, operator):
    """Two sizes of every problem: shape, type, and all but the last digits."""
    point = problem.at(size)
    result = answer(DUAL, problem, operator, point)
    value_shape = point.x.shape if problem.elementwise else ()
    assert result.shape == operator.shape(len(point.x), value_shape)
    assert result.dtype == np.float64
    kept = result[some(result)] if problem.elementwise else result
    assert error(kept, truth(problem, size, operator)) < EXACT


@pytest.mark.parametrize(
    ("problem", "operator"),
    [
        pytest.param(module.PROBLEM, operator, id=f"{module.PROBLEM.name}/{operator.value}")
        for module in (gauss_nll, histogram_nll, rosenbrock)
        for operator in (Operator.VALUE, *GRADIENTS)
    ],
)
def test_the_tape_is_exact_for_every_operator(problem, operator):
    """Two sizes, compiled once; as exact as forward mode."""
    for size in problem.sizes[:2]:
        result = answer(TAPE, problem, operator, problem.at(size))
        assert result.shape == operator.shape(len(problem.at(size).x), ())
        assert error(result, truth(problem, size, operator)) < EXACT


@pytest.mark.parametrize(
    ("problem", "size", "operator"),
    [
        case
        for case in cases(slice(2))
        # On a line of parameters the 1000th iterate changes to another branch of its cycle within
        # less than a step: there no difference quotient approximates the derivative.
        if case.id != "logistic_map[100000]/derivative"
    ],
)
def test_differences_keep_their_promise(problem, size, operator):
    """The promise is one for all problems; the value, not promised otherwise, is exact."""
    result = answer(CENTRAL, problem, operator, problem.at(size))
    kept = result[some(result)] if problem.elementwise else result
    assert error(kept, truth(problem, size, operator)) < CENTRAL.rtol.get(operator, EXACT)


@pytest.mark.parametrize("size", [1_000, 10_000])
@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_thousands_of_variables(method, size):
    """The cost grows with n^2, or n for the tape, but the gradient arrives and is right."""
    point = rosenbrock.at(size)
    expected = np.array(rosenbrock.gradient(None)(point.x))
    result = answer(method, rosenbrock.PROBLEM, Operator.GRADIENT, point)
    assert error(result, expected) < method.rtol.get(Operator.GRADIENT, EXACT)


def test_hessian_of_a_hundred_variables():
    """Beyond one pass: every entry from pairs of blocks."""
    point = rosenbrock.at(100)
    expected = np.array(rosenbrock.hessian(None)(point.x))
    result = answer(DUAL, rosenbrock.PROBLEM, Operator.HESSIAN, point)
    np.testing.assert_allclose(result, expected, rtol=1e-14, atol=1e-12)
    central = answer(CENTRAL, rosenbrock.PROBLEM, Operator.HESSIAN, point)
    assert error(central, expected) < CENTRAL.rtol[Operator.HESSIAN]


def test_value_of_both_methods_is_the_same_code():
    """A cost ratio divides by the value's time: it is one primal, compiled with the same flags."""
    point = gauss_nll.at(1000)
    a, b = (answer(m, gauss_nll.PROBLEM, Operator.VALUE, point) for m in (DUAL, CENTRAL))
    assert a == b


@pytest.mark.parametrize(
    "module", [gauss_nll, histogram_nll, rosenbrock], ids=lambda m: m.PROBLEM.name
)
def test_strict_values_are_those_of_plain_njit_bit_for_bit(module):
    """Sums keep their order, in the value alone and in the value that comes with the gradient."""
    problem = module.PROBLEM
    point = problem.at(problem.sizes[1])
    f = problem.form("scalar").build(WORDS)
    plain = numba.njit(error_model="numpy")(f)(point.x, *point.data)
    assert answer(STRICT, problem, Operator.VALUE, point) == plain
    both = answer(STRICT, problem, Operator.VALUE_AND_GRADIENT, point)
    assert both[0] == plain
    assert error(both, truth(problem, problem.sizes[1], Operator.VALUE_AND_GRADIENT)) < EXACT


@pytest.mark.parametrize(
    "operator",
    [
        Operator.VALUE,
        Operator.DERIVATIVE,
        Operator.GRADIENT,
        Operator.VALUE_AND_GRADIENT,
        Operator.HESSIAN,
        Operator.JVP,
        Operator.HVP,
        Operator.NEWTON_DIRECTION,
    ],
    ids=lambda o: o.value,
)
def test_only_strict_code_is_free_of_reordering(operator):
    """No instruction may be reordered in any driver of `numba-dual-strict`; in `numba-dual` some are."""
    problem = logistic_map.PROBLEM if operator is Operator.DERIVATIVE else gauss_nll.PROBLEM
    for method, relaxed in ((DUAL, True), (STRICT, False)):
        point = problem.at(problem.sizes[0])
        prepared = method.prepare(method.form(problem), operator, point)
        prepared.compile()
        code = "".join(prepared.call.inspect_llvm().values())
        assert ("reassoc" in code) is relaxed


def test_summaries_say_who_may_reorder_sums():
    for method in (DUAL, TAPE, CENTRAL, MANUAL):
        for word in ("reorder", "contract", "reassoc", "nsz", "arcp", "NaN", "infinity"):
            assert word in method.summary
    assert "keep their order" in STRICT.summary
    assert not STRICT.rtol


@pytest.mark.parametrize("name", ["numpy-central", "numba-central"])
def test_all_central_differences_promise_alike(name):
    """The same stencils and steps; 4096 times the balance of truncation and rounding."""
    eps = 2.0**-52
    promised = registry.method(name).rtol
    assert promised[Operator.HESSIAN] == pytest.approx(4096 * eps ** (1 / 2), rel=1e-12)
    assert promised[Operator.GRADIENT] == pytest.approx(4096 * eps ** (2 / 3), rel=1e-12)
    assert promised[Operator.DERIVATIVE] == promised[Operator.GRADIENT]


def compilations(do):
    """How many functions Numba began to compile, by its own events, while it did a thing."""
    with event.install_recorder("numba:compile") as recorder:
        do()
    return sum(e.is_start for _, e in recorder.buffer)


@pytest.mark.parametrize(
    ("method", "problem", "operator"),
    [
        pytest.param(method, problem, operator, id=f"{method.name}/{problem.name}")
        for method in METHODS
        for problem, operator in (
            (gauss_nll.PROBLEM, Operator.GRADIENT),
            (rosenbrock.PROBLEM, Operator.VALUE),
            (logistic_map.PROBLEM, Operator.DERIVATIVE),
        )
        if operator in method.operators and method.form(problem)
    ],
)
def test_compile_leaves_nothing_to_compile_at_the_first_call(method, problem, operator):
    """Types and shapes of the other point suffice, with and without data; prepare compiles no driver."""
    point = problem.at(problem.sizes[0])
    prepared = method.prepare(method.form(problem), operator, elsewhere(point))
    args = prepared.encode(point)
    assert prepared.call.signatures == []
    assert compilations(prepared.compile) >= 1
    assert len(prepared.call.signatures) == 1
    assert compilations(lambda: prepared.call(*args)) == 0
    assert compilations(prepared.compile) == 0


def test_without_compile_the_first_call_compiles_the_same():
    """The same types, so that compile() finds it done, and the same answer."""
    point = gauss_nll.at(10)
    form = DUAL.form(gauss_nll.PROBLEM)
    late, early = (DUAL.prepare(form, Operator.GRADIENT, elsewhere(point)) for _ in range(2))
    args = late.encode(point)
    early.compile()
    result = late.call(*args)
    assert compilations(late.compile) == 0
    assert late.call.signatures == early.call.signatures
    np.testing.assert_array_equal(early.call(*args), result)


def test_only_the_choice_of_a_layout_compiles_in_prepare():
    """For 2 or 3 variables the dual methods look at f compiled for floats; nothing else does."""
    for method, problem, size, looks in (
        (DUAL, gauss_nll.PROBLEM, 10, True),
        (CENTRAL, gauss_nll.PROBLEM, 10, False),
        (DUAL, rosenbrock.PROBLEM, 5, False),
    ):
        form, point = method.form(problem), problem.at(size)
        count = compilations(lambda m=method, f=form, p=point: m.prepare(f, Operator.GRADIENT, p))
        assert bool(count) is looks


def test_arguments_seen_by_prepare_are_not_kept(monkeypatch):
    """They would occupy memory while the case is measured."""
    point = gauss_nll.at(10)
    seen = []

    def spied(*asked):
        made = arrays(*asked)
        seen.extend(weakref.ref(a) for a in made)
        return made

    monkeypatch.setattr(ours, "arrays", spied)
    prepared = CENTRAL.prepare(CENTRAL.form(gauss_nll.PROBLEM), Operator.GRADIENT, point)
    gc.collect()
    assert len(seen) == 2
    assert not any(ref() is not None for ref in seen)
    prepared.compile()
    assert prepared.call(*prepared.encode(point)).shape == (2,)


def size_of_code(method, problem, operator, size):
    point = problem.at(size)
    prepared = method.prepare(method.form(problem), operator, point)
    assert prepared.describe() == {}, "nothing is compiled yet"
    prepared.compile()
    found = prepared.describe()
    assert set(found) == {"code_bytes"}
    return found["code_bytes"]


@pytest.mark.parametrize("method", OF_THE_TEXT, ids=lambda m: m.name)
def test_the_size_of_the_machine_code_is_described(method):
    """A derivative, by duals or by differences, is more code than the value alone."""
    value, derivative = (
        size_of_code(method, rosenbrock.PROBLEM, operator, 5)
        for operator in (Operator.VALUE, Operator.VALUE_AND_GRADIENT)
    )
    assert type(value) is int
    assert 100 < value < derivative < 100_000


@pytest.mark.skipif(sys.platform != "linux", reason="compares ELF files")
def test_two_readers_of_object_files_agree():
    """LLVM's, for Numba, and ours, for what XLA serialises, call the same bytes code."""
    driver = dual.compile_for(
        dual.grad(lambda x: math.exp(x[0]) * x[1], n=2, layout="S"), np.ones(2)
    )
    (compiled,) = driver.overloads.values()
    file = compiled.library.codegen._tm.emit_object(compiled.library._final_module)
    size = dual.code_bytes(driver)
    assert size > 0
    assert _objects.code_bytes(file) == size
    assert _objects.code_bytes(b"head" + file + b"between" + file + b"tail") == 2 * size


def test_the_size_is_that_of_the_code_that_runs(monkeypatch):
    """Numba keeps the object file that it runs only when told to cache it: that one is the measure."""
    monkeypatch.setattr(CodeLibrary, "_object_caching_enabled", True)
    monkeypatch.setattr(CodeLibrary, "_compiled_object", None, raising=False)
    driver = dual.compile_for(
        dual.hessian(lambda x: math.exp(x[0]) * x[1], n=2, layout="S"), np.ones(2)
    )
    (compiled,) = driver.overloads.values()
    file = binding.ObjectFileRef.from_data(compiled.library._compiled_object)
    expected = sum(section.size() for section in file.sections() if section.is_text())
    assert dual.code_bytes(driver) == expected > 0


class Library:
    """Of a release of Numba that has other private names."""


def test_where_numba_does_not_tell_the_size_is_absent():
    driver = SimpleNamespace(overloads={(): SimpleNamespace(library=Library())})
    assert dual.code_bytes(driver) is None
    assert ours._describe(driver) == {}


def test_encode_gives_fresh_writable_buffers_and_call_a_new_result():
    point = gauss_nll.at(10)
    prepared = DUAL.prepare(DUAL.form(gauss_nll.PROBLEM), Operator.GRADIENT, point)
    one, two = prepared.encode(point), prepared.encode(point)
    assert all(
        a.flags.writeable and not np.shares_memory(a, b) for a, b in zip(one, two, strict=True)
    )
    first = prepared.call(*one)
    kept = first.copy()
    one[0][:] = 0.5
    assert not np.shares_memory(prepared.call(*one), first)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(two[0], point.x)


def test_differences_leave_x_as_it_was():
    point = rosenbrock.at(5)
    for operator in (Operator.GRADIENT, Operator.HESSIAN):
        prepared = CENTRAL.prepare(CENTRAL.form(rosenbrock.PROBLEM), operator, point)
        args = prepared.encode(point)
        prepared.call(*args)
        np.testing.assert_array_equal(args[0], point.x)


def test_differences_divide_by_the_step_they_took():
    """f(x) = x has slope exactly 1 at any x only if (x + h) - (x - h) is what is divided by."""
    form = Form("scalar", lambda m: lambda x: x[0] + 0.0, elementwise=False)
    for x in (0.1, 3.7, 12345.678):
        point = Point(np.array([x]))
        prepared = CENTRAL.prepare(form, Operator.GRADIENT, point)
        assert prepared.call(*prepared.encode(point)) == 1.0


def in_the_complex_plane(m):
    return lambda x: complex(x[0], 1.0).real ** 2


def test_a_text_that_duals_cannot_compile_is_unsupported_with_its_reason():
    """The harness shows the sentence; differences of the same text work."""
    form, point = Form("scalar", in_the_complex_plane), Point(np.array([2.5]))
    refused = DUAL.prepare(form, Operator.GRADIENT, point)
    with pytest.raises(NotImplementedError, match=r"Numba cannot compile.*complex"):
        refused.compile()
    prepared = CENTRAL.prepare(form, Operator.GRADIENT, point)
    assert prepared.call(*prepared.encode(point)) == pytest.approx(5.0, rel=1e-9)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_operators_that_are_not_offered_say_so(method):
    form, point = method.form(rosenbrock.PROBLEM), rosenbrock.at(2)
    for operator in (Operator.TAYLOR, Operator.DERIVATIVE):
        with pytest.raises(NotImplementedError, match=operator.value):
            method.prepare(form, operator, point)


def test_a_tools_own_form_is_preferred():
    assert all(m.requires == ("numba",) for m in METHODS)
    assert all(m.reads == ("numba", "scalar") for m in OF_THE_TEXT)
    assert MANUAL.reads == ("numba-manual",)
    assert not DUAL.rtol
