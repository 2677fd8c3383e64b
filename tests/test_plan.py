"""Presets, filters and what is decided without starting a process."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adbench import registry
from adbench.harness import plan
from adbench.harness.history import CALLS, Cost, History
from adbench.model import Case, Operator, Outcome, UnknownNameError

CASE = Case("gmm", (20, 10), "gradient", "jax-reverse")


@pytest.mark.parametrize(
    "pattern",
    [
        "gmm", "gmm[20x10]", "gradient", "jax-reverse", "jax-*", "gmm/gradient", "gmm[20x10]/gradient",
        "gmm[20x10]/gradient/jax-reverse", "*/*/jax-*", "{lstm,gmm}/{gradient,hessian}", "g?m",
        "gmm[*]/gradient",
    ],
)  # fmt: skip
def test_filters_that_match(pattern: str) -> None:
    assert plan.matches(pattern, CASE)


@pytest.mark.parametrize(
    "pattern",
    [
        "gm",
        "gmm[2]",
        "gmm[2?x10",
        "jax",
        "gmm/hessian",
        "*/*/numba-*",
        "gmm/gradient/jax-reverse/x",
        "[g]mm",
    ],
)
def test_filters_that_do_not_match(pattern: str) -> None:
    assert not plan.matches(pattern, CASE)


@given(st.sampled_from(plan.cases()))
def test_every_case_id_matches_itself_and_no_other(case: Case) -> None:
    """Brackets are literal, so an id is its own filter."""
    assert plan.cases((case.id,)) == [case]


def test_an_unmatched_filter_suggests_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'rosenbrock'"):
        plan.rows(plan.preset("quick"), ("rosenbrok/gradient",))
    with pytest.raises(UnknownNameError, match="braces"):
        plan.rows(plan.preset("quick"), ("{a,b",))


def test_an_unknown_preset_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'quick'"):
        plan.preset("quik")


def test_limits_must_be_positive() -> None:
    with pytest.raises(ValueError, match="time limit of -1"):
        plan.preset("quick").with_limits(-1.0, None)


def test_the_quick_preset_asks_for_gradients_and_one_hessian() -> None:
    rows = plan.rows(plan.preset("quick"))
    operators = {(r.problem.name, r.operator) for r in rows}
    hessians = {p for p, o in operators if o is Operator.HESSIAN}
    assert hessians == {"histogram_nll"}
    assert {o for _, o in operators} <= {
        Operator.GRADIENT, Operator.DERIVATIVE, Operator.JACOBIAN, Operator.HESSIAN,
    }  # fmt: skip


def test_first_sizes_come_before_second_ones() -> None:
    """So that a budget that runs out leaves every problem measured at one size."""
    rows = plan.rows(plan.preset("quick"))
    ranks = [r.problem.quick.index(r.size) for r in rows]
    assert ranks == sorted(ranks)


def test_gaps_forms_and_operators_are_decided_without_a_process() -> None:
    rows = {r.id: r for r in plan.rows(plan.preset("full"))}
    methods = registry.methods()
    row = rows["logistic_map[1]/derivative"]
    stopped = dataclasses.replace(methods["dual-python"], gaps={"long-chain": "loops are too long"})
    assert plan.decided(row, stopped) == (Outcome.UNSUPPORTED, "loops are too long")
    outcome, why = plan.decided(rows["det[4]/gradient"], methods["numba-manual"]) or (None, "")
    assert outcome is Outcome.UNSUPPORTED
    assert "numba-manual forms; det has" in why
    outcome, why = plan.decided(rows["rosenbrock[2]/hessian"], methods["complex-step"]) or (
        None,
        "",
    )
    assert (outcome, why) == (Outcome.UNSUPPORTED, "complex-step does not offer hessian")


def test_costs_are_predicted_from_two_smaller_sizes() -> None:
    """They grow as from the first of these two to the second; one size tells nothing of growth."""
    history = History()
    assert history.predict(CASE, 100) is None
    history.note(CASE, 10, Cost(5.0, 1.0))
    assert history.predict(CASE, 100) is None
    history.note(CASE, 100, Cost(5.0, 100.0))
    assert history.predict(CASE, 50) is None
    assert history.predict(CASE, 1000) == pytest.approx(5.0 + CALLS * 1e4)
    history.note(CASE, 1000, Cost(float("inf"), float("inf")))
    assert history.predict(CASE, 2000) == float("inf")


def test_two_near_sizes_tell_nothing_of_one_that_is_far() -> None:
    """From 3 and 8 to 1 000, a factor 2 of noise would be taken for steep growth."""
    history = History()
    history.note(CASE, 3, Cost(0.1, 1e-5))
    history.note(CASE, 8, Cost(0.4, 4e-5))
    assert history.predict(CASE, 1000) is None
    assert history.predict(CASE, 20) is not None


def test_smoke_covers_every_problem() -> None:
    """Variants of a method are left to a few problems, unless they are asked for."""
    rows = plan.rows(plan.preset("smoke"))
    assert {r.problem.name for r in rows} == set(registry.problems())
    many = {r.problem.name for r in rows if set(plan.VARIANTS) & {m.name for m in r.methods}}
    assert many == {p.name for p in registry.problems().values() if p.showcase}
    assert plan.rows(plan.preset("smoke"), ("gmm/*/jax-reverse-default",))


def test_quick_runs_leave_out_methods_beside_the_question_unless_they_are_asked_for() -> None:
    assert set(plan.ASIDE) <= set(registry.methods())
    found = {
        preset: {m.name for r in plan.rows(plan.preset(preset)) for m in r.methods}
        for preset in ("quick", "smoke", "standard")
    }
    assert not set(plan.ASIDE) & (found["quick"] | found["smoke"])
    assert set(plan.ASIDE) <= found["standard"]
    (row,) = plan.rows(plan.preset("smoke"), ("rosenbrock/*/jax-eager",))
    assert [m.name for m in row.methods] == ["jax-eager"]


def test_one_timeout_does_not_outlaw_a_case_that_ran() -> None:
    """A case that was measured once can run; a later timeout of it is a bad moment."""
    history = History()
    history.note(CASE, 10, Cost(1.0, 1.0))
    history.note(CASE, 10, Cost(float("inf"), float("inf")))
    assert history.predict(CASE, 100) is None


def test_a_timeout_below_a_size_that_ran_is_no_reason_to_stop() -> None:
    history = History()
    history.note(CASE, 10, Cost(float("inf"), float("inf")))
    history.note(CASE, 100, Cost(1.0, 1.0))
    assert history.predict(CASE, 1000) == pytest.approx(1.0 + CALLS * 10.0)


def test_jax_and_numba_have_four_processes_before_others_have_one() -> None:
    """One that chooses and three for the first look; the other methods; then what is undecided."""
    found = plan.stages(plan.preset("standard"))
    assert [(s.repeat, s.contenders) for s in found[:6]] == [
        (0, True), (1, True), (2, True), (3, True), (0, False), (4, True),
    ]  # fmt: skip
    assert len(found) == len(set(found)) == 9 + 2


@pytest.mark.parametrize(
    ("which", "names"),
    [
        ("none", []),
        ("contenders", ["jax-reverse", "numba-dual"]),
        ("all", ["jax-forward", "jax-reverse", "numba-central", "numba-dual", "numpy-central"]),
    ],
)
def test_second_copies(which: str, names: list[str]) -> None:
    """The fixed pair where it runs, everything that runs, or nothing."""
    pytest.importorskip("jax")
    pytest.importorskip("numba")
    wanted = "{jax-forward,jax-reverse,numba-central,numba-dual,numpy-central,jax-hessian}"
    row = plan.rows(plan.preset("standard"), (f"gauss_nll[100]/gradient/{wanted}",))[0]
    assert sorted(m.name for m in plan.twins(row, which)) == sorted(names)


def test_commas_are_literal_outside_braces() -> None:
    assert not plan.matches("gmm,lstm", CASE)
    assert plan.matches("{gmm,lstm}", CASE)


def test_a_filter_that_another_preset_knows_is_told_so() -> None:
    """The name is right, the preset too small: no 'did you mean'."""
    with pytest.raises(UnknownNameError, match="matches in: --preset quick or standard or full"):
        plan.rows(plan.preset("smoke"), ("rosenbrock[10]/gradient/numpy*",))
