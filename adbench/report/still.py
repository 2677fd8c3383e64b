"""Charts as still pictures, for readers without scripts: SVG that no name can break."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["fallback", "harmless"]

Spec = dict[str, Any]
STILL_WIDTH = 760


def harmless(value: Any) -> Any:
    """Data without characters that mean something in SVG, or nothing at all.

    A name may hold anything; the renderer dies of a zero byte.
    """
    if isinstance(value, str):
        return "".join(c if c.isprintable() and c not in "<>&\"'`" else "\ufffd" for c in value)
    if isinstance(value, list):
        return [harmless(v) for v in value]
    if isinstance(value, dict):
        return {k: harmless(v) for k, v in value.items()}
    return value


def _first(spec: Spec) -> Spec:
    """Data and parameters, of the data only the case that is shown first: the others are not in the picture."""
    found: Spec = {key: spec[key] for key in ("datasets", "params") if key in spec}
    shown = {p["name"]: p.get("value") for p in found.get("params", ())}
    if "pick" in shown and "datasets" in found:
        found["datasets"] = {
            name: [v for v in values if v.get("case", shown["pick"]) == shown["pick"]]
            for name, values in found["datasets"].items()
        }
    return found


def fallback(spec: Spec) -> str:
    """The chart as it first shows, as SVG: for readers without scripts."""
    import vl_convert

    own = {key: harmless(value) for key, value in _first(spec).items()}
    config: Spec = {
        "background": "transparent", "view": {"stroke": None},
        "axis": {"labelColor": "var(--soft)", "titleColor": "var(--soft)", "gridColor": "var(--faint)",
                 "domainColor": "var(--rule)", "tickColor": "var(--rule)"},
    }  # fmt: skip
    size: Spec = {"width": STILL_WIDTH, "autosize": {"type": "pad"}}
    still = spec | own | size | {"config": config}
    svg: str = vl_convert.vegalite_to_svg(json.dumps(still))
    return svg
