"""Enzyme for JAX: a JAX function's program, differentiated by Enzyme instead of by JAX, compiled by XLA.

The array text (or JAX's own) is written for ``jax.numpy`` and decorated by ``enzyme_jax_ir()``; ``jax.grad``,
``jax.vjp`` and ``jax.jvp`` of what comes out hand the lowered program to Enzyme's pass over StableHLO
(its default pipeline, `JaXPipeline`). Settings, arguments and compilation are those of this suite's JAX methods: 64 bits,
dispatch in the calling thread, arguments as JAX arrays, waited for; ``compile()`` has XLA compile what
`prepare` lowered.

Of version 0.0.16: results of the decorated function have no batching rule, which Jacobians and Hessians
need, nor a second derivative; what JAX leaves to LAPACK has no rule (decompositions, triangular
solutions), nor has a loop of unknown length in reverse mode; derivatives inside the text are not offered. Wheels exist for Linux and macOS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from adbench.methods._shared import (
    ELEMENTWISE,
    GRADIENTS,
    Function,
    array_words,
    chosen,
    deliver,
    joined,
)
from adbench.model import Form, Method, Operator, Point, Prepared, given


def _jax() -> ModuleType:
    """The module jax, typed as any module: JAX annotates only part of what is used here."""
    import jax

    module: ModuleType = jax
    return module


def _words() -> ModuleType:
    from jax import numpy as jnp
    from jax.scipy import special

    return array_words("enzyme", jnp, special)


def _ways(f: Function) -> Mapping[Operator, Function]:
    """The operators of a text; each hands it to Enzyme, whole."""
    from enzyme_ad.jax import enzyme_jax_ir

    jax = _jax()
    whole = enzyme_jax_ir()(f)
    # points do not mix, so the gradient of the sum holds every derivative
    total = enzyme_jax_ir()(lambda x, *data: jax.numpy.sum(f(x, *data)))

    def jvp(x: Any, v: Any, *data: Any) -> Any:
        return jax.jvp(lambda r: whole(r, *data), (x,), (v,))[1]

    def vjp(x: Any, u: Any, *data: Any) -> Any:
        return jax.vjp(lambda r: whole(r, *data), x)[1](u)[0]

    return {
        Operator.VALUE: whole,
        Operator.DERIVATIVE: jax.grad(total),
        Operator.GRADIENT: jax.grad(whole),
        Operator.VALUE_AND_GRADIENT: jax.value_and_grad(whole),
        Operator.JVP: jvp,
        Operator.VJP: vjp,
    }


def _encode(operator: Operator, point: Point) -> tuple[Any, ...]:
    """The arguments of a call as JAX arrays of their own; plain numbers stay plain."""
    numpy = _jax().numpy
    parts = (point.x, *given(operator, point), *point.data)
    return tuple(numpy.array(a, copy=True) if isinstance(a, np.ndarray) else a for a in parts)


def _prepare(form: Form, operator: Operator, point: Point) -> Prepared:
    jax = _jax()
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    f = joined(form, form.build(_words()))
    way = chosen("Enzyme", _ways(f), operator)
    jitted = jax.jit(way)
    with _refusals():
        lowered = jitted.lower(*_encode(operator, point))

    def compile_it() -> None:
        with _refusals():
            lowered.compile()

    def both(*args: Any) -> Any:
        value, gradient = jitted(*args)
        return value.block_until_ready(), gradient.block_until_ready()

    def one(*args: Any) -> Any:
        return jitted(*args).block_until_ready()

    return Prepared(
        both if operator is Operator.VALUE_AND_GRADIENT else one,
        partial(_encode, operator),
        deliver(form, operator, point),
        compile=compile_it,
    )


@contextmanager
def _refusals() -> Iterator[None]:
    """What Enzyme's pass cannot differentiate, as NotImplementedError; other errors as they are."""
    try:
        yield
    except ValueError as error:
        _, found, said = " ".join(str(error).split()).partition("Pipeline failed: ")
        if not found:
            raise
        target = re.search(r'call_target_name = "(\w+)"', said)
        what = (
            f"the call of {target[1]}" if target else f"what JAX makes of this text: {said[:120]}"
        )
        raise NotImplementedError(f"Enzyme's pass cannot differentiate {what}") from error


METHODS = [
    Method(
        name="enzyme-jax",
        summary="jit of grad, vjp or jvp of a function under enzyme_jax_ir: Enzyme on StableHLO",
        tool="enzyme-ad",
        mode="mixed",
        reads=("jax", "array"),
        operators=(*ELEMENTWISE, *GRADIENTS, Operator.JVP, Operator.VJP),
        prepare=_prepare,
        requires=("enzyme_ad", "jax"),
        imports=("jax.numpy", "jax.scipy.special", "enzyme_ad.jax"),
        compiles=True,
    )
]
