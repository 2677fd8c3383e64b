"""Evaluates an operator of a scalar form in ball arithmetic, at the precision in force.

Three ways, each exact up to the balls' radii: a reverse tape over balls (gradient), a reverse tape
over series in one direction after another (Hessian), and series without a tape, which need no memory
and are cheaper for few variables. The tests show that the ways agree.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from adbench.model import Form, Operator, Point
from adbench.reference.balls import ball_namespace
from adbench.reference.tape import Number, Shaker, Tape, ball, lift

__all__ = ["Inputs", "evaluate", "inputs", "perturbed"]

# Up to this many variables a gradient goes by series, one direction after another.
FEW = 4
# Above this many input numbers a Hessian of few variables leaves the tape, for memory's sake.
MANY_NUMBERS = 20_000


@dataclass(frozen=True)
class Inputs:
    """A point in ball arithmetic: floats taken exactly.

    Parameters
    ----------
    x : list of arb
    data : tuple
        Lists of Numbers for one-dimensional float arrays, object arrays of Numbers for higher ones
        (both ``a[i][j]`` and ``a[i, j]`` work there), Numbers for floats; integers stay Python's.
    factors : callable, optional
        ``factors()`` returns a function that draws 1 + d or 1 - d: what the result of each operation
        on variables is multiplied by. It draws the same in every pass, so that all passes of an
        operator differentiate the same function.
    """

    x: list[Any]
    data: tuple[Any, ...]
    factors: Callable[[], Callable[[], float]] | None = None

    def tape(self) -> Tape:
        """A tape for one pass."""
        return Tape(None if self.factors is None else self.factors())

    def variables(self, values: Sequence[Any]) -> list[Number]:
        """Variables of one pass without a tape."""
        if self.factors is None:
            return [Number(v) for v in values]
        shaker = Shaker(self.factors())
        return [shaker.variable(v) for v in values]

    @property
    def count(self) -> int:
        """How many numbers the point holds."""
        return len(self.x) + sum(int(np.size(np.asarray(d, dtype=object))) for d in self.data)


def inputs(point: Point, elements: Sequence[int] | None = None) -> Inputs:
    """The point's numbers as balls; x at `elements` only, where given."""
    from flint import arb

    x = point.x if elements is None else point.x[list(elements)]
    return Inputs([arb(v) for v in x.tolist()], tuple(_balls(d, lift) for d in point.data))


def perturbed(point: Inputs, step: float, shake: float, seed: int) -> Inputs:
    """Every float times 1 + step or 1 - step, and every operation's result times 1 + shake or
    1 - shake, signs from `seed`; seed 0: all plus, and operations are left alone.
    """
    draw = _draws(step, seed) if seed else lambda: 1 + step

    def moved(v: Any) -> Any:
        return v * draw()

    return Inputs(
        [moved(v) for v in point.x],
        tuple(_balls(d, lambda n: Number(moved(n.v))) for d in point.data),
        (lambda: _draws(shake, seed + 1000)) if seed else None,
    )


def _draws(step: float, seed: int) -> Callable[[], float]:
    """A function that returns 1 + step or 1 - step, at random from `seed`."""
    signs = random.Random(seed).random
    return lambda: 1 + step if signs() < 0.5 else 1 - step


def _balls(datum: Any, convert: Callable[[Any], Any]) -> Any:
    """`datum` with `convert` applied to each of its floats (or Numbers); integers are left."""
    if isinstance(datum, np.ndarray) and datum.ndim > 1:
        return _table(datum, convert)
    if isinstance(datum, (np.ndarray, np.generic)):
        datum = datum.tolist()
    if isinstance(datum, (list, tuple)):
        return [_balls(v, convert) for v in datum]
    return convert(datum) if isinstance(datum, (float, Number)) else datum


def _table(datum: npt.NDArray[Any], convert: Callable[[Any], Any]) -> npt.NDArray[Any]:
    table = np.empty(datum.size, dtype=object)
    for i, value in enumerate(datum.ravel().tolist()):
        table[i] = _balls(value, convert)
    return table.reshape(datum.shape)


def evaluate(form: Form, operator: Operator, point: Inputs) -> list[Any]:
    """The operator's result as balls, in the order of its ravelled array.

    Raises
    ------
    NotImplementedError
        For an operator that has no certified evaluation.
    UndecidedError
        When a branch of the form cannot be decided at this precision.
    """
    f = form.build(ball_namespace())
    table = _ELEMENTWISE if form.elementwise else _SCALAR_VALUED
    if operator not in table:
        kind = "an elementwise" if form.elementwise else "a scalar-valued"
        raise NotImplementedError(
            f"no certified evaluation of '{operator.value}' of {kind} form; "
            f"there is one of {', '.join(o.value for o in table)}"
        )
    return table[operator](f, point)


def _value(f: Any, point: Inputs) -> list[Any]:
    return [ball(lift(f(point.variables(point.x), *point.data)).v)]


def _values(f: Any, point: Inputs) -> list[Any]:
    return [ball(lift(f(*point.variables([v]), *point.data)).v) for v in point.x]


def _derivatives(f: Any, point: Inputs) -> list[Any]:
    return [_coefficient(f(*point.variables([_line(v)]), *point.data), 1) for v in point.x]


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
    passes = [_along(f, point, (i,)) for i in range(len(point.x))]
    return [_coefficient(passes[0], 0), *(_coefficient(y, 1) for y in passes)]


def _hessian(f: Any, point: Inputs) -> list[Any]:
    series = len(point.x) <= FEW and point.count > MANY_NUMBERS
    return (hessian_by_series if series else hessian_by_tape)(f, point)


def hessian_by_tape(f: Any, point: Inputs) -> list[Any]:
    """One row a direction: coefficient t of the adjoints of f at x + t e_i."""
    n = len(point.x)
    rows: list[Any] = []
    for i in range(n):
        tape = point.tape()
        y = lift(f([tape.variable(v) for v in _moved(point.x, (i,))], *point.data))
        rows.extend(_coefficient(w, 1) for w in tape.adjoints(y, n))
    return rows


def hessian_by_series(f: Any, point: Inputs) -> list[Any]:
    """Coefficients t^2 of f along e_i and along e_i + e_j, which is (H_ii + 2 H_ij + H_jj) / 2."""
    from flint import ctx

    n = len(point.x)
    ctx.cap = 3  # the caller's `precision` puts it back
    diagonal = [_coefficient(_along(f, point, (i,)), 2) for i in range(n)]
    rows = [[2 * diagonal[i] for _ in range(n)] for i in range(n)]
    for i in range(n):
        for j in range(i):
            both = _coefficient(_along(f, point, (i, j)), 2)
            rows[i][j] = rows[j][i] = both - diagonal[i] - diagonal[j]
    return [v for row in rows for v in row]


def _along(f: Any, point: Inputs, direction: tuple[int, ...]) -> Any:
    return f(point.variables(_moved(point.x, direction)), *point.data)


def _moved(x: list[Any], direction: tuple[int, ...]) -> list[Any]:
    return [_line(v) if i in direction else v for i, v in enumerate(x)]


def _line(v: Any) -> Any:
    """The series v + t."""
    from flint import arb_series

    return arb_series([v, 1])


def _coefficient(y: Any, k: int) -> Any:
    """Coefficient k of a Number or of its value; plain numbers and balls are constant."""
    from flint import arb, arb_series

    v = y.v if isinstance(y, Number) else y
    if isinstance(v, arb_series):
        return v[k]
    return ball(v) if k == 0 else arb(0)


_SCALAR_VALUED: dict[Operator, Callable[[Any, Inputs], list[Any]]] = {
    Operator.VALUE: _value,
    Operator.GRADIENT: _gradient,
    Operator.VALUE_AND_GRADIENT: _value_and_gradient,
    Operator.HESSIAN: _hessian,
}
_ELEMENTWISE: dict[Operator, Callable[[Any, Inputs], list[Any]]] = {
    Operator.VALUE: _values,
    Operator.DERIVATIVE: _derivatives,
}
