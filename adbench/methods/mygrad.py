"""mygrad as its manual has you use it: NumPy code on tensors, ``backward()``, and the gradient is there.

``mygrad.tensor(x)`` records what is done to it; ``backward()`` of the result, with a vector for a
result that is none, puts u^T J into ``.grad`` and forgets the record (mygrad 2.5). So f is run
once for each row of a Jacobian, for each colour of its rows where it is sparse, and there is nothing
for second derivatives. Elementwise functions need one sweep for all points.

Memory guarding makes the arrays of a record read-only until it is forgotten; mygrad's manual has it
turned off where speed counts, which is a method of its own.

It has no erf, erfc, lgamma, and of linear algebra matmul, einsum and norms. Nothing is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np

from adbench.methods._array_words import array_tool_words, refused
from adbench.methods._callables import encoded, real_function
from adbench.methods._shared import (
    Function,
    chosen,
    compressed,
    deliver,
    joined,
    propagated,
)
from adbench.model import Form, Method, Operator, Pattern, Point, Prepared


def _build(form: Form) -> Function:
    import mygrad

    public = {k: v for k, v in vars(mygrad).items() if not k.startswith("_") and callable(v)}
    ours = {
        "asin": mygrad.arcsin,
        "acos": mygrad.arccos,
        "atan": mygrad.arctan,
        "atan2": mygrad.arctan2,
        "abs": mygrad.abs,
    }
    # makers of constants stay NumPy's: data and constants are no tensors
    makers = ("arange", "array", "eye", "full", "identity", "linspace", "ones", "zeros")
    functions = {k: v for k, v in public.items() if hasattr(np, k) and k not in makers}
    tensors = {k: v for k, v in functions.items() if not isinstance(v, type) or k in _UFUNCS}
    words = array_tool_words(
        "mygrad", {**tensors, **ours}, {}, lambda a: isinstance(a, mygrad.Tensor)
    )
    return joined(form, form.build(words))


# mygrad's ufuncs are classes
_UFUNCS = frozenset(name for name in dir(np) if isinstance(getattr(np, name), np.ufunc))


def _ways(f: Function, pattern: Pattern | None) -> Mapping[Operator, Function]:
    import mygrad

    def swept(x: Any, data: tuple[Any, ...], u: Any = None) -> tuple[Any, Any]:
        t = mygrad.tensor(x)
        value = f(t, *data)
        value.backward(u)
        return value, t.grad

    def both(x: Any, *data: Any) -> Any:
        value, gradient = swept(x, data)
        return value.item(), gradient

    def pulled(x: Any, *data: Any) -> Function:
        return lambda u: swept(x, data, u)[1]

    def jacobian(x: Any, *data: Any) -> Any:
        t = mygrad.tensor(x)
        value = f(t, *data)
        units = np.eye(len(value))
        value.backward(units[0])
        first = t.grad
        return np.stack([first, *(swept(x, data, unit)[1] for unit in units[1:])])

    return {
        Operator.DERIVATIVE: lambda x, *data: swept(x, data)[1],
        Operator.GRADIENT: lambda x, *data: swept(x, data)[1],
        Operator.VALUE_AND_GRADIENT: both,
        Operator.JACOBIAN: compressed(pattern, pulled, by_rows=True) if pattern else jacobian,
        Operator.VJP: lambda x, u, *data: swept(x, data, u)[1],
        Operator.PROPAGATE: propagated(jacobian),
    }


def _unguarded() -> AbstractContextManager[Any]:
    import mygrad

    off: AbstractContextManager[Any] = mygrad.mem_guard_off
    return off


def _prepare(context: Any, form: Form, operator: Operator, point: Point) -> Prepared:
    encode, decode = partial(encoded, form, operator), deliver(form, operator, point)
    if operator is Operator.VALUE:
        return Prepared(real_function(form, "mygrad"), encode, decode)
    pattern = point.pattern if operator is Operator.JACOBIAN else None
    way = refused("mygrad", chosen("mygrad", _ways(_build(form), pattern), operator))

    def call(*args: Any) -> Any:
        with context():
            return way(*args)

    return Prepared(way if context is nullcontext else call, encode, decode)


OPERATORS = (
    Operator.VALUE,
    Operator.DERIVATIVE,
    Operator.GRADIENT,
    Operator.VALUE_AND_GRADIENT,
    Operator.JACOBIAN,
    Operator.VJP,
    Operator.PROPAGATE,
)
GAPS = {
    "special-functions": "mygrad has no erf, erfc and lgamma",
    "nested-derivative": "mygrad has first derivatives only and cannot nest",
}

METHODS = [
    Method(
        name="mygrad-reverse",
        summary="tensors through NumPy code and backward(), memory guarded as by default",
        tool="mygrad",
        mode="reverse",
        reads=("array",),
        operators=OPERATORS,
        prepare=partial(_prepare, nullcontext),
        requires=("mygrad",),
        gaps=GAPS,
        imports=("adbench.dual.elementary",),
    ),
    Method(
        name="mygrad-reverse-unguarded",
        summary="the same under mem_guard_off, as its manual has it for speed",
        tool="mygrad",
        mode="reverse",
        reads=("array",),
        operators=OPERATORS,
        prepare=partial(_prepare, _unguarded),
        requires=("mygrad",),
        gaps=GAPS,
        imports=("adbench.dual.elementary",),
    ),
]
