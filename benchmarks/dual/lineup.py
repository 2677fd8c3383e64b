"""Which contenders each case has: the cases of `problems`, Hessians, call overhead, Python and NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import kernels
import ours
import peers
import special
from contender import Field, Maker, field_of
from problems import Problem, named, problem

__all__ = ["NAMES", "Lineup", "lineup"]

HESSIANS = (("gauss_nll", 10_000), ("histogram_nll", 1_000), ("rosenbrock", 2), ("rosenbrock", 10))


@dataclass(frozen=True)
class Lineup:
    """The contenders of a case, and numbers about it that goals need."""

    field: Field
    notes: Mapping[str, float] = field(default_factory=dict)


Build = Callable[[Mapping[str, Path], Sequence[str]], Lineup]


def lineup(name: str, libraries: Mapping[str, Path], without: Sequence[str] = ()) -> Lineup:
    """Build a case, without the contenders of these names (patterns)."""
    return NAMES[name](libraries, without)


def _gradient(function: str, size: int) -> Build:
    def build(libraries: Mapping[str, Path], without: Sequence[str]) -> Lineup:
        p = problem(function, size)
        makers: dict[str, Maker] = dict(ours.gradient_kernels(p))
        if p.array is not None:
            makers |= _c(p, libraries, "primal", "gradient")
            makers |= ours.from_python(p) | peers.gradients(p)
        notes = {"recorded": special.operations(p)} if not p.many else {}
        return Lineup(field_of(makers, "dual S", without), notes)

    return build


def _hessian(function: str, size: int) -> Build:
    def build(libraries: Mapping[str, Path], without: Sequence[str]) -> Lineup:
        p = problem(function, size)
        makers = ours.hessian_kernels(p) | _c(p, libraries, "hessian")
        makers |= ours.hessian_from_python(p) | peers.hessians(p)
        return Lineup(field_of(makers, "dual S", without))

    return build


def _c(p: Problem, libraries: Mapping[str, Path], *wanted: str) -> dict[str, Maker]:
    """C's kernels: ``C fast`` and ``C strict`` are the derivatives."""
    makers: dict[str, Maker] = {}
    for way, library in libraries.items():
        for kind in wanted:
            name = f"C primal {way}" if kind == "primal" else f"C {way}"
            makers[name] = lambda kind=kind, library=library: _c_kernel(p, library, kind)  # type: ignore[misc]
    fast = libraries["fast"]
    makers["empty kernel"] = lambda: ours.contender_of(
        p, kernels.load(fast, "empty"), 1, compare=False
    )
    return makers


def _c_kernel(p: Problem, library: Path, kind: str) -> ours.Contender:
    code = kernels.load(library, f"{p.c_name}_{kind}")
    results = p.variables**2 if kind == "hessian" else p.results
    return ours.contender_of(p, code, results, compare=kind != "primal")


def _plain(makers: Callable[[], Mapping[str, Maker]], reference: str) -> Build:
    return lambda _, without: Lineup(field_of(makers(), reference, without))


def _inside(libraries: Mapping[str, Path], without: Sequence[str]) -> Lineup:
    p = problem("rosenbrock", 2)
    return Lineup(field_of(special.inside() | _c(p, libraries, "gradient"), "C strict", without))


NAMES: dict[str, Build] = {name: _gradient(*which) for name, which in named().items()}
NAMES |= {f"{f}[{n}]/hessian": _hessian(f, n) for f, n in HESSIANS}
NAMES |= {
    "inside": _inside,
    "overhead": _plain(special.overhead, ""),
    "python": _plain(special.python, "Dual"),
}
NAMES |= {
    f"numpy:{name}": _plain(lambda name=name: special.numpy(name), "numpy dual")  # type: ignore[misc]
    for name in special.NUMPY
}
