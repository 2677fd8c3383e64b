"""TensorFlow as its guides have you use it: tapes around functions of tensors, eagerly or in a graph.

`tensorflow-eager` records every call with ``tf.GradientTape`` in Python; `tensorflow-function` traces the
same once into a graph (``tf.function``); `tensorflow-xla` has XLA compile that graph
(``jit_compile=True``). Forward mode is ``tf.autodiff.ForwardAccumulator``, offered through XLA only, like
its use around a tape for second derivatives. The build measured is `tensorflow-cpu`.

x and data are tensors, float64 as they come, made in `encode`, plain numbers too: a graph would be traced
anew for each. TensorFlow computes in the calling thread unless told otherwise, so that a call is
complete when it returns. Two things hold for the whole process, since TensorFlow knows no narrower place,
and give these methods a process of their own:

- ``experimental_enable_numpy_behavior()``, without which tensors know neither arrays of indices nor
  a product of whole and floating-point numbers.
- The number of threads, which nobody here sets: TensorFlow reads TF_NUM_INTRAOP_THREADS and
  TF_NUM_INTEROP_THREADS when it begins, which a benchmark's worker sets.

`prepare` traces the graph for arguments of the point's shapes and types (``get_concrete_function``), and
calls go to that: the ``tf.function`` itself would look for it in every call. ``compile()`` calls it once,
since TensorFlow (2.21) has XLA compile by no other way. Loops of Python are unrolled into the graph.
Eager Hessians and Jacobians by ``tape.jacobian`` trace their vectorisation in every call, which takes
a hundred milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from adbench.methods._shared import OPERATORS, SECOND, chosen, deliver
from adbench.methods._tensorflow_ways import FORWARD, MIXED, REVERSE, Mode, joined
from adbench.methods._tensorflow_words import words
from adbench.model import Form, Method, Operator, Point, Prepared, given

Function = Callable[..., Any]


def _encode(operator: Operator, point: Point) -> tuple[Any, ...]:
    """The arguments of a call as tensors of the same dtypes, plain numbers as float64 or int64."""
    import tensorflow as tf

    x, data = point.fresh()
    arguments = (np.asarray(a) for a in (x, *given(operator, point), *data))
    return tuple(tf.constant(a, dtype=a.dtype) for a in arguments)


def _decode(deliver: Function, result: Any) -> Any:
    """The result as NumPy arrays; raises RuntimeError where a number lost half of its bits."""
    pair = isinstance(result, (tuple, list))
    found = tuple(np.asarray(part) for part in (result if pair else (result,)))
    for part in found:
        if part.dtype != np.float64:
            raise RuntimeError(
                f"TensorFlow computed in {part.dtype}, not in float64: the text makes such numbers"
            )
    return deliver(found if pair else found[0])


def _prepare(
    mode: Mode, graph: bool, xla: bool, form: Form, operator: Operator, point: Point
) -> Prepared:
    import tensorflow as tf

    tf.experimental.numpy.experimental_enable_numpy_behavior()
    k = int(form.elementwise)
    f = joined(form.build(words("tensorflow", mode.derivative)), k)
    pattern = point.pattern if operator is Operator.JACOBIAN else None
    call = chosen("TensorFlow", mode.ways(f, k, pattern), operator)
    encode, arguments = partial(_encode, operator), _encode(operator, point)
    if graph:
        specs = [tf.TensorSpec(a.shape, a.dtype) for a in arguments]
        # the texts' loops are Python's: there is nothing to turn into TensorFlow's own
        function = tf.function(call, jit_compile=xla, autograph=False)
        call = _traced(function, specs)
    decode = partial(_decode, deliver(form, operator, point))
    return Prepared(call, encode, decode, compile=partial(_run, call, arguments) if xla else None)


def _traced(function: Any, specs: list[Any]) -> Any:
    try:
        return function.get_concrete_function(*specs)
    except TypeError as error:
        if "len is not well defined" not in str(error):
            raise
        raise NotImplementedError(
            "a tensor of a TensorFlow graph has no len(): the text must take it from its shape"
        ) from error


def _run(call: Function, arguments: tuple[Any, ...]) -> None:
    call(*arguments)


def _method(
    name: str,
    summary: str,
    kind: str,
    mode: Mode,
    graph: bool = True,
    xla: bool = False,
    operators: tuple[Operator, ...] = OPERATORS,
) -> Method:
    return Method(
        name=name,
        summary=summary,
        tool="tensorflow",
        mode=kind,
        reads=("tensorflow", "array"),
        operators=operators,
        prepare=partial(_prepare, mode, graph, xla),
        requires=("tensorflow",),
        imports=("tensorflow.experimental.numpy",),
        compiles=xla,
        own_process=True,
    )


METHODS = [
    _method(
        "tensorflow-eager",
        "GradientTape around f run eagerly; tape.jacobian, tapes of tapes, one pull a colour",
        "reverse",
        REVERSE,
        graph=False,
    ),
    _method(
        "tensorflow-function",
        "tensorflow-eager traced once into a graph by tf.function, run by TensorFlow's own kernels",
        "reverse",
        REVERSE,
    ),
    _method(
        "tensorflow-xla",
        "tensorflow-eager in tf.function(jit_compile=True): the graph compiled by XLA",
        "reverse",
        REVERSE,
        xla=True,
    ),
    _method(
        "tensorflow-xla-forward",
        "ForwardAccumulator, vectorised over variables or colours, compiled by XLA",
        "forward",
        FORWARD,
        xla=True,
        operators=(
            Operator.VALUE,
            Operator.DERIVATIVE,
            Operator.GRADIENT,
            Operator.JACOBIAN,
            Operator.JVP,
            Operator.PROPAGATE,
        ),
    ),
    _method(
        "tensorflow-xla-hessian",
        "ForwardAccumulator around a GradientTape (forward over reverse), compiled by XLA",
        "mixed",
        MIXED,
        xla=True,
        operators=SECOND,
    ),
]
