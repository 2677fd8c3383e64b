r"""k-means: the cost of k cluster centres, and a step of Newton's method for them.

.. math:: f(C) = \sum_i \min_j |C_j - P_i|^2, \quad
   \text{Newton direction} = \frac{\partial f / \partial C}{\mathrm{diag}\, H}

elementwise. P is uniform, the centres start as its last k rows. Source: ``docs/PROBLEMS.md`` B. In the
suite because the Hessian is diagonal, so that one Hessian-vector product, with ones, holds all of
it: whoever computes the whole Hessian pays for the square of what is needed. Each point takes the
branch of its nearest centre.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem


def at(size: tuple[int, int, int]) -> Point:
    """The last k of n uniform points in d dimensions; the data are all of them."""
    k, n, d = size
    points = np.random.default_rng(31337).random((n, d))
    return Point(points[n - k :].ravel(), (points,))


def scalar(m: Any) -> Any:
    def f(x, points):
        d = len(points[0])
        total = 0.0
        for i in range(len(points)):
            least = 0.0
            for j in range(len(x) // d):
                distance = 0.0
                for a in range(d):
                    r = x[j * d + a] - points[i][a]
                    distance = distance + r * r
                if j == 0 or distance < least:
                    least = distance
            total = total + least
        return total

    return f


def array(xp: Any) -> Any:
    def f(x, points):
        centres = xp.reshape(x, (-1, points.shape[1]))
        # |C|^2 - 2 C.P + |P|^2: a matrix product instead of an array of k n d numbers
        cross = points @ xp.transpose(centres)
        least = xp.min(xp.sum(centres * centres, axis=1) - 2.0 * cross, axis=1)
        return xp.sum(least + xp.sum(points * points, axis=1))

    return f


def _clusters(m: Any, x: Any, points: Any) -> list[list[Any]]:
    """For each centre the points that are nearest to it."""
    d = len(points[0])
    centres = [list(x[j : j + d]) for j in range(0, len(x), d)]
    squares = [sum(v * v for v in c) for c in centres]
    cross = m.matmul([list(p) for p in points], [list(c) for c in zip(*centres, strict=True)])
    clusters: list[list[Any]] = [[] for _ in centres]
    for p, row in zip(points, cross, strict=True):
        # |C|^2 - 2 C.P: the |P|^2 of all centres is the same
        distances = [a - 2.0 * b for a, b in zip(squares, row, strict=True)]
        nearest = 0
        for j in range(1, len(distances)):
            if distances[j] < distances[nearest]:
                nearest = j
        clusters[nearest].append(p)
    return clusters


def value(m: Any) -> Any:
    def f(x, points):
        d, total = len(points[0]), 0.0
        for j, cluster in enumerate(_clusters(m, x, points)):
            for p in cluster:
                for a in range(d):
                    r = x[j * d + a] - p[a]
                    total += r * r
        return total

    return f


def gradient(m: Any) -> Any:
    def g(x, points):
        d, clusters = len(points[0]), _clusters(m, x, points)
        return [
            2.0 * (len(cluster) * x[j * d + a] - sum(p[a] for p in cluster))
            for j, cluster in enumerate(clusters)
            for a in range(d)
        ]

    return g


def newton_direction(m: Any) -> Any:
    def g(x, points):
        # the Hessian's diagonal holds 2 for each point of the centre's cluster
        d, clusters = len(points[0]), _clusters(m, x, points)
        return [
            x[j * d + a] - sum(p[a] for p in cluster) / len(cluster)
            for j, cluster in enumerate(clusters)
            for a in range(d)
        ]

    return g


PROBLEM = Problem(
    name="kmeans",
    summary="k-means: k centres of n points in d dimensions; a diagonal Hessian",
    at=at,
    sizes=((10, 1_000, 8), (100, 10_000, 16)),
    operators=(
        Operator.VALUE,
        Operator.GRADIENT,
        Operator.VALUE_AND_GRADIENT,
        Operator.NEWTON_DIRECTION,
    ),
    forms=(Form("scalar", scalar), Form("array", array)),
    exact={
        Operator.VALUE: value,
        Operator.GRADIENT: gradient,
        Operator.NEWTON_DIRECTION: newton_direction,
    },
    closed=((100, 10_000, 16),),
)
