"""Two states of the code in one run: what is called worse, what is not, and who measures which."""

import copy
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from synthetic import run as synthetic
from typer.testing import CliRunner

from adbench import cli
from adbench.analysis.frame import tidy
from adbench.analysis.gate import gate
from adbench.harness import plan, store
from adbench.harness import run as harness
from adbench.harness.header import Settings
from adbench.harness.store import Run
from adbench.report.markdown import changes_table

ROOT = Path(__file__).parents[1]
Line = dict[str, Any]
SLOW = "gauss_nll[100]/gradient/jax-reverse"
LOST = "rosenbrock[10]/gradient/numba-dual"


def turns(change: Callable[[Line], None] = lambda line: None, processes: int = 10) -> Run:
    """A run against a base: copies of even processes are the base's; `change` alters the new lines."""
    header, lines = synthetic(repeats=processes, twins=True, tools=("jax", "numba"), failures=False)
    header |= {"base": {"code": "old", "commit": None}, "code": "new"}
    found = []
    for line in copy.deepcopy(lines):
        if line["twin"] and line["repeat"] % 2 == 0:
            line["base"] = True
        else:
            change(line)
        found.append(line)
    return Run(Path("gate.jsonl"), header, found)


def slower(case: str, factor: float) -> Callable[[Line], None]:
    def change(line: Line) -> None:
        if line["id"] == case:
            for m in line["measurements"]:
                if m["phase"] == "steady":
                    m["cpu_s"] = [factor * t for t in m["cpu_s"]]
                    m["wall_s"] = [factor * t for t in m["wall_s"]]

    return change


def test_a_state_against_itself_is_never_worse():
    found = gate(turns())
    assert found.regressions == ()
    assert len(found.cases) >= 10
    assert {c.decision for c in found.cases} == {"tie"}


@pytest.mark.parametrize("factor", [1.5, 1.15])
def test_a_slower_method_is_found_and_nothing_else(factor):
    found = gate(turns(slower(SLOW, factor)))
    assert [c.case for c in found.regressions] == [SLOW]
    worst = found.regressions[0]
    assert worst.ratio == pytest.approx(factor, rel=0.03)
    assert worst.low < factor < worst.high


def test_a_faster_method_is_no_regression():
    found = gate(turns(slower(SLOW, 0.6)))
    assert found.regressions == ()
    assert [c.case for c in found.cases if c.better] == [SLOW]


def test_a_difference_within_the_margin_is_none():
    assert gate(turns(slower(SLOW, 1.02))).regressions == ()


def test_lost_digits_and_lost_answers_are_regressions():
    def change(line: Line) -> None:
        if line["id"] == LOST:
            line["accuracy"]["error_ulp"] = 1e6
        if line["id"] == SLOW:
            line |= {"outcome": "failed", "message": "ValueError: a|b", "measurements": []}

    found = gate(turns(change))
    assert {c.case for c in found.regressions} == {LOST, SLOW}
    table = changes_table(found, "change against base")
    assert "| `rosenbrock[10]/gradient/numba-dual` | **worse** |" in table
    assert "ValueError: a\\|b" in table  # a message cannot end its cell


def test_what_the_base_does_not_know_is_new_not_better():
    found = turns()
    for line in found.lines:
        if line.get("base") and line["id"] == SLOW:
            message = "its import failed: UnknownNameError: no method 'jax-reverse'"
            line |= {"outcome": "failed", "message": message, "measurements": []}
    told = gate(found)
    assert SLOW in told.only_new
    assert SLOW not in {c.case for c in told.cases}


def test_without_copies_there_is_no_verdict_about_times():
    found = turns(slower(SLOW, 1.5))
    lines = [line for line in found.lines if not (line["twin"] and not line.get("base"))]
    told = gate(Run(found.path, found.header, lines))
    assert told.margin is None
    assert told.regressions == ()
    assert any("no noise floor" in note for note in told.notes)


def test_an_ordinary_run_has_no_base():
    header, lines = synthetic()
    with pytest.raises(ValueError, match="no base to compare with"):
        gate(Run(Path("a.jsonl"), header, lines))


def test_other_analyses_do_not_read_lines_of_the_base():
    found = turns()
    frame = tidy(found.lines, header=found.header)
    assert len(frame) == sum(not line.get("base") for line in found.lines)


def test_a_folder_that_is_no_checkout_is_refused(tmp_path):
    done = CliRunner().invoke(cli.app, ["gate", str(tmp_path)])
    assert done.exit_code == 2
    assert "no checkout of adbench" in done.stderr
    with pytest.raises(ValueError, match="share no process"):
        Settings(base=ROOT, workers="row")


class Quiet:
    def total(self, cells: int) -> None: ...
    def case(self, name: str) -> None: ...
    def done(self, line: Line) -> None: ...
    def note(self, message: str) -> None: ...


def test_copies_in_even_processes_run_the_code_of_the_base(tmp_path):
    """The base's central difference is spoilt: its answers are wrong, the change's are not."""
    shutil.copytree(ROOT / "adbench", tmp_path / "base" / "adbench")
    file = tmp_path / "base" / "adbench" / "methods" / "_numpy_differences.py"
    text = file.read_text()
    spoilt = text.replace("exponent: float = 1 / 3", "exponent: float = 1 / 30")
    assert spoilt != text
    file.write_text(spoilt)
    rows = plan.rows(plan.GATE, ("rosenbrock[2]/gradient/numpy-central",))
    settings = Settings(base=tmp_path / "base")
    chosen = replace(plan.GATE, repeats=2, other_repeats=2, blocks=2, other_blocks=2)
    harness.run(rows, chosen, tmp_path / "out.jsonl", Quiet(), settings=settings)
    found = store.load(tmp_path / "out.jsonl")
    told = {(r["repeat"], r["twin"]): (r["outcome"], r.get("base")) for r in found.results}
    assert told == {
        (0, False): ("ok", None), (0, True): ("wrong", True),
        (1, False): ("ok", None), (1, True): ("ok", None),
    }  # fmt: skip
    assert found.header["base"]["code"] != found.header["code"]
    assert [c.case for c in gate(found).cases if c.better]
