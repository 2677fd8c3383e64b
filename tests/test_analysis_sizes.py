"""Crossover, break-even and cost ratio, each with its interval."""

import itertools
import math

import numpy as np
import pytest
import synthetic
from handmade import line, twins
from hypothesis import assume, given
from hypothesis import strategies as st

from adbench.analysis import break_evens, cost_ratios, crossovers, duels, repayment, starts, tidy
from adbench.analysis.crossover import zero_between

SIGNED = st.floats(0.01, 10)
HALF = st.floats(0, 5)


def crossing(noise):
    """JAX takes 10 us, Numba 0.1 us per element, times with the given log noise by process."""
    lines = [*twins()]
    for n, i in itertools.product((10, 1000), range(5)):
        row = ("toy", str(n), "gradient")
        wobble = math.exp(noise * (-1) ** i)
        lines += [line("jax-a", 1e-5 * wobble, i, row=row), line("numba-a", 1e-7 * n, i, row=row)]
    return duels(tidy(lines))


class TestCrossover:
    def test_the_interval_grows_with_the_noise_of_the_ratios(self):
        (calm,), (wild,) = (crossovers(crossing(noise)) for noise in (0.01, 0.1))
        assert calm.low < calm.size < calm.high
        assert wild.low < calm.low
        assert calm.high < wild.high
        assert (calm.size, calm.level) == (pytest.approx(100, rel=0.01), 0.99)

    @given(SIGNED, HALF, SIGNED, HALF)
    def test_the_zero_lies_in_its_interval_and_ends_are_where_the_heights_interval_ends(
        self, y0, h0, y1, h1
    ):
        low, zero, high = zero_between(-y0, h0, y1, h1)
        assert 0 < zero < 1

        def above(w):
            height = -(1 - w) * y0 + w * y1
            return abs(height) - math.hypot((1 - w) * h0, w * h1)

        for end, beyond, outside in ((low, 0.0, -1), (high, 1.0, 1)):
            if end is None:
                assert above(beyond) <= 1e-9  # open: nothing is known beyond the measured size
            else:
                assert (end - zero) * outside >= 0
                assert above(end) == pytest.approx(0.0, abs=1e-6)

    def test_an_interval_that_reaches_a_measured_size_is_open_there(self):
        low, _, high = zero_between(-1.0, 2.0, 1.0, 0.1)
        assert low is None
        assert high is not None

    @given(SIGNED, HALF, SIGNED, HALF)
    def test_reading_the_sizes_backwards_mirrors_the_interval(self, y0, h0, y1, h1):
        assume(abs(y0 - h0) > 1e-9)
        assume(abs(y1 - h1) > 1e-9)
        low, zero, high = zero_between(-y0, h0, y1, h1)
        back_low, back_zero, back_high = zero_between(y1, h1, -y0, h0)
        for one, other in ((low, back_high), (zero, back_zero), (high, back_low)):
            assert (one is None) == (other is None)
            assert one is None or one == pytest.approx(1 - other, abs=1e-9)

    def test_the_interval_covers_the_true_size_as_promised(self):
        """Heights drawn about -1 and 2 with known errors: the zero at 1/3 is held in 93 to 97 %."""
        rng = np.random.default_rng(8)
        held = 0
        for e0, e1 in rng.standard_normal((2000, 2)):
            h0, h1 = 1.959964 * 0.2, 1.959964 * 0.4
            low, _, high = zero_between(-1.0 + 0.2 * e0, h0, 2.0 + 0.4 * e1, h1)
            held += (low or 0.0) <= 1 / 3 <= (high or 1.0)
        assert 0.93 <= held / 2000 <= 0.97


def case(method, start, time, repeat):
    """A line with a start, given as first call, and a time per call."""
    one = line(method, time, repeat)
    first = {"phase": "first", "wall_s": [start], "cpu_s": [start], "loops": [1]}
    return {**one, "measurements": [*one["measurements"], first]}


def repaid(jax, other):
    """The break-even of two methods given as (start, time) by process."""
    lines = [case("jax-a", *pair, i) for i, pair in enumerate(jax)]
    lines += [case("numpy-a", *pair, i) for i, pair in enumerate(other)]
    return repayment(tidy(lines), "toy[10]/gradient", "jax-a", "numpy-a")


class TestBreakEven:
    def test_its_interval_is_students_t_of_the_log_calls_of_each_process(self):
        found = repaid(
            [(1.0, 1e-6), (2.0, 1e-6), (4.0, 1e-6)], [(0.0, 11e-6), (0.0, 21e-6), (0.0, 11e-6)]
        )
        k = np.log([1 + 1 / 10e-6, 1 + 2 / 20e-6, 1 + 4 / 10e-6])
        half = 4.302652729911275 * k.std(ddof=1) / math.sqrt(3)  # t(0.975, 2)
        assert found.low == pytest.approx(math.exp(k.mean() - half))
        assert found.high == pytest.approx(math.exp(k.mean() + half))
        assert found.low < found.calls < found.high
        assert found.processes == 3

    def test_a_process_that_never_repays_leaves_the_upper_end_open(self):
        found = repaid([(1.0, 1e-6)] * 3, [(0.0, 3e-6), (0.0, 3e-6), (0.0, 0.9e-6)])
        assert found.high == math.inf
        assert 1.0 <= found.low <= found.calls

    def test_a_process_that_starts_no_later_puts_the_lower_end_at_one_call(self):
        found = repaid([(1.0, 1e-6), (2.0, 1e-6), (0.1, 1e-6)], [(0.2, 3e-6)] * 3)
        assert found.low == 1.0
        assert found.calls < found.high < math.inf

    def test_one_common_process_gives_no_interval(self):
        found = repaid([(1.0, 1e-6)] * 3, [(0.0, 3e-6)])
        assert found.calls == pytest.approx(1 + 1 / 2e-6)
        assert (found.low, found.high, found.processes) == (None, None, 1)

    def test_a_method_that_is_cheaper_from_the_start_has_nothing_to_repay(self):
        found = repaid([(0.1, 1e-6)] * 3, [(0.2, 3e-6)] * 3)
        assert math.isnan(found.calls)
        assert (found.low, found.high) == (None, None)

    def test_exchanging_the_methods_changes_nothing(self):
        jax, other = [(1.0, 1e-6), (2.0, 1.1e-6)], [(0.3, 3e-6), (0.2, 4e-6)]
        there, back = repaid(jax, other), repaid(other, jax)
        assert (there.low, there.calls, there.high) == pytest.approx(
            (back.low, back.calls, back.high)
        )

    def test_a_method_without_a_time_has_no_break_even(self):
        assert repaid([(1.0, 1e-6)], []) is None

    def test_every_side_of_a_duel_is_set_against_every_other_method_once(self):
        frame = tidy(synthetic.run()[1])
        found = [b for b in break_evens(frame, duels(frame)) if b.row == "rosenbrock[2]/gradient"]
        pairs = [(b.first, b.second) for b in found]
        timed = frame[(frame.row == "rosenbrock[2]/gradient") & frame.steady_s.notna()]
        others = set(timed.method) - {"jax-reverse", "numba-dual"}
        assert pairs[0] == ("jax-reverse", "numba-dual")
        assert set(pairs[1:]) == {(a, b) for a in pairs[0] for b in others}
        assert len(pairs) == len(set(pairs))

    def test_the_table_of_starts_holds_prepare_compile_and_first_call(self):
        frame = tidy(synthetic.run()[1])
        table = starts(frame, duels(frame)).set_index("row")
        here = "rosenbrock[2]/gradient"
        jax = frame[(frame.row == here) & (frame.method == "jax-reverse") & ~frame.twin]
        expected = (jax.prepare_s + jax.compile_s + jax.first_s).median()
        assert table.first_start_s[here] == pytest.approx(expected)
        assert {"calls", "calls_low", "calls_high", "processes"} <= set(table)


class TestCostRatio:
    def lines(self, ratios, method="jax-a", row=("toy", "10", "gradient"), **more):
        found = []
        for i, ratio in enumerate(ratios):
            one = line(method, ratio * 1e-6, i, row=row, **more)
            value = {"phase": "value", "wall_s": [1e-6], "cpu_s": [1e-6], "loops": [1]}
            found.append({**one, "measurements": [*one["measurements"], value]})
        return found

    def test_it_is_the_geometric_mean_over_processes_with_students_interval(self):
        (found,) = cost_ratios(tidy(self.lines([2.0, 8.0, 4.0]))).to_dict("records")
        half = 4.302652729911275 * math.log(2) / math.sqrt(3)  # log 2 is the sd; t(0.975, 2)
        assert found["ratio"] == pytest.approx(4.0)
        assert found["low"] == pytest.approx(4.0 * math.exp(-half))
        assert found["high"] == pytest.approx(4.0 * math.exp(half))
        assert found["processes"] == 3

    def test_one_process_gives_a_ratio_without_interval(self):
        (found,) = cost_ratios(tidy(self.lines([2.0]))).to_dict("records")
        assert (found["ratio"], math.isnan(found["low"])) == (pytest.approx(2.0), True)

    def test_copies_rows_of_f_and_methods_without_a_value_have_none(self):
        lines = [
            *self.lines([2.0], twin=True),
            *self.lines([1.0], row=("toy", "10", "value")),
            line("numba-a", 1e-6),
        ]
        assert cost_ratios(tidy(lines)).empty
