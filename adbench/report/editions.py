"""Runs of one machine that are no repeats of each other, told apart: by date, for what differs between them.

Runs that agree in versions, settings, Pythons, design and function texts are repeats and pooled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adbench.report.places import places
from adbench.report.words import date

__all__ = ["Renamed", "editions"]

Renamed = Mapping[str, str]
Run = tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]
# What runs must agree in to be repeats; of the design, number and length of blocks may differ.
HEADER = ("versions", "environment", "interpreters")
MACHINE = ("os", "python")


@dataclass
class _Edition:
    """Runs that may be pooled, while they are being found."""

    name: str
    about: list[Any]
    sets: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def takes(self, about: list[Any], sets: Mapping[str, Any], texts: Mapping[str, str]) -> bool:
        """Whether a run of these sets is a repeat, or has no set in common with it."""
        shared = self.sets.keys() & sets.keys()
        alike = self.about == about and all(self.sets[s] == sets[s] for s in shared)
        return not shared or (alike and all(self.texts.get(k, v) == v for k, v in texts.items()))


def editions(runs: Sequence[Run]) -> list[Renamed]:
    """For each run the name of each of its result sets: with the date, where runs there differ.

    Returns
    -------
    list of mapping
        Result set as `analysis.tidy` names it -> the part of the name that tells its edition;
        empty for a set of which the runs hold one edition only.
    """
    found: list[_Edition] = []
    chosen = []
    for header, lines in runs:
        about = _about(header)
        sets = {p.set: [p.machine.get(k) for k in MACHINE] for p in places(header, lines)}
        texts = {x["id"]: x["form_hash"] for x in lines if x.get("form_hash") and not x.get("base")}
        mine = next((e for e in found if e.takes(about, sets, texts)), None)
        if mine is None:
            mine = _Edition(_free(date(header.get("started")), found), about)
            found.append(mine)
        mine.sets.update(sets)
        mine.texts.update(texts)
        chosen.append(mine)
    several = {s for s in {s for e in found for s in e.sets} if sum(s in e.sets for e in found) > 1}
    return [{s: e.name for s in e.sets if s in several} for e in chosen]


def _about(header: Mapping[str, Any]) -> list[Any]:
    design = (header.get("protocol") or {}).get("workers")
    return [*((header.get(part) or {}) for part in HEADER), design]


def _free(name: str, found: Sequence[_Edition]) -> str:
    """The date, or with a number where another edition has it already."""
    told = f"run of {name}" if name else "run without a date"
    taken = sum(e.name == told or e.name.startswith(f"{told} (") for e in found)
    return f"{told} ({taken + 1})" if taken else told
