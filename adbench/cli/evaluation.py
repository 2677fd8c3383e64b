"""``adbench eval``: one derivative beside its certified reference."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from adbench.cli.terminal import print_json, table
from adbench.model import Case, UnknownNameError

__all__ = ["EXAMPLE", "evaluate"]

# A table shows results of up to `MOST` numbers whole, and the first `SHOWN` of others.
MOST, SHOWN = 16, 6
EXAMPLE = "adbench eval 'rosenbrock[10]/gradient/dual-python' --json"


def evaluate(
    case: Annotated[
        str, typer.Argument(help="A case id, such as 'rosenbrock[10]/gradient/jax-reverse'.")
    ],
    at: Annotated[
        Path | None,
        typer.Option(help="JSON file with a list of numbers: x, instead of the problem's."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    time_limit: Annotated[float, typer.Option(help="Seconds the method may take.")] = 60.0,
) -> None:
    """Print the derivative that a method computes, and its error against the certified reference."""
    from adbench.harness.evaluate import evaluate as compute
    from adbench.harness.process import Limits

    found = compute(Case.parse(case), _numbers(at) if at else None, Limits(time_limit, 4 * 10**9))
    accuracy = found.accuracy.as_dict() if found.accuracy is not None else {}
    described = {
        "case": found.case.id,
        "outcome": found.outcome.label,
        "message": found.message,
        "x": found.point.x.tolist(),
        "result": _nested(found.result),
        "reference": _reference(found.reference),
        "entries": _entries(found),
        "error_rel": _number(accuracy.get("error_rel")),
        "error_ulp": _number(accuracy.get("error_ulp")),
        "kappa": _number(accuracy.get("kappa")),
        "versions": found.versions,
    }
    if as_json:
        print_json(described)
    else:
        if described["entries"] is not None:
            described["entries"] = _sparse(described["entries"])
        lines = [
            (k, _short(v)) for k, v in described.items() if k != "case" and v not in (None, "")
        ]
        table(found.case.id, ("", ""), lines)
    if not found.outcome.ran:
        raise typer.Exit(1)


def _reference(reference: Any) -> Any:
    """Decimal strings in the shape of the result; by flat index where only a sample is certified."""
    if reference is None:
        return None
    digits = list(reference.decimals())
    if reference.elements is not None:
        return dict(zip(map(str, reference.elements), digits, strict=True))
    for length in reversed(reference.shape[1:]):
        digits = [digits[i : i + length] for i in range(0, len(digits), length)]
    return digits if reference.shape else digits[0]


def _entries(found: Any) -> dict[str, Any] | None:
    """Of a sparse Jacobian, whose results are entries: the matrix's shape, and where each stands."""
    pattern = found.point.pattern
    if pattern is None or found.case.operator != "jacobian":
        return None
    return {
        "shape": list(pattern.shape),
        "rows": pattern.row_of.tolist(),
        "columns": pattern.columns.tolist(),
    }


def _sparse(entries: Mapping[str, Any]) -> str:
    """What the numbers of a sparse result are, in words."""
    m, n = entries["shape"]
    return (
        f"{len(entries['columns'])} structural non-zeros of a {m} x {n} matrix, row by row "
        "(their rows and columns: --json)"
    )


def _short(value: Any) -> str:
    """As text; of many numbers the first ones, and how many there are."""
    if isinstance(value, dict) and len(value) > SHOWN:
        first = ", ".join(f"{k}: {v}" for k, v in list(value.items())[:SHOWN])
        return f"{first}, ... ({len(value)} elements by flat index; all of them: --json)"
    flat = _flat(value)
    if len(flat) <= MOST:
        return str(value)
    first = ", ".join(map(str, flat[:SHOWN]))
    return f"{first}, ... ({len(flat)} numbers{_rows(value)}; all of them: --json)"


def _rows(value: Any) -> str:
    return f" in {len(value)} rows" if isinstance(value[0], list) else ""


def _flat(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return [value]
    return [number for part in value for number in _flat(part)]


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _nested(value: Any) -> Any:
    """Lists of numbers; what JSON cannot say (NaN, infinity) becomes null."""
    if value is None:
        return None
    listed = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(listed, list):
        return [_nested(v) for v in listed]
    return _number(listed)


def _numbers(path: Path) -> list[float]:
    try:
        values = json.loads(path.read_text())
    except OSError as error:
        raise UnknownNameError(
            f"--at {path}: {error.strerror}; give a JSON file with a list of numbers"
        ) from None
    except ValueError as error:
        raise UnknownNameError(f"--at {path} is not JSON: {error}") from None
    plain = (
        isinstance(values, list)
        and values
        and all(
            isinstance(v, (int, float)) and not isinstance(v, bool) and abs(v) < 1e308
            for v in values
        )
    )
    if not plain:
        raise UnknownNameError(
            f"--at {path}: expected a JSON list of finite numbers, like [1.2, -0.2]"
        )
    return [float(v) for v in values]
