"""NumPy's functions that give an array dual another shape or order, as views where NumPy has views."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from adbench.dual.numpy.array_type import METHODS, DualArray, core, linear
from adbench.dual.numpy.elementwise import implements
from adbench.dual.numpy.layout import Path, aligned, lift
from adbench.dual.numpy.memory import view

Axes = int | Sequence[int] | None


def axes_of(axis: Axes, ndim: int) -> tuple[int, ...]:
    """Axes as non-negative numbers; None means all."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    if not all(-ndim <= i < ndim for i in axes):
        raise ValueError(f"axis {axis} of an array dual with {ndim} axes does not exist")
    return tuple(i % ndim for i in axes)


def _behind(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The same axes of derivatives, which have one more in front."""
    return tuple(i + 1 for i in axes)


def _seen(a: DualArray, value: Any, path: Path) -> DualArray:
    """A view where NumPy made one, and otherwise a copy."""
    if np.may_share_memory(core(value), core(a.value)):
        return view(a, value, path)
    return linear(a, value, lambda t: np.copy(path(t)))


@implements(np.reshape)
def reshape(a: DualArray, *shape: Any, order: str = "C", newshape: Any = None) -> DualArray:
    """As `numpy.reshape`."""
    if order != "C":
        raise TypeError(f"np.reshape of an array dual keeps order 'C', got '{order}'")
    wanted = newshape if not shape else shape[0] if len(shape) == 1 else shape
    value = a.value.reshape(wanted)
    target = value.shape
    return _seen(a, value, lambda t: t.reshape(t.shape[:1] + target))


@implements(np.ravel)
def ravel(a: DualArray, order: str = "C") -> DualArray:
    """As `numpy.ravel`."""
    return reshape(a, -1, order=order)


@implements(np.transpose, getattr(np, "permute_dims", None))
def transpose(a: DualArray, *axes: Any) -> DualArray:
    """As `numpy.transpose`."""
    if not axes or axes[0] is None:
        order = tuple(reversed(range(a.ndim)))
    else:
        order = axes_of(axes[0] if isinstance(axes[0], (tuple, list)) else axes, a.ndim)
    behind = (0, *_behind(order))
    return view(a, np.transpose(a.value, order), lambda t: np.transpose(t, behind))


@implements(np.swapaxes)
def swapaxes(a: DualArray, axis1: int, axis2: int) -> DualArray:
    """As `numpy.swapaxes`."""
    i, j = axes_of((axis1, axis2), a.ndim)
    return view(a, np.swapaxes(a.value, i, j), lambda t: np.swapaxes(t, i + 1, j + 1))


@implements(getattr(np, "matrix_transpose", None), getattr(np.linalg, "matrix_transpose", None))
def matrix_transpose(x: DualArray) -> DualArray:
    """The last two axes exchanged."""
    return swapaxes(x, -1, -2)


@implements(np.moveaxis)
def moveaxis(a: DualArray, source: Any, destination: Any) -> DualArray:
    """As `numpy.moveaxis`."""
    i, j = axes_of(source, a.ndim), axes_of(destination, a.ndim)
    path = lambda t: np.moveaxis(t, _behind(i), _behind(j))  # noqa: E731
    return view(a, np.moveaxis(a.value, i, j), path)


@implements(np.rollaxis)
def _rollaxis(a: DualArray, axis: int, start: int = 0) -> DualArray:
    order = list(range(a.ndim))
    order.insert(start % (a.ndim + 1) if start < 0 else start, -1)
    moved = axis % a.ndim
    return transpose(a, tuple(moved if i < 0 else i for i in order if i != moved))


@implements(np.expand_dims)
def expand_dims(a: DualArray, axis: Any) -> DualArray:
    """As `numpy.expand_dims`."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    i = axes_of(axes, a.ndim + len(axes))
    value = np.expand_dims(a.value, i)
    return view(a, value, lambda t: np.expand_dims(t, _behind(i)))


@implements(np.squeeze)
def _squeeze(a: DualArray, axis: Any = None) -> DualArray:
    return reshape(a, np.squeeze(core(a), axis=axis).shape)


@implements(np.broadcast_to)
def broadcast_to(a: DualArray, shape: Any) -> DualArray:
    """As `numpy.broadcast_to`; derivatives stay as small as they are."""
    value = np.broadcast_to(a.value, shape)
    target = value.shape
    n = len(target)
    made = view(a, value, lambda t: np.broadcast_to(aligned(t, n), t.shape[:1] + target))
    if a.place is None or not a.place[0].own:
        made.tangents, made.curvatures = aligned(a.tangents, n), lift(a.curvatures, n)
    return made


@implements(np.broadcast_arrays)
def _broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(a, shape) for a in args)


@implements(np.flip)
def _flip(m: DualArray, axis: Axes = None) -> DualArray:
    axes = axes_of(axis, m.ndim)
    return view(m, np.flip(m.value, axes), lambda t: np.flip(t, _behind(axes)))


@implements(np.flipud)
def _flipud(m: DualArray) -> DualArray:
    return _flip(m, 0)


@implements(np.fliplr)
def _fliplr(m: DualArray) -> DualArray:
    return _flip(m, 1)


@implements(np.rot90)
def _rot90(m: DualArray, k: int = 1, axes: tuple[int, int] = (0, 1)) -> DualArray:
    i, j = axes_of(axes, m.ndim)
    path = lambda t: np.rot90(t, k, (i + 1, j + 1))  # noqa: E731
    return _seen(m, np.rot90(m.value, k, (i, j)), path)


@implements(np.diagonal)
def diagonal(a: DualArray, offset: int = 0, axis1: int = 0, axis2: int = 1) -> DualArray:
    """As `numpy.diagonal`."""
    i, j = axes_of((axis1, axis2), a.ndim)
    value = np.diagonal(a.value, offset, i, j)
    return view(a, value, lambda t: np.diagonal(t, offset, i + 1, j + 1))


@implements(getattr(np.linalg, "diagonal", None))
def _matrix_diagonal(x: DualArray, offset: int = 0) -> DualArray:
    return diagonal(x, offset, -2, -1)


@implements(np.atleast_1d)
def atleast_1d(*arrays: Any) -> Any:
    """As `numpy.atleast_1d`."""
    return _each(arrays, lambda a: reshape(a, 1) if a.ndim == 0 else a, np.atleast_1d)


@implements(np.atleast_2d)
def atleast_2d(*arrays: Any) -> Any:
    """As `numpy.atleast_2d`."""
    return _each(arrays, lambda a: a if a.ndim > 1 else reshape(a, (1, a.size)), np.atleast_2d)


@implements(np.atleast_3d)
def _atleast_3d(*arrays: Any) -> Any:
    def one(a: DualArray) -> DualArray:
        if a.ndim > 2:
            return a
        return expand_dims(a, -1) if a.ndim == 2 else reshape(a, (1, a.size, 1))

    return _each(arrays, one, np.atleast_3d)


def _each(arrays: tuple[Any, ...], ours: Any, numpys: Any) -> Any:
    parts = tuple(ours(a) if type(a) is DualArray else numpys(a) for a in arrays)
    return parts[0] if len(parts) == 1 else parts


@implements(np.array_split)
def array_split(ary: DualArray, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """As `numpy.array_split`."""
    (i,) = axes_of(axis, ary.ndim)
    n = ary.shape[i]
    parts = np.array_split(np.arange(n), indices_or_sections)
    before = (slice(None),) * i
    return [ary[(*before, slice(p[0], p[-1] + 1) if p.size else slice(0, 0))] for p in parts]


@implements(np.split)
def split(ary: DualArray, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """As `numpy.split`; raises ValueError where the parts would not be equal."""
    (i,) = axes_of(axis, ary.ndim)
    np.split(np.empty(ary.shape[i]), indices_or_sections)
    return array_split(ary, indices_or_sections, i)


@implements(np.hsplit)
def _hsplit(ary: DualArray, indices_or_sections: Any) -> list[Any]:
    return split(ary, indices_or_sections, 0 if ary.ndim == 1 else 1)


@implements(np.vsplit)
def _vsplit(ary: DualArray, indices_or_sections: Any) -> list[Any]:
    return split(ary, indices_or_sections, 0)


@implements(np.dsplit)
def _dsplit(ary: DualArray, indices_or_sections: Any) -> list[Any]:
    return split(ary, indices_or_sections, 2)


@implements(np.copy)
def copy(a: DualArray, order: str = "K") -> DualArray:
    """As `numpy.copy`."""
    return linear(a, np.copy(a.value), np.copy)


@implements(np.real)
def _real(val: DualArray) -> DualArray:
    return val


@implements(np.imag)
def _imag(val: DualArray) -> Any:
    return np.zeros(val.shape)


def _astype(a: DualArray, dtype: Any, *, copy: bool = True) -> Any:
    """As the method of an array; whole numbers have no derivatives."""
    kind = np.dtype(dtype)
    if kind.kind != "f":
        return core(a).astype(kind)
    return linear(a, a.value.astype(kind), lambda t: t.astype(kind))


METHODS.update(
    reshape=reshape, ravel=ravel, transpose=transpose, swapaxes=swapaxes, squeeze=_squeeze,
    diagonal=diagonal, copy=copy, flatten=lambda a, order="C": copy(ravel(a, order)),
    astype=_astype, item=lambda a, *at: a[at] if at else reshape(a, ())[()],
    tolist=lambda a: [v.tolist() for v in a] if a.ndim else a,
    conj=copy, conjugate=copy,
)  # fmt: skip
