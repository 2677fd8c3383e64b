r"""Differences of higher order around a function of arrays or lists; knows no form and no method.

With :math:`\Delta(c) = f(x + c h) - f(x - c h)`, a central difference of steps c h, and
:math:`s_i = \max(|x_i|, 1)`:

- fourth order, four runs a variable: :math:`(8 \Delta(1) - \Delta(2)) / 12 h` (the five-point formula;
  Abramowitz and Stegun, Handbook of Mathematical Functions, 25.3.6). For functions that vary over lengths
  of s, truncation :math:`h^4` and rounding :math:`\epsilon / h` balance at :math:`h = \epsilon^{1/5} s`;
  steps are an eighth of that, so that functions which vary over s / 64 are promised the same
  (`adbench.methods._difference`). Where f has a kink within two such steps the answer is wrong: k-means has
  points so near to two centres.
- Ridders (C. J. F. Ridders, Advances in Engineering Software 4, 1982, 75; Press et al., Numerical
  Recipes, section 5.7): :math:`\Delta(c) / 2 c h` for c = 1, 1/2, 1/4 ... is nearly a polynomial in
  :math:`c^2`, extrapolated to 0 by Neville's tableau. Each new element is held against the two that it
  was made of; the one nearest to both is the result, that distance its error. The tableau ends when
  its newest corner has moved by more than twice the least error so far (rounding has taken over), or after
  `LEVELS` rows. Steps begin at :math:`2^{-11} s`, rounded down to a power of two, so that halving them is
  exact. That is :math:`\epsilon^{1/5} s`, with which the first two rows are the best formula of fourth
  order already. Numerical Recipes begins with steps over which f changes substantially, which the caller
  has to know: they gain a digit where f is smooth, and see another f where it has jumps, kinks or chaos not
  far off (on problems of this suite larger ones broke their promise). Four runs a variable for linear functions, 8 to 14 for most. Of a vector each element has its own
  tableau; runs end when all of them have.

A sparse Jacobian takes one such difference for each colour of its columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adbench.methods._difference import along
from adbench.methods._numpy_differences import Ways, as_array, as_vector, like, steps
from adbench.methods._shared import Function, parts, propagated
from adbench.model import Floats, Operator, Pattern

FIRST_STEP, LEVELS, WORSE = 2.0**-11, 10, 2.0

# ``rule(change)``, of ``change(c) = f(x + c h) - f(x - c h)``: the derivative by c at 0.
Rule = Callable[[Callable[[float], Any]], Any]


def fourth(f: Function, k: int, pattern: Pattern | None) -> Ways:
    """The operators of differences of fourth order.

    Parameters
    ----------
    f : callable
        ``f(x, *data)``, x an array or a list; returns a number, an array or a list of numbers.
    k : int
        How many numbers an elementwise f takes at each point; else 0.
    pattern : Pattern or None
        Of a sparse Jacobian.
    """

    def five_points(change: Callable[[float], Any]) -> Any:
        return (8.0 * change(1.0) - change(2.0)) / 12.0

    return _ways(f, k, pattern, (five_points, five_points), fine_steps)


def fine_steps(x: Any) -> Floats:
    """The steps of differences of fourth order."""
    return steps(x, 1 / 5) / 8.0


def ridders(f: Function, k: int, pattern: Pattern | None) -> Ways:
    """The operators of extrapolated differences; parameters as of `fourth`."""

    def first_steps(x: Any) -> Floats:
        size = np.maximum(np.abs(np.asarray(x)), 1.0)
        powers: Floats = np.ldexp(FIRST_STEP, np.frexp(size)[1] - 1)
        return powers

    return _ways(f, k, pattern, (extrapolated, extrapolated_all), first_steps)


def _ways(
    f: Function,
    k: int,
    pattern: Pattern | None,
    rules: tuple[Rule, Rule],
    sizes: Callable[[Any], Floats],
) -> Ways:
    """Every operator by a rule for numbers and one for arrays, with the steps ``sizes(x)``."""
    number, array = rules

    def derivative(x: Floats, *data: Any) -> Floats:
        h, y, result = sizes(x), x.copy(), np.empty(len(x))
        for part in parts(k, len(x)):

            def change(c: float, part: slice = part) -> Any:
                y[part] = x[part] + c * h[part]
                above = f(y, *data)
                y[part] = x[part] - c * h[part]
                return above - f(y, *data)

            result[part] = array(change) / h[part]
            y[part] = x[part]
        return result

    def gradient(x: Any, *data: Any) -> Floats:
        y, result = x.copy(), np.empty(len(x))
        for i, h in enumerate(sizes(x).tolist()):

            def change(c: float, i: int = i, h: float = h) -> Any:
                y[i] = x[i] + c * h
                above = f(y, *data)
                y[i] = x[i] - c * h
                return above - f(y, *data)

            result[i] = number(change) / h
            y[i] = x[i]
        return result

    def across(x: Any, moves: Floats, *data: Any) -> Any:
        """The derivative by c of ``f(x + c moves)``."""
        centre = np.asarray(x)

        def change(c: float) -> Any:
            above = as_array(f(like(x, centre + c * moves), *data))
            return above - as_array(f(like(x, centre - c * moves), *data))

        return array(change)

    def jacobian(x: Any, *data: Any) -> Floats:
        h = sizes(x)
        columns = [across(x, move, *data) for move in np.diag(h)]
        return np.array([as_vector(c) for c in columns]).T / h

    def jvp(x: Any, v: Floats, *data: Any) -> Any:
        # as far as the variable that moves furthest in its own difference
        t = along(x, v / sizes(np.zeros(len(v))), 0.0)
        return across(x, t * v, *data) / t

    def entries(x: Any, *data: Any) -> Floats:
        assert pattern is not None
        h = sizes(x)
        products = [across(x, h * seed, *data) for seed in pattern.seeds]
        return pattern.from_columns(products) / h[pattern.columns]

    return {
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: gradient,
        Operator.VALUE_AND_GRADIENT: lambda x, *data: (f(x, *data), gradient(x, *data)),
        Operator.JACOBIAN: entries if pattern else jacobian,
        Operator.JVP: jvp,
        Operator.PROPAGATE: propagated(jacobian),
    }


def extrapolated(change: Callable[[float], Any]) -> Any:
    """Ridders' derivative by c at 0 of a number."""
    c, row = 1.0, [change(1.0) / 2.0]
    best, error = row[0], float("inf")
    for _ in range(LEVELS - 1):
        c /= 2.0
        newer, weight = [change(c) / (2.0 * c)], 4.0
        for old in row:
            above = newer[-1]
            finer = above + (above - old) / (weight - 1.0)
            distance = max(abs(finer - above), abs(finer - old))
            if distance <= error:
                best, error = finer, distance
            newer.append(finer)
            weight *= 4.0
        if abs(newer[-1] - row[-1]) >= WORSE * error:
            break
        row = newer
    return best


def extrapolated_all(change: Callable[[float], Any]) -> Any:
    """The same of an array; an element whose own tableau has ended keeps its result."""
    c, row = 1.0, [change(1.0) / 2.0]
    best, error = row[0], np.full(np.shape(row[0]), np.inf)
    going = np.full(np.shape(row[0]), True)
    for _ in range(LEVELS - 1):
        c /= 2.0
        newer, weight = [change(c) / (2.0 * c)], 4.0
        for old in row:
            above = newer[-1]
            finer = above + (above - old) / (weight - 1.0)
            distance = np.maximum(np.abs(finer - above), np.abs(finer - old))
            nearer = going & (distance <= error)
            best, error = np.where(nearer, finer, best), np.where(nearer, distance, error)
            newer.append(finer)
            weight *= 4.0
        going &= ~(np.abs(newer[-1] - row[-1]) >= WORSE * error)
        if not np.any(going):
            break
        row = newer
    return best
