"""Evaluates operators of functions with several outputs in ball arithmetic, at the precision in force.

Jacobians go by series, one direction after another, or by sweeps over one tape, whichever are fewer;
a sparse one by one series for each colour of its pattern. Of large results only a sample is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from adbench.model import Operator, Pattern
from adbench.reference.inputs import Inputs
from adbench.reference.sample import Sample
from adbench.reference.series import along, coefficient
from adbench.reference.tape import Number, Tape, ball, lift

__all__ = ["evaluate", "sampled", "summed_jacobian", "summed_vjp"]


def evaluate(
    f: Any, operator: Operator, point: Inputs, sample: Sample | None, pattern: Pattern | None
) -> list[Any]:
    """The result of an operator as balls, or what `sample` asks of it (see `evaluate.evaluate`)."""
    if operator is Operator.JACOBIAN:
        return _jacobian(f, point, sample, pattern)
    if operator is Operator.PROPAGATE:
        return _propagate(f, point, sample)
    ways = {Operator.VALUE: _values, Operator.JVP: _jvp, Operator.VJP: _vjp}
    if operator not in ways:
        raise NotImplementedError(
            f"no certified evaluation of '{operator.value}' of a form with several outputs; "
            f"there is one of {', '.join(o.value for o in ways)}, jacobian, propagate"
        )
    return sampled(ways[operator](f, point), sample)


def sampled(whole: list[Any], sample: Sample | None) -> list[Any]:
    """What a sample asks of the whole result: its elements, then its sums."""
    if sample is None:
        return whole
    found = [whole[e] for e in sample.elements]
    if sample.pattern is not None or len(sample.shape) > 1:
        raise NotImplementedError("sums of a result with rows and columns are taken along series")
    for k in range(sample.sums):
        (signs,) = sample.signs(k)
        found.append(signed_sum(whole[sample.first :], signs.tolist()))
    return found


def signed_sum(values: list[Any], signs: list[int]) -> Any:
    """The sum of the balls with these signs."""
    total = ball(0)
    for v, s in zip(values, signs, strict=True):
        total = total + v if s > 0 else total - v
    return total


def _values(f: Any, point: Inputs) -> list[Any]:
    return [ball(lift(v).v) for v in f(point.variables(point.x), *point.data)]


def _slopes(f: Any, point: Inputs, direction: Mapping[int, Any]) -> list[Any]:
    """J d, one ball an output."""
    return [coefficient(y, 1) for y in along(f, point, direction)]


def _jvp(f: Any, point: Inputs) -> list[Any]:
    return _slopes(f, point, {i: lift(v).v for i, v in enumerate(point.given[0])})


def _vjp(f: Any, point: Inputs) -> list[Any]:
    tape, outputs = _taped(f, point)
    return _sweep(tape, outputs, [lift(u).v for u in point.given[0]], len(point.x))


def _taped(f: Any, point: Inputs) -> tuple[Tape, list[Number]]:
    tape = point.tape()
    return tape, [lift(v) for v in f([tape.variable(v) for v in point.x], *point.data)]


def _sweep(tape: Tape, outputs: list[Number], weights: list[Any], n: int) -> list[Any]:
    """J^T weights: one sweep back over the tape. Weights are balls, or 0."""
    return [ball(w) for w in tape.pulled(outputs, weights, n)]


def _jacobian(f: Any, point: Inputs, sample: Sample | None, pattern: Pattern | None) -> list[Any]:
    if pattern is not None:
        whole = _sparse(f, point, pattern)
        return (
            whole
            if sample is None
            else [*(whole[e] for e in sample.elements), *summed_jacobian(f, point, sample)]
        )
    if sample is None:
        return _dense(f, point)
    tape, outputs = _taped(f, point)
    n, rows = len(point.x), {}
    for i in sorted({e // n for e in sample.elements}):
        rows[i] = _sweep(tape, outputs, _unit(i, len(outputs)), n)
    elements = [rows[e // n][e % n] for e in sample.elements]
    return [*elements, *summed_jacobian(f, point, sample)]


def _unit(i: int, m: int) -> list[Any]:
    weights: list[Any] = [0] * m
    weights[i] = ball(1)
    return weights


def _dense(f: Any, point: Inputs) -> list[Any]:
    """All entries, row by row."""
    n = len(point.x)
    tape, outputs = _taped(f, point)
    m = len(outputs)
    if m <= n:
        return [v for i in range(m) for v in _sweep(tape, outputs, _unit(i, m), n)]
    columns = [_slopes(f, point, {j: 1}) for j in range(n)]
    return [columns[j][i] for i in range(m) for j in range(n)]


def _sparse(f: Any, point: Inputs, pattern: Pattern) -> list[Any]:
    """The entries in the pattern's order, by one series for each colour of its columns."""
    colours = pattern.column_colours
    products = []
    for colour in range(int(colours.max(initial=0)) + 1):
        products.append(
            _slopes(f, point, dict.fromkeys(np.flatnonzero(colours == colour).tolist(), 1))
        )
    places = zip(colours[pattern.columns].tolist(), pattern.row_of.tolist(), strict=True)
    return [products[c][i] for c, i in places]


def summed_jacobian(f: Any, point: Inputs, sample: Sample) -> list[Any]:
    """The sums of a sample: u J v for each pair of sign vectors, along series."""
    found = []
    for k in range(sample.sums):
        u, v = sample.signs(k)
        found.append(signed_sum(_slopes(f, point, dict(enumerate(v.tolist()))), u.tolist()))
    return found


def summed_vjp(f: Any, point: Inputs, sample: Sample) -> list[Any]:
    """The sums of J^T u with signs s, as u . (J s): without a tape, for what is too long for one."""
    found = []
    weights = [lift(u).v for u in point.given[0]]
    for k in range(sample.sums):
        (s,) = sample.signs(k)
        total = ball(0)
        for w, slope in zip(weights, _slopes(f, point, dict(enumerate(s.tolist()))), strict=True):
            total = total + w * slope
        found.append(total)
    return found


def _propagate(f: Any, point: Inputs, sample: Sample | None) -> list[Any]:
    """J C J^T: for each pair (u, w) asked for, (J^T u) C (J^T w)."""
    n = len(point.x)
    tape, outputs = _taped(f, point)
    m = len(outputs)
    covariance = point.given[0]

    def pulled(weights: list[Any]) -> dict[int, Any]:
        swept = _sweep(tape, outputs, weights, n)
        return {j: w for j, w in enumerate(swept) if not (w.is_exact() and w == 0)}

    def joint(a: dict[int, Any], b: dict[int, Any]) -> Any:
        total = ball(0)
        for i, left in a.items():
            row = covariance[i]
            part = ball(0)
            for j, right in b.items():
                part = part + lift(row[j]).v * right
            total = total + left * part
        return total

    elements = range(m * m) if sample is None else sample.elements
    rows: dict[int, dict[int, Any]] = {
        i: pulled(_unit(i, m)) for i in sorted({k for e in elements for k in divmod(e, m)})
    }
    found = [joint(rows[e // m], rows[e % m]) for e in elements]
    for k in range(0 if sample is None else sample.sums):
        u, w = ([ball(int(s)) for s in signs] for signs in sample.signs(k))  # type: ignore[union-attr]
        found.append(joint(pulled(u), pulled(w)))
    return found
