"""Decides whether a method's answer is right: against the certified truth, by what was promised.

The exact promise. Element i passes when

    |error_i| <= p * 2^-52 * max(|g_i|, s_i)

where g_i is the truth, s_i its sensitivity (`truth.sensitivity`) and p the larger of 100 and half the
length of the longest chain of operations in the text (`Reference.promised_ulp`): p ulp times
max(1, kappa_i) with kappa_i = s_i / |g_i|. Said with s_i the rule needs no division and so covers elements that are
tiny or exactly 0: one that is 0 whatever the inputs (a structural zero) has s_i = 0 and must be 0; one
that is 0 by cancellation may be wrong by p ulp of what was cancelled. No element's tolerance knows
of another element: a floor of the largest element's ulp would hide a wrong small one. The only floor
is the smallest normal number, 2.2e-308, since some tools flush what is smaller to 0.

Of a method that computes in float32 the same is asked with 2^-23, its own unit, in place of 2^-52, and
with its own smallest normal number: it is as exact as its digits allow. An ill-conditioned result
then has a wide tolerance, so the whole has a limit: ||error|| <= `LEAST` * ||g||. Where float32 has not even
that many digits left, its answer is wrong.

An inexact promise, rtol, of finite differences. Element i passes when

    |error_i| <= max(rtol * max(|g_i|, share_i), what an exact method may be wrong by)

where share_i is the root mean square of w_j g_j over all derivatives j of the result, divided by w_i,
and w = max(|x|, 1) for a gradient, the product of two for a Hessian: the steps of differences are in
proportion to w. A difference takes its small elements from the same rounded values of f as its large
ones, over steps w apart; so what it owes is the same fraction of w_i g_i for each, and an element far
below its share cannot be held to its own digits. What is left untested is exactly that: an element
smaller than rtol * share_i might as well be 0 or have the other sign. Values and the points of a batch
have no share in others: share_i = 0. The whole must keep the promise too:
||error|| <= max(rtol, p * 2^-52 * max(1, kappa)) * ||g||. A difference that is taken across a
bifurcation breaks its promise, and is told so.

A large result is known by 64 elements and by 8 sums of all elements with random signs (`sample`). An
exact method may be wrong in a sum by p * 2^-52 times the size that such a sum has (the root of the
sum of squares, by the 64 elements, or what the probes moved it by, or the sum itself); an inexact one
by `SUMS_SAFETY` times the sum of all that its elements may be wrong by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from adbench.model import Floats, Outcome
from adbench.reference.accuracy import Accuracy, accuracy, errors
from adbench.reference.record import Reference, norm

__all__ = ["Verdict", "inexact_tolerance", "judge", "tolerance"]

# What is left to float32 where its condition leaves it nothing: an answer with two digits.
LEAST = 0.01
# Errors of differences may add up in a sum; what their elements owe is known of 64 of them only.
SUMS_SAFETY = 4.0
ULP = 2.0**-52  # of 1: at least the spacing of floats near any number, relative to it


@dataclass(frozen=True)
class Verdict:
    """What the judge says of an answer.

    Parameters
    ----------
    outcome : Outcome
        OK, WRONG, NAN, or FAILED for something that is no array of the right shape.
    message : str
        Empty when OK; else what was found and what was promised, in plain words.
    accuracy : Accuracy or None
        The errors; None where there is no finite answer to measure.
    """

    outcome: Outcome
    message: str
    accuracy: Accuracy | None


def judge(
    result: Any, reference: Reference, rtol: float | None = None, dtype: str = "float64"
) -> Verdict:
    """The verdict on `result`, promised exactly (`rtol` None) or to `rtol` of each element and the norm.

    Parameters
    ----------
    dtype : {"float64", "float32"}
        What an exact method computed in.

    Raises
    ------
    ValueError
        When `rtol` does not lie between 0 and 1.
    """
    unit = float(np.finfo(dtype).eps)
    if rtol is not None and not 0.0 < rtol < 1.0:
        raise ValueError(f"rtol is {rtol}: a promise lies between 0 and 1; None promises exactness")
    found = _floats(result)
    if isinstance(found, str):
        return Verdict(Outcome.FAILED, found, None)
    if found.shape != reference.shape:
        message = f"the answer has shape {found.shape}, the function's result has {reference.shape}"
        return Verdict(Outcome.FAILED, message, None)
    # the whole answer, not the sample alone: problems are finite at all of their points
    bad = np.flatnonzero(~np.isfinite(found))
    if bad.size:
        return Verdict(Outcome.NAN, _not_finite(found, bad), None)
    figures = accuracy(found, reference)
    if rtol is None:
        message = _exact(found, reference, dtype)
        if not message and unit > ULP:
            message = _limited(figures)
    else:
        message = _inexact(found, reference, rtol) or _norms(figures, reference, rtol)
    message = message or _sums(found, reference, rtol, unit)
    return Verdict(Outcome.WRONG if message else Outcome.OK, message, figures)


def tolerance(reference: Reference, dtype: str = "float64") -> Floats:
    """What each certified element may be wrong by under the exact promise, shape (k,)."""
    kept = np.finfo(dtype)
    with np.errstate(over="ignore"):
        size = np.maximum(np.abs(reference.hi), reference.sensitivity)
        scale = reference.promised_ulp * float(kept.eps) * size
    return np.maximum(scale, float(kept.tiny))


def inexact_tolerance(reference: Reference, rtol: float) -> Floats:
    """What each certified element may be wrong by under the promise `rtol`, shape (k,)."""
    size = np.maximum(np.abs(reference.hi), _shares(reference))
    return np.maximum(rtol * size, tolerance(reference))


def _shares(reference: Reference) -> Floats:
    """Root mean square of the derivatives in steps of their variables, in each one's own unit."""
    w = reference.weights
    joint = np.zeros(w.shape, dtype=bool) if reference.pointwise else w > 0.0
    with np.errstate(over="ignore"):
        scaled = (reference.hi * w)[joint]
        mean = norm(scaled) / max(1, scaled.size) ** 0.5
        shares: Floats = np.divide(mean, w, out=np.zeros_like(w), where=joint)
    return shares


def _floats(result: Any) -> npt.NDArray[np.float64] | str:
    try:
        array = np.asarray(result)
    except (TypeError, ValueError) as error:
        return f"the answer is no array of numbers: {error}"
    if array.dtype.kind not in "fiu":
        return f"the answer holds {array.dtype}, not real numbers"
    return array.astype(np.float64)


def _not_finite(found: Floats, bad: npt.NDArray[np.intp]) -> str:
    value = float(np.ravel(found)[bad[0]])
    return (
        f"{bad.size} of {found.size} numbers are not finite (the first is {value} at "
        f"{_place(int(bad[0]), found.shape)}); the certified values are finite"
    )


def _place(flat: int, shape: tuple[int, ...]) -> str:
    index = [int(i) for i in np.unravel_index(flat, shape)]
    return f"element [{', '.join(map(str, index))}]" if index else "the value"


def _exact(found: Floats, reference: Reference, dtype: str) -> str:
    def promise(worst: int, allowed: float, truth: float) -> str:
        kappa = max(1.0, float(reference.kappas[worst]))
        return (
            f"{_relative(allowed, truth)} is promised ({reference.promised_ulp:.6g} ulp{of} times its condition "
            f"number, {kappa:.3g})"
        )

    of = "" if dtype == "float64" else f" of {dtype}"
    return _worst(found, reference, tolerance(reference, dtype), promise)


def _limited(figures: Accuracy) -> str:
    """Empty, or that nothing worth the name is left of the answer."""
    if figures.error_rel <= LEAST:
        return ""
    return (
        f"the error's norm is {figures.error_rel:.2g} of the result's norm, more than the {LEAST:g} that "
        f"is the least asked of fewer digits (condition number {figures.kappa:.3g})"
    )


def _inexact(found: Floats, reference: Reference, rtol: float) -> str:
    def promise(worst: int, allowed: float, truth: float) -> str:
        return f"{allowed:.2g} is promised ({rtol:.2g} of its own size, or of its share)"

    return _worst(found, reference, inexact_tolerance(reference, rtol), promise)


def _worst(
    found: Floats,
    reference: Reference,
    allowed: Floats,
    promise: Callable[[int, float, float], str],
) -> str:
    """Empty, or what is wrong with the worst element."""
    e = np.abs(errors(found, reference))
    wrong = np.flatnonzero(~(e <= allowed))
    if not wrong.size:
        return ""
    with np.errstate(over="ignore"):
        worst = int(wrong[np.argmax(e[wrong] / allowed[wrong])])
    flat = worst if reference.elements is None else reference.elements[worst]
    value, truth = float(reference.gather(found)[worst]), float(reference.hi[worst])
    return (
        f"{wrong.size} of {e.size} certified numbers are wrong; the worst, "
        f"{_place(flat, reference.shape)}, is {value!r} and should be {truth!r}: "
        f"an error of {_relative(e[worst], truth)}, where "
        f"{promise(worst, float(allowed[worst]), truth)}"
    )


def _sums(found: Floats, reference: Reference, rtol: float | None, unit: float) -> str:
    """Empty, or what is wrong with the sums of all elements."""
    if reference.sample is None or not reference.sums_hi.size:
        return ""
    error = (reference.sample.summed(np.ravel(found)) - reference.sums_hi) - reference.sums_lo
    allowed = reference.promised_ulp * unit * reference.sums_size
    if rtol is not None:
        owed = np.maximum(np.abs(reference.hi), _shares(reference))
        total = float(np.mean(owed)) * reference.sample.size
        allowed = np.maximum(allowed, SUMS_SAFETY * rtol * total)
    wrong = np.flatnonzero(~(np.abs(error) <= allowed))
    if not wrong.size:
        return ""
    worst = int(wrong[np.argmax(np.abs(error[wrong]) / allowed[wrong])])
    return (
        f"the certified elements are right, but {wrong.size} of {error.size} signed sums of all "
        f"{reference.sample.size} elements are wrong; the worst by {abs(float(error[worst])):.2g}, "
        f"where {float(allowed[worst]):.2g} is promised"
    )


def _relative(error: float, truth: float) -> str:
    if truth == 0.0:
        return f"{error:.2g}"
    with np.errstate(over="ignore"):
        relative = float(np.divide(error, abs(truth)))
    return f"{relative:.2g} relative ({relative / ULP:.2g} ulp)"


def _norms(figures: Accuracy, reference: Reference, rtol: float) -> str:
    whole = norm(reference.hi)
    unit = norm(reference.sensitivity) if whole == 0.0 else max(1.0, figures.kappa)
    allowed = max(rtol, reference.promised_ulp * ULP * unit)
    if figures.error_rel <= allowed:
        return ""
    return (
        f"the error's norm is {figures.error_rel:.2g} of the result's norm, "
        f"where {allowed:.2g} is promised"
    )
