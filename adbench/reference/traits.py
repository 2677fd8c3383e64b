"""What a function asks of a tool, counted by running its text on numbers that count.

Nothing here is typed by hand: operations, the longest chain of them, the longest loop, the special
functions and the branches come from one run of the text that certifies the truth. What that took
long is kept in ``shipped/traits.json`` (written by `nox -s references`), under the text's hash.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib import resources
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from adbench.model import ELEMENTARY, Form, Point, Problem, Size, namespace, size_text

__all__ = ["Traits", "count", "first", "of", "shipped", "traits", "words"]

SPECIAL = ("erf", "erfc", "lgamma")
LONG, MANY = 1_000, 1_000
# Points of an elementwise form that are run; the operations of all are in proportion.
POINTS = 64
FOLLOWED = 300_000


@dataclass(frozen=True)
class Traits:
    """Of one problem at one size.

    Parameters
    ----------
    variables, outputs, points : int
        Numbers of variables and of numbers that f returns; points of an elementwise form, else 1.
    operations : int
        Arithmetic operations and elementary functions whose result depends on the variables.
    chain : int
        The longest chain of such operations, each needing the one before: what no machine can do at
        the same time.
    loop : int
        How often the most frequent line of the text is run: its longest loop, or nest of loops. None
        for more than `FOLLOWED` operations, where following lines would take minutes.
    functions : tuple of str
        The elementary functions of variables.
    branches : bool
        Whether a comparison of values decides what is computed.
    nonzeros : int or None
        Structural non-zeros of a sparse Jacobian.
    """

    variables: int
    outputs: int
    points: int
    operations: int
    chain: int
    loop: int | None
    functions: tuple[str, ...]
    branches: bool
    nonzeros: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "functions": list(self.functions)}


@dataclass
class _Tally:
    operations: int = 0
    chain: int = 0
    branches: bool = False
    functions: set[str] = field(default_factory=set)


class _Counted:
    """A float that depends on the variables, and the longest chain that led to it."""

    __slots__ = ("depth", "tally", "value")
    __hash__ = None  # type: ignore[assignment]  # as for any class with its own __eq__

    def __init__(self, value: float, tally: _Tally, depth: int = 0) -> None:
        self.value = value
        self.tally = tally
        self.depth = depth

    def __abs__(self) -> Any:
        return _applied("abs", abs, self)

    def __neg__(self) -> Any:
        return _applied("", lambda v: -v, self)

    def __pos__(self) -> Any:
        return self

    def __bool__(self) -> bool:
        self.tally.branches = True
        return bool(self.value)


def _value(x: Any) -> Any:
    return x.value if isinstance(x, _Counted) else x


def _applied(name: str, function: Callable[..., Any], *operands: Any) -> Any:
    """The function of the operands, counted if any of them depends on the variables."""
    counted = [o for o in operands if isinstance(o, _Counted)]
    value = function(*map(_value, operands))
    if not counted:
        return value
    tally, depth = counted[0].tally, 1 + max(o.depth for o in counted)
    tally.operations += 1
    tally.chain = max(tally.chain, depth)
    if name:
        tally.functions.add(name)
    return _Counted(value, tally, depth)


def _operator(name: str) -> None:
    import operator

    function = getattr(operator, name)
    setattr(_Counted, f"__{name}__", lambda a, b: _applied("", function, a, b))
    setattr(_Counted, f"__r{name}__", lambda a, b: _applied("", function, b, a))


def _comparison(name: str) -> None:
    import operator

    function = getattr(operator, name)

    def compare(a: _Counted, b: Any) -> Any:
        a.tally.branches = True
        return function(a.value, _value(b))

    setattr(_Counted, f"__{name}__", compare)


for _name in ("add", "sub", "mul", "truediv", "pow"):
    _operator(_name)
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _comparison(_name)


def _words() -> ModuleType:
    def word(name: str) -> Callable[..., Any]:
        function = getattr(math, name)
        return lambda *x: _applied(name, function, *x)

    return namespace("counting", {name: word(name) for name in ELEMENTARY})


def count(form: Form, point: Point) -> Traits:
    """The traits of a scalar (or reference) form at a point, by running it.

    Takes about a microsecond an operation, and twenty more for following the loops of short ones.
    """
    data = tuple(d.tolist() if isinstance(d, np.ndarray) else d for d in point.data)
    runs, points = _runs(form, point)
    f = form.build(_words())

    def run() -> _Tally:
        tally = _Tally()
        for one in runs:
            x = [_Counted(v, tally) for v in one]
            f(*x, *data) if form.elementwise else f(x, *data)
        return tally

    tally, loop = run(), None
    if tally.operations <= FOLLOWED:
        with _loops() as lines:
            run()
        loop = max(1, -(-max(lines.values(), default=1) // len(runs)))
    return Traits(
        variables=point.x.size,
        outputs=point.outputs or points,
        points=points,
        operations=round(tally.operations * points / len(runs)),
        chain=tally.chain,
        loop=loop,
        functions=tuple(sorted(tally.functions)),
        branches=tally.branches,
        nonzeros=None if point.pattern is None else point.pattern.nnz,
    )


def _runs(form: Form, point: Point) -> tuple[list[list[float]], int]:
    """The arguments of each run, and how many points there are."""
    k = form.elementwise
    if not k:
        return [point.x.tolist()], 1
    points = point.x.size // k
    chosen = np.linspace(0, points - 1, min(points, POINTS)).astype(int)
    runs: list[list[float]] = point.x.reshape(k, -1)[:, chosen].T.tolist()
    return runs, points


@contextmanager
def _loops() -> Iterator[dict[tuple[CodeType, int], int]]:
    """Counts how often each line of the problem's own text is run."""
    lines: dict[tuple[CodeType, int], int] = {}

    def local(frame: Any, event: str, _: Any) -> Any:
        if event == "line":
            at = (frame.f_code, frame.f_lineno)
            lines[at] = lines.get(at, 0) + 1
        return local

    def enter(frame: Any, _event: str, _: Any) -> Any:
        own = frame.f_globals.get("__name__") in (__name__, "contextlib")
        return None if own else local

    saved = sys.gettrace()
    sys.settrace(enter)
    try:
        yield lines
    finally:
        sys.settrace(saved)


def traits(problem: Problem, size: Size) -> Traits | None:
    """The shipped traits of a problem at a size; None where the text has changed or is a plug-in's."""
    kept = shipped().get(problem.name, {})
    if kept.get("text") != problem.reference.hash:
        return None
    found = kept["sizes"].get(size_text(size))
    return None if found is None else Traits(**{**found, "functions": tuple(found["functions"])})


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, Any]:
    """What ``traits.json`` holds: for each problem the hash of the text, and traits by size."""
    file = resources.files("adbench.reference") / "shipped" / "traits.json"
    if not file.is_file():
        return {}
    found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def first(problem: Problem) -> Traits:
    """The traits at the first size, shipped or counted now."""
    return of(problem, problem.sizes[0])


def of(problem: Problem, size: Size) -> Traits:
    """The traits at a size, shipped or counted now, which takes as long as `count` says."""
    return traits(problem, size) or _counted(problem.reference, problem.at, size)


@lru_cache(maxsize=256)
def _counted(form: Form, at: Callable[[Any], Point], size: Size) -> Traits:
    return count(form, at(size))


def words(problem: Problem) -> frozenset[str]:
    """What a problem stresses, in the words that methods name their gaps in.

    ``special-functions`` (erf, erfc, lgamma), ``branches`` (on values), ``long-chain`` (a thousand
    operations, each needing the one before), ``many-variables`` and ``many-outputs`` (a thousand at its largest
    size), ``sparse``, ``sum-over-data``, ``nested-derivative``.
    """
    small = first(problem)
    large = traits(problem, problem.sizes[-1]) or small
    found = {
        "special-functions": bool(set(SPECIAL) & set(small.functions)),
        "branches": small.branches,
        "long-chain": large.chain >= LONG,
        "many-variables": not problem.elementwise and large.variables >= MANY,
        "many-outputs": not problem.elementwise and large.outputs >= MANY,
        "sparse": small.nonzeros is not None,
        "sum-over-data": problem.form("term") is not None,
        "nested-derivative": problem.form("reference") is not None,
    }
    return frozenset(word for word, yes in found.items() if yes)
