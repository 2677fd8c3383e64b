"""Rough costs of tools on one machine: what a forecast knows before anything was measured here.

Measured in November 2026 on two virtual cores of an AMD EPYC (Python 3.11, jax 0.10.2, numba 0.68.1),
where the reference kernel took `KERNEL_S`. They need to be right within a factor of two or so: a run
has hundreds of cases, and costs seen in earlier result files of a machine replace them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from adbench.model import Method, Operator

__all__ = ["KERNEL_S", "Work", "call_s", "judge_s", "once_s", "start_s"]

KERNEL_S = 54e-6
# A process that has imported NumPy and adbench; what each tool's import adds, and what the first case
# of a process costs more than the later ones.
START_S = 0.3
IMPORT_S = {"jax": 0.6, "numba": 0.35, "autograd": 0.6, "sympy": 0.5}
FIRST_USE_S = {"jax": 0.1, "numba": 0.5}
# Prepare, compile and first call of f itself, of first and of second derivatives.
ONCE_S = {
    "jax": (0.2, 0.38, 0.5),
    "jax-eager": (0.5, 2.0, 5.0),
    "numba": (0.3, 0.85, 0.85),
    "numba-central": (0.3, 0.5, 0.5),
    "numba-tape": (0.3, 1.4, 1.4),
    "numba-manual": (0.3, 1.7, 1.7),
    "sympy": (0.05, 0.17, 0.25),
}
ONCE_ELSE_S = (0.005, 0.01, 0.02)
LEVEL = {
    Operator.VALUE: 0, Operator.HESSIAN: 2, Operator.HVP: 2, Operator.NEWTON_DIRECTION: 2,
    Operator.TAYLOR: 2,
}  # fmt: skip


@dataclass(frozen=True)
class Work:
    """What one evaluation of f asks for, and its Jacobian.

    Parameters
    ----------
    operations : float
        Arithmetic operations and elementary functions, at all points of an elementwise f.
    calls : float
        Functions of whole arrays that array code calls one after another.
    variables : int
        1 of an elementwise f, whose points are independent.
    columns, rows : int
        Forward and reverse passes of the Jacobian: variables and outputs, or what the pattern of a
        sparse one cannot do without.
    """

    operations: float
    calls: float
    variables: int
    columns: int
    rows: int


@dataclass(frozen=True)
class Pace:
    """Seconds of one evaluation: `fixed_s`, `call_s` for each function of whole arrays, and
    `operation_s`. A further pass taken together with a first costs `together` of it.
    """

    fixed_s: float
    call_s: float
    operation_s: float
    together: float = 1.0


PACES = {
    "jax": Pace(6e-6, 1e-8, 1.5e-9, 0.15),
    "jax-eager": Pace(5e-3, 1e-3, 1.5e-9),
    "numba": Pace(0.6e-6, 0.0, 1.5e-9, 0.1),
    "numba-central": Pace(0.6e-6, 0.0, 2e-9),
    "numba-tape": Pace(1e-6, 0.0, 3e-9),
    "autograd": Pace(30e-6, 15e-6, 3e-9),
    "sympy": Pace(10e-6, 0.0, 1e-8),
    "numpy": Pace(2e-6, 0.6e-6, 1e-9),
    "dual-numpy": Pace(10e-6, 3e-6, 2e-9, 0.3),
    "dual-python": Pace(2e-6, 0.0, 3e-7, 0.1),
}
# Without derivatives, duals are plain numbers and arrays.
VALUE_PACES = {"dual-numpy": PACES["numpy"], "dual-python": Pace(1e-6, 0.0, 4e-8)}
PACE_ELSE = Pace(20e-6, 5e-6, 3e-9)
# Modes that evaluate f, or carry a number along, for every variable.
MANY = ("forward", "difference", "complex-step")
# Operators whose result such a mode has from a single direction.
DIRECTIONAL = (Operator.VALUE, Operator.JVP, Operator.TAYLOR)
# Operators of several results, each of which takes a reverse pass.
BY_ROWS = (Operator.JACOBIAN, Operator.PROPAGATE)
# A pass back over a pass, or forward over one back.
TWICE = (Operator.HVP, Operator.NEWTON_DIRECTION, Operator.JVP)
# A certified reference that neither the package nor an earlier run has: seconds times the number of
# operations to a power.
JUDGE_S = {
    Operator.VALUE: 0.003, Operator.GRADIENT: 0.003, Operator.DERIVATIVE: 0.003,
    Operator.VALUE_AND_GRADIENT: 0.006, Operator.JVP: 0.003, Operator.VJP: 0.003,
}  # fmt: skip
JUDGE_ELSE_S = 0.012
JUDGE_POWER = 0.6


def start_s(tool: str, import_s: float | None = None) -> float:
    """Seconds until a fresh process is where every further case costs the same; its import if known."""
    if import_s is None:
        import_s = IMPORT_S.get(tool, 0.0)
    return START_S + import_s + FIRST_USE_S.get(tool, 0.0)


def once_s(method: str, tool: str, operator: Operator) -> float:
    """Seconds of prepare, compile and first call; `method` and `tool` are names."""
    found = ONCE_S.get(method) or ONCE_S.get(tool) or ONCE_ELSE_S
    return found[LEVEL.get(operator, 1)]


def call_s(method: Method, operator: Operator, work: Work) -> float:
    """Seconds of a steady call."""
    special = VALUE_PACES.get(method.name) if operator is Operator.VALUE else None
    pace = special or PACES.get(method.name) or PACES.get(method.tool) or PACE_ELSE
    if method.mode in ("reverse", "mixed"):
        pace = replace(pace, together=1.0)
    # NumPy's differences are taken by calls from Python, the other tools' passes inside one call
    passes = _passes(method, operator, work)
    together = 1.0 + pace.together * (passes - 1.0)
    return pace.fixed_s + together * (pace.call_s * work.calls + pace.operation_s * work.operations)


def _passes(method: Method, operator: Operator, work: Work) -> float:
    """Evaluations of f that one derivative is worth."""
    second = float(work.variables) if operator is Operator.HESSIAN else 1.0
    if method.mode in MANY:
        sides = 2.0 if method.mode == "difference" else 1.0
        return sides if operator in DIRECTIONAL else sides * second * work.columns
    if operator in BY_ROWS and method.mode in ("reverse", "mixed"):
        return float(work.rows)
    return 2.0 if operator in TWICE else second


def judge_s(operator: Operator, work: Work) -> float:
    """Seconds of a certified reference that has to be computed."""
    return JUDGE_S.get(operator, JUDGE_ELSE_S) * math.pow(work.operations, JUDGE_POWER)
