r"""Numba: the scalar text compiled for dual numbers, for a tape, for differences, and derivatives by hand.

All but one compile the same unmodified text (``adbench.dual.numba``), with division by zero as in
NumPy. `prepare` builds the driver; ``compile()`` compiles it for the types of the arguments, so that
the first call only runs; without it the first call compiles. Whether Numba can compile a text at all
shows only then. Each call returns a new array (or ``(float, array)`` for value and gradient), as a
SciPy user would want. Nothing is cached on disk, so that every process pays for compilation.

`numba-dual`, `numba-tape`, `numba-central` and `numba-manual` leave LLVM free to reorder and contract,
as far as NaN and infinity keep their meaning: a sum over data may be taken in several lanes, and its
last digits differ from the text's. `numba-dual-strict` grants nothing: value and derivatives are summed
in the text's order, and the value is bit for bit that of plain ``numba.njit(error_model="numpy")``.

The dual methods are exact; for 2 or 3 variables `prepare` compiles f for floats, to see which layout
of tangents suits it (`adbench.dual.numba.suited_layout`). Users get the faster layout by a stopwatch
instead, if they name none; here every process must choose alike. `numba-dual` takes forward mode at
every size, a pass over f for every 16 variables; `numba-tape` takes reverse mode
(`adbench.dual.numba.tape`), whose cost does not grow with their number. A sparse Jacobian takes a tangent
for each colour of its columns, 16 in a pass, or a sweep of a tape for each colour of its rows; a dense
one a sweep for each row. Colours and pattern are arguments of the compiled call, which puts the entries
in their places; only the wrapping as a SciPy matrix is left to `decode`.

`numba-manual` is what somebody wrote who differentiated by hand, for speed: a problem's own form. It is
the practical limit that the others are compared with. `numba-central` does all its evaluations inside
one compiled function (`adbench.methods._numba_differences`); what it promises, and why, is in
`adbench.methods._difference`. `numba-complex` does the same with steps along the imaginary axis, in
IEEE arithmetic (`adbench.methods._numba_complex`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods import _difference
from adbench.methods._numba_complex import by_complex
from adbench.methods._numba_derivatives import by_duals, by_hand, by_tape
from adbench.methods._numba_differences import central
from adbench.methods._shared import (
    ELEMENTWISE,
    GRADIENTS,
    SECOND,
    Function,
    arrays,
    deliver,
)
from adbench.model import ELEMENTARY, Form, Method, Operator, Point, Prepared, namespace

Drivers = Callable[[Form, Function, Operator, Point], Any]

# Second derivatives need forward mode, and so does a function at each of many points; products from
# the left are what a tape is for, and those from the right what duals are for.
DUALS = (*ELEMENTWISE, *GRADIENTS, *SECOND, Operator.JACOBIAN, Operator.JVP, Operator.PROPAGATE)
REVERSE = (Operator.VALUE, *GRADIENTS, Operator.JACOBIAN, Operator.VJP)
DIFFERENCES = tuple(o for o in DUALS if o is not Operator.NEWTON_DIRECTION)
COMPLEX = (*ELEMENTWISE, *GRADIENTS, Operator.JACOBIAN, Operator.JVP, Operator.PROPAGATE)
BY_HAND = (*GRADIENTS, Operator.JACOBIAN)


def _words(name: str) -> ModuleType:
    members = {word: getattr(math, word) for word in ELEMENTARY}
    return namespace(name, {**members, "zeros": np.zeros})


def _sparse(form: Form, operator: Operator, point: Point) -> bool:
    return operator is Operator.JACOBIAN and point.pattern is not None and not form.elementwise


def _with_colours(rows: bool, operator: Operator, point: Point) -> tuple[Any, ...]:
    """The arguments of a call for a sparse Jacobian: x, colours, pattern, data."""
    pattern = point.pattern
    assert pattern is not None
    x, *data = arrays(operator, point)
    colours = pattern.row_colours if rows else pattern.column_colours
    return (x, colours, pattern.rows, pattern.columns, *data)


def _prepare(
    name: str,
    drivers: Drivers,
    strict: bool,
    operators: tuple[Operator, ...],
    form: Form,
    operator: Operator,
    point: Point,
) -> Prepared:
    """Build the driver; only the types and sizes of `point`, and its pattern, are used."""
    from adbench.dual import numba as dual
    from adbench.dual.numba.helpers import says

    if operator not in operators or (operator is Operator.DERIVATIVE and not form.elementwise):
        raise NotImplementedError(
            f"{name} is not asked for '{operator.value}' of this form; it offers "
            f"{', '.join(o.value for o in operators)}; a derivative only of elementwise forms"
        )
    f = form.build(_words(name))
    if says(f, "derivative"):
        raise NotImplementedError(
            f"{name} cannot nest derivatives, and this function's text contains one: compiled duals "
            "have no dual within"
        )
    if operator is Operator.VALUE:
        k = form.elementwise
        call = dual.elementwise(f, k, strict=strict) if k else dual.primal(f, strict)
    else:
        call = drivers(form, f, operator, point)
    encode: Callable[[Point], tuple[Any, ...]] = partial(arrays, operator)
    if _sparse(form, operator, point) and drivers is not by_hand:
        encode = partial(_with_colours, drivers is by_tape, operator)
    # The types alone are kept: arguments would occupy memory while the case is measured.
    now = partial(dual.compile_types, call, dual.call_types(call, *encode(point)))
    decode = deliver(form, operator, point)
    return Prepared(call, encode, decode, compile=now, describe=partial(_describe, call))


def _describe(driver: Any) -> dict[str, int]:
    from adbench.dual import numba as dual

    size = dual.code_bytes(driver)
    return {} if size is None else {"code_bytes": size}


def _method(
    name: str,
    summary: str,
    mode: str,
    drivers: Drivers,
    operators: tuple[Operator, ...],
    *,
    rtol: Mapping[Operator, float] | None = None,
    strict: bool = False,
    reads: tuple[str, ...] = ("numba", "scalar"),
) -> Method:
    return Method(
        name=name,
        summary=summary,
        tool="numba",
        mode=mode,
        reads=reads,
        operators=operators,
        prepare=partial(_prepare, name, drivers, strict, operators),
        requires=("numba",),
        imports=("adbench.dual.numba",),
        rtol=rtol or {},
        compiles=True,
    )


# What they say of LLVM's freedom (`adbench.dual.numba.RELAXED`).
_RELAXED = "LLVM may reorder sums (relaxed: contract, reassoc, nsz, arcp; NaN and infinity kept)"

METHODS = [
    _method(
        "numba-dual",
        f"the text compiled by Numba for our dual numbers; {_RELAXED}",
        "forward",
        partial(by_duals, False),
        DUALS,
    ),
    _method(
        "numba-dual-strict",
        "numba-dual in IEEE arithmetic: sums of values and derivatives keep their order",
        "forward",
        partial(by_duals, True),
        DUALS,
        strict=True,
    ),
    _method(
        "numba-tape",
        f"the text compiled by Numba to record a tape, and sweeps back over it; {_RELAXED}",
        "reverse",
        by_tape,
        REVERSE,
    ),
    _method(
        "numba-central",
        f"central differences inside one compiled function; {_RELAXED}",
        "difference",
        central,
        DIFFERENCES,
        rtol=_difference.CENTRAL,
    ),
    _method(
        "numba-complex",
        "the text compiled by Numba for complex128, a complex step a variable: exact, analytic texts only",
        "complex-step",
        by_complex,
        COMPLEX,
        strict=True,
        reads=("scalar",),
    ),
    _method(
        "numba-manual",
        f"a derivative written by hand, compiled by Numba; {_RELAXED}",
        "manual",
        by_hand,
        BY_HAND,
        reads=("numba-manual",),
    ),
]
