"""What result lines say: frames, comparisons, floors, verdicts."""

import itertools
import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import synthetic
from handmade import ROW, frame_of, line, twins
from hypothesis import given, settings
from hypothesis import strategies as st

from adbench.analysis import (
    compare,
    crossovers,
    duels,
    failures,
    fixed_pair,
    noise_floor,
    pool,
    read,
    summary,
    tidy,
    verdict,
)
from adbench.analysis.breakeven import break_even
from adbench.analysis.compare import decide, interval, log_ratios, pooled
from adbench.analysis.duel import Duel
from adbench.analysis.pick import pick
from adbench.analysis.verdict import overall
from adbench.analysis.wording import percent, seconds, span, times, ulps
from adbench.model import Comparison, Decision


def fight(frame, first="jax-reverse", second="numba-dual"):
    """The comparison of two methods on `ROW`, as `duels` makes it."""
    d = log_ratios(frame, ROW, first, second)
    return compare(ROW, first, second, d.to_numpy(), noise_floor(frame))


class TestTidy:
    def test_steady_time_is_the_lowest_tenth_of_the_blocks_by_the_cpu_clock(self):
        row = frame_of({"jax-reverse": [2e-6]}).iloc[0]
        assert (row.steady_s, row.steady_wall_s, row.median_s) == (2e-6, 3e-6, 4e-6)
        assert (row.clock, row.blocks) == ("cpu", 11)

    @pytest.mark.parametrize("cpu", [[], [0.0, 0.0, 0.0], None, [1e-6, None, 1e-6]])
    def test_the_wall_clock_stands_in_for_missing_cpu_samples(self, cpu):
        one = line("jax-reverse", 2e-6)
        one["measurements"][0]["cpu_s"] = cpu
        row = tidy([one]).iloc[0]
        assert (row.clock, row.steady_s) == ("wall", 3e-6)

    def test_the_wall_clock_can_be_asked_for_and_no_other(self):
        assert tidy([line("jax-reverse", 2e-6)], clock="wall").steady_s[0] == 3e-6
        with pytest.raises(ValueError, match="use 'cpu'"):
            tidy([], clock="sundial")

    def test_absent_numbers_are_nan_and_absent_accuracy_is_no_error(self):
        row = tidy([line("jax-reverse", 1e-6, accuracy=None)]).iloc[0]
        assert all(math.isnan(row[key]) for key in ("error_ulp", "kappa", "first_s", "n"))

    def test_a_case_that_did_not_run_has_no_time_whatever_its_line_carries(self):
        row = tidy([line("jax-reverse", 1e-6, outcome="wrong")]).iloc[0]
        assert math.isnan(row.steady_s)
        assert row.blocks == 0

    def test_other_kinds_are_skipped_and_the_last_line_of_a_case_counts(self):
        lines = [{"kind": "resume"}, line("jax-reverse", 5e-6), line("jax-reverse", 2e-6)]
        assert tidy(lines).steady_s.tolist() == [2e-6]

    def test_sizes_of_several_numbers_are_ordered_by_their_product(self):
        rows = [
            line("jax-reverse", 1e-6, row=("gmm", s, "gradient")) for s in ("20x10", "3", "100")
        ]
        assert tidy(rows)["size"].tolist() == ["3", "100", "20x10"]

    def test_no_lines_make_an_empty_frame_with_all_columns(self):
        frame = tidy([])
        assert frame.empty
        assert frame["steady_s"].dtype == np.float64

    def test_pooled_runs_keep_their_processes_apart(self):
        one = frame_of({"jax-reverse": [1e-6, 2e-6]})
        assert pool([one, one]).repeat.tolist() == [0, 1, 2, 3]
        assert pool([]).empty

    def test_runs_of_different_function_texts_are_not_pooled(self):
        a, b = (frame_of({"jax-reverse": [1e-6]}, form_hash=h) for h in ("aaaa", "bbbb"))
        with pytest.raises(ValueError, match="different function texts"):
            pool([a, b])

    def test_a_stored_file_reads_as_a_frame(self, tmp_path):
        import json

        header, lines = synthetic.run(repeats=1)
        path = tmp_path / "results.jsonl"
        path.write_text("".join(json.dumps(x) + "\n" for x in (header, *lines)))
        pd.testing.assert_frame_equal(read(path), tidy(lines))


class TestCompare:
    def test_ratio_and_interval_are_students_t_of_log_ratios(self):
        frame = frame_of({"jax-reverse": [2e-6, 4e-6, 3e-6], "numba-dual": [1e-6, 1.9e-6, 1.6e-6]})
        found = fight(frame)
        d = np.log([2 / 1, 4 / 1.9, 3 / 1.6])
        half = 9.92484320091807 * d.std(ddof=1) / math.sqrt(3)  # t(0.995, 2 degrees of freedom)
        assert (found.level, found.processes) == (0.99, 3)
        assert found.ratio == pytest.approx(math.exp(d.mean()), rel=1e-9)
        assert found.low == pytest.approx(math.exp(d.mean() - half), rel=1e-9)
        assert found.high == pytest.approx(math.exp(d.mean() + half), rel=1e-9)

    def test_one_process_gives_a_ratio_but_neither_interval_nor_decision(self):
        lines = [line("jax-reverse", 9e-6), line("numba-dual", 1e-6), *twins()]
        found = fight(tidy(lines))
        assert found.ratio == pytest.approx(9)
        assert (found.low, found.high, found.decision) == (None, None, Decision.UNDECIDED)

    def test_without_a_noise_floor_nothing_is_decided(self):
        frame = frame_of({"jax-reverse": [9e-6] * 3, "numba-dual": [1e-6] * 3})
        found = fight(frame)
        assert found.low == pytest.approx(9)
        assert (found.noise_floor, found.decision) == (None, Decision.UNDECIDED)

    def test_only_processes_in_which_both_ran_are_paired(self):
        frame = frame_of({"jax-reverse": [2e-6, 8e-6], "numba-dual": [1e-6]})
        assert fight(frame).ratio == pytest.approx(2)

    def test_methods_that_never_met_are_an_error_that_says_so(self):
        with pytest.raises(ValueError, match="no timed process in common"):
            fight(frame_of({"jax-reverse": [1e-6]}))

    @settings(max_examples=30)
    @given(
        st.lists(st.tuples(st.floats(1e-7, 1e-3), st.floats(1e-7, 1e-3)), min_size=1, max_size=5)
    )
    def test_exchanging_the_methods_inverts_the_answer(self, pairs):
        lines = [line("jax-reverse", a, i) for i, (a, _) in enumerate(pairs)]
        lines += [line("numba-dual", b, i) for i, (_, b) in enumerate(pairs)]
        frame = tidy([*lines, *twins()])
        there = fight(frame)
        back = fight(frame, "numba-dual", "jax-reverse")
        mirror = {Decision.FASTER: Decision.SLOWER, Decision.SLOWER: Decision.FASTER}
        assert there.ratio * back.ratio == pytest.approx(1)
        assert back.decision is mirror.get(there.decision, there.decision)

    @given(st.floats(0.01, 100), st.floats(1, 10), st.floats(0, 2))
    def test_decisions_need_the_whole_interval(self, low, width, floor):
        high = low * width
        edge = 1 + max(0.05, floor)
        decision = decide(low, high, floor)
        assert (decision is Decision.SLOWER) == (low > edge)
        assert (decision is Decision.FASTER) == (high < 1 / edge)
        if decision is Decision.TIE:
            assert 1 / edge <= low <= high <= edge <= 1.25

    def test_a_tie_is_not_called_on_a_machine_too_noisy_for_the_word(self):
        assert decide(0.99, 1.01, 0.03) is Decision.TIE
        assert decide(0.99, 1.01, 0.60) is Decision.UNDECIDED

    def test_the_interval_of_equal_ratios_is_a_point(self):
        assert interval(np.log([3.0, 3.0, 3.0])) == pytest.approx((3.0, 3.0))


class TestNoiseFloor:
    def test_is_three_standard_deviations_of_a_rows_mean(self):
        x = math.log(1.01)  # in each of three processes, of which the later two count as a mean
        prior = (1.4826 * x) ** 2 / 2
        scale = math.sqrt((x**2 + 4 * prior) / 5)
        assert noise_floor(tidy(twins(1.01))) == pytest.approx(math.expm1(3 * scale))

    def test_is_zero_for_perfect_twins(self):
        assert noise_floor(tidy(twins())) == 0.0

    def test_is_unknown_without_twins_or_with_fewer_than_three_pairs(self):
        assert noise_floor(frame_of({"jax-reverse": [1e-6] * 3})) is None
        assert noise_floor(tidy(twins()[:4])) is None
        assert noise_floor(tidy([])) is None

    def test_twins_take_no_part_in_comparisons_or_summaries(self):
        lines = [line("jax-reverse", 2e-6), line("jax-reverse", 9e-6, twin=True)]
        frame = tidy([*lines, line("numba-dual", 1e-6)])
        assert fight(frame).ratio == pytest.approx(2)
        assert summary(frame).set_index("method").time_s["jax-reverse"] == pytest.approx(2e-6)


class TestDuels:
    def test_the_choice_and_the_ratio_come_from_different_processes(self):
        # jax-a is chosen by a lucky first process; its usual 4 us must be what is reported
        times_of = {"jax-a": [1e-6, 4e-6, 4e-6], "jax-b": [2e-6] * 3, "numba-dual": [1e-6] * 3}
        (duel,) = duels(frame_of(times_of))
        assert (duel.first, duel.held_out) == ("jax-a", True)
        assert duel.comparison.ratio == pytest.approx(4)

    def test_with_two_processes_the_later_one_gives_the_ratio_alone(self):
        (duel,) = duels(frame_of({"jax-a": [1e-6, 4e-6], "numba-dual": [1e-6] * 2}))
        assert duel.held_out
        assert (duel.comparison.ratio, duel.comparison.low) == (pytest.approx(4), None)

    def test_with_one_process_choice_and_ratio_share_it_and_it_is_said(self):
        (duel,) = duels(frame_of({"jax-a": [2e-6], "numba-dual": [1e-6]}))
        assert not duel.held_out
        assert duel.comparison.ratio == pytest.approx(2)

    def test_a_choice_on_a_later_process_holds_the_ones_after_it(self):
        # numba crashed in the first process: its method is chosen on the second
        lines = [line("jax-a", 8e-6, i) for i in range(4)]
        lines += [line("numba-a", t, i) for i, t in ((1, 1e-6), (2, 2e-6), (3, 2e-6))]
        (duel,) = duels(tidy(lines))
        assert duel.comparison.ratio == pytest.approx(4)
        assert duel.comparison.processes == 2

    def test_an_exact_method_stands_for_its_tool_before_finite_differences(self):
        quick = line("numba-central", 1e-7, mode="difference")
        slow = [line("numba-dual", 3e-6), line("jax-reverse", 6e-6)]
        (duel,) = duels(tidy([quick, *slow]))
        assert (duel.second, duel.exact) == ("numba-dual", True)
        (duel,) = duels(tidy([quick, slow[1]]))
        assert (duel.second, duel.exact) == ("numba-central", False)

    def test_a_derivative_by_hand_stands_for_no_tool(self):
        """It is the limit that methods are compared with: nobody's differentiation."""
        hand = line("numba-manual", 1e-7, mode="manual")
        (duel,) = duels(tidy([hand, line("numba-dual", 3e-6), line("jax-reverse", 6e-6)]))
        assert (duel.second, duel.comparison.ratio) == ("numba-dual", pytest.approx(2))
        (duel,) = duels(tidy([hand, line("jax-reverse", 6e-6)]))
        assert duel.second is None
        (given,) = fixed_pair(
            tidy([hand, line("jax-reverse", 6e-6)]), "jax-reverse", "numba-manual"
        )
        assert given.second == "numba-manual"

    def test_a_method_of_fewer_digits_stands_for_no_tool_and_is_never_the_best(self):
        """Nor is it what the others are slower than; files without a dtype have float64 alone."""
        half = {**line("jax-float32", 1e-6), "dtype": "float32"}
        frame = tidy([half, line("jax-reverse", 4e-6), line("numba-dual", 2e-6)])
        (duel,) = duels(frame)
        assert (duel.first, duel.comparison.ratio) == ("jax-reverse", pytest.approx(2))
        slowdown = summary(frame).set_index("method")["slowdown"]
        assert slowdown.to_dict() == pytest.approx(
            {"numba-dual": 1.0, "jax-reverse": 2.0, "jax-float32": 0.5}
        )
        (duel,) = duels(tidy([half, line("numba-dual", 3e-6)]))
        assert duel.first is None
        assert summary(tidy([half]))["slowdown"].tolist() == [1.0]

    def test_a_method_that_failed_in_some_process_gives_way_to_one_that_never_did(self):
        lines = [line("jax-a", 1e-6), line("jax-a", 1e-6, 1, outcome="crashed")]
        lines += [line("jax-b", 2e-6, i) for i in range(2)]
        assert pick(tidy(lines)) == "jax-b"
        assert pick(tidy(lines[:2])) == "jax-a"
        assert pick(tidy(lines[1:2])) is None

    def test_a_tool_without_an_answer_says_why(self):
        lines = [line("numba-dual", 1e-6), line("jax-a", 1e-6, outcome="unsupported")]
        lines.append(line("jax-b", 1e-6, outcome="wrong", message="off by 3"))
        (duel,) = duels(tidy(lines))
        assert (duel.first, duel.comparison) == (None, None)
        assert duel.first_why == "jax-b: wrong: off by 3"

    def test_tools_right_in_different_processes_are_apart_and_not_compared(self):
        lines = [line("jax-a", 2e-6), line("jax-a", 2e-6, 1, outcome="crashed")]
        lines += [line("numba-a", 1e-6, outcome="crashed"), line("numba-a", 1e-6, 1)]
        (duel,) = duels(tidy(lines))
        assert (duel.first, duel.second, duel.comparison) == ("jax-a", "numba-a", None)
        assert duel.apart
        assert "Measure both in one run" in verdict(tidy(lines)).sentence

    def test_a_duel_is_the_comparison_of_its_two_methods(self):
        frame = frame_of({"jax-reverse": [9e-6, 7e-6, 8e-6], "numba-dual": [1e-6, 1.1e-6, 1e-6]})
        (duel,) = duels(frame)
        assert duel.comparison == fight(frame[frame.repeat > 0])
        assert not duel.moderated

    def test_it_is_told_whether_the_interval_borrowed_from_the_run(self):
        def moderated(repeats):
            found = duels(tidy(synthetic.run(repeats=repeats)[1]))
            return {d.moderated for d in found if d.comparison}

        assert moderated(1) == {False}
        assert moderated(3) == {True}

    def test_crossover_is_where_the_log_log_lines_meet(self):
        lines = [*twins()]
        for n, i in itertools.product((10, 1000), range(3)):
            row = ("toy", str(n), "gradient")
            lines += [line("jax-a", 1e-5, i, row=row), line("numba-a", 1e-7 * n, i, row=row)]
        (found,) = crossovers(duels(tidy(lines)))
        assert found.size == pytest.approx(100)
        assert (found.below, found.above, found.between) == ("second", "first", (10, 1000))

    def test_no_crossover_without_two_decided_winners(self):
        assert crossovers(duels(tidy(synthetic.run()[1]))) == ()


def say(**more):
    return verdict(tidy(synthetic.run(**more)[1]))


def at_large_sizes(tool, _problem, size):
    return 0.3 if tool == "jax" and size in ("10000", "1000") else 1.0


class TestVerdict:
    def test_a_clear_winner_with_ratio_interval_and_counts(self):
        v = say()
        assert v.sentence.startswith("On this machine Numba is 4.2× faster than JAX (95 %")
        assert f"(95 % interval over 4 problems: {span(v.low, v.high)}) in 9 comp" in v.sentence
        assert "Numba wins 8, JAX 0, ties 1, undecided 0" in v.sentence
        assert (v.rows, v.first_wins, v.second_wins, v.ties, v.undecided) == (9, 0, 8, 1, 0)
        assert v.low < v.ratio < v.high

    def test_the_other_winner_is_told_with_the_ratio_turned_round(self):
        v = say(speed=lambda tool, *_: 0.02 if tool == "jax" else 1.0)
        assert v.ratio < 1
        assert f"JAX is {times(1 / v.ratio)} faster than Numba" in v.sentence
        assert f"problems: {span(1 / v.high, 1 / v.low)}" in v.sentence

    def test_where_the_other_tool_wins_is_named(self):
        # small sizes such that the problems agree in the mean: else there is no headline
        slow = {"histogram_nll": 20.0, "rosenbrock": 0.3}

        def speed(tool, problem, size):
            large = at_large_sizes(tool, problem, size)
            return large if tool != "jax" or large < 1.0 else slow.get(problem, 4.0)

        v = say(speed=speed)
        assert v.first_wins == 3
        assert "But JAX wins on gauss_nll at size 10000 (gradient), histogram_nll at" in v.sentence
        assert "by up to 3.3×, each time at the largest size measured." in v.sentence

    def test_an_even_match_says_that_it_depends(self):
        v = say(
            speed=lambda tool, problem, _: 0.03 if (tool, problem) == ("jax", "gauss_nll") else 1
        )
        assert v.first_wins == 2
        assert "It depends on the problem" in v.sentence
        assert "JAX wins on gauss_nll at size 100 (gradient)" in v.sentence

    def test_all_ties(self):
        same = {"jax-a": [1e-6] * 3, "numba-a": [1e-6] * 3}
        frame = pd.concat([frame_of(same), tidy(twins())], ignore_index=True)
        assert "equally fast within 5 % in 1 comparison:" in verdict(frame).sentence

    def test_a_smoke_run_gives_no_verdict(self):
        v = say(repeats=1)
        assert v.sentence.startswith("No verdict yet: each method ran in one process only")
        assert v.undecided == v.rows == 9

    def test_without_twins_no_verdict(self):
        assert say(twins=False).sentence.startswith("No verdict: no method was measured against")

    def test_noise_gives_no_verdict_and_no_tie(self):
        v = say(noise=0.9)
        assert v.sentence.startswith("No verdict: JAX and Numba cannot be told apart here")
        assert (v.ties, v.undecided) == (0, 9)

    @pytest.mark.parametrize(
        ("tools", "said"),
        [
            (["numba", "numpy"], "JAX is not part of this run. This page shows Numba"),
            (["jax"], "Numba is not part of this run. This page shows JAX"),
            (["numpy"], "JAX and Numba are not part of this run"),
            ([], "JAX and Numba are not part of this run"),
        ],
    )
    def test_a_tool_that_was_not_run_is_named(self, tools, said):
        v = say(tools=tools)
        assert said in v.sentence
        assert (v.rows, v.ratio) == (0, None)

    @pytest.mark.parametrize(
        ("outcome", "said"),
        [("unavailable", "JAX is not installed here"), ("crashed", "JAX gave no answer (crashed)")],
    )
    def test_a_tool_that_gave_nothing_is_told_with_its_outcome(self, outcome, said):
        lines = synthetic.tool_fails(synthetic.run()[1], "jax", outcome, "")
        assert said in verdict(tidy(lines)).sentence

    def test_rows_that_only_one_tool_answered_are_counted_apart(self):
        lines = synthetic.run(failures=False)[1]
        hard = [
            synthetic.fail(x, "wrong", "off")
            if (x["tool"], x["problem"]) == ("jax", "rosenbrock")
            else x
            for x in lines
        ]
        v = verdict(tidy(hard))
        assert (v.rows, v.second_only, v.first_only) == (7, 2, 0)
        assert "In 2 more only Numba gave a right answer." in v.sentence

    def test_rows_of_the_function_itself_take_no_part(self):
        lines = [*twins()]
        for i, operator in itertools.product(range(3), ("value", "gradient")):
            row = ("toy", "10", operator)
            lines += [line("jax-a", 9e-6, i, row=row), line("numba-a", 1e-6, i, row=row)]
        assert verdict(tidy(lines)).rows == 1

    def test_each_problem_weighs_the_same_however_many_rows_it_has(self):
        lines = [line("jax-a", 4e-6, i, row=("one", "1", "gradient")) for i in range(3)]
        lines += [line("numba-a", 1e-6, i, row=("one", "1", "gradient")) for i in range(3)]
        for size, i in itertools.product("123456", range(3)):
            row = ("two", size, "gradient")
            lines += [line("jax-a", 1e-6, i, row=row), line("numba-a", 1e-6, i, row=row)]
        v = verdict(tidy(lines))
        assert v.ratio == pytest.approx(2)
        assert (v.low, v.high) == (None, None)

    def test_a_single_comparison_keeps_its_own_interval(self):
        times_of = {"jax-a": [9e-6, 9e-6, 9.1e-6], "numba-a": [1e-6] * 3}
        frame = pd.concat([frame_of(times_of), tidy(twins())], ignore_index=True)
        v = verdict(frame[frame.row == ROW])
        assert v.low < v.ratio < v.high
        assert "No verdict" in v.sentence  # no floor among these lines
        said = verdict(frame).sentence
        assert v.level == 0.99
        interval_said = f"(99 % interval over processes: {span(v.low, v.high)})"
        assert f"faster than JAX {interval_said} in 1 comparison:" in said


def won(problem, log_ratio):
    """A duel of one row of a problem with the given log ratio."""
    row = f"{problem}[1]/gradient"
    ratio = math.exp(log_ratio)
    found = Comparison(row, "jax-a", "numba-a", ratio, ratio, ratio, 0.0, Decision.UNDECIDED)
    return Duel(
        row=row, problem=problem, size="1", size_n=1, operator="gradient", first="jax-a", second="numba-a",
        first_why="", second_why="", comparison=found, held_out=True, moderated=False, exact=True,
    )  # fmt: skip


class TestOverall:
    @pytest.mark.parametrize("problems", [3, 4])
    def test_the_interval_over_few_problems_covers_what_it_promises(self, problems):
        """Problems drawn from a population of ratio 1: the 95 % interval holds 1 in 93 to 97 %."""
        rng = np.random.default_rng(11)
        held = []
        for _ in range(2000):
            _, low, high = overall([won(f"p{i}", rng.standard_normal()) for i in range(problems)])
            held.append(low <= 1.0 <= high)
        assert 0.93 <= np.mean(held) <= 0.97

    def test_it_is_students_t_of_the_problems_means(self):
        rows = [won(p, x) for p, x in (("a", 1.0), ("a", 3.0), ("b", 1.0), ("c", 0.0))]
        ratio, low, high = overall(rows)
        half = 4.302652729911275 * 1.0 / math.sqrt(3)  # means 2, 1, 0; t(0.975, 2)
        assert ratio == pytest.approx(math.exp(1.0))
        assert (low, high) == pytest.approx((math.exp(1 - half), math.exp(1 + half)))

    def test_two_problems_give_no_interval(self):
        assert overall([won("a", 1.0), won("b", 2.0), won("b", 3.0)])[1:] == (None, None)

    def test_a_factor_that_hangs_on_the_problem_is_no_headline(self):
        huge = {"gauss_nll": 100.0, "rosenbrock": 30.0}
        v = say(speed=lambda tool, problem, _: huge.get(problem, 1.2) if tool == "jax" else 1.0)
        assert v.low < 1.0 < v.ratio
        assert v.sentence.startswith("On this machine Numba is the faster one in 9 of 9 comparison")
        assert "By how much hangs on the problem" in v.sentence


class TestSummary:
    def test_the_worst_element_and_the_condition_are_kept_beside_the_norm(self):
        (row,) = summary(
            tidy(
                [
                    line(
                        "jax-a", 1e-6, i, accuracy={"error_ulp": 2.0, "worst_ulp": w, "kappa": 5.0}
                    )
                    for i, w in enumerate((7.0, 9.0))
                ]
            )
        ).to_dict("records")
        assert (row["error_ulp"], row["worst_ulp"], row["kappa"]) == (2.0, 9.0, 5.0)

    def test_slowdown_is_against_the_best_of_the_row(self):
        table = summary(frame_of({"jax-a": [4e-6, 9e-6], "numba-a": [2e-6, 2e-6]}))
        found = table.set_index("method")
        assert found.time_s["jax-a"] == pytest.approx(6e-6)
        assert found.slowdown.to_dict() == pytest.approx({"jax-a": 3.0, "numba-a": 1.0})

    def test_the_worst_outcome_of_the_processes_is_shown(self):
        lines = [line("jax-a", 1e-6), line("jax-a", 1e-6, 1, outcome="crashed")]
        (row,) = summary(tidy(lines)).to_dict("records")
        assert (row["outcome"], row["processes"], row["tried"]) == ("crashed", 1, 2)

    def test_failures_are_listed_once_a_case_with_their_count(self):
        table = failures(tidy(synthetic.run()[1]))
        counts = dict(zip(table.id, table.processes, strict=True))
        assert counts.keys() == synthetic.FAILURES.keys()
        assert counts["rosenbrock[2]/gradient/jax-forward"] == 3
        assert Counter(table.outcome)["timed out"] == 1

    def test_break_even_is_where_total_times_are_equal(self):
        k = break_even(2.0, 1e-6, 0.5, 4e-6)
        # a start holds the first call, so k calls cost the start and k - 1 further ones
        assert 2.0 + (k - 1) * 1e-6 == pytest.approx(0.5 + (k - 1) * 4e-6, rel=1e-12)
        assert break_even(3.0, 1.0, 2.0, 2.0) == 2.0  # 3 + 1 = 2 + 2
        assert math.isnan(break_even(2.0, 4e-6, 0.5, 1e-6))
        assert math.isnan(break_even(math.nan, 4e-6, 0.5, 1e-6))

    def test_the_largest_memory_and_the_median_start_are_kept(self):
        def spent(i):
            memory = {"baseline_bytes": 100, "peak_bytes": 110 + i, "code_bytes": None}
            once = [{"phase": "first", "wall_s": [1.0 + i], "cpu_s": [1.0], "loops": [1]}]
            one = line("jax-a", 1e-6, i, memory=memory)
            return {**one, "measurements": one["measurements"] + once}

        (row,) = summary(tidy([spent(i) for i in range(3)])).to_dict("records")
        assert (row["above_bytes"], row["start_s"], row["disturbed"]) == (12, 2.0, 3)
        assert math.isnan(row["code_bytes"])


class TestModeratedInterval:
    @pytest.mark.parametrize("differ", [0.0, 1.0])
    def test_two_processes_a_row_are_covered_as_promised(self, differ):
        """Simulated rows whose true ratio is 1: their 95 % intervals hold it in 93 to 99.5 %."""
        rng = np.random.default_rng(5)
        held = []
        for _ in range(300):
            spreads = 0.02 * np.exp(differ * rng.standard_normal(8))
            rows = [s * rng.standard_normal(2) for s in spreads]
            spread = pooled(rows)
            held += [low <= 1.0 <= high for low, high in (interval(d, spread) for d in rows)]
        assert 0.93 <= np.mean(held) <= 0.995

    def test_a_wild_row_is_tamed_a_little_and_spoils_the_others_hardly(self):
        """One process at half speed: its row stays wide, the run's spread is that of the other rows."""
        calm, wild = np.array([0.0, 0.01]), np.array([0.0, 0.7])
        alone, spread = pooled([calm] * 4), pooled([calm, calm, wild, calm])
        assert alone.variance < spread.variance < 6 * alone.variance
        assert spread.variance < np.var(wild, ddof=1) / 500
        assert interval(wild, spread)[1] < interval(wild)[1]
        assert interval(wild, spread)[1] > 1.5

    def test_equal_spreads_are_pooled_as_they_are(self):
        """Clipping touches next to nothing where all rows vary alike."""
        rows = np.random.default_rng(5).normal(0.0, 0.02, (400, 3))
        assert pooled(rows).variance == pytest.approx(np.var(rows, axis=1, ddof=1).mean(), rel=0.02)

    def test_too_few_rows_leave_the_plain_interval(self):
        assert pooled([np.array([0.0, 1.0])] * 3) is None
        assert pooled([np.array([0.0])] * 9) is None


class TestWording:
    @pytest.mark.parametrize(
        ("value", "text"),
        [(1.234e-9, "1.23 ns"), (9.9996e-4, "1.00 ms"), (2.5, "2.50 s"), (123.4, "123 s")],
    )
    def test_durations_have_three_digits_and_a_unit(self, value, text):
        assert seconds(value).replace("\N{NARROW NO-BREAK SPACE}", " ") == text

    def test_factors_percentages_and_errors(self):
        assert [times(v) for v in (1.0123, 6.34, 12.4)] == ["1.01×", "6.3×", "12×"]
        assert [percent(v) for v in (0.05, 0.032, 0.4)] == ["5 %", "3.2 %", "40 %"]
        assert [ulps(v) for v in (0.51, 100.2, 4e5, math.nan)] == ["0.5", "100", "4.0e+05", ""]
