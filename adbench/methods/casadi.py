"""CasADi as its manual has you use it: an expression graph, differentiated once, evaluated often.

A scalar text is run on SX symbols, its loops unrolled. A problem that is a sum over data offers one
term: an SX function, mapped over the columns of data and summed in an MX graph, as the manual advises
for repeated evaluation (`Function.map`). Functions of few numbers at each of many points are mapped
alike. Gradients, Jacobians and Hessians are CasADi's own (`gradient`, `jacobian`, `hessian`), products
are `jtimes`, forward or reverse. Sparse Jacobians come by CasADi's own detection and colouring of the
sparsity, and are then laid out in the problem's pattern; no product per colour is asked of it.

Floats of the data are symbols, never constants. Integers that index or count loops shape the graph and
are Python's own in it; integers that are only computed with are symbols.

`casadi-sx` evaluates the graph in CasADi's virtual machine; `casadi-c` generates C from it, compiled
by gcc -O3 -march=native (CasADi's `Importer` with its shell compiler, as its `jit` would). Both are called through a
`FunctionBuffer`, which reads and writes NumPy buffers: a call of the Function object itself converts
its arguments by way of DM matrices, some 25 us more (CasADi 3.8.2). `prepare` builds the graph and
differentiates it, ``compile()`` has the C compiled. CasADi stores matrices by columns: `encode` lays
data out so.

CasADi has no erfc (1 - erf has no digits in the tail) and no logarithm of the gamma function; a
Python branch on a symbol it refuses.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from adbench.methods._shared import ELEMENTWISE, OPERATORS, Function, deliver
from adbench.model import ELEMENTARY, Form, Method, Operator, Pattern, Point, Prepared, given
from adbench.model import namespace as made

# Beyond so many numbers in the data, unrolled text takes minutes and gigabytes.
MOST_DATA = 200_000


def _words() -> ModuleType:
    import casadi as ca

    def missing(word: str) -> Callable[..., NoReturn]:
        def refuse(*_: Any) -> NoReturn:
            raise NotImplementedError(f"CasADi has no function {word}, which this text uses")

        return refuse

    def derivative(g: Callable[[Any], Any], t: Any) -> Any:
        inside = ca.SX.sym("t")
        slope = ca.jacobian(ca.SX(g(inside)), inside)
        return ca.substitute(slope, inside, ca.SX(t))

    words = {w: getattr(ca, w, None) or missing(w) for w in ELEMENTARY}
    return made("casadi", {**words, "derivative": derivative})


def _symbols(name: str, value: Any, whole: bool) -> tuple[Any, Any]:
    """A symbol like one datum, by columns, and what a text takes for it: numbers in nested lists.

    Integers stay as they are if `whole` asks for it.
    """
    import casadi as ca

    array = np.asarray(value)
    shape = (array.size, 1) if array.ndim != 2 else array.shape
    symbol = ca.SX.sym(name, *shape)
    if array.dtype.kind in "iu" and (whole or not array.ndim):
        return symbol, value if not array.ndim else array.tolist()
    numbers = ca.vertsplit(ca.vec(symbol)) if array.size else []
    if not array.ndim:
        return symbol, numbers[0]
    if array.ndim == 1:
        return symbol, numbers
    if array.ndim > 2:
        raise NotImplementedError(
            f"CasADi's matrices have two axes, and the data have {array.ndim}"
        )
    return symbol, [numbers[i :: array.shape[0]] for i in range(array.shape[0])]


def _run(form: Form, xs: Sequence[Any], data: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    """The text run on symbols: a column of its results, and the symbols of the data."""
    import casadi as ca

    f = form.build(_words())
    for whole in (False, True):
        made = [_symbols(f"d{i}", d, whole) for i, d in enumerate(data)]
        texts = [text for _, text in made]
        try:
            found = f(*xs, *texts) if form.elementwise else f(list(xs), *texts)
        except TypeError:
            if whole:
                raise
        except RuntimeError as error:
            if "truth value" not in str(error):
                raise
            raise NotImplementedError(
                "CasADi cannot follow a branch or a loop that depends on a value: its graphs have none"
            ) from error
        else:
            column = ca.vertcat(*found) if isinstance(found, list) else ca.SX(found)
            return column, [symbol for symbol, _ in made]
    raise AssertionError("unreachable")


def _derived(operator: Operator, y: Any, x: Any, extra: Sequence[Any], pattern: Any) -> Any:
    """The expression of an operator's result; matrices transposed, as NumPy stores them by rows."""
    import casadi as ca

    if operator is Operator.VALUE:
        return y
    if operator is Operator.JVP:
        return ca.jtimes(y, x, extra[0])
    if operator is Operator.VJP:
        return ca.jtimes(y, x, extra[0], True)
    if operator in (Operator.JACOBIAN, Operator.PROPAGATE):
        jacobian = ca.jacobian(y, x)
        if operator is Operator.PROPAGATE:
            return ca.mtimes([jacobian, extra[0], jacobian.T])
        return jacobian.T if pattern is None else ca.project(jacobian.T, _sparsity(pattern))
    if operator is Operator.HESSIAN:
        return ca.hessian(y, x)[0]
    gradient = ca.gradient(y, x)
    if operator is Operator.VALUE_AND_GRADIENT:
        return ca.vertcat(y, gradient)
    if operator is Operator.HVP:
        return ca.jtimes(gradient, x, extra[0])
    if operator is Operator.NEWTON_DIRECTION:
        return gradient / ca.jtimes(gradient, x, ca.DM.ones(x.shape[0], 1))
    return gradient


def _sparsity(pattern: Pattern) -> Any:
    """The transposed pattern by columns, which is the pattern by rows."""
    import casadi as ca

    m, n = pattern.shape
    return ca.Sparsity(n, m, pattern.rows.tolist(), pattern.columns.tolist())


def _whole(form: Form, operator: Operator, point: Point) -> tuple[list[Any], Any]:
    """Arguments and result of a function of all variables, its text unrolled."""
    import casadi as ca

    if sum(np.size(d) for d in point.data) > MOST_DATA:
        raise NotImplementedError(
            f"CasADi would unroll the loop over more than {MOST_DATA} data into one graph; the problem "
            "offers no term to map instead"
        )
    x = ca.SX.sym("x", len(point.x))
    y, data = _run(form, ca.vertsplit(x), point.data)
    extra = [ca.SX.sym("v", *a.shape) for a in given(operator, point)]
    pattern = None if form.elementwise else point.pattern
    return [x, *extra, *data], _dense(_derived(operator, y, x, extra, pattern), operator, pattern)


def _dense(result: Any, operator: Operator, pattern: Pattern | None) -> Any:
    import casadi as ca

    kept = operator is Operator.JACOBIAN and pattern is not None
    return result if kept else ca.densify(result)


def _summed(form: Form, operator: Operator, point: Point) -> tuple[list[Any], Any]:
    """The same of a sum over data: the term mapped over the columns, in an MX graph."""
    import casadi as ca

    assert form.columns is not None
    columns = form.columns(*point.data)
    n, rows = len(point.x), len(columns[0])
    inner = ca.SX.sym("x", n)
    y, data = _run(form, ca.vertsplit(inner), tuple(0.0 for _ in columns))
    term = ca.Function("term", [inner, *data], [y])
    x = ca.MX.sym("x", n)
    over = [ca.MX.sym(f"c{i}", 1, rows) for i in range(len(columns))]
    total = ca.sum2(term.map("terms", "serial", rows, [0], [])(x, *over))
    extra = [ca.MX.sym("v", *a.shape) for a in given(operator, point)]
    result = _derived(operator, total, x, extra, None)
    return [x, *extra, *over], _dense(result, operator, None)


def _pointwise(form: Form, operator: Operator, point: Point) -> Any:
    """The mapped function of an elementwise form: k rows and the data in, one row or k out."""
    import casadi as ca

    if operator not in ELEMENTWISE:
        raise NotImplementedError(f"'{operator.value}' of a function of few numbers at each point")
    k = form.elementwise
    x = ca.SX.sym("x", k)
    y, data = _run(form, ca.vertsplit(x), point.data)
    out = ca.densify(y if operator is Operator.VALUE else ca.gradient(y, x))
    one = ca.Function("one", [*ca.vertsplit(x), *data], ca.vertsplit(out))
    return one, len(point.x) // k


def _function(form: Form, operator: Operator, point: Point) -> Callable[[], Any]:
    """The graph, differentiated; what makes the CasADi Function of it."""
    import casadi as ca

    if form.elementwise:
        one, n = _pointwise(form, operator, point)
        data = list(range(form.elementwise, one.n_in()))
        names = [f"i{j}" for j in range(one.n_in())]
        mapped = one.map("points", "serial", n, data, [])
        inputs = [ca.MX.sym(s, *mapped.size_in(j)) for j, s in enumerate(names)]
        outputs = mapped.call(inputs)
        return lambda: ca.Function("f", inputs, outputs)
    of = _summed if form.columns is not None else _whole
    arguments, result = of(form, operator, point)
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
    """Vectors of float64, matrices by columns."""
    data = point.data if form.columns is None else form.columns(*point.data)
    parts = (point.x, *given(operator, point), *data)
    return tuple(np.array(a, dtype=np.float64).ravel(order="F").copy() for a in parts)


def _in_c(function: Any) -> Any:
    """The function as generated C, compiled by gcc and loaded."""
    import casadi as ca

    with tempfile.TemporaryDirectory() as folder:
        code = ca.CodeGenerator("adbench.c")
        code.add(function)
        path = code.generate(f"{folder}/")
        options = {
            "compiler": "gcc",
            "flags": ["-O3", "-march=native"],
            "name": f"{os.path.relpath(folder)}/adbench",  # CasADi puts ./ before it
            "temp_suffix": False,
            "cleanup": False,  # the folder goes anyway
        }
        return ca.external(function.name(), ca.Importer(path, "shell", options))


def _made(ready: Callable[[], Function]) -> None:
    ready()


def _prepare(in_c: bool, form: Form, operator: Operator, point: Point) -> Prepared:
    if in_c and shutil.which("gcc") is None:
        raise NotImplementedError(
            "casadi-c has its C compiled by gcc, which is not found: install it (apt install gcc)"
        )
    make = _function(form, operator, point)

    @lru_cache(maxsize=1)
    def ready() -> Function:
        return _called(_in_c(make()) if in_c else make(), form.elementwise)

    def call(*arguments: Any) -> Any:
        return ready()(*arguments)

    shape, finish = form.shape(operator, point), deliver(form, operator, point)
    return Prepared(
        call if in_c else ready(),
        partial(_encode, form, operator),
        lambda result: finish(np.reshape(result, shape)),
        compile=partial(_made, ready) if in_c else None,
    )


def _method(name: str, summary: str, in_c: bool) -> Method:
    return Method(
        name=name,
        summary=summary,
        tool="casadi",
        mode="mixed",
        reads=("term", "scalar"),
        operators=OPERATORS,
        prepare=partial(_prepare, in_c),
        requires=("casadi",),
        gaps={"branches": "CasADi's graphs have no branch on a value that Python code could take"},
        compiles=in_c,
    )


METHODS = [
    _method("casadi-sx", "an SX graph (terms mapped over data) in CasADi's virtual machine", False),
    _method("casadi-c", "the same graph as generated C, compiled by gcc -O3 -march=native", True),
]
