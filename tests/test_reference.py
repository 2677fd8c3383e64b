"""The certified truth: right, certain, independent of the way it was computed, and cached."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adbench import registry
from adbench.model import ELEMENTARY, Form, Operator, Point, Problem, namespace
from adbench.model import given as given_to
from adbench.reference import cache, tape, traits, truth
from adbench.reference import evaluate as ways
from adbench.reference.balls import ball_namespace, elementary, precision
from adbench.reference.evaluate import evaluate, evaluate_closed
from adbench.reference.inputs import inputs
from adbench.reference.record import Reference
from adbench.reference.truth import UncertifiedError, reference


def operations(problem: Problem) -> int:
    """Of the text at the problem's first size."""
    return traits.first(problem).operations


PROBLEMS = registry.problems().values()
CLOSED = [(p, op) for p in PROBLEMS for op in p.exact]
# Fast enough in mpmath, which takes some microseconds an operation.
CLOSED_IN_MPMATH = [(p, op) for p, op in CLOSED if operations(p) <= 20_000]
SCALAR_VALUED = [
    p
    for p in PROBLEMS
    if not p.elementwise and p.at(p.sizes[0]).outputs is None and operations(p) <= 20_000
]
# Closed forms of what a text computes up to a tolerance: how near the two are.
NEAR = {"kepler": 1e-26, "saddle": 1e-34}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Each test has a cache of its own: no file of the user's is read or written."""
    monkeypatch.setenv("ADBENCH_CACHE", str(tmp_path / "cache"))
    cache.forget()
    yield tmp_path / "cache"
    cache.forget()


def scalar(build: Any, **options: Any) -> Form:
    return Form("scalar", build, **options)


def fraction(r: Reference, i: int = 0) -> Fraction:
    return Fraction(float(r.hi[i])) + Fraction(float(r.lo[i]))


def mp_numbers(point: Point) -> tuple[list[Any], list[Any]]:
    return [mpmath.mpf(v) for v in point.x.tolist()], [mp_exact(d) for d in point.data]


def mp_exact(datum: Any) -> Any:
    """Floats as mpmath's, exactly; arrays as lists, integers as they are."""
    if isinstance(datum, np.ndarray):
        datum = datum.tolist()
    if isinstance(datum, list):
        return [mp_exact(v) for v in datum]
    return mpmath.mpf(datum) if isinstance(datum, float) else datum


def mp_namespace() -> Any:
    names = {n: getattr(mpmath, n) for n in ELEMENTARY if hasattr(mpmath, n)}
    names |= {"lgamma": mpmath.loggamma, "pi": +mpmath.pi, "sqrt2": mpmath.sqrt(2)}
    names |= {
        "matmul": lambda a, b: (mpmath.matrix(a) * mpmath.matrix(b)).tolist(),
        "inverse": lambda a: (mpmath.matrix(a) ** -1).tolist(),
        "logdet": lambda a: mpmath.log(mpmath.det(mpmath.matrix(a))),
    }
    return namespace("mp", {**names, "log2pi": mpmath.log(2 * mpmath.pi)})


def numbers(result: Any) -> list[Any]:
    """The numbers of nested lists, in order."""
    if not isinstance(result, (list, tuple)):
        return [result]
    return [v for part in result for v in numbers(part)]


def close(r: Reference, expected: list[Any], rel: float = 1e-29) -> None:
    assert r.hi.size == len(expected)
    for i, e in enumerate(expected):
        got = mpmath.mpf(float(r.hi[i])) + mpmath.mpf(float(r.lo[i]))
        assert abs(got - e) <= rel * abs(e), (i, got, e)


# ---------------------------------------------------------------- against other people's mathematics


@pytest.mark.parametrize(
    ("problem", "operator"), CLOSED_IN_MPMATH, ids=lambda v: getattr(v, "name", v)
)
def test_agrees_with_closed_forms_in_mpmath(problem, operator):
    """Hand-derived formulas at 50 digits, which share nothing with tapes and balls."""
    point = problem.at(problem.sizes[1] if problem.name == "rosenbrock" else problem.sizes[0])
    x, data = mp_numbers(point)
    with mpmath.workdps(50):
        between = [mp_exact(d) for d in given_to(operator, point)]
        found = problem.exact[operator](mp_namespace())(x, *between, *data)
        truth = reference(problem.reference, operator, point)
        close(truth, numbers(found), NEAR.get(problem.name, 1e-29))


@pytest.mark.parametrize(("problem", "operator"), CLOSED, ids=lambda v: getattr(v, "name", v))
def test_agrees_with_closed_forms_in_balls(problem, operator):
    """The balls of closed form and automatic derivative overlap, element by element."""
    form, point = problem.reference, problem.at(problem.sizes[0])
    whole = inputs(point, Form("scalar", form.build), operator)
    each = form.shape(operator, point)[0] if form.elementwise else 0
    at = inputs(point, form, operator, range(each)) if each else whole
    with precision(400):
        exact = evaluate_closed(problem.exact[operator], whole)
        found = evaluate(form, operator, at, None, point.outputs, point.pattern)
        for a, b in zip(exact, found, strict=True):
            slack = abs(b) * NEAR[problem.name] if problem.name in NEAR else 0
            assert a.overlaps(b) or abs(a - b) < slack, (a, b)
            assert b.rel_accuracy_bits() > 100 or b.is_zero()


def test_histogram_gradient_agrees_with_numerical_differentiation():
    """Differences of 60-digit values: no rule of differentiation in common."""
    problem = registry.problem("histogram_nll")
    point = problem.at(20)
    with mpmath.workdps(60):
        f = problem.form("scalar").build(mp_namespace())
        x, data = mp_numbers(point)
        partials = [
            mpmath.diff(lambda v, i=i: f([*x[:i], v, *x[i + 1 :]], *data), x[i]) for i in range(3)
        ]
        close(reference(problem.form("scalar"), Operator.GRADIENT, point), partials)


def test_logistic_map_derivative_agrees_with_its_recurrence():
    """The chain rule step by step, carried along in mpmath at 800 digits."""
    problem = registry.problem("logistic_map")
    with mpmath.workdps(800):
        r, x, d = mpmath.mpf(3.5), mpmath.mpf(0.3), mpmath.mpf(0)
        for _ in range(1_000):
            x, d = r * x * (1 - x), x * (1 - x) + r * (1 - 2 * x) * d
        close(reference(problem.form("scalar"), Operator.DERIVATIVE, problem.at(1)), [d])


@pytest.mark.parametrize("name", [n for n in ELEMENTARY if n != "atan2"])
def test_elementary_functions_and_their_derivatives(name):
    """Value, slope and curvature by every way agree with mpmath's."""
    form = scalar(lambda m: lambda x: getattr(m, name)(x[0]))
    with mpmath.workdps(60):
        f = getattr(mp_namespace(), name)
        check_ways(form, [0.625], lambda x: f(x), n=1)


def test_digamma_of_a_series():
    """Slope of lgamma's slope: what a Hessian by tape needs, and one term more."""
    from flint import arb, arb_series

    with precision(200, 3), mpmath.workdps(60):
        found = elementary("digamma", arb_series([arb(0.625), 1]))
        expected = [mpmath.psi(k, mpmath.mpf(0.625)) / mpmath.factorial(k) for k in range(3)]
        compare([found[k] for k in range(3)], expected)


def test_atan2_in_all_quadrants():
    """The angle, and its partials by both arguments, on either side of the cut."""
    form = scalar(lambda m: lambda x: m.atan2(x[0], x[1]))
    for y, x in [(0.5, 0.75), (0.5, -0.75), (-0.5, -0.75), (-0.5, 0.75), (0.5, 0.0)]:
        with mpmath.workdps(60):
            check_ways(form, [y, x], mpmath.atan2, n=2)


def test_powers_constant_variable_and_negative():
    """x^-3 of a negative x, x^y, 2^y, |x| and a plain number in front."""
    form = scalar(lambda m: lambda x: (-x[0]) ** -3 + x[0] ** x[1] - 2.0 ** x[1] / abs(-x[0]))
    with mpmath.workdps(60):
        check_ways(form, [1.25, 0.75], lambda x, y: (-x) ** -3 + x**y - 2**y / abs(-x), n=2)


# One-variable texts in which a Python float meets a variable; 0.1, 3.0 and 0.7 are the doubles.
LITERALS = {
    "over 3.0": lambda m: lambda x: (x[0] * x[0]) / 3.0,
    "3.0 over": lambda m: lambda x: 3.0 / x[0],
    "0.1 minus": lambda m: lambda x: 0.1 - x[0] * x[0] * 0.1,
    "minus 0.1": lambda m: lambda x: (x[0] - 0.1) / (0.7 + x[0]),
    "to the 0.1": lambda m: lambda x: x[0] ** 0.1,
    "to the -2.3": lambda m: lambda x: x[0] ** -2.3,
    "to the -3.0": lambda m: lambda x: x[0] ** -3.0,
    "0.1 to the": lambda m: lambda x: 0.1 ** x[0],
    "3 to the": lambda m: lambda x: 3 ** x[0],
    "atan2(0.1, x)": lambda m: lambda x: m.atan2(0.1, x[0]),
    "atan2(x, 0.1)": lambda m: lambda x: m.atan2(x[0], 0.1),
    "log(2.0)": lambda m: lambda x: x[0] ** 2 / m.log(3.0) + m.exp(0.1) / x[0],
    "sqrt(0.1)": lambda m: lambda x: x[0] ** m.sqrt(0.7) * m.erf(0.1) / m.atan2(0.1, 0.7),
    "min of x": lambda m: lambda x: min(x[0], 0.7) / 3.0 + max(0.1, x[0]) ** 0.1,
    "min of 0.1": lambda m: lambda x: min(x[0], 0.1) / (3.0 * x[0]) + 0.3 / max(x[0], 0.7),
    "abs": lambda m: lambda x: abs(0.1 - x[0]) / 7.0,
    "in place": lambda m: in_place,
    "NumPy's": lambda m: lambda x: np.float64(0.1) / x[0] + x[0] / np.float32(0.3) + x[0] ** np.int64(3),
}  # fmt: skip


def in_place(x):
    total = 0.1
    total += x[0]
    total /= 3.0
    total *= 0.1
    total -= 0.7
    total **= 3
    return total


def exact_namespace() -> Any:
    """Mpmath's functions of the doubles themselves: a float argument is taken exactly."""
    m = mp_namespace()
    for name in ("log", "exp", "sqrt", "erf"):
        f = getattr(m, name)
        setattr(m, name, lambda v, f=f: f(mpmath.mpf(v)))
    m.atan2 = lambda y, x: mpmath.atan2(mpmath.mpf(y), mpmath.mpf(x))
    return m


@pytest.mark.parametrize("name", LITERALS)
def test_literals_are_exact_in_every_operation(name):
    """Value, slope and curvature by tape and by series are right to 28 digits, not to 16."""
    build = LITERALS[name]
    with mpmath.workdps(60):
        f = build(exact_namespace())
        if name == "NumPy's":

            def f(x):
                return (
                    mpmath.mpf(0.1) / x[0] + x[0] / mpmath.mpf(float(np.float32(0.3))) + x[0] ** 3
                )

        check_ways(scalar(build), [0.625], lambda x: f([x]), n=1)


@pytest.mark.parametrize("name", LITERALS)
def test_no_plain_number_enters_a_tape(name):
    """Every value and partial is a ball or a series, but for the slopes 1 (None), -1 and 0."""
    from flint import arb, arb_series

    for x in (arb(0.625), arb_series([arb(0.625), 1])):
        kept = inputs(Point(np.array([0.625]))).tape()
        with precision(200):
            y = LITERALS[name](ball_namespace())([kept.variable(x)])
        assert isinstance(y.v, (arb, arb_series))
        for a, da, b, db in kept.entries:
            for at, partial in ((a, da), (b, db)):
                small = partial is None or (type(partial) is int and partial in (-1, 0, 1))
                assert at < 0 or small or isinstance(partial, (arb, arb_series))


def thirds(m: Any) -> Any:
    return lambda x: x[0] * x[0] / 3.0 + 0.1 / x[0]


def test_certified_gradient_of_a_quotient_by_a_literal_is_rational():
    """The whole way: 2 x / 3 - 0.1 / x^2, and its slope, to 2^-104, for 1 variable and for 5."""
    x, tenth = Fraction(0.7), Fraction(0.1)
    for n in (1, 5):
        point = Point(np.array([0.7] * n))
        g = reference(scalar(thirds), Operator.GRADIENT, point)
        h = reference(scalar(thirds), Operator.HESSIAN, point)
        exact = 2 * x / 3 - tenth / x**2, Fraction(2, 3) + 2 * tenth / x**3
        assert abs(fraction(g) - exact[0]) <= abs(exact[0]) / 2**104
        assert abs(fraction(h) - exact[1]) <= abs(exact[1]) / 2**104


def decimal_in_it(m: Any) -> Any:
    return lambda x: x[0] * Fraction(1, 3)


def test_numbers_without_an_exact_ball_are_refused():
    """A fraction or a decimal would have to be rounded."""
    with pytest.raises(TypeError, match=r"met Fraction.*write it as a float"):
        reference(scalar(decimal_in_it), Operator.GRADIENT, Point(np.array([0.5])))


def check_ways(form: Form, x: list[float], f: Any, n: int) -> None:
    at = [mpmath.mpf(v) for v in x]
    unit = [tuple(int(i == j) for j in range(n)) for i in range(n)]
    first = [f(*at), *(mpmath.diff(f, tuple(at), u) for u in unit)]
    pairs = [(a, b) for a in unit for b in unit]
    second = [
        mpmath.diff(f, tuple(at), tuple(p + q for p, q in zip(a, b, strict=True))) for a, b in pairs
    ]
    point = inputs(Point(np.array(x)))
    with precision(200):
        g = form.build(ball_namespace())
        for way in (ways.gradient_by_tape, ways.gradient_by_series):
            compare(way(g, point), first)
        for way in (ways.hessian_by_tape, ways.hessian_by_series):
            with precision(200):
                compare(way(g, point), second)


def compare(balls: list[Any], expected: list[Any]) -> None:
    assert len(balls) == len(expected)
    for b, e in zip(balls, expected, strict=True):
        m = mpmath.mpf(str(b.mid().str(50, radius=False)))
        assert abs(m - e) <= mpmath.mpf(10) ** -28 * max(1, abs(e))


# ------------------------------------------------------------------------------- the ways agree


@pytest.mark.parametrize("problem", SCALAR_VALUED, ids=lambda p: p.name)
def test_tape_and_series_agree(problem):
    """Gradients and small Hessians by tape overlap with those by series alone."""
    point = inputs(problem.at(problem.sizes[0]))
    with precision(400):
        pairs = [(ways.gradient_by_tape, ways.gradient_by_series)]
        if len(point.x) <= 4:
            pairs.append((ways.hessian_by_tape, ways.hessian_by_series))
        for one, other in pairs:
            f = problem.reference.build(ball_namespace())
            for a, b in zip(one(f, point), other(f, point), strict=True):
                assert a.overlaps(b)
                assert min(a.rel_accuracy_bits(), b.rel_accuracy_bits()) > 80 or (a == 0 and b == 0)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=6),
    st.floats(-4, 4, allow_subnormal=False),
)
def test_polynomials_are_exact(coefficients, x):
    """Value and derivative of a random polynomial equal the rational ones to 2^-100."""
    x = x or 1.0

    r = reference(
        scalar(polynomial),
        Operator.VALUE_AND_GRADIENT,
        Point(np.array([x]), (np.array(coefficients),)),
    )
    exact = [Fraction(c) for c in coefficients]
    value = sum(c * Fraction(x) ** k for k, c in enumerate(exact))
    slope = sum(k * c * Fraction(x) ** (k - 1) for k, c in enumerate(exact) if k)
    for i, e in enumerate([value, slope]):
        # what is left below the subnormals has no double
        assert abs(fraction(r, i) - e) <= abs(e) / 2**100 + Fraction(2) ** -1070


def polynomial(m: Any) -> Any:
    def f(x, c):
        total = 0.0
        for k in range(len(c) - 1, -1, -1):
            total = total * x[0] + c[k]
        return total

    return f


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.floats(0.1, 5), st.floats(0.1, 5), st.floats(0.1, 3), st.floats(0.1, 3))
def test_gradient_is_linear(a, b, x, y):
    """The gradient of a f + b g is a times that of f plus b times that of g."""

    def gradient(p: float, q: float) -> Reference:
        return reference(scalar(mixture), Operator.GRADIENT, Point(np.array([x, y]), (p, q)))

    both, f, g = gradient(a, b), gradient(1.0, 0.0), gradient(0.0, 1.0)
    for i in range(2):
        parts = Fraction(a) * fraction(f, i), Fraction(b) * fraction(g, i)
        assert abs(fraction(both, i) - sum(parts)) <= max(map(abs, parts)) / 2**95


def mixture(m: Any) -> Any:
    def f(x, a, b):
        return a * m.exp(x[0]) * x[1] + b * m.sin(x[0] * x[1])

    return f


# --------------------------------------------------------------------------- precision and refusal


def cancelling(m: Any) -> Any:
    return lambda x: (x[0] * x[0] + 2.0**700) - 2.0**700


def test_precision_is_raised_until_cancellation_is_resolved():
    """2^700 swallows x^2 at any modest precision; the certified value is x^2 all the same."""
    r = reference(scalar(cancelling), Operator.VALUE, Point(np.array([1.5])))
    assert r.bits > 700
    assert fraction(r) == Fraction(9, 4)


def near_tie(m: Any) -> Any:
    return lambda x: x[0] if m.exp(x[0] + 2.0**-300) > m.exp(x[0]) else -x[0]


def test_precision_is_raised_until_a_branch_is_decided():
    """Two sides of a comparison differ in the 300th bit."""
    r = reference(scalar(near_tie), Operator.GRADIENT, Point(np.array([0.5])))
    assert r.bits > 300
    assert r.hi.tolist() == [1.0]


def tie(m: Any) -> Any:
    return lambda x: x[0] if m.sin(x[0]) ** 2 + m.cos(x[0]) ** 2 < 1.0 else -x[0]


def log_of(m: Any) -> Any:
    return lambda x: m.log(x[0])


def root_of(m: Any) -> Any:
    return lambda x: m.sqrt(x[0])


def huge(m: Any) -> Any:
    return lambda x: m.exp(x[0])


@pytest.mark.parametrize(
    ("build", "x", "words"),
    [
        (tie, 0.5, "too wide to decide"),
        (log_of, -1.0, "not finite"),
        (root_of, 0.0, "not finite"),
        (huge, 1e3, "beyond the range of float64"),
    ],
)
def test_what_cannot_be_certified_is_refused(build, x, words):
    """Undecidable branch, outside the domain, infinite slope, overflow: an error, never a guess."""
    with pytest.raises(UncertifiedError, match=words):
        reference(scalar(build), Operator.GRADIENT, Point(np.array([x])))


def pythagoras(m: Any) -> Any:
    return lambda x: m.sin(x[0]) ** 2 + m.cos(x[0]) ** 2 + x[1] * x[1]


def test_a_text_too_long_to_be_remembered_is_refused_with_the_remedy(monkeypatch):
    """A derivative in balls remembers every operation; beyond the limit it says so, not the system."""
    problem = registry.problem("rosenbrock")
    point = problem.at(10)  # of few variables, series carry the derivatives
    monkeypatch.setattr(tape, "MOST_ENTRIES", 10)
    with pytest.raises(UncertifiedError, match=r"more than 10 operations.* closed form"):
        reference(problem.reference, Operator.GRADIENT, replace(point, x=point.x + 2.0**-30))


def test_zero_by_cancellation_counts_as_zero_beside_a_larger_element():
    """Balls around 0 never become exactly 0; far below the largest element they count as 0."""
    r = reference(scalar(pythagoras), Operator.GRADIENT, Point(np.array([0.5, 2.0])))
    assert r.bits < 1_000
    assert r.hi.tolist() == [0.0, 4.0]
    assert r.lo.tolist() == [0.0, 0.0]


def nothing(m: Any) -> Any:
    return lambda x: m.sin(x) ** 2 + m.cos(x) ** 2 - 1.0


def test_zero_that_nothing_measures_is_refused():
    """A point of an elementwise form has no larger neighbour to be small beside."""
    with pytest.raises(UncertifiedError, match="too wide"):
        reference(scalar(nothing, elementwise=True), Operator.VALUE, Point(np.array([0.5])))


def test_structural_zeros_are_exactly_zero_and_insensitive():
    """Rosenbrock's Hessian is tridiagonal: nothing else, however inputs move."""
    problem = registry.problem("rosenbrock")
    r = reference(problem.form("scalar"), Operator.HESSIAN, problem.at(10))
    far = np.abs(np.subtract.outer(np.arange(10), np.arange(10))).ravel() > 1
    assert not np.any(r.hi[far])
    assert not np.any(r.sensitivity[far])
    assert np.all(r.hi[~far] != 0.0)


def test_other_forms_and_operators_are_refused_by_name():
    """The message says what would have been accepted."""
    problem = registry.problem("gauss_nll")
    with pytest.raises(UncertifiedError, match=r"pass problem\.reference"):
        reference(problem.form("array"), Operator.VALUE, problem.at(10))
    with pytest.raises(UncertifiedError, match="there is one of value, gradient"):
        reference(problem.form("scalar"), Operator.DERIVATIVE, problem.at(10))
    with pytest.raises(UncertifiedError, match="leave `elements` out"):
        reference(problem.form("scalar"), Operator.GRADIENT, problem.at(10), elements=[0])


# ------------------------------------------------------------------------------- record and inputs


def test_pair_and_decimals_hold_31_digits():
    """The number e to 31 digits; hi is the nearest double."""
    r = reference(scalar(huge), Operator.VALUE, Point(np.array([1.0])))
    assert r.hi[0] == math.e
    assert r.decimals() == ("2.718281828459045235360287471353",)


def table(m: Any) -> Any:
    def f(x, a, rows, power):
        total = 0.0
        for i in range(rows):
            total = total + a[i, 0] * x[0] ** power + a[i][1] * x[1]
        return total

    return f


def test_data_are_taken_exactly_and_integers_stay_integers():
    """A two-dimensional array, a count used by range, an integer exponent; 0.1 is the double."""
    a = np.array([[0.1, 0.2], [0.3, 0.7]])
    point = Point(np.array([2.0, 1.0]), (a, 2, np.int64(3)))
    r = reference(scalar(table), Operator.GRADIENT, point)
    assert fraction(r, 0) == 12 * (Fraction(0.1) + Fraction(0.3))
    assert fraction(r, 1) == Fraction(0.2) + Fraction(0.7)


def square(m: Any) -> Any:
    return lambda x: x * x


def test_large_batches_are_certified_at_a_fixed_sample_with_both_ends():
    """64 of 20 001 points, the same ones every time; `elements` says which."""
    x = np.linspace(1.0, 2.0, 20_001)
    r = reference(scalar(square, elementwise=True), Operator.DERIVATIVE, Point(x))
    assert r.shape == (20_001,)
    assert r.elements == truth.chosen_elements(20_001)
    assert len(set(r.elements)) == 64
    assert {0, 20_000} <= set(r.elements)
    assert r.hi.tolist() == [2.0 * v for v in x[list(r.elements)].tolist()]
    few = reference(scalar(square, elementwise=True), Operator.VALUE, Point(x), elements=[7])
    assert few.hi.tolist() == [x[7] * x[7]]


def difference(m: Any) -> Any:
    return lambda x: x[0] - x[1]


def test_condition_number_of_a_difference():
    """(1 + 2^-20) - 1 loses 20 bits: kappa is about 2^21, and 1 for a plain product."""
    r = reference(scalar(difference), Operator.VALUE, Point(np.array([1.0 + 2.0**-20, 1.0])))
    assert 2.0**20 < r.kappa < 2.0**22
    p = reference(scalar(square, elementwise=True), Operator.VALUE, Point(np.array([1.5])))
    assert 1.5 < p.kappa < 2.5
    assert p.kappas.shape == (1,)


# ------------------------------------------------------------------------------------------ cache


def counted(m: Any) -> Any:
    counted.calls += 1  # no global list: a form's hash would know its contents
    return lambda x: m.exp(x[0]) * x[1]


counted.calls = 0
COUNTED, HERE = Form("scalar", counted), Point(np.array([0.5, 2.0]))


def calls_of(operator: Operator = Operator.GRADIENT, point: Point = HERE) -> int:
    counted.calls = 0
    reference(COUNTED, operator, point)
    return counted.calls


def test_second_request_computes_nothing():
    """Neither in this process nor, by the file, in the next; another question is another answer."""
    assert calls_of() > 0
    assert calls_of() == 0
    cache.forget()
    assert calls_of() == 0
    assert calls_of(Operator.VALUE) > 0
    assert calls_of(point=Point(np.array([0.5, np.nextafter(2.0, 3.0)]))) > 0


def test_file_gives_back_every_field():
    """What comes from the file equals what was computed."""
    one = reference(COUNTED, Operator.HESSIAN, HERE)
    cache.forget()
    two = reference(COUNTED, Operator.HESSIAN, HERE)
    assert one is not two
    for name in ("key", "shape", "bits", "pointwise", "elements", "kappa"):
        assert getattr(one, name) == getattr(two, name)
    for name in ("hi", "lo", "sensitivity", "weights"):
        assert getattr(one, name).tolist() == getattr(two, name).tolist()


@pytest.mark.parametrize("damage", [b"", b"no archive", "flipped", None])
def test_damaged_file_is_computed_again(own_cache, damage):
    """Empty, foreign, flipped or torn files are replaced by good ones."""
    r = reference(COUNTED, Operator.GRADIENT, HERE)
    (path,) = own_cache.glob("*.npz")
    good = path.read_bytes()
    if damage == "flipped":  # inside the first compressed record
        damage = good[:60] + bytes(255 - b for b in good[60:90]) + good[90:]
    path.write_bytes(good[: len(good) // 2] if damage is None else damage)
    cache.forget()
    assert calls_of() > 0
    cache.forget()
    assert calls_of() == 0
    assert reference(COUNTED, Operator.GRADIENT, HERE).hi.tolist() == r.hi.tolist()
    assert [p.name for p in own_cache.iterdir()] == [path.name]


def test_unwritable_cache_costs_nothing_but_time(tmp_path, monkeypatch):
    """A folder that cannot be made leaves the answer in memory."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ADBENCH_CACHE", str(tmp_path / "file" / "cache"))
    assert calls_of() > 0
    assert calls_of() == 0


def test_references_are_read_only():
    """A caller cannot spoil the cached truth."""
    with pytest.raises(ValueError, match="read-only"):
        reference(COUNTED, Operator.GRADIENT, HERE).hi[0] = 0.0


def test_a_series_to_the_fourth_power_is_certified_or_refused_never_cut_short():
    """Functions whose series flint lacks are known to the third coefficient only."""

    def of(word):
        return Form("scalar", lambda m: lambda x: getattr(m, word)(x[0]) * x[0])

    point = Point(np.array([0.4]))
    (v,) = given_to(Operator.TAYLOR, point)
    for word in ("exp", "log", "sqrt", "sin", "atan", "erf", "lgamma"):
        name = {"lgamma": "loggamma"}.get(word, word)
        with mpmath.workdps(40):
            exact = mpmath.taylor(
                lambda t, name=name: getattr(mpmath, name)(0.4 + t * v[0]) * (0.4 + t * v[0]), 0, 4
            )
        found = reference(of(word), Operator.TAYLOR, point)
        assert found.shape == (5,)
        np.testing.assert_allclose(found.hi, [float(c) for c in exact], rtol=1e-14)
    for word in ("sinh", "cosh", "tanh", "expm1", "log1p"):
        with pytest.raises(
            UncertifiedError, match=f"no certified series of '{word}' beyond its third"
        ):
            reference(of(word), Operator.TAYLOR, point)
