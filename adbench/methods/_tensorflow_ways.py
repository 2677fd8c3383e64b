"""How each mode of TensorFlow computes each operator; knows neither settings nor arguments nor graphs.

Every function returns plain functions of ``(x, *given, *data)``. `Mode` says which mode is which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from adbench.methods._shared import parts, propagated
from adbench.methods._tensorflow_words import real
from adbench.model import Operator, Pattern

Function = Callable[..., Any]


@dataclass(frozen=True)
class Mode:
    """One way to use TensorFlow.

    Parameters
    ----------
    ways : callable
        ``ways(f, k, pattern)``: the operators of f, elementwise of k arrays where k is not 0, with a
        sparse Jacobian where there is a pattern.
    derivative : callable
        ``derivative(g, t)``: what a text that contains a derivative gets for it.
    """

    ways: Callable[[Function, int, Pattern | None], Mapping[Operator, Function]]
    derivative: Function


def joined(f: Function, k: int) -> Function:
    """An elementwise f of k arrays as a function of one x that holds them one after another: a graph's
    tensors have a shape and no ``len``.
    """
    if k < 2:
        return f
    return lambda x, *data: f(*(x[part] for part in parts(k, x.shape[0])), *data)


def _derivative_reverse(g: Function, t: Any) -> Any:
    """The derivative of an elementwise g at t. The tape watches an alias of t, so that what else was
    made of t has no part in it.
    """
    import tensorflow as tf

    return _of_tape(*_taped(g, tf.identity(real(t))))


def _derivative_forward(g: Function, t: Any) -> Any:
    """The derivative of an elementwise g at t: one tangent of ones, of an alias of t."""
    import tensorflow as tf

    t = tf.identity(real(t))
    return _along(g, t, tf.ones_like(t), ())[1]


def _taped(f: Function, x: Any, *data: Any, persistent: bool = False) -> tuple[Any, Any, Any]:
    """The tape that watched x, f at x, and x."""
    import tensorflow as tf

    with tf.GradientTape(persistent=persistent, watch_accessed_variables=False) as tape:
        tape.watch(x)
        y = f(x, *data)
    return tape, y, x


def _of_tape(tape: Any, y: Any, x: Any, u: Any = None) -> Any:
    """``u^T dy/dx``, dense; zeros where nothing of x went into y."""
    import tensorflow as tf

    zero = tf.UnconnectedGradients.ZERO
    found = tape.gradient(y, x, output_gradients=u, unconnected_gradients=zero)
    return tf.convert_to_tensor(found)  # a gather's gradient comes as slices


def _rows(tape: Any, y: Any, x: Any) -> Any:
    import tensorflow as tf

    return tape.jacobian(y, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _reverse(f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    """Gradients of tapes alone, also where derivatives are nested."""
    import tensorflow as tf

    def gradient(x: Any, *data: Any) -> Any:
        return _of_tape(*_taped(f, x, *data))

    def both(x: Any, *data: Any) -> Any:
        tape, y, _ = _taped(f, x, *data)
        return y, _of_tape(tape, y, x)

    def hvp(x: Any, v: Any, *data: Any) -> Any:
        return _of_tape(*_taped(gradient, x, *data), v)

    def newton(x: Any, *data: Any) -> Any:
        tape, slopes, _ = _taped(gradient, x, *data)
        return slopes / _of_tape(tape, slopes, x, tf.ones_like(x))

    def jacobian(x: Any, *data: Any) -> Any:
        return _rows(*_taped(f, x, *data))

    def pulled(x: Any, *data: Any) -> Function:
        taped = _taped(f, x, *data, persistent=True)
        return lambda u: _of_tape(*taped, u)

    def jvp(x: Any, v: Any, *data: Any) -> Any:
        # u -> J^T u is linear, so pulling v back through it gives J v: two passes, whatever n is.
        with tf.GradientTape(watch_accessed_variables=False) as outer:
            tape, y, _ = _taped(f, x, *data)
            u = tf.zeros_like(y)
            outer.watch(u)
            product = _of_tape(tape, y, x, u)
        return _of_tape(outer, product, u, v)

    return {
        Operator.VALUE: f,
        # points do not mix, so the gradient of the sum, which a tape takes, holds every derivative
        Operator.DERIVATIVE: gradient,
        Operator.GRADIENT: gradient,
        Operator.VALUE_AND_GRADIENT: both,
        Operator.HESSIAN: lambda x, *data: _rows(*_taped(gradient, x, *data)),
        Operator.HVP: hvp,
        Operator.NEWTON_DIRECTION: newton,
        Operator.JACOBIAN: jacobian if pattern is None else compressed(pattern, pulled, True),
        Operator.JVP: jvp,
        Operator.VJP: lambda x, u, *data: _of_tape(*_taped(f, x, *data), u),
        Operator.PROPAGATE: propagated(jacobian),
    }


def _forward(f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    """Forward accumulators alone: a tangent for each direction, vectorised over several."""
    import tensorflow as tf

    def pushed(x: Any, *data: Any) -> Function:
        return lambda v: _along(f, x, v, data)[1]

    def several(x: Any, directions: Any, data: tuple[Any, ...]) -> Any:
        return tf.vectorized_map(pushed(x, *data), directions)

    def derivative(x: Any, *data: Any) -> Any:
        # Points do not mix, so one tangent of ones for each of the k arrays gives all derivatives.
        ones = np.zeros((k, x.shape[0]))
        for i, part in enumerate(parts(k, x.shape[0])):
            ones[i, part] = 1.0
        return tf.concat([pushed(x, *data)(tf.constant(one)) for one in ones], 0)

    def jacobian(x: Any, *data: Any) -> Any:
        return tf.transpose(several(x, tf.eye(x.shape[0], dtype=x.dtype), data))

    return {
        Operator.VALUE: f,
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: lambda x, *data: several(x, tf.eye(x.shape[0], dtype=x.dtype), data),
        Operator.JACOBIAN: jacobian if pattern is None else compressed(pattern, pushed, False),
        Operator.JVP: lambda x, v, *data: _along(f, x, v, data)[1],
        Operator.PROPAGATE: propagated(jacobian),
    }


def _mixed(f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    """Second derivatives as TensorFlow's guide has them: a forward accumulator around a tape."""
    import tensorflow as tf

    def gradient(x: Any, *data: Any) -> Any:
        return _of_tape(*_taped(f, x, *data))

    def hessian(x: Any, *data: Any) -> Any:
        units = tf.eye(x.shape[0], dtype=x.dtype)
        return tf.vectorized_map(lambda v: _along(gradient, x, v, data)[1], units)

    def newton(x: Any, *data: Any) -> Any:
        slopes, diagonal = _along(gradient, x, tf.ones_like(x), data)
        return slopes / diagonal

    return {
        Operator.HESSIAN: hessian,
        Operator.HVP: lambda x, v, *data: _along(gradient, x, v, data)[1],
        Operator.NEWTON_DIRECTION: newton,
    }


def _along(f: Function, x: Any, v: Any, data: tuple[Any, ...]) -> tuple[Any, Any]:
    """F at x, and its derivative along v."""
    import tensorflow as tf

    with tf.autodiff.ForwardAccumulator(x, v) as accumulator:
        y = f(x, *data)
    return y, accumulator.jvp(y, tf.UnconnectedGradients.ZERO)


def compressed(pattern: Pattern, products: Function, by_rows: bool) -> Function:
    """The entries of a sparse Jacobian in the order of the pattern, shape (nnz,), from one product a
    colour, vectorised over the colours.

    Parameters
    ----------
    pattern : Pattern
    products : callable
        ``products(x, *data)`` gives the function from a direction to its product with J at x.
    by_rows : bool
        Whether directions are sums of unit vectors of rows, as reverse mode wants, or of columns.
    """
    import tensorflow as tf

    m, n = pattern.shape
    if by_rows:
        colours, own, other, length = pattern.row_colours, pattern.row_of, pattern.columns, n
    else:
        colours, own, other, length = pattern.column_colours, pattern.columns, pattern.row_of, m
    count = int(colours.max(initial=0)) + 1
    colour, places = tf.constant(colours), tf.constant(colours[own] * length + other)
    each = tf.range(count, dtype=colour.dtype)[:, None]

    def jacobian(x: Any, *data: Any) -> Any:
        seeds = tf.cast(tf.equal(colour, each), x.dtype)
        found = tf.vectorized_map(products(x, *data), seeds)
        return tf.gather(tf.reshape(found, (-1,)), places)

    return jacobian


REVERSE = Mode(_reverse, _derivative_reverse)
FORWARD = Mode(_forward, _derivative_forward)
MIXED = Mode(_mixed, _derivative_reverse)
