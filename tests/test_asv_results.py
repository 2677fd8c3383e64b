"""asv's results folder: read into a frame, written from a run, and a run against it."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asv_history
import numpy as np
import pandas as pd
import pytest
import synthetic
from typer.testing import CliRunner

from adbench.analysis.asv_results import COLUMNS, read_asv
from adbench.analysis.asv_write import write_asv
from adbench.analysis.since import since
from adbench.cli import app

COMMIT, EARLIER = "a" * 40, "b" * 40
CASE = "gauss_nll[100]/gradient/jax-reverse"


def invoke(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def handmade(folder: Path, **changes: Any) -> Path:
    """A folder as asv writes it: a benchmark of two parameters, one of none, one that is gone."""
    columns = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a",
               "stats_ci_99_b", "stats_q_25", "stats_q_75", "stats_number", "stats_repeat", "samples"]  # fmt: skip
    two = [["'gauss_nll[100]/gradient/jax-reverse'", "'b'"], ["10", "<function f>"]]
    steady = [
        [1e-6, None, math.nan, 4e-6], two, "v2", 1, 2.0, [9e-7, None, None, None],
        [1.1e-6, None, None, None], [9.5e-7, None, None, None], [1.05e-6, None, None, None],
        [1, None, None, None], [3, None, None, None], [[9e-7, 1e-6, 1.1e-6], None, None, None],
    ]  # fmt: skip
    results = {
        "commit_hash": COMMIT,
        "env_name": "virtualenv-py3.11-jax0.10.2",
        "date": 1_767_268_800_000,
        "params": {"machine": "box", "python": "3.11", "jax": "0.10.2"},
        "python": "3.11",
        "requirements": {"jax": "0.10.2", "numpy": ""},
        "env_vars": {},
        "result_columns": columns,
        "results": {
            "suite.Steady.track_steady": steady,
            "suite.track_one": [[3.5], [], "new"],
            "suite.track_broken": [None, [["1", "2"]], "v1"],
            "suite.track_gone": [[1.0], [], "v1"],
        },
        "durations": {},
        "version": 2,
        **changes,
    }
    benchmarks = {
        "suite.Steady.track_steady": {
            "params": two, "param_names": ["case", "n"], "type": "time", "unit": "seconds", "version": "v2",
        },
        "suite.track_one": {
            "params": [], "param_names": [], "type": "track", "unit": "unit", "version": "old",
        },
        "suite.track_broken": {
            "params": [["1", "2"]], "param_names": ["k"], "type": "track", "unit": "", "version": "v1",
        },
        "version": 2,
    }  # fmt: skip
    (folder / "box").mkdir(parents=True)
    (folder / "benchmarks.json").write_text(json.dumps(benchmarks))
    (folder / "box" / "machine.json").write_text(json.dumps({"machine": "box", "version": 1}))
    (folder / "box" / "aaaaaaaa-env.json").write_text(json.dumps(results))
    return folder


def test_a_row_for_each_commit_environment_benchmark_and_parameters(tmp_path: Path) -> None:
    frame = read_asv(handmade(tmp_path / "results"))
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == 4 + 1 + 2 + 1
    first = frame[frame["benchmark"] == "suite.Steady.track_steady"].iloc[0]
    assert first["commit"] == COMMIT
    assert first["date"] == pd.Timestamp("2026-01-01T12:00Z")
    assert (first["machine"], first["python"]) == ("box", "3.11")
    assert first["requirements"] == "jax 0.10.2, numpy"
    assert first["case"] == CASE
    assert first["parameters"] == f"case={CASE}, n=10"
    assert (first["value"], first["low"], first["high"]) == (1e-6, 9e-7, 1.1e-6)
    assert first["samples"] == (9e-7, 1e-6, 1.1e-6)
    assert (first["repeat"], first["number"]) == (3.0, 1.0)
    assert (first["type"], first["unit"], first["version"]) == ("time", "seconds", "v2")


def test_failed_and_skipped_stay_apart(tmp_path: Path) -> None:
    frame = read_asv(handmade(tmp_path / "results"))
    steady = frame[frame["benchmark"] == "suite.Steady.track_steady"]
    assert list(steady["status"]) == ["ok", "failed", "skipped", "ok"]
    assert list(steady["value"].isna()) == [False, True, True, False]
    assert list(frame[frame["benchmark"] == "suite.track_broken"]["status"]) == ["failed"] * 2


def test_what_asv_no_longer_shows_is_marked(tmp_path: Path) -> None:
    current = read_asv(handmade(tmp_path / "results")).groupby("benchmark")["current"].first()
    assert dict(current) == {
        "suite.Steady.track_steady": True,
        "suite.track_broken": True,
        "suite.track_gone": False,
        "suite.track_one": False,
    }


def cut(path: Path) -> None:
    path.write_text(path.read_text()[:-20])


def without(key: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        found = json.loads(path.read_text())
        del found[key]
        path.write_text(json.dumps(found))

    return change


def short(path: Path) -> None:
    found = json.loads(path.read_text())
    found["results"]["suite.Steady.track_steady"][0].pop()
    path.write_text(json.dumps(found))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("box/aaaaaaaa-env.json", cut, "aaaaaaaa-env.json' is not JSON"),
        ("box/aaaaaaaa-env.json", without("commit_hash"), "'commit_hash' is 'missing', no str"),
        ("box/aaaaaaaa-env.json", without("version"), "has layout None where asv 0.6 writes 2"),
        ("box/aaaaaaaa-env.json", short, "does not hold 4 values"),
        ("box/machine.json", cut, "machine.json' is not JSON"),
        ("box/machine.json", without("machine"), "names no machine"),
        ("benchmarks.json", lambda p: p.write_text("[]"), "holds no JSON object"),
        ("benchmarks.json", Path.unlink, "has no benchmarks.json. Measure first"),
        ("benchmarks.json", lambda p: p.write_text('{"a": 1, "version": 2}'), "'a' is no object"),
    ],
)
def test_a_malformed_file_is_named_with_what_to_do(
    tmp_path: Path, name: str, change: Callable[[Path], Any], said: str
) -> None:
    folder = handmade(tmp_path / "results")
    change(folder / name)
    done = invoke("frame", "--asv", folder)
    assert done.exit_code == 2
    assert said in done.stderr


def measured(path: Path, commit: str = COMMIT, **options: Any):
    about = options.pop("about", {})
    one = synthetic.run(repeats=5, twins=False, tools=("jax", "numba", "autograd"), **options)
    return asv_history.stored(path, one, commit=commit, **about)


@pytest.fixture
def written(tmp_path: Path) -> tuple[Any, pd.DataFrame]:
    run = measured(tmp_path / "r.jsonl")
    write_asv(run, tmp_path / "results")
    return run, read_asv(tmp_path / "results")


def test_a_run_written_for_asv_reads_back(written: tuple[Any, pd.DataFrame]) -> None:
    _, frame = written
    mine = frame[frame["case"] == CASE].set_index("benchmark")
    assert set(mine.index) == {
        f"adbench.gauss_nll.array.{figure}"
        for figure in ("steady", "first_call", "error", "memory", "cost_ratio")
    }
    steady = mine.loc["adbench.gauss_nll.array.steady"]
    assert steady["value"] == pytest.approx(np.median(steady["samples"]))
    assert len(steady["samples"]) == 5
    assert steady["low"] < steady["value"] < steady["high"]
    assert mine.loc["adbench.gauss_nll.array.error"]["value"] == pytest.approx(1.0)
    assert mine.loc["adbench.gauss_nll.array.memory"]["value"] == 177_000_000
    assert mine.loc["adbench.gauss_nll.array.cost_ratio"]["value"] == pytest.approx(2.5)
    assert mine["current"].all()
    assert set(mine["version"]) == {"gauss_nll-array"}
    assert set(mine["requirements"]) == {"jax 0.10.2, numba 0.68.1, numpy 2.4.6"}


def test_failures_are_failed_and_what_is_not_offered_is_skipped(tmp_path: Path) -> None:
    header, lines = synthetic.run(tools=("jax",), twins=False, failures=False, repeats=1)
    lines[0] = synthetic.fail(lines[0], "wrong", "")
    lines[1] = synthetic.fail(lines[1], "unsupported", "")
    run = asv_history.stored(tmp_path / "r.jsonl", (header, lines), commit=COMMIT)
    write_asv(run, tmp_path / "results")
    frame = read_asv(tmp_path / "results")
    steady = frame[frame["benchmark"].str.endswith(".steady")].set_index("case")["status"]
    assert steady[lines[0]["id"]] == "failed"
    assert steady[lines[1]["id"]] == "skipped"
    assert list(steady).count("ok") == len(lines) - 2


def test_writing_twice_changes_nothing_and_parts_complete_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    whole = read_of(tmp_path / "whole", measured(tmp_path / "w.jsonl"))
    header, lines = synthetic.run(repeats=5, twins=False, tools=("jax", "numba", "autograd"))
    for tool in ("jax", "numba", "autograd", "jax"):
        part = (header, [line for line in lines if line["tool"] == tool])
        write_asv(asv_history.stored(tmp_path / "p.jsonl", part, commit=COMMIT), folder)
    parts = read_asv(folder)
    keys = ["benchmark", "case"]
    pd.testing.assert_frame_equal(
        whole.sort_values(keys, ignore_index=True), parts.sort_values(keys, ignore_index=True)
    )


def read_of(folder: Path, run: Any) -> pd.DataFrame:
    write_asv(run, folder)
    return read_asv(folder)


def test_a_changed_text_begins_a_new_curve_of_its_own_form_alone(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    write_asv(measured(tmp_path / "1.jsonl", EARLIER), folder)
    header, lines = synthetic.run(repeats=5, twins=False, tools=("jax", "numba", "autograd"))
    for line in lines:
        if line["problem"] == "gauss_nll" and line["form"] == "array":
            line["form_hash"] = "changed"
    write_asv(asv_history.stored(tmp_path / "2.jsonl", (header, lines), commit=COMMIT), folder)
    frame = read_asv(folder)
    old = frame[frame["commit"] == EARLIER]
    assert set(old[~old["current"]]["benchmark"].str.rpartition(".")[0]) == {
        "adbench.gauss_nll.array"
    }
    assert frame[frame["commit"] == COMMIT]["current"].all()


def test_what_asv_wrote_stays_beside_ours(tmp_path: Path) -> None:
    folder = handmade(tmp_path / "results")
    before = read_asv(folder)
    write_asv(measured(tmp_path / "r.jsonl"), folder)
    after = read_asv(folder)
    kept = after[after["machine"] == "box"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, before)
    # the commit's date, which a run does not know, is taken from asv's file of the same commit
    assert after["date"].nunique() == 1


def test_two_machines_of_one_name_and_other_threads_stay_apart(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    one = synthetic.run(tools=("jax",), twins=False)
    other = synthetic.elsewhere(one, "aa00bb11", threads="default", name="workbench")
    for number, run in enumerate((one, other)):
        write_asv(asv_history.stored(tmp_path / f"{number}.jsonl", run, commit=COMMIT), folder)
    frame = read_asv(folder)
    assert set(frame["machine"]) == {"workbench", "workbench-aa00bb11"}
    assert frame.groupby("machine")["environment"].first().str.contains(
        "threads-default"
    ).tolist() == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("about", "words", "said"),
    [
        ({"dirty": True}, (), "with changes that no commit holds"),
        ({"commit": None}, (), "names no commit"),
        ({}, ("--commit", "abc"), "is no full hash of 40 digits"),
    ],
)
def test_a_run_of_no_clean_commit_is_refused(
    tmp_path: Path, about: dict[str, Any], words: tuple[str, ...], said: str
) -> None:
    path = tmp_path / "r.jsonl"
    asv_history.stored(path, synthetic.run(tools=("jax",)), **about)
    done = invoke("export", path, "--to-asv", tmp_path / "results", *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not (tmp_path / "results").exists()
    done = invoke("export", path, "--to-asv", tmp_path / "results", "--commit", COMMIT)
    assert done.exit_code == 0
    assert set(read_asv(tmp_path / "results")["commit"]) == {COMMIT}
    assert not path.with_suffix(".parquet").exists()


def slower(tool: str, _problem: str, _size: str) -> float:
    return 1.3 if tool == "jax" else 1.0


def test_a_run_is_compared_with_the_commit_before(tmp_path: Path) -> None:
    old = measured(tmp_path / "1.jsonl", EARLIER, about={"started": "2026-01-01T12:00:00+00:00"})
    new = measured(
        tmp_path / "2.jsonl", speed=slower, seed=2,
        about={"versions": {**synthetic.HEADER["versions"], "jax": "0.11.0"}},
    )  # fmt: skip
    write_asv(old, tmp_path / "results")
    write_asv(new, tmp_path / "results")
    frame = since(read_asv(tmp_path / "results"), new)
    assert set(frame["commit"]) == {EARLIER}
    assert frame["case"].nunique() == len(frame)
    jax = frame["case"].str.contains("/jax-")
    assert frame[jax]["ratio"].between(1.27, 1.33).all()
    assert frame[~jax]["ratio"].between(0.97, 1.03).all()
    assert ((frame["low"] < frame["ratio"]) & (frame["ratio"] < frame["high"])).all()
    assert (frame[jax]["low"] > 1.2).all()
    assert set(frame["differs"]) == {"jax 0.10.2 then, 0.11.0 now"}
    row = frame[frame["case"] == CASE].iloc[0]
    assert (row["old_processes"], row["new_processes"]) == (5, 5)
    assert row["new_s"] / row["old_s"] == pytest.approx(row["ratio"])


def test_a_history_without_samples_gives_a_ratio_without_an_interval(tmp_path: Path) -> None:
    one = synthetic.run(repeats=1, twins=False, tools=("jax",))
    folder = tmp_path / "results"
    write_asv(asv_history.stored(tmp_path / "1.jsonl", one, commit=EARLIER), folder)
    run = asv_history.stored(tmp_path / "2.jsonl", one, commit=COMMIT)
    frame = since(read_asv(folder), run, EARLIER[:7])
    assert frame["ratio"].tolist() == pytest.approx([1.0] * len(frame))
    assert frame["low"].isna().all()


def test_commits_and_machines_that_are_not_there_are_named(
    written: tuple[Any, pd.DataFrame], tmp_path: Path
) -> None:
    run, frame = written
    with pytest.raises(ValueError, match=r"no commit but the run's own; the newest: aaaaaaaa"):
        since(frame, run)
    with pytest.raises(ValueError, match=r"no commit 'c0ffee'; the newest: aaaaaaaa"):
        since(frame, run, "c0ffee")
    other = asv_history.stored(
        tmp_path / "o.jsonl",
        synthetic.elsewhere(synthetic.run(), "aa", name="other"),
        commit=EARLIER,
    )
    with pytest.raises(ValueError, match="no steady time of any case"):
        since(frame, other)


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_frame_writes_the_history(tmp_path: Path, ending: str) -> None:
    folder = handmade(tmp_path / "results")
    out = tmp_path / f"history.{ending}"
    done = invoke("frame", "--asv", folder, "--out", out)
    assert done.exit_code == 0
    assert f"{out}: 8 rows" in done.stdout
    reader = {"csv": pd.read_csv, "parquet": pd.read_parquet, "json": pd.read_json}[ending]
    back = reader(out)
    assert list(back.columns) == list(COLUMNS)
    assert sorted(back["status"]) == sorted(read_asv(folder)["status"])
    assert set(back["commit"]) == {COMMIT}


def test_frame_prints_the_history_and_a_run_since_then(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    old = measured(tmp_path / "1.jsonl", EARLIER)
    write_asv(old, folder)
    measured(tmp_path / "2.jsonl", speed=slower)
    done = invoke("frame", "--asv", folder)
    assert done.exit_code == 0
    assert "commits: 1, environments: 1, machines: 1" in done.stdout
    done = invoke("frame", tmp_path / "2.jsonl", "--asv", folder, "--since", "bbbb")
    assert done.exit_code == 0
    assert "in units of that at bbbbbbbb" in done.stdout
    assert CASE in done.stdout
    done = invoke("frame", "--asv", folder, "--since", "bbbb")
    assert done.exit_code == 2
    assert "name the run's FILE as well" in done.stderr


def test_a_page_shows_what_changed_since_an_earlier_commit(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    write_asv(measured(tmp_path / "1.jsonl", EARLIER), folder)
    run = measured(tmp_path / "2.jsonl", speed=slower)
    done = invoke("report", tmp_path / "2.jsonl", "--asv", folder, "--since", EARLIER[:8])
    assert done.exit_code == 0, done.stderr
    text = (tmp_path / "index.html").read_text()
    part = text.split('<section id="since">')[1].split("</section>")[0]
    frame = since(read_asv(folder), run, EARLIER[:8])
    rows = [row for row in part.split("<tr>")[2:] if row]
    assert len(rows) == len(frame)
    jax = [row for row in rows if "/jax-" in row]
    assert jax
    assert all(
        "<td>slower</td>" in row and "1.30×" in row.replace("1.29", "1.30").replace("1.31", "1.30")
        for row in jax
    )
    assert all("<td>about the same</td>" in row for row in rows if "/jax-" not in row)
    done = invoke("report", tmp_path / "2.jsonl", "--asv", folder, "--since", "c0ffee")
    assert done.exit_code == 2
    assert "no commit 'c0ffee'" in done.stderr
    invoke("report", tmp_path / "2.jsonl")
    assert 'id="since"' not in (tmp_path / "index.html").read_text()
