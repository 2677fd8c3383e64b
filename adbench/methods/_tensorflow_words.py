"""NumPy's names, as array forms use them, in TensorFlow's words; knows TensorFlow and no derivative.

What takes a tensor takes a plain number too, which stays one: constants of a text (``xp.log(2.0)``) are
Python floats, of 64 bits, where ``tf.constant(2.0)`` would have 32. Whatever makes a tensor of nothing
makes float64. Slices, indices and operators are those of TensorFlow's own NumPy behaviour, the words its
own functions: those of ``tensorflow.experimental.numpy`` convert what they are given anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

from adbench.model import namespace

Function = Callable[..., Any]

# Names that Python, TensorFlow and the forms share.
_SAME = (
    "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "erf", "erfc", "lgamma",
)  # fmt: skip
_OLDER = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2"}


def words(name: str, derivative: Function) -> ModuleType:
    """The namespace of array forms, with the elementwise ``derivative(g, t)`` of a mode."""
    import tensorflow as tf

    unary = {w: _either(tf, getattr(tf.math, w), getattr(math, w)) for w in _SAME}
    unary["log2"] = _either(tf, lambda x: tf.math.log(x) / math.log(2.0), math.log2)
    ours = {**unary, **_pairs(tf), **_shapes(tf), **_reductions(tf), **_made(tf)}
    ours |= {old: ours[new] for old, new in _OLDER.items()}
    linalg = namespace(f"{name}.linalg", _linear(tf))
    return namespace(name, {**ours, "linalg": linalg, "derivative": derivative})


def real(t: Any) -> Any:
    """A tensor as it is, numbers as a float64 tensor."""
    import tensorflow as tf

    return t if isinstance(t, tf.Tensor) else tf.constant(t, dtype=tf.float64)


def _either(tf: Any, of_tensors: Function, of_numbers: Function) -> Function:
    """A function of a tensor, and the same of a plain number."""
    return lambda x: of_tensors(x) if isinstance(x, tf.Tensor) else of_numbers(x)


def _pairs(tf: Any) -> dict[str, Function]:
    def of_two(function: Function) -> Function:
        return lambda a, b: function(real(a), real(b))

    def product(a: Any, b: Any) -> Any:
        return a @ b

    return {
        "where": lambda condition, a, b: tf.where(condition, real(a), real(b)),
        "atan2": of_two(tf.math.atan2),
        "maximum": of_two(tf.maximum),
        "minimum": of_two(tf.minimum),
        "abs": abs,
        "matmul": product,
        "dot": product,
        "outer": lambda a, b: a[:, None] * b[None, :],
    }


def _shapes(tf: Any) -> dict[str, Function]:
    def roll(a: Any, shift: int, axis: int | None = None) -> Any:
        if axis is not None:
            return tf.roll(a, shift, axis)
        return tf.reshape(tf.roll(tf.reshape(a, (-1,)), shift, 0), a.shape)

    def take(a: Any, places: Any, axis: int | None = None) -> Any:
        return tf.gather(tf.reshape(a, (-1,)) if axis is None else a, places, axis=axis or 0)

    return {
        "reshape": tf.reshape,
        "transpose": tf.transpose,
        "ravel": lambda a: tf.reshape(a, (-1,)),
        "take": take,
        "concatenate": lambda parts, axis=0: tf.concat([real(p) for p in parts], axis),
        "stack": lambda parts, axis=0: tf.stack([real(p) for p in parts], axis),
        "roll": roll,
        "diag": lambda a: tf.linalg.diag_part(a) if len(a.shape) == 2 else tf.linalg.diag(a),
    }


def _reductions(tf: Any) -> dict[str, Function]:
    def over(function: Function) -> Function:
        return lambda a, axis=None: function(a, axis=axis)

    return {
        "sum": over(tf.reduce_sum),
        "mean": over(tf.reduce_mean),
        "prod": over(tf.reduce_prod),
        "max": over(tf.reduce_max),
        "min": over(tf.reduce_min),
        "any": over(tf.reduce_any),
        "cumsum": lambda a, axis=0: tf.cumsum(a, axis),
    }


def _made(tf: Any) -> dict[str, Function]:
    return {
        "array": real,
        "asarray": real,
        "arange": lambda *ends: tf.range(*ends, dtype=tf.int64),
        "zeros": lambda shape: tf.zeros(shape, dtype=tf.float64),
        "ones": lambda shape: tf.ones(shape, dtype=tf.float64),
        "eye": lambda n: tf.eye(n, dtype=tf.float64),
        "zeros_like": tf.zeros_like,
        "ones_like": tf.ones_like,
        "full_like": lambda a, value: tf.fill(a.shape, real(value)),
    }


def _linear(tf: Any) -> dict[str, Function]:
    def solve(a: Any, b: Any) -> Any:
        # TensorFlow solves for matrices alone
        if len(b.shape) == len(a.shape):
            return tf.linalg.solve(a, b)
        return tf.linalg.solve(a, b[:, None])[:, 0]

    linalg = tf.linalg
    return {"cholesky": linalg.cholesky, "solve": solve, "inv": linalg.inv, "det": linalg.det}
