"""The benchmark of our duals: its statistics, its tables, and its C kernels against its functions."""

import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks" / "dual"
needs_gcc = pytest.mark.skipif(
    shutil.which("gcc") is None, reason="no gcc to compile the C kernels"
)
MODULES = (
    "contender",
    "functions",
    "goals",
    "kernels",
    "problems",
    "run",
    "special",
    "tables",
    "timing",
)


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """The scripts as modules: their folder is no package."""
    before = set(sys.modules)
    sys.path.insert(0, str(FOLDER))
    try:
        yield SimpleNamespace(**{name: import_module(name) for name in MODULES})
    finally:
        sys.path.remove(str(FOLDER))
        ours = {path.stem for path in FOLDER.glob("*.py")}
        for name in (set(sys.modules) - before) & ours:
            del sys.modules[name]


@pytest.fixture(scope="module")
def libraries(tmp_path_factory, bench):
    return bench.kernels.build(tmp_path_factory.mktemp("kernels"))


# Sizes that no vector width divides: the loops' remainders count too.
CASES = (("logistic_map", 1000), ("bessel", 0), ("rosenbrock", 2), ("rosenbrock", 10),
         ("rosenbrock", 67), ("gauss_nll", 101), ("gauss_log", 57), ("histogram_nll", 83),
         ("gmm", 21), ("ode", 150), ("escape", 299))  # fmt: skip
SECOND = (("rosenbrock", 2), ("rosenbrock", 10), ("gauss_nll", 101), ("histogram_nll", 83))


def called(bench, libraries, way, p, kind, results):
    """Value and derivatives of one C kernel."""
    kernel = bench.kernels.load(libraries[way], f"{p.c_name}_{kind}")
    x = np.atleast_1d(np.asarray(p.x, dtype=np.float64))
    return bench.kernels.once(kernel, x, results, p.flat, p.n)


def values(p, f):
    """Values of f as a C primal gives them: one number, and for many points one each."""
    if not p.many:
        return f(p.x, *p.data), None
    each = [f(point) for point in p.flat.reshape(-1, 2)]
    return None, np.array(each)


def dual_gradient(p, f):
    """The gradient by our scalar duals; at each of many points the value before it."""
    from adbench.dual import python as dual

    if p.many:
        points = p.flat.reshape(-1, 2).tolist()
        return np.array([[f(c), *dual.grad(f)(c)] for c in points]).ravel()
    if not isinstance(p.x, np.ndarray):
        return np.array([dual.derivative(f)(p.x, *p.data)])
    return np.array(dual.grad(f)(p.x.tolist(), *p.data))


def words(bench):
    """Elementary functions of our scalar duals for the functions' texts."""
    from adbench.dual.python import math as m

    made = {name: getattr(m, name) for name in ("exp", "log", "erf")}
    made["log2"] = lambda x: m.log(x) / math.log(2.0)
    return bench.functions.module("words", **made, space=lambda x, n: [0.0] * n)


@needs_gcc
@pytest.mark.parametrize("way", ["fast", "strict"])
@pytest.mark.parametrize(("function", "size"), CASES)
def test_c_primals_are_the_functions(bench, libraries, function, size, way):
    p = bench.problems.problem(function, size)
    value, out = called(bench, libraries, way, p, "primal", p.results)
    expected, each = values(p, p.build(bench.functions.for_python()))
    if each is None:
        assert value == pytest.approx(expected, rel=1e-10)
    else:
        np.testing.assert_allclose(out[: each.size], each, rtol=1e-10)


@needs_gcc
@pytest.mark.parametrize("way", ["fast", "strict"])
@pytest.mark.parametrize(("function", "size"), CASES)
def test_c_gradients_are_the_duals(bench, libraries, function, size, way):
    p = bench.problems.problem(function, size)
    value, out = called(bench, libraries, way, p, "gradient", p.results)
    expected = dual_gradient(p, p.build(words(bench)))
    assert np.linalg.norm(out - expected) <= 1e-9 * np.linalg.norm(expected)
    if not p.many:
        primal, _ = values(p, p.build(bench.functions.for_python()))
        assert value == pytest.approx(primal, rel=1e-10)


@needs_gcc
@pytest.mark.parametrize("way", ["fast", "strict"])
@pytest.mark.parametrize(("function", "size"), SECOND)
def test_c_hessians_are_the_duals(bench, libraries, function, size, way):
    from adbench.dual import python as dual

    p = bench.problems.problem(function, size)
    _, out = called(bench, libraries, way, p, "hessian", p.variables**2)
    expected = np.ravel(dual.hessian(p.build(words(bench)))(p.x.tolist(), *p.data))
    assert np.linalg.norm(out - expected) <= 1e-9 * np.linalg.norm(expected)


def test_the_data_are_as_the_kernels_see_them(bench):
    p = bench.problems.problem("histogram_nll", 1000)
    counts, edges = p.data
    assert len(edges) == len(counts) + 1
    assert np.array_equal(np.concatenate([counts, edges]), p.flat)


def test_a_ratio_is_the_mean_of_log_ratios_with_students_interval(bench):
    above, below = [2.0, 2.2, 1.8], [1.0, 1.0, 1.0]
    seen = bench.timing.ratio(above, below)
    logs = np.log(above)
    half = 4.302652729911275 * logs.std(ddof=1) / math.sqrt(3)
    assert seen.value == pytest.approx(math.exp(logs.mean()))
    assert (seen.low, seen.high) == pytest.approx(
        (math.exp(logs.mean() - half), math.exp(logs.mean() + half))
    )


def test_one_process_has_no_interval_and_none_no_ratio(bench):
    assert math.isnan(bench.timing.ratio([3.0], [2.0]).low)
    with pytest.raises(ValueError, match="no processes"):
        bench.timing.ratio([], [])


def test_intervals_hold_the_truth_as_often_as_they_say(bench):
    random = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        above = np.exp(0.3 + 0.05 * random.normal(size=4))
        seen = bench.timing.ratio(above, np.exp(0.05 * random.normal(size=4)))
        held += seen.low <= math.exp(0.3) <= seen.high
    assert 0.93 <= held / 2000 <= 0.97


def test_the_fastest_of_several_is_chosen_over_all_processes(bench):
    times = {"a": [1.0, 5.0], "b": [2.0, 2.0], "c": []}
    assert bench.timing.best(times, ("a", "b", "c")) == ("b", [2.0, 2.0])
    with pytest.raises(ValueError, match="none of c"):
        bench.timing.best(times, ("c",))


def test_blocks_are_interleaved_and_the_least_counts(bench, monkeypatch):
    """A clock that each contender moves by itself: the floors are what the calls cost."""
    now = 0.0
    order = []

    def contender(name, costs):
        def run(count):
            nonlocal now
            order.append(name)
            now += count * next(costs)

        return run

    for clock in ("perf_counter", "process_time"):
        monkeypatch.setattr(bench.timing.time, clock, lambda: now)
    slow = chain([5e-6] * 20, [2e-6], repeat(4e-6))
    effort = bench.timing.Effort(blocks=30, block_s=1e-3, budget_s=10.0)
    found = bench.timing.floors(
        {"steady": contender("steady", repeat(1e-6)), "slow": contender("slow", slow)}, effort, 0
    )
    assert found["steady"][0] == pytest.approx(1e-6)
    assert found["slow"] == pytest.approx((2e-6, 2e-6))
    rounds = list(zip(order[-60::2], order[-59::2], strict=True))
    assert {frozenset(pair) for pair in rounds} == {frozenset({"steady", "slow"})}
    assert len(set(rounds)) == 2


@pytest.mark.parametrize(("seen", "word"), [
    ((1.0, 0.9, 1.1), "pass"), ((1.3, 1.1, 1.5), "pass?"), ((1.5, 1.35, 1.7), "FAIL?"),
    ((1.5, 1.45, 1.6), "FAIL"), ((1.0, math.nan, math.nan), "pass"),
])  # fmt: skip
def test_the_verdict_is_the_means_and_doubtful_when_the_interval_holds_the_limit(bench, seen, word):
    goal = bench.goals.Goal("", "", (), (), 1.4)
    assert bench.goals.Judged(goal, "", "", bench.timing.Ratio(*seen, 3)).verdict == word


def test_every_goal_names_a_case_that_exists(bench):
    lineup = import_module("lineup")

    assert {goal.case for goal in bench.goals.GOALS} <= set(lineup.NAMES)
    assert set(bench.goals.AGAINST_JAX) <= set(lineup.NAMES)
    assert len(bench.goals.AGAINST_JAX) == 16


def test_the_tape_is_judged_by_nanoseconds_an_operation(bench):
    goal = bench.goals.Goal("", "", ("tape",), ("primal",), 6.0, operations="recorded")
    times = {"tape": [1.5e-6, 1.5e-6], "primal": [1.0e-6, 1.0e-6]}
    judged = bench.goals.judge(goal, times, {"recorded": 100})
    assert judged.seen.value == pytest.approx(5.0)
    assert judged.verdict == "pass"


def test_operations_are_counted_on_numbers_that_depend_on_the_variables(bench):
    """Rosenbrock: x[i]*x[i], the difference, 1 - x, three products, a sum, and one onto the total."""
    count = bench.special.operations(bench.problems.problem("rosenbrock", 10))
    assert count == 9 * 8


def test_wins_against_jax_are_counted_case_by_case(bench):
    cases = {
        "bessel": {"py dual": [1.0], "jax jacfwd": [4.0], "jax grad": [8.0]},
        "gmm[1000]": {"py dual": [4.0], "py dual vector math": [1.0], "jax grad": [2.0]},
    }
    plain = {case: seen.value for case, _, _, seen in bench.goals.wins(cases, "")}
    vector = {case: seen.value for case, _, _, seen in bench.goals.wins(cases, " vector math")}
    assert plain == pytest.approx({"bessel": 4.0, "gmm[1000]": 0.5})
    assert vector == pytest.approx({"bessel": 4.0, "gmm[1000]": 2.0})


def test_the_document_shows_verdicts_and_what_is_missing(bench):
    cases = {"bessel": {"dual S": [1.0, 1.0], "C fast": [0.5, 0.5], "C strict": [1.0, 1.1]}}
    text = bench.tables.document(cases, {}, {"bessel": {"fastdual": "no | number"}}, ["a machine"])
    [line] = [line for line in text.splitlines() if line.startswith("| Bessel")]
    assert [cell.strip() for cell in line.split("|")[2:7]] == [
        "1.4", "2 (2 to 2)", "FAIL", "dual S", "C fast",
    ]  # fmt: skip
    assert "no / number" in text


def test_contenders_that_compute_something_else_are_left_out_with_the_reason(bench):
    Contender = bench.contender.Contender

    def broken():
        raise ImportError("no module named x")

    found = bench.contender.field_of(
        {
            "ours": lambda: Contender(print, lambda: [1.0, 2.0]),
            "right": lambda: Contender(print, lambda: np.array([1.0, 2.0 + 1e-12])),
            "wrong": lambda: Contender(print, lambda: [1.0, 2.1]),
            "short": lambda: Contender(print, lambda: [1.0]),
            "broken": broken,
        },
        "ours",
    )
    assert set(found.ready) == {"ours", "right"}
    assert found.missing["wrong"].startswith("wrong: relative difference")
    assert "1 derivatives" in found.missing["short"]
    assert found.missing["broken"] == "ImportError: no module named x"


def test_patterns_choose_cases_and_brackets_are_brackets(bench):
    names = ["gauss_nll[100]", "gauss_nll[1000]", "bessel"]
    assert bench.run.matching(names, ["gauss_nll[100]"]) == ["gauss_nll[100]"]
    assert bench.run.matching(names, ["gauss*", "bess??"]) == names


def test_help_works_with_the_minimal_install():
    done = subprocess.run(
        [sys.executable, FOLDER / "run.py", "--help"], capture_output=True, text=True, check=True
    )
    assert "--only" in done.stdout
    assert "--quick" in done.stdout
