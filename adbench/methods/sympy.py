"""SymPy as its manual has you use it: differentiate an expression, then lambdify it to NumPy code.

A problem that is a sum over data offers one term; its derivatives are evaluated over whole columns
and summed. A scalar form without data is run on symbols, its loop unrolled; one with data would be
unrolled over the data and is refused.

SymPy's time grows with the square of the expression, and an expression doubles with each pass of a
loop that feeds on itself. A text is therefore first run on numbers that only count, and refused when
it writes out more than `MAX_OPERATIONS` operations: far beyond where SymPy's code is competitive
(Rosenbrock in 100 variables, 1 089 operations, takes 3 s to differentiate and compile; 1 000
variables would take minutes).

Numbers in a form become SymPy floats of 53 bits and are printed with 17 digits: exactly the same
doubles, where lambdify alone would round them to 15. erf and its kin come from scipy.special.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from adbench.methods._shared import OPERATORS, decode
from adbench.model import ELEMENTARY, Floats, Form, Method, Operator, Point, Prepared, namespace

MAX_OPERATIONS = 2_000


class _Count:
    """A number that knows only how many operations it takes when written out."""

    __slots__ = ("operations",)
    __hash__ = None  # type: ignore[assignment] # as for any class with its own __eq__

    def __init__(self, operations: int = 0) -> None:
        self.operations = operations

    def _more(self, *others: Any) -> _Count:
        both = sum(o.operations for o in (self, *others) if isinstance(o, _Count))
        if both >= MAX_OPERATIONS:
            raise NotImplementedError(
                f"written out, the function has more than {MAX_OPERATIONS} operations; SymPy would "
                "take minutes to differentiate and compile it"
            )
        return _Count(both + 1)

    def _branch(self, *others: Any) -> bool:
        raise NotImplementedError("SymPy cannot follow a branch or a loop that depends on a value")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _more
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __neg__ = __pos__ = __abs__ = _more
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __bool__ = _branch


def _counting_words() -> ModuleType:
    words: dict[str, Any] = dict.fromkeys(ELEMENTARY, _Count._more)
    return namespace("count", {**words, "atan2": lambda a, b: _Count()._more(a, b)})


def _words() -> ModuleType:
    """The scalar vocabulary in SymPy functions; constants stay doubles, as for every other tool."""
    import sympy
    from sympy.codegen import cfunctions

    special = {"expm1": cfunctions.expm1, "log1p": cfunctions.log1p, "lgamma": sympy.loggamma}
    words = {word: special.get(word) or getattr(sympy, word) for word in ELEMENTARY}
    return namespace("sympy", words)


def _expression(form: Form, n: int, width: int) -> tuple[Any, list[Any], list[Any]]:
    """F (or its term) as an expression, with the symbols of x and of one datum."""
    import sympy

    counts = [_Count() for _ in range(n)]
    form.build(_counting_words())(counts[0] if form.elementwise else counts, *[_Count()] * width)
    xs = [sympy.Symbol(f"x{i}", real=True) for i in range(n)]
    ds = [sympy.Symbol(f"d{i}", real=True) for i in range(width)]
    f = form.build(_words())(xs[0] if form.elementwise else xs, *ds)
    return sympy.sympify(f), xs, ds


def _entries(
    operator: Operator, f: Any, xs: Sequence[Any]
) -> tuple[list[Any], npt.NDArray[np.intp]]:
    """The distinct expressions of the result, and for each place of the result which one it is.

    Equal places of a Hessian, its many zeros among them, are so evaluated and summed once.
    """
    if operator is Operator.VALUE:
        places = [f]
    elif operator is Operator.HESSIAN:
        places = _hessian(f, xs)
    else:
        head = [f] if operator is Operator.VALUE_AND_GRADIENT else []
        places = [*head, *(f.diff(x) for x in xs)]
    number = {e: k for k, e in enumerate(dict.fromkeys(places))}
    index = np.array([number[e] for e in places], dtype=np.intp)
    return list(number), index.reshape(operator.shape(len(xs)))


def _hessian(f: Any, xs: Sequence[Any]) -> list[Any]:
    """All second derivatives, row by row; each unordered pair is derived once."""
    import sympy

    n, zero = len(xs), sympy.Integer(0)
    upper = {}
    for i, row in enumerate(f.diff(x) for x in xs):
        for j in range(i, n):
            upper[i, j] = row.diff(xs[j]) if xs[j] in row.free_symbols else zero
    return [upper[min(i, j), max(i, j)] for i in range(n) for j in range(n)]


def _compiled(arguments: Sequence[Any], expressions: Sequence[Any]) -> Callable[..., Any]:
    import scipy.special
    import sympy

    if any(e.has(sympy.DiracDelta) for e in expressions):
        raise NotImplementedError(
            "SymPy's second derivative of an absolute value holds a DiracDelta, which NumPy code lacks"
        )
    # lambdify prints SymPy's floats with their 15 digits; a double needs 17 to be read back.
    floats = {v for e in expressions for v in e.atoms(sympy.Float)}
    exact = {v: sympy.Float(v, 17) for v in floats}
    expressions = [e.xreplace(exact) for e in expressions]
    special: Any = scipy.special
    names = {"erf": special.erf, "erfc": special.erfc}
    names |= {"loggamma": special.gammaln, "polygamma": special.polygamma}
    function: Callable[..., Any] = sympy.lambdify(
        arguments, expressions, [names, "numpy"], cse=True
    )
    return function


def _elementwise(form: Form, operator: Operator) -> Prepared:
    if operator not in (Operator.VALUE, Operator.DERIVATIVE):
        raise NotImplementedError(f"'{operator.value}' of a function of one number each")
    f, xs, _ = _expression(form, 1, 0)
    function = _compiled(xs, [f if operator is Operator.VALUE else f.diff(xs[0])])

    def call(x: Floats) -> Floats:
        # An expression without x evaluates to one number: give it to every element.
        return np.broadcast_to(function(x)[0], x.shape)

    return Prepared(call, lambda point: (point.fresh()[0],), decode)


def _unrolled(form: Form, operator: Operator, n: int) -> Prepared:
    f, xs, _ = _expression(form, n, 0)
    expressions, places = _entries(operator, f, xs)
    function = _compiled([xs], expressions)

    def call(x: Floats) -> Floats:
        return np.array(function(x), dtype=np.float64)[places]

    return Prepared(call, lambda point: (point.fresh()[0],), decode)


def _summed(
    form: Form, operator: Operator, n: int, columns: Callable[..., tuple[Any, ...]], width: int
) -> Prepared:
    f, xs, ds = _expression(form, n, width)
    expressions, places = _entries(operator, f, xs)
    function = _compiled([xs, ds], expressions)

    def call(x: Floats, data: tuple[Floats, ...]) -> Floats:
        # An expression without data evaluates to one number: it counts once a datum.
        rows = len(data[0])
        sums = [np.sum(v) if np.ndim(v) else rows * v for v in function(x, data)]
        return np.array(sums, dtype=np.float64)[places]

    def encode(point: Point) -> tuple[Any, ...]:
        x, data = point.fresh()
        return x, columns(*data)

    return Prepared(call, encode, decode)


def _prepare(form: Form, operator: Operator, point: Point) -> Prepared:
    """Differentiate, and generate NumPy code; takes milliseconds to seconds."""
    from sympy.core.cache import clear_cache

    # SymPy remembers derivatives for the whole process: what prepare costs would depend on which
    # cases came before.
    clear_cache()
    n = len(point.x)
    if form.elementwise:
        return _elementwise(form, operator)
    if form.columns is not None:
        return _summed(form, operator, n, form.columns, len(form.columns(*point.data)))
    if point.data:
        raise NotImplementedError(
            "SymPy would unroll the loop over data into one expression; the problem offers no term "
            "to differentiate instead"
        )
    return _unrolled(form, operator, n)


METHODS = [
    Method(
        name="sympy-numpy",
        summary="one term (or the unrolled function) differentiated by SymPy, lambdified with cse",
        tool="sympy",
        mode="symbolic",
        reads=("term", "scalar"),
        operators=OPERATORS,
        prepare=_prepare,
        requires=("sympy", "scipy"),
        imports=("sympy.codegen.cfunctions", "scipy.special"),
        gaps={"long-loop": "the expression doubles with each pass of a loop that feeds on itself"},
    )
]
