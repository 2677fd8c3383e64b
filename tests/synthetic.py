"""Result lines as the store writes them, from a plain model of times; for tests and trials only.

No tool and no clock: times are a start-up cost plus a cost per element, times seeded noise.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

Line = dict[str, Any]

# problem, size, operator, variables, elements of work
ROWS = (
    ("gauss_nll", "100", "gradient", 2, 100),
    ("gauss_nll", "10000", "gradient", 2, 10_000),
    ("histogram_nll", "100", "gradient", 3, 300),
    ("histogram_nll", "1000", "gradient", 3, 3_000),
    ("histogram_nll", "100", "hessian", 3, 900),
    ("histogram_nll", "1000", "hessian", 3, 9_000),
    ("rosenbrock", "2", "gradient", 2, 4),
    ("rosenbrock", "10", "gradient", 10, 30),
    ("logistic_map", "1", "derivative", 1, 2_000),
)
# method -> (tool, mode, form, call overhead in us, ns per element, start-up in s, error in ulp)
METHODS: dict[str, tuple[str, str, str, float, float, float, float]] = {
    "numpy-forward": ("numpy", "difference", "array", 30.0, 12.0, 0.0, 3e7),
    "numpy-central": ("numpy", "difference", "array", 55.0, 22.0, 0.0, 2e5),
    "complex-step": ("numpy", "complex-step", "array", 60.0, 45.0, 0.0, 1.4),
    "sympy-numpy": ("sympy", "symbolic", "term", 22.0, 9.0, 0.4, 2.2),
    "autograd-reverse": ("autograd", "reverse", "array", 140.0, 11.0, 0.0, 1.1),
    "dual-python": ("dual", "forward", "scalar", 20.0, 2100.0, 0.0, 1.7),
    "dual-numpy": ("dual", "forward", "array", 90.0, 31.0, 0.0, 1.9),
    "numba-central": ("numba", "difference", "scalar", 0.35, 4.1, 1.1, 4e5),
    "numba-dual": ("numba", "forward", "scalar", 0.4, 2.2, 1.9, 1.2),
    "jax-forward": ("jax", "forward", "array", 7.6, 2.4, 0.28, 1.0),
    "jax-reverse": ("jax", "reverse", "array", 6.9, 1.6, 0.24, 1.0),
    "jax-hessian": ("jax", "mixed", "array", 9.0, 1.9, 0.41, 1.3),
}
TWINS = ("jax-reverse", "numba-dual")
REPEATED = ("jax", "numba")
MACHINE: Line = {
    "id": "3f2a91bc",
    "name": "workbench",
    "cpu": "AMD EPYC 9R14",
    "cores": 2,
    "cores_physical": 1,
    "cache": {"1": 32_768, "2": 1_048_576, "3": 33_554_432},
    "governor": None,
    "affinity": [0, 1],
    "memory_bytes": 8_000_000_000,
    "os": "Linux 6.1",
    "python": "3.11.7",
    "libc": "glibc 2.36",
    "load": [0.4, 0.5, 0.3],
    "blas": [{"library": "openblas", "version": "0.3.30", "threads": 1}],
    "gpu": [],
    "container": {"cpu_limit": None, "memory_limit_bytes": None},
    "virtual": "kvm",
    "features": {"affinity": True, "cpu_clock": True, "proc": True},
}
HEADER: Line = {
    "kind": "run",
    "schema": 2,
    "started": "2026-11-23T12:00:00+00:00",
    "preset": "quick",
    "seed": 123,
    "machine": MACHINE,
    "versions": {"adbench": "0.1.0", "numpy": "2.4.6", "jax": "0.10.2", "numba": "0.68.1"},
    "code": "0123456789abcdef",
    "threads": {"requested": 1, "observed": {"openblas": 1}},
    "device": "cpu",
    "environment": {},
    "commit": "6abed38c0ffee0123456789abcdef0123456789a",
    "dirty": False,
    "limits": {"time_s": 20, "memory_bytes": 4e9},
    "protocol": {"blocks": 60, "block_s": 0.002, "workers": "method", "kernel": "89abcdef"},
}
# Time of a derivative in units of f itself.
COST = {"forward": 3.0, "reverse": 2.5, "symbolic": 1.8, "mixed": 9.0}
Speed = Callable[[str, str, str], float]


def even(_tool: str, _problem: str, _size: str) -> float:
    """No change to the model's times."""
    return 1.0


def run(
    repeats: int = 3,
    twins: bool = True,
    tools: Iterable[str] | None = None,
    failures: bool = True,
    speed: Speed = even,
    noise: float = 0.008,
    seed: int = 1,
    rows: Iterable[tuple[str, str, str, int, int]] = ROWS,
) -> tuple[Line, list[Line]]:
    """A header and result lines.

    `speed(tool, problem, size)` multiplies the model's times; `noise` is the sd of a process's log
    time; `tools` limits the tools; without `failures` every case is ok; `rows` are like `ROWS`.
    """
    rng = np.random.default_rng(seed)
    lines = []
    for row in rows:
        for method, about in METHODS.items():
            if (tools is not None and about[0] not in tools) or not _offered(method, row[2]):
                continue
            for repeat in range(repeats if about[0] in REPEATED else 1):
                copies = (False, True) if twins and method in TWINS else (False,)
                for twin in copies:
                    factor = speed(about[0], row[0], row[1]) * np.exp(rng.normal(0, noise))
                    lines.append(_line(row, method, repeat, twin, float(factor), rng))
    if failures:
        lines = [_failed(line) for line in lines]
    return copy.deepcopy(HEADER), lines


def many(count: int, repeats: int = 5) -> tuple[Line, list[Line]]:
    """A header and so many result lines: the problems of `ROWS` again and again, with a number."""
    lines: list[Line] = []
    for k in itertools.count():
        rows = [(f"{problem}_{k}", *rest) for problem, *rest in ROWS]
        lines += run(repeats, seed=k + 1, rows=rows)[1]
        if len(lines) >= count:
            return copy.deepcopy(HEADER), lines[:count]
    raise AssertionError


def _offered(method: str, operator: str) -> bool:
    if operator == "hessian":
        return method not in ("numpy-forward", "complex-step", "jax-forward", "jax-reverse")
    return method != "jax-hessian"


def _line(
    row: tuple[str, str, str, int, int],
    method: str,
    repeat: int,
    twin: bool,
    factor: float,
    rng: np.random.Generator,
) -> Line:
    problem, size, operator, n, work = row
    tool, mode, form, overhead, per_element, start, ulp = METHODS[method]
    t = (overhead * 1e-6 + per_element * work * 1e-9) * factor
    cpu = [t * (1 + abs(e)) for e in rng.normal(0, 0.02, 11)] + [t]
    if problem == "logistic_map" and tool == "jax":
        form = "jax"
    return {
        "kind": "result",
        "id": f"{problem}[{size}]/{operator}/{method}",
        "problem": problem,
        "size": size,
        "n": n,
        "operator": operator,
        "method": method,
        "tool": tool,
        "mode": mode,
        "repeat": repeat,
        "twin": twin,
        "outcome": "ok",
        "message": "",
        "form": form,
        "form_hash": f"{problem}-{form}",
        "versions": {tool: HEADER["versions"].get(tool, "1.0")},
        "measurements": [
            _measurement("import", [0.3], [0.3], [1]),
            _measurement("prepare", [start * factor + 1e-4], [start * factor + 1e-4], [1]),
            *([_measurement("compile", [start / 2], [start / 2], [1])] if tool == "jax" else []),
            _measurement("first", [start / 4 + 3 * t], [start / 4 + 3 * t], [1]),
            _measurement("steady", [c * 1.01 for c in cpu], cpu, [max(1, int(2e-3 / t))] * 12),
            *([_per_call("value", [c / COST[mode] for c in cpu])] if mode in COST else []),
            _per_call("round trip", [c + 4e-6 for c in cpu[-4:]]),
        ],
        "accuracy": {
            "error_rel": ulp * 1.1e-16,
            "error_ulp": ulp,
            "worst_rel": ulp * 2e-16,
            "worst_ulp": 2 * ulp,
            "kappa": 3.0,
        },
        "machine": MACHINE["id"],
        "shared": False,
        "voided": 0,
        "memory": {
            "baseline_bytes": 150_000_000,
            "peak_bytes": 151_000_000 + 8 * work,
            "process_peak_bytes": 177_000_000,
            **({"code_bytes": 6_000, "temp_bytes": 16 * work} if tool == "jax" else {}),
        },
        "finished": "2026-11-23T12:00:01+00:00",
    }


def _measurement(phase: str, wall: list[float], cpu: list[float], loops: list[int]) -> Line:
    return {"phase": phase, "wall_s": wall, "cpu_s": cpu, "loops": loops}


def _per_call(phase: str, cpu: list[float]) -> Line:
    return {"phase": phase, **_samples(cpu)}


def _samples(cpu: list[float]) -> Line:
    loops = [max(1, int(2e-3 / t)) for t in cpu]
    return {"wall_s": [1.01 * t for t in cpu], "cpu_s": cpu, "loops": loops}


def conditions(lines: Iterable[Line], drift: float = 0.01) -> list[Line]:
    """The conditions lines of result lines, one per row and process; the kernel slows down by `drift`."""
    rows = list(
        dict.fromkeys((x["id"].rpartition("/")[0], x["repeat"], x["machine"]) for x in lines)
    )
    return [
        {
            "kind": "conditions",
            "row": row,
            "repeat": repeat,
            "machine": machine,
            "kernel": _samples([k * 1e-5 * (1.0 + drift * i / len(rows)) for k in (1.1, 1.0)]),
            "steal": 0.002,
            "load": [0.4, 0.5, 0.3],
            "busy": 0.03,
            "wall_s": 2.0,
            "spent": {
                "start": 0.5, "prepare": 0.3, "compile": 0.1, "first": 0.1, "measure": 0.9, "judge": 0.05
            },
            "finished": "2026-11-23T12:00:01+00:00",
        }
        for i, (row, repeat, machine) in enumerate(rows)
    ]  # fmt: skip


def elsewhere(
    one: tuple[Line, list[Line]], machine: str, threads: int | str = 1, **about: Any
) -> tuple[Line, list[Line]]:
    """The same run as if measured on another machine, of the given id, or with other threads."""
    header, lines = copy.deepcopy(one)
    header["machine"].update(id=machine, **about)
    header["threads"]["requested"] = threads
    return header, [{**line, "machine": machine} for line in lines]


FAILURES = {
    "histogram_nll[1000]/hessian/dual-python": (
        "timed out",
        "predicted 31 s from size 100, above the limit of 20 s; not started",
    ),
    "rosenbrock[10]/gradient/sympy-numpy": (
        "wrong",
        "error 3.1e5 ulp where 100 ulp x max(1, kappa) is promised",
    ),
    "logistic_map[1]/derivative/sympy-numpy": (
        "unsupported",
        "a loop of 1 000 steps unrolls into an expression of 1e300 terms",
    ),
    "rosenbrock[2]/gradient/jax-forward": ("crashed", "the worker died of signal 11 (SIGSEGV)"),
}


def _failed(line: Line) -> Line:
    return fail(line, *FAILURES[line["id"]]) if line["id"] in FAILURES else line


def fail(line: Line, outcome: str, message: str) -> Line:
    """The line of the same case had it ended otherwise: no timings, no accuracy."""
    kept = [m for m in line["measurements"] if m["phase"] == "import"]
    return {
        **line, "outcome": outcome, "message": message, "measurements": kept, "accuracy": None, "memory": {}
    }  # fmt: skip


def tool_fails(lines: list[Line], tool: str, outcome: str, message: str) -> Iterator[Line]:
    """The lines with every case of one tool failed."""
    for line in lines:
        yield fail(line, outcome, message) if line["tool"] == tool else line
