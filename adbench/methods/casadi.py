"""CasADi as its manual has you use it: an expression graph, differentiated once, evaluated often.

- `casadi-sx` runs the text on SX symbols: one graph of scalar operations, loops and arrays unrolled.
- `casadi-mx` runs the array text on MX symbols: a graph of operations of whole columns and matrices.
- `casadi-map` has the term of a sum as an SX function, mapped over the columns of data, and summed, which
  the manual advises for what is evaluated again and again (`Function.map`).
- `casadi-c` generates C, of the mapped term where there is one and else of the SX graph, compiled by
  gcc -O3 -march=native and loaded (`external`; CasADi's `Importer` with its shell compiler, as its `jit`
  would). The others evaluate in CasADi's virtual machine.

Functions of few numbers at each of many points are mapped too, but of MX. Gradients, Jacobians and Hessians
are CasADi's own (`gradient`, `jacobian`, `hessian`), products are `jtimes`, forward or reverse. Sparse
Jacobians come by CasADi's own detection and colouring of the sparsity, and are then laid out in the
problem's pattern; no product per colour is asked of it.

Floats of the data are symbols, never constants. Integers that index or count loops shape the graph and
are Python's own in it; integers that are only computed with are symbols.

All are called through a `FunctionBuffer`, which reads and writes NumPy buffers: a call of the Function
object itself converts its arguments by way of DM matrices, some 25 us more (CasADi 3.8.2). `prepare`
builds the graph and differentiates it, ``compile()`` has the C compiled. Everything is computed in the
calling thread (maps are "serial"). CasADi stores matrices by columns: `encode` lays data out so.

CasADi has no erfc (1 - erf has no digits in the tail) and no logarithm of the gamma function, and of MX no
Cholesky decomposition; a Python branch on a symbol it refuses.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from adbench.methods._casadi_graphs import pointwise, summed, whole
from adbench.methods._shared import OPERATORS, Function, deliver, made
from adbench.model import Form, Method, Operator, Point, Prepared, given


def _function(kind: str, form: Form, operator: Operator, point: Point) -> Callable[[], Any]:
    """The graph, of symbols of a kind, differentiated; what makes the CasADi Function of it."""
    import casadi as ca

    if form.elementwise and kind == "SX":
        one, n = pointwise(form, operator, point)
        data = list(range(form.elementwise, one.n_in()))
        names = [f"i{j}" for j in range(one.n_in())]
        mapped = one.map("points", "serial", n, data, [])
        inputs = [ca.MX.sym(s, *mapped.size_in(j)) for j, s in enumerate(names)]
        outputs = mapped.call(inputs)
        return lambda: ca.Function("f", inputs, outputs)
    if form.columns is not None:
        arguments, result = summed(form, operator, point)
    else:
        arguments, result = whole(kind, form, operator, point)
    return lambda: ca.Function("f", arguments, [result])


def _called(function: Any, k: int) -> Function:
    """``call(*arrays)`` through a buffer, into a new array; x goes in k parts, results come in rows."""
    buffer, run = function.buffer()
    outputs = [function.nnz_out(i) for i in range(function.n_out())]
    ends = np.cumsum([0, *outputs]).tolist()

    def call(*arguments: Any) -> Any:
        result = np.empty(ends[-1])
        for i, a in enumerate(arguments):
            buffer.set_arg(i, a.data)
        buffer.set_res(0, result.data)
        run()
        return result

    def by_parts(x: Any, *data: Any) -> Any:
        result, n = np.empty(ends[-1]), x.size // k
        for i in range(k):
            buffer.set_arg(i, x[i * n : (i + 1) * n].data)
        for i, a in enumerate(data):
            buffer.set_arg(k + i, a.data)
        for i in range(len(outputs)):
            buffer.set_res(i, result[ends[i] : ends[i + 1]].data)
        run()
        return result

    return by_parts if k else call


def _encode(form: Form, operator: Operator, point: Point) -> tuple[Any, ...]:
    """Vectors of float64; matrices by columns, of array texts by rows."""
    order: Any = "C" if form.name == "array" else "F"
    data = point.data if form.columns is None else form.columns(*point.data)
    parts = (point.x, *given(operator, point), *data)
    return tuple(np.array(a, dtype=np.float64).ravel(order).copy() for a in parts)


def _in_c(function: Any) -> Any:
    """The function as generated C, compiled by gcc and loaded."""
    import casadi as ca

    with tempfile.TemporaryDirectory() as folder:
        code = ca.CodeGenerator("adbench.c")
        code.add(function)
        path = code.generate(f"{folder}/")
        options: dict[str, Any] = {
            "compiler": "gcc",
            "flags": ["-O3", "-march=native"],
            "name": f"{os.path.relpath(folder)}/adbench",  # CasADi puts ./ before it
            "temp_suffix": False,
            "cleanup": False,  # the folder goes anyway
        }
        return ca.external(function.name(), ca.Importer(path, "shell", options))


def _prepare(kind: str, in_c: bool, form: Form, operator: Operator, point: Point) -> Prepared:
    if in_c and shutil.which("gcc") is None:
        raise NotImplementedError(
            "casadi-c has its C compiled by gcc, which is not found: install it (apt install gcc)"
        )
    parts = form.elementwise if kind == "SX" else 0
    make = _function(kind, form, operator, point)

    @lru_cache(maxsize=1)
    def ready() -> Function:
        return _called(_in_c(make()) if in_c else make(), parts)

    def call(*arguments: Any) -> Any:
        return ready()(*arguments)

    shape, finish = form.shape(operator, point), deliver(form, operator, point)
    return Prepared(
        call if in_c else ready(),
        partial(_encode, form, operator),
        lambda result: finish(np.reshape(result, shape)),
        compile=partial(made, ready) if in_c else None,
    )


def _method(name: str, summary: str, reads: tuple[str, ...]) -> Method:
    in_c = name == "casadi-c"
    return Method(
        name=name,
        summary=summary,
        tool="casadi",
        mode="mixed",
        reads=reads,
        operators=OPERATORS,
        prepare=partial(_prepare, "MX" if name == "casadi-mx" else "SX", in_c),
        requires=("casadi",),
        compiles=in_c,
    )


METHODS = [
    _method(
        "casadi-sx",
        "one unrolled graph of scalars (SX) in CasADi's virtual machine",
        ("array", "scalar"),
    ),
    _method("casadi-mx", "a graph of whole columns (MX) in CasADi's virtual machine", ("array",)),
    _method("casadi-map", "a term as SX function, mapped over the data in an MX graph", ("term",)),
    _method(
        "casadi-c",
        "mapped terms, or the SX graph, as generated C compiled by gcc -O3 -march=native",
        ("term", "array", "scalar"),
    ),
]
