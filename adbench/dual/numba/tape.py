"""Reverse mode: compiled gradients whose cost does not depend on the number of variables.

The function, unmodified, is compiled for duals that record on a tape where two numbers meet that
depend on different variables (``x[0] * x[1]``; not ``sin(x[0])``, which ``tape_record`` explains); one
sweep back over the tape gives all derivatives. That costs a few nanoseconds and 32 bytes for each
operation recorded. Forward mode is the better choice for as many variables as fit one pass, 32; from
there on this is, by a factor that grows with their number.

Derivatives at points where a slope is infinite or missing are those of forward mode, save that a slope
of zero wins over an infinity here in every operation, also in a product.

A call takes a tape from the process's idle ones and leaves it there: calls from several threads, or
from a function that is itself being differentiated, do not meet. When the function raises, its
exception goes on to the caller and the tape is left as after any other call.
"""

from __future__ import annotations

import inspect
from typing import Any

from adbench.dual.numba.arguments import Argnums
from adbench.dual.numba.compiling import Function, options, python_text
from adbench.dual.numba.kernels import Plan
from adbench.dual.numba.sizes import Compiled
from adbench.dual.numba.tape_memory import MAX_BYTES, free_idle_tapes
from adbench.dual.numba.tape_pass import attempter, raise_if

__all__ = ["MAX_BYTES", "free_idle_tapes", "tape_grad", "tape_value_and_grad", "tape_vjp"]


def tape_grad(
    f: Function, argnums: Argnums = 0, *, max_bytes: int = MAX_BYTES, strict: bool = False
) -> Any:
    """Compiled ``g(*args) -> gradient`` by reverse mode; parameters as of `tape_value_and_grad`."""
    return _of_arguments(Plan(f, argnums, strict=strict, max_bytes=max_bytes), with_value=False)


def tape_value_and_grad(
    f: Function, argnums: Argnums = 0, *, max_bytes: int = MAX_BYTES, strict: bool = False
) -> Any:
    """Compiled ``vg(*args) -> (float, gradient)`` by reverse mode.

    Parameters
    ----------
    f : callable
        ``f(*args)``, returning one number. Differentiated arguments are numbers, arrays of any shape
        and tuples of these; the others may be anything that Numba knows. Its own ``prange`` runs as
        a plain loop.
    argnums : int or tuple of int
        Which arguments are differentiated: the gradient is like that argument, or a tuple of such.
    max_bytes : int
        Bound on the memory of one tape: 32 bytes for each operation recorded, 40 for each variable.
        When it is reached the function still runs to its end, and then MemoryError is raised.
    strict : bool
        IEEE arithmetic; the value is then bit for bit that of the function itself.

    Raises
    ------
    UnsupportedFunctionError
        From the first call, where Numba cannot compile f for a tape.
    MemoryError
        When called: more operations than max_bytes allows, or the system has no more memory.
    ValueError
        max_bytes leaves no room for one variable and one operation.
    """
    return _of_arguments(Plan(f, argnums, strict=strict, max_bytes=max_bytes), with_value=True)


def tape_vjp(
    f: Function,
    argnums: Argnums | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    strict: bool = False,
) -> Any:
    """Compiled ``vjp(args, v) -> (value, gradients)``: v times the Jacobian of f at ``*args``.

    f returns a number or an array, and v is like it; args is a tuple of f's arguments. The gradients
    are a tuple, by all arguments, unless `argnums` names those to differentiate by. Parameters and
    errors as of `tape_value_and_grad`; ValueError for a v of another shape.
    """
    wanted = tuple(range(_arity(f))) if argnums is None else argnums
    plan = Plan(f, wanted, strict=strict, max_bytes=max_bytes)
    attempt = attempter(plan, with_value=True)

    def driver(args, v):  # type: ignore[no-untyped-def]
        result, failed, code, where = attempt(args, v)
        raise_if(failed, code, where)
        return result

    return _compiled(plan, driver)


def _of_arguments(plan: Plan, with_value: bool) -> Any:
    attempt = attempter(plan, with_value)

    def driver(*args):  # type: ignore[no-untyped-def]
        result, failed, code, where = attempt(args, 1.0)
        raise_if(failed, code, where)
        return result

    return _compiled(plan, driver)


def _compiled(plan: Plan, entry: Function) -> Compiled:
    return Compiled(entry, {"nogil": True, **options(plan.strict)}, plan.f)


def _arity(f: Function) -> int:
    parameters = inspect.signature(python_text(f)).parameters.values()
    if any(p.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD for p in parameters):
        raise TypeError(
            f"{f!r} takes any number of arguments: name those to differentiate by, argnums="
        )
    return len(parameters)
