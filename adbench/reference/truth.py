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
from collections.abc import Sequence
from typing import Any

import numpy as np

from adbench.model import Floats, Form, Operator, Point
from adbench.reference import cache
from adbench.reference.balls import precision
from adbench.reference.evaluate import Inputs, evaluate, inputs, perturbed
from adbench.reference.record import Reference
from adbench.reference.tape import UndecidedError

__all__ = ["UncertifiedError", "chosen_elements", "reference"]

# Part of every key: raise it when anything here changes what a reference holds.
VERSION = 2
# First working precision: three limbs, so that most sums of 10 000 terms need no second try.
START_BITS = 160
CAP_BITS = START_BITS * 32
# Relative radius asked of every element, 2^-104 = 4.9e-32: hi + lo and 31 digits are then honest.
TARGET_BITS = 104
# An element whose ball holds 0 counts as 0 once the ball is 2^-400 of the largest element's size.
ZERO_BITS = 400
# Elementwise batches above this many numbers are certified at a sample.
SAMPLE_ABOVE, SAMPLE_SIZE = 10_000, 64
# Relative steps of the probes of sensitivity, far above the radii and far below any curvature: of
# inputs, and of the result of each operation (1/16 of it, see `sensitivity`).
STEP, SHAKE = 2.0**-40, 2.0**-44
PROBES, PROBES_OF_BIG, BIG = 4, 2, 100_000


class UncertifiedError(ValueError):
    """No certified reference can be given; the text says of what, why, and what to do."""


def reference(
    form: Form, operator: Operator, point: Point, *, elements: Sequence[int] | None = None
) -> Reference:
    """The certified result of `operator` of the function of `form` at `point`.

    Parameters
    ----------
    form : Form
        The scalar form of a problem.
    operator : Operator
    point : Point
    elements : sequence of int, optional
        Elementwise forms only: certify at these points. Default: all of them up to 10 000, and
        above that a fixed sample of 64 with both ends (`chosen_elements`).

    Raises
    ------
    UncertifiedError
        When the form is not scalar, the operator has no certified evaluation, or the balls stay too
        wide at the highest precision: the function is singular there, or a branch is undecidable.
    """
    _check(form, operator, elements)
    n = len(point.x)
    if elements is None and form.elementwise and n > SAMPLE_ABOVE:
        elements = chosen_elements(n)
    key = _key(form, operator, point, elements)
    found = cache.load(key)
    if found is None:
        found = _certified(key, form, operator, point, elements)
        cache.store(found)
    return found


def chosen_elements(n: int) -> tuple[int, ...]:
    """64 of n indices: four at each end, where vector code has its rests, and a fixed scatter."""
    inner = np.random.default_rng(64).choice(n - 8, size=SAMPLE_SIZE - 8, replace=False) + 4
    return tuple(sorted([*range(4), *inner.tolist(), *range(n - 4, n)]))


def _check(form: Form, operator: Operator, elements: Sequence[int] | None) -> None:
    if form.name != "scalar":
        raise UncertifiedError(
            f"a reference is certified from a problem's scalar form, not from '{form.name}': "
            "pass problem.form('scalar')"
        )
    if elements is not None and not form.elementwise:
        raise UncertifiedError(
            f"'{operator.value}' of a function of all variables is certified whole: leave `elements` out"
        )


def _key(form: Form, operator: Operator, point: Point, elements: Sequence[int] | None) -> str:
    at = "all" if elements is None else ",".join(map(str, elements))
    parts = (form.hash, operator.value, point.digest(), at, str(VERSION))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def _certified(
    key: str, form: Form, operator: Operator, point: Point, elements: Sequence[int] | None
) -> Reference:
    n = len(point.x)
    shape = operator.shape(n, (n,) if form.elementwise else ())
    centre = inputs(point, elements)
    balls, bits = raised(form, operator, centre)
    with precision(bits):
        hi, lo = _pairs(balls, operator)
        moves = sensitivity(form, operator, centre, balls, bits)
    return Reference(
        key=key,
        shape=shape,
        hi=hi,
        lo=lo,
        sensitivity=moves,
        bits=bits,
        pointwise=form.elementwise,
        elements=None if elements is None else tuple(elements),
        weights=_weights(operator, point.x, len(hi)),
    )


def _weights(operator: Operator, x: Floats, count: int) -> Floats:
    """The weights of a reference: see `Reference`."""
    w = np.maximum(np.abs(x), 1.0)
    if operator is Operator.GRADIENT:
        return w
    if operator is Operator.VALUE_AND_GRADIENT:
        return np.concatenate([[0.0], w])
    if operator is Operator.HESSIAN:
        return np.outer(w, w).ravel()
    return np.zeros(count) if operator is Operator.VALUE else np.ones(count)


def raised(
    form: Form, operator: Operator, point: Inputs, bits: int = START_BITS
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
                balls = evaluate(form, operator, point)
            except NotImplementedError as error:
                raise UncertifiedError(str(error)) from error
            except (UndecidedError, ValueError, ZeroDivisionError) as error:
                # flint raises ValueError where a series is divided by a ball around 0
                why = f"{type(error).__name__}: {error}"
            else:
                why = _fault(balls, bits, form.elementwise)
                if not why:
                    return balls, bits
        bits *= 2
    raise UncertifiedError(
        f"no certified '{operator.value}' at this point with {CAP_BITS} bits: {why}. "
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


def sensitivity(
    form: Form, operator: Operator, centre: Inputs, balls: list[Any], bits: int
) -> Floats:
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
    count = PROBES_OF_BIG if centre.count > BIG else PROBES
    for probe in range(count):
        try:
            there, _ = raised(form, operator, perturbed(centre, STEP, SHAKE, probe), bits)
        except UncertifiedError:
            continue
        for i, (a, b) in enumerate(zip(there, balls, strict=True)):
            moves[i] = max(moves[i], float(abs(a.mid() - b.mid()).mid()) / STEP)
    return moves
