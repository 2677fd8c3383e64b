"""The repository with two spoilt commits: what is planted is really there, and read back from asv's list."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks" / "history"))
import agreement
import planted

from adbench.analysis.asv_files import AsvError

ROOT = Path(__file__).parents[1]
# Says the answer and how often f was evaluated in two calls.
ASK = """
import json, sys, numpy as np
from adbench import registry
from adbench.model import Form, Operator, Point
calls = []
def build(m):
    def f(x):
        calls.append(1)
        return m.sum(x * x * x)
    return f
method = registry.method(sys.argv[1])
made = method.prepare(Form("array", build), Operator.GRADIENT, Point(np.array([1.23456789012345, 0.71234567890123])))
arguments = made.encode(Point(np.array([1.23456789012345, 0.71234567890123])))
calls.clear()
for _ in range(8): result = made.call(*arguments)
print(json.dumps([len(calls), np.asarray(made.decode(result)).tolist()]))
"""


@pytest.fixture(scope="module")
def commits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    if not (ROOT / ".git").exists():
        pytest.skip("needs the repository, not a copy of its files")
    folder = tmp_path_factory.mktemp("planted") / "clone"
    return folder, planted.build(folder)


def asked(folder: Path, commit: str, method: str) -> tuple[int, np.ndarray]:
    planted.git(folder, "checkout", "-q", commit)
    done = subprocess.run(
        [sys.executable, "-c", ASK, method], cwd=folder, env=None, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    calls, answer = json.loads(done.stdout)
    return calls, np.array(answer)


def test_six_commits_of_which_one_is_slower_and_one_less_exact(commits):
    folder, hashes = commits
    assert len(set(hashes)) == 6
    if importlib.util.find_spec("autograd") is not None:
        before, slowed = (asked(folder, hashes[i], planted.SLOW) for i in (1, 2))
        assert (before[0], slowed[0]) == (8, 12)
        assert before[1].tolist() == slowed[1].tolist()
    exact, lossy = (asked(folder, hashes[i], planted.LOSSY)[1] for i in (3, 4))
    truth = 3 * np.array([1.23456789012345, 0.71234567890123]) ** 2
    assert np.max(np.abs(exact / truth - 1)) < 1e-15
    assert 1e-11 < np.max(np.abs(lossy / truth - 1)) < 1e-9


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    with pytest.raises(SystemExit, match="exists; name a folder that does not"):
        planted.build(tmp_path)


def test_asv_s_list_is_read(tmp_path):
    site = tmp_path / ".asv" / "html"
    site.mkdir(parents=True)
    (site / "index.json").write_text(json.dumps({"revision_to_hash": {"7": "c7", "9": "c9"}}))
    entry = ["benchmarks.Kepler.track_error('kepler[1]/derivative/complex-step')", "graph.json", {}, 3,
             20.0, 0.5, [[None, 9, 0.5, 20.0], [6, 7, 0.1, 0.5]]]  # fmt: skip
    (site / "regressions.json").write_text(json.dumps({"regressions": [entry]}))
    case = "kepler[1]/derivative/complex-step"
    assert planted.found(tmp_path) == [("c7", "track_error", case), ("c9", "track_error", case)]


def test_asv_and_the_engine_are_compared_at_the_newest_commit():
    day = pd.Timestamp("2026-11-24", tz="UTC")
    rows = [
        (day, "new", "native.NativeCompiled.time_call", "a", 1.2e-6),
        (day, "new", "benchmarks.A.track_steady", "a", 1.0e-6),
        (day, "new", "benchmarks.A.track_compile", "a", 5.0),
        (day, "new", "benchmarks.A.track_steady", "b", 1.0e-6),
        (day - pd.Timedelta(days=1), "old", "native.NativeCompiled.time_call", "b", 1.0e-6),
        (day - pd.Timedelta(days=1), "old", "benchmarks.A.track_steady", "b", 1.0e-6),
    ]
    frame = pd.DataFrame(rows, columns=["date", "commit", "benchmark", "case", "value"])
    frame = frame.assign(environment="e", status="ok", current=True)
    found = agreement.table(frame)
    assert found[["case", "commit"]].values.tolist() == [["a", "new"]]
    assert found["ratio"].tolist() == pytest.approx([1.2])
    with pytest.raises(AsvError, match="nox -s asv"):
        agreement.table(frame[frame["benchmark"] == "benchmarks.A.track_compile"])
