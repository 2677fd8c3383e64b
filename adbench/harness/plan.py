"""Which cases a run has: presets, filters, and what is decided without starting a process."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from adbench import registry
from adbench.harness.external.payloads import refusal
from adbench.harness.process import Limits
from adbench.model import (
    Case,
    Method,
    Operator,
    Outcome,
    Problem,
    Size,
    UnknownNameError,
    glob_match,
)
from adbench.reference import traits

__all__ = [
    "BEFORE_OTHERS",
    "CONTENDERS",
    "CORE",
    "GATE",
    "GATED",
    "PRESETS",
    "Missing",
    "Preset",
    "Row",
    "Stage",
    "cases",
    "decided",
    "matches",
    "preset",
    "rows",
    "stages",
    "twins",
]  # fmt: skip

# The two sides of the headline question, and the tools that `[core]` installs.
CONTENDERS = ("jax", "numba")
# The pair that is compared whichever methods are fastest.
FIXED_PAIR = ("jax-reverse", "numba-dual")
# Methods that are another one with one setting changed.
VARIANTS = ("jax-reverse-default", "numba-dual-strict")
# Methods beside the question which is fastest (another dispatch, precision or number of devices, or the
# same program from another text): quick runs leave them out, unless filters ask for them.
ASIDE = (
    "jax-aot", "jax-eager", "jax-float32", "jax-reverse-over-forward", "jax-sharded", "jax-vmap",
)  # fmt: skip
CORE = ("numpy", "dual", "autograd", "sympy", "jax", "numba", "iminuit")


@dataclass(frozen=True)
class Preset:
    """How much a run measures.

    Parameters
    ----------
    repeats, other_repeats : int
        Most fresh processes for JAX and Numba methods, and those for all others. The first chooses
        the methods that stand for JAX and Numba; with advice, later ones go to what it leaves open.
    blocks, other_blocks : int
        Most blocks of a case in one process.
    warm_s : float
        Seconds of warm-up before the blocks.
    limits : Limits
        What a case may use in one process.
    budget_s : float or None
        Seconds after which nothing new is started.
    quick : bool
        Only the quick sizes and operators of each problem, without the methods `ASIDE`.
    showcase : bool
        Only the problems that are shown in quick runs, unless filters ask for others.
    first_size : bool
        Only the first of those sizes.
    twins : str
        Which methods have a second copy beside the first (A/A), which is what the noise floor comes
        from: ``"none"``, ``"contenders"`` (one of JAX and one of Numba) or ``"all"``.
    values : int
        In how many processes f itself is measured beside its derivative.
    tools : tuple of str
        Only these tools; empty for all.
    variants : bool
        Whether methods that are another one with one setting changed are measured on every problem,
        or, unless filters ask for them, on those of quick runs alone.
    """

    name: str
    summary: str
    repeats: int
    other_repeats: int
    blocks: int
    other_blocks: int
    warm_s: float
    limits: Limits
    budget_s: float | None = None
    quick: bool = False
    showcase: bool = False
    first_size: bool = False
    twins: str = "contenders"
    values: int = 1
    tools: tuple[str, ...] = ()
    variants: bool = True

    def with_limits(self, time_s: float | None, memory_gb: float | None) -> Preset:
        """The preset with other limits for a case; None keeps its own."""
        for what, value in (("time", time_s), ("memory", memory_gb)):
            if value is not None and not 0.0 < value < math.inf:
                raise ValueError(f"a {what} limit of {value:g} is none; give a number above 0")
        memory = self.limits.memory_bytes if memory_gb is None else int(memory_gb * 1e9)
        return replace(self, limits=Limits(time_s or self.limits.time_s, memory))


_MEMORY = 4 * 10**9
PRESETS: Mapping[str, Preset] = {
    p.name: p
    for p in (
        Preset(
            "quick", "the answer in five minutes: gradients of four problems at small sizes",
            repeats=4, other_repeats=1, blocks=30, other_blocks=8, warm_s=0.03,
            limits=Limits(20.0, _MEMORY), budget_s=265.0, quick=True, showcase=True,
        ),
        Preset(
            "smoke", "every problem at its first size, by the core methods, once and without verdicts (for CI)",
            repeats=1, other_repeats=1, blocks=1, other_blocks=1, warm_s=0.0,
            limits=Limits(20.0, _MEMORY), quick=True, first_size=True, twins="none", values=0,
            tools=CORE, variants=False,
        ),
        Preset(
            "standard", "all operators and sizes, four to nine fresh processes as decisions need",
            repeats=9, other_repeats=2, blocks=60, other_blocks=20, warm_s=0.05,
            limits=Limits(60.0, _MEMORY), values=3,
        ),
        Preset(
            "full", "as standard, three processes of every method, ten minutes a case",
            repeats=9, other_repeats=3, blocks=60, other_blocks=60, warm_s=0.15,
            limits=Limits(600.0, _MEMORY), values=3,
        ),
    )
}  # fmt: skip


# Two states of the code, in every second process; two copies of one of them in the others (`Settings.base`).
GATE = replace(
    PRESETS["quick"], name="gate", summary="two states of adbench in turns", repeats=10, other_repeats=10,
    blocks=20, other_blocks=20, budget_s=None, quick=False, showcase=False, twins="all", values=0,
)  # fmt: skip
# What a gate measures unless told otherwise: one row of each kind, by a method of each tool and mode.
GATED = (
    "{gauss_nll[100],histogram_nll[1000],rosenbrock[10],kepler[1000],propagation[8]}/"
    "{gradient,derivative,jacobian}/"
    "{numpy-central,complex-step,autograd-reverse,dual-numpy,numba-dual,numba-tape,jax-forward,jax-reverse}",
)


def preset(name: str) -> Preset:
    """The preset of that name; raises UnknownNameError with the nearest one."""
    if name not in PRESETS:
        raise UnknownNameError(registry.did_you_mean("preset", name, PRESETS))
    return PRESETS[name]


@dataclass(frozen=True)
class Stage:
    """One set of fresh processes: its repeat, and whether JAX and Numba or the others take part."""

    repeat: int
    contenders: bool


# Processes of JAX and Numba that come before any other method: one that chooses and three held out,
# the first look at the comparison (docs/adr/0009).
BEFORE_OTHERS = 4


def stages(chosen: Preset) -> list[Stage]:
    """JAX and Numba first, so that a budget that runs out leaves the question answered."""
    ours = [Stage(r, True) for r in range(chosen.repeats)]
    others = [Stage(r, False) for r in range(chosen.other_repeats)]
    return [
        *ours[:BEFORE_OTHERS], *others[:1], *ours[BEFORE_OTHERS:], *others[1:],
    ]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What the methods of a comparison share, and the methods."""

    problem: Problem
    size: Size
    operator: Operator
    methods: tuple[Method, ...]

    @property
    def id(self) -> str:
        """``problem[size]/operator``."""
        return self.case(self.methods[0]).row

    def case(self, method: Method) -> Case:
        """The case of one method."""
        return Case(self.problem.name, self.size, self.operator.value, method.name)


def rows(chosen: Preset, filters: Sequence[str] = (), extra: Sequence[Method] = ()) -> list[Row]:
    """Rows of a run, all first sizes before all second ones, so that a budget is shared fairly.

    `extra` are methods that the registry does not know; every preset has them.

    Raises
    ------
    UnknownNameError
        When a filter matches no case of this preset.
    """
    found: list[tuple[int, Row]] = []
    matched: set[str] = set()
    for problem in registry.problems().values():
        if chosen.showcase and not problem.showcase and not filters:
            continue
        for rank, size, operator in _cells(problem, chosen):
            ours = _methods(chosen, problem, bool(filters))
            row = Row(problem, size, operator, (*ours, *extra))
            kept = []
            for method in row.methods:
                hits = [f for f in filters if matches(f, row.case(method))]
                matched.update(hits)
                if hits or not filters:
                    kept.append(method)
            if kept:
                found.append((rank, replace(row, methods=tuple(kept))))
    for pattern in filters:
        if pattern not in matched:
            raise UnknownNameError(_no_match(pattern, chosen, extra))
    return [row for _, row in sorted(found, key=lambda f: f[0])]


def _methods(chosen: Preset, problem: Problem, asked: bool) -> tuple[Method, ...]:
    left_out: set[str] = set()
    if not asked and not (chosen.variants or problem.showcase):
        left_out.update(VARIANTS)
    if not asked and chosen.quick:
        left_out.update(ASIDE)
    return tuple(
        m
        for m in registry.methods().values()
        if (not chosen.tools or m.tool in chosen.tools) and m.name not in left_out
    )


def _cells(problem: Problem, chosen: Preset) -> Iterable[tuple[int, Size, Operator]]:
    sizes = problem.quick if chosen.quick else problem.sizes
    for rank, size in enumerate(sizes[:1] if chosen.first_size else sizes):
        for operator in problem.quick_operators if chosen.quick else problem.operators:
            if operator not in problem.up_to or problem.offers(operator, _variables(problem, size)):
                yield rank, size, operator


def _variables(problem: Problem, size: Size) -> int:
    """As the package says; of a problem that it does not know, as its point has."""
    known = traits.traits(problem, size)
    return len(problem.at(size).x) if known is None else known.variables


def cases(filters: Sequence[str] = (), preset_name: str = "full") -> list[Case]:
    """Case ids that match any filter (all cases without one); default: every standard size."""
    chosen = rows(preset(preset_name), filters)
    return [row.case(m) for row in chosen for m in row.methods if row.operator in m.operators]


def matches(pattern: str, case: Case) -> bool:
    """Whether a filter selects a case.

    A filter with slashes is compared part by part with ``problem[size]/operator/method``, parts left
    out at the end match anything, and ``problem`` alone matches every size. A filter without a slash
    matches the problem, the problem with its size, the operator or the method. Only ``*``, ``?`` and
    ``{a,b}`` are special; brackets are literal.
    """
    sized, operator, method = case.id.split("/")
    places = [(case.problem, sized), (operator,), (method,)]
    parts = pattern.split("/")
    if len(parts) == 1:
        return any(glob_match(pattern, word) for place in places for word in place)
    if len(parts) > len(places):
        return False
    pairs = zip(parts, places, strict=False)
    return all(any(glob_match(part, word) for word in place) for part, place in pairs)


def _finds(chosen: Preset, pattern: str) -> bool:
    """Whether a filter matches any case of a preset."""
    return any(
        matches(pattern, Row(problem, size, operator, (m,)).case(m))
        for problem in registry.problems().values()
        for _, size, operator in _cells(problem, chosen)
        for m in _methods(chosen, problem, True)
    )


def _no_match(pattern: str, chosen: Preset, extra: Sequence[Method]) -> str:
    wider = [p.name for p in PRESETS.values() if p is not chosen and _finds(p, pattern)]
    if wider:
        return (
            f"filter '{pattern}' matches no case of preset '{chosen.name}', which leaves out some sizes, "
            f"operators or tools; it matches in: --preset {' or '.join(wider)}"
        )
    known = {
        *registry.problems(), *registry.methods(), *(o.value for o in Operator), *(m.name for m in extra),
    }  # fmt: skip
    words = [w for w in re.split(r"[/\[\]{},*?]+", pattern) if w and not w.isdecimal()]
    for word in words:
        near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
        if word not in known and near and near[0] != word:
            return f"filter '{pattern}' matches nothing: no '{word}'; did you mean '{near[0]}'?"
    return (
        f"filter '{pattern}' matches no case of preset '{chosen.name}'; "
        "see: adbench list cases, and --preset"
    )


Missing = Callable[[Method], str | None]


def decided(
    row: Row, method: Method, missing: Missing = registry.reason_unavailable
) -> tuple[Outcome, str] | None:
    """The outcome of a case that needs no process, with its sentence; None when it must be tried.

    `missing` says why a method cannot run where it would; by default, in this Python.
    """
    if method.mode == "external":
        refused = refusal(row.problem.name, row.operator)
        return (Outcome.UNSUPPORTED, refused) if refused else None
    if row.operator not in method.operators:
        return Outcome.UNSUPPORTED, f"{method.name} does not offer {row.operator.value}"
    if method.form(row.problem) is None:
        have = ", ".join(f.name for f in row.problem.forms)
        return (
            Outcome.UNSUPPORTED,
            f"{method.name} reads {' or '.join(method.reads)} forms; {row.problem.name} has {have}",
        )
    for trait in sorted(traits.words(row.problem) & method.gaps.keys() if method.gaps else ()):
        return Outcome.UNSUPPORTED, method.gaps[trait]
    reason = missing(method)
    return (Outcome.UNAVAILABLE, reason) if reason else None


def twins(row: Row, which: str, missing: Missing = registry.reason_unavailable) -> list[Method]:
    """The methods of a row that are measured against themselves (see `Preset`, and `decided`).

    Of each contender one that runs in this row, that of the fixed comparison if it can.
    """
    able = [m for m in row.methods if m.mode != "external" and decided(row, m, missing) is None]
    if which == "all":
        return able
    found = []
    for tool in CONTENDERS if which == "contenders" else ():
        its = [m for m in able if m.tool == tool]
        preferred = [m for m in its if m.name in FIXED_PAIR]
        found += (preferred or its)[:1]
    return found
