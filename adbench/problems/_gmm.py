r"""Derivatives of the problem `gmm` by hand: a closed form in matrix products, and one compiled sweep.

With w_ik the responsibility of component k for datum i, exp(beta_ik - lse_k beta_ik), and
y_ik = Q_k (x_i - mu_k), the sum over data has the derivatives

.. math:: \sum_i w_{ik}, \quad Q_k^T \sum_i w_{ik} y_{ik}, \quad
   -\sum_i w_{ik} y_{ik} (x_i - \mu_k)^T

by beta's constant alpha_k + sum q_k, by mu_k and by Q_k.
"""

from typing import Any

import numpy as np

__all__ = ["constant", "log_sum_exp", "sweep", "transposed", "value_and_gradient"]


def log_sum_exp(m: Any) -> Any:
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


def constant(m: Any) -> Any:
    def fixed(n, d, k):
        wishart = -d * (d + 1) * m.log(m.sqrt2) - 0.25 * d * (d - 1) * m.log(m.pi)
        for j in range(d):
            wishart = wishart - m.lgamma(0.5 * (d + 1 - j))
        return k * wishart - 0.5 * n * d * m.log2pi

    return fixed


def transposed(d: int) -> Any:
    """Where each entry of Q^T stands in (0, exp q, l), shape (D, D): row j is column j of Q.

    Without writing to an array: compilers that follow Python code replay NumPy's with functions of their own.
    """
    index, below = [[0] * d for _ in range(d)], 1 + d
    for i in range(d):
        index[i][i] = 1 + i
        for j in range(i + 1, d):
            index[i][j] = below
            below = below + 1
    return np.array(index)


def value_and_gradient(m: Any) -> Any:
    """By the components' responsibilities w_ik: dF = sum w_ik d beta_ik, matrix by matrix."""
    lse, fixed = log_sum_exp(m), constant(m)

    def g(x, points):
        n, d = len(points), len(points[0])
        k = len(x) // (1 + 2 * d + d * (d - 1) // 2)
        mu, scale, factors = _parts(m, x, d, k)
        away = [[[a - b for a, b in zip(p, mu[c], strict=True)] for p in points] for c in range(k)]
        y = [m.matmul(away[c], factors[c]) for c in range(k)]
        weight = [x[c] + sum(x[k + k * d + c * d + j] for j in range(d)) for c in range(k)]
        beta = [[weight[c] - 0.5 * sum(v * v for v in y[c][i]) for c in range(k)] for i in range(n)]
        sums, all_alpha = [lse(row) for row in beta], lse([x[c] for c in range(k)])
        prior = sum(v * v for row in scale for v in row)
        prior = prior + sum(x[j] * x[j] for j in range(k + 2 * k * d, len(x)))
        value = fixed(n, d, k) - n * all_alpha - 0.5 * prior + sum(sums)
        parts = [
            _component(
                m, [m.exp(beta[i][c] - sums[i]) for i in range(n)], y[c], away[c], factors[c]
            )
            for c in range(k)
        ]
        by_alpha = [parts[c][0] - n * m.exp(x[c] - all_alpha) for c in range(k)]
        return [
            value,
            *by_alpha,
            *(v for p in parts for v in p[1]),
            *(v for p in parts for v in p[2]),
            *(v for p in parts for v in p[3]),
        ]

    return g


def _parts(m: Any, x: Any, d: int, k: int) -> tuple[Any, Any, Any]:
    """Means, diagonals and Q^T of each component."""
    mu = [[x[k + c * d + j] for j in range(d)] for c in range(k)]
    scale = [[m.exp(x[k + k * d + c * d + j]) for j in range(d)] for c in range(k)]
    index, below = transposed(d).tolist(), d * (d - 1) // 2
    factors = []
    for c in range(k):
        first = k + 2 * k * d + c * below
        entries = [0.0 * x[0], *scale[c], *(x[first + j] for j in range(below))]
        factors.append([[entries[at] for at in row] for row in index])
    return mu, scale, factors


def _component(m: Any, w: Any, y: Any, away: Any, factor: Any) -> tuple[Any, Any, Any, Any]:
    """Derivatives by alpha_c, mu_c, q_c and l_c of sum_i lse_i, less the prior's by q and l."""
    d = len(factor)
    moved = [[u * v for v in row] for u, row in zip(w, y, strict=True)]
    pull = [[sum(row[r] for row in moved)] for r in range(d)]
    # the product's entry (j, r) is the derivative by Q_rj, with its sign turned
    product = m.matmul([[row[j] for row in away] for j in range(d)], moved)
    total = sum(w)
    by_mu = [v[0] for v in m.matmul(factor, pull)]
    by_q = [total - factor[j][j] * (product[j][j] + factor[j][j]) for j in range(d)]
    by_l = [-product[j][r] - factor[j][r] for j in range(d) for r in range(j + 1, d)]
    return total, by_mu, by_q, by_l


# Data that the sweep takes at a time, so that each part of Q is read once for all of them.
LANES = 16

# A vector's worth of a row of Q: a loop along less costs more to enter than to run (at D = 2 the sweep
# took 1.65 times as long as the same in C), so that such a row is summed across the block.
NARROW = 4


def sweep(m: Any) -> Any:
    """The limit for all other methods: derived by hand, one sweep over the data, and as a C
    programmer would have it: data in blocks of 16, loops that vectorise across a block or along a
    row, whichever is longer, sums by Q^T taken out of the sweep.
    """
    fixed, unpack, block, pack = constant(m), _unpack(m), _block(m), _pack(m)

    def g(x, points):
        n, d = points.shape
        k = len(x) // (1 + 2 * d + d * (d - 1) // 2)
        factors, weight = np.zeros((k, d, d)), np.empty(k)
        sums, pull, product = np.zeros(k), np.zeros((k, d)), np.zeros((k, d, d))
        prior = unpack(x, factors, weight)
        beta, away, y = np.empty((k, LANES)), np.empty((k, d, LANES)), np.empty((k, d, LANES))
        rows = np.empty((LANES, d))
        total = fixed(n, d, k) - 0.5 * prior
        for first in range(0, n, LANES):
            lanes = min(LANES, n - first)
            for c in range(k):
                for j in range(d):
                    mean = x[k + c * d + j]
                    for b in range(lanes):
                        away[c, j, b] = points[first + b, j] - mean
                    for b in range(lanes, LANES):
                        away[c, j, b] = 0.0
            total += block(factors, weight, away, lanes, beta, y, rows, sums, pull, product)
        gradient = np.empty(len(x))
        return total - n * pack(x, factors, n, sums, pull, product, gradient), gradient

    return g


def _unpack(m: Any) -> Any:
    def unpack(x, factors, weight):
        """Fill the matrices Q and beta's constants; the sum of squares in the prior."""
        k, d = factors.shape[0], factors.shape[1]
        at, prior = k + 2 * k * d, 0.0
        for c in range(k):
            weight[c] = x[c]
            for j in range(d):
                q = x[k + k * d + c * d + j]
                weight[c] += q
                factors[c, j, j] = m.exp(q)
                for r in range(j + 1, d):
                    factors[c, r, j] = x[at]
                    at += 1
                for r in range(j, d):
                    prior += factors[c, r, j] * factors[c, r, j]
        return prior

    return unpack


def _block(m: Any) -> Any:
    forward, responsibilities, backward = _forward(m), _responsibilities(m), _backward(m)

    def block(factors, weight, away, lanes, beta, y, rows, sums, pull, product):
        """Add a block of data to the sums of derivatives; its part of the objective."""
        for c in range(len(weight)):
            forward(factors, weight, away, y, beta, c)
        total = responsibilities(beta, lanes)
        for c in range(len(weight)):
            for b in range(lanes):
                sums[c] += beta[c, b]
            backward(beta, away, y, rows, pull, product, c)
        return total

    return block


def _forward(m: Any) -> Any:
    def forward(factors, weight, away, y, beta, c):
        """Y = Q (x - mu) and beta of a block; eight sums at a time, which stay in registers."""
        d = factors.shape[1]
        for b in range(LANES):
            beta[c, b] = weight[c]
        for r in range(d):
            for b in range(0, LANES, 8):
                s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
                for j in range(r + 1):
                    f = factors[c, r, j]
                    s0 += f * away[c, j, b]
                    s1 += f * away[c, j, b + 1]
                    s2 += f * away[c, j, b + 2]
                    s3 += f * away[c, j, b + 3]
                    s4 += f * away[c, j, b + 4]
                    s5 += f * away[c, j, b + 5]
                    s6 += f * away[c, j, b + 6]
                    s7 += f * away[c, j, b + 7]
                y[c, r, b], y[c, r, b + 1], y[c, r, b + 2], y[c, r, b + 3] = s0, s1, s2, s3
                y[c, r, b + 4], y[c, r, b + 5], y[c, r, b + 6], y[c, r, b + 7] = s4, s5, s6, s7
            for b in range(LANES):
                beta[c, b] -= 0.5 * y[c, r, b] * y[c, r, b]

    return forward


def _responsibilities(m: Any) -> Any:
    def responsibilities(beta, lanes):
        """Turn beta into responsibilities, 0 beyond the last datum; the sum of lse beta."""
        k, total = len(beta), 0.0
        for b in range(lanes):
            top = beta[0, b]
            for c in range(1, k):
                top = max(top, beta[c, b])
            norm = 0.0
            for c in range(k):
                beta[c, b] = m.exp(beta[c, b] - top)
                norm += beta[c, b]
            share = 1.0 / norm
            for c in range(k):
                beta[c, b] *= share
            total += top + m.log(norm)
        for c in range(k):
            for b in range(lanes, LANES):
                beta[c, b] = 0.0
        return total

    return responsibilities


def _backward(m: Any) -> Any:
    def backward(w, away, y, rows, pull, product, c):
        d = pull.shape[1]
        if d > NARROW:
            for j in range(d):
                for b in range(LANES):
                    rows[b, j] = away[c, j, b]
        for r in range(d):
            total = 0.0
            for b in range(LANES):
                y[c, r, b] *= w[c, b]
                total += y[c, r, b]
            pull[c, r] += total
            if r < NARROW:
                _along_lanes(y, away, product, c, r)
            else:
                _along_row(y, rows, product, c, r)

    return backward


def _along_lanes(y, away, product, c, r):
    """Add row r of sum y (x - mu)^T over a block, entry by entry."""
    for j in range(r + 1):
        entry = 0.0
        for b in range(LANES):
            entry += y[c, r, b] * away[c, j, b]
        product[c, r, j] += entry


def _along_row(y, rows, product, c, r):
    """The same, datum by datum, four at a time."""
    for b in range(0, LANES, 4):
        y0, y1, y2, y3 = y[c, r, b], y[c, r, b + 1], y[c, r, b + 2], y[c, r, b + 3]
        for j in range(r + 1):
            product[c, r, j] += (y0 * rows[b, j] + y1 * rows[b + 1, j]) + (
                y2 * rows[b + 2, j] + y3 * rows[b + 3, j]
            )


def _pack(m: Any) -> Any:
    def pack(x, factors, n, sums, pull, product, gradient):
        """Fill the gradient from the sums over data and the prior; lse alpha."""
        k, d = pull.shape
        top, norm = x[0], 0.0
        for c in range(1, k):
            top = max(top, x[c])
        for c in range(k):
            norm += m.exp(x[c] - top)
        at = k + 2 * k * d
        for c in range(k):
            gradient[c] = sums[c] - n * m.exp(x[c] - top) / norm
            for j in range(d):
                mean, scale = 0.0, factors[c, j, j]
                for r in range(j, d):
                    mean += factors[c, r, j] * pull[c, r]
                gradient[k + c * d + j] = mean
                gradient[k + k * d + c * d + j] = sums[c] - scale * (product[c, j, j] + scale)
                for r in range(j + 1, d):
                    gradient[at] = -product[c, r, j] - factors[c, r, j]
                    at += 1
        return top + m.log(norm)

    return pack
