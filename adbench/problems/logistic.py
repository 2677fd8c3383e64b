r"""Logistic regression with a normal prior, d features and N data.

.. math:: f(w) = \sum_i \left[ \log(1 + e^{z_i}) - y_i z_i \right] + \tfrac12 |w|^2, \quad z = X w

Source: ``docs/PROBLEMS.md`` A. In the suite because it is the plainest model whose cost is a
matrix-vector product: array tools hand it to a matrix library, loops must be vectorised by the
compiler, and Newton's methods ask for its Hessian and Hessian-vector products.

``log(1 + exp z)`` is written ``log1p(exp(z))``: it keeps every digit for z of either sign, its
derivatives too, and is finite up to z = 709, far from any z here (below 20). The usual
``max(z, 0) + log1p(exp(-|z|))`` would reach further at the price of a branch on the data and of two
functions that are not analytic, which complex step, SymPy and loops in lanes cannot take.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem

# Rows of X that a closed form multiplies at a time: bounds the memory that exact numbers need.
BLOCK = 1_000


def at(size: tuple[int, int]) -> Point:
    """Normal features and true weights, labels drawn from the model, at a tenth of the weights."""
    n, d = size
    draw = np.random.default_rng(31337)
    features = draw.standard_normal((n, d))
    weights = draw.standard_normal(d)
    labels = draw.random(n) < 1.0 / (1.0 + np.exp(-(features @ weights)))
    return Point(0.1 * weights, (features, labels.astype(np.float64)))


def scalar(m: Any) -> Any:
    def f(w, features, labels):
        total = 0.0
        for j in range(len(w)):
            total = total + 0.5 * w[j] * w[j]
        for i in range(len(labels)):
            row = features[i]
            z = 0.0
            for j in range(len(w)):
                z = z + row[j] * w[j]
            total = total + (m.log1p(m.exp(z)) - labels[i] * z)
        return total

    return f


def array(xp: Any) -> Any:
    def f(w, features, labels):
        z = xp.matmul(features, w)
        return xp.sum(xp.log1p(xp.exp(z)) - labels * z) + 0.5 * xp.sum(w * w)

    return f


def term(m: Any) -> Any:
    def t(w, label, share, *row):
        z = 0.0
        square = 0.0
        for j in range(len(row)):
            z = z + row[j] * w[j]
            square = square + w[j] * w[j]
        return m.log1p(m.exp(z)) - label * z + share * square

    return t


def columns(features: Any, labels: Any) -> tuple[Any, ...]:
    # each datum carries its share of the prior
    return labels, 0.0 * labels + 0.5 / len(labels), *features.T


def value_and_gradient(m: Any) -> Any:
    def g(w, features, labels):
        value, result = 0.5 * sum(v * v for v in w), list(w)
        for start in range(0, len(labels), BLOCK):
            rows, block = features[start : start + BLOCK], labels[start : start + BLOCK]
            z = [v[0] for v in m.matmul(rows, [[v] for v in w])]
            value = value + sum(m.log1p(m.exp(v)) - u * v for u, v in zip(block, z, strict=True))
            rest = [1.0 / (1.0 + m.exp(-v)) - u for u, v in zip(block, z, strict=True)]
            result = [a + b for a, b in zip(result, m.matmul([rest], rows)[0], strict=True)]
        return [value, *result]

    return g


def value(m: Any) -> Any:
    both = value_and_gradient(m)
    return lambda w, features, labels: both(w, features, labels)[0]


def gradient(m: Any) -> Any:
    both = value_and_gradient(m)
    return lambda w, features, labels: both(w, features, labels)[1:]


def hessian(m: Any) -> Any:
    def h(w, features, labels):
        d = len(w)
        result = [[w[0] * 0.0 + float(i == j) for j in range(d)] for i in range(d)]
        for start in range(0, len(labels), BLOCK):
            rows = features[start : start + BLOCK]
            weighted = _times(m, rows, _curvatures(m, m.matmul(rows, [[v] for v in w])))
            product = m.matmul([[row[j] for row in rows] for j in range(d)], weighted)
            result = [
                [a + b for a, b in zip(u, v, strict=True)]
                for u, v in zip(result, product, strict=True)
            ]
        return result

    return h


def hvp(m: Any) -> Any:
    def h(w, direction, features, labels):
        result = list(direction)
        for start in range(0, len(labels), BLOCK):
            rows = features[start : start + BLOCK]
            both = m.matmul(rows, [[a, b] for a, b in zip(w, direction, strict=True)])
            moved = [c * v[1] for c, v in zip(_curvatures(m, both), both, strict=True)]
            result = [a + b for a, b in zip(result, m.matmul([moved], rows)[0], strict=True)]
        return result

    return h


def _curvatures(m: Any, z: Any) -> list[Any]:
    """The second derivative of log(1 + exp z) at the first number of each row: 1 / (2 cosh(z/2))^2."""
    return [1.0 / ((1.0 + m.exp(v[0])) * (1.0 + m.exp(-v[0]))) for v in z]


def _times(m: Any, rows: Any, factors: Any) -> list[Any]:
    return [[c * v for v in row] for c, row in zip(factors, rows, strict=True)]


PROBLEM = Problem(
    name="logistic",
    summary="logistic regression: d weights, N x d features, a matrix-vector product",
    at=at,
    sizes=((200, 5), (2_000, 50), (20_000, 500)),
    quick=((200, 5), (2_000, 50)),
    quick_operators=(Operator.GRADIENT, Operator.HESSIAN),
    operators=(
        Operator.VALUE,
        Operator.GRADIENT,
        Operator.VALUE_AND_GRADIENT,
        Operator.HESSIAN,
        Operator.HVP,
    ),
    forms=(Form("scalar", scalar), Form("array", array), Form("term", term, columns)),
    exact={
        Operator.VALUE: value,
        Operator.GRADIENT: gradient,
        Operator.VALUE_AND_GRADIENT: value_and_gradient,
        Operator.HESSIAN: hessian,
        Operator.HVP: hvp,
    },
    closed=((20_000, 500),),
    up_to={Operator.HESSIAN: 50},
)
