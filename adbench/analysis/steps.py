"""The error of finite differences against their step, as ``nox -s v-curve`` writes it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["COLUMNS", "read_steps"]

COLUMNS = ["kind", "name", "step", "error", "promised"]
MAKE = "make one in a checkout with: nox -s v-curve"


def read_steps(path: Path) -> pd.DataFrame:
    """A line a point: of a rule's curve, or where a method lands with its own default.

    Parameters
    ----------
    path : Path
        JSON lines with `kind` ``"curve"`` (`rule`, `step`, `error`) or ``"tool"`` (`method`, `step`, `error`,
        `promised`). Steps are relative to max(abs(x), 1), errors norm-wise and relative.

    Returns
    -------
    DataFrame
        The columns `COLUMNS`; `step` is NaN where a method chooses it by itself, `promised` for curves and
        for methods that promise all digits. Methods that were not installed are left out, and so are
        points whose error is no finite number.

    Raises
    ------
    ValueError
        When the file is missing, or is none of this kind.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({error}); {MAKE}") from None
    try:
        points = [_point(json.loads(line)) for line in text.splitlines() if line.strip()]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} holds no points of error against step ({error}); {MAKE}"
        ) from None
    frame = pd.DataFrame([p for p in points if p], columns=COLUMNS)
    if not (frame["kind"] == "curve").any():
        raise ValueError(f"{path} holds no curve of error against step; {MAKE}")
    return frame


def _point(line: dict[str, Any]) -> dict[str, Any] | None:
    curve = line["kind"] == "curve"
    if not curve and line["kind"] != "tool":
        raise ValueError(f"a line of kind '{line['kind']}'")
    numbers = {key: _number(line.get(key)) for key in ("step", "error", "promised")}
    known = math.isfinite(numbers["error"]) and (not curve or numbers["step"] > 0)
    name = str(line["rule" if curve else "method"])
    return {"kind": line["kind"], "name": name, **numbers} if known else None


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
