"""What happens when an array dual is written to; knows who shares derivatives with whom.

Values are shared between arrays exactly where NumPy shares them. Derivatives are not: ``x + 1`` has
those of x without a copy, and those of a scalar are stored once for all elements. So they are left
alone until the first write. Then the derivatives of that array are copied, in full size, into memory
of their own, all views of it are pointed there, and from then on NumPy's own views do the rest.

Derivatives in such memory may be looked at, but what is to last must copy them (`lasting`).
"""

from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from adbench.dual.numpy.layout import Array, Path, aligned, full, lift, write

if TYPE_CHECKING:
    from adbench.dual.numpy.array_type import DualArray

MANY = 64  # views, before those that are gone are forgotten


class DroppedDerivativeError(TypeError):
    """A dual was about to become a plain number, without its derivatives."""


class Memory:
    """The derivatives of an array and of its views: before the first write, and after it.

    Parameters
    ----------
    root : DualArray
        The array that is no view.
    """

    __slots__ = ("curvatures", "limit", "members", "own", "seed", "tangents", "value")

    def __init__(self, root: "DualArray") -> None:
        self.value = root.value
        self.tangents = root.tangents
        self.curvatures = root.curvatures
        self.seed = root.seed
        self.own = False
        self.limit = MANY
        self.members: list[tuple[Any, Path | None]] = [(ref(root), None)]

    def forget(self) -> None:
        """Drop the views that are gone from the list."""
        self.members = [m for m in self.members if m[0]() is not None]
        self.limit = MANY + 2 * len(self.members)

    def take(self) -> None:
        """Move the derivatives into memory of their own, in full size, for all who look at them."""
        if self.own:
            return
        k, seed = len(self.tangents), self.seed
        self.tangents = _buffer(self.value, k, self.tangents)
        if seed.i is not None:
            self.curvatures = _buffer(self.value, len(seed.i), self.curvatures)
        for member, path in self.members:
            dual = member()
            if dual is not None:
                t, h = self.tangents, self.curvatures
                dual.tangents = path(t) if path else t
                dual.curvatures = path(h) if path and h is not None else h
        self.members.clear()
        self.own = True


def _buffer(value: Array, k: int, t: Array) -> Array:
    """New memory for k derivatives of an array, of the same kind (see `layout`), filled with t."""
    made = np.zeros_like(value, shape=(k, *value.shape))
    if t is not None:
        made[...] = t
    return made


def view(a: "DualArray", value: Array, path: Path) -> "DualArray":
    """The dual of `value`, which shares memory with a's, or stands for one element of it.

    Parameters
    ----------
    path : callable
        Maps derivatives of a, in full size, to those of the result; gives views.
    """
    t, h, shape, place = a.tangents, a.curvatures, a.value.shape, a.place
    t = path(t if t.shape[1:] == shape else full(t, shape))
    made = type(a)(value, t, None if h is None else path(full(h, shape)), a.seed)
    if type(value) is np.ndarray or not is_fixed(value):
        if place is None:
            place = a.place = Memory(a), None
        memory, before = place
        whole = path if before is None else _after(before, path)
        made.place = memory, whole
        if not memory.own:
            memory.members.append((ref(made), whole))
            if len(memory.members) > memory.limit:
                memory.forget()
    elif place is not None and place[0].own:
        made.tangents, made.curvatures = lasting(made, a)
    return made


def _after(first: Path, then: Path) -> Path:
    return lambda t: then(first(t))


def lasting(a: "DualArray", owner: "DualArray | None" = None) -> tuple[Array, Array]:
    """Tangents and curvatures of a for a result to keep: copies, where a write could reach them."""
    t, h, place = a.tangents, a.curvatures, (a if owner is None else owner).place
    if place is None or not place[0].own:
        return t, h
    return t.copy(), None if h is None else h.copy()


def is_fixed(value: Array) -> bool:
    """Whether it is one of NumPy's scalars, which cannot be changed."""
    while hasattr(value, "tangents"):
        value = value.value
    return not isinstance(value, np.ndarray)


def assign(a: "DualArray", index: Any, new: Any) -> None:
    """``a[index] = new`` for a number, an array or a dual."""
    if is_fixed(a.value):
        raise TypeError("a single number, such as x[0], cannot be changed in place: use an array")
    ours = type(new) is type(a)
    if ours and new.seed.tag > a.seed.tag:
        raise DroppedDerivativeError(
            "a dual of an inner differentiation cannot be stored in an array of the outer one: make "
            "the array inside, by np.zeros_like of a variable of the inner differentiation"
        )
    ours = ours and new.seed is a.seed
    if index is Ellipsis and ours and a.place is None and new.ndim <= a.ndim:
        a.value[...] = new.value
        t, h = lasting(new)
        a.tangents, a.curvatures = aligned(t, a.ndim), lift(h, a.ndim)
        return
    if a.place is None:
        a.place = Memory(a), None
    a.place[0].take()
    a.value[index] = new.value if ours else new
    write(a.tangents, index, new.tangents if ours else 0.0)
    if a.curvatures is not None:
        bent = ours and new.curvatures is not None
        write(a.curvatures, index, new.curvatures if bent else 0.0)


def replaced(a: "DualArray", result: Any) -> Any:
    """What ``a += b`` makes of a when the sum is `result`; a single number is bound anew."""
    if is_fixed(a.value):
        return result
    shape = np.shape(result)
    if shape != a.shape:
        raise ValueError(
            f"an array of shape {a.shape} cannot hold the result in place, which has shape {shape}: "
            "write y = y + x in place of y += x"
        )
    assign(a, Ellipsis, result)
    return a
