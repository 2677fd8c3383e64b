"""The payload of hand tracking: a model of 22 bones with a skin, points seen on it, and the pose.

Here two bones move a vertex and a matrix has three rows; the protocol has a column of weights for
every bone and homogeneous 4 x 4 matrices. In the complicated variant it has a triangle for each point
seen, where here the three vertices stand themselves, and its Jacobian has the two columns of u first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from adbench.harness.external.plain import PayloadError, floats
from adbench.model import Floats, Operator, Pattern, Point

__all__ = ["output", "payload", "point", "result"]

BONES, POSE = 22, 26
PARENTS = [-1, *(0 if i % 4 == 1 else i - 1 for i in range(1, BONES))]


def payload(at: Point) -> dict[str, Any]:
    """The input of `objective` and `jacobian`."""
    y, corr, base, inverse, vbar, bones, weights = at.data
    shares = np.zeros((len(vbar), BONES))
    np.put_along_axis(shares, bones, weights, axis=1)
    complicated = corr.shape[1] == 3
    model = {
        "bone_count": BONES,
        "bone_names": [f"bone{i}" for i in range(BONES)],
        "parents": PARENTS,
        "base_relatives": _homogeneous(base),
        "inverse_base_absolutes": _homogeneous(inverse),
        "base_positions": np.hstack([vbar, np.ones((len(vbar), 1))]).tolist(),
        "weights": shares.tolist(),
        # one triangle for each point seen, so that every point keeps its own three vertices
        "triangles": corr.tolist() if complicated else [],
        "is_mirrored": False,
    }
    its = np.arange(len(y)) if complicated else corr[:, 0]
    return {
        "theta": at.x[:POSE].tolist(),
        "data": {"model": model, "correspondences": its.tolist(), "points": y.tolist()},
        "us": at.x[POSE:].reshape(-1, 2).tolist(),
    }


def _homogeneous(matrices: Any) -> Any:
    last = np.tile([0.0, 0.0, 0.0, 1.0], (BONES, 1, 1))
    return np.concatenate([matrices.reshape(BONES, 3, 4), last], axis=1).tolist()


def point(given: Mapping[str, Any]) -> Point:
    """The point of an input; PayloadError for a hand of another build than the one here."""
    model = given["data"]["model"]
    if list(model["parents"]) != PARENTS or model["is_mirrored"]:
        raise PayloadError("ht here has the hand of 22 bones of GradBench's data, not mirrored")
    shares = floats(model["weights"])
    if np.any(np.count_nonzero(shares, axis=1) > 2):
        raise PayloadError("ht here has at most two bones that move a vertex")
    bones = np.argsort(-shares, axis=1, kind="stable")[:, :2]
    us = floats(given["us"]).reshape(-1, 2)
    its = np.asarray(given["data"]["correspondences"], dtype=np.int64)
    corr = np.asarray(model["triangles"], dtype=np.int64)[its] if len(us) else its[:, None]
    skeleton = [
        floats(model[name])[:, :3].reshape(BONES, 12)
        for name in ("base_relatives", "inverse_base_absolutes")
    ]
    vbar, y = floats(model["base_positions"])[:, :3], floats(given["data"]["points"])
    skin = (vbar, bones.astype(np.int64), np.take_along_axis(shares, bones, axis=1))
    x = np.concatenate([floats(given["theta"]), us.ravel()])
    pattern = _pattern(len(y)) if len(us) else None
    return Point(x, (y, corr, *skeleton, *skin), 3 * len(y), pattern)


def _pattern(count: int) -> Pattern:
    """The pose and the point's own two variables in each row."""
    own = POSE + 2 * np.arange(count)[:, None] + np.arange(2)
    row = np.hstack([np.tile(np.arange(POSE), (count, 1)), own])
    starts = np.arange(3 * count + 1) * row.shape[1]
    return Pattern((3 * count, POSE + 2 * count), starts, np.repeat(row, 3, axis=0).ravel())


def result(operator: Operator, found: Any, at: Point) -> Floats:
    """Residuals as one row; a Jacobian as a matrix, of a sparse one its entries row by row."""
    numbers = floats(found)
    if operator is Operator.VALUE:
        return numbers.ravel()
    if at.pattern is None:
        return numbers
    if numbers.shape != (at.outputs, POSE + 2):
        raise PayloadError(f"expected {at.outputs} rows of 28 numbers, got {numbers.shape}")
    return np.hstack([numbers[:, 2:], numbers[:, :2]]).ravel()


def output(operator: Operator, found: Floats, at: Point) -> Any:
    """The inverse of `result`."""
    if operator is Operator.VALUE or at.pattern is None:
        return found.tolist()
    rows = found.reshape(-1, POSE + 2)
    return np.hstack([rows[:, POSE:], rows[:, :POSE]]).tolist()
