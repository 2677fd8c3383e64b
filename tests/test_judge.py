"""The judge: accepts what is right to the last bits, rejects everything else, and says why."""

from __future__ import annotations

import json
import math
from functools import cache as cache_of_calls
from operator import mul
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from adbench import registry
from adbench.dual import python as dual_python
from adbench.model import ELEMENTARY, Operator, Outcome, Problem, namespace, size_text
from adbench.model import given as given_to
from adbench.reference import cache, traits
from adbench.reference.accuracy import Accuracy, accuracy
from adbench.reference.judge import inexact_tolerance, judge, tolerance
from adbench.reference.mutants import mutants
from adbench.reference.record import Reference
from adbench.reference.sample import sample_of
from adbench.reference.truth import certified


def cheap(problem: Problem, size: Any) -> bool:
    """Whether its text is run in plain Python at once, and certified within a second or so."""
    known = traits.traits(problem, size)
    return size == problem.sizes[0] or (known is not None and known.operations <= 100_000)


def is_whole(problem: Problem, size: Any, operator: Operator) -> bool:
    """Whether every element of the result is certified, or none knows of another: of large results
    with sums a mutant of the sample says nothing (see test_reference_vectors).
    """
    sample = sample_of(problem.reference, operator, problem.at(size))
    return sample is None or not sample.sums


ROWS = [
    (problem, size, operator)
    for problem in registry.problems().values()
    for size in problem.sizes[:2]
    if cheap(problem, size)
    for operator in problem.operators
    if problem.offers(operator, len(problem.at(size).x)) and is_whole(problem, size, operator)
]
ROWS.append((registry.problem("damped_sine"), 100_000, Operator.DERIVATIVE))
NAMES = [f"{p.name}[{size_text(s)}]/{op.value}" for p, s, op in ROWS]
ALWAYS = {"nan", "zero", "sign flip", "nudged"}


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    """The module's references go to a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        cache.forget()
        yield
    cache.forget()


@cache_of_calls
def truth_of(row: int) -> Reference:
    problem, size, operator = ROWS[row]
    return certified(problem, size, operator, problem.at(size))


def known(value: Any, sensitivity: Any = 0.0, lo: Any = 0.0, **options: Any) -> Reference:
    """A reference made by hand."""
    hi = np.asarray(value, dtype=np.float64)
    flat = np.ravel(hi)
    full = [np.broadcast_to(v, flat.shape) for v in (lo, sensitivity)]
    return Reference("by hand", options.pop("shape", hi.shape), flat, *full, bits=160, **options)


# ------------------------------------------------------------------------------ every problem's rows


def test_rows_hold_every_operator_of_every_problem():
    """At the first size, each with all of its numbers."""
    assert {(p.name, o) for p, s, o in ROWS if s == p.sizes[0]} == {
        (p.name, o) for p in registry.problems().values() for o in p.operators
    }


@pytest.mark.parametrize("row", range(len(ROWS)), ids=NAMES)
def test_every_mutant_is_rejected(row):
    """Zero, NaN, sign flip, float32, permuted, and one element off by 1e-6: none is accepted."""
    truth = truth_of(row)
    wrong = mutants(truth)
    assert set(wrong) >= ALWAYS
    assert truth.hi.size == 1 or "permuted" in wrong
    for name, answer in wrong.items():
        outcome = judge(answer, truth).outcome
        assert outcome is (Outcome.NAN if name == "nan" else Outcome.WRONG), name


@pytest.mark.parametrize("row", range(len(ROWS)), ids=NAMES)
def test_truth_rounded_to_double_is_accepted(row):
    """Nothing better can be asked of float64; its error is at most half an ulp."""
    truth = truth_of(row)
    verdict = judge(truth.scatter(truth.hi), truth)
    assert verdict.outcome is Outcome.OK
    assert verdict.message == ""
    assert verdict.accuracy is not None
    assert verdict.accuracy.worst_ulp <= 0.5


@pytest.mark.parametrize("row", range(len(ROWS)), ids=NAMES)
def test_what_is_asked_of_float32_is_its_own_digits(row):
    """The truth rounded to float32 is accepted; zero, NaN and the other sign are not."""
    truth = truth_of(row)
    wrong = mutants(truth)
    rounded = truth.scatter(truth.hi.astype(np.float32))
    assert judge(rounded, truth, dtype="float32").outcome is Outcome.OK
    for name in ("zero", "sign flip", "nan"):
        outcome = judge(wrong[name], truth, dtype="float32").outcome
        assert outcome is (Outcome.NAN if name == "nan" else Outcome.WRONG), name


CLOSED = [i for i, (p, s, op) in enumerate(ROWS) if op in p.exact and s == p.sizes[0]]
VALUES = [i for i, (p, s, op) in enumerate(ROWS) if op is Operator.VALUE and cheap(p, s)]


def matmul(a: Any, b: Any) -> Any:
    """Each element an exactly rounded sum of rounded products: no BLAS, so the same everywhere."""
    columns = list(zip(*b, strict=True))
    return [[math.fsum(map(mul, row, column)) for column in columns] for row in a]


FLOATS = namespace("floats", {
    **{name: getattr(math, name) for name in ELEMENTARY},
    "derivative": lambda g, t: dual_python.derivative(g)(t),
    "matmul": matmul,
    "inverse": lambda a: np.linalg.inv(np.array(a)).tolist(),
    "logdet": lambda a: float(np.linalg.slogdet(np.array(a))[1]),
})  # fmt: skip
DUALS = namespace("duals", {
    **{name: getattr(dual_python.math, name) for name in ELEMENTARY},
    "derivative": lambda g, t: dual_python.derivative(g)(t),
})  # fmt: skip


def lists(data: Any) -> list[Any]:
    """Data as plain Python objects."""
    return [d.tolist() if isinstance(d, np.ndarray) else d for d in data]


def flat(result: Any) -> list[float]:
    """The numbers of nested lists, in order."""
    if not isinstance(result, (list, tuple)):
        return [result]
    return [v for part in result for v in flat(part)]


@pytest.mark.parametrize("row", CLOSED, ids=[NAMES[i] for i in CLOSED])
def test_closed_forms_in_plain_floats_are_accepted(row):
    """A straightforward program is no worse than what an exact method promises."""
    problem, size, operator = ROWS[row]
    point = problem.at(size)
    between = lists(given_to(operator, point))
    answer = flat(problem.exact[operator](FLOATS)(point.x.tolist(), *between, *lists(point.data)))
    verdict = judge(np.reshape(answer, truth_of(row).shape), truth_of(row))
    assert verdict.outcome is Outcome.OK, verdict.message


@pytest.mark.parametrize("row", VALUES, ids=[NAMES[i] for i in VALUES])
def test_scalar_forms_in_plain_floats_are_accepted(row):
    """The form itself, run on Python floats (on our duals where it takes derivatives itself)."""
    problem, size, _ = ROWS[row]
    point, form = problem.at(size), problem.form("scalar")
    f = form.build(DUALS if problem.form("reference") else FLOATS)
    data, k = lists(point.data), form.elementwise
    if k:
        answer = [f(*v, *data) for v in point.x.reshape(k, -1).T.tolist()]
    else:
        answer = f(point.x.tolist(), *data)
    verdict = judge(answer, truth_of(row))
    assert verdict.outcome is Outcome.OK, verdict.message


def test_long_loop_beside_a_bifurcation_in_plain_floats_is_accepted():
    """Rounding in each of 1 000 steps is felt there; differentiating exactly is still accepted."""
    problem = registry.problem("logistic_map")
    truth = certified(problem, 100_000, Operator.DERIVATIVE, problem.at(100_000))
    r = truth.gather(problem.at(100_000).x)
    x, d = 0.3 + 0.0 * r, 0.0 * r
    for _ in range(1_000):
        x, d = r * x * (1.0 - x), x * (1.0 - x) + r * (1.0 - 2.0 * x) * d
    verdict = judge(truth.scatter(d), truth)
    assert verdict.outcome is Outcome.OK, verdict.message


# ---------------------------------------------------------------------------------- what is no answer


@pytest.mark.parametrize("answer", [[1.0], [[1.0, 2.0]], 3.0, [1.0, 2.0, 3.0]])
def test_wrong_shape_fails_and_names_both_shapes(answer):
    """Never broadcast, never ravelled."""
    verdict = judge(answer, known([1.0, 2.0]))
    assert verdict.outcome is Outcome.FAILED
    assert str(np.shape(answer)) in verdict.message
    assert "(2,)" in verdict.message


@pytest.mark.parametrize("answer", [[1.0 + 0j, 2.0], ["1", "2"], [None, 1.0], [[1.0], [1.0, 2.0]]])
def test_what_is_no_array_of_real_numbers_fails(answer):
    """Complex numbers, texts, None and ragged lists."""
    verdict = judge(answer, known([1.0, 2.0]))
    assert verdict.outcome is Outcome.FAILED
    assert verdict.accuracy is None


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_not_finite_is_its_own_outcome(bad):
    """The message says where; there is no error to measure."""
    verdict = judge([[1.0, 2.0], [bad, 4.0]], known([[1.0, 2.0], [3.0, 4.0]]))
    assert verdict.outcome is Outcome.NAN
    assert "element [1, 0]" in verdict.message
    assert str(bad) in verdict.message
    assert verdict.accuracy is None


def test_nan_outside_the_sample_is_seen_and_other_numbers_there_are_not_judged():
    """A sample certifies its own elements; finiteness is asked of all."""
    truth = known([1.0, 3.0], shape=(4,), pointwise=True, elements=(0, 2))
    assert judge([1.0, 77.0, 3.0, 77.0], truth).outcome is Outcome.OK
    assert judge([1.0, math.nan, 3.0, 77.0], truth).outcome is Outcome.NAN
    wrong = judge([1.0, 77.0, 3.1, 77.0], truth)
    assert wrong.outcome is Outcome.WRONG
    assert "element [2]" in wrong.message


# ---------------------------------------------------------------------------------- the exact promise

ULP = 2.0**-52


@pytest.mark.parametrize(("kappa", "ulps", "outcome"), [
    (0.0, 99, Outcome.OK),
    (0.0, 101, Outcome.WRONG),
    (1.0, 101, Outcome.WRONG),
    (50.0, 4_900, Outcome.OK),
    (50.0, 5_100, Outcome.WRONG),
])  # fmt: skip
def test_hundred_ulp_times_the_condition_number(kappa, ulps, outcome):
    """The bound itself, from both sides, on one element among right ones."""
    truth = known([1.0, 1e9], sensitivity=[kappa, 0.0])
    assert judge([1.0 + ulps * ULP, 1e9], truth).outcome is outcome


def test_structural_zero_must_be_zero_and_cancelled_zero_may_be_rounded():
    """Both are 0; s says that the second is what is left of 1 - 1."""
    truth = known([0.0, 0.0, 5.0], sensitivity=[0.0, 2.0, 0.0])
    assert judge([0.0, 1e-16, 5.0], truth).outcome is Outcome.OK
    assert judge([0.0, 1e-13, 5.0], truth).outcome is Outcome.WRONG
    assert judge([1e-16, 0.0, 5.0], truth).outcome is Outcome.WRONG
    assert judge([0.0, 0.0, 5.0], truth).outcome is Outcome.OK


def test_small_element_is_not_hidden_by_a_large_one():
    """A relative error of 1e-6 in an element 1e-20 times the largest is an error."""
    truth = known([1.0, 1e-20])
    verdict = judge([1.0, 1e-20 * (1 + 1e-6)], truth)
    assert verdict.outcome is Outcome.WRONG
    assert verdict.accuracy is not None
    assert verdict.accuracy.error_rel < 1e-25 < 1e-7 < verdict.accuracy.worst_rel


def test_flushed_subnormals_are_accepted():
    """Some tools turn what is below 2.2e-308 into 0."""
    assert judge([0.0], known([1e-310])).outcome is Outcome.OK
    assert judge([0.0], known([1e-300])).outcome is Outcome.WRONG


def test_message_says_what_was_found_and_what_was_promised():
    """Count, place, both values, error and promise, in words."""
    message = judge([1.0, 2.5, 3.0], known([1.0, 2.0, 3.0], sensitivity=[0.0, 8.0, 0.0])).message
    for words in ("1 of 3", "element [1]", "is 2.5 and should be 2.0", "0.25 relative",
                  "100 ulp times its condition number, 4"):  # fmt: skip
        assert words in message
    assert "the value, is 2.0 and should be 1.0" in judge(2.0, known(1.0)).message


def test_a_long_chain_may_round_half_an_ulp_a_link():
    """Up to 200 operations the promise is 100 ulp, from there on half an ulp each, and no more."""
    off = [1.0 + 150 * ULP]
    assert judge(off, known([1.0], chain=200)).outcome is Outcome.WRONG
    assert judge(off, known([1.0], chain=301)).outcome is Outcome.OK
    message = judge(off, known([1.0], chain=298)).message
    assert "149 ulp times its condition number" in message


def test_a_sum_that_rounds_one_way_is_within_its_chain():
    """Adding 0.1 in order rounds the same way for long stretches: far above 100 ulp, below half the chain."""
    n = 1_000_000
    added = float(np.cumsum(np.full(n, 0.1))[-1])
    exact = int(n * 3602879701896397)  # 0.1 is this over 2^55
    truth = float(exact / 2**55)
    ulps = abs(added - truth) / truth / ULP
    assert 1_000 < ulps < n / 2
    assert judge([added], known([truth])).outcome is Outcome.WRONG
    assert judge([added], known([truth], chain=n)).outcome is Outcome.OK


def test_references_of_problems_know_their_chain():
    """A sum over 100 data and what each term takes."""
    problem = registry.problem("gauss_nll")
    found = certified(problem, 100, Operator.GRADIENT, problem.at(100))
    assert found.chain == traits.of(problem, 100).chain == 107
    assert found.promised_ulp == 100.0


def test_overflowing_error_is_wrong():
    """1e308 for -1e308: the error is no float64."""
    assert judge([1e308], known([-1.7e308])).outcome is Outcome.WRONG


@pytest.mark.parametrize(("kappa", "relative", "outcome"), [
    (0.0, 1.1e-5, Outcome.OK),
    (0.0, 1.3e-5, Outcome.WRONG),
    (100.0, 1.1e-3, Outcome.OK),
    (100.0, 1.3e-3, Outcome.WRONG),
    (1e6, 0.9e-2, Outcome.OK),
    (1e6, 1.1e-2, Outcome.WRONG),
])  # fmt: skip
def test_float32_owes_a_hundred_of_its_ulp_by_the_condition_and_two_digits_at_any(
    kappa, relative, outcome
):
    """From both sides, on one element among others that are right."""
    verdict = judge([3.0 * (1.0 + relative)], known([3.0], 3.0 * kappa), dtype="float32")
    assert verdict.outcome is outcome
    if outcome is Outcome.WRONG:
        assert ("of float32" if kappa < 1e6 else "least asked of fewer digits") in verdict.message


# -------------------------------------------------------------------------------- the inexact promise


def test_rtol_is_a_promise_on_each_element_beside_its_share():
    """An element may be off by rtol of its own size, or of the root mean square of all."""
    truth = known([3.0, 4.0, 1e-9])
    assert judge([3.0, 4.0 + 3.9e-6, 2e-9], truth, rtol=1e-6).outcome is Outcome.OK
    verdict = judge([3.0, 4.0 + 6e-6, 1e-9], truth, rtol=1e-6)
    assert verdict.outcome is Outcome.WRONG
    for words in ("1 of 3", "element [1]", "4.000006 and should be 4.0", "1.5e-06 relative",
                  "4e-06 is promised", "1e-06 of its own size"):  # fmt: skip
        assert words in verdict.message
    assert judge([3.0, math.nan, 1e-9], truth, rtol=1e-6).outcome is Outcome.NAN


def test_shares_count_in_steps_of_the_variables():
    """A derivative by a variable of size 1e4 is small in number only; what is far below its share
    is the one thing that is not tested.
    """
    truth = known([1e-3, 10.0], weights=np.array([1e4, 1.0]))
    for wrong in ([0.0, 10.0], [-1e-3, 10.0], [1e-3, 0.0]):
        verdict = judge(wrong, truth, rtol=1e-4)
        assert verdict.outcome is Outcome.WRONG, wrong
        assert "promised" in verdict.message
    assert judge([0.0, 10.0], known([1e-4, 10.0]), rtol=1e-4).outcome is Outcome.OK


def test_rtol_is_a_promise_on_norms_too():
    """Where steps differ by orders of magnitude the share alone would let the whole be wrong."""
    truth = known([1.0, 1.0], weights=np.array([1e6, 1.0]))
    verdict = judge([1.0, 1.5], truth, rtol=1e-4)
    assert verdict.outcome is Outcome.WRONG
    assert "0.35 of the result's norm, where 0.0001 is promised" in verdict.message


def test_points_and_values_have_no_share_in_others():
    """A batch's small element, and a value beside a large gradient, answer for themselves."""
    batch = known([1.0, 1e-9], pointwise=True)
    assert judge([1.0, 1e-9 * (1 + 1e-5)], batch, rtol=1e-4).outcome is Outcome.OK
    assert judge([1.0, 1e-9 * (1 + 1e-3)], batch, rtol=1e-4).outcome is Outcome.WRONG
    both = known([1e-9, 1.0], weights=np.array([0.0, 1.0]))
    assert judge([1.1e-9, 1.0], both, rtol=1e-4).outcome is Outcome.WRONG


def promises(operator: Operator) -> list[float]:
    """Every rtol that any method gives of the operator."""
    found = {m.rtol[operator] for m in registry.methods().values() if operator in m.rtol}
    return sorted(found)


def references_of_differences() -> list[Any]:
    rosenbrock = registry.problem("rosenbrock")
    more = [(rosenbrock, 100, op) for op in (Operator.GRADIENT, Operator.HESSIAN)]
    small = [r for r in ROWS if r[1] == r[0].sizes[0] or r[0].name in OLD]
    return [r for r in [*small, *more] if promises(r[2]) and r[1] != 100_000]


# Whose second sizes are tried too: with few variables, each of its own scale.
OLD = ("gauss_nll", "histogram_nll", "rosenbrock")
# Elements of each that are tried: the largest and the smallest that can be, and some between.
TRIED = 40
INEXACT = references_of_differences()
# Too small beside their share for a promise of 6e-5, as element 54 of the 100: 3e-4 among hundreds.
UNTESTED = {
    "rosenbrock[100]/gradient": 1, "ba[5x50x200]/jvp": 4, "brusselator[8]/jacobian": 4,
    "brusselator[8]/jvp": 1, "ht[544x100]/jacobian": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "size", "operator"),
    INEXACT,
    ids=[f"{p.name}[{size_text(s)}]/{o.value}" for p, s, o in INEXACT],
)
def test_one_element_zeroed_or_of_the_other_sign_is_rejected_under_every_promise(
    problem, size, operator
):
    """Every nonzero element above rtol times its share, by every rtol that any method promises; the
    elements below are counted, and listed above.
    """
    truth = certified(problem, size, operator, problem.at(size))
    for rtol in promises(operator):
        assert judge(truth.scatter(truth.hi), truth, rtol).outcome is Outcome.OK
        seen = np.flatnonzero(np.abs(truth.hi) > inexact_tolerance(truth, rtol))
        untested = np.count_nonzero(truth.hi) - seen.size
        assert untested <= UNTESTED.get(f"{problem.name}[{size_text(size)}]/{operator.value}", 0)
        seen = seen[np.argsort(np.abs(truth.hi[seen]), kind="stable")]
        for i in seen[np.unique(np.linspace(0, seen.size - 1, TRIED).astype(int))].tolist():
            for value in (0.0, -truth.hi[i]):
                answer = truth.hi.copy()
                answer[i] = value
                verdict = judge(truth.scatter(answer), truth, rtol)
                assert verdict.outcome is Outcome.WRONG, (rtol, i, value)


def test_wrong_small_elements_of_a_badly_scaled_hessian_are_rejected():
    """The amplitude of the histogram is 15 000: its curvature is 4e-5 beside 2 700, and counts."""
    problem = registry.problem("histogram_nll")
    truth = certified(problem, 100, Operator.HESSIAN, problem.at(100))
    answer = truth.hi.copy()
    answer[0], answer[1] = -answer[0], 0.0
    verdict = judge(truth.scatter(answer), truth, rtol=6.1e-5)
    assert verdict.accuracy is not None
    assert verdict.accuracy.error_rel < 6.1e-5
    assert verdict.outcome is Outcome.WRONG
    assert "2 of 9" in verdict.message


def test_rtol_never_asks_for_more_than_an_exact_method():
    """With kappa 1e10 an exact method may be 2e-4 off, so a difference may."""
    truth = known([1.0], sensitivity=[1e10])
    assert judge([1.0 + 1e-4], truth, rtol=1e-8).outcome is Outcome.OK
    assert judge([1.0 + 1e-3], truth, rtol=1e-8).outcome is Outcome.WRONG


@pytest.mark.parametrize("rtol", [0.0, 1.0, -1e-6, math.nan])
def test_rtol_that_promises_nothing_is_refused(rtol):
    """Zero and one are no promises of a finite difference."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        judge([1.0], known([1.0]), rtol=rtol)


# ------------------------------------------------------------------------------------------- accuracy


def test_errors_are_measured_against_both_halves_of_the_truth():
    """Truth 1 + 2^-54: the double 1 is a quarter ulp off, the next one three quarters."""
    truth = known([1.0], lo=[2.0**-54])
    assert accuracy([1.0], truth).worst_ulp == 0.25
    assert accuracy([1.0 + ULP], truth).worst_ulp == 0.75
    assert accuracy([1.0], truth).error_ulp == 0.25


def test_figures_of_accuracy():
    """Norm-wise and worst element, each in relative size and in ulp of the right number."""
    found = accuracy([3.0, 4.0 + 4 * ULP, 0.5], known([3.0, 4.0, 0.5], sensitivity=[3.0, 4.0, 0.5]))
    size = math.sqrt(25.25)
    assert found.error_rel == pytest.approx(4 * ULP / size)
    assert found.error_ulp == 1.0
    assert found.worst_rel == ULP
    assert found.worst_ulp == 1.0
    assert found.kappa == pytest.approx(1.0)


def test_zero_truth_gives_finite_figures():
    """The largest element, or 1, stands in for the size of what is 0."""
    assert accuracy([0.0, 2.0], known([0.0, 2.0])).worst_rel == 0.0
    assert accuracy([1.0, 2.0], known([0.0, 2.0])).worst_rel == 0.5
    assert accuracy([0.25], known([0.0], sensitivity=[1.0])).error_rel == 0.25


def test_accuracy_goes_through_json():
    """Standard JSON and back, even where kappa is infinite."""
    found = accuracy([0.25], known([0.0], sensitivity=[1.0]))
    text = json.dumps(found.as_dict(), allow_nan=False)
    assert Accuracy.from_dict(json.loads(text)) == found


def test_accuracy_refuses_what_has_no_error():
    """Another shape, or numbers that are not finite."""
    with pytest.raises(ValueError, match="shape"):
        accuracy([1.0], known([1.0, 2.0]))
    with pytest.raises(ValueError, match="not finite"):
        accuracy([math.nan], known([1.0]))


# ---------------------------------------------------------------------------------------------- laws

truths = arrays(
    np.float64, st.integers(1, 6), elements=st.floats(-1e6, 1e6).map(lambda v: v or 1.0)
)


@settings(max_examples=100, deadline=None)
@given(truths, st.data())
def test_half_an_ulp_is_accepted_and_a_millionth_is_not(value, data):
    """Whatever the truth: its double passes, and one element off by 1e-6 fails."""
    assume(np.all(np.abs(value) > 1e-290))
    truth = known(value)
    assert judge(value, truth).outcome is Outcome.OK
    i = data.draw(st.integers(0, value.size - 1))
    off = value.copy()
    off[i] *= 1.0 + 1e-6
    assert judge(off, truth).outcome is Outcome.WRONG
    assert judge(off, truth, rtol=1e-5).outcome is Outcome.OK


@settings(max_examples=100, deadline=None)
@given(truths, st.floats(0, 1e3), st.floats(-3, 3), st.integers(-300, 300))
def test_scaling_by_a_power_of_two_changes_no_verdict(value, sensitivity, error, exponent):
    """Promises and figures are relative: they do not know the unit of f."""
    assume(np.all(np.abs(value) > 1e-100))
    k = 2.0**exponent
    answer = value + error * tolerance(known(value, sensitivity))
    one = judge(answer, known(value, sensitivity))
    two = judge(answer * k, known(value * k, sensitivity * k))
    assert one.outcome is two.outcome
    assert one.accuracy is not None
    assert two.accuracy is not None
    assert two.accuracy.worst_rel == one.accuracy.worst_rel
    assert two.accuracy.error_rel == pytest.approx(one.accuracy.error_rel, rel=1e-12)


@pytest.mark.parametrize(("name", "value"), [
    ("permuted", [1.0, 2.0]), ("float32", [0.1]), ("nudged", [0.0, 7.0]), ("zero", [0.5]),
])  # fmt: skip
def test_mutants_differ_from_the_truth(name, value):
    """Each mutant that is offered is not the truth."""
    answer = mutants(known(value))[name]
    assert answer.shape == np.shape(value)
    assert np.any(answer != value)


def test_mutants_that_would_be_the_truth_are_not_offered():
    """A zero has no zeroed mutant; equal elements no permuted one; 0.5 is a float32."""
    assert set(mutants(known([0.0, 0.0]))) == {"nan"}
    assert set(mutants(known([0.5, 0.5]))) == {"nan", "zero", "sign flip", "nudged"}
