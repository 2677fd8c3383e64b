"""Words and arguments for tools whose numbers overload Python's operators; knows no tool.

Such a tool's functions are methods of its numbers (``x.sin()``). A text applies functions to plain
floats too, to its data or to a constant: those go to `math`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from adbench.methods._shared import Function, cannot_nest
from adbench.model import ELEMENTARY, Floats, Operator, Pattern, Point, given, namespace


def words(tool: str, methods: Mapping[str, str], others: Mapping[str, Any]) -> ModuleType:
    """The scalar vocabulary of a tool.

    Parameters
    ----------
    tool : str
    methods : mapping of str to str
        Word to the name of the method of the tool's numbers.
    others : mapping of str to callable
        Words that the tool has otherwise. What stands in neither is refused of its numbers.
    """
    made = {word: _word(tool, word, methods.get(word, "")) for word in ELEMENTARY}
    return namespace(tool, {**made, "derivative": cannot_nest(tool), **others})


def _word(tool: str, word: str, method: str) -> Function:
    plain = getattr(math, word)

    def refuse(name: str) -> NoReturn:
        raise NotImplementedError(f"{tool} has no {name} for its numbers, and this text needs it")

    def apply(x: Any, *rest: Any) -> Any:
        if x.__class__ is float and all(r.__class__ is float for r in rest):
            return plain(x, *rest)
        if isinstance(x, (int, float)) and not rest:
            return plain(x)
        return refuse(word)

    def call(x: Any) -> Any:
        return plain(x) if isinstance(x, (int, float)) else getattr(x, method)()

    return call if method else apply


def float_words(tool: str) -> ModuleType:
    """The vocabulary for plain floats: what a function itself is timed with."""
    from adbench.dual import elementary

    return namespace("math", {**elementary.FLOAT, "derivative": cannot_nest(tool)})


def lists(operator: Operator, point: Point) -> tuple[Any, ...]:
    """The arguments as lists of Python numbers, which tools of scalars take; a covariance stays an
    array, for NumPy multiplies with it.
    """
    extra = given(operator, point)
    kept = extra if operator is Operator.PROPAGATE else ()
    parts = (point.x, *(() if kept else extra), *point.data)
    x, *rest = [p.tolist() if isinstance(p, np.ndarray) else p for p in parts]
    return (x, *kept, *rest)


def moved(pattern: Pattern) -> tuple[Function, list[float]]:
    """For sparse Jacobians: ``shift(x, s)`` = x with s[colour] added to each variable, and a zero for
    each colour. Colours are found here, not in a timed call.
    """
    start = [0.0] * len(pattern.seeds)
    pattern.from_columns(np.zeros((len(start), pattern.shape[0])))
    which = pattern.column_colours.tolist()
    return lambda x, s: [v + s[c] for v, c in zip(x, which, strict=True)], start


def by_columns(k: int, slopes: Function) -> Function:
    """All first derivatives at every point of a list, by the first number of each point, then by the
    next; ``slopes(numbers, data)`` gives the k of one point.
    """

    def derivative(x: Any, *data: Any) -> Floats:
        points = zip(*(x[i * len(x) // k : (i + 1) * len(x) // k] for i in range(k)), strict=True)
        return np.array([slopes(numbers, data) for numbers in points]).T.ravel()

    return derivative


def at_each(f: Function, k: int) -> Function:
    """An elementwise text at every point of a list."""

    def values(x: Any, *data: Any) -> list[Any]:
        points = zip(*(x[i * len(x) // k : (i + 1) * len(x) // k] for i in range(k)), strict=True)
        return [f(*numbers, *data) for numbers in points]

    return values


def refused(tool: str, call: Function) -> Function:
    """The call, where a text asks the tool's numbers for what they have not: NotImplementedError."""

    def run(*args: Any) -> Any:
        try:
            return call(*args)
        except (TypeError, AttributeError) as error:
            raise NotImplementedError(
                f"{tool}'s numbers cannot do what this text asks of them: {error}"
            ) from error

    return run
