"""Change points: what is handed to otava and made of its answer; otava itself is in an environment of its own."""

import csv
import json
import sys
from pathlib import Path

import pytest
from test_docs import load

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "history" / "change_points.py"
HEADER = ("commit", "date", "machine", "environment", "benchmark", "parameters", "current", "status", "value")  # fmt: skip
# Stands for otava: names the fourth commit of every test.
OTAVA = """#!{python}
import csv, json, sys
config = json.load(open(sys.argv[sys.argv.index("--config-file") + 1]))
for name, about in config["tests"].items():
    rows = list(csv.DictReader(open(about["file"])))
    change = {{"forward_change_percent": "50"}}
    print(json.dumps({{name: [{{"attributes": {{"commit": rows[3]["commit"]}}, "changes": [change]}}]}}))
"""


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for day in range(8, 0, -1):  # not in order
            about = (f"{day}" * 40, f"2026-01-0{day} 12:00:00+00:00", "box", "env")
            bad = "failed" if day == 5 else "ok"
            writer.writerow((*about, "a.steady", "case=x", True, bad, 1.0 + day))
            writer.writerow((*about, "a.steady", "case=never changes", True, "ok", 1.0))
            writer.writerow((*about, "a.memory", "case=x", True, "ok", day))
            writer.writerow((*about, "gone.steady", "case=x", False, "ok", day))
            if day < 4:
                writer.writerow((*about, "short.steady", "case=x", True, "ok", day))
    return path


def test_curves_are_what_asv_shows_in_the_order_of_commits(history: Path) -> None:
    script = load(SCRIPT)
    found = script.curves(history, ["steady"])
    assert list(found) == ["box env a.steady case=x"]
    (rows,) = found.values()
    assert [row["commit"][0] for row in rows] == list("1234678")
    assert len(script.curves(history, ["steady", "memory"])) == 2


def test_steps_are_printed_with_date_commit_and_curve(
    history: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    otava = tmp_path / "bin" / "otava"
    otava.parent.mkdir()
    otava.write_text(OTAVA.format(python=sys.executable))
    otava.chmod(0o755)
    monkeypatch.setenv("PATH", str(otava.parent))
    assert load(SCRIPT).main([str(history), "--work", str(tmp_path / "work")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == ["+50 %  2026-01-04  44444444  box env a.steady case=x", "1 curves, 1 steps"]
    config = json.loads((tmp_path / "work" / "otava.yaml").read_text())
    assert config["tests"]["c0"]["metrics"] == {"value": {"column": "value", "direction": -1}}


def test_another_table_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    assert load(SCRIPT).main([str(tmp_path / "t.csv")]) == 2
    assert "make it with: adbench frame --asv .asv/results" in capsys.readouterr().err
