"""Blocks of tangents and curvatures times slopes, and their sums; None stands for a block of zeros."""

from collections.abc import Callable
from typing import Any

import numpy as np

from adbench.dual.numpy.array_type import DualArray, core
from adbench.dual.numpy.layout import Array

Block = Any  # an array, or None for zero
Times = Callable[[Any, Block], Block]  # a derivative times tangents


def vanishes(x: Any) -> Any:
    """Where x is zero; of a dual, where all its derivatives are zero too."""
    if type(x) is not DualArray:
        return x == 0
    zero = vanishes(x.value) & np.all(vanishes(x.tangents), axis=0)
    return zero if x.curvatures is None else zero & np.all(vanishes(x.curvatures), axis=0)


def strong(factor: Any, t: Block) -> Block:
    """Factor times t, where a zero of t wins over an infinite or NaN factor."""
    if factor is None or t is None:
        return None
    if np.isfinite(core(factor)).all():
        return factor * t
    return np.where(vanishes(t), 0.0, factor * t)


def product(factor: Any, t: Block) -> Block:
    """Factor times t; None is zero, and the integers 1 and -1 cost no multiplication."""
    if factor is None or t is None:
        return None
    if factor.__class__ is int:
        return t.copy() if factor == 1 else -t
    return factor * t


def total(p: Block, q: Block) -> Block:
    """``p + q``, where None is zero."""
    if p is None or q is None:
        return q if p is None else p
    return p + q


def increased(t: Array, u: Array, value: Array) -> Array:
    """``t + u``, tangents of the value, in the buffer of t (which must be our own) where it is full."""
    if type(t) is np.ndarray and type(u) is np.ndarray and t.shape[1:] == value.shape:
        t += u
        return t
    return t + u
