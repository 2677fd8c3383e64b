"""Whether the planted slowdown was found, by adbench and by asv, from ``planted.py``."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from statistics import median

import study
from decisions import of_pair
from planted import PLAIN, PLANTED
from study import percent
from tables import Criterion, share, show

from adbench.model import Decision

__all__ = ["judge_planted"]

REPEATS, FOUND = 10, 0.9


def judge_planted(out: Path) -> list[Criterion]:
    """Table and criterion."""
    done = study.folders(out)
    if not done:
        show("Planted slowdown", [])
        return [Criterion("planted 10 % found", f"{FOUND:.0%} of {REPEATS}", "no trial", None)]
    truth = json.loads((out / "planted.json").read_text())
    lines, found = [], 0
    for f in done:
        comparisons = of_pair(study.read(f.path / "results.jsonl"), PLANTED, PLAIN)
        for c in comparisons:
            found += c.decision is Decision.SLOWER
            low, high = (math.nan if v is None else v for v in (c.low, c.high))
            floor = math.nan if c.noise_floor is None else c.noise_floor
            lines.append({
                "repeat": f.path.name, "ratio": f"{c.ratio:.3f}",
                "interval": f"{low:.3f} to {high:.3f}", "floor": percent(floor),
                "processes": c.processes, "decision": c.decision.value,
            })  # fmt: skip
    show(f"Planted slowdown, {median(truth['ratios']):.3f} when calibrated", lines)
    _show_asv(done)
    n = len(done)
    good = n >= REPEATS and found >= FOUND * n
    wanted = f"at least {FOUND:.0%} of {REPEATS} repeats"
    return [Criterion("planted 10 % found", wanted, share(found, n), good)]


def _show_asv(done: list[study.Folder]) -> None:
    """How often asv said slower, per style, test and factor."""
    counts: Counter[tuple[str, str, str]] = Counter()
    ratios: dict[str, list[float]] = {}
    entries = [(f, e) for f in done for e in f.done.get("asv", ())]
    for _, entry in entries:
        ratios.setdefault(entry["style"], []).append(entry["ratio"])
        for test, word in entry["decisions"].items():
            counts[entry["style"], test, word] += 1
    lines = []
    for style, values in ratios.items():
        for test in entries[0][1]["decisions"]:
            test_name, factor = test.rsplit(" ", 1)
            words = [counts[style, test, word] for word in ("slower", "faster", "same")]
            lines.append({
                "style": style, "test": test_name, "factor": factor, "slower": words[0],
                "faster": words[1], "same": words[2], "median ratio": f"{median(values):.3f}",
                "smallest": f"{min(values):.2f}", "largest": f"{max(values):.2f}",
            })  # fmt: skip
    show("asv on the same pair", lines)
