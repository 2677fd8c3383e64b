"""ALGOPY as its manual has you use it: Taylor polynomials through NumPy code, or a traced graph.

Forward mode: ``UTPM.init_jacobian(x)`` makes an array of Taylor polynomials with a direction for each
variable, f runs on it once, and ``UTPM.extract_jacobian`` reads the result; in the same way
``init_hessian``, ``init_jac_vec``, ``init_hess_vec``. Reverse mode: f is traced once as a ``CGraph`` in
prepare, and ``gradient``, ``jacobian``, ``vec_jac``, ``jac_vec``, ``hessian``, ``hess_vec`` run the
graph at other points. The graph holds the data, so that the method is prepared at the data in question.

ALGOPY (0.7.2) has no where, concatenate and stack: results are put together as its manual has it, by
assignment into ``algopy.zeros(shape, dtype=x)``. Forward mode has neither atan2 nor erfc, and maxima of
whole arrays are left out. Nothing is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    parts,
    propagated,
)
from adbench.model import Form, Method, Operator, Pattern, Point, Prepared

NAMES = (
    "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "square",
    "arcsin", "arccos", "arctan", "absolute", "negative", "reciprocal", "sign", "maximum", "minimum",
    "dot", "outer", "prod", "reshape", "sum", "trace", "transpose", "diag", "tril", "triu",
)  # fmt: skip


# what ALGOPY raises where it has no rule for shapes or types, a plain Exception among them
STOPS = (Exception,)


def _build(form: Form, second: bool = False) -> Function:
    """The text for ALGOPY's arrays; `second`, of whose curvature forward mode is asked."""
    import algopy

    special: Any = algopy.special
    own = {name: getattr(algopy, name) for name in NAMES}
    own |= {
        "asin": algopy.arcsin,
        "acos": algopy.arccos,
        "atan": algopy.arctan,
        "abs": algopy.absolute,
        "matmul": algopy.dot,
        "erf": _inexact_erf if second else special.erf,
        "lgamma": special.gammaln,
        "concatenate": _concatenate,
        "stack": _stack,
    }
    linalg = {"cholesky": algopy.cholesky, "solve": _solve, "inv": algopy.inv}
    f: Function = form.build(array_tool_words("ALGOPY", own, linalg, _is_own))
    k = int(form.elementwise)
    if k < 2:
        return f
    # a graph's variables have a shape and no length
    return lambda x, *data: f(*(x[part] for part in parts(k, x.shape[0])), *data)


def _solve(a: Any, b: Any) -> Any:
    """ALGOPY's solve, which wants a matrix on the right."""
    import algopy

    if len(b.shape) > 1:
        return algopy.solve(a, b)
    return algopy.reshape(algopy.solve(a, algopy.reshape(b, (b.shape[0], 1))), b.shape)


def _inexact_erf(x: Any) -> Any:
    raise NotImplementedError(
        "ALGOPY's polynomials of erf lose digits in second derivatives (1 700 ulp in version 0.7.2)"
    )


def _is_own(a: Any) -> bool:
    import algopy

    return isinstance(a, (algopy.UTPM, algopy.Function))


def _concatenate(pieces: Any, axis: int = 0) -> Any:
    import algopy

    own = next((p for p in pieces if _is_own(p)), None)
    if own is None:
        return np.concatenate(pieces, axis)
    shape = list(pieces[0].shape)
    shape[axis] = sum(p.shape[axis] for p in pieces)
    result = algopy.zeros(tuple(shape), dtype=own)
    at = 0
    for p in pieces:
        end = at + p.shape[axis]
        result[(slice(None),) * axis + (slice(at, end),)] = p
        at = end
    return result


def _stack(pieces: Any, axis: int = 0) -> Any:
    import algopy

    own = next((p for p in pieces if _is_own(p)), None)
    if own is None:
        return np.stack(pieces, axis)
    shape = list(np.shape(pieces[0]) if not _is_own(pieces[0]) else pieces[0].shape)
    shape.insert(axis, len(pieces))
    result = algopy.zeros(tuple(shape), dtype=own)
    for i, p in enumerate(pieces):
        result[(slice(None),) * axis + (i,)] = p
    return result


def _forward(f: Function, k: int, pattern: Pattern | None) -> Mapping[Operator, Function]:
    from algopy import UTPM

    def both(x: Any, *data: Any) -> Any:
        y = f(UTPM.init_jacobian(x), *data)
        return y.data[0, 0], UTPM.extract_jacobian(y)

    def jacobian(x: Any, *data: Any) -> Any:
        return UTPM.extract_jacobian(f(UTPM.init_jacobian(x), *data))

    def jvp(x: Any, v: Any, *data: Any) -> Any:
        return UTPM.extract_jac_vec(f(UTPM.init_jac_vec(x, v), *data))

    def derivative(x: Any, *data: Any) -> Any:
        # points do not mix: one direction of ones for each of the k arrays
        found = np.empty(len(x))
        for part in parts(k, len(x)):
            ones = np.zeros(len(x))
            ones[part] = 1.0
            found[part] = jvp(x, ones, *data)
        return found

    def entries(x: Any, *data: Any) -> Any:
        assert pattern is not None
        polynomials = UTPM(np.stack([np.broadcast_to(x, seeds.shape), seeds]))
        return pattern.from_columns(f(polynomials, *data).data[1])

    seeds = np.zeros((0, 0))
    if pattern is not None:
        seeds = np.asarray(pattern.seeds, dtype=np.float64)
        # found when first asked for, and then kept: not in a timed call
        pattern.from_columns(np.zeros((len(seeds), pattern.shape[0])))
    return {
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: jacobian,
        Operator.VALUE_AND_GRADIENT: both,
        Operator.HESSIAN: lambda x, *data: UTPM.extract_hessian(
            len(x), f(UTPM.init_hessian(x), *data)
        ),
        Operator.HVP: lambda x, v, *data: UTPM.extract_hess_vec(
            len(x), f(UTPM.init_hess_vec(x, v), *data)
        ),
        Operator.JACOBIAN: entries if pattern else jacobian,
        Operator.JVP: jvp,
        Operator.PROPAGATE: propagated(jacobian),
    }


def _graph(
    f: Function, k: int, pattern: Pattern | None, point: Point
) -> Mapping[Operator, Function]:
    import algopy

    graph = algopy.CGraph()
    x, data = point.fresh()
    variables = algopy.Function(x)
    result = f(variables, *data)
    graph.independentFunctionList = [variables]
    graph.dependentFunctionList = [result]
    graph.trace_off()

    def pulled(x: Any, *_: Any) -> Function:
        return lambda u: graph.vec_jac(u, x)

    def derivative(x: Any, *_: Any) -> Any:
        # points do not mix: one sweep with ones gives all of them
        return graph.vec_jac(np.ones(len(x) // k), x)

    def jacobian(x: Any, *_: Any) -> Any:
        return graph.jacobian(x)

    return {
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: lambda x, *_: graph.gradient(x),
        Operator.HESSIAN: lambda x, *_: graph.hessian(x),
        Operator.HVP: lambda x, v, *_: graph.hess_vec(x, v),
        Operator.JACOBIAN: compressed(pattern, pulled, by_rows=True) if pattern else jacobian,
        Operator.JVP: lambda x, v, *_: graph.jac_vec(x, v),
        Operator.VJP: lambda x, u, *_: graph.vec_jac(u, x),
        Operator.PROPAGATE: propagated(jacobian),
    }


def _prepare_forward(form: Form, operator: Operator, point: Point) -> Prepared:
    encode, decode = partial(encoded, form, operator), deliver(form, operator, point)
    if operator is Operator.VALUE:
        return Prepared(real_function(form, "ALGOPY"), encode, decode)
    pattern = point.pattern if operator is Operator.JACOBIAN else None
    ways = _forward(_build(form, operator in SECOND), int(form.elementwise), pattern)
    call = refused("ALGOPY", chosen("ALGOPY", ways, operator), STOPS)
    return Prepared(call, encode, decode)


def _prepare_reverse(form: Form, operator: Operator, point: Point) -> Prepared:
    encode, decode = partial(encoded, form, operator), deliver(form, operator, point)
    if operator is Operator.VALUE:
        return Prepared(real_function(form, "ALGOPY"), encode, decode)
    pattern = point.pattern if operator is Operator.JACOBIAN else None
    traced = refused("ALGOPY", partial(_graph, _build(form), int(form.elementwise), pattern), STOPS)
    call = chosen("ALGOPY", traced(point), operator)
    return Prepared(refused("ALGOPY", call, STOPS), encode, decode)


FIRST = (Operator.VALUE, Operator.DERIVATIVE, Operator.GRADIENT)
SECOND = (Operator.HESSIAN, Operator.HVP)
GAPS = {
    "nested-derivative": "ALGOPY has no derivative inside a text: a direction more, but no nesting"
}

METHODS = [
    Method(
        name="algopy-forward",
        summary="UTPM: Taylor polynomials in all directions at once through NumPy code",
        tool="algopy",
        mode="forward",
        reads=("array",),
        operators=(
            *FIRST,
            Operator.VALUE_AND_GRADIENT,
            *SECOND,
            Operator.JACOBIAN,
            Operator.JVP,
            Operator.PROPAGATE,
        ),
        prepare=_prepare_forward,
        requires=("algopy",),
        gaps=GAPS,
        imports=("adbench.dual.elementary",),
    ),
    Method(
        name="algopy-reverse",
        summary="CGraph: traced once, then gradient, jacobian, hessian and products of the graph",
        tool="algopy",
        mode="reverse",
        reads=("array",),
        operators=(
            *FIRST,
            *SECOND,
            Operator.JACOBIAN,
            Operator.JVP,
            Operator.VJP,
            Operator.PROPAGATE,
        ),
        prepare=_prepare_reverse,
        requires=("algopy",),
        gaps=GAPS,
        bakes_data=True,
        imports=("adbench.dual.elementary",),
    ),
]
