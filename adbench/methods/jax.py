"""JAX as its manual has you use it: pure functions of arrays, transformed, then compiled by XLA.

Every method jits the whole derivative, takes x and data as JAX arrays (arguments, never closed over:
constants would be folded into the program) and waits for the result before it returns.

Two settings hold in every row: ``jax_enable_x64``, and ``jax_cpu_enable_async_dispatch=False``,
which computes in the calling thread instead of handing each call to another one; only
`jax-reverse-default` leaves that as JAX ships it. XLA reads the second setting when its CPU client is
made, which the first array does: the first method prepared in a process decides for all that share
it. A benchmark gives each method a process of its own; elsewhere only the speed depends on it.

`prepare` traces and lowers the jitted function for arguments of the point's shapes and types;
``compile()`` has XLA compile what was lowered. Calls go to the jitted function all the same: JAX
(0.10.2) finds what was compiled for these shapes and compiles nothing again. Calling the object of
`jax.stages.Compiled` instead would cost 0.2 to 0.6 us a call more, 2 to 6 % of calls of 5 to 20 us
(minima of interleaved blocks), which users of ``jax.jit`` do not pay.

`jax-forward` and `jax-reverse` stay in their mode where derivatives are nested; `jax-hessian` is what
JAX's manual advises for second derivatives, forward over reverse. `jax-checkpoint` and `jax-implicit`
are reverse mode for texts with ``jax.checkpoint`` or a rule of their own: they read no others. How each
mode computes each operator stands in `_jax_ways`, sparse Jacobians in `_jax_sparse`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods import _jax_sparse
from adbench.methods._jax_ways import FORWARD, MIXED, REVERSE, Mode, refusals
from adbench.methods._objects import code_bytes
from adbench.methods._shared import (
    ELEMENTWISE,
    GRADIENTS,
    OPERATORS,
    SECOND,
    array_words,
    chosen,
    deliver,
    joined,
)
from adbench.model import Form, Method, Operator, Point, Prepared, given

Function = Callable[..., Any]


def _jax() -> ModuleType:
    """The module jax, typed as any module: JAX annotates only part of what is used here."""
    import jax

    module: ModuleType = jax
    return module


def _configure(async_dispatch: bool | None) -> None:
    """Set this suite's settings; None leaves JAX's own default. Before the first array."""
    config = _jax().config
    config.update("jax_enable_x64", True)
    if async_dispatch is not None:
        config.update("jax_cpu_enable_async_dispatch", async_dispatch)


def _begin() -> None:
    """Start the backend; raises RuntimeError with the remedy where JAX has none for what is asked."""
    try:
        _jax().devices()
    except (RuntimeError, AssertionError) as error:
        platform = os.environ.get("JAX_PLATFORMS") or "any"
        raise RuntimeError(
            f"JAX finds no device for platform '{platform}' ({error or 'no backend'}): "
            "for a GPU install jax[cuda13], or measure on the CPU"
        ) from None


def _words(mode: Mode) -> ModuleType:
    from jax import numpy as jnp
    from jax.scipy import special

    return array_words("jax.numpy", jnp, special, partial(mode.derivative, _jax()))


def _parts(operator: Operator, point: Point) -> tuple[Any, ...]:
    """What a call takes, as NumPy arrays and plain numbers."""
    return (point.x, *given(operator, point), *point.data)


def _shapes(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """What arguments look like, without their numbers; plain numbers stay plain."""
    jax = _jax()
    return tuple(
        jax.ShapeDtypeStruct(a.shape, a.dtype) if isinstance(a, np.ndarray) else a for a in parts
    )


def _encode(operator: Operator, point: Point) -> tuple[Any, ...]:
    """The arguments of a call as JAX arrays of the same dtypes; plain numbers stay plain."""
    return _sent(_parts(operator, point))


def _sent(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    jax = _jax()

    def array(a: Any) -> Any:
        if not isinstance(a, np.ndarray):
            return a
        # A copy: on the CPU, JAX may otherwise share the NumPy buffer.
        sent = jax.numpy.array(a, copy=True)
        if sent.dtype != a.dtype:
            raise RuntimeError(
                f"JAX turned {a.dtype} into {sent.dtype}: jax_enable_x64 was switched off after "
                "the method was prepared; leave it on"
            )
        return sent.block_until_ready()

    return tuple(map(array, parts))


def _decode(deliver: Function, result: Any) -> Any:
    """The result as NumPy arrays; raises RuntimeError where a number lost half of its bits."""
    for part in result if isinstance(result, tuple) else (result,):
        if part.dtype != np.float64:
            raise RuntimeError(
                f"JAX computed in {part.dtype}, not in float64: either jax_enable_x64 was switched "
                "off after the method was prepared, or the text makes such numbers; do neither"
            )
    return deliver(result)


def _waiting(compiled: Function, operator: Operator, plan: tuple[Any, ...]) -> Function:
    """The compiled function, complete when it returns, with the plan as its first arguments.

    Results are waited for by their own method: `jax.block_until_ready` would walk a tree of unknown
    shape in every call, a tenth of the shortest.
    """
    lost = _jax().errors.JaxRuntimeError

    def both(*args: Any) -> Any:
        try:
            value, gradient = compiled(*args)
            value.block_until_ready()
            gradient.block_until_ready()
        except lost as error:
            raise _named(error) from error
        return value, gradient

    def one(*args: Any) -> Any:
        try:
            return compiled(*args).block_until_ready()
        except lost as error:
            raise _named(error) from error

    if operator is Operator.VALUE_AND_GRADIENT:
        return both
    return partial(one, *plan) if plan else one


def _named(error: Exception) -> Exception:
    """XLA's error, or MemoryError where that is what it means."""
    said = str(error)
    return MemoryError(f"XLA: {said}") if said.startswith("RESOURCE_EXHAUSTED") else error


def _prepare(
    mode: Mode, async_dispatch: bool | None, form: Form, operator: Operator, point: Point
) -> Prepared:
    """Build, trace, differentiate and lower the jitted derivative."""
    _configure(async_dispatch)
    _begin()
    f = joined(form, form.build(_words(mode)))
    plan: tuple[Any, ...] = ()
    way = chosen("JAX", mode.ways(_jax(), f, int(form.elementwise)), operator)
    if operator is Operator.JACOBIAN and point.pattern is not None:
        way, plan = _jax_sparse.compressed(_jax(), f, point.pattern, mode.sparse)
    jitted = _jax().jit(way)
    with refusals():
        lowered = jitted.lower(*_shapes(plan), *_shapes(_parts(operator, point)))
    call = _waiting(jitted, operator, _sent(plan))
    return Prepared(
        call,
        partial(_encode, operator),
        partial(_decode, deliver(form, operator, point)),
        compile=lowered.compile,
        describe=partial(_describe, lowered),
    )


def _describe(lowered: Any) -> dict[str, int]:
    """What XLA knows of the compiled program, and the most this process has had on the device.

    On the CPU XLA does not know the size of its machine code (it says 0): the kernels are counted in
    the serialised executable. What they call of XLA's own libraries is not among them.
    """
    compiled = lowered.compile()  # kept by JAX since compile() or the first call
    device = _jax().devices()[0].memory_stats() or {}  # None where nobody counts, as on the CPU
    found = {"device_peak_bytes": device.get("peak_bytes_in_use")}
    if (memory := compiled.memory_analysis()) is not None:
        found["code_bytes"] = memory.generated_code_size_in_bytes or _kernels(compiled)
        found["temp_bytes"] = memory.temp_size_in_bytes
        found["argument_bytes"] = memory.argument_size_in_bytes
        found["output_bytes"] = memory.output_size_in_bytes
    return {name: int(size) for name, size in found.items() if size is not None}


def _kernels(compiled: Any) -> int | None:
    try:
        return code_bytes(compiled.runtime_executable().serialize())
    except (AttributeError, NotImplementedError, RuntimeError, ValueError):
        return None  # no promise of JAX: the size is then not known


def _method(
    name: str,
    summary: str,
    kind: str,
    mode: Mode,
    operators: tuple[Operator, ...] = OPERATORS,
    reads: tuple[str, ...] = ("jax", "array"),
    async_dispatch: bool | None = False,
) -> Method:
    return Method(
        name=name,
        summary=summary,
        tool="jax",
        mode=kind,
        reads=reads,
        operators=operators,
        prepare=partial(_prepare, mode, async_dispatch),
        requires=("jax",),
        imports=("jax.numpy", "jax.scipy.special"),
        compiles=True,
        own_process=async_dispatch is not False,
    )


# What the texts of one method only are asked for: reverse mode has the others by more passes.
_OWN = (*ELEMENTWISE, *GRADIENTS, Operator.JACOBIAN, Operator.VJP)

METHODS = [
    _method(
        "jax-forward",
        "jit of jacfwd, jvp for one direction; products with H by jvp of jacfwd; one jvp a colour",
        "forward",
        FORWARD,
    ),
    _method(
        "jax-reverse",
        "jit of grad, value_and_grad, jacrev or vjp; grad of grad . v; one vjp a colour of rows",
        "reverse",
        REVERSE,
    ),
    _method(
        "jax-reverse-default",
        "jax-reverse with the asynchronous dispatch that JAX has by default, waiting all the same",
        "reverse",
        REVERSE,
        async_dispatch=None,
    ),
    _method(
        "jax-hessian",
        "jit of jax.hessian, and jvp of grad for products with H: forward over reverse",
        "mixed",
        MIXED,
        operators=SECOND,
    ),
    _method(
        "jax-checkpoint",
        "jax-reverse of a text that recomputes with jax.checkpoint what it would else remember",
        "reverse",
        REVERSE,
        operators=_OWN,
        reads=("jax-checkpoint",),
    ),
    _method(
        "jax-implicit",
        "jax-reverse of a text whose solver has a rule by the implicit function theorem",
        "reverse",
        REVERSE,
        operators=_OWN,
        reads=("jax-implicit",),
    ),
]
