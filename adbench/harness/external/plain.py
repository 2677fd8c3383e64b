"""Checked reading of numbers out of JSON; knows no payload."""

from __future__ import annotations

from typing import Any

import numpy as np

from adbench.model import Floats

__all__ = ["PayloadError", "floats", "number", "sized", "whole"]


class PayloadError(ValueError):
    """JSON that is not what a payload should be; its text says what was expected."""


def floats(value: Any) -> Floats:
    """An array of float64 from nested lists of numbers.

    Raises
    ------
    PayloadError
        For texts, null, lists of unequal lengths and the like.
    """
    try:
        found = np.asarray(value)
    except ValueError:
        found = np.empty(0, dtype=object)
    if found.dtype.kind not in "fiu":
        if found.size == 0 and isinstance(value, list):  # [] and [[], []]
            return np.empty(found.shape)
        raise PayloadError(f"expected numbers in nested lists, got {_shown(value)}")
    return found.astype(np.float64)


def sized(value: Any, size: int, name: str) -> Floats:
    """As `floats`, of a known size; raises PayloadError for another."""
    found = floats(value)
    if found.size != size:
        raise PayloadError(f"{name} has {found.size} numbers, expected {size}")
    return found


def number(value: Any) -> float:
    """A plain number; raises PayloadError for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise PayloadError(f"expected a number, got {_shown(value)}")
    return float(value)


def whole(value: Any, name: str, least: int, most: int) -> int:
    """A whole number between two limits; raises PayloadError for anything else."""
    found = number(value)
    if found != int(found) or not least <= found <= most:
        raise PayloadError(f"{name} is {value}, expected a whole number from {least} to {most}")
    return int(found)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
