r"""Numba: the scalar text compiled for dual numbers, and central differences around it.

Both methods compile the same unmodified text with the same flags (``adbench.dual.numba``): division
by zero as in NumPy, and LLVM free to reorder and contract as far as NaN and infinity keep their
meaning. Both compile in `prepare`, for the types of the arguments, so the first call only runs. Each
call returns a new array (or ``(float, array)`` for value and gradient), as a SciPy user would want.
Nothing is cached on disk, so that every process pays for compilation.

`numba-dual` is exact; for 2 or 3 variables it compiles f for floats first, to see which layout of
tangents suits it (`adbench.dual.numba.suited_layout`). `numba-central` does all its evaluations inside one compiled function:

- first derivatives: :math:`(f(x_+) - f(x_-)) / (x_+ - x_-)` with :math:`x_\pm = \mathrm{fl}(x \pm h)`, so that
  the steps taken are the steps divided by; :math:`h = \epsilon^{1/3} \max(|x|, 1)`, where truncation
  :math:`h^2 f'''/6` and rounding :math:`\epsilon f / h` balance; 2 evaluations a variable;
- Hessian: the usual second-order stencils with :math:`h = \mathrm{fl}(\mathrm{fl}(x + h_0) - x)`,
  :math:`h_0 = \epsilon^{1/4} \max(|x|, 1)`; about 2 n^2 evaluations.

The loops of differences themselves are compiled without relaxed flags: LLVM would otherwise cancel
the x in :math:`x_+ - x_-` and undo the rounding. The promises follow from the balance: relative errors
of :math:`\epsilon^{2/3} = 4 \times 10^{-11}` and :math:`\epsilon^{1/2} = 1.5 \times 10^{-8}`, times
`SAFETY` for a function whose derivatives outgrow its value. Source: W. H. Press et al., Numerical
Recipes, 3rd edition, section 5.7.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from adbench.model import ELEMENTARY, Floats, Form, Method, Operator, Point, Prepared, namespace

EPS = sys.float_info.epsilon
FIRST_STEP = EPS ** (1 / 3)
SECOND_STEP = EPS ** (1 / 4)
SAFETY = 1e4

OPERATORS = (
    Operator.VALUE,
    Operator.DERIVATIVE,
    Operator.GRADIENT,
    Operator.VALUE_AND_GRADIENT,
    Operator.HESSIAN,
)
Function = Callable[..., Any]
Drivers = Callable[[Operator, Function, tuple[Any, ...]], Any]


def _words() -> ModuleType:
    return namespace("numba-math", {name: getattr(math, name) for name in ELEMENTARY})


def _dual(operator: Operator, f: Function, args: tuple[Any, ...]) -> Any:
    """The compiled dual driver of an operator other than VALUE."""
    from adbench.dual import numba as dual

    if operator is Operator.DERIVATIVE:
        return dual.derivative(f)
    drivers: Mapping[Operator, Function] = {
        Operator.GRADIENT: dual.gradient,
        Operator.VALUE_AND_GRADIENT: dual.value_and_gradient,
        Operator.HESSIAN: dual.hessian,
    }
    n = len(args[0])
    return drivers[operator](f, n, layout=dual.suited_layout(f, n, *args))


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


def _encode(point: Point) -> tuple[Any, ...]:
    x, data = point.fresh()
    return (x, *data)


def _decode(result: Any) -> Floats:
    parts = result if isinstance(result, tuple) else (result,)
    arrays = [np.array(p, dtype=np.float64) for p in parts]
    return arrays[0] if len(arrays) == 1 else np.concatenate([np.ravel(a) for a in arrays])


def _prepare(drivers: Drivers, form: Form, operator: Operator, point: Point) -> Prepared:
    """Build and compile; only the types and the number of variables of `point` are used."""
    from adbench.dual import numba as dual

    if operator not in OPERATORS or (operator is Operator.DERIVATIVE and not form.elementwise):
        raise NotImplementedError(
            f"Numba is not asked for '{operator.value}' of this form; "
            f"it offers {', '.join(o.value for o in OPERATORS)}, the derivative of elementwise forms"
        )
    f, args = form.build(_words()), _encode(point)
    try:
        if operator is Operator.VALUE:
            call = dual.elementwise(f) if form.elementwise else dual.primal(f)
        else:
            call = drivers(operator, f, args)
        return Prepared(dual.compile_for(call, *args), _encode, _decode)
    except dual.UnsupportedFunctionError as error:
        raise NotImplementedError(str(error)) from error


def _method(
    name: str, summary: str, mode: str, drivers: Drivers, rtol: Mapping[Operator, float]
) -> Method:
    return Method(
        name=name,
        summary=summary,
        tool="numba",
        mode=mode,
        reads=("numba", "scalar"),
        operators=OPERATORS,
        prepare=partial(_prepare, drivers),
        requires=("numba",),
        imports=("adbench.dual.numba",),
        rtol=rtol,
        compiles=True,
    )


_FIRST = SAFETY * FIRST_STEP**2
METHODS = [
    _method("numba-dual", "the text compiled by Numba for our dual numbers", "forward", _dual, {}),
    _method(
        "numba-central",
        "central differences inside one compiled function",
        "difference",
        _central,
        {
            Operator.DERIVATIVE: _FIRST,
            Operator.GRADIENT: _FIRST,
            Operator.VALUE_AND_GRADIENT: _FIRST,
            Operator.HESSIAN: SAFETY * SECOND_STEP**2,
        },
    ),
]
