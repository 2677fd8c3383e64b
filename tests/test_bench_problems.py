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
MODULES = ("survey", "survey_cases", "survey_conformance", "survey_judged", "survey_tables")


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
        "texts": ["", ""], "n": 2, "rtol": None, "seconds": 0.0, "worst_scaled": ulp, "gap": "",
        "versions": {"tool": "1.0"}, "date": "2020-02-29", "accuracy": errors | {"error_ulp": ulp, "kappa": kappa},
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


def test_errors_are_explained_or_marked(bench: SimpleNamespace) -> None:
    lines = [
        line("rosenbrock[2]/value/m", ulp=5000.0, kappa=60.0),
        line("rosenbrock[10]/value/m", ulp=5000.0, kappa=40.0),
        line("particle[1]/value/m", ulp=5000.0, kappa=10.0),  # a chain of 2481
        line("saddle[2]/value/m", ulp=500.0, kappa=1.0),
    ]
    text = bench.survey_tables.document({x["id"]: x for x in lines})
    above = text.partition("## Above")[2].partition("##")[0]
    told = {
        row.split("`")[1]: row.split("|")[-2].strip() for row in above.splitlines() if "`" in row
    }
    assert told == {
        "rosenbrock[2]/value": "conditioning",
        "rosenbrock[10]/value": "unexplained",
        "particle[1]/value": "conditioning and the chain",
    }


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


def kinds(text: str, tool: str) -> dict[str, str]:
    """One row of the table by tool."""
    head, _, *rows = [r for r in text.splitlines() if r.startswith("| ")][: 2 + 30]
    row = next(r for r in rows if r.startswith(f"| [{tool}]"))
    names, cells = ([c.strip() for c in r.split("|")] for r in (head, row))
    return dict(zip(names, cells, strict=True))


def test_conformance_counts_right_answers_gaps_and_failures(bench: SimpleNamespace) -> None:
    lines = [
        line("a[1]/gradient/dual-python"),
        line("b[1]/gradient/dual-python") | {"outcome": "unsupported", "accuracy": None},
        line("c[1]/gradient/dual-python") | {"outcome": "wrong", "gap": "it cannot"},
        line("d[1]/gradient/dual-python") | {"outcome": "crashed"},
        line("e[1]/gradient/dual-python") | {"outcome": "timed out"},
        line("f[1]/hessian/complex-step") | {"outcome": "unsupported"},  # offers none
    ]
    text = bench.survey_conformance.conformance({x["id"]: x for x in lines})
    found = kinds(text, "dual")
    assert [found[k] for k in ("ok", "gap", "failed", "limit")] == ["1", "2", "1", "1"]
    assert found["versions"] == "tool 1.0"
    assert "| `dual-python` | 1 2 g **1** 1 t |" in text
    assert [kinds(text, "numpy")[k] for k in ("ok", "gap", "failed")] == ["", "", ""]
    assert [x["id"][0] for x in bench.survey_conformance.unkept(lines)] == ["d"]


def test_a_declared_gap_that_works_is_an_error(
    bench: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, page = tmp_path / "s.jsonl", tmp_path / "s.md"
    words = ["conformance", str(out), "--out", str(page)]
    good = line("a[1]/gradient/dual-python")
    out.write_text(json.dumps(good))
    assert bench.survey.main(words) == 0
    out.write_text(json.dumps(good | {"gap": "it cannot do this"}))
    assert bench.survey.main(words) == 1
    assert "it cannot do this" in capsys.readouterr().err
    assert "it cannot do this" in page.read_text().partition("## Declared gaps that work")[2]


def test_a_gap_is_tried_all_the_same(bench: SimpleNamespace, tmp_path: Path) -> None:
    """Its value is not: nobody wants the value of what cannot be differentiated."""
    words = ["--problems", "xy_errors", "--methods", "numpy-forward", "--past-gaps", "--operators"]
    found = run(bench, tmp_path / "s.jsonl", *words, "gradient", "value")
    by_operator = {x["id"].split("/")[1]: x for x in found}
    assert by_operator["gradient"]["outcome"] == "unsupported"
    assert "cannot nest" in by_operator["gradient"]["gap"]
    assert by_operator["gradient"]["message"] != by_operator["gradient"]["gap"]  # the tool's own
    assert by_operator["value"]["gap"] == ""


def test_another_version_is_computed_again(bench: SimpleNamespace, tmp_path: Path) -> None:
    out = tmp_path / "s.jsonl"
    words = ["--problems", "rosenbrock", "--methods", "dual-python", "--operators", "value"]
    (held,) = run(bench, out, *words)
    assert len(run(bench, out, *words)) == 1
    out.write_text(json.dumps(held | {"versions": {"numpy": "0.1"}}) + "\n")
    assert len(run(bench, out, *words)) == 2


def test_methods_whose_share_of_the_minutes_is_used_up_wait_for_another_turn(
    bench: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn of no length computes nothing and loses no case."""
    turns: list[str] = []

    def method(self: Any, known: Any, wanted: list[Any], worker: Any, turn_s: float) -> list[Any]:
        turns.append(known.name)
        return wanted[:-1]

    monkeypatch.setattr(bench.survey.Survey, "method", method)
    words = ["--problems", "rosenbrock", "--methods", "dual-*", "--operators", "gradient", "value"]
    assert bench.survey.main(["run", "--out", str(tmp_path / "s"), *words]) == 0
    assert turns == ["dual-numpy", "dual-python"] * 2
    turns.clear()
    words += ["--budget-min", "0"]
    assert bench.survey.main(["run", "--out", str(tmp_path / "s"), *words]) == 0
    assert turns == ["dual-numpy", "dual-python"]
