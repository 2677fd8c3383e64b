"""The data of the problem `ht`: a hand of 22 bones with a random skin, in a pose, as it was seen.

Made of sums, products, square roots and sines that are rounded alike on every platform: no library of
linear algebra, which takes sums in any order, and no sine of the system, which may differ in its last digit.
"""

from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from adbench.model import Pattern, Point

__all__ = ["at", "hand", "pattern", "restrict"]

BONES, POSE = 22, 26
# Meshes of at least so many vertices have the complicated variant.
COMPLICATED = 10_000


def at(size: tuple[int, int]) -> Point:
    """M vertices, N residuals; complicated if M is large."""
    return hand(*size, complicated=size[0] >= COMPLICATED)


def hand(vertices: int, count: int, complicated: bool) -> Point:
    """A hand of random vertices near the bones, in a random pose, seen with some noise.

    Data: y (N, 3); corr (N, 1) or (N, 3); base and inverse (22, 12), the first three rows of each B
    and of each inverse of A at rest, row by row; vbar (M, 3); bones and weights (M, 2), the two bones
    that move a vertex.
    """
    draw = np.random.default_rng(31337)
    base = _base()
    rest = np.array(_placed(base, [0.0] * POSE))
    j = np.arange(vertices) % BONES
    local = 0.2 * draw.standard_normal((vertices, 3))
    vbar = _moved(rest[j], local)
    theta = 0.1 * draw.standard_normal(POSE)
    corr = draw.integers(0, vertices, (count, 3 if complicated else 1))
    u = draw.random((count, 2)) / 2.0 if complicated else np.empty((0, 2))
    bones, weights = _nearest(vbar, rest)
    inverse = _inverse(rest)
    x = np.concatenate([theta, u.ravel()])
    y = _model(x, corr, base, inverse, vbar, bones, weights) + 0.01 * draw.standard_normal(
        (count, 3)
    )
    return _point(x, y, corr, (base, inverse), (vbar, bones, weights))


def _point(x: Any, y: Any, corr: Any, skeleton: Any, skin: Any) -> Point:
    count = len(y)
    sparse = pattern(count) if len(x) > POSE else None
    return Point(x, (y, corr, *skeleton, *skin), 3 * count, sparse)


def pattern(count: int) -> Pattern:
    """The pose and the two variables of its own in each row of the complicated variant."""
    own = POSE + 2 * np.arange(count)[:, None] + np.arange(2)
    row = np.hstack([np.tile(np.arange(POSE), (count, 1)), own])
    starts = np.arange(3 * count + 1) * row.shape[1]
    return Pattern((3 * count, POSE + 2 * count), starts, np.repeat(row, 3, axis=0).ravel())


def restrict(point: Point, outputs: Any) -> tuple[Point, Any, Any]:
    """The points seen that these residuals belong to, and the vertices that belong to them."""
    y, corr, base, inverse, vbar, bones, weights = point.data
    seen = np.unique(np.asarray(outputs, dtype=np.int64) // 3)
    used, its = np.unique(corr[seen], return_inverse=True)
    pose, own = np.arange(POSE), (POSE + 2 * seen[:, None] + np.arange(2)).ravel()
    columns = pose if len(point.x) == POSE else np.concatenate([pose, own])
    corr = its.reshape(corr[seen].shape).astype(np.int64)
    skin = (vbar[used], bones[used], weights[used])
    smaller = _point(point.x[columns], y[seen], corr, (base, inverse), skin)
    return smaller, (3 * seen[:, None] + np.arange(3)).ravel(), columns


def _circular(angle: float) -> tuple[float, float]:
    """Cosine and sine, rounded correctly: their series with 60 digits (libraries differ in the last)."""
    with localcontext() as context:
        context.prec = 60
        sums, term = [Decimal(0), Decimal(0)], Decimal(1)
        for k in range(1, 60):
            sums[(k - 1) % 2] += term if (k - 1) % 4 < 2 else -term
            term *= Decimal(float(angle)) / k
    return float(sums[0]), float(sums[1])


def _base() -> Any:
    base = np.tile(np.eye(3, 4), (BONES, 1, 1))
    base[1:, 1, 3] = 0.5
    for finger in range(5):
        c, s = _circular(0.3 * (finger - 2))
        # turned, then one along the turned axis: Rz(angle) times the translation (0, 1, 0)
        base[1 + 4 * finger] = [[c, -s, 0.0, -s], [s, c, 0.0, c], [0.0, 0.0, 1.0, 0.0]]
    base[21, 1, 3] = -1.0
    return base.reshape(BONES, 12)


def _placed(base: Any, theta: Any) -> list[Any]:
    """A of every bone, as (3, 4)."""
    placed: list[Any] = []
    for i in range(BONES):
        rotation = np.eye(3)
        finger, k = divmod(i - 1, 4)
        if 0 < i < 21 and k > 0:
            angles = theta[6 + 4 * finger : 10 + 4 * finger]
            (ca, sa), (cb, sb) = _circular(angles[0 if k == 1 else k]), (1.0, 0.0)
            if k == 1:
                cb, sb = _circular(angles[1])
            rotation = np.array([[cb, -sb * ca, sb * sa], [sb, cb * ca, -cb * sa], [0.0, sa, ca]])
        here = base[i].reshape(3, 4)
        here = np.hstack([_times(here[:, :3], rotation), here[:, 3:]])
        if i > 0:
            parent = placed[0 if i % 4 == 1 else i - 1]
            turned = _times(parent[:, :3], here)
            turned[:, 3] += parent[:, 3]
            here = turned
        placed.append(here)
    return placed


def _times(a: Any, b: Any) -> Any:
    """A times b with its sums in order: libraries of linear algebra take them in any."""
    return (
        a[..., :, 0:1] * b[..., 0:1, :]
        + a[..., :, 1:2] * b[..., 1:2, :]
        + a[..., :, 2:3] * b[..., 2:3, :]
    )


def _moved(places: Any, points: Any) -> Any:
    return _times(places[..., :3], points[..., None])[..., 0] + places[..., 3]


def _inverse(rest: Any) -> Any:
    back = np.swapaxes(rest[:, :, :3], 1, 2)
    return np.concatenate([back, -_times(back, rest[:, :, 3:])], axis=2).reshape(BONES, 12)


def _nearest(vbar: Any, rest: Any) -> tuple[Any, Any]:
    """The two bones whose origins are nearest, and weights proportional to 1 / distance."""
    d = vbar[:, None, :] - rest[None, :, :, 3]
    distance = np.sqrt(d[..., 0] * d[..., 0] + d[..., 1] * d[..., 1] + d[..., 2] * d[..., 2])
    bones = np.argsort(distance, axis=1, kind="stable")[:, :2]
    near = 1.0 / np.take_along_axis(distance, bones, axis=1)
    return bones.astype(np.int64), near / (near[:, :1] + near[:, 1:])


def _model(x: Any, corr: Any, base: Any, inverse: Any, vbar: Any, bones: Any, weights: Any) -> Any:
    """The points that would be seen without noise, shape (N, 3)."""
    skin = np.array(_placed(base, x[:POSE]))
    inverse = inverse.reshape(BONES, 3, 4)
    skin_at = _times(skin[:, :, :3], inverse)
    skin_at[:, :, 3] += skin[:, :, 3]
    v, b, w = vbar[corr], bones[corr], weights[corr]
    v = w[..., :1] * _moved(skin_at[b[..., 0]], v) + w[..., 1:] * _moved(skin_at[b[..., 1]], v)
    if corr.shape[1] == 3:
        u = x[POSE:].reshape(-1, 2)
        v = u[:, :1] * v[:, 0] + u[:, 1:] * v[:, 1] + (1.0 - u[:, :1] - u[:, 1:]) * v[:, 2]
    else:
        v = v[:, 0]
    r = x[:3]
    angle = np.sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2])
    c, s = _circular(angle)
    axis = r / angle
    cross = np.stack([axis[i - 2] * v[:, i - 1] - axis[i - 1] * v[:, i - 2] for i in range(3)], 1)
    along = axis[0] * v[:, 0] + axis[1] * v[:, 1] + axis[2] * v[:, 2]
    return v * c + cross * s + axis * (along * (1.0 - c))[:, None] + x[3:6]
