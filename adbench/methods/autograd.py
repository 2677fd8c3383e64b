"""autograd as its manual has you use it: NumPy code written against autograd.numpy, traced per call.

Nothing is compiled and nothing is kept between calls: each call runs f in Python and records it
(reverse), or carries one tangent along (forward, a pass for each variable). Products with the Hessian
are autograd's own in reverse mode, products of the gradient's record; forward mode nests itself, a pass
for each variable. Sparse Jacobians take one product for each colour of the pattern, of one record in
reverse mode; of its rows there, of its columns in forward mode.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods._shared import (
    ELEMENTWISE,
    GRADIENTS,
    OPERATORS,
    VECTOR,
    Function,
    array_words,
    arrays,
    chosen,
    compressed,
    deliver,
    joined,
    parts,
    propagated,
)
from adbench.model import Form, Method, Operator, Pattern, Point, Prepared

Ways = Callable[[Function, int, Pattern | None], Mapping[Operator, Function]]
Derivative = Callable[[Function, Any], Any]


def _reverse(f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    import autograd
    from autograd.differential_operators import make_jvp_reversemode

    pull, product = autograd.make_vjp(f), autograd.make_hvp(f)

    def newton(x: Any, *data: Any) -> Any:
        along, gradient = product(x, *data)
        return gradient / along(np.ones_like(x))

    jacobian = autograd.jacobian(f)
    sparse = None if pattern is None else compressed(pattern, _pulled(pull), by_rows=True)
    return {
        Operator.VALUE: f,
        Operator.DERIVATIVE: autograd.elementwise_grad(f),
        Operator.GRADIENT: autograd.grad(f),
        Operator.VALUE_AND_GRADIENT: autograd.value_and_grad(f),
        Operator.HESSIAN: autograd.hessian(f),
        Operator.HVP: lambda x, v, *data: product(x, *data)[0](v),
        Operator.NEWTON_DIRECTION: newton,
        Operator.JACOBIAN: jacobian if sparse is None else sparse,
        # the product u -> J^T u is linear, and its own reverse is J v: two passes, whatever n is
        Operator.JVP: lambda x, v, *data: make_jvp_reversemode(f)(x, *data)(v),
        Operator.VJP: lambda x, u, *data: pull(x, *data)[0](u),
        Operator.PROPAGATE: propagated(jacobian),
    }


def _forward(f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    import autograd

    jvp = autograd.make_jvp(f)

    def derivative(x: Any, *data: Any) -> Any:
        # Points do not mix, so one tangent of ones for each of the k arrays gives all derivatives.
        push, found = jvp(x, *data), np.empty_like(x)
        for part in parts(k, len(x)):
            ones = np.zeros_like(x)
            ones[part] = 1.0
            found[part] = push(ones)[1]
        return found

    def both(x: Any, *data: Any) -> Any:
        gradient = np.empty(len(x))
        push, direction = jvp(x, *data), np.zeros(len(x))
        for i in range(len(x)):
            direction[i] = 1.0
            value, gradient[i] = push(direction)
            direction[i] = 0.0
        return value, gradient

    def second(x: Any, v: Any, *data: Any) -> tuple[Any, Any]:
        # the gradient of (f, its derivative along v): a pass a variable gives an element of each
        def along(r: Any) -> Any:
            return autograd.numpy.stack(jvp(r, *data)(v))

        push = autograd.make_jvp(along)(x)
        gradient, product = np.stack([push(unit)[1] for unit in np.eye(len(x))], axis=1)
        return gradient, product

    def newton(x: Any, *data: Any) -> Any:
        gradient, product = second(x, np.ones_like(x), *data)
        return gradient / product

    def jacobian(x: Any, *data: Any) -> Any:
        push = jvp(x, *data)
        return np.stack([push(unit)[1] for unit in np.eye(len(x))], axis=1)

    sparse = None if pattern is None else compressed(pattern, _pushed(jvp))
    return {
        Operator.VALUE: f,
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: lambda x, *data: both(x, *data)[1],
        Operator.VALUE_AND_GRADIENT: both,
        Operator.HVP: lambda x, v, *data: second(x, v, *data)[1],
        Operator.NEWTON_DIRECTION: newton,
        Operator.JACOBIAN: jacobian if sparse is None else sparse,
        Operator.JVP: lambda x, v, *data: jvp(x, *data)(v)[1],
        Operator.VJP: lambda x, u, *data: u @ jacobian(x, *data),
        Operator.PROPAGATE: propagated(jacobian),
    }


def _pulled(pull: Function) -> Function:
    """Of ``make_vjp(f)``, the function that gives u -> u^T J at x."""
    return lambda x, *data: pull(x, *data)[0]


def _pushed(jvp: Function) -> Function:
    """Of ``make_jvp(f)``, the function that gives v -> J v at x."""

    def at(x: Any, *data: Any) -> Function:
        push = jvp(x, *data)
        return lambda v: push(v)[1]

    return at


def _derivative_reverse(g: Function, t: Any) -> Any:
    import autograd

    return autograd.elementwise_grad(g)(_real(t))


def _derivative_forward(g: Function, t: Any) -> Any:
    import autograd

    t = _real(t)
    return autograd.make_jvp(g)(t)(autograd.numpy.ones_like(t))[1]


def _real(t: Any) -> Any:
    """Whole numbers as floating-point ones: autograd differentiates by no others."""
    return float(t) if isinstance(t, int) else t


def _words(derivative: Derivative) -> ModuleType:
    from autograd import numpy as anp
    from autograd.scipy import special

    return array_words("autograd.numpy", anp, special, derivative)


def _prepare(
    ways: Ways, derivative: Derivative, form: Form, operator: Operator, point: Point
) -> Prepared:
    f, k = joined(form, form.build(_words(derivative))), int(form.elementwise)
    pattern = point.pattern if operator is Operator.JACOBIAN else None
    call = chosen("autograd", ways(f, k, pattern), operator)
    return Prepared(call, partial(arrays, operator), deliver(form, operator, point))


METHODS = [
    Method(
        name="autograd-reverse",
        summary="grad, value_and_grad, elementwise_grad, jacobian, hessian, make_vjp, make_hvp",
        tool="autograd",
        mode="reverse",
        reads=("array",),
        operators=OPERATORS,
        prepare=partial(_prepare, _reverse, _derivative_reverse),
        requires=("autograd",),
        imports=("autograd.numpy", "autograd.scipy.special"),
    ),
    Method(
        name="autograd-forward",
        summary="make_jvp on autograd.numpy code, nested for products with H: one pass a variable",
        tool="autograd",
        mode="forward",
        reads=("array",),
        operators=(
            *ELEMENTWISE,
            *GRADIENTS,
            *VECTOR,
            Operator.HVP,
            Operator.NEWTON_DIRECTION,
        ),
        prepare=partial(_prepare, _forward, _derivative_forward),
        requires=("autograd",),
        imports=("autograd.numpy", "autograd.scipy.special"),
        gaps={
            "special-functions": "autograd has rules for erf, erfc and lgamma in reverse mode only"
        },
    ),
]
