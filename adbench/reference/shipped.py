"""Certified references that come with the package: one file a problem, at most 200 kB each.

Results of up to `WHOLE` numbers are kept as they are certified. Of larger ones the second half of each
number is kept to 2^-16 of its last place, and its sensitivity to 1 %: enough to measure errors in
hundredths of an ulp. A file is only right for the texts and inputs it was made from; each reference
lies under a key that all of these go into (`truth.key_of`), so that a changed text finds nothing here.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from adbench.reference.record import Reference

__all__ = ["LIMIT_BYTES", "load", "packed", "seconds"]

LIMIT_BYTES = 200_000
WHOLE = 1_000
# Decimals that are certified when the second halves are kept in short.
SHORT_DIGITS = 20
LO_STEPS = 2.0**15
SENSITIVITY_STEPS = 64.0
NO_SENSITIVITY = -32768
# So much above a step is the step's own rounding: packing again changes nothing.
UP = 1e-6
SUMS = ("sums_hi", "sums_lo", "sums_sensitivity")


def load(problem: str, key: str) -> Reference | None:
    """The shipped reference of that key, without its weights and sample; None where there is none."""
    file = _file(problem)
    about = file.get("about", {}).get(key)
    return None if about is None else _unpacked(key, about, file["arrays"])


@lru_cache(maxsize=4)
def _file(problem: str) -> Mapping[str, Any]:
    path = resources.files("adbench.reference") / "shipped" / f"{problem}.npz"
    if not path.is_file():
        return {}
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return {"about": json.loads(str(arrays.pop("about"))), "arrays": arrays}
    except (OSError, ValueError, KeyError, EOFError, zlib.error, zipfile.BadZipFile):
        return {}  # damaged: certified again


def seconds(problem: str, key: str) -> float | None:
    """How long it took to certify the shipped reference of that key; None where there is none."""
    about = _file(problem).get("about", {}).get(key)
    return None if about is None else float(about.get("seconds", 0.0))


def packed(references: Iterable[tuple[Reference, float]]) -> bytes:
    """The file that holds these references, each with the seconds that certifying it took."""
    about: dict[str, Any] = {}
    arrays: dict[str, Any] = {}
    for i, (r, took_s) in enumerate(references):
        about[r.key] = {
            "at": i, "shape": r.shape, "bits": r.bits, "pointwise": r.pointwise, "elements": r.elements,
            "seconds": round(took_s, 3),
            "digits": r.digits if r.hi.size <= WHOLE else SHORT_DIGITS,
        }  # fmt: skip
        arrays[f"hi{i}"] = r.hi
        arrays[f"lo{i}"], arrays[f"s{i}"] = r.lo, r.sensitivity
        if r.hi.size > WHOLE:
            arrays[f"lo{i}"] = np.round(r.lo / np.spacing(np.abs(r.hi)) * LO_STEPS).astype(np.int16)
            arrays[f"s{i}"] = _short(r.sensitivity)
        if r.sums_hi.size:
            arrays[f"sums{i}"] = np.array([getattr(r, name) for name in SUMS])
    file = io.BytesIO()
    np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)
    return file.getvalue()


def _short(sensitivity: Any) -> Any:
    """Logarithms in steps of about 1 %, rounded up; 0 has a mark of its own."""
    steps = np.full(sensitivity.shape, NO_SENSITIVITY, dtype=np.int32)
    there = sensitivity > 0.0
    steps[there] = np.ceil(np.log2(sensitivity[there]) * SENSITIVITY_STEPS - UP)
    return steps


def _unpacked(key: str, about: Mapping[str, Any], arrays: Mapping[str, Any]) -> Reference:
    i = about["at"]
    hi, lo, s = arrays[f"hi{i}"], arrays[f"lo{i}"], arrays[f"s{i}"]
    if lo.dtype == np.int16:
        lo = lo / LO_STEPS * np.spacing(np.abs(hi))
        s = np.where(s == NO_SENSITIVITY, 0.0, np.exp2(s / SENSITIVITY_STEPS))
    sums = arrays.get(f"sums{i}", np.empty((3, 0)))
    return Reference(
        key=key,
        shape=tuple(about["shape"]),
        hi=hi,
        lo=lo,
        sensitivity=s,
        bits=about["bits"],
        pointwise=about["pointwise"],
        elements=about["elements"] and tuple(about["elements"]),
        digits=about["digits"],
        **dict(zip(SUMS, sums, strict=True)),
    )
