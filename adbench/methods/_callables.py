"""A form's text as a plain function of one array, for tools that take any callable; knows no tool.

Tools of finite differences call f again and again with arrays of floats. Array texts take them as they
are. Python code computes faster with Python's numbers than with elements of arrays, so that a scalar
text gets x as a list.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from adbench.methods._shared import Function, cannot_nest, joined, parts
from adbench.model import Form, Operator, Pattern, Point, given, namespace


def real_function(form: Form, method: str) -> Function:
    """``f(x, *data)`` of a float array x, which refuses a derivative inside the text.

    Of a vector-valued text the result is an array, of an elementwise one an array of all points.
    """
    from adbench.dual import elementary

    nesting = {"derivative": cannot_nest(method)}
    if form.name == "array":
        return joined(form, form.build(namespace("numpy", {**elementary.numpy_words(), **nesting})))
    f = form.build(namespace("math", {**elementary.FLOAT, **nesting}))
    k = int(form.elementwise)
    if not k:
        return lambda x, *data: np.asarray(f(x.tolist(), *data))

    def at_each(x: Any, *data: Any) -> Any:
        columns = [np.ravel(x[part]).tolist() for part in parts(k, len(x))]
        return np.array([f(*numbers, *data) for numbers in zip(*columns, strict=True)])

    return at_each


def elementwise(form: Form, method: str) -> Function:
    """An elementwise text as ``f(a, b, ..., *data)`` of arrays of any one shape."""
    from adbench.dual import elementary

    nesting = {"derivative": cannot_nest(method)}
    if form.name == "array":
        return form.build(namespace("numpy", {**elementary.numpy_words(), **nesting}))
    f, k = form.build(namespace("math", {**elementary.FLOAT, **nesting})), form.elementwise

    def at_each(*args: Any) -> Any:
        data = args[k:]
        return np.vectorize(lambda *numbers: f(*numbers, *data), otypes=[float])(*args[:k])

    return at_each


def encoded(form: Form, operator: Operator, point: Point) -> tuple[Any, ...]:
    """The arguments of a call: x and what is given as arrays, data as arrays or as lists."""
    x, data = point.fresh()
    if form.name != "array":
        data = tuple(d.tolist() if isinstance(d, np.ndarray) else d for d in data)
    return (x, *given(operator, point), *data)


def argument(f: Function, k: int, i: int, x: Any, data: tuple[Any, ...]) -> tuple[Function, Any]:
    """An elementwise f of k arrays, held in one x, as a function of the i-th alone; and that array."""
    if k == 1:
        return lambda t: f(t, *data), x
    part = parts(k, len(x))[i]
    before, after = x[: part.start], x[part.stop :]
    # joined, not written into a copy of x: t may be complex
    return lambda t: f(np.concatenate([before, t, after]), *data), x[part]


def coloured(f: Function, pattern: Pattern) -> Function:
    """``g(s, x, *data)`` = f with s[colour] added to each variable: its Jacobian by s at 0 holds all
    entries of f's sparse Jacobian, a column for each colour.
    """
    colours = pattern.column_colours
    # found when first asked for, and then kept: not in a timed call
    pattern.from_columns(np.zeros((len(pattern.seeds), pattern.shape[0])))
    return lambda s, x, *data: f(x + s[colours], *data)


def entries(jacobian: Function, f: Function, pattern: Pattern) -> Function:
    """The entries of a sparse Jacobian, of a tool's ``jacobian(g)(s, *arguments)`` of shape (m, n)."""
    products, start = jacobian(coloured(f, pattern)), np.zeros(len(pattern.seeds))

    def found(x: Any, *data: Any) -> Any:
        return pattern.from_columns(np.asarray(products(start, x, *data)).T)

    return found
