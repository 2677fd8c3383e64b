"""Puts drivers together: kernel, memory and structure of results, and the choice of what to compile.

A driver is called in two ways. From Python it looks sizes up in a table and compiles for new ones (see
``sizes``); in other compiled code the types alone tell the kernel. Both have one *body*, which is given
the arguments as a tuple, and `out` or None, and calls ``kernel((args, ...))``.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import typeof, types

from adbench.dual.numba.arguments import LINE, Argnums, Shapes, chosen, counter, leaves
from adbench.dual.numba.borrowing import Borrower
from adbench.dual.numba.choice import measured_layout, suited_layout
from adbench.dual.numba.compiling import Function, options, own_options, python_text
from adbench.dual.numba.kernels import ANOTHER_SIZE, Plan
from adbench.dual.numba.output import filler, placer
from adbench.dual.numba.reverse import compiled, suits
from adbench.dual.numba.sizes import Compiled, Table, by_type, caller, dimensions_of
from adbench.dual.numba.structure import matrix_structurer, structurer

Kernel = Any
LAYOUTS = (None, "S", "V", "auto-static")
FORWARD = ("S", "V")


@dataclass(frozen=True)
class Operator:
    """One kind of derivative: its kernel, what goes round it, and what is worth compiling for.

    Attributes
    ----------
    kernel : callable
        ``kernel(plan) -> dispatcher``.
    body : callable
        ``body(argnums, kernel) -> function of (args, out)``, which calls ``kernel((args, ...))``.
    one_pass, chunk : int
        Up to how many variables a size is compiled for; tangents of a pass where there are more.
    largest : int
        Up to how many tangents layouts are measured.
    line : callable or None
        Length of the line that the kernel takes, of the number of variables; None for no line.
    reverse : callable, optional
        The kernel by the tape, for more variables than one pass takes.
    """

    name: str
    kernel: Callable[[Plan], Kernel]
    body: Callable[[Argnums, Kernel], Function]
    one_pass: int
    chunk: int
    largest: int
    line: Callable[[int], int] | None
    reverse: Callable[[Plan], Kernel] | None = None


def gradient_body(argnums: Argnums, kernel: Kernel) -> Function:
    """Derivatives in the structure of the variables."""
    count, structured = counter(argnums), structurer(argnums)
    place, fill = placer(argnums, 1), filler(argnums, 1)

    def body(args, out):  # type: ignore[no-untyped-def]
        if out is None:
            line = np.empty(count(args))
            kernel((args, line))
            return structured(args, line, ())
        line = place(args, out, count(args))
        kernel((args, line))
        return fill(args, structured(args, line, ()), out)

    return body


def value_and_gradient_body(argnums: Argnums, kernel: Kernel) -> Function:
    """The value, and `gradient_body`'s result."""
    count, structured = counter(argnums), structurer(argnums)
    place, fill = placer(argnums, 1), filler(argnums, 1)

    def body(args, out):  # type: ignore[no-untyped-def]
        if out is None:
            line = np.empty(count(args))
            value = kernel((args, line))
            return value, structured(args, line, ())
        line = place(args, out, count(args))
        value = kernel((args, line))
        return value, fill(args, structured(args, line, ()), out)

    return body


def hessian_body(argnums: Argnums, kernel: Kernel) -> Function:
    """Second derivatives, variables by variables."""
    count, structured = counter(argnums), matrix_structurer(argnums)
    place, fill = placer(argnums, 2), filler(argnums, 2)

    def body(args, out):  # type: ignore[no-untyped-def]
        size = count(args) ** 2
        if out is None:
            line = np.empty(size)
            kernel((args, line))
            return structured(args, line)
        line = place(args, out, size)
        kernel((args, line))
        return fill(args, structured(args, line), out)

    return body


def jacobian_body(argnums: Argnums, kernel: Kernel) -> Function:
    """Derivatives of every number of the result."""
    structured, fill = structurer(argnums), filler(argnums, None)

    def body(args, out):  # type: ignore[no-untyped-def]
        line, shape = kernel((args,))
        if out is None:
            return structured(args, line, shape)
        return fill(args, structured(args, line, shape), out)

    return body


def driver(operator: Operator, plan: Plan, n: Any, layout: str | None) -> Compiled:
    """The compiled callable of an operator; `n` and `layout` as users name them."""
    known = LAYOUTS if operator.reverse is None else (*LAYOUTS, "tape")
    if layout not in known:
        raise ValueError(f"layout {layout!r}: expected one of {known}")
    if layout is not None and layout != "auto-static":
        plan = plan.laid_out(layout)
    if layout == "tape" and plan.vector_math:
        raise ValueError(
            "layout='tape' records one operation at a time and has no vector_math: leave out one of them"
        )
    argnums, flags = plan.argnums, options(plan.strict, plan.vector_math)
    shapes = None if n is None else _shapes(n)
    fixed = by_type(_fixed_kernels(operator, plan, shapes))
    inside = Borrower(operator.body(argnums, fixed), flags)
    from_code = Borrower(_entry(plan.f, inside), flags)
    if own_options(plan.f).get("nogil"):
        flags = {**flags, "nogil": True}
    sizes_known = shapes is not None or operator.one_pass == 0 or plan.layout == "tape"
    if plan.layout is not None and sizes_known:
        return Compiled(_entry(plan.f, inside), flags, plan.f, from_code)
    tables: dict[Any, Table] = {}

    def table_of(ty: Any) -> Table:
        if ty not in tables:
            kernel_for = _sized_kernels(operator, plan, shapes, layout)
            tables[ty] = Table(plan.f, argnums, ty, operator.one_pass, kernel_for)
        return tables[ty]

    def prepare(args: tuple[Any, ...]) -> None:
        table_of(types.BaseTuple.from_types([typeof(a) for a in args])).resolve(args)

    return Compiled(
        _entry(plan.f, Borrower(operator.body(argnums, caller(table_of)), flags)),
        flags,
        plan.f,
        from_code,
        prepare,
        lambda: [kernel for table in tables.values() for kernel in table.kernels()],
    )


def _shapes(n: Any) -> Shapes:
    """The shapes that ``n=`` tells, one for each array among the variables."""
    told = n if isinstance(n, list) else [n]
    shapes = tuple(s if isinstance(s, tuple) else (s,) for s in told)
    if not all(isinstance(d, int) and d >= 1 for s in shapes for d in s):
        raise ValueError(f"n={n!r}: expected the size or shape of every array, each at least 1")
    return shapes


def _fixed_kernels(
    operator: Operator, plan: Plan, shapes: Shapes | None
) -> Callable[[Any], Kernel]:
    """The kernel for a type of all arguments, where there is no looking at sizes."""
    found: dict[Any, Kernel] = {}

    def kernel_of(call: Any) -> Kernel:
        args = call.types[0]
        if args not in found:
            every = leaves(chosen(args, plan.argnums))
            numbers = sum(not isinstance(t, types.Array) for t in every)
            known = () if numbers == len(every) else shapes
            sized = plan
            if known is not None:
                count = numbers + sum(math.prod(s) for s in known)
                sized = replace(plan.of_size(known, count), chunk=operator.chunk)
            found[args] = _kernel(operator, sized, call.types)
        return found[args]

    return kernel_of


def _kernel(operator: Operator, plan: Plan, call: tuple[Any, ...]) -> Kernel:
    """The kernel of a plan: forward, or by the tape where it is known that the variables are many."""
    if operator.reverse is None or plan.layout in FORWARD:
        return operator.kernel(plan)
    if plan.layout == "tape":
        return operator.reverse(plan)
    # Where none knows how many, both would take three times as long to compile as forward mode alone.
    if plan.count is None or plan.count <= operator.one_pass or not suits(plan):
        return operator.kernel(plan)
    many = operator.reverse(plan)
    return many if compiled(many, call, plan.f) else operator.kernel(plan)


def _sized_kernels(
    operator: Operator, plan: Plan, shapes: Shapes | None, layout: str | None
) -> Callable[[Any, Any, Any], tuple[Kernel, Any]]:
    """The kernel for arrays of known dimensions, or for all (None), in the layout that suits."""

    def kernel_for(key: Any, ty: Any, args: Any) -> tuple[Kernel, Any]:
        sized, count = replace(plan, chunk=operator.chunk), 0
        found: tuple[int, ...] = ()
        if args is not None:
            found, count = dimensions_of(args, plan.argnums)
            if shapes is not None and found != tuple(d for s in shapes for d in s):
                raise ValueError(ANOTHER_SIZE)
        if key is not None:
            sized = plan.of_size(_divided(found, ty, plan.argnums), count)
        call = (ty,) if operator.line is None else (ty, LINE)
        given = (args,) if operator.line is None else (args, np.empty(operator.line(count)))

        def compiled_in(name: str | None) -> Kernel:
            kernel = operator.kernel(replace(sized, layout=name))
            kernel.compile(call)
            return kernel

        def call_in(name: str) -> Callable[[], Any]:
            kernel = compiled_in(name)
            return lambda: kernel(*given)

        if operator.reverse is not None and key is None and suits(plan):
            by_tape = operator.reverse(sized if shapes is None else plan.of_size(shapes, count))
            if compiled(by_tape, call, plan.f):
                return by_tape, call
        fixed = plan.layout or ("S" if own_options(plan.f).get("parallel") else None)
        if fixed is None and args is not None:
            k = operator.chunk if key is None else count
            what = (operator.name, ty, found if key else None)
            fixed = _chosen_layout(operator, plan, layout, k, args, what, call_in)
        return compiled_in(fixed), call

    return kernel_for


def _chosen_layout(
    operator: Operator,
    plan: Plan,
    layout: str | None,
    k: int,
    args: tuple[Any, ...],
    what: tuple[Any, ...],
    call_in: Callable[[str], Callable[[], Any]],
) -> str:
    """The layout of k tangents for these arguments, by looking at code or by the stopwatch."""
    if layout == "auto-static":
        return suited_layout(plan.f, k, *args, strict=plan.strict, vector_math=plan.vector_math)
    key = (*what, plan.argnums, plan.strict, plan.vector_math)
    return measured_layout(python_text(plan.f), key, k, operator.largest, call_in)


def _divided(dimensions: tuple[int, ...], args: Any, argnums: Argnums) -> Shapes:
    """Dimensions one after the other, as the shapes of the arrays among the variables."""
    rest = iter(dimensions)
    arrays = [t for t in leaves(chosen(args, argnums)) if isinstance(t, types.Array)]
    return tuple(tuple(next(rest) for _ in range(a.ndim)) for a in arrays)


def _entry(f: Function, body: Any) -> Function:
    """``entry(*args, out=None)``, with as many arguments as f has; without `out` if they vary."""
    parameters = inspect.signature(python_text(f)).parameters.values()
    if any(p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters):
        raise TypeError(f"{f!r} has keyword-only arguments, which compiled code cannot be given")
    fixed = all(
        p.kind is not inspect.Parameter.VAR_POSITIONAL and p.default is inspect.Parameter.empty
        for p in parameters
    )
    if fixed and 1 <= len(parameters) <= len(_ENTRIES):
        return _ENTRIES[len(parameters) - 1](body)
    return lambda *args: body(args, None)


# One for each number of arguments: Numba needs to see them, and calls with a tuple cost more.
_ENTRIES: tuple[Callable[[Any], Function], ...] = (
    lambda body: lambda a, out=None: body((a,), out),
    lambda body: lambda a, b, out=None: body((a, b), out),
    lambda body: lambda a, b, c, out=None: body((a, b, c), out),
    lambda body: lambda a, b, c, d, out=None: body((a, b, c, d), out),
    lambda body: lambda a, b, c, d, e, out=None: body((a, b, c, d, e), out),
    lambda body: lambda a, b, c, d, e, f, out=None: body((a, b, c, d, e, f), out),
)
