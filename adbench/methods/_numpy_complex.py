r"""The complex step around a function of arrays or lists, and what a text may say to complex numbers.

Im f(x + ih) / h with h about 2^-100 of :math:`|x_i|` (Squire & Trapp, SIAM Review 40, 1998, 110):
nothing is subtracted, so no digit is lost, and h is so small that its square is nothing. Along a
direction v the step is h v with h = 2^-200, far below any variable for which it could be too large.

The namespaces lack what is not analytic. The Cholesky factor of complex matrices in NumPy conjugates;
here it is the analytic one, which on real matrices is the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods._numpy_differences import as_array, as_vector, like
from adbench.methods._shared import Function, cannot_nest, parts, propagated
from adbench.model import Floats, Form, Operator, Pattern, namespace

ALONG = 2.0**-200


def complex_step(
    f: Function, k: int, pattern: Pattern | None, bits: int = 100
) -> Mapping[Operator, Function]:
    """The operators of the complex step; parameters as of `_numpy_differences.forward`.

    Steps are about ``2**-bits`` of the variables, but for those along a direction.
    """

    def derivative(x: Floats, *data: Any) -> Floats:
        h, result = _tiny(x, bits), np.empty(len(x))
        y = x.astype(np.complex128)
        for part in parts(k, len(x)):
            y.imag[part] = h[part]
            result[part] = np.imag(f(y, *data)) / h[part]
            y.imag[part] = 0.0
        return result

    def gradient(x: Any, *data: Any) -> tuple[Any, Floats]:
        y, z = like(x, np.asarray(x).astype(np.complex128)), 0j
        result = np.empty(len(x))
        for i, (centre, h) in enumerate(_numbers(x, bits)):
            y[i] = complex(centre, h)
            z = f(y, *data)
            result[i] = z.imag / h
            y[i] = complex(centre)
        return z.real, result

    def jacobian(x: Any, *data: Any) -> Floats:
        y, columns = like(x, np.asarray(x).astype(np.complex128)), []
        for i, (centre, h) in enumerate(_numbers(x, bits)):
            y[i] = complex(centre, h)
            columns.append(np.imag(as_vector(f(y, *data))) / h)
            y[i] = complex(centre)
        return np.array(columns).T

    def moved(x: Any, moves: Floats, *data: Any) -> Floats:
        """Im f(x + i moves)."""
        y = np.array(x, dtype=np.complex128)
        y.imag = moves
        slopes: Floats = np.imag(as_array(f(like(x, y), *data)))
        return slopes

    def entries(x: Any, *data: Any) -> Floats:
        assert pattern is not None
        h = _tiny(x, bits)
        products = [moved(x, h * seed, *data) for seed in pattern.seeds]
        return pattern.from_columns(products) / h[pattern.columns]

    return {
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: lambda x, *data: gradient(x, *data)[1],
        Operator.VALUE_AND_GRADIENT: gradient,
        Operator.JACOBIAN: entries if pattern else jacobian,
        Operator.JVP: lambda x, v, *data: moved(x, ALONG * v, *data) / ALONG,
        Operator.PROPAGATE: propagated(jacobian),
    }


def _tiny(x: Any, bits: int) -> Floats:
    """Imaginary steps: about 2**-bits of each |x_i|, powers of two so that dividing by them is exact."""
    powers: Floats = np.ldexp(1.0, np.frexp(np.asarray(x))[1] - bits)
    return powers


def _numbers(x: Any, bits: int) -> list[tuple[float, float]]:
    """Each variable with its step, as Python numbers: arrays would cost more than a short f."""
    numbers = x.tolist() if isinstance(x, np.ndarray) else x
    return [(v, math.ldexp(1.0, math.frexp(v)[1] - bits)) for v in numbers]


def words(form: Form) -> ModuleType:
    """The namespace of a form's kind for complex numbers."""
    from adbench.dual import elementary

    nesting = {"derivative": cannot_nest("the complex step")}
    if form.name != "array":
        return namespace("cmath", {**elementary.COMPLEX, **nesting})
    own = {"linalg": _linear_algebra(), **nesting}
    return namespace("numpy.complex", {**elementary.complex_numpy_words(), **own})


def refuse_others(f: Function, x: Any, data: tuple[Any, ...]) -> None:
    """One run of f at complex x; raises NotImplementedError when f cannot take it."""
    try:
        f(x, *data)
    except TypeError as error:
        raise NotImplementedError(
            f"complex step needs a function that takes complex numbers: {error}"
        ) from error


def _linear_algebra() -> ModuleType:
    """What of numpy.linalg is analytic; norms, eigenvalues and singular values are not."""
    analytic = ("solve", "inv", "det", "matrix_power", "multi_dot")
    words: dict[str, Any] = {name: _refused(name) for name in np.linalg.__all__}
    words |= {name: getattr(np.linalg, name) for name in analytic}
    return namespace("numpy.linalg.complex", {**words, "cholesky": _cholesky})


def _refused(name: str) -> Any:
    if name == "LinAlgError":
        return np.linalg.LinAlgError

    def refuse(*_: Any, **__: Any) -> Any:
        raise NotImplementedError(
            f"complex step needs an analytic function, and NumPy's linalg.{name} is not"
        )

    return refuse


def _cholesky(a: Any) -> Any:
    """L with L L^T = a, column after column; a is symmetric and only its lower triangle is looked at."""
    lower = np.zeros_like(a)
    for j in range(len(a)):
        column = a[j:, j] - lower[j:, :j] @ lower[j, :j]
        lower[j:, j] = column / np.sqrt(column[0])
    return lower
