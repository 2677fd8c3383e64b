"""The nouns of adbench; knows no tool, no clock and no file.

Everything else in the package is said in these words (see ``docs/DESIGN.md``, section 2).
"""

from __future__ import annotations

import enum
import hashlib
import inspect
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from adbench.source import normal, sources
from adbench.sparsity import Pattern

Size = int | tuple[int, ...]
Floats = npt.NDArray[np.float64]

__all__ = [
    "CONSTANTS",
    "ELEMENTARY",
    "Case",
    "Comparison",
    "Decision",
    "Floats",
    "Form",
    "Measurement",
    "Method",
    "Operator",
    "Outcome",
    "Pattern",
    "Phase",
    "Point",
    "Prepared",
    "Problem",
    "Result",
    "Size",
    "UnknownNameError",
    "elsewhere",
    "given",
    "glob_match",
    "namespace",
]


class UnknownNameError(ValueError):
    """A name or a pattern that means nothing here; its text says what was expected and what to do."""


def glob_match(pattern: str, word: str) -> bool:
    """Whether a word matches a pattern of literal text, ``*``, ``?`` and ``{a,b}``."""
    special = {"*": ".*", "?": ".", "{": "(?:", "}": ")"}
    text, depth = "", 0
    for c in pattern:
        depth += {"{": 1, "}": -1}.get(c, 0)
        text += "|" if c == "," and depth else special.get(c, re.escape(c))
    try:
        return re.fullmatch(text, word) is not None
    except re.error:
        raise UnknownNameError(
            f"filter '{pattern}': braces do not match; alternatives are written {{a,b}}, "
            "each within one part of problem/operator/method"
        ) from None


# Highest power in the result of TAYLOR.
TAYLOR_ORDER = 4


class Operator(enum.Enum):
    """What is computed of a function f; the value is the name used in case ids.

    TAYLOR: the coefficients c_0 to c_4 of f(x + t v) as a series in t, along one direction v; c_k is the
    k-th derivative divided by k!.
    """

    VALUE = "value"
    DERIVATIVE = "derivative"
    GRADIENT = "gradient"
    VALUE_AND_GRADIENT = "value_and_gradient"
    JACOBIAN = "jacobian"
    HESSIAN = "hessian"
    JVP = "jvp"
    VJP = "vjp"
    HVP = "hvp"
    NEWTON_DIRECTION = "newton_direction"
    PROPAGATE = "propagate"
    TAYLOR = "taylor"

    def shape(self, n: int, value_shape: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Shape of the decoded result for n inputs and a value of shape `value_shape`.

        A value and its gradient come as one vector, the value first, so that one array is judged.
        """
        m = math.prod(value_shape)
        shapes: dict[Operator, tuple[int, ...]] = {
            Operator.VALUE: value_shape,
            Operator.DERIVATIVE: (n,),
            Operator.GRADIENT: (n,),
            Operator.VALUE_AND_GRADIENT: (1 + n,),
            Operator.JACOBIAN: (m, n),
            Operator.HESSIAN: (n, n),
            Operator.JVP: value_shape,
            Operator.VJP: (n,),
            Operator.HVP: (n,),
            Operator.NEWTON_DIRECTION: (n,),
            Operator.PROPAGATE: (m, m),
            Operator.TAYLOR: (1 + TAYLOR_ORDER, *value_shape),
        }
        return shapes[self]


class Outcome(enum.Enum):
    """How a case ended: a label for files and a sentence for readers."""

    OK = ("ok", "agrees with the certified reference")
    WRONG = ("wrong", "the answer is further from the certified reference than the method promises")
    NAN = ("nan", "the answer holds NaN or infinity where the certified reference is finite")
    UNSUPPORTED = ("unsupported", "the tool does not offer this")
    UNAVAILABLE = ("unavailable", "the tool is not installed or not usable on this machine")
    FAILED = ("failed", "the tool raised an error, or broke the rules of the measurement")
    TIMED_OUT = ("timed out", "the time limit of a case passed, or would have")
    OUT_OF_MEMORY = ("out of memory", "the memory limit of a case passed")
    CRASHED = ("crashed", "the worker process died")

    def __init__(self, label: str, sentence: str) -> None:
        self.label = label
        self.sentence = sentence

    @classmethod
    def from_label(cls, label: str) -> Outcome:
        """The outcome of that label; raises UnknownNameError for another word."""
        for outcome in cls:
            if outcome.label == label:
                return outcome
        raise UnknownNameError(
            f"no outcome '{label}'; outcomes are {', '.join(o.label for o in cls)}"
        )

    @property
    def ran(self) -> bool:
        """Whether the case was measured, so that timings exist (only a right answer is timed)."""
        return self is Outcome.OK


class Phase(enum.Enum):
    """What a measurement timed; phases are never averaged together.

    IMPORT of the tool; PREPARE: build, trace and differentiate; COMPILE to machine code, where the
    tool lets it be separated (else part of PREPARE or FIRST); FIRST call; COLD start and WARM start:
    these three together in a process of their own that finds an empty cache of compiled code on disk,
    and in a later one that finds what it left there; STEADY calls; ROUND_TRIP
    from NumPy arrays to a NumPy array; VALUE: steady calls of f itself in the same process, by the
    same method and form.
    """

    IMPORT = "import"
    PREPARE = "prepare"
    COMPILE = "compile"
    FIRST = "first"
    COLD = "cold start"
    WARM = "warm start"
    STEADY = "steady"
    ROUND_TRIP = "round trip"
    VALUE = "value"


# The words that a scalar or array form may use of its namespace, beside arithmetic and, for arrays,
# the NumPy functions that every array tool here shares. Constants come from the namespace so that
# ball arithmetic can supply them exactly.
ELEMENTARY = (
    "exp", "expm1", "log", "log1p", "sqrt",
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2",
    "sinh", "cosh", "tanh", "erf", "erfc", "lgamma",
)  # fmt: skip
CONSTANTS: Mapping[str, float] = MappingProxyType(
    {"pi": math.pi, "sqrt2": math.sqrt(2.0), "log2pi": math.log(2.0 * math.pi)}
)


def namespace(name: str, members: Mapping[str, Any]) -> ModuleType:
    """A module object holding `members`, the constants a form may ask for, and ``zeros(n)``, n zeros
    to be filled (a list, where `members` has nothing better).

    A real module is needed: Numba types a module found in a closure, but neither a SimpleNamespace
    nor a module passed as an argument.
    """
    module = ModuleType(name)
    for key, value in {**CONSTANTS, "zeros": _zeros, **members}.items():
        setattr(module, key, value)
    return module


def _zeros(n: int) -> list[float]:
    return [0.0] * n


# What takes a direction (see `given`), and the seeds of those: of every problem, and of `elsewhere`.
DIRECTED = (Operator.JVP, Operator.HVP, Operator.VJP, Operator.TAYLOR)
DIRECTIONS, OTHER_DIRECTIONS = 27182, 27183


@dataclass(frozen=True, eq=False)
class Point:
    """Where a function is differentiated.

    Parameters
    ----------
    x : array of float64, shape (n,)
        The variables.
    data : tuple
        What f takes after x: arrays, or plain numbers; never differentiated.
    outputs : int, optional
        How many numbers f returns; None (default): one number, no vector. Elementwise functions
        leave it out.
    pattern : Pattern, optional
        Structural non-zeros of the Jacobian, if it is sparse; its results are then delivered as
        ``scipy.sparse`` matrices with this pattern.
    seed : int
        Of the directions that some operators take (see `given`).
    """

    x: Floats
    data: tuple[Any, ...] = ()
    outputs: int | None = None
    pattern: Pattern | None = None
    seed: int = DIRECTIONS

    def __post_init__(self) -> None:
        x = np.array(self.x, dtype=np.float64, ndmin=1)
        if x.ndim != 1:
            raise ValueError(f"a point's x is one-dimensional, got shape {x.shape}: ravel it")
        object.__setattr__(self, "x", _frozen(x))
        data = tuple(_frozen(np.array(d)) if isinstance(d, np.ndarray) else d for d in self.data)
        object.__setattr__(self, "data", data)
        if self.pattern is not None and self.pattern.shape != (self.outputs, len(x)):
            raise ValueError(
                f"a pattern of shape {self.pattern.shape} at a point with {self.outputs} outputs "
                f"of {len(x)} variables"
            )

    @property
    def value_shape(self) -> tuple[int, ...]:
        """Shape of f's value; not of elementwise functions, which have one number a point."""
        return () if self.outputs is None else (self.outputs,)

    def fresh(self) -> tuple[Floats, tuple[Any, ...]]:
        """Writable copies of x and data in new buffers: what `encode` starts from."""
        return self.x.copy(), tuple(d.copy() if isinstance(d, np.ndarray) else d for d in self.data)

    def digest(self) -> str:
        """SHA-256 of the bytes of x and data, with shapes and dtypes."""
        h = hashlib.sha256()
        for part in (self.x, *self.data):
            a = np.ascontiguousarray(part)
            h.update(f"{a.dtype.str}{a.shape}".encode())
            h.update(a.tobytes())
        return h.hexdigest()


def _frozen(a: npt.NDArray[Any]) -> npt.NDArray[Any]:
    a.setflags(write=False)
    return a


def elsewhere(point: Point) -> Point:
    """Another point of the same shapes: other x and other data, still in the function's domain.

    A method is prepared here and called at the real point, so that one which stores the answer is
    caught. Uniform scaling keeps order and signs; integer data (counts, indices) stay, zeros of data
    too, and a zero of x moves a little.
    """

    def scaled(d: Any) -> Any:
        if isinstance(d, np.ndarray) and d.dtype.kind == "f":
            return d * (1.0 + 2.0**-9)
        return d

    x = np.where(point.x == 0.0, 2.0**-20, point.x * (1.0 + 2.0**-8))
    data = tuple(scaled(d) for d in point.data)
    return Point(x, data, point.outputs, point.pattern, OTHER_DIRECTIONS)


def given(operator: Operator, point: Point) -> tuple[Floats, ...]:
    """What a call takes between x and data: directions and covariances, in fresh arrays.

    JVP, HVP and TAYLOR take v of shape (n,), VJP takes u of shape (m,): normal draws of one generator, v
    first. PROPAGATE takes the covariance of x, shape (n, n): s_i s_j 0.5^|i - j| with
    s_i = 0.01 (1 + |x_i|). The other operators take nothing.

    Source: ``docs/PROBLEMS.md``.
    """
    n = len(point.x)
    if operator in DIRECTED:
        draw = np.random.default_rng(point.seed)
        v = draw.standard_normal(n)
        return (v,) if operator is not Operator.VJP else (draw.standard_normal(point.outputs or 1),)
    if operator is Operator.PROPAGATE:
        s, i = 0.01 * (1.0 + np.abs(point.x)), np.arange(n)
        return (np.outer(s, s) * 0.5 ** np.abs(i[:, None] - i[None, :]),)
    return ()


Builder = Callable[[ModuleType], Callable[..., Any]]


@dataclass(frozen=True)
class Form:
    """A function text: a builder that closes over a namespace and returns f.

    ``Form("scalar", build)``: ``build(m)`` returns ``f(x, *data)`` in plain numbers and control flow.
    ``Form("array", build)``: ``build(xp)`` returns ``f(x, *data)`` in whole-array code.
    ``Form("term", build, columns)``: ``build(m)`` returns ``t(x, *datum)``, one summand of f in the
    scalar vocabulary; ``columns(*data)`` gives one array per datum, all of the same length.
    ``Form("jax", build)`` (a tool's name): what that tool's manual would have you write; its
    docstring says why, and every row shows it.

    ``Form("reference", build)``: the scalar text with its inner derivatives written out by hand,
    where it has such (``m.derivative``); certifies the truth, and no method reads it.

    f returns one number, or a vector: in the scalar vocabulary ``m.zeros(k)``, filled.

    With `elementwise` = k > 0, f is a function of k numbers at each of many points: the scalar text
    maps k numbers to one, ``f(x0, x1, *data)`` for k = 2; the array text k arrays of one shape to an
    array of that shape. A point's x holds the k arrays one after another, and the operator is
    DERIVATIVE: all first partial derivatives at every point, in the order of x.

    A hand-written derivative says with `gives` which operator its function computes.
    """

    name: str
    build: Builder
    columns: Callable[..., tuple[Any, ...]] | None = None
    elementwise: int = 0
    gives: Operator = Operator.VALUE

    def __post_init__(self) -> None:
        object.__setattr__(self, "elementwise", int(self.elementwise))  # True says 1
        if (self.name == "term") != (self.columns is not None):
            raise ValueError("a 'term' form has `columns`, and no other form has")
        if self.own and not inspect.getdoc(self.build):
            raise ValueError(
                f"the own form '{self.name}' needs a docstring that says why it exists"
            )

    @property
    def own(self) -> bool:
        """Whether this is a tool's own text rather than a shared form."""
        return self.name not in ("scalar", "array", "term", "reference")

    def shape(self, operator: Operator, point: Point) -> tuple[int, ...]:
        """Shape of an operator's result at a point; of a sparse Jacobian, its structural non-zeros."""
        n = len(point.x)
        if self.elementwise:
            return operator.shape(n, (n // self.elementwise,))
        if operator is Operator.JACOBIAN and point.pattern is not None:
            return (point.pattern.nnz,)
        return operator.shape(n, point.value_shape)

    @property
    def text(self) -> str:
        """Source of the builder and of the functions of its package that it uses, and the values of
        the constants, closed-over variables and default arguments that they use.

        Raises
        ------
        ValueError
            When such a value has no stable text, as an object shown by its address.
        """
        return "\n\n".join(sources(self.build, *([self.columns] if self.columns else [])))

    @cached_property
    def hash(self) -> str:
        """First 16 hex digits of SHA-256 of the text, comments, docstrings and layout left out."""
        return hashlib.sha256(normal(self.text).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Problem:
    """One mathematical function with its inputs and texts.

    Parameters
    ----------
    name : str
        The file name.
    summary : str
        One line for lists.
    at : callable
        ``at(size) -> Point``, deterministic.
    sizes : tuple
        Standard sizes, small first; quick runs use the first one or two.
    operators : tuple of Operator
    forms : tuple of Form
        At least one; the scalar form is what certifies the truth.
    exact : mapping of Operator to builder
        Hand-derived closed forms ``build(m) -> g(x, *data)`` in the scalar vocabulary, for
        cross-checks of the reference. They may also use ``m.matmul(a, b)``, ``m.inverse(a)`` and
        ``m.logdet(a)`` of lists of rows.
    closed : tuple
        Sizes at which a closed form certifies, because the text would take too long in balls.
    restrict : callable, optional
        ``restrict(point, outputs) -> (smaller, rows, columns)`` for functions whose outputs each
        depend on few variables: the outputs of `smaller` are the outputs `rows` of f, the given ones
        among them, as functions of ``x[columns]`` alone. Lets large Jacobians be certified by parts.
    showcase : bool
        Whether it takes part in quick runs, which have time for some problems only.
    up_to : mapping of Operator to int
        Largest number of variables at which an operator is offered (Hessians of 10 000 are not).
    quick : tuple
        Sizes of a quick run; default: the first.
    quick_operators : tuple of Operator
        Operators of a quick run; default: the gradient, or what stands for it.
    """

    name: str
    summary: str
    at: Callable[[Any], Point]
    sizes: tuple[Size, ...]
    operators: tuple[Operator, ...]
    forms: tuple[Form, ...]
    exact: Mapping[Operator, Builder] = field(default_factory=dict)
    up_to: Mapping[Operator, int] = field(default_factory=dict)
    quick: tuple[Size, ...] = ()
    quick_operators: tuple[Operator, ...] = ()
    closed: tuple[Size, ...] = ()
    restrict: Callable[[Point, Any], tuple[Point, Any, Any]] | None = None
    showcase: bool = False

    def __post_init__(self) -> None:
        _check_name("problem", self.name)
        for what in ("sizes", "operators", "forms"):
            if not getattr(self, what):
                raise ValueError(f"problem '{self.name}' has no {what}")
        if not self.quick:
            object.__setattr__(self, "quick", self.sizes[:1])
        if not self.quick_operators:
            first_choice = (Operator.GRADIENT, Operator.DERIVATIVE, Operator.JACOBIAN)
            chosen = [o for o in first_choice if o in self.operators] or list(self.operators)
            object.__setattr__(self, "quick_operators", tuple(chosen[:1]))
        names = [f.name for f in self.forms]
        if len(set(names)) < len(names):
            raise ValueError(f"problem '{self.name}' has two forms of one name: {names}")

    def point(self, size: Size) -> Point:
        """The point of a size, standard or not.

        Raises
        ------
        UnknownNameError
            When the size has another number of parts than the standard ones, or is far beyond them.
        """
        parts, largest = (_parts(size), _parts(self.sizes[-1]))
        standard = ", ".join(size_text(s) for s in self.sizes)
        what = f"{self.name}[{size_text(size)}]"
        if len(parts) != len(largest):
            raise UnknownNameError(
                f"{what}: sizes of {self.name} have {len(largest)} part(s); standard: {standard}"
            )
        if min(parts) < 1 or any(p > 10 * most for p, most in zip(parts, largest, strict=True)):
            raise UnknownNameError(
                f"{what}: a size lies between 1 and ten times the largest; standard: {standard}"
            )
        try:
            return self.at(size)
        except (ArithmeticError, IndexError, MemoryError, TypeError, ValueError) as error:
            raise UnknownNameError(f"{what} has no point: {error}; standard: {standard}") from None

    @property
    def elementwise(self) -> bool:
        """Whether f is a function of few numbers at each of many points."""
        return self.forms[0].elementwise > 0

    @property
    def reference(self) -> Form:
        """The text that certifies the truth."""
        return self.form("reference") or self.form("scalar") or self.forms[0]

    def form(self, name: str) -> Form | None:
        """The form of that name, or None."""
        return next((f for f in self.forms if f.name == name), None)

    def offers(self, operator: Operator, n: int) -> bool:
        """Whether the operator is asked for at n variables."""
        return operator in self.operators and n <= self.up_to.get(operator, n)


@dataclass(frozen=True)
class Prepared:
    """A derivative ready to be called.

    ``encode(point)`` gives the tool's own arguments in fresh buffers, ``call(*args)`` the tool's own
    result, complete when it returns, and ``decode(result)`` a float64 array of the operator's shape.
    Neither encode nor decode is part of a steady call.

    ``compile()``, where the tool lets compilation be separated, does all of it, so that the first call
    only runs; ``call`` works without it too. ``describe()``, after the first call, says what the tool
    knows of the compiled program, in bytes: any of ``code_bytes`` (machine code), ``temp_bytes``
    (scratch memory of a call), ``argument_bytes``, ``output_bytes`` and ``device_peak_bytes`` (highest
    use of an accelerator's memory by this process).
    """

    call: Callable[..., Any]
    encode: Callable[[Point], tuple[Any, ...]]
    decode: Callable[[Any], Any]
    compile: Callable[[], None] | None = None
    describe: Callable[[], Mapping[str, int]] | None = None


@dataclass(frozen=True)
class Method:
    """One tool used one way.

    Parameters
    ----------
    name, summary : str
    tool : str
        The distribution's usual name (`jax`, `numba`, `numpy`, `dual`...), the family in reports.
    mode : str
        `forward`, `reverse`, `difference`, `complex-step`, `symbolic`, `manual` (derived by hand),
        `mixed`, `none`, or `external`: a program of its own, which the harness drives and which times
        itself.
    reads : tuple of str
        Names of forms, best first.
    operators : tuple of Operator
    prepare : callable
        ``prepare(form, operator, point) -> Prepared``; imports its tool inside.
    requires : tuple of str
        Top-level modules that must be importable.
    imports : tuple of str
        Further modules that prepare needs: imported in the import phase, so that prepare is timed
        without them.
    rtol : mapping of Operator to float
        What an inexact method promises: the error of each element relative to its size, or to its
        share of the result where it is small, and of the norm relative to the norm (see
        `reference.judge`). An operator that is absent is promised exactly.
    gaps : mapping of str to str
        What a problem stresses (a word of `reference.traits.words`) -> sentence why the method cannot
        do it.
    bakes_data : bool
        Whether the tool must bake data into its code; it is then prepared at the real data.
    compiles : bool
        Whether the first call, or prepare, compiles machine code.
    own_process : bool
        Whether it sets options for its whole process that another method must not inherit; it then
        shares a process with none, in no design of the measurement.
    dtype : {"float64", "float32"}
        What it computes in. A method of fewer digits than float64 is exact to those that it has, and
        stands for its tool in no comparison.
    """

    name: str
    summary: str
    tool: str
    mode: str
    reads: tuple[str, ...]
    operators: tuple[Operator, ...]
    prepare: Callable[[Form, Operator, Point], Prepared]
    requires: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    rtol: Mapping[Operator, float] = field(default_factory=dict)
    gaps: Mapping[str, str] = field(default_factory=dict)
    bakes_data: bool = False
    compiles: bool = False
    own_process: bool = False
    dtype: str = "float64"

    def __post_init__(self) -> None:
        _check_name("method", self.name)
        if self.dtype not in DTYPES:
            raise ValueError(
                f"method '{self.name}': dtype '{self.dtype}' is none of {', '.join(DTYPES)}"
            )
        if self.mode not in MODES:
            raise ValueError(
                f"method '{self.name}': mode '{self.mode}' is none of {', '.join(MODES)}"
            )
        for what in ("reads", "operators"):
            if not getattr(self, what):
                raise ValueError(f"method '{self.name}' has no {what}")

    def form(self, problem: Problem) -> Form | None:
        """The best form of the problem that this method reads, or None."""
        return next((f for f in map(problem.form, self.reads) if f is not None), None)


MODES = (
    "forward", "reverse", "difference", "complex-step", "symbolic", "manual", "mixed", "none",
    "external",
)  # fmt: skip


DTYPES = ("float64", "float32")


def _check_name(kind: str, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
        raise ValueError(
            f"{kind} name '{name}': use lower-case letters, digits, '-' and '_', a letter first"
        )


@dataclass(frozen=True, order=True)
class Case:
    """One cell of the comparison; `id` is its only name."""

    problem: str
    size: Size
    operator: str
    method: str

    @property
    def id(self) -> str:
        """``problem[size]/operator/method``; tuple sizes are joined with x."""
        return f"{self.row}/{self.method}"

    @property
    def row(self) -> str:
        """``problem[size]/operator``: what the methods of a comparison share."""
        return f"{self.problem}[{size_text(self.size)}]/{self.operator}"

    @classmethod
    def parse(cls, text: str) -> Case:
        """The case of an id; raises UnknownNameError when the text is no case id."""
        match = re.fullmatch(r"([a-z0-9_-]+)\[(\d+(?:x\d+)*)\]/([a-z_]+)/([a-z0-9_-]+)", text)
        if "@" in text:
            raise UnknownNameError(
                f"'{text}': batches, other dtypes and devices are not measured yet; leave out what "
                "follows the '@'"
            )
        if not match:
            raise UnknownNameError(
                f"'{text}' is no case id; one looks like 'rosenbrock[10]/gradient/jax-reverse' "
                "(see: adbench list cases)"
            )
        problem, size, operator, method = match.groups()
        return cls(problem, parse_size(size), operator, method)


def _parts(size: Size) -> tuple[int, ...]:
    return size if isinstance(size, tuple) else (size,)


def size_text(size: Size) -> str:
    """``20x10`` for (20, 10), ``100`` for 100."""
    return "x".join(map(str, size)) if isinstance(size, tuple) else str(size)


def parse_size(text: str) -> Size:
    """Inverse of `size_text`."""
    numbers = tuple(int(t) for t in text.split("x"))
    return numbers if len(numbers) > 1 else numbers[0]


@dataclass(frozen=True)
class Measurement:
    """Raw samples of one phase.

    Parameters
    ----------
    phase : Phase
    wall_s, cpu_s : tuple of float
        Seconds per call, one entry a block; CPU seconds of the whole process.
    loops : tuple of int
        Calls in each block, of which the sample is the mean.
    """

    phase: Phase
    wall_s: tuple[float, ...]
    cpu_s: tuple[float, ...]
    loops: tuple[int, ...]

    def __post_init__(self) -> None:
        if not len(self.wall_s) == len(self.cpu_s) == len(self.loops):
            raise ValueError("a measurement's samples and loops differ in number")
        if not self.wall_s:
            raise ValueError(f"no samples of phase '{self.phase.value}': leave the measurement out")


@dataclass(frozen=True)
class Result:
    """What one process learnt of one case: one JSON line (see ``docs/results.md``).

    `memory` holds byte counts by name (``docs/results.md`` lists them; absent or None: not known),
    `voided` the number of blocks that were disturbed and measured again, and `shared` says whether
    the process held other methods too. `evaluations` is how often one call calls f; None where that
    was not counted, or f is not called any more.
    """

    case: Case
    repeat: int
    outcome: Outcome
    message: str = ""
    twin: bool = False
    form: str = ""
    form_hash: str = ""
    n: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()
    accuracy: Mapping[str, float] | None = None
    memory: Mapping[str, int | None] = field(default_factory=dict)
    voided: int = 0
    shared: bool = False
    evaluations: int | None = None

    def __post_init__(self) -> None:
        steady = any(m.phase is Phase.STEADY for m in self.measurements)
        if steady and not self.outcome.ran:
            raise ValueError(
                f"{self.case.id}: outcome '{self.outcome.label}' carries steady timings; "
                "a timing exists exactly when the case ran"
            )
        if self.outcome.ran and not steady:
            raise ValueError(f"{self.case.id}: the case ran, but carries no steady timing")


class Decision(enum.Enum):
    """What a comparison says of the first method against the second."""

    FASTER = "faster"
    SLOWER = "slower"
    TIE = "tie"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Comparison:
    """Two methods on one row: time of the first divided by time of the second.

    A decision other than UNDECIDED needs an interval and the machine's own noise floor. `level` is
    the coverage of the interval, `processes` how many fresh processes it rests on.
    """

    row: str
    first: str
    second: str
    ratio: float
    low: float | None
    high: float | None
    noise_floor: float | None
    decision: Decision
    level: float | None = None
    processes: int = 0

    def __post_init__(self) -> None:
        unknown = self.low is None or self.high is None or self.noise_floor is None
        if unknown and self.decision is not Decision.UNDECIDED:
            raise ValueError(f"{self.row}: a decision needs an interval and a noise floor")
