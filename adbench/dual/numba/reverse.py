"""Gradients by the tape in flat memory: the kernel that serves many variables, beside `kernels`' own."""

from __future__ import annotations

from typing import Any

from adbench.dual.numba.compiling import (
    Function,
    UnsupportedFunctionError,
    explained,
    own_options,
)
from adbench.dual.numba.kernels import ANOTHER_SIZE, Plan, fitting
from adbench.dual.numba.tape_pass import attempter, raise_if


def gradient(plan: Plan) -> Any:
    """``kernel(args, line) -> value``: the derivatives of one number by all variables, in reverse."""
    attempt = attempter(plan, with_value=True, flat=True)
    fits = fitting(plan)

    def kernel(args, line):  # type: ignore[no-untyped-def]
        if not fits(args):
            raise ValueError(ANOTHER_SIZE)
        found, failed, code, where = attempt(args, 1.0)
        raise_if(failed, code, where)
        line[:] = found[1]
        return found[0]

    return plan.jit(kernel)


def suits(plan: Plan) -> bool:
    """Whether the tape may be taken unasked: nothing is asked for that it has not."""
    threads = own_options(plan.f).get("parallel")
    return plan.layout is None and not threads and not plan.vector_math


def compiled(kernel: Any, call: tuple[Any, ...], f: Function) -> bool:
    """Compile a kernel now; False where Numba cannot: what has threads, say, has no tape."""
    try:
        with explained(f):
            kernel.compile(call)
    except UnsupportedFunctionError:
        return False
    return True
