"""PyTensor as its manual has you use it: a symbolic graph of whole arrays, differentiated, compiled once.

The array text is run on PyTensor's variables, whose lengths are static (`pt.tensor(shape=...)`); `grad`,
`jacobian`, `Lop` and `Rop` (reverse over reverse, PyTensor's default) extend the graph;
`pytensor.function` rewrites and compiles it. x and all arrays of data are inputs, copied and checked by
nobody (`borrow`, `trust_input`); plain whole numbers stay Python's and shape the graph.

Rows of Jacobians and Hessians are taken together (``vectorize=True``), not in a loop by `scan`: of PyTensor
2.38 the Hessian of rosenbrock[100] then takes half the time by Numba and a seventh by C. So are the
products of a sparse Jacobian, one a colour of the rows, up to `TOGETHER` numbers; beyond, one call a colour.

`pytensor-numba` compiles the whole graph by Numba, to one function; `pytensor-c` compiles an operation
a C module and runs them in the C virtual machine (mode "CVM": the linker of one C function for the
whole graph, mode "C", fails for graphs with operations of Python). `prepare` builds and differentiates the
graph; ``compile()`` runs `pytensor.function`, which rewrites it and compiles C, and calls it once, when
Numba compiles.

PyTensor keeps what it compiled, C modules and Numba's functions, under ``config.base_compiledir``
(``~/.pytensor``) and finds it again: compiling is cold only where that folder is new, as it is in a
benchmark's worker. Both compile for one thread. From wheels alone PyTensor's C finds no BLAS and uses
NumPy's; the flag ``blas__ldflags`` in PYTENSOR_FLAGS names another.

Needs pytensor < 2.38.3: that and version 3 ask for a Numba older than the one that the rest uses.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from adbench.methods._pytensor_words import known_lengths, variable, words
from adbench.methods._shared import (
    GRADIENTS,
    OPERATORS,
    Function,
    arrays,
    compressed,
    deliver,
    joined,
    made,
)
from adbench.model import Form, Method, Operator, Pattern, Point, Prepared, given

# Numbers (8 MiB, what caches hold) that the products of a sparse Jacobian have when taken together.
TOGETHER = 2**20


def _derived(operator: Operator, y: Any, x: Any, extra: list[Any]) -> list[Any]:
    """The results of an operator as variables of the graph."""
    import pytensor
    from pytensor import gradient
    from pytensor import tensor as pt

    if operator is Operator.VALUE:
        return [y]
    if operator is Operator.DERIVATIVE:
        return [pytensor.grad(pt.sum(y), x)]
    if operator is Operator.VJP:
        return [gradient.Lop(y, x, extra[0])]
    if operator is Operator.JVP:
        return [gradient.Rop(y, x, extra[0])]
    if operator in (Operator.JACOBIAN, Operator.PROPAGATE):
        jacobian = gradient.jacobian(y, x, vectorize=True)
        return [jacobian if operator is Operator.JACOBIAN else jacobian @ extra[0] @ jacobian.T]
    if operator is Operator.HESSIAN:
        return [gradient.jacobian(pytensor.grad(y, x), x, vectorize=True)]
    slope = pytensor.grad(y, x)
    if operator is Operator.HVP:
        return [pytensor.grad(pt.dot(slope, extra[0]), x)]
    if operator is Operator.NEWTON_DIRECTION:
        return [slope / pytensor.grad(pt.sum(slope), x)]
    return [y, slope] if operator is Operator.VALUE_AND_GRADIENT else [slope]


def _entries(y: Any, x: Any, pattern: Pattern) -> Any:
    """The entries of a sparse Jacobian in the order of the pattern: all products, then picked out."""
    from pytensor import gradient
    from pytensor import tensor as pt
    from pytensor.graph.replace import vectorize_graph

    u = pt.tensor("u", dtype="float64", shape=(pattern.shape[0],))
    colours = pattern.row_colours
    count = int(colours.max(initial=0)) + 1
    seeds = (colours == np.arange(count)[:, None]).astype(np.float64)
    products = vectorize_graph(gradient.Lop(y, x, u), {u: pt.constant(seeds)})
    places = colours[pattern.row_of] * pattern.shape[1] + pattern.columns
    return pt.flatten(products)[pt.constant(places)]


def _graph(
    form: Form, operator: Operator, point: Point, pattern: Pattern | None
) -> tuple[list[Any], list[Any]]:
    """Inputs and outputs of the graph, of a sparse Jacobian with its pattern."""
    from pytensor import tensor as pt

    f = joined(form, form.build(words()))
    parts = (point.x, *given(operator, point), *point.data)
    variables = [p if isinstance(p, int) else variable(f"i{i}", p) for i, p in enumerate(parts)]
    x, after = variables[0], 1 + len(given(operator, point))
    try:
        with known_lengths():
            y = pt.as_tensor_variable(f(x, *variables[after:]))
        if pattern is None:
            outputs = _derived(operator, y, x, variables[1:after])
        else:
            outputs = [_entries(y, x, pattern)]
    except RecursionError as error:
        raise _too_deep() from error
    except (AttributeError, NotImplementedError, TypeError) as error:
        raise NotImplementedError(
            f"PyTensor's arrays or gradients lack something that this text uses: {error}"
        ) from error
    return [v for v in variables if not isinstance(v, int)], outputs


def _too_deep() -> NotImplementedError:
    return NotImplementedError(
        "PyTensor walks its graphs by recursion, and this text's loop, unrolled, is too deep for Python; its "
        "own loop is scan, which array texts do not write"
    )


def _compiled(mode: str, inputs: list[Any], outputs: list[Any]) -> Function:
    """``pytensor.function``; inputs are not copied, and outputs are new arrays."""
    import pytensor

    found: Function = pytensor.function(
        [pytensor.In(v, borrow=True) for v in inputs],
        outputs if len(outputs) > 1 else outputs[0],
        mode=mode,
        on_unused_input="ignore",
        trust_input=True,
    )
    return found


def _has_compiler() -> bool:
    import pytensor

    return bool(pytensor.config.cxx)


def _prepare(mode: str, form: Form, operator: Operator, point: Point) -> Prepared:
    if mode == "CVM" and not _has_compiler():
        raise NotImplementedError(
            "pytensor-c needs a C++ compiler, without which PyTensor would fall back to Python in "
            "silence: install one (apt install g++)"
        )
    if operator in (*GRADIENTS, Operator.HESSIAN) and form.elementwise:
        raise NotImplementedError(f"'{operator.value}' of a function at each of many points")
    sparse = operator is Operator.JACOBIAN and not form.elementwise
    pattern = point.pattern if sparse else None
    apart = pattern is not None and _numbers(pattern) > TOGETHER
    asked = Operator.VJP if apart else operator
    inputs, outputs = _graph(form, asked, point, None if apart else pattern)
    first = _encode(asked, point)

    @lru_cache(maxsize=1)
    def ready() -> Function:
        try:
            made = _compiled(mode, inputs, outputs)
        except RecursionError as error:
            raise _too_deep() from error
        made(*first)
        return made

    def call(*arguments: Any) -> Any:
        return ready()(*arguments)

    if apart and pattern is not None:
        call = compressed(pattern, lambda x, *d: lambda u: ready()(x, u, *d), by_rows=True)
    finish = deliver(form, operator, point)
    return Prepared(
        call,
        partial(_encode, operator),
        lambda found: finish(tuple(found) if isinstance(found, list) else found),
        compile=partial(made, ready),
    )


def _numbers(pattern: Pattern) -> int:
    """How many numbers the products of all colours of the rows have."""
    return (int(pattern.row_colours.max(initial=0)) + 1) * pattern.shape[1]


def _encode(operator: Operator, point: Point) -> tuple[Any, ...]:
    """Arguments of a call: plain floats as arrays without axes, which `trust_input` asks for, and no
    plain whole numbers, which are part of the graph.
    """
    found = (a for a in arrays(operator, point) if not isinstance(a, int))
    return tuple(np.array(a) if isinstance(a, float) else a for a in found)


def _method(name: str, summary: str, mode: str) -> Method:
    prepare: Callable[[Form, Operator, Point], Prepared] = partial(_prepare, mode)
    return Method(
        name=name,
        summary=summary,
        tool="pytensor",
        mode="reverse",
        reads=("array",),
        operators=OPERATORS,
        prepare=prepare,
        requires=("pytensor",),
        imports=("pytensor.tensor", "pytensor.tensor.special", "pytensor.gradient"),
        compiles=True,
    )


METHODS = [
    _method(
        "pytensor-numba", "the graph and its derivatives compiled by Numba (mode NUMBA)", "NUMBA"
    ),
    _method("pytensor-c", "the same graph by C modules in the C virtual machine (mode CVM)", "CVM"),
]
