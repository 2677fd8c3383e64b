"""What takes part in a comparison: a way to run it, what it computes, and why it could not be made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import numpy.typing as npt
from timing import Run

__all__ = ["Contender", "Field", "Maker", "field_of", "unavailable"]

Maker = Callable[[], "Contender"]


@dataclass(frozen=True)
class Contender:
    """One way to compute.

    Attributes
    ----------
    run : callable
        ``run(count)``.
    result : callable, optional
        The derivatives it computes, flat, to be compared with the others'; None: not compared.
    rtol : float
        Largest difference allowed, relative to the norm of the reference.
    """

    run: Run
    result: Callable[[], npt.ArrayLike] | None = None
    rtol: float = 1e-9


@dataclass(frozen=True)
class Field:
    """The contenders of a case that could be made, verified, and the reasons why others could not."""

    ready: dict[str, Contender] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def field_of(makers: Mapping[str, Maker], reference: str, without: Sequence[str] = ()) -> Field:
    """Make all but those with a name in `without` (patterns); keep those that agree with the reference.

    Where the reference is missing, the first that has a result takes its place.
    """
    found = Field()
    for name, make in makers.items():
        if any(fnmatchcase(name, pattern) for pattern in without):
            continue
        try:
            found.ready[name] = make()
        except Exception as error:  # any tool may fail in any way; the reason goes into the table
            found.missing[name] = _reason(error)
    truth = _truth(found, reference)
    for name, contender in list(found.ready.items()):
        wrong = None if truth is None else _difference(contender, truth)
        if wrong is not None:
            found.missing[name] = wrong
            del found.ready[name]
    return found


def _truth(found: Field, reference: str) -> npt.NDArray[np.float64] | None:
    telling = {name: c for name, c in found.ready.items() if c.result is not None}
    contender = telling.get(reference) or next(iter(telling.values()), None)
    if contender is None or contender.result is None:
        return None
    return np.ravel(np.asarray(contender.result(), dtype=np.float64))


def _difference(contender: Contender, truth: npt.NDArray[np.float64]) -> str | None:
    """A sentence when the contender computes something else."""
    if contender.result is None:
        return None
    try:
        seen = np.ravel(np.asarray(contender.result(), dtype=np.float64))
    except Exception as error:
        return _reason(error)
    if seen.shape != truth.shape:
        return f"wrong: {seen.size} derivatives, the reference has {truth.size}"
    error = np.linalg.norm(seen - truth) / max(np.linalg.norm(truth), 1e-300)
    return None if error <= contender.rtol else f"wrong: relative difference {error:.1e}"


def _reason(error: BaseException) -> str:
    """The first line that says something: Numba begins with where it was."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("Failed in", "During", "File"))]
    return f"{type(error).__name__}: {(telling or lines or [''])[0]}"[:160]


def unavailable(reason: str) -> Any:
    """A maker that says why there is nothing to make."""

    def make() -> Contender:
        raise NotImplementedError(reason)

    return make
