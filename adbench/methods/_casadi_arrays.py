"""NumPy's arrays, as array forms use them, of CasADi's symbols; knows CasADi and no operator.

CasADi has matrices of two axes, by columns. An array here is one column of all its numbers, in NumPy's
order, and a shape: what moves numbers about (slices, broadcasting, stacking, transposing) is done by NumPy
on the places, and is one selection of CasADi's; what computes is CasADi's own of whole columns.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np


class Array:
    """A column of symbols (`numbers`, SX or MX) and NumPy's shape of it."""

    __slots__ = ("numbers", "shape")
    __array_ufunc__ = None  # NumPy leaves operations with its own arrays to this class
    __hash__ = None  # type: ignore[assignment]  # as for any class with its own __eq__

    def __init__(self, numbers: Any, shape: tuple[int, ...]) -> None:
        self.numbers = numbers
        self.shape = shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def T(self) -> Array:
        return moved(self, np.transpose)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        return (self[i] for i in range(self.shape[0]))

    def __getitem__(self, key: Any) -> Array:
        keys = key if isinstance(key, tuple) else (key,)
        if any(isinstance(k, Array) for k in keys):
            raise TypeError("a symbol is no index")
        return moved(self, lambda places: places[key])

    def __bool__(self) -> bool:
        raise NotImplementedError(
            "CasADi cannot follow a branch or a loop that depends on a value: its graphs have none"
        )

    def __neg__(self) -> Array:
        return Array(-self.numbers, self.shape)

    def __abs__(self) -> Array:
        import casadi as ca

        return Array(ca.fabs(self.numbers), self.shape)

    def __matmul__(self, other: Any) -> Array:
        return product(self, other)

    def __rmatmul__(self, other: Any) -> Array:
        return product(other, self)


def _overload(name: str, reflected: bool) -> None:
    function = getattr(operator, name)
    setattr(Array, f"__{name}__", lambda a, b: paired(function, a, b))
    if reflected:
        setattr(Array, f"__r{name}__", lambda a, b: paired(function, b, a))


for _name in ("add", "sub", "mul", "truediv", "pow"):
    _overload(_name, True)
for _name in ("lt", "le", "gt", "ge", "eq"):  # Python reflects these itself
    _overload(_name, False)


def places_of(shape: tuple[int, ...]) -> Any:
    """Where each element of an array of a shape stands in its column."""
    return np.arange(math.prod(shape)).reshape(shape)


def moved(a: Array, move: Callable[[Any], Any]) -> Array:
    """The array whose numbers stand where `move` puts their places."""
    found = np.asarray(move(places_of(a.shape)))
    where = found.ravel()
    if where.size == a.size and np.array_equal(where, np.arange(a.size)):
        return Array(a.numbers, found.shape)
    return Array(a.numbers[where.tolist()], found.shape)


def lifted(value: Any, like: Array) -> Array:
    """An array as it is; numbers and NumPy's arrays as constants of the graph."""
    import casadi as ca

    if isinstance(value, Array):
        return value
    plain = np.asarray(value, dtype=np.float64)
    return Array(type(like.numbers)(ca.DM(plain.ravel())), plain.shape)


def all_lifted(values: Sequence[Any]) -> list[Array]:
    """Each as an array of symbols, of the kind of the first that is one."""
    like = next(v for v in values if isinstance(v, Array))
    return [lifted(v, like) for v in values]


def spread(a: Array, shape: tuple[int, ...]) -> Any:
    """The numbers, repeated to a shape; of one number, the number, which CasADi repeats itself."""
    if a.shape == shape or a.size == 1:
        return a.numbers
    return moved(a, lambda places: np.broadcast_to(places, shape)).numbers


def paired(function: Callable[..., Any], *operands: Any) -> Array:
    """An elementwise function of arrays, spread to one shape."""
    arrays = all_lifted(operands)
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    found = function(*(spread(a, shape) for a in arrays))
    return Array(found, shape) if found.numel() == math.prod(shape) else _filled(found, shape)


def _filled(number: Any, shape: tuple[int, ...]) -> Array:
    return Array(number[[0] * math.prod(shape)], shape)


def joined_arrays(parts: Sequence[Any], join: Callable[[list[Any]], Any]) -> Array:
    """Arrays in one, their places joined by a function of NumPy's."""
    import casadi as ca

    arrays = all_lifted(parts)
    starts = np.cumsum([0, *(a.size for a in arrays)])
    places = [places_of(a.shape) + s for a, s in zip(arrays, starts[:-1], strict=True)]
    whole = Array(ca.vertcat(*(a.numbers for a in arrays)), (int(starts[-1]),))
    return moved(whole, lambda _: join(places))


def matrix(a: Array) -> Any:
    """An array of two axes as CasADi's matrix."""
    import casadi as ca

    return ca.reshape(a.numbers, a.shape[1], a.shape[0]).T


def of_matrix(m: Any) -> Array:
    """CasADi's matrix as an array of two axes."""
    import casadi as ca

    return Array(ca.vec(ca.densify(m).T), (m.shape[0], m.shape[1]))


def product(a: Any, b: Any) -> Array:
    """``a @ b`` of one to three axes."""
    import casadi as ca

    a, b = all_lifted([a, b])
    if max(a.ndim, b.ndim) > 2:
        count = max(s.shape[0] for s in (a, b) if s.ndim > 2)
        pairs = [
            [s[i % s.shape[0]] if s.ndim > 2 else s for s in (a, b)] for i in range(count)
        ]  # of one matrix, the same for all
        return joined_arrays([product(*pair) for pair in pairs], np.stack)
    left = matrix(a) if a.ndim == 2 else a.numbers.T
    right = matrix(b) if b.ndim == 2 else b.numbers
    found = of_matrix(ca.mtimes(left, right))
    return Array(found.numbers, (*a.shape[:-1], *b.shape[1:]))
