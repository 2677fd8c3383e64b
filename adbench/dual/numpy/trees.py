"""Arguments of a function taken apart into arrays, seeded as duals and put together again.

An argument is a number, an array, or a tuple or list of arguments, nested as deeply as one likes.
Its arrays, one after the other, are the variables of a differentiation: one long vector.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from adbench.dual.numpy.array_type import DualArray
from adbench.dual.numpy.layout import Array
from adbench.dual.numpy.seeds import Seed

Argnums = int | tuple[int, ...]
Ranges = list[tuple[int, int]]  # of variables, from and up to


def leaves(tree: Any) -> list[Any]:
    """The numbers and arrays of an argument, from left to right."""
    if not isinstance(tree, (tuple, list)):
        return [tree]
    return [leaf for branch in tree for leaf in leaves(branch)]


def rebuilt(tree: Any, new: Iterator[Any]) -> Any:
    """The same tuples and lists around other leaves."""
    if not isinstance(tree, (tuple, list)):
        return next(new)
    branches = [rebuilt(branch, new) for branch in tree]
    if hasattr(tree, "_fields"):
        return type(tree)(*branches)
    return tuple(branches) if isinstance(tree, tuple) else branches


def real(x: Any) -> Array:
    """A leaf as floating-point numbers: an array, NumPy's scalar for a number, or an outer dual."""
    if type(x) is DualArray:
        return x
    value = np.asarray(x)
    if value.dtype.kind in "biu":
        value = value.astype(np.float64)
    if value.dtype.kind != "f":
        raise TypeError(
            f"cannot differentiate with respect to {type(x).__name__} of type {value.dtype}: a "
            "variable is a real number, an array of them, or a tuple or list of those; name the "
            "arguments that are variables by argnums"
        )
    return value if isinstance(x, np.ndarray) else value[()]


class Variables:
    """The variables of one call, and the places of the call that they come from.

    Parameters
    ----------
    args : tuple
        All arguments of the call.
    argnums : int or tuple of int
        Which of them hold the variables.
    """

    __slots__ = ("args", "length", "numbers", "offsets", "single", "size", "tree", "values")

    def __init__(self, args: tuple[Any, ...], argnums: Argnums) -> None:
        self.args = args
        self.single = isinstance(argnums, int)
        self.numbers = numbers_of(argnums, len(args))
        self.tree = args[self.numbers[0]] if self.single else tuple(args[n] for n in self.numbers)
        if type(self.tree) is np.ndarray and self.tree.dtype.kind == "f":  # the commonest, in short
            self.values = [self.tree]
            self.offsets = [0, self.tree.size]
        else:
            self.values = [real(x) for x in leaves(self.tree)]
            self.offsets = list(accumulate((v.size for v in self.values), initial=0))
        self.size = self.offsets[-1]
        # the largest array in sight: what one tangent of an intermediate result may take
        self.length = max(1, largest(args))

    def blocks(self, ranges: Ranges) -> list[Array]:
        """For each leaf the tangents of a pass with one direction for each variable in the ranges."""
        (low, high), tree = ranges[0], self.tree
        if tree is self.values[0] and tree.ndim == 1 and len(ranges) == 1:
            return [one_hot(high - low, tree.size, low, tree.dtype)]
        pairs = zip(self.values, self.offsets, strict=False)
        return [tangents(v, start, ranges) for v, start in pairs]

    def call_with(self, blocks: Sequence[Array], seed: Seed) -> list[Any]:
        """The arguments of a pass: duals with those tangents for variables, and constants."""
        args = list(self.args)
        if self.tree is self.values[0]:
            args[self.numbers[0]] = dual_of(self.tree, blocks[0], seed)
            return args
        duals = map(dual_of, self.values, blocks, [seed] * len(blocks))
        tree = rebuilt(self.tree, duals)
        for n, branch in zip(self.numbers, (tree,) if self.single else tree, strict=True):
            args[n] = branch
        return args

    def shaped(self, vector: Array) -> Any:
        """A vector over all variables (its last axis) as the arguments it belongs to."""
        front = vector.shape[:-1]
        if self.tree is self.values[0]:
            return typed(vector.reshape(front + self.tree.shape), self.tree)
        parts = [
            typed(vector[..., a:b].reshape(front + v.shape), v)
            for v, (a, b) in zip(self.values, pairwise(self.offsets), strict=True)
        ]
        return rebuilt(self.tree, iter(parts))

    def rows(self, matrix: Array) -> Iterator[Array]:
        """A matrix with a row for each variable, cut and shaped after the variables."""
        for v, (a, b) in zip(self.values, pairwise(self.offsets), strict=True):
            yield matrix[a:b].reshape((*v.shape, self.size))

    def flat(self, tree: Any, what: str) -> list[Array]:
        """Arrays of the shapes of the variables, given in the same tuples and lists."""
        given = [real(x) for x in leaves(tree)]
        shapes = [x.shape for x in given]
        if shapes != [v.shape for v in self.values]:
            raise ValueError(
                f"the {what} has arrays of shapes {shapes}, the arguments {[v.shape for v in self.values]}: "
                "give one like the arguments"
            )
        return given


def largest(tree: Any) -> int:
    """Elements of the largest array among arguments of any kind."""
    size = 0
    for x in tree:
        if isinstance(x, (np.ndarray, DualArray)):
            if x.size > size:
                size = x.size
        elif isinstance(x, (tuple, list)):
            size = max(size, largest(x))
    return size


def numbers_of(argnums: Argnums, count: int) -> tuple[int, ...]:
    """Positions of the variables among `count` arguments; raises ValueError where there are none."""
    if argnums.__class__ is int and 0 <= argnums < count:
        return (argnums,)
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(-count <= n < count for n in numbers) or not numbers:
        raise ValueError(
            f"argnums is {argnums}, but the function is called with {count} arguments: name some of "
            f"0 to {count - 1}"
        )
    found = tuple(n % count for n in numbers)
    if len(set(found)) < len(found):
        raise ValueError(f"argnums {argnums} names an argument twice: name each once")
    return found


def typed(part: Array, variable: Array) -> Array:
    """Derivatives as an array of their own, of the variable's precision."""
    if type(part) is DualArray or type(variable) is DualArray:
        return part
    return np.array(part, dtype=variable.dtype)[()]


def dual_of(value: Array, t: Array, seed: Seed) -> DualArray:
    """A variable of a pass: a copy, so that a function that writes to it leaves the caller's alone."""
    if type(value) is DualArray:
        return DualArray(np.copy(value), t, None, seed)
    if type(t) is DualArray:  # then the value has to be of its kind
        return DualArray(value + 0.0 * t[0], t, None, seed)
    return DualArray(value.copy(), t, None, seed)


def tangents(value: Array, start: int, ranges: Ranges) -> Array:
    """Ones where the directions of the ranges meet the variable, which begins at `start`."""
    shape, n = value.shape, value.size
    parts = []
    for low, high in ranges:
        if high <= start or start + n <= low:
            parts.append(np.zeros((high - low, *(1,) * len(shape))))
        else:
            one = one_hot(high - low, n, low - start, value.dtype)
            parts.append(one if len(shape) == 1 else one.reshape((high - low, *shape)))
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([np.broadcast_to(p, (len(p), *shape)) for p in parts])


def one_hot(k: int, n: int, shift: int, dtype: Any) -> Array:
    """Rows with a one each, in column `shift` and the following; not to be written to."""
    return _kept(k, n, shift, dtype) if k * n <= 1024 else np.eye(k, n, shift, dtype)


@lru_cache(maxsize=64)
def _kept(k: int, n: int, shift: int, dtype: Any) -> Array:
    made = np.eye(k, n, shift, dtype)
    made.flags.writeable = False
    return made
