r"""Bundle adjustment: cameras and points fitted to where the points were seen.

Observation i sees point X with camera c = [r (3), C (3), f, u0, v0, k1, k2] and weight w at z. With
:math:`\theta = |r|, v = r / \theta, Y = X - C`:

.. math:: Z = Y \cos\theta + (v \times Y) \sin\theta + v (v \cdot Y) (1 - \cos\theta), \quad
   p = (Z_0, Z_1) / Z_2, \quad \rho = |p|^2

(:math:`Z = Y + r \times Y` at :math:`\theta = 0`), and the residuals are
:math:`w (f p (1 + k_1 \rho + k_2 \rho^2) + (u_0, v_0) - z)`, two numbers, and :math:`1 - w^2`. All pairs
come first, then all residuals of weights; the variables are n cameras, m points, P weights.

Source: ``docs/PROBLEMS.md`` D, after ADBench (F. Srajer, Z. Kukelova and A. Fitzgibbon, Optimization
Methods and Software 33, 2018, 889) and its data, one camera, one point and one observation replicated. In
the suite because its Jacobian is as sparse as those of least-squares fits become: 31 non-zeros an
observation, whose columns share 15 colours, however many there are. Its rows share none so well: all
that one camera sees have other colours, which reverse mode must pay.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Pattern, Point, Problem
from adbench.problems._ba_manual import manual

CAMERA, PLACE = 11, 3


def at(size: tuple[int, int, int]) -> Point:
    """N cameras, m points and P observations, all alike; data: z, first columns of camera and point.

    The z of all observations are one array, in the order of the residuals. The indices are of x, so
    that no text needs n or m.
    """
    n, m, count = size
    draw = np.random.default_rng(31337)
    r, centre = 0.1 * draw.standard_normal(3), 0.1 * draw.standard_normal(3)
    place = 0.5 * draw.standard_normal(3) + np.array([0.0, 0.0, 5.0])
    k = 0.01 * draw.standard_normal(2)
    z = np.array([320.0, 240.0]) + 5.0 * draw.standard_normal(2)
    camera = np.concatenate([r, centre, [500.0, 320.0, 240.0], k])
    x = np.concatenate([np.tile(camera, n), np.tile(place, m), np.full(count, 0.9)])
    i = np.arange(count, dtype=np.int64)
    return _point(x, np.tile(z, count), CAMERA * (i % n), CAMERA * n + PLACE * (i % m))


def _point(x: Any, z: Any, camera: Any, place: Any) -> Point:
    count = len(camera)
    return Point(x, (z, camera, place), 3 * count, pattern(len(x), camera, place))


def pattern(n: int, camera: Any, place: Any) -> Pattern:
    """15 variables in each of two rows an observation, and its weight alone in a third."""
    count = len(camera)
    weight = n - count + np.arange(count)[:, None]
    seen = [camera[:, None] + np.arange(CAMERA), place[:, None] + np.arange(PLACE), weight]
    columns = np.repeat(np.concatenate(seen, axis=1), 2, axis=0)
    starts = np.concatenate([[0], np.full(2 * count, columns.shape[1]), np.ones(count, dtype=int)])
    return Pattern(
        (3 * count, n), np.cumsum(starts), np.concatenate([columns.ravel(), weight[:, 0]])
    )


def restrict(point: Point, outputs: Any) -> tuple[Point, Any, Any]:
    """The observations that these residuals belong to, with the cameras and points that they see."""
    z, camera, place = point.data
    count, n = len(camera), len(point.x)
    outputs = np.asarray(outputs, dtype=np.int64)
    seen = np.unique(np.where(outputs < 2 * count, outputs // 2, outputs - 2 * count))
    cameras, its_camera = np.unique(camera[seen], return_inverse=True)
    places, its_place = np.unique(place[seen], return_inverse=True)
    columns = np.concatenate(
        [
            (cameras[:, None] + np.arange(CAMERA)).ravel(),
            (places[:, None] + np.arange(PLACE)).ravel(),
            n - count + seen,
        ]
    )
    pairs = (2 * seen[:, None] + np.arange(2)).ravel()
    smaller = _point(
        point.x[columns],
        z[pairs],
        CAMERA * its_camera.astype(np.int64),
        CAMERA * len(cameras) + PLACE * its_place.astype(np.int64),
    )
    return smaller, np.concatenate([pairs, 2 * count + seen]), columns


def scalar(m: Any) -> Any:
    def f(x, z, camera, place):
        count = len(camera)
        y = m.zeros(3 * count)
        for i in range(count):
            c = camera[i]
            p = place[i]
            r0 = x[c]
            r1 = x[c + 1]
            r2 = x[c + 2]
            y0 = x[p] - x[c + 3]
            y1 = x[p + 1] - x[c + 4]
            y2 = x[p + 2] - x[c + 5]
            square = r0 * r0 + r1 * r1 + r2 * r2
            if square > 0.0:
                theta = m.sqrt(square)
                v0 = r0 / theta
                v1 = r1 / theta
                v2 = r2 / theta
                cosine = m.cos(theta)
                sine = m.sin(theta)
                along = (v0 * y0 + v1 * y1 + v2 * y2) * (1.0 - cosine)
                z0 = y0 * cosine + (v1 * y2 - v2 * y1) * sine + v0 * along
                z1 = y1 * cosine + (v2 * y0 - v0 * y2) * sine + v1 * along
                z2 = y2 * cosine + (v0 * y1 - v1 * y0) * sine + v2 * along
            else:
                z0 = y0 + (r1 * y2 - r2 * y1)
                z1 = y1 + (r2 * y0 - r0 * y2)
                z2 = y2 + (r0 * y1 - r1 * y0)
            p0 = z0 / z2
            p1 = z1 / z2
            rho = p0 * p0 + p1 * p1
            scale = x[c + 6] * (1.0 + x[c + 9] * rho + x[c + 10] * rho * rho)
            w = x[len(x) - count + i]
            y[2 * i] = w * (scale * p0 + x[c + 7] - z[2 * i])
            y[2 * i + 1] = w * (scale * p1 + x[c + 8] - z[2 * i + 1])
            y[2 * count + i] = 1.0 - w * w
        return y

    return f


def array(xp: Any) -> Any:
    def turned(r, y):
        square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2]
        some = square > 0.0
        # the root of 0 has no slope: it is never taken
        theta = xp.sqrt(xp.where(some, square, 1.0))
        cosine = xp.where(some, xp.cos(theta), 1.0)
        sine = xp.where(some, xp.sin(theta) / theta, 1.0)
        along = (r[0] * y[0] + r[1] * y[1] + r[2] * y[2]) * ((1.0 - cosine) / (theta * theta))
        return [
            y[0] * cosine + (r[1] * y[2] - r[2] * y[1]) * sine + r[0] * along,
            y[1] * cosine + (r[2] * y[0] - r[0] * y[2]) * sine + r[1] * along,
            y[2] * cosine + (r[0] * y[1] - r[1] * y[0]) * sine + r[2] * along,
        ]

    def f(x, z, camera, place):
        count = camera.shape[0]
        c = [x[camera + k] for k in range(11)]
        w = x[x.shape[0] - count :]
        z0, z1, z2 = turned(c[:3], [x[place + k] - c[3 + k] for k in range(3)])
        p0, p1 = z0 / z2, z1 / z2
        rho = p0 * p0 + p1 * p1
        scale = c[6] * (1.0 + c[9] * rho + c[10] * rho * rho)
        pair = xp.stack([scale * p0 + c[7], scale * p1 + c[8]], axis=1)
        seen = (pair - xp.reshape(z, (count, 2))) * xp.reshape(w, (count, 1))
        return xp.concatenate([xp.reshape(seen, (2 * count,)), 1.0 - w * w])

    return f


PROBLEM = Problem(
    name="ba",
    summary="bundle adjustment: a sparse Jacobian with 31 non-zeros an observation",
    at=at,
    sizes=((5, 50, 200), (49, 7_776, 31_843), (171, 58_000, 250_000)),
    operators=(Operator.VALUE, Operator.JACOBIAN, Operator.JVP, Operator.VJP),
    forms=(
        Form("scalar", scalar),
        Form("array", array),
        Form("numba-manual", manual, gives=Operator.JACOBIAN),
    ),
    restrict=restrict,
)
