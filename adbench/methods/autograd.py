"""autograd as its manual has you use it: NumPy code written against autograd.numpy, traced per call.

Nothing is compiled and nothing is kept between calls: each call runs f in Python and records it
(reverse), or carries one tangent along (forward, a pass for each variable).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods._shared import OPERATORS, array_words, arrays, decode
from adbench.model import Form, Method, Operator, Point, Prepared

Function = Callable[..., Any]
Ways = Callable[[Function], Mapping[Operator, Function]]


def _reverse(f: Function) -> Mapping[Operator, Function]:
    import autograd

    return {
        Operator.VALUE: f,
        Operator.DERIVATIVE: autograd.elementwise_grad(f),
        Operator.GRADIENT: autograd.grad(f),
        Operator.VALUE_AND_GRADIENT: autograd.value_and_grad(f),
        Operator.HESSIAN: autograd.hessian(f),
    }


def _forward(f: Function) -> Mapping[Operator, Function]:
    import autograd

    jvp = autograd.make_jvp(f)

    def derivative(x: Any, *data: Any) -> Any:
        # f works element by element, so one tangent of ones gives every derivative in one pass.
        return jvp(x, *data)(np.ones_like(x))[1]

    def both(x: Any, *data: Any) -> Any:
        gradient = np.empty(len(x))
        push, direction = jvp(x, *data), np.zeros(len(x))
        for i in range(len(x)):
            direction[i] = 1.0
            value, gradient[i] = push(direction)
            direction[i] = 0.0
        return value, gradient

    return {
        Operator.VALUE: f,
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: lambda x, *data: both(x, *data)[1],
        Operator.VALUE_AND_GRADIENT: both,
    }


def _words() -> ModuleType:
    from autograd import numpy as anp
    from autograd.scipy import special

    return array_words("autograd.numpy", anp, special)


def _prepare(ways: Ways, form: Form, operator: Operator, point: Point) -> Prepared:
    offered = ways(form.build(_words()))
    if operator not in offered:
        raise NotImplementedError(
            f"autograd in this mode is not asked for '{operator.value}'; "
            f"it offers {', '.join(o.value for o in offered)}"
        )
    return Prepared(offered[operator], arrays, decode)


METHODS = [
    Method(
        name="autograd-reverse",
        summary="grad, value_and_grad, elementwise_grad, hessian on autograd.numpy code",
        tool="autograd",
        mode="reverse",
        reads=("array",),
        operators=OPERATORS,
        prepare=partial(_prepare, _reverse),
        requires=("autograd",),
        imports=("autograd.numpy", "autograd.scipy.special"),
    ),
    Method(
        name="autograd-forward",
        summary="make_jvp on autograd.numpy code: one pass a variable",
        tool="autograd",
        mode="forward",
        reads=("array",),
        operators=(
            Operator.VALUE,
            Operator.DERIVATIVE,
            Operator.GRADIENT,
            Operator.VALUE_AND_GRADIENT,
        ),
        prepare=partial(_prepare, _forward),
        requires=("autograd",),
        imports=("autograd.numpy", "autograd.scipy.special"),
        gaps={
            "special-functions": "autograd has rules for erf, erfc and lgamma in reverse mode only"
        },
    ),
]
