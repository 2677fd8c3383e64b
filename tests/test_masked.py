"""A run on an operating system that lacks something: it goes on with what there is, and says so."""

import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

MASKED = Path(__file__).parent / "masked"
# One method of NumPy and, where installed, one of each contender, on the cheapest row there is.
METHODS = ["complex-step", "dual-python"]
METHODS += ["numba-central"] if importlib.util.find_spec("numba") else []
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="takes away what only Linux has")


def _run(mask: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable, "-m", "adbench", "run",
            "rosenbrock[2]/gradient/{" + ",".join(METHODS) + "}",
            "--preset", "smoke", "--out", str(path),
        ],
        env=os.environ | {"PYTHONPATH": str(MASKED / mask)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def masked_run(tmp_path_factory: pytest.TempPathFactory):
    """A run with a mask, as ``(header, other lines, what it told the user)``; each mask runs once."""
    runs: dict[str, tuple[subprocess.CompletedProcess[str], Path]] = {}

    def run(mask: str) -> tuple[dict, list[dict], str]:
        if mask not in runs:
            path = tmp_path_factory.mktemp(mask) / "results.jsonl"
            runs[mask] = _run(mask, path), path
        done, path = runs[mask]
        assert done.returncode == 0, done.stderr[-3000:]
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return lines[0], lines[1:], done.stderr

    return run


MASKS = [
    pytest.param("affinity", marks=LINUX),
    pytest.param("proc", marks=LINUX),
    "clock",
    "steps",
]


@pytest.mark.parametrize("mask", MASKS)
def test_every_case_is_measured(masked_run, mask: str) -> None:
    """The run ends with a result of every case."""
    _, lines, _ = masked_run(mask)
    outcomes = {line["method"]: line["outcome"] for line in lines if line["kind"] == "result"}
    assert outcomes == dict.fromkeys(METHODS, "ok"), [line.get("message") for line in lines]


def _times(value: object, key: str = "") -> list[float]:
    """Every number of seconds in a line, whatever it is nested in."""
    if isinstance(value, dict):
        return [t for k, v in value.items() for t in _times(v, k)]
    if isinstance(value, list):
        return [t for v in value for t in _times(v, key)]
    return [value] if key.endswith("_s") and isinstance(value, (int, float)) else []


@pytest.mark.parametrize("mask", MASKS)
def test_no_time_is_impossible(masked_run, mask: str) -> None:
    """Wall times are above zero and short, CPU times not below zero, whatever a clock does."""
    _, lines, _ = masked_run(mask)
    samples = [m for line in lines for m in line.get("measurements", ())]
    assert {m["phase"] for m in samples} >= {"prepare", "first", "steady"}
    for m in samples:
        assert all(0.0 < t < 60.0 for t in m["wall_s"]), m
    for line in lines:
        assert all(math.isfinite(t) and 0.0 <= t < 120.0 for t in _times(line)), line


SAYS = [
    pytest.param("affinity", "affinity", marks=LINUX),
    pytest.param("proc", "proc", marks=LINUX),
    ("clock", "cpu_clock"),
    ("steps", None),
]


@pytest.mark.parametrize(("mask", "missing"), SAYS)
def test_the_header_says_what_is_missing(masked_run, mask: str, missing: str | None) -> None:
    """The feature that the system lacks is false, the others are what this machine has."""
    from adbench.harness import machine

    header, _, _ = masked_run(mask)
    expected = machine.features() | ({missing: False} if missing else {})
    assert header["machine"]["features"] == expected
    if missing == "affinity":
        assert header["machine"]["affinity"] == []


@pytest.mark.parametrize(("mask", "missing"), [p for p in SAYS if p != ("steps", None)])
def test_the_user_is_told(masked_run, mask: str, missing: str) -> None:
    """What is missing is said at the start of the run, in words."""
    from adbench.harness.features import missing as sentences

    _, _, said = masked_run(mask)
    (sentence,) = sentences({missing: False})
    assert sentence in " ".join(said.split())


@LINUX
def test_without_proc_what_is_unknown_is_null(masked_run) -> None:
    """Nobody counts stolen time or other processes without /proc: null, not zero."""
    _, lines, _ = masked_run("proc")
    conditions = [line for line in lines if line["kind"] == "conditions"]
    assert conditions
    for line in conditions:
        assert line["steal"] is None
        assert line["busy"] is None


def test_a_stepping_clock_leaves_the_order_of_results(masked_run) -> None:
    """Dates jump, durations do not: the row took seconds, not an hour or less than nothing."""
    header, lines, _ = masked_run("steps")
    dates = [line["finished"] for line in lines]
    assert len({date[:13] for date in [header["started"], *dates]}) > 1, "no jump was seen"
    walls = [line["wall_s"] for line in lines if line["kind"] == "conditions"]
    assert walls
    assert all(0.0 < wall < 60.0 for wall in walls)
