"""What Numba's methods compile by dual numbers and by the tape: one driver ``call(x, ..., *data)`` each.

Knows forms' functions and points' sizes, no clock and no problem. The drivers are those of
``adbench.dual.numba``, wrapped where a call has its arguments in another order than they take them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from adbench.methods._shared import Function, arrays, chosen
from adbench.model import Form, Operator, Point


def by_duals(strict: bool, form: Form, f: Function, operator: Operator, point: Point) -> Any:
    """The compiled forward driver of an operator other than VALUE."""
    from adbench.dual import numba as dual

    n, flags = len(point.x), {"strict": strict}

    def told(driver: Function) -> Any:
        # Looks at f compiled for floats where the number of variables leaves a choice.
        plain = arrays(Operator.VALUE, point)
        layout = dual.suited_layout(f, n, *plain, strict=strict)
        return driver(f, n=n, layout=layout, strict=strict)

    def sparse_or_dense() -> Any:
        if point.pattern is None:
            return told(dual.jacobian)
        count = int(point.pattern.column_colours.max(initial=0)) + 1
        return dual.compressed_jacobian(f, count, strict=strict)

    ways: Mapping[Operator, Function] = {
        Operator.DERIVATIVE: lambda: dual.partials(f, form.elementwise, strict=strict),
        Operator.GRADIENT: lambda: told(dual.grad),
        Operator.VALUE_AND_GRADIENT: lambda: told(dual.value_and_grad),
        Operator.HESSIAN: lambda: told(dual.hessian),
        Operator.JACOBIAN: sparse_or_dense,
        Operator.JVP: lambda: _compiled(_along, strict, dual.jvp(f, **flags)),
        Operator.HVP: lambda: _compiled(_curved, strict, dual.hvp(f, **flags)),
        Operator.NEWTON_DIRECTION: lambda: _compiled(
            _newton, strict, told(dual.grad), dual.hvp(f, **flags)
        ),
        Operator.PROPAGATE: lambda: _compiled(_propagated, strict, told(dual.jacobian)),
    }
    return chosen("Numba", ways, operator)()


def by_tape(form: Form, f: Function, operator: Operator, point: Point) -> Any:
    """The compiled reverse driver of an operator other than VALUE."""
    from adbench.dual import numba as dual

    back = partial(dual.vjp, f, argnums=0)
    outputs = point.outputs

    def sparse_or_dense() -> Any:
        if point.pattern is not None:
            count = int(point.pattern.row_colours.max(initial=0)) + 1
            return _compiled(partial(_rows_of_colours, count=count), False, back())
        return _compiled(partial(_rows, count=outputs or 1), False, back())

    product = _against if outputs is not None else _against_number
    ways: Mapping[Operator, Function] = {
        Operator.GRADIENT: lambda: dual.tape_grad(f),
        Operator.VALUE_AND_GRADIENT: lambda: dual.tape_value_and_grad(f),
        Operator.JACOBIAN: sparse_or_dense,
        Operator.VJP: lambda: _compiled(product, False, back()),
    }
    return chosen("Numba's tape", ways, operator)()


def by_hand(form: Form, g: Function, operator: Operator, point: Point) -> Any:
    """A hand-derived function of the form, compiled; of a value and a gradient one part if asked."""
    from adbench.dual import numba as dual

    # Inlined, so that LLVM leaves out what only the value needs where the gradient alone is asked for.
    both = dual.primal(g, inlined=True)
    ways: Mapping[Operator, Mapping[Operator, Function]] = {
        Operator.VALUE_AND_GRADIENT: {
            Operator.VALUE_AND_GRADIENT: lambda: both,
            Operator.GRADIENT: lambda: _compiled(_second, False, both),
        },
        Operator.GRADIENT: {Operator.GRADIENT: lambda: both},
        Operator.JACOBIAN: {Operator.JACOBIAN: lambda: both},
    }
    offered = ways.get(form.gives, {})
    return chosen(f"A derivative by hand of '{form.gives.value}'", offered, operator)()


def _compiled(wrapper: Function, strict: bool, *drivers: Any) -> Any:
    from adbench.dual import numba as dual

    return dual.primal(wrapper(*drivers), strict)


def _along(jvp: Any) -> Function:
    return lambda x, v, *data: jvp((x, *data), (v,))[1]


def _curved(hvp: Any) -> Function:
    return lambda x, v, *data: hvp((x, *data), v)


def _newton(grad: Any, hvp: Any) -> Function:
    return lambda x, *data: grad(x, *data) / hvp((x, *data), np.ones(x.size))


def _propagated(jacobian: Any) -> Function:
    def propagate(x, covariance, *data):  # type: ignore[no-untyped-def]
        j = jacobian(x, *data)
        return np.dot(np.dot(j, covariance), j.T)

    return propagate


def _against(vjp: Any) -> Function:
    return lambda x, u, *data: vjp((x, *data), u)[1]


def _against_number(vjp: Any) -> Function:
    return lambda x, u, *data: vjp((x, *data), u[0])[1]


def _second(both: Any) -> Function:
    return lambda x, *data: both(x, *data)[1]


def _rows(vjp: Any, count: int) -> Function:
    """All rows of a Jacobian, a sweep each."""

    def jacobian(x, *data):  # type: ignore[no-untyped-def]
        out, u = np.empty((count, x.size)), np.zeros(count)
        for i in range(count):
            u[i] = 1.0
            out[i] = vjp((x, *data), u)[1]
            u[i] = 0.0
        return out

    return jacobian


def _rows_of_colours(vjp: Any, count: int) -> Function:
    """The entries of a sparse Jacobian, a sweep for all rows of a colour, which share no column."""

    def entries(x, colour, rows, columns, *data):  # type: ignore[no-untyped-def]
        out, u = np.empty(columns.size), np.empty(colour.size)
        for c in range(count):
            for i in range(colour.size):
                u[i] = 1.0 if colour[i] == c else 0.0
            found = vjp((x, *data), u)[1]
            for i in range(colour.size):
                if colour[i] == c:
                    for e in range(rows[i], rows[i + 1]):
                        out[e] = found[columns[e]]
        return out

    return entries
