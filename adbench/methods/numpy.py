r"""Finite differences and the complex step over NumPy code: one more run of f for each variable.

Steps (eps: machine epsilon of x's dtype; Press et al., Numerical Recipes, section 5.7). With
:math:`s_i = \max(|x_i|, 1)`:

=========================  ======================================  ======================
what                       formula                                 step :math:`h_i`
=========================  ======================================  ======================
forward difference         (f(x + h) - f(x)) / h                   eps^(1/2) s_i
central difference         (f(x + h) - f(x - h)) / 2h              eps^(1/3) s_i
second central difference  four corners, or f(+h) - 2 f + f(-h)    eps^(1/4) s_i
complex step               Im f(x + ih) / h                        2^-100 of |x_i|
=========================  ======================================  ======================

The step is rounded so that :math:`|x_i| + h_i` is a floating-point number: what f sees is exactly
what the quotient assumes. What differences promise, and why, is in `adbench.methods._difference`.

The complex step (Squire & Trapp, SIAM Review 40, 1998, 110) subtracts nothing, so it is promised
exactly. Its namespace lacks what is not analytic: abs, comparisons by maximum, sign and the like
raise NotImplementedError instead of giving a wrong answer.

Namespaces: ``numpy`` with SciPy's special functions; ``math`` for the scalar form; for complex steps
``cmath`` with SciPy's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods import _difference
from adbench.methods._shared import decode
from adbench.model import Floats, Form, Method, Operator, Point, Prepared, namespace

Function = Callable[..., Any]
Steps = Callable[[Any, float], Any]

FIRST_ORDER = (Operator.VALUE, *_difference.FIRST)


def steps(x: Any, exponent: float) -> Floats:
    """Steps ``eps**exponent * max(|x_i|, 1)``, rounded so that ``|x_i| + h_i`` is exact.

    `eps` is the machine epsilon of x's dtype. The step away from zero is then exact; so is the one
    towards zero, since it only drops digits.
    """
    size = np.abs(np.asarray(x))
    h = np.finfo(size.dtype).eps ** exponent * np.maximum(size, 1.0)
    exact: Floats = (size + h) - size
    return exact


def _forward(f: Function) -> Mapping[Operator, Function]:
    def derivative(x: Floats, *data: Any) -> Any:
        h = np.copysign(steps(x, 1 / 2), x)
        return (f(x + h, *data) - f(x, *data)) / h

    def both(x: Any, *data: Any) -> tuple[Any, Floats]:
        value, y, gradient = f(x, *data), x.copy(), np.empty(len(x))
        for i, h in enumerate(np.copysign(steps(x, 1 / 2), x).tolist()):
            y[i] = x[i] + h
            gradient[i] = (f(y, *data) - value) / h
            y[i] = x[i]
        return value, gradient

    return {
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: lambda x, *data: both(x, *data)[1],
        Operator.VALUE_AND_GRADIENT: both,
    }


def _central(f: Function) -> Mapping[Operator, Function]:
    def derivative(x: Floats, *data: Any) -> Any:
        h = steps(x, 1 / 3)
        return (f(x + h, *data) - f(x - h, *data)) / (2.0 * h)

    def gradient(x: Any, *data: Any) -> Floats:
        y, result = x.copy(), np.empty(len(x))
        for i, h in enumerate(steps(x, 1 / 3).tolist()):
            y[i] = x[i] + h
            above = f(y, *data)
            y[i] = x[i] - h
            result[i] = (above - f(y, *data)) / (2.0 * h)
            y[i] = x[i]
        return result

    return {
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: gradient,
        Operator.VALUE_AND_GRADIENT: lambda x, *data: (f(x, *data), gradient(x, *data)),
        Operator.HESSIAN: lambda x, *data: _hessian(f, x, data),
    }


def _hessian(f: Function, x: Any, data: tuple[Any, ...]) -> Floats:
    """Second central differences: two runs an element of the diagonal, four a pair."""
    h = steps(x, 1 / 4).tolist()
    centre, n = f(x, *data), len(x)
    result = np.empty((n, n))

    def at(*moves: tuple[int, float]) -> Any:
        y = x.copy()
        for i, step in moves:
            y[i] = x[i] + step
        return f(y, *data)

    for i, a in enumerate(h):
        result[i, i] = (at((i, a)) - 2.0 * centre + at((i, -a))) / (a * a)
        for j in range(i):
            b = h[j]
            above = at((i, a), (j, b)) - at((i, a), (j, -b))
            below = at((i, -a), (j, b)) - at((i, -a), (j, -b))
            result[i, j] = result[j, i] = (above - below) / (4.0 * a * b)
    return result


def _complex_step(f: Function) -> Mapping[Operator, Function]:
    def derivative(x: Floats, *data: Any) -> Any:
        h = _tiny(x)
        return np.imag(f(x + 1j * h, *data)) / h

    def gradient(x: Any, *data: Any) -> tuple[Any, Floats]:
        y = np.asarray(x).astype(np.complex128)
        y = y.tolist() if isinstance(x, list) else y
        value, result = 0.0, np.empty(len(x))
        for i, h in enumerate(_tiny(x).tolist()):
            y[i] = complex(x[i], h)
            z = f(y, *data)
            value, result[i] = z.real, z.imag / h
            y[i] = complex(x[i], 0.0)
        return value, result

    return {
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: lambda x, *data: gradient(x, *data)[1],
        Operator.VALUE_AND_GRADIENT: gradient,
    }


def _tiny(x: Any) -> Floats:
    """Imaginary steps: about 2**-100 of each |x_i|, powers of two so that dividing by them is exact."""
    powers: Floats = np.ldexp(1.0, np.frexp(np.asarray(x))[1] - 100)
    return powers


def _real_words(form: Form) -> ModuleType:
    from adbench.dual import elementary

    if form.name == "array":
        return namespace("numpy", elementary.numpy_words())
    return namespace("math", dict(elementary.FLOAT))


def _complex_words(form: Form) -> ModuleType:
    from adbench.dual import elementary

    if form.name == "array":
        return namespace("numpy.complex", elementary.complex_numpy_words())
    return namespace("cmath", dict(elementary.COMPLEX))


def _prepare(
    ways: Callable[[Function], Mapping[Operator, Function]],
    words: Callable[[Form], ModuleType],
    form: Form,
    operator: Operator,
    point: Point,
) -> Prepared:
    scalar = form.name != "array"
    real = operator is Operator.VALUE
    f = form.build(_real_words(form) if real else words(form))
    f = _at_each(f) if scalar and form.elementwise else f

    def encode(at: Point) -> tuple[Any, ...]:
        x, data = at.fresh()
        if not scalar:
            return (x, *data)
        # Python code computes faster with Python's numbers than with elements of arrays
        lists = tuple(d.tolist() if isinstance(d, np.ndarray) else d for d in data)
        return (x if form.elementwise else x.tolist(), *lists)

    return Prepared(f if real else ways(f)[operator], encode, decode)


def _at_each(f: Function) -> Function:
    """Scalar code at every element of an array."""
    return lambda x, *data: np.array([f(v, *data) for v in x.tolist()])


def _prepare_complex(form: Form, operator: Operator, point: Point) -> Prepared:
    prepared = _prepare(_complex_step, _complex_words, form, operator, point)
    if operator is not Operator.VALUE:
        _try_complex(form, point)
    return prepared


def _try_complex(form: Form, point: Point) -> None:
    """One run of f on complex numbers; raises NotImplementedError when f cannot take them."""
    f = form.build(_complex_words(form))
    x = point.x + 0j
    one = complex(x[0]) if form.elementwise else x.tolist()
    try:
        f(x if form.name == "array" else one, *point.data)
    except TypeError as error:
        raise NotImplementedError(
            f"complex step needs a function that takes complex numbers: {error}"
        ) from error


METHODS = [
    Method(
        name="numpy-forward",
        summary="forward differences: the cheapest derivative, to about half the digits",
        tool="numpy",
        mode="difference",
        reads=("array", "scalar"),
        operators=FIRST_ORDER,
        prepare=partial(_prepare, _forward, _real_words),
        rtol=_difference.FORWARD,
        imports=("adbench.dual.elementary",),
    ),
    Method(
        name="numpy-central",
        summary="central differences: what most fits use, to about two thirds of the digits",
        tool="numpy",
        mode="difference",
        reads=("array", "scalar"),
        operators=(*FIRST_ORDER, Operator.HESSIAN),
        prepare=partial(_prepare, _central, _real_words),
        rtol=_difference.CENTRAL,
        imports=("adbench.dual.elementary",),
    ),
    Method(
        name="complex-step",
        summary="one complex run a variable: exact, for analytic functions only",
        tool="numpy",
        mode="complex-step",
        reads=("array", "scalar"),
        operators=FIRST_ORDER,
        prepare=_prepare_complex,
        imports=("adbench.dual.elementary",),
        gaps={
            "non-analytic": "complex step needs an analytic function: abs and comparisons are not"
        },
    ),
]
