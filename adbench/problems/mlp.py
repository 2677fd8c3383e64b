r"""A perceptron of two layers, fitted to the sine of the sum of its inputs.

.. math:: f = \frac1N \sum_i \Bigl( W_2 \cdot \tanh(W_1^T X_i + b_1) + b_2
   - \sin \sum_j X_{ij} \Bigr)^2

The parameters are :math:`W_1` (d x h, row by row), :math:`b_1` (h), :math:`W_2` (h) and :math:`b_2`.
Source: ``docs/PROBLEMS.md`` B. In the suite because it is the smallest of neural networks: matrix
products, one elementwise function between them, up to 66 561 parameters of which each enters N
times. What tools for machine learning are made for, and where forward mode has no chance.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem


def at(size: tuple[int, int, int]) -> Point:
    """N normal inputs of d features; parameters of h hidden units, normal with width 0.1."""
    n, d, h = size
    draw = np.random.default_rng(31337)
    inputs = draw.standard_normal((n, d))
    return Point(0.1 * draw.standard_normal(d * h + 2 * h + 1), (inputs,))


def scalar(m: Any) -> Any:
    def f(x, inputs):
        d = len(inputs[0])
        h = (len(x) - 1) // (d + 2)
        total = 0.0
        for i in range(len(inputs)):
            z = m.zeros(h)
            for k in range(h):
                z[k] = x[d * h + k]
            target = 0.0
            for j in range(d):
                target = target + inputs[i][j]
                for k in range(h):
                    z[k] = z[k] + inputs[i][j] * x[j * h + k]
            output = x[d * h + 2 * h]
            for k in range(h):
                output = output + x[d * h + h + k] * m.tanh(z[k])
            residual = output - m.sin(target)
            total = total + residual * residual
        return total / len(inputs)

    return f


def array(xp: Any) -> Any:
    def f(x, inputs):
        n, d = inputs.shape
        h = (x.shape[0] - 1) // (d + 2)
        weights = xp.reshape(x[: d * h], (d, h))
        hidden = xp.tanh(inputs @ weights + x[d * h : d * h + h])
        output = hidden @ x[d * h + h : d * h + 2 * h] + x[d * h + 2 * h]
        residual = output - xp.sin(xp.sum(inputs, axis=1))
        return xp.sum(residual * residual) / n

    return f


def _transposed(rows: Any) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _parts(x: Any, d: int) -> tuple[Any, Any, Any, Any]:
    """W1 as rows, b1, W2 and b2."""
    h = (len(x) - 1) // (d + 2)
    rows = [list(x[j * h : (j + 1) * h]) for j in range(d)]
    return rows, x[d * h : d * h + h], x[d * h + h : d * h + 2 * h], x[d * h + 2 * h]


def _affine(m: Any, inputs: Any, rows: Any, shift: Any) -> list[list[Any]]:
    product = m.matmul(inputs, rows)
    return [[z + b for z, b in zip(row, shift, strict=True)] for row in product]


def _forward(m: Any, x: Any, inputs: Any) -> tuple[Any, Any]:
    """Hidden units after tanh, and the derivative of f by each output: 2/N times its residual."""
    rows, b1, w2, b2 = _parts(x, len(inputs[0]))
    hidden = [[m.tanh(z) for z in row] for row in _affine(m, inputs, rows, b1)]
    outputs = m.matmul(hidden, [[w] for w in w2])
    pull = [
        2.0 * (o[0] + b2 - m.sin(sum(row))) / len(inputs)
        for o, row in zip(outputs, inputs, strict=True)
    ]
    return hidden, pull


def value(m: Any) -> Any:
    def f(x, inputs):
        inputs = [list(row) for row in inputs]
        _, pull = _forward(m, x, inputs)
        return len(inputs) * sum(p * p for p in pull) / 4.0

    return f


def gradient(m: Any) -> Any:
    def g(x, inputs):
        inputs = [list(row) for row in inputs]
        _, _, w2, _ = _parts(x, len(inputs[0]))
        hidden, pull = _forward(m, x, inputs)
        back = [
            [p * w * (1.0 - t * t) for w, t in zip(w2, row, strict=True)]
            for p, row in zip(pull, hidden, strict=True)
        ]
        return _gathered(m, inputs, back, m.matmul([pull], hidden)[0], sum(pull))

    return g


def _gathered(m: Any, inputs: Any, back: Any, by_w2: Any, by_b2: Any) -> list[Any]:
    """The derivatives in the order of x, given those by each hidden unit's argument."""
    by_w1 = m.matmul(_transposed(inputs), back)
    by_b1 = [sum(column) for column in _transposed(back)]
    return [*(v for row in by_w1 for v in row), *by_b1, *by_w2, by_b2]


def product(m: Any) -> Any:
    def h(x, v, inputs):
        # the gradient's formulas, differentiated along v: a dot of each number is its slope along v
        inputs = [list(row) for row in inputs]
        (_, _, w2, _), (rows, c1, v2, c2) = _parts(x, len(inputs[0])), _parts(v, len(inputs[0]))
        hidden, pull = _forward(m, x, inputs)
        slope = [[1.0 - t * t for t in row] for row in hidden]
        hidden_dot = [
            [s * z for s, z in zip(a, b, strict=True)]
            for a, b in zip(slope, _affine(m, inputs, rows, c1), strict=True)
        ]
        moved = m.matmul(hidden_dot, [[w] for w in w2])
        turned = m.matmul(hidden, [[w] for w in v2])
        pull_dot = [
            2.0 * (a[0] + b[0] + c2) / len(inputs) for a, b in zip(moved, turned, strict=True)
        ]
        back_dot = [
            [
                (q * w + p * u) * s - 2.0 * p * w * t * t_dot
                for w, u, s, t, t_dot in zip(w2, v2, slopes, ts, t_dots, strict=True)
            ]
            for p, q, slopes, ts, t_dots in zip(
                pull, pull_dot, slope, hidden, hidden_dot, strict=True
            )
        ]
        by_w2 = [
            a + b
            for a, b in zip(
                m.matmul([pull_dot], hidden)[0], m.matmul([pull], hidden_dot)[0], strict=True
            )
        ]
        return _gathered(m, inputs, back_dot, by_w2, sum(pull_dot))

    return h


PROBLEM = Problem(
    name="mlp",
    summary="perceptron of two layers: N inputs of d features, h hidden units",
    at=at,
    sizes=((100, 4, 16), (1_000, 32, 128), (1_000, 128, 512)),
    operators=(Operator.VALUE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT, Operator.HVP),
    forms=(Form("scalar", scalar), Form("array", array)),
    exact={Operator.VALUE: value, Operator.GRADIENT: gradient, Operator.HVP: product},
    closed=((1_000, 32, 128), (1_000, 128, 512)),
)
