"""Change points of long histories by apache-otava: smaller steps than `asv publish` reports.

    adbench frame --asv .asv/results --out history.csv
    python benchmarks/history/change_points.py history.csv

otava pins old versions of NumPy and SciPy, so this script runs in an environment of its own (`nox -s
change-points`) and needs nothing but otava and the standard library. Every curve is a test of otava's: it
takes no missing values, and curves miss different commits.
"""

import argparse
import csv
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# Fewer commits tell no step from noise.
SHORTEST = 6
CURVE = ("machine", "environment", "benchmark", "parameters")
Rows = list[dict[str, str]]


def curves(path: Path, kinds: Sequence[str]) -> dict[str, Rows]:
    """Name of each curve that asv still shows -> its rows, oldest commit first."""
    found: dict[tuple[str, ...], Rows] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {*CURVE, "commit", "date", "status", "current", "value"} - {
            *(reader.fieldnames or ())
        }
        if missing:
            raise ValueError(
                f"'{path}' lacks the columns {', '.join(sorted(missing))}; make it with: "
                f"adbench frame --asv .asv/results --out {path}"
            )
        for row in reader:
            wanted = not kinds or row["benchmark"].rpartition(".")[2] in kinds
            if wanted and row["status"] == "ok" and row["current"] == "True":
                found[tuple(row[key] for key in CURVE)].append(row)
    return {
        " ".join(key): sorted(rows, key=lambda row: row["date"])
        for key, rows in sorted(found.items())
        if len(rows) >= SHORTEST and len({row["value"] for row in rows}) > 1
    }


def configured(found: Mapping[str, Rows], work: Path) -> Path:
    """The configuration of otava, in JSON, which is YAML; with a file of numbers for each curve."""
    work.mkdir(parents=True, exist_ok=True)
    tests = {}
    for number, rows in enumerate(found.values()):
        path = work / f"{number}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("time", "commit", "value"))
            for row in rows:
                moment = row["date"].split("+")[0].replace(" ", "T")
                writer.writerow((f"{moment}+0000", row["commit"], row["value"]))
        tests[f"c{number}"] = {
            "type": "csv",
            "file": str(path.resolve()),
            "time_column": "time",
            "attributes": ["commit"],
            "metrics": {"value": {"column": "value", "direction": -1}},
            "csv_options": {"delimiter": ","},
        }
    config = work / "otava.yaml"
    config.write_text(json.dumps({"tests": tests}), encoding="utf-8")
    return config


def analysed(config: Path, tests: Sequence[str], options: Sequence[str]) -> dict[str, Any]:
    """What otava says of the tests: name -> its points."""
    command = ["otava", "analyze", "--config-file", str(config), *tests]
    span = ["--since", "2000-01-01", "--output", "json", *options]
    done = subprocess.run([*command, *span], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"otava failed: {(done.stderr or done.stdout).strip()[-500:]}")
    found: dict[str, Any] = {}
    decoder, text = json.JSONDecoder(), done.stdout
    while (at := text.find("{")) >= 0:  # an object for each test, one after the other
        one, end = decoder.raw_decode(text[at:])
        found.update(one)
        text = text[at + end :]
    return found


def steps(found: Mapping[str, tuple[str, Rows]], said: Mapping[str, Any]) -> list[str]:
    """A line for each step, the largest rise first: how much, since which commit, which curve."""
    lines = []
    for test, points in said.items():
        curve, rows = found[test]
        dates = {row["commit"]: row["date"][:10] for row in rows}
        for point in points:
            commit = point["attributes"]["commit"]
            change = float(point["changes"][0]["forward_change_percent"])
            lines.append((-change, f"{change:+.0f} %  {dates[commit]}  {commit[:8]}  {curve}"))
    return [line for _, line in sorted(lines)]


def main(words: Sequence[str] | None = None) -> int:
    """Print every step of every curve, upward ones first; 2 when there is nothing to read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("history", type=Path, help="CSV of `adbench frame`")
    parser.add_argument(
        "--kinds", nargs="*", default=["steady", "track_steady", "error", "track_error"]
    )
    parser.add_argument("--p", default="0.0001", help="largest chance of a step by noise alone")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "change-points")
    given = parser.parse_args(words)
    try:
        found = curves(given.history, given.kinds)
        if not found:
            raise ValueError(f"no curve of {SHORTEST} commits or more in '{given.history}'")
        names = [f"c{number}" for number in range(len(found))]
        said = analysed(configured(found, given.work), names, ["-P", given.p])
    except (ValueError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    lines = steps(dict(zip(names, found.items(), strict=True)), said)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.write(f"{len(found)} curves, {len(lines)} steps\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
