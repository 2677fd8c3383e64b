"""Numba compiles an unmodified function for dual numbers: the native dual and its drivers.

    from adbench.dual import numba as dual
    slope = dual.grad(f)

Imported on request only: importing this package imports Numba and teaches it one new value type.
``drivers`` and ``directions`` are what users call, and ``drivers`` says how; ``building`` puts them
together of ``kernels`` and ``second`` (derivatives in flat memory), ``arguments``, ``structure``,
``rows`` and ``output`` (what goes in and comes out), ``compressed`` (sparse Jacobians), ``points``
(functions at many points), ``helpers`` (plain Python functions that a text calls), ``sizes`` and ``choice`` (code for few variables,
layouts), ``borrowing`` (calls that count no references). ``dual_type`` is the type and its memory, ``emit`` turns a rule of the one table into LLVM
code, ``typing`` and ``lowering`` tell Numba which operations exist and what they compile to; ``tape``
is reverse mode, ``reverse`` its kernel for the drivers; ``machine_code`` tells the size of what was compiled.

What Numba does not document for extensions is imported by ``internals`` alone, which also names the
modules that override methods of its classes.
"""

from adbench.dual.numba import (  # noqa: F401  (importing them registers the type)
    array_functions,
    array_typing,
    lowering,
    reductions,
    typing,
)
from adbench.dual.numba.choice import suited_layout
from adbench.dual.numba.compiling import (
    RELAXED,
    UnsupportedFunctionError,
    call_types,
    compile_for,
    compile_types,
    primal,
)
from adbench.dual.numba.compressed import compressed_jacobian
from adbench.dual.numba.directions import hvp, jvp
from adbench.dual.numba.drivers import (
    derivative,
    grad,
    hessian,
    jacobian,
    value_and_grad,
)
from adbench.dual.numba.dual_type import DualType
from adbench.dual.numba.kernels import default_layout
from adbench.dual.numba.machine_code import code_bytes
from adbench.dual.numba.points import elementwise, partials
from adbench.dual.numba.tape import free_idle_tapes, tape_grad, tape_value_and_grad
from adbench.dual.numba.tape import tape_vjp as vjp

__all__ = [
    "RELAXED",
    "DualType",
    "UnsupportedFunctionError",
    "call_types",
    "code_bytes",
    "compile_for",
    "compile_types",
    "compressed_jacobian",
    "default_layout",
    "derivative",
    "elementwise",
    "free_idle_tapes",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "partials",
    "primal",
    "suited_layout",
    "tape_grad",
    "tape_value_and_grad",
    "value_and_grad",
    "vjp",
]
