"""Two runs compared: what is called a change, what is not, and what is no comparison at all."""

import copy
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adbench.analysis.change import Change
from adbench.analysis.changes import Changes, changes
from adbench.analysis.compare import Spread, pooled
from adbench.analysis.welch import ratio
from adbench.harness.store import Run

Line = dict[str, Any]
ROWS = ("rosenbrock[10]/gradient", "gauss_nll[100]/gradient", "gauss_nll[10000]/gradient")
METHODS = {"jax-reverse": 7e-6, "numba-dual": 1e-6, "numpy-central": 5e-5}
HEADER: Line = {
    "kind": "run",
    "schema": 2,
    "machine": {"id": "0a1b2c3d", "cpu": "a CPU", "python": "3.11", "features": {}},
    "versions": {"numpy": "2.0", "jax": "1.0"},
    "threads": {"requested": 1},
    "device": "cpu",
    "code": "abc",
    "protocol": {"workers": "method", "kernel": "feed"},
}
JAX = "gauss_nll[100]/gradient/jax-reverse"
Speed = Callable[[str, int], float]


def samples(seconds: float) -> Line:
    return {
        "wall_s": [1.02 * seconds, seconds],
        "cpu_s": [1.02 * seconds, seconds],
        "loops": [9, 9],
    }


def result(row: str, method: str, repeat: int, seconds: float, twin: bool = False) -> Line:
    problem, _, rest = row.partition("[")
    size, _, operator = rest.partition("]/")
    return {
        "kind": "result", "id": f"{row}/{method}", "problem": problem, "size": size, "n": 2,
        "operator": operator, "method": method, "tool": method.split("-")[0], "mode": "reverse",
        "repeat": repeat, "twin": twin, "machine": "0a1b2c3d", "outcome": "ok", "message": "",
        "form": "array", "form_hash": "t", "accuracy": {"error_ulp": 2.0},
        "measurements": [{"phase": "steady", **samples(seconds)}],
    }  # fmt: skip


def conditions(row: str, repeat: int, contenders: bool, seconds: float) -> Line:
    return {
        "kind": "conditions", "row": row, "repeat": repeat, "contenders": contenders,
        "machine": "0a1b2c3d", "kernel": samples(seconds),
    }  # fmt: skip


def run(
    seed: int,
    processes: int = 5,
    speed: Speed = lambda case, repeat: 1.0,
    machine: Speed = lambda row, repeat: 1.0,
    noise: float = 0.01,
    twins: bool = True,
    kernel: bool = True,
    rows: Iterable[str] = ROWS,
) -> Run:
    """A run: `speed` multiplies a case's time, `machine` all times of a row in a process."""
    rng = np.random.default_rng(seed)
    lines = []
    for row in rows:
        for repeat in range(processes):
            slow = machine(row, repeat)
            for method, seconds in METHODS.items():
                for twin in (False, True) if twins else (False,):
                    jitter = math.exp(rng.normal(0.0, noise))
                    case = f"{row}/{method}"
                    time = seconds * slow * speed(case, repeat) * jitter
                    lines.append(result(row, method, repeat, time, twin))
            if kernel:
                for contenders in (True, False):
                    time = 6e-5 * slow * math.exp(rng.normal(0.0, 0.2 * noise))
                    lines.append(conditions(row, repeat, contenders, time))
    return Run(Path(f"{seed}.jsonl"), copy.deepcopy(HEADER), lines)


def only(case: str, factor: float) -> Speed:
    return lambda name, _: factor if name == case else 1.0


def of(found: Changes, case: str) -> Change:
    return next(c for c in found.cases if c.case == case)


def altered(run: Run, case: str, **values: Any) -> Run:
    """The run with other values in all lines of a case."""
    lines = [line | values if line.get("id") == case else line for line in run.lines]
    return Run(run.path, run.header, lines)


def with_header(run: Run, **values: Any) -> Run:
    return Run(run.path, run.header | values, run.lines)


# Times


@pytest.mark.parametrize("seed", range(5))
def test_the_same_code_measured_twice_has_no_regression(seed: int) -> None:
    found = changes(run(seed), run(seed + 100))
    assert not found.regressions
    assert not any(case.changed for case in found.cases)
    assert sum(case.decision == "tie" for case in found.cases) >= 7  # of 9


def test_one_case_that_got_slower_is_found_and_no_other() -> None:
    found = changes(run(1), run(2, speed=only(JAX, 1.2)))
    assert [case.case for case in found.regressions] == [JAX]
    assert found.cases[0] is found.regressions[0]  # first in the table
    worst = of(found, JAX)
    assert worst.decision == "slower"
    assert worst.low is not None
    assert worst.high is not None
    assert 1.05 < worst.low < 1.2 < worst.high
    assert worst.p is not None
    assert worst.p < 0.05
    assert (worst.old_processes, worst.new_processes) == (5, 5)


def test_one_case_that_got_faster_is_no_regression() -> None:
    found = changes(run(1), run(2, speed=only(JAX, 0.8)))
    assert not found.regressions
    assert of(found, JAX).better == ["faster"]


def test_a_slower_machine_is_no_regression_where_the_kernel_tells() -> None:
    """The kernel slows down with the row; what is left is the change of the code."""

    def throttled(row: str, repeat: int) -> float:
        return 1.3 + 0.05 * repeat

    slow = run(2, speed=only(JAX, 1.25), machine=throttled)
    found = changes(run(1), slow)
    assert [case.case for case in found.regressions] == [JAX]
    assert found.kernel == pytest.approx(1.4, rel=0.02)
    assert any("in its units" in note for note in found.notes)


def test_without_a_common_kernel_times_are_compared_as_they_are_and_that_is_said() -> None:
    old, slow = run(1, kernel=False), run(2, kernel=False, machine=lambda row, repeat: 1.3)
    found = changes(old, slow)
    assert len(found.regressions) == 9
    assert found.kernel is None
    assert any("as measured" in note for note in found.notes)


@pytest.mark.parametrize(
    "header",
    [
        {"versions": {"numpy": "2.1", "jax": "1.0"}},
        {"machine": HEADER["machine"] | {"python": "3.12"}},
        {"protocol": {"workers": "method", "kernel": "other"}},
    ],
)
def test_the_kernel_does_not_serve_where_it_became_another(header: Line) -> None:
    """It is made of Python and NumPy: their own change must not hide in it."""
    found = changes(run(1), with_header(run(2), **header))
    assert found.kernel is None
    assert any("as measured" in note for note in found.notes)


def test_each_method_takes_the_kernel_of_its_own_rounds() -> None:
    """JAX and Numba are measured at another time than the rest, beside another kernel sample."""
    old, new = run(1), run(2)
    for line in new.lines:
        if line["kind"] == "conditions" and not line["contenders"]:
            line["kernel"] = samples(2.0 * line["kernel"]["cpu_s"][1])
        elif line["kind"] == "result" and line["tool"] == "numpy":
            line["measurements"] = [{"phase": "steady", **samples(1e-4 * 1.0)}]
    found = changes(old, new)
    assert of(found, "gauss_nll[100]/gradient/numpy-central").ratio == pytest.approx(1.0, rel=0.03)
    assert of(found, JAX).ratio == pytest.approx(1.0, rel=0.03)


def test_no_verdict_about_times_below_the_noise_floor() -> None:
    """Copies that differ by 10 % make a change of 15 % unremarkable, however tight the interval."""
    old, new = run(1, noise=0.001), run(2, noise=0.001, speed=only(JAX, 1.15))
    assert changes(old, new).regressions
    shaky = [
        line | {"measurements": [{"phase": "steady", **samples(8.4e-6)}]}
        if line["kind"] == "result" and line["twin"]
        else line
        for line in old.lines
    ]
    found = changes(Run(old.path, old.header, shaky), new)
    assert not found.regressions
    assert found.margin is not None
    assert found.margin > 0.15


def test_no_verdict_about_times_without_a_noise_floor() -> None:
    found = changes(run(1, twins=False), run(2, speed=only(JAX, 2.0)))
    assert found.margin is None
    assert of(found, JAX).decision == "undecided"
    assert any("OLD has no noise floor" in note for note in found.notes)


def test_a_single_process_borrows_its_spread_from_the_run() -> None:
    """Most methods have one process in a run: a large change of theirs is found all the same."""
    case = "gauss_nll[100]/gradient/numpy-central"
    old, new = run(1), run(2, speed=only(case, 1.3))
    for r in (old, new):
        r.lines[:] = [  # type: ignore[index]
            line for line in r.lines if line.get("id") != case or line["repeat"] == 0
        ]
    found = changes(old, new)
    assert of(found, case).old_processes == 1
    assert [c.case for c in found.regressions] == [case]
    alone = changes(run(1, processes=1), run(2, processes=1))
    assert all(c.low is None and c.decision == "undecided" for c in alone.cases)


def test_many_cases_do_not_make_a_false_alarm() -> None:
    """All 120 cases slower by just the margin: by chance, three intervals in 120 lie beyond it."""
    rows = [f"rosenbrock[{n}]/gradient" for n in range(1, 41)]
    beyond = 0
    for seed in range(2):
        old = run(seed, 3, rows=rows, kernel=False)
        new = run(seed + 50, 3, rows=rows, kernel=False, speed=lambda case, repeat: 1.05)
        found = changes(old, new)
        assert found.margin == 0.05
        assert len(found.cases) == 120
        assert not found.regressions
        beyond += sum(c.low is not None and c.low > 1.05 for c in found.cases)
    assert beyond > 0  # else this would show nothing


# Answers and outcomes


@pytest.mark.parametrize(
    ("before", "now", "worse"),
    [(2.0, 101.0, True), (2.0, 99.0, False), (60.0, 239.0, False), (60.0, 241.0, True)],
)
def test_an_error_that_grew_fourfold_beyond_100_ulp_is_a_regression(
    before: float, now: float, worse: bool
) -> None:
    old = altered(run(1), JAX, accuracy={"error_ulp": before})
    new = altered(run(2), JAX, accuracy={"error_ulp": now})
    assert bool(changes(old, new).regressions) == worse
    assert bool(of(changes(new, old), JAX).better) == worse


@pytest.mark.parametrize("outcome", ["failed", "wrong", "timed out", "unavailable", "crashed"])
def test_a_case_that_no_longer_runs_is_a_regression(outcome: str) -> None:
    gone = {"outcome": outcome, "message": "why", "measurements": [], "accuracy": None}
    old, new = run(1), altered(run(2), JAX, **gone)
    found = changes(old, new)
    assert [c.case for c in found.regressions] == [JAX]
    assert f"was ok, now {outcome}: why" in of(found, JAX).why
    back = changes(new, old)
    assert not back.regressions
    assert of(back, JAX).better == [f"was {outcome}, now ok"]
    assert not any(c.changed for c in changes(new, new).cases)


def test_one_process_that_crashed_is_a_regression() -> None:
    new = run(2)
    broken = [
        line | {"outcome": "crashed", "message": "SIGSEGV", "measurements": [], "accuracy": None}
        if line.get("id") == JAX and line["repeat"] == 3 and not line["twin"]
        else line
        for line in new.lines
    ]
    found = changes(run(1), Run(new.path, new.header, broken))
    assert of(found, JAX).worse == ["was ok, now crashed: SIGSEGV"]
    assert of(found, JAX).new_processes == 4


def test_cases_of_one_run_alone_are_named_and_no_regression() -> None:
    found = changes(run(1), run(2, rows=ROWS[:2]))
    assert found.only_old == tuple(sorted(f"{ROWS[2]}/{m}" for m in METHODS))
    assert found.only_new == ()
    assert not found.regressions


def test_another_function_text_is_said() -> None:
    found = changes(run(1), altered(run(2), JAX, form_hash="u"))
    assert of(found, JAX).why == "another function text"


def test_versions_are_listed_not_refused() -> None:
    new = with_header(run(2), versions={"numpy": "2.0", "jax": "1.1"}, code="def")
    found = changes(run(1), new)
    assert found.differences == {"jax": ("1.0", "1.1"), "code": ("abc", "def")}


# What is no comparison


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"threads": {"requested": "default"}}, "requested 1 and default"),
        ({"device": "gpu"}, "device cpu and gpu"),
        ({"protocol": {"workers": "row", "kernel": "feed"}}, "workers method and row"),
    ],
)
def test_other_threads_devices_or_workers_are_refused(header: Line, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        changes(run(1), with_header(run(2), **header))


def elsewhere(found: Run) -> Run:
    machine = found.header["machine"] | {"id": "ffffffff", "cpu": "another CPU"}
    lines = [line | {"machine": "ffffffff"} for line in found.lines]
    return Run(found.path, found.header | {"machine": machine}, lines)


def test_different_machines_are_refused_unless_asked_for() -> None:
    old, new = run(1), elsewhere(run(2, speed=only(JAX, 1.3)))
    with pytest.raises(
        ValueError, match=r"0a1b2c3d a CPU; ffffffff another CPU.*--across-machines"
    ):
        changes(old, new)
    found = changes(old, new, across_machines=True)
    assert [case.case for case in found.regressions] == [JAX]


def test_across_machines_takes_one_machine_a_file() -> None:
    two = run(1)
    more = {"kind": "machine", "machine": {"id": "eeeeeeee"}}
    with pytest.raises(ValueError, match="holds 2 machines"):
        changes(Run(two.path, two.header, [more, *two.lines]), elsewhere(run(2)), True)


def test_machines_of_one_file_are_compared_each_with_itself() -> None:
    """A machine twice as fast in the same file is no change of the other."""

    def both(first: Run, second: Run) -> Run:
        there = elsewhere(second)
        more = {"kind": "machine", "machine": there.header["machine"]}
        return Run(first.path, first.header, [more, *first.lines, *there.lines])

    def fast(row: str, repeat: int) -> float:
        return 0.5

    found = changes(both(run(1), run(2, machine=fast)), both(run(3), run(4, machine=fast)))
    assert len(found.cases) == 18
    assert not any(case.changed for case in found.cases)


def test_runs_without_a_common_case_are_refused() -> None:
    with pytest.raises(ValueError, match="no case in common"):
        changes(run(1, rows=ROWS[:1]), run(2, rows=ROWS[1:]))


# The statistic


def test_the_interval_is_welchs_where_nothing_is_borrowed() -> None:
    from scipy import stats

    rng = np.random.default_rng(3)
    old, new = rng.normal(0.0, 0.01, 5), rng.normal(0.1, 0.03, 8)
    found = ratio(old, new, 0.05, (None, None))
    known = stats.ttest_ind(new, old, equal_var=False)
    low, high = known.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((math.exp(low), math.exp(high)))


def test_p_is_below_5_percent_exactly_when_the_interval_leaves_the_margin() -> None:
    rng = np.random.default_rng(4)
    seen = set()
    for shift in np.linspace(-0.3, 0.3, 61):
        found = ratio(rng.normal(0, 0.02, 4), rng.normal(shift, 0.02, 4), 0.05, (None, None))
        assert found.low is not None
        assert found.high is not None
        assert found.p is not None
        outside = found.low > 1.05 or found.high < 1 / 1.05
        assert (found.p < 0.05) == outside
        seen.add(outside)
    assert seen == {True, False}


@pytest.mark.slow
def test_intervals_cover_the_truth_also_from_three_processes() -> None:
    """Of 2 000 comparisons of a change of 10 %, whose cases differ in spread by a factor 3, 93 % or more."""
    rng = np.random.default_rng(5)
    hits = total = 0
    for _ in range(50):
        sds = rng.uniform(0.007, 0.021, 40)
        old = [rng.normal(0.0, s, 3) for s in sds]
        new = [rng.normal(0.1, s, 3) for s in sds]
        spreads = pooled(old), pooled(new)
        for a, b in zip(old, new, strict=True):
            found = ratio(a, b, 0.05, spreads)
            assert found.low is not None
            assert found.high is not None
            hits += found.low <= math.exp(0.1) <= found.high
            total += 1
    assert hits / total >= 0.93


def test_groups_that_do_not_vary_have_an_interval_all_the_same() -> None:
    found = ratio(np.zeros(3), np.full(3, 0.1), 0.05, (Spread(0.0), Spread(0.0)))
    assert found.ratio == pytest.approx(math.exp(0.1))
    assert found.p == pytest.approx(0.0, abs=1e-9)
