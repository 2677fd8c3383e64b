"""What asv reads: which cases, which figures, and when a curve begins anew."""

import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import run

from adbench import registry, timeline
from adbench.analysis.frame import tidy
from adbench.harness.store import digest
from adbench.model import Case, Operator, UnknownNameError
from adbench.reference.truth import certified

ROOT = Path(__file__).parents[1]
JAX, DUAL = (f"gauss_nll[100]/gradient/{m}" for m in ("jax-reverse", "numba-dual"))


@pytest.fixture(scope="module")
def figures() -> dict[str, dict[str, Any]]:
    header, lines = run(repeats=3, twins=True)
    return timeline.figures_of(tidy(lines, header=header))


def test_eight_problems_at_two_sizes_by_the_methods_that_can():
    series = timeline.series()
    assert len(series) == 8
    for problem, cases in series.items():
        sizes = {Case.parse(c).size for c in cases}
        assert len(sizes) == 2, problem
        assert len(set(cases)) == len(cases) >= 12
        assert {registry.method(Case.parse(c).method).tool for c in cases} >= {"numba", "jax"}


def test_reading_the_list_imports_no_tool():
    """Asv imports the suite once and forks: a JAX backend in the parent would hang every child."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys, benchmarks.benchmarks, benchmarks.native;"
         "print([m for m in ('jax', 'numba', 'autograd', 'sympy') if m in sys.modules])"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_figures_are_those_of_the_frame(figures):
    header, lines = run(repeats=3, twins=True)
    frame = tidy(lines, header=header)
    own = frame[(frame["id"] == JAX) & ~frame["twin"]]
    found = figures[JAX]
    assert found["steady"] == {"samples": own["steady_s"].tolist(), "number": 1}
    assert len(found["steady"]["samples"]) == 3
    assert found["first_call"]["samples"] == own["start_s"].tolist()
    assert found["log2_ulp"] == math.log2(1 + own["error_ulp"].max())
    assert found["cost_ratio"] == own["steady_s"].min() / own["value_s"].min()
    assert found["compile"] <= min(found["first_call"]["samples"])


def test_a_case_that_did_not_run_is_not_available(figures):
    """NaN, which asv shows as n/a: None would count as failed, 0 as the best of all."""
    absent = [c for c in figures if c.startswith("gmm[")]
    assert absent
    assert all(math.isnan(v) for c in absent for v in figures[c].values())
    assert math.isnan(figures[JAX]["to_manual"])  # nobody measured one by hand


def test_ratio_to_the_derivative_by_hand():
    header, lines = run(repeats=3, twins=False)
    by_hand = [
        {**line, "id": line["id"].replace("numba-dual", "numba-manual"), "method": "numba-manual"}
        for line in lines
        if line["id"] == DUAL
    ]
    found = timeline.figures_of(tidy([*lines, *by_hand], header=header))
    assert found[DUAL]["to_manual"] == 1.0
    assert found[JAX]["to_manual"] > 1.0


def test_a_changed_text_begins_new_curves_of_its_problem_alone(monkeypatch):
    before = {p: timeline.version(p) for p in timeline.series()}
    kepler = registry.problem("kepler")
    other = replace(kepler, forms=kepler.forms[:-1])
    find = registry.problem
    monkeypatch.setattr(registry, "problem", lambda name: other if name == "kepler" else find(name))
    after = {p: timeline.version(p) for p in timeline.series()}
    assert [p for p in before if before[p] != after[p]] == ["kepler"]


def test_a_wrong_answer_has_an_error_and_no_time(figures):
    """Else a method that loses digits would end its curve, which no list of regressions shows."""
    header, lines = run(repeats=3, twins=False)
    off = {
        "error_rel": 1e-9,
        "error_ulp": 2.0**22 - 1,
        "worst_rel": 1e-9,
        "worst_ulp": 2.0**22,
        "kappa": 1.0,
    }
    wrong = [
        {**line, "outcome": "wrong", "accuracy": off, "measurements": []}
        if line["id"] == JAX
        else line
        for line in lines
    ]
    found = timeline.figures_of(tidy(wrong, header=header))[JAX]
    assert found["log2_ulp"] == 22.0
    assert math.isnan(found["steady"])
    assert figures[JAX]["log2_ulp"] < 22.0


def test_fewer_problems_may_be_followed(monkeypatch):
    every = timeline.series()
    timeline.series.cache_clear()
    monkeypatch.setenv("ADBENCH_SERIES", "gauss_nll, kepler")
    try:
        assert timeline.series() == {p: every[p] for p in ("gauss_nll", "kepler")}
        rows = {case.rpartition("/")[0] for case in timeline.native(timeline.COMPILED)}
        assert rows == {"gauss_nll[10000]/gradient", "kepler[1000]/derivative"}
        timeline.series.cache_clear()
        monkeypatch.setenv("ADBENCH_SERIES", "kepler,gaus")
        with pytest.raises(UnknownNameError, match="names gaus, which no curve follows"):
            timeline.series()
    finally:
        timeline.series.cache_clear()


def test_asv_times_twenty_cases_itself():
    from benchmarks import native

    classes = (native.NativeCompiled, native.NativeInterpreted)
    cases = [case for found in classes for case in found.params[0]]
    assert len(set(cases)) == 20
    assert {*cases} <= {case for each in timeline.series().values() for case in each}


def test_each_benchmark_class_follows_one_problem():
    from benchmarks import benchmarks

    found = [c for c in vars(benchmarks).values() if isinstance(c, type) and hasattr(c, "params")]
    series = timeline.series()
    assert {c.params[0] for c in found} == set(series.values())
    assert {c.version for c in found} == {timeline.version(p) for p in series}
    tracked = {name for name in dir(found[0]) if name.startswith("track_")}
    assert len(tracked) == len(timeline.FIGURES)


def test_store_is_one_for_each_state_of_what_is_measured():
    header: dict[str, Any] = {
        "preset": "timeline", "versions": {"jax": "1"}, "machine": {"id": "a", "load": 1},
        "code": "c", "threads": {"requested": 1}, "device": "cpu",
    }  # fmt: skip
    same = {**header, "machine": {"id": "a", "load": 9}, "started": "later"}
    assert digest(header) == digest(same)
    assert digest(header) != digest({**header, "versions": {"jax": "2"}})
    assert digest(header) != digest({**header, "code": "d"})


def test_prepared_case_is_right(tmp_path):
    """In a process of its own, since it binds the process to a core."""
    case = "histogram_nll[100]/gradient/autograd-reverse"
    pytest.importorskip("autograd")
    code = (
        "import json; from adbench import timeline;"
        f"print(json.dumps(timeline.prepared({case!r})().tolist()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    problem = registry.problem("histogram_nll")
    truth = certified(problem, 100, Operator.GRADIENT, problem.at(100))
    assert np.array(json.loads(done.stdout)) == pytest.approx(truth.hi, rel=1e-12)


def test_the_heap_of_a_process_that_asv_started_keeps_its_pages():
    """As a worker's does: else a call with large arrays takes three times as long by asv's clock."""
    code = (
        "import numpy as np; from adbench.harness import memory as m; kept = m.keep_pages();"
        "faults = lambda: __import__('resource').getrusage(0).ru_minflt;"
        "ones = lambda: len([np.ones(1_000_000) for _ in range(12)]); ones(); ones(); a = faults();"
        "[ones() for _ in range(20)]; print(kept, faults() - a)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kept, faults = done.stdout.split()
    if kept == "False":
        pytest.skip("the system's allocator takes no limits")
    assert (
        int(faults) < 4_000
    )  # 96 MB are 23 000 pages, which without it are given back and asked for in each of twenty rounds


def test_every_dependency_is_pinned_in_the_matrix():
    """Nothing is resolved when asv installs, so what the matrix lacks would be missing."""
    config = (ROOT / "asv.conf.json").read_text()
    project = (ROOT / "pyproject.toml").read_text()
    listed = project.split("\ndependencies = [")[1].split("]")[0]
    needed = re.findall(r'"([\w-]+)', listed)
    assert len(needed) > 10
    assert [name for name in needed if f'"{name}":' not in config] == []
