"""What the machine record says, on this machine and on systems that tell little."""

import hashlib
import inspect
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

import adbench
from adbench import registry
from adbench.harness import features, kernel, machine
from adbench.harness import machine_record as record
from adbench.harness.header import Settings
from adbench.harness.process import Failure, Worker, worker_environment

FIELDS = {
    "id", "name", "cpu", "cores", "cores_physical", "cache", "governor", "affinity", "memory_bytes",
    "os", "python", "libc", "load", "blas", "gpu", "container", "virtual", "features",
}  # fmt: skip


def test_a_worker_of_another_adbench_refuses(tmp_path):
    """As after a change of sys.path: else another package would be measured under this one's name."""
    environment = worker_environment()
    assert environment["ADBENCH_PACKAGE"] == str(Path(adbench.__file__).resolve().parent)
    elsewhere = str(tmp_path / "adbench")
    worker = Worker(None, environment | {"ADBENCH_PACKAGE": elsewhere})
    with pytest.raises(Failure, match="workers find another one") as caught:
        worker.kernel()
    assert f"PYTHONPATH={tmp_path}" in caught.value.message
    worker.end()


def test_the_record_has_every_field_and_is_json() -> None:
    """The fields are those of the documented schema, whatever this system tells."""
    found = machine.machine()
    assert set(found) == FIELDS
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["cores"] == len(machine.usable_cores()) >= 1
    assert {"library", "version", "threads"} == set().union(*found["blas"])


def test_the_identifier_is_the_same_in_another_process() -> None:
    """Eight hexadecimal digits, today and tomorrow."""
    program = "from adbench.harness.machine import machine; print(machine()['id'])"
    other = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == machine.machine()["id"]
    assert len(bytes.fromhex(machine.machine()["id"])) == 4


RECORD = {
    "name": "n", "cpu": "c", "cores": 2, "memory_bytes": 8 * 2**30, "os": "Linux 6", "python": "3.12.1",
    "gpu": [], "container": {"cpu_limit": None, "memory_limit_bytes": None},
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"name": "m"}, {"cpu": "d"}, {"cores": 1}, {"memory_bytes": 2**30}, {"os": "Linux 7"},
        {"python": "3.13.0"}, {"gpu": ["H200"]},
        {"container": {"cpu_limit": 0.5, "memory_limit_bytes": None}},
    ],
)  # fmt: skip
def test_another_identity_is_another_machine(change: dict) -> None:
    assert machine.identifier(RECORD | change) != machine.identifier(RECORD)


@pytest.mark.parametrize(
    "change",
    [{"load": [9.0, 9.0, 9.0]}, {"governor": "powersave"}, {"memory_bytes": 2**33 - 10**8}],
)
def test_what_changes_by_the_hour_is_no_identity(change: dict) -> None:
    """Load, governor and a few megabytes that the system keeps make no other machine."""
    assert machine.identifier(RECORD | change) == machine.identifier(RECORD)


def _files(root: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


CONTAINERS = [
    # (/proc/self/cgroup, files of the control groups, CPU limit, memory limit)
    ("0::/", {"cpu.max": "150000 100000", "memory.max": "1073741824"}, 1.5, 2**30),
    ("0::/", {"cpu.max": "max 100000", "memory.max": "max"}, None, None),
    ("0::/a/b", {"a/cpu.max": "50000 100000", "a/b/cpu.max": "max 100000"}, 0.5, None),
    ("0::/gone/here", {"memory.max": "4096"}, None, 4096),
    ("", {}, None, None),
    (
        "4:memory:/docker/x\n1:cpu,cpuacct:/docker/x\n0::/",
        {
            "cpu,cpuacct/docker/x/cpu.cfs_quota_us": "200000",
            "cpu,cpuacct/docker/x/cpu.cfs_period_us": "100000",
            "memory/docker/x/memory.limit_in_bytes": "2147483648",
            "memory/memory.limit_in_bytes": "9223372036854771712",
        },
        2.0,
        2**31,
    ),
    (
        "4:memory:/\n1:cpu:/",
        {
            "cpu/cpu.cfs_quota_us": "-1",
            "cpu/cpu.cfs_period_us": "100000",
            "memory/memory.limit_in_bytes": "9223372036854771712",
        },
        None,
        None,
    ),
]


@pytest.mark.parametrize(("own", "texts", "cpu", "memory"), CONTAINERS)
def test_limits_of_a_container(
    tmp_path: Path, own: str, texts: dict[str, str], cpu: float | None, memory: int | None
) -> None:
    """Both versions of control groups; the tightest limit up to the root counts."""
    (tmp_path / "own").write_text(own)
    found = record.container(_files(tmp_path / "groups", texts), tmp_path / "own")
    assert found == {"cpu_limit": cpu, "memory_limit_bytes": memory}


def test_caches_and_governor_are_read_per_core(tmp_path: Path) -> None:
    base = "devices/system/cpu/cpu3"
    texts = {f"{base}/cpufreq/scaling_governor": "performance"}
    for index, (level, kind, size) in enumerate(
        [
            (1, "Data", "48K"),
            (1, "Instruction", "32K"),
            (2, "Unified", "2048K"),
            (3, "Unified", "1G"),
        ]
    ):
        place = f"{base}/cache/index{index}"
        texts |= {f"{place}/level": str(level), f"{place}/type": kind, f"{place}/size": size}
    root = _files(tmp_path, texts)
    assert record.cache(3, root) == {"L1d": 49152, "L1i": 32768, "L2": 2**21, "L3": 2**30}
    assert record.governor(3, root) == "performance"
    assert record.governor(4, root) is None


def _raises(*_: object, **__: object) -> None:
    raise psutil.AccessDenied


def test_a_system_that_tells_nothing_gives_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """No affinity, no /proc, no /sys, no psutil function, no program: the record stands, with gaps."""
    for name in ("sched_setaffinity", "sched_getaffinity"):
        monkeypatch.delattr(os, name, raising=False)
    for name in ("virtual_memory", "cpu_count", "getloadavg"):
        monkeypatch.setattr(psutil, name, _raises)
    monkeypatch.delattr(os, "sysconf", raising=False)
    monkeypatch.setattr(record, "PROC", Path("/nowhere"))
    monkeypatch.setattr(record, "SYS", Path("/nowhere"))
    monkeypatch.setattr(record, "text_of", lambda _: None)
    monkeypatch.setattr(record.shutil, "which", lambda _: None)
    monkeypatch.setattr(features, "_readable_proc", lambda: False)
    found = machine.machine()
    assert set(found) == FIELDS
    assert found["features"]["affinity"] is False
    assert found["features"]["proc"] is False
    assert found["cores"] == (os.cpu_count() or 1)
    assert (found["governor"], found["virtual"], found["load"], found["memory_bytes"]) == (
        None,
    ) * 4
    assert (found["affinity"], found["gpu"]) == ([], [])
    assert machine.pin(0) is False


@pytest.mark.parametrize(
    ("system", "resolution", "fine"),
    [
        ("Linux", 1e-9, True),
        ("Darwin", 1e-6, True),
        ("Linux", 0.0156, False),
        ("Windows", 1e-7, False),
    ],
)
def test_a_coarse_cpu_clock_is_no_feature(
    monkeypatch: pytest.MonkeyPatch, system: str, resolution: float, fine: bool
) -> None:
    """Windows states 100 ns and steps in ticks."""
    monkeypatch.setattr(features.platform, "system", lambda: system)
    info = SimpleNamespace(resolution=resolution)
    monkeypatch.setattr(time, "get_clock_info", lambda _: info)
    assert features.features()["cpu_clock"] is fine


def test_every_missing_feature_has_a_sentence() -> None:
    here = features.features()
    assert features.missing(dict.fromkeys(here, True)) == []
    said = features.missing(dict.fromkeys(here, False))
    assert len(set(said)) == len(here) == 3


def test_a_driver_that_hangs_or_fails_means_no_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    """nvidia-smi is there and does not answer."""

    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("nvidia-smi", 1.0)

    monkeypatch.setattr(record.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(record.subprocess, "run", hang)
    assert record.gpu() == []
    monkeypatch.setattr(
        record.subprocess,
        "run",
        lambda *_, **__: SimpleNamespace(stdout="NVIDIA H200\nNVIDIA H200\n"),
    )
    assert record.gpu() == ["NVIDIA H200", "NVIDIA H200"]


def test_flags_that_matter_are_recorded_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Known prefixes only, cut at 200 characters; nothing that looks like a credential."""
    monkeypatch.setattr(
        os, "environ",
        {
            "XLA_FLAGS": "--xla_cpu_enable_fast_math=true", "NUMBA_OPT": "2", "JAX_LONG": "x" * 999,
            "OMP_NUM_THREADS": "4", "NPROC": "1", "PYTHONPATH": "/home/somebody", "HOME": "/root",
            "JAX_API_KEY": "s", "MKL_TOKEN": "s", "JAX_COORDINATOR": "http://me:secret@host",
            "AWS_SECRET_ACCESS_KEY": "s", "PYTHONHASHSEED": "0",
        },
    )  # fmt: skip
    assert machine.environment() == {
        "JAX_LONG": "x" * 200,
        "NPROC": "1",
        "NUMBA_OPT": "2",
        "OMP_NUM_THREADS": "4",
        "PYTHONHASHSEED": "0",
        "XLA_FLAGS": "--xla_cpu_enable_fast_math=true",
    }


def test_the_reference_kernel_is_frozen() -> None:
    """Times of years are compared through it: a changed kernel needs a new name, not a new hash."""
    text = inspect.getsource(kernel.call)
    assert (
        hashlib.sha256(text.encode()).hexdigest()[:16] == kernel.KERNEL_HASH == "d09709a1cb4e13f0"
    )


def test_the_reference_kernel_gives_its_number() -> None:
    assert kernel.call() == pytest.approx(830.175229354996, rel=1e-12)
    assert kernel.call() == kernel.call()


def test_the_version_of_every_installed_tool_is_found() -> None:
    """By the usual name of its distribution, also where the module is called otherwise."""
    for method in registry.methods().values():
        found = machine.versions_of(method)
        assert not any("_" in name or "." in name for name in found)
        if method.tool != "dual" and registry.reason_unavailable(method) is None:
            assert any(name.startswith(method.tool) for name in found), method.name


def test_a_module_is_told_by_the_distribution_it_comes_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """TensorFlow's module comes from tensorflow-cpu, for one."""
    monkeypatch.setattr(machine, "_providers", lambda: {"nampy_module": ["numpy"]})
    assert machine._distribution("nampy_module") == ("numpy", np.__version__)
    assert machine._distribution("in_no_distribution") is None
    machine._distribution.cache_clear()
    method = replace(registry.method("numpy-central"), tool="nowhere", requires=("nampy_module",))
    assert set(machine.versions_of(method)) == {"adbench", "numpy"}
    machine._distribution.cache_clear()


def test_cores_are_taken_from_the_last_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "usable_cores", lambda: [2, 3, 5, 7])
    assert machine.cores_of(0) == (7,)
    assert machine.cores_of(1) == (5,) == (machine.core_of(1),)
    assert machine.cores_of(0, 3) == (7, 5, 3)
    assert sorted(machine.cores_of(3, 3)) == [2, 5, 7]
    assert sorted(machine.cores_of(6, 4)) == [2, 3, 5, 7]


def test_more_threads_than_cores_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "usable_cores", lambda: [4, 6])
    with pytest.raises(ValueError, match=r"may run on 2 cores here \(4, 6\); ask for at most 2"):
        machine.cores_of(0, 3)


def test_every_switch_of_the_environment_gets_the_number_asked_for() -> None:
    """JAX's is NPROC; by default none is set, and what the user has set stays."""
    found = worker_environment(3)
    assert {found[name] for name in machine.THREAD_VARIABLES} == {"3"}
    assert {"NPROC", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"} <= set(
        machine.THREAD_VARIABLES
    )
    untouched = worker_environment(None)
    for name in machine.THREAD_VARIABLES:
        assert untouched.get(name) == os.environ.get(name)


@pytest.mark.skipif(
    not features.features()["affinity"] or len(machine.usable_cores()) < 2,
    reason="needs two cores and a system that binds processes to them",
)
def test_a_worker_sees_the_cores_and_the_threads_it_is_given() -> None:
    """BLAS tells of as many threads as there are cores."""
    settings = Settings(threads=2)
    worker = Worker(settings.cores(0), settings.environment())
    try:
        worker.load("numpy-central", "numpy-central")
        seen = dict(worker.threads)
    finally:
        worker.end()
    assert seen["cores"] == sorted(machine.cores_of(0, 2))
    assert set(seen["pools"].values()) <= {2}
