"""A point in ball arithmetic, as it is and moved a little; knows no operator."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from adbench.model import Form, Operator, Point, given
from adbench.reference.tape import Number, Shaker, Tape, lift

__all__ = ["Inputs", "inputs", "perturbed"]


@dataclass(frozen=True)
class Inputs:
    """A point in ball arithmetic: floats taken exactly.

    Parameters
    ----------
    x : list of arb
        The variables; of an elementwise form, the numbers of each point of interest side by side.
    data : tuple
        Lists of Numbers for one-dimensional float arrays, object arrays of Numbers for higher ones
        (both ``a[i][j]`` and ``a[i, j]`` work there), Numbers for floats; integers stay Python's.
    factors : callable, optional
        ``factors()`` returns a function that draws 1 + d or 1 - d: what the result of each operation
        on variables is multiplied by. It draws the same in every pass, so that all passes of an
        operator differentiate the same function.
    which : tuple of int
        Of an elementwise form: for each point of interest, the variable to differentiate by.
    given : tuple
        What the operator takes between x and data (`model.given`), as balls like the data.
    """

    x: list[Any]
    data: tuple[Any, ...]
    factors: Callable[[], Callable[[], float]] | None = None
    which: tuple[int, ...] = ()
    given: tuple[Any, ...] = ()

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


def inputs(
    point: Point,
    form: Form | None = None,
    operator: Operator = Operator.VALUE,
    elements: Sequence[int] | None = None,
) -> Inputs:
    """The point's numbers as balls; of an elementwise form those of the results `elements` only."""
    from flint import arb

    data = tuple(_balls(d, lift) for d in point.data)
    if form is None or not form.elementwise:
        extra = tuple(_balls(d, lift) for d in given(operator, point))
        return Inputs([arb(v) for v in point.x.tolist()], data, given=extra)
    columns = point.x.reshape(form.elementwise, -1)
    points = columns.shape[1]
    if elements is None:
        elements = range(points if operator is Operator.VALUE else point.x.size)
    x = [arb(v) for e in elements for v in columns[:, e % points].tolist()]
    return Inputs(x, data, which=tuple(e // points for e in elements))


def perturbed(point: Inputs, step: float, shake: float, seed: int) -> Inputs:
    """Every float times 1 + step or 1 - step, and every operation's result times 1 + shake or
    1 - shake, signs from `seed`; seed 0: all plus, and operations are left alone.
    """
    draw = _draws(step, seed) if seed else lambda: 1 + step

    def moved(v: Any) -> Any:
        return v * draw()

    def all_moved(parts: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(_balls(d, lambda n: Number(moved(n.v))) for d in parts)

    return replace(
        point,
        x=[moved(v) for v in point.x],
        data=all_moved(point.data),
        factors=(lambda: _draws(shake, seed + 1000)) if seed else None,
        given=all_moved(point.given),
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
