"""Evaluates an operator of a scalar-valued form in ball arithmetic, at the precision in force.

Three ways, each exact up to the balls' radii: a reverse tape over balls (gradient), a reverse tape
over series in one direction after another (Hessian and its products), and series without a tape,
which need no memory and are cheaper for few variables. The tests show that the ways agree. Functions
with several outputs are in `reference.vectors`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adbench.model import TAYLOR_ORDER, Builder, Form, Operator, Pattern
from adbench.reference import vectors
from adbench.reference.balls import ball_namespace
from adbench.reference.inputs import Inputs
from adbench.reference.sample import Sample
from adbench.reference.series import along, coefficient, line, moved
from adbench.reference.tape import ball, lift

__all__ = ["evaluate", "evaluate_closed"]

# Up to this many variables a gradient goes by series, one direction after another.
FEW = 4
# Above this many input numbers a Hessian of few variables leaves the tape, for memory's sake.
MANY_NUMBERS = 20_000


def evaluate(
    form: Form,
    operator: Operator,
    point: Inputs,
    sample: Sample | None = None,
    outputs: int | None = None,
    pattern: Pattern | None = None,
) -> list[Any]:
    """The operator's result as balls, in the order of its ravelled array; or what `sample` asks of it.

    Parameters
    ----------
    form, operator, point
        What to evaluate, and where.
    sample : Sample, optional
        Its elements, then its sums; of an elementwise form `point` has been cut to the elements.
    outputs, pattern
        Of the point: see `model.Point`.

    Raises
    ------
    NotImplementedError
        For an operator that has no certified evaluation.
    UndecidedError
        When a branch of the form cannot be decided at this precision.
    """
    f = form.build(ball_namespace())
    if outputs is not None and not form.elementwise:
        return vectors.evaluate(f, operator, point, sample, pattern)
    table = _ELEMENTWISE if form.elementwise else _SCALAR_VALUED
    if operator not in table:
        kind = "an elementwise" if form.elementwise else "a scalar-valued"
        raise NotImplementedError(
            f"no certified evaluation of '{operator.value}' of {kind} form; "
            f"there is one of {', '.join(o.value for o in table)}"
        )
    whole = table[operator](f, point)
    return whole if form.elementwise else vectors.sampled(whole, sample)


def evaluate_closed(build: Builder, point: Inputs, sample: Sample | None = None) -> list[Any]:
    """The result of a closed form as balls, as `evaluate` gives that of a text."""
    g = build(ball_namespace())
    found = g(point.variables(point.x), *point.given, *point.data)
    return vectors.sampled([ball(lift(v).v) for v in _flat(found)], sample)


def _flat(result: Any) -> list[Any]:
    if not isinstance(result, (list, tuple)):
        return [result]
    return [v for part in result for v in _flat(part)]


def _value(f: Any, point: Inputs) -> list[Any]:
    return [ball(lift(f(point.variables(point.x), *point.data)).v)]


def _each(point: Inputs) -> list[list[Any]]:
    """The numbers of each point of an elementwise form."""
    k = len(point.x) // max(1, len(point.which))
    return [point.x[i : i + k] for i in range(0, len(point.x), k)]


def _values(f: Any, point: Inputs) -> list[Any]:
    return [ball(lift(f(*point.variables(x), *point.data)).v) for x in _each(point)]


def _derivatives(f: Any, point: Inputs) -> list[Any]:
    found = []
    for x, i in zip(_each(point), point.which, strict=True):
        moved = [line(v) if j == i else v for j, v in enumerate(x)]
        found.append(coefficient(f(*point.variables(moved), *point.data), 1))
    return found


def _gradient(f: Any, point: Inputs) -> list[Any]:
    return _value_and_gradient(f, point)[1:]


def _value_and_gradient(f: Any, point: Inputs) -> list[Any]:
    way = gradient_by_series if len(point.x) <= FEW else gradient_by_tape
    return way(f, point)


def gradient_by_tape(f: Any, point: Inputs) -> list[Any]:
    """Value, then gradient: one pass forward and one back."""
    tape = point.tape()
    y = lift(f([tape.variable(v) for v in point.x], *point.data))
    return [ball(y.v), *map(ball, tape.adjoints(y, len(point.x)))]


def gradient_by_series(f: Any, point: Inputs) -> list[Any]:
    """Value, then gradient: one pass of series a variable."""
    passes = [along(f, point, _unit(i)) for i in range(len(point.x))]
    return [coefficient(passes[0], 0), *(coefficient(y, 1) for y in passes)]


def _unit(*indices: int) -> dict[int, Any]:
    """The direction with ones at these variables."""
    return dict.fromkeys(indices, 1)


def _hessian(f: Any, point: Inputs) -> list[Any]:
    series = len(point.x) <= FEW and point.count > MANY_NUMBERS
    return (hessian_by_series if series else hessian_by_tape)(f, point)


def hessian_by_tape(f: Any, point: Inputs) -> list[Any]:
    """One row a direction: coefficient t of the adjoints of f at x + t e_i."""
    n = len(point.x)
    rows: list[Any] = []
    for i in range(n):
        tape = point.tape()
        y = lift(f([tape.variable(v) for v in moved(point.x, _unit(i))], *point.data))
        rows.extend(coefficient(w, 1) for w in tape.adjoints(y, n))
    return rows


def hessian_by_series(f: Any, point: Inputs) -> list[Any]:
    """Coefficients t^2 of f along e_i and along e_i + e_j, which is (H_ii + 2 H_ij + H_jj) / 2."""
    from flint import ctx

    n = len(point.x)
    ctx.cap = 3  # the caller's `precision` puts it back
    diagonal = [coefficient(along(f, point, _unit(i)), 2) for i in range(n)]
    rows = [[2 * diagonal[i] for _ in range(n)] for i in range(n)]
    for i in range(n):
        for j in range(i):
            both = coefficient(along(f, point, _unit(i, j)), 2)
            rows[i][j] = rows[j][i] = both - diagonal[i] - diagonal[j]
    return [v for row in rows for v in row]


def _hvp(f: Any, point: Inputs) -> list[Any]:
    """Coefficients t of the adjoints of f at x + t v."""
    return [
        coefficient(w, 1) for w in _adjoints_along(f, point, [lift(v).v for v in point.given[0]])
    ]


def _newton_direction(f: Any, point: Inputs) -> list[Any]:
    """Gradient over H ones, which is the Hessian's diagonal where it has nothing else."""
    adjoints = _adjoints_along(f, point, [ball(1)] * len(point.x))
    return [coefficient(w, 0) / coefficient(w, 1) for w in adjoints]


def _taylor(f: Any, point: Inputs) -> list[Any]:
    """All coefficients of f at x + t v."""
    from flint import ctx

    ctx.cap = 1 + TAYLOR_ORDER  # the caller's `precision` puts it back
    y = along(f, point, {i: lift(v).v for i, v in enumerate(point.given[0])})
    return [coefficient(y, k) for k in range(1 + TAYLOR_ORDER)]


def _adjoints_along(f: Any, point: Inputs, direction: list[Any]) -> list[Any]:
    tape = point.tape()
    moved = [line(v, d) for v, d in zip(point.x, direction, strict=True)]
    y = lift(f([tape.variable(v) for v in moved], *point.data))
    return tape.adjoints(y, len(point.x))


_SCALAR_VALUED: dict[Operator, Callable[[Any, Inputs], list[Any]]] = {
    Operator.VALUE: _value,
    Operator.GRADIENT: _gradient,
    Operator.VALUE_AND_GRADIENT: _value_and_gradient,
    Operator.HESSIAN: _hessian,
    Operator.HVP: _hvp,
    Operator.NEWTON_DIRECTION: _newton_direction,
    Operator.TAYLOR: _taylor,
}
_ELEMENTWISE: dict[Operator, Callable[[Any, Inputs], list[Any]]] = {
    Operator.VALUE: _values,
    Operator.DERIVATIVE: _derivatives,
}
