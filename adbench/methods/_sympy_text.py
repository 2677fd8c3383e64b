"""Runs a form's text on SymPy's symbols, once numbers that only count have shown that it is not too long.

SymPy's time grows with the square of an expression, and an expression doubles with each pass of a loop
that feeds on itself. A text that writes out more than `MAX_OPERATIONS` operations for one number, or
`MAX_ALTOGETHER` for a vector of them, is refused: far beyond where SymPy's code is competitive
(Rosenbrock in 100 variables, 1 089 operations, takes 3 s to differentiate and compile; 1 000 variables
would take minutes). So is a branch that depends on a value: symbols have none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NoReturn

from adbench.methods._symbols import applied
from adbench.model import ELEMENTARY, Form, namespace

MAX_OPERATIONS = 2_000
MAX_ALTOGETHER = 10_000


@dataclass(frozen=True)
class Text:
    """What a text computes, in symbols.

    Parameters
    ----------
    results : list of expression
        One, or those of a vector.
    vector : bool
        Whether it returns a vector (of one element too).
    xs, data : list of symbol
        The variables, and the data of one term.
    """

    results: list[Any]
    vector: bool
    xs: list[Any]
    data: list[Any]


def written_out(form: Form, n: int, width: int) -> Text:
    """The text of a form of n variables (of an elementwise form: n numbers) and `width` data.

    Raises
    ------
    NotImplementedError
        When it is too long, or branches on a value.
    """
    import sympy

    _refuse_long(applied(form, _counting_words(), _counts(n), _counts(width)))
    xs = [sympy.Symbol(f"x{i}", real=True) for i in range(n)]
    data = [sympy.Symbol(f"d{i}", real=True) for i in range(width)]
    result = applied(form, _words(), xs, data)
    vector = isinstance(result, list)
    return Text([sympy.sympify(r) for r in (result if vector else [result])], vector, xs, data)


class _Count:
    """A number that knows only how many operations it takes when written out."""

    __slots__ = ("operations",)
    __hash__ = None  # type: ignore[assignment] # as for any class with its own __eq__

    def __init__(self, operations: int = 0) -> None:
        self.operations = operations

    def _more(self, *others: Any) -> _Count:
        both = sum(_operations(o) for o in (self, *others))
        if both >= MAX_OPERATIONS:
            _refuse(MAX_OPERATIONS)
        return _Count(both + 1)

    def _branch(self, *others: Any) -> bool:
        raise NotImplementedError("SymPy cannot follow a branch or a loop that depends on a value")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _more
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __neg__ = __pos__ = __abs__ = _more
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __bool__ = _branch


def _counts(n: int) -> list[Any]:
    return [_Count() for _ in range(n)]


def _operations(x: Any) -> int:
    return x.operations if isinstance(x, _Count) else 0


def _refuse(limit: int) -> NoReturn:
    raise NotImplementedError(
        f"written out, the function has more than {limit} operations; SymPy would "
        "take minutes to differentiate and compile it"
    )


def _refuse_long(result: Any) -> None:
    counted = result if isinstance(result, list) else [result]
    if sum(map(_operations, counted)) > MAX_ALTOGETHER:
        _refuse(MAX_ALTOGETHER)


def _counting_words() -> ModuleType:
    words: dict[str, Any] = dict.fromkeys(ELEMENTARY, lambda *xs: _Count()._more(*xs))

    def derivative(g: Callable[[Any], Any], t: Any) -> _Count:
        # a derivative written out takes about as much again
        inside = g(_Count())
        return _Count()._more(inside, inside, t)

    return namespace("count", {**words, "derivative": derivative})


def _words() -> ModuleType:
    """The scalar vocabulary in SymPy functions; constants stay doubles, as for every other tool."""
    import sympy
    from sympy.codegen import cfunctions

    def derivative(g: Callable[[Any], Any], t: Any) -> Any:
        inside = sympy.Dummy("t", real=True)
        return sympy.sympify(g(inside)).diff(inside).xreplace({inside: sympy.sympify(t)})

    special = {"expm1": cfunctions.expm1, "log1p": cfunctions.log1p, "lgamma": sympy.loggamma}
    words = {word: special.get(word) or getattr(sympy, word) for word in ELEMENTARY}
    return namespace("sympy", {**words, "derivative": derivative})
