"""A method with a planted slowdown: numba-dual, and after each call a fixed amount of work for nothing.

The work is a chain of multiplications and additions inside the same compiled function, as many as
``ADBENCH_PLANTED`` says. It starts from the result, so that it can neither be folded away nor hide
behind the work it follows, and each step waits for the one before it: its time grows evenly with its
length.
"""

import os
from typing import Any

from adbench.model import Form, Method, Operator, Point, Prepared

VARIABLE = "ADBENCH_PLANTED"


def steps() -> int:
    """The planted work, in steps of the chain."""
    try:
        return int(os.environ[VARIABLE])
    except (KeyError, ValueError):
        raise RuntimeError(
            f"{VARIABLE} must be the number of planted steps; planted.py calibrates and sets it"
        ) from None


def slowed(inner: Any, count: int) -> Any:
    """The compiled function that does what `inner` does, and then `count` steps more."""
    import numba

    @numba.njit(error_model="numpy")
    def call(x, *data):  # type: ignore[no-untyped-def]
        out = inner(x, *data)
        chain = out[0]
        for _ in range(count):
            chain = chain * 0.999 + 1e-3
        if chain > 1e300:  # never, but the compiler cannot know
            out[0] = chain
        return out

    return call


def prepare(form: Form, operator: Operator, point: Point) -> Prepared:
    """numba-dual's own preparation; its gradient is slowed down, its value is not."""
    from dataclasses import replace

    from adbench import registry
    from adbench.dual.numba import compile_for

    plain = registry.method("numba-dual").prepare(form, operator, point)
    if operator is not Operator.GRADIENT:
        return plain
    call, args = slowed(plain.call, steps()), plain.encode(point)

    def build() -> None:
        if plain.compile is not None:
            plain.compile()
        compile_for(call, *args)

    if plain.compile is None:
        build()
        return replace(plain, call=call)
    return replace(plain, call=call, compile=build)


METHODS = [
    Method(
        name="numba-planted",
        summary="numba-dual with a known slowdown, to see whether it is found",
        tool="numba",
        mode="forward",
        reads=("numba", "scalar"),
        operators=(Operator.VALUE, Operator.GRADIENT),
        prepare=prepare,
        requires=("numba",),
        imports=("adbench.dual.numba",),
        compiles=True,
    )
]
