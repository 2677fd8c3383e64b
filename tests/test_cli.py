"""The command line: what it prints, how it fails."""

import importlib.util
import json
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import typer.main
from typer.testing import CliRunner

from adbench import registry
from adbench.cli import app, measuring, signals
from adbench.harness import run as harness
from adbench.harness.plan import PRESETS
from adbench.harness.store import Store, load

runner = CliRunner()


def invoke(*words: str):
    return runner.invoke(app, list(words))


@pytest.mark.parametrize("what", ["problems", "methods", "cases"])
def test_lists_as_json_are_lists_of_named_objects(what: str) -> None:
    done = invoke("list", what, "--json")
    assert done.exit_code == 0
    listed = json.loads(done.stdout)
    assert listed
    assert all(("name" in o) or ("id" in o) for o in listed)


def test_every_method_is_listed_with_whether_it_can_run() -> None:
    listed = json.loads(invoke("list", "methods", "--json").stdout)
    assert {m["name"] for m in listed} == set(registry.methods())
    for m in listed:
        assert m["available"] == (m["reason"] is None)
        assert {"adbench", "numpy"} <= set(m["versions"])
        method = registry.method(m["name"])
        assert m["rtol"] == {o.value: r for o, r in method.rtol.items()}
        assert (m["reads"], m["gaps"]) == (list(method.reads), dict(method.gaps))


def test_a_listed_method_tells_the_version_of_its_tool() -> None:
    listed = json.loads(invoke("list", "methods", "numpy-central", "jax-reverse", "--json").stdout)
    versions = {m["name"]: m["versions"] for m in listed}
    assert versions["numpy-central"]["numpy"] == np.__version__
    assert ("jax" in versions["jax-reverse"]) == (importlib.util.find_spec("jax") is not None)


def test_lists_take_filters() -> None:
    listed = json.loads(invoke("list", "methods", "numpy-{central,forward}", "--json").stdout)
    assert [m["name"] for m in listed] == ["numpy-central", "numpy-forward"]
    assert "rosenbrock[10]/gradient/numpy-central" in invoke("list", "cases", "rosenbrock").stdout


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("list", "methods", "jax-revrse"), "did you mean 'jax-reverse'"),
        (("run", "rosenbrok"), "did you mean 'rosenbrock'"),
        (("run", "--preset", "quik"), "did you mean 'quick'"),
        (("eval", "rosenbrock[10]/gradient/jax-revrse"), "did you mean 'jax-reverse'"),
        (("eval", "rosenbrok[10]/gradient/jax-reverse"), "did you mean 'rosenbrock'"),
        (("eval", "rosenbrock[10]/gradiant/jax-reverse"), "did you mean 'gradient'"),
        (("eval", "rosenbrock"), "is no case id"),
        (("report", "nowhere.jsonl"), "no result file 'nowhere.jsonl'"),
        (("run", "rosenbrock", "--time-limit", "-1"), "time limit"),
        (("run", "rosenbrock", "--budget", "10 minutes"), "'10 minutes' is no time"),
        (("run", "rosenbrock", "--budget", "-3m"), "'-3m' is no time"),
        (("run", "rosenbrock", "--budget", "0s"), "such as 90s, 10m or 1h30m"),
        (("run", "rosenbrock", "--threads", "two"), "give a number of cores, such as 1 or 4"),
        (("run", "rosenbrock", "--python", "jax"), "give a tool and the path of a Python"),
        (("run", "rosenbrock", "--python", "jax=a", "--python", "jax=b"), "names 'jax' twice"),
        (("run", "rosenbrock", "--threads", "0"), "give a number of cores, such as 1 or 4"),
        (("run", "rosenbrock", "--workers", "none"), "'method', 'row'"),
        (("compare", "nowhere.jsonl", "neither.jsonl"), "no result file 'nowhere.jsonl'"),
        (("merge", "nowhere.jsonl", "--out", "c.jsonl"), "two or more result files"),
        (("export", "nowhere.jsonl"), "no result file 'nowhere.jsonl'"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest_and_exit_code_2(
    words: tuple[str, ...], hint: str
) -> None:
    done = invoke(*words)
    assert done.exit_code == 2
    assert hint in done.stderr
    assert "Traceback" not in done.output


def test_eval_prints_one_object_with_the_documented_keys() -> None:
    done = invoke("eval", "gauss_nll[100]/gradient/dual-python", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    expected = {
        "case", "outcome", "x", "result", "reference", "error_rel", "error_ulp", "versions",
    }  # fmt: skip
    assert expected <= found.keys()
    assert found["outcome"] == "ok"
    assert found["x"] == [1.2, -0.2]
    assert [float(r) for r in found["reference"]] == pytest.approx(found["result"], rel=1e-12)
    assert all(len(r.strip("-").replace(".", "")) >= 25 for r in found["reference"])


def test_eval_says_where_the_entries_of_a_sparse_result_stand() -> None:
    case = "brusselator[8]/jacobian/dual-numpy"
    found = json.loads(invoke("eval", case, "--json").stdout)
    entries = found["entries"]
    assert entries["shape"] == [128, 128]
    assert len(found["result"]) == len(entries["rows"]) == len(entries["columns"]) == 768
    assert entries["rows"] == sorted(entries["rows"])
    assert "768 structural non-zeros of a 128 x 128 matrix" in invoke("eval", case).stdout


def test_eval_at_another_point(tmp_path: Path) -> None:
    """--at gives x; the reference is certified there, not at the standard point."""
    at = tmp_path / "x.json"
    at.write_text("[0.5, 2.0]")
    done = invoke("eval", "rosenbrock[2]/gradient/numpy-central", "--at", str(at), "--json")
    found = json.loads(done.stdout)
    assert found["outcome"] == "ok"
    assert [float(r) for r in found["reference"]] == [-351.0, 350.0]
    assert found["error_rel"] < 1e-7


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[1, 2, 3]", "has 2 variables"),
        ("{}", "list of finite numbers"),
        ("[1, NaN]", "finite"),
        ("[1,", "not JSON"),
        ("[1, 1e400, 2]", "finite"),
    ],
)
def test_eval_refuses_bad_points(tmp_path: Path, text: str, hint: str) -> None:
    at = tmp_path / "x.json"
    at.write_text(text)
    done = invoke("eval", "rosenbrock[2]/gradient/numpy-central", "--at", str(at))
    assert done.exit_code == 2
    assert hint in done.stderr


@pytest.mark.parametrize(
    ("case", "hint"),
    [
        ("rosenbrock[0]/gradient/numpy-central", "between 1 and ten times the largest"),
        ("rosenbrock[10x10]/gradient/numpy-central", "have 1 part"),
        ("gauss_nll[99999999999999]/gradient/numpy-central", "standard: 100, 10000"),
        ("rosenbrock[1000]/hessian/numpy-central", "up to 100 variables"),
    ],
)
def test_eval_refuses_sizes_that_a_problem_has_not(case: str, hint: str) -> None:
    done = invoke("eval", case)
    assert done.exit_code == 2
    assert hint in done.stderr


def test_eval_of_what_a_method_does_not_offer_is_an_outcome() -> None:
    done = invoke("eval", "rosenbrock[2]/hessian/complex-step", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["outcome"] == "unsupported"
    assert "does not offer hessian" in found["message"]
    assert found["result"] is None
    assert found["reference"] is None


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its words, groups left out."""
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        yield from (
            [(name, command)] if inner is None else [(f"{name} {k}", c) for k, c in inner.items()]
        )


COMMANDS = dict(commands())


def test_help_names_every_command() -> None:
    text = invoke("--help").stdout
    for command in COMMANDS:
        assert command.split()[0] in text
    assert invoke("--version").stdout.startswith("adbench ")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_on_all_options_and_an_example_that_parses(name: str) -> None:
    text = invoke(*name.split(), "--help").stdout
    command = COMMANDS[name]
    for parameter in command.params:
        assert parameter.help, parameter.name
    example = re.search(r"Example: adbench (.*)", re.sub(r"\s+", " ", text))
    assert example
    words = shlex.split(example[1])
    assert " ".join(words[: len(name.split())]) == name
    command.make_context("adbench", words[len(name.split()) :])


def test_help_of_run_names_every_preset_and_brackets_stay() -> None:
    text = invoke("run", "--help").stdout
    assert all(name in text for name in PRESETS)
    assert "problem[size]/operator/method" in text


# Measuring, with a harness that measures nothing


class Harness:
    """Stands for `harness.run.run`; keeps what it was given."""

    def __init__(self, stop: BaseException | None = None) -> None:
        self.stop = stop
        self.given: dict[str, Any] = {}

    def __call__(
        self, rows: Any, chosen: Any, path: Path, progress: Any, seed: int = 0, **more: Any
    ) -> harness.Summary:
        self.given = {"rows": rows, "preset": chosen.name, "path": path, "seed": seed, **more}
        progress.total(2)
        progress.note("about 3 s")
        progress.case("a case")
        progress.done({"id": "a case", "outcome": "crashed", "message": "SIGSEGV"})
        progress.total(3)  # a later stage adds cells
        if self.stop is not None:
            raise self.stop
        return harness.Summary(measured=1, resumed=2, left=2)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Harness:
    found = Harness()
    monkeypatch.setattr(harness, "run", found)
    return found


def test_run_hands_its_options_to_the_harness(fake: Harness, tmp_path: Path) -> None:
    from adbench.analysis.advice import wanted

    path = tmp_path / "r.jsonl"
    done = invoke(
        "run", "rosenbrock[2]/gradient/dual-python", "--out", str(path), "--budget", "1h30m",
        "--threads", "default", "--workers", "row", "--seed", "5",
        "--python", "jax=/a b/python", "--python", "numba=/c/python",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    settings = fake.given["settings"]
    assert (settings.threads, settings.workers, settings.budget_s) == (None, "row", 5400.0)
    assert settings.pythons == {"jax": "/a b/python", "numba": "/c/python"}
    assert "--python 'jax=/a b/python' --python numba=/c/python" in done.stderr
    assert fake.given["advise"] is wanted
    assert (fake.given["path"], fake.given["seed"]) == (path, 5)
    assert "about 3 s" in done.stderr
    assert "a case: crashed: SIGSEGV" in done.stderr
    assert "1 new results" in done.stderr
    assert "2 results left out: they do not fit into the 5400 s" in done.stderr


def test_run_without_options_measures_one_thread_by_the_presets_budget(fake: Harness) -> None:
    assert invoke("run", "rosenbrock[2]/gradient/dual-python", "--out", "r.jsonl").exit_code == 0
    settings = fake.given["settings"]
    assert (settings.threads, settings.workers, settings.budget_s) == (1, "method", None)


def test_result_sets_have_default_files_of_their_own(fake: Harness) -> None:
    """Threads and designs never share a file, so their default names differ."""
    seen = set()
    for options in (
        (),
        ("--threads", "default"),
        ("--threads", "2"),
        ("--python", "jax=p"),
        ("--workers", "row"),
        ("--device", "gpu"),
        ("--device", "tpu"),
    ):
        invoke("run", "rosenbrock[2]/gradient/dual-python", *options)
        seen.add(fake.given["path"])
    assert len(seen) == 7


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90.0), ("10m", 600.0), ("1.5h", 5400.0), ("1h30m", 5400.0)]
)
def test_times_are_read(text: str, expected: float) -> None:
    assert measuring.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "10", "m", "10 m", "10min", "-1s", "0m", "1e3s", "1m x"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        measuring.seconds(text)


@pytest.mark.parametrize(
    ("stop", "code"),
    [(KeyboardInterrupt(), 130), (signals.Stopped(signal.SIGTERM), 128 + signal.SIGTERM)],
)
def test_a_stopped_run_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, stop: BaseException, code: int
) -> None:
    monkeypatch.setattr(harness, "run", Harness(stop))
    options = ("--preset", "smoke", "--out", "a b.jsonl", "--budget", "5m", "--workers", "row")
    done = invoke("run", "rosenbrock/*/dual-*", *options)
    assert done.exit_code == code
    again = next(line for line in done.stderr.splitlines() if "adbench run" in line)
    words = shlex.split(again)[2:]
    assert words[0] == "rosenbrock/*/dual-*"
    assert [words[words.index(o) + 1] for o in options[::2]] == list(options[1::2])
    COMMANDS["run"].make_context("adbench", words)


def test_a_cluster_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "find_spec", lambda name: None)
    done = invoke("run", "rosenbrock", "--cluster", "tcp://host:8786")
    assert done.exit_code == 2
    assert "pip install 'autodiff-bench[cluster]'" in done.stderr


def test_a_cluster_gets_what_the_machine_would(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from adbench.harness import cluster

    fake, seen = Harness(), []

    def run(address: str, *given: Any, **more: Any) -> harness.Summary:
        seen.append(address)
        return fake(*given, **more)

    monkeypatch.setattr(measuring, "find_spec", lambda name: object())
    monkeypatch.setattr(cluster, "run", run)
    path = tmp_path / "r.jsonl"
    done = invoke("run", "rosenbrock[2]/*/dual-python", "--cluster", "local[2]", "--out", str(path))
    assert done.exit_code == 0, done.output
    assert seen == ["local[2]"]
    assert (fake.given["path"], fake.given["settings"].threads) == (path, 1)


def test_signals_ask_once_and_are_given_back() -> None:
    """While the workers end, a second SIGTERM does not interrupt that."""
    before = signal.getsignal(signal.SIGTERM)

    cleaned = []

    def interrupted() -> None:
        with signals.stoppable():
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                signal.raise_signal(signal.SIGTERM)
                cleaned.append("workers")

    with pytest.raises(signals.Stopped) as stopped:
        interrupted()
    assert cleaned
    assert signals.exit_code(stopped.value) == 143
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="POSIX signals")
def test_nohup_is_respected() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.stoppable():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_sigterm_keeps_results_and_leaves_no_worker(tmp_path: Path) -> None:
    """What a batch system sends: exit code 143, whole lines, the command that continues."""
    path = tmp_path / "results.jsonl"
    words = ("run", "{rosenbrock,gauss_nll}/gradient/{numpy-*,dual-*}", "--out", str(path))
    with subprocess.Popen(
        [sys.executable, "-m", "adbench", *words], stderr=subprocess.PIPE, text=True
    ) as process:
        until = time.monotonic() + 60
        while not (path.exists() and path.read_bytes().count(b"\n") >= 3):
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < until
            time.sleep(0.02)
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(signal.SIGTERM)
        _, text = process.communicate(timeout=60)
    assert process.returncode == 143
    assert f"--out {path}" in text
    assert path.read_bytes().endswith(b"\n")
    assert load(path).results
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive


# Files


def measured(path: Path, seconds: float = 1e-6, day: int = 1, **header: Any) -> Path:
    """A result file with one case in three processes, copies and conditions."""
    samples = {"wall_s": [seconds], "cpu_s": [seconds], "loops": [9]}
    first = {
        "kind": "run", "schema": 2, "started": f"2026-01-0{day}T00:00:00+00:00", "preset": "quick",
        "machine": {"id": "0a1b2c3d", "cpu": "a CPU", "python": "3.11"}, "device": "cpu",
        "threads": {"requested": 1}, "protocol": {"kernel": "feed", "workers": "method"},
    } | header  # fmt: skip
    with Store.open(path, first) as store:
        for repeat in range(3):
            for twin in (False, True):
                store.append({
                    "kind": "result", "id": "rosenbrock[2]/gradient/jax-reverse",
                    "problem": "rosenbrock", "size": "2", "n": 2, "operator": "gradient",
                    "method": "jax-reverse", "tool": "jax", "mode": "reverse", "repeat": repeat,
                    "twin": twin, "outcome": "ok", "machine": "0a1b2c3d", "form": "array",
                    "form_hash": "t", "measurements": [{"phase": "steady", **samples}],
                })  # fmt: skip
            store.append({
                "kind": "conditions", "row": "rosenbrock[2]/gradient", "repeat": repeat,
                "contenders": True, "machine": "0a1b2c3d",
                "kernel": {"wall_s": [1e-5], "cpu_s": [1e-5], "loops": [9]},
            })  # fmt: skip
    return path


def test_compare_exits_1_on_a_regression_and_0_without(tmp_path: Path) -> None:
    old = str(measured(tmp_path / "old"))
    same, slow = str(measured(tmp_path / "same")), str(measured(tmp_path / "slow", 1.2e-6))
    done = invoke("compare", old, same)
    assert done.exit_code == 0, done.output
    assert "cases in both runs: 1; 0 worse" in done.stdout
    assert "jax-reverse" not in done.stdout
    assert "jax-reverse" in invoke("compare", old, same, "--all").stdout
    done = invoke("compare", old, slow)
    assert done.exit_code == 1
    assert "rosenbrock[2]/gradient/jax-reverse" in done.stdout
    assert "slower" in done.stdout
    assert invoke("compare", slow, old).exit_code == 0


def test_compare_prints_one_json_object(tmp_path: Path) -> None:
    old, new = measured(tmp_path / "old"), measured(tmp_path / "new", 1.2e-6)
    done = invoke("compare", str(old), str(new), "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["regressions"] == 1
    assert found["margin"] == pytest.approx(0.05)
    case = found["cases"][0]
    assert (case["decision"], case["worse"]) == ("slower", ["slower"])
    assert case["ratio"] == pytest.approx(1.2)
    assert case["low"] <= case["ratio"] <= case["high"]


def test_compare_refuses_what_is_no_comparison(tmp_path: Path) -> None:
    old = measured(tmp_path / "old")
    new = measured(tmp_path / "new", threads={"requested": "default"})
    done = invoke("compare", str(old), str(new))
    assert done.exit_code == 2
    assert "requested 1 and default" in done.stderr


def test_merge_makes_one_file_and_overwrites_none(tmp_path: Path) -> None:
    a, b = measured(tmp_path / "a"), measured(tmp_path / "b", day=2)
    out = tmp_path / "c.jsonl"
    assert invoke("merge", str(a), str(b), "--out", str(out)).exit_code == 0
    assert {line["repeat"] for line in load(out).results} == set(range(6))
    again = invoke("merge", str(a), str(b), "--out", str(out))
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert invoke("merge", str(a), str(b), "--out", str(out), "--force").exit_code == 0


def test_export_writes_the_frame_with_its_description(tmp_path: Path) -> None:
    import pandas as pd
    from pyarrow import parquet

    path = measured(tmp_path / "r.jsonl")
    assert invoke("export", str(path)).exit_code == 0
    frame = pd.read_parquet(tmp_path / "r.parquet")
    assert len(frame) == 6
    assert set(frame["steady_s"]) == {1e-6}
    about = parquet.read_schema(tmp_path / "r.parquet").metadata
    assert json.loads(about[b"adbench.header"]) == load(path).header
    assert list(json.loads(about[b"adbench.machines"])) == ["0a1b2c3d"]
    assert invoke("export", str(path), "--out", str(tmp_path / "r.csv")).exit_code == 0
    table = pd.read_csv(tmp_path / "r.csv")
    assert list(table.columns) == list(frame.columns)
    assert len(table) == 6


@pytest.mark.parametrize(
    ("name", "hint"), [("r.xlsx", ".parquet or .csv"), ("r.jsonl", ".parquet or .csv")]
)
def test_export_knows_two_formats(tmp_path: Path, name: str, hint: str) -> None:
    path = measured(tmp_path / "r.jsonl")
    before = path.read_bytes()
    done = invoke("export", str(path), "--out", str(tmp_path / name))
    assert done.exit_code == 2
    assert hint in done.stderr
    assert path.read_bytes() == before


def test_report_of_another_schema_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    path.write_text('{"kind": "run", "schema": 1}\n')
    for words in (("report", path), ("export", path), ("compare", path, path)):
        done = invoke(*map(str, words))
        assert done.exit_code == 2
        assert "written by adbench 0.1 before" in done.stderr
