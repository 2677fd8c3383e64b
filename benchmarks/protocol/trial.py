"""The study of A/A and repeatability: whole adbench runs, alternately quiet and under load.

Each repeat measures six methods against themselves (a twin of every one) on eight rows; the ratio
of JAX and Numba on the Gaussian likelihood comes from the same files. Nothing is judged here: see
``judge.py``. Resumable: repeats that are complete are skipped.

    python benchmarks/protocol/trial.py --out STUDY/aa
    python benchmarks/protocol/trial.py --out STUDY/aa-row --workers row --state loaded --repeats 5
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import study
from decisions import of_itself, of_pair, still_open

from adbench.harness import plan
from adbench.model import Operator, Size

GRADIENT, DERIVATIVE = Operator.GRADIENT, Operator.DERIVATIVE
# All but Rosenbrock's 1 000 variables are quick calls; there, and for autograd on the long loop, a call
# outlasts a block. (On logistic_map[1000] the line of parameters crosses a bifurcation, where no finite
# difference is right.)
CELLS: tuple[tuple[str, Size, Operator], ...] = (
    ("gauss_nll", 100, GRADIENT),
    ("gauss_nll", 10_000, GRADIENT),
    ("histogram_nll", 100, GRADIENT),
    ("histogram_nll", 1_000, GRADIENT),
    ("rosenbrock", 10, GRADIENT),
    ("rosenbrock", 100, GRADIENT),
    ("rosenbrock", 1_000, GRADIENT),
    ("logistic_map", 1, DERIVATIVE),
)
METHODS = (
    "numpy-central", "autograd-reverse", "dual-numpy", "jax-reverse", "numba-dual", "numba-central",
)  # fmt: skip
PAIR = ("jax-reverse", "numba-dual")
PAIR_ROWS = ("gauss_nll[100]/gradient", "gauss_nll[10000]/gradient")


def undecided(frame: pd.DataFrame) -> Mapping[str, set[str]]:
    """Row to the methods whose comparison, with themselves or of the fixed pair, is open."""
    return still_open(of_itself(frame), of_pair(frame, *PAIR, PAIR_ROWS))


def main() -> None:
    """The script."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    study.arguments(parser)
    parser.add_argument(
        "--looks",
        default=",".join(map(str, study.LOOKS)),
        help="processes at which to decide, one of them not counted; '4': never more than 4",
    )
    parser.add_argument("--workers", choices=("method", "row"), default="method")
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--cells", nargs="+", help="only these, as problem[size]")
    parser.add_argument("--blocks", type=int, help="fewer blocks, for a rehearsal")
    asked = parser.parse_args()
    cells = [c for c in CELLS if not asked.cells or f"{c[0]}[{c[1]}]" in asked.cells]
    looks = [int(n) for n in asked.looks.split(",")]
    chosen = study.preset(looks[0], "all", asked.blocks)
    rows, settings = study.rows(cells, asked.methods), study.Settings(workers=asked.workers)
    for repeat in study.repeats(asked.repeats, asked.load, asked.state):
        work = partial(measure, repeat.number, rows, chosen, looks, settings)
        repeat.run(asked.out, work, asked.load_seconds)


def measure(
    seed: int,
    rows: Sequence[plan.Row],
    chosen: plan.Preset,
    looks: Sequence[int],
    settings: study.Settings,
    folder: Path,
) -> dict[str, Any]:
    """One repeat."""
    path = folder / "results.jsonl"
    told = study.staged(path, rows, chosen, seed, looks, undecided, settings)
    return {"workers": settings.workers, **told}


if __name__ == "__main__":
    main()
