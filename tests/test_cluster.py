"""Runs on a Dask cluster of this machine alone: the same results, and what losing a host costs."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

distributed = pytest.importorskip("distributed")

from adbench.harness import plan  # noqa: E402
from adbench.harness.cluster import ClusterError, hosts, run, visit  # noqa: E402
from adbench.harness.cluster.dispatch import Dispatch  # noqa: E402
from adbench.harness.header import Settings, header  # noqa: E402
from adbench.harness.run import run as plain_run  # noqa: E402
from adbench.harness.store import Store, key_of  # noqa: E402

FILTERS = ["{rosenbrock,gauss_nll}/gradient/numpy-{forward,central}"]
SMOKE = plan.preset("smoke")
Key = tuple[str, int, bool]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@dataclass
class Heard:
    """What a run told its watcher."""

    notes: list[str] = field(default_factory=list)
    lines: list[dict] = field(default_factory=list)
    cells: int = 0

    def total(self, cells: int) -> None:
        self.cells = cells

    def case(self, name: str) -> None:
        pass

    def done(self, line: dict) -> None:
        self.lines.append(line)

    def note(self, message: str) -> None:
        self.notes.append(message)


def records(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def results(path: Path) -> list[dict]:
    return [line for line in records(path) if line["kind"] == "result"]


def keys(lines: Sequence[Mapping[str, Any]]) -> list[Key]:
    return sorted((line["id"], line["repeat"], line["twin"]) for line in lines)


def measuring(process: psutil.Process) -> list[psutil.Process]:
    """The measuring processes below a process."""
    found = []
    with suppress(psutil.Error):
        for child in process.children(recursive=True):
            with suppress(psutil.Error):
                if "adbench.harness.worker" in child.cmdline():
                    found.append(child)
    return found


def _dask_worker() -> psutil.Process | None:
    """A process below this one that has something measured for it; this one measures nothing itself."""
    with suppress(psutil.Error):
        for process in measuring(psutil.Process()):
            parent = process.parent()
            if parent is not None and parent.pid != os.getpid():
                return parent
    return None


def until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds:g} s")


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """No process of a run outlives it: Dask workers that a test starts end with the test."""
    before = set(psutil.Process().children(recursive=True))
    yield
    mine = [p for p in psutil.Process().children(recursive=True) if p not in before]
    # multiprocessing's own helper stays for the life of the interpreter
    mine = [p for p in mine if not any("resource_tracker" in word for word in _words(p))]
    _, alive = psutil.wait_procs(mine, timeout=30)
    assert not alive


def _words(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return list(process.cmdline())
    return []


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Key]:
    """The keys of a plain run."""
    path = tmp_path_factory.mktemp("plain") / "results.jsonl"
    plain_run(plan.rows(SMOKE, FILTERS), SMOKE, path, Heard())
    found = keys(results(path))
    assert len(found) == 4
    return found


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler without workers."""
    with distributed.LocalCluster(
        n_workers=0,
        scheduler_kwargs={"dashboard": False},
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    ) as cluster:
        yield cluster.scheduler_address


@contextmanager
def workers(
    scheduler: str, folder: Path, *preloads: str, offer: bool = True
) -> Iterator[list[psutil.Process]]:
    """Dask workers without nannies, one for each text that it runs first; ended with the block."""
    started = []
    for number, text in enumerate(preloads):
        preload = folder / f"preload_{number}.py"
        preload.write_text(text)
        words = ["--resources", "adbench=1"] if offer else []
        started.append(
            subprocess.Popen(
                [
                    sys.executable, "-m", "distributed.cli.dask_worker", scheduler, "--host", "127.0.0.1",
                    "--nthreads", "1", "--no-nanny", "--no-dashboard", "--preload", str(preload),
                    "--local-directory", str(folder), *words,
                ],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        )  # fmt: skip
    try:
        with distributed.Client(scheduler) as client:
            client.wait_for_workers(len(preloads), timeout=30)
        yield [psutil.Process(p.pid) for p in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
        with distributed.Client(scheduler) as client:
            until(lambda: not client.scheduler_info(n_workers=-1)["workers"])


def named(name: str) -> str:
    """A preload that gives a worker's host another name, and so another machine id."""
    return f"import platform\nplatform.node = lambda: {name!r}\n"


@pytest.mark.parametrize("count", [1, 2])
def test_a_local_cluster_gives_the_results_of_a_plain_run(
    count: int, expected: list[Key], tmp_path: Path
) -> None:
    """Same keys, one machine, conditions with the number of slots, environment as before."""
    path, heard, before = tmp_path / "results.jsonl", Heard(), dict(os.environ)
    summary = run(f"local[{count}]", plan.rows(SMOKE, FILTERS), SMOKE, path, heard)
    assert keys(results(path)) == expected == keys(heard.lines)
    assert (summary.measured, summary.left, heard.cells) == (4, 0, 4)
    kinds = [line["kind"] for line in records(path)]
    assert kinds.count("conditions") == 2
    assert "machine" not in kinds, "the header describes this machine"
    assert {c["slots"] for c in records(path) if c["kind"] == "conditions"} == {count}
    assert any("disturb each other" in note for note in heard.notes) == (count > 1)
    assert dict(os.environ) == before


def test_hosts_share_the_rows_and_nothing_is_measured_twice(
    expected: list[Key], scheduler: str, tmp_path: Path
) -> None:
    """Two hosts: each row on one of them, a machine line before its first result; a rerun adds nothing."""
    path, heard = tmp_path / "results.jsonl", Heard()
    rows = plan.rows(SMOKE, FILTERS)
    chosen = replace(SMOKE, other_repeats=2)
    with workers(scheduler, tmp_path, named("alpha"), named("beta"), named("beta")):
        run(scheduler, rows, chosen, path, heard)
        size = path.stat().st_size
        again = run(scheduler, rows, chosen, path, Heard())
    assert sorted({k[0] for k in keys(results(path))}) == sorted({k[0] for k in expected})
    assert len(set(map(key_of, results(path)))) == len(results(path)) == 8
    homes = {line["id"].rpartition("/")[0]: set() for line in results(path)}
    for line in results(path):
        homes[line["id"].rpartition("/")[0]].add(line["machine"])
    assert [len(machines) for machines in homes.values()] == [1, 1]
    described = [line["machine"]["name"] for line in records(path) if line["kind"] == "machine"]
    assert sorted(described) == ["alpha", "beta"]
    assert any("only one of them measures" in note for note in heard.notes)
    assert (again.measured, again.resumed, again.left) == (0, 8, 0)
    assert path.stat().st_size == size


def test_a_killed_worker_costs_its_visit_only(expected: list[Key], tmp_path: Path) -> None:
    """SIGKILL in the middle of a visit: its nanny starts another worker, and the visit is repeated."""
    path, killed = tmp_path / "results.jsonl", []

    def kill() -> None:
        killed.append(until(_dask_worker))
        killed[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    heard = Heard()
    summary = run("local[1]", plan.rows(SMOKE, FILTERS), SMOKE, path, heard)
    killer.join()
    assert killed
    assert keys(results(path)) == expected
    assert {line["outcome"] for line in results(path)} == {"ok"}
    assert (summary.measured, summary.left) == (4, 0)
    assert any(note.startswith("lost the worker") for note in heard.notes)


def test_a_row_that_loses_its_machine_begins_anew_on_another(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the lost host gave stays; the other one measures from repeat 0, so that repeats pair."""
    monkeypatch.setattr(hosts, "RETURN_S", 0.5)
    path, heard = tmp_path / "results.jsonl", Heard()
    rows = plan.rows(SMOKE, ["rosenbrock/gradient/numpy-central"])
    chosen = replace(SMOKE, other_repeats=2)
    with workers(scheduler, tmp_path, named("alpha"), named("beta")) as both:

        def kill() -> None:
            until(lambda: heard.lines)
            first = until(lambda: [p for w in both for p in measuring(w)])[0]
            first.parent().kill()

        killer = threading.Thread(target=kill)
        killer.start()
        summary = run(scheduler, rows, chosen, path, heard)
        killer.join()
    machines = [line["machine"]["id"] for line in records(path) if line["kind"] == "machine"]
    assert len(machines) == 2
    found = {m: [x["repeat"] for x in results(path) if x["machine"] == m] for m in machines}
    assert found == {machines[0]: [0], machines[1]: [0, 1]}
    assert any("begins anew" in note for note in heard.notes)
    assert (summary.measured, summary.left) == (3, 0)


@pytest.mark.parametrize("silent", [False, True])
def test_an_address_without_a_scheduler_is_an_error_in_time(silent: bool, tmp_path: Path) -> None:
    """Nobody listens, or somebody who says nothing: what to start is named, no file is begun."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        if not silent:
            server.close()
        began = time.monotonic()
        with pytest.raises(ClusterError, match=f"answers at {address}.* dask scheduler --port"):
            run(address, plan.rows(SMOKE, FILTERS), SMOKE, tmp_path / "r.jsonl", Heard())
    assert time.monotonic() - began < 30
    assert not (tmp_path / "r.jsonl").exists()


@pytest.mark.parametrize("address", ["nowhere", "local[0]", "local[two]", "tcp://host"])
def test_what_is_no_address_is_said(address: str, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="is no cluster; give a scheduler's address"):
        run(address, plan.rows(SMOKE, FILTERS), SMOKE, tmp_path / "r.jsonl", Heard())


REFUSED = [
    # (what its workers run first, whether they offer a slot, what the error must say)
    ("", False, "none of its 1 workers offers the resource 'adbench'.* --resources adbench=1"),
    (
        "from adbench.harness import machine\nmachine.code = lambda: '0123456789abcdef'\n"
        + named("old"),
        True,
        r"old \(tcp://127.0.0.1:\d+\) has adbench .*, code 0123456789abcdef; this machine has adbench",
    ),
    (
        "from adbench.harness import machine\nmachine.versions = lambda *n, real=machine.versions: "
        "real(*n) | {'numpy': '1.0'}\n",
        True,
        "has numpy 1.0 instead of .*: install the same adbench and the same tools on every host",
    ),
    ("import sys\nsys.modules['adbench'] = None\n", True, "has no adbench, or an older one than"),
]


@pytest.mark.parametrize(("preload", "offer", "said"), REFUSED)
def test_a_host_that_may_not_measure_stops_the_run_before_it_begins(
    preload: str,
    offer: bool,
    said: str,
    scheduler: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No slot, another adbench, other tools, none: the error names the host and the remedy."""
    monkeypatch.setattr(hosts, "APPEAR_S", 0.5)
    path = tmp_path / "r.jsonl"
    with (
        workers(scheduler, tmp_path, preload, offer=offer),
        pytest.raises(ClusterError, match=said),
    ):
        run(scheduler, plan.rows(SMOKE, FILTERS), SMOKE, path, Heard())
    assert not path.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_keeps_its_lines_and_ends_its_processes(
    number: int, tmp_path: Path
) -> None:
    """Ctrl-C and SIGTERM: exit code as a plain run's, whole lines, no process left."""
    path = tmp_path / "results.jsonl"
    process = subprocess.Popen(
        [
            sys.executable, "-m", "adbench", "run", "{rosenbrock,gauss_nll,histogram_nll}/gradient/numpy-{forward,central}",
            "--cluster", "local[1]", "--out", str(path),
        ],
        stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )  # fmt: skip
    me = psutil.Process(process.pid)
    until(lambda: path.exists() and len(path.read_text().splitlines()) > 1 and measuring(me))
    below = me.children(recursive=True)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number, said
    assert "Continue with" in said
    assert "Traceback" not in said
    assert path.read_bytes().endswith(b"\n")
    assert results(path)
    _, alive = psutil.wait_procs(below, timeout=30)
    assert not alive


def test_a_cancelled_visit_ends_its_processes_and_leaves_the_worker(
    scheduler: str, tmp_path: Path
) -> None:
    """Whoever asked is gone: the host stops measuring, its Dask worker serves the next."""
    slow = replace(SMOKE, other_blocks=100_000)
    rows = plan.rows(SMOKE, ["rosenbrock/gradient/numpy-central"])
    order = visit.Order(
        rows[0].problem.name, rows[0].size, "gradient", ("numpy-central",), plan.Stage(0, False), None,
        {}, slow, Settings(), 1, {},
    )  # fmt: skip
    with workers(scheduler, tmp_path, "") as (host,), distributed.Client(scheduler) as client:
        future = client.submit(visit.measure, order, resources={"adbench": 1})
        busy = until(lambda: measuring(host))
        client.cancel([future])
        _, alive = psutil.wait_procs(busy, timeout=30)
        assert not alive
        assert client.submit(abs, -1, resources={"adbench": 1}).result(timeout=10) == 1


def test_the_budget_leaves_out_what_does_not_fit(scheduler: str, tmp_path: Path) -> None:
    """Nothing is sent after the budget; what was left out is counted."""
    path = tmp_path / "results.jsonl"
    with workers(scheduler, tmp_path, named("alpha")):
        summary = run(
            scheduler,
            plan.rows(SMOKE, FILTERS),
            SMOKE,
            path,
            Heard(),
            settings=Settings(budget_s=1e-3),
        )
    assert (summary.measured, summary.left) == (0, 4)
    assert results(path) == []


def test_advice_is_asked_of_each_machine_apart(tmp_path: Path) -> None:
    """A machine's lines alone decide what is worth another process on it."""
    chosen = plan.preset("quick")
    rows = plan.rows(chosen, ["rosenbrock/gradient/{jax,numba}-*"])[:2]
    asked: list[set[str]] = []

    def advise(lines: Sequence[Mapping[str, Any]], repeat: int) -> dict[str, list[str]]:
        header, *results = lines
        asked.append({header["machine"]["id"], *(line["machine"] for line in results)})
        return {line["id"].rpartition("/")[0]: [line["method"]] for line in results}

    with Store.open(tmp_path / "r.jsonl", header(chosen, 0)) as file:
        for row, machine in zip(rows, ("a", "b"), strict=True):
            method = row.methods[0].name
            file.append({"kind": "machine", "machine": {"id": machine, "name": machine}})
            file.append(
                {"kind": "result", "id": f"{row.id}/{method}", "method": method, "machine": machine,
                 "repeat": 0, "twin": False, "form_hash": ""}
            )  # fmt: skip
        fleet = hosts.Fleet(None, "", {}, False, Heard().note)
        dispatch = Dispatch(rows, chosen, file, Heard(), None, Settings(), advise, fleet)
        dispatch._settle()
        dispatch.covered = {row.id for row in rows}
        found = dispatch._visits(plan.Stage(1, True), rows)
    assert asked == [{"a"}, {"b"}]
    assert [(v.machine, v.wanted) for v in found] == [
        (machine, (row.methods[0].name,)) for row, machine in zip(rows, "ab", strict=True)
    ]


def test_what_dasks_nanny_sets_is_not_taken_for_the_users_wish(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its thread counts and heap limits are hidden from our processes; another value stays."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")
    with visit._without_nanny():
        assert "OMP_NUM_THREADS" not in os.environ
        assert "MALLOC_TRIM_THRESHOLD_" not in os.environ
        assert os.environ["MKL_NUM_THREADS"] == "7"
    assert os.environ["OMP_NUM_THREADS"] == "1"
