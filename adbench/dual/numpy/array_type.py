"""The array dual number: a NumPy array with its derivatives along k directions (vector mode).

Knows arithmetic, alignment and how NumPy hands calls over; which NumPy functions are offered is the
matter of `adbench.dual.numpy.functions`, which fills the two tables below when it is imported.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

Array = Any  # an ndarray, or the NumPy scalar that stands for one of no dimensions

UFUNCS: dict[Any, Callable[..., Any]] = {}
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
# ndarray methods that are functions of the same name
METHODS = (
    "sum", "mean", "prod", "dot", "cumsum", "reshape", "ravel", "transpose", "squeeze", "max", "min",
    "clip", "copy",
)  # fmt: skip


class Seed:
    """One differentiation pass: which second derivatives its duals carry.

    Duals of two passes have nothing to do with each other, so the seed's identity is their tag.

    Parameters
    ----------
    i, j : arrays of int, shape (p,), or None
        Pairs of directions whose second derivatives are wanted; None for a pass of first order.
    """

    __slots__ = ("i", "j")

    def __init__(self, i: Array = None, j: Array = None) -> None:
        self.i = i
        self.j = j


class DualArray:
    """An array of shape S, its tangents and, in second order, its curvatures.

    Parameters
    ----------
    value : array, shape S
    tangents : array, shape (k,) + S'
        One leading axis for the directions; S' broadcasts to S and has as many axes, so that the
        tangent of a scalar parameter stays of size k until it meets data.
    curvatures : array, shape (p,) + S'', or None
        Second derivatives along the seed's p pairs of directions; None when all are zero.
    seed : Seed
        The pass that made it.
    """

    __slots__ = ("curvatures", "seed", "tangents", "value")

    def __init__(self, value: Array, tangents: Array, curvatures: Array, seed: Seed) -> None:
        self.value = value
        self.tangents = tangents
        self.curvatures = curvatures
        self.seed = seed

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        shape: tuple[int, ...] = self.value.shape
        return shape

    @property
    def ndim(self) -> int:
        """Number of axes of the value."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements of the value."""
        return int(self.value.size)

    @property
    def dtype(self) -> Any:
        """Type of the value's elements."""
        return self.value.dtype

    @property
    def T(self) -> Any:
        """The transpose."""
        return np.transpose(self)

    def __len__(self) -> int:
        return len(self.value)

    def __repr__(self) -> str:
        return f"DualArray(value={self.value!r}, tangents={self.tangents!r})"

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> "DualArray":
        return linear(self, lambda v: v[index], lambda t: _indexed(t, index))

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            "an array dual cannot be changed in place: build the result with np.where, np.stack or "
            "np.concatenate"
        )

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            "np.asarray of an array dual would drop its derivatives: leave it as it is, build "
            "arrays of duals with np.stack, or take .value"
        )

    def __float__(self) -> float:
        raise TypeError(
            "float() of an array dual would drop its derivatives: use NumPy's functions in place of "
            "the standard math module, or take .value"
        )

    def __bool__(self) -> bool:
        return bool(self.value)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "reduce" and ufunc in (np.add, np.multiply):
            return FUNCTIONS[np.sum if ufunc is np.add else np.prod](*inputs, **kwargs)
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        if method != "__call__" or ufunc not in UFUNCS:
            raise unknown(name)
        if kwargs:
            raise TypeError(
                f"np.{name} of an array dual takes no {', '.join(kwargs)}: write without it"
            )
        return UFUNCS[ufunc](*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in FUNCTIONS:
            raise unknown(function.__name__)
        return FUNCTIONS[function](*args, **kwargs)

    def __add__(self, other: Any) -> Any:
        return UFUNCS[np.add](self, other)

    def __radd__(self, other: Any) -> Any:
        return UFUNCS[np.add](self, other)

    def __sub__(self, other: Any) -> Any:
        return UFUNCS[np.subtract](self, other)

    def __rsub__(self, other: Any) -> Any:
        return UFUNCS[np.subtract](other, self)

    def __mul__(self, other: Any) -> Any:
        return UFUNCS[np.multiply](self, other)

    def __rmul__(self, other: Any) -> Any:
        return UFUNCS[np.multiply](self, other)

    def __truediv__(self, other: Any) -> Any:
        return UFUNCS[np.divide](self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return UFUNCS[np.divide](other, self)

    def __pow__(self, other: Any) -> Any:
        return UFUNCS[np.power](self, other)

    def __rpow__(self, other: Any) -> Any:
        return UFUNCS[np.power](other, self)

    def __iadd__(self, other: Any) -> Any:
        return self._anew("+", self + other)

    def __isub__(self, other: Any) -> Any:
        return self._anew("-", self - other)

    def __imul__(self, other: Any) -> Any:
        return self._anew("*", self * other)

    def __itruediv__(self, other: Any) -> Any:
        return self._anew("/", self / other)

    def __ipow__(self, other: Any) -> Any:
        return self._anew("**", self**other)

    def __imatmul__(self, other: Any) -> Any:
        return self._anew("@", self @ other)

    def _anew(self, sign: str, result: Any) -> Any:
        """What ``y += x`` binds y to: only single numbers, which NumPy does not change either."""
        if self.ndim:
            raise TypeError(
                f"an array dual cannot be changed in place: write y = y {sign} x for y {sign}= x"
            )
        return result

    def __matmul__(self, other: Any) -> Any:
        return UFUNCS[np.matmul](self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return UFUNCS[np.matmul](other, self)

    def __neg__(self) -> "DualArray":
        h = self.curvatures
        return DualArray(-self.value, -self.tangents, None if h is None else -h, self.seed)

    def __pos__(self) -> "DualArray":
        return self

    def __abs__(self) -> Any:
        return UFUNCS[np.absolute](self)

    def __lt__(self, other: Any) -> Any:
        return self.value < plain(other)

    def __le__(self, other: Any) -> Any:
        return self.value <= plain(other)

    def __gt__(self, other: Any) -> Any:
        return self.value > plain(other)

    def __ge__(self, other: Any) -> Any:
        return self.value >= plain(other)

    def __eq__(self, other: object) -> Any:
        return self.value == plain(other)

    def __ne__(self, other: object) -> Any:
        return self.value != plain(other)

    __hash__ = None  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        # only reached for what is no slot, property or method above
        if name in METHODS:
            return partial(FUNCTIONS[getattr(np, name)], self)
        raise AttributeError(f"array duals have no attribute '{name}': see adbench.dual.numpy")


def unknown(name: str) -> TypeError:
    """The error for a NumPy function that array duals do not have."""
    return TypeError(
        f"array duals have no np.{name}: write it with arithmetic, indexing and the functions that "
        "adbench.dual.numpy lists, or use the scalar duals of adbench.dual.python"
    )


def plain(x: Any) -> Any:
    """The value of a dual, or x itself."""
    return x.value if isinstance(x, DualArray) else x


def full(x: DualArray, t: Array) -> Array:
    """Tangents or curvatures of x as a view of shape (k,) + S."""
    shape = t.shape[:1] + x.value.shape
    return t if t.shape == shape else np.broadcast_to(t, shape)


def linear(
    x: DualArray, on_value: Callable[[Array], Array], on_tangents: Callable[[Array], Array]
) -> DualArray:
    """A linear map of x; `on_tangents` is the same map on arrays with one more leading axis."""
    h = x.curvatures
    return DualArray(
        on_value(x.value),
        on_tangents(full(x, x.tangents)),
        None if h is None else on_tangents(full(x, h)),
        x.seed,
    )


def _indexed(t: Array, index: Any) -> Array:
    """``t[:, index]``, where `index` is any that NumPy has for the axes after the first."""
    items = index if isinstance(index, tuple) else (index,)
    if all(i is None or i is Ellipsis or isinstance(i, (int, np.integer, slice)) for i in items):
        return t[(slice(None), *items)]
    # Index arrays that a slice separates move to the front of the result, ahead of our axis. Kept
    # last, that axis stays last.
    last = (slice(None),) if any(i is Ellipsis for i in items) else ()
    return np.moveaxis(np.moveaxis(t, 0, -1)[(*items, *last)], -1, 0)
