"""JAX as its manual has you use it: pure functions of arrays, transformed, then compiled by XLA.

Every method takes x and data as JAX arrays (arguments, never closed over: constants would be folded
into the program) and waits for the result before it returns. All but two jit the whole derivative.

Two settings hold in every row: ``jax_enable_x64``, and ``jax_cpu_enable_async_dispatch=False``,
which computes in the calling thread instead of handing each call to another one. Three methods set
something else for their process: `jax-reverse-default` leaves the second as JAX ships it,
`jax-float32` the first, and `jax-sharded` makes a device of every core. XLA reads the
second setting when its CPU client is made, which the first array does: the first method prepared in a
process decides for all that share it. A benchmark gives each method a process of its own; elsewhere
only the speed depends on it.

`prepare` traces and lowers the jitted function for arguments of the point's shapes and types;
``compile()`` has XLA compile what was lowered. Calls go to the jitted function all the same: JAX
(0.10.2) finds what was compiled for these shapes and compiles nothing again. Calling the object of
`jax.stages.Compiled` instead would cost 0.2 to 0.6 us a call more, 2 to 6 % of calls of 5 to 20 us
(minima of interleaved blocks), which users of ``jax.jit`` do not pay; `jax-aot` is what users of
ahead-of-time compilation have. `jax-eager` does without: JAX then compiles each operation when it is
first met, dispatches them one by one, and compiles the body of a ``lax`` loop anew in every call, since it
is another function each time (`_jax_calls`). Measured with JAX 0.10.2 on one core: the gradient of
`gauss_nll[100]` takes 2.7 ms so, and 5.4 us jitted; `kepler[1]`, with a loop, 88 ms and 5.4 us.

`jax-forward` and `jax-reverse` stay in their mode where derivatives are nested: forward over forward,
reverse over reverse. `jax-hessian` is what JAX's manual advises for second derivatives, forward over
reverse, and `jax-reverse-over-forward` the other mixture that it shows. `jax-vmap` differentiates a text
for one point, or for one datum, and maps it: XLA makes programs of the same speed of both. `jax-sharded` cuts
points that know nothing of each other among the cores; on two, the derivatives of `logistic_map[100000]`
take 0.66 s in place of 1.26 s. `jax-checkpoint` and `jax-implicit` are reverse mode for
texts with ``jax.checkpoint`` or a rule of their own: they read no others. How each mode computes each
operator stands in `_jax_ways`, sparse Jacobians in `_jax_sparse`, whose text is read in `_jax_texts`,
settings and arguments in `_jax_settings`.

Taylor coefficients come from `jax.experimental.jet` in `jax-jet`, whose cost grows as the square of the
order, and from products nested in products in `jax-forward` (37 and 88 us for `gauss_nll[10000]`).

`jax-float32` rounds x, data and directions to float32 and computes in that, as JAX does unless it is
told otherwise; its answers are judged by the digits that float32 has (`reference.judge`), and stand
for JAX in no comparison with a tool that computes in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from adbench.methods import _jax_calls, _jax_sparse, _jax_texts
from adbench.methods._jax_settings import Settings, begin, configure, jax, sent
from adbench.methods._jax_ways import (
    FORWARD,
    JET,
    MAPPED,
    MIXED,
    REVERSE,
    REVERSE_OVER_FORWARD,
    Mode,
)
from adbench.methods._shared import ELEMENTWISE, GRADIENTS, OPERATORS, SECOND, chosen, deliver
from adbench.model import Form, Method, Operator, Point, Prepared

Function = Callable[..., Any]
USUAL = Settings()


@dataclass(frozen=True)
class Use:
    """One way to use JAX: in a mode, called so, with these settings, on this reading of a form, whose
    arguments are these.
    """

    mode: Mode
    calling: _jax_calls.Calling = _jax_calls.jitted
    settings: Settings = USUAL
    text: _jax_texts.Text = _jax_texts.whole
    parts: Callable[[Form, Operator, Point], tuple[Any, ...]] = _jax_texts.joined_parts


def _prepare(use: Use, form: Form, operator: Operator, point: Point) -> Prepared:
    """Build, differentiate and, unless every operation is dispatched alone, trace and lower."""
    configure(use.settings)
    begin()
    f = use.text(form, use.mode)
    plan: tuple[Any, ...] = ()
    way = chosen("JAX", use.mode.ways(jax(), f, int(form.elementwise)), operator)
    if operator is Operator.JACOBIAN and point.pattern is not None:
        way, plan = _jax_sparse.compressed(jax(), f, point.pattern, use.mode.sparse)
    called = use.calling(use.settings, way, (*plan, *use.parts(form, operator, point)))
    both = operator is Operator.VALUE_AND_GRADIENT
    return Prepared(
        _jax_calls.waiting(called.function, both, sent(use.settings, plan)),
        lambda at: sent(use.settings, use.parts(form, operator, at)),
        partial(_decode, use, form, operator, point),
        compile=called.compile,
        describe=called.describe,
    )


def _decode(use: Use, form: Form, operator: Operator, point: Point, result: Any) -> Any:
    """The result as NumPy arrays; raises RuntimeError where a number has not the method's bits."""
    expected = np.dtype(np.float64 if use.settings.x64 else np.float32)
    for part in result if isinstance(result, tuple) else (result,):
        if part.dtype != expected:
            raise RuntimeError(
                f"JAX computed in {part.dtype}, not in {expected}: either jax_enable_x64 was switched "
                "after the method was prepared, or the text makes such numbers; do neither"
            )
    delivered = deliver(form, operator, point)(result)
    return delivered.ravel() if form.elementwise else delivered  # points may come in rows


def _method(
    name: str,
    summary: str,
    kind: str,
    use: Use,
    operators: tuple[Operator, ...] = OPERATORS,
    reads: tuple[str, ...] = ("jax", "array"),
) -> Method:
    return Method(
        name=name,
        summary=summary,
        tool="jax",
        mode=kind,
        reads=reads,
        operators=operators,
        prepare=partial(_prepare, use),
        requires=("jax",),
        imports=("jax.numpy", "jax.scipy.special"),
        dtype="float64" if use.settings.x64 else "float32",
        compiles=True,
        own_process=use.settings.own,
    )


# What the texts of one method only are asked for: reverse mode has the others by more passes.
_OWN = (*ELEMENTWISE, *GRADIENTS, Operator.JACOBIAN, Operator.VJP)

METHODS = [
    _method(
        "jax-forward",
        "jit of jacfwd, jvp for one direction; products with H by jvp of jacfwd; one jvp a colour",
        "forward",
        Use(FORWARD),
        operators=(*OPERATORS, Operator.TAYLOR),
    ),
    _method(
        "jax-jet",
        "jit of jax.experimental.jet: a Taylor series along one direction, all coefficients at once",
        "forward",
        Use(JET),
        operators=(Operator.TAYLOR,),
    ),
    _method(
        "jax-reverse",
        "jit of grad, value_and_grad, jacrev or vjp; H by jacrev of jacrev, H v by grad of grad . v; "
        "one vjp a colour of rows",
        "reverse",
        Use(REVERSE),
    ),
    _method(
        "jax-reverse-default",
        "jax-reverse with the asynchronous dispatch that JAX has by default, waiting all the same",
        "reverse",
        Use(REVERSE, settings=Settings(async_dispatch=None)),
    ),
    _method(
        "jax-aot",
        "jax-reverse compiled ahead of time: calls the object that lower(shapes).compile() returns",
        "reverse",
        Use(REVERSE, _jax_calls.ahead),
    ),
    _method(
        "jax-eager",
        "jax-reverse without jit: every operation is dispatched, and first compiled, alone",
        "reverse",
        Use(REVERSE, _jax_calls.eager),
    ),
    _method(
        "jax-float32",
        "jax-reverse in float32, JAX's own default, judged by the digits that float32 has",
        "reverse",
        Use(REVERSE, settings=Settings(x64=False)),
    ),
    _method(
        "jax-hessian",
        "forward over reverse: jit of jax.hessian (jacfwd of jacrev), and jvp of grad for H v",
        "mixed",
        Use(MIXED),
        operators=SECOND,
    ),
    _method(
        "jax-reverse-over-forward",
        "reverse over forward: jit of jacrev of jacfwd, and grad of jvp for H v",
        "mixed",
        Use(REVERSE_OVER_FORWARD),
        operators=SECOND,
    ),
    _method(
        "jax-vmap",
        "jit of vmap(grad) of a text for one point; of a sum over data, reverse mode of sum(vmap(term))",
        "reverse",
        Use(MAPPED, text=_jax_texts.mapped),
        operators=(*ELEMENTWISE, *GRADIENTS, *SECOND),
        reads=("term", "jax", "scalar"),
    ),
    _method(
        "jax-sharded",
        "jax-reverse of points that are cut among the cores, each a device (--threads default)",
        "reverse",
        Use(
            REVERSE,
            settings=Settings(devices=True),
            text=_jax_texts.in_rows,
            parts=_jax_texts.rows_of_parts,
        ),
        operators=ELEMENTWISE,
    ),
    _method(
        "jax-checkpoint",
        "jax-reverse of a text that recomputes with jax.checkpoint what it would else remember",
        "reverse",
        Use(REVERSE),
        operators=_OWN,
        reads=("jax-checkpoint",),
    ),
    _method(
        "jax-implicit",
        "jax-reverse of a text whose solver has a rule by the implicit function theorem",
        "reverse",
        Use(REVERSE),
        operators=_OWN,
        reads=("jax-implicit",),
    ),
]
