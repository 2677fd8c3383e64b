"""How derivatives lie beside the values of an array; knows arrays, and no class of duals.

Derivatives have one leading axis for the directions and then as many axes as the value. An axis along
which they are all alike may have length one: it is stored once until it has to grow. Whatever is said
here of arrays also holds for duals in their place, which is how duals nest.
"""

from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np

Array = (
    Any  # an ndarray, the NumPy scalar that stands for one of no axes, or a dual of an outer call
)
Path = Callable[[Array], Array]  # from derivatives of an array to those of a part of it

WHOLE = slice(None)
ONE = np.ones(1)  # the tangent of a variable in its own direction
ONE.flags.writeable = False


def aligned(t: Array, ndim: int) -> Array:
    """Derivatives with axes of length one put in after the first, for a value of `ndim` axes.

    Where they have more axes than that, the leading ones, of length one, are left out.
    """
    missing = ndim + 1 - t.ndim
    if not missing:
        return t
    if missing == 1 and t.ndim == 1:  # the commonest: a single parameter meets a vector
        return t[:, None]
    return t.reshape(t.shape[:1] + (1,) * missing + t.shape[1 + max(-missing, 0) :])


def lift(h: Array, ndim: int) -> Array:
    """As `aligned`, where None stays None."""
    return None if h is None else aligned(h, ndim)


def full(t: Array, shape: tuple[int, ...]) -> Array:
    """Derivatives as a view of shape (k,) + shape, with nothing left out."""
    whole = t.shape[:1] + shape
    return t if t.shape == whole else np.broadcast_to(t, whole)


def spread(t: Array, low: int | None, k: int) -> Array:
    """All k tangents, where t holds those from direction `low` on (None: all), the others being zero."""
    if low is None or len(t) == k:
        return t
    zeros = [np.zeros((n, *t.shape[1:])) for n in (low, k - low - len(t))]
    return np.concatenate([zeros[0], t, zeros[1]])


def joined(t: Array, low: int, u: Array, start: int) -> Array:
    """``t + u``, where t holds directions from `low` on, u from `start` on; from the lower of both on."""
    bottom, p, q = min(low, start), low + len(t), start + len(u)
    if type(t) is not np.ndarray or type(u) is not np.ndarray:
        top = max(p, q)
        return spread(t, low - bottom, top - bottom) + spread(u, start - bottom, top - bottom)
    shape = t.shape[1:]
    if shape != u.shape[1:]:
        shape = np.broadcast_shapes(shape, u.shape[1:])
    apart = p == start or q == low  # one range follows the other
    made = (np.empty if apart else np.zeros)((max(p, q) - bottom, *shape))
    made[low - bottom : p - bottom] = t
    if apart:
        made[start - bottom : q - bottom] = u
    else:
        made[start - bottom : q - bottom] += u
    return made


def items_of(index: Any) -> tuple[Any, ...]:
    """What stands between the brackets, one by one."""
    return index if isinstance(index, tuple) else (index,)


def is_basic(items: tuple[Any, ...]) -> bool:
    """Whether there are only numbers and slices, for which NumPy gives a view."""
    return all(i is None or i is Ellipsis or isinstance(i, (int, np.integer, slice)) for i in items)


def reader(index: Any) -> Path:
    """``t[:, index]``, where `index` is any that NumPy has for the axes after the first."""
    items = items_of(index)
    if is_basic(items) or not _separated(items):
        return itemgetter((WHOLE, *items))
    return lambda t: _first(_last(t)[_before_last(items)])


def write(t: Array, index: Any, new: Array) -> None:
    """``t[:, index] = new``; `new` has the leading axis for the directions too, or is a number."""
    items = items_of(index)
    if np.ndim(new) == 0:
        _last(t)[_before_last(items)] = new
    elif is_basic(items):
        target = t[(WHOLE, *items)]
        target[...] = aligned(new, target.ndim - 1)
    else:
        _last(t)[_before_last(items)] = _last(new)


def _separated(items: tuple[Any, ...]) -> bool:
    """Whether a slice stands between index arrays: their axes then come first in NumPy's result.

    They would come ahead of our axis, which `reader` therefore keeps last meanwhile.
    """
    slices = (type(None), type(Ellipsis), slice)
    at = [n for n, i in enumerate(items) if not isinstance(i, slices)]
    return at[-1] - at[0] >= len(at)


def _before_last(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """The index, for an array that has one axis more at its end."""
    return (*items, WHOLE) if any(i is Ellipsis for i in items) else items


def _last(t: Array) -> Array:
    """The first axis last."""
    return t.transpose((*range(1, t.ndim), 0))


def _first(t: Array) -> Array:
    """The last axis first."""
    return t.transpose((t.ndim - 1, *range(t.ndim - 1)))
