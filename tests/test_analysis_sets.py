"""Schema 2 in frames: result sets, machines, phases, memory, conditions."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import synthetic
from handmade import line
from hypothesis import given, settings
from hypothesis import strategies as st

from adbench.analysis import (
    conditions,
    cost_ratios,
    drift,
    duels,
    fixed_pair,
    measuring_share,
    noise_floor,
    pool,
    read,
    repayment,
    sets,
    summary,
    tidy,
    verdict,
)
from adbench.analysis.blocks import lowest_tenth
from adbench.analysis.hosts import clock_of


def header(**machine):
    return {**synthetic.HEADER, "machine": {**synthetic.MACHINE, **machine}}


class TestPhases:
    def test_value_and_round_trip_are_their_lowest_tenths_on_the_clock_of_the_steady_calls(self):
        one = line("jax-a", 4e-6)
        for phase, cpu in (("value", [3e-6, 2e-6]), ("round trip", [9e-6, 8e-6])):
            wall = [2 * t for t in cpu]
            one["measurements"].append(
                {"phase": phase, "wall_s": wall, "cpu_s": cpu, "loops": [1] * 2}
            )
        row = tidy([one]).iloc[0]
        assert (row.value_s, row.value_wall_s) == pytest.approx((2.1e-6, 4.2e-6))
        assert (row.round_trip_s, row.round_trip_wall_s) == pytest.approx((8.1e-6, 1.62e-5))
        one["measurements"][-1]["cpu_s"] = [0.0, 0.0]  # no reading: the whole line takes the wall
        row = tidy([one]).iloc[0]
        assert row.clock == "wall"
        assert (row.value_s, row.round_trip_s) == pytest.approx((4.2e-6, 1.62e-5))
        assert row.steady_s == row.steady_wall_s

    def test_a_start_is_prepare_compile_and_first_call_of_those_there_are(self):
        def start(**seconds):
            once = [
                {"phase": p, "wall_s": [s], "cpu_s": [0.0], "loops": [1]}
                for p, s in seconds.items()
            ]
            one = line("jax-a", 1e-6)
            return (
                tidy([{**one, "measurements": one["measurements"] + once}])
                .iloc[0][["start_s", "compile_s"]]
                .tolist()
            )

        assert start(prepare=1.0, compile=2.0, first=4.0) == [7.0, 2.0]
        assert start(prepare=1.0, first=4.0)[0] == 5.0
        assert math.isnan(start(prepare=1.0, compile=2.0)[0])  # it never gave an answer

    def test_memory_above_the_baseline_needs_both_numbers(self):
        memory = {"baseline_bytes": 100, "peak_bytes": 130, "process_peak_bytes": 150}
        row = tidy([line("jax-a", 1e-6, memory=memory)]).iloc[0]
        assert (row.above_bytes, row.process_peak_bytes) == (30, 150)
        assert math.isnan(row.code_bytes)
        for lacking in ({**memory, "peak_bytes": None}, {}, None):
            assert math.isnan(tidy([line("jax-a", 1e-6, memory=lacking)]).above_bytes[0])

    @pytest.mark.parametrize(("wall", "disturbed"), [(1.04, False), (1.06, True)])
    def test_a_best_block_with_more_wall_than_cpu_time_is_disturbed(self, wall, disturbed):
        one = line("jax-a", 1e-6)
        one["measurements"][0]["wall_s"] = [wall * t for t in one["measurements"][0]["cpu_s"]]
        assert tidy([one]).disturbed[0] == disturbed
        assert not tidy([one], clock="wall").disturbed[0]

    def test_voided_blocks_and_company_are_kept(self):
        row = tidy([line("jax-a", 1e-6, voided=3, shared=True)]).iloc[0]
        assert (row.voided, row.shared) == (3, True)


class TestSets:
    def test_a_set_is_named_by_machine_threads_and_device(self):
        one = {**synthetic.HEADER, "threads": {"requested": "default"}, "device": "gpu"}
        frame = tidy(synthetic.run(repeats=1)[1], header=one)
        assert set(frame["set"]) == {"machine 3f2a91bc, default threads, gpu"}
        assert set(frame["machine"]) == {"3f2a91bc"}

    def test_a_header_among_the_lines_is_found(self):
        head, lines = synthetic.elsewhere(synthetic.run(repeats=1), "0badcafe", threads=4)
        frame = tidy([head, *lines])
        assert set(frame["set"]) == {"machine 0badcafe, 4 threads, cpu"}
        assert set(frame["clock"]) == {"wall", ""}

    @pytest.mark.parametrize(
        ("change", "clock"),
        [
            ({}, "cpu"),
            ({"threads": {"requested": 2}}, "wall"),
            ({"threads": {"requested": "default"}}, "wall"),
            ({"device": "gpu"}, "wall"),
            ({"machine": {"features": {"affinity": True, "cpu_clock": False}}}, "wall"),
            ({"machine": {"features": {"affinity": False, "cpu_clock": True}}}, "wall"),
        ],
    )
    def test_the_cpu_clock_needs_one_pinned_thread(self, change, clock):
        assert clock_of({**synthetic.HEADER, **change}) == clock

    def test_each_machine_of_a_file_has_its_own_set_clock_and_features(self):
        other = {**synthetic.MACHINE, "id": "0badcafe", "features": {"cpu_clock": False}}
        lines = [
            line("jax-a", 2e-6, machine="3f2a91bc"),
            {"kind": "machine", "machine": other, "threads": {"requested": 1}},
            line("jax-a", 2e-6, machine="0badcafe"),
        ]
        frame = tidy(lines, header=synthetic.HEADER).set_index("machine")
        assert len(frame) == 2  # the same case, once on each
        assert frame.clock.to_dict() == {"3f2a91bc": "cpu", "0badcafe": "wall"}
        assert frame.blind.to_dict() == {"3f2a91bc": False, "0badcafe": True}
        assert frame.steady_s["0badcafe"] == 3e-6

    def test_sets_are_taken_apart_and_lose_nothing(self):
        one, two = synthetic.run(repeats=1), synthetic.elsewhere(synthetic.run(), "0badcafe")
        frame = pool([tidy(lines, header=head) for head, lines in (one, two)])
        found = sets(frame)
        assert list(found) == [
            "machine 0badcafe, one thread, cpu",
            "machine 3f2a91bc, one thread, cpu",
        ]
        assert sum(map(len, found.values())) == len(frame)
        assert sets(tidy([])) == {}

    def test_two_runs_of_a_set_are_numbered_on_and_another_sets_are_not(self):
        one = tidy([line("jax-a", 1e-6, i, machine="a") for i in (0, 1)])
        two = tidy([line("jax-a", 1e-6, i, machine="b") for i in (0, 1, 2)])
        pooled = pool([one, two, one])
        found = {name: group.repeat.tolist() for name, group in pooled.groupby("machine")}
        assert found == {"a": [0, 1, 2, 3], "b": [0, 1, 2]}

    @settings(max_examples=25)
    @given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3)), max_size=5))
    def test_pooling_keeps_every_process_under_a_number_of_its_own(self, runs):
        frames = [tidy([line("jax-a", 1e-6, i, machine=m) for i in range(n)]) for m, n in runs]
        pooled = pool(frames)
        assert len(pooled) == sum(n for _, n in runs)
        assert not pooled.duplicated(["id", "set", "repeat", "twin"]).any()

    @pytest.mark.parametrize(
        "ask",
        [
            duels,
            fixed_pair,
            noise_floor,
            verdict,
            summary,
            cost_ratios,
            lambda f: repayment(f, "toy[1]/gradient", "a", "b"),
        ],
    )
    def test_nothing_is_compared_across_sets(self, ask):
        frame = tidy([line("jax-a", 1e-6, machine=m) for m in "ab"])
        with pytest.raises(ValueError, match=r"2 result sets .* take them one by one"):
            ask(frame)

    def test_a_file_of_two_machines_reads_as_two_sets(self, tmp_path):
        head, lines = synthetic.run(repeats=1)
        _, more = synthetic.elsewhere((head, lines), "0badcafe")
        about = {"kind": "machine", "machine": {**synthetic.MACHINE, "id": "0badcafe"}}
        path = tmp_path / "results.jsonl"
        stored = [head, *lines, {**about, "threads": {"requested": 1}}, *more]
        path.write_text("".join(json.dumps(x) + "\n" for x in stored))
        found = sets(read(path))
        assert len(found) == 2
        alone = sets(tidy(lines, header=head))
        name = "machine 3f2a91bc, one thread, cpu"
        pd.testing.assert_frame_equal(found[name], alone[name])

    def test_a_machine_without_affinity_gets_a_wider_margin(self):
        _, lines = synthetic.run()
        seeing = verdict(tidy(lines, header=header()))
        blind = verdict(tidy(lines, header=header(features={"affinity": False})))
        assert (seeing.margin, blind.margin) == (0.05, 0.1)


class TestConditions:
    def test_the_kernel_is_its_lowest_tenth_against_the_sets_median(self):
        head, lines = synthetic.run(repeats=1)
        frame = conditions(synthetic.conditions(lines, drift=0.09), header=head)
        assert len(frame) == len({x["id"].rpartition("/")[0] for x in lines})
        assert frame.kernel_s[0] == pytest.approx(1.01e-5)
        assert frame.kernel_change.median() == pytest.approx(0.0)
        # the last of nine rows is at 8/9 of the drift
        assert drift(frame) == pytest.approx(0.08)

    def test_shares_of_time_are_of_what_the_rows_took(self):
        _, lines = synthetic.run(repeats=1)
        frame = conditions(synthetic.conditions(lines))
        assert frame.measuring.tolist() == pytest.approx([0.7] * len(frame))
        assert measuring_share(frame) == pytest.approx(0.7)
        assert (frame.load[0], frame.steal[0], frame.judge_s[0]) == (0.4, 0.002, 0.05)

    def test_what_is_not_known_is_nan(self):
        bare = {"kind": "conditions", "row": "toy[1]/gradient", "repeat": 0, "machine": "a"}
        frame = conditions([bare, line("jax-a", 1e-6)])
        assert np.isnan(frame[["kernel_s", "steal", "load", "busy", "measuring"]]).all(axis=None)
        assert drift(frame) is None
        assert measuring_share(frame) is None
        assert conditions([]).empty

    def test_a_row_measured_again_counts_once(self):
        _, lines = synthetic.run(repeats=1)
        told = synthetic.conditions(lines)
        assert len(conditions([*told, *told])) == len(told)


class TestThreads:
    """CPU seconds a wall second against the threads asked for."""

    def busy(self, cores, asked=1, pools=None):
        """The line of a method that kept so many cores busy, tidied."""
        one = line("jax-a", 2e-6, threads={"pools": pools or {}, "cores": [0]})
        (steady,) = [m for m in one["measurements"] if m["phase"] == "steady"]
        steady["cpu_s"] = [cores * s for s in steady["wall_s"]]
        header = {**synthetic.HEADER, "threads": {"requested": asked}}
        return tidy([one], header=header).iloc[0]

    @pytest.mark.parametrize(
        ("cores", "asked", "said"),
        [
            (1.0, 1, ""),
            (1.04, 1, ""),
            (1.9, 1, "jax-a used 1.9 cores where 1 was asked"),
            (1.9, 2, ""),
            (2.6, 2, "jax-a used 2.6 cores where 2 were asked"),
            (7.9, "default", ""),
        ],
    )
    def test_more_cores_than_asked_for_is_a_sentence(self, cores, asked, said):
        found = self.busy(cores, asked)
        assert found.cores_used == pytest.approx(cores)
        assert found.excess == said

    def test_long_blocks_count_more_than_short_ones(self):
        one = line("jax-a", 2e-6)
        (steady,) = [m for m in one["measurements"] if m["phase"] == "steady"]
        steady.update(wall_s=[1.0, 1.0], cpu_s=[1.0, 2.0], loops=[3, 1])
        assert tidy([one], header=synthetic.HEADER).iloc[0].cores_used == 1.25

    def test_a_pool_of_more_threads_than_asked_is_told(self):
        found = self.busy(1.0, 1, {"blas": 1, "openmp": 8})
        assert found.pool_threads == 8
        assert found.excess == "a library of jax-a keeps 8 threads where 1 was asked"

    def test_without_a_cpu_clock_nothing_is_claimed(self):
        one = line("jax-a", 2e-6)
        (steady,) = [m for m in one["measurements"] if m["phase"] == "steady"]
        steady["cpu_s"] = [0.0 for _ in steady["wall_s"]]
        found = tidy([one], header=synthetic.HEADER).iloc[0]
        assert found.excess == ""
        assert found.cores_used != found.cores_used


@given(st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=70))
def test_the_lowest_tenth_is_numpy_s_quantile_to_the_last_bit(samples):
    assert lowest_tenth(samples) == float(np.quantile(samples, 0.1))
