"""The gradient of `lstm` by hand: backpropagation through time, compiled by Numba.

Adjoints of a layer's step, with f, g, o, u, c, h as in ``adbench.problems.lstm``, h and c after the
step, c' before it, and a bar for the adjoint:

    h_bar reaches o by tanh c and c by o (1 - tanh^2 c);
    c_bar reaches f by c', g by u, u by g, and c' by f;
    a gate's reaches its argument by s (1 - s), the change's by 1 - u^2.
"""

from typing import Any

import numpy as np


def numba_manual(m: Any) -> Any:
    """Backpropagation through time by hand: what reverse mode can at best become. Gates and states
    of all steps are kept in one array, and every inner loop runs over neighbours in memory.
    """

    def step(w, signal, before, now):
        # rows of now: gates f, g, o, change u, tanh of the cell, cell, h; of w: weights, then biases
        b = len(signal)
        for j in range(b):
            now[0, j] = 1.0 / (1.0 + m.exp(-(signal[j] * w[0, j] + w[4, j])))
            now[1, j] = 1.0 / (1.0 + m.exp(-(before[6, j] * w[1, j] + w[5, j])))
            now[2, j] = 1.0 / (1.0 + m.exp(-(signal[j] * w[2, j] + w[6, j])))
            now[3, j] = m.tanh(before[6, j] * w[3, j] + w[7, j])
            now[5, j] = before[5, j] * now[0, j] + now[1, j] * now[3, j]
            now[4, j] = m.tanh(now[5, j])
            now[6, j] = now[2, j] * now[4, j]

    def back(w, signal, before, now, h, c, s, gradient):
        # h, c: adjoints of this layer's state after the step on entry, before it on return;
        # s: adjoint of what the layer gives on entry, of what it takes on return
        for j in range(len(s)):
            f, g, o, u, tanh = now[0, j], now[1, j], now[2, j], now[3, j], now[4, j]
            out = h[j] + s[j]
            cell = c[j] + out * o * (1.0 - tanh * tanh)
            zf = cell * before[5, j] * f * (1.0 - f)
            zg = cell * u * g * (1.0 - g)
            zo = out * tanh * o * (1.0 - o)
            zu = cell * g * (1.0 - u * u)
            gradient[0, j] += zf * signal[j]
            gradient[1, j] += zg * before[6, j]
            gradient[2, j] += zo * signal[j]
            gradient[3, j] += zu * before[6, j]
            gradient[4, j] += zf
            gradient[5, j] += zg
            gradient[6, j] += zo
            gradient[7, j] += zu
            c[j] = cell * f
            h[j] = zg * w[1, j] + zu * w[3, j]
            s[j] = zf * w[0, j] + zo * w[2, j]

    def output(extra, h, following, s, gradient, scale):
        # loss of one step; s becomes the adjoint of h
        norm, bits, loss = 2.0, 0.0, 0.0
        for j in range(len(h)):
            y = h[j] * extra[1, j] + extra[2, j]
            s[j] = m.exp(y)
            norm += s[j]
            bits += following[j]
            loss += following[j] * y
        for j in range(len(h)):
            y = scale * (following[j] - bits * s[j] / norm)
            gradient[1, j] += y * h[j]
            gradient[2, j] += y
            s[j] = y * extra[1, j]
        return scale * (loss - bits * m.log(norm))

    def g(x, state, sequence):
        layers, b, steps = len(state) // 2, state.shape[1], len(sequence) - 1
        main = x[: 8 * layers * b].reshape((layers, 8, b))
        extra = x[8 * layers * b :].reshape((3, b))
        kept = np.empty((steps + 1, layers, 7, b))
        for i in range(layers):
            kept[0, i, 6], kept[0, i, 5] = state[2 * i], state[2 * i + 1]
        signal = np.empty(b)
        for t in range(steps):
            signal[:] = sequence[t] * extra[0]
            for i in range(layers):
                step(
                    main[i], signal if i == 0 else kept[t + 1, i - 1, 6], kept[t, i], kept[t + 1, i]
                )
        gradient = np.zeros(len(x))
        of_main = gradient[: 8 * layers * b].reshape((layers, 8, b))
        of_extra = gradient[8 * layers * b :].reshape((3, b))
        h, c, s = np.zeros((layers, b)), np.zeros((layers, b)), np.empty(b)
        value, scale = 0.0, -1.0 / (steps * b)
        for t in range(steps - 1, -1, -1):
            value += output(extra, kept[t + 1, layers - 1, 6], sequence[t + 1], s, of_extra, scale)
            signal[:] = sequence[t] * extra[0]
            for i in range(layers - 1, -1, -1):
                below = signal if i == 0 else kept[t + 1, i - 1, 6]
                back(main[i], below, kept[t, i], kept[t + 1, i], h[i], c[i], s, of_main[i])
            for j in range(b):
                of_extra[0, j] += s[j] * sequence[t, j]
        return value, gradient

    return g
