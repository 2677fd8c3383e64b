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

`jax-forward` and `jax-reverse` nest their own mode for the Hessian; `jax-hessian` is `jax.hessian`,
forward over reverse.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods._objects import code_bytes
from adbench.methods._shared import OPERATORS, array_words, decode
from adbench.model import Form, Method, Operator, Point, Prepared

Function = Callable[..., Any]
Ways = Callable[[Function], Mapping[Operator, Function]]


def _forward(f: Function) -> Mapping[Operator, Function]:
    import jax

    def derivative(x: Any, *data: Any) -> Any:
        # f works element by element, so one tangent of ones gives every derivative in one pass.
        return jax.jvp(lambda r: f(r, *data), (x,), (jax.numpy.ones_like(x),))[1]

    def both(x: Any, *data: Any) -> Any:
        def value_twice(r: Any) -> Any:
            value = f(r, *data)
            return value, value

        gradient, value = jax.jacfwd(value_twice, has_aux=True)(x)
        return value, gradient

    return {
        Operator.VALUE: f,
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: jax.jacfwd(f),
        Operator.VALUE_AND_GRADIENT: both,
        Operator.HESSIAN: jax.jacfwd(jax.jacfwd(f)),
    }


def _reverse(f: Function) -> Mapping[Operator, Function]:
    import jax

    def total(x: Any, *data: Any) -> Any:
        # Elements do not mix, so the gradient of the sum holds every derivative.
        return jax.numpy.sum(f(x, *data))

    return {
        Operator.VALUE: f,
        Operator.DERIVATIVE: jax.grad(total),
        Operator.GRADIENT: jax.grad(f),
        Operator.VALUE_AND_GRADIENT: jax.value_and_grad(f),
        Operator.HESSIAN: jax.jacrev(jax.jacrev(f)),
    }


def _forward_over_reverse(f: Function) -> Mapping[Operator, Function]:
    import jax

    return {Operator.HESSIAN: jax.hessian(f)}


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


def _words() -> ModuleType:
    from jax import numpy as jnp
    from jax.scipy import special

    return array_words("jax.numpy", jnp, special)


def _shapes(point: Point) -> tuple[Any, ...]:
    """What the point's arguments look like, without their numbers; plain numbers stay plain."""
    jax = _jax()
    return tuple(
        jax.ShapeDtypeStruct(a.shape, a.dtype) if isinstance(a, np.ndarray) else a
        for a in (point.x, *point.data)
    )


def _encode(point: Point) -> tuple[Any, ...]:
    """X and data as JAX arrays of the same dtypes; plain numbers stay plain."""
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
        return sent

    return tuple(jax.block_until_ready([array(a) for a in (point.x, *point.data)]))


def _waiting(compiled: Function, operator: Operator) -> Function:
    """The compiled function, complete when it returns.

    Results are waited for by their own method: `jax.block_until_ready` would walk a tree of unknown
    shape in every call, a tenth of the shortest.
    """

    def both(*args: Any) -> Any:
        value, gradient = compiled(*args)
        value.block_until_ready()
        gradient.block_until_ready()
        return value, gradient

    def one(*args: Any) -> Any:
        return compiled(*args).block_until_ready()

    return both if operator is Operator.VALUE_AND_GRADIENT else one


def _prepare(
    ways: Ways, async_dispatch: bool | None, form: Form, operator: Operator, point: Point
) -> Prepared:
    """Build, trace, differentiate and lower the jitted derivative."""
    _configure(async_dispatch)
    _begin()
    offered = ways(form.build(_words()))
    if operator not in offered:
        raise NotImplementedError(
            f"JAX in this mode is not asked for '{operator.value}'; "
            f"it offers {', '.join(o.value for o in offered)}"
        )
    jitted = _jax().jit(offered[operator])
    lowered = jitted.lower(*_shapes(point))
    call = _waiting(jitted, operator)
    return Prepared(
        call, _encode, decode, compile=lowered.compile, describe=partial(_describe, lowered)
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
    mode: str,
    ways: Ways,
    operators: tuple[Operator, ...] = OPERATORS,
    async_dispatch: bool | None = False,
) -> Method:
    return Method(
        name=name,
        summary=summary,
        tool="jax",
        mode=mode,
        reads=("jax", "array"),
        operators=operators,
        prepare=partial(_prepare, ways, async_dispatch),
        requires=("jax",),
        imports=("jax.numpy", "jax.scipy.special"),
        compiles=True,
        own_process=async_dispatch is not False,
    )


METHODS = [
    _method(
        "jax-forward",
        "jit of jacfwd; Hessian by jacfwd of jacfwd; derivative by one jvp",
        "forward",
        _forward,
    ),
    _method(
        "jax-reverse",
        "jit of grad or value_and_grad; Hessian by jacrev of jacrev; derivative by grad of the sum",
        "reverse",
        _reverse,
    ),
    _method(
        "jax-reverse-default",
        "jax-reverse with the asynchronous dispatch that JAX has by default, waiting all the same",
        "reverse",
        _reverse,
        async_dispatch=None,
    ),
    _method(
        "jax-hessian",
        "jit of jax.hessian: forward over reverse",
        "mixed",
        _forward_over_reverse,
        operators=(Operator.HESSIAN,),
    ),
]
