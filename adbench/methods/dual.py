"""Our own dual numbers for plain Python code and for NumPy code: forward mode, nothing compiled.

``VALUE`` is f itself on plain numbers in the same form, so that a cost ratio says what dual numbers
add. Namespaces: ``adbench.dual.python.math`` for the scalar form, all of NumPy with SciPy's special
functions for the array form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from adbench.methods._shared import OPERATORS, arrays, decode
from adbench.model import Form, Method, Operator, Point, Prepared, namespace

Function = Callable[..., Any]


def _scalar(form: Form, operator: Operator, point: Point) -> Prepared:
    from adbench.dual import elementary, python

    if operator is Operator.VALUE:
        f = form.build(namespace("adbench.dual.plain", dict(elementary.FLOAT)))
        call = _each(f) if form.elementwise else f
    else:
        # `derivative` is there for problems whose formula contains one: scalar duals nest
        words = {**vars(python.math), "derivative": lambda g, t: python.derivative(g)(t)}
        f = form.build(namespace("adbench.dual.python.math", words))
        ways: Mapping[Operator, Function] = {
            Operator.DERIVATIVE: _each(python.derivative(f)),
            Operator.GRADIENT: python.grad(f),
            Operator.VALUE_AND_GRADIENT: python.value_and_grad(f),
            Operator.HESSIAN: python.hessian(f),
        }
        call = ways[operator]
    return Prepared(call, _lists, decode)


def _each(f: Function) -> Function:
    """F at every point of a list, one by one: scalar code has no other way."""
    return lambda xs, *data: [f(x, *data) for x in xs]


def _lists(point: Point) -> tuple[Any, ...]:
    """X and data as lists of Python numbers: elements of NumPy arrays are slower to compute with."""
    parts = (point.x, *point.data)
    return tuple(p.tolist() if isinstance(p, np.ndarray) else p for p in parts)


def _array(form: Form, operator: Operator, point: Point) -> Prepared:
    from adbench.dual import elementary
    from adbench.dual import numpy as array

    # `derivative` is there for problems whose formula contains one: array duals nest
    words = {**elementary.numpy_words(), "derivative": lambda g, t: array.derivative(g)(t)}
    f = form.build(namespace("adbench.dual.numpy", words))
    ways: Mapping[Operator, Function] = {
        Operator.VALUE: f,
        Operator.DERIVATIVE: array.derivative(f),
        Operator.GRADIENT: array.grad(f),
        Operator.VALUE_AND_GRADIENT: array.value_and_grad(f),
        Operator.HESSIAN: array.hessian(f),
    }
    return Prepared(ways[operator], arrays, decode)


METHODS = [
    Method(
        name="dual-python",
        summary="dual numbers in plain Python: operators of a class, no package beyond Python's own",
        tool="dual",
        mode="forward",
        reads=("scalar",),
        operators=OPERATORS,
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
