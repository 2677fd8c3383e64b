r"""The complex step around a function of arrays or lists, and what a text may say to complex numbers.

Im f(x + ih) / h (Squire & Trapp, SIAM Review 40, 1998, 110): nothing is subtracted, so no digit is
lost. h = 2^-200 for every variable, and h v along a direction v: far below any variable for which it
could be too large, so that its square is nothing, and a power of two, so that dividing by it is exact. Steps in
proportion to the variables would take a tenth of the time of a short gradient to find.

The namespaces lack what is not analytic. The Cholesky factor of complex matrices in NumPy conjugates;
here it is the analytic one, which on real matrices is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods._numpy_differences import as_array, as_vector, like
from adbench.methods._shared import Function, cannot_nest, parts, propagated
from adbench.model import Floats, Form, Operator, Pattern, namespace

STEP = 2.0**-200


def complex_step(
    f: Function, k: int, pattern: Pattern | None, h: float = STEP
) -> Mapping[Operator, Function]:
    """The operators of the complex step; parameters as of `_numpy_differences.forward`.

    `h`, a power of two, is the step of each variable.
    """

    def derivative(x: Floats, *data: Any) -> Floats:
        y, result = x.astype(np.complex128), np.empty(len(x))
        for part in parts(k, len(x)):
            y.imag[part] = h
            result[part] = np.imag(f(y, *data)) / h
            y.imag[part] = 0.0
        return result

    def gradient(x: Any, *data: Any) -> Floats:
        (y, numbers), result = _both_kinds(x), np.empty(len(x))
        for i, centre in enumerate(numbers):
            y[i] = complex(centre, h)
            result[i] = f(y, *data).imag / h
            y[i] = complex(centre)
        return result

    def both(x: Any, *data: Any) -> tuple[Any, Floats]:
        (y, numbers), result, z = _both_kinds(x), np.empty(len(x)), 0j
        for i, centre in enumerate(numbers):
            y[i] = complex(centre, h)
            z = f(y, *data)
            result[i] = z.imag / h
            y[i] = complex(centre)
        return z.real, result

    def jacobian(x: Any, *data: Any) -> Floats:
        (y, numbers), columns = _both_kinds(x), []
        for i, centre in enumerate(numbers):
            y[i] = complex(centre, h)
            columns.append(np.imag(as_vector(f(y, *data))) / h)
            y[i] = complex(centre)
        return np.array(columns).T

    def along(x: Any, v: Floats, *data: Any) -> Floats:
        """Im f(x + i h v) / h."""
        y = np.array(x, dtype=np.complex128)
        y.imag = h * v
        slopes: Floats = np.imag(as_array(f(like(x, y), *data))) / h
        return slopes

    def entries(x: Any, *data: Any) -> Floats:
        assert pattern is not None
        return pattern.from_columns([along(x, seed, *data) for seed in pattern.seeds])

    return {
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: gradient,
        Operator.VALUE_AND_GRADIENT: both,
        Operator.JACOBIAN: entries if pattern else jacobian,
        Operator.JVP: along,
        Operator.PROPAGATE: propagated(jacobian),
    }


def _both_kinds(x: Any) -> tuple[Any, list[float]]:
    """A copy of x, an array or a list, in complex numbers, and its own as Python's, which are faster
    to compute with than elements of arrays.
    """
    if isinstance(x, np.ndarray):
        return x.astype(np.complex128), x.tolist()
    return [complex(v) for v in x], x


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
