"""Numba compiles an unmodified function for dual numbers: the native dual and its drivers.

Imported on request only: importing this package imports Numba and teaches it one new value type.
``dual_type`` is that type and its memory, ``emit`` turns a rule of the one table into LLVM code,
``typing`` and ``lowering`` tell Numba which operations exist and what they compile to,
``intrinsics`` seed duals and take results out, ``drivers`` and ``second`` are what users call;
``machine_code`` tells the size of what was compiled.

Hooks into Numba beyond its extension interface: two, ``dual_type.realign_stack`` and, reading only,
``machine_code.code_bytes``.
"""

from adbench.dual.numba import lowering, typing  # noqa: F401  (importing them registers the type)
from adbench.dual.numba.drivers import (
    RELAXED,
    UnsupportedFunctionError,
    call_types,
    compile_for,
    compile_types,
    default_layout,
    derivative,
    elementwise,
    gradient,
    primal,
    suited_layout,
    value_and_gradient,
)
from adbench.dual.numba.dual_type import DualType
from adbench.dual.numba.machine_code import code_bytes
from adbench.dual.numba.second import hessian

__all__ = [
    "RELAXED",
    "DualType",
    "UnsupportedFunctionError",
    "call_types",
    "code_bytes",
    "compile_for",
    "compile_types",
    "default_layout",
    "derivative",
    "elementwise",
    "gradient",
    "hessian",
    "primal",
    "suited_layout",
    "value_and_gradient",
]
