"""Certifies results: raises the precision of ball arithmetic until every element is known.

Floats of the point, and Python float literals in the form, are taken as the exact numbers that they
are; so the truth is that of the text at these doubles, not of the decimals someone meant. Every
operation in which a variable, a float of the data or a function of ``m`` takes part is exact up to
its ball. Operations among literals and integers alone (``1.0 / 3.0``) are Python's own: their rounded
result is what stands in the text.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adbench.model import DIRECTED, Builder, Floats, Form, Operator, Point, Problem, Size
from adbench.reference import cache, parts, shipped, traits
from adbench.reference.balls import precision
from adbench.reference.evaluate import evaluate, evaluate_closed
from adbench.reference.inputs import Inputs, inputs, perturbed
from adbench.reference.record import Reference
from adbench.reference.sample import Sample, chosen_elements, sample_of
from adbench.reference.tape import TooLongError, UndecidedError

__all__ = ["UncertifiedError", "certified", "chosen_elements", "key_of", "reference"]

# Part of every key: raise it when anything here changes what a reference holds.
VERSION = 3
# First working precision: three limbs, so that most sums of 10 000 terms need no second try.
START_BITS = 160
CAP_BITS = START_BITS * 32
# Relative radius asked of every element, 2^-104 = 4.9e-32: hi + lo and 31 digits are then honest.
TARGET_BITS = 104
# An element whose ball holds 0 counts as 0 once the ball is 2^-400 of the largest element's size.
ZERO_BITS = 400
# Relative steps of the probes of sensitivity, far above the radii and far below any curvature: of
# inputs, and of the result of each operation (1/16 of it, see `sensitivity`).
STEP, SHAKE = 2.0**-40, 2.0**-44
PROBES, PROBES_OF_BIG, BIG = 4, 2, 100_000


class UncertifiedError(ValueError):
    """No certified reference can be given; the text says of what, why, and what to do."""


def certified(problem: Problem, size: Size, operator: Operator, point: Point) -> Reference:
    """The certified result of a problem's operator at a point of that size.

    From the problem's text, or from its closed form where the problem says so (`Problem.closed`);
    large Jacobians of problems that allow it by parts (`Problem.restrict`). Raises UncertifiedError
    as `reference` does.
    """
    if operator is Operator.VALUE_AND_GRADIENT:
        value = certified(problem, size, Operator.VALUE, point)
        return _joined(value, certified(problem, size, Operator.GRADIENT, point))
    closed = problem.exact.get(operator) if size in problem.closed else None
    found = reference(
        problem.reference,
        operator,
        point,
        closed=closed,
        restrict=problem.restrict,
        shipped_for=problem.name,
    )
    return replace(found, chain=traits.of(problem, size).chain)


def reference(
    form: Form,
    operator: Operator,
    point: Point,
    *,
    elements: Sequence[int] | None = None,
    closed: Builder | None = None,
    restrict: parts.Restrict | None = None,
    shipped_for: str = "",
) -> Reference:
    """The certified result of `operator` of the function of `form` at `point`.

    Parameters
    ----------
    form : Form
        The scalar form of a problem, or its reference form.
    operator : Operator
    point : Point
    elements : sequence of int, optional
        Elementwise forms only: certify at these flat indices. Default: all of them up to 10 000, and
        above that a fixed sample of 64 with both ends (`chosen_elements`).
    closed : callable, optional
        A closed form of the operator, to be evaluated instead of the text.
    restrict : callable, optional
        See `model.Problem`.
    shipped_for : str
        Name of the problem whose shipped references may be taken; none by default.

    Raises
    ------
    UncertifiedError
        When the form is not scalar, the operator has no certified evaluation, or the balls stay too
        wide at the highest precision: the function is singular there, or a branch is undecidable.
    """
    _check(form, operator, elements)
    sample = sample_of(form, operator, point)
    if elements is not None:
        sample = Sample(tuple(elements), form.shape(operator, point))
    key = key_of(form, operator, point, sample, closed)
    found = cache.load(key)
    if found is None and shipped_for and (kept := shipped.load(shipped_for, key)) is not None:
        found = replace(kept, weights=_weights(operator, point, form, kept.elements))
        cache.remember(found)
    if found is None:
        found = _certified(key, form, operator, point, sample, closed, restrict)
        cache.store(found)
    return replace(found, sample=sample)


def _check(form: Form, operator: Operator, elements: Sequence[int] | None) -> None:
    if form.name not in ("scalar", "reference"):
        raise UncertifiedError(
            f"a reference is certified from a problem's scalar form, not from '{form.name}': "
            "pass problem.reference"
        )
    if elements is not None and not form.elementwise:
        raise UncertifiedError(
            f"'{operator.value}' of a function of all variables is certified whole: leave `elements` out"
        )


def key_of(
    form: Form,
    operator: Operator,
    point: Point,
    sample: Sample | None,
    closed: Builder | None = None,
) -> str:
    """What a reference is stored under: all that its numbers depend on."""
    at = "all" if sample is None else ",".join(map(str, sample.elements))
    text = form.hash if closed is None else Form("reference", closed).hash
    about = [text, operator.value, point.digest(), at, str(VERSION)]
    if point.outputs is not None:
        about += [str(point.outputs), point.pattern.digest() if point.pattern else "dense"]
    if operator in DIRECTED:
        about.append(str(point.seed))
    return hashlib.sha256("|".join(about).encode()).hexdigest()


@dataclass(frozen=True)
class Task:
    """Numbers to be certified together: how they are evaluated, where, with how many probes."""

    run: Callable[[Inputs], list[Any]]
    centre: Inputs
    probes: int


def _certified(
    key: str,
    form: Form,
    operator: Operator,
    point: Point,
    sample: Sample | None,
    closed: Builder | None,
    restrict: parts.Restrict | None,
) -> Reference:
    tasks = _tasks(form, operator, point, sample, closed, restrict)
    hi, lo, moves, most = [], [], [], 0
    for task in tasks:
        balls, bits = raised(task.run, task.centre, pointwise=form.elementwise > 0)
        with precision(bits):
            pair = _pairs(balls, operator)
            moves.append(sensitivity(task, balls, bits))
        hi.append(pair[0])
        lo.append(pair[1])
        most = max(most, bits)
    numbers = [np.concatenate(p) for p in (hi, lo, moves)]
    count = len(numbers[0]) - (sample.sums if sample else 0)
    elements = None if sample is None else sample.elements
    return Reference(
        key=key,
        shape=form.shape(operator, point),
        hi=numbers[0][:count],
        lo=numbers[1][:count],
        sensitivity=numbers[2][:count],
        bits=most,
        pointwise=form.elementwise > 0,
        elements=elements,
        weights=_weights(operator, point, form, elements),
        sums_hi=numbers[0][count:],
        sums_lo=numbers[1][count:],
        sums_sensitivity=numbers[2][count:],
    )


def _tasks(
    form: Form,
    operator: Operator,
    point: Point,
    sample: Sample | None,
    closed: Builder | None,
    restrict: parts.Restrict | None,
) -> list[Task]:
    if sample is not None and restrict is not None and operator in parts.OPERATORS:
        small, run, summed = parts.divided(form, operator, point, sample, restrict)
        # the sums of so much get no probes: what their elements say of rounding is enough
        return [_task(run, small), Task(summed, inputs(point, form, operator), 0)]
    elements = sample.elements if sample is not None and form.elementwise else None
    centre = inputs(point, form, operator, elements)
    if closed is not None:
        return [_task(lambda at: evaluate_closed(closed, at, sample), centre)]
    return [
        _task(lambda at: evaluate(form, operator, at, sample, point.outputs, point.pattern), centre)
    ]


def _task(run: Callable[[Inputs], list[Any]], centre: Inputs) -> Task:
    return Task(run, centre, PROBES_OF_BIG if centre.count > BIG else PROBES)


def _joined(value: Reference, gradient: Reference) -> Reference:
    """The reference of a value and its gradient, from one of each."""
    elements, sample = None, None
    if gradient.elements is not None:
        elements = (0, *(1 + e for e in gradient.elements))
        assert gradient.sample is not None
        sample = Sample(elements, (1 + gradient.shape[0],), gradient.sample.sums, first=1)

    def both(name: str) -> Floats:
        return np.concatenate([getattr(value, name), getattr(gradient, name)])

    return replace(
        gradient,
        key=f"{value.key}+{gradient.key}",
        shape=(1 + gradient.shape[0],),
        hi=both("hi"),
        lo=both("lo"),
        sensitivity=both("sensitivity"),
        bits=max(value.bits, gradient.bits),
        elements=elements,
        weights=np.concatenate([[0.0], gradient.weights]),
        sample=sample,
    )


def _weights(
    operator: Operator, point: Point, form: Form, elements: tuple[int, ...] | None
) -> Floats:
    """The weights of a reference's elements: see `Reference`."""
    shape = form.shape(operator, point)
    w = np.maximum(np.abs(point.x), 1.0)
    ones = np.ones(shape)
    by_operator: dict[Operator, Floats] = {
        Operator.GRADIENT: w,
        Operator.VALUE_AND_GRADIENT: np.concatenate([[0.0], w]),
        Operator.HESSIAN: np.outer(w, w) if operator is Operator.HESSIAN else w,
        Operator.HVP: w,
        Operator.VALUE: 0.0 * ones,
        Operator.TAYLOR: 0.0 * ones,
    }
    all_of_them = by_operator.get(operator, ones)
    if operator is Operator.JACOBIAN:
        sparse = point.pattern is not None
        all_of_them = w[point.pattern.columns] if sparse else ones * w  # type: ignore[union-attr]
    flat = np.ravel(all_of_them)
    return flat if elements is None else flat[list(elements)]


def raised(
    run: Callable[[Inputs], list[Any]],
    point: Inputs,
    bits: int = START_BITS,
    *,
    pointwise: bool = False,
) -> tuple[list[Any], int]:
    """The result's balls, narrow enough, and the precision that took: doubled until it suffices.

    Narrow enough: the radius is at most 2^-104 of the element. A ball that holds 0 is taken further,
    until it leaves 0 or lies within 2^-400 of the largest element (never for elementwise forms, whose
    elements know nothing of each other); it then counts as 0. At the highest precision 2^-104 of the
    largest element is enough for that.
    """
    why = ""
    while bits <= CAP_BITS:
        with precision(bits):
            try:
                balls = run(point)
            except (NotImplementedError, TooLongError) as error:
                raise UncertifiedError(str(error)) from error
            except (UndecidedError, ValueError, ZeroDivisionError) as error:
                # flint raises ValueError where a series is divided by a ball around 0
                why = f"{type(error).__name__}: {error}"
            else:
                why = _fault(balls, bits, pointwise)
                if not why:
                    return balls, bits
        bits *= 2
    raise UncertifiedError(
        f"no certified result at this point with {CAP_BITS} bits: {why}. "
        "Move the point away from singularities and ties of the function."
    )


def _fault(balls: list[Any], bits: int, pointwise: bool) -> str:
    """What keeps the balls from being a reference; empty when nothing does."""
    from flint import arb

    zero_bits = TARGET_BITS if 2 * bits > CAP_BITS else None if pointwise else ZERO_BITS
    largest = max((abs(b).mid() for b in balls if b.is_finite()), default=arb(0))
    for i, b in enumerate(balls):
        if not b.is_finite():
            return f"element {i} is not finite"
        if b.rel_accuracy_bits() >= TARGET_BITS:
            continue
        small = zero_bits is not None and b.contains(0) and abs(b) <= largest * arb(2) ** -zero_bits
        if not small:
            return f"element {i} is {b.str(10)}, too wide"
    return ""


def _pairs(balls: list[Any], operator: Operator) -> tuple[Floats, Floats]:
    """Nearest doubles of the midpoints, and of what they leave."""
    hi, lo = np.empty(len(balls)), np.empty(len(balls))
    for i, b in enumerate(balls):
        middle = b.mid() if b.rel_accuracy_bits() >= TARGET_BITS else b * 0
        first = float(middle)
        # adding what is left rounds to nearest, however flint itself rounds
        hi[i] = first + float(middle - first) if math.isfinite(first) else first
        if not math.isfinite(hi[i]):
            raise UncertifiedError(
                f"element {i} of '{operator.value}' is {b.str(10)}, beyond the range of float64"
            )
        lo[i] = float(middle - float(hi[i]))
    return hi, lo


def sensitivity(task: Task, balls: list[Any], bits: int) -> Floats:
    """s_i = max over probes |g_i(moved) - g_i| / h, with h = 2^-40.

    A probe multiplies every variable and every float of the data by 1 + h or 1 - h: all plus first,
    then random signs from fixed seeds (four probes; two when the point holds more than 100 000
    numbers, where a probe costs as much as the reference). s_i / |g_i| estimates the condition number
    with respect to relative errors of single inputs.

    Random probes also multiply the result of every operation on variables by 1 + h/16 or 1 - h/16.
    Inputs alone say too little of a long loop: the logistic map beside a bifurcation forgets what
    moves it the same way in each step, but not the rounding of each step. With 100 ulp promised for
    inputs this amounts to 6 ulp an operation: room for tools that do more operations than the text.

    A probe that cannot be certified, because it left the function's domain, tells nothing and is
    left out.
    """
    moves = np.zeros(len(balls))
    for probe in range(task.probes):
        try:
            there, _ = raised(task.run, perturbed(task.centre, STEP, SHAKE, probe), bits)
        except UncertifiedError:
            continue
        for i, (a, b) in enumerate(zip(there, balls, strict=True)):
            moves[i] = max(moves[i], float(abs(a.mid() - b.mid()).mid()) / STEP)
    return moves
