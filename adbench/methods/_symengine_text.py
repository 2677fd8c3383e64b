"""Runs a form's text on SymEngine's symbols, once numbers that only count have shown that it may.

An expression doubles with each pass of a loop that feeds on itself: a text that writes out more than
`MAX_OPERATIONS` operations is refused (differentiating and preparing so many takes seconds, by
SymEngine 0.15). So is a branch that depends on a value: symbols have none.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from adbench.model import ELEMENTARY, Form, namespace

MAX_OPERATIONS = 20_000


def written_out(form: Form, n: int, width: int) -> tuple[list[Any], list[Any], list[Any]]:
    """The results of a text in symbols, its variables and the data of one term.

    Raises
    ------
    NotImplementedError
        When it is too long, or branches on a value.
    """
    import symengine

    counted = _run(form, _counting_words(), [_Count() for _ in range(n)], [_Count()] * width)
    counts = counted if isinstance(counted, list) else [counted]
    if sum(c.operations for c in counts if isinstance(c, _Count)) > MAX_OPERATIONS:
        _refuse()
    xs = [symengine.Symbol(f"x{i}") for i in range(n)]
    data = [symengine.Symbol(f"d{i}") for i in range(width)]
    result = _run(form, _words(), xs, data)
    results = result if isinstance(result, list) else [result]
    return [symengine.sympify(r) for r in results], xs, data


def _run(form: Form, words: ModuleType, xs: list[Any], data: list[Any]) -> Any:
    f = form.build(words)
    return f(*xs, *data) if form.elementwise else f(xs, *data)


def _refuse() -> None:
    raise NotImplementedError(
        f"written out, the function has more than {MAX_OPERATIONS} operations, which take SymEngine "
        "long to differentiate"
    )


class _Count:
    """A number that knows only how many operations it takes when written out."""

    __slots__ = ("operations",)
    __hash__ = None  # type: ignore[assignment] # as for any class with its own __eq__

    def __init__(self, operations: int = 0) -> None:
        self.operations = operations

    def _more(self, *others: Any) -> _Count:
        both = 1 + sum(o.operations for o in (self, *others) if isinstance(o, _Count))
        if both > MAX_OPERATIONS:
            _refuse()
        return _Count(both)

    def _branch(self, *others: Any) -> bool:
        raise NotImplementedError(
            "SymEngine cannot follow a branch or a loop that depends on a value"
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _more
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __neg__ = __pos__ = __abs__ = _more
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __bool__ = _branch


def _counting_words() -> ModuleType:
    words: dict[str, Any] = dict.fromkeys(ELEMENTARY, lambda *xs: _Count()._more(*xs))

    def derivative(g: Any, t: Any) -> _Count:
        inside = g(_Count())  # a derivative written out takes about as much again
        return _Count()._more(inside, inside, t)

    return namespace("count", {**words, "derivative": derivative})


def _words() -> ModuleType:
    """The scalar vocabulary in SymEngine's functions; expm1 and log1p, which it lacks, written out."""
    import symengine

    def derivative(g: Any, t: Any) -> Any:
        inside = symengine.Dummy("t")
        return symengine.sympify(g(inside)).diff(inside).subs({inside: symengine.sympify(t)})

    others = {
        "expm1": lambda x: symengine.exp(x) - 1,
        "log1p": lambda x: symengine.log(1 + x),
        "lgamma": symengine.loggamma,
        "derivative": derivative,
    }
    words = {w: others.get(w) or getattr(symengine, w) for w in (*ELEMENTARY, "derivative")}
    return namespace("symengine", words)
