"""The harness against methods that misbehave: one outcome each, and the run goes on."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

TOYS = Path(__file__).parent / "toys"
ROW = "rosenbrock[10]/gradient"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "adbench", *words]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(TOYS)}


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """One run over all toys: method -> its line."""
    path = tmp_path_factory.mktemp("faults") / "results.jsonl"
    done = subprocess.run(
        command(
            "run", f"{ROW}/toy-*", "--preset", "quick", "--out", str(path),
            "--time-limit", "6", "--memory-limit", "0.5",
        ),
        env=environment(), capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {line["method"]: line for line in lines_of(path) if line["kind"] == "result"}


EXPECTED = {
    "toy-good": ("ok", ""),
    "toy-noisy": ("ok", ""),
    "toy-hang": ("timed out", "within the 6 s"),
    "toy-segfault": ("crashed", "SIGSEGV"),
    "toy-leave": ("crashed", "exit code 3"),
    "toy-eat": ("out of memory", "the limit is 0.5 GB"),
    "toy-thread": ("failed", "returned before it was complete"),
    "toy-late-work": ("failed", "returned before it was complete"),
    "toy-async-jax": ("failed", "returned before it was complete"),
    "toy-lazy": ("failed", "returned before it was complete"),
    "toy-begets": ("timed out", "within the 6 s"),
    "toy-booby": ("failed", "decode gave a Booby that is no array of float64"),
    "toy-raises-prepare": ("failed", "RuntimeError: no plan for this form"),
    "toy-refuses": ("unsupported", "does not do gradients"),
    "toy-raises-call": ("failed", "ZeroDivisionError: division by zero"),
    "toy-stores": ("wrong", "certified numbers are wrong"),
    "toy-shape": ("failed", "shape"),
    "toy-nan": ("nan", "not finite"),
    "toy-zero": ("wrong", "certified numbers are wrong"),
    "toy-sours": ("wrong", "certified numbers are wrong"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_misbehaviour_is_an_outcome(outcomes: dict[str, dict], name: str) -> None:
    """Each toy ends with its own outcome and a sentence that names the cause."""
    if name == "toy-async-jax" and importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    outcome, words = EXPECTED[name]
    line = outcomes[name]
    assert line["outcome"] == outcome, line["message"]
    assert words in line["message"]


def test_every_toy_is_tried(outcomes: dict[str, dict]) -> None:
    """No toy hides behind another one's failure."""
    assert set(outcomes) == set(EXPECTED)


def test_nothing_a_toy_started_is_left(outcomes: dict[str, dict]) -> None:
    """A worker's own children end with it: they would load the core that is measured."""
    assert outcomes["toy-begets"]["outcome"] == "timed out"

    def left() -> list[psutil.Process]:
        found = psutil.process_iter(["cmdline"])
        return [p for p in found if "adbench-toy-child" in (p.info["cmdline"] or ())]

    until = time.monotonic() + 60.0  # another process of the tests may be trying the toys just now
    while left() and time.monotonic() < until:
        time.sleep(0.2)
    assert not left()


def test_timings_exist_exactly_when_the_case_ran(outcomes: dict[str, dict]) -> None:
    for line in outcomes.values():
        steady = [m for m in line["measurements"] if m["phase"] == "steady"]
        assert bool(steady) == (line["outcome"] == "ok"), line["id"]


def _hear_interrupts() -> None:
    """A test suite started in the background inherits a deaf SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _start(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("run", "{rosenbrock,gauss_nll}/gradient/{numpy-*,dual-*,complex-step}", "--out", str(path)),
        env=environment(), stderr=subprocess.PIPE, text=True,
        preexec_fn=None if sys.platform == "win32" else _hear_interrupts,
    )  # fmt: skip


def _wait_for_lines(path: Path, count: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"fewer than {count} lines after 60 s")


def test_a_killed_run_resumes_without_measuring_anything_twice(tmp_path: Path) -> None:
    """Kill -9 in the middle: whole lines stay as they are, the rerun adds only what is missing."""
    path = tmp_path / "results.jsonl"
    process = _start(path)
    _wait_for_lines(path, 5)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    with path.open("ab") as file:  # what a write that was cut off leaves behind
        file.write(b'{"kind":"result","id":"rosen')
    before = path.read_bytes().rpartition(b"\n")[0] + b"\n"
    again = _start(path)
    _, text = again.communicate(timeout=120)
    assert again.returncode == 0, text
    after = path.read_bytes()
    assert after.startswith(before)
    lines = [line for line in lines_of(path) if line["kind"] == "result"]
    keys = [(line["id"], line["repeat"], line["twin"]) for line in lines]
    assert len(keys) == len(set(keys))
    assert len(keys) > before.count(b"\n") - 1
    assert f"{before.count(chr(10).encode()) - 1} were there already" in text
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive, "workers outlived their killed parent"


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    """The same command again measures nothing and says so."""
    path = tmp_path / "results.jsonl"
    first = _start(path)
    _, text = first.communicate(timeout=120)
    assert first.returncode == 0, text
    size = path.stat().st_size
    second = _start(path)
    _, text = second.communicate(timeout=120)
    assert "0 new results" in text
    assert path.stat().st_size == size


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_interrupt_keeps_results_and_says_how_to_resume(tmp_path: Path) -> None:
    """Ctrl-C: exit code 130, whole lines only, the command that continues, no worker left."""
    path = tmp_path / "results.jsonl"
    process = _start(path)
    _wait_for_lines(path, 4)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    _, text = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"--out {path}" in text
    assert path.read_bytes().endswith(b"\n")
    assert len(lines_of(path)) >= 4
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive
