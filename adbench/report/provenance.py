"""Where the figures of a result set come from: machine, versions, threads, run, clock and noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adbench.analysis.wording import percent
from adbench.report import circumstances, threads
from adbench.report.facts import Facts
from adbench.report.places import Place
from adbench.report.words import date

__all__ = ["provenance"]


def provenance(facts: Facts) -> list[tuple[str, str]]:
    """Name and text of each thing that the figures depend on."""
    head = facts.headers[0]
    machine, versions = facts.place.machine, dict(head.get("versions") or {})
    for tool, own in (head.get("interpreters") or {}).items():
        there = (own.get("versions") or {}).get(tool, "")
        versions[tool] = f"{there} (in Python {own.get('python')})".strip()
    tried = {str(tool) for tool in facts.frame["tool"]}
    shown = [t for t in ("adbench", "jax", "jaxlib", "numba") if t in versions]
    shown += sorted(t for t in versions if t in tried | {"numpy"} and t not in shown)
    libc = machine.get("libc")
    known = [
        ("machine", _machine(machine)),
        ("system", _joined(machine.get("os"), _prefixed("Python ", machine.get("python")), libc)),
        ("versions", _joined(*(f"{tool} {versions[tool]}" for tool in shown))),
        ("threads", _threads(facts.place)),
        ("cores used", threads.short(facts)),
        ("flags", _joined(*(f"{k}={v}" for k, v in (head.get("environment") or {}).items()))),
        ("run", _joined(*dict.fromkeys(map(_run, facts.headers)))),
        ("times", _times(facts)),
        ("noise", _noise(facts)),
        ("meanwhile", circumstances.short(facts)),
    ]
    return [(name, text) for name, text in known if text]


def _machine(machine: Mapping[str, Any]) -> str:
    cores, physical = machine.get("cores"), machine.get("cores_physical")
    of = f" ({physical} physical)" if physical and physical != cores else ""
    limit = (machine.get("container") or {}).get("cpu_limit")
    return _joined(
        machine.get("cpu"),
        f"{_plural(cores, 'core')}{of}" if cores else "",
        _prefixed("governor ", machine.get("governor")),
        _prefixed("virtual machine ", machine.get("virtual")),
        f"container limited to {limit:g} cores" if limit else "",
        *(machine.get("gpu") or ()),
    )


def _threads(place: Place) -> str:
    if place.threads == "default":
        seen = _joined(*(f"{name} {n}" for name, n in sorted(place.observed.items())))
        return "as many as each library takes" + (f" ({seen})" if seen else "")
    affinity = (place.machine.get("features") or {}).get("affinity", True)
    if place.threads is not None and place.threads != 1:
        where = f" on {place.threads} pinned cores" if affinity else ", not pinned"
        return _plural(place.threads, "thread") + where
    pinned = ", one pinned core" if place.pinned else ", not pinned" if place.lacks else ""
    return _plural(place.threads, "thread") + (pinned if place.threads == 1 else "")


def _run(header: Mapping[str, Any]) -> str:
    commit = str(header.get("commit") or "")[:9]
    changed = " with local changes" if header.get("dirty") else ""
    return ", ".join(
        part
        for part in (
            _prefixed("preset ", header.get("preset")),
            date(header.get("started")),
            f"commit {commit}{changed}" if commit else "",
        )
        if part
    )


def _times(facts: Facts) -> str:
    if not facts.clock:
        return ""
    return f"a call: {facts.block}; to the first answer: wall clock, as you wait for it"


def _noise(facts: Facts) -> str:
    floor, margin = facts.verdict.floor, facts.margin
    if floor is None or margin is None:
        return "not measured: no method ran against itself, so nothing is decided on this page"
    warning = ", which is much: close other programs and run again" if floor > 0.10 else ""
    wider = "; doubled for what the system lacks" if facts.frame["blind"].any() else ""
    return (
        f"differences below {percent(margin)} are not resolved on this machine "
        f"(measured noise floor {percent(floor)}{warning}{wider})"
    )


def _joined(*parts: str | None) -> str:
    return " · ".join(str(p) for p in parts if p)


def _prefixed(prefix: str, value: Any) -> str:
    return f"{prefix}{value}" if value else ""


def _plural(n: Any, noun: str) -> str:
    return "" if n is None else f"{n} {noun}{'' if n == 1 else 's'}"
