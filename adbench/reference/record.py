"""The record of a certified reference: the value to 106 bits, and how sensitive it is."""

from __future__ import annotations

import decimal
import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from adbench.model import Floats
from adbench.reference.sample import Sample

__all__ = ["LEAST_ULP", "Reference"]

# Room for a tool that orders its operations otherwise than the text, or does more of them.
LEAST_ULP = 100.0


@dataclass(frozen=True, eq=False)
class Reference:
    """The certified result of one operator of one function at one point.

    Parameters
    ----------
    key : str
        What it is stored under: a SHA-256 of form, operator, input bytes and method of certification.
    shape : tuple of int
        Shape of the whole result.
    hi, lo : array of float64, shape (k,)
        Certified elements, ravelled: the nearest doubles, and the doubles nearest to what is left.
        ``hi + lo`` is within 2^-104 of the truth, relative to each element.
    sensitivity : array of float64, shape (k,)
        s_i: how much an element moves when inputs move relatively, in its own units
        (see `truth.sensitivity`).
    bits : int
        Working precision at which the radii became small enough.
    pointwise : bool
        Whether the elements are results at points of their own (an elementwise form).
    elements : tuple of int, optional
        Flat indices of the certified elements when only a sample was certified (k of them).
    weights : array of float64, shape (k,), optional
        In proportion to what steps of finite differences are: the product of max(|x_j|, 1) over the
        variables j that an element is a derivative by, 0 for an element that is a value. Default: 1.
    sums_hi, sums_lo, sums_sensitivity : arrays of float64, shape (s,), optional
        The same three of certified sums of all elements with signs (see `sample.Sample`).
    digits : int
        How many decimals `hi` and `lo` hold together.
    sample : Sample, optional
        Which elements and sums those are; not part of the file.
    chain : int
        Longest chain of operations of the text, each needing the one before (`traits.Traits`); 0 where
        nobody counted it. Not part of the file.
    """

    key: str
    shape: tuple[int, ...]
    hi: Floats
    lo: Floats
    sensitivity: Floats
    bits: int
    pointwise: bool = False
    elements: tuple[int, ...] | None = None
    weights: Floats = field(default_factory=lambda: np.empty(0))
    sums_hi: Floats = field(default_factory=lambda: np.empty(0))
    sums_lo: Floats = field(default_factory=lambda: np.empty(0))
    sums_sensitivity: Floats = field(default_factory=lambda: np.empty(0))
    digits: int = 31
    sample: Sample | None = None
    chain: int = 0

    def __post_init__(self) -> None:
        count = math.prod(self.shape) if self.elements is None else len(self.elements)
        if self.weights.size == 0:  # no array of its own
            object.__setattr__(self, "weights", np.ones(count))
        for name in ("hi", "lo", "sensitivity", "weights"):
            array = np.array(getattr(self, name), dtype=np.float64)
            if array.shape != (count,):
                raise ValueError(f"a reference's {name} has shape {array.shape}, not ({count},)")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        for name in ("sums_hi", "sums_lo", "sums_sensitivity"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def promised_ulp(self) -> float:
        """What an exact method may be wrong by where the condition number is 1, in ulp: `LEAST_ULP`, or
        half an ulp a link of the longest chain, if that is more.

        Each operation rounds by at most half an ulp; through a chain of c of them, all rounding one
        way, an error grows to c / 2 ulp of the terms (Higham, Accuracy and Stability of Numerical
        Algorithms, 2nd ed., section 4.2, for the chain that is a sum).
        """
        return max(LEAST_ULP, self.chain / 2)

    @property
    def sums_size(self) -> Floats:
        """What errors of the sums are measured by, shape (s,): at least the size that a sum of
        elements of random signs has, each as large as the certified ones or their sensitivities.
        """
        size = np.maximum(np.abs(self.sums_hi), self.sums_sensitivity)
        if self.elements is None or not self.sums_hi.size:
            return size
        elements = np.maximum(np.abs(self.hi), self.sensitivity)
        whole: Floats = np.maximum(
            size, norm(elements) * (math.prod(self.shape) / len(elements)) ** 0.5
        )
        return whole

    @property
    def kappas(self) -> Floats:
        """Condition number of each element, s_i / |g_i|; 0 where both vanish, inf where g_i does."""
        size = np.abs(self.hi)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.sensitivity == 0.0, 0.0, self.sensitivity / size)

    @property
    def kappa(self) -> float:
        """Condition number by norms, ||s|| / ||g||; inf where g vanishes and s does not."""
        s, g = norm(self.sensitivity), norm(self.hi)
        return 0.0 if s == 0.0 else s / g if g else math.inf

    def decimals(self, digits: int = 31) -> tuple[str, ...]:
        """Certified elements as decimal strings; no more than `self.digits` are certified."""
        digits = min(digits, self.digits)
        exactly, rounded = decimal.Context(prec=1200), decimal.Context(prec=digits)
        pairs = zip(self.hi.tolist(), self.lo.tolist(), strict=True)
        return tuple(
            str(rounded.plus(exactly.add(decimal.Decimal(a), decimal.Decimal(b)))) for a, b in pairs
        )

    def scatter(self, flat: npt.ArrayLike) -> Floats:
        """A whole result with `flat` at the certified elements, and 0 at the others."""
        if self.elements is None:
            return np.array(flat, dtype=np.float64).reshape(self.shape)
        whole = np.zeros(math.prod(self.shape))
        whole[list(self.elements)] = flat
        return whole.reshape(self.shape)

    def gather(self, whole: Floats) -> Floats:
        """The certified elements of a whole result, ravelled."""
        flat = np.ravel(whole)
        return flat if self.elements is None else flat[list(self.elements)]


def norm(v: Floats) -> float:
    """Euclidean norm that neither overflows nor underflows on the way."""
    largest = float(np.max(np.abs(v), initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    scale = 2.0 ** math.floor(math.log2(largest))  # a power of 2 leaves every bit alone
    return scale * float(np.linalg.norm(v / scale))
