"""Errors of a float64 answer against a certified reference, in relative size and in ulp."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
import numpy.typing as npt

from adbench.model import Floats
from adbench.reference.record import Reference, norm

__all__ = ["Accuracy", "accuracy", "errors"]


@dataclass(frozen=True)
class Accuracy:
    """How far an answer is from the truth.

    Parameters
    ----------
    error_rel : float
        Norm of the error over the norm of the truth (Euclidean, all certified elements).
    error_ulp : float
        Norm of the error in units in the last place of the truth's norm.
    worst_rel, worst_ulp : float
        The worst element: its error over its own size, and in its own ulp.
    kappa : float
        The reference's condition number by norms.

    Notes
    -----
    The ulp of a number is the distance to the next float64 (`numpy.spacing`). Where an element is
    exactly 0 the largest element's size and ulp stand in for its own, and where all are 0, 1 does:
    so every figure is finite for a finite answer, except by overflow.
    """

    error_rel: float
    error_ulp: float
    worst_rel: float
    worst_ulp: float
    kappa: float

    def as_dict(self) -> dict[str, float]:
        """Plain floats for JSON; an infinite figure becomes the largest float64."""
        largest = float(np.finfo(np.float64).max)
        return {name: min(float(v), largest) for name, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, figures: Mapping[str, float]) -> Accuracy:
        """Inverse of `as_dict`; raises KeyError where a figure is missing."""
        return cls(**{f.name: float(figures[f.name]) for f in fields(cls)})


def errors(result: npt.ArrayLike, reference: Reference) -> Floats:
    """Result minus truth at the certified elements, ravelled; exact to about 2^-53 of itself."""
    found = reference.gather(np.asarray(result, dtype=np.float64))
    with np.errstate(over="ignore", invalid="ignore"):
        return (found - reference.hi) - reference.lo


def accuracy(result: npt.ArrayLike, reference: Reference) -> Accuracy:
    """The errors of a finite `result` of the reference's shape.

    Raises
    ------
    ValueError
        When the shapes differ, or a certified element of the result is not finite.
    """
    found = np.asarray(result, dtype=np.float64)
    if found.shape != reference.shape:
        raise ValueError(f"the result has shape {found.shape}, the reference {reference.shape}")
    if not np.all(np.isfinite(reference.gather(found))):
        raise ValueError("the result is not finite: it has no error to measure (see judge)")
    e = np.abs(errors(found, reference))
    size = _own_or_largest(np.abs(reference.hi))
    whole = norm(reference.hi) or 1.0
    with np.errstate(over="ignore"):
        return Accuracy(
            error_rel=norm(e) / whole,
            error_ulp=norm(e) / float(np.spacing(whole)),
            worst_rel=float(np.max(e / size, initial=0.0)),
            worst_ulp=float(np.max(e / np.spacing(size), initial=0.0)),
            kappa=_finite(reference.kappa),
        )


def _own_or_largest(size: Floats) -> Floats:
    largest = float(np.max(size, initial=0.0)) or 1.0
    return np.where(size == 0.0, largest, size)


def _finite(kappa: float) -> float:
    return kappa if math.isfinite(kappa) else float(np.finfo(np.float64).max)
