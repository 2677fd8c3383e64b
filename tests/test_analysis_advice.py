"""Which methods get another process: finalists first, then what is not decided."""

import math

import pytest
import synthetic
from handmade import line

from adbench.analysis import duels, tidy, undecided, wanted
from adbench.analysis.compare import LOOKS
from adbench.model import Decision

EASY, HARD, EDGE = (("toy", size, "gradient") for size in ("1", "2", "3"))


def name(row):
    return f"{row[0]}[{row[1]}]/{row[2]}"


def campaign(ratios, repeats, noise=0.004):
    """Lines of JAX and Numba with copies; `ratios` gives JAX/Numba by row, noise alternates."""
    lines = []
    for k, (row, ratio) in enumerate(ratios.items()):
        for i in range(repeats):
            wobble = math.exp(noise * math.sin(2.0 * i + k))
            for twin in (False, True):
                back = 1.0 if twin else wobble
                lines.append(line("jax-reverse", ratio * 1e-6 * back, i, twin, row))
                lines.append(line("numba-dual", 1e-6, i, twin, row))
    return lines


def first_pass(**times):
    """Lines of the first process of one row, {method: time in us}, None for a crash."""
    return [
        line(m.replace("_", "-"), (t or 1.0) * 1e-6, outcome="ok" if t else "crashed")
        for m, t in times.items()
    ]


class TestFinalists:
    def test_they_are_the_best_of_each_tool_those_near_it_and_the_fixed_pair(self):
        lines = first_pass(
            jax_forward=1.0, jax_near=1.49, jax_far=1.51, jax_reverse=9.0,
            numba_fast=2.0, numba_near=2.9, numba_dual=7.0, numpy_central=0.1,
        )  # fmt: skip
        expected = {
            "jax-forward", "jax-near", "jax-reverse", "numba-fast", "numba-near", "numba-dual"
        }  # fmt: skip
        for repeat in (1, 2, 3):
            assert wanted(lines, repeat) == {"toy[10]/gradient": expected}

    def test_the_first_process_is_for_everything(self):
        assert wanted([], 0) is None

    def test_an_exact_method_stands_for_its_tool_however_fast_differences_are(self):
        lines = first_pass(jax_a=1.0, numba_dual=4.0)
        lines.append(line("numba-central", 1e-6, mode="difference"))
        (names,) = wanted(lines, 1).values()
        assert names >= {"jax-a", "numba-dual"}

    def test_copies_never_count(self):
        lines = [*first_pass(jax_a=5.0, numba_dual=4.0), line("jax-b", 1e-9, twin=True)]
        assert wanted(lines, 1) == {"toy[10]/gradient": {"jax-a", "numba-dual"}}

    def test_what_crashed_is_tried_once_more_where_its_tool_has_no_answer(self):
        lines = first_pass(jax_a=None, numba_a=1.0, numba_b=None)
        assert wanted(lines, 1) == {"toy[10]/gradient": {"jax-a", "numba-a"}}
        assert wanted(lines, 2) == {"toy[10]/gradient": {"numba-a"}}

    def test_a_second_chance_that_succeeds_makes_a_finalist(self):
        lines = first_pass(jax_a=None, numba_a=1.0)
        lines += [line("jax-a", 1e-6, 1), line("numba-a", 1e-6, 1)]
        assert wanted(lines, 2) == {"toy[10]/gradient": {"jax-a", "numba-a"}}

    def test_a_tool_alone_gets_two_more_processes_of_everything_that_ran(self):
        lines = first_pass(jax_a=1.0, jax_b=9.0, jax_c=None, numpy_a=1.0)
        for repeat in (1, 2):
            assert wanted(lines, repeat) == {"toy[10]/gradient": {"jax-a", "jax-b"}}
        assert [wanted(lines, r) for r in (3, 4, 6)] == [{}, {}, {}]

    @pytest.mark.parametrize("repeat", [1, 2, 3, 4, 5, 6, 8, 9])
    def test_without_the_two_tools_nothing_is_wanted(self, repeat):
        assert wanted([], repeat) == {}
        assert wanted([line("numpy-central", 1e-6)], repeat) == {}
        gone = synthetic.tool_fails(synthetic.run(repeats=1)[1], "jax", "unavailable", "")
        assert "jax-reverse" not in str(wanted(list(gone), repeat))


class TestLooks:
    def test_only_rows_undecided_at_the_look_before_go_on(self):
        lines = campaign({EASY: 9.0, HARD: 1.05, EDGE: 0.2}, 4)
        pair = {"jax-reverse", "numba-dual"}
        for repeat in (4, 5):
            assert wanted(lines, repeat) == {name(HARD): pair}

    def test_the_decision_is_that_of_the_look_whatever_came_later(self):
        # at the look at 3 the row is open, at the look at 5 it is decided
        noisy = campaign({EASY: 9.0, HARD: 1.25, EDGE: 0.2}, 9, noise=0.06)
        assert name(HARD) in wanted(noisy, 4)
        assert wanted(noisy, 4) == wanted([x for x in noisy if x["repeat"] <= 3], 5)
        at_five = [x for x in noisy if x["repeat"] <= 5]
        assert wanted(noisy, 6) == wanted(at_five, 8)

    def test_what_is_wanted_agrees_with_the_decisions_of_the_page(self):
        noisy = campaign({EASY: 9.0, HARD: 1.12, EDGE: 1.0}, 9, noise=0.03)
        for look, repeat in zip(LOOKS, (4, 6, 9), strict=True):
            frame = tidy([x for x in noisy if x["repeat"] <= look])
            still = {d.row for d in duels(frame) if d.comparison.decision is Decision.UNDECIDED}
            assert set(wanted(noisy, repeat)) == (still if repeat < 9 else set())

    def test_nothing_after_the_last_look(self):
        assert wanted(campaign({EASY: 9.0, HARD: 1.05}, 9), 9) == {}

    def test_without_copies_there_is_nothing_to_decide_and_nothing_is_wanted(self):
        lines = [x for x in campaign({EASY: 9.0, HARD: 1.05}, 4) if not x["twin"]]
        assert wanted(lines, 4) == {}
        assert undecided(lines) == ()

    def test_a_resumed_repeat_asks_for_the_same(self):
        lines = campaign({EASY: 9.0, HARD: 1.05, EDGE: 0.2}, 5)
        half = [x for x in lines if x["repeat"] < 4 or x["id"].startswith(name(EASY))]
        assert wanted(half, 4) == wanted([x for x in lines if x["repeat"] < 4], 4)

    def test_the_row_nearest_to_a_decision_comes_first(self):
        lines = campaign({EASY: 1.051, HARD: 1.12, EDGE: 1.06}, 4, noise=0.05)
        found = undecided(lines)
        assert found[0].row == name(HARD)
        assert [o.row for o in found] == list(wanted(lines, 4))
        assert all(o.processes == 3 and o.needed > 3 for o in found)
        assert sorted(o.needed for o in found) == [o.needed for o in found]

    def test_machines_of_a_cluster_are_advised_each_for_itself(self):
        here = campaign({EASY: 9.0, HARD: 1.05}, 4)
        there = [{**x, "machine": "0badcafe"} for x in campaign({EDGE: 1.05}, 4)]
        assert set(wanted([*here, *there], 4)) == {name(HARD), name(EDGE)}
        assert {o.row for o in undecided([*here, *there])} == {name(HARD), name(EDGE)}
