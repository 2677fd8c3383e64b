"""Looks and levels, p values, the false discovery rate, the noise floor, means: simulated where they promise."""

import math
from collections import Counter

import numpy as np
import pytest
import synthetic
from handmade import frame_of, line, twins
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adbench.analysis import duels, fixed_pair, noise_floor, self_comparisons, tidy, verdict
from adbench.analysis.compare import (
    LOOKS,
    Spread,
    compare,
    decide,
    interval,
    level_of,
    margin,
    p_values,
    pooled,
    survivors,
)
from adbench.analysis.means import over_problems
from adbench.analysis.noise import floor_of
from adbench.model import Decision

RATIOS = st.lists(st.floats(-1, 1), min_size=2, max_size=8)
DIFFERENT = (Decision.FASTER, Decision.SLOWER)


class TestLevels:
    def test_they_are_stricter_while_a_further_look_is_to_come(self):
        assert [level_of(n) for n in (2, 3, 4, *LOOKS[1:])] == [0.99, 0.99, 0.99, 0.975, 0.975]

    def test_the_interval_shown_is_that_of_the_decision(self):
        rng = np.random.default_rng(1)
        for n in (3, 5, 8):
            d = 0.3 + 0.05 * rng.standard_normal(n)
            found = compare("r", "a", "b", d, 0.0)
            assert (found.low, found.high) == interval(d, None, found.level)
            assert found.decision is decide(found.low, found.high, 0.0)
            assert (found.level, found.processes) == (level_of(n), n)

    def test_one_process_has_no_level(self):
        assert compare("r", "a", "b", np.array([1.0]), 0.0).level is None

    def test_a_blind_system_doubles_the_margin(self):
        assert (margin(0.03), margin(0.03, blind=True), margin(0.08, blind=True)) == (
            0.05, 0.1, 0.16
        )  # fmt: skip
        assert decide(1.07, 1.09, 0.0) is Decision.SLOWER
        assert decide(1.07, 1.09, 0.0, blind=True) is Decision.TIE

    def test_a_row_alone_cannot_borrow_its_own_spread(self):
        assert pooled([np.arange(8.0)]) is None
        assert pooled([np.arange(8.0)] * 4) is not None


class TestPValues:
    def test_they_are_the_areas_beyond_the_edges(self):
        d = np.array([0.20, 0.26, 0.23])
        error = d.std(ddof=1) / math.sqrt(3)
        near, far = ((d.mean() + s * math.log(1.05)) / error for s in (-1, 1))
        different, tie = p_values(d, 0.05)
        assert different == pytest.approx(stats.t.sf(near, 2) + stats.t.sf(far, 2))
        assert tie == pytest.approx(stats.t.cdf(near, 2))

    @given(RATIOS, st.floats(0, 0.5))
    def test_they_do_not_know_which_method_was_first(self, d, width):
        assert p_values(np.array(d), width) == p_values(-np.array(d), width)

    @given(RATIOS, st.floats(0.01, 0.2))
    def test_a_decision_of_the_interval_is_as_unlikely_as_its_level_says(self, d, width):
        """Outside: beyond the edge by the half width, so p < (1 - level) / 2; ties alike."""
        spread = Spread(1e-4)
        low, high = interval(np.array(d), spread, level_of(len(d)))
        different, tie = p_values(np.array(d), width, spread)
        tail = (1.0 - level_of(len(d))) / 2.0
        edge = 1.0 + width
        if low > edge or high < 1.0 / edge:
            assert different <= 2.0 * tail
        if low >= 1.0 / edge and high <= edge:
            assert tie <= tail + 1e-12

    def test_processes_that_agree_to_the_last_digit_are_certain(self):
        assert p_values(np.zeros(3), 0.05) == (1.0, 0.0)
        assert p_values(np.ones(3), 0.05) == (0.0, 1.0)

    def test_at_the_edge_of_the_margin_they_are_uniform_or_larger(self):
        """4000 rows whose true ratio is exactly 1.05: p <= 5 % in at most about 5 % of them."""
        rng = np.random.default_rng(4)
        d = math.log(1.05) + 0.02 * rng.standard_normal((4000, 5))
        p = np.array([p_values(x, 0.05) for x in d])
        assert np.mean(p[:, 0] <= 0.05) == pytest.approx(0.05, abs=0.012)
        assert np.mean(p[:, 1] <= 0.05) == pytest.approx(0.05, abs=0.012)


class TestFalseDiscoveries:
    def test_a_weak_claim_stands_alone_but_not_among_many_empty_ones(self):
        assert survivors([0.01]) == [True]
        assert survivors([0.01] + [0.9] * 23) == [False] * 24
        assert survivors([0.001] + [0.9] * 23)[0]
        assert survivors([]) == []

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
    def test_a_smaller_p_stands_where_a_larger_one_does(self, p):
        kept = survivors(p)
        stand = [x for x, k in zip(p, kept, strict=True) if k]
        assert all(k for x, k in zip(p, kept, strict=True) if stand and x <= max(stand))

    def odd_one(self, equal_rows):
        """A row 4.3 standard errors beyond the margin (p = 0.004) beside rows of equal methods."""
        error = 0.02 * math.sqrt(4 / 3) / 2  # of four processes at +-2 %, and pooled just so
        means = {"odd": math.log(1.05) + 4.3 * error}
        lines = [*twins()]
        for problem, mean in {**{f"equal{k}": 0.0 for k in range(equal_rows)}, **means}.items():
            row = (problem, "1", "gradient")
            for i in range(5):
                t = 1e-6 * math.exp(mean + 0.02 * (-1) ** i)
                lines += [line("jax-a", t, i, row=row), line("numba-a", 1e-6, i, row=row)]
        return {d.problem: d for d in duels(tidy(lines))}["odd"]

    def test_a_decision_that_does_not_survive_the_page_is_withdrawn(self):
        few, many = self.odd_one(4), self.odd_one(23)
        assert (few.comparison.decision, few.withdrawn) == (Decision.SLOWER, False)
        assert (many.comparison.decision, many.withdrawn) == (Decision.UNDECIDED, True)
        assert many.comparison.low == pytest.approx(few.comparison.low)
        assert many.comparison.low > 1.05  # the interval alone would decide


def campaign(rng, truth, sd, rows):
    """Decisions of rows at their last look, as a run with a page makes them; held-out processes only."""
    d = math.log(truth) + sd * rng.standard_normal((rows, LOOKS[-1]))
    copies = list(sd * rng.standard_normal((2 * rows, 4)))
    floor = floor_of(copies, [c[1:] for c in copies])
    used, found = np.full(rows, LOOKS[0]), [Decision.UNDECIDED] * rows
    for look in LOOKS:
        used[[x is Decision.UNDECIDED for x in found]] = look
        samples = [x[:n] for x, n in zip(d, used, strict=True)]
        spread = pooled(samples)
        found = [compare("r", "a", "b", x, floor, spread).decision for x in samples]
        p = [p_values(x, margin(floor), spread) for x in samples]
        differ, tie = (survivors([q[k] for q in p]) for k in (0, 1))
        for i in range(rows):
            if (found[i] in DIFFERENT and not differ[i]) or (
                found[i] is Decision.TIE and not tie[i]
            ):
                found[i] = Decision.UNDECIDED
    return found


def share(truth, sd, rows, trials, seed=6):
    rng = np.random.default_rng(seed)
    count = Counter(x for _ in range(trials) for x in campaign(rng, truth, sd, rows))
    return {decision: count[decision] / (rows * trials) for decision in Decision}


class TestSequentialDecisions:
    @pytest.mark.parametrize("rows", [1, 12])
    @pytest.mark.parametrize("sd", [0.01, 0.02])
    def test_equal_methods_tie_and_never_differ(self, rows, sd):
        """A process's ratio spreads by 1 or 2 %: at least 90 % ties, no false difference."""
        found = share(1.0, sd, rows, 240 // rows)
        assert found[Decision.TIE] >= 0.9
        assert found[Decision.FASTER] == found[Decision.SLOWER] == 0.0

    @pytest.mark.parametrize(("truth", "sd"), [(1.08, 0.01), (1.1, 0.015), (1.12, 0.02)])
    def test_a_true_difference_is_found(self, truth, sd):
        assert share(truth, sd, 12, 20)[Decision.SLOWER] >= 0.97

    def test_eight_per_cent_are_found_mostly_on_a_noisier_machine(self):
        found = share(1.08, 0.02, 12, 20)
        assert found[Decision.SLOWER] >= 0.75
        assert found[Decision.FASTER] == found[Decision.TIE] == 0.0

    @pytest.mark.parametrize("rows", [1, 12])
    def test_at_the_edge_of_the_margin_either_answer_is_rare(self, rows):
        """True ratio 1.05, where both would be false: under the sum of the three looks' tails."""
        found = share(1.05, 0.01, rows, 480 // rows)
        assert found[Decision.FASTER] == 0.0
        assert found[Decision.SLOWER] <= 0.05
        assert found[Decision.TIE] <= 0.05


class TestNoiseFloor:
    def floor(self, sd, pairs, processes=4, seed=0, spoil=None):
        d = sd * np.random.default_rng(seed).standard_normal((pairs, processes))
        if spoil:
            spoil(d)
        return floor_of(list(d), [x[1:] for x in d])

    @pytest.mark.parametrize(("pairs", "wide"), [(2, 0.75), (8, 0.45), (48, 0.2)])
    def test_it_is_three_standard_deviations_of_a_mean_over_processes(self, pairs, wide):
        truth = 3 * 0.02 / math.sqrt(3)
        floors = np.array([math.log1p(self.floor(0.02, pairs, seed=s)) for s in range(200)])
        assert np.median(floors) == pytest.approx(truth, rel=0.1)
        low, high = np.quantile(floors, (0.05, 0.95)) / truth
        assert 1 - wide <= low <= high <= 1 + wide

    @pytest.mark.parametrize("pairs", [8, 18, 48])
    def test_one_wild_row_does_not_make_the_floor(self, pairs):
        def wild(d):
            d[0] += 0.2

        calm, spoilt = (
            np.median([self.floor(0.01, pairs, seed=s, spoil=x) for s in range(60)])
            for x in (None, wild)
        )
        assert spoilt < 1.6 * calm

    def test_many_wild_rows_do(self):
        def wild(d):
            d[::2] += 0.2

        assert self.floor(0.01, 18, spoil=wild) > 0.2

    def test_one_lucky_quiet_row_does_not_make_it_zero(self):
        def lucky(d):
            d[0] = 0.0

        assert self.floor(0.02, 2, spoil=lucky) > 0.3 * self.floor(0.02, 2)

    @given(st.floats(0.1, 10))
    def test_it_scales_with_the_noise(self, factor):
        one, other = (math.log1p(self.floor(s, 6)) for s in (0.01, 0.01 * factor))
        assert other == pytest.approx(factor * one)

    def test_the_first_process_takes_no_part_in_the_means_but_in_the_spread(self):
        def frame(first):
            lines = []
            for i, x in enumerate((first, 0.01, -0.01, 0.02)):
                lines += [line("jax-a", 1e-6, i), line("jax-a", 1e-6 * math.exp(x), i, True)]
            return tidy(lines)

        # the median of |x| is the same, so a wild first process changes nothing
        assert noise_floor(frame(0.02)) == pytest.approx(noise_floor(frame(0.5)))

    def test_self_comparisons_are_decided_as_others_are(self):
        found = self_comparisons(tidy(synthetic.run(repeats=6)[1]))
        assert {c.first for c in found} == {"jax-reverse", "numba-dual"}
        assert all(c.first == c.second and c.processes == 5 for c in found)
        assert {c.decision for c in found} <= {Decision.TIE, Decision.UNDECIDED}
        assert self_comparisons(tidy([line("jax-a", 1e-6)])) == ()


class TestFixedPair:
    def test_all_processes_give_the_ratio_since_nothing_was_chosen(self):
        frame = frame_of({"jax-reverse": [1e-6, 4e-6, 2e-6], "numba-dual": [1e-6] * 3})
        (duel,) = fixed_pair(frame)
        assert (duel.comparison.ratio, duel.held_out) == (pytest.approx(2), False)
        assert duel.comparison.processes == 3

    def test_faster_methods_of_the_same_tools_take_no_part(self):
        times = {"jax-reverse": 8e-6, "jax-forward": 1e-6, "numba-dual": 2e-6, "numba-fast": 1e-7}
        (duel,) = fixed_pair(frame_of({m: [t] * 3 for m, t in times.items()}))
        assert (duel.first, duel.second) == ("jax-reverse", "numba-dual")
        assert duel.comparison.ratio == pytest.approx(4)

    def test_a_side_that_failed_says_why(self):
        lines = [line("jax-reverse", 1e-6, outcome="wrong", message="off"), line("jax-a", 1e-6)]
        (duel,) = fixed_pair(tidy([*lines, line("numba-dual", 1e-6)]))
        assert (duel.first, duel.first_why) == (None, "jax-reverse: wrong: off")

    def test_its_mean_stands_beside_the_headline(self):
        frame = tidy(synthetic.run()[1])
        v = verdict(frame)
        fought = [d for d in fixed_pair(frame) if d.derivative and d.comparison]
        assert v.pair_rows == len(fought) == 7  # neither is run for a Hessian
        assert v.pair_low < v.pair_ratio < v.pair_high
        assert "numba-dual is" in v.pair_sentence
        assert "faster than jax-reverse in the geometric mean" in v.pair_sentence
        assert verdict(tidy([line("numba-dual", 1e-6)])).pair_sentence == ""

    def test_its_factor_is_turned_round_with_its_interval(self):
        swift = synthetic.run(speed=lambda tool, *_: 0.01 if tool == "jax" else 1.0)[1]
        v = verdict(tidy(swift))
        assert v.pair_ratio < 1
        assert "choice of the best, jax-reverse is" in v.pair_sentence


class TestMeans:
    @pytest.mark.parametrize(
        ("draw", "mean"),
        [
            (lambda rng: rng.standard_normal(8), 0.0),
            (lambda rng: rng.exponential(1.0, 8), 1.0),
            (lambda rng: np.where(rng.random(8) < 0.3, 2.5, 0.0) + rng.normal(0, 0.5, 8), 0.75),
        ],
    )
    def test_eight_problems_are_covered_nearly_as_promised(self, draw, mean):
        """Normal, skewed and two-peaked populations of log ratios: 91 to 97 % of 300 intervals."""
        rng = np.random.default_rng(9)
        held = []
        for _ in range(300):
            low, high = over_problems(draw(rng))
            held.append(low <= math.exp(mean) <= high)
        assert 0.91 <= np.mean(held) <= 0.97

    def test_the_bootstrap_repeats_itself_and_starts_at_eight(self):
        x = np.random.default_rng(3).standard_normal(12)
        assert over_problems(x) == over_problems(x)
        assert over_problems(x[:7]) == interval(x[:7])
        assert over_problems(x[:8]) != interval(x[:8])
        assert over_problems(np.full(9, math.log(2.0))) == pytest.approx((2.0, 2.0))

    def test_a_verdict_after_one_held_out_process_says_so(self):
        v = verdict(tidy(synthetic.run(repeats=2)[1]))
        assert "beside the process in which the best methods are chosen" in v.sentence
