"""The payload of bundle adjustment: one camera, one point and one observation, and how often they stand.

Knows the problem `ba` as it is here, all cameras, points and observations copies of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from adbench import registry
from adbench.harness.external.plain import PayloadError, number, sized, whole
from adbench.model import Floats, Operator, Point

__all__ = ["output", "payload", "point", "result"]

CAMERA, PLACE = 11, 3


def _counts(point: Point) -> tuple[int, int, int]:
    _, camera, place = point.data
    cameras = int(place[0]) // CAMERA
    return cameras, (len(point.x) - CAMERA * cameras - len(camera)) // PLACE, len(camera)


def payload(point: Point) -> dict[str, Any]:
    """The input of `objective`; PayloadError where not all are copies of one."""
    n, m, p = _counts(point)
    cameras, places, weights = np.split(point.x, [CAMERA * n, CAMERA * n + PLACE * m])
    parts = (
        cameras.reshape(n, CAMERA), places.reshape(m, PLACE), weights[:, None],
        point.data[0].reshape(p, 2),
    )  # fmt: skip
    if any(np.any(part != part[0]) for part in parts):
        raise PayloadError("the protocol has one camera, one point and one observation, replicated")
    cam, x, w, feat = (part[0].tolist() for part in parts)
    return {"n": n, "m": m, "p": p, "cam": cam, "x": x, "w": w[0], "feat": feat}


def point(payload: Mapping[str, Any]) -> Point:
    """The point of an input."""
    n, m, p = (whole(payload[name], name, 1, 10**7) for name in ("n", "m", "p"))
    standard = registry.problem("ba").at((n, m, p))
    camera, place = sized(payload["cam"], CAMERA, "cam"), sized(payload["x"], PLACE, "x")
    x = np.concatenate([np.tile(camera, n), np.tile(place, m), np.full(p, number(payload["w"]))])
    z = np.tile(sized(payload["feat"], 2, "feat"), p)
    return replace(standard, x=x, data=(z, *standard.data[1:]))


def result(operator: Operator, output: Any, point: Point) -> Floats:
    """All residuals: the answer says the first ones, and that the others are equal to them."""
    p = _counts(point)[2]
    try:
        seen, weight = output["reproj_error"], output["w_err"]
        pair, last = sized(seen["elements"], 2, "elements"), number(weight["element"])
        repeated = seen["repeated"], weight["repeated"]
    except (KeyError, TypeError):
        raise PayloadError(
            "expected {reproj_error: {elements, repeated}, w_err: {element, repeated}}"
        ) from None
    if repeated != (p, p):
        raise PayloadError(f"'repeated' is {repeated[0]} and {repeated[1]}, expected {p}")
    return np.concatenate([np.tile(pair, p), np.full(p, last)])


def output(operator: Operator, result: Floats, point: Point) -> Any:
    """The inverse of `result`, for residuals that are copies of one."""
    p = _counts(point)[2]
    return {
        "reproj_error": {"elements": result[:2].tolist(), "repeated": p},
        "w_err": {"element": float(result[2 * p]), "repeated": p},
    }
