"""Rough costs of tools on one machine: what a forecast knows before anything was measured here.

Measured in November 2026 on two virtual cores of an AMD EPYC (Python 3.11, jax 0.10.2, numba 0.68.1),
where the reference kernel took `KERNEL_S`. They need to be right within a factor of two or so: a run
has hundreds of cases, and costs seen in earlier result files of a machine replace them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from adbench.model import Method, Operator

__all__ = ["KERNEL_S", "call_s", "judge_s", "once_s", "start_s"]

KERNEL_S = 54e-6
# A process that has imported NumPy and adbench; what each tool's import adds, and what the first case
# of a process costs more than the later ones.
START_S = 0.3
IMPORT_S = {"jax": 0.6, "numba": 0.35, "autograd": 0.6, "sympy": 0.5}
FIRST_USE_S = {"jax": 0.1, "numba": 0.5}
# Prepare, compile and first call of f itself, of first and of second derivatives.
ONCE_S = {
    "jax": (0.12, 0.28, 0.4),
    "numba": (0.16, 0.5, 0.5),
    "sympy": (0.05, 0.12, 0.17),
}
ONCE_ELSE_S = (0.005, 0.01, 0.02)
LEVEL = {Operator.VALUE: 0, Operator.HESSIAN: 2}


@dataclass(frozen=True)
class Pace:
    """Seconds of one evaluation: `fixed_s` and `number_s` for every number that goes in."""

    fixed_s: float
    number_s: float


PACES = {
    "jax": Pace(12e-6, 4e-9),
    "numba": Pace(1e-6, 2e-9),
    "autograd": Pace(350e-6, 2e-8),
    "sympy": Pace(10e-6, 1e-8),
    "numpy": Pace(12e-6, 5e-9),
    "dual-numpy": Pace(60e-6, 3e-8),
    "dual-python": Pace(1e-6, 2e-6),
}
# Without derivatives, duals are plain numbers and arrays.
VALUE_PACES = {"dual-numpy": PACES["numpy"], "dual-python": Pace(1e-6, 6e-8)}
PACE_ELSE = Pace(100e-6, 2e-8)
# Modes that evaluate f, or carry a number along, for every variable.
MANY = ("forward", "difference", "complex-step")
# Elementwise problems iterate a map for each number.
STEPS = 500
# A certified reference that no earlier run has left: seconds times the number of inputs to a power.
JUDGE_S = {
    Operator.VALUE: 0.005, Operator.GRADIENT: 0.005, Operator.DERIVATIVE: 0.005,
    Operator.VALUE_AND_GRADIENT: 0.012, Operator.HESSIAN: 0.022,
}  # fmt: skip
JUDGE_POWER = 0.6


def start_s(tool: str, import_s: float | None = None) -> float:
    """Seconds until a fresh process is where every further case costs the same; its import if known."""
    if import_s is None:
        import_s = IMPORT_S.get(tool, 0.0)
    return START_S + import_s + FIRST_USE_S.get(tool, 0.0)


def once_s(tool: str, operator: Operator) -> float:
    """Seconds of prepare, compile and first call."""
    return ONCE_S.get(tool, ONCE_ELSE_S)[LEVEL.get(operator, 1)]


def call_s(method: Method, operator: Operator, inputs: int, n: int, elementwise: bool) -> float:
    """Seconds of a steady call on `inputs` numbers, `n` of them variables."""
    special = VALUE_PACES.get(method.name) if operator is Operator.VALUE else None
    pace = special or PACES.get(method.name) or PACES.get(method.tool) or PACE_ELSE
    passes = 1.0 if elementwise else _passes(method, operator, n)
    work = float(inputs) * (STEPS if elementwise else 1)
    # NumPy's differences are taken by calls from Python, the other tools' passes inside one call
    fixed = passes if method.tool == "numpy" else 1.0
    return fixed * pace.fixed_s + passes * work * pace.number_s


def _passes(method: Method, operator: Operator, n: int) -> float:
    """Evaluations of f that one derivative is worth."""
    if operator is Operator.VALUE:
        return 1
    each = float(n) if method.mode in MANY else 1.0
    return each * n if operator is Operator.HESSIAN else each


def judge_s(operator: Operator, inputs: int) -> float:
    """Seconds of a certified reference that has to be computed."""
    return JUDGE_S.get(operator, max(JUDGE_S.values())) * math.pow(inputs, JUDGE_POWER)
