"""NumPy's functions that make array duals: joined, repeated, rearranged, or new ones like others."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adbench.dual.numpy.array_type import (
    CREATORS,
    METHODS,
    DualArray,
    core,
    innermost,
    linear,
    part,
)
from adbench.dual.numpy.elementwise import implements, where
from adbench.dual.numpy.layout import Array, aligned, full
from adbench.dual.numpy.memory import assign
from adbench.dual.numpy.shapes import atleast_1d, atleast_2d, axes_of, ravel, reshape


def _joined(join: Callable[..., Any], arrays: Sequence[Any], axis: int) -> DualArray:
    """np.concatenate or np.stack; the tangents of constants are zero."""
    seed = innermost(arrays)
    value = join([part(x, seed) for x in arrays], axis=axis)
    (i,) = axes_of(axis, value.ndim)

    def block(x: Any, derivatives: Any, length: int) -> Array:
        if derivatives is None:
            return np.broadcast_to(np.zeros((), value.dtype), (length, *np.shape(core(x))))
        return full(derivatives, x.shape)

    ours = [type(x) is DualArray and x.seed is seed for x in arrays]
    pairs = list(zip(arrays, ours, strict=True))
    first = [x.tangents if mine else None for x, mine in pairs]
    second = [x.curvatures if mine else None for x, mine in pairs]

    def together(parts: list[Any]) -> Any:
        lengths = [len(p) for p in parts if p is not None]
        if not lengths:
            return None
        blocks = [block(x, p, lengths[0]) for x, p in zip(arrays, parts, strict=True)]
        return join(blocks, axis=i + 1)

    return DualArray(value, together(first), together(second), seed)


@implements(np.concatenate)
def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> DualArray:
    """As `numpy.concatenate`."""
    if axis is None:
        return _joined(np.concatenate, [np.ravel(a) for a in arrays], 0)
    return _joined(np.concatenate, arrays, axis)


@implements(np.stack)
def stack(arrays: Sequence[Any], axis: int = 0) -> DualArray:
    """As `numpy.stack`."""
    return _joined(np.stack, arrays, axis)


@implements(np.hstack)
def _hstack(tup: Sequence[Any]) -> DualArray:
    parts = [atleast_1d(a) for a in tup]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1)


@implements(np.vstack)
def _vstack(tup: Sequence[Any]) -> DualArray:
    return concatenate([atleast_2d(a) for a in tup], 0)


@implements(np.dstack)
def _dstack(tup: Sequence[Any]) -> DualArray:
    return concatenate([np.atleast_3d(a) for a in tup], 2)


@implements(np.column_stack)
def _column_stack(tup: Sequence[Any]) -> DualArray:
    return concatenate([a if np.ndim(a) > 1 else np.reshape(a, (-1, 1)) for a in tup], 1)


@implements(np.append)
def _append(arr: Any, values: Any, axis: int | None = None) -> DualArray:
    return concatenate([arr, values], axis)


@implements(np.tile)
def _tile(A: DualArray, reps: Any) -> DualArray:
    times = tuple(reps) if isinstance(reps, (tuple, list)) else (reps,)
    n = max(A.ndim, len(times))
    times = (1,) * (n - len(times)) + times
    return linear(A, np.tile(A.value, times), lambda t: np.tile(aligned(t, n), (1, *times)))


@implements(np.repeat)
def _repeat(a: DualArray, repeats: Any, axis: int | None = None) -> DualArray:
    if axis is None:
        return _repeat(ravel(a), repeats, 0)
    (i,) = axes_of(axis, a.ndim)
    return linear(a, np.repeat(a.value, repeats, i), lambda t: np.repeat(t, repeats, i + 1))


@implements(np.roll)
def _roll(a: DualArray, shift: Any, axis: Any = None) -> DualArray:
    if axis is None:
        return reshape(_roll(ravel(a), shift, 0), a.shape)
    axes = axes_of(axis, a.ndim)
    behind = tuple(i + 1 for i in axes)
    return linear(a, np.roll(a.value, shift, axes), lambda t: np.roll(t, shift, behind))


def _triangle(numpys: Any) -> Any:
    def triangle(m: DualArray, k: int = 0) -> DualArray:
        if m.ndim < 2:
            raise TypeError(
                f"np.{numpys.__name__} of an array dual takes a matrix, got {m.ndim} axis"
            )
        return linear(m, numpys(m.value, k), lambda t: numpys(t, k))

    return triangle


implements(np.tril)(_triangle(np.tril))
implements(np.triu)(_triangle(np.triu))


def rearranged(a: DualArray, function: Callable[[Array], Array]) -> Any:
    """What a function does that only moves elements, leaves some out, and fills in zeros.

    Its effect on numbers 1, 2, ... tells where each element comes from; 0 is a zero filled in.
    """
    at = function(np.arange(1, a.size + 1).reshape(a.shape))
    moved = ravel(a)[np.maximum(at, 1) - 1]
    return moved if np.all(at) else where(at > 0, moved, 0.0)


@implements(np.diag)
def _diag(v: DualArray, k: int = 0) -> Any:
    return np.diagonal(v, k) if v.ndim == 2 else rearranged(v, lambda x: np.diag(x, k))


@implements(np.diagflat)
def _diagflat(v: DualArray, k: int = 0) -> Any:
    return rearranged(v, lambda x: np.diagflat(x, k))


@implements(np.delete)
def _delete(arr: DualArray, obj: Any, axis: int | None = None) -> Any:
    return rearranged(arr, lambda x: np.delete(x, obj, axis))


@implements(np.resize)
def _resize(a: DualArray, new_shape: Any) -> Any:
    return rearranged(a, lambda x: np.resize(x, new_shape))


@implements(np.compress)
def _compress(condition: Any, a: DualArray, axis: int | None = None) -> Any:
    return rearranged(a, lambda x: np.compress(core(condition), x, axis))


@implements(np.extract)
def _extract(condition: Any, arr: DualArray) -> Any:
    return rearranged(arr, lambda x: np.extract(core(condition), x))


@implements(np.pad)
def _pad(array: DualArray, pad_width: Any, mode: str = "constant", **words: Any) -> Any:
    if mode == "constant":
        fill = words.get("constant_values", 0)
        moved = rearranged(array, lambda x: np.pad(x, pad_width))
        return moved + np.pad(np.zeros(array.shape), pad_width, constant_values=core(fill))
    if mode not in ("edge", "reflect", "symmetric", "wrap") or words:
        raise TypeError(
            f"np.pad of an array dual has the modes constant, edge, reflect, symmetric and wrap, "
            f"without further arguments; got '{mode}', {sorted(words)}: use np.concatenate"
        )
    pad: Any = np.pad  # whose modes are literals to the type checker
    return rearranged(array, lambda x: pad(x, pad_width, mode))


@implements(np.zeros_like)
def zeros_like(a: DualArray, dtype: Any = None, *, shape: Any = None) -> Any:
    """A dual of zeros, into which duals can be stored; plain numbers of a type without derivatives."""
    value = np.zeros_like(a.value, dtype=dtype, shape=shape)
    return _like(a, value)


@implements(np.empty_like)
def _empty_like(prototype: DualArray, dtype: Any = None, *, shape: Any = None) -> Any:
    return zeros_like(prototype, dtype, shape=shape)


@implements(np.ones_like)
def _ones_like(a: DualArray, dtype: Any = None, *, shape: Any = None) -> Any:
    return _like(a, np.ones_like(a.value, dtype=dtype, shape=shape))


@implements(np.full_like)
def _full_like(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    like = a if type(a) is DualArray else fill_value
    made = zeros_like(like, dtype, shape=np.shape(a) if shape is None else shape)
    made[...] = fill_value
    return made


def _like(a: DualArray, value: Any) -> Any:
    if value.dtype.kind != "f":
        return core(value)
    t = np.zeros((len(a.tangents), *(1,) * value.ndim), value.dtype)
    return DualArray(value, t, None, a.seed)


def _filled(fill: float) -> Any:
    def filled(like: DualArray, shape: Any, dtype: Any = None, order: str = "C") -> Any:
        return _full_like(like, fill, dtype, shape=shape)

    return filled


def _full(like: DualArray, shape: Any, fill_value: Any, dtype: Any = None, order: str = "C") -> Any:
    return _full_like(like, fill_value, dtype, shape=shape)


def _array(like: DualArray, object: Any, dtype: Any = None) -> Any:
    """Of duals and lists of them: a copy, as np.array makes it."""
    if isinstance(object, (list, tuple)) and object:
        return np.stack([_array(like, x, dtype) for x in object])
    if type(object) is DualArray:
        return np.copy(object)
    return _full_like(like, object, dtype, shape=np.shape(object))


# what NumPy's ``like=x`` asks for
_made: dict[Any, Any] = {
    np.zeros: _filled(0.0),
    np.empty: _filled(0.0),
    np.ones: _filled(1.0),
    np.full: _full,
}
CREATORS.update(_made)
CREATORS.update(dict.fromkeys((np.array, np.asarray, np.asanyarray), _array))


@implements(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    dst[...] = src if where is True else np.where(where, src, dst)


@implements(np.fill_diagonal)
def _fill_diagonal(a: DualArray, val: Any) -> None:
    a[np.diag_indices(min(a.shape), a.ndim)] = val


METHODS.update(
    repeat=_repeat,
    fill=lambda a, value: assign(a, Ellipsis, value),
)
