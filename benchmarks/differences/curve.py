"""The error of finite differences against their step, and where each tool lands with its own default.

    python benchmarks/differences/curve.py --out build/differences

The gradient of ``gauss_nll[100]``: the rules of adbench's own methods (the very functions, their step is
a parameter) at steps from 1e-1 to 1e-16, and every installed method of differences once, as it is. The
error is norm-wise, relative to the certified gradient. Writes ``curve.jsonl`` (a line a point),
``curve.svg`` and a README.md that says what is to be seen, with the slopes and best steps found.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from curve_page import chart, readme

from adbench import registry
from adbench.harness import machine
from adbench.methods._callables import real_function
from adbench.methods._difference import EPS
from adbench.methods._numpy_complex import complex_step, words
from adbench.methods._numpy_differences import central, forward
from adbench.methods._numpy_extrapolation import FINE, FIRST_STEP, fourth, ridders
from adbench.model import Method, Operator, elsewhere
from adbench.reference.accuracy import accuracy
from adbench.reference.truth import certified

__all__ = ["landings", "main", "sweep"]

Line = dict[str, Any]
DECADES, PER_DECADE = 15, 12
# Relative to max(|x|, 1), where a method has one step (of a first step: the method says more).
STEPS = {
    "numpy-forward": EPS ** (1 / 2),
    "scipy-approx-fprime": EPS ** (1 / 2),
    "numpy-central": EPS ** (1 / 3),
    "numba-central": EPS ** (1 / 3),
    "numpy-fourth": EPS**FINE,
    "findiff-coefficients": EPS**FINE,
    "numpy-ridders": FIRST_STEP,
    "complex-step": 2.0**-200,
    "numba-complex": 2.0**-200,
    "jacobi-jacobi": 0.25,
    "scipy-differentiate": 0.5,
    "scipy-differentiate-scaled": EPS ** (1 / 9),
}


def _rules() -> dict[str, tuple[Callable[[Any, float], Any], Callable[[Any], Any], bool]]:
    """Rule -> ``ways(f, step)``, what builds f, and whether its steps are powers of two."""

    def exponent(step: float) -> float:
        return math.log(step) / math.log(EPS)

    def plain(form: Any) -> Any:
        return real_function(form, "differences")

    def analytic(form: Any) -> Any:
        return form.build(words(form))

    return {
        "forward": (lambda f, h: forward(f, 0, None, exponent(h)), plain, False),
        "central": (lambda f, h: central(f, 0, None, exponent(h)), plain, False),
        "fourth order": (lambda f, h: fourth(f, 0, None, exponent(h)), plain, False),
        "Ridders": (lambda f, h: ridders(f, 0, None, first_step=h), plain, True),
        "complex step": (
            lambda f, h: complex_step(f, 0, None, h), analytic, True,
        ),
    }  # fmt: skip


def sweep() -> Iterator[Line]:
    """Every rule at every step: its name, the step relative to max(|x|, 1), and the error."""
    problem = registry.problem("gauss_nll")
    point = problem.at(100)
    truth = certified(problem, 100, Operator.GRADIENT, point)
    form = problem.form("array")
    for name, (ways, build, binary) in _rules().items():
        f = build(form)
        exact = [2.0**-b for b in range(4, 54)]
        even = [10.0 ** (-1 - i / PER_DECADE) for i in range(DECADES * PER_DECADE + 1)]
        for h in exact if binary else even:
            x, data = point.fresh()
            found = ways(f, h)[Operator.GRADIENT](x, *data)
            error = accuracy(np.asarray(found), truth).error_rel
            yield {"kind": "curve", "rule": name, "step": h, "error": error}


def landings() -> Iterator[Line]:
    """Every installed method of differences or complex steps, at its own default."""
    problem = registry.problem("gauss_nll")
    point = problem.at(100)
    truth = certified(problem, 100, Operator.GRADIENT, point)
    for method in registry.methods().values():
        stepped = method.mode in ("difference", "complex-step")
        if not stepped or Operator.GRADIENT not in method.operators:
            continue
        line: Line = {"kind": "tool", "method": method.name, "tool": method.tool}
        line |= {"step": STEPS.get(method.name), "promised": method.rtol.get(Operator.GRADIENT)}
        if reason := registry.reason_unavailable(method):
            yield line | {"error": None, "reason": reason}
            continue
        found = _gradient(method, problem, point)
        line["versions"] = machine.versions_of(method)
        yield line | {"error": accuracy(found, truth).error_rel, "reason": None}


def _gradient(method: Method, problem: Any, point: Any) -> Any:
    form = method.form(problem)
    assert form is not None
    p = method.prepare(form, Operator.GRADIENT, elsewhere(point))
    return p.decode(p.call(*p.encode(point)))


def main(words: Sequence[str] | None = None) -> int:
    """The script."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    asked = parser.parse_args(words)
    asked.out.mkdir(parents=True, exist_ok=True)
    with np.errstate(all="ignore"):  # steps far too small divide rounding by nothing
        lines = [*sweep(), *landings()]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (asked.out / "curve.jsonl").write_text(text, encoding="utf-8")
    (asked.out / "curve.svg").write_text(chart(lines), encoding="utf-8")
    where = f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}"
    (asked.out / "README.md").write_text(readme(lines, where), encoding="utf-8")
    sys.stdout.write(f"{asked.out}: curve.jsonl, curve.svg, README.md\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
