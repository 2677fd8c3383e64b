"""The survey of all problems: what it computes, what it skips, and what its tables say."""

import gzip
import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks" / "problems"
MODULES = ("survey", "survey_cases", "survey_tables")


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """The scripts as modules: their folder is no package."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield SimpleNamespace(**{name: import_module(name) for name in MODULES})
    finally:
        sys.path.remove(str(FOLDER))
        for name in MODULES:
            sys.modules.pop(name, None)


def line(name: str, outcome: str = "ok", ulp: float = 1.0, kappa: float = 2.0) -> dict[str, Any]:
    errors = dict.fromkeys(("error_rel", "worst_rel", "worst_ulp"), 0.0)
    return {
        "id": name, "outcome": outcome, "message": "a sentence", "form": "scalar",
        "texts": ["", ""], "n": 2, "rtol": None, "seconds": 0.0, "worst_scaled": ulp,
        "accuracy": errors | {"error_ulp": ulp, "kappa": kappa},
    }  # fmt: skip


def run(bench: SimpleNamespace, out: Path, *words: str) -> list[dict[str, Any]]:
    assert bench.survey.main(["run", "--out", str(out), *words]) == 0
    return [json.loads(text) for text in out.read_text().splitlines()]


def test_a_survey_judges_and_a_second_one_computes_only_what_is_lacking(
    bench: SimpleNamespace, tmp_path: Path
) -> None:
    words = ["--problems", "rosenbrock", "--methods", "dual-python", "--operators"]
    first = run(bench, tmp_path / "s.jsonl", *words, "gradient")
    assert [x["outcome"] for x in first] == ["ok"]
    assert 0.0 <= first[0]["accuracy"]["error_ulp"] < 10.0
    second = run(bench, tmp_path / "s.jsonl", *words, "gradient", "value")
    assert second[0] == first[0]
    assert [x["id"] for x in second] == [
        "rosenbrock[2]/gradient/dual-python", "rosenbrock[2]/value/dual-python",
    ]  # fmt: skip


def test_another_text_and_an_outcome_asked_for_are_computed_again(
    bench: SimpleNamespace, tmp_path: Path
) -> None:
    out = tmp_path / "s.jsonl"
    words = ["--problems", "rosenbrock", "--methods", "complex-step", "--operators", "hessian"]
    held = run(bench, out, *words)
    assert [x["outcome"] for x in held] == ["unsupported"]
    assert len(run(bench, out, *words)) == 1
    assert len(run(bench, out, *words, "--again", "unsupported")) == 2
    out.write_text(json.dumps(held[0] | {"texts": ["another", "text"]}) + "\n")
    assert len(run(bench, out, *words)) == 2


def test_a_text_too_long_to_certify_is_left_out_unless_its_truth_is_at_hand(
    bench: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.survey_cases, "at_hand", lambda *_: False)
    words = ["run", "--out", str(tmp_path / "s"), "--problems", "rosenbrock", "--sizes", "two"]
    asked = bench.survey.parser().parse_args([*words, "--max-reference", "20"])
    assert {r.size for found in bench.survey_cases.rows(asked).values() for r in found} == {2}
    monkeypatch.setattr(bench.survey_cases, "at_hand", lambda *_: True)
    assert {r.size for found in bench.survey_cases.rows(asked).values() for r in found} == {2, 10}


def test_errors_are_explained_by_conditioning_or_marked(bench: SimpleNamespace) -> None:
    lines = [
        line("a[1]/value/m", ulp=5000.0, kappa=60.0),
        line("b[1]/value/m", ulp=5000.0, kappa=40.0),
        line("c[1]/value/m", ulp=500.0, kappa=1.0),
    ]
    text = bench.survey_tables.document({x["id"]: x for x in lines})
    above = text.partition("## Above")[2].partition("##")[0]
    told = {
        row.split("`")[1]: row.split("|")[-2].strip() for row in above.splitlines() if "`" in row
    }
    assert told == {"a[1]/value": "conditioning", "b[1]/value": "unexplained"}


def test_failures_are_told_with_their_sentence(bench: SimpleNamespace) -> None:
    lines = [line("a[1]/value/m", "wrong"), line("a[1]/value/k"), line("b[2x3]/hvp/m", "wrong")]
    text = bench.survey_tables.document({x["id"]: x for x in lines})
    told = text.partition("## What did not end well")[2].partition("## ")[0]
    assert [row.split("`")[1] for row in told.splitlines() if "`" in row] == [
        "a[1]/value", "b[2x3]/hvp",
    ]  # fmt: skip


def test_forms_that_disagree_name_their_method(bench: SimpleNamespace) -> None:
    near, far = line("a[1]/value/m", ulp=4000.0), line("a[1]/value/k", ulp=5000.0)
    rows = [bench.survey_tables._agreement(x) for x in ([near], [near, far])]
    assert rows[0] == "0.89"
    assert rows[1] == "1.1 **k**"


def test_the_last_line_of_a_case_counts_and_a_torn_one_does_not(
    bench: SimpleNamespace, tmp_path: Path
) -> None:
    first, second = line("a[1]/value/m", "wrong"), line("a[1]/value/m")
    text = f"{json.dumps(first)}\n{json.dumps(second)}\n" + json.dumps(first)[:20]
    (tmp_path / "s.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    found = bench.survey_tables.read(tmp_path / "s.jsonl.gz")
    assert {k: v["outcome"] for k, v in found.items()} == {"a[1]/value/m": "ok"}
