"""Products of array duals: of matrices, vectors and tensors, by the product rule."""

from collections.abc import Callable
from itertools import permutations
from string import ascii_letters
from typing import Any

import numpy as np

from adbench.dual.numpy.array_type import (
    METHODS,
    UFUNCS,
    DualArray,
    core,
    innermost,
    part,
)
from adbench.dual.numpy.blocks import total
from adbench.dual.numpy.elementwise import implements
from adbench.dual.numpy.joining import stack
from adbench.dual.numpy.layout import Array, aligned, full
from adbench.dual.numpy.shapes import axes_of, diagonal, moveaxis

Times = Callable[..., Array]  # a product with a leading axis more in one operand or in all


def _by_rule(value: Array, operands: tuple[Any, ...], times: Times) -> DualArray:
    """The dual of a product that is linear in each operand.

    Parameters
    ----------
    times : callable
        ``times(which, *operands)``, where those operands whose numbers are in `which` have a leading
        axis in front.
    """
    seed = innermost(operands)
    values = [part(x, seed) for x in operands]
    ours = [n for n, x in enumerate(operands) if type(x) is DualArray and x.seed is seed]

    def product(parts: dict[int, Array]) -> Array:
        return times(tuple(parts), *(parts.get(n, v) for n, v in enumerate(values)))

    t = {n: full(operands[n].tangents, operands[n].shape) for n in ours}
    tangents, h = None, None
    for n in ours:
        tangents = total(tangents, product({n: t[n]}))
        bent = operands[n].curvatures
        h = h if bent is None else total(h, product({n: full(bent, operands[n].shape)}))
    if seed.i is not None:
        for m, n in permutations(ours, 2):
            h = total(h, product({m: t[m][seed.i], n: t[n][seed.j]}))
    return DualArray(value, tangents, h, seed)


@implements(np.matmul)
def matmul(a: Any, b: Any) -> DualArray:
    """As `numpy.matmul`."""
    seed = innermost((a, b))
    p, q = (np.ndim(core(x)) for x in (a, b))

    def times(which: tuple[int, ...], x: Any, y: Any) -> Array:
        # vectors become a row on the left, a column on the right; stacks of matrices keep their place
        left = x[..., None, :] if p == 1 else x
        right = y[..., :, None] if q == 1 else y
        n = max(p, q, 2)
        left = aligned(left, n) if 0 in which else left
        right = aligned(right, n) if 1 in which else right
        r = np.matmul(left, right)
        r = r[..., 0] if q == 1 else r
        return r[..., 0] if p == q == 1 else r[..., 0, :] if p == 1 else r

    return _by_rule(np.matmul(part(a, seed), part(b, seed)), (a, b), times)


@implements(np.dot)
def _dot(a: Any, b: Any) -> Any:
    p, q = np.ndim(core(a)), np.ndim(core(b))
    if p == 0 or q == 0:
        return UFUNCS[np.multiply](a, b)
    if q <= 2 and p <= 2:
        return matmul(a, b)
    return tensordot(a, b, (-1, -2 if q > 1 else -1))


@implements(np.vdot)
def _vdot(a: Any, b: Any) -> Any:
    return _dot(np.ravel(a), np.ravel(b))


@implements(np.inner)
def _inner(a: Any, b: Any) -> Any:
    if np.ndim(core(a)) == 0 or np.ndim(core(b)) == 0:
        return UFUNCS[np.multiply](a, b)
    return tensordot(a, b, (-1, -1))


@implements(np.outer, getattr(np.linalg, "outer", None))
def _outer(a: Any, b: Any) -> Any:
    return UFUNCS[np.multiply](np.reshape(a, (-1, 1)), np.ravel(b))


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """As `numpy.tensordot`: one product of two matrices."""
    p, q = np.shape(core(a)), np.shape(core(b))
    if isinstance(axes, (int, np.integer)):
        axes = tuple(range(len(p) - axes, len(p))), tuple(range(axes))
    i, j = axes_of(axes[0], len(p)), axes_of(axes[1], len(q))
    rest_a = tuple(n for n in range(len(p)) if n not in i)
    rest_b = tuple(n for n in range(len(q)) if n not in j)
    shape = tuple(p[n] for n in rest_a) + tuple(q[n] for n in rest_b)
    inside = int(np.prod([p[n] for n in i], dtype=int))
    left = np.reshape(np.transpose(a, rest_a + i), (-1, inside))
    right = np.reshape(np.transpose(b, j + rest_b), (inside, -1))
    return np.reshape(matmul(left, right), shape)


@implements(np.einsum)
def _einsum(subscripts: Any, *operands: Any, optimize: Any = False) -> DualArray:
    if not isinstance(subscripts, str):
        raise TypeError(
            "np.einsum of array duals takes its subscripts as a string, such as 'ij,j->i'"
        )
    inputs, output = _explicit(subscripts)
    k = next(c for c in ascii_letters if c not in subscripts)

    def times(which: tuple[int, ...], *parts: Any) -> Array:
        marked = [k + s if n in which else s for n, s in enumerate(inputs)]
        return np.einsum(f"{','.join(marked)}->{k}{output}", *parts, optimize=optimize)

    seed = innermost(operands)
    values = [part(x, seed) for x in operands]
    return _by_rule(np.einsum(subscripts, *values, optimize=optimize), operands, times)


def _explicit(subscripts: str) -> tuple[list[str], str]:
    """Subscripts of the operands and of the result, where a missing arrow is made up for."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    if not arrow:
        letters = left.replace("...", "").replace(",", "")
        right = "..." * ("..." in left)
        right += "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return left.split(","), right


@implements(np.kron)
def _kron(a: Any, b: Any) -> Any:
    n = max(np.ndim(core(a)), np.ndim(core(b)))
    p, q = (((1,) * (n - np.ndim(core(x))) + np.shape(core(x))) for x in (a, b))
    left = np.reshape(a, tuple(m for size in p for m in (size, 1)))
    right = np.reshape(b, tuple(m for size in q for m in (1, size)))
    return np.reshape(left * right, tuple(x * y for x, y in zip(p, q, strict=True)))


@implements(np.cross, getattr(np.linalg, "cross", None))
def _cross(a: Any, b: Any, *, axis: int = -1) -> Any:
    a, b = np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1)
    if np.shape(core(a))[-1] != 3 or np.shape(core(b))[-1] != 3:
        raise TypeError("np.cross of array duals takes vectors of three elements")
    parts = [a[..., i] * b[..., j] - a[..., j] * b[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return moveaxis(stack(parts, -1), -1, axis)


@implements(np.convolve)
def _convolve(a: Any, v: Any, mode: str = "full") -> DualArray:
    convolve: Any = np.convolve  # whose modes are literals to the type checker

    def times(which: tuple[int, ...], x: Any, y: Any) -> Array:
        count = len(x) if 0 in which else len(y)
        rows = (
            convolve(x[i] if 0 in which else x, y[i] if 1 in which else y, mode)
            for i in range(count)
        )
        return np.stack(list(rows))

    seed = innermost((a, v))
    return _by_rule(convolve(part(a, seed), part(v, seed), mode), (a, v), times)


@implements(np.trace)
def trace(a: DualArray, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """As `numpy.trace`."""
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1)


@implements(getattr(np.linalg, "trace", None))
def _matrix_trace(x: DualArray, *, offset: int = 0) -> Any:
    return trace(x, offset, -2, -1)


@implements(getattr(np, "vecdot", None), getattr(np.linalg, "vecdot", None))
def _vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    return np.sum(np.multiply(x1, x2), axis=axis)


@implements(getattr(np, "matvec", None))
def _matvec(x1: Any, x2: Any) -> Any:
    return matmul(x1, x2[..., None])[..., 0]


@implements(getattr(np, "vecmat", None))
def _vecmat(x1: Any, x2: Any) -> Any:
    return matmul(x1[..., None, :], x2)[..., 0, :]


METHODS.update(dot=_dot, trace=trace)
