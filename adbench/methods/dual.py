"""Our own dual numbers for plain Python code and for NumPy code: forward mode, nothing compiled.

``VALUE`` is f itself on plain numbers in the same form, so that a cost ratio says what dual numbers
add. Namespaces: ``adbench.dual.python.math`` for the scalar form, all of NumPy with SciPy's special
functions for the array form; ``derivative`` in both, since duals nest.

A sparse Jacobian is J times a 0/1 matrix with a column for each colour (`adbench.sparsity`): the
Jacobian by one number s for each colour of f at x with s[colour] added to each variable. Products with
vectors from the left take as many tangents as there are variables: forward mode knows no other way.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from adbench.methods._shared import (
    OPERATORS,
    Function,
    arrays,
    chosen,
    deliver,
    joined,
    parts,
    propagated,
)
from adbench.model import (
    TAYLOR_ORDER,
    Form,
    Method,
    Operator,
    Pattern,
    Point,
    Prepared,
    given,
    namespace,
)


def _scalar(form: Form, operator: Operator, point: Point) -> Prepared:
    from adbench.dual import elementary, python

    value, k = operator is Operator.VALUE, int(form.elementwise)
    nesting = {"derivative": lambda g, t: python.derivative(g)(t)}
    f = form.build(namespace("adbench.dual.python.math", {**vars(python.math), **nesting}))
    if value and not _names_derivative(f, []):
        f = form.build(namespace("adbench.dual.plain", dict(elementary.FLOAT)))
    if value:
        call = _each(f, k) if k else f
    else:
        call = chosen("dual-python", _scalar_ways(f, k, point.pattern), operator)
    return Prepared(call, partial(_lists, operator), deliver(form, operator, point))


def _names_derivative(f: Any, seen: list[Any]) -> bool:
    """Whether the text of f, or of a function that it holds, says `derivative`: a value without one
    needs no functions that know duals.
    """
    if not isinstance(f, FunctionType) or f in seen:
        return False
    seen.append(f)
    codes = [f.__code__]
    for code in codes:
        codes.extend(c for c in code.co_consts if isinstance(c, CodeType))
    held = [cell.cell_contents for cell in f.__closure__ or ()]
    named = any("derivative" in code.co_names for code in codes)
    return named or any(_names_derivative(g, seen) for g in held)


def _scalar_ways(f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    from adbench.dual import python

    jacobian = python.jacobian(f)

    def at(data: tuple[Any, ...]) -> Function:
        return lambda x: f(x, *data)

    def newton(x: Any, *data: Any) -> Any:
        slope = python.grad(f)
        ones = [1.0] * len(x)
        gradient, bends = python.jvp(lambda y: slope(y, *data))((x,), (ones,))
        return [g / b for g, b in zip(gradient, bends, strict=True)]

    def taylor(x: Any, v: Any, *data: Any) -> Any:
        def line(t: Any) -> Any:
            return f([a + t * b for a, b in zip(x, v, strict=True)], *data)

        return python.taylor(line, TAYLOR_ORDER)(0.0)

    return {
        Operator.DERIVATIVE: _partials(f, k),
        Operator.GRADIENT: python.grad(f),
        Operator.VALUE_AND_GRADIENT: python.value_and_grad(f),
        Operator.JACOBIAN: _scalar_entries(f, pattern) if pattern else partial(_rows, jacobian),
        Operator.JVP: lambda x, v, *data: python.jvp(at(data))((x,), (v,))[1],
        Operator.VJP: lambda x, u, *data: python.vjp(at(data))((x,), u)[1][0],
        Operator.HESSIAN: python.hessian(f),
        Operator.HVP: lambda x, v, *data: python.hvp(f)((x, *data), v),
        Operator.NEWTON_DIRECTION: newton,
        Operator.PROPAGATE: propagated(partial(_rows, jacobian)),
        Operator.TAYLOR: taylor,
    }


def _rows(jacobian: Function, x: Any, *data: Any) -> Any:
    """The Jacobian as a matrix, of one row if f returns one number."""
    return np.array(jacobian(x, *data), dtype=np.float64).reshape(-1, len(x))


def _each(f: Function, k: int) -> Function:
    """F at every point of a list, one by one: scalar code has no other way."""

    def values(xs: Any, *data: Any) -> list[Any]:
        columns = [xs[part] for part in parts(k, len(xs))]
        return [f(*numbers, *data) for numbers in zip(*columns, strict=True)]

    return values


def _partials(f: Function, k: int) -> Function:
    """All first derivatives at every point of a list, by the first number at each point, and so on."""
    from adbench.dual import python

    if k < 2:
        return _each(python.derivative(f), 1)
    at_each = _each(python.grad(f, tuple(range(k))), k)

    def values(xs: Any, *data: Any) -> list[Any]:
        columns = zip(*at_each(xs, *data), strict=True)
        return [slope for column in columns for slope in column]

    return values


def _scalar_entries(f: Function, pattern: Pattern) -> Function:
    from adbench.dual import python

    colours, start = _colours(pattern)
    which = colours.tolist()

    def entries(x: Any, *data: Any) -> Any:
        def moved(s: Any) -> Any:
            return f([v + s[c] for v, c in zip(x, which, strict=True)], *data)

        return pattern.from_columns(np.array(python.jacobian(moved)(start.tolist())).T)

    return entries


def _colours(pattern: Pattern) -> tuple[Any, Any]:
    """The colour of each variable, and a zero for each colour; found here, not in a timed call."""
    colours, start = pattern.column_colours, np.zeros(len(pattern.seeds))
    pattern.from_columns(np.zeros((len(start), pattern.shape[0])))
    return colours, start


def _lists(operator: Operator, point: Point) -> tuple[Any, ...]:
    """The arguments as lists of Python numbers: elements of NumPy arrays are slower to compute with.

    A covariance stays an array: NumPy multiplies with it.
    """
    covariance = given(operator, point) if operator is Operator.PROPAGATE else ()
    directions = () if covariance else given(operator, point)
    lists = [
        p.tolist() if isinstance(p, np.ndarray) else p for p in (point.x, *directions, *point.data)
    ]
    return (lists[0], *covariance, *lists[1:])


def _array(form: Form, operator: Operator, point: Point) -> Prepared:
    from adbench.dual import elementary
    from adbench.dual import numpy as array

    nesting = {"derivative": lambda g, t: array.derivative(g)(t)}
    words = namespace("adbench.dual.numpy", {**elementary.numpy_words(), **nesting})
    f = form.build(words)
    call = chosen("dual-numpy", _array_ways(form, f, point), operator)
    return Prepared(call, partial(arrays, operator), deliver(form, operator, point))


def _array_ways(form: Form, f: Function, point: Point) -> Mapping[Operator, Function]:
    from adbench.dual import numpy as array

    pattern, shape = point.pattern, point.value_shape
    jacobian = array.jacobian(f)

    def matrix(x: Any, *data: Any) -> Any:
        return jacobian(x, *data).reshape(-1, len(x))

    def jvp(x: Any, v: Any, *data: Any) -> Any:
        return array.jvp(f)((x, *data), (v, *[None] * len(data)))[1]

    def newton(x: Any, *data: Any) -> Any:
        return array.grad(f)(x, *data) / array.hvp(f)((x, *data), np.ones(len(x)))

    return {
        Operator.VALUE: joined(form, f),
        Operator.DERIVATIVE: _array_partials(f, int(form.elementwise)),
        Operator.GRADIENT: array.grad(f),
        Operator.VALUE_AND_GRADIENT: array.value_and_grad(f),
        Operator.JACOBIAN: _array_entries(f, pattern) if pattern else matrix,
        Operator.JVP: jvp,
        Operator.VJP: lambda x, u, *data: array.vjp(f, 0)((x, *data), u.reshape(shape))[1],
        Operator.HESSIAN: array.hessian(f),
        Operator.HVP: lambda x, v, *data: array.hvp(f)((x, *data), v),
        Operator.NEWTON_DIRECTION: newton,
        Operator.PROPAGATE: propagated(matrix),
    }


def _array_partials(f: Function, k: int) -> Function:
    """All first derivatives at every point, a part of the result for each argument of f."""
    from adbench.dual import numpy as array

    if k < 2:
        return array.derivative(f)
    slopes = array.derivative(f, tuple(range(k)))
    return lambda x, *data: slopes(*(x[part] for part in parts(k, len(x))), *data)


def _array_entries(f: Function, pattern: Pattern) -> Function:
    from adbench.dual import numpy as array

    colours, start = _colours(pattern)
    products = array.jacobian(lambda s, x, *data: f(x + s[colours], *data))
    return lambda x, *data: pattern.from_columns(products(start, x, *data).T)


METHODS = [
    Method(
        name="dual-python",
        summary="dual numbers in plain Python: operators of a class, no package beyond Python's own",
        tool="dual",
        mode="forward",
        reads=("scalar",),
        operators=(*OPERATORS, Operator.TAYLOR),
        prepare=_scalar,
        imports=("adbench.dual.elementary", "adbench.dual.python"),
    ),
    Method(
        name="dual-numpy",
        summary="dual arrays over NumPy, all variables at once (vector mode)",
        tool="dual",
        mode="forward",
        reads=("array",),
        operators=OPERATORS,
        prepare=_array,
        imports=("adbench.dual.elementary", "adbench.dual.numpy"),
    ),
]
