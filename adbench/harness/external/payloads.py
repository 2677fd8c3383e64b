"""Which functions the protocol and this package define alike, and how numbers travel between them.

Pure functions of points, results and JSON; knows no process and no clock. Sources: the protocol's
payloads as ``docs/external.md`` lists them; the meaning of each function in GradBench
(github.com/gradbench/gradbench) and in ``docs/PROBLEMS.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from adbench import registry
from adbench.harness.external import hand
from adbench.harness.external.plain import PayloadError, floats, number, whole
from adbench.model import Floats, Operator, Point

__all__ = ["TRANSLATIONS", "PayloadError", "Translation", "of_module", "refusal"]


@dataclass(frozen=True)
class Translation:
    """A problem that the protocol knows under a module's name.

    Parameters
    ----------
    problem, module : str
        Its names here and there.
    functions : mapping of Operator to str
        Which function of the module gives an operator's result.
    payload : callable
        ``payload(point)``: the input as JSON, without `min_runs` and `min_seconds`.
    point : callable
        ``point(payload)``: the point of an input; raises PayloadError for one without meaning here.
    result, output : callable
        ``result(operator, output, point)``: the operator's array from a function's output;
        ``output(operator, result, point)``: the inverse. The first raises PayloadError.
    refused : mapping of Operator to str
        Why an operator that one would expect is not offered.
    """

    problem: str
    module: str
    functions: Mapping[Operator, str]
    payload: Callable[[Point], dict[str, Any]]
    point: Callable[[Mapping[str, Any]], Point]
    result: Callable[[Operator, Any, Point], Floats]
    output: Callable[[Operator, Floats, Point], Any]
    refused: Mapping[Operator, str] = field(default_factory=dict)

    def operator(self, function: str) -> Operator | None:
        """The operator of a function's name, or None."""
        return next((o for o, name in self.functions.items() if name == function), None)


def refusal(problem: str, operator: Operator) -> str | None:
    """Why an external tool cannot be asked for this; None when it can."""
    if problem in APART:
        return APART[problem]
    known = TRANSLATIONS.get(problem)
    if known is None:
        return f"the protocol of external tools has no module for {problem}"
    if operator in known.functions:
        return None
    names = " and ".join(known.functions.values())
    return known.refused.get(operator) or (
        f"the protocol's module {known.module} has no function for the {operator.value} "
        f"(it has {names})"
    )


def of_module(module: str) -> Translation | None:
    """The translation of a module's name, or None."""
    return next((t for t in TRANSLATIONS.values() if t.module == module), None)


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


def _gmm_payload(point: Point) -> dict[str, Any]:
    (points,) = point.data
    d, k = _gmm_shape(point)
    fixed = {"d": d, "k": k, "n": len(points), "x": points.tolist(), "m": 0, "gamma": 1.0}
    return fixed | _gmm_parts(point.x, point)


def _gmm_joined(parts: Any) -> Floats:
    if not isinstance(parts, Mapping) or not {"alpha", "mu", "q", "l"} <= parts.keys():
        raise PayloadError("expected an object with alpha, mu, q and l")
    return np.concatenate([floats(parts[name]).ravel() for name in ("alpha", "mu", "q", "l")])


def _gmm_point(payload: Mapping[str, Any]) -> Point:
    if (payload["m"], payload["gamma"]) != (0, 1):
        raise PayloadError(
            f"gmm here has m = 0 and gamma = 1, not m = {payload['m']} and gamma = {payload['gamma']}"
        )
    return Point(_gmm_joined(payload), (floats(payload["x"]),))


def _gmm_result(operator: Operator, output: Any, point: Point) -> Floats:
    return np.asarray(number(output)) if operator is Operator.VALUE else _gmm_joined(output)


def _gmm_output(operator: Operator, result: Floats, point: Point) -> Any:
    return float(result) if operator is Operator.VALUE else _gmm_parts(result, point)


# lstm


def _lstm_payload(point: Point) -> dict[str, Any]:
    state, sequence = point.data
    b = state.shape[1]
    main, extra = np.split(point.x, [len(point.x) - 3 * b])
    return {
        "main_params": main.reshape(-1, 4 * b).tolist(),
        "extra_params": extra.reshape(3, b).tolist(),
        "state": state.tolist(),
        "sequence": sequence.tolist(),
    }


def _lstm_point(payload: Mapping[str, Any]) -> Point:
    parts = [floats(payload[name]).ravel() for name in ("main_params", "extra_params")]
    return Point(np.concatenate(parts), (floats(payload["state"]), floats(payload["sequence"])))


# llsq, lse, det: vectors


def _llsq_payload(point: Point) -> dict[str, Any]:
    return {"x": point.x.tolist(), "n": len(point.data[0])}


def _llsq_point(payload: Mapping[str, Any]) -> Point:
    standard = registry.problem("llsq").at(whole(payload["n"], "n", 2, 10**7))
    return replace(standard, x=floats(payload["x"]))


def _lse_payload(point: Point) -> dict[str, Any]:
    return {"x": point.x.tolist()}


def _lse_point(payload: Mapping[str, Any]) -> Point:
    return Point(floats(payload["x"]))


def _det_payload(point: Point) -> dict[str, Any]:
    # row-major, as the expansion along the first row reads it
    return {"A": point.x.tolist(), "ell": len(point.data[0])}


# The places of all ell! products are data of the whole-array text: 3 GB at 10.
DET_MOST = 9


def _det_point(payload: Mapping[str, Any]) -> Point:
    ell = whole(payload["ell"], "ell", 1, DET_MOST)
    return replace(registry.problem("det").at(ell), x=_sized(payload["A"], ell * ell, "A").ravel())


def _sized(value: Any, size: int, name: str) -> Floats:
    found = floats(value)
    if found.size != size:
        raise PayloadError(f"{name} has {found.size} numbers, expected {size}")
    return found


# kmeans


def _kmeans_payload(point: Point) -> dict[str, Any]:
    (points,) = point.data
    return {
        "points": points.tolist(),
        "centroids": point.x.reshape(-1, points.shape[1]).tolist(),
    }


def _kmeans_point(payload: Mapping[str, Any]) -> Point:
    return Point(floats(payload["centroids"]).ravel(), (floats(payload["points"]),))


def _kmeans_output(operator: Operator, result: Floats, point: Point) -> Any:
    if operator is Operator.VALUE:
        return float(result)
    return result.reshape(-1, point.data[0].shape[1]).tolist()


# ode: the protocol's function is the vector of all states, which is the problem `ode_states`


def _ode_payload(point: Point) -> dict[str, Any]:
    return {"x": point.x.tolist(), "s": len(point.data[0]) - 1}


def _ode_point(payload: Mapping[str, Any]) -> Point:
    x = floats(payload["x"])
    steps = whole(payload["s"], "s", -(-len(x) // 4), 10**7)
    return replace(registry.problem("ode_states").at((len(x), steps)), x=x)


# ba: all cameras, points and observations are copies of one

CAMERA, PLACE = 11, 3


def _ba_counts(point: Point) -> tuple[int, int, int]:
    _, camera, place = point.data
    cameras = int(place[0]) // CAMERA
    return cameras, (len(point.x) - CAMERA * cameras - len(camera)) // PLACE, len(camera)


def _ba_payload(point: Point) -> dict[str, Any]:
    n, m, p = _ba_counts(point)
    cameras, places, weights = np.split(point.x, [CAMERA * n, CAMERA * n + PLACE * m])
    parts = (
        cameras.reshape(n, CAMERA), places.reshape(m, PLACE), weights[:, None],
        point.data[0].reshape(p, 2),
    )  # fmt: skip
    if any(np.any(part != part[0]) for part in parts):
        raise PayloadError("the protocol has one camera, one point and one observation, replicated")
    cam, x, w, feat = (part[0].tolist() for part in parts)
    return {"n": n, "m": m, "p": p, "cam": cam, "x": x, "w": w[0], "feat": feat}


def _ba_point(payload: Mapping[str, Any]) -> Point:
    n, m, p = (whole(payload[name], name, 1, 10**7) for name in ("n", "m", "p"))
    standard = registry.problem("ba").at((n, m, p))
    camera, place = _sized(payload["cam"], CAMERA, "cam"), _sized(payload["x"], PLACE, "x")
    x = np.concatenate([np.tile(camera, n), np.tile(place, m), np.full(p, number(payload["w"]))])
    z = np.tile(_sized(payload["feat"], 2, "feat"), p)
    return replace(standard, x=x, data=(z, *standard.data[1:]))


def _ba_result(operator: Operator, output: Any, point: Point) -> Floats:
    """All residuals: the answer says the first ones, and that the others are equal to them."""
    p = _ba_counts(point)[2]
    try:
        seen, weight = output["reproj_error"], output["w_err"]
        pair, last = _sized(seen["elements"], 2, "elements"), number(weight["element"])
        repeated = seen["repeated"], weight["repeated"]
    except (KeyError, TypeError):
        raise PayloadError(
            "expected {reproj_error: {elements, repeated}, w_err: {element, repeated}}"
        ) from None
    if repeated != (p, p):
        raise PayloadError(f"'repeated' is {repeated[0]} and {repeated[1]}, expected {p}")
    return np.concatenate([np.tile(pair, p), np.full(p, last)])


def _ba_output(operator: Operator, result: Floats, point: Point) -> Any:
    p = _ba_counts(point)[2]
    return {
        "reproj_error": {"elements": result[:2].tolist(), "repeated": p},
        "w_err": {"element": float(result[2 * p]), "repeated": p},
    }


OBJECTIVE = {Operator.VALUE: "objective", Operator.GRADIENT: "jacobian"}
PRIMAL = {Operator.VALUE: "primal", Operator.GRADIENT: "gradient"}
TRANSLATIONS: Mapping[str, Translation] = {
    t.problem: t
    for t in (
        Translation("gmm", "gmm", OBJECTIVE, _gmm_payload, _gmm_point, _gmm_result, _gmm_output),
        Translation("lstm", "lstm", OBJECTIVE, _lstm_payload, _lstm_point, flat, listed),
        Translation("llsq", "llsq", PRIMAL, _llsq_payload, _llsq_point, flat, listed),
        Translation("lse", "lse", PRIMAL, _lse_payload, _lse_point, flat, listed),
        Translation("det", "det", PRIMAL, _det_payload, _det_point, flat, listed),
        Translation(
            "kmeans",
            "kmeans",
            {Operator.VALUE: "cost", Operator.NEWTON_DIRECTION: "dir"},
            _kmeans_payload,
            _kmeans_point,
            flat,
            _kmeans_output,
        ),
        Translation(
            "ode_states",
            "ode",
            {Operator.VALUE: "primal"},
            _ode_payload,
            _ode_point,
            flat,
            listed,
            {
                Operator.JACOBIAN: "the protocol's gradient of ode is of the last state alone, "
                "one row of this Jacobian"
            },
        ),
        Translation(
            "ba",
            "ba",
            {Operator.VALUE: "objective"},
            _ba_payload,
            _ba_point,
            _ba_result,
            _ba_output,
            {
                Operator.JACOBIAN: "the protocol answers 31 entries of this Jacobian; "
                "the others could not be judged"
            },
        ),
        Translation(
            "ht",
            "ht",
            {Operator.VALUE: "objective", Operator.JACOBIAN: "jacobian"},
            hand.payload,
            hand.point,
            hand.result,
            hand.output,
        ),
    )
}
# Problems whose namesakes in the protocol are other functions: judging those would call right answers
# wrong.
APART: Mapping[str, str] = {
    "ode": "the protocol's ode is the vector of all states, not their sum (ode_states is that vector), "
    "and its gradient is of the last state",
    "particle": "the protocol's particle is a minimiser over w; here it is the landing position at one "
    "w, and its derivative",
    "saddle": "the protocol's saddle is the place of the saddle point, found by another solver; here it "
    "is a value and its derivative",
}
