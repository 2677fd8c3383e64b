"""The layout of a result file's lines: what stands in them, what makes one unique, who shares a file."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from adbench.model import Measurement, Method, Result, size_text

__all__ = [
    "SCHEMA", "Key", "StoreError", "differences", "digest", "key_of", "line_of", "machine_id",
]  # fmt: skip

SCHEMA = 2
Key = tuple[str, int, bool, str]

# What must be the same for results to stand in one file; dots lead into an object.
AGREE = (
    "preset", "limits", "versions", "machine", "code", "threads.requested", "device",
    "base.code", "interpreters", "protocol.workers", "protocol.kernel",
)  # fmt: skip
# What a machine is like at the moment: it does not make another machine.
PASSING = ("id", "load")


class StoreError(ValueError):
    """A result file that cannot be read or continued; its text says why and what to do."""


def line_of(result: Result, method: Method, finished: str) -> dict[str, Any]:
    """The line of a result; `finished` is an ISO time. The caller adds ``machine``, its id."""
    case = result.case
    return {
        "kind": "result",
        "id": case.id,
        "problem": case.problem,
        "size": size_text(case.size),
        "n": result.n,
        "operator": case.operator,
        "method": case.method,
        "tool": method.tool,
        "mode": method.mode,
        "dtype": method.dtype,
        "repeat": result.repeat,
        "twin": result.twin,
        "outcome": result.outcome.label,
        "message": result.message,
        "form": result.form,
        "form_hash": result.form_hash,
        "shared": result.shared,
        "voided": result.voided,
        "versions": dict(result.versions),
        "measurements": [_measurement(m) for m in result.measurements],
        "accuracy": _finite(result.accuracy) if result.accuracy is not None else None,
        "memory": dict(result.memory),
        "finished": finished,
    }


def _measurement(m: Measurement) -> dict[str, Any]:
    return {
        "phase": m.phase.value,
        "wall_s": list(m.wall_s),
        "cpu_s": list(m.cpu_s),
        "loops": list(m.loops),
    }


def _finite(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """NaN and infinity are not JSON: null stands for 'no such number'."""
    return {k: (v if math.isfinite(v) else None) for k, v in numbers.items()}


def key_of(line: Mapping[str, Any]) -> Key:
    """What makes a result line unique: case id, repeat, twin, machine."""
    return str(line["id"]), int(line["repeat"]), bool(line["twin"]), str(line["machine"])


def machine_id(record: Mapping[str, Any]) -> str:
    """The id of the machine that a header or a machine line describes."""
    return str(record["machine"]["id"])


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], but: tuple[str, ...] = ()
) -> Iterator[tuple[str, str]]:
    """What keeps results of two headers apart: (what, the two values); `but` is not asked.

    Results of two machines, versions, states of the code, presets, limits, thread counts, devices or
    designs of the measurement never share a file.
    """
    for what in AGREE:
        before, now = _inside(old, what), _inside(new, what)
        if what in but or _identity(what, before) == _identity(what, now):
            continue
        yield what.replace(".", " "), _difference(before, now)


def digest(header: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits that two headers share when their results may share a file."""
    agreed = {what: _identity(what, _inside(header, what)) for what in AGREE}
    return hashlib.sha256(json.dumps(agreed, sort_keys=True).encode()).hexdigest()[:16]


def _inside(record: Mapping[str, Any], path: str) -> Any:
    value: Any = record
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _identity(what: str, value: Any) -> Any:
    return value.get("id") if what == "machine" and isinstance(value, Mapping) else value


def _difference(before: Any, now: Any) -> str:
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return f"{before} then, {now} now"
    changed = [k for k in {**before, **now} if before.get(k) != now.get(k)]
    keys = [k for k in changed if k not in PASSING] or changed
    return "; ".join(f"{k} {before.get(k)} then, {now.get(k)} now" for k in keys)
