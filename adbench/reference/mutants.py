"""Wrong answers that a judge must reject: a judge that cannot fail proves nothing."""

from __future__ import annotations

import numpy as np

from adbench.model import Floats
from adbench.reference.record import Reference

__all__ = ["mutants"]


# A number that float32 holds to this, as it holds 1330 + 1e-13, is no worse for having been float32.
SHOWS = 1e-10


def mutants(reference: Reference) -> dict[str, Floats]:
    """Wrong answers by name, of the reference's shape, made from its rounded truth.

    ``zero`` and ``sign flip`` (where something is not 0), ``nan``, ``float32`` (where rounding
    shows), ``permuted`` (where two elements differ; each takes its neighbour's place) and
    ``nudged`` (the nonzero element of median magnitude times 1 + 1e-6). Only certified elements are
    changed: the others are 0, and not judged.
    """
    truth = reference.hi
    found = {"nan": _with(truth, 0, np.nan)} if truth.size else {}
    if np.any(truth):
        middle = _median(truth)
        found["zero"] = np.zeros_like(truth)
        found["sign flip"] = -truth
        found["nudged"] = _with(truth, middle, truth[middle] * (1.0 + 1e-6))
    with np.errstate(over="ignore", invalid="ignore"):
        single = truth.astype(np.float32).astype(np.float64)
        changed = np.abs(single - truth) > SHOWS * np.abs(truth)
    if np.any(changed):
        found["float32"] = single
    if np.any(truth != truth[:1]):
        found["permuted"] = np.roll(truth, 1)
    return {name: reference.scatter(flat) for name, flat in found.items()}


def _median(truth: Floats) -> int:
    nonzero = np.flatnonzero(truth)
    order = nonzero[np.argsort(np.abs(truth[nonzero]), kind="stable")]
    return int(order[order.size // 2])


def _with(truth: Floats, index: int, value: float) -> Floats:
    changed = truth.copy()
    changed[index] = value
    return changed
