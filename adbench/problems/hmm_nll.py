r"""Hidden Markov model with normal emissions: the forward algorithm in log space, S states, T steps.

.. math:: \log a_0(s) = \log \pi_s + \log N(y_0; \mu_s, \sigma_s), \quad
   \log a_t(s) = \log \sum_r e^{\log a_{t-1}(r) + \log A_{rs}} + \log N(y_t; \mu_s, \sigma_s), \quad
   f = -\log \sum_s a_{T-1}(s)

Parameters: logits of the initial state, logits of the transitions row by row (a softmax each), means,
logarithms of widths. Source: ``docs/PROBLEMS.md`` A (the algorithm: L. R. Rabiner, Proceedings of the
IEEE 77, 1989, 257). In the suite as a long sequential loop with little work in each step: array tools
pay for each step, a tape grows with T.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem

# About one over the likelihood of a step, so that products over all steps stay near 1.
LIFT = 4.5


def at(size: tuple[int, int]) -> Point:
    """T standard normal observations, parameters of size 0.3."""
    states, steps = size
    draw = np.random.default_rng(31337)
    y = draw.standard_normal(steps)
    return Point(0.3 * draw.standard_normal(states * states + 3 * states), (y,))


def _states(parameters: int) -> int:
    """How many states: S^2 + 3 S is the number of parameters."""
    states = 1
    while states * (states + 3) < parameters:
        states = states + 1
    return states


def _log_sum_exp(m: Any) -> Any:
    def lse(v):
        top = v[0]
        for i in range(1, len(v)):
            if v[i] > top:
                top = v[i]
        total = m.exp(v[0] - top)
        for i in range(1, len(v)):
            total = total + m.exp(v[i] - top)
        return top + m.log(total)

    return lse


def scalar(m: Any) -> Any:
    lse = _log_sum_exp(m)

    def f(x, y):
        s = 1
        while s * (s + 3) < len(x):
            s = s + 1
        means, widths = s + s * s, 2 * s + s * s
        # row 0: logarithms of the initial probabilities; rows 1 to s: of the transitions
        table = m.zeros((s + 1) * s)
        v = m.zeros(s)
        for r in range(s + 1):
            for c in range(s):
                v[c] = x[r * s + c]
            norm = lse(v)
            for c in range(s):
                table[r * s + c] = v[c] - norm
        scale = m.zeros(s)
        shift = m.zeros(s)
        for c in range(s):
            scale[c] = m.exp(-x[widths + c])
            shift[c] = x[widths + c] + 0.5 * m.log2pi
        a = m.zeros(s)
        b = m.zeros(s)
        for t in range(len(y)):
            for c in range(s):
                if t == 0:
                    b[c] = table[c]
                else:
                    for r in range(s):
                        v[r] = a[r] + table[s + r * s + c]
                    b[c] = lse(v)
            for c in range(s):
                d = (y[t] - x[means + c]) * scale[c]
                a[c] = b[c] - 0.5 * d * d - shift[c]
        return -lse(a)

    return f


def array(xp: Any) -> Any:
    def lse(v, axis):
        top = xp.max(v, axis=axis)
        rest = v - (top if axis == 0 else top[:, None])
        return top + xp.log(xp.sum(xp.exp(rest), axis=axis))

    def f(x, y):
        s = _states(x.shape[0])
        start = x[:s] - lse(x[:s], 0)
        logits = xp.reshape(x[s : s + s * s], (s, s))
        moves = logits - lse(logits, 1)[:, None]
        means, widths = x[s + s * s : 2 * s + s * s], x[2 * s + s * s :]
        scale, shift = xp.exp(-widths), widths + 0.5 * xp.log2pi
        a = start
        for t in range(y.shape[0]):
            if t > 0:
                a = lse(a[:, None] + moves, 0)
            d = (y[t] - means) * scale
            a = a - 0.5 * d * d - shift
        return -lse(a, 0)

    return f


def jax(xp: Any) -> Any:
    """A Python loop would be unrolled into a program of T steps, which XLA compiles for minutes;
    JAX's manual has ``lax.scan``, and ``jax.nn.logsumexp`` for what NumPy has not.
    """
    from jax import lax
    from jax.nn import log_softmax, logsumexp

    def f(x, y):
        s = _states(x.shape[0])
        start = log_softmax(x[:s])
        moves = log_softmax(xp.reshape(x[s : s + s * s], (s, s)), axis=1)
        means, widths = x[s + s * s : 2 * s + s * s], x[2 * s + s * s :]
        d = (y[:, None] - means) * xp.exp(-widths)
        emissions = -0.5 * d * d - widths - 0.5 * xp.log2pi

        def step(a, emission):
            return logsumexp(a[:, None] + moves, axis=0) + emission, None

        last, _ = lax.scan(step, start + emissions[0], emissions[1:])
        return -logsumexp(last)

    return f


def value_and_gradient(m: Any) -> Any:
    """By the forward-backward algorithm: expected counts of starts, moves and emissions.

    Probabilities are multiplied by a constant a step, which keeps them within the range of floats,
    never divided by their sum: sums of positive products keep balls narrow over any number of steps.
    """

    def g(x, y):
        s = _states(len(x))
        start, moves = (
            _softmax(m, x[:s]),
            [_softmax(m, x[s * r : s * (r + 1)]) for r in range(1, s + 1)],
        )
        means, widths = x[s + s * s : 2 * s + s * s], x[2 * s + s * s :]
        scale = [m.exp(-v) for v in widths]
        away = [[(v - u) * w for u, w in zip(means, scale, strict=True)] for v in y]
        density = [
            [LIFT * m.exp(-0.5 * d * d) * w for d, w in zip(row, scale, strict=True)]
            for row in away
        ]
        forward = _forward(start, moves, density)
        visits, pairs, likelihood = _backward(moves, density, forward)
        by_start = [p - v for p, v in zip(start, visits[0], strict=True)]
        by_move = [sum(pairs[r]) * moves[r][c] - pairs[r][c] for r in range(s) for c in range(s)]
        steps = range(len(y))
        by_mean = [-sum(visits[t][c] * away[t][c] for t in steps) * scale[c] for c in range(s)]
        by_width = [
            sum(visits[t][c] * (1.0 - away[t][c] * away[t][c]) for t in steps) for c in range(s)
        ]
        value = len(y) * (0.5 * m.log2pi + m.log(LIFT + 0.0 * x[0])) - m.log(likelihood)
        return [value, *by_start, *by_move, *by_mean, *by_width]

    return g


def _softmax(m: Any, logits: Any) -> list[Any]:
    powers = [m.exp(v) for v in logits]
    total = sum(powers)
    return [v / total for v in powers]


def _forward(start: Any, moves: Any, density: Any) -> Any:
    """Joint probabilities of each step's state and what was seen until then."""
    states = range(len(start))
    ahead, rows = start, []
    for now in density:
        row = [a * b for a, b in zip(ahead, now, strict=True)]
        rows.append(row)
        ahead = [sum(row[r] * moves[r][c] for r in states) for c in states]
    return rows


def _backward(moves: Any, density: Any, forward: Any) -> tuple[Any, Any, Any]:
    """Expected visits of each state at each step, expected numbers of moves, and the likelihood."""
    states = range(len(moves))
    likelihood = sum(forward[-1])
    behind = [1.0 / likelihood for _ in states]
    visits = [[a * b for a, b in zip(forward[-1], behind, strict=True)]]
    pairs = [[0.0 * moves[r][c] for c in states] for r in states]
    for t in range(len(density) - 1, 0, -1):
        coming = [a * b for a, b in zip(density[t], behind, strict=True)]
        flow = [[moves[r][c] * coming[c] for c in states] for r in states]
        for r in states:
            for c in states:
                pairs[r][c] = pairs[r][c] + forward[t - 1][r] * flow[r][c]
        behind = [sum(row) for row in flow]
        visits.append([a * b for a, b in zip(forward[t - 1], behind, strict=True)])
    return visits[::-1], pairs, likelihood


def value(m: Any) -> Any:
    both = value_and_gradient(m)
    return lambda x, y: both(x, y)[0]


def gradient(m: Any) -> Any:
    both = value_and_gradient(m)
    return lambda x, y: both(x, y)[1:]


PROBLEM = Problem(
    name="hmm_nll",
    summary="hidden Markov model, forward algorithm in log space: S states, T steps in sequence",
    at=at,
    sizes=((2, 50), (4, 500), (8, 5_000)),
    quick=((2, 50), (4, 500)),
    operators=(Operator.VALUE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT),
    forms=(Form("scalar", scalar), Form("array", array), Form("jax", jax)),
    exact={
        Operator.VALUE: value,
        Operator.GRADIENT: gradient,
        Operator.VALUE_AND_GRADIENT: value_and_gradient,
    },
    closed=((8, 5_000),),
)
