r"""Numba: the scalar text compiled for dual numbers, and central differences around it.

All methods compile the same unmodified text (``adbench.dual.numba``), with division by zero as in
NumPy. `prepare` builds the driver; ``compile()`` compiles it for the types of the arguments, so that
the first call only runs; without it the first call compiles. Whether Numba can compile a text at all
shows only then. Each call returns a new array (or ``(float, array)`` for value and gradient), as a
SciPy user would want. Nothing is cached on disk, so that every process pays for compilation.

`numba-dual`, `numba-tape` and `numba-central` leave LLVM free to reorder and contract, as far as NaN and infinity
keep their meaning: a sum over data may be taken in several lanes, and its last digits differ from the
text's. `numba-dual-strict` grants nothing: value and derivatives are summed in the text's order, and
the value is bit for bit that of plain ``numba.njit(error_model="numpy")``.

The dual methods are exact; for 2 or 3 variables `prepare` compiles f for floats, to see which layout
of tangents suits it (`adbench.dual.numba.suited_layout`). Users get the faster layout by a stopwatch
instead, if they name none; here every process must choose alike. `numba-dual` takes forward mode at
every size, a pass over f for every 16 variables; `numba-tape` takes reverse mode
(`adbench.dual.numba.tape`), whose cost does not grow with their number. `numba-central` does all its evaluations
inside one compiled function:

- first derivatives: :math:`(f(x_+) - f(x_-)) / (x_+ - x_-)` with
  :math:`x_\pm = \mathrm{fl}(x \pm h)`, so that the steps taken are the steps divided by;
  :math:`h = \epsilon^{1/3} \max(|x|, 1)`; 2 evaluations a variable;
- Hessian: the usual second-order stencils with :math:`h = \mathrm{fl}(\mathrm{fl}(x + h_0) - x)`,
  :math:`h_0 = \epsilon^{1/4} \max(|x|, 1)`; about 2 n^2 evaluations.

The loops of differences themselves are compiled without relaxed flags: LLVM would otherwise cancel
the x in :math:`x_+ - x_-` and undo the rounding. What they promise, and why, is in
`adbench.methods._difference`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods import _difference
from adbench.methods._difference import EPS
from adbench.methods._shared import OPERATORS, arrays, decode
from adbench.model import ELEMENTARY, Form, Method, Operator, Point, Prepared, namespace

FIRST_STEP = EPS ** (1 / 3)
SECOND_STEP = EPS ** (1 / 4)

Function = Callable[..., Any]
Drivers = Callable[[Operator, Function, tuple[Any, ...]], Any]

# Second derivatives need forward mode, and so does a function at each of many points.
REVERSE = (Operator.VALUE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT)


def _words() -> ModuleType:
    return namespace("numba-math", {name: getattr(math, name) for name in ELEMENTARY})


def _dual(strict: bool, operator: Operator, f: Function, args: tuple[Any, ...]) -> Any:
    """The compiled dual driver of an operator other than VALUE."""
    from adbench.dual import numba as dual

    if operator is Operator.DERIVATIVE:
        return dual.derivative(f, strict=strict)
    drivers: Mapping[Operator, Function] = {
        Operator.GRADIENT: dual.grad,
        Operator.VALUE_AND_GRADIENT: dual.value_and_grad,
        Operator.HESSIAN: dual.hessian,
    }
    n = len(args[0])
    layout = dual.suited_layout(f, n, *args, strict=strict)
    return drivers[operator](f, n=n, layout=layout, strict=strict)


def _tape(operator: Operator, f: Function, args: tuple[Any, ...]) -> Any:
    """The compiled driver of an operator in reverse mode."""
    from adbench.dual import numba as dual

    drivers: Mapping[Operator, Function] = {
        Operator.GRADIENT: dual.tape_grad,
        Operator.VALUE_AND_GRADIENT: dual.tape_value_and_grad,
    }
    return drivers[operator](f)


def _central(operator: Operator, f: Function, args: tuple[Any, ...]) -> Any:
    """The compiled difference driver of an operator other than VALUE."""
    from adbench.dual.numba import primal

    drivers: Mapping[Operator, Function] = {
        Operator.DERIVATIVE: _central_derivative,
        Operator.GRADIENT: _central_gradient,
        Operator.VALUE_AND_GRADIENT: _central_value_and_gradient,
        Operator.HESSIAN: _central_hessian,
    }
    return drivers[operator](primal(f))


def _strict(driver: Function) -> Any:
    import numba

    return numba.njit(error_model="numpy")(driver)


def _central_derivative(f: Any) -> Any:
    def derivative(points, *data):  # type: ignore[no-untyped-def]
        out = np.empty(points.size)
        for i in range(points.size):
            x = points[i]
            h = FIRST_STEP * max(abs(x), 1.0)
            above, below = x + h, x - h
            out[i] = (f(above, *data) - f(below, *data)) / (above - below)
        return out

    return _strict(derivative)


def _central_gradient(f: Any) -> Any:
    def gradient(x, *data):  # type: ignore[no-untyped-def]
        out = np.empty(x.size)
        moved = x.copy()
        for i in range(x.size):
            h = FIRST_STEP * max(abs(x[i]), 1.0)
            above, below = x[i] + h, x[i] - h
            moved[i] = above
            high = f(moved, *data)
            moved[i] = below
            out[i] = (high - f(moved, *data)) / (above - below)
            moved[i] = x[i]
        return out

    return _strict(gradient)


def _central_value_and_gradient(f: Any) -> Any:
    gradient = _central_gradient(f)

    def both(x, *data):  # type: ignore[no-untyped-def]
        return f(x, *data), gradient(x, *data)

    return _strict(both)


def _central_hessian(f: Any) -> Any:
    def hessian(x, *data):  # type: ignore[no-untyped-def]
        n = x.size
        out = np.empty((n, n))
        h = np.empty(n)
        for i in range(n):
            h[i] = (x[i] + SECOND_STEP * max(abs(x[i]), 1.0)) - x[i]
        moved = x.copy()
        middle = f(moved, *data)
        for i in range(n):
            moved[i] = x[i] + h[i]
            high = f(moved, *data)
            moved[i] = x[i] - h[i]
            out[i, i] = ((high - middle) + (f(moved, *data) - middle)) / (h[i] * h[i])
            for j in range(i):
                # Four corners, signs ++ +- -- -+.
                moved[i], moved[j] = x[i] + h[i], x[j] + h[j]
                corners = f(moved, *data)
                moved[j] = x[j] - h[j]
                corners -= f(moved, *data)
                moved[i] = x[i] - h[i]
                corners += f(moved, *data)
                moved[j] = x[j] + h[j]
                corners -= f(moved, *data)
                moved[j] = x[j]
                out[i, j] = out[j, i] = corners / (4.0 * h[i] * h[j])
            moved[i] = x[i]
        return out

    return _strict(hessian)


def _prepare(
    drivers: Drivers,
    strict: bool,
    operators: tuple[Operator, ...],
    form: Form,
    operator: Operator,
    point: Point,
) -> Prepared:
    """Build the driver; only the types and the number of variables of `point` are used."""
    from adbench.dual import numba as dual

    if operator not in operators or (operator is Operator.DERIVATIVE and not form.elementwise):
        raise NotImplementedError(
            f"Numba is not asked for '{operator.value}' of this form; it offers "
            f"{', '.join(o.value for o in operators)}; a derivative only of elementwise forms"
        )
    f, args = form.build(_words()), arrays(point)
    if operator is Operator.VALUE:
        value = dual.elementwise if form.elementwise else dual.primal
        call = value(f, strict=strict)
    else:
        call = drivers(operator, f, args)
    # The types alone are kept: arguments would occupy memory while the case is measured.
    now = partial(dual.compile_types, call, dual.call_types(call, *args))
    return Prepared(call, arrays, decode, compile=now, describe=partial(_describe, call))


def _describe(driver: Any) -> dict[str, int]:
    from adbench.dual import numba as dual

    size = dual.code_bytes(driver)
    return {} if size is None else {"code_bytes": size}


def _method(
    name: str,
    summary: str,
    mode: str,
    drivers: Drivers,
    rtol: Mapping[Operator, float] | None = None,
    strict: bool = False,
    operators: tuple[Operator, ...] = OPERATORS,
) -> Method:
    return Method(
        name=name,
        summary=summary,
        tool="numba",
        mode=mode,
        reads=("numba", "scalar"),
        operators=operators,
        prepare=partial(_prepare, drivers, strict, operators),
        requires=("numba",),
        imports=("adbench.dual.numba",),
        rtol=rtol or {},
        compiles=True,
    )


# What both say of LLVM's freedom (`adbench.dual.numba.RELAXED`).
_RELAXED = "LLVM may reorder sums (relaxed: contract, reassoc, nsz, arcp; NaN and infinity kept)"

METHODS = [
    _method(
        "numba-dual",
        f"the text compiled by Numba for our dual numbers; {_RELAXED}",
        "forward",
        partial(_dual, False),
    ),
    _method(
        "numba-dual-strict",
        "numba-dual in IEEE arithmetic: sums of values and derivatives keep their order",
        "forward",
        partial(_dual, True),
        strict=True,
    ),
    _method(
        "numba-tape",
        f"the text compiled by Numba to record a tape, and one sweep back over it; {_RELAXED}",
        "reverse",
        _tape,
        operators=REVERSE,
    ),
    _method(
        "numba-central",
        f"central differences inside one compiled function; {_RELAXED}",
        "difference",
        _central,
        _difference.CENTRAL,
    ),
]
