"""Linear algebra of array duals: solve, inverse, determinant, Cholesky factor, norms, powers.

What solves an equation is corrected towards its solution (Newton's way): from the solution for the
values alone, one correction gives the tangents and a second one the curvatures, exactly. For
``A X = 1``, e.g., the correction of X is ``X0 (1 - A X)``. So no second derivative is written down,
and nested duals need nothing of their own.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from adbench.dual.numpy.array_type import (
    FUNCTIONS,
    DualArray,
    core,
    innermost,
    linear,
    part,
)
from adbench.dual.numpy.elementwise import implements, same_value, valued
from adbench.dual.numpy.products import matmul, tensordot
from adbench.dual.numpy.seeds import Seed
from adbench.dual.numpy.shapes import Axes, axes_of, matrix_transpose, moveaxis

# NumPy 1 solves for vectors where b has one axis less than a; NumPy 2 only where it has one.
_STACKS_OF_VECTORS = np.lib.NumpyVersion(np.__version__) < "2.0.0"


def corrected(seed: Seed, start: Any, correction: Callable[[Any], Any]) -> DualArray:
    """The solution of an equation, from that for the values alone.

    Parameters
    ----------
    start : array
        The solution where all duals of this pass are their values.
    correction : callable
        Maps an approximate solution to a step towards the solution, whose value is rounding alone.
    """
    solution = start
    for _ in range(1 if seed.i is None else 2):
        solution = valued(start, solution + correction(solution))
    result: DualArray = solution
    return result


@implements(np.linalg.inv)
def inv(a: DualArray) -> DualArray:
    """As `numpy.linalg.inv`."""
    x0 = np.linalg.inv(a.value)
    one = np.eye(a.shape[-1])
    return corrected(a.seed, x0, lambda x: matmul(x0, one - a @ x))


@implements(np.linalg.solve)
def _solve(a: Any, b: Any) -> DualArray:
    seed = innermost((a, b))
    p, n = part(a, seed), np.ndim(core(b))
    vector = n == 1 or (_STACKS_OF_VECTORS and n == np.ndim(core(a)) - 1)
    columns = b[..., None] if vector else b
    columns = columns[(None,) * (np.ndim(core(a)) - np.ndim(core(columns)))]
    x0 = np.linalg.solve(p, part(columns, seed))
    x = corrected(seed, x0, lambda x: _solved(p, columns - np.matmul(a, x)))
    return x[..., 0] if vector else x


def _solved(p: Any, residual: DualArray) -> DualArray:
    """``p^-1 residual`` for a matrix that is a constant; one factorisation for all directions."""

    def solve(t: Any) -> Any:
        k, (n, m) = t.shape[0], t.shape[-2:]
        side = np.moveaxis(t, 0, -2)
        flat = np.reshape(side, (*side.shape[:-3], n, k * m))
        x = np.linalg.solve(p, flat)
        return np.moveaxis(np.reshape(x, (*x.shape[:-1], k, m)), -2, 0)

    return linear(residual, residual.value, solve)


@implements(np.linalg.cholesky)
def _cholesky(a: DualArray, *, upper: bool = False) -> DualArray:
    """Of the lower triangle, as NumPy: what stands above the diagonal has no influence."""
    if upper:
        return matrix_transpose(_cholesky(matrix_transpose(a)))
    symmetric = np.tril(a) + np.swapaxes(np.tril(a, -1), -1, -2)
    factor = np.linalg.cholesky(a.value)
    inverse = np.linalg.inv(factor)
    across = np.swapaxes(inverse, -1, -2)
    n = a.shape[-1]
    half = np.tril(np.ones((n, n)), -1) + 0.5 * np.eye(n)

    def correction(x: Any) -> Any:
        residual = symmetric - np.matmul(x, np.swapaxes(x, -1, -2))
        return matmul(factor, half * matmul(matmul(inverse, residual), across))

    return corrected(a.seed, factor, correction)


def _deviation(a: DualArray) -> DualArray:
    """``A0^-1 A - 1``, whose value is zero."""
    e = matmul(np.linalg.inv(a.value), a)
    return DualArray(np.zeros_like(core(e)), e.tangents, e.curvatures, e.seed)


def _traces(a: DualArray) -> tuple[Any, Any]:
    """Traces of the deviation and of its square: log det to second order is t1 - t2 / 2."""
    e = _deviation(a)
    trace = np.trace(e, axis1=-2, axis2=-1)
    return trace, np.sum(e * matrix_transpose(e), axis=(-2, -1))


@implements(np.linalg.slogdet)
def _slogdet(a: DualArray) -> Any:
    sign, value = np.linalg.slogdet(a.value)
    t1, t2 = _traces(a)
    logarithm = valued(value, value + (t1 - 0.5 * t2))
    kind: Any = type(np.linalg.slogdet(np.eye(1)))
    return kind(core(sign), logarithm) if kind is not tuple else (core(sign), logarithm)


@implements(np.linalg.det)
def _det(a: DualArray) -> DualArray:
    """A singular matrix has derivatives too, through its singular vectors; nested ones have none."""
    value = np.linalg.det(a.value)
    if type(a.value) is DualArray:
        t1, t2 = _traces(a)
        result = value * (1.0 + t1 + 0.5 * (t1 * t1 - t2))
    else:
        u, s, vt = np.linalg.svd(a.value)
        turned = matmul(matmul(np.swapaxes(u, -1, -2), a), np.swapaxes(vt, -1, -2))
        result = np.linalg.det(u) * np.linalg.det(vt) * _nearly_diagonal(turned, s)
    made: DualArray = valued(value, result)
    return made


def _nearly_diagonal(m: DualArray, s: Any) -> Any:
    """The determinant of a matrix of value diag(s), to second order.

    Of the permutations, the identity and the exchanges of two: all others have three or more factors
    beside the diagonal, which are zero but for their tangents.
    """
    diagonal = np.diagonal(m, axis1=-2, axis2=-1)
    result = np.prod(diagonal, axis=-1)
    n = s.shape[-1]
    if m.seed.i is None or n < 2:
        return result
    i, j = np.triu_indices(n, 1)
    others = np.ones((len(i), n), bool)
    others[np.arange(len(i)), i] = others[np.arange(len(i)), j] = False
    rest = np.prod(np.where(others, s[..., None, :], 1.0), axis=-1)
    beside = DualArray(np.zeros(m.shape), m.tangents, m.curvatures, m.seed)
    return result - np.sum(beside[..., i, j] * beside[..., j, i] * rest, axis=-1)


@implements(np.linalg.matrix_power)
def _matrix_power(a: DualArray, n: int) -> Any:
    if n == 0:
        return a * 0.0 + np.eye(a.shape[-1])
    if n < 0:
        return _matrix_power(inv(a), -n)
    half = _matrix_power(a, n // 2) if n > 1 else None
    if half is None:
        return np.copy(a)
    square = matmul(half, half)
    return matmul(square, a) if n % 2 else square


@implements(np.linalg.multi_dot)
def _multi_dot(arrays: Sequence[Any]) -> Any:
    return same_value(np.linalg.multi_dot, reduce(np.dot, arrays), arrays)


@implements(getattr(np.linalg, "tensordot", None))
def _tensordot(x1: Any, x2: Any, *, axes: Any = 2) -> Any:
    return tensordot(x1, x2, axes)


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Axes = None, *, keepdims: bool = False) -> Any:
    """As `numpy.linalg.norm`; slope 0 where a root is taken of zero."""
    axes = axes_of(axis, x.ndim)
    if ord is None or ord == "fro" or (ord == 2 and len(axes) == 1):
        return np.sqrt(np.sum(x * x, axis=axes, keepdims=keepdims))
    size = np.abs(x)
    if len(axes) == 1:
        return _vector_norm(size, ord, axes, keepdims)
    if ord in (1, -1, np.inf, -np.inf) and len(axes) == 2:
        row, column = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(size, axis=row, keepdims=True)
        extreme = np.max if ord > 0 else np.min
        result = extreme(sums, axis=column, keepdims=True)
        return result if keepdims else moveaxis(result, axes, (0, 1))[0, 0]
    raise TypeError(
        f"np.linalg.norm of an array dual has no ord={ord!r} for {len(axes)} axes, which takes "
        "singular values: use 'fro', 1, -1, inf or -inf for matrices"
    )


def _vector_norm(size: Any, ord: float, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord in (np.inf, -np.inf):
        return (np.max if ord > 0 else np.min)(size, axis=axes, keepdims=keepdims)
    if ord == 0:
        return np.sum(core(size) != 0, axis=axes, keepdims=keepdims).astype(float)
    if ord == 1:
        return np.sum(size, axis=axes, keepdims=keepdims)
    return np.sum(size**ord, axis=axes, keepdims=keepdims) ** (1.0 / ord)


def _vector(x: Any, *, axis: Axes = None, keepdims: bool = False, ord: Any = 2) -> Any:
    return norm(np.ravel(x) if axis is None else x, ord, axis, keepdims=keepdims)


def _matrix(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return norm(x, ord, (-2, -1), keepdims=keepdims)


implements(getattr(np.linalg, "vector_norm", None))(_vector)
implements(getattr(np.linalg, "matrix_norm", None))(_matrix)
_SINGULAR = "use solve, inv, det, slogdet or cholesky"


def _refused(name: str) -> Any:
    def refuse(*_: Any, **__: Any) -> Any:
        raise TypeError(f"array duals have no np.linalg.{name}: {_SINGULAR} where that will do")

    return refuse


for _name in ("eig", "eigh", "eigvals", "eigvalsh", "svd", "qr", "lstsq", "pinv", "matrix_rank",
              "cond"):  # fmt: skip
    FUNCTIONS[getattr(np.linalg, _name)] = _refused(_name)
