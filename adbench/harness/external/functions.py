"""How inputs and outputs of the protocol's smaller modules read as points and results, and back.

gmm, lstm, llsq, lse, det, kmeans and ode. For each: ``*_payload(point)``, ``*_point(payload)``, and where they
are more than nested lists ``*_result(operator, output, point)`` and ``*_output(operator, result, point)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from adbench import registry
from adbench.harness.external.plain import PayloadError, floats, number, sized, whole
from adbench.model import Floats, Operator, Point

__all__ = [
    "det_payload",
    "det_point",
    "flat",
    "gmm_output",
    "gmm_payload",
    "gmm_point",
    "gmm_result",
    "kmeans_output",
    "kmeans_payload",
    "kmeans_point",
    "listed",
    "llsq_payload",
    "llsq_point",
    "lse_payload",
    "lse_point",
    "lstm_payload",
    "lstm_point",
    "ode_payload",
    "ode_point",
]


def flat(operator: Operator, output: Any, point: Point) -> Floats:
    """A number for VALUE of one number, else all numbers of the output in one row."""
    if operator is Operator.VALUE and point.outputs is None:
        return np.asarray(number(output))
    return floats(output).ravel()


def listed(operator: Operator, result: Floats, point: Point) -> Any:
    """Numbers and nested lists as they are."""
    return result.tolist()


# gmm


def _gmm_shape(point: Point) -> tuple[int, int]:
    d = point.data[0].shape[1]
    return d, len(point.x) // (1 + 2 * d + d * (d - 1) // 2)


def _gmm_parts(x: Floats, point: Point) -> dict[str, Any]:
    d, k = _gmm_shape(point)
    alpha, mu, q, below = np.split(x, [k, k + k * d, k + 2 * k * d])
    return {
        "alpha": alpha.tolist(),
        "mu": mu.reshape(k, d).tolist(),
        "q": q.reshape(k, d).tolist(),
        "l": below.reshape(k, d * (d - 1) // 2).tolist(),
    }


def gmm_payload(point: Point) -> dict[str, Any]:
    """The input of gmm."""
    (points,) = point.data
    d, k = _gmm_shape(point)
    fixed = {"d": d, "k": k, "n": len(points), "x": points.tolist(), "m": 0, "gamma": 1.0}
    return fixed | _gmm_parts(point.x, point)


def _gmm_joined(parts: Any) -> Floats:
    if not isinstance(parts, Mapping) or not {"alpha", "mu", "q", "l"} <= parts.keys():
        raise PayloadError("expected an object with alpha, mu, q and l")
    return np.concatenate([floats(parts[name]).ravel() for name in ("alpha", "mu", "q", "l")])


def gmm_point(payload: Mapping[str, Any]) -> Point:
    """The point of an input of gmm; PayloadError for one without meaning here."""
    if (payload["m"], payload["gamma"]) != (0, 1):
        raise PayloadError(
            f"gmm here has m = 0 and gamma = 1, not m = {payload['m']} and gamma = {payload['gamma']}"
        )
    return Point(_gmm_joined(payload), (floats(payload["x"]),))


def gmm_result(operator: Operator, output: Any, point: Point) -> Floats:
    """The numbers of an output of gmm; PayloadError for another object."""
    return np.asarray(number(output)) if operator is Operator.VALUE else _gmm_joined(output)


def gmm_output(operator: Operator, result: Floats, point: Point) -> Any:
    """The output of gmm for a result."""
    return float(result) if operator is Operator.VALUE else _gmm_parts(result, point)


# lstm


def lstm_payload(point: Point) -> dict[str, Any]:
    """The input of lstm."""
    state, sequence = point.data
    b = state.shape[1]
    main, extra = np.split(point.x, [len(point.x) - 3 * b])
    return {
        "main_params": main.reshape(-1, 4 * b).tolist(),
        "extra_params": extra.reshape(3, b).tolist(),
        "state": state.tolist(),
        "sequence": sequence.tolist(),
    }


def lstm_point(payload: Mapping[str, Any]) -> Point:
    """The point of an input of lstm; PayloadError for one without meaning here."""
    parts = [floats(payload[name]).ravel() for name in ("main_params", "extra_params")]
    return Point(np.concatenate(parts), (floats(payload["state"]), floats(payload["sequence"])))


# llsq, lse, det: vectors


def llsq_payload(point: Point) -> dict[str, Any]:
    """The input of llsq."""
    return {"x": point.x.tolist(), "n": len(point.data[0])}


def llsq_point(payload: Mapping[str, Any]) -> Point:
    """The point of an input of llsq; PayloadError for one without meaning here."""
    standard = registry.problem("llsq").at(whole(payload["n"], "n", 2, 10**7))
    return replace(standard, x=floats(payload["x"]))


def lse_payload(point: Point) -> dict[str, Any]:
    """The input of lse."""
    return {"x": point.x.tolist()}


def lse_point(payload: Mapping[str, Any]) -> Point:
    """The point of an input of lse; PayloadError for one without meaning here."""
    return Point(floats(payload["x"]))


def det_payload(point: Point) -> dict[str, Any]:
    """The input of det."""
    # row-major, as the expansion along the first row reads it
    return {"A": point.x.tolist(), "ell": len(point.data[0])}


# The places of all ell! products are data of the whole-array text: 3 GB at 10.
DET_MOST = 9


def det_point(payload: Mapping[str, Any]) -> Point:
    """The point of an input of det; PayloadError for one without meaning here."""
    ell = whole(payload["ell"], "ell", 1, DET_MOST)
    return replace(registry.problem("det").at(ell), x=sized(payload["A"], ell * ell, "A").ravel())


# kmeans


def kmeans_payload(point: Point) -> dict[str, Any]:
    """The input of kmeans."""
    (points,) = point.data
    return {
        "points": points.tolist(),
        "centroids": point.x.reshape(-1, points.shape[1]).tolist(),
    }


def kmeans_point(payload: Mapping[str, Any]) -> Point:
    """The point of an input of kmeans; PayloadError for one without meaning here."""
    return Point(floats(payload["centroids"]).ravel(), (floats(payload["points"]),))


def kmeans_output(operator: Operator, result: Floats, point: Point) -> Any:
    """The output of kmeans for a result."""
    if operator is Operator.VALUE:
        return float(result)
    return result.reshape(-1, point.data[0].shape[1]).tolist()


# ode: the protocol's function is the vector of all states, which is the problem `ode_states`


def ode_payload(point: Point) -> dict[str, Any]:
    """The input of ode."""
    return {"x": point.x.tolist(), "s": len(point.data[0]) - 1}


def ode_point(payload: Mapping[str, Any]) -> Point:
    """The point of an input of ode; PayloadError for one without meaning here."""
    x = floats(payload["x"])
    steps = whole(payload["s"], "s", -(-len(x) // 4), 10**7)
    return replace(registry.problem("ode_states").at((len(x), steps)), x=x)
