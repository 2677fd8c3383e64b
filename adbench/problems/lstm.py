r"""Loss of a long short-term memory network that predicts the next characters of a text.

The weights are diagonal: each of the b numbers of a layer has its own. With :math:`x` the input of a
layer (of the first, the characters at step t times an input weight; of the others, the output h of the
layer below), :math:`h` and :math:`c` its state, and :math:`\sigma(z) = 1 / (1 + e^{-z})`, a step is

.. math:: f = \sigma(x W_f + B_f), \; g = \sigma(h W_g + B_g), \; o = \sigma(x W_o + B_o), \;
   u = \tanh(h W_u + B_u), \quad c \leftarrow c f + g u, \quad h \leftarrow o \tanh c

and the last layer's h, times an output weight plus an output bias, is y. The loss is

.. math:: -\frac{1}{(c - 1) b} \sum_{t < c - 1} s_{t+1} \cdot
   \left[ y_t - \log\left( 2 + \textstyle\sum_j e^{y_{tj}} \right) \right].

The variables are main (2L x 4b: row 2i the weights, row 2i + 1 the biases of layer i, blocks f, g, o, u)
and extra (3 x b: input weight, output weight, output bias), raveled; state (2L x b: rows 2i h, 2i + 1 the
cell) and the sequence s (c x b, zeros and ones) are data.

Source: ``docs/PROBLEMS.md`` C; the LSTM objective of ADBench (F. Srajer, Z. Kukelova, A. Fitzgibbon,
Optimization Methods and Software 33, 2018, 889, and Microsoft's ADBench). In the suite because it is
the long recurrence of machine learning: hundreds of parameters, thousands of sequential steps of
small vectors, where a tape grows long and an array tool pays its overhead at every step.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem
from adbench.problems import _lstm_by_hand as by_hand

BITS = 14


def at(size: Any) -> Point:
    """Uniform weights and states, random bits, for the size (layers, characters)."""
    layers, characters = size
    if characters < 2:
        raise ValueError(f"a sequence needs two characters to predict one, got {characters}")
    rng = np.random.default_rng(31337)
    main = rng.random((2 * layers, 4 * BITS))
    extra = rng.random((3, BITS))
    state = rng.random((2 * layers, BITS))
    sequence = rng.integers(0, 2, (characters, BITS)).astype(np.float64)
    return Point(np.concatenate([main.ravel(), extra.ravel()]), (state, sequence))


def scalar(m: Any) -> Any:
    def sigma(z):
        return 1.0 / (1.0 + m.exp(-z))

    def layer(x, weights, b, signal, h, c, first):
        # the layer's weights begin at x[weights], its biases 4 b later; its h and c at `first`
        for j in range(b):
            w = weights + j
            before = h[first + j]
            forget = sigma(signal[j] * x[w] + x[w + 4 * b])
            enter = sigma(before * x[w + b] + x[w + 5 * b])
            leave = sigma(signal[j] * x[w + 2 * b] + x[w + 6 * b])
            change = m.tanh(before * x[w + 3 * b] + x[w + 7 * b])
            c[first + j] = c[first + j] * forget + enter * change
            h[first + j] = leave * m.tanh(c[first + j])
            signal[j] = h[first + j]

    def f(x, state, sequence):
        layers = len(state) // 2
        b = len(state[0])
        extra = 8 * layers * b
        h = m.zeros(layers * b)
        c = m.zeros(layers * b)
        for i in range(layers):
            for j in range(b):
                h[i * b + j] = state[2 * i][j]
                c[i * b + j] = state[2 * i + 1][j]
        signal = m.zeros(b)
        total = 0.0
        for t in range(len(sequence) - 1):
            for j in range(b):
                signal[j] = sequence[t][j] * x[extra + j]
            for i in range(layers):
                layer(x, 8 * i * b, b, signal, h, c, i * b)
            norm = 2.0
            for j in range(b):
                signal[j] = signal[j] * x[extra + b + j] + x[extra + 2 * b + j]
                norm = norm + m.exp(signal[j])
            norm = m.log(norm)
            for j in range(b):
                total = total + sequence[t + 1][j] * (signal[j] - norm)
        return -total / ((len(sequence) - 1) * b)

    return f


def array_layer(xp: Any) -> Any:
    """``layer(weights, biases, x, h, c) -> (h, c)``: all four gates at once, shape (4, b)."""

    def layer(weights, biases, x, h, c):
        z = xp.stack([x, h, x, h]) * weights + biases
        gates = 1.0 / (1.0 + xp.exp(-z[:3]))
        c = c * gates[0] + gates[1] * xp.tanh(z[3])
        return gates[2] * xp.tanh(c), c

    return layer


def array_loss(xp: Any) -> Any:
    """``loss(outputs, extra, sequence)`` of the last layer's h at all steps, shape (c - 1, b)."""

    def loss(outputs, extra, sequence):
        y = outputs * extra[1] + extra[2]
        norm = xp.log(2.0 + xp.sum(xp.exp(y), axis=1))
        scale = (sequence.shape[0] - 1) * sequence.shape[1]
        return -xp.sum(sequence[1:] * (y - xp.reshape(norm, (-1, 1)))) / scale

    return loss


def array(xp: Any) -> Any:
    layer = array_layer(xp)
    loss = array_loss(xp)

    def f(x, state, sequence):
        layers, b = state.shape[0] // 2, state.shape[1]
        main = xp.reshape(x[: 8 * layers * b], (layers, 2, 4, b))
        extra = xp.reshape(x[8 * layers * b :], (3, b))
        # taken out of x once: taking them in every step would cost reverse mode dearly
        weights = [main[i, 0] for i in range(layers)]
        biases = [main[i, 1] for i in range(layers)]
        h = [state[2 * i] for i in range(layers)]
        c = [state[2 * i + 1] for i in range(layers)]
        enter = extra[0]
        outputs = []
        for t in range(sequence.shape[0] - 1):
            signal = sequence[t] * enter
            for i in range(layers):
                h[i], c[i] = layer(weights[i], biases[i], signal, h[i], c[i])
                signal = h[i]
            outputs += [signal]
        return loss(xp.stack(outputs), extra, sequence)

    return f


def jax_scanned(xp: Any, wrap: Any) -> Any:
    """F by ``lax.scan`` over the characters; `wrap` changes the body of the loop."""
    from jax import lax

    layer = array_layer(xp)
    loss = array_loss(xp)

    def f(x, state, sequence):
        layers, b = state.shape[0] // 2, state.shape[1]
        main = xp.reshape(x[: 8 * layers * b], (layers, 2, 4, b))
        extra = xp.reshape(x[8 * layers * b :], (3, b))

        def step(carry, character):
            h, c = list(carry[0]), list(carry[1])
            signal = character * extra[0]
            for i in range(layers):
                h[i], c[i] = layer(main[i, 0], main[i, 1], signal, h[i], c[i])
                signal = h[i]
            return (tuple(h), tuple(c)), signal

        start = (
            tuple(state[2 * i] for i in range(layers)),
            tuple(state[2 * i + 1] for i in range(layers)),
        )
        _, outputs = lax.scan(wrap(step), start, sequence[:-1])
        return loss(outputs, extra, sequence)

    return f


def jax(xp: Any) -> Any:
    """A Python loop would be unrolled into a program of some 25 operations a step and layer, which XLA
    takes minutes to compile; JAX's manual has ``lax.scan`` for a recurrence over a sequence.
    """
    return jax_scanned(xp, lambda step: step)


def jax_checkpoint(xp: Any) -> Any:
    """``jax.checkpoint`` on the body of the scan, as JAX's manual has it for long recurrences:
    reverse mode then keeps h and c of every step and computes the gates anew.
    """
    import jax

    # a scan needs no protection from merging of the repeated work: JAX's manual says to switch it off
    return jax_scanned(xp, lambda step: jax.checkpoint(step, prevent_cse=False))


PROBLEM = Problem(
    name="lstm",
    summary="long short-term memory network: L layers, c characters, thousands of small steps",
    at=at,
    sizes=((2, 64), (2, 1_024), (4, 4_096)),
    operators=(Operator.VALUE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT),
    forms=(
        Form("scalar", scalar),
        Form("array", array),
        Form("jax", jax),
        Form("jax-checkpoint", jax_checkpoint),
        Form("numba-manual", by_hand.numba_manual, gives=Operator.VALUE_AND_GRADIENT),
    ),
)
