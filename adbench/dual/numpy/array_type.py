"""The array dual number: a NumPy array with its derivatives along k directions (vector mode).

Knows operators, nesting and how NumPy hands calls over; which functions there are is the matter of the
modules that fill the tables below when they are imported.
"""

from collections.abc import Iterable
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np

from adbench.dual.numpy.calls import Function, call
from adbench.dual.numpy.layout import (
    ONE,
    WHOLE,
    Array,
    Path,
    aligned,
    full,
    is_basic,
    items_of,
    reader,
    spread,
)
from adbench.dual.numpy.memory import DroppedDerivativeError, assign, replaced, view
from adbench.dual.numpy.seeds import Seed

UFUNCS: dict[Any, Function] = {}
UFUNC_METHODS: dict[tuple[Any, str], Function] = {}
FUNCTIONS: dict[Any, Function] = {}
CREATORS: dict[Any, Function] = {}  # of functions called with ``like=x``; they take x first
METHODS: dict[str, Function] = {}  # those of an ndarray


def _operators(ufunc: Any) -> tuple[Function, Function, Function]:
    """The operator of a ufunc of two operands, and its reflected and in-place forms."""

    def operate(self: Any, other: Any) -> Any:
        return UFUNCS[ufunc](self, other)

    def reflected(self: Any, other: Any) -> Any:
        return UFUNCS[ufunc](other, self)

    def in_place(self: Any, other: Any) -> Any:
        return replaced(self, UFUNCS[ufunc](self, other))

    return operate, reflected, in_place


class DualArray:
    """An array of shape S, its tangents and, in second order, its curvatures.

    Parameters
    ----------
    value : array, shape S
        Itself a dual where differentiations nest.
    tangents : array, shape (k,) + S'
        One leading axis for the directions; S' broadcasts to S and has as many axes, so that the
        tangent of a scalar parameter stays of size k until it meets data.
    curvatures : array, shape (p,) + S'', or None
        Second derivatives along the seed's p pairs of directions; None when all are zero.
    seed : Seed
        The pass that made it.
    """

    # place: the memory that it shares with its views, and where in it this dual lies
    # low, block, factor: of tangents not yet written out, which are the block times the factor (None:
    # one) in the directions from `low` on, and zero in all others; low is None where they are.
    __slots__ = (
        "__weakref__", "block", "curvatures", "factor", "low", "place", "seed", "tangents", "value",
    )  # fmt: skip

    def __init__(
        self,
        value: Array,
        tangents: Array,
        curvatures: Array,
        seed: Seed,
        low: int | None = None,
        factor: Array = None,
    ) -> None:
        self.value = value
        self.low = low
        if low is None:
            self.tangents = tangents
        else:
            self.block = tangents
            self.factor = factor
        self.curvatures = curvatures
        self.seed = seed
        self.place: Any = None

    def rows(self, ndim: int) -> Array:
        """The tangents from direction `low` on, for a value of `ndim` axes."""
        if self.low is None:
            t = self.tangents
        elif self.factor is None:
            t = self.block
        else:
            t = self.block = self.factor * self.block
            self.factor = None
        return t if t.ndim == ndim + 1 else aligned(t, ndim)

    def written_out(self) -> Array:
        """Tangents in all directions, as those that are only noted are kept from now on."""
        k = self.seed.one_hot
        t = self.rows(len(self.value.shape))
        t = self.tangents = t if k is None else spread(t, self.low, len(k))
        self.low = None
        return t

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        shape: tuple[int, ...] = self.value.shape
        return shape

    @property
    def ndim(self) -> int:
        """Number of axes of the value."""
        return len(self.value.shape)

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
        return FUNCTIONS[np.transpose](self)

    def __len__(self) -> int:
        return len(self.value)

    def __repr__(self) -> str:
        return f"DualArray(value={self.value!r}, tangents={self.tangents!r})"

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> "DualArray":
        value = self.value[index]
        kind = index.__class__
        if kind is slice:
            return view(self, value, itemgetter((WHOLE, index)))
        if kind is int and type(value) is np.float64:  # one element of a vector
            t, h, n = self.tangents, self.curvatures, len(self.value)
            if t is self.seed.one_hot:
                return DualArray(value, ONE, None, self.seed, index if index >= 0 else index + n)
            t = t[:, index if t.shape[1] == n else 0]
            h = None if h is None else h[:, index if h.shape[1] == n else 0]
            if self.place is not None and self.place[0].own:
                t, h = t.copy(), None if h is None else h.copy()
            return DualArray(value, t, h, self.seed)
        if is_basic(items_of(index)):
            return view(self, value, reader(index))
        return linear(self, value, reader(index))

    def __setitem__(self, index: Any, new: Any) -> None:
        assign(self, index, new)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise DroppedDerivativeError(
            "a plain NumPy array cannot hold an array dual, it would drop its derivatives: make the "
            "array with np.zeros_like(x), where x is one of the variables (np.zeros_like(x, "
            "shape=...) for another shape), or build it with np.stack; leave out np.asarray, or take "
            ".value"
        )

    def __float__(self) -> float:
        raise DroppedDerivativeError(
            "float() of an array dual would drop its derivatives: use NumPy's functions in place of "
            "the standard math module; make an array to store it in with np.zeros_like(x), where x "
            "is one of the variables; or take .value"
        )

    def __int__(self) -> int:
        return int(core(self))

    def __bool__(self) -> bool:
        return bool(core(self))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__":
            function = UFUNCS.get(ufunc)
            if function is not None and not kwargs:
                return function(*inputs)
            name = ufunc.__name__
        else:
            name = f"{ufunc.__name__}.{method}"
            function = UFUNC_METHODS.get((ufunc, method)) or UFUNC_METHODS.get((None, method))
            if function is not None and (ufunc, method) not in UFUNC_METHODS:
                function = partial(function, ufunc)
        if not kwargs and function is not None:
            return function(*inputs)
        if not any(type(x) is DualArray for x in inputs):  # then one is in `out`
            function = ufunc if method == "__call__" else getattr(ufunc, method)
        return call(name, function, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        ours = FUNCTIONS.get(function)
        if ours is not None and not kwargs:
            return ours(*args)
        if function in CREATORS:
            return call(function.__name__, CREATORS[function], (self, *args), kwargs)
        return call(function.__name__, ours, args, kwargs)

    __add__, __radd__, __iadd__ = _operators(np.add)
    __sub__, __rsub__, __isub__ = _operators(np.subtract)
    __mul__, __rmul__, __imul__ = _operators(np.multiply)
    __truediv__, __rtruediv__, __itruediv__ = _operators(np.divide)
    __floordiv__, __rfloordiv__, __ifloordiv__ = _operators(np.floor_divide)
    __mod__, __rmod__, __imod__ = _operators(np.remainder)
    __divmod__, __rdivmod__, _ = _operators(np.divmod)
    __pow__, __rpow__, __ipow__ = _operators(np.power)
    __matmul__, __rmatmul__, __imatmul__ = _operators(np.matmul)
    __lt__, __gt__, _ = _operators(np.less)
    __le__, __ge__, _ = _operators(np.less_equal)

    def __eq__(self, other: object) -> Any:
        return core(self) == core(other)

    def __ne__(self, other: object) -> Any:
        return core(self) != core(other)

    __hash__ = None  # type: ignore[assignment]

    def __neg__(self) -> "DualArray":
        h, low = self.curvatures, self.low
        t = self.tangents if low is None else self.rows(len(self.value.shape))
        return DualArray(-self.value, -t, None if h is None else -h, self.seed, low)

    def __pos__(self) -> Any:
        return UFUNCS[np.positive](self)

    def __abs__(self) -> Any:
        return UFUNCS[np.absolute](self)

    def __getattr__(self, name: str) -> Any:
        # only reached for what is no property or method above, and for slots not filled
        if name == "tangents":
            return self.written_out()
        if name in METHODS:
            return partial(_method, name, self)
        raise AttributeError(f"array duals have no attribute '{name}': see adbench.dual.numpy")


def _method(name: str, *args: Any, **kwargs: Any) -> Any:
    return call(name, METHODS[name], args, kwargs) if kwargs else METHODS[name](*args)


def core(x: Any) -> Any:
    """The number or array at the core of a dual, without any derivatives; or x itself."""
    while type(x) is DualArray:
        x = x.value
    return x


def innermost(operands: Iterable[Any]) -> Seed:
    """The latest pass among those of the operands, of which at least one is dual."""
    return max((x.seed for x in operands if type(x) is DualArray), key=lambda seed: seed.tag)


def part(x: Any, seed: Seed) -> Any:
    """The value of a dual of that pass; anything else is a constant to it, and stays itself."""
    return x.value if type(x) is DualArray and x.seed is seed else x


def linear(a: DualArray, value: Array, on_derivatives: Path) -> DualArray:
    """The dual of that value, which a linear map made of a's.

    Parameters
    ----------
    on_derivatives : callable
        The same map for arrays with one more leading axis. Gives new arrays, no views.
    """
    t, h, shape = a.tangents, a.curvatures, a.value.shape
    h = None if h is None else on_derivatives(full(h, shape))
    return DualArray(value, on_derivatives(full(t, shape)), h, a.seed)
