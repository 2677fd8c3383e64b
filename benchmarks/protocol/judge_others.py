"""What the other protocols made of the same question in the same hour, from ``others.py``."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path

import study
from judge_pairs import pair_summary, pairs
from tables import show

__all__ = ["judge_others"]

ASV_TEST = "intervals 1.1"  # what `asv compare` does by default


def judge_others(out: Path, trial: Path) -> None:
    """One table: adbench, asv in two styles, separate processes."""
    logs: dict[tuple[str, str], list[tuple[bool, float]]] = defaultdict(list)
    words: dict[tuple[str, str], list[str]] = defaultdict(list)
    for s in pairs(trial):
        key = ("adbench", s.comparison.row)
        logs[key].append((s.loaded, s.log))
        words[key].append(s.comparison.decision.value)
    for f in study.folders(out):
        for entry in f.done["asv"]:
            key = (f"asv, {entry['style']}", entry["row"])
            logs[key].append((f.loaded, math.log(entry["ratio"])))
            words[key].append(entry["decisions"][ASV_TEST])
        for entry in f.done["separate"]:
            key = ("separate processes, medians", entry["row"])
            logs[key].append((f.loaded, math.log(entry["ratio"])))
            words[key].append("")
    order = sorted(logs, key=lambda key: (len(key[1]), key))
    lines = [pair_summary(*key, logs[key], words[key]) for key in order]
    show("The same question by other protocols", lines)
