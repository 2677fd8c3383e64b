"""Decides whether a method's answer is right: against the certified truth, by what was promised.

The exact promise. Element i passes when

    |error_i| <= 100 * 2^-52 * max(|g_i|, s_i)

where g_i is the truth and s_i its sensitivity (`truth.sensitivity`): 100 ulp times max(1, kappa_i)
with kappa_i = s_i / |g_i|. Said with s_i the rule needs no division and so covers elements that are
tiny or exactly 0: one that is 0 whatever the inputs (a structural zero) has s_i = 0 and must be 0; one
that is 0 by cancellation may be wrong by 100 ulp of what was cancelled. No element's tolerance knows
of another element: a floor of the largest element's ulp would hide a wrong small one. The only floor
is the smallest normal number, 2.2e-308, since some tools flush what is smaller to 0.

An inexact promise, rtol. ||error|| <= max(rtol, 100 * 2^-52 * max(1, kappa)) * ||g||: what the method
says of itself, and never less than an exact method is allowed on average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from adbench.model import Floats, Outcome
from adbench.reference.accuracy import Accuracy, accuracy, errors
from adbench.reference.record import Reference, norm

__all__ = ["PROMISED_ULP", "Verdict", "judge", "tolerance"]

PROMISED_ULP = 100.0
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


def judge(result: Any, reference: Reference, rtol: float | None = None) -> Verdict:
    """The verdict on `result`, promised exactly (`rtol` None) or to the relative norm `rtol`."""
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
    message = _exact(found, reference) if rtol is None else _inexact(figures, reference, rtol)
    return Verdict(Outcome.WRONG if message else Outcome.OK, message, figures)


def tolerance(reference: Reference) -> Floats:
    """What each certified element may be wrong by under the exact promise, shape (k,)."""
    with np.errstate(over="ignore"):
        scale = PROMISED_ULP * ULP * np.maximum(np.abs(reference.hi), reference.sensitivity)
    return np.maximum(scale, np.finfo(np.float64).tiny)


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


def _exact(found: Floats, reference: Reference) -> str:
    """Empty, or what is wrong with the worst element."""
    e, allowed = np.abs(errors(found, reference)), tolerance(reference)
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
        f"an error of {_relative(e[worst], truth)}, where {_relative(allowed[worst], truth)} "
        f"is promised ({PROMISED_ULP:g} ulp times its condition number, "
        f"{max(1.0, float(reference.kappas[worst])):.3g})"
    )


def _relative(error: float, truth: float) -> str:
    if truth == 0.0:
        return f"{error:.2g}"
    with np.errstate(over="ignore"):
        relative = float(np.divide(error, abs(truth)))
    return f"{relative:.2g} relative ({relative / ULP:.2g} ulp)"


def _inexact(figures: Accuracy, reference: Reference, rtol: float) -> str:
    if not 0.0 < rtol < 1.0:
        raise ValueError(f"rtol is {rtol}: a promise lies between 0 and 1; None promises exactness")
    whole = norm(reference.hi)
    unit = norm(reference.sensitivity) if whole == 0.0 else max(1.0, figures.kappa)
    allowed = max(rtol, PROMISED_ULP * ULP * unit)
    if figures.error_rel <= allowed:
        return ""
    return (
        f"the error's norm is {figures.error_rel:.2g} of the result's norm, "
        f"where {allowed:.2g} is promised"
    )
